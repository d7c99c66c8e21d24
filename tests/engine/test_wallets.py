"""
Prepaid credits as arithmetic. The names carry the numbers of the worked examples of wallets.

Amounts are in minor units, credits and rates in major units.
"""

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise, permutations
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daycount.engine.wallets.allocation import (
    BucketKey,
    Lot,
    Payable,
    WalletTerms,
    allot,
    pay,
    split_by_origin,
    use_lots,
)
from daycount.engine.wallets.credits import Valued, credits_of, incoming, voided
from daycount.engine.wallets.top_ups import (
    Method,
    RuleInterval,
    TopUp,
    TopUpTerms,
    interval_top_up,
    is_below_threshold,
    next_interval_day,
    target_top_up,
    threshold_top_up,
)
from daycount.money import CURRENCIES, to_cents

STORAGE, API = UUID(int=1001), UUID(int=1002)
SUBSCRIPTION = BucketKey("subscription", None, None)


def charge(metric: UUID, *, target: str | None = None) -> BucketKey:
    return BucketKey("charge", metric, target)


def a_wallet(number: int, *, balance: int, types: str = "", metrics: tuple[UUID, ...] = ()) -> WalletTerms:
    return WalletTerms(wallet_id=UUID(int=number), code=f"w{number}", balance_cents=balance, fee_types=types.split(), metric_ids=metrics)


def owed(key: BucketKey, amount: int | Fraction) -> Payable:
    return Payable(key=key, amount=Fraction(amount))


def paid(total: int, payables: list[Payable], wallets: list[WalletTerms]) -> dict[int, int]:
    return {payment.wallet_id.int: payment.amount_cents for payment in pay(total, payables=payables, wallets=wallets)}


@pytest.mark.parametrize(
    ("credits", "rate", "currency", "expected"),
    [
        # 33.333 * 0.5 = 16.6665 -> 16.67; 16.67 / 0.5 = 33.34
        pytest.param("33.333", "0.5", "USD", Valued(Decimal("33.34000"), 1667), id="wallets_1"),
        # 0.001 * 2.5 = 0.0025 -> 0.00
        pytest.param("0.001", "2.5", "EUR", Valued(Decimal("0.00000"), 0), id="wallets_2_too_small"),
        # 0.002 * 2.5 = 0.005 -> 0.01; 0.01 / 2.5 = 0.004
        pytest.param("0.002", "2.5", "EUR", Valued(Decimal("0.00400"), 1), id="wallets_2_accepted"),
        # 0.5 * 3 = 1.5 -> 2 yen; 2 / 3 = 0.66667
        pytest.param("0.5", "3", "JPY", Valued(Decimal("0.66667"), 2), id="wallets_3"),
        # floor 19.99999 -> 20.00 -> 20 credits
        pytest.param("19.999996", "1", "EUR", Valued(Decimal("20.00000"), 2000), id="wallets_4"),
        # 99 * 0.1 = 9.90, 100 * 0.1 = 10.00, 2001 * 0.1 = 200.10
        pytest.param("99", "0.1", "EUR", Valued(Decimal("99.00000"), 990), id="wallets_5_below"),
        pytest.param("100", "0.1", "EUR", Valued(Decimal("100.00000"), 1000), id="wallets_5_at"),
        pytest.param("2001", "0.1", "EUR", Valued(Decimal("2001.00000"), 20010), id="wallets_5_above"),
    ],
)
def test_incoming_credits_are_snapped_to_minor_units(credits: str, rate: str, currency: str, expected: Valued) -> None:
    assert incoming(Decimal(credits), rate=Decimal(rate), currency=CURRENCIES[currency]) == expected


def test_wallets_18_a_void_keeps_five_decimals() -> None:
    # 3.333399 -> 3.33339; * 1.5 = 5.000085 -> 5.00
    assert voided(Decimal("3.333399"), rate=Decimal("1.5"), currency=CURRENCIES["USD"]) == Valued(Decimal("3.33339"), 500)


def test_wallets_19_a_lot_in_credits() -> None:
    # 3.75 / 0.5 = 7.5
    assert credits_of(375, rate=Decimal("0.5"), currency=CURRENCIES["USD"]) == Decimal("7.5")


def test_wallets_6_a_simple_payment() -> None:
    # 27.00 + 20% = 32.40; 50.00 - 32.40 = 17.60; 32.40 / 0.9 = 36 credits
    assert paid(3240, [owed(charge(API), 2700 + 540)], [a_wallet(1, balance=5000)]) == {1: 3240}
    assert credits_of(3240, rate=Decimal("0.9"), currency=CURRENCIES["EUR"]) == 36


FEES = [owed(charge(STORAGE), 3000), owed(charge(API), 1200), owed(SUBSCRIPTION, 4900)]


def test_wallets_7_priority_and_limitation() -> None:
    # WA takes 20.00 of storage; WB 49.00 + 10.00 + 12.00 = 71.00
    wallets = [a_wallet(1, balance=2000, metrics=(STORAGE,)), a_wallet(2, balance=10_000)]
    assert paid(9100, FEES, wallets) == {1: 2000, 2: 7100}


def test_wallets_8_fee_types_or_metrics() -> None:
    # 49.00 of the subscription and 11.00 of storage
    assert paid(9100, FEES, [a_wallet(1, balance=6000, types="subscription", metrics=(STORAGE,))]) == {1: 6000}


def test_wallets_9_never_more_than_the_invoice() -> None:
    # Each 11 + 2.12 = 13.12, together 39.36. The invoice: 33 + round(20% of 33 = 6.6) = 40. The missing 0.64 goes to the first.
    fees = [owed(charge(UUID(int=number)), 11 + Fraction("2.12")) for number in (1, 2, 3)]
    assert paid(40, fees, [a_wallet(1, balance=500)]) == {1: 40}
    # An invoice smaller than its buckets is never paid twice over.
    assert paid(39, fees, [a_wallet(1, balance=500)]) == {1: 39}


def test_wallets_10_what_rounding_added_is_paid_too() -> None:
    # 101 + 7.575 = 108.575 and 53 + 3.975 = 56.975, together 165.55; the invoice is 154 + 12 = 166
    fees = [owed(charge(API), Fraction("108.575")), owed(charge(STORAGE), Fraction("56.975"))]
    assert paid(166, fees, [a_wallet(1, balance=1000)]) == {1: 166}


def test_a_fee_of_a_named_wallet_is_paid_by_that_wallet_only() -> None:
    named = [owed(charge(API, target="w2"), 700), owed(charge(API), 300)]
    assert paid(1000, named, [a_wallet(1, balance=5000), a_wallet(2, balance=600)]) == {1: 300, 2: 600}


def test_nothing_is_paid_of_nothing() -> None:
    assert paid(0, FEES, [a_wallet(1, balance=500)]) == {}
    assert paid(9100, FEES, []) == {}
    assert paid(9100, FEES, [a_wallet(1, balance=0)]) == {}


@given(
    amounts=st.lists(st.fractions(min_value=0, max_value=5000, max_denominator=1000), min_size=1, max_size=5),
    balances=st.lists(st.integers(0, 4000), min_size=1, max_size=4),
)
def test_wallets_pay_no_more_than_they_hold_and_no_more_than_is_owed(amounts: list[Fraction], balances: list[int]) -> None:
    fees = [owed(charge(UUID(int=place)), amount) for place, amount in enumerate(amounts)]
    total = to_cents(sum(amounts, Fraction(0)), currency=CURRENCIES["JPY"])
    wallets = [a_wallet(number, balance=balance) for number, balance in enumerate(balances, start=1)]
    payments = paid(total, fees, wallets)

    assert all(0 < amount <= balances[number - 1] for number, amount in payments.items())
    assert sum(payments.values()) == min(total, sum(balances))


def test_the_order_of_fees_does_not_change_what_is_paid() -> None:
    wallets = [a_wallet(1, balance=2000, metrics=(STORAGE,)), a_wallet(2, balance=3000), a_wallet(3, balance=2500, types="subscription")]
    seen = {tuple(sorted(paid(9100, list(fees), wallets).items())) for fees in permutations([*FEES, owed(charge(UUID(int=7)), 1200)])}
    assert len(seen) == 1


def test_wallets_11_lots() -> None:
    def lot(number: int, remaining: int, *, priority: int, is_granted: bool, day: int) -> Lot:
        return Lot(
            transaction_id=UUID(int=number),
            remaining=remaining,
            priority=priority,
            is_granted=is_granted,
            created_at=datetime(2026, 1, day, tzinfo=UTC),
        )

    a = lot(1, 1000, priority=50, is_granted=True, day=5)
    b = lot(2, 1500, priority=10, is_granted=False, day=1)
    c = lot(3, 800, priority=50, is_granted=False, day=2)
    d = lot(4, 400, priority=50, is_granted=True, day=9)

    uses = use_lots(2500, lots=[a, b, c, d])
    assert [(use.lot.transaction_id.int, use.amount) for use in uses] == [(2, 1500), (1, 1000)]
    assert split_by_origin(uses) == (1000, 1500)
    assert [(use.lot.transaction_id.int, use.amount) for use in use_lots(900, lots=[c, d])] == [(4, 400), (3, 500)]
    with pytest.raises(ValueError, match="less"):
        use_lots(1201, lots=[c, d])


def allotted(nets: dict[BucketKey, int], wallets: list[WalletTerms]) -> dict[int, Fraction]:
    return {key.int: part for key, part in allot({key: Fraction(net) for key, net in nets.items()}, wallets=wallets).items()}


def test_wallets_12_usage_less_what_was_billed() -> None:
    # M: 18.00 + 3.60 - (5.00 + 1.00) = 15.60. The draft carries no coupon: 10.00 + 2.00 tax = 12.00. P: 8.40 - 8.40 = 0.
    nets = {charge(STORAGE): 2160 - 600, SUBSCRIPTION: 1200, charge(API): 840 - 840}
    assert allotted(nets, [a_wallet(1, balance=6000)]) == {1: 2760}


def test_wallets_13_the_last_wallet_takes_the_rest() -> None:
    wallets = [a_wallet(1, balance=1000), a_wallet(2, balance=500)]
    assert allotted({charge(API): 2200}, wallets) == {1: 1000, 2: 1200}


def test_wallets_13_a_wallet_that_tops_itself_up_takes_everything() -> None:
    first = WalletTerms(wallet_id=UUID(int=1), code="w1", balance_cents=1000, tops_up_itself=True)
    assert allotted({charge(API): 2200}, [first, a_wallet(2, balance=500)]) == {1: 2200, 2: 0}


def test_wallets_14_what_was_billed_ahead_lowers_the_budget() -> None:
    assert allotted({charge(API): 3000, charge(STORAGE): -1200}, [a_wallet(1, balance=9000)]) == {1: 1800}


FIXED = TopUpTerms(method=Method.FIXED, paid_credits=Decimal(50), granted_credits=Decimal(5), threshold_credits=Decimal(20))


@pytest.mark.parametrize(
    ("ongoing", "pending", "most", "expected"),
    [
        # gap 20 - 12 - 5 - 0 = 3 < 50
        pytest.param(12, 0, None, 50, id="wallets_15_once"),
        # gap 20 + 95 - 5 = 110; floor(110 / 50) + 1 = 3
        pytest.param(-95, 0, None, 150, id="wallets_15_thrice"),
        pytest.param(-95, 0, 120, 120, id="wallets_15_capped"),
        # gap 20 + 95 - 5 - 60 = 50; floor(50 / 50) + 1 = 2
        pytest.param(-95, 60, None, 100, id="wallets_15_pending"),
    ],
)
def test_a_fixed_threshold_rule(ongoing: int, pending: int, most: int | None, expected: int) -> None:
    terms = TopUpTerms(
        method=FIXED.method,
        paid_credits=FIXED.paid_credits,
        granted_credits=FIXED.granted_credits,
        threshold_credits=FIXED.threshold_credits,
        most=None if most is None else Decimal(most),
    )
    assert is_below_threshold(terms, ongoing=Decimal(ongoing), pending=Decimal(pending))
    assert threshold_top_up(terms, ongoing=Decimal(ongoing), pending=Decimal(pending)) == TopUp(Decimal(expected), Decimal(5))


@pytest.mark.parametrize(("ongoing", "pending", "fires"), [("20", "0", True), ("20.01", "0", False), ("-35", "60", False)])
def test_wallets_15_when_a_threshold_is_reached(ongoing: str, pending: str, *, fires: bool) -> None:
    assert is_below_threshold(FIXED, ongoing=Decimal(ongoing), pending=Decimal(pending)) is fires


def test_wallets_16_a_target() -> None:
    terms = TopUpTerms(method=Method.TARGET, threshold_credits=Decimal(30), target_ongoing_balance=Decimal(100))
    at = Decimal("22.5")
    assert threshold_top_up(terms, ongoing=at, pending=Decimal(0)) == TopUp(Decimal("77.5"), Decimal(0))
    limited = TopUpTerms(method=Method.TARGET, target_ongoing_balance=Decimal(100), least=Decimal(80), most=Decimal(40))
    assert target_top_up(limited, ongoing=at) == TopUp(Decimal(80), Decimal(0))
    granting = TopUpTerms(method=Method.TARGET, target_ongoing_balance=Decimal(100), grants_target_top_up=True, least=Decimal(80))
    assert target_top_up(granting, ongoing=at) == TopUp(Decimal(0), Decimal("77.5"))
    assert interval_top_up(terms, ongoing=Decimal(104)).is_nothing


def test_wallets_17_month_ends() -> None:
    days = [date(2026, 1, 20)]
    for _ in range(4):
        days.append(next_interval_day(date(2026, 1, 31), interval=RuleInterval.MONTHLY, after=days[-1]))
    assert days[1:] == [date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30)]


@pytest.mark.parametrize(
    ("interval", "anchor", "after", "expected"),
    [
        (RuleInterval.WEEKLY, "2026-07-01", "2026-07-01", "2026-07-08"),
        (RuleInterval.WEEKLY, "2026-07-01", "2026-07-05", "2026-07-08"),
        (RuleInterval.QUARTERLY, "2025-11-30", "2026-01-01", "2026-02-28"),
        (RuleInterval.SEMIANNUAL, "2025-08-31", "2026-01-01", "2026-02-28"),
        (RuleInterval.YEARLY, "2024-02-29", "2026-01-01", "2026-02-28"),
        (RuleInterval.YEARLY, "2024-02-29", "2027-03-01", "2028-02-29"),
        (RuleInterval.MONTHLY, "2026-09-10", "2026-01-01", "2026-09-10"),
    ],
)
def test_the_next_day_of_a_rule(interval: RuleInterval, anchor: str, after: str, expected: str) -> None:
    found = next_interval_day(date.fromisoformat(anchor), interval=interval, after=date.fromisoformat(after))
    assert found == date.fromisoformat(expected)


@given(anchor=st.dates(date(2020, 1, 1), date(2030, 1, 1)), interval=st.sampled_from(RuleInterval))
def test_days_of_a_rule_ascend_and_leave_no_month_out(anchor: date, interval: RuleInterval) -> None:
    days = [anchor]
    for _ in range(12):
        days.append(next_interval_day(anchor, interval=interval, after=days[-1]))
    longest = {"weekly": 7, "monthly": 31, "quarterly": 92, "semiannual": 184, "yearly": 366}[interval]
    assert all(0 < (later - earlier).days <= longest for earlier, later in pairwise(days))
