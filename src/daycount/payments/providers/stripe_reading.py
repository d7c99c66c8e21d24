"""Stripe's objects in our words. Everything here is plain data as Stripe's API writes it; nothing asks Stripe."""

from collections.abc import Mapping
from typing import Any, Final

from daycount.money import CURRENCIES
from daycount.payments.providers.port import DisputeEvent, FoundMethod, Outcome, PaymentEvent, PaymentState, RefundEvent
from daycount.payments.providers.stripe_amounts import from_stripe

_PAYMENT_STATES: Final = {
    "succeeded": PaymentState.SUCCEEDED,
    "canceled": PaymentState.FAILED,
    "requires_payment_method": PaymentState.FAILED,
}
"""Everything else is under way: processing, requires_capture, requires_action, requires_confirmation."""
_REFUND_STATES: Final = {"succeeded": PaymentState.SUCCEEDED, "failed": PaymentState.FAILED, "canceled": PaymentState.FAILED}
_NEEDS_CUSTOMER: Final = "authentication_required"
_CARD: Final = ("brand", "last4", "exp_month", "exp_year", "country")


def read_payment(intent: Mapping[str, Any], *, is_confirmed: bool) -> Outcome:
    """Return what became of a payment; `is_confirmed` says that Stripe tells it by itself."""
    status = str(intent["status"])
    state = _PAYMENT_STATES.get(status, PaymentState.PROCESSING)
    failure = intent.get("last_payment_error") or {}
    code = None
    if state is PaymentState.FAILED:
        code = code_of(failure) or intent.get("cancellation_reason") or status
    return Outcome(
        provider_id=str(intent["id"]),
        status=status,
        state=state,
        error_code=code,
        error_message=failure.get("message") if code else None,
        next_action=(intent.get("next_action") or {}) if state is PaymentState.PROCESSING else {},
        is_confirmed=is_confirmed,
    )


def code_of(failure: Mapping[str, Any]) -> str | None:
    """Return the code of a failure: that a customer must be there is said in one of two places."""
    codes = [failure.get("code"), failure.get("decline_code")]
    return _NEEDS_CUSTOMER if _NEEDS_CUSTOMER in codes else codes[0] or codes[1]


def read_payment_event(intent: Mapping[str, Any]) -> PaymentEvent | None:
    """Return what a webhook tells of a payment; None for a currency that we do not know."""
    currency = str(intent.get("currency") or "").upper()
    if currency not in CURRENCIES:
        return None
    metadata = intent.get("metadata") or {}
    return PaymentEvent(
        outcome=read_payment(intent, is_confirmed=True),
        amount_cents=from_stripe(int(intent.get("amount") or 0), currency),
        currency=currency,
        provider_customer_id=id_of(intent.get("customer")),
        provider_method_id=id_of(intent.get("payment_method")),
        metadata={str(name): str(value) for name, value in metadata.items()},
    )


def read_refund(refund: Mapping[str, Any], *, is_confirmed: bool) -> Outcome:
    """Return what became of a refund."""
    status = str(refund.get("status") or "pending")
    state = _REFUND_STATES.get(status, PaymentState.PENDING)
    code = (refund.get("failure_reason") or f"refund_{status}") if state is PaymentState.FAILED else None
    return Outcome(
        provider_id=str(refund["id"]),
        status=status,
        state=state,
        error_code=code,
        error_message=None if code is None else f"The refund failed: {code.replace('_', ' ')}.",
        is_confirmed=is_confirmed,
    )


def read_refund_event(refund: Mapping[str, Any]) -> RefundEvent:
    """Return what a webhook tells of a refund."""
    metadata = refund.get("metadata") or {}
    return RefundEvent(outcome=read_refund(refund, is_confirmed=True), credit_note_id=metadata.get("lago_credit_note_id"))


def read_dispute(dispute: Mapping[str, Any]) -> DisputeEvent | None:
    """Return a dispute that is lost; None for any other."""
    payment_id = id_of(dispute.get("payment_intent"))
    if dispute.get("status") != "lost" or payment_id is None:
        return None
    return DisputeEvent(provider_payment_id=payment_id, reason=dispute.get("reason"))


def read_method(method: Mapping[str, Any]) -> FoundMethod:
    """Return a payment method with what may be shown of it."""
    kind = str(method.get("type") or "card")
    shown = method.get(kind) or {}
    return FoundMethod(str(method["id"]), {"type": kind} | {name: shown[name] for name in _CARD if shown.get(name) is not None})


def id_of(value: Any) -> str | None:
    """Return the id of what may be an id or the thing itself."""
    found = value.get("id") if isinstance(value, Mapping) else value
    return str(found) if found else None
