"""`crm erase`: a household, a member or a member of staff is forgotten, for ever."""

from __future__ import annotations

from collections import Counter
from typing import Any

import click

from crm_adapters.cli.group import FOUND, App, command
from crm_adapters.cli.language import say, word
from crm_adapters.cli.privacy import subject_of
from crm_adapters.cli.values import OneOf
from crm_core.application.erasing import Erasure
from crm_core.privacy.commands import GROUNDS


@command("erase")
@click.argument("who", metavar="HOUSEHOLD[#MEMBER]")
@click.option("--staff", is_flag=True)
@click.option("--ground", type=OneOf(GROUNDS), default=GROUNDS[0], show_default=True)
@click.option("--dry-run", is_flag=True)
def erase(app: App, who: str, staff: bool, ground: str, dry_run: bool) -> int:
    """Destroy the keys of a household, one of its members, or a member of staff."""
    purpose = app.purpose or ""
    with app.open() as opened:
        if staff:
            found = opened.privacy.erase_staff(
                who, by=app.by, purpose=purpose, ground=ground, dry=dry_run
            )
        else:
            household, member = subject_of(opened, who)
            found = opened.privacy.erase(
                household, member, by=app.by, purpose=purpose, ground=ground, dry=dry_run
            )

    def show() -> None:
        counted = {"who": who, "keys": len(found.keys), "messages": found.messages}
        app.out.print(say("erased" if found.done else "would_erase", **counted))
        if found.others:
            app.out.print(say("erased_others", others=found.others))
        if found.traces:
            app.out.table(
                ["trace", "name", "outcome"],
                [
                    [word("trace", one.kind), one.name, word("outcome", one.outcome)]
                    for one in found.traces
                ],
            )

    app.out.result(_row(found), show)
    return FOUND if any(one.outcome == "failed" for one in found.traces) else 0


def _row(found: Erasure) -> dict[str, Any]:
    return {
        "done": found.done,
        "household": found.household or None,
        "member": found.member,
        "staff": found.staff,
        "ground": found.ground,
        "on": found.on.isoformat(),
        "keys": list(found.keys),
        "messages": found.messages,
        "others": list(found.others),
        "traces": [
            {"kind": one.kind, "name": one.name, "outcome": one.outcome} for one in found.traces
        ],
        "outcomes": dict(sorted(Counter(one.outcome for one in found.traces).items())),
    }
