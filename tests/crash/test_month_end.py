"""
A month's end of a thousand subscriptions: workers die at every commit, work side by side, or meet a customer they cannot bill.

Whatever happens, every subscription is billed once, and numbers have no gap.
"""

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from benchmarks.book import Book, make_book
from tests.crash.test_kill_at_commit_points import catch_up, start_process
from tests.support.forks import Command
from tests.support.server import Server

WAIT_S = 60
LANES = 200


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("month") / "data", environment={"DAYCOUNT_WORKER_POLL_S": "3600"}).start()
    yield made
    assert made.stop() == 0


def a_book(server: Server, subscriptions: int) -> Book:
    """Make subscriptions that are due, on invoices that are numbered together."""
    api = server.organization(at=None, document_number_prefix="MONTH")
    api.ok("PUT", "/billing_entities/default", {"billing_entity": {"document_numbering": "per_billing_entity"}})
    with psycopg.connect(server.database_url(), autocommit=True) as database:
        return make_book(api, database, subscriptions=subscriptions, charges=1, events=2, coupon_each=10)


def ask(server: Server, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    with psycopg.connect(server.database_url(), autocommit=True) as database:
        found = database.execute(statement, values)
        return found.fetchall() if found.description else []


def work_until_killed(server: Server, mark: str) -> None:
    worker = start_process(server, "worker", variables={"DAYCOUNT_TEST_KILL_AT": mark, "DAYCOUNT_WORKER_LANES": str(LANES)})
    assert worker.wait(WAIT_S) == -signal.SIGKILL


def finish(server: Server, book: Book, *, workers: int = 1) -> None:
    """Let workers run until nothing is due."""
    running = [start_process(server, "worker", variables={}) for _ in range(workers)]
    catch_up(server, book.organization_id)
    for worker in running:
        worker.terminate()
    assert all(worker.wait(WAIT_S) in (0, -signal.SIGTERM) for worker in running)


def check_all_billed_once(server: Server, book: Book, subscriptions: int) -> None:
    """Check that each subscription has one invoice with its two fees, and that the numbers are 1, 2, 3 …"""
    billed = ask(
        server,
        "select l.subscription_id, count(distinct i.id), count(f.id) from invoice_subscriptions l join invoices i on i.id = l.invoice_id"
        " join fees f on f.invoice_id = i.id where l.organization_id = %s and i.status = 'finalized' group by 1",
        book.organization_id,
    )
    assert len(billed) == subscriptions
    assert {row[1:] for row in billed} == {(1, 2)}
    numbers = ask(server, "select number from invoices where organization_id = %s and status = 'finalized'", book.organization_id)
    assert sorted(int(number.rpartition("-")[2]) for (number,) in numbers) == list(range(1, subscriptions + 1))
    [(due,)] = ask(server, "select count(*) from agenda where organization_id = %s and due_at <= current_timestamp", book.organization_id)
    assert due == 0


@pytest.mark.slow
def test_workers_killed_at_every_commit_of_a_thousand_invoices(server: Server) -> None:
    book = a_book(server, 1000)
    made = []

    # Five transactions bill 200 each: one worker dies before the commit of each, the next one right after it.
    for _ in range(1000 // LANES):
        for when in ("before", "after"):
            work_until_killed(server, f"agenda.run#1:{when}")
            [(count,)] = ask(server, "select count(*) from invoices where organization_id = %s", book.organization_id)
            made.append(count)

    assert made == [0, 200, 200, 400, 400, 600, 600, 800, 800, 1000]
    finish(server, book)
    check_all_billed_once(server, book, 1000)


@pytest.mark.slow
def test_two_workers_share_what_is_due(server: Server) -> None:
    book = a_book(server, 600)

    finish(server, book, workers=2)

    check_all_billed_once(server, book, 600)


@pytest.mark.slow
def test_a_customer_that_cannot_be_billed_waits_alone(server: Server, tmp_path: Path) -> None:
    book = a_book(server, 100)
    [(poisoned,)] = ask(
        server,
        "update customers set timezone = 'Nowhere/Never' where organization_id = %s and external_id = 'customer-7' returning id",
        book.organization_id,
    )

    worker = start_process(server, "worker", variables={})
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        parked = ask(
            server, "select lane_id, parked_because from agenda where organization_id = %s and parked_at is not null", book.organization_id
        )
        [(open_entries,)] = ask(
            server,
            "select count(*) from agenda where organization_id = %s and due_at <= current_timestamp and parked_at is null",
            book.organization_id,
        )
        if parked and not open_entries:
            break
        time.sleep(0.05)
    stop(worker)

    assert [lane for lane, _ in parked] == [poisoned]
    assert "Nowhere/Never" in parked[0][1]
    [(count,)] = ask(server, "select count(*) from invoices where organization_id = %s", book.organization_id)
    assert count == 99

    # Mended and tried again, it is billed like the others, with the next number.
    ask(server, "update customers set timezone = null where id = %s", poisoned)
    ask(server, "update agenda set parked_at = null, parked_because = null where lane_id = %s", poisoned)
    finish(server, book)
    check_all_billed_once(server, book, 100)


def stop(worker: Command) -> None:
    worker.terminate()
    assert worker.wait(WAIT_S) in (0, -signal.SIGTERM)
