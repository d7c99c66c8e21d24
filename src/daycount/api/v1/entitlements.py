"""Features, and the entitlements of plans and subscriptions, on the wire."""

from collections.abc import Sequence
from uuid import UUID

from daycount import errors
from daycount.api.paging import Page, page_of, read_page
from daycount.api.routing import Call, Routes
from daycount.api.v1.entitlements_wire import (
    EntitlementObject,
    FeatureObject,
    SubscriptionEntitlementObject,
    effective_to_wire,
    feature_to_wire,
    to_wire,
)
from daycount.catalog import plan_operations
from daycount.catalog import store as catalog
from daycount.entitlements import features, operations, store
from daycount.entitlements.records import EffectiveEntitlement, EntitlementsInput, FeatureInput
from daycount.given import given
from daycount.infra.work import Work
from daycount.subscriptions.operations import get_subscription
from daycount.subscriptions.records import Subscription

routes = Routes("features")
_PLAN = "/plans/{code}/entitlements"
_SUBSCRIPTION = "/subscriptions/{external_id}/entitlements"
_STATUS = ("subscription_status", "status")


@routes.post("/features", accepts=FeatureInput, root_in="feature", returns=FeatureObject, root_out="feature")
def create_feature(work: Work, call: Call) -> FeatureObject:
    """Create a feature with its privileges."""
    return feature_to_wire(features.create_feature(work, call.body))


@routes.get("/features", returns=FeatureObject, root_out="features", is_list=True, parameters=("search_term",))
def find_all_features(work: Work, call: Call) -> Page:
    """List features, newest first."""
    asked, term = read_page(call.query), call.query.one("search_term")
    found = store.list_features(work.tx, organization_id=work.organization_id, search_term=term, limit=asked.per_page, offset=asked.offset)
    total = store.count_features(work.tx, organization_id=work.organization_id, search_term=term)
    return page_of([feature_to_wire(feature) for feature in found], asked=asked, total=total)


@routes.get("/features/{code}", returns=FeatureObject, root_out="feature")
def find_feature(work: Work, call: Call) -> FeatureObject:
    """Find a feature by its code."""
    return feature_to_wire(features.get_feature(work, call.path["code"]))


@routes.put("/features/{code}", accepts=FeatureInput, root_in="feature", returns=FeatureObject, root_out="feature")
def update_feature(work: Work, call: Call) -> FeatureObject:
    """Change a feature; privileges that are named are changed or added, none is removed."""
    return feature_to_wire(features.update_feature(work, call.path["code"], call.body))


@routes.delete("/features/{code}", returns=FeatureObject, root_out="feature")
def destroy_feature(work: Work, call: Call) -> FeatureObject:
    """Delete a feature, from all plans and subscriptions too."""
    return feature_to_wire(features.delete_feature(work, call.path["code"]))


@routes.delete("/features/{code}/privileges/{privilege_code}", returns=FeatureObject, root_out="feature")
def delete_feature_privilege(work: Work, call: Call) -> FeatureObject:
    """Delete a privilege of a feature, with its values everywhere."""
    return feature_to_wire(features.delete_privilege(work, call.path["code"], call.path["privilege_code"]))


@routes.get(_PLAN, returns=EntitlementObject, root_out="entitlements", is_list=True, has_meta=False)
def find_all_entitlements(work: Work, call: Call) -> list[EntitlementObject]:
    """List what a plan entitles to."""
    return [to_wire(one) for one in operations.of_plan(work, _plan_id(work, call))]


@routes.post(_PLAN, accepts=EntitlementsInput, returns=EntitlementObject, root_out="entitlements", is_list=True, has_meta=False)
def create_entitlement(work: Work, call: Call) -> list[EntitlementObject]:
    """Make a plan entitle to these features, and to no others."""
    return [to_wire(one) for one in operations.replace_of_plan(work, _plan_id(work, call), _named(call))]


@routes.patch(_PLAN, accepts=EntitlementsInput, returns=EntitlementObject, root_out="entitlements", is_list=True, has_meta=False)
def update_entitlement(work: Work, call: Call) -> list[EntitlementObject]:
    """Add features and values to what a plan entitles to."""
    return [to_wire(one) for one in operations.merge_of_plan(work, _plan_id(work, call), _named(call))]


@routes.get(_PLAN + "/{feature_code}", returns=EntitlementObject, root_out="entitlement")
def find_entitlement(work: Work, call: Call) -> EntitlementObject:
    """Find what a plan entitles to of a feature."""
    return to_wire(operations.get_of_plan(work, _plan_id(work, call), call.path["feature_code"]))


@routes.delete(_PLAN + "/{feature_code}", returns=EntitlementObject, root_out="entitlement")
def destroy_entitlement(work: Work, call: Call) -> EntitlementObject:
    """Take a feature from a plan."""
    return to_wire(operations.take_from_plan(work, _plan_id(work, call), call.path["feature_code"]))


@routes.delete(_PLAN + "/{feature_code}/privileges/{privilege_code}", returns=EntitlementObject, root_out="entitlement")
def remove_entitlement_privilege(work: Work, call: Call) -> EntitlementObject:
    """Take the value of a privilege from a plan."""
    return to_wire(operations.take_value_from_plan(work, _plan_id(work, call), call.path["feature_code"], call.path["privilege_code"]))


@routes.get(_SUBSCRIPTION, returns=SubscriptionEntitlementObject, root_out="entitlements", is_list=True, has_meta=False, parameters=_STATUS)
def find_all_subscription_entitlements(work: Work, call: Call) -> list[SubscriptionEntitlementObject]:
    """List what a subscription entitles to, by its plan and by itself."""
    row = _subscription(work, call)
    return _written(operations.of_subscription(work, row.id, root_plan_id(work, row)))


@routes.patch(
    _SUBSCRIPTION,
    accepts=EntitlementsInput,
    returns=SubscriptionEntitlementObject,
    root_out="entitlements",
    is_list=True,
    has_meta=False,
    parameters=_STATUS,
)
def update_subscription_entitlements(work: Work, call: Call) -> list[SubscriptionEntitlementObject]:
    """Let a subscription entitle to more, or to other values, than its plan."""
    row = _subscription(work, call)
    return _written(operations.merge_of_subscription(work, row.id, root_plan_id(work, row), _named(call)))


@routes.delete(
    _SUBSCRIPTION + "/{feature_code}",
    returns=SubscriptionEntitlementObject,
    root_out="entitlements",
    is_list=True,
    has_meta=False,
    parameters=_STATUS,
)
def destroy_subscription_entitlement(work: Work, call: Call) -> list[SubscriptionEntitlementObject]:
    """Take a feature from a subscription, also one that its plan has."""
    row = _subscription(work, call)
    return _written(operations.take_from_subscription(work, row.id, root_plan_id(work, row), call.path["feature_code"]))


@routes.delete(
    _SUBSCRIPTION + "/{feature_code}/privileges/{privilege_code}",
    returns=SubscriptionEntitlementObject,
    root_out="entitlements",
    is_list=True,
    has_meta=False,
    parameters=_STATUS,
)
def destroy_subscription_entitlement_privilege(work: Work, call: Call) -> list[SubscriptionEntitlementObject]:
    """Take the value of a privilege from a subscription, also one that its plan has."""
    row, path = _subscription(work, call), call.path
    codes = (path["feature_code"], path["privilege_code"])
    return _written(operations.take_value_from_subscription(work, row.id, root_plan_id(work, row), *codes))


def root_plan_id(work: Work, row: Subscription) -> UUID:
    """Return the plan whose entitlements a subscription has: where it has a plan of its own, the one that was made of."""
    plan = catalog.find_plans(work.tx, organization_id=work.organization_id, ids=[row.plan_id])[row.plan_id]
    return plan.parent_id or plan.id


def _plan_id(work: Work, call: Call) -> UUID:
    return plan_operations.get_plan(work, call.path["code"]).id


def _subscription(work: Work, call: Call) -> Subscription:
    status = call.query.one("subscription_status") or call.query.one("status")
    return get_subscription(work, call.path["external_id"], status=status)


def _named(call: Call) -> EntitlementsInput:
    body: EntitlementsInput = call.body
    if given(body.entitlements, None) is None:
        raise errors.BadRequest("param is missing or the value is empty or invalid: entitlements")
    return body


def _written(found: Sequence[EffectiveEntitlement]) -> list[SubscriptionEntitlementObject]:
    return [effective_to_wire(one) for one in found]
