"""`crm export`: a table as XLSX, CSV or JSON, in the form in which it is imported (PRV-10)."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from crm_adapters.cli.group import App, command
from crm_adapters.cli.language import say
from crm_adapters.cli.values import DATE, FILE, YEAR, OneOf
from crm_adapters.files.exporting import TABLES, export_table
from crm_adapters.files.tables import Watermark, write_table


@command("export")
@click.argument("table", type=OneOf(TABLES), metavar="TABLE")
@click.option("--out", type=FILE, required=True)
@click.option("--on", type=DATE)
@click.option("--year", type=YEAR)
def export(app: App, table: str, out: Path, on: date | None, year: int | None) -> int:
    """Write a table; those that are imported in the form in which they are."""
    app.to_write(out)
    purpose = app.purpose or ""
    with app.open() as opened, app.out.progress(say("exporting"), None) as advance:
        made = export_table(
            opened, table, by=app.by, purpose=purpose, on=on, year=year, progress=advance
        )
        mark = Watermark(str(app.by), opened.clock.now(), purpose)
        rows = write_table(out, made, mark, kept=app.kept)
    data = {"table": table, "file": str(out), "rows": rows}
    app.out.result(data, lambda: app.out.print(say("exported", rows=rows, path=str(out))))
    return 0
