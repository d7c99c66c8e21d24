"""Usage thresholds and what is taken off for usage billed before, by hand."""

from decimal import Decimal
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daycount.engine.credit_notes import CreditableFee, worth_of
from daycount.engine.progressive import Billed, items_worth, settle
from daycount.engine.thresholds import Threshold, complete, find_reached

D = Decimal


def thresholds(*amounts: int, each: int | None = None) -> list[Threshold]:
    one_time = [Threshold(UUID(int=amount), amount, recurring=False) for amount in amounts]
    return one_time if each is None else [*one_time, Threshold(UUID(int=each), each, recurring=True)]


@pytest.mark.parametrize(
    ("amounts", "each", "before", "total", "levels"),
    [
        ((2000, 6000), 3000, 0, 1999, []),
        ((2000, 6000), 3000, 0, 2000, [2000]),
        ((2000, 6000), 3000, 0, 2500, [2000]),
        ((2000, 6000), 3000, 2500, 6400, [6000]),
        ((2000, 6000), 3000, 6400, 8999, []),
        ((2000, 6000), 3000, 6400, 9000, [9000]),
        ((2000, 6000), 3000, 0, 15_000, [2000, 6000, 15_000]),  # 9 000 and 12 000 are passed with 15 000
        ((2000,), 3000, 2500, 4999, []),
        ((2000,), 3000, 2500, 5000, [5000]),
        ((), 1000, 0, 999, []),
        ((), 1000, 0, 2500, [2000]),
        ((2000,), None, 2000, 9000, []),  # reached before
        ((2000,), None, 3000, 1000, []),  # usage shrank
    ],
)
def test_e22_what_is_reached(amounts: tuple[int, ...], each: int | None, before: int, total: int, levels: list[int]) -> None:
    found = find_reached(thresholds(*amounts, each=each), before_cents=before, total_cents=total)

    assert [item.level_cents for item in found] == levels


@pytest.mark.parametrize(
    ("amounts", "each", "total", "shown"),
    [
        ((2000, 6000), None, 3000, [(2000, 1), (6000, Fraction(1, 4))]),
        ((2000, 6000, 8000), 1000, 500, [(2000, Fraction(1, 4)), (6000, 0), (8000, 0), (9000, 0)]),
        ((2000,), 3000, 2000, [(2000, 1), (5000, 0)]),
        ((2000,), 3000, 9500, [(2000, 1), (5000, 1), (8000, 1), (11_000, Fraction(1, 2))]),
        ((), 1000, 1750, [(1000, 1), (2000, Fraction(3, 4))]),
        ((), None, 1750, []),
    ],
)
def test_how_near_each_level_is(amounts: tuple[int, ...], each: int | None, total: int, shown: list[tuple[int, object]]) -> None:
    assert [(item.level_cents, item.ratio) for item in complete(thresholds(*amounts, each=each), total_cents=total)] == shown


def test_of_a_million_passed_levels_a_hundred_are_shown() -> None:
    shown = complete(thresholds(each=1), total_cents=1_000_000)

    assert [shown[0].level_cents, shown[-1].level_cents, len(shown)] == [999_901, 1_000_001, 101]


@given(
    amounts=st.sets(st.integers(1, 500), max_size=4),
    each=st.none() | st.integers(1, 200),
    steps=st.lists(st.integers(0, 400), min_size=1, max_size=6),
)
def test_a_threshold_is_reached_once_however_usage_grows(amounts: set[int], each: int | None, steps: list[int]) -> None:
    known = thresholds(*amounts, each=each)
    seen: list[int] = []
    before = 0
    for step in steps:
        seen += [item.level_cents for item in find_reached(known, before_cents=before, total_cents=before + step)]
        before += step
    one_time = [level for level in seen if level in amounts]
    assert sorted(set(one_time)) == sorted(amount for amount in amounts if amount <= before)
    assert len(seen) == len(set(seen)) or (each is not None and len(seen) - len(set(seen)) <= len(amounts))
    assert len([item for item in complete(known, total_cents=before) if item.ratio == 1 and not item.threshold.recurring]) == len(
        [amount for amount in amounts if amount <= before]
    )


@pytest.mark.parametrize(
    ("fees", "to_credit", "credit", "shares", "excess"),
    [
        ([(13_000, 10_000)], 10_000, 10_000, ["10000"], 0),  # invoicing_14
        ([(9000, 10_000)], 10_000, 9000, ["9000"], 1000),  # invoicing_14, events corrected
        ([(15_000, 10_000)], 8000, 8000, ["8000"], 0),  # invoicing_15: a coupon took 2 000
        ([(3000, 2000), (5000, 4000)], 6000, 6000, ["2000", "4000"], 0),
        ([(1000, 2000), (5000, 2000)], 4000, 4000, ["1000", "3000"], 0),  # 1 000 of the first moved to the second
        ([(100, 100), (100, 100), (100, 100)], 100, 100, ["33.33334", "33.33333", "33.33333"], 0),
        ([], 500, 0, [], 500),
        ([(500, 500)], -3, 0, ["0"], 0),
    ],
)
def test_what_is_taken_off(fees: list[tuple[int, int]], to_credit: int, credit: int, shares: list[str], excess: int) -> None:
    settled = settle([Billed(*fee) for fee in fees], to_credit_cents=to_credit)

    assert (settled.credit_cents, [D(share) for share in settled.shares], settled.excess_cents) == (credit, [D(x) for x in shares], excess)


def a_fee(amount: int, *, off: str = "0", credited: int = 0) -> CreditableFee:
    return CreditableFee(fee_id=UUID(int=amount), amount_cents=amount, precise_coupons_cents=D(off), taxes=(), credited_cents=credited)


@pytest.mark.parametrize(
    ("fees", "net", "taken", "worth"),
    [
        ([a_fee(10_000)], 1000, [1000], 1000),
        ([a_fee(10_000, off="6000")], 1000, [2500], 1000),  # invoicing_14 with two invoices: 1 000, not 400
        ([a_fee(2000), a_fee(3000)], 4000, [3000, 1000], 4000),
        ([a_fee(10_000, off="6000", credited=5000)], 9000, [5000], 2000),
        ([a_fee(100, off="100")], 50, [], 0),
    ],
)
def test_an_excess_comes_back_in_full(fees: list[CreditableFee], net: int, taken: list[int], worth: int) -> None:
    items = items_worth(fees, net_cents=net)

    assert [item.amount for item in items] == taken
    assert worth_of(items).sub_total_cents == worth
