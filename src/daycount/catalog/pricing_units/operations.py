"""Use cases that write pricing units, and reading the one that a charge names."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from msgspec import structs

from daycount import errors
from daycount.catalog.fields import read_code, read_text
from daycount.catalog.pricing_units import store
from daycount.catalog.pricing_units.records import AppliedUnitInput, PricingUnitInput, PricingUnitRecord
from daycount.engine.metrics import read_number
from daycount.engine.pricing_units import PricingUnit
from daycount.given import given, is_given
from daycount.infra.work import Work
from daycount.money import round_half_away

_MAX_SHORT_NAME = 3
_MAX_DESCRIPTION = 600
_MAX_RATE = Decimal(10) ** 25
_RATE_PLACES = 15


def create_unit(work: Work, wanted: PricingUnitInput) -> PricingUnitRecord:
    """Add a pricing unit. Raises Invalid. Source: Lago docs, pricing units."""
    found = errors.FieldErrors()
    unit = PricingUnitRecord(
        id=work.new_id(),
        organization_id=work.organization_id,
        code=read_code(given(wanted.code, None), found),
        name=read_text(given(wanted.name, None), "name", found),
        short_name=_read_short_name(given(wanted.short_name, None), found),
        description=_read_description(given(wanted.description, None), found),
        created_at=work.now,
        updated_at=work.now,
    )
    found.raise_if_any()
    store.insert_unit(work.tx, unit)
    return unit


def update_unit(work: Work, code: str, changes: PricingUnitInput) -> PricingUnitRecord:
    """Change the names of a pricing unit; fees that were made keep what they showed. Raises NotFound (pricing_unit), Invalid."""
    unit = get_unit(work, code)
    found = errors.FieldErrors()
    readers: dict[str, Any] = {
        "name": lambda value: read_text(value, "name", found),
        "short_name": lambda value: _read_short_name(value, found),
        "description": lambda value: _read_description(value, found),
    }
    fields = {name: read(getattr(changes, name)) for name, read in readers.items() if is_given(getattr(changes, name))}
    found.raise_if_any()
    changed = structs.replace(unit, **fields, updated_at=work.now)
    store.update_unit(work.tx, changed)
    return changed


def get_unit(work: Work, code: str) -> PricingUnitRecord:
    """Return the pricing unit of that code. Raises NotFound (pricing_unit)."""
    unit = store.find_units(work, codes=[code]).get(code)
    if unit is None:
        raise errors.NotFound("pricing_unit")
    return unit


def _read_short_name(value: str | None, found: errors.FieldErrors) -> str:
    name = read_text(value, "short_name", found)
    if len(name) > _MAX_SHORT_NAME:
        found.add("short_name", "value_is_too_long")
    return name


def _read_description(value: str | None, found: errors.FieldErrors) -> str | None:
    if value is not None and len(value) > _MAX_DESCRIPTION:
        found.add("description", "value_is_too_long")
    return value


def units_named(work: Work, wanted: Iterable[AppliedUnitInput | None]) -> dict[str, PricingUnitRecord]:
    """Load the units that charges name; one query, none where no charge names any."""
    codes = {item["code"] for item in wanted if item and isinstance(item.get("code"), str)}
    return store.find_units(work, codes=codes) if codes else {}


def read_applied_unit(
    wanted: AppliedUnitInput | None, units: Mapping[str, PricingUnitRecord], found: errors.FieldErrors
) -> PricingUnit | None:
    """Read the unit of a new charge; None where none is given."""
    if not wanted:
        return None
    code = wanted.get("code")
    unit = units.get(code) if isinstance(code, str) else None
    if unit is None:
        found.add("pricing_unit", "relation_must_exist")
        return None
    rate = _read_rate(wanted, found)
    return PricingUnit(id=unit.id, code=unit.code, short_name=unit.short_name, conversion_rate=rate)


def repriced_unit(wanted: AppliedUnitInput | None, stored: PricingUnit | None, found: errors.FieldErrors) -> PricingUnit | None:
    """Change the rate of a charge's unit, which itself stays. Source: Lago API: it can neither be added nor swapped."""
    if stored is None or not wanted or "conversion_rate" not in wanted:
        return stored
    return structs.replace(stored, conversion_rate=_read_rate(wanted, found))


def _read_rate(wanted: AppliedUnitInput, found: errors.FieldErrors) -> Decimal:
    """Read what one unit costs in major units: a decimal above 0, as a text or a number, kept to 15 decimals."""
    given_rate = wanted.get("conversion_rate")
    if given_rate is None or given_rate == "":
        found.add("conversion_rate", "value_is_mandatory")
        return Decimal(1)
    number = _read_decimal(given_rate)
    if number is None:
        found.add("conversion_rate", "value_is_invalid")
        return Decimal(1)
    rate = round_half_away(number, places=_RATE_PLACES) if abs(number) < _MAX_RATE else number
    if not 0 < rate < _MAX_RATE:
        found.add("conversion_rate", "value_is_out_of_range")
        return Decimal(1)
    return rate


def _read_decimal(value: object) -> Decimal | None:
    match value:
        case bool():
            return None
        case int() | Decimal():
            return Decimal(value)
        case str():
            return read_number(value.strip())
        case _:
            return None
