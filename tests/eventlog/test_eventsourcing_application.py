"""Plain applications of the eventsourcing library on our recorders, and the page that says how."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from types import ModuleType
from typing import Any, ClassVar
from uuid import UUID

import pytest
from eventsourcing.application import AggregateNotFoundError, Application, ProcessingEvent
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import IntegrityError, Tracking
from eventsourcing.projection import (
    ApplicationSubscription,
    EventSourcedProjection,
    EventSourcedProjectionRunner,
    Projection,
    ProjectionRunner,
)

from crm_adapters.eventlog.database import Database
from crm_adapters.eventlog.opening import open_database
from crm_adapters.eventsourcing import SQLAlchemyProcessRecorder, SQLAlchemyTrackingRecorder

PAGE = Path(__file__).parents[2] / "docs/how-to/eventsourcing-application.md"


class Meter(Aggregate):
    """Counts what a household used."""

    @event("Installed")
    def __init__(self, household: str) -> None:
        self.household = household
        self.readings: list[int] = []

    @event("ReadOff")
    def read_off(self, litres: int) -> None:
        self.readings.append(litres)


class Meters(Application[UUID]):
    """An application as the library's users write them, but for the recorder."""

    database: ClassVar[Database]

    def construct_recorder(self) -> SQLAlchemyProcessRecorder:
        return SQLAlchemyProcessRecorder(self.database, poll_seconds=0.02)

    def install(self, household: str) -> UUID:
        meter = Meter(household)
        self.save(meter)
        return meter.id

    def read_off(self, meter_id: UUID, *litres: int) -> int:
        meter: Meter = self.repository.get(meter_id)
        for one in litres:
            meter.read_off(one)
        return int(self.save(meter)[-1].notification.id)


class Alarm(Aggregate):
    """Says that a meter ran high."""

    @event("Raised")
    def __init__(self, meter_id: UUID, litres: int) -> None:
        self.meter_id, self.litres = meter_id, litres


class Alarms(EventSourcedProjection[UUID]):
    """Makes events from another application's events, each exactly once."""

    database: ClassVar[Database]

    def construct_recorder(self) -> SQLAlchemyProcessRecorder:
        return SQLAlchemyProcessRecorder(self.database)

    def policy(self, domain_event: Any, processing_event: ProcessingEvent[UUID]) -> None:
        if getattr(domain_event, "litres", 0) > 100:
            processing_event.collect_events(Alarm(domain_event.originator_id, domain_event.litres))


class TotalView(SQLAlchemyTrackingRecorder):
    """A read model in memory whose place is tracked in a database."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.total = 0


class Total(Projection[TotalView]):
    """Adds up all readings."""

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        self.view.insert_tracking(tracking)
        self.view.total += getattr(domain_event, "litres", 0)


@pytest.fixture(params=["sqlite", "postgres"])
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Database, ...]]:
    if request.param == "sqlite":
        urls = [f"sqlite:///{tmp_path}/{n}.db" for n in range(2)]
    else:
        new = request.getfixturevalue("new_postgres")
        urls = [new(), new()]
    opened = tuple(open_database(url, create=True, contiguous=True) for url in urls)
    yield opened
    for database in opened:
        database.close()


@pytest.fixture
def meters(databases: tuple[Database, ...]) -> Iterator[Meters]:
    Meters.database = databases[0]
    with Meters() as meters:
        yield meters


def test_an_application_stores_and_reads(meters: Meters) -> None:
    meter_id = meters.install("V00001")
    assert meters.read_off(meter_id, 30, 45) == 3
    meter: Meter = meters.repository.get(meter_id)
    assert (meter.household, meter.readings, meter.version) == ("V00001", [30, 45], 3)
    first: Meter = meters.repository.get(meter_id, version=2)
    assert first.readings == [30]
    section = meters.notification_log["1,10"]
    assert [item.id for item in section.items] == [1, 2, 3]
    assert section.items[0].originator_id == meter_id
    with pytest.raises(AggregateNotFoundError):
        meters.repository.get(UUID(int=1))
    # Another program on the same tables goes on where this one stopped.
    with Meters() as other:
        assert other.read_off(meter_id, 50) == 4


@pytest.mark.rule("LOG-01")
def test_of_two_that_changed_the_same_aggregate_one_is_refused(meters: Meters) -> None:
    meter_id = meters.install("V00001")
    one, other = (meters.repository.get(meter_id) for _ in range(2))
    one.read_off(1)
    other.read_off(2)
    meters.save(one)
    with pytest.raises(IntegrityError):
        meters.save(other)
    assert meters.repository.get(meter_id).readings == [1]


@pytest.mark.rule("LOG-03")
def test_a_subscription_catches_up_and_follows(meters: Meters) -> None:
    meter_id = meters.install("V00001")
    meters.read_off(meter_id, 1, 2)
    seen: list[int] = []
    with ApplicationSubscription(meters, gt=1) as subscription:

        def write() -> None:
            meters.read_off(meter_id, 3)
            meters.read_off(meter_id, 4)

        writer = Thread(target=write)
        writer.start()
        for domain_event, tracking in subscription:
            assert tracking == Tracking("Meters", domain_event.originator_version)
            seen.append(domain_event.litres)
            if len(seen) == 4:
                break
        writer.join()
    assert seen == [1, 2, 3, 4]


@pytest.mark.rule("LOG-03")
def test_a_projection_makes_events_of_its_own_exactly_once(
    meters: Meters, databases: tuple[Database, ...]
) -> None:
    Alarms.database = databases[1]
    meter_id = meters.install("V00001")
    last = meters.read_off(meter_id, 50, 150)
    for more in (200, 60, 170):
        # Each time it is stopped and begins again where it stopped.
        with EventSourcedProjectionRunner(
            application_class=Meters, projection_class=Alarms
        ) as runner:
            runner.wait(last, timeout=10)
        last = meters.read_off(meter_id, more)
    with EventSourcedProjectionRunner(application_class=Meters, projection_class=Alarms) as runner:
        runner.wait(last, timeout=10)
        raised = runner.projection.recorder.select_notifications(1, 100)
        found = [runner.projection.mapper.to_domain_event(one) for one in raised]
    assert [one.litres for one in found] == [150, 200, 170]  # type: ignore[attr-defined]
    # Processing an event again is refused, whatever would come of it.
    alarms = Alarms()
    with pytest.raises(IntegrityError):
        alarms.process_event(found[0], Tracking("Meters", last))
    alarms.close()


def test_a_read_model_keeps_its_place_in_our_tables(
    meters: Meters, databases: tuple[Database, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    from eventsourcing.popo import POPOFactory

    view = TotalView(databases[1])
    monkeypatch.setattr(POPOFactory, "tracking_recorder", lambda *_: view)
    meter_id = meters.install("V00001")
    last = meters.read_off(meter_id, 10, 20, 30)
    with ProjectionRunner(
        application_class=Meters, projection_class=Total, view_class=TotalView
    ) as runner:
        runner.wait(last, timeout=10)
        assert view.total == 60
    assert view.max_tracking_id("Meters") == last


def test_a_compressing_mapper_is_kept_in_text(databases: tuple[Database, ...]) -> None:
    Meters.database = databases[0]
    with Meters({"COMPRESSOR_TOPIC": "eventsourcing.compressor:ZlibCompressor"}) as meters:
        meter_id = meters.install("V00001")
        meters.read_off(meter_id, 30, 45)
        assert meters.repository.get(meter_id).readings == [30, 45]
    assert all(row[5].startswith("\x1e") for row in databases[0].read(str(meter_id), 0))


# --- the page ------------------------------------------------------------------------------------


def test_the_code_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert len(blocks) == 5
    # The library finds the classes of stored events by the name of their module.
    module = ModuleType("page_of_the_eventsourcing_application")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), module.__dict__)
    assert {path.name for path in tmp_path.glob("*.db")} == {
        "boards.db",
        "theirs.db",
        "accounts.db",
    }


def test_the_core_and_its_log_leave_the_library_alone() -> None:
    """Importing it changes the standard library of the host; only who asks for it gets it."""
    import subprocess

    code = (
        "import sys, crm_adapters, crm_adapters.eventlog.sqlite, crm_adapters.eventlog.postgres;"
        "import crm_core.slices, crm_adapters.keys, crm_adapters.wiring;"
        "sys.exit(any(name.split('.')[0] == 'eventsourcing' for name in sys.modules))"
    )
    path = [str(Path(__file__).parents[2] / folder) for folder in ("src", "src/adapters")]
    code = f"import sys; sys.path[:0] = {path!r};" + code
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
