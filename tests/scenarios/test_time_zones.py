"""Days are the customer's local days: zones ahead and behind, changes of the clock, and customers who move."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from tests.support.instants import unix
from tests.support.invoices import base_cents, charge_of, fees_of, line_of
from tests.support.server import Api, Server


def seats_story(server: Server, *, at: str, zone: str, events: Sequence[tuple[str, str, str]] = (), **plan: Any) -> Api:
    """Start prorated seats at 10.00 a month for a customer of a zone, with events (instant, seat, operation)."""
    api = server.organization(at=at)
    api.plan(charges=[api.seat_charge(api.metric())], **plan)
    api.customer(timezone=zone)
    api.subscribe()
    for place, (instant, seat, operation) in enumerate(events):
        api.event(f"{place}", timestamp=unix(instant), user_id=seat, operation_type=operation)
    return api


def seat_days(server: Server, invoices: Sequence[Mapping[str, Any]]) -> dict[str, list[date]]:
    """Return every day that each seat was billed for, from the derivations stored with the fees."""
    found: dict[str, list[date]] = {}
    ids = [fee["lago_id"] for invoice in invoices for fee in fees_of(invoice, "charge")]
    with psycopg.connect(server.database_url().replace("+psycopg", "")) as connection:
        rows = connection.execute("select derivation from fees where id = any(%s::uuid[]) order by shown_from", (ids,)).fetchall()
    for (derivation,) in rows:
        for member in derivation["quantity"]["members"]:
            for first, last in member["spans"]:
                day, end = date.fromisoformat(first), date.fromisoformat(last)
                while day <= end:
                    found.setdefault(member["name"], []).append(day)
                    day += timedelta(days=1)
    return found


def all_days(first: str, last: str) -> list[date]:
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    return [start + timedelta(days=number) for number in range((end - start).days + 1)]


def check_tiling(invoices: Sequence[Mapping[str, Any]]) -> None:
    """Check that each charges window begins a second after the one before it is shown to end; a start bills no usage."""
    lines = [line for invoice in invoices if (line := line_of(invoice)).reason != "starting"]
    for before, after in pairwise(lines):
        assert datetime.fromisoformat(after.charges_from) - datetime.fromisoformat(before.charges_to) == timedelta(seconds=1)


MOVES = [
    # (from, to, instant of the move)
    ("UTC", "America/Los_Angeles", "2025-06-10T12:00:00Z"),
    ("UTC", "Asia/Tokyo", "2025-06-10T12:00:00Z"),
    ("America/Los_Angeles", "UTC", "2025-06-10T12:00:00Z"),
    ("Asia/Tokyo", "America/New_York", "2025-06-10T12:00:00Z"),
    ("Pacific/Kiritimati", "Pacific/Pago_Pago", "2025-06-10T12:00:00Z"),
    ("Pacific/Pago_Pago", "Pacific/Kiritimati", "2025-06-10T12:00:00Z"),
    ("UTC", "Asia/Tokyo", "2025-06-30T20:00:00Z"),  # there it is July already
    ("UTC", "America/Los_Angeles", "2025-07-01T00:30:00Z"),  # June has just been billed, there it still runs
    ("Europe/London", "Europe/Paris", "2025-06-30T22:30:00Z"),
    ("Asia/Tokyo", "Europe/Paris", "2025-06-30T15:00:00Z"),
]


@pytest.mark.parametrize("in_advance", [False, True])
@pytest.mark.parametrize("billing_time", ["calendar", "anniversary"])
@pytest.mark.parametrize(("old", "new", "at"), MOVES)
def test_a_customer_who_moves_is_billed_without_gap_and_without_overlap(
    server: Server, *, old: str, new: str, at: str, billing_time: str, in_advance: bool
) -> None:
    api = server.organization(at="2025-04-30T12:00:00Z")
    calls = api.metric("calls", aggregation_type="count_agg", field_name=None, recurring=False)
    charges = [api.seat_charge(api.metric()), api.seat_charge(calls, "1", prorated=False)]
    api.plan(amount_cents=3000, pay_in_advance=in_advance, charges=charges)
    api.customer(timezone=old)
    api.subscribe(billing_time=billing_time)
    api.event("ada", timestamp=unix("2025-04-30T12:00:00Z"), user_id="ada")
    begin = datetime(2025, 4, 30, 12, tzinfo=UTC)
    events = [
        {
            "transaction_id": f"{hour}",
            "code": "calls",
            "external_subscription_id": "sub",
            "timestamp": unix((begin + timedelta(hours=hour)).isoformat()),
        }
        for hour in range(0, 24 * 120, 6)
    ]
    for place in range(0, len(events), 100):
        api.ok("POST", "/events/batch", {"events": events[place : place + 100]})
    api.move_to(at)

    api.customer(timezone=new)
    api.move_to("2025-08-20T12:00:00Z")

    invoices = api.invoices()
    check_tiling(invoices)
    last = datetime.fromisoformat(line_of(invoices[-1]).charges_to) + timedelta(seconds=1)
    expected = sum(1 for event in events if begin <= datetime.fromtimestamp(int(event["timestamp"]), UTC) < last)
    counted = sum(fee["events_count"] for invoice in invoices for fee in fees_of(invoice, "charge") if fee["item"]["code"] == "calls")
    assert counted == expected
    days = seat_days(server, [keep_code(invoice, "seats") for invoice in invoices])["ada"]
    assert days == all_days(days[0].isoformat(), days[-1].isoformat())
    usage = api.usage()
    assert datetime.fromisoformat(usage["from_datetime"]) == last
    bases = base_days(server, invoices)
    assert bases == all_days(bases[0].isoformat(), bases[-1].isoformat())
    if billing_time == "anniversary" and begin.astimezone(ZoneInfo(old)).date() != begin.astimezone(ZoneInfo(new)).date():
        return  # the anniversary itself has moved to another date: one period has a day more or less
    assert [base_cents(invoice) for invoice in invoices[1:]] == [[3000]] * (len(invoices) - 1)


def base_days(server: Server, invoices: Sequence[Mapping[str, Any]]) -> list[date]:
    """Return every day that base fees are for."""
    ids = [fee["lago_id"] for invoice in invoices for fee in fees_of(invoice, "subscription")]
    with psycopg.connect(server.database_url().replace("+psycopg", "")) as connection:
        rows = connection.execute("select derivation from fees where id = any(%s::uuid[]) order by shown_from", (ids,)).fetchall()
    return [day for (derivation,) in rows for day in all_days(derivation["period"]["first_day"], derivation["period"]["last_day"])]


def keep_code(invoice: Mapping[str, Any], code: str) -> dict[str, Any]:
    """Return the invoice with the fees of one metric."""
    return {**invoice, "fees": [fee for fee in invoice["fees"] if fee["item"]["code"] == code]}


@pytest.mark.parametrize(
    ("zone", "first", "second"),
    [
        # Two months around the change of clocks; starts are local midnights.
        ("America/New_York", "2025-03-01T05:00:00Z", "2025-04-01T04:00:00Z"),
        ("America/New_York", "2025-11-01T04:00:00Z", "2025-12-01T05:00:00Z"),
        ("Europe/Paris", "2025-10-01T00:00:00+02:00", "2025-11-01T00:00:00+01:00"),
        ("Australia/Lord_Howe", "2025-04-01T00:00:00+11:00", "2025-05-01T00:00:00+10:30"),  # half an hour
        ("Asia/Kathmandu", "2025-03-01T00:00:00+05:45", "2025-04-01T00:00:00+05:45"),
        ("America/Havana", "2025-11-01T00:00:00-04:00", "2025-12-01T00:00:00-05:00"),  # midnight of the 2nd comes twice
        ("Africa/Cairo", "2025-04-01T00:00:00+02:00", "2025-05-01T00:00:00+03:00"),  # midnight of the 25th is skipped
    ],
)
def test_a_month_with_a_change_of_clocks_has_its_days_and_no_more(server: Server, zone: str, first: str, second: str) -> None:
    api = seats_story(server, at=first, zone=zone, events=[(first, "ada", "add")], amount_cents=3100)

    api.move_to(second)

    [invoice] = api.invoices()
    begin, end = (datetime.fromisoformat(instant).astimezone(UTC) for instant in (first, second))
    line = line_of(invoice)
    assert datetime.fromisoformat(line.charges_from) == begin
    assert datetime.fromisoformat(line.charges_to) == end - timedelta(seconds=1)
    assert (base_cents(invoice), charge_of(invoice)["precise_amount"]) == ([3100], "10.0")
    assert invoice["created_at"] == f"{end:%Y-%m-%dT%H:%M:%SZ}"


def test_one_instant_is_billed_by_each_customers_own_day(server: Server) -> None:
    api = server.organization(at="2025-06-01T12:00:00Z")
    api.plan(charges=[api.seat_charge(api.metric())])
    zones = {"behind": "Pacific/Pago_Pago", "utc": "UTC", "ahead": "Pacific/Kiritimati"}  # UTC-11 and UTC+14
    for name, zone in zones.items():
        api.customer(name, timezone=zone)
        api.subscribe(name, external_id=name)
        api.event(name, subscription=name, timestamp=unix("2025-06-15T10:30:00Z"), user_id="ada")

    api.move_to("2025-07-02T00:00:00Z")

    [behind, utc, ahead] = [api.invoices(external_customer_id=name)[-1] for name in zones]
    # Pago Pago: 14 June 23:30, 17 days. UTC: 15 June, 16 days. Kiritimati: 16 June 00:30, 15 days. Of 30, times 10.00.
    assert [charge_of(invoice)["precise_amount"] for invoice in (behind, utc, ahead)] == ["5.6667", "5.3334", "5.0"]
    assert [charge_of(invoice)["amount_cents"] for invoice in (behind, utc, ahead)] == [567, 533, 500]
    assert [line_of(invoice).charges_to for invoice in (behind, utc, ahead)] == [
        "2025-07-01T10:59:59Z",
        "2025-06-30T23:59:59Z",
        "2025-06-30T09:59:59Z",
    ]
    assert {invoice["issuing_date"] for invoice in (behind, utc, ahead)} == {"2025-07-01"}


def test_the_billing_entitys_zone_counts_where_the_customer_has_none(server: Server) -> None:
    api = server.organization(at="2025-06-01T04:00:00Z", timezone="America/New_York")
    api.plan(amount_cents=3000)
    api.customer()
    api.subscribe()

    api.move_to("2025-07-01T03:59:59Z")
    assert api.invoices() == []
    api.move_to("2025-07-01T04:00:00Z")

    assert line_of(api.invoices()[0])[1:3] == ("2025-06-01T04:00:00Z", "2025-07-01T03:59:59Z")


def test_a_customer_who_moves_back_and_forth_pays_each_month_once(server: Server) -> None:
    api = seats_story(server, at="2025-05-01T00:00:00Z", zone="UTC", events=[("2025-05-01T00:00:00Z", "ada", "add")], amount_cents=3000)
    for instant, zone in [
        ("2025-05-10T12:00:00Z", "Asia/Tokyo"),
        ("2025-05-31T16:00:00Z", "America/Los_Angeles"),
        ("2025-06-01T08:00:00Z", "UTC"),
        ("2025-06-30T23:00:00Z", "Asia/Tokyo"),
        ("2025-07-15T00:00:00Z", "UTC"),
    ]:
        api.move_to(instant)
        api.customer(timezone=zone)

    api.move_to("2025-08-01T12:00:00Z")

    invoices = api.invoices()
    check_tiling(invoices)
    days = seat_days(server, invoices)["ada"]
    assert days == all_days("2025-05-01", "2025-07-31")
    assert [base_cents(invoice) for invoice in invoices] == [[3000], [3000], [3000]]


def test_an_anniversary_that_moves_to_another_date_bills_the_days_left_in_arrears(server: Server) -> None:
    # 12:00Z of 30 April is 1 May in Kiritimati and 30 April in Pago Pago: the anniversary moves from the 1st to the 30th.
    api = server.organization(at="2025-04-30T12:00:00Z")
    api.plan(amount_cents=3100)
    api.customer(timezone="Pacific/Kiritimati")
    api.subscribe(billing_time="anniversary")
    api.move_to("2025-06-10T12:00:00Z")

    api.customer(timezone="Pacific/Pago_Pago")
    api.move_to("2025-08-20T12:00:00Z")

    invoices = api.invoices()
    # May; then 1–29 June, 29 of the 31 days from 30 May to 29 June; then 30 June – 29 July
    assert [base_cents(invoice) for invoice in invoices] == [[3100], [2900], [3100]]
    assert base_days(server, invoices) == all_days("2025-05-01", "2025-07-29")


@pytest.mark.parametrize(
    ("old", "new", "cents", "days"),
    [
        # June is paid; then 1–29 July, 29 of the 30 days from 30 June to 29 July: 2 996.67; then 30 July – 29 August.
        ("Pacific/Kiritimati", "Pacific/Pago_Pago", [3100, 3100, 2997, 3100], ("2025-05-01", "2025-08-29")),
        # 30 May – 29 June is paid; then 30 June and July, 32 days at the price of a day of July, 1.00; then August.
        ("Pacific/Pago_Pago", "Pacific/Kiritimati", [3100, 3100, 3200, 3100], ("2025-04-30", "2025-08-31")),
    ],
)
def test_an_anniversary_that_moves_to_another_date_bills_each_day_once_in_advance(
    server: Server, old: str, new: str, cents: list[int], days: tuple[str, str]
) -> None:
    api = server.organization(at="2025-04-30T12:00:00Z")
    api.plan(amount_cents=3100, pay_in_advance=True)
    api.customer(timezone=old)
    api.subscribe(billing_time="anniversary")
    api.move_to("2025-06-10T12:00:00Z")

    api.customer(timezone=new)
    api.move_to("2025-08-20T12:00:00Z")

    invoices = api.invoices()
    check_tiling(invoices)
    assert [base_cents(invoice) for invoice in invoices] == [[amount] for amount in cents]
    assert base_days(server, invoices) == all_days(*days)
