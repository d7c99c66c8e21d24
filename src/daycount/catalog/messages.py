"""What the catalogue announces."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from daycount.catalog.fixed_charges.records import UnitsChange
from daycount.catalog.records import Metric, Plan


class MetricSaved(Struct, frozen=True):
    """A billable metric was made, changed or deleted; `event` says which: created, updated, deleted."""

    metric: Metric
    event: str


class PlanSaved(Struct, frozen=True):
    """A plan that overrides none was made, changed in any of its parts or deleted; `event` says which: created, updated, deleted."""

    plan: Plan
    event: str


class PlanDeleted(Struct, frozen=True):
    """A plan was deleted; what is subscribed to it ends."""

    plan_id: UUID


class PlansRewritten(Struct, frozen=True):
    """Plans were changed, or a metric that they charge for; what is open of their invoices may come to something else now."""

    plan_ids: Sequence[UUID]


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
