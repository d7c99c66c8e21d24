"""Use cases of fees that stand alone: their payment is reported by whoever collected it."""

from uuid import UUID

from msgspec import structs

from daycount import errors
from daycount.customers.operations import lane_of
from daycount.infra.work import Work
from daycount.invoicing.fees import store
from daycount.invoicing.records import FEE_PAYMENT_STATUSES, Fee
from daycount.subscriptions import store as subscriptions


def get_fee(work: Work, fee_id: UUID) -> Fee:
    """Return a fee. Raises NotFound."""
    fee = store.find_fee(work.tx, organization_id=work.organization_id, fee_id=fee_id)
    if fee is None:
        raise errors.NotFound("fee")
    return fee


def report_payment(work: Work, fee_id: UUID, *, payment_status: str | None) -> Fee:
    """
    Set the payment status of a fee that stands alone; the instant it came to it is kept, others are cleared.

    Locks the customer's lane and the fee. Raises NotFound, NotAllowed (invoiced_fee), Invalid (payment_status).
    Source: Lago API, fees.
    """
    fee = _lock_alone(work, fee_id, payment_status)
    at = {f"{status}_at": work.now if status == payment_status else None for status in ("succeeded", "failed", "refunded")}
    changed = structs.replace(fee, payment_status=payment_status, **at)
    store.set_payment(work.tx, changed)
    return changed


def delete_fee(work: Work, fee_id: UUID) -> Fee:
    """
    Delete a fee that stands alone; its event is not billed again.

    Locks the customer's lane and the fee. Raises NotFound, NotAllowed (invoiced_fee). Source: Lago API, fees.
    """
    fee = _lock_alone(work, fee_id, "pending")
    store.mark_deleted(work.tx, fee_id=fee.id, at=work.now)
    return fee


def _lock_alone(work: Work, fee_id: UUID, payment_status: str | None) -> Fee:
    fee = get_fee(work, fee_id)
    if payment_status not in FEE_PAYMENT_STATUSES:
        raise errors.Invalid({"payment_status": ["value_is_invalid"]})
    if fee.subscription_id is None:
        raise errors.NotAllowed("invoiced_fee")
    [row] = subscriptions.find_subscriptions(work.tx, organization_id=work.organization_id, ids=[fee.subscription_id])
    work.agenda.hold(lane_of(row.customer_id))
    locked = store.find_fee(work.tx, organization_id=work.organization_id, fee_id=fee_id, lock=True)
    if locked is None:
        raise errors.NotFound("fee")
    if locked.invoice_id is not None:
        raise errors.NotAllowed("invoiced_fee")
    return locked
