"""All SQL about payments that providers take."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Connection, RowMapping
from sqlalchemy.dialects.postgresql import insert as upsert

from daycount.customers.payment_methods.records import MANUAL, PROVIDER, Reference
from daycount.customers.tables import customers
from daycount.invoicing.tables import invoice_subscriptions
from daycount.payments.records import Payment
from daycount.payments.tables import payment_choices, payments
from daycount.subscriptions.tables import subscriptions
from daycount.wallets.tables import wallet_rules, wallet_transactions, wallets

_BY_RULE = ("interval", "threshold")
"""Where purchases come from that a wallet's rule makes."""
_NAMES = Payment.__struct_fields__
_ACTIVE = ("pending", "processing")


def _payment(row: RowMapping) -> Payment:
    return Payment(**{name: row[name] for name in _NAMES})


def find_linked(tx: Connection, *, customer_ids: Collection[UUID]) -> set[UUID]:
    """Return which customers are linked to a provider."""
    has_id = customers.c.billing_configuration["provider_customer_id"].astext.is_not(None)
    return set(tx.execute(sa.select(customers.c.id).where(customers.c.id.in_(set(customer_ids)), has_id)).scalars())


def find_under_way(tx: Connection, *, invoice_ids: Collection[UUID] = (), request_ids: Collection[UUID] = ()) -> list[Payment]:
    """Return the payments of invoices and payment requests that providers have not finished."""
    own = payments.c
    of_these = sa.or_(own.invoice_id.in_(set(invoice_ids)), own.payment_request_id.in_(set(request_ids)))
    statement = sa.select(payments).where(of_these, own.payment_type == "provider", own.status.in_(_ACTIVE))
    return [_payment(row) for row in tx.execute(statement).mappings()]


def find_payments(tx: Connection, *, ids: Collection[UUID], lock: bool = False) -> list[Payment]:
    """Return payments, the oldest first; `lock` holds their rows."""
    statement = sa.select(payments).where(payments.c.id.in_(set(ids))).order_by(payments.c.created_at, payments.c.id)
    return [_payment(row) for row in tx.execute(statement.with_for_update() if lock else statement).mappings()]


def find_by_provider_id(tx: Connection, *, provider_id: UUID, provider_payment_id: str, lock: bool = False) -> Payment | None:
    """Return the payment that a provider calls so; `lock` holds its row."""
    own = payments.c
    statement = sa.select(payments).where(own.provider_id == provider_id, own.provider_payment_id == provider_payment_id)
    row = tx.execute(statement.with_for_update() if lock else statement).mappings().one_or_none()
    return None if row is None else _payment(row)


def has_needed_customer(tx: Connection, *, invoice_id: UUID, besides: UUID) -> bool:
    """Tell whether a payment of an invoice, besides one, failed because the customer had to be there."""
    own = payments.c
    statement = sa.select(own.id).where(own.invoice_id == invoice_id, own.id != besides, own.error_code == "authentication_required")
    return bool(tx.execute(sa.select(statement.exists())).scalar_one())


def update_payment(tx: Connection, payment: Payment) -> None:
    """Write a changed payment."""
    values = {name: getattr(payment, name) for name in _NAMES} | {"next_action": dict(payment.next_action)}
    tx.execute(payments.update().where(payments.c.id == payment.id).values(values))


def delete_payments(tx: Connection, *, ids: Collection[UUID]) -> None:
    """Remove payments that no provider was ever asked for."""
    tx.execute(payments.delete().where(payments.c.id.in_(set(ids)), payments.c.provider_payment_id.is_(None)))


def save_choice(tx: Connection, *, organization_id: UUID, invoice_id: UUID, reference: Reference) -> None:
    """Note how an invoice is to be paid, whatever its customer's default is."""
    values = {"organization_id": organization_id, "invoice_id": invoice_id, "kind": reference.kind, "method_id": reference.method_id}
    statement = upsert(payment_choices).values(values)
    changed = {"kind": reference.kind, "method_id": reference.method_id}
    tx.execute(statement.on_conflict_do_update(index_elements=["invoice_id"], set_=changed))


def find_references(tx: Connection, *, invoice_ids: Sequence[UUID]) -> dict[UUID, Reference]:
    """
    Return how invoices are to be paid where that is said: for the invoice, by its first subscription, or by the purchase it is for.

    A purchase is paid as it says itself, else as the active rule says that made it, else as its wallet does.

    Three queries.
    """
    found: dict[UUID, Reference] = {}
    lines = (
        sa.select(invoice_subscriptions.c.invoice_id, subscriptions.c.payment_method_type, subscriptions.c.payment_method_id)
        .join(subscriptions, subscriptions.c.id == invoice_subscriptions.c.subscription_id)
        .where(invoice_subscriptions.c.invoice_id.in_(invoice_ids))
        .order_by(subscriptions.c.created_at, subscriptions.c.id)
    )
    for row in tx.execute(lines):
        found.setdefault(row.invoice_id, Reference(row.payment_method_type, row.payment_method_id))
    for row in tx.execute(_purchases(invoice_ids)):
        found[row.invoice_id] = _first_said(row.own, row.of_rule if row.source in _BY_RULE else None, row.of_wallet)
    chosen = sa.select(payment_choices).where(payment_choices.c.invoice_id.in_(invoice_ids))
    for choice in tx.execute(chosen).mappings():
        found[choice["invoice_id"]] = Reference(choice["kind"], choice["method_id"])
    return found


def _purchases(invoice_ids: Sequence[UUID]) -> sa.Select[Any]:
    own = wallet_transactions.c
    rule = sa.and_(wallet_rules.c.wallet_id == own.wallet_id, wallet_rules.c.status == "active")
    return (
        sa.select(
            own.invoice_id,
            own.source,
            own.payment_method.label("own"),
            wallet_rules.c.payment_method.label("of_rule"),
            wallets.c.payment_method.label("of_wallet"),
        )
        .select_from(wallet_transactions)
        .join(wallets, wallets.c.id == own.wallet_id)
        .outerjoin(wallet_rules, rule)
        .where(own.invoice_id.in_(invoice_ids), own.transaction_status == "purchased")
    )


def _first_said(*settings: Mapping[str, Any] | None) -> Reference:
    """Return the first setting that says more than the customer's default."""
    for setting in settings:
        kind, named = (setting or {}).get("payment_method_type") or PROVIDER, (setting or {}).get("payment_method_id")
        if kind == MANUAL or named:
            return Reference(kind, UUID(named) if named else None)
    return Reference()
