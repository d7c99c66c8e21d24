"""All SQL about invoices, their lines and fees."""

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection, RowMapping

from daycount import errors
from daycount.catalog.tables import charges
from daycount.customers.tables import customers
from daycount.engine.fees import Breakdown
from daycount.engine.pricing_units import UnitAmounts
from daycount.infra.database import copy_structs, is_any
from daycount.invoicing.records import (
    VISIBLE_STATUSES,
    AppliedTax,
    BillingRun,
    Documents,
    Fee,
    Invoice,
    InvoiceFilter,
    InvoiceLine,
    InvoiceMetadata,
    Reason,
    RunSum,
)
from daycount.invoicing.tables import fees, invoice_subscriptions, invoices
from daycount.organizations.tables import billing_entities
from daycount.subscriptions.tables import subscriptions

_SEARCHED = ("name", "firstname", "lastname", "external_id", "email")


def insert(tx: Connection, documents: Documents) -> None:
    """
    Write invoices, lines and fees with one COPY each.

    The unique windows of `invoice_subscriptions` refuse to bill anything twice.
    """
    for table, struct, rows in (
        (invoices, Invoice, documents.invoices),
        (invoice_subscriptions, InvoiceLine, documents.lines),
        (fees, Fee, documents.fees),
    ):
        copy_structs(tx, table, struct, rows)


def _invoice(row: RowMapping) -> Invoice:
    values = {name: row[name] for name in Invoice.__struct_fields__}
    return Invoice(**values | {"applied_taxes": _applied_taxes(row), "metadata": msgspec.convert(row["metadata"], list[InvoiceMetadata])})


def _line(row: RowMapping) -> InvoiceLine:
    values = {name: row[name] for name in InvoiceLine.__struct_fields__}
    return InvoiceLine(**values | {"invoicing_reason": Reason(values["invoicing_reason"])})


def _fee(row: RowMapping) -> Fee:
    values = {name: row[name] for name in Fee.__struct_fields__}
    in_units = None if row["in_units"] is None else msgspec.convert(row["in_units"], UnitAmounts)
    breakdowns = msgspec.convert(row["breakdowns"], list[Breakdown])
    return Fee(**values | {"applied_taxes": _applied_taxes(row), "in_units": in_units, "breakdowns": breakdowns})


def _applied_taxes(row: RowMapping) -> list[AppliedTax]:
    return msgspec.convert(row["applied_taxes"], list[AppliedTax])


def read_fee(row: RowMapping) -> Fee:
    """Read a fee from its row, for the other stores of the package."""
    return _fee(row)


def find_invoice(tx: Connection, *, organization_id: UUID, invoice_id: UUID, lock: bool = False) -> Invoice | None:
    """Return a visible invoice; `lock` holds its row until the transaction ends."""
    table = invoices.c
    statement = sa.select(invoices).where(
        table.organization_id == organization_id, table.id == invoice_id, table.status.in_(VISIBLE_STATUSES)
    )
    if lock:
        statement = statement.with_for_update()
    row = tx.execute(statement).mappings().one_or_none()
    return None if row is None else _invoice(row)


def find_invoices(tx: Connection, *, organization_id: UUID, ids: Sequence[UUID], lock: bool = False) -> list[Invoice]:
    """Return invoices by id, whatever their status, in the order they were made; `lock` holds their rows."""
    table = invoices.c
    statement = sa.select(invoices).where(table.organization_id == organization_id, is_any(table.id, ids))
    statement = statement.order_by(table.created_at, table.id)
    return [_invoice(row) for row in tx.execute(statement.with_for_update() if lock else statement).mappings()]


def list_open(tx: Connection, *, organization_id: UUID, subscription_id: UUID) -> list[Invoice]:
    """Return the open invoices of a row, which it waits for; locked."""
    table, line = invoices.c, invoice_subscriptions.c
    lines = sa.select(line.invoice_id).where(line.organization_id == organization_id, line.subscription_id == subscription_id)
    statement = sa.select(invoices).where(table.organization_id == organization_id, table.id.in_(lines), table.status == "open")
    return [_invoice(row) for row in tx.execute(statement.order_by(table.id).with_for_update()).mappings()]


def list_drafts(tx: Connection, *, organization_id: UUID, customer_id: UUID) -> list[Invoice]:
    """Return the drafts of a customer."""
    table = invoices.c
    statement = sa.select(invoices).where(
        table.organization_id == organization_id, table.customer_id == customer_id, table.status == "draft"
    )
    return [_invoice(row) for row in tx.execute(statement.order_by(table.created_at, table.id)).mappings()]


def lock_pending(tx: Connection, *, organization_id: UUID, customer_ids: Collection[UUID]) -> list[Invoice]:
    """Return the invoices of customers that wait for their taxes, in the order they were made; their rows are held."""
    table = invoices.c
    statement = sa.select(invoices).where(
        table.organization_id == organization_id, is_any(table.customer_id, customer_ids), table.status == "pending"
    )
    return [_invoice(row) for row in tx.execute(statement.order_by(table.created_at, table.id).with_for_update()).mappings()]


def find_entity_codes(tx: Connection, *, organization_id: UUID, invoice_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the codes of the billing entities that issue invoices, by invoice. One query, none without invoices."""
    if not invoice_ids:
        return {}
    statement = (
        sa.select(invoices.c.id, billing_entities.c.code)
        .join(billing_entities, billing_entities.c.id == invoices.c.billing_entity_id)
        .where(invoices.c.organization_id == organization_id, is_any(invoices.c.id, set(invoice_ids)))
    )
    return {row.id: row.code for row in tx.execute(statement)}


class Scope(NamedTuple):
    """What a fee is of, as limits of coupons and wallets see it: the metric, and the plan or the one it overrides."""

    metric_id: UUID | None
    plan_id: UUID | None


_SCOPES = sa.text("""
select f.id, c.billable_metric_id, coalesce(p.parent_id, p.id) as plan_id
from fees f left join charges c on c.id = f.charge_id left join subscriptions s on s.id = f.subscription_id
left join plans p on p.id = s.plan_id
where f.invoice_id = any(:invoice_ids)
""")


def find_scopes(tx: Connection, *, invoice_ids: Sequence[UUID]) -> dict[UUID, Scope]:
    """Return what the fees of invoices are of, by fee."""
    return {row.id: Scope(row.billable_metric_id, row.plan_id) for row in tx.execute(_SCOPES, {"invoice_ids": list(invoice_ids)})}


def has_regenerated(tx: Connection, *, organization_id: UUID, voided_invoice_id: UUID) -> bool:
    """Tell whether an invoice that is not void itself was made from a voided one."""
    table = invoices.c
    made = sa.exists().where(
        table.organization_id == organization_id, table.voided_invoice_id == voided_invoice_id, table.status == "finalized"
    )
    return bool(tx.execute(sa.select(made)).scalar_one())


def list_all_drafts(tx: Connection, *, organization_id: UUID, about: Sequence[UUID] | None = None) -> list[Invoice]:
    """Return the drafts of an organization; with `about` those of these customers, billing entities, plans or charges."""
    table = invoices.c
    statement = sa.select(invoices).where(table.organization_id == organization_id, table.status == "draft")
    if about is not None:
        plans = sa.select(charges.c.plan_id).where(charges.c.id.in_(about))
        line = invoice_subscriptions.c
        lines = sa.select(line.invoice_id).where(line.invoice_id == table.id, sa.or_(line.plan_id.in_(about), line.plan_id.in_(plans)))
        statement = statement.where(sa.or_(table.customer_id.in_(about), table.billing_entity_id.in_(about), lines.exists()))
    return [_invoice(row) for row in tx.execute(statement.order_by(table.created_at, table.id)).mappings()]


_SEED_NUMBERS = sa.text("""
update billing_entities set invoice_sequence = greatest(invoice_sequence, (
    select count(*) from invoices where billing_entity_id = :entity_id and sequential_id is not null and not self_billed
)) where id = :entity_id
""")


def seed_numbers(tx: Connection, *, entity_id: UUID) -> None:
    """Let the running numbers of a billing entity go on from how many of its invoices have a number."""
    tx.execute(_SEED_NUMBERS, {"entity_id": entity_id})


def list_made_after(tx: Connection, *, organization_id: UUID, marker: UUID) -> list[Invoice]:
    """Return the visible invoices whose ids were given after an id, in the order they were made."""
    table = invoices.c
    statement = sa.select(invoices).where(table.organization_id == organization_id, table.id > marker, table.status.in_(VISIBLE_STATUSES))
    return [_invoice(row) for row in tx.execute(statement.order_by(table.created_at, table.id)).mappings()]


def update_invoices(tx: Connection, changed: Sequence[Invoice]) -> None:
    """Write changed invoices, in one statement for all."""
    if not changed:
        return
    names = [name for name in Invoice.__struct_fields__ if name != "id"]
    statement = invoices.update().where(invoices.c.id == sa.bindparam("invoice_id"))
    statement = statement.values({name: sa.bindparam(f"new_{name}") for name in names})
    values = [{"invoice_id": row.id, **{f"new_{name}": _column(name, getattr(row, name)) for name in names}} for row in changed]
    tx.execute(statement, values)


def _column(name: str, value: Any) -> Any:
    return msgspec.to_builtins(value) if name in ("applied_taxes", "metadata") else value


def replace_fees(tx: Connection, *, invoice_ids: Sequence[UUID], made: Sequence[Fee]) -> None:
    """Put other fees in the place of those of invoices."""
    tx.execute(fees.delete().where(fees.c.invoice_id.in_(invoice_ids)))
    copy_structs(tx, fees, Fee, made)


def clear_snapshots(tx: Connection, *, invoice_ids: Sequence[UUID]) -> None:
    """Forget what finalized drafts were computed from."""
    table = invoice_subscriptions
    tx.execute(table.update().where(table.c.invoice_id.in_(invoice_ids)).values(snapshot=None))


def set_fees_payment_status(tx: Connection, *, invoice_id: UUID, payment_status: str, at: datetime) -> None:
    """Give the fees of an invoice its payment status, and the instant it came to it."""
    instants = {f"{name}_at": at if name == payment_status else None for name in ("succeeded", "failed", "refunded")}
    tx.execute(fees.update().where(fees.c.invoice_id == invoice_id).values(payment_status=payment_status, **instants))


def mark_overdue(tx: Connection, *, organization_id: UUID, ids: Sequence[UUID], at: datetime) -> list[Invoice]:
    """Mark invoices that are still to be paid as overdue and return them."""
    table = invoices.c
    due = table.total_amount_cents - table.total_paid_amount_cents - table.offset_amount_cents
    statement = (
        invoices.update()
        .where(table.organization_id == organization_id, is_any(table.id, ids), table.status == "finalized", due > 0)
        .where(table.payment_status != "succeeded", table.payment_dispute_lost_at.is_(None), sa.not_(table.payment_overdue))
        .values(payment_overdue=True, updated_at=at)
        .returning(invoices)
    )
    return [_invoice(row) for row in tx.execute(statement).mappings()]


def list_overdue(tx: Connection, *, organization_id: UUID, customer_ids: Sequence[UUID]) -> list[Invoice]:
    """Return the overdue invoices of customers that do not bill themselves, the oldest first."""
    table = invoices.c
    statement = sa.select(invoices).where(table.organization_id == organization_id, table.customer_id.in_(customer_ids))
    statement = statement.where(table.payment_overdue, table.status == "finalized", sa.not_(table.self_billed))
    return [_invoice(row) for row in tx.execute(statement.order_by(table.issuing_date, table.number, table.id)).mappings()]


def count_runs(tx: Connection, *, organization_id: UUID) -> int:
    """Count the instants at which subscriptions were billed."""
    line = invoice_subscriptions.c
    statement = sa.select(sa.func.count(sa.distinct(line.billed_at))).where(line.organization_id == organization_id)
    return int(tx.execute(statement).scalar_one())


def list_runs(tx: Connection, *, organization_id: UUID, limit: int, offset: int) -> list[BillingRun]:
    """Return a page of the instants at which subscriptions were billed with what they came to, the latest first. Two queries."""
    line = invoice_subscriptions.c
    instants = (
        sa.select(line.billed_at, sa.func.count(sa.distinct(line.subscription_id)).label("subscriptions"))
        .where(line.organization_id == organization_id)
        .group_by(line.billed_at)
        .order_by(line.billed_at.desc())
        .limit(limit)
        .offset(offset)
    )
    counts = {row.billed_at: row.subscriptions for row in tx.execute(instants)}
    billed = (
        sa.select(line.billed_at, line.invoice_id)
        .where(line.organization_id == organization_id, line.billed_at.in_(list(counts)))
        .distinct()
        .subquery()
    )
    table = invoices.c
    totals = (
        sa.select(
            billed.c.billed_at, table.currency, table.status, sa.func.count(), sa.cast(sa.func.sum(table.total_amount_cents), sa.BigInteger)
        )
        .join(invoices, table.id == billed.c.invoice_id)
        .where(table.status.in_(VISIBLE_STATUSES))
        .group_by(billed.c.billed_at, table.currency, table.status)
        .order_by(billed.c.billed_at, table.currency, table.status)
    )
    sums: dict[datetime, list[RunSum]] = {at: [] for at in counts}
    for at, currency, status, number, cents in tx.execute(totals):
        sums[at].append(RunSum(currency, status, number, cents))
    return [BillingRun(at, counts[at], sums[at]) for at in counts]


def find_invoice_by_number(tx: Connection, number: str) -> Invoice | None:
    """Return the visible invoice of that number, of whatever organization; for the operator's command line."""
    statement = sa.select(invoices).where(invoices.c.number == number, invoices.c.status.in_(VISIBLE_STATUSES)).limit(1)
    row = tx.execute(statement).mappings().one_or_none()
    return None if row is None else _invoice(row)


def find_named(tx: Connection, name: str) -> Invoice:
    """Return the invoice of an id or a number, of whatever organization; for the operator's command line. Raises NotFound."""
    try:
        found = find_any(tx, UUID(name))
    except ValueError:
        found = find_invoice_by_number(tx, name)
    if found is None:
        raise errors.NotFound("invoice")
    return found


def find_any(tx: Connection, invoice_id: UUID) -> Invoice | None:
    """Return the invoice of that id, of whatever organization; for the operator's command line."""
    row = tx.execute(sa.select(invoices).where(invoices.c.id == invoice_id)).mappings().one_or_none()
    return None if row is None else _invoice(row)


def find_any_fee(tx: Connection, fee_id: UUID) -> Fee | None:
    """Return the fee of that id, of whatever organization; for the operator's command line."""
    row = tx.execute(sa.select(fees).where(fees.c.id == fee_id)).mappings().one_or_none()
    return None if row is None else _fee(row)


def find_last_base_fee(tx: Connection, *, subscription_id: UUID) -> Fee | None:
    """Return the latest base fee of a row, unless its invoice is voided."""
    statement = (
        sa.select(fees, invoices.c.status.label("invoice_status"))
        .join(invoices, invoices.c.id == fees.c.invoice_id)
        .where(fees.c.subscription_id == subscription_id, fees.c.fee_type == "subscription")
        .order_by(fees.c.shown_from.desc(), fees.c.id.desc())
        .limit(1)
    )
    row = tx.execute(statement).mappings().one_or_none()
    return None if row is None or row["invoice_status"] == "voided" else _fee(row)


def list_billed_since(tx: Connection, *, organization_id: UUID, external_id: str, since: datetime) -> list[Invoice]:
    """Return the visible invoices that bill the rows of an external id at `since` or later, in the order of their instants."""
    line = invoice_subscriptions.c
    rows = sa.select(subscriptions.c.id).where(
        subscriptions.c.organization_id == organization_id, subscriptions.c.external_id == external_id
    )
    wanted = sa.select(line.invoice_id).where(
        line.organization_id == organization_id, line.subscription_id.in_(rows), line.billed_at >= since
    )
    statement = sa.select(invoices).where(invoices.c.id.in_(wanted), invoices.c.status.in_(VISIBLE_STATUSES))
    return [_invoice(row) for row in tx.execute(statement.order_by(invoices.c.created_at, invoices.c.id).limit(1000)).mappings()]


def list_lines(tx: Connection, *, organization_id: UUID, invoice_ids: Sequence[UUID]) -> list[InvoiceLine]:
    """Return the lines of invoices."""
    table = invoice_subscriptions.c
    statement = sa.select(invoice_subscriptions).where(table.organization_id == organization_id, table.invoice_id.in_(invoice_ids))
    return [_line(row) for row in tx.execute(statement.order_by(table.invoice_id, table.id)).mappings()]


def list_fees(tx: Connection, *, organization_id: UUID, invoice_ids: Sequence[UUID]) -> list[Fee]:
    """Return the fees of invoices, in their order."""
    table = fees.c
    statement = sa.select(fees).where(table.organization_id == organization_id, table.invoice_id.in_(invoice_ids))
    return [_fee(row) for row in tx.execute(statement.order_by(table.invoice_id, table.position, table.id)).mappings()]


def _usage_periods(organization_id: UUID, owner: str, external_id: str) -> list[sa.ColumnElement[bool]]:
    line = invoice_subscriptions.c
    return [
        line.organization_id == organization_id,
        line.charges_from.is_not(None),
        invoices.c.status.in_(VISIBLE_STATUSES),
        subscriptions.c.external_id == external_id,
        customers.c.external_id == owner,
    ]


_PERIODS = (
    invoice_subscriptions.join(invoices, invoices.c.id == invoice_subscriptions.c.invoice_id)
    .join(subscriptions, subscriptions.c.id == invoice_subscriptions.c.subscription_id)
    .join(customers, customers.c.id == invoices.c.customer_id)
)


def count_usage_periods(tx: Connection, *, organization_id: UUID, owner: str, external_id: str) -> int:
    """Count the invoiced periods of usage of a customer's subscription, by their external ids."""
    statement = sa.select(sa.func.count()).select_from(_PERIODS).where(*_usage_periods(organization_id, owner, external_id))
    return int(tx.execute(statement).scalar_one())


def list_usage_periods(
    tx: Connection, *, organization_id: UUID, owner: str, external_id: str, limit: int, offset: int
) -> list[tuple[InvoiceLine, Invoice]]:
    """Return a page of invoiced periods of usage with their invoices, the latest first. Two queries."""
    line = invoice_subscriptions.c
    statement = (
        sa.select(invoice_subscriptions)
        .select_from(_PERIODS)
        .where(*_usage_periods(organization_id, owner, external_id))
        .order_by(line.charges_from.desc(), line.id)
        .limit(limit)
        .offset(offset)
    )
    lines = [_line(row) for row in tx.execute(statement).mappings()]
    wanted = sa.select(invoices).where(invoices.c.id.in_([item.invoice_id for item in lines]))
    found = {row["id"]: _invoice(row) for row in tx.execute(wanted).mappings()}
    return [(item, found[item.invoice_id]) for item in lines]


def find_usage_invoice(
    tx: Connection, *, organization_id: UUID, subscription_id: UUID, charges_from: datetime
) -> tuple[InvoiceLine, Invoice] | None:
    """Return the invoice that bills the usage of a subscription from an instant on, with its line. Two queries."""
    line = invoice_subscriptions.c
    statement = sa.select(invoice_subscriptions).where(
        line.organization_id == organization_id, line.subscription_id == subscription_id, line.charges_from == charges_from
    )
    row = tx.execute(statement.order_by(line.billed_at, line.id).limit(1)).mappings().one_or_none()
    if row is None:
        return None
    found = _line(row)
    invoice = find_invoice(tx, organization_id=organization_id, invoice_id=found.invoice_id)
    return None if invoice is None else (found, invoice)


def _filtered(organization_id: UUID, query: InvoiceFilter) -> list[sa.ColumnElement[bool]]:
    table = invoices.c
    conditions: list[sa.ColumnElement[bool]] = [
        table.organization_id == organization_id,
        table.status.in_(query.statuses or VISIBLE_STATUSES),
    ]
    optional: dict[Any, Any] = {
        customers.c.external_id: query.external_customer_id,
        table.currency: query.currency,
        table.invoice_type: query.invoice_type,
    }
    conditions.extend(column == value for column, value in optional.items() if value is not None)
    if query.purchase_order_number is not None:
        conditions.append(sa.func.lower(table.purchase_order_number) == query.purchase_order_number.lower())
    if query.payment_statuses:
        conditions.append(table.payment_status.in_(query.payment_statuses))
    conditions.extend(_states(query))
    if query.issuing_date_from is not None:
        conditions.append(table.issuing_date >= query.issuing_date_from)
    if query.issuing_date_to is not None:
        conditions.append(table.issuing_date <= query.issuing_date_to)
    if query.amount_from is not None:
        conditions.append(table.total_amount_cents >= query.amount_from)
    if query.amount_to is not None:
        conditions.append(table.total_amount_cents <= query.amount_to)
    if query.search_term:
        term = query.search_term
        found = [customers.c[name].icontains(term, autoescape=True) for name in _SEARCHED]
        conditions.append(sa.or_(table.number.icontains(term, autoescape=True), sa.cast(table.id, sa.Text) == term, *found))
    if query.entity_ids:
        conditions.append(table.billing_entity_id.in_(query.entity_ids))
    return conditions


def _states(query: InvoiceFilter) -> list[sa.ColumnElement[bool]]:
    """Write the filters about payment, disputes and metadata."""
    table = invoices.c
    states: list[tuple[bool | None, sa.ColumnElement[bool]]] = [
        (query.payment_overdue, table.payment_overdue),
        (query.payment_dispute_lost, table.payment_dispute_lost_at.is_not(None)),
        (query.partially_paid, sa.and_(table.total_paid_amount_cents > 0, table.total_paid_amount_cents < table.total_amount_cents)),
        (query.self_billed, table.self_billed),
    ]
    conditions = [condition if wanted else sa.not_(condition) for wanted, condition in states if wanted is not None]
    settled = {"payment": table.total_paid_amount_cents > 0, "credit_note": table.offset_amount_cents > 0}
    if query.settlements:
        conditions.append(sa.or_(*(settled[name] for name in query.settlements)))
    for key, value in query.metadata.items():
        if value:
            conditions.append(table.metadata.contains([{"key": key, "value": value}]))
        else:
            conditions.append(sa.not_(table.metadata.contains([{"key": key}])))
    return conditions


def count_invoices(tx: Connection, *, organization_id: UUID, query: InvoiceFilter) -> int:
    """Count the invoices that a list shows."""
    joined = sa.select(sa.func.count()).select_from(invoices.join(customers, customers.c.id == invoices.c.customer_id))
    return int(tx.execute(joined.where(*_filtered(organization_id, query))).scalar_one())


def list_invoices(tx: Connection, *, organization_id: UUID, query: InvoiceFilter, limit: int, offset: int) -> list[Invoice]:
    """Return a page of invoices: latest issuing date first, then latest creation."""
    table = invoices.c
    statement = (
        sa.select(invoices)
        .join(customers, customers.c.id == table.customer_id)
        .where(*_filtered(organization_id, query))
        .order_by(table.issuing_date.desc(), table.created_at.desc(), table.id)
        .limit(limit)
        .offset(offset)
    )
    return [_invoice(row) for row in tx.execute(statement).mappings()]


class DraftAmount(NamedTuple):
    """What a fee on a draft comes to with its taxes, without usage that was billed before, in minor units."""

    customer_id: UUID
    currency: str
    fee_type: str
    metric_id: UUID | None
    target_wallet_code: str | None
    amount_cents: Decimal


_DRAFT_AMOUNTS = sa.text("""
select i.customer_id, i.currency, f.fee_type, c.billable_metric_id, f.grouped_by ->> 'target_wallet_code' as target_wallet_code,
       sum(f.amount_cents - f.precise_coupons_amount_cents + f.taxes_amount_cents) as amount_cents
from invoices i join fees f on f.invoice_id = i.id left join charges c on c.id = f.charge_id
where i.organization_id = :organization_id and i.customer_id = any(:customer_ids) and i.status = 'draft' and i.total_amount_cents <> 0
group by 1, 2, 3, 4, 5
""")


def list_draft_amounts(tx: Connection, *, organization_id: UUID, customer_ids: Collection[UUID]) -> list[DraftAmount]:
    """Add up what stands on drafts of customers, by currency, type of fee, metric and the wallet that is to pay."""
    found = tx.execute(_DRAFT_AMOUNTS, {"organization_id": organization_id, "customer_ids": list(customer_ids)})
    return [DraftAmount(*row) for row in found]
