"""Use cases that write add-ons."""

from typing import Any

from msgspec import structs

from daycount import errors
from daycount.catalog.add_ons import store
from daycount.catalog.add_ons.records import AddOn, AddOnInput
from daycount.catalog.fields import read_amount_cents, read_code, read_currency, read_text
from daycount.catalog.fixed_charges import store as fixed_charges
from daycount.given import given, is_given
from daycount.infra.work import Work
from daycount.taxes.operations import given_codes, replace_taxes
from daycount.taxes.records import TaxTarget


def create_add_on(work: Work, wanted: AddOnInput) -> AddOn:
    """Add an add-on. Raises Invalid, NotFound (tax). Source: Lago API, add-ons."""
    found = errors.FieldErrors()
    add_on = AddOn(
        id=work.new_id(),
        organization_id=work.organization_id,
        code=read_code(wanted.code, found),
        name=read_text(wanted.name, "name", found),
        invoice_display_name=given(wanted.invoice_display_name, None),
        description=given(wanted.description, None),
        amount_cents=_read_amount(given(wanted.amount_cents, None), found),
        amount_currency=read_currency(given(wanted.amount_currency, None), found),
        created_at=work.now,
        updated_at=work.now,
    )
    found.raise_if_any()
    store.insert_add_on(work.tx, add_on)
    replace_taxes(work, given_codes(TaxTarget.ADD_ON, add_on.id, wanted.tax_codes))
    return add_on


def update_add_on(work: Work, code: str, changes: AddOnInput) -> AddOn:
    """Change an add-on; absent keys stay. Raises NotFound (add_on, tax), Invalid. Source: Lago API, add-ons."""
    add_on = get_add_on(work, code)
    found = errors.FieldErrors()
    readers: dict[str, Any] = {
        "name": lambda value: read_text(value, "name", found),
        "code": lambda value: read_code(value, found),
        "invoice_display_name": lambda value: value,
        "description": lambda value: value,
        "amount_cents": lambda value: _read_amount(value, found),
        "amount_currency": lambda value: read_currency(value, found),
    }
    fields = {name: read(getattr(changes, name)) for name, read in readers.items() if is_given(getattr(changes, name))}
    found.raise_if_any()
    changed = structs.replace(add_on, **fields, updated_at=work.now)
    store.update_add_on(work.tx, changed)
    replace_taxes(work, given_codes(TaxTarget.ADD_ON, add_on.id, changes.tax_codes))
    return changed


def delete_add_on(work: Work, code: str) -> AddOn:
    """Delete an add-on softly, with its fixed charges; past fees keep showing it. Raises NotFound. Source: Lago API, add-ons."""
    add_on = get_add_on(work, code)
    store.mark_add_on_deleted(work.tx, add_on_id=add_on.id, at=work.now)
    used = fixed_charges.list_ids_of_add_on(work.tx, add_on_id=add_on.id)
    fixed_charges.mark_fixed_charges_deleted(work.tx, ids=used, at=work.now)
    return add_on


def get_add_on(work: Work, code: str) -> AddOn:
    """Return the live add-on of that code. Raises NotFound."""
    add_on = store.find_add_on(work.tx, organization_id=work.organization_id, code=code)
    if add_on is None:
        raise errors.NotFound("add_on")
    return add_on


def _read_amount(value: int | None, found: errors.FieldErrors) -> int:
    """Read the price of one piece in minor units, more than 0."""
    amount = read_amount_cents(value, found)
    if value == 0:
        found.add("amount_cents", "value_is_out_of_range")
    return amount
