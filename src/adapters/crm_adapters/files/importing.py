"""Import: files to commands, in the order in which the company came to know (IMP-01).

All faults at once; nothing is written unless all is; what was imported before is passed over.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from itertools import chain
from operator import attrgetter
from pathlib import Path
from typing import Any

from attrs import define, field

from crm_adapters.files.reading import (
    ImportFault,
    ReadFile,
    find_files,
    read_again,
    read_file,
)
from crm_adapters.files.tables import (
    KINDS,
    ChargeRow,
    HouseholdRow,
    PaymentRow,
    PurchaseRow,
    RequestRow,
)
from crm_core.crm import CRM, Planned
from crm_core.errors import Fault, Invalid, PersonErased
from crm_core.kernel.dates import start_of_day
from crm_core.kernel.decider import Refusal
from crm_core.kernel.recorded import Actor
from crm_core.kernel.sealed import Personal
from crm_core.kernel.sentences import Lang
from crm_core.kernel.text import check_id
from crm_core.owners.commands import RegisterHousehold, owner_id
from crm_core.payments.commands import RaiseCharge, ReceivePayment, RecordPurchase
from crm_core.ports import Progress, silent
from crm_core.requests.commands import CloseImported, ReceiveRequest

_COLUMN = {
    "amount_out_of_range": "amount",
    "charge_exists": "charge",
    "household_exists": "household",
    "payment_exists": "payment",
    "place_taken": "room",
    "purchase_exists": "purchase",
    "request_exists": "request",
    "request_not_open": "closed_at",
    "too_early": "closed_at",
    "unknown_charge": "charge",
    "unknown_household": "household",
}
"""The column to look at for a refusal."""


@define
class FileReport:
    """What became of a file's rows."""

    rows: int = 0
    imported: int = 0
    repeated: int = 0
    faulty: int = 0


@define
class ImportReport:
    """What an import did.

    Args:
        files: For each file what became of its rows.
        events: Events appended.
        faults: Everything wrong; without `skip_faulty` a single one means nothing was written.
    """

    files: dict[str, FileReport] = field(factory=dict)
    events: int = 0
    faults: list[ImportFault] = field(factory=list)

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
                }
                for fault in self.faults
            ],
        }


def import_files(
    crm: CRM,
    paths: Iterable[Path],
    *,
    by: Actor,
    encoding: str = "utf-8",
    dry_run: bool = False,
    skip_faulty: bool = False,
    rejects: Path | None = None,
    lang: Lang = "en",
    reading: Progress = silent,
    planned: Callable[[int], Progress] = lambda _total: silent,
) -> ImportReport:
    """Import files or folders of them.

    Args:
        by: Who imports. Who first entered the facts is not in the files, so this is whom they are
            recorded by, and who owns a request until it is handed over.
        encoding: `utf-8` (with or without BOM), `gb18030` or `gbk`; never guessed.
        dry_run: Do everything but keep nothing.
        skip_faulty: Import the rows without a fault; the others go to `rejects`.
        rejects: CSV file for faulty rows.
        lang: Language in which the reject file says what is wrong.
        reading: Told how many more rows were read.
        planned: Given the number of facts to record, returns who is told of each.

    Raises:
        Refused: it is not for `by` to import.
        Invalid: the reject file cannot be written.
    """
    crm.may(by, "import")
    found, faults = find_files(paths)
    files = [read_file(kind, path, encoding, reading) for kind, path in found]
    run = _Import(crm, by, files, faults)
    if dry_run or not skip_faulty:
        rejects = None
    if rejects is not None and (rejects.is_dir() or not rejects.parent.is_dir()):
        raise _rejects_unwritable(rejects)
    run.check_references()
    run.record(planned, dry_run=dry_run, skip_faulty=skip_faulty)
    report = run.report()
    if rejects is not None and report.faults:
        write_rejects(rejects, files, report.faults, lang)
    return report


_VALUES_OF = {kind.row: attrgetter(*kind.columns) for kind in KINDS}


def _values(row: Any) -> tuple[Any, ...]:
    """The cells of a row, in the order of its columns."""
    return _VALUES_OF[type(row)](row)


Fact = tuple[datetime, int, int, ReadFile, Any, str]
"""Recorded instant, rank of the kind, row, file, typed row, part of the row."""


class _Import:
    """One import: facts in the order in which they became known."""

    def __init__(
        self, crm: CRM, by: Actor, files: list[ReadFile], faults: list[ImportFault]
    ) -> None:
        self.crm = crm
        self.by = by
        self.zone = crm.zone
        self.files = files
        self.faults = [*faults, *(fault for file in files for fault in file.faults)]
        self.bad: dict[str, set[int]] = {file.name: set(file.rejected) for file in files}
        self.repeated: dict[str, set[int]] = {file.name: set() for file in files}
        self.events = 0
        self.recorded = False
        self._charges = {
            (row.household, row.charge)
            for file in files
            if file.kind.row is ChargeRow
            for _, row in file.rows
        }
        # What faulty rows would have brought: a fact that names it has no fault of its own.
        of = {file.kind.row: file for file in files}
        self._households_file, self._charges_file = of.get(HouseholdRow), of.get(ChargeRow)
        self._lost: list[str] = []

    # --- references between files and log -------------------------------------------------

    def check_references(self) -> None:
        """Every row's household must be in the files or in the log."""
        here = {
            row.household for f in self.files if f.kind.row is HouseholdRow for _, row in f.rows
        }
        named = {row.household for f in self.files for _, row in f.rows} - here
        households = self._households_file
        lost = [] if households is None else households.lost("household")
        self._lost = sorted({household for household in lost if _is_id(household)} - here)
        named.difference_update(lost)
        known = self.crm.log.tips([f"household/{household}" for household in named])
        missing = {household for household in named if f"household/{household}" not in known}
        unreadable = sum(not _is_id(household) for household in lost)
        if len(missing) <= unreadable or not (households is None or households.whole):
            self._lost += sorted(missing)
            return
        for file in self.files:
            for row, typed in file.rows:
                if typed.household in missing:
                    values = {"household": typed.household}
                    self.wrong(file, row, "household", Fault("unknown_household", values=values))

    def wrong(self, file: ReadFile, row: int, column: str, what: Fault | Refusal) -> None:
        header = file.headers.get(column, column)
        self.faults.append(ImportFault(file.name, row, header, what))
        self.bad[file.name].add(row)

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
            new = self._new(self._facts())

            lost = [] if skip_faulty or not self.faults else self._lost

            def refused(item: Planned, refusal: Refusal) -> None:
                if item.origin is None:
                    return
                file, row = item.origin
                column = _COLUMN.get(refusal.code, file.kind.key)
                follows = not skip_faulty and self._follows(refusal, item.command)
                if row not in self.bad[file.name] and not follows:
                    self.wrong(file, row, column, refusal)

            def keep_nothing(before: int = before) -> bool:
                kept = len(self.faults) == (before if skip_faulty else 0)
                return dry_run or not kept

            self.events = self.crm.batch(
                chain(self._stand_ins(lost), self._planned(new)),
                by=self.by,
                imported=self.crm.clock.now(),
                on_refusal=refused,
                stop=keep_nothing,
                progress=planned(len(lost) + len(new)),
            )
            if not skip_faulty:
                break
        self.recorded = skip_faulty or not self.faults

    def _stand_ins(self, households: Iterable[str]) -> Iterator[Planned]:
        """Files for the households of faulty rows, where nothing is kept anyway.

        The facts about them are judged by their own worth; those they lack are told already.
        """
        for household in households:
            command = RegisterHousehold(household, "-", "-", "-", household)
            yield Planned(command, f"import:lost:{household}", self.crm.clock.now())

    def _follows(self, refusal: Refusal, command: Any) -> bool:
        """Whether a refusal only follows from a fault of another row."""
        charges = self._charges_file
        if refusal.code != "unknown_charge" or charges is None:
            return False
        lost = zip(charges.lost("household"), charges.lost("charge"), strict=True)
        return not charges.whole or any(
            command.charge == charge or (command.household == household and not _is_id(charge))
            for household, charge in lost
        )

    def _facts(self) -> list[tuple[Fact, str]]:
        """All facts with their command ids, in the order of knowledge."""
        facts: list[Fact] = []
        earliest: dict[str, datetime] = {}
        for file in reversed(self.files):  # households last: they need their facts' instants
            add = _FACTS[file.kind.row]
            bad = self.bad[file.name]
            rows = [item for item in file.rows if item[0] not in bad]
            for fact in add(self, file, rows, earliest):
                facts.append(fact)
                household = fact[4].household
                if household not in earliest or fact[0] < earliest[household]:
                    earliest[household] = fact[0]
        facts.sort(key=lambda fact: fact[:3])
        found = []
        for fact in facts:
            try:
                found.append((fact, self._id(fact)))
            except PersonErased:
                self.wrong(fact[3], fact[2], "owner", Fault("person_erased"))
        return found

    def _new(self, facts: Sequence[tuple[Fact, str]]) -> list[tuple[Fact, str]]:
        """The facts that were not imported before."""
        if self.crm.log.head() == 0:
            return list(facts)
        known = self.crm.log.outcomes([command_id for _, command_id in facts])
        for fact, command_id in facts:
            if command_id in known:
                self.repeated[fact[3].name].add(fact[2])
        new = [item for item in facts if item[1] not in known]
        for fact, _ in new:
            self.repeated[fact[3].name].discard(fact[2])
        return new

    def _planned(self, facts: Iterable[tuple[Fact, str]]) -> Iterator[Planned]:
        for (recorded, _, row, file, typed, part), command_id in facts:
            yield Planned(self._command(typed, part), command_id, recorded, (file, row))

    def _command(self, row: Any, part: str) -> Any:
        if type(row) is HouseholdRow:
            return self._registration(row)
        if type(row) is ChargeRow:
            return RaiseCharge(row.household, row.charge, row.kind, row.period, row.amount, row.due)
        if type(row) is PaymentRow:
            follows = row.charge is not None and (row.household, row.charge) in self._charges
            return ReceivePayment(
                row.household,
                row.payment,
                row.amount,
                row.paid_on,
                row.method,
                row.charge,
                follows,
            )
        if type(row) is PurchaseRow:
            return RecordPurchase(
                row.household, row.purchase, row.service, row.amount, row.purchased_on
            )
        return self._request(row, part)

    def _registration(self, row: HouseholdRow) -> RegisterHousehold:
        person = owner_id(row.household)
        return RegisterHousehold(
            row.household,
            row.estate,
            row.building,
            row.unit,
            row.room,
            row.kind,
            None if row.owner is None else Personal(person, row.owner),
            None if row.phone is None else Personal(person, row.phone),
            row.moved_in,
            "import",
        )

    def _request(self, row: RequestRow, part: str) -> ReceiveRequest | CloseImported:
        if part == "closed":
            assert row.closed_at is not None
            return CloseImported(row.request, row.closed_at)
        return ReceiveRequest(
            row.request,
            row.household,
            row.channel,
            row.kind,
            row.trade,
            row.severity,
            row.summary,
            row.received_at,
            self.by.id,
            agreed_due_at=row.due_at,
        )

    def _id(self, fact: Fact) -> str:
        """The command id of a fact: the same line again is the same command.

        Personal values enter only as a digest under the person's own key, so that the id says
        nothing of them once the key is gone.
        """
        row, part = fact[4], fact[5]
        if type(row) is HouseholdRow:
            person = owner_id(row.household)
            values = [
                *_values(row)[:6],
                row.moved_in,
                *(
                    None if text is None else self.crm.vault.fingerprint(Personal(person, text))
                    for text in (row.owner, row.phone)
                ),
            ]
        elif type(row) is RequestRow:
            values = [row.request, row.closed_at] if part == "closed" else [*_values(row)[:9]]
        else:
            values = [*_values(row)]
        text = "\x1f".join("" if value is None else str(value) for value in values)
        digest = sha256(text.encode()).hexdigest()[:16]
        key = getattr(row, fact[3].kind.key)
        return f"import:{part}:{row.household}:{key}:{digest}"

    # --- result ---------------------------------------------------------------------------

    def report(self) -> ImportReport:
        """What became of every row."""
        report = ImportReport(events=self.events, faults=self.faults)
        report.faults.sort(key=lambda f: (f.file, f.row, f.column))
        for file in self.files:
            bad, repeated = self.bad[file.name], self.repeated[file.name]
            faulty = len(bad)
            imported = file.count - faulty - len(repeated - bad) if self.recorded else 0
            report.files[file.name] = FileReport(file.count, imported, len(repeated - bad), faulty)
        return report


def _household_facts(
    run: _Import, file: ReadFile, rows: list[tuple[int, Any]], earliest: dict[str, datetime]
) -> Iterator[Fact]:
    now = run.crm.clock.now()
    for row, typed in rows:
        known = earliest.get(typed.household)
        if typed.moved_in is not None:
            moved = start_of_day(typed.moved_in, run.zone)
            known = moved if known is None else min(known, moved)
        yield (known or now, 0, row, file, typed, "household")


def _charge_facts(
    run: _Import, file: ReadFile, rows: list[tuple[int, Any]], _: dict[str, datetime]
) -> Iterator[Fact]:
    named: dict[tuple[str, str], datetime] = {}
    for payments in run.files:
        if payments.kind.row is PaymentRow:
            bad = run.bad[payments.name]
            for number, payment in payments.rows:
                if payment.charge is not None and number not in bad:
                    key = (payment.household, payment.charge)
                    instant = payment.recorded or start_of_day(payment.paid_on, run.zone)
                    named[key] = min(named.get(key, instant), instant)
    for row, typed in rows:
        recorded = typed.recorded
        if recorded is None:
            recorded = start_of_day(typed.due, run.zone)
            recorded = min(recorded, named.get((typed.household, typed.charge), recorded))
        yield (recorded, 1, row, file, typed, "charge")


def _payment_facts(
    run: _Import, file: ReadFile, rows: list[tuple[int, Any]], _: dict[str, datetime]
) -> Iterator[Fact]:
    for row, typed in rows:
        recorded = typed.recorded or start_of_day(typed.paid_on, run.zone)
        yield (recorded, 2, row, file, typed, "payment")


def _purchase_facts(
    run: _Import, file: ReadFile, rows: list[tuple[int, Any]], _: dict[str, datetime]
) -> Iterator[Fact]:
    for row, typed in rows:
        recorded = typed.recorded or start_of_day(typed.purchased_on, run.zone)
        yield (recorded, 3, row, file, typed, "purchase")


def _request_facts(
    _run: _Import, file: ReadFile, rows: list[tuple[int, Any]], _: dict[str, datetime]
) -> Iterator[Fact]:
    for row, typed in rows:
        yield (typed.received_at, 4, row, file, typed, "request")
        if typed.closed_at is not None:
            yield (max(typed.closed_at, typed.received_at), 5, row, file, typed, "closed")


_FACTS: dict[type, Callable[..., Iterator[Fact]]] = {
    HouseholdRow: _household_facts,
    ChargeRow: _charge_facts,
    PaymentRow: _payment_facts,
    PurchaseRow: _purchase_facts,
    RequestRow: _request_facts,
}


def write_rejects(
    path: Path, files: Sequence[ReadFile], faults: Sequence[ImportFault], lang: Lang = "en"
) -> None:
    """The rows with a fault, with what is wrong with them; they hold personal data.

    The file is made readable by its owner only.
    """
    try:
        cells = {
            file.name: read_again(file, {f.row for f in faults if f.file == file.name})
            for file in files
            if file.header
        }
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(opened, "w", encoding="utf-8", newline="") as out:
            path.chmod(0o600)  # It may have been there before, open to others.
            writer = csv.writer(out)
            writer.writerow(["file", "row", "column", "code", "message", "cells..."])
            for f in faults:
                found = cells.get(f.file, {}).get(f.row, [])
                writer.writerow([f.file, f.row, f.column, f.code, f.told(lang), *found])
    except OSError as error:
        raise _rejects_unwritable(path) from error


def _rejects_unwritable(path: Path) -> Invalid:
    return Invalid.one("rejects_unwritable", "--rejects", path=str(path))


def _is_id(text: str) -> bool:
    try:
        return bool(check_id(text))
    except ValueError:
        return False
