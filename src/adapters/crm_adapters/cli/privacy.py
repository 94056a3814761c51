"""`crm export-person`: a copy of everything about a household, a member, or a member of staff."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TypedDict

import click

from crm_adapters.cli.group import FOUND, App, command
from crm_adapters.cli.language import say, spoken
from crm_adapters.cli.values import FILE, INSTANT
from crm_core.crm import CRM
from crm_core.kernel.recorded import Actor
from crm_core.ports import Progress

LACKING = ("key_missing", "tampered")
"""What keeps a copy from being whole; what was erased on purpose does not."""


class Asked(TypedDict):
    """What every copy is asked for with."""

    by: Actor
    purpose: str
    known: datetime | None
    progress: Progress


@command("export-person")
@click.argument("who", metavar="HOUSEHOLD[#MEMBER]")
@click.option("--staff", is_flag=True)
@click.option("--known", type=INSTANT)
@click.option("--out", type=FILE, required=True)
def export_person(app: App, who: str, staff: bool, known: datetime | None, out: Path) -> int:
    """Write a copy of everything about a household or one of its members, as JSON or as a page."""
    from crm_adapters.reports.person import check_form, write_person  # Help needs no page.

    check_form(app.to_write(out))
    purpose = app.purpose or ""
    with (
        app.open() as opened,
        app.out.progress(say("reading"), opened.log.count()) as advance,
    ):
        asked = Asked(by=app.by, purpose=purpose, known=known, progress=advance)
        if staff:
            found = opened.privacy.export_staff(who, **asked)
        else:
            found = opened.privacy.export(*subject_of(opened, who), **asked)
    write_person(out, found, spoken(), kept=app.kept)
    whole = sum(entry.whole for entry in found.events)
    told = {
        "file": str(out),
        "household": found.household,
        "member": found.member,
        "staff": found.staff,
        "events": len(found.events),
        "whole": whole,
        "values": found.values,
    }

    def show() -> None:
        app.out.print(say("person_exported", file=out, events=len(found.events), whole=whole))
        app.out.print(say("person_values", **found.values))

    app.out.result(told, show)
    return FOUND if any(found.values[state] for state in LACKING) else 0


def subject_of(opened: CRM, who: str) -> tuple[str, str | None]:
    """Household and member of `HOUSEHOLD[#MEMBER]`, where either may have a `#` in it.

    What is a household's number is no member. A member is named by their id, `V00001#owner`, or
    by what of it stands behind the household, or by any other id they have: `V00001#M7`.
    """
    places = [len(who), *(at for at, sign in reversed([*enumerate(who)]) if sign == "#")]
    there = [at for at in places if at and opened.log.tips([f"household/{who[:at]}"])]
    if len(who) in there:
        return who, None
    for at in there:
        household, rest = who[:at], who[at + 1 :]
        stream = opened.log.read(f"household/{household}")
        known = {getattr(e.event, "member", None) for e in stream}
        for member in (who, f"{household}#{rest}", rest):
            if member in known:
                return household, member
    household = who[: there[0]] if there else who.partition("#")[0]
    return household, who[len(household) + 1 :] or None
