"""
A book of subscriptions that are all due: one is made through the API, and copied in SQL as often as wanted.

Each copy has a customer of its own. The month before the present one is due for all of them at its end, with events in it.
Tests that kill workers in the middle of a large run use it too.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, Protocol

import psycopg

_STREAMS = """
insert into event_streams (organization_id, external_subscription_id, code)
select %(organization)s, 'due-' || i, c from generate_series(1, %(count)s) i, unnest(%(codes)s::text[]) c
"""
_EVENTS = """
insert into usage_events (key, stream_id, sequence, at, created_at, field_id, number, transaction_id, properties, is_late)
select gen_random_uuid(), s.id, i, %(start)s::timestamptz + i * interval '1 hour', %(start)s, f.id, (i + s.id %% 97) * 0.125,
    s.id || '-' || i, '{"gb":"' || (i + s.id %% 97) * 0.125 || '"}', false
from event_streams s, generate_series(1, %(events)s) i, event_fields f
where s.organization_id = %(organization)s and s.external_subscription_id like 'due-%%' and f.name = 'number:gb'
"""
_PARTS = ("customers", "subscriptions", "applied_coupons", "agenda")


class Api(Protocol):
    """What is needed of a client: it sends JSON below /api/v1 and returns the reply's."""

    def ok(self, method: str, path: str, body: object = None) -> Any:
        """Send a request that must succeed."""


class Book(NamedTuple):
    """An organization with subscriptions that are due, and the instant that their period ended at."""

    organization_id: str
    due_at: datetime


def make_book(api: Api, database: psycopg.Connection[Any], *, subscriptions: int, charges: int, events: int, coupon_each: int) -> Book:
    """
    Make subscriptions that are due, each with `charges` charges in arrears beside its base fee, and `events` events for each charge.

    One customer in `coupon_each` has a coupon; all pay a tax. Subscriptions use different quantities, so that no amount is remembered from
    another. Nothing is due before this is committed.
    """
    due_at = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    _make_template(api, charges=charges, start=due_at - timedelta(days=20))
    with database.transaction():
        organization, customer, subscription = database.execute(
            "select organization_id, customer_id, id from subscriptions where external_id = 'template' order by created_at desc limit 1"
        ).fetchone() or ("", "", "")
        database.execute("update subscriptions set activated_at = started_at where id = %s", [subscription])
        database.execute("delete from agenda where organization_id = %s and kind <> 'bill_period'", [organization])
        _copy_template(database, str(customer), str(subscription), due_at=due_at, count=subscriptions, coupon_each=coupon_each)
        database.execute("delete from agenda where subject_id = %s", [subscription])
        codes = [f"metric-{number}" for number in range(charges)]
        given = {"organization": organization, "count": subscriptions, "codes": codes, "events": events}
        database.execute(_STREAMS, given)
        database.execute("insert into event_fields (name) values ('number:gb') on conflict do nothing")
        database.execute(_EVENTS, given | {"start": due_at - timedelta(days=19)})
    return Book(str(organization), due_at)


def _make_template(api: Api, *, charges: int, start: datetime) -> None:
    models: tuple[tuple[str, dict[str, Any]], ...] = (
        ("standard", {"amount": "1.5"}),
        ("graduated", {"graduated_ranges": [_tier(0, 5, "1"), _tier(5, None, "0.5")]}),
        ("package", {"amount": "2", "package_size": 3, "free_units": 1}),
        ("volume", {"volume_ranges": [_tier(0, 5, "1"), _tier(6, None, "0.75")]}),
    )
    api.ok("POST", "/taxes", {"tax": {"name": "VAT", "code": "vat", "rate": "19", "applied_to_organization": True}})
    priced = []
    for number in range(charges):
        metric = {"name": "GB", "code": f"metric-{number}", "aggregation_type": "sum_agg", "field_name": "gb"}
        made = api.ok("POST", "/billable_metrics", {"billable_metric": metric})["billable_metric"]
        model, properties = models[number % len(models)]
        priced.append({"billable_metric_id": made["lago_id"], "charge_model": model, "properties": properties})
    plan = {"code": "plan", "name": "Plan", "interval": "monthly", "amount_cents": 3100, "amount_currency": "EUR", "pay_in_advance": False}
    api.ok("POST", "/plans", {"plan": plan | {"charges": priced}})
    # The term is longer than a month, so that nothing but the billing is due.
    customer = {"external_id": "template", "name": "Template", "currency": "EUR", "net_payment_term": 60}
    api.ok("POST", "/customers", {"customer": customer})
    subscription = {"external_customer_id": "template", "plan_code": "plan", "external_id": "template"}
    api.ok("POST", "/subscriptions", {"subscription": subscription | {"subscription_at": start.isoformat()}})
    coupon = {"name": "Ten", "code": "ten", "coupon_type": "percentage", "percentage_rate": "10", "frequency": "forever"}
    api.ok("POST", "/coupons", {"coupon": coupon | {"expiration": "no_expiration"}})
    api.ok("POST", "/applied_coupons", {"applied_coupon": {"external_customer_id": "template", "coupon_code": "ten"}})


def _tier(start: int, end: int | None, price: str) -> dict[str, Any]:
    return {"from_value": start, "to_value": end, "per_unit_amount": price, "flat_amount": "0"}


def _copy_template(
    database: psycopg.Connection[Any], customer: str, subscription: str, *, due_at: datetime, count: int, coupon_each: int
) -> None:
    copied = {name: f"md5('{name}' || t.organization_id || i)::uuid" for name in _PARTS}
    due = f"timestamptz '{due_at.isoformat()}'"
    own: dict[str, dict[str, str]] = {
        "customers": {
            "id": copied["customers"],
            "external_id": "'customer-' || i",
            "sequential_id": "t.sequential_id + i",
            "slug": "t.slug || '-' || i",
        },
        "subscriptions": {"id": copied["subscriptions"], "customer_id": copied["customers"], "external_id": "'due-' || i"},
        "applied_coupons": {"id": copied["applied_coupons"], "customer_id": copied["customers"]},
        "agenda": {"id": copied["agenda"], "lane_id": copied["customers"], "subject_id": copied["subscriptions"], "due_at": due},
    }
    found = {
        "customers": f"t.id = '{customer}'",
        "subscriptions": f"t.id = '{subscription}'",
        "applied_coupons": f"t.customer_id = '{customer}' and i %% {coupon_each} = 0",
        "agenda": f"t.subject_id = '{subscription}' and t.kind = 'bill_period'",
    }
    for table in _PARTS:
        names = [
            row[0]
            for row in database.execute(
                "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped order by attnum",
                [table],
            )
        ]
        values = _values(names, own[table])
        columns = ", ".join(f'"{name}"' for name in names)
        database.execute(
            f"insert into {table} ({columns}) select {values} from {table} t, generate_series(1, %s) i where {found[table]}", [count]
        )


def _values(names: list[str], own: Mapping[str, str]) -> str:
    return ", ".join(own.get(name, f't."{name}"') for name in names)
