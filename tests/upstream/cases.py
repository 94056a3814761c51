"""What each case of the library is told of our classes; the same for all of its versions."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import eventsourcing.tests.application as their_applications
import eventsourcing.tests.persistence as theirs
import eventsourcing.tests.projection as their_projections
from eventsourcing.utils import Environment

from crm_adapters.eventlog.database import Database
from crm_adapters.eventsourcing import (
    Factory,
    SQLAlchemyAggregateRecorder,
    SQLAlchemyApplicationRecorder,
    SQLAlchemyProcessRecorder,
    SQLAlchemySnapshotRecorder,
    SQLAlchemyTrackingRecorder,
)
from crm_adapters.eventsourcing.library import LATER, Tracking
from upstream.on_tables import PERSISTENCE


class AggregateRecorder(theirs.AggregateRecorderTestCase):
    database: Database

    def create_recorder(self) -> SQLAlchemyAggregateRecorder:
        return SQLAlchemyAggregateRecorder(self.database)


class SnapshotRecorder(theirs.AggregateRecorderTestCase):
    database: Database

    def create_recorder(self) -> SQLAlchemySnapshotRecorder:
        return SQLAlchemySnapshotRecorder(self.database)


class ApplicationRecorder(theirs.ApplicationRecorderTestCase):
    database: Database

    def create_recorder(self) -> SQLAlchemyApplicationRecorder:
        return SQLAlchemyApplicationRecorder(self.database)

    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


class ApplicationRecorderWithTextIds(ApplicationRecorder):
    def create_recorder(self) -> SQLAlchemyApplicationRecorder:
        return SQLAlchemyApplicationRecorder(self.database, originator_id_type="text")

    def new_originator_id(self) -> str:
        return f"账户/{uuid4()}"


class TrackingRecorder(theirs.TrackingRecorderTestCase):
    database: Database

    def create_recorder(self) -> SQLAlchemyTrackingRecorder:
        return SQLAlchemyTrackingRecorder(self.database)


class ProcessRecorder(theirs.ProcessRecorderTestCase):
    database: Database

    def create_recorder(self) -> SQLAlchemyProcessRecorder:
        return SQLAlchemyProcessRecorder(self.database)


class NonInterleaving(theirs.NonInterleavingNotificationIDsBaseCase):
    database: Database

    def create_recorder(self) -> SQLAlchemyApplicationRecorder:
        return SQLAlchemyApplicationRecorder(self.database)


class OurApplicationRecorder(SQLAlchemyApplicationRecorder):
    """One of a program's own."""


class OurTrackingRecorder(SQLAlchemyTrackingRecorder):
    """One of a program's own."""


class OurProcessRecorder(SQLAlchemyProcessRecorder):
    """One of a program's own."""


class InfrastructureFactory(theirs.InfrastructureFactoryTestCase):
    url: str

    def setUp(self) -> None:
        # As an application would, of what stands in the environment.
        self.env = Environment(env={"PERSISTENCE_MODULE": PERSISTENCE, "APPLICATION_DB": self.url})
        super().setUp()

    def expected_factory_class(self) -> Any:
        return Factory

    def expected_aggregate_recorder_class(self) -> Any:
        return SQLAlchemyAggregateRecorder

    def expected_application_recorder_class(self) -> Any:
        return SQLAlchemyApplicationRecorder

    def application_recorder_subclass(self) -> Any:
        return OurApplicationRecorder

    def expected_tracking_recorder_class(self) -> Any:
        return SQLAlchemyTrackingRecorder

    def tracking_recorder_subclass(self) -> Any:
        return OurTrackingRecorder

    def expected_process_recorder_class(self) -> Any:
        return SQLAlchemyProcessRecorder

    def process_recorder_subclass(self) -> Any:
        return OurProcessRecorder


class ExampleApplication(their_applications.ExampleApplicationTestCase):
    expected_factory_topic = "crm_adapters.eventsourcing.factory:Factory"


class Application(their_applications.ApplicationTestCase):
    """Nothing is said but where."""


class CountersView(SQLAlchemyTrackingRecorder, their_projections.EventCountersView):
    """A read model of the library's tests, in a table beside those of the log."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        with database.schema_change() as connection:
            for statement in (
                "CREATE TABLE IF NOT EXISTS counters (name text PRIMARY KEY, n integer)",
                "INSERT INTO counters VALUES ('created', 0) ON CONFLICT DO NOTHING",
                "INSERT INTO counters VALUES ('subsequent', 0) ON CONFLICT DO NOTHING",
            ):
                connection.exec_driver_sql(statement)

    def get_created_event_counter(self) -> int:
        return self._count("created")

    def incr_created_event_counter(self, tracking: Tracking) -> None:
        self._increase("created", tracking)

    def get_subsequent_event_counter(self) -> int:
        return self._count("subsequent")

    def incr_subsequent_event_counter(self, tracking: Tracking) -> None:
        self._increase("subsequent", tracking)

    def get_student_registered_counter(self) -> int:
        return self._count("created")

    def incr_student_registered_counter(self, tracking: Tracking) -> None:
        self._increase("created", tracking)

    def get_student_name_changed_counter(self) -> int:
        return self._count("subsequent")

    def incr_student_name_changed_counter(self, tracking: Tracking) -> None:
        self._increase("subsequent", tracking)

    def _count(self, name: str) -> int:
        mark = self.database.mark
        [(count,)] = self.database.rows(f"SELECT n FROM counters WHERE name = {mark}", (name,))
        return int(count)

    def _increase(self, name: str, tracking: Tracking) -> None:
        with self.recording(tracking) as cursor:
            cursor.execute(
                f"UPDATE counters SET n = n + 1 WHERE name = {self.database.mark}", (name,)
            )


class EventCountersView(their_projections.EventCountersViewTestCase):
    database: Database

    def construct_event_counters_view(self) -> CountersView:
        return CountersView(self.database)


class AggregateEventCountersProjection(their_projections.AggregateEventCountersProjectionTestCase):
    view_class = CountersView


class EventSourcedProjection(their_projections.EventSourcedProjectionTestCase):
    """Nothing is said but where."""


CASES: tuple[Any, ...] = (
    AggregateEventCountersProjection,
    AggregateRecorder,
    Application,
    ApplicationRecorder,
    EventCountersView,
    EventSourcedProjection,
    ExampleApplication,
    InfrastructureFactory,
    NonInterleaving,
    ProcessRecorder,
    SnapshotRecorder,
    TrackingRecorder,
    # In version 10 ids are nothing else.
    *(() if LATER else (ApplicationRecorderWithTextIds,)),
)
"""All that concern us: the rest is of other stores' tables and of transcoders."""
