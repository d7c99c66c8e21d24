"""
Billing periods, E23 to E35 and E43 to E51: what is billed when, read from invoices line by line.

Periods are billed at the exact instant they end. In these stories nothing is refunded: what a plan in advance bills at
its end is its usage alone.
"""

from datetime import date
from typing import Any, NamedTuple

import pytest

from tests.support.instants import unix
from tests.support.invoices import Line, base_cents, charge_of, fees_of, line_of, numbers
from tests.support.server import Api, Server

NEW_YORK, LOS_ANGELES, TOKYO = "America/New_York", "America/Los_Angeles", "Asia/Tokyo"


class Story(NamedTuple):
    """A plan and a start, the instants the clock moves to, and for each invoice its issuing date, line and base fees."""

    start: str
    moves: list[str]
    invoices: list[tuple[str, Line, list[int]]]
    amount: int = 3100
    interval: str = "monthly"
    billing_time: str = "calendar"
    in_advance: bool = False
    monthly_charges: bool | None = None
    zone: str = "UTC"


def whole_days(first: str, last: str) -> tuple[str, str]:
    """Return the shown window of UTC days."""
    return f"{first}T00:00:00Z", f"{last}T23:59:59Z"


def both(reason: str, first: str, last: str) -> Line:
    """Return a line whose two windows are the same UTC days."""
    return Line(reason, *whole_days(first, last), *whole_days(first, last))


def anniversaries(starts: list[str], lasts: list[str], dates: list[str], amount: int) -> list[tuple[str, Line, list[int]]]:
    """List whole periods that are billed at full price the day after their last day."""
    return [(date, both("periodic", first, last), [amount]) for first, last, date in zip(starts, lasts, dates, strict=True)]


STORIES = {
    "E23": Story(  # 12–31 March: 20 of 31 days at 1.00
        start="2025-03-12T15:20:00Z",
        moves=["2025-05-01T00:00:00Z"],
        invoices=[
            (
                "2025-04-01",
                Line("periodic", *whole_days("2025-03-12", "2025-03-31"), "2025-03-12T15:20:00Z", "2025-03-31T23:59:59Z"),
                [2000],
            ),
            ("2025-05-01", both("periodic", "2025-04-01", "2025-04-30"), [3100]),
        ],
    ),
    "E24": Story(  # the same in advance; the starting invoice bills no usage and repeats the fee's window
        start="2025-03-12T15:20:00Z",
        moves=["2025-04-01T00:00:00Z"],
        invoices=[
            ("2025-03-12", both("starting", "2025-03-12", "2025-03-31"), [2000]),
            (
                "2025-04-01",
                Line("periodic", *whole_days("2025-04-01", "2025-04-30"), "2025-03-12T15:20:00Z", "2025-03-31T23:59:59Z"),
                [3100],
            ),
        ],
        in_advance=True,
    ),
    "E25-calendar": Story(  # Thursday to Sunday: 4 of 7 days of 14.00
        start="2025-06-12T09:00:00Z",
        moves=["2025-06-16T00:00:00Z"],
        invoices=[
            ("2025-06-16", Line("periodic", *whole_days("2025-06-12", "2025-06-15"), "2025-06-12T09:00:00Z", "2025-06-15T23:59:59Z"), [800])
        ],
        amount=1400,
        interval="weekly",
    ),
    "E25-anniversary": Story(
        start="2025-06-12T09:00:00Z",
        moves=["2025-06-19T00:00:00Z"],
        invoices=[
            (
                "2025-06-19",
                Line("periodic", *whole_days("2025-06-12", "2025-06-18"), "2025-06-12T09:00:00Z", "2025-06-18T23:59:59Z"),
                [1400],
            )
        ],
        amount=1400,
        interval="weekly",
        billing_time="anniversary",
    ),
    "E26": Story(  # the clamp to short months never sticks
        start="2025-01-31T00:00:00Z",
        moves=["2025-06-30T00:00:00Z"],
        invoices=anniversaries(
            ["2025-01-31", "2025-02-28", "2025-03-31", "2025-04-30", "2025-05-31"],
            ["2025-02-27", "2025-03-30", "2025-04-29", "2025-05-30", "2025-06-29"],
            ["2025-02-28", "2025-03-31", "2025-04-30", "2025-05-31", "2025-06-30"],
            3100,
        ),
        billing_time="anniversary",
    ),
    "E27": Story(
        start="2024-11-30T00:00:00Z",
        moves=["2025-11-30T00:00:00Z"],
        invoices=anniversaries(
            ["2024-11-30", "2025-02-28", "2025-05-30", "2025-08-30"],
            ["2025-02-27", "2025-05-29", "2025-08-29", "2025-11-29"],
            ["2025-02-28", "2025-05-30", "2025-08-30", "2025-11-30"],
            3100,
        ),
        interval="quarterly",
        billing_time="anniversary",
    ),
    "E28": Story(
        start="2024-08-31T00:00:00Z",
        moves=["2025-08-31T00:00:00Z"],
        invoices=anniversaries(["2024-08-31", "2025-02-28"], ["2025-02-27", "2025-08-30"], ["2025-02-28", "2025-08-31"], 3100),
        interval="semiannual",
        billing_time="anniversary",
    ),
    "E29": Story(
        start="2024-02-29T00:00:00Z",
        moves=["2029-02-28T00:00:00Z"],
        invoices=anniversaries(
            ["2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"],
            ["2025-02-27", "2026-02-27", "2027-02-27", "2028-02-28", "2029-02-27"],
            ["2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29", "2029-02-28"],
            3100,
        ),
        interval="yearly",
        billing_time="anniversary",
    ),
    "E30-whole": Story(  # the clock change of 9 March takes an hour and no day
        start="2025-03-01T05:00:00Z",
        moves=["2025-04-01T04:00:00Z"],
        invoices=[
            (
                "2025-04-01",
                Line("periodic", "2025-03-01T05:00:00Z", "2025-04-01T03:59:59Z", "2025-03-01T05:00:00Z", "2025-04-01T03:59:59Z"),
                [3100],
            )
        ],
        zone=NEW_YORK,
    ),
    "E30-partial": Story(  # 8–31 March: 24 of 31 days; the start is 10:00 there
        start="2025-03-08T15:00:00Z",
        moves=["2025-04-01T04:00:00Z"],
        invoices=[
            (
                "2025-04-01",
                Line("periodic", "2025-03-08T05:00:00Z", "2025-04-01T03:59:59Z", "2025-03-08T15:00:00Z", "2025-04-01T03:59:59Z"),
                [2400],
            )
        ],
        zone=NEW_YORK,
    ),
    "E31-tokyo": Story(  # 1 July 01:00 there
        start="2025-06-30T16:00:00Z",
        moves=["2025-07-31T15:00:00Z"],
        invoices=[
            (
                "2025-08-01",
                Line("periodic", "2025-06-30T15:00:00Z", "2025-07-31T14:59:59Z", "2025-06-30T16:00:00Z", "2025-07-31T14:59:59Z"),
                [3100],
            )
        ],
        zone=TOKYO,
    ),
    "E31-los-angeles": Story(
        start="2025-06-30T16:00:00Z",
        moves=["2025-07-30T07:00:00Z"],
        invoices=[
            (
                "2025-07-30",
                Line("periodic", "2025-06-30T07:00:00Z", "2025-07-30T06:59:59Z", "2025-06-30T16:00:00Z", "2025-07-30T06:59:59Z"),
                [3100],
            )
        ],
        billing_time="anniversary",
        zone=LOS_ANGELES,
    ),
    "E34": Story(  # ten days from 25 May 10:00; the rest of June, 27 of 30 days, is billed when the trial ends
        start="2025-05-25T10:00:00Z",
        moves=["2025-07-01T00:00:00Z"],
        invoices=[
            ("2025-06-01", Line("periodic", *whole_days("2025-06-01", "2025-06-30"), "2025-05-25T10:00:00Z", "2025-05-31T23:59:59Z"), []),
            ("2025-06-04", both("starting", "2025-06-01", "2025-06-30"), [2700]),
            ("2025-07-01", Line("periodic", *whole_days("2025-07-01", "2025-07-31"), *whole_days("2025-06-01", "2025-06-30")), [3000]),
        ],
        amount=3000,
        in_advance=True,
    ),
    "E35": Story(
        start="2025-05-25T10:00:00Z",
        moves=["2025-07-01T00:00:00Z"],
        invoices=[
            ("2025-06-01", Line("periodic", *whole_days("2025-05-25", "2025-05-31"), "2025-05-25T10:00:00Z", "2025-05-31T23:59:59Z"), []),
            ("2025-07-01", both("periodic", "2025-06-01", "2025-06-30"), [2700]),
        ],
        amount=3000,
    ),
}
TRIALS = {"E34", "E35"}


@pytest.mark.parametrize("name", STORIES)
def test_periods_are_billed_as_the_calendar_says(server: Server, name: str) -> None:
    story = STORIES[name]
    api = server.organization(at=story.start)
    api.plan(
        amount_cents=story.amount,
        interval=story.interval,
        pay_in_advance=story.in_advance,
        bill_charges_monthly=story.monthly_charges,
        trial_period=10 if name in TRIALS else 0,
    )
    api.customer(timezone=story.zone, net_payment_term=14)
    api.subscribe(billing_time=story.billing_time)

    for instant in story.moves:
        api.move_to(instant)

    invoices = api.invoices()
    assert [(invoice["issuing_date"], line_of(invoice), base_cents(invoice)) for invoice in invoices] == story.invoices
    assert [invoice["total_amount_cents"] for invoice in invoices] == [sum(cents) for _, _, cents in story.invoices]
    assert numbers(invoices) == list(range(1, len(invoices) + 1))
    assert [invoice["number"].rpartition("-")[2] for invoice in invoices] == [f"{number:03}" for number in numbers(invoices)]
    for invoice in invoices:
        assert invoice["net_payment_term"] == 14
        assert days_between(invoice["issuing_date"], invoice["payment_due_date"]) == 14


def days_between(first: str, last: str) -> int:
    return (date.fromisoformat(last) - date.fromisoformat(first)).days


def yearly_story(server: Server, *, start: str, in_advance: bool, billing_time: str, zone: str = "UTC") -> Api:
    api = server.organization(at=start)
    metric = api.metric("calls", aggregation_type="count_agg", field_name=None, recurring=False)
    api.plan(
        amount_cents=120_000,
        interval="yearly",
        pay_in_advance=in_advance,
        bill_charges_monthly=True,
        charges=[api.seat_charge(metric, "1", prorated=False)],
    )
    api.customer(timezone=zone)
    api.subscribe(billing_time=billing_time)
    return api


def test_E32_a_yearly_plan_in_advance_bills_its_usage_every_month(server: Server) -> None:
    api = yearly_story(server, start="2025-02-10T00:00:00Z", in_advance=True, billing_time="calendar")
    api.event("february", code="calls", timestamp=unix("2025-02-20T12:00:00Z"))
    api.event("december", code="calls", timestamp=unix("2025-12-20T12:00:00Z"))

    api.move_to("2026-01-01T00:00:00Z")

    invoices = api.invoices()
    assert [invoice["issuing_date"][:7] for invoice in invoices] == ["2025-02", *(f"2025-{month:02}" for month in range(3, 13)), "2026-01"]
    # 10 Feb – 31 Dec: 365 − 40 = 325 of 365 days of 1 200.00 are 1 068.4931…
    assert [base_cents(invoice) for invoice in invoices] == [[106_849], *([[]] * 10), [120_000]]
    assert line_of(invoices[1]) == Line("periodic", *whole_days("2025-02-10", "2025-12-31"), *whole_days("2025-02-10", "2025-02-28"))
    assert line_of(invoices[-1]) == Line("periodic", *whole_days("2026-01-01", "2026-12-31"), *whole_days("2025-12-01", "2025-12-31"))
    assert [invoice["total_amount_cents"] for invoice in invoices] == [106_849, 100, *([0] * 9), 120_100]


def test_E33_a_yearly_plan_in_arrears_bills_its_usage_every_month(server: Server) -> None:
    api = yearly_story(server, start="2025-02-10T10:30:00Z", in_advance=False, billing_time="anniversary")
    api.event("may", code="calls", timestamp=unix("2025-05-10T00:00:00Z"))

    api.move_to("2026-03-10T00:00:00Z")

    invoices = api.invoices()
    june, opening, after = invoices[3], invoices[11], invoices[12]
    assert [invoice["issuing_date"] for invoice in (june, opening, after)] == ["2025-06-10", "2026-02-10", "2026-03-10"]
    assert [base_cents(invoice) for invoice in invoices] == [*([[]] * 11), [120_000], []]
    # Nothing of the plan has been billed yet: the window of its fee is the start itself.
    assert line_of(june) == Line("periodic", "2025-02-10T00:00:00Z", "2025-02-10T10:30:00Z", *whole_days("2025-05-10", "2025-06-09"))
    assert charge_of(june)["amount_cents"] == 100
    assert line_of(opening) == Line("periodic", *whole_days("2025-02-10", "2026-02-09"), *whole_days("2026-01-10", "2026-02-09"))
    assert line_of(after) == Line("periodic", *whole_days("2025-02-10", "2026-02-09"), *whole_days("2026-02-10", "2026-03-09"))


def test_a_yearly_plan_billed_monthly_and_ended_bills_its_open_month(server: Server) -> None:
    api = yearly_story(server, start="2025-02-10T10:30:00Z", in_advance=False, billing_time="calendar")
    api.event("april", code="calls", timestamp=unix("2025-04-30T12:00:00Z"))
    api.event("may", code="calls", timestamp=unix("2025-05-05T12:00:00Z"))
    api.move_to("2025-05-11T14:30:00Z")

    api.terminate()

    invoices = api.invoices()
    # 10 Feb – 11 May: 19 + 31 + 30 + 11 = 91 of 365 days of 1 200.00 are 299.1780…
    assert [base_cents(invoice) for invoice in invoices] == [[], [], [], [29_918]]
    assert [invoice["total_amount_cents"] for invoice in invoices] == [0, 0, 100, 30_018]
    assert line_of(invoices[-1]) == Line(
        "terminating", "2025-02-10T00:00:00Z", "2025-05-11T14:30:00Z", "2025-05-01T00:00:00Z", "2025-05-11T14:30:00Z"
    )


def test_the_end_of_a_trial_is_noted_with_its_instant(server: Server) -> None:
    api = server.organization(at="2025-05-25T10:00:00Z")
    api.plan(amount_cents=3000, pay_in_advance=True, trial_period=10)
    api.subscribe()
    assert api.invoices() == []

    api.move_to("2025-06-04T09:59:59Z")
    before = api.ok("GET", "/subscriptions/sub")["subscription"]
    api.move_to("2025-06-04T10:00:00Z")
    after = api.ok("GET", "/subscriptions/sub")["subscription"]

    assert (before["trial_ended_at"], after["trial_ended_at"]) == (None, "2025-06-04T10:00:00Z")
    assert api.invoices()[-1]["created_at"] == "2025-06-04T10:00:00Z"


@pytest.mark.parametrize("in_advance", [False, True])
def test_a_trial_that_ends_with_a_period_bills_the_next_one_once(server: Server, in_advance: bool) -> None:
    api = server.organization(at="2025-05-22T00:00:00Z")
    api.plan(amount_cents=3000, pay_in_advance=in_advance, trial_period=10)  # until 1 June, midnight
    api.subscribe()

    api.move_to("2025-08-01T00:00:00Z")

    billed = [(invoice["issuing_date"], base_cents(invoice)) for invoice in api.invoices()]
    if in_advance:
        assert billed == [("2025-06-01", [3000]), ("2025-07-01", [3000]), ("2025-08-01", [3000])]
    else:
        assert billed == [("2025-06-01", [0]), ("2025-07-01", [3000]), ("2025-08-01", [3000])]  # May was all trial


def test_a_trial_that_ends_on_a_billing_day_is_billed_by_that_days_invoice(server: Server) -> None:
    api = server.organization(at="2025-05-22T10:00:00Z")
    api.plan(amount_cents=3000, pay_in_advance=True, trial_period=10)  # until 1 June, 10:00
    api.subscribe()

    api.move_to("2025-06-02T00:00:00Z")

    [invoice] = api.invoices()
    assert (invoice["issuing_date"], base_cents(invoice), line_of(invoice).reason) == ("2025-06-01", [3000], "periodic")


def test_usage_is_billed_during_a_trial(server: Server) -> None:
    api = server.organization(at="2025-05-25T10:00:00Z")
    calls = api.metric("calls", aggregation_type="count_agg", field_name=None, recurring=False)
    api.plan(amount_cents=3000, trial_period=40, charges=[api.seat_charge(calls, "1", prorated=False)])
    api.subscribe()
    api.event("1", code="calls", timestamp=unix("2025-05-26T00:00:00Z"))

    api.move_to("2025-07-01T00:00:00Z")

    assert [(base_cents(invoice), invoice["total_amount_cents"]) for invoice in api.invoices()] == [([], 100), ([], 0)]


def ending_story(server: Server, *, in_advance: bool, zone: str = "UTC", start: str = "2025-05-03T09:00:00Z", **fields: Any) -> Api:
    """Start a plan of 30.00 a month with calls at 1.00, on 3 May unless said otherwise."""
    api = server.organization(at=start)
    calls = api.metric("calls", aggregation_type="count_agg", field_name=None, recurring=False)
    api.plan(amount_cents=3000, pay_in_advance=in_advance, charges=[api.seat_charge(calls, "1", prorated=False)])
    api.customer(timezone=zone)
    api.subscribe(**fields)
    return api


@pytest.mark.parametrize(
    ("in_advance", "zone", "end", "base", "window"),
    [
        # 1–11 June: 11 of 30 days
        pytest.param(False, "UTC", "2025-06-11T14:30:00Z", [1100], ("2025-06-01T00:00:00Z", "2025-06-11T14:30:00Z"), id="E43"),
        pytest.param(True, "UTC", "2025-06-11T14:30:00Z", [], ("2025-06-01T00:00:00Z", "2025-06-11T14:30:00Z"), id="E44"),
        pytest.param(True, "UTC", "2025-06-30T23:30:00Z", [], ("2025-06-01T00:00:00Z", "2025-06-30T23:30:00Z"), id="E49"),
        pytest.param(True, NEW_YORK, "2025-06-12T02:30:00Z", [], ("2025-06-01T04:00:00Z", "2025-06-12T02:30:00Z"), id="E50"),
        pytest.param(False, NEW_YORK, "2025-06-12T02:30:00Z", [1100], ("2025-06-01T04:00:00Z", "2025-06-12T02:30:00Z"), id="E50-arrears"),
    ],
)
def test_an_ended_subscription_bills_what_it_used(
    server: Server, *, in_advance: bool, zone: str, end: str, base: list[int], window: tuple[str, str]
) -> None:
    api = ending_story(server, in_advance=in_advance, zone=zone)
    api.event("1", code="calls", timestamp=unix("2025-06-05T12:00:00Z"))
    api.event("2", code="calls", timestamp=unix("2025-07-05T12:00:00Z"))  # after the end
    api.move_to(end)

    ended = api.terminate()
    api.move_to("2025-09-01T00:00:00Z")

    last = api.invoices()[-1]
    assert (ended["status"], ended["terminated_at"]) == ("terminated", end)
    assert line_of(last) == Line("terminating", *window, *window)
    assert base_cents(last) == base
    assert last["sub_total_including_taxes_amount_cents"] == sum(base) + 100
    # What a plan in advance took for later days comes back first: 19 days of 1.00, of which the last invoice uses 1.00.
    notes = api.ok("GET", "/credit_notes")["credit_notes"]
    is_early = in_advance and "-06-30T" not in end
    assert [(note["total_amount_cents"], note["balance_amount_cents"]) for note in notes] == ([(1900, 1800)] if is_early else [])
    assert last["total_amount_cents"] == (0 if is_early else sum(base) + 100)
    assert last["issuing_date"] == end[:10] if zone == "UTC" else "2025-06-11"
    assert api.call("GET", "/customers/acme/current_usage", query={"external_subscription_id": "sub"}).status == 405


@pytest.mark.parametrize("in_advance", [False, True])
def test_E47_a_subscription_ended_on_its_first_day_bills_one_day(server: Server, in_advance: bool) -> None:
    api = ending_story(server, in_advance=in_advance, start="2025-06-03T09:00:00Z", billing_time="anniversary")
    api.move_to("2025-06-03T14:30:00Z")

    api.terminate()

    last = api.invoices()[-1]
    assert base_cents(last) == ([] if in_advance else [100])
    assert line_of(last) == Line(
        "terminating", "2025-06-03T00:00:00Z", "2025-06-03T14:30:00Z", "2025-06-03T09:00:00Z", "2025-06-03T14:30:00Z"
    )
    assert len(api.invoices()) == (2 if in_advance else 1)


def test_E48_an_end_just_after_the_boundary_bills_the_closed_period_and_one_day(server: Server) -> None:
    api = ending_story(server, in_advance=False)
    api.move_to("2025-06-01T00:05:00Z")

    api.terminate()

    [may, june] = api.invoices()
    assert (line_of(may).reason, base_cents(may)) == ("periodic", [2806])  # 3–31 May: 29 of 31 days, 2 806.45
    assert (line_of(june).reason, base_cents(june)) == ("terminating", [100])  # 1 of 30


def test_E48_an_end_at_the_boundary_itself_bills_the_closed_period_alone(server: Server) -> None:
    api = ending_story(server, in_advance=False, ending_at="2025-06-01T00:00:00Z")
    api.event("1", code="calls", timestamp=unix("2025-05-31T23:59:59Z"))

    api.move_to("2025-07-01T00:00:00Z")

    [may] = api.invoices()
    window = ("2025-05-03T09:00:00Z", "2025-05-31T23:59:59Z")
    assert line_of(may) == Line("terminating", "2025-05-03T00:00:00Z", "2025-05-31T23:59:59Z", *window)
    assert (base_cents(may), may["total_amount_cents"]) == ([2806], 2906)


def test_an_end_at_the_boundary_after_its_periodic_invoice_bills_nothing_more(server: Server) -> None:
    api = ending_story(server, in_advance=False)
    api.move_to("2025-06-01T00:00:00Z")

    api.terminate()
    api.move_to("2025-07-01T00:00:00Z")

    assert [(line_of(invoice).reason, base_cents(invoice)) for invoice in api.invoices()] == [("periodic", [2806])]


def test_E51_an_ending_date_ends_at_its_instant_and_bills_that_day(server: Server) -> None:
    api = ending_story(server, in_advance=False, ending_at="2025-06-30T18:00:00Z")

    api.move_to("2025-06-30T17:59:59Z")
    running = api.ok("GET", "/subscriptions/sub")["subscription"]
    api.move_to("2025-08-01T00:00:00Z")

    ended = api.ok("GET", "/subscriptions/sub", query={"status": "terminated"})["subscription"]
    last = api.invoices()[-1]
    assert (running["status"], ended["terminated_at"]) == ("active", "2025-06-30T18:00:00Z")
    assert (base_cents(last), last["issuing_date"]) == ([3000], "2025-06-30")  # 30 of 30 days
    assert len(api.invoices()) == 2


def test_an_end_without_invoice_bills_nothing(server: Server) -> None:
    api = ending_story(server, in_advance=False)
    api.event("1", code="calls", timestamp=unix("2025-05-05T12:00:00Z"))
    api.move_to("2025-05-11T14:30:00Z")

    ended = api.terminate(on_termination_invoice="skip")
    api.move_to("2025-07-01T00:00:00Z")

    assert ended["on_termination_invoice"] == "skip"
    assert api.invoices() == []


def test_usage_of_an_external_id_is_billed_once_whoever_has_it_next(server: Server) -> None:
    api = ending_story(server, in_advance=False)
    api.customer("next")
    api.event("1", code="calls", timestamp=unix("2025-05-05T12:00:00Z"))
    api.move_to("2025-05-11T14:30:00Z")
    api.terminate(on_termination_invoice="skip")
    again = api.subscribe(subscription_at="2025-05-04T00:00:00Z")
    assert (again["started_at"], api.usage()["amount_cents"]) == ("2025-05-04T00:00:00.000Z", 100)  # not billed yet
    api.event("at the end", code="calls")  # dated by the clock
    api.terminate()

    taken = api.subscribe("next", subscription_at="2025-05-04T00:00:00Z")

    assert charge_of(api.invoices()[-1])["amount_cents"] == 200
    assert (taken["status"], taken["started_at"], api.usage("next")["amount_cents"]) == ("active", "2025-05-11T14:30:00.000Z", 0)


def test_an_event_at_the_instant_of_the_end_belongs_to_the_ended_subscription(server: Server) -> None:
    api = ending_story(server, in_advance=False)
    api.move_to("2025-05-11T14:30:00Z")
    api.event("at the end", code="calls")  # dated by the clock

    api.terminate()

    assert charge_of(api.invoices()[-1])["events_count"] == 1


@pytest.mark.parametrize("start", ["2025-05-11T14:30:00Z", "2025-05-11T00:00:00Z"])
def test_a_subscription_ended_the_instant_it_began_bills_its_day_and_its_events(server: Server, start: str) -> None:
    api = ending_story(server, in_advance=False, start=start)
    api.event("at once", code="calls")

    api.terminate()

    [invoice] = api.invoices()
    assert (base_cents(invoice), charge_of(invoice)["amount_cents"]) == ([97], 100)  # 1 of 31 days of 30.00: 96.77
    assert line_of(invoice)[1:] == ("2025-05-11T00:00:00Z", start, start, start)


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
@pytest.mark.parametrize("zone", [NEW_YORK, TOKYO])
def test_a_start_at_the_end_of_time_is_refused(server: Server, at: str, zone: str) -> None:
    api = ending_story(server, in_advance=False, zone=zone)
    body = {"external_customer_id": "acme", "plan_code": "team", "external_id": "far", "subscription_at": at}

    reply = api.call("POST", "/subscriptions", {"subscription": body})

    assert (reply.status, reply.body["error_details"]) == (422, {"subscription_at": ["invalid_date"]})


def test_an_event_at_the_end_of_one_row_and_the_start_of_the_next_is_billed_once(server: Server) -> None:
    api = ending_story(server, in_advance=False)
    api.move_to("2025-05-11T14:30:00Z")
    api.event("between", code="calls")
    api.terminate()

    api.subscribe()
    api.move_to("2025-06-01T00:00:00Z")

    counts = [fee["events_count"] for invoice in api.invoices() for fee in fees_of(invoice, "charge")]
    assert counts == [1]


def test_an_event_at_a_boundary_belongs_to_the_new_period(server: Server) -> None:
    api = ending_story(server, in_advance=False)
    api.move_to("2025-06-01T00:00:00Z")
    api.event("midnight", code="calls")

    api.move_to("2025-07-01T00:00:00Z")

    assert [[fee["events_count"] for fee in fees_of(invoice, "charge")] for invoice in api.invoices()] == [[], [1]]


@pytest.mark.parametrize("in_advance", [False, True])
def test_a_start_in_the_future_waits_for_its_instant(server: Server, in_advance: bool) -> None:
    api = ending_story(server, in_advance=in_advance, start="2025-05-03T09:00:00Z", subscription_at="2025-05-20T12:00:00Z")
    pending = api.ok("GET", "/subscriptions/sub", query={"status": "pending"})["subscription"]
    api.move_to("2025-05-20T11:59:59Z")
    assert api.invoices() == []

    api.move_to("2025-05-20T12:00:00Z")

    active = api.ok("GET", "/subscriptions/sub")["subscription"]
    assert (pending["status"], pending["started_at"]) == ("pending", None)
    assert (active["status"], active["started_at"], active["activated_at"]) == (
        "active",
        "2025-05-20T12:00:00.000Z",
        "2025-05-20T12:00:00Z",
    )
    # 20–31 May: 12 of 31 days, 1 161.29
    assert [(line_of(invoice).reason, base_cents(invoice)) for invoice in api.invoices()] == ([("starting", [1161])] if in_advance else [])
    api.move_to("2025-06-01T00:00:00Z")
    assert base_cents(api.invoices()[-1]) == ([3000] if in_advance else [1161])


def test_a_pending_start_that_is_taken_back_bills_nothing(server: Server) -> None:
    api = ending_story(server, in_advance=True, subscription_at="2025-05-20T12:00:00Z")

    canceled = api.terminate(status="pending")
    api.move_to("2025-07-01T00:00:00Z")

    assert (canceled["status"], canceled["canceled_at"]) == ("canceled", "2025-05-03T09:00:00Z")
    assert api.invoices() == []


@pytest.mark.parametrize(
    ("in_advance", "start", "bases"),
    [
        (False, "2025-04-05T09:00:00Z", [2600, 3000]),  # 5–30 April: 26 of 30 days
        (False, "2025-03-10T09:00:00Z", [3000, 3000]),  # began before April: April is whole, March is the past
        (True, "2025-04-05T09:00:00Z", [3000, 3000]),  # April counts as paid; May and June
        (True, "2025-03-10T09:00:00Z", [3000, 3000]),
    ],
)
def test_a_start_in_the_past_bills_nothing_for_the_past(server: Server, in_advance: bool, start: str, bases: list[int]) -> None:
    api = ending_story(server, in_advance=in_advance, start="2025-04-15T09:00:00Z", subscription_at=start)
    api.event("1", code="calls", timestamp=unix("2025-04-06T12:00:00Z"))
    active = api.ok("GET", "/subscriptions/sub")["subscription"]
    assert (active["status"], active["started_at"]) == ("active", start.replace("Z", ".000Z"))
    assert api.invoices() == []

    api.move_to("2025-06-01T00:00:00Z")

    invoices = api.invoices()
    april = ("2025-04-01T00:00:00Z" if start < "2025-04" else start, "2025-04-30T23:59:59Z")
    assert [invoice["issuing_date"] for invoice in invoices] == ["2025-05-01", "2025-06-01"]
    assert [base_cents(invoice) for invoice in invoices] == [[cents] for cents in bases]
    assert line_of(invoices[0])[3:] == april
    assert charge_of(invoices[0])["amount_cents"] == 100


@pytest.mark.parametrize("start", ["2025-05-03T00:00:00Z", "2025-05-03T08:00:00Z", "2025-05-03T21:00:00Z"])
def test_a_start_today_is_active_at_once_and_billed_in_advance(server: Server, start: str) -> None:
    api = ending_story(server, in_advance=True, start="2025-05-03T09:00:00Z", subscription_at=start)

    active = api.ok("GET", "/subscriptions/sub")["subscription"]

    [invoice] = api.invoices()
    assert (active["status"], active["started_at"]) == ("active", start.replace("Z", ".000Z"))
    assert (line_of(invoice)[:3], base_cents(invoice)) == (("starting", "2025-05-03T00:00:00Z", "2025-05-31T23:59:59Z"), [2806])
