"""What is done with an invoice by forms: paid, mailed, given back, voided and made again, asked for."""

from tests.support.server import Api


def test_an_invoice_is_paid_given_back_and_voided(shop: Api, enter) -> None:
    shop.move_to("2026-08-01T00:00:00Z")
    invoice = shop.invoices()[0]
    fee = max(invoice["fees"], key=lambda item: item["amount_cents"])
    here = f"/invoices/{invoice['lago_id']}"
    visitor = enter(shop)

    too_exact = visitor.submit(f"{here}/pay", {"amount": "4.005", "reference": "wire"}, form_on=here)
    paid = visitor.submit(f"{here}/pay", {"amount": "4.00", "reference": "wire 1"}, form_on=here)
    item = {"item.0.fee": fee["lago_id"], "item.0.amount": "1.50", "reason": "other", "way": "credit"}
    looked = visitor.submit(f"{here}/credit", item | {"act": "preview"})
    credited = visitor.submit(f"{here}/credit", item | {"act": "save"})

    assert too_exact.status == 422
    assert "Write an amount as 12.50." in too_exact.words
    assert "Partially paid" in paid.words
    assert "wire 1" in paid.words
    assert "Given back 1.50 USD" in looked.words
    assert credited.status == 200, credited.words
    notes = shop.ok("GET", "/credit_notes")["credit_notes"]
    assert [note["total_amount_cents"] for note in notes] == [150]

    # What belongs to the invoice stands beside it; the note has metadata of its own.
    visitor.submit(f"/credit-notes/{notes[0]['lago_id']}/metadata", {"pair.0.key": "ticket", "pair.0.value": "17"})
    off = visitor.submit(f"{here}/email", {"to": "books@example.com"}, form_on=here)
    shop.ok("PUT", "/billing_entities/default", {"billing_entity": {"email": "b@example.com", "email_settings": ["invoice.finalized"]}})
    mailed = visitor.submit(f"{here}/email", {"to": "books@example.com"}, form_on=here)
    nobody = visitor.submit(f"{here}/email", {"to": "nobody"}, form_on=here)
    assert shop.ok("GET", f"/credit_notes/{notes[0]['lago_id']}")["credit_note"]["metadata"] == {"ticket": "17"}
    assert f"Given back {notes[0]['number']} 1.50 USD" in mailed.words
    assert "books@example.com" in mailed.words
    assert (off.status, "Mails of this kind are switched off." in off.words, nobody.status) == (422, True, 422)
    no_xml = visitor.submit(f"{here}/xml", form_on=here)
    assert (no_xml.status, "There is no such thing" in no_xml.words) == (404, True)


def test_a_voided_invoice_is_made_again_with_other_units(shop: Api, enter) -> None:
    shop.move_to("2026-08-01T00:00:00Z")
    invoice = shop.invoices()[0]
    here = f"/invoices/{invoice['lago_id']}"
    visitor = enter(shop)
    seats = next(fee for fee in shop.ok("GET", f"/invoices/{invoice['lago_id']}")["invoice"]["fees"] if fee["units"] == "1.0")

    early = visitor.look(f"{here}/regenerate")
    visitor.submit(f"{here}/void", form_on=here)
    line = {"line.0.fee": seats["lago_id"], "line.0.kept": "1", "line.0.units": "3", "line.0.price": "1.25"}
    wrong = visitor.submit(f"{here}/regenerate", line | {"line.0.price": "much", "act": "preview"})
    looked = visitor.submit(f"{here}/regenerate", line | {"act": "preview"})
    before = len(shop.invoices())
    made = visitor.submit(f"{here}/regenerate", line | {"act": "save"})
    again = visitor.submit(f"{here}/regenerate", line | {"act": "save"})

    assert "This invoice is not voided" in early.words
    assert (wrong.status, "Write an amount as 12.50." in wrong.words) == (422, True)
    # 3 units at 1.25
    assert "Total 3.75 USD" in looked.words
    assert before == 1, "showing makes nothing"
    assert "The invoice is made again." in made.words
    assert [item["total_amount_cents"] for item in shop.invoices(status="finalized")] == [375]
    assert (again.status, "It was made again already." in again.words) == (422, True)


def test_what_is_overdue_is_asked_for_in_one_amount(shop: Api, enter) -> None:
    shop.move_to("2026-09-02T00:00:00Z")
    visitor = enter(shop)

    asked = visitor.submit("/customers/acme/ask-payment", {"email": "books@example.com"}, form_on="/customers/acme")

    assert "The customer is asked to pay." in asked.words
    [request] = shop.ok("GET", "/payment_requests")["payment_requests"]
    overdue = [item for item in shop.invoices() if item["payment_overdue"]]
    assert (request["email"], request["amount_cents"]) == ("books@example.com", sum(item["total_due_amount_cents"] for item in overdue))
