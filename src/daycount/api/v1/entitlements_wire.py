"""How features and entitlements are written."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from daycount.api.wire import Stamp, stamp
from daycount.entitlements.records import EffectiveEntitlement, Entitlement, Feature, Privilege, Value, ValueType

Config = Mapping[str, Sequence[str]]


class PrivilegeObject(Struct, frozen=True, kw_only=True):
    """Something about a feature that has a value; `config` holds the `select_options` of a select."""

    code: str
    name: str | None
    value_type: str
    config: Config


class FeatureObject(Struct, frozen=True, kw_only=True):
    """A feature with its privileges."""

    lago_id: str
    code: str
    name: str | None
    description: str | None
    privileges: Sequence[PrivilegeObject]
    created_at: Stamp


class ValuedPrivilegeObject(Struct, frozen=True, kw_only=True):
    """A privilege and its value by a plan."""

    code: str
    name: str | None
    value_type: str
    value: Value
    config: Config


class EntitlementObject(Struct, frozen=True, kw_only=True):
    """A feature that a plan has."""

    code: str
    name: str | None
    description: str | None
    privileges: Sequence[ValuedPrivilegeObject]


class EffectivePrivilegeObject(Struct, frozen=True, kw_only=True):
    """A privilege and its value for a subscription: its own, else that of its plan."""

    code: str
    name: str | None
    value_type: str
    config: Config
    value: Value
    plan_value: Value | None
    override_value: Value | None


class SubscriptionEntitlementObject(Struct, frozen=True, kw_only=True):
    """A feature that a subscription has; `overrides` are its own values by privilege."""

    code: str
    name: str | None
    description: str | None
    privileges: Sequence[EffectivePrivilegeObject]
    overrides: Mapping[str, Value]


def config_of(privilege: Privilege) -> Config:
    """Write what the values of a privilege are limited to."""
    return {"select_options": privilege.select_options} if privilege.value_type is ValueType.SELECT else {}


def feature_to_wire(feature: Feature) -> FeatureObject:
    """Write a feature."""
    return FeatureObject(
        lago_id=str(feature.id),
        code=feature.code,
        name=feature.name,
        description=feature.description,
        privileges=[
            PrivilegeObject(code=one.code, name=one.name, value_type=one.value_type, config=config_of(one)) for one in feature.privileges
        ],
        created_at=stamp(feature.created_at),
    )


def to_wire(entitlement: Entitlement) -> EntitlementObject:
    """Write what a plan has of a feature."""
    feature = entitlement.feature
    return EntitlementObject(
        code=feature.code,
        name=feature.name,
        description=feature.description,
        privileges=[
            ValuedPrivilegeObject(
                code=one.code,
                name=one.name,
                value_type=one.value_type,
                value=one.value_of(entitlement.values[one.id]),
                config=config_of(one),
            )
            for one in feature.privileges
            if one.id in entitlement.values
        ],
    )


def effective_to_wire(entitlement: EffectiveEntitlement) -> SubscriptionEntitlementObject:
    """Write what a subscription has of a feature."""
    feature = entitlement.feature
    return SubscriptionEntitlementObject(
        code=feature.code,
        name=feature.name,
        description=feature.description,
        privileges=[
            EffectivePrivilegeObject(
                code=one.privilege.code,
                name=one.privilege.name,
                value_type=one.privilege.value_type,
                config=config_of(one.privilege),
                value=one.value,
                plan_value=one.plan_value,
                override_value=one.override_value,
            )
            for one in entitlement.privileges
        ],
        overrides={one.privilege.code: one.override_value for one in entitlement.privileges if one.override_value is not None},
    )
