"""Webhook endpoints on the wire."""

from collections.abc import Sequence

from msgspec import Struct

from daycount.api.paging import Page, page_of, read_page
from daycount.api.routing import Call, Routes
from daycount.api.wire import Stamp, read_path_uuid, stamp
from daycount.infra.work import Work
from daycount.organizations.store import bump_catalog_version
from daycount.webhooks import operations, store
from daycount.webhooks.records import Algorithm, Endpoint, EndpointInput
from daycount.webhooks.signatures import standard_secret

routes = Routes("webhook_endpoints")


class WebhookEndpointObject(Struct, frozen=True, kw_only=True):
    """
    An address that webhooks go to; `event_types` is null for all of them.

    `secret` is what verifies its signatures: the organization's key, as verifiers of Standard Webhooks take it where the
    algorithm is `standard_webhooks`; null for jwt, which the server's public key verifies.
    """

    lago_id: str
    lago_organization_id: str
    webhook_url: str
    signature_algo: str
    name: str | None
    event_types: Sequence[str] | None
    created_at: Stamp
    secret: str | None


def to_wire(endpoint: Endpoint, *, hmac_key: str) -> WebhookEndpointObject:
    """Write an endpoint."""
    secrets = {Algorithm.JWT: None, Algorithm.HMAC: hmac_key, Algorithm.STANDARD: standard_secret(hmac_key)}
    return WebhookEndpointObject(
        lago_id=str(endpoint.id),
        lago_organization_id=str(endpoint.organization_id),
        webhook_url=endpoint.url,
        signature_algo=endpoint.signature_algo,
        name=endpoint.name,
        event_types=endpoint.event_types,
        created_at=stamp(endpoint.created_at),
        secret=secrets[endpoint.signature_algo],
    )


def _shown(work: Work, endpoint: Endpoint) -> WebhookEndpointObject:
    return to_wire(endpoint, hmac_key=store.find_hmac_key(work.tx, work.organization_id))


@routes.post(
    "/webhook_endpoints",
    accepts=EndpointInput,
    root_in="webhook_endpoint",
    returns=WebhookEndpointObject,
    root_out="webhook_endpoint",
)
def create_webhook_endpoint(work: Work, call: Call) -> WebhookEndpointObject:
    """Create a webhook endpoint; an organization has ten at most."""
    bump_catalog_version(work)  # ingest notes what is wrong with events for those who listen
    return _shown(work, operations.create_endpoint(work, call.body))


@routes.get("/webhook_endpoints", returns=WebhookEndpointObject, root_out="webhook_endpoints", is_list=True)
def find_all_webhook_endpoints(work: Work, call: Call) -> Page:
    """List webhook endpoints by their address."""
    asked = read_page(call.query)
    found = store.list_endpoints(work.tx, organization_id=work.organization_id)
    hmac_key = store.find_hmac_key(work.tx, work.organization_id)
    shown = [to_wire(endpoint, hmac_key=hmac_key) for endpoint in found[asked.offset :][: asked.per_page]]
    return page_of(shown, asked=asked, total=len(found))


@routes.get("/webhook_endpoints/{lago_id}", returns=WebhookEndpointObject, root_out="webhook_endpoint")
def find_webhook_endpoint(work: Work, call: Call) -> WebhookEndpointObject:
    """Find a webhook endpoint."""
    return _shown(work, operations.get_endpoint(work, read_path_uuid(call.path["lago_id"], "webhook_endpoint")))


@routes.put(
    "/webhook_endpoints/{lago_id}",
    accepts=EndpointInput,
    root_in="webhook_endpoint",
    returns=WebhookEndpointObject,
    root_out="webhook_endpoint",
)
def update_webhook_endpoint(work: Work, call: Call) -> WebhookEndpointObject:
    """Change a webhook endpoint."""
    endpoint_id = read_path_uuid(call.path["lago_id"], "webhook_endpoint")
    return _shown(work, operations.update_endpoint(work, endpoint_id, call.body))


@routes.delete("/webhook_endpoints/{lago_id}", returns=WebhookEndpointObject, root_out="webhook_endpoint")
def destroy_webhook_endpoint(work: Work, call: Call) -> WebhookEndpointObject:
    """Delete a webhook endpoint, with all that was told to it."""
    bump_catalog_version(work)
    return _shown(work, operations.delete_endpoint(work, read_path_uuid(call.path["lago_id"], "webhook_endpoint")))
