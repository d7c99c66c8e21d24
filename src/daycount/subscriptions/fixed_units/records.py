"""What is kept of the units of fixed charges."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from msgspec import Struct


class FixedUnits(Struct, frozen=True, kw_only=True):
    """
    So many units of a fixed charge for a subscription, from `effective_at` on; the one made last decides from there.

    `is_override` marks units that the subscription was given itself: changes of its plan no longer touch them. `is_unbilled`
    marks units that are to be billed at once and are not yet.
    """

    id: UUID
    organization_id: UUID
    subscription_id: UUID
    fixed_charge_id: UUID
    units: Decimal
    effective_at: datetime
    is_override: bool
    is_unbilled: bool
    created_at: datetime
