"""The events explorer: what came in, whether it counts, and where."""

import json
from datetime import datetime
from typing import Any, Final

from daycount import errors
from daycount.dashboard import formats
from daycount.dashboard.http import Response, path_to, redirect
from daycount.dashboard.listing import Empty, Filter, Source, export, read_listing
from daycount.dashboard.pages import rows
from daycount.dashboard.routing import Pages
from daycount.dashboard.visit import Visit

pages = Pages()
_EMPTY: Final = Empty(
    "No event yet", "Events say what was used. Send one by curl, by a client, or by the form here.", "Send a test event", "/events/new"
)
_MOST_COUNTED: Final = 50


@pages.get("/events")
def list_events(visit: Visit) -> Response:
    """List events, the latest first, each with whether it counts."""
    query = {
        "code": visit.query.one("code"),
        "external_subscription_id": visit.query.one("subscription"),
        "timestamp_from": visit.query.one("from"),
        "timestamp_to": visit.query.one("to"),
    }
    source = Source("/events", [], "events", query, rows.event_row)
    if visit.query.one("as") == "csv":
        return export(visit, source, rows.EVENT_COLUMNS, name="events")
    codes = visit.get("/billable_metrics", per_page=100)["billable_metrics"]
    filters = (
        Filter("subscription", "Subscription's external id"),
        Filter("code", "Any code", [(item["code"], item["code"]) for item in codes]),
    )
    listing = read_listing(visit, source, rows.EVENT_COLUMNS, filters=filters, empty=_EMPTY, per_page=_MOST_COUNTED)
    actions = [("Send a test event", "/events/new")] if visit.may("event") else []
    return visit.render("events.html", title="Events", nav="events", listing=listing, noun=("event", "events"), actions=actions)


@pages.get("/events/{transaction_id}")
def show_event(visit: Visit) -> Response:
    """Show an event: where it counts, or why it does not."""
    explained = visit.get("/events/{}/explain", visit.path["transaction_id"])["event_explanation"]
    return visit.render(
        "event.html", title=explained["event"]["transaction_id"], nav="events", explained=explained, event=explained["event"]
    )


@pages.get("/events/new")
def new_event(visit: Visit) -> Response:
    """Offer a form that sends an event."""
    return _form(visit)


def _form(visit: Visit, status: int = 200) -> Response:
    metrics = visit.get("/billable_metrics", per_page=100)["billable_metrics"]
    subscriptions = visit.get("/subscriptions", per_page=100)["subscriptions"]
    return visit.render(
        "event_form.html",
        status=status,
        title="Send a test event",
        nav="events",
        metrics=metrics,
        subscriptions=subscriptions,
        transaction_id=f"test-{visit.work.new_id()}",
    )


@pages.post("/events/new")
def send_event(visit: Visit) -> Response:
    """Send an event as a client would: it is stored in a commit of its own."""
    if not visit.may("event"):
        raise errors.Forbidden("write_action_not_allowed_for_event")
    form = visit.form
    event = visit.attempt(lambda: _read_event(visit))
    if event is not None:
        status, reply = visit.backend.send_event(visit.organization.id, event)
        if status == 200:
            return redirect(path_to("/events/{}", form.one("transaction_id")), {"done": "event_taken"})
        visit.refused = errors.Invalid(reply.get("error_details") or {"timestamp": ["value_is_invalid"]})
    return _form(visit, status=422)


def _read_event(visit: Visit) -> dict[str, Any]:
    form = visit.form
    try:
        properties = json.loads(form.one("properties") or "{}", parse_float=str)
    except (ValueError, RecursionError) as error:
        raise errors.Invalid({"properties": ["invalid_json"]}) from error
    if not isinstance(properties, dict):
        raise errors.Invalid({"properties": ["invalid_json"]})
    event = {
        "transaction_id": form.one("transaction_id"),
        "code": form.one("code"),
        "external_subscription_id": form.one("external_subscription_id"),
        "properties": properties,
    }
    if form.one("timestamp"):
        instant = formats.read_instant(form.one("timestamp"))
        if not isinstance(instant, datetime):
            raise errors.Invalid({"timestamp": ["invalid_date"]})
        event["timestamp"] = instant.isoformat()
    return event
