"""
Giving back what a customer paid for prepaid credits: only as a refund, of credits that are not spent, from the wallet they are in.

An invoice that nobody paid can only be taken off as a whole. What was paid for a wallet that had ended by then brought no credits,
and is refunded without them.
"""

from typing import NamedTuple
from uuid import UUID

from daycount import errors
from daycount.infra.work import Work
from daycount.invoicing.records import Invoice
from daycount.wallets import movements
from daycount.wallets import store as wallets
from daycount.wallets.records import Origin, Settlement, Wallet, WalletStatus, WalletTransaction

_CREDIT = "credit"


class SoldCredits(NamedTuple):
    """A purchase of credits with its wallet, and what of it can still be taken back, in minor units."""

    transaction: WalletTransaction
    wallet: Wallet
    unspent_cents: int

    @property
    def brought_nothing(self) -> bool:
        """Tell whether it was paid when its wallet had ended."""
        return self.transaction.status is Settlement.FAILED and self.wallet.status is WalletStatus.TERMINATED


def find_sold(work: Work, invoice: Invoice) -> SoldCredits | None:
    """Return what an invoice sold, None where that is no prepaid credits. Two queries for one that did."""
    if invoice.invoice_type != _CREDIT:
        return None
    found = wallets.find_transactions(work.tx, organization_id=work.organization_id, invoice_ids=[invoice.id])
    item = next(item for item in found if item.transaction_status is Origin.PURCHASED)
    [wallet] = wallets.find_wallets(work.tx, organization_id=work.organization_id, ids=[item.wallet_id])
    sold = SoldCredits(item, wallet, min(item.remaining_amount_cents or 0, wallet.free_cents))
    return sold._replace(unspent_cents=invoice.total_paid_amount_cents) if sold.brought_nothing else sold


def check_sold(invoice: Invoice, sold: SoldCredits | None, *, gives_back: bool) -> None:
    """
    Raise NotAllowed where what was sold forbids a credit note; `gives_back` says that it is to credit or refund something.

    Source: Lago API, credit notes of prepaid credits.
    """
    if sold is None:
        return
    is_paid = invoice.payment_status == "succeeded"
    is_live = sold.wallet.status is WalletStatus.ACTIVE or (sold.brought_nothing and is_paid)
    if not is_live or (gives_back and not is_paid):
        raise errors.NotAllowed("invalid_type_or_status")


def take_back(work: Work, sold: SoldCredits, *, credit_note_id: UUID, amount_cents: int) -> None:
    """Take refunded credits out of their wallet, if they are in it. Raises Invalid (amount_cents)."""
    if sold.transaction.status is Settlement.SETTLED:
        movements.void_refunded(work, sold.transaction, credit_note_id=credit_note_id, amount_cents=amount_cents)
