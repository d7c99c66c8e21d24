"""
Whether counted values were there just before an event: what pricing in advance asks of the events, beside aggregates.

Also what came day by day, for charts.

One statement, whatever the number of questions.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from daycount.engine.metrics import UsageRequest
from daycount.usage.lines import typing_of
from daycount.usage.records import Question

_HISTORY = datetime(1, 1, 1, tzinfo=UTC)


_ACTIVE = sa.text("""
select w.ordinal, coalesce(last.is_add, false) as is_active
from unnest(cast(:ordinals as int[]), cast(:organizations as uuid[]), cast(:subscriptions as text[]), cast(:codes as text[]),
            cast(:lows as timestamptz[]), cast(:ats as timestamptz[]), cast(:sequences as bigint[]), cast(:fields as text[]),
            cast(:typings as text[]), cast(:members as text[]), cast(:places as int[]), cast(:groups as jsonb[]),
            cast(:conditions as jsonb[]), cast(:groupings as jsonb[]))
  as w(ordinal, organization_id, subscription, code, low, at, sequence, field, typing, member, place, names, conditions, groupings)
join event_streams s on s.organization_id = w.organization_id and s.external_subscription_id = w.subscription and s.code = w.code
left join event_fields f on f.name = w.typing
left join lateral (
    select v.is_add
    from (
        select e.at, e.sequence, e.properties,
               case when e.field_id = f.id then e.member else daycount_property(e.properties, w.field) end as member,
               case when e.field_id = f.id then e.is_add
                    else daycount_operation(daycount_property(e.properties, 'operation_type')) end as is_add
        from usage_events e
        where e.stream_id = s.id and e.at >= w.low and e.at <= w.at and (e.at < w.at or e.sequence < w.sequence)
    ) as v
    where v.member = w.member and v.is_add is not null
      and (w.conditions is null or daycount_bucket(v.properties, w.conditions) = w.place)
      and (w.groupings is null or to_jsonb(daycount_group(v.properties, w.groupings -> w.place)) = w.names)
    order by v.at desc, v.sequence desc
    limit 1
) as last on true
""")


def find_active(tx: Connection, questions: Sequence[Question]) -> list[bool]:
    """Answer questions, in their order."""
    if not questions:
        return []
    answers = [False] * len(questions)
    requests = [question.request for question in questions]
    parameters = {
        "ordinals": list(range(len(questions))),
        "organizations": [request.organization_id for request in requests],
        "subscriptions": [request.external_subscription_id for request in requests],
        "codes": [request.code for request in requests],
        "lows": [_HISTORY if request.is_recurring else request.period.start for request in requests],
        "ats": [question.at for question in questions],
        "sequences": [question.sequence for question in questions],
        "fields": [request.field_name for request in requests],
        "typings": [typing_of(request.aggregation, request.field_name) for request in requests],
        "members": [question.member for question in questions],
        "places": [question.place for question in questions],
        "groups": [msgspec.json.encode(question.group).decode() for question in questions],
        "conditions": [_conditions(request) for request in requests],
        "groupings": [msgspec.json.encode(request.group_by).decode() if any(request.group_by) else None for request in requests],
    }
    for row in tx.execute(_ACTIVE, parameters):
        answers[row.ordinal] = row.is_active
    return answers


def _conditions(request: UsageRequest) -> str | None:
    if not request.conditions:
        return None
    plain = [{key: sorted(values) for key, values in condition.values.items()} for condition in request.conditions]
    return msgspec.json.encode(plain).decode()


class Day(NamedTuple):
    """What came on one local day: how many events, and the sum of their numbers."""

    code: str
    day: date
    events: int
    total: Decimal


_DAYS = sa.text("""
select s.code, (e.at at time zone :zone)::date as day, count(*) as events, coalesce(sum(e.number), 0) as total
from event_streams s
join usage_events e on e.stream_id = s.id and e.at >= :start and e.at < :end
where s.organization_id = :organization_id and s.external_subscription_id = :external_subscription_id and s.code = any(:codes)
group by s.code, day
order by s.code, day
""")


def list_days(
    tx: Connection,
    *,
    organization_id: UUID,
    external_subscription_id: str,
    codes: Sequence[str],
    start: datetime,
    end: datetime,
    zone: str,
) -> list[Day]:
    """Return how many events of each code a subscription had on each local day of `[start, end)`; days without any are left out."""
    parameters = {
        "organization_id": organization_id,
        "external_subscription_id": external_subscription_id,
        "codes": list(codes),
        "start": start,
        "end": end,
        "zone": zone,
    }
    return [Day(row.code, row.day, int(row.events), row.total) for row in tx.execute(_DAYS, parameters)]
