"""Events paid for in advance that come at once through several processes, or into one that dies: one fee each, together the right sum."""

import http.client
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.server import HOST, Api, Server
from tests.support.threads import at_once

EVENTS = 40
WITHIN_S = 30
RANGES = [
    {"from_value": 0, "to_value": 10, "per_unit_amount": "0.3", "flat_amount": "7"},
    {"from_value": 11, "to_value": None, "per_unit_amount": "0.2", "flat_amount": "4"},
]


@pytest.fixture(scope="module")
def two_webs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("advance") / "data", environment={"DAYCOUNT_WEB_PROCESSES": "2"}).start()
    yield made
    assert made.stop() == 0, made.log()


def an_organization(server: Server, *, at: str | None) -> Api:
    """Subscribe to calls by tiers, standing alone, and at 1.00 each, invoiced; both in advance."""
    api = server.organization(at=at)
    metric = api.metric("calls", aggregation_type="count_agg", field_name=None, recurring=False)
    base = {"billable_metric_id": metric["lago_id"], "pay_in_advance": True}
    by_tiers = base | {"charge_model": "graduated", "properties": {"graduated_ranges": RANGES}, "invoiceable": False}
    api.plan(charges=[by_tiers, base | {"charge_model": "standard", "properties": {"amount": "1"}}])
    api.customer()
    api.subscribe()
    return api


def fees(api: Api) -> list[dict[str, Any]]:
    return api.ok("GET", "/fees", query={"fee_type": "charge", "per_page": 1000})["fees"]


@pytest.mark.parametrize("at", ["2026-07-10T00:00:00Z", None], ids=["sandbox", "live"])
def test_events_at_once_cost_what_they_cost_in_turn(two_webs: Server, at: str | None) -> None:
    api = an_organization(two_webs, at=at)
    event = {"code": "calls", "external_subscription_id": "sub"}
    calls = [
        lambda own, number=number: own.call("POST", "/events", {"event": event | {"transaction_id": str(number % (EVENTS - 4))}})
        for number in range(EVENTS)
    ]

    replies = at_once(two_webs, api.key, calls)

    # Four of them were sent twice. 36 calls: 7 + 10 x 0.30 + 4 + 26 x 0.20 = 19.20, and 36 invoices of 1.00.
    assert sorted(reply.status for reply in replies) == [200] * (EVENTS - 4) + [422] * 4
    alone = [fee for fee in fees(api) if not fee["invoiceable"]]
    assert sorted(fee["event_transaction_id"] for fee in alone) == sorted(str(number) for number in range(EVENTS - 4))
    assert sum(fee["amount_cents"] for fee in alone) == 1920
    invoices = api.ok("GET", "/invoices", query={"per_page": 1000})["invoices"]
    assert [invoice["total_amount_cents"] for invoice in invoices] == [100] * (EVENTS - 4)
    assert sorted(invoice["sequential_id"] for invoice in invoices) == list(range(1, EVENTS - 3))


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_process_that_dies_while_it_prices_loses_no_fee(tmp_path: Path, moment: str) -> None:
    server = Server(tmp_path / "data", environment={"DAYCOUNT_TEST_KILL_AT": f"events.price#1:{moment}"}).start()
    api = an_organization(server, at="2026-07-10T00:00:00Z")
    event = {"event": {"transaction_id": "one", "code": "calls", "external_subscription_id": "sub"}}

    connection = http.client.HTTPConnection(HOST, server.port, timeout=WITHIN_S)
    headers = {"Authorization": f"Bearer {api.key}", "Content-Type": "application/json"}
    connection.request("POST", "/api/v1/events", json.dumps(event), headers)
    with pytest.raises((http.client.HTTPException, OSError)):
        connection.getresponse()
    connection.close()
    server.wait_until_healthy()

    deadline = time.monotonic() + WITHIN_S
    while time.monotonic() < deadline and len(fees(api)) < 2:
        time.sleep(0.2)
    assert sorted(fee["amount_cents"] for fee in fees(api)) == [100, 730]
    assert [invoice["total_amount_cents"] for invoice in api.invoices()] == [100]
    assert api.call("POST", "/events", event).body["error_details"] == {"transaction_id": ["value_already_exist"]}
    assert len(fees(api)) == 2
    assert server.stop() == 0
