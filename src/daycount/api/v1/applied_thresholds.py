"""Usage thresholds on the wire of the invoices that were made for them."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from daycount.api.v1 import plans as plans_wire
from daycount.api.wire import Stamp, stamp
from daycount.infra.work import Work
from daycount.invoicing.progressive import store
from daycount.invoicing.progressive.records import PROGRESSIVE, ReachedThreshold
from daycount.invoicing.records import Invoice


class AppliedThresholdObject(Struct, frozen=True, kw_only=True):
    """A threshold that was reached, and the lifetime usage then, in minor units."""

    lifetime_usage_amount_cents: int
    created_at: Stamp
    usage_threshold: plans_wire.ThresholdObject


def to_wire(reached: ReachedThreshold) -> AppliedThresholdObject:
    """Write a threshold that was reached."""
    return AppliedThresholdObject(
        lifetime_usage_amount_cents=reached.lifetime_usage_amount_cents,
        created_at=stamp(reached.created_at),
        usage_threshold=plans_wire.threshold_to_wire(reached.threshold),
    )


def of_invoices(work: Work, invoices: Sequence[Invoice]) -> dict[UUID, list[AppliedThresholdObject]]:
    """Write the thresholds of those invoices that are progressive, by invoice. One query where there are any."""
    ids = [invoice.id for invoice in invoices if invoice.invoice_type == PROGRESSIVE]
    found = store.list_reached_of(work.tx, organization_id=work.organization_id, invoice_ids=ids) if ids else {}
    return {invoice_id: [to_wire(reached) for reached in found.get(invoice_id, ())] for invoice_id in ids}
