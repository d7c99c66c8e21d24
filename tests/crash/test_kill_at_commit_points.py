"""
The process is killed before and after every commit of a billing story; finished afterwards, the invoices are the same.

The server itself runs undisturbed, with a worker that sleeps, so that every step is made by the process that is to die:
`daycount clock advance` and `daycount worker` on its database.
"""

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.support.forks import Command, forks
from tests.support.server import Api, Server

START, TARGET = "2026-01-31T10:00:00Z", "2026-05-01T00:00:00Z"
WAIT_S = 60


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("crash") / "data", environment={"DAYCOUNT_WORKER_POLL_S": "3600"}).start()
    yield made
    assert made.stop() == 0


def start_process(server: Server, *arguments: str, variables: Mapping[str, str]) -> Command:
    """Start a command of Daycount's on the server's database."""
    return forks().start(*arguments, environment={**os.environ, "DAYCOUNT_DATABASE_URL": server.database_url(), **variables})


# The story in a sandbox: seats in two zones, one plan in advance, one subscription that ends by itself.


def build_story(server: Server) -> Api:
    api = server.organization(at=START, name="Crash", document_number_prefix="CRASH")
    seats = api.metric()
    api.plan(charges=[api.seat_charge(seats)])
    api.plan("advance", amount_cents=3100, pay_in_advance=True, charges=[api.seat_charge(seats, "1.5")])
    for customer, plan, zone, more in (
        ("acme", "team", "America/New_York", {}),
        ("blue", "advance", "Asia/Kolkata", {"billing_time": "anniversary"}),
        ("cord", "team", "UTC", {"ending_at": "2026-03-15T12:00:00Z"}),
    ):
        api.customer(customer, timezone=zone)
        api.subscribe(customer, plan, f"sub {customer}", **more)
        for number, user in enumerate(("ada", "ben")):
            api.event(f"{customer}-{number}", subscription=f"sub {customer}", user_id=user, operation_type="add")
    return api


def facts_of(api: Api) -> list[dict[str, Any]]:
    """What must not depend on crashes: numbers, dates, amounts and fees, in one order."""
    fields = (
        "number",
        "sequential_id",
        "status",
        "issuing_date",
        "payment_due_date",
        "currency",
        "fees_amount_cents",
        "total_amount_cents",
    )
    fee_fields = ("amount_cents", "units", "events_count", "from_date", "to_date", "precise_amount")
    found = [
        {name: invoice[name] for name in fields}
        | {"customer": invoice["customer"]["external_id"]}
        | {"fees": [{name: fee.get(name) for name in fee_fields} | {"code": fee["item"]["code"]} for fee in invoice["fees"]]}
        for invoice in api.invoices()
    ]
    return sorted(found, key=lambda facts: json.dumps(facts, sort_keys=True))


def advance(server: Server, organization: str, **variables: str) -> int:
    """Move the clock in a process of its own and return its exit code."""
    return start_process(server, "clock", "advance", organization, "--to", TARGET, variables=variables).wait(WAIT_S)


def marks_in(path: Path) -> list[str]:
    return path.read_text().split() if path.exists() else []


@pytest.mark.slow
def test_a_move_of_the_clock_survives_a_kill_at_every_commit(server: Server, tmp_path: Path) -> None:
    record = tmp_path / "points"
    reference = build_story(server)
    assert advance(server, organization_of(server), DAYCOUNT_TEST_COMMITS=str(record)) == 0
    expected, marks = facts_of(reference), marks_in(record)
    # 1 February, 28 February … 30 April: the instants at which something is due, and the arrival.
    assert Counter(mark.partition("#")[0] for mark in marks)["clock.arrive"] == 2
    assert len(marks) == len(set(marks)) >= 16
    assert_months(expected)

    for mark in marks:
        api, hit = build_story(server), tmp_path / mark.replace(":", "-")
        code = advance(server, organization_of(server), DAYCOUNT_TEST_COMMITS=str(hit), DAYCOUNT_TEST_KILL_AT=mark)
        assert (code, marks_in(hit)[-1]) == (-signal.SIGKILL, mark)

        api.move_to(TARGET)

        assert facts_of(api) == expected, mark


@pytest.mark.slow
def test_a_web_process_that_dies_in_a_move_is_started_again_and_the_move_finished(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", environment={"DAYCOUNT_WORKER_POLL_S": "3600"}).start()
    reference = build_story(server)
    reference.move_to(TARGET)
    expected = facts_of(reference)
    assert server.stop() == 0
    server.start({"DAYCOUNT_TEST_KILL_AT": "clock.step#3:after"})
    api = build_story(server)

    with pytest.raises(OSError):
        api.move_to(TARGET)
    # The supervisor makes a new web process. It has the variable too, so the move is finished by a server that has not.
    server.wait_until_healthy()
    assert server.stop() == 0
    server.start()
    server.client(api.key).move_to(TARGET)

    assert facts_of(server.client(api.key)) == expected
    assert server.stop() == 0


def assert_months(facts: list[dict[str, Any]]) -> None:
    """Each customer has the invoices one would expect: none is missing from the uninterrupted run either."""
    # acme: January to April, on 1 Feb … 1 May minus the last (New York's May begins at 04:00Z, after the target): 3.
    # blue: in advance on 31 Jan, 28 Feb, 31 Mar, 30 Apr: 4. cord: 1 Feb, 1 Mar and its end on 15 March: 3.
    assert Counter(invoice["customer"] for invoice in facts) == {"acme": 3, "blue": 4, "cord": 3}
    assert len({invoice["number"] for invoice in facts}) == 10


# A purchase of credits: written, asked for, settled a day later.


def build_purchase(server: Server) -> tuple[Api, str]:
    api = server.organization(at=START, name="Buyer", document_number_prefix="BUY")
    api.ok("POST", "/payment_providers", {"payment_provider": {"provider_type": "simulator", "code": "sim", "name": "Simulated"}})
    link = {"payment_provider": "simulator", "provider_customer_id": "sim_success_after_1d", "sync": True}
    api.customer("acme", currency="USD", billing_configuration=link)
    api.wallet("acme", granted_credits=None, paid_credits="40", invoice_requires_successful_payment=True)
    return api, organization_of(server)


def payments_of(server: Server, organization: str) -> list[tuple[str, bool]]:
    """Return the status of each payment, and whether its provider's answer is known; of invoices that nobody sees too."""
    with psycopg.connect(server.database_url()) as connection:
        query = "select status, provider_payment_id is not null from payments where organization_id = %s"
        return list(connection.execute(query, [organization]).fetchall())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mark", "left"),
    [
        ("clock.step#1:after", [("pending", False)]),  # written, and nobody was asked
        ("clock.step#2:before", [("pending", False)]),  # asked, and the answer is lost
        ("clock.step#2:after", [("processing", True)]),
        ("clock.step#3:before", [("processing", True)]),  # paid, and that is lost
        ("clock.step#3:after", [("succeeded", True)]),
    ],
)
def test_credits_are_paid_and_granted_once_wherever_a_purchase_is_cut_off(
    server: Server, tmp_path: Path, mark: str, left: list[tuple[str, bool]]
) -> None:
    api, organization = build_purchase(server)
    code = advance(server, organization, DAYCOUNT_TEST_KILL_AT=mark)
    assert (code, payments_of(server, organization)) == (-signal.SIGKILL, left)

    api.move_to(TARGET)

    assert payments_of(server, organization) == [("succeeded", True)]
    [wallet] = api.ok("GET", "/wallets")["wallets"]
    [bought] = api.ok("GET", f"/wallets/{wallet['lago_id']}/wallet_transactions")["wallet_transactions"]
    [invoice] = api.invoices()
    assert (wallet["credits_balance"], wallet["balance_cents"], bought["status"]) == ("40.0", 4_000, "settled")
    assert (bought["settled_at"], invoice["payment_status"], invoice["total_paid_amount_cents"]) == (
        "2026-02-01T10:00:00Z",
        "succeeded",
        4_000,
    )
    assert len(api.ok("GET", "/payment_receipts")["payment_receipts"]) == 1


# The catch-up of a live organization, by the worker.


def build_live(server: Server) -> tuple[Api, str]:
    """Subscriptions of a live organization that have been due for a while: starts in the past are billed by the agenda."""
    api = server.organization(at=None, name="Live", document_number_prefix="LIVE")
    api.plan("live", amount_cents=3100)
    for name in ("acme", "blue", "cord"):
        api.customer(name)
        api.subscribe(name, "live", f"sub {name}")
    return api, organization_of(server)


def organization_of(server: Server) -> str:
    with psycopg.connect(server.database_url()) as connection:
        [found] = connection.execute("select id::text from organizations order by created_at desc, id desc limit 1").fetchone() or [""]
        return str(found)


def set_back(server: Server, organization: str) -> None:
    """Make everything of the organization three months older, as if the worker had been away so long."""
    shift = "interval '92 days'"
    columns = "subscription_at = subscription_at - {0}, started_at = started_at - {0}, activated_at = activated_at - {0}"
    with psycopg.connect(server.database_url()) as connection:
        connection.execute(f"update subscriptions set {columns.format(shift)} where organization_id = %s", [organization])
        connection.execute(
            "update agenda set due_at = date_trunc('month', due_at - interval '1 month') - interval '2 months' where organization_id = %s",
            [organization],
        )


def catch_up(server: Server, organization: str) -> None:
    """Wait until nothing of the organization is due."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        with psycopg.connect(server.database_url()) as connection:
            [left] = connection.execute(
                "select count(*) from agenda where organization_id = %s and due_at <= current_timestamp", [organization]
            ).fetchone() or [0]
        if not left:
            return
        time.sleep(0.05)
    raise AssertionError("the worker did not catch up: " + server.log())


@pytest.mark.slow
def test_the_workers_catching_up_survives_a_kill_at_every_commit(server: Server, tmp_path: Path) -> None:
    reference, organization = build_live(server)
    set_back(server, organization)
    record = tmp_path / "points"
    finish(server, organization, variables={"DAYCOUNT_TEST_COMMITS": str(record)})
    expected = facts_of(reference)
    assert Counter(invoice["customer"] for invoice in expected) == {"acme": 3, "blue": 3, "cord": 3}

    # One commit for each of the three months that are due, and one where their invoices fall overdue.
    marks = [mark for mark in marks_in(record) if mark.startswith("agenda.run#")]
    assert len(marks) >= 2 * 3
    billed = []
    for mark in marks:
        hit = tmp_path / mark.replace(":", "-")
        api, organization = build_live(server)
        set_back(server, organization)
        variables = {"DAYCOUNT_TEST_COMMITS": str(hit), "DAYCOUNT_TEST_KILL_AT": mark}
        code = start_process(server, "worker", variables=variables).wait(WAIT_S)
        assert (code, marks_in(hit)[-1]) == (-signal.SIGKILL, mark)
        billed.append(len(api.invoices()))

        finish(server, organization)

        assert facts_of(api) == expected, mark

    # A month is billed for all three customers or for none, and each commit adds at most one month.
    assert billed == sorted(billed)
    assert sorted(set(billed)) == [0, 3, 6, 9]


def finish(server: Server, organization: str, *, variables: Mapping[str, str] | None = None) -> None:
    """Run a worker until nothing is due."""
    worker = start_process(server, "worker", variables=variables or {})
    catch_up(server, organization)
    worker.terminate()
    # Where nothing was left to do, it may not have come as far as to listen for signals.
    assert worker.wait(WAIT_S) in (0, -signal.SIGTERM)
