"""
The ways that people go, in a browser against a real server: J1 to J10, each from its first page to its last.

What a journey does not tell of (a plan that is there already, usage of last month) is made through the API before it begins.
"""

import json
import re
import subprocess

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESK, PLAIN, Demo, Look, Person
from tests.support.members import PASSWORD
from tests.support.receiver import receiving
from tests.support.server import HOST, Api, Server

LOOKS = pytest.mark.parametrize("look", [DESK, PLAIN], ids=["scripts", "plain"])


def heading(page: Page, text: str | re.Pattern[str]) -> None:
    """Wait until the page's heading is this."""
    expect(page.get_by_role("heading", level=1)).to_have_text(text)


def confirm(page: Page, name: str, button: str | None = None) -> None:
    """Open the dialog of a button, and send its form."""
    dialog = page.locator("details.dialog").filter(has=page.locator("summary", has_text=re.compile(f"^{name}$")))
    dialog.locator("summary").click()
    dialog.get_by_role("button", name=button or name).click()


def move(person: Person, button: str) -> None:
    """Move the sandbox's clock by the time machine."""
    person.go("/clock").get_by_role("button", name=button).click()
    expect(person.page.get_by_text("The clock is moved.")).to_be_visible()


@pytest.fixture
def shop(demo: Demo) -> Api:
    """A sandbox on 1 July 2026: seats at 10 a month, prorated, and a customer on that plan with one seat from the first day."""
    api = demo.organization(name="Shop")
    api.plan("team", charges=[api.seat_charge(api.metric())])
    api.customer("acme", name="Acme Ltd", currency="USD", email="a@example.com")
    api.subscribe(external_id="acme-1")
    api.event("e1", subscription="acme-1", user_id="ada", operation_type="add")
    return api


def test_j1_a_new_server_makes_an_organization_and_a_key_that_works(server: Server, open_browser) -> None:
    person = open_browser(f"http://{HOST}:{server.port}", PLAIN)

    page = person.go("/")
    heading(page, "Set Daycount up")
    page.get_by_label("Organization").fill("Acme")
    page.get_by_label("Currency").select_option("EUR")
    page.get_by_label("Sandbox with a clock of its own").check()
    page.get_by_label("Your e-mail address").fill("ada@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create").click()
    heading(page, "Acme is ready")
    ran = subprocess.run(["bash", "-c", page.locator("pre code").inner_text()], capture_output=True, text=True, check=True)
    page.get_by_role("link", name="Go on").click()
    expect(page.get_by_role("heading", name="First steps 0 of 6")).to_be_visible()
    page.locator("details.user > summary").click()
    page.get_by_role("button", name="Sign out").click()
    person.sign_in("ada@example.com", PASSWORD)

    heading(page, "Home")
    assert json.loads(ran.stdout)["organization"]["name"] == "Acme"


def test_j2_a_catalogue_is_made_after_its_prices_were_tried(demo: Demo, enter) -> None:
    api = demo.organization(name="Catalogue")
    person = enter(api)

    page = person.go("/billable-metrics/new")
    page.locator("#f-name").fill("Tokens")
    page.locator("#f-code").fill("tokens")
    page.locator("#f-aggregation_type").select_option("sum_agg")
    page.locator("#f-field_name").fill("total")
    page.locator("#f-expression").fill("event.properties.input + event.properties.output")
    page.locator("#f-sample").fill('{"input": 3, "output": 4}')
    page.get_by_role("button", name="Try it").click()
    expect(page.get_by_text("It gives 7.")).to_be_visible()
    page.get_by_role("button", name="Create").click()
    heading(page, "Tokens")
    api.metric("seats")

    page = person.go("/plans/new")
    page.locator("#f-name").fill("Team")
    page.locator("#f-code").fill("team")
    page.locator("#f-amount").fill("20")
    page.locator("[name='charge.0.metric']").select_option(label="Seats")
    page.locator("[name='charge.0.amount']").fill("9.5")
    page.locator("[name='charge.0.prorated']").check()
    page.get_by_role("button", name="Add a charge").click()
    page.locator("[name='charge.1.metric']").select_option(label="Tokens")
    page.locator("[name='charge.1.model']").select_option("graduated")
    page.locator("[name='charge.1.up_to_1']").fill("1000")
    page.locator("[name='charge.1.price_1']").fill("0")
    page.locator("[name='charge.1.price_2']").fill("0.01")
    page.locator("[name='charge.1.sample']").fill("3000")
    page.locator("[name='charge.1.sample']").blur()
    # 20 + 10 seats × 9.50 + 2000 tokens × 0.01: asked for as soon as a field changes.
    expect(page.locator("#preview tr.sum")).to_contain_text("135.00")
    assert api.call("GET", "/plans/team").status == 404
    page.get_by_role("button", name="Create").click()
    heading(page, "Team")

    charges = api.ok("GET", "/plans/team")["plan"]["charges"]
    assert [(charge["charge_model"], charge["prorated"]) for charge in charges] == [("standard", True), ("graduated", False)]


@LOOKS
def test_j3_a_customer_sees_the_first_invoice_before_it_is_subscribed(demo: Demo, enter, look: Look) -> None:
    api = demo.organization(name="Signing up", at="2026-07-10T00:00:00Z")
    api.plan("team", amount_cents=3100, name="Team")
    person = enter(api, look)

    page = person.go("/customers/new")
    page.locator("#f-external_id").fill("acme")
    page.locator("#f-name").fill("Acme Ltd")
    page.get_by_role("button", name="Create").click()
    heading(page, "Acme Ltd")
    page.get_by_role("link", name="Assign a plan").first.click()
    page.locator("#f-external_id").fill("acme-1")
    page.locator("#f-subscription_at").fill("2026-07-05")
    page.get_by_role("button", name="Show the first invoice").click()
    # 27 of the 31 days of July at 31.00 a month
    expect(page.locator(".paper .grand")).to_contain_text("27.00")
    expect(page.locator(".paper .facts").first).to_contain_text("1 Aug 2026")
    assert api.ok("GET", "/subscriptions")["subscriptions"] == []
    page.get_by_role("button", name="Subscribe").click()

    heading(page, "acme-1")
    expect(page.locator("figure svg").first).to_be_visible()
    expect(page.locator(".paper .grand")).to_contain_text("27.00")


def test_j4_an_event_is_found_with_what_it_counts_for_or_why_it_does_not(shop: Api, enter) -> None:
    person = enter(shop)
    shop.ok("PUT", "/test_clock", {"test_clock": {"frozen_time": "2026-07-11T00:00:00Z"}})

    page = person.go("/events/new?code=seats&subscription=acme-1")
    page.locator("#f-properties").fill('{"user_id": "ben", "operation_type": "add"}')
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".status").get_by_text("Counted")).to_be_visible()
    expect(page.get_by_role("link", name="Seats")).to_be_visible()
    page.get_by_role("link", name="acme-1").click()
    # ada for 31 of 31 days and ben for 21: 1.67742 × 10 = 16.7742
    expect(page.locator(".tile").filter(has_text="So far")).to_contain_text("16.77")

    page = person.go("/events/new?code=seats&subscription=acme-1")
    page.locator("#f-properties").fill('{"operation_type": "add"}')
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".status").get_by_text("Not billed")).to_be_visible()
    expect(page.locator(".fault")).to_contain_text("user_id")
    page = person.go("/events/new")
    page.locator("#f-properties").fill("{")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".fault")).to_have_text("This is no JSON.")
    person.forgive("422")


@LOOKS
def test_j5_usage_is_watched_by_day_and_in_figures(demo: Demo, enter, look: Look) -> None:
    company = demo.company
    usage = company.usage("aurora", "aurora-1")
    projected = company.ok("GET", "/customers/aurora/projected_usage?external_subscription_id=aurora-1")["customer_projected_usage"]
    person = enter(company, look)

    page = person.go("/subscriptions")
    page.get_by_role("link", name="aurora-1").click()
    expect(page.locator(".tile").filter(has_text="So far")).to_contain_text(f"{usage['amount_cents'] / 100:,.2f}")
    expect(page.locator(".tile").filter(has_text="Projected")).to_contain_text(f"{projected['projected_amount_cents'] / 100:,.2f}")
    charts = page.locator(".charts figure")
    expect(charts).to_have_count(len(usage["charges_usage"]))
    charts.first.locator("summary").click()
    expect(charts.first.locator("tbody tr").first).to_be_visible()
    page.locator(".charts").scroll_into_view_if_needed()
    expect(charts.first.locator("svg")).to_be_visible()


def test_j6_a_draft_becomes_an_invoice_that_is_paid(shop: Api, enter) -> None:
    shop.customer("acme", billing_configuration={"invoice_grace_period": 3})
    shop.ok(
        "PUT",
        "/billing_entities/default",
        {"billing_entity": {"country": "FR", "einvoicing": True, "email": "b@example.com", "email_settings": ["invoice.finalized"]}},
    )
    person = enter(shop)

    move(person, "To what comes next")
    page = person.page
    page.get_by_role("link", name="Invoice draft").click()
    expect(page.locator(".paper .grand")).to_contain_text("10.00")
    shop.event("late", subscription="acme-1", timestamp=1785456000, user_id="ben", operation_type="add")
    page.get_by_role("button", name="Refresh now").click()
    # ben came on 31 July: 1 of 31 days, 1.03226 × 10 = 10.3226
    expect(page.locator(".paper .grand")).to_contain_text("10.32")
    confirm(page, "Finalize")
    expect(page.get_by_text("The invoice is finalized.")).to_be_visible()
    heading(page, re.compile(r"^SHO-\w+-001-001$"))
    page.get_by_role("button", name="PDF").click()
    page.wait_for_url(re.compile(r"/files/.+\.pdf$"))
    assert page.request.get(page.url).body().startswith(b"%PDF-")
    page.go_back()
    page.get_by_role("button", name="XML").click()
    page.wait_for_url(re.compile(r"/files/.+\.xml$"))
    assert b"SHO-" in page.request.get(page.url).body()
    page.go_back()
    page.locator("details#email > summary").click()
    page.locator("#f-to").fill("books@example.com")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_text("It is on its way by e-mail.")).to_be_visible()
    page.locator("details#pay > summary").click()
    page.locator("#f-reference").fill("SEPA 1")
    page.get_by_role("button", name="Record", exact=True).click()

    expect(page.locator("aside .status").first).to_have_text("Paid")
    expect(page.locator("aside")).to_contain_text("SEPA 1")
    expect(page.locator("aside")).to_contain_text("Receipt ")
    expect(page.locator("aside")).to_contain_text("books@example.com")
    assert shop.invoices()[0]["payment_status"] == "succeeded"


def test_j7_a_mistake_is_given_back_and_an_invoice_is_voided(shop: Api, enter) -> None:
    person = enter(shop)
    move(person, "+ 1 month")
    move(person, "+ 1 month")

    page = person.go("/invoices")
    page.locator("tbody a").first.click()
    page.get_by_role("link", name="Credit", exact=True).click()
    page.get_by_label("Give back of Seats").fill("4")
    page.get_by_role("button", name="Work it out").click()
    expect(page.get_by_role("row", name="Given back")).to_contain_text("4.00")
    # 10.00 were billed and nothing was paid, so 4.00 of it may be given back as credit or taken off, and nothing refunded
    expect(page.get_by_role("row", name="At most as credit")).to_contain_text("4.00 / 0.00 / 4.00")
    page.get_by_role("button", name="Make the credit note").click()
    expect(page.get_by_role("row", name="Total")).to_contain_text("4.00")
    page.get_by_role("link", name="Open invoice").click()
    page = person.go("/invoices")
    page.locator("tbody tr").last.get_by_role("link").first.click()
    confirm(page, "Void")

    expect(page.locator("aside .status").first).to_have_text("Voided")
    page.get_by_role("link", name="Make it again").click()
    page.get_by_label("Units of Seats").fill("2")
    page.get_by_role("button", name="Show the new invoice").click()
    # 2 seats at 10.00, less the 4.00 of the credit note
    expect(page.locator(".panel")).to_contain_text("16.00 USD")
    page.get_by_role("button", name="Make it", exact=True).click()
    expect(page.get_by_text("The invoice is made again.")).to_be_visible()
    expect(page.locator(".paper .grand")).to_contain_text("16.00")
    assert [note["total_amount_cents"] for note in shop.ok("GET", "/credit_notes")["credit_notes"]] == [400]
    assert [invoice["status"] for invoice in shop.invoices()].count("voided") == 1


def test_j8_prepaid_credits_are_filled_used_and_fill_themselves(shop: Api, enter) -> None:
    person = enter(shop)

    page = person.go("/customers/acme/wallets")
    page.get_by_role("link", name="New wallet").click()
    page.locator("#f-granted_credits").fill("12")
    page.locator("#f-threshold").fill("5")
    page.locator("#f-rule_granted").fill("30")
    page.get_by_role("button", name="Create").click()
    heading(page, "Prepaid credits")
    expect(page.get_by_text("Below 5 credits: 0 bought, 30 granted.")).to_be_visible()
    page.locator("details#top-up > summary").click()
    page.locator("#f-granted_credits").fill("2")
    page.locator("details#top-up").get_by_role("button", name="Top up").click()
    expect(page.get_by_text("The wallet is topped up.")).to_be_visible()
    wallet = page.url.partition("?")[0].removeprefix(person.address)
    move(person, "+ 1 month")

    # 14 credits less the 10.00 of July leave 4, which is below 5, so 30 come.
    page = person.go(wallet)
    expect(page.locator(".tile").filter(has_text="Balance")).to_contain_text("34.00")
    expect(page.locator("tbody tr")).to_have_count(4)
    assert shop.invoices()[0]["prepaid_credit_amount_cents"] == 1000


def test_j9_an_overdue_invoice_is_found_shown_to_the_customer_and_paid(shop: Api, enter) -> None:
    person = enter(shop)
    move(person, "+ 1 month")
    move(person, "+ 1 month")

    page = person.go("/")
    page.get_by_role("link", name="1 invoice past the due date").click()
    page.locator("tbody a").nth(1).click()
    page.get_by_role("link", name="Customer's view").click()
    expect(page.get_by_role("heading", name="To pay")).to_be_visible()
    expect(page.locator("section").filter(has_text="To pay").locator("li")).to_have_count(2)
    page.locator("section").filter(has_text="To pay").get_by_role("link").last.click()
    expect(page.locator(".status").first).to_have_text("Overdue")
    page = person.go("/customers/acme")
    confirm(page, "Ask for what is overdue", "Ask")
    expect(page.get_by_text("The customer is asked to pay.")).to_be_visible()
    [asked] = shop.ok("GET", "/payment_requests")["payment_requests"]
    assert (asked["amount_cents"], asked["email"]) == (1000, "a@example.com")

    page = person.go("/invoices?show=overdue")
    page.locator("tbody a").first.click()
    page.locator("details#pay > summary").click()
    page.locator("#f-reference").fill("wire")
    page.get_by_role("button", name="Record", exact=True).click()
    expect(page.locator("aside .status").first).to_have_text("Paid")
    person.go("/")
    expect(page.get_by_text("past the due date")).to_have_count(0)


def test_j10_a_developer_makes_a_key_and_finds_events_that_matched_nothing(shop: Api, demo: Demo, enter) -> None:
    person = enter(shop)

    page = person.go("/api-keys/new")
    page.locator("#f-name").fill("Ingest")
    page.get_by_role("button", name="Make the key").click()
    key = page.locator(".secret code").inner_text()
    person.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy").click()
    expect(page.locator(".copy")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == key
    demo.client(key).event("lost", code="seatz", subscription="acme-1", user_id="cleo")
    person.go("/")
    page.get_by_role("link", name="Events with the code seatz").click()
    page.locator("tbody a").first.click()
    expect(page.locator(".status").get_by_text("Not billed")).to_be_visible()
    expect(page.locator(".fault")).to_contain_text("seatz")
    person.go("/api-keys").get_by_role("link", name="Ingest").click()
    confirm(page, "Rotate")
    heading(page, "Your new API key")
    rotated = page.locator(".secret code").inner_text()
    assert [demo.client(one).call("GET", "/customers").status for one in (key, rotated)] == [200, 200]
    person.go("/api-keys").get_by_role("link", name="Ingest").first.click()
    confirm(page, "Revoke")

    expect(page.get_by_text("The key is revoked")).to_be_visible()
    assert shop.ok("GET", "/events/lost")["event"]["warnings"][0]["code"] == "billable_metric_not_found"


def test_j10_a_developer_reads_what_was_told_and_tells_it_again(shop: Api, enter) -> None:
    person = enter(shop)
    with receiving() as receiver:
        page = person.go("/webhook-endpoints/new")
        page.get_by_label("Address").fill(receiver.url)
        page.get_by_role("button", name="Create").click()
        shop.customer("second", name="Second Ltd")
        receiver.wait_for(1)

        person.go("/webhooks").get_by_role("link", name="customer.created").click()
        expect(page.locator("pre").first).to_contain_text('"external_id": "second"')
        page.get_by_role("button", name="Send again").click()
        receiver.wait_for(2)
        # The second attempt is noted when its answer has come back, an instant after the receiver had it.
        for _ in range(100):
            if page.locator("tbody tr").count() < 2:
                page.reload()
        expect(page.locator("tbody tr")).to_have_count(2)

        assert [delivery.type for delivery in receiver.deliveries] == ["customer.created", "customer.created"]
    page = person.go("/logs/requests")
    page.locator("tbody a").first.click()
    expect(page.locator("pre").first).to_contain_text("second")
    page = person.go("/docs/api?q=resend")
    page.get_by_role("link", name="/webhooks/{lago_id}/resend").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Webhooks")


def test_the_keyboard_searches_walks_and_closes(demo: Demo, enter) -> None:
    page = enter(demo.company).go("/customers")

    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator("main tbody tr").nth(1).locator("a").first).to_be_focused()
    page.keyboard.press("/")
    expect(page.get_by_placeholder("Search", exact=True)).to_be_focused()
    page.keyboard.type("aurora")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Aurora Robotics GmbH")).to_be_visible()
    page.locator("details.user > summary").click()
    page.keyboard.press("Escape")
    expect(page.locator("details.user .pop-box")).to_be_hidden()


def test_the_theme_that_somebody_chose_stays(demo: Demo, enter) -> None:
    page = enter(demo.company).go("/plans")

    page.locator("details.user > summary").click()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page).to_have_url(re.compile("/plans$"))
