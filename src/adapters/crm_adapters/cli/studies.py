"""`crm what-if`, `shares`, `quota`, `fairness`, `directory`: studies over recorded gradings."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import click

from crm_adapters.cli.documents import write_asked
from crm_adapters.cli.group import (
    App,
    command,
    policies_of,
    policy_file,
    used_engine,
    used_policies,
)
from crm_adapters.cli.language import say, word
from crm_adapters.cli.output import Output, as_row
from crm_adapters.cli.shown import money, told_value
from crm_adapters.cli.values import DATE, FILE, INSTANT, YEAR
from crm_core.application.host import present_day
from crm_core.application.studies import plain
from crm_core.crm import CRM
from crm_core.errors import Invalid
from crm_core.gradings.policy import GradingPolicy
from crm_core.gradings.studies.fairness import Cell
from crm_core.gradings.studies.what_if import as_dict
from crm_core.gradings.views import graded_line
from crm_core.policies import parse_policy

_RUN = click.option("--run", "run_id")


@command("what-if")
@click.argument("year", type=YEAR, nargs=-1, required=True)
@click.option("--policy", required=True)
@click.option("--used", multiple=True)
@_RUN
@used_engine
def what_if(
    app: App,
    year: tuple[int, ...],
    policy: str,
    used: tuple[str, ...],
    run_id: str | None,
    engine: str,
) -> int:
    """Try a candidate policy over recorded years; nothing is written."""
    policies, _ = policies_of(used)
    with app.open(policies=policies) as opened:
        candidate = (
            parse_policy(GradingPolicy, policy_file(policy), policy)
            if policy.endswith(".toml")
            else opened.studies.candidate(policy)
        )
        found = as_dict(
            opened.studies.what_if(year, candidate, run=run_id, engine=engine, **app.asked)
        )
    app.out.result(found, lambda: _show_what_if(app.out, found))
    return 0


def _show_what_if(out: Output, found: dict[str, Any]) -> None:
    names = ("moved", "compared", "policy")
    out.print(say("would_move", **{name: found[name] for name in names}))
    moves = [
        [word("layer", before), word("layer", after), count]
        for before, to in found["matrix"].items()
        for after, count in to.items()
    ]
    if not moves:
        return
    out.print()
    out.table(["from", "to", "households"], moves)
    money = found["money"]
    for way, code in (("better", "moves_better"), ("worse", "moves_worse")):
        values = ("households", "purchases_fen")
        out.print(say(code, **{name: money[way][name] for name in values}))
    out.print()
    out.table(
        ["household", "year", "from", "to", "because_of"],
        [
            [
                one["household"],
                one["year"],
                word("layer", one["from"]),
                word("layer", one["to"]),
                _because(one["because"]),
            ]
            for one in found["households"][:50]
        ],
    )


def _because(reasons: list[dict[str, Any]]) -> str:
    return "; ".join(f"{r['fact']} {_side(r['before'])} -> {_side(r['after'])}" for r in reasons)


def _side(seen: dict[str, Any] | None) -> str:
    if seen is None:
        return say("not_asked")
    return say("value_against", value=seen["value"], threshold=seen["threshold"])


@command("shares")
@click.argument("year", type=YEAR)
@_RUN
@used_policies
def shares(app: App, year: int, run_id: str | None, policy: tuple[str, ...]) -> int:
    """Shares of the layers beside the expected ones: a report, not a quota."""
    policies, _ = policies_of(policy)
    with app.open(policies=policies) as opened:
        found = [as_row(line) for line in opened.studies.drift(year, run=run_id, **app.asked)]
    app.out.result(
        found,
        lambda: app.out.table(
            ["layer", "households", "share", "expected", "year_before", "drifted"],
            [
                [
                    word("layer", line["layer"]),
                    line["households"],
                    _percent(line["permille"]),
                    _percent(line["expected_permille"]),
                    _percent(line["before_permille"]),
                    say("yes") if line["drifted"] else say("no"),
                ]
                for line in found
            ],
        ),
    )
    return 0


def _percent(permille: int | None) -> str:
    return "" if permille is None else f"{permille // 10}.{permille % 10}%"


@command("quota")
@click.argument("year", type=YEAR)
@_RUN
@used_policies
def quota(app: App, year: int, run_id: str | None, policy: tuple[str, ...]) -> int:
    """Allot a year's households to layers of the expected sizes; the gradings stay as they are."""
    policies, _ = policies_of(policy)
    with app.open(policies=policies) as opened:
        found = plain(opened.studies.allot(year, by=app.by, run=run_id))
    app.out.result(
        found,
        lambda: app.out.table(
            ["household", "rank", "computed", "allotted"],
            [
                [
                    place["household"],
                    place["rank"],
                    word("layer", place["computed_layer"]),
                    word("layer", place["layer"]),
                ]
                for place in found["places"]
            ],
        ),
    )
    return 0


@command("fairness")
@click.argument("year", type=YEAR)
@_RUN
@used_policies
def fairness(app: App, year: int, run_id: str | None, policy: tuple[str, ...]) -> int:
    """Shares by attributes that no grading sees, and worse grades after complaints."""
    policies, _ = policies_of(policy)
    with app.open(policies=policies) as opened:
        seen = opened.studies.fairness(year, run=run_id, **app.asked)
        suspicions = _suspicions(app, opened, year, run_id)
    found = {
        "year": year,
        "layers": _cells(seen.layers),
        "overrides": _cells(seen.overrides),
        "retaliation": suspicions,
    }
    app.out.result(found, lambda: _show_fairness(app.out, found))
    return 0


def _suspicions(app: App, opened: CRM, year: int, run: str | None) -> list[dict[str, Any]] | None:
    """None where the year before was not graded, so that nothing can be worse than before."""
    try:
        return [as_row(one) for one in opened.studies.retaliation(year, run=run, **app.asked)]
    except Invalid as error:
        if error.faults[0].code != "run_unknown":
            raise
        return None


def _cells(by_attribute: Any) -> dict[str, list[dict[str, Any]]]:
    return {name: [_cell(cell) for cell in cells] for name, cells in by_attribute.items()}


def _cell(cell: Cell) -> dict[str, Any]:
    return cell.as_dict()


def _show_fairness(out: Output, found: dict[str, Any]) -> None:
    for name, cells in found["layers"].items():
        columns = list(cells[0]["counts"]) if cells else []
        out.table(
            [name, "households", *columns],
            [
                [
                    told_value(name, cell["value"]),
                    _shown(cell["households"]),
                    *map(_shown, cell["counts"].values()),
                ]
                for cell in cells
            ],
        )
        out.print()
    suspicions = found["retaliation"]
    if suspicions is None:
        out.print(say("retaliation_untold"))
        return
    out.print(say("retaliation", count=len(suspicions)))
    for one in suspicions:
        code = "worse_by_person" if one["by_person"] else "worse_by_rule"
        before, after = (word("layer", one[name]) for name in ("layer_before", "layer"))
        out.print(say(code, household=one["household"], before=before, after=after))


def _shown(count: int | None) -> str:
    return say("under_5") if count is None else str(count)


@command("directory")
@click.option("--on", type=DATE)
@click.option("--known", type=INSTANT)
@click.option(
    "--out",
    type=FILE,
)
def directory(app: App, on: date | None, known: datetime | None, out: Path | None) -> int:
    """The directory of graded customers on any day, each with the layer that holds."""
    if out is not None:
        app.to_write(out)
    with app.open() as opened:
        day = on or present_day(opened.host)
        lines = [
            graded_line(now) for now in opened.gradings.directory(on=day, known=known, **app.asked)
        ]
        if out is not None:
            write_asked(app, opened, "graded-list", out, on=day, known=known)
    if out is not None:
        told = {"directory": str(out), "households": len(lines)}
        app.out.result(told, lambda: app.out.print(str(out)))
        return 0
    app.out.result(
        lines,
        lambda: app.out.table(
            ["household", "layer", "type", "status", "credit", "purchases_yuan", "year"],
            [
                [
                    line["household"],
                    word("layer", line["layer"]),
                    word("type", line["type"]),
                    word("status", line["status"]),
                    line["credit"],
                    money(line["purchases_fen"]),
                    line["year"],
                ]
                for line in lines
            ],
        ),
    )
    return 0
