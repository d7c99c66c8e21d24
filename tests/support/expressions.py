"""Metric expressions for tests: drawn as trees of the engine's nodes, and written as text."""

from decimal import Decimal
from typing import assert_never

from hypothesis import strategies as st

from daycount.engine.expressions import Call, Chain, Code, Constant, Expression, Function, Negation, Operator, Property, Step, Timestamp

ROUNDINGS = (Function.ROUND, Function.CEIL, Function.FLOOR)
CHOICES = (Function.LEAST, Function.GREATEST)
SUMS = (Operator.ADD, Operator.SUBTRACT)
PRODUCTS = (Operator.MULTIPLY, Operator.DIVIDE)
SPELLINGS = (str.lower, str.upper, str.capitalize)

names = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,5}", fullmatch=True)
texts = st.text(st.characters(codec="utf-8", exclude_characters="'\0"), max_size=10)
numbers = st.decimals(min_value=0, max_value=10**6, places=3) | st.integers(0, 10**6).map(Decimal)


def render(expression: Expression, *, blank: str = "", spell=str.lower) -> str:
    """Write an expression; every chain inside another one or behind a minus stands in parentheses."""

    def inner(operand: Expression) -> str:
        text = render(operand, blank=blank, spell=spell)
        return f"({blank}{text}{blank})" if isinstance(operand, Chain) else text

    match expression:
        case Constant():
            return f"'{expression.value}'" if isinstance(expression.value, str) else format(expression.value, "f")
        case Code():
            return "event.code"
        case Timestamp():
            return "event.timestamp"
        case Property():
            return f"event.properties.{expression.name}"
        case Negation():
            operand = inner(expression.operand)
            return f"-{blank}({operand})" if isinstance(expression.operand, Negation) else f"-{blank}{operand}"
        case Chain():
            steps = (f"{blank}{step.operator}{blank}{inner(step.operand)}" for step in expression.steps)
            return inner(expression.first) + "".join(steps)
        case Call():
            arguments = f"{blank},{blank}".join(render(argument, blank=blank, spell=spell) for argument in expression.arguments)
            return f"{spell(expression.function)}{blank}({blank}{arguments}{blank})"
        case _:
            assert_never(expression)


def chains(operands: st.SearchStrategy, *operators: tuple[Operator, ...]) -> st.SearchStrategy[Expression]:
    """Chains of operands, each with steps of one group of operators: those of a sum, or those of a product."""
    return st.one_of(*[st.builds(Chain, operands, several(st.builds(Step, st.sampled_from(group), operands))) for group in operators])


def several(things: st.SearchStrategy) -> st.SearchStrategy:
    """Return tuples of one to three things."""
    return st.lists(things, min_size=1, max_size=3).map(tuple)


def calls(operands: st.SearchStrategy[Expression], digits: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    """Calls of every function that makes numbers, with operands to round and digits to round them to."""
    rounded = st.tuples(operands) | st.tuples(operands, digits)
    return st.builds(Call, st.sampled_from(ROUNDINGS), rounded) | st.builds(Call, st.sampled_from(CHOICES), several(operands))


def whole_numbers(least: int, most: int) -> st.SearchStrategy[Expression]:
    """Constants, with their minus in front where they have one."""
    return st.integers(least, most).map(lambda number: Constant(Decimal(number)) if number >= 0 else Negation(Constant(Decimal(-number))))


def numeric(leaves: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    """Expressions of numbers over the given leaves, without a quotient, so that their values are exact."""
    digits = whole_numbers(-3, 6)
    return st.recursive(
        leaves,
        lambda inner: st.builds(Negation, inner) | chains(inner, SUMS, (Operator.MULTIPLY,)) | calls(inner, digits),
        max_leaves=12,
    )


anything: st.SearchStrategy[Expression] = st.recursive(
    st.one_of(st.builds(Constant, numbers | texts), st.builds(Property, names), st.just(Code()), st.just(Timestamp())),
    lambda inner: (
        st.builds(Negation, inner) | chains(inner) | calls(inner, inner) | st.builds(Call, st.just(Function.CONCAT), several(inner))
    ),
    max_leaves=15,
)
"""Every expression that can be written, whether it has a value or not."""
