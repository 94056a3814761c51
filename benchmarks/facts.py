"""Where and with what was measured: versions and the machine, and nothing that names it."""

from __future__ import annotations

import os
import platform
import sqlite3
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version


def machine() -> str:
    """Cores, memory, system and Python."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = ""
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1024**3
        memory = f", {total:.0f} GB"
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{cores} cores{memory}, {platform.system()} {platform.machine()}, {python}"


def load() -> str:
    """How busy the machine is with whatever else."""
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


def versions(contenders: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Versions of everything that took part, one line a contender."""
    try:
        own = version("crm-core")
    except PackageNotFoundError:
        own = "from a checkout"
    lines = [f"crm-core {own}, SQLite {sqlite3.sqlite_version}, Python {sys.version.split()[0]}"]
    for name, found in contenders.items():
        packages = ", ".join(f"{package} {number}" for package, number in found.items())
        lines.append(f"{NAMES.get(name, name)}: {packages}")
    return lines


NAMES = {
    "crm": "crm-core with",
    "library": "eventsourcing with its own recorders",
    "columns": "Polars by hand",
    "library_gradings": "eventsourcing, gradings",
    "eventsourcing_sqlalchemy": "eventsourcing with eventsourcing_sqlalchemy",
    "eventsource_py": "eventsource-py",
    "sqlite": "raw sqlite3",
}
