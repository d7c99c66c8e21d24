"""`daycount explain`: every amount in sentences, from what was stored with it, also after prices have changed."""

import subprocess
import sys

from tests.support.instants import unix
from tests.support.invoices import charge_of, fees_of
from tests.support.server import Api, Server


def explain(server: Server, what: str, name: str) -> list[str]:
    """Run the command on the running server's data and return its lines."""
    command = [sys.executable, "-m", "daycount", "explain", what, name, "--data-dir", str(server.data_dir)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return [line.strip() for line in done.stdout.splitlines() if line.strip()]


def july(server: Server, prefix: str) -> Api:
    """Bill July for two seats, one of them from the 10th on, a plan of 31.00 from the 12th on, and disks."""
    api = server.organization(at="2026-07-12T12:00:00Z", document_number_prefix=prefix)
    disks = api.metric("disks", aggregation_type="sum_agg", field_name="size")
    api.plan(name="Team", amount_cents=3100, charges=[api.seat_charge(api.metric(name="Seats")), api.seat_charge(disks, "0.5")])
    api.customer(name="Acme Inc", net_payment_term=30)
    api.subscribe()
    for place, (instant, seat, operation) in enumerate(
        [
            ("2026-07-12T13:00:00Z", "ada", "add"),
            ("2026-07-15T09:00:00Z", "ben", "add"),
            ("2026-07-20T09:00:00Z", "ben", "remove"),
        ]
    ):
        api.event(f"{place}", timestamp=unix(instant), user_id=seat, operation_type=operation)
    api.event("disk", code="disks", timestamp=unix("2026-07-22T09:00:00Z"), size=8)
    api.move_to("2026-08-01T00:00:00Z")
    return api


def test_an_invoice_is_explained_down_to_each_seats_days(server: Server) -> None:
    api = july(server, "EXPLAIN")
    [invoice] = api.invoices()

    said = explain(server, "invoice", invoice["number"])

    assert said[0] == "Invoice EXPLAIN-001-001 for Acme Inc, issued 1 Aug 2026, due 31 Aug 2026."
    # The plan: 12–31 July, 20 of 31 days of 31.00 are 20.00.
    assert "The plan 'Team' costs $31.00 for a period of 31 days; 20 of them, 12 Jul – 31 Jul (UTC), are billed." in said
    assert "$31.00 × 20/31 is 20.0 USD." in said
    # Seats: ada 20 days, ben 6, together 26/31 = 0.8387…, up to 0.83871; × 10.00 = 8.3871.
    assert "ada was active on 20 days of 31: 12 Jul – 31 Jul." in said
    assert "ben was active on 6 days of 31: 15 Jul – 20 Jul." in said
    assert any(line.startswith("Together 26 days of 31: 26/31 = 0.8387") and line.endswith("up to 5 decimals 0.83871.") for line in said)
    assert "0.83871 units at $10.00 each are 8.3871 USD." in said
    assert "838.71 minor units, rounded half away from zero, once: $8.39." in said
    # Disks: 8 from the 22nd on, 10 of 31 days: 80/31 = 2.58064…, up to 2.58065; × 0.50 = 1.290325.
    assert "8.0 units changed on 22 Jul 2026." in said
    assert "2.58065 units at $0.50 each are 1.290325 USD." in said
    assert said[-1] == "Total of 1 subscription: $20.00 + $8.39 + $1.29 = $29.68."
    assert invoice["total_amount_cents"] == 2968


def test_an_explanation_stays_true_when_prices_and_names_change(server: Server) -> None:
    api = july(server, "CONSTANT")
    [invoice] = api.invoices()
    [base] = fees_of(invoice, "subscription")
    seats = next(fee for fee in fees_of(invoice, "charge") if fee["item"]["code"] == "seats")
    before = [explain(server, "invoice", invoice["number"]), *(explain(server, "fee", fee["lago_id"]) for fee in (base, seats))]

    plan = api.ok("GET", "/plans/team")["plan"]
    charges = [
        {
            "id": charge["lago_id"],
            "billable_metric_id": charge["lago_billable_metric_id"],
            "charge_model": "standard",
            "properties": {"amount": "99"},
        }
        for charge in plan["charges"]
    ]
    api.ok("PUT", "/plans/team", {"plan": {"name": "Squad", "amount_cents": 9900, "charges": charges}})
    api.event("late", timestamp=unix("2026-07-14T09:00:00Z"), user_id="late")
    api.customer(name="Acme Inc", timezone="Asia/Tokyo")

    after = [explain(server, "invoice", invoice["lago_id"]), *(explain(server, "fee", fee["lago_id"]) for fee in (base, seats))]
    assert after == before
    assert "0.83871 units at $10.00 each are 8.3871 USD." in after[2]


def test_a_metered_fee_and_its_rounding_are_explained(server: Server) -> None:
    api = server.organization(at="2026-07-01T00:00:00Z")
    metric = api.metric(
        "traffic",
        name="Traffic",
        aggregation_type="sum_agg",
        field_name="gb",
        recurring=False,
        rounding_function="ceil",
        rounding_precision=0,
    )
    api.plan(amount_currency="KWD", charges=[api.seat_charge(metric, "1.2345", prorated=False)])
    api.subscribe()
    api.event("1", code="traffic", timestamp=unix("2026-07-10T00:00:00Z"), gb="2.25")
    api.move_to("2026-08-01T00:00:00Z")

    said = explain(server, "fee", charge_of(api.invoices()[0])["lago_id"])

    assert said[0] == "Traffic was counted from events with the code 'traffic' for 1 Jul – 31 Jul (UTC)."
    assert "1 event of the period counted." in said
    assert "They come to 2.25 units (the sum of gb)." in said
    assert "The metric rounds its total (ceil to 0 decimals): 3.0." in said
    assert any("at KWD 1.2345 each are 3.7035 KWD." in line for line in said)
    assert said[-1] == "3703.5 minor units, rounded half away from zero, once: KWD 3.704."


def test_the_metrics_own_rounding_comes_after_the_days(server: Server) -> None:
    api = server.organization(at="2026-07-01T00:00:00Z")
    api.plan(charges=[api.seat_charge(api.metric(rounding_function="round", rounding_precision=1))])
    api.subscribe()
    api.event("1", timestamp=unix("2026-07-12T00:00:00Z"), user_id="ada")
    api.move_to("2026-08-01T00:00:00Z")
    fee = charge_of(api.invoices()[0])

    said = explain(server, "fee", fee["lago_id"])

    # 12–31 July: 20/31 = 0.64516…, up to 0.64517, which the metric rounds to 0.6; × 10.00
    assert fee["amount_cents"] == 600
    assert "Together 20 days of 31: 20/31 = 0.64516…, rounded up to 5 decimals 0.64517." in said
    assert "The metric rounds its total (round to 1 decimals): 0.6." in said
    assert "0.6 units at $10.00 each are 6.0 USD." in said


def test_what_is_not_there_cannot_be_explained(server: Server) -> None:
    command = [sys.executable, "-m", "daycount", "explain", "invoice", "NO-001-001", "--data-dir", str(server.data_dir)]

    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode != 0
    assert "Traceback" not in done.stderr


def test_fixed_charges_and_commitments_are_explained(server: Server) -> None:
    api = server.organization(at="2026-06-01T00:00:00Z")
    api.add_on("desk")
    fixed = {"add_on_code": "desk", "charge_model": "standard", "units": 10, "prorated": True, "properties": {"amount": "5"}}
    api.plan(fixed_charges=[fixed], minimum_commitment={"amount_cents": 10000})
    api.customer()
    api.subscribe()
    api.move_to("2026-06-11T00:00:00Z")
    api.ok("PUT", "/plans/team/fixed_charges/desk", {"fixed_charge": {"units": 16, "apply_units_immediately": True}})
    api.move_to("2026-07-01T00:00:00Z")
    [invoice] = api.invoices()
    fees = {fee["item"]["type"]: fee["lago_id"] for fee in invoice["fees"]}

    desks = " ".join(explain(server, "fee", fees["fixed_charge"]))
    missing = " ".join(explain(server, "fee", fees["commitment"]))

    # 10 x 10/30 + 16 x 20/30 = 14 units of 5.00; 100.00 less 70.00
    for said in ("16.0 units", "are 3.333333", "are 10.666667", "they are 14.0 units", "70.0 USD"):
        assert said in desks
    for said in ("100.00", "70.00", "30.00"):
        assert said in missing


def test_coupons_and_taxes_are_explained_on_the_wire_each_figure_from_the_one_before(server: Server) -> None:
    api = server.organization(at="2026-06-11T00:00:00Z")
    api.tax(rate=20, applied_to_organization=True)
    api.coupon("fixed", amount_cents=500)
    api.plan(amount_cents=3100)
    api.customer(name="Acme Inc")
    api.apply_coupon("fixed")
    api.subscribe()
    api.move_to("2026-07-01T00:00:00Z")
    [invoice] = api.invoices()

    explained = api.ok("GET", f"/invoices/{invoice['lago_id']}/explain")["invoice_explanation"]

    [fee] = explained["fees"]
    steps = {step["step"]: step["figures"] for step in fee["steps"]}
    # 11-30 June are 20 of 30 days: 31.00 x 20/30 = 20.66..., rounded to 2067, of which 1/3 of a minor unit is the residue.
    assert (steps["share"]["share"]["days"], steps["share"]["share"]["full_days"]) == (20, 30)
    assert steps["rounding"] == {
        "currency": "USD",
        "exact_cents": "6200/3",
        "rule": "half away from zero, once",
        "cents": 2067,
        "residue_cents": "1/3",
    }
    # 2067 - 500 = 1567; taxes are of the rounded fee less its coupons: 20 % of 1567 are 313.4
    assert steps["coupons"] == {"amount_cents": 2067, "coupons_cents": "500.0", "net_cents": "1567.0"}
    assert [steps["taxes"][name] for name in ("taxed_cents", "exact_cents", "taxes_cents")] == ["1567.0", "313.4", 313]
    assert [(step["step"], step["figures"]["after_cents"]) for step in explained["steps"]] == [
        ("fees", 2067),
        ("coupons", 1567),
        ("taxes", 1880),
    ]
    assert explained["total_amount_cents"] == invoice["total_amount_cents"] == 1880
    assert explained["sentences"][-1] == "Taxes add $3.13: $18.80."
    alone = api.ok("GET", f"/fees/{fee['lago_fee_id']}/explain")["fee_explanation"]
    assert alone == fee
    assert [line for line in explain(server, "fee", fee["lago_fee_id"]) if line.startswith("Its share")] == [
        "Its share of coupons and of what was billed before is 500.0 minor units; 1567.0 are left."
    ]
