"""Telling faults: the cell where it cannot be personal, what would mend it, and many as one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Final

from attrs import field

from crm_adapters.files.cells import Cell
from crm_adapters.files.leniency import READINGS, Manner, reread
from crm_adapters.files.rows.kind import FileKind
from crm_adapters.files.sheets import ImportFault
from crm_core.errors import Fault
from crm_core.kernel.data_map import CLASSES, PERSONAL, SENSITIVE, tables
from crm_core.kernel.decider import Refusal
from crm_core.kernel.sentences import Malformed
from crm_core.kernel.text import fold_width
from crm_core.kernel.values import define

SHOWN_MAX: Final = 40
"""Characters of a cell that is shown."""

TOGETHER: Final = 4
"""So many rows of one fault are told as one."""

_LENIENT = Manner(frozenset(READINGS))
_WORDS = frozenset({
    "channel_unknown", "kind_unknown", "method_unknown", "role_unknown", "severity_unknown",
    "trade_unknown",
})  # fmt: skip
_NUMBER_OF_A_PERSON = re.compile(r"(?<![0-9])(?:1[0-9]{10}|[0-9]{15,19}|[0-9]{17}[Xx])(?![0-9])")
_TWO_WAYS = re.compile(r"[0-9]{1,2}[/.-][0-9]{1,2}[/.-](?:[0-9]{4}|[0-9]{2})(?![0-9]).*")
_CUT = re.compile(r"[0-9](?:\.[0-9]+)?[eE]\+[0-9]+")


def showable(kind: FileKind, column: str, text: str) -> bool:
    """Whether a cell may be shown to whoever imports, on a screen or in a log.

    What people type, and what is about a person, never is; nor what looks like a telephone number,
    an identity card or a bank card in another column, or like a name where a number belongs.
    """
    found = CLASSES.get(_classes(kind.name).get(column, ""))
    if found is None or found.typed or found.sealed or found.tier in (PERSONAL, SENSITIVE):
        return False
    plain = fold_width(text)
    if len(text) > SHOWN_MAX or not plain.isprintable() or _NUMBER_OF_A_PERSON.search(plain):
        return False
    return found.name == "code" or any(character.isdigit() for character in plain)


@cache
def _classes(kind: str) -> Mapping[str, str]:
    text = files("crm_adapters").joinpath("data-map.toml").read_text(encoding="utf-8")
    found = tables(text).get(f"import/{kind}")
    return {} if found is None else found.classes


def caused(fault: Fault, text: str | None) -> Fault:
    """The fault, with its cause where the cell shows it: a number that a spreadsheet has cut."""
    if text and _CUT.fullmatch(text) and fault.code in ("amount_malformed", "id_malformed"):
        return Fault(fault.code, sentence="number_cut")
    return fault


def repair(wrong: Fault | Refusal, text: str | None, cell: Cell | None) -> Malformed | None:
    """What would mend a fault, where another way of reading the file would.

    Args:
        text: The cell, if it is about one.
        cell: What the column is declared to hold.
    """
    if wrong.code in _WORDS:
        return Malformed("repair_by_values")
    if wrong.code == "column_unknown":
        return Malformed("repair_by_columns")
    if text and cell is not None and wrong.code == cell.code:
        if _would_be_read(cell, text):
            return Malformed("repair_by_leniency")
        if wrong.code in ("date_malformed", "instant_malformed") and _TWO_WAYS.fullmatch(text):
            return Malformed("repair_by_dates")
    return None


@lru_cache(maxsize=4096)
def _would_be_read(cell: Cell, text: str) -> bool:
    return reread(cell, text, _LENIENT) is not None


@define
class Group:
    """Faults of one cause: of one file, column and code.

    Args:
        first: The first of them.
        faults: The first few, as far as each is told by itself.
        rows: All their rows.
        values: Different cells among them that may be shown, the first few.
    """

    first: ImportFault
    faults: list[ImportFault] = field(factory=list)
    rows: list[int] = field(factory=list)
    values: list[str] = field(factory=list)

    def as_dict(self) -> dict[str, Any]:
        """The group as plain data."""
        return {
            "file": self.first.file,
            "sheet": self.first.sheet,
            "column": self.first.column,
            "code": self.first.code,
            "message": self.first.message,
            "repair": self.first.mended("en"),
            "count": len(self.rows),
            "rows": self.rows[:10],
            "values": self.values,
        }


def grouped(faults: Iterable[ImportFault]) -> Sequence[Group]:
    """The faults by their cause, in the order of the first of each."""
    found: dict[tuple[str, str, str, str], Group] = {}
    for fault in faults:
        sentence = fault.wrong.sentence if isinstance(fault.wrong, Fault) else ""
        group = found.setdefault((fault.file, fault.column, fault.code, sentence), Group(fault))
        group.rows.append(fault.row)
        if len(group.faults) < TOGETHER:
            group.faults.append(fault)
        if fault.value is not None and len(group.values) < 10 and fault.value not in group.values:
            group.values.append(fault.value)
    return list(found.values())
