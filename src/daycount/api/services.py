"""What handlers may use besides the database; the composition root fills it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from daycount.clock import Clock
from daycount.config import Settings
from daycount.infra.work import Workplace
from daycount.payments.checkout.providing import Checkout
from daycount.payments.inbound.operations import Hearing
from daycount.payments.linking import Linking
from daycount.usage.records import Directory
from daycount.usage.store import PostgresEventStore


class People(NamedTuple):
    """Who signs in to the pages: the addresses of users, and the users of addresses."""

    find_emails: Callable[[Connection, Sequence[UUID]], Mapping[UUID, str]]
    find_ids: Callable[[Connection, Sequence[str]], Sequence[UUID]]


class Services(NamedTuple):
    """The services of one process."""

    settings: Settings
    workplace: Workplace
    clock: Clock
    events: PostgresEventStore
    directory: Directory
    advance_clock: Callable[[UUID, datetime], datetime]
    webhook_key: Callable[[], str]
    """Returns the public key of webhooks, as base64 of its PEM text."""
    people: People
    linking: Linking
    """Makes customers known to payment providers."""
    hearing: Hearing
    """Hears what payment providers tell."""
    checkout: Checkout
    """Gives out pages to pay at."""
