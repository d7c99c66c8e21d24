"""Subscriptions: the list, and one with its life to scale, its usage, and the invoice that comes next."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final
from zoneinfo import ZoneInfo

from daycount import errors
from daycount.dashboard import charts, formats
from daycount.dashboard.http import Response, path_to
from daycount.dashboard.listing import Empty, Filter, Source, export, read_listing
from daycount.dashboard.pages import rows
from daycount.dashboard.paper import paper_of
from daycount.dashboard.routing import Pages
from daycount.dashboard.visit import Visit
from daycount.usage.activity.store import Day, list_days

pages = Pages()
STATUSES: Final = ("active", "pending", "terminated", "canceled")
_ALL: Final = [*STATUSES, "incomplete"]


@pages.get("/subscriptions")
def list_subscriptions(visit: Visit) -> Response:
    """List subscriptions; those of every status unless one is chosen."""
    status, plan = visit.query.one("status"), visit.query.one("plan")
    query = {
        "status": [status] if status in _ALL else _ALL,
        "plan_code": plan,
        "external_customer_id": visit.query.one("customer"),
        "external_id": visit.query.one("search"),
    }
    source = Source("/subscriptions", [], "subscriptions", query, rows.subscription_row)
    if visit.query.one("as") == "csv":
        return export(visit, source, rows.SUBSCRIPTION_COLUMNS, name="subscriptions")
    filters = (Filter("search", "External id"), Filter("status", "Any status", [(item, formats.sentence(item)) for item in STATUSES]))
    empty = Empty(
        "No subscription yet", "A subscription puts a customer on a plan. Open a customer and assign one.", "Customers", "/customers"
    )
    listing = read_listing(visit, source, rows.SUBSCRIPTION_COLUMNS, filters=filters, empty=empty)
    return visit.render("list.html", title="Subscriptions", nav="subscriptions", listing=listing, noun=("subscription", "subscriptions"))


@pages.get("/subscriptions/{external_id}")
def show_subscription(visit: Visit) -> Response:
    """Show a subscription: its life, the running period, what comes next."""
    return render_subscription(visit)


def render_subscription(visit: Visit, *, status: int = 200, **values: Any) -> Response:
    """Render the page of a subscription."""
    asked = visit.query.one("status")
    row = visit.get("/subscriptions/{}", visit.path["external_id"], status=asked if asked in _ALL else None)["subscription"]
    customer = visit.get("/customers/{}", row["external_customer_id"])["customer"]
    is_active = row["status"] == "active"
    zone = ZoneInfo(customer["applicable_timezone"])
    usage = _usage(visit, row) if is_active else None
    invoice = _next_invoice(visit, row) if is_active else None
    shown: dict[str, Any] = {
        "row": row,
        "customer": customer,
        "customer_name": rows.name_of(customer),
        "customer_zone": zone,
        "usage": usage,
        "chart": None if usage is None else _chart(visit, row, usage, zone),
        "life": _life(row, visit.now, zone),
        "next_invoice": invoice,
        "paper": None if invoice is None else paper_of(invoice),
        "here": path_to("/subscriptions/{}", row["external_id"]),
        "plan": row["plan"],
        "unavailable": None,
    }
    return visit.render(
        "subscription.html", status=status, title=row["name"] or row["external_id"], nav="subscriptions", **(shown | values)
    )


def _usage(visit: Visit, row: Mapping[str, Any]) -> Any:
    """Return the running period's usage; None where there is none, such as during a trial."""
    try:
        usage = visit.get(
            "/customers/{}/projected_usage", row["external_customer_id"], external_subscription_id=row["external_id"], apply_taxes="false"
        )
    except (errors.NotFound, errors.Invalid, errors.NotAllowed):
        return None
    return usage["customer_projected_usage"]


def _next_invoice(visit: Visit, row: Mapping[str, Any]) -> Any:
    """Return the invoice that comes next, by the preview of the API; None where nothing comes."""
    body = {
        "customer": {"external_id": row["external_customer_id"]},
        "subscriptions": {"external_ids": [row["external_id"]]},
    }
    try:
        reply = visit.preview("/invoices/preview", body=body)
    except (errors.NotFound, errors.Invalid, errors.NotAllowed, errors.BadRequest):
        return None
    return None if reply is None else reply["invoice"]


class Chart(dict[str, Any]):
    """What the usage chart of one metric needs."""


def _chart(visit: Visit, row: Mapping[str, Any], usage: Mapping[str, Any], zone: ZoneInfo) -> Sequence[Mapping[str, Any]]:
    """Draw the events of each metric a day, from the start of the running period. One query."""
    start, end = formats.read_instant(usage["from_datetime"]), formats.read_instant(usage["to_datetime"])
    codes = list(dict.fromkeys(item["billable_metric"]["code"] for item in usage["charges_usage"]))
    if start is None or end is None or not codes:
        return []
    found = list_days(
        visit.work.tx,
        organization_id=visit.organization.id,
        external_subscription_id=row["external_id"],
        codes=codes,
        start=start,
        end=min(end, visit.now) + timedelta(seconds=1),
        zone=zone.key,
    )
    names = {item["billable_metric"]["code"]: item["billable_metric"] for item in usage["charges_usage"]}
    return [_draw(names[code], [day for day in found if day.code == code], start, end, now=visit.now, zone=zone) for code in codes]


def _draw(
    metric: Mapping[str, Any], days: Sequence[Day], start: datetime, end: datetime, *, now: datetime, zone: ZoneInfo
) -> Mapping[str, Any]:
    first, last = start.astimezone(zone).date(), end.astimezone(zone).date()
    is_sum = metric["aggregation_type"] in ("sum_agg", "weighted_sum_agg")
    by_day = {day.day: (day.total if is_sum else Decimal(day.events)) for day in days}
    bars, table = [], []
    for offset in range(min((last - first).days + 1, 370)):
        day = first + timedelta(days=offset)
        value = by_day.get(day, Decimal(0))
        what = "units" if is_sum else "events"
        bars.append(charts.Bar(f"{day.day}", value, f"{formats.day(day)}: {formats.units(value)} {what}"))
        if value:
            table.append((formats.day(day), formats.units(value)))
    events = sum(day.events for day in days)
    heading = f"{metric['name']}: {formats.plural(events, 'event')} in this period"
    passed = min((now.astimezone(zone).date() - first).days + 1, len(bars))
    drawing = charts.usage_bars(
        bars, passed=passed, title=heading, description="A bar for each day of the period; the line is the running total."
    )
    return {"heading": heading, "drawing": drawing, "columns": ("Day", "Units" if is_sum else "Events"), "rows": table}


def _life(row: Mapping[str, Any], now: datetime, zone: ZoneInfo) -> Any:
    """Draw a subscription's life to scale: trial, what has passed, the running period, what is to come."""
    start = formats.read_instant(row["started_at"] or row["subscription_at"])
    if start is None:
        return None
    period_start = formats.read_instant(row["current_billing_period_started_at"])
    period_end = formats.read_instant(row["current_billing_period_ending_at"])
    over = formats.read_instant(row["terminated_at"] or row["canceled_at"])
    ending = formats.read_instant(row["ending_at"])
    last = max([instant for instant in (over or period_end, None if over else ending, None if over else now) if instant] or [now])
    last = max(last, start + timedelta(days=1))
    whole = Fraction((last - start) // timedelta(seconds=1))

    def at(instant: datetime) -> Fraction:
        return min(max(Fraction((instant - start) // timedelta(seconds=1)) / whole, Fraction(0)), Fraction(1))

    spans: list[charts.Span] = []
    trial_end = formats.read_instant(row["trial_ended_at"])
    if trial_end is not None and trial_end > start:
        spans.append(charts.Span(Fraction(0), at(trial_end), "warn", f"Trial until {formats.local_day(trial_end, zone)}"))
    passed = over or period_start or min(now, last)
    begin = at(trial_end) if trial_end is not None and trial_end > start else Fraction(0)
    if at(passed) > begin:
        spans.append(charts.Span(begin, at(passed), "quiet" if over else "", f"Until {formats.local_day(passed, zone)}"))
    if over is None and period_start is not None and period_end is not None:
        text = f"Running period {formats.day_range(period_start, period_end, zone)}"
        spans.append(charts.Span(at(max(period_start, start)), at(period_end), "now", text))
    marks = [charts.Mark(Fraction(0), f"Started {formats.local_day(start, zone)}", "")]
    if over is None and start < now < last:
        marks.append(charts.Mark(at(now), f"Now, {formats.local_day(now, zone)}", "now"))
    if over is not None:
        marks.append(charts.Mark(Fraction(1), f"Ended {formats.local_day(over, zone)}", ""))
    elif ending is not None:
        marks.append(charts.Mark(at(ending), f"Ends {formats.local_day(ending, zone)}", ""))
    elif period_end is not None:
        marks.append(charts.Mark(at(period_end), f"Period ends {formats.local_day(period_end, zone)}", ""))
    return charts.timeline(spans, marks, title="The life of the subscription, to scale", description=" ".join(mark.label for mark in marks))
