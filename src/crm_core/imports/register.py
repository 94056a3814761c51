"""The register of imports: one record for each, however many rows it brought (IMP-01).

A record stands right behind the events of its import. It says no more about them than how many
they are: so a large import costs one event more.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from attrs import evolve, field

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.catalog import EventType
from crm_core.kernel.commands import looked_up
from crm_core.kernel.decider import Decider, Decision, Refusal, by_command, by_event
from crm_core.kernel.growing import NOTHING, GrowingList
from crm_core.kernel.recorded import Actor
from crm_core.kernel.refusals import no_reason
from crm_core.kernel.sealed import Text
from crm_core.kernel.values import frozen

WHOLE = "all"
"""The one register's id."""


@frozen
class ImportedFile:
    """A file that was taken in, and what became of its rows.

    Args:
        name: As it was called; with the name of the sheet where it has several tables.
        kind: What its rows are, e.g. `charges`.
        digest: SHA-256 of its bytes.
    """

    name: Text
    kind: str
    digest: str
    rows: int
    imported: int
    repeated: int
    faulty: int


@frozen
class Mapping:
    """How the files were read, as it was said.

    Args:
        text: The mapping file.
        digest: Of what it says, however it is written.
    """

    text: str
    digest: str


@frozen
class ImportRecorded:
    """Files were taken in.

    Args:
        number: Its number; imports are counted from 1.
        events: How many events it brought: those that stand right before this one.
        moment: The moment of import; its events say it, too.
        corrects: Why, where it corrected what was known before; None where it did not.
    """

    number: str
    files: tuple[ImportedFile, ...]
    mapping: Mapping | None
    events: int
    moment: datetime
    corrects: Text | None
    entered_by: str


@frozen
class ImportUndone:
    """What an import brought is void from its own day on, as known from now on.

    Args:
        events: How many compensating events stand right before this one.
    """

    number: str
    events: int
    reason: Text
    undone_by: str


EVENTS = (
    EventType("imports.recorded", 1, ImportRecorded),
    EventType("imports.undone", 1, ImportUndone),
)


# --- commands: services give them, in the transaction of the facts -------------------------------


@frozen
class RecordImport:
    """Record an import behind what it brought."""

    files: tuple[ImportedFile, ...]
    mapping: Mapping | None
    events: int
    moment: datetime
    corrects: str | None = None
    by: Actor = looked_up()


@frozen
class RecordUndo:
    """Record that an import is undone, behind what makes it void."""

    number: str
    events: int
    reason: str
    by: Actor = looked_up()


# --- the register --------------------------------------------------------------------------------


@frozen
class Import:
    """An import as it stands.

    Args:
        undone: How it was undone; None while it stands.
    """

    recorded: ImportRecorded
    undone: ImportUndone | None = None

    @property
    def number(self) -> str:
        """Its number."""
        return self.recorded.number


@frozen
class Imports:
    """All imports.

    Args:
        recorded: In the order in which they came.
        undone: By number.
    """

    recorded: GrowingList[ImportRecorded] = NOTHING
    undone: dict[str, ImportUndone] = field(factory=dict)

    def every(self) -> list[Import]:
        """All of them, the first one first."""
        return [Import(one, self.undone.get(one.number)) for one in self.recorded]

    def find(self, number: str) -> Import | None:
        """The import of that number."""
        return next((one for one in self.every() if one.number == number), None)


def _record(command: RecordImport, state: Imports) -> Decision:
    return (
        ImportRecorded(
            number=str(len(state.recorded) + 1),
            files=command.files,
            mapping=command.mapping,
            events=command.events,
            moment=command.moment,
            corrects=command.corrects,
            entered_by=command.by.id,
        ),
    )


def _undo(command: RecordUndo, state: Imports) -> Decision:
    found = state.find(command.number)
    refused = unfit(found, command.number)
    if refused is not None:
        return refused
    if not command.reason.strip():
        return no_reason("LOG-06")
    return (ImportUndone(command.number, command.events, command.reason, command.by.id),)


def unfit(found: Import | None, number: str) -> Refusal | None:
    """Why an import cannot be undone, as far as the register tells."""
    if found is None:
        return Refusal("import_unknown", "IMP-01", {"number": number})
    if found.undone is not None:
        return Refusal("import_undone", "IMP-01", {"number": number})
    if found.recorded.corrects is not None:
        return Refusal("import_corrects", "IMP-01", {"number": number})
    return None


def _recorded(state: Imports, e: ImportRecorded) -> Imports:
    return evolve(state, recorded=state.recorded.append(e))


def _undone(state: Imports, e: ImportUndone) -> Imports:
    return evolve(state, undone={**state.undone, e.number: e})


def _whole(_command: Any) -> str:
    return WHOLE


def _of_no_household(_command: Any) -> str:
    return ""


_DECIDE: dict[type, Any] = {RecordImport: _record, RecordUndo: _undo}

IMPORTS = Aggregate(
    decider=Decider(
        "imports",
        Imports(),
        by_command(_DECIDE),
        by_event({ImportRecorded: _recorded, ImportUndone: _undone}),
    ),
    commands=tuple(_DECIDE),
    id_of=_whole,
    household_of=_of_no_household,
    needs_file=False,
    inside=frozenset(_DECIDE),
)
