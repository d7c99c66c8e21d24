"""What an event's codes mean: the answer that `usage` asks for through its `Directory` port."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import Connection

from daycount.catalog import store as catalog
from daycount.customers.operations import lane_of
from daycount.subscriptions import store
from daycount.usage.records import MetricFacts, SubscriptionFacts
from daycount.webhooks import store as webhooks

_MOST_METRICS = 100_000


class CatalogDirectory:
    """Reads live metrics and subscriptions of an organization."""

    def metrics(self, tx: Connection, organization_id: UUID) -> Mapping[str, MetricFacts]:
        """Return the live metrics of an organization by code. One query."""
        found = catalog.list_metrics(tx, organization_id=organization_id, limit=_MOST_METRICS, offset=0)
        return {
            metric.code: MetricFacts(
                id=metric.id,
                aggregation=metric.aggregation_type,
                field_name=metric.field_name,
                is_recurring=metric.recurring,
                expression=metric.expression,
                filters={item.key: frozenset(item.values) for item in metric.filters},
            )
            for metric in found
        }

    def subscriptions(
        self, tx: Connection, organization_id: UUID, external_ids: Sequence[str]
    ) -> Mapping[str, Sequence[SubscriptionFacts]]:
        """Return the rows of subscriptions by external id. One query."""
        found: dict[str, list[SubscriptionFacts]] = {}
        for row in store.find_facts(tx, organization_id=organization_id, external_ids=external_ids):
            facts = SubscriptionFacts(
                started_at=row.started_at,
                terminated_at=row.terminated_at,
                metric_ids=frozenset(row.metric_ids),
                advance_metric_ids=frozenset(row.advance_metric_ids),
                lane_id=lane_of(row.customer_id),
                is_watched=row.is_watched,
                needs_balance=row.needs_balance,
                target_metric_ids=frozenset(row.target_metric_ids),
                wallet_codes=frozenset(row.wallet_codes),
            )
            found.setdefault(row.external_id, []).append(facts)
        return found

    def has_listeners(self, tx: Connection, organization_id: UUID) -> bool:
        """Tell whether the organization has endpoints for webhooks. One query."""
        return bool(webhooks.list_endpoints(tx, organization_id=organization_id))
