"""
Credits: what an invoice took of coupons, credit notes and earlier progressive invoices. A row is written once and stays.

What a wallet pays is not here; those are transactions of the wallet.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from msgspec import Struct


class CreditKind(StrEnum):
    """What a credit comes from; the contract's word for a progressive invoice is `invoice`."""

    COUPON = "coupon"
    CREDIT_NOTE = "credit_note"
    INVOICE = "invoice"


class Credit(Struct, frozen=True, kw_only=True):
    """One credit on an invoice, in minor units; `item` is its source as it was called then, `source_id` the row it was taken of."""

    id: UUID
    organization_id: UUID
    invoice_id: UUID
    kind: CreditKind
    source_id: UUID
    amount_cents: int
    currency: str
    item: Mapping[str, Any]
    created_at: datetime

    @property
    def is_before_taxes(self) -> bool:
        """Tell whether it lowered the taxes."""
        return self.kind is not CreditKind.CREDIT_NOTE


class ShownCredit(Struct, frozen=True, kw_only=True):
    """A credit with what is shown of its invoice."""

    credit: Credit
    payment_status: str
