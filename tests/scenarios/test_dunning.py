"""Campaigns ask for overdue balances until they are paid or have been asked for often enough."""

from typing import Any

import pytest

from tests.support.receiver import receiving
from tests.support.server import Api

DAY_0 = "2026-08-02T00:00:00Z"
"""The invoice of July is due on 1 August and overdue from the 2nd on."""


def campaign(api: Api, code: str = "gentle", **fields: Any) -> dict[str, Any]:
    given = {"code": code, "name": code.title(), "max_attempts": 3, "days_between_attempts": 5}
    thresholds = [{"currency": "USD", "amount_cents": 10_000}, {"currency": "EUR", "amount_cents": 5_000}]
    made: dict[str, Any] = api.ok("POST", "/dunning_campaigns", {"dunning_campaign": given | {"thresholds": thresholds} | fields})[
        "dunning_campaign"
    ]
    return made


def requests(api: Api) -> list[dict[str, Any]]:
    """Return payment requests, the oldest first."""
    found: list[dict[str, Any]] = api.ok("GET", "/payment_requests")["payment_requests"]
    return sorted(found, key=lambda request: (request["created_at"], request["amount_currency"]))


def days(api: Api) -> list[str]:
    return [request["created_at"] for request in requests(api)]


def counts(api: Api, customer: str = "acme") -> tuple[dict[str, int], str | None]:
    shown = api.ok("GET", f"/customers/{customer}")["customer"]
    return shown["dunning_currency_attempts"], shown["last_dunning_campaign_attempt_at"]


def sell(api: Api, amount_cents: int, currency: str = "USD", customer: str = "acme") -> dict[str, Any]:
    """Sell something that is due today and overdue tomorrow."""
    fees = [{"add_on_code": "setup", "unit_amount_cents": amount_cents, "units": 1}]
    body = {"external_customer_id": customer, "currency": currency, "fees": fees}
    sold: dict[str, Any] = api.ok("POST", "/invoices", {"invoice": body})["invoice"]
    return sold


@pytest.fixture
def api(sandbox: Api) -> Api:
    """140.00 of July that nobody pays: as of 2 August it is overdue."""
    sandbox.add_on()
    sandbox.plan("team", amount_cents=14_000)
    sandbox.customer(email="pay@acme.test")
    sandbox.subscribe()
    return sandbox


def test_three_attempts_every_five_days_and_the_campaign_is_finished(api: Api) -> None:
    made = campaign(api, bcc_emails=["books@us.test"])
    assert made["applied_to_organization"] is False
    api.customer(applied_dunning_campaign_id=made["lago_id"])
    with receiving() as receiver:
        sent = {"webhook_url": receiver.url, "event_types": ["payment_request.created", "dunning_campaign.finished"]}
        api.ok("POST", "/webhook_endpoints", {"webhook_endpoint": sent})
        api.move_to("2026-08-01T23:59:59Z")
        assert days(api) == []
        api.move_to(DAY_0)
        assert days(api) == [DAY_0]
        assert counts(api) == ({"USD": 1}, DAY_0)
        # Five days to the second are not yet more than five days.
        api.move_to("2026-08-07T00:00:00Z")
        assert days(api) == [DAY_0]
        api.move_to("2026-08-07T00:00:01Z")
        assert days(api) == [DAY_0, "2026-08-07T00:00:01Z"]
        api.move_to("2026-08-31T00:00:00Z")
        assert days(api) == [DAY_0, "2026-08-07T00:00:01Z", "2026-08-12T00:00:02Z"]
        assert counts(api) == ({"USD": 3}, "2026-08-12T00:00:02Z")
        [told] = receiver.wait_for_type("dunning_campaign.finished")
        assert len(receiver.wait_for_type("payment_request.created", 3)) == 3
    assert told.json["object_type"] == "dunning_campaign"
    assert told.json["dunning_campaign"] == {
        "external_customer_id": "acme",
        "customer_external_id": "acme",
        "dunning_campaign_code": "gentle",
        "overdue_balance_cents": 14_000,
        "overdue_balance_currency": "USD",
        "overdue_balances": [{"currency": "USD", "amount_cents": 14_000}],
    }
    first = requests(api)[0]
    assert (first["amount_cents"], first["email"], [invoice["total_due_amount_cents"] for invoice in first["invoices"]]) == (
        14_000,
        "pay@acme.test",
        [14_000],
    )


def test_what_is_paid_begins_the_count_anew(api: Api) -> None:
    api.customer(applied_dunning_campaign_id=campaign(api)["lago_id"])
    api.move_to("2026-08-09T00:00:00Z")
    assert counts(api)[0] == {"USD": 2}
    sell(api, 12_000)
    api.move_to("2026-08-10T12:00:00Z")
    july, extra = sorted(api.invoices(payment_overdue="true"), key=lambda invoice: invoice["total_amount_cents"], reverse=True)
    assert days(api) == [DAY_0, "2026-08-07T00:00:01Z"]

    # 120.00 of the second invoice stay overdue: the count begins anew, the next attempt waits its five days.
    api.ok("PUT", f"/invoices/{july['lago_id']}", {"invoice": {"payment_status": "succeeded"}})
    api.move_to("2026-08-12T00:00:00Z")
    assert (counts(api), len(days(api))) == (({}, "2026-08-07T00:00:01Z"), 2)
    api.move_to("2026-08-12T00:00:02Z")
    assert counts(api) == ({"USD": 1}, "2026-08-12T00:00:02Z")
    last = requests(api)[-1]
    assert (last["amount_cents"], [invoice["lago_id"] for invoice in last["invoices"]]) == (12_000, [extra["lago_id"]])

    # Paid with its request nothing is overdue any more, and what falls overdue next is asked for at once.
    api.ok("PUT", f"/payment_requests/{last['lago_id']}", {"payment_request": {"payment_status": "succeeded"}})
    assert counts(api) == ({}, None)
    sell(api, 10_000)
    api.move_to("2026-08-13T00:00:00Z")
    assert counts(api) == ({"USD": 1}, "2026-08-13T00:00:00Z")


def test_currencies_count_by_themselves_and_only_what_is_due_counts(api: Api) -> None:
    campaign(api, max_attempts=2, applied_to_organization=True)
    sell(api, 6_000, "EUR")
    paid = sell(api, 14_000)
    # 140.00 less 40.01: 99.99 USD are due of it, less than the threshold.
    api.ok("POST", "/payments", {"payment": {"invoice_id": paid["lago_id"], "amount_cents": 4_001, "reference": "wire"}})
    api.move_to("2026-07-04T00:00:00Z")
    assert [(request["amount_currency"], request["amount_cents"]) for request in requests(api)] == [("EUR", 6_000)]
    # On 2 August 140.00 of July fall overdue as well: 239.99 USD are asked for in one request, of two invoices.
    api.move_to(DAY_0)
    assert counts(api) == ({"EUR": 2, "USD": 1}, DAY_0)
    last = requests(api)[-1]
    assert (last["amount_currency"], last["amount_cents"], len(last["invoices"])) == ("USD", 23_999, 2)


def test_who_is_asked_by_which_campaign(api: Api) -> None:
    """Its own, else the billing entity's; nobody who is left out; a change begins anew."""
    strict = campaign(api, "strict", max_attempts=1, thresholds=[{"currency": "USD", "amount_cents": 20_000}])
    gentle = campaign(api)
    entity = api.ok("PUT", "/billing_entities/default", {"billing_entity": {"applied_dunning_campaign_id": strict["lago_id"]}})
    assert entity["billing_entity"]["applied_dunning_campaign_id"] == strict["lago_id"]
    assert api.ok("GET", "/dunning_campaigns/strict")["dunning_campaign"]["applied_to_organization"] is True
    api.move_to("2026-08-03T00:00:00Z")
    assert days(api) == []

    # Its own campaign counts for 140.00 at once, also for what was overdue before.
    shown = api.customer(applied_dunning_campaign_id=gentle["lago_id"])
    assert (shown["applied_dunning_campaign_id"], shown["exclude_from_dunning_campaign"]) == (gentle["lago_id"], False)
    api.move_to("2026-08-03T00:00:00Z")
    assert days(api) == ["2026-08-03T00:00:00Z"]
    left_out = api.customer(exclude_from_dunning_campaign=True)
    assert (left_out["applied_dunning_campaign_id"], left_out["dunning_currency_attempts"]) == (None, {})
    api.move_to("2026-08-20T00:00:00Z")
    assert len(days(api)) == 1
    api.customer(exclude_from_dunning_campaign=False)
    # Lowered to the 140.00 that are due, the threshold of the billing entity's campaign is reached at once.
    lower = {"dunning_campaign": {"thresholds": [{"currency": "USD", "amount_cents": 14_000}]}}
    changed = api.ok("PUT", "/dunning_campaigns/strict", lower)["dunning_campaign"]
    assert changed["thresholds"][0]["lago_id"] == strict["thresholds"][0]["lago_id"]
    api.move_to("2026-08-20T00:00:00Z")
    assert (len(days(api)), counts(api)[0]) == (2, {"USD": 1})
    # Deleted, it counts for nobody, and the count is gone.
    api.ok("DELETE", "/dunning_campaigns/strict")
    api.move_to("2026-08-31T00:00:00Z")
    assert (len(days(api)), counts(api)) == (2, ({}, None))
    assert api.ok("GET", "/billing_entities/default")["billing_entity"]["applied_dunning_campaign_id"] is None
    assert [one["code"] for one in api.ok("GET", "/dunning_campaigns")["dunning_campaigns"]] == ["gentle"]
    assert api.ok("GET", f"/dunning_campaigns/{gentle['lago_id']}")["dunning_campaign"]["code"] == "gentle"


def test_partners_and_the_deleted_are_asked_for_nothing(api: Api) -> None:
    campaign(api, thresholds=[{"currency": "USD", "amount_cents": 0}], applied_to_organization=True)
    api.customer("partner", account_type="partner")
    sell(api, 10_000, customer="partner")
    api.customer("gone")
    sell(api, 10_000, customer="gone")
    api.ok("DELETE", "/customers/gone")
    api.move_to("2026-07-05T00:00:00Z")
    assert days(api) == []


@pytest.mark.parametrize(
    ("fields", "details"),
    [
        ({"code": " ", "name": None}, {"code": ["value_is_mandatory"], "name": ["value_is_mandatory"]}),
        ({"thresholds": []}, {"thresholds": ["value_is_mandatory"]}),
        ({"thresholds": [{"currency": "XXX", "amount_cents": 1}]}, {"currency": ["value_is_invalid"]}),
        ({"thresholds": [{"currency": "USD", "amount_cents": 1}] * 2}, {"currency": ["value_already_exist"]}),
        ({"thresholds": [{"currency": "USD", "amount_cents": -1}]}, {"amount_cents": ["value_is_out_of_range"]}),
        (
            {"max_attempts": 0, "days_between_attempts": -1},
            {"max_attempts": ["value_is_out_of_range"], "days_between_attempts": ["value_is_out_of_range"]},
        ),
        ({"bcc_emails": ["nobody"]}, {"bcc_emails": ["invalid_email_format"]}),
        ({"code": "taken"}, {"code": ["value_already_exist"]}),
    ],
)
def test_what_a_campaign_cannot_be(sandbox: Api, fields: dict[str, Any], details: dict[str, Any]) -> None:
    campaign(sandbox, "taken")
    good = {"code": "other", "name": "Other", "thresholds": [{"currency": "USD", "amount_cents": 1}]}

    reply = sandbox.call("POST", "/dunning_campaigns", {"dunning_campaign": good | fields})

    assert (reply.status, reply.body["error_details"]) == (422, details)
    assert len(sandbox.ok("GET", "/dunning_campaigns")["dunning_campaigns"]) == 1
    defaults = sandbox.ok("POST", "/dunning_campaigns", {"dunning_campaign": good})["dunning_campaign"]
    assert (defaults["max_attempts"], defaults["days_between_attempts"], defaults["bcc_emails"]) == (1, 1, [])


def test_an_unknown_campaign_is_applied_to_nobody(sandbox: Api) -> None:
    refusal = {"status": 404, "error": "Not Found", "code": "dunning_campaign_not_found"}
    for wrong in ("none", "00000000-0000-4000-8000-000000000000"):
        made = sandbox.call("POST", "/customers", {"customer": {"external_id": "acme", "applied_dunning_campaign_id": wrong}})
        assert made.body == refusal
        entity = sandbox.call("PUT", "/billing_entities/default", {"billing_entity": {"applied_dunning_campaign_id": wrong}})
        assert entity.body == refusal
    assert sandbox.ok("GET", "/customers")["customers"] == []
