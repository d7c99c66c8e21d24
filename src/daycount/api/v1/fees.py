"""Fees on the wire by themselves, on an invoice or not."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType, structs

from daycount import errors
from daycount.api.paging import Page, page_of, read_page
from daycount.api.query import Query
from daycount.api.routing import Call, Routes
from daycount.api.v1.invoices import FeeObject, fee_to_wire, tax_to_wire
from daycount.api.wire import read_path_uuid
from daycount.customers import store as customers
from daycount.customers.records import Customer
from daycount.given import given
from daycount.infra.work import Work
from daycount.invoicing import store as invoices
from daycount.invoicing.fees import operations, store
from daycount.invoicing.records import FEE_PAYMENT_STATUSES, FEE_TYPES, Fee, FeeFilter, Invoice
from daycount.subscriptions import store as subscriptions
from daycount.subscriptions.records import Subscription

routes = Routes("fees")
_INSTANTS = ("created_at", "succeeded_at", "failed_at", "refunded_at")


class FeeInput(Struct, frozen=True, kw_only=True):
    """What of a fee can be changed: whether it was paid."""

    payment_status: str | None | UnsetType = UNSET


def with_taxes(work: Work, fees: Sequence[Fee]) -> list[FeeObject]:
    """Write fees with their taxes, which they carry everywhere but on an invoice."""
    ids = [fee.subscription_id for fee in fees if fee.subscription_id is not None]
    found = subscriptions.find_subscriptions(work.tx, organization_id=work.organization_id, ids=ids)
    rows: dict[UUID | None, Subscription] = {row.id: row for row in found}
    invoice_ids = {fee.invoice_id for fee in fees if fee.invoice_id is not None}
    found_in = invoices.find_invoices(work.tx, organization_id=work.organization_id, ids=list(invoice_ids)) if invoice_ids else []
    by_invoice = {row.id: row for row in found_in}
    owners = _owners(work, [by_invoice[fee.invoice_id] for fee in fees if fee.subscription_id is None and fee.invoice_id in by_invoice])
    self_billed = {row.id for row in by_invoice.values() if row.self_billed}
    return [
        structs.replace(
            fee_to_wire(
                fee, rows.get(fee.subscription_id), customer=owners.get(fee.invoice_id), is_self_billed=fee.invoice_id in self_billed
            ),
            applied_taxes=[tax_to_wire(tax, fee, lago_fee_id=str(fee.id)) for tax in fee.applied_taxes],
        )
        for fee in fees
    ]


def _owners(work: Work, found: Sequence[Invoice]) -> dict[UUID | None, Customer]:
    """Return the customers of invoices."""
    owners = customers.find_customers(work.tx, organization_id=work.organization_id, ids=[row.customer_id for row in found])
    return {row.id: owners[row.customer_id] for row in found}


def read_filter(query: Query) -> FeeFilter:
    """Read the filters of the list. Raises Invalid for what is of no known set, or no date."""
    return FeeFilter(
        external_customer_id=query.one("external_customer_id"),
        external_subscription_id=query.one("external_subscription_id"),
        fee_type=_member(query, "fee_type", FEE_TYPES),
        payment_status=_member(query, "payment_status", FEE_PAYMENT_STATUSES),
        billable_metric_code=query.one("billable_metric_code"),
        currency=query.one("currency"),
        event_transaction_id=query.one("event_transaction_id"),
        between={name: (query.instant(f"{name}_from"), query.instant(f"{name}_to")) for name in _INSTANTS},
    )


def _member(query: Query, name: str, allowed: Sequence[str]) -> str | None:
    value = query.one(name)
    if value is not None and value not in allowed:
        raise errors.Invalid({name: ["value_is_invalid"]})
    return value


@routes.get(
    "/fees",
    returns=FeeObject,
    root_out="fees",
    is_list=True,
    parameters=(
        "external_customer_id",
        "external_subscription_id",
        "event_transaction_id",
        "currency",
        "fee_type",
        "billable_metric_code",
        "payment_status",
        *(f"{name}_{end}" for name in _INSTANTS for end in ("from", "to")),
    ),
)
def find_all_fees(work: Work, call: Call) -> Page:
    """List fees, the oldest first."""
    query, asked = read_filter(call.query), read_page(call.query)
    found = store.list_fees(work.tx, organization_id=work.organization_id, query=query, limit=asked.per_page, offset=asked.offset)
    total = store.count_fees(work.tx, organization_id=work.organization_id, query=query)
    return page_of(with_taxes(work, found), asked=asked, total=total)


@routes.get("/fees/{lago_id}", returns=FeeObject, root_out="fee")
def find_fee(work: Work, call: Call) -> FeeObject:
    """Find a fee by its id."""
    return with_taxes(work, [operations.get_fee(work, read_path_uuid(call.path["lago_id"], "fee"))])[0]


@routes.put("/fees/{lago_id}", accepts=FeeInput, root_in="fee", returns=FeeObject, root_out="fee")
def update_fee(work: Work, call: Call) -> FeeObject:
    """Report the payment of a fee that stands on no invoice."""
    fee_id = read_path_uuid(call.path["lago_id"], "fee")
    return with_taxes(work, [operations.report_payment(work, fee_id, payment_status=given(call.body.payment_status, None))])[0]


@routes.delete("/fees/{lago_id}", returns=FeeObject, root_out="fee")
def delete_fee(work: Work, call: Call) -> FeeObject:
    """Delete a fee that stands on no invoice."""
    fee = operations.delete_fee(work, read_path_uuid(call.path["lago_id"], "fee"))
    return structs.replace(with_taxes(work, [fee])[0], applied_taxes=UNSET)
