"""The credit table document (信用等级表) of a day, as one HTML page or as CSV (REP-01).

It is a function of what the log says: the same day, knowledge and policy give the same bytes.
Households appear by their numbers alone: a list of arrears is pseudonymous, unless somebody asks
for their places (PRV-10).
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from io import StringIO
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined, Template

from crm_adapters.reports.html import write_whole
from crm_adapters.reports.spreadsheets import HIDDEN, harmless, shown
from crm_core.errors import Invalid
from crm_core.kernel.dates import instant_text
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.sealed import Withheld
from crm_core.kernel.yuan import yuan_from_fen
from crm_core.payments.credit import GRADES
from crm_core.payments.views import CreditRow

COLUMNS = (
    ("household", "户号"),
    ("estate", "小区"),
    ("grade", "信用等级"),
    ("days overdue", "欠费天数"),
    ("overdue yuan", "欠费金额（元）"),
    ("disputed yuan", "争议金额（元）"),
    ("worst of 12 months", "近12个月最差等级"),
    ("oldest charge", "最早欠费账单"),
)

PLACE = (("building", "楼栋"), ("unit", "单元"), ("room", "房号"))
"""Further columns, if they are asked for."""


def write_credit_table(
    path: Path,
    rows: Sequence[CreditRow],
    on: date,
    known: datetime | None,
    policy: PolicyRef,
    *,
    places: bool = False,
    mark: str = "",
) -> None:
    """Write the document; the form follows the name's ending.

    Args:
        places: Whether it has building, unit and room.
        mark: Who took it, when and for what, where it has places (PRV-10).

    Raises:
        Invalid: the name ends otherwise than in `.html` or `.csv`, or cannot be written.
    """
    match path.suffix.lower():
        case ".html":
            text = credit_table_html(rows, on, known, policy, places=places, mark=mark)
        case ".csv":
            # With a byte order mark, by which spreadsheets see that it is UTF-8.
            text = "\ufeff" + credit_table_csv(rows, places=places, mark=mark)
        case _:
            raise Invalid.one("form_unknown", "--out", file=path.name)
    write_whole(path, text.encode("utf-8"))


def credit_table_csv(rows: Sequence[CreditRow], *, places: bool = False, mark: str = "") -> str:
    """A heading in English and Chinese, and a line for each household."""
    out = StringIO()
    writer = csv.writer(out)
    writer.writerow(f"{english} {chinese}" for english, chinese in _columns(places))
    writer.writerows([harmless(cell) for cell in _cells(row, places)] for row in rows)
    if mark:
        writer.writerow([harmless(mark)])
    return out.getvalue()


def credit_table_html(
    rows: Sequence[CreditRow],
    on: date,
    known: datetime | None,
    policy: PolicyRef,
    *,
    places: bool = False,
    mark: str = "",
) -> str:
    """A self-contained page."""
    counts = Counter(row.grade for row in rows)
    return _template().render(
        columns=_columns(places),
        rows=[_cells(row, places) for row in rows],
        grades=[(grade, counts[grade]) for grade in GRADES],
        total=len(rows),
        on=on.isoformat(),
        known=None if known is None else instant_text(known),
        policy=policy,
        mark=mark,
    )


def _columns(places: bool) -> tuple[tuple[str, str], ...]:
    return COLUMNS + PLACE if places else COLUMNS


def _yuan(fen: Any) -> str:
    return HIDDEN if isinstance(fen, Withheld) else yuan_from_fen(fen)


def _cells(row: CreditRow, places: bool) -> list[str]:
    return [
        row.household,
        shown(row.estate),
        shown(row.grade),
        shown(row.overdue_days),
        _yuan(row.overdue_fen),
        _yuan(row.disputed_fen),
        shown(row.worst),
        row.oldest or "",
        *map(shown, (row.building, row.unit, row.room) if places else ()),
    ]


@cache
def _template() -> Template:
    text = (files("crm_adapters.reports") / "credit_table.html.j2").read_text(encoding="utf-8")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(text)
