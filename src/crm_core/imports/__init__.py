"""Imports: which files were taken in, as what, by whom, and which of them were undone (IMP-01)."""

from crm_core.imports.register import (
    EVENTS,
    IMPORTS,
    ImportedFile,
    ImportRecorded,
    Imports,
    ImportUndone,
    Mapping,
    RecordImport,
    RecordUndo,
)
from crm_core.kernel.roles import FILES, MANAGEMENT
from crm_core.kernel.slice import Act, Slice

SLICE = Slice(
    name="imports",
    package=__name__,
    events=EVENTS,
    aggregates=(IMPORTS,),
    readable={Imports: IMPORTS},
    acts=(
        Act("undo-import", ("host", *MANAGEMENT)),
        Act("correct-by-import", ("host", *FILES, "finance")),
        Act("export-table", ("host", *FILES, "finance")),
    ),
    data_map="data-map.toml",
)

__all__ = [
    "EVENTS",
    "IMPORTS",
    "SLICE",
    "ImportRecorded",
    "ImportUndone",
    "ImportedFile",
    "Imports",
    "Mapping",
    "RecordImport",
    "RecordUndo",
]
