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


def run_command(server: Server, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line on the server's database."""
    variables = {**os.environ, **environment}
    command = [sys.executable, "-m", "daycount", *arguments, "--data-dir", str(server.data_dir)]
    return subprocess.run(command, capture_output=True, text=True, env=variables, timeout=60, check=False)
