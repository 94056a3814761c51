"""Which tables are in a file, told by its bytes and never by its name (IMP-03)."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from crm_adapters.files import texts, workbooks
from crm_adapters.files.kinds import KINDS
from crm_adapters.files.sheets import BYTES_MAX, Sightings, Table
from crm_core.errors import Fault

TEXT_ENDINGS: Final = (".csv", ".txt", ".tsv")
WORKBOOK_ENDINGS: Final = (".xlsx", ".xlsm")
SPREADSHEET_ENDINGS: Final = (*WORKBOOK_ENDINGS, ".xls", ".xlsb", ".ods", ".et")
ENDINGS: Final = (*TEXT_ENDINGS, *SPREADSHEET_ENDINGS)

_OTHERS = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "spreadsheet_old"),
    (b"%PDF", "spreadsheet_is_pdf"),
    (b"\x89PNG", "spreadsheet_is_picture"),
    (b"\xff\xd8\xff", "spreadsheet_is_picture"),
)
_DATABASE = b"SQLite format 3\0"
_PAGES = (b"<html", b"<!doctype html", b"<table", b"<meta", b"<head", b"<?xml", b"<style")


def open_tables(
    path: Path, encoding: str, separator: str | None = None, *, lenient: bool = False
) -> list[Table]:
    """The tables of a file; one that has a `fault` where it cannot be read."""
    try:
        with path.open("rb") as file:
            raw = file.read(BYTES_MAX + 1)
    except OSError as error:
        values = {"reason": error.strerror}
        return [_unreadable(path, 0, Fault("file_unreadable", values=values))]
    if len(raw) > BYTES_MAX:
        return [_unreadable(path, 0, Fault("file_too_large", values={"most": BYTES_MAX}))]
    if raw.startswith(b"PK\x03\x04"):
        found = workbooks.tables_of(path, raw)
        if isinstance(found, Fault):
            return [_unreadable(path, 0, found)]
        if not found:
            return [_unreadable(path, 1, Fault("file_empty"))]
        return _said(found, path.suffix.lower() not in SPREADSHEET_ENDINGS)
    for mark, sentence in _OTHERS:
        if raw.startswith(mark):
            return [_unreadable(path, 0, Fault("spreadsheet_unread", sentence=sentence))]
    if raw.startswith(_DATABASE):
        names = [kind.name for kind in KINDS]
        return [_unreadable(path, 0, Fault("file_unknown", values={"names": names}))]
    start = raw[:512].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if start.startswith(_PAGES):
        return [_unreadable(path, 0, Fault("spreadsheet_unread", sentence="spreadsheet_is_page"))]
    table = texts.table_of(path, raw, encoding, separator, lenient=lenient)
    if not isinstance(table, Table):
        return [_unreadable(path, *table)]
    return _said([table], path.suffix.lower() in SPREADSHEET_ENDINGS)


def _unreadable(path: Path, row: int, fault: Fault) -> Table:
    return Table(path, path.name, "", lambda: iter(()), seen=Sightings(), fault=(row, fault))


def _said(tables: list[Table], is_renamed: bool) -> list[Table]:
    """Notes that a file is of another kind than its name says."""
    if is_renamed:
        tables[0].seen.see("renamed")
    return tables
