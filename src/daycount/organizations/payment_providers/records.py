"""What a connection to a payment provider is."""

from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

SIMULATOR: Final = "simulator"
STRIPE: Final = "stripe"
CONNECTABLE: Final = (SIMULATOR, STRIPE)
"""The providers that can be connected."""
NAMED: Final = frozenset({*CONNECTABLE, "gocardless", "cashfree", "adyen", "flutterwave", "moneyhash"})
"""The providers that customers may name; what is not connected charges nobody."""
CLASS_NAMES: Final = {SIMULATOR: "PaymentProviders::SimulatorProvider", STRIPE: "PaymentProviders::StripeProvider"}
"""What payments call the providers on the wire."""


class Connection(Struct, frozen=True, kw_only=True):
    """A connection to a payment provider; `code` names it within the organization, and never changes."""

    id: UUID
    organization_id: UUID
    provider_type: str
    code: str
    name: str
    success_redirect_url: str | None
    created_at: datetime
    updated_at: datetime
    secret_key: str | None = None
    """What the provider knows the organization by."""
    webhook_secret: str | None = None
    """What webhooks of the provider are signed with; None where none are heard."""

    def __repr__(self) -> str:
        """Say which connection it is; secrets never get into logs."""
        return f"Connection({self.provider_type}, {self.code}, {self.id})"


class ConnectionInput(Struct, frozen=True, kw_only=True):
    """A connection as a caller gives it."""

    provider_type: str | None | UnsetType = UNSET
    code: str | None | UnsetType = UNSET
    name: str | None | UnsetType = UNSET
    success_redirect_url: str | None | UnsetType = UNSET
    secret_key: str | None | UnsetType = UNSET
    webhook_secret: str | None | UnsetType = UNSET


class ConnectionRemoved(Struct, frozen=True):
    """A connection is gone: nobody is charged by it any more."""

    connection: Connection
