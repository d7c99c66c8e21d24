"""Documents: the PDF of an invoice or a credit note, as those who get its address read it."""

import http.client
import io
from urllib.parse import urlsplit

import pytest
from pypdf import PdfReader

from daycount.invoicing.papers.words import Words
from tests.support.server import Api, Server


def fetch(url: str) -> tuple[int, str, bytes]:
    """Read an address as a browser does: without a key."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=30)
    connection.request("GET", parts.path)
    reply = connection.getresponse()
    content = reply.read()
    connection.close()
    return reply.status, str(reply.getheader("content-type")), content


def words_of(url: str) -> str:
    status, content_type, content = fetch(url)
    assert (status, content_type) == (200, "application/pdf")
    text = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)
    return " ".join(text.replace("\u00a0", " ").split())


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


def test_amounts_are_written_with_the_decimals_of_their_currency() -> None:
    assert [Words("en").cents(cents, code) for cents, code in ((33, "JPY"), (1250, "KWD"), (-5, "USD"))] == [
        "¥33",
        "KWD\u00a01.250",
        "−$0.05",
    ]
    assert [Words(locale).cents(123456, "EUR") for locale in ("de", "it", "es")] == ["1.234,56\u00a0€"] * 3
