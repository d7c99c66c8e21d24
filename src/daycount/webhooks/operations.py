"""Use cases of endpoints, and of what was told to them."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from msgspec import structs

from daycount import errors
from daycount.given import given, is_given
from daycount.infra.work import Work
from daycount.webhooks import store
from daycount.webhooks.event_types import ALIASES, EVENT_TYPES
from daycount.webhooks.records import Algorithm, Endpoint, EndpointInput, Webhook

_MOST_ENDPOINTS = 10
_MOST_URL = 2048
_MOST_NAME = 255


def create_endpoint(work: Work, wanted: EndpointInput) -> Endpoint:
    """Add an endpoint; an organization has ten at most. Raises Invalid. Source: Lago API, webhook endpoints."""
    found = errors.FieldErrors()
    blank = Endpoint(
        id=work.new_id(),
        organization_id=work.organization_id,
        url="",
        signature_algo=Algorithm.JWT,
        name=None,
        event_types=None,
        created_at=work.now,
        updated_at=work.now,
    )
    if not is_given(wanted.webhook_url):
        found.add("webhook_url", "value_is_mandatory")
    endpoint = structs.replace(blank, **_changed(wanted, found))
    store.lock_organization(work.tx, work.organization_id)
    if len(store.list_endpoints(work.tx, organization_id=work.organization_id)) >= _MOST_ENDPOINTS:
        found.add("base", "exceeded_limit")
    found.raise_if_any()
    store.insert_endpoint(work.tx, endpoint)
    return endpoint


def update_endpoint(work: Work, endpoint_id: UUID, changes: EndpointInput) -> Endpoint:
    """Change an endpoint: only keys that are given are written. Raises NotFound, Invalid. Source: Lago API, webhook endpoints."""
    endpoint = get_endpoint(work, endpoint_id, lock=True)
    found = errors.FieldErrors()
    changed = structs.replace(endpoint, updated_at=work.now, **_changed(changes, found))
    found.raise_if_any()
    store.update_endpoint(work.tx, changed)
    return changed


def delete_endpoint(work: Work, endpoint_id: UUID) -> Endpoint:
    """Delete an endpoint, with all that was told to it. Raises NotFound."""
    endpoint = get_endpoint(work, endpoint_id, lock=True)
    store.delete_endpoint(work.tx, endpoint_id)
    return endpoint


def get_endpoint(work: Work, endpoint_id: UUID, *, lock: bool = False) -> Endpoint:
    """Return an endpoint. Raises NotFound."""
    endpoint = store.find_endpoint(work.tx, organization_id=work.organization_id, endpoint_id=endpoint_id, lock=lock)
    if endpoint is None:
        raise errors.NotFound("webhook_endpoint")
    return endpoint


def list_by_age(work: Work) -> list[Endpoint]:
    """Return the organization's endpoints, the oldest first."""
    return sorted(store.list_endpoints(work.tx, organization_id=work.organization_id), key=lambda item: (item.created_at, str(item.id)))


def set_first_url(work: Work, url: str) -> None:
    """Give the oldest endpoint another address, or make the first one. Raises Invalid. Source: Lago API, organizations."""
    known = list_by_age(work)
    if known:
        update_endpoint(work, known[0].id, EndpointInput(webhook_url=url))
    else:
        create_endpoint(work, EndpointInput(webhook_url=url))


def get_webhook(work: Work, webhook_id: UUID) -> Webhook:
    """Return a webhook. Raises NotFound."""
    webhook = store.find_webhook(work.tx, organization_id=work.organization_id, webhook_id=webhook_id)
    if webhook is None:
        raise errors.NotFound("webhook")
    return webhook


def resend(work: Work, webhook_id: UUID) -> Webhook:
    """Send a webhook again, also one that arrived; it keeps its id and body, and has all its attempts anew. Raises NotFound."""
    get_webhook(work, webhook_id)
    store.resend(work.tx, organization_id=work.organization_id, webhook_id=webhook_id)
    return get_webhook(work, webhook_id)


def _changed(wanted: EndpointInput, found: errors.FieldErrors) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if is_given(wanted.webhook_url):
        fields["url"] = _read_url(given(wanted.webhook_url, None), found)
    if is_given(wanted.signature_algo):
        algorithm = given(wanted.signature_algo, None) or Algorithm.JWT
        fields["signature_algo"] = Algorithm(algorithm) if algorithm in set(Algorithm) else Algorithm.JWT
        if algorithm not in set(Algorithm):
            found.add("signature_algo", "value_is_invalid")
    if is_given(wanted.name):
        fields["name"] = given(wanted.name, None)
        if len(fields["name"] or "") > _MOST_NAME:
            found.add("name", "value_is_too_long")
    if is_given(wanted.event_types):
        fields["event_types"] = _read_event_types(wanted.event_types, found)
    return fields


def _read_url(value: str | None, found: errors.FieldErrors) -> str:
    url = (value or "").strip()
    if not url:
        found.add("webhook_url", "value_is_mandatory")
    elif len(url) > _MOST_URL:
        found.add("webhook_url", "value_is_too_long")
    elif not _is_address(url):
        found.add("webhook_url", "url_is_invalid")
    return url


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(host) and not any(sign.isspace() or ord(sign) < 32 for sign in url)


def _read_event_types(value: Any, found: errors.FieldErrors) -> list[str] | None:
    """Read the types an endpoint asks for: null or `["*"]` is everything, an empty list nothing."""
    if value is None:
        return None
    if not isinstance(value, list):
        found.add("event_types", "must_be_array")
        return None
    names: Sequence[str] = [str(name).strip().lower() for name in value]
    wanted = list(dict.fromkeys(name for name in names if name))
    if wanted == ["*"]:
        return None
    unknown = [name for name in wanted if name not in EVENT_TYPES and name not in ALIASES]
    if unknown:
        found.add("event_types", f"contains invalid types: {', '.join(unknown)}"[:1000])
    return wanted
