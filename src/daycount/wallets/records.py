"""What a wallet is, what moves in it, and what tops it up."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from daycount.engine.wallets.allocation import WalletTerms
from daycount.engine.wallets.credits import credits_of
from daycount.engine.wallets.top_ups import Method, RuleInterval, TopUpTerms, Trigger
from daycount.money import CURRENCIES, Currency
from daycount.organizations.sections.records import ChoiceInput


class WalletStatus(StrEnum):
    """Whether a wallet still pays."""

    ACTIVE = "active"
    TERMINATED = "terminated"


class Direction(StrEnum):
    """Whether credits come in or go out."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


class Settlement(StrEnum):
    """Whether the balance has moved."""

    PENDING = "pending"
    SETTLED = "settled"
    FAILED = "failed"


class Origin(StrEnum):
    """Why credits move."""

    PURCHASED = "purchased"
    GRANTED = "granted"
    VOIDED = "voided"
    INVOICED = "invoiced"


class Source(StrEnum):
    """Who or what asked for it."""

    MANUAL = "manual"
    INTERVAL = "interval"
    THRESHOLD = "threshold"


class PaymentMethod(NamedTuple):
    """How purchases are paid: by the provider (a named method or the default), or by hand."""

    payment_method_type: str = "provider"
    payment_method_id: str | None = None


class Rule(Struct, frozen=True, kw_only=True):
    """A rule that tops its wallet up. Amounts are credits."""

    id: UUID
    wallet_id: UUID
    trigger: Trigger
    method: Method
    interval: RuleInterval | None
    paid_credits: Decimal
    granted_credits: Decimal
    threshold_credits: Decimal
    target_ongoing_balance: Decimal | None
    started_at: datetime | None
    expiration_at: datetime | None
    status: WalletStatus
    grants_target_top_up: bool
    invoice_requires_successful_payment: bool
    ignore_paid_top_up_limits: bool
    transaction_metadata: Sequence[Mapping[str, str]]
    transaction_name: str | None
    purchase_order_number: str | None
    payment_method: PaymentMethod
    created_at: datetime

    def is_live(self, at: datetime) -> bool:
        """Tell whether the rule may fire at an instant."""
        return self.status is WalletStatus.ACTIVE and (self.expiration_at is None or at < self.expiration_at)


class MetricTarget(NamedTuple):
    """A metric whose usage a wallet pays."""

    id: UUID
    code: str


class Wallet(Struct, frozen=True, kw_only=True):
    """
    A customer's prepaid credits.

    `…_cents` are minor units of `currency`, credits have five decimals, `rate_amount` is the worth of one credit in major
    units. The ongoing figures are those of the last refresh; `billing_entity_id` is None where the customer's counts.
    """

    id: UUID
    organization_id: UUID
    customer_id: UUID
    external_customer_id: str
    billing_entity_id: UUID | None
    billing_entity_code: str
    status: WalletStatus
    currency: str
    name: str | None
    code: str
    purchase_order_number: str | None
    rate_amount: Decimal
    credits_balance: Decimal
    balance_cents: int
    ongoing_usage_balance_cents: int
    ongoing_balance_cents: int
    consumed_credits: Decimal
    consumed_amount_cents: int
    is_depleted: bool
    last_balance_sync_at: datetime | None
    last_consumed_credit_at: datetime | None
    invoice_requires_successful_payment: bool
    paid_top_up_min_amount_cents: int | None
    paid_top_up_max_amount_cents: int | None
    priority: int
    fee_types: Sequence[str]
    metrics: Sequence[MetricTarget]
    payment_method: PaymentMethod
    metadata: Mapping[str, str | None] | None
    created_at: datetime
    updated_at: datetime
    expiration_at: datetime | None
    terminated_at: datetime | None
    rules: Sequence[Rule] = ()
    reserved_amount_cents: int = 0
    """What is held for authorizations; nothing else can use it."""

    @property
    def free_cents(self) -> int:
        """Return what of the balance is not held."""
        return self.balance_cents - self.reserved_amount_cents

    @property
    def money(self) -> Currency:
        """Return the currency with its minor unit."""
        return CURRENCIES[self.currency]

    def credits_of(self, cents: int) -> Decimal:
        """Return an amount of minor units in credits of this wallet."""
        return credits_of(cents, rate=self.rate_amount, currency=self.money)

    def live_rule(self, trigger: Trigger, *, at: datetime) -> Rule | None:
        """Return the rule of that trigger that may fire at an instant."""
        return next((rule for rule in self.rules if rule.trigger is trigger and rule.is_live(at)), None)

    def terms(self, *, at: datetime) -> WalletTerms:
        """Return what the engine has to know to let the wallet pay."""
        return WalletTerms(
            wallet_id=self.id,
            code=self.code,
            balance_cents=self.free_cents,
            fee_types=frozenset(self.fee_types),
            metric_ids=frozenset(metric.id for metric in self.metrics),
            tops_up_itself=self.live_rule(Trigger.THRESHOLD, at=at) is not None,
        )

    def top_up_terms(self, rule: Rule) -> TopUpTerms:
        """Return what the engine has to know to work a top-up out."""

        def limit(cents: int | None) -> Decimal | None:
            return None if cents is None else self.credits_of(cents)

        return TopUpTerms(
            method=rule.method,
            paid_credits=rule.paid_credits,
            granted_credits=rule.granted_credits,
            threshold_credits=rule.threshold_credits,
            target_ongoing_balance=rule.target_ongoing_balance or Decimal(0),
            grants_target_top_up=rule.grants_target_top_up,
            ignores_limits=rule.ignore_paid_top_up_limits,
            least=limit(self.paid_top_up_min_amount_cents),
            most=limit(self.paid_top_up_max_amount_cents),
        )


class WalletTransaction(Struct, frozen=True, kw_only=True):
    """One movement of credits. `remaining_amount_cents` is what is left of an inbound one that is settled."""

    id: UUID
    organization_id: UUID
    wallet_id: UUID
    customer_id: UUID
    invoice_id: UUID | None = None
    credit_note_id: UUID | None = None
    voided_invoice_id: UUID | None = None
    billing_entity_code: str
    transaction_type: Direction
    status: Settlement
    transaction_status: Origin
    source: Source
    amount_cents: int
    credit_amount: Decimal
    remaining_amount_cents: int | None
    priority: int
    purchase_order_number: str | None = None
    invoice_requires_successful_payment: bool = False
    name: str | None = None
    metadata: Sequence[Mapping[str, str]] = ()
    payment_method: PaymentMethod = PaymentMethod()
    created_at: datetime
    settled_at: datetime | None = None
    failed_at: datetime | None = None


class Consumption(Struct, frozen=True, kw_only=True):
    """How much of an outbound transaction an inbound one paid."""

    id: UUID
    organization_id: UUID
    wallet_id: UUID
    inbound_id: UUID
    outbound_id: UUID
    amount_cents: int
    created_at: datetime


class WalletUse(NamedTuple):
    """What an invoice takes of a wallet, in minor units."""

    invoice_id: UUID
    wallet_id: UUID
    amount_cents: int


class UsedByOrigin(NamedTuple):
    """What an invoice took of credits that had been granted, and of those that had been bought, in minor units."""

    granted: int
    purchased: int


class TransactionFilter(NamedTuple):
    """Which transactions a list shows."""

    status: str | None = None
    transaction_status: str | None = None
    transaction_type: str | None = None
    metadata: Mapping[str, str] = {}


class WalletFilter(NamedTuple):
    """Which wallets a list shows."""

    customer_id: UUID | None = None
    currency: str | None = None
    billing_entity_codes: Sequence[str] = ()


class PaymentMethodInput(Struct, frozen=True, kw_only=True):
    """A payment method as a caller gives it."""

    payment_method_type: str | None | UnsetType = UNSET
    payment_method_id: str | None | UnsetType = UNSET


class AppliesToInput(Struct, frozen=True, kw_only=True):
    """What a wallet pays for, as a caller gives it."""

    fee_types: list[str] | None | UnsetType = UNSET
    billable_metric_codes: list[str] | None | UnsetType = UNSET


class RuleInput(Struct, frozen=True, kw_only=True):
    """A recurring rule as a caller gives it; credits are texts."""

    lago_id: str | None | UnsetType = UNSET
    trigger: str | None | UnsetType = UNSET
    method: str | None | UnsetType = UNSET
    interval: str | None | UnsetType = UNSET
    paid_credits: Any | None | UnsetType = UNSET
    granted_credits: Any | None | UnsetType = UNSET
    threshold_credits: Any | None | UnsetType = UNSET
    target_ongoing_balance: Any | None | UnsetType = UNSET
    started_at: str | None | UnsetType = UNSET
    expiration_at: str | None | UnsetType = UNSET
    grants_target_top_up: bool | None | UnsetType = UNSET
    invoice_requires_successful_payment: bool | None | UnsetType = UNSET
    ignore_paid_top_up_limits: bool | None | UnsetType = UNSET
    transaction_metadata: Any | None | UnsetType = UNSET
    transaction_name: str | None | UnsetType = UNSET
    purchase_order_number: str | None | UnsetType = UNSET
    payment_method: PaymentMethodInput | None | UnsetType = UNSET
    invoice_custom_section: ChoiceInput | None | UnsetType = UNSET


class WalletInput(Struct, frozen=True, kw_only=True):
    """A wallet as a caller gives it; credits are texts."""

    external_customer_id: str | None | UnsetType = UNSET
    name: str | None | UnsetType = UNSET
    code: str | None | UnsetType = UNSET
    priority: int | None | UnsetType = UNSET
    rate_amount: Decimal | None | UnsetType = UNSET
    currency: str | None | UnsetType = UNSET
    paid_credits: Any = UNSET
    granted_credits: Any = UNSET
    expiration_at: str | None | UnsetType = UNSET
    invoice_requires_successful_payment: bool | None | UnsetType = UNSET
    paid_top_up_min_amount_cents: int | None | UnsetType = UNSET
    paid_top_up_max_amount_cents: int | None | UnsetType = UNSET
    ignore_paid_top_up_limits_on_creation: bool | None | UnsetType = UNSET
    purchase_order_number: str | None | UnsetType = UNSET
    transaction_name: str | None | UnsetType = UNSET
    transaction_priority: int | None | UnsetType = UNSET
    transaction_metadata: Any = UNSET
    billing_entity_code: str | None | UnsetType = UNSET
    metadata: Any | None | UnsetType = UNSET
    applies_to: AppliesToInput | None | UnsetType = UNSET
    recurring_transaction_rules: list[RuleInput] | None | UnsetType = UNSET
    payment_method: PaymentMethodInput | None | UnsetType = UNSET
    invoice_custom_section: ChoiceInput | None | UnsetType = UNSET


class TransactionInput(Struct, frozen=True, kw_only=True):
    """Credits to buy, to grant and to take back, as a caller gives them; credits are texts."""

    wallet_id: str | None | UnsetType = UNSET
    paid_credits: Any = UNSET
    granted_credits: Any = UNSET
    voided_credits: Any = UNSET
    voided_transaction_id: str | None | UnsetType = UNSET
    invoice_requires_successful_payment: bool | None | UnsetType = UNSET
    name: Any = UNSET
    purchase_order_number: str | None | UnsetType = UNSET
    ignore_paid_top_up_limits: bool | None | UnsetType = UNSET
    priority: int | None | UnsetType = UNSET
    metadata: Any = UNSET
    payment_method: PaymentMethodInput | None | UnsetType = UNSET
    invoice_custom_section: ChoiceInput | None | UnsetType = UNSET
