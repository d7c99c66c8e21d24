"""Who pays by which provider: customers with the connection they are linked by and the payment methods they have there."""

from collections.abc import Collection, Sequence
from typing import NamedTuple
from uuid import UUID

from daycount.customers import store as customers
from daycount.customers.payment_methods import store as methods
from daycount.customers.payment_methods.operations import resolve
from daycount.customers.payment_methods.records import PaymentMethod, Reference
from daycount.customers.records import Customer
from daycount.infra.work import Work
from daycount.organizations.payment_providers import store as connections
from daycount.organizations.payment_providers.operations import choose
from daycount.organizations.payment_providers.records import Connection
from daycount.payments.providers.port import Payer


class Linked(NamedTuple):
    """A customer, the connection it is linked by, and its payment methods there."""

    customer: Customer
    connection: Connection
    methods: Sequence[PaymentMethod]

    def method_for(self, reference: Reference) -> PaymentMethod | None:
        """Return the method that a reference means; None where nothing is to be charged."""
        return resolve(reference, list(self.methods))

    @property
    def payer(self) -> Payer:
        """Return the customer as the provider may know it."""
        return payer_of(self.customer)


def payer_of(customer: Customer) -> Payer:
    """Return a customer as a provider may know it."""
    texts, configuration = customer.texts, customer.billing_configuration
    first_email = (texts["email"] or "").partition(",")[0].strip()
    return Payer(
        customer_id=str(customer.id),
        external_id=customer.external_id,
        name=texts["name"] or " ".join(part for part in (texts["firstname"], texts["lastname"]) if part) or texts["legal_name"],
        email=first_email or None,
        country=texts["country"],
        provider_customer_id=configuration.get("provider_customer_id"),
        method_kinds=configuration.get("provider_payment_methods") or ("card",),
    )


def is_charged(work: Work, customer_id: UUID) -> bool:
    """Tell whether what is due of a customer is charged by itself: it is linked, and has a payment method that is its default."""
    linked = load_linked(work, [customer_id]).get(customer_id)
    return linked is not None and linked.method_for(Reference()) is not None


def load_linked(work: Work, customer_ids: Collection[UUID]) -> dict[UUID, Linked]:
    """Return those of customers that are linked by a connection that is there; partners bill themselves. Three queries."""
    found = connections.find_connections(work.tx, organization_id=work.organization_id)
    owners = customers.find_customers(work.tx, organization_id=work.organization_id, ids=list(customer_ids)) if found else {}
    kept = methods.find_usable(work.tx, customer_ids=list(owners)) if owners else {}
    linked: dict[UUID, Linked] = {}
    for customer in owners.values():
        configuration = customer.billing_configuration
        connection = choose(found, configuration.get("payment_provider"), configuration.get("payment_provider_code"))
        if connection is None or not configuration.get("provider_customer_id") or customer.account_type == "partner":
            continue
        own = [method for method in kept.get(customer.id, ()) if method.provider_id == connection.id]
        linked[customer.id] = Linked(customer, connection, own)
    return linked
