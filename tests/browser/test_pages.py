"""Every page of the demo: links answer, and in each look nothing is wrong with access, width or the console."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it ships no types
from playwright.sync_api import Page

from tests.browser.conftest import DESK, LOOKS, PLAIN, Demo, Look, Shared
from tests.browser.crawl import Crawled, crawl, pattern_of, patterns
from tests.support.statements import Reader

# Pages that no link leads to: they are met before anybody is signed in, or come from the search field, or only send one on, or are
# about what the demo has none of: a voided invoice, and an invoice to be paid by a provider, whose page has a test of its own.
UNLINKED = {
    "/sign-in",
    "/setup",
    "/invitations/{token}",
    "/search",
    "/customers/{external_id}/portal",
    "/invoices/{lago_id}/regenerate",
    "/pay/{token}",
}
# More of a kind than the first one that links lead to: other charge models, filters, nothing found, no such page.
MORE = (
    "/subscriptions/aurora-1",
    "/subscriptions/harbor-1",
    "/subscriptions/ember-1",
    "/invoices?show=overdue",
    "/customers?search=nobody",
    "/search?q=aurora",
    "/docs/api/invoices",
    "/docs/api?q=void",
    "/no/such/page",
)
EMPTY = ("/", "/customers", "/invoices", "/events", "/plans", "/clock")
AXE = Axe()
_PARTS = 4
# The rules whose outcome a look can change; the first is looked at with all of them.
LOOKED_FOR = {"light": None, "dark": ["color-contrast"], "phone": ["scrollable-region-focusable", "target-size"]}


@pytest.fixture(scope="session")
def crawled(demo: Demo, members, shared: Shared) -> Crawled:
    """What following the links of the company's pages found."""
    with shared.opened("crawl") as note:
        if not note:
            note.update(crawl(demo.port, members.let_in(demo.company))._asdict())
    return Crawled(**note)


@pytest.fixture(scope="session")
def paths(demo: Demo, crawled: Crawled) -> list[str]:
    """One page of each kind, and some more that are worth a look."""
    api = demo.company
    invoice = api.ok("GET", "/customers/granite/invoices")["invoices"][0]
    lines = [line for customer in ("granite", "aurora", "ember") for line in _newest_fees(api, customer) if line["events_count"]]
    by_model = {(line["item"]["code"], bool(line["item"]["filters"])): line["lago_id"] for line in lines}
    here = f"/invoices/{invoice['lago_id']}"
    more = [here, f"{here}/regenerate", *(f"/fees/{line}" for line in by_model.values())]
    return [*crawled.first.values(), *MORE, *(path for path in more if path not in crawled.first.values())]


def _newest_fees(api, customer: str) -> list[dict[str, Any]]:
    listed = api.ok("GET", f"/customers/{customer}/invoices")["invoices"]
    return api.ok("GET", f"/invoices/{listed[0]['lago_id']}")["invoice"]["fees"]


def test_every_link_answers_and_leads_to_every_page(crawled: Crawled) -> None:
    assert crawled.faults == {}
    assert patterns() - UNLINKED - set(crawled.first) == set()
    assert crawled.answered > 200


def test_no_page_takes_more_statements_because_there_is_much_to_show(demo: Demo, members, paths: list[str]) -> None:
    reader = Reader(demo, members.let_in(demo.company))

    found = reader.excesses([path for path in paths if not path.startswith("/no/")])

    reader.close()
    assert found == {}


@pytest.mark.slow
@pytest.mark.parametrize("part", range(_PARTS))
def test_every_page_is_whole_in_every_look(demo: Demo, enter, paths: list[str], screenshots: Path | None, part: int) -> None:
    """Each page is loaded once; what makes it dark or narrow is the browser's alone. In parts, which processes share."""
    person = enter(demo.company)
    album = Album(screenshots, paths)
    found: dict[str, list[str]] = {}
    for path in paths[part::_PARTS]:
        found |= look_at(person.go(path), path, album)
        found[path] = [text for text in person.said if not ("404" in text and path == "/no/such/page")]
        person.said.clear()

    wrong = [f"{where} {fault}" for where, faults in found.items() for fault in faults]
    assert not wrong, "\n".join(wrong)


def test_pages_of_somebody_who_begins_are_whole(demo: Demo, enter, open_browser, screenshots: Path | None) -> None:
    album = Album(screenshots, [*EMPTY, "/sign-in"], prefix="empty-")
    person = enter(demo.organization(name="Nothing yet"))
    found = {}
    for path in EMPTY:
        page = person.go(path)
        album.keep(page, path, DESK)
        found[path] = faults_of(page)
    stranger = open_browser(demo.address)
    page = stranger.go("/sign-in")
    album.keep(page, "/sign-in", DESK)
    found["/sign-in"] = faults_of(page)

    assert {path: faults for path, faults in found.items() if faults} == {}


def test_pages_to_pay_at_are_whole(demo: Demo, open_browser, screenshots: Path | None) -> None:
    api = demo.organization(name="Shop")
    api.ok("POST", "/payment_providers", {"payment_provider": {"provider_type": "simulator", "code": "sim", "name": "Simulated"}})
    provided = {"payment_provider": "simulator", "payment_provider_code": "sim", "provider_customer_id": "cus_1", "sync": True}
    api.customer(currency="USD", billing_configuration=provided)
    api.add_on(amount_cents=12_000)
    invoice = api.ok("POST", "/invoices", {"invoice": {"external_customer_id": "acme", "fees": [{"add_on_code": "setup"}]}})["invoice"]
    given = api.ok("POST", f"/invoices/{invoice['lago_id']}/payment_url")["invoice_payment_details"]
    path, stranger = urlsplit(given["payment_url"]).path, open_browser(demo.address)

    page = stranger.go(path)
    found = look_at(page, path, Album(screenshots, [path]))
    assert page.get_by_text("120.00 USD").first.is_visible()
    page.get_by_role("button", name="Go on").click()
    page.get_by_text("Thank you.").wait_for()
    found |= {f"paid {where}": faults for where, faults in look_at(page, path, Album(screenshots, [path], prefix="paid-")).items()}

    assert {where: faults for where, faults in found.items() if faults} == {}
    assert api.ok("GET", f"/invoices/{invoice['lago_id']}")["invoice"]["payment_status"] == "succeeded"


def test_a_customer_changes_its_own_details(demo: Demo, open_browser) -> None:
    api = demo.organization(name="Studio")
    api.customer(currency="USD")
    address = urlsplit(api.ok("GET", "/customers/acme/portal_url")["customer"]["portal_url"])
    page = open_browser(demo.address).go(f"{address.path}/details")

    page.get_by_label("City").fill("Lyon")
    page.get_by_role("button", name="Save").click()

    page.get_by_text("Saved.").wait_for()
    assert api.ok("GET", "/customers/acme")["customer"]["city"] == "Lyon"


def look_at(page: Page, path: str, album: "Album") -> dict[str, list[str]]:
    """Keep a page in every look, and return what is wrong with it in each."""
    found = {}
    for look in LOOKS:
        page.set_viewport_size({"width": look.width, "height": 844})
        page.evaluate("theme => document.documentElement.dataset.theme = theme", look.theme)
        album.keep(page, path, look)
        found[f"{path} ({look.name})"] = faults_of(page, rules=LOOKED_FOR[look.name])
    return found


def test_reading_needs_no_scripts(demo: Demo, enter, crawled: Crawled) -> None:
    """What a browser without scripts shows of a single thing is what one with them shows, but for what scripts do."""
    plain, scripted = enter(demo.company, PLAIN), enter(demo.company)
    different = []
    for pattern, path in crawled.first.items():
        if not pattern.endswith("}") and pattern not in ("/", "/clock"):
            continue
        texts = [re.sub(r"\s+", " ", person.go(path).locator("main").inner_text()) for person in (plain, scripted)]
        if texts[0] != re.sub(r" (Copy|Print)(?= )", "", texts[1]):
            different.append((path, *texts))

    assert different == []


class Album:
    """Keeps screenshots by look, named by the kind of page, so that names stay the same from run to run."""

    def __init__(self, folder: Path | None, paths: Sequence[str], *, prefix: str = "") -> None:
        self._folder = folder
        self._prefix = prefix
        self._names: dict[str, str] = {}
        for path in paths:
            self._name(path)

    def keep(self, page: Page, path: str, look: Look) -> None:
        """Keep the page as it is now, in its whole length."""
        if self._folder is not None:
            (self._folder / look.name).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=self._folder / look.name / f"{self._names[path]}.png", full_page=True)

    def _name(self, path: str) -> None:
        kind = re.sub(r"\W+", "-", f"{self._prefix}{pattern_of(path) or path} {path.partition('?')[2]}").strip("-") or "home"
        names = [kind, *(f"{kind}-{number}" for number in range(2, 99))]
        self._names[path] = next(name for name in names if name not in self._names.values())


def faults_of(page: Page, *, rules: list[str] | None = None) -> list[str]:
    """Return what is wrong with a page: serious faults of access (by some rules, or by all), and what is wider than the window."""
    options = {"resultTypes": ["violations"]} | ({"runOnly": rules} if rules else {})
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.axe_script)
    found = [f"axe: {fault}" for fault in serious(page.evaluate("options => axe.run(options)", options))]
    if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
        found.append("is wider than the window")
    return found


def serious(report: dict[str, Any]) -> list[str]:
    """Return the serious faults of an accessibility report, each with where it is."""
    return [
        f"{fault['id']} at {', '.join(str(node['target']) for node in fault['nodes'][:3])}"
        for fault in report["violations"]
        if fault["impact"] in ("serious", "critical")
    ]
