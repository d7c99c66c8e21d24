"""What is written down of an adjusted fee, and how it is asked for."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import msgspec
from msgspec import UNSET, Struct, UnsetType

from daycount.engine.adjustments import Adjustment
from daycount.engine.fees import FeeDraft
from daycount.invoicing.records import Fee


class AdjustedFee(Struct, frozen=True, kw_only=True):
    """An adjustment of one fee of a draft; `fee_key` names the fee however often the draft is computed again."""

    id: UUID
    organization_id: UUID
    invoice_id: UUID
    fee_key: str
    units: Decimal | None
    unit_amount: Decimal | None
    invoice_display_name: str | None
    created_at: datetime

    @property
    def adjustment(self) -> Adjustment:
        """Return what the engine has to know."""
        return Adjustment(units=self.units, unit_amount=self.unit_amount, invoice_display_name=self.invoice_display_name)


class AdjustedFeeInput(Struct, frozen=True, kw_only=True):
    """An adjustment as a caller gives it: of a fee, or of a charge, filter or fixed charge that has none; prices in major units."""

    fee_id: str | None | UnsetType = UNSET
    subscription_id: str | None | UnsetType = UNSET
    charge_id: str | None | UnsetType = UNSET
    charge_filter_id: str | None | UnsetType = UNSET
    fixed_charge_id: str | None | UnsetType = UNSET
    units: Decimal | None | UnsetType = UNSET
    unit_precise_amount: Decimal | None | UnsetType = UNSET
    invoice_display_name: str | None | UnsetType = UNSET


def _key(fee_type: str, ids: Mapping[str, UUID | None], grouped_by: Mapping[str, str | None], *, is_true_up: bool) -> str:
    groups = sorted(grouped_by.items(), key=lambda entry: entry[0])
    plain = [fee_type, *(None if value is None else str(value) for value in ids.values()), groups, is_true_up]
    return msgspec.json.encode(plain).decode()


def key_of_draft(draft: FeeDraft) -> str:
    """Return what makes a computed fee the same one when it is computed again."""
    ids = {
        "subscription": draft.subscription_id,
        "charge": draft.charge_id,
        "filter": draft.bucket.filter_id,
        "fixed_charge": draft.fixed_charge_id,
    }
    return _key(draft.fee_type, ids, draft.grouped_by, is_true_up=draft.is_true_up)


def key_of_fee(fee: Fee) -> str:
    """Return the same of a stored fee."""
    ids = {
        "subscription": fee.subscription_id,
        "charge": fee.charge_id,
        "filter": fee.charge_filter_id,
        "fixed_charge": fee.fixed_charge_id,
    }
    return _key(fee.fee_type, ids, fee.grouped_by, is_true_up=fee.true_up_parent_fee_id is not None)


def key_of_unused(*, subscription_id: UUID, charge_id: UUID | None, filter_id: UUID | None, fixed_charge_id: UUID | None) -> str:
    """Return the key that a fee of a charge, its filter or a fixed charge would have, outside of any group."""
    ids = {"subscription": subscription_id, "charge": charge_id, "filter": filter_id, "fixed_charge": fixed_charge_id}
    return _key("charge" if fixed_charge_id is None else "fixed_charge", ids, {}, is_true_up=False)
