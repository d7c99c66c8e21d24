"""Analytics: recurring revenue, revenue by month, plan, metric and customer, usage, what is overdue, what wallets hold."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Any, Final, NamedTuple

from markupsafe import Markup

from daycount.dashboard import charts, formats, store
from daycount.dashboard.http import Response, path_to
from daycount.dashboard.listing import Cell, Column, csv_response, page_of
from daycount.dashboard.routing import Pages
from daycount.dashboard.visit import Visit
from daycount.money import round_half_away

pages = Pages()
TABS: Final = (
    ("mrr", "Recurring"),
    ("revenue", "Revenue"),
    ("plans", "By plan"),
    ("metrics", "By metric"),
    ("customers", "By customer"),
    ("usage", "Usage"),
    ("overdue", "Overdue"),
    ("wallets", "Wallets"),
)
_SPANS: Final = (("6", "6 months"), ("12", "12 months"), ("24", "24 months"), ("1200", "Everything"))
_USUAL_SPAN: Final = "12"
_MOST_DRAWN: Final = 10
_MOST_CUSTOMERS: Final = 50
_EXPORTED: Final = 1000

Rows = Sequence[Sequence[Cell]]


class Figures(NamedTuple):
    """What a tab shows: a sentence with its number, a drawing, a table, and whether more of it is on further pages."""

    heading: str
    drawing: Markup
    columns: Sequence[Column]
    rows: Rows
    note: str
    meta: Mapping[str, Any] | None = None


class Asked(NamedTuple):
    """What the address asks for."""

    currency: str
    months: str
    is_export: bool

    @property
    def query(self) -> dict[str, str]:
        """Return what the API is asked with."""
        return {"currency": self.currency, "months": self.months}


def _cents(value: Any) -> int:
    """Return an exact amount in whole minor units, for people."""
    return int(round_half_away(Decimal(str(value or 0)), places=0))


def _month(value: str) -> str:
    return formats.day(value).partition("\u00a0")[2]


def _by_month(asked: Asked, found: Sequence[tuple[str, int]], *, words: str, total: bool) -> tuple[str, Markup]:
    """Draw a column a month; the heading names the sum, or where a sum has no meaning what the last one comes to."""
    sums: dict[str, int] = {}
    for month, cents in found:
        sums[month] = sums.get(month, 0) + cents
    shown = sum(sums.values()) if total else next(reversed(sums.values()), 0)
    heading = f"{words}: {formats.money_with_code(shown, asked.currency)}"
    bars = [
        charts.Bar(_month(month)[:3], Decimal(cents), f"{_month(month)}: {formats.money_with_code(cents, asked.currency)}")
        for month, cents in sums.items()
    ]
    return heading, charts.columns(bars, title=heading, description="A column for each month, in the time of the organization.")


def _ranked(asked: Asked, found: Sequence[tuple[str, int]], *, words: str) -> tuple[str, Markup]:
    """Draw a bar for each name that has the most, to one scale."""
    sums: dict[str, int] = {}
    for name, cents in found:
        sums[name] = sums.get(name, 0) + cents
    largest = sorted(sums.items(), key=lambda item: -item[1])[:_MOST_DRAWN]
    most = max([cents for _, cents in largest], default=0) or 1
    drawn = [
        charts.Row(
            name,
            [
                charts.Span(
                    Fraction(0), Fraction(max(cents, 0), most), "strong", f"{name}: {formats.money_with_code(cents, asked.currency)}"
                )
            ],
            formats.money(cents, asked.currency),
        )
        for name, cents in largest
    ]
    heading = f"{words}: {formats.money_with_code(sum(sums.values()), asked.currency)}"
    return heading, charts.strips(drawn, [], title=heading, description="A bar for each of those with the most.")


def _mrr(visit: Visit, asked: Asked) -> Figures:
    found = [(row["month"], _cents(row["amount_cents"])) for row in visit.get("/analytics/mrr", **asked.query)["mrrs"]]
    heading, drawing = _by_month(asked, found, words="Monthly recurring revenue now", total=False)
    rows = [(Cell(_month(month)), Cell(cents, currency=asked.currency)) for month, cents in reversed(found)]
    columns = (Column("Month"), Column("Recurring", "money"))
    return Figures(heading, drawing, columns, rows, "The fees of plans with taxes, less coupons, spread over the months they are for.")


def _revenue(visit: Visit, asked: Asked) -> Figures:
    found = visit.get("/analytics/gross_revenue", **asked.query)["gross_revenues"]
    pairs = [(row["month"], row["amount_cents"]) for row in found]
    heading, drawing = _by_month(asked, pairs, words="Invoiced", total=True)
    rows = [
        (Cell(_month(row["month"])), Cell(row["invoices_count"]), Cell(row["amount_cents"], currency=asked.currency))
        for row in reversed(found)
    ]
    columns = (Column("Month"), Column("Invoices", "number"), Column("Invoiced", "money"))
    return Figures(heading, drawing, columns, rows, "Finalized invoices with taxes, less refunds, by their issuing date.")


def _plans(visit: Visit, asked: Asked) -> Figures:
    found = visit.get("/analytics/revenue_by_plan", **asked.query)["plan_revenues"]
    heading, drawing = _ranked(asked, [(row["plan_code"], _cents(row["amount_cents"])) for row in found], words="Billed to subscriptions")
    rows = [
        (
            Cell(_month(row["month"])),
            Cell(row["plan_code"], path_to("/plans/{}", row["plan_code"])),
            Cell(_cents(row["amount_cents"]), currency=asked.currency),
        )
        for row in reversed(found)
    ]
    columns = (Column("Month"), Column("Plan"), Column("Billed", "money"))
    return Figures(heading, drawing, columns, rows, "All fees of a plan's subscriptions, less coupons, before taxes.")


def _metrics(visit: Visit, asked: Asked) -> Figures:
    found = visit.get("/analytics/invoiced_usage", **asked.query)["invoiced_usages"]
    heading, drawing = _ranked(asked, [(row["code"], _cents(row["amount_cents"])) for row in found], words="Invoiced usage")
    rows = [
        (
            Cell(_month(row["month"])),
            Cell(row["code"]),
            Cell(_cents(row["amount_cents"]), currency=asked.currency),
        )
        for row in found
    ]
    columns = (Column("Month"), Column("Metric", "code"), Column("Invoiced", "money"))
    return Figures(heading, drawing, columns, rows, "Fees of usage on invoices, less coupons, before taxes.")


def _customers(visit: Visit, asked: Asked) -> Figures:
    per_page = _EXPORTED if asked.is_export else _MOST_CUSTOMERS
    page = 1 if asked.is_export else page_of(visit)
    reply = visit.get("/analytics/revenue_by_customer", **asked.query, page=page, per_page=per_page)
    found = reply["customer_revenues"]
    named = [(row["customer_name"] or row["external_customer_id"], row["amount_cents"]) for row in found]
    heading, drawing = _ranked(asked, named, words="Invoiced to those on this page")
    rows = [
        (
            Cell(row["customer_name"] or row["external_customer_id"], path_to("/customers/{}", row["external_customer_id"])),
            Cell(row["external_customer_id"]),
            Cell(row["invoices_count"]),
            Cell(row["amount_cents"], currency=asked.currency),
        )
        for row in found
    ]
    columns = (Column("Customer"), Column("External id", "code", is_extra=True), Column("Invoices", "number"), Column("Invoiced", "money"))
    note = "Finalized invoices with taxes, less refunds, over all these months; the largest first."
    return Figures(heading, drawing, columns, rows, note, reply["meta"])


def _usage(visit: Visit, asked: Asked) -> Figures:
    """Show thirty days, day by day; where they are too much to work out at once, say so."""
    wanted = {"currency": asked.currency, "external_customer_id": visit.query.one("customer")}
    reply = visit.attempt(lambda: visit.get("/analytics/usage", **wanted))
    columns = (Column("Metric", "code"), Column("Units", "number"), Column("Amount", "money"))
    if reply is None:
        visit.refused = None
        note = "Too many subscriptions used something to work it out at once. Ask for one customer."
        return Figures("Usage of thirty days", Markup(""), columns, [], note)
    days: dict[str, int] = {}
    metrics: dict[str, tuple[Decimal, int]] = {}
    for row in reply["usages"]:
        code, day = row["billable_metric_code"], row["start_of_period_dt"]
        days[day] = days.get(day, 0) + row["amount_cents"]
        units, cents = metrics.get(code, (Decimal(0), 0))
        metrics[code] = (units + Decimal(row["units"]), cents + row["amount_cents"])
    heading = f"Usage of thirty days: {formats.money_with_code(sum(days.values()), asked.currency)}"
    bars = [
        charts.Bar(day[8:].lstrip("0"), Decimal(cents), f"{formats.day(day)}: {formats.money_with_code(cents, asked.currency)}")
        for day, cents in sorted(days.items())
    ]
    rows = [
        (Cell(code), Cell(units), Cell(cents, currency=asked.currency))
        for code, (units, cents) in sorted(metrics.items(), key=lambda item: (-item[1][1], item[0]))
    ]
    drawing = charts.columns(bars, title=heading, description="A column for each day with usage, by the computation that bills it.")
    return Figures(heading, drawing, columns, rows, "What each day added to what its period comes to, by the computation that bills it.")


def _overdue(visit: Visit, asked: Asked) -> Figures:
    found = visit.get("/analytics/overdue_balance", **asked.query)["overdue_balances"]
    pairs = [(row["month"], row["amount_cents"]) for row in found]
    heading, drawing = _by_month(asked, pairs, words="Overdue", total=True)
    rows = [
        (
            Cell(_month(row["month"])),
            Cell(len(row["lago_invoice_ids"])),
            Cell(row["amount_cents"], "/invoices?show=overdue", currency=asked.currency),
        )
        for row in reversed(found)
    ]
    columns = (Column("Due in"), Column("Invoices", "number"), Column("Still to pay", "money"))
    return Figures(heading, drawing, columns, rows, "What is left to pay of invoices past their due date, by the month they were due in.")


def _wallets(visit: Visit, asked: Asked) -> Figures:
    found = visit.get("/analytics/wallet_liability", **asked.query)["wallet_liabilities"]
    pairs = [(row["month"], row["amount_cents"]) for row in found]
    heading, drawing = _by_month(asked, pairs, words="Wallets hold now", total=False)
    rows = [
        (Cell(_month(row["month"])), Cell(row["wallets_count"]), Cell(row["amount_cents"], currency=asked.currency))
        for row in reversed(found)
    ]
    columns = (Column("End of"), Column("Wallets", "number"), Column("They hold", "money"))
    return Figures(heading, drawing, columns, rows, "Credits that were bought or granted and not used yet: what is still owed in services.")


_SHOWN: Final = {
    "mrr": _mrr,
    "revenue": _revenue,
    "plans": _plans,
    "metrics": _metrics,
    "customers": _customers,
    "usage": _usage,
    "overdue": _overdue,
    "wallets": _wallets,
}


def _asked(visit: Visit, currencies: Sequence[str]) -> Asked:
    chosen, months = visit.query.one("currency"), visit.query.one("months")
    usual = visit.organization.entity.default_currency
    fallback = usual if usual in currencies or not currencies else currencies[0]
    return Asked(
        chosen if chosen in currencies else fallback,
        months if months in dict(_SPANS) else _USUAL_SPAN,
        visit.query.one("as") == "csv",
    )


def _show(visit: Visit, tab: str) -> Response:
    currencies = store.list_amount_currencies(visit.work.tx, organization_id=visit.organization.id)
    asked = _asked(visit, currencies)
    figures = _SHOWN[tab](visit, asked)
    if asked.is_export:
        return csv_response(figures.columns, figures.rows, name=f"analytics-{tab}")
    kept = f"?currency={asked.currency}&months={asked.months}" if visit.query.pairs else ""
    return visit.render(
        "analytics.html",
        title="Analytics",
        nav="analytics",
        tabs=[(name, label, f"/analytics/{name}{kept}" if name != "mrr" else f"/analytics{kept}") for name, label in TABS],
        tab=tab,
        figures=figures,
        asked=asked,
        currencies=currencies or [asked.currency],
        spans=_SPANS,
        has_months=tab != "usage",
    )


@pages.get("/analytics")
def show_recurring(visit: Visit) -> Response:
    """Show the monthly recurring revenue."""
    return _show(visit, "mrr")


for _name in list(_SHOWN)[1:]:
    _handler = partial(_show, tab=_name)
    _handler.__name__ = f"show_analytics_{_name}"  # type: ignore[attr-defined]  # a partial takes attributes, and pages are named by theirs
    pages.get(f"/analytics/{_name}")(_handler)
