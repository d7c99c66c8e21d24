"""Fixtures that every suite may use."""

import threading
from collections.abc import Iterator

import pytest

from tests.support.server import HOST, Api, Server, free_port
from tests.support.stripe_fake import FakeStripe

# Webhooks go to receivers of the tests, and what fails is tried again at once.
_STRIPE_PORT = free_port()
_DELIVERY = {
    "DAYCOUNT_WEBHOOKS_ALLOW_PRIVATE": "true",
    "DAYCOUNT_WEBHOOK_RETRY_SECONDS": "0",
    "DAYCOUNT_WEBHOOK_TIMEOUT_SECONDS": "2",
    "DAYCOUNT_STRIPE_API_URL": f"http://{HOST}:{_STRIPE_PORT}",
}


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A running server with its own database, shared by the tests of one process; each test makes its own organizations."""
    running = Server(tmp_path_factory.mktemp("server") / "data", environment=_DELIVERY).start()
    yield running
    assert running.stop() == 0, running.log()


@pytest.fixture(scope="session")
def stripe() -> Iterator[FakeStripe]:
    """A fake of Stripe, where the running server looks for it."""
    made = FakeStripe(_STRIPE_PORT)
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture
def sandbox(server: Server) -> Api:
    """A client of a new sandbox organization whose clock shows 1 July 2026, midnight UTC."""
    return server.organization()
