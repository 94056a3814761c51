"""Export: every table that is imported, in the form in which it is, and others that are shown.

Columns that whoever has a table made may not see are left out of tables that are imported; in
others a cell says so (PRV-01). Names and numbers of persons are in it where a purpose is stated and
the role may see them, and are opened in the one place there is for it (PRV-03). A list that leads
to doors or persons, holds what people typed about them, or grades them, leaves as one: capped,
recorded, and with its number in its mark (PRV-10).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal

import attrs

from crm_adapters.data_map import columns_of
from crm_adapters.files.kinds import KINDS
from crm_adapters.files.rows.kind import FileKind
from crm_adapters.files.standing import AMOUNTS, Show, about, rows_of, texts_of, told
from crm_adapters.files.tables import Cell, Table, Watermark
from crm_adapters.reports.spreadsheets import HIDDEN
from crm_core.application.access import Asked
from crm_core.crm import CRM
from crm_core.errors import Invalid, Refused
from crm_core.kernel.dates import instant_text
from crm_core.kernel.recorded import Actor
from crm_core.kernel.sealed import Plain, Withheld
from crm_core.kernel.values import frozen
from crm_core.kernel.yuan import yuan_from_fen
from crm_core.ports import Progress, silent

PERSONAL = frozenset({"name", "owner", "phone"})
"""Columns of personal values."""

OWN_MATTERS = ("imports", "todo")
"""Tables that list no households: files of the company, and somebody's own work."""

SHOWN = ("arrears", "credit", "grades", "imports", "todo")
"""Tables that are shown and not imported."""

TABLES = (*(kind.name for kind in KINDS), *SHOWN)
"""Every table that can be written."""


def export_table(
    crm: CRM,
    name: str,
    *,
    by: Actor,
    purpose: str = "",
    on: date | None = None,
    year: int | None = None,
    households: Sequence[str] | None = None,
    progress: Progress = silent,
) -> Table:
    """A table, its rows read while it is written.

    Args:
        name: One of `TABLES`.
        by: Who has it made.
        purpose: What for; without one nothing personal is in it.
        on: Of `arrears` and `credit` the day; by default today.
        year: Of `grades` the year.
        households: Of tables that are imported, only these.

    Raises:
        Refused: it is not for `by`.
        Invalid: there is no such table.
    """
    crm.may(by, "export-table")
    kind = next((kind for kind in KINDS if kind.name == name), None)
    asks = _Asks(by, purpose, on or _today(crm), year)
    if kind is not None:
        made = _imported(crm, kind, by, purpose, households, progress)
    elif name in SHOWN:
        made = _SHOWN[name](crm, asks)
    else:
        raise Invalid.one("table_unknown", name=name, accepted=TABLES)
    return attrs.evolve(made, leads=_leads(crm, made, asks))


def leaving(crm: CRM, table: Table, *, by: Actor, purpose: str = "") -> tuple[Table, Watermark]:
    """A table as it leaves the library, all its rows read, and what its file says of who took it.

    Raises:
        Refused: it leads to doors or persons, and is not for `by` to take, or has more rows than
            they may take at once.
        Invalid: it is such a one, and no purpose is stated.
    """
    rows = list(table.rows)
    leads = table.leading(rows)
    number = ""
    if leads:
        number = crm.privacy.leaving(table.name, len(rows), leads, by=by, purpose=purpose).export
    mark = Watermark(str(by), crm.clock.now(), purpose, number)
    return attrs.evolve(table, rows=[[_hidden(cell) for cell in row] for row in rows]), mark


def _leads(crm: CRM, table: Table, asks: _Asks) -> tuple[str, ...]:
    """The columns of a table that lead to doors or persons; see `Listing.leads`."""
    if table.name in OWN_MATTERS:
        return ()
    return crm.privacy.listing(table.columns, _classes(table.name), **asks.said).leads


def _classes(name: str) -> Mapping[str, str]:
    """The class of data of each column of a table."""
    kept = "export" if name in SHOWN else "import"
    return columns_of(f"{kept}/{name}")


def _hidden(cell: Cell | Withheld) -> Cell:
    return HIDDEN if isinstance(cell, Withheld) else cell


def _imported(
    crm: CRM,
    kind: FileKind,
    by: Actor,
    purpose: str,
    households: Sequence[str] | None,
    progress: Progress,
) -> Table:
    names = [name for name in kind.columns if purpose or name not in PERSONAL]
    listing = crm.privacy.listing(
        [name for name in names if name not in PERSONAL],
        _classes(kind.name),
        by=by,
        purpose=purpose or None,
    )
    columns = [name for name in names if name not in listing.withheld]
    show = shown_to(crm, by, purpose) if purpose else _nothing

    def rows() -> Iterator[dict[str, str]]:
        for household, events in crm.log.by_household(households=households):
            for row in rows_of(kind, about(household, crm.host.texts.each(events), show)):
                yield texts_of(row)
            progress(1)

    cells = (
        [_cell(name, row[name]) for name in columns]
        for row in listing.each(rows(), lambda row: row["household"])
    )
    return Table(kind.name, columns, cells, withheld=listing.withheld)


def shown_to(crm: CRM, by: Actor, purpose: str) -> Show:
    """Opens personal values for somebody; what cannot be opened is an empty cell."""

    def show(household: str, member: str, field: str) -> str | None:
        try:
            found = crm.owners.opened(household, member, field, by=by, purpose=purpose)
        except Refused as refused:
            # Others did not say no to it.
            if refused.reason != "access_consent":
                raise
            return None
        return found.text if isinstance(found, Plain) else None

    return show


def _nothing(_household: str, _member: str, _field: str) -> None:
    return None


def _cell(column: str, text: str) -> Cell:
    return Decimal(text) if column in AMOUNTS else text


# --- what is shown and not imported --------------------------------------------------------------

COLUMNS: dict[str, tuple[str, ...]] = {
    "arrears": (
        "household", "tenure", "estate", "building", "unit", "room", "oldest_due", "overdue_days",
        "overdue_yuan",
    ),
    "credit": ("household", "credit", "overdue_days", "overdue_yuan"),
    "grades": ("household", "year", "layer", "type", "status"),
    "imports": (
        "number", "moment", "by", "file", "kind", "digest", "rows", "imported", "status",
    ),
    "todo": ("what", "subject", "household", "act", "since", "due_at", "because"),
}  # fmt: skip
"""The columns of each."""


@frozen
class _Asks:
    """Who has a table made that is shown, what for, and of when."""

    by: Actor
    purpose: str
    on: date
    year: int | None

    @property
    def said(self) -> Asked:
        return {"by": self.by, "purpose": self.purpose or None}


def _today(crm: CRM) -> date:
    from crm_core.application.host import present_day

    return present_day(crm.host)


def _arrears(crm: CRM, asks: _Asks) -> Table:
    names = COLUMNS["arrears"][:6]
    rows: Iterator[list[Cell | Withheld]] = (
        [
            *(getattr(row, name) for name in names),
            _day(row.oldest_due),
            row.overdue_days,
            _yuan(row.overdue_fen),
        ]
        for row in crm.accounts.owing(asks.on, **asks.said)
    )
    return Table("arrears", COLUMNS["arrears"], rows)


def _credit(crm: CRM, asks: _Asks) -> Table:
    rows: Iterator[list[Cell | Withheld]] = (
        [line.household, line.grade, line.overdue_days, _yuan(line.overdue_fen)]
        for line in crm.accounts.credit(asks.on, **asks.said)
    )
    return Table("credit", COLUMNS["credit"], rows)


def _grades(crm: CRM, asks: _Asks) -> Table:
    run = crm.gradings.grades(asks.year or asks.on.year - 1, **asks.said)
    rows: Iterator[list[Cell | Withheld]] = (
        [now.grading.household, now.grading.year, now.layer, now.type, now.status]
        for now in map(run.of, run.gradings)
    )
    return Table("grades", COLUMNS["grades"], rows)


def _imports(crm: CRM, asks: _Asks) -> Table:
    rows: Iterator[list[Cell | Withheld]] = (
        [
            one.number,
            instant_text(one.recorded.moment),
            one.recorded.entered_by,
            told(file.name),
            file.kind,
            file.digest,
            file.rows,
            file.imported,
            "undone" if one.undone else "stands",
        ]
        for one in crm.imports.every(**asks.said)
        for file in one.recorded.files
    )
    return Table("imports", COLUMNS["imports"], rows)


def _todo(crm: CRM, asks: _Asks) -> Table:
    rows: Iterator[list[Cell | Withheld]] = (
        [
            task.what,
            task.subject,
            task.household,
            task.act,
            instant_text(task.since),
            None if task.due_at is None else instant_text(task.due_at),
            task.because,
        ]
        for task in crm.todo(by=asks.by)
    )
    return Table("todo", COLUMNS["todo"], rows)


def _yuan(fen: int | Withheld) -> Decimal | Withheld:
    return fen if isinstance(fen, Withheld) else Decimal(yuan_from_fen(fen))


def _day(day: date | Withheld) -> str | Withheld:
    return day if isinstance(day, Withheld) else day.isoformat()


_SHOWN = {
    "arrears": _arrears,
    "credit": _credit,
    "grades": _grades,
    "imports": _imports,
    "todo": _todo,
}

assert tuple(_SHOWN) == SHOWN
assert all(attrs.has(kind.row) for kind in KINDS)
