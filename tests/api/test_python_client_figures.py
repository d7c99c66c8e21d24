"""The published Python client: figures and logs."""

import pytest
from lago_python_client.client import Client
from lago_python_client.exceptions import LagoApiError
from lago_python_client.models.customer import Customer

from tests.api.world import World
from tests.support.server import HOST


@pytest.fixture(scope="module")
def lago(world: World) -> Client:
    """The client, as its users make it, in an organization that has something of everything."""
    return Client(api_key=str(world.api.key), api_url=f"http://{HOST}:{world.api.port}")


def test_figures_of_every_kind_are_read(lago: Client) -> None:
    assert lago.gross_revenues.find_all({"currency": "USD"})["gross_revenues"][-1].invoices_count >= 1
    assert lago.invoice_collections.find_all({"months": 1})["invoice_collections"][0].month.startswith("2026-08-01")
    assert lago.invoiced_usages.find_all()["invoiced_usages"][0].code == "seats"
    assert lago.mrrs.find_all()["mrrs"][0].month == "2026-07-01T00:00:00.000Z"
    [overdue] = lago.overdue_balances.find_all()["overdue_balances"]
    assert (overdue.amount_cents, overdue.currency) == (5000, "USD")  # the set-up that one customer did not pay yet
    used = lago.usages.find_all({"from_date": "2026-07-01", "to_date": "2026-07-31"})["usages"]
    assert {row.billable_metric_code for row in used} == {"seats", "uploads"}
    assert all(row.units > 0 for row in used if row.billable_metric_code == "uploads")


def test_logs_are_read(lago: Client) -> None:
    lago.customers.create(Customer(external_id="logged", name="Logged"))
    with pytest.raises(LagoApiError):
        lago.plans.destroy("nothing")
    refused, made = lago.api_logs.find_all({"per_page": 2})["api_logs"]
    assert (refused.http_method, refused.http_status, refused.request_body) == ("delete", 404, {})
    assert (made.http_status, made.request_body["customer"]["external_id"]) == (200, "logged")
    assert lago.api_logs.find(made.request_id).client.startswith("Lago Python")
    [activity] = lago.activity_logs.find_all({"external_customer_id": "logged"})["activity_logs"]
    assert (activity.activity_type, activity.activity_source, activity.resource_type) == ("customer.created", "api", "Customer")
    assert lago.activity_logs.find(activity.activity_id).resource_id == activity.resource_id
