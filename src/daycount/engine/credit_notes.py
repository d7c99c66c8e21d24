"""
Credit notes: what part of an invoice comes to when it is given back, with its share of coupons and taxes.

    items (without taxes, before coupons) − their coupons + their taxes = total

All notes of an invoice together never give back more than it took, to the last minor unit.
"""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct

from daycount.engine.taxes import TaxRate
from daycount.money import Exact, round_half_away

PRECISE_PLACES = 5


class CreditableFee(Struct, frozen=True, kw_only=True):
    """A fee of an invoice as credit notes see it, in minor units; `credited_cents` is what earlier items took of it."""

    fee_id: UUID
    amount_cents: int
    precise_coupons_cents: Decimal
    taxes: Sequence[TaxRate]
    credited_cents: int = 0

    @property
    def creditable_cents(self) -> int:
        """Return what is left to give back, without taxes and before coupons."""
        return max(self.amount_cents - self.credited_cents, 0)

    @property
    def rate(self) -> Decimal:
        """Return its taxes together, in percent."""
        return sum((tax.rate for tax in self.taxes), Decimal(0))


class CreditedItem(NamedTuple):
    """What is given back of one fee: an exact amount of minor units."""

    fee: CreditableFee
    amount: Fraction

    @property
    def coupons(self) -> Fraction:
        """Return its share of what coupons took off the fee."""
        return Fraction(self.fee.precise_coupons_cents) * self.amount / self.fee.amount_cents if self.fee.amount_cents else Fraction(0)


class CreditedTax(NamedTuple):
    """One tax of a credit note: its base and what it comes to, each rounded."""

    tax: TaxRate
    base_cents: int
    amount_cents: int


class Worth(Struct, frozen=True, kw_only=True):
    """What items come to, in minor units; `precise_…` up to five decimals, `total` exact."""

    items: Sequence[CreditedItem]
    precise_coupons_cents: Decimal
    coupons_cents: int
    taxes: Sequence[CreditedTax]
    precise_taxes_cents: Decimal
    taxes_cents: int
    taxes_rate: Decimal
    sub_total_cents: int
    total: Fraction

    @property
    def total_cents(self) -> int:
        """Return the total, rounded."""
        return _cents(self.total)


def worth_of(items: Sequence[CreditedItem], *, taxes_overpaid: Exact = 0) -> Worth:
    """
    Work out what items come to.

    `taxes_overpaid` is what earlier notes of the invoice gave too much by rounding; it is given when this note takes the
    last of the invoice. Three notes of 333 of 999 at 20 % are 400, 400 and 399. Source: Lago API, credit notes.
    """
    coupons = sum((item.coupons for item in items), Fraction(0))
    amount = sum((item.amount for item in items), Fraction(0))
    bases: dict[TaxRate, Fraction] = {}
    for item in items:
        for tax in item.fee.taxes:
            bases[tax] = bases.get(tax, Fraction(0)) + item.amount - item.coupons
    lines = {tax: base * Fraction(tax.rate) / 100 for tax, base in bases.items()}
    taxes = sum(lines.values(), Fraction(0)) - Fraction(taxes_overpaid)
    net = amount - coupons
    rate = sum((Fraction(tax.rate) * base / net for tax, base in bases.items()), Fraction(0)) if net else Fraction(0)
    return Worth(
        items=items,
        precise_coupons_cents=round_half_away(coupons, places=PRECISE_PLACES),
        coupons_cents=_cents(coupons),
        taxes=[CreditedTax(tax, _cents(bases[tax]), _cents(lines[tax])) for tax in bases],
        precise_taxes_cents=round_half_away(taxes, places=PRECISE_PLACES),
        taxes_cents=_cents(taxes),
        taxes_rate=round_half_away(rate, places=PRECISE_PLACES),
        sub_total_cents=_cents(net),
        total=net + taxes,
    )


class Split(NamedTuple):
    """How a credit note is given back, in minor units, taxes included."""

    credit_cents: int
    refund_cents: int
    offset_cents: int

    @property
    def total_cents(self) -> int:
        """Return the total."""
        return self.credit_cents + self.refund_cents + self.offset_cents


def settle_rounding(split: Split, worth: Worth) -> Split:
    """
    Make total − taxes the sub-total, by one minor unit of the credit, else of the refund, else of the offset.

    4 771 with taxes of 720 on 4 050 become 4 770. Source: Lago API, credit notes; the offset is ours.
    """
    difference = split.total_cents - worth.taxes_cents - worth.sub_total_cents
    step = (difference > 0) - (difference < 0)
    if not step:
        return split
    if split.credit_cents:
        return split._replace(credit_cents=split.credit_cents - step)
    if split.refund_cents:
        return split._replace(refund_cents=split.refund_cents - step)
    return split._replace(offset_cents=split.offset_cents - step)


class Standing(Struct, frozen=True, kw_only=True):
    """
    What an invoice allows: its fees, what was paid of it, and what its notes gave back so far, in minor units.

    `unspent_cents` is set for an invoice that sold prepaid credits: what of them is left to be taken back.
    """

    fees: Sequence[CreditableFee]
    total_cents: int
    paid_cents: int
    is_paid: bool
    credited_cents: int
    refunded_cents: int
    offset_cents: int
    unspent_cents: int | None = None

    @property
    def full_cents(self) -> int:
        """Return the whole value of its fees with taxes, before coupons."""
        taxes = sum((Fraction(fee.amount_cents) * Fraction(fee.rate) / 100 for fee in self.fees), Fraction(0))
        return sum(fee.amount_cents for fee in self.fees) + _cents(taxes)

    @property
    def creditable_cents(self) -> int:
        """Return what is left to give back of its fees, each with its own coupons and taxes; prepaid credits are only refunded."""
        if self.unspent_cents is not None:
            return 0
        rest = worth_of([CreditedItem(fee, Fraction(fee.creditable_cents)) for fee in self.fees if fee.creditable_cents])
        return max(rest.total_cents, 0)

    @property
    def refundable_cents(self) -> int:
        """Return what can be paid back in money."""
        limit = self.creditable_cents if self.unspent_cents is None else self.unspent_cents
        return max(min(self.paid_cents - self.refunded_cents, limit), 0)

    @property
    def offsettable_cents(self) -> int:
        """Return what can be taken off the amount due; of prepaid credits that nobody paid, all."""
        if self.unspent_cents is not None:
            return 0 if self.paid_cents else self.total_cents - self.offset_cents
        return max(min(self.total_cents - self.paid_cents - self.offset_cents, self.creditable_cents), 0)


def find_faults(split: Split, worth: Worth, standing: Standing) -> dict[str, list[str]]:
    """
    Return the codes of everything that forbids a credit note, by field; nothing where it may be made.

    A difference of one minor unit is rounding. Source: Lago API, credit notes, validation.
    """
    faults: dict[str, list[str]] = {}

    def blame(field: str, code: str) -> None:
        faults.setdefault(field, []).append(code)

    full = standing.full_cents
    others = standing.credited_cents + standing.offset_cents
    if split.refund_cents > 0 and (standing.paid_cents <= 0 or (not standing.is_paid and standing.paid_cents == standing.total_cents)):
        blame("refund_amount_cents", "cannot_refund_unpaid_invoice")
    elif split.refund_cents > max(standing.paid_cents - standing.refunded_cents, 0):
        blame("refund_amount_cents", "higher_than_remaining_invoice_amount")
    is_of_credits = standing.unspent_cents is not None
    if is_of_credits and split.credit_cents > 0:
        blame("credit_amount_cents", "cannot_credit_invoice")
    elif split.credit_cents > full - others + 1:
        blame("credit_amount_cents", "higher_than_remaining_invoice_amount")
    if is_of_credits and split.offset_cents > 0 and standing.paid_cents > 0:
        blame("offset_amount_cents", "cannot_apply_to_paid_invoice")
    elif is_of_credits and split.offset_cents not in (0, standing.total_cents):
        blame("offset_amount_cents", "not_equal_to_total_amount")
    elif split.offset_cents > max(min(standing.total_cents - standing.paid_cents - standing.offset_cents, full - others), 0):
        blame("offset_amount_cents", "higher_than_remaining_invoice_amount")
    if abs(split.total_cents - worth.total_cents) > 1:
        blame("base", "does_not_match_item_amounts")
    if split.total_cents > full - others - standing.refunded_cents + 1:
        blame("base", "higher_than_remaining_invoice_amount")
    if split.total_cents <= 0:
        blame("base", "total_amount_must_be_positive")
    return faults


def _cents(amount: Fraction) -> int:
    """Round to whole minor units, half away from zero."""
    return int(round_half_away(amount, places=0))
