"""The parts of a plan that have a page of their own: filters of a charge with their prices, and fixed charges."""

from collections.abc import Mapping
from typing import Any, Final

from daycount.dashboard import charge_input
from daycount.dashboard.http import Response, path_to, redirect
from daycount.dashboard.rate_card import rates_of
from daycount.dashboard.routing import Pages
from daycount.dashboard.visit import Visit
from daycount.engine.filters import ALL_VALUES

pages = Pages()
FIXED_MODELS: Final = tuple(pair for pair in charge_input.MODELS if pair[0] in ("standard", "graduated", "volume"))
_FILTERS: Final = "/plans/{}/charges/{}/filters"
Thing = Mapping[str, Any]


class _Charge:
    """A charge of the address, its plan, and the metric whose values its filters choose from. Two calls."""

    def __init__(self, visit: Visit) -> None:
        self.plan: Thing = visit.get("/plans/{}", visit.path["code"])["plan"]
        self.charge: Thing = visit.get("/plans/{}/charges/{}", self.plan["code"], visit.path["charge_code"])["charge"]
        self.name = self.charge["invoice_display_name"] or self.charge["billable_metric_code"]
        self.at = path_to("/plans/{}/charges/{}/filters", self.plan["code"], self.charge["code"])

    @property
    def address(self) -> tuple[str, str]:
        """Return what names it in the API."""
        return self.plan["code"], self.charge["code"]


@pages.get("/plans/{code}/charges/{charge_code}/filters")
def list_filters(visit: Visit) -> Response:
    """Show the filters of a charge with their prices."""
    of = _Charge(visit)
    model, currency = of.charge["charge_model"], of.plan["amount_currency"]
    return visit.render(
        "charge_filters.html",
        title=f"Filters of {of.name}",
        nav="plans",
        of=of,
        here=path_to("/plans/{}", of.plan["code"]),
        filters=[(item, rates_of(item, currency, model)) for item in of.charge["filters"]],
    )


@pages.get("/plans/{code}/charges/{charge_code}/filters/new")
def new_filter(visit: Visit) -> Response:
    """Ask for a new filter."""
    return _filter_form(visit, _Charge(visit), None)


@pages.post("/plans/{code}/charges/{charge_code}/filters/new")
def create_filter(visit: Visit) -> Response:
    """Add a filter to a charge."""
    of = _Charge(visit)
    made = visit.attempt(lambda: visit.send("POST", _FILTERS, *of.address, body={"filter": _read_filter(visit, of)}))
    return _filter_form(visit, of, None, status=422) if made is None else redirect(of.at, {"done": "created"})


@pages.get("/plans/{code}/charges/{charge_code}/filters/{filter_id}/edit")
def edit_filter(visit: Visit) -> Response:
    """Show a filter to be changed."""
    of = _Charge(visit)
    return _filter_form(visit, of, _find_filter(visit, of))


@pages.post("/plans/{code}/charges/{charge_code}/filters/{filter_id}/edit")
def update_filter(visit: Visit) -> Response:
    """Change a filter."""
    of = _Charge(visit)
    known = _find_filter(visit, of)

    def save() -> Any:
        return visit.send("PUT", _FILTERS + "/{}", *of.address, known["lago_id"], body={"filter": _read_filter(visit, of, known)})

    return _filter_form(visit, of, known, status=422) if visit.attempt(save) is None else redirect(of.at, {"done": "saved"})


@pages.post("/plans/{code}/charges/{charge_code}/filters/{filter_id}/delete")
def delete_filter(visit: Visit) -> Response:
    """Take a filter off a charge."""
    code, charge_code = visit.path["code"], visit.path["charge_code"]
    visit.send("DELETE", _FILTERS + "/{}", code, charge_code, visit.path["filter_id"])
    return redirect(path_to(_FILTERS, code, charge_code), {"done": "deleted"})


def _find_filter(visit: Visit, of: _Charge) -> Thing:
    found: Thing = visit.get(_FILTERS + "/{}", *of.address, visit.path["filter_id"])["filter"]
    return found


def _read_filter(visit: Visit, of: _Charge, known: Thing | None = None) -> dict[str, Any]:
    """Read values and prices; group keys that the form does not show stay. Raises Invalid (properties)."""
    values = {row["key"]: visit.form.many(f"value.{row['key']}") for row in visit.form.groups("key") if row.get("key")}
    properties = charge_input.properties_of({"model": of.charge["charge_model"], **_prices(visit)})
    for name in ("pricing_group_keys", "presentation_group_keys"):
        if known is not None and name in known["properties"]:
            properties.setdefault(name, known["properties"][name])
    return {
        "invoice_display_name": visit.form.one("invoice_display_name") or None,
        "values": {key: chosen for key, chosen in values.items() if chosen},
        "properties": properties,
    }


def _prices(visit: Visit) -> dict[str, str]:
    return {name.removeprefix("price-"): value.strip() for name, value in visit.form.pairs if name.startswith("price-")}


def _filter_form(visit: Visit, of: _Charge, known: Thing | None, *, status: int = 200) -> Response:
    metric = visit.get("/billable_metrics/{}", of.charge["billable_metric_code"])["billable_metric"]
    model = of.charge["charge_model"]
    is_sent = visit.request.method == "POST"
    kept = {} if known is None else known["values"]
    keys = [
        (item["key"], item["values"], visit.form.many(f"value.{item['key']}") if is_sent else kept.get(item["key"], []))
        for item in metric["filters"]
    ]
    stored = of.charge["properties"] if known is None else known["properties"]
    return visit.render(
        "charge_filter_form.html",
        status=status,
        title="Edit the filter" if known else "New filter",
        nav="plans",
        of=of,
        known=known,
        keys=keys,
        every=ALL_VALUES,
        model=model if charge_input.has_fields(model, stored) else "json",
        row=_prices(visit) if is_sent else _fields_of(model, stored),
        tiers=range(1, charge_input.TIERS + 1),
    )


def _fields_of(model: str, properties: Thing) -> dict[str, str]:
    return charge_input.to_price_fields(model if charge_input.has_fields(model, properties) else "json", properties)


@pages.get("/plans/{code}/fixed-charges/new")
def new_fixed_charge(visit: Visit) -> Response:
    """Ask for a new fixed charge."""
    return _fixed_form(visit, None)


@pages.post("/plans/{code}/fixed-charges/new")
def create_fixed_charge(visit: Visit) -> Response:
    """Add a fixed charge to a plan."""
    code = visit.path["code"]

    def make() -> Any:
        model = visit.form.one("charge_model") or "standard"
        given = visit.form.given("add_on_code", "code")
        body = {**{name: value for name, value in given.items() if value}, "charge_model": model, **_read_fixed(visit, model)}
        body |= {"pay_in_advance": visit.form.has("pay_in_advance"), "prorated": visit.form.has("prorated")}
        return visit.send("POST", "/plans/{}/fixed_charges", code, body={"fixed_charge": body})

    return (
        _fixed_form(visit, None, status=422) if visit.attempt(make) is None else redirect(path_to("/plans/{}", code), {"done": "created"})
    )


@pages.get("/plans/{code}/fixed-charges/{fixed_charge_code}/edit")
def edit_fixed_charge(visit: Visit) -> Response:
    """Show a fixed charge to be changed."""
    return _fixed_form(visit, _find_fixed(visit))


@pages.post("/plans/{code}/fixed-charges/{fixed_charge_code}/edit")
def update_fixed_charge(visit: Visit) -> Response:
    """Change prices, units and name of a fixed charge."""
    known, code = _find_fixed(visit), visit.path["code"]

    def save() -> Any:
        body = _read_fixed(visit, known["charge_model"])
        return visit.send("PUT", "/plans/{}/fixed_charges/{}", code, known["code"], body={"fixed_charge": body})

    return _fixed_form(visit, known, status=422) if visit.attempt(save) is None else redirect(path_to("/plans/{}", code), {"done": "saved"})


@pages.post("/plans/{code}/fixed-charges/{fixed_charge_code}/delete")
def delete_fixed_charge(visit: Visit) -> Response:
    """Take a fixed charge off a plan."""
    visit.send("DELETE", "/plans/{}/fixed_charges/{}", visit.path["code"], visit.path["fixed_charge_code"])
    return redirect(path_to("/plans/{}", visit.path["code"]), {"done": "deleted"})


def _find_fixed(visit: Visit) -> Thing:
    found: Thing = visit.get("/plans/{}/fixed_charges/{}", visit.path["code"], visit.path["fixed_charge_code"])["fixed_charge"]
    return found


def _read_fixed(visit: Visit, model: str) -> dict[str, Any]:
    return {
        "invoice_display_name": visit.form.one("invoice_display_name") or None,
        "units": visit.form.one("units") or "0",
        "apply_units_immediately": visit.form.has("apply_units_immediately"),
        "properties": charge_input.properties_of({"model": model, **_prices(visit)}),
    }


def _fixed_form(visit: Visit, known: Thing | None, *, status: int = 200) -> Response:
    plan = visit.get("/plans/{}", visit.path["code"])["plan"]
    add_ons = [] if known else visit.get("/add_ons", per_page=200)["add_ons"]
    is_sent = visit.request.method == "POST"
    stored = known["properties"] if known else {}
    return visit.render(
        "fixed_charge_form.html",
        status=status,
        title=f"Edit {known['invoice_display_name']}" if known else "New fixed charge",
        nav="plans",
        plan=plan,
        known=known or {},
        add_ons=[(item["code"], item["name"]) for item in add_ons],
        models=FIXED_MODELS,
        shown_models=[known["charge_model"]] if known else [name for name, _ in FIXED_MODELS],
        row=_prices(visit) if is_sent else _fields_of(known["charge_model"], stored) if known else {},
        tiers=range(1, charge_input.TIERS + 1),
        here=path_to("/plans/{}", plan["code"]),
    )
