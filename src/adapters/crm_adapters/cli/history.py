"""`crm verify`, `history`, `show`: what the log holds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import click

from crm_adapters.cli.group import FOUND, App, command
from crm_adapters.cli.language import event_told, field_told, say, spoken, why_withheld, word
from crm_adapters.cli.output import Output, as_row, withheld
from crm_adapters.cli.shown import listed, told_value
from crm_adapters.cli.values import DATE, ID, INSTANT
from crm_adapters.eventlog.verifying import VIEWS
from crm_adapters.frames import FramesEngine
from crm_adapters.projections import LogViews
from crm_adapters.projections.comparing import Compared, compare
from crm_core.application.files import SEALED
from crm_core.crm import CRM
from crm_core.errors import Invalid
from crm_core.kernel.dates import instant_text
from crm_core.kernel.recorded import Recorded
from crm_core.kernel.sealed import Withheld

ROLL = ("name", "phone")
"""Items that stand beside the roles."""


@command("verify")
@click.option("--deep", is_flag=True)
@click.option("--reads", "noted", type=ID)
def verify(app: App, deep: bool, noted: str | None) -> int:
    """Read every stored byte again: chain, versions, order, root.

    Rows that an engine keeps beside the log are compared with it, where there are any.
    """
    with app.open() as opened:
        result = opened.verify(deep=deep)
        views = _compared(opened) if deep else None
        log = opened.host.reads
        misread = None if log is None else log.verify(noted or "")
        reads = None if log is None else {"rows": log.count(), "digest": log.head()}
        engine = opened.gradings.engine("frames")
        assert isinstance(engine, FramesEngine)
        kept, unread = None, ""
        try:
            kept = engine.verify(opened.gradings.pinned)
        except Invalid as error:
            if error.faults[0].code != "engine_missing":
                raise
            # The log itself needs nothing that is missing.
            unread = error.told(spoken())
    fault = result.first_fault
    wrong = None if kept is None else kept.first_fault
    stale = None if views is None else views.first_fault
    unchecked = [what for what in result.unchecked if what != VIEWS or views is None]
    data = {
        "events": result.events,
        "intact": result.intact,
        "first_fault": None
        if fault is None
        else {
            "position": fault.position,
            "stream": fault.stream,
            "kind": fault.kind,
            "object": fault.object,
        },
        "root": result.root,
        "unchecked": unchecked,
        "views": None
        if views is None
        else {
            "rows": views.rows,
            "first_fault": None
            if stale is None
            else dict(zip(("view", "key"), stale, strict=True)),
        },
        "reads": None if reads is None else {**reads, "first_fault": misread},
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
            app.out.print(say("intact", events=result.events, root=result.root))
        else:
            place = {"kind": fault.kind, "position": fault.position, "stream": fault.stream}
            code = "not_intact_around" if fault.object else "not_intact"
            app.out.print(say(code, events=result.events, object=fault.object, **place))
        if stale is not None:
            app.out.print(say("views_differ", view=stale[0], key=stale[1]))
        elif views is not None:
            app.out.print(say("views_agree", rows=views.rows))
        if misread is not None:
            app.out.print(say("reads_differ", number=misread))
        elif reads is not None:
            app.out.print(say("reads_intact", **reads))
        if unchecked:
            app.out.print(say("unchecked", what=[word("unchecked", what) for what in unchecked]))
        if wrong is not None:
            found = {"position": wrong.position, "file": wrong.file, "folder": engine.folder}
            app.out.print(say("kept_rows_differ", **found))
        elif kept is not None:
            app.out.print(say("kept_rows_agree", rows=kept.rows))

    app.out.result(data, show)
    if unread:
        app.out.say(say("kept_rows_unread", why=unread))
    sound = result.intact and wrong is None and stale is None and misread is None
    return 0 if sound else FOUND


def _compared(opened: CRM) -> Compared:
    """The views beside what the events say."""
    views, registry = opened.views, opened.registry
    assert isinstance(views, LogViews)
    put_off = {source.view.name for source in registry.clock}
    return compare(opened.log, views.store, opened.clock, registry.projections, put_off=put_off)


@command("migrate")
def migrate_tables(app: App) -> int:
    """Bring the tables of a log made by an earlier version forward; no event changes."""
    from crm_adapters.eventlog.migrating import migrate  # The other commands need none of it.

    found, now = migrate(app.url)
    code = "tables_current" if found == now else "tables_migrated"
    app.out.result(
        {"found": found, "revision": now},
        lambda: app.out.print(say(code, revision=now, found=found)),
    )
    return 0


@command("history")
@click.argument("stream")
def history(app: App, stream: str) -> int:
    """Events of a stream (`account/V00001`) or about a household (`V00001`)."""
    with app.open() as opened:
        events = [_event(opened, recorded) for recorded in opened.history(stream, **app.asked)]
    if not events:
        raise Invalid.one("stream_unknown", stream=stream)
    app.out.result(
        events,
        lambda: app.out.table(
            ["position", "recorded", "effective", "event", "stream", "data"],
            [
                [
                    event["position"],
                    event["recorded"],
                    event["effective"],
                    event_told(event["name"]),
                    event["stream"],
                    _short(event["data"]),
                ]
                for event in events
            ],
        ),
        partly=True,
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
        "data": _data(opened, recorded.event),
    }


def _data(opened: CRM, event: Any) -> dict[str, Any]:
    """An event as it is stored, or as much of it as is shown."""
    if not withheld(event):
        stored: dict[str, Any] = json.loads(opened.log.canonical(event))
        return stored
    return as_row(event)


def _short(data: dict[str, Any]) -> str:
    flat = {k: v for k, v in data.items() if v is not None and not isinstance(v, dict | list)}
    text = listed(f"{field_told(k)} {told_value(k, v)}" for k, v in flat.items() if v != "")
    return text if len(text) <= 100 else text[:99] + "…"


@command("show")
@click.argument("household")
@click.option("--on", type=DATE)
@click.option("--known", type=INSTANT)
def show(app: App, household: str, on: date | None, known: datetime | None) -> int:
    """The file of a household as it stands, or as it stood.

    Names and numbers are opened for a stated purpose, to whoever may see them.
    """
    with app.open() as opened:
        shown = opened.owners.sheet(household, on=on, known=known, **app.asked)
    app.out.result(shown, lambda: _show_file(app.out, shown), partly=True)
    return 0


def _show_file(out: Output, shown: dict[str, Any]) -> None:
    parts = [shown[part] for part in ("estate", "building", "unit", "room")]
    place = why_withheld(parts[0]) if isinstance(parts[0], Withheld) else " ".join(parts)
    kind = word("kind", shown["kind"])
    code = "file_line" if shown["moved_in"] is None else "file_line_since"
    out.print(
        say(code, household=shown["household"], place=place, kind=kind, since=shown["moved_in"])
    )
    if isinstance(shown["roles"], Withheld):
        out.rest({"roles": shown["roles"]})
    else:
        out.table(
            ["role", "member", "kind", "since", "until", "name", "phone"],
            [
                [
                    word("role", r["role"]),
                    r["member"],
                    word("kind", r["kind"]),
                    r["since"],
                    r["until"],
                    *_contact(r),
                ]
                for r in shown["roles"]
            ],
        )
    account = shown["account"]
    if withheld(account):
        out.rest(account)
    else:
        _show_account(out, shown["on"], account)
    requests = shown["requests"]
    counts = {"received": requests["received"], "waiting": len(requests["open"])}
    out.print(say("requests_line", **counts))
    for grading in shown["gradings"]:
        if withheld(grading):
            why = why_withheld(grading["layer"])
            out.print(say("graded_withheld", year=grading["year"], why=why, run=grading["run"]))
            continue
        said = {name: grading[name] for name in ("year", "credit", "run")}
        out.print(say("graded", **_worded(grading), **said))
        if "applied" in grading:
            applied = grading["applied"]
            code = "holds" if applied["until"] is None else "holds_until"
            out.print(say(code, **_worded(applied), until=applied["until"]))
    _show_card(out, shown["file"])


def _show_card(out: Output, file: dict[str, Any]) -> None:
    """The record card, and what the other slices tell of the household."""
    if file["keeper"] is not None:
        out.print(say("kept_by", keeper=file["keeper"]))
    items = [one for one in (*file["identity"], *file["wishes"]) if one["item"] not in ROLL]
    if items:
        out.table(
            ["item", "member", "value", "source", "told_on", "age_days"],
            [
                [
                    word("item", one["item"]),
                    one["member"],
                    listed(_reached(one)),
                    word("source", one["source"]),
                    one["told_on"],
                    one["age_days"],
                ]
                for one in items
            ],
        )
    figures = file["figures"]
    bought = (figures["highest_purchase_fen"], figures["monthly_purchases_fen"])
    if any(bought) and not withheld(bought):
        out.print(say("purchase_figures", highest_fen=bought[0], monthly_fen=bought[1]))
    if figures["last_contact_at"] is not None:
        count, last = figures["contacts"], figures["last_contact_at"]
        out.print(say("contact_figures", contacts=count, last=last, heard=len(file["voices"])))


def _reached(one: dict[str, Any]) -> Iterator[str]:
    """A value, and of a contact in which language and when."""
    yield told_value(one["item"], one["value"])
    for name in ("language", "hours"):
        if one[name] is not None and not isinstance(one[name], Withheld):
            yield told_value(name, one[name])


def _show_account(out: Output, on: str, account: dict[str, Any]) -> None:
    names = ("credit", "overdue_days", "overdue_fen", "advance_fen")
    out.print(say("account_on", on=on, **{name: account[name] for name in names}))
    for unpaid in account["unpaid"][:12]:
        parts = ("unpaid_fen", "charge", "due", "position")
        out.print(say("unpaid_charge", **{name: unpaid[name] for name in parts}))


def _contact(role: dict[str, Any]) -> list[str | None]:
    return [say("sealed") if role[f] == SEALED else role[f] for f in ("name", "phone")]


def _worded(grading: dict[str, Any]) -> dict[str, str]:
    """Layer, type and status as they are shown."""
    names = [name for name in ("layer", "type", "status") if name in grading]
    return {name: word(name, grading[name]) for name in names}
