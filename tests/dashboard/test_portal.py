"""The customer's own pages: opened by a link, about that customer alone."""

import base64
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID

from daycount.customers import portal
from daycount.infra.database import connect
from tests.dashboard.test_every_page import faults
from tests.support.browsing import Visitor
from tests.support.server import Api, Server


def a_shop(server: Server) -> Api:
    """Two customers with an invoice of 10.00 and of 20.00 each, and a wallet for the first."""
    api = server.organization(name="Shop")
    metric = api.metric()
    api.plan(charges=[api.seat_charge(metric)])
    for name, seats in (("acme", 1), ("other", 2)):
        api.customer(name, currency="USD")
        api.subscribe(name, external_id=f"{name}-sub")
        for number in range(seats):
            api.event(f"{name}-{number}", subscription=f"{name}-sub", user_id=f"u{number}", operation_type="add")
    api.wallet("acme", name="Pocket", granted_credits="0")
    api.move_to("2026-08-01T00:00:00Z")
    return api


def link(api: Api, customer: str = "acme") -> str:
    address = api.ok("GET", f"/customers/{customer}/portal_url")["customer"]["portal_url"]
    path = urlsplit(address).path
    assert path.startswith("/customer-portal/")
    return path


def invoice_of(api: Api, customer: str) -> dict:
    return api.ok("GET", f"/customers/{customer}/invoices")["invoices"][0]


def test_a_customer_sees_usage_invoices_wallets_and_details(server: Server) -> None:
    api = a_shop(server)
    here, guest = link(api), Visitor(server)
    invoice = invoice_of(api, "acme")

    pages = [here, f"{here}/invoices", f"{here}/invoices/{invoice['lago_id']}", f"{here}/wallets", f"{here}/details"]
    seen = {path: guest.look(path) for path in pages}

    wrong = {path: [fault for fault in faults(page) if fault != "has a form without a token"] for path, page in seen.items()}
    assert set(map(tuple, wrong.values())) == {()}, wrong
    assert "10.00 USD" in seen[here].words
    assert invoice["number"] in seen[f"{here}/invoices"].words
    assert "Total 10.00 USD" in seen[pages[2]].words
    assert "Pocket" in seen[f"{here}/wallets"].words
    # The address, which opens the pages, is told to no other site. With "no-referrer" browsers would not say where our own forms come from.
    assert all(page.headers["referrer-policy"] == "same-origin" for page in seen.values())
    assert "Other" not in "".join(page.words for page in seen.values())


def test_a_link_opens_nothing_of_another_customer(server: Server) -> None:
    api = a_shop(server)
    here, guest = link(api, "other"), Visitor(server)
    invoice, wallet = invoice_of(api, "acme"), api.ok("GET", "/wallets")["wallets"][0]

    seen = guest.look(f"{here}/invoices/{invoice['lago_id']}")
    asked = guest.request("POST", f"{here}/invoices/{invoice['lago_id']}/pdf")
    own = guest.request("POST", f"{link(api)}/invoices/{invoice['lago_id']}/pdf")
    bought = guest.request("POST", f"{here}/wallets/{wallet['lago_id']}/top-up", {"paid_credits": "5"})

    assert (seen.status, asked.status) == (404, 404)
    assert (own.status, own.headers["location"][:7]) == (303, "/files/")
    assert bought.status == 404
    assert api.ok("GET", f"/wallets/{wallet['lago_id']}/wallet_transactions")["wallet_transactions"] == []


def test_a_draft_is_not_shown(server: Server) -> None:
    api = server.organization(name="Shop")
    api.ok("PUT", "/organizations", {"organization": {"billing_configuration": {"invoice_grace_period": 3}}})
    api.plan("base", amount_cents=500, pay_in_advance=False)
    api.customer("acme", currency="USD")
    api.subscribe(plan="base")
    api.move_to("2026-08-01T00:00:00Z")
    draft = invoice_of(api, "acme")
    here, guest = link(api), Visitor(server)

    assert draft["status"] == "draft"
    assert guest.look(f"{here}/invoices/{draft['lago_id']}").status == 404
    assert "No invoice" in guest.look(f"{here}/invoices").words


def test_a_customer_changes_its_details_and_buys_credits(server: Server) -> None:
    api = a_shop(server)
    here, guest = link(api), Visitor(server)
    wallet = api.ok("GET", "/wallets")["wallets"][0]

    saved = guest.request(
        "POST", f"{here}/details", {"name": "Acme Ltd", "city": "Bern", "country": "CH", "currency": "EUR", "net_payment_term": "90"}
    )
    wrong = guest.request("POST", f"{here}/details", {"country": "Switzerland"})
    bought = guest.request("POST", f"{here}/wallets/{wallet['lago_id']}/top-up", {"paid_credits": "5", "granted_credits": "1000"})

    customer = api.ok("GET", "/customers/acme")["customer"]
    transactions = api.ok("GET", f"/wallets/{wallet['lago_id']}/wallet_transactions")["wallet_transactions"]
    assert (saved.status, wrong.status, bought.status) == (303, 422, 303)
    assert (customer["name"], customer["city"], customer["currency"], customer["net_payment_term"]) == ("Acme Ltd", "Bern", "USD", None)
    assert [(item["transaction_status"], item["credit_amount"]) for item in transactions] == [("purchased", "5.0")]


def test_links_that_were_changed_or_are_too_old_lead_nowhere(server: Server) -> None:
    api = a_shop(server)
    here = link(api)
    token = here.rpartition("/")[2]
    raw = bytearray(base64.urlsafe_b64decode(token))
    forged = []
    for place in (0, 17, 39, 50):
        copy = bytearray(raw)
        copy[place] ^= 1
        forged.append(base64.urlsafe_b64encode(bytes(copy)).decode())
    forged += ["x", token[:-4], token + "AAAA", "A" * 96]
    engine = connect(server.database_url(), pool_size=1)
    with engine.connect() as tx:
        grant = portal.Grant(UUID(bytes=bytes(raw[:16])), UUID(bytes=bytes(raw[16:32])))
        forged.append(portal.make_token(tx, grant, real_now=datetime.now(UTC) - timedelta(hours=12, seconds=1)))
    engine.dispose()

    answers = [Visitor(server).look(f"/customer-portal/{item}").status for item in forged]

    assert set(answers) == {404}
    assert Visitor(server).look(here).status == 200


def test_the_link_of_a_deleted_customer_leads_nowhere(server: Server) -> None:
    api = a_shop(server)
    here = link(api)

    api.ok("DELETE", "/customers/acme")

    assert Visitor(server).look(here).status == 404
