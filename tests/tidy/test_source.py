"""The product's code, held against the rules of `rules.py`."""

from pathlib import Path

import pytest

from tests.tidy import rules
from tests.tidy.rules import Source

ROOT = Path(__file__).resolve().parents[2]

# The edges that may catch Exception, each with the reason. An entry is a file, never a folder: the request, the job,
# the delivery and the provider are four places. A new entry is argued in its commit.
BROAD_EXCEPT_EDGES: dict[str, str] = {
    "src/daycount/api/server.py": "the request: whatever a handler raises is answered with 500 and logged once",
    "src/daycount/dashboard/site.py": "the request of a page: as for the API's, with a page that says so",
    "src/daycount/usage/ingest.py": "the lane of a commit: whatever goes wrong, every waiting request gets an answer",
    "src/daycount/usage/prompt.py": "pricing at once: whatever goes wrong, the sender gets the answer and the agenda prices later",
    "src/daycount/mails/delivery.py": "the sender: whatever goes wrong with one e-mail, it is noted and the others go on",
    "src/daycount/webhooks/delivery.py": "the delivery: whatever goes wrong with one webhook, it is noted and the others go on",
    "src/daycount/worker/runner.py": "the job: a lane that fails is parked with its reason, and the others go on",
}


@pytest.fixture(scope="module")
def product() -> list[Source]:
    sources = rules.read_sources(ROOT, "src")
    assert sources, "no source found: the rules would praise an empty tree"
    return sources


@pytest.fixture(scope="module")
def everything(product: list[Source]) -> list[Source]:
    return product + rules.read_sources(ROOT, "benchmarks", "migrations", "tests")


def test_no_builtin_round(product: list[Source]) -> None:
    assert rules.findings(rules.builtin_round, product) == ""


def test_no_float_in_the_exact_core(product: list[Source]) -> None:
    core = [source for source in product if rules.is_exact(source)]

    assert {"src/daycount/money.py", "src/daycount/periods.py"} <= {source.path for source in core}
    assert rules.findings(rules.floats, core) == ""


def test_sql_reads_no_clock(product: list[Source]) -> None:
    # The private server's supervision may ask PostgreSQL for its own time; nothing that decides about money is there.
    judged = [source for source in product if not source.path.startswith("src/daycount/infra/postgres/")]

    assert rules.findings(rules.sql_clocks, judged + rules.read_sources(ROOT, "migrations")) == ""


def test_sql_text_stands_in_stores_only(product: list[Source]) -> None:
    assert rules.findings(rules.sql_outside_stores, product) == ""


def test_functions_are_short(product: list[Source]) -> None:
    assert rules.findings(rules.long_functions, product + rules.read_sources(ROOT, "benchmarks")) == ""


def test_files_are_short(product: list[Source]) -> None:
    assert rules.findings(rules.long_files, product) == ""


def test_nothing_is_left_unfinished(everything: list[Source]) -> None:
    assert rules.findings(rules.unfinished, everything) == ""


def test_only_listed_edges_catch_everything(product: list[Source]) -> None:
    inner = [source for source in product if source.path not in BROAD_EXCEPT_EDGES]

    assert rules.findings(rules.broad_excepts, inner) == ""


def test_every_listed_edge_still_catches_everything(product: list[Source]) -> None:
    stale = set(BROAD_EXCEPT_EDGES) - {source.path for source in product if any(rules.broad_excepts(source))}

    assert stale == set(), "take these out of BROAD_EXCEPT_EDGES"


def test_every_type_ignore_has_a_code_and_a_reason(everything: list[Source]) -> None:
    assert rules.findings(rules.unreasoned_ignores, everything) == ""


def test_every_module_says_what_belongs_in_it(product: list[Source]) -> None:
    modules = product + rules.read_sources(ROOT, "benchmarks", "migrations")

    assert rules.findings(rules.missing_docstrings, modules) == ""
