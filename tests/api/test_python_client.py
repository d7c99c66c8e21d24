"""
The published Python client of Lago's API against the server: each of its methods whose resource exists.

Where the client itself is at fault the test is expected to fail, so that its repair is noticed.
"""

import inspect
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from lago_python_client.client import Client
from lago_python_client.exceptions import LagoApiError
from lago_python_client.models import (
    AddOn,
    BatchEvent,
    BillableMetric,
    Charge,
    Charges,
    Customer,
    CustomerBillingConfiguration,
    Event,
    Fee,
    Metadata,
    MetadataList,
    Plan,
    Subscription,
)
from lago_python_client.models.billable_metric import (
    BillableMetricEvaluateExpression,
    BillableMetricEvaluateExpressionEvent,
    BillableMetricFilter,
    BillableMetricFilters,
)

from tests.support.server import HOST, Api, Server

FILTERS = {"find_all_charge_filters", "find_charge_filter", "create_charge_filter", "update_charge_filter", "destroy_charge_filter"}
METADATA = {"replace_metadata", "merge_metadata", "delete_all_metadata", "delete_metadata_key"}
COVERED = {
    "add_ons": {"create", "find", "find_all", "update", "destroy"},
    "billable_metrics": {"create", "find", "find_all", "update", "destroy", "evaluate_expression"},
    "plans": {"create", "find", "find_all", "update", "destroy"} | METADATA | FILTERS,
    "customers": {"create", "find", "find_all", "destroy", "current_usage", "past_usage", "projected_usage"},
    "customer_subscriptions": {"find_all"},
    "customer_invoices": {"find_all"},
    "subscriptions": {"create", "find", "find_all", "update", "destroy", "lifetime_usage", "update_lifetime_usage"} | FILTERS,
    "events": {"create", "batch_create", "find", "estimate_fees"},
    "fees": {"find", "find_all", "update", "destroy"},
    "invoices": {
        "create",
        "find",
        "find_all",
        "update",
        "destroy",
        "download",
        "finalize",
        "lose_dispute",
        "payment_url",
        "preview",
        "refresh",
        "retry",
        "retry_payment",
        "void",
        "void_invoice",
    },
    "credit_notes": {"create", "find", "find_all", "update", "download", "void", "estimate"} | METADATA,
    "customer_credit_notes": {"find_all"},
}
COVERED_ELSEWHERE = {
    "customers": {"portal_url", "checkout_url", "wallets"},
    "subscriptions": {"create_alerts", "delete_alerts"},
}
"""What stories of their own, or `test_python_client_world.py`, go through."""


@pytest.fixture
def lago(sandbox: Api) -> Client:
    """The client, as its users make it, for a new sandbox."""
    return Client(api_key=str(sandbox.key), api_url=f"http://{HOST}:{sandbox.port}")


@pytest.fixture
def with_authorization(monkeypatch: pytest.MonkeyPatch, sandbox: Api) -> None:
    """Add the key to requests that the client sends without one: its lists of children send no headers at all."""
    send = httpx.HTTPTransport.handle_request

    def send_with_key(transport: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        request.headers.setdefault("Authorization", f"Bearer {sandbox.key}")
        return send(transport, request)

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", send_with_key)


def seats(lago: Client) -> Any:
    return lago.billable_metrics.create(
        BillableMetric(name="Seats", code="seats", aggregation_type="unique_count_agg", field_name="user_id", recurring=True)
    )


def team(lago: Client) -> Any:
    charge = Charge(billable_metric_id=seats(lago).lago_id, charge_model="standard", prorated=True, properties={"amount": "10"})
    return lago.plans.create(
        Plan(
            name="Team",
            code="team",
            interval="monthly",
            amount_cents=1500,
            amount_currency="USD",
            pay_in_advance=False,
            charges=Charges(__root__=[charge]),
        )
    )


def subscribed(lago: Client, **fields: Any) -> Any:
    team(lago)
    lago.customers.create(Customer(external_id="acme", name="Acme"))
    return lago.subscriptions.create(Subscription(external_customer_id="acme", plan_code="team", external_id="sub", **fields))


def methods_of(resource: Any) -> set[str]:
    kept = object.__getattribute__(resource, "_obj")
    return {name for name, _ in inspect.getmembers(type(kept)) if not name.startswith("_") and name.islower()}


@pytest.mark.parametrize("resource", COVERED)
def test_every_method_of_the_installed_client_is_accounted_for(lago: Client, resource: str) -> None:
    known = COVERED[resource] | COVERED_ELSEWHERE.get(resource, set())

    assert methods_of(getattr(lago, resource)) == known


@pytest.mark.parametrize("url", ["", "/", "/billing"])  # the client drops what stands after the last slash
def test_the_address_may_end_in_anything(sandbox: Api, url: str) -> None:
    lago = Client(api_key=str(sandbox.key), api_url=f"http://{HOST}:{sandbox.port}{url}")

    assert lago.plans.find_all()["plans"] == []


def test_billable_metrics_are_created_found_changed_and_destroyed(lago: Client) -> None:
    filters = BillableMetricFilters(__root__=[BillableMetricFilter(key="region", values=["us", "eu", "us"])])
    made = lago.billable_metrics.create(
        BillableMetric(
            name="Storage",
            code="gb",
            description="Stored",
            aggregation_type="sum_agg",
            field_name="gb",
            recurring=False,
            rounding_function="ceil",
            rounding_precision=2,
            filters=filters,
        )
    )
    found = lago.billable_metrics.find("gb")
    changed = lago.billable_metrics.update(BillableMetric(name="Disk", rounding_function="floor"), "gb")
    listed = lago.billable_metrics.find_all({"per_page": 10})
    gone = lago.billable_metrics.destroy("gb")

    assert (made.code, made.aggregation_type, made.field_name, made.recurring) == ("gb", "sum_agg", "gb", False)
    assert (made.rounding_function, made.rounding_precision, made.description) == ("ceil", 2, "Stored")
    assert [(item.key, item.values) for item in made.filters.__root__] == [("region", ["eu", "us"])]
    assert found == made
    assert (changed.lago_id, changed.name, changed.rounding_function, changed.rounding_precision) == (made.lago_id, "Disk", "floor", 2)
    assert (listed["billable_metrics"], listed["meta"]["total_count"]) == ([changed], 1)
    assert gone == changed
    assert lago.billable_metrics.find_all()["billable_metrics"] == []


def test_add_ons_are_created_found_changed_and_destroyed(lago: Client) -> None:
    made = lago.add_ons.create(AddOn(name="Set-up", code="setup", amount_cents=5000, amount_currency="USD"))
    changed = lago.add_ons.update(AddOn(name="Setting up", code="setup", amount_cents=6000), "setup")

    assert (made.amount_cents, changed.amount_cents, changed.name) == (5000, 6000, "Setting up")
    assert lago.add_ons.find("setup") == changed
    assert [item.code for item in lago.add_ons.find_all()["add_ons"]] == ["setup"]
    assert lago.add_ons.destroy("setup").lago_id == made.lago_id


def test_plans_are_created_found_changed_and_destroyed(lago: Client) -> None:
    made = team(lago)
    found = lago.plans.find("team")
    changed = lago.plans.update(Plan(name="Crew", metadata={"tier": "2", "note": None}), "team")
    listed = lago.plans.find_all()
    gone = lago.plans.destroy("team")

    assert (made.code, made.interval, made.amount_cents, made.amount_currency, made.pay_in_advance) == (
        "team",
        "monthly",
        1500,
        "USD",
        False,
    )
    assert made.trial_period == 0.0
    [charge] = made.charges.__root__
    assert (charge.charge_model, charge.code, charge.billable_metric_code, charge.prorated) == ("standard", "seats", "seats", True)
    assert (charge.properties, charge.min_amount_cents, charge.invoiceable) == ({"amount": "10"}, 0, True)
    assert found == made
    assert (changed.name, changed.metadata, changed.charges) == ("Crew", {"tier": "2", "note": None}, made.charges)
    assert [plan.code for plan in listed["plans"]] == ["team"]
    assert (gone.lago_id, gone.code) == (made.lago_id, "team")
    assert lago.plans.find_all()["plans"] == []


def test_customers_are_created_changed_found_and_destroyed(lago: Client) -> None:
    made = lago.customers.create(
        Customer(
            external_id="acme",
            name="Acme",
            country="us",
            currency="USD",
            timezone="America/New_York",
            net_payment_term=30,
            metadata=MetadataList(__root__=[Metadata(key="team", value="blue", display_in_invoice=True)]),
            billing_configuration=CustomerBillingConfiguration(document_locale="fr"),
        )
    )
    changed = lago.customers.create(Customer(external_id="acme", legal_name="Acme Inc"))
    found = lago.customers.find("acme")
    listed = lago.customers.find_all({"search_term": "acm"})
    gone = lago.customers.destroy("acme")

    assert (made.external_id, made.country, made.currency, made.net_payment_term) == ("acme", "US", "USD", 30)
    assert (made.timezone, made.applicable_timezone) == ("America/New_York", "America/New_York")
    [pair] = made.metadata.__root__
    assert (pair.key, pair.value, pair.display_in_invoice) == ("team", "blue", True)
    assert made.billing_configuration.document_locale == "fr"
    assert (changed.lago_id, changed.legal_name, changed.name, changed.metadata) == (made.lago_id, "Acme Inc", "Acme", made.metadata)
    assert found == changed
    assert [customer.lago_id for customer in listed["customers"]] == [made.lago_id]
    assert gone.lago_id == made.lago_id
    assert lago.customers.find_all()["customers"] == []


def test_subscriptions_are_created_found_changed_and_destroyed(lago: Client) -> None:
    made = subscribed(lago, name="Main", billing_time="anniversary", ending_at="2026-12-31T00:00:00Z")
    found = lago.subscriptions.find("sub")
    changed = lago.subscriptions.update(Subscription(name="Head office"), "sub")
    listed = lago.subscriptions.find_all({"plan_code": "team", "status[]": ["active", "pending"]})
    gone = lago.subscriptions.destroy("sub", {"on_termination_invoice": "skip"})

    assert (made.status, made.plan_code, made.billing_time, made.name) == ("active", "team", "anniversary", "Main")
    assert (made.started_at, made.ending_at) == ("2026-07-01T00:00:00.000Z", "2026-12-31T00:00:00Z")
    assert (made.plan_amount_cents, made.plan_amount_currency) == ("1500", "USD")  # the client types the amount as a text
    assert found == made
    assert changed.name == "Head office"
    assert [subscription.external_id for subscription in listed["subscriptions"]] == ["sub"]
    assert (gone.status, gone.terminated_at) == ("terminated", "2026-07-01T00:00:00Z")
    with pytest.raises(LagoApiError) as refused:
        lago.subscriptions.find("sub")
    assert refused.value.response["code"] == "subscription_not_found"
    assert lago.subscriptions.find_all({"status[]": "terminated"})["subscriptions"][0].lago_id == made.lago_id


def test_a_pending_subscription_is_found_by_its_status(lago: Client) -> None:
    subscribed(lago, subscription_at="2026-09-01T00:00:00Z")

    canceled = lago.subscriptions.destroy("sub", {"status": "pending"})

    assert (canceled.status, canceled.canceled_at) == ("canceled", "2026-07-01T00:00:00Z")


def test_events_are_sent_one_by_one_and_in_batches_and_found(lago: Client) -> None:
    subscribed(lago)
    one = lago.events.create(Event(transaction_id="1", code="seats", external_subscription_id="sub", properties={"user_id": "ada"}))
    many = [
        Event(
            transaction_id=str(number), code="seats", external_subscription_id="sub", timestamp=1782950400.5, properties={"user_id": number}
        )
        for number in (2, 3)
    ]
    lago.events.batch_create(BatchEvent(events=many))
    found = lago.events.find("3")

    assert (one.transaction_id, one.code, one.external_subscription_id) == ("1", "seats", "sub")
    assert (one.timestamp, one.properties) == ("2026-07-01T00:00:00.000Z", {"user_id": "ada"})
    assert (found.timestamp, found.properties) == ("2026-07-02T00:00:00.500Z", {"user_id": 3})


def test_events_may_go_to_a_host_of_their_own(sandbox: Api) -> None:
    address = f"http://localhost:{sandbox.port}/"
    lago = Client(api_key=str(sandbox.key), api_url=f"http://{HOST}:1/", use_ingest_service=True, ingest_api_url=address)

    assert lago.events.create(Event(transaction_id="1", code="x", external_subscription_id="s")).transaction_id == "1"


def test_current_usage_is_read(lago: Client, sandbox: Api) -> None:
    subscribed(lago)
    lago.events.create(Event(transaction_id="1", code="seats", external_subscription_id="sub", properties={"user_id": "ada"}))

    usage = lago.customers.current_usage("acme", "sub", apply_taxes="false", charge_code="seats")

    assert (usage.from_datetime, usage.to_datetime, usage.issuing_date) == ("2026-07-01T00:00:00Z", "2026-07-31T23:59:59Z", "2026-07-31")
    assert (usage.amount_cents, usage.total_amount_cents, usage.taxes_amount_cents, usage.currency) == (1000, 1000, 0, "USD")
    [used] = usage.charges_usage
    assert (used.units, used.events_count, used.amount_cents, used.charge.charge_model) == ("1.0", 1, 1000, "standard")
    assert (used.billable_metric.code, used.billable_metric.aggregation_type) == ("seats", "unique_count_agg")


def test_fees_in_advance_are_estimated_listed_paid_and_destroyed(lago: Client) -> None:
    calls = lago.billable_metrics.create(BillableMetric(name="Calls", code="calls", aggregation_type="count_agg"))
    charge = Charge(
        billable_metric_id=calls.lago_id, charge_model="standard", pay_in_advance=True, invoiceable=False, properties={"amount": "2.5"}
    )
    plan = Plan(name="Team", code="team", interval="monthly", amount_cents=0, amount_currency="USD", pay_in_advance=False)
    lago.plans.create(plan.copy(update={"charges": Charges(__root__=[charge])}))
    lago.customers.create(Customer(external_id="acme", name="Acme"))
    lago.subscriptions.create(Subscription(external_customer_id="acme", plan_code="team", external_id="sub"))

    [estimate] = lago.events.estimate_fees(Event(transaction_id="none", code="calls", external_subscription_id="sub"))["fees"]
    for number in (1, 2):
        lago.events.create(Event(transaction_id=str(number), code="calls", external_subscription_id="sub"))

    assert (estimate.amount_cents, estimate.units, estimate.pay_in_advance) == (250, "1.0", True)
    found = lago.fees.find_all({"fee_type": "charge", "external_subscription_id": "sub", "billable_metric_code": "calls"})
    assert [(fee.event_transaction_id, fee.amount_cents, fee.lago_invoice_id) for fee in found["fees"]] == [
        ("1", 250, None),
        ("2", 250, None),
    ]
    first, second = found["fees"]
    assert lago.fees.update(Fee(payment_status="succeeded"), first.lago_id).succeeded_at is not None
    assert lago.fees.find(first.lago_id).payment_status == "succeeded"
    assert lago.fees.destroy(second.lago_id).lago_id == second.lago_id
    assert [fee.lago_id for fee in lago.fees.find_all()["fees"]] == [first.lago_id]


def test_past_usage_is_read(lago: Client, sandbox: Api) -> None:
    subscribed(lago)
    lago.events.create(Event(transaction_id="1", code="seats", external_subscription_id="sub", properties={"user_id": "ada"}))
    sandbox.move_to("2026-08-01T00:00:00Z")

    past = lago.customers.past_usage("acme", "sub")

    [period] = past["usage_periods"]
    # the amount is the whole invoice's: the seat's 10.00 and the plan's 15.00
    assert (period.from_datetime, period.amount_cents, period.charges_usage[0].amount_cents) == ("2026-07-01T00:00:00Z", 2500, 1000)


def test_projected_and_lifetime_usage_are_read(lago: Client, sandbox: Api) -> None:
    subscribed(lago)
    lago.events.create(Event(transaction_id="1", code="seats", external_subscription_id="sub", properties={"user_id": "ada"}))
    lago.subscriptions.update_lifetime_usage("sub", 250)

    projected = lago.customers.projected_usage("acme", "sub")
    lifetime = lago.subscriptions.lifetime_usage("sub")

    assert (projected.projected_amount_cents, projected.charges_usage[0].projected_units) == (1000, "1.0")
    assert (lifetime.external_historical_usage_amount_cents, lifetime.current_usage_amount_cents) == (250, 1000)


def test_invoices_are_found(lago: Client, sandbox: Api) -> None:
    subscribed(lago)
    lago.events.create(Event(transaction_id="1", code="seats", external_subscription_id="sub", properties={"user_id": "ada"}))
    sandbox.move_to("2026-08-01T00:00:00Z")

    listed = lago.invoices.find_all({"external_customer_id": "acme", "statuses[]": ["finalized"], "per_page": 5})
    invoice = lago.invoices.find(listed["invoices"][0].lago_id)

    assert listed["meta"] == {"current_page": 1, "next_page": None, "prev_page": None, "total_pages": 1, "total_count": 1}
    # 15.00 for July, and one seat for all its days at 10.00
    assert (invoice.fees_amount_cents, invoice.total_amount_cents, invoice.total_due_amount_cents) == (2500, 2500, 2500)
    assert (invoice.status, invoice.payment_status, invoice.invoice_type, invoice.issuing_date) == (
        "finalized",
        "pending",
        "subscription",
        "2026-08-01",
    )
    assert sorted((fee.item.type, fee.amount_cents, fee.units) for fee in invoice.fees.__root__) == [
        ("charge", 1000, "1.0"),
        ("subscription", 1500, "1.0"),
    ]
    [period] = invoice.billing_periods.__root__
    assert (period.charges_from_datetime, period.charges_to_datetime) == ("2026-07-01T00:00:00Z", "2026-07-31T23:59:59Z")
    assert period.invoicing_reason == "subscription_periodic"
    assert invoice.customer.external_id == "acme"
    assert [subscription.external_id for subscription in invoice.subscriptions.__root__] == ["sub"]


@pytest.mark.usefixtures("with_authorization")
def test_the_subscriptions_and_invoices_of_a_customer_are_listed(lago: Client, sandbox: Api) -> None:
    subscribed(lago)
    sandbox.move_to("2026-08-01T00:00:00Z")

    subscriptions = lago.customer_subscriptions.find_all("acme", {"status[]": ["active"]})
    invoices = lago.customer_invoices.find_all("acme", {"per_page": 1})

    assert [subscription.external_id for subscription in subscriptions["subscriptions"]] == ["sub"]
    assert [invoice.total_amount_cents for invoice in invoices["invoices"]] == [1500]
    assert invoices["meta"]["total_count"] == 1


@pytest.mark.xfail(raises=LagoApiError, strict=True, reason="the client's lists of children send no Authorization header")
@pytest.mark.parametrize("resource", ["customer_subscriptions", "customer_invoices"])
def test_lists_of_children_need_no_help(lago: Client, resource: str) -> None:
    lago.customers.create(Customer(external_id="acme"))

    assert getattr(lago, resource).find_all("acme")["meta"]["total_count"] == 0


@pytest.mark.xfail(raises=LagoApiError, strict=True, reason="the client sends no body along with an expression")
def test_an_expression_is_evaluated(lago: Client) -> None:
    event = BillableMetricEvaluateExpressionEvent(code="x", properties={"a": "2"})
    wanted = BillableMetricEvaluateExpression(expression="event.properties.a + 1", event=event)

    assert lago.billable_metrics.evaluate_expression(wanted).value == "3.0"


def calls_not_served(lago: Client) -> Iterator[tuple[str, Any]]:
    """Yield a call of some methods whose routes do not exist."""
    yield "plans.delete_all_metadata", lambda: lago.plans.delete_all_metadata("team")
    yield "customers.portal_url", lambda: lago.customers.portal_url("acme")
    yield "invoices.refresh", lambda: lago.invoices.refresh("x")
    yield "invoices.void", lambda: lago.invoices.void("x")


def test_what_is_not_served_is_refused_in_a_way_the_client_reads(lago: Client) -> None:
    statuses = {}
    for name, call in calls_not_served(lago):
        with pytest.raises(LagoApiError) as refused:
            call()
        statuses[name] = refused.value.status_code
        assert refused.value.response["status"] == refused.value.status_code

    assert set(statuses.values()) <= {404, 405}


def test_errors_reach_the_user_of_the_client(lago: Client) -> None:
    with pytest.raises(LagoApiError) as invalid:
        lago.plans.create(Plan(name="Team", interval="daily"))
    with pytest.raises(LagoApiError) as missing:
        lago.plans.find("unknown")
    with pytest.raises(LagoApiError) as nobody:
        Client(api_key="x", api_url=lago.api_url).plans.find_all()
    with pytest.raises(LagoApiError) as batch:
        lago.events.batch_create(BatchEvent(events=[Event(transaction_id="1", code="", external_subscription_id="s")]))

    assert (invalid.value.status_code, invalid.value.detail) == (422, "Unprocessable Entity")
    assert invalid.value.response["error_details"] == {
        "interval": ["value_is_invalid"],
        "code": ["value_is_mandatory"],
        "amount_cents": ["value_is_mandatory"],
        "amount_currency": ["value_is_invalid"],
        "pay_in_advance": ["value_is_invalid"],
    }
    assert (missing.value.status_code, missing.value.response["code"]) == (404, "plan_not_found")
    assert nobody.value.status_code == 401
    assert batch.value.response["error_details"] == {"0": {"code": ["value_is_mandatory"]}}


def test_a_second_event_of_the_same_id_is_told_apart(lago: Client) -> None:
    event = Event(transaction_id="1", code="x", external_subscription_id="s")
    lago.events.create(event)

    with pytest.raises(LagoApiError) as refused:
        lago.events.create(event)

    assert refused.value.response["error_details"] == {"transaction_id": ["value_already_exist"]}


def test_a_server_is_shared_by_clients_of_several_organizations(server: Server, lago: Client) -> None:
    other = server.organization()
    seats(lago)

    assert Client(api_key=str(other.key), api_url=lago.api_url).billable_metrics.find_all()["billable_metrics"] == []
