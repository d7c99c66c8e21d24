"""
Breakdowns for presentation: the units of a bucket by the values of further properties. They never change an amount.

One more request to the event store for all charges that have such keys, none where no charge has.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from msgspec import structs

from daycount.catalog.records import Charge
from daycount.engine.charges.consumption import Detail
from daycount.engine.fees import Breakdown
from daycount.engine.metrics import Bucket, Usage, UsageRequest, measure
from daycount.infra.work import Work
from daycount.invoicing.compute import ChargeUsage, Computed, usage_request
from daycount.usage.port import EventStore

Breakdowns = Mapping[tuple[UUID, Bucket], Sequence[Breakdown]]
"""The breakdowns of every bucket, by its charge's id."""


class _Asked(NamedTuple):
    place: int
    computed: Computed
    charge: Charge
    keys: tuple[str, ...]
    request: UsageRequest


def compute_breakdowns(work: Work, computed: Computed, *, events: EventStore, wanted: frozenset[str] | None) -> Breakdowns:
    """Break the units of each bucket down by the presentation keys of its charge, of which only those `wanted` count (None: all)."""
    assert computed.job.windows.charges is not None, "there is usage to break down"
    return _break_down(work, [computed], events=events, wanted=wanted)[0]


def with_breakdowns(work: Work, computed: Sequence[Computed], *, events: EventStore) -> list[Computed]:
    """Give the fees of usage their breakdowns, as bills carry them. One request for all; none where no charge has such keys."""
    found = _break_down(work, computed, events=events, wanted=None)
    return [
        structs.replace(item, charges=[_broken_down(usage, own) for usage in item.charges]) if own else item
        for item, own in zip(computed, found, strict=True)
    ]


def _broken_down(usage: ChargeUsage, breakdowns: Breakdowns) -> ChargeUsage:
    fees = [structs.replace(fee, breakdowns=breakdowns.get((usage.charge.id, fee.bucket), ())) for fee in usage.fees]
    return structs.replace(usage, fees=fees)


def _break_down(work: Work, computed: Sequence[Computed], *, events: EventStore, wanted: frozenset[str] | None) -> list[Breakdowns]:
    asked = [
        request
        for place, item in enumerate(computed)
        for usage in item.charges
        if (request := _request(place, item, usage.charge, wanted=wanted)) is not None
    ]
    broken: list[dict[tuple[UUID, Bucket], list[Breakdown]]] = [{} for _ in computed]
    answers = events.aggregate(work.tx, [one.request for one in asked]) if asked else []
    for one, answer in zip(asked, answers, strict=True):
        for bucket, counted in sorted(one.computed.job.view.answer(answer).items(), key=lambda item: _by_values(item[0])):
            own, values = bucket.group[: -len(one.keys)], bucket.group[-len(one.keys) :]
            shown = {key: value or "" for key, value in zip(one.keys, values, strict=True)}
            breakdown = Breakdown(presentation_by=shown, units=_units(one.computed, one.charge, one.request, counted))
            broken[one.place].setdefault((one.charge.id, Bucket(bucket.filter_id, own)), []).append(breakdown)
    return list(broken)


def _request(place: int, computed: Computed, charge: Charge, *, wanted: frozenset[str] | None) -> _Asked | None:
    """Return what is asked of the event store for a charge; None where it has none of the wanted keys."""
    window = computed.job.windows.charges
    keys = tuple(key for key in charge.presentation_keys if wanted is None or key in wanted)
    if not keys or window is None:
        return None
    request = computed.job.view.ask(usage_request(computed.job.subject, charge, window))
    group_by = tuple((*own, *keys) for own in request.group_by)
    return _Asked(place, computed, charge, keys, structs.replace(request, is_prorated=False, detail=Detail.NONE, group_by=group_by))


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
