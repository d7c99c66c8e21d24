"""Fees of drafts that are changed by hand, and invoices that are made again from voided ones."""

from typing import Any

import pytest

from tests.support.server import Api, Server

PRICED = {"per_unit_amount": "2", "flat_amount": "0"}
CHEAPER = {"per_unit_amount": "1", "flat_amount": "0"}


def adjust(api: Api, draft: dict[str, Any], **fields: Any) -> Any:
    reply = api.call("POST", f"/invoices/{draft['lago_id']}/adjusted_fees", {"adjusted_fee": fields})
    return reply.body["fee"] if reply.status == 200 else (reply.status, reply.body.get("error_details") or reply.body.get("code"))


def read(api: Api, invoice: dict[str, Any]) -> dict[str, Any]:
    return api.ok("GET", f"/invoices/{invoice['lago_id']}")["invoice"]


def amounts(invoice: dict[str, Any]) -> dict[str, int]:
    return {fee["item"]["code"]: fee["amount_cents"] for fee in invoice["fees"]}


def fee_of(invoice: dict[str, Any], code: str) -> dict[str, Any]:
    return next(fee for fee in invoice["fees"] if fee["item"]["code"] == code)


@pytest.fixture
def drafted(server: Server) -> Api:
    """A sandbox whose July is a draft: 31.00 for the plan, 3 calls at 2.00, and rows by percentage; 20 % tax."""
    api = server.organization(at="2026-07-01T00:00:00Z", document_number_prefix="ACM")
    api.tax()
    api.add_on()
    calls = api.metric("calls", aggregation_type="count_agg", field_name=None, recurring=False)
    rows = api.metric("rows", aggregation_type="sum_agg", field_name="n", recurring=False)
    charges = [
        api.seat_charge(calls, "2", prorated=False, min_amount_cents=1000),
        api.seat_charge(rows, prorated=False, charge_model="percentage", properties={"rate": "10"}),
    ]
    api.plan(amount_cents=3100, tax_codes=["vat"], charges=charges)
    api.customer(currency="USD", billing_configuration={"invoice_grace_period": 3})
    api.subscribe()
    for number in range(3):
        api.event(f"call {number}", code="calls")
    api.event("rows", code="rows", n=50)
    api.move_to("2026-08-01T00:00:00Z")
    return api


def test_what_is_set_by_hand_survives_until_it_is_taken_back(drafted: Api) -> None:
    api = drafted
    [draft] = api.invoices()
    # 3 x 2.00 = 6.00, 4.00 missing to the minimum of 10.00; 10 % of 50
    assert [fee["amount_cents"] for fee in draft["fees"]] == [3100, 600, 400, 500]
    parent, true_up = draft["fees"][1:3]
    assert (parent["lago_true_up_fee_id"], true_up["lago_true_up_parent_fee_id"]) == (true_up["lago_id"], parent["lago_id"])

    estimated = api.ok(
        "POST", f"/invoices/{draft['lago_id']}/adjusted_fees/estimate", {"adjusted_fee": {"fee_id": parent["lago_id"], "units": "4"}}
    )["fee"]
    assert (estimated["amount_cents"], read(api, draft)) == (800, draft)

    # 4 calls by the charge's price are 8.00, so that 2.00 are missing
    fee = adjust(api, draft, fee_id=parent["lago_id"], units="4")
    assert (fee["lago_id"], fee["units"], fee["amount_cents"], fee["taxes_amount_cents"]) == (parent["lago_id"], "4.0", 800, 160)
    assert adjust(api, draft, fee_id=parent["lago_id"], units="5") == (422, {"adjusted_fee": ["already_exists"]})
    # the plan for 19.995 twice, under another name: 39.99
    base = adjust(
        api, draft, fee_id=draft["fees"][0]["lago_id"], units=2, unit_precise_amount="19.995", invoice_display_name="July, agreed"
    )
    assert (base["amount_cents"], base["item"]["invoice_display_name"]) == (3999, "July, agreed")
    # a percentage needs a price
    percentage = draft["fees"][3]["lago_id"]
    assert adjust(api, draft, fee_id=percentage, units="10") == (422, {"charge": ["invalid_charge_model"]})
    assert adjust(api, draft, fee_id=percentage, units="10", unit_precise_amount="0.1")["amount_cents"] == 100

    api.event("late", code="calls", timestamp=1785456000)  # 31 July: does not move what was set
    changed = api.ok("PUT", f"/invoices/{draft['lago_id']}/refresh")["invoice"]
    assert [fee["amount_cents"] for fee in changed["fees"]] == [3999, 800, 200, 100]
    # 5099, 20 % of it 1019.8
    assert (changed["fees_amount_cents"], changed["taxes_amount_cents"], changed["total_amount_cents"]) == (5099, 1020, 6119)
    assert [fee["lago_id"] for fee in changed["fees"]] == [fee["lago_id"] for fee in draft["fees"]]

    said = api.ok("GET", f"/fees/{parent['lago_id']}/explain")["fee_explanation"]
    assert said["steps"][0]["figures"]["adjustment"] == {
        "units": "4.0",
        "unit_amount": None,
        "computed_units": "4.0",
        "computed_cents": 800,
    }
    assert "set to 4.0 units by hand." in said["sentences"][0]

    back = api.ok("DELETE", f"/adjusted_fees/{percentage}")["fee"]
    assert (back["lago_id"], back["amount_cents"]) == (percentage, 500)
    assert api.call("DELETE", f"/adjusted_fees/{percentage}").body["code"] == "adjusted_fee_not_found"

    final = api.ok("PUT", f"/invoices/{draft['lago_id']}/finalize")["invoice"]
    assert [fee["amount_cents"] for fee in final["fees"]] == [3999, 800, 200, 500]
    assert adjust(api, final, fee_id=parent["lago_id"], units="1") == (403, "feature_unavailable")
    assert api.call("DELETE", f"/adjusted_fees/{parent['lago_id']}").body["code"] == "feature_unavailable"


def test_a_fee_can_be_added_for_a_charge_that_was_not_used(server: Server) -> None:
    api = server.organization(at="2026-07-01T00:00:00Z")
    calls = api.metric("calls", aggregation_type="count_agg", field_name=None, recurring=False)
    plan = api.plan(amount_cents=1000, charges=[api.seat_charge(calls, "2", prorated=False)])
    api.customer(currency="USD", billing_configuration={"invoice_grace_period": 3})
    api.subscribe()
    api.move_to("2026-08-01T00:00:00Z")
    [draft] = api.invoices()
    assert amounts(draft) == {"team": 1000}

    charge_id = plan["charges"][0]["lago_id"]
    added = adjust(api, draft, charge_id=charge_id, subscription_id=draft["subscriptions"][0]["lago_id"], units="3")
    assert (added["amount_cents"], added["units"], added["events_count"]) == (600, "3.0", 0)
    assert amounts(read(api, draft)) == {"team": 1000, "calls": 600}

    gone = api.ok("DELETE", f"/adjusted_fees/{added['lago_id']}")["fee"]
    assert gone["amount_cents"] == 600
    assert amounts(read(api, draft)) == {"team": 1000}
    # set to nothing it is still shown
    assert adjust(api, draft, charge_id=charge_id, units=0)["amount_cents"] == 0
    assert amounts(read(api, draft)) == {"team": 1000, "calls": 0}

    nowhere = "00000000-0000-4000-8000-000000000000"
    assert adjust(api, draft, charge_id=nowhere, units=1) == (404, "charge_not_found")
    assert adjust(api, draft, fee_id=nowhere, units=1) == (404, "fee_not_found")
    assert adjust(api, draft, charge_id=charge_id, subscription_id=nowhere, units=1) == (404, "subscription_not_found")
    assert adjust(api, draft, units=1) == (404, "fee_not_found")
    base = draft["fees"][0]["lago_id"]
    assert adjust(api, draft, fee_id=base) == (422, {"units": ["value_is_mandatory"]})
    assert adjust(api, draft, fee_id=base, unit_precise_amount="1") == (422, {"units": ["value_is_mandatory"]})
    assert adjust(api, draft, fee_id=base, units="-1") == (422, {"units": ["value_is_out_of_range"]})


def regenerate(api: Api, invoice: dict[str, Any], fees: Any = None) -> Any:
    body = None if fees is None else {"fees": fees}
    reply = api.call("POST", f"/invoices/{invoice['lago_id']}/regenerate", body)
    return reply.body["invoice"] if reply.status == 200 else (reply.status, reply.body.get("error_details") or reply.body.get("code"))


def test_a_voided_invoice_is_made_again_with_changed_fees(drafted: Api) -> None:
    api = drafted
    api.coupon()
    api.apply_coupon()
    [draft] = api.invoices()
    final = api.ok("PUT", f"/invoices/{draft['lago_id']}/finalize")["invoice"]
    assert regenerate(api, final) == (405, "not_voided")
    voided = api.ok("POST", f"/invoices/{final['lago_id']}/void")["invoice"]
    api.move_to("2026-08-10T00:00:00Z")
    base, calls = voided["fees"][0], voided["fees"][1]

    made = regenerate(
        api,
        voided,
        [
            {"id": base["lago_id"], "unit_amount_cents": 2500},
            {"id": calls["lago_id"], "units": "5", "invoice_display_name": "Calls, agreed"},
            {"add_on_id": api.ok("GET", "/add_ons/setup")["add_on"]["lago_id"], "units": 2, "unit_amount_cents": "10.5"},
        ],
    )

    # 25.00, 5 x 2.00, 2 x 0.105 = 0.21: 35.21 less 10 % = 352.1 -> 3.52, so 31.69. The plan's fees bear 20 %, the add-on nothing:
    # (2500 + 1000) less their shares of 352, 249.92900 and 99.97160, are 3150.0994, of which 20 % are 630.02.
    assert [fee["amount_cents"] for fee in made["fees"]] == [2500, 1000, 21]
    assert [made[f"{name}_amount_cents"] for name in ("fees", "coupons", "taxes", "total")] == [3521, 352, 630, 3799]
    assert made["fees"][1]["item"]["invoice_display_name"] == "Calls, agreed"
    assert [fee["lago_original_fee_id"] for fee in made["fees"]] == [base["lago_id"], calls["lago_id"], None]
    # dated as the voided one: 1 August and 3 days of grace; final at once, the next number
    assert (made["status"], made["issuing_date"], made["number"], made["invoice_type"]) == (
        "finalized",
        "2026-08-04",
        "ACM-001-002",
        "subscription",
    )
    assert made["billing_periods"] == voided["billing_periods"]
    assert read(api, voided)["status"] == "voided"
    assert regenerate(api, voided) == (405, "already_regenerated")
    said = api.ok("GET", f"/invoices/{made['lago_id']}/explain")["invoice_explanation"]
    assert said["total_amount_cents"] == 3799

    # From that one again: the root stays the first fee; without a list everything as it was.
    api.ok("POST", f"/invoices/{made['lago_id']}/void")
    again = regenerate(api, made)
    assert [fee["amount_cents"] for fee in again["fees"]] == [2500, 1000, 21]
    assert again["fees"][0]["lago_original_fee_id"] == base["lago_id"]
    # Nothing is billed twice by it: the next period is August's.
    api.move_to("2026-09-01T00:00:00Z")
    assert api.invoices()[-1]["billing_periods"][0]["subscription_from_datetime"] == "2026-08-01T00:00:00Z"


def test_fees_of_its_subscription_are_put_on_an_invoice_that_is_made_again(server: Server) -> None:
    api = server.organization(at="2026-07-01T00:00:00Z")
    api.tax()
    api.add_on()
    calls = api.metric("calls", aggregation_type="count_agg", field_name=None, recurring=False)
    rows = api.metric("rows", aggregation_type="sum_agg", field_name="n", recurring=False)
    steps = {"graduated_ranges": [{"from_value": 0, "to_value": 3, **PRICED}, {"from_value": 4, "to_value": None, **CHEAPER}]}
    charges = [
        api.seat_charge(calls, prorated=False, charge_model="graduated", properties=steps, tax_codes=["vat"]),
        api.seat_charge(rows, prorated=False, charge_model="percentage", properties={"rate": "10"}),
    ]
    fixed = {"add_on_code": "setup", "charge_model": "standard", "units": 0, "properties": {"amount": "7"}}
    plan = api.plan(amount_cents=3100, charges=charges, fixed_charges=[fixed])
    api.customer(currency="USD")
    subscription = api.subscribe()["lago_id"]
    api.move_to("2026-08-01T00:00:00Z")
    [voided] = api.invoices()
    assert amounts(voided) == {"team": 3100}
    api.ok("POST", f"/invoices/{voided['lago_id']}/void")
    graduated, percentage = (charge["lago_id"] for charge in plan["charges"])
    seat = {"fixed_charge_id": plan["fixed_charges"][0]["lago_id"], "units": 2, "invoice_display_name": "Help"}

    nowhere = "00000000-0000-4000-8000-000000000000"
    kept = {"id": voided["fees"][0]["lago_id"]}
    for wrong, expected in [
        ({"charge_id": nowhere, "units": 1}, (404, "charge_not_found")),
        ({"charge_id": graduated, "charge_filter_id": nowhere, "units": 1}, (404, "charge_filter_not_found")),
        ({"fixed_charge_id": nowhere, "units": 1}, (404, "fixed_charge_not_found")),
        ({"subscription_id": nowhere}, (404, "subscription_not_found")),
        ({"charge_id": graduated}, (422, {"units": ["value_is_mandatory"]})),
        ({"charge_id": percentage, "units": 1}, (422, {"charge": ["invalid_charge_model"]})),
        ({"subscription_id": subscription}, (422, {"fee": ["already_exists"]})),  # stands there by its id
    ]:
        assert regenerate(api, voided, [kept, wrong]) == expected

    made = regenerate(
        api,
        voided,
        [
            {"subscription_id": subscription, "unit_amount_cents": 1550, "units": 2},
            {"charge_id": graduated, "units": 5},
            {"charge_id": percentage, "units": 3, "unit_amount_cents": "12.5"},
            seat,
        ],
    )
    # 2 x 15.50; 3 x 2.00 + 2 x 1.00; 3 x 0.125 = 0.375; 2 x 7.00. The calls alone bear 20 %.
    assert [fee["amount_cents"] for fee in made["fees"]] == [3100, 800, 38, 1400]
    assert [fee["item"]["type"] for fee in made["fees"]] == ["subscription", "charge", "charge", "fixed_charge"]
    assert [fee["taxes_amount_cents"] for fee in made["fees"]] == [0, 160, 0, 0]
    assert (made["fees"][3]["item"]["invoice_display_name"], made["total_amount_cents"]) == ("Help", 5498)
    said = api.ok("GET", f"/fees/{made['fees'][1]['lago_id']}/explain")["fee_explanation"]
    assert (said["amount_cents"], said["steps"][1]["step"]) == (800, "price")


def test_what_cannot_be_made_again_is_refused(sandbox: Api) -> None:
    api = sandbox
    api.add_on()
    api.customer()
    sold = api.ok("POST", "/invoices", {"invoice": {"external_customer_id": "acme", "currency": "USD", "fees": [{"add_on_code": "setup"}]}})
    invoice = sold["invoice"]
    api.ok("POST", f"/invoices/{invoice['lago_id']}/void")
    nowhere = "00000000-0000-4000-8000-000000000000"

    assert regenerate(api, invoice, [{"id": nowhere}]) == (404, "fee_not_found")
    assert regenerate(api, invoice, [{"add_on_id": nowhere}]) == (404, "add_on_not_found")
    assert regenerate(api, invoice, [{"units": 1}]) == (404, "fee_not_found")
    assert regenerate(api, invoice, []) == (404, "fees_not_found")
    wrong = [{"id": invoice["fees"][0]["lago_id"], "units": -1}]
    assert regenerate(api, invoice, wrong) == (422, {"units": ["value_is_out_of_range"]})

    made = regenerate(api, invoice, [{"id": invoice["fees"][0]["lago_id"], "units": 3}])
    assert (made["total_amount_cents"], made["invoice_type"], made["fees"][0]["units"]) == (15000, "one_off", "3.0")
    assert api.ok("GET", f"/fees/{made['fees'][0]['lago_id']}/explain")["fee_explanation"]["amount_cents"] == 15000
    assert api.ok("GET", f"/fees/{invoice['fees'][0]['lago_id']}/explain")["fee_explanation"]["steps"][0]["step"] == "price"
