"""What no text file of the repository may hold: addresses of package registries and paths of somebody's machine."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Folders that tools write and git ignores.
OUTSIDE = {".git", ".venv", "node_modules", "__pycache__", "dist", "build", "var"}
OUTSIDE |= {".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".import_linter_cache"}
BINARY = {".png", ".jpg", ".gif", ".ico", ".woff", ".woff2", ".ttf", ".otf", ".pdf", ".wasm", ".gz", ".zip"}

# In pieces, so that this file does not hold what it looks for.
HOSTS = [
    "py" + "pi.org",
    "python" + "hosted.org",
    "npm" + "js.org",
    "npm" + "js.com",
    "yarn" + "pkg.com",
    "golang" + ".org",
    "crates" + ".io",
    "ruby" + "gems.org",
]
MACHINE_PATHS = ["/" + top + "/" for top in ("work", "farm", "Users", "opt/wheels")] + ["/root/" + "."]
FORBIDDEN = re.compile("|".join([*map(re.escape, HOSTS), *(r"(?<![\w.~/})-])" + re.escape(path) for path in MACHINE_PATHS)]))


def text_files(root: Path) -> Iterator[Path]:
    """Return the files of the repository that people read, in order."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(set(folders) - OUTSIDE)
        for name in sorted(set(names) - {".git"}):  # in a linked worktree git's own entry is a file
            path = Path(folder) / name
            if path.suffix not in BINARY and not path.is_symlink():
                yield path


def offences(root: Path) -> list[str]:
    """Return one line for each forbidden text, with its place."""
    found: list[str] = []
    for path in text_files(root):
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
            found.extend(f"{path.relative_to(root)}:{number}: {match.group()}" for match in FORBIDDEN.finditer(line))
    return found


def lock_offences(root: Path) -> list[str]:
    """Return one line for each address or index option in a lock of `root`."""
    found = []
    for lock in sorted((root / "requirements").glob("*.txt")):
        for number, line in enumerate(lock.read_text(encoding="utf-8").splitlines(), start=1):
            if "://" in line or re.match(r"\s*(-i|-f|--(extra-)?index-url|--find-links|--trusted-host)\b", line):
                found.append(f"{lock.relative_to(root)}:{number}: {line.strip()}")
    for lock in sorted(path for path in text_files(root) if path.name == "package-lock.json"):
        for number, line in enumerate(lock.read_text(encoding="utf-8").splitlines(), start=1):
            if '"resolved": "http' in line:
                found.append(f"{lock.relative_to(root)}:{number}: {line.strip()}")
    return found + [f"{path.relative_to(root)}: writes download addresses" for path in text_files(root) if path.name == "uv" + ".lock"]


def test_no_text_holds_a_registry_or_a_machine_path() -> None:
    assert "\n".join(offences(ROOT)) == ""


def test_no_lock_holds_an_address() -> None:
    assert "\n".join(lock_offences(ROOT)) == ""


@pytest.mark.parametrize(
    "text", ["see https://" + HOSTS[0] + "/project/x", "cd " + MACHINE_PATHS[0] + "main", "'" + MACHINE_PATHS[1] + "x'"]
)
def test_an_address_or_a_path_is_found(tmp_path: Path, text: str) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "guide.md").write_text("# Guide\n\n" + text + "\n", encoding="utf-8")

    assert [offence.rsplit(":", 1)[0] for offence in offences(tmp_path)] == ["docs/guide.md:3"]


def test_innocent_texts_and_ignored_folders_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "config").write_text(MACHINE_PATHS[0], encoding="utf-8")
    (tmp_path / "guide.md").write_text(
        "src/daycount/infra" + MACHINE_PATHS[0] + " and /var/lib/daycount and /api/v1/plans\n", encoding="utf-8"
    )

    assert offences(tmp_path) == []


def test_an_address_in_a_lock_is_found(tmp_path: Path) -> None:
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "dev.txt").write_text("--index-url x\na==1 @ https://example.com/a.whl\nb==2\n", encoding="utf-8")
    (tmp_path / "package-lock.json").write_text(
        '{\n"resolved": "https://example.com/a.tgz",\n"funding": "https://example.com"}\n', encoding="utf-8"
    )

    assert [offence.split(": ")[0] for offence in lock_offences(tmp_path)] == [
        "requirements/dev.txt:1",
        "requirements/dev.txt:2",
        "package-lock.json:2",
    ]
