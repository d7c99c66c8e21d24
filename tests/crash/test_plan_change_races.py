"""Plan changes, ends and edits at the same moment: what comes out is what some order of them would have made."""

from collections import Counter
from typing import Any

from tests.crash.test_concurrency import move_to
from tests.support.instants import unix
from tests.support.invoices import base_cents, charge_of, fees_of
from tests.support.server import Api, Server
from tests.support.threads import at_once


def a_team(server: Server) -> Api:
    api = server.organization(at="2025-05-01T00:00:00Z")
    for code, cents in (("base", 3000), ("more", 6000), ("most", 9000)):
        api.plan(code, amount_cents=cents)
    api.customer()
    api.subscribe(plan="base")
    api.move_to("2025-06-11T14:30:00Z")
    return api


def change_to(plan: str) -> Any:
    wanted = {"external_customer_id": "acme", "external_id": "sub", "plan_code": plan}
    return lambda api: api.call("POST", "/subscriptions", {"subscription": wanted})


def outcome(api: Api) -> tuple[Any, ...]:
    api.move_to("2025-08-01T00:00:00Z")
    rows = api.ok("GET", "/subscriptions", query={"status[]": ["active", "pending", "terminated", "canceled"]})["subscriptions"]
    bases = Counter(cents for invoice in api.invoices() for cents in base_cents(invoice))
    return sorted((row["plan_code"], row["status"]) for row in rows), sorted(bases.items())


def test_two_changes_at_once_are_one_after_the_other(server: Server) -> None:
    api = a_team(server)

    replies = at_once(server, api.key, [change_to("more"), change_to("most")])

    in_turn = []
    for order in (("more", "most"), ("most", "more")):
        other = a_team(server)
        for plan in order:
            other.subscribe(plan=plan)
        in_turn.append(outcome(other))
    assert [reply.status for reply in replies] == [200, 200]
    assert outcome(api) in in_turn


def test_the_same_upgrade_sent_many_times_at_once_happens_once(server: Server) -> None:
    api = a_team(server)

    replies = at_once(server, api.key, [change_to("more")] * 6)

    assert len({reply.body["subscription"]["lago_id"] for reply in replies}) == 1
    # May; 1–10 June of 30.00; 11–30 June of 60.00; July.
    assert outcome(api)[1] == [(1000, 1), (3000, 1), (4000, 1), (6000, 1)]


def test_events_during_an_end_are_billed_when_they_came_before_it(server: Server) -> None:
    api = server.organization(at="2025-05-01T00:00:00Z")
    calls = api.metric("calls", aggregation_type="count_agg", field_name=None, recurring=False)
    api.plan(charges=[api.seat_charge(calls, "1", prorated=False)])
    api.customer()
    api.subscribe()
    api.move_to("2025-05-10T12:00:00Z")
    before = [api.event(f"before-{number}", code="calls") for number in range(3)]

    def send(name: str) -> Any:
        body = {"transaction_id": name, "code": "calls", "external_subscription_id": "sub", "timestamp": unix("2025-05-10T11:00:00Z")}
        return lambda api: api.call("POST", "/events", {"event": body})

    replies = at_once(server, api.key, [lambda api: api.call("DELETE", "/subscriptions/sub"), *[send(f"{number}") for number in range(10)]])

    assert {reply.status for reply in replies} == {200}
    [invoice] = api.invoices()
    fee = charge_of(invoice)
    assert len(before) <= fee["events_count"] <= len(before) + 10
    assert fee["amount_cents"] == 100 * fee["events_count"]


def test_a_plan_edited_during_a_run_prices_each_invoice_by_one_version(server: Server) -> None:
    api = server.organization(at="2025-05-01T00:00:00Z")
    seats = api.metric()
    charge = api.seat_charge(seats)
    made = api.plan(amount_cents=1000, charges=[charge])["charges"][0]
    for number in range(8):
        api.customer(f"c{number}")
        api.subscribe(f"c{number}", external_id=f"s{number}")
        api.event(f"{number}", subscription=f"s{number}", user_id="ada")
    dearer = {"amount_cents": 2000, "charges": [charge | {"id": made["lago_id"], "properties": {"amount": "20"}}]}

    replies = at_once(server, api.key, [move_to("2026-03-01T00:00:00Z"), lambda api: api.call("PUT", "/plans/team", {"plan": dearer})])

    assert [reply.status for reply in replies] == [200, 200]
    invoices = api.invoices()
    assert len(invoices) == 80
    prices = [
        (invoice["issuing_date"], base_cents(invoice), [fee["amount_cents"] for fee in fees_of(invoice, "charge")]) for invoice in invoices
    ]
    assert {(tuple(base), tuple(charges)) for _, base, charges in prices} <= {((1000,), (1000,)), ((2000,), (2000,))}
    old = [date for date, base, _ in prices if base == [1000]]
    new = [date for date, base, _ in prices if base == [2000]]
    assert not old or not new or max(old) <= min(new)
