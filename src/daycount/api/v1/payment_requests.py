"""Payment requests on the wire."""

from collections.abc import Sequence

from msgspec import Struct

from daycount.api.entities import read_entities
from daycount.api.paging import Page, page_of, read_page
from daycount.api.routing import Call, Routes
from daycount.api.v1 import customers as customers_wire
from daycount.api.v1 import invoices as invoices_wire
from daycount.api.wire import Stamp, read_path_uuid, stamp
from daycount.customers import store as customers
from daycount.customers.operations import get_customer
from daycount.infra.work import Work
from daycount.invoicing import store as invoices
from daycount.invoicing.papers import store as papers
from daycount.payments.requests import operations, store
from daycount.payments.requests.records import PaymentRequestFilter, PaymentRequestInput, ShownRequest

routes = Routes("payment_requests")
_PARAMETERS = ("payment_status", "currency", "billing_entity_codes[]")


class PaymentRequestObject(Struct, frozen=True, kw_only=True):
    """Overdue invoices that are asked for in one amount, in minor units; `email` is empty where nobody is written to."""

    lago_id: str
    email: str
    amount_cents: int
    amount_currency: str
    payment_status: str
    created_at: Stamp
    customer: customers_wire.CustomerObject
    invoices: Sequence[invoices_wire.InvoiceObject]


def list_to_wire(work: Work, found: Sequence[ShownRequest]) -> list[PaymentRequestObject]:
    """Write payment requests with their customers and invoices. A constant number of queries."""
    ids = [invoice_id for shown in found for invoice_id in shown.invoice_ids]
    by_id = (
        {invoice.id: invoice for invoice in invoices.find_invoices(work.tx, organization_id=work.organization_id, ids=ids)} if ids else {}
    )
    urls = papers.find_urls(work.tx, organization_id=work.organization_id, subject_ids=ids)
    codes = invoices.find_entity_codes(work.tx, organization_id=work.organization_id, invoice_ids=ids)
    customer_ids = [shown.request.customer_id for shown in found]
    owners = customers.find_customers(work.tx, organization_id=work.organization_id, ids=customer_ids)
    written = dict(zip(owners, customers_wire.list_to_wire(work, list(owners.values())), strict=True))
    return [
        PaymentRequestObject(
            lago_id=str(shown.request.id),
            email=shown.request.email or "",
            amount_cents=shown.request.amount_cents,
            amount_currency=shown.request.currency,
            payment_status=shown.request.payment_status,
            created_at=stamp(shown.request.created_at),
            customer=written[shown.request.customer_id],
            invoices=[
                invoices_wire.to_wire(
                    by_id[one], owners[by_id[one].customer_id], entity_code=codes[one], urls=urls.get(one, papers.NOWHERE)
                )
                for one in shown.invoice_ids
            ],
        )
        for shown in found
    ]


@routes.post(
    "/payment_requests",
    accepts=PaymentRequestInput,
    root_in="payment_request",
    returns=PaymentRequestObject,
    root_out="payment_request",
)
def create_payment_request(work: Work, call: Call) -> PaymentRequestObject:
    """Ask for overdue invoices of a customer in one amount."""
    return list_to_wire(work, [operations.create_request(work, call.body)])[0]


@routes.get(
    "/payment_requests",
    returns=PaymentRequestObject,
    root_out="payment_requests",
    is_list=True,
    parameters=("external_customer_id", *_PARAMETERS),
)
def find_all_payment_requests(work: Work, call: Call) -> Page:
    """List payment requests, newest first."""
    return _list(work, call, external_customer_id=call.query.one("external_customer_id"))


@routes.get(
    "/customers/{external_customer_id}/payment_requests",
    returns=PaymentRequestObject,
    root_out="payment_requests",
    is_list=True,
    parameters=_PARAMETERS,
)
def find_all_customer_payment_requests(work: Work, call: Call) -> Page:
    """List a customer's payment requests."""
    return _list(work, call, external_customer_id=get_customer(work, call.path["external_customer_id"]).external_id)


@routes.get("/payment_requests/{lago_id}", returns=PaymentRequestObject, root_out="payment_request")
def find_payment_request(work: Work, call: Call) -> PaymentRequestObject:
    """Find a payment request."""
    return list_to_wire(work, [operations.get_request(work, read_path_uuid(call.path["lago_id"], "payment_request"))])[0]


@routes.put(
    "/payment_requests/{lago_id}",
    accepts=PaymentRequestInput,
    root_in="payment_request",
    returns=PaymentRequestObject,
    root_out="payment_request",
    is_extension=True,
)
def update_payment_request(work: Work, call: Call) -> PaymentRequestObject:
    """Say what became of a payment request; once it is paid, all its invoices are."""
    request_id = read_path_uuid(call.path["lago_id"], "payment_request")
    return list_to_wire(work, [operations.update_request(work, request_id, call.body)])[0]


def _list(work: Work, call: Call, *, external_customer_id: str | None) -> Page:
    asked = read_page(call.query)
    query = PaymentRequestFilter(
        external_customer_id=external_customer_id,
        payment_status=call.query.one("payment_status"),
        currency=call.query.one("currency"),
        entity_ids=read_entities(work, call.query),
    )
    found = store.list_requests(work.tx, organization_id=work.organization_id, query=query, limit=asked.per_page, offset=asked.offset)
    total = store.count_requests(work.tx, organization_id=work.organization_id, query=query)
    return page_of(list_to_wire(work, found), asked=asked, total=total)
