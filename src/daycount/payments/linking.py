"""Customers become known to payment providers, with the payment methods they have there."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from daycount import errors
from daycount.customers import store as customers
from daycount.customers.linking import link
from daycount.customers.messages import LinkAsked
from daycount.customers.operations import lane_of
from daycount.customers.payment_methods import store as methods
from daycount.customers.payment_methods.operations import get_method
from daycount.customers.payment_methods.records import PaymentMethod, ShownMethod
from daycount.customers.records import Customer
from daycount.infra.work import Work
from daycount.organizations.payment_providers.operations import find_named
from daycount.organizations.payment_providers.records import Connection, ConnectionRemoved
from daycount.payments.charging.payers import payer_of
from daycount.payments.providers.port import FoundMethod
from daycount.payments.providers.registry import Gateways
from daycount.payments.records import CustomerLinked, LinkFailed

LINK: Final = "link_customer"


class Linking:
    """Makes customers known to providers."""

    def __init__(self, gateways: Gateways) -> None:
        self._gateways = gateways

    def on_link_asked(self, work: Work, message: LinkAsked) -> None:
        """Make a customer known to its provider: now where that is asked for, else right after."""
        if message.is_prompt:
            self._link(work, message.customer, message.connection)
        else:
            work.agenda.put(LINK, subject_id=message.customer.id, lane_id=lane_of(message.customer.id), due_at=work.now)

    def link(self, work: Work, customer_ids: Sequence[UUID]) -> None:
        """Make customers known to their providers. The agenda calls it, with lanes held."""
        found = customers.find_customers(work.tx, organization_id=work.organization_id, ids=customer_ids, lock=True)
        for customer in found.values():
            connection = connection_of(work, customer)
            if connection is not None:
                self._link(work, customer, connection)

    def _link(self, work: Work, customer: Customer, connection: Connection) -> None:
        gateway = self._gateways.of(connection)
        try:
            if not customer.billing_configuration.get("provider_customer_id"):
                customer = link(work, customer, gateway.create_customer(connection, payer_of(customer)))
                work.announce(CustomerLinked(customer))
            found = gateway.find_methods(connection, str(customer.billing_configuration["provider_customer_id"]))
        except errors.ProviderFailed as error:
            work.announce(LinkFailed(customer=customer, connection=connection, code=error.code, message=str(error)))
            return
        for method in reversed(found):
            keep_method(work, customer, connection, method)

    def attach(self, work: Work, customer: Customer, provider_method_id: str) -> ShownMethod:
        """
        Give a customer a payment method that its provider knows; it becomes the default. Holds the customer's lane.

        Raises Invalid, ProviderFailed.
        """
        work.agenda.hold(lane_of(customer.id))
        connection = connection_of(work, customer)
        known = customer.billing_configuration.get("provider_customer_id")
        if connection is None or not known:
            raise errors.Invalid({"base": ["no_linked_payment_provider"]})
        found = self._gateways.of(connection).attach_method(connection, str(known), provider_method_id)
        return get_method(work, customer, keep_method(work, customer, connection, found).id)


def connection_of(work: Work, customer: Customer) -> Connection | None:
    """Return the connection that a customer names; None where the organization has none such."""
    configuration = customer.billing_configuration
    return find_named(work, provider_type=configuration.get("payment_provider"), code=configuration.get("payment_provider_code"))


def keep_method(work: Work, customer: Customer, connection: Connection, found: FoundMethod) -> PaymentMethod:
    """Keep a payment method as its customer's default. The caller holds the lane."""
    known = methods.find_by_provider_id(work.tx, provider_id=connection.id, provider_method_id=found.provider_method_id)
    own = next((method for method in known if method.customer_id == customer.id), None)
    if own is not None:
        methods.set_default(work.tx, own)
        return own
    method = PaymentMethod(
        id=work.new_id(),
        organization_id=work.organization_id,
        customer_id=customer.id,
        provider_id=connection.id,
        provider_method_id=found.provider_method_id,
        is_default=True,
        details=found.details,
        created_at=work.now,
    )
    methods.insert_method(work.tx, method)
    return method


def on_connection_removed(work: Work, message: ConnectionRemoved) -> None:
    """Take away the payment methods of a provider that is not connected any more."""
    methods.delete_methods(work.tx, provider_id=message.connection.id, at=work.now)
