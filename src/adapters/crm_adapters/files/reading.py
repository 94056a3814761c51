"""Reading import files: encodings that are declared, headers in two languages, every fault kept."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Collection, Iterable, Iterator
from operator import attrgetter
from pathlib import Path
from typing import Any

from attrs import define, evolve, field, frozen
from cattrs.errors import ClassValidationError

from crm_adapters.files.cells import cell_faults, structurer
from crm_adapters.files.kinds import KINDS
from crm_adapters.files.rows.kind import FileKind
from crm_adapters.files.tables import is_watermark
from crm_core.application.present import Present
from crm_core.errors import Fault
from crm_core.kernel.decider import Refusal
from crm_core.kernel.sentences import Lang

ENCODINGS = ("utf-8", "gb18030", "gbk")


@frozen
class ImportFault:
    """One thing that is wrong with an import.

    Args:
        file: Name of the file.
        row: Row as a spreadsheet counts, the header being row 1; 0 for the whole file.
        column: Header of the column as it stands in the file, or an empty text.
        wrong: What is wrong and what would be taken, or what the business refuses; never personal
            data.
    """

    file: str
    row: int
    column: str
    wrong: Fault | Refusal

    @property
    def code(self) -> str:
        """Its stable code."""
        return self.wrong.code

    @property
    def message(self) -> str:
        """What is wrong, in English."""
        return self.wrong.message

    def told(self, lang: Lang) -> str:
        """What is wrong, in one sentence."""
        return self.wrong.told(lang)


@define
class ReadFile:
    """A file as read.

    Args:
        kind: Which of the kinds there are.
        name: Its name.
        path: Where it lies.
        encoding: How it was read.
        headers: Header in the file for each column.
        rows: Row number and typed row of every line without a fault.
        count: Lines, faulty ones included.
        faults: Everything wrong.
        rejected: The cells of faulty lines by row number, for a reject file.
        header: The header as it stands in the file.
        whole: Whether it could be read to its end.
    """

    kind: FileKind
    name: str
    path: Path
    encoding: str
    headers: dict[str, str] = field(factory=dict)
    rows: list[tuple[int, Any]] = field(factory=list)
    count: int = 0
    faults: list[ImportFault] = field(factory=list)
    rejected: dict[int, list[str]] = field(factory=dict)
    header: list[str] = field(factory=list)
    whole: bool = False

    def lost(self, column: str) -> list[str]:
        """What the faulty lines have in one column; an empty text where they have nothing."""
        names = [title.strip() for title in self.header]
        if self.headers.get(column) not in names:
            return []
        place = names.index(self.headers[column])
        return [(*cells, *[""] * place)[place].strip() for cells in self.rejected.values()]

    def lost_of(self, *columns: str) -> dict[tuple[str, ...], list[int]]:
        """The faulty lines by what they have in some columns."""
        found: dict[tuple[str, ...], list[int]] = {}
        texts = zip(*(self.lost(column) for column in columns), strict=False)
        for row, text in zip(self.rejected, texts, strict=False):
            found.setdefault(text, []).append(row)
        return found


def find_files(paths: Iterable[Path]) -> tuple[list[tuple[FileKind, Path]], list[ImportFault]]:
    """The import files that the paths name, in the order of `KINDS`, and what is no such file."""
    found: dict[str, Path] = {}
    faults: list[ImportFault] = []
    for path in paths:
        if path.is_dir():
            inside = [
                (k, path / f"{k.name}.csv") for k in KINDS if (path / f"{k.name}.csv").is_file()
            ]
            if not inside:
                faults.append(ImportFault(str(path), 0, "", Fault("folder_empty")))
        elif path.is_file():
            kinds = [k for k in KINDS if path.name.lower() == f"{k.name}.csv"]
            if not kinds:
                faults.append(ImportFault(path.name, 0, "", _unknown(path)))
            inside = [(kinds[0], path)] if kinds else []
        else:
            faults.append(ImportFault(str(path), 0, "", Fault("file_missing")))
            continue
        for kind, file in inside:
            if kind.name in found:
                twice = Fault("file_twice", values={"kind": kind.name})
                faults.append(ImportFault(file.name, 0, "", twice))
            found[kind.name] = file
    return [(kind, found[kind.name]) for kind in KINDS if kind.name in found], faults


def _unknown(path: Path) -> Fault:
    is_spreadsheet = path.suffix.lower() in (".xls", ".xlsx", ".xlsm", ".ods")
    sentence = "spreadsheet_unread" if is_spreadsheet else ""
    names = [f"{kind.name}.csv" for kind in KINDS]
    return Fault("file_unknown", values={"names": names}, sentence=sentence)


def read_file(
    kind: FileKind,
    path: Path,
    encoding: str,
    present: Present,
    progress: Callable[[int], None],
) -> ReadFile:
    """Read one file; nothing in it stops the reading but its encoding and its header."""
    read = ReadFile(kind=kind, name=path.name, path=path, encoding=encoding)
    try:
        text = _decode(path, encoding)
    except UnicodeDecodeError as error:
        row = error.object[: error.start].count(b"\n") + 1
        sentence = "encoding_not_utf8" if encoding == "utf-8" else ""
        _fault(read, row, "", "encoding_wrong", sentence, encoding=encoding.upper())
        return read
    except OSError as error:
        _fault(read, 0, "", "file_unreadable", reason=error.strerror)
        return read
    lines = _lines(read, text)
    try:
        header = next(lines)[1]
    except StopIteration:
        _fault(read, 1, "", "file_empty")
        return read
    read.header = header
    columns = _columns(read, header)
    if columns is None:
        return read
    before = len(read.faults)
    _read_rows(read, columns, lines, present, progress)
    read.whole = not any(fault.code == "csv_malformed" for fault in read.faults[before:])
    return read


def read_again(file: ReadFile, rows: Collection[int]) -> dict[int, list[str]]:
    """The cells of some rows: those of a row that could be read are not kept as text."""
    text = _decode(file.path, file.encoding)
    return {row: cells for row, cells in _lines(file, text) if row in rows}


def _decode(path: Path, encoding: str) -> str:
    raw = path.read_bytes()
    return raw.decode("utf-8-sig" if encoding == "utf-8" else encoding)


def _lines(read: ReadFile, text: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    row = 0
    while True:
        row += 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            _fault(read, row, "", "csv_malformed", reason=str(error))
            return
        if cells and not is_watermark(cells):
            yield row, cells


def _columns(read: ReadFile, header: list[str]) -> list[str] | None:
    """The column of each place in the header, or None if the header is wrong."""
    kind = read.kind
    columns = []
    for title in header:
        name = title.strip()
        column = name if name in kind.columns else kind.aliases.get(name, "")
        if not column:
            _fault(read, 1, name, "column_unknown", kind=kind.name, columns=kind.columns)
        elif column in columns:
            _fault(read, 1, name, "column_twice", named=column)
        columns.append(column)
        read.headers[column] = name
    for column in kind.required:
        if column not in columns:
            _fault(read, 1, column, "column_missing", missing=column)
    return None if read.faults else columns


def _read_rows(
    read: ReadFile,
    columns: list[str],
    lines: Iterator[tuple[int, list[str]]],
    present: Present,
    progress: Callable[[int], None],
) -> None:
    structure = structurer(read.kind.row)
    width = len(columns)
    key = read.kind.key
    identity = attrgetter(*read.kind.told_apart)
    seen: dict[Any, int] = {}
    for row, cells in lines:
        read.count += 1
        if read.count % 1000 == 0:
            progress(1000)
        if len(cells) != width:
            _fault(read, row, "", "row_width", cells=len(cells), width=width)
            read.rejected[row] = cells
            continue
        values = {c: cell.strip() or None for c, cell in zip(columns, cells, strict=True)}
        try:
            typed = structure(values)
        except ClassValidationError as error:
            for column, fault in cell_faults(error):
                header = read.headers.get(column, column)
                read.faults.append(ImportFault(read.name, row, header, fault))
            read.rejected[row] = cells
            continue
        wrong = [*read.kind.wrong(typed), *_still_to_come(typed, present)]
        if wrong:
            for column, fault in wrong:
                header = read.headers.get(column, column)
                read.faults.append(ImportFault(read.name, row, header, fault))
            read.rejected[row] = cells
            continue
        first = seen.setdefault(identity(typed), row)
        if first != row:
            _fault(read, row, read.headers[key], "row_twice", key=key, first=first)
            read.rejected[row] = cells
            continue
        read.rows.append((row, typed))


def _still_to_come(row: Any, present: Present) -> Iterator[tuple[str, Fault]]:
    """Columns that say what happened, and name a day or an instant behind the present."""
    for fault in present.faults(row):
        yield fault.where.rpartition(".")[2], evolve(fault, where="")


def _fault(
    read: ReadFile, row: int, column: str, code: str, sentence: str = "", **values: Any
) -> None:
    wrong = Fault(code, values=values, sentence=sentence)
    read.faults.append(ImportFault(read.name, row, column, wrong))
