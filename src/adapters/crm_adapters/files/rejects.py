"""The reject file: rows with a fault as they stood, beside what is wrong with them."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from pathlib import Path

from crm_adapters.files.reading import ImportFault, ReadFile, read_again
from crm_core.errors import Invalid
from crm_core.kernel.sentences import Lang


def check_writable(path: Path) -> None:
    """That a reject file could be written there.

    Raises:
        Invalid: it could not.
    """
    if path.is_dir() or not path.parent.is_dir():
        raise _unwritable(path)


def write_rejects(
    path: Path, files: Sequence[ReadFile], faults: Sequence[ImportFault], lang: Lang
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
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(opened, "w", encoding="utf-8", newline="") as out:
            path.chmod(0o600)  # It may have been there before, open to others.
            writer = csv.writer(out)
            writer.writerow(["file", "row", "column", "code", "message", "cells..."])
            for f in faults:
                found = cells.get(f.file, {}).get(f.row, [])
                writer.writerow([f.file, f.row, f.column, f.code, f.told(lang), *found])
    except OSError as error:
        raise _unwritable(path) from error


def _unwritable(path: Path) -> Invalid:
    return Invalid.one("rejects_unwritable", "--rejects", path=str(path))
