"""Quotes over HTTP: offered, approved, signed and carried out."""

from typing import Any

import pytest
from lago_python_client import Client
from lago_python_client.models import OrderExecute, OrderFormMarkAsSigned, QuoteVersionApprove

from tests.support.server import HOST, Api

ONE_OFF = {
    "addOns": [
        {"localId": "a", "type": "add_on", "payload": {"add_on_code": "setup", "units": "2"}, "overrides": {"unit_amount_cents": 4000}}
    ]
}


@pytest.fixture
def api(sandbox: Api) -> Api:
    """A customer, an add-on of 50.00, plans of 10.00 and 30.00 a month, and a coupon."""
    sandbox.add_on()
    sandbox.plan("small", amount_cents=1000)
    sandbox.plan("large", amount_cents=3000)
    sandbox.coupon()
    sandbox.customer(currency="USD")
    return sandbox


def offer(api: Api, order_type: str = "one_off", items: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    given = {
        "external_customer_id": "acme",
        "order_type": order_type,
        "currency": "USD",
        "billing_items": ONE_OFF if items is None else items,
    }
    return api.ok("POST", "/quotes", {"quote": given | fields})["quote"]


def approve(api: Api, quote: dict[str, Any], **body: Any) -> dict[str, Any]:
    """Approve the current version of a quote and return the order form."""
    api.ok("POST", f"/quote_versions/{quote['current_version']['lago_id']}/approve", body or None)
    return api.ok_get("/order_forms")["order_forms"][0]


def sign(api: Api, form: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Sign an order form and return the order."""
    signed = api.ok("POST", f"/order_forms/{form['lago_id']}/mark_as_signed", {"order_form": fields} if fields else None)["order_form"]
    assert (signed["status"], signed["signed_at"] is None) == ("signed", False)
    return api.ok_get("/orders")["orders"][0]


def execute(api: Api, order: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return api.ok("POST", f"/orders/{order['lago_id']}/execute", {"order": fields} if fields else None)["order"]


def test_a_one_off_quote_becomes_an_invoice(api: Api) -> None:
    quote = offer(api, content="<p>Set-up</p>")
    version = quote["current_version"]
    assert (quote["number"], quote["order_type"], quote["owners"], version["version"]) == ("QT-2026-0001", "one_off", [], 1)
    assert (version["status"], version["content"], version["billing_items"]) == ("draft", "<p>Set-up</p>", ONE_OFF)

    form = approve(api, quote, expires_at="2026-08-01T00:00:00Z")
    order = sign(api, form)
    assert (form["number"], form["status"], form["expires_at"]) == ("OF-2026-0001", "generated", "2026-08-01T00:00:00Z")
    assert (order["number"], order["status"], order["execution_record"]) == ("OR-2026-0001", "created", None)
    assert order["billing_snapshot"] == ONE_OFF

    done = execute(api, order)
    record = done["execution_record"]
    [invoice] = api.invoices()
    assert (done["status"], done["execution_mode"], done["executed_at"]) == ("executed", "execute_in_lago", "2026-07-01T00:00:00Z")
    assert (record["invoice_id"], record["subscription_ids"], record["errors"]) == (invoice["lago_id"], [], [])
    assert (invoice["invoice_type"], invoice["fees_amount_cents"]) == ("one_off", 8000)  # two of 40.00, as negotiated
    again = api.call("POST", f"/orders/{order['lago_id']}/execute")
    assert (again.status, again.body["code"], len(api.invoices())) == (405, "not_executable", 1)


def test_a_subscription_is_made_with_what_was_negotiated_at_its_time(api: Api) -> None:
    items = {
        "plans": [{"payload": {"plan_code": "large", "external_id": "sub", "name": "Main"}, "overrides": {"amount_cents": 2500}}],
        "coupons": [{"payload": {"coupon_code": "welcome"}}],
        "walletCredits": [{"payload": {"rate_amount": "1", "granted_credits": "20", "name": "Start"}}],
    }
    order = sign(
        api, approve(api, offer(api, "subscription_creation", items)), execution_mode="execute_in_lago", execute_at="2026-07-10T09:00:00Z"
    )
    assert (order["status"], order["execute_at"]) == ("created", "2026-07-10T09:00:00Z")
    assert api.call("GET", "/subscriptions/sub").status == 404

    api.move_to("2026-07-10T09:00:00Z")

    done = api.ok_get(f"/orders/{order['lago_id']}")["order"]
    row = api.ok_get("/subscriptions/sub")["subscription"]
    [applied] = api.ok_get("/applied_coupons")["applied_coupons"]
    [wallet] = api.ok_get("/wallets")["wallets"]
    assert (row["plan_code"], row["plan_amount_cents"], row["name"], row["started_at"]) == (
        "large",
        2500,
        "Main",
        "2026-07-10T09:00:00.000Z",
    )
    assert done["execution_record"] == {
        "executed_at": "2026-07-10T09:00:00Z",
        "execution_mode": "execute_in_lago",
        "invoice_id": None,
        "subscription_ids": [row["lago_id"]],
        "terminated_subscription_ids": [],
        "applied_coupon_ids": [applied["lago_id"]],
        "wallet_ids": [wallet["lago_id"]],
        "errors": [],
    }
    assert (wallet["currency"], wallet["credits_balance"]) == ("USD", "20.0")


def test_an_amendment_changes_the_plan_of_its_subscription(api: Api) -> None:
    before = api.subscribe(plan="small")
    items = {"plans": [{"payload": {"plan_code": "large", "external_id": "another"}}]}
    quote = offer(api, "subscription_amendment", items, external_subscription_id="sub")

    record = execute(api, sign(api, approve(api, quote)))["execution_record"]

    now = api.ok_get("/subscriptions/sub")["subscription"]
    assert (quote["lago_subscription_id"], now["plan_code"]) == (before["lago_id"], "large")
    assert (record["subscription_ids"], record["terminated_subscription_ids"]) == ([now["lago_id"]], [before["lago_id"]])


def test_an_order_that_fails_leaves_nothing_and_can_be_tried_again(api: Api) -> None:
    items = {"plans": [{"payload": {"plan_code": "small", "external_id": "sub"}}], "coupons": [{"payload": {"coupon_code": "spring"}}]}
    order = sign(api, approve(api, offer(api, "subscription_creation", items)))

    failed = execute(api, order)
    assert (failed["status"], failed["executed_at"], failed["execution_record"]["errors"]) == ("failed", None, ["coupon_not_found"])
    assert api.call("GET", "/subscriptions/sub").status == 404

    api.coupon("spring")
    assert execute(api, order)["status"] == "executed"
    assert api.ok_get("/subscriptions/sub")["subscription"]["status"] == "active"


def test_an_order_may_be_only_noted(api: Api) -> None:
    done = execute(api, sign(api, approve(api, offer(api))), execution_mode="order_only")

    assert (done["status"], done["execution_mode"], api.invoices()) == ("executed", "order_only", [])


def test_versions_follow_one_another(api: Api) -> None:
    quote = offer(api)
    first = quote["current_version"]
    path = f"/quote_versions/{first['lago_id']}"
    changed = api.ok("PUT", path, {"quote_version": {"content": "Better"}})["quote_version"]
    second = api.ok("POST", f"{path}/clone")["quote_version"]
    versions = api.ok_get(f"/quotes/{quote['lago_id']}/versions")["quote_versions"]
    assert (changed["content"], changed["billing_items"]) == ("Better", ONE_OFF)
    assert (second["version"], second["status"], second["content"]) == (2, "draft", "Better")
    assert [(item["version"], item["status"], item["void_reason"]) for item in versions] == [
        (2, "draft", None),
        (1, "voided", "superseded"),
    ]
    assert "content" not in versions[0]
    assert [
        api.call(method, path + end, body).body["code"]
        for method, end, body in (
            ("PUT", "", {"quote_version": {"content": "x"}}),
            ("POST", "/approve", None),
            ("POST", "/void", None),
        )
    ] == ["not_editable", "not_approvable", "not_voidable"]

    # A form that is voided takes its version with it; the quote can then be written anew. One that is approved cannot.
    approved = f"/quote_versions/{second['lago_id']}"
    api.ok("POST", f"{approved}/approve")
    assert api.call("POST", f"{approved}/clone").body["code"] == "not_clonable"
    [form] = api.ok_get("/order_forms")["order_forms"]
    voided = api.ok("POST", f"/order_forms/{form['lago_id']}/void")["order_form"]
    assert (voided["status"], voided["void_reason"]) == ("voided", "manual")
    assert api.ok_get(approved)["quote_version"]["void_reason"] == "cascade_of_voided"
    assert api.call("POST", f"/order_forms/{form['lago_id']}/void").body["code"] == "not_voidable"
    assert api.call("POST", f"/order_forms/{form['lago_id']}/mark_as_signed").body["code"] == "not_signable"

    # The third is not signed in time.
    third = api.ok("POST", f"{approved}/clone")["quote_version"]
    api.ok("POST", f"/quote_versions/{third['lago_id']}/approve", {"expires_at": "2026-07-05T00:00:00Z"})
    api.move_to("2026-07-05T00:00:00Z")
    assert {item["status"] for item in api.ok_get("/order_forms")["order_forms"]} == {"expired", "voided"}
    assert api.ok_get(f"/quotes/{quote['lago_id']}")["quote"]["current_version"]["void_reason"] == "cascade_of_expired"


def test_quotes_are_refused_with_the_field_and_its_code(api: Api) -> None:
    def refused(**fields: Any) -> Any:
        given = {"external_customer_id": "acme", "order_type": "one_off", "billing_items": ONE_OFF}
        body = api.call("POST", "/quotes", {"quote": given | fields}).body
        return body.get("error_details", body.get("code"))

    assert refused(external_customer_id="nobody") == "customer_not_found"
    assert refused(order_type=None) == {"order_type": ["value_is_mandatory"]}
    assert refused(order_type="barter") == {"order_type": ["value_is_invalid"]}
    assert refused(order_type="subscription_amendment") == "subscription_not_found"
    assert refused(currency="XXX") == {"currency": ["value_is_invalid"]}
    assert refused(billing_entity_code="nowhere") == "billing_entity_not_found"
    unreadable: list[dict[str, Any]] = [{"gifts": []}, {"plans": {}}, {"plans": ["small"]}, {"plans": [{"payload": 1}]}]
    for items in unreadable:
        assert refused(billing_items=items) == {"billing_items": ["value_is_invalid"]}, items
    assert api.ok_get("/quotes")["meta"]["total_count"] == 0

    # What cannot be carried out is not approved.
    for order_type, items, code in (
        ("one_off", {}, "value_is_mandatory"),
        ("one_off", ONE_OFF | {"plans": [{"payload": {"plan_code": "small"}}]}, "value_is_invalid"),
        ("one_off", {"addOns": [{"payload": {"units": "many"}}]}, "value_is_invalid"),
        ("subscription_creation", ONE_OFF, "value_is_mandatory"),
    ):
        version = offer(api, order_type, items)["current_version"]
        reply = api.call("POST", f"/quote_versions/{version['lago_id']}/approve")
        assert (reply.status, reply.body["error_details"]) == (422, {"billing_items": [code]})
    late = api.call("POST", f"/quote_versions/{offer(api)['current_version']['lago_id']}/approve", {"expires_at": "2026-07-01"})
    assert late.body["error_details"] == {"expires_at": ["invalid_date"]}
    form = approve(api, offer(api))
    details = [
        api.call("POST", f"/order_forms/{form['lago_id']}/mark_as_signed", {"order_form": fields}).body["error_details"]
        for fields in ({"execute_at": "2026-08-01"}, {"execution_mode": "later"}, {"signed_document": "data:application/pdf;base64,AA=="})
    ]
    assert details == [
        {"execution_mode": ["value_is_mandatory"]},
        {"execution_mode": ["value_is_invalid"]},
        {"signed_document": ["unsupported_value"]},
    ]


def test_the_published_client_reads_and_settles_quotes(api: Api) -> None:
    lago = Client(api_key=str(api.key), api_url=f"http://{HOST}:{api.port}")
    assert lago.quotes.find_all()["quotes"] == lago.order_forms.find_all()["order_forms"] == lago.orders.find_all()["orders"] == []
    offer(api)

    [quote] = lago.quotes.find_all({"status[]": "draft", "order_type[]": "one_off", "external_customer_id": "acme"})["quotes"]
    [version] = lago.quotes.versions(quote.lago_id)["quote_versions"]
    approved = lago.quote_versions.approve(version.lago_id, QuoteVersionApprove(expires_at="2026-09-01T00:00:00Z"))
    [form] = lago.order_forms.find_all()["order_forms"]
    signed = lago.order_forms.mark_as_signed(form.lago_id, OrderFormMarkAsSigned(execution_mode="order_only"))
    [order] = lago.orders.find_all()["orders"]
    done = lago.orders.execute(order.lago_id, OrderExecute(execution_mode="execute_in_lago"))

    assert (approved.status, lago.quote_versions.find(version.lago_id).billing_items.addOns[0].localId) == ("approved", "a")
    assert (lago.quotes.find(quote.lago_id).current_version.status, lago.order_forms.find(form.lago_id).lago_quote_id) == (
        "approved",
        quote.lago_id,
    )
    assert (signed.status, done.status, lago.orders.find(order.lago_id).execution_record.invoice_id) == (
        "signed",
        "executed",
        done.execution_record.invoice_id,
    )
    assert [
        api.ok_get(f"/quotes?{query}")["meta"]["total_count"]
        for query in ("status[]=draft", "number=QT-2026-0001", "owner_id=x", "to_date=2026-06-30")
    ] == [0, 1, 0, 0]
    assert api.call("GET", "/quotes?status[]=lost").status == 422
