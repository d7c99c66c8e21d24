"""The contract of every event store, continued: what pricing in advance asks about single events."""

from typing import Any
from uuid import UUID

from daycount.engine.filters import Condition
from daycount.usage.records import Arrived, Question
from tests.support.event_stores import Shelf, a_seat, an_event, july

EU = UUID(int=7)


def arrived(shelf: Shelf, keys: list[str]) -> list[Arrived]:
    with shelf.engine.connect() as tx:
        return shelf.store.find_arrived(tx, organization_id=shelf.organization_id, keys=[UUID(key) for key in keys])


def asked(shelf: Shelf, before: Arrived, member: str, *, place: int = 0, group: tuple[str | None, ...] = (), **fields: Any) -> Question:
    request = shelf.request(is_prorated=False, **fields)
    return Question(request=request, place=place, group=group, member=member, at=before.event.at, sequence=before.sequence)


def answers(shelf: Shelf, *questions: Question) -> list[bool]:
    with shelf.engine.connect() as tx:
        return shelf.store.were_active(tx, questions)


def test_events_are_found_in_the_order_of_their_arrival(shelf: Shelf) -> None:
    [first] = shelf.append([a_seat("1", "ada", at=july(9)), a_seat("2", "ben", at=july(2))])
    [second] = shelf.append([a_seat("3", "cleo", at=july(1))])

    found = arrived(shelf, [*second.keys, *first.keys])

    assert {item.event.transaction_id for item in found[:2]} == {"1", "2"}
    assert found[2].event.transaction_id == "3"
    assert [item.sequence for item in found] == sorted(item.sequence for item in found)
    assert arrived(shelf, [str(EU)]) == []


def test_a_value_was_there_if_the_last_event_before_added_it(shelf: Shelf) -> None:
    shelf.append([a_seat("0", "ada", at=july(1, 0, 0).replace(month=6))])
    shelf.append([a_seat("1", "ben", at=july(5))])
    shelf.append([a_seat("2", "ben", "remove", at=july(7))])
    shelf.append([a_seat("3", "ben", "dance", at=july(8))])
    [batch] = shelf.append([a_seat("4", "ben", at=july(9))])
    shelf.append([a_seat("5", "cleo", at=july(9))])
    [late] = shelf.append([a_seat("6", "ben", at=july(6))])
    [now] = arrived(shelf, list(batch.keys))
    [earlier] = arrived(shelf, list(late.keys))

    found = answers(
        shelf,
        asked(shelf, now, "ben"),
        asked(shelf, earlier, "ben"),
        asked(shelf, now, "ada"),
        asked(shelf, now, "ada", is_recurring=False),
        asked(shelf, now, "cleo"),
        asked(shelf, now, "nobody"),
        asked(shelf, now, "ben", code="other"),
    )

    # ben was removed on the 7th; a late event of the 6th sees him; ada came in June; cleo came after, at the same instant.
    assert found == [False, True, True, False, False, False, False]
    assert answers(shelf) == []


def test_each_bucket_has_its_own_values(shelf: Shelf) -> None:
    shelf.append([an_event("1", '{"user_id": "ada", "region": "eu", "team": "red"}', at=july(1))])
    shelf.append([an_event("2", '{"user_id": "ben", "team": ""}', at=july(2))])
    [batch] = shelf.append([an_event("3", '{"user_id": "ada"}', at=july(3))])
    [now] = arrived(shelf, list(batch.keys))
    split = {"conditions": (Condition(EU, {"region": frozenset({"eu"})}),), "group_by": (("team",), ("team",))}

    found = answers(
        shelf,
        asked(shelf, now, "ada", place=1, group=("red",), **split),
        asked(shelf, now, "ada", place=1, group=("blue",), **split),
        asked(shelf, now, "ada", place=0, group=("red",), **split),
        asked(shelf, now, "ben", place=0, group=(None,), **split),
        asked(shelf, now, "ben", place=0, group=("red",), **split),
    )

    assert found == [True, False, False, True, False]
