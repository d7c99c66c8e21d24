"""All SQL about users, memberships, invitations, sessions and failed sign-ins."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert

from daycount.dashboard.accounts.records import Invitation, Member, Membership, Role, Session, User
from daycount.dashboard.accounts.tables import failed_sign_ins, invitations, memberships, user_sessions, users
from daycount.organizations.tables import organizations, test_clocks

_SESSION = sa.text("""
select s.digest, s.user_id, u.email, u.name, s.csrf, s.seen_at, s.organization_id,
       m.organization_id as member_of, o.name as organization_name, m.role, c.organization_id is not null as is_sandbox
from user_sessions s
join users u on u.id = s.user_id
left join memberships m on m.user_id = s.user_id
left join organizations o on o.id = m.organization_id
left join test_clocks c on c.organization_id = m.organization_id
where s.digest = :digest and s.created_at > :made_after and s.seen_at > :seen_after
order by o.name, m.organization_id
""")

_FAILURES = sa.text("""
select count(*) filter (where email = :email), count(*)
from failed_sign_ins
where (email = :email or client = :client) and failed_at > :since
""")


def has_users(tx: Connection) -> bool:
    """Tell whether anybody can sign in yet."""
    return tx.execute(sa.select(users.c.id).limit(1)).first() is not None


def insert_user(tx: Connection, user: User) -> bool:
    """Write a new user; False when the address is taken."""
    statement = insert(users).values(
        id=user.id, email=user.email, name=user.name, password_hash=user.password_hash, created_at=user.created_at
    )
    return tx.execute(statement.on_conflict_do_nothing().returning(users.c.id)).first() is not None


def find_user(tx: Connection, email: str) -> User | None:
    """Return the user of an address, which is in lower case."""
    row = tx.execute(sa.select(users).where(users.c.email == email)).mappings().one_or_none()
    return None if row is None else User(**row)


def find_emails(tx: Connection, ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return the addresses of users."""
    statement = sa.select(users.c.id, users.c.email).where(users.c.id.in_(ids))
    return dict(tx.execute(statement).all()) if ids else {}


def find_ids(tx: Connection, emails: Sequence[str]) -> list[UUID]:
    """Return the users of addresses, however these are written."""
    statement = sa.select(users.c.id).where(users.c.email.in_([email.lower() for email in emails])).order_by(users.c.id)
    return list(tx.execute(statement).scalars()) if emails else []


def list_users(tx: Connection, *, limit: int) -> list[User]:
    """Return users by address."""
    return [User(**row) for row in tx.execute(sa.select(users).order_by(users.c.email, users.c.id).limit(limit)).mappings()]


def update_password(tx: Connection, user_id: UUID, password_hash: str) -> None:
    """Write another password."""
    tx.execute(users.update().where(users.c.id == user_id).values(password_hash=password_hash))


def put_membership(tx: Connection, *, organization_id: UUID, user_id: UUID, role: Role, now: datetime) -> None:
    """Make a user a member, or give a member another role."""
    statement = insert(memberships).values(organization_id=organization_id, user_id=user_id, role=role, created_at=now)
    tx.execute(statement.on_conflict_do_update(index_elements=["organization_id", "user_id"], set_={"role": role}))


def delete_membership(tx: Connection, *, organization_id: UUID, user_id: UUID) -> bool:
    """Take a membership away; False when there is none."""
    table = memberships.c
    statement = memberships.delete().where(table.organization_id == organization_id, table.user_id == user_id)
    return tx.execute(statement.returning(table.user_id)).first() is not None


def lock_members(tx: Connection, *, organization_id: UUID) -> list[Member]:
    """Return the members of an organization and keep them as they are until the transaction ends."""
    return _members(tx, organization_id=organization_id, is_locked=True)


def list_members(tx: Connection, *, organization_id: UUID) -> list[Member]:
    """Return the members of an organization."""
    return _members(tx, organization_id=organization_id, is_locked=False)


def _members(tx: Connection, *, organization_id: UUID, is_locked: bool) -> list[Member]:
    statement = (
        sa.select(memberships.c.user_id, users.c.email, users.c.name, memberships.c.role, memberships.c.created_at)
        .join(users, users.c.id == memberships.c.user_id)
        .where(memberships.c.organization_id == organization_id)
        .order_by(users.c.email, users.c.id)
        .limit(1000)
    )
    if is_locked:
        statement = statement.with_for_update(of=memberships)
    return [Member(row.user_id, row.email, row.name, Role(row.role), row.created_at) for row in tx.execute(statement)]


def list_memberships(tx: Connection, *, user_id: UUID) -> list[Membership]:
    """Return the organizations a user belongs to, by name."""
    statement = (
        sa.select(memberships.c.organization_id, organizations.c.name, memberships.c.role, test_clocks.c.organization_id.is_not(None))
        .join(organizations, organizations.c.id == memberships.c.organization_id)
        .outerjoin(test_clocks, test_clocks.c.organization_id == memberships.c.organization_id)
        .where(memberships.c.user_id == user_id)
        .order_by(organizations.c.name, organizations.c.id)
        .limit(1000)
    )
    return [Membership(row[0], row[1], Role(row[2]), row[3]) for row in tx.execute(statement)]


def put_invitation(
    tx: Connection, *, id: UUID, organization_id: UUID, email: str, role: Role, digest: bytes, now: datetime, expires_at: datetime
) -> None:
    """Write an invitation; one that the address has is replaced."""
    values = {"role": role, "digest": digest, "created_at": now, "expires_at": expires_at}
    statement = insert(invitations).values(id=id, organization_id=organization_id, email=email, **values)
    tx.execute(statement.on_conflict_do_update(index_elements=["organization_id", "email"], set_=values))


def list_invitations(tx: Connection, *, organization_id: UUID, now: datetime) -> list[Invitation]:
    """Return the open invitations of an organization."""
    return _invitations(tx, invitations.c.organization_id == organization_id, now)


def find_invitation(tx: Connection, *, digest: bytes, now: datetime) -> Invitation | None:
    """Return the open invitation whose token has that digest."""
    return next(iter(_invitations(tx, invitations.c.digest == digest, now)), None)


def _invitations(tx: Connection, condition: sa.ColumnElement[bool], now: datetime) -> list[Invitation]:
    table = invitations.c
    statement = (
        sa.select(table.id, table.organization_id, organizations.c.name, table.email, table.role, table.expires_at)
        .join(organizations, organizations.c.id == table.organization_id)
        .where(condition, table.expires_at > now)
        .order_by(table.email, table.id)
        .limit(1000)
    )
    return [Invitation(row.id, row.organization_id, row.name, row.email, Role(row.role), row.expires_at) for row in tx.execute(statement)]


def delete_invitation(tx: Connection, *, organization_id: UUID, invitation_id: UUID) -> bool:
    """Take an invitation away; False when there is none."""
    table = invitations.c
    statement = invitations.delete().where(table.organization_id == organization_id, table.id == invitation_id)
    return tx.execute(statement.returning(table.id)).first() is not None


def insert_session(tx: Connection, *, digest: bytes, user_id: UUID, organization_id: UUID | None, csrf: str, now: datetime) -> None:
    """Write a new session."""
    tx.execute(
        user_sessions.insert().values(
            digest=digest, user_id=user_id, organization_id=organization_id, csrf=csrf, created_at=now, seen_at=now
        )
    )


def find_session(tx: Connection, *, digest: bytes, made_after: datetime, seen_after: datetime) -> Session | None:
    """Return a session with what its user belongs to. One query."""
    rows = tx.execute(_SESSION, {"digest": digest, "made_after": made_after, "seen_after": seen_after}).all()
    if not rows:
        return None
    first = rows[0]
    return Session(
        digest=first.digest,
        user_id=first.user_id,
        email=first.email,
        name=first.name,
        csrf=first.csrf,
        seen_at=first.seen_at,
        organization_id=first.organization_id,
        memberships=[
            Membership(row.member_of, row.organization_name, Role(row.role), row.is_sandbox) for row in rows if row.member_of is not None
        ],
    )


def update_session(tx: Connection, *, digest: bytes, seen_at: datetime) -> None:
    """Note that a session is in use."""
    tx.execute(user_sessions.update().where(user_sessions.c.digest == digest).values(seen_at=seen_at))


def choose_organization(tx: Connection, *, digest: bytes, organization_id: UUID) -> None:
    """Let a session look at another organization."""
    tx.execute(user_sessions.update().where(user_sessions.c.digest == digest).values(organization_id=organization_id))


def delete_session(tx: Connection, *, digest: bytes) -> None:
    """End a session."""
    tx.execute(user_sessions.delete().where(user_sessions.c.digest == digest))


def delete_sessions_of(tx: Connection, *, user_id: UUID) -> None:
    """End all sessions of a user."""
    tx.execute(user_sessions.delete().where(user_sessions.c.user_id == user_id))


def delete_old_sessions(tx: Connection, *, made_before: datetime, seen_before: datetime) -> None:
    """Remove the sessions that no longer count."""
    table = user_sessions.c
    tx.execute(user_sessions.delete().where(sa.or_(table.created_at <= made_before, table.seen_at <= seen_before)))


def count_failures(tx: Connection, *, email: str, client: str, since: datetime) -> tuple[int, int]:
    """Return how often signing in failed since an instant: for the address, and for it or from the client."""
    row = tx.execute(_FAILURES, {"email": email, "client": client, "since": since}).one()
    return int(row[0]), int(row[1])


def insert_failure(tx: Connection, *, id: UUID, email: str, client: str, now: datetime, keep_since: datetime) -> None:
    """Note a failed sign-in, and forget the old ones."""
    tx.execute(failed_sign_ins.delete().where(failed_sign_ins.c.failed_at <= keep_since))
    tx.execute(failed_sign_ins.insert().values(id=id, email=email, client=client, failed_at=now))


def delete_failures(tx: Connection, *, email: str) -> None:
    """Forget the failed sign-ins of an address, after one that went well."""
    tx.execute(failed_sign_ins.delete().where(failed_sign_ins.c.email == email))
