"""`crm imports` and `crm undo`: which files were taken in, and taking one import back (IMP-01)."""

from __future__ import annotations

from typing import Any

import click
from attrs import asdict

from crm_adapters.cli.extent import brought_by
from crm_adapters.cli.group import FOUND, App, command
from crm_adapters.cli.language import event_told, say, why_withheld, word
from crm_adapters.cli.shown import listed
from crm_adapters.cli.values import ID
from crm_core.application.imports import Undoing
from crm_core.imports.register import Import
from crm_core.kernel.dates import instant_text
from crm_core.kernel.sealed import Withheld

SHOWN = 50
"""How many lines of what rests on an import are shown to people; JSON has them all."""


@command("imports")
def imports(app: App) -> int:
    """The imports that were made, and which of them were undone."""
    with app.open() as opened:
        rows = [_told(one) for one in opened.imports.every(**app.asked)]
    app.out.result(rows, lambda: _show(app, rows))
    return 0


def _told(one: Import) -> dict[str, Any]:
    recorded, undone = one.recorded, one.undone
    return {
        "number": recorded.number,
        "moment": instant_text(recorded.moment),
        "by": recorded.entered_by,
        "events": recorded.events,
        "corrects": _said(recorded.corrects),
        "mapping": None if recorded.mapping is None else recorded.mapping.digest,
        "files": [{**asdict(file), "name": _said(file.name)} for file in recorded.files],
        "undone": None
        if undone is None
        else {"by": undone.undone_by, "reason": _said(undone.reason)},
    }


def _said(text: Any) -> Any:
    """A text that was opened, or why it is not shown."""
    return {"withheld": text.reason} if isinstance(text, Withheld) else text


def _show(app: App, rows: list[dict[str, Any]]) -> None:
    app.out.table(
        ["number", "moment", "by", "files", "rows", "events", "status"],
        [
            [
                row["number"],
                row["moment"],
                row["by"],
                listed(_words(file["name"]) for file in row["files"]),
                sum(file["imported"] for file in row["files"]),
                row["events"],
                word("import", _status(row)),
            ]
            for row in rows
        ],
    )


def _words(name: str | dict[str, str]) -> str:
    return name if isinstance(name, str) else why_withheld(Withheld(name["withheld"]))


def _status(row: dict[str, Any]) -> str:
    if row["undone"] is not None:
        return "undone"
    return "stands" if row["corrects"] is None else "corrects"


@command("undo")
@click.argument("number", type=ID, metavar="IMPORT")
@click.option("--reason", required=True, metavar="TEXT")
@click.option("--dry-run", is_flag=True)
@click.option("--despite-gradings", is_flag=True)
def undo(app: App, number: str, reason: str, dry_run: bool, despite_gradings: bool) -> int:
    """Take an import back: each fact is void from its own day on, as known from now on."""
    with app.open() as opened:
        with app.out.progress(say("undoing"), brought_by(opened, number)) as advance:
            found = opened.imports.look(number, by=app.by, progress=advance)
        held_up = bool(found.rests or (found.of_record and not despite_gradings))
        done = not (held_up or dry_run)
        if done:
            with app.out.progress(say("undoing"), found.voided.total()) as advance:
                found = opened.imports.undo(
                    number,
                    by=app.by,
                    reason=reason,
                    despite_gradings=despite_gradings,
                    progress=advance,
                )
    data = {**asdict(found), "voided": dict(found.voided), "done": done}
    app.out.result(data, lambda: _show_undoing(app, found, done=done, held_up=held_up))
    return FOUND if held_up else 0


def _show_undoing(app: App, found: Undoing, *, done: bool, held_up: bool) -> None:
    out = app.out
    if found.voided:
        out.table(
            ["what", "count"],
            [[word("voided", what), count] for what, count in sorted(found.voided.items())],
        )
    if found.rests:
        out.table(
            ["position", "event", "household", "rests_on", "number"],
            [
                [
                    one.position,
                    event_told(one.name),
                    one.household,
                    word("voided", one.what),
                    one.number,
                ]
                for one in found.rests[:SHOWN]
            ],
        )
    if found.gradings:
        out.table(
            ["year", "run", "gradings", "status"],
            [
                [year, run, count, word("run", "record" if record else "trial")]
                for (year, run, record), count in _runs(found).items()
            ],
        )
    if done:
        out.print(say("import_undone", number=found.number, events=found.events))
    elif found.rests:
        out.say(say("import_rested_on", number=found.number, count=len(found.rests)))
    elif held_up:
        out.say(say("import_graded", number=found.number, count=len(found.of_record)))
    else:
        out.say(say("nothing_undone"))


def _runs(found: Undoing) -> dict[tuple[int, str, bool], int]:
    counts: dict[tuple[int, str, bool], int] = {}
    for one in found.gradings:
        key = (one.year, one.run, one.of_record)
        counts[key] = counts.get(key, 0) + 1
    return dict(sorted(counts.items()))
