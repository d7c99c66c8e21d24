"""Credit notes through the API: made, refused, used up, voided, and made by what happens to subscriptions."""

from typing import Any

import pytest

from tests.support.server import Api, Server

MARCH, APRIL = "2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z"


def a_story(server: Server, *, cents: int = 10000, rate: int = 20, **fields: Any) -> Api:
    """An organization whose customer pays 100.00 and 20 % tax at the start of each month, from March on."""
    api = server.organization(at=MARCH, document_number_prefix="ACM")
    api.tax(rate=rate)
    api.plan(amount_cents=cents, pay_in_advance=True, tax_codes=["vat"], charges=[])
    api.customer(currency="USD", **fields)
    api.subscribe()
    return api


def only(api: Api) -> dict[str, Any]:
    [invoice] = api.invoices()
    return invoice


def pay(api: Api, invoice: dict[str, Any]) -> None:
    api.ok("PUT", f"/invoices/{invoice['lago_id']}", {"invoice": {"payment_status": "succeeded"}})


def body(invoice: dict[str, Any], amount: int, **fields: Any) -> dict[str, Any]:
    items = [{"fee_id": invoice["fees"][0]["lago_id"], "amount_cents": amount}]
    return {"credit_note": {"invoice_id": invoice["lago_id"], "items": items} | fields}


def note(api: Api, invoice: dict[str, Any], amount: int, **fields: Any) -> dict[str, Any]:
    return api.ok("POST", "/credit_notes", body(invoice, amount, **fields))["credit_note"]


def notes(api: Api, **query: Any) -> list[dict[str, Any]]:
    return api.ok("GET", "/credit_notes", query=query)["credit_notes"]


def amounts(of: dict[str, Any]) -> tuple[int, ...]:
    names = ("credit", "refund", "offset", "total", "taxes", "balance")
    return tuple(of[f"{name}_amount_cents"] for name in names)


def test_a_note_says_what_it_gives_back(server: Server) -> None:
    api = a_story(server)
    invoice = only(api)
    made = note(api, invoice, 5000, credit_amount_cents=6000, reason="order_change", description="Half", metadata={"po": "7"})

    # 50.00 and 20 % of it
    assert amounts(made) == (6000, 0, 0, 6000, 1000, 6000)
    said = {
        "number": "ACM-001-001-CN001",
        "sequential_id": 1,
        "invoice_number": "ACM-001-001",
        "credit_status": "available",
        "refund_status": None,
        "reason": "order_change",
        "description": "Half",
        "issuing_date": "2026-03-01",
        "sub_total_excluding_taxes_amount_cents": 5000,
        "precise_taxes_amount_cents": "1000.0",
        "taxes_rate": 20.0,
        "metadata": {"po": "7"},
    }
    assert {name: made[name] for name in said} == said
    [line] = made["items"]
    assert (line["amount_cents"], line["precise_amount_cents"], line["fee"]) == (5000, "5000.0", invoice["fees"][0])
    [tax] = made["applied_taxes"]
    assert (tax["tax_code"], tax["base_amount_cents"], tax["amount_cents"]) == ("vat", 5000, 1000)
    assert api.ok("GET", f"/credit_notes/{made['lago_id']}")["credit_note"] == made
    assert notes(api) == [made]
    assert api.ok("GET", "/customers/acme/credit_notes")["credit_notes"] == [made]
    assert note(api, invoice, 1000, credit_amount_cents=1200)["number"] == "ACM-001-001-CN002"


def test_an_offset_and_a_refund_settle_an_invoice(server: Server) -> None:
    api = a_story(server)
    invoice = only(api)
    offset = note(api, invoice, 10000, offset_amount_cents=12000)
    assert amounts(offset) == (0, 0, 12000, 12000, 2000, 0)
    settled = only(api)
    said = ("total_offsetted_credit_note_amount_cents", "total_due_amount_cents", "total_paid_amount_cents", "payment_status")
    assert [settled[name] for name in said] == [12000, 0, 0, "succeeded"]
    assert len(api.invoices(**{"settlements[]": "credit_note"})) == 1

    api.move_to(APRIL)
    april = api.invoices()[-1]
    pay(api, april)
    refund = note(api, april, 10000, refund_amount_cents=12000)
    assert (amounts(refund), refund["refund_status"]) == ((0, 12000, 0, 12000, 2000, 0), "pending")
    done = api.ok("PUT", f"/credit_notes/{refund['lago_id']}", {"credit_note": {"refund_status": "succeeded"}})["credit_note"]
    assert done["refund_status"] == "succeeded"
    wrong = api.call("PUT", f"/credit_notes/{refund['lago_id']}", {"credit_note": {"refund_status": "lost"}})
    assert wrong.body["error_details"] == {"refund_status": ["value_is_invalid"]}


REFUSED: dict[str, tuple[int, dict[str, Any], dict[str, list[str]]]] = {
    "more than the fee": (10001, {"credit_amount_cents": 12001}, {"amount_cents": ["higher_than_remaining_fee_amount"]}),
    "a negative item": (-1, {"credit_amount_cents": 1}, {"amount_cents": ["invalid_value"]}),
    "another sum": (5000, {"credit_amount_cents": 5000}, {"base": ["does_not_match_item_amounts"]}),
    "a refund of what is not paid": (5000, {"refund_amount_cents": 6000}, {"refund_amount_cents": ["cannot_refund_unpaid_invoice"]}),
    "a reason nobody knows": (5000, {"credit_amount_cents": 6000, "reason": "whim"}, {"reason": ["value_is_invalid"]}),
    "no items": (5000, {"credit_amount_cents": 6000, "items": None}, {"items": ["must_be_an_array"]}),
    "nothing": (0, {}, {"base": ["total_amount_must_be_positive"]}),
}


def test_what_cannot_be_credited_is_refused(server: Server) -> None:
    api = a_story(server)
    invoice = only(api)
    for name, (amount, fields, details) in REFUSED.items():
        reply = api.call("POST", "/credit_notes", body(invoice, amount, **fields))
        assert (reply.status, reply.body.get("error_details")) == (422, details), name
    assert notes(api) == []
    stranger = [{"fee_id": invoice["lago_id"], "amount_cents": 1}]
    assert api.call("POST", "/credit_notes", body(invoice, 1, items=stranger)).body["code"] == "fee_not_found"
    assert api.call("POST", "/credit_notes", body({**invoice, "lago_id": "x"}, 1)).body["code"] == "invoice_not_found"
    api.ok("POST", f"/invoices/{invoice['lago_id']}/void")
    voided = api.call("POST", "/credit_notes", body(invoice, 5000, credit_amount_cents=6000))
    assert (voided.status, voided.body["code"]) == (405, "invalid_type_or_status")


def test_an_estimate_stores_nothing(server: Server) -> None:
    api = a_story(server)
    invoice = only(api)
    estimate = api.ok("POST", "/credit_notes/estimate", body(invoice, 5000))["estimated_credit_note"]
    said = {
        "taxes_amount_cents": 1000,
        "precise_taxes_amount_cents": "1000.0",
        "sub_total_excluding_taxes_amount_cents": 5000,
        "max_creditable_amount_cents": 6000,
        "max_refundable_amount_cents": 0,
        "max_offsettable_amount_cents": 6000,
        "coupons_adjustment_amount_cents": 0,
        "taxes_rate": 20.0,
        "items": [{"lago_fee_id": invoice["fees"][0]["lago_id"], "amount_cents": 5000}],
    }
    assert {name: estimate[name] for name in said} == said
    pay(api, invoice)
    paid = api.ok("POST", "/credit_notes/estimate", body(invoice, 5000))["estimated_credit_note"]
    assert (paid["max_refundable_amount_cents"], paid["max_offsettable_amount_cents"]) == (6000, 0)
    assert notes(api) == []


def test_a_voided_note_gives_nothing_and_stays_counted(server: Server) -> None:
    api = a_story(server)
    invoice = only(api)
    made = note(api, invoice, 5000, credit_amount_cents=6000)
    voided = api.ok("PUT", f"/credit_notes/{made['lago_id']}/void")["credit_note"]
    assert (voided["credit_status"], voided["balance_amount_cents"], voided["credit_amount_cents"]) == ("voided", 0, 6000)
    again = api.call("PUT", f"/credit_notes/{made['lago_id']}/void")
    assert (again.status, again.body["code"]) == (405, "no_voidable_amount")
    more = api.call("POST", "/credit_notes", body(invoice, 5001, credit_amount_cents=6001))
    assert more.body["error_details"] == {"amount_cents": ["higher_than_remaining_fee_amount"]}


def test_metadata_is_replaced_merged_and_deleted(server: Server) -> None:
    api = a_story(server)
    path = f"/credit_notes/{note(api, only(api), 5000, credit_amount_cents=6000)['lago_id']}/metadata"
    assert api.ok("POST", path, {"metadata": {"a": "1", "b": None}}) == {"metadata": {"a": "1", "b": None}}
    assert api.ok("PATCH", path, {"metadata": {"b": "2"}}) == {"metadata": {"a": "1", "b": "2"}}
    assert api.ok("PUT", path, {"metadata": {"c": "3"}}) == {"metadata": {"a": "1", "b": "2", "c": "3"}}
    assert api.ok("DELETE", f"{path}/a") == {"metadata": {"b": "2", "c": "3"}}
    assert api.call("POST", path, {"metadata": {"k" * 101: "v"}}).status == 422
    assert api.call("POST", path, {"metadata": {"k": "v" * 256}}).status == 422
    assert api.ok("DELETE", path) == {"metadata": None}


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"amount_from": 6000}, 1),
        ({"amount_to": 1200}, 1),
        ({"credit_status[]": "consumed"}, 0),
        ({"reason[]": "other"}, 1),
        ({"types[]": ["offset", "refund"]}, 1),
        ({"types[]": "credit"}, 1),
        ({"search_term": "CN002"}, 1),
        ({"search_term": "Acme"}, 2),
        ({"invoice_number": "ACM-001-001"}, 2),
        ({"currency": "EUR"}, 0),
        ({"issuing_date_from": "2026-03-02"}, 0),
        ({"reason[]": "nonsense"}, 2),
        ({"self_billed": "false"}, 2),
    ],
)
def test_notes_are_found_by_what_they_are(filtered: Api, query: dict[str, Any], count: int) -> None:
    assert len(notes(filtered, **query)) == count


@pytest.fixture(scope="module")
def filtered(server: Server) -> Api:
    api = a_story(server)
    invoice = only(api)
    note(api, invoice, 5000, credit_amount_cents=6000, reason="order_change")
    note(api, invoice, 1000, offset_amount_cents=1200)
    return api


def test_invoicing_21_an_ended_plan_in_advance_gives_back_its_days(server: Server) -> None:
    # 310.00 for March are 10.00 a day; ended on the 10th, 21 days are 210.00, with 20 % 252.00.
    ways = {
        "credit": (None, (25200, 0, 0, 25200, 4200, 25200)),
        "refund": ("succeeded", (0, 25200, 0, 25200, 4200, 0)),
        "offset": (None, (0, 0, 25200, 25200, 4200, 0)),
    }
    for method, (paid, expected) in ways.items():
        api = a_story(server, cents=31000)
        if paid:
            pay(api, only(api))
        api.move_to("2026-03-10T12:00:00Z")
        api.terminate(on_termination_credit_note=method)
        [made] = notes(api)
        assert (amounts(made), made["reason"]) == (expected, "order_cancellation"), method
    assert api.invoices()[0]["total_due_amount_cents"] == 37200 - 25200

    skipped = a_story(server, cents=31000)
    skipped.move_to("2026-03-10T12:00:00Z")
    skipped.terminate(on_termination_credit_note="skip")
    assert notes(skipped) == []


def test_invoicing_23_a_void_gives_back_a_part(server: Server) -> None:
    # 50.00 of 120.00: item 4166.66667, tax 833.33333. Rest: 5833 and 1166.93333 → 1167, 7000, voided at once.
    api = a_story(server)
    invoice = only(api)
    path = f"/invoices/{invoice['lago_id']}/void"
    too_much = api.call("POST", path, {"invoice": {"generate_credit_note": True, "credit_amount": 12001}})  # a root may be there
    assert too_much.body["error_details"] == {"credit_refund_amount": ["total_amount_exceeds_invoice_amount"]}
    voided = api.ok("POST", path, {"generate_credit_note": True, "credit_amount": 5000})["invoice"]
    assert (voided["status"], voided["total_due_amount_cents"]) == ("voided", 0)
    second, first = sorted(notes(api), key=lambda found: -found["sequential_id"])
    assert amounts(first) == (5000, 0, 0, 5000, 833, 5000)
    assert [line["precise_amount_cents"] for line in first["items"]] == ["4166.66667"]
    assert (amounts(second), second["credit_status"]) == ((7000, 0, 0, 7000, 1167, 0), "voided")


def test_the_note_of_a_draft_waits_for_it(server: Server) -> None:
    api = a_story(server, cents=31000, billing_configuration={"invoice_grace_period": 12})
    api.move_to("2026-03-10T12:00:00Z")
    api.terminate()
    assert notes(api) == []
    api.move_to("2026-03-13T00:00:00Z")
    [made] = notes(api)
    assert (made["number"], made["credit_amount_cents"]) == ("ACM-001-001-CN001", 25200)


def test_credit_pays_the_next_invoices_oldest_first_and_comes_back_from_a_void(server: Server) -> None:
    api = a_story(server)
    march = only(api)
    first = note(api, march, 5000, credit_amount_cents=6000)
    second = note(api, march, 5000, credit_amount_cents=6000, description="The rest")
    api.customer(billing_configuration={"invoice_grace_period": 2})
    api.move_to(APRIL)
    assert api.invoices()[-1]["credit_notes_amount_cents"] == 0  # a draft uses nothing
    api.ok("PUT", "/plans/team", {"plan": {"amount_cents": 8000}})
    api.move_to("2026-04-03T00:00:00Z")

    # 80.00 and 16.00 of tax: 60.00 of the older note, 36.00 of the other
    april = api.invoices()[-1]
    said = ("sub_total_including_taxes_amount_cents", "credit_notes_amount_cents", "total_amount_cents", "payment_status")
    assert [april[name] for name in said] == [9600, 9600, 0, "succeeded"]
    assert [(credit["amount_cents"], credit["before_taxes"]) for credit in april["credits"]] == [(6000, False), (3600, False)]
    item = april["credits"][1]["item"]
    expected = {"lago_item_id": second["lago_id"], "type": "credit_note", "code": "ACM-001-001-CN002", "name": "ACM-001-001"}
    assert item == expected | {"description": "The rest"}

    def states() -> list[tuple[str, int]]:
        found = {made["lago_id"]: (made["credit_status"], made["balance_amount_cents"]) for made in notes(api)}
        return [found[first["lago_id"]], found[second["lago_id"]]]

    assert states() == [("consumed", 0), ("available", 2400)]
    api.ok("POST", f"/invoices/{april['lago_id']}/void")
    assert states() == [("available", 6000), ("available", 6000)]


def test_invoicing_21_the_credit_of_an_upgrade_lands_on_its_invoice(server: Server) -> None:
    # 310.00 a month, left on the 10th for 620.00: 22 days (the 10th is the new plan's) are 220.00, with tax 264.00.
    # The new plan costs 22 of 31 days of 620.00 = 440.00, with tax 528.00; 528 − 264 = 264 to pay.
    api = a_story(server, cents=31000)
    api.plan("big", amount_cents=62000, pay_in_advance=True, tax_codes=["vat"], charges=[])
    api.move_to("2026-03-10T12:00:00Z")
    api.subscribe(plan="big")
    [made] = notes(api)
    assert (made["credit_amount_cents"], made["balance_amount_cents"], made["credit_status"]) == (26400, 0, "consumed")
    upgrade = api.invoices()[-1]
    said = ("sub_total_including_taxes_amount_cents", "credit_notes_amount_cents", "total_amount_cents")
    assert [upgrade[name] for name in said] == [52800, 26400, 26400]


def test_the_note_of_a_draft_is_a_draft_until_the_invoice_is_final(server: Server) -> None:
    api = a_story(server, billing_configuration={"invoice_grace_period": 3})
    draft = only(api)
    made = api.ok("POST", "/credit_notes", body(draft, 5000, credit_amount_cents=6000))["credit_note"]
    assert (made["number"], made["credit_amount_cents"], made["sequential_id"]) == ("ACM-DRAFT-CN001", 6000, 1)
    assert api.call("GET", f"/credit_notes/{made['lago_id']}").status == 404
    assert api.ok("GET", "/credit_notes")["credit_notes"] == []
    # The plan costs 80.00 now, 4/5 of what the draft said: so does the note, 40.00 and 8.00 of tax.
    api.ok("PUT", "/plans/team", {"plan": {"amount_cents": 8000}})
    api.move_to("2026-03-04T00:00:00Z")
    final = api.ok("GET", f"/credit_notes/{made['lago_id']}")["credit_note"]
    assert (final["number"], final["total_amount_cents"], final["taxes_amount_cents"]) == ("ACM-001-001-CN001", 4800, 800)
    assert (final["balance_amount_cents"], [line["amount_cents"] for line in final["items"]]) == (4800, [4000])
