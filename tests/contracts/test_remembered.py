"""What a transaction remembers of its reads is never other than what it would read again."""

from collections.abc import Collection
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection, Engine

from daycount.infra.remembered import remember, remembered

OWNER, OTHER, ONE, TWO = UUID(int=1), UUID(int=2), UUID(int=3), UUID(int=4)
THINGS = sa.table("things", sa.column("id"), sa.column("value"))
DROPS = {
    "an update": THINGS.update().values(value=1),
    "an insert": THINGS.insert().values(id=1, value=1),
    "a deletion": THINGS.delete(),
    "a text": sa.text("update things set value = 1"),
    "a text with parts": sa.text("with changed as (update things set value = 1 returning value) select value from changed"),
    "a lock": sa.select(THINGS).with_for_update(),
    "a lock of another table": sa.select(sa.table("others", sa.column("id"))).with_for_update(),
    "a lock in a text": sa.text("select id from others for no key update"),
    "a lock by number": sa.text("select pg_advisory_xact_lock(1)"),
}
KEEPS = {
    "a read": sa.select(THINGS),
    "a write elsewhere": sa.table("others", sa.column("id")).insert().values(id=1),
    "a text that writes elsewhere": sa.text("insert into others (id) values (1)"),
    "words that only look so": sa.text("select 'updated_at' from things"),
}


class Reader:
    """Reads things, and counts how often each was asked for."""

    def __init__(self) -> None:
        self.asked: list[UUID] = []

    def read(self, tx: Connection, *ids: UUID, owner: UUID = OWNER) -> dict[UUID, str]:
        def load(missing: Collection[UUID]) -> dict[UUID, str]:
            self.asked += missing
            return {one: f"{owner} {one}" for one in missing}

        return remembered(tx, "things", owner, ids, tables=frozenset({"things"}), load=load)


@pytest.fixture
def reader() -> Reader:
    return Reader()


def begin(tx: Connection) -> None:
    for name in ("things", "others"):
        tx.execute(sa.text(f"create temporary table {name} (id int, value int) on commit drop"))


def test_a_thing_is_read_once(engine: Engine, reader: Reader) -> None:
    with engine.begin() as tx:
        begin(tx)
        first = reader.read(tx, ONE)
        both = reader.read(tx, TWO, ONE)
        of_another = reader.read(tx, ONE, owner=OTHER)

    assert reader.asked == [ONE, TWO, ONE]
    assert first | {TWO: f"{OWNER} {TWO}"} == both
    assert of_another == {ONE: f"{OTHER} {ONE}"}


def test_what_was_read_in_another_way_is_not_read_again(engine: Engine, reader: Reader) -> None:
    with engine.begin() as tx:
        remember(tx, "things", OWNER, {ONE: "known"}, tables=frozenset({"things"}))
        assert reader.read(tx, ONE) == {ONE: "known"}


@pytest.mark.parametrize("statement", DROPS.values(), ids=DROPS)
def test_what_may_be_different_now_is_read_again(engine: Engine, reader: Reader, statement: sa.Executable) -> None:
    with engine.begin() as tx:
        begin(tx)
        reader.read(tx, ONE)
        tx.execute(statement)
        reader.read(tx, ONE)

    assert reader.asked == [ONE, ONE]


@pytest.mark.parametrize("statement", KEEPS.values(), ids=KEEPS)
def test_what_must_be_the_same_is_not_read_again(engine: Engine, reader: Reader, statement: sa.Executable) -> None:
    with engine.begin() as tx:
        begin(tx)
        reader.read(tx, ONE)
        tx.execute(statement)
        reader.read(tx, ONE)

    assert reader.asked == [ONE]


def test_what_was_read_since_a_savepoint_is_forgotten_with_it(engine: Engine, reader: Reader) -> None:
    with engine.begin() as tx:
        savepoint = tx.begin_nested()
        reader.read(tx, ONE)
        savepoint.rollback()
        reader.read(tx, ONE)

    assert reader.asked == [ONE, ONE]


def test_another_transaction_reads_for_itself(engine: Engine, reader: Reader) -> None:
    for _ in range(2):
        with engine.begin() as tx:
            reader.read(tx, ONE)

    assert reader.asked == [ONE, ONE]
