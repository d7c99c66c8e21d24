"""Fixtures of the pages' tests."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from tests.api.world import World, a_world
from tests.support.browsing import Visitor
from tests.support.members import SESSION, Members
from tests.support.server import Api, Server


@pytest.fixture(scope="session")
def enter(server: Server) -> Iterator[Callable[..., Visitor]]:
    """Let somebody into the organization of a client, with a role; returns the visitor, signed in."""
    members = Members(server)

    def make(api: Api, role: str = "admin", *, email: str | None = None) -> Visitor:
        visitor = Visitor(server)
        visitor.cookies[SESSION] = members.let_in(api, role, email=email)
        return visitor

    yield make
    members.close()


@pytest.fixture(scope="session")
def furnished(server: Server) -> World:
    """An organization in which something of everything exists; for tests that change nothing in it."""
    return a_world(server)


@pytest.fixture
def shop(server: Server) -> Api:
    """A sandbox with seats, a plan of 10 a seat, a customer on it, and one seat from the first day."""
    api = server.organization()
    metric = api.metric()
    api.plan(charges=[api.seat_charge(metric)])
    api.plan("large", amount_cents=9000, pay_in_advance=True)
    api.customer("acme", currency="USD", email="a@example.com")
    api.subscribe()
    api.event("e1", user_id="ada", operation_type="add")
    return api


def run_command(server: Server, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line on the server's database."""
    variables = {**os.environ, **environment}
    command = [sys.executable, "-m", "daycount", *arguments, "--data-dir", str(server.data_dir)]
    return subprocess.run(command, capture_output=True, text=True, env=variables, timeout=60, check=False)
