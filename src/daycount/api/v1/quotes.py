"""
Quotes, order forms and orders on the wire.

Clients of the contract read quotes and settle them; that a quote is made and its draft changed through the API is an extension of ours.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from daycount.api.paging import Page, page_of, read_page
from daycount.api.query import Query
from daycount.api.routing import Call, Routes
from daycount.api.wire import Stamp, stamp, stamp_or_none
from daycount.given import given
from daycount.infra.work import Work
from daycount.quotes import operations, orders, store
from daycount.quotes.records import (
    ApprovalInput,
    DealFilter,
    ExecutionInput,
    FormStatus,
    Order,
    OrderForm,
    OrderStatus,
    OrderType,
    Quote,
    QuoteInput,
    QuoteVersion,
    SignatureInput,
    VersionInput,
    VersionStatus,
)

routes = Routes("quotes")
_VERSION = "/quote_versions/{lago_id}"
_FORM = "/order_forms/{lago_id}"
_ORDER = "/orders/{lago_id}"
_COMMON = ("status[]", "number", "external_customer_id", "from_date", "to_date")
_Record = Mapping[str, Any]


class QuoteVersionObject(Struct, frozen=True, kw_only=True):
    """A version of a quote; its content and items are left out where several are shown."""

    lago_id: str
    lago_quote_id: str
    lago_organization_id: str
    version: int
    status: str
    currency: str | None
    billing_entity_code: str | None
    void_reason: str | None
    approved_at: Stamp | None
    voided_at: Stamp | None
    created_at: Stamp
    updated_at: Stamp
    content: str | None | UnsetType = UNSET
    billing_items: _Record | UnsetType = UNSET


class QuoteObject(Struct, frozen=True, kw_only=True):
    """A quote with its latest version; nobody owns one here."""

    lago_id: str
    number: str
    order_type: str
    lago_customer_id: str
    lago_subscription_id: str | None
    lago_organization_id: str
    created_at: Stamp
    updated_at: Stamp
    current_version: QuoteVersionObject
    owners: Sequence[_Record] | UnsetType = UNSET


class OrderFormObject(Struct, frozen=True, kw_only=True):
    """What a customer is to sign; documents that were signed are not kept."""

    lago_id: str
    number: str
    status: str
    void_reason: str | None
    expires_at: Stamp | None
    signed_at: Stamp | None
    voided_at: Stamp | None
    signed_document_url: str | None
    lago_organization_id: str
    lago_customer_id: str
    lago_quote_id: str
    lago_quote_version_id: str
    created_at: Stamp
    updated_at: Stamp


class OrderObject(Struct, frozen=True, kw_only=True):
    """What was signed, and what came of it; `billing_snapshot` is left out of webhooks."""

    lago_id: str
    number: str
    status: str
    order_type: str
    execution_mode: str | None
    execute_at: Stamp | None
    currency: str | None
    executed_at: Stamp | None
    execution_record: _Record | None
    lago_organization_id: str
    lago_customer_id: str
    lago_order_form_id: str
    created_at: Stamp
    updated_at: Stamp
    billing_snapshot: _Record | UnsetType = UNSET


def version_to_wire(version: QuoteVersion, *, is_whole: bool = False) -> QuoteVersionObject:
    """Write a version of a quote."""
    return QuoteVersionObject(
        lago_id=str(version.id),
        lago_quote_id=str(version.quote_id),
        lago_organization_id=str(version.organization_id),
        version=version.version,
        status=version.status,
        currency=version.currency,
        billing_entity_code=version.billing_entity_code,
        void_reason=version.void_reason,
        approved_at=stamp_or_none(version.approved_at),
        voided_at=stamp_or_none(version.voided_at),
        created_at=stamp(version.created_at),
        updated_at=stamp(version.updated_at),
        content=version.content if is_whole else UNSET,
        billing_items=version.billing_items if is_whole else UNSET,
    )


def list_to_wire(work: Work, found: Sequence[Quote], *, is_whole: bool = False) -> list[QuoteObject]:
    """Write quotes with their latest versions. One query."""
    current = store.find_current_versions(work.tx, organization_id=work.organization_id, quote_ids=[quote.id for quote in found])
    return [
        QuoteObject(
            lago_id=str(quote.id),
            number=quote.number,
            order_type=quote.order_type,
            lago_customer_id=str(quote.customer_id),
            lago_subscription_id=None if quote.subscription_id is None else str(quote.subscription_id),
            lago_organization_id=str(quote.organization_id),
            created_at=stamp(quote.created_at),
            updated_at=stamp(quote.updated_at),
            current_version=version_to_wire(current[quote.id], is_whole=is_whole),
            owners=[] if is_whole else UNSET,
        )
        for quote in found
    ]


def form_to_wire(form: OrderForm) -> OrderFormObject:
    """Write an order form."""
    return OrderFormObject(
        lago_id=str(form.id),
        number=form.number,
        status=form.status,
        void_reason=form.void_reason,
        expires_at=stamp_or_none(form.expires_at),
        signed_at=stamp_or_none(form.signed_at),
        voided_at=stamp_or_none(form.voided_at),
        signed_document_url=None,
        lago_organization_id=str(form.organization_id),
        lago_customer_id=str(form.customer_id),
        lago_quote_id=str(form.quote_id),
        lago_quote_version_id=str(form.version_id),
        created_at=stamp(form.created_at),
        updated_at=stamp(form.updated_at),
    )


def order_to_wire(order: Order, *, is_whole: bool = True) -> OrderObject:
    """Write an order."""
    record = order.execution_record
    return OrderObject(
        lago_id=str(order.id),
        number=order.number,
        status=order.status,
        order_type=order.order_type,
        execution_mode=order.execution_mode,
        execute_at=stamp_or_none(order.execute_at),
        currency=order.currency,
        executed_at=stamp_or_none(order.executed_at),
        execution_record=None if record is None else {**record, "executed_at": stamp_or_none(order.executed_at)},
        lago_organization_id=str(order.organization_id),
        lago_customer_id=str(order.customer_id),
        lago_order_form_id=str(order.order_form_id),
        created_at=stamp(order.created_at),
        updated_at=stamp(order.updated_at),
        billing_snapshot=order.billing_items if is_whole else UNSET,
    )


def _filter(query: Query, statuses: Sequence[str]) -> DealFilter:
    """Read the filters of a list. Raises Invalid for members of no known set, and for what is no date."""
    return DealFilter(
        statuses=query.members("status", statuses),
        order_types=query.members("order_type", tuple(OrderType)),
        number=query.one("number"),
        external_customer_id=query.one("external_customer_id"),
        since=query.instant("from_date"),
        until=query.end("to_date"),
        is_nobodys=query.one("owner_id") is not None,
    )


@routes.post("/quotes", accepts=QuoteInput, root_in="quote", returns=QuoteObject, root_out="quote", is_extension=True)
def create_quote(work: Work, call: Call) -> QuoteObject:
    """Offer something to a customer."""
    return list_to_wire(work, [operations.create_quote(work, call.body)], is_whole=True)[0]


@routes.get("/quotes", returns=QuoteObject, root_out="quotes", is_list=True, parameters=(*_COMMON, "order_type[]", "owner_id"))
def find_all_quotes(work: Work, call: Call) -> Page:
    """List quotes, newest first."""
    asked, query = read_page(call.query), _filter(call.query, tuple(VersionStatus))
    found, total = store.list_quotes(work.tx, organization_id=work.organization_id, query=query, limit=asked.per_page, offset=asked.offset)
    return page_of(list_to_wire(work, found), asked=asked, total=total)


@routes.get("/quotes/{lago_id}", returns=QuoteObject, root_out="quote")
def find_quote(work: Work, call: Call) -> QuoteObject:
    """Find a quote."""
    return list_to_wire(work, [operations.get_quote(work, call.path["lago_id"])], is_whole=True)[0]


@routes.get("/quotes/{lago_id}/versions", returns=QuoteVersionObject, root_out="quote_versions", is_list=True)
def find_all_quote_versions(work: Work, call: Call) -> Page:
    """List the versions of a quote, the latest first."""
    quote, asked = operations.get_quote(work, call.path["lago_id"]), read_page(call.query)
    found = store.list_versions(work.tx, organization_id=work.organization_id, quote_id=quote.id)
    shown = [version_to_wire(version) for version in found[asked.offset : asked.offset + asked.per_page]]
    return page_of(shown, asked=asked, total=len(found))


@routes.get(_VERSION, returns=QuoteVersionObject, root_out="quote_version")
def find_quote_version(work: Work, call: Call) -> QuoteVersionObject:
    """Find a version of a quote."""
    return version_to_wire(operations.get_version(work, call.path["lago_id"]), is_whole=True)


@routes.put(
    _VERSION, accepts=VersionInput, root_in="quote_version", returns=QuoteVersionObject, root_out="quote_version", is_extension=True
)
def update_quote_version(work: Work, call: Call) -> QuoteVersionObject:
    """Change a draft of a quote."""
    return version_to_wire(operations.change_version(work, call.path["lago_id"], call.body), is_whole=True)


@routes.post(f"{_VERSION}/approve", accepts=ApprovalInput, is_body_optional=True, returns=QuoteVersionObject, root_out="quote_version")
def approve_quote_version(work: Work, call: Call) -> QuoteVersionObject:
    """Approve a draft and make the order form to sign."""
    expires_at = given(call.body.expires_at, None)
    return version_to_wire(operations.approve_version(work, call.path["lago_id"], expires_at=expires_at), is_whole=True)


@routes.post(f"{_VERSION}/void", returns=QuoteVersionObject, root_out="quote_version")
def void_quote_version(work: Work, call: Call) -> QuoteVersionObject:
    """Take a draft of a quote back."""
    return version_to_wire(operations.void_version(work, call.path["lago_id"]), is_whole=True)


@routes.post(f"{_VERSION}/clone", returns=QuoteVersionObject, root_out="quote_version")
def clone_quote_version(work: Work, call: Call) -> QuoteVersionObject:
    """Write a version of a quote anew as a draft."""
    return version_to_wire(operations.clone_version(work, call.path["lago_id"]), is_whole=True)


@routes.get("/order_forms", returns=OrderFormObject, root_out="order_forms", is_list=True, parameters=_COMMON)
def find_all_order_forms(work: Work, call: Call) -> Page:
    """List order forms, newest first."""
    asked, query = read_page(call.query), _filter(call.query, tuple(FormStatus))
    found, total = store.list_forms(work.tx, organization_id=work.organization_id, query=query, limit=asked.per_page, offset=asked.offset)
    return page_of([form_to_wire(form) for form in found], asked=asked, total=total)


@routes.get(_FORM, returns=OrderFormObject, root_out="order_form")
def find_order_form(work: Work, call: Call) -> OrderFormObject:
    """Find an order form."""
    return form_to_wire(orders.get_form(work, call.path["lago_id"]))


@routes.post(
    f"{_FORM}/mark_as_signed",
    accepts=SignatureInput,
    root_in="order_form",
    is_body_optional=True,
    returns=OrderFormObject,
    root_out="order_form",
)
def mark_order_form_as_signed(work: Work, call: Call) -> OrderFormObject:
    """Note that a customer signed, and make the order."""
    return form_to_wire(orders.sign_form(work, call.path["lago_id"], call.body))


@routes.post(f"{_FORM}/void", returns=OrderFormObject, root_out="order_form")
def void_order_form(work: Work, call: Call) -> OrderFormObject:
    """Take an order form back, and the version it came from."""
    return form_to_wire(orders.void_form(work, call.path["lago_id"]))


@routes.get("/orders", returns=OrderObject, root_out="orders", is_list=True, parameters=(*_COMMON, "order_type[]"))
def find_all_orders(work: Work, call: Call) -> Page:
    """List orders, newest first."""
    asked, query = read_page(call.query), _filter(call.query, tuple(OrderStatus))
    found, total = store.list_orders(work.tx, organization_id=work.organization_id, query=query, limit=asked.per_page, offset=asked.offset)
    return page_of([order_to_wire(order) for order in found], asked=asked, total=total)


@routes.get(_ORDER, returns=OrderObject, root_out="order")
def find_order(work: Work, call: Call) -> OrderObject:
    """Find an order."""
    return order_to_wire(orders.get_order(work, call.path["lago_id"]))


@routes.post(f"{_ORDER}/execute", accepts=ExecutionInput, root_in="order", is_body_optional=True, returns=OrderObject, root_out="order")
def execute_order(work: Work, call: Call) -> OrderObject:
    """Carry an order out, whole or not at all."""
    return order_to_wire(orders.execute_order(work, call.path["lago_id"], mode=given(call.body.execution_mode, None)))
