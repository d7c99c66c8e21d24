"""The logs: what happened to things, which requests changed something, and what concerned the safety of the organization."""

from typing import Any, Final

from daycount.dashboard import formats
from daycount.dashboard.http import Response, path_to
from daycount.dashboard.listing import Cell, Column, Empty, Filter, Source, export, read_listing
from daycount.dashboard.routing import Pages
from daycount.dashboard.visit import Visit

pages = Pages()
_ACTIVITY_COLUMNS: Final = (
    Column("Time", "moment"),
    Column("What"),
    Column("Customer"),
    Column("Subscription", is_extra=True),
    Column("By", is_extra=True),
)
_REQUEST_COLUMNS: Final = (
    Column("Time", "moment"),
    Column("Request", "code"),
    Column("Answer", "number"),
    Column("Client", is_extra=True),
)
_SECURITY_COLUMNS: Final = (Column("Time", "moment"), Column("What"), Column("About"), Column("By", is_extra=True))
_SOURCES: Final = (("api", "The API"), ("front", "These pages"), ("system", "Time and rules"))
_KINDS: Final = (
    "BillableMetric",
    "BillingEntity",
    "Coupon",
    "CreditNote",
    "Customer",
    "Feature",
    "Invoice",
    "PaymentRequest",
    "Plan",
    "Subscription",
    "Wallet",
)
_METHODS: Final = (("post", "POST"), ("put", "PUT"), ("patch", "PATCH"), ("delete", "DELETE"))
_OUTCOMES: Final = (("succeeded", "Done"), ("failed", "Refused"))
_TABS: Final = (
    ("activity", "What happened", "/logs"),
    ("requests", "Requests", "/logs/requests"),
    ("security", "Safety", "/logs/security"),
)
_EVER: Final = "9999-01-01"


def _subject(item: Any) -> Cell:
    customer = item["external_customer_id"]
    return Cell(customer, path_to("/customers/{}", customer) if customer else None)


@pages.get("/logs")
def list_activities(visit: Visit) -> Response:
    """List what happened in the last thirty days, the latest first."""
    kind, source = visit.query.one("kind"), visit.query.one("source")
    query = {
        "resource_types": [kind] if kind in _KINDS else None,
        "activity_sources": [source] if source in dict(_SOURCES) else None,
        "external_customer_id": visit.query.one("customer"),
        "from_date": _day(visit, "from"),
        "to_date": _day(visit, "to"),
    }

    def row(item: Any) -> tuple[Cell, ...]:
        return (
            Cell(item["logged_at"]),
            Cell(_said(item["activity_type"]), path_to("/logs/activities/{}", item["activity_id"])),
            _subject(item),
            Cell(item["external_subscription_id"]),
            Cell(dict(_SOURCES).get(item["activity_source"], item["activity_source"])),
        )

    source_of = Source("/activity_logs", [], "activity_logs", query, row)
    if visit.query.one("as") == "csv":
        return export(visit, source_of, _ACTIVITY_COLUMNS, name="activities")
    filters = (
        Filter("customer", "Customer's external id"),
        Filter("kind", "Any kind", [(name, formats.sentence(_snake(name))) for name in _KINDS]),
        Filter("source", "By anybody", _SOURCES),
    )
    empty = Empty("Nothing happened in the last thirty days", "What is made, changed, billed and paid is noted here.")
    listing = read_listing(visit, source_of, _ACTIVITY_COLUMNS, filters=filters, empty=empty)
    return visit.render("list.html", title="Logs", nav="logs", listing=listing, noun=("entry", "entries"), tabs=_TABS, tab="activity")


@pages.get("/logs/activities/{activity_id}")
def show_activity(visit: Visit) -> Response:
    """Show what happened, with each field before and after."""
    entry = visit.get("/activity_logs/{}", visit.path["activity_id"])["activity_log"]
    by = dict(_SOURCES).get(entry["activity_source"], entry["activity_source"])
    return visit.render("activity.html", title=_said(entry["activity_type"]), nav="logs", entry=entry, by=by)


@pages.get("/logs/requests")
def list_requests(visit: Visit) -> Response:
    """List requests that changed something or were refused, the latest first."""
    method, outcome, path = visit.query.one("method"), visit.query.one("outcome"), visit.query.one("path")
    query = {
        "http_methods": [method] if method in dict(_METHODS) else None,
        "http_statuses": [outcome] if outcome in dict(_OUTCOMES) else None,
        "request_paths": f"*{path}*" if path else None,
        "from_date": _day(visit, "from"),
        "to_date": _day(visit, "to"),
    }

    def row(item: Any) -> tuple[Cell, ...]:
        return (
            Cell(item["logged_at"]),
            Cell(f"{item['http_method'].upper()} {item['request_path']}", path_to("/logs/requests/{}", item["request_id"])),
            Cell(item["http_status"]),
            Cell(formats.shorten(item["client"], 40)),
        )

    source = Source("/api_logs", [], "api_logs", query, row)
    if visit.query.one("as") == "csv":
        return export(visit, source, _REQUEST_COLUMNS, name="requests")
    filters = (
        Filter("path", "Part of the path"),
        Filter("method", "Any method", _METHODS),
        Filter("outcome", "Done or refused", _OUTCOMES),
    )
    empty = Empty(
        "No request in the last thirty days", "Requests of clients that change something, and those that were refused, are noted here."
    )
    listing = read_listing(visit, source, _REQUEST_COLUMNS, filters=filters, empty=empty)
    return visit.render("list.html", title="Logs", nav="logs", listing=listing, noun=("request", "requests"), tabs=_TABS, tab="requests")


@pages.get("/logs/requests/{request_id}")
def show_request(visit: Visit) -> Response:
    """Show a request and its answer."""
    entry = visit.get("/api_logs/{}", visit.path["request_id"])["api_log"]
    title = f"{entry['http_method'].upper()} {entry['request_path']}"
    return visit.render("request.html", title=title, nav="logs", entry=entry)


@pages.get("/logs/security")
def list_safety(visit: Visit) -> Response:
    """List what concerned the safety of the organization, the latest first."""

    def row(item: Any) -> tuple[Cell, ...]:
        about = item["resources"]
        return (
            Cell(item["logged_at"]),
            Cell(_said(item["log_event"])),
            Cell(about.get("name") or about.get("webhook_url") or about.get("lago_id")),
            Cell(item["user_email"] or formats.sentence(str(item["device_info"].get("actor", "")).partition(":")[0])),
        )

    source = Source("/security_logs", [], "security_logs", {"to_date": _EVER}, row)
    if visit.query.one("as") == "csv":
        return export(visit, source, _SECURITY_COLUMNS, name="safety")
    listing = read_listing(visit, source, _SECURITY_COLUMNS, empty=Empty("Nothing yet", "Keys, endpoints and members are noted here."))
    return visit.render("list.html", title="Logs", nav="logs", listing=listing, noun=("entry", "entries"), tabs=_TABS, tab="security")


def _day(visit: Visit, name: str) -> str | None:
    """Return a date of the address; what is none limits nothing."""
    found = formats.read_day(visit.query.one(name))
    return None if found is None else found.isoformat()


def _said(event: str) -> str:
    """Write `invoice.one_off_created` as Invoice: one off created."""
    kind, _, what = event.partition(".")
    return f"{formats.sentence(kind)}: {formats.words(what)}" if what else formats.sentence(kind)


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
