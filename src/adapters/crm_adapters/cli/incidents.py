"""`crm incident`: leaks of personal data, who is affected, and what a report of one says."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from crm_adapters.cli.group import FOUND, App, command, crm
from crm_adapters.cli.helping import ToldGroup
from crm_adapters.cli.language import say, why_withheld, word
from crm_adapters.cli.output import Output
from crm_adapters.cli.shown import late
from crm_adapters.cli.values import ID, INSTANT, PATH, OneOf
from crm_core.errors import Invalid
from crm_core.kernel.dates import instant_text
from crm_core.kernel.sealed import Withheld
from crm_core.kernel.sentences import Malformed
from crm_core.kernel.text import check_id
from crm_core.privacy import ListAffected, OpenLeak
from crm_core.privacy.incident_events import ITEMS, LeakOpened
from crm_core.privacy.leak_policy import SEVERITIES

PERSONS_MAX = 1_000_000
"""Lines of a list of persons."""


@crm.group("incident", cls=ToldGroup)
def incident() -> None:
    """Leaks of personal data: found, told in time, answered for."""


_LEAK = click.argument("leak", type=ID)
_NOW = click.option("--now", type=INSTANT)


@command("open", incident)
@_LEAK
@click.option("--severity", type=OneOf(SEVERITIES), required=True)
@click.option("--discovered", type=INSTANT, required=True)
@click.option("--summary", required=True)
@click.option("--since", type=INSTANT)
@click.option("--until", type=INSTANT)
def open_leak(
    app: App,
    leak: str,
    severity: str,
    discovered: datetime,
    summary: str,
    since: datetime | None,
    until: datetime | None,
) -> int:
    """Say that personal data leaked, was changed or lost, or may have been."""
    asked = OpenLeak(leak, severity, discovered, summary.strip(), since, until)
    with app.open() as opened:
        receipt = opened.do(asked, by=app.by, purpose=app.purpose)
    [event] = receipt.events
    assert isinstance(event, LeakOpened)
    clocks = [
        {"duty": clock.duty, "due_at": instant_text(clock.due_at), "done_at": None}
        for clock in event.clocks
    ]
    told = {"leak": leak, "severity": severity, "clocks": clocks}
    app.out.result(told, lambda: _show_clocks(app.out, clocks))
    return 0


@command("list", incident)
@_NOW
def listed(app: App, now: datetime | None) -> int:
    """All leaks, open ones first, with how their duties stand."""
    with app.open() as opened:
        found = opened.privacy.leaks.every(by=app.by, now=now)
    app.out.result(
        found,
        lambda: app.out.table(
            ["leak", "severity", "discovered", "owed", "closed"],
            [
                [
                    one["leak"],
                    word("severity", one["severity"]),
                    one["discovered_at"],
                    say("and").join(
                        word("duty", clock["duty"])
                        for clock in one["clocks"]
                        if clock["done_at"] is None
                    ),
                    one["closed_at"],
                ]
                for one in found
            ],
        ),
    )
    return 0


@command("show", incident)
@_LEAK
@_NOW
def show(app: App, leak: str, now: datetime | None) -> int:
    """How a leak stands: its clocks, what is missing, who is affected."""
    with app.open() as opened:
        found = opened.privacy.leaks.report(leak, by=app.by, now=now)
    shown = {
        name: found[name]
        for name in (
            "leak",
            "severity",
            "discovered_at",
            "closed_at",
            "clocks",
            "affected",
            "missing",
        )
    }

    def tell() -> None:
        _show_clocks(app.out, shown["clocks"])
        if shown["affected"] is not None:
            app.out.print(say("leak_affected", number=shown["affected"]["number"]))
        if shown["missing"]:
            app.out.print(say("leak_missing", what=_missing(shown["missing"])))

    app.out.result(shown, tell)
    return FOUND if _is_late(shown["clocks"]) else 0


@command("affected", incident)
@_LEAK
@click.option("--list", "file", type=PATH)
@click.option("--reference")
@click.option("--field", "fields", multiple=True)
@click.option("--since", type=INSTANT)
@click.option("--until", type=INSTANT)
def affected(
    app: App,
    leak: str,
    file: Path | None,
    reference: str | None,
    fields: tuple[str, ...],
    since: datetime | None,
    until: datetime | None,
) -> int:
    """Determine who is affected by a leak, from the log of reads or by a list.

    Of their ids only number and digest are kept. Those found in the log of reads are printed.
    """
    if file is None:
        with app.open() as opened:
            found, receipt = opened.privacy.leaks.determine_affected(
                leak, by=app.by, fields=fields, since=since, until=until
            )
        told = {"leak": leak, "number": len(found), "recorded": bool(receipt.events)}
        app.out.result({**told, "persons": found}, lambda: _tell_affected(app, told, found))
        return 0
    if reference is None:
        raise click.UsageError(say("list_from_where"), click.get_current_context())
    listed = _persons(file)
    with app.open() as opened:
        asked = ListAffected(leak, listed, reference.strip())
        receipt = opened.do(asked, by=app.by, purpose=app.purpose)
    told = {"leak": leak, "number": len(set(listed)), "recorded": bool(receipt.events)}
    app.out.result(told, lambda: _tell_affected(app, told, ()))
    return 0


def _tell_affected(app: App, told: dict[str, Any], persons: Iterable[str]) -> None:
    app.out.print(say("leak_affected", number=told["number"]))
    for person in persons:
        app.out.print(person)
    if not told["recorded"]:
        app.out.print(say("done_before"))


def _persons(file: Path) -> tuple[str, ...]:
    """The ids of a file, one a line.

    Raises:
        Invalid: it cannot be read, or a line is no id; its number is told, and not what it says.
    """
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid.one("persons_unreadable", "--list", path=file) from error
    named = [(number, line.strip()) for number, line in enumerate(lines, 1) if line.strip()]
    if len(named) > PERSONS_MAX:
        raise Invalid.one("persons_too_many", "--list", most=PERSONS_MAX)
    for number, person in named:
        try:
            check_id(person)
        except Malformed as error:
            raise Invalid.one("person_malformed", "--list", line=number) from error
    return tuple(person for _, person in named)


@command("report", incident)
@_LEAK
@_NOW
def report(app: App, leak: str, now: datetime | None) -> int:
    """Everything that the law asks a report of a leak to say, and what of it is missing."""
    with app.open() as opened:
        found = opened.privacy.leaks.report(leak, by=app.by, now=now)
    app.out.result(found, lambda: _show_report(app.out, found))
    return FOUND if found["missing"] or _is_late(found["clocks"]) else 0


def _show_report(out: Output, found: dict[str, Any]) -> None:
    """The report as a letter would say it, field by field."""
    out.print(
        say(
            "report_leak",
            leak=found["leak"],
            severity=word("severity", found["severity"]),
            discovered=found["discovered_at"],
            since=found["since"],
        )
    )
    out.print(say("report_summary", text=_words(found["summary"])))
    kinds = say("and").join(word("data", kind) for kind in found["kinds"])
    out.print(say("report_kinds", kinds=kinds or say("not_stated")))
    for item in ITEMS:
        out.print(say(f"report_{item}", text=_words(found[item])))
    affected = found["affected"]
    if affected is None:
        out.print(say("report_affected_unknown"))
    else:
        source = word("source", affected["source"])
        out.print(say("report_affected", number=affected["number"], source=source))
    for one in found["told"]:
        to = _words(one["informed"])
        out.print(say(f"report_told_{one['duty']}", to=to, at=one["told_at"], by=one["told_by"]))
    for one in found["persons_told"]:
        out.print(
            say(
                "report_persons_told",
                number=one["number"],
                at=one["told_at"],
                channel=one["channel"],
                by=one["told_by"],
                text=_words(one["text"]),
            )
        )
    if found["silence"]["holds"]:
        decided = found["silence"]["decided"][-1]
        proposed = found["silence"]["proposed"][-1]
        out.print(
            say(
                "report_silence",
                reason=_words(proposed["reason"]),
                proposed=proposed["proposed_by"],
                decided=decided["decided_by"],
                at=decided["decided_at"],
            )
        )
    for one in found["ordered"]:
        out.print(say("report_ordered", authority=_words(one["authority"]), at=one["ordered_at"]))
    _show_clocks(out, found["clocks"])
    if found["missing"]:
        out.print(say("leak_missing", what=_missing(found["missing"])))


def _words(text: str | dict[str, str] | None) -> str:
    """A text, or what stands where one is not said or not shown."""
    if text is None:
        return say("not_stated")
    return text if isinstance(text, str) else why_withheld(Withheld(text["withheld"]))


def _missing(codes: list[str]) -> str:
    return say("and").join(word("missing", code) for code in codes)


def _is_late(clocks: list[dict[str, Any]]) -> bool:
    return any(clock["late_minutes"] and clock["done_at"] is None for clock in clocks)


def _show_clocks(out: Output, clocks: list[dict[str, Any]]) -> None:
    out.table(
        ["duty", "due", "done", "late"],
        [
            [
                word("duty", clock["duty"]),
                clock["due_at"],
                clock["done_at"],
                late((clock.get("late_minutes") or 0) * 60),
            ]
            for clock in clocks
        ],
    )
