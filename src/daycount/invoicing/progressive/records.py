"""What is kept of progressive billing: which thresholds were reached, and on which invoice they stand."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from daycount.catalog.records import UsageThreshold
from daycount.invoicing.records import Invoice

PROGRESSIVE = "progressive_billing"
"""The type of invoices that are made when a threshold is reached."""


class ReachedThreshold(Struct, frozen=True, kw_only=True):
    """
    A threshold that the lifetime usage of a subscription reached, as it was then; amounts are minor units.

    `level_cents` is where a recurring one stood. `invoice_id` is None where nothing was left to bill.
    """

    organization_id: UUID
    lifetime_usage_id: UUID
    threshold_id: UUID
    level_cents: int
    subscription_id: UUID
    invoice_id: UUID | None
    lifetime_usage_amount_cents: int
    threshold: UsageThreshold
    created_at: datetime


class Billed(Struct, frozen=True):
    """A progressive invoice that counts, and the subscription it is for."""

    subscription_id: UUID
    invoice: Invoice
