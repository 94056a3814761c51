"""The library's own tests of recorders, applications and projections, on our tables."""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path

import pytest

from upstream.cases import (
    CASES,
    AggregateRecorder,
    NonInterleaving,
    ProcessRecorder,
    TrackingRecorder,
)
from upstream.on_tables import PLACES, OnLockFreePostgres, names_of, placed

PAGE = Path(__file__).parents[2] / "docs/how-to/eventsourcing-application.md"

pytestmark = [
    # Some leave what they opened to be let go, and some ask for what is to go.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("default:'log' is deprecated:DeprecationWarning"),
]

for _case in CASES:
    for _place in PLACES:
        _name, _made = placed(_case, _place, __name__)
        globals()[_name] = _made


for _case in (AggregateRecorder, NonInterleaving, ProcessRecorder, TrackingRecorder):
    _name, _made = placed(_case, OnLockFreePostgres, __name__)
    globals()[_name] = _made

# The cases themselves have no place, and are not to be collected.
del _case, _place, _made
del AggregateRecorder, NonInterleaving, ProcessRecorder, TrackingRecorder


def test_none_of_the_librarys_tests_is_left_out_and_the_page_counts_them() -> None:
    """Each runs on both databases, in the library's own words."""
    found = {}
    for case in CASES:
        for place in PLACES:
            made = globals()[f"Test{case.__name__}{place.__name__}"]
            for name in names_of(case):
                method = getattr(made, name)
                assert not getattr(method, "__unittest_skip__", False)
                assert method.__module__.split(".")[0] == "eventsourcing" or (
                    name == "test_insert_subscribe"  # optional there
                )
        found[case.__name__] = len(names_of(case))
    column = 2 if version("eventsourcing").startswith("10.") else 1
    rows = re.findall(r"^\| `(\w+)` \| (\d+|-) \| (\d+|-) \|$", PAGE.read_text("utf-8"), re.M)
    assert found == {row[0]: int(row[column]) for row in rows if row[column] != "-"}
