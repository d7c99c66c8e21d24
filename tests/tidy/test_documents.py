"""The documents that must keep up with the code: package pages, decision records, the page of settings."""

import re
from pathlib import Path

import pytest
from pydantic import AliasChoices

from daycount.config import Settings

ROOT = Path(__file__).resolve().parents[2]
DECISION_PARTS = ["Context", "Decision", "Consequences", "Alternatives"]


def packages_without_page(root: Path) -> list[str]:
    """Return the packages directly under src/daycount that do not say, in their README.md, what each owns."""
    folders = sorted(path for path in (root / "src" / "daycount").iterdir() if path.is_dir() and any(path.rglob("*.py")))
    pages = {folder.name: folder / "README.md" for folder in folders}
    return [name for name, page in pages.items() if not page.is_file() or not re.search(r"\bOwns\b", page.read_text(encoding="utf-8"))]


def decision_faults(folder: Path) -> list[str]:
    """Return what is wrong with the decision records in `folder`: gaps, names, titles, missing or disordered parts."""
    faults = []
    records = sorted(path for path in folder.glob("*.md") if path.name != "README.md")
    for number, record in enumerate(records, start=1):
        if not re.fullmatch(rf"{number:04}-[a-z0-9]+(-[a-z0-9]+)*\.md", record.name):
            faults.append(f"{record.name}: expected {number:04}-some-words.md, numbers have no gaps and no doubles")
        text = record.read_text(encoding="utf-8")
        if not re.match(rf"# {number}\. \S", text):
            faults.append(f"{record.name}: its first line must be '# {number}. Title'")
        headings = re.findall(r"^## (.+?)\s*$", text, flags=re.MULTILINE)
        if [heading for heading in headings if heading in DECISION_PARTS] != DECISION_PARTS:
            faults.append(f"{record.name}: needs the parts {', '.join(DECISION_PARTS)} in this order")
    return faults


def variables() -> list[str]:
    """Return the name in the environment of every setting, aliases included."""
    names = []
    prefix = Settings.model_config.get("env_prefix", "")
    for name, field in Settings.model_fields.items():
        match field.validation_alias:
            case None:
                names.append((prefix + name).upper())
            case AliasChoices(choices=choices):
                names.extend(str(choice) for choice in choices)
            case alias:
                names.append(str(alias))
    return names


def test_every_package_says_what_it_owns() -> None:
    assert packages_without_page(ROOT) == [], "each needs a README.md: owns, does not own, invariants, meanings of its times"


def test_decision_records_are_whole_and_numbered_without_gaps() -> None:
    assert "\n".join(decision_faults(ROOT / "docs" / "decisions")) == ""


def test_every_setting_is_documented() -> None:
    page = (ROOT / "docs" / "reference" / "configuration.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\b[A-Z][A-Z0-9_]+\b", page))

    assert variables(), "no settings found: this test would praise an empty page"
    assert [name for name in variables() if name not in named] == []


def test_a_package_without_its_page_is_found(tmp_path: Path) -> None:
    for name, page in (("catalog", "# Catalog\n\n**Owns** plans.\n"), ("usage", "# Usage\n"), ("customers", None)):
        folder = tmp_path / "src" / "daycount" / name
        folder.mkdir(parents=True)
        (folder / "store.py").touch()
        if page:
            (folder / "README.md").write_text(page, encoding="utf-8")

    assert packages_without_page(tmp_path) == ["customers", "usage"]


WHOLE = "# {}. Title\n\n## Context\n\n## Decision\n\n## Consequences\n\n## Alternatives\n"


@pytest.mark.parametrize(
    ("records", "faulty"),
    [
        ({"0001-one.md": WHOLE.format(1), "0002-two.md": WHOLE.format(2), "README.md": ""}, []),
        ({"0001-one.md": WHOLE.format(1), "0003-three.md": WHOLE.format(2)}, ["0003-three.md"]),
        ({"0001-one.md": WHOLE.format(1), "0001-too.md": WHOLE.format(2)}, ["0001-too.md"]),
        ({"0001-one.md": WHOLE.format(2)}, ["0001-one.md"]),
        ({"0001-one.md": WHOLE.format(1).replace("## Alternatives\n", "")}, ["0001-one.md"]),
    ],
)
def test_a_faulty_decision_record_is_found(tmp_path: Path, records: dict[str, str], faulty: list[str]) -> None:
    for name, text in records.items():
        (tmp_path / name).write_text(text, encoding="utf-8")

    assert [fault.split(":")[0] for fault in decision_faults(tmp_path)] == faulty
