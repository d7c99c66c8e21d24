"""Payment methods of customers on the wire: providers bring them, and without a provider that is connected there are none."""

from msgspec import Struct

from daycount import errors
from daycount.api.paging import Page, page_of, read_page
from daycount.api.routing import Call, Routes
from daycount.api.wire import Stamp
from daycount.customers.operations import get_customer
from daycount.infra.work import Work

routes = Routes("customers")
_METHODS = "/customers/{external_customer_id}/payment_methods"


class PaymentMethodObject(Struct, frozen=True, kw_only=True):
    """A card, an account or a mandate at a payment provider."""

    lago_id: str
    is_default: bool
    payment_provider_code: str | None
    payment_provider_name: str | None
    payment_provider_type: str
    provider_method_id: str
    created_at: Stamp


@routes.get(_METHODS, returns=PaymentMethodObject, root_out="payment_methods", is_list=True)
def find_all_customer_payment_methods(work: Work, call: Call) -> Page:
    """List the payment methods of a customer; there are none while no payment provider is connected."""
    get_customer(work, call.path["external_customer_id"])
    return page_of([], asked=read_page(call.query), total=0)


@routes.put(_METHODS + "/{lago_id}/set_as_default", returns=PaymentMethodObject, root_out="payment_method")
def set_customer_payment_method_as_default(work: Work, call: Call) -> PaymentMethodObject:
    """Let a payment method be the one that is charged."""
    return _find(work, call)


@routes.delete(_METHODS + "/{lago_id}", returns=PaymentMethodObject, root_out="payment_method")
def destroy_customer_payment_method(work: Work, call: Call) -> PaymentMethodObject:
    """Take a payment method off a customer."""
    return _find(work, call)


def _find(work: Work, call: Call) -> PaymentMethodObject:
    """Find a payment method, which no customer has. Raises NotFound (customer, payment_method)."""
    get_customer(work, call.path["external_customer_id"])
    raise errors.NotFound("payment_method")
