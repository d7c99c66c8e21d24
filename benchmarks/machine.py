"""The machine: waiting until it is quiet, what it is, and what a family of processes used of it."""

import os
import platform
import time
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_LOOK_S = 0.5
_PATIENCE_S = 60.0
_IDLE = 0.10
_ROLES = {"daycount web": "web", "daycount worker": "worker", "postgres": "database"}
"""What a process is for, by how the kernel names it."""


def _busy_and_all() -> tuple[int, int]:
    ticks = [int(part) for part in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return sum(ticks) - ticks[3] - ticks[4], sum(ticks)


class Quiet:
    """Waits until the processors have little to do, and counts how often they had not within a minute."""

    def __init__(self) -> None:
        self.disturbed = 0

    def wait(self) -> None:
        """Wait, for a minute at most."""
        deadline = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            busy, whole = _busy_and_all()
            time.sleep(_LOOK_S)
            busy_after, whole_after = _busy_and_all()
            if busy_after - busy < _IDLE * (whole_after - whole):
                return
        self.disturbed += 1


def describe_machine() -> str:
    """Name the processors, the memory and the versions that matter."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} processors ({model}), {memory_gib:.0f} GiB, Python {platform.python_version()}"


def list_family(pid: int) -> list[int]:
    """Return a process and all below it."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(entry.name))
    family, found = [pid], 0
    while found < len(family):
        family.extend(children.get(family[found], ()))
        found += 1
    return family


def read_cpu_s(pid: int) -> dict[str, float]:
    """Return the processor seconds of a server's processes, by what they do: web, worker, database."""
    used: dict[str, float] = {}
    for member in list_family(pid):
        try:
            stat = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
            name = Path(f"/proc/{member}/comm").read_text()
        except OSError:
            continue
        role = next((role for start, role in _ROLES.items() if name.startswith(start)), "other")
        used[role] = used.get(role, 0.0) + (int(stat[11]) + int(stat[12])) / _TICKS
    return used
