"""Invoices and their fees on the wire."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType, structs

from daycount import errors
from daycount.api.entities import read_entities
from daycount.api.paging import Page, page_of, read_page
from daycount.api.query import Query
from daycount.api.routing import Call, Routes
from daycount.api.v1 import applied_thresholds
from daycount.api.v1 import credits as credits_wire
from daycount.api.v1 import customers as customers_wire
from daycount.api.v1 import invoice_custom_sections as sections_wire
from daycount.api.v1 import subscriptions as subscriptions_wire
from daycount.api.v1.credits import CreditInvoiceObject, CreditItemObject, CreditObject
from daycount.api.v1.taxes import Rate
from daycount.api.wire import Day, DecimalText, Stamp, read_path_uuid, stamp, stamp_or_none, text, with_numbers
from daycount.catalog import store as catalog
from daycount.catalog.records import Plan
from daycount.credit_notes import store as notes
from daycount.customers import store as customers
from daycount.customers.operations import get_customer
from daycount.customers.records import Customer
from daycount.engine.fees import Breakdown
from daycount.engine.pricing_units import UnitAmounts
from daycount.infra.work import Work
from daycount.invoicing import store
from daycount.invoicing.papers import store as papers
from daycount.invoicing.records import PAYMENT_STATUSES, SETTLEMENTS, VISIBLE_STATUSES, AppliedTax, Fee, Invoice, InvoiceFilter, InvoiceLine
from daycount.money import CURRENCIES, decimal_text, exact_sum, round_half_away
from daycount.subscriptions import store as subscriptions
from daycount.subscriptions.records import Subscription

routes = Routes("invoices")
LIST_PARAMETERS = (
    "external_customer_id",
    "amount_from",
    "amount_to",
    "issuing_date_from",
    "issuing_date_to",
    "status",
    "statuses[]",
    "payment_status",
    "payment_statuses[]",
    "payment_overdue",
    "search_term",
    "currency",
    "invoice_type",
    "payment_dispute_lost",
    "partially_paid",
    "self_billed",
    "settlements[]",
    "billing_entity_codes[]",
    "purchase_order_number",
    "metadata[key]",
)
VERSION = 4


class BillingPeriodObject(Struct, frozen=True, kw_only=True):
    """What of one subscription the invoice covers; ends are shown inclusive."""

    lago_subscription_id: str
    external_subscription_id: str
    lago_plan_id: str
    subscription_from_datetime: Stamp
    subscription_to_datetime: Stamp
    charges_from_datetime: Stamp
    charges_to_datetime: Stamp
    fixed_charges_from_datetime: Stamp | None
    fixed_charges_to_datetime: Stamp | None
    invoicing_reason: str


class AppliedTaxObject(Struct, frozen=True, kw_only=True):
    """A tax as it was charged; of an invoice with the net amount it is of, of a fee with the fee."""

    lago_id: str
    lago_tax_id: str | None
    tax_name: str
    tax_code: str
    tax_rate: Rate
    tax_description: str | None
    amount_cents: int
    amount_currency: str
    created_at: Stamp
    lago_invoice_id: str | UnsetType = UNSET
    fees_amount_cents: int | UnsetType = UNSET
    lago_fee_id: str | UnsetType = UNSET


class FeeItemObject(Struct, frozen=True, kw_only=True):
    """What a fee is for."""

    type: str
    code: str
    name: str
    description: str | None
    invoice_display_name: str
    filters: Mapping[str, Any] | None
    filter_invoice_display_name: str | None
    lago_item_id: str
    item_type: str
    grouped_by: Mapping[str, str | None]


class BreakdownObject(Struct, frozen=True, kw_only=True):
    """The units that share some values of presentation keys; an empty text stands for events without a value."""

    presentation_by: Mapping[str, str]
    units: DecimalText


def breakdown_to_wire(item: Breakdown) -> BreakdownObject:
    """Write the units that share some values."""
    return BreakdownObject(presentation_by=item.presentation_by, units=text(item.units))


class PricingUnitDetailsObject(Struct, frozen=True, kw_only=True):
    """What a fee comes to in the pricing unit of its charge; amounts in hundredths, `precise_unit_amount` in whole units."""

    lago_pricing_unit_id: str
    pricing_unit_code: str
    short_name: str
    amount_cents: int
    precise_amount_cents: DecimalText
    unit_amount_cents: int
    precise_unit_amount: DecimalText
    conversion_rate: DecimalText


class FeeObject(Struct, frozen=True, kw_only=True):
    """One fee; amounts in minor units, `precise_…` as decimal texts."""

    lago_id: str | None
    lago_charge_id: str | None
    lago_charge_filter_id: str | None
    lago_fixed_charge_id: str | None
    lago_invoice_id: str | None
    lago_true_up_fee_id: str | None
    lago_true_up_parent_fee_id: str | None
    lago_original_fee_id: str | None
    lago_subscription_id: str | None
    external_subscription_id: str | None
    lago_customer_id: str | None
    external_customer_id: str | None
    item: FeeItemObject
    pay_in_advance: bool
    invoiceable: bool
    amount_cents: int
    amount_currency: str
    precise_amount: DecimalText
    precise_total_amount: DecimalText
    taxes_amount_cents: int
    taxes_precise_amount: DecimalText
    taxes_rate: Rate
    total_aggregated_units: DecimalText
    total_amount_cents: int
    total_amount_currency: str
    units: DecimalText
    description: str | None
    precise_unit_amount: DecimalText
    precise_coupons_amount_cents: DecimalText
    sub_total_excluding_taxes_amount_cents: int
    sub_total_excluding_taxes_precise_amount_cents: DecimalText
    events_count: int
    payment_status: str
    created_at: Stamp | None
    succeeded_at: Stamp | None
    failed_at: Stamp | None
    refunded_at: Stamp | None
    amount_details: Mapping[str, Any]
    self_billed: bool
    pricing_unit_details: PricingUnitDetailsObject | None
    presentation_breakdowns: Sequence[BreakdownObject]
    from_date: Stamp | None | UnsetType = UNSET
    to_date: Stamp | None | UnsetType = UNSET
    plan_version: int | None
    event_transaction_id: str | None | UnsetType = UNSET
    applied_taxes: Sequence[AppliedTaxObject] | UnsetType = UNSET


class InvoiceMetadataObject(Struct, frozen=True, kw_only=True):
    """One pair of an invoice's metadata."""

    lago_id: str
    key: str
    value: str
    created_at: Stamp


class InvoiceObject(Struct, frozen=True, kw_only=True):
    """An invoice; fees, periods and subscriptions are left out of lists."""

    lago_id: str
    billing_entity_code: str
    sequential_id: int | None
    number: str
    purchase_order_number: str | None
    issuing_date: Day
    payment_dispute_lost_at: Stamp | None
    payment_due_date: Day
    payment_overdue: bool
    net_payment_term: int
    invoice_type: str
    status: str
    payment_status: str
    currency: str
    fees_amount_cents: int
    progressive_billing_credit_amount_cents: int
    coupons_amount_cents: int
    sub_total_excluding_taxes_amount_cents: int
    taxes_amount_cents: int
    sub_total_including_taxes_amount_cents: int
    credit_notes_amount_cents: int
    prepaid_credit_amount_cents: int
    prepaid_granted_credit_amount_cents: int | None
    prepaid_purchased_credit_amount_cents: int | None
    total_amount_cents: int
    total_paid_amount_cents: int
    total_offsetted_credit_note_amount_cents: int
    total_due_amount_cents: int
    file_url: str | None
    xml_url: str | None
    web_url: str | None
    version_number: int
    self_billed: bool
    created_at: Stamp
    updated_at: Stamp
    voided_at: Stamp | None
    customer: customers_wire.CustomerObject
    metadata: Sequence[InvoiceMetadataObject]
    applied_taxes: Sequence[AppliedTaxObject]
    billing_periods: Sequence[BillingPeriodObject] | UnsetType = UNSET
    subscriptions: Sequence[subscriptions_wire.SubscriptionObject] | UnsetType = UNSET
    fees: Sequence[FeeObject] | UnsetType = UNSET
    credits: Sequence[CreditObject] | UnsetType = UNSET
    applied_usage_thresholds: Sequence[applied_thresholds.AppliedThresholdObject] | UnsetType = UNSET
    error_details: Sequence[Any] | UnsetType = UNSET
    applied_invoice_custom_sections: Sequence[sections_wire.AppliedSectionObject] | UnsetType = UNSET


def to_wire(invoice: Invoice, customer: Customer, *, entity_code: str, urls: papers.Urls) -> InvoiceObject:
    """Write an invoice as lists show it."""
    return InvoiceObject(
        lago_id=str(invoice.id),
        billing_entity_code=entity_code,
        sequential_id=invoice.sequential_id,
        number=invoice.number,
        purchase_order_number=invoice.purchase_order_number,
        issuing_date=invoice.issuing_date.isoformat(),
        payment_dispute_lost_at=stamp_or_none(invoice.payment_dispute_lost_at),
        payment_due_date=invoice.payment_due_date.isoformat(),
        payment_overdue=invoice.payment_overdue,
        net_payment_term=invoice.net_payment_term,
        invoice_type=invoice.invoice_type,
        status=invoice.status,
        payment_status=invoice.payment_status,
        currency=invoice.currency,
        fees_amount_cents=invoice.fees_amount_cents,
        progressive_billing_credit_amount_cents=invoice.progressive_billing_credit_amount_cents,
        coupons_amount_cents=invoice.coupons_amount_cents,
        sub_total_excluding_taxes_amount_cents=invoice.sub_total_excluding_taxes_amount_cents,
        taxes_amount_cents=invoice.taxes_amount_cents,
        sub_total_including_taxes_amount_cents=invoice.sub_total_including_taxes_amount_cents,
        credit_notes_amount_cents=invoice.credit_notes_amount_cents,
        prepaid_credit_amount_cents=invoice.prepaid_credit_amount_cents,
        prepaid_granted_credit_amount_cents=invoice.prepaid_granted_credit_amount_cents,
        prepaid_purchased_credit_amount_cents=invoice.prepaid_purchased_credit_amount_cents,
        total_amount_cents=invoice.total_amount_cents,
        total_paid_amount_cents=invoice.total_paid_amount_cents,
        total_offsetted_credit_note_amount_cents=invoice.offset_amount_cents,
        total_due_amount_cents=invoice.total_due_amount_cents,
        file_url=urls.file_url,
        xml_url=urls.xml_url,
        web_url=None,
        version_number=VERSION,
        self_billed=invoice.self_billed,
        created_at=stamp(invoice.created_at),
        updated_at=stamp(invoice.updated_at),
        voided_at=stamp_or_none(invoice.voided_at),
        customer=customers_wire.to_wire(customer),
        metadata=[
            InvoiceMetadataObject(lago_id=str(pair.lago_id), key=pair.key, value=pair.value, created_at=stamp(pair.created_at))
            for pair in invoice.metadata
        ],
        applied_taxes=[
            tax_to_wire(tax, invoice, lago_invoice_id=str(invoice.id), fees_amount_cents=tax.base_cents) for tax in invoice.applied_taxes
        ],
    )


def tax_to_wire(tax: AppliedTax, of: Invoice | Fee, **owner: Any) -> AppliedTaxObject:
    """Write a tax of an invoice or of a fee; `owner` holds the fields that differ."""
    return AppliedTaxObject(
        lago_id=str(tax.id),
        lago_tax_id=None if tax.tax_id is None else str(tax.tax_id),
        tax_name=tax.name,
        tax_code=tax.code,
        tax_rate=float(tax.rate),  # a JSON number by contract; nothing is computed with it
        tax_description=tax.description,
        amount_cents=tax.amount_cents,
        amount_currency=of.currency,
        created_at=stamp(of.created_at),
        **owner,
    )


def _period_to_wire(line: InvoiceLine, subscription: Subscription) -> BillingPeriodObject:
    return BillingPeriodObject(
        lago_subscription_id=str(line.subscription_id),
        external_subscription_id=subscription.external_id,
        lago_plan_id=str(line.plan_id),
        subscription_from_datetime=stamp(line.shown_from),
        subscription_to_datetime=stamp(line.shown_to),
        charges_from_datetime=stamp(line.shown_charges_from),
        charges_to_datetime=stamp(line.shown_charges_to),
        fixed_charges_from_datetime=stamp_or_none(line.shown_fixed_from),
        fixed_charges_to_datetime=stamp_or_none(line.shown_fixed_to),
        invoicing_reason=line.invoicing_reason,
    )


def fee_to_wire(
    fee: Fee, subscription: Subscription | None, *, customer: Customer | None = None, is_self_billed: bool = False
) -> FeeObject:
    """Write a fee; of one without a subscription its invoice's customer is shown. Its invoice tells whether it is self-billed."""
    net_cents = fee.amount_cents - Fraction(fee.precise_coupons_amount_cents)
    item = fee.item
    return FeeObject(
        lago_id=str(fee.id),
        lago_charge_id=None if fee.charge_id is None else str(fee.charge_id),
        lago_charge_filter_id=None if fee.charge_filter_id is None else str(fee.charge_filter_id),
        lago_fixed_charge_id=None if fee.fixed_charge_id is None else str(fee.fixed_charge_id),
        lago_invoice_id=None if fee.invoice_id is None else str(fee.invoice_id),
        lago_true_up_fee_id=None if fee.true_up_fee_id is None else str(fee.true_up_fee_id),
        lago_true_up_parent_fee_id=None if fee.true_up_parent_fee_id is None else str(fee.true_up_parent_fee_id),
        lago_original_fee_id=None if fee.original_fee_id is None else str(fee.original_fee_id),
        lago_subscription_id=None if subscription is None else str(subscription.id),
        external_subscription_id=None if subscription is None else subscription.external_id,
        **_owner_of(subscription, customer),
        item=FeeItemObject(**item, grouped_by=fee.grouped_by),
        pay_in_advance=fee.pay_in_advance,
        invoiceable=fee.invoiceable,
        amount_cents=fee.amount_cents,
        amount_currency=fee.currency,
        precise_amount=text(_in_major_units(fee.precise_amount_cents, fee.currency)),
        precise_total_amount=text(_in_major_units(exact_sum([fee.precise_amount_cents, fee.taxes_precise_amount_cents]), fee.currency)),
        taxes_amount_cents=fee.taxes_amount_cents,
        taxes_precise_amount=text(_in_major_units(fee.taxes_precise_amount_cents, fee.currency)),
        taxes_rate=float(fee.taxes_rate),  # a JSON number by contract; nothing is computed with it
        total_aggregated_units=text(fee.total_aggregated_units),
        total_amount_cents=fee.amount_cents + fee.taxes_amount_cents,
        total_amount_currency=fee.currency,
        units=text(fee.units),
        description=item["description"],
        precise_unit_amount=text(fee.precise_unit_amount),
        precise_coupons_amount_cents=text(fee.precise_coupons_amount_cents),
        sub_total_excluding_taxes_amount_cents=int(round_half_away(net_cents, places=0)),
        sub_total_excluding_taxes_precise_amount_cents=decimal_text(
            Fraction(fee.precise_amount_cents) - Fraction(fee.precise_coupons_amount_cents)
        ),
        events_count=fee.events_count,
        payment_status=fee.payment_status,
        created_at=stamp(fee.created_at),
        succeeded_at=stamp_or_none(fee.succeeded_at),
        failed_at=stamp_or_none(fee.failed_at),
        refunded_at=stamp_or_none(fee.refunded_at),
        amount_details=with_numbers(fee.amount_details),
        self_billed=is_self_billed,
        pricing_unit_details=_units_to_wire(fee.in_units),
        presentation_breakdowns=[breakdown_to_wire(item) for item in fee.breakdowns],
        from_date=UNSET if fee.fee_type == "credit" else stamp(fee.shown_from),
        to_date=UNSET if fee.fee_type == "credit" else stamp(fee.shown_to),
        event_transaction_id=UNSET if fee.event_transaction_id is None else fee.event_transaction_id,
        plan_version=fee.derivation.get("plan_version"),
    )


def _units_to_wire(found: UnitAmounts | None) -> PricingUnitDetailsObject | None:
    if found is None:
        return None
    return PricingUnitDetailsObject(
        lago_pricing_unit_id=str(found.pricing_unit_id),
        pricing_unit_code=found.code,
        short_name=found.short_name,
        amount_cents=found.amount_cents,
        precise_amount_cents=text(found.precise_amount_cents),
        unit_amount_cents=found.unit_amount_cents,
        precise_unit_amount=text(found.precise_unit_amount),
        conversion_rate=text(found.conversion_rate),
    )


def _owner_of(subscription: Subscription | None, customer: Customer | None) -> dict[str, Any]:
    if subscription is not None:
        return {"lago_customer_id": str(subscription.customer_id), "external_customer_id": subscription.external_customer_id}
    if customer is not None:
        return {"lago_customer_id": str(customer.id), "external_customer_id": customer.external_id}
    return {"lago_customer_id": None, "external_customer_id": None}


def _in_major_units(cents: Decimal, currency: str) -> Decimal:
    return Decimal(decimal_text(Fraction(cents) / CURRENCIES[currency].subunits))


def whole_to_wire(work: Work, invoice: Invoice) -> InvoiceObject:
    """Write an invoice with its fees, periods and subscriptions."""
    customer = customers.find_customers(work.tx, organization_id=work.organization_id, ids=[invoice.customer_id])[invoice.customer_id]
    lines = store.list_lines(work.tx, organization_id=work.organization_id, invoice_ids=[invoice.id])
    rows = subscriptions.find_subscriptions(work.tx, organization_id=work.organization_id, ids=[line.subscription_id for line in lines])
    by_id: dict[UUID | None, Subscription] = {row.id: row for row in rows}
    plans = catalog.find_plans(work.tx, organization_id=work.organization_id, ids=[line.plan_id for line in lines])
    wire = {row.id: shown for row, shown in zip(rows, subscriptions_wire.list_to_wire(work, rows), strict=True)}
    lines.sort(key=lambda line: (_name_of(by_id[line.subscription_id], plans[line.plan_id]), str(line.id)))
    fees = store.list_fees(work.tx, organization_id=work.organization_id, invoice_ids=[invoice.id])
    codes = store.find_entity_codes(work.tx, organization_id=work.organization_id, invoice_ids=[invoice.id])
    urls = papers.find_urls(work.tx, organization_id=work.organization_id, subject_ids=[invoice.id])
    return structs.replace(
        to_wire(invoice, customer, entity_code=codes[invoice.id], urls=urls.get(invoice.id, papers.NOWHERE)),
        billing_periods=[_period_to_wire(line, by_id[line.subscription_id]) for line in lines],
        subscriptions=[wire[line.subscription_id] for line in lines],
        fees=[fee_to_wire(fee, by_id.get(fee.subscription_id), customer=customer, is_self_billed=invoice.self_billed) for fee in fees],
        credits=[*credits_wire.of_invoice(work, invoice.id), *_credits(work, invoice)],
        applied_usage_thresholds=applied_thresholds.of_invoices(work, [invoice]).get(invoice.id, UNSET),
        error_details=[],
        applied_invoice_custom_sections=sections_wire.of_invoice(work, invoice.id),
    )


def _credits(work: Work, invoice: Invoice) -> list[CreditObject]:
    """Write what an invoice used of credit notes."""
    return [
        CreditObject(
            lago_id=str(use.id),
            amount_cents=use.amount_cents,
            amount_currency=invoice.currency,
            before_taxes=False,
            item=CreditItemObject(
                lago_item_id=str(note.id), type="credit_note", code=note.number, name=note.invoice_number, description=note.description
            ),
            invoice=CreditInvoiceObject(lago_id=str(invoice.id), payment_status=invoice.payment_status),
        )
        for use, note in notes.list_uses(work.tx, organization_id=work.organization_id, invoice_ids=[invoice.id])
    ]


def _name_of(row: Subscription, plan: Plan) -> str:
    """Return what a subscription is called on its invoice."""
    return row.name or plan.invoice_display_name or plan.name


def read_filter(work: Work, query: Query) -> InvoiceFilter:
    """Read the filters of the list. Raises Invalid for statuses of no known set, NotFound (billing_entity)."""
    return InvoiceFilter(
        entity_ids=read_entities(work, query),
        external_customer_id=query.one("external_customer_id") or query.one("customer_external_id"),
        currency=query.one("currency"),
        invoice_type=query.one("invoice_type"),
        statuses=query.members("status", VISIBLE_STATUSES) + query.members("statuses", VISIBLE_STATUSES),
        payment_statuses=query.members("payment_status", PAYMENT_STATUSES) + query.members("payment_statuses", PAYMENT_STATUSES),
        issuing_date_from=query.day("issuing_date_from"),
        issuing_date_to=query.day("issuing_date_to"),
        amount_from=query.integer("amount_from"),
        amount_to=query.integer("amount_to"),
        search_term=query.one("search_term"),
        payment_overdue=query.flag("payment_overdue"),
        payment_dispute_lost=query.flag("payment_dispute_lost"),
        partially_paid=query.flag("partially_paid"),
        self_billed=query.flag("self_billed"),
        settlements=query.members("settlements", SETTLEMENTS),
        metadata=query.pairs("metadata"),
        purchase_order_number=query.one("purchase_order_number"),
    )


def _list(work: Work, call: Call, query: InvoiceFilter) -> Page:
    asked = read_page(call.query)
    found = store.list_invoices(work.tx, organization_id=work.organization_id, query=query, limit=asked.per_page, offset=asked.offset)
    owners = customers.find_customers(work.tx, organization_id=work.organization_id, ids=[invoice.customer_id for invoice in found])
    codes = store.find_entity_codes(work.tx, organization_id=work.organization_id, invoice_ids=[invoice.id for invoice in found])
    total = store.count_invoices(work.tx, organization_id=work.organization_id, query=query)
    reached = applied_thresholds.of_invoices(work, found)
    urls = papers.find_urls(work.tx, organization_id=work.organization_id, subject_ids=[invoice.id for invoice in found])
    items = [
        structs.replace(
            to_wire(
                invoice,
                owners[invoice.customer_id],
                entity_code=codes[invoice.id],
                urls=urls.get(invoice.id, papers.NOWHERE),
            ),
            applied_usage_thresholds=reached.get(invoice.id, UNSET),
        )
        for invoice in found
    ]
    return page_of(items, asked=asked, total=total)


@routes.get("/invoices", returns=InvoiceObject, root_out="invoices", is_list=True, parameters=LIST_PARAMETERS)
def find_all_invoices(work: Work, call: Call) -> Page:
    """List invoices, the latest issuing date first."""
    return _list(work, call, read_filter(work, call.query))


@routes.get(
    "/customers/{external_customer_id}/invoices",
    returns=InvoiceObject,
    root_out="invoices",
    is_list=True,
    parameters=LIST_PARAMETERS[1:],
)
def find_all_customer_invoices(work: Work, call: Call) -> Page:
    """List the invoices of a customer."""
    customer = get_customer(work, call.path["external_customer_id"])
    return _list(work, call, structs.replace(read_filter(work, call.query), external_customer_id=customer.external_id))


@routes.get("/invoices/{lago_id}", returns=InvoiceObject, root_out="invoice")
def find_invoice(work: Work, call: Call) -> InvoiceObject:
    """Find an invoice by its id, with its fees."""
    invoice_id = read_path_uuid(call.path["lago_id"], "invoice")
    invoice = store.find_invoice(work.tx, organization_id=work.organization_id, invoice_id=invoice_id)
    if invoice is None:
        raise errors.NotFound("invoice")
    return whole_to_wire(work, invoice)
