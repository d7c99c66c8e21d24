"""Payment methods of customers on the wire."""

from msgspec import Struct

from daycount import errors
from daycount.api.paging import Page, page_of, read_page
from daycount.api.routing import Call, Routes
from daycount.api.wire import Stamp, read_path_uuid, stamp
from daycount.customers.operations import get_customer
from daycount.customers.payment_methods import operations, store
from daycount.customers.payment_methods.records import MethodInput, ShownMethod
from daycount.given import given
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


def to_wire(shown: ShownMethod) -> PaymentMethodObject:
    """Write a payment method."""
    method = shown.method
    return PaymentMethodObject(
        lago_id=str(method.id),
        is_default=method.is_default,
        payment_provider_code=shown.provider_code,
        payment_provider_name=shown.provider_name,
        payment_provider_type=shown.provider_type,
        provider_method_id=method.provider_method_id,
        created_at=stamp(method.created_at),
    )


@routes.post(
    _METHODS,
    accepts=MethodInput,
    root_in="payment_method",
    returns=PaymentMethodObject,
    root_out="payment_method",
    is_extension=True,
)
def create_customer_payment_method(work: Work, call: Call) -> PaymentMethodObject:
    """Give a customer a payment method that its provider knows; it becomes the default."""
    customer = get_customer(work, call.path["external_customer_id"])
    text = (given(call.body.provider_method_id, None) or "").strip()
    if not text:
        raise errors.Invalid({"provider_method_id": ["value_is_mandatory"]})
    return to_wire(call.services.linking.attach(work, customer, text))


@routes.get(_METHODS, returns=PaymentMethodObject, root_out="payment_methods", is_list=True)
def find_all_customer_payment_methods(work: Work, call: Call) -> Page:
    """List the payment methods of a customer, the newest first."""
    customer, asked = get_customer(work, call.path["external_customer_id"]), read_page(call.query)
    found = store.list_methods(work.tx, customer_id=customer.id, limit=asked.per_page, offset=asked.offset)
    return page_of([to_wire(shown) for shown in found], asked=asked, total=store.count_methods(work.tx, customer_id=customer.id))


@routes.put(_METHODS + "/{lago_id}/set_as_default", returns=PaymentMethodObject, root_out="payment_method")
def set_customer_payment_method_as_default(work: Work, call: Call) -> PaymentMethodObject:
    """Let a payment method be the one that is charged."""
    customer = get_customer(work, call.path["external_customer_id"])
    return to_wire(operations.choose_default(work, customer, read_path_uuid(call.path["lago_id"], "payment_method")))


@routes.delete(_METHODS + "/{lago_id}", returns=PaymentMethodObject, root_out="payment_method")
def destroy_customer_payment_method(work: Work, call: Call) -> PaymentMethodObject:
    """Take a payment method off a customer."""
    customer = get_customer(work, call.path["external_customer_id"])
    return to_wire(operations.remove_method(work, customer, read_path_uuid(call.path["lago_id"], "payment_method")))
