"""The test clock of a sandbox: one move or many, alone or beside others, always the same invoices at their own dates."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from tests.support.instants import unix
from tests.support.invoices import base_cents, charge_cents, charge_of, normalised, numbers
from tests.support.server import Api, Server

START = "2025-01-15T10:30:00Z"


def team_story(server: Server, *, at: str = START, interval: str = "monthly", **fields: Any) -> Api:
    """Start a plan of 10.00 with prorated seats and calls, and usage over two years."""
    api = server.organization(at=at, document_number_prefix="TEAM")
    seats, calls = api.metric(), api.metric("calls", aggregation_type="count_agg", field_name=None, recurring=False)
    charges = [api.seat_charge(seats), api.seat_charge(calls, "0.3", prorated=False)]
    api.plan(amount_cents=1000, interval=interval, charges=charges, **fields)
    api.customer(timezone="Europe/Paris")
    api.subscribe()
    begin = datetime.fromisoformat(at)
    events = []
    for turn in range(48):
        timestamp = unix((begin + timedelta(days=15 * turn, hours=turn)).isoformat())
        seat = {"user_id": f"u{turn % 7}", "operation_type": "remove" if turn % 4 == 3 else "add"}
        events.append(
            {"transaction_id": f"s{turn}", "code": "seats", "external_subscription_id": "sub", "timestamp": timestamp, "properties": seat}
        )
        events.append(
            {"transaction_id": f"c{turn}", "code": "calls", "external_subscription_id": "sub", "timestamp": timestamp, "properties": {}}
        )
    api.ok("POST", "/events/batch", {"events": events})
    return api


def test_one_move_over_two_years_bills_every_month_at_its_own_date(server: Server) -> None:
    api = team_story(server)

    started = time.monotonic()
    api.move_to("2027-01-01T00:00:00Z")
    took_s = time.monotonic() - started

    invoices = api.invoices()
    firsts = [datetime(2025 + month // 12, month % 12 + 1, 1, tzinfo=UTC) for month in range(1, 24)]
    # Paris is ahead, so that the months of 2026 all end the evening before in UTC; January 2027 began at 23:00Z too.
    assert [invoice["issuing_date"] for invoice in invoices] == [f"{first:%Y-%m-%d}" for first in firsts] + ["2027-01-01"]
    assert numbers(invoices) == list(range(1, 25))
    assert [invoice["number"] for invoice in invoices] == [f"TEAM-001-{number:03}" for number in range(1, 25)]
    assert [invoice["created_at"][:10] for invoice in invoices] == [f"{first - timedelta(days=1):%Y-%m-%d}" for first in firsts] + [
        "2026-12-31"
    ]
    assert base_cents(invoices[0]) == [548]  # 15–31 January: 17 of 31 days
    assert all(base_cents(invoice) == [1000] for invoice in invoices[1:])
    assert took_s < 10

    api.move_to("2027-01-01T00:00:00Z")
    assert api.invoices() == invoices


@pytest.mark.parametrize(("interval", "in_advance"), [("monthly", False), ("weekly", True), ("quarterly", True)])
def test_many_small_moves_bill_what_one_big_move_bills(server: Server, interval: str, in_advance: bool) -> None:
    big, small = (team_story(server, interval=interval, pay_in_advance=in_advance, trial_period=20) for _ in range(2))
    end = datetime(2025, 7, 1, tzinfo=UTC)

    big.move_to(end.isoformat())
    now = datetime.fromisoformat(START)
    while now < end:
        now = min(now + timedelta(days=3, hours=7), end)
        small.move_to(now.isoformat())

    assert normalised(small.invoices()) == normalised(big.invoices())
    assert len(big.invoices()) > 2


def test_organizations_moved_at_once_come_to_the_same_as_one_after_the_other(server: Server) -> None:
    together = [team_story(server) for _ in range(40)]
    alone = [team_story(server) for _ in range(3)]

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda api: api.move_to("2025-05-01T00:00:00Z"), together))
    for api in alone:
        api.move_to("2025-05-01T00:00:00Z")

    expected = normalised(alone[0].invoices())
    assert len(expected) == 4
    for api in together + alone[1:]:
        assert normalised(api.invoices()) == expected


def test_one_organization_moved_by_several_at_once_is_billed_once(server: Server) -> None:
    api = team_story(server)
    clients = [server.client(api.key) for _ in range(6)]

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda client: client.move_to("2025-05-01T00:00:00Z"), clients))

    other = team_story(server)
    other.move_to("2025-05-01T00:00:00Z")
    assert normalised(api.invoices()) == normalised(other.invoices())


def test_events_that_arrive_between_moves_count_where_they_are_dated(server: Server) -> None:
    api = server.organization(at="2026-01-01T00:00:00Z")
    calls = api.metric("calls", aggregation_type="count_agg", field_name=None, recurring=False)
    api.plan(charges=[api.seat_charge(calls, "1", prorated=False)])
    api.subscribe()
    for number, instant in enumerate(["2026-01-10T00:00:00Z", "2026-01-31T23:59:59Z", "2026-02-01T00:00:00Z", "2026-03-15T00:00:00Z"]):
        api.move_to(instant)
        api.event(f"{number}", code="calls")  # dated by the clock

    api.move_to("2026-04-01T00:00:00Z")

    assert [charge_cents(invoice) for invoice in api.invoices()] == [[200], [100], [100]]


def test_everything_a_sandbox_writes_carries_its_time(server: Server) -> None:
    frozen = "2031-05-06T07:08:09Z"
    api = server.organization(at=frozen)
    metric = api.metric()
    plan = api.plan(amount_cents=1000, pay_in_advance=True, charges=[api.seat_charge(metric)])
    customer = api.customer()
    subscription = api.subscribe()
    event = api.event("now", user_id="ada")
    [invoice] = api.invoices()

    assert {item["created_at"] for item in (metric, plan, customer, subscription, invoice, *invoice["fees"])} == {frozen}
    assert datetime.fromisoformat(event["timestamp"]) == datetime.fromisoformat(frozen)
    assert datetime.fromisoformat(event["created_at"]) == datetime.fromisoformat(frozen)
    assert (subscription["subscription_at"], subscription["activated_at"]) == (frozen, frozen)
    assert invoice["issuing_date"] == "2031-05-06"
    assert api.ok("GET", "/test_clock") == {"test_clock": {"frozen_time": frozen, "status": "ready"}}


def test_a_clock_never_goes_back(server: Server) -> None:
    api = server.organization(at="2026-01-01T00:00:00Z")
    api.move_to("2026-02-01T00:00:00Z")

    reply = api.call("PUT", "/test_clock", {"test_clock": {"frozen_time": "2026-01-31T23:59:59Z"}})

    assert (reply.status, reply.body["error_details"]) == (422, {"frozen_time": ["value_is_out_of_range"]})
    assert api.ok("GET", "/test_clock")["test_clock"]["frozen_time"] == "2026-02-01T00:00:00Z"


def test_what_is_due_in_a_sandbox_happens_without_a_move(server: Server) -> None:
    api = server.organization(at="2025-06-30T10:00:00Z")
    api.plan(amount_cents=3000)
    api.customer()
    api.subscribe()
    api.move_to("2025-06-30T20:00:00Z")

    # In Tokyo it is 1 July, 05:00, already: June has ended five hours ago and is billed by the worker.
    api.customer(timezone="Asia/Tokyo")

    invoice = wait_for_invoices(api, 1)[0]
    assert (invoice["issuing_date"], invoice["created_at"]) == ("2025-07-01", "2025-06-30T15:00:00Z")
    assert base_cents(invoice) == [100]  # 30 June


def wait_for_invoices(api: Api, count: int) -> list[dict[str, Any]]:
    """Wait until the worker has made so many invoices; it looks every second."""
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        found = api.invoices()
        if len(found) >= count:
            return found
        time.sleep(0.1)
    raise AssertionError(f"no {count} invoices in time")


def test_an_interrupted_move_is_finished_by_the_worker(server: Server) -> None:
    api = team_story(server)
    organization = api.ok("GET", "/subscriptions/sub")["subscription"]["lago_id"]

    # What a server leaves behind that is stopped between two steps of a move: the goal, not yet reached.
    with psycopg.connect(server.database_url().replace("+psycopg", "")) as connection:
        connection.execute(
            "update test_clocks set advancing_to = %s where organization_id = (select organization_id from subscriptions where id = %s)",
            (datetime(2025, 4, 1, tzinfo=UTC), organization),
        )

    assert len(wait_for_invoices(api, 3)) == 3
    other = team_story(server)
    other.move_to("2025-04-01T00:00:00Z")
    assert normalised(api.invoices()) == normalised(other.invoices())
    api.move_to("2025-04-01T00:00:00Z")
    assert api.ok("GET", "/test_clock")["test_clock"]["frozen_time"] == "2025-04-01T00:00:00Z"


def test_a_move_with_nothing_due_is_quick(server: Server) -> None:
    api = team_story(server)
    now = datetime.fromisoformat(START)
    api.move_to(now.isoformat())

    started = time.monotonic()
    for minute in range(20):
        api.move_to((now + timedelta(minutes=minute)).isoformat())

    assert (time.monotonic() - started) / 20 < 0.1


def test_a_live_organization_bills_backdated_subscriptions_on_real_time_and_has_no_clock(server: Server) -> None:
    api = server.organization(at=None)
    calls = api.metric("calls", aggregation_type="count_agg", field_name=None, recurring=False)
    api.plan(amount_cents=3000, charges=[api.seat_charge(calls, "1", prorated=False)])
    now = datetime.now(UTC)
    subscription = api.subscribe(subscription_at=(now - timedelta(days=400)).isoformat())
    api.event("now", code="calls")

    ended = api.terminate()

    assert subscription["started_at"][:10] == f"{now - timedelta(days=400):%Y-%m-%d}"
    assert abs(datetime.fromisoformat(ended["terminated_at"]) - now) < timedelta(minutes=5)
    [invoice] = api.invoices()
    assert charge_of(invoice)["amount_cents"] == 100
    for method, body in (("GET", None), ("PUT", {"test_clock": {"frozen_time": "2040-01-01T00:00:00Z"}})):
        reply = api.call(method, "/test_clock", body)
        assert (reply.status, reply.body["code"]) == (405, "test_clock_not_available"), json.dumps(reply.body)


def test_an_event_dated_as_the_start_is_shown_counts(server: Server) -> None:
    api = server.organization(at="2025-01-15T10:30:00.123456Z")
    calls = api.metric("calls", aggregation_type="count_agg", field_name=None, recurring=False)
    api.plan(charges=[api.seat_charge(calls, prorated=False)])
    api.customer()

    shown = api.subscribe()["started_at"]

    assert shown == "2025-01-15T10:30:00.123Z"
    for fraction in ("122", "123", "123456"):
        api.event(fraction, code="calls", timestamp=f"{unix('2025-01-15T10:30:00Z')}.{fraction}")
    assert api.usage()["charges_usage"][0]["events_count"] == 2
