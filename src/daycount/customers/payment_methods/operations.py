"""Use cases of payment methods that speak to no provider."""

from uuid import UUID

from daycount import errors
from daycount.customers import store as customers
from daycount.customers.operations import lane_of
from daycount.customers.payment_methods import store
from daycount.customers.payment_methods.records import MANUAL, PROVIDER, PaymentMethod, Reference, ShownMethod
from daycount.customers.records import Customer
from daycount.infra.work import Work

_INVALID = ("payment_method", "invalid_payment_method")


def get_method(work: Work, customer: Customer, method_id: UUID) -> ShownMethod:
    """Return a payment method of a customer. Raises NotFound."""
    found = store.find_method(work.tx, customer_id=customer.id, method_id=method_id)
    if found is None:
        raise errors.NotFound("payment_method")
    return found


def choose_default(work: Work, customer: Customer, method_id: UUID) -> ShownMethod:
    """Let a payment method be the one that is charged. Holds the customer's lane. Raises NotFound."""
    work.agenda.hold(lane_of(customer.id))
    store.set_default(work.tx, get_method(work, customer, method_id).method)
    return get_method(work, customer, method_id)


def remove_method(work: Work, customer: Customer, method_id: UUID) -> ShownMethod:
    """Take a payment method off a customer; no other becomes the default. Holds the customer's lane. Raises NotFound."""
    work.agenda.hold(lane_of(customer.id))
    shown = get_method(work, customer, method_id)
    store.delete_methods(work.tx, method_id=method_id, at=work.now)
    return shown


def read_reference(
    work: Work, *, kind: str | None, method_id: str | None, owner: UUID | str | None, found: errors.FieldErrors
) -> Reference:
    """
    Read which way to pay is named; `owner` is the customer's id, or its external id. Source: Lago API, payment methods.

    By hand without a method, by a provider with one of the customer's methods, or by a provider alone, which is the default.
    """
    kind = kind or PROVIDER
    if kind == MANUAL and not method_id:
        return Reference(MANUAL)
    if kind == PROVIDER and not method_id:
        return Reference()
    known = _find(work, method_id or "", owner) if kind == PROVIDER else None
    if known is None:
        found.add(*_INVALID)
        return Reference()
    return Reference(PROVIDER, known.id)


def _find(work: Work, text: str, owner: UUID | str | None) -> PaymentMethod | None:
    try:
        method_id = UUID(text)
    except ValueError:
        return None
    customer_id = owner
    if isinstance(owner, str):
        customer = customers.find_customer(work.tx, organization_id=work.organization_id, external_id=owner)
        customer_id = None if customer is None else customer.id
    if not isinstance(customer_id, UUID):
        return None
    shown = store.find_method(work.tx, customer_id=customer_id, method_id=method_id)
    return None if shown is None else shown.method


def resolve(reference: Reference, methods: list[PaymentMethod]) -> PaymentMethod | None:
    """Return which of a customer's methods a reference means now: none where it is paid by hand, or the method is gone."""
    if reference.kind == MANUAL:
        return None
    if reference.method_id is not None:
        return next((method for method in methods if method.id == reference.method_id), None)
    return next((method for method in methods if method.is_default), None)
