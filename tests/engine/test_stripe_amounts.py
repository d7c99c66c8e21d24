"""Amounts as Stripe counts them."""

import pytest

from daycount.payments.providers.port import PaymentState, Refused
from daycount.payments.providers.stripe_amounts import from_stripe, to_stripe
from daycount.payments.providers.stripe_reading import read_dispute, read_payment, read_refund

CASES = [
    ("USD", 1_050, 1_050),  # cents
    ("JPY", 500, 500),  # no smaller unit
    ("KWD", 10_500, 10_500),  # 10.500: three decimals, the last is 0
    ("ISK", 500, 50_000),  # no smaller unit, and sent with two decimals
    ("UGX", 1, 100),
    ("HUF", 1_000, 100_000),  # forints with us, fillér with Stripe
    ("MGA", 7, 7),
]


@pytest.mark.parametrize(("currency", "ours", "theirs"), CASES)
def test_amounts_are_those_of_stripe(currency: str, ours: int, theirs: int) -> None:
    assert to_stripe(ours, currency) == theirs
    assert from_stripe(theirs, currency) == ours


def test_what_stripe_cannot_take_exactly_is_refused() -> None:
    with pytest.raises(Refused):
        to_stripe(10_505, "KWD")  # 10.505: only whole hundredths


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("succeeded", PaymentState.SUCCEEDED),
        ("processing", PaymentState.PROCESSING),
        ("requires_capture", PaymentState.PROCESSING),
        ("requires_action", PaymentState.PROCESSING),
        ("requires_confirmation", PaymentState.PROCESSING),
        ("canceled", PaymentState.FAILED),
        ("requires_payment_method", PaymentState.FAILED),
    ],
)
def test_states_of_payments(status: str, state: PaymentState) -> None:
    assert read_payment({"id": "pi_1", "status": status}, is_confirmed=False).state is state


def test_states_of_refunds_and_disputes() -> None:
    states = {
        status: read_refund({"id": "re_1", "status": status}, is_confirmed=True).state.value for status in ("pending", "requires_action")
    }
    assert states == {"pending": "pending", "requires_action": "pending"}
    assert read_refund({"id": "re_1", "status": "canceled"}, is_confirmed=True).error_code == "refund_canceled"
    assert read_dispute({"payment_intent": "pi_1", "status": "won"}) is None
    lost = read_dispute({"payment_intent": {"id": "pi_1"}, "status": "lost", "reason": "fraudulent"})
    assert lost is not None and (lost.provider_payment_id, lost.reason) == ("pi_1", "fraudulent")
