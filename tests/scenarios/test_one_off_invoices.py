"""One-off invoices over HTTP. Names carry the numbers of the worked examples of invoicing."""

from typing import Any

import pytest

from tests.support.server import Api, Server

NOW = "2026-07-01T00:00:00Z"


@pytest.fixture
def api(server: Server) -> Api:
    made = server.organization(at=NOW)
    made.customer(currency="EUR")
    made.add_on("setup", amount_cents=5000)
    return made


def sell(api: Api, *fees: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return api.ok("POST", "/invoices", {"invoice": {"external_customer_id": "acme", "fees": list(fees)} | fields})["invoice"]


def test_invoicing_26_one_off_rounding(api: Api) -> None:
    # 1999 * 2.5 = 4997.5 -> 4998; 20 % of 4997.5 = 999.5, of 4998 = 999.6 -> 1000; 4998 + 1000 = 5998
    api.tax("vat", 20)
    invoice = sell(api, {"add_on_code": "setup", "unit_amount_cents": 1999, "units": "2.5", "tax_codes": ["vat", "unknown"]})
    assert (invoice["invoice_type"], invoice["status"], invoice["currency"]) == ("one_off", "finalized", "EUR")
    assert (invoice["fees_amount_cents"], invoice["taxes_amount_cents"], invoice["total_amount_cents"]) == (4998, 1000, 5998)
    [fee] = invoice["fees"]
    assert (fee["units"], fee["precise_amount"], fee["precise_unit_amount"]) == ("2.5", "49.975", "19.99")
    assert (fee["item"]["type"], fee["item"]["item_type"], fee["item"]["code"]) == ("add_on", "AddOn", "setup")
    assert (fee["from_date"], fee["to_date"], fee["lago_subscription_id"]) == (NOW, NOW, None)
    assert api.ok("GET", "/fees", query={"fee_type": "add_on"})["fees"][0]["external_customer_id"] == "acme"


def test_defaults_come_from_the_add_on_and_taxes_from_above(api: Api) -> None:
    api.tax("vat", 10, applied_to_organization=True)
    invoice = sell(
        api, {"add_on_code": "setup"}, {"add_on_code": "setup", "units": 2, "description": "Twice"}, purchase_order_number=" PO-7 "
    )
    assert invoice["purchase_order_number"] == "PO-7"
    assert [fee["amount_cents"] for fee in invoice["fees"]] == [5000, 10_000]
    assert [fee["item"]["description"] for fee in invoice["fees"]] == [None, "Twice"]
    assert (invoice["taxes_amount_cents"], invoice["total_amount_cents"]) == (1500, 16_500)
    assert invoice["number"].endswith("-001-001")


@pytest.mark.parametrize(
    ("body", "status", "answer"),
    [
        ({"external_customer_id": "nobody"}, 404, "customer_not_found"),
        ({"fees": []}, 404, "fees_not_found"),
        ({"fees": [{"add_on_code": "beer"}]}, 404, "add_on_not_found"),
        ({"payment_method": {"payment_method_type": "gold"}}, 422, {"payment_method": ["invalid_payment_method"]}),
        ({"billing_entity_code": "beer"}, 404, "billing_entity_not_found"),
        ({"fees": [{"add_on_code": "setup", "from_datetime": NOW}]}, 422, {"boundaries": ["values_are_invalid"]}),
        (
            {"fees": [{"add_on_code": "setup", "from_datetime": NOW, "to_datetime": "2026-06-01T00:00:00Z"}]},
            422,
            {"boundaries": ["values_are_invalid"]},
        ),
        ({"fees": [{"add_on_code": "setup", "unit_amount_cents": -1}]}, 422, {"total_amount_cents": ["value_is_out_of_range"]}),
        ({"currency": "beer"}, 422, {"currency": ["value_is_invalid"]}),
    ],
)
def test_what_is_refused_leaves_nothing(api: Api, body: dict[str, Any], status: int, answer: Any) -> None:
    wanted = {"external_customer_id": "acme", "fees": [{"add_on_code": "setup"}]} | body
    reply = api.call("POST", "/invoices", {"invoice": wanted})
    assert (reply.status, reply.body.get("error_details", reply.body["code"])) == (status, answer)
    assert api.invoices() == []


def test_a_customer_without_a_currency_gets_that_of_the_invoice(api: Api) -> None:
    api.customer("globex")
    reply = api.call("POST", "/invoices", {"invoice": {"external_customer_id": "globex", "fees": [{"add_on_code": "setup"}]}})
    assert reply.body["error_details"] == {"currency": ["value_is_mandatory"]}
    sell(api, {"add_on_code": "setup"}, external_customer_id="globex", currency="JPY")
    assert api.ok("GET", "/customers/globex")["customer"]["currency"] == "JPY"


def test_a_partner_bills_itself(sandbox: Api) -> None:
    sandbox.add_on()
    sandbox.customer("partner", account_type="partner", currency="USD")
    sandbox.customer(currency="USD")
    for buyer in ("partner", "acme"):
        sandbox.ok("POST", "/invoices", {"invoice": {"external_customer_id": buyer, "fees": [{"add_on_code": "setup"}]}})

    [own] = sandbox.invoices(self_billed="true")
    listed = {fee["external_customer_id"]: fee["self_billed"] for fee in sandbox.ok_get("/fees")["fees"]}

    assert (own["customer"]["external_id"], own["fees"][0]["self_billed"]) == ("partner", True)
    assert listed == {"partner": True, "acme": False}
