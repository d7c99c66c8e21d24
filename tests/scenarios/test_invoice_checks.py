"""Invoices worked out again: from raw events and the plan as it was, everything comes to what is stored."""

import subprocess
import sys
from typing import Any

import psycopg

from tests.support.instants import unix
from tests.support.server import Api, Server


def a_plan(api: Api) -> dict[str, Any]:
    """Make a plan with charges of every kind, a commitment and a fixed charge."""
    api.tax(rate="7.7", applied_to_organization=True)
    api.add_on("support")
    region = {"filters": [{"key": "region", "values": ["eu", "us"]}]}
    plain = {"recurring": False, "field_name": "n", "aggregation_type": "sum_agg"}
    calls, disks = api.metric("calls", **plain, **region), api.metric("disks", aggregation_type="sum_agg", field_name="n")
    peak, level = (
        api.metric("peak", **plain | {"aggregation_type": "max_agg"}),
        api.metric("last", **plain | {"aggregation_type": "latest_agg"}),
    )
    hours = api.metric("hours", aggregation_type="weighted_sum_agg", field_name="n", weighted_interval="seconds", recurring=True)
    own = {"values": {"region": ["eu"]}, "properties": {"amount": "0.0207"}}
    tiers = [
        {"from_value": 0, "to_value": 2, "per_unit_amount": "10", "flat_amount": "1"},
        {"from_value": 3, "to_value": None, "per_unit_amount": "7.5", "flat_amount": "0"},
    ]
    grouped = api.seat_charge(calls, "0.01", prorated=False, filters=[own], min_amount_cents=900)
    grouped["properties"]["pricing_group_keys"] = ["team"]
    charges = [
        grouped,
        api.seat_charge(api.metric("seats"), charge_model="graduated", properties={"graduated_ranges": tiers}),
        api.seat_charge(disks, "0.333"),
        api.seat_charge(peak, charge_model="volume", prorated=False, properties={"volume_ranges": tiers}),
        api.seat_charge(level, charge_model="package", prorated=False, properties={"amount": "3", "free_units": 1, "package_size": 4}),
        api.seat_charge(hours, "0.5", prorated=False),
        api.seat_charge(
            api.metric("fees", **plain), charge_model="percentage", prorated=False, properties={"rate": "1.35", "fixed_amount": "0.1"}
        ),
        api.seat_charge(api.metric("setups", **plain), "5", prorated=False, pay_in_advance=True),
    ]
    fixed = [{"add_on_code": "support", "charge_model": "standard", "units": 3, "properties": {"amount": "4.99"}, "prorated": True}]
    return api.plan(amount_cents=4999, charges=charges, fixed_charges=fixed, minimum_commitment={"amount_cents": 20_000})


def live(server: Server) -> Api:
    """Play three months: usage of everything, a coupon, an upgrade inside a month, an end inside another."""
    api = server.organization(at="2026-07-12T09:30:00Z", document_number_prefix="CHECKED")
    a_plan(api)
    api.plan("big", amount_cents=9900, pay_in_advance=True, charges=[])
    api.customer(currency="USD", timezone="Europe/Berlin")
    api.coupon(percentage_rate="12.5")
    api.apply_coupon()
    api.subscribe()
    for month in ("07-20", "08-05"):
        for place, code in enumerate(("calls", "calls", "disks", "peak", "last", "hours", "fees", "setups", "seats")):
            day = {"timestamp": unix(f"2026-{month}T1{place}:17:00Z"), "user_id": f"{code}{month}", "n": f"{place + 3}.7"}
            api.event(f"{month}{place}", code=code, **day, **({"region": "eu"} if place else {"team": "blue"}))
        if month == "07-20":
            api.move_to("2026-08-03T00:00:00Z")
    api.event("gone", timestamp=unix("2026-08-11T22:30:00Z"), user_id="seats07-20", operation_type="remove")
    api.move_to("2026-09-10T12:00:00Z")
    api.subscribe(plan="big")
    api.move_to("2026-10-05T12:00:00Z")
    api.terminate()
    api.add_on("extra", amount_cents=1999)
    api.ok("POST", "/invoices", {"invoice": {"external_customer_id": "acme", "fees": [{"add_on_code": "extra", "units": "2.5"}]}})
    return api


def test_every_fee_of_a_lively_customer_comes_out_again(server: Server) -> None:
    api = live(server)
    invoices = api.invoices()
    again = 0
    kinds = set()
    for invoice in invoices:
        check = api.ok("GET", f"/invoices/{invoice['lago_id']}/check")["invoice_check"]
        assert check["is_consistent"], (invoice["number"], check["sentences"])
        again += sum(fee["events_count"] is not None for fee in check["fees"])
        kinds |= {fee["item"]["type"] for fee in invoice["fees"]}
    assert (len(invoices) >= 6, again >= 15, kinds) == (True, True, {"subscription", "charge", "fixed_charge", "commitment", "add_on"})

    # Somebody changes a figure behind the back: it is found, by its name.
    changed = next(invoice for invoice in invoices if any(fee["item"]["code"] == "calls" for fee in invoice["fees"]))
    fee = next(fee for fee in changed["fees"] if fee["item"]["code"] == "calls" and fee["events_count"])
    with psycopg.connect(server.database_url().replace("+psycopg", "")) as connection:
        connection.execute("update fees set amount_cents = amount_cents + 1 where id = %s", (fee["lago_id"],))
    command = [sys.executable, "-m", "daycount", "bill", "check", changed["lago_id"], "--data-dir", str(server.data_dir)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1, done.stderr
    assert f"    amount_cents is {fee['amount_cents'] + 1}, comes to {fee['amount_cents']}" in done.stdout.splitlines()
