"""Customers: creating is changing, absent is not null, and which fields may hold what."""

from typing import Any

import pytest

from tests.support.server import Api, Server

TEXTS = [
    "name",
    "firstname",
    "lastname",
    "customer_type",
    "country",
    "address_line1",
    "address_line2",
    "state",
    "zipcode",
    "email",
    "city",
    "url",
    "phone",
    "logo_url",
    "legal_name",
    "legal_number",
    "currency",
    "tax_identification_number",
    "timezone",
    "external_salesforce_id",
]


def upsert(api: Api, **fields: Any) -> Any:
    return api.call("POST", "/customers", {"customer": {"external_id": "acme"} | fields})


def test_a_new_customer_shows_every_field(server: Server) -> None:
    api = server.organization(document_number_prefix="ack")

    shown = upsert(api).body["customer"]

    assert len(shown.pop("lago_id")) == 36
    assert shown == dict.fromkeys(TEXTS) | {
        "billing_entity_code": "default",
        "external_id": "acme",
        "account_type": "customer",
        "sequential_id": 1,
        "slug": "ACK-001",
        "created_at": "2026-07-01T00:00:00Z",
        "updated_at": "2026-07-01T00:00:00Z",
        "applicable_timezone": "UTC",
        "net_payment_term": None,
        "finalize_zero_amount_invoice": "inherit",
        "billing_configuration": {
            "invoice_grace_period": None,
            "payment_provider": None,
            "payment_provider_code": None,
            "document_locale": None,
            "subscription_invoice_issuing_date_anchor": None,
            "subscription_invoice_issuing_date_adjustment": None,
        },
        "shipping_address": dict.fromkeys(["address_line1", "address_line2", "city", "zipcode", "state", "country"]),
        "skip_invoice_custom_sections": False,
        "metadata": [],
        "integration_customers": [],
        "taxes": [],
        "applicable_invoice_custom_sections": [],
        "error_details": [],
        "applied_dunning_campaign_id": None,
        "exclude_from_dunning_campaign": False,
        "last_dunning_campaign_attempt_at": None,
        "dunning_currency_attempts": {},
    }


def test_a_list_leaves_out_what_only_one_customer_shows(sandbox: Api) -> None:
    shown = upsert(sandbox).body["customer"]

    [listed] = sandbox.ok("GET", "/customers")["customers"]

    assert set(shown) - set(listed) == {
        "applicable_invoice_custom_sections",
        "error_details",
        "last_dunning_campaign_attempt_at",
        "dunning_currency_attempts",
    }
    assert listed == {name: value for name, value in shown.items() if name in listed}


def test_customers_are_numbered_one_after_the_other(sandbox: Api) -> None:
    shown = [upsert(sandbox, external_id=name).body["customer"] for name in ("a", "b", "a", "c")]

    assert [customer["sequential_id"] for customer in shown] == [1, 2, 1, 3]
    assert [customer["slug"][-4:] for customer in shown] == ["-001", "-002", "-001", "-003"]


def test_a_refused_customer_takes_no_number(sandbox: Api) -> None:
    upsert(sandbox, timezone="Mars")

    assert upsert(sandbox).body["customer"]["sequential_id"] == 1


def test_an_absent_key_leaves_what_is_stored(sandbox: Api) -> None:
    before = upsert(sandbox, name="Acme", email="ada@example.com", net_payment_term=30, metadata=[{"key": "a", "value": "b"}]).body[
        "customer"
    ]
    sandbox.move_to("2026-07-02T00:00:00Z")

    after = upsert(sandbox, city="Paris").body["customer"]

    assert after == before | {"city": "Paris", "updated_at": "2026-07-02T00:00:00Z"}


@pytest.mark.parametrize(
    ("field", "value", "cleared"),
    [
        ("name", "Acme", None),
        ("currency", "EUR", None),
        ("timezone", "Asia/Tokyo", None),
        ("net_payment_term", 30, None),
        ("finalize_zero_amount_invoice", "skip", "inherit"),
        ("customer_type", "company", None),
        ("email", "ada@example.com", None),
    ],
)
def test_null_clears_what_can_be_cleared(sandbox: Api, field: str, value: Any, cleared: Any) -> None:
    assert upsert(sandbox, **{field: value}).body["customer"][field] == value
    assert upsert(sandbox, **{field: None}).body["customer"][field] == cleared


def test_a_blank_text_is_null(sandbox: Api) -> None:
    shown = upsert(sandbox, name=" ", city="", shipping_address={"city": "", "state": "CA"}).body["customer"]

    assert (shown["name"], shown["city"], shown["shipping_address"]["city"], shown["shipping_address"]["state"]) == (None, None, None, "CA")


def test_a_country_is_written_in_capitals(sandbox: Api) -> None:
    assert upsert(sandbox, country="fr").body["customer"]["country"] == "FR"


REFUSED: dict[str, tuple[dict[str, Any], dict[str, list[str]]]] = {
    "no id": ({"external_id": None}, {"external_id": ["value_is_mandatory"]}),
    "a blank id": ({"external_id": " "}, {"external_id": ["value_is_mandatory"]}),
    "an id of 256 characters": ({"external_id": "x" * 256}, {"external_id": ["value_is_too_long"]}),
    "a name of 256 characters": ({"name": "x" * 256}, {"name": ["value_is_too_long"]}),
    "an unknown type": ({"customer_type": "robot"}, {"customer_type": ["value_is_invalid"]}),
    "an unknown account": ({"account_type": "robot"}, {"account_type": ["value_is_invalid"]}),
    "a country in words": ({"country": "France"}, {"country": ["not_a_valid_country_code"]}),
    "an unknown currency": ({"currency": "XXX"}, {"currency": ["value_is_invalid"]}),
    "an unknown time zone": ({"timezone": "Mars/Olympus"}, {"timezone": ["invalid_timezone"]}),
    "a path as time zone": ({"timezone": "../../etc/passwd"}, {"timezone": ["invalid_timezone"]}),
    "a folder as time zone": ({"timezone": "America"}, {"timezone": ["invalid_timezone"]}),
    "an address that is none": ({"email": "ada"}, {"email": ["invalid_email_format"]}),
    "one address of two": ({"email": "ada@example.com, ben"}, {"email": ["invalid_email_format"]}),
    "a negative term": ({"net_payment_term": -1}, {"net_payment_term": ["value_is_out_of_range"]}),
    "an unknown choice": ({"finalize_zero_amount_invoice": "maybe"}, {"finalize_zero_amount_invoice": ["invalid_value"]}),
    "an unknown language": ({"billing_configuration": {"document_locale": "tlh"}}, {"document_locale": ["not_a_valid_language_code"]}),
    "an unknown provider": ({"billing_configuration": {"payment_provider": "cash"}}, {"payment_provider": ["value_is_invalid"]}),
    "negative grace": ({"billing_configuration": {"invoice_grace_period": -3}}, {"invoice_grace_period": ["value_is_out_of_range"]}),
    "six pairs": ({"metadata": [{"key": str(number), "value": "x"} for number in range(6)]}, {"metadata": ["invalid_count"]}),
    "a key of 21 characters": ({"metadata": [{"key": "x" * 21, "value": "x"}]}, {"key": ["value_is_too_long"]}),
    "a value of 101 characters": ({"metadata": [{"key": "x", "value": "x" * 101}]}, {"value": ["value_is_too_long"]}),
    "a pair without a key": ({"metadata": [{"value": "x"}]}, {"key": ["value_is_mandatory"]}),
    "a pair without a value": ({"metadata": [{"key": "x"}]}, {"value": ["value_is_mandatory"]}),
    "a key twice": ({"metadata": [{"key": "x", "value": "1"}, {"key": "x", "value": "2"}]}, {"key": ["value_already_exist"]}),
    "a country of no list": ({"country": "ZZ"}, {"country": ["not_a_valid_country_code"]}),
    "two of a system": (
        {"integration_customers": [{"integration_type": "xero"}, {"integration_type": "xero"}]},
        {"integration_customers": ["invalid_count_per_integration_type"]},
    ),
    "an unknown system": ({"integration_customers": [{"integration_type": "abacus"}]}, {"integration_customers": ["value_is_invalid"]}),
    "a system that is not connected": (
        {"integration_customers": [{"integration_type": "xero", "integration_code": "x"}]},
        {"integration_customers": ["integration_not_found"]},
    ),
    "two mistakes": ({"country": "x", "currency": "x"}, {"country": ["not_a_valid_country_code"], "currency": ["value_is_invalid"]}),
}


@pytest.mark.parametrize(("fields", "details"), REFUSED.values(), ids=REFUSED)
def test_a_customer_is_refused_with_the_field_and_its_code(sandbox: Api, fields: dict[str, Any], details: dict[str, list[str]]) -> None:
    reply = upsert(sandbox, **fields)

    assert (reply.status, reply.body["error_details"]) == (422, details)
    assert sandbox.ok("GET", "/customers")["customers"] == []


def test_a_refused_change_leaves_the_customer_as_it_was(sandbox: Api) -> None:
    before = upsert(sandbox, name="Acme").body["customer"]

    upsert(sandbox, name="Globex", timezone="Mars")

    assert sandbox.ok("GET", "/customers/acme")["customer"] == before


def test_an_unknown_tax_or_billing_entity_is_not_found(sandbox: Api) -> None:
    assert upsert(sandbox, tax_codes=["vat"]).body["code"] == "tax_not_found"
    assert upsert(sandbox, billing_entity_code="nowhere").body["code"] == "billing_entity_not_found"
    assert upsert(sandbox, billing_entity_code="default", tax_codes=[]).status == 200


@pytest.mark.parametrize("email", ["ada@example.com", "ada@example.com,ben@example.com", "a+b@c.co, d@e.fr", "ünï@exämple.com"])
def test_several_addresses_are_separated_by_commas(sandbox: Api, email: str) -> None:
    assert upsert(sandbox, email=email).body["customer"]["email"] == email


@pytest.mark.parametrize("timezone", ["America/New_York", "Asia/Kathmandu", "Etc/GMT+12", "UTC"])
def test_the_zone_of_the_customer_counts(sandbox: Api, timezone: str) -> None:
    assert upsert(sandbox, timezone=timezone).body["customer"]["applicable_timezone"] == timezone


def test_without_one_the_zone_of_the_billing_entity_counts(server: Server) -> None:
    api = server.organization(timezone="Asia/Tokyo")

    shown = upsert(api).body["customer"]

    assert (shown["timezone"], shown["applicable_timezone"]) == (None, "Asia/Tokyo")


def test_the_currency_may_change_at_any_time(sandbox: Api) -> None:
    sandbox.plan()
    upsert(sandbox, currency="EUR")
    sandbox.subscribe()

    assert upsert(sandbox, currency="GBP").body["customer"]["currency"] == "GBP"


# Metadata


def pairs(customer: dict[str, Any]) -> dict[str, str]:
    return {pair["key"]: pair["value"] for pair in customer["metadata"]}


def test_metadata_is_replaced_as_a_whole(sandbox: Api) -> None:
    upsert(sandbox, metadata=[{"key": "a", "value": "1"}, {"key": "b", "value": "2"}])

    after = upsert(sandbox, metadata=[{"key": "c", "value": "3"}]).body["customer"]
    kept = upsert(sandbox, name="x").body["customer"]
    none = upsert(sandbox, metadata=[]).body["customer"]

    assert (pairs(after), pairs(kept), pairs(none)) == ({"c": "3"}, {"c": "3"}, {})


def test_a_pair_with_a_known_id_is_changed(sandbox: Api) -> None:
    [first] = upsert(sandbox, metadata=[{"key": "a", "value": "1", "display_in_invoice": True}]).body["customer"]["metadata"]
    sandbox.move_to("2026-07-02T00:00:00Z")

    after = upsert(sandbox, metadata=[{"id": first["lago_id"], "value": "2"}, {"key": "b", "value": "3"}]).body["customer"]["metadata"]

    assert after[0] == first | {"value": "2"}
    assert (after[1]["key"], after[1]["display_in_invoice"], after[1]["created_at"]) == ("b", False, "2026-07-02T00:00:00Z")


def test_five_pairs_at_their_longest_fit(sandbox: Api) -> None:
    metadata = [{"key": f"{number}".ljust(20, "k"), "value": "v" * 100} for number in range(5)]

    assert len(upsert(sandbox, metadata=metadata).body["customer"]["metadata"]) == 5


# Nested objects


def test_a_nested_object_keeps_what_is_absent(sandbox: Api) -> None:
    upsert(sandbox, shipping_address={"city": "Paris", "zipcode": "75001"}, billing_configuration={"document_locale": "fr"})

    after = upsert(
        sandbox,
        shipping_address={"city": "Lyon"},
        billing_configuration={"subscription_invoice_issuing_date_anchor": "current_period_end"},
    ).body["customer"]

    assert (after["shipping_address"]["city"], after["shipping_address"]["zipcode"]) == ("Lyon", "75001")
    assert after["billing_configuration"]["document_locale"] == "fr"
    assert after["billing_configuration"]["subscription_invoice_issuing_date_anchor"] == "current_period_end"


# Lists


CRM = [{"key": "crm", "value": "7"}, {"key": "region", "value": "eu"}]


@pytest.fixture
def three(sandbox: Api) -> Api:
    """A sandbox with three customers, ada the oldest."""
    people: list[dict[str, Any]] = [
        {
            "external_id": "ada",
            "name": "Ada 100%",
            "country": "FR",
            "currency": "EUR",
            "customer_type": "individual",
            "state": "IDF",
            "metadata": CRM,
        },
        {
            "external_id": "ben",
            "legal_name": "Ben & Sons",
            "country": "US",
            "currency": "USD",
            "zipcode": "10001",
            "email": "ben@example.com",
            "tax_identification_number": "US-1",
        },
        {"external_id": "cleo", "firstname": "Cleo", "lastname": "Ng", "customer_type": "company", "country": "US"},
    ]
    for day, fields in enumerate(people, 2):
        upsert(sandbox, **fields)
        sandbox.move_to(f"2026-07-{day:02}T00:00:00Z")
    return sandbox


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["cleo", "ben", "ada"]),
        ("search_term=SONS", ["ben"]),
        ("search_term=cle", ["cleo"]),
        ("search_term=ng", ["cleo"]),
        ("search_term=example.com", ["ben"]),
        ("search_term=%25", ["ada"]),
        ("search_term=_", []),
        ("external_id=ada", ["ada"]),
        ("external_id=ada&search_term=ben", ["ada"]),
        ("external_id=ad", []),
        ("countries[]=US", ["cleo", "ben"]),
        ("countries[]=US&countries[]=FR", ["cleo", "ben", "ada"]),
        ("currencies[]=EUR", ["ada"]),
        ("states[]=IDF", ["ada"]),
        ("zipcodes[]=10001", ["ben"]),
        ("customer_type=company", ["cleo"]),
        ("account_type[]=customer", ["cleo", "ben", "ada"]),
        ("account_type[]=partner", []),
        ("billing_entity_codes[]=default", ["cleo", "ben", "ada"]),
        ("countries[]=US&customer_type=company", ["cleo"]),
        ("has_customer_type=false", ["ben"]),
        ("has_customer_type=true", ["cleo", "ada"]),
        ("has_customer_type=true&customer_type=company", ["cleo"]),
        ("has_tax_identification_number=true", ["ben"]),
        ("has_tax_identification_number=false", ["cleo", "ada"]),
        ("metadata[crm]=7", ["ada"]),
        ("metadata[crm]=8", []),
        ("metadata[crm]=7&metadata[region]=eu", ["ada"]),
        ("metadata[crm]=7&metadata[region]=us", []),
        ("metadata[crm]=", ["cleo", "ben"]),
    ],
)
def test_a_list_is_filtered(three: Api, query: str, found: list[str]) -> None:
    reply = three.raw("GET", f"/api/v1/customers?{query}").body

    assert [customer["external_id"] for customer in reply["customers"]] == found
    assert reply["meta"]["total_count"] == len(found)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("countries[]=France", "countries"),
        ("currencies[]=XXX", "currencies"),
        ("account_type[]=robot", "account_type"),
        ("customer_type=robot", "customer_type"),
        ("has_customer_type=maybe", "has_customer_type"),
        ("has_customer_type=false&customer_type=company", "customer_type"),
        ("has_tax_identification_number=1", "has_tax_identification_number"),
    ],
)
def test_a_filter_of_no_known_value_is_refused(sandbox: Api, query: str, field: str) -> None:
    reply = sandbox.raw("GET", f"/api/v1/customers?{query}")

    assert (reply.status, reply.body["error_details"]) == (422, {field: ["value_is_invalid"]})


def test_the_kind_of_account_stays_once_there_is_anything(sandbox: Api) -> None:
    sandbox.plan()
    assert upsert(sandbox, account_type="partner").body["customer"]["account_type"] == "partner"
    assert upsert(sandbox, account_type="customer").body["customer"]["account_type"] == "customer"
    sandbox.subscribe()

    assert upsert(sandbox, account_type="partner").body["customer"]["account_type"] == "customer"


def test_there_is_no_checkout_page_without_a_provider(sandbox: Api) -> None:
    upsert(sandbox)

    reply = sandbox.call("POST", "/customers/acme/checkout_url")
    unknown = sandbox.call("POST", "/customers/nobody/checkout_url")

    assert (reply.status, reply.body["error_details"]) == (422, {"base": ["no_linked_payment_provider"]})
    assert (unknown.status, unknown.body["code"]) == (404, "customer_not_found")


def test_a_deleted_customer_is_gone_and_frees_its_id_but_not_its_number(sandbox: Api) -> None:
    before = upsert(sandbox).body["customer"]

    gone = sandbox.ok("DELETE", "/customers/acme")["customer"]

    assert (gone["lago_id"], gone["external_id"]) == (before["lago_id"], "acme")
    assert sandbox.call("GET", "/customers/acme").body["code"] == "customer_not_found"
    assert sandbox.ok("GET", "/customers")["customers"] == []
    assert upsert(sandbox).body["customer"]["sequential_id"] == 2
