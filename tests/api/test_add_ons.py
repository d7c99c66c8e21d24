"""Add-ons: which fields may hold what, and what deleting one leaves."""

from typing import Any

import pytest

from tests.support.server import Api

GOOD = {"name": "Set-up", "code": "setup", "amount_cents": 5000, "amount_currency": "USD"}


def made(api: Api, **fields: Any) -> Any:
    return api.call("POST", "/add_ons", {"add_on": GOOD | fields})


def test_a_new_add_on_shows_every_field(sandbox: Api) -> None:
    shown = made(sandbox, invoice_display_name="Setting up", description="One day").body["add_on"]

    assert len(shown.pop("lago_id")) == 36
    assert shown == GOOD | {
        "invoice_display_name": "Setting up",
        "created_at": "2026-07-01T00:00:00Z",
        "description": "One day",
        "taxes": [],
    }


REFUSED: dict[str, tuple[dict[str, Any], dict[str, list[str]]]] = {
    "no name": ({"name": " "}, {"name": ["value_is_mandatory"]}),
    "no code": ({"code": None}, {"code": ["value_is_mandatory"]}),
    "no amount": ({"amount_cents": None}, {"amount_cents": ["value_is_mandatory"]}),
    "an amount of nothing": ({"amount_cents": 0}, {"amount_cents": ["value_is_out_of_range"]}),
    "a negative amount": ({"amount_cents": -1}, {"amount_cents": ["value_is_out_of_range"]}),
    "no currency": ({"amount_currency": None}, {"amount_currency": ["value_is_invalid"]}),
    "an unknown currency": ({"amount_currency": "XXX"}, {"amount_currency": ["value_is_invalid"]}),
}


@pytest.mark.parametrize(("fields", "details"), REFUSED.values(), ids=REFUSED)
def test_an_add_on_is_refused_with_the_field_and_its_code(sandbox: Api, fields: dict[str, Any], details: dict[str, list[str]]) -> None:
    reply = made(sandbox, **fields)

    assert (reply.status, reply.body["error_details"]) == (422, details)
    assert sandbox.ok("GET", "/add_ons")["add_ons"] == []


def test_an_add_on_changes_and_a_deleted_one_frees_its_code(sandbox: Api) -> None:
    made(sandbox)
    assert made(sandbox).body["error_details"] == {"code": ["value_already_exist"]}
    assert made(sandbox, code="other", tax_codes=["vat"]).body["code"] == "tax_not_found"

    changed = sandbox.ok("PUT", "/add_ons/setup", {"add_on": {"amount_cents": 7000, "description": "Two days"}})["add_on"]
    assert (changed["amount_cents"], changed["description"], changed["name"]) == (7000, "Two days", "Set-up")
    assert sandbox.call("PUT", "/add_ons/setup", {"add_on": {"amount_cents": 0}}).status == 422

    assert sandbox.ok("DELETE", "/add_ons/setup")["add_on"] == changed
    assert sandbox.call("GET", "/add_ons/setup").body["code"] == "add_on_not_found"
    assert made(sandbox).status == 200
    assert [item["code"] for item in sandbox.ok("GET", "/add_ons")["add_ons"]] == ["setup"]
