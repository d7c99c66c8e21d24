"""What entries of logs are."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from msgspec import Struct


class Family(StrEnum):
    """Which log an entry belongs to."""

    ACTIVITY = "activity"
    SECURITY = "security"


class ApiLog(Struct, frozen=True, kw_only=True):
    """A request and its answer; bodies as plain data."""

    id: UUID
    organization_id: UUID
    api_key_id: UUID
    client: str
    http_method: str
    http_status: int
    request_origin: str
    request_path: str
    request_body: Any
    request_response: Any
    logged_at: datetime


class Activity(Struct, frozen=True, kw_only=True):
    """Something that happened to a thing; `changes` holds the value before and after of each field that changed."""

    id: UUID
    organization_id: UUID
    family: Family
    activity_type: str
    source: str
    actor: str
    resource_type: str
    resource_id: UUID
    external_customer_id: str | None
    external_subscription_id: str | None
    object: Any
    changes: Any
    logged_at: datetime


class ApiLogFilter(Struct, frozen=True, kw_only=True):
    """Which requests a list shows; `paths` may hold `*`; statuses are numbers, or `succeeded` and `failed`."""

    since: datetime
    first: datetime | None = None
    last: datetime | None = None
    methods: Sequence[str] = ()
    statuses: Sequence[int] = ()
    outcomes: Sequence[str] = ()
    paths: Sequence[str] = ()
    clients: Sequence[str] = ()


class ActivityFilter(Struct, frozen=True, kw_only=True):
    """Which activities a list shows."""

    family: Family
    since: datetime
    first: datetime | None = None
    last: datetime | None = None
    types: Sequence[str] = ()
    sources: Sequence[str] = ()
    actors: Sequence[str] = ()
    resource_types: Sequence[str] = ()
    resource_ids: Sequence[UUID] = ()
    external_customer_id: str | None = None
    external_subscription_id: str | None = None
