"""`crm export`: a table as XLSX, CSV or JSON, in the form in which it is imported (PRV-10)."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from crm_adapters.cli.extent import households_of
from crm_adapters.cli.group import App, command
from crm_adapters.cli.language import field_told, say, why_withheld
from crm_adapters.cli.values import DATE, FILE, YEAR, OneOf
from crm_adapters.files.exporting import TABLES, export_table, leaving
from crm_adapters.files.tables import write_table
from crm_core.kernel.sealed import Withheld


@command("export")
@click.argument("table", type=OneOf(TABLES), metavar="TABLE")
@click.option("--out", type=FILE, required=True)
@click.option("--on", type=DATE)
@click.option("--year", type=YEAR)
def export(app: App, table: str, out: Path, on: date | None, year: int | None) -> int:
    """Write a table; those that are imported in the form in which they are."""
    app.to_write(out)
    purpose = app.purpose or ""
    with (
        app.open() as opened,
        app.out.progress(say("exporting"), households_of(opened)) as advance,
    ):
        made = export_table(
            opened, table, by=app.by, purpose=purpose, on=on, year=year, progress=advance
        )
        made, mark = leaving(opened, made, by=app.by, purpose=purpose)
        rows = write_table(out, made, mark, kept=app.kept)
    data = {
        "table": table,
        "file": str(out),
        "rows": rows,
        "export": mark.export or None,
        "withheld": dict(made.withheld),
    }

    def show() -> None:
        app.out.print(say("exported", rows=rows, path=str(out)))
        for column, reason in made.withheld.items():
            app.out.print(
                say(
                    "column_withheld", column=field_told(column), why=why_withheld(Withheld(reason))
                )
            )

    app.out.result(data, show)
    return 0
