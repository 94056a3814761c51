"""The calendars that come with the package: office, service centre, engineering (REQ-11).

Reading the package's own data counts as reading code, not as I/O (decision record 0008).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from crm_core.kernel.calendars import WorkingCalendar, working_calendar
from crm_core.kernel.policy import read_toml


@cache
def service_calendars() -> Mapping[str, WorkingCalendar]:
    """The shipped calendars by name: `cn-engineering`, `cn-office`, `cn-service-centre`."""
    found = {}
    folder = files("crm_core") / "requests" / "calendars"
    for file in sorted(folder.iterdir(), key=lambda f: f.name):
        if file.name.endswith(".toml"):
            made = working_calendar(read_toml(file.read_text(encoding="utf-8")), file.name)
            found[made.name] = made
    return MappingProxyType(found)
