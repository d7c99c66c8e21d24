"""Invoices and credit notes through the published Python client."""

import pytest
from lago_python_client.client import Client
from lago_python_client.exceptions import LagoApiError
from lago_python_client.models import CreditNote, CreditNoteEstimate, CreditNoteUpdate, Customer, Invoice, InvoicePreview
from lago_python_client.models.credit_note import Item, Items
from lago_python_client.models.invoice import InvoiceMetadata, InvoiceMetadataList

from tests.support.server import HOST, Api, Server

AUGUST = "2026-08-01T00:00:00Z"


@pytest.fixture
def billed(server: Server) -> Api:
    """A sandbox in which July of 50.00 is billed, with three days of grace."""
    api = server.organization(at="2026-07-01T00:00:00Z")
    api.plan(amount_cents=5000, charges=[])
    api.customer(currency="USD", billing_configuration={"invoice_grace_period": 3})
    api.subscribe()
    api.move_to(AUGUST)
    return api


@pytest.fixture
def lago(billed: Api) -> Client:
    return Client(api_key=str(billed.key), api_url=f"http://{HOST}:{billed.port}")


def test_an_invoice_goes_through_its_life(lago: Client) -> None:
    [draft] = lago.invoices.find_all()["invoices"]
    assert lago.invoices.refresh(draft.lago_id).status == "draft"
    final = lago.invoices.finalize(draft.lago_id)
    assert (final.status, final.total_due_amount_cents) == ("finalized", 5000)
    assert lago.invoices.download(final.lago_id).file_url.endswith(".pdf")
    assert lago.invoices.retry_payment(final.lago_id) is None
    pairs = InvoiceMetadataList(__root__=[InvoiceMetadata(key="po", value="7")])
    changed = lago.invoices.update(Invoice(metadata=pairs, payment_status="succeeded"), final.lago_id)
    assert (changed.metadata.__root__[0].value, changed.payment_status, changed.total_due_amount_cents) == ("7", "succeeded", 0)
    assert lago.invoices.lose_dispute(final.lago_id).payment_dispute_lost_at == AUGUST
    assert lago.invoices.void(final.lago_id).voided_at == AUGUST
    for refused in (lago.invoices.retry, lago.invoices.payment_url, lago.invoices.void):
        with pytest.raises(LagoApiError):
            refused(final.lago_id)


def test_an_invoice_is_previewed(lago: Client) -> None:
    preview = lago.invoices.preview(InvoicePreview(plan_code="team", customer=Customer(external_id="acme")))
    assert (preview.total_amount_cents, preview.status, preview.number) == (5000, "finalized", "")


def test_credit_notes_are_made_and_changed(lago: Client) -> None:
    [draft] = lago.invoices.find_all()["invoices"]
    invoice = lago.invoices.finalize(draft.lago_id)
    items = Items(__root__=[Item(fee_id=invoice.fees.__root__[0].lago_id, amount_cents=1000)])
    estimate = lago.credit_notes.estimate(CreditNoteEstimate(invoice_id=invoice.lago_id, items=items))
    assert (estimate.max_creditable_amount_cents, estimate.max_offsettable_amount_cents) == (1000, 1000)

    note = lago.credit_notes.create(CreditNote(invoice_id=invoice.lago_id, credit_amount_cents=1000, items=items, reason="other"))
    assert (note.balance_amount_cents, note.items.__root__[0].amount_cents) == (1000, 1000)
    assert lago.credit_notes.find(note.lago_id).number == note.number
    assert [found.lago_id for found in lago.credit_notes.find_all()["credit_notes"]] == [note.lago_id]
    assert lago.credit_notes.update(CreditNoteUpdate(metadata={"a": "1"}), note.lago_id).metadata == {"a": "1"}
    assert lago.credit_notes.replace_metadata(note.lago_id, {"b": "2"}) == {"b": "2"}
    assert lago.credit_notes.merge_metadata(note.lago_id, {"c": "3"}) == {"b": "2", "c": "3"}
    assert lago.credit_notes.delete_metadata_key(note.lago_id, "b") == {"c": "3"}
    assert lago.credit_notes.delete_all_metadata(note.lago_id) is None
    assert lago.credit_notes.download(note.lago_id).file_url.endswith(".pdf")
    assert lago.credit_notes.void(note.lago_id).credit_status == "voided"

    whole = lago.invoices.void_invoice(invoice.lago_id, {"generate_credit_note": True, "credit_amount": 4000})
    assert (whole.status, lago.credit_notes.find_all()["credit_notes"][0].credit_amount_cents) == ("voided", 4000)
