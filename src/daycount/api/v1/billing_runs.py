"""Billing runs and what was set aside in them on the wire: additions of ours to the contract."""

from collections.abc import Sequence

from msgspec import Struct

from daycount.api.paging import Page, page_of, read_page
from daycount.api.routing import Call, Routes
from daycount.api.wire import Stamp, stamp
from daycount.customers import store as customers
from daycount.customers.operations import get_customer, lane_of
from daycount.infra import agenda
from daycount.infra.work import Work
from daycount.invoicing import store

routes = Routes("billing_runs")


class RunSumObject(Struct, frozen=True, kw_only=True):
    """What the invoices of a run in one currency and status come to, in minor units."""

    currency: str
    status: str
    invoices_count: int
    total_amount_cents: int


class BillingRunObject(Struct, frozen=True, kw_only=True):
    """An instant at which subscriptions were billed."""

    billed_at: Stamp
    subscriptions_count: int
    sums: Sequence[RunSumObject]


class ParkedCustomerObject(Struct, frozen=True, kw_only=True):
    """What could not be done for a customer, since when, and why; nothing else of the customer is done until it is retried."""

    lago_customer_id: str
    external_customer_id: str
    kind: str
    due_at: Stamp
    parked_at: Stamp
    reason: str


def parked_to_wire(work: Work) -> list[ParkedCustomerObject]:
    """Write what is set aside. Two queries."""
    parked = agenda.list_parked(work.tx, organization_id=work.organization_id)
    owners = customers.find_customers(work.tx, organization_id=work.organization_id, ids=[entry.lane_id for entry in parked])
    return [
        ParkedCustomerObject(
            lago_customer_id=str(entry.lane_id),
            external_customer_id=owners[entry.lane_id].external_id,
            kind=entry.kind,
            due_at=stamp(entry.due_at),
            parked_at=stamp(entry.parked_at),
            reason=entry.because,
        )
        for entry in parked
        if entry.lane_id in owners
    ]


@routes.get("/billing_runs", returns=BillingRunObject, root_out="billing_runs", is_list=True, is_extension=True)
def find_all_billing_runs(work: Work, call: Call) -> Page:
    """List the instants at which subscriptions were billed, the latest first."""
    asked = read_page(call.query)
    runs = store.list_runs(work.tx, organization_id=work.organization_id, limit=asked.per_page, offset=asked.offset)
    shown = [
        BillingRunObject(
            billed_at=stamp(run.billed_at),
            subscriptions_count=run.subscriptions_count,
            sums=[RunSumObject(**item._asdict()) for item in run.sums],
        )
        for run in runs
    ]
    return page_of(shown, asked=asked, total=store.count_runs(work.tx, organization_id=work.organization_id))


@routes.get("/parked_customers", returns=ParkedCustomerObject, root_out="parked_customers", is_list=True, is_extension=True)
def find_all_parked_customers(work: Work, call: Call) -> Page:
    """List the customers that stand still because something could not be done for them."""
    asked = read_page(call.query)
    parked = parked_to_wire(work)
    return page_of(parked[asked.offset : asked.offset + asked.per_page], asked=asked, total=len(parked))


@routes.post("/parked_customers/{external_customer_id}/retry", is_extension=True)
def retry_parked_customer(work: Work, call: Call) -> None:
    """Try again what could not be done for a customer; it runs in the background, or with the next move of the clock."""
    customer = get_customer(work, call.path["external_customer_id"])
    agenda.retry(work.tx, organization_id=work.organization_id, lane_id=lane_of(customer.id))
