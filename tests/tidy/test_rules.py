"""Each rule of `rules.py`, tried on code that breaks it and on code that keeps it."""

from pathlib import Path

import pytest

from tests.tidy import rules
from tests.tidy.rules import Source, SourceRule


def broken_lines(rule: SourceRule, text: str, *, path: str = "src/daycount/usage/operations.py") -> list[int]:
    return [finding.line for finding in rule(Source(path=path, text=text))]


BROKEN = [
    (rules.builtin_round, "cents = round(amount, 2)"),
    (rules.builtin_round, "cents = list(map(round, amounts))"),
    (rules.floats, "rate = 0.07"),
    (rules.floats, "rate = 1e3"),
    (rules.floats, "rate = float(text)"),
    (rules.floats, "def price(rate: float): ..."),
    (rules.sql_clocks, "run('select id from agenda where due_at <= now()')"),
    (rules.sql_clocks, "run('select Current_Timestamp')"),
    (rules.sql_clocks, "run(f'update {table} set seen_at = CLOCK_TIMESTAMP ()')"),
    (rules.sql_clocks, "column = sa.Column('created_at', server_default=sa.func.now())"),
    (rules.sql_clocks, "column = Column('created_at', server_default=func.current_timestamp())"),
    (rules.sql_outside_stores, "run('''\n    SELECT id\n    FROM plans''')"),
    (rules.sql_outside_stores, "run('select id from plans')"),
    (rules.sql_outside_stores, "run(f'insert into {table} (id) values (:id)')"),
    (rules.sql_outside_stores, "run('INSERT INTO plans (id) VALUES (1)')"),
    (rules.sql_outside_stores, "run('update plans set code = :code')"),
    (rules.sql_outside_stores, "run('UPDATE plans AS p SET code = :code')"),
    (rules.sql_outside_stores, "run(f'update {table} set code = :code')"),
    (rules.sql_outside_stores, "run('DELETE FROM plans')"),
    (rules.sql_outside_stores, "run('with due as (select 1) select 2')"),
    (rules.sql_outside_stores, "run('COPY events (id) FROM STDIN')"),
    (rules.sql_outside_stores, "run('CREATE UNIQUE INDEX x ON y (z)')"),
    (rules.sql_outside_stores, "run('-- why\\nselect 1')"),
    (rules.sql_outside_stores, "run('set local lock_timeout = 5')"),
    (rules.unfinished, "x = 1  # TO" + "DO later"),
    (rules.unfinished, "# X" + "XX"),
    (rules.broad_excepts, "try: f()\nexcept: pass"),
    (rules.broad_excepts, "try: f()\nexcept Exception: pass"),
    (rules.broad_excepts, "try: f()\nexcept (ValueError, builtins.BaseException) as error: pass"),
    (rules.broad_excepts, "with contextlib.suppress(Exception): f()"),
    (rules.unreasoned_ignores, "x = f()  # type" + ": ignore"),
    (rules.unreasoned_ignores, "x = f()  # type" + ": ignore[arg-type]"),
    (rules.unreasoned_ignores, "x = f()  # type" + ": ignore  # it is wrong"),
    (rules.missing_docstrings, "x = 1"),
]

KEPT = [
    (rules.builtin_round, "cents = round_half_away(amount)\nrounding.round(amount)\nnames = {'round': 1}"),
    (rules.floats, "if isinstance(value, (float, complex)):\n    raise Invalid\nrate = Decimal('0.07') + 7"),
    (rules.sql_clocks, "'''SQL never says now().'''\nrun('select known(1), nowhere from agenda where due_at <= :now', now=work.now)"),
    (rules.sql_clocks, "def f():\n    '''Uses no now().'''\n    return clock.now()"),
    (rules.sql_outside_stores, "'''select id from plans'''\nhelp = 'Select a plan from the list'\nwhat = 'Update the set of plans'"),
    (rules.sql_outside_stores, "word = 'selected'\nother = 'With care as (usual)'\nverb = 'delete'\nkey = 'create_table'"),
    (rules.unfinished, "currency = 'X" + "XX'  # no currency"),
    (rules.broad_excepts, "try: f()\nexcept (KeyError, ValueError): raise Invalid from None\nwith suppress(OSError): f()"),
    (rules.unreasoned_ignores, "x = f()  # type" + ": ignore[arg-type, misc]  # the stub lacks bytes"),
    (rules.missing_docstrings, "'''What belongs here.'''"),
]


@pytest.mark.parametrize(("rule", "text"), BROKEN)
def test_a_broken_rule_is_found_at_its_line(rule: SourceRule, text: str) -> None:
    found = broken_lines(rule, text)

    assert len(found) == 1
    assert 1 <= found[0] <= text.count("\n") + 1


@pytest.mark.parametrize(("rule", "text"), KEPT)
def test_conforming_code_is_left_alone(rule: SourceRule, text: str) -> None:
    assert broken_lines(rule, text) == []


@pytest.mark.parametrize(
    "path",
    [
        "src/daycount/usage/store.py",
        "src/daycount/usage/tables.py",
        "src/daycount/usage/store/aggregate.py",
        "src/daycount/infra/agenda.py",
        "migrations/versions/0001_start.py",
    ],
)
def test_stores_tables_infra_and_migrations_hold_sql(path: str) -> None:
    assert broken_lines(rules.sql_outside_stores, "run('select id from plans')", path=path) == []


@pytest.mark.parametrize(("path", "exact"), [("engine/fees.py", True), ("money.py", True), ("periods.py", True), ("infra/work.py", False)])
def test_the_exact_core_is_engine_money_and_periods(path: str, exact: bool) -> None:
    assert rules.is_exact(Source(path=f"src/daycount/{path}", text="")) is exact


def function_of(lines: int, *, docstring_lines: int = 0) -> str:
    docstring = '    """' + "\n".join(["Do.", *["    more"] * (docstring_lines - 1)]) + '"""\n' if docstring_lines else ""
    return "@decorated(\n    by='three',\n)\ndef f():\n" + docstring + "    x = 1\n" * (lines - 1)


@pytest.mark.parametrize(("lines", "docstring_lines", "found"), [(70, 0, []), (71, 0, [4]), (70, 25, []), (71, 25, [4])])
def test_a_function_counts_from_def_to_end_without_decorators_and_docstring(lines: int, docstring_lines: int, found: list[int]) -> None:
    assert broken_lines(rules.long_functions, function_of(lines, docstring_lines=docstring_lines)) == found


@pytest.mark.parametrize(("lines", "found"), [(600, []), (601, [601])])
def test_a_file_may_have_600_lines(lines: int, found: list[int]) -> None:
    assert broken_lines(rules.long_files, "x = 1\n" * lines) == found


def test_sources_are_read_from_a_tree_with_their_path(tmp_path: Path) -> None:
    (tmp_path / "src/daycount/usage").mkdir(parents=True)
    (tmp_path / "src/daycount/usage/operations.py").write_text("x = round(1)\n", encoding="utf-8")
    (tmp_path / "src/daycount/money.py").write_text("x = round(1)\n", encoding="utf-8")

    said = rules.findings(rules.builtin_round, rules.read_sources(tmp_path, "src", "absent"))

    assert [line.split(": ")[0] for line in said.splitlines()] == ["src/daycount/money.py:1", "src/daycount/usage/operations.py:1"]
