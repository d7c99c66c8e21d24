"""
What is paid by credit after taxes: credit notes first, then prepaid credits of wallets.

Neither lowers a tax. Each fee remembers what credit notes paid of it, because a wallet may be for some fees alone.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple
from uuid import UUID

from msgspec import structs

from daycount.engine.items import NO_TAX, Item, share_of
from daycount.engine.wallets.allocation import BucketKey, Payable, WalletTerms, pay


class CreditNoteBalance(NamedTuple):
    """What a credit note can still pay, in minor units."""

    credit_note_id: UUID
    balance_cents: int


class CreditUse(NamedTuple):
    """What an invoice took of a credit note or a wallet, in minor units."""

    source_id: UUID
    amount_cents: int


class Paid(NamedTuple):
    """Fees with what credit paid of them, what was taken from where, and what of the total remains."""

    items: Sequence[Item]
    uses: Sequence[CreditUse]
    total_cents: int


def apply_credit_notes(items: Sequence[Item], notes: Sequence[CreditNoteBalance], *, total_cents: int) -> Paid:
    """
    Pay with credit notes, in the order given (oldest first), until nothing is left of the total.

    Each fee bears its part of what is still to pay of it, taxes included. Source: Lago API, credit notes on invoices.
    """
    current = list(items)
    uses: list[CreditUse] = []
    for note in notes:
        credit = min(note.balance_cents, total_cents)
        if credit <= 0:
            continue
        for position, item in enumerate(current):
            taken = item.precise_credit_notes_cents
            whole = item.net_cents + (item.taxation or NO_TAX).amount_cents
            share = share_of(credit, part=whole - Fraction(taken), whole=Fraction(total_cents), taken=taken, limit=whole)
            current[position] = structs.replace(item, precise_credit_notes_cents=share)
        total_cents -= credit
        uses.append(CreditUse(note.credit_note_id, credit))
    return Paid(current, uses, total_cents)


def apply_wallets(items: Sequence[Item], wallets: Sequence[WalletTerms], *, total_cents: int) -> Paid:
    """
    Pay with wallets, in the order given (priority, then age).

    Fees are put together by type and metric, the largest sum first; a wallet takes from those it is for. What it takes is
    rounded once. Source: Lago API, prepaid credits; the last draw never exceeds what is left to pay.
    """
    if not wallets:
        return Paid(items, (), total_cents)
    payments = pay(total_cents, payables=[_payable(item) for item in items if item.net_cents > 0], wallets=wallets)
    uses = [CreditUse(payment.wallet_id, payment.amount_cents) for payment in payments]
    return Paid(items, uses, total_cents - sum(use.amount_cents for use in uses))


def _payable(item: Item) -> Payable:
    due = item.net_cents + Fraction((item.taxation or NO_TAX).precise_cents) - Fraction(item.precise_credit_notes_cents)
    return Payable(key=BucketKey(item.fee_type, item.metric_id, item.target_wallet_code), amount=due)
