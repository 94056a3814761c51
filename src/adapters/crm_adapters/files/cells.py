"""Cells of import files: what a text may say, and what is wrong with it (IMP-01).

cattrs turns a row of texts into a typed row, strictly, and tells every faulty cell at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import cache, lru_cache
from typing import Annotated, Any, get_args, get_type_hints

import cattrs
from cattrs.errors import ClassValidationError

from crm_adapters.reports.spreadsheets import meant
from crm_core.errors import Fault
from crm_core.kernel.commands import AHEAD
from crm_core.kernel.dates import likely, parse_date, parse_instant
from crm_core.kernel.money import fen_from_yuan
from crm_core.kernel.sentences import Malformed
from crm_core.kernel.text import check_id, check_phone, check_text
from crm_core.kernel.values import frozen


@frozen
class Cell:
    """A kind of cell.

    Args:
        code: Of the fault if the parser refuses the text.
        parse: From the text to the value; raises `Malformed`.
        words: What it holds one of, if there are only a few.
    """

    code: str
    parse: Callable[[str], Any]
    words: tuple[str, ...] = ()


class CellFault(ValueError):
    """What is wrong with one cell."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.code)
        self.fault = fault


def one_of(code: str, known: tuple[str, ...]) -> Cell:
    """A cell that holds one of the known words."""

    def parse(text: str) -> str:
        if text in known:
            return text
        raise Malformed("not_among", accepted=known)

    return Cell(code, parse, known)


def _line(text: str) -> str:
    said = meant(text)
    if said.startswith("=") and said is text:
        raise Malformed("formula_refused")
    if "\n" in said:
        raise Malformed("line_break_refused")
    return check_text(said)


Id = Annotated[str, Cell("id_malformed", check_id)]
Line = Annotated[str, Cell("text_malformed", _line)]
Phone = Annotated[str, Cell("phone_malformed", lambda text: check_phone(meant(text)))]
Fen = Annotated[int, Cell("amount_malformed", fen_from_yuan)]
Day = Annotated[date, Cell("date_malformed", lambda text: likely(parse_date(text)))]
Instant = Annotated[datetime, Cell("instant_malformed", lambda text: likely(parse_instant(text)))]
# Days and instants of a row are when something happened, unless they are marked as these two are.
DayAhead = Annotated[Day, AHEAD]
InstantAhead = Annotated[Instant, AHEAD]


def structurer(row: type) -> Callable[[dict[str, str | None]], Any]:
    """The function from the texts of a row (None: empty) to a typed row of that class.

    It raises ClassValidationError; see `cell_faults`.
    """
    hook = _CONVERTER.get_structure_hook(row)
    return lambda cells: hook(cells, row)


@cache
def cell_codes(row: type) -> Mapping[str, Cell]:
    """What each column of a row is declared to hold."""
    hints = get_type_hints(row, include_extras=True)
    found = {name: _cell_of(hint) or _optional_cell_of(hint) for name, hint in hints.items()}
    return {name: cell for name, cell in found.items() if cell is not None}


def cell_faults(error: ClassValidationError) -> list[tuple[str, Fault]]:
    """Every faulty cell of a row: its column and what is wrong with it."""
    found = []
    for inner in error.exceptions:
        column = next(
            (note.name for note in getattr(inner, "__notes__", []) if hasattr(note, "name")), ""
        )
        if isinstance(inner, CellFault):
            found.append((column, inner.fault))
        else:
            found.append((column, Fault("row_malformed", values={"reason": str(inner)})))
    return found


def _cell_of(hint: Any) -> Cell | None:
    """What a column is declared to hold, if it must hold something."""
    return next(
        (mark for mark in getattr(hint, "__metadata__", ()) if isinstance(mark, Cell)), None
    )


def _optional_cell_of(hint: Any) -> Cell | None:
    """What a column that may be empty is declared to hold else."""
    arms = get_args(hint)
    return _cell_of(arms[0]) if len(arms) == 2 and arms[1] is type(None) else None


def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True)
    converter.register_structure_hook_factory(
        lambda hint: _cell_of(hint) is not None, lambda hint: _hook(_cell_of(hint))
    )
    converter.register_structure_hook_factory(
        lambda hint: _optional_cell_of(hint) is not None,
        lambda hint: _optional(_hook(_optional_cell_of(hint))),
    )
    return converter


def _hook(cell: Cell | None) -> Callable[[Any, Any], Any]:
    """A hook that parses a cell; what the parser refuses is a fault of its code."""
    assert cell is not None

    @lru_cache(maxsize=4096)
    def remembered(text: str) -> tuple[Any, Fault | None]:
        try:
            return cell.parse(text), None
        except Malformed as error:
            return None, Fault.of(cell.code, error)

    def hook(text: Any, _kind: Any) -> Any:
        if text is None:
            raise CellFault(Fault("cell_empty"))
        value, fault = remembered(text)
        if fault is not None:
            raise CellFault(fault)
        return value

    return hook


def _optional(hook: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda text, kind: None if text is None else hook(text, kind)


_CONVERTER = _converter()
