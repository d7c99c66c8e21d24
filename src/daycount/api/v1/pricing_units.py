"""Pricing units on the wire."""

from msgspec import Struct

from daycount.api.paging import Page, page_of, read_page
from daycount.api.routing import Call, Routes
from daycount.api.wire import DecimalText, Stamp, stamp, text
from daycount.catalog.pricing_units import operations, store
from daycount.catalog.pricing_units.records import PricingUnitInput, PricingUnitRecord
from daycount.engine.pricing_units import PricingUnit
from daycount.infra.work import Work

routes = Routes("pricing_units")


class PricingUnitObject(Struct, frozen=True, kw_only=True):
    """A unit that prices may be in instead of money; it always has two decimals."""

    lago_id: str
    name: str
    code: str
    short_name: str
    description: str | None
    created_at: Stamp
    updated_at: Stamp


class UsageUnitObject(Struct, frozen=True, kw_only=True):
    """What usage comes to in the pricing unit of its charge, in hundredths."""

    amount_cents: int
    short_name: str
    conversion_rate: DecimalText


def usage_to_wire(unit: PricingUnit | None, amount_cents: int) -> UsageUnitObject | None:
    """Write what usage comes to in the unit of its charge; null where that is money."""
    if unit is None:
        return None
    return UsageUnitObject(amount_cents=amount_cents, short_name=unit.short_name, conversion_rate=text(unit.conversion_rate))


def _to_wire(unit: PricingUnitRecord) -> PricingUnitObject:
    return PricingUnitObject(
        lago_id=str(unit.id),
        name=unit.name,
        code=unit.code,
        short_name=unit.short_name,
        description=unit.description,
        created_at=stamp(unit.created_at),
        updated_at=stamp(unit.updated_at),
    )


@routes.post(
    "/pricing_units",
    accepts=PricingUnitInput,
    root_in="pricing_unit",
    returns=PricingUnitObject,
    root_out="pricing_unit",
    is_extension=True,
)
def create_pricing_unit(work: Work, call: Call) -> PricingUnitObject:
    """Create a pricing unit."""
    return _to_wire(operations.create_unit(work, call.body))


@routes.get("/pricing_units", returns=PricingUnitObject, root_out="pricing_units", is_list=True, is_extension=True)
def find_all_pricing_units(work: Work, call: Call) -> Page:
    """List pricing units, newest first."""
    asked = read_page(call.query)
    found = store.list_units(work, limit=asked.per_page, offset=asked.offset)
    return page_of([_to_wire(unit) for unit in found], asked=asked, total=store.count_units(work))


@routes.get("/pricing_units/{code}", returns=PricingUnitObject, root_out="pricing_unit", is_extension=True)
def find_pricing_unit(work: Work, call: Call) -> PricingUnitObject:
    """Find a pricing unit by its code."""
    return _to_wire(operations.get_unit(work, call.path["code"]))


@routes.put(
    "/pricing_units/{code}",
    accepts=PricingUnitInput,
    root_in="pricing_unit",
    returns=PricingUnitObject,
    root_out="pricing_unit",
    is_extension=True,
)
def update_pricing_unit(work: Work, call: Call) -> PricingUnitObject:
    """Change the names of a pricing unit."""
    return _to_wire(operations.update_unit(work, call.path["code"], call.body))
