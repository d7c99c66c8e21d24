"""People of a server's organizations: who they are is written straight to its database, as the command line does it."""

from typing import Any

from tests.support.server import Api, Server

PASSWORD = "correct horse battery"
SESSION = "daycount_session"


class Members:
    """Lets people into organizations of one server."""

    def __init__(self, server: Server) -> None:
        from daycount.app import build
        from daycount.config import Settings

        self._app: Any = build(Settings(), database_url=server.database_url(), environment={}, pool_size=2)

    def let_in(self, api: Api, role: str = "admin", *, email: str | None = None) -> str:
        """Let somebody into the organization of a client, and return the token of a session that has begun."""
        from daycount.dashboard.accounts import operations, store
        from daycount.dashboard.accounts.records import Role
        from daycount.organizations.operations import recognize

        now, new_id = self._app.clock.now(), self._app.workplace.new_id
        with self._app.workplace.transaction("tests.enter") as tx:
            caller = recognize(tx, key=api.key or "", real_now=now)
            address = email or f"{role}-{new_id()}@example.com"
            user = store.find_user(tx, address) or operations.create_user(
                tx, new_id=new_id, now=now, email=address, name="Ada Lovelace", password=PASSWORD
            )
            store.put_membership(tx, organization_id=caller.organization_id, user_id=user.id, role=Role(role), now=now)
            return operations.begin_session(tx, user_id=user.id, now=now, organization_id=caller.organization_id).token

    def close(self) -> None:
        """Let go of the database."""
        self._app.workplace.engine.dispose()
