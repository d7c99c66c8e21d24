"""
Documents: an invoice's head with its totals, its dates and its number, for invoices of every type.

What stands on it is made elsewhere (`lines.py` for subscriptions). Numbers are taken for all documents of one work at once.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from importlib.metadata import version
from uuid import UUID

from msgspec import Struct

from daycount.customers import store as customers
from daycount.customers.records import Customer
from daycount.engine.invoice import Assembled
from daycount.infra.work import Work
from daycount.invoicing.money import applied_taxes
from daycount.invoicing.records import Invoice
from daycount.periods import local_date

TZ_VERSION = version("tzdata")


class Heading(Struct, frozen=True, kw_only=True):
    """What an invoice says besides its fees; `at` is the instant it is due, `is_recurring` is for periodic ones."""

    customer: Customer
    currency: str
    at: datetime
    invoice_type: str = "subscription"
    purchase_order_number: str | None = None
    is_recurring: bool = False


def take_numbers(work: Work, headings: Sequence[Heading | None]) -> list[int | None]:
    """
    Return the next numbers of customers, one for each heading in its order; None where no heading is given.

    One statement, which holds the customers' rows until the work ends: a number is never given twice, and an undone work
    leaves no gap.
    """
    counts: Counter[UUID] = Counter(heading.customer.id for heading in headings if heading is not None)
    last = customers.take_invoice_numbers(work.tx, counts=counts) if counts else {}
    numbers: list[int | None] = []
    for heading in headings:
        if heading is None:
            numbers.append(None)
            continue
        last[heading.customer.id] += 1
        numbers.append(last[heading.customer.id])
    return numbers


def invoice_of(work: Work, heading: Heading, assembled: Assembled, *, number: int | None) -> Invoice:
    """Make an invoice that is finalized, or closed when it has no number."""
    customer, totals = heading.customer, assembled.totals
    issuing_date = issuing_date_of(heading)
    term = customer.applicable_payment_term
    prefix = customer.entity.document_number_prefix
    return Invoice(
        id=work.new_id(),
        organization_id=work.organization_id,
        customer_id=customer.id,
        billing_entity_id=customer.entity.id,
        sequential_id=number,
        number=f"{prefix}-{customer.sequential_id:03}-{number:03}" if number is not None else "",
        purchase_order_number=heading.purchase_order_number,
        issuing_date=issuing_date,
        payment_due_date=issuing_date + timedelta(days=term),
        net_payment_term=term,
        invoice_type=heading.invoice_type,
        status="finalized" if number is not None else "closed",
        payment_status="pending" if totals.total else "succeeded",
        currency=heading.currency,
        zone=customer.applicable_timezone,
        tz_version=TZ_VERSION,
        fees_amount_cents=totals.fees,
        progressive_billing_credit_amount_cents=totals.progressive_billing_credit,
        coupons_amount_cents=totals.coupons,
        sub_total_excluding_taxes_amount_cents=totals.sub_total_excluding_taxes,
        taxes_amount_cents=totals.taxes,
        sub_total_including_taxes_amount_cents=totals.sub_total_including_taxes,
        credit_notes_amount_cents=totals.credit_notes,
        prepaid_credit_amount_cents=totals.prepaid_credit,
        total_amount_cents=totals.total,
        total_paid_amount_cents=0,
        finalized_at=heading.at if number is not None else None,
        created_at=heading.at,
        updated_at=heading.at,
        taxes_rate=assembled.taxation.rate,
        applied_taxes=applied_taxes(work, assembled.taxation),
    )


def issuing_date_of(heading: Heading) -> date:
    """Return the local date of the billing instant; a periodic invoice may be anchored at the day before."""
    day = local_date(heading.at, zone=heading.customer.zone)
    is_before = heading.customer.billing_configuration.get("subscription_invoice_issuing_date_anchor") == "current_period_end"
    return day - timedelta(days=1) if heading.is_recurring and is_before else day
