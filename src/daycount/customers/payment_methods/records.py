"""What a payment method is."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

PROVIDER = "provider"
MANUAL = "manual"


class PaymentMethod(Struct, frozen=True, kw_only=True):
    """A card, an account or a mandate; one of a customer's is its default. `details` is what the provider says of it."""

    id: UUID
    organization_id: UUID
    customer_id: UUID
    provider_id: UUID
    provider_method_id: str
    is_default: bool
    details: Mapping[str, Any]
    created_at: datetime


class ShownMethod(NamedTuple):
    """A payment method with what is shown of its provider."""

    method: PaymentMethod
    provider_code: str
    provider_name: str
    provider_type: str


class Reference(NamedTuple):
    """Which way to pay something names: by hand, by a method, or by the customer's default (a provider without an id)."""

    kind: str = PROVIDER
    method_id: UUID | None = None


class MethodInput(Struct, frozen=True, kw_only=True):
    """A payment method as a caller gives it: what the provider calls it."""

    provider_method_id: str | None | UnsetType = UNSET
