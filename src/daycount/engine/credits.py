"""
What is paid by credit after taxes: credit notes first, then prepaid credits of wallets.

Neither lowers a tax. Each fee remembers what credit notes paid of it, because a wallet may be for some fees alone.
"""

from collections.abc import Collection, Sequence
from fractions import Fraction
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct, structs

from daycount.engine.items import NO_TAX, Item, share_of
from daycount.money import round_half_away


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


class WalletTerms(Struct, frozen=True, kw_only=True):
    """A wallet as an invoice sees it: its balance in minor units and what it is for; without limits, everything."""

    wallet_id: UUID
    code: str | None
    balance_cents: int
    fee_types: Collection[str] = ()
    metric_ids: Collection[UUID] = ()


class _Bucket(NamedTuple):
    fee_type: str
    metric_id: UUID | None
    target_wallet_code: str | None


def apply_wallets(items: Sequence[Item], wallets: Sequence[WalletTerms], *, total_cents: int) -> Paid:
    """
    Pay with wallets, in the order given (priority, then age).

    Fees are put together by type and metric, the largest sum first; a wallet takes from those it is for. What it takes is
    rounded once. Source: Lago API, prepaid credits; the last draw never exceeds what is left to pay.
    """
    left = _buckets(items, total_cents=total_cents)
    uses: list[CreditUse] = []
    for wallet in wallets:
        taken = Fraction(0)
        for bucket in left:
            if _is_for(wallet, bucket):
                part = min(left[bucket], wallet.balance_cents - taken, total_cents - taken)
                if part > 0:
                    left[bucket] -= part
                    taken += part
        amount = min(int(round_half_away(taken, places=0)), total_cents, wallet.balance_cents)
        if amount > 0:
            total_cents -= amount
            uses.append(CreditUse(wallet.wallet_id, amount))
    return Paid(items, uses, total_cents)


def _buckets(items: Sequence[Item], *, total_cents: int) -> dict[_Bucket, Fraction]:
    """Add up what is to pay by bucket; a difference of rounding, at most one minor unit a bucket, goes to the largest."""
    sums: dict[_Bucket, Fraction] = {}
    for item in items:
        due = item.net_cents + Fraction((item.taxation or NO_TAX).precise_cents) - Fraction(item.precise_credit_notes_cents)
        if item.net_cents > 0 and due > 0:
            bucket = _Bucket(item.fee_type, item.metric_id, item.target_wallet_code)
            sums[bucket] = sums.get(bucket, Fraction(0)) + due
    ordered = dict(sorted(sums.items(), key=lambda entry: -entry[1]))
    difference = total_cents - sum(ordered.values(), Fraction(0))
    if ordered and 0 < difference <= len(ordered):
        ordered[next(iter(ordered))] += difference
    return ordered


def _is_for(wallet: WalletTerms, bucket: _Bucket) -> bool:
    if bucket.target_wallet_code is not None:
        return wallet.code == bucket.target_wallet_code
    if bucket.metric_id is not None and bucket.metric_id in wallet.metric_ids:
        return True
    return bucket.fee_type in wallet.fee_types or not (wallet.fee_types or wallet.metric_ids)
