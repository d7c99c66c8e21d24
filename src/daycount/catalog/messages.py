"""What the catalogue announces."""

from uuid import UUID

from msgspec import Struct


class PlanDeleted(Struct, frozen=True):
    """A plan was deleted; what is subscribed to it ends."""

    plan_id: UUID
