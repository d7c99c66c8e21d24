"""All SQL about features and entitlements."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Connection, RowMapping
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from daycount import errors
from daycount.entitlements.records import Entitlement, Feature, Privilege, ValueType
from daycount.entitlements.tables import entitlement_removals, entitlement_values, entitlements, features, privileges

_LIVE = features.c.deleted_at.is_(None)


def insert_feature(tx: Connection, feature: Feature) -> None:
    """Write a new feature with its privileges. Raises Invalid when a live one has its code."""
    try:
        with tx.begin_nested():
            tx.execute(features.insert().values(_values(feature)))
    except IntegrityError as error:
        raise errors.Invalid({"code": ["value_already_exist"]}) from error
    save_privileges(tx, feature.privileges)


def update_feature(tx: Connection, feature: Feature) -> None:
    """Write a changed feature; its privileges are written apart."""
    tx.execute(features.update().where(features.c.id == feature.id).values(_values(feature)))


def save_privileges(tx: Connection, saved: Sequence[Privilege]) -> None:
    """Write new privileges, and what changed of known ones."""
    if saved:
        statement = insert(privileges)
        changes = {"name": statement.excluded.name, "select_options": statement.excluded.select_options}
        rows = [{name: getattr(one, name) for name in one.__struct_fields__} for one in saved]
        tx.execute(statement.on_conflict_do_update(index_elements=["id"], set_=changes), rows)


def _values(feature: Feature) -> dict[str, Any]:
    return {name: getattr(feature, name) for name in feature.__struct_fields__ if name != "privileges"}


def find_feature(tx: Connection, *, organization_id: UUID, code: str) -> Feature | None:
    """Return the live feature of that code, locked until the transaction ends: who changes what it entitles to waits."""
    statement = sa.select(features).where(features.c.organization_id == organization_id, features.c.code == code, _LIVE)
    return next(iter(_with_privileges(tx, tx.execute(statement.with_for_update()).mappings().all())), None)


def find_features(tx: Connection, *, organization_id: UUID, codes: Sequence[str]) -> dict[str, Feature]:
    """Return live features by code; they cannot be deleted until the transaction ends."""
    statement = sa.select(features).where(features.c.organization_id == organization_id, features.c.code.in_(codes), _LIVE)
    found = tx.execute(statement.order_by(features.c.id).with_for_update(read=True)).mappings().all()
    return {feature.code: feature for feature in _with_privileges(tx, found)}


def _matching(organization_id: UUID, search_term: str | None) -> list[sa.ColumnElement[bool]]:
    conditions = [features.c.organization_id == organization_id, _LIVE]
    if search_term:
        texts = (features.c.name, features.c.code, features.c.description)
        conditions.append(sa.or_(*(column.icontains(search_term, autoescape=True) for column in texts)))
    return conditions


def list_features(tx: Connection, *, organization_id: UUID, search_term: str | None, limit: int, offset: int) -> list[Feature]:
    """Return a page of live features, newest first."""
    statement = (
        sa.select(features)
        .where(*_matching(organization_id, search_term))
        .order_by(features.c.created_at.desc(), features.c.id.desc())
        .limit(limit)
        .offset(offset)
    )
    return _with_privileges(tx, tx.execute(statement).mappings().all())


def count_features(tx: Connection, *, organization_id: UUID, search_term: str | None) -> int:
    """Count what `list_features` would return without a limit."""
    statement = sa.select(sa.func.count()).select_from(features).where(*_matching(organization_id, search_term))
    return int(tx.execute(statement).scalar_one())


def _with_privileges(tx: Connection, rows: Sequence[RowMapping]) -> list[Feature]:
    """Return features with their live privileges. One query."""
    ids = [row["id"] for row in rows]
    of_feature: defaultdict[UUID, list[Privilege]] = defaultdict(list)
    if ids:
        statement = sa.select(privileges).where(privileges.c.feature_id.in_(ids), privileges.c.deleted_at.is_(None))
        for row in tx.execute(statement.order_by(privileges.c.id)).mappings():
            of_feature[row["feature_id"]].append(_privilege(row))
    return [
        Feature(**{name: row[name] for name in Feature.__struct_fields__ if name != "privileges"}, privileges=of_feature[row["id"]])
        for row in rows
    ]


def _privilege(row: RowMapping) -> Privilege:
    values = {name: row[name] for name in Privilege.__struct_fields__}
    return Privilege(**values | {"value_type": ValueType(row["value_type"]), "select_options": tuple(row["select_options"])})


def list_owners(tx: Connection, *, feature_id: UUID) -> list[UUID]:
    """Return the plans and subscriptions that have a feature."""
    return list(tx.execute(sa.select(entitlements.c.owner_id).where(entitlements.c.feature_id == feature_id)).scalars())


def delete_feature(tx: Connection, feature: Feature, *, at: datetime) -> None:
    """Delete a feature and its privileges softly, and what plans and subscriptions have of it."""
    tx.execute(features.update().where(features.c.id == feature.id).values(deleted_at=at, updated_at=at))
    tx.execute(privileges.update().where(privileges.c.feature_id == feature.id, privileges.c.deleted_at.is_(None)).values(deleted_at=at))
    tx.execute(entitlements.delete().where(entitlements.c.feature_id == feature.id))
    removed = [feature.id, *(privilege.id for privilege in feature.privileges)]
    tx.execute(entitlement_removals.delete().where(entitlement_removals.c.removed_id.in_(removed)))


def delete_privilege(tx: Connection, *, privilege_id: UUID, at: datetime) -> None:
    """Delete a privilege softly, and its values."""
    tx.execute(privileges.update().where(privileges.c.id == privilege_id).values(deleted_at=at))
    tx.execute(entitlement_values.delete().where(entitlement_values.c.privilege_id == privilege_id))
    tx.execute(entitlement_removals.delete().where(entitlement_removals.c.removed_id == privilege_id))


def find_entitlements(tx: Connection, owner_ids: Sequence[UUID]) -> dict[UUID, list[Entitlement]]:
    """Return what plans, or subscriptions by themselves, have: by their ids, in the order features were made. Three queries."""
    if not owner_ids:
        return {}
    held = entitlements.c
    statement = sa.select(held.owner_id, held.id.label("entitlement_id"), *features.c).join(features, features.c.id == held.feature_id)
    rows = tx.execute(statement.where(held.owner_id.in_(set(owner_ids)), _LIVE).order_by(features.c.id)).mappings().all()
    known = {feature.id: feature for feature in _with_privileges(tx, rows)}
    values: defaultdict[UUID, dict[UUID, str]] = defaultdict(dict)
    entitlement_ids = [row["entitlement_id"] for row in rows]
    if entitlement_ids:
        wanted = sa.select(entitlement_values).where(entitlement_values.c.entitlement_id.in_(entitlement_ids))
        for value in tx.execute(wanted).mappings():
            values[value["entitlement_id"]][value["privilege_id"]] = value["value"]
    found: defaultdict[UUID, list[Entitlement]] = defaultdict(list)
    for row in rows:
        found[row["owner_id"]].append(Entitlement(feature=known[row["id"]], values=values[row["entitlement_id"]]))
    return dict(found)


def find_removals(tx: Connection, subscription_id: UUID) -> frozenset[UUID]:
    """Return the features and privileges of its plan that a subscription does not have."""
    removed = sa.select(entitlement_removals.c.removed_id).where(entitlement_removals.c.subscription_id == subscription_id)
    return frozenset(tx.execute(removed).scalars())


def entitle(
    tx: Connection, *, organization_id: UUID, owner_id: UUID, wanted: Mapping[UUID, Mapping[UUID, str]], ids: Mapping[UUID, UUID]
) -> None:
    """
    Give features to a plan or a subscription, and set the values of privileges; what else it has stays.

    `wanted` holds the values by feature and privilege, `ids` the id of an entitlement that is made if there is none.
    """
    if not wanted:
        return
    held = entitlements.c
    rows = [
        {"id": ids[feature_id], "organization_id": organization_id, "owner_id": owner_id, "feature_id": feature_id} for feature_id in wanted
    ]
    tx.execute(insert(entitlements).on_conflict_do_nothing(index_elements=["owner_id", "feature_id"]), rows)
    found = sa.select(held.feature_id, held.id).where(held.owner_id == owner_id, held.feature_id.in_(list(wanted)))
    entitlement_ids = dict(tx.execute(found).all())
    values = [
        {"entitlement_id": entitlement_ids[feature_id], "privilege_id": privilege_id, "value": value}
        for feature_id, of_feature in wanted.items()
        for privilege_id, value in of_feature.items()
    ]
    if values:
        statement = insert(entitlement_values)
        keys = ["entitlement_id", "privilege_id"]
        tx.execute(statement.on_conflict_do_update(index_elements=keys, set_={"value": statement.excluded.value}), values)


def take(tx: Connection, *, owner_id: UUID, feature_ids: Sequence[UUID]) -> None:
    """Take features from a plan or a subscription, with their values."""
    if feature_ids:
        tx.execute(entitlements.delete().where(entitlements.c.owner_id == owner_id, entitlements.c.feature_id.in_(feature_ids)))


def take_values(tx: Connection, *, owner_id: UUID, privilege_ids: Sequence[UUID]) -> None:
    """Take the values of privileges from a plan or a subscription; it keeps the features."""
    if privilege_ids:
        own = sa.select(entitlements.c.id).where(entitlements.c.owner_id == owner_id)
        values = entitlement_values.c
        tx.execute(entitlement_values.delete().where(values.entitlement_id.in_(own), values.privilege_id.in_(privilege_ids)))


def remove(tx: Connection, *, subscription_id: UUID, removed_ids: Sequence[UUID]) -> None:
    """Hide features or privileges of the plan from a subscription."""
    rows = [{"subscription_id": subscription_id, "removed_id": removed_id} for removed_id in removed_ids]
    if rows:
        tx.execute(insert(entitlement_removals).on_conflict_do_nothing(), rows)


def restore(tx: Connection, *, subscription_id: UUID, removed_ids: Sequence[UUID]) -> None:
    """Show features or privileges of the plan again."""
    if removed_ids:
        removed = entitlement_removals.c
        tx.execute(entitlement_removals.delete().where(removed.subscription_id == subscription_id, removed.removed_id.in_(removed_ids)))
