"""What may tell of an erased person besides log and keys, and how it is taken away (PRV-04, 0055).

Files that the library wrote are found by their register. A copy about the person is deleted; of
others, and of rows with faults, goes what tells of the person. What was moved away, or copied, by
people is told, and so are copies of the log and of the keys: they open nothing once they are put
back, as long as the tombstones stand.
"""

from __future__ import annotations

import csv
import html
import io
import json
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from zipfile import BadZipFile, ZipFile, is_zipfile

from attrs import evolve

from crm_adapters.outputs import is_draft, written_whole
from crm_adapters.register import BACKUP, PAPER, PERSON, REJECTS, Noted, Register
from crm_core.ports import Tombstone, Trace

COLUMNS, DATABASE = "columns", "database"

CLEARED, DELETED, FAILED, LEFT, NOT_FOUND, REWRITTEN = (
    "cleared",
    "deleted",
    "failed",
    "left",
    "not_found",
    "rewritten",
)
"""What becomes of a trace; `left` is what opens nothing more."""

VALUE_LENGTH_MIN = 2
"""A shorter value says nothing of anybody, and stands everywhere."""


class WorkingTraces:
    """What lies around a log.

    Args:
        register: The files that were written; None where none are noted.
        facts: The folder of kept columns, if there is one.
        checkpoint: Brings what the database has put aside into its file, and empties what is aside.
    """

    def __init__(
        self,
        register: Register | None = None,
        facts: Path | None = None,
        checkpoint: Callable[[], str] | None = None,
    ) -> None:
        self._register, self._facts, self._checkpoint = register, facts, checkpoint

    def look(self, stone: Tombstone, values: Collection[str] | None) -> Sequence[Trace]:
        noted = [] if self._register is None else self._register.noted()
        found = [Trace(one.kind, str(one.path), _fate(one, stone, values)) for one in noted]
        columns = [Trace(COLUMNS, str(path), DELETED) for path in self._columns()]
        return [*(trace for trace in found if trace.outcome), *columns]

    def purge(self, stone: Tombstone, values: Collection[str] | None) -> Sequence[Trace]:
        # First: whoever is writing has opened what is to be gone, and finds the draft gone.
        found = [self._done(trace, stone, values) for trace in self._drafts()]
        if self._register is not None:
            self._register.forget(*(Path(trace.name) for trace in found))
        found += [self._done(trace, stone, values) for trace in self.look(stone, values)]
        if self._register is not None:
            gone = [t.name for t in found if t.outcome in (DELETED, NOT_FOUND)]
            self._register.forget(*map(Path, gone))
        if self._checkpoint is not None:
            name = self._checkpoint()
            found.append(Trace(DATABASE, name, CLEARED if name else FAILED))
        return found

    def _drafts(self) -> list[Trace]:
        """Files that are being written, or that were when a process ended."""
        noted = [] if self._register is None else self._register.noted()
        return [
            Trace(one.kind, str(one.path), DELETED)
            for one in noted
            if one.kind != BACKUP and is_draft(one.path)
        ]

    def _done(self, trace: Trace, stone: Tombstone, values: Collection[str] | None) -> Trace:
        path = Path(trace.name)
        try:
            if trace.outcome == DELETED:
                path.unlink(missing_ok=True)
            elif trace.outcome == REWRITTEN and values is not None:
                text = _without(path.read_text(encoding="utf-8"), stone, values)
                written_whole(path, text.encode(), private=True)
        except (OSError, UnicodeError, csv.Error):
            return evolve(trace, outcome=FAILED)
        return trace

    def _columns(self) -> Iterator[Path]:
        """Kept columns of all households lie together; they are made anew from the log."""
        if self._facts is not None and self._facts.is_dir():
            yield from sorted(self._facts.glob("*.parquet"))
            yield from sorted(self._facts.glob("*.draft"))


def _fate(noted: Noted, stone: Tombstone, values: Collection[str] | None) -> str:
    """What becomes of a file; nothing where it says nothing of the person."""
    if noted.path.is_symlink() or not noted.path.is_file():
        return NOT_FOUND
    if noted.kind == BACKUP:
        return LEFT
    if is_draft(noted.path):
        return DELETED
    if noted.kind == PAPER and stone.household in noted.about:
        # It tells of the person wherever it shows what was sealed of their household.
        return DELETED
    if noted.kind == PERSON and _is_about(noted, stone):
        return DELETED
    if values is None:
        # Nobody knows their values any more: a faulty row, or a text about several that stands in
        # the copy of another, may tell of them and name nobody.
        return DELETED
    try:
        text = _text(noted.path)
    except (UnicodeError, BadZipFile):
        # Somebody has made something else of it, and nobody can tell whom it is about.
        return DELETED
    except OSError:
        return FAILED
    if noted.kind == REJECTS:
        return REWRITTEN if any(_row_tells(row, stone, values) for row in _rows(text)) else ""
    # What is about others is made anew by whoever needs it.
    return DELETED if _tells(text, values) else ""


def _text(path: Path) -> str:
    """All that a file says: of a workbook or a document the text of its parts."""
    if not is_zipfile(path):
        return path.read_text(encoding="utf-8")
    with ZipFile(path) as parts:
        return "".join(parts.read(name).decode() for name in parts.namelist())


def _is_about(noted: Noted, stone: Tombstone) -> bool:
    """Whether a copy is about the person: by their id, or as one of the household's."""
    whose = {*noted.about}
    if stone.household in whose and len(whose) == 1:
        return True
    return not whose.isdisjoint(stone.keys)


def _tells(text: str, values: Collection[str]) -> bool:
    """Whether a text has a value of the person in it, as it is or as its form writes it."""
    return any(
        form in text for one in values if len(one) >= VALUE_LENGTH_MIN for form in _forms(one)
    )


def _forms(value: str) -> Iterator[str]:
    """A value as it stands in rows, in JSON, in parts of workbooks, and in pages."""
    yield value
    yield value.replace('"', '""')
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield html.escape(value, quote=False)
    yield html.escape(value).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")


def _row_tells(row: Sequence[str], stone: Tombstone, values: Collection[str]) -> bool:
    """Whether a row with faults tells of the person, or is one of their household's.

    What it says of the household may be them in other words: it was never understood.
    """
    named = {*stone.keys, stone.household} - {""}
    return any(cell in named or _tells(cell, values) for cell in row)


def _rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def _without(text: str, stone: Tombstone, values: Collection[str]) -> str:
    """Rows with faults, without those that tell of the person."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerows(
        row
        for number, row in enumerate(_rows(text))
        if number == 0 or not _row_tells(row, stone, values)
    )
    return out.getvalue()
