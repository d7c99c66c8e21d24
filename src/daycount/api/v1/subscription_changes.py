"""Previews of plan changes and terminations on the wire: an addition of ours to the contract."""

from collections.abc import Sequence

from msgspec import Struct

from daycount.api.routing import Call, Routes
from daycount.api.v1 import invoices as invoices_wire
from daycount.api.wire import DecimalText, Stamp, stamp
from daycount.infra.work import Work
from daycount.invoicing.change_preview import ChangeInput, RehearsedChange, rehearse_change
from daycount.invoicing.messages import TimeUnused
from daycount.money import decimal_text

routes = Routes("subscriptions")


class UnusedTimeObject(Struct, frozen=True, kw_only=True):
    """The unused part of a base fee in advance, net of coupons and taxes, and how it is given back."""

    lago_fee_id: str
    lago_invoice_id: str
    days: int
    full_days: int
    precise_amount_cents: DecimalText
    method: str


class SubscriptionChangeObject(Struct, frozen=True, kw_only=True):
    """What a change would bill and give back; nothing of it is stored."""

    change: str
    effective_at: Stamp
    invoices: Sequence[invoices_wire.InvoiceObject]
    unused_time: Sequence[UnusedTimeObject]


def _unused_to_wire(message: TimeUnused) -> UnusedTimeObject:
    return UnusedTimeObject(
        lago_fee_id=str(message.fee.id),
        lago_invoice_id=str(message.fee.invoice_id),
        days=message.unused.days,
        full_days=message.unused.full_days,
        precise_amount_cents=decimal_text(message.unused.amount_cents),
        method=message.method,
    )


def to_wire(rehearsed: RehearsedChange) -> SubscriptionChangeObject:
    """Write a preview; the rehearsal must still last."""
    return SubscriptionChangeObject(
        change=rehearsed.change,
        effective_at=stamp(rehearsed.effective_at),
        invoices=[invoices_wire.whole_to_wire(rehearsed.work, invoice) for invoice in rehearsed.invoices],
        unused_time=[_unused_to_wire(message) for message in rehearsed.unused],
    )


@routes.post(
    "/subscriptions/{external_id}/preview_change",
    accepts=ChangeInput,
    returns=SubscriptionChangeObject,
    root_out="subscription_change",
    is_extension=True,
)
def preview_subscription_change(work: Work, call: Call) -> SubscriptionChangeObject:
    """Say what a change of plan, or the end, would bill at an instant; nothing changes."""
    with rehearse_change(work, call.path["external_id"], call.body) as rehearsed:
        return to_wire(rehearsed)
