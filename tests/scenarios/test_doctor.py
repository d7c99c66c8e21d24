"""`daycount doctor`: the agenda holds what the subscriptions ask for, whatever happened to them."""

import os
import subprocess
import sys
from uuid import UUID

import psycopg
import pytest

from daycount.infra.database import connect
from daycount.subscriptions.doctor import find_stale
from tests.support.server import Api, Server


@pytest.fixture
def api(server: Server) -> Api:
    """Subscriptions in every state: running, in trial, about to end, with a change of plan ahead, not started, moved in time."""
    api = server.organization(at="2025-05-01T12:00:00Z")
    api.plan("team", amount_cents=3000)
    api.plan("less", amount_cents=1000)
    api.plan("yearly", amount_cents=50_000, interval="yearly", bill_charges_monthly=True, pay_in_advance=True, trial_period=90)
    for zone, name in (("UTC", "acme"), ("Asia/Tokyo", "globex")):
        api.customer(name, timezone=zone)
        api.subscribe(name, external_id=f"{name}-team")
        api.subscribe(name, "yearly", f"{name}-trial")
        api.subscribe(name, external_id=f"{name}-ending", ending_at="2025-08-15T00:00:00Z")
        api.subscribe(name, external_id=f"{name}-waits", billing_time="anniversary")
        api.subscribe(name, external_id=f"{name}-later", subscription_at="2025-09-01T00:00:00Z")
        api.subscribe(name, "less", f"{name}-waits")
    api.move_to("2025-05-20T12:00:00Z")
    api.customer("acme", timezone="America/New_York")
    api.subscribe("globex", "yearly", "globex-team")
    return api


def stale(server: Server, api: Api) -> list[tuple[str, str]]:
    engine = connect(server.database_url(), pool_size=1)
    with engine.connect() as tx:
        found = list(find_stale(tx, organization_id=organization_of(api, server)))
    engine.dispose()
    return [(item.subscription.external_id, item.kind) for item in found]


def organization_of(api: Api, server: Server) -> UUID:
    customer = api.ok("GET", "/customers/acme")["customer"]["lago_id"]
    with psycopg.connect(server.database_url().replace("+psycopg", "")) as connection:
        row = connection.execute("select organization_id from customers where id = %s::uuid", (customer,)).fetchone()
    assert row is not None
    return UUID(str(row[0]))


def test_nothing_is_stale_whatever_happened(server: Server, api: Api) -> None:
    for instant in ("2025-05-20T12:00:00Z", "2025-06-15T00:00:00Z", "2025-08-14T23:00:00Z", "2025-10-02T00:00:00Z"):
        api.move_to(instant)
        assert stale(server, api) == []


def test_what_is_off_is_found_and_said(server: Server, api: Api) -> None:
    organization_id = organization_of(api, server)
    with psycopg.connect(server.database_url().replace("+psycopg", "")) as connection:
        connection.execute(
            """
            update agenda a
            set due_at = due_at + case when kind = 'bill_period' then interval '1 day' else interval '0' end,
                kind = case when kind = 'end_subscription' then 'nothing' else kind end
            from subscriptions s
            where s.id = a.subject_id and s.external_id = 'acme-ending' and a.organization_id = %s
            """,
            (organization_id,),
        )

    assert sorted(stale(server, api)) == [("acme-ending", "bill_period"), ("acme-ending", "end_subscription"), ("acme-ending", "nothing")]
    command = [sys.executable, "-m", "daycount", "doctor"]
    told = subprocess.run(
        command, env={**os.environ, "DAYCOUNT_DATABASE_URL": server.database_url()}, capture_output=True, text=True, check=False, timeout=60
    )
    assert told.returncode == 1
    assert "acme-ending" in told.stdout
    assert told.stdout.endswith("3 stale entries\n")
