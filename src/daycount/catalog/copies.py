"""Copies of a plan's charges for a plan that overrides it; each remembers what it was copied from."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from msgspec import structs

from daycount.catalog.fixed_charges.records import FixedCharge
from daycount.catalog.records import Charge
from daycount.infra.work import Work
from daycount.taxes.operations import copy_taxes
from daycount.taxes.records import TaxTarget


class Copies(NamedTuple):
    """Copied charges and fixed charges, not stored yet."""

    charges: tuple[Charge, ...]
    fixed_charges: tuple[FixedCharge, ...]


def copy_parts(work: Work, charges: Sequence[Charge], fixed_charges: Sequence[FixedCharge], *, plan_id: UUID) -> Copies:
    """Copy charges with their filters, and fixed charges, for another plan."""
    return Copies(
        tuple(
            structs.replace(
                charge,
                id=work.new_id(),
                plan_id=plan_id,
                parent_id=charge.id,
                filters=tuple(structs.replace(item, id=work.new_id(), created_at=work.now) for item in charge.filters),
                created_at=work.now,
            )
            for charge in charges
        ),
        tuple(structs.replace(item, id=work.new_id(), plan_id=plan_id, parent_id=item.id, created_at=work.now) for item in fixed_charges),
    )


def copy_taxes_of_parts(work: Work, copies: Copies) -> None:
    """Give stored copies the taxes of what they were copied from."""
    pairs = [(TaxTarget.CHARGE, charge.parent_id, charge.id) for charge in copies.charges if charge.taxes and charge.parent_id]
    pairs += [(TaxTarget.FIXED_CHARGE, item.parent_id, item.id) for item in copies.fixed_charges if item.taxes and item.parent_id]
    copy_taxes(work, pairs)
