"""Documents: the PDF of an invoice or a credit note, as those who get its address read it."""

from typing import Any

import pytest

from daycount.invoicing.papers.words import Words
from tests.support.files import fetch, words_of
from tests.support.receiver import receiving
from tests.support.server import Api, Server


@pytest.fixture(scope="module")
def billed(server: Server) -> Api:
    api = server.organization()
    api.ok("PUT", "/organizations", {"organization": {"legal_name": "Acme & Söhne #1", "country": "FR"}})
    api.tax(applied_to_organization=True)
    api.plan(charges=[api.seat_charge(api.metric())])
    api.customer(name="Globex $1", email="pay@globex.example")
    api.subscribe(name="Main team")
    api.event("ada", user_id="ada")
    api.move_to("2026-07-12T08:00:00Z")
    api.event("ben", user_id="ben")
    api.move_to("2026-08-01T00:00:00Z")
    return api


def test_an_invoice_is_a_pdf_that_whoever_has_its_address_may_read(billed: Api) -> None:
    [invoice] = billed.invoices()
    assert invoice["file_url"] is None

    made = billed.ok("POST", f"/invoices/{invoice['lago_id']}/download")["invoice"]

    # Ada 31 of 31 days, Ben 20 of 31: 51/31 seats, rounded up 1.64517, at 10.00 are 16.45; 20 % are 3.29.
    found = words_of(made["file_url"])
    for words in ("Acme & Söhne #1", "Globex $1", "Main team", invoice["number"], "31/31 days", "20/31 days", "$16.45", "$3.29", "$19.74"):
        assert words in found
    assert billed.ok("POST", f"/invoices/{invoice['lago_id']}/download_pdf")["invoice"]["file_url"] == made["file_url"]
    assert billed.ok("GET", f"/invoices/{invoice['lago_id']}")["invoice"]["file_url"] == made["file_url"]
    [listed] = billed.ok("GET", "/invoices")["invoices"]
    assert (listed["file_url"], listed["xml_url"]) == (made["file_url"], None)
    assert made["file_url"].endswith(f"/{invoice['number']}.pdf")
    assert fetch(made["file_url"].replace("/files/", "/files/x"))[0] == 404


def test_a_credit_note_is_a_pdf_in_the_language_of_its_customer(billed: Api) -> None:
    billed.customer(billing_configuration={"document_locale": "fr"})
    [invoice] = billed.invoices()
    items = [{"fee_id": invoice["fees"][-1]["lago_id"], "amount_cents": 1000}]
    body = {"credit_note": {"invoice_id": invoice["lago_id"], "credit_amount_cents": 1200, "items": items}}
    note = billed.ok("POST", "/credit_notes", body)["credit_note"]

    made = billed.ok("POST", f"/credit_notes/{note['lago_id']}/download")["credit_note"]

    found = words_of(made["file_url"])
    for words in ("Avoir", note["number"], "Crédité à", "10,00 $", "2,00 $", "12,00 $"):
        assert words in found


def test_the_making_of_documents_is_told_once(server: Server) -> None:
    api = server.organization()
    api.customer(currency="USD")
    api.add_on("setup", amount_cents=12_000)
    sold = {"external_customer_id": "acme", "fees": [{"add_on_code": "setup"}]}
    before = api.ok("POST", "/invoices", {"invoice": sold})["invoice"]
    with receiving() as receiver:
        endpoint = {"webhook_url": receiver.url, "event_types": ["invoice.generated", "credit_note.generated", "payment_receipt.generated"]}
        api.ok("POST", "/webhook_endpoints", {"webhook_endpoint": endpoint})
        for _ in range(2):
            api.ok("POST", f"/invoices/{before['lago_id']}/download")
        after = api.ok("POST", "/invoices", {"invoice": sold})["invoice"]
        payment = {"invoice_id": after["lago_id"], "amount_cents": 5_000, "reference": "wire 7"}
        api.ok("POST", "/payments", {"payment": payment})
        items = [{"fee_id": after["fees"][0]["lago_id"], "amount_cents": 100}]
        api.ok("POST", "/credit_notes", {"credit_note": {"invoice_id": after["lago_id"], "credit_amount_cents": 100, "items": items}})
        api.move_to("2026-07-01T00:00:00Z")
        told = receiver.wait_for(4)
    assert sorted(item.type for item in told) == [
        "credit_note.generated",
        "invoice.generated",
        "invoice.generated",
        "payment_receipt.generated",
    ]
    roots = {"invoice.generated": "invoice", "credit_note.generated": "credit_note", "payment_receipt.generated": "payment_receipt"}
    assert all(item.json[roots[item.type]]["file_url"].endswith(".pdf") for item in told)
    assert {item.json["invoice"]["lago_id"] for item in told if item.type == "invoice.generated"} == {before["lago_id"], after["lago_id"]}


def test_each_step_of_a_price_stands_below_its_fee(server: Server) -> None:
    api = server.organization()
    metric = api.metric("units", aggregation_type="sum_agg", field_name="units", recurring=False)

    def charge(model: str, **properties: Any) -> dict[str, Any]:
        return {
            "billable_metric_id": metric["lago_id"],
            "charge_model": model,
            "invoice_display_name": f"by {model}",
            "properties": properties,
        }

    tiers: list[dict[str, Any]] = [{"from_value": 0, "to_value": 10}, {"from_value": 11, "to_value": None}]
    rates: list[dict[str, Any]] = [{"per_unit_amount": "2", "flat_amount": "5"}, {"per_unit_amount": "1", "flat_amount": "0"}]
    percents: list[dict[str, Any]] = [{"rate": "10", "flat_amount": "0"}, {"rate": "5", "flat_amount": "3"}]
    charges = [
        charge("graduated", graduated_ranges=[tier | rate for tier, rate in zip(tiers, rates, strict=True)]),
        charge("volume", volume_ranges=[tier | rate for tier, rate in zip(tiers, rates, strict=True)]),
        charge("graduated_percentage", graduated_percentage_ranges=[tier | rate for tier, rate in zip(tiers, percents, strict=True)]),
        charge("package", amount="4", package_size=6, free_units=2),
        charge("percentage", rate="2", fixed_amount="0.3", free_units_per_events=1),
    ]
    api.plan(charges=charges)
    api.customer()
    api.subscribe()
    for number, units in enumerate((10, 5)):
        api.event(f"{number}", code="units", units=units)
    api.move_to("2026-08-01T00:00:00Z")
    [invoice] = api.invoices()

    found = words_of(api.ok("POST", f"/invoices/{invoice['lago_id']}/download")["invoice"]["file_url"])

    # 15 units. Graduated: 10 x 2 + 5, 5 x 1 = 30. Volume: 15 x 1 = 15. Graduated percentage: 10 x 10 % + 5 x 5 % + 3 = 4.25.
    # Packages of 6 after 2 free: 3 x 4 = 12. 2 % of the 5 after the first event and 0.30 for it: 0.40.
    for words in (
        "Jul 1, 2026 – Jul 31, 2026 Item Units Unit price Tax rate Amount by graduated 15 $2.00 0 % $30.00 Tier up to 10 10 $2.00 $20.00",
        "Tier up to 10: Flat fee 1 $5.00 $5.00 Tier above 10 5 $1.00 $5.00",
        "15 $1.00 0 % $15.00 Tier above 10 15 $1.00 $15.00",
        "$4.25 Tier up to 10 10 10 % $1.00 Tier above 10 5 5 % $0.25 Tier above 10: Flat fee 1 $3.00 $3.00",
        "$12.00 Free units 2 $0.00 $0.00 Packages of 6 3 $4.00 $12.00",
        "$0.40 Free units 10 $0.00 $0.00 Percentage 5 2 % $0.10 Fee per transaction 1 $0.30 $0.30",
    ):
        assert words in found, found


def test_amounts_are_written_with_the_decimals_of_their_currency() -> None:
    assert [Words("en").cents(cents, code) for cents, code in ((33, "JPY"), (1250, "KWD"), (-5, "USD"))] == [
        "¥33",
        "KWD\u00a01.250",
        "−$0.05",
    ]
    assert [Words(locale).cents(123456, "EUR") for locale in ("de", "it", "es")] == ["1.234,56\u00a0€"] * 3
