"""Credits on the wire: what invoices took of coupons, credit notes and progressive invoices."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct

from daycount.infra.work import Work
from daycount.invoicing import credit_store as store
from daycount.invoicing.credits import ShownCredit


class CreditItemObject(Struct, frozen=True, kw_only=True):
    """Where a credit comes from."""

    lago_item_id: str
    type: str
    code: str
    name: str
    description: str | None


class CreditInvoiceObject(Struct, frozen=True, kw_only=True):
    """The invoice a credit stands on."""

    lago_id: str
    payment_status: str


class CreditObject(Struct, frozen=True, kw_only=True):
    """One credit on an invoice, in minor units."""

    lago_id: str
    amount_cents: int
    amount_currency: str
    before_taxes: bool
    item: CreditItemObject
    invoice: CreditInvoiceObject


def to_wire(shown: ShownCredit) -> CreditObject:
    """Write a credit."""
    credit = shown.credit
    item: Mapping[str, Any] = credit.item
    return CreditObject(
        lago_id=str(credit.id),
        amount_cents=credit.amount_cents,
        amount_currency=credit.currency,
        before_taxes=credit.is_before_taxes,
        item=CreditItemObject(**item),
        invoice=CreditInvoiceObject(lago_id=str(credit.invoice_id), payment_status=shown.payment_status),
    )


def of_invoice(work: Work, invoice_id: UUID) -> list[CreditObject]:
    """Write the credits of an invoice."""
    return [to_wire(shown) for shown in store.list_of_invoices(work.tx, organization_id=work.organization_id, invoice_ids=[invoice_id])]


def by_source(work: Work, source_ids: Sequence[UUID]) -> dict[UUID, list[CreditObject]]:
    """Write the credits taken of things, by the thing. One query."""
    found: dict[UUID, list[CreditObject]] = {source_id: [] for source_id in source_ids}
    for shown in store.list_of_sources(work.tx, organization_id=work.organization_id, source_ids=source_ids):
        found[shown.credit.source_id].append(to_wire(shown))
    return found
