"""Reading the fields of a subscription as callers give them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from msgspec import UnsetType

from daycount import errors
from daycount.catalog.records import Plan
from daycount.customers.payment_methods.operations import read_reference, resolve
from daycount.customers.payment_methods.records import MANUAL, PROVIDER, Reference
from daycount.customers.payment_methods.store import find_usable
from daycount.customers.records import Customer
from daycount.given import given, is_given
from daycount.infra.work import Work
from daycount.periods import parse_instant
from daycount.subscriptions.records import ActivationRule, RuleStatus, SubscriptionInput

PAYMENT = "payment"
_NO_METHOD = UUID(int=0)
_MOST_HOURS = 876_000
"""A hundred years."""
_CREDIT_NOTES = frozenset({"credit", "skip", "refund", "offset"})
_INVOICES = frozenset({"generate", "skip"})
_MAX_PURCHASE_ORDER = 255
_FIRST_YEAR, _LAST_YEAR = 1900, 9000


class Payer(NamedTuple):
    """
    Who pays a subscription, and how.

    Whether the customer is linked to a payment provider, the way that is chosen, and whether there is a method by it to be charged.
    """

    is_linked: bool
    way: Reference
    has_method: bool


def payer_of(work: Work, customer: Customer | None, way: Reference) -> Payer:
    """Return how a customer, None for one not known yet, pays a subscription. One query."""
    if customer is None or customer.billing_configuration.get("payment_provider") is None:
        return Payer(is_linked=False, way=way, has_method=False)
    own = find_usable(work.tx, customer_ids=[customer.id]).get(customer.id, [])
    return Payer(is_linked=True, way=way, has_method=resolve(way, own) is not None)


def read_payment_method(
    work: Work, value: Mapping[str, Any] | None | UnsetType, *, owner: UUID | str | None, found: errors.FieldErrors
) -> Reference | None:
    """
    Read how a subscription of a customer (its id, or its external id) is paid; None where nothing is chosen.

    One that cannot be named is noted, and comes back with an id that nothing has. Source: Lago API, subscriptions.
    """
    chosen = given(value, None)
    if not chosen:
        return None
    kind, method_id = (str(chosen[name]) if chosen.get(name) else None for name in ("payment_method_type", "payment_method_id"))
    wrong = errors.FieldErrors()
    reference = read_reference(work, kind=kind, method_id=method_id, owner=owner, found=wrong)
    if not wrong:
        return reference
    found.add("payment_method", "invalid_payment_method")
    return Reference(MANUAL if kind == MANUAL else PROVIDER, _NO_METHOD if method_id else None)


def read_activation_rules(work: Work, value: object, *, payer: Payer, found: errors.FieldErrors) -> tuple[ActivationRule, ...]:
    """
    Read the rules that make an activation wait for its payment; nothing waits before it begins.

    Whoever pays must be linked to a payment provider, have a method there, and not pay by hand. Source: Lago API, subscriptions with
    activation rules.
    """
    rules = given(value, [])
    if not rules:
        return ()
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        found.add("activation_rules", "invalid_format")
        return ()
    hours = [0 if rule.get("timeout_hours") is None else rule["timeout_hours"] for rule in rules]
    if any(rule.get("type") != PAYMENT for rule in rules):
        found.add("activation_rules", "invalid_type")
    elif len(rules) > 1:
        found.add("activation_rules", "duplicated_type")
    elif any(isinstance(count, bool) or not isinstance(count, int) or count < 0 for count in hours):
        found.add("timeout_hours", "value_must_be_positive_or_zero")
    elif hours[0] > _MOST_HOURS:
        found.add("timeout_hours", "value_is_out_of_range")
    elif payer.way.kind == MANUAL:
        found.add("customer", "manual_payment_method_invalid_for_payment_activation_rules")
    elif not payer.is_linked:
        found.add("customer", "no_linked_payment_provider")
    elif not payer.has_method:
        found.add("customer", "payment_method_not_found" if payer.way.method_id else "no_default_payment_method")
    else:
        return (_rule(work, hours[0]),)
    return ()


def _rule(work: Work, hours: int) -> ActivationRule:
    return ActivationRule(
        id=work.new_id(),
        type=PAYMENT,
        timeout_hours=hours,
        status=RuleStatus.INACTIVE,
        expires_at=None,
        created_at=work.now,
        updated_at=work.now,
    )


def read_instant(value: object, field: str, found: errors.FieldErrors) -> datetime | None:
    """Read an instant; None where the caller gave none, or null."""
    if not is_given(value) or value is None:
        return None
    try:
        return check_instant(parse_instant(str(value)), field, found)
    except ValueError:
        found.add(field, "invalid_date")
        return None


def check_instant(instant: datetime, field: str, found: errors.FieldErrors) -> datetime:
    """Refuse instants so near the ends of the calendar that their periods would reach beyond it."""
    if not _FIRST_YEAR <= instant.year <= _LAST_YEAR:
        found.add(field, "invalid_date")
    return instant


def read_ending(wanted: SubscriptionInput, subscription_at: datetime, now: datetime, found: errors.FieldErrors) -> datetime | None:
    """Read when a subscription ends: on a later date, in UTC, than it starts and than today."""
    ending_at = read_instant(wanted.ending_at, "ending_at", found)
    if ending_at is not None and ending_at.astimezone(UTC).date() <= max(now.date(), subscription_at.date()):
        found.add("ending_at", "invalid_date")
    return ending_at


def read_credit_note_choice(value: str | None, plan: Plan) -> str | None:
    """Read what happens to unused time; plans in arrears have no choice. Raises Invalid."""
    if value is not None and value not in _CREDIT_NOTES:
        raise errors.Invalid({"on_termination_credit_note": ["invalid_value"]})
    return (value or "credit") if plan.pay_in_advance else None


def read_invoice_choice(value: str | None) -> str:
    """Read whether the end is billed. Raises Invalid."""
    if value is not None and value not in _INVOICES:
        raise errors.Invalid({"on_termination_invoice": ["invalid_value"]})
    return value or "generate"


def read_purchase_order(value: str | None) -> str | None:
    """Read a purchase order number, trimmed. Raises Invalid."""
    text = (value or "").strip()
    if len(text) > _MAX_PURCHASE_ORDER:
        raise errors.Invalid({"purchase_order_number": ["value_is_too_long"]})
    return text or None
