"""What an endpoint, a webhook and an attempt to deliver it are."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType


class Algorithm(StrEnum):
    """How the signature in `X-Lago-Signature` is made."""

    JWT = "jwt"
    HMAC = "hmac"
    STANDARD = "standard_webhooks"


class Status(StrEnum):
    """Where a webhook is on its way."""

    PENDING = "pending"
    RETRYING = "retrying"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Endpoint(Struct, frozen=True, kw_only=True):
    """An address that webhooks go to; `event_types` is None for all of them."""

    id: UUID
    organization_id: UUID
    url: str
    signature_algo: Algorithm
    name: str | None
    event_types: list[str] | None
    created_at: datetime
    updated_at: datetime


class EndpointInput(Struct, frozen=True, kw_only=True):
    """An endpoint as a caller gives it."""

    webhook_url: str | None | UnsetType = UNSET
    signature_algo: str | None | UnsetType = UNSET
    name: str | None | UnsetType = UNSET
    event_types: Any | None | UnsetType = UNSET


class Webhook(Struct, frozen=True, kw_only=True):
    """
    What one endpoint is told of one event.

    `created_at` is the organization's time; attempts are made, and dated, on real time.
    """

    id: UUID
    organization_id: UUID
    endpoint_id: UUID
    webhook_type: str
    object_type: str
    object_id: UUID | None
    payload: str
    status: Status
    attempts: int
    http_status: int | None
    created_at: datetime
    last_attempt_at: datetime | None
    next_attempt_at: datetime | None
    url: str
    """The endpoint's address as it is now."""


class Attempt(NamedTuple):
    """One attempt to deliver, with what came back; `error` says why nothing did."""

    number: int
    started_at: datetime
    duration_ms: int
    http_status: int | None
    response: str | None
    error: str | None


class Flight(NamedTuple):
    """A webhook that is to be sent now, and everything needed for it. `tries` counts those of this round, this one included."""

    id: UUID
    endpoint_id: UUID
    url: str
    algorithm: Algorithm
    hmac_key: str
    payload: str
    attempts: int
    tries: int


class Outcome(NamedTuple):
    """What became of a flight: the attempt, the status from now on, and when it is to be tried again, None for never."""

    webhook_id: UUID
    attempt: Attempt
    status: Status
    next_attempt_at: datetime | None


class WebhookFilter(NamedTuple):
    """Which webhooks a list shows."""

    statuses: Sequence[str] = ()
    webhook_types: Sequence[str] = ()
    endpoint_id: UUID | None = None
    object_id: UUID | None = None
