"""The path of somebody who has just run `make demo`: from signing in to a projected invoice, by the pages alone; timed."""

from playwright.sync_api import expect

from tests.browser.conftest import Demo
from tests.browser.stopwatch import Stopwatch


def test_a_newcomer_reaches_the_projected_invoice(demo: Demo, open_browser, stopwatch: Stopwatch) -> None:
    person = open_browser(demo.address)
    page = person.page

    with stopwatch.step("sign in"):
        person.sign_in(demo.email, demo.password)
        person.choose("Acme Billing")
    with stopwatch.step("make a plan of 9.50 a seat"):
        page.get_by_role("link", name="Plans").click()
        page.get_by_role("link", name="New plan").click()
        page.locator("#f-name").fill("Starter")
        page.locator("#f-code").fill("starter")
        page.locator("#f-amount").fill("20")
        page.locator("[name='charge.0.metric']").select_option(label="Active Users")
        page.locator("[name='charge.0.amount']").fill("9.5")
        page.locator("[name='charge.0.prorated']").check()
        page.get_by_role("button", name="Create").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Starter")
    with stopwatch.step("add a customer"):
        page.get_by_role("link", name="Customers").click()
        page.get_by_role("link", name="New customer").click()
        page.locator("#f-external_id").fill("newcomer")
        page.locator("#f-name").fill("Newcomer Ltd")
        page.get_by_role("button", name="Create").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Newcomer Ltd")
    with stopwatch.step("subscribe it"):
        page.get_by_role("link", name="Assign a plan").first.click()
        page.locator("#f-plan_code").select_option("starter")
        page.locator("#f-external_id").fill("newcomer-1")
        page.get_by_role("button", name="Subscribe").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("newcomer-1")
    with stopwatch.step("send an event"):
        page.get_by_role("link", name="Events", exact=True).click()
        page.get_by_role("link", name="Send a test event").click()
        page.locator("#f-code").select_option("seats")
        page.locator("#f-external_subscription_id").select_option("newcomer-1")
        page.locator("#f-properties").fill('{"user_id": "ada", "operation_type": "add"}')
        page.get_by_role("button", name="Send").click()
        expect(page.get_by_text("The event is stored and counted.")).to_be_visible()
    with stopwatch.step("see the projected invoice"):
        page.get_by_role("link", name="newcomer-1").click()
        # The first of August has just begun: all of its 31 days, 20.00 and one seat of 9.50.
        expect(page.locator(".paper .grand")).to_contain_text("29.50")
