"""Fixtures that every suite may use."""

from collections.abc import Iterator

import pytest

from tests.support.server import Api, Server

# Webhooks go to receivers of the tests, and what fails is tried again at once.
_DELIVERY = {"DAYCOUNT_WEBHOOKS_ALLOW_PRIVATE": "true", "DAYCOUNT_WEBHOOK_RETRY_SECONDS": "0", "DAYCOUNT_WEBHOOK_TIMEOUT_SECONDS": "2"}


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running server with its own database, shared by the tests of one process; each test makes its own organizations."""
    running = Server(tmp_path_factory.mktemp("server") / "data", environment=_DELIVERY).start()
    yield running
    assert running.stop() == 0, running.log()


@pytest.fixture
def sandbox(server: Server) -> Api:
    """A client of a new sandbox organization whose clock shows 1 July 2026, midnight UTC."""
    return server.organization()
