"""What the values are that alerts watch. A value that cannot be told, as of a metric that nothing charges for, is None."""

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from msgspec import structs

from daycount.infra.work import Work
from daycount.invoicing.compute import ChargeUsage, Computed, compute
from daycount.invoicing.lifetime import load_lifetimes, since_start
from daycount.invoicing.view import View
from daycount.monitoring.records import Alert, AlertType
from daycount.usage.port import EventStore
from daycount.wallets.records import Wallet


class UsageValues:
    """The usage of subscriptions at one instant, as alerts see it."""

    def __init__(self, work: Work, computed: Sequence[Computed], *, alerts: Sequence[Alert], events: EventStore) -> None:
        """Work out what the alerts ask for beside current usage. A fixed number of statements, more only where lifetime is asked for."""
        self._current = {item.job.subject.subscription.id: item for item in computed}
        kinds = {alert.alert_type for alert in alerts}
        rows = [item.job.subject.subscription for item in computed]
        self._lifetimes = load_lifetimes(work, rows) if AlertType.LIFETIME_AMOUNT in kinds else {}
        self._whole: dict[UUID, Computed] = {}
        if AlertType.METRIC_LIFETIME_UNITS in kinds:
            wanted = {alert.metric_id for alert in alerts if alert.alert_type is AlertType.METRIC_LIFETIME_UNITS}
            jobs = [structs.replace(since_start(item.job), view=View(charge_ids=_whole_charges(item, wanted))) for item in computed]
            self._whole = {item.job.subject.subscription.id: item for item in compute(work, jobs, events=events)}

    def value_of(self, alert: Alert, subscription_id: UUID) -> Decimal | None:
        """Return what an alert watches: amounts in minor units, units as they are; of a metric the largest single fee."""
        current = self._current[subscription_id]
        amount = sum(fee.amount_cents for usage in current.charges for fee in usage.fees)
        match alert.alert_type:
            case AlertType.CURRENT_AMOUNT:
                return Decimal(amount)
            case AlertType.LIFETIME_AMOUNT:
                return Decimal(self._lifetimes[subscription_id].settled_cents + amount)
            case AlertType.METRIC_CURRENT_AMOUNT:
                return max((Decimal(fee.amount_cents) for usage in _of(current, alert) for fee in usage.fees), default=None)
            case AlertType.METRIC_CURRENT_UNITS:
                return max((fee.units for usage in _of(current, alert) for fee in usage.fees), default=None)
            case AlertType.METRIC_LIFETIME_UNITS:
                return max((fee.units for usage in _of(self._whole[subscription_id], alert) for fee in usage.fees), default=None)
            case kind:
                assert kind.is_of_wallet, kind
                return None


def _whole_charges(computed: Computed, metric_ids: set[UUID | None]) -> frozenset[UUID]:
    """Return the charges whose usage since the start is asked for; shares of days have no meaning over several periods."""
    return frozenset(charge.id for charge in computed.job.subject.plan.charges if charge.metric.id in metric_ids and not charge.prorated)


def _of(computed: Computed, alert: Alert) -> list[ChargeUsage]:
    return [usage for usage in computed.charges if usage.charge.metric.id == alert.metric_id]


def value_of_wallet(alert_type: AlertType, wallet: Wallet) -> Decimal:
    """Return what an alert watches of a wallet, which carries its ongoing balance: minor units, or credits."""
    match alert_type:
        case AlertType.WALLET_BALANCE:
            return Decimal(wallet.balance_cents)
        case AlertType.WALLET_CREDITS:
            return wallet.credits_balance
        case AlertType.WALLET_ONGOING:
            return Decimal(wallet.ongoing_balance_cents)
        case kind:
            assert kind is AlertType.WALLET_ONGOING_CREDITS, kind
            return wallet.credits_of(wallet.ongoing_balance_cents)
