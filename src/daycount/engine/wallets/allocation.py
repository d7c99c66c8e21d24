"""
How wallets pay: an invoice's fees become buckets, and wallets take from them in order; within a wallet, lots in order.

The same rules share out what is not billed yet, for the ongoing balance. All amounts are in minor units of one currency.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct

from daycount.money import Cents, round_half_away


class BucketKey(NamedTuple):
    """What decides which wallet may pay: the type of a fee, its metric, and the wallet an event names."""

    fee_type: str
    billable_metric_id: UUID | None
    target_wallet_code: str | None


class Payable(Struct, frozen=True, kw_only=True):
    """What a fee leaves to pay, exactly: amount less coupons and credit notes, plus taxes."""

    key: BucketKey
    amount: Fraction


class WalletTerms(Struct, frozen=True, kw_only=True):
    """A wallet as far as paying goes; no fee types and no metrics means that it pays anything."""

    id: UUID
    code: str
    balance: Cents
    priority: int
    created_at: datetime
    fee_types: frozenset[str] = frozenset()
    billable_metric_ids: frozenset[UUID] = frozenset()
    tops_up_itself: bool = False

    def accepts(self, key: BucketKey) -> bool:
        """Tell whether the wallet may pay a bucket: by fee type or by metric, either is enough; a named wallet alone pays."""
        if key.target_wallet_code is not None:
            return self.code == key.target_wallet_code
        if not self.fee_types and not self.billable_metric_ids:
            return True
        return key.fee_type in self.fee_types or (key.fee_type == "charge" and key.billable_metric_id in self.billable_metric_ids)


class Payment(NamedTuple):
    """What a wallet pays."""

    wallet_id: UUID
    amount: Cents


def in_order(wallets: Iterable[WalletTerms]) -> list[WalletTerms]:
    """Return wallets as they are used: by priority (1 first), then the oldest, then by id so that the order is total."""
    return sorted(wallets, key=lambda wallet: (wallet.priority, wallet.created_at, wallet.id))


def pay(total: Cents, *, payables: Iterable[Payable], wallets: Iterable[WalletTerms]) -> list[Payment]:
    """
    Let wallets pay an invoice, each at most its balance and together at most `total`; wallets that pay nothing are left out.

    What rounding made the invoice larger than its buckets is added to the largest one.
    Source: Lago API, prepaid credits applied last, on the amount with taxes.
    """
    if total <= 0:
        return []
    buckets = _largest_first(_buckets(payables))
    missing = total - sum(buckets.values(), Fraction(0))
    if buckets and 0 < missing <= len(buckets):
        buckets[next(iter(buckets))] += missing
    left, exact_left = total, Fraction(total)
    payments = []
    for wallet in in_order(wallets):
        taken = Fraction(0)
        for key, open_amount in buckets.items():
            if wallet.accepts(key):
                share = max(min(open_amount, wallet.balance - taken, exact_left), Fraction(0))
                buckets[key] -= share
                exact_left -= share
                taken += share
        amount = min(_whole(taken), wallet.balance, left)
        if amount > 0:
            left -= amount
            payments.append(Payment(wallet.id, amount))
    return payments


def _buckets(payables: Iterable[Payable]) -> dict[BucketKey, Fraction]:
    buckets: dict[BucketKey, Fraction] = {}
    for payable in payables:
        if payable.amount > 0:
            buckets[payable.key] = buckets.get(payable.key, Fraction(0)) + payable.amount
    return buckets


def _largest_first(buckets: Mapping[BucketKey, Fraction]) -> dict[BucketKey, Fraction]:
    return dict(sorted(buckets.items(), key=lambda item: (-item[1], _text(item[0]))))


def _text(key: BucketKey) -> str:
    return f"{key.fee_type}/{key.billable_metric_id or ''}/{key.target_wallet_code or ''}"


def _whole(amount: Fraction) -> Cents:
    return int(round_half_away(amount, places=0))


def allot(nets: Mapping[BucketKey, Fraction], *, wallets: Iterable[WalletTerms]) -> dict[UUID, Fraction]:
    """
    Share usage that is not billed yet out over the wallets of one currency; returns each wallet's part, not rounded.

    A key below zero lowers what all may take together. A wallet that tops itself up, and the last that accepts a key, take
    everything that is left of it, so that their ongoing balance may go below zero; others stop at their balance.
    Source: Lago API, ongoing balance.
    """
    ordered = in_order(wallets)
    parts = {wallet.id: Fraction(0) for wallet in ordered}
    budget = max(sum(nets.values(), Fraction(0)), Fraction(0))
    for key, net in _largest_first({key: net for key, net in nets.items() if net > 0}).items():
        left = min(net, budget)
        accepting = [wallet for wallet in ordered if wallet.accepts(key)]
        for wallet in accepting:
            share = left if wallet.tops_up_itself or wallet is accepting[-1] else min(left, wallet.balance - parts[wallet.id])
            if share > 0:
                parts[wallet.id] += share
                left -= share
                budget -= share
    return parts


class Lot(Struct, frozen=True, kw_only=True):
    """What is left of one settled inbound transaction."""

    transaction_id: UUID
    remaining: Cents
    priority: int
    is_granted: bool
    created_at: datetime


class Use(NamedTuple):
    """How much is taken from a lot."""

    lot: Lot
    amount: Cents


def use_lots(amount: Cents, *, lots: Iterable[Lot]) -> list[Use]:
    """
    Take an amount from lots: by priority (1 first), granted before bought, the oldest first.

    Raises ValueError when the lots hold less than the amount.
    """
    ordered = sorted(lots, key=lambda lot: (lot.priority, not lot.is_granted, lot.created_at, lot.transaction_id))
    uses, left = [], amount
    for lot in ordered:
        taken = min(lot.remaining, left)
        if taken > 0:
            uses.append(Use(lot, taken))
            left -= taken
    if left > 0:
        message = "the lots hold less than is asked for"
        raise ValueError(message)
    return uses


def split_by_origin(uses: Sequence[Use]) -> tuple[Cents, Cents]:
    """Return how much of what was used had been granted, and how much bought."""
    granted = sum(use.amount for use in uses if use.lot.is_granted)
    return granted, sum(use.amount for use in uses) - granted


def payable_of(
    amount_cents: Cents, *, coupons: Fraction | Decimal, taxes: Fraction | Decimal, credit_notes: Fraction | Decimal
) -> Fraction:
    """Return what a fee leaves to pay, exactly, in minor units."""
    return amount_cents - Fraction(coupons) + Fraction(taxes) - Fraction(credit_notes)
