"""Use cases that write invoice custom sections and choose them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from msgspec import structs

from daycount import errors
from daycount.given import given, is_given
from daycount.infra.work import Work
from daycount.organizations.sections import store
from daycount.organizations.sections.records import Choice, ChoiceInput, Chooser, Section, SectionInput

_MAX_TEXT, _MAX_DETAILS = 255, 10_000
_LIMITS = {"code": _MAX_TEXT, "name": _MAX_TEXT, "description": _MAX_DETAILS, "details": _MAX_DETAILS, "display_name": _MAX_TEXT}
_NEEDED = frozenset({"code", "name"})


def create_section(work: Work, wanted: SectionInput) -> Section:
    """Add a section. Raises Invalid."""
    section = Section(
        id=work.new_id(),
        organization_id=work.organization_id,
        **_read(wanted, dict.fromkeys(_LIMITS)),
        created_at=work.now,
        updated_at=work.now,
    )
    store.insert_section(work.tx, section)
    return section


def update_section(work: Work, code: str, changes: SectionInput) -> Section:
    """Change a section; invoices that carry it keep it as it was. Raises NotFound, Invalid."""
    section = get_section(work, code)
    before = {name: getattr(section, name) for name in _LIMITS}
    changed = structs.replace(section, **_read(changes, before), updated_at=work.now)
    store.update_section(work.tx, changed)
    return changed


def delete_section(work: Work, code: str) -> Section:
    """Delete a section softly; invoices that carry it keep it. Raises NotFound."""
    section = get_section(work, code)
    store.mark_section_deleted(work.tx, section_id=section.id, at=work.now)
    return section


def get_section(work: Work, code: str) -> Section:
    """Return the live section of that code. Raises NotFound."""
    section = store.find_sections(work.tx, organization_id=work.organization_id, codes=[code]).get(code)
    if section is None:
        raise errors.NotFound("invoice_custom_section")
    return section


def _read(wanted: SectionInput, before: dict[str, Any]) -> dict[str, Any]:
    found = errors.FieldErrors()
    fields = {name: (given(getattr(wanted, name), value) or "").strip() or None for name, value in before.items()}
    for name, value in fields.items():
        if value is None and name in _NEEDED:
            found.add(name, "value_is_mandatory")
        elif value is not None and len(value) > _LIMITS[name]:
            found.add(name, "value_is_too_long")
    found.raise_if_any()
    return fields


def check_choice(wanted: ChoiceInput | None) -> None:
    """Raise Invalid where a caller wants none and some at once."""
    if wanted is None:
        return
    if given(wanted.skip_invoice_custom_sections, None) and given(wanted.invoice_custom_section_codes, None):
        raise errors.Invalid({"invoice_custom_sections": ["skip_sections_and_selected_ids_sent_together"]})


def choose_sections(work: Work, kind: Chooser, target_id: UUID, wanted: ChoiceInput | None) -> None:
    """
    Write down what a thing wants on its invoices: none, or the sections of some codes; unknown codes are passed over.

    A caller who says nothing leaves what was chosen. Raises Invalid. Source: Lago API, invoice custom sections.
    """
    check_choice(wanted)
    if wanted is None or not (is_given(wanted.skip_invoice_custom_sections) or is_given(wanted.invoice_custom_section_codes)):
        return
    is_skipped = bool(given(wanted.skip_invoice_custom_sections, None))
    codes = list(dict.fromkeys(given(wanted.invoice_custom_section_codes, None) or ()))
    before = store.find_choices(work.tx, organization_id=work.organization_id, target_ids=[target_id]).get(target_id)
    known = store.find_sections(work.tx, organization_id=work.organization_id, codes=codes)
    chosen = [known[code].id for code in codes if code in known]
    if not is_skipped and not is_given(wanted.invoice_custom_section_codes) and before is not None:
        chosen = [section.id for section in before.sections]
    _save(work, kind, target_id, is_skipped=is_skipped, section_ids=chosen)


def copy_choice(work: Work, kind: Chooser, target_id: UUID, source_ids: Sequence[UUID]) -> None:
    """Give a thing the choice of the first of others that made one."""
    found = store.find_choices(work.tx, organization_id=work.organization_id, target_ids=source_ids)
    made = next((found[source_id] for source_id in source_ids if source_id in found and found[source_id].is_made), None)
    if made is not None:
        _save(work, kind, target_id, is_skipped=made.is_skipped, section_ids=[section.id for section in made.sections])


def _save(work: Work, kind: Chooser, target_id: UUID, *, is_skipped: bool, section_ids: Sequence[UUID]) -> None:
    store.save_choice(
        work.tx,
        organization_id=work.organization_id,
        kind=kind,
        target_id=target_id,
        is_skipped=is_skipped,
        section_ids=section_ids,
        at=work.now,
    )


def find_choice(work: Work, target_id: UUID) -> Choice | None:
    """Return what a thing chose, None where it never did."""
    return store.find_choices(work.tx, organization_id=work.organization_id, target_ids=[target_id]).get(target_id)
