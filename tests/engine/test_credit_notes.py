"""What credit notes come to: worked figures, and laws that hold for every invoice."""

from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from daycount.engine.credit_notes import CreditableFee, CreditedItem, Split, Standing, find_faults, settle_rounding, worth_of
from daycount.engine.taxes import TaxRate

VAT = TaxRate(tax_id=None, code="vat", name="VAT", rate=Decimal(20), description=None)
LOW = TaxRate(tax_id=None, code="low", name="Low", rate=Decimal("5.5"), description=None)


def fee(amount: int, *, coupons: str = "0", taxes: tuple[TaxRate, ...] = (VAT,), credited: int = 0, number: int = 1) -> CreditableFee:
    return CreditableFee(
        fee_id=UUID(int=number), amount_cents=amount, precise_coupons_cents=Decimal(coupons), taxes=taxes, credited_cents=credited
    )


def item(of: CreditableFee, amount: int | Fraction) -> CreditedItem:
    return CreditedItem(of, Fraction(amount))


def standing(*fees: CreditableFee, total: int, paid: int = 0, **done: int) -> Standing:
    given_back = {"credited_cents": 0, "refunded_cents": 0, "offset_cents": 0} | done
    return Standing(fees=fees, total_cents=total, paid_cents=paid, is_paid=paid == total, **given_back)


def test_invoicing_17_three_notes_add_up_to_the_invoice() -> None:
    # 333 × 20 % = 66.6 → 67: 400, twice. The third gives 66.6 − (0.4 + 0.4) = 65.8 → 66: 399. 400 + 400 + 399 = 1199.
    first = worth_of([item(fee(999), 333)])
    assert (first.taxes_cents, first.total_cents) == (67, 400)
    overpaid = 2 * (first.taxes_cents - Fraction(first.precise_taxes_cents))
    third = worth_of([item(fee(999, credited=666), 333)], taxes_overpaid=overpaid)
    assert (third.precise_taxes_cents, third.taxes_cents, third.total_cents) == (Decimal("65.8"), 66, 399)


def test_invoicing_18_a_part_with_coupons_and_two_rates() -> None:
    # Coupons 800 × 4000/8000 + 50 × 500/500 = 450; base 3600 → 720; 4500 − 450 = 4050; 4770; rate 20 × 3600/4050.
    a, c = fee(8000, coupons="800"), fee(500, coupons="50", taxes=(), number=3)
    b = fee(2000, coupons="200", taxes=(LOW,), number=2)
    worth = worth_of([item(a, 4000), item(c, 500)])
    assert (worth.coupons_cents, worth.taxes_cents, worth.sub_total_cents, worth.total_cents) == (450, 720, 4050, 4770)
    assert str(worth.taxes_rate) == "17.77778"
    assert [(line.base_cents, line.amount_cents) for line in worth.taxes] == [(3600, 720)]

    # 4771 is within one cent and becomes 4770; 4772 is not.
    allowed = standing(a, b, c, total=10989)
    assert find_faults(Split(4771, 0, 0), worth, allowed) == {}
    assert settle_rounding(Split(4771, 0, 0), worth) == Split(4770, 0, 0)
    assert settle_rounding(Split(0, 4771, 0), worth) == Split(0, 4770, 0)
    assert settle_rounding(Split(0, 0, 4769), worth) == Split(0, 0, 4770)
    assert find_faults(Split(4772, 0, 0), worth, allowed) == {"base": ["does_not_match_item_amounts"]}


def test_invoicing_19_what_is_left_is_worked_out_for_each_fee() -> None:
    # The metric-limited coupon took all of the usage fee: with the subscription credited nothing of value is left.
    subscription, usage = fee(5000, coupons="500", credited=5000), fee(3000, coupons="3000", number=2)
    assert worth_of([item(fee(5000, coupons="500"), 5000)]).total_cents == 5400
    left = standing(subscription, usage, total=5400, credited_cents=5400)
    assert left.creditable_cents == 0
    faults = find_faults(Split(0, 0, 0), worth_of([item(usage, 3000)]), left)
    assert faults == {"base": ["total_amount_must_be_positive"]}


def test_invoicing_20_credit_refund_and_offset_together() -> None:
    # 12000 with tax, 4500 paid: refund ≤ 4500, offset ≤ 7500.
    own = fee(10000)
    worth, allowed = worth_of([item(own, 10000)]), standing(own, total=12000, paid=4500)
    assert find_faults(Split(0, 4500, 7500), worth, allowed) == {}
    assert find_faults(Split(12000, 0, 0), worth, allowed) == {}
    assert find_faults(Split(0, 4501, 7499), worth, allowed) == {"refund_amount_cents": ["higher_than_remaining_invoice_amount"]}
    assert find_faults(Split(0, 4499, 7501), worth, allowed) == {"offset_amount_cents": ["higher_than_remaining_invoice_amount"]}
    unpaid = standing(own, total=12000)
    assert find_faults(Split(11000, 1000, 0), worth, unpaid) == {"refund_amount_cents": ["cannot_refund_unpaid_invoice"]}
    used = standing(own, total=12000, paid=12000, credited_cents=12000)
    assert find_faults(Split(12000, 0, 0), worth, used) == {
        "credit_amount_cents": ["higher_than_remaining_invoice_amount"],
        "base": ["higher_than_remaining_invoice_amount"],
    }


def test_invoicing_22_days_not_used_with_a_coupon() -> None:
    # 19 × 9999/28 = 6785.03571 (cut). Coupons 1000 × 6785.03571/9999 = 678.57143; base 6106.46428; tax 1221.29286;
    # 7327.757… → 7328; 7328 − 1221 = 6107 ≠ 6106 → 7327.
    worth = worth_of([item(fee(9999, coupons="1000"), Fraction("6785.03571"))])
    assert (str(worth.precise_coupons_cents), str(worth.precise_taxes_cents)) == ("678.57143", "1221.29286")
    assert (worth.total_cents, worth.taxes_cents, worth.sub_total_cents) == (7328, 1221, 6106)
    assert settle_rounding(Split(worth.total_cents, 0, 0), worth) == Split(7327, 0, 0)


@settings(max_examples=60, deadline=None)
@given(
    amounts=st.lists(st.integers(1, 100_000), min_size=1, max_size=4),
    parts=st.lists(st.integers(0, 100), min_size=1, max_size=5),
    rate=st.sampled_from(["0", "5.5", "19", "20", "33.333"]),
    coupon=st.integers(0, 100),
)
def test_all_notes_of_an_invoice_give_back_what_it_took(amounts: list[int], parts: list[int], rate: str, coupon: int) -> None:
    """However an invoice is cut into notes, their taxes add up to its own when it is all given back."""
    tax = TaxRate(tax_id=None, code="t", name="T", rate=Decimal(rate), description=None)
    left, overpaid, taxes = list(amounts), Fraction(0), 0
    for number in range(len(parts) + 1):
        is_last = number == len(parts)
        items = []
        for place, amount in enumerate(amounts):
            taken = left[place] if is_last else left[place] * parts[number] // 100
            left[place] -= taken
            own = fee(amount, coupons=str(Decimal(amount) * coupon / 100), taxes=(tax,), number=place + 1)
            items.append(item(own, taken))
        worth = worth_of(items, taxes_overpaid=overpaid if is_last else 0)
        overpaid += worth.taxes_cents - Fraction(worth.precise_taxes_cents)
        taxes += worth.taxes_cents
    exact = sum(Fraction(amount) * (100 - coupon) / 100 for amount in amounts) * Fraction(rate) / 100
    assert abs(taxes - exact) <= Fraction(1, 2) + Fraction(1, 1000)
