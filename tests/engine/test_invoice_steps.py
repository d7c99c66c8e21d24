"""The steps of money by hand: taxes, coupons, credit notes and prepaid credits, and what adds up whatever the figures."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daycount.engine.credits import CreditNoteBalance
from daycount.engine.discounts import CouponTerms, CouponType, Frequency
from daycount.engine.invoice import Assembled, ProgressiveCredit, Steps, assemble
from daycount.engine.items import Item
from daycount.engine.taxes import TaxRate, applicable_taxes
from daycount.engine.wallets.allocation import WalletTerms
from daycount.money import exact_sum

D = Decimal
_API_METRIC = UUID(int=77)


def a_tax(rate: str, code: str = "vat") -> TaxRate:
    return TaxRate(tax_id=UUID(int=int(D(rate) * 1000)), code=code, name=code.upper(), rate=D(rate), description=None)


VAT_20, VAT_21, VAT_0 = a_tax("20"), a_tax("21"), a_tax("0")


def a_fee(cents: int, *taxes: TaxRate, metric: UUID | None = None, plan: UUID | None = None) -> Item:
    kind = "subscription" if metric is None else "charge"
    return Item(fee_type=kind, amount_cents=cents, precise_amount_cents=D(cents), taxes=taxes, metric_id=metric, plan_id=plan)


def a_coupon(age: int, **fields: Any) -> CouponTerms:
    """Describe a coupon; `age` orders them, 1 is the oldest. With a rate it is a percentage, else a fixed amount."""
    given_fields: dict[str, Any] = {
        "applied_coupon_id": UUID(int=age),
        "coupon_type": CouponType.PERCENTAGE if "rate" in fields else CouponType.FIXED_AMOUNT,
        "frequency": Frequency.ONCE,
        "currency": "EUR",
        "remaining_cents": 0,
        "rate": D(0),
        "invoices_remaining": None,
        "metric_ids": (),
        "plan_ids": (),
        "applied_at": datetime(2026, 1, age, tzinfo=UTC),
    }
    return CouponTerms(**given_fields | fields)


def bill(*items: Item, **steps: Any) -> Assembled:
    return assemble(items, currency="EUR", steps=Steps(**steps))


def fee_taxes(assembled: Assembled) -> list[int]:
    return [item.taxation.amount_cents for item in assembled.items if item.taxation is not None]


def coupon_shares(assembled: Assembled) -> list[str]:
    return [str(item.precise_coupons_cents) for item in assembled.items]


def test_invoicing_1_the_tax_of_an_invoice_is_not_the_sum_of_its_fees_taxes() -> None:
    made = bill(a_fee(112, VAT_20), a_fee(112, VAT_20), a_fee(112, VAT_20))

    assert fee_taxes(made) == [22, 22, 22]  # 22.4 each
    assert (made.totals.taxes, made.totals.total) == (67, 403)  # 336 x 0.2 = 67.2
    assert [(line.base_cents, line.amount_cents) for line in made.taxation.lines] == [(336, 67)]


def test_invoicing_2_two_taxes_one_of_them_on_a_part() -> None:
    x, y = a_tax("5.5", "x"), a_tax("1.25", "y")

    made = bill(a_fee(1005, x, y), a_fee(2010, x))

    assert fee_taxes(made) == [68, 111]  # 55.275 + 12.5625 = 67.8375; 110.55
    first = made.items[0].taxation
    assert first is not None
    assert ([line.amount_cents for line in first.lines], first.rate, first.precise_cents) == ([55, 13], D("6.75"), D("67.8375"))
    assert [(line.tax.code, line.base_cents, line.amount_cents) for line in made.taxation.lines] == [("x", 3015, 166), ("y", 1005, 13)]
    assert (made.totals.taxes, made.taxation.rate, made.totals.total) == (178, D("5.91667"), 3193)  # 165.825 + 12.5625 = 178.3875


def test_invoicing_3_a_fixed_coupon_is_split_without_correction() -> None:
    made = bill(*[a_fee(1000, VAT_20)] * 3, coupons=[a_coupon(1, remaining_cents=1000)])

    assert coupon_shares(made) == ["333.33333"] * 3
    assert fee_taxes(made) == [133, 133, 133]  # 666.66667 x 0.2 = 133.333334
    assert (made.totals.coupons, made.totals.sub_total_excluding_taxes, made.totals.taxes, made.totals.total) == (1000, 2000, 400, 2400)
    assert [use.left for use in made.coupon_uses] == [None]


def test_invoicing_4_the_base_of_a_tax_is_rounded_not_cut() -> None:
    made = bill(*[a_fee(1000, VAT_20)] * 6, coupons=[a_coupon(1, remaining_cents=1000)])

    assert coupon_shares(made) == ["166.66667"] * 6
    assert made.totals.sub_total_excluding_taxes == 5000
    assert [(line.base_cents, line.amount_cents) for line in made.taxation.lines] == [(5000, 1000)]  # of 4999.99998 and 999.999996


def test_invoicing_5_percentages_chain() -> None:
    made = bill(a_fee(4999, VAT_21), a_fee(1234, VAT_21), coupons=[a_coupon(2, rate=D(15)), a_coupon(1, rate=D(10))])

    assert [use.credit_cents for use in made.coupon_uses] == [623, 842]  # 623.3; 15 % of 5610 = 841.5
    assert coupon_shares(made) == ["1174.96149", "290.03851"]
    assert fee_taxes(made) == [803, 198]
    assert (made.totals.coupons, made.totals.sub_total_excluding_taxes, made.totals.taxes, made.totals.total) == (1465, 4768, 1001, 5769)


def test_invoicing_6_a_coupon_for_a_metric_goes_first() -> None:
    older = a_coupon(1, rate=D(10), frequency=Frequency.FOREVER)
    limited = a_coupon(2, remaining_cents=4000, metric_ids=[_API_METRIC])

    made = bill(a_fee(5000, VAT_20), a_fee(3000, VAT_20, metric=_API_METRIC), coupons=[older, limited])

    assert [(use.applied_coupon_id.int, use.credit_cents) for use in made.coupon_uses] == [(2, 3000), (1, 500)]
    left = made.coupon_uses[0].left
    assert left is not None
    assert left.remaining_cents == 1000
    assert coupon_shares(made) == ["500.00000", "3000.00000"]
    assert (made.totals.sub_total_excluding_taxes, made.totals.taxes, made.totals.total) == (4500, 900, 5400)


def test_invoicing_7_more_than_all_is_all() -> None:
    made = bill(a_fee(777, VAT_20), a_fee(223, VAT_0), coupons=[a_coupon(1, rate=D(120))])

    assert (made.totals.coupons, made.totals.sub_total_excluding_taxes, made.totals.taxes, made.totals.total) == (1000, 0, 0, 0)
    assert made.taxation.rate == 10  # by numbers of fees: 20 x 1/2 + 0 x 1/2


def test_invoicing_8_mixed_rates() -> None:
    made = bill(a_fee(8000, VAT_20), a_fee(2000, a_tax("5.5", "reduced")), a_fee(500), coupons=[a_coupon(1, remaining_cents=1050)])

    assert coupon_shares(made) == ["800.00000", "200.00000", "50.00000"]
    # 7200 x 20 % + 1800 x 5.5 % = 1440 + 99; 20 x 7200/9450 + 5.5 x 1800/9450 = 16.28571
    assert (made.totals.taxes, made.taxation.rate, made.totals.total) == (1539, D("16.28571"), 10989)


@pytest.mark.parametrize(
    ("coupon", "credits", "rests"),
    [
        (a_coupon(1, remaining_cents=5000), [3000, 1500, 500], [2000, 500, None]),
        (a_coupon(1, remaining_cents=5000, frequency=Frequency.RECURRING, invoices_remaining=2), [3000, 1500, 0], [1, None, None]),
    ],
    ids=["once", "recurring"],
)
def test_invoicing_9_once_carries_over_recurring_does_not(coupon: CouponTerms, credits: list[int], rests: list[int | None]) -> None:
    current: CouponTerms | None = coupon
    for fees, credit, rest in zip([3000, 1500, 4000], credits, rests, strict=True):
        made = bill(a_fee(fees), coupons=[] if current is None else [current])
        assert made.totals.coupons == credit
        current = made.coupon_uses[0].left if made.coupon_uses else None
        is_once = coupon.frequency is Frequency.ONCE
        assert (None if current is None else current.remaining_cents if is_once else current.invoices_remaining) == rest


def test_invoicing_10_credit_notes_then_two_wallets() -> None:
    notes = [CreditNoteBalance(UUID(int=1), 1000), CreditNoteBalance(UUID(int=2), 900)]
    wallets = [
        WalletTerms(wallet_id=UUID(int=11), code="p1", balance_cents=2000, metric_ids=[_API_METRIC]),
        WalletTerms(wallet_id=UUID(int=12), code="p2", balance_cents=3000),
    ]

    made = bill(a_fee(4000, VAT_20), a_fee(1999, VAT_20, metric=_API_METRIC), credit_notes=notes, wallets=wallets)

    assert (made.totals.sub_total_including_taxes, made.totals.credit_notes) == (7199, 1900)
    # 1000 x 4800/7199 = 666.75927, then 900 x (4800 - 666.75927)/6199
    assert [str(item.precise_credit_notes_cents) for item in made.items] == ["1266.84262", "633.15738"]
    assert [use.amount_cents for use in made.wallet_uses] == [1766, 3000]  # 1765.64262; 3533.35738 capped by the balance
    assert (made.totals.prepaid_credit, made.totals.total) == (4766, 533)


def test_invoicing_11_wallets_pay_in_the_order_given_if_they_are_for_the_fee() -> None:
    w3 = WalletTerms(wallet_id=UUID(int=3), code="w3", balance_cents=500, fee_types=["charge"])
    w2 = WalletTerms(wallet_id=UUID(int=2), code="w2", balance_cents=3200)
    w1 = WalletTerms(wallet_id=UUID(int=1), code="w1", balance_cents=9000)

    made = bill(a_fee(5000), wallets=[w3, w2, w1])

    assert [(use.source_id.int, use.amount_cents) for use in made.wallet_uses] == [(2, 3200), (1, 1800)]
    assert made.totals.total == 0


def test_a_target_wallet_is_the_only_one_that_pays_its_fee() -> None:
    targeted = Item(fee_type="charge", amount_cents=700, precise_amount_cents=D(700), target_wallet_code="gold")
    wallets = [
        WalletTerms(wallet_id=UUID(int=1), code="free", balance_cents=900),
        WalletTerms(wallet_id=UUID(int=2), code="gold", balance_cents=400, fee_types=["subscription"]),
    ]

    made = bill(targeted, a_fee(500), wallets=wallets)

    assert [(use.source_id.int, use.amount_cents) for use in made.wallet_uses] == [(1, 500), (2, 400)]


def test_invoicing_15_a_progressive_credit_lowers_the_tax_base_by_what_was_credited() -> None:
    # 15000 of usage; 8000 of it were billed before, net of a coupon: 7000 less 20 % = 5600, tax 1120
    credit = ProgressiveCredit(8000, [D(8000)])

    made = bill(a_fee(15000, VAT_20, metric=_API_METRIC), progressive=[credit], coupons=[a_coupon(1, rate=D(20))])

    assert (made.totals.progressive_billing_credit, made.totals.coupons, made.totals.taxes) == (8000, 1400, 1120)
    assert made.totals.total == 6720


def test_a_coupon_of_another_currency_or_for_another_plan_gives_nothing() -> None:
    dollars = a_coupon(1, remaining_cents=100, currency="USD")
    elsewhere = a_coupon(2, remaining_cents=100, plan_ids=[UUID(int=5)])
    here = a_coupon(3, rate=D(50), plan_ids=[UUID(int=6)])

    made = bill(a_fee(1000, plan=UUID(int=6)), a_fee(1000), coupons=[dollars, elsewhere, here])

    assert [(use.applied_coupon_id.int, use.credit_cents) for use in made.coupon_uses] == [(3, 500)]


def test_the_first_level_with_taxes_wins_and_nought_percent_is_one() -> None:
    assert applicable_taxes([], [VAT_0], [VAT_20]) == [VAT_0]
    assert applicable_taxes([], [], [VAT_20, VAT_21]) == [VAT_20, VAT_21]
    assert applicable_taxes([], []) == ()


fees = st.lists(st.integers(0, 10**7), min_size=1, max_size=6)
rates = st.decimals(0, 40, places=2)


@given(fees, rates, st.decimals(0, 130, places=2), st.tuples(*[st.integers(0, 10**7)] * 3))
def test_whatever_the_figures_it_adds_up(amounts: list[int], rate: D, part: D, credits: tuple[int, int, int]) -> None:
    fixed, note, balance = credits
    tax = a_tax(str(rate))
    made = bill(
        *(a_fee(amount, tax) for amount in amounts),
        coupons=[a_coupon(1, remaining_cents=fixed), a_coupon(2, rate=part)],
        credit_notes=[CreditNoteBalance(UUID(int=1), note)],
        wallets=[WalletTerms(wallet_id=UUID(int=2), code=None, balance_cents=balance)],
    )
    totals = made.totals

    assert totals.fees == sum(amounts)
    assert totals.coupons <= totals.fees
    assert totals.sub_total_including_taxes == totals.fees - totals.coupons + totals.taxes
    assert totals.total == totals.sub_total_including_taxes - totals.credit_notes - totals.prepaid_credit >= 0
    assert totals.credit_notes <= note
    assert totals.prepaid_credit <= balance
    # The taxes of the fees miss those of the invoice by half a cent a fee, and by the fifth decimals of the shares.
    assert abs(sum(fee_taxes(made)) - totals.taxes) <= (len(amounts) + 2) / 2
    assert abs(exact_sum(item.precise_coupons_cents for item in made.items) - totals.coupons) <= D("0.0001") * len(amounts)
