"""Connections to payment providers on the wire."""

from typing import Any
from urllib.parse import quote

from msgspec import Struct

from daycount.api.paging import Page, page_of, read_page
from daycount.api.routing import Call, Routes
from daycount.api.wire import Stamp, stamp
from daycount.infra.work import Work
from daycount.organizations.payment_providers import operations, store
from daycount.organizations.payment_providers.records import Connection, ConnectionInput

routes = Routes("payment_providers")


class PaymentProviderObject(Struct, frozen=True, kw_only=True):
    """
    A connection to a payment provider: the simulator, or Stripe.

    Its secrets are never shown. `webhook_url` is where the provider is to send its webhooks; without a webhook secret none is heard.
    """

    lago_id: str
    provider_type: str
    code: str
    name: str
    success_redirect_url: str | None
    webhook_url: str
    has_webhook_secret: bool
    created_at: Stamp


_ONE: dict[str, Any] = {"returns": PaymentProviderObject, "root_out": "payment_provider", "is_extension": True}


def to_wire(connection: Connection, call: Call) -> PaymentProviderObject:
    """Write a connection."""
    base = str(call.services.settings.public_url).rstrip("/")
    path = f"/webhooks/{connection.provider_type}/{connection.organization_id}?code={quote(connection.code, safe='')}"
    return PaymentProviderObject(
        lago_id=str(connection.id),
        provider_type=connection.provider_type,
        code=connection.code,
        name=connection.name,
        success_redirect_url=connection.success_redirect_url,
        webhook_url=base + path,
        has_webhook_secret=connection.webhook_secret is not None,
        created_at=stamp(connection.created_at),
    )


@routes.post("/payment_providers", accepts=ConnectionInput, root_in="payment_provider", **_ONE)
def create_payment_provider(work: Work, call: Call) -> PaymentProviderObject:
    """Connect the organization to a payment provider."""
    return to_wire(operations.make_connection(work, call.body), call)


@routes.get("/payment_providers", returns=PaymentProviderObject, root_out="payment_providers", is_list=True, is_extension=True)
def find_all_payment_providers(work: Work, call: Call) -> Page:
    """List connections to payment providers, the oldest first."""
    asked = read_page(call.query)
    found = store.find_connections(work.tx, organization_id=work.organization_id)
    return page_of([to_wire(item, call) for item in found[asked.offset :][: asked.per_page]], asked=asked, total=len(found))


@routes.get("/payment_providers/{code}", **_ONE)
def find_payment_provider(work: Work, call: Call) -> PaymentProviderObject:
    """Find a connection to a payment provider."""
    return to_wire(operations.get_connection(work, call.path["code"]), call)


@routes.put("/payment_providers/{code}", accepts=ConnectionInput, root_in="payment_provider", **_ONE)
def update_payment_provider(work: Work, call: Call) -> PaymentProviderObject:
    """Change what a connection is called, where payers are led to, and its secrets."""
    return to_wire(operations.change_connection(work, call.path["code"], call.body), call)


@routes.delete("/payment_providers/{code}", **_ONE)
def destroy_payment_provider(work: Work, call: Call) -> PaymentProviderObject:
    """End a connection; nobody is charged by it any more."""
    return to_wire(operations.remove_connection(work, call.path["code"]), call)
