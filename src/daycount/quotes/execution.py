"""
Carrying out what was agreed: the items of a quote become what other packages make, by the operations that the API calls.

An item holds a `payload`, what is offered, and `overrides`, what of it was negotiated. `plans` hold subscriptions with overrides of the
plan, `addOns` lines of a one-off invoice, `coupons` and `walletCredits` what is given with a new subscription.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, TypeVar

import msgspec
from msgspec import Struct, structs

from daycount import errors
from daycount.coupons.applying import apply_coupon
from daycount.coupons.records import AppliedCouponInput
from daycount.infra.work import Work
from daycount.invoicing.one_off import OneOffFeeInput, OneOffInput, create_one_off
from daycount.quotes.records import OrderType
from daycount.subscriptions.operations import create_subscription
from daycount.subscriptions.records import SubscriptionInput
from daycount.wallets.operations import create_wallet
from daycount.wallets.records import WalletInput

Wanted = TypeVar("Wanted", bound=Struct)
PLANS, COUPONS, CREDITS, ADD_ONS = "plans", "coupons", "walletCredits", "addOns"
KINDS: Final = (PLANS, COUPONS, CREDITS, ADD_ONS)
_ALLOWED: Final[Mapping[OrderType, frozenset[str]]] = {
    OrderType.ONE_OFF: frozenset({ADD_ONS}),
    OrderType.SUBSCRIPTION_CREATION: frozenset({PLANS, COUPONS, CREDITS}),
    OrderType.SUBSCRIPTION_AMENDMENT: frozenset({PLANS, COUPONS, CREDITS}),
}


class Party(NamedTuple):
    """Whom an order is for: the external id of the customer, and of the subscription that is amended."""

    external_customer_id: str
    external_subscription_id: str | None


class Terms(NamedTuple):
    """What is true of all items of an order."""

    order_type: OrderType
    currency: str | None
    billing_entity_code: str | None
    number: str
    """Of the order; names subscriptions that were given no external id."""


class Agreed(NamedTuple):
    """The items of an order as the operations that make them take them."""

    subscriptions: list[SubscriptionInput]
    coupons: list[AppliedCouponInput]
    wallets: list[WalletInput]
    invoice: OneOffInput | None


def read_items(items: Mapping[str, Any], party: Party, terms: Terms) -> Agreed:
    """Read what is agreed. Raises Invalid (billing_items) for what is missing, does not belong to the order's type, or cannot be read."""
    given_kinds = {kind for kind in KINDS if items.get(kind)}
    needed = ADD_ONS if terms.order_type is OrderType.ONE_OFF else PLANS
    if needed not in given_kinds:
        raise errors.Invalid({"billing_items": ["value_is_mandatory"]})
    is_amendment = terms.order_type is OrderType.SUBSCRIPTION_AMENDMENT
    if not given_kinds <= _ALLOWED[terms.order_type] or (is_amendment and len(items[PLANS]) > 1):
        raise errors.Invalid({"billing_items": ["value_is_invalid"]})
    owner = {"external_customer_id": party.external_customer_id}
    own_id = {"external_id": party.external_subscription_id} if is_amendment else {}
    sender = {} if terms.billing_entity_code is None else {"billing_entity_code": terms.billing_entity_code}
    money = {} if terms.currency is None else {"currency": terms.currency}
    plans = items.get(PLANS) or []
    return Agreed(
        subscriptions=[
            _read(
                SubscriptionInput,
                {"external_id": f"{terms.number}-{place}"} | sender | _payload(item) | _overrides(item, "plan_overrides") | owner | own_id,
            )
            for place, item in enumerate(plans, start=1)
        ],
        coupons=[_read(AppliedCouponInput, _payload(item) | _overrides(item) | owner) for item in items.get(COUPONS) or []],
        wallets=[_read(WalletInput, money | sender | _payload(item) | _overrides(item) | owner) for item in items.get(CREDITS) or []],
        invoice=_invoice(items.get(ADD_ONS) or [], owner | money | sender) if terms.order_type is OrderType.ONE_OFF else None,
    )


def carry_out(work: Work, agreed: Agreed) -> dict[str, Any]:
    """Make all that is agreed and return the ids of what was made. Raises what the operations raise."""
    made: dict[str, Any] = {
        "invoice_id": None,
        "subscription_ids": [],
        "terminated_subscription_ids": [],
        "applied_coupon_ids": [],
        "wallet_ids": [],
    }
    if agreed.invoice is not None:
        made["invoice_id"] = str(create_one_off(work, agreed.invoice).id)
    for wanted in agreed.subscriptions:
        row = create_subscription(work, wanted)
        made["subscription_ids"].append(str(row.id))
        if row.previous_id is not None and row.started_at == work.now:
            made["terminated_subscription_ids"].append(str(row.previous_id))
    for coupon in agreed.coupons:
        made["applied_coupon_ids"].append(str(apply_coupon(work, coupon).applied.id))
    for wallet in agreed.wallets:
        made["wallet_ids"].append(str(create_wallet(work, wallet).id))
    return made


def _invoice(items: list[Mapping[str, Any]], head: Mapping[str, Any]) -> OneOffInput:
    fees = [_read(OneOffFeeInput, _payload(item) | _overrides(item)) for item in items]
    return structs.replace(_read(OneOffInput, head), fees=fees)


def _payload(item: Mapping[str, Any]) -> dict[str, Any]:
    return dict(item.get("payload") or {})


def _overrides(item: Mapping[str, Any], name: str | None = None) -> dict[str, Any]:
    """Return what was negotiated of an item: fields that replace those of its payload, or all of them under one name."""
    overrides = dict(item.get("overrides") or {})
    return overrides if name is None else {name: overrides} if overrides else {}


def _read(kind: type[Wanted], source: Mapping[str, Any]) -> Wanted:
    """Read an item as an operation takes it; keys that are not known are dropped."""
    try:
        return msgspec.convert(source, kind, strict=False)
    except msgspec.ValidationError as error:
        raise errors.Invalid({"billing_items": ["value_is_invalid"]}) from error
