"""`crm what-if`, `shares`, `quota`, `fairness`, `directory`: studies over recorded gradings."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import click
from attrs import asdict

from crm_adapters.cli.group import (
    ACTOR,
    DATE,
    INSTANT,
    YEAR,
    App,
    command,
    policies_of,
    policy_file,
    used_engine,
    used_policies,
)
from crm_adapters.cli.output import Output
from crm_core.crm import CRM
from crm_core.errors import Invalid
from crm_core.gradings.fairness import Cell
from crm_core.gradings.views import graded_line
from crm_core.gradings.what_if import as_dict
from crm_core.kernel.money import yuan_from_fen
from crm_core.policies import parse_grading
from crm_core.studies import plain

_RUN = click.option("--run", "run_id", default=None, help="A run; by default the latest.")


@command("what-if")
@click.argument("year", type=YEAR, nargs=-1, required=True)
@click.option("--policy", required=True, help="The candidate: a TOML file, or NAME/VERSION.")
@click.option("--used", multiple=True, help="A TOML file that a run used; more than once.")
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
            parse_grading(policy_file(policy), policy)
            if policy.endswith(".toml")
            else opened.studies.candidate(policy)
        )
        found = as_dict(opened.what_if(year, candidate, run=run_id, engine=engine))
    app.out.result(found, lambda: _show_what_if(app.out, found))
    return 0


def _show_what_if(out: Output, found: dict[str, Any]) -> None:
    out.print(
        f"{found['moved']} of {found['compared']} gradings would move under {found['policy']}"
    )
    moves = [
        [before, after, count]
        for before, to in found["matrix"].items()
        for after, count in to.items()
    ]
    if not moves:
        return
    out.print()
    out.table(["from", "to", "households"], moves)
    money = found["money"]
    for way in ("better", "worse"):
        out.print(
            f"{way}: {money[way]['households']} households,"
            f" {yuan_from_fen(money[way]['purchases_fen'])} yuan of purchases"
        )
    out.print()
    out.table(
        ["household", "year", "from", "to", "because of"],
        [
            [one["household"], one["year"], one["from"], one["to"], _because(one["because"])]
            for one in found["households"][:50]
        ],
    )


def _because(reasons: list[dict[str, Any]]) -> str:
    return "; ".join(f"{r['fact']} {_side(r['before'])} -> {_side(r['after'])}" for r in reasons)


def _side(seen: dict[str, Any] | None) -> str:
    if seen is None:
        return "not asked"
    return f"{seen['value']} against {seen['threshold']}"


@command("shares")
@click.argument("year", type=YEAR)
@_RUN
@used_policies
def shares(app: App, year: int, run_id: str | None, policy: tuple[str, ...]) -> int:
    """Shares of the layers beside the expected ones: a report, not a quota."""
    policies, _ = policies_of(policy)
    with app.open(policies=policies) as opened:
        found = [asdict(line) for line in opened.studies.drift(year, run=run_id)]
    app.out.result(
        found,
        lambda: app.out.table(
            ["layer", "households", "share", "expected", "year before", "drifted"],
            [
                [
                    line["layer"],
                    line["households"],
                    _percent(line["permille"]),
                    _percent(line["expected_permille"]),
                    _percent(line["before_permille"]),
                    "yes" if line["drifted"] else "no",
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
        found = plain(opened.studies.allot(year, by=ACTOR, run=run_id))
    app.out.result(
        found,
        lambda: app.out.table(
            ["household", "rank", "computed", "allotted"],
            [
                [place["household"], place["rank"], place["computed_layer"], place["layer"]]
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
        seen = opened.studies.fairness(year, run=run_id)
        suspicions = _suspicions(opened, year, run_id)
    found = {
        "year": year,
        "layers": _cells(seen.layers),
        "overrides": _cells(seen.overrides),
        "retaliation": suspicions,
    }
    app.out.result(found, lambda: _show_fairness(app.out, found))
    return 0


def _suspicions(opened: CRM, year: int, run: str | None) -> list[dict[str, Any]] | None:
    """None where the year before was not graded, so that nothing can be worse than before."""
    try:
        return [asdict(one) for one in opened.studies.retaliation(year, run=run)]
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
                [cell["value"], _shown(cell["households"]), *map(_shown, cell["counts"].values())]
                for cell in cells
            ],
        )
        out.print()
    suspicions = found["retaliation"]
    if suspicions is None:
        out.print("the year before was not graded: worse grades after complaints cannot be told")
        return
    out.print(f"worse grades after a complaint, without arrears: {len(suspicions)}")
    for one in suspicions:
        by = "set by a person" if one["by_person"] else "by the rule"
        out.print(f"  {one['household']}: {one['layer_before']} -> {one['layer']}, {by}")


def _shown(count: int | None) -> str:
    return "under 5" if count is None else str(count)


@command("directory")
@click.option("--on", type=DATE, default=None, help="As it stood on this day.")
@click.option("--known", type=INSTANT, default=None, help="As known at this instant.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="Write it as a document, HTML or CSV by the file's name.",
)
def directory(app: App, on: date | None, known: datetime | None, out: Path | None) -> int:
    """The directory of graded customers on any day, each with the layer that holds."""
    from crm_adapters.reports.directory import write_directory

    with app.open() as opened:
        day = on or opened.gradings.present_day()
        lines = [graded_line(now) for now in opened.gradings.directory(on=day, known=known)]
    if out is not None:
        write_directory(out, lines, day)
        told = {"directory": str(out), "households": len(lines)}
        app.out.result(told, lambda: app.out.print(str(out)))
        return 0
    app.out.result(
        lines,
        lambda: app.out.table(
            ["household", "layer", "type", "status", "credit", "purchases yuan", "year"],
            [
                [
                    line["household"],
                    line["layer"],
                    line["type"],
                    line["status"],
                    line["credit"],
                    yuan_from_fen(line["purchases_fen"]),
                    line["year"],
                ]
                for line in lines
            ],
        ),
    )
    return 0
