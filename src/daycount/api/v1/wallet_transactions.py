"""Wallet transactions on the wire."""

from collections.abc import Mapping, Sequence

from msgspec import UNSET, Struct, UnsetType, structs

from daycount import errors
from daycount.api.paging import Page, page_of, read_page
from daycount.api.routing import Call, Routes
from daycount.api.v1 import invoice_custom_sections as sections_wire
from daycount.api.v1.wallets import PaymentMethodObject, WalletObject, payment_method_to_wire
from daycount.api.v1.wallets import to_wire as wallet_to_wire
from daycount.api.wire import DecimalText, Stamp, read_path_uuid, stamp, stamp_or_none, text
from daycount.engine.wallets.credits import major_units
from daycount.infra.work import Work
from daycount.money import decimal_text
from daycount.organizations.sections.operations import find_choice
from daycount.wallets import operations, store
from daycount.wallets.records import (
    Consumption,
    Direction,
    Origin,
    Settlement,
    TransactionFilter,
    TransactionInput,
    Wallet,
    WalletTransaction,
)

routes = Routes("wallet_transactions")


class WalletTransactionObject(Struct, frozen=True, kw_only=True):
    """One movement of credits; `amount` is in major units, `remaining_…` is what is left of an inbound one."""

    lago_id: str
    lago_wallet_id: str
    lago_invoice_id: str | None
    lago_credit_note_id: str | None
    lago_voided_invoice_id: str | None
    billing_entity_code: str
    status: str
    source: str
    transaction_status: str
    transaction_type: str
    amount: DecimalText
    credit_amount: DecimalText
    remaining_amount_cents: int | None
    remaining_credit_amount: DecimalText | None
    priority: int
    purchase_order_number: str | None
    settled_at: Stamp | None
    failed_at: Stamp | None
    created_at: Stamp
    invoice_requires_successful_payment: bool
    metadata: Sequence[Mapping[str, str]]
    name: str | None
    payment_method: PaymentMethodObject
    applied_invoice_custom_sections: Sequence[sections_wire.ChosenSectionObject] | UnsetType = UNSET
    wallet: WalletObject | UnsetType = UNSET


class ConsumptionObject(Struct, frozen=True, kw_only=True):
    """How much of an outbound transaction an inbound one paid, with the other of the two."""

    lago_id: str
    amount_cents: int
    credit_amount: DecimalText
    created_at: Stamp
    wallet_transaction: WalletTransactionObject


class PaymentDetailsObject(Struct, frozen=True, kw_only=True):
    """Where a purchase can be paid."""

    lago_customer_id: str
    external_customer_id: str
    payment_provider: str
    lago_wallet_transaction_id: str
    payment_url: str


def to_wire(item: WalletTransaction, wallet: Wallet, *, has_wallet: bool = False) -> WalletTransactionObject:
    """Write a transaction of a wallet."""
    remaining = item.remaining_amount_cents
    return WalletTransactionObject(
        lago_id=str(item.id),
        lago_wallet_id=str(item.wallet_id),
        lago_invoice_id=_id_or_none(item.invoice_id),
        lago_credit_note_id=_id_or_none(item.credit_note_id),
        lago_voided_invoice_id=_id_or_none(item.voided_invoice_id),
        billing_entity_code=item.billing_entity_code,
        status=item.status,
        source=item.source,
        transaction_status=item.transaction_status,
        transaction_type=item.transaction_type,
        amount=decimal_text(major_units(item.amount_cents, currency=wallet.money)),
        credit_amount=text(item.credit_amount),
        remaining_amount_cents=remaining,
        remaining_credit_amount=None if remaining is None else text(wallet.credits_of(remaining)),
        priority=item.priority,
        purchase_order_number=item.purchase_order_number,
        settled_at=stamp_or_none(item.settled_at),
        failed_at=stamp_or_none(item.failed_at),
        created_at=stamp(item.created_at),
        invoice_requires_successful_payment=item.invoice_requires_successful_payment,
        metadata=item.metadata,
        name=item.name,
        payment_method=payment_method_to_wire(item.payment_method),
        wallet=wallet_to_wire(wallet, is_whole=False) if has_wallet else UNSET,
    )


def _id_or_none(value: object) -> str | None:
    return None if value is None else str(value)


@routes.post(
    "/wallet_transactions",
    accepts=TransactionInput,
    root_in="wallet_transaction",
    returns=WalletTransactionObject,
    root_out="wallet_transactions",
    is_list=True,
    has_meta=False,
)
def create_wallet_transaction(work: Work, call: Call) -> list[WalletTransactionObject]:
    """Buy, grant and take back credits."""
    made = operations.top_up(work, call.body)
    found = store.find_transactions(work.tx, organization_id=work.organization_id, ids=[item.id for item in made])
    by_id = {item.id: item for item in found}
    return [to_wire(by_id[item.id], operations.get_wallet(work, item.wallet_id)) for item in made]


@routes.get("/wallet_transactions/{lago_id}", returns=WalletTransactionObject, root_out="wallet_transaction")
def find_wallet_transaction(work: Work, call: Call) -> WalletTransactionObject:
    """Find a transaction."""
    item = _find(work, call)
    shown = sections_wire.choice_to_wire(find_choice(work, item.id))
    return structs.replace(to_wire(item, operations.get_wallet(work, item.wallet_id)), applied_invoice_custom_sections=shown)


def _find(work: Work, call: Call) -> WalletTransaction:
    wanted = read_path_uuid(call.path["lago_id"], "wallet_transaction")
    found = store.find_transactions(work.tx, organization_id=work.organization_id, ids=[wanted])
    if not found:
        raise errors.NotFound("wallet_transaction")
    return found[0]


@routes.get(
    "/wallets/{lago_id}/wallet_transactions",
    returns=WalletTransactionObject,
    root_out="wallet_transactions",
    is_list=True,
    parameters=("status", "transaction_status", "transaction_type", "metadata[key]"),
)
def find_all_wallet_transactions(work: Work, call: Call) -> Page:
    """List a wallet's transactions, newest first; filters that say nothing known are passed over."""
    wallet = operations.get_wallet(work, read_path_uuid(call.path["lago_id"], "wallet"))

    def known(name: str, allowed: type[Settlement | Origin | Direction]) -> str | None:
        value = call.query.one(name)
        return value if value in set(allowed) else None

    query = TransactionFilter(
        status=known("status", Settlement),
        transaction_status=known("transaction_status", Origin),
        transaction_type=known("transaction_type", Direction),
        metadata=call.query.pairs("metadata"),
    )
    asked = read_page(call.query)
    found = store.list_transactions(work.tx, wallet_id=wallet.id, query=query, limit=asked.per_page, offset=asked.offset)
    total = store.count_transactions(work.tx, wallet_id=wallet.id, query=query)
    return page_of([to_wire(item, wallet) for item in found], asked=asked, total=total)


@routes.get(
    "/wallet_transactions/{lago_id}/consumptions", returns=ConsumptionObject, root_out="wallet_transaction_consumptions", is_list=True
)
def find_all_wallet_transaction_consumptions(work: Work, call: Call) -> Page:
    """List what an inbound transaction paid."""
    return _list_consumptions(work, call, wanted=Direction.INBOUND)


@routes.get("/wallet_transactions/{lago_id}/fundings", returns=ConsumptionObject, root_out="wallet_transaction_fundings", is_list=True)
def find_all_wallet_transaction_fundings(work: Work, call: Call) -> Page:
    """List what an outbound transaction was paid from."""
    return _list_consumptions(work, call, wanted=Direction.OUTBOUND)


def _list_consumptions(work: Work, call: Call, *, wanted: Direction) -> Page:
    item = _find(work, call)
    if item.transaction_type is not wanted:
        raise errors.Invalid({"transaction_type": ["invalid_transaction_type"]})
    wallet = operations.get_wallet(work, item.wallet_id)
    asked = read_page(call.query)
    own, other = ("inbound_id", "outbound_id") if wanted is Direction.INBOUND else ("outbound_id", "inbound_id")
    rows, total = store.list_consumptions(work.tx, column=own, transaction_id=item.id, limit=asked.per_page, offset=asked.offset)
    ids = {getattr(row, other) for row in rows}
    others = {found.id: found for found in store.find_transactions(work.tx, organization_id=work.organization_id, ids=ids)}
    return page_of([_consumption(row, others[getattr(row, other)], wallet) for row in rows], asked=asked, total=total)


def _consumption(row: Consumption, other: WalletTransaction, wallet: Wallet) -> ConsumptionObject:
    return ConsumptionObject(
        lago_id=str(row.id),
        amount_cents=row.amount_cents,
        credit_amount=text(wallet.credits_of(row.amount_cents)),
        created_at=stamp(row.created_at),
        wallet_transaction=to_wire(other, wallet),
    )


@routes.post("/wallet_transactions/{lago_id}/payment_url", returns=PaymentDetailsObject, root_out="wallet_transaction_payment_details")
def wallet_transaction_payment_url(work: Work, call: Call) -> PaymentDetailsObject:
    """Make an address to pay a purchase at, for the next 24 hours."""
    item = _find(work, call)
    if item.transaction_status is not Origin.PURCHASED:
        raise errors.Invalid({"base": ["wallet_transaction_not_purchased"]})
    if item.status is Settlement.SETTLED:
        raise errors.Invalid({"base": ["wallet_transaction_already_settled"]})
    if item.invoice_id is None:
        raise errors.Invalid({"base": ["wallet_transaction_has_no_attached_invoice"]})
    provided = call.services.checkout.of_invoice(work, item.invoice_id, is_open_seen=True)
    return PaymentDetailsObject(
        lago_customer_id=str(provided.customer.id),
        external_customer_id=provided.customer.external_id,
        payment_provider=provided.connection.provider_type,
        lago_wallet_transaction_id=str(item.id),
        payment_url=provided.url,
    )
