"""
Documents: an invoice's head with its totals, its dates and its number, for invoices of every type.

What stands on it is made elsewhere (`lines.py` for subscriptions). Numbers are taken for all documents of one work at once.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from importlib.metadata import version
from typing import Any, NamedTuple
from uuid import UUID

from msgspec import Struct, structs

from daycount import errors
from daycount.customers import store as customers
from daycount.customers.records import Customer
from daycount.engine.invoice import Assembled
from daycount.infra.work import Work
from daycount.invoicing.compute import Computed
from daycount.invoicing.money import applied_taxes
from daycount.invoicing.records import Invoice
from daycount.organizations import store as organizations
from daycount.organizations.records import BillingEntity
from daycount.organizations.sections.records import ChoiceInput
from daycount.periods import ONE_DAY, local_date

TZ_VERSION = version("tzdata")
PER_CUSTOMER = "per_customer"
_MOST_CENTS = 2**53 - 1
"""What an invoice may come to: every client reads it exactly."""


class Heading(Struct, frozen=True, kw_only=True):
    """
    What an invoice says besides its fees.

    `at` is the instant it is due; `is_recurring` is for one that closes a period. `has_grace` is for types that stay a draft
    for the customer's days of grace.
    """

    customer: Customer
    currency: str
    at: datetime
    invoice_type: str = "subscription"
    purchase_order_number: str | None = None
    is_recurring: bool = False
    has_grace: bool = False
    sender: BillingEntity | None = None
    """The billing entity that issues it, where it is not the customer's."""
    is_held: bool = False
    """Whether it waits until it is known which taxes the customer has."""
    section_choice: ChoiceInput | None = None
    """The custom sections that it wants itself, or else has from the first of other things that chose any."""
    section_sources: Sequence[UUID] = ()

    @property
    def entity(self) -> BillingEntity:
        """Return the billing entity that issues it: its prefix, its numbers. Other settings are the customer's own entity's."""
        return self.sender or self.customer.entity

    @property
    def finalizes_zero_invoices(self) -> bool:
        """Tell whether an invoice without fees to pay is issued: what the customer wants, else who issues it."""
        own = self.customer.finalize_zero_amount_invoice
        return self.entity.finalize_zero_amount_invoice if own == "inherit" else own == "finalize"

    @property
    def is_self_billed(self) -> bool:
        """Tell whether the customer is a partner, who bills itself."""
        return self.customer.account_type == "partner"

    @property
    def counts_by_entity(self) -> bool:
        """Tell whether it takes the next of its billing entity's running numbers; what partners bill never does."""
        return self.entity.document_numbering != PER_CUSTOMER and not self.is_self_billed

    @property
    def grace_days(self) -> int:
        """Return the days that the invoice stays a draft."""
        return self.customer.grace_days if self.has_grace else 0


class Number(NamedTuple):
    """A place in the customer's sequence, and the number as it is written."""

    sequential_id: int
    text: str


class Dates(NamedTuple):
    """The local dates of an invoice; one that is no draft has no date of finalization."""

    issuing_date: date
    payment_due_date: date
    expected_finalization_date: date | None


def take_numbers(work: Work, headings: Sequence[Heading | None]) -> list[Number | None]:
    """
    Return the next numbers, one for each heading in its order; None where no heading is given.

    Two statements at most, which hold the rows of customers, and of billing entities that number their own invoices, until
    the work ends: a number is never given twice, and an undone work leaves no gap. Source: Lago docs, invoice numbering.
    """
    given = [heading for heading in headings if heading is not None]
    last = (
        customers.take_invoice_numbers(work.tx, counts=Counter((heading.customer.id, heading.entity.id) for heading in given))
        if given
        else {}
    )
    own = Counter(heading.entity.id for heading in given if heading.counts_by_entity)
    running = organizations.take_invoice_numbers(work.tx, counts=own) if own else {}
    return [None if heading is None else _next_number(work, heading, last, running) for heading in headings]


def _next_number(work: Work, heading: Heading, last: dict[tuple[UUID, UUID], int], running: dict[UUID, int]) -> Number:
    customer, entity = heading.customer, heading.entity
    last[customer.id, entity.id] += 1
    sequential_id = last[customer.id, entity.id]
    if not heading.counts_by_entity:
        return Number(sequential_id, f"{entity.document_number_prefix}-{customer.sequential_id:03}-{sequential_id:03}")
    running[entity.id] += 1
    month = local_date(work.now, zone=entity.zone)
    return Number(sequential_id, f"{entity.document_number_prefix}-{month:%Y%m}-{running[entity.id]:03}")


def invoice_of(work: Work, heading: Heading, assembled: Assembled, *, number: Number | None) -> Invoice:
    """
    Make an invoice: a draft where days of grace are due, else finalized, or closed when it has no number.

    Raises Invalid where it comes to more than clients can read exactly.
    """
    customer = heading.customer
    dates = dates_of(heading)
    money = money_fields(work, assembled)
    if money["sub_total_including_taxes_amount_cents"] > _MOST_CENTS:
        raise errors.Invalid({"amount_cents": ["value_is_out_of_range"]})
    is_draft = dates.expected_finalization_date is not None
    draft_number = f"{heading.entity.document_number_prefix}-DRAFT" if is_draft else ""
    return Invoice(
        id=work.new_id(),
        organization_id=work.organization_id,
        customer_id=customer.id,
        billing_entity_id=heading.entity.id,
        sequential_id=None if number is None else number.sequential_id,
        number=draft_number if number is None else number.text,
        purchase_order_number=heading.purchase_order_number,
        issuing_date=dates.issuing_date,
        payment_due_date=dates.payment_due_date,
        expected_finalization_date=dates.expected_finalization_date,
        net_payment_term=customer.applicable_payment_term,
        invoice_type=heading.invoice_type,
        status="draft" if is_draft else "closed" if number is None else "finalized",
        is_recurring=heading.is_recurring,
        currency=heading.currency,
        zone=customer.applicable_timezone,
        tz_version=TZ_VERSION,
        total_paid_amount_cents=0,
        self_billed=heading.is_self_billed,
        finalized_at=None if number is None else heading.at,
        created_at=heading.at,
        updated_at=heading.at,
        **money,
    )


def held(invoice: Invoice, entity: BillingEntity) -> Invoice:
    """Return an invoice as it is while the customer's taxes are not known: pending, without a number."""
    number = f"{entity.document_number_prefix}-DRAFT"
    return structs.replace(invoice, status="pending", number=number, sequential_id=None, finalized_at=None)


def find_senders(work: Work, invoices: Sequence[Invoice], owners: Mapping[UUID, Customer]) -> dict[UUID, BillingEntity]:
    """Return the billing entities that issue invoices, by their ids. One query, none where all are the customers' own."""
    known = {owner.entity.id: owner.entity for owner in owners.values()}
    others = {row.billing_entity_id for row in invoices} - known.keys()
    return known | organizations.find_entities_by_id(work.tx, organization_id=work.organization_id, ids=others)


def money_fields(work: Work, assembled: Assembled) -> dict[str, Any]:
    """Return the fields of an invoice that the steps of money fill."""
    totals = assembled.totals
    return {
        "payment_status": "pending" if totals.total else "succeeded",
        "fees_amount_cents": totals.fees,
        "progressive_billing_credit_amount_cents": totals.progressive_billing_credit,
        "coupons_amount_cents": totals.coupons,
        "sub_total_excluding_taxes_amount_cents": totals.sub_total_excluding_taxes,
        "taxes_amount_cents": totals.taxes,
        "sub_total_including_taxes_amount_cents": totals.sub_total_including_taxes,
        "credit_notes_amount_cents": totals.credit_notes,
        "prepaid_credit_amount_cents": totals.prepaid_credit,
        "total_amount_cents": totals.total,
        "taxes_rate": assembled.taxation.rate,
        "applied_taxes": applied_taxes(work, assembled.taxation),
    }


def dates_of(heading: Heading) -> Dates:
    """
    Work out the dates of an invoice from the local date of the instant it is due.

    A periodic invoice may be anchored at the last day of its period, and may keep that date instead of moving to the day
    it is finalized: 1 May with 3 days of grace is issued on 4 May, kept 1 May, anchored and kept 30 April.
    Source: Lago docs, grace period and issuing dates.
    """
    customer, grace = heading.customer, heading.grace_days
    day = local_date(heading.at, zone=customer.zone)
    shift = grace
    if heading.is_recurring:
        is_before = customer.issuing_date_anchor == "current_period_end"
        if customer.keeps_issuing_date or grace == 0:
            shift = -1 if is_before else 0
    issuing_date = day + shift * ONE_DAY
    return Dates(
        issuing_date=issuing_date,
        payment_due_date=issuing_date + timedelta(days=customer.applicable_payment_term),
        expected_finalization_date=day + grace * ONE_DAY if grace else None,
    )


def is_issued(group: Sequence[Computed], heading: Heading) -> bool:
    """Tell whether an invoice is worth issuing: it has fees, or the customer wants those of nothing too."""
    return any(fee.amount_cents for item in group for fee in item.fees) or heading.finalizes_zero_invoices
