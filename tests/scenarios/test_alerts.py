"""Alerts by dated stories: what is watched, what is told and when, and what is refused."""

from typing import Any

import pytest

from tests.support.server import Api, Server

START = "2026-07-01T00:00:00Z"
SUB = "/subscriptions/sub/alerts"


def a_caller(server: Server) -> Api:
    """Make an organization whose customer pays 0.10 for each call, twice as much in the EU."""
    api = server.organization(at=START)
    metric = api.metric("calls", aggregation_type="sum_agg", field_name="n", recurring=False, filters=[{"key": "region", "values": ["eu"]}])
    charge = api.seat_charge(metric, "0.1", prorated=False, filters=[{"values": {"region": ["eu"]}, "properties": {"amount": "0.2"}}])
    api.plan(charges=[charge], amount_cents=0)
    api.customer(currency="USD")
    api.subscribe()
    return api


def settle(api: Api) -> None:
    """Let all that is due at the instant of the clock happen."""
    api.move_to(api.ok("GET", "/test_clock")["test_clock"]["frozen_time"])


def call(api: Api, name: str, number: int, **properties: Any) -> None:
    api.event(name, code="calls", n=str(number), **properties)
    settle(api)


def watch(api: Api, kind: str, *values: Any, path: str = SUB, each: Any = None, **fields: Any) -> dict[str, Any]:
    thresholds = [{"code": f"at {value}", "value": value} for value in values]
    thresholds += [] if each is None else [{"code": "each", "value": each, "recurring": True}]
    body = {"alert_type": kind, "code": kind, "name": kind.title(), "thresholds": thresholds} | fields
    made: dict[str, Any] = api.ok("POST", path, {"alert": body})["alert"]
    return made


def told(api: Api, **query: Any) -> list[tuple[str, str, list[str]]]:
    """Return what was told, the earliest first: from which value to which, and what was crossed."""
    found = reversed(api.ok("GET", "/triggered_alerts", query=query)["triggered_alerts"])
    return [(item["previous_value"], item["current_value"], [level["value"] for level in item["crossed_thresholds"]]) for item in found]


def test_an_alert_on_current_usage_counts_anew_in_each_period(server: Server) -> None:
    api = a_caller(server)
    alert = watch(api, "current_usage_amount", 1000, "1500.0", each="250")
    assert alert | {"lago_id": "", "lago_organization_id": ""} == {
        "lago_id": "",
        "lago_organization_id": "",
        "external_subscription_id": "sub",
        "subscription_external_id": "sub",
        "lago_wallet_id": None,
        "wallet_code": None,
        "alert_type": "current_usage_amount",
        "code": "current_usage_amount",
        "name": "Current_Usage_Amount",
        "direction": "increasing",
        "previous_value": "0.0",
        "last_processed_at": None,
        "thresholds": [
            {"code": "at 1000", "value": "1000.0", "recurring": False},
            {"code": "at 1500.0", "value": "1500.0", "recurring": False},
            {"code": "each", "value": "250.0", "recurring": True},
        ],
        "billable_metric": None,
        "created_at": START,
    }
    call(api, "one", 70)  # 7.00
    assert told(api) == []
    call(api, "two", 140)  # 21.00
    api.move_to("2026-07-20T10:00:00Z")
    call(api, "three", 1)
    assert told(api) == [("700.0", "2100.0", ["1000.0", "1500.0", "1750.0", "2000.0"])]
    api.move_to("2026-08-01T00:00:00Z")
    seen = api.ok("GET", f"{SUB}/current_usage_amount")["alert"]
    assert (seen["previous_value"], seen["last_processed_at"]) == ("0.0", "2026-08-01T00:00:00Z")
    call(api, "august", 110)
    assert told(api)[1:] == [("0.0", "1100.0", ["1000.0"])]
    [latest, _] = api.ok("GET", "/triggered_alerts", query={"external_subscription_id": "sub"})["triggered_alerts"]
    assert {name: latest[name] for name in ("alert_code", "alert_type", "external_customer_id", "triggered_at", "lago_alert_id")} == {
        "alert_code": "current_usage_amount",
        "alert_type": "current_usage_amount",
        "external_customer_id": "acme",
        "triggered_at": "2026-08-01T00:00:00Z",
        "lago_alert_id": alert["lago_id"],
    }


def test_alerts_on_a_metric_watch_its_largest_fee(server: Server) -> None:
    api = a_caller(server)
    watch(api, "billable_metric_current_usage_amount", 800, billable_metric_code="calls")
    units = watch(api, "billable_metric_current_usage_units", "50", billable_metric_code="calls")
    assert units["billable_metric"]["code"] == "calls"
    other = api.metric("storage", aggregation_type="sum_agg", field_name="n", recurring=False)
    watch(api, "billable_metric_lifetime_usage_units", 50, billable_metric_code="calls")
    watch(api, "billable_metric_current_usage_units", 0, billable_metric_code=other["code"], code="storage")
    call(api, "eu", 30, region="eu")  # 6.00
    call(api, "us", 45)  # 4.50: in all 10.50 and 75 units, but no single fee is at its level
    assert told(api) == []
    call(api, "more", 10, region="eu")  # 40 units at 8.00
    assert told(api) == [("600.0", "800.0", ["800.0"])]
    api.move_to("2026-08-01T00:00:00Z")
    call(api, "august", 10, region="eu")  # 10 units now, 50 since the start
    assert told(api, alert_code="billable_metric_lifetime_usage_units") == [("45.0", "50.0", ["50.0"])]
    # nothing charges for the other metric: its alert is never looked at
    assert api.ok("GET", f"{SUB}/storage")["alert"]["last_processed_at"] is None
    api.ok("DELETE", "/billable_metrics/storage")
    assert api.call("GET", f"{SUB}/storage").body["code"] == "alert_not_found"


def test_an_alert_on_lifetime_usage_goes_on_through_periods_and_plans(server: Server) -> None:
    api = a_caller(server)
    api.ok("PUT", "/subscriptions/sub/lifetime_usage", {"lifetime_usage": {"external_historical_usage_amount_cents": 100}})
    watch(api, "lifetime_usage_amount", each=500)
    call(api, "july", 30)  # 1.00 + 3.00
    api.move_to("2026-08-01T00:00:00Z")
    call(api, "august", 10)  # 1.00 + 3.00 + 1.00
    assert told(api) == [("400.0", "500.0", ["500.0"])]
    metric = api.ok("GET", "/billable_metrics/calls")["billable_metric"]
    api.plan("large", charges=[api.seat_charge(metric, "1", prorated=False)], amount_cents=0)
    api.move_to("2026-08-10T10:00:00Z")
    api.subscribe(plan="large")
    settle(api)
    call(api, "large", 6)  # + 6.00
    assert told(api)[1:] == [("500.0", "1100.0", ["1000.0"])]


def test_alerts_on_a_wallet_watch_its_balances_on_their_way_down(server: Server) -> None:
    api = a_caller(server)
    wallet = api.wallet(rate_amount="2", granted_credits="50")  # 100.00
    path = f"/customers/acme/wallets/{wallet['code']}/alerts"
    made = watch(api, "wallet_ongoing_balance_amount", 2000, 5000, path=path, each=400)
    assert (made["direction"], made["wallet_code"], made["previous_value"]) == ("decreasing", "credits", "10000.0")
    assert (made["external_subscription_id"], made["lago_wallet_id"]) == (None, wallet["lago_id"])
    assert watch(api, "wallet_credits_ongoing_balance", "24.0", path=path)["previous_value"] == "50.0"
    watch(api, "wallet_balance_amount", 5000, path=path)
    settle(api)
    call(api, "one", 100)  # 90.00
    assert told(api) == []
    call(api, "two", 550)  # 35.00
    assert sorted(told(api)) == [("45.0", "17.5", ["24.0"]), ("9000.0", "3500.0", ["5000.0"])]
    call(api, "three", 280)  # 7.00: 20.00, then each 4.00 below
    assert told(api, alert_code="wallet_ongoing_balance_amount")[1:] == [("3500.0", "700.0", ["2000.0", "1600.0", "1200.0", "800.0"])]
    # Topped up, it is armed again; when the period is billed the settled balance falls.
    api.ok("POST", "/wallet_transactions", {"wallet_transaction": {"wallet_id": wallet["lago_id"], "granted_credits": "30"}})
    settle(api)
    assert api.ok("GET", f"{path}/wallet_ongoing_balance_amount")["alert"]["previous_value"] == "6700.0"
    assert told(api, alert_code="wallet_balance_amount") == []
    api.move_to("2026-08-01T00:00:00Z")
    # 160.00 - 93.00 = 67.00 settled
    assert told(api, alert_code="wallet_balance_amount") == []
    call(api, "august", 200)
    assert told(api, alert_code="wallet_ongoing_balance_amount")[2:] == [("6700.0", "4700.0", ["5000.0"])]
    api.move_to("2026-09-01T00:00:00Z")
    assert told(api, alert_code="wallet_balance_amount") == [("6700.0", "4700.0", ["5000.0"])]


def test_an_alert_is_changed_and_deleted(server: Server) -> None:
    api = a_caller(server)
    call(api, "before", 50)
    watch(api, "current_usage_amount", 1000)
    settle(api)
    # usage was there: it is looked at right after, from nothing on
    assert api.ok("GET", f"{SUB}/current_usage_amount")["alert"]["previous_value"] == "500.0"
    changes = {"name": None, "code": "much", "thresholds": [{"value": "700"}], "alert_type": "lifetime_usage_amount"}
    changed = api.ok("PUT", f"{SUB}/current_usage_amount", {"alert": changes})["alert"]
    assert (changed["name"], changed["code"], changed["alert_type"], changed["previous_value"]) == (
        None,
        "much",
        "current_usage_amount",
        "500.0",
    )
    assert changed["thresholds"] == [{"code": None, "value": "700.0", "recurring": False}]
    call(api, "more", 20)
    assert told(api) == [("500.0", "700.0", ["700.0"])]
    assert api.ok("DELETE", f"{SUB}/much")["alert"]["lago_id"] == changed["lago_id"]
    assert api.call("GET", f"{SUB}/much").body["code"] == "alert_not_found"
    watch(api, "current_usage_amount", 1000)
    assert len(api.ok("GET", SUB)["alerts"]) == 1
    assert api.call("DELETE", SUB).status == 200
    assert api.ok("GET", SUB)["alerts"] == []
    call(api, "unwatched", 100)
    assert len(told(api)) == 1


def test_several_are_made_together_or_not_at_all(server: Server) -> None:
    api = a_caller(server)
    good = {"alert_type": "current_usage_amount", "code": "one", "thresholds": [{"value": 1, "code": None, "recurring": None}]}
    bad = {"alert_type": "lifetime_usage_amount", "code": "two", "thresholds": []}
    reply = api.call("POST", SUB, {"alerts": [good, bad, good | {"alert_type": "nothing"}]})
    assert (reply.status, reply.body["error_details"]) == (
        422,
        {
            "1": {"params": bad, "errors": {"thresholds": ["value_is_mandatory"]}},
            "2": {"params": good | {"alert_type": "nothing"}, "errors": {"alert_type": ["invalid_type"]}},
        },
    )
    assert api.ok("GET", SUB)["alerts"] == []
    made = api.ok("POST", SUB, {"alerts": [good, bad | {"thresholds": [{"value": "2.5"}]}]})
    assert [alert["code"] for alert in made["alerts"]] == ["one", "two"]
    assert api.call("POST", SUB, {"alerts": []}).body["error_details"] == {"alerts": ["no_alerts"]}
    assert api.call("POST", SUB, {"name": "no root"}).status == 400


ONE = [{"value": "1"}]


@pytest.mark.parametrize(
    ("wrong", "details"),
    [
        ({"alert_type": ""}, {"alert_type": ["value_is_mandatory", "value_is_invalid"]}),
        ({"alert_type": "other"}, {"alert_type": ["invalid_type"]}),
        ({"alert_type": "wallet_balance_amount"}, {"alert_type": ["invalid_type"]}),
        ({"thresholds": []}, {"thresholds": ["value_is_mandatory"]}),
        ({"thresholds": [{"value": str(n)} for n in range(21)]}, {"thresholds": ["too_many_thresholds"]}),
        ({"thresholds": [{"value": "1"}, {"value": 1.0}]}, {"thresholds": ["duplicate_threshold_values"]}),
        ({"thresholds": [{"value": None}]}, {"thresholds:value": ["value_is_mandatory"]}),
        ({"thresholds": [{"value": "much"}]}, {"thresholds:value": ["value_is_invalid"]}),
        ({"thresholds": [{"value": 0, "recurring": True}]}, {"thresholds:value": ["recurring_value_is_negative"]}),
        ({"thresholds": [{"value": n, "recurring": True} for n in (1, 2)]}, {"base": ["alert_already_exists"]}),
        ({"code": " "}, {"code": ["value_is_mandatory"]}),
        ({"alert_type": "billable_metric_current_usage_units"}, {"billable_metric": ["value_is_mandatory"]}),
        ({"code": "taken"}, {"code": ["value_already_exist"]}),
        ({"alert_type": "lifetime_usage_amount"}, {"base": ["alert_already_exists"]}),
    ],
)
def test_what_is_refused(refusing: Api, wrong: dict[str, Any], details: dict[str, Any]) -> None:
    body = {"alert_type": "current_usage_amount", "code": "new", "thresholds": ONE} | wrong
    reply = refusing.call("POST", SUB, {"alert": body})
    assert (reply.status, reply.body["code"], reply.body["error_details"]) == (422, "validation_errors", details)


@pytest.fixture(scope="module")
def refusing(server: Server) -> Api:
    api = a_caller(server)
    watch(api, "lifetime_usage_amount", 1, code="taken")
    return api


def test_what_is_not_there(refusing: Api) -> None:
    api = refusing
    body = {"alert": {"alert_type": "billable_metric_current_usage_units", "code": "x", "thresholds": ONE, "billable_metric_code": "no"}}
    assert api.call("POST", SUB, body).body["code"] == "billable_metric_not_found"
    assert api.call("GET", "/subscriptions/no/alerts").body["code"] == "subscription_not_found"
    assert api.call("GET", SUB, query={"subscription_status": "terminated"}).body["code"] == "subscription_not_found"
    assert api.call("GET", "/customers/acme/wallets/no/alerts").body["code"] == "wallet_not_found"
    assert api.call("PUT", f"{SUB}/no", {"alert": {"name": "x"}}).body["code"] == "alert_not_found"


def test_a_wallet_has_each_type_once_but_codes_as_often_as_wanted(refusing: Api) -> None:
    wallet = refusing.wallet()
    path = f"/customers/acme/wallets/{wallet['code']}/alerts"
    watch(refusing, "wallet_balance_amount", 1, path=path, code="low")
    watch(refusing, "wallet_credits_balance", 1, path=path, code="low")
    again = {"alert": {"alert_type": "wallet_balance_amount", "code": "other", "thresholds": ONE}}
    assert refusing.call("POST", path, again).body["error_details"] == {"base": ["alert_already_exists"]}
    of_usage = {"alert": {"alert_type": "current_usage_amount", "code": "other", "thresholds": ONE}}
    assert refusing.call("POST", path, of_usage).body["error_details"] == {"alert_type": ["invalid_type"]}
