"""
Unused time, E37 to E50: what a plan in advance gives back at an end or an upgrade, asked for by previews on the test clock.

The plan costs 30.00 a month, June has 30 days; nothing is taxed and no coupon is used.
"""

from typing import Any

import pytest

from tests.support.server import Api, Server

NOTHING: list[Any] = []


def a_plan_in_advance(server: Server, *, start: str, at: str, zone: str = "UTC", billing_time: str = "calendar", **plan: Any) -> Api:
    api = server.organization(at=start)
    api.plan("team", **{"amount_cents": 3000, "pay_in_advance": True} | plan)
    api.customer(timezone=zone)
    api.subscribe(billing_time=billing_time)
    api.move_to(at)
    return api


def given_back(api: Api, **wanted: Any) -> list[tuple[int, int, str]]:
    """Return (days, full days, exact cents) of what a change now would give back."""
    now = api.ok("GET", "/test_clock")["test_clock"]["frozen_time"]
    shown = api.ok("POST", "/subscriptions/sub/preview_change", {"at": now} | wanted)["subscription_change"]
    return [(item["days"], item["full_days"], item["precise_amount_cents"]) for item in shown["unused_time"]]


@pytest.mark.parametrize(
    ("start", "at", "more", "found"),
    [
        pytest.param("2025-05-03T00:00:00Z", "2025-06-11T14:30:00Z", {}, [(19, 30, "1900.0")], id="E44"),
        pytest.param("2025-06-11T09:00:00Z", "2025-06-11T14:30:00Z", {"billing_time": "anniversary"}, [(29, 30, "2900.0")], id="E47"),
        pytest.param("2025-05-03T00:00:00Z", "2025-06-30T23:30:00Z", {}, NOTHING, id="E49"),
        pytest.param("2025-05-03T04:00:00Z", "2025-06-12T02:30:00Z", {"zone": "America/New_York"}, [(19, 30, "1900.0")], id="E50"),
        # At midnight nothing of the new day was used.
        pytest.param("2025-05-03T00:00:00Z", "2025-06-12T00:00:00Z", {}, [(19, 30, "1900.0")], id="midnight"),
        # At the boundary July is billed already, and none of it was used.
        pytest.param("2025-05-03T00:00:00Z", "2025-07-01T00:00:00Z", {}, [(31, 31, "3000.0")], id="boundary"),
        # The trial ends on 4 June and leaves 27 days paid; the day of its end is given back too.
        pytest.param("2025-05-25T10:00:00Z", "2025-06-04T15:00:00Z", {"trial_period": 10}, [(27, 30, "2700.0")], id="trial"),
        # Still in its trial nothing was paid.
        pytest.param("2025-05-25T10:00:00Z", "2025-06-02T15:00:00Z", {"trial_period": 10}, NOTHING, id="in trial"),
        # A third is cut, not rounded, at five decimals: 19 × 9 999 / 28 = 6 785.0357142…
        pytest.param("2025-02-01T00:00:00Z", "2025-02-09T12:00:00Z", {"amount_cents": 9999}, [(19, 28, "6785.03571")], id="thirds"),
        pytest.param("2025-05-03T00:00:00Z", "2025-06-11T14:30:00Z", {"pay_in_advance": False}, NOTHING, id="arrears"),
        # A start in the past counts as paid, but no fee was billed that could be given back.
        pytest.param("2025-06-11T00:00:00Z", "2025-06-11T14:30:00Z", {"amount_cents": 0}, NOTHING, id="free"),
    ],
)
def test_an_end_gives_back_the_days_after_its_own(
    server: Server, start: str, at: str, more: dict[str, Any], found: list[tuple[int, int, str]]
) -> None:
    api = a_plan_in_advance(server, start=start, at=at, **more)

    assert given_back(api) == found


def test_E37_and_E42_an_upgrade_gives_back_its_own_day_too(server: Server) -> None:
    api = a_plan_in_advance(server, start="2025-05-01T00:00:00Z", at="2025-06-11T14:30:00Z", amount_cents=1200)
    api.plan("second", amount_cents=2400, pay_in_advance=True)
    api.plan("third", amount_cents=3600, pay_in_advance=True)

    assert given_back(api, plan_code="second") == [(20, 30, "800.0")]  # 20 × 0.40
    api.subscribe(plan="second")
    assert given_back(api, plan_code="third") == [(20, 30, "1600.0")]  # 20 × 0.80, which is all that was billed
    api.move_to("2025-06-21T10:00:00Z")
    assert given_back(api, plan_code="third") == [(10, 30, "800.0")]  # E42b: 10 × 0.80


def test_E38_an_upgrade_to_a_year_gives_back_the_month(server: Server) -> None:
    api = a_plan_in_advance(server, start="2025-05-03T00:00:00Z", at="2025-06-11T14:30:00Z", billing_time="anniversary")
    api.plan("year", amount_cents=73_000, interval="yearly", pay_in_advance=True)

    assert given_back(api, plan_code="year") == [(22, 30, "2200.0")]  # 11 June – 2 July; the period of 3 June has 30 days


def test_E48_an_end_before_the_period_is_billed_gives_nothing_back(server: Server) -> None:
    # Ending at the very instant of the boundary, the fee for June is never billed.
    api = server.organization(at="2025-05-03T00:00:00Z")
    api.plan("team", amount_cents=3000, pay_in_advance=True)
    api.customer()
    api.subscribe(ending_at="2025-06-01T00:00:00Z")
    api.move_to("2025-06-01T00:00:00Z")

    [start, end] = api.invoices()
    assert [fee["amount_cents"] for fee in start["fees"]] == [2806]  # 3–31 May: 29 of 31 days
    assert (end["fees"], end["total_amount_cents"]) == ([], 0)


def test_a_customer_who_moves_gets_back_the_days_that_were_paid(server: Server) -> None:
    # Paid for 1–30 June by days of Kiritimati; ended on 10 June of Pago Pago, where the period would be 30 May – 29 June.
    api = a_plan_in_advance(
        server, start="2025-04-30T12:00:00Z", at="2025-06-10T12:00:00Z", zone="Pacific/Kiritimati", billing_time="anniversary"
    )
    api.customer(timezone="Pacific/Pago_Pago")

    assert given_back(api) == [(20, 30, "2000.0")]
