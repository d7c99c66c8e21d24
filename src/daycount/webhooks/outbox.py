"""
Queueing webhooks, in the transaction of what they tell of: they go out if it is committed, and never otherwise.

An organization without endpoints costs one small query a transaction; a body is written only where somebody asks for it.
"""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

import msgspec
from sqlalchemy import RootTransaction

from daycount.infra.work import Work
from daycount.webhooks import store
from daycount.webhooks.event_types import is_wanted, root_of
from daycount.webhooks.records import Endpoint

_encoder = msgspec.json.Encoder()
_listeners: WeakKeyDictionary[RootTransaction, dict[UUID, list[Endpoint]]] = WeakKeyDictionary()
"""The endpoints of organizations as transactions under way found them."""

Render = Callable[[], Sequence[tuple[UUID | None, Any]]]
"""Makes the objects of webhooks, each with the id of what it is about."""


def find_listeners(work: Work) -> list[Endpoint]:
    """Return the endpoints of the organization; asked for once a transaction."""
    transaction = work.tx.get_transaction()
    if transaction is None:
        transaction = work.tx.begin()
    known = _listeners.setdefault(transaction, {})
    found = known.get(work.organization_id)
    if found is None:
        found = known[work.organization_id] = store.list_endpoints(work.tx, organization_id=work.organization_id)
    return found


def is_listened_for(work: Work, webhook_type: str) -> bool:
    """Tell whether an endpoint of the organization gets webhooks of a type."""
    return any(is_wanted(webhook_type, endpoint.event_types) for endpoint in find_listeners(work))


def queue(work: Work, webhook_type: str, render: Render) -> None:
    """Queue webhooks of a type for every endpoint that asks for it; nothing is rendered where none does."""
    endpoints = [endpoint for endpoint in find_listeners(work) if is_wanted(webhook_type, endpoint.event_types)]
    if not endpoints:
        return
    root = root_of(webhook_type)
    rows = []
    for object_id, shown in render():
        payload = write_payload(webhook_type, root, organization_id=work.organization_id, shown=shown)
        rows += [
            {
                "id": work.new_id(),
                "organization_id": work.organization_id,
                "endpoint_id": endpoint.id,
                "webhook_type": webhook_type,
                "object_type": root,
                "object_id": object_id,
                "payload": payload,
                "created_at": work.now,
            }
            for endpoint in endpoints
        ]
    store.insert_webhooks(work.tx, rows)


def write_payload(webhook_type: str, root: str, *, organization_id: UUID, shown: Any) -> str:
    """Write the body of a webhook: compact JSON, whose object stands under its root."""
    body = {"webhook_type": webhook_type, "object_type": root, "organization_id": str(organization_id), root: shown}
    return _encoder.encode(body).decode()
