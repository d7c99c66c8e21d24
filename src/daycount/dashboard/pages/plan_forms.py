"""The plan editor: base fee and charges, with what sample usage would cost before anything is saved."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from daycount import errors
from daycount.dashboard import charge_input, formats, plan_terms
from daycount.dashboard.http import Response, path_to, redirect
from daycount.dashboard.money_input import read_cents, write_cents
from daycount.dashboard.rate_card import curve_of, price_units
from daycount.dashboard.routing import Pages
from daycount.dashboard.visit import Visit
from daycount.money import CURRENCIES, to_cents

pages = Pages()
INTERVALS: Final = tuple((item, formats.sentence(item)) for item in ("weekly", "monthly", "quarterly", "semiannual", "yearly"))
_MOST_CHARGES: Final = 40


@pages.get("/plans/new")
def new_plan(visit: Visit) -> Response:
    """Ask for a new plan."""
    return _form(visit, None, title="New plan", here="/plans")


@pages.post("/plans/new")
def create_plan(visit: Visit) -> Response:
    """Add a charge to the form, show what sample usage costs, or make the plan."""
    if visit.form.one("act") in ("preview", "add"):
        return _form(visit, None, title="New plan", here="/plans")
    made = visit.attempt(lambda: visit.send("POST", "/plans", body={"plan": _read(visit, None)}))
    if made is None:
        return _form(visit, None, title="New plan", here="/plans", status=422)
    return redirect(path_to("/plans/{}", made["plan"]["code"]), {"done": "plan_created"})


@pages.get("/plans/{code}/edit")
def edit_plan(visit: Visit) -> Response:
    """Show a plan to be changed."""
    plan = visit.get("/plans/{}", visit.path["code"])["plan"]
    return _form(visit, plan, title=f"Edit {plan['name']}", here=path_to("/plans/{}", plan["code"]))


@pages.post("/plans/{code}/edit")
def update_plan(visit: Visit) -> Response:
    """Add a charge to the form, show what sample usage costs, or change the plan."""
    plan = visit.get("/plans/{}", visit.path["code"])["plan"]
    title, here = f"Edit {plan['name']}", path_to("/plans/{}", plan["code"])
    if visit.form.one("act") in ("preview", "add"):
        return _form(visit, plan, title=title, here=here)
    made = visit.attempt(lambda: visit.send("PUT", "/plans/{}", plan["code"], body={"plan": _read(visit, plan)}))
    if made is None:
        return _form(visit, plan, title=title, here=here, status=422)
    return redirect(path_to("/plans/{}", made["plan"]["code"]), {"done": "saved"})


@pages.post("/plans/{code}/delete")
def delete_plan(visit: Visit) -> Response:
    """Delete a plan; what is subscribed to it ends."""
    visit.send("DELETE", "/plans/{}", visit.path["code"])
    return redirect("/plans", {"done": "deleted"})


def _read(visit: Visit, plan: Mapping[str, Any] | None) -> dict[str, Any]:
    """Read the form. Raises Invalid for amounts that are none."""
    form = visit.form
    currency = form.one("amount_currency") or visit.organization.entity.default_currency
    known = {charge["lago_id"]: charge for charge in (plan or {}).get("charges", [])}
    read: dict[str, Any] = form.given("name", "code", "description", "interval", "amount_currency", "trial_period")
    read["amount_cents"] = read_cents(form.one("amount") or "0", currency, field="amount_cents")
    read["pay_in_advance"] = form.has("pay_in_advance")
    if read.get("trial_period") is None:
        read["trial_period"] = 0
    rows = [row for row in form.groups("charge") if charge_input.has_content(row)]
    charges = [charge_input.to_input(row, known.get(row.get("id", "")), currency=currency) for row in rows]
    read |= plan_terms.to_input(form, plan, currency=currency)
    read["charges"] = charges + [_as_it_is(charge) for charge in known.values() if not charge_input.is_editable(charge)]
    return read


def _as_it_is(charge: Mapping[str, Any]) -> dict[str, Any]:
    """Turn a charge that the form cannot show into an input that changes nothing of it."""
    names = ("code", "charge_model", "invoice_display_name", "invoiceable", "pay_in_advance", "prorated", "min_amount_cents", "properties")
    kept = {name: charge[name] for name in names}
    filters = [{name: item[name] for name in ("invoice_display_name", "properties", "values")} for item in charge["filters"]]
    taxes = [tax["code"] for tax in charge["taxes"]]
    return {
        "id": charge["lago_id"],
        "billable_metric_id": charge["lago_billable_metric_id"],
        **kept,
        "filters": filters,
        "tax_codes": taxes,
    }


def _form(visit: Visit, plan: Mapping[str, Any] | None, *, title: str, here: str, status: int = 200) -> Response:
    metrics = visit.get("/billable_metrics", per_page=200)["billable_metrics"]
    currency = visit.form.one("amount_currency") or (plan or {}).get("amount_currency") or visit.organization.entity.default_currency
    if currency not in CURRENCIES:
        currency = visit.organization.entity.default_currency
    rows = _rows(visit, plan, currency)
    names = {metric["lago_id"]: metric["name"] for metric in metrics}
    subscribed = 0 if plan is None else visit.get("/subscriptions", plan_code=plan["code"], per_page=1)["meta"]["total_count"]
    return visit.render(
        "plan_form.html",
        status=status,
        title=title,
        nav="plans",
        plan=plan or {},
        amount=visit.form.one("amount") if visit.form.has("amount") else write_cents((plan or {}).get("amount_cents", 0), currency),
        currency=currency,
        currencies=[(code, code) for code in sorted(CURRENCIES)],
        intervals=INTERVALS,
        models=charge_input.MODELS,
        tiers=range(1, charge_input.TIERS + 1),
        metrics=[("", "Choose a metric"), *((metric["lago_id"], metric["name"]) for metric in metrics)],
        rows=rows,
        curves=[_curve(row) for row in rows],
        terms=plan_terms.to_fields(visit.form, plan, currency=currency),
        sample=_sample(visit, plan, rows, names, currency),
        kept=[charge for charge in (plan or {}).get("charges", []) if not charge_input.is_editable(charge)],
        subscribed=subscribed,
        here=here,
    )


def _rows(visit: Visit, plan: Mapping[str, Any] | None, currency: str) -> Sequence[Mapping[str, str]]:
    if visit.request.method == "POST":
        rows = [row for row in visit.form.groups("charge") if "remove" not in row]
        wants_more = visit.form.one("act") == "add" or not rows
        return [*rows, {}][:_MOST_CHARGES] if wants_more else rows
    charges = [charge for charge in (plan or {}).get("charges", []) if charge_input.is_editable(charge)]
    return [charge_input.to_row(charge, currency=currency) for charge in charges] or [{}]


def _curve(row: Mapping[str, str]) -> Any:
    if not charge_input.has_content(row):
        return None
    return curve_of({"properties": charge_input.properties_of(row)}, row.get("model") or "standard")


def _sample(
    visit: Visit, plan: Mapping[str, Any] | None, rows: Sequence[Mapping[str, str]], names: Mapping[str, str], currency: str
) -> Mapping[str, Any]:
    """Work out, by the engine's own pricing, what a whole period with sample usage costs, without taxes."""
    lines: list[tuple[str, Decimal | None, int | None]] = []
    try:
        base = read_cents(visit.form.one("amount") or "0", currency, field="amount_cents")
    except errors.Invalid:
        base = 0
    if not visit.form.has("amount") and plan is not None:
        base = int(plan["amount_cents"])
    lines.append(("Base fee", None, base))
    for row in rows:
        if charge_input.has_content(row):
            units = charge_input.sample_units(row)
            try:
                amount = price_units(row.get("model") or "standard", charge_input.properties_of(row), units)
            except (errors.DaycountError, ArithmeticError, KeyError, TypeError, ValueError):
                amount = None
            cents = None if amount is None else to_cents(Fraction(amount), currency=CURRENCIES[currency])
            lines.append((row.get("display_name") or names.get(row["metric"], "Charge"), units, cents))
    return {"lines": lines, "total_cents": sum(cents or 0 for _, _, cents in lines)}
