"""Requests at the same time: what comes out is what some order of them, one after the other, would have made."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.support.server import Api, Reply, Server
from tests.support.threads import at_once

TARGETS = ["2026-10-01T00:00:00Z", "2026-09-15T00:00:00Z", "2026-12-01T00:00:00Z", "2026-11-02T00:00:00Z"]

# Who loses the race to make a customer is told so, leaves no trace, and may send the same again.
TAKEN = {"external_id": ["value_already_exist"]}


def move_to(instant: str) -> Callable[[Api], Reply]:
    return lambda api: api.call("PUT", "/test_clock", {"test_clock": {"frozen_time": instant}})


def a_team(server: Server, customers: int) -> Api:
    api = server.organization(at="2026-07-01T00:00:00Z", document_number_prefix="CONC")
    seats = api.metric()
    api.plan(charges=[api.seat_charge(seats)])
    for number in range(customers):
        api.customer(f"c{number}")
        api.subscribe(f"c{number}", external_id=f"s{number}")
        api.event(f"{number}", subscription=f"s{number}", user_id="ada", operation_type="add")
    return api


def test_clocks_moved_at_once_bill_every_month_once(server: Server) -> None:
    api = a_team(server, 5)

    replies = at_once(server, api.key, [move_to(target) for target in TARGETS])

    # A target that lies behind the clock by then is refused, as it would be one after the other.
    assert {reply.status for reply in replies} <= {200, 422}
    assert replies[2].status == 200
    assert api.ok("GET", "/test_clock")["test_clock"]["frozen_time"] == "2026-12-01T00:00:00Z"
    invoices = api.invoices()
    assert Counter(invoice["customer"]["external_id"] for invoice in invoices) == {f"c{number}": 5 for number in range(5)}
    assert {invoice["total_amount_cents"] for invoice in invoices} == {1000}
    assert len({invoice["number"] for invoice in invoices}) == 25


def test_ending_during_a_move_is_as_ending_between_two_of_its_steps(server: Server) -> None:
    # Twelve subscriptions; six are ended while the clock goes through five months.
    api = a_team(server, 12)
    api.move_to("2026-07-10T09:00:00Z")
    ends = [lambda api, number=number: api.call("DELETE", f"/subscriptions/s{number}") for number in range(6)]

    replies = at_once(server, api.key, [move_to("2026-12-01T00:00:00Z"), *ends])

    assert [reply.status for reply in replies] == [200] * 7
    ended = sorted((reply.body["subscription"]["terminated_at"], number) for number, reply in enumerate(replies[1:]))
    in_turn = a_team(server, 12)
    for instant, number in ended:
        in_turn.move_to(instant)
        in_turn.terminate(f"s{number}")
    in_turn.move_to("2026-12-01T00:00:00Z")
    assert facts_of(api) == facts_of(in_turn)
    assert Counter(facts[0] for facts in facts_of(api))["c11"] == 5


def facts_of(api: Api) -> list[tuple[Any, ...]]:
    return sorted(
        (
            invoice["customer"]["external_id"],
            invoice["sequential_id"],
            invoice["issuing_date"],
            invoice["total_amount_cents"],
            [(fee["from_date"], fee["to_date"], fee["units"], fee["amount_cents"]) for fee in invoice["fees"]],
        )
        for invoice in api.invoices()
    )


def test_customers_written_at_once_are_one_customer(server: Server) -> None:
    api = server.organization()
    calls = [
        lambda api, place=place: api.call(
            "POST", "/customers", {"customer": {"external_id": f"c{place % 3}", "name": f"Name {place}", "city": f"City {place}"}}
        )
        for place in range(24)
    ]

    replies = at_once(server, api.key, calls)

    refused = [reply for reply in replies if reply.status != 200]
    assert [reply.body["error_details"] for reply in refused] == [TAKEN] * len(refused)
    assert [call(api).status for call in calls] == [200] * 24
    listed = api.ok("GET", "/customers")["customers"]
    assert sorted(customer["external_id"] for customer in listed) == ["c0", "c1", "c2"]
    assert sorted(customer["sequential_id"] for customer in listed) == [1, 2, 3]
    # The last writer's fields stand together.
    assert all(customer["name"].removeprefix("Name ") == customer["city"].removeprefix("City ") for customer in listed)
    assert len({reply.body["customer"]["lago_id"] for reply in replies if reply.status == 200}) == 3


def test_subscribing_at_once_makes_one_subscription(server: Server) -> None:
    api = server.organization(at="2026-07-10T00:00:00Z")
    api.plan(amount_cents=3100, pay_in_advance=True)
    body = {"subscription": {"external_customer_id": "acme", "plan_code": "team", "external_id": "sub"}}

    replies = at_once(server, api.key, [lambda api: api.call("POST", "/subscriptions", body)] * 8)

    accepted = [reply for reply in replies if reply.status == 200]
    assert [reply.body["error_details"] for reply in replies if reply.status != 200] == [TAKEN] * (8 - len(accepted))
    assert len({reply.body["subscription"]["lago_id"] for reply in accepted}) == 1
    assert api.call("POST", "/subscriptions", body).body["subscription"]["lago_id"] == accepted[0].body["subscription"]["lago_id"]
    # 22 of July's 31 days at 31.00
    assert [invoice["total_amount_cents"] for invoice in api.invoices()] == [2200]
