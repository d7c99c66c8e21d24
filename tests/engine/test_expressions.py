"""Metric expressions: what they mean, case by case, and laws for any of them."""

import inspect
import sys
from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from daycount.engine.expressions import (
    Call,
    Chain,
    Code,
    Constant,
    EvaluationFailed,
    EventValues,
    Expression,
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
    variables,
)
from daycount.money import ceil_to, round_half_away
from tests.support.expressions import SPELLINGS, anything, names, numbers, numeric, render, texts

D = Decimal
PROPERTIES = {"word": "abc", "two": "2", "price": "2.50", "minus": "-4", "empty": "", "flag": "true", "a1": "7", "A_b": "8"}


def an_event(properties: dict[str, str] | None = None) -> EventValues:
    return EventValues(code="calls", timestamp=1234, properties=PROPERTIES if properties is None else properties)


def value_of(text: str, properties: dict[str, str] | None = None) -> str:
    return result_text(evaluate(parse(text), event=an_event(properties)))


def number(text: str) -> Constant:
    return Constant(D(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Precedence and order.
        ("10-2-3", "5.0"),
        ("8/2/2", "2.0"),
        ("1+2*3", "7.0"),
        ("(1+2)*3", "9.0"),
        ("1-2*3-4", "-9.0"),
        ("1-(2-3)", "2.0"),
        ("6/2*3", "9.0"),
        ("2*3/4", "1.5"),
        ("2/(4/3*3)", "0.5"),
        ("2*(3+4)*5", "70.0"),
        # One minus before a value.
        ("2*-3", "-6.0"),
        ("-2*3", "-6.0"),
        ("1--1", "2.0"),
        ("1 -- 1", "2.0"),
        ("- 1", "-1.0"),
        ("-(-1)", "1.0"),
        ("-(1+2)", "-3.0"),
        ("1*-2*-3", "6.0"),
        ("-0", "0.0"),
        ("0*-1", "0.0"),
        # Numbers, texts, blanks.
        ("01", "1.0"),
        ("1.50", "1.5"),
        ("0.1+0.2", "0.3"),
        ("99999999999999999999+1", "100000000000000000000.0"),
        (" 1 + 2 ", "3.0"),
        ("((1))", "1.0"),
        ("'a'", "a"),
        ("''", ""),
        ("' a '", " a "),
        ("'a\"b\nc\\'", 'a"b\nc\\'),
        ("'5'", "5"),
        # Variables.
        ("event.code", "calls"),
        ("event.timestamp", "1234.0"),
        ("event.timestamp/1000", "1.234"),
        ("round(event.timestamp/60)*60", "1260.0"),
        ("event.properties.word", "abc"),
        ("event.properties.empty", ""),
        ("event.properties.flag", "true"),
        ("event.properties.two", "2.0"),
        ("event.properties.price", "2.5"),
        ("event.properties.a1-event.properties.A_b", "-1.0"),
        ("-event.properties.minus", "4.0"),
    ],
)
def test_an_expression_has_this_value(text, expected):
    assert value_of(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("round(2.5)", "3.0"),
        ("round(-2.5)", "-3.0"),
        ("round(0.49)", "0.0"),
        ("round(-0.5)", "-1.0"),
        ("round(1.25,1)", "1.3"),
        ("round(-1.25,1)", "-1.3"),
        ("round(1234,-2)", "1200.0"),
        ("round(50,-2)", "100.0"),
        ("round(49,-2)", "0.0"),
        ("round(1.5,-100)", "0.0"),
        ("round(1.255,1+1)", "1.26"),
        ("round(1.25,event.properties.two)", "1.25"),
        # A fraction of a digit is cut off.
        ("round(1.25,1.9)", "1.3"),
        ("round(2.5,-0.9)", "3.0"),
        ("round(12345,-2.9)", "12300.0"),
        ("ceil(1.231,2)", "1.24"),
        ("ceil(1.2)", "2.0"),
        ("ceil(-1.2)", "-1.0"),
        ("ceil(1234,-2)", "1300.0"),
        ("ceil(-1234,-2)", "-1200.0"),
        ("ceil(1.2,-5)", "100000.0"),
        ("floor(1.9)", "1.0"),
        ("floor(-1.5)", "-2.0"),
        ("floor(1.239,2)", "1.23"),
        ("floor(1234,-2)", "1200.0"),
        ("floor(-1234,-2)", "-1300.0"),
        ("floor(0.5)", "0.0"),
        ("least(3,1,2)", "1.0"),
        ("greatest(1,3,2)", "3.0"),
        ("least(1)", "1.0"),
        ("least(1,2)-greatest(3,4)", "-3.0"),
        ("round(1.5)+round(2.5)", "5.0"),
        ("concat('a','b')", "ab"),
        ("concat('a')", "a"),
        ("concat(event.code,'-',event.properties.word)", "calls-abc"),
        ("concat(concat('a','b'),'c')", "abc"),
        ("round ( 1.5 , 0 )", "2.0"),
    ],
)
def test_a_function_has_this_value(text, expected):
    assert value_of(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # In a text a number keeps the decimals it came with or was calculated to.
        ("concat('a',1,2.50)", "a12.50"),
        ("concat(event.properties.price,'x')", "2.50x"),
        ("concat(event.timestamp)", "1234"),
        ("concat(-event.properties.two,'!')", "-2!"),
        ("concat(1/4)", "0.25"),
        ("concat(6.0/2)", "3.0"),
        ("concat(100/10)", "10"),
        ("concat(1200/1.2)", "1000"),
        ("concat(1.50+1.5)", "3.00"),
        ("concat(1-1.00)", "0.00"),
        ("concat(1.10*1)", "1.10"),
        ("concat(-0)", "0"),
        ("concat(round(1.5,3))", "1.500"),
        ("concat(round(15,-1))", "20"),
        ("concat(floor(2.50,1))", "2.5"),
        ("concat(least(1.0,1))", "1.0"),
        # Without exponent, which is where the published library writes 1E-7.
        ("concat(0.0000001)", "0.0000001"),
        ("concat(1/3)", "0." + "3" * 100),
        ("concat(2/3)", "0." + "6" * 99 + "7"),
        ("concat(200/3)", "66." + "6" * 97 + "7"),
        ("concat(1/3*3)", "0." + "9" * 100),
    ],
)
def test_concat_writes_numbers_as_they_are(text, expected):
    assert value_of(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1/3", "0." + "3" * 40),
        ("2/3", "0." + "6" * 39 + "7"),
        ("-2/3", "-0." + "6" * 39 + "7"),
        ("1/3*3", "1.0"),  # 0.999… of 100 digits, rounded to 40 places in the end
        ("floor(1/3*3)", "0.0"),
        ("round(1/3*3,5)", "1.0"),
        ("1/1024", "0.0009765625"),
        ("1/8*8", "1.0"),
        ("0." + "0" * 40 + "4", "0.0"),
        ("0." + "0" * 40 + "5", "0." + "0" * 39 + "1"),
    ],
)
def test_a_quotient_has_a_hundred_digits_and_a_result_forty_decimals(text, expected):
    assert value_of(text) == expected


@pytest.mark.parametrize("text", ["2", "+2", "02", "2.", "2.0", "2e0", "20E-1", ".2e+1", "2_", "0_2.0_0"])
def test_a_property_that_parses_is_a_number(text):
    assert value_of("event.properties.a*3", {"a": text}) == "6.0"


NO_NUMBERS = "- + . .-5 --1 +-1 _1 -_1 1e e5 .e1 1e1.5 1e_2 1,5 1.2.3 0x1 true NaN Infinity \u0662 \uff12 1e1000"


@pytest.mark.parametrize("text", [*NO_NUMBERS.split(), "", " 2", "2 ", "1\n", "9" * 101])
def test_a_property_that_does_not_parse_is_a_text(text):
    assert value_of("event.properties.a", {"a": text}) == text
    with pytest.raises(EvaluationFailed) as raised:
        value_of("event.properties.a+1", {"a": text})
    assert raised.value.reason == "Expected a decimal"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("event.properties.seats", "Variable: seats not found"),
        ("event.properties.a-1", "Variable: a not found"),
        ("concat('a',event.properties.seats)", "Variable: seats not found"),
        ("event.code+1", "Expected a decimal"),
        ("1+'a'", "Expected a decimal"),
        # A text of digits is a text, wherever it stands.
        ("'1'+1", "Expected a decimal"),
        ("-'1'", "Expected a decimal"),
        ("round('1.5')", "Expected a decimal"),
        ("round(1.25,'1')", "Expected a decimal"),
        ("least('2',1)", "Expected a decimal"),
        ("greatest('a')", "Expected a decimal"),
        ("concat(1,2)+1", "Expected a decimal"),
        ("1/0", "Division by zero"),
        ("0/0", "Division by zero"),
        ("1/(event.properties.two-2.00)", "Division by zero"),
    ],
)
def test_an_evaluation_fails_for_a_reason(text, reason):
    with pytest.raises(EvaluationFailed) as raised:
        value_of(text)

    assert raised.value.reason == reason
    assert raised.value.details == {"expression": [f"expression_evaluation_failed: {reason}"]}


NO_EXPRESSIONS = """
    ( () (1 1) 1,2 (1)(2) 2(3) 1+ *1 +1 1++1 1+-+1 --1 ---1 2-+3 1**2 2^2 5%2 1; .5 1. 1.5.2 1e3 1_000 \u0663
    a 'a a' 'a'b' 'a''b' 'a\\'b' "a"
    round round() round(1,2,3) round(1,) round(,1) concat() concat('a',) least() greatest()
    abs(1) sqrt(4) rOUND(1) roUND(1) round2(1) rounded(1)
    event event. event.foo event.properties event.properties. event.properties._x event.properties.1a event.properties.a.b
    event.properties.\u00e9 event.propertiesx Event.code EVENT.code event.Code event.codex event.code1 event.code.x
    event.timestamps event.timestamp.x
"""
WITH_BLANKS = [
    "",
    "  ",
    "1 2",
    "- - 1",
    "1. 5",
    "1\n+2",
    "1\t+2",
    "1+\u00a02",
    "event . code",
    "event.code event.code",
    "event.properties.a b",
]


@pytest.mark.parametrize("text", NO_EXPRESSIONS.split() + WITH_BLANKS)
def test_this_is_no_expression(text):
    with pytest.raises(InvalidExpression) as raised:
        parse(text)

    assert raised.value.details == {"expression": ["invalid_expression"]}


@pytest.mark.parametrize(
    ("text", "reason", "position"),
    [
        ("1 + $", "unexpected '$'", 4),
        ("(1 + 2", "the expression ends early", 6),
        ("1 + seats", "unexpected 'seats'", 4),
        ("round(1, 2, 3)", "unexpected ','", 10),
        ("'a' 'b'", "unexpected \"'b'\"", 4),
    ],
)
def test_the_author_is_told_where_it_went_wrong(text, reason, position):
    with pytest.raises(InvalidExpression) as raised:
        parse(text)

    assert (raised.value.reason, raised.value.position) == (reason, position)


def test_a_tree_shows_what_belongs_together():
    expression = parse("1 + event.properties.a * -2 - Round(event.timestamp, 1)")

    product = Chain(Property("a"), (Step(Operator.MULTIPLY, Negation(number("2"))),))
    rounding = Call(Function.ROUND, (Timestamp(), number("1")))
    assert expression == Chain(number("1"), (Step(Operator.ADD, product), Step(Operator.SUBTRACT, rounding)))
    assert parse("concat(event.code,'x')") == Call(Function.CONCAT, (Code(), Constant("x")))


def test_the_properties_an_expression_reads_are_known():
    assert variables(parse("1+event.timestamp")) == frozenset()
    text = "concat(event.code, round(event.properties.a, -event.properties.b)) "
    assert variables(parse(text)) == {"a", "b"}
    assert variables(parse("event.properties.a*event.properties.c+event.properties.a")) == {"a", "c"}


def test_the_three_spellings_of_a_function_are_one():
    for function in Function:
        assert {parse(f"{spell(function)}(1)") for spell in SPELLINGS} == {Call(function, (number("1"),))}


def test_the_length_of_an_expression_is_limited():
    longest = "1" + "+1" * 2047 + " "  # 1 + 4094 + 1 characters

    assert value_of(longest) == "2048.0"
    with pytest.raises(InvalidExpression):
        parse(longest + " ")


def test_the_length_of_a_number_is_limited():
    assert value_of("0*" + "9" * 100) == "0.0"
    with pytest.raises(InvalidExpression):
        parse("0*" + "9" * 101)


# A level costs the most calls as a sum of a product of a negated function: ten or eleven of the thousand that Python allows.
@pytest.mark.parametrize(
    ("opening", "closing"), [("(", ")"), ("1+2*-round(", ",2)"), ("concat('a',", ")"), ("-(", ")"), ("1*(1+", ")"), ("1+2*-least(3,", ")")]
)
def test_fifty_levels_are_read_and_evaluated_and_no_more(opening, closing):
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 600)
    try:
        deepest = parse(opening * 50 + "1" + closing * 50)
        evaluate(deepest, event=an_event())
        variables(deepest)
    finally:
        sys.setrecursionlimit(limit)

    for depth in (51, 500, 1000):
        with pytest.raises(InvalidExpression):
            parse((opening * depth + "1" + closing * depth)[:4096])


def test_what_is_opened_and_closed_again_is_not_deep():
    assert value_of("+".join(["(1)"] * 60)) == "60.0"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("round(1.5,101)", "Number of digits out of range"),
        ("round(1.5,-101)", "Number of digits out of range"),
        ("round(1.5,10000000000)", "Number of digits out of range"),
        ("ceil(1,event.properties.huge)", "Number of digits out of range"),
        ("event.properties.huge*event.properties.huge", "Number out of range"),
        ("event.properties.tiny*event.properties.tiny", "Number out of range"),
        ("event.properties.huge/event.properties.tiny", "Number out of range"),
        ("event.properties.huge", "Number out of range"),
        ("*".join(["event.properties.nines"] * 170), "Number out of range"),
        ("concat(event.properties.long,event.properties.long)", "Text too long"),
    ],
)
def test_sizes_are_limited(text, reason):
    properties = {"huge": "1e999", "tiny": "1e-999", "nines": "9" * 100, "long": "x" * 5001}

    with pytest.raises(EvaluationFailed) as raised:
        value_of(text, properties)

    assert raised.value.reason == reason


def test_a_result_never_has_more_than_a_hundred_characters():
    properties = {"big": "-" + "9" * 50, "third": "0." + "3" * 90}

    assert value_of("event.properties.big", properties) == "-" + "9" * 50 + ".0"
    # -(10^50 - 1) / 10 - 0.333… is -(10^49 + 0.2333…): a sign, 50 digits, the point and 40 decimals.
    assert value_of("event.properties.big/10-event.properties.third", properties) == "-1" + "0" * 49 + ".2" + "3" * 39
    with pytest.raises(EvaluationFailed):
        value_of("event.properties.big-1", properties)


def test_nothing_depends_on_the_ambient_context():
    with localcontext() as context:
        context.prec = 3
        results = [
            value_of(text) for text in ("floor(123456.5)", "-123456.25", "123456+0.25", "greatest(123456,123457)", "round(123456.5)", "2/3")
        ]

    assert results == ["123456.0", "-123456.25", "123456.25", "123457.0", "123457.0", "0." + "6" * 39 + "7"]


@given(anything, st.sampled_from(["", " ", "  "]), st.sampled_from(SPELLINGS))
def test_what_is_written_reads_as_the_same_tree(expression, blank, spell):
    text = render(expression, blank=blank, spell=spell)
    assume(len(text) <= 4096)

    assert parse(text) == expression


@given(st.text("0123456789.'+-*/(), aevntcodrupsimgl_ROUNDRound\n\u0663\u00e9", max_size=30) | st.text(max_size=20))
@example("event.properties.a" * 2)
def test_any_text_is_read_or_refused(text):
    position = 0
    try:
        parse(text)
    except InvalidExpression as error:
        position = error.position

    assert 0 <= position <= len(text)


@given(anything, st.dictionaries(names, texts | numbers.map(str), max_size=3))
def test_any_expression_has_a_value_or_a_reason(expression, properties):
    properties |= dict.fromkeys(variables(expression), "1.5")
    try:
        value = evaluate(expression, event=an_event(properties))
    except EvaluationFailed as error:
        value = error.reason

    reasons = {"Expected a decimal", "Division by zero", "Number out of range", "Number of digits out of range", "Text too long"}
    assert isinstance(value, str) or len(result_text(value)) <= 100
    assert not isinstance(value, str) or value in reasons or is_text(expression)


def is_text(expression: Expression) -> bool:
    return isinstance(expression, Constant | Code | Property) or (isinstance(expression, Call) and expression.function is Function.CONCAT)


def exact(expression: Expression) -> Fraction:
    """Evaluate what has no quotient with fractions: the naive second implementation."""
    match expression:
        case Constant():
            return Fraction(expression.value)
        case Negation():
            return -exact(expression.operand)
        case Chain():
            total = exact(expression.first)
            for step in expression.steps:
                operand = exact(step.operand)
                match step.operator:
                    case Operator.ADD:
                        total += operand
                    case Operator.SUBTRACT:
                        total -= operand
                    case _:
                        total *= operand
            return total
        case Call():
            first, *rest = [exact(argument) for argument in expression.arguments]
            places = int(rest[0]) if rest else 0
            match expression.function:
                case Function.ROUND:
                    return Fraction(round_half_away(first, places=places))
                case Function.CEIL:
                    return Fraction(ceil_to(first, places=places))
                case Function.FLOOR:
                    return -Fraction(ceil_to(-first, places=places))
                case Function.LEAST:
                    return min(first, *rest, first)
                case _:
                    return max(first, *rest, first)
        case _:
            raise AssertionError(expression)


@given(numeric(st.builds(Constant, numbers)))
def test_without_quotients_the_value_is_that_of_fractions(expression):
    wanted = exact(expression)
    assume(abs(wanted) < 10**50)

    assert evaluate(parse(render(expression)), event=an_event()) == round_half_away(wanted, places=40)


@given(st.lists(st.tuples(st.sampled_from("+-*/"), numbers.filter(bool)), max_size=6), numbers)
def test_precedence_is_that_of_arithmetic(steps, first):
    """Written flat, worked off by Python's own precedence on fractions."""
    flat = f"{first:f}" + "".join(f"{operator}{operand:f}" for operator, operand in steps)
    fractions = f"Fraction('{first:f}')" + "".join(f"{operator}Fraction('{operand:f}')" for operator, operand in steps)
    wanted = eval(fractions)  # of numbers and operators made here

    result = evaluate(parse(flat), event=an_event())

    assert abs(Fraction(result) - wanted) <= Fraction(1, 10**40) + abs(wanted) / 10**98
