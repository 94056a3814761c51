"""`crm waiting`, `propose-type`, `confirm-type`, `confirm`, `uplift`, `contest`, `review`,
`automatic`: what people decide about gradings; what was computed stays beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import click

from crm_adapters.cli.group import (
    DATE,
    ID,
    PERSON,
    YEAR,
    App,
    by_person,
    command,
    policies_of,
    used_policies,
)
from crm_adapters.cli.output import Output
from crm_core.crm import CRM
from crm_core.errors import Invalid
from crm_core.gradings.commands import (
    RESULTS,
    AcceptAutomatic,
    ConfirmGrading,
    ConfirmType,
    ContestGrading,
    DecideReview,
    ProposeType,
    RefuseAutomatic,
    UpliftLayer,
)
from crm_core.gradings.policy import TYPES
from crm_core.gradings.review import OVERRIDDEN, Standing
from crm_core.gradings.views import standing_row
from crm_core.kernel.recorded import Actor
from crm_core.owners import HOUSEHOLD

_HOUSEHOLD = click.argument("household")
_YEAR = click.argument("year", type=YEAR)
_RUN = click.option("--run", "run_id", default=None, help="A run; by default the household's last.")
_REASON = click.option("--reason", required=True, help="Why.")
_ON = click.option("--on", type=DATE, default=None, help="The day of it; by default today.")


@command("waiting")
def waiting(app: App) -> int:
    """Gradings that wait for a person: a type, the top layer, a review, a provisional grading."""
    with app.open() as opened:
        rows = [standing_row(now) for now in opened.gradings.waiting()]
    app.out.result(
        rows,
        lambda: app.out.table(
            ["household", "year", "layer", "type", "status", "waits for"],
            [[*(row[name] for name in _COLUMNS[:5]), _awaited(row)] for row in rows],
        ),
    )
    return 0


@command("propose-type")
@_HOUSEHOLD
@_YEAR
@click.argument("type", metavar="TYPE", type=click.Choice(TYPES))
@click.option("--reason", default="", help="Why; needed for another type than the suggested one.")
@by_person
@_ON
@_RUN
@used_policies
def propose_type(
    app: App,
    household: str,
    year: int,
    type: str,
    reason: str,
    by: Actor,
    on: date | None,
    run_id: str | None,
    policy: tuple[str, ...],
) -> int:
    """Propose a household's customer type, as a specialist.

    TYPE is lively, cautious, ordinary or problem.
    """
    return _act(
        app,
        household,
        year,
        run_id,
        lambda run, day, _: ProposeType(household, run, type, by, day, reason.strip()),
        by=by,
        on=on,
        policy=policy,
    )


@command("confirm-type")
@_HOUSEHOLD
@_YEAR
@by_person
@_ON
@_RUN
@used_policies
def confirm_type(
    app: App,
    household: str,
    year: int,
    by: Actor,
    on: date | None,
    run_id: str | None,
    policy: tuple[str, ...],
) -> int:
    """Confirm the type that was proposed, as a supervisor, manager or director."""
    return _act(
        app,
        household,
        year,
        run_id,
        lambda run, day, _: ConfirmType(household, run, by, day),
        by=by,
        on=on,
        policy=policy,
    )


@command("confirm")
@_HOUSEHOLD
@_YEAR
@by_person
@_ON
@_RUN
def confirm(
    app: App, household: str, year: int, by: Actor, on: date | None, run_id: str | None
) -> int:
    """Confirm a grading in person: the top layer, as manager and as director, or a provisional."""
    return _act(
        app,
        household,
        year,
        run_id,
        lambda run, day, _: ConfirmGrading(household, run, by, day),
        by=by,
        on=on,
    )


@command("uplift")
@_HOUSEHOLD
@_YEAR
@_REASON
@click.option("--proposed-by", type=PERSON, required=True, help="Who asked for it, as ROLE:ID.")
@by_person
@_ON
@_RUN
@used_policies
def uplift(
    app: App,
    household: str,
    year: int,
    reason: str,
    proposed_by: Actor,
    by: Actor,
    on: date | None,
    run_id: str | None,
    policy: tuple[str, ...],
) -> int:
    """Lift a household by one layer for promises kept, as a manager or director."""
    return _act(
        app,
        household,
        year,
        run_id,
        lambda run, day, _: UpliftLayer(household, run, reason.strip(), proposed_by.id, by, day),
        by=by,
        on=on,
        policy=policy,
    )


@command("contest")
@_HOUSEHOLD
@_YEAR
@_REASON
@click.option(
    "--review", type=ID, default=None, help="Number of the review; by default the next one."
)
@by_person
@_ON
@_RUN
def contest(
    app: App,
    household: str,
    year: int,
    reason: str,
    review: str | None,
    by: Actor,
    on: date | None,
    run_id: str | None,
) -> int:
    """Dispute a grading, as the owner, and so open a review."""
    return _act(
        app,
        household,
        year,
        run_id,
        lambda run, day, known: ContestGrading(
            household, run, review or _next_review(year, known), reason.strip(), by, day
        ),
        by=by,
        on=on,
    )


def _next_review(year: int, known: list[Standing]) -> str:
    taken = {r.review for now in known for r in (*now.reviews, now.review) if r is not None}
    return next(name for n in range(1, len(taken) + 2) if (name := f"{year}-{n}") not in taken)


@command("review")
@_HOUSEHOLD
@click.argument("review")
@click.argument("result", metavar="RESULT", type=click.Choice(RESULTS))
@_REASON
@by_person
@click.option("--layer", default=None, help="Overridden: the layer that holds instead.")
@click.option("--until", type=DATE, default=None, help="Overridden: the last day on which it does.")
@_ON
@used_policies
def review(
    app: App,
    household: str,
    review: str,
    result: str,
    reason: str,
    by: Actor,
    layer: str | None,
    until: date | None,
    on: date | None,
    policy: tuple[str, ...],
) -> int:
    """Decide a review, as a supervisor, manager or director who had no part in the grading.

    RESULT is upheld, corrected (the right facts are in the log by now) or overridden.
    """
    if result == OVERRIDDEN and (layer is None or until is None):
        raise click.UsageError("an override needs --layer and --until")
    if result != OVERRIDDEN and (layer is not None or until is not None):
        raise click.UsageError(f"--layer and --until belong to an override, not to `{result}`")
    policies, _ = policies_of(policy)
    with app.open(policies=policies) as opened:
        _history(opened, household)
        day = _day(opened, on)
        opened.do(
            DecideReview(household, review, result, reason.strip(), by, day, layer, until), by=by
        )
        known = _history(opened, household)
    now = next(one for one in known if any(done.review == review for done in one.reviews))
    _result(app.out, now, known, recorded=True)
    return 0


@command("automatic")
@_HOUSEHOLD
@click.argument("answer", metavar="ANSWER", type=click.Choice(("refuse", "accept")))
@by_person
@_ON
def automatic(app: App, household: str, answer: str, by: Actor, on: date | None) -> int:
    """Refuse decisions made by rule alone, as the owner, or accept them again.

    ANSWER is refuse or accept.
    """
    with app.open() as opened:
        _history(opened, household)
        kind = RefuseAutomatic if answer == "refuse" else AcceptAutomatic
        receipt = opened.do(kind(household, by, _day(opened, on)), by=by)
        known = _history(opened, household)
    said = {
        "household": household,
        "automatic": "refused" if answer == "refuse" else "accepted",
        "gradings": [standing_row(now) for now in known],
        "recorded": bool(receipt.events),
    }

    def show() -> None:
        app.out.print(f"decisions by rule alone: {said['automatic']}")
        _show(app.out, known, recorded=bool(receipt.events))

    app.out.result(said, show)
    return 0


def _act(
    app: App,
    household: str,
    year: int,
    run_id: str | None,
    asked: Callable[[str, date, list[Standing]], Any],
    *,
    by: Actor,
    on: date | None,
    policy: tuple[str, ...] = (),
) -> int:
    """Have something decided about one grading, and tell how it stands then."""
    policies, _ = policies_of(policy)
    with app.open(policies=policies) as opened:
        known = _history(opened, household)
        run = _run_of(known, household, year, run_id)
        receipt = opened.do(asked(run, _day(opened, on), known), by=by)
        known = _history(opened, household)
    now = next(one for one in known if one.grading.run == run)
    _result(app.out, now, known, recorded=bool(receipt.events))
    return 0


def _history(opened: CRM, household: str) -> list[Standing]:
    if not opened.log.tips([HOUSEHOLD.stream(household)]):
        raise Invalid.one("household_unknown", f"household `{household}` has no file")
    return opened.gradings.history(household)


def _run_of(known: list[Standing], household: str, year: int, run: str | None) -> str:
    """The run asked for, or the last of the household in that year."""
    runs = [now.grading.run for now in known if now.grading.year == year]
    if run is not None and run not in runs:
        raise Invalid.one(
            "grading_unknown", f"household `{household}` has no grading of run `{run}` for {year}"
        )
    if not runs:
        raise Invalid.one("grading_unknown", f"household `{household}` has no grading for {year}")
    return run or runs[-1]


def _day(opened: CRM, on: date | None) -> date:
    today = opened.gradings.present_day()
    if on is not None and on > today:
        raise Invalid.one("day_in_future", f"{on} is still to come: today is {today}", "--on")
    return on or today


def _result(out: Output, now: Standing, known: list[Standing], *, recorded: bool) -> None:
    shown = [one for one in known if one.grading.run in (now.grading.run, now.replaced_by)]
    out.result(
        {**standing_row(now), "recorded": recorded},
        lambda: _show(out, shown, recorded=recorded),
    )


def _show(out: Output, standings: list[Standing], *, recorded: bool) -> None:
    rows = [standing_row(now) for now in standings]
    out.table(
        ["household", "year", "layer", "type", "status", "computed", "until", "run"],
        [
            [
                *(row[name] for name in _COLUMNS),
                f"{row['computed_layer']}, {row['computed_type']}",
                row["until"],
                row["run"],
            ]
            for row in rows
        ],
    )
    for row in rows:
        if row["replaced_by"] is not None:
            out.print(f"graded anew: run {row['replaced_by']} stands in its place")
        if row["waits_for"]:
            out.print(f"waits for {_awaited(row)}")
    if not recorded:
        out.print("nothing recorded: that was done before")


_COLUMNS = ("household", "year", "layer", "type", "status")

_AWAITED = {
    "review": "review {review} by a supervisor, manager or director who had no part in it",
    "type": "a supervisor, manager or director to confirm the type {proposed_type}",
    "manager": "the manager",
    "director": "the director",
    "confirmation": "a supervisor, manager or director to confirm it",
}


def _awaited(row: dict[str, Any]) -> str:
    return " and ".join(_AWAITED[what].format(**row) for what in row["waits_for"])
