"""Errors planted in recorded gradings: what a replay must find."""

from __future__ import annotations

from attrs import evolve

from crm_core.crm import CRM
from crm_core.gradings.criteria import assess, digest_of_criteria
from crm_core.gradings.decide import GRADING
from crm_core.gradings.events import DECIDED, GradingDecided
from crm_core.gradings.policy import LAYERS, GradingPolicy
from crm_core.kernel.recorded import Commit, Envelope, StreamAppend
from crm_core.kernel.values import frozen
from crm_core.payments.credit import GRADES
from crm_core.ports import EventLog
from crm_core.slices import shipped
from crm_core.testing.towns.chance import Chance

ERRORS = ("purchases", "credit", "layer", "evidence", "criterion")
"""What can be wrong in a grading that was written past the decider."""


@frozen
class Planted:
    """A wrong grading that stands in the log.

    Args:
        household: Of whom.
        year: For which year.
        run: The run it claims to be of; there is no such run.
        error: What is wrong: one of `ERRORS`.
    """

    household: str
    year: int
    run: str
    error: str


def plant_errors(crm: CRM, seed: int, count: int) -> list[Planted]:
    """Write copies of recorded gradings with something wrong in each, past all deciders.

    Args:
        count: How many; fewer if there are not so many gradings.

    Returns:
        What was planted, in the order of the log: a replay must find these and no others.
    """
    chance = Chance(seed, count)
    chosen: list[GradingDecided] = []
    for number, recorded in enumerate(crm.log.feed(names=[DECIDED])):
        if number < count:
            chosen.append(recorded.event)
        elif (place := chance.below(number + 1)) < count:
            chosen[place] = recorded.event
    planted = []
    for number, grading in enumerate(chosen, 1):
        error, wrong = _wrong(grading, ERRORS[number % len(ERRORS)], chance)
        run = f"planted-{seed}-{number}"
        forge(crm.log, evolve(wrong, run=run), run)
        planted.append(Planted(grading.household, grading.year, run, error))
    return planted


def forge(log: EventLog, grading: GradingDecided, command: str) -> None:
    """Write a grading into the history of its household, past all deciders.

    Args:
        command: Id of the command that it claims to come from.
    """
    stream = GRADING.stream(grading.household)
    tip = log.tips([stream])[stream]
    at = grading.cutoff_known
    envelope = Envelope(
        actor="system:forger",
        command=command,
        data=grading,
        effective=grading.period_end,
        recorded=at,
    )
    log.append([Commit(command, "", (StreamAppend(stream, tip, grading.household, (envelope,)),))])


def _wrong(grading: GradingDecided, error: str, chance: Chance) -> tuple[str, GradingDecided]:
    """The grading with one thing wrong, and what that is."""
    facts, evidence, outcome = grading.facts, grading.evidence, grading.outcome
    if error == "evidence":
        for name in ("credit", "purchases", "attention", "previous_purchases"):
            positions = list(getattr(evidence, name))
            if positions:
                positions.pop(chance.below(len(positions)))
                left = evolve(evidence, **{name: tuple(positions)})
                return error, evolve(grading, evidence=left)
        error = "purchases"
    if error == "credit":
        grade = GRADES[(GRADES.index(facts.credit) + 1 + chance.below(5)) % len(GRADES)]
        return error, evolve(grading, facts=evolve(facts, credit=grade))
    if error == "layer":
        layer = chance.one_of([one for one in LAYERS if one != outcome.layer])
        return error, evolve(grading, outcome=evolve(outcome, layer=layer))
    if error == "criterion":
        seen = assess(facts, shipped().pinned(GradingPolicy, grading.policy))
        criteria = list(seen.criteria)
        place = chance.below(len(criteria))
        criteria[place] = evolve(criteria[place], met=not criteria[place].met)
        digest = digest_of_criteria(criteria, seen.distance)
        return error, evolve(grading, outcome=evolve(outcome, criteria=digest))
    fen = facts.purchases_fen + chance.one_of((-1, 1, 10_000_00))
    return error, evolve(grading, facts=evolve(facts, purchases_fen=fen))
