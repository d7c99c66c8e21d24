"""Features, what plans entitle to, and what subscriptions have other than their plans."""

from typing import Any

import pytest

from tests.support.server import Api

FEATURE = {
    "code": "seats",
    "name": "Seats",
    "description": "How many may join",
    "privileges": [
        {"code": "max", "name": "Most", "value_type": "integer"},
        {"code": "admins", "value_type": "integer"},
        {"code": "sso", "value_type": "select", "config": {"select_options": ["google", "okta"]}},
        {"code": "root", "value_type": "boolean"},
        {"code": "label"},
    ],
}


@pytest.fixture
def api(sandbox: Api) -> Api:
    """A subscription to the plan `team`, which entitles to at most 20 seats and 3 admins, and a feature without privileges."""
    sandbox.ok("POST", "/features", {"feature": FEATURE})
    sandbox.ok("POST", "/features", {"feature": {"code": "audit"}})
    sandbox.plan("team")
    sandbox.customer()
    sandbox.subscribe()
    entitle(sandbox, "POST", {"seats": {"max": 20, "admins": "3"}})
    return sandbox


def entitle(api: Api, method: str, wanted: dict[str, Any], owner: str = "/plans/team") -> list[dict[str, Any]]:
    entitlements: list[dict[str, Any]] = api.ok(method, f"{owner}/entitlements", {"entitlements": wanted})["entitlements"]
    return entitlements


def values(entitlements: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {one["code"]: {item["code"]: item["value"] for item in one["privileges"]} for one in entitlements}


def of_subscription(api: Api) -> list[dict[str, Any]]:
    entitlements: list[dict[str, Any]] = api.ok("GET", "/subscriptions/sub/entitlements")["entitlements"]
    return entitlements


def test_a_feature_is_kept_with_its_privileges(api: Api) -> None:
    shown = api.ok("GET", "/features/seats")["feature"]

    assert shown == {
        "lago_id": shown["lago_id"],
        "code": "seats",
        "name": "Seats",
        "description": "How many may join",
        "privileges": [
            {"code": "max", "name": "Most", "value_type": "integer", "config": {}},
            {"code": "admins", "name": None, "value_type": "integer", "config": {}},
            {"code": "sso", "name": None, "value_type": "select", "config": {"select_options": ["google", "okta"]}},
            {"code": "root", "name": None, "value_type": "boolean", "config": {}},
            {"code": "label", "name": None, "value_type": "string", "config": {}},
        ],
        "created_at": "2026-07-01T00:00:00Z",
    }
    assert [one["code"] for one in api.ok("GET", "/features")["features"]] == ["audit", "seats"]
    assert [one["code"] for one in api.ok("GET", "/features", query={"search_term": "JOIN"})["features"]] == ["seats"]


@pytest.mark.parametrize(
    ("feature", "details"),
    [
        ({"code": " "}, {"code": ["value_is_mandatory"]}),
        ({"code": "seats"}, {"code": ["value_already_exist"]}),
        ({"code": "c" * 256, "name": "n" * 256}, {"code": ["value_is_too_long"], "name": ["value_is_too_long"]}),
        ({"code": "x", "description": "d" * 601}, {"description": ["value_is_too_long"]}),
        ({"code": "x", "privileges": [{"code": "a"}, {"code": "a"}]}, {"privilege.code": ["value_is_duplicated"]}),
        ({"code": "x", "privileges": [{"code": "a", "value_type": "float"}]}, {"privilege.value_type": ["value_is_invalid"]}),
        ({"code": "x", "privileges": [{"value_type": "integer"}]}, {"privilege.code": ["value_is_mandatory"]}),
        ({"code": "x", "privileges": [{"code": "a", "value_type": "select"}]}, {"privilege.config": ["invalid_format"]}),
        ({"code": "x", "privileges": [{"code": "a", "config": {"select_options": ["b"]}}]}, {"privilege.config": ["invalid_format"]}),
    ],
)
def test_what_a_feature_must_not_be(api: Api, feature: dict[str, Any], details: dict[str, list[str]]) -> None:
    reply = api.call("POST", "/features", {"feature": feature})

    assert (reply.status, reply.body["error_details"]) == (422, details)
    assert len(api.ok("GET", "/features")["features"]) == 2


def test_a_changed_feature_keeps_what_is_not_named(api: Api) -> None:
    more = [
        {"code": "sso", "name": "Provider", "config": {"select_options": ["okta", "entra"]}},
        {"code": "guests", "value_type": "integer"},
    ]

    changed = api.ok("PUT", "/features/seats", {"feature": {"name": "Places", "privileges": more}})["feature"]

    assert (changed["name"], changed["description"]) == ("Places", "How many may join")
    by_code = {one["code"]: one for one in changed["privileges"]}
    assert list(by_code) == ["max", "admins", "sso", "root", "label", "guests"]
    assert by_code["sso"] == {
        "code": "sso",
        "name": "Provider",
        "value_type": "select",
        "config": {"select_options": ["google", "okta", "entra"]},
    }
    assert api.ok("GET", "/features/seats")["feature"] == changed


def test_a_plan_s_entitlements_are_replaced_merged_and_taken(api: Api) -> None:
    assert values(api.ok("GET", "/plans/team")["plan"]["entitlements"]) == {"seats": {"max": 20, "admins": 3}}
    assert values(entitle(api, "PATCH", {"audit": {}, "seats": {"root": True, "label": "team"}})) == {
        "seats": {"max": 20, "admins": 3, "root": True, "label": "team"},
        "audit": {},
    }
    # Only what is named stays of a feature; naming nothing of it leaves it as it was.
    assert values(entitle(api, "POST", {"seats": {"max": "25", "sso": "okta"}})) == {"seats": {"max": 25, "sso": "okta"}}
    assert values(entitle(api, "POST", {"seats": {}, "audit": {}})) == {"seats": {"max": 25, "sso": "okta"}, "audit": {}}
    assert values([api.ok("DELETE", "/plans/team/entitlements/seats/privileges/sso")["entitlement"]]) == {"seats": {"max": 25}}
    assert values([api.ok("DELETE", "/plans/team/entitlements/audit")["entitlement"]]) == {"audit": {}}
    assert values(api.ok("GET", "/plans/team/entitlements")["entitlements"]) == {"seats": {"max": 25}}
    assert api.call("GET", "/plans/team/entitlements/audit").body["code"] == "entitlement_not_found"
    assert api.call("DELETE", "/plans/team/entitlements/seats/privileges/sso").body["code"] == "privilege_not_found"


@pytest.mark.parametrize(
    ("wanted", "status", "why"),
    [
        ({"none": {}}, 404, "feature_not_found"),
        ({"seats": {"none": 1}}, 404, "privilege_not_found"),
        (
            {"seats": {"max": "many", "root": "yes"}},
            422,
            {"max_privilege_value": ["value_is_invalid"], "root_privilege_value": ["value_is_invalid"]},
        ),
        ({"seats": {"sso": "entra"}}, 422, {"sso_privilege_value": ["value_not_in_select_options"]}),
        (
            {"seats": {"label": 7, "max": True}},
            422,
            {"label_privilege_value": ["value_is_invalid"], "max_privilege_value": ["value_is_invalid"]},
        ),
    ],
)
def test_what_nobody_can_be_entitled_to(api: Api, wanted: dict[str, Any], status: int, why: object) -> None:
    for owner in ("/plans/team", "/subscriptions/sub"):
        reply = api.call("PATCH", f"{owner}/entitlements", {"entitlements": wanted})

        assert (reply.status, reply.body.get("error_details", reply.body["code"])) == (status, why)
    assert values(of_subscription(api)) == {"seats": {"max": 20, "admins": 3}}


def test_a_subscription_has_its_plan_s_values_unless_it_has_its_own(api: Api) -> None:
    assert entitle(api, "PATCH", {"seats": {"max": 35}}, "/subscriptions/sub") == [
        {
            "code": "seats",
            "name": "Seats",
            "description": "How many may join",
            "privileges": [
                {"code": "max", "name": "Most", "value_type": "integer", "config": {}, "value": 35, "plan_value": 20, "override_value": 35},
                {
                    "code": "admins",
                    "name": None,
                    "value_type": "integer",
                    "config": {},
                    "value": 3,
                    "plan_value": 3,
                    "override_value": None,
                },
            ],
            "overrides": {"max": 35},
        }
    ]
    assert api.ok("GET", "/subscriptions/sub")["subscription"]["entitlements"] == of_subscription(api)
    # The plan's own admins become 5; the seats of this subscription stay.
    entitle(api, "PATCH", {"seats": {"max": 30, "admins": 5}})
    assert values(of_subscription(api)) == {"seats": {"max": 35, "admins": 5}}

    api.ok("DELETE", "/subscriptions/sub/entitlements/seats/privileges/admins")
    assert values(of_subscription(api)) == {"seats": {"max": 35}}
    # All values of the plan, as they are there: nothing is different any more.
    [back] = entitle(api, "PATCH", {"seats": {"max": 30, "admins": "5"}}, "/subscriptions/sub")
    assert (values([back]), back["overrides"]) == ({"seats": {"max": 30, "admins": 5}}, {})


def test_a_subscription_may_have_more_or_less_than_its_plan(api: Api) -> None:
    assert values(entitle(api, "PATCH", {"audit": {}}, "/subscriptions/sub")) == {"seats": {"max": 20, "admins": 3}, "audit": {}}
    assert values(api.ok("DELETE", "/subscriptions/sub/entitlements/seats")["entitlements"]) == {"audit": {}}
    assert api.call("DELETE", "/subscriptions/sub/entitlements/seats").body["code"] == "feature_not_found"
    # One value that differs brings the feature back, with what the plan has of it.
    assert values(entitle(api, "PATCH", {"seats": {"max": 21}}, "/subscriptions/sub")) == {"seats": {"max": 21, "admins": 3}, "audit": {}}
    assert values(api.ok("DELETE", "/subscriptions/sub/entitlements/audit")["entitlements"]) == {"seats": {"max": 21, "admins": 3}}
    assert values(api.ok("GET", "/plans/team/entitlements")["entitlements"]) == {"seats": {"max": 20, "admins": 3}}


def test_a_plan_of_its_own_has_the_entitlements_of_the_one_it_was_made_of(api: Api) -> None:
    api.ok("PUT", "/subscriptions/sub", {"subscription": {"plan_overrides": {"amount_cents": 100}}})

    shown = api.ok("GET", "/subscriptions/sub")["subscription"]

    assert shown["plan"]["parent_id"] is not None
    assert values(shown["entitlements"]) == values(shown["plan"]["entitlements"]) == {"seats": {"max": 20, "admins": 3}}


def test_what_is_deleted_is_nobody_s_any_more(api: Api) -> None:
    entitle(api, "PATCH", {"seats": {"label": "own"}}, "/subscriptions/sub")

    left = api.ok("DELETE", "/features/seats/privileges/max")["feature"]
    assert [one["code"] for one in left["privileges"]] == ["admins", "sso", "root", "label"]
    assert values(of_subscription(api)) == {"seats": {"admins": 3, "label": "own"}}
    api.ok("DELETE", "/features/seats")

    assert of_subscription(api) == []
    assert api.ok("GET", "/plans/team")["plan"]["entitlements"] == []
    assert api.call("GET", "/features/seats").body["code"] == "feature_not_found"
    assert api.ok("POST", "/features", {"feature": {"code": "seats"}})["feature"]["privileges"] == []


def test_a_new_subscription_starts_with_what_its_plan_has(api: Api) -> None:
    entitle(api, "PATCH", {"seats": {"max": 35}}, "/subscriptions/sub")
    api.plan("big", amount_cents=900_000)
    entitle(api, "POST", {"seats": {"max": 100}}, "/plans/big")

    api.subscribe(plan="big")

    assert values(of_subscription(api)) == {"seats": {"max": 100}}
    ended = api.ok("GET", "/subscriptions/sub/entitlements", query={"subscription_status": "terminated"})["entitlements"]
    assert values(ended) == {"seats": {"max": 35, "admins": 3}}
