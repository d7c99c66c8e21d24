"""Reading invoices, current usage and events: filters, and what is shown where."""

from typing import Any

import pytest

from tests.support.server import Api

# Events


@pytest.fixture
def busy(sandbox: Api) -> Api:
    """A sandbox with a subscription since 1 July and five events, `0` before it and `4` of another subscription."""
    metric = sandbox.metric()
    sandbox.plan(charges=[sandbox.seat_charge(metric, prorated=False)])
    sandbox.customer()
    sandbox.subscribe()
    for number, (day, subscription, code) in enumerate(
        [
            (1782777600, "sub", "seats"),  # 30 June
            (1782864000, "sub", "seats"),  # 1 July
            (1782950400, "sub", "other"),  # 2 July
            (1783036800, "sub", "seats"),  # 3 July
            (1783036800, "elsewhere", "seats"),
        ]
    ):
        sandbox.event(str(number), code=code, subscription=subscription, timestamp=day, user_id=f"u{number}")
    return sandbox


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", "34210"),
        ("code=seats", "3410"),
        ("external_subscription_id=sub", "3210"),
        ("external_subscription_id=sub&code=other", "2"),
        ("timestamp_from=2026-07-02T00:00:00Z", "342"),
        ("timestamp_to=2026-07-02T00:00:00Z", "210"),
        ("timestamp_from=2026-07-01&timestamp_to=2026-07-02", "21"),
        ("timestamp_from_started_at=true&external_subscription_id=sub", "321"),
        ("timestamp_from_started_at=false&external_subscription_id=sub", "3210"),
        ("code=nothing", ""),
    ],
)
def test_events_are_filtered_the_latest_first(busy: Api, query: str, found: str) -> None:
    reply = busy.raw("GET", f"/api/v1/events?{query}").body

    assert "".join(event["transaction_id"] for event in reply["events"]) == found
    assert reply["meta"]["total_count"] == len(found)


@pytest.mark.parametrize(
    ("query", "details"),
    [
        ("timestamp_from_started_at=true", {"external_subscription_id": ["required with timestamp_from_started_at"]}),
        (
            "timestamp_from_started_at=true&external_subscription_id=sub&timestamp_from=2026-07-01",
            {"timestamp_from": ["cannot be used with timestamp_from_started_at"]},
        ),
    ],
)
def test_filters_that_do_not_go_together_are_refused(busy: Api, query: str, details: dict[str, Any]) -> None:
    reply = busy.raw("GET", f"/api/v1/events?{query}")

    assert (reply.status, reply.body["error_details"]) == (422, details)


def test_an_event_shows_every_field(busy: Api) -> None:
    shown = busy.ok("GET", "/events/3")["event"]

    assert len(shown.pop("lago_id")) == 36
    assert shown == {
        "transaction_id": "3",
        "lago_customer_id": None,
        "lago_subscription_id": None,
        "external_subscription_id": "sub",
        "code": "seats",
        "timestamp": "2026-07-03T00:00:00.000Z",
        "precise_total_amount_cents": None,
        "properties": {"user_id": "u3"},
        "created_at": "2026-07-01T00:00:00Z",
        "warnings": [],
    }


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"external_subscription_id": "nobody"}, "subscription_not_found"),
        ({"code": "nothing"}, "billable_metric_not_found"),
        ({"code": "idle"}, "not_charged"),
        ({"properties": {}}, "property_missing"),
        ({"properties": {"user_id": "x", "operation_type": "rename"}}, "operation_type_unknown"),
        ({"timestamp": 1751328000}, None),  # a year before: carried by a recurring metric
    ],
)
def test_an_event_that_will_not_be_billed_says_so(busy: Api, change: dict[str, Any], code: str | None) -> None:
    busy.metric("idle")
    event = {"transaction_id": "w", "code": "seats", "external_subscription_id": "sub", "properties": {"user_id": "x"}} | change

    sent = busy.ok("POST", "/events", {"event": event})["event"]["warnings"]
    listed = busy.ok("GET", "/events/w")["event"]["warnings"]

    assert sent == listed
    if code is not None:
        assert code in [warning["code"] for warning in sent]
        assert all(warning["message"] for warning in sent)


@pytest.mark.parametrize(
    ("given", "shown"),
    [("12.5", "12.5"), (12, "12.0"), ("1e3", "1000.0"), ("garbage", "0.0"), (None, None), ("0.000000000000001", "0.000000000000001")],
)
def test_a_precise_amount_is_a_decimal_text(sandbox: Api, given: Any, shown: str | None) -> None:
    event = {"transaction_id": "t", "code": "x", "external_subscription_id": "s", "precise_total_amount_cents": given}

    assert sandbox.ok("POST", "/events", {"event": event})["event"]["precise_total_amount_cents"] == shown


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("1741529107.250", "2025-03-09T14:05:07.250Z"),
        ("1741529107.9999", "2025-03-09T14:05:07.999Z"),  # cut off, not rounded
        (1741529107, "2025-03-09T14:05:07.000Z"),
        ("-1", "1969-12-31T23:59:59.000Z"),
    ],
)
def test_a_timestamp_shows_milliseconds(sandbox: Api, given: Any, shown: str) -> None:
    assert sandbox.event("t", timestamp=given)["timestamp"] == shown


def test_the_same_transaction_id_is_free_for_another_subscription(sandbox: Api) -> None:
    sandbox.event("t", subscription="a")
    sandbox.event("t", subscription="b")

    assert sandbox.ok("GET", "/events")["meta"]["total_count"] == 2


# Current usage


def test_usage_shows_every_field(busy: Api) -> None:
    usage = busy.usage()

    [charge] = busy.ok("GET", "/plans/team")["plan"]["charges"]
    metric = busy.ok("GET", "/billable_metrics/seats")["billable_metric"]
    # u0 was added before the start and is carried, u1 and u3 came in July: three seats at 10.00
    assert usage == {
        "from_datetime": "2026-07-01T00:00:00Z",
        "to_datetime": "2026-07-31T23:59:59Z",
        "issuing_date": "2026-07-31",
        "currency": "USD",
        "amount_cents": 3000,
        "total_amount_cents": 3000,
        "taxes_amount_cents": 0,
        "lago_invoice_id": None,
        "charges_usage": [
            {
                "units": "3.0",
                "total_aggregated_units": "3.0",
                "events_count": 2,
                "amount_cents": 3000,
                "amount_currency": "USD",
                "pricing_unit_details": None,
                "charge": {"lago_id": charge["lago_id"], "code": "seats", "charge_model": "standard", "invoice_display_name": None},
                "billable_metric": {
                    "lago_id": metric["lago_id"],
                    "name": "Seats",
                    "code": "seats",
                    "aggregation_type": "unique_count_agg",
                },
                "filters": [],
                "grouped_usage": [],
                "presentation_breakdowns": [],
            }
        ],
    }


@pytest.fixture
def metered(sandbox: Api) -> Api:
    """A sandbox whose plan has three charges on metrics named b, A and c; one call is counted."""
    metrics = [sandbox.metric(f"m_{name}", name=name, aggregation_type="count_agg", recurring=False) for name in ("b", "A", "c")]
    sandbox.plan(charges=[sandbox.seat_charge(metric, "1", prorated=False, code=f"c_{metric['name']}") for metric in metrics])
    sandbox.customer()
    sandbox.subscribe()
    sandbox.event("t", code="m_c")
    return sandbox


def test_every_charge_is_shown_by_the_lower_cased_name_of_its_metric(metered: Api) -> None:
    shown = metered.usage()["charges_usage"]

    assert [(used["billable_metric"]["name"], used["units"], used["amount_cents"]) for used in shown] == [
        ("A", "0.0", 0),
        ("b", "0.0", 0),
        ("c", "1.0", 100),
    ]


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ({"charge_code": "c_b"}, ["c_b"]),
        ({"filter_by_charge_code": "c_b"}, ["c_b"]),
        ({"billable_metric_code": "m_c"}, ["c_c"]),
        ({"filter_by_metric_code": "m_c"}, ["c_c"]),
        ({"charge_code": "c_b", "billable_metric_code": "m_c"}, ["c_b"]),
        ({"apply_taxes": "false"}, ["c_A", "c_b", "c_c"]),
    ],
)
def test_usage_may_be_limited_to_a_charge(metered: Api, query: dict[str, str], codes: list[str]) -> None:
    assert [used["charge"]["code"] for used in metered.usage(**query)["charges_usage"]] == codes


def test_usage_is_limited_to_a_charge_by_its_id_first(metered: Api) -> None:
    wanted = metered.usage()["charges_usage"][2]

    usage = metered.usage(charge_id=wanted["charge"]["lago_id"], charge_code="c_b")

    assert (usage["charges_usage"], usage["amount_cents"]) == ([wanted], 100)


@pytest.mark.parametrize("query", [{"charge_code": "x"}, {"charge_id": "x"}, {"billable_metric_code": "x"}])
def test_usage_of_an_unknown_charge_is_not_found(metered: Api, query: dict[str, str]) -> None:
    reply = metered.call("GET", "/customers/acme/current_usage", query={"external_subscription_id": "sub"} | query)

    assert (reply.status, reply.body["code"]) == (404, "charge_not_found")


def test_usage_is_of_an_active_subscription_of_the_customer(metered: Api) -> None:
    metered.customer("globex")
    metered.subscribe(external_id="later", subscription_at="2026-09-01T00:00:00Z")
    metered.subscribe(external_id="ended")
    metered.terminate("ended")
    paths = [
        "/customers/acme/current_usage",
        "/customers/acme/current_usage?external_subscription_id=",
        "/customers/acme/current_usage?external_subscription_id=unknown",
        "/customers/acme/current_usage?external_subscription_id=later",
        "/customers/acme/current_usage?external_subscription_id=ended",
        "/customers/globex/current_usage?external_subscription_id=sub",
    ]

    for path in paths:
        reply = metered.call("GET", path)
        assert (reply.status, reply.body["code"]) == (405, "no_active_subscription"), path
    assert metered.call("GET", "/customers/nobody/current_usage?external_subscription_id=sub").body["code"] == "customer_not_found"


# Invoices


@pytest.fixture
def billed(sandbox: Api) -> Api:
    """A sandbox with the invoices of July and August: 10.00 in dollars for acme, 20.00 in euros for globex."""
    sandbox.plan("usd", amount_cents=1000)
    sandbox.plan("eur", amount_cents=2000, amount_currency="EUR")
    sandbox.customer("acme", email="ada@example.com")
    sandbox.customer("globex", firstname="Hank")
    sandbox.subscribe("acme", "usd", "a", purchase_order_number="PO-1")
    sandbox.subscribe("globex", "eur", "g")
    sandbox.move_to("2026-09-01T00:00:00Z")
    return sandbox


JULY_AND_AUGUST = ["2026-08-01", "2026-09-01"]


@pytest.mark.parametrize(
    ("query", "totals"),
    [
        ("", [1000, 1000, 2000, 2000]),
        ("external_customer_id=acme", [1000, 1000]),
        ("customer_external_id=acme", [1000, 1000]),
        ("external_customer_id=nobody", []),
        ("currency=EUR", [2000, 2000]),
        ("invoice_type=subscription", [1000, 1000, 2000, 2000]),
        ("invoice_type=one_off", []),
        ("status=finalized", [1000, 1000, 2000, 2000]),
        ("statuses[]=draft", []),
        ("statuses[]=draft&statuses[]=finalized", [1000, 1000, 2000, 2000]),
        ("payment_status=pending", [1000, 1000, 2000, 2000]),
        ("payment_statuses[]=succeeded", []),
        ("issuing_date_from=2026-09-01", [1000, 2000]),
        ("issuing_date_to=2026-08-01", [1000, 2000]),
        ("issuing_date_from=2026-08-02&issuing_date_to=2026-08-31", []),
        ("issuing_date_from=whenever", [1000, 1000, 2000, 2000]),
        ("amount_from=1001", [2000, 2000]),
        ("amount_from=1000&amount_to=1000", [1000, 1000]),
        ("amount_to=999", []),
        ("search_term=EXAMPLE.com", [1000, 1000]),
        ("search_term=hank", [2000, 2000]),
        ("search_term=nobody", []),
        ("payment_overdue=false", [1000, 2000]),
        ("billing_entity_codes[]=default", [1000, 1000, 2000, 2000]),
    ],
)
def test_invoices_are_filtered(billed: Api, query: str, totals: list[int]) -> None:
    reply = billed.raw("GET", f"/api/v1/invoices?{query}").body

    assert sorted(invoice["total_amount_cents"] for invoice in reply["invoices"]) == totals
    assert reply["meta"]["total_count"] == len(totals)


def test_the_latest_issuing_date_comes_first(billed: Api) -> None:
    dates = [invoice["issuing_date"] for invoice in billed.ok("GET", "/invoices")["invoices"]]

    assert dates == ["2026-09-01", "2026-09-01", "2026-08-01", "2026-08-01"]


def test_an_invoice_is_searched_by_its_number_and_id(billed: Api) -> None:
    invoice = billed.ok("GET", "/invoices")["invoices"][0]

    for term in (invoice["number"], invoice["number"].lower(), invoice["lago_id"]):
        [found] = billed.ok("GET", "/invoices", query={"search_term": term})["invoices"]
        assert found["lago_id"] == invoice["lago_id"]


def test_a_customer_s_list_holds_its_own(billed: Api) -> None:
    listed = billed.ok("GET", "/customers/acme/invoices")["invoices"]
    other = billed.ok("GET", "/customers/acme/invoices", query={"external_customer_id": "globex", "amount_from": 1})["invoices"]

    assert [invoice["customer"]["external_id"] for invoice in listed] == ["acme", "acme"]
    assert other == listed


def test_a_list_leaves_out_what_hangs_on_an_invoice(billed: Api) -> None:
    listed = billed.ok("GET", "/invoices")["invoices"][0]

    whole = billed.ok("GET", f"/invoices/{listed['lago_id']}")["invoice"]

    assert set(whole) - set(listed) == {
        "billing_periods",
        "subscriptions",
        "fees",
        "credits",
        "error_details",
        "applied_invoice_custom_sections",
    }
    assert {name: whole[name] for name in listed} == listed
    assert "taxes" not in whole["customer"]


def test_invoices_of_a_customer_are_numbered_one_after_the_other(billed: Api) -> None:
    numbers = [invoice["number"] for invoice in reversed(billed.ok("GET", "/customers/acme/invoices")["invoices"])]
    slug = billed.ok("GET", "/customers/acme")["customer"]["slug"]

    assert numbers == [f"{slug}-001", f"{slug}-002"]


@pytest.mark.parametrize("id", ["x", "00000000-0000-4000-8000-000000000000", "1", "null"])
def test_an_unknown_invoice_is_not_found(billed: Api, id: str) -> None:
    assert billed.call("GET", f"/invoices/{id}").body == {"status": 404, "error": "Not Found", "code": "invoice_not_found"}
