"""What is put on an invoice that is made again, beside the fees of the voided one: add-ons, charges, fixed charges, plans."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType, structs

from daycount import errors
from daycount.catalog import store as catalog
from daycount.catalog.add_ons import store as add_ons
from daycount.catalog.records import Plan
from daycount.engine.adjustments import Priced, Pricing, price_units
from daycount.engine.items import Item
from daycount.engine.taxes import TaxRate, applicable_taxes
from daycount.given import given
from daycount.infra.work import Work
from daycount.invoicing import store
from daycount.invoicing.adjusting.applying import pricing_of_charge, pricing_of_fixed_charge
from daycount.invoicing.adjusting.records import key_of_fee
from daycount.invoicing.lines import charge_item, plan_item
from daycount.invoicing.records import Fee, Invoice, InvoiceLine
from daycount.money import CURRENCIES, decimal_text, exact_text, precise_cents, round_half_away, to_cents
from daycount.subscriptions import store as subscriptions
from daycount.subscriptions.records import Subscription
from daycount.taxes import store as taxes

_UNIT_PLACES = 15
MOST_CENTS = 2**53 - 1
"""The largest amount of a fee or an invoice, in minor units."""


class RegeneratedFeeInput(Struct, frozen=True, kw_only=True):
    """
    A fee of the new invoice: one of the voided invoice by its id, an add-on, or one of a subscription that stands on it.

    Of a subscription it is a charge, one of its filters, a fixed charge, or else the plan's own fee. `unit_amount_cents` is in minor units.
    """

    id: str | None | UnsetType = UNSET
    add_on_id: str | None | UnsetType = UNSET
    subscription_id: str | None | UnsetType = UNSET
    charge_id: str | None | UnsetType = UNSET
    charge_filter_id: str | None | UnsetType = UNSET
    fixed_charge_id: str | None | UnsetType = UNSET
    units: Decimal | None | UnsetType = UNSET
    unit_amount_cents: Decimal | None | UnsetType = UNSET
    invoice_display_name: str | None | UnsetType = UNSET
    description: str | None | UnsetType = UNSET


class Line(NamedTuple):
    """A fee before it is on the new invoice, and how the steps of money see it."""

    fee: Fee
    item: Item


class _Kind(NamedTuple):
    """What a fee of a subscription is of, and what its units are priced by; None for a plan, whose price is `price_cents`."""

    fee_type: str
    item: Mapping[str, Any]
    pricing: Pricing | None
    taxes: Sequence[TaxRate]
    shown: tuple[datetime, datetime]
    in_advance: bool
    ids: Mapping[str, UUID | None]
    metric_id: UUID | None = None
    price_cents: int = 0


def priced_by_hand(fee: Fee, *, units: Decimal, price: Fraction) -> Fee:
    """Return a fee with other units, at a unit price in major units."""
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


def _of_model(fee: Fee, *, units: Decimal, priced: Priced) -> Fee:
    """Return a fee with units that its charge's own model priced."""
    currency = CURRENCIES[fee.currency]
    made = priced_by_hand(fee, units=units, price=priced.unit_amount)
    cents = to_cents(priced.amount, currency=currency)
    rounding = {**made.derivation["rounding"], "exact_cents": exact_text(priced.amount * currency.subunits), "cents": cents}
    adjustment = {**made.derivation["adjustment"], "unit_amount": None}
    return structs.replace(
        made,
        amount_cents=cents,
        precise_amount_cents=precise_cents(priced.amount, currency=currency),
        amount_details=priced.details,
        in_units=priced.in_units,
        derivation={**made.derivation, "adjustment": adjustment, **priced.steps, "rounding": rounding},
    )


def read_amounts(source: RegeneratedFeeInput, found: errors.FieldErrors) -> tuple[Decimal | None, Decimal | None]:
    """Return units and unit price where they are given; what is out of range is noted and counts as not given."""
    units, unit_cents = given(source.units, None), given(source.unit_amount_cents, None)
    for name, value in (("units", units), ("unit_amount_cents", unit_cents)):
        if value is not None and not 0 <= value <= MOST_CENTS:
            found.add(name, "value_is_out_of_range")
    is_wrong = bool(found.fields & {"units", "unit_amount_cents"})
    return (None, None) if is_wrong else (units, unit_cents)


def named(item: Mapping[str, Any], source: RegeneratedFeeInput) -> dict[str, Any]:
    """Return what a fee is of, under the name and description that are given."""
    name, description = given(source.invoice_display_name, None), given(source.description, None)
    changes = {"invoice_display_name": name, "description": description}
    return {**item, **{key: value for key, value in changes.items() if value}}


class Added:
    """Fees that are put on the new invoice beside those of the voided one."""

    def __init__(
        self,
        work: Work,
        voided: Invoice,
        sources: Sequence[RegeneratedFeeInput],
        inherited: Sequence[TaxRate],
        *,
        kept: Sequence[Fee],
    ) -> None:
        self._work, self._voided, self._inherited = work, voided, inherited
        ids = [_id(given(source.add_on_id, None), "add_on") for source in sources if not given(source.id, None)]
        self._known = add_ons.find_add_ons(work.tx, organization_id=work.organization_id, ids=[item for item in ids if item])
        self._taxes = taxes.find_applied(work.tx, organization_id=work.organization_id, target_ids=list(self._known))
        lines = store.list_lines(work.tx, organization_id=work.organization_id, invoice_ids=[voided.id])
        self._lines: dict[UUID, InvoiceLine] = {line.subscription_id: line for line in lines}
        rows = subscriptions.find_subscriptions(work.tx, organization_id=work.organization_id, ids=list(self._lines))
        self._rows: dict[UUID, Subscription] = {row.id: row for row in rows}
        self._plans = catalog.find_plans(work.tx, organization_id=work.organization_id, ids=[line.plan_id for line in lines])
        self._keys = {key_of_fee(fee) for fee in kept}

    def line(self, source: RegeneratedFeeInput, *, position: int, found: errors.FieldErrors) -> Line:
        """
        Return the line of something new; one unit of an add-on or a plan at its own price where nothing else is given.

        Raises NotFound for what it is said to be of.
        """
        if given(source.add_on_id, None):
            return self._sold(source, position=position, found=found)
        return self._of_subscription(source, position=position, found=found)

    def _sold(self, source: RegeneratedFeeInput, *, position: int, found: errors.FieldErrors) -> Line:
        add_on_id = _id(given(source.add_on_id, None), "add_on")
        add_on = None if add_on_id is None else self._known.get(add_on_id)
        if add_on is None:
            raise errors.NotFound("add_on")
        units, unit_cents = read_amounts(source, found)
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
        blank = self._blank("add_on", named(item, source), position=position, shown=(self._work.now, self._work.now))
        price = Fraction(add_on.amount_cents if unit_cents is None else unit_cents) / CURRENCIES[self._voided.currency].subunits
        fee = priced_by_hand(blank, units=Decimal(1) if units is None else units, price=price)
        plain = {"kind": "add_on", "units": str(fee.units), "unit_amount": str(fee.precise_unit_amount)}
        return self._line(structs.replace(fee, derivation=plain, inherits_taxes=not own), applicable_taxes(own, self._inherited))

    def _of_subscription(self, source: RegeneratedFeeInput, *, position: int, found: errors.FieldErrors) -> Line:
        line = self._line_of(source)
        plan = self._plans[line.plan_id]
        kind = self._kind_of(source, line, plan)
        blank = self._blank(kind.fee_type, named(kind.item, source), position=position, shown=kind.shown)
        blank = structs.replace(blank, subscription_id=line.subscription_id, pay_in_advance=kind.in_advance, **kind.ids)
        if key_of_fee(blank) in self._keys:
            found.add("fee", "already_exists")
        self._keys.add(key_of_fee(blank))
        of_plan = [tax.as_rate for tax in plan.taxes]
        rates = applicable_taxes(kind.taxes, of_plan, self._inherited)
        fee = _priced(blank, source, kind, found)
        fee = structs.replace(fee, inherits_taxes=not kind.taxes and not of_plan)
        return self._line(fee, rates, metric_id=kind.metric_id, plan_id=plan.parent_id or plan.id)

    def _line_of(self, source: RegeneratedFeeInput) -> InvoiceLine:
        """Return the line of the subscription meant: the only one of the invoice where none is named but a charge is."""
        subscription_id = _id(given(source.subscription_id, None), "subscription")
        if subscription_id is None:
            if not (given(source.charge_id, None) or given(source.fixed_charge_id, None)):
                raise errors.NotFound("fee")
            if len(self._lines) == 1:
                return next(iter(self._lines.values()))
        line = None if subscription_id is None else self._lines.get(subscription_id)
        if line is None:
            raise errors.NotFound("subscription")
        return line

    def _kind_of(self, source: RegeneratedFeeInput, line: InvoiceLine, plan: Plan) -> _Kind:
        charge_id, fixed_id = _id(given(source.charge_id, None), "charge"), _id(given(source.fixed_charge_id, None), "fixed_charge")
        shown = (line.shown_charges_from, line.shown_charges_to)
        if fixed_id is not None:
            fixed = next((item for item in plan.fixed_charges if item.id == fixed_id), None)
            if fixed is None:
                raise errors.NotFound("fixed_charge")
            window = (line.shown_fixed_from or shown[0], line.shown_fixed_to or shown[1])
            item = plan_item(plan, self._rows[line.subscription_id], fixed)
            own = [tax.as_rate for tax in fixed.taxes]
            ids: dict[str, UUID | None] = {"fixed_charge_id": fixed.id}
            return _Kind("fixed_charge", item, pricing_of_fixed_charge(fixed), own, window, fixed.pay_in_advance, ids)
        if charge_id is None:
            item = plan_item(plan, self._rows[line.subscription_id])
            base = (line.shown_from, line.shown_to)
            return _Kind("subscription", item, None, (), base, plan.pay_in_advance, {}, price_cents=plan.amount_cents)
        charge = next((item for item in plan.charges if item.id == charge_id), None)
        if charge is None:
            raise errors.NotFound("charge")
        filter_id = _id(given(source.charge_filter_id, None), "charge_filter")
        if filter_id is not None and filter_id not in {item.id for item in charge.filters}:
            raise errors.NotFound("charge_filter")
        pricing = pricing_of_charge(charge, filter_id)
        own = [tax.as_rate for tax in charge.taxes]
        ids = {"charge_id": charge.id, "charge_filter_id": filter_id}
        return _Kind("charge", charge_item(charge, filter_id), pricing, own, shown, False, ids, charge.metric.id)

    def _blank(self, fee_type: str, item: Mapping[str, Any], *, position: int, shown: tuple[datetime, datetime]) -> Fee:
        return Fee(
            id=self._work.new_id(),
            organization_id=self._work.organization_id,
            invoice_id=None,
            subscription_id=None,
            charge_id=None,
            charge_filter_id=None,
            grouped_by={},
            position=position,
            fee_type=fee_type,
            item=item,
            currency=self._voided.currency,
            units=Decimal(0),
            total_aggregated_units=Decimal(0),
            events_count=0,
            amount_cents=0,
            precise_amount_cents=Decimal(0),
            precise_unit_amount=Decimal(0),
            taxes_amount_cents=0,
            amount_details={},
            shown_from=shown[0],
            shown_to=shown[1],
            pay_in_advance=False,
            payment_status="pending",
            derivation={},
            created_at=self._work.now,
        )

    def _line(self, fee: Fee, rates: Sequence[TaxRate], *, metric_id: UUID | None = None, plan_id: UUID | None = None) -> Line:
        made = Item(
            fee_type=fee.fee_type,
            amount_cents=fee.amount_cents,
            precise_amount_cents=fee.precise_amount_cents,
            taxes=rates,
            inherits_taxes=fee.inherits_taxes,
            metric_id=metric_id,
            plan_id=plan_id,
        )
        return Line(fee, made)


def _priced(fee: Fee, source: RegeneratedFeeInput, kind: _Kind, found: errors.FieldErrors) -> Fee:
    """Price a new fee of a subscription; what cannot be priced is noted, and the fee returned as it was."""
    units, unit_cents = read_amounts(source, found)
    subunits = CURRENCIES[fee.currency].subunits
    if kind.pricing is None:
        price = Fraction(kind.price_cents if unit_cents is None else unit_cents) / subunits
        return priced_by_hand(fee, units=Decimal(1) if units is None else units, price=price)
    if units is None:
        if "units" not in found.fields:
            found.add("units", "value_is_mandatory")
        return fee
    if unit_cents is not None:
        return priced_by_hand(fee, units=units, price=Fraction(unit_cents) / subunits)
    if not kind.pricing.takes_units:
        found.add("charge", "invalid_charge_model")
        return fee
    return _of_model(fee, units=units, priced=price_units(kind.pricing, units, events_count=0))


def _id(text: str | None, resource: str) -> UUID | None:
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError as error:
        raise errors.NotFound(resource) from error
