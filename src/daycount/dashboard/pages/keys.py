"""API keys: the list, a new one that is shown once, rotating and revoking."""

from datetime import timedelta
from typing import Any, Final

from daycount import errors
from daycount.dashboard.http import Response, path_to, redirect
from daycount.dashboard.listing import Cell, Column, Empty, Source, read_listing
from daycount.dashboard.routing import Pages
from daycount.dashboard.visit import Visit
from daycount.organizations.permissions import RESOURCES

pages = Pages()
_GRACE: Final = (("0", "at once"), ("1", "in a day"), ("7", "in a week"), ("30", "in thirty days"))
_COLUMNS: Final = (
    Column("Key"),
    Column("Ends with", "code"),
    Column("May"),
    Column("Made", "date", is_extra=True),
    Column("Last used", "moment"),
    Column("Expires", "moment", is_extra=True),
)


def _may(permissions: dict[str, list[str]]) -> str:
    written = sum("write" in modes for modes in permissions.values())
    read = sum("read" in modes for modes in permissions.values())
    if written == read == len(RESOURCES):
        return "Everything"
    return "Read everything" if read == len(RESOURCES) and not written else f"Read {read}, write {written} of {len(RESOURCES)}"


@pages.get("/api-keys", access="admin")
def list_keys(visit: Visit) -> Response:
    """List API keys."""

    def row(item: Any) -> tuple[Cell, ...]:
        return (
            Cell(item["name"] or "Without a name", path_to("/api-keys/{}", item["lago_id"])),
            Cell(item["value"][-4:]),
            Cell(_may(item["permissions"])),
            Cell(item["created_at"]),
            Cell(item["last_used_at"]),
            Cell(item["expires_at"]),
        )

    listing = read_listing(visit, Source("/api_keys", [], "api_keys", {}, row), _COLUMNS, empty=Empty("No key", "Make one."))
    listing = listing._replace(has_csv=False)
    return visit.render(
        "list.html",
        title="API keys",
        nav="api-keys",
        listing=listing,
        noun=("key", "keys"),
        lead="Whoever holds a key acts for this organization. Keys are kept as digests; a new one is shown once.",
        actions=[("New key", "/api-keys/new")],
    )


@pages.get("/api-keys/new", access="admin")
def new_key(visit: Visit) -> Response:
    """Ask what a new key is for."""
    return visit.render("key_form.html", title="New API key", nav="api-keys")


@pages.post("/api-keys/new", access="admin")
def create_key(visit: Visit) -> Response:
    """Make a key and show it, this once."""
    permissions = {key: ["read"] for key in RESOURCES} if visit.form.one("may") == "read" else None
    body = {
        "api_key": {"name": visit.form.one("name") or None, "permissions": permissions, "expires_at": visit.form.one("expires_at") or None}
    }
    made = visit.attempt(lambda: visit.send("POST", "/api_keys", body=body))
    if made is None:
        return visit.render_refused("key_form.html", title="New API key", nav="api-keys")
    visit.made.clear()
    return visit.render("key_made.html", title="Your new API key", nav="api-keys", key=made["api_key"], url=visit.public_url)


@pages.get("/api-keys/{lago_id}", access="admin")
def show_key(visit: Visit) -> Response:
    """Show a key and what it may do."""
    return _show(visit)


def _show(visit: Visit, status: int = 200) -> Response:
    key = visit.get("/api_keys/{}", visit.path["lago_id"])["api_key"]
    here = path_to("/api-keys/{}", key["lago_id"])
    return visit.render(
        "key.html",
        status=status,
        title=key["name"] or "API key",
        nav="api-keys",
        key=key,
        may=_may(key["permissions"]),
        here=here,
        grace=_GRACE,
    )


@pages.post("/api-keys/{lago_id}/rotate", access="admin")
def rotate_key(visit: Visit) -> Response:
    """Put a new key in the place of one that works on for some days; the new one is shown this once."""
    days = int(visit.form.one("days")) if visit.form.one("days") in dict(_GRACE) else 0
    body = {"api_key": {"expires_at": (visit.real_now + timedelta(days=days)).isoformat()}} if days else {"api_key": {}}
    made = visit.attempt(lambda: visit.send("POST", "/api_keys/{}/rotate", visit.path["lago_id"], body=body))
    if made is None:
        if isinstance(visit.refused, errors.NotFound):
            raise visit.refused
        return _show(visit, status=409)
    visit.made.clear()
    return visit.render("key_made.html", title="Your new API key", nav="api-keys", key=made["api_key"], url=visit.public_url)


@pages.post("/api-keys/{lago_id}/revoke", access="admin")
def revoke_key(visit: Visit) -> Response:
    """Let a key expire now."""
    if visit.attempt(lambda: visit.send("DELETE", "/api_keys/{}", visit.path["lago_id"])) is None:
        if isinstance(visit.refused, errors.NotFound):
            raise visit.refused
        return _show(visit, status=409)
    return redirect("/api-keys", {"done": "key_revoked"})
