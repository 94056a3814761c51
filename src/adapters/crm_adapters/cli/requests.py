"""`crm request`, `tick`: what a request was promised, and what the clock brings about."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from crm_adapters.cli.group import ACTOR, INSTANT, App, command
from crm_adapters.cli.output import Output
from crm_core.errors import Invalid
from crm_core.kernel.dates import instant_text
from crm_core.requests.sla import SlaPolicy
from crm_core.requests.state import Request
from crm_core.requests.views import request_view


@command("request")
@click.argument("request")
@click.option("--now", type=INSTANT, default=None, help="Verdicts at this instant.")
def request(app: App, request: str, now: datetime | None) -> int:
    """A request with its status, its clocks, every verdict, and how the time was counted."""
    with app.open() as opened:
        state = opened.get(Request, request, by=ACTOR)
        if state is None:
            raise Invalid.one("request_unknown", f"there is no request `{request}`")
        at = now or opened.clock.now()
        policies = opened.policies
        shown = request_view(state, at, lambda pinned: policies.pinned(SlaPolicy, pinned))
    app.out.result({**shown, "now": instant_text(at)}, lambda: _show_request(app.out, shown))
    return 0


@command("tick")
@click.option("--now", type=INSTANT, default=None, help="Record what fell due before this instant.")
def tick(app: App, now: datetime | None) -> int:
    """Record what the clock alone has brought about; running it twice records nothing twice."""
    with app.open() as opened:
        done = opened.tick(now)
    shown = {"now": instant_text(done.now), "events": done.events}
    total = sum(done.events.values())
    app.out.result(shown, lambda: app.out.print(f"{total} events by {shown['now']}"))
    return 0


def _show_request(out: Output, shown: dict[str, Any]) -> None:
    out.print(
        f"{shown['request']}  {shown['status']}  {shown['kind']}, {shown['trade']},"
        f" {shown['severity']}; owned by {shown['owner']}, assigned to {shown['assigned_to']}"
    )
    if shown["answer"] is not None:
        out.print(f"answered after {shown['answer']['rings']} rings")
    out.table(
        ["clock", "policy", "due", "stopped", "verdict", "seconds late"],
        [
            [
                verdict["clock"] + (" (superseded)" if verdict["superseded"] else ""),
                verdict["policy"],
                verdict["due_at"],
                verdict["stopped_at"],
                {True: "kept", False: "breached", None: "running"}[verdict["kept"]],
                verdict["late_seconds"],
            ]
            for verdict in shown["verdicts"]
        ],
    )
    for clock in shown["clocks"]:
        out.print(
            f"{clock['clock']}: {clock['counted_seconds']} of {clock['target_seconds']} seconds"
        )
        for segment in clock["trace"]:
            counted = "counted    " if segment["counted"] else "not counted"
            out.print(f"  {segment['from']} to {segment['to']}  {counted}  {segment['why']}")
