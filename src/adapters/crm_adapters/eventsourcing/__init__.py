"""Where this library meets the library `eventsourcing`: the only place that imports it.

`RecorderStore` keeps our log in any recorder of that library (`store`); its own recorders on our
tables are the four of `recorders`; what depends on its version is in `library`.

Nothing else in `crm_adapters` imports this package: loading that library changes the standard
library of the whole process, and only who asks for it gets it (decision record 0002).
"""

from crm_adapters.eventsourcing.recorders import (
    SQLAlchemyAggregateRecorder,
    SQLAlchemyApplicationRecorder,
    SQLAlchemyProcessRecorder,
    SQLAlchemyTrackingRecorder,
)
from crm_adapters.eventsourcing.store import RecorderStore

__all__ = [
    "RecorderStore",
    "SQLAlchemyAggregateRecorder",
    "SQLAlchemyApplicationRecorder",
    "SQLAlchemyProcessRecorder",
    "SQLAlchemyTrackingRecorder",
]
