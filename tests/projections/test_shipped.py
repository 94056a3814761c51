"""The projections of the library: what their rows say, and that they rebuild to the same bytes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm_adapters import open_crm
from crm_adapters.cli.app import run
from crm_adapters.projections import LogViews, MemoryViewStore
from crm_core import CRM, Actor, Personal, Refused, Request
from crm_core.gradings.views import GRADED, RECORDS, GradedRow, RecordRow
from crm_core.kernel.dates import sortable_text
from crm_core.kernel.projection import Projection
from crm_core.kernel.recorded import Envelope, Recorded
from crm_core.kernel.sealed import PersonalValue, Sealed
from crm_core.owners import AddMember, EndRole, RegisterHousehold
from crm_core.owners.views import DIRECTORY, DirectoryLine
from crm_core.requests.clocks import CLOSING
from crm_core.requests.state import Closed, Merged
from crm_core.requests.views import OPEN
from crm_core.slices import catalog, registry
from crm_core.testing.contracts.tally import tallied
from crm_core.testing.strategies import (
    Entry,
    Estate,
    any_events,
    estates,
)

CLERK = Actor("M1", "specialist")
NOW = datetime(2011, 7, 1, tzinfo=UTC)


@pytest.fixture
def crm() -> Iterator[CRM]:
    with open_crm("memory:") as opened:
        yield opened


def kept(crm: CRM, batch: int) -> LogViews:
    return LogViews(crm.log, MemoryViewStore(), crm.clock, batch=batch)


def texts(views: LogViews, view: Projection[Any]) -> list[tuple[str, str, str]]:
    """The rows as stored: compared byte for byte."""
    return views.store.live_rows(view.name, view.version, ("", ""), None, 100_000)


@pytest.mark.rule("LOG-05")
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(estates(2011), st.data())
def test_every_projection_rebuilds_to_the_same_bytes(estate: Estate, data: st.DataObject) -> None:
    """Kept up with random stops and batches, rebuilt at once, and folded without a runner."""
    parts = data.draw(st.integers(1, 4), label="parts")
    size = len(estate.entries) // parts + 1
    with open_crm("memory:") as crm:
        views = kept(crm, data.draw(st.integers(1, 7), label="batch"))
        for part in range(parts):
            entries = estate.entries[part * size : (part + 1) * size]
            for number, entry in enumerate(entries):
                enter(crm, f"{part}-{number}", entry)
            if part == parts // 2:
                crm.grade(2011)
            for view in registry().projections:
                stops = iter(data.draw(st.lists(st.booleans(), max_size=3), label="stops"))
                views.catch_up(view, stop=lambda stops=stops: next(stops, False))
        again = kept(crm, 1000)
        for view in registry().projections:
            views.catch_up(view)
            kept_up = texts(views, view)
            again.catch_up(view)
            assert texts(again, view) == kept_up
            views.rebuild(view)
            views.catch_up(view)
            assert texts(views, view) == kept_up
            assert list(views.scan(view, limit=100_000)) == tallied(crm.log, view)
            assert all(one.parked == 0 for one in views.status())


def enter(crm: CRM, id: str, entry: Entry) -> None:
    with suppress(Refused):
        crm.do(entry.command, by=entry.by, id=id, at=entry.at)


@pytest.mark.parametrize("view", registry().projections, ids=lambda view: view.name)
def test_a_projection_takes_every_event_it_names_whatever_came_before(
    view: Projection[Any],
) -> None:
    """Total: in any order, on any rows."""

    class NoRows:
        def get(self, key: str) -> None:
            return None

    @settings(max_examples=100, suppress_health_check=list(HealthCheck))
    @given(any_events())
    def check(event: Any) -> None:
        name = catalog().by_class[type(event)].stored
        if name in view.names:
            envelope = Envelope("system:crm", "c", event, NOW.date(), NOW)
            list(view.apply(NoRows(), Recorded(1, "s/1", 1, name, "V1", "", envelope)))

    check()


@pytest.mark.parametrize("view", registry().projections, ids=lambda view: view.name)
def test_no_row_has_room_for_a_personal_value(view: Projection[Any]) -> None:
    """A view is read without a purpose, and no key opens or closes it."""
    fields = view.row.__attrs_attrs__  # type: ignore[attr-defined]
    assert not any(
        kind.__name__ in str(field.type)
        for field in fields
        for kind in (Personal, PersonalValue, Sealed)
    )


def test_projections_name_events_that_exist() -> None:
    for view in registry().projections:
        assert set(view.names) <= set(catalog().names())
    assert len({view.name for view in registry().projections}) == len(registry().projections)


# --- what the rows say -----------------------------------------------------------------------


def test_the_directory_counts_members_whose_role_has_not_ended(crm: CRM) -> None:
    owner = Personal("V1#owner", "张三")
    crm.do(RegisterHousehold("V1", "星河", "1", "1", "101", owner=owner), by=CLERK, at=NOW)
    crm.do(RegisterHousehold("V2", "星河", "1", "1", "102"), by=CLERK, at=NOW)
    day = date(2011, 1, 1)

    def line(household: str) -> DirectoryLine:
        crm.views.catch_up(DIRECTORY)
        found = crm.views.get(DIRECTORY, household)
        assert found is not None
        return found

    assert (line("V1").members, line("V2").members) == (1, 0)
    for member, role in (("V1#a", "tenant"), ("V1#a", "agent"), ("V1#b", "tenant")):
        name = Personal(member, "李四")
        crm.do(AddMember("V1", member, role, day, name), by=CLERK, at=NOW)
    assert line("V1").members == 3
    crm.do(EndRole("V1", "V1#a", "tenant", day, "moved out"), by=CLERK, at=NOW)
    assert line("V1").members == 3
    crm.do(EndRole("V1", "V1#a", "agent", day, "moved out"), by=CLERK, at=NOW)
    assert line("V1").members == 2
    assert line("V1").kind == "person"
    assert [(order, key) for order, key, _ in crm.views.scan(DIRECTORY)] == [
        ("星河/1/1/101", "V1"),
        ("星河/1/1/102", "V2"),
    ]


@pytest.mark.rule("GRD-17")
def test_the_gradings_of_a_year_that_hold_are_those_of_its_run_of_record(crm: CRM) -> None:
    crm.do(RegisterHousehold("V1", "星河", "1", "1", "101"), by=CLERK, at=NOW)
    crm.grade(2011, trial=True)
    first = crm.grade(2011)
    crm.do(RegisterHousehold("V2", "星河", "1", "1", "102"), by=CLERK, at=NOW + timedelta(days=1))
    second = crm.grade(2011)
    other = crm.grade(2012)
    assert first.run != second.run

    def held(year: int) -> tuple[str, list[str]]:
        crm.views.catch_up(RECORDS)
        crm.views.catch_up(GRADED)
        record = crm.views.get(RECORDS, f"{year}")
        assert isinstance(record, RecordRow)
        rows = crm.views.scan(GRADED, upto=record.run) if record.run else ()
        return record.run, [row.household for order, _, row in rows if order == record.run]

    assert held(2011) == (first.run, ["V1"])
    assert held(2012) == (other.run, ["V1", "V2"])
    crm.gradings.replace(
        2011,
        second.run,
        "V2 lived there",
        by=Actor("D1", "director"),
        moves=len(crm.gradings.replacing(2011, second.run)),
    )
    assert held(2011) == (second.run, ["V1", "V2"])
    assert {year: held(year)[0] for year in (2011, 2012)} == crm.gradings.records().by_year
    row = crm.views.get(GRADED, f"{second.run}/V1")
    assert isinstance(row, GradedRow)
    assert (row.run, row.layer) == (second.run, second.gradings[0].outcome.layer)


def test_open_requests_are_those_that_are_not_closed(tmp_path: Path) -> None:
    """On a generated estate: the same as every request's own state says."""
    estate, db = str(tmp_path / "estate"), f"sqlite:///{tmp_path / 'crm.db'}"
    assert run(["generate", "--households", "12", "--years", "2011", "--out", estate]) == 0
    assert run(["--db", db, "import", estate]) == 0
    with open_crm(db, create=True) as crm:
        crm.views.catch_up(OPEN)
        streams = {e.stream for e in crm.log.feed() if e.stream.startswith("request/")}
        states = [crm.get(Request, s.partition("/")[2]) for s in streams]
        due = {
            s.request: [c.set.due_at for c in s.clocks() if c.kind == CLOSING][-1]
            for s in states
            if s is not None and not isinstance(s, Closed | Merged)
        }
        rows = crm.views.scan(OPEN, limit=10_000)
        assert {key: row.due_at for _, key, row in rows} == due
        assert len(streams) > len(due) > 0
        orders = [order for order, _, _ in rows]
        assert orders == sorted(sortable_text(moment) for moment in due.values())
