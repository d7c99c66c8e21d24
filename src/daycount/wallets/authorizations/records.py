"""What an authorization is, and how a caller asks for one."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType


class AuthorizationStatus(StrEnum):
    """What became of what was held."""

    HELD = "held"
    CAPTURED = "captured"
    RELEASED = "released"
    EXPIRED = "expired"


class Authorization(Struct, frozen=True, kw_only=True):
    """
    A part of a wallet's balance, in minor units, that nothing else can use until it is captured, released or expires.

    `reference` is the caller's own name for it, unique in the wallet; `transaction_id` is that of the credits that were taken.
    """

    id: UUID
    organization_id: UUID
    wallet_id: UUID
    customer_id: UUID
    reference: str | None
    status: AuthorizationStatus
    amount_cents: int
    captured_amount_cents: int
    transaction_id: UUID | None
    created_at: datetime
    expires_at: datetime
    settled_at: datetime | None

    def is_held(self, at: datetime) -> bool:
        """Tell whether the amount is held at an instant: at the instant it expires it is not any more."""
        return self.status is AuthorizationStatus.HELD and at < self.expires_at


class AuthorizationInput(Struct, frozen=True, kw_only=True):
    """What is to be held: an amount in minor units or credits, as a text; for some seconds or until an instant."""

    amount_cents: int | None | UnsetType = UNSET
    credits: Any = UNSET
    expires_at: str | None | UnsetType = UNSET
    expires_in_seconds: int | None | UnsetType = UNSET
    reference: str | None | UnsetType = UNSET


class CaptureInput(Struct, frozen=True, kw_only=True):
    """How much of what is held was used: an amount in minor units or credits, as a text; nothing given is all of it."""

    amount_cents: int | None | UnsetType = UNSET
    credits: Any = UNSET
