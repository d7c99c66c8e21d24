"""Plans and the charges in them: which fields may hold what, what changes when, and what is refused until it can be billed."""

from typing import Any

import pytest

from tests.support.server import Api

GOOD = {"name": "Team", "code": "team", "interval": "monthly", "amount_cents": 1500, "amount_currency": "USD", "pay_in_advance": False}


def made(api: Api, **fields: Any) -> Any:
    return api.call("POST", "/plans", {"plan": GOOD | fields})


def test_a_new_plan_shows_every_field(sandbox: Api) -> None:
    shown = made(sandbox, description="For teams", invoice_display_name="Team seats").body["plan"]

    assert len(shown.pop("lago_id")) == 36
    assert shown == GOOD | {
        "invoice_display_name": "Team seats",
        "created_at": "2026-07-01T00:00:00Z",
        "description": "For teams",
        "trial_period": 0.0,
        "bill_charges_monthly": None,
        "bill_fixed_charges_monthly": None,
        "requires_wallet_balance": False,
        "customers_count": 0,
        "active_subscriptions_count": 0,
        "draft_invoices_count": 0,
        "parent_id": None,
        "version": 1,
        "pending_deletion": False,
        "charges": [],
        "fixed_charges": [],
        "usage_thresholds": [],
        "applicable_usage_thresholds": [],
        "taxes": [],
        "entitlements": [],
    }


def test_a_list_leaves_out_fixed_charges(sandbox: Api) -> None:
    shown = made(sandbox).body["plan"]

    [listed] = sandbox.ok("GET", "/plans")["plans"]

    assert listed == {name: value for name, value in shown.items() if name != "fixed_charges"}


REFUSED: dict[str, tuple[dict[str, Any], dict[str, list[str]]]] = {
    "no name": ({"name": None}, {"name": ["value_is_mandatory"]}),
    "a blank code": ({"code": " "}, {"code": ["value_is_mandatory"]}),
    "a code of 256 characters": ({"code": "x" * 256}, {"code": ["value_is_too_long"]}),
    "no interval": ({"interval": None}, {"interval": ["value_is_invalid"]}),
    "an unknown interval": ({"interval": "daily"}, {"interval": ["value_is_invalid"]}),
    "no amount": ({"amount_cents": None}, {"amount_cents": ["value_is_mandatory"]}),
    "a negative amount": ({"amount_cents": -1}, {"amount_cents": ["value_is_out_of_range"]}),
    "an amount that JSON readers cannot hold": ({"amount_cents": 2**53}, {"amount_cents": ["value_is_out_of_range"]}),
    "no currency": ({"amount_currency": None}, {"amount_currency": ["value_is_invalid"]}),
    "an unknown currency": ({"amount_currency": "XXX"}, {"amount_currency": ["value_is_invalid"]}),
    "a currency in small letters": ({"amount_currency": "usd"}, {"amount_currency": ["value_is_invalid"]}),
    "no word on advance": ({"pay_in_advance": None}, {"pay_in_advance": ["value_is_invalid"]}),
    "a negative trial": ({"trial_period": -1}, {"trial_period": ["value_is_out_of_range"]}),
    "a trial of more than a century": ({"trial_period": 36_501}, {"trial_period": ["value_is_out_of_range"]}),
    "51 pairs of metadata": ({"metadata": {str(number): "x" for number in range(51)}}, {"value": ["too_many_keys"]}),
    "a long key": ({"metadata": {"x" * 101: "x"}}, {"value": ["value_is_too_long"]}),
    "a long value": ({"metadata": {"x": "x" * 256}}, {"value": ["value_is_too_long"]}),
    "a nested value": ({"metadata": {"x": {"y": "z"}}}, {"value": ["value_is_invalid"]}),
    "a commitment to nothing": ({"minimum_commitment": {"amount_cents": 0}}, {"amount_cents": ["value_is_out_of_range"]}),
    "a threshold without an amount": ({"usage_thresholds": [{"recurring": True}]}, {"usage_thresholds": ["missing_amount_cents"]}),
    "a threshold of nothing": ({"usage_thresholds": [{"amount_cents": 0}]}, {"amount_cents": ["value_is_out_of_range"]}),
    "a threshold twice": (
        {"usage_thresholds": [{"amount_cents": 10}, {"amount_cents": 10}]},
        {"usage_thresholds": ["duplicated_values"]},
    ),
    "two recurring thresholds": (
        {"usage_thresholds": [{"amount_cents": 10, "recurring": True}, {"amount_cents": 20, "recurring": True}]},
        {"usage_thresholds": ["multiple_recurring_thresholds"]},
    ),
    "a fixed charge of nothing": ({"fixed_charges": [{"charge_model": "standard"}]}, {"add_on_id": ["value_is_mandatory"]}),
}


@pytest.mark.parametrize(("fields", "details"), REFUSED.values(), ids=REFUSED)
def test_a_plan_is_refused_with_the_field_and_its_code(sandbox: Api, fields: dict[str, Any], details: dict[str, list[str]]) -> None:
    reply = made(sandbox, **fields)

    assert (reply.status, reply.body["error_details"]) == (422, details)
    assert sandbox.ok("GET", "/plans")["plans"] == []


@pytest.mark.parametrize("interval", ["weekly", "monthly", "quarterly", "semiannual", "yearly"])
def test_monthly_flags_are_kept_for_long_intervals_only(sandbox: Api, interval: str) -> None:
    is_long = interval in {"semiannual", "yearly"}

    given = made(sandbox, interval=interval, bill_charges_monthly=True, bill_fixed_charges_monthly=True).body["plan"]
    absent = made(sandbox, interval=interval, code="other").body["plan"]

    assert (given["bill_charges_monthly"], given["bill_fixed_charges_monthly"]) == ((True, True) if is_long else (None, None))
    assert (absent["bill_charges_monthly"], absent["bill_fixed_charges_monthly"]) == ((False, False) if is_long else (None, None))


@pytest.mark.parametrize(("given", "shown"), [(None, 0.0), (0, 0.0), ("14", 14.0), (7.5, 7.5), (36_500, 36_500.0)])
def test_a_trial_is_counted_in_days(sandbox: Api, given: Any, shown: float) -> None:
    assert made(sandbox, trial_period=given).body["plan"]["trial_period"] == shown


def test_a_century_of_trial_can_be_subscribed_to(sandbox: Api) -> None:
    made(sandbox, trial_period=36_500)

    assert sandbox.subscribe()["status"] == "active"


def test_metadata_is_shown_only_where_there_is_some(sandbox: Api) -> None:
    assert made(sandbox, metadata={"tier": "2", "note": None}).body["plan"]["metadata"] == {"tier": "2", "note": None}
    assert "metadata" not in made(sandbox, code="other").body["plan"]


def test_an_unknown_tax_or_metric_is_not_found(sandbox: Api) -> None:
    unknown = {"billable_metric_id": "00000000-0000-4000-8000-000000000000", "charge_model": "standard"}
    codes = [
        made(sandbox, tax_codes=["vat"]).body["code"],
        made(sandbox, charges=[unknown]).body["code"],
        made(sandbox, charges=[{"charge_model": "standard"}]).body["code"],
    ]

    assert codes == ["tax_not_found", "billable_metrics_not_found", "billable_metric_not_found"]
    assert sandbox.ok("GET", "/plans")["plans"] == []


# Charges


def test_a_charge_takes_its_defaults(sandbox: Api) -> None:
    metric = sandbox.metric()

    [charge] = made(sandbox, charges=[{"billable_metric_id": metric["lago_id"], "charge_model": "standard"}]).body["plan"]["charges"]

    assert len(charge.pop("lago_id")) == 36
    assert charge == {
        "lago_billable_metric_id": metric["lago_id"],
        "code": "seats",
        "invoice_display_name": None,
        "billable_metric_code": "seats",
        "created_at": "2026-07-01T00:00:00Z",
        "charge_model": "standard",
        "invoiceable": True,
        "regroup_paid_fees": None,
        "pay_in_advance": False,
        "prorated": False,
        "min_amount_cents": 0,
        "accepts_target_wallet": False,
        "properties": {"amount": "0"},
        "applied_pricing_unit": None,
        "lago_parent_id": None,
        "filters": [],
        "taxes": [],
    }


@pytest.mark.parametrize(
    ("given", "codes"),
    [
        ([None], ["seats"]),
        ([None, None, None], ["seats", "seats_2", "seats_3"]),
        (["seats_5", None, None], ["seats_5", "seats", "seats_6"]),
        (["first", None], ["first", "seats"]),
    ],
)
def test_charges_are_named_after_their_metric(sandbox: Api, given: list[str | None], codes: list[str]) -> None:
    metric = sandbox.metric()
    charges = [sandbox.seat_charge(metric) | ({} if code is None else {"code": code}) for code in given]

    assert [charge["code"] for charge in made(sandbox, charges=charges).body["plan"]["charges"]] == codes


CHARGES_REFUSED: dict[str, tuple[dict[str, Any], dict[str, list[str]]]] = {
    "no model": ({"charge_model": None, "properties": {"rate": "1"}}, {"charge_model": ["value_is_mandatory"]}),
    "an unknown model": ({"charge_model": "flat"}, {"charge_model": ["value_is_invalid"]}),
    "a custom price of no custom metric": (
        {"charge_model": "custom", "prorated": False},
        {"charge_model": ["invalid_aggregation_type_or_charge_model"]},
    ),
    "a price as a number": ({"properties": {"amount": 10}}, {"properties": ["invalid_amount"]}),
    "a negative price": ({"properties": {"amount": "-1"}}, {"properties": ["invalid_amount"]}),
    "an infinite price": ({"properties": {"amount": "Infinity"}}, {"properties": ["invalid_amount"]}),
    "a price in words": ({"properties": {"amount": "ten"}}, {"properties": ["invalid_amount"]}),
    "no price": ({"properties": {"price": "10"}}, {"properties": ["invalid_amount"]}),
    "not invoiceable": ({"invoiceable": False}, {"invoiceable": ["must_be_true_unless_pay_in_advance"]}),
    "volume in advance": (
        {"pay_in_advance": True, "charge_model": "volume", "properties": {}, "prorated": False},
        {"pay_in_advance": ["invalid_aggregation_type_or_charge_model"]},
    ),
    "regrouped": ({"regroup_paid_fees": "invoice"}, {"regroup_paid_fees": ["only_compatible_with_pay_in_advance_and_non_invoiceable"]}),
    "a negative minimum": ({"min_amount_cents": -1}, {"min_amount_cents": ["value_is_out_of_range"]}),
    "a filter on a key of no metric": ({"filters": [{"values": {"region": ["eu"]}}]}, {"billable_metric_filter": ["relation_must_exist"]}),
    "groups that are no list": ({"properties": {"amount": "1", "pricing_group_keys": "region"}}, {"properties": ["invalid_type"]}),
    "an unknown pricing unit": ({"applied_pricing_unit": {"code": "credits"}}, {"pricing_unit": ["relation_must_exist"]}),
    "a long code": ({"code": "x" * 256}, {"code": ["value_is_too_long"]}),
}


@pytest.mark.parametrize(("fields", "details"), CHARGES_REFUSED.values(), ids=CHARGES_REFUSED)
def test_a_charge_is_refused_with_the_field_and_its_code(sandbox: Api, fields: dict[str, Any], details: dict[str, list[str]]) -> None:
    metric = sandbox.metric()

    reply = made(sandbox, charges=[sandbox.seat_charge(metric) | fields])

    assert (reply.status, reply.body["error_details"]) == (422, details)
    assert sandbox.ok("GET", "/plans")["plans"] == []


@pytest.mark.parametrize("amount", ["0", "0.25", "1e-3", "12.", ".5", "10"])
def test_a_price_is_a_decimal_text(sandbox: Api, amount: str) -> None:
    metric = sandbox.metric()

    [charge] = made(sandbox, charges=[sandbox.seat_charge(metric, amount)]).body["plan"]["charges"]

    assert charge["properties"] == {"amount": amount}


def test_only_a_recurring_metric_is_prorated(sandbox: Api) -> None:
    metric = sandbox.metric(recurring=False)

    reply = made(sandbox, charges=[sandbox.seat_charge(metric, prorated=True)])

    assert reply.body["error_details"] == {"prorated": ["invalid_billable_metric_or_charge_model"]}


def test_two_charges_cannot_share_a_code(sandbox: Api) -> None:
    metric = sandbox.metric()

    reply = made(sandbox, charges=[sandbox.seat_charge(metric, code="a"), sandbox.seat_charge(metric, code="a")])

    assert reply.body["error_details"] == {"code": ["value_already_exist"]}


# Changes


def changed(api: Api, **fields: Any) -> dict[str, Any]:
    return api.ok("PUT", "/plans/team", {"plan": fields})["plan"]


LOCKED = {
    "code": "crew",
    "interval": "yearly",
    "pay_in_advance": True,
    "amount_currency": "EUR",
    "trial_period": 5.0,
    "bill_charges_monthly": True,
}


def test_a_free_plan_changes_in_everything(sandbox: Api) -> None:
    made(sandbox)

    shown = changed(sandbox, name="Crew", amount_cents=2000, description="x", **LOCKED)

    assert {name: shown[name] for name in LOCKED} == LOCKED
    assert (shown["name"], shown["amount_cents"], shown["description"]) == ("Crew", 2000, "x")


def test_a_plan_that_is_subscribed_to_keeps_its_rhythm(sandbox: Api) -> None:
    before = made(sandbox).body["plan"]
    sandbox.subscribe()
    sandbox.terminate()

    shown = changed(sandbox, name="Crew", amount_cents=2000, **LOCKED)

    assert shown == before | {"name": "Crew", "amount_cents": 2000, "version": 2}


def test_absent_keys_stay(sandbox: Api) -> None:
    before = made(sandbox, interval="yearly", bill_charges_monthly=True, trial_period=3, metadata={"a": "b"}).body["plan"]

    assert changed(sandbox, description="x") == before | {"description": "x", "version": 2}


def test_a_mandatory_field_cannot_be_cleared(sandbox: Api) -> None:
    made(sandbox)
    fields = {"name": None, "amount_cents": None, "amount_currency": None, "pay_in_advance": None, "interval": None}

    reply = sandbox.call("PUT", "/plans/team", {"plan": fields})

    assert reply.body["error_details"] == {
        "name": ["value_is_mandatory"],
        "amount_cents": ["value_is_mandatory"],
        "amount_currency": ["value_is_invalid"],
        "pay_in_advance": ["value_is_invalid"],
        "interval": ["value_is_invalid"],
    }


def test_charges_that_are_given_replace_the_set(sandbox: Api) -> None:
    metric = sandbox.metric()
    kept, gone = made(sandbox, charges=[sandbox.seat_charge(metric), sandbox.seat_charge(metric)]).body["plan"]["charges"]

    shown = changed(sandbox, charges=[sandbox.seat_charge(metric, "12", id=kept["lago_id"]), sandbox.seat_charge(metric, code="third")])

    assert [(charge["code"], charge["properties"]["amount"]) for charge in shown["charges"]] == [("seats", "12"), ("third", "10")]
    assert shown["charges"][0]["lago_id"] == kept["lago_id"]
    assert gone["lago_id"] not in str(shown)
    assert changed(sandbox, name="x")["charges"] == shown["charges"]
    assert changed(sandbox, charges=None)["charges"] == shown["charges"]
    assert changed(sandbox, charges=[])["charges"] == []


def test_a_charge_of_a_free_plan_is_replaced_whole(sandbox: Api) -> None:
    metric = sandbox.metric()
    [charge] = made(sandbox, charges=[sandbox.seat_charge(metric, invoice_display_name="Seats")]).body["plan"]["charges"]

    [shown] = changed(sandbox, charges=[{"id": charge["lago_id"], "billable_metric_id": metric["lago_id"], "code": "x"}])["charges"]

    # what is absent takes its default, the id stays
    assert shown == charge | {"code": "x", "prorated": False, "invoice_display_name": None, "properties": {"amount": "0"}}


def test_a_charge_of_a_plan_that_is_subscribed_to_changes_its_price_only(sandbox: Api) -> None:
    metric = sandbox.metric()
    [charge] = made(sandbox, charges=[sandbox.seat_charge(metric)]).body["plan"]["charges"]
    sandbox.subscribe()

    [shown] = changed(sandbox, charges=[sandbox.seat_charge(metric, "11", id=charge["lago_id"], code="x", prorated=False)])["charges"]

    assert shown == charge | {"properties": {"amount": "11"}}


def test_charges_cannot_swap_codes_in_one_change(sandbox: Api) -> None:
    metric = sandbox.metric()
    first, second = made(sandbox, charges=[sandbox.seat_charge(metric, code="a"), sandbox.seat_charge(metric, code="b")]).body["plan"][
        "charges"
    ]
    swapped = [sandbox.seat_charge(metric, id=first["lago_id"], code="b"), sandbox.seat_charge(metric, id=second["lago_id"], code="a")]

    reply = sandbox.call("PUT", "/plans/team", {"plan": {"charges": swapped}})

    assert (reply.status, reply.body["error_details"]) == (422, {"code": ["value_already_exist"]})


def test_a_refused_change_leaves_the_plan_as_it_was(sandbox: Api) -> None:
    metric = sandbox.metric()
    before = made(sandbox, charges=[sandbox.seat_charge(metric)]).body["plan"]

    sandbox.call("PUT", "/plans/team", {"plan": {"name": "Crew", "charges": [sandbox.seat_charge(metric, "x")]}})

    assert sandbox.ok("GET", "/plans/team")["plan"] == before


def test_a_deleted_plan_is_gone_and_frees_its_code(sandbox: Api) -> None:
    before = made(sandbox).body["plan"]

    gone = sandbox.ok("DELETE", "/plans/team")["plan"]

    assert gone["lago_id"] == before["lago_id"]
    assert gone["pending_deletion"] is True
    assert sandbox.call("GET", "/plans/team").body["code"] == "plan_not_found"
    assert made(sandbox).body["plan"]["lago_id"] != before["lago_id"]


def test_properties_are_shown_as_they_were_given_bounds_as_numbers(sandbox: Api) -> None:
    metric = sandbox.metric("traffic", aggregation_type="sum_agg", field_name="gb", recurring=False)
    ranges = [
        {"from_value": 0, "to_value": 0.5, "per_unit_amount": "1", "flat_amount": "0"},
        {"from_value": 0.5, "to_value": 100, "per_unit_amount": "0.50", "flat_amount": "1"},
        {"from_value": 101, "to_value": None, "per_unit_amount": "0", "flat_amount": "0"},
    ]
    percentage = {"rate": "1", "fixed_amount": None, "free_units_per_events": 3, "per_transaction_max_amount": "2.50"}
    package = {"amount": "5", "package_size": 10, "free_units": 0}
    models: list[tuple[str, dict[str, Any]]] = [
        ("graduated", {"graduated_ranges": ranges}),
        ("percentage", percentage),
        ("package", package),
        ("dynamic", {}),
    ]
    charges: list[dict[str, Any]] = [
        {"billable_metric_id": metric["lago_id"], "charge_model": model, "properties": properties | {"unknown": 1}}
        for model, properties in models
    ]

    plan = made(sandbox, charges=charges).body["plan"]

    assert [charge["properties"] for charge in plan["charges"]] == [properties for _, properties in models]
    sandbox.customer()
    sandbox.subscribe(plan=plan["code"])
    sandbox.event("1", code="traffic", gb="0.75")
    [used, *_] = sandbox.usage()["charges_usage"]
    assert used["units"] == "0.75"
