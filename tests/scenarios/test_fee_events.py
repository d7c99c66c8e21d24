"""The events behind a fee: what was counted, whatever changed or came later; as a list and as CSV."""

import csv
import io
from typing import Any

from tests.support.instants import unix
from tests.support.server import Api, Server


def behind(api: Api, fee: dict[str, Any], **query: Any) -> list[tuple[str, str | None, bool]]:
    listed = api.ok("GET", f"/fees/{fee['lago_id']}/events", query=query)
    return [(item["transaction_id"], item["value"], item["is_carried"]) for item in listed["events"]]


def test_a_fee_lists_the_events_it_counts(server: Server) -> None:
    api = server.organization(at="2026-07-01T00:00:00Z")
    region = {"filters": [{"key": "region", "values": ["eu", "us"]}]}
    calls = api.metric("calls", aggregation_type="sum_agg", field_name="n", recurring=False, **region)
    seats = api.metric("seats")
    own = {"values": {"region": ["eu"]}, "properties": {"amount": "2"}, "invoice_display_name": "Europe"}
    charge = api.seat_charge(calls, "1", prorated=False, filters=[own])
    charge["properties"]["pricing_group_keys"] = ["team"]
    advance = api.metric("setups", aggregation_type="count_agg", field_name=None, recurring=False)
    plan = api.plan(charges=[charge, api.seat_charge(seats, "10"), api.seat_charge(advance, "5", prorated=False, pay_in_advance=True)])
    api.customer(currency="USD")
    api.subscribe()
    july = unix("2026-07-10T00:00:00Z")
    api.event("eu", code="calls", timestamp=july, n="3", region="eu")
    api.event("blue1", code="calls", timestamp=unix("2026-07-10T00:00:01Z"), n="4", team="blue")
    api.event("blue2", code="calls", timestamp=july, n="5.50", team="blue", region="us")
    api.event("red", code="calls", timestamp=july, n="6", team="red")
    api.event("words", code="calls", timestamp=july, n="many", team="red")
    api.event("ada", timestamp=july, user_id="ada")
    api.event("setup", code="setups", timestamp=july)
    api.move_to("2026-08-01T00:00:00Z")
    api.event("ben", timestamp=unix("2026-08-10T00:00:00Z"), user_id="ben")

    # What comes later, and other prices, change nothing of it.
    api.move_to("2026-08-02T00:00:00Z")
    api.event("late", code="calls", timestamp=july, n="9", team="blue")
    api.ok("PUT", f"/plans/team/charges/{plan['charges'][0]['code']}", {"charge": {"filters": [], "properties": {"amount": "7"}}})
    api.move_to("2026-09-01T00:00:00Z")

    fees = {
        (
            fee["item"]["code"],
            fee["item"]["filter_invoice_display_name"] or fee["item"]["grouped_by"].get("team"),
            fee["from_date"][:7],
        ): fee
        for fee in api.ok("GET", "/fees")["fees"]
    }
    assert behind(api, fees["calls", "Europe", "2026-07"]) == [("eu", "3", False)]
    assert behind(api, fees["calls", "blue", "2026-07"]) == [("blue2", "5.50", False), ("blue1", "4", False)]
    assert behind(api, fees["calls", "red", "2026-07"]) == [("red", "6", False)]
    assert behind(api, fees["seats", None, "2026-07"]) == [("ada", "ada", False)]
    assert behind(api, fees["seats", None, "2026-08"]) == [("ada", "ada", True), ("ben", "ben", False)]
    assert [name for name, _, _ in behind(api, fees["setups", None, "2026-07"])] == ["setup"]
    base = next(fee for fee in api.ok("GET", "/fees")["fees"] if fee["item"]["type"] == "subscription")
    assert behind(api, base) == []

    blue = fees["calls", "blue", "2026-07"]
    paged = api.ok("GET", f"/fees/{blue['lago_id']}/events", query={"per_page": 1, "page": 2})
    assert (paged["meta"]["total_count"], [item["transaction_id"] for item in paged["events"]]) == (2, ["blue1"])
    exported = api.raw("GET", f"/api/v1/fees/{blue['lago_id']}/events.csv")
    assert (exported.status, exported.headers["content-type"]) == (200, "text/csv")
    rows = list(csv.DictReader(io.StringIO(exported.body)))
    assert [(row["transaction_id"], row["value"], row["is_carried"]) for row in rows] == [
        ("blue2", "5.50", "false"),
        ("blue1", "4", "false"),
    ]
