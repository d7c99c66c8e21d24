"""Billable metrics: what is counted."""

from typing import Final

from daycount.dashboard import formats
from daycount.dashboard.http import Response, path_to
from daycount.dashboard.listing import Cell, Column, Empty, Source, export, read_listing
from daycount.dashboard.routing import Pages
from daycount.dashboard.visit import Visit

pages = Pages()
_COLUMNS: Final = (
    Column("Metric"),
    Column("Code", "code"),
    Column("Counts"),
    Column("Kind", is_extra=True),
    Column("Made", "date", is_extra=True),
)
_EMPTY: Final = Empty(
    "No billable metric yet",
    "A metric says what is counted of the events you send: seats, calls, gigabytes.",
    "New metric",
    "/billable-metrics/new",
)
COUNTS: Final = {
    "count_agg": "the number of events",
    "sum_agg": "the sum of {}",
    "max_agg": "the largest {}",
    "latest_agg": "the latest {}",
    "unique_count_agg": "different values of {}",
    "weighted_sum_agg": "{} over time",
    "custom_agg": "by a reducer",
}


@pages.get("/billable-metrics")
def list_metrics(visit: Visit) -> Response:
    """List billable metrics."""

    def row(item: dict[str, object]) -> tuple[Cell, ...]:
        return (
            Cell(item["name"], path_to("/billable-metrics/{}", str(item["code"]))),
            Cell(item["code"]),
            Cell(counts_of(item)),
            Cell("Recurring" if item["recurring"] else "Metered"),
            Cell(item["created_at"]),
        )

    source = Source("/billable_metrics", [], "billable_metrics", {}, row)
    if visit.query.one("as") == "csv":
        return export(visit, source, _COLUMNS, name="metrics")
    listing = read_listing(visit, source, _COLUMNS, empty=_EMPTY)
    actions = [("New metric", "/billable-metrics/new")] if visit.may("billable_metric") else []
    return visit.render("list.html", title="Billable metrics", nav="metrics", listing=listing, noun=("metric", "metrics"), actions=actions)


def counts_of(metric: dict[str, object]) -> str:
    """Say what a metric counts."""
    text = COUNTS.get(str(metric["aggregation_type"]), formats.words(metric["aggregation_type"]))
    return text.format(metric["field_name"] or metric["expression"] or "")


@pages.get("/billable-metrics/{code}")
def show_metric(visit: Visit) -> Response:
    """Show a billable metric, and how events for it are sent."""
    metric = visit.get("/billable_metrics/{}", visit.path["code"])["billable_metric"]
    here = path_to("/billable-metrics/{}", metric["code"])
    return visit.render("metric.html", title=metric["name"], nav="metrics", metric=metric, counts=counts_of(metric), here=here)
