"""`crm verify`, `history`, `show`: what the log holds."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from typing import Any

import click

from crm_adapters.cli.group import ACTOR, DATE, FOUND, INSTANT, App, check_exists, command
from crm_adapters.cli.output import Output
from crm_adapters.frames import FramesOn
from crm_core.crm import CRM
from crm_core.errors import Invalid
from crm_core.gradings.views import grading_row
from crm_core.kernel.dates import instant_text, local_date, start_of_day
from crm_core.kernel.money import yuan_from_fen
from crm_core.kernel.recorded import Recorded
from crm_core.kernel.sealed import PersonalValue, Place
from crm_core.owners.events import ContactChanged, MemberAdded
from crm_core.owners.state import Household
from crm_core.owners.views import household_file
from crm_core.payments.credit import CreditPolicy
from crm_core.payments.ledger import Ledger
from crm_core.payments.views import account_view
from crm_core.policies import DEFAULT_CREDIT
from crm_core.requests.state import Request
from crm_core.requests.views import request_view


@command("verify")
def verify(app: App) -> int:
    """Read every stored byte again: chain, versions, order, root.

    Rows that an engine keeps beside the log are compared with it, where there are any.
    """
    with app.open() as opened:
        result = opened.verify()
        engine = opened.gradings.engine("frames")
        assert isinstance(engine, FramesOn)
        kept, unread = None, ""
        try:
            kept = engine.verify(opened.gradings.pinned)
        except Invalid as error:
            if error.faults[0].code != "engine_missing":
                raise
            # The log itself needs nothing that is missing.
            unread = error.message
    fault = result.first_fault
    wrong = None if kept is None else kept.first_fault
    data = {
        "events": result.events,
        "intact": result.intact,
        "first_fault": None
        if fault is None
        else {"position": fault.position, "stream": fault.stream, "kind": fault.kind},
        "root": result.root,
        "kept": None
        if kept is None
        else {
            "rows": kept.rows,
            "first_fault": None
            if wrong is None
            else {"position": wrong.position, "file": wrong.file},
        },
    }

    def show() -> None:
        if fault is None:
            app.out.print(f"intact: {result.events} events, root {result.root}")
        else:
            app.out.print(
                f"NOT intact: {fault.kind} at position {fault.position} in `{fault.stream}`"
                f" ({result.events} events)"
            )
        if wrong is not None:
            app.out.print(
                f"kept rows are NOT those of the log: position {wrong.position} in"
                f" `{wrong.file}`; deleting the folder `{engine.folder}` mends it"
            )
        elif kept is not None:
            app.out.print(f"kept rows are those of the log: {kept.rows}")

    app.out.result(data, show)
    if unread:
        app.out.say(f"kept rows were not compared: {unread}")
    return 0 if result.intact and wrong is None else FOUND


@command("migrate")
def migrate_tables(app: App) -> int:
    """Bring the tables of a log made by an earlier version forward; no event changes."""
    from crm_adapters.eventlog.migrating import migrate  # The other commands need none of it.

    check_exists(app.db)
    found, now = migrate(app.db)
    app.out.result(
        {"found": found, "revision": now},
        lambda: app.out.print(
            f"the tables are of revision {now}"
            + ("" if found == now else f"; they were of {found}")
        ),
    )
    return 0


@command("history")
@click.argument("stream")
def history(app: App, stream: str) -> int:
    """Events of a stream (`account/V00001`) or about a household (`V00001`)."""
    with app.open() as opened:
        events = [_event(opened, recorded) for recorded in opened.history(stream)]
    if not events:
        raise Invalid.one("stream_unknown", f"there are no events of `{stream}`")
    app.out.result(
        events,
        lambda: app.out.table(
            ["position", "recorded", "effective", "event", "stream", "data"],
            [
                [
                    event["position"],
                    event["recorded"],
                    event["effective"],
                    event["name"],
                    event["stream"],
                    _short(event["data"]),
                ]
                for event in events
            ],
        ),
    )
    return 0


def _event(opened: CRM, recorded: Recorded[Any]) -> dict[str, Any]:
    envelope = recorded.envelope
    return {
        "position": recorded.position,
        "stream": recorded.stream,
        "version": recorded.version,
        "name": recorded.name,
        "household": recorded.household,
        "effective": recorded.effective.isoformat(),
        "recorded": instant_text(recorded.recorded),
        "imported": None if envelope.imported is None else instant_text(envelope.imported),
        "actor": envelope.actor,
        "purpose": envelope.purpose,
        "command": envelope.command,
        "causation": envelope.causation,
        "digest": recorded.digest,
        "data": json.loads(opened.log.canonical(recorded.event)),
    }


def _short(data: dict[str, Any]) -> str:
    flat = {k: v for k, v in data.items() if v is not None and not isinstance(v, dict | list)}
    text = ", ".join(f"{key} {value}" for key, value in flat.items())
    return text if len(text) <= 100 else text[:99] + "…"


@command("show")
@click.argument("household")
@click.option("--on", type=DATE, default=None, help="As it stood on this day.")
@click.option("--known", type=INSTANT, default=None, help="As known at this instant.")
@click.option("--purpose", default=None, help="Why personal values are opened; else they are not.")
def show(
    app: App, household: str, on: date | None, known: datetime | None, purpose: str | None
) -> int:
    """The file of a household as it stands, or as it stood."""
    with app.open() as opened:
        shown = _file(opened, household, on, known, purpose)
    app.out.result(shown, lambda: _show_file(app.out, shown))
    return 0


def _file(
    opened: CRM, household: str, on: date | None, known: datetime | None, purpose: str | None
) -> dict[str, Any]:
    state = opened.get(Household, household, by=ACTOR, purpose=purpose, on=on, known=known)
    if state is None:
        when = f" on {on}" if on else ""
        raise Invalid.one("household_unknown", f"household `{household}` has no file{when}")
    places = _places(opened, household)

    def reveal(value: PersonalValue | None) -> str | None:
        if value is None:
            return None
        if purpose is None:
            return "sealed"
        return opened.reveal(value, places[getattr(value, "token", "")], by=ACTOR, purpose=purpose)

    now = opened.clock.now()
    day = on or local_date(now, opened.zone)
    facts = [e for e in opened.history(household) if known is None or e.recorded <= known]
    credit = opened.policies.find(CreditPolicy, DEFAULT_CREDIT, day)
    end = min(start_of_day(day + timedelta(days=1), opened.zone), known or now, now)
    received = [
        opened.get(Request, identity, by=ACTOR, on=on, known=known)
        for identity in sorted(
            {e.stream.partition("/")[2] for e in facts if e.stream.startswith("request/")}
        )
    ]
    requests = [request_view(request, end) for request in received if request is not None]
    gradings = [
        {"year": now.grading.year, "run": now.grading.run, **grading_row(now.grading, now)}
        for now in opened.gradings.history(household, on=on, known=known)
    ]
    return {
        **household_file(state, reveal),
        "on": day.isoformat(),
        "known": None if known is None else instant_text(known),
        "account": account_view(Ledger.of((e.event, e.position) for e in facts), day, credit),
        "requests": {
            "received": len(requests),
            "open": [request for request in requests if request["status"] != "closed"],
        },
        "gradings": gradings,
    }


def _places(opened: CRM, household: str) -> dict[str, Place]:
    """Where each sealed value of the household's file stands."""
    places = {}
    for recorded in opened.history(f"household/{household}"):
        if isinstance(recorded.event, MemberAdded | ContactChanged):
            for field in ("name", "phone"):
                value = getattr(recorded.event, field)
                if value is not None:
                    places[value.token] = Place(recorded.stream, recorded.version, field)
    return places


def _show_file(out: Output, shown: dict[str, Any]) -> None:
    place = " ".join(shown[part] for part in ("estate", "building", "unit", "room"))
    out.print(f"{shown['household']}  {place}  ({shown['kind']}, since {shown['moved_in']})")
    out.table(
        ["role", "member", "since", "until", "name", "phone"],
        [
            [r["role"], r["member"], r["since"], r["until"], r["name"], r["phone"]]
            for r in shown["roles"]
        ],
    )
    account = shown["account"]
    out.print(
        f"on {shown['on']}: credit {account['credit']}, {account['overdue_days']} days and"
        f" {yuan_from_fen(account['overdue_fen'])} yuan overdue,"
        f" {yuan_from_fen(account['advance_fen'])} yuan in advance"
    )
    for unpaid in account["unpaid"][:12]:
        out.print(
            f"  unpaid {yuan_from_fen(unpaid['unpaid_fen'])} of charge {unpaid['charge']},"
            f" due {unpaid['due']} (event {unpaid['position']})"
        )
    requests = shown["requests"]
    out.print(f"requests: {requests['received']} received, {len(requests['open'])} open")
    for grading in shown["gradings"]:
        out.print(
            f"graded {grading['year']}: {grading['layer']}, {grading['type']},"
            f" {grading['credit']} ({grading['status']}, run {grading['run']})"
        )
        if "applied" in grading:
            applied = grading["applied"]
            until = "" if applied["until"] is None else f", until {applied['until']}"
            out.print(f"  what holds: {applied['layer']}, {applied['type']}{until}")
