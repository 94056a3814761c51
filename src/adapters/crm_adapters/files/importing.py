"""Import: files to commands, in the order in which the company came to know (IMP-01).

All faults at once; nothing is written unless all is; what was imported before is passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from itertools import chain
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

from attrs import evolve, field

from crm_adapters.files.again import CORRECTING, made_void
from crm_adapters.files.corrections import Corrections
from crm_adapters.files.finding import Declared, find_tables, input_paths
from crm_adapters.files.kinds import KINDS
from crm_adapters.files.mapping import Mapping
from crm_adapters.files.reading import ReadFile, read_table
from crm_adapters.files.references import References
from crm_adapters.files.rejects import check_writable, write_rejects
from crm_adapters.files.rows.kind import Context
from crm_adapters.files.sheets import ImportFault
from crm_adapters.files.telling import grouped
from crm_adapters.outputs import NOTHING, Kept
from crm_core.application.present import present
from crm_core.crm import CRM, Planned
from crm_core.errors import Conflict, Fault, Invalid, PersonErased, described
from crm_core.hosting import Patience
from crm_core.imports import IMPORTS, ImportedFile, RecordImport
from crm_core.imports import Mapping as MappingSaid
from crm_core.imports.register import WHOLE
from crm_core.kernel.dates import EARLIEST_INSTANT
from crm_core.kernel.decider import Refusal
from crm_core.kernel.recorded import Actor
from crm_core.kernel.sentences import Lang
from crm_core.kernel.values import define, frozen
from crm_core.ports import Progress, silent


@define
class FileReport:
    """What became of a file's rows."""

    rows: int = 0
    imported: int = 0
    repeated: int = 0
    faulty: int = 0


@frozen
class Reading:
    """A way in which something was read or passed over, as the files alone do not say it.

    Args:
        column: Header of the column, or an empty text.
        what: Its code, e.g. `total_rows` or `thousands`.
        count: How often.
        rows: The first few rows.
    """

    file: str
    column: str
    what: str
    count: int
    rows: list[int]


@define
class ImportReport:
    """What an import did.

    Args:
        files: For each file what became of its rows.
        events: Events appended.
        faults: Everything wrong; without `skip_faulty` a single one means nothing was written.
        readings: Readings that were made and rows that were passed over.
        mapping: By which the files were read.
    """

    files: dict[str, FileReport] = field(factory=dict)
    events: int = 0
    faults: list[ImportFault] = field(factory=list)
    readings: list[Reading] = field(factory=list)
    mapping: Mapping | None = None

    def as_dict(self) -> dict[str, Any]:
        """The report as plain data."""
        return {
            "files": {
                name: {
                    "rows": file.rows,
                    "imported": file.imported,
                    "repeated": file.repeated,
                    "faulty": file.faulty,
                }
                for name, file in self.files.items()
            },
            "events": self.events,
            "faults": [
                {
                    "file": fault.file,
                    "row": fault.row,
                    "column": fault.column,
                    "code": fault.code,
                    "message": fault.message,
                    "sheet": fault.sheet,
                    "value": fault.value,
                    "repair": fault.mended("en"),
                }
                for fault in self.faults
            ],
            "groups": [group.as_dict() for group in grouped(self.faults)],
            "readings": [
                {
                    "file": reading.file,
                    "column": reading.column,
                    "reading": reading.what,
                    "count": reading.count,
                    "rows": reading.rows,
                }
                for reading in self.readings
            ],
            "mapping": None if self.mapping is None else self.mapping.digest,
        }


def import_files(
    crm: CRM,
    paths: Iterable[Path],
    *,
    by: Actor,
    encoding: str = "utf-8",
    declared: Declared | None = None,
    dry_run: bool = False,
    skip_faulty: bool = False,
    rejects: Path | None = None,
    kept: Kept = NOTHING,
    corrects: str | None = None,
    lang: Lang = "en",
    reading: Callable[[int], Progress] = lambda _total: silent,
    planned: Callable[[int], Progress] = lambda _total: silent,
) -> ImportReport:
    """Import files or folders of them.

    Args:
        by: Who imports. Who first entered the facts is not in the files, so this is whom they are
            recorded by, and who owns a request until it is handed over.
        encoding: `utf-8` (with or without BOM), `gb18030`, `gbk` or `utf-16`; never guessed.
        declared: All that is said of the files, in the place of `encoding`.
        dry_run: Do everything but keep nothing.
        skip_faulty: Import the rows without a fault; the others go to `rejects`.
        rejects: File for faulty rows, CSV or XLSX by its name.
        kept: What the reject file may not replace, besides the files that are read.
        corrects: Why rows that differ from what stands correct it; without a reason such a row is
            a fault.
        lang: Language in which the reject file says what is wrong.
        reading: Given about how many rows there are to read, returns who is told of more of them.
        planned: Given the number of facts to record, returns who is told of each.

    Raises:
        Refused: it is not for `by` to import.
        Invalid: the reject file cannot be written.
    """
    crm.may(by, "import")
    declared = declared or Declared(encoding)
    paths = [*paths]
    found, faults = find_tables(paths, declared)
    now = present(crm.host)
    advance = reading(sum(one.table.size for one in found))
    files = [read_table(one, declared, now, advance, crm.zone) for one in found]
    kept = evolve(kept, files=[*kept.files, *input_paths(paths)])
    if dry_run or not skip_faulty:
        rejects = None
    if rejects is not None:
        check_writable(rejects, kept)
    report = _decided(
        crm.host.patience,
        lambda: _Import(crm, by, files, faults, declared.mapping, corrects),
        lambda run: run.record(planned, dry_run=dry_run, skip_faulty=skip_faulty),
    )
    if rejects is not None and report.faults:
        write_rejects(rejects, files, report.faults, lang, kept)
    return report


def _decided(
    patience: Patience, begin: Callable[[], _Import], record: Callable[[_Import], None]
) -> ImportReport:
    """What an import comes to; decided again where another writer was first (K44).

    What that one has brought is found in the log then, and is repeated.

    Raises:
        Conflict: others were first every time; it is safe to repeat.
    """
    for tried in range(1, patience.tries + 1):
        run = begin()
        run.check_households()
        run.check_shared()
        try:
            record(run)
        except Conflict:
            if tried == patience.tries:
                raise
            patience.wait(tried)
            continue
        break
    return run.report()


class Fact(NamedTuple):
    """What a part of a row, or of rows that belong together, says.

    Args:
        recorded: When the company came to know it.
        rank: Its place among what became known at the same instant: that of its file, and in it.
        numbers: Of the rows in their file.
        part: Empty where nothing of the row is said anew.
        before: Of a correction the commands that make void what it replaces.
    """

    recorded: datetime
    rank: tuple[Any, ...]
    numbers: tuple[int, ...]
    file: ReadFile
    row: Any
    part: str
    before: tuple[Any, ...] | None = None


_FILES = {kind: rank for rank, kind in enumerate(KINDS)}
_IN_ORDER = attrgetter("recorded", "rank", "numbers")


class _Import:
    """One import: facts in the order in which they became known."""

    def __init__(
        self,
        crm: CRM,
        by: Actor,
        files: list[ReadFile],
        faults: list[ImportFault],
        mapping: Mapping | None,
        corrects: str | None,
    ) -> None:
        self.crm = crm
        self.by = by
        self.mapping = mapping
        self.files = files
        self.faults = [*faults, *(fault for file in files for fault in file.faults)]
        self.bad: dict[str, set[int]] = {file.name: set(file.rejected) for file in files}
        self.repeated: dict[str, set[int]] = {file.name: set() for file in files}
        self.head = crm.log.head()
        self.references = References(files, crm.log)
        self.moment = self.latest = crm.clock.now()
        self.corrects = corrects
        self.named = {row.household for file in files for _, row in file.rows}
        self.again = made_void(crm.log, self.named)
        self.corrections = None if corrects is None else Corrections(crm, by, corrects, self.named)
        self.events = 0
        self.recorded = False

    def check_households(self) -> None:
        """Every row's household must be in the files or in the log."""
        missing = self.references.missing_households()
        for file in self.files if missing else ():
            for number, row in file.rows:
                if row.household in missing:
                    values = {"household": row.household}
                    self.wrong(file, number, "household", Fault("unknown_household", values=values))

    def check_shared(self) -> None:
        """Rows that say one thing together must agree in what they share."""
        for file in self.files:
            for rows in self._together(file):
                first, row = rows[0]
                for number, other in rows[1:]:
                    for column in file.kind.shared:
                        if getattr(other, column) != getattr(row, column):
                            values = {"key": file.kind.key, "first": first}
                            self.wrong(file, number, column, Fault("rows_differ", values=values))

    def _together(self, file: ReadFile) -> Collection[list[tuple[int, Any]]]:
        """Rows of a file with their numbers, those together that say one thing together."""
        kind = file.kind
        if not kind.shared:
            return [[numbered] for numbered in file.rows]
        found: dict[tuple[str, str], list[tuple[int, Any]]] = {}
        for number, row in file.rows:
            found.setdefault((row.household, getattr(row, kind.key)), []).append((number, row))
        return found.values()

    def wrong(self, file: ReadFile, number: int, column: str, what: Fault | Refusal) -> None:
        self.faults.append(file.wrong(number, column, what))
        self.bad[file.name].add(number)

    # --- recording ------------------------------------------------------------------------

    def record(
        self, planned: Callable[[int], Progress], *, dry_run: bool, skip_faulty: bool
    ) -> None:
        """Record every fact in one transaction.

        What the business refuses is found by trying, so it is tried even where nothing can be
        kept: all faults are told at once. Rows to be skipped leave nothing behind, not even the
        part of them that would pass; so without them it is tried again.
        """
        known_faults = -1
        while known_faults < len(self.faults):
            before = known_faults = len(self.faults)
            context = Context(
                zone=self.crm.zone,
                now=self.moment,
                by=self.by.id,
                fingerprint=self.crm.host.vault.fingerprint,
                charges=self.references.charges,
                booked=self.references.booked,
                registered=self.references.registered,
            )
            new = self._new(self._facts(context, skip_faulty=skip_faulty))
            judged = self.faults and not skip_faulty
            stand_ins = [*self.references.stand_ins(context.now)] if judged else []

            def refused(item: Planned, refusal: Refusal) -> None:
                if item.origin is None:
                    return
                file, numbers = item.origin
                follows = not skip_faulty and self.references.follows(refusal, item.command)
                if self.bad[file.name].isdisjoint(numbers) and not follows:
                    column = file.kind.blamed.get(refusal.code, file.kind.key)
                    self.wrong(file, _blamed(refusal, column, item), column, refusal)

            def failed(item: Planned, error: Exception) -> None:
                # Whatever deciding a row raises is a fault of that row, and of no other.
                if item.origin is None:
                    return
                file, numbers = item.origin
                if not self.bad[file.name].isdisjoint(numbers):
                    return
                for fault in _faults_of(error):
                    column = file.kind.blamed.get(fault.code, file.kind.key)
                    self.wrong(file, numbers[0], column, fault)

            def keep_nothing(before: int = before) -> bool:
                kept = len(self.faults) == (before if skip_faulty else 0)
                return dry_run or not kept

            self.recorded = skip_faulty or not self.faults
            self.latest = max((fact.recorded for fact, _ in new), default=self.moment)
            batch = self.crm.batch if self.corrections is None else self.crm.imports.correct
            self.events = batch(
                chain(self._not_overtaken(new), stand_ins, self._planned(new, context)),
                by=self.by,
                imported=self.moment,
                on_refusal=refused,
                on_error=failed,
                closing=self._record,
                stop=keep_nothing,
                progress=planned(len(stand_ins) + len(new)),
            )
            if not skip_faulty:
                break
        self.recorded = skip_faulty or not self.faults

    def _record(self, events: int) -> Planned | None:
        """The record of the import, behind what it brought.

        It moves no cut-off: it says when what it is about became known, and the moment in itself.
        """
        if not events:
            return None
        report = self.report()
        digests = {
            path: sha256(path.read_bytes()).hexdigest()
            for path in {file.path for file in self.files}
        }
        files = tuple(
            ImportedFile(
                name=file.name,
                kind=file.kind.name,
                digest=digests[file.path],
                rows=done.rows,
                imported=done.imported,
                repeated=done.repeated,
                faulty=done.faulty,
            )
            for file, done in zip(self.files, report.files.values(), strict=True)
        )
        mapping = self.mapping
        said = None if mapping is None else MappingSaid(mapping.text, mapping.digest)
        command = RecordImport(files, said, events, self.moment, self.corrects)
        return Planned(command, self.crm.ids.new(), self.latest)

    def _facts(self, context: Context, *, skip_faulty: bool) -> list[tuple[Fact, str]]:
        """All facts with their command ids, in the order of knowledge."""
        facts: list[Fact] = []
        # What others name comes last: it was known by then.
        told = [
            (file, [*self._told(file, skip_faulty=skip_faulty)]) for file in reversed(self.files)
        ]
        for file, entries in told:
            for _, row in entries:
                file.kind.mentions(row, context)
        for file, entries in told:
            kind = file.kind
            for numbers, row in entries:
                if self._corrected(file, numbers, row, facts):
                    continue
                parts = [*kind.facts(row, context)]
                if not parts:  # Another file says it already.
                    self.repeated[file.name].update(numbers)
                for part, known in parts:
                    # The first of all days began in the year before, where the estate lies east;
                    # and nothing is known later than the import, also what falls due later.
                    recorded = min(max(known, EARLIEST_INSTANT), context.now)
                    recorded = self.again.known(row.household, recorded)
                    rank = (_FILES[kind], kind.place(row, part))
                    facts.append(Fact(recorded, rank, numbers, file, row, part))
                    context.mention(recorded, row.household)
        facts.sort(key=_IN_ORDER)
        found: dict[str, Fact] = {}
        for fact in facts:
            try:
                command_id = self._id(fact, context)
            except PersonErased:
                erased, kind = Fault("person_erased"), fact.file.kind
                column = kind.blamed.get(erased.code, kind.key)
                self.wrong(fact.file, fact.numbers[0], column, erased)
                continue
            # What two rows say alike became known with the first.
            first = found.setdefault(command_id, fact)
            if first.file is not fact.file:
                self.repeated[fact.file.name].update(fact.numbers)
            elif first is not fact:
                found[command_id] = first._replace(numbers=first.numbers + fact.numbers)
        return [(fact, command_id) for command_id, fact in found.items()]

    def _corrected(
        self, file: ReadFile, numbers: tuple[int, ...], row: Any, facts: list[Fact]
    ) -> bool:
        """Whether something of a row stands, which it repeats or corrects."""
        if self.corrections is None:
            return False
        found = self.corrections.of(file.kind, row, file.headers)
        if found is None:
            return False
        for column, fault in found.faults:
            self.wrong(file, numbers[0], column, fault)
        if not (found.before or found.parts or found.faults):
            self.repeated[file.name].update(numbers)
        before = found.before
        for part in found.parts or ("",) * bool(before):
            rank = (_FILES[file.kind], file.kind.place(row, part or file.kind.parts[0]))
            facts.append(Fact(self.moment, rank, numbers, file, row, part, before))
            before = ()
        return True

    def _id(self, fact: Fact, context: Context) -> str:
        """The id of a fact's command; what is said anew is another command each time."""
        if not fact.part:
            return CORRECTING + self.crm.ids.new()
        command_id, taken = _command_id(fact, context), set[str]()
        found = self.again.id(command_id)
        while fact.before is not None and self.crm.log.outcomes([found]):
            taken.add(found)
            found = self.again.id(command_id, taken)
        return found

    def _told(self, file: ReadFile, *, skip_faulty: bool) -> Iterator[tuple[tuple[int, ...], Any]]:
        """What the rows of a file say: the numbers of one or several of them, and what it is.

        What several rows say together is not said while one of them is faulty; where faulty rows
        are skipped, so are the others, and they are told why.
        """
        bad, kind = self.bad[file.name], file.kind
        lost = file.lost_of("household", kind.key) if kind.shared else {}
        for rows in self._together(file):
            numbers = tuple(number for number, _ in rows)
            row = rows[0][1]
            faulty = {number for number in numbers if number in bad}
            if kind.shared:
                faulty.update(lost.get((row.household, getattr(row, kind.key)), ()))
            if not faulty:
                yield numbers, kind.joined([row for _, row in rows])
            for number in numbers if skip_faulty and faulty else ():
                if number not in bad:
                    values = {"key": kind.key, "row": min(faulty)}
                    self.wrong(file, number, kind.key, Fault("rows_incomplete", values=values))

    def _new(self, facts: Sequence[tuple[Fact, str]]) -> list[tuple[Fact, str]]:
        """The facts that were not imported before."""
        if self.crm.log.head() == 0:
            return list(facts)
        known = self.crm.log.outcomes([command_id for _, command_id in facts])
        for fact, command_id in facts:
            if command_id in known:
                self.repeated[fact.file.name].update(fact.numbers)
        new = [item for item in facts if item[1] not in known]
        for fact, _ in new:
            self.repeated[fact.file.name].difference_update(fact.numbers)
        return new

    def _not_overtaken(self, new: Iterable[tuple[Fact, str]]) -> Iterator[Planned]:
        """No command; that nobody was first since the log was looked at.

        It is asked within the transaction, where nobody records anything in between.

        Raises:
            Conflict: another writer was.
        """
        log = self.crm.log
        if log.head() != self.head and (
            self.corrections is not None
            or log.outcomes([command_id for _, command_id in new])
            or made_void(log, self.named) != self.again
        ):
            raise Conflict(IMPORTS.stream(WHOLE), self.head, None)
        yield from ()

    def _planned(self, facts: Iterable[tuple[Fact, str]], context: Context) -> Iterator[Planned]:
        for (recorded, _, numbers, file, row, part, before), command_id in facts:
            for command in before or ():
                yield Planned(command, CORRECTING + self.crm.ids.new(), recorded, (file, numbers))
            if part:
                command = file.kind.command(row, part, context)
                yield Planned(command, command_id, recorded, (file, numbers))

    # --- result ---------------------------------------------------------------------------

    def report(self) -> ImportReport:
        """What became of every row."""
        report = ImportReport(events=self.events, faults=self.faults, mapping=self.mapping)
        report.faults.sort(key=lambda f: (f.file, f.row, f.column))
        for file in self.files:
            bad, repeated = self.bad[file.name], self.repeated[file.name]
            faulty = len(bad)
            imported = file.count - faulty - len(repeated - bad) if self.recorded else 0
            report.files[file.name] = FileReport(file.count, imported, len(repeated - bad), faulty)
            seen = file.table.seen
            report.readings += [
                Reading(file.name, one.column, one.what, times, seen.rows[one])
                for one, times in seen.counts.items()
            ]
        return report


def _blamed(refusal: Refusal, column: str, item: Planned) -> int:
    """The row to look at: of several that say one thing, the one with what is refused."""
    file, numbers = item.origin
    wanted = refusal.details.get(column, refusal.details.get(f"{column}_fen"))
    for number, row in file.rows if len(numbers) > 1 else ():
        if number in numbers and getattr(row, column, None) == wanted:
            return number  # type: ignore[no-any-return]
    return numbers[0]  # type: ignore[no-any-return]


def _faults_of(error: Exception) -> list[Fault]:
    """What is wrong with a row of which deciding it raised that."""
    if isinstance(error, Invalid):
        return [evolve(fault, where="") for fault in error.faults]
    return [Fault("row_undecidable", values={"why": described(error)})]


def _command_id(fact: Fact, context: Context) -> str:
    """The command id of a fact: the same line again is the same command."""
    kind, row, part = fact.file.kind, fact.row, fact.part
    values = kind.identity(row, part, context)
    text = "\x1f".join("" if value is None else str(value) for value in values)
    digest = sha256(text.encode()).hexdigest()[:16]
    return f"import:{part}:{row.household}:{getattr(row, kind.key)}:{digest}"
