"""`preview_change`: what a change of plan or an end would bill, with nothing changed; and what the doctor says of the agenda."""

from typing import Any

import pytest

from tests.api.world import everything_stored
from tests.support.invoices import base_cents
from tests.support.server import Api, Server


@pytest.fixture
def api(server: Server) -> Api:
    """A subscription of 30.00 a month in advance, since 1 May 2025; the clock shows 11 June, 14:30."""
    api = server.organization(at="2025-05-01T00:00:00Z")
    api.plan("team", amount_cents=3000, pay_in_advance=True)
    api.plan("more", amount_cents=9000, pay_in_advance=True)
    api.plan("less", amount_cents=1500)
    api.customer()
    api.subscribe()
    api.move_to("2025-06-11T14:30:00Z")
    return api


def preview(api: Api, **wanted: Any) -> Any:
    before = everything_stored(api)
    found = api.ok("POST", "/subscriptions/sub/preview_change", wanted)["subscription_change"]
    assert everything_stored(api) == before
    return found


def test_an_upgrade_is_previewed_as_it_then_happens(api: Api) -> None:
    shown = preview(api, plan_code="more")

    assert (shown["change"], shown["effective_at"]) == ("upgrade", "2025-06-11T14:30:00Z")
    [unused] = shown["unused_time"]
    # 11–30 June are 20 of the 30 days of 30.00
    assert (unused["days"], unused["full_days"], unused["precise_amount_cents"], unused["method"]) == (20, 30, "2000.0", "credit")
    [invoice] = shown["invoices"]
    api.subscribe(plan="more")
    made = api.invoices()[-1]
    assert (base_cents(invoice), invoice["total_amount_cents"]) == (base_cents(made), made["total_amount_cents"])
    assert base_cents(made) == [6000]


def test_a_downgrade_is_previewed_for_the_end_of_the_period(api: Api) -> None:
    shown = preview(api, plan_code="less")

    assert (shown["change"], shown["effective_at"], shown["unused_time"]) == ("downgrade", "2025-07-01T00:00:00Z", [])
    assert [base_cents(invoice) for invoice in shown["invoices"]] in ([], [[]])


def test_an_end_is_previewed_at_an_instant(api: Api) -> None:
    now = preview(api, at="2025-06-11T14:30:00Z")
    later = preview(api, at="2025-06-20T12:00:00Z", on_termination_credit_note="refund")
    skipped = preview(api, on_termination_credit_note="skip")

    # 12–30 June are 19 days, 21–30 June are 10.
    assert [(item["days"], item["method"]) for item in now["unused_time"] + later["unused_time"]] == [(19, "credit"), (10, "refund")]
    assert (now["change"], later["effective_at"], skipped["unused_time"]) == ("termination", "2025-06-20T12:00:00Z", [])


@pytest.mark.parametrize(
    ("wanted", "status", "code"),
    [
        ({"plan_code": "team"}, 422, {"base": ["new_plan_should_be_different_from_existing_plan"]}),
        ({"at": "2025-06-11T14:29:59Z"}, 422, {"at": ["value_is_out_of_range"]}),
        ({"at": "2025-07-01T00:00:01Z"}, 422, {"at": ["value_is_out_of_range"]}),
        ({"at": "soon"}, 422, {"at": ["invalid_date"]}),
        ({"on_termination_invoice": "maybe"}, 422, {"on_termination_invoice": ["invalid_value"]}),
    ],
)
def test_a_preview_is_refused_with_the_field_and_its_code(api: Api, wanted: dict[str, Any], status: int, code: Any) -> None:
    reply = api.call("POST", "/subscriptions/sub/preview_change", wanted)

    assert (reply.status, reply.body["error_details"]) == (status, code)


def test_an_unknown_plan_or_subscription_is_not_found(api: Api) -> None:
    replies = [
        api.call("POST", "/subscriptions/sub/preview_change", {"plan_code": "none"}),
        api.call("POST", "/subscriptions/none/preview_change", {"plan_code": "more"}),
    ]

    assert [(reply.status, reply.body["code"]) for reply in replies] == [(404, "plan_not_found"), (404, "subscription_not_found")]
