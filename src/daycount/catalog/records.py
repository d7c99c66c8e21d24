"""What a billable metric, a plan and a charge are."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from daycount.catalog.fixed_charges.records import FixedCharge, FixedChargeInput
from daycount.engine.calendar import Interval
from daycount.engine.charges.models import ChargeModel
from daycount.engine.filters import Condition, Filter, in_order
from daycount.engine.metrics import AggregationType, RoundingFunction
from daycount.engine.pricing_units import PricingUnit
from daycount.taxes.records import Tax

TARGET_WALLET = "target_wallet_code"
"""The property of events that names the wallet they are to be paid from."""


class MetricFilter(Struct, frozen=True, kw_only=True):
    """A property of events that charges can tell apart, and the values it may hold."""

    key: str
    values: tuple[str, ...]


class Metric(Struct, frozen=True, kw_only=True):
    """A billable metric: which events count, and how."""

    id: UUID
    organization_id: UUID
    code: str
    name: str
    description: str | None
    aggregation_type: AggregationType
    field_name: str | None
    recurring: bool
    rounding_function: RoundingFunction | None
    rounding_precision: int | None
    weighted_interval: str | None
    expression: str | None
    custom_aggregator: Mapping[str, Any] | None
    """The reducer of a custom aggregation, as its author wrote it."""
    filters: tuple[MetricFilter, ...]
    created_at: datetime
    updated_at: datetime


class Commitment(Struct, frozen=True, kw_only=True):
    """What a period of a plan must come to at least, in minor units of the plan's currency."""

    id: UUID
    amount_cents: int
    invoice_display_name: str | None
    created_at: datetime
    updated_at: datetime
    taxes: tuple[Tax, ...] = ()


class UsageThreshold(Struct, frozen=True, kw_only=True):
    """An amount of usage at which an invoice is made before the period ends; a recurring one is made again for each such amount."""

    id: UUID
    amount_cents: int
    threshold_display_name: str | None
    recurring: bool
    created_at: datetime
    updated_at: datetime


class ChargeFilter(Struct, frozen=True, kw_only=True):
    """Events with some values of the metric's filters, priced by themselves."""

    id: UUID
    invoice_display_name: str | None
    values: Mapping[str, Sequence[str]]
    properties: Mapping[str, Any]
    created_at: datetime


class Charge(Struct, frozen=True, kw_only=True, dict=True):
    """The price of a metric within a plan."""

    id: UUID
    organization_id: UUID
    plan_id: UUID
    metric: Metric
    code: str
    charge_model: ChargeModel
    invoice_display_name: str | None
    pay_in_advance: bool
    prorated: bool
    invoiceable: bool
    regroup_paid_fees: str | None
    min_amount_cents: int
    accepts_target_wallet: bool
    properties: Mapping[str, Any]
    filters: tuple[ChargeFilter, ...]
    created_at: datetime
    taxes: tuple[Tax, ...] = ()
    """Taxes of its own, as loaded; written by `taxes.operations.replace_taxes`."""
    parent_id: UUID | None = None
    """The charge of the plan that this one's plan overrides."""
    pricing_unit: PricingUnit | None = None
    """The unit that its prices are in; None for the plan's currency."""

    @cached_property
    def group_keys(self) -> tuple[str, ...]:
        """Return the properties whose values split the default bucket."""
        return self._keys_in(self.properties)

    @cached_property
    def conditions(self) -> tuple[Condition, ...]:
        """Return its filters in the order in which events are held against them."""
        filters = [Filter(id=item.id, values=item.values, created_at=item.created_at) for item in self.filters]
        return in_order(filters, metric_values={item.key: item.values for item in self.metric.filters})

    @cached_property
    def keys_by_place(self) -> tuple[tuple[str, ...], ...]:
        """Return the properties whose values split its buckets: of the default bucket, then of each of its conditions."""
        keys = {item.id: self.keys_of(item) for item in self.filters}
        return (self.group_keys, *(keys[condition.filter_id] for condition in self.conditions))

    def keys_of(self, charge_filter: ChargeFilter) -> tuple[str, ...]:
        """Return the properties whose values split the bucket of one of the charge's filters."""
        return self._keys_in(charge_filter.properties)

    def _keys_in(self, properties: Mapping[str, Any]) -> tuple[str, ...]:
        """Add the wallet that an event is to be paid from, where the charge asks for it; fees are split by it."""
        keys = tuple(properties.get("pricing_group_keys", ()))
        return (*keys, TARGET_WALLET) if self.accepts_target_wallet and TARGET_WALLET not in keys else keys

    @property
    def presentation_keys(self) -> tuple[str, ...]:
        """Return the properties by whose values units are broken down for readers."""
        return tuple(item["value"] for item in self.properties.get("presentation_group_keys", ()))


class Plan(Struct, frozen=True, kw_only=True):
    """What a subscription is billed by: a base fee each interval, and charges on usage."""

    id: UUID
    organization_id: UUID
    code: str
    name: str
    invoice_display_name: str | None
    description: str | None
    interval: Interval
    amount_cents: int
    amount_currency: str
    pay_in_advance: bool
    trial_period_days: Decimal
    bill_charges_monthly: bool | None
    bill_fixed_charges_monthly: bool | None
    metadata: Mapping[str, str | None] | None
    pending_deletion: bool
    created_at: datetime
    updated_at: datetime
    charges: tuple[Charge, ...]
    taxes: tuple[Tax, ...] = ()
    """Taxes of its own, as loaded; written by `taxes.operations.replace_taxes`."""
    fixed_charges: tuple[FixedCharge, ...] = ()
    minimum_commitment: Commitment | None = None
    usage_thresholds: tuple[UsageThreshold, ...] = ()
    parent_id: UUID | None = None
    """The plan that this one overrides for a single subscription; it has the same code."""
    requires_wallet_balance: bool = False
    """Whether usage is refused that prepaid credits do not cover."""
    version: int = 1
    """How many times the plan was written; every version is kept."""

    @property
    def bills_charges_monthly(self) -> bool:
        """Tell whether usage is invoiced every month of a longer interval."""
        return bool(self.bill_charges_monthly)


class MetricFilterInput(Struct, frozen=True, kw_only=True):
    """A filter as a caller gives it."""

    key: str | None | UnsetType = UNSET
    values: list[str] | None | UnsetType = UNSET


class MetricInput(Struct, frozen=True, kw_only=True):
    """A metric as a caller gives it; an absent key leaves what is stored, or takes the default."""

    name: str | None | UnsetType = UNSET
    code: str | None | UnsetType = UNSET
    description: str | None | UnsetType = UNSET
    aggregation_type: str | None | UnsetType = UNSET
    field_name: str | None | UnsetType = UNSET
    recurring: bool | None | UnsetType = UNSET
    rounding_function: str | None | UnsetType = UNSET
    rounding_precision: int | None | UnsetType = UNSET
    weighted_interval: str | None | UnsetType = UNSET
    expression: str | None | UnsetType = UNSET
    custom_aggregator: dict[str, Any] | None | UnsetType = UNSET
    filters: list[MetricFilterInput] | UnsetType = UNSET


class ChargeFilterInput(Struct, frozen=True, kw_only=True):
    """A charge filter as a caller gives it."""

    invoice_display_name: str | None | UnsetType = UNSET
    values: dict[str, Any] | None | UnsetType = UNSET
    properties: dict[str, Any] | None | UnsetType = UNSET
    cascade_updates: bool | None | UnsetType = UNSET


class ChargeInput(Struct, frozen=True, kw_only=True):
    """A charge as a caller gives it inside a plan."""

    id: UUID | None | UnsetType = UNSET
    billable_metric_id: str | None | UnsetType = UNSET
    code: str | None | UnsetType = UNSET
    charge_model: str | None | UnsetType = UNSET
    invoice_display_name: str | None | UnsetType = UNSET
    pay_in_advance: bool | None | UnsetType = UNSET
    prorated: bool | None | UnsetType = UNSET
    invoiceable: bool | None | UnsetType = UNSET
    regroup_paid_fees: str | None | UnsetType = UNSET
    min_amount_cents: int | None | UnsetType = UNSET
    accepts_target_wallet: bool | None | UnsetType = UNSET
    properties: dict[str, Any] | UnsetType = UNSET
    filters: list[ChargeFilterInput] | UnsetType = UNSET
    tax_codes: list[str] | UnsetType = UNSET
    applied_pricing_unit: dict[str, Any] | None | UnsetType = UNSET
    cascade_updates: bool | None | UnsetType = UNSET


class CommitmentInput(Struct, frozen=True, kw_only=True):
    """A minimum commitment as a caller gives it; one without any key takes it away."""

    amount_cents: int | None | UnsetType = UNSET
    invoice_display_name: str | None | UnsetType = UNSET
    tax_codes: list[str] | UnsetType = UNSET


class ThresholdInput(Struct, frozen=True, kw_only=True):
    """A usage threshold as a caller gives it."""

    id: str | None | UnsetType = UNSET
    amount_cents: int | None | UnsetType = UNSET
    threshold_display_name: str | None | UnsetType = UNSET
    recurring: bool | None | UnsetType = UNSET


class PlanInput(Struct, frozen=True, kw_only=True):
    """A plan as a caller gives it."""

    name: str | None | UnsetType = UNSET
    code: str | None | UnsetType = UNSET
    invoice_display_name: str | None | UnsetType = UNSET
    description: str | None | UnsetType = UNSET
    interval: str | None | UnsetType = UNSET
    amount_cents: int | None | UnsetType = UNSET
    amount_currency: str | None | UnsetType = UNSET
    pay_in_advance: bool | None | UnsetType = UNSET
    trial_period: Decimal | None | UnsetType = UNSET
    bill_charges_monthly: bool | None | UnsetType = UNSET
    bill_fixed_charges_monthly: bool | None | UnsetType = UNSET
    requires_wallet_balance: bool | None | UnsetType = UNSET
    metadata: dict[str, Any] | None | UnsetType = UNSET
    charges: list[ChargeInput] | UnsetType = UNSET
    fixed_charges: list[FixedChargeInput] | UnsetType = UNSET
    tax_codes: list[str] | UnsetType = UNSET
    minimum_commitment: CommitmentInput | None | UnsetType = UNSET
    usage_thresholds: list[ThresholdInput] | UnsetType = UNSET
    cascade_updates: bool | None | UnsetType = UNSET
