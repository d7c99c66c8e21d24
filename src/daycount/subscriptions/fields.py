"""Reading the fields of a subscription as callers give them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from msgspec import UnsetType

from daycount import errors
from daycount.catalog.records import Plan
from daycount.customers.records import Customer
from daycount.given import given, is_given
from daycount.infra.work import Work
from daycount.periods import parse_instant
from daycount.subscriptions.records import ActivationRule, RuleStatus, SubscriptionInput

DEFAULT_PAYMENT_METHOD = "provider"
MANUAL = "manual"
PAYMENT = "payment"
_PAYMENT_METHODS = frozenset({DEFAULT_PAYMENT_METHOD, MANUAL})
_MOST_HOURS = 876_000
"""A hundred years."""
_CREDIT_NOTES = frozenset({"credit", "skip", "refund", "offset"})
_INVOICES = frozenset({"generate", "skip"})
_MAX_PURCHASE_ORDER = 255
_FIRST_YEAR, _LAST_YEAR = 1900, 9000


class Payer(NamedTuple):
    """Who pays a subscription: whether the customer is linked to a payment provider, and the method chosen for it."""

    is_linked: bool
    method: str | None


def payer_of(customer: Customer | None, method: str | None) -> Payer:
    """Return how a customer, None for one not known yet, pays a subscription."""
    return Payer(customer is not None and customer.billing_configuration.get("payment_provider") is not None, method)


def read_payment_method(value: Mapping[str, Any] | None | UnsetType, found: errors.FieldErrors) -> str | None:
    """
    Read how a subscription is paid; None where nothing is chosen.

    A stored method of a provider cannot be named, since none is known. Source: Lago API, subscriptions.
    """
    chosen = given(value, None)
    if not chosen:
        return None
    kind = chosen.get("payment_method_type") or DEFAULT_PAYMENT_METHOD
    if not isinstance(kind, str) or kind not in _PAYMENT_METHODS or chosen.get("payment_method_id") is not None:
        found.add("payment_method", "invalid_payment_method")
        return None
    return str(kind)


def read_activation_rules(work: Work, value: object, *, payer: Payer, found: errors.FieldErrors) -> tuple[ActivationRule, ...]:
    """
    Read the rules that make an activation wait for its payment; nothing waits before it begins.

    Whoever pays must be linked to a payment provider, and not pay by hand. Source: Lago API, subscriptions with activation rules.
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
    elif payer.method == MANUAL:
        found.add("customer", "manual_payment_method_invalid_for_payment_activation_rules")
    elif not payer.is_linked:
        found.add("customer", "no_linked_payment_provider")
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
