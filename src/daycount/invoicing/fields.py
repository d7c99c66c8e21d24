"""Reading what callers write to invoices."""

from collections.abc import Sequence

from msgspec import UNSET, Struct, UnsetType

from daycount import errors
from daycount.given import given, given_or_default
from daycount.infra.work import Work
from daycount.invoicing.records import PAYMENT_STATUSES, Invoice, InvoiceMetadata

MOST_METADATA, MOST_KEY, MOST_VALUE = 5, 20, 140


class InvoiceMetadataInput(Struct, frozen=True, kw_only=True):
    """One pair of metadata as a caller gives it; with a known id it changes that pair."""

    id: str | None | UnsetType = UNSET
    key: str | None | UnsetType = UNSET
    value: str | None | UnsetType = UNSET


class InvoiceInput(Struct, frozen=True, kw_only=True):
    """What a caller changes of an invoice."""

    payment_status: str | None | UnsetType = UNSET
    metadata: list[InvoiceMetadataInput] | UnsetType = UNSET


class VoidInput(Struct, frozen=True, kw_only=True):
    """How an invoice is voided: with a credit note of these amounts (minor units, taxes included), or without."""

    generate_credit_note: bool | None | UnsetType = UNSET
    credit_amount: int | None | UnsetType = UNSET
    refund_amount: int | None | UnsetType = UNSET


def read_payment_status(invoice: Invoice, changes: InvoiceInput) -> str:
    """Return the payment status wanted, the stored one when none is given. Raises Invalid, NotAllowed for a draft."""
    wanted = given_or_default(changes.payment_status, None)
    if wanted is None:
        return invoice.payment_status
    if wanted not in PAYMENT_STATUSES:
        raise errors.Invalid({"payment_status": ["value_is_invalid"]})
    if invoice.status == "draft":
        raise errors.NotAllowed("payment_status_update_on_draft_invoice")
    return wanted


def read_metadata(work: Work, invoice: Invoice, items: Sequence[InvoiceMetadataInput]) -> list[InvoiceMetadata]:
    """
    Return the set of pairs that replaces the stored one: a known id changes that pair, others are new.

    Raises NotAllowed for a draft, Invalid.
    """
    if invoice.status == "draft":
        raise errors.NotAllowed("metadata_on_draft_invoice")
    if len(items) > MOST_METADATA:
        raise errors.Invalid({"metadata": ["invalid_count"]})
    found = errors.FieldErrors()
    known = {str(pair.lago_id): pair for pair in invoice.metadata}
    pairs: list[InvoiceMetadata] = []
    for item in items:
        before = known.get(given(item.id, None) or "")
        pair = InvoiceMetadata(
            lago_id=work.new_id() if before is None else before.lago_id,
            key=given_or_default(item.key, "" if before is None else before.key),
            value=given_or_default(item.value, "" if before is None else before.value),
            created_at=work.now if before is None else before.created_at,
        )
        _check_pair(pair, taken={other.key for other in pairs}, found=found)
        pairs.append(pair)
    found.raise_if_any()
    return pairs


def _check_pair(pair: InvoiceMetadata, *, taken: set[str], found: errors.FieldErrors) -> None:
    for name, value, most in (("key", pair.key, MOST_KEY), ("value", pair.value, MOST_VALUE)):
        if not value:
            found.add(name, "value_is_mandatory")
        if len(value) > most:
            found.add(name, "value_is_too_long")
    if pair.key in taken:
        found.add("key", "value_already_exist")
