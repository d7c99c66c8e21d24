"""What an e-mail is."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from msgspec import UNSET, Struct


class Status(StrEnum):
    """Where an e-mail is on its way."""

    PENDING = "pending"
    RETRYING = "retrying"
    SENT = "sent"
    FAILED = "failed"
    NOT_SENT = "not_sent"


class Mail(Struct, frozen=True, kw_only=True):
    """One e-mail. `email_type` is what it tells of, as the settings of billing entities name it."""

    id: UUID
    organization_id: UUID
    customer_id: UUID
    external_customer_id: str
    email_type: str
    document_type: str
    document_id: UUID
    document_number: str
    is_resend: bool
    sender_name: str
    reply_to: str
    recipients: Sequence[str]
    cc: Sequence[str]
    bcc: Sequence[str]
    subject: str
    text: str
    html: str
    attachments: Sequence[dict[str, Any]]
    status: Status
    attempts: int
    error: str | None
    created_at: datetime
    last_attempt_at: datetime | None
    next_attempt_at: datetime | None


class Recipients(Struct, frozen=True, kw_only=True):
    """To whom something is sent again; without `to` the customer gets it."""

    to: Any = UNSET
    cc: Any = UNSET
    bcc: Any = UNSET


class MailFilter(NamedTuple):
    """Which e-mails a list shows."""

    statuses: Sequence[str] = ()
    email_types: Sequence[str] = ()
    external_customer_id: str | None = None
    document_id: UUID | None = None
