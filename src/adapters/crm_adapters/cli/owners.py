"""`crm sample`, `segments`: key data that are to be checked, and households that are counted."""

from __future__ import annotations

from datetime import date

import click
from attrs import asdict

from crm_adapters.cli.group import App, command
from crm_adapters.cli.language import say, word
from crm_adapters.cli.values import DATE, OneOf
from crm_core.owners.card.standard import SEGMENTED


@command("sample")
@click.argument("sample")
def sample(app: App, sample: str) -> int:
    """What a sample is to check, and what was found so far."""
    with app.open() as opened:
        rows = [asdict(row) for row in opened.owners.sampled(sample, by=app.by)]
    for row in rows:
        row["on"] = None if row["on"] is None else row["on"].isoformat()
    app.out.result(
        rows,
        lambda: app.out.table(
            ["household", "item", "result", "day", "checked_by"],
            [
                [
                    row["household"],
                    word("item", row["item"]),
                    None if row["result"] is None else word("check", row["result"]),
                    row["on"],
                    row["by"],
                ]
                for row in rows
            ],
        ),
    )
    return 0


@command("segments")
@click.argument("item", type=OneOf(SEGMENTED), metavar="ITEM")
@click.option("--on", type=DATE)
@click.option("--estate", default="")
def segments(app: App, item: str, on: date | None, estate: str) -> int:
    """Households by an item that was kept for the stated purpose; small cells suppressed."""
    with app.open() as opened:
        found = opened.owners.segments(
            item, by=app.by, purpose=app.purpose or "", on=on, estate=estate
        )
    data = {
        "item": found.item,
        "purpose": found.purpose,
        "on": found.on.isoformat(),
        "counts": dict(found.counts),
    }
    app.out.result(
        data,
        lambda: app.out.table(
            ["value", "households"],
            [
                [value, say("few") if count is None else count]
                for value, count in found.counts.items()
            ],
        ),
    )
    return 0


@command("unkept")
@click.option("--estate", default="")
def unkept(app: App, estate: str) -> int:
    """Files that nobody keeps: none was named, or who was has left."""
    with app.open() as opened:
        rows = [asdict(row) for row in opened.owners.unkept(estate=estate, by=app.by)]
    for row in rows:
        row["since"] = None if row["since"] is None else row["since"].isoformat()
    app.out.result(
        rows,
        lambda: app.out.table(
            ["household", "keeper", "since"],
            [[row["household"], row["keeper"], row["since"]] for row in rows],
        ),
    )
    return 0
