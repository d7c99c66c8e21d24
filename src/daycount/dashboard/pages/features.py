"""Features with their privileges, and what plans and subscriptions entitle to."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from daycount.dashboard import formats
from daycount.dashboard.http import Response, path_to, redirect
from daycount.dashboard.listing import Cell, Column, Empty, Filter, Source, export, read_listing
from daycount.dashboard.routing import Pages
from daycount.dashboard.visit import Visit

pages = Pages()
_COLUMNS: Final = (
    Column("Feature"),
    Column("Code", "code"),
    Column("Privileges", "chips"),
    Column("Description", is_extra=True),
    Column("Made", "date", is_extra=True),
)
VALUE_TYPES: Final = (("integer", "Whole number"), ("boolean", "Yes or no"), ("string", "Text"), ("select", "One of some options"))
_MOST_FEATURES: Final = 200
_MOST_ROWS: Final = 60

Thing = Mapping[str, Any]


@pages.get("/features")
def list_features(visit: Visit) -> Response:
    """List features."""

    def row(item: Any) -> tuple[Cell, ...]:
        return (
            Cell(item["name"] or item["code"], path_to("/features/{}", item["code"])),
            Cell(item["code"]),
            Cell([privilege["name"] or privilege["code"] for privilege in item["privileges"]][:4]),
            Cell(formats.shorten(item["description"], 80)),
            Cell(item["created_at"]),
        )

    source = Source("/features", [], "features", {"search_term": visit.query.one("search")}, row)
    if visit.query.one("as") == "csv":
        return export(visit, source, _COLUMNS, name="features")
    text = "A feature is something a plan lets its customers use, such as single sign-on, with limits as its privileges."
    empty = Empty("No feature yet", text, "New feature", "/features/new")
    listing = read_listing(visit, source, _COLUMNS, filters=(Filter("search", "Name or code"),), empty=empty)
    actions = [("New feature", "/features/new")] if visit.may("feature") else []
    return visit.render("list.html", title="Features", nav="features", listing=listing, noun=("feature", "features"), actions=actions)


@pages.get("/features/{code}")
def show_feature(visit: Visit) -> Response:
    """Show a feature and what it has values for."""
    feature = visit.get("/features/{}", visit.path["code"])["feature"]
    return visit.render(
        "feature.html",
        title=feature["name"] or feature["code"],
        nav="features",
        feature=feature,
        types=dict(VALUE_TYPES),
        here=path_to("/features/{}", feature["code"]),
    )


@pages.get("/features/new")
def new_feature(visit: Visit) -> Response:
    """Ask for a new feature."""
    return _form(visit, {})


@pages.post("/features/new")
def create_feature(visit: Visit) -> Response:
    """Make a feature with its privileges."""
    made = visit.attempt(lambda: visit.send("POST", "/features", body={"feature": _read(visit)}))
    if made is None:
        return _form(visit, {}, status=422)
    return redirect(path_to("/features/{}", made["feature"]["code"]), {"done": "created"})


@pages.get("/features/{code}/edit")
def edit_feature(visit: Visit) -> Response:
    """Show a feature to be changed."""
    return _form(visit, visit.get("/features/{}", visit.path["code"])["feature"])


@pages.post("/features/{code}/edit")
def update_feature(visit: Visit) -> Response:
    """Change texts, names and options of a feature, and add privileges."""
    feature = visit.get("/features/{}", visit.path["code"])["feature"]
    if visit.attempt(lambda: visit.send("PUT", "/features/{}", feature["code"], body={"feature": _read(visit)})) is None:
        return _form(visit, feature, status=422)
    return redirect(path_to("/features/{}", feature["code"]), {"done": "saved"})


@pages.post("/features/{code}/delete")
def delete_feature(visit: Visit) -> Response:
    """Delete a feature, from plans and subscriptions too."""
    visit.send("DELETE", "/features/{}", visit.path["code"])
    return redirect("/features", {"done": "deleted"})


@pages.post("/features/{code}/privileges/{privilege_code}/delete")
def delete_privilege(visit: Visit) -> Response:
    """Delete a privilege with its values everywhere."""
    visit.send("DELETE", "/features/{}/privileges/{}", visit.path["code"], visit.path["privilege_code"])
    return redirect(path_to("/features/{}", visit.path["code"]), {"done": "deleted"})


def _read(visit: Visit) -> dict[str, Any]:
    rows = [row for row in visit.form.groups("privilege") if row.get("code")]
    privileges: list[dict[str, Any]] = []
    for row in rows:
        privilege: dict[str, Any] = {"code": row["code"], "name": row.get("name") or None, "value_type": row.get("type") or "integer"}
        options = [option.strip() for option in row.get("options", "").split(",") if option.strip()]
        if privilege["value_type"] == "select":
            privilege["config"] = {"select_options": options}
        privileges.append(privilege)
    return {**visit.form.given("name", "code", "description"), "privileges": privileges}


def _form(visit: Visit, feature: Thing, *, status: int = 200) -> Response:
    if visit.request.method == "POST":
        rows = [*visit.form.groups("privilege"), {}][:_MOST_ROWS]
    else:
        rows = [_row_of(item) for item in feature.get("privileges", [])] + [{}]
    return visit.render(
        "feature_form.html",
        status=status,
        title=f"Edit {feature['name'] or feature['code']}" if feature else "New feature",
        nav="features",
        feature=feature,
        rows=rows,
        known={item["code"] for item in feature.get("privileges", [])},
        types=VALUE_TYPES,
        here=path_to("/features/{}", feature["code"]) if feature else "/features",
    )


def _row_of(privilege: Thing) -> dict[str, str]:
    return {
        "code": privilege["code"],
        "name": privilege["name"] or "",
        "type": privilege["value_type"],
        "options": ", ".join(privilege["config"].get("select_options", [])),
    }


@pages.get("/plans/{code}/entitlements")
def edit_plan_entitlements(visit: Visit) -> Response:
    """Show what a plan entitles to, to be changed."""
    return _plan_form(visit)


@pages.post("/plans/{code}/entitlements")
def update_plan_entitlements(visit: Visit) -> Response:
    """
    Make a plan entitle to what is ticked, with the values given.

    Features that shall keep none of their values are taken away first, since the API leaves values alone where none is named.
    """
    code = visit.path["code"]
    wanted = read_values(visit)

    def save() -> Any:
        named = {feature: values for feature, values in wanted.items() if values}
        if len(named) < len(wanted):
            visit.send("POST", "/plans/{}/entitlements", code, body={"entitlements": named})
        return visit.send("POST", "/plans/{}/entitlements", code, body={"entitlements": wanted})

    if visit.attempt(save) is None:
        return _plan_form(visit, status=422)
    return redirect(path_to("/plans/{}", code), {"done": "saved"})


def _plan_form(visit: Visit, *, status: int = 200) -> Response:
    plan = visit.get("/plans/{}", visit.path["code"])["plan"]
    held = visit.get("/plans/{}/entitlements", plan["code"])["entitlements"]
    return visit.render(
        "entitlements.html",
        status=status,
        title="What the plan entitles to",
        nav="plans",
        above=plan["name"],
        here=path_to("/plans/{}", plan["code"]),
        features=_shown(visit, held),
        may=visit.may("plan"),
        is_plan=True,
    )


@pages.get("/subscriptions/{external_id}/entitlements")
def edit_subscription_entitlements(visit: Visit) -> Response:
    """Show what a subscription entitles to, by its plan and by itself."""
    return _subscription_form(visit)


@pages.post("/subscriptions/{external_id}/entitlements")
def update_subscription_entitlements(visit: Visit) -> Response:
    """Give a subscription the features and values that are ticked; those it loses are taken one by one by their own button."""
    external_id = visit.path["external_id"]
    wanted = read_values(visit)
    body = {"entitlements": wanted}
    if visit.attempt(lambda: visit.send("PATCH", "/subscriptions/{}/entitlements", external_id, body=body, **_status(visit))) is None:
        return _subscription_form(visit, status=422)
    return redirect(path_to("/subscriptions/{}/entitlements", external_id), {"done": "saved"})


@pages.post("/subscriptions/{external_id}/entitlements/{feature_code}/delete")
def take_feature(visit: Visit) -> Response:
    """Take a feature from a subscription, also one its plan has."""
    external_id = visit.path["external_id"]
    visit.send("DELETE", "/subscriptions/{}/entitlements/{}", external_id, visit.path["feature_code"], **_status(visit))
    return redirect(path_to("/subscriptions/{}/entitlements", external_id), {"done": "deleted"})


def _status(visit: Visit) -> dict[str, str]:
    asked = visit.query.one("status")
    return {"subscription_status": asked} if asked else {}


def _subscription_form(visit: Visit, *, status: int = 200) -> Response:
    asked = visit.query.one("status") or None
    row = visit.get("/subscriptions/{}", visit.path["external_id"], status=asked)["subscription"]
    held = visit.get("/subscriptions/{}/entitlements", row["external_id"], **_status(visit))["entitlements"]
    return visit.render(
        "entitlements.html",
        status=status,
        title="What the subscription entitles to",
        nav="subscriptions",
        above=row["name"] or row["external_id"],
        here=path_to("/subscriptions/{}", row["external_id"]),
        features=_shown(visit, held),
        may=visit.may("subscription"),
        is_plan=False,
    )


def read_values(visit: Visit) -> dict[str, dict[str, Any]]:
    """Read the values of privileges by feature, of the features that are ticked."""
    wanted: dict[str, dict[str, Any]] = {}
    for row in visit.form.groups("feature"):
        if row.get("code") and "has" in row:
            values = {name.removeprefix("value."): value for name, value in row.items() if name.startswith("value.") and value}
            wanted[row["code"]] = values
    return wanted


def _shown(visit: Visit, held: Sequence[Thing]) -> list[dict[str, Any]]:
    """Return every feature with what is entitled to of it, as the form shows it. One call."""
    features = visit.get("/features", per_page=_MOST_FEATURES)["features"]
    by_code = {item["code"]: item for item in held}
    sent = {row.get("code"): row for row in visit.form.groups("feature")} if visit.request.method == "POST" else None
    shown = []
    for feature in features:
        mine = by_code.get(feature["code"])
        values = {item["code"]: item for item in mine["privileges"]} if mine else {}
        row = None if sent is None else sent.get(feature["code"], {})
        shown.append(
            {
                "feature": feature,
                "is_held": mine is not None,
                "is_ticked": mine is not None if row is None else "has" in row,
                "values": {
                    item["code"]: _text(values.get(item["code"], {}).get("value")) if row is None else row.get(f"value.{item['code']}", "")
                    for item in feature["privileges"]
                },
                "by_plan": {code: _text(item.get("plan_value")) for code, item in values.items()},
            }
        )
    return shown


def _text(value: Any) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
