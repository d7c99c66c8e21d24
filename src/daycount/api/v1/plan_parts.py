"""The charges, charge filters, fixed charges and metadata of plans on the wire."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from daycount import errors
from daycount.api.paging import Page, page_of, read_page
from daycount.api.routing import Call, Routes
from daycount.api.v1.plans import (
    ChargeFilterObject,
    ChargeObject,
    FixedChargeObject,
    charge_to_wire,
    filter_to_wire,
    fixed_charge_to_wire,
)
from daycount.catalog import parts
from daycount.catalog.fixed_charges.records import FixedChargeInput
from daycount.catalog.plan_operations import get_plan
from daycount.catalog.records import ChargeFilterInput, ChargeInput, Plan
from daycount.given import is_given
from daycount.infra.work import Work

routes = Routes("plans")

_CHARGE = "/plans/{code}/charges/{charge_code}"
_FILTER = _CHARGE + "/filters/{filter_id}"
_FIXED = "/plans/{code}/fixed_charges/{fixed_charge_code}"
_PlanMetadata = Mapping[str, str | None] | None


class MetadataInput(Struct, frozen=True, kw_only=True):
    """Metadata as a caller gives it."""

    metadata: dict[str, Any] | None | UnsetType = UNSET


def page_from(call: Call, items: Sequence[Any]) -> Page:
    """Cut the asked page out of a whole list."""
    asked = read_page(call.query)
    return page_of(items[asked.offset : asked.offset + asked.per_page], asked=asked, total=len(items))


def cascades(call: Call) -> bool:
    """Tell whether the options of a request ask for a change to be handed on to overriding plans."""
    return str(call.body.get("cascade_updates")).lower() == "true"


def _plan(work: Work, call: Call) -> Plan:
    return get_plan(work, call.path["code"])


@routes.get("/plans/{code}/charges", returns=ChargeObject, root_out="charges", is_list=True)
def find_all_plan_charges(work: Work, call: Call) -> Page:
    """List the charges of a plan."""
    return page_from(call, [charge_to_wire(charge) for charge in _plan(work, call).charges])


@routes.post("/plans/{code}/charges", accepts=ChargeInput, root_in="charge", returns=ChargeObject, root_out="charge")
def create_plan_charge(work: Work, call: Call) -> ChargeObject:
    """Add a charge to a plan."""
    return charge_to_wire(parts.add_charge(work, _plan(work, call), call.body))


@routes.get(_CHARGE, returns=ChargeObject, root_out="charge")
def find_plan_charge(work: Work, call: Call) -> ChargeObject:
    """Find a charge of a plan by its code."""
    return charge_to_wire(parts.get_charge(_plan(work, call), call.path["charge_code"]))


@routes.put(_CHARGE, accepts=ChargeInput, root_in="charge", returns=ChargeObject, root_out="charge")
def update_plan_charge(work: Work, call: Call) -> ChargeObject:
    """Replace a charge of a plan; while the plan is subscribed to, only its prices."""
    return charge_to_wire(parts.change_charge(work, _plan(work, call), call.path["charge_code"], call.body))


@routes.delete(_CHARGE, returns=ChargeObject, root_out="charge", options_in="charge")
def destroy_plan_charge(work: Work, call: Call) -> ChargeObject:
    """Take a charge off a plan."""
    return charge_to_wire(parts.remove_charge(work, _plan(work, call), call.path["charge_code"], is_cascading=cascades(call)))


@routes.get(_CHARGE + "/filters", returns=ChargeFilterObject, root_out="filters", is_list=True)
def find_all_plan_charge_filters(work: Work, call: Call) -> Page:
    """List the filters of a charge."""
    charge = parts.get_charge(_plan(work, call), call.path["charge_code"])
    return page_from(call, [filter_to_wire(charge, item) for item in charge.filters])


@routes.post(_CHARGE + "/filters", accepts=ChargeFilterInput, root_in="filter", returns=ChargeFilterObject, root_out="filter")
def create_plan_charge_filter(work: Work, call: Call) -> ChargeFilterObject:
    """Add a filter to a charge."""
    plan = _plan(work, call)
    charge = parts.get_charge(plan, call.path["charge_code"])
    return filter_to_wire(charge, parts.add_filter(work, plan, charge.code, call.body))


@routes.get(_FILTER, returns=ChargeFilterObject, root_out="filter")
def find_plan_charge_filter(work: Work, call: Call) -> ChargeFilterObject:
    """Find a filter of a charge by its id."""
    charge = parts.get_charge(_plan(work, call), call.path["charge_code"])
    return filter_to_wire(charge, parts.get_filter(charge, call.path["filter_id"]))


@routes.put(_FILTER, accepts=ChargeFilterInput, root_in="filter", returns=ChargeFilterObject, root_out="filter")
def update_plan_charge_filter(work: Work, call: Call) -> ChargeFilterObject:
    """Change a filter of a charge."""
    plan = _plan(work, call)
    charge = parts.get_charge(plan, call.path["charge_code"])
    return filter_to_wire(charge, parts.change_filter(work, plan, charge.code, call.path["filter_id"], call.body))


@routes.delete(_FILTER, returns=ChargeFilterObject, root_out="filter", options_in="filter")
def destroy_plan_charge_filter(work: Work, call: Call) -> ChargeFilterObject:
    """Take a filter off a charge."""
    plan = _plan(work, call)
    charge = parts.get_charge(plan, call.path["charge_code"])
    return filter_to_wire(charge, parts.remove_filter(work, plan, charge.code, call.path["filter_id"], is_cascading=cascades(call)))


@routes.get("/plans/{code}/fixed_charges", returns=FixedChargeObject, root_out="fixed_charges", is_list=True)
def find_all_plan_fixed_charges(work: Work, call: Call) -> Page:
    """List the fixed charges of a plan."""
    return page_from(call, [fixed_charge_to_wire(item) for item in _plan(work, call).fixed_charges])


@routes.post(
    "/plans/{code}/fixed_charges", accepts=FixedChargeInput, root_in="fixed_charge", returns=FixedChargeObject, root_out="fixed_charge"
)
def create_plan_fixed_charge(work: Work, call: Call) -> FixedChargeObject:
    """Add a fixed charge to a plan."""
    return fixed_charge_to_wire(parts.add_fixed_charge(work, _plan(work, call), call.body))


@routes.get(_FIXED, returns=FixedChargeObject, root_out="fixed_charge")
def find_plan_fixed_charge(work: Work, call: Call) -> FixedChargeObject:
    """Find a fixed charge of a plan by its code."""
    return fixed_charge_to_wire(parts.get_fixed_charge(_plan(work, call), call.path["fixed_charge_code"]))


@routes.put(_FIXED, accepts=FixedChargeInput, root_in="fixed_charge", returns=FixedChargeObject, root_out="fixed_charge")
def update_plan_fixed_charge(work: Work, call: Call) -> FixedChargeObject:
    """Change a fixed charge of a plan."""
    return fixed_charge_to_wire(parts.change_fixed_charge(work, _plan(work, call), call.path["fixed_charge_code"], call.body))


@routes.delete(_FIXED, returns=FixedChargeObject, root_out="fixed_charge", options_in="fixed_charge")
def destroy_plan_fixed_charge(work: Work, call: Call) -> FixedChargeObject:
    """Take a fixed charge off a plan."""
    gone = parts.remove_fixed_charge(work, _plan(work, call), call.path["fixed_charge_code"], is_cascading=cascades(call))
    return fixed_charge_to_wire(gone)


@routes.post("/plans/{code}/metadata", accepts=MetadataInput, returns=_PlanMetadata, root_out="metadata")
def replace_plan_metadata(work: Work, call: Call) -> _PlanMetadata:
    """Replace a plan's metadata."""
    return parts.replace_metadata(work, _plan(work, call), _given(call.body))


@routes.patch("/plans/{code}/metadata", accepts=MetadataInput, returns=_PlanMetadata, root_out="metadata")
def merge_plan_metadata(work: Work, call: Call) -> _PlanMetadata:
    """Add keys to a plan's metadata, or change them."""
    return parts.merge_metadata(work, _plan(work, call), _given(call.body) or {})


@routes.delete("/plans/{code}/metadata", returns=_PlanMetadata, root_out="metadata")
def delete_all_plan_metadata(work: Work, call: Call) -> _PlanMetadata:
    """Take all metadata off a plan."""
    return parts.replace_metadata(work, _plan(work, call), None)


@routes.delete("/plans/{code}/metadata/{key}", returns=_PlanMetadata, root_out="metadata")
def delete_plan_metadata_key(work: Work, call: Call) -> _PlanMetadata:
    """Take one key out of a plan's metadata."""
    return parts.remove_metadata_key(work, _plan(work, call), call.path["key"])


def _given(body: MetadataInput) -> Mapping[str, Any] | None:
    if not is_given(body.metadata):
        raise errors.BadRequest("param is missing or the value is empty or invalid: metadata")
    assert not isinstance(body.metadata, UnsetType)
    return body.metadata
