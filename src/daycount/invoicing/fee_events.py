"""
The events behind a fee: those that were counted when it was made, one by one.

Which they are follows from what the fee keeps (its window, bucket and metric) and from the version of the plan that priced it, so
that it stays true when prices, filters or metrics change. Events received later than the fee was made are left out.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, NamedTuple

from msgspec import structs

from daycount.catalog import store as catalog
from daycount.catalog.records import Charge
from daycount.engine.calendar import DayRange, Window
from daycount.engine.metrics import AggregationType, Bucket, UsageRequest
from daycount.infra.work import Work
from daycount.invoicing import store
from daycount.invoicing.compute import Subject, load_subjects, usage_request
from daycount.invoicing.records import Fee
from daycount.periods import Period
from daycount.subscriptions import store as subscriptions
from daycount.usage.aggregation.store import CountedEvent, count_counted, list_counted
from daycount.usage.port import EventStore

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Asked(NamedTuple):
    """What was asked of the event store for a fee: the request and its bucket, the charge as it was, and the window that is shown."""

    request: UsageRequest
    bucket: Bucket
    charge: Charge
    window: Window


class FeeEvents(NamedTuple):
    """A page of the events behind a fee, how many there are in all, and from when on they are dated in its period."""

    events: Sequence[CountedEvent]
    total: int
    period_start: datetime | None


def list_fee_events(work: Work, fee: Fee, *, events: EventStore, limit: int, offset: int) -> FeeEvents:
    """
    Return a page of the events behind a fee, the oldest first; nothing for fees that are of no events. Some fifteen queries.

    A recurring metric carries events from before its period. In a sandbox, events of the frozen instant at which the fee was made
    count as received by then.
    """
    if fee.event_key is not None:
        found = events.find_arrived(work.tx, organization_id=work.organization_id, keys=[fee.event_key])
        shown = [CountedEvent(item.event, None) for item in found]
        return FeeEvents(shown[offset : offset + limit], len(shown), None)
    asked = find_asked(work, fee)
    if asked is None:
        return FeeEvents((), 0, None)
    until = find_made_at(work, fee)
    page = list_counted(work.tx, asked.request, asked.bucket, received_until=until, limit=limit, offset=offset)
    total = count_counted(work.tx, asked.request, asked.bucket, received_until=until)
    return FeeEvents(page, total, asked.request.period.start)


def find_asked(work: Work, fee: Fee) -> Asked | None:
    """Return what was asked of the event store for a fee; None where it is of no events. Some twelve queries."""
    derivation = fee.derivation
    period, version = derivation.get("period"), derivation.get("plan_version")
    is_of_events = fee.charge_id is not None and fee.subscription_id is not None and derivation["kind"] in ("charge", "adjusted")
    if not is_of_events or period is None or version is None or fee.true_up_parent_fee_id is not None:
        return None
    assert fee.charge_id is not None
    assert fee.subscription_id is not None
    charge = catalog.find_charge_version(work.tx, organization_id=work.organization_id, charge_id=fee.charge_id, version=version)
    rows = subscriptions.find_subscriptions(work.tx, organization_id=work.organization_id, ids=[fee.subscription_id])
    if charge is None or not rows:
        return None
    charge = _as_it_was(charge, derivation.get("metric"))
    subject = structs.replace(load_subjects(work, rows)[0], settled_until=None)  # what was settled by now was not then
    window = _window_of(period)
    # A renewal, which is shown with the coming period, counts what was there before it.
    start = window.period.start
    counted = structs.replace(window, period=Period(start=start, end=start)) if charge.pay_in_advance else window
    request = usage_request(subject, charge, counted, is_renewal=charge.pay_in_advance)
    filters = {item.id: charge.keys_of(item) for item in charge.filters}
    keys = charge.group_keys if fee.charge_filter_id is None else filters.get(fee.charge_filter_id, ())
    bucket = Bucket(fee.charge_filter_id, tuple(fee.grouped_by.get(key) for key in keys))
    return Asked(request=_in_zone(request, subject, period), bucket=bucket, charge=charge, window=window)


def _as_it_was(charge: Charge, metric: Mapping[str, Any] | None) -> Charge:
    """Return a charge with its metric as the fee knew it."""
    if metric is None:
        return charge
    known = structs.replace(
        charge.metric,
        code=metric["code"],
        aggregation_type=AggregationType(metric["aggregation_type"]),
        field_name=metric["field_name"],
        recurring=metric["recurring"],
    )
    return structs.replace(charge, metric=known)


def _window_of(period: Mapping[str, Any]) -> Window:
    start, end = datetime.fromisoformat(period["from"]), datetime.fromisoformat(period["to"])
    days = DayRange(date.fromisoformat(period["first_day"]), date.fromisoformat(period["last_day"]))
    return Window(period=Period(start=start, end=end), days=days, full_days=period["full_days"], is_cut=False)


def _in_zone(request: UsageRequest, subject: Subject, period: Mapping[str, Any]) -> UsageRequest:
    return request if subject.zone.key == period["zone"] else structs.replace(request, zone=period["zone"])


def find_made_at(work: Work, fee: Fee) -> datetime:
    """Return when the figures of a fee were worked out: on the clock of a sandbox, else when its row got its id or was finalized."""
    found = store.find_invoices(work.tx, organization_id=work.organization_id, ids=[] if fee.invoice_id is None else [fee.invoice_id])
    made = [row.updated_at if row.status == "draft" else row.finalized_at for row in found]
    instants = [fee.created_at, *(at for at in made if at is not None)]
    if not work.is_sandbox:
        instants.append(EPOCH + timedelta(milliseconds=(fee.id.int >> 80) + 1))  # ids begin with the time they were made
    return max(instants)
