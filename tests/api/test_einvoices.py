"""Electronic invoices of billing entities in France and Germany: valid, inside the PDF and beside it, with sums that add up."""

import base64
import io
from decimal import Decimal
from importlib import import_module
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from pypdf import PdfReader

from tests.support.files import fetch
from tests.support.server import Api, Server

_library: Any = import_module("facturx")
_UBL = {
    "cac": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2",
    "cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",
}
_FRANCE = {"country": "FR", "legal_name": "Société Générale d’Exemples", "city": "Paris", "zipcode": "75001", "legal_number": "552120222"}
_DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


class Ubl:
    """A UBL document, valid against its schema, whose sums were looked at."""

    def __init__(self, url: str) -> None:
        status, content_type, content = fetch(url)
        assert (status, content_type) == (200, "application/xml")
        self.root = ET.fromstring(content)
        self.is_note = self.root.tag.endswith("}CreditNote")
        _library.xml_check_xsd(content, flavor="ubl-2.1-creditnote" if self.is_note else "ubl-2.1-invoice")
        self.check_sums()

    def all(self, path: str) -> list[str]:
        return [str(node.text) for node in self.root.findall(path, _UBL)]

    def one(self, path: str) -> str:
        [found] = self.all(path)
        return found

    def sum_of(self, path: str) -> Decimal:
        return sum((Decimal(text) for text in self.all(path)), Decimal(0))

    def check_sums(self) -> None:
        """Rules BR-CO-10 to BR-CO-17 and BR-S-08 of EN 16931, to the cent but for the tax of a group, which may be one off."""
        total = {
            name: self.sum_of(f"cac:LegalMonetaryTotal/cbc:{name}Amount")
            for name in ("LineExtension", "TaxExclusive", "TaxInclusive", "AllowanceTotal", "Prepaid", "Payable", "PayableRounding")
        }
        lines = "cac:CreditNoteLine" if self.is_note else "cac:InvoiceLine"
        assert total["LineExtension"] == self.sum_of(f"{lines}/cbc:LineExtensionAmount")
        assert total["AllowanceTotal"] == self.sum_of("cac:AllowanceCharge/cbc:Amount")
        assert total["TaxExclusive"] == total["LineExtension"] - total["AllowanceTotal"]
        tax = self.sum_of("cac:TaxTotal/cbc:TaxAmount")
        assert tax == self.sum_of("cac:TaxTotal/cac:TaxSubtotal/cbc:TaxAmount")
        assert total["TaxInclusive"] == total["TaxExclusive"] + tax
        assert total["Payable"] == total["TaxInclusive"] - total["Prepaid"] + total["PayableRounding"]
        assert total["TaxExclusive"] == self.sum_of("cac:TaxTotal/cac:TaxSubtotal/cbc:TaxableAmount")
        for group in self.root.findall("cac:TaxTotal/cac:TaxSubtotal", _UBL):
            basis, amount = (Decimal(str(group.findtext(f"cbc:{name}Amount", namespaces=_UBL))) for name in ("Taxable", "Tax"))
            percent = Decimal(group.findtext("cac:TaxCategory/cbc:Percent", default="0", namespaces=_UBL))
            assert abs(amount - basis * percent / 100) <= Decimal("0.01")
        for line in self.root.findall(lines, _UBL):
            [quantity] = line.findall("cbc:CreditedQuantity" if self.is_note else "cbc:InvoicedQuantity", _UBL)
            price = Decimal(str(line.findtext("cac:Price/cbc:PriceAmount", namespaces=_UBL)))
            assert price >= 0
            assert Decimal(str(quantity.text)) * price == Decimal(str(line.findtext("cbc:LineExtensionAmount", namespaces=_UBL)))


def entity(api: Api, **fields: Any) -> dict[str, Any]:
    return api.ok("PUT", "/billing_entities/default", {"billing_entity": fields})["billing_entity"]


def test_a_billing_entity_can_have_electronic_invoices_in_france_and_germany_alone(sandbox: Api) -> None:
    def refusal(**fields: Any) -> Any:
        reply = sandbox.call("PUT", "/billing_entities/default", {"billing_entity": fields})
        assert reply.status == 422
        return reply.body["error_details"]

    assert refusal(einvoicing=True) == {"einvoicing": ["country_must_be_present"]}
    assert refusal(einvoicing=True, country="US") == {"einvoicing": ["country_not_supported"]}
    assert entity(sandbox, einvoicing=True, country="DE")["einvoicing"] is True
    assert refusal(country="US") == {"einvoicing": ["country_not_supported"]}
    assert entity(sandbox, einvoicing=False, country="US")["einvoicing"] is False
    for logo in ("https://example.com/logo.png", "data:image/gif;base64,R0lGODlh", "data:image/png;base64,AAAA", "data:image/png;base64,%"):
        assert refusal(logo=logo) == {"logo": ["invalid_content_type"]}
    head = base64.b64decode(_DOT)[:24]
    assert refusal(logo=f"data:image/png;base64,{base64.b64encode(head + bytes(820_000)).decode()}") == {"logo": ["invalid_size"]}
    shown = entity(sandbox, logo=f"data:image/png;base64,{_DOT}")["logo_url"]
    assert fetch(shown) == (200, "image/png", base64.b64decode(_DOT))
    assert entity(sandbox, name="Other")["logo_url"] == shown
    assert entity(sandbox, logo=None)["logo_url"] is None
    assert fetch(shown)[0] == 404


@pytest.fixture(scope="module")
def french(server: Server) -> Api:
    """Sell a plan at 20 % and its use at 5.5 %, with 10 % off, and 50.00 of prepaid credits."""
    api = server.organization()
    entity(api, **_FRANCE, einvoicing=True, tax_identification_number="FR40303265045", logo=f"data:image/png;base64,{_DOT}")
    api.tax("normal", 20)
    api.tax("reduced", 5.5)
    metric = api.metric("calls", aggregation_type="count_agg", field_name=None, recurring=False)
    charge = api.seat_charge(metric, "0.3333", prorated=False, tax_codes=["reduced"])
    api.plan(amount_cents=9999, amount_currency="EUR", tax_codes=["normal"], charges=[charge])
    api.customer(name="Globex\x07 & Cie", country="FR", city="Lyon", currency="EUR", email="pay@globex.example")
    api.coupon(coupon_type="percentage", percentage_rate=10, amount_cents=None, amount_currency=None, frequency="forever")
    api.apply_coupon()
    api.wallet(currency="EUR", granted_credits="50", rate_amount="1")
    api.subscribe()
    for number in range(3):
        api.event(f"{number}", code="calls")
    api.move_to("2026-08-01T00:00:00Z")
    return api


def test_an_invoice_is_inside_its_pdf_and_beside_it(french: Api) -> None:
    [invoice] = french.invoices()
    made = french.ok("POST", f"/invoices/{invoice['lago_id']}/download")["invoice"]
    status, _, pdf = fetch(made["file_url"])
    name, inside = _library.get_xml_from_pdf(pdf)
    assert (status, name) == (200, "factur-x.xml")
    _library.xml_check_xsd(inside, flavor="factur-x", level="en16931")
    assert b"urn:cen.eu:en16931:2017<" in inside
    assert all(text in inside for text in (b"GrandTotalAmount>108.94<", b"DuePayableAmount>58.94<", b"TotalPrepaidAmount>50.00<"))
    trailer: Any = PdfReader(io.BytesIO(pdf)).trailer
    assert b"pdfaid:part>3<" in trailer["/Root"]["/Metadata"].get_data().replace(b" ", b"")
    # 99.99 at 20 % and 3 x 0.3333 = 1.00 at 5.5 %; 10 % off: 10.10, shared 10.00 and 0.10; 1799.80 + 4.95 cents of tax are 18.05.
    found = Ubl(made["xml_url"])
    assert found.one("cbc:InvoiceTypeCode") == "380"
    assert found.one("cbc:CustomizationID") == "urn:cen.eu:en16931:2017"
    totals = ("LineExtension", "AllowanceTotal", "TaxExclusive", "TaxInclusive", "Prepaid", "Payable")
    assert [found.one(f"cac:LegalMonetaryTotal/cbc:{total}Amount") for total in totals] == [
        "100.99",
        "10.10",
        "90.89",
        "108.94",
        "50.00",
        "58.94",
    ]
    assert made["total_amount_cents"] == 5894
    assert found.all("cac:TaxTotal/cac:TaxSubtotal/cac:TaxCategory/cbc:Percent") == ["5.5", "20"]
    assert found.all("cac:TaxTotal/cac:TaxSubtotal/cbc:TaxAmount") == ["0.05", "18.00"]
    assert found.all("cac:AllowanceCharge/cbc:Amount") == ["0.10", "10.00"]
    assert found.all("cac:PaymentMeans/cbc:PaymentMeansCode") == ["1", "57"]
    assert found.one("cac:AccountingCustomerParty/cac:Party/cac:PartyLegalEntity/cbc:RegistrationName") == "Globex & Cie"
    [listed] = french.invoices()
    assert listed["xml_url"] == made["xml_url"]


def test_a_credit_note_names_its_invoice_and_is_negative(french: Api) -> None:
    [invoice] = french.invoices()
    items = [{"fee_id": fee["lago_id"], "amount_cents": 1000} for fee in invoice["fees"] if fee["item"]["type"] == "subscription"]
    # 10.00 less 1.00 of the coupon, 1.80 of tax.
    body = {"credit_note": {"invoice_id": invoice["lago_id"], "credit_amount_cents": 1080, "items": items}}
    note = french.ok("POST", "/credit_notes", body)["credit_note"]
    made = french.ok("POST", f"/credit_notes/{note['lago_id']}/download_xml")["credit_note"]
    found = Ubl(made["xml_url"])
    assert made["file_url"] is not None
    assert found.one("cbc:CreditNoteTypeCode") == "381"
    assert found.one("cac:BillingReference/cac:InvoiceDocumentReference/cbc:ID") == invoice["number"]
    totals = ("LineExtension", "AllowanceTotal", "TaxExclusive", "TaxInclusive", "Payable")
    assert [found.one(f"cac:LegalMonetaryTotal/cbc:{total}Amount") for total in totals] == ["-10.00", "-1.00", "-9.00", "-10.80", "-10.80"]
    assert found.one("cac:PaymentMeans/cbc:PaymentMeansCode") == "97"


def test_credits_are_outside_the_scope_and_germany_has_its_own_kind(server: Server) -> None:
    api = server.organization()
    entity(api, country="DE", eu_tax_management=True, einvoicing=True, email="billing@acme.example")
    api.customer(currency="EUR", country="FR", tax_identification_number="FR40303265045")
    api.add_on("setup", amount_cents=12_000, amount_currency="EUR")
    sold = {"external_customer_id": "acme", "fees": [{"add_on_code": "setup", "units": 2}]}
    api.ok("POST", "/invoices", {"invoice": sold})
    api.wallet(currency="EUR", paid_credits="10", rate_amount="1")
    api.move_to("2026-07-01T00:00:00Z")
    found = {}
    for invoice in api.invoices():
        made = api.ok("POST", f"/invoices/{invoice['lago_id']}/download_xml")["invoice"]
        found[invoice["invoice_type"]] = Ubl(made["xml_url"])
    one_off, credit = found["one_off"], found["credit"]
    category = "cac:TaxTotal/cac:TaxSubtotal/cac:TaxCategory/"
    assert one_off.one("cbc:CustomizationID").endswith("xrechnung_3.0")
    assert (one_off.one("cbc:ProfileID"), one_off.one("cbc:BuyerReference")) == ("urn:fdc:peppol.eu:2017:poacc:billing:01:1.0", "acme")
    assert (one_off.one(f"{category}cbc:ID"), one_off.one(f"{category}cbc:TaxExemptionReasonCode")) == ("AE", "VATEX-EU-AE")
    assert (credit.one("cbc:InvoiceTypeCode"), credit.one(f"{category}cbc:ID")) == ("386", "O")
    assert credit.all(f"{category}cbc:Percent") == []
    # 240.00, of which 100.00 are paid; the receipt says so, names the invoice, and asks for nothing.
    [sale] = [invoice for invoice in api.invoices() if invoice["invoice_type"] == "one_off"]
    api.ok("POST", "/payments", {"payment": {"invoice_id": sale["lago_id"], "amount_cents": 10_000, "reference": "wire"}})
    api.move_to("2026-07-01T00:00:00Z")
    [receipt] = api.ok("GET", "/payment_receipts", query={"invoice_id": sale["lago_id"]})["payment_receipts"]
    paid = Ubl(receipt["xml_url"])
    assert paid.one("cac:BillingReference/cac:InvoiceDocumentReference/cbc:ID") == sale["number"]
    assert [paid.one(f"cac:LegalMonetaryTotal/cbc:{total}Amount") for total in ("TaxInclusive", "Prepaid", "Payable")] == [
        "100.00",
        "100.00",
        "0.00",
    ]


def test_without_electronic_invoices_there_is_no_xml(sandbox: Api) -> None:
    sandbox.customer(currency="USD")
    sandbox.add_on("setup", amount_cents=100)
    invoice = sandbox.ok("POST", "/invoices", {"invoice": {"external_customer_id": "acme", "fees": [{"add_on_code": "setup"}]}})["invoice"]
    assert sandbox.ok("POST", f"/invoices/{invoice['lago_id']}/download_xml")["invoice"]["xml_url"] is None
    assert sandbox.ok("POST", f"/invoices/{invoice['lago_id']}/download_pdf")["invoice"]["xml_url"] is None
