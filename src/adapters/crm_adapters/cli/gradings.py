"""`crm credit`, `grade`, `grades`, `explain`, `replay`, `affected`, `report`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, datetime
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import click
from attrs import asdict

from crm_adapters.cli.group import (
    ACTOR,
    DATE,
    FOUND,
    INSTANT,
    YEAR,
    App,
    check_exists,
    command,
    policies_of,
    used_engine,
    used_policies,
)
from crm_adapters.cli.output import Output
from crm_core.crm import CRM, GradingRun
from crm_core.errors import Invalid
from crm_core.grading import EVENTS
from crm_core.gradings.explain import READERS
from crm_core.gradings.policy import GRADES
from crm_core.gradings.replay import Replay
from crm_core.gradings.words import LAYER, TYPE
from crm_core.kernel.dates import instant_text
from crm_core.kernel.money import yuan_from_fen
from crm_core.policies import DEFAULT_CREDIT, DEFAULT_GRADING
from crm_core.ports import Progress


@command("credit")
@click.option("--on", type=DATE, required=True, help="The day.")
@click.option("--known", type=INSTANT, default=None, help="As known at this instant.")
@click.option("--policy", default=DEFAULT_CREDIT, show_default=True, help="Credit table.")
@click.argument("households", nargs=-1)
@used_engine
def credit(
    app: App,
    on: date,
    known: datetime | None,
    policy: str,
    households: tuple[str, ...],
    engine: str,
) -> int:
    """Credit grades on a day, as known at an instant."""
    with app.open() as opened:
        lines = [
            asdict(line)
            for line in opened.credit(
                on,
                known=known,
                households=sorted(set(households)) or None,
                policy=policy,
                engine=engine,
            )
        ]
    app.out.result(
        lines,
        lambda: app.out.table(
            ["household", "grade", "days", "overdue yuan"],
            [
                [
                    line["household"],
                    line["grade"],
                    line["overdue_days"],
                    yuan_from_fen(line["overdue_fen"]),
                ]
                for line in lines
            ],
        ),
    )
    return 0


@command("grade")
@click.argument("year", type=YEAR)
@click.option("--known", type=INSTANT, default=None, help="As known at this instant.")
@click.option("--policy", default=DEFAULT_GRADING, show_default=True, help="Name, or a TOML file.")
@used_engine
def grade(app: App, year: int, known: datetime | None, policy: str, engine: str) -> int:
    """Grade every household for a calendar year."""
    policies, name = policies_of([policy])
    with app.open(policies=policies) as opened:
        run = run_grade(app.out, opened, year, known, name, engine)
    app.out.result(_run(run), lambda: _show_run(app.out, run))
    return 0


def run_grade(
    out: Output,
    opened: CRM,
    year: int,
    known: datetime | None = None,
    policy: str = DEFAULT_GRADING,
    engine: str = EVENTS,
) -> GradingRun:
    """Grade with a progress bar."""
    with out.progress("grading", None) as advance:
        return opened.grade(
            year, known=known, policy=policy, by=ACTOR, progress=advance, engine=engine
        )


@command("grades")
@click.argument("year", type=YEAR)
@click.option("--run", "run_id", default=None, help="A run; by default the latest of the year.")
@click.option("--known", type=INSTANT, default=None, help="As known at this instant.")
@used_policies
def grades(
    app: App, year: int, run_id: str | None, known: datetime | None, policy: tuple[str, ...]
) -> int:
    """The recorded gradings of a year."""
    policies, _ = policies_of(policy)
    with app.open(policies=policies) as opened:
        run = opened.grades(year, run=run_id, known=known)
    app.out.result(run.rows(), lambda: _show_run(app.out, run))
    return 0


def _run(run: GradingRun) -> dict[str, Any]:
    return {
        "run": run.run,
        "year": run.year,
        "policy": str(run.policy),
        "policy_digest": run.policy.digest,
        "cutoff": {"position": run.cutoff.position, "known": instant_text(run.cutoff.known)},
        "gradings": run.rows(),
    }


def _show_run(out: Output, run: GradingRun) -> None:
    out.print(f"run {run.run}, policy {run.policy}, known {instant_text(run.cutoff.known)}")
    show_summary(out, run)


def show_summary(out: Output, run: GradingRun) -> None:
    """The directory's summary: households by layer, type and credit."""
    total = len(run.gradings) or 1
    for title, names, found in (
        ("layer", LAYER["zh"], [g.outcome.layer for g in run.gradings]),
        ("type", TYPE["zh"], [g.outcome.type for g in run.gradings]),
        ("credit", dict.fromkeys(GRADES.values, ""), [g.facts.credit for g in run.gradings]),
    ):
        counts = Counter(found)
        out.print()
        out.table(
            [title, "", "households", "share"],
            [
                [
                    name,
                    names[name],
                    counts[name],
                    f"{counts[name] / total:.1%}",
                ]
                for name in names
            ],
        )


@command("explain")
@click.argument("household")
@click.argument("year", type=YEAR)
@click.option("--run", "run_id", default=None, help="A run; by default the household's latest.")
@click.option(
    "--for",
    "reader",
    type=click.Choice(READERS),
    default="clerk",
    show_default=True,
    help="Who reads it.",
)
@click.option(
    "--lang",
    type=click.Choice(["zh", "en"]),
    default="en",
    show_default=True,
    help="Language of the sentences.",
)
@used_policies
def explain(
    app: App,
    household: str,
    year: int,
    run_id: str | None,
    reader: str,
    lang: str,
    policy: tuple[str, ...],
) -> int:
    """Why a household has its grade: criteria, values, thresholds, events."""
    policies, _ = policies_of(policy)
    with app.open(policies=policies) as opened:
        said = opened.explain(household, year, run=run_id, reader=reader, lang=lang)  # type: ignore[arg-type]
    app.out.result(said, lambda: show_explanation(app.out, said, reader))
    return 0


def show_explanation(out: Output, said: dict[str, Any], reader: str) -> None:
    """Sentences for an owner; criteria and policy beside them for others."""
    for sentence in said["sentences"]:
        out.print(sentence)
    if reader == "owner":
        return
    out.print()
    out.table(
        ["criterion", "value", "", "threshold", "met", "events"],
        [
            [
                criterion["name"],
                str(criterion["value"]),
                criterion["op"].replace("_", " "),
                str(criterion["threshold"]),
                "yes" if criterion["met"] else "no",
                _positions(criterion["evidence"]),
            ]
            for criterion in said["criteria"]
        ],
    )
    out.print()
    out.print(f"policy {said['policy']}, credit table {said['credit_policy']}, run {said['run']}")
    if reader == "auditor":
        cutoff = said["cutoff"]
        out.print(f"policy digest {said['policy_digest']}")
        out.print(f"cut-off: position {cutoff['position']}, known {cutoff['known']}")


def _positions(positions: Sequence[int]) -> str:
    shown = " ".join(str(position) for position in positions[:6])
    return f"{shown} … ({len(positions)})" if len(positions) > 6 else shown


@command("replay")
@click.argument("year", type=YEAR, required=False)
@used_policies
@used_engine
@click.option(
    "--processes",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="How many at once; more than one only with the engine `events`.",
)
def replay(app: App, year: int | None, policy: tuple[str, ...], engine: str, processes: int) -> int:
    """Decide recorded gradings again and compare the bytes."""
    policies, _ = policies_of(policy)
    if processes > 1:
        if engine != EVENTS:
            raise Invalid.one("engine_single", f"the engine `{engine}` runs in one process")
        # Loaded only here: most commands start no processes.
        from crm_adapters.cli.processes import Source
        from crm_adapters.cli.processes import replay as in_processes

        check_exists(app.db)
        source = Source(app.db, app.tenant, app.keys, app.zone, policies)
        result = shown_replay(app.out, partial(in_processes, source, year, processes))
    else:
        with app.open(policies=policies) as opened:
            result = run_replay(app.out, opened, year, engine)
    app.out.result(result, lambda: show_replay(app.out, result))
    return FOUND if result["differing"] else 0


def run_replay(out: Output, opened: CRM, year: int | None, engine: str = EVENTS) -> dict[str, Any]:
    """Replay with a progress bar, as the promised JSON."""
    return shown_replay(out, lambda advance: opened.replay(year, progress=advance, engine=engine))


def shown_replay(out: Output, replaying: Callable[[Progress], Replay]) -> dict[str, Any]:
    """The same, however it is replayed."""
    started = perf_counter()
    with out.progress("replaying", None) as advance:
        result = replaying(advance)
    return {
        "gradings": result.gradings,
        "identical": result.identical,
        "differing": [
            {
                "household": finding.household,
                "year": finding.year,
                "run": finding.run,
                "first_difference": finding.first_difference,
            }
            for finding in result.differing
        ],
        "events": result.events,
        "seconds": round(perf_counter() - started, 3),
        "engine": result.engine,
    }


def show_replay(out: Output, result: dict[str, Any]) -> None:
    """The verdict in a line, and what differs."""
    if not result["gradings"]:
        out.print("no gradings are recorded")
        return
    for finding in result["differing"][:50]:
        out.print(
            f"household {finding['household']}, {finding['year']}: {finding['first_difference']}"
        )
    verdict = "all identical" if not result["differing"] else "NOT all identical"
    out.print(
        f"{verdict}: {result['identical']} of {result['gradings']} gradings, from"
        f" {result['events']} events in {result['seconds']} s"
    )


@command("affected")
@click.argument("year", type=YEAR, required=False)
@used_policies
def affected(app: App, year: int | None, policy: tuple[str, ...]) -> int:
    """Recorded gradings that facts known by now would change; nothing is changed."""
    policies, _ = policies_of(policy)
    with app.open(policies=policies) as opened:
        found = [asdict(item) for item in opened.affected(year)]
    app.out.result(
        found,
        lambda: app.out.table(
            ["household", "year", "run", "layer", "now", "credit", "now", "because of"],
            [
                [
                    item["household"],
                    item["year"],
                    item["run"],
                    item["layer"],
                    item["layer_now"],
                    item["credit"],
                    item["credit_now"],
                    _positions(item["because"]),
                ]
                for item in found
            ],
        ),
    )
    return 0


@command("report")
@click.argument("year", type=YEAR)
@click.option("--run", "run_id", default=None, help="A run; by default the latest of the year.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The HTML file to write.",
)
@used_policies
def report(app: App, year: int, run_id: str | None, out: Path, policy: tuple[str, ...]) -> int:
    """Write a self-contained page about a year's gradings."""
    from crm_adapters.reports.html import write_report

    policies, _ = policies_of(policy)
    with app.open(policies=policies) as opened:
        run = opened.grades(year, run=run_id)
        write_report(out, opened, run)
    app.out.result({"report": str(out), "run": run.run}, lambda: app.out.print(str(out)))
    return 0
