"""What entitlements announce."""

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from daycount.entitlements.records import Feature


class FeatureSaved(Struct, frozen=True):
    """A feature was `created`, `updated` or `deleted`; `plan_ids` are the plans that have it."""

    feature: Feature
    event: str
    plan_ids: Sequence[UUID]


class PlanEntitled(Struct, frozen=True):
    """What a plan entitles to is another."""

    plan_id: UUID


class SubscriptionEntitled(Struct, frozen=True):
    """What a subscription entitles to is another than its plan says, or is that again."""

    subscription_id: UUID
