"""Export: every table that is imported, in the form in which it is, and others that are shown.

Names and numbers of persons are in it where a purpose is stated and the role may see them, and are
opened in the one place there is for it (PRV-03, PRV-10). Without a purpose their columns are left
out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal

import attrs

from crm_adapters.files.kinds import KINDS
from crm_adapters.files.rows.kind import FileKind
from crm_adapters.files.standing import AMOUNTS, Show, about, rows_of, texts_of, told
from crm_adapters.files.tables import Cell, Table
from crm_core.crm import CRM
from crm_core.errors import Invalid
from crm_core.kernel.dates import instant_text
from crm_core.kernel.recorded import Actor
from crm_core.kernel.sealed import Plain
from crm_core.kernel.yuan import yuan_from_fen
from crm_core.ports import Progress, silent

PERSONAL = frozenset({"name", "owner", "phone"})
"""Columns of personal values."""

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
    if kind is not None:
        return _imported(crm, kind, by, purpose, households, progress)
    if name not in SHOWN:
        raise Invalid.one("table_unknown", name=name, accepted=TABLES)
    return _SHOWN[name](crm, by, on or _today(crm), year)


def _imported(
    crm: CRM,
    kind: FileKind,
    by: Actor,
    purpose: str,
    households: Sequence[str] | None,
    progress: Progress,
) -> Table:
    columns = [name for name in kind.columns if purpose or name not in PERSONAL]
    show = shown_to(crm, by, purpose) if purpose else _nothing

    def rows() -> Iterator[list[Cell]]:
        for household, events in crm.log.by_household(households=households):
            for row in rows_of(kind, about(household, crm.texts.each(events), show)):
                progress(1)
                cells = texts_of(row)
                yield [_cell(name, cells[name]) for name in columns]

    return Table(kind.name, columns, rows())


def shown_to(crm: CRM, by: Actor, purpose: str) -> Show:
    """Opens personal values for somebody; what cannot be opened is an empty cell."""

    def show(household: str, member: str, field: str) -> str | None:
        found = crm.owners.opened(household, member, field, by=by, purpose=purpose)
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


def _today(crm: CRM) -> date:
    from crm_core.application.host import present_day

    return present_day(crm)


def _arrears(crm: CRM, _by: Actor, on: date, _year: int | None) -> Table:
    names = COLUMNS["arrears"][:6]
    rows: Iterator[list[Cell]] = (
        [
            *(getattr(row, name) for name in names),
            row.oldest_due.isoformat(),
            row.overdue_days,
            _yuan(row.overdue_fen),
        ]
        for row in crm.accounts.owing(on)
    )
    return Table("arrears", COLUMNS["arrears"], rows)


def _credit(crm: CRM, _by: Actor, on: date, _year: int | None) -> Table:
    rows: Iterator[list[Cell]] = (
        [line.household, line.grade, line.overdue_days, _yuan(line.overdue_fen)]
        for line in crm.accounts.credit(on)
    )
    return Table("credit", COLUMNS["credit"], rows)


def _grades(crm: CRM, _by: Actor, on: date, year: int | None) -> Table:
    run = crm.gradings.grades(year or on.year - 1)
    rows: Iterator[list[Cell]] = (
        [now.grading.household, now.grading.year, now.layer, now.type, now.status]
        for now in map(run.of, run.gradings)
    )
    return Table("grades", COLUMNS["grades"], rows)


def _imports(crm: CRM, _by: Actor, _on: date, _year: int | None) -> Table:
    rows: Iterator[list[Cell]] = (
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
        for one in crm.imports.every()
        for file in one.recorded.files
    )
    return Table("imports", COLUMNS["imports"], rows)


def _todo(crm: CRM, by: Actor, _on: date, _year: int | None) -> Table:
    rows: Iterator[list[Cell]] = (
        [
            task.what,
            task.subject,
            task.household,
            task.act,
            instant_text(task.since),
            None if task.due_at is None else instant_text(task.due_at),
            task.because,
        ]
        for task in crm.todo(by=by)
    )
    return Table("todo", COLUMNS["todo"], rows)


def _yuan(fen: int) -> Decimal:
    return Decimal(yuan_from_fen(fen))


_SHOWN = {
    "arrears": _arrears,
    "credit": _credit,
    "grades": _grades,
    "imports": _imports,
    "todo": _todo,
}

assert tuple(_SHOWN) == SHOWN
assert all(attrs.has(kind.row) for kind in KINDS)
