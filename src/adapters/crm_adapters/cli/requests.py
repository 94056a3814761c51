"""`crm cover`, `greeting`, `improvement`, `request`, `statistics`, `tick`, `warnings`."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import click

from crm_adapters.cli.group import FOUND, App, command
from crm_adapters.cli.language import say, spoken, word
from crm_adapters.cli.output import Output, as_row
from crm_adapters.cli.shown import cell, clock_told, duration, instant, late, why_told
from crm_adapters.cli.values import DATE, INSTANT, OneOf
from crm_core.application.clock import ticked_at
from crm_core.errors import Fault, Invalid
from crm_core.kernel.dates import Period, instant_text
from crm_core.kernel.sentences import LANGS, Malformed
from crm_core.requests import Plan
from crm_core.requests.call_statistics import COUNTS as CALL_COUNTS
from crm_core.requests.call_statistics import DIMENSIONS as CALL_DIMENSIONS
from crm_core.requests.state import Request
from crm_core.requests.statistics import COUNTS, DIMENSIONS
from crm_core.requests.views import request_view


@command("request")
@click.argument("request")
@click.option("--now", type=INSTANT)
def request(app: App, request: str, now: datetime | None) -> int:
    """A request with its status, its clocks, every verdict, and how the time was counted."""
    with app.open() as opened:
        state = opened.get(Request, request, **app.asked)
        if state is None:
            raise Invalid.one("request_unknown", request=request)
        at = now or opened.clock.now()
        shown = request_view(state, at, opened.requests.pinned, traced=True)
    app.out.result({**shown, "now": instant_text(at)}, lambda: _show_request(app.out, shown))
    return 0


@command("tick")
@click.option("--now", type=INSTANT)
def tick(app: App, now: datetime | None) -> int:
    """Record what the clock alone has brought about; running it twice records nothing twice.

    The exit status is 1 if something is parked.
    """
    with app.open() as opened:
        done = opened.tick(now, by=app.by)
    shown = {"now": instant_text(done.now), "events": done.events, "parked": done.parked}
    events, parked = sum(done.events.values()), sum(done.parked.values())

    def show() -> None:
        app.out.print(say("ticked", events=events, now=shown["now"]))
        if parked:
            app.out.print(say("ticked_parked", parked=parked))

    app.out.result(shown, show)
    return FOUND if parked else 0


@command("statistics")
@click.option("--from", "start", type=DATE, required=True)
@click.option("--to", "end", type=DATE, required=True)
@click.option("--known", type=INSTANT)
@click.option("--per", type=OneOf(DIMENSIONS))
def statistics(app: App, start: date, end: date, known: datetime | None, per: str | None) -> int:
    """Requests of a period, of all estates, and by trade, kind, place and staff."""
    try:
        period = Period(start, end)
    except Malformed as error:
        raise Invalid([Fault.of("period_malformed", error, "--to")]) from error
    with app.open() as opened:
        found = opened.requests.statistics(period, known=known, **app.asked)
        calls = opened.requests.calls(period, known=known, **app.asked)
        last = ticked_at(opened.views)
    # Households are many: who asks for them gets them alone.
    dimensions = [per] if per else [one for one in DIMENSIONS if one != "household"]
    shown = {
        "from": start,
        "to": end,
        "cutoff": {"position": found.cutoff.position, "known": found.cutoff.known},
        "total": found.total,
        **{dimension: found.rows[dimension] for dimension in dimensions},
        "calls": calls.rows,
        "ticked": last,
    }

    def show() -> None:
        app.out.table(
            ["by", "", *COUNTS],
            [
                [word("dimension", "total"), "", *(found.total[c] for c in COUNTS)],
                *(
                    [word("dimension", per), word(per, value), *(row[c] for c in COUNTS)]
                    for per in dimensions
                    for value, row in found.rows[per].items()
                ),
            ],
        )
        app.out.print()
        app.out.table(
            ["by", "", *CALL_COUNTS],
            [
                [word("dimension", dimension), value, *(row[c] for c in CALL_COUNTS)]
                for dimension in CALL_DIMENSIONS
                for value, row in calls.rows[dimension].items()
            ],
        )
        told = say("never_ticked") if last is None else say("ticked_last", at=instant(last))
        app.out.print(told)

    app.out.result(shown, show)
    return 0


@command("warnings")
@click.option("--on", type=DATE)
@click.option("--since", type=DATE)
@click.option("--record", is_flag=True)
def warnings(app: App, on: date | None, since: date | None, record: bool) -> int:
    """Places and trades in which more than usual happened: on a day, or as the clock found them."""
    if on is None:
        if record:
            raise click.UsageError(say("record_on_which_day"), click.get_current_context())
        return _raised(app, since)
    if since is not None:
        raise click.UsageError(say("on_or_since"), click.get_current_context())
    with app.open() as opened:
        found = (
            opened.requests.warn(on, by=app.by)
            if record
            else opened.requests.warnings(on, **app.asked)
        )
    rows = [
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
    ]
    app.out.result({"on": on, "warnings": rows}, lambda: _show_warnings(app.out, rows))
    return FOUND if found else 0


def _raised(app: App, since: date | None) -> int:
    """The warnings that were raised."""
    with app.open() as opened:
        found = opened.requests.raised(since or date.min, **app.asked)
    rows = [
        {
            "place": one.place,
            "trade": one.trade,
            "measure": one.measure,
            "from": one.window_start,
            "to": one.window_end,
            "count": one.count,
            "usual_per_mille": one.usual_per_mille,
            "positions": list(one.positions),
        }
        for one in found
    ]
    app.out.result({"since": since, "warnings": rows}, lambda: _show_warnings(app.out, rows))
    return FOUND if found else 0


def _show_warnings(out: Output, rows: list[dict[str, Any]]) -> None:
    out.table(
        ["place", "trade", "measure", "window_from", "to", "count", "usual_per_mille"],
        [
            [
                row["place"],
                word("trade", row["trade"]),
                word("measure", row["measure"]),
                row["from"],
                row["to"],
                row["count"],
                row["usual_per_mille"],
            ]
            for row in rows
        ],
    )


@command("provisional")
@click.option("--all", "every", is_flag=True)
def provisional(app: App, every: bool) -> int:
    """Verdicts over years without an official notice that would differ by the notices of now."""
    with app.open() as opened:
        found = list(opened.requests.provisional(all=every, **app.asked))
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
                    clock_told(one["clock"]),
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
        found = opened.requests.cover(line, start, end, **app.asked)
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


@command("greeting")
@click.option("--on", type=DATE)
def greeting(app: App, on: date | None) -> int:
    """What whoever answers the phone says first."""
    with app.open() as opened:
        words = {lang: opened.requests.greeting(lang, on) for lang in LANGS}
    app.out.result(words, lambda: app.out.print(words[spoken()]))
    return 0


@command("improvement")
@click.argument("plan")
@click.option("--known", type=INSTANT)
def improvement(app: App, plan: str, known: datetime | None) -> int:
    """An improvement plan, and what it has moved as computed from the events."""
    with app.open() as opened:
        effect = opened.requests.effect(plan, known=known, **app.asked)
        state = opened.get(Plan, plan, **app.asked)
    assert state is not None
    assert state.proposed is not None
    shown = {
        **as_row(state.proposed),
        "status": _status(state),
        "looks": len(state.supervised),
        "conclusion": None if state.ended is None else state.ended.conclusion,
        "effect": as_row(effect),
    }
    app.out.result(shown, lambda: _show_plan(app.out, shown), partly=True)
    return 0


def _status(plan: Plan) -> str:
    if plan.ended is not None:
        return "ended"
    if plan.rejected is not None:
        return "rejected"
    return "proposed" if plan.approved is None else "approved"


def _show_plan(out: Output, shown: dict[str, Any]) -> None:
    columns = ("plan", "status", "responsible", "supervisor", "runs_from", "runs_to")
    status = word("plan", shown["status"])
    out.table([*columns], [[status if c == "status" else shown[c] for c in columns]])
    out.print(cell(shown["measure"]))
    effect = shown["effect"]
    out.table(
        ["metric", "value", "before", "after", "change", "planned_change", "reached"],
        [
            [
                word("metric", shown["metric"]),
                word(shown["dimension"], shown["value"]),
                effect["before"],
                effect["after"],
                effect["change_per_mille"],
                shown["change_per_mille"],
                word("reached", {True: "yes", False: "no", None: "open"}[effect["reached"]]),
            ]
        ],
    )


_SEGMENTS = {
    (True, False): "segment_counted",
    (False, False): "segment_not_counted",
    (True, True): "segment_counted_provisionally",
    (False, True): "segment_not_counted_provisionally",
}


def _show_request(out: Output, shown: dict[str, Any]) -> None:
    names = ("request", "owner", "assigned_to")
    words = {name: word(name, shown[name]) for name in ("kind", "trade", "severity")}
    status = word("request", shown["status"])
    out.print(say("request_line", status=status, **words, **{n: shown[n] for n in names}))
    if shown["answer"] is not None:
        out.print(say("answered", rings=shown["answer"]["rings"]))
    out.table(
        ["clock", "policy", "due", "stopped", "verdict", "late"],
        [
            [
                say("superseded", clock=clock_told(verdict["clock"]))
                if verdict["superseded"]
                else clock_told(verdict["clock"]),
                verdict["policy"],
                verdict["due_at"],
                verdict["stopped_at"],
                say("verdict_provisional", verdict=_kept(verdict["kept"]))
                if verdict["provisional"]
                else _kept(verdict["kept"]),
                late(verdict["late_seconds"]),
            ]
            for verdict in shown["verdicts"]
        ],
    )
    for clock in shown["clocks"]:
        spans = {name: duration(clock[f"{name}_seconds"]) for name in ("counted", "target")}
        out.print(say("clock_counted", clock=clock_told(clock["clock"]), **spans))
        for segment in clock["trace"]:
            code = _SEGMENTS[segment["counted"], segment["provisional"]]
            why = why_told(segment["why"])
            span = {"start": segment["from"], "end": segment["to"], "why": why}
            out.print(say(code, **span))
