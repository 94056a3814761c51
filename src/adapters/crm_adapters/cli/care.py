"""`crm care`, `plans`."""

from __future__ import annotations

from typing import Any

import click

from crm_adapters.cli.group import App, command
from crm_adapters.cli.language import say, word
from crm_adapters.cli.output import Output, as_row
from crm_adapters.cli.shown import money, told_value
from crm_adapters.cli.values import YEAR
from crm_core.kernel.dates import local_date


@command("plans")
@click.argument("plan", required=False)
@click.option("--household")
@click.option("--layer")
def plans(app: App, plan: str | None, household: str | None, layer: str | None) -> int:
    """All maintenance plans, or one with its measures, tasks, money and years."""
    with app.open() as opened:
        if plan is not None:
            shown = opened.care.plan(plan, by=app.by, purpose=app.purpose)
            app.out.result(shown, lambda: _show_plan(app.out, shown))
            return 0
        found = opened.care.plans(household=household, layer=layer, by=app.by, purpose=app.purpose)
        rows = [as_row(one) for one in found]
    app.out.result(rows, lambda: _show_plans(app.out, rows))
    return 0


@command("care")
@click.argument("household", required=False)
@click.option("--year", type=YEAR)
def care(app: App, household: str | None, year: int | None) -> int:
    """What is suggested for a household, or the occasions of a year and what came of them."""
    with app.open() as opened:
        if household is not None:
            found = as_row(opened.care.suggestions(household, by=app.by, purpose=app.purpose))
            app.out.result(found, lambda: _show_suggestions(app.out, found))
            return 0
        asked = year or local_date(opened.clock.now(), opened.zone).year
        rows = [as_row(one) for one in opened.care.calendar(asked)]
    shown = {"year": asked, "occasions": rows}
    app.out.result(shown, lambda: _show_calendar(app.out, rows))
    return 0


def _show_plans(out: Output, rows: list[dict[str, Any]]) -> None:
    if not rows:
        out.print(say("no_plans"))
        return
    out.table(
        ["plan", "household", "layer", "status", "version", "budget", "spent", "runs_to"],
        [
            [
                row["plan"],
                row["household"],
                word("layer", row["layer"]) if row["layer"] else "",
                word("plan", "stopped" if row["stopped"] else row["stage"]),
                row["version"],
                money(row["budget_fen"]),
                money(row["spent_fen"]),
                row["runs_to"] or "",
            ]
            for row in rows
        ],
    )


def _show_plan(out: Output, shown: dict[str, Any]) -> None:
    layer = word("layer", shown["layer"]) if shown["layer"] else ""
    out.table(
        ["plan", "household", "layer", "status", "version", "budget", "spent"],
        [
            [
                shown["plan"],
                shown["household"],
                layer,
                word("plan", shown["stands"]),
                shown["version"],
                money(shown["budget_fen"]),
                money(shown["spent_fen"]),
            ]
        ],
    )
    for version in (shown["in_force"], shown["pending"]):
        if version is not None:
            _show_version(out, version)
    if shown["tasks"]:
        out.print()
        out.table(
            ["task", "measure", "responsible", "due", "status"],
            [
                [one["task"], one["measure"], one["person"], one["due"],
                 word("task", one["status"])]
                for one in shown["tasks"]
            ],
        )  # fmt: skip
    for year in shown["years"]:
        if year["effect"] is not None:
            effect = word("effect", year["effect"])
            out.print(say("plan_year", year=year["year"], effect=effect))


def _show_version(out: Output, version: dict[str, Any]) -> None:
    out.print()
    out.print(say("plan_version", version=version["version"], by=version["drafted_by"]))
    out.table(
        ["measure", "kind", "responsible", "due", "cost"],
        [
            [
                one["measure"],
                word("measure", one["kind"]),
                one["responsible"],
                one["due"],
                money(one["cost_fen"]),
            ]
            for one in version["measures"]
        ],
    )


def _show_suggestions(out: Output, found: dict[str, Any]) -> None:
    every = (*found["by_layer"], *found["by_type"])
    if not every:
        out.print(say("no_suggestions"))
    for one in dict.fromkeys(every):
        out.print(word("measure", one))


def _show_calendar(out: Output, rows: list[dict[str, Any]]) -> None:
    out.table(
        ["occasion", "kind", "on", "since", "opened"],
        [
            [
                told_value("occasion", row["occasion"]),
                word("occasion", row["kind"]),
                row["day"] or "",
                row["from_day"] or "",
                "" if row["opened"] is None else row["opened"],
            ]
            for row in rows
        ],
    )
