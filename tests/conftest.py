"""Fixtures that every suite may use."""

from collections.abc import Iterator

import pytest

from tests.support.server import Api, Server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running server with its own database, shared by the tests of one process; each test makes its own organizations."""
    running = Server(tmp_path_factory.mktemp("server") / "data").start()
    yield running
    assert running.stop() == 0, running.log()


@pytest.fixture
def sandbox(server: Server) -> Api:
    """A client of a new sandbox organization whose clock shows 1 July 2026, midnight UTC."""
    return server.organization()
