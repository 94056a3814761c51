"""`crm cover`, `request`, `statistics`, `tick`, `warnings`: the service centre."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import click

from crm_adapters.cli.group import FOUND, App, command
from crm_adapters.cli.language import say, word
from crm_adapters.cli.output import Output
from crm_adapters.cli.values import DATE, INSTANT
from crm_core.errors import Fault, Invalid
from crm_core.kernel.dates import Period, instant_text
from crm_core.kernel.sentences import Malformed
from crm_core.requests.state import Request
from crm_core.requests.statistics import COUNTS, DIMENSIONS
from crm_core.requests.views import request_view
from crm_core.staff import Roster, gaps


@command("request")
@click.argument("request")
@click.option("--now", type=INSTANT)
def request(app: App, request: str, now: datetime | None) -> int:
    """A request with its status, its clocks, every verdict, and how the time was counted."""
    with app.open() as opened:
        state = opened.get(Request, request, by=app.by)
        if state is None:
            raise Invalid.one("request_unknown", request=request)
        at = now or opened.clock.now()
        shown = request_view(state, at, opened.requests.pinned)
    app.out.result({**shown, "now": instant_text(at)}, lambda: _show_request(app.out, shown))
    return 0


@command("tick")
@click.option("--now", type=INSTANT)
def tick(app: App, now: datetime | None) -> int:
    """Record what the clock alone has brought about; running it twice records nothing twice."""
    with app.open() as opened:
        done = opened.tick(now, by=app.by)
    shown = {"now": instant_text(done.now), "events": done.events}
    total = sum(done.events.values())
    app.out.result(shown, lambda: app.out.print(say("ticked", events=total, now=shown["now"])))
    return 0


@command("statistics")
@click.option("--from", "start", type=DATE, required=True)
@click.option("--to", "end", type=DATE, required=True)
@click.option("--known", type=INSTANT)
def statistics(app: App, start: date, end: date, known: datetime | None) -> int:
    """Requests of a period by trade, kind, place and staff."""
    try:
        period = Period(start, end)
    except Malformed as error:
        raise Invalid([Fault.of("period_malformed", error, "--to")]) from error
    with app.open() as opened:
        found = opened.requests.statistics(period, known=known)
    shown = {
        "from": start,
        "to": end,
        "cutoff": {"position": found.cutoff.position, "known": found.cutoff.known},
        **found.rows,
    }

    def show() -> None:
        app.out.table(
            ["by", "", *COUNTS],
            [
                [word("dimension", dimension), word(dimension, value), *(row[c] for c in COUNTS)]
                for dimension in DIMENSIONS
                for value, row in found.rows[dimension].items()
            ],
        )

    app.out.result(shown, show)
    return 0


@command("warnings")
@click.option("--on", type=DATE, required=True)
@click.option("--record", is_flag=True)
def warnings(app: App, on: date, record: bool) -> int:
    """Places and trades in which more than usual happened."""
    with app.open() as opened:
        found = opened.requests.warn(on, by=app.by) if record else opened.requests.warnings(on)
    shown = {
        "on": on,
        "warnings": [
            {
                "place": one.place,
                "trade": one.trade,
                "measure": one.measure,
                "from": one.window.start,
                "to": one.window.end,
                "count": one.count,
                "usual_per_mille": one.usual_per_mille,
                "positions": list(one.positions),
            }
            for one in found
        ],
    }
    app.out.result(
        shown,
        lambda: app.out.table(
            ["place", "trade", "measure", "count", "usual_per_mille"],
            [
                [w.place, word("trade", w.trade), w.measure, w.count, w.usual_per_mille]
                for w in found
            ],
        ),
    )
    return FOUND if found else 0


@command("provisional")
@click.option("--all", "every", is_flag=True)
def provisional(app: App, every: bool) -> int:
    """Verdicts over years without an official notice that would differ by the notices of now."""
    with app.open() as opened:
        found = list(opened.requests.provisional(all=every))
    shown: list[dict[str, Any]] = [
        {
            "request": one.request,
            "household": one.household,
            "clock": one.clock,
            "years": list(one.years),
            "due_at": instant_text(one.due_at),
            "kept": one.kept,
            "late_seconds": one.late_seconds,
            "would_be_due_at": instant_text(one.would_be_due_at),
            "would_be_kept": one.would_be_kept,
            "would_be_late_seconds": one.would_be_late_seconds,
            "still_without": list(one.still),
            "differs": one.differs,
        }
        for one in found
    ]
    app.out.result(
        {"verdicts": shown},
        lambda: app.out.table(
            ["request", "clock", "due", "verdict", "would_be_due", "would_be"],
            [
                [
                    one["request"],
                    one["clock"],
                    one["due_at"],
                    _kept(one["kept"]),
                    one["would_be_due_at"],
                    _kept(one["would_be_kept"]),
                ]
                for one in shown
            ],
        ),
    )
    return FOUND if any(one["differs"] for one in shown) else 0


def _kept(kept: bool | None) -> str:
    return word("verdict", {True: "kept", False: "breached", None: "running"}[kept])


@command("cover")
@click.argument("line")
@click.option("--from", "start", type=INSTANT, required=True)
@click.option("--to", "end", type=INSTANT, required=True)
def cover(app: App, line: str, start: datetime, end: datetime) -> int:
    """When nobody answers a line that is staffed 24 hours."""
    with app.open() as opened:
        roster = opened.get(Roster, line, by=app.by) or Roster()
    found = gaps(roster.shifts(), start, end)
    shown = {
        "line": line,
        "gaps": [{"from": gap.start, "to": gap.end} for gap in found],
        "uncovered_seconds": sum(int((gap.end - gap.start).total_seconds()) for gap in found),
    }
    app.out.result(
        shown,
        lambda: app.out.table(
            ["nobody_from", "to"],
            [[instant_text(gap.start), instant_text(gap.end)] for gap in found],
        ),
    )
    return FOUND if found else 0


def _show_request(out: Output, shown: dict[str, Any]) -> None:
    names = ("request", "owner", "assigned_to")
    words = {name: word(name, shown[name]) for name in ("kind", "trade", "severity")}
    status = word("request", shown["status"])
    out.print(say("request_line", status=status, **words, **{n: shown[n] for n in names}))
    if shown["answer"] is not None:
        out.print(say("answered", rings=shown["answer"]["rings"]))
    out.table(
        ["clock", "policy", "due", "stopped", "verdict", "seconds_late"],
        [
            [
                say("superseded", clock=verdict["clock"])
                if verdict["superseded"]
                else verdict["clock"],
                verdict["policy"],
                verdict["due_at"],
                verdict["stopped_at"],
                say("verdict_provisional", verdict=_kept(verdict["kept"]))
                if verdict["provisional"]
                else _kept(verdict["kept"]),
                verdict["late_seconds"],
            ]
            for verdict in shown["verdicts"]
        ],
    )
    for clock in shown["clocks"]:
        counts = ("clock", "counted_seconds", "target_seconds")
        out.print(say("clock_counted", **{name: clock[name] for name in counts}))
        for segment in clock["trace"]:
            code = "segment_counted" if segment["counted"] else "segment_not_counted"
            if segment["provisional"]:
                code += "_provisionally"
            span = {"start": segment["from"], "end": segment["to"], "why": segment["why"]}
            out.print(say(code, **span))
