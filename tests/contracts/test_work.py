"""What a work leaves for the end of its transaction is done once, with the commit, or not at all."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy import Connection, Engine

from daycount.infra.work import CommitPoints, Work, Workplace

NOW = datetime(2026, 7, 1, tzinfo=UTC)
ORGANIZATION_ID = uuid4()


@pytest.fixture
def workplace(engine: Engine) -> Workplace:
    return Workplace(engine, new_id=uuid4, reactions={}, commit_points=CommitPoints({}))


@pytest.fixture
def done() -> list[str]:
    return []


def work_in(workplace: Workplace, tx: Connection) -> Work:
    tx.exec_driver_sql("select 1")
    return workplace.work_on(tx, now=NOW, actor="test", organization_id=ORGANIZATION_ID, is_sandbox=True)


def leave(work: Work, name: str, done: list[str]) -> None:
    work.before_commit((name,), lambda _: done.append(name))


def leave_and_fail(work: Work, name: str, done: list[str]) -> None:
    leave(work, name, done)
    raise ZeroDivisionError


def test_what_is_left_for_the_end_is_done_once_with_the_commit(workplace: Workplace, done: list[str]) -> None:
    with workplace.transaction("test") as tx:
        for work in (work_in(workplace, tx), work_in(workplace, tx)):
            leave(work, "a", done)
            leave(work, "b", done)
        assert done == []
    assert done == ["a", "b"]

    with workplace.transaction("test") as tx:
        work_in(workplace, tx)
    assert done == ["a", "b"]


def test_it_is_forgotten_with_a_transaction_that_fails(workplace: Workplace, done: list[str]) -> None:
    with pytest.raises(ZeroDivisionError), workplace.transaction("test") as tx:
        leave_and_fail(work_in(workplace, tx), "a", done)
    with workplace.transaction("test") as tx:
        work_in(workplace, tx)

    assert done == []


def test_a_rehearsal_leaves_nothing_for_the_end(workplace: Workplace, done: list[str]) -> None:
    with workplace.transaction("test") as tx, work_in(workplace, tx).rehearse(now=NOW) as rehearsal:
        leave(rehearsal.work, "a", done)

    assert done == []
