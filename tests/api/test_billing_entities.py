"""Billing entities and the organization's own settings."""

from typing import Any

import pytest

from tests.support.server import Api


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
        ({"email_settings": ["beer"]}, {"email_settings": ["unsupported_value"]}),
        ({"country": "France"}, {"country": ["not_a_valid_country_code"]}),
        ({"billing_configuration": {"document_locale": "xx"}}, {"document_locale": ["not_a_valid_language_code"]}),
        ({"eu_tax_management": True}, {"eu_tax_management": ["unsupported_value"]}),
    ],
)
def test_what_is_refused(sandbox: Api, fields: dict[str, Any], expected: dict[str, list[str]]) -> None:
    reply = sandbox.call("POST", "/billing_entities", {"billing_entity": {"code": "paris", "name": "Paris"} | fields})
    assert (reply.status, reply.body["error_details"]) == (422, expected)
    assert len(sandbox.ok("GET", "/billing_entities")["billing_entities"]) == 1
