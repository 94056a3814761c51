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

from crm_adapters.cli.extent import gradings_of, households_of
from crm_adapters.cli.group import (
    FOUND,
    App,
    command,
    policies_of,
    used_engine,
    used_policies,
)
from crm_adapters.cli.language import say, spoken, word
from crm_adapters.cli.output import Output, as_row
from crm_adapters.cli.shown import duration, money
from crm_adapters.cli.values import DATE, FILE, ID, INSTANT, YEAR, OneOf, Whole
from crm_core.application.reporting.model import YearReport
from crm_core.application.runs import GradingRun
from crm_core.crm import CRM
from crm_core.errors import Invalid
from crm_core.gradings.explain import READERS
from crm_core.gradings.policy import GRADES, INSUFFICIENT, LAYERS, TYPES
from crm_core.gradings.replay import Replay, check_intact
from crm_core.gradings.words import criterion_name, fact_name, needed, value_told
from crm_core.kernel.dates import instant_text
from crm_core.kernel.recorded import Actor, Cutoff
from crm_core.kernel.sealed import Withheld
from crm_core.payments.credit import DEFAULT_CREDIT
from crm_core.ports import EVENTS, Progress


@command("credit")
@click.option("--on", type=DATE, required=True)
@click.option("--known", type=INSTANT)
@click.option("--policy", default=DEFAULT_CREDIT, show_default=True)
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
            as_row(line)
            for line in opened.accounts.credit(
                on,
                known=known,
                households=sorted(set(households)) or None,
                policy=policy,
                engine=engine,
                **app.asked,
            )
        ]
    app.out.result(
        lines,
        lambda: app.out.table(
            ["household", "grade", "days", "overdue_yuan"],
            [
                [
                    line["household"],
                    line["grade"],
                    line["overdue_days"],
                    money(line["overdue_fen"]),
                ]
                for line in lines
            ],
        ),
    )
    return 0


@command("grade")
@click.argument("year", type=YEAR)
@click.option("--known", type=INSTANT)
@click.option("--policy")
@click.option("--trial", is_flag=True)
@click.option("--dry-run", is_flag=True)
@used_engine
def grade(
    app: App,
    year: int,
    known: datetime | None,
    policy: str | None,
    trial: bool,
    dry_run: bool,
    engine: str,
) -> int:
    """Grade every household for a calendar year."""
    policies, name = policies_of([] if policy is None else [policy])
    with app.open(policies=policies) as opened:
        chosen = None if policy is None else name
        if dry_run:
            run = opened.gradings.preview(
                year, known=known, policy=chosen, engine=engine, **app.asked
            )
        else:
            run = run_grade(
                app.out,
                opened,
                year,
                known=known,
                policy=chosen,
                trial=trial,
                engine=engine,
                by=app.by,
            )
    app.out.result(_run(run), lambda: _show_run(app.out, run))
    return 0


def run_grade(
    out: Output,
    opened: CRM,
    year: int,
    known: datetime | None = None,
    policy: str | None = None,
    engine: str = EVENTS,
    *,
    trial: bool = False,
    by: Actor,
) -> GradingRun:
    """Grade with a progress bar."""
    with out.progress(say("grading"), households_of(opened)) as advance:
        return opened.grade(
            year,
            known=known,
            policy=policy,
            trial=trial,
            by=by,
            progress=advance,
            engine=engine,
        )


@command("grades")
@click.argument("year", type=YEAR)
@click.option("--run", "run_id")
@click.option("--known", type=INSTANT)
@used_policies
def grades(
    app: App, year: int, run_id: str | None, known: datetime | None, policy: tuple[str, ...]
) -> int:
    """The recorded gradings of a year."""
    policies, _ = policies_of(policy)
    with app.open(policies=policies) as opened:
        run = opened.gradings.grades(year, run=run_id, known=known, **app.asked)
    app.out.result(run.rows(), lambda: _show_run(app.out, run))
    return 0


@command("runs")
@click.argument("year", type=YEAR)
@click.option("--known", type=INSTANT)
def runs(app: App, year: int, known: datetime | None) -> int:
    """The runs of a year: which one holds, and which are trials."""
    with app.open() as opened:
        lines = opened.gradings.runs(year, known=known, **app.asked)
    said = [
        {
            "run": line.run,
            "year": line.year,
            "standing": line.standing,
            "policy": str(line.policy),
            "started": instant_text(line.started_at),
            "cutoff": _cutoff(line.cutoff),
            "gradings": line.gradings,
        }
        for line in lines
    ]

    def show() -> None:
        app.out.table(
            ["run", "standing", "policy", "started", "known", "gradings"],
            [
                [
                    line.run,
                    word("standing", line.standing),
                    str(line.policy),
                    instant_text(line.started_at),
                    instant_text(line.cutoff.known),
                    line.gradings,
                ]
                for line in lines
            ],
        )

    app.out.result(said, show)
    return 0


@command("replace-record")
@click.argument("year", type=YEAR)
@click.argument("run_id", metavar="RUN")
@click.option("--reason", default="")
@click.option("--moves", type=Whole(0, None))
@used_policies
def replace_record(
    app: App, year: int, run_id: str, reason: str, moves: int | None, policy: tuple[str, ...]
) -> int:
    """Let a run take the place of the run of record, as a director.

    Without --moves it only shows whom it would move; with their number it is done.
    """
    policies, _ = policies_of(policy)
    with app.open(policies=policies) as opened:
        moved = opened.gradings.replacing(year, run_id, **app.asked)
        done = moves is not None
        if moves is not None:
            opened.gradings.replace(year, run_id, reason.strip(), by=app.by, moves=moves)
    said = {"year": year, "run": run_id, "recorded": done, "moved": [as_row(one) for one in moved]}

    def show() -> None:
        app.out.table(
            ["household", "layer", "then", "type", "then"],
            [
                [
                    one.household,
                    word("layer", one.layer),
                    word("layer", one.layer_then),
                    word("type", one.type),
                    word("type", one.type_then),
                ]
                for one in moved
            ],
        )
        key = "record_replaced" if done else "record_would_move"
        app.out.print(say(key, year=year, run=run_id, count=len(moved)))

    app.out.result(said, show)
    return 0


def _run(run: GradingRun) -> dict[str, Any]:
    return {
        "run": run.run,
        "year": run.year,
        "standing": run.standing,
        "policy": str(run.policy),
        "policy_digest": run.policy.digest,
        "cutoff": _cutoff(run.cutoff),
        "gradings": run.rows(),
    }


def _cutoff(cutoff: Cutoff) -> dict[str, Any]:
    return {"position": cutoff.position, "known": instant_text(cutoff.known)}


def _show_run(out: Output, run: GradingRun) -> None:
    known = instant_text(run.cutoff.known)
    out.print(say("run", run=run.run, policy=run.policy, known=known))
    out.print(say(f"run_{run.standing}", year=run.year))
    show_summary(out, run)


def show_summary(out: Output, run: GradingRun) -> None:
    """The directory's summary: households by layer, type and credit."""
    total = len(run.gradings) or 1
    for title, names, found in (
        ("layer", (*LAYERS, INSUFFICIENT), [g.outcome.layer for g in run.gradings]),
        ("type", TYPES, [g.outcome.type for g in run.gradings]),
        ("credit", GRADES.values, [g.facts.credit for g in run.gradings]),
    ):
        counts = Counter(found)
        out.print()
        out.table(
            [title, "households", "share"],
            [
                [
                    word(title, name),
                    counts[name],
                    f"{counts[name] / total:.1%}",
                ]
                for name in names
            ],
        )


@command("explain")
@click.argument("household")
@click.argument("year", type=YEAR)
@click.option("--run", "run_id")
@click.option(
    "--for",
    "reader",
    type=OneOf(READERS),
    default="clerk",
    show_default=True,
)
@used_policies
def explain(
    app: App,
    household: str,
    year: int,
    run_id: str | None,
    reader: str,
    policy: tuple[str, ...],
) -> int:
    """Why a household has its grade: criteria, values, thresholds, events."""
    policies, _ = policies_of(policy)
    with app.open(policies=policies) as opened:
        said = opened.explain(
            household, year, run=run_id, reader=reader, lang=spoken(), **app.asked
        )
    app.out.result(said, lambda: show_explanation(app.out, said, reader))
    return 0


def show_explanation(out: Output, said: dict[str, Any], reader: str) -> None:
    """Sentences for an owner; criteria and policy beside them for others."""
    for sentence in said["sentences"]:
        out.print(sentence)
    if reader == "owner":
        return
    for conflict in said["applied"]["conflicts"]:
        out.print(say(f"conflict_{conflict}"))
    out.print()
    out.table(
        ["criterion", "fact", "value", "needed", "met", "events"],
        [
            [
                criterion_name(criterion["name"], spoken()),
                fact_name(criterion["fact"], spoken()),
                value_told(criterion["fact"], criterion["value"], spoken()),
                needed(criterion["fact"], criterion["op"], criterion["threshold"], spoken()),
                criterion["met"],
                _positions(criterion["evidence"]),
            ]
            for criterion in said["criteria"]
        ],
    )
    out.print()
    policies = {"policy": said["policy"], "credit": said["credit_policy"]}
    out.print(say("explained_by", run=said["run"], **policies))
    if reader == "auditor":
        out.print(say("policy_digest", digest=said["policy_digest"]))
        out.print(say("cutoff", **said["cutoff"]))


def _positions(positions: Sequence[int]) -> str:
    shown = " ".join(str(position) for position in positions[:6])
    return f"{shown} … ({len(positions)})" if len(positions) > 6 else shown


@command("replay")
@click.argument("year", type=YEAR, required=False)
@used_policies
@used_engine
@click.option(
    "--processes",
    type=Whole(1, 64),
    default=1,
    show_default=True,
)
@click.option("--verify", is_flag=True)
def replay(
    app: App,
    year: int | None,
    policy: tuple[str, ...],
    engine: str,
    processes: int,
    verify: bool,
) -> int:
    """Decide recorded gradings again and compare the bytes."""
    policies, _ = policies_of(policy)
    if processes > 1:
        if engine != EVENTS:
            raise Invalid.one("engine_single", "--engine", engine=engine)
        # Loaded only here: most commands start no processes.
        from crm_adapters.processes import Source
        from crm_adapters.processes import replay as in_processes

        source = Source(
            url=app.url, tenant=app.tenant, keys=app.keys, zone=app.zone, policies=policies
        )
        with app.open() as opened:
            total = gradings_of(opened, year)
            if verify:
                check_intact(opened.log)
        result = shown_replay(app.out, partial(in_processes, source, year, processes), total)
    else:
        with app.open(policies=policies) as opened:
            result = run_replay(
                app.out, opened, year, engine, verify=verify, by=app.by, purpose=app.purpose
            )
    app.out.result(result, lambda: show_replay(app.out, result))
    return FOUND if result["differing"] else 0


def run_replay(
    out: Output,
    opened: CRM,
    year: int | None,
    engine: str = EVENTS,
    *,
    verify: bool = False,
    by: Actor | None = None,
    purpose: str | None = None,
) -> dict[str, Any]:
    """Replay with a progress bar, as the promised JSON."""
    return shown_replay(
        out,
        lambda advance: opened.replay(
            year, progress=advance, engine=engine, verify=verify, by=by, purpose=purpose
        ),
        gradings_of(opened, year),
    )


def shown_replay(
    out: Output, replaying: Callable[[Progress], Replay], total: int
) -> dict[str, Any]:
    """The same, however it is replayed, with so many gradings to do."""
    started = perf_counter()
    with out.progress(say("replaying"), total) as advance:
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
        "verified": result.verified,
    }


def show_replay(out: Output, result: dict[str, Any]) -> None:
    """The verdict in a line, and what differs."""
    if not result["gradings"]:
        out.print(say("nothing_graded"))
        return
    for finding in result["differing"][:50]:
        out.print(
            say(
                "grading_differs",
                household=finding["household"],
                year=finding["year"],
                what=finding["first_difference"],
            )
        )
    verdict = "replay_differs" if result["differing"] else "replay_identical"
    counts = ("identical", "gradings", "events")
    took = duration(result["seconds"], exactly=True)
    out.print(say(verdict, took=took, **{name: result[name] for name in counts}))
    if not result["verified"]:
        out.print(say("replay_not_verified"))


@command("affected")
@click.argument("year", type=YEAR, required=False)
@used_policies
def affected(app: App, year: int | None, policy: tuple[str, ...]) -> int:
    """Recorded gradings that facts known by now would change; nothing is changed."""
    policies, _ = policies_of(policy)
    with app.open(policies=policies) as opened:
        found = [as_row(item) for item in opened.gradings.affected(year, **app.asked)]
    app.out.result(
        found,
        lambda: app.out.table(
            ["household", "year", "run", "layer", "now", "credit", "now", "because_of"],
            [
                [
                    item["household"],
                    item["year"],
                    item["run"],
                    word("layer", item["layer"]),
                    word("layer", item["layer_now"]),
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
@click.option("--run", "run_id")
@click.option("--household", "household", type=ID)
@click.option("--now", type=INSTANT)
@click.option(
    "--out",
    type=FILE,
    required=True,
)
@used_policies
def report(
    app: App,
    year: int,
    run_id: str | None,
    household: str | None,
    now: datetime | None,
    out: Path,
    policy: tuple[str, ...],
) -> int:
    """Write a self-contained page about a year."""
    app.to_write(out, *map(Path, policy))
    policies, _ = policies_of(policy)
    with app.open(policies=policies) as opened:
        found = write_year(app, opened, year, out, run=run_id, household=household, now=now)
    said = {
        "report": str(out),
        "run": found.run,
        "position": found.position,
        "root": found.root,
        "withheld": left_out(found),
    }
    app.out.result(said, lambda: app.out.print(str(out)))
    return 0


def write_year(app: App, opened: CRM, year: int, out: Path, **asked: Any) -> YearReport:
    """Write the report of a year as who acts may see it."""
    from crm_adapters.reports.html import write_report
    from crm_adapters.reports.marks import mark_of

    found = opened.reports.year(year, **asked, **app.asked)
    mark = mark_of(opened, "report", found.households, found.leads, **app.asked)
    write_report(out, opened, found, spoken(), mark)
    return found


def left_out(found: YearReport) -> dict[str, str]:
    """The parts of a report that are not for who acts, each with the reason."""
    parts = {"grades": found.graded, "money": found.owing}
    return {name: one.reason for name, one in parts.items() if isinstance(one, Withheld)}
