"""`crm import` and `crm generate`: files in, and files to try with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import click

from crm_adapters.cli.group import BAD, App, command
from crm_adapters.cli.language import say, spoken, word
from crm_adapters.cli.output import Output
from crm_adapters.cli.shown import listed
from crm_adapters.cli.values import FILE, FOLDER, PATH, YEARS, OneOf, Text, Whole
from crm_adapters.files.encodings import ENCODINGS
from crm_adapters.files.finding import Declared, input_paths
from crm_adapters.files.generate import generate_estate
from crm_adapters.files.importing import ImportReport, import_files
from crm_adapters.files.kinds import KINDS
from crm_adapters.files.mapping import read_mapping
from crm_adapters.files.suggesting import suggest
from crm_adapters.files.telling import TOGETHER, Group, grouped
from crm_adapters.outputs import NOTHING, Kept
from crm_core.crm import CRM
from crm_core.errors import Fault, Invalid
from crm_core.kernel.recorded import Actor
from crm_core.kernel.sentences import Malformed


def _encoding(text: str) -> tuple[str, str]:
    """File and encoding of `FILE=E`; an empty name for `E` alone."""
    name, _, encoding = text.rpartition("=")
    if encoding not in ENCODINGS:
        raise Malformed("not_among", accepted=ENCODINGS)
    return name, encoding


@command("import")
@click.argument("paths", nargs=-1, required=True, type=PATH)
@click.option("--dry-run", is_flag=True)
@click.option(
    "--encoding",
    "encodings",
    type=Text("encoding", _encoding),
    metavar="[FILE=]ENCODING",
    multiple=True,
)
@click.option("--kind", type=OneOf([kind.name for kind in KINDS]))
@click.option("--lenient", is_flag=True)
@click.option("--mapping", type=PATH)
@click.option("--skip-faulty", is_flag=True)
@click.option(
    "--rejects",
    type=FILE,
    default=Path("crm-rejects.csv"),
    show_default=True,
)
@click.option("--suggest", "is_asked", is_flag=True)
@click.option("--corrections", is_flag=True)
@click.option("--reason", metavar="TEXT")
def import_(
    app: App,
    paths: tuple[Path, ...],
    dry_run: bool,
    encodings: tuple[tuple[str, str], ...],
    kind: str | None,
    lenient: bool,
    mapping: Path | None,
    skip_faulty: bool,
    rejects: Path,
    is_asked: bool,
    corrections: bool,
    reason: str | None,
) -> int:
    """Import files or folders of them: all of it, or nothing."""
    if corrections != bool((reason or "").strip()):
        raise click.UsageError(say("corrections_without_reason"), click.get_current_context())
    named = dict(encodings)
    declared = Declared(
        encoding=named.pop("", "utf-8"),
        encodings=named,
        kind=next((one for one in KINDS if one.name == kind), None),
        mapping=None if mapping is None else read_mapping(mapping),
        lenient=lenient,
    )
    if is_asked:
        return _suggest(app, paths, declared)
    inputs = [*input_paths(paths), *([] if mapping is None else [mapping])]
    if skip_faulty and not dry_run:
        # Before a log is made.
        app.to_write(rejects, *inputs, option="--rejects")
    with app.open(create=True) as opened:
        report = run_import(
            app.out,
            opened,
            paths,
            declared=declared,
            dry_run=dry_run,
            skip_faulty=skip_faulty,
            rejects=rejects,
            kept=app.kept,
            corrects=reason,
            by=app.by,
        )
    app.out.result(report.as_dict(), lambda: show_import(app.out, report, dry_run))
    return BAD if report.faults and not skip_faulty else 0


def _suggest(app: App, paths: Sequence[Path], declared: Declared) -> int:
    """Propose a mapping for the files, to look over and to save."""
    text = suggest(paths, declared, spoken())
    app.out.result({"mapping": text}, lambda: app.out.print(text.rstrip("\n")))
    return 0


def run_import(
    out: Output,
    opened: CRM,
    paths: Sequence[Path],
    declared: Declared | None = None,
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

        def bar(what: str, total: int) -> Callable[[int], None]:
            bars.pop_all().close()  # What was done before is done.
            return bars.enter_context(out.progress(say(what), total))

        return import_files(
            opened,
            paths,
            by=by,
            declared=declared,
            dry_run=dry_run,
            skip_faulty=skip_faulty,
            rejects=rejects,
            kept=kept,
            corrects=corrects,
            lang=spoken(),
            reading=partial(bar, "reading"),
            planned=partial(bar, "recording"),
        )


_QUIET = ("blank_rows", "repeated_headers")
"""What nobody misses who looks at a spreadsheet."""


def show_import(out: Output, report: ImportReport, dry_run: bool) -> None:
    """What became of every file, and the faults on standard error."""
    out.table(
        ["file", "rows", "imported", "repeated", "faulty"],
        [[name, f.rows, f.imported, f.repeated, f.faulty] for name, f in report.files.items()],
    )
    for reading in report.readings:
        if reading.what not in _QUIET:
            column = say("column", column=word("column", reading.column)) if reading.column else ""
            at = say("in_file", file=reading.file, where=column) if column else reading.file
            what = f"{word('reading', reading.what)} ×{reading.count}"
            out.say(say("named_value", name=at, value=what))
    groups = grouped(report.faults)
    for group in groups[:50]:
        for line in _told(group):
            out.say(line)
    if len(groups) > 50:
        out.say(say("more_faults", more=sum(len(group.rows) for group in groups[50:])))
    if dry_run:
        out.say(say("dry_run"))
    elif report.faults and not report.events:
        out.say(say("nothing_imported"))
    out.print(say("events_imported", events=report.events))


def _told(group: Group) -> Iterator[str]:
    """A line for each fault of a group, or one for many."""
    if len(group.faults) < TOGETHER:
        for fault in group.faults:
            row = say("row", row=fault.row) if fault.row else ""
            shown = [] if fault.value is None else [fault.value]
            yield _line(group, row, shown, fault.told(spoken()))
        return
    rows = say("rows_and_more", first=group.rows[:3], more=len(group.rows) - 3)
    yield _line(group, rows, group.values[:5], group.first.told(spoken()))


def _line(group: Group, rows: str, values: Sequence[str], told: str) -> str:
    fault = group.first
    column = say("column", column=word("column", fault.column))[:80] if fault.column else ""
    shown = listed(f"`{value}`" for value in values)
    where = listed(part for part in (rows, column, shown) if part)
    at = say("in_file", file=fault.file, where=where) if where else fault.file
    mended = fault.mended(spoken())
    line = say("named_value", name=at, value=told)
    return f"{line}{say('mended', how=mended) if mended else ''} [{fault.code}]"


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
        lambda: app.out.table(
            ["file", "rows"], [[f"{name}.csv", count] for name, count in rows.items()]
        ),
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
