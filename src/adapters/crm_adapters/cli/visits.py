"""`crm visits`: which return visits are due, what is said, draws, and how much was covered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import attrs
import click

from crm_adapters.cli.group import FOUND, App, command, crm
from crm_adapters.cli.helping import ToldGroup
from crm_adapters.cli.language import say, spoken, word
from crm_adapters.cli.output import Output
from crm_adapters.cli.shown import listed, told_value
from crm_adapters.cli.values import DATE, ID, INSTANT, OneOf, Whole
from crm_core.application.return_visits import Coverage, Covered
from crm_core.errors import Fault, Invalid
from crm_core.gradings.policy import LAYERS
from crm_core.kernel.dates import Period, instant_text
from crm_core.kernel.sentences import Malformed
from crm_core.visits.policy import CONTENTS, METHODS
from crm_core.visits.views import VisitLine


@crm.group("visits", cls=ToldGroup)
def visits() -> None:
    """Return visits: which are due, what is said, draws, and how much was covered."""


_ESTATE = click.option("--estate", default="")
_NOW = click.option("--now", type=INSTANT)


@command("due", visits)
@_ESTATE
@_NOW
@click.option("--all", "optional", is_flag=True)
def due(app: App, estate: str, now: datetime | None, optional: bool) -> int:
    """Visits that are to be made now, those first that are to be tried first."""
    with app.open() as opened:
        found = opened.care.visits.due(
            by=app.by, purpose=app.purpose, now=now, estate=estate, optional=optional
        )
    return _listed(app, found)


@command("of", visits)
@click.argument("household")
def of(app: App, household: str) -> int:
    """All visits of a household, and what became of them."""
    with app.open() as opened:
        found = opened.care.visits.of(household, by=app.by, purpose=app.purpose)
    return _listed(app, found)


@command("script", visits)
@click.argument("household")
@click.argument("visit")
@_NOW
def script(app: App, household: str, visit: str, now: datetime | None) -> int:
    """What whoever calls says, and whether they may call now; the status is 1 if they may not."""
    with app.open() as opened:
        said = opened.care.visits.script(household, visit, by=app.by, lang=spoken(), now=now)
    shown = {**attrs.asdict(said, recurse=False), "next_at": instant_text(said.next_at)}

    def show() -> None:
        for line in said.lines:
            app.out.print(line)
        app.out.print()
        if said.may_call:
            app.out.print(say("visit_may_call", member=said.member, left=said.attempts_left))
        else:
            why = [word("not_called", one) for one in said.because]
            app.out.print(say("visit_may_not_call", why=why, next=shown["next_at"]))

    app.out.result(shown, show)
    return 0 if said.may_call else FOUND


@command("draw", visits)
@click.argument("draw", type=ID)
@click.argument("method", metavar="METHOD", type=OneOf(METHODS))
@click.argument("size", type=Whole(1))
@click.option("--on", type=DATE)
@click.option("--content", type=OneOf(CONTENTS))
@_ESTATE
@click.option("--code", default="")
@click.option("--layer", type=OneOf(LAYERS))
def draw(
    app: App,
    draw: str,
    method: str,
    size: int,
    on: date | None,
    content: str | None,
    estate: str,
    code: str,
    layer: str | None,
) -> int:
    """Draw households to be visited; who takes part and the seed are found in the log.

    METHOD is random, low_satisfaction, service, affection or round.
    """
    with app.open() as opened:
        opened.care.visits.draw(
            draw,
            method,
            size,
            by=app.by,
            on=on,
            content=content or "",
            estate=estate,
            code=code,
            layer=layer or "",
        )
        found = opened.care.visits.drawn(draw, by=app.by, purpose=app.purpose)
    shown = {
        "draw": found.draw,
        "method": found.method,
        "content": found.content,
        "on": found.on,
        "frame": len(found.frame),
        "frame_digest": found.frame_digest,
        "seed": found.seed,
        "seed_position": found.seed_position,
        "algorithm": found.algorithm,
        "households": list(found.households),
    }

    def show() -> None:
        app.out.print(say("visits_drawn", size=len(found.households), frame=len(found.frame)))
        app.out.table(["household"], [[one] for one in found.households])

    app.out.result(shown, show, partly=True)
    return 0


@command("redraw", visits)
@click.argument("draw")
def redraw(app: App, draw: str) -> int:
    """Draw again from the log as it was; the exit status is 1 if it comes out otherwise."""
    with app.open() as opened:
        found = opened.care.visits.redraw(draw, by=app.by, purpose=app.purpose)
    shown = {**attrs.asdict(found, recurse=False), "same": found.same}

    def show() -> None:
        app.out.print(say("visits_redrawn_same" if found.same else "visits_redrawn_otherwise"))
        app.out.table(["household"], [[one] for one in found.households])

    app.out.result(shown, show)
    return 0 if found.same else FOUND


@command("coverage", visits)
@click.option("--from", "start", type=DATE, required=True)
@click.option("--to", "end", type=DATE, required=True)
@_ESTATE
@_NOW
def coverage(app: App, start: date, end: date, estate: str, now: datetime | None) -> int:
    """How far the visits due in a period were made, against the policy; 1 if too few were."""
    try:
        period = Period(start, end)
    except Malformed as error:
        raise Invalid([Fault.of("period_malformed", error, "--to")]) from error
    with app.open() as opened:
        found = opened.care.visits.coverage(period, by=app.by, now=now, estate=estate)
    rounds = found.rounds
    shown = {
        "from": start,
        "to": end,
        "rows": [_covered(row) for row in found.rows],
        "rounds": {
            **attrs.asdict(rounds, recurse=False),
            "percent": rounds.percent,
            "met": rounds.met,
        },
    }
    app.out.result(shown, lambda: _show_coverage(app.out, found))
    short = any(row.met is False for row in found.rows) or rounds.met is False
    return FOUND if short else 0


# --- how it is shown ------------------------------------------------------------------------------


def _listed(app: App, found: Sequence[VisitLine]) -> int:
    rows = [_row(line) for line in found]

    def show() -> None:
        app.out.table(
            ["visit", "household", "visit_content", "means", "since", "due", "status", "opinion"],
            [
                [
                    line.visit,
                    line.household,
                    told_value("content", line.content),
                    listed(word("visit_means", one) for one in line.means),
                    instant_text(line.from_at),
                    instant_text(line.appointed_at or line.due_at),
                    word("visit_status", line.status),
                    line.opinion,
                ]
                for line in found
            ],
        )

    app.out.result(rows, show)
    return 0


def _row(line: VisitLine) -> dict[str, Any]:
    shown = attrs.asdict(line, recurse=False)
    return {
        name: instant_text(value) if isinstance(value, datetime) else value
        for name, value in shown.items()
    }


def _covered(row: Covered) -> dict[str, Any]:
    return {**attrs.asdict(row, recurse=False), "percent": row.percent, "met": row.met}


def _show_coverage(out: Output, found: Coverage) -> None:
    out.table(
        [
            "visit_row",
            "called_for",
            "made",
            "in_time",
            "given_up",
            "missed",
            "visits_waiting",
            "percent",
            "required_percent",
            "met",
            "opinion_a",
            "opinion_b",
            "opinion_c",
        ],
        [
            [
                word("visit_row", row.row),
                row.called_for,
                row.made,
                row.in_time,
                row.given_up,
                row.missed,
                row.waiting,
                row.percent,
                row.required_percent,
                _met(row.met),
                *row.opinions.values(),
            ]
            for row in found.rows
        ],
    )
    rounds = found.rounds
    out.print()
    out.print(
        say(
            "visit_rounds",
            visited=rounds.visited,
            households=rounds.households,
            percent="–" if rounds.percent is None else rounds.percent,
        )
    )


def _met(met: bool | None) -> str:
    return "" if met is None else word("met", "yes" if met else "no")
