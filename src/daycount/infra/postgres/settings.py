"""The settings PostgreSQL gets from us, in proportion to a machine whose two cores and memory it shares with Daycount."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

MIB = 1024 * 1024
CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")
FILE_NAME = "daycount.conf"


def get_memory_mib(*, cgroup_limit: Path = CGROUP_LIMIT) -> int:
    """Return the memory that the machine or its container has, in MiB."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // MIB
    try:
        limit = cgroup_limit.read_text().strip()
    except OSError:
        return machine
    return min(machine, int(limit) // MIB) if limit.isdigit() else machine


def get_free_disk_mib(folder: Path) -> int:
    """Return the free space of the disk that holds the folder, in MiB."""
    return shutil.disk_usage(folder).free // MIB


def clamp(value: int, *, low: int, high: int) -> int:
    """Return the value, or the bound that it is beyond."""
    return max(low, min(value, high))


def compute_settings(*, memory_mib: int, free_disk_mib: int) -> Mapping[str, str]:
    """Compute the settings for a machine with so much memory and free disk, both in MiB."""
    max_wal_mib = clamp(free_disk_mib // 8, low=128, high=4096)
    return {
        # A crash must never cost an acknowledged event.
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "shared_buffers": f"{clamp(memory_mib // 8, low=64, high=2048)}MB",
        "effective_cache_size": f"{max(memory_mib // 2, 128)}MB",
        "work_mem": f"{clamp(memory_mib // 512, low=4, high=32)}MB",
        "maintenance_work_mem": f"{clamp(memory_mib // 32, low=64, high=512)}MB",
        "max_connections": "100",
        # Events hit random leaves of the unique index: after each checkpoint every leaf is logged whole. Rare checkpoints
        # and compression keep that small; pglz, because the wheel is built without lz4 and zstd.
        "max_wal_size": f"{max_wal_mib}MB",
        "min_wal_size": f"{clamp(max_wal_mib // 4, low=80, high=1024)}MB",
        "checkpoint_timeout": "15min",
        "wal_compression": "pglz",
        "random_page_cost": "1.1",
        "jit": "off",
        "autovacuum": "on",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "lc_messages": "C",
        "password_encryption": "scram-sha-256",
        # The client gets every error in full. The log would keep customers' data for ever, and grow with each repeated event.
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
    }


def render_settings(settings: Mapping[str, str]) -> str:
    """Write the settings as a PostgreSQL configuration file."""
    head = "# Written by Daycount at every start. Your own settings go to the end of postgresql.conf.\n"
    return head + "".join(f"{name} = '{value}'\n" for name, value in settings.items())
