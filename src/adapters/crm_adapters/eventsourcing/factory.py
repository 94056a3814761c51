"""`PERSISTENCE_MODULE=crm_adapters.eventsourcing`: applications of that library on our tables."""

from __future__ import annotations

from typing import Any, TypeVar

from crm_adapters.eventlog.opening import open_database
from crm_adapters.eventsourcing.library import (
    ID_TYPE,
    AggregateRecorder,
    Environment,
    EnvType,
    IdType,
    InfrastructureFactory,
    InfrastructureFactoryError,
    resolve_topic,
    strtobool,
)
from crm_adapters.eventsourcing.recorders import (
    POSITION_MAX,
    SQLAlchemyAggregateRecorder,
    SQLAlchemyApplicationRecorder,
    SQLAlchemyProcessRecorder,
    SQLAlchemySnapshotRecorder,
    SQLAlchemyTrackingRecorder,
)
from crm_core.errors import CrmError

_R = TypeVar("_R")

_OURS = '{"digest":"'
"""How every event of a log begins."""


class Factory(InfrastructureFactory[SQLAlchemyTrackingRecorder]):
    """Makes recorders in one database, which it opens, and closes with the application.

    It is set up by the library's own variables, which may have the application's name before them:

    - `APPLICATION_DB`: SQLAlchemy URL of the database;
    - `APPLICATION_TENANT`: under which name it has its events there; by default its own, so that
      several applications and projections in one database have events and positions of their own;
    - `CREATE_TABLE`: whether the tables are made where there are none; yes by default;
    - `ORIGINATOR_ID_TYPE`: `uuid` or `text`; by default what the library itself takes.

    Raises:
        InfrastructureFactoryError: the variables are not enough, the database cannot be opened, or
            it holds the log of a CRM.
    """

    APPLICATION_DB = "APPLICATION_DB"
    APPLICATION_TENANT = "APPLICATION_TENANT"
    CREATE_TABLE = "CREATE_TABLE"
    ORIGINATOR_ID_TYPE = "ORIGINATOR_ID_TYPE"

    def __init__(self, env: Environment | EnvType | None) -> None:
        super().__init__(env)
        url = self.env.get(self.APPLICATION_DB)
        if not url:
            keys = ", ".join(self.env.create_keys(self.APPLICATION_DB))
            raise InfrastructureFactoryError(f"no database is named by any of {keys}")
        self.originator_id_type = self._id_type()
        try:
            self.database = open_database(
                url,
                tenant=self.env.get(self.APPLICATION_TENANT) or self.env.name,
                create=bool(strtobool(self.env.get(self.CREATE_TABLE) or "yes")),
                contiguous=True,
            )
        except CrmError as error:
            raise InfrastructureFactoryError(str(error)) from error
        if any(row[5].startswith(_OURS) for row in self.database.page(0, POSITION_MAX, None, 1)):
            self.database.close()
            raise InfrastructureFactoryError(
                "this database holds the log of a CRM; give the application one of its own"
            )

    def aggregate_recorder(self, purpose: str = "events") -> AggregateRecorder:
        """A recorder of events, or of snapshots where that is the purpose."""
        kind: type[SQLAlchemyAggregateRecorder] = SQLAlchemyAggregateRecorder
        if purpose != "events":
            kind = SQLAlchemySnapshotRecorder
        return kind(self.database, originator_id_type=self.originator_id_type)

    def application_recorder(self) -> SQLAlchemyApplicationRecorder:
        kind = self._class(self.APPLICATION_RECORDER_TOPIC, SQLAlchemyApplicationRecorder)
        return kind(self.database, originator_id_type=self.originator_id_type)

    def tracking_recorder(
        self, tracking_recorder_class: type[SQLAlchemyTrackingRecorder] | None = None
    ) -> SQLAlchemyTrackingRecorder:
        """A recorder of positions, or the read model of which this is the class."""
        kind = tracking_recorder_class or self._class(
            self.TRACKING_RECORDER_TOPIC, SQLAlchemyTrackingRecorder
        )
        return kind(self.database)

    def process_recorder(self) -> SQLAlchemyProcessRecorder:
        kind = self._class(self.PROCESS_RECORDER_TOPIC, SQLAlchemyProcessRecorder)
        return kind(self.database, originator_id_type=self.originator_id_type)

    def close(self) -> None:
        self.database.close()

    def _id_type(self) -> IdType:
        said = self.env.get(self.ORIGINATOR_ID_TYPE, ID_TYPE).lower()
        if said not in ("uuid", "text"):
            raise InfrastructureFactoryError(
                f"{self.ORIGINATOR_ID_TYPE} is `uuid` or `text`, not `{said}`"
            )
        return "uuid" if said == "uuid" else "text"

    def _class(self, variable: str, default: type[_R]) -> type[_R]:
        """The class that a variable names."""
        topic = self.env.get(variable)
        found: Any = resolve_topic(topic) if topic else default
        if not (isinstance(found, type) and issubclass(found, default)):
            raise InfrastructureFactoryError(f"`{topic}` is no `{default.__name__}`")
        return found
