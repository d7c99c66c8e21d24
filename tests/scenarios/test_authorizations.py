"""Parts of a wallet that are held, taken and let go; and usage that is refused where prepaid credits do not cover it."""

import threading
from typing import Any

import pytest

from tests.support.server import Api, Reply, Server


@pytest.fixture
def api(server: Server) -> Api:
    made = server.organization(at="2026-07-01T00:00:00Z")
    made.customer(currency="USD")
    return made


def calls(api: Api, **fields: Any) -> None:
    """Sell calls at 1.00 each to a subscriber."""
    metric = api.metric("calls", aggregation_type="sum_agg", field_name="n", recurring=False)
    api.plan(charges=[api.seat_charge(metric, "1", prorated=False)], **fields)
    api.subscribe()


def shown(api: Api, wallet: dict[str, Any]) -> dict[str, Any]:
    return api.ok("GET", f"/wallets/{wallet['lago_id']}")["wallet"]


def ask(api: Api, wallet: dict[str, Any], **fields: Any) -> Reply:
    return api.call("POST", f"/wallets/{wallet['lago_id']}/authorize", {"wallet_authorization": fields})


def hold(api: Api, wallet: dict[str, Any], **fields: Any) -> dict[str, Any]:
    reply = ask(api, wallet, **fields)
    assert reply.status == 200, reply.body
    return reply.body["wallet_authorization"]


def end(api: Api, held: dict[str, Any], how: str, **fields: Any) -> Reply:
    body = {"wallet_authorization": fields} if fields else None
    return api.call("POST", f"/wallet_authorizations/{held['lago_id']}/{how}", body)


def test_what_is_held_is_taken_or_let_go_once(api: Api) -> None:
    calls(api)
    wallet = api.wallet(rate_amount="0.5", granted_credits="20")
    api.event("one", code="calls", n="3")
    # 20 credits are 10.00; 3.00 are used, so 7.00 can be held.
    assert ask(api, wallet, amount_cents=701).body["error_details"] == {"amount_cents": ["insufficient_balance"]}
    first = hold(api, wallet, credits="8", reference="job 1", expires_in_seconds=600)
    assert {name: first[name] for name in first if not name.startswith("lago")} == {
        "reference": "job 1",
        "status": "held",
        "amount_cents": 400,
        "credit_amount": "8.0",
        "captured_amount_cents": 0,
        "captured_credit_amount": "0.0",
        "created_at": "2026-07-01T00:00:00Z",
        "expires_at": "2026-07-01T00:10:00Z",
        "settled_at": None,
    }
    # Asked again under its name it is the same; another amount is not.
    assert hold(api, wallet, amount_cents=400, reference="job 1")["lago_id"] == first["lago_id"]
    assert ask(api, wallet, amount_cents=1, reference="job 1").body["error_details"] == {"reference": ["value_already_exist"]}
    now = shown(api, wallet)
    assert [now[f"{name}_cents"] for name in ("balance", "reserved_amount", "ongoing_usage_balance", "ongoing_balance")] == [
        1000,
        400,
        700,
        300,
    ]
    second = hold(api, wallet, amount_cents=300)
    assert ask(api, wallet, amount_cents=1).status == 422
    # Held money cannot be voided either: 1000 - 700 = 300, which are 6 credits.
    void = {"wallet_transaction": {"wallet_id": wallet["lago_id"], "voided_credits": "6.1"}}
    assert api.call("POST", "/wallet_transactions", void).body["error_details"] == {"voided_credits": ["insufficient_credits"]}

    assert end(api, first, "capture", amount_cents=401).body["error_details"] == {"amount_cents": ["exceeds_authorized_amount"]}
    captured = end(api, first, "capture", amount_cents=150).body["wallet_authorization"]
    assert (captured["status"], captured["captured_amount_cents"], captured["captured_credit_amount"]) == ("captured", 150, "3.0")
    taken = api.ok("GET", f"/wallet_transactions/{captured['lago_wallet_transaction_id']}")["wallet_transaction"]
    assert (taken["transaction_status"], taken["amount"], taken["name"]) == ("voided", "1.5", "job 1")
    assert end(api, first, "capture", amount_cents=150).body["wallet_authorization"] == captured
    assert end(api, first, "capture", amount_cents=100).body["code"] == "authorization_not_held"
    assert end(api, first, "release").body["code"] == "authorization_not_held"

    released = end(api, second, "release").body["wallet_authorization"]
    assert (released["status"], end(api, second, "release").status, end(api, second, "capture").status) == ("released", 200, 405)
    now = shown(api, wallet)
    # 10.00 - 1.50 = 8.50, less 3.00 used.
    assert [now[f"{name}_cents"] for name in ("balance", "reserved_amount", "ongoing_balance")] == [850, 0, 550]
    listed = api.ok("GET", f"/wallets/{wallet['lago_id']}/authorizations", query={"status": "released"})
    assert [item["lago_id"] for item in listed["wallet_authorizations"]] == [second["lago_id"]]


def test_what_is_held_lasts_until_it_expires_and_no_invoice_takes_it(api: Api) -> None:
    calls(api)
    wallet = api.wallet(granted_credits="10")
    api.event("one", code="calls", n="4")
    july = hold(api, wallet, amount_cents=600, expires_at="2026-08-01T00:00:00Z")
    api.move_to("2026-07-31T00:00:00Z")
    over = hold(api, api.wallet(name="Other", granted_credits="5"), amount_cents=500, expires_in_seconds=172_800)
    api.event("two", code="calls", n="3")
    api.move_to("2026-08-01T00:00:00Z")
    # 7.00: the hold of 6.00 ended at that instant, so all of the first wallet is free; nothing of the other is.
    [invoice] = api.invoices()
    assert (invoice["prepaid_credit_amount_cents"], shown(api, wallet)["balance_cents"]) == (700, 300)
    assert api.ok("GET", f"/wallet_authorizations/{july['lago_id']}")["wallet_authorization"]["status"] == "expired"
    assert end(api, july, "capture").body["code"] == "authorization_not_held"
    api.move_to("2026-08-01T12:00:00Z")
    api.event("three", code="calls", n="4")
    api.terminate()
    # 4.00 more: 3.00 of the first; the other's 5.00 are held.
    assert [(row["total_amount_cents"], row["prepaid_credit_amount_cents"]) for row in api.invoices()] == [(0, 700), (100, 300)]
    api.ok("DELETE", f"/wallets/{over['lago_wallet_id']}")
    assert end(api, over, "release").body["wallet_authorization"]["status"] == "released"
    assert ask(api, {"lago_id": over["lago_wallet_id"]}, amount_cents=1).body["error_details"] == {"wallet_id": ["wallet_is_terminated"]}


def test_usage_that_credits_do_not_cover_is_refused(api: Api) -> None:
    calls(api, requires_wallet_balance=True)
    event = {"code": "calls", "external_subscription_id": "sub"}

    def send(name: str, n: str) -> Reply:
        return api.call("POST", "/events", {"event": event | {"transaction_id": name, "properties": {"n": n}}})

    assert send("none", "1").body["error_details"] == {"wallet": ["insufficient_balance"]}
    wallet = api.wallet(granted_credits="10")
    assert [send("a", "6").status, send("b", "4.01").status, send("c", "1").status] == [200, 422, 200]
    batch = [event | {"transaction_id": name, "properties": {"n": n}} for name, n in (("d", "2"), ("e", "2"))]
    refused = api.call("POST", "/events/batch", {"events": batch})
    assert refused.body["error_details"] == {"0": {"wallet": ["insufficient_balance"]}, "1": {"wallet": ["insufficient_balance"]}}
    held = hold(api, wallet, amount_cents=300)
    assert [send("f", "0.01").status, send("g", "0").status, end(api, held, "release").status, send("d", "3").status] == [
        422,
        200,
        200,
        200,
    ]
    assert api.usage()["amount_cents"] == 1000
    assert send("a", "6").body["error_details"] == {"transaction_id": ["value_already_exist"]}
    advance = api.metric("pings", aggregation_type="count_agg", recurring=False, field_name=None)
    charge = {
        "code": "pings",
        "billable_metric_id": advance["lago_id"],
        "charge_model": "standard",
        "pay_in_advance": True,
        "properties": {"amount": "1"},
    }
    refused = api.call("POST", "/plans/team/charges", {"charge": charge})
    assert refused.body["error_details"] == {"requires_wallet_balance": ["not_compatible_with_pay_in_advance"]}


def test_many_at_once_never_overspend_by_a_cent(api: Api) -> None:
    calls(api, requires_wallet_balance=True)
    wallet = api.wallet(granted_credits="20")
    statuses: list[tuple[str, int]] = []

    def work(worker: int) -> None:
        # Connections of their own are spread over the server's processes.
        own = Api(api.port, api.key)
        for number in range(6):
            held = ask(own, wallet, amount_cents=100)
            statuses.append(("hold", held.status))
            if held.status == 200 and number % 3 == 0:
                end(own, held.body["wallet_authorization"], "capture")
            name = f"{worker}-{number}"
            event = {"transaction_id": name, "code": "calls", "external_subscription_id": "sub", "properties": {"n": "1"}}
            statuses.append(("event", own.call("POST", "/events", {"event": event}).status))
        own.close()

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # 36 holds and 36 events of 1.00 each ask for 20.00: exactly 20 get it, whoever they are.
    assert {status for _, status in statuses} == {200, 422}
    assert [status for _, status in statuses].count(200) == 20
    now = shown(api, wallet)
    assert now["ongoing_balance_cents"] == 0
    assert now["balance_cents"] - now["reserved_amount_cents"] == api.usage()["amount_cents"]
