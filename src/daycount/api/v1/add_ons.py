"""Add-ons on the wire."""

from collections.abc import Sequence

from msgspec import Struct

from daycount.api.paging import Page, page_of, read_page
from daycount.api.routing import Call, Routes
from daycount.api.v1 import taxes as taxes_wire
from daycount.api.v1.taxes import TaxObject
from daycount.api.wire import Stamp, stamp
from daycount.catalog.add_ons import operations, store
from daycount.catalog.add_ons.records import AddOn, AddOnInput
from daycount.infra.work import Work
from daycount.taxes import store as taxes_store

routes = Routes("add_ons")


class AddOnObject(Struct, frozen=True, kw_only=True):
    """Something sold by the piece."""

    lago_id: str
    name: str
    invoice_display_name: str | None
    code: str
    amount_cents: int
    amount_currency: str
    created_at: Stamp
    description: str | None
    taxes: list[TaxObject]


def list_to_wire(work: Work, found: Sequence[AddOn]) -> list[AddOnObject]:
    """Write add-ons with their taxes. One query."""
    taxes = taxes_store.find_applied(work.tx, organization_id=work.organization_id, target_ids=[add_on.id for add_on in found])
    return [_to_wire(add_on, taxes_wire.list_to_wire(taxes[add_on.id])) for add_on in found]


def _to_wire(add_on: AddOn, taxes: list[TaxObject]) -> AddOnObject:
    return AddOnObject(
        lago_id=str(add_on.id),
        name=add_on.name,
        invoice_display_name=add_on.invoice_display_name,
        code=add_on.code,
        amount_cents=add_on.amount_cents,
        amount_currency=add_on.amount_currency,
        created_at=stamp(add_on.created_at),
        description=add_on.description,
        taxes=taxes,
    )


@routes.post("/add_ons", accepts=AddOnInput, root_in="add_on", returns=AddOnObject, root_out="add_on")
def create_add_on(work: Work, call: Call) -> AddOnObject:
    """Create an add-on."""
    return list_to_wire(work, [operations.create_add_on(work, call.body)])[0]


@routes.get("/add_ons", returns=AddOnObject, root_out="add_ons", is_list=True)
def find_all_add_ons(work: Work, call: Call) -> Page:
    """List add-ons, newest first."""
    asked = read_page(call.query)
    found = store.list_add_ons(work.tx, organization_id=work.organization_id, limit=asked.per_page, offset=asked.offset)
    total = store.count_add_ons(work.tx, organization_id=work.organization_id)
    return page_of(list_to_wire(work, found), asked=asked, total=total)


@routes.get("/add_ons/{code}", returns=AddOnObject, root_out="add_on")
def find_add_on(work: Work, call: Call) -> AddOnObject:
    """Find an add-on by its code."""
    return list_to_wire(work, [operations.get_add_on(work, call.path["code"])])[0]


@routes.put("/add_ons/{code}", accepts=AddOnInput, root_in="add_on", returns=AddOnObject, root_out="add_on")
def update_add_on(work: Work, call: Call) -> AddOnObject:
    """Change an add-on."""
    return list_to_wire(work, [operations.update_add_on(work, call.path["code"], call.body)])[0]


@routes.delete("/add_ons/{code}", returns=AddOnObject, root_out="add_on")
def destroy_add_on(work: Work, call: Call) -> AddOnObject:
    """Delete an add-on."""
    return list_to_wire(work, [operations.delete_add_on(work, call.path["code"])])[0]
