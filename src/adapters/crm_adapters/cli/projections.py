"""`crm projections`, `work`: what follows the log."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import click

from crm_adapters.cli.group import FOUND, App, command
from crm_adapters.cli.keeping import keep_up, polled
from crm_adapters.cli.language import kept_told, say, spoken, word
from crm_adapters.cli.shown import duration
from crm_adapters.projections.runner import Task
from crm_adapters.projections.worker import Worker
from crm_core.crm import CRM
from crm_core.errors import Invalid
from crm_core.kernel.dates import instant_text
from crm_core.kernel.projection import BuildStatus, Parked, Projection
from crm_core.kernel.ticking import ParkedRow
from crm_core.ports import Views

PARKED_SHOWN = 100
"""Parked events listed of each build; `parked` counts all of them."""


def tasks_of(crm: CRM) -> list[Task]:
    """Everything that follows the log."""
    return [crm.reactions, *crm.registry.projections]


@command("projections")
@click.option("--catch-up", is_flag=True)
@click.option("--rebuild", metavar="NAME", multiple=True)
@click.option("--retry", metavar="NAME", multiple=True)
@click.option("--prune", is_flag=True)
def projections_command(
    app: App, catch_up: bool, rebuild: Sequence[str], retry: Sequence[str], prune: bool
) -> int:
    """Show how far everything that follows the log has come, and mend it.

    The exit status is 1 if something is parked, or follows another past of the log.
    """
    with app.open() as crm:
        tasks = {task.name: task for task in tasks_of(crm)}
        again = [_task(tasks, name, "--retry") for name in retry]
        anew = [_task(tasks, name, "--rebuild") for name in rebuild]
        if prune:
            count = crm.views.prune(view for view in tasks.values() if isinstance(view, Projection))
            app.out.say(say("builds_dropped", builds=count))
        for task in again:
            app.out.say(say("took_effect", name=task.name, events=crm.views.retry(task)))
        for view in anew:
            app.out.say(say("build_begun", name=view.name, build=crm.views.rebuild(view)))
            crm.views.catch_up(view)
        if catch_up:
            for task in tasks.values():
                crm.views.catch_up(task)
        shown = [*standings(crm, tasks), *clocks(crm)]
    app.out.result(shown, lambda: _show(app, shown))
    wrong = any(one["parked"] or one["error"] or _parked_builds(one) for one in shown)
    return FOUND if wrong else 0


def _parked_builds(one: dict[str, Any]) -> bool:
    return any(build["parked"] for build in one["builds"])


@command("work")
@click.option("--once", is_flag=True)
@polled
def work_command(app: App, once: bool, poll: float) -> int:
    """Keep reactions and views up with the log until told to end.

    An interrupt or a request to terminate ends it after the batch in hand.
    """
    with app.open() as crm:
        worker = Worker(crm.log, crm.views, tasks_of(crm), say=app.out.say, lang=spoken())
        well = keep_up(worker, once=once, poll=poll)
        position = crm.log.head()
        parked = sum(one.parked for one in crm.views.status())
    result = {"position": position, "parked": parked}
    app.out.result(result, lambda: app.out.print(say("worked", **result)))
    return FOUND if parked or not well else 0


def standings(crm: CRM, tasks: dict[str, Task]) -> list[dict[str, Any]]:
    """Every consumer and version with its builds; those never run stand at position 0."""
    found = {
        name: list(builds)
        for name, builds in groupby(crm.views.status(), lambda one: (one.consumer, one.version))
    }
    end, lag, frontier = crm.log.head(), crm.log.count(), crm.log.frontier()
    for task in tasks.values():
        new = BuildStatus(task.name, task.version, 0, "new", 0, end, lag)
        found.setdefault((task.name, task.version), [new])
    return [
        {
            **_standing(crm.views, name, version, builds, tasks.get(name)),
            "held_back": frontier.behind,
            "held_seconds": frontier.seconds,
        }
        for (name, version), builds in sorted(found.items())
    ]


def clocks(crm: CRM) -> list[dict[str, Any]]:
    """Every source of the clock, with the rows that it cannot serve (REQ-13)."""
    end, found = crm.log.head(), crm.views.parked_rows()
    status = {(one.consumer, one.version, one.state): one for one in crm.views.status()}
    shown = []
    for source in sorted(crm.registry.clock, key=lambda source: source.name):
        live = status.get((source.view.name, source.view.version, "live"))
        rows = [row for row in found if row.source == source.name]
        rows.sort(key=lambda row: (row.first_at, row.row, row.step))
        shown.append(
            {
                "name": f"clock:{source.name}",
                "version": source.view.version,
                "kind": "clock",
                "state": "new" if live is None else live.state,
                "position": 0 if live is None else live.position,
                "end": end,
                "lag": crm.log.count() if live is None else live.lag,
                "parked": len(rows),
                "parked_since": instant_text(rows[0].first_at) if rows else None,
                "error": rows[0].error if rows else "",
                "parked_rows": [_row(row) for row in rows[:PARKED_SHOWN]],
                "builds": [],
            }
        )
    return shown


def _row(one: ParkedRow) -> dict[str, Any]:
    return {
        "source": one.source,
        "row": one.row,
        "step": one.step,
        "error": one.error,
        "due_at": instant_text(one.due_at),
        "tries": one.tries,
        "first_at": instant_text(one.first_at),
        "last_at": instant_text(one.last_at),
    }


def _standing(
    views: Views, name: str, version: int, builds: list[BuildStatus], task: Task | None
) -> dict[str, Any]:
    main = next((one for one in builds if one.state == "live"), builds[0])
    kind = "unknown" if task is None else "view" if isinstance(task, Projection) else "consumer"
    events = views.parked(name, version, main.build, limit=PARKED_SHOWN) if main.parked else ()
    return {
        "name": name,
        "version": version,
        "kind": kind,
        "state": main.state,
        "position": main.position,
        "end": main.end,
        "lag": main.lag,
        "parked": main.parked,
        "parked_since": instant_text(main.parked_since) if main.parked_since else None,
        "error": main.error,
        "parked_events": [_event(one) for one in events],
        "builds": [
            {
                "build": one.build,
                "state": one.state,
                "position": one.position,
                "lag": one.lag,
                "parked": one.parked,
            }
            for one in builds
            if one.build
        ],
    }


def _event(one: Parked) -> dict[str, Any]:
    return {
        "position": one.position,
        "stream": one.stream,
        "version": one.version,
        "name": one.name,
        "error": one.error,
        "tries": one.tries,
        "first_at": instant_text(one.first_at),
        "last_at": instant_text(one.last_at),
    }


def _show(app: App, shown: list[dict[str, Any]]) -> None:
    columns = ("name", "version", "state", "position", "end", "lag", "parked")
    app.out.table(
        (*columns, "what"),
        [
            [
                *(word("build", one[c]) if c == "state" else one[c] for c in columns),
                kept_told(one["name"]),
            ]
            for one in shown
        ],
    )
    if shown and shown[0]["held_back"]:
        held, seconds = shown[0]["held_back"], shown[0]["held_seconds"]
        code = "held_back" if seconds is None else "held_back_for"
        app.out.print(say(code, events=held, seconds=duration(seconds or 0)))
    events = [(one["name"], e) for one in shown for e in one.get("parked_events", ())]
    if events:
        app.out.print()
        app.out.table(
            ("name", "position", "stream", "since", "tries", "error"),
            [
                (name, e["position"], e["stream"], e["first_at"], e["tries"], e["error"])
                for name, e in events
            ],
        )
    rows = [row for one in shown for row in one.get("parked_rows", ())]
    if rows:
        app.out.print()
        app.out.table(
            ("source", "row", "step", "since", "tries", "error"),
            [
                (r["source"], r["row"], r["step"], r["first_at"], r["tries"], r["error"])
                for r in rows
            ],
        )


def _task(tasks: dict[str, Task], name: str, option: str) -> Task:
    task = tasks.get(name)
    if task is None:
        raise Invalid.one("projection_unknown", option, name=name, accepted=sorted(tasks))
    return task
