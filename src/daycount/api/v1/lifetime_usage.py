"""Lifetime usage on the wire: what a subscription came to since it began, whatever plans it had."""

from collections.abc import Sequence

from msgspec import UNSET, Struct, UnsetType

from daycount import errors
from daycount.api.routing import Call, Routes
from daycount.api.wire import Stamp, stamp
from daycount.engine.thresholds import Completion, complete
from daycount.given import given
from daycount.infra.work import Work
from daycount.invoicing.lifetime import LifetimeUsage, find_lifetime_usage, set_historical_usage
from daycount.invoicing.progressive import store
from daycount.invoicing.progressive.checking import as_terms, find_thresholds
from daycount.invoicing.progressive.records import ReachedThreshold
from daycount.subscriptions import store as subscriptions
from daycount.subscriptions.records import Status, Subscription

routes = Routes("subscriptions")
_MAX_AMOUNT_CENTS = 2**53 - 1


class LifetimeUsageInput(Struct, frozen=True, kw_only=True):
    """What a customer used before it came to Daycount, in minor units."""

    external_historical_usage_amount_cents: int | None | UnsetType = UNSET


class LifetimeThresholdObject(Struct, frozen=True, kw_only=True):
    """A level of lifetime usage: how near it is (1.0 where it is passed), and when an invoice was made for it."""

    amount_cents: int
    completion_ratio: float
    reached_at: Stamp | None


class LifetimeUsageObject(Struct, frozen=True, kw_only=True):
    """Usage since the subscription began, before taxes: from elsewhere, invoiced, and of the running period."""

    lago_id: str
    lago_subscription_id: str
    external_subscription_id: str
    external_historical_usage_amount_cents: int
    invoiced_usage_amount_cents: int
    current_usage_amount_cents: int
    from_datetime: Stamp
    to_datetime: Stamp
    usage_thresholds: Sequence[LifetimeThresholdObject] | UnsetType = UNSET


@routes.get(
    "/subscriptions/{external_id}/lifetime_usage",
    returns=LifetimeUsageObject,
    root_out="lifetime_usage",
    parameters=("subscription_status", "status"),
)
def get_subscription_lifetime_usage(work: Work, call: Call) -> LifetimeUsageObject:
    """Show what a subscription came to since it began."""
    row = _find_row(work, call)
    return _to_wire(row, find_lifetime_usage(work, row, events=call.services.events), work)


@routes.put(
    "/subscriptions/{external_id}/lifetime_usage",
    accepts=LifetimeUsageInput,
    root_in="lifetime_usage",
    returns=LifetimeUsageObject,
    root_out="lifetime_usage",
    parameters=("subscription_status", "status"),
)
def update_subscription_lifetime_usage(work: Work, call: Call) -> LifetimeUsageObject:
    """Set what a customer used before it came here."""
    row = _find_row(work, call)
    amount = given(call.body.external_historical_usage_amount_cents, None)
    if amount is not None:
        if not 0 <= amount <= _MAX_AMOUNT_CENTS:
            raise errors.Invalid({"external_historical_usage_amount_cents": ["value_is_out_of_range"]})
        set_historical_usage(work, row, amount_cents=amount)
    return _to_wire(row, find_lifetime_usage(work, row, events=call.services.events), work)


def _find_row(work: Work, call: Call) -> Subscription:
    """Find the active subscription, or the one of the status asked for. Raises NotFound (subscription, lifetime_usage)."""
    rows = subscriptions.find_rows(work.tx, organization_id=work.organization_id, external_id=call.path["external_id"])
    wanted = call.query.one("subscription_status") or call.query.one("status") or Status.ACTIVE
    row = next((row for row in rows if row.status == wanted), None)
    if row is None:
        raise errors.NotFound("subscription")
    if row.started_at is None:
        raise errors.NotFound("lifetime_usage")
    return row


def _to_wire(row: Subscription, usage: LifetimeUsage, work: Work) -> LifetimeUsageObject:
    return LifetimeUsageObject(
        lago_id=str(usage.id),
        lago_subscription_id=str(row.id),
        external_subscription_id=row.external_id,
        external_historical_usage_amount_cents=usage.historical_amount_cents,
        invoiced_usage_amount_cents=usage.invoiced_amount_cents,
        current_usage_amount_cents=usage.current_amount_cents,
        from_datetime=stamp(row.subscription_at),
        to_datetime=stamp(work.now),
        usage_thresholds=_thresholds(work, row, usage),
    )


def _thresholds(work: Work, row: Subscription, usage: LifetimeUsage) -> list[LifetimeThresholdObject] | UnsetType:
    """Write how near the thresholds are that count for a subscription; nothing where none does."""
    thresholds = find_thresholds(work, [row])[row.id]
    if not thresholds:
        return UNSET
    reached = store.list_reached(work.tx, organization_id=work.organization_id, lifetime_usage_ids=[usage.id])
    return [
        LifetimeThresholdObject(
            amount_cents=item.level_cents,
            completion_ratio=float(item.ratio),  # a JSON number by contract; nothing is computed with it
            reached_at=_reached_at(item, reached),
        )
        for item in complete(as_terms(thresholds), total_cents=usage.total_cents)
    ]


def _reached_at(item: Completion, reached: Sequence[ReachedThreshold]) -> Stamp | None:
    """Return when usage first reached a level that is passed, None where no invoice was made for it."""
    if item.ratio < 1:
        return None
    return min((stamp(entry.created_at) for entry in reached if entry.lifetime_usage_amount_cents >= item.level_cents), default=None)
