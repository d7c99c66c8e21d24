"""What the catalogue announces."""

from uuid import UUID

from msgspec import Struct


class PlanDeleted(Struct, frozen=True):
    """A plan was deleted; what is subscribed to it ends."""

    plan_id: UUID


class PlanRepriced(Struct, frozen=True):
    """The price of a plan's base fee is another; changes of plan that wait because of prices may be decided otherwise now."""

    plan_id: UUID
