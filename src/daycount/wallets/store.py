"""All SQL about wallets."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Connection, RowMapping
from sqlalchemy.exc import IntegrityError

from daycount import errors
from daycount.catalog.tables import billable_metrics
from daycount.customers.tables import customers
from daycount.engine.wallets.allocation import Lot
from daycount.engine.wallets.top_ups import Method, RuleInterval, Trigger
from daycount.infra.database import copy_rows, is_any
from daycount.organizations.tables import billing_entities
from daycount.wallets.records import (
    Consumption,
    Direction,
    MetricTarget,
    Origin,
    PaymentMethod,
    Rule,
    Settlement,
    Source,
    TransactionFilter,
    Wallet,
    WalletFilter,
    WalletStatus,
    WalletTransaction,
)
from daycount.wallets.tables import wallet_consumptions, wallet_rules, wallet_transactions, wallets

_JOINED = ("external_customer_id", "billing_entity_code", "metrics", "rules")
_own_entity = billing_entities.alias("own_entity")
_customer_entity = billing_entities.alias("customer_entity")
_SELECT = sa.select(
    wallets,
    customers.c.external_id.label("external_customer_id"),
    sa.func.coalesce(_own_entity.c.code, _customer_entity.c.code).label("billing_entity_code"),
).select_from(
    wallets.join(customers, customers.c.id == wallets.c.customer_id)
    .join(_customer_entity, _customer_entity.c.id == customers.c.billing_entity_id)
    .outerjoin(_own_entity, _own_entity.c.id == wallets.c.billing_entity_id)
)


def insert_wallet(tx: Connection, wallet: Wallet) -> None:
    """Write a new wallet, without its rules. Raises Invalid when an active one of the customer has its code."""
    _write(tx, wallets.insert().values(_values(wallet)))


def update_wallet(tx: Connection, wallet: Wallet) -> None:
    """Write a changed wallet, without its rules. Raises Invalid when another active one has its code."""
    _write(tx, wallets.update().where(wallets.c.id == wallet.id).values(_values(wallet)))


def _write(tx: Connection, statement: sa.Executable) -> None:
    try:
        with tx.begin_nested():
            tx.execute(statement)
    except IntegrityError as error:
        raise errors.Invalid({"code": ["value_already_exist"]}) from error


def _values(wallet: Wallet) -> dict[str, Any]:
    values = {name: getattr(wallet, name) for name in Wallet.__struct_fields__ if name not in _JOINED}
    values |= {
        "metric_ids": [metric.id for metric in wallet.metrics],
        "fee_types": list(wallet.fee_types),
        "payment_method": wallet.payment_method._asdict(),
    }
    return values


def find_wallets(
    tx: Connection,
    *,
    organization_id: UUID,
    ids: Collection[UUID] | None = None,
    customer_ids: Collection[UUID] | None = None,
    code: str | None = None,
    active_only: bool = False,
    lock: bool = False,
) -> list[Wallet]:
    """
    Return wallets by id or by customer, in the order they pay: priority, then age. Three queries.

    `lock` locks their rows, in the order of ids.
    """
    table = wallets.c
    wanted = [table.organization_id == organization_id]
    if ids is not None:
        wanted.append(is_any(table.id, ids))
    if customer_ids is not None:
        wanted.append(is_any(table.customer_id, customer_ids))
    if code is not None:
        wanted.append(table.code == code)
    if active_only:
        wanted.append(table.status == WalletStatus.ACTIVE)
    if lock and not tx.execute(sa.select(table.id).where(*wanted).order_by(table.id).with_for_update()).all():
        return []
    return _read(tx, _SELECT.where(*wanted).order_by(table.priority, table.created_at, table.id))


def list_wallets(tx: Connection, *, organization_id: UUID, query: WalletFilter, limit: int, offset: int) -> list[Wallet]:
    """Return a page of wallets, newest first."""
    table = wallets.c
    statement = _SELECT.where(*_filtered(organization_id, query)).order_by(table.created_at.desc(), table.id)
    return _read(tx, statement.limit(limit).offset(offset))


def count_wallets(tx: Connection, *, organization_id: UUID, query: WalletFilter) -> int:
    """Count what `list_wallets` pages through."""
    found = _SELECT.where(*_filtered(organization_id, query)).subquery()
    return int(tx.execute(sa.select(sa.func.count()).select_from(found)).scalar_one())


def _filtered(organization_id: UUID, query: WalletFilter) -> list[sa.ColumnElement[bool]]:
    wanted: list[sa.ColumnElement[bool]] = [wallets.c.organization_id == organization_id]
    if query.customer_id is not None:
        wanted.append(wallets.c.customer_id == query.customer_id)
    if query.currency is not None:
        wanted.append(wallets.c.currency == query.currency)
    if query.billing_entity_codes:
        wanted.append(sa.func.coalesce(_own_entity.c.code, _customer_entity.c.code).in_(query.billing_entity_codes))
    return wanted


def count_active(tx: Connection, *, customer_id: UUID) -> int:
    """Count a customer's active wallets."""
    statement = sa.select(sa.func.count()).where(wallets.c.customer_id == customer_id, wallets.c.status == WalletStatus.ACTIVE)
    return int(tx.execute(statement).scalar_one())


def _read(tx: Connection, statement: sa.Select[Any]) -> list[Wallet]:
    rows = list(tx.execute(statement).mappings())
    if not rows:
        return []
    rules: dict[UUID, list[Rule]] = defaultdict(list)
    own = sa.select(wallet_rules).where(is_any(wallet_rules.c.wallet_id, [row["id"] for row in rows]), wallet_rules.c.status == "active")
    for row in tx.execute(own.order_by(wallet_rules.c.created_at, wallet_rules.c.id)).mappings():
        rules[row["wallet_id"]].append(_rule(row))
    metric_ids = {metric_id for row in rows for metric_id in row["metric_ids"]}
    codes: dict[UUID, str] = {}
    if metric_ids:
        found = tx.execute(sa.select(billable_metrics.c.id, billable_metrics.c.code).where(billable_metrics.c.id.in_(metric_ids)))
        codes = {row.id: row.code for row in found}
    return [_wallet(row, rules[row["id"]], codes) for row in rows]


def _wallet(row: RowMapping, rules: Sequence[Rule], codes: Mapping[UUID, str]) -> Wallet:
    values = {name: row[name] for name in Wallet.__struct_fields__ if name not in ("metrics", "rules")}
    return Wallet(
        **values
        | {
            "status": WalletStatus(row["status"]),
            "payment_method": PaymentMethod(**row["payment_method"]),
            "metrics": tuple(MetricTarget(metric_id, codes[metric_id]) for metric_id in row["metric_ids"] if metric_id in codes),
            "rules": tuple(rules),
        }
    )


def _rule(row: RowMapping) -> Rule:
    return Rule(
        **dict(row)
        | {
            "trigger": Trigger(row["trigger"]),
            "method": Method(row["method"]),
            "interval": None if row["interval"] is None else RuleInterval(row["interval"]),
            "status": WalletStatus(row["status"]),
            "payment_method": PaymentMethod(**row["payment_method"]),
        }
    )


def save_rule(tx: Connection, rule: Rule) -> None:
    """Write a rule, new or changed."""
    values = {name: getattr(rule, name) for name in Rule.__struct_fields__} | {"payment_method": rule.payment_method._asdict()}
    values["transaction_metadata"] = list(rule.transaction_metadata)
    changed = tx.execute(wallet_rules.update().where(wallet_rules.c.id == rule.id).values(values)).rowcount
    if not changed:
        tx.execute(wallet_rules.insert().values(values))


def end_rules(tx: Connection, *, wallet_ids: Collection[UUID] = (), rule_ids: Collection[UUID] = ()) -> None:
    """End rules: named ones, and all of some wallets."""
    named = sa.or_(wallet_rules.c.wallet_id.in_(wallet_ids), wallet_rules.c.id.in_(rule_ids))
    tx.execute(wallet_rules.update().where(named, wallet_rules.c.status == "active").values(status="terminated"))


def find_rule_wallets(tx: Connection, *, rule_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Return the wallet of each rule that is active."""
    statement = sa.select(wallet_rules.c.id, wallet_rules.c.wallet_id).where(
        wallet_rules.c.id.in_(rule_ids), wallet_rules.c.status == "active"
    )
    return {row.id: row.wallet_id for row in tx.execute(statement)}


_TRANSACTION_COLUMNS = tuple(column.name for column in wallet_transactions.c)


def insert_transactions(tx: Connection, transactions: Sequence[WalletTransaction]) -> None:
    """Write new transactions with one COPY."""

    def row(item: WalletTransaction) -> list[object]:
        values = {name: getattr(item, name) for name in _TRANSACTION_COLUMNS}
        values |= {"payment_method": item.payment_method._asdict(), "metadata": list(item.metadata)}
        return [values[name] for name in _TRANSACTION_COLUMNS]

    copy_rows(tx, wallet_transactions, _TRANSACTION_COLUMNS, [row(item) for item in transactions])


def insert_consumptions(tx: Connection, rows: Sequence[Consumption]) -> None:
    """Write what paid for what, with one COPY."""
    names = Consumption.__struct_fields__
    copy_rows(tx, wallet_consumptions, names, [[getattr(row, name) for name in names] for row in rows])


_LOWER_LOTS = sa.text("""
update wallet_transactions t set remaining_amount_cents = t.remaining_amount_cents - u.amount
from unnest(cast(:ids as uuid[]), cast(:amounts as bigint[])) as u(id, amount) where t.id = u.id
""")


def lower_lots(tx: Connection, amounts: Mapping[UUID, int]) -> None:
    """Take amounts, in minor units, from what is left of inbound transactions. One statement."""
    if amounts:
        tx.execute(_LOWER_LOTS, {"ids": list(amounts), "amounts": list(amounts.values())})


_MOVE = sa.text("""
update wallets w set
    balance_cents = w.balance_cents + m.cents,
    credits_balance = w.credits_balance + m.credits,
    ongoing_balance_cents = w.ongoing_balance_cents + m.cents,
    consumed_amount_cents = greatest(w.consumed_amount_cents + m.consumed_cents, 0),
    consumed_credits = greatest(w.consumed_credits + m.consumed_credits, 0),
    last_balance_sync_at = :at,
    last_consumed_credit_at = case when m.consumed_cents > 0 then cast(:at as timestamptz) else w.last_consumed_credit_at end,
    updated_at = :at
from (
    select id, sum(cents) as cents, sum(credits) as credits,
           sum(consumed_cents) as consumed_cents, sum(consumed_credits) as consumed_credits
    from unnest(cast(:ids as uuid[]), cast(:cents as bigint[]), cast(:credits as numeric[]), cast(:consumed_cents as bigint[]),
                cast(:consumed_credits as numeric[])) as u(id, cents, credits, consumed_cents, consumed_credits)
    group by id
) as m
where w.id = m.id
""")


def move_balances(tx: Connection, moves: Sequence[tuple[UUID, int, Decimal, int, Decimal]], *, at: datetime) -> None:
    """
    Move settled balances. One statement; the rows must be locked.

    Each move is (wallet, cents, credits, consumed cents, consumed credits).
    """
    if moves:
        names = ("ids", "cents", "credits", "consumed_cents", "consumed_credits")
        values = dict(zip(names, (list(column) for column in zip(*moves, strict=True)), strict=True))
        tx.execute(_MOVE, values | {"at": at})


def find_lots(tx: Connection, *, wallet_ids: Collection[UUID]) -> dict[UUID, list[Lot]]:
    """Return, by wallet, the settled inbound transactions of which something is left."""
    table = wallet_transactions.c
    columns = (table.id, table.wallet_id, table.remaining_amount_cents, table.priority, table.transaction_status, table.created_at)
    found: dict[UUID, list[Lot]] = defaultdict(list)
    for row in tx.execute(sa.select(*columns).where(is_any(table.wallet_id, wallet_ids), table.remaining_amount_cents > 0)):
        found[row.wallet_id].append(
            Lot(
                transaction_id=row.id,
                remaining=row.remaining_amount_cents,
                priority=row.priority,
                is_granted=row.transaction_status == Origin.GRANTED,
                created_at=row.created_at,
            )
        )
    return found


def find_transactions(
    tx: Connection, *, organization_id: UUID, ids: Collection[UUID] | None = None, invoice_ids: Collection[UUID] | None = None
) -> list[WalletTransaction]:
    """Return transactions by id or by the invoice they belong to, oldest first."""
    table = wallet_transactions.c
    wanted = [table.organization_id == organization_id]
    if ids is not None:
        wanted.append(table.id.in_(ids))
    if invoice_ids is not None:
        wanted.append(table.invoice_id.in_(invoice_ids))
    return [
        _transaction(row)
        for row in tx.execute(sa.select(wallet_transactions).where(*wanted).order_by(table.created_at, table.id)).mappings()
    ]


def _transaction(row: RowMapping) -> WalletTransaction:
    return WalletTransaction(
        **dict(row)
        | {
            "transaction_type": Direction(row["transaction_type"]),
            "status": Settlement(row["status"]),
            "transaction_status": Origin(row["transaction_status"]),
            "source": Source(row["source"]),
            "payment_method": PaymentMethod(**row["payment_method"]),
        }
    )


def list_transactions(tx: Connection, *, wallet_id: UUID, query: TransactionFilter, limit: int, offset: int) -> list[WalletTransaction]:
    """Return a page of a wallet's transactions, newest first."""
    table = wallet_transactions.c
    statement = sa.select(wallet_transactions).where(*_of_wallet(wallet_id, query)).order_by(table.created_at.desc(), table.id)
    return [_transaction(row) for row in tx.execute(statement.limit(limit).offset(offset)).mappings()]


def count_transactions(tx: Connection, *, wallet_id: UUID, query: TransactionFilter) -> int:
    """Count what `list_transactions` pages through."""
    return int(tx.execute(sa.select(sa.func.count()).where(*_of_wallet(wallet_id, query))).scalar_one())


def _of_wallet(wallet_id: UUID, query: TransactionFilter) -> list[sa.ColumnElement[bool]]:
    table = wallet_transactions.c
    wanted: list[sa.ColumnElement[bool]] = [table.wallet_id == wallet_id]
    for name in ("status", "transaction_status", "transaction_type"):
        value = getattr(query, name)
        if value is not None:
            wanted.append(table[name] == value)
    wanted.extend(table.metadata.contains([{"key": key, "value": value}]) for key, value in query.metadata.items())
    return wanted


def set_transactions(tx: Connection, *, ids: Collection[UUID], **values: object) -> None:
    """Set the same values on several transactions."""
    if ids:
        tx.execute(wallet_transactions.update().where(wallet_transactions.c.id.in_(ids)).values(values))


def settle_transactions(tx: Connection, *, ids: Collection[UUID], at: datetime) -> None:
    """Settle purchases: the balance has moved, and all of each is left. One statement."""
    table = wallet_transactions
    values = {"status": Settlement.SETTLED, "settled_at": at, "remaining_amount_cents": table.c.amount_cents}
    tx.execute(table.update().where(table.c.id.in_(ids)).values(values))


def sum_pending(tx: Connection, *, wallet_ids: Collection[UUID]) -> dict[UUID, Decimal]:
    """Return, by wallet, the credits that are being bought."""
    table = wallet_transactions.c
    statement = (
        sa.select(table.wallet_id, sa.func.sum(table.credit_amount))
        .where(table.wallet_id.in_(wallet_ids), table.status == Settlement.PENDING)
        .group_by(table.wallet_id)
    )
    return {row[0]: row[1] for row in tx.execute(statement)}


def find_declined_at(tx: Connection, *, wallet_id: UUID) -> datetime | None:
    """Return when the last automatic purchase failed, unless a paid top-up was settled since."""
    statement = sa.text("""
        select max(failed_at) as failed from wallet_transactions
        where wallet_id = :wallet and source = 'threshold' and status = 'failed'
        having max(failed_at) > coalesce((
            select max(settled_at) from wallet_transactions
            where wallet_id = :wallet and transaction_status = 'purchased' and status = 'settled'
        ), '-infinity')
    """)
    found: datetime | None = tx.execute(statement, {"wallet": wallet_id}).scalar_one_or_none()
    return found


def has_interval_top_up(tx: Connection, *, wallet_id: UUID, since: datetime) -> bool:
    """Tell whether an interval rule has topped a wallet up since an instant, be it that the purchase waits or failed."""
    table = wallet_transactions.c
    wanted = (table.wallet_id == wallet_id, table.source == Source.INTERVAL, table.created_at >= since)
    return bool(tx.execute(sa.select(sa.exists().where(*wanted))).scalar_one())


def list_consumptions(tx: Connection, *, column: str, transaction_id: UUID, limit: int, offset: int) -> tuple[list[Consumption], int]:
    """Return a page of what an inbound transaction paid (`inbound_id`) or an outbound was paid from (`outbound_id`), and their number."""
    table = wallet_consumptions
    named = table.c[column] == transaction_id
    statement = sa.select(table).where(named).order_by(table.c.created_at.desc(), table.c.id).limit(limit).offset(offset)
    rows = [Consumption(**dict(row)) for row in tx.execute(statement).mappings()]
    return rows, int(tx.execute(sa.select(sa.func.count()).select_from(table).where(named)).scalar_one())


_NOTE_ONGOING = sa.text("""
update wallets w set ongoing_usage_balance_cents = n.usage, ongoing_balance_cents = w.balance_cents - n.usage,
    is_depleted = w.balance_cents - n.usage <= 0
from unnest(cast(:ids as uuid[]), cast(:usages as bigint[])) as n(id, usage) where w.id = n.id
""")


def note_ongoing(tx: Connection, usages: Mapping[UUID, int]) -> None:
    """Write what each wallet would pay of usage that is not billed yet, in minor units. One statement."""
    if usages:
        tx.execute(_NOTE_ONGOING, {"ids": list(usages), "usages": list(usages.values())})


def find_customers_with_wallets(tx: Connection, *, customer_ids: Collection[UUID]) -> set[UUID]:
    """Return those of the customers that have an active wallet."""
    statement = sa.select(wallets.c.customer_id).distinct().where(is_any(wallets.c.customer_id, customer_ids), wallets.c.status == "active")
    return set(tx.execute(statement).scalars())
