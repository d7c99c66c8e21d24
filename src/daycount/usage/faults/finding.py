"""
Finding what is wrong with events that were taken all the same.

Asked only for organizations that listen. Most of it ingest has found already, as warnings; values of filters that no metric lists,
and wallets that a customer does not have, are looked for here.
"""

from collections.abc import Mapping, Sequence

from daycount.usage.faults.records import EventRefused, Fault, FaultKind
from daycount.usage.port import Batch
from daycount.usage.records import MetricFacts, StoredEvent, SubscriptionFacts, Warned
from daycount.usage.values import read_property, read_texts

_TARGET = "target_wallet_code"
_KINDS = {
    "billable_metric_not_found": FaultKind.INVALID_CODE,
    "property_missing": FaultKind.MISSING_PROPERTY,
    "property_not_numeric": FaultKind.MISSING_PROPERTY,
}


def find_faults(batch: Batch, warnings: Sequence[Sequence[Warned]], *, metrics: Mapping[str, MetricFacts]) -> list[Fault]:
    """Return the faults of the events of a batch that was kept, each at most once of a kind."""
    found = []
    for event, warned in zip(batch.events, warnings, strict=True):
        kinds = {_KINDS[item.code] for item in warned if item.code in _KINDS}
        metric = metrics.get(event.code)
        if metric is not None and metric.filters and _has_unlisted(event.properties, metric.filters):
            kinds.add(FaultKind.INVALID_FILTER_VALUE)
        found += [Fault(kind, event.transaction_id, event.code) for kind in FaultKind if kind in kinds]
    return found


def _has_unlisted(properties: str, filters: Mapping[str, frozenset[str]]) -> bool:
    texts = read_texts(properties)
    return any(key in texts and texts[key] not in values for key, values in filters.items())


def find_lost_targets(
    batch: Batch, *, metrics: Mapping[str, MetricFacts], subscriptions: Mapping[str, Sequence[SubscriptionFacts]]
) -> list[EventRefused]:
    """Return events that name a wallet which their customer does not have, of charges that let them; they count nevertheless."""
    stored: list[StoredEvent] | None = None
    found = []
    for place, event in enumerate(batch.events):
        metric = metrics.get(event.code)
        rows = subscriptions.get(event.external_subscription_id or "", ())
        target = next((row for row in reversed(rows) if metric is not None and metric.id in row.target_metric_ids), None)
        wanted = None if target is None else read_property(event.properties, _TARGET)
        if target is not None and wanted is not None and wanted not in target.wallet_codes:
            stored = batch.stored if stored is None else stored
            found.append(EventRefused(stored[place], {_TARGET: ["target_wallet_code_not_found"]}))
    return found
