"""The first page: what to do next, what happened today, and what is wrong."""

from collections.abc import Sequence
from typing import NamedTuple

from daycount.dashboard import store
from daycount.dashboard.http import Response
from daycount.dashboard.pages import rows
from daycount.dashboard.routing import Pages
from daycount.dashboard.visit import Visit

pages = Pages()


class Task(NamedTuple):
    """A step of the way to the first invoice."""

    title: str
    text: str
    href: str
    is_done: bool


@pages.get("/")
def show_home(visit: Visit) -> Response:
    """Show the organization at a glance."""
    facts = store.read_facts(visit.work.tx, organization_id=visit.organization.id, now=visit.now)
    parked = visit.get("/parked_customers", per_page=5)
    latest = visit.get("/invoices", per_page=6)
    return visit.render(
        "home.html",
        title="Home",
        nav="home",
        facts=facts,
        tasks=_tasks(facts),
        parked=parked["parked_customers"],
        invoice_columns=rows.INVOICE_COLUMNS,
        invoice_rows=[rows.invoice_row(item) for item in latest["invoices"]],
        failing=store.list_failing(visit.work.tx, organization_id=visit.organization.id, limit=5),
        unbilled=store.list_unbilled(visit.work.tx, organization_id=visit.organization.id, limit=5),
    )


def _tasks(facts: store.Facts) -> Sequence[Task]:
    return (
        Task("Create a billable metric", "What is counted: seats, calls, tokens.", "/billable-metrics/new", facts.metrics > 0),
        Task("Create a plan", "What a period costs, and what is charged for usage.", "/plans/new", facts.plans > 0),
        Task("Add a customer", "Who is billed, in which currency and time zone.", "/customers/new", facts.customers > 0),
        Task("Subscribe it to the plan", "Open a customer and assign a plan.", "/customers", facts.subscriptions > 0),
        Task("Send an event", "By curl, by a client, or by a form.", "/events/new", facts.has_events),
        Task("See the first invoice", "Wait for the period's end, or move the clock of a sandbox.", "/invoices", facts.invoices > 0),
    )
