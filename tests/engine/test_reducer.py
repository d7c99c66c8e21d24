"""Reducers: what custom aggregations make of events."""

from decimal import Decimal
from typing import Any

import pytest

from daycount.engine.expressions import InvalidExpression
from daycount.engine.reducer import CustomTerms, Passing, Reduced, read_reducer, reduce_events


def passing(*, inside: bool = True, **properties: Any) -> Passing:
    return Passing(code="jobs", timestamp=1_751_328_000, properties=properties, is_inside=inside)


def reduced(step: dict[str, Any], *events: Passing, charge: dict[str, str] | None = None, **rest: Any) -> Reduced:
    return reduce_events(events, terms=CustomTerms(read_reducer({"step": step} | rest), charge or {}))


def value_of(expression: str, **properties: str) -> Decimal | None:
    """Return what an expression comes to for one event; None when the event does not count."""
    found = reduced(
        {"units": expression}, Passing(code="jobs", timestamp=1_751_328_000, properties=properties, is_inside=True), charge={"price": "0.5"}
    )
    return found.units if found.events_count else None


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1 + 2 * 3 - 4 / 2", "5"),
        ("-(1 - 3)", "2"),
        ("10 - 2 - 3", "5"),
        ("event.properties.n * charge.price", "2.0"),
        ("if(event.properties.n >= 4 and not event.properties.kind = 'free', 1, 0)", "1"),
        ("if(event.properties.n < 4 or event.code = 'jobs', 1, 0)", "1"),
        ("if(event.properties.kind != 'paid', 1, 0)", "0"),
        ("if('a' < 'b', 1, 0)", "1"),
        ("coalesce(event.properties.none, 7)", "7"),
        ("min(3, event.properties.n) + max(1, 2) + abs(-1)", "6"),
        ("round(2.5) + ceil(0.1) + floor(0.9)", "4"),
        ("event.timestamp", "1751328000"),
    ],
)
def test_an_expression_has_its_value(expression: str, value: str) -> None:
    assert value_of(expression, n="4", kind="paid") == Decimal(value)


@pytest.mark.parametrize(
    "expression",
    [
        "event.properties.none",
        "event.properties.kind + 1",
        "1 / 0",
        "if(1, 2, 3)",
        "'text'",
        "event.properties.kind > 1",
        "event.properties.huge * event.properties.huge * event.properties.huge",
    ],
)
def test_an_event_without_a_value_does_not_count(expression: str) -> None:
    assert value_of(expression, kind="paid", huge="9" * 50) is None


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "1 +",
        "(1",
        "1)",
        "open('x')",
        "event.other",
        "state.units.x",
        "charge",
        "import",
        "1 1",
        "if(1, 2)",
        "a.b",
        "x" * 5000,
        "(" * 60,
    ],
)
def test_what_is_no_expression_is_refused(expression: str) -> None:
    with pytest.raises(InvalidExpression):
        read_reducer({"step": {"units": expression}})


@pytest.mark.parametrize(
    "source",
    [
        {},
        {"step": {"unit": "1"}},
        {"step": {"units": "1"}, "loop": "1"},
        {"step": {"units": "1"}, "init": {"units": "many"}},
        {"step": {"vars": {"seen": "1"}}},
        {"step": {"units": "1"}, "filter": "1 +"},
        {"step": {"units": "1"}, "init": {"vars": {f"v{n}": "0" for n in range(21)}}},
    ],
)
def test_what_is_no_reducer_is_refused(source: dict[str, Any]) -> None:
    with pytest.raises(InvalidExpression):
        read_reducer(source)


PAGES = {
    "units": "state.units + event.properties.pages",
    "amount": "if(state.vars.seen < 2, 0, charge.price * event.properties.pages)",
    "vars": {"seen": "state.vars.seen + 1"},
}
COPIES = {"filter": "event.properties.kind = 'copy'", "init": {"units": "0", "amount": "1", "vars": {"seen": "0"}}}


def test_a_step_sees_the_state_before_it_and_only_what_the_filter_takes() -> None:
    events = [passing(kind="copy", pages=str(n)) for n in (1, 2, 3, 4)]

    found = reduced(PAGES, *events, passing(kind="scan", pages="9"), passing(kind="copy", pages="x"), charge={"price": "0.10"}, **COPIES)

    # the first two are free: 1 + 0.10 x 3 + 0.10 x 4
    assert found == Reduced(Decimal(10), Decimal("1.70"), 4)


def test_what_came_before_the_period_moves_the_state_and_costs_nothing() -> None:
    events = [passing(inside=n > 2, kind="copy", pages=str(n)) for n in (1, 2, 3, 4)]

    assert reduced(PAGES, *events, charge={"price": "0.10"}, **COPIES) == Reduced(Decimal(10), Decimal("1.70"), 2)
