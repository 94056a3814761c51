"""`crm todo`: what waits for me today."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs
import click

from crm_adapters.cli.group import App, command
from crm_adapters.cli.language import say, word
from crm_adapters.cli.values import INSTANT
from crm_core.kernel.dates import instant_text
from crm_core.kernel.worklists import Task


@command("todo")
@click.option("--now", type=INSTANT)
def todo(app: App, now: datetime | None) -> int:
    """What waits for who acts: orders, promises, apologies, breaches, and decisions to take."""
    with app.open() as opened:
        at = now or opened.clock.now()
        found = opened.todo(by=app.by, now=at)
    rows = [_row(task) for task in found]

    def show() -> None:
        if not rows:
            app.out.print(say("nothing_to_do"))
            return
        app.out.table(
            ["todo", "subject", "household", "since", "due", "act", "because"],
            [
                [
                    _what(task),
                    _subject(task.subject),
                    task.household,
                    instant_text(task.since),
                    "" if task.due_at is None else instant_text(task.due_at),
                    task.act,
                    word("because", task.because),
                ]
                for task in found
            ],
        )

    app.out.result(rows, show)
    return 0


def _row(task: Task) -> dict[str, Any]:
    due_at = None if task.due_at is None else instant_text(task.due_at)
    shown = attrs.asdict(task, recurse=False)
    return {
        **shown,
        "since": instant_text(task.since),
        "due_at": due_at,
        "details": dict(task.details),
    }


def _subject(text: str) -> str:
    """What it is about; of a grading, its year and tenure."""
    year, is_two, tenure = text.partition("/")
    return say("year_and_tenure", year=year, tenure=word("tenure", tenure)) if is_two else text


def _what(task: Task) -> str:
    """The kind of entry, and of a breach how far which clock has run, of a step which it is."""
    what = word("todo", task.what)
    step = task.details.get("step")
    if step is not None and step != task.what:
        return say("todo_step", what=what, step=word("step", step))
    clock = task.details.get("clock")
    if clock is None:
        return what
    kind = word("clock", clock.partition("-")[0])
    return say("todo_breach", what=what, clock=kind, percent=task.details["percent"])
