"""Wallets over HTTP: made, topped up, taken back, ended; what is used shows at once. Names carry the numbers of worked examples."""

from typing import Any

import pytest

from tests.support.server import Api, Server

START = "2026-07-01T00:00:00Z"


@pytest.fixture
def api(server: Server) -> Api:
    made = server.organization(at=START)
    made.customer(currency="USD")
    return made


def transactions(api: Api, wallet: dict[str, Any], **query: Any) -> list[dict[str, Any]]:
    return api.ok("GET", f"/wallets/{wallet['lago_id']}/wallet_transactions", query=query)["wallet_transactions"]


def top_up(api: Api, wallet: dict[str, Any], **fields: Any) -> list[dict[str, Any]]:
    body = {"wallet_transaction": {"wallet_id": wallet["lago_id"]} | fields}
    return api.ok("POST", "/wallet_transactions", body)["wallet_transactions"]


def refusal(api: Api, path: str, body: dict[str, Any], *, method: str = "POST") -> Any:
    reply = api.call(method, path, body)
    assert reply.status == 422, reply.body
    return reply.body["error_details"]


def test_a_wallet_as_it_is_made_and_as_it_is(api: Api) -> None:
    body = {"external_customer_id": "acme", "name": "Team credits!", "rate_amount": "0.5", "currency": "USD", "granted_credits": "33.333"}
    made = api.ok("POST", "/wallets", {"wallet": body})["wallet"]

    assert {name: made[name] for name in ("code", "status", "priority", "credits_balance", "balance_cents", "rate_amount")} == {
        "code": "team_credits",
        "status": "active",
        "priority": 50,
        "credits_balance": "0.0",
        "balance_cents": 0,
        "rate_amount": "0.5",
    }
    assert made["applies_to"] == {"fee_types": [], "billable_metric_codes": []}
    assert made["payment_method"] == {"payment_method_id": None, "payment_method_type": "provider"}
    assert "metadata" not in made
    # wallets_1: 33.333 * 0.5 = 16.6665 -> 16.67; 16.67 / 0.5 = 33.34 credits
    wallet = api.ok("GET", f"/wallets/{made['lago_id']}")["wallet"]
    assert (wallet["credits_balance"], wallet["balance_cents"], wallet["ongoing_balance_cents"]) == ("33.34", 1667, 1667)
    [granted] = transactions(api, wallet)
    assert granted | {"lago_id": "", "lago_wallet_id": ""} == {
        "lago_id": "",
        "lago_wallet_id": "",
        "lago_invoice_id": None,
        "lago_credit_note_id": None,
        "lago_voided_invoice_id": None,
        "billing_entity_code": "default",
        "status": "settled",
        "source": "manual",
        "transaction_status": "granted",
        "transaction_type": "inbound",
        "amount": "16.67",
        "credit_amount": "33.34",
        "remaining_amount_cents": 1667,
        "remaining_credit_amount": "33.34",
        "priority": 50,
        "purchase_order_number": None,
        "settled_at": START,
        "failed_at": None,
        "created_at": START,
        "invoice_requires_successful_payment": False,
        "metadata": [],
        "name": None,
        "payment_method": {"payment_method_id": None, "payment_method_type": "provider"},
    }


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"paid_credits": 10}, {"paid_credits": ["invalid_paid_credits", "invalid_amount"]}),
        ({"granted_credits": "-1"}, {"granted_credits": ["invalid_granted_credits", "invalid_amount"]}),
        ({"granted_credits": "0.001", "rate_amount": "2.5"}, {"granted_credits": ["amount_rounds_to_zero"]}),
        ({"paid_credits": "99", "rate_amount": "0.1", "paid_top_up_min_amount_cents": 1000}, {"paid_credits": ["amount_below_minimum"]}),
        ({"paid_credits": "2001", "rate_amount": "0.1", "paid_top_up_max_amount_cents": 20000}, {"paid_credits": ["amount_above_maximum"]}),
        (
            {"paid_top_up_min_amount_cents": 20, "paid_top_up_max_amount_cents": 10},
            {"paid_top_up_max_amount_cents": ["must_be_greater_than_or_equal_min"]},
        ),
        ({"rate_amount": "0"}, {"rate_amount": ["value_is_out_of_range"]}),
        ({"priority": 51}, {"priority": ["value_is_invalid"]}),
        ({"currency": "XXX"}, {"currency": ["value_is_invalid"]}),
        ({"expiration_at": "2026-06-30T00:00:00Z"}, {"expiration_at": ["invalid_date"]}),
        ({"expiration_at": "soon"}, {"expiration_at": ["invalid_date"]}),
        ({"external_customer_id": "nobody"}, {"customer": ["customer_not_found"]}),
        ({"payment_method": {"payment_method_id": "x"}}, {"payment_method": ["invalid_payment_method"]}),
        ({"transaction_metadata": "x"}, {"metadata": ["invalid_type"]}),
        ({"transaction_metadata": [{"key": "k" * 21, "value": "v"}]}, {"metadata": ["key_too_long"]}),
        ({"applies_to": {"fee_types": ["beer"]}}, {"applies_to": ["invalid_limitations"], "allowed_fee_types": ["invalid_fee_types"]}),
        (
            {"applies_to": {"billable_metric_codes": ["beer"]}},
            {"applies_to": ["invalid_limitations"], "billable_metrics": ["invalid_identifier"]},
        ),
        (
            {"recurring_transaction_rules": [{"trigger": "interval"}, {"trigger": "interval"}]},
            {"recurring_transaction_rules": ["invalid_number_of_recurring_rules"]},
        ),
        (
            {"recurring_transaction_rules": [{"trigger": "interval", "interval": "hourly"}]},
            {"recurring_transaction_rules": ["invalid_recurring_rule"]},
        ),
        (
            {"recurring_transaction_rules": [{"trigger": "threshold", "threshold_credits": 10}]},
            {"recurring_transaction_rules": ["invalid_recurring_rule"]},
        ),
    ],
)
def test_what_is_refused_leaves_nothing(api: Api, fields: dict[str, Any], expected: dict[str, list[str]]) -> None:
    body = {"external_customer_id": "acme", "rate_amount": "1", "currency": "USD"} | fields
    assert refusal(api, "/wallets", {"wallet": body}) == expected
    assert api.ok("GET", "/wallets")["wallets"] == []


def test_limits_can_be_passed_over(api: Api) -> None:
    wallet = api.wallet(
        rate_amount="0.1",
        granted_credits="99",
        paid_top_up_min_amount_cents=1000,
        ignore_paid_top_up_limits_on_creation=True,
        paid_credits="99",
    )
    assert sorted(item["transaction_status"] for item in transactions(api, wallet)) == ["granted", "purchased"]
    assert wallet["balance_cents"] == 990


def test_six_active_wallets_are_the_most(api: Api) -> None:
    codes = [api.wallet()["code"] for _ in range(2)] + [api.wallet(name=f"w{number}")["code"] for number in range(4)]
    assert codes[0] == "credits"
    assert codes[1].startswith("credits_")
    body = {"external_customer_id": "acme", "rate_amount": "1", "currency": "USD"}
    assert refusal(api, "/wallets", {"wallet": body}) == {"customer": ["wallet_limit_reached"]}
    api.ok("DELETE", "/customers/acme/wallets/w1")
    assert api.wallet(name="w1")["code"] == "w1"


def test_credits_are_taken_back(api: Api) -> None:
    wallet = api.wallet(rate_amount="1.5", granted_credits="10")
    # wallets_18: 3.333399 -> 3.33339 credits; * 1.5 = 5.000085 -> 5.00
    [void] = top_up(api, wallet, voided_credits="3.333399")
    assert (void["amount"], void["credit_amount"], void["transaction_type"], void["transaction_status"]) == (
        "5.0",
        "3.33339",
        "outbound",
        "voided",
    )
    now = api.ok("GET", f"/wallets/{wallet['lago_id']}")["wallet"]
    assert (now["balance_cents"], now["credits_balance"], now["consumed_credits"]) == (1000, "6.66661", "3.33339")
    assert refusal(api, "/wallet_transactions", {"wallet_transaction": {"wallet_id": wallet["lago_id"], "voided_credits": "7"}}) == {
        "voided_credits": ["insufficient_credits"]
    }
    [funding] = api.ok("GET", f"/wallet_transactions/{void['lago_id']}/fundings")["wallet_transaction_fundings"]
    assert (funding["amount_cents"], funding["wallet_transaction"]["transaction_status"]) == (500, "granted")
    lot = funding["wallet_transaction"]
    assert lot["remaining_amount_cents"] == 1000
    [use] = api.ok("GET", f"/wallet_transactions/{lot['lago_id']}/consumptions")["wallet_transaction_consumptions"]
    assert use["wallet_transaction"]["lago_id"] == void["lago_id"]
    assert refusal(api, f"/wallet_transactions/{lot['lago_id']}/payment_url", {}) == {"base": ["wallet_transaction_not_purchased"]}


def test_wallets_19_a_whole_lot_is_taken_back(api: Api) -> None:
    wallet = api.wallet(rate_amount="0.5", granted_credits="7.5")
    [lot] = transactions(api, wallet)
    [void] = top_up(api, wallet, voided_transaction_id=lot["lago_id"])
    assert (void["credit_amount"], void["amount"]) == ("7.5", "3.75")
    body = {"wallet_transaction": {"wallet_id": wallet["lago_id"], "voided_transaction_id": lot["lago_id"]}}
    assert refusal(api, "/wallet_transactions", body) == {"voided_transaction_id": ["no_remaining_amount"]}


def test_nothing_asked_for_makes_nothing(api: Api) -> None:
    wallet = api.wallet()
    assert top_up(api, wallet, void_credits="5") == []
    assert top_up(api, wallet, paid_credits="0", granted_credits=None) == []
    assert len(transactions(api, wallet, transaction_status="nonsense")) == 1
    assert transactions(api, wallet, transaction_status="purchased") == []
    named = {"wallet_id": wallet["lago_id"], "granted_credits": "1", "name": 5}
    assert refusal(api, "/wallet_transactions", {"wallet_transaction": named}) == {"name": ["invalid_value"]}


def test_a_wallet_changes_only_where_it_is_asked_to(api: Api) -> None:
    api.metric()
    wallet = api.wallet(applies_to={"fee_types": ["charge"], "billable_metric_codes": ["seats"]}, metadata={"tier": "gold"})
    path = f"/wallets/{wallet['lago_id']}"
    changed = api.ok("PUT", path, {"wallet": {"name": "Renamed", "rate_amount": "9", "priority": 3}})["wallet"]
    assert (changed["name"], changed["rate_amount"], changed["priority"], changed["code"]) == ("Renamed", "1.0", 3, "credits")
    assert changed["applies_to"] == {"fee_types": ["charge"], "billable_metric_codes": ["seats"]}
    assert "metadata" not in api.ok("PUT", path, {"wallet": {"metadata": None}})["wallet"]
    assert api.ok("POST", f"{path}/metadata", {"metadata": {"tier": "gold"}})["metadata"] == {"tier": "gold"}
    assert api.ok("PATCH", f"{path}/metadata", {"metadata": {"more": None}})["metadata"] == {"tier": "gold", "more": None}
    assert api.ok("DELETE", f"{path}/metadata/tier")["metadata"] == {"more": None}
    assert api.ok("DELETE", f"{path}/metadata")["metadata"] is None
    assert api.call("DELETE", f"{path}/metadata/tier").body["code"] == "metadata_not_found"
    cleared = api.ok("PUT", path, {"wallet": {"name": None, "applies_to": {"fee_types": [], "billable_metric_codes": []}}})["wallet"]
    assert (cleared["name"], cleared["applies_to"]) == (None, {"fee_types": [], "billable_metric_codes": []})


def test_an_ended_wallet_keeps_what_is_left_and_takes_nothing(api: Api) -> None:
    wallet = api.wallet(expiration_at="2026-07-10T12:00:00Z")
    api.move_to("2026-07-10T12:00:00Z")
    ended = api.ok("GET", "/customers/acme/wallets/credits")["wallet"]
    assert (ended["status"], ended["terminated_at"], ended["balance_cents"]) == ("terminated", "2026-07-10T12:00:00.000Z", 10000)
    body = {"wallet_transaction": {"wallet_id": wallet["lago_id"], "granted_credits": "1"}}
    assert refusal(api, "/wallet_transactions", body) == {"wallet_id": ["wallet_is_terminated"]}
    assert refusal(api, f"/wallets/{wallet['lago_id']}", {"wallet": {"name": "x"}}, method="PUT") == {"wallet_id": ["wallet_is_terminated"]}
    assert api.ok("DELETE", f"/wallets/{wallet['lago_id']}")["wallet"]["status"] == "terminated"
    # The code is free again, and leads to the active one.
    again = api.wallet()
    assert api.ok("GET", "/customers/acme/wallets/credits")["wallet"]["lago_id"] == again["lago_id"]


def test_what_is_used_shows_in_the_next_read(api: Api) -> None:
    metric = api.metric("calls", aggregation_type="sum_agg", field_name="n", recurring=False)
    api.plan(charges=[api.seat_charge(metric, "2", prorated=False)])
    api.subscribe()
    first = api.wallet(name="first", granted_credits="10", priority=1)
    second = api.wallet(name="second", granted_credits="5", priority=2)
    api.event("one", code="calls", n="3")
    # 3 * 2.00 = 6.00 of the first
    shown = api.ok("GET", f"/wallets/{first['lago_id']}")["wallet"]
    assert (shown["ongoing_usage_balance_cents"], shown["ongoing_balance_cents"], shown["credits_ongoing_balance"]) == (600, 400, "4.0")
    api.event("two", code="calls", n="8")
    # wallets_13: 22.00: the first gives 10.00, the last takes the rest of 12.00
    figures = [(row["name"], row["ongoing_balance_cents"], row["balance_cents"]) for row in api.ok("GET", "/wallets")["wallets"]]
    assert sorted(figures) == [("first", 0, 1000), ("second", -700, 500)]
    assert second["ongoing_balance_cents"] == 500


def test_wallets_17_an_interval_rule(server: Server) -> None:
    api = server.organization(at="2026-01-20T10:00:00Z")
    api.customer(currency="EUR", timezone="Europe/Paris")
    rule = {"trigger": "interval", "interval": "monthly", "granted_credits": "5", "started_at": "2026-01-31T08:00:00Z"}
    wallet = api.wallet(currency="EUR", granted_credits="1", recurring_transaction_rules=[rule])
    [shown] = wallet["recurring_transaction_rules"]
    assert (shown["trigger"], shown["method"], shown["granted_credits"], shown["status"]) == ("interval", "fixed", "5.0", "active")
    api.move_to("2026-05-01T10:00:00Z")
    made = [item["created_at"] for item in reversed(transactions(api, wallet)) if item["source"] == "interval"]
    # Not before the anchor of 31 January 09:00 in Paris; then at local midnight, which is 22:00 UTC in summer.
    assert made == ["2026-01-31T08:00:00Z", "2026-02-27T23:00:00Z", "2026-03-30T22:00:00Z", "2026-04-29T22:00:00Z"]
    assert api.ok("GET", f"/wallets/{wallet['lago_id']}")["wallet"]["balance_cents"] == 100 + 4 * 500
    ended = api.ok("PUT", f"/wallets/{wallet['lago_id']}", {"wallet": {"recurring_transaction_rules": []}})["wallet"]
    assert ended["recurring_transaction_rules"] == []
    api.move_to("2026-07-01T10:00:00Z")
    assert len(transactions(api, wallet, transaction_status="granted")) == 5


def test_a_threshold_rule_grants_what_is_missing_to_its_target(api: Api) -> None:
    metric = api.metric("calls", aggregation_type="sum_agg", field_name="n", recurring=False)
    api.plan(charges=[api.seat_charge(metric, "1", prorated=False)])
    api.subscribe()
    rule = {
        "trigger": "threshold",
        "threshold_credits": "30",
        "method": "target",
        "target_ongoing_balance": "100",
        "grants_target_top_up": True,
    }
    wallet = api.wallet(recurring_transaction_rules=[rule])
    api.event("one", code="calls", n="77.5")
    # wallets_16: the ongoing balance is 22.5, so 77.5 are granted.
    api.ok("PUT", f"/wallets/{wallet['lago_id']}", {"wallet": {"name": "looked at"}})
    api.move_to("2026-07-02T00:00:00Z")
    [topped] = [item for item in transactions(api, wallet) if item["source"] == "threshold"]
    assert (topped["credit_amount"], topped["transaction_status"]) == ("77.5", "granted")
    assert api.ok("GET", f"/wallets/{wallet['lago_id']}")["wallet"]["credits_ongoing_balance"] == "100.0"
