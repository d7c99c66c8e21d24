"""Making and changing coupons, add-ons and taxes."""

from collections.abc import Mapping
from typing import Any, Final

from daycount.dashboard import formats
from daycount.dashboard.http import Response, path_to, redirect
from daycount.dashboard.money_input import read_cents, write_cents
from daycount.dashboard.routing import Pages
from daycount.dashboard.visit import Visit

pages = Pages()
FREQUENCIES: Final = (("once", "on one invoice"), ("recurring", "on some invoices"), ("forever", "on every invoice"))


@pages.get("/coupons/new")
def new_coupon(visit: Visit) -> Response:
    """Ask for a new coupon."""
    return _coupon_form(visit, {}, status=200)


@pages.get("/coupons/{code}/edit")
def edit_coupon(visit: Visit) -> Response:
    """Show a coupon to be changed."""
    return _coupon_form(visit, visit.get("/coupons/{}", visit.path["code"])["coupon"], status=200)


def _coupon_form(visit: Visit, coupon: Mapping[str, Any], *, status: int) -> Response:
    given = visit.get("/applied_coupons", coupon_code=[coupon["code"]], per_page=1)["applied_coupons"] if coupon else []
    return visit.render(
        "coupon_form.html",
        status=status,
        title=f"Edit {coupon['name']}" if coupon else "New coupon",
        nav="coupons",
        coupon=coupon,
        known=_known_coupon(visit, coupon),
        is_given=bool(given),
        here=path_to("/coupons/{}", coupon["code"]) if coupon else "/coupons",
        frequencies=FREQUENCIES,
        plans=[(plan["code"], plan["name"]) for plan in visit.get("/plans", per_page=200)["plans"]],
        currency=visit.organization.entity.default_currency,
    )


@pages.post("/coupons/new")
def create_coupon(visit: Visit) -> Response:
    """Make a coupon."""
    if visit.attempt(lambda: visit.send("POST", "/coupons", body={"coupon": _read_coupon(visit)})) is None:
        return _coupon_form(visit, {}, status=422)
    return redirect(path_to("/coupons/{}", visit.form.one("code")), {"done": "created"})


@pages.post("/coupons/{code}/edit")
def update_coupon(visit: Visit) -> Response:
    """Change a coupon; once somebody has it, the API keeps what it is worth and what it is for."""
    coupon = visit.get("/coupons/{}", visit.path["code"])["coupon"]
    if visit.attempt(lambda: visit.send("PUT", "/coupons/{}", coupon["code"], body={"coupon": _read_changes(visit)})) is None:
        return _coupon_form(visit, coupon, status=422)
    return redirect(path_to("/coupons/{}", visit.form.one("code") or coupon["code"]), {"done": "saved"})


def _known_coupon(visit: Visit, coupon: Mapping[str, Any]) -> dict[str, str]:
    """Return what stands in the form's fields before anybody typed."""
    if not coupon:
        return {}
    texts = {
        name: coupon[name] for name in ("name", "code", "description", "coupon_type", "percentage_rate", "amount_currency", "frequency")
    }
    amount = write_cents(coupon["amount_cents"], coupon["amount_currency"]) if coupon["amount_cents"] is not None else ""
    expires = formats.read_instant(coupon["expiration_at"])
    day = "" if expires is None else expires.astimezone(visit.zone).date().isoformat()
    shown = {**texts, "amount": amount, "frequency_duration": coupon["frequency_duration"], "expiration_at": day}
    return {name: "" if value is None else str(value).removesuffix(".0") for name, value in shown.items()}


def _read_changes(visit: Visit) -> dict[str, Any]:
    """Read what the form of a coupon that somebody has shows, or all."""
    if visit.form.has("coupon_type"):
        return _read_coupon(visit)
    expires = visit.form.one("expiration_at")
    expiry = {"expiration": "time_limit" if expires else "no_expiration", "expiration_at": expires or None}
    return {**visit.form.given("name", "description"), **expiry}


def _read_coupon(visit: Visit) -> dict[str, Any]:
    form = visit.form
    coupon: dict[str, Any] = form.given("name", "code", "description", "coupon_type", "frequency")
    if form.one("coupon_type") == "percentage":
        coupon["percentage_rate"] = form.one("percentage_rate") or None
    else:
        currency = form.one("amount_currency") or visit.organization.entity.default_currency
        coupon |= {"amount_cents": read_cents(form.one("amount"), currency, field="amount_cents"), "amount_currency": currency}
    if form.one("frequency") == "recurring":
        coupon["frequency_duration"] = form.one("frequency_duration") or None
    expires = form.one("expiration_at")
    coupon |= {"expiration": "time_limit" if expires else "no_expiration", "expiration_at": expires or None}
    coupon["reusable"] = form.has("reusable")
    plans = form.many("plan")
    if plans or form.has("plans_shown"):
        coupon["applies_to"] = {"plan_codes": plans}
    return coupon


@pages.post("/coupons/{code}/delete")
def delete_coupon(visit: Visit) -> Response:
    """Delete a coupon."""
    visit.send("DELETE", "/coupons/{}", visit.path["code"])
    return redirect("/coupons", {"done": "deleted"})


@pages.get("/add-ons/new")
def new_add_on(visit: Visit) -> Response:
    """Ask for a new add-on."""
    return _add_on_form(visit, {}, status=200)


@pages.get("/add-ons/{code}/edit")
def edit_add_on(visit: Visit) -> Response:
    """Show an add-on to be changed."""
    return _add_on_form(visit, visit.get("/add_ons/{}", visit.path["code"])["add_on"], status=200)


def _add_on_form(visit: Visit, add_on: Mapping[str, Any], *, status: int) -> Response:
    currency = add_on.get("amount_currency") or visit.organization.entity.default_currency
    return visit.render(
        "add_on_form.html",
        status=status,
        title=f"Edit {add_on['name']}" if add_on else "New add-on",
        nav="add-ons",
        add_on=add_on,
        currency=currency,
        amount=write_cents(add_on["amount_cents"], currency) if add_on else "",
    )


def _read_add_on(visit: Visit) -> dict[str, Any]:
    form = visit.form
    currency = form.one("amount_currency") or visit.organization.entity.default_currency
    given = form.given("name", "code", "description", "invoice_display_name")
    return {**given, "amount_currency": currency, "amount_cents": read_cents(form.one("amount"), currency, field="amount_cents")}


@pages.post("/add-ons/new")
def create_add_on(visit: Visit) -> Response:
    """Make an add-on."""
    if visit.attempt(lambda: visit.send("POST", "/add_ons", body={"add_on": _read_add_on(visit)})) is None:
        return _add_on_form(visit, {}, status=422)
    return redirect("/add-ons", {"done": "created"})


@pages.post("/add-ons/{code}/edit")
def update_add_on(visit: Visit) -> Response:
    """Change an add-on."""
    add_on = visit.get("/add_ons/{}", visit.path["code"])["add_on"]
    if visit.attempt(lambda: visit.send("PUT", "/add_ons/{}", add_on["code"], body={"add_on": _read_add_on(visit)})) is None:
        return _add_on_form(visit, add_on, status=422)
    return redirect("/add-ons", {"done": "saved"})


@pages.get("/taxes/new")
def new_tax(visit: Visit) -> Response:
    """Ask for a new tax."""
    return _tax_form(visit, {}, status=200)


@pages.get("/taxes/{code}/edit")
def edit_tax(visit: Visit) -> Response:
    """Show a tax to be changed."""
    return _tax_form(visit, visit.get("/taxes/{}", visit.path["code"])["tax"], status=200)


def _tax_form(visit: Visit, tax: Mapping[str, Any], *, status: int) -> Response:
    title = f"Edit {tax['name']}" if tax else "New tax"
    return visit.render("tax_form.html", status=status, title=title, nav="taxes", tax=tax)


def _read_tax(visit: Visit) -> dict[str, Any]:
    given = visit.form.given("name", "code", "rate", "description")
    return {**given, "applied_to_organization": visit.form.has("applied_to_organization")}


@pages.post("/taxes/new")
def create_tax(visit: Visit) -> Response:
    """Make a tax."""
    if visit.attempt(lambda: visit.send("POST", "/taxes", body={"tax": _read_tax(visit)})) is None:
        return _tax_form(visit, {}, status=422)
    return redirect("/taxes", {"done": "created"})


@pages.post("/taxes/{code}/edit")
def update_tax(visit: Visit) -> Response:
    """Change a tax."""
    tax = visit.get("/taxes/{}", visit.path["code"])["tax"]
    if visit.attempt(lambda: visit.send("PUT", "/taxes/{}", tax["code"], body={"tax": _read_tax(visit)})) is None:
        return _tax_form(visit, tax, status=422)
    return redirect("/taxes", {"done": "saved"})
