"""
After downtime there is nothing special to do: what is overdue is due, each period at its own date, once.

A server that stood still for months is made by hand: the rows of a live organization are moved into the past, the agenda
with them, and the worker finds them overdue.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from tests.support.instants import unix
from tests.support.invoices import base_cents, charge_cents, line_of, numbers
from tests.support.server import Api, Server

STARTED = datetime(2025, 1, 10, 9, 0, tzinfo=UTC)
FIRST_DUE = datetime(2025, 2, 1, tzinfo=UTC)


@contextmanager
def database(server: Server) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(server.database_url().replace("+psycopg", "")) as connection:
        yield connection


def live_story(server: Server, *customers: str, **plan: Any) -> Api:
    """Make a live organization whose customers subscribe in the future, so that nothing is billed yet."""
    api = server.organization(at=None)
    calls = api.metric("calls", aggregation_type="count_agg", field_name=None, recurring=False)
    api.plan(amount_cents=3100, charges=[api.seat_charge(calls, "1", prorated=False)], **plan)
    later = (datetime.now(UTC) + timedelta(days=300)).isoformat()
    for customer in customers:
        api.customer(customer)
        api.subscribe(customer, external_id=f"sub-{customer}", subscription_at=later)
        for month in range(1, 4):
            api.event(f"{month}", code="calls", subscription=f"sub-{customer}", timestamp=unix(f"2025-0{month}-20T12:00:00Z"))
    return api


def stood_still_since(connection: psycopg.Connection[Any], api: Api, *, until: datetime) -> None:
    """
    Rewrite the pending subscriptions as ones that started in January 2025 and were never billed.

    They end at `until`, so that a story ends where it wants to and not today.
    """
    ids = [item["lago_id"] for item in api.ok("GET", "/subscriptions", query={"status[]": "pending"})["subscriptions"]]
    connection.execute(
        "update subscriptions set status = 'active', subscription_at = %s, started_at = %s, activated_at = %s, created_at = %s,"
        " ending_at = %s where id = any(%s::uuid[])",
        (STARTED, STARTED, STARTED, STARTED, until, ids),
    )
    connection.execute("update agenda set kind = 'bill_period', due_at = %s where subject_id = any(%s::uuid[])", (FIRST_DUE, ids))
    connection.execute(
        "insert into agenda (id, organization_id, is_sandbox, lane_id, kind, subject_id, due_at)"
        " select gen_random_uuid(), organization_id, is_sandbox, lane_id, 'end_subscription', subject_id, %s from agenda"
        " where subject_id = any(%s::uuid[])",
        (until, ids),
    )


def wait_until_idle(connection: psycopg.Connection[Any], api: Api) -> None:
    """Wait until nothing that is not parked is overdue for the organization of these subscriptions."""
    statement = (
        "select count(*) from agenda a join subscriptions s on s.id = a.subject_id"
        " where s.external_id like 'sub-%%' and a.organization_id = %s and a.due_at < %s"
        " and not exists (select 1 from agenda p where p.lane_id = a.lane_id and p.parked_at is not null)"
    )
    organization = connection.execute(
        "select organization_id from customers where id = %s", (api.ok("GET", "/customers")["customers"][0]["lago_id"],)
    ).fetchone()
    assert organization is not None
    connection.commit()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found = connection.execute(statement, (organization[0], datetime.now(UTC))).fetchone()
        connection.commit()
        if found == (0,):
            return
        time.sleep(0.1)
    raise AssertionError("the worker did not catch up")


def test_every_missed_period_is_billed_once_at_its_own_date_and_in_order(server: Server) -> None:
    api = live_story(server, "acme")
    with database(server) as connection:
        stood_still_since(connection, api, until=datetime(2025, 6, 11, 14, 30, tzinfo=UTC))
        connection.commit()

        wait_until_idle(connection, api)

    invoices = api.invoices()
    assert [invoice["issuing_date"] for invoice in invoices] == [
        "2025-02-01",
        "2025-03-01",
        "2025-04-01",
        "2025-05-01",
        "2025-06-01",
        "2025-06-11",
    ]
    assert [invoice["created_at"] for invoice in invoices][:2] == ["2025-02-01T00:00:00Z", "2025-03-01T00:00:00Z"]
    assert numbers(invoices) == [1, 2, 3, 4, 5, 6]
    # 10–31 January: 22 of 31 days; 1–11 June: 11 of 30 days of 31.00 are 1 136.67
    assert [base_cents(invoice) for invoice in invoices] == [[2200], [3100], [3100], [3100], [3100], [1137]]
    assert [charge_cents(invoice) for invoice in invoices] == [[100], [100], [100], [], [], []]
    assert [line_of(invoice).reason for invoice in invoices] == [*["periodic"] * 5, "terminating"]
    ended = api.ok("GET", "/subscriptions/sub-acme", query={"status": "terminated"})["subscription"]
    assert ended["terminated_at"] == "2025-06-11T14:30:00Z"


def test_a_missed_start_and_its_periods_are_made_up_for(server: Server) -> None:
    api = live_story(server, "acme", pay_in_advance=True)
    with database(server) as connection:
        connection.execute(
            "update subscriptions set subscription_at = %s, created_at = %s, ending_at = %s where customer_id = %s",
            (
                STARTED,
                STARTED - timedelta(days=9),
                datetime(2025, 3, 15, tzinfo=UTC),
                api.ok("GET", "/customers")["customers"][0]["lago_id"],
            ),
        )
        connection.execute(
            "update agenda set due_at = %s where kind = 'start_subscription' and lane_id = %s",
            (STARTED, api.ok("GET", "/customers")["customers"][0]["lago_id"]),
        )
        connection.commit()

        wait_until_idle(connection, api)

    invoices = api.invoices()
    assert [(invoice["issuing_date"], line_of(invoice).reason) for invoice in invoices] == [
        ("2025-01-10", "starting"),
        ("2025-02-01", "periodic"),
        ("2025-03-01", "periodic"),
        ("2025-03-15", "terminating"),
    ]
    assert [base_cents(invoice) for invoice in invoices] == [[2200], [3100], [3100], []]


def test_a_customer_whose_data_is_broken_is_parked_with_the_reason_and_stops_nobody(server: Server) -> None:
    api = live_story(server, "good", "poisoned", "fine")
    with database(server) as connection:
        stood_still_since(connection, api, until=datetime(2025, 3, 11, 12, 0, tzinfo=UTC))
        poisoned = api.ok("GET", "/customers/poisoned")["customer"]["lago_id"]
        connection.execute("update customers set timezone = 'Nowhere/At_All' where id = %s", (poisoned,))
        connection.commit()

        wait_until_idle(connection, api)
        parked = connection.execute(
            "select kind, due_at, parked_at, parked_because from agenda where lane_id = %s order by due_at", (poisoned,)
        ).fetchall()

    assert [row[:2] for row in parked] == [("bill_period", FIRST_DUE), ("end_subscription", datetime(2025, 3, 11, 12, 0, tzinfo=UTC))]
    assert parked[0][2] == FIRST_DUE
    assert "Nowhere/At_All" in parked[0][3]
    assert parked[1][2:] == (None, None)  # it waits behind the first
    for name in ("good", "fine"):
        found = api.invoices(external_customer_id=name)
        assert [invoice["issuing_date"] for invoice in found] == ["2025-02-01", "2025-03-01", "2025-03-11"]
    assert api.invoices(external_customer_id="poisoned") == []

    # Whoever mends the data by the API lets the lane go on, and it bills what it missed.
    with database(server) as connection:
        api.customer("poisoned", timezone="UTC")
        wait_until_idle(connection, api)
    mended = api.invoices(external_customer_id="poisoned")
    assert [invoice["issuing_date"] for invoice in mended] == ["2025-02-01", "2025-03-01", "2025-03-11"]
    assert numbers(mended) == [1, 2, 3]


def test_a_boundary_billed_already_is_never_billed_again(server: Server) -> None:
    api = live_story(server, "acme")
    with database(server) as connection:
        stood_still_since(connection, api, until=datetime(2025, 3, 11, 12, 0, tzinfo=UTC))
        connection.commit()
        wait_until_idle(connection, api)
        before = api.invoices()
        row = connection.execute(
            "select subscription_id, organization_id from invoice_subscriptions where subscription_id = any(%s::uuid[])",
            ([before[0]["billing_periods"][0]["lago_subscription_id"]],),
        ).fetchone()
        assert row is not None

        # An entry that comes back by mistake, for a row that has ended since.
        connection.execute(
            "insert into agenda (id, organization_id, is_sandbox, lane_id, kind, subject_id, due_at)"
            " select gen_random_uuid(), organization_id, false, customer_id, 'bill_period', id, %s from subscriptions where id = %s",
            (FIRST_DUE, row[0]),
        )
        connection.commit()
        wait_until_idle(connection, api)

    assert api.invoices() == before
