"""`crm waiting`, `propose-type`, `confirm-type`, `confirm`, `uplift`, `contest`, `review`,
`automatic`: what people decide about gradings; what was computed stays beside it.

Who decides is who acts; what a member of the household said, who enters it says with its evidence.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import click

from crm_adapters.cli.group import (
    App,
    check_household,
    command,
    policies_of,
    said_by_member,
    used_policies,
    word_of,
)
from crm_adapters.cli.language import say, word
from crm_adapters.cli.output import Output
from crm_adapters.cli.shown import listed
from crm_adapters.cli.values import DATE, ID, YEAR, OneOf
from crm_core.application.host import present_day
from crm_core.crm import CRM
from crm_core.gradings.commands import (
    RESULTS,
    AcceptAutomatic,
    ConfirmGrading,
    ConfirmType,
    ContestGrading,
    DecideReview,
    DecideUplift,
    ProposeType,
    ProposeUplift,
    RefuseAutomatic,
)
from crm_core.gradings.policy import TYPES
from crm_core.gradings.review import OVERRIDDEN, Standing
from crm_core.gradings.views import standing_row

_HOUSEHOLD = click.argument("household")
_YEAR = click.argument("year", type=YEAR)
_REASON = click.option("--reason", required=True)
_ON = click.option("--on", type=DATE)

PROPOSE, APPROVE, REJECT = "propose", "approve", "reject"


@command("waiting")
def waiting(app: App) -> int:
    """Gradings that wait for a person: a type, the top layer, a review, a provisional grading."""
    with app.open() as opened:
        rows = [standing_row(now) for now in opened.gradings.waiting(**app.asked)]
    app.out.result(
        rows,
        lambda: app.out.table(
            [*_COLUMNS, "waits_for"], [[*_holds(row), _awaited(row)] for row in rows]
        ),
    )
    return 0


@command("propose-type")
@_HOUSEHOLD
@_YEAR
@click.argument("type", metavar="TYPE", type=OneOf(TYPES))
@click.option("--reason", default="")
@_ON
@used_policies
def propose_type(
    app: App,
    household: str,
    year: int,
    type: str,
    reason: str,
    on: date | None,
    policy: tuple[str, ...],
) -> int:
    """Propose a household's customer type, as a specialist.

    TYPE is lively, cautious, ordinary or problem.
    """
    return _act(
        app,
        household,
        year,
        lambda day, _: ProposeType(
            household=household, year=year, type=type, on=day, reason=reason.strip()
        ),
        on=on,
        policy=policy,
    )


@command("confirm-type")
@_HOUSEHOLD
@_YEAR
@_ON
@used_policies
def confirm_type(
    app: App,
    household: str,
    year: int,
    on: date | None,
    policy: tuple[str, ...],
) -> int:
    """Confirm the type that was proposed, as a supervisor, manager or director."""
    return _act(
        app,
        household,
        year,
        lambda day, _: ConfirmType(household, year, day),
        on=on,
        policy=policy,
    )


@command("confirm")
@_HOUSEHOLD
@_YEAR
@_ON
def confirm(app: App, household: str, year: int, on: date | None) -> int:
    """Confirm a grading in person: the top layer, as manager and as director, or a provisional."""
    return _act(
        app,
        household,
        year,
        lambda day, _: ConfirmGrading(household, year, day),
        on=on,
    )


@command("uplift")
@_HOUSEHOLD
@_YEAR
@click.option("--propose", "step", flag_value=PROPOSE)
@click.option("--approve", "step", flag_value=APPROVE)
@click.option("--reject", "step", flag_value=REJECT)
@click.option("--reason", default="")
@_ON
@used_policies
def uplift(
    app: App,
    household: str,
    year: int,
    step: str | None,
    reason: str,
    on: date | None,
    policy: tuple[str, ...],
) -> int:
    """Lift a household by one layer for promises kept: one proposes it, another decides."""
    if step is None:
        raise click.UsageError(say("uplift_step_missing"), click.get_current_context())
    why = reason.strip()

    def asked(day: date, _: list[Standing]) -> ProposeUplift | DecideUplift:
        if step == PROPOSE:
            return ProposeUplift(household, year, why, day)
        return DecideUplift(
            household=household, year=year, approved=step == APPROVE, on=day, reason=why
        )

    return _act(app, household, year, asked, on=on, policy=policy)


@command("contest")
@_HOUSEHOLD
@_YEAR
@_REASON
@click.option("--review", type=ID)
@said_by_member
@_ON
def contest(
    app: App,
    household: str,
    year: int,
    reason: str,
    review: str | None,
    word_member: str | None,
    word_channel: str | None,
    word_reference: str | None,
    on: date | None,
) -> int:
    """Dispute a grading, as an owner or user or on the word of one, and so open a review."""
    said = word_of(word_member, word_channel, word_reference)
    return _act(
        app,
        household,
        year,
        lambda day, known: ContestGrading(
            household=household,
            year=year,
            review=review or _next_review(year, known),
            reason=reason.strip(),
            on=day,
            word=said,
        ),
        on=on,
    )


def _next_review(year: int, known: list[Standing]) -> str:
    taken = {r.review for now in known for r in (*now.reviews, now.review) if r is not None}
    return next(name for n in range(1, len(taken) + 2) if (name := f"{year}-{n}") not in taken)


@command("review")
@_HOUSEHOLD
@click.argument("review")
@click.argument("result", metavar="RESULT", type=OneOf(RESULTS))
@_REASON
@click.option("--layer")
@click.option("--until", type=DATE)
@_ON
@used_policies
def review(
    app: App,
    household: str,
    review: str,
    result: str,
    reason: str,
    layer: str | None,
    until: date | None,
    on: date | None,
    policy: tuple[str, ...],
) -> int:
    """Decide a review, as a supervisor, manager or director who had no part in the grading.

    RESULT is upheld, corrected (the right facts are in the log by now) or overridden.
    """
    if result == OVERRIDDEN and (layer is None or until is None):
        raise click.UsageError(say("override_incomplete"), click.get_current_context())
    if result != OVERRIDDEN and (layer is not None or until is not None):
        raise click.UsageError(say("no_override", result=result), click.get_current_context())
    policies, _ = policies_of(policy)
    with app.open(policies=policies) as opened:
        _history(opened, household)
        day = _day(opened, on)
        opened.do(
            DecideReview(
                household=household,
                review=review,
                result=result,
                reason=reason.strip(),
                on=day,
                layer=layer,
                until=until,
            ),
            by=app.by,
            purpose=app.purpose,
        )
        known = _history(opened, household)
    now = next(one for one in known if any(done.review == review for done in one.reviews))
    _result(app.out, now, known, recorded=True)
    return 0


@command("automatic")
@_HOUSEHOLD
@click.argument("answer", metavar="ANSWER", type=OneOf(("refuse", "accept")))
@said_by_member
@_ON
def automatic(
    app: App,
    household: str,
    answer: str,
    word_member: str | None,
    word_channel: str | None,
    word_reference: str | None,
    on: date | None,
) -> int:
    """Refuse decisions made by rule alone, as an owner or user, or accept them again.

    ANSWER is refuse or accept.
    """
    said = word_of(word_member, word_channel, word_reference)
    with app.open() as opened:
        _history(opened, household)
        kind = RefuseAutomatic if answer == "refuse" else AcceptAutomatic
        asked = kind(household, _day(opened, on), said)
        receipt = opened.do(asked, by=app.by, purpose=app.purpose)
        known = _history(opened, household)
    answered = "refused" if answer == "refuse" else "accepted"
    told = {
        "household": household,
        "automatic": answered,
        "gradings": [standing_row(now) for now in known],
        "recorded": bool(receipt.events),
    }

    def show() -> None:
        app.out.print(say("automatic_refused" if answered == "refused" else "automatic_accepted"))
        _show(app.out, known, recorded=bool(receipt.events))

    app.out.result(told, show)
    return 0


def _act(
    app: App,
    household: str,
    year: int,
    asked: Callable[[date, list[Standing]], Any],
    *,
    on: date | None,
    policy: tuple[str, ...] = (),
) -> int:
    """Have something decided about one grading, and tell how it stands then."""
    policies, _ = policies_of(policy)
    with app.open(policies=policies) as opened:
        known = _history(opened, household)
        command = asked(_day(opened, on), known)
        receipt = opened.do(command, by=app.by, purpose=app.purpose)
        known = _history(opened, household)
    now = [one for one in known if one.grading.year == year][-1]
    _result(app.out, now, known, recorded=bool(receipt.events))
    return 0


def _history(opened: CRM, household: str) -> list[Standing]:
    check_household(opened, household)
    return opened.gradings.history(household)


def _day(opened: CRM, on: date | None) -> date:
    return on or present_day(opened.host)


def _result(out: Output, now: Standing, known: list[Standing], *, recorded: bool) -> None:
    shown = [one for one in known if one.grading.run in (now.grading.run, now.replaced_by)]
    out.result(
        {**standing_row(now), "recorded": recorded},
        lambda: _show(out, shown, recorded=recorded),
    )


def _show(out: Output, standings: list[Standing], *, recorded: bool) -> None:
    rows = [standing_row(now) for now in standings]
    out.table([*_COLUMNS, "computed", "until", "run"], [_row(row) for row in rows])
    for row in rows:
        if row["replaced_by"] is not None:
            out.print(say("graded_anew", run=row["replaced_by"]))
        for conflict in row["conflicts"]:
            out.print(say(f"conflict_{conflict}"))
        if row["waits_for"]:
            out.print(say("waits_for", what=_awaited(row)))
    if not recorded:
        out.print(say("done_before"))


_COLUMNS = ("household", "year", "layer", "type", "status")


def _row(row: dict[str, Any]) -> list[Any]:
    computed = [word(name, row[f"computed_{name}"]) for name in ("layer", "type")]
    return [*_holds(row), listed(computed), row["until"], row["run"]]


def _holds(row: dict[str, Any]) -> list[Any]:
    shown = [word(name, row[name]) for name in ("layer", "type", "status")]
    return [row["household"], row["year"], *shown]


def _awaited(row: dict[str, Any]) -> str:
    proposed = row["proposed_type"] and word("type", row["proposed_type"])
    values = {"review": row["review"], "type": proposed}
    return say("and").join(say(_AWAITED[what], **values) for what in row["waits_for"])


_AWAITED = {
    "review": "awaits_review",
    "type": "awaits_type",
    "uplift": "awaits_uplift",
    "manager": "awaits_manager",
    "director": "awaits_director",
    "confirmation": "awaits_confirmation",
}
