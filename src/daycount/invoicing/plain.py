"""
Invoices of plain lines, without a subscription: one-off invoices of add-ons, and purchases of prepaid credits.

They have no draft and use neither coupons nor credit notes nor wallets. Source: Lago docs, one-off invoices, prepaid credits.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from msgspec import Struct, structs

from daycount.engine.invoice import assemble
from daycount.engine.items import Item
from daycount.engine.taxes import TaxRate
from daycount.infra.work import Work
from daycount.invoicing import store
from daycount.invoicing.deadlines import set_deadlines
from daycount.invoicing.documents import Heading, held, invoice_of, take_numbers
from daycount.invoicing.messages_life import InvoicesMade, InvoicesOpened
from daycount.invoicing.money import taxed_fields
from daycount.invoicing.records import Documents, Fee, Invoice
from daycount.money import CURRENCIES, precise_cents, round_half_away, to_cents
from daycount.organizations.sections.operations import choose_sections, copy_choice
from daycount.organizations.sections.records import Chooser
from daycount.periods import local_date


class PlainLine(Struct, frozen=True, kw_only=True):
    """One line: `unit_amount` in major units, times `units`; `item` is what is shown of it."""

    fee_type: str
    item: Mapping[str, Any]
    units: Decimal
    unit_amount: Fraction
    taxes: Sequence[TaxRate]
    inherits_taxes: bool = False
    start: datetime
    end: datetime
    paper_name: str | None = None
    """What papers call it, where that is more than its name."""


def make_plain_invoice(work: Work, heading: Heading, lines: Sequence[PlainLine], *, is_open: bool = False) -> Invoice:
    """
    Make an invoice: finalized, closed where it is of nothing and the customer wants none such, open, which nobody sees, or held back.

    The caller holds the customer's lane and row. Announces InvoicesMade.
    """
    currency = CURRENCIES[heading.currency]
    items = [
        Item(
            fee_type=line.fee_type,
            amount_cents=to_cents(line.unit_amount * Fraction(line.units), currency=currency),
            precise_amount_cents=precise_cents(line.unit_amount * Fraction(line.units), currency=currency),
            taxes=line.taxes,
            inherits_taxes=line.inherits_taxes,
        )
        for line in lines
    ]
    assembled = assemble(items, currency=heading.currency)
    is_issued = any(item.amount_cents for item in items) or heading.finalizes_zero_invoices
    is_final = is_issued and not is_open and not heading.is_held
    [number] = take_numbers(work, [heading if is_final else None])
    invoice = invoice_of(work, heading, assembled, number=number)
    if is_open:
        invoice = structs.replace(invoice, status="open")
    elif is_issued and heading.is_held:
        invoice = held(invoice, heading.entity)
    fees = [
        _fee(work, invoice, line, item, position=position) for position, (line, item) in enumerate(zip(lines, assembled.items, strict=True))
    ]
    store.insert(work.tx, Documents(invoices=[invoice], lines=[], fees=fees))
    choose_sections(work, Chooser.INVOICE, invoice.id, heading.section_choice)
    if heading.section_sources:
        copy_choice(work, Chooser.INVOICE, invoice.id, heading.section_sources)
    if is_final:
        set_deadlines(work, [invoice])
        work.announce(InvoicesMade(invoices=[invoice]))
    elif is_open:
        work.announce(InvoicesOpened(invoices=[invoice]))
    return invoice


def _fee(work: Work, invoice: Invoice, line: PlainLine, item: Item, *, position: int) -> Fee:
    return Fee(
        id=work.new_id(),
        organization_id=work.organization_id,
        invoice_id=invoice.id,
        subscription_id=None,
        charge_id=None,
        charge_filter_id=None,
        grouped_by={},
        position=position,
        fee_type=line.fee_type,
        item=line.item,
        currency=invoice.currency,
        units=line.units,
        total_aggregated_units=line.units,
        events_count=0,
        amount_cents=item.amount_cents,
        precise_amount_cents=item.precise_amount_cents,
        precise_unit_amount=round_half_away(line.unit_amount, places=15),
        amount_details={},
        shown_from=line.start,
        shown_to=line.end,
        pay_in_advance=False,
        payment_status=invoice.payment_status,
        derivation={
            "kind": line.fee_type,
            "units": str(line.units),
            "unit_amount": str(line.unit_amount),
            **({} if line.paper_name is None else {"paper_name": line.paper_name}),
        },
        created_at=invoice.created_at,
        succeeded_at=invoice.created_at if invoice.payment_status == "succeeded" else None,
        **taxed_fields(work, item),
    )


def finalize_open(work: Work, invoice: Invoice, heading: Heading) -> Invoice:
    """Finalize an open invoice that is paid, dated today. Announces InvoicesMade."""
    [number] = take_numbers(work, [heading])
    assert number is not None
    today = local_date(heading.at, zone=heading.customer.zone)
    final = structs.replace(
        invoice,
        status="finalized",
        sequential_id=number.sequential_id,
        number=number.text,
        issuing_date=today,
        payment_due_date=today,
        finalized_at=work.now,
        updated_at=work.now,
    )
    store.update_invoices(work.tx, [final])
    work.announce(InvoicesMade(invoices=[final]))
    return final
