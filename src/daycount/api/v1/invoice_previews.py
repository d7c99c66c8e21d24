"""Previews of invoices on the wire."""

from collections.abc import Mapping
from typing import Any

from msgspec import structs

from daycount import errors
from daycount.api.routing import Call, Routes
from daycount.api.v1.invoices import InvoiceObject, whole_to_wire
from daycount.api.wire import decode
from daycount.infra.work import Work
from daycount.invoicing.preview import PreviewInput, rehearse_invoice
from daycount.invoicing.preview_coupons import PreviewCoupon

routes = Routes("invoices")
_MOST_COUPONS = 100


def _read_coupons(sent: Any) -> list[PreviewCoupon]:
    """Read the coupons to try on. Raises WrongShape, Invalid."""
    if sent is None or isinstance(sent, tuple):  # null, or left out
        return []
    if not isinstance(sent, list):
        raise errors.WrongShape("coupons_must_be_an_array")
    if len(sent) > _MOST_COUPONS or not all(isinstance(item, Mapping) for item in sent):
        raise errors.Invalid({"coupons": ["value_is_invalid"]})
    return [decode(PreviewCoupon, item) for item in sent]


@routes.post("/invoices/preview", accepts=PreviewInput, returns=InvoiceObject, root_out="invoice")
def preview_invoice(work: Work, call: Call) -> InvoiceObject:
    """Say what would be billed next, for a plan, or by a change; nothing is stored."""
    wanted = structs.replace(call.body, coupons=_read_coupons(call.body.coupons))
    with rehearse_invoice(work, wanted, events=call.services.events) as previewed:
        shown = whole_to_wire(previewed.work, previewed.invoice)
        return structs.replace(shown, number="", sequential_id=None, status="finalized", payment_status="pending")
