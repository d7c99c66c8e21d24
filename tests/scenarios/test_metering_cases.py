"""
The worked cases of metering, W1 to W42: one seat, one month, one surprise each.

Every case is played through the API: events are sent, current usage is read inside the period, and the invoice of the
period is read when it has closed. A prorated seat costs 10.00 a period unless a case says otherwise, so that a fee's
`precise_amount` shows the aggregate with its five decimals, times ten.
"""

from decimal import Decimal
from typing import Any, NamedTuple

import pytest

from tests.support.instants import a_second_before, unix
from tests.support.invoices import charge_of, fees_of, line_of
from tests.support.server import Api, Server

NOT_YET: dict[str, str] = {}
"""Cases that need what does not exist; `tests/tidy/test_case_ids.py` holds every other case to have a test."""

Event = tuple[str, str, str]
NEW_YORK, LOS_ANGELES, TOKYO = "America/New_York", "America/Los_Angeles", "Asia/Tokyo"
SAO_PAULO, PARIS, BERLIN = "America/Sao_Paulo", "Europe/Paris", "Europe/Berlin"


class Case(NamedTuple):
    """
    Seats that come and go, and what the period that closes at `close` bills for them.

    `events` are (instant, seat, operation). `aggregate` is the quantity, rounded up to five decimals; `units` the seats
    there at the end. `window` is the period as shown. A case without a fee has None for cents.
    """

    events: list[Event]
    aggregate: str
    cents: int | None
    units: str = "1.0"
    zone: str = "UTC"
    start: str = "2025-02-01T00:00:00Z"
    close: str = "2025-05-01T00:00:00Z"
    interval: str = "monthly"
    billing_time: str = "calendar"
    price: str = "10"
    window: tuple[str, str] | None = None
    bills_monthly: bool = False


def add(at: str, seat: str = "s1") -> Event:
    return at, seat, "add"


def remove(at: str, seat: str = "s1") -> Event:
    return at, seat, "remove"


CARRIED = add("2025-03-05T09:00:00Z")
JUNE: dict[str, Any] = {"start": "2025-05-01T00:00:00Z"}
PARIS_MARCH: dict[str, Any] = {"zone": PARIS, "start": "2025-02-01T00:00:00+01:00", "close": "2025-04-01T00:00:00+02:00"}
PARIS_OCTOBER: dict[str, Any] = {"zone": PARIS, "start": "2025-09-01T00:00:00+02:00", "close": "2025-11-01T00:00:00+01:00"}
LEAP: dict[str, Any] = {"start": "2024-01-01T00:00:00Z", "close": "2024-03-01T00:00:00Z"}
MID_MONTH: dict[str, Any] = {
    "start": "2025-09-18T14:00:00Z",
    "close": "2025-10-01T00:00:00Z",
    "window": ("2025-09-18T14:00:00Z", "2025-09-30T23:59:59Z"),
}

CASES = {
    # A seat and April's 30 days.
    "W1": Case([CARRIED], "1", 1000),
    "W2": Case([add("2025-04-11T15:00:00Z")], "0.66667", 667),  # 11–30: 20/30
    "W3": Case([CARRIED, remove("2025-04-10T08:00:00Z")], "0.33334", 333, "0.0"),  # 1–10, the day of removal counts
    "W4": Case([add("2025-04-05T08:00:00Z"), remove("2025-04-05T18:00:00Z")], "0.03334", 33, "0.0"),
    "W5": Case([CARRIED, remove("2025-04-10T08:00:00Z"), add("2025-04-10T09:00:00Z")], "1", 1000),
    "W6": Case([CARRIED, remove("2025-04-10T08:00:00Z"), add("2025-04-15T08:00:00Z")], "0.86667", 867),  # 10 + 16 = 26/30
    "W7": Case([CARRIED, remove("2025-04-10T08:00:00Z"), add("2025-04-11T08:00:00Z")], "1", 1000),  # 10 + 20
    "W8": Case(
        [
            add("2025-04-05T08:00:00Z"),
            remove("2025-04-05T09:00:00Z"),
            add("2025-04-05T10:00:00Z"),
            remove("2025-04-05T11:00:00Z"),
        ],
        "0.03334",
        33,
        "0.0",
    ),
    "W9": Case(
        [CARRIED, remove("2025-04-10T08:00:00Z"), add("2025-04-10T09:00:00Z"), remove("2025-04-10T10:00:00Z")], "0.33334", 333, "0.0"
    ),
    "W10": Case(
        [add("2025-04-05T08:00:00Z"), add("2025-04-20T08:00:00Z"), remove("2025-04-24T08:00:00Z")], "0.66667", 667, "0.0"
    ),  # 5–24: 20/30
    "W11": Case([remove("2025-04-05T08:00:00Z")], "0", 0, "0.0"),
    "W12": Case([remove("2025-04-05T01:00:00Z"), add("2025-04-05T02:00:00Z")], "0.86667", 867),  # 5–30: 26/30
    "W13": Case([add("2025-02-10T08:00:00Z"), remove("2025-03-31T23:00:00Z")], "0", None),
    "W14": Case([add("2025-02-10T08:00:00Z"), remove("2025-04-01T00:00:00Z")], "0.03334", 33, "0.0"),
    "W15": Case(
        [CARRIED, remove("2025-04-10T08:00:00Z"), remove("2025-04-10T09:00:00Z"), add("2025-04-12T08:00:00Z")], "0.96667", 967
    ),  # 10 + 19 = 29/30
    "W16": Case(  # 4·30 + 2·20 + 20 = 180/30: exactly 6
        [
            *(add("2025-03-05T09:00:00Z", f"carried{i}") for i in range(5)),
            add("2025-04-11T09:00:00Z", "new1"),
            add("2025-04-11T10:00:00Z", "new2"),
            remove("2025-04-20T17:00:00Z", "carried0"),
        ],
        "6",
        6000,
        "6.0",
    ),
    # The same instant is another day elsewhere.
    "W17-new-york": Case(  # 10 June 23:30 there: 10–30, 21/30
        [add("2025-06-11T03:30:00Z")], "0.7", 700, zone=NEW_YORK, start="2025-05-01T00:00:00-04:00", close="2025-07-01T00:00:00-04:00"
    ),
    "W17-utc": Case([add("2025-06-11T03:30:00Z")], "0.66667", 667, close="2025-07-01T00:00:00Z", **JUNE),  # 11–30
    "W18": Case(  # 16 June 05:00 there: 16–30, 15/30
        [add("2025-06-15T20:00:00Z")],
        "0.5",
        500,
        zone=TOKYO,
        start="2025-05-01T00:00:00+09:00",
        close="2025-07-01T00:00:00+09:00",
        window=("2025-05-31T15:00:00Z", "2025-06-30T14:59:59Z"),
    ),
    "W19-midnight": Case(  # 20–31: 12/31
        [add("2025-08-20T00:00:00-03:00")],
        "0.38710",
        387,
        zone=SAO_PAULO,
        start="2025-07-01T00:00:00-03:00",
        close="2025-09-01T00:00:00-03:00",
    ),
    "W19-a-second-before": Case(  # 19–31: 13/31
        [add("2025-08-19T23:59:59-03:00")],
        "0.41936",
        419,
        zone=SAO_PAULO,
        start="2025-07-01T00:00:00-03:00",
        close="2025-09-01T00:00:00-03:00",
    ),
    # March 2025 in Paris lacks an hour, October has one more; both have 31 days.
    "W20-untouched": Case([add("2025-02-10T12:00:00Z")], "1", 1000, **PARIS_MARCH),
    "W20-added": Case([add("2025-03-30T12:00:00+02:00")], "0.06452", 65, **PARIS_MARCH),  # 30, 31: 2/31
    "W20-removed": Case(  # 1–29: 29/31
        [add("2025-02-10T12:00:00Z"), remove("2025-03-29T23:30:00+01:00")], "0.93549", 935, "0.0", **PARIS_MARCH
    ),
    "W21-calendar-week": Case(
        [add("2025-03-20T12:00:00Z")],
        "1",
        1000,
        zone=PARIS,
        interval="weekly",
        start="2025-03-01T00:00:00+01:00",
        close="2025-03-31T00:00:00+02:00",
        window=("2025-03-23T23:00:00Z", "2025-03-30T21:59:59Z"),
    ),
    "W21-anniversary-week": Case(  # from a Sunday on: 23–29 March
        [add("2025-03-20T12:00:00Z")],
        "1",
        1000,
        zone=PARIS,
        interval="weekly",
        billing_time="anniversary",
        start="2025-03-02T10:00:00+01:00",
        close="2025-03-30T00:00:00+01:00",
        window=("2025-03-22T23:00:00Z", "2025-03-29T22:59:59Z"),
    ),
    "W21-anniversary-month": Case(  # from the 30th on: 28 February – 29 March, 30 days
        [add("2025-02-20T12:00:00Z")],
        "1",
        1000,
        zone=PARIS,
        billing_time="anniversary",
        start="2025-01-30T10:00:00+01:00",
        close="2025-03-30T00:00:00+01:00",
        window=("2025-02-27T23:00:00Z", "2025-03-29T22:59:59Z"),
    ),
    "W22-just-after-midnight": Case(  # 1–26: 26/31
        [add("2025-09-10T12:00:00Z"), remove("2025-10-26T00:30:00+02:00")], "0.83871", 839, "0.0", **PARIS_OCTOBER
    ),
    "W22-in-the-morning": Case([add("2025-09-10T12:00:00Z"), remove("2025-10-26T10:00:00+01:00")], "0.83871", 839, "0.0", **PARIS_OCTOBER),
    # Shapes of the calendar.
    "W24-mid-february": Case([add("2024-02-15T08:00:00Z")], "0.51725", 517, **LEAP),  # 15–29: 15/29
    "W24-leap-day": Case([add("2024-02-29T08:00:00Z")], "0.03449", 34, **LEAP),  # 1/29
    "W24-common-year": Case([add("2025-02-15T08:00:00Z")], "0.5", 500, start="2025-01-01T00:00:00Z", close="2025-03-01T00:00:00Z"),
    "W25-added": Case([add("2025-09-18T14:00:05Z")], "0.43334", 433, **MID_MONTH),  # 18–30: 13/30, the divisor stays 30
    "W25-before-the-start": Case([add("2025-08-20T14:00:00Z")], "0.43334", 433, **MID_MONTH),
    "W25-removed-before-the-start": Case([add("2025-08-20T14:00:00Z"), remove("2025-09-18T10:00:00Z")], "0", None, **MID_MONTH),
    "W25-removed-after-the-start": Case([add("2025-08-20T14:00:00Z"), remove("2025-09-18T16:00:00Z")], "0.03334", 33, "0.0", **MID_MONTH),
    "W26-the-31st": Case(
        [add("2025-01-31T09:00:00Z")],
        "1",
        1000,
        billing_time="anniversary",
        start="2025-01-31T00:00:00Z",
        close="2025-02-28T00:00:00Z",
        window=("2025-01-31T00:00:00Z", "2025-02-27T23:59:59Z"),
    ),
    "W26-the-18th": Case(  # 18 March – 17 April, 31 days, a clock change inside; 2–9 April: 8/31
        [add("2025-04-02T08:00:00Z"), remove("2025-04-09T08:00:00Z")],
        "0.25807",
        258,
        "0.0",
        zone=BERLIN,
        billing_time="anniversary",
        start="2025-02-18T12:00:00+01:00",
        close="2025-04-18T00:00:00+02:00",
        window=("2025-03-17T23:00:00Z", "2025-04-17T21:59:59Z"),
    ),
    "W27": Case(  # 29 Feb – 31 Mar: 1 + 31 = 32 of 91 days at 90.00; 0.35165 × 90 = 31.6485
        [add("2028-02-29T08:00:00Z")],
        "0.35165",
        3165,
        interval="quarterly",
        price="90",
        start="2027-10-01T00:00:00Z",
        close="2028-04-01T00:00:00Z",
    ),
    "W28-anniversary": Case(  # 1 Dec – 9 Mar: 31 + 31 + 28 + 9 = 99 of 365; 0.27124 × 120 = 32.5488
        [add("2024-12-01T08:00:00Z")],
        "0.27124",
        3255,
        interval="yearly",
        billing_time="anniversary",
        price="120",
        start="2024-03-10T00:00:00Z",
        close="2025-03-10T00:00:00Z",
    ),
    "W28-calendar": Case(  # 31 of 366; 0.08470 × 120 = 10.164
        [add("2024-12-01T08:00:00Z")],
        "0.08470",
        1016,
        interval="yearly",
        price="120",
        start="2024-01-01T00:00:00Z",
        close="2025-01-01T00:00:00Z",
    ),
    "W28-billed-monthly": Case(
        [add("2024-12-01T08:00:00Z")],
        "1",
        1000,
        interval="yearly",
        bills_monthly=True,
        start="2024-10-01T00:00:00Z",
        close="2025-01-01T00:00:00Z",
        window=("2024-12-01T00:00:00Z", "2024-12-31T23:59:59Z"),
    ),
}


def open_story(server: Server, *, at: str, zone: str = "UTC", metric: dict[str, Any] | None = None, **charge: Any) -> Api:
    """Make an organization with one customer and a monthly plan with one charge, prorated seats unless said otherwise."""
    api = server.organization(at=at)
    made = api.metric(**(metric or {}))
    api.plan(charges=[api.seat_charge(made, **charge)])
    api.customer(timezone=zone)
    return api


def send(api: Api, events: list[Event], subscription: str = "sub") -> None:
    for place, (at, seat, operation) in enumerate(events):
        api.event(f"{subscription}-{at}-{place}", subscription=subscription, timestamp=unix(at), user_id=seat, operation_type=operation)


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items()])
def test_a_seat_is_billed_for_its_local_days(server: Server, case: Case) -> None:
    api = server.organization(at=case.start)
    metric = api.metric()
    charge = api.seat_charge(metric, case.price)
    api.plan(charges=[charge], interval=case.interval, bill_charges_monthly=case.bills_monthly or None)
    api.customer(timezone=case.zone)
    api.subscribe(billing_time=case.billing_time, subscription_at=case.start)
    send(api, case.events)

    api.move_to(a_second_before(case.close))
    usage = api.usage()
    api.move_to(case.close)

    invoice = api.invoices()[-1]
    line = line_of(invoice)
    fees = fees_of(invoice, "charge")
    assert usage["amount_cents"] == (case.cents or 0)
    assert (usage["from_datetime"], usage["to_datetime"]) == (line.charges_from, line.charges_to)
    if case.window is not None:
        assert (line.charges_from, line.charges_to) == case.window
    if case.cents is None:
        assert fees == []
        return
    [fee] = fees
    [used] = usage["charges_usage"]
    assert fee["amount_cents"] == case.cents
    assert Decimal(fee["precise_amount"]) == Decimal(case.aggregate) * Decimal(case.price)
    assert (fee["units"], used["units"]) == (case.units, case.units)
    assert fee["events_count"] == used["events_count"]


def test_W23_a_change_of_zone_bills_no_day_of_a_seat_twice(server: Server) -> None:
    api = open_story(server, at="2025-05-01T00:00:00Z")
    api.subscribe()
    send(api, [add("2025-05-05T09:00:00Z")])
    api.move_to("2025-06-10T12:00:00Z")

    api.customer(timezone=LOS_ANGELES)
    usage = api.usage()
    api.move_to("2025-07-01T07:00:00Z")

    [may, june] = api.invoices()
    # May: 5–31, 27/31 = 0.87097 up. June begins where May ended, at 17:00 of 31 May in Los Angeles; that day is May's.
    assert charge_of(may)["amount_cents"] == 871
    assert line_of(may)[3:] == ("2025-05-01T00:00:00Z", "2025-05-31T23:59:59Z")
    assert line_of(june)[3:] == ("2025-06-01T00:00:00Z", "2025-07-01T06:59:59Z")
    assert (charge_of(june)["precise_amount"], charge_of(june)["amount_cents"]) == ("10.0", 1000)  # 30/30, not 31/30
    assert usage["amount_cents"] == 1000


@pytest.mark.parametrize("removal", [[], [remove("2025-06-12T03:00:00Z")]], ids=["W29-carried", "W29-removed-that-day"])
def test_a_termination_bills_its_own_day(server: Server, removal: list[Event]) -> None:
    api = open_story(server, at="2025-05-01T00:00:00Z")
    api.subscribe()
    send(api, [add("2025-05-05T09:00:00Z"), *removal])
    api.move_to("2025-06-12T06:00:00Z")

    api.terminate()

    fee = charge_of(api.invoices()[-1])
    assert (fee["precise_amount"], fee["amount_cents"]) == ("4.0", 400)  # 1–12: 12/30
    assert (fee["from_date"], fee["to_date"]) == ("2025-06-01T00:00:00Z", "2025-06-12T06:00:00Z")


def test_W32_a_subscription_made_anew_carries_the_seats_of_its_external_id(server: Server) -> None:
    api = open_story(server, at="2025-05-01T00:00:00Z")
    api.subscribe()
    send(api, [add("2025-05-05T09:00:00Z")])
    api.move_to("2025-05-10T12:00:00Z")
    api.terminate()
    api.move_to("2025-05-20T08:00:00Z")

    api.subscribe()
    api.subscribe(external_id="other")
    api.move_to("2025-06-01T00:00:00Z")

    [ended, again] = api.invoices()
    charges = {fee["external_subscription_id"]: fee for fee in fees_of(again, "charge")}
    assert charge_of(ended)["amount_cents"] == 194  # 5–10: 6/31 = 0.19355
    assert charges["sub"]["precise_amount"] == "3.871"  # 20–31: 12/31 = 0.38710
    assert set(charges) == {"sub"}  # another external id starts from nothing


def test_W33_a_prorated_sum_weighs_each_unit_with_the_days_left(server: Server) -> None:
    api = open_story(server, at="2025-03-01T00:00:00Z", metric={"code": "disks", "aggregation_type": "sum_agg", "field_name": "size"})
    for name in ("sub", "one"):
        api.subscribe(external_id=name)
    changes = [
        ("sub", "2025-03-10", 4),
        ("sub", "2025-04-16", 3),
        ("sub", "2025-04-21", -2),
        ("one", "2025-03-10", 1),
        ("one", "2025-04-10", -1),
    ]
    for name, day, size in changes:
        api.event(f"{name}{day}", code="disks", subscription=name, timestamp=unix(f"{day}T12:00:00Z"), size=size)

    api.move_to("2025-04-30T12:00:00Z")
    usage = [api.usage(subscription=name)["amount_cents"] for name in ("sub", "one")]
    api.move_to("2025-05-01T00:00:00Z")

    april = api.invoices()[-1]
    fees = {fee["external_subscription_id"]: fee for fee in fees_of(april, "charge")}
    # 4 + 3·15/30 − 2·10/30 = 4.8333… up to 4.83334; the units taken away stop on their own day: 1 × 9/30 = 0.3
    assert [fees[name]["precise_amount"] for name in ("sub", "one")] == ["48.3334", "3.0"]
    assert [fees[name]["amount_cents"] for name in ("sub", "one")] == usage == [4833, 300]
    assert [fees[name]["units"] for name in ("sub", "one")] == ["5.0", "0.0"]


def test_W35_a_metered_unique_count_starts_from_nothing_each_period(server: Server) -> None:
    api = open_story(server, at="2025-03-01T00:00:00Z", metric={"recurring": False}, prorated=False)
    api.subscribe()
    send(api, [add("2025-03-20T12:00:00Z", "a"), remove("2025-04-05T12:00:00Z", "a"), add("2025-04-06T12:00:00Z", "b")])

    api.move_to("2025-05-01T00:00:00Z")

    [march, april] = api.invoices()
    assert [(fee["units"], fee["amount_cents"]) for fee in (charge_of(march), charge_of(april))] == [("1.0", 1000), ("1.0", 1000)]


def test_W40_rounding_bills_whole_units_and_leaves_the_level_as_it_is(server: Server) -> None:
    metric = {"code": "storage", "aggregation_type": "sum_agg", "field_name": "gb", "rounding_function": "ceil", "rounding_precision": 0}
    api = open_story(server, at="2025-03-01T00:00:00Z", metric=metric, prorated=False)
    api.subscribe()
    api.event("1", code="storage", timestamp=unix("2025-03-10T12:00:00Z"), gb="12.345")
    api.event("2", code="storage", timestamp=unix("2025-05-10T12:00:00Z"), gb="0.655")

    api.move_to("2025-06-01T00:00:00Z")

    # March and April: 12.345 up to 13. May: 12.345 + 0.655 is 13 sharp, not 14.
    assert [charge_of(invoice)["units"] for invoice in api.invoices()] == ["13.0", "13.0", "13.0"]


def test_W41_a_late_seat_counts_from_the_running_period_on_and_a_late_count_not_at_all(server: Server) -> None:
    api = server.organization(at="2025-03-01T00:00:00Z")
    seats, calls = api.metric(), api.metric("calls", aggregation_type="count_agg", field_name=None, recurring=False)
    api.plan(charges=[api.seat_charge(seats), api.seat_charge(calls, "1", prorated=False)])
    api.customer()
    api.subscribe()
    api.move_to("2025-04-05T12:00:00Z")
    [march] = api.invoices()

    send(api, [add("2025-03-20T12:00:00Z", "s9")])
    api.event("late", code="calls", timestamp=unix("2025-03-20T12:00:00Z"))
    api.move_to("2025-05-01T00:00:00Z")

    [unchanged, april] = api.invoices()
    assert unchanged["fees"] == march["fees"]
    assert fees_of(march, "charge") == []
    assert [(fee["item"]["code"], fee["precise_amount"]) for fee in fees_of(april, "charge")] == [("seats", "10.0")]  # 30/30


def test_W42_usage_inside_the_period_shows_what_the_invoice_will_be(server: Server) -> None:
    api = open_story(server, at="2025-04-01T00:00:00Z")
    api.subscribe()
    send(api, [add("2025-04-11T15:00:00Z")])
    api.move_to("2025-04-12T00:00:00Z")

    usage = api.usage()

    [used] = usage["charges_usage"]
    assert (used["units"], used["events_count"], used["amount_cents"]) == ("1.0", 1, 667)  # 20/30 already, on the second day
    assert (usage["from_datetime"], usage["to_datetime"]) == ("2025-04-01T00:00:00Z", "2025-04-30T23:59:59Z")
