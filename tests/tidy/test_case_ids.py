"""Every worked case of metering has a test that carries its id, or a reason why it has none yet."""

import re
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from tests.scenarios import test_advance, test_charge_models, test_filters_and_groups, test_metering_cases, test_plan_changes

ALL = {f"W{number}" for number in range(1, 43)}
CASE = re.compile(r"(?:^|_)(W\d+)(?:_|-|$)")


def cases_in(texts: Iterable[str]) -> set[str]:
    """Return the case ids that names of tests or of their parameters carry."""
    return {match.group(1) for text in texts for match in CASE.finditer(text)}


def names_of(module: ModuleType) -> list[str]:
    """Return the names of a module's tests and the ids of their parameters."""
    names = []
    for name, test in vars(module).items():
        if not name.startswith("test_"):
            continue
        names.append(name)
        for mark in getattr(test, "pytestmark", []):
            names.extend(str(text) for text in mark.kwargs.get("ids") or [])
            names.extend(str(value.id) for value in mark.args[1] if getattr(value, "id", None))
    return names


def test_every_metering_case_is_a_test_or_listed_with_its_reason() -> None:
    modules = (test_metering_cases, test_filters_and_groups, test_plan_changes, test_charge_models, test_advance)
    tested = cases_in(name for module in modules for name in names_of(module))
    listed = set(test_metering_cases.NOT_YET)

    assert ALL - tested - listed == set()
    assert tested & listed == set(), "take these out of NOT_YET"
    assert (tested | listed) - ALL == set()
    assert all(test_metering_cases.NOT_YET.values())


def test_an_id_is_found_in_names_and_parameters() -> None:
    assert cases_in(["test_W23_a_change", "W17-utc", "W4", "test_nothing", "W99x"]) == {"W23", "W17", "W4"}


def test_the_list_in_the_readme_is_the_list_in_the_code() -> None:
    page = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")

    assert dict(re.findall(r"^\| (W\d+) \| (.+) \|$", page, flags=re.MULTILINE)) == test_metering_cases.NOT_YET
