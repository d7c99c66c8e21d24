"""Where buckets paid for in advance stand, read from the steps that events made."""

from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy import Connection

from daycount.engine.advance import Standing
from daycount.engine.metrics import Bucket
from daycount.invoicing.advance import store
from daycount.invoicing.advance.store import Place
from daycount.invoicing.records import AdvanceStep, Series

__all__ = ["Place", "bucket_key", "load_standings", "standing_of"]


def bucket_key(bucket: Bucket) -> str:
    """Return a bucket as the text by which its steps are found."""
    return msgspec.json.encode([bucket.filter_id, *bucket.group]).decode()


def load_standings(tx: Connection, series: Sequence[Series]) -> Mapping[Place, Standing]:
    """Return the standing of every bucket of the series that has one. One query, none without series."""
    return {place: standing_of(step) for place, step in store.find_latest(tx, series).items()}


def standing_of(step: AdvanceStep) -> Standing:
    """Return the standing that a step leaves, without the values of single events."""
    return Standing(
        current=step.current,
        maximum=step.maximum,
        maximum_prorated=step.maximum_prorated,
        events_count=step.events_count,
        event_cents=step.event_cents,
    )
