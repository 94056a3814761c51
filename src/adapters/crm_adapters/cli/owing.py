"""`crm arrears`, `changes`, `purchases`: who owes, since when, what of, and who bought what."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import click

from crm_adapters.cli.group import App, command
from crm_adapters.cli.language import say, word
from crm_adapters.cli.output import Output, as_row, withheld
from crm_adapters.cli.shown import listed, money, told_value
from crm_adapters.cli.values import DATE, FILE, INSTANT, YEAR
from crm_core.kernel.sealed import Withheld
from crm_core.payments.credit import DEFAULT_CREDIT

PLACES = ("building", "unit", "room")
"""What of a row leads to the door; without it the list is pseudonymous (PRV-10)."""

_known = click.option("--known", type=INSTANT)


@command("arrears")
@click.option("--on", type=DATE, required=True)
@_known
@click.option("--out", type=FILE)
def arrears(app: App, on: date, known: datetime | None, out: Path | None) -> int:
    """Who owes what since when, with the place, the largest amount first."""
    if out is not None:
        app.to_write(out)
    with app.open() as opened:
        rows = [as_row(row) for row in opened.accounts.owing(on, known=known, **app.asked)]
        for row in rows:
            row["oldest_due"] = row["oldest_due"].isoformat()
        shows = [name for name in PLACES if any(not isinstance(r[name], Withheld) for r in rows)]
        mark = ""
        if out is not None and shows:
            leaving = opened.privacy.leaving("arrears", len(rows), shows, **app.asked)
            mark = leaving.told()
    if out is not None:
        from crm_adapters.reports.arrears import write_arrears

        write_arrears(out, rows, on=on, known=known, mark=mark)
    app.out.result(rows, lambda: _show_arrears(app.out, rows, out), partly=True)
    return 0


def _show_arrears(out: Output, rows: list[dict[str, Any]], path: Path | None) -> None:
    if path is not None:
        out.print(str(path))
        return
    names = ("household", "tenure", "estate", "building", "unit", "room", "oldest_due")
    out.table(
        [*names, "overdue_days", "overdue_yuan"],
        [
            [
                *(told_value(n, row[n]) for n in names),
                row["overdue_days"],
                money(row["overdue_fen"]),
            ]
            for row in rows
        ],
    )
    if withheld(rows) and any(isinstance(row["overdue_fen"], Withheld) for row in rows):
        return
    total = sum(row["overdue_fen"] for row in rows)
    out.print(say("arrears_total", rows=len(rows), overdue_fen=total))


@command("changes")
@click.argument("first_day", type=DATE)
@click.argument("last_day", type=DATE)
@click.argument("households", nargs=-1, required=True, metavar="HOUSEHOLD...")
@_known
@click.option("--policy", default=DEFAULT_CREDIT, show_default=True)
def changes(
    app: App,
    first_day: date,
    last_day: date,
    households: tuple[str, ...],
    known: datetime | None,
    policy: str,
) -> int:
    """How the credit of households changed over a period, and what each change came of."""
    with app.open() as opened:
        rows: list[dict[str, Any]] = [
            {
                "household": household,
                "day": change.day.isoformat(),
                "from": change.before,
                "to": change.after,
                "calendar": change.calendar,
                "causes": [as_row(cause) for cause in change.causes],
            }
            for household in dict.fromkeys(households)
            for change in opened.accounts.changes(
                household, first_day, last_day, known=known, policy=policy, **app.asked
            )
        ]
    app.out.result(rows, lambda: _show_changes(app.out, rows))
    return 0


def _show_changes(out: Output, rows: list[dict[str, Any]]) -> None:
    out.table(
        ["household", "day", "from", "to", "because_of"],
        [[row["household"], row["day"], row["from"], row["to"], _because(row)] for row in rows],
    )


def _because(row: dict[str, Any]) -> str:
    what = "calendar" if row["calendar"] else None
    return listed(
        f"{word('movement', what or cause['what'])} {cause['number']} ({cause['position']})"
        for cause in row["causes"]
    )


@command("purchases")
@click.argument("year", type=YEAR)
@click.argument("households", nargs=-1, metavar="HOUSEHOLD...")
@_known
def purchases(app: App, year: int, households: tuple[str, ...], known: datetime | None) -> int:
    """What households bought of value-added services in a year, less refunds."""
    with app.open() as opened:
        rows = [
            {
                "household": household,
                "tenure": found.tenure,
                "year": year,
                "bought_fen": found.bought_fen,
                "refunded_fen": found.refunded_fen,
                "purchases_fen": found.bought_fen
                if isinstance(found.bought_fen, Withheld)
                else found.purchases_fen,
            }
            for household, found in opened.accounts.purchases(
                year, known=known, households=sorted({*households}) or None, **app.asked
            )
        ]
    app.out.result(rows, lambda: _show_purchases(app.out, rows))
    return 0


def _show_purchases(out: Output, rows: list[dict[str, Any]]) -> None:
    out.table(
        ["household", "tenure", "bought", "refunded", "purchases"],
        [
            [
                row["household"],
                word("tenure", row["tenure"]),
                *(money(row[f"{n}_fen"]) for n in ("bought", "refunded", "purchases")),
            ]
            for row in rows
        ],
    )
