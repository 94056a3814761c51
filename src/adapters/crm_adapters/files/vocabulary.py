"""The words that files use, beside the library's own: data of the package (IMP-03)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from crm_adapters.files.kinds import KINDS
from crm_adapters.files.rows.kind import FileKind
from crm_core.kernel.sentences import LANGS, word
from crm_core.kernel.text import fold_width

_BRACKETED = re.compile(r"\([^()]*\)$")
_TOTAL_MAX = 20
_BLANKS = re.compile(r"[\s_\-*:]+")


def folded(word: str) -> str:
    """A word as it is compared: case, width, blanks and a unit in brackets do not matter.

    >>> folded("金额（元）") == folded("金额"), folded("Unique Key") == folded("unique_key")
    (True, True)
    """
    text = fold_width(word).strip().casefold()
    return _BLANKS.sub("", _BRACKETED.sub("", text)) or text


@cache
def _words() -> Mapping[str, Any]:
    file = files("crm_adapters.files").joinpath("vocabulary.toml")
    return tomllib.loads(file.read_text(encoding="utf-8"))


@cache
def headers_of(kind: FileKind) -> Mapping[str, str]:
    """The column that each header stands for, by the header as it is compared."""
    found = {folded(column): column for column in kind.columns}
    found |= {folded(header): column for header, column in kind.aliases.items()}
    for column, headers in _words()["headers"][kind.name].items():
        for header in headers:
            found.setdefault(folded(header), column)
    # Whatever we call a column ourselves, in a fault or a table, is read as its header.
    for column in kind.columns:
        for lang in LANGS:
            found.setdefault(folded(word("column", column, lang)), column)
    return found


@cache
def values_of(kind: FileKind) -> Mapping[str, Mapping[str, str]]:
    """For each column that holds one of a few words: what other words for them mean."""
    return {
        column: {folded(word): code for code, words in meant.items() for word in words}
        for column, meant in _words()["values"].get(kind.name, {}).items()
    }


def kind_named(name: str) -> FileKind | None:
    """The kind of rows that a file or a sheet of that name holds."""
    wanted = folded(name)
    for kind in KINDS:
        if wanted in {folded(word) for word in (kind.name, *_words()["tables"][kind.name])}:
            return kind
    return None


def is_ignored(header: str) -> bool:
    """Whether a header is that of a column which says nothing that is kept."""
    return folded(header) in {folded(word) for word in _words()["ignored"]["headers"]}


def is_total(text: str) -> bool:
    """Whether a row that begins so sums up others."""
    return len(text) <= _TOTAL_MAX and folded(text.rstrip(":：")) in _total_words()


@cache
def _total_words() -> frozenset[str]:
    return frozenset(folded(word) for word in _words()["rows"]["totals"])


@cache
def _note_words() -> tuple[str, ...]:
    return tuple(folded(word) for word in _words()["rows"]["notes"] if len(word) > 1)


def is_note(text: str) -> bool:
    """Whether a cell under a table is a note: it says so, or has a label before a colon."""
    label, colon, _ = fold_width(text).partition(":")
    return (bool(colon) and len(label) <= 12) or folded(text).startswith(_note_words())


def written(what: str) -> tuple[str, ...]:
    """What dates and amounts are written with: `currencies`, `dates`, `forenoon`, `afternoon`."""
    return tuple(_words()["written"][what])
