"""
Gathering paid fees: fees that stood alone and were paid come onto one invoice at the end of a period.

Their charges ask for it (`regroup_paid_fees`). The invoice asks for no money: it is paid when it is made.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from msgspec import structs

from daycount.engine.calendar import Occasion
from daycount.engine.invoice import Assembled, Totals
from daycount.engine.items import NO_TAX
from daycount.infra.work import Work
from daycount.invoicing import store
from daycount.invoicing.advance import store as advance
from daycount.invoicing.compute import Job
from daycount.invoicing.documents import Heading, Number, invoice_of, take_numbers
from daycount.invoicing.records import AppliedTax, Documents, Fee, Invoice, InvoiceLine, Reason
from daycount.money import round_half_away
from daycount.periods import shown_end


def gather_paid_fees(work: Work, billed: Sequence[Job]) -> list[Invoice]:
    """
    Put the paid fees of what is billed now on invoices: one for each customer, currency and purchase order number.

    Fees of all rows of an external id are taken, whenever they were paid; in a regular run those whose period is over, at
    an end all of them. Returns the invoices. Two queries, five statements where there is something to gather.
    Source: Lago docs, charges in advance with regrouped fees.
    """
    jobs = {job.subject.subscription.id: job for job in billed if _is_closing(job)}
    chains = [advance.Chain(row_id, job.at, job.occasion is Occasion.TERMINATING) for row_id, job in jobs.items()]
    found = advance.find_paid(work.tx, organization_id=work.organization_id, chains=chains)
    groups: dict[tuple[UUID, UUID | None, str, str | None], list[UUID]] = {}
    for row_id in sorted(found):
        subject = jobs[row_id].subject
        row = subject.subscription
        key = (subject.customer.id, row.billing_entity_id, subject.plan.amount_currency, row.purchase_order_number)
        groups.setdefault(key, []).append(row_id)
    if not groups:
        return []
    headings = [_heading(jobs[row_ids[0]]) for row_ids in groups.values()]
    invoices: list[Invoice] = []
    lines: list[InvoiceLine] = []
    placed: list[tuple[UUID, UUID]] = []
    for row_ids, heading, number in zip(groups.values(), headings, take_numbers(work, headings), strict=True):
        fees = [fee for row_id in row_ids for fee in found[row_id]]
        invoice = _paid_invoice(work, heading, fees, number=number)
        invoices.append(invoice)
        placed.extend((fee.id, invoice.id) for fee in fees)
        lines.extend(_lines(work, invoice, [(jobs[row_id], found[row_id]) for row_id in row_ids]))
    store.insert(work.tx, Documents(invoices=invoices, lines=lines, fees=[]))
    advance.put_on_invoices(work.tx, placed)
    return invoices


def _is_closing(job: Job) -> bool:
    """Tell whether a period of usage closes: at a boundary, at an end, or where another plan takes over."""
    return job.windows.charges is not None and job.occasion in (Occasion.PERIODIC, Occasion.TERMINATING)


def _heading(job: Job) -> Heading:
    subject = job.subject
    return Heading(
        customer=subject.customer,
        sender=subject.sender,
        currency=subject.plan.amount_currency,
        at=job.at,
        invoice_type="advance_charges",
        purchase_order_number=subject.subscription.purchase_order_number,
    )


def _paid_invoice(work: Work, heading: Heading, fees: Sequence[Fee], *, number: Number | None) -> Invoice:
    """Make the invoice: the sums of its fees, nothing computed again, all of it paid."""
    amount, taxes = sum(fee.amount_cents for fee in fees), sum(fee.taxes_amount_cents for fee in fees)
    totals = Totals(
        fees=amount,
        progressive_billing_credit=0,
        coupons=0,
        sub_total_excluding_taxes=amount,
        taxes=taxes,
        sub_total_including_taxes=amount + taxes,
        credit_notes=0,
        prepaid_credit=0,
        total=amount + taxes,
    )
    assembled = Assembled(items=(), taxation=NO_TAX, totals=totals, coupon_uses=(), credit_note_uses=(), wallet_uses=())
    return structs.replace(
        invoice_of(work, heading, assembled, number=number),
        payment_status="succeeded",
        total_paid_amount_cents=totals.total,
        taxes_rate=round_half_away(Fraction(taxes * 100, amount), places=2) if amount else Decimal(0),
        applied_taxes=_applied_taxes(work, fees),
    )


def _applied_taxes(work: Work, fees: Sequence[Fee]) -> list[AppliedTax]:
    """Add up the taxes of fees, tax by tax; each on what the fees that bear it come to."""
    found: dict[tuple[UUID | None, str, Decimal], list[AppliedTax]] = {}
    for fee in fees:
        for tax in fee.applied_taxes:
            found.setdefault((tax.tax_id, tax.code, tax.rate), []).append(structs.replace(tax, base_cents=fee.amount_cents))
    return [
        structs.replace(
            same[0],
            id=work.new_id(),
            base_cents=sum(tax.base_cents for tax in same),
            amount_cents=sum(tax.amount_cents for tax in same),
        )
        for same in found.values()
    ]


def _lines(work: Work, invoice: Invoice, gathered: Sequence[tuple[Job, Sequence[Fee]]]) -> list[InvoiceLine]:
    """Write a line for every row that has a fee, with the closing period of the row it is billed with."""
    lines: list[InvoiceLine] = []
    for job, fees in gathered:
        window = job.windows.charges
        assert window is not None
        shown = {"from": window.period.start, "to": shown_end(window.period.end, is_cut=window.is_cut)}
        lines.extend(
            _line(work, invoice, subscription_id, plan_id=job.subject.plan.id, at=job.at, shown=shown)
            for subscription_id in dict.fromkeys(fee.subscription_id for fee in fees if fee.subscription_id is not None)
        )
    return lines


def _line(work: Work, invoice: Invoice, subscription_id: UUID, *, plan_id: UUID, at: datetime, shown: Mapping[str, Any]) -> InvoiceLine:
    return InvoiceLine(
        id=work.new_id(),
        organization_id=work.organization_id,
        invoice_id=invoice.id,
        subscription_id=subscription_id,
        plan_id=plan_id,
        invoicing_reason=Reason.IN_ADVANCE_PERIODIC,
        billed_at=at,
        base_from=None,
        charges_from=None,
        shown_from=shown["from"],
        shown_to=shown["to"],
        shown_charges_from=shown["from"],
        shown_charges_to=shown["to"],
    )
