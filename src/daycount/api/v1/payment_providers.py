"""Connections to payment providers on the wire."""

from typing import Any

from msgspec import Struct

from daycount.api.paging import Page, page_of, read_page
from daycount.api.routing import Call, Routes
from daycount.api.wire import Stamp, stamp
from daycount.infra.work import Work
from daycount.organizations.payment_providers import operations, store
from daycount.organizations.payment_providers.records import Connection, ConnectionInput

routes = Routes("payment_providers")


class PaymentProviderObject(Struct, frozen=True, kw_only=True):
    """A connection to a payment provider; the simulator is the one there is."""

    lago_id: str
    provider_type: str
    code: str
    name: str
    success_redirect_url: str | None
    created_at: Stamp


_ONE: dict[str, Any] = {"returns": PaymentProviderObject, "root_out": "payment_provider", "is_extension": True}


def to_wire(connection: Connection) -> PaymentProviderObject:
    """Write a connection."""
    return PaymentProviderObject(
        lago_id=str(connection.id),
        provider_type=connection.provider_type,
        code=connection.code,
        name=connection.name,
        success_redirect_url=connection.success_redirect_url,
        created_at=stamp(connection.created_at),
    )


@routes.post("/payment_providers", accepts=ConnectionInput, root_in="payment_provider", **_ONE)
def create_payment_provider(work: Work, call: Call) -> PaymentProviderObject:
    """Connect the organization to a payment provider."""
    return to_wire(operations.make_connection(work, call.body))


@routes.get("/payment_providers", returns=PaymentProviderObject, root_out="payment_providers", is_list=True, is_extension=True)
def find_all_payment_providers(work: Work, call: Call) -> Page:
    """List connections to payment providers, the oldest first."""
    asked = read_page(call.query)
    found = store.find_connections(work.tx, organization_id=work.organization_id)
    return page_of([to_wire(item) for item in found[asked.offset :][: asked.per_page]], asked=asked, total=len(found))


@routes.get("/payment_providers/{code}", **_ONE)
def find_payment_provider(work: Work, call: Call) -> PaymentProviderObject:
    """Find a connection to a payment provider."""
    return to_wire(operations.get_connection(work, call.path["code"]))


@routes.put("/payment_providers/{code}", accepts=ConnectionInput, root_in="payment_provider", **_ONE)
def update_payment_provider(work: Work, call: Call) -> PaymentProviderObject:
    """Change what a connection is called, and where payers are led to."""
    return to_wire(operations.change_connection(work, call.path["code"], call.body))


@routes.delete("/payment_providers/{code}", **_ONE)
def destroy_payment_provider(work: Work, call: Call) -> PaymentProviderObject:
    """End a connection; nobody is charged by it any more."""
    return to_wire(operations.remove_connection(work, call.path["code"]))
