"""Custom sections: texts that invoices carry, chosen by billing entities, customers, subscriptions, wallets and one-off invoices."""

from typing import Any

from tests.support.server import Api

PATH = "/invoice_custom_sections"


def choice(*codes: str, **fields: Any) -> dict[str, Any]:
    return {"invoice_custom_section": {"invoice_custom_section_codes": list(codes)} | fields}


def shown(invoice: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(item["code"], item["display_name"], item["details"]) for item in invoice["applied_invoice_custom_sections"]]


def codes(invoice: dict[str, Any]) -> list[str]:
    return [code for code, _, _ in shown(invoice)]


def sell(api: Api, **fields: Any) -> dict[str, Any]:
    body = {"external_customer_id": "acme", "currency": "USD", "fees": [{"add_on_code": "setup"}]} | fields
    return api.ok("POST", "/invoices", {"invoice": body})["invoice"]


def entity(api: Api, *chosen: str) -> dict[str, Any]:
    body = {"billing_entity": {"invoice_custom_section_codes": list(chosen)}}
    return api.ok("PUT", "/billing_entities/default", body)["billing_entity"]


def test_sections_are_kept_changed_and_deleted(sandbox: Api) -> None:
    made = sandbox.section("terms", display_name="Terms", description="for all")
    sandbox.section("bank")

    assert sandbox.call("POST", PATH, {"invoice_custom_section": {"code": "bank", "name": "x"}}).body["error_details"] == {
        "code": ["value_already_exist"]
    }
    assert sandbox.call("POST", PATH, {"invoice_custom_section": {"code": " ", "name": None}}).body["error_details"] == {
        "code": ["value_is_mandatory"],
        "name": ["value_is_mandatory"],
    }
    changed = sandbox.ok("PUT", f"{PATH}/terms", {"invoice_custom_section": {"details": "New."}})["invoice_custom_section"]
    assert changed == made | {"details": "New."}
    assert [item["code"] for item in sandbox.ok("GET", PATH)["invoice_custom_sections"]] == ["bank", "terms"]
    assert sandbox.ok("DELETE", f"{PATH}/terms")["invoice_custom_section"] == changed
    assert sandbox.call("GET", f"{PATH}/terms").body["code"] == "invoice_custom_section_not_found"
    assert sandbox.ok("GET", PATH)["meta"]["total_count"] == 1


def test_a_one_off_invoice_carries_its_own_choice_the_customers_or_the_entitys(sandbox: Api) -> None:
    api = sandbox
    for code in ("terms", "bank", "thanks"):
        api.section(code)
    api.add_on()
    api.customer()

    assert codes(sell(api)) == []
    assert [item["code"] for item in entity(api, "terms")["selected_invoice_custom_sections"]] == ["terms"]
    assert codes(sell(api)) == ["terms"]
    customer = api.customer(invoice_custom_section_codes=["bank", "nowhere", "terms"])
    assert [item["code"] for item in customer["applicable_invoice_custom_sections"]] == ["bank", "terms"]
    assert codes(sell(api)) == ["bank", "terms"]
    assert codes(sell(api, **choice("thanks"))) == ["thanks"]
    assert codes(sell(api, **choice(skip_invoice_custom_sections=True))) == []

    both = {"skip_invoice_custom_sections": True, "invoice_custom_section_codes": ["bank"]}
    refused = {"invoice_custom_sections": ["skip_sections_and_selected_ids_sent_together"]}
    assert api.call("POST", "/customers", {"customer": {"external_id": "acme"} | both}).body["error_details"] == refused
    reply = api.call(
        "POST",
        "/invoices",
        {"invoice": {"external_customer_id": "acme", "fees": [{"add_on_code": "setup"}], "invoice_custom_section": both}},
    )
    assert reply.body["error_details"] == refused

    skipping = api.customer(skip_invoice_custom_sections=True)
    assert (skipping["skip_invoice_custom_sections"], skipping["applicable_invoice_custom_sections"]) == (True, [])
    assert codes(sell(api)) == []
    assert codes(sell(api, **choice("thanks"))) == ["thanks"]
    # Who names sections wants them again; unskipping alone leaves the selection that skipping cleared: the entity's.
    assert api.customer(skip_invoice_custom_sections=False)["applicable_invoice_custom_sections"][0]["code"] == "terms"
    assert api.customer(skip_invoice_custom_sections=True)["applicable_invoice_custom_sections"] == []
    again = api.customer(invoice_custom_section_codes=["bank"])
    assert (again["skip_invoice_custom_sections"], [item["code"] for item in again["applicable_invoice_custom_sections"]]) == (
        False,
        ["bank"],
    )


def test_an_invoice_keeps_the_text_it_was_made_with(sandbox: Api) -> None:
    api = sandbox
    api.section("terms", display_name="Terms of sale", details="30 days.")
    entity(api, "terms")
    api.add_on()
    api.customer()
    invoice = sell(api)

    api.ok("PUT", f"{PATH}/terms", {"invoice_custom_section": {"details": "14 days.", "display_name": None}})
    api.ok("DELETE", f"{PATH}/terms")

    kept = api.ok("GET", f"/invoices/{invoice['lago_id']}")["invoice"]
    assert shown(kept) == [("terms", "Terms of sale", "30 days.")]
    assert kept["applied_invoice_custom_sections"] == invoice["applied_invoice_custom_sections"]
    assert codes(sell(api)) == []


def test_subscriptions_on_one_invoice_bring_their_sections_together(sandbox: Api) -> None:
    api = sandbox
    for code in ("terms", "bank", "thanks"):
        api.section(code)
    api.plan(amount_cents=1000)
    api.plan("big", amount_cents=9000)
    api.customer(invoice_custom_section_codes=["terms"])
    one = api.subscribe(external_id="one", **choice("bank"))
    [chosen] = one["applied_invoice_custom_sections"]
    assert (chosen["invoice_custom_section"]["code"], chosen["invoice_custom_section_id"]) == (
        "bank",
        chosen["invoice_custom_section"]["lago_id"],
    )
    api.subscribe(external_id="two")
    api.subscribe(external_id="three", **choice(skip_invoice_custom_sections=True))

    api.move_to("2026-08-01T00:00:00Z")
    [july] = api.invoices()
    assert sorted(codes(july)) == ["bank", "terms"]

    api.ok("PUT", "/subscriptions/one", {"subscription": choice(skip_invoice_custom_sections=True)})
    api.ok("PUT", "/subscriptions/two", {"subscription": choice(skip_invoice_custom_sections=True)})
    api.move_to("2026-09-01T00:00:00Z")
    assert codes(api.invoices()[-1]) == []

    # A change of plan keeps what was chosen.
    api.ok("PUT", "/subscriptions/one", {"subscription": choice("thanks")})
    api.subscribe(external_id="one", plan="big")
    [kept] = api.ok("GET", "/subscriptions/one")["subscription"]["applied_invoice_custom_sections"]
    assert kept["invoice_custom_section"]["code"] == "thanks"


def test_a_draft_takes_the_sections_of_the_day_it_is_finalized(sandbox: Api) -> None:
    api = sandbox
    api.section("terms")
    api.section("bank")
    api.plan(amount_cents=1000)
    api.customer(invoice_custom_section_codes=["terms"], billing_configuration={"invoice_grace_period": 3})
    api.subscribe()
    api.move_to("2026-08-01T00:00:00Z")
    [draft] = api.invoices()
    assert codes(draft) == ["terms"]

    api.customer(invoice_custom_section_codes=["bank"])
    assert codes(api.ok("GET", f"/invoices/{draft['lago_id']}")["invoice"]) == ["terms"]
    assert codes(api.ok("PUT", f"/invoices/{draft['lago_id']}/refresh")["invoice"]) == ["bank"]
    api.customer(invoice_custom_section_codes=[])
    assert codes(api.ok("PUT", f"/invoices/{draft['lago_id']}/finalize")["invoice"]) == []


def test_a_purchase_of_credits_carries_its_own_choice_or_its_wallets(sandbox: Api) -> None:
    api = sandbox
    api.section("terms")
    api.section("bank")
    api.customer()
    wallet = api.wallet(paid_credits="10", **choice("bank"))
    assert wallet["applied_invoice_custom_sections"][0]["invoice_custom_section"]["code"] == "bank"
    assert codes(api.invoices()[-1]) == ["bank"]

    body = {"wallet_id": wallet["lago_id"], "paid_credits": "5"} | choice("terms")
    [bought] = api.ok("POST", "/wallet_transactions", {"wallet_transaction": body})["wallet_transactions"]
    seen = api.ok("GET", f"/wallet_transactions/{bought['lago_id']}")["wallet_transaction"]
    assert seen["applied_invoice_custom_sections"][0]["invoice_custom_section"]["code"] == "terms"
    assert codes(api.ok("GET", f"/invoices/{seen['lago_invoice_id']}")["invoice"]) == ["terms"]
