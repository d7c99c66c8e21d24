"""Every worked example of pricing and subscriptions, E1 to E56, is a test that carries its id."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
ALL = {f"E{number}" for number in range(1, 57)} | {"E42b"}
IN_NAME = re.compile(r"(?:^|_)[eE](\d+b?)(?=_|$)")
IN_ID = re.compile(r"^E(\d+b?)(?=\s|$)")


def ids_in(source: str) -> Iterator[str]:
    """Yield the ids that names of tests carry (`test_e12_…`), and texts that begin with one, as the ids of parameters do."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield from (f"E{number}" for number in IN_NAME.findall(node.name))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from (f"E{number}" for number in IN_ID.findall(node.value))


def test_every_example_is_a_test() -> None:
    files = [path for folder in ("engine", "scenarios", "api") for path in sorted((TESTS / folder).glob("test_*.py"))]
    found = {example for path in files for example in ids_in(path.read_text(encoding="utf-8"))}

    assert ALL - found == set()
    assert found - ALL == set()


def test_an_id_is_found_in_names_and_texts() -> None:
    source = 'def test_e1_e42b_of_two(): ...\ndef other_e3_one(): ...\nIDS = ["E26 monthly", "EUR", "see E9", "E7"]\n'

    assert set(ids_in(source)) == {"E1", "E42b", "E26", "E7"}
