"""What ingest knows of organizations without asking: their metrics, and in which times events need no explanation."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from daycount.usage.port import Batch
from daycount.usage.records import IncomingEvent, MetricFacts, SubscriptionFacts, Warned
from daycount.usage.warnings import Life, find_life, warn


class Facts:
    """What is known of an organization at one version of its catalogue."""

    __slots__ = (
        "computes",
        "has_advance",
        "has_guarded",
        "has_listeners",
        "has_watched",
        "is_sandbox",
        "lives",
        "metrics",
        "size",
        "subscriptions",
        "version",
    )

    def __init__(self, version: int, metrics: Mapping[str, MetricFacts], *, is_sandbox: bool, has_listeners: bool) -> None:
        self.version = version
        self.is_sandbox = is_sandbox
        self.has_listeners = has_listeners
        self.has_advance = False
        self.has_watched = False
        self.has_guarded = False
        self.metrics = dict(metrics)
        self.computes = any(metric.expression for metric in metrics.values())
        self.subscriptions: dict[str, Sequence[SubscriptionFacts]] = {}
        self.lives: dict[str, dict[str | None, Life]] = {}
        self.size = 0

    def find_lives(self, events: Sequence[IncomingEvent]) -> list[Life]:
        """Return the time in which each event needs no explanation. Raises KeyError where that was not learned yet."""
        lives = self.lives
        return [lives[event.code][event.external_subscription_id] for event in events]

    def learn_lives(self, events: Sequence[IncomingEvent]) -> None:
        """Make `find_lives` work for these events, whose subscriptions must be known."""
        for event in events:
            code, subscription = event.code, event.external_subscription_id
            own = self.lives.setdefault(code, {})
            if subscription not in own:
                own[subscription] = find_life(
                    code=code, external_subscription_id=subscription, metrics=self.metrics, subscriptions=self.subscriptions
                )
                self.size += 1
                self.has_advance = self.has_advance or own[subscription].lane_id is not None
                self.has_watched = self.has_watched or own[subscription].watched_lane_id is not None
                self.has_guarded = self.has_guarded or own[subscription].guarded_lane_id is not None

    def warn(self, batch: Batch, lives: Sequence[Life]) -> list[Sequence[Warned]]:
        """Return for each event of a batch why it will not be billed."""
        now, unread = batch.now, batch.unread
        found: list[Sequence[Warned]] = []
        for place, (event, (first, last, *_)) in enumerate(zip(batch.events, lives, strict=True)):
            at = event.at or now
            if first <= at <= last and unread is not None and place not in unread:
                found.append(())
            else:
                found.append(self._explain(event, at))
        return found

    def _explain(self, event: IncomingEvent, at: datetime) -> Sequence[Warned]:
        return warn(
            code=event.code,
            external_subscription_id=event.external_subscription_id,
            at=at,
            properties=event.properties,
            metrics=self.metrics,
            subscriptions=self.subscriptions,
        )
