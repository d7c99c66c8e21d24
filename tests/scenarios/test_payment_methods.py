"""Which of a customer's payment methods is charged for what, over HTTP on a test clock."""

from typing import Any

import pytest

from tests.support.receiver import receiving
from tests.support.server import Api, Server

START = "2026-07-01T00:00:00Z"
NOBODY = "01a210f3-3209-7000-8acb-fe2a725a5ff4"


@pytest.fixture
def api(server: Server) -> Api:
    """A customer whose default method pays, and who has another that is refused, and one who has neither."""
    made = server.organization(at=START)
    made.add_on("setup", amount_cents=1_000)
    made.plan(amount_cents=3_100, pay_in_advance=True)
    made.ok("POST", "/payment_providers", {"payment_provider": {"provider_type": "simulator", "code": "sim", "name": "Simulated"}})
    link = {"payment_provider": "simulator", "provider_customer_id": "sim_decline", "sync": True}
    made.customer("acme", currency="USD", billing_configuration=link)
    made.ok("POST", "/customers/acme/payment_methods", {"payment_method": {"provider_method_id": "sim_success"}})
    made.customer("other", currency="USD", billing_configuration=link)
    return made


def methods(api: Api, customer: str = "acme") -> dict[str, str]:
    found = api.ok("GET", f"/customers/{customer}/payment_methods")["payment_methods"]
    return {one["provider_method_id"]: one["lago_id"] for one in found}


def named(method_id: str) -> dict[str, str]:
    return {"payment_method_type": "provider", "payment_method_id": method_id}


BY_HAND = {"payment_method_type": "manual", "payment_method_id": None}


def attempts(api: Api, invoice_id: str) -> list[tuple[str, str]]:
    found = api.ok("GET", "/payments", query={"invoice_id": invoice_id})["payments"]
    return [(one["payment_status"], one["payment_method_id"]) for one in found]


def test_what_is_named_is_charged_and_nothing_in_its_place(api: Api) -> None:
    good, bad = methods(api)["sim_success"], methods(api)["sim_decline"]
    made = api.subscribe(payment_method=named(bad))
    assert made["payment_method"] == named(bad)
    api.move_to(START)
    [july] = api.invoices()
    assert (july["payment_status"], attempts(api, july["lago_id"])) == ("failed", [("failed", bad)])
    changed = api.ok("PUT", "/subscriptions/sub", {"subscription": {"payment_method": named(good)}})["subscription"]
    assert changed["payment_method"] == named(good)
    api.move_to("2026-08-01T00:00:00Z")
    august = api.invoices()[-1] if api.invoices()[-1]["lago_id"] != july["lago_id"] else api.invoices()[0]
    assert (august["payment_status"], attempts(api, august["lago_id"])) == ("succeeded", [("succeeded", good)])
    # Removed: nothing is charged, although another method is there and is the default.
    api.ok("PUT", f"/customers/acme/payment_methods/{bad}/set_as_default")
    api.ok("DELETE", f"/customers/acme/payment_methods/{good}")
    api.move_to("2026-09-01T00:00:00Z")
    known = {july["lago_id"], august["lago_id"]}
    [september] = [one for one in api.invoices() if one["lago_id"] not in known]
    assert (september["payment_status"], attempts(api, september["lago_id"])) == ("pending", [])
    cleared = api.ok("PUT", "/subscriptions/sub", {"subscription": {"payment_method": None}})["subscription"]
    assert cleared["payment_method"] == {"payment_method_type": "provider", "payment_method_id": None}


def test_a_purchase_is_paid_as_it_says_or_its_rule_or_its_wallet(api: Api) -> None:
    good, bad = methods(api)["sim_success"], methods(api)["sim_decline"]
    rule = {"trigger": "interval", "interval": "monthly", "paid_credits": "3", "granted_credits": "0", "payment_method": BY_HAND}
    wallet = api.wallet(granted_credits=None, paid_credits="1", payment_method=named(bad), recurring_transaction_rules=[rule])
    shown = api.ok("GET", f"/wallets/{wallet['lago_id']}")["wallet"]
    assert (shown["payment_method"], shown["recurring_transaction_rules"][0]["payment_method"]) == (named(bad), BY_HAND)

    def buy(credits: str, **fields: Any) -> dict[str, Any]:
        body = {"wallet_id": wallet["lago_id"], "paid_credits": credits} | fields
        bought: dict[str, Any] = api.ok("POST", "/wallet_transactions", {"wallet_transaction": body})["wallet_transactions"][0]
        return bought

    own = buy("2", payment_method=named(good))
    assert own["payment_method"] == named(good)
    api.move_to("2026-08-01T00:00:00Z")
    found = api.ok("GET", f"/wallets/{wallet['lago_id']}/wallet_transactions")["wallet_transactions"]
    paid = {one["credit_amount"]: (one["status"], one["source"], attempts(api, one["lago_invoice_id"])) for one in found}
    assert paid == {
        "1.0": ("failed", "manual", [("failed", bad)]),  # the wallet's
        "2.0": ("settled", "manual", [("succeeded", good)]),  # its own
        "3.0": ("pending", "interval", []),  # the rule's: by hand
    }
    api.ok("PUT", f"/wallets/{wallet['lago_id']}", {"wallet": {"payment_method": None}})
    buy("4")
    api.move_to("2026-08-01T00:00:00Z")
    assert api.ok("GET", f"/wallets/{wallet['lago_id']}")["wallet"]["credits_balance"] == "6.0"  # 2 and 4


def test_what_cannot_be_named(api: Api) -> None:
    strangers = (methods(api, "other")["sim_decline"], NOBODY, "card")
    wallet = api.wallet(granted_credits="1")
    sold = {"external_customer_id": "acme", "fees": [{"add_on_code": "setup"}]}
    subscription = {"external_customer_id": "acme", "plan_code": "team", "external_id": "sub"}
    asks: list[tuple[str, str, str, dict[str, Any]]] = [
        ("POST", "/subscriptions", "subscription", subscription),
        ("POST", "/wallets", "wallet", {"external_customer_id": "acme", "rate_amount": "1"}),
        ("PUT", f"/wallets/{wallet['lago_id']}", "wallet", {}),
        ("POST", "/wallet_transactions", "wallet_transaction", {"wallet_id": wallet["lago_id"], "paid_credits": "5"}),
        ("POST", "/invoices", "invoice", sold),
    ]
    wrong = [named(stranger) for stranger in strangers]
    wrong += [{"payment_method_type": "manual", "payment_method_id": methods(api)["sim_success"]}, {"payment_method_type": "gold"}]
    for method, path, root, fields in asks:
        for reference in wrong:
            reply = api.call(method, path, {root: fields | {"payment_method": reference}})
            assert (reply.status, reply.body["error_details"]) == (422, {"payment_method": ["invalid_payment_method"]}), (path, reference)
    rule = {"trigger": "interval", "interval": "monthly", "paid_credits": "3", "payment_method": wrong[0]}
    body = {"wallet": {"external_customer_id": "acme", "rate_amount": "1", "recurring_transaction_rules": [rule]}}
    assert api.call("POST", "/wallets", body).body["error_details"] == {"recurring_transaction_rules": ["invalid_recurring_rule"]}
    assert (len(api.ok("GET", "/wallets")["wallets"]), api.invoices()) == (1, [])


def test_what_webhooks_tell_of_providers(api: Api) -> None:
    def link(name: str, **configuration: Any) -> dict[str, str]:
        configuration = {"payment_provider": "simulator", "payment_provider_code": "sim", "sync": True} | configuration
        made = api.customer(name, currency="USD", billing_configuration=configuration)
        return {
            "lago_customer_id": made["lago_id"],
            "external_customer_id": name,
            "provider_customer_id": configuration.get("provider_customer_id"),
            "payment_provider": "simulator",
            "payment_provider_code": "sim",
        }

    def sell(name: str) -> dict[str, Any]:
        made: dict[str, Any] = api.ok("POST", "/invoices", {"invoice": {"external_customer_id": name, "fees": [{"add_on_code": "setup"}]}})[
            "invoice"
        ]
        return made

    with receiving() as receiver:
        api.ok("POST", "/webhook_endpoints", {"webhook_endpoint": {"webhook_url": receiver.url}})
        api.customer("nobody", currency="USD")
        new = link("new", sync_with_provider=True)
        poor = link("poor", provider_customer_id="sim_decline_insufficient_funds")
        link("asked", provider_customer_id="sim_action_after_1d")
        refused, alone, asked = sell("poor"), sell("nobody"), sell("asked")
        wallet = api.wallet("poor", granted_credits=None, paid_credits="7", invoice_requires_successful_payment=True)
        api.move_to("2026-07-02T00:00:00Z")
        assert api.call("POST", f"/invoices/{alone['lago_id']}/retry_payment").status == 200
        # The purchase waits unseen for its payment: its invoice is told of by the wallet's transaction alone.
        failures = receiver.wait_for_type("invoice.payment_failure", 2)
        [purchase] = receiver.wait_for_type("wallet_transaction.payment_failure")
        [waits] = receiver.wait_for_type("payment.requires_action")
        [confirmed] = receiver.wait_for_type("payment.succeeded")
        [made] = receiver.wait_for_type("customer.payment_provider_created")

    told = {one.json["payment_provider_invoice_payment_error"]["lago_invoice_id"]: one.json for one in failures}
    error = {"message": "Insufficient funds.", "error_code": "insufficient_funds"}
    assert told[refused["lago_id"]]["payment_provider_invoice_payment_error"] == {
        "lago_invoice_id": refused["lago_id"],
        **poor,
        "provider_error": error,
        "error_details": None,
    }
    impossible = told[alone["lago_id"]]["payment_provider_invoice_payment_error"]
    assert (impossible["error_details"], impossible["payment_provider"]) == ({"code": "customer_must_have_payment_provider"}, None)
    [bought] = api.ok("GET", f"/wallets/{wallet['lago_id']}/wallet_transactions")["wallet_transactions"]
    assert purchase.json["payment_provider_wallet_transaction_payment_error"] == {
        "lago_wallet_transaction_id": bought["lago_id"],
        **poor,
        "provider_error": error,
    }
    assert (bought["status"], len(told)) == ("failed", 2)
    for news, status in ((waits, "requires_action"), (confirmed, "succeeded")):
        payment = news.json["payment"]
        assert (payment["lago_payable_id"], payment["status"], payment["payable_type"]) == (asked["lago_id"], status, "Invoice")
    assert waits.json["payment"]["next_action"] == {"type": "simulated"}
    assert made.json["customer"]["billing_configuration"]["provider_customer_id"].startswith("sim_cus_")
    assert made.json["customer"]["lago_id"] == new["lago_customer_id"]
