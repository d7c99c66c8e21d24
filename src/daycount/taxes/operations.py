"""Use cases that write taxes and what they are applied to."""

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from msgspec import structs

from daycount import errors
from daycount.given import given, is_given
from daycount.infra.work import Work
from daycount.money import round_half_away
from daycount.organizations import store as organizations
from daycount.taxes import store
from daycount.taxes.messages import TaxesChanged
from daycount.taxes.records import Tax, TaxAssignment, TaxInput, TaxTarget

_MAX_CODE = 255
_RATE_PLACES = 10
_MAX_RATE = 1_000_000
"""Percent; keeps every tax of an amount within 64 bits."""


def create_tax(work: Work, tax_input: TaxInput) -> Tax:
    """Add a tax. Raises Invalid (name, code, rate). Source: Lago API, taxes."""
    found = errors.FieldErrors()
    tax = Tax(
        id=work.new_id(),
        organization_id=work.organization_id,
        code=_text(given(tax_input.code, None), "code", found),
        name=_text(given(tax_input.name, None), "name", found),
        rate=_rate(given(tax_input.rate, None), found),
        description=given(tax_input.description, None),
        is_on_default_entity=False,
        entity_codes=(),
        created_at=work.now,
        updated_at=work.now,
    )
    found.raise_if_any()
    store.insert_tax(work.tx, tax)
    _apply_to_default_entity(work, tax, is_wanted=given(tax_input.applied_to_organization, None))
    return get_tax(work, tax.code)


def update_tax(work: Work, code: str, changes: TaxInput) -> Tax:
    """
    Change a tax; invoices that are made keep the tax they were made with.

    Announces TaxesChanged. Raises NotFound, Invalid (name, code, rate).
    """
    tax = get_tax(work, code)
    found = errors.FieldErrors()
    changed = structs.replace(
        tax,
        code=_text(given(changes.code, tax.code), "code", found),
        name=_text(given(changes.name, tax.name), "name", found),
        rate=_rate(given(changes.rate, tax.rate), found),
        description=given(changes.description, tax.description),
        updated_at=work.now,
    )
    found.raise_if_any()
    store.update_tax(work.tx, changed)
    _apply_to_default_entity(work, changed, is_wanted=given(changes.applied_to_organization, None))
    work.announce(TaxesChanged(store.list_targets(work.tx, tax_id=tax.id)))
    return get_tax(work, changed.code)


def delete_tax(work: Work, code: str) -> Tax:
    """
    Delete a tax softly and take it off everything; invoices that are made keep it.

    Announces TaxesChanged. Raises NotFound.
    """
    tax = get_tax(work, code)
    targets = store.list_targets(work.tx, tax_id=tax.id)
    store.mark_tax_deleted(work.tx, tax_id=tax.id, at=work.now)
    work.announce(TaxesChanged(targets))
    return tax


def get_tax(work: Work, code: str) -> Tax:
    """Return the live tax of that code. Raises NotFound."""
    tax = store.find_taxes(work.tx, organization_id=work.organization_id, codes=[code]).get(code)
    if tax is None:
        raise errors.NotFound("tax")
    return tax


def replace_taxes(work: Work, assignments: Sequence[TaxAssignment]) -> None:
    """
    Make the named taxes the only ones of each thing: plans, charges, customers, add-ons, commitments, billing entities.

    Every package that takes `tax_codes` calls this, for all its things at once; a thing whose caller left the key out is
    not among them. Announces TaxesChanged. Raises NotFound (tax) when any code is unknown. Three statements.
    """
    if not assignments:
        return
    wanted = {code for assignment in assignments for code in assignment.codes}
    known = store.find_taxes(work.tx, organization_id=work.organization_id, codes=wanted, lock=True)
    if wanted - known.keys():
        raise errors.NotFound("tax")
    links = [(item.target, item.target_id, [known[code].id for code in dict.fromkeys(item.codes)]) for item in assignments]
    store.replace_applied(work.tx, organization_id=work.organization_id, links=links)
    work.announce(TaxesChanged([item.target_id for item in assignments]))


def copy_taxes(work: Work, pairs: Sequence[tuple[TaxTarget, UUID, UUID]]) -> None:
    """Give things the taxes of others, as (kind, from, to): a plan that is overridden, with its charges. Four statements."""
    if not pairs:
        return
    found = store.find_applied(work.tx, organization_id=work.organization_id, target_ids=[source for _, source, _ in pairs])
    replace_taxes(work, [TaxAssignment(kind, target, [tax.code for tax in found[source]]) for kind, source, target in pairs])


def _apply_to_default_entity(work: Work, tax: Tax, *, is_wanted: bool | None) -> None:
    """Apply a tax to the default billing entity, or take it off; None leaves it as it is."""
    if is_wanted is None or is_wanted == tax.is_on_default_entity:
        return
    organization = organizations.find_organization(work.tx, work.organization_id)
    assert organization is not None
    entity_id = organization.entity.id
    if is_wanted:
        store.add_link(work.tx, organization_id=work.organization_id, kind=TaxTarget.BILLING_ENTITY, target_id=entity_id, tax_id=tax.id)
    else:
        store.remove_link(work.tx, target_id=entity_id, tax_id=tax.id)
    work.announce(TaxesChanged([entity_id]))


def _text(value: str | None, field: str, found: errors.FieldErrors) -> str:
    if value is None or not value.strip():
        found.add(field, "value_is_mandatory")
        return ""
    if len(value) > _MAX_CODE:
        found.add(field, "value_is_too_long")
    return value


def _rate(value: Decimal | None, found: errors.FieldErrors) -> Decimal:
    if value is None:
        found.add("rate", "value_is_mandatory")
        return Decimal(0)
    if not 0 <= value <= _MAX_RATE:
        found.add("rate", "value_is_out_of_range")
        return Decimal(0)
    return round_half_away(value, places=_RATE_PLACES)


def spelled_as_stored(work: Work, codes: Sequence[str]) -> list[str]:
    """Return codes in the spelling of the taxes that they name whatever the case; those of no tax as they are. One query."""
    known = store.find_spellings(work.tx, organization_id=work.organization_id, codes=codes)
    return [known.get(code.lower(), code) for code in codes]


def given_codes(target: TaxTarget, target_id: UUID, codes: object) -> list[TaxAssignment]:
    """Return the assignment of a thing whose caller may have left `tax_codes` out: then there is none."""
    return [TaxAssignment(target, target_id, codes)] if is_given(codes) and isinstance(codes, list) else []
