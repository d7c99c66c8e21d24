"""What forms do: the way from a metric to an invoice, mistakes beside their field, texts that look like HTML, money moves."""

import re
from urllib.parse import quote

from tests.api.world import World
from tests.dashboard.pages import acts
from tests.support.browsing import Visitor
from tests.support.server import Api, Server

HOSTILE = "<script>alert('x')</script>\"'><img src=x onerror=alert(1)>"


def test_a_newcomer_gets_from_nothing_to_the_projected_invoice(server: Server, enter) -> None:
    api = server.organization()
    visitor: Visitor = enter(api)
    metric = {"name": "Seats", "code": "seats", "aggregation_type": "unique_count_agg", "field_name": "user_id", "recurring": "1"}

    made = visitor.submit("/billable-metrics/new", metric)
    metric_id = api.ok("GET", "/billable_metrics/seats")["billable_metric"]["lago_id"]
    plan = {"name": "Team", "code": "team", "amount": "49.00", "amount_currency": "USD", "interval": "monthly"}
    charge = {"charge.0.metric": metric_id, "charge.0.model": "standard", "charge.0.amount": "10", "charge.0.prorated": "1"}
    looked = visitor.submit("/plans/new", plan | charge | {"charge.0.sample": "7", "act": "preview"})
    saved = visitor.submit("/plans/new", plan | charge | {"act": "save"})
    customer = visitor.submit("/customers/new", {"external_id": "acme", "name": "Acme"})
    subscribed = visitor.submit("/customers/acme/subscribe", {"plan_code": "team", "external_id": "acme-1", "act": "save"})
    event = {"code": "seats", "external_subscription_id": "acme-1", "properties": '{"user_id": "ada", "operation_type": "add"}'}
    sent = visitor.submit("/events/new", event | {"transaction_id": "t1"})
    seen = visitor.look("/subscriptions/acme-1")

    assert made.title == "Seats"
    # 49.00 + 7 seats of 10.00
    assert "Total 119.00 USD" in looked.words
    assert api.call("GET", "/plans/team").status == 200
    assert saved.title == "Team"
    assert customer.title == "Acme"
    assert subscribed.title == "acme-1"
    assert "Counted" in sent.words
    # one seat for all 31 days of July: 10.00; with the base fee 59.00
    assert "Total 59.00 USD" in seen.words

    # What was done on pages stands in the log with who did it; what a key did, without.
    [logged] = api.ok("GET", "/activity_logs", query={"activity_types[]": "plan.created"})["activity_logs"]
    assert (logged["activity_source"], logged["user_email"] is None) == ("front", False)
    assert api.ok("GET", f"/activity_logs/{logged['activity_id']}")["activity_log"] == logged
    api.customer("by-key")
    mine = api.ok("GET", "/activity_logs", query={"user_emails[]": logged["user_email"].upper(), "per_page": 1})
    made = api.ok("GET", "/activity_logs", query={"activity_types[]": "customer.created"})["activity_logs"]
    assert mine["meta"]["total_count"] == api.ok("GET", "/activity_logs", query={"activity_sources[]": "front"})["meta"]["total_count"]
    assert [(entry["external_customer_id"], entry["user_email"]) for entry in made] == [("by-key", None), ("acme", logged["user_email"])]
    assert api.ok("GET", "/activity_logs", query={"user_emails[]": "nobody@example.com"})["activity_logs"] == []


def test_the_preview_of_a_plan_saves_nothing(server: Server, enter) -> None:
    api = server.organization()

    enter(api).submit("/plans/new", {"name": "Team", "code": "team", "amount": "10", "act": "preview"})

    assert api.call("GET", "/plans/team").status == 404


def test_what_is_wrong_stands_beside_its_field(server: Server, enter) -> None:
    visitor = enter(server.organization())

    customer = visitor.submit("/customers/new", {"external_id": "acme", "currency": "XXY", "timezone": "Mars/Base"})
    plan = visitor.submit("/plans/new", {"name": "Team", "code": "team", "amount": "12,5x", "act": "save"})
    tax = visitor.submit("/taxes/new", {"name": "VAT", "code": "vat", "rate": "many"})

    for seen in (customer, plan, tax):
        assert seen.status == 422
        assert "Nothing was saved." in seen.words
        assert 'aria-invalid="true"' in seen.text
    assert 'value="acme"' in customer.text, "what was typed stays"
    assert "No such time zone. Write one as Europe/Berlin." in customer.words
    assert "Write an amount as 12.50." in plan.words


def test_a_taken_external_id_changes_nobody(shop: Api, enter) -> None:
    seen = enter(shop).submit("/customers/new", {"external_id": "acme", "name": "Other"})

    assert seen.status == 422
    assert "This is taken already." in seen.words
    assert shop.ok("GET", "/customers/acme")["customer"]["name"] == "Acme"


def test_texts_that_look_like_html_stay_texts(server: Server, enter) -> None:
    api = server.organization(name=HOSTILE)
    visitor = enter(api)
    metric = api.metric("seats", name=HOSTILE, description=HOSTILE)
    api.plan("team", name=HOSTILE, description=HOSTILE, charges=[api.seat_charge(metric, invoice_display_name=HOSTILE)])
    api.customer("acme", name=HOSTILE, city=HOSTILE, legal_name=HOSTILE, currency="USD")
    api.subscribe(name=HOSTILE)
    api.event("e1", user_id=HOSTILE, operation_type="add")
    api.event(HOSTILE, code="nothing", note=HOSTILE)
    api.coupon("welcome", name=HOSTILE)
    api.apply_coupon()
    api.wallet(name=HOSTILE)
    api.tax("vat", name=HOSTILE, description=HOSTILE, applied_to_organization=True)
    api.add_on("setup", name=HOSTILE, description=HOSTILE)
    privilege = {"code": HOSTILE, "name": HOSTILE, "value_type": "select", "config": {"select_options": [HOSTILE]}}
    feature = {"code": "<b>", "name": HOSTILE, "description": HOSTILE, "privileges": [privilege]}
    api.ok("POST", "/features", {"feature": feature})
    alert = {"alert_type": "current_usage_amount", "code": HOSTILE, "name": HOSTILE, "thresholds": [{"code": HOSTILE, "value": 1}]}
    api.ok("POST", "/subscriptions/sub/alerts", {"alert": alert})
    api.ok("POST", "/webhook_endpoints", {"webhook_endpoint": {"webhook_url": "http://127.0.0.1:9/" + quote(HOSTILE), "name": HOSTILE}})
    api.move_to("2026-08-01T00:00:00Z")
    fee = max(api.invoices()[0]["fees"], key=lambda item: item["amount_cents"])

    waiting = ["/", f"/fees/{fee['lago_id']}", f"/search?q={HOSTILE[:8]}"]
    known: set[str] = set()
    while waiting and len(known) < 160:
        path = waiting.pop(0)
        if path in known or path.startswith("/static/") or "as=" in path:
            continue
        known.add(path)
        seen = visitor.look(path)
        assert "<script>alert" not in seen.text, path
        assert "<img src=x" not in seen.text, path
        assert not re.search(r"<[^>]*\sonerror=", re.sub(r'"[^"]*"', '""', seen.text)), path
        waiting.extend(link for link in seen.links if link not in known)
    assert len(known) > 60


def test_a_plan_keeps_what_the_editor_does_not_show(shop: Api, enter) -> None:
    metric = shop.metric("tokens", aggregation_type="sum_agg", field_name="n", filters=[{"key": "model", "values": ["a", "b"]}])
    filters = [{"values": {"model": ["a"]}, "properties": {"amount": "3"}, "invoice_display_name": "A"}]
    charge = {
        "billable_metric_id": metric["lago_id"],
        "charge_model": "standard",
        "properties": {"amount": "1", "pricing_group_keys": ["team"]},
    }
    plan = shop.plan("ai", charges=[charge | {"filters": filters}], description="kept")
    found = plan["charges"][0]
    visitor = enter(shop)
    fields = {
        "name": "AI",
        "code": "ai",
        "amount": "5",
        "amount_currency": "USD",
        "interval": "monthly",
        "charge.0.id": found["lago_id"],
        "charge.0.metric": metric["lago_id"],
        "charge.0.model": "standard",
        "charge.0.amount": "2",
        "act": "save",
    }

    seen = visitor.submit("/plans/ai/edit", fields)

    after = shop.ok("GET", "/plans/ai")["plan"]
    assert seen.title == "AI"
    assert (after["amount_cents"], after["description"]) == (500, "kept")
    assert after["charges"][0]["lago_id"] == found["lago_id"]
    assert after["charges"][0]["properties"]["amount"] == "2"
    assert after["charges"][0]["properties"]["pricing_group_keys"] == ["team"]
    assert [item["properties"]["amount"] for item in after["charges"][0]["filters"]] == ["3"]


def test_tiers_begin_where_the_one_before_ends(shop: Api, enter) -> None:
    metric = shop.ok("GET", "/billable_metrics/seats")["billable_metric"]
    fields = {
        "name": "Tiers",
        "code": "tiers",
        "amount": "0",
        "amount_currency": "USD",
        "interval": "monthly",
        "charge.0.metric": metric["lago_id"],
        "charge.0.model": "graduated",
        "charge.0.up_to_1": "5",
        "charge.0.price_1": "2",
        "charge.0.flat_1": "1",
        "charge.0.price_2": "0.5",
        "charge.0.sample": "8",
    }
    visitor = enter(shop)

    looked = visitor.submit("/plans/new", fields | {"act": "preview"})
    visitor.submit("/plans/new", fields | {"act": "save"})

    # 1 + 5 × 2 + 3 × 0.5 = 12.50
    assert "Total 12.50 USD" in looked.words
    ranges = shop.ok("GET", "/plans/tiers")["plan"]["charges"][0]["properties"]["graduated_ranges"]
    assert [(item["from_value"], item["to_value"]) for item in ranges] == [(0, 5), (5, None)]


def test_the_clock_moves_and_tells_what_happened(shop: Api, enter) -> None:
    visitor = enter(shop)

    moved = visitor.submit("/clock", {"by": "month"})
    back = visitor.submit("/clock", {"by": "date", "date": "2026-07-01"})
    day = visitor.submit("/clock", {"by": "day"})

    assert shop.ok("GET", "/test_clock")["test_clock"]["frozen_time"] == "2026-08-02T00:00:00Z"
    assert "The clock is moved." in moved.words
    assert "Invoice ORG" in moved.words
    assert "10.00 USD" in moved.words
    assert "The clock only moves forward." in back.words
    assert "Nothing was due on the way." in day.words


def test_a_live_organization_has_no_time_machine(server: Server, enter) -> None:
    visitor = enter(server.organization(at=None))

    assert "This organization is live" in visitor.look("/clock").words
    assert visitor.submit("/clock", {"by": "day"}, form_on="/").status == 409


def test_a_wallet_is_made_filled_and_ended(shop: Api, enter) -> None:
    visitor = enter(shop)

    made = visitor.submit("/customers/acme/wallets/new", {"name": "Pocket", "rate_amount": "2", "currency": "USD", "granted_credits": "10"})
    wallet_id = shop.ok("GET", "/wallets")["wallets"][0]["lago_id"]
    shop.move_to("2026-07-02T00:00:00Z")
    filled = visitor.submit(f"/wallets/{wallet_id}/top-up", {"granted_credits": "5"}, form_on=f"/wallets/{wallet_id}")
    shop.move_to("2026-07-03T00:00:00Z")
    wrong = visitor.submit(f"/wallets/{wallet_id}/top-up", {"granted_credits": "-5"}, form_on=f"/wallets/{wallet_id}")
    ended = visitor.submit(f"/wallets/{wallet_id}/end", form_on=f"/wallets/{wallet_id}")

    assert made.title == "Pocket"
    assert "topped up" in filled.words
    # 15 credits of 2.00
    assert shop.ok("GET", f"/wallets/{wallet_id}")["wallet"]["balance_cents"] == 3000
    assert wrong.status == 422
    assert "Terminated" in ended.words


def test_a_plan_is_changed_after_its_price_was_shown(shop: Api, enter) -> None:
    visitor = enter(shop)

    looked = visitor.submit("/subscriptions/sub/change", {"plan_code": "large", "act": "preview"})
    before = shop.ok("GET", "/subscriptions/sub")["subscription"]["plan_code"]
    changed = visitor.submit("/subscriptions/sub/change", {"plan_code": "large", "act": "confirm"})

    assert "90.00 USD" in looked.words
    assert before == "team"
    assert shop.ok("GET", "/subscriptions/sub")["subscription"]["plan_code"] == "large"
    assert "The plan is changed." in changed.words


def test_a_subscription_ends_after_its_last_invoice_was_shown(shop: Api, enter) -> None:
    visitor = enter(shop)
    shop.move_to("2026-07-10T12:00:00Z")

    looked = visitor.look("/subscriptions/sub/end")
    ended = visitor.submit("/subscriptions/sub/end", {"invoice": "generate", "act": "confirm"})

    # one seat for 10 of 31 days at 10.00, rounded up to 5 decimals: 0.32259 × 10 = 3.2259
    assert "3.23" in looked.words
    assert "Terminated" in ended.words
    assert [invoice["total_amount_cents"] for invoice in shop.invoices()] == [323]


def test_coupons_taxes_and_add_ons_are_made(shop: Api, enter) -> None:
    visitor = enter(shop)

    coupon = visitor.submit(
        "/coupons/new", {"name": "Ten", "code": "ten", "coupon_type": "percentage", "percentage_rate": "10", "frequency": "once"}
    )
    given = visitor.submit("/customers/acme/coupons/apply", {"coupon_code": "ten"})
    tax = visitor.submit("/taxes/new", {"name": "VAT", "code": "vat", "rate": "19"})
    add_on = visitor.submit("/add-ons/new", {"name": "Setup", "code": "setup", "amount": "1,250.5", "amount_currency": "USD"})

    assert coupon.title == "Ten"
    assert "The coupon is applied." in given.words
    assert "19" in tax.words
    assert "1,250.50 USD" in add_on.words

    # Once somebody has it, its name and its last day may change; a coupon that nobody has, wholly.
    visitor.submit(
        "/coupons/new", {"name": "Five", "code": "five", "coupon_type": "percentage", "percentage_rate": "5", "frequency": "once"}
    )
    unused = visitor.look("/coupons/five/edit")
    free = {"name": "Six", "code": "six", "coupon_type": "fixed_amount", "amount": "6", "amount_currency": "USD", "frequency": "forever"}
    renamed = visitor.submit("/coupons/five/edit", free)
    used = visitor.look("/coupons/ten/edit")
    kept = visitor.submit("/coupons/ten/edit", {"name": "Ten off", "expiration_at": "2026-12-31"})
    assert 'value="5"' in unused.text
    assert renamed.title == "Six"
    assert "Somebody has it" in used.words
    assert 'name="percentage_rate"' not in used.text
    assert kept.title == "Ten off"
    ten, six = (shop.ok("GET", f"/coupons/{code}")["coupon"] for code in ("ten", "six"))
    assert (ten["name"], ten["percentage_rate"], ten["expiration_at"][:10]) == ("Ten off", "10.0", "2026-12-31")
    assert (six["amount_cents"], six["frequency"], six["percentage_rate"]) == (600, "forever", None)


def test_a_key_is_shown_once_and_can_be_revoked(shop: Api, enter, server: Server) -> None:
    visitor = enter(shop)

    made = visitor.submit("/api-keys/new", {"name": "Reports", "may": "read"})
    found = re.search(r'data-copy="([\w-]+)"', made.text)
    assert found is not None
    reader = server.client(found.group(1))
    may_read = reader.call("GET", "/customers").status
    may_write = reader.call("POST", "/customers", {"customer": {"external_id": "x"}}).status
    key_id = next(key["lago_id"] for key in shop.ok("GET", "/api_keys")["api_keys"] if key["name"] == "Reports")
    rotated = visitor.submit(f"/api-keys/{key_id}/rotate", {"days": "1"}, form_on=f"/api-keys/{key_id}")
    second = re.search(r'data-copy="([\w-]+)"', rotated.text)
    assert second is not None
    both = [server.client(key).call("GET", "/customers").status for key in (found.group(1), second.group(1))]
    revoked = visitor.submit(f"/api-keys/{key_id}/revoke", form_on=f"/api-keys/{key_id}")

    assert both == [200, 200], "the old one works for a day"
    assert (may_read, may_write) == (200, 403)
    assert found.group(1) not in visitor.look(f"/api-keys/{key_id}").text
    assert "The key is revoked" in revoked.words
    assert reader.call("GET", "/customers").status == 401


def test_an_endpoint_is_made_hears_and_is_told_again(shop: Api, enter, server: Server) -> None:
    visitor = enter(shop)
    wrong = visitor.submit("/webhook-endpoints/new", {"webhook_url": "nowhere"})
    made = visitor.submit(
        "/webhook-endpoints/new",
        [("webhook_url", "http://127.0.0.1:9/hooks"), ("signature_algo", "hmac"), ("name", "Books"), ("event_type", "plan.created")],
    )
    shop.plan("other")
    [told] = shop.ok("GET", "/webhooks")["webhooks"]
    seen = visitor.look(f"/webhooks/{told['lago_id']}")
    for _ in range(200):
        if "Not delivered 1 webhook http://127.0.0.1:9/hooks does not take them." in (home := visitor.look("/").words):
            break
    again = visitor.submit(f"/webhooks/{told['lago_id']}/resend", form_on=f"/webhooks/{told['lago_id']}")
    changed = visitor.submit(made.path.partition("?")[0], {"webhook_url": "http://127.0.0.1:9/other", "name": "", "signature_algo": "jwt"})
    [endpoint] = shop.ok("GET", "/webhook_endpoints")["webhook_endpoints"]
    gone = visitor.submit(f"/webhook-endpoints/{endpoint['lago_id']}/delete", form_on="/webhook-endpoints/new")

    assert wrong.status == 422
    assert "Write an address as https://example.com/hooks." in wrong.words
    assert made.title == "Books"
    assert "Not delivered 1 webhook" in home
    assert "Secret" in made.words
    assert '"code": "other"' in seen.words
    assert "It is sent again in the background." in again.words
    assert "Saved." in changed.words
    assert (endpoint["webhook_url"], endpoint["event_types"], endpoint["signature_algo"]) == ("http://127.0.0.1:9/other", None, "jwt")
    assert "No endpoint yet" in gone.words


def test_features_are_made_and_given_to_plans_and_subscriptions(shop: Api, enter) -> None:
    visitor = enter(shop)
    row = {"privilege.0.code": "seats", "privilege.0.type": "integer", "privilege.1.code": "level", "privilege.1.type": "select"}
    made = visitor.submit("/features/new", {"name": "Support", "code": "support"} | row | {"privilege.1.options": "basic, gold"})
    wrong = visitor.submit("/features/support/edit", {"name": "Support", "privilege.0.code": "x", "privilege.0.type": "select"})
    visitor.submit("/features/new", {"name": "Sign-on", "code": "sso"})
    given = {"feature.0.code": "support", "feature.0.has": "1", "feature.0.value.seats": "5", "feature.0.value.level": "gold"}
    visitor.submit("/plans/team/entitlements", given | {"feature.1.code": "sso", "feature.1.has": "1"})
    by_plan = shop.ok("GET", "/plans/team/entitlements")["entitlements"]
    none = visitor.submit("/plans/team/entitlements", {"feature.0.code": "support", "feature.0.has": "1", "feature.0.value.seats": "many"})
    visitor.submit("/subscriptions/sub/entitlements", given | {"feature.0.value.seats": "9"})
    [own] = [item for item in shop.ok("GET", "/subscriptions/sub/entitlements")["entitlements"] if item["code"] == "support"]
    taken = visitor.submit("/subscriptions/sub/entitlements/sso/delete", form_on="/subscriptions/sub/entitlements")
    cleared = visitor.submit("/plans/team/entitlements", {"feature.0.code": "support", "feature.0.has": "1"})

    assert made.title == "Support"
    assert (wrong.status, none.status, taken.status, cleared.status) == (422, 422, 200, 200)
    assert {item["code"]: {one["code"]: one["value"] for one in item["privileges"]} for item in by_plan} == {
        "support": {"seats": 5, "level": "gold"},
        "sso": {},
    }
    assert own["overrides"] == {"seats": 9}
    assert [item["code"] for item in shop.ok("GET", "/subscriptions/sub/entitlements")["entitlements"]] == ["support"]
    assert shop.ok("GET", "/plans/team/entitlements")["entitlements"][0]["privileges"] == []


def test_alerts_are_set_in_major_units_and_told(shop: Api, enter) -> None:
    visitor = enter(shop)
    wallet = shop.wallet()
    here, at = f"/wallets/{wallet['lago_id']}/alerts", "/subscriptions/sub/alerts"
    alert = {
        "alert_type": "current_usage_amount",
        "code": "much",
        "level.0.value": "9.50",
        "level.0.code": "warn",
        "level.1.value": "1,000",
    }
    visitor.submit(f"{at}/new", alert | {"level.1.recurring": "1"})
    wrong = visitor.submit(f"{at}/new", alert | {"level.0.value": "9.505"})
    units = {"alert_type": "billable_metric_current_usage_units", "metric": "seats", "code": "seats", "level.0.value": "50"}
    visitor.submit(f"{at}/new", units)
    low = visitor.submit(f"{here}/new", {"alert_type": "wallet_credits_balance", "code": "low", "level.0.value": "12.5"})
    shown = visitor.look(f"{at}/much/edit")
    visitor.submit(
        f"{at}/much/edit", {"code": "much", "name": "Much", "level.0.value": "9.60", "level.1.value": "1000", "level.1.recurring": "1"}
    )
    alerts = {item["code"]: item for item in shop.ok("GET", "/subscriptions/sub/alerts")["alerts"]}
    shop.move_to("2026-07-02T00:00:00Z")
    told = visitor.look("/alerts")
    gone = visitor.submit(f"{at}/seats/delete", form_on=f"{at}/seats/edit")

    assert wrong.status == 422
    assert 'value="9.50"' in shown.text
    assert [(item["value"], item["recurring"]) for item in alerts["much"]["thresholds"]] == [("960.0", False), ("100000.0", True)]
    assert alerts["seats"]["billable_metric"]["code"] == "seats"
    assert "12.5" in low.words
    # one seat of 10.00 passed 9.50
    assert "9.60 USD" in told.words or "warn" in told.words
    assert "10.00 USD" in told.words
    assert "Much" in gone.words
    assert len(shop.ok("GET", "/subscriptions/sub/alerts")["alerts"]) == 1


def test_parts_of_a_plan_are_made_by_forms(shop: Api, enter) -> None:
    visitor = enter(shop)
    shop.add_on()
    shop.metric(
        "calls", aggregation_type="count_agg", field_name=None, recurring=False, filters=[{"key": "region", "values": ["eu", "us"]}]
    )
    calls = shop.ok("GET", "/billable_metrics/calls")["billable_metric"]
    charge = {"billable_metric_id": calls["lago_id"], "code": "calls", "charge_model": "graduated"}
    tiers = [{"from_value": 0, "to_value": None, "per_unit_amount": "1", "flat_amount": "0"}]
    shop.ok("POST", "/plans/team/charges", {"charge": charge | {"properties": {"graduated_ranges": tiers}}})
    row = {"key.0.key": "region", "value.region": "eu", "price-up_to_1": "10", "price-price_1": "2", "price-price_2": "1"}
    made = visitor.submit("/plans/team/charges/calls/filters/new", row | {"invoice_display_name": "Europe"})
    [item] = shop.ok("GET", "/plans/team/charges/calls/filters")["filters"]
    at = f"/plans/team/charges/calls/filters/{item['lago_id']}"
    shown = visitor.look(f"{at}/edit")
    none = visitor.submit(f"{at}/edit", {"key.0.key": "region", "price-price_1": "2"})
    visitor.submit(f"{at}/edit", row | {"value.region": "us"})
    changed = shop.ok("GET", "/plans/team/charges/calls/filters")["filters"]
    gone = visitor.submit(f"{at}/delete", form_on=f"{at}/edit")
    fixed = {
        "add_on_code": "setup",
        "code": "setup",
        "charge_model": "volume",
        "units": "3",
        "price-up_to_1": "5",
        "price-price_1": "4",
        "price-price_2": "3",
    }
    visitor.submit("/plans/team/fixed-charges/new", fixed)
    visitor.submit("/plans/team/fixed-charges/setup/edit", fixed | {"units": "4", "invoice_display_name": "Desks"})
    [kept] = shop.ok("GET", "/plans/team/fixed_charges")["fixed_charges"]
    taken = visitor.submit("/plans/team/fixed-charges/setup/delete", form_on="/plans/team/fixed-charges/setup/edit")

    assert "Europe" in made.words
    assert item["values"] == {"region": ["eu"]}
    assert [(tier["to_value"], tier["per_unit_amount"]) for tier in item["properties"]["graduated_ranges"]] == [(10, "2"), (None, "1")]
    assert 'value="eu" checked' in shown.text
    assert none.status == 422
    assert changed[0]["values"] == {"region": ["us"]}
    assert "No filter" in gone.words
    assert (kept["units"], kept["invoice_display_name"], kept["charge_model"]) == (4, "Desks", "volume")
    assert taken.status == 200
    assert shop.ok("GET", "/plans/team")["plan"]["fixed_charges"] == []


def test_terms_of_a_plan_and_metadata_are_filled_in_by_forms(shop: Api, enter) -> None:
    visitor = enter(shop)
    plan = {"name": "Team", "code": "big", "amount": "49", "amount_currency": "USD", "interval": "monthly", "has_terms": "1", "act": "save"}
    terms = {
        "commitment": "100",
        "commitment_name": "At least",
        "threshold.0.amount": "20",
        "threshold.1.amount": "50",
        "pair.0.key": "tier",
    }
    visitor.submit("/plans/new", plan | terms | {"threshold.1.recurring": "1", "pair.0.value": "gold"})
    made = shop.ok("GET", "/plans/big")["plan"]
    wrong = visitor.submit("/plans/big/edit", plan | {"threshold.0.amount": "20", "threshold.1.amount": "20"})
    visitor.submit("/plans/big/edit", plan | {"threshold.0.amount": "25"})
    changed = shop.ok("GET", "/plans/big")["plan"]
    visitor.submit("/customers/acme/metadata", {"pair.0.key": "po", "pair.0.value": "7", "pair.0.shown": "1"})
    [pair] = shop.ok("GET", "/customers/acme")["customer"]["metadata"]
    wallet = shop.wallet()
    visitor.submit(f"/wallets/{wallet['lago_id']}/metadata", {"pair.0.key": "team", "pair.0.value": "red"})

    assert made["minimum_commitment"]["amount_cents"] == 10000
    assert [(item["amount_cents"], item["recurring"]) for item in made["usage_thresholds"]] == [(2000, False), (5000, True)]
    assert made["metadata"] == {"tier": "gold"}
    assert wrong.status == 422
    assert "An amount occurs twice." in wrong.words
    assert "minimum_commitment" not in changed
    assert [item["amount_cents"] for item in changed["usage_thresholds"]] == [2500]
    assert not changed.get("metadata")
    assert (pair["key"], pair["value"], pair["display_in_invoice"]) == ("po", "7", True)
    assert shop.ok("GET", f"/wallets/{wallet['lago_id']}")["wallet"]["metadata"] == {"team": "red"}


def test_a_one_off_invoice_is_shown_before_it_is_made(shop: Api, enter) -> None:
    visitor = enter(shop)
    shop.add_on()
    lines = {"currency": "USD", "line.0.add_on": "setup", "line.0.units": "3", "line.0.price": "12.50", "line.0.name": "Hours"}

    looked = visitor.submit("/customers/acme/one-off", lines | {"act": "preview"})
    before = shop.invoices()
    made = visitor.submit("/customers/acme/one-off", lines | {"act": "save"})
    wrong = visitor.submit("/customers/acme/one-off", {"currency": "USD", "line.0.add_on": "setup", "line.0.price": "x", "act": "save"})
    [invoice] = shop.invoices()
    visitor.submit(f"/invoices/{invoice['lago_id']}/metadata", {"pair.0.key": "po", "pair.0.value": "7"})

    # 3 hours of 12.50
    assert "37.50" in looked.words
    assert before == []
    assert "Hours" in made.words
    assert (invoice["total_amount_cents"], invoice["invoice_type"]) == (3750, "one_off")
    assert wrong.status == 422
    assert shop.ok("GET", f"/invoices/{invoice['lago_id']}")["invoice"]["metadata"][0]["value"] == "7"


def test_forms_do_nothing_to_another_organization(server: Server, furnished: World, enter) -> None:
    stranger = enter(server.organization())
    invoice = furnished.invoice["lago_id"]
    before = furnished.api.ok("GET", f"/invoices/{invoice}")
    found = re.search(r"/members/[\w-]+/remove", enter(furnished.api).look("/members").text)
    assert found is not None
    paths = [*acts(furnished), found.group(0), found.group(0).replace("remove", "role")]

    fields = {"act": "confirm", "plan_code": "team", "amount": "1", "role": "auditor"}
    answers = {path: stranger.submit(path, fields, form_on="/").status for path in paths}

    assert {path: status for path, status in answers.items() if status not in (404, 422)} == {}
    assert furnished.api.ok("GET", f"/invoices/{invoice}") == before


def test_settings_say_where_electronic_invoices_can_be(server: Server, enter) -> None:
    api = server.organization()
    visitor: Visitor = enter(api)
    entity = api.ok("GET", "/billing_entities/default")["billing_entity"]
    kept = {name: str(entity[name]) for name in ("name", "timezone", "default_currency", "document_number_prefix", "net_payment_term")}

    refused = visitor.submit("/settings", kept | {"einvoicing": "1"})
    visitor.submit("/settings", kept | {"einvoicing": "1", "country": "fr", "document_locale": "fr", "email_settings": "invoice.finalized"})

    assert "Say first in which country the sender is." in refused.words
    changed = api.ok("GET", "/billing_entities/default")["billing_entity"]
    assert changed["email_settings"] == ["invoice.finalized"]
    assert (changed["einvoicing"], changed["country"], changed["document_locale"]) == (True, "FR", "fr")
