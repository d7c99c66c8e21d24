"""Wallets on the wire."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType, structs

from daycount import errors
from daycount.api.entities import read_entities
from daycount.api.paging import Page, page_of, read_page
from daycount.api.query import Query
from daycount.api.routing import Call, Routes
from daycount.api.v1 import invoice_custom_sections as sections_wire
from daycount.api.wire import DecimalText, Stamp, read_path_uuid, stamp, stamp_milliseconds, stamp_or_none, text
from daycount.customers.operations import get_customer
from daycount.engine.wallets.top_ups import Method
from daycount.infra.work import Work
from daycount.invoicing import ongoing
from daycount.organizations.sections.records import Choice
from daycount.organizations.sections.store import find_choices
from daycount.wallets import operations, store
from daycount.wallets.records import PaymentMethod, Rule, Wallet, WalletFilter, WalletInput

routes = Routes("wallets")
LIST_PARAMETERS = ("external_customer_id", "currency", "billing_entity_codes[]")


class PaymentMethodObject(Struct, frozen=True, kw_only=True):
    """How purchases are paid."""

    payment_method_id: str | None
    payment_method_type: str


class AppliesToObject(Struct, frozen=True, kw_only=True):
    """What a wallet pays for; both empty: everything."""

    fee_types: Sequence[str]
    billable_metric_codes: Sequence[str]


class RuleObject(Struct, frozen=True, kw_only=True):
    """A rule that tops a wallet up. Amounts are credits."""

    lago_id: str
    paid_credits: DecimalText
    granted_credits: DecimalText
    grants_target_top_up: bool
    interval: str | None
    method: str
    started_at: Stamp | None
    expiration_at: Stamp | None
    status: str
    target_ongoing_balance: DecimalText | None
    threshold_credits: DecimalText
    trigger: str
    created_at: Stamp
    invoice_requires_successful_payment: bool
    ignore_paid_top_up_limits: bool
    transaction_metadata: Sequence[Mapping[str, str]]
    transaction_name: str | None
    purchase_order_number: str | None
    payment_method: PaymentMethodObject
    applied_invoice_custom_sections: Sequence[sections_wire.ChosenSectionObject] = ()


class WalletObject(Struct, frozen=True, kw_only=True):
    """
    A customer's prepaid credits; `…_cents` are minor units, credits are texts.

    Ongoing figures are those of this moment: the settled balance less what is used and not billed yet, and less what is held for
    authorizations (`reserved_amount_cents`).
    """

    lago_id: str
    lago_customer_id: str
    external_customer_id: str
    billing_entity_code: str
    status: str
    currency: str
    name: str | None
    code: str
    purchase_order_number: str | None
    priority: int
    rate_amount: DecimalText
    credits_balance: DecimalText
    credits_ongoing_balance: DecimalText
    credits_ongoing_usage_balance: DecimalText
    balance_cents: int
    ongoing_balance_cents: int
    ongoing_usage_balance_cents: int
    reserved_amount_cents: int
    consumed_credits: DecimalText
    created_at: Stamp
    expiration_at: Stamp | None
    last_balance_sync_at: Stamp | None
    last_consumed_credit_at: Stamp | None
    terminated_at: Stamp | None
    invoice_requires_successful_payment: bool
    paid_top_up_min_amount_cents: int | None
    paid_top_up_max_amount_cents: int | None
    recurring_transaction_rules: Sequence[RuleObject]
    applies_to: AppliesToObject | UnsetType = UNSET
    applied_invoice_custom_sections: Sequence[sections_wire.ChosenSectionObject] | UnsetType = UNSET
    payment_method: PaymentMethodObject
    metadata: Mapping[str, str | None] | UnsetType = UNSET


class WalletMetadataInput(Struct, frozen=True, kw_only=True):
    """Metadata of a wallet: texts or null by key."""

    metadata: Any | None | UnsetType = UNSET


def payment_method_to_wire(method: PaymentMethod) -> PaymentMethodObject:
    """Write how purchases are paid."""
    return PaymentMethodObject(**method._asdict())


def rule_to_wire(rule: Rule, choice: Choice | None = None) -> RuleObject:
    """Write a rule, with the custom sections that it chose."""
    target = rule.target_ongoing_balance
    return RuleObject(
        lago_id=str(rule.id),
        paid_credits=text(rule.paid_credits),
        granted_credits=text(rule.granted_credits),
        grants_target_top_up=rule.grants_target_top_up and rule.method is Method.TARGET,
        interval=rule.interval,
        method=rule.method,
        started_at=stamp_or_none(rule.started_at),
        expiration_at=stamp_or_none(rule.expiration_at),
        status=rule.status,
        target_ongoing_balance=None if target is None else text(target),
        threshold_credits=text(rule.threshold_credits),
        trigger=rule.trigger,
        created_at=stamp(rule.created_at),
        invoice_requires_successful_payment=rule.invoice_requires_successful_payment,
        ignore_paid_top_up_limits=rule.ignore_paid_top_up_limits,
        transaction_metadata=rule.transaction_metadata,
        transaction_name=rule.transaction_name,
        purchase_order_number=rule.purchase_order_number,
        payment_method=payment_method_to_wire(rule.payment_method),
        applied_invoice_custom_sections=sections_wire.choice_to_wire(choice),
    )


def to_wire(wallet: Wallet, *, is_whole: bool = True, chosen: Mapping[UUID, Choice] | None = None) -> WalletObject:
    """Write a wallet with what it and its rules chose; inside other objects what it applies to is left out."""
    choices = chosen or {}
    shown = WalletObject(
        lago_id=str(wallet.id),
        lago_customer_id=str(wallet.customer_id),
        external_customer_id=wallet.external_customer_id,
        billing_entity_code=wallet.billing_entity_code,
        status=wallet.status,
        currency=wallet.currency,
        name=wallet.name,
        code=wallet.code,
        purchase_order_number=wallet.purchase_order_number,
        priority=wallet.priority,
        rate_amount=text(wallet.rate_amount),
        credits_balance=text(wallet.credits_balance),
        credits_ongoing_balance=text(wallet.credits_of(wallet.ongoing_balance_cents)),
        credits_ongoing_usage_balance=text(wallet.credits_of(wallet.ongoing_usage_balance_cents)),
        balance_cents=wallet.balance_cents,
        ongoing_balance_cents=wallet.ongoing_balance_cents,
        ongoing_usage_balance_cents=wallet.ongoing_usage_balance_cents,
        reserved_amount_cents=wallet.reserved_amount_cents,
        consumed_credits=text(wallet.consumed_credits),
        created_at=stamp(wallet.created_at),
        expiration_at=stamp_or_none(wallet.expiration_at),
        last_balance_sync_at=stamp_or_none(wallet.last_balance_sync_at),
        last_consumed_credit_at=stamp_or_none(wallet.last_consumed_credit_at),
        terminated_at=None if wallet.terminated_at is None else stamp_milliseconds(wallet.terminated_at),
        invoice_requires_successful_payment=wallet.invoice_requires_successful_payment,
        paid_top_up_min_amount_cents=wallet.paid_top_up_min_amount_cents,
        paid_top_up_max_amount_cents=wallet.paid_top_up_max_amount_cents,
        recurring_transaction_rules=[rule_to_wire(rule, choices.get(rule.id)) for rule in wallet.rules],
        payment_method=payment_method_to_wire(wallet.payment_method),
        metadata=UNSET if wallet.metadata is None else wallet.metadata,
    )
    if not is_whole:
        return shown
    codes = [metric.code for metric in wallet.metrics]
    return structs.replace(
        shown,
        applies_to=AppliesToObject(fee_types=wallet.fee_types, billable_metric_codes=codes),
        applied_invoice_custom_sections=sections_wire.choice_to_wire(choices.get(wallet.id)),
    )


def list_to_wire(work: Work, found: Sequence[Wallet]) -> list[WalletObject]:
    """Write wallets with the custom sections they and their rules chose. One query."""
    chosen = choices_of(work, found)
    return [to_wire(wallet, chosen=chosen) for wallet in found]


def choices_of(work: Work, found: Sequence[Wallet]) -> Mapping[UUID, Choice]:
    """Return what wallets and their rules chose, by their ids. One query."""
    ids = [wallet.id for wallet in found] + [rule.id for wallet in found for rule in wallet.rules]
    return find_choices(work.tx, organization_id=work.organization_id, target_ids=ids)


def _now(work: Work, call: Call, wallet: Wallet) -> WalletObject:
    """Write a wallet with its ongoing balance of this moment."""
    return list_to_wire(work, ongoing.with_ongoing(work, [wallet], events=call.services.events))[0]


@routes.post("/wallets", accepts=WalletInput, root_in="wallet", returns=WalletObject, root_out="wallet")
def create_wallet(work: Work, call: Call) -> WalletObject:
    """Create a wallet; its first credits arrive right after."""
    return list_to_wire(work, [operations.create_wallet(work, call.body)])[0]


@routes.get("/wallets", returns=WalletObject, root_out="wallets", is_list=True, parameters=LIST_PARAMETERS)
def find_all_wallets(work: Work, call: Call) -> Page:
    """List wallets, of all customers or of one."""
    external_id = call.query.one("external_customer_id")
    customer_id = None if external_id is None else get_customer(work, external_id).id
    return _list(work, call, _filter(work, call.query)._replace(customer_id=customer_id))


def _filter(work: Work, query: Query) -> WalletFilter:
    read_entities(work, query)
    return WalletFilter(currency=query.one("currency"), billing_entity_codes=query.many("billing_entity_codes"))


def _list(work: Work, call: Call, query: WalletFilter) -> Page:
    asked = read_page(call.query)
    found = store.list_wallets(work.tx, organization_id=work.organization_id, query=query, limit=asked.per_page, offset=asked.offset)
    shown = list_to_wire(work, ongoing.with_ongoing(work, found, events=call.services.events))
    return page_of(shown, asked=asked, total=store.count_wallets(work.tx, organization_id=work.organization_id, query=query))


def _by_id(work: Work, call: Call) -> Wallet:
    return operations.get_wallet(work, read_path_uuid(call.path["lago_id"], "wallet"))


@routes.get("/wallets/{lago_id}", returns=WalletObject, root_out="wallet")
def find_wallet(work: Work, call: Call) -> WalletObject:
    """Find a wallet."""
    return _now(work, call, _by_id(work, call))


@routes.put("/wallets/{lago_id}", accepts=WalletInput, root_in="wallet", returns=WalletObject, root_out="wallet")
def update_wallet(work: Work, call: Call) -> WalletObject:
    """Change a wallet."""
    return _now(work, call, operations.update_wallet(work, _by_id(work, call), call.body))


@routes.delete("/wallets/{lago_id}", returns=WalletObject, root_out="wallet")
def destroy_wallet(work: Work, call: Call) -> WalletObject:
    """Terminate a wallet."""
    return _now(work, call, operations.terminate_wallet(work, _by_id(work, call)))


def _by_code(work: Work, call: Call) -> Wallet:
    return operations.get_customer_wallet(work, call.path["external_customer_id"], call.path["code"])


@routes.post("/customers/{external_customer_id}/wallets", accepts=WalletInput, root_in="wallet", returns=WalletObject, root_out="wallet")
def create_customer_wallet(work: Work, call: Call) -> WalletObject:
    """Create a wallet of a customer."""
    return list_to_wire(work, [operations.create_wallet(work, call.body, external_customer_id=call.path["external_customer_id"])])[0]


@routes.get(
    "/customers/{external_customer_id}/wallets",
    returns=WalletObject,
    root_out="wallets",
    is_list=True,
    parameters=("currency", "billing_entity_codes[]"),
)
def find_all_customer_wallets(work: Work, call: Call) -> Page:
    """List a customer's wallets."""
    customer = get_customer(work, call.path["external_customer_id"])
    return _list(work, call, _filter(work, call.query)._replace(customer_id=customer.id))


@routes.get("/customers/{external_customer_id}/wallets/{code}", returns=WalletObject, root_out="wallet")
def find_customer_wallet(work: Work, call: Call) -> WalletObject:
    """Find a customer's wallet by its code."""
    return _now(work, call, _by_code(work, call))


@routes.put(
    "/customers/{external_customer_id}/wallets/{code}", accepts=WalletInput, root_in="wallet", returns=WalletObject, root_out="wallet"
)
def update_customer_wallet(work: Work, call: Call) -> WalletObject:
    """Change a customer's wallet."""
    return _now(work, call, operations.update_wallet(work, _by_code(work, call), call.body))


@routes.delete("/customers/{external_customer_id}/wallets/{code}", returns=WalletObject, root_out="wallet")
def destroy_customer_wallet(work: Work, call: Call) -> WalletObject:
    """Terminate a customer's wallet."""
    return _now(work, call, operations.terminate_wallet(work, _by_code(work, call)))


def _metadata_routes(pattern: str, prefix: str, find: Any) -> None:
    """Register the four operations on a wallet's metadata below one of its addresses."""

    def replace(work: Work, call: Call) -> Mapping[str, str | None] | None:
        """Replace a wallet's metadata."""
        return operations.set_metadata(work, find(work, call), _sent(call))

    def merge(work: Work, call: Call) -> Mapping[str, str | None] | None:
        """Add to a wallet's metadata; keys that are there get new values."""
        wallet = find(work, call)
        sent = _sent(call)
        return wallet.metadata if not sent else operations.set_metadata(work, wallet, {**(wallet.metadata or {}), **sent})

    def remove(work: Work, call: Call) -> Mapping[str, str | None] | None:
        """Remove a wallet's metadata."""
        return operations.set_metadata(work, find(work, call), None)

    def remove_key(work: Work, call: Call) -> Mapping[str, str | None] | None:
        """Remove one key of a wallet's metadata."""
        wallet = find(work, call)
        if wallet.metadata is None:
            raise errors.NotFound("metadata")
        return operations.set_metadata(work, wallet, {key: value for key, value in wallet.metadata.items() if key != call.path["key"]})

    for name, handler in (("replace", replace), ("merge", merge), ("delete_all", remove), ("delete_key", remove_key)):
        handler.__name__ = f"{name}_{prefix}_metadata"
    shape: dict[str, Any] = {"returns": Mapping[str, str | None] | None, "root_out": "metadata"}
    routes.post(f"{pattern}/metadata", accepts=WalletMetadataInput, **shape)(replace)
    routes.add("PATCH", f"{pattern}/metadata", accepts=WalletMetadataInput, **shape)(merge)
    routes.delete(f"{pattern}/metadata", **shape)(remove)
    routes.delete(f"{pattern}/metadata/{{key}}", **shape)(remove_key)


def _sent(call: Call) -> dict[str, Any] | None:
    sent = call.body.metadata
    return {} if sent is UNSET else sent


_metadata_routes("/wallets/{lago_id}", "wallet", _by_id)
_metadata_routes("/customers/{external_customer_id}/wallets/{code}", "customer_wallet", _by_code)
