"""Recurring rules of wallets that are made, changed and taken away while time goes on."""

from typing import Any

from tests.support.server import Api, Server


def rule_of(api: Api, wallet: dict[str, Any], *rules: dict[str, Any]) -> dict[str, Any]:
    body = {"wallet": {"recurring_transaction_rules": list(rules)}}
    return api.ok("PUT", f"/wallets/{wallet['lago_id']}", body)["wallet"]["recurring_transaction_rules"][0]


def made_by(api: Api, wallet: dict[str, Any], source: str) -> list[dict[str, Any]]:
    found = api.ok("GET", f"/wallets/{wallet['lago_id']}/wallet_transactions")["wallet_transactions"]
    return [item for item in reversed(found) if item["source"] == source]


def test_a_rule_added_on_its_day_fires_that_day_and_once(server: Server) -> None:
    api = server.organization(at="2026-01-15T10:00:00Z")
    api.customer(currency="USD")
    wallet = api.wallet(granted_credits=None)
    api.move_to("2026-02-15T10:00:00Z")
    monthly = {"trigger": "interval", "interval": "monthly", "granted_credits": "5"}
    rule = rule_of(api, wallet, monthly)
    # The wallet was made on the 15th, which is the anchor: today counts still.
    api.move_to("2026-02-15T11:00:00Z")
    assert [item["created_at"] for item in made_by(api, wallet, "interval")] == ["2026-02-15T10:00:00Z"]
    # Changed on the same day, or put in the place of itself, it does not fire twice.
    rule_of(api, wallet, {"lago_id": rule["lago_id"], "granted_credits": "7"} | monthly)
    rule_of(api, wallet, monthly)
    api.move_to("2026-03-20T00:00:00Z")
    assert [(item["created_at"], item["credit_amount"]) for item in made_by(api, wallet, "interval")] == [
        ("2026-02-15T10:00:00Z", "5.0"),
        ("2026-03-15T00:00:00Z", "5.0"),
    ]


def test_a_changed_rule_forgets_what_it_was(server: Server) -> None:
    api = server.organization(at="2026-01-15T10:00:00Z")
    api.customer(currency="USD")
    weekly = {"trigger": "interval", "interval": "weekly", "granted_credits": "5", "expiration_at": "2026-02-01T00:00:00Z"}
    wallet = api.wallet(granted_credits="100", recurring_transaction_rules=[weekly])
    [rule] = wallet["recurring_transaction_rules"]
    threshold = {"lago_id": rule["lago_id"], "trigger": "threshold", "threshold_credits": "10", "expiration_at": None}
    changed = rule_of(api, wallet, threshold)
    assert (changed["trigger"], changed["expiration_at"], changed["lago_id"]) == ("threshold", None, rule["lago_id"])
    api.move_to("2026-03-01T00:00:00Z")
    # No interval fired, and no end came: 100 - 95 = 5 are at most 10, so 5 are granted.
    assert made_by(api, wallet, "interval") == []
    api.ok("POST", "/wallet_transactions", {"wallet_transaction": {"wallet_id": wallet["lago_id"], "voided_credits": "95"}})
    api.move_to("2026-03-01T01:00:00Z")
    assert [item["credit_amount"] for item in made_by(api, wallet, "threshold")] == ["5.0"]
    # Null is nothing, and nothing that is said leaves it as it is.
    assert rule_of(api, wallet, threshold | {"paid_credits": "3", "granted_credits": None})["granted_credits"] == "0.0"
    kept = rule_of(api, wallet, threshold)
    assert (kept["paid_credits"], kept["granted_credits"]) == ("3.0", "0.0")
    body = {"wallet": {"recurring_transaction_rules": [threshold | {"transaction_name": "x" * 256}]}}
    too_long = api.call("PUT", f"/wallets/{wallet['lago_id']}", body)
    assert too_long.body["error_details"] == {"recurring_transaction_rules": ["invalid_recurring_rule"]}


def test_purchases_of_a_rule_carry_the_sections_it_chose(server: Server) -> None:
    api = server.organization(at="2026-01-15T10:00:00Z")
    api.customer(currency="USD")
    for code in ("own", "of_wallet", "later"):
        api.section(code)
    rule = {
        "trigger": "interval",
        "interval": "weekly",
        "paid_credits": "5",
        "invoice_custom_section": {"invoice_custom_section_codes": ["own"]},
    }
    chosen = {"invoice_custom_section_codes": ["of_wallet"]}
    wallet = api.wallet(granted_credits=None, recurring_transaction_rules=[rule], invoice_custom_section=chosen)
    [shown] = wallet["recurring_transaction_rules"]
    assert [item["invoice_custom_section"]["code"] for item in shown["applied_invoice_custom_sections"]] == ["own"]
    api.move_to("2026-01-22T10:00:00Z")
    later = {"lago_id": shown["lago_id"], "invoice_custom_section": {"invoice_custom_section_codes": ["later"]}}
    rule_of(api, wallet, later)
    api.move_to("2026-01-29T10:00:00Z")
    codes = [
        [section["code"] for section in api.ok("GET", f"/invoices/{item['lago_invoice_id']}")["invoice"]["applied_invoice_custom_sections"]]
        for item in made_by(api, wallet, "interval")
    ]
    assert codes == [["own"], ["later"]]


def test_a_draft_is_charged_to_the_wallet_that_its_events_named(server: Server) -> None:
    api = server.organization(at="2026-07-01T00:00:00Z")
    api.customer(currency="USD", billing_configuration={"invoice_grace_period": 3})
    metric = api.metric("calls", aggregation_type="sum_agg", field_name="n", recurring=False)
    api.plan(charges=[api.seat_charge(metric, "1", prorated=False, accepts_target_wallet=True)])
    api.subscribe()
    api.wallet(name="first", granted_credits="100", priority=1)
    api.wallet(name="second", granted_credits="100", priority=2)
    api.event("one", code="calls", n="30", target_wallet_code="second")
    for instant in ("2026-07-02T00:00:00Z", "2026-08-02T00:00:00Z", "2026-08-05T00:00:00Z"):
        api.move_to(instant)
        rows = api.ok("GET", "/wallets")["wallets"]
        assert sorted((row["code"], row["ongoing_balance_cents"]) for row in rows) == [("first", 10000), ("second", 7000)]
