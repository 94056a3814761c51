"""The main job end to end, on one's own files or on a generated estate."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from time import perf_counter

import click

from crm_adapters.cli.files import run_generate, run_import, show_import
from crm_adapters.cli.gradings import (
    run_grade,
    run_replay,
    show_explanation,
    show_replay,
    show_summary,
    write_year,
)
from crm_adapters.cli.group import FOUND, App, command
from crm_adapters.cli.language import say, spoken
from crm_adapters.cli.output import Output
from crm_adapters.cli.values import FOLDER, PATH
from crm_adapters.files.importing import ImportReport, import_files
from crm_adapters.outputs import check_output
from crm_adapters.wiring import open_crm
from crm_core.application.host import present_day
from crm_core.application.runs import GradingRun
from crm_core.crm import CRM
from crm_core.errors import Invalid
from crm_core.gradings.record import TRIAL
from crm_core.kernel.recorded import Actor

HOUSEHOLDS = 2000
YEARS = (2023, 2024)
SEED = 1

TAKEN = (
    "charge_exists",
    "household_exists",
    "payment_exists",
    "place_taken",
    "purchase_exists",
    "request_exists",
    "request_not_open",
    "role_held",
)
"""What is told of a row whose number or place belongs to another row of the log."""


@command("demo")
@click.argument("folder", type=PATH, required=False)
@click.option(
    "--out",
    "target",
    type=FOLDER,
    default=Path("crm-demo"),
    show_default=True,
)
def demo(app: App, folder: Path | None, target: Path) -> int:
    """The main job: import an estate, grade its year, replay it, explain a grade."""
    return run_demo(app, folder, target)


def run_demo(app: App, folder: Path | None, target: Path) -> int:
    """Import, grade, replay, explain; leave log, keys and report in `target`.

    Returns:
        Exit status: 1 if the replay is not identical or the log not intact.
    """
    out, zone, by = app.out, app.zone, app.by
    started = perf_counter()
    _make(target)
    check_output(target / "report.html", where="--out")
    if folder is None:
        folder = target / "estate"
        out.say(say("generating_estate", households=HOUSEHOLDS, folder=folder))
        run_generate(out, folder, HOUSEHOLDS, YEARS, SEED, irregular=True)
    target = own_folder(out, target, folder, zone, by)
    log = target / "crm.db"
    with open_crm(f"sqlite:///{log}", create=True, zone=zone) as opened:
        out.say(say("importing", folder=folder, log=log))
        report = run_import(out, opened, [folder], by=by)
        if report.faults:
            out.result(report.as_dict(), lambda: show_import(out, report, False))
            return 2
        year = latest_year(opened)
        out.say(say("grading_year", year=year))
        # Files of a year that goes on, and of none before it, still show what a grading is.
        trial = year >= present_day(opened.host).year
        run = run_grade(out, opened, year, trial=trial, by=by)
        if run.standing == TRIAL:
            out.say(say("run_trial", year=year))
        out.say(say("replaying_year", year=year))
        replayed = run_replay(out, opened, year)
        verified = opened.verify()
        household = interesting_household(run)
        said = opened.explain(household, year, run=run.run, reader="clerk", lang=spoken())
        page = target / "report.html"
        write_year(app, opened, year, page, run=run.run)
    summary = {
        "year": year,
        "import": report.as_dict(),
        "run": run.run,
        "layers": dict(Counter(g.outcome.layer for g in run.gradings)),
        "types": dict(Counter(g.outcome.type for g in run.gradings)),
        "credit": dict(Counter(g.facts.credit for g in run.gradings)),
        "explained": said,
        "replay": replayed,
        "intact": verified.intact,
        "root": verified.root,
        "log": str(log),
        "report": str(page),
        "seconds": round(perf_counter() - started, 1),
    }

    def show() -> None:
        show_import(out, report, False)
        show_summary(out, run)
        out.print()
        show_explanation(out, said, "clerk")
        out.print()
        show_replay(out, replayed)
        out.print(say("log_intact" if verified.intact else "log_damaged", root=verified.root))
        left = [log.name, f"{log.name}.keys", page.name]
        out.print(say("left_in", folder=target, files=left))

    out.result(summary, show)
    return FOUND if replayed["differing"] or not verified.intact else 0


def own_folder(out: Output, target: Path, folder: Path, zone: str, by: Actor) -> Path:
    """The target, or the next one of that name, if its log is of another estate.

    Two estates in one log would be graded as one.
    """
    from crm_adapters.wiring import open_crm

    found = target
    number = 1
    while (found / "crm.db").is_file():
        with open_crm(f"sqlite:///{found / 'crm.db'}", zone=zone) as opened:
            if opened.log.head() == 0:
                return found
            again = import_files(opened, [folder], by=by, dry_run=True)
        if not is_another(again):
            return found
        number += 1
        out.say(say("another_estate", folder=found))
        found = target.with_name(f"{target.name}-{number}")
        _make(found)
    return found


def is_another(report: ImportReport) -> bool:
    """Whether a trial import says that the log has other rows than the files."""
    if report.faults:
        return any(fault.code in TAKEN for fault in report.faults)
    return any(file.repeated < file.rows for file in report.files.values())


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Invalid.one("folder_unusable", path=str(folder), why=error.strerror) from error


def latest_year(opened: CRM) -> int:
    """The latest year that is over and in which nearly as many charges fell due as in any.

    The year after the last full one often has a first charge already. Where no such year is over
    it is the latest that is not.
    """
    years: Counter[int] = Counter()
    for recorded in opened.log.feed(names=["payments.charge_raised/1"]):
        years[recorded.event.due.year] += 1
    if not years:
        raise Invalid.one("no_charges")
    most = max(years.values())
    full = [year for year, count in years.items() if count * 2 >= most]
    over = [year for year in full if year < present_day(opened.host).year]
    return max(over or full)


def interesting_household(run: GradingRun) -> str:
    """A household worth explaining: of a high layer but not the highest, or else the first."""
    for layer in ("main", "ordinary", "small"):
        for grading in run.gradings:
            if grading.outcome.layer == layer:
                return grading.household
    return run.gradings[0].household
