"""Invoice custom sections on the wire, and what things chose of them."""

from collections.abc import Sequence
from uuid import UUID, uuid5

from msgspec import Struct

from daycount.api.paging import Page, page_of, read_page
from daycount.api.routing import Call, Routes
from daycount.api.wire import Stamp, stamp
from daycount.infra.work import Work
from daycount.invoicing import section_store
from daycount.organizations.sections import operations, store
from daycount.organizations.sections.records import Choice, Section, SectionInput

routes = Routes("invoice_custom_sections")


class SectionObject(Struct, frozen=True, kw_only=True):
    """A text that invoices can carry."""

    lago_id: str
    code: str
    name: str
    description: str | None
    details: str | None
    display_name: str | None
    applied_to_organization: bool
    organization_id: str
    created_at: Stamp


class ChosenSectionObject(Struct, frozen=True, kw_only=True):
    """A section that a subscription or a wallet chose."""

    lago_id: str
    invoice_custom_section_id: str
    created_at: Stamp
    invoice_custom_section: SectionObject


class AppliedSectionObject(Struct, frozen=True, kw_only=True):
    """A section as an invoice carries it."""

    lago_id: str
    lago_invoice_id: str
    code: str
    details: str
    display_name: str
    created_at: Stamp


def to_wire(section: Section) -> SectionObject:
    """Write a section."""
    return SectionObject(
        lago_id=str(section.id),
        code=section.code,
        name=section.name,
        description=section.description,
        details=section.details,
        display_name=section.display_name,
        applied_to_organization=False,
        organization_id=str(section.organization_id),
        created_at=stamp(section.created_at),
    )


def list_to_wire(found: Sequence[Section]) -> list[SectionObject]:
    """Write sections."""
    return [to_wire(section) for section in found]


def choice_to_wire(choice: Choice | None) -> list[ChosenSectionObject]:
    """Write what a subscription, a wallet or a transaction chose."""
    if choice is None or choice.is_skipped:
        return []
    return [
        ChosenSectionObject(
            lago_id=str(uuid5(choice.target_id, section.id.hex)),
            invoice_custom_section_id=str(section.id),
            created_at=stamp(choice.created_at),
            invoice_custom_section=to_wire(section),
        )
        for section in choice.sections
    ]


def of_invoice(work: Work, invoice_id: UUID) -> list[AppliedSectionObject]:
    """Write the sections that an invoice carries. One query."""
    found = section_store.list_sections(work.tx, organization_id=work.organization_id, invoice_ids=[invoice_id])
    return [
        AppliedSectionObject(
            lago_id=str(row.id),
            lago_invoice_id=str(row.invoice_id),
            code=row.code,
            details=row.details,
            display_name=row.display_name,
            created_at=stamp(row.created_at),
        )
        for row in found
    ]


_ONE = {"returns": SectionObject, "root_out": "invoice_custom_section"}


@routes.post("/invoice_custom_sections", accepts=SectionInput, root_in="invoice_custom_section", is_extension=True, **_ONE)
def create_invoice_custom_section(work: Work, call: Call) -> SectionObject:
    """Create a text that invoices can carry."""
    return to_wire(operations.create_section(work, call.body))


@routes.get("/invoice_custom_sections", returns=SectionObject, root_out="invoice_custom_sections", is_list=True, is_extension=True)
def find_all_invoice_custom_sections(work: Work, call: Call) -> Page:
    """List the texts that invoices can carry, by name."""
    asked = read_page(call.query)
    found = store.list_sections(work.tx, organization_id=work.organization_id, limit=asked.per_page, offset=asked.offset)
    return page_of(list_to_wire(found), asked=asked, total=store.count_sections(work.tx, organization_id=work.organization_id))


@routes.get("/invoice_custom_sections/{code}", is_extension=True, **_ONE)
def find_invoice_custom_section(work: Work, call: Call) -> SectionObject:
    """Find a text for invoices by its code."""
    return to_wire(operations.get_section(work, call.path["code"]))


@routes.put("/invoice_custom_sections/{code}", accepts=SectionInput, root_in="invoice_custom_section", is_extension=True, **_ONE)
def update_invoice_custom_section(work: Work, call: Call) -> SectionObject:
    """Change a text for invoices; those that carry it keep it as it was."""
    return to_wire(operations.update_section(work, call.path["code"], call.body))


@routes.delete("/invoice_custom_sections/{code}", is_extension=True, **_ONE)
def destroy_invoice_custom_section(work: Work, call: Call) -> SectionObject:
    """Delete a text for invoices; those that carry it keep it."""
    return to_wire(operations.delete_section(work, call.path["code"]))
