"""Metric expressions compared with the published expression library, which runs in one long-lived Node process."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from daycount.engine.expressions import (
    Call,
    Chain,
    Code,
    Constant,
    EvaluationFailed,
    EventValues,
    Function,
    InvalidExpression,
    Negation,
    Operator,
    Property,
    Step,
    Timestamp,
    evaluate,
    parse,
    result_text,
)
from tests.support.expressions import PRODUCTS, ROUNDINGS, SPELLINGS, SUMS, chains, numbers, numeric, render, several, texts, whole_numbers

HERE = Path(__file__).parent
TIMESTAMP = 1_785_542_400
PROPERTIES = {"two": "2", "price": "2.50", "minus": "-4", "word": "abc", "empty": "", "id": "007", "flag": "true"}
WITHOUT_DEADLINE = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])

Answer = dict[str, Any]
Oracle = Callable[[str, Mapping[str, str]], Answer]


@pytest.fixture(scope="module")
def oracle() -> Iterator[Oracle]:
    """Ask the published library."""
    command = ["node", "expressions.mjs"]
    with subprocess.Popen(
        command, cwd=HERE / "javascript", stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as node:
        assert node.stdin is not None
        assert node.stdout is not None
        questions, answers = node.stdin, node.stdout

        def ask(text: str, properties: Mapping[str, str]) -> Answer:
            questions.write(json.dumps([text, "calls", TIMESTAMP, properties]) + "\n")
            questions.flush()
            line = answers.readline()
            assert line, "the oracle ended"
            return json.loads(line)

        yield ask
        questions.close()
        assert node.wait(30) == 0


def ours(text: str, properties: Mapping[str, str]) -> Answer:
    """Answer as the oracle does."""
    try:
        value = evaluate(parse(text), event=EventValues(code="calls", timestamp=TIMESTAMP, properties=properties))
    except InvalidExpression:
        return {"unread": True}
    except EvaluationFailed as error:
        return {"crashed": True} if error.reason == "Division by zero" else {"failed": error.reason}
    return {"value": value}


def agree(mine: Answer, theirs: Answer) -> bool:
    """Tell whether two answers say the same: texts to the letter, numbers (which are binary fractions there) to 13 digits."""
    value, other = mine.get("value"), theirs.get("value")
    if not isinstance(value, Decimal) or not isinstance(other, int | float):
        return mine == theirs
    return abs(value - Decimal(other)) <= Decimal("1e-13") * max(Decimal(1), abs(value))


leaves = st.one_of(
    st.builds(Constant, numbers),
    st.sampled_from(["two", "price", "minus", "id"]).map(Property),
    st.builds(Constant, numbers),
    st.just(Timestamp()),
)


@WITHOUT_DEADLINE
@given(numeric(leaves), st.sampled_from(["", " "]), st.sampled_from(SPELLINGS))
def test_numbers_are_the_same_to_the_last_digit(oracle, expression, blank, spell):
    """
    Written by concat. The library leaves out the zeros behind the last digit in some cases (2-0.000 is 2, but 2-0.001+0.001
    is 2.000) and writes small and large numbers with an exponent; we keep the former and never do the latter.
    """
    text = f"concat({render(expression, blank=blank, spell=spell)})"

    mine, theirs = ours(text, PROPERTIES), oracle(text, PROPERTIES)

    assert Decimal(mine["value"]) == Decimal(theirs["value"]), text


divided = st.recursive(
    leaves,
    lambda inner: (
        st.builds(Negation, inner)
        | chains(inner, SUMS, (Operator.MULTIPLY,))
        | st.builds(lambda left, right: Chain(left, (Step(Operator.DIVIDE, right),)), inner, leaves)
    ),
    max_leaves=8,
)


@WITHOUT_DEADLINE
@given(divided)
def test_quotients_are_the_same_to_eighty_digits(oracle, expression):
    text = f"concat({render(expression)})"

    mine, theirs = ours(text, PROPERTIES), oracle(text, PROPERTIES)

    if mine != theirs:
        value, other = Fraction(mine["value"]), Fraction(theirs["value"])
        assert abs(value - other) <= Fraction(1, 10**80) * max(1, abs(value)), text


@WITHOUT_DEADLINE
@given(st.sampled_from(ROUNDINGS), chains(leaves, SUMS, (Operator.MULTIPLY,)), leaves, whole_numbers(-3, 12))
def test_rounded_quotients_are_the_same(oracle, function, dividend, divisor, digits):
    quotient = Chain(dividend, (Step(Operator.DIVIDE, divisor),))
    text = f"concat({render(Call(function, (quotient, digits)))})"

    mine, theirs = ours(text, PROPERTIES), oracle(text, PROPERTIES)

    assert mine == theirs or Decimal(mine["value"]) == Decimal(theirs["value"]), text


mixed_leaves = leaves | st.builds(Constant, texts) | st.just(Code()) | st.sampled_from(["word", "empty", "flag", "missing"]).map(Property)
mixed = st.recursive(
    mixed_leaves,
    lambda inner: (
        st.builds(Call, st.just(Function.ROUND), st.tuples(inner | chains(inner, SUMS, PRODUCTS)))
        | st.builds(Call, st.just(Function.CONCAT), several(inner))
        | st.builds(Call, st.sampled_from((Function.LEAST, Function.GREATEST)), several(inner))
    ),
    max_leaves=6,
)


@WITHOUT_DEADLINE
@given(mixed)
def test_texts_and_failures_are_those_of_the_published_library(oracle, expression):
    text = f"concat({render(expression)})"

    mine, theirs = ours(text, PROPERTIES), oracle(text, PROPERTIES)

    assert mine == theirs, text


FRAGMENTS = """
    1 2.5 . - + * / ( ) , ' a _ \u00e9 round ROUND( Ceil( concat( least event.code event.timestamp event.properties.two event. properties
"""


@WITHOUT_DEADLINE
@given(st.lists(st.sampled_from([*FRAGMENTS.split(), " ", "\t"]), max_size=8).map("".join))
def test_what_is_no_expression_is_none_there(oracle, text):
    mine, theirs = ours(text, PROPERTIES), oracle(text, PROPERTIES)

    assert agree(mine, theirs), (text, mine, theirs)


@WITHOUT_DEADLINE
@given(st.text("0123456789.-+eE_ ", max_size=8) | st.text(max_size=4))
def test_what_counts_as_a_number_is_the_same(oracle, value):
    """But for exponents that end the oracle's day, and a sign after a leading point, which it overlooks."""
    assume(not re.search(r"[eE].{3,}", value) and not re.match(r"\.[+-]", value))
    text = "event.properties.a + 1"

    mine, theirs = ours(text, {"a": value}), oracle(text, {"a": value})

    assume(mine.get("failed") != "Number out of range")
    assert agree(mine, theirs), (value, mine, theirs)


def test_where_the_published_library_differs(oracle):
    """Ours are errors, plain notation and texts; theirs are crashes, exponents and, for a sign behind a leading point, a number."""
    assert (ours("1/0", {}), oracle("1/0", {})) == ({"crashed": True}, {"crashed": True})
    assert (ours("concat(0.0000001)", {})["value"], oracle("concat(0.0000001)", {})["value"]) == ("0.0000001", "1E-7")
    assert (ours("concat(event.properties.a)", {"a": "1e20"})["value"], oracle("concat(event.properties.a)", {"a": "1e20"})["value"]) == (
        "100000000000000000000",
        "1e+20",
    )
    assert (ours("concat(round(2,-1))", {})["value"], oracle("concat(round(2,-1))", {})["value"]) == ("0", "00")
    assert (ours("event.properties.a", {"a": ".-5"})["value"], oracle("event.properties.a", {"a": ".-5"})["value"]) == (".-5", -0.05)
    assert result_text(ours("1/3*3", {})["value"]) == "1.0"
