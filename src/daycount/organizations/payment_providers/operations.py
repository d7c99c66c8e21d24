"""Use cases of connections to payment providers. Nothing here speaks to a provider."""

import re
from collections.abc import Sequence
from importlib.util import find_spec
from urllib.parse import urlsplit

from msgspec import structs

from daycount import errors
from daycount.given import given, is_given
from daycount.infra.work import Work
from daycount.organizations.payment_providers import store
from daycount.organizations.payment_providers.records import CONNECTABLE, STRIPE, Connection, ConnectionInput, ConnectionRemoved

_MAX_TEXT = 255
_MAX_URL = 1024
_STRIPE_KEY = re.compile(r"[sr]k_(test|live)_[A-Za-z0-9_]{1,200}")


def make_connection(work: Work, wanted: ConnectionInput) -> Connection:
    """
    Connect the organization to a payment provider. Raises Invalid.

    A sandbox is connected by a key for tests alone: its clock can be moved as one likes, and nobody's money with it.
    """
    found = errors.FieldErrors()
    kind = given(wanted.provider_type, None) or ""
    code, name = (given(wanted.code, None) or "").strip(), (given(wanted.name, None) or "").strip()
    if not kind:
        found.add("provider_type", "value_is_mandatory")
    elif kind not in CONNECTABLE:
        found.add("provider_type", "value_is_invalid")
    for field, text in (("code", code), ("name", name)):
        if not text:
            found.add(field, "value_is_mandatory")
        elif len(text) > _MAX_TEXT:
            found.add(field, "value_is_too_long")
    redirect = _read_url(given(wanted.success_redirect_url, None), found)
    secret_key = _read_key(work, kind, given(wanted.secret_key, None), found)
    webhook_secret = _read_secret(given(wanted.webhook_secret, None), found)
    found.raise_if_any()
    connection = Connection(
        id=work.new_id(),
        organization_id=work.organization_id,
        provider_type=kind,
        code=code,
        name=name,
        success_redirect_url=redirect,
        created_at=work.now,
        updated_at=work.now,
        secret_key=secret_key,
        webhook_secret=webhook_secret,
    )
    store.insert_connection(work.tx, connection)
    return connection


def change_connection(work: Work, code: str, changes: ConnectionInput) -> Connection:
    """Change what a connection is called, where payers are led to, and its secrets. Raises NotFound, Invalid."""
    connection = _lock(work, code)
    found = errors.FieldErrors()
    fields: dict[str, str | None] = {}
    if is_given(changes.name):
        fields["name"] = (given(changes.name, None) or "").strip()
        if not fields["name"]:
            found.add("name", "value_is_mandatory")
        elif len(fields["name"]) > _MAX_TEXT:
            found.add("name", "value_is_too_long")
    if is_given(changes.success_redirect_url):
        fields["success_redirect_url"] = _read_url(given(changes.success_redirect_url, None), found)
    if is_given(changes.secret_key):
        fields["secret_key"] = _read_key(work, connection.provider_type, given(changes.secret_key, None), found)
    if is_given(changes.webhook_secret):
        fields["webhook_secret"] = _read_secret(given(changes.webhook_secret, None), found)
    found.raise_if_any()
    changed = structs.replace(connection, **fields, updated_at=work.now)
    store.update_connection(work.tx, changed)
    return changed


def remove_connection(work: Work, code: str) -> Connection:
    """End a connection; what was paid by it stays. Announces ConnectionRemoved. Raises NotFound."""
    connection = _lock(work, code)
    store.update_connection(work.tx, connection, deleted_at=work.now)
    work.announce(ConnectionRemoved(connection))
    return connection


def get_connection(work: Work, code: str) -> Connection:
    """Return the connection of a code. Raises NotFound."""
    found = store.find_connection(work.tx, organization_id=work.organization_id, code=code)
    if found is None:
        raise errors.NotFound("payment_provider")
    return found


def choose(connections: Sequence[Connection], provider_type: str | None, code: str | None) -> Connection | None:
    """Return the connection that a provider and a code mean; without a code, the only one to that provider. None where there is none."""
    same = [item for item in connections if item.provider_type == provider_type and (not code or item.code == code)]
    return same[0] if len(same) == 1 else None


def find_named(work: Work, *, provider_type: str | None, code: str | None) -> Connection | None:
    """Return the connection that a customer means by a provider and a code. Raises Invalid where several could be meant."""
    found = [item for item in store.find_connections(work.tx, organization_id=work.organization_id) if item.provider_type == provider_type]
    if not code and len(found) > 1:
        raise errors.Invalid({"payment_provider_code": ["value_is_mandatory"]})
    return choose(found, provider_type, code)


def _lock(work: Work, code: str) -> Connection:
    found = store.find_connection(work.tx, organization_id=work.organization_id, code=code, lock=True)
    if found is None:
        raise errors.NotFound("payment_provider")
    return found


def _read_key(work: Work, kind: str, text: str | None, found: errors.FieldErrors) -> str | None:
    """Read what the provider knows the organization by; the simulator needs nothing."""
    text = (text or "").strip()
    if kind != STRIPE:
        if text:
            found.add("secret_key", "value_must_be_blank")
        return None
    if find_spec("stripe") is None:
        found.add("provider_type", "stripe_is_not_installed")
    if not text:
        found.add("secret_key", "value_is_mandatory")
    elif len(text) > _MAX_TEXT:
        found.add("secret_key", "value_is_too_long")
    elif not _STRIPE_KEY.fullmatch(text) or (work.is_sandbox and "_test_" not in text):
        found.add("secret_key", "value_is_invalid")
    return text or None


def _read_secret(text: str | None, found: errors.FieldErrors) -> str | None:
    text = (text or "").strip()
    if len(text) > _MAX_TEXT:
        found.add("webhook_secret", "value_is_too_long")
    return text or None


def _read_url(text: str | None, found: errors.FieldErrors) -> str | None:
    if not text:
        return None
    if len(text) > _MAX_URL:
        found.add("success_redirect_url", "value_is_too_long")
        return None
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        found.add("success_redirect_url", "url_is_invalid")
    return text
