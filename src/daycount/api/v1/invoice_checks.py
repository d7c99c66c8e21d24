"""What comes out when an invoice is worked out again, on the wire."""

from collections.abc import Sequence

from msgspec import Struct

from daycount.api.routing import Call, Routes
from daycount.api.wire import read_path_uuid
from daycount.infra.work import Work
from daycount.invoicing.checking import Difference, check_invoice, say_check
from daycount.invoicing.operations import get_invoice

routes = Routes("invoices")


class FeeCheckObject(Struct, frozen=True, kw_only=True):
    """What came out of a fee; `events_count` is null where it was not worked out again from events."""

    lago_fee_id: str
    name: str
    amount_cents: int
    events_count: int | None
    differences: Sequence[Difference]


class InvoiceCheckObject(Struct, frozen=True, kw_only=True):
    """Whether an invoice is what its events and its plan come to; what differs is named with what is stored and what comes out."""

    lago_invoice_id: str
    number: str
    is_consistent: bool
    fees: Sequence[FeeCheckObject]
    differences: Sequence[Difference]
    sentences: Sequence[str]


@routes.get("/invoices/{lago_id}/check", returns=InvoiceCheckObject, root_out="invoice_check", is_extension=True)
def check_one_invoice(work: Work, call: Call) -> InvoiceCheckObject:
    """Work an invoice out again from raw events and the plan as it was, and compare each fee."""
    found = check_invoice(work, get_invoice(work, read_path_uuid(call.path["lago_id"], "invoice")))
    return InvoiceCheckObject(
        lago_invoice_id=str(found.invoice.id),
        number=found.invoice.number,
        is_consistent=found.is_consistent,
        fees=[
            FeeCheckObject(
                lago_fee_id=str(fee.fee_id),
                name=fee.name,
                amount_cents=fee.amount_cents,
                events_count=fee.events_count,
                differences=fee.differences,
            )
            for fee in found.fees
        ],
        differences=found.differences,
        sentences=say_check(found),
    )
