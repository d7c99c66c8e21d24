"""`Idempotency-Key` on POST."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.support.server import Api, Reply, Server


def post(api: Api, path: str, body: Any, key: str) -> Reply:
    return api.raw("POST", "/api/v1" + path, json.dumps(body).encode(), {"Idempotency-Key": key})


def top_up(wallet: dict[str, Any], credits: str = "5") -> dict[str, Any]:
    return {"wallet_transaction": {"wallet_id": wallet["lago_id"], "granted_credits": credits}}


def balance(api: Api, wallet: dict[str, Any]) -> str:
    return str(api.ok("GET", f"/wallets/{wallet['lago_id']}")["wallet"]["credits_balance"])


def test_a_repeated_top_up_grants_once(sandbox: Api, server: Server) -> None:
    sandbox.customer()
    wallet = sandbox.wallet()
    first = post(sandbox, "/wallet_transactions", top_up(wallet), "one")
    assert first.status == 200
    turned = {"wallet_transaction": dict(reversed(list(top_up(wallet)["wallet_transaction"].items())))}
    for body in (top_up(wallet), turned):
        again = post(sandbox, "/wallet_transactions", body, "one")
        assert (again.status, again.body) == (200, first.body)
    assert balance(sandbox, wallet) == "105.0"
    other = post(sandbox, "/wallet_transactions", top_up(wallet, "6"), "one")
    assert (other.status, other.body) == (
        422,
        {"status": 422, "error": "Unprocessable Entity", "code": "idempotency_key_reused"},
    )
    assert post(sandbox, "/customers", {"customer": {"external_id": "acme"}}, "one").body["code"] == "idempotency_key_reused"
    assert post(sandbox, "/wallet_transactions", top_up(wallet), "two").status == 200
    assert balance(sandbox, wallet) == "110.0"
    stranger = server.organization()
    assert post(stranger, "/customers", {"customer": {"external_id": "acme"}}, "one").status == 200


def test_a_key_counts_for_a_day(sandbox: Api) -> None:
    body = {"customer": {"external_id": "acme", "name": "Acme"}}
    first = post(sandbox, "/customers", body, "key").body
    sandbox.customer(name="Other")
    sandbox.move_to("2026-07-01T23:59:59Z")
    assert post(sandbox, "/customers", body, "key").body == first
    sandbox.move_to("2026-07-02T00:00:00Z")
    assert post(sandbox, "/customers", body, "key").body["customer"]["updated_at"] == "2026-07-02T00:00:00Z"


def test_nothing_is_kept_of_what_was_refused(sandbox: Api) -> None:
    refused = post(sandbox, "/customers", {"customer": {"external_id": "acme", "currency": "???"}}, "key")
    assert refused.status == 422
    assert post(sandbox, "/customers", {"customer": {"external_id": "acme"}}, "key").status == 200
    too_long = post(sandbox, "/customers", {"customer": {"external_id": "acme"}}, "k" * 256)
    assert too_long.body["error_details"] == {"idempotency_key": ["value_is_too_long"]}


def test_repeats_that_come_at_once_are_carried_out_once(server: Server, sandbox: Api) -> None:
    sandbox.customer()
    wallet = sandbox.wallet()
    clients = [server.client(sandbox.key) for _ in range(6)]
    with ThreadPoolExecutor(len(clients)) as threads:
        replies = list(threads.map(lambda api: post(api, "/wallet_transactions", top_up(wallet), "one"), clients))
    assert {reply.status for reply in replies} == {200}
    assert len({json.dumps(reply.body) for reply in replies}) == 1
    assert balance(sandbox, wallet) == "105.0"


def test_events_are_answered_the_same_again(sandbox: Api) -> None:
    event = {"event": {"transaction_id": "t1", "code": "seats", "external_subscription_id": "sub", "properties": {"n": "1"}}}
    first = post(sandbox, "/events", event, "key")
    assert first.status == 200
    again = post(sandbox, "/events", event, "key")
    assert (again.status, again.body) == (200, first.body)
    batch = {"events": [event["event"] | {"transaction_id": "t2"}]}
    assert post(sandbox, "/events/batch", batch, "key").body["code"] == "idempotency_key_reused"
    assert post(sandbox, "/events/batch", batch, "other").body == post(sandbox, "/events/batch", batch, "other").body
    assert sandbox.ok("GET", "/events")["meta"]["total_count"] == 2
