"""
Custom aggregation: a bounded reducer that goes through the events of a bucket once, in order of time.

    {"init": {"units": "0", "amount": "0", "vars": {"seen": "0"}},
     "filter": "event.properties.kind = 'copy' and coalesce(event.properties.pages, 0) > 0",
     "step": {"units": "state.units + event.properties.pages",
              "amount": "if(state.vars.seen < 100, 0, charge.price * event.properties.pages)",
              "vars": {"seen": "state.vars.seen + 1"}}}

For every event that the filter takes, `units` replaces the state's, `amount` (major units of currency) is added to it, and each
of `vars` replaces its own; all see the state from before the step. The language knows no loops and nothing outside: sums,
products, comparisons (= != < <= > >=), `and`, `or`, `not`, if(c, a, b), coalesce, min, max, abs, round, ceil, floor; the variables
event.code, event.timestamp, event.properties.NAME, state.units, state.amount, state.vars.NAME, charge.NAME (the charge's custom
properties). Numbers are decimals of at most 100 digits. An event for which it has no value changes nothing and does not count.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import ROUND_HALF_UP, Context, Decimal, DecimalException, DivisionByZero, InvalidOperation, Overflow
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Struct

from daycount.engine.expressions import EvaluationFailed, InvalidExpression
from daycount.money import ceil_to, round_half_away

MAX_LENGTH: Final = 4_096
"""Most characters of one expression."""
MAX_DEPTH: Final = 50
"""Most parentheses and calls inside each other."""
MAX_VARS: Final = 20
"""Most variables a reducer keeps."""
_MAX_DIGITS: Final = 100
_MOST_CACHED: Final = 1_000
_ARITHMETIC = Context(prec=_MAX_DIGITS, rounding=ROUND_HALF_UP, traps=[InvalidOperation, DivisionByZero, Overflow])
_NUMBER = re.compile(r"-?[0-9]{1,50}(?:\.[0-9]{1,50})?")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_TOKEN = re.compile(
    r"(?P<blank>\s+)|(?P<number>[0-9]{1,50}(?:\.[0-9]{1,50})?)|(?P<text>'[^']*')"
    r"|(?P<name>[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*)*)|(?P<sign>!=|<=|>=|[-+*/(),=<>])"
)
_COMPARISONS = frozenset({"=", "!=", "<", "<=", ">", ">="})

Value = Decimal | str | bool | None


class Scope(NamedTuple):
    """What an expression can ask for."""

    code: str
    timestamp: int
    properties: Mapping[str, str]
    units: Decimal
    amount: Decimal
    variables: Mapping[str, Decimal]
    charge: Mapping[str, str]


Compiled = Callable[[Scope], Value]


class Init(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the state begins."""

    units: str = "0"
    amount: str = "0"
    vars: dict[str, str] = {}


class Step(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an event does to the state, as expressions."""

    units: str = "state.units"
    amount: str = "0"
    vars: dict[str, str] = {}


class Reducer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A reducer as its author writes it."""

    step: Step
    init: Init = Init()
    filter: str | None = None


class CustomTerms(Struct, frozen=True):
    """What a bucket is reduced by: the reducer as JSON, and the custom properties of its charge as texts."""

    source: str
    charge: Mapping[str, str]


class Reduced(NamedTuple):
    """What events come to: units, an amount in major units, and how many of the period's events took part."""

    units: Decimal
    amount: Decimal
    events_count: int


class Passing(NamedTuple):
    """An event as a reducer sees it; one before the period counts for the state, but not for the amount."""

    code: str
    timestamp: int
    properties: Mapping[str, str]
    is_inside: bool


class _Program(NamedTuple):
    units: Decimal
    amount: Decimal
    variables: Mapping[str, Decimal]
    takes: Compiled | None
    new_units: Compiled
    added_amount: Compiled
    new_variables: Mapping[str, Compiled]


def read_reducer(source: Mapping[str, Any]) -> str:
    """Check a reducer and return it as JSON. Raises InvalidExpression for what is none."""
    try:
        text = msgspec.json.encode(msgspec.convert(source, Reducer)).decode()
    except (msgspec.MsgspecError, TypeError) as error:
        raise InvalidExpression(str(error), position=0) from error
    _program(text)
    return text


def reduce_events(events: Iterable[Passing], *, terms: CustomTerms) -> Reduced:
    """Take events through a reducer, in their order."""
    program = _program(terms.source)
    units, amount, variables, count = program.units, program.amount, program.variables, 0
    for event in events:
        scope = Scope(event.code, event.timestamp, event.properties, units, amount, variables, terms.charge)
        try:
            if program.takes is not None and program.takes(scope) is not True:
                continue
            after = _number(program.new_units(scope))
            added = _number(program.added_amount(scope))
            kept = {name: _number(compute(scope)) for name, compute in program.new_variables.items()}
            total = _bounded(_ARITHMETIC.add(amount, added)) if event.is_inside else amount
        except (EvaluationFailed, DecimalException):
            continue
        units, amount, variables, count = after, total, {**variables, **kept}, count + event.is_inside
    return Reduced(units, amount, count)


@lru_cache(_MOST_CACHED)
def _program(source: str) -> _Program:
    reducer = msgspec.json.decode(source, type=Reducer)
    names = {*reducer.init.vars, *reducer.step.vars}
    if len(names) > MAX_VARS or not all(map(_NAME.fullmatch, names)) or not set(reducer.step.vars) <= set(reducer.init.vars):
        raise InvalidExpression("a variable is missing in init, or there are too many", position=0)
    return _Program(
        units=_constant(reducer.init.units),
        amount=_constant(reducer.init.amount),
        variables={name: _constant(value) for name, value in reducer.init.vars.items()},
        takes=_compile(reducer.filter) if reducer.filter else None,
        new_units=_compile(reducer.step.units),
        added_amount=_compile(reducer.step.amount),
        new_variables={name: _compile(text) for name, text in reducer.step.vars.items()},
    )


def _constant(text: str) -> Decimal:
    if not _NUMBER.fullmatch(text):
        raise InvalidExpression("the state begins with decimals", position=0)
    return Decimal(text)


def _compile(text: str) -> Compiled:
    if len(text) > MAX_LENGTH:
        raise InvalidExpression("the expression is too long", position=MAX_LENGTH)
    return _Compiler(text).whole()


def _bounded(number: Decimal) -> Decimal:
    if number.adjusted() >= _MAX_DIGITS:
        raise EvaluationFailed("Number out of range")
    return number or Decimal(0)


def _number(value: Value) -> Decimal:
    if not isinstance(value, Decimal):
        raise EvaluationFailed("Expected a decimal")
    return value


def _truth(value: Value) -> bool:
    if not isinstance(value, bool):
        raise EvaluationFailed("Expected a condition")
    return value


def _read(text: str | None) -> Value:
    return Decimal(text) if text is not None and _NUMBER.fullmatch(text) else text


def _compare(sign: str, left: Value, right: Value) -> bool:
    """Compare two numbers or two texts; others are only equal or not."""
    if sign in ("=", "!="):
        return (type(left) is type(right) and left == right) is (sign == "=")
    match left, right:
        case (Decimal(), Decimal()) | (str(), str()):
            ordered: Any = left, right
            order = int(ordered[0] > ordered[1]) - int(ordered[0] < ordered[1])
        case _:
            raise EvaluationFailed("Expected two decimals or two texts")
    return {"<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}[sign]


class _Compiler:
    """Goes through an expression once and makes a function of it, a method for each level of the grammar. All raise InvalidExpression."""

    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str, int]] = []
        position = 0
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                raise InvalidExpression(f"unexpected {text[position]!r}", position=position)
            if match.lastgroup != "blank":
                self._tokens.append((str(match.lastgroup), match.group(), position))
            position = match.end()
        self._tokens.append(("end", "", position))
        self._next = 0
        self._depth = 0

    def whole(self) -> Compiled:
        compiled = self._or()
        if self._tokens[self._next][0] != "end":
            raise self._unexpected()
        return compiled

    def _or(self) -> Compiled:
        parts = [self._and()]
        while self._take("or"):
            parts.append(self._and())
        return parts[0] if len(parts) == 1 else lambda scope: any(_truth(part(scope)) for part in parts)

    def _and(self) -> Compiled:
        parts = [self._not()]
        while self._take("and"):
            parts.append(self._not())
        return parts[0] if len(parts) == 1 else lambda scope: all(_truth(part(scope)) for part in parts)

    def _not(self) -> Compiled:
        if self._take("not"):
            inner = self._comparison()
            return lambda scope: not _truth(inner(scope))
        return self._comparison()

    def _comparison(self) -> Compiled:
        left = self._sum()
        sign = self._tokens[self._next][1]
        if sign not in _COMPARISONS:
            return left
        self._next += 1
        right = self._sum()
        return lambda scope: _compare(sign, left(scope), right(scope))

    def _sum(self) -> Compiled:
        return self._chain(self._product, {"+": _ARITHMETIC.add, "-": _ARITHMETIC.subtract})

    def _product(self) -> Compiled:
        return self._chain(self._factor, {"*": _ARITHMETIC.multiply, "/": _ARITHMETIC.divide})

    def _chain(self, operand: Callable[[], Compiled], operators: Mapping[str, Callable[[Decimal, Decimal], Decimal]]) -> Compiled:
        first = operand()
        steps: list[tuple[Callable[[Decimal, Decimal], Decimal], Compiled]] = []
        while (apply := operators.get(self._tokens[self._next][1])) is not None:
            self._next += 1
            steps.append((apply, operand()))
        if not steps:
            return first

        def run(scope: Scope) -> Value:
            total = _number(first(scope))
            for apply, compute in steps:
                total = _bounded(apply(total, _number(compute(scope))))
            return total

        return run

    def _factor(self) -> Compiled:
        if self._take("-"):
            inner = self._single()
            return lambda scope: _bounded(_number(inner(scope)).copy_negate())
        return self._single()

    def _single(self) -> Compiled:
        kind, text, _ = self._tokens[self._next]
        if text == "(":
            [inner] = self._enclosed()
            return inner
        if kind not in ("number", "text", "name") or text in ("and", "or", "not"):
            raise self._unexpected()
        self._next += 1
        if kind == "number":
            number = Decimal(text)
            return lambda _scope: number
        if kind == "text":
            constant = text[1:-1]
            return lambda _scope: constant
        return self._call(text) if self._tokens[self._next][1] == "(" else self._variable(text)

    def _variable(self, text: str) -> Compiled:
        owner, _, name = text.partition(".")
        match owner, name.split("."):
            case "event", ["code"]:
                return lambda scope: scope.code
            case "event", ["timestamp"]:
                return lambda scope: Decimal(scope.timestamp)
            case "event", ["properties", key]:
                return lambda scope: _read(scope.properties.get(key))
            case "state", ["units"]:
                return lambda scope: scope.units
            case "state", ["amount"]:
                return lambda scope: scope.amount
            case "state", ["vars", key]:
                return lambda scope: scope.variables.get(key)
            case "charge", [key] if key:
                return lambda scope: _read(scope.charge.get(key))
        raise self._unexpected()

    def _call(self, name: str) -> Compiled:
        arguments = self._enclosed()
        match name, arguments:
            case "if", [condition, then, otherwise]:
                return lambda scope: (then if _truth(condition(scope)) else otherwise)(scope)
            case "coalesce", _:
                return lambda scope: next((found for part in arguments if (found := part(scope)) is not None), None)
            case "min", _:
                return lambda scope: min(_number(part(scope)) for part in arguments)
            case "max", _:
                return lambda scope: max(_number(part(scope)) for part in arguments)
            case "abs", [one]:
                return lambda scope: _number(one(scope)).copy_abs()
            case "round", [one]:
                return lambda scope: round_half_away(_number(one(scope)), places=0)
            case "ceil", [one]:
                return lambda scope: ceil_to(_number(one(scope)), places=0)
            case "floor", [one]:
                return lambda scope: ceil_to(_number(one(scope)).copy_negate(), places=0).copy_negate()
            case _:
                raise self._unexpected()

    def _enclosed(self) -> list[Compiled]:
        """Read `(`, one or more expressions between commas, `)`."""
        self._expect("(")
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise InvalidExpression("the expression is nested too deeply", position=self._tokens[self._next][2])
        inner = [self._or()]
        while self._take(","):
            inner.append(self._or())
        self._expect(")")
        self._depth -= 1
        return inner

    def _take(self, text: str) -> bool:
        kind, found, _ = self._tokens[self._next]
        is_next = found == text and kind != "text"
        self._next += is_next
        return is_next

    def _expect(self, text: str) -> None:
        if not self._take(text):
            raise self._unexpected()

    def _unexpected(self) -> InvalidExpression:
        kind, text, position = self._tokens[self._next]
        return InvalidExpression("the expression ends early" if kind == "end" else f"unexpected {text!r}", position=position)
