"""Use cases that write features."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from msgspec import structs

from daycount import errors
from daycount.catalog import store as catalog
from daycount.entitlements import store
from daycount.entitlements.messages import FeatureSaved
from daycount.entitlements.records import Feature, FeatureInput, Privilege, PrivilegeInput, ValueType
from daycount.given import given, given_or_default, is_given
from daycount.infra.work import Work

_MAX_NAME = 255
_MAX_DESCRIPTION = 600


def create_feature(work: Work, wanted: FeatureInput) -> Feature:
    """Add a feature with its privileges. Raises Invalid. Source: Lago API, features."""
    found = errors.FieldErrors()
    feature_id = work.new_id()
    feature = Feature(
        id=feature_id,
        organization_id=work.organization_id,
        code=_read_code(wanted.code, "code", found),
        name=_read_text(wanted.name, "name", _MAX_NAME, found),
        description=_read_text(wanted.description, "description", _MAX_DESCRIPTION, found),
        privileges=_new_privileges(work, feature_id, given_or_default(wanted.privileges, []), found),
        created_at=work.now,
        updated_at=work.now,
    )
    found.raise_if_any()
    store.insert_feature(work.tx, feature)
    work.announce(FeatureSaved(feature, "created", ()))
    return feature


def update_feature(work: Work, code: str, changes: FeatureInput) -> Feature:
    """
    Change the texts of a feature; known privileges get another name and further options, unknown ones are made, none goes.

    Raises NotFound, Invalid. Source: Lago API, features.
    """
    feature = get_feature(work, code)
    found = errors.FieldErrors()
    fields: dict[str, Any] = {"updated_at": work.now}
    if is_given(changes.name):
        fields["name"] = _read_text(changes.name, "name", _MAX_NAME, found)
    if is_given(changes.description):
        fields["description"] = _read_text(changes.description, "description", _MAX_DESCRIPTION, found)
    inputs = given_or_default(changes.privileges, [])
    _check_twice(inputs, found)
    by_code = {privilege.code: privilege for privilege in feature.privileges}
    saved: list[Privilege] = []
    fresh: list[PrivilegeInput] = []
    for wanted in inputs:
        known = by_code.get((given(wanted.code, None) or "").strip())
        if known is None:
            fresh.append(wanted)
        else:
            saved.append(_changed_privilege(known, wanted, found))
    saved += _new_privileges(work, feature.id, fresh, found)
    found.raise_if_any()
    by_code |= {privilege.code: privilege for privilege in saved}
    changed = structs.replace(feature, privileges=list(by_code.values()), **fields)
    store.update_feature(work.tx, changed)
    store.save_privileges(work.tx, saved)
    return _announced(work, changed, "updated")


def delete_feature(work: Work, code: str) -> Feature:
    """Delete a feature softly; plans and subscriptions have it no more. Raises NotFound. Source: Lago API, features."""
    feature = get_feature(work, code)
    owners = store.list_owners(work.tx, feature_id=feature.id)
    store.delete_feature(work.tx, feature, at=work.now)
    work.announce(FeatureSaved(feature, "deleted", _plans_among(work, owners)))
    return feature


def delete_privilege(work: Work, code: str, privilege_code: str) -> Feature:
    """Delete a privilege of a feature, with all its values. Raises NotFound (feature, privilege). Source: Lago API, features."""
    feature = get_feature(work, code)
    privilege = feature.find_privilege(privilege_code)
    if privilege is None:
        raise errors.NotFound("privilege")
    store.delete_privilege(work.tx, privilege_id=privilege.id, at=work.now)
    left = structs.replace(feature, privileges=[one for one in feature.privileges if one.id != privilege.id], updated_at=work.now)
    store.update_feature(work.tx, left)
    return _announced(work, left, "updated")


def get_feature(work: Work, code: str) -> Feature:
    """Return the live feature of that code, locked. Raises NotFound."""
    feature = store.find_feature(work.tx, organization_id=work.organization_id, code=code)
    if feature is None:
        raise errors.NotFound("feature")
    return feature


def _announced(work: Work, feature: Feature, event: str) -> Feature:
    work.announce(FeatureSaved(feature, event, _plans_among(work, store.list_owners(work.tx, feature_id=feature.id))))
    return feature


def _plans_among(work: Work, owner_ids: Sequence[UUID]) -> list[UUID]:
    """Return the plans among those that have a feature; the others are subscriptions."""
    return sorted(catalog.find_plans(work.tx, organization_id=work.organization_id, ids=owner_ids)) if owner_ids else []


def _read_code(value: object, field: str, found: errors.FieldErrors) -> str:
    code = value.strip() if isinstance(value, str) else ""
    if not code:
        found.add(field, "value_is_mandatory")
    elif len(code) > _MAX_NAME:
        found.add(field, "value_is_too_long")
    return code


def _read_text(value: object, field: str, longest: int, found: errors.FieldErrors) -> str | None:
    if not isinstance(value, str):
        return None
    if len(value) > longest:
        found.add(field, "value_is_too_long")
    return value


def _check_twice(inputs: Sequence[PrivilegeInput], found: errors.FieldErrors) -> None:
    codes = Counter(code.strip() for one in inputs if isinstance(code := given(one.code, None), str))
    if any(count > 1 for count in codes.values()):
        found.add("privilege.code", "value_is_duplicated")


def _new_privileges(work: Work, feature_id: UUID, inputs: Sequence[PrivilegeInput], found: errors.FieldErrors) -> list[Privilege]:
    _check_twice(inputs, found)
    return [_new_privilege(work, feature_id, wanted, found) for wanted in inputs]


def _new_privilege(work: Work, feature_id: UUID, wanted: PrivilegeInput, found: errors.FieldErrors) -> Privilege:
    value_type = given(wanted.value_type, None) or ValueType.STRING.value
    if value_type not in {*ValueType}:
        found.add("privilege.value_type", "value_is_invalid")
        value_type = ValueType.STRING.value
    config = given_or_default(wanted.config, {})
    options = _read_options(config)
    is_select = value_type == ValueType.SELECT
    if bool(options) != is_select or set(config) - {"select_options"} or (config.get("select_options") and options is None):
        found.add("privilege.config", "invalid_format")
    return Privilege(
        id=work.new_id(),
        feature_id=feature_id,
        code=_read_code(given(wanted.code, None), "privilege.code", found),
        name=_read_text(given(wanted.name, None), "privilege.name", _MAX_NAME, found),
        value_type=ValueType(value_type),
        select_options=options or (),
    )


def _changed_privilege(known: Privilege, wanted: PrivilegeInput, found: errors.FieldErrors) -> Privilege:
    """Return a privilege with what may change of it: the name, and options that come on top."""
    name = _read_text(wanted.name, "privilege.name", _MAX_NAME, found) if is_given(wanted.name) else known.name
    options = known.select_options
    if known.value_type is ValueType.SELECT and given(wanted.config, None):
        more = _read_options(given_or_default(wanted.config, {}))
        if more is None:
            found.add("privilege.config", "invalid_format")
        options = tuple(dict.fromkeys((*known.select_options, *(more or ()))))
    return structs.replace(known, name=name, select_options=options)


def _read_options(config: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Read the options of a select, each once; None where they are no texts."""
    options = config.get("select_options") or ()
    if not isinstance(options, list | tuple) or not all(isinstance(option, str) and option for option in options):
        return None
    return tuple(dict.fromkeys(options))
