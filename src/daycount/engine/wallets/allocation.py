"""
How wallets pay: an invoice's fees become buckets, and wallets take from them in order; within a wallet, lots in order.

The same rules share out what is not billed yet, for the ongoing balance. All amounts are in minor units of one currency.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct

from daycount.money import Cents, round_half_away


class BucketKey(NamedTuple):
    """What decides which wallet may pay: the type of a fee, its metric, and the wallet an event names."""

    fee_type: str
    metric_id: UUID | None
    target_wallet_code: str | None


class Payable(Struct, frozen=True, kw_only=True):
    """What a fee leaves to pay, exactly: amount less coupons and credit notes, plus taxes."""

    key: BucketKey
    amount: Fraction


class WalletTerms(Struct, frozen=True, kw_only=True):
    """A wallet as far as paying goes: its balance in minor units and what it is for; without limits, for everything."""

    wallet_id: UUID
    code: str | None
    balance_cents: Cents
    fee_types: Collection[str] = ()
    metric_ids: Collection[UUID] = ()
    tops_up_itself: bool = False

    def accepts(self, key: BucketKey) -> bool:
        """Tell whether the wallet may pay a bucket: by fee type or by metric, either is enough; a named wallet alone pays."""
        if key.target_wallet_code is not None:
            return self.code == key.target_wallet_code
        if not self.fee_types and not self.metric_ids:
            return True
        return key.fee_type in self.fee_types or (key.fee_type == "charge" and key.metric_id in self.metric_ids)


class Payment(NamedTuple):
    """What a wallet pays."""

    wallet_id: UUID
    amount_cents: Cents


def pay(total: Cents, *, payables: Iterable[Payable], wallets: Sequence[WalletTerms]) -> list[Payment]:
    """
    Let wallets pay an invoice in the order given (priority, then age), each at most its balance and together at most `total`.

    Wallets that pay nothing are left out.
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
    for wallet in wallets:
        taken = Fraction(0)
        for key, open_amount in buckets.items():
            if wallet.accepts(key):
                share = max(min(open_amount, wallet.balance_cents - taken, exact_left), Fraction(0))
                buckets[key] -= share
                exact_left -= share
                taken += share
        amount = min(_whole(taken), wallet.balance_cents, left)
        if amount > 0:
            left -= amount
            payments.append(Payment(wallet.wallet_id, amount))
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
    return f"{key.fee_type}/{key.metric_id or ''}/{key.target_wallet_code or ''}"


def _whole(amount: Fraction) -> Cents:
    return int(round_half_away(amount, places=0))


def allot(nets: Mapping[BucketKey, Fraction], *, wallets: Sequence[WalletTerms]) -> dict[UUID, Fraction]:
    """
    Share usage that is not billed yet out over the wallets of one currency; returns each wallet's part, not rounded.

    A key below zero lowers what all may take together. A wallet that tops itself up, and the last that accepts a key, take
    everything that is left of it, so that their ongoing balance may go below zero; others stop at their balance.
    Source: Lago API, ongoing balance.
    """
    parts = {wallet.wallet_id: Fraction(0) for wallet in wallets}
    budget = max(sum(nets.values(), Fraction(0)), Fraction(0))
    for key, net in _largest_first({key: net for key, net in nets.items() if net > 0}).items():
        left = min(net, budget)
        accepting = [wallet for wallet in wallets if wallet.accepts(key)]
        for wallet in accepting:
            share = left if wallet.tops_up_itself or wallet is accepting[-1] else min(left, wallet.balance_cents - parts[wallet.wallet_id])
            if share > 0:
                parts[wallet.wallet_id] += share
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
