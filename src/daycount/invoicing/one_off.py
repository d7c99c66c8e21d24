"""One-off invoices: add-ons sold to a customer, outside of any subscription."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from daycount import errors
from daycount.catalog.add_ons import store as add_ons
from daycount.catalog.add_ons.records import AddOn
from daycount.customers import store as customers
from daycount.customers.operations import find_entity, lock_customer
from daycount.customers.payment_methods.operations import read_reference
from daycount.customers.payment_methods.records import Reference
from daycount.customers.records import Customer
from daycount.customers.vat.store import find_waiting
from daycount.engine.taxes import applicable_taxes
from daycount.given import given, given_or_default
from daycount.infra.work import Work
from daycount.invoicing.compute import load_inherited_taxes
from daycount.invoicing.documents import Heading
from daycount.invoicing.messages_life import PaymentChosen
from daycount.invoicing.plain import PlainLine, make_plain_invoice
from daycount.invoicing.records import Invoice
from daycount.money import CURRENCIES
from daycount.organizations.sections.records import ChoiceInput
from daycount.periods import parse_instant
from daycount.taxes import store as taxes

_MOST_CENTS = 2**53 - 1
_MAX_PURCHASE_ORDER = 255


class OneOffFeeInput(Struct, frozen=True, kw_only=True):
    """One line as a caller gives it."""

    add_on_code: str | None | UnsetType = UNSET
    unit_amount_cents: int | None | UnsetType = UNSET
    units: Decimal | None | UnsetType = UNSET
    description: str | None | UnsetType = UNSET
    invoice_display_name: str | None | UnsetType = UNSET
    tax_codes: list[str] | None | UnsetType = UNSET
    from_datetime: str | None | UnsetType = UNSET
    to_datetime: str | None | UnsetType = UNSET


class OneOffPaymentInput(Struct, frozen=True, kw_only=True):
    """How the invoice is paid."""

    payment_method_type: str | None | UnsetType = UNSET
    payment_method_id: str | None | UnsetType = UNSET


class OneOffInput(Struct, frozen=True, kw_only=True):
    """A one-off invoice as a caller gives it."""

    external_customer_id: str | None | UnsetType = UNSET
    currency: str | None | UnsetType = UNSET
    fees: list[OneOffFeeInput] | None | UnsetType = UNSET
    billing_entity_code: str | None | UnsetType = UNSET
    purchase_order_number: str | None | UnsetType = UNSET
    payment_method: OneOffPaymentInput | None | UnsetType = UNSET
    skip_psp: bool | None | UnsetType = UNSET
    invoice_custom_section: ChoiceInput | None | UnsetType = UNSET


def create_one_off(work: Work, wanted: OneOffInput) -> Invoice:
    """
    Make a one-off invoice, final at once. Announces InvoicesMade.

    Raises NotFound (customer, fees, add_on, billing_entity), Invalid. Source: Lago API, one-off invoices.
    """
    external_id = given(wanted.external_customer_id, None)
    customer = lock_customer(work, external_id) if external_id else None
    if customer is None:
        raise errors.NotFound("customer")
    sources = given(wanted.fees, None) or []
    if not sources:
        raise errors.NotFound("fees")
    codes = [given(source.add_on_code, None) or "" for source in sources]
    known = add_ons.find_add_ons_by_code(work.tx, organization_id=work.organization_id, codes=codes)
    if set(codes) - known.keys():
        raise errors.NotFound("add_on")
    reference = _read_payment(work, customer, given(wanted.payment_method, None))
    entity = find_entity(work, given(wanted.billing_entity_code, None))
    purchase_order = (given(wanted.purchase_order_number, None) or "").strip() or None
    if purchase_order and len(purchase_order) > _MAX_PURCHASE_ORDER:
        raise errors.Invalid({"purchase_order_number": ["value_is_too_long"]})
    currency = _currency(work, customer, given(wanted.currency, None))
    lines = _lines(work, customer, sources, [known[code] for code in codes], currency)
    heading = Heading(
        customer=customer,
        sender=entity,
        currency=currency,
        at=work.now,
        invoice_type="one_off",
        purchase_order_number=purchase_order,
        is_held=customer.id in find_waiting(work.tx, customer_ids=[customer.id]),
        section_choice=given(wanted.invoice_custom_section, None),
    )
    invoice = make_plain_invoice(work, heading, lines)
    is_skipped = given_or_default(wanted.skip_psp, False)
    if reference is not None or is_skipped:
        kind, method_id = reference or (None, None)
        work.announce(PaymentChosen(invoice=invoice, kind=kind, method_id=method_id, is_skipped=is_skipped))
    return invoice


def _read_payment(work: Work, customer: Customer, method: OneOffPaymentInput | None) -> Reference | None:
    """Read how the invoice is paid; None where that is not said. Raises Invalid."""
    if method is None:
        return None
    found = errors.FieldErrors()
    kind, method_id = given(method.payment_method_type, None), given(method.payment_method_id, None)
    reference = read_reference(work, kind=kind, method_id=method_id, owner=customer.id, found=found)
    found.raise_if_any()
    return reference


def _currency(work: Work, customer: Customer, wanted: str | None) -> str:
    currency = wanted or customer.currency
    if not currency:
        raise errors.Invalid({"currency": ["value_is_mandatory"]})
    if currency not in CURRENCIES:
        raise errors.Invalid({"currency": ["value_is_invalid"]})
    if customer.currency is None:
        customers.set_currency(work.tx, customer_id=customer.id, currency=currency)
    return currency


def _lines(work: Work, customer: Customer, sources: Sequence[OneOffFeeInput], sold: Sequence[AddOn], currency: str) -> list[PlainLine]:
    codes = {code for source in sources for code in given(source.tax_codes, None) or []}
    named = taxes.find_taxes(work.tx, organization_id=work.organization_id, codes=codes)
    own = taxes.find_applied(work.tx, organization_id=work.organization_id, target_ids=[add_on.id for add_on in sold])
    inherited = load_inherited_taxes(work, [customer])[customer.id]
    lines = []
    for source, add_on in zip(sources, sold, strict=True):
        cents, units = _amounts(source, add_on)
        start, end = _boundaries(source, work.now)
        given_taxes = [named[code].as_rate for code in given(source.tax_codes, None) or [] if code in named]
        shown = given(source.invoice_display_name, None) or add_on.invoice_display_name or add_on.name
        lines.append(
            PlainLine(
                fee_type="add_on",
                item={
                    "type": "add_on",
                    "code": add_on.code,
                    "name": add_on.name,
                    "description": given(source.description, None) or add_on.description,
                    "invoice_display_name": shown,
                    "lago_item_id": str(add_on.id),
                    "item_type": "AddOn",
                    "filters": None,
                    "filter_invoice_display_name": None,
                },
                units=units,
                unit_amount=Fraction(cents, CURRENCIES[currency].subunits),
                taxes=applicable_taxes(given_taxes, [tax.as_rate for tax in own[add_on.id]], inherited),
                inherits_taxes=not given_taxes and not own[add_on.id],
                start=start,
                end=end,
            )
        )
    total = sum(line.unit_amount * Fraction(line.units) for line in lines) * CURRENCIES[currency].subunits
    if not 0 <= total <= _MOST_CENTS:
        raise errors.Invalid({"total_amount_cents": ["value_is_out_of_range"]})
    return lines


def _amounts(source: OneOffFeeInput, add_on: AddOn) -> tuple[int, Decimal]:
    cents = given_or_default(source.unit_amount_cents, add_on.amount_cents)
    units = given_or_default(source.units, Decimal(1))
    if units < 0:
        raise errors.Invalid({"units": ["value_is_out_of_range"]})
    return cents, units


def _boundaries(source: OneOffFeeInput, now: datetime) -> tuple[datetime, datetime]:
    texts: list[Any] = [given(source.from_datetime, None), given(source.to_datetime, None)]
    if texts == [None, None]:
        return now, now
    try:
        start, end = (parse_instant(text or "") for text in texts)
    except ValueError as error:
        raise errors.Invalid({"boundaries": ["values_are_invalid"]}) from error
    if start > end:
        raise errors.Invalid({"boundaries": ["values_are_invalid"]})
    return start, end
