"""Billing entities and the organization's own settings."""

from typing import Any

import pytest

from tests.support.server import Api, Server


def test_the_default_entity_is_the_organization(sandbox: Api) -> None:
    changes = {
        "legal_name": "Acme Inc.",
        "country": "de",
        "net_payment_term": 14,
        "timezone": "Europe/Berlin",
        "document_numbering": "per_organization",
        "billing_configuration": {"invoice_footer": "Thanks", "invoice_grace_period": 3, "document_locale": "de"},
    }
    own = sandbox.ok("PUT", "/organizations", {"organization": changes})["organization"]
    assert (own["legal_name"], own["country"], own["document_numbering"]) == ("Acme Inc.", "DE", "per_organization")
    assert own["billing_configuration"] == changes["billing_configuration"]
    [entity] = sandbox.ok("GET", "/billing_entities")["billing_entities"]
    assert (entity["is_default"], entity["invoice_grace_period"], entity["document_numbering"]) == (True, 3, "per_billing_entity")
    assert sandbox.ok("GET", "/organizations")["organization"] == own
    assert sandbox.customer()["applicable_timezone"] == "Europe/Berlin"


def test_invoices_are_numbered_on_by_their_entity(sandbox: Api) -> None:
    sandbox.ok("POST", "/billing_entities", {"billing_entity": {"code": "paris", "name": "Paris", "document_number_prefix": "par"}})
    sandbox.tax("tva", 20)
    entity = sandbox.ok("PUT", "/billing_entities/paris", {"billing_entity": {"tax_codes": ["tva"]}})["billing_entity"]
    assert [tax["code"] for tax in entity["taxes"]] == ["tva"]
    sandbox.add_on()
    sandbox.customer("acme", billing_entity_code="paris", currency="EUR")
    sandbox.customer("blue", currency="EUR")

    def sell(customer: str) -> dict[str, Any]:
        body = {"external_customer_id": customer, "fees": [{"add_on_code": "setup"}]}
        return sandbox.ok("POST", "/invoices", {"invoice": body})["invoice"]

    first = sell("acme")
    assert (first["billing_entity_code"], first["number"], first["taxes_amount_cents"]) == ("paris", "PAR-001-001", 1000)
    assert sell("blue")["taxes_amount_cents"] == 0
    sandbox.ok("PUT", "/billing_entities/paris", {"billing_entity": {"document_numbering": "per_billing_entity"}})
    assert sell("acme")["number"].endswith("-002")
    listed = sandbox.ok("GET", "/invoices", query={"billing_entity_codes[]": "paris"})["invoices"]
    assert len(listed) == 2
    assert [row["external_id"] for row in sandbox.ok("GET", "/customers", query={"billing_entity_codes[]": "default"})["customers"]] == [
        "blue"
    ]
    assert sandbox.call("GET", "/invoices", query={"billing_entity_codes[]": "rome"}).body["code"] == "billing_entity_not_found"


def test_a_subscription_names_its_entity_by_code_or_by_id(sandbox: Api) -> None:
    paris = sandbox.ok("POST", "/billing_entities", {"billing_entity": {"code": "paris", "name": "Paris", "document_number_prefix": "par"}})
    sandbox.plan(amount_cents=3100)
    sandbox.plan("more", amount_cents=6200)
    sandbox.customer()
    ours = sandbox.subscribe(external_id="ours")
    theirs = sandbox.subscribe(external_id="theirs", billing_entity_code="paris")
    also = sandbox.subscribe(external_id="also", billing_entity_id=paris["billing_entity"]["lago_id"])
    assert [row["billing_entity_code"] for row in (ours, theirs, also)] == ["default", "paris", "paris"]

    # Each entity has an invoice of its own.
    sandbox.move_to("2026-08-01T00:00:00Z")
    assert sorted((invoice["billing_entity_code"], invoice["total_amount_cents"]) for invoice in sandbox.invoices()) == [
        ("default", 3100),
        ("paris", 6200),
    ]
    # A change of plan keeps it; an update may change it.
    assert sandbox.subscribe(plan="more", external_id="also")["billing_entity_code"] == "paris"
    own = sandbox.ok("GET", "/billing_entities/default")["billing_entity"]["lago_id"]
    changed = sandbox.ok("PUT", "/subscriptions/also", {"subscription": {"billing_entity_id": own}})["subscription"]
    assert changed["billing_entity_code"] == "default"
    body = {"external_customer_id": "acme", "plan_code": "team", "external_id": "none", "billing_entity_id": ours["lago_id"]}
    assert sandbox.call("POST", "/subscriptions", {"subscription": body}).body["code"] == "billing_entity_not_found"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"name": ""}, {"name": ["value_is_mandatory"]}),
        ({"code": None}, {"code": ["value_is_mandatory"]}),
        ({"code": "default"}, {"code": ["value_already_exist"]}),
        ({"document_number_prefix": "much too long"}, {"document_number_prefix": ["value_is_too_long"]}),
        ({"default_currency": "XXX"}, {"default_currency": ["value_is_invalid"]}),
        ({"timezone": "Mars"}, {"timezone": ["invalid_timezone"]}),
        ({"net_payment_term": -1}, {"net_payment_term": ["value_is_out_of_range"]}),
        ({"email": "billing at acme"}, {"email": ["invalid_email_format"]}),
        ({"email_settings": ["beer"]}, {"email_settings": ["unsupported_value"]}),
        ({"country": "France"}, {"country": ["not_a_valid_country_code"]}),
        ({"billing_configuration": {"document_locale": "xx"}}, {"document_locale": ["not_a_valid_language_code"]}),
        ({"eu_tax_management": True}, {"eu_tax_management": ["billing_entity_must_be_in_eu"]}),
    ],
)
def test_what_is_refused(sandbox: Api, fields: dict[str, Any], expected: dict[str, list[str]]) -> None:
    reply = sandbox.call("POST", "/billing_entities", {"billing_entity": {"code": "paris", "name": "Paris"} | fields})
    assert (reply.status, reply.body["error_details"]) == (422, expected)
    assert len(sandbox.ok("GET", "/billing_entities")["billing_entities"]) == 1


def test_who_issues_an_invoice_is_what_is_sold_by_and_numbers_are_its_own(server: Server) -> None:
    api = server.organization(at="2026-07-01T00:00:00Z", document_number_prefix="ACM")
    zed = {"code": "zed", "name": "Zed", "document_number_prefix": "ZED", "net_payment_term": 30}
    api.ok("POST", "/billing_entities", {"billing_entity": zed})
    api.tax()
    api.ok("PUT", "/billing_entities/default", {"billing_entity": {"tax_codes": ["vat"], "net_payment_term": 7}})
    api.add_on()
    api.plan(amount_cents=1000)
    api.plan("big", amount_cents=9000)
    api.customer(currency="USD")

    def sold(**fields: Any) -> dict[str, Any]:
        body = {"external_customer_id": "acme", "fees": [{"add_on_code": "setup"}]} | fields
        return api.ok("POST", "/invoices", {"invoice": body})["invoice"]

    # Numbers go by customer and billing entity; terms and taxes are those of the customer's own.
    shown = [sold(), sold(billing_entity_code="zed"), sold(), sold(billing_entity_code="zed")]
    assert [(item["billing_entity_code"], item["number"]) for item in shown] == [
        ("default", "ACM-001-001"),
        ("zed", "ZED-001-001"),
        ("default", "ACM-001-002"),
        ("zed", "ZED-001-002"),
    ]
    assert {(item["net_payment_term"], item["taxes_amount_cents"]) for item in shown} == {(7, 1000)}
    listed = api.ok("GET", "/invoices", query={"billing_entity_codes[]": "zed"})["invoices"]
    assert {(item["billing_entity_code"], item["number"][:3]) for item in listed} == {("zed", "ZED")}

    # Two subscriptions, of which one is billed by another entity, do not share an invoice.
    unknown = {"external_customer_id": "acme", "plan_code": "team", "external_id": "x", "billing_entity_code": "none"}
    assert api.call("POST", "/subscriptions", {"subscription": unknown}).body["code"] == "billing_entity_not_found"
    api.subscribe(external_id="one")
    assert api.subscribe(external_id="two", billing_entity_code="zed")["billing_entity_code"] == "zed"
    own = api.ok("GET", "/subscriptions", query={"billing_entity_codes[]": "zed"})["subscriptions"]
    assert [row["external_id"] for row in own] == ["two"]
    api.move_to("2026-08-01T00:00:00Z")
    july = [item for item in api.invoices() if item["invoice_type"] == "subscription"]
    assert {(item["billing_entity_code"], item["number"]) for item in july} == {("default", "ACM-001-003"), ("zed", "ZED-001-003")}

    # A credit note is its invoice's; a change of plan keeps who bills; null gives it back to the customer's.
    zeds = next(item for item in july if item["billing_entity_code"] == "zed")
    items = [{"fee_id": zeds["fees"][0]["lago_id"], "amount_cents": 1}]
    note = api.ok("POST", "/credit_notes", {"credit_note": {"invoice_id": zeds["lago_id"], "credit_amount_cents": 1, "items": items}})
    assert note["credit_note"]["billing_entity_code"] == "zed"
    assert len(api.ok("GET", "/credit_notes", query={"billing_entity_codes[]": "zed"})["credit_notes"]) == 1
    assert api.subscribe(external_id="two", plan="big")["billing_entity_code"] == "zed"
    changed = api.ok("PUT", "/subscriptions/two", {"subscription": {"billing_entity_code": None}})["subscription"]
    assert changed["billing_entity_code"] == "default"

    # Invoices stay with who issued them when the customer moves, and its numbers go on where it moved to.
    api.customer(billing_entity_code="zed")
    assert api.ok("GET", f"/invoices/{shown[0]['lago_id']}")["invoice"]["billing_entity_code"] == "default"
    assert sold()["number"] == "ZED-001-004"
    assert sold()["net_payment_term"] == 30


def test_a_draft_is_finalized_by_who_issues_it_and_credits_by_their_wallets_entity(server: Server) -> None:
    api = server.organization(at="2026-07-01T00:00:00Z", document_number_prefix="ACM")
    api.ok("POST", "/billing_entities", {"billing_entity": {"code": "zed", "name": "Zed", "document_number_prefix": "ZED"}})
    api.plan(amount_cents=1000)
    api.customer(currency="USD", billing_configuration={"invoice_grace_period": 2})
    api.subscribe(billing_entity_code="zed")
    api.wallet(paid_credits="10", billing_entity_code="zed")
    [bought] = api.invoices()
    assert (bought["invoice_type"], bought["billing_entity_code"], bought["number"]) == ("credit", "zed", "ZED-001-001")
    api.move_to("2026-08-01T00:00:00Z")
    assert [item["number"] for item in api.invoices() if item["status"] == "draft"] == ["ZED-DRAFT"]
    api.move_to("2026-08-03T00:00:00Z")
    assert sorted(item["number"] for item in api.invoices()) == ["ZED-001-001", "ZED-001-002"]


def test_what_partners_bill_is_numbered_by_customer_always(sandbox: Api) -> None:
    sandbox.tax("vat")
    changed = {"document_numbering": "per_billing_entity", "document_number_prefix": "ACM", "tax_codes": ["VAT"]}
    entity = sandbox.ok("PUT", "/billing_entities/default", {"billing_entity": changed})["billing_entity"]
    assert [tax["code"] for tax in entity["taxes"]] == ["vat"]  # codes are compared whatever their case
    sandbox.customer("partner", currency="USD", account_type="partner")
    sandbox.customer("plain", currency="USD")
    sandbox.plan(amount_cents=100, pay_in_advance=True)
    for name in ("partner", "plain"):
        sandbox.subscribe(name, external_id=name)
    [own], [other] = (sandbox.invoices(external_customer_id=name) for name in ("partner", "plain"))
    assert (own["number"], own["self_billed"], own["fees"][0]["self_billed"]) == ("ACM-001-001", True, True)
    assert (other["number"], other["self_billed"], other["fees"][0]["self_billed"]) == ("ACM-202607-001", False, False)
    assert [fee["self_billed"] for fee in sandbox.ok("GET", "/fees", query={"external_customer_id": "partner"})["fees"]] == [True]
