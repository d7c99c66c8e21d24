"""
Making an invoice again from a voided one, with some of its fees as they were, changed, or new.

The new one is dated as the voided one was, has no draft, and goes through the steps of money as any invoice does.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType, structs

from daycount import errors
from daycount.catalog.add_ons import store as add_ons
from daycount.customers import store as customers
from daycount.customers.records import Customer
from daycount.engine.invoice import assemble
from daycount.engine.items import Item
from daycount.engine.taxes import TaxRate, applicable_taxes
from daycount.given import given
from daycount.infra.work import Work
from daycount.invoicing import store
from daycount.invoicing.compute import load_inherited_taxes
from daycount.invoicing.deadlines import set_deadlines
from daycount.invoicing.documents import Heading, dates_of, find_senders, invoice_of, take_numbers
from daycount.invoicing.drafts import heading_of
from daycount.invoicing.messages_life import InvoicesMade
from daycount.invoicing.money import taxed_fields
from daycount.invoicing.operations import lock_invoice
from daycount.invoicing.progressive.crediting import load_earlier_of_copies
from daycount.invoicing.progressive.records import PROGRESSIVE
from daycount.invoicing.purse import load_purse
from daycount.invoicing.records import Documents, Fee, Invoice, InvoiceLine
from daycount.invoicing.releasing import USES_NOTHING, item_of_fee
from daycount.invoicing.store import Scope
from daycount.money import CURRENCIES, decimal_text, exact_text, precise_cents, round_half_away, to_cents
from daycount.taxes import store as taxes

_UNIT_PLACES = 15
_MOST_CENTS = 2**53 - 1


class RegeneratedFeeInput(Struct, frozen=True, kw_only=True):
    """A fee of the new invoice: one of the voided invoice by its id, or an add-on; `unit_amount_cents` in minor units."""

    id: str | None | UnsetType = UNSET
    add_on_id: str | None | UnsetType = UNSET
    units: Decimal | None | UnsetType = UNSET
    unit_amount_cents: Decimal | None | UnsetType = UNSET
    invoice_display_name: str | None | UnsetType = UNSET
    description: str | None | UnsetType = UNSET


class RegenerateInput(Struct, frozen=True, kw_only=True):
    """What stands on the new invoice; without fees all of the voided one as they were."""

    fees: list[RegeneratedFeeInput] | None | UnsetType = UNSET


class _Line(NamedTuple):
    """A fee before it is on the new invoice, and how the steps of money see it."""

    fee: Fee
    item: Item


def regenerate_invoice(work: Work, invoice_id: UUID, wanted: RegenerateInput) -> Invoice:
    """
    Make an invoice from a voided one, final at once.

    Locks the customer's lane and the voided invoice. Announces InvoicesMade. Raises NotFound (invoice, fee, add_on), NotAllowed
    (not_voided, already_regenerated, and for what buys credits or goes on from another progressive invoice), Invalid.
    Source: Lago docs, void.
    """
    voided = lock_invoice(work, invoice_id)
    _check(work, voided)
    owner = customers.find_customers(work.tx, organization_id=work.organization_id, ids=[voided.customer_id], lock=True)[voided.customer_id]
    lines = _lines(work, voided, owner, wanted)
    sender = find_senders(work, [voided], {owner.id: owner})[voided.billing_entity_id]
    heading = heading_of(voided, owner, sender)
    final_heading = structs.replace(heading, has_grace=False, at=work.now)
    [number] = take_numbers(work, [final_heading])
    assert number is not None
    old_lines = _lines_of(work, voided)
    earlier = load_earlier_of_copies(work, old_lines if voided.invoice_type == "subscription" else (), [line.fee for line in lines])
    billed = [line.subscription_id for line in old_lines]
    earlier.give_back_of(work, billed)
    purse = load_purse(work, [owner.id])
    taken_off = earlier.credits_on([line.fee.subscription_id for line in lines])
    steps = structs.replace(purse.steps_for(owner.id, currency=voided.currency), progressive=taken_off)
    items = [line.item for line in lines]
    uses_nothing = voided.invoice_type in USES_NOTHING
    assembled = assemble(items, currency=voided.currency) if uses_nothing else assemble(items, currency=voided.currency, steps=steps)
    drawn = structs.replace(invoice_of(work, final_heading, assembled, number=number), invoice_type=voided.invoice_type)
    invoice = structs.replace(drawn, created_at=work.now, voided_invoice_id=voided.id, **_dates(voided, heading))
    purse.take(work, invoice, assembled)
    earlier.note_on(work, invoice, billed)
    earlier.write(work)
    [invoice] = purse.write(work, [invoice])
    fees = [
        structs.replace(line.fee, invoice_id=invoice.id, payment_status=invoice.payment_status, **taxed_fields(work, item))
        for line, item in zip(lines, assembled.items, strict=True)
    ]
    copies = [_copied(work, line, invoice) for line in old_lines]
    store.insert(work.tx, Documents(invoices=[invoice], lines=copies, fees=fees))
    set_deadlines(work, [invoice])
    work.announce(InvoicesMade(invoices=[invoice]))
    return invoice


def _check(work: Work, voided: Invoice) -> None:
    if voided.status != "voided":
        raise errors.NotAllowed("not_voided")
    is_later_step = voided.invoice_type == PROGRESSIVE and voided.progressive_billing_credit_amount_cents
    if voided.invoice_type in ("credit", "advance_charges") or is_later_step:
        raise errors.NotAllowed("not_regeneratable")
    if store.has_regenerated(work.tx, organization_id=work.organization_id, voided_invoice_id=voided.id):
        raise errors.NotAllowed("already_regenerated")


def _dates(voided: Invoice, heading: Heading) -> dict[str, Any]:
    """Return the dates of the new invoice: those that the voided one would have by the settings of now, without a draft."""
    is_subscription = voided.invoice_type == "subscription"
    dates = dates_of(structs.replace(heading, has_grace=is_subscription))
    due = dates.issuing_date + timedelta(days=heading.customer.applicable_payment_term)
    return {"issuing_date": dates.issuing_date, "payment_due_date": due, "expected_finalization_date": None}


def _lines_of(work: Work, voided: Invoice) -> list[InvoiceLine]:
    return store.list_lines(work.tx, organization_id=work.organization_id, invoice_ids=[voided.id])


def _copied(work: Work, line: InvoiceLine, invoice: Invoice) -> InvoiceLine:
    """Return a line of the new invoice: shown as before, while the windows stay billed by the voided one."""
    return structs.replace(line, id=work.new_id(), invoice_id=invoice.id, base_from=None, charges_from=None, snapshot=None, is_copy=True)


def _lines(work: Work, voided: Invoice, owner: Customer, wanted: RegenerateInput) -> list[_Line]:
    stored = store.list_fees(work.tx, organization_id=work.organization_id, invoice_ids=[voided.id])
    by_id = {str(fee.id): fee for fee in stored}
    scopes = store.find_scopes(work.tx, invoice_ids=[voided.id])
    inherited = load_inherited_taxes(work, [owner])[owner.id]
    sources = given(wanted.fees, None)
    if sources is None:
        sources = [RegeneratedFeeInput(id=str(fee.id)) for fee in stored]
    if not sources:
        raise errors.NotFound("fees")
    sold = _Sold(work, voided, sources, inherited)
    found = errors.FieldErrors()
    lines: list[_Line] = []
    for source in sources:
        fee_id = given(source.id, None)
        if not fee_id:
            lines.append(sold.line(source, position=len(lines), found=found))
            continue
        fee = by_id.get(fee_id.lower())
        if fee is None:
            raise errors.NotFound("fee")
        lines.append(_kept(work, fee, source, scope=scopes[fee.id], inherited=inherited, position=len(lines), found=found))
    found.raise_if_any()
    if sum(line.fee.amount_cents for line in lines) > _MOST_CENTS:
        raise errors.Invalid({"total_amount_cents": ["value_is_out_of_range"]})
    return lines


def _kept(
    work: Work,
    fee: Fee,
    source: RegeneratedFeeInput,
    *,
    scope: Scope,
    inherited: Sequence[TaxRate],
    position: int,
    found: errors.FieldErrors,
) -> _Line:
    """Copy a fee; other units are billed at its own unit price where none is given."""
    units, unit_cents = _read_amounts(source, found)
    copied = structs.replace(
        fee,
        id=work.new_id(),
        position=position,
        item=_named(fee.item, source),
        original_fee_id=fee.original_fee_id or fee.id,
        true_up_fee_id=None,
        true_up_parent_fee_id=None,
        event_key=None,
        succeeded_at=None,
        failed_at=None,
        refunded_at=None,
        created_at=work.now,
    )
    if units is not None or unit_cents is not None:
        currency = CURRENCIES[fee.currency]
        price = Fraction(fee.precise_unit_amount) if unit_cents is None else Fraction(unit_cents) / currency.subunits
        copied = _priced(copied, units=fee.units if units is None else units, price=price)
    return _Line(copied, item_of_fee(copied, scope, inherited))


def _priced(fee: Fee, *, units: Decimal, price: Fraction) -> Fee:
    currency = CURRENCIES[fee.currency]
    amount = price * Fraction(units)
    cents = to_cents(amount, currency=currency)
    derivation = {
        "kind": "adjusted",
        "period": fee.derivation.get("period"),
        "adjustment": {
            "units": decimal_text(units),
            "unit_amount": decimal_text(round_half_away(price, places=_UNIT_PLACES)),
            "computed_units": decimal_text(fee.units),
            "computed_cents": fee.amount_cents,
        },
        "rounding": {
            "currency": currency.code,
            "exact_cents": exact_text(amount * currency.subunits),
            "cents": cents,
            "rule": "half away from zero, once",
        },
    }
    return structs.replace(
        fee,
        units=units,
        total_aggregated_units=units,
        amount_cents=cents,
        precise_amount_cents=precise_cents(amount, currency=currency),
        precise_unit_amount=round_half_away(price, places=_UNIT_PLACES),
        amount_details={},
        in_units=None,
        breakdowns=(),
        derivation={**derivation, "plan_version": fee.derivation.get("plan_version")},
    )


def _read_amounts(source: RegeneratedFeeInput, found: errors.FieldErrors) -> tuple[Decimal | None, Decimal | None]:
    units, unit_cents = given(source.units, None), given(source.unit_amount_cents, None)
    for name, value in (("units", units), ("unit_amount_cents", unit_cents)):
        if value is not None and not 0 <= value <= _MOST_CENTS:
            found.add(name, "value_is_out_of_range")
    is_wrong = bool(found.fields & {"units", "unit_amount_cents"})
    return (None, None) if is_wrong else (units, unit_cents)


def _named(item: Mapping[str, Any], source: RegeneratedFeeInput) -> dict[str, Any]:
    name, description = given(source.invoice_display_name, None), given(source.description, None)
    changes = {"invoice_display_name": name, "description": description}
    return {**item, **{key: value for key, value in changes.items() if value}}


class _Sold:
    """Add-ons that are put on the new invoice beside the fees of the voided one."""

    def __init__(self, work: Work, voided: Invoice, sources: Sequence[RegeneratedFeeInput], inherited: Sequence[TaxRate]) -> None:
        self._work, self._voided, self._inherited = work, voided, inherited
        ids = [_uuid(given(source.add_on_id, None)) for source in sources if not given(source.id, None)]
        self._known = add_ons.find_add_ons(work.tx, organization_id=work.organization_id, ids=ids) if ids else {}
        self._taxes = taxes.find_applied(work.tx, organization_id=work.organization_id, target_ids=list(self._known))

    def line(self, source: RegeneratedFeeInput, *, position: int, found: errors.FieldErrors) -> _Line:
        """Return the line of an add-on, one unit at its own price where nothing else is given. Raises NotFound."""
        add_on = self._known.get(_uuid(given(source.add_on_id, None)))
        if add_on is None:
            raise errors.NotFound("add_on")
        units, unit_cents = _read_amounts(source, found)
        own = [tax.as_rate for tax in self._taxes[add_on.id]]
        item = {
            "type": "add_on",
            "code": add_on.code,
            "name": add_on.name,
            "description": add_on.description,
            "invoice_display_name": add_on.shown_name,
            "lago_item_id": str(add_on.id),
            "item_type": "AddOn",
            "filters": None,
            "filter_invoice_display_name": None,
        }
        blank = Fee(
            id=self._work.new_id(),
            organization_id=self._work.organization_id,
            invoice_id=None,
            subscription_id=None,
            charge_id=None,
            charge_filter_id=None,
            grouped_by={},
            position=position,
            fee_type="add_on",
            item=_named(item, source),
            currency=self._voided.currency,
            units=Decimal(1),
            total_aggregated_units=Decimal(1),
            events_count=0,
            amount_cents=0,
            precise_amount_cents=Decimal(0),
            precise_unit_amount=Decimal(0),
            taxes_amount_cents=0,
            amount_details={},
            shown_from=self._work.now,
            shown_to=self._work.now,
            pay_in_advance=False,
            payment_status="pending",
            derivation={},
            created_at=self._work.now,
            inherits_taxes=not own,
        )
        price = Fraction(add_on.amount_cents if unit_cents is None else unit_cents) / CURRENCIES[self._voided.currency].subunits
        fee = _priced(blank, units=Decimal(1) if units is None else units, price=price)
        rates = applicable_taxes(own, self._inherited)
        made = Item(
            fee_type="add_on",
            amount_cents=fee.amount_cents,
            precise_amount_cents=fee.precise_amount_cents,
            taxes=rates,
            inherits_taxes=not own,
        )
        return _Line(structs.replace(fee, derivation=_plain(fee)), made)


def _plain(fee: Fee) -> dict[str, Any]:
    """Return how an add-on's fee came about, as one-off invoices write it."""
    return {"kind": "add_on", "units": str(fee.units), "unit_amount": str(fee.precise_unit_amount)}


def _uuid(text: str | None) -> UUID:
    try:
        return UUID(text or "")
    except ValueError as error:
        raise errors.NotFound("add_on" if text else "fee") from error
