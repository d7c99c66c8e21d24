"""Past usage: what closed periods came to."""

from tests.support.server import Api, Server


def test_closed_periods_are_listed_newest_first_with_their_invoices(server: Server) -> None:
    api = server.organization(at="2026-07-01T00:00:00Z")
    calls = api.metric("calls", name="A call", aggregation_type="count_agg", field_name=None, recurring=False)
    api.plan(charges=[api.seat_charge(api.metric()), api.seat_charge(calls, "0", prorated=False)], amount_cents=500)
    api.customer()
    api.subscribe()
    api.event("1", user_id="ada")
    api.event("2", code="calls")
    api.move_to("2026-09-01T00:00:00Z")

    reply = api.ok("GET", "/customers/acme/past_usage", query={"external_subscription_id": "sub"})

    assert [(period["from_datetime"], period["to_datetime"], period["issuing_date"]) for period in reply["usage_periods"]] == [
        ("2026-08-01T00:00:00Z", "2026-08-31T23:59:59Z", "2026-09-01"),
        ("2026-07-01T00:00:00Z", "2026-07-31T23:59:59Z", "2026-08-01"),
    ]
    [latest, first] = reply["usage_periods"]
    # one seat the whole month is 10.00; the invoice also carries the plan's 5.00
    assert (latest["amount_cents"], latest["charges_amount_cents"]) == (1500, 1000)
    assert [(used["billable_metric"]["code"], used["units"], used["amount_cents"]) for used in first["charges_usage"]] == [
        ("calls", "1.0", 0),
        ("seats", "1.0", 1000),
    ]
    assert latest["lago_invoice_id"] == api.invoices()[-1]["lago_id"]
    assert reply["meta"]["total_count"] == 2


def test_the_number_of_periods_can_be_capped_and_the_metric_chosen(server: Server) -> None:
    api = server.organization(at="2026-07-01T00:00:00Z")
    api.plan(charges=[api.seat_charge(api.metric())])
    api.customer()
    api.subscribe()
    api.move_to("2026-10-01T00:00:00Z")
    query = {"external_subscription_id": "sub"}

    capped = api.ok("GET", "/customers/acme/past_usage", query=query | {"periods_count": 2})

    assert len(capped["usage_periods"]) == capped["meta"]["total_count"] == 2
    assert _codes(api, query | {"billable_metric_code": "nothing"}) == (404, "billable_metric_not_found")
    assert api.call("GET", "/customers/acme/past_usage").body["error_details"] == {"external_subscription_id": ["value_is_mandatory"]}
    assert api.ok("GET", "/customers/nobody/past_usage", query=query)["usage_periods"] == []
    refused = api.call("GET", "/customers/acme/past_usage", query=query | {"periods_count": -1})
    assert (refused.status, refused.body["error_details"]) == (422, {"periods_count": ["value_is_out_of_range"]})


def _codes(api: Api, query: dict[str, str]) -> tuple[int, str]:
    reply = api.call("GET", "/customers/acme/past_usage", query=query)
    return reply.status, reply.body["code"]
