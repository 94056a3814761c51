"""`crm find`, `who-saw`: households by number, place or name, and who saw what about whom."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from crm_adapters.cli.group import App, command
from crm_adapters.cli.language import field_told, say, why_withheld, word
from crm_adapters.cli.output import as_row
from crm_adapters.cli.privacy import subject_of
from crm_adapters.cli.shown import listed, person, told_value
from crm_adapters.cli.values import INSTANT
from crm_core.kernel.dates import instant_text
from crm_core.kernel.sealed import Withheld
from crm_core.reads import Read

_COLUMNS = ("household", "estate", "building", "unit", "room", "kind", "members", "name")


@command("find")
@click.argument("text", nargs=-1, required=True, metavar="TEXT...")
def find(app: App, text: tuple[str, ...]) -> int:
    """Households by number or place; by name for whoever may see names, for a stated purpose."""
    with app.open() as opened:
        found = opened.owners.find(" ".join(text), **app.asked)
    rows = [as_row(one) for one in found]

    def show() -> None:
        if not rows:
            app.out.print(say("nothing_found"))
            return
        app.out.table(
            list(_COLUMNS), [[told_value(name, row[name]) for name in _COLUMNS] for row in rows]
        )

    app.out.result(rows, show, partly=True)
    return 0


@command("who-saw")
@click.argument("who", metavar="HOUSEHOLD[#MEMBER]")
@click.option("--staff", is_flag=True)
@click.option("--since", type=INSTANT)
@click.option("--until", type=INSTANT)
def who_saw(app: App, who: str, staff: bool, since: datetime | None, until: datetime | None) -> int:
    """Who saw, or was refused, what about a household, a member, or a member of staff."""
    with app.open() as opened:
        household, member = ("", who) if staff else subject_of(opened, who)
        found = opened.privacy.who_saw(household, member, since=since, until=until, **app.asked)
    rows = [_row(read) for read in found]

    def show() -> None:
        if not rows:
            app.out.print(say("nobody_saw"))
            return
        app.out.table(
            ["at", "who", "subject", "fields", "purpose", "asked_by", "withheld"],
            [
                [
                    row["at"],
                    person(row["actor"]),
                    row["subject"] or row["household"],
                    listed(map(field_told, row["fields"])),
                    told_value("purpose", row["purpose"]),
                    word("asked_by", row["source"].partition(".")[0]),
                    _why(row["reason"]),
                ]
                for row in rows
            ],
        )

    app.out.result(rows, show)
    return 0


def _row(read: Read) -> dict[str, Any]:
    return {
        "at": instant_text(read.at),
        "actor": read.actor,
        "purpose": read.purpose,
        "household": read.household,
        "subject": read.subject or None,
        "fields": list(read.fields),
        "source": read.source,
        "correlation": read.correlation or None,
        "granted": not read.reason,
        "reason": read.reason or None,
    }


def _why(reason: str) -> str:
    return why_withheld(Withheld(reason)) if reason else ""
