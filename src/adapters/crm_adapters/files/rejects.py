"""The reject file: rows with a fault as they stood, beside what is wrong with them (IMP-01).

It is CSV with the mark by which spreadsheets know UTF-8, or a workbook where its name says so.
Nothing in it is a formula (IMP-02).
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from crm_adapters.files.reading import ReadFile, read_again
from crm_adapters.files.sheets import ImportFault
from crm_adapters.outputs import Kept, check_output, written
from crm_adapters.register import REJECTS
from crm_adapters.reports.spreadsheets import harmless
from crm_adapters.reports.workbook import workbook
from crm_core.errors import Invalid
from crm_core.kernel.sentences import Lang


def check_writable(path: Path, kept: Kept) -> None:
    """That a reject file could be written there.

    Args:
        kept: What it may not replace.

    Raises:
        Invalid: it could not.
    """
    if path.is_dir() or not path.parent.is_dir():
        raise _unwritable(path)
    check_output(path, kept, "--rejects")


def write_rejects(
    path: Path, files: Sequence[ReadFile], faults: Sequence[ImportFault], lang: Lang, kept: Kept
) -> None:
    """The rows with a fault, with what is wrong with them; they hold personal data.

    A row with several faults stands there once for each. The file is made readable by its owner
    only.

    Raises:
        Invalid: it cannot be written.
    """
    try:
        cells = {
            file.name: read_again(file, {f.row for f in faults if f.file == file.name})
            for file in files
            if file.layout is not None
        }
        lines = [["file", "row", "column", "code", "message", "cells..."]]
        lines += [
            [
                f.file,
                str(f.row),
                f.column,
                f.code,
                f.told(lang),
                *cells.get(f.file, {}).get(f.row, []),
            ]
            for f in faults
        ]
        with written(path, private=True, kept=kept, where="--rejects", kind=REJECTS) as [out]:
            if path.suffix.lower() == ".xlsx":
                out.buffer.write(workbook("rejects", lines))
            else:
                out.write("\ufeff")
                csv.writer(out).writerows([*map(harmless, line)] for line in lines)
    except OSError as error:
        raise _unwritable(path) from error


def _unwritable(path: Path) -> Invalid:
    return Invalid.one("rejects_unwritable", "--rejects", path=str(path))
