"""What wallets announce."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from daycount.wallets.records import Wallet, WalletTransaction


class CreditsPurchased(Struct, frozen=True):
    """Credits are being bought: each transaction waits for its invoice."""

    wallet: Wallet
    transactions: Sequence[WalletTransaction]


class WalletsMoved(Struct, frozen=True):
    """Settled balances of a customer's wallets, or what they may pay for, changed."""

    customer_ids: Sequence[UUID]


class WalletSaved(Struct, frozen=True):
    """A wallet was made, changed or ended; `event` says which: created, updated, terminated, depleted_ongoing_balance."""

    wallet_id: UUID
    event: str


class TransactionsSaved(Struct, frozen=True):
    """Transactions were made or settled or failed; `event` says which: created, updated."""

    transaction_ids: Sequence[UUID]
    event: str
