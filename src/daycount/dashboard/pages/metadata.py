"""Metadata of customers, invoices, credit notes and wallets: pairs of a key and a value that are yours alone."""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from daycount.dashboard.http import Response, path_to, redirect
from daycount.dashboard.plan_terms import read_pairs, to_pairs
from daycount.dashboard.routing import Pages
from daycount.dashboard.visit import Visit

pages = Pages()
_MOST_ROWS: Final = 60


class _Kind(NamedTuple):
    """A kind of thing with metadata: how it is found and changed by the API, where its page is, and what it is called."""

    name: str
    nav: str
    parameter: str
    find: str
    save: Callable[[Visit, Mapping[str, Any], Any], Any]
    title: Callable[[Mapping[str, Any]], str]
    has_lists: bool
    """Its metadata is a list of objects with ids, not a map."""


def _save_customer(visit: Visit, thing: Mapping[str, Any], pairs: Any) -> Any:
    body = {"customer": {"external_id": thing["external_id"], "metadata": pairs}}
    return visit.send("POST", "/customers", body=body)


def _save_invoice(visit: Visit, thing: Mapping[str, Any], pairs: Any) -> Any:
    return visit.send("PUT", "/invoices/{}", thing["lago_id"], body={"invoice": {"metadata": pairs}})


def _save_wallet(visit: Visit, thing: Mapping[str, Any], pairs: Any) -> Any:
    return visit.send("POST", "/wallets/{}/metadata", thing["lago_id"], body={"metadata": pairs})


def _save_credit_note(visit: Visit, thing: Mapping[str, Any], pairs: Any) -> Any:
    return visit.send("POST", "/credit_notes/{}/metadata", thing["lago_id"], body={"metadata": pairs})


def _read(visit: Visit, kind: _Kind) -> Any:
    if not kind.has_lists:
        return read_pairs(visit.form)
    pairs = []
    for row in visit.form.groups("pair"):
        if row.get("key"):
            pair: dict[str, Any] = {"key": row["key"], "value": row.get("value", "")}
            if row.get("id"):
                pair["id"] = row["id"]
            if kind.name == "customer":
                pair["display_in_invoice"] = "shown" in row
            pairs.append(pair)
    return pairs


def _rows(kind: _Kind, thing: Mapping[str, Any]) -> list[dict[str, str]]:
    metadata = thing.get("metadata")
    if not kind.has_lists:
        return to_pairs(metadata)
    return [
        {"id": item["lago_id"], "key": item["key"], "value": item["value"] or ""}
        | ({"shown": "1"} if item.get("display_in_invoice") else {})
        for item in metadata or []
    ]


def _form(visit: Visit, kind: _Kind, thing: Mapping[str, Any], *, status: int = 200) -> Response:
    rows = visit.form.groups("pair") if visit.request.method == "POST" else _rows(kind, thing)
    return visit.render(
        "metadata.html",
        status=status,
        title="Metadata",
        nav=kind.nav,
        above=kind.title(thing),
        here=path_to(f"/{kind.nav}/{{}}", visit.path[kind.parameter]),
        rows=[*rows, {}][:_MOST_ROWS],
        may=visit.may(kind.name),
        has_shown=kind.name == "customer",
    )


def _register(kind: _Kind) -> None:
    def find(visit: Visit) -> Mapping[str, Any]:
        found: Mapping[str, Any] = visit.get(kind.find, visit.path[kind.parameter])[kind.name]
        return found

    def edit(visit: Visit) -> Response:
        return _form(visit, kind, find(visit))

    def save(visit: Visit) -> Response:
        thing = find(visit)
        if visit.attempt(lambda: (kind.save(visit, thing, _read(visit, kind)), True)) is None:
            return _form(visit, kind, thing, status=422)
        return redirect(path_to(f"/{kind.nav}/{{}}", visit.path[kind.parameter]), {"done": "saved"})

    edit.__name__, save.__name__ = f"edit_{kind.name}_metadata", f"save_{kind.name}_metadata"
    pattern = f"/{kind.nav}/{{{kind.parameter}}}/metadata"
    pages.get(pattern)(edit)
    pages.post(pattern)(save)


_register(
    _Kind(
        "customer",
        "customers",
        "external_id",
        "/customers/{}",
        _save_customer,
        lambda thing: str(thing["name"] or thing["external_id"]),
        has_lists=True,
    )
)
_register(
    _Kind("invoice", "invoices", "lago_id", "/invoices/{}", _save_invoice, lambda thing: str(thing["number"] or "Draft"), has_lists=True)
)
_register(
    _Kind("wallet", "wallets", "lago_id", "/wallets/{}", _save_wallet, lambda thing: str(thing["name"] or thing["code"]), has_lists=False)
)
_register(
    _Kind(
        "credit_note",
        "credit-notes",
        "lago_id",
        "/credit_notes/{}",
        _save_credit_note,
        lambda thing: str(thing["number"]),
        has_lists=False,
    )
)
