"""Which tables are to be imported: of the paths that are named, and as what (IMP-03)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from copy import deepcopy
from pathlib import Path

from attrs import evolve, field

from crm_adapters.files.kinds import KINDS
from crm_adapters.files.mapping import Mapping, TableMapping
from crm_adapters.files.opening import ENDINGS, open_tables
from crm_adapters.files.recognising import Fit, fits, kind_of, nearest
from crm_adapters.files.rows.kind import FileKind
from crm_adapters.files.sheets import ImportFault, Table
from crm_adapters.files.vocabulary import kind_named
from crm_core.errors import Fault
from crm_core.kernel.values import frozen


@frozen
class Declared:
    """What is said of the files that are imported.

    Args:
        encoding: Of files without a mark, unless `encodings` says otherwise.
        encodings: Of files by their name.
        kind: What their rows are, where neither mapping nor name says so.
        mapping: How they are read.
        lenient: Whether readings beyond the strict ones are allowed, all of them.
    """

    encoding: str = "utf-8"
    encodings: dict[str, str] = field(factory=dict)
    kind: FileKind | None = None
    mapping: Mapping | None = None
    lenient: bool = False

    def encoding_of(self, path: Path) -> str:
        """How a file is written, by what is said of it."""
        mapped = self.mapping.encoding if self.mapping else None
        return self.encodings.get(path.name) or mapped or self.encoding


@frozen
class Found:
    """A table to be imported.

    Args:
        name: What it is called, of all tables of the import; with its kind where a table is read
            as several.
        mapping: What a mapping says of it.
    """

    kind: FileKind
    table: Table
    name: str
    mapping: TableMapping | None = None


def input_paths(paths: Iterable[Path]) -> list[Path]:
    """The files that the paths name, whatever is in them."""
    return [file for path in paths for file in (_inside(path) if path.is_dir() else [path])]


def find_tables(paths: Iterable[Path], declared: Declared) -> tuple[list[Found], list[ImportFault]]:
    """The tables in the order of their kinds, and what is none."""
    finder = _Finder(declared)
    for path in paths:
        finder.look_at(path)
    finder.found.sort(key=lambda one: KINDS.index(one.kind))
    return finder.found, finder.faults


def _inside(folder: Path) -> list[Path]:
    """The import files of a folder: those named as one, or else whatever is a spreadsheet."""
    files = sorted(p for p in folder.iterdir() if p.is_file() and p.suffix.lower() in ENDINGS)
    return [p for p in files if kind_named(p.stem) is not None] or files


class _Finder:
    def __init__(self, declared: Declared) -> None:
        self.declared = declared
        self.found: list[Found] = []
        self.faults: list[ImportFault] = []

    def look_at(self, path: Path) -> None:
        if path.is_dir():
            before = len(self.found)
            for file in _inside(path):
                self._file(file, is_searched=kind_named(file.stem) is None)
            if len(self.found) == before:
                self.faults.append(ImportFault(str(path), 0, "", Fault("folder_empty")))
        elif path.is_file():
            self._file(path)
        else:
            self.faults.append(ImportFault(str(path), 0, "", Fault("file_missing")))

    def _file(self, path: Path, *, is_searched: bool = False) -> None:
        """A file that is named, or one that is searched for what it may hold."""
        declared = self.declared
        separator = declared.mapping.separator if declared.mapping else None
        encoding = declared.encoding_of(path)
        tables = open_tables(path, encoding, separator, lenient=declared.lenient)
        chosen = [found for table in tables for found in self._chosen(table, len(tables))]
        if not chosen and not is_searched:
            # Of many sheets those are told of that are like something.
            like = [(table, nearest(table)) for table in tables]
            for table, near in [one for one in like if one[1] is not None] or like[:1]:
                self.faults.append(table.wrong(0, "", _unknown(near)))
        there = {one.table.sheet for one in chosen}
        for table in tables if chosen else ():
            if table.sheet not in there:
                chosen[0].table.seen.see("other_sheets", table.sheet)
        for found in chosen:
            self._add(found)

    def _chosen(self, table: Table, tables: int) -> Iterator[Found]:
        """What a table holds: by mapping, by what is said, by its name, by its headers."""
        if table.fault is not None:
            # What cannot be read may hold anything, households too.
            unread = self.declared.kind or kind_named(table.path.stem) or KINDS[0]
            yield Found(unread, table, table.name)
            return
        if self.declared.mapping is not None:
            several = len(self.declared.mapping.tables) > 1
            for nth, mapping in enumerate(self.declared.mapping.tables, start=1):
                if fits(table, mapping) or (tables == 1 and not several):
                    name = f"{table.name}#{nth}-{mapping.kind.name}" if several else table.name
                    # What is seen of a table that is read as several is seen of each.
                    own = evolve(table, seen=deepcopy(table.seen))
                    yield Found(mapping.kind, own, name, mapping)
            return
        kind = self._kind(table, tables)
        if kind is not None:
            yield Found(kind, table, table.name)

    def _kind(self, table: Table, tables: int) -> FileKind | None:
        said = self.declared.kind
        if said is not None and tables == 1:
            return said
        named = kind_named(table.sheet) if table.sheet else None
        by_file = kind_named(table.path.stem) if tables == 1 else None
        kind = named or by_file or kind_of(table)
        return kind if said is None or kind is said else None

    def _add(self, found: Found) -> None:
        if any(one.name == found.name for one in self.found):
            twice = Fault("file_twice", values={"kind": found.kind.name})
            self.faults.append(found.table.wrong(0, "", twice))
        else:
            self.found.append(found)


def _unknown(near: Fit | None) -> Fault:
    """That nobody knows what a table holds, and what it is most like."""
    if near is None:
        names = [kind.name for kind in KINDS]
        return Fault("file_unknown", values={"names": names})
    values = {"kind": near.kind.name, "missing": near.missing, "others": near.others}
    sentence = "file_nearly_known" if near.missing else "file_in_doubt"
    return Fault("file_unknown", values=values, sentence=sentence)
