"""
Rules about the code itself that ruff, mypy and import-linter cannot state.

Each rule is a pure function from one source file to the places that break it; `test_source.py` applies them to the
product, `test_rules.py` tries each of them on small samples. Rules read syntax trees and comments, never run code.
"""

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, TypeAlias

MAX_FUNCTION_LINES = 70
MAX_FILE_LINES = 600

SourceRule: TypeAlias = Callable[["Source"], Iterator["Finding"]]
Definition: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


class Finding(NamedTuple):
    """One place that breaks a rule, printed as editors and terminals link it."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


class Source:
    """One Python file: its path relative to the repository, its text, its tree and its comments."""

    def __init__(self, *, path: str, text: str) -> None:
        self.path = path
        self.text = text

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, filename=self.path)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree))

    @cached_property
    def comments(self) -> list[tuple[int, str]]:
        tokens = tokenize.generate_tokens(io.StringIO(self.text).readline)
        return [(token.start[0], token.string) for token in tokens if token.type == tokenize.COMMENT]

    @cached_property
    def strings(self) -> list[tuple[int, str]]:
        """String literals that are values (docstrings and strings that stand alone are not); an f-string is one, holes as {}."""
        skipped = {id(node.value) for node in self.nodes if isinstance(node, ast.Expr)}
        found = []
        for node in self.nodes:  # a node comes before its parts
            if isinstance(node, ast.JoinedStr):
                skipped |= {id(part) for part in node.values}
                found.append((node.lineno, "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
                found.append((node.lineno, node.value))
        return found

    def finding(self, line: int, message: str) -> Finding:
        return Finding(self.path, line, message)


def read_sources(root: Path, *folders: str) -> list[Source]:
    """Return every Python file under `folders` of the repository `root`, in order of path."""
    paths = [path for folder in folders for path in sorted((root / folder).rglob("*.py"))]
    return [Source(path=path.relative_to(root).as_posix(), text=path.read_text(encoding="utf-8")) for path in paths]


def findings(rule: SourceRule, sources: Iterable[Source]) -> str:
    """Return what `rule` has to say about `sources`, one finding a line; an empty string is praise."""
    return "\n".join(str(finding) for source in sources for finding in rule(source))


def is_exact(source: Source) -> bool:
    """Whether the file does arithmetic of money or time and so may hold no binary fraction."""
    return source.path.startswith("src/daycount/engine/") or source.path in {"src/daycount/money.py", "src/daycount/periods.py"}


def may_hold_sql(source: Source) -> bool:
    """Whether SQL text belongs here: a package's store (a file, or a folder of them), its tables, infra, migrations."""
    *folders, name = source.path.split("/")
    return (
        name in {"store.py", "tables.py"}
        or source.path.startswith(("src/daycount/infra/", "migrations/", "src/daycount/migrations/"))
        or "store" in folders
    )


def builtin_round(source: Source) -> Iterator[Finding]:
    """The builtin rounds half to even and floats to floats; `daycount.money` rounds half away from zero, exactly."""
    for node in source.nodes:
        if isinstance(node, ast.Name) and node.id == "round" and isinstance(node.ctx, ast.Load):
            yield source.finding(node.lineno, "builtin round(): use the one rounding in daycount.money")


def floats(source: Source) -> Iterator[Finding]:
    """Money, quantities and times are int, Decimal or Fraction. Asking isinstance(x, float) in order to refuse is fine."""
    asked = set()
    for node in source.nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance":
            asked |= {id(inner) for argument in node.args[1:] for inner in ast.walk(argument)}
    for node in source.nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, float | complex):
            yield source.finding(node.lineno, f"float literal {node.value}: write Decimal or Fraction")
        if isinstance(node, ast.Name) and node.id == "float" and id(node) not in asked:
            yield source.finding(node.lineno, "float: use int, Decimal or Fraction")


CLOCK_WORDS = r"current_timestamp|current_date|current_time|localtimestamp"
CLOCK_CALLS = r"now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday"
SQL_CLOCK = re.compile(rf"\b(?:(?:{CLOCK_CALLS})\s*\(|(?:{CLOCK_WORDS})\b)", re.IGNORECASE)
SQL_CLOCK_NAME = re.compile(rf"(?:{CLOCK_CALLS}|{CLOCK_WORDS})")


def sql_clocks(source: Source) -> Iterator[Finding]:
    """The database must not read a clock: `now` is a parameter, so that test clocks and late work see their own time."""
    for line, text in source.strings:
        if match := SQL_CLOCK.search(text):
            yield source.finding(line, f"{match.group().strip()} in SQL: pass `now` as a parameter")
    for node in source.nodes:
        if isinstance(node, ast.Attribute) and SQL_CLOCK_NAME.fullmatch(node.attr):
            owner = node.value
            if (isinstance(owner, ast.Name) and owner.id == "func") or (isinstance(owner, ast.Attribute) and owner.attr == "func"):
                yield source.finding(node.lineno, f"func.{node.attr} in SQL: pass `now` as a parameter")


# Keywords in one case, at the start of the string: "Select a plan from the list" is prose, "select id from plans" is not.
SQL_STARTS = (
    r"select\s",
    r"insert\s+into\s",
    r"update\s+(only\s+)?[\w.\"{}]+\s+(as\s+\w+\s+)?set\s",
    r"delete\s+from\s",
    r"with\s+(recursive\s+)?\w+\s*(\([^)]*\)\s*)?as\s+(not\s+)?(materialized\s*)?\(",
    r"merge\s+into\s",
    r"copy\s+[\w.\"{}]+\s*(\(|from|to)",
    r"lock\s+table\s",
    r"truncate\s+(table\s)?",
    r"(create|alter|drop)\s+(or\s+replace\s+)?(unlogged\s+|temporary\s+|temp\s+|unique\s+)?(table|index|view|function|trigger|type|sequence|schema|extension|role)\s",
    r"set\s+local\s",
    r"(un)?listen\s+\w+\s*$",
    r"notify\s+\w+",
)
SQL_TEXT = re.compile(
    r"^[\s(]*(?:--[^\n]*\n\s*)*(?:"
    + "|".join([*SQL_STARTS, *(re.sub(r"(?<!\\)[a-z]+", lambda m: m.group().upper(), s) for s in SQL_STARTS)])
    + ")"
)


def sql_outside_stores(source: Source) -> Iterator[Finding]:
    """All SQL of a package stands in its store, where it is found, measured and locked in one order."""
    if may_hold_sql(source):
        return
    for line, text in source.strings:
        if SQL_TEXT.search(text):
            yield source.finding(line, f"SQL text {' '.join(text.split())[:40]!r}: move it to the package's store.py")


def long_functions(source: Source) -> Iterator[Finding]:
    """A function is one thought: from `def` to its last line, without decorators and docstring."""
    for node in source.nodes:
        if not isinstance(node, Definition):
            continue
        first = node.body[0]
        has_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
        docstring = last_line(first) - first.lineno + 1 if has_docstring else 0
        lines = last_line(node) - node.lineno + 1 - docstring
        if lines > MAX_FUNCTION_LINES:
            yield source.finding(node.lineno, f"{node.name} has {lines} lines; more than {MAX_FUNCTION_LINES} are never needed")


def last_line(node: ast.stmt) -> int:
    """Return the line on which `node` ends; the parser always knows it."""
    assert node.end_lineno is not None
    return node.end_lineno


def long_files(source: Source) -> Iterator[Finding]:
    """A file that passes the limit holds two subjects: split it by use case."""
    lines = len(source.text.splitlines())
    if lines > MAX_FILE_LINES:
        yield source.finding(lines, f"{lines} lines; split a file at {MAX_FILE_LINES}")


# In pieces, so that this file does not break its own rule.
UNFINISHED = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX")) + r")\b")


def unfinished(source: Source) -> Iterator[Finding]:
    """The tree is releasable: what remains to be done is planned outside of it."""
    for line, comment in source.comments:
        if match := UNFINISHED.search(comment):
            yield source.finding(line, f"{match.group()} in a comment: finish it or plan it elsewhere")


def broad_excepts(source: Source) -> Iterator[Finding]:
    """Only the edges (request, job, delivery, provider) may catch everything; they log it once, with context."""
    for node in source.nodes:
        if isinstance(node, ast.ExceptHandler):
            caught = {"bare except"} if node.type is None else broad_names(node.type)
        elif isinstance(node, ast.Call) and name_of(node.func) == "suppress":
            caught = {name for argument in node.args for name in broad_names(argument)}
        else:
            continue
        for name in sorted(caught):
            yield source.finding(node.lineno, f"{name} caught: name what can happen, or list this edge in tests/tidy/test_source.py")


def broad_names(node: ast.expr) -> set[str]:
    """Return which of the two root exceptions the expression of an except clause names."""
    return {name for inner in ast.walk(node) if (name := name_of(inner)) in {"Exception", "BaseException"}}


def name_of(node: ast.AST) -> str:
    """Return the last part of a dotted name, or nothing for other expressions."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


TYPE_IGNORE = re.compile(r"#\s*type:\s*ignore\b")
REASONED_IGNORE = re.compile(r"#\s*type:\s*ignore\[[a-z0-9, -]+\]\s*#\s*\S+\s+\S+")


def unreasoned_ignores(source: Source) -> Iterator[Finding]:
    """A hole in the types says which check it silences and why: `# type: ignore[arg-type]  # the stub lacks bytes`."""
    for line, comment in source.comments:
        if TYPE_IGNORE.search(comment) and not REASONED_IGNORE.search(comment):
            yield source.finding(line, "type: ignore without its code and a reason behind it")


def missing_docstrings(source: Source) -> Iterator[Finding]:
    """A module opens by saying what belongs in it and what does not."""
    if not ast.get_docstring(source.tree):
        yield source.finding(1, "the module has no docstring")
