"""
Minimum commitments: what a plan's period must come to at least, and the fee that makes up for the rest.

Source: Lago docs, minimum commitment; amounts before coupons and taxes.
"""

from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from daycount.engine.calendar import Window
from daycount.engine.fees import FeeDraft, shown_period, shown_rounding
from daycount.engine.metrics import Bucket
from daycount.money import Currency, exact_text, round_half_away


def prorated_commitment(*, amount_cents: int, window: Window) -> int:
    """Return the commitment for the days of a window in minor units: 50 000 for 20 of 31 days are 32 258."""
    return int(round_half_away(Fraction(amount_cents * window.days.days, window.full_days), places=0))


def commitment_fee(
    *, subscription_id: UUID, amount_cents: int, spent_cents: int, window: Window, zone: str, currency: Currency
) -> FeeDraft | None:
    """
    Return the fee for what a period's fees stay below the commitment; None where they reach it.

    32 258 against 2 000 of base fee and 18 000 of usage leave 12 258.
    """
    due = prorated_commitment(amount_cents=amount_cents, window=window)
    missing = due - spent_cents
    if missing <= 0:
        return None
    derivation = {
        "kind": "commitment",
        "period": shown_period(window, zone=zone),
        "share": {
            "amount_cents": amount_cents,
            "days": window.days.days,
            "full_days": window.full_days,
            "amount": exact_text(Fraction(due, currency.subunits)),
        },
        "spent_cents": spent_cents,
        "rounding": shown_rounding(Fraction(missing, currency.subunits), cents=missing, currency=currency),
    }
    return FeeDraft(
        fee_type="commitment",
        subscription_id=subscription_id,
        charge_id=None,
        bucket=Bucket(None, ()),
        group_keys=(),
        units=Decimal(1),
        total_aggregated_units=Decimal(1),
        events_count=0,
        amount_cents=missing,
        precise_amount_cents=Decimal(missing),
        precise_unit_amount=Decimal(missing) / currency.subunits,
        amount_details={},
        window=window,
        derivation=derivation,
    )
