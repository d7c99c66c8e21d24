"""Webhooks: what was told to whom, telling it again, and the endpoints, which administrators manage as they do keys."""

from typing import Any, Final

from daycount.dashboard import formats
from daycount.dashboard.http import Response, path_to, redirect
from daycount.dashboard.listing import Cell, Column, Empty, Filter, Source, export, read_listing
from daycount.dashboard.routing import Pages
from daycount.dashboard.visit import Visit
from daycount.webhooks.event_types import EVENT_TYPES
from daycount.webhooks.records import Algorithm, Status

pages = Pages()
_COLUMNS: Final = (
    Column("Time", "moment"),
    Column("Type", "code"),
    Column("Status", "status"),
    Column("Answer", "number", is_extra=True),
    Column("Attempts", "number"),
    Column("To", is_extra=True),
)
_ENDPOINT_COLUMNS: Final = (
    Column("Endpoint"),
    Column("Gets", "chips"),
    Column("Signed by", is_extra=True),
    Column("Made", "date", is_extra=True),
)
ALGORITHMS: Final = (
    (Algorithm.JWT.value, "JWT: verified by the server's public key"),
    (Algorithm.HMAC.value, "HMAC: verified by a shared secret"),
    (Algorithm.STANDARD.value, "Standard Webhooks: verified by a shared secret"),
)
_MOST_SHOWN: Final = 3
_TABS: Final = (("deliveries", "Deliveries", "/webhooks"), ("endpoints", "Endpoints", "/webhook-endpoints"))


def _tabs(visit: Visit) -> Any:
    return _TABS if visit.may("api_key") else ()


@pages.get("/webhooks")
def list_webhooks(visit: Visit) -> Response:
    """List what was told, the latest first."""
    status, kind = visit.query.one("status"), visit.query.one("type")
    query = {
        "status": [status] if status in set(Status) else None,
        "webhook_type": [kind] if kind else None,
        "object_id": visit.query.one("object"),
    }

    def row(item: Any) -> tuple[Cell, ...]:
        return (
            Cell(item["created_at"]),
            Cell(item["webhook_type"], path_to("/webhooks/{}", item["lago_id"])),
            Cell(item["status"]),
            Cell(item["http_status"]),
            Cell(item["attempts_count"]),
            Cell(formats.shorten(item["webhook_url"], 60)),
        )

    source = Source("/webhooks", [], "webhooks", query, row)
    if visit.query.one("as") == "csv":
        return export(visit, source, _COLUMNS, name="webhooks")
    filters = (
        Filter("type", "Any type", [(name, name) for name in EVENT_TYPES]),
        Filter("status", "Any status", [(item.value, formats.sentence(item.value)) for item in Status]),
    )
    empty = Empty(
        "Nothing was told yet",
        "An endpoint of yours hears of invoices, payments and usage as they happen. Nobody is told before there is one.",
        "New endpoint" if visit.may("api_key") else None,
        "/webhook-endpoints/new",
    )
    listing = read_listing(visit, source, _COLUMNS, filters=filters, empty=empty)
    return visit.render(
        "list.html",
        title="Webhooks",
        nav="webhooks",
        listing=listing,
        noun=("delivery", "deliveries"),
        tabs=_tabs(visit),
        tab="deliveries",
    )


@pages.get("/webhooks/{lago_id}")
def show_webhook(visit: Visit) -> Response:
    """Show one delivery: what was sent, and what came back at each attempt."""
    webhook = visit.get("/webhooks/{}", visit.path["lago_id"])["webhook"]
    return visit.render(
        "webhook.html", title=webhook["webhook_type"], nav="webhooks", webhook=webhook, here=path_to("/webhooks/{}", webhook["lago_id"])
    )


@pages.post("/webhooks/{lago_id}/resend")
def resend_webhook(visit: Visit) -> Response:
    """Send it again, with the same id and body."""
    visit.send("POST", "/webhooks/{}/resend", visit.path["lago_id"])
    return redirect(path_to("/webhooks/{}", visit.path["lago_id"]), {"done": "resent"})


@pages.get("/webhook-endpoints", access="admin")
def list_endpoints(visit: Visit) -> Response:
    """List where webhooks go."""

    def row(item: Any) -> tuple[Cell, ...]:
        types = item["event_types"]
        more = len(types or ()) - _MOST_SHOWN
        shown = ["everything"] if types is None else types[:_MOST_SHOWN] + ([f"{more} more"] if more > 0 else [])
        return (
            Cell(item["name"] or item["webhook_url"], path_to("/webhook-endpoints/{}", item["lago_id"]), item["webhook_url"]),
            Cell(shown),
            Cell(dict(ALGORITHMS)[item["signature_algo"]].partition(":")[0]),
            Cell(item["created_at"]),
        )

    empty = Empty(
        "No endpoint yet", "An endpoint is an address of yours that hears what happens.", "New endpoint", "/webhook-endpoints/new"
    )
    source = Source("/webhook_endpoints", [], "webhook_endpoints", {}, row)
    listing = read_listing(visit, source, _ENDPOINT_COLUMNS, empty=empty)._replace(has_csv=False)
    return visit.render(
        "list.html",
        title="Webhooks",
        nav="webhooks",
        listing=listing,
        noun=("endpoint", "endpoints"),
        tabs=_tabs(visit),
        tab="endpoints",
        actions=[("New endpoint", "/webhook-endpoints/new")],
    )


@pages.get("/webhook-endpoints/new", access="admin")
def new_endpoint(visit: Visit) -> Response:
    """Ask where webhooks shall go."""
    return _form(visit, {})


@pages.post("/webhook-endpoints/new", access="admin")
def create_endpoint(visit: Visit) -> Response:
    """Add an endpoint."""
    made = visit.attempt(lambda: visit.send("POST", "/webhook_endpoints", body={"webhook_endpoint": _read(visit)}))
    if made is None:
        return _form(visit, {}, status=422)
    return redirect(path_to("/webhook-endpoints/{}", made["webhook_endpoint"]["lago_id"]), {"done": "created"})


@pages.get("/webhook-endpoints/{lago_id}", access="admin")
def edit_endpoint(visit: Visit) -> Response:
    """Show an endpoint to be changed, with the secret that verifies what it gets."""
    return _form(visit, visit.get("/webhook_endpoints/{}", visit.path["lago_id"])["webhook_endpoint"])


@pages.post("/webhook-endpoints/{lago_id}", access="admin")
def update_endpoint(visit: Visit) -> Response:
    """Change an endpoint."""
    endpoint = visit.get("/webhook_endpoints/{}", visit.path["lago_id"])["webhook_endpoint"]
    body = {"webhook_endpoint": _read(visit)}
    if visit.attempt(lambda: visit.send("PUT", "/webhook_endpoints/{}", endpoint["lago_id"], body=body)) is None:
        return _form(visit, endpoint, status=422)
    return redirect(path_to("/webhook-endpoints/{}", endpoint["lago_id"]), {"done": "saved"})


@pages.post("/webhook-endpoints/{lago_id}/delete", access="admin")
def delete_endpoint(visit: Visit) -> Response:
    """Delete an endpoint with all that was told to it."""
    visit.send("DELETE", "/webhook_endpoints/{}", visit.path["lago_id"])
    return redirect("/webhook-endpoints", {"done": "deleted"})


def _read(visit: Visit) -> dict[str, Any]:
    types = visit.form.many("event_type")
    return {**visit.form.given("webhook_url", "name", "signature_algo"), "event_types": types or None}


def _form(visit: Visit, endpoint: Any, *, status: int = 200) -> Response:
    chosen = visit.form.many("event_type") if visit.request.method == "POST" else endpoint.get("event_types") or []
    groups: dict[str, list[str]] = {}
    for name in EVENT_TYPES:
        groups.setdefault(name.partition(".")[0], []).append(name)
    return visit.render(
        "webhook_endpoint.html",
        status=status,
        title=(endpoint["name"] or "Webhook endpoint") if endpoint else "New endpoint",
        nav="webhooks",
        endpoint=endpoint,
        groups=groups.items(),
        chosen=set(chosen),
        algorithms=ALGORITHMS,
        here=path_to("/webhook-endpoints/{}", endpoint["lago_id"]) if endpoint else "/webhook-endpoints",
    )
