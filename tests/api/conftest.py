"""Fixtures of the API's tests."""

import pytest

from tests.api.world import World, a_world
from tests.support.server import Server


@pytest.fixture(scope="session")
def world(server: Server) -> World:
    """An organization in which something of everything exists; for tests that change nothing in it."""
    return a_world(server)
