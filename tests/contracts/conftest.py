"""A private PostgreSQL for the contracts, and shelves: a store with an organization in it."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from daycount.infra import schema
from daycount.infra.database import connect
from daycount.infra.postgres import PrivatePostgres
from daycount.usage.memory import MemoryEventStore
from daycount.usage.store import PostgresEventStore
from tests.support.event_stores import FoldingShelf, Shelf, make_organization


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A database with the schema, shared by the tests of one process; each test makes its own organization."""
    with PrivatePostgres(tmp_path_factory.mktemp("contracts") / "data") as server:
        made = connect(server.url, pool_size=12)
        schema.migrate(made)
        yield made
        made.dispose()


@pytest.fixture
def postgres(engine: Engine) -> Shelf:
    """The store on PostgreSQL, empty."""
    return Shelf(PostgresEventStore(), engine, make_organization(engine))


@pytest.fixture
def memory(engine: Engine) -> Shelf:
    """The store in memory, empty."""
    return Shelf(MemoryEventStore(), engine, make_organization(engine))


@pytest.fixture
def states(engine: Engine) -> Shelf:
    """The store on PostgreSQL, empty, which reads from running states wherever it can."""
    return FoldingShelf(PostgresEventStore(), engine, make_organization(engine))


@pytest.fixture(params=["memory", "postgres", "states"])
def shelf(request: pytest.FixtureRequest) -> Shelf:
    """Each store in turn."""
    found: Shelf = request.getfixturevalue(request.param)
    return found
