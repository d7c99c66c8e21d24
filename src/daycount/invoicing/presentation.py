"""
Breakdowns for presentation: the units of a bucket by the values of further properties. They never change an amount.

One more request to the event store for all charges that have such keys, none where no charge has.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from uuid import UUID

from msgspec import Struct, structs

from daycount.catalog.records import Charge
from daycount.engine.charges.consumption import Detail
from daycount.engine.metrics import Bucket, Usage, UsageRequest, measure
from daycount.infra.work import Work
from daycount.invoicing.compute import Computed, usage_request
from daycount.usage.port import EventStore


class Breakdown(Struct, frozen=True, kw_only=True):
    """The units that share some values; a value that events do not have is an empty text, since clients read texts only."""

    presentation_by: Mapping[str, str]
    units: Decimal


Breakdowns = Mapping[tuple[UUID, Bucket], Sequence[Breakdown]]
"""The breakdowns of every bucket, by its charge's id."""


def compute_breakdowns(work: Work, computed: Computed, *, events: EventStore, wanted: frozenset[str] | None) -> Breakdowns:
    """Break the units of each bucket down by the presentation keys of its charge, of which only those `wanted` count (None: all)."""
    job, window = computed.job, computed.job.windows.charges
    assert window is not None, "there is usage to break down"
    asked: list[tuple[Charge, tuple[str, ...], UsageRequest]] = []
    for usage in computed.charges:
        keys = tuple(key for key in usage.charge.presentation_keys if wanted is None or key in wanted)
        if keys:
            request = job.view.ask(usage_request(job.subject, usage.charge, window))
            group_by = tuple((*own, *keys) for own in request.group_by)
            asked.append((usage.charge, keys, structs.replace(request, is_prorated=False, detail=Detail.NONE, group_by=group_by)))
    if not asked:
        return {}
    found: dict[tuple[UUID, Bucket], list[Breakdown]] = {}
    answers = events.aggregate(work.tx, [request for _, _, request in asked])
    for (charge, keys, request), answer in zip(asked, answers, strict=True):
        for bucket, counted in sorted(job.view.answer(answer).items(), key=lambda item: _by_values(item[0])):
            own, values = bucket.group[: -len(keys)], bucket.group[-len(keys) :]
            shown = {key: value or "" for key, value in zip(keys, values, strict=True)}
            breakdown = Breakdown(presentation_by=shown, units=_units(computed, charge, request, counted))
            found.setdefault((charge.id, Bucket(bucket.filter_id, own)), []).append(breakdown)
    return found


def _units(computed: Computed, charge: Charge, request: UsageRequest, usage: Usage) -> Decimal:
    window = computed.job.windows.charges
    assert window is not None
    return measure(
        usage,
        request=request,
        window=window,
        rounding_function=charge.metric.rounding_function,
        rounding_precision=charge.metric.rounding_precision,
        billed_zone=None,
    ).full_units


def _by_values(bucket: Bucket) -> tuple[tuple[bool, str], ...]:
    return tuple((value is None, value or "") for value in bucket.group)
