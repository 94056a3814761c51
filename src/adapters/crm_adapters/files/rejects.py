"""The reject file: rows with a fault as they stood, beside what is wrong with them."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from crm_adapters.files.reading import ImportFault, ReadFile, read_again
from crm_adapters.outputs import Kept, check_output, written
from crm_adapters.register import REJECTS
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

    The file is made readable by its owner only.

    Raises:
        Invalid: it cannot be written.
    """
    try:
        cells = {
            file.name: read_again(file, {f.row for f in faults if f.file == file.name})
            for file in files
            if file.header
        }
        with written(path, private=True, kept=kept, where="--rejects", kind=REJECTS) as [out]:
            writer = csv.writer(out)
            writer.writerow(["file", "row", "column", "code", "message", "cells..."])
            for f in faults:
                found = cells.get(f.file, {}).get(f.row, [])
                writer.writerow([f.file, f.row, f.column, f.code, f.told(lang), *found])
    except OSError as error:
        raise _unwritable(path) from error


def _unwritable(path: Path) -> Invalid:
    return Invalid.one("rejects_unwritable", "--rejects", path=str(path))
