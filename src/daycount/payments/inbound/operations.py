"""
Hearing what providers tell: payments, refunds, disputes, and payment methods that come and go.

    webhook ──► signature ──► lanes of who it is about ──► kept under the provider's id ──► its effects
                                                           (told before: nothing happens)

Everything after the signature is one transaction: what fails leaves no trace, and the provider tells it again. Nothing is taken for
granted about the order in which things are told.
"""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Final, assert_never
from uuid import UUID

import structlog

from daycount import errors
from daycount.customers import store as customers
from daycount.customers.operations import lane_of
from daycount.customers.payment_methods import store as methods
from daycount.customers.records import Customer
from daycount.infra.work import Work
from daycount.organizations.payment_providers import store as connections
from daycount.organizations.payment_providers.operations import choose
from daycount.organizations.payment_providers.records import Connection
from daycount.payments.charging import store as payments
from daycount.payments.charging.outcomes import apply_outcome
from daycount.payments.charging.sending import lose_disputes
from daycount.payments.inbound import store
from daycount.payments.inbound.records import ProviderEvent
from daycount.payments.inbound.unasked import find_owner_of, find_payment_of, write_unasked
from daycount.payments.linking import keep_method
from daycount.payments.providers.port import (
    DisputeEvent,
    Event,
    MethodAttached,
    MethodRemoved,
    PaymentEvent,
    RefundEvent,
    Told,
    WebhookCall,
)
from daycount.payments.providers.registry import Gateways
from daycount.payments.refunds import store as refunds
from daycount.payments.refunds.operations import apply_refund
from daycount.payments.refunds.records import Refund

KEPT_FOR: Final = timedelta(days=90)
_log = structlog.get_logger("payments")


class Hearing:
    """Hears what providers tell."""

    def __init__(self, gateways: Gateways) -> None:
        self._gateways = gateways

    def read(self, connection: Connection, call: WebhookCall) -> Told:
        """Check who sent a webhook, and read it; the provider may be asked for more. Raises BadRequest, ProviderFailed."""
        if not connection.webhook_secret:
            raise errors.BadRequest("the connection has no webhook_secret")
        return self._gateways.of(connection).read_webhook(connection, call)

    def hear(self, work: Work, connection: Connection, told: Told, *, payload: str) -> bool:
        """
        Do what follows from a webhook, once; tells whether it was new. Holds the lanes of the customers it is about.

        What is about nothing of ours is kept and does nothing.
        """
        event = told.event
        work.agenda.hold_all([lane_of(customer_id) for customer_id in _concerned(work, connection, event)])
        kept = ProviderEvent(
            id=work.new_id(),
            organization_id=work.organization_id,
            provider_id=connection.id,
            event_id=told.event_id,
            event_type=told.event_type,
            removed_method_id=event.provider_method_id if isinstance(event, MethodRemoved) else None,
            payload=payload,
            received_at=work.now,
        )
        if not store.insert_event(work.tx, kept):
            return False
        store.delete_events(work.tx, provider_id=connection.id, before=work.now - KEPT_FOR)
        if event is not None:
            _apply(work, connection, event)
        return True


def find_connection(work: Work, *, provider_type: str, code: str | None) -> Connection:
    """Return the connection a webhook is for; without a code, the only one to that provider. Raises NotFound."""
    found = choose(connections.find_connections(work.tx, organization_id=work.organization_id), provider_type, code)
    if found is None:
        raise errors.NotFound("payment_provider")
    return found


def _concerned(work: Work, connection: Connection, event: Event | None) -> Collection[UUID]:
    """Return the customers that an event is about, as things stand before their lanes are held."""
    match event:
        case None:
            return ()
        case PaymentEvent():
            payment = find_payment_of(work, connection, event)
            owner = payment.customer_id if payment is not None else find_owner_of(work, event)
            return () if owner is None else (owner,)
        case DisputeEvent():
            disputed = payments.find_by_provider_id(work.tx, provider_id=connection.id, provider_payment_id=event.provider_payment_id)
            return () if disputed is None else (disputed.customer_id,)
        case RefundEvent():
            refund = _find_refund(work, connection, event)
            return () if refund is None else (refund.customer_id,)
        case MethodAttached():
            return _payers(work, connection, event.provider_customer_id)
        case MethodRemoved():
            found = methods.find_by_provider_id(work.tx, provider_id=connection.id, provider_method_id=event.provider_method_id)
            return {method.customer_id for method in found}
        case _:
            assert_never(event)


def _apply(work: Work, connection: Connection, event: Event) -> None:
    match event:
        case PaymentEvent():
            payment = find_payment_of(work, connection, event, lock=True) or write_unasked(work, connection, event)
            if payment is not None:
                apply_outcome(work, payment, event.outcome)
        case DisputeEvent():
            disputed = payments.find_by_provider_id(work.tx, provider_id=connection.id, provider_payment_id=event.provider_payment_id)
            if disputed is not None:
                lose_disputes(work, disputed, reason=event.reason)
        case RefundEvent():
            refund = _find_refund(work, connection, event)
            if refund is not None:
                apply_refund(work, refund, event.outcome)
        case MethodAttached():
            _attach(work, connection, event)
        case MethodRemoved():
            for method in methods.find_by_provider_id(work.tx, provider_id=connection.id, provider_method_id=event.provider_method_id):
                methods.delete_methods(work.tx, method_id=method.id, at=work.now)
        case _:
            assert_never(event)


def _attach(work: Work, connection: Connection, event: MethodAttached) -> None:
    """Give a method to its customers; one that the provider took away meanwhile stays away."""
    if store.is_removed(work.tx, provider_id=connection.id, provider_method_id=event.method.provider_method_id):
        return
    for customer in _payers(work, connection, event.provider_customer_id).values():
        keep_method(work, customer, connection, event.method)


def _payers(work: Work, connection: Connection, provider_customer_id: str) -> Mapping[UUID, Customer]:
    """Return the customers that are linked by a connection under a provider's id."""
    ids = customers.find_ids_of_payer(work.tx, organization_id=work.organization_id, provider_customer_id=provider_customer_id)
    owners = customers.find_customers(work.tx, organization_id=work.organization_id, ids=ids) if ids else {}
    live = connections.find_connections(work.tx, organization_id=work.organization_id)

    def is_linked(customer: Customer) -> bool:
        configuration = customer.billing_configuration
        return choose(live, configuration.get("payment_provider"), configuration.get("payment_provider_code")) == connection

    return {customer.id: customer for customer in owners.values() if is_linked(customer)}


def _find_refund(work: Work, connection: Connection, event: RefundEvent) -> Refund | None:
    """Return our refund that an event is about, locked: by the provider's id of it, or by the credit note it names."""
    found = refunds.find_told(
        work.tx,
        organization_id=work.organization_id,
        provider_id=connection.id,
        provider_refund_id=event.outcome.provider_id,
        credit_note_id=event.credit_note_id,
    )
    return next((refund for refund in found if refund.provider_refund_id in (None, event.outcome.provider_id)), None)
