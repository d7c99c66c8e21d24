"""What invoicing announces."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from daycount.engine.unused_time import UnusedTime
from daycount.invoicing.progressive.records import ReachedThreshold
from daycount.invoicing.records import Fee, Invoice
from daycount.subscriptions.records import Subscription
from daycount.wallets.records import Wallet


class TimeUnused(Struct, frozen=True, kw_only=True):
    """
    Days of a base fee were not used, and `method` says how they are given back: credit, refund or offset.

    The last invoice of the row is not made yet, so that what is credited now can be used by it.
    """

    subscription: Subscription
    fee: Fee
    unused: UnusedTime
    method: str
    at: datetime


class WalletsRefreshed(Struct, frozen=True, kw_only=True):
    """The ongoing balances of these wallets were worked out and written down; they carry them."""

    wallets: Sequence[Wallet]


class UsageThresholdReached(Struct, frozen=True, kw_only=True):
    """The lifetime usage of a subscription reached a threshold; what was used so far stands on the invoice it names, if any."""

    reached: ReachedThreshold


class UsageOverbilled(Struct, frozen=True, kw_only=True):
    """
    Progressive invoices of a period, the latest first, billed more than its usage comes to.

    `net_cents` is what was too much, without taxes and with coupons taken off. The invoice that closes the period is not made yet, so
    that what is credited now can be used by it.
    """

    invoices: Sequence[Invoice]
    net_cents: int
    at: datetime
