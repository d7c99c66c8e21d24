"""The charges, charge filters and fixed charges of a subscription on the wire: its plan's, or its own where it overrides them."""

from typing import NamedTuple

from msgspec import UNSET, structs

from daycount.api.paging import Page
from daycount.api.routing import Call, Routes
from daycount.api.v1.plan_parts import page_from
from daycount.api.v1.plans import (
    ChargeFilterObject,
    ChargeObject,
    FixedChargeObject,
    charge_to_wire,
    filter_to_wire,
    fixed_charge_to_wire,
)
from daycount.catalog import parts
from daycount.catalog import store as catalog
from daycount.catalog.fixed_charges.records import FixedChargeInput
from daycount.catalog.records import ChargeFilterInput, ChargeInput, Plan, PlanInput
from daycount.customers import store as customers
from daycount.infra.work import Work
from daycount.subscriptions import operations, overrides
from daycount.subscriptions.fixed_units.operations import shown_units
from daycount.subscriptions.records import Subscription

routes = Routes("subscriptions")

_CHARGE = "/subscriptions/{external_id}/charges/{charge_code}"
_FILTER = _CHARGE + "/filters/{filter_id}"
_FIXED = "/subscriptions/{external_id}/fixed_charges/{fixed_charge_code}"
_QUERY = ("subscription_status",)


class _Own(NamedTuple):
    row: Subscription
    plan: Plan


def _read(work: Work, call: Call) -> _Own:
    row = operations.get_subscription(work, call.path["external_id"], status=call.query.one("subscription_status"))
    plan = catalog.find_plans(work.tx, organization_id=work.organization_id, ids=[row.plan_id])[row.plan_id]
    if plan.parent_id is None and plan.fixed_charges:
        units = shown_units(work, row.id)
        shown = tuple(structs.replace(item, units=units.get(item.id, item.units)) for item in plan.fixed_charges)
        plan = structs.replace(plan, fixed_charges=shown)
    return _Own(row, plan)


def _override(work: Work, call: Call, wanted: PlanInput) -> Plan:
    row = operations.find_target(work, call.path["external_id"], status=call.query.one("subscription_status"))
    zone = customers.find_customers(work.tx, organization_id=work.organization_id, ids=[row.customer_id])[row.customer_id].zone
    _, plan = overrides.override_running(work, row, wanted, zone=zone)
    return plan


def _own_plan(work: Work, call: Call) -> Plan:
    """Return the plan of its own that a subscription has, made now if it has none; its charge must be there. Raises NotFound."""
    parts.get_charge(_read(work, call).plan, call.path["charge_code"])
    row = operations.find_target(work, call.path["external_id"], status=call.query.one("subscription_status"))
    zone = customers.find_customers(work.tx, organization_id=work.organization_id, ids=[row.customer_id])[row.customer_id].zone
    return overrides.own_plan(work, row, zone=zone)[1]


@routes.get("/subscriptions/{external_id}/charges", returns=ChargeObject, root_out="charges", is_list=True, parameters=_QUERY)
def find_all_subscription_charges(work: Work, call: Call) -> Page:
    """List the charges of a subscription."""
    return page_from(call, [charge_to_wire(charge) for charge in _read(work, call).plan.charges])


@routes.get(_CHARGE, returns=ChargeObject, root_out="charge", parameters=_QUERY)
def find_subscription_charge(work: Work, call: Call) -> ChargeObject:
    """Find a charge of a subscription by its code."""
    return charge_to_wire(parts.get_charge(_read(work, call).plan, call.path["charge_code"]))


@routes.put(_CHARGE, accepts=ChargeInput, root_in="charge", returns=ChargeObject, root_out="charge", parameters=_QUERY)
def override_subscription_charge(work: Work, call: Call) -> ChargeObject:
    """Give a subscription a price of its own for a charge."""
    charge = parts.get_charge(_read(work, call).plan, call.path["charge_code"])
    plan = _override(work, call, PlanInput(charges=[structs.replace(call.body, id=charge.id)]))
    return charge_to_wire(parts.get_charge(plan, charge.code))


@routes.get(_CHARGE + "/filters", returns=ChargeFilterObject, root_out="filters", is_list=True, parameters=_QUERY)
def find_all_subscription_charge_filters(work: Work, call: Call) -> Page:
    """List the filters of a subscription's charge."""
    charge = parts.get_charge(_read(work, call).plan, call.path["charge_code"])
    return page_from(call, [filter_to_wire(charge, item) for item in charge.filters])


@routes.post(
    _CHARGE + "/filters", accepts=ChargeFilterInput, root_in="filter", returns=ChargeFilterObject, root_out="filter", parameters=_QUERY
)
def create_subscription_charge_filter(work: Work, call: Call) -> ChargeFilterObject:
    """Add a filter to a subscription's charge."""
    plan = _own_plan(work, call)
    charge = parts.get_charge(plan, call.path["charge_code"])
    return filter_to_wire(charge, parts.add_filter(work, plan, charge.code, call.body))


@routes.get(_FILTER, returns=ChargeFilterObject, root_out="filter", parameters=_QUERY)
def find_subscription_charge_filter(work: Work, call: Call) -> ChargeFilterObject:
    """Find a filter of a subscription's charge by its id."""
    charge = parts.get_charge(_read(work, call).plan, call.path["charge_code"])
    return filter_to_wire(charge, parts.get_filter(charge, call.path["filter_id"]))


@routes.put(_FILTER, accepts=ChargeFilterInput, root_in="filter", returns=ChargeFilterObject, root_out="filter", parameters=_QUERY)
def update_subscription_charge_filter(work: Work, call: Call) -> ChargeFilterObject:
    """Change a filter of a subscription's charge."""
    plan, filter_id = _own_filter(work, call)
    charge = parts.get_charge(plan, call.path["charge_code"])
    return filter_to_wire(charge, parts.change_filter(work, plan, charge.code, filter_id, call.body))


@routes.delete(_FILTER, returns=ChargeFilterObject, root_out="filter", options_in="filter", parameters=_QUERY)
def destroy_subscription_charge_filter(work: Work, call: Call) -> ChargeFilterObject:
    """Take a filter off a subscription's charge."""
    plan, filter_id = _own_filter(work, call)
    charge = parts.get_charge(plan, call.path["charge_code"])
    return filter_to_wire(charge, parts.remove_filter(work, plan, charge.code, filter_id, is_cascading=False))


def _own_filter(work: Work, call: Call) -> tuple[Plan, str]:
    """Return the subscription's own plan and the id in it of the filter that the caller names, which may be the parent's."""
    before = parts.get_charge(_read(work, call).plan, call.path["charge_code"])
    position = before.filters.index(parts.get_filter(before, call.path["filter_id"]))
    plan = _own_plan(work, call)
    return plan, str(parts.get_charge(plan, before.code).filters[position].id)


@routes.get(
    "/subscriptions/{external_id}/fixed_charges", returns=FixedChargeObject, root_out="fixed_charges", is_list=True, parameters=_QUERY
)
def find_all_subscription_fixed_charges(work: Work, call: Call) -> Page:
    """List the fixed charges of a subscription, with its own units."""
    return page_from(call, [fixed_charge_to_wire(item) for item in _read(work, call).plan.fixed_charges])


@routes.get(_FIXED, returns=FixedChargeObject, root_out="fixed_charge", parameters=_QUERY)
def find_subscription_fixed_charge(work: Work, call: Call) -> FixedChargeObject:
    """Find a fixed charge of a subscription by its code."""
    return fixed_charge_to_wire(parts.get_fixed_charge(_read(work, call).plan, call.path["fixed_charge_code"]))


@routes.put(_FIXED, accepts=FixedChargeInput, root_in="fixed_charge", returns=FixedChargeObject, root_out="fixed_charge", parameters=_QUERY)
def override_subscription_fixed_charge(work: Work, call: Call) -> FixedChargeObject:
    """Give a subscription units of its own for a fixed charge, or a price."""
    item = parts.get_fixed_charge(_read(work, call).plan, call.path["fixed_charge_code"])
    wanted = structs.replace(call.body, id=item.id, add_on_id=UNSET, add_on_code=UNSET, code=UNSET, cascade_updates=UNSET)
    _override(work, call, PlanInput(fixed_charges=[wanted]))
    return fixed_charge_to_wire(parts.get_fixed_charge(_read(work, call).plan, item.code))
