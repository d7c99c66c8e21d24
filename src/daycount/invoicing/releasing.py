"""
Invoices that waited for their customer's taxes, and are final once those are known.

Their fees stay as they were billed; taxes that come from the customer are those of now, then all that is taken off is.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from msgspec import structs

from daycount.customers import store as customers
from daycount.customers.vat.messages import VatSettled
from daycount.engine.invoice import Assembled, ProgressiveCredit, assemble
from daycount.engine.items import Item
from daycount.engine.taxes import TaxRate
from daycount.infra.work import Work
from daycount.invoicing import store
from daycount.invoicing.compute import load_inherited_taxes
from daycount.invoicing.deadlines import set_deadlines
from daycount.invoicing.documents import find_senders, money_fields, take_numbers
from daycount.invoicing.drafts import finalized, heading_of
from daycount.invoicing.messages_life import InvoicesFinalized
from daycount.invoicing.money import taxed_fields
from daycount.invoicing.purse import Purse, load_purse
from daycount.invoicing.records import Fee, Invoice
from daycount.invoicing.store import Scope

USES_NOTHING = ("one_off", "credit", "advance_charges")
"""Types of invoices that use neither coupons nor credits."""


def on_vat_settled(work: Work, message: VatSettled) -> None:
    """
    Finalize the invoices of customers that waited, oldest first.

    Locks customers, then invoices. Announces InvoicesFinalized. Some twenty statements. Source: Lago docs, EU VAT.
    """
    owners = customers.find_customers(work.tx, organization_id=work.organization_id, ids=message.customer_ids, lock=True)
    held = store.lock_pending(work.tx, organization_id=work.organization_id, customer_ids=list(owners))
    if not held:
        return
    ids = [row.id for row in held]
    inherited = load_inherited_taxes(work, list(owners.values()))
    fees = store.list_fees(work.tx, organization_id=work.organization_id, invoice_ids=ids)
    purse = load_purse(work, list(owners))
    means = _Means(store.find_scopes(work.tx, invoice_ids=ids), inherited, purse)
    released = [_release(work, row, [fee for fee in fees if fee.invoice_id == row.id], means) for row in held]
    paid = purse.write(work, [row for row, _ in released])
    senders = find_senders(work, paid, owners)
    headings = [heading_of(row, owners[row.customer_id], senders[row.billing_entity_id]) for row in paid]
    numbers = take_numbers(work, headings)
    final = [finalized(work, row, heading, number) for row, heading, number in zip(paid, headings, numbers, strict=True)]
    store.update_invoices(work.tx, final)
    store.replace_fees(work.tx, invoice_ids=ids, made=[fee for _, changed in released for fee in changed])
    set_deadlines(work, final)
    work.announce(InvoicesFinalized(invoices=final))


class _Means(NamedTuple):
    """What is needed to finalize held invoices: what their fees are of, the customers' taxes, and what customers have."""

    scopes: Mapping[UUID, Scope]
    inherited: Mapping[UUID, Sequence[TaxRate]]
    purse: Purse


def _release(work: Work, row: Invoice, fees: Sequence[Fee], means: _Means) -> tuple[Invoice, list[Fee]]:
    items = [item_of_fee(fee, means.scopes[fee.id], means.inherited[row.customer_id]) for fee in fees]
    assembled = _assemble(row, fees, items, means.purse)
    changed = structs.replace(row, updated_at=work.now, **money_fields(work, assembled))
    means.purse.take(work, changed, assembled)
    status = {"payment_status": changed.payment_status, "succeeded_at": work.now if changed.payment_status == "succeeded" else None}
    return changed, [structs.replace(fee, **status, **taxed_fields(work, item)) for fee, item in zip(fees, assembled.items, strict=True)]


def _assemble(row: Invoice, fees: Sequence[Fee], items: Sequence[Item], purse: Purse) -> Assembled:
    steps = purse.steps_for(row.customer_id, currency=row.currency, invoice_id=row.id)
    if row.invoice_type in USES_NOTHING:
        return assemble(items, currency=row.currency)
    if row.progressive_billing_credit_amount_cents:
        shares = [fee.precise_coupons_amount_cents for fee in fees]
        steps = structs.replace(steps, progressive=[ProgressiveCredit(row.progressive_billing_credit_amount_cents, shares)])
    return assemble(items, currency=row.currency, steps=steps)


def item_of_fee(fee: Fee, scope: Scope, inherited: Sequence[TaxRate]) -> Item:
    """Return a stored fee as the steps of money see it, with nothing taken off yet; inherited taxes are given anew."""
    own = [
        TaxRate(tax_id=tax.tax_id, code=tax.code, name=tax.name, rate=tax.rate, description=tax.description) for tax in fee.applied_taxes
    ]
    return Item(
        fee_type=fee.fee_type,
        amount_cents=fee.amount_cents,
        precise_amount_cents=fee.precise_amount_cents,
        taxes=inherited if fee.inherits_taxes else own,
        inherits_taxes=fee.inherits_taxes,
        metric_id=scope.metric_id,
        plan_id=scope.plan_id,
        target_wallet_code=fee.grouped_by.get("target_wallet_code"),
        precise_coupons_cents=Decimal(0),
    )
