"""Assigning a plan, changing it, and ending a subscription, each with what it would bill before it is done."""

from collections.abc import Mapping
from typing import Any, Final

from daycount import errors
from daycount.dashboard.http import Response, path_to, redirect
from daycount.dashboard.pages import rows
from daycount.dashboard.paper import paper_of
from daycount.dashboard.routing import Pages
from daycount.dashboard.visit import Visit

pages = Pages()
CREDIT_CHOICES: Final = (("credit", "as credit for later invoices"), ("refund", "as a refund"), ("skip", "not at all"))


def _plans(visit: Visit) -> list[tuple[str, str]]:
    return [(plan["code"], plan["name"]) for plan in visit.get("/plans", per_page=200)["plans"]]


@pages.get("/customers/{external_id}/subscribe")
def new_subscription(visit: Visit) -> Response:
    """Ask which plan a customer gets."""
    return _subscribe_form(visit, status=200)


def _subscribe_form(visit: Visit, *, status: int, preview: Mapping[str, Any] | None = None) -> Response:
    customer = visit.get("/customers/{}", visit.path["external_id"])["customer"]
    return visit.render(
        "subscribe.html",
        status=status,
        title="Assign a plan",
        nav="customers",
        customer=customer,
        name=rows.name_of(customer),
        plans=_plans(visit),
        preview=preview,
        paper=None if preview is None else paper_of(preview),
        here=path_to("/customers/{}", customer["external_id"]),
        suggested=f"{customer['external_id']}-{visit.now:%Y%m%d}",
    )


@pages.post("/customers/{external_id}/subscribe")
def subscribe(visit: Visit) -> Response:
    """Show the first invoice, or subscribe."""
    form, customer_id = visit.form, visit.path["external_id"]
    if form.one("act") == "preview":
        wanted = {
            "customer": {"external_id": customer_id},
            "plan_code": form.one("plan_code"),
            "billing_time": form.one("billing_time") or None,
            "subscription_at": form.one("subscription_at") or None,
        }
        reply = visit.attempt(lambda: visit.preview("/invoices/preview", body=wanted))
        return _subscribe_form(visit, status=200 if reply else 422, preview=None if reply is None else reply["invoice"])
    given = form.given("external_id", "name", "plan_code", "billing_time", "subscription_at", "ending_at")
    body = {"subscription": {"external_customer_id": customer_id, **{name: value for name, value in given.items() if value is not None}}}

    def send() -> Any:
        if form.one("external_id") and visit.find("/subscriptions/{}", form.one("external_id")) is not None:
            raise errors.Invalid({"external_id": ["value_already_exist"]})
        return visit.send("POST", "/subscriptions", body=body)

    made = visit.attempt(send)
    if made is None:
        return _subscribe_form(visit, status=422)
    return redirect(rows.subscription_path(made["subscription"]), {"done": "subscribed"})


@pages.get("/subscriptions/{external_id}/change")
def ask_change(visit: Visit) -> Response:
    """Ask which plan comes instead."""
    return _change_form(visit, status=200)


def _change_form(visit: Visit, *, status: int, change: Mapping[str, Any] | None = None) -> Response:
    row = visit.get("/subscriptions/{}", visit.path["external_id"])["subscription"]
    return visit.render(
        "subscription_change.html",
        status=status,
        title="Change the plan",
        nav="subscriptions",
        row=row,
        plans=[(code, name) for code, name in _plans(visit) if code != row["plan_code"]],
        change=change,
        papers=[] if change is None else [(invoice, paper_of(invoice)) for invoice in change["invoices"]],
        here=path_to("/subscriptions/{}", row["external_id"]),
    )


@pages.post("/subscriptions/{external_id}/change")
def change_plan(visit: Visit) -> Response:
    """Show what a change would bill and give back, or change."""
    external_id, plan_code = visit.path["external_id"], visit.form.one("plan_code")
    if visit.form.one("act") != "confirm":
        body = {"plan_code": plan_code}
        reply = visit.attempt(lambda: visit.preview("/subscriptions/{}/preview_change", external_id, body=body))
        return _change_form(visit, status=200 if reply else 422, change=None if reply is None else reply["subscription_change"])
    row = visit.get("/subscriptions/{}", external_id)["subscription"]
    wanted = {"external_customer_id": row["external_customer_id"], "external_id": external_id, "plan_code": plan_code}
    made = visit.attempt(lambda: visit.send("POST", "/subscriptions", body={"subscription": wanted}))
    if made is None:
        return _change_form(visit, status=422)
    is_now = made["subscription"]["plan_code"] == plan_code
    return redirect(path_to("/subscriptions/{}", external_id), {"done": "plan_changed" if is_now else "change_scheduled"})


@pages.get("/subscriptions/{external_id}/end")
def ask_end(visit: Visit) -> Response:
    """Show what an end now would bill and give back, and ask."""
    return _end_form(visit, status=200)


def _end_form(visit: Visit, *, status: int) -> Response:
    external_id, asked = visit.path["external_id"], visit.query.one("status") or None
    row = visit.get("/subscriptions/{}", external_id, status=asked)["subscription"]
    choices = {
        "on_termination_credit_note": visit.form.one("credit") or visit.query.one("credit") or "credit",
        "on_termination_invoice": visit.form.one("invoice") or visit.query.one("invoice") or "generate",
    }
    reply = None
    if row["status"] == "active":
        wanted = {name: value for name, value in choices.items() if name != "on_termination_credit_note" or row["plan"]["pay_in_advance"]}
        reply = visit.attempt(lambda: visit.preview("/subscriptions/{}/preview_change", external_id, body=wanted))
    change = None if reply is None else reply["subscription_change"]
    return visit.render(
        "subscription_end.html",
        status=status,
        title="End the subscription" if row["status"] == "active" else "Cancel the subscription",
        nav="subscriptions",
        row=row,
        choices=choices,
        credit_choices=CREDIT_CHOICES,
        change=change,
        papers=[] if change is None else [(invoice, paper_of(invoice)) for invoice in change["invoices"]],
        here=rows.subscription_path(row),
    )


@pages.post("/subscriptions/{external_id}/end")
def end_subscription(visit: Visit) -> Response:
    """End the active subscription, or cancel the pending one."""
    external_id, status = visit.path["external_id"], visit.query.one("status") or None
    if visit.form.one("act") == "preview":
        return _end_form(visit, status=200)
    row = visit.get("/subscriptions/{}", external_id, status=status)["subscription"]
    choices: dict[str, Any] = {}
    if row["status"] == "active":
        choices["on_termination_invoice"] = visit.form.one("invoice") or None
        if row["plan"]["pay_in_advance"]:
            choices["on_termination_credit_note"] = visit.form.one("credit") or None
    ended = visit.attempt(lambda: visit.send("DELETE", "/subscriptions/{}", external_id, status=status, **choices))
    if ended is None:
        return _end_form(visit, status=422)
    return redirect(rows.subscription_path(ended["subscription"]), {"done": "terminated"})
