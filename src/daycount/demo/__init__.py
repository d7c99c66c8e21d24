"""
`daycount demo`: the main job on a fresh database, through the API as a user would call it.

A team's seats join, leave and come back during July; the sandbox's clock is moved over the month's end; the invoice is
printed with every seat's days. Everything is as fixed as a fixed clock makes it.
"""

import secrets
import shutil
import signal
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from daycount.app import build
from daycount.config import Settings
from daycount.customers import store as customers
from daycount.dashboard.accounts import operations as accounts
from daycount.dashboard.accounts import store as accounts_store
from daycount.dashboard.accounts.records import Role
from daycount.demo.client import HOST, Api
from daycount.demo.company import START as COMPANY_START
from daycount.demo.company import found_company
from daycount.invoicing import explain, store
from daycount.invoicing.records import InvoiceFilter
from daycount.organizations import operations
from daycount.organizations import store as organizations
from daycount.organizations.records import Organization
from daycount.periods import parse_instant
from daycount.processes import live
from daycount.supervisor import Supervisor, install

_START = "2026-07-01T04:00:00Z"
_MONTH_END = "2026-08-01T04:00:00Z"
_SEATS: Sequence[tuple[str, str, str]] = (
    ("2026-07-01T13:00:00Z", "ada", "add"),
    ("2026-07-01T13:05:00Z", "cleo", "add"),
    ("2026-07-10T15:30:00Z", "ben", "add"),
    ("2026-07-12T21:00:00Z", "cleo", "remove"),
    ("2026-07-20T14:00:00Z", "cleo", "add"),
)
_TO_TRY = """\
server   http://{host}:{port}
API key  {key}

curl http://{host}:{port}/api/v1/invoices -H "Authorization: Bearer {key}"
python   Client(api_key="{key}", api_url="http://{host}:{port}").invoices.find_all()
node     Client("{key}", {{ baseUrl: "http://{host}:{port}/api/v1" }}).invoices.findAllInvoices()
explain  daycount explain invoice {number} --data-dir {data_dir}
"""
_TO_LOOK = """\
pages    http://{host}:{port}
sign in  {email}
password {password}
API key  {key} (of the company)
"""


def run_demo(settings: Settings, *, data_dir: Path | None, port: int, is_once: bool) -> None:
    """Run the demo; without `data_dir` its database lives in a folder that is removed at the end."""
    folder = data_dir or Path(tempfile.mkdtemp(prefix="daycount-demo-"))
    private = settings.model_copy(update={"database_url": None})
    supervisor = Supervisor(private, live=live, host=HOST, port=port, data_dir=folder)
    install((signal.SIGTERM, signal.SIGINT), supervisor.on_signal)
    try:
        supervisor.start()
        supervisor.wait_until_ready()
        print(_bill_a_month(private, supervisor.database_url, port=port, folder=folder), flush=True)
        if not is_once:
            print("A year of a company is played, to look at …", flush=True)
            print(_show_company(private, supervisor.database_url, port=port), flush=True)
            print("Ctrl-C stops the server.", flush=True)
            supervisor.run()
    finally:
        supervisor.stop()
        if data_dir is None:
            shutil.rmtree(folder, ignore_errors=True)


def _bill_a_month(settings: Settings, database_url: str, *, port: int, folder: Path) -> str:
    """Set the catalogue up, send the events, move the clock, and return the invoice with what to try next."""
    app = build(settings, database_url=database_url, environment={}, pool_size=2)
    with app.workplace.transaction("demo.create_organization") as tx:
        organization, key = operations.create_organization(
            tx,
            new_id=app.workplace.new_id,
            real_now=app.clock.now(),
            name="Acme Billing",
            email=None,
            country=None,
            timezone=None,
            default_currency="USD",
            document_number_prefix=None,
            frozen_time=parse_instant(_START),
        )
    _play(Api(port, key))
    invoice, text = _read_invoice(app, organization)
    app.workplace.engine.dispose()
    return text + "\n\n" + _TO_TRY.format(host=HOST, port=port, key=key, number=invoice, data_dir=folder)


def _show_company(settings: Settings, database_url: str, *, port: int) -> str:
    """Found the company, let somebody in to it and to the story's organization, and return how to sign in."""
    app = build(settings, database_url=database_url, environment={}, pool_size=2)
    email, password = "demo@localhost", secrets.token_urlsafe(9)
    with app.workplace.transaction("demo.create_company") as tx:
        story = [row.id for row in organizations.list_organizations(tx)]
        company, key = operations.create_organization(
            tx,
            new_id=app.workplace.new_id,
            real_now=app.clock.now(),
            name="Lumen Cloud",
            email=None,
            country="IE",
            timezone="Europe/Dublin",
            default_currency="EUR",
            document_number_prefix="LUM",
            frozen_time=COMPANY_START,
        )
        now = app.clock.now()
        user = accounts_store.find_user(tx, email)
        if user is None:
            user = accounts.create_user(tx, new_id=app.workplace.new_id, now=now, email=email, name="Demo", password=password)
        else:
            accounts.change_password(tx, user, password=password)
        for organization_id in (*story, company.id):
            accounts_store.put_membership(tx, organization_id=organization_id, user_id=user.id, role=Role.ADMIN, now=now)
    app.workplace.engine.dispose()
    api = Api(port, key)
    found_company(api)
    api.close()
    return _TO_LOOK.format(host=HOST, port=port, email=email, password=password, key=key)


def _play(api: Api) -> None:
    metric = {"name": "Active Users", "code": "seats", "aggregation_type": "unique_count_agg", "field_name": "user_id", "recurring": True}
    metric_id = api.call("POST", "/billable_metrics", {"billable_metric": metric})["billable_metric"]["lago_id"]
    charge = {"billable_metric_id": metric_id, "charge_model": "standard", "prorated": True, "properties": {"amount": "10"}}
    plan = {
        "name": "Team Plan",
        "code": "team",
        "amount_cents": 0,
        "amount_currency": "USD",
        "interval": "monthly",
        "pay_in_advance": False,
    }
    api.call("POST", "/plans", {"plan": plan | {"charges": [charge]}})
    customer = {"external_id": "acme", "name": "Acme Inc", "email": "john@acme.com", "currency": "USD", "timezone": "America/New_York"}
    api.call("POST", "/customers", {"customer": customer})
    subscription = {"external_customer_id": "acme", "plan_code": "team", "external_id": "acme-team"}
    api.call("POST", "/subscriptions", {"subscription": subscription})
    for number, (at, user, operation) in enumerate(_SEATS):
        api.call("PUT", "/test_clock", {"test_clock": {"frozen_time": at}})
        properties = {"user_id": user, "operation_type": operation}
        event = {"transaction_id": f"demo-{number}", "code": "seats", "external_subscription_id": "acme-team", "properties": properties}
        api.call("POST", "/events", {"event": event})
    api.call("PUT", "/test_clock", {"test_clock": {"frozen_time": _MONTH_END}})


def _read_invoice(app: Any, organization: Organization) -> tuple[str, str]:
    with app.workplace.engine.connect() as tx:
        invoice = store.list_invoices(tx, organization_id=organization.id, query=InvoiceFilter(), limit=1, offset=0)[0]
        owner = customers.find_customers(tx, organization_id=organization.id, ids=[invoice.customer_id])[invoice.customer_id]
        fees = store.list_fees(tx, organization_id=organization.id, invoice_ids=[invoice.id])
    return invoice.number, explain.print_invoice(invoice, owner, fees)
