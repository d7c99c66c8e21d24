"""Making and changing billable metrics, with a place to try an expression before anything is saved."""

import json
from collections.abc import Mapping
from typing import Any, Final

from daycount import errors
from daycount.dashboard.http import Response, path_to, redirect
from daycount.dashboard.routing import Pages
from daycount.dashboard.visit import Visit

pages = Pages()
KINDS: Final = (
    ("count_agg", "Count: the number of events"),
    ("sum_agg", "Sum of a property"),
    ("max_agg", "Largest value of a property"),
    ("latest_agg", "Latest value of a property"),
    ("unique_count_agg", "Unique count: different values of a property, such as seats"),
    ("weighted_sum_agg", "Weighted sum: a property over time"),
)
_SAMPLE: Final = '{"user_id": "ada", "count": "12"}'


@pages.get("/billable-metrics/new")
def new_metric(visit: Visit) -> Response:
    """Ask what a new metric counts."""
    return _form(visit, {}, title="New billable metric", here="/billable-metrics")


@pages.post("/billable-metrics/new")
def create_metric(visit: Visit) -> Response:
    """Try an expression, or make the metric."""
    title, here = "New billable metric", "/billable-metrics"
    if visit.form.one("act") == "try":
        return _form(visit, {}, title=title, here=here, tried=_try(visit))
    made = visit.attempt(lambda: visit.send("POST", "/billable_metrics", body={"billable_metric": _read(visit)}))
    if made is None:
        return _form(visit, {}, title=title, here=here, status=422)
    return redirect(path_to("/billable-metrics/{}", made["billable_metric"]["code"]), {"done": "metric_created"})


@pages.get("/billable-metrics/{code}/edit")
def edit_metric(visit: Visit) -> Response:
    """Show a metric to be changed."""
    metric = visit.get("/billable_metrics/{}", visit.path["code"])["billable_metric"]
    return _form(visit, metric, title=f"Edit {metric['name']}", here=path_to("/billable-metrics/{}", metric["code"]))


@pages.post("/billable-metrics/{code}/edit")
def update_metric(visit: Visit) -> Response:
    """Try an expression, or change the metric."""
    metric = visit.get("/billable_metrics/{}", visit.path["code"])["billable_metric"]
    title, here = f"Edit {metric['name']}", path_to("/billable-metrics/{}", metric["code"])
    if visit.form.one("act") == "try":
        return _form(visit, metric, title=title, here=here, tried=_try(visit))
    body = {"billable_metric": _read(visit)}
    made = visit.attempt(lambda: visit.send("PUT", "/billable_metrics/{}", metric["code"], body=body))
    if made is None:
        return _form(visit, metric, title=title, here=here, status=422)
    return redirect(path_to("/billable-metrics/{}", made["billable_metric"]["code"]), {"done": "saved"})


@pages.post("/billable-metrics/{code}/delete")
def delete_metric(visit: Visit) -> Response:
    """Delete a metric and its charges."""
    visit.send("DELETE", "/billable_metrics/{}", visit.path["code"])
    return redirect("/billable-metrics", {"done": "deleted"})


def _form(
    visit: Visit, metric: Mapping[str, Any], *, title: str, here: str, status: int = 200, tried: tuple[bool, str] | None = None
) -> Response:
    return visit.render(
        "metric_form.html",
        status=status,
        title=title,
        nav="metrics",
        metric=metric,
        filters=_filters_shown(visit, metric),
        kinds=KINDS,
        here=here,
        sample=visit.form.one("sample") or _SAMPLE,
        tried=tried,
    )


def _filters_shown(visit: Visit, metric: Mapping[str, Any]) -> list[dict[str, str]]:
    if visit.request.method == "POST":
        return [*visit.form.groups("filter"), {}][:20]
    known = [{"key": item["key"], "values": ", ".join(item["values"])} for item in metric.get("filters", [])]
    return [*known, {}]


def _read(visit: Visit) -> dict[str, Any]:
    form = visit.form
    rows = [row for row in form.groups("filter") if row.get("key")]
    filters = [
        {"key": row["key"], "values": [value.strip() for value in row.get("values", "").split(",") if value.strip()]} for row in rows
    ]
    read: dict[str, Any] = form.given("name", "code", "description", "aggregation_type", "field_name", "expression")
    if read.get("aggregation_type") == "weighted_sum_agg":
        read["weighted_interval"] = "seconds"
    read |= {"recurring": form.has("recurring"), "filters": filters}
    read |= {"rounding_function": form.one("rounding_function") or None, "rounding_precision": form.one("rounding_precision") or None}
    return read


def _try(visit: Visit) -> tuple[bool, str]:
    """Evaluate the expression on the sample; returns whether it went well, and the value or the reason."""
    try:
        properties = json.loads(visit.form.one("sample") or "{}", parse_float=str)
        event = {"code": visit.form.one("code") or "sample", "timestamp": int(visit.now.timestamp()), "properties": properties}
        body = {"expression": visit.form.one("expression"), "event": event}
        reply = visit.send("POST", "/billable_metrics/evaluate_expression", body=body)
    except (ValueError, RecursionError):
        return False, "The sample is no JSON."
    except errors.Forbidden:
        return False, "Your role does not allow this."
    except (errors.Invalid, errors.BadRequest) as error:
        return False, f"It cannot be evaluated: {error}."
    return True, str(reply["expression_result"]["value"])
