"""What users, memberships, invitations and sessions are."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from msgspec import Struct

from daycount.organizations.permissions import READ, RESOURCES, WRITE, Permissions


class Role(StrEnum):
    """What a member may do."""

    ADMIN = "admin"
    MANAGER = "manager"
    FINANCE = "finance"
    AUDITOR = "auditor"


_OF_MONEY: Final = frozenset(
    {
        "invoice",
        "fee",
        "payment",
        "payment_receipt",
        "payment_request",
        "payment_method",
        "credit_note",
        "customer",
        "applied_coupon",
        "wallet",
        "wallet_transaction",
    }
)
ROLE_MEANINGS: Final = {
    Role.ADMIN: "Everything, and who else may come in.",
    Role.MANAGER: "Catalogue, customers and billing; no API keys, no members.",
    Role.FINANCE: "Customers, invoices, payments, credit notes and wallets; reads the rest.",
    Role.AUDITOR: "Reads everything, changes nothing.",
}


def permissions_of(role: Role) -> Permissions | None:
    """Return what a role may do, in the words of API keys; None is everything."""
    match role:
        case Role.ADMIN:
            return None
        case Role.MANAGER:
            return dict.fromkeys(RESOURCES, (READ, WRITE))
        case Role.FINANCE:
            return {resource: (READ, WRITE) if resource in _OF_MONEY else (READ,) for resource in RESOURCES}
        case Role.AUDITOR:
            return dict.fromkeys(RESOURCES, (READ,))


class User(Struct, frozen=True, kw_only=True):
    """Somebody who can sign in."""

    id: UUID
    email: str
    name: str
    password_hash: str
    created_at: datetime


class Membership(NamedTuple):
    """An organization that a user belongs to."""

    organization_id: UUID
    organization_name: str
    role: Role
    is_sandbox: bool


class Member(NamedTuple):
    """A user of an organization."""

    user_id: UUID
    email: str
    name: str
    role: Role
    created_at: datetime


class Invitation(NamedTuple):
    """An offer to become a member, open until it is taken, taken back or too old."""

    id: UUID
    organization_id: UUID
    organization_name: str
    email: str
    role: Role
    expires_at: datetime


class Session(Struct, frozen=True, kw_only=True):
    """A user who is signed in, and the organization that is looked at."""

    digest: bytes
    user_id: UUID
    email: str
    name: str
    csrf: str
    seen_at: datetime
    organization_id: UUID | None
    memberships: Sequence[Membership]

    @property
    def membership(self) -> Membership | None:
        """Return the membership that counts: of the organization looked at, or of the first one."""
        chosen = (item for item in self.memberships if item.organization_id == self.organization_id)
        return next(chosen, self.memberships[0] if self.memberships else None)
