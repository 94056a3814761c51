"""`crm account`, `ageing`, `credit-table`, `limitation`: what is owed, as it stood on a day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click

from crm_adapters.cli.documents import options_of, write_asked
from crm_adapters.cli.group import App, command, used_engine
from crm_adapters.cli.language import column, say, word
from crm_adapters.cli.output import Output, as_row
from crm_adapters.cli.shown import money, told_value
from crm_adapters.cli.values import DATE, FILE, INSTANT, OneOf, Whole
from crm_core.kernel.dates import instant_text
from crm_core.kernel.sealed import Withheld
from crm_core.payments.credit import DEFAULT_CREDIT, GRADES, CreditPolicy
from crm_core.payments.views import Ageing

BUCKETS = GRADES[1:]

PLACE = ("building", "unit", "room")
"""Where a household is, within its estate: a list has it only if it is asked for (PRV-10)."""

_on = click.option("--on", type=DATE, required=True)
_known = click.option("--known", type=INSTANT)
_policy = click.option("--policy", default=DEFAULT_CREDIT, show_default=True)


def _told(known: datetime | None) -> str | None:
    return None if known is None else instant_text(known)


AGE, GRADE = "age", "grade"


@command("ageing")
@_on
@_known
@_policy
@click.option("--per", type=OneOf((AGE, GRADE)), default=AGE, show_default=True)
@used_engine
def ageing(app: App, on: date, known: datetime | None, policy: str, per: str, engine: str) -> int:
    """What was unpaid on a day, by the age of each charge or by the grade of each household."""
    households: list[dict[str, Any]] = []
    estates: dict[str, Ageing] = {}
    total = Ageing()
    owing = {grade: Ageing() for grade in BUCKETS}
    hidden: Withheld | None = None
    with app.open() as opened:
        lines = opened.accounts.arrears(on, known=known, policy=policy, engine=engine, **app.asked)
        for household, tenure, estate, found in lines:
            row = {"household": household, "tenure": tenure, "estate": estate, **as_row(found)}
            households.append(row)
            if isinstance(found.overdue_fen, Withheld):
                hidden = found.overdue_fen
                continue
            estates.setdefault(estate, Ageing()).add(found)
            total.add(found)
            if found.overdue_fen:
                owing[found.grade].add(found)
    data = {
        "on": on.isoformat(),
        "known": _told(known),
        "policy": policy,
        # A sum over some of them would be taken for that of all.
        "total": hidden or as_row(total),
        "ages": hidden
        or [{"bucket": bucket, "overdue_fen": total.buckets[bucket]} for bucket in BUCKETS],
        "grades": hidden
        or [
            {"grade": grade, "households": of.households, "overdue_fen": of.overdue_fen}
            for grade, of in owing.items()
        ],
        "estates": hidden
        or [{"estate": name, **as_row(estates[name])} for name in sorted(estates)],
        "households": households,
    }
    show = _show_ages if per == AGE else _show_grades
    app.out.result(data, lambda: show(app.out, data))
    return 0


def _show_ages(out: Output, data: Mapping[str, Any]) -> None:
    """Each amount in the bucket of its own charge's age; of no household's grade."""
    out.table(
        ["bucket", "overdue_yuan"],
        [[row["bucket"], money(row["overdue_fen"])] for row in data["ages"]],
    )
    for title, key in (("estate", "estates"), ("household", "households")):
        out.print()
        other = "tenure" if key == "households" else "households"
        out.table(
            [title, other, "overdue", "disputed", *BUCKETS],
            [
                [
                    row[title],
                    told_value(other, row[other]),
                    money(row["overdue_fen"]),
                    money(row["disputed_fen"]),
                    *(money(row["buckets"][bucket]) for bucket in BUCKETS),
                ]
                for row in data[key]
            ],
        )


def _show_grades(out: Output, data: Mapping[str, Any]) -> None:
    """Each household with all that it owes in its own grade, whatever the age of a charge."""
    out.table(
        ["grade", "households", "overdue_yuan"],
        [[row["grade"], row["households"], money(row["overdue_fen"])] for row in data["grades"]],
    )
    out.print()
    out.table(
        ["household", "tenure", "grade", "days", "overdue", "disputed"],
        [
            [
                row["household"],
                told_value("tenure", row["tenure"]),
                row["grade"],
                row["overdue_days"],
                money(row["overdue_fen"]),
                money(row["disputed_fen"]),
            ]
            for row in data["households"]
        ],
    )


@command("account")
@click.argument("household")
@_on
@_known
@_policy
@click.option("--late-charge", default=None)
@click.option("--tenure", default=None)
def account(
    app: App,
    household: str,
    on: date,
    known: datetime | None,
    policy: str,
    late_charge: str | None,
    tenure: str | None,
) -> int:
    """A household's account on a day: every movement with the balance after it."""
    with app.open() as opened:
        told = opened.accounts.statement(
            household,
            on,
            known=known,
            policy=policy,
            late_charge=late_charge,
            tenure=tenure,
            **app.asked,
        )
    data = {"household": household, "on": on.isoformat(), "known": _told(known), **told}
    app.out.result(data, lambda: _show_account(app.out, data))
    return 0


def _show_account(out: Output, data: Mapping[str, Any]) -> None:
    names = ("household", "on", "credit", "balance_fen", "overdue_fen", "advance_fen")
    out.print(say("account_line", **{name: data[name] for name in names}))
    out.print()
    out.table(
        ["day", "amount", "balance", "what", "number", "charge"],
        [
            [
                line["on"],
                money(line["amount_fen"]),
                money(line["balance_fen"]),
                word("movement", line["what"]),
                line["number"],
                line["charge"],
            ]
            for line in data["lines"]
        ],
    )
    for title, key, columns in (
        ("unpaid", "unpaid", ("charge", "due", "unpaid_fen", "disputed_fen", "limitation_ends")),
        ("late_charges", "late_charges", ("charge", "days", "amount_fen")),
        ("promises", "promises", ("promise", "status", "promised_fen", "paid_fen", "last_due")),
    ):
        if data[key]:
            out.print()
            out.print(column(title))
            out.table(
                [name.removesuffix("_fen") for name in columns],
                [[told_value(c, row[c]) for c in columns] for row in data[key]],
            )


@command("credit-table")
@_on
@_known
@_policy
@click.option(
    "--out",
    type=FILE,
    required=True,
)
@click.option("--owing", is_flag=True)
@click.option("--places", is_flag=True)
def credit_table(
    app: App,
    on: date,
    known: datetime | None,
    policy: str,
    out: Path,
    owing: bool,
    places: bool,
) -> int:
    """Write the credit table (信用等级表) of a day."""
    app.to_write(out)
    named = None if policy == DEFAULT_CREDIT else policy
    options = options_of(owing=owing, places=places, policy=named)
    with app.open() as opened:
        ref = opened.policies.find(CreditPolicy, policy, on).ref
        rows = list(
            opened.accounts.credit_table(on, known=known, policy=policy, owing=owing, **app.asked)
        )
        write_asked(app, opened, "credit-table", out, on=on, known=known, options=options)
    left_out = () if places else PLACE
    app.out.result(
        {
            "document": str(out),
            "on": on.isoformat(),
            "known": _told(known),
            "policy": str(ref),
            "policy_digest": ref.digest,
            "rows": [{k: v for k, v in as_row(row).items() if k not in left_out} for row in rows],
        },
        lambda: app.out.print(str(out)),
    )
    return 0


@command("limitation")
@_on
@_known
@click.option("--within", type=Whole(0), default=None)
def limitation(app: App, on: date, known: datetime | None, within: int | None) -> int:
    """Until when each overdue charge can be sued for; what has ended has days below zero."""
    with app.open() as opened:
        found: list[dict[str, Any]] = [
            {
                "household": household,
                "charge": limit.charge,
                "due": limit.due.isoformat(),
                "unpaid_fen": limit.unpaid_fen,
                "runs_from": limit.runs_from.isoformat(),
                "ends_on": limit.ends_on.isoformat(),
                "article": limit.law.article,
                "source": limit.law.source,
                "days_left": limit.days_left(on),
                "restarts": list(limit.restarts),
            }
            for household, limit in opened.accounts.limitation(on, known=known, **app.asked)
            if within is None or limit.days_left(on) <= within
        ]
    found.sort(key=lambda row: (row["ends_on"], row["household"], row["charge"]))
    app.out.result(
        found,
        lambda: app.out.table(
            ["ends_on", "days_left", "household", "charge", "unpaid_yuan", "runs_from"],
            [
                [
                    row["ends_on"],
                    row["days_left"],
                    row["household"],
                    row["charge"],
                    money(row["unpaid_fen"]),
                    row["runs_from"],
                ]
                for row in found
            ],
        ),
    )
    return 0
