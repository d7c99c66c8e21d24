"""What the life of invoices announces."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from msgspec import Struct

from daycount.invoicing.records import Fee, Invoice


class InvoicesMade(Struct, frozen=True, kw_only=True):
    """Invoices were made, as drafts or finalized; closed ones are not among them."""

    invoices: Sequence[Invoice]


class InvoicesOpened(Struct, frozen=True, kw_only=True):
    """Invoices that nobody sees yet are to be paid before what they are for counts."""

    invoices: Sequence[Invoice]


class InvoiceClosed(Struct, frozen=True, kw_only=True):
    """An open invoice is not waited for any more: what it used of coupons, credit notes and wallets is given back."""

    invoice: Invoice


class DraftsRebuilt(Struct, frozen=True, kw_only=True):
    """Fees of drafts came to other amounts when they were computed again; `amounts_before` says by fee what it was, in minor units."""

    invoice_ids: Sequence[UUID]
    amounts_before: Mapping[UUID, int]


class InvoicesFinalized(Struct, frozen=True, kw_only=True):
    """Drafts became final; those of nothing are closed."""

    invoices: Sequence[Invoice]


class InvoiceDeleted(Struct, frozen=True, kw_only=True):
    """A draft was deleted."""

    invoice: Invoice


class InvoiceVoided(Struct, frozen=True, kw_only=True):
    """An invoice is void: what it used of coupons, credit notes and wallets is given back."""

    invoice: Invoice
    keeps_wallets: bool
    """Whether its value comes back as a credit note, so that wallets are left alone."""


class DisputeLost(Struct, frozen=True, kw_only=True):
    """A dispute about the payment of an invoice is lost; `reason` is what a provider says of it."""

    invoice: Invoice
    reason: str | None = None


class InvoicesOverdue(Struct, frozen=True, kw_only=True):
    """Invoices were not paid in time."""

    invoices: Sequence[Invoice]


class PaymentChosen(Struct, frozen=True, kw_only=True):
    """
    How a one-off invoice is to be paid was said with it: by hand, by a method, or by none (`is_skipped`).

    `kind` is None where only that was said.
    """

    invoice: Invoice
    kind: str | None
    method_id: UUID | None
    is_skipped: bool


class PaymentStatusChanged(Struct, frozen=True, kw_only=True):
    """An invoice is paid, or is not any more."""

    invoice: Invoice


class FeesMade(Struct, frozen=True, kw_only=True):
    """Fees were made that are paid for in advance: by events, or by a renewal that stands on no invoice."""

    fees: Sequence[Fee]
