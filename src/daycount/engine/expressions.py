"""
Metric expressions: a small language that computes an event's value from its own properties.

    round((event.properties.ended_at - event.properties.started_at) / 60, 2) * event.properties.seats

Here belong its grammar, its meaning and its limits; when an event is evaluated, and what becomes of the value, does not.

    sum       product, then any number of `+ product` or `- product`, from left to right
    product   factor, then any number of `* factor` or `/ factor`, from left to right
    factor    value, or `-` value: one minus only, `--1` is none
    value     number, text, variable, function ( sum, … ), or ( sum )
    number    12 or 12.5: no sign, no exponent, a digit on both sides of the point
    text      'in single quotes', which it cannot contain
    variable  event.code, event.timestamp, or event.properties.NAME (a letter, then letters, digits, underscores)
    function  concat, least, greatest of one and more; round, ceil, floor of a number and perhaps its digits;
              spelled round, ROUND or Round

The blank is the only white space. Source: Lago docs, SQL expressions, and the behaviour of its published expression
library 0.2; where ours differs: a division by zero is an error, numbers are written without exponent, and sizes are limited.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, ROUND_HALF_UP, Context, Decimal, Inexact, InvalidOperation
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias, assert_never

from msgspec import Struct

from daycount.errors import Invalid
from daycount.money import ceil_to, decimal_text, round_half_away

MAX_LENGTH: Final = 4_096
"""Most characters of an expression."""
MAX_DEPTH: Final = 50
"""Most parentheses and function calls inside each other; reading and evaluating recurse as deep."""
MAX_TEXT: Final = 10_000
"""Most characters of a text that concat makes."""
DIVISION_DIGITS: Final = 100
"""Significant digits of a quotient that does not end before; a longer one is rounded, half away from zero."""
RESULT_PLACES: Final = 40
"""Decimals of a result; a longer one is rounded, half away from zero."""
RESULT_DIGITS: Final = 50
"""Most digits before the point of a result, so that it is written in less than the 100 characters that aggregation reads."""

_MAX_NUMBER = 100
_MAX_DIGITS = 1_000
_MAX_ROUNDING_DIGITS = 100
_EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[Inexact, InvalidOperation])
_DIVISION = Context(prec=DIVISION_DIGITS, rounding=ROUND_HALF_UP, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[InvalidOperation])
_PROPERTY_NUMBER = re.compile(r"[+-]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9]{1,3})?")
_TOKEN = re.compile(
    r"(?P<blank> +)"
    r"|(?P<number>[0-9]+(?:\.[0-9]+)?)"
    r"|(?P<text>'[^']*')"
    r"|(?P<variable>event\.(?:code|timestamp|properties\.[A-Za-z][A-Za-z0-9_]*))"
    r"|(?P<name>[A-Za-z]+)"
    r"|(?P<sign>[-+*/(),])"
)


class InvalidExpression(Invalid):
    """A text is no expression; `reason` and `position` (counted from 0) tell its author where it stops being one."""

    def __init__(self, reason: str, *, position: int) -> None:
        super().__init__({"expression": ["invalid_expression"]})
        self.reason = reason
        self.position = position


class EvaluationFailed(Invalid):
    """An expression has no value for an event; `reason` is in the words that users of the API know."""

    def __init__(self, reason: str) -> None:
        super().__init__({"expression": [f"expression_evaluation_failed: {reason}"]})
        self.reason = reason


class Function(StrEnum):
    """What can be called, in the first of its three spellings."""

    CONCAT = "concat"
    ROUND = "round"
    CEIL = "ceil"
    FLOOR = "floor"
    LEAST = "least"
    GREATEST = "greatest"


class Operator(StrEnum):
    """What stands between two operands."""

    ADD = "+"
    SUBTRACT = "-"
    MULTIPLY = "*"
    DIVIDE = "/"


_FUNCTIONS = {spelling: function for function in Function for spelling in (function.lower(), function.upper(), function.capitalize())}
_ROUNDINGS = frozenset({Function.ROUND, Function.CEIL, Function.FLOOR})
_SUMS = {"+": Operator.ADD, "-": Operator.SUBTRACT}
_PRODUCTS = {"*": Operator.MULTIPLY, "/": Operator.DIVIDE}


class Constant(Struct, frozen=True):
    """A number or a text that stands in the expression. A text never counts as a number, whatever its characters."""

    value: Decimal | str


class Code(Struct, frozen=True):
    """The event's code, a text."""


class Timestamp(Struct, frozen=True):
    """The event's Unix seconds, the fraction cut off."""


class Property(Struct, frozen=True):
    """One of the event's properties: a number where its text is one, else a text."""

    name: str


class Negation(Struct, frozen=True):
    """The operand with the other sign."""

    operand: "Expression"


class Step(Struct, frozen=True):
    """What a chain does next."""

    operator: Operator
    operand: "Expression"


class Chain(Struct, frozen=True):
    """
    A sum or a product, worked off from left to right: 10-2-3 is 5.

    One node for any number of steps, so that a long sum is no deeper than a short one.
    """

    first: "Expression"
    steps: tuple[Step, ...]


class Call(Struct, frozen=True):
    """A function and its arguments."""

    function: Function
    arguments: "tuple[Expression, ...]"


Expression: TypeAlias = Constant | Code | Timestamp | Property | Negation | Chain | Call


class EventValues(Struct, frozen=True, kw_only=True):
    """What an expression can ask an event for; `timestamp` is whole Unix seconds, a property that counts as missing is left out."""

    code: str
    timestamp: int
    properties: Mapping[str, str]


def parse(text: str) -> Expression:
    """
    Read an expression.

    Raises InvalidExpression, also for a text that is longer than 4096 characters, nests deeper than 50 levels or holds a
    number of more than 100 characters.
    """
    if len(text) > MAX_LENGTH:
        raise InvalidExpression("the expression is too long", position=MAX_LENGTH)
    return _Parser(_tokens(text)).whole()


def variables(expression: Expression) -> frozenset[str]:
    """Return the names of the properties that an expression reads."""
    match expression:
        case Property():
            return frozenset({expression.name})
        case Negation():
            return variables(expression.operand)
        case Chain():
            return variables(expression.first).union(*(variables(step.operand) for step in expression.steps))
        case Call():
            return frozenset().union(*(variables(argument) for argument in expression.arguments))
        case Constant() | Code() | Timestamp():
            return frozenset()
        case _:
            assert_never(expression)


def evaluate(expression: Expression, *, event: EventValues) -> Decimal | str:
    """
    Return the expression's value for an event: a number with at most 40 decimals, or a text.

    Sums and products are exact; a quotient has up to 100 significant digits, so 1/3*3 is 1 in the end, yet floor(1/3*3) is 0.
    Raises EvaluationFailed: a property is missing, a text stands where a number must, a divisor is 0, a size is out of range.
    """
    value = _value(expression, event)
    if isinstance(value, str):
        return value
    if value.adjusted() >= RESULT_DIGITS:
        raise EvaluationFailed("Number out of range")
    return round_half_away(value, places=RESULT_PLACES) if _places(value) > RESULT_PLACES else value


def result_text(value: Decimal | str) -> str:
    """Write a result as it is shown, and stored on the event: 3 is "3.0", 2.50 is "2.5", a text stays as it is."""
    return value if isinstance(value, str) else decimal_text(value)


class _Token(NamedTuple):
    kind: str
    text: str
    position: int


def _tokens(text: str) -> list[_Token]:
    """Cut a text into tokens without the blanks; the last one is of kind `end`. Raises InvalidExpression."""
    found = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise InvalidExpression(f"unexpected {text[position]!r}", position=position)
        assert match.lastgroup is not None
        if match.lastgroup != "blank":
            found.append(_Token(match.lastgroup, match.group(), position))
        position = match.end()
    return [*found, _Token("end", "", position)]


class _Parser:
    """Goes through the tokens once, a method for each rule of the grammar. All raise InvalidExpression."""

    def __init__(self, tokens: Sequence[_Token]) -> None:
        self._tokens = tokens
        self._next = 0
        self._depth = 0

    def whole(self) -> Expression:
        """Read an expression that ends where the text does."""
        expression = self._sum()
        if self._peek().kind != "end":
            raise self._unexpected()
        return expression

    def _sum(self) -> Expression:
        first = self._product()
        steps = []
        while (operator := _SUMS.get(self._peek().text)) is not None:
            self._next += 1
            steps.append(Step(operator, self._product()))
        return Chain(first, tuple(steps)) if steps else first

    def _product(self) -> Expression:
        first = self._factor()
        steps = []
        while (operator := _PRODUCTS.get(self._peek().text)) is not None:
            self._next += 1
            steps.append(Step(operator, self._factor()))
        return Chain(first, tuple(steps)) if steps else first

    def _factor(self) -> Expression:
        return Negation(self._single()) if self._take("-") else self._single()

    def _single(self) -> Expression:
        token = self._peek()
        match token.kind:
            case "number":
                if len(token.text) > _MAX_NUMBER:
                    raise InvalidExpression("the number is too long", position=token.position)
                self._next += 1
                return Constant(Decimal(token.text))
            case "text":
                self._next += 1
                return Constant(token.text[1:-1])
            case "variable":
                self._next += 1
                return _variable(token.text)
            case "name" if token.text in _FUNCTIONS:
                self._next += 1
                return self._call(_FUNCTIONS[token.text])
            case "sign" if token.text == "(":
                [inner] = self._enclosed(at_most=1)
                return inner
            case _:
                raise self._unexpected()

    def _call(self, function: Function) -> Expression:
        return Call(function, tuple(self._enclosed(at_most=2 if function in _ROUNDINGS else None)))

    def _enclosed(self, *, at_most: int | None) -> list[Expression]:
        """Read `(`, one or more sums between commas, `)`."""
        self._expect("(")
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise InvalidExpression("the expression is nested too deeply", position=self._peek().position)
        inner = [self._sum()]
        while len(inner) != at_most and self._take(","):
            inner.append(self._sum())
        self._expect(")")
        self._depth -= 1
        return inner

    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _take(self, sign: str) -> bool:
        is_next = self._peek().text == sign
        self._next += is_next
        return is_next

    def _expect(self, sign: str) -> None:
        if not self._take(sign):
            raise self._unexpected()

    def _unexpected(self) -> InvalidExpression:
        token = self._peek()
        reason = "the expression ends early" if token.kind == "end" else f"unexpected {token.text!r}"
        return InvalidExpression(reason, position=token.position)


def _variable(text: str) -> Expression:
    match text.removeprefix("event."):
        case "code":
            return Code()
        case "timestamp":
            return Timestamp()
        case name:
            return Property(name.removeprefix("properties."))


def _value(expression: Expression, event: EventValues) -> Decimal | str:
    match expression:
        case Constant():
            return expression.value
        case Code():
            return event.code
        case Timestamp():
            return Decimal(event.timestamp)
        case Property():
            return _read_property(expression.name, event)
        case Negation():
            return _bounded(_number(expression.operand, event).copy_negate())
        case Chain():
            total = _number(expression.first, event)
            for step in expression.steps:
                total = _apply(step.operator, total, _number(step.operand, event))
            return total
        case Call():
            return _call(expression, event)
        case _:
            assert_never(expression)


def _number(expression: Expression, event: EventValues) -> Decimal:
    value = _value(expression, event)
    if isinstance(value, str):
        raise EvaluationFailed("Expected a decimal")
    return value


def _read_property(name: str, event: EventValues) -> Decimal | str:
    """
    Read a property: "2", "-.5", "5.", "1e3" and "1_000" are numbers; " 2", "0x1" and what has more than 100 characters are texts.

    Source: behaviour of the published expression library.
    """
    text = event.properties.get(name)
    if text is None:
        raise EvaluationFailed(f"Variable: {name} not found")
    if len(text) > _MAX_NUMBER or not _PROPERTY_NUMBER.fullmatch(text):
        return text
    return _bounded(Decimal(text))


def _apply(operator: Operator, left: Decimal, right: Decimal) -> Decimal:
    match operator:
        case Operator.ADD:
            return _bounded(_EXACT.add(left, right))
        case Operator.SUBTRACT:
            return _bounded(_EXACT.subtract(left, right))
        case Operator.MULTIPLY:
            return _bounded(_EXACT.multiply(left, right))
        case Operator.DIVIDE:
            if not right:
                raise EvaluationFailed("Division by zero")
            return _bounded(_DIVISION.divide(left, right))


def _call(call: Call, event: EventValues) -> Decimal | str:
    match call.function:
        case Function.CONCAT:
            return _concat(call.arguments, event)
        case Function.LEAST:
            return min(_number(argument, event) for argument in call.arguments)
        case Function.GREATEST:
            return max(_number(argument, event) for argument in call.arguments)
        case Function.ROUND:
            number, places = _to_round(call.arguments, event)
            return _bounded(round_half_away(number, places=places))
        case Function.CEIL:
            number, places = _to_round(call.arguments, event)
            return _bounded(ceil_to(number, places=places))
        case Function.FLOOR:
            number, places = _to_round(call.arguments, event)
            return _bounded(ceil_to(number.copy_negate(), places=places).copy_negate())


def _concat(arguments: Sequence[Expression], event: EventValues) -> str:
    """Join texts; a number is written with the decimals it came with, so 2.50 from a property stays "2.50", and 12 is "12"."""
    joined = ""
    for argument in arguments:
        value = _value(argument, event)
        joined += value if isinstance(value, str) else format(value, "f")
        if len(joined) > MAX_TEXT:
            raise EvaluationFailed("Text too long")
    return joined


def _to_round(arguments: Sequence[Expression], event: EventValues) -> tuple[Decimal, int]:
    """Return what is to be rounded and to how many decimals; a fraction of a digit is cut off."""
    number = _number(arguments[0], event)
    digits = _number(arguments[1], event) if len(arguments) == 2 else Decimal(0)
    if digits.copy_abs() > _MAX_ROUNDING_DIGITS:
        raise EvaluationFailed("Number of digits out of range")
    return number, int(digits)


def _bounded(number: Decimal) -> Decimal:
    """Return a number of no more than 1000 digits on either side of its point, a negative zero as 0."""
    if number.adjusted() >= _MAX_DIGITS or _places(number) > _MAX_DIGITS:
        raise EvaluationFailed("Number out of range")
    return number or number.copy_abs()


def _places(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    return -exponent
