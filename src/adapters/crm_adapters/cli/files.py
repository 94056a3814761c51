"""`crm import` and `crm generate`: files in, and files to try with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

import click

from crm_adapters.cli.group import BAD, App, command
from crm_adapters.cli.language import say, spoken
from crm_adapters.cli.output import Output
from crm_adapters.cli.values import FILE, FOLDER, PATH, YEARS, OneOf, Whole
from crm_adapters.files.generate import generate_estate
from crm_adapters.files.importing import ImportReport, import_files
from crm_adapters.files.kinds import KINDS
from crm_adapters.files.reading import ENCODINGS, find_files
from crm_adapters.outputs import NOTHING, Kept
from crm_core.crm import CRM
from crm_core.errors import Fault, Invalid
from crm_core.kernel.recorded import Actor
from crm_core.kernel.sentences import Malformed


@command("import")
@click.argument("paths", nargs=-1, required=True, type=PATH)
@click.option("--dry-run", is_flag=True)
@click.option(
    "--encoding",
    type=OneOf(ENCODINGS),
    default="utf-8",
    show_default=True,
)
@click.option("--skip-faulty", is_flag=True)
@click.option(
    "--rejects",
    type=FILE,
    default=Path("crm-rejects.csv"),
    show_default=True,
)
@click.option("--corrections", is_flag=True)
@click.option("--reason", metavar="TEXT")
def import_(
    app: App,
    paths: tuple[Path, ...],
    dry_run: bool,
    encoding: str,
    skip_faulty: bool,
    rejects: Path,
    corrections: bool,
    reason: str | None,
) -> int:
    """Import files or folders of them: all of it, or nothing."""
    if corrections != bool((reason or "").strip()):
        raise click.UsageError(say("corrections_without_reason"), click.get_current_context())
    if skip_faulty and not dry_run:
        # Before a log is made.
        app.to_write(rejects, *(path for _, path in find_files(paths)[0]), option="--rejects")
    with app.open(create=True) as opened:
        report = run_import(
            app.out,
            opened,
            paths,
            encoding=encoding,
            dry_run=dry_run,
            skip_faulty=skip_faulty,
            rejects=rejects,
            kept=app.kept,
            corrects=reason,
            by=app.by,
        )
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
    kept: Kept = NOTHING,
    *,
    corrects: str | None = None,
    by: Actor,
) -> ImportReport:
    """Import with progress bars: one while reading, one while recording."""
    with ExitStack() as bars:

        def planned(total: int) -> Callable[[int], None]:
            bars.pop_all().close()  # All files are read.
            return bars.enter_context(out.progress(say("recording"), total))

        return import_files(
            opened,
            paths,
            by=by,
            encoding=encoding,
            dry_run=dry_run,
            skip_faulty=skip_faulty,
            rejects=rejects,
            kept=kept,
            corrects=corrects,
            lang=spoken(),
            reading=bars.enter_context(out.progress(say("reading"), None)),
            planned=planned,
        )


def show_import(out: Output, report: ImportReport, dry_run: bool) -> None:
    """What became of every file, and the faults on standard error."""
    out.table(
        ["file", "rows", "imported", "repeated", "faulty"],
        [[name, f.rows, f.imported, f.repeated, f.faulty] for name, f in report.files.items()],
    )
    for fault in report.faults[:50]:
        row = say("row", row=fault.row) if fault.row else ""
        column = say("column", column=fault.column)[:80] if fault.column else ""
        where = ", ".join(part for part in (row, column) if part)
        at = f"{fault.file}: {where}" if where else fault.file
        out.say(f"{at}: {fault.told(spoken())} [{fault.code}]")
    if len(report.faults) > 50:
        out.say(say("more_faults", more=len(report.faults) - 50))
    if dry_run:
        out.say(say("dry_run"))
    elif report.faults and not report.events:
        out.say(say("nothing_imported"))
    out.print(say("events_imported", events=report.events))


@command("generate")
@click.option(
    "--households",
    type=Whole(1, 10_000_000),
    default=2000,
    show_default=True,
)
@click.option("--years", type=YEARS, default="2024", show_default=True)
@click.option("--seed", type=Whole(), default=1, show_default=True)
@click.option("--irregular", is_flag=True)
@click.option(
    "--out",
    type=FOLDER,
    required=True,
)
def generate(
    app: App, households: int, years: tuple[int, int], seed: int, irregular: bool, out: Path
) -> int:
    """Write the import files of a generated estate."""
    for kind in KINDS:
        app.to_write(out / f"{kind.name}.csv")
    rows = run_generate(app.out, out, households, years, seed, irregular=irregular)
    app.out.result(
        {"folder": str(out), "rows": rows},
        lambda: app.out.table(["file", "rows"], list(rows.items())),
    )
    return 0


def run_generate(
    out: Output,
    folder: Path,
    households: int,
    years: tuple[int, int],
    seed: int,
    *,
    irregular: bool = False,
) -> dict[str, int]:
    """Generate with a progress bar."""
    with out.progress(say("generating"), households) as advance:
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
                irregular=irregular,
                progress=progress,
            )
        except Malformed as error:
            raise Invalid([Fault.of("estate_malformed", error)]) from error
        except OSError as error:
            raise Invalid.one("folder_unusable", path=str(folder), why=error.strerror) from error
