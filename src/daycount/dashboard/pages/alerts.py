"""Alerts: what was told of them, and those of a subscription and of a wallet, made and changed by form."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

from daycount.dashboard import formats, store
from daycount.dashboard.http import Response, path_to, redirect
from daycount.dashboard.listing import PER_PAGE, Cell, Column, Empty, Filter, Listing, Source, csv_response, page_of, read_listing
from daycount.dashboard.money_input import read_cents, write_cents
from daycount.dashboard.routing import Pages
from daycount.dashboard.visit import Visit
from daycount.monitoring.records import AlertType

pages = Pages()
WORDS: Final[Mapping[AlertType, str]] = {
    AlertType.CURRENT_AMOUNT: "What the period's usage costs",
    AlertType.METRIC_CURRENT_AMOUNT: "What the period's usage of a metric costs",
    AlertType.METRIC_CURRENT_UNITS: "Units of a metric in the period",
    AlertType.LIFETIME_AMOUNT: "What all usage ever cost",
    AlertType.METRIC_LIFETIME_UNITS: "Units of a metric ever",
    AlertType.WALLET_BALANCE: "Balance",
    AlertType.WALLET_CREDITS: "Credits",
    AlertType.WALLET_ONGOING: "Balance after usage of now",
    AlertType.WALLET_ONGOING_CREDITS: "Credits after usage of now",
}
OF_METRICS: Final = " ".join(item for item in AlertType if item.is_of_metric)
_COLUMNS: Final = (
    Column("Alert"),
    Column("Watches"),
    Column("Levels", "chips"),
    Column("Last looked at", "moment", is_extra=True),
    Column("It was", is_extra=True),
)
_TOLD_COLUMNS: Final = (
    Column("Time", "moment"),
    Column("Alert"),
    Column("Customer"),
    Column("Watched"),
    Column("Crossed", "chips"),
    Column("It was"),
)
_MOST_LEVELS: Final = 20


class Owner(NamedTuple):
    """What alerts are about: how it is addressed by the API and here, what it is called, and the currency of its amounts."""

    api: str
    values: Sequence[str]
    query: Mapping[str, str]
    here: str
    name: str
    currency: str
    nav: str
    is_wallet: bool

    @property
    def at(self) -> str:
        """Return the address of its alerts."""
        return f"{self.here}/alerts"


def _of_subscription(visit: Visit) -> Owner:
    row = visit.get("/subscriptions/{}", visit.path["external_id"])["subscription"]
    here, external_id = path_to("/subscriptions/{}", row["external_id"]), row["external_id"]
    currency = row["plan_amount_currency"] or visit.organization.entity.default_currency
    return Owner(
        "/subscriptions/{}/alerts", [external_id], {}, here, row["name"] or external_id, currency, "subscriptions", is_wallet=False
    )


def _of_wallet(visit: Visit) -> Owner:
    wallet = visit.get("/wallets/{}", visit.path["lago_id"])["wallet"]
    values = [wallet["external_customer_id"], wallet["code"]]
    here, name = path_to("/wallets/{}", wallet["lago_id"]), wallet["name"] or wallet["code"]
    return Owner("/customers/{}/wallets/{}/alerts", values, {}, here, name, wallet["currency"], "wallets", is_wallet=True)


def is_amount(kind: str) -> bool:
    """Tell whether an alert watches money, whose levels are minor units; else it is units or credits."""
    return kind.endswith("_amount")


def shown_level(kind: str, value: Any, currency: str) -> str:
    """Write a level for people."""
    return formats.money_with_code(Decimal(str(value)), currency) if is_amount(kind) else formats.units(value)


def _levels(item: Mapping[str, Any], levels: Sequence[Mapping[str, Any]], currency: str) -> list[str]:
    kind = item["alert_type"]
    return [("every " if level["recurring"] else "") + shown_level(kind, level["value"], currency) for level in levels]


@pages.get("/alerts")
def list_told(visit: Visit) -> Response:
    """List what was told of alerts, the latest first."""
    query = {"external_customer_id": visit.query.one("customer"), "external_subscription_id": visit.query.one("subscription")}
    is_export = visit.query.one("as") == "csv"
    reply = visit.get("/triggered_alerts", page=1 if is_export else page_of(visit), per_page=1000 if is_export else PER_PAGE, **query)
    found = reply["triggered_alerts"]
    currencies = store.find_currencies(
        visit.work.tx,
        organization_id=visit.organization.id,
        customers=[item["external_customer_id"] for item in found],
        wallets=[item["lago_wallet_id"] for item in found if item["lago_wallet_id"]],
    )
    shown = [_told_row(item, currencies.get(item["lago_wallet_id"] or item["external_customer_id"])) for item in found]
    if is_export:
        return csv_response(_TOLD_COLUMNS, shown, name="alerts")
    text = "Open a subscription or a wallet and set one: when its usage or balance crosses a level, webhooks tell of it and it stands here."
    filters = (Filter("customer", "Customer's external id"), Filter("subscription", "Subscription's external id"))
    empty = Empty("No alert was triggered", text, "Subscriptions", "/subscriptions")
    listing = Listing(_TOLD_COLUMNS, shown, reply["meta"], filters, empty)
    return visit.render("list.html", title="Alerts", nav="alerts", listing=listing, noun=("alert", "alerts"))


def _told_row(item: Mapping[str, Any], currency: str | None) -> Sequence[Cell]:
    subscription, kind = item["external_subscription_id"], item["alert_type"]
    at = path_to("/subscriptions/{}/alerts", subscription) if subscription else path_to("/wallets/{}/alerts", item["lago_wallet_id"])
    return (
        Cell(item["triggered_at"]),
        Cell(item["alert_name"] or item["alert_code"], at),
        Cell(item["external_customer_id"], path_to("/customers/{}", item["external_customer_id"])),
        Cell(WORDS[AlertType(kind)], below=item["billable_metric_code"] or subscription),
        Cell([level["code"] or shown_level(kind, level["value"], currency or "") for level in item["crossed_thresholds"]]),
        Cell(shown_level(kind, item["current_value"], currency or "")),
    )


def _list(visit: Visit, owner: Owner) -> Response:
    may_write = visit.may("alert")

    def row(item: Any) -> tuple[Cell, ...]:
        metric = item["billable_metric"]
        kind = item["alert_type"]
        href = f"{owner.at}{path_to('/{}/edit', item['code'])}" if may_write else None
        return (
            Cell(item["name"] or item["code"], href, item["code"]),
            Cell(WORDS[AlertType(kind)], below=metric["name"] if metric else None),
            Cell(_levels(item, item["thresholds"], owner.currency)),
            Cell(item["last_processed_at"]),
            Cell(shown_level(kind, item["previous_value"], owner.currency)),
        )

    source = Source(owner.api, owner.values, "alerts", owner.query, row)
    text = "An alert watches one value and tells of it by webhook when it crosses a level."
    empty = Empty("No alert yet", text, "New alert" if may_write else None, f"{owner.at}/new")
    listing = read_listing(visit, source, _COLUMNS, empty=empty)._replace(has_csv=False)
    return visit.render(
        "list.html",
        title="Alerts",
        nav=owner.nav,
        above=owner.name,
        above_href=owner.here,
        listing=listing,
        noun=("alert", "alerts"),
        actions=[("New alert", f"{owner.at}/new")] if may_write else [],
    )


def _form(visit: Visit, owner: Owner, alert: Mapping[str, Any], *, status: int = 200) -> Response:
    metrics = [] if owner.is_wallet else visit.get("/billable_metrics", per_page=200)["billable_metrics"]
    return visit.render(
        "alert_form.html",
        status=status,
        title=f"Edit {alert['name'] or alert['code']}" if alert else "New alert",
        nav=owner.nav,
        owner=owner,
        alert=alert,
        kinds=[(item.value, WORDS[item]) for item in AlertType if item.is_of_wallet == owner.is_wallet],
        of_metrics=OF_METRICS,
        metrics=[(item["code"], item["name"]) for item in metrics],
        rows=_rows(visit, owner, alert),
        words=WORDS,
    )


def _rows(visit: Visit, owner: Owner, alert: Mapping[str, Any]) -> list[dict[str, str]]:
    if visit.request.method == "POST":
        return [*visit.form.groups("level"), {}][:_MOST_LEVELS]
    rows = []
    for level in alert.get("thresholds", []):
        value = Decimal(str(level["value"]))
        is_cents = is_amount(alert["alert_type"]) and value == int(value)
        row = {"value": write_cents(value, owner.currency) if is_cents else format(value, "f"), "code": level["code"] or ""}
        rows.append(row | ({"recurring": "1"} if level["recurring"] else {}))
    return [*rows, {}]


def _read(visit: Visit, owner: Owner, kind: str) -> dict[str, Any]:
    """Read the form. Raises Invalid (thresholds) where a level is no amount."""
    levels = []
    for row in visit.form.groups("level"):
        if row.get("value"):
            value: Any = read_cents(row["value"], owner.currency, field="thresholds") if is_amount(kind) else row["value"].replace(",", "")
            levels.append({"value": value, "code": row.get("code") or None, "recurring": "recurring" in row})
    return {**visit.form.given("name", "code"), "billable_metric_code": visit.form.one("metric") or None, "thresholds": levels}


def _create(visit: Visit, owner: Owner) -> Response:
    kind = visit.form.one("alert_type")

    def make() -> Any:
        return visit.send("POST", owner.api, *owner.values, body={"alert": {"alert_type": kind, **_read(visit, owner, kind)}})

    if visit.attempt(make) is None:
        return _form(visit, owner, {}, status=422)
    return redirect(owner.at, {"done": "created"})


def _update(visit: Visit, owner: Owner) -> Response:
    alert = _find(visit, owner)
    changed = visit.attempt(
        lambda: visit.send("PUT", owner.api + "/{}", *owner.values, alert["code"], body={"alert": _read(visit, owner, alert["alert_type"])})
    )
    if changed is None:
        return _form(visit, owner, alert, status=422)
    return redirect(owner.at, {"done": "saved"})


def _find(visit: Visit, owner: Owner) -> Mapping[str, Any]:
    found: Mapping[str, Any] = visit.get(owner.api + "/{}", *owner.values, visit.path["code"])["alert"]
    return found


def _register(pattern: str, owner_of: Any, name: str) -> None:
    """Register the pages of the alerts of one kind of owner."""

    def show(visit: Visit) -> Response:
        return _list(visit, owner_of(visit))

    def ask(visit: Visit) -> Response:
        return _form(visit, owner_of(visit), {})

    def create(visit: Visit) -> Response:
        return _create(visit, owner_of(visit))

    def edit(visit: Visit) -> Response:
        owner = owner_of(visit)
        return _form(visit, owner, _find(visit, owner))

    def update(visit: Visit) -> Response:
        return _update(visit, owner_of(visit))

    def delete(visit: Visit) -> Response:
        owner = owner_of(visit)
        visit.send("DELETE", owner.api + "/{}", *owner.values, visit.path["code"])
        return redirect(owner.at, {"done": "deleted"})

    for handler in (show, ask, create, edit, update, delete):
        handler.__name__ = f"{handler.__name__}_{name}_alert"
    pages.get(pattern)(show)
    pages.get(f"{pattern}/new")(ask)
    pages.post(f"{pattern}/new")(create)
    pages.get(f"{pattern}/{{code}}/edit")(edit)
    pages.post(f"{pattern}/{{code}}/edit")(update)
    pages.post(f"{pattern}/{{code}}/delete")(delete)


_register("/subscriptions/{external_id}/alerts", _of_subscription, "subscription")
_register("/wallets/{lago_id}/alerts", _of_wallet, "wallet")
