"""Use cases that write what plans and subscriptions entitle to."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from daycount import errors
from daycount.entitlements import store
from daycount.entitlements.messages import PlanEntitled, SubscriptionEntitled
from daycount.entitlements.records import (
    EffectiveEntitlement,
    EffectivePrivilege,
    Entitlement,
    EntitlementsInput,
    Feature,
    Privilege,
    ValueType,
)
from daycount.given import given_or_default
from daycount.infra.work import Work

Wanted = dict[UUID, dict[UUID, str]]
"""Values by feature and privilege, as they are kept."""


def replace_of_plan(work: Work, plan_id: UUID, wanted: EntitlementsInput) -> list[Entitlement]:
    """
    Make a plan entitle to these features alone; where none of a feature's values are named, those it has stay.

    Raises NotFound (feature, privilege), Invalid. Source: Lago API, entitlements of plans.
    """
    _, values = _read(work, wanted)
    held = of_plan(work, plan_id)
    store.take(work.tx, owner_id=plan_id, feature_ids=[one.feature.id for one in held if one.feature.id not in values])
    unnamed = [
        privilege_id
        for one in held
        if values.get(one.feature.id)
        for privilege_id in one.values
        if privilege_id not in values[one.feature.id]
    ]
    store.take_values(work.tx, owner_id=plan_id, privilege_ids=unnamed)
    return _entitle_plan(work, plan_id, values)


def merge_of_plan(work: Work, plan_id: UUID, wanted: EntitlementsInput) -> list[Entitlement]:
    """Add features and values to what a plan entitles to. Raises NotFound (feature, privilege), Invalid."""
    _, values = _read(work, wanted)
    return _entitle_plan(work, plan_id, values)


def _entitle_plan(work: Work, plan_id: UUID, values: Wanted) -> list[Entitlement]:
    _entitle(work, plan_id, values)
    work.announce(PlanEntitled(plan_id))
    return of_plan(work, plan_id)


def take_from_plan(work: Work, plan_id: UUID, feature_code: str) -> Entitlement:
    """Take a feature from a plan and return what it was. Raises NotFound (entitlement)."""
    entitlement = get_of_plan(work, plan_id, feature_code)
    store.take(work.tx, owner_id=plan_id, feature_ids=[entitlement.feature.id])
    work.announce(PlanEntitled(plan_id))
    return entitlement


def take_value_from_plan(work: Work, plan_id: UUID, feature_code: str, privilege_code: str) -> Entitlement:
    """Take the value of a privilege from a plan and return what is left. Raises NotFound (entitlement, privilege)."""
    entitlement = get_of_plan(work, plan_id, feature_code)
    privilege = entitlement.feature.find_privilege(privilege_code)
    if privilege is None or privilege.id not in entitlement.values:
        raise errors.NotFound("privilege")
    store.take_values(work.tx, owner_id=plan_id, privilege_ids=[privilege.id])
    work.announce(PlanEntitled(plan_id))
    return get_of_plan(work, plan_id, feature_code)


def of_plan(work: Work, plan_id: UUID) -> list[Entitlement]:
    """Return what a plan entitles to."""
    return store.find_entitlements(work.tx, [plan_id]).get(plan_id, [])


def get_of_plan(work: Work, plan_id: UUID, feature_code: str) -> Entitlement:
    """Return what a plan entitles to of a feature. Raises NotFound (entitlement)."""
    found = next((one for one in of_plan(work, plan_id) if one.feature.code == feature_code), None)
    if found is None:
        raise errors.NotFound("entitlement")
    return found


def of_subscription(work: Work, subscription_id: UUID, plan_id: UUID) -> list[EffectiveEntitlement]:
    """
    Return what a subscription entitles to: what its plan does, but for what was removed, with its own values above the plan's.

    `plan_id` is the plan it was made of, where it has one of its own.
    """
    found = store.find_entitlements(work.tx, [plan_id, subscription_id])
    removed = store.find_removals(work.tx, subscription_id)
    by_plan = {one.feature.id: one for one in found.get(plan_id, []) if one.feature.id not in removed}
    own = {one.feature.id: one for one in found.get(subscription_id, [])}
    shown = {**by_plan, **own}
    return [_effective(shown[feature_id].feature, by_plan.get(feature_id), own.get(feature_id), removed) for feature_id in sorted(shown)]


def _effective(feature: Feature, by_plan: Entitlement | None, own: Entitlement | None, removed: frozenset[UUID]) -> EffectiveEntitlement:
    privileges = []
    for privilege in feature.privileges:
        of_plan = by_plan.values.get(privilege.id) if by_plan is not None and privilege.id not in removed else None
        of_own = own.values.get(privilege.id) if own is not None else None
        value = of_own if of_own is not None else of_plan
        if value is not None:
            privileges.append(
                EffectivePrivilege(
                    privilege=privilege,
                    value=privilege.value_of(value),
                    plan_value=None if of_plan is None else privilege.value_of(of_plan),
                    override_value=None if of_own is None else privilege.value_of(of_own),
                )
            )
    return EffectiveEntitlement(feature=feature, privileges=privileges)


def merge_of_subscription(work: Work, subscription_id: UUID, plan_id: UUID, wanted: EntitlementsInput) -> list[EffectiveEntitlement]:
    """
    Set what a subscription entitles to other than its plan: values equal to the plan's are no longer its own.

    Naming all values of the plan as they are there takes everything back that was different. Raises NotFound (feature,
    privilege), Invalid. Source: Lago API, entitlements of subscriptions.
    """
    known, values = _read(work, wanted)
    by_plan = {one.feature.id: one.values for one in of_plan(work, plan_id)}
    back = [feature_id for feature_id, named in values.items() if feature_id in by_plan and named == by_plan[feature_id]]
    store.take(work.tx, owner_id=subscription_id, feature_ids=back)
    restored = [privilege.id for feature in known if feature.id in back for privilege in feature.privileges]
    own: Wanted = {}
    equal: list[UUID] = []
    for feature_id, named in values.items():
        restored += [feature_id, *named]
        if feature_id in by_plan:
            equal += [privilege_id for privilege_id, value in named.items() if by_plan[feature_id].get(privilege_id) == value]
        different = {privilege_id: value for privilege_id, value in named.items() if privilege_id not in equal}
        if feature_id not in by_plan or different:
            own[feature_id] = different
    store.restore(work.tx, subscription_id=subscription_id, removed_ids=restored)
    store.take_values(work.tx, owner_id=subscription_id, privilege_ids=equal)
    _entitle(work, subscription_id, own)
    return _changed_subscription(work, subscription_id, plan_id)


def take_from_subscription(work: Work, subscription_id: UUID, plan_id: UUID, feature_code: str) -> list[EffectiveEntitlement]:
    """Take a feature from a subscription, also one that its plan has. Raises NotFound (feature)."""
    feature = _get_effective(work, subscription_id, plan_id, feature_code).feature
    store.take(work.tx, owner_id=subscription_id, feature_ids=[feature.id])
    if any(one.feature.id == feature.id for one in of_plan(work, plan_id)):
        store.remove(work.tx, subscription_id=subscription_id, removed_ids=[feature.id])
    return _changed_subscription(work, subscription_id, plan_id)


def take_value_from_subscription(
    work: Work, subscription_id: UUID, plan_id: UUID, feature_code: str, privilege_code: str
) -> list[EffectiveEntitlement]:
    """Take the value of a privilege from a subscription, also one that its plan has. Raises NotFound (feature, privilege)."""
    effective = _get_effective(work, subscription_id, plan_id, feature_code)
    held = next((one for one in effective.privileges if one.privilege.code == privilege_code), None)
    if held is None:
        raise errors.NotFound("privilege")
    store.take_values(work.tx, owner_id=subscription_id, privilege_ids=[held.privilege.id])
    if held.plan_value is not None:
        store.remove(work.tx, subscription_id=subscription_id, removed_ids=[held.privilege.id])
    return _changed_subscription(work, subscription_id, plan_id)


def _changed_subscription(work: Work, subscription_id: UUID, plan_id: UUID) -> list[EffectiveEntitlement]:
    work.announce(SubscriptionEntitled(subscription_id))
    return of_subscription(work, subscription_id, plan_id)


def _get_effective(work: Work, subscription_id: UUID, plan_id: UUID, feature_code: str) -> EffectiveEntitlement:
    found = next((one for one in of_subscription(work, subscription_id, plan_id) if one.feature.code == feature_code), None)
    if found is None:
        raise errors.NotFound("feature")
    return found


def _entitle(work: Work, owner_id: UUID, values: Wanted) -> None:
    ids = {feature_id: work.new_id() for feature_id in values}
    store.entitle(work.tx, organization_id=work.organization_id, owner_id=owner_id, wanted=values, ids=ids)


def _read(work: Work, wanted: EntitlementsInput) -> tuple[Sequence[Feature], Wanted]:
    """Read features and values by their codes. Raises NotFound (feature, privilege), Invalid."""
    named = given_or_default(wanted.entitlements, {})
    known = store.find_features(work.tx, organization_id=work.organization_id, codes=list(named))
    found = errors.FieldErrors()
    values: Wanted = {}
    for code, of_feature in named.items():
        if code not in known:
            raise errors.NotFound("feature")
        read = values[known[code].id] = {}
        for privilege_code, value in of_feature.items():
            privilege = known[code].find_privilege(privilege_code)
            if privilege is None:
                raise errors.NotFound("privilege")
            read[privilege.id] = _read_value(privilege, value, found)
    found.raise_if_any()
    return list(known.values()), values


def _read_value(privilege: Privilege, value: Any, found: errors.FieldErrors) -> str:
    """Read a value as the text it is kept as."""
    kept: str | None = value if isinstance(value, str) else None
    match privilege.value_type:
        case ValueType.INTEGER:
            text = str(value) if isinstance(value, int) and not isinstance(value, bool) else (kept or "").strip()
            kept = str(int(text)) if text.removeprefix("-").isdecimal() and text.isascii() and len(text) <= _MAX_DIGITS else None
        case ValueType.BOOLEAN:
            kept = str(value).lower() if isinstance(value, bool) else (kept if kept in {"true", "false"} else None)
        case ValueType.SELECT:
            if kept not in privilege.select_options:
                found.add(f"{privilege.code}_privilege_value", "value_not_in_select_options")
                return ""
        case ValueType.STRING:
            pass
    if kept is None:
        found.add(f"{privilege.code}_privilege_value", "value_is_invalid")
        return ""
    return kept


_MAX_DIGITS = 18
