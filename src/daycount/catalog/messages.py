"""What the catalogue announces."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from daycount.catalog.fixed_charges.records import UnitsChange


class PlanDeleted(Struct, frozen=True):
    """A plan was deleted; what is subscribed to it ends."""

    plan_id: UUID


class PlanRepriced(Struct, frozen=True):
    """The price of a plan's base fee is another; changes of plan that wait because of prices may be decided otherwise now."""

    plan_id: UUID


class ThresholdsChanged(Struct, frozen=True):
    """A plan got other usage thresholds; what is subscribed to it may have reached one already."""

    plan_id: UUID


class FixedUnitsChanged(Struct, frozen=True):
    """Fixed charges of a plan are new or got other units; what is subscribed to the plan follows."""

    plan_id: UUID
    changes: Sequence[UnitsChange]
