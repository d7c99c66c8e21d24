"""
Use cases of accounts: users and passwords, memberships, invitations, signing in and out.

All on real time; a sandbox's clock says nothing about when a person signs in. Tokens are random, go out once and are kept
as digests. Passwords are kept as argon2id.
"""

import hashlib
import re
import secrets
from datetime import datetime, timedelta
from functools import cache
from typing import Final, NamedTuple
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection

from daycount import errors
from daycount.dashboard.accounts import store
from daycount.dashboard.accounts.records import Invitation, Member, Role, Session, User
from daycount.ids import NewId

LIFETIME: Final = timedelta(days=14)
IDLE: Final = timedelta(hours=24)
INVITATION_LIFETIME: Final = timedelta(days=7)
_SEEN_IS_NOTED_EVERY = timedelta(minutes=5)
_WINDOW: Final = timedelta(minutes=15)
_MOST_FAILURES: Final = 5
_MOST_FAILURES_OF_CLIENT: Final = 30
_SHORTEST, _LONGEST = 10, 200
_MAX_TEXT = 200
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+|[^@\s]+@localhost")

_hasher = PasswordHasher()


class SignedIn(NamedTuple):
    """A new session's token, known this once."""

    token: str


def create_user(tx: Connection, *, new_id: NewId, now: datetime, email: str, name: str, password: str) -> User:
    """Make a user. Raises Invalid (email, name, password)."""
    found = errors.FieldErrors()
    address = email.strip().lower()
    if not _EMAIL.fullmatch(address) or len(address) > _MAX_TEXT:
        found.add("email", "invalid_email_format")
    if len(name) > _MAX_TEXT:
        found.add("name", "value_is_too_long")
    check_password(password, found)
    found.raise_if_any()
    user = User(id=new_id(), email=address, name=name.strip() or address.partition("@")[0], password_hash=_hash(password), created_at=now)
    if not store.insert_user(tx, user):
        raise errors.Invalid({"email": ["value_already_exist"]})
    return user


def check_password(password: str, found: errors.FieldErrors) -> None:
    """Note what is wrong with a new password."""
    if len(password) < _SHORTEST:
        found.add("password", "value_is_too_short")
    elif len(password) > _LONGEST:
        found.add("password", "value_is_too_long")


def change_password(tx: Connection, user: User, *, password: str) -> None:
    """Give a user another password and end all its sessions. Raises Invalid (password)."""
    found = errors.FieldErrors()
    check_password(password, found)
    found.raise_if_any()
    store.update_password(tx, user.id, _hash(password))
    store.delete_sessions_of(tx, user_id=user.id)


def get_user(tx: Connection, email: str) -> User:
    """Return the user of an address. Raises NotFound."""
    user = store.find_user(tx, email.strip().lower())
    if user is None:
        raise errors.NotFound("user")
    return user


def sign_in(
    tx: Connection, *, new_id: NewId, now: datetime, email: str, password: str, client: str, previous: str | None
) -> SignedIn | None:
    """
    Begin a session, or note the failure and return None; the caller commits either way.

    A session that the browser had before ends, so that a token somebody planted is worth nothing. After five failures in a
    quarter of an hour for an address, or thirty from a client, raises Busy without looking at the password.
    """
    address = email.strip().lower()[:_MAX_TEXT]
    _require_patience(tx, email=address, client=client, now=now)
    user = store.find_user(tx, address)
    if not _verify(_hash_of_nobody() if user is None else user.password_hash, password) or user is None:
        _note_failure(tx, new_id=new_id, email=address, client=client, now=now)
        return None
    if _hasher.check_needs_rehash(user.password_hash):
        store.update_password(tx, user.id, _hash(password))
    store.delete_failures(tx, email=address)
    if previous is not None:
        store.delete_session(tx, digest=digest_of(previous))
    return begin_session(tx, user_id=user.id, now=now, organization_id=None)


def begin_session(tx: Connection, *, user_id: UUID, now: datetime, organization_id: UUID | None) -> SignedIn:
    """Begin a session of a user whose identity is sure, and remove the sessions that are too old."""
    token = secrets.token_urlsafe(32)
    store.delete_old_sessions(tx, made_before=now - LIFETIME, seen_before=now - IDLE)
    store.insert_session(
        tx, digest=digest_of(token), user_id=user_id, organization_id=organization_id, csrf=secrets.token_urlsafe(32), now=now
    )
    return SignedIn(token)


def find_session(tx: Connection, *, token: str, now: datetime) -> Session | None:
    """Return the session of a token, if it still counts."""
    return store.find_session(tx, digest=digest_of(token), made_after=now - LIFETIME, seen_after=now - IDLE)


def is_use_due(session: Session, *, now: datetime) -> bool:
    """Tell whether the use of a session is worth noting."""
    return now - session.seen_at >= _SEEN_IS_NOTED_EVERY


def invite(tx: Connection, *, new_id: NewId, now: datetime, organization_id: UUID, email: str, role: Role) -> str:
    """Offer a membership to an address and return the token for the link. Raises Invalid (email)."""
    address = email.strip().lower()
    if not _EMAIL.fullmatch(address) or len(address) > _MAX_TEXT:
        raise errors.Invalid({"email": ["invalid_email_format"]})
    if any(member.email == address for member in store.list_members(tx, organization_id=organization_id)):
        raise errors.Invalid({"email": ["value_already_exist"]})
    token = secrets.token_urlsafe(32)
    store.put_invitation(
        tx,
        id=new_id(),
        organization_id=organization_id,
        email=address,
        role=role,
        digest=digest_of(token),
        now=now,
        expires_at=now + INVITATION_LIFETIME,
    )
    return token


def get_invitation(tx: Connection, *, token: str, now: datetime) -> Invitation:
    """Return the open invitation of a token. Raises NotFound."""
    invitation = store.find_invitation(tx, digest=digest_of(token), now=now)
    if invitation is None:
        raise errors.NotFound("invitation")
    return invitation


def accept_invitation(tx: Connection, *, new_id: NewId, now: datetime, token: str, name: str, password: str, client: str) -> SignedIn:
    """
    Make whoever has the link a member and sign them in.

    A known address proves itself with its password, a new one chooses it. Raises NotFound, Invalid (password, name), Busy.
    """
    invitation = get_invitation(tx, token=token, now=now)
    user = store.find_user(tx, invitation.email)
    if user is None:
        user = create_user(tx, new_id=new_id, now=now, email=invitation.email, name=name, password=password)
    else:
        _require_patience(tx, email=user.email, client=client, now=now)
        if not _verify(user.password_hash, password):
            _note_failure(tx, new_id=new_id, email=user.email, client=client, now=now)
            raise errors.Invalid({"password": ["value_is_invalid"]})
    store.put_membership(tx, organization_id=invitation.organization_id, user_id=user.id, role=invitation.role, now=now)
    store.delete_invitation(tx, organization_id=invitation.organization_id, invitation_id=invitation.id)
    return begin_session(tx, user_id=user.id, now=now, organization_id=invitation.organization_id)


def change_role(tx: Connection, *, organization_id: UUID, user_id: UUID, role: Role, now: datetime) -> None:
    """Give a member another role. Raises NotFound (member), NotAllowed where no administrator would be left."""
    members = store.lock_members(tx, organization_id=organization_id)
    _require_other_admin(members, user_id=user_id, stays_admin=role is Role.ADMIN)
    store.put_membership(tx, organization_id=organization_id, user_id=user_id, role=role, now=now)


def remove_member(tx: Connection, *, organization_id: UUID, user_id: UUID) -> None:
    """Take a member's membership away. Raises NotFound (member), NotAllowed where no administrator would be left."""
    members = store.lock_members(tx, organization_id=organization_id)
    _require_other_admin(members, user_id=user_id, stays_admin=False)
    store.delete_membership(tx, organization_id=organization_id, user_id=user_id)


def _require_other_admin(members: list[Member], *, user_id: UUID, stays_admin: bool) -> None:
    if not any(member.user_id == user_id for member in members):
        raise errors.NotFound("member")
    others = [member for member in members if member.role is Role.ADMIN and member.user_id != user_id]
    if not others and not stays_admin:
        raise errors.NotAllowed("last_admin")


def digest_of(token: str) -> bytes:
    """Return what is kept of a token."""
    return hashlib.sha256(token.encode()).digest()


def _require_patience(tx: Connection, *, email: str, client: str, now: datetime) -> None:
    """Raise Busy (too_many_sign_ins) after too many failures."""
    for_address, in_all = store.count_failures(tx, email=email, client=client, since=now - _WINDOW)
    if for_address >= _MOST_FAILURES or in_all >= _MOST_FAILURES_OF_CLIENT:
        raise errors.Busy("too_many_sign_ins")


def _note_failure(tx: Connection, *, new_id: NewId, email: str, client: str, now: datetime) -> None:
    store.insert_failure(tx, id=new_id(), email=email, client=client, now=now, keep_since=now - 4 * _WINDOW)


@cache
def _hash_of_nobody() -> str:
    """Return a hash to compare with where the address is unknown, so that it takes as long as where it is known."""
    return _hash(secrets.token_urlsafe(16))


def _hash(password: str) -> str:
    return _hasher.hash(password)


def _verify(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password[:_LONGEST])
    except (VerificationError, InvalidHashError):
        return False
