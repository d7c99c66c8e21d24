"""Usage that grows through several processes at once, or in one that dies while it is looked at: each threshold bills once."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.server import Api, Server
from tests.support.threads import at_once

EVENTS = 40
WITHIN_S = 30


@pytest.fixture(scope="module")
def two_webs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("thresholds") / "data", environment={"DAYCOUNT_WEB_PROCESSES": "2"}).start()
    yield made
    assert made.stop() == 0, made.log()


def an_organization(server: Server, *, at: str | None, thresholds: list[dict[str, Any]]) -> Api:
    """Subscribe to calls at 1.00 each, with thresholds, an alert, and a wallet that grants itself something."""
    api = server.organization(at=at)
    metric = api.metric("calls", aggregation_type="count_agg", field_name=None, recurring=False)
    api.plan(charges=[api.seat_charge(metric, "1", prorated=False)], amount_cents=0, usage_thresholds=thresholds)
    api.customer(currency="USD")
    api.subscribe()
    alert = {"alert_type": "current_usage_amount", "code": "much", "thresholds": [{"value": 1000, "recurring": True}]}
    api.ok("POST", "/subscriptions/sub/alerts", {"alert": alert})
    return api


def await_(found: Callable[[], bool]) -> None:
    ends = time.monotonic() + WITHIN_S
    while not found() and time.monotonic() < ends:
        time.sleep(0.1)


@pytest.mark.parametrize("at", ["2026-07-10T00:00:00Z", None], ids=["sandbox", "live"])
def test_events_at_once_reach_each_level_once(two_webs: Server, at: str | None) -> None:
    api = an_organization(two_webs, at=at, thresholds=[{"amount_cents": 1000, "recurring": True}])
    event = {"code": "calls", "external_subscription_id": "sub"}
    calls = [
        lambda own, number=number: own.call("POST", "/events", {"event": event | {"transaction_id": str(number)}})
        for number in range(EVENTS)
    ]

    replies = at_once(two_webs, api.key, calls)

    assert [reply.status for reply in replies] == [200] * EVENTS
    await_(lambda: levels(api)[-1:] == ["4000.0"] and sum(invoice["total_amount_cents"] for invoice in progressive(api)) == 4000)
    # 40 calls are 40.00, so 10.00, 20.00, 30.00 and 40.00 are passed; several of them at once where events came together.
    assert levels(api) == ["1000.0", "2000.0", "3000.0", "4000.0"]
    invoices = progressive(api)
    reached = [item["usage_threshold"]["amount_cents"] for invoice in invoices for item in invoice["applied_usage_thresholds"]]
    assert len(reached) == len(invoices) <= 4
    assert sum(invoice["total_amount_cents"] for invoice in invoices) == 4000
    assert sorted(invoice["sequential_id"] for invoice in invoices) == list(range(1, len(invoices) + 1))


def progressive(api: Api) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.ok("GET", "/invoices", query={"invoice_type": "progressive_billing"})["invoices"]
    return found


def levels(api: Api) -> list[str]:
    """Return the levels that the alert told of, in order."""
    told = reversed(api.ok("GET", "/triggered_alerts")["triggered_alerts"])
    return [level["value"] for item in told for level in item["crossed_thresholds"]]


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_process_that_dies_while_it_looks_bills_once(tmp_path: Path, moment: str) -> None:
    # The first look is that of the alert that is made: it finds nothing. The second, by the event, is cut off.
    server = Server(tmp_path / "data", environment={"DAYCOUNT_TEST_KILL_AT": f"usage.check#1:{moment}"}).start()
    api = an_organization(server, at="2026-07-10T00:00:00Z", thresholds=[{"amount_cents": 100}])

    api.call("POST", "/events", {"event": {"transaction_id": "one", "code": "calls", "external_subscription_id": "sub"}})
    time.sleep(1)
    server.wait_until_healthy()

    again = server.client(api.key)
    await_(lambda: len(again.ok("GET", "/invoices")["invoices"]) > 0)
    again.ok("PUT", "/test_clock", {"test_clock": {"frozen_time": "2026-07-10T00:00:00Z"}})
    [invoice] = again.ok("GET", "/invoices")["invoices"]
    assert (invoice["invoice_type"], invoice["total_amount_cents"]) == ("progressive_billing", 100)
    assert server.stop() == 0, server.log()
