"""All SQL about metrics, plans and charges."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection, RowMapping
from sqlalchemy.exc import IntegrityError

from daycount import errors
from daycount.catalog.add_ons.tables import add_ons
from daycount.catalog.fixed_charges import store as fixed_charges
from daycount.catalog.fixed_charges.tables import fixed_charges as fixed_charges_table
from daycount.catalog.pricing_units.tables import pricing_units
from daycount.catalog.records import Charge, ChargeFilter, Commitment, Metric, MetricFilter, Plan, UsageThreshold
from daycount.catalog.tables import billable_metrics, charge_filters, charges, plan_versions, plans
from daycount.engine.calendar import Interval
from daycount.engine.charges.models import ChargeModel
from daycount.engine.metrics import AggregationType, RoundingFunction
from daycount.engine.pricing_units import PricingUnit
from daycount.infra.remembered import remember, remembered
from daycount.taxes import store as taxes
from daycount.taxes.store import APPLIED_FROM

_READ_FROM = APPLIED_FROM | {
    table.name for table in (plans, charges, charge_filters, billable_metrics, pricing_units, fixed_charges_table, add_ons)
}
"""Every table that a plan is read from."""
_METRIC_COLUMNS = [column for column in billable_metrics.c if column.name != "deleted_at"]


def _metric(row: Mapping[str, Any] | RowMapping) -> Metric:
    rounding = row["rounding_function"]
    return Metric(
        id=row["id"],
        organization_id=row["organization_id"],
        code=row["code"],
        name=row["name"],
        description=row["description"],
        aggregation_type=AggregationType(row["aggregation_type"]),
        field_name=row["field_name"],
        recurring=row["recurring"],
        rounding_function=None if rounding is None else RoundingFunction(rounding),
        rounding_precision=row["rounding_precision"],
        weighted_interval=row["weighted_interval"],
        expression=row["expression"],
        custom_aggregator=row["custom_aggregator"],
        filters=tuple(MetricFilter(key=item["key"], values=tuple(item["values"])) for item in row["filters"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def _metric_values(metric: Metric) -> dict[str, object]:
    return {
        "id": metric.id,
        "organization_id": metric.organization_id,
        "code": metric.code,
        "name": metric.name,
        "description": metric.description,
        "aggregation_type": metric.aggregation_type,
        "field_name": metric.field_name,
        "recurring": metric.recurring,
        "rounding_function": metric.rounding_function,
        "rounding_precision": metric.rounding_precision,
        "weighted_interval": metric.weighted_interval,
        "expression": metric.expression,
        "custom_aggregator": sa.null() if metric.custom_aggregator is None else dict(metric.custom_aggregator),
        "filters": [{"key": item.key, "values": list(item.values)} for item in metric.filters],
        "created_at": metric.created_at,
        "updated_at": metric.updated_at,
    }


def insert_metric(tx: Connection, metric: Metric) -> None:
    """Write a new metric. Raises Invalid when a live one has its code."""
    _write(tx, billable_metrics.insert().values(_metric_values(metric)))


def update_metric(tx: Connection, metric: Metric) -> None:
    """Write a changed metric. Raises Invalid when another live one has its code."""
    _write(tx, billable_metrics.update().where(billable_metrics.c.id == metric.id).values(_metric_values(metric)))


def _write(tx: Connection, statement: sa.Insert | sa.Update) -> None:
    """Execute a write whose only expected conflict is a code that is taken."""
    try:
        with tx.begin_nested():
            tx.execute(statement)
    except IntegrityError as error:
        raise errors.Invalid({"code": ["value_already_exist"]}) from error


def mark_metric_deleted(tx: Connection, *, metric_id: UUID, at: datetime) -> None:
    """Delete a metric softly, and its live charges with it."""
    tx.execute(billable_metrics.update().where(billable_metrics.c.id == metric_id).values(deleted_at=at))
    tx.execute(charges.update().where(charges.c.billable_metric_id == metric_id, charges.c.deleted_at.is_(None)).values(deleted_at=at))


def find_metric(tx: Connection, *, organization_id: UUID, code: str) -> Metric | None:
    """Return the live metric of that code."""
    table = billable_metrics.c
    statement = sa.select(*_METRIC_COLUMNS).where(table.organization_id == organization_id, table.code == code, table.deleted_at.is_(None))
    row = tx.execute(statement).mappings().one_or_none()
    return None if row is None else _metric(row)


def find_metrics(tx: Connection, *, organization_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Metric]:
    """Return the live metrics among `ids`."""
    table = billable_metrics.c
    statement = sa.select(*_METRIC_COLUMNS).where(table.organization_id == organization_id, table.id.in_(ids), table.deleted_at.is_(None))
    return {row["id"]: _metric(row) for row in tx.execute(statement).mappings()}


def find_metrics_by_code(tx: Connection, *, organization_id: UUID, codes: Sequence[str]) -> dict[str, Metric]:
    """Return the live metrics of some codes."""
    table = billable_metrics.c
    statement = sa.select(*_METRIC_COLUMNS).where(
        table.organization_id == organization_id, table.code.in_(codes), table.deleted_at.is_(None)
    )
    return {row["code"]: _metric(row) for row in tx.execute(statement).mappings()}


def is_metric_attached(tx: Connection, *, metric_id: UUID) -> bool:
    """Tell whether a live charge of a live plan uses the metric."""
    statement = sa.text("""
        select exists (select 1 from charges c join plans p on p.id = c.plan_id
        where c.billable_metric_id = :id and c.deleted_at is null and p.deleted_at is null)
    """)
    return bool(tx.execute(statement, {"id": metric_id}).scalar_one())


def count_metrics(tx: Connection, *, organization_id: UUID) -> int:
    """Count the live metrics."""
    table = billable_metrics.c
    statement = sa.select(sa.func.count()).where(table.organization_id == organization_id, table.deleted_at.is_(None))
    return int(tx.execute(statement).scalar_one())


def list_metrics(tx: Connection, *, organization_id: UUID, limit: int, offset: int) -> list[Metric]:
    """Return a page of live metrics, newest first."""
    table = billable_metrics.c
    statement = (
        sa.select(*_METRIC_COLUMNS)
        .where(table.organization_id == organization_id, table.deleted_at.is_(None))
        .order_by(table.created_at.desc(), table.id)
        .limit(limit)
        .offset(offset)
    )
    return [_metric(row) for row in tx.execute(statement).mappings()]


def insert_plan(tx: Connection, plan: Plan) -> None:
    """Write a new plan with its charges. Raises Invalid when a live plan has its code."""
    _write(tx, plans.insert().values(_plan_values(plan)))
    insert_charges(tx, plan.charges)
    fixed_charges.insert_fixed_charges(tx, plan.fixed_charges)


def update_plan(tx: Connection, plan: Plan) -> None:
    """Write a changed plan; its charges are left alone. Raises Invalid when another live plan has its code."""
    _write(tx, plans.update().where(plans.c.id == plan.id).values(_plan_values(plan)))


def insert_charges(tx: Connection, added: Sequence[Charge], *, from_position: int = 0) -> None:
    """Write new charges; they take the positions from `from_position` on."""
    if added:
        tx.execute(charges.insert(), [_charge_values(charge, position) for position, charge in enumerate(added, from_position)])
        insert_filters(tx, [(charge, charge.filters) for charge in added])


def insert_filters(tx: Connection, added: Sequence[tuple[Charge, Sequence[ChargeFilter]]], *, from_position: int = 0) -> None:
    """Write new filters of charges, in their order; they take the positions from `from_position` on."""
    rows = [
        {
            "id": item.id,
            "organization_id": charge.organization_id,
            "charge_id": charge.id,
            "position": position,
            "invoice_display_name": item.invoice_display_name,
            "values": {key: list(values) for key, values in item.values.items()},
            "properties": dict(item.properties),
            "created_at": item.created_at,
        }
        for charge, filters in added
        for position, item in enumerate(filters, from_position)
    ]
    if rows:
        tx.execute(charge_filters.insert(), rows)


def update_filters(tx: Connection, changed: Sequence[ChargeFilter]) -> None:
    """Write changed names, values and prices of filters."""
    for item in changed:
        values = {
            "invoice_display_name": item.invoice_display_name,
            "values": {key: list(accepted) for key, accepted in item.values.items()},
            "properties": dict(item.properties),
        }
        tx.execute(charge_filters.update().where(charge_filters.c.id == item.id).values(values))


def mark_filters_deleted(tx: Connection, *, ids: Sequence[UUID], at: datetime) -> None:
    """Delete filters softly."""
    tx.execute(charge_filters.update().where(charge_filters.c.id.in_(ids)).values(deleted_at=at))


def list_charges_of_metric(tx: Connection, *, metric_id: UUID) -> list[Charge]:
    """Return the live charges on a metric."""
    statement = sa.select(charges.c.plan_id).where(charges.c.billable_metric_id == metric_id, charges.c.deleted_at.is_(None))
    plan_ids = set(tx.execute(statement).scalars())
    found = _charges_of(tx, sorted(plan_ids)) if plan_ids else {}
    return [charge for own in found.values() for charge in own if charge.metric.id == metric_id]


def update_charges(tx: Connection, changed: Sequence[Charge]) -> None:
    """Write changed charges."""
    if not changed:
        return
    statement = (
        charges.update()
        .where(charges.c.id == sa.bindparam("charge_id"))
        .values({name: sa.bindparam(f"new_{name}") for name in _CHARGE_EDITABLE})
    )
    rows = [_charge_values(charge, 0) for charge in changed]
    tx.execute(statement, [{"charge_id": row["id"]} | {f"new_{name}": row[name] for name in _CHARGE_EDITABLE} for row in rows])


_CHARGE_EDITABLE = (
    "code",
    "charge_model",
    "invoice_display_name",
    "pay_in_advance",
    "prorated",
    "invoiceable",
    "regroup_paid_fees",
    "min_amount_cents",
    "accepts_target_wallet",
    "properties",
    "conversion_rate",
)


def mark_charges_deleted(tx: Connection, *, ids: Sequence[UUID], at: datetime) -> None:
    """Delete charges softly."""
    tx.execute(charges.update().where(charges.c.id.in_(ids)).values(deleted_at=at))


def _plan_values(plan: Plan) -> dict[str, object]:
    return {
        "id": plan.id,
        "organization_id": plan.organization_id,
        "code": plan.code,
        "name": plan.name,
        "invoice_display_name": plan.invoice_display_name,
        "description": plan.description,
        "interval": plan.interval,
        "amount_cents": plan.amount_cents,
        "amount_currency": plan.amount_currency,
        "pay_in_advance": plan.pay_in_advance,
        "trial_period_days": plan.trial_period_days,
        "bill_charges_monthly": plan.bill_charges_monthly,
        "bill_fixed_charges_monthly": plan.bill_fixed_charges_monthly,
        "requires_wallet_balance": plan.requires_wallet_balance,
        "metadata": sa.null() if plan.metadata is None else dict(plan.metadata),
        "pending_deletion": plan.pending_deletion,
        "parent_id": plan.parent_id,
        "version": plan.version,
        "minimum_commitment": sa.null() if plan.minimum_commitment is None else _stored_commitment(plan.minimum_commitment),
        "usage_thresholds": [msgspec.to_builtins(item) for item in plan.usage_thresholds],
        "created_at": plan.created_at,
        "updated_at": plan.updated_at,
    }


def _stored_commitment(commitment: Commitment) -> dict[str, Any]:
    return {name: value for name, value in msgspec.to_builtins(commitment).items() if name != "taxes"}


def _charge_values(charge: Charge, position: int) -> dict[str, Any]:
    return {
        "id": charge.id,
        "organization_id": charge.organization_id,
        "plan_id": charge.plan_id,
        "billable_metric_id": charge.metric.id,
        "position": position,
        "code": charge.code,
        "charge_model": charge.charge_model,
        "invoice_display_name": charge.invoice_display_name,
        "pay_in_advance": charge.pay_in_advance,
        "prorated": charge.prorated,
        "invoiceable": charge.invoiceable,
        "regroup_paid_fees": charge.regroup_paid_fees,
        "min_amount_cents": charge.min_amount_cents,
        "accepts_target_wallet": charge.accepts_target_wallet,
        "properties": dict(charge.properties),
        "parent_id": charge.parent_id,
        "pricing_unit_id": None if charge.pricing_unit is None else charge.pricing_unit.id,
        "conversion_rate": None if charge.pricing_unit is None else charge.pricing_unit.conversion_rate,
        "created_at": charge.created_at,
    }


def find_plan(tx: Connection, *, organization_id: UUID, code: str) -> Plan | None:
    """Return the live plan of that code with its charges; those that override it for a subscription are not meant."""
    table = plans.c
    statement = sa.select(plans).where(
        table.organization_id == organization_id, table.code == code, table.deleted_at.is_(None), table.parent_id.is_(None)
    )
    found = _plans(tx, tx.execute(statement).mappings().all())
    remember(tx, "plans", organization_id, {plan.id: plan for plan in found}, tables=_READ_FROM)
    return next(iter(found), None)


def find_plans(tx: Connection, *, organization_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Plan]:
    """Return plans by id, deleted ones included, each with its live charges. Six queries at most."""

    def load(missing: Collection[UUID]) -> dict[UUID, Plan]:
        statement = sa.select(plans).where(plans.c.organization_id == organization_id, plans.c.id.in_(missing))
        return {plan.id: plan for plan in _plans(tx, tx.execute(statement).mappings().all())}

    return remembered(tx, "plans", organization_id, ids, tables=_READ_FROM, load=load)


def count_plans(tx: Connection, *, organization_id: UUID) -> int:
    """Count the live plans."""
    table = plans.c
    statement = sa.select(sa.func.count()).where(
        table.organization_id == organization_id, table.deleted_at.is_(None), table.parent_id.is_(None)
    )
    return int(tx.execute(statement).scalar_one())


def list_plans(tx: Connection, *, organization_id: UUID, limit: int, offset: int) -> list[Plan]:
    """Return a page of live plans, newest first. Two queries."""
    table = plans.c
    statement = (
        sa.select(plans)
        .where(table.organization_id == organization_id, table.deleted_at.is_(None), table.parent_id.is_(None))
        .order_by(table.created_at.desc(), table.id)
        .limit(limit)
        .offset(offset)
    )
    return _plans(tx, tx.execute(statement).mappings().all())


def find_children(tx: Connection, *, plan_id: UUID) -> list[Plan]:
    """Return the live plans that override a plan, each for a subscription."""
    table = plans.c
    statement = sa.select(plans).where(table.parent_id == plan_id, table.deleted_at.is_(None)).order_by(table.id)
    return _plans(tx, tx.execute(statement).mappings().all())


def is_plan_attached(tx: Connection, *, plan_id: UUID) -> bool:
    """Tell whether any subscription, whatever its status, points at the plan."""
    return bool(tx.execute(sa.text("select exists (select 1 from subscriptions where plan_id = :id)"), {"id": plan_id}).scalar_one())


def find_running_plans(tx: Connection, *, ids: Sequence[UUID]) -> frozenset[UUID]:
    """Return those of some plans that a subscription runs by, or is going to."""
    statement = sa.text("select distinct plan_id from subscriptions where plan_id = any(:ids) and status not in ('terminated', 'canceled')")
    return frozenset(tx.execute(statement, {"ids": list(ids)}).scalars())


def mark_plan_deleted(tx: Connection, *, plan_id: UUID, at: datetime) -> None:
    """Delete a plan softly, and those that override it."""
    own = sa.or_(plans.c.id == plan_id, plans.c.parent_id == plan_id)
    tx.execute(plans.update().where(own, plans.c.deleted_at.is_(None)).values(deleted_at=at, pending_deletion=True))


def insert_version(tx: Connection, plan: Plan, *, at: datetime) -> None:
    """Keep a plan as it is now under its version."""
    values = {"organization_id": plan.organization_id, "plan_id": plan.id, "version": plan.version, "created_at": at}
    tx.execute(plan_versions.insert().values(values | {"plan": msgspec.to_builtins(plan)}))
    tx.execute(plans.update().where(plans.c.id == plan.id).values(version=plan.version))


def find_charge_version(tx: Connection, *, organization_id: UUID, charge_id: UUID, version: int) -> Charge | None:
    """Return a charge, deleted or not, as it was in a version of its plan. One query."""
    table = plan_versions.c
    statement = (
        sa.select(table.plan)
        .join(charges, charges.c.plan_id == table.plan_id)
        .where(charges.c.organization_id == organization_id, charges.c.id == charge_id, table.version == version)
    )
    found = tx.execute(statement).scalar_one_or_none()
    if found is None:
        return None
    return next((charge for charge in msgspec.convert(found, Plan).charges if charge.id == charge_id), None)


def count_versions(tx: Connection, *, plan_id: UUID) -> int:
    """Count the versions of a plan."""
    return int(tx.execute(sa.select(sa.func.count()).where(plan_versions.c.plan_id == plan_id)).scalar_one())


def list_versions(tx: Connection, *, plan_id: UUID, limit: int, offset: int) -> list[tuple[datetime, Plan]]:
    """Return a page of a plan's versions with the instants they were made, the latest first."""
    table = plan_versions.c
    statement = sa.select(table.created_at, table.plan).where(table.plan_id == plan_id)
    rows = tx.execute(statement.order_by(table.version.desc()).limit(limit).offset(offset))
    return [(row.created_at, msgspec.convert(row.plan, Plan)) for row in rows]


def _plans(tx: Connection, rows: Sequence[RowMapping]) -> list[Plan]:
    if not rows:
        return []
    ids = [row["id"] for row in rows]
    commitments = {row["id"]: UUID(row["minimum_commitment"]["id"]) for row in rows if row["minimum_commitment"] is not None}
    found = _charges_of(tx, ids, taxed=[*ids, *commitments.values()])
    fixed = fixed_charges.find_of_plans(tx, plan_ids=ids)
    own_taxes = taxes.find_applied(tx, organization_id=rows[0]["organization_id"], target_ids=[*ids, *commitments.values()])
    return [
        Plan(
            **{name: row[name] for name in _PLAIN_PLAN},
            interval=Interval(row["interval"]),
            charges=tuple(found.get(row["id"], ())),
            fixed_charges=tuple(fixed.get(row["id"], ())),
            taxes=own_taxes[row["id"]],
            minimum_commitment=msgspec.convert(row["minimum_commitment"] | {"taxes": own_taxes[commitments[row["id"]]]}, Commitment)
            if row["id"] in commitments
            else None,
            usage_thresholds=msgspec.convert(row["usage_thresholds"], tuple[UsageThreshold, ...]),
        )
        for row in rows
    ]


_PLAIN_PLAN = (
    "id",
    "organization_id",
    "code",
    "name",
    "invoice_display_name",
    "description",
    "amount_cents",
    "amount_currency",
    "pay_in_advance",
    "trial_period_days",
    "bill_charges_monthly",
    "bill_fixed_charges_monthly",
    "requires_wallet_balance",
    "metadata",
    "pending_deletion",
    "created_at",
    "updated_at",
    "parent_id",
    "version",
)


def find_charges(tx: Connection, *, organization_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Charge]:
    """Return charges by id, deleted ones included. Two queries."""
    found = _load_charges(tx, [charges.c.organization_id == organization_id, charges.c.id.in_(set(ids))])
    return {charge.id: charge for own in found.values() for charge in own}


def _charges_of(tx: Connection, plan_ids: Sequence[UUID], *, taxed: Sequence[UUID] = ()) -> dict[UUID, list[Charge]]:
    """Return the live charges of plans, by plan; the taxes of other things that are going to be asked for are read with theirs."""
    return _load_charges(tx, [charges.c.plan_id.in_(plan_ids), charges.c.deleted_at.is_(None)], taxed=taxed)


def _load_charges(tx: Connection, conditions: Sequence[sa.ColumnElement[bool]], *, taxed: Sequence[UUID] = ()) -> dict[UUID, list[Charge]]:
    metric_columns = [column.label(f"metric_{column.name}") for column in _METRIC_COLUMNS]
    statement = (
        sa.select(charges, *metric_columns, pricing_units.c.code.label("unit_code"), pricing_units.c.short_name.label("unit_short_name"))
        .join(billable_metrics, billable_metrics.c.id == charges.c.billable_metric_id)
        .outerjoin(pricing_units, pricing_units.c.id == charges.c.pricing_unit_id)
        .where(*conditions)
        .order_by(charges.c.plan_id, charges.c.position, charges.c.id)
    )
    found: dict[UUID, list[Charge]] = defaultdict(list)
    rows = tx.execute(statement).mappings().all()
    ids = [row["id"] for row in rows]
    filters = _filters_of(tx, ids) if rows else {}
    own_taxes = taxes.find_applied(tx, organization_id=rows[0]["organization_id"], target_ids=[*ids, *taxed]) if rows else {}
    for row in rows:
        metric = _metric({column.name: row[f"metric_{column.name}"] for column in _METRIC_COLUMNS})
        found[row["plan_id"]].append(
            Charge(
                id=row["id"],
                organization_id=row["organization_id"],
                plan_id=row["plan_id"],
                metric=metric,
                code=row["code"],
                charge_model=ChargeModel(row["charge_model"]),
                invoice_display_name=row["invoice_display_name"],
                pay_in_advance=row["pay_in_advance"],
                prorated=row["prorated"],
                invoiceable=row["invoiceable"],
                regroup_paid_fees=row["regroup_paid_fees"],
                min_amount_cents=row["min_amount_cents"],
                accepts_target_wallet=row["accepts_target_wallet"],
                properties=row["properties"],
                filters=tuple(filters.get(row["id"], ())),
                created_at=row["created_at"],
                taxes=own_taxes[row["id"]],
                parent_id=row["parent_id"],
                pricing_unit=_unit(row),
            )
        )
    return found


def _unit(row: RowMapping) -> PricingUnit | None:
    if row["pricing_unit_id"] is None:
        return None
    return PricingUnit(
        id=row["pricing_unit_id"], code=row["unit_code"], short_name=row["unit_short_name"], conversion_rate=row["conversion_rate"]
    )


def _filters_of(tx: Connection, charge_ids: Sequence[UUID]) -> dict[UUID, list[ChargeFilter]]:
    table = charge_filters.c
    statement = sa.select(charge_filters).where(table.charge_id.in_(charge_ids), table.deleted_at.is_(None))
    found: dict[UUID, list[ChargeFilter]] = defaultdict(list)
    for row in tx.execute(statement.order_by(table.charge_id, table.position, table.created_at, table.id)).mappings():
        item = ChargeFilter(
            id=row["id"],
            invoice_display_name=row["invoice_display_name"],
            values=row["values"],
            properties=row["properties"],
            created_at=row["created_at"],
        )
        found[row["charge_id"]].append(item)
    return found
