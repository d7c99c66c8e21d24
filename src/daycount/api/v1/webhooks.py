"""Webhooks on the wire: the key that verifies them, and the log of what was sent, which is an extension of ours."""

from collections.abc import Sequence

from msgspec import UNSET, Raw, Struct, UnsetType

from daycount.api.paging import Page, page_of, read_page
from daycount.api.query import Query
from daycount.api.routing import Call, Routes
from daycount.api.wire import Stamp, read_path_uuid, stamp, stamp_milliseconds
from daycount.infra.work import Work
from daycount.webhooks import operations, store
from daycount.webhooks.records import Attempt, Status, Webhook, WebhookFilter

routes = Routes("webhooks")


class PublicKeyObject(Struct, frozen=True, kw_only=True):
    """The key that verifies the signatures of webhooks: base64 of its PEM text."""

    public_key: str


class AttemptObject(Struct, frozen=True, kw_only=True):
    """One attempt to deliver a webhook, on real time; `error` says why nothing came back."""

    number: int
    started_at: Stamp
    duration_ms: int
    http_status: int | None
    response: str | None
    error: str | None


class WebhookObject(Struct, frozen=True, kw_only=True):
    """
    What one endpoint was told, or is to be told.

    `lago_id` is the `X-Lago-Unique-Key` of every attempt. `created_at` is the organization's time, all others are real time.
    The payload, and the attempts, are left out of lists.
    """

    lago_id: str
    lago_webhook_endpoint_id: str
    webhook_url: str
    webhook_type: str
    object_type: str
    lago_object_id: str | None
    status: str
    http_status: int | None
    attempts_count: int
    retries: int
    created_at: Stamp
    last_attempt_at: Stamp | None
    next_attempt_at: Stamp | None
    payload: Raw | UnsetType = UNSET
    attempts: Sequence[AttemptObject] | UnsetType = UNSET


def to_wire(webhook: Webhook, attempts: Sequence[Attempt] | None = None) -> WebhookObject:
    """Write a webhook; whole where its attempts are given."""
    is_due = webhook.next_attempt_at == store.AT_ONCE or webhook.next_attempt_at is None
    return WebhookObject(
        lago_id=str(webhook.id),
        lago_webhook_endpoint_id=str(webhook.endpoint_id),
        webhook_url=webhook.url,
        webhook_type=webhook.webhook_type,
        object_type=webhook.object_type,
        lago_object_id=None if webhook.object_id is None else str(webhook.object_id),
        status=webhook.status,
        http_status=webhook.http_status,
        attempts_count=webhook.attempts,
        retries=max(0, webhook.attempts - 1),
        created_at=stamp(webhook.created_at),
        last_attempt_at=None if webhook.last_attempt_at is None else stamp_milliseconds(webhook.last_attempt_at),
        next_attempt_at=None if is_due or webhook.next_attempt_at is None else stamp_milliseconds(webhook.next_attempt_at),
        payload=UNSET if attempts is None else Raw(webhook.payload.encode()),
        attempts=UNSET if attempts is None else [_attempt_to_wire(attempt) for attempt in attempts],
    )


def _attempt_to_wire(attempt: Attempt) -> AttemptObject:
    return AttemptObject(
        number=attempt.number,
        started_at=stamp_milliseconds(attempt.started_at),
        duration_ms=attempt.duration_ms,
        http_status=attempt.http_status,
        response=attempt.response,
        error=attempt.error,
    )


def _whole(work: Work, webhook: Webhook) -> WebhookObject:
    return to_wire(webhook, store.list_attempts(work.tx, webhook_id=webhook.id))


@routes.get(
    "/webhooks/public_key",
    returns=str,
    root_out=None,
    is_transactional=False,
    content_type="text/plain",
)
def find_public_key(call: Call) -> str:
    """Return the public key of webhooks as text."""
    return str(call.services.webhook_key())


@routes.get("/webhooks/json_public_key", returns=PublicKeyObject, root_out="webhook", is_transactional=False)
def find_json_public_key(call: Call) -> PublicKeyObject:
    """Return the public key of webhooks."""
    return PublicKeyObject(public_key=call.services.webhook_key())


def read_filter(query: Query) -> WebhookFilter:
    """Read the filters of the list. Raises Invalid for what is of no known set, or no id."""
    return WebhookFilter(
        statuses=query.members("status", tuple(Status)),
        webhook_types=query.many("webhook_type"),
        endpoint_id=query.uuid("webhook_endpoint_id"),
        object_id=query.uuid("object_id"),
    )


@routes.get(
    "/webhooks",
    returns=WebhookObject,
    root_out="webhooks",
    is_list=True,
    is_extension=True,
    parameters=("status[]", "webhook_type[]", "webhook_endpoint_id", "object_id"),
)
def find_all_webhooks(work: Work, call: Call) -> Page:
    """List what was sent, and is to be sent, newest first."""
    query, asked = read_filter(call.query), read_page(call.query)
    found = store.list_webhooks(work.tx, organization_id=work.organization_id, query=query, limit=asked.per_page, offset=asked.offset)
    total = store.count_webhooks(work.tx, organization_id=work.organization_id, query=query)
    return page_of([to_wire(webhook) for webhook in found], asked=asked, total=total)


@routes.get("/webhooks/{lago_id}", returns=WebhookObject, root_out="webhook", is_extension=True)
def find_webhook(work: Work, call: Call) -> WebhookObject:
    """Find a webhook with its body and every attempt to deliver it."""
    return _whole(work, operations.get_webhook(work, read_path_uuid(call.path["lago_id"], "webhook")))


@routes.post("/webhooks/{lago_id}/resend", returns=WebhookObject, root_out="webhook", is_extension=True)
def resend_webhook(work: Work, call: Call) -> WebhookObject:
    """Send a webhook again, with the same id and body, whatever came of it before."""
    return _whole(work, operations.resend(work, read_path_uuid(call.path["lago_id"], "webhook")))
