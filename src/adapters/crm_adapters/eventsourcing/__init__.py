"""Where this library meets the library `eventsourcing`: the only place that imports it.

`PERSISTENCE_MODULE=crm_adapters.eventsourcing` gives an application of that library our tables
(`factory`), and `application` makes one of a decider of ours (`deciders`). Underneath are recorders
on our tables (`recorders`). `RecorderStore` goes the other way and keeps our log in any recorder of
that library (`store`). What depends on its version is in `library`.

Nothing else in `crm_adapters` imports this package: loading that library changes the standard
library of the whole process, and only who asks for it gets it (decision record 0002).
"""

from crm_adapters.eventsourcing.deciders import application
from crm_adapters.eventsourcing.factory import Factory
from crm_adapters.eventsourcing.recorders import (
    SQLAlchemyAggregateRecorder,
    SQLAlchemyApplicationRecorder,
    SQLAlchemyProcessRecorder,
    SQLAlchemySnapshotRecorder,
    SQLAlchemyTrackingRecorder,
)
from crm_adapters.eventsourcing.store import RecorderStore

__all__ = [
    "Factory",
    "RecorderStore",
    "SQLAlchemyAggregateRecorder",
    "SQLAlchemyApplicationRecorder",
    "SQLAlchemyProcessRecorder",
    "SQLAlchemySnapshotRecorder",
    "SQLAlchemyTrackingRecorder",
    "application",
]
