"""
A law: what current usage shows an instant before a period ends is what its invoice bills.

For every interval, both kinds of periods and both timings of the plan fee, in several time zones, over a first period
that begins inside a day and a second one that is whole. Usage is sent beforehand, so that most of it lies in the future
when usage is first read.
"""

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from tests.support.instants import unix
from tests.support.invoices import fees_of, line_of
from tests.support.server import Api, Server

ZONES = ["UTC", "America/New_York", "Asia/Tokyo", "Europe/Paris", "America/Sao_Paulo", "Asia/Kolkata", "Pacific/Auckland"]
INTERVALS = ["weekly", "monthly", "quarterly", "semiannual", "yearly"]
SHAPES = list(product(INTERVALS, ["calendar", "anniversary"], [False, True]))
STEPS = {"weekly": 1, "monthly": 4, "quarterly": 11, "semiannual": 21, "yearly": 43}
START = datetime(2025, 1, 15, 10, 30, tzinfo=UTC)


def seat_metrics(api: Api) -> list[dict[str, Any]]:
    """Make one charge of each kind: seats by the day, seats as they are, disks by the day, bytes, calls."""
    seats = api.metric()
    disks = api.metric("disks", aggregation_type="sum_agg", field_name="size")
    return [
        api.seat_charge(seats, "12.5"),
        api.seat_charge(seats, "7", prorated=False),
        api.seat_charge(disks, "0.37"),
        api.seat_charge(api.metric("bytes", aggregation_type="sum_agg", field_name="size", recurring=False), "0.0123", prorated=False),
        api.seat_charge(api.metric("calls", aggregation_type="count_agg", field_name=None, recurring=False), "1.005", prorated=False),
    ]


def send_usage(api: Api, *, every: int) -> None:
    """Send 19 rounds of events, one round in `every` days and some hours: seats join and leave, disks grow and shrink."""
    events: list[dict[str, Any]] = []
    for turn in range(19):
        at = START + timedelta(days=every * turn, hours=5 * turn, minutes=7)
        sent = {
            "seats": {"user_id": f"u{turn % 5}", "operation_type": "remove" if turn % 3 == 2 else "add"},
            "disks": {"size": (7, -2, 11)[turn % 3]},
            "bytes": {"size": f"{turn}.25"},
            "calls": {},
        }
        events.extend(
            {
                "transaction_id": f"{code}{turn}",
                "code": code,
                "external_subscription_id": "sub",
                "timestamp": unix(at.isoformat()),
                "properties": properties,
            }
            for code, properties in sent.items()
        )
    api.ok("POST", "/events/batch", {"events": events})


@pytest.mark.parametrize(("interval", "billing_time", "in_advance"), SHAPES)
def test_usage_an_instant_before_the_end_is_what_the_invoice_bills(
    server: Server, interval: str, billing_time: str, in_advance: bool
) -> None:
    zone = ZONES[SHAPES.index((interval, billing_time, in_advance)) % len(ZONES)]
    api = server.organization(at=START.isoformat())
    api.plan(charges=seat_metrics(api), interval=interval, amount_cents=4900, pay_in_advance=in_advance)
    api.customer(timezone=zone)
    api.subscribe(billing_time=billing_time)
    send_usage(api, every=STEPS[interval])

    check_next_period(api)
    check_next_period(api)
    amount = check_next_period(api)

    assert amount > 0, "a law about nothing proves nothing"


@pytest.mark.parametrize("interval", ["semiannual", "yearly"])
@pytest.mark.parametrize("in_advance", [False, True])
def test_usage_billed_monthly_on_a_longer_plan_equals_its_monthly_invoice(server: Server, interval: str, in_advance: bool) -> None:
    api = server.organization(at=START.isoformat())
    api.plan(charges=seat_metrics(api), interval=interval, amount_cents=4900, pay_in_advance=in_advance, bill_charges_monthly=True)
    api.customer(timezone="America/Los_Angeles")
    api.subscribe(billing_time="anniversary")
    send_usage(api, every=4)

    for _ in range(3):
        assert check_next_period(api) > 0


def check_next_period(api: Api) -> int:
    """Move to the last second of the running period, read usage, move one second on and compare with the invoice."""
    end = datetime.fromisoformat(api.usage()["to_datetime"])
    api.move_to(end.isoformat())
    usage = api.usage()
    api.move_to((end + timedelta(seconds=1)).isoformat())

    invoice = api.invoices()[-1]
    line = line_of(invoice)
    assert (line.charges_from, line.charges_to) == (usage["from_datetime"], usage["to_datetime"])
    used = {item["charge"]["lago_id"]: item for item in usage["charges_usage"]}
    billed = {fee["lago_charge_id"]: fee for fee in fees_of(invoice, "charge")}
    for charge_id, item in used.items():
        fee = billed.pop(charge_id, None)
        figures = (item["units"], item["amount_cents"], item["events_count"])
        assert figures == ((fee["units"], fee["amount_cents"], fee["events_count"]) if fee else ("0.0", 0, 0))
    assert billed == {}
    assert usage["amount_cents"] == sum(fee["amount_cents"] for fee in fees_of(invoice, "charge"))
    return int(usage["amount_cents"])


@pytest.mark.parametrize("in_advance", [False, True])
def test_usage_before_a_termination_of_metered_events_is_what_the_last_invoice_bills(server: Server, in_advance: bool) -> None:
    api = server.organization(at=START.isoformat())
    calls = api.metric("calls", aggregation_type="count_agg", field_name=None, recurring=False)
    api.plan(charges=[api.seat_charge(calls, "1.005", prorated=False)], amount_cents=4900, pay_in_advance=in_advance)
    api.customer(timezone="Europe/Paris")
    api.subscribe()
    for day in (16, 18, 20):
        api.event(f"{day}", code="calls", timestamp=unix(f"2025-01-{day}T12:00:00Z"))
    api.move_to("2025-01-21T00:00:00Z")
    usage = api.usage()

    api.terminate()

    [fee] = fees_of(api.invoices()[-1], "charge")
    assert fee["amount_cents"] == usage["amount_cents"] == 302  # 3 × 1.005 = 3.015, half away from zero
