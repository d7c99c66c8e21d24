"""The published Python client: taxes, coupons, and what else customers and invoices can be asked."""

import importlib
import inspect
import re
from pathlib import Path

import pytest
from lago_python_client.client import Client
from lago_python_client.exceptions import LagoApiError
from lago_python_client.models.applied_coupon import AppliedCoupon
from lago_python_client.models.coupon import Coupon, LimitationConfiguration
from lago_python_client.models.customer import Customer
from lago_python_client.models.tax import Tax

from tests.support.server import HOST, Api

RESOURCES = (
    "add_ons",
    "applied_coupons",
    "billing_entities",
    "coupons",
    "credit_notes",
    "customers",
    "fees",
    "invoices",
    "organizations",
    "taxes",
)


@pytest.fixture
def lago(sandbox: Api) -> Client:
    """The client, as its users make it, for a new sandbox with a plan and a customer."""
    made = Client(api_key=str(sandbox.key), api_url=f"http://{HOST}:{sandbox.port}")
    made.customers.create(Customer(external_id="acme", name="Acme", currency="USD"))
    sandbox.plan(amount_cents=1000)
    return made


def test_taxes(lago: Client) -> None:
    made = lago.taxes.create(Tax(name="VAT", code="vat", rate=20, applied_to_organization=True))
    assert (made.rate, made.applied_to_billing_entities_codes) == (20.0, ["default"])
    assert lago.taxes.update(Tax(rate=25.5, name="VAT of 2026"), "vat").rate == 25.5
    assert lago.taxes.find("vat").name == "VAT of 2026"
    assert [row.code for row in lago.taxes.find_all()["taxes"]] == ["vat"]
    assert lago.taxes.destroy("vat").code == "vat"


def test_coupons_and_those_who_have_them(lago: Client) -> None:
    limits = LimitationConfiguration(plan_codes=["team"])
    kind = {"coupon_type": "percentage", "frequency": "forever", "expiration": "no_expiration"}
    coupon = Coupon(name="Ten", code="ten", percentage_rate=10, applies_to=limits, **kind)
    made = lago.coupons.create(coupon)
    assert (made.percentage_rate, made.limited_plans, made.plan_codes) == (10.0, True, ["team"])
    assert lago.coupons.update(Coupon(name="Ten off", percentage_rate=11), "ten").percentage_rate == 11.0
    assert lago.coupons.find("ten").name == "Ten off"
    assert [row.code for row in lago.coupons.find_all()["coupons"]] == ["ten"]
    given = lago.applied_coupons.create(AppliedCoupon(external_customer_id="acme", coupon_code="ten", percentage_rate=12))
    assert (given.percentage_rate, given.status) == (12.0, "active")
    listed = lago.applied_coupons.find_all({"external_customer_id": "acme", "status": "active"})["applied_coupons"]
    assert [(row.lago_id, row.credits.__root__) for row in listed] == [(given.lago_id, [])]
    assert lago.applied_coupons.destroy("acme", given.lago_id).status == "terminated"
    assert lago.coupons.destroy("ten").code == "ten"


def test_what_else_is_asked_of_customers_entities_and_drafts(lago: Client, sandbox: Api) -> None:
    with pytest.raises(LagoApiError) as refused:
        lago.customers.checkout_url("acme")
    assert refused.value.response["error_details"] == {"base": ["no_linked_payment_provider"]}
    assert [row.code for row in lago.billing_entities.find_all()["billing_entities"]] == ["default"]
    sandbox.customer(billing_configuration={"invoice_grace_period": 3})
    sandbox.subscribe()
    sandbox.move_to("2026-08-01T00:00:00Z")
    [draft] = lago.invoices.find_all()["invoices"]
    assert (draft.status, lago.invoices.destroy(draft.lago_id).status) == ("draft", "deleted")


def test_every_call_of_these_resources_is_tried_somewhere() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in sorted(Path(__file__).parent.glob("test_python_client*.py")))
    module = importlib.import_module("lago_python_client.client")
    of_client = inspect.getsource(Client)
    untried = {}
    for resource in RESOURCES:
        found = re.search(rf"def {resource}\(self\) -> (\w+)", of_client)
        assert found is not None, resource
        calls = [name for name in dir(getattr(module, found.group(1))) if name.islower() and not name.startswith("_")]
        missing = [name for name in calls if name not in ("base_url", "api_key") and not re.search(rf"\.{resource}\.{name}\b", source)]
        if missing:
            untried[resource] = missing

    assert untried == {}
