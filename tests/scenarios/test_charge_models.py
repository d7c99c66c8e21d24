"""Every charge model through the API: what current usage shows is what the invoice bills, by the contract's worked examples."""

from typing import Any

from tests.support.instants import unix
from tests.support.invoices import fees_of
from tests.support.server import Api, Server

Invoice = dict[str, Any]


def tier(start: Any, end: Any, rate: str, flat: str = "0", *, name: str = "per_unit_amount") -> dict[str, Any]:
    return {"from_value": start, "to_value": end, name: rate, "flat_amount": flat}


E1 = {"graduated_ranges": [tier(0, 100, "0.30", "7"), tier(101, 500, "0.20", "4"), tier(501, None, "0.05")]}
E3 = {"volume_ranges": [tier(0, 50, "2", "5"), tier(51, 200, "1.4", "9"), tier(201, None, "0.9")]}
E4 = {"package_size": 250, "amount": "12.5", "free_units": 40}
E5 = {"graduated_percentage_ranges": [tier(0, 1000, "2.5", "3", name="rate"), tier(1001, None, "1.25", "8", name="rate")]}
E9 = {"graduated_ranges": [tier(0, 5, "12", "10"), tier(6, 15, "9", "20"), tier(16, None, "5", "30")]}
E7 = {"rate": "1.9", "fixed_amount": "0.4"}
W38 = {"volume_ranges": [tier(0, 5, "10"), tier(6, None, "8")]}


def charge(metric: dict[str, Any], model: str, properties: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"billable_metric_id": metric["lago_id"], "charge_model": model, "properties": properties} | fields


def billed(api: Api, close: str) -> tuple[list[int], Invoice]:
    """Read usage, close the period, and return the amounts of both, by charge, which must be the same."""
    usage = {item["charge"]["code"]: item["amount_cents"] for item in api.usage()["charges_usage"]}
    codes = {item["lago_id"]: item["code"] for item in api.ok("GET", "/plans/team")["plan"]["charges"]}
    api.move_to(close)
    invoice = api.invoices()[-1]
    found = dict.fromkeys(codes.values(), 0)
    for fee in fees_of(invoice, "charge"):
        found[codes[fee["lago_charge_id"]]] += fee["amount_cents"]
    assert usage == found
    return [found[code] for code in codes.values()], invoice


def test_e1_e3_e4_e5_e7_e8_every_model_bills_what_usage_shows(server: Server) -> None:
    api = server.organization(at="2026-06-01T00:00:00Z")
    traffic = api.metric("traffic", aggregation_type="sum_agg", field_name="gb", recurring=False)
    calls = api.metric("calls", aggregation_type="count_agg", field_name=None, recurring=False)
    limits = {"per_transaction_min_amount": "2", "per_transaction_max_amount": "8"}
    api.plan(
        charges=[
            charge(traffic, "standard", {"amount": "0.00337"}),
            charge(traffic, "graduated", E1),
            charge(traffic, "volume", E3),
            charge(traffic, "package", E4),
            charge(traffic, "percentage", E7 | {"free_units_per_total_aggregation": "600"}),
            charge(traffic, "percentage", E7 | {"free_units_per_events": 2}),
            charge(traffic, "percentage", E7 | limits),
            charge(traffic, "graduated_percentage", E5),
            charge(traffic, "dynamic", {}),
            charge(calls, "graduated", E1),
            charge(calls, "percentage", {"rate": "50", "fixed_amount": "1", "free_units_per_events": 1}),
        ]
    )
    api.customer()
    api.subscribe()
    brought = [("1", 500, "12.345"), ("2", 450, "100"), ("3", 300, "0.5")]
    events = [
        {
            "transaction_id": name,
            "code": "traffic",
            "external_subscription_id": "sub",
            "timestamp": unix(f"2026-06-0{name}T00:00:00Z"),
            "precise_total_amount_cents": cents,
            "properties": {"gb": gb},
        }
        for name, gb, cents in reversed(brought)
    ]
    api.ok("POST", "/events/batch", {"events": events})
    api.event("call 1", code="calls")
    api.event("call 2", code="calls")

    amounts, invoice = billed(api, "2026-07-01T00:00:00Z")

    assert amounts == [
        421,  # 1250 × 0.00337 = 4.2125
        15850,  # 37 + 400 × 0.20 + 4 + 750 × 0.05 = 37 + 84 + 37.50
        112500,  # 1250 × 0.9
        6250,  # 1210 paid units are 4.84 packages of 250: 5 × 12.50
        1315,  # 650 × 1.9 % + 2 × 0.40
        610,  # 300 × 1.9 % + 0.40
        2210,  # 9.90 → 8; 8.95 → 8; 6.10
        3913,  # 28 + 250 × 1.25 % + 8 = 39.125
        113,  # 112.845 cents
        760,  # 2 × 0.30 + 7
        150,  # one call is free: 1 × 50 % + 1
    ]
    fees = fees_of(invoice, "charge")
    assert [fee["events_count"] for fee in fees] == [3] * 9 + [2, 2]
    assert fees[8]["precise_amount"] == "1.12845"
    assert fees[6]["amount_details"] == {
        "units": "1250.0",
        "free_units": "0.0",
        "free_events": 0,
        "paid_units": "1250.0",
        "rate": "1.9",
        "per_unit_total_amount": "23.75",
        "paid_events": 3,
        "fixed_fee_unit_amount": "0.4",
        "fixed_fee_total_amount": "1.2",
        "min_max_adjustment_total_amount": "-2.85",
    }
    assert [len(fee["amount_details"].get("graduated_ranges", [])) for fee in fees] == [0, 3, 0, 0, 0, 0, 0, 0, 0, 1, 0]


def test_a_quiet_period_bills_the_first_flat_amount(server: Server) -> None:
    api = server.organization(at="2026-06-01T00:00:00Z")
    traffic = api.metric("traffic", aggregation_type="sum_agg", field_name="gb", recurring=False)
    models: list[tuple[str, dict[str, Any]]] = [
        ("graduated", E1),
        ("volume", E3),
        ("package", E4),
        ("percentage", E7),
        ("graduated_percentage", E5),
        ("dynamic", {}),
    ]
    api.plan(charges=[charge(traffic, model, properties) for model, properties in models])
    api.customer()
    api.subscribe()

    amounts, invoice = billed(api, "2026-07-01T00:00:00Z")

    assert amounts == [700, 500, 0, 0, 300, 0]
    assert [fee["units"] for fee in fees_of(invoice, "charge")] == ["0.0"] * 3


def test_e15_every_bucket_has_tiers_of_its_own(server: Server) -> None:
    api = server.organization(at="2026-06-01T00:00:00Z")
    filters = [{"key": "region", "values": ["eu", "us"]}]
    traffic = api.metric("traffic", aggregation_type="sum_agg", field_name="gb", recurring=False, filters=filters)
    regions = [{"values": {"region": [region]}, "properties": E3} for region in ("eu", "us")]
    api.plan(charges=[charge(traffic, "volume", E3, filters=regions)])
    api.customer()
    api.subscribe()
    api.event("1", code="traffic", gb=20, region="eu")

    amounts, invoice = billed(api, "2026-07-01T00:00:00Z")

    assert amounts == [5500]  # eu 20 × 2 + 5 = 45; us and what no filter takes 5 each
    assert sorted(fee["amount_cents"] for fee in fees_of(invoice, "charge")) == [500, 500, 4500]


def test_groups_have_free_units_of_their_own(server: Server) -> None:
    api = server.organization(at="2026-06-01T00:00:00Z")
    traffic = api.metric("traffic", aggregation_type="sum_agg", field_name="gb", recurring=False)
    grouped = {"pricing_group_keys": ["team"]}
    free = {"rate": "10", "free_units_per_total_aggregation": "100"}
    api.plan(charges=[charge(traffic, "percentage", free | grouped), charge(traffic, "package", E4 | grouped)])
    api.customer()
    api.subscribe()
    for place, (team, gb) in enumerate([("a", 150), ("b", 80), ("a", 30)]):
        api.event(f"{place}", code="traffic", gb=gb, team=team)

    amounts, _ = billed(api, "2026-07-01T00:00:00Z")

    assert amounts == [800, 2500]  # a: 80 × 10 %, b: all free; one package each


def seats_of(api: Api, *, start: str, events: list[tuple[str, str, str]]) -> None:
    """Subscribe and send (instant, seat, operation)."""
    api.customer()
    api.subscribe(subscription_at=start)
    for place, (instant, seat, operation) in enumerate(events):
        api.event(f"{place}", timestamp=unix(instant), user_id=seat, operation_type=operation)


def test_W38_the_tier_of_a_prorated_volume_follows_the_seats_at_the_end(server: Server) -> None:
    carried = [("2025-03-05T09:00:00Z", f"c{i}", "add") for i in range(6)]
    w16 = [
        *carried[:5],
        ("2025-04-11T09:00:00Z", "new1", "add"),
        ("2025-04-11T10:00:00Z", "new2", "add"),
        ("2025-04-20T17:00:00Z", "c0", "remove"),
    ]
    found = []
    for events in (w16, [*carried, ("2025-04-10T08:00:00Z", "c0", "remove")]):
        api = server.organization(at="2025-04-25T00:00:00Z")
        api.plan(charges=[charge(api.metric(), "volume", W38, prorated=True)])
        seats_of(api, start="2025-04-01T00:00:00Z", events=events)
        found.append(billed(api, "2025-05-01T00:00:00Z")[0])

    # Six seats at the end: 6 × 8. Five at the end and 5 + 10/30, up to 5.33334, × 10 = 53.3334.
    assert found == [[4800], [5333]]


def test_e9_a_prorated_graduated_charge_follows_each_seat(server: Server) -> None:
    carried = [("2025-05-05T09:00:00Z", f"c{i}", "add") for i in range(8)]
    cases = {
        5800: carried[:4],
        9300: [*carried[:4], *(("2025-06-16T09:00:00Z", f"n{i}", "add") for i in range(3))],
        9750: [*carried, *(("2025-06-15T09:00:00Z", f"c{i}", "remove") for i in range(4))],  # the 15th is billed
        8550: [*carried, *(("2025-06-15T09:00:00Z", f"c{i}", "remove") for i in range(6))],
    }
    found = []
    for events in cases.values():
        api = server.organization(at="2025-06-20T00:00:00Z")
        api.plan(charges=[charge(api.metric(), "graduated", E9, prorated=True)])
        seats_of(api, start="2025-06-01T00:00:00Z", events=events)
        amounts, invoice = billed(api, "2025-07-01T00:00:00Z")
        found += amounts

    assert found == list(cases)
    [fee] = fees_of(invoice, "charge")
    assert (fee["units"], fee["amount_details"], fee["precise_unit_amount"]) == ("2.0", {}, "42.75")


def test_e9_a_prorated_graduated_charge_follows_each_quantity(server: Server) -> None:
    api = server.organization(at="2025-06-20T00:00:00Z")
    disks = api.metric("disks", aggregation_type="sum_agg", field_name="size")
    api.plan(charges=[charge(disks, "graduated", E9, prorated=True)])
    api.customer()
    api.subscribe(subscription_at="2025-06-01T00:00:00Z")
    api.event("1", code="disks", timestamp=unix("2025-05-05T00:00:00Z"), size=4)
    api.event("2", code="disks", timestamp=unix("2025-06-16T00:00:00Z"), size=14)

    amounts, invoice = billed(api, "2025-07-01T00:00:00Z")

    assert amounts == [16650]  # 48 + 6 + 10 × 4.50 + 3 × 2.50 + 60
    assert fees_of(invoice, "charge")[0]["units"] == "18.0"
