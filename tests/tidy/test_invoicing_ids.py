"""Every worked example of invoicing has a test that carries its number, or a reason why it has none."""

import ast
import re
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
EXAMPLES = frozenset(range(1, 31))
NAMED = re.compile(r"test_invoicing_(\d+)_")
NOT_YET = {28: "no provider of taxes is connected, so that none says which part of an amount it taxes"}


def numbers_in(folder: Path) -> set[int]:
    """Return the numbers that names of tests carry."""
    found: set[int] = set()
    for path in sorted(folder.rglob("test_*.py")):
        names = [node.name for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.FunctionDef)]
        found |= {int(match.group(1)) for name in names for match in [NAMED.match(name)] if match}
    return found


def test_every_invoicing_example_is_a_test_or_listed_with_its_reason() -> None:
    tested = numbers_in(TESTS)

    assert sorted(EXAMPLES - tested - NOT_YET.keys()) == []
    assert sorted(tested & NOT_YET.keys()) == [], "take these out of NOT_YET"
    assert sorted(tested - EXAMPLES) == []
    assert all(NOT_YET.values())
