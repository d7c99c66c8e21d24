"""Worked examples of invoicing that span several steps of money. Names carry their numbers."""

from typing import Any

import pytest

from tests.support.server import Api, Server


@pytest.fixture
def api(server: Server) -> Api:
    made = server.organization(at="2026-07-01T00:00:00Z")
    made.customer(currency="USD")
    return made


def usage(api: Api, price: str = "1", **fields: Any) -> dict[str, Any]:
    metric = api.metric("calls", aggregation_type="sum_agg", field_name="n", recurring=False)
    return api.seat_charge(metric, price, prorated=False) | fields


def test_invoicing_12_what_a_wallet_pays_in_credits(api: Api) -> None:
    # An invoice of 49.99 takes 49.99 of money, which are 99.98 credits at 0.50.
    api.plan(amount_cents=4999)
    api.subscribe()
    wallet = api.wallet(rate_amount="0.5", granted_credits="1000")
    api.move_to("2026-08-01T00:00:00Z")
    listed = api.ok("GET", f"/wallets/{wallet['lago_id']}/wallet_transactions", query={"transaction_status": "invoiced"})
    [paid] = listed["wallet_transactions"]
    assert (paid["amount"], paid["credit_amount"]) == ("49.99", "99.98")


def test_invoicing_13_a_draft_shows_no_discounts(api: Api) -> None:
    api.customer(billing_configuration={"invoice_grace_period": 3})
    api.tax(applied_to_organization=True)
    api.coupon()
    api.apply_coupon()
    api.wallet(granted_credits="20")
    api.plan(amount_cents=10_000)
    api.subscribe()
    names = (
        "coupons_amount_cents",
        "sub_total_excluding_taxes_amount_cents",
        "taxes_amount_cents",
        "sub_total_including_taxes_amount_cents",
        "prepaid_credit_amount_cents",
        "total_amount_cents",
    )
    api.move_to("2026-08-01T00:00:00Z")
    [draft] = api.invoices()
    assert [draft[name] for name in names] == [0, 10_000, 2000, 12_000, 0, 12_000]
    api.move_to("2026-08-04T00:00:00Z")
    [final] = api.invoices()
    # 10 % of 100.00; 20 % of 90.00; 108.00 - 20.00
    assert [final[name] for name in names] == [1000, 9000, 1800, 10_800, 2000, 8800]
    [credit] = final["credits"]
    assert (credit["item"]["type"], credit["item"]["code"], credit["before_taxes"]) == ("coupon", "welcome", True)


def test_invoicing_16_commitment_and_minimum_of_a_first_month(server: Server) -> None:
    # From 15 July: 17 of 31 days. 300.00 * 17/31 = 164.516... -> 164.52; the commitment 500.00 * 17/31 = 274.19...
    api = server.organization(at="2026-07-15T00:00:00Z")
    api.customer(currency="USD")
    charge = usage(api)
    api.plan(amount_cents=30_000, charges=[charge], minimum_commitment={"amount_cents": 50_000})
    api.subscribe()
    api.event("one", code="calls", n="50")
    api.move_to("2026-08-01T00:00:00Z")
    [invoice] = api.invoices()
    amounts = {fee["item"]["type"]: fee["amount_cents"] for fee in invoice["fees"]}
    # 274.19 - (164.52 + 50.00) = 59.67
    assert amounts == {"subscription": 16_452, "charge": 5000, "commitment": 5967}


def test_invoicing_16_the_minimum_of_a_charge(server: Server) -> None:
    # 100.00 * 17/31 = 54.8387...; 54.8387 - 12.34 = 42.4987... -> 42.50
    api = server.organization(at="2026-07-15T00:00:00Z")
    api.customer(currency="USD")
    api.plan(charges=[usage(api, min_amount_cents=10_000)])
    api.subscribe()
    api.event("one", code="calls", n="12.34")
    api.move_to("2026-08-01T00:00:00Z")
    [invoice] = api.invoices()
    own = {bool(fee["lago_true_up_parent_fee_id"]): fee for fee in invoice["fees"] if fee["item"]["type"] == "charge"}
    assert (own[False]["amount_cents"], own[True]["amount_cents"]) == (1234, 4250)
    assert own[True]["precise_amount"].startswith("42.4987096774")


@pytest.mark.parametrize(
    ("currency", "cents", "price", "expected"),
    [
        # 10 % of 1234 yen is 123.4
        pytest.param("JPY", 1234, "0", (1234, 123, "1234.0"), id="JPY"),
        # 1.2345 dinars are 1234.5 fils
        pytest.param("BHD", 0, "1.2345", (1235, 124, "1.2345"), id="BHD"),
    ],
)
def test_invoicing_27_currencies_without_cents_and_with_thousandths(
    server: Server, currency: str, cents: int, price: str, expected: tuple[int, int, str]
) -> None:
    api = server.organization(at="2026-07-01T00:00:00Z")
    api.customer(currency=currency)
    api.tax("vat", 10, applied_to_organization=True)
    charges = [usage(api, price)] if price != "0" else []
    api.plan(amount_cents=cents, amount_currency=currency, charges=charges)
    api.subscribe()
    if charges:
        api.event("one", code="calls", n="1")
    api.move_to("2026-08-01T00:00:00Z")
    [invoice] = api.invoices()
    fee = max(invoice["fees"], key=lambda item: int(item["amount_cents"]))
    # 10 % of 1235 fils is 123.5 -> 124
    assert (fee["amount_cents"], invoice["taxes_amount_cents"], fee["precise_amount"]) == expected
