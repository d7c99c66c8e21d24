"""Use cases that make organizations and keys, and recognize who calls."""

import secrets
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from daycount import errors
from daycount.ids import NewId
from daycount.money import CURRENCIES
from daycount.organizations import key_store, store
from daycount.organizations.countries import COUNTRIES
from daycount.organizations.emails import is_email
from daycount.organizations.keys import digest_of, new_value
from daycount.organizations.records import BillingEntity, Caller, Organization

_ADMIN_TOKEN = "admin_token"  # noqa: S105 - the name under which its digest is kept
_MAX_PREFIX = 10


def create_organization(
    tx: Connection,
    *,
    new_id: NewId,
    real_now: datetime,
    name: str | None,
    email: str | None,
    country: str | None,
    timezone: str | None,
    default_currency: str | None,
    document_number_prefix: str | None,
    frozen_time: datetime | None,
) -> tuple[Organization, str]:
    """
    Make an organization with its default billing entity and its first API key, and return it with the key in clear text.

    With `frozen_time` it is a sandbox whose present is that instant. Raises Invalid (name, email, country, timezone,
    default_currency, document_number_prefix).
    """
    found = errors.FieldErrors()
    if not (name or "").strip():
        found.add("name", "value_is_mandatory")
    if email and not is_email(email):
        found.add("email", "invalid_email_format")
    if country and country.upper() not in COUNTRIES:
        found.add("country", "not_a_valid_country_code")
    if timezone is not None and not is_known_zone(timezone):
        found.add("timezone", "invalid_timezone")
    if default_currency is not None and default_currency not in CURRENCIES:
        found.add("default_currency", "value_is_invalid")
    if document_number_prefix is not None and not 1 <= len(document_number_prefix) <= _MAX_PREFIX:
        found.add("document_number_prefix", "value_is_too_long" if document_number_prefix else "value_is_too_short")
    found.raise_if_any()
    assert name is not None

    organization_id = new_id()
    organization = Organization(
        id=organization_id,
        name=name,
        email=email or None,
        country=country.upper() if country else None,
        created_at=frozen_time or real_now,
        frozen_time=frozen_time,
        entity=BillingEntity(
            id=new_id(),
            code="default",
            name=name,
            default_currency=default_currency or "USD",
            timezone=timezone or "UTC",
            document_number_prefix=(document_number_prefix or _prefix_of(name, organization_id)).upper(),
            net_payment_term=0,
            finalize_zero_amount_invoice=True,
        ),
    )
    store.insert_organization(tx, organization)
    return organization, create_api_key(tx, new_id=new_id, organization_id=organization_id, now=organization.created_at)


def create_api_key(tx: Connection, *, new_id: NewId, organization_id: UUID, now: datetime) -> str:
    """Make one more API key and return it in clear text; only its digest is kept."""
    key = new_value()
    store.insert_api_key(tx, id=new_id(), organization_id=organization_id, digest=digest_of(key), last_four=key[-4:], created_at=now)
    return key


def recognize(tx: Connection, *, key: str, real_now: datetime) -> Caller:
    """Return who calls with this API key. Raises Unauthenticated."""
    caller = store.find_caller(tx, digest=digest_of(key), now=real_now)
    if caller is None:
        raise errors.Unauthenticated
    return caller


def note_use(tx: Connection, caller: Caller, *, real_now: datetime) -> None:
    """Note that a key was used, at most once an hour; call it where `is_use_due` says so."""
    key_store.note_use(tx, key_id=caller.key_id, at=real_now)


def is_use_due(caller: Caller, *, real_now: datetime) -> bool:
    """Tell whether the use of the caller's key is worth noting."""
    return key_store.is_use_due(caller.last_used_at, at=real_now)


def ensure_admin_token(tx: Connection) -> str | None:
    """Make the server's admin token when there is none yet and return it; None when it was made before."""
    if store.find_secret(tx, _ADMIN_TOKEN) is not None:
        return None
    token = secrets.token_urlsafe(32)
    store.insert_secret(tx, _ADMIN_TOKEN, digest_of(token))
    return token


def is_admin(tx: Connection, *, token: str, configured: str | None) -> bool:
    """Tell whether `token` is the server's admin token: the configured one, else the one it made itself."""
    expected = digest_of(configured) if configured is not None else store.find_secret(tx, _ADMIN_TOKEN)
    return expected is not None and secrets.compare_digest(expected, digest_of(token))


def is_known_zone(name: str) -> bool:
    """Tell whether `name` is a time zone of the tz database."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return bool(name)


def _prefix_of(name: str, organization_id: UUID) -> str:
    letters = "".join(name.split())[:3].upper() or "ORG"
    return f"{letters}-{organization_id.hex[-4:].upper()}"
