"""What is known of a customer's tax number."""

import re
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple, Protocol
from uuid import UUID

from msgspec import Struct

from daycount.engine.eu_vat import is_member

_NUMBER: Final = re.compile(r"([A-Z]{2})([0-9A-Z+*]{2,12})")
_GREECE: Final = {"EL": "GR"}
"""Greece has other letters in tax numbers than in addresses."""


class VatNumber(NamedTuple):
    """A tax number of a member state: its country as addresses write it, and the number with its own two letters before it."""

    country: str
    text: str


class VatStatus(StrEnum):
    """Where a check stands: invoices wait while it is pending."""

    PENDING = "pending"
    VALID = "valid"
    INVALID = "invalid"


class VatCheck(Struct, frozen=True, kw_only=True):
    """The check of a customer's tax number; `attempts` counts those that got no answer."""

    customer_id: UUID
    organization_id: UUID
    number: str
    status: VatStatus
    attempts: int
    failure: str | None
    requested_at: datetime
    answered_at: datetime | None


class VatRegistry(Protocol):
    """Who knows which tax numbers are valid."""

    def is_valid(self, number: VatNumber) -> bool:
        """Tell whether a number is valid now. Raises ProviderFailed when there is no answer."""
        ...


def read_number(text: str | None) -> VatNumber | None:
    """Read a tax number of a member state, blanks and marks between its digits left out; None where it cannot be one."""
    match = _NUMBER.fullmatch(re.sub(r"[\s.\-/]", "", text or "").upper())
    if match is None:
        return None
    country = _GREECE.get(match.group(1), match.group(1))
    return VatNumber(country, match.group()) if is_member(country) and match.group(1) != "GR" else None
