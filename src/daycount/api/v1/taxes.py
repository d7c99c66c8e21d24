"""Taxes on the wire."""

from collections.abc import Sequence
from typing import Annotated, Any

from msgspec import Meta, Struct

from daycount.api.paging import Page, page_of, read_page
from daycount.api.routing import Call, Routes
from daycount.api.wire import Stamp, stamp
from daycount.infra.work import Work
from daycount.taxes import operations, store
from daycount.taxes.records import Tax, TaxInput

routes = Routes("taxes")

Rate = Annotated[Any, Meta(extra_json_schema={"type": "number"})]
"""A rate in percent, written as a JSON number with a decimal."""


class TaxObject(Struct, frozen=True, kw_only=True):
    """A tax; the counts are kept for compatibility and always 0."""

    lago_id: str
    name: str
    code: str
    rate: Rate
    description: str | None
    applied_to_organization: bool
    applied_to_billing_entities_codes: Sequence[str]
    add_ons_count: int
    customers_count: int
    plans_count: int
    charges_count: int
    commitments_count: int
    created_at: Stamp


def to_wire(tax: Tax) -> TaxObject:
    """Write a tax."""
    return TaxObject(
        lago_id=str(tax.id),
        name=tax.name,
        code=tax.code,
        rate=float(tax.rate),  # the contract writes rates as JSON floats; nothing is computed with it
        description=tax.description,
        applied_to_organization=tax.is_on_default_entity,
        applied_to_billing_entities_codes=tax.entity_codes,
        add_ons_count=0,
        customers_count=0,
        plans_count=0,
        charges_count=0,
        commitments_count=0,
        created_at=stamp(tax.created_at),
    )


def list_to_wire(taxes: Sequence[Tax]) -> list[TaxObject]:
    """Write the taxes of a thing."""
    return [to_wire(tax) for tax in taxes]


@routes.post("/taxes", accepts=TaxInput, root_in="tax", returns=TaxObject, root_out="tax")
def create_tax(work: Work, call: Call) -> TaxObject:
    """Create a tax."""
    return to_wire(operations.create_tax(work, call.body))


@routes.get("/taxes", returns=TaxObject, root_out="taxes", is_list=True)
def find_all_taxes(work: Work, call: Call) -> Page:
    """List taxes by name."""
    asked = read_page(call.query)
    taxes = store.list_taxes(work.tx, organization_id=work.organization_id, limit=asked.per_page, offset=asked.offset)
    return page_of(list_to_wire(taxes), asked=asked, total=store.count_taxes(work.tx, organization_id=work.organization_id))


@routes.get("/taxes/{code}", returns=TaxObject, root_out="tax")
def find_tax(work: Work, call: Call) -> TaxObject:
    """Find a tax by its code."""
    return to_wire(operations.get_tax(work, call.path["code"]))


@routes.put("/taxes/{code}", accepts=TaxInput, root_in="tax", returns=TaxObject, root_out="tax")
def update_tax(work: Work, call: Call) -> TaxObject:
    """Change a tax; invoices that are made keep what they were made with."""
    return to_wire(operations.update_tax(work, call.path["code"], call.body))


@routes.delete("/taxes/{code}", returns=TaxObject, root_out="tax")
def destroy_tax(work: Work, call: Call) -> TaxObject:
    """Delete a tax and take it off everything; invoices that are made keep it."""
    return to_wire(operations.delete_tax(work, call.path["code"]))
