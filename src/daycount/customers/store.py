"""All SQL about customers."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection, RowMapping
from sqlalchemy.exc import IntegrityError

from daycount import errors
from daycount.customers.records import TEXT_FIELDS, Customer, CustomerFilter, MetadataItem
from daycount.customers.tables import customers
from daycount.infra.database import is_any
from daycount.infra.remembered import recalled, remember, remembered
from daycount.organizations.records import BillingEntity
from daycount.organizations.tables import billing_entities

_ENTITY_FIELDS = (
    "id",
    "code",
    "name",
    "default_currency",
    "timezone",
    "document_number_prefix",
    "net_payment_term",
    "finalize_zero_amount_invoice",
    "invoice_grace_period",
    "subscription_invoice_issuing_date_anchor",
    "subscription_invoice_issuing_date_adjustment",
    "document_numbering",
    "eu_tax_management",
)
_SELECT = sa.select(customers, *(billing_entities.c[name].label(f"entity_{name}") for name in _ENTITY_FIELDS)).join(
    billing_entities, billing_entities.c.id == customers.c.billing_entity_id
)
_READ_FROM = frozenset({customers.name, billing_entities.name})
_SEARCHED = ("name", "firstname", "lastname", "legal_name", "external_id", "email")


def _customer(row: Mapping[str, Any] | RowMapping, entities: dict[UUID, BillingEntity] | None = None) -> Customer:
    """Read a customer; those of one billing entity share what is known of it in `entities`."""
    entity = None if entities is None else entities.get(row["billing_entity_id"])
    if entity is None:
        entity = BillingEntity(**{name: row[f"entity_{name}"] for name in _ENTITY_FIELDS})
        if entities is not None:
            entities[entity.id] = entity
    return Customer(
        id=row["id"],
        organization_id=row["organization_id"],
        entity=entity,
        external_id=row["external_id"],
        sequential_id=row["sequential_id"],
        slug=row["slug"],
        texts={name: row[name] for name in TEXT_FIELDS},
        account_type=row["account_type"],
        net_payment_term=row["net_payment_term"],
        finalize_zero_amount_invoice=row["finalize_zero_amount_invoice"],
        skip_invoice_custom_sections=row["skip_invoice_custom_sections"],
        shipping_address=row["shipping_address"],
        billing_configuration=row["billing_configuration"],
        metadata=msgspec.convert(row["metadata"], list[MetadataItem]) if row["metadata"] else [],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        applied_dunning_campaign_id=row["applied_dunning_campaign_id"],
        exclude_from_dunning_campaign=row["exclude_from_dunning_campaign"],
    )


def _values(customer: Customer) -> dict[str, Any]:
    return {
        "id": customer.id,
        "organization_id": customer.organization_id,
        "billing_entity_id": customer.entity.id,
        "external_id": customer.external_id,
        "sequential_id": customer.sequential_id,
        "slug": customer.slug,
        **customer.texts,
        "account_type": customer.account_type,
        "net_payment_term": customer.net_payment_term,
        "finalize_zero_amount_invoice": customer.finalize_zero_amount_invoice,
        "skip_invoice_custom_sections": customer.skip_invoice_custom_sections,
        "shipping_address": dict(customer.shipping_address),
        "billing_configuration": dict(customer.billing_configuration),
        "metadata": [msgspec.to_builtins(item) for item in customer.metadata],
        "created_at": customer.created_at,
        "updated_at": customer.updated_at,
        "applied_dunning_campaign_id": customer.applied_dunning_campaign_id,
        "exclude_from_dunning_campaign": customer.exclude_from_dunning_campaign,
    }


def insert_customer(tx: Connection, customer: Customer) -> None:
    """Write a new customer. Raises Invalid when somebody took the external id at the same moment."""
    try:
        with tx.begin_nested():
            tx.execute(customers.insert().values(_values(customer)))
    except IntegrityError as error:
        raise errors.Invalid({"external_id": ["value_already_exist"]}) from error


def update_customer(tx: Connection, customer: Customer) -> None:
    """Write a changed customer."""
    tx.execute(customers.update().where(customers.c.id == customer.id).values(_values(customer)))


def mark_customer_deleted(tx: Connection, *, customer_id: UUID, at: datetime) -> None:
    """Delete a customer softly."""
    tx.execute(customers.update().where(customers.c.id == customer_id).values(deleted_at=at))


_HAS_HISTORY = sa.text("""
select exists (select 1 from subscriptions where customer_id = :id) or exists (select 1 from invoices where customer_id = :id)
    or exists (select 1 from applied_coupons where customer_id = :id and amount_currency is not null)
    or exists (select 1 from wallets where customer_id = :id)
""")


def has_history(tx: Connection, *, customer_id: UUID) -> bool:
    """Tell whether anything was subscribed to, billed, given or paid in for a customer."""
    return bool(tx.execute(_HAS_HISTORY, {"id": customer_id}).scalar_one())


def set_currency(tx: Connection, *, customer_id: UUID, currency: str) -> None:
    """Fill the default currency of a customer that has none."""
    tx.execute(customers.update().where(customers.c.id == customer_id, customers.c.currency.is_(None)).values(currency=currency))


def find_customer(tx: Connection, *, organization_id: UUID, external_id: str, lock: bool = False) -> Customer | None:
    """Return the live customer of that external id; `lock` holds its row until the transaction ends."""
    statement = _SELECT.where(
        customers.c.organization_id == organization_id, customers.c.external_id == external_id, customers.c.deleted_at.is_(None)
    )
    if lock:
        statement = statement.with_for_update(of=customers)
    row = tx.execute(statement).mappings().one_or_none()
    if row is None:
        return None
    found = _customer(row)
    remember(tx, "customers", organization_id, {found.id: found}, tables=_READ_FROM)
    return found


def find_customers(tx: Connection, *, organization_id: UUID, ids: Sequence[UUID], lock: bool = False) -> dict[UUID, Customer]:
    """Return customers by id, deleted ones included; `lock` holds their rows, taken in the order of ids."""

    def load(missing: Collection[UUID]) -> dict[UUID, Customer]:
        statement = _SELECT.where(customers.c.organization_id == organization_id, is_any(customers.c.id, missing)).order_by(customers.c.id)
        if lock:
            statement = statement.with_for_update(of=customers)
        entities: dict[UUID, BillingEntity] = {}
        return {row["id"]: _customer(row, entities) for row in tx.execute(statement).mappings().all()}

    if lock:
        found = load(set(ids))
        remember(tx, "customers", organization_id, found, tables=_READ_FROM)
        return found
    return remembered(tx, "customers", organization_id, ids, tables=_READ_FROM, load=load)


def lock_customers(tx: Connection, *, organization_id: UUID, ids: Collection[UUID]) -> None:
    """Hold the rows of customers until the transaction ends, taken in the order of ids."""
    statement = sa.select(customers.c.id).where(customers.c.organization_id == organization_id, is_any(customers.c.id, ids))
    tx.execute(statement.order_by(customers.c.id).with_for_update())


def find_external_ids(tx: Connection, *, organization_id: UUID, ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the external ids of customers, deleted ones included. No query where all were read in this transaction."""
    known = recalled(tx, "customers", organization_id, tables=_READ_FROM)
    if known.keys() >= set(ids):
        return {customer_id: known[customer_id].external_id for customer_id in ids}
    statement = sa.select(customers.c.id, customers.c.external_id).where(
        customers.c.organization_id == organization_id, is_any(customers.c.id, ids)
    )
    return dict(tx.execute(statement).all())


def find_ids_of_payer(tx: Connection, *, organization_id: UUID, provider_customer_id: str) -> list[UUID]:
    """Return the live customers that a payment provider calls so."""
    known_as = customers.c.billing_configuration["provider_customer_id"].astext
    statement = sa.select(customers.c.id).where(
        customers.c.organization_id == organization_id, known_as == provider_customer_id, customers.c.deleted_at.is_(None)
    )
    return list(tx.execute(statement.order_by(customers.c.id)).scalars())


def _filtered(organization_id: UUID, query: CustomerFilter) -> list[sa.ColumnElement[bool]]:
    table = customers.c
    conditions = [table.organization_id == organization_id, table.deleted_at.is_(None)]
    if query.external_id is not None:
        conditions.append(table.external_id == query.external_id)
    elif query.search_term:
        conditions.append(sa.or_(*(table[name].icontains(query.search_term, autoescape=True) for name in _SEARCHED)))
    if query.customer_type is not None:
        conditions.append(table.customer_type == query.customer_type)
    if query.has_customer_type is not None:
        conditions.append(table.customer_type.is_not(None) if query.has_customer_type else table.customer_type.is_(None))
    if query.has_tax_identification_number is not None:
        number = table.tax_identification_number
        conditions.append(number.is_not(None) if query.has_tax_identification_number else number.is_(None))
    for key, value in query.metadata.items():
        pair = table.metadata.contains([{"key": key, "value": value} if value else {"key": key}])
        conditions.append(pair if value else sa.not_(pair))
    lists = {
        "account_type": query.account_types,
        "currency": query.currencies,
        "country": query.countries,
        "state": query.states,
        "zipcode": query.zipcodes,
    }
    conditions.extend(table[name].in_(values) for name, values in lists.items() if values)
    if query.entity_ids:
        conditions.append(table.billing_entity_id.in_(query.entity_ids))
    return conditions


def count_customers(tx: Connection, *, organization_id: UUID, query: CustomerFilter) -> int:
    """Count the customers that a list shows."""
    return int(tx.execute(sa.select(sa.func.count()).select_from(customers).where(*_filtered(organization_id, query))).scalar_one())


def list_customers(tx: Connection, *, organization_id: UUID, query: CustomerFilter, limit: int, offset: int) -> list[Customer]:
    """Return a page of customers, newest first."""
    statement = (
        _SELECT.where(*_filtered(organization_id, query))
        .order_by(customers.c.created_at.desc(), customers.c.id)
        .limit(limit)
        .offset(offset)
    )
    return [_customer(row) for row in tx.execute(statement).mappings()]


_TAKE_NUMBERS = sa.text("""
insert into invoice_sequences (organization_id, customer_id, billing_entity_id, last_number)
select c.organization_id, w.customer_id, w.billing_entity_id, w.number
from unnest(cast(:customers as uuid[]), cast(:entities as uuid[]), cast(:counts as int[])) as w(customer_id, billing_entity_id, number)
join customers c on c.id = w.customer_id
order by w.customer_id, w.billing_entity_id
on conflict (customer_id, billing_entity_id) do update set last_number = invoice_sequences.last_number + excluded.last_number
returning customer_id, billing_entity_id, last_number
""")


def take_invoice_numbers(tx: Connection, *, counts: Mapping[tuple[UUID, UUID], int]) -> dict[tuple[UUID, UUID], int]:
    """
    Raise the invoice numbers of customers with billing entities by the given counts, and return the last number each had before.

    The rows are locked in the order of ids, so that nobody can take the same number; a rolled back transaction gives
    them back.
    """
    values = {
        "customers": [customer_id for customer_id, _ in counts],
        "entities": [entity_id for _, entity_id in counts],
        "counts": list(counts.values()),
    }
    found = {(row.customer_id, row.billing_entity_id): row.last_number for row in tx.execute(_TAKE_NUMBERS, values)}
    return {pair: last - counts[pair] for pair, last in found.items()}
