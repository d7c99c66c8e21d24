"""Fixtures of the pages' tests."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from tests.api.world import World, a_world
from tests.support.browsing import Visitor
from tests.support.server import Api, Server

PASSWORD = "correct horse battery"


@pytest.fixture(scope="session")
def enter(server: Server) -> Iterator[Callable[..., Visitor]]:
    """Let somebody into the organization of a client, with a role; returns the visitor, signed in."""
    from daycount.app import build
    from daycount.config import Settings
    from daycount.dashboard.accounts import operations, store
    from daycount.dashboard.accounts.records import Role
    from daycount.organizations.operations import recognize

    app = build(Settings(), database_url=server.database_url(), environment={}, pool_size=2)

    def make(api: Api, role: str = "admin", *, email: str | None = None) -> Visitor:
        now = app.clock.now()
        with app.workplace.transaction("tests.enter") as tx:
            caller = recognize(tx, key=api.key or "", real_now=now)
            address = email or f"{role}-{app.workplace.new_id()}@example.com"
            user = store.find_user(tx, address) or operations.create_user(
                tx, new_id=app.workplace.new_id, now=now, email=address, name="Ada Lovelace", password=PASSWORD
            )
            store.put_membership(tx, organization_id=caller.organization_id, user_id=user.id, role=Role(role), now=now)
            signed_in = operations.begin_session(tx, user_id=user.id, now=now, organization_id=caller.organization_id)
        visitor = Visitor(server)
        visitor.cookies["daycount_session"] = signed_in.token
        return visitor

    yield make
    app.workplace.engine.dispose()


@pytest.fixture(scope="session")
def furnished(server: Server) -> World:
    """An organization in which something of everything exists; for tests that change nothing in it."""
    return a_world(server)


def run_command(server: Server, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line on the server's database."""
    variables = {**os.environ, **environment}
    command = [sys.executable, "-m", "daycount", *arguments, "--data-dir", str(server.data_dir)]
    return subprocess.run(command, capture_output=True, text=True, env=variables, timeout=60, check=False)
