"""Taxes through the API: which level counts, what is charged, and that what was charged stays."""

from typing import Any

from tests.support.server import Api, Server


def billed(api: Api, **customer: Any) -> dict[str, Any]:
    """Bill July to a customer: a base fee of 50.00 and one seat at 9.99, by plan and charge as they stand."""
    api.customer(**customer)
    api.subscribe()
    api.event("first", user_id="ada")
    api.move_to("2026-08-01T00:00:00Z")
    return api.invoices()[0]


def a_team_plan(api: Api, *, plan_taxes: list[str] | None = None, charge_taxes: list[str] | None = None) -> dict[str, Any]:
    charge = api.seat_charge(api.metric(), "9.99", prorated=False)
    own: dict[str, Any] = {} if plan_taxes is None else {"tax_codes": plan_taxes}
    return api.plan(charges=[charge | ({} if charge_taxes is None else {"tax_codes": charge_taxes})], amount_cents=5000, **own)


def test_the_charge_s_tax_goes_before_the_plan_s_and_that_before_the_customer_s(server: Server) -> None:
    api = server.organization()
    for code, rate in (("charge", "5.5"), ("plan", 10), ("customer", 20), ("entity", "1")):
        api.tax(code, rate, applied_to_organization=code == "entity")
    plan = a_team_plan(api, plan_taxes=["plan"], charge_taxes=["charge"])
    assert [tax["code"] for tax in plan["taxes"]] == ["plan"]
    assert [tax["code"] for tax in plan["charges"][0]["taxes"]] == ["charge"]

    invoice = billed(api, tax_codes=["customer"])

    base, seat = invoice["fees"]
    assert (base["taxes_amount_cents"], base["taxes_rate"], base["total_amount_cents"]) == (500, 10.0, 5500)
    # 999 x 5.5 % = 54.945
    assert (seat["taxes_amount_cents"], seat["taxes_precise_amount"], seat["precise_total_amount"]) == (55, "0.54945", "10.53945")
    assert invoice["sub_total_excluding_taxes_amount_cents"] == 5999
    assert (invoice["taxes_amount_cents"], invoice["total_amount_cents"]) == (555, 6554)  # 500 + 54.945 = 554.945
    assert [(tax["tax_code"], tax["tax_rate"], tax["fees_amount_cents"], tax["amount_cents"]) for tax in invoice["applied_taxes"]] == [
        ("plan", 10.0, 5000, 500),
        ("charge", 5.5, 999, 55),
    ]

    api.ok("PUT", "/taxes/plan", {"tax": {"name": "Other", "rate": 99}})
    assert api.ok("DELETE", "/taxes/charge")["tax"]["code"] == "charge"
    assert api.invoices()[0] == invoice
    changed = api.ok("GET", "/plans/team")["plan"]
    assert ([tax["rate"] for tax in changed["taxes"]], changed["charges"][0]["taxes"]) == ([99.0], [])


def test_without_its_own_taxes_a_customer_pays_those_of_the_billing_entity(server: Server) -> None:
    api = server.organization()
    tax = api.tax("entity", "20", applied_to_organization=True)
    assert (tax["applied_to_organization"], tax["applied_to_billing_entities_codes"]) == (True, ["default"])
    a_team_plan(api)

    invoice = billed(api)

    assert invoice["taxes_amount_cents"] == 1200  # 5999 x 20 % = 1199.8
    assert invoice["total_amount_cents"] == 7199
    assert invoice["customer"].get("taxes") is None
    removed = api.ok("PUT", "/taxes/entity", {"tax": {"applied_to_organization": False}})["tax"]
    assert removed["applied_to_organization"] is False


def test_unknown_codes_are_refused_and_nothing_is_stored(server: Server) -> None:
    api = server.organization()
    api.tax()
    refusal = {"status": 404, "error": "Not Found", "code": "tax_not_found"}
    charge = api.seat_charge(api.metric())

    for path, body in (
        ("/customers", {"customer": {"external_id": "acme", "tax_codes": ["vat", "gone"]}}),
        (
            "/plans",
            {
                "plan": {
                    "name": "P",
                    "code": "p",
                    "interval": "monthly",
                    "amount_cents": 1,
                    "amount_currency": "EUR",
                    "pay_in_advance": False,
                    "charges": [charge | {"tax_codes": ["gone"]}],
                }
            },
        ),
    ):
        assert api.call("POST", path, body).body == refusal

    assert api.ok("GET", "/customers")["customers"] == api.ok("GET", "/plans")["plans"] == []
    customer = api.customer(tax_codes=["vat"])
    assert [tax["code"] for tax in customer["taxes"]] == ["vat"]
    assert [tax["code"] for tax in api.customer(name="Other")["taxes"]] == ["vat"]
    assert api.customer(tax_codes=[])["taxes"] == []
    codes = api.call("POST", "/taxes", {"tax": {"name": "", "code": "vat"}}).body["error_details"]
    assert codes == {"name": ["value_is_mandatory"], "rate": ["value_is_mandatory"]}
    assert api.call("POST", "/taxes", {"tax": {"name": "N", "code": "vat", "rate": 1}}).body["error_details"] == {
        "code": ["value_already_exist"]
    }
