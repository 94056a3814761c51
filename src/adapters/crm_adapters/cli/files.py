"""`crm import` and `crm generate`: files in, and files to try with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import click

from crm_adapters.cli.group import BAD, YEARS, App, command
from crm_adapters.cli.output import Output
from crm_adapters.files.generate import generate_estate
from crm_adapters.files.importing import ImportReport, import_files
from crm_adapters.files.reading import ENCODINGS
from crm_core.crm import CRM
from crm_core.errors import Invalid


@command("import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Check everything, keep nothing.")
@click.option(
    "--encoding",
    type=click.Choice(ENCODINGS),
    default="utf-8",
    show_default=True,
    help="How the files are written; it is never guessed.",
)
@click.option("--skip-faulty", is_flag=True, help="Import the rows without a fault.")
@click.option(
    "--rejects",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("crm-rejects.csv"),
    show_default=True,
    help="Where faulty rows go with --skip-faulty.",
)
def import_(
    app: App,
    paths: tuple[Path, ...],
    dry_run: bool,
    encoding: str,
    skip_faulty: bool,
    rejects: Path,
) -> int:
    """Import files or folders of them: all of it, or nothing."""
    with app.open(must_exist=False) as opened:
        report = run_import(app.out, opened, paths, encoding, dry_run, skip_faulty, rejects)
    app.out.result(report.as_dict(), lambda: show_import(app.out, report, dry_run))
    return BAD if report.faults and not skip_faulty else 0


def run_import(
    out: Output,
    opened: CRM,
    paths: Sequence[Path],
    encoding: str = "utf-8",
    dry_run: bool = False,
    skip_faulty: bool = False,
    rejects: Path | None = None,
) -> ImportReport:
    """Import with progress bars: one while reading, one while recording."""
    with ExitStack() as bars:

        def planned(total: int) -> Callable[[int], None]:
            bars.pop_all().close()  # All files are read.
            return bars.enter_context(out.progress("recording", total))

        return import_files(
            opened,
            paths,
            encoding=encoding,
            dry_run=dry_run,
            skip_faulty=skip_faulty,
            rejects=rejects,
            reading=bars.enter_context(out.progress("reading", None)),
            planned=planned,
        )


def show_import(out: Output, report: ImportReport, dry_run: bool) -> None:
    """What became of every file, and the faults on standard error."""
    out.table(
        ["file", "rows", "imported", "repeated", "faulty"],
        [[name, f.rows, f.imported, f.repeated, f.faulty] for name, f in report.files.items()],
    )
    for fault in report.faults[:50]:
        row = f"row {fault.row}" if fault.row else ""
        column = f"column {fault.column}"[:80] if fault.column else ""
        where = ", ".join(part for part in (row, column) if part)
        at = f"{fault.file}: {where}" if where else fault.file
        out.say(f"{at}: {fault.message} [{fault.code}]")
    if len(report.faults) > 50:
        out.say(f"… and {len(report.faults) - 50} more faults (all of them with --format json)")
    if dry_run:
        out.say("a dry run: nothing was imported")
    elif report.faults and not report.events:
        out.say("nothing was imported")
    out.print(f"{report.events} events")


@command("generate")
@click.option(
    "--households",
    type=click.IntRange(1, 10_000_000),
    default=2000,
    show_default=True,
    help="How many.",
)
@click.option("--years", type=YEARS, default="2024", show_default=True, help="2023-2024 or 2024.")
@click.option(
    "--seed", type=int, default=1, show_default=True, help="The same seed writes the same files."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder to write them to.",
)
def generate(app: App, households: int, years: tuple[int, int], seed: int, out: Path) -> int:
    """Write the import files of a generated estate."""
    rows = run_generate(app.out, out, households, years, seed)
    app.out.result(
        {"folder": str(out), "rows": rows},
        lambda: app.out.table(["file", "rows"], list(rows.items())),
    )
    return 0


def run_generate(
    out: Output, folder: Path, households: int, years: tuple[int, int], seed: int
) -> dict[str, int]:
    """Generate with a progress bar."""
    with out.progress("generating", households) as advance:
        before = 0

        def progress(done: int, _total: int) -> None:
            nonlocal before
            advance(done - before)
            before = done

        try:
            return generate_estate(
                folder,
                households=households,
                first_year=years[0],
                last_year=years[1],
                seed=seed,
                progress=progress,
            )
        except ValueError as error:
            raise Invalid.one("estate_malformed", str(error)) from error
        except OSError as error:
            raise Invalid.one("folder_unusable", f"`{folder}`: {error.strerror}") from error
