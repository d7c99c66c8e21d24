"""What is kept of what a provider told."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct


class ProviderEvent(Struct, frozen=True, kw_only=True):
    """A webhook of a provider, whose signature was right; `received_at` is the organization's time."""

    id: UUID
    organization_id: UUID
    provider_id: UUID
    event_id: str
    event_type: str
    removed_method_id: str | None
    payload: str
    received_at: datetime
