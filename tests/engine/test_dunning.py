"""When overdue balances are asked for, by hand."""

from datetime import UTC, datetime, timedelta

import pytest

from daycount.engine.dunning import Pursuit, Rules, Standing, pursue

RULES = Rules({"USD": 10_000, "EUR": 5_000}, 3, timedelta(days=5))
DAY_0 = datetime(2026, 9, 2, tzinfo=UTC)
DAY_5 = DAY_0 + timedelta(days=5)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("balances", "standings", "now", "expected"),
    [
        pytest.param({"USD": 14_000}, {}, DAY_0, Pursuit(["USD"], {"USD": 1}, DAY_5 + SECOND, False), id="the first at once"),
        pytest.param({"USD": 10_000}, {}, DAY_0, Pursuit(["USD"], {"USD": 1}, DAY_5 + SECOND, False), id="the threshold itself counts"),
        pytest.param({"USD": 9_999}, {}, DAY_0, Pursuit([], {}, None, False), id="a cent less does not"),
        pytest.param({"GBP": 99_999}, {}, DAY_0, Pursuit([], {}, None, False), id="no threshold, no attempt"),
        pytest.param({}, {}, DAY_0, Pursuit([], {}, None, False), id="nothing is overdue"),
        pytest.param(
            {"USD": 14_000}, {"USD": Standing(1, DAY_0)}, DAY_5, Pursuit([], {"USD": 1}, DAY_5 + SECOND, False), id="five days are not over"
        ),
        pytest.param(
            {"USD": 14_000},
            {"USD": Standing(1, DAY_0)},
            DAY_5 + SECOND,
            Pursuit(["USD"], {"USD": 2}, DAY_5 + SECOND + timedelta(days=5) + SECOND, False),
            id="now they are",
        ),
        pytest.param({"USD": 14_000}, {"USD": Standing(2, DAY_0)}, DAY_5 + SECOND, Pursuit(["USD"], {"USD": 3}, None, True), id="the last"),
        pytest.param({"USD": 14_000}, {"USD": Standing(3, DAY_0)}, DAY_5 + SECOND, Pursuit([], {"USD": 3}, None, False), id="no fourth"),
        pytest.param(
            {"EUR": 5_000, "USD": 14_000},
            {"USD": Standing(2, DAY_0)},
            DAY_5 + SECOND,
            Pursuit(["EUR", "USD"], {"EUR": 1, "USD": 3}, DAY_5 + SECOND + timedelta(days=5) + SECOND, False),
            id="not finished while another currency has attempts left",
        ),
        pytest.param(
            {"EUR": 5_000, "USD": 14_000},
            {"USD": Standing(1, DAY_5), "EUR": Standing(2, DAY_0)},
            DAY_5 + SECOND,
            Pursuit(["EUR"], {"EUR": 3, "USD": 1}, DAY_5 + timedelta(days=5) + SECOND, False),
            id="each currency has its own days",
        ),
        pytest.param(
            {"USD": 14_000}, {"USD": Standing(0, DAY_0)}, DAY_5, Pursuit([], {}, DAY_5 + SECOND, False), id="counted anew, yet not at once"
        ),
    ],
)
def test_what_is_asked_for_and_when_again(balances, standings, now, expected) -> None:
    assert pursue(RULES, balances=balances, standings=standings, now=now) == expected


def test_one_attempt_is_the_first_and_the_last() -> None:
    once = Rules({"USD": 0}, 1, timedelta(days=1))

    assert pursue(once, balances={"USD": 1}, standings={}, now=DAY_0) == Pursuit(["USD"], {"USD": 1}, None, True)
    assert pursue(once, balances={"USD": 0}, standings={}, now=DAY_0) == Pursuit([], {}, None, False)
