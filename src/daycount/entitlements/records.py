"""What features, privileges and entitlements are."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

Value = int | bool | str
"""What a privilege allows, as its type has it."""


class ValueType(StrEnum):
    """What the values of a privilege are."""

    STRING = "string"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    SELECT = "select"


class Privilege(Struct, frozen=True, kw_only=True):
    """Something about a feature that has a value; `select_options` are those that a `select` may take."""

    id: UUID
    feature_id: UUID
    code: str
    name: str | None
    value_type: ValueType
    select_options: Sequence[str]

    def value_of(self, kept: str) -> Value:
        """Return a value from the text it is kept as."""
        if self.value_type is ValueType.INTEGER:
            return int(kept)
        return kept == "true" if self.value_type is ValueType.BOOLEAN else kept


class Feature(Struct, frozen=True, kw_only=True):
    """Something that customers may use; its privileges in the order they were made."""

    id: UUID
    organization_id: UUID
    code: str
    name: str | None
    description: str | None
    privileges: Sequence[Privilege]
    created_at: datetime
    updated_at: datetime

    def find_privilege(self, code: str) -> Privilege | None:
        """Return the privilege of that code."""
        return next((privilege for privilege in self.privileges if privilege.code == code), None)


class PrivilegeInput(Struct, frozen=True, kw_only=True):
    """The body of a privilege."""

    code: str | None | UnsetType = UNSET
    name: str | None | UnsetType = UNSET
    value_type: str | None | UnsetType = UNSET
    config: dict[str, Any] | None | UnsetType = UNSET


class FeatureInput(Struct, frozen=True, kw_only=True):
    """The body of a feature."""

    code: str | None | UnsetType = UNSET
    name: str | None | UnsetType = UNSET
    description: str | None | UnsetType = UNSET
    privileges: list[PrivilegeInput] | None | UnsetType = UNSET


class EntitlementsInput(Struct, frozen=True, kw_only=True):
    """Values of privileges by the codes of features and privileges."""

    entitlements: dict[str, dict[str, Any]] | None | UnsetType = UNSET


class Entitlement(Struct, frozen=True, kw_only=True):
    """A feature that a plan has, or a subscription by itself; `values` are kept texts by the id of the privilege."""

    feature: Feature
    values: Mapping[UUID, str]


class EffectivePrivilege(Struct, frozen=True, kw_only=True):
    """The value of a privilege for one subscription, and where it comes from."""

    privilege: Privilege
    value: Value
    plan_value: Value | None
    override_value: Value | None


class EffectiveEntitlement(Struct, frozen=True, kw_only=True):
    """A feature that a subscription has."""

    feature: Feature
    privileges: Sequence[EffectivePrivilege]
