"""The lists of what the product needs agree: pyproject.toml, requirements/*.in and the locks made from them."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "requirements"


def listed(path: Path) -> set[str]:
    """Return the requirements a list names itself, without comments and references to other lists."""
    lines = (line.split("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return {line for line in lines if line and not line.startswith("-")}


def pinned(path: Path) -> dict[str, str]:
    """Return the version of each package of a lock, without the marker that says where it is needed."""
    pins = re.findall(r"^([a-z0-9._-]+)==([^\\\n]+)", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {name: version.partition(";")[0].strip() for name, version in pins}


def distribution(requirement: str) -> str:
    """Return the normalized name a requirement starts with."""
    name = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert name, requirement
    return re.sub(r"[-_.]+", "-", name.group()).lower()


def test_runtime_requirements_are_those_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert listed(REQUIREMENTS / "runtime.in") == set(project["dependencies"])


def test_everything_listed_is_locked() -> None:
    for name in ("runtime", "dev"):
        wanted = {distribution(requirement) for requirement in listed(REQUIREMENTS / f"{name}.in")}

        assert wanted - set(pinned(REQUIREMENTS / f"{name}.txt")) == set(), "run: make lock"


def test_tests_run_on_the_versions_that_are_shipped() -> None:
    runtime, dev = pinned(REQUIREMENTS / "runtime.txt"), pinned(REQUIREMENTS / "dev.txt")

    assert runtime
    assert {name: dev.get(name) for name in runtime} == runtime, "run: make lock"


def test_every_locked_package_has_hashes() -> None:
    for name in ("runtime", "dev"):
        blocks = re.split(r"\n(?=[a-z0-9])", (REQUIREMENTS / f"{name}.txt").read_text(encoding="utf-8"))
        bare = [block.splitlines()[0] for block in blocks if "==" in block and "--hash=sha256:" not in block]

        assert bare == []


def test_the_locks_hold_for_every_supported_python() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    assert project["requires-python"] == ">=3.11"
    assert "--universal --python-version 3.11 --generate-hashes" in makefile
