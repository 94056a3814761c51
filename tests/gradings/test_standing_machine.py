"""How a household stands is what the literal model makes of the record and of what people decided.

Late facts, runs, replaced records, next year's record, and people who do what they may and try what
they may not: what was refused is not in the log, and so neither in the model.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
import record_reference
import standing_reference as model
from attrs import asdict
from hypothesis import event, given, settings
from hypothesis import strategies as st

import reference_grader as reference
from crm_adapters.wiring import open_crm
from crm_core.crm import CRM
from crm_core.errors import Invalid, Refused
from crm_core.gradings.commands import (
    AcceptAutomatic,
    ConfirmGrading,
    ConfirmType,
    ContestGrading,
    DecideReview,
    DecideUplift,
    ProposeType,
    ProposeUplift,
    RefuseAutomatic,
    ReplaceRecord,
)
from crm_core.kernel.dates import local_date, parse_instant
from crm_core.kernel.recorded import Actor
from crm_core.kernel.word import Word
from crm_core.owners.commands import ConfirmConduct
from crm_core.payments.commands import RecordPurchase
from crm_core.testing.towns.chance import Chance
from estate import DIRECTOR, FixedClock, do, home

HOMES = {"V1": 9_350_00, "V2": 100_00}
YEARS = (2011, 2012)
REPLACED = "gradings.record_replaced/1"
TYPES = ("cautious", "lively", "ordinary", "problem")
START = parse_instant("2012-01-15T09:00:00+08:00")
NEXT_YEAR = parse_instant("2013-01-10T09:00:00+08:00")


def steps_of(events: Any) -> Iterator[model.Step]:
    """What a log tells, as the model reads it; which run is of record, the other model says."""
    events = list(events)
    history = _with_moves(record_reference.history_from(events))
    moments = set(history.moments)
    gradings: dict[tuple[str, str], Any] = {}
    for stands in events:
        if type(stands.event).__name__ == "GradingDecided":
            gradings[stands.event.run, stands.event.household] = stands.event
    held: dict[int, str | None] = {}
    for stands in events:
        told = stands.event
        yield from _step(told, gradings)
        for year in YEARS if stands.position in moments else ():
            run = record_reference.record(history, year, stands.position)
            if run != held.get(year):
                held[year] = run
                for (of, _), grading in gradings.items():
                    if of == run:
                        yield model.BecameRecord(_about(grading), of, _graded(grading))


def _with_moves(history: record_reference.History) -> record_reference.History:
    """Whom the act of a director moves is asked where it is done: that people decided, counts."""
    acts: tuple[record_reference.Replacement, ...] = ()
    for act in history.replacements:
        so_far = replace(history, replacements=acts)
        holding = record_reference.record(so_far, act.year, act.position - 1)
        acts = (*acts, replace(act, moved=record_reference.moved(history, holding, act.run)))
    return replace(history, replacements=acts)


def _about(told: Any) -> model.Subject:
    return model.Subject(told.household, told.tenure, told.year)


def _graded(grading: Any) -> model.Graded:
    """What follows from its facts with every type, by the reference grader."""
    facts, policy = asdict(grading.facts), str(grading.policy)
    type = reference.type_from(facts, policy)
    layers = {one: reference.layer_with_type(facts, one, policy) for one in TYPES}
    return model.Graded(
        type,
        layers | {type: reference.layer_from(facts, policy)},
        facts["worst_credit"] in ("B3", "B4", "B5")
        or facts["b2_entries"] >= 2
        or facts["conduct"] > 0,
        facts["credit"],
        grading.cutoff_position,
    )


def _step(told: Any, gradings: dict[tuple[str, str], Any]) -> Iterator[model.Step]:
    match type(told).__name__:
        case "TypeProposed":
            yield model.TypeProposed(_about(told), told.type, told.proposed_by)
        case "TypeConfirmed":
            yield model.TypeConfirmed(_about(told), told.confirmed_by)
        case "GradingConfirmed":
            yield model.GradingConfirmed(_about(told), told.layer, told.role, told.confirmed_by)
        case "LayerUplifted":
            # GRD-05: it is lifted from the layer it has when it is approved.
            yield model.UpliftProposed(_about(told), told.from_layer, told.proposed_by)
            yield model.UpliftDecided(_about(told), True, told.approved_by)
        case "GradingContested":
            yield model.Contested(_about(told), told.review, told.contested_by)
        case "ReviewDecided":
            again = gradings.get((told.corrected, told.household))
            yield model.ReviewDecided(
                _about(told), told.review, told.result, told.decided_by, told.layer, told.until,
                None if again is None else _graded(again), told.run,
            )  # fmt: skip
        case "AutomaticRefused":
            yield model.AutomaticRefused(told.household, told.tenure)
        case "AutomaticAccepted":
            yield model.AutomaticAccepted(told.household, told.tenure)


class People:
    """An estate whose year 2011 is graded, and what people then do."""

    def __init__(self, chance: Chance) -> None:
        self.chance = chance
        self.crm: CRM = open_crm("memory:")
        self.clock = FixedClock(START)
        self.crm.host.clock = self.clock
        self.numbers = 0
        for name, fen in HOMES.items():
            home(self.crm, name, buys=fen)
        self.crm.grade(2011)

    def close(self) -> None:
        self.crm.close()

    def number(self, letter: str) -> str:
        self.numbers += 1
        return f"{letter}{self.numbers}"

    def late_facts(self) -> None:
        """Something of the graded year becomes known; what is bought can be much or little."""
        name, day = self.chance.one_of(tuple(HOMES)), date(2011, 8, 1)
        fen = self.chance.one_of((100_00, 8_000_00, 15_000_00))
        if self.chance.below(4) == 0:
            self.tries(ConfirmConduct(name, "disturbance", day, "a note"), "manager")
        elif self.chance.below(3) == 0:
            day = date(2010, 8, 1)
            do(self.crm, RecordPurchase(name, self.number("X"), "gym", fen, day), at=self.clock.at)
        else:
            do(self.crm, RecordPurchase(name, self.number("X"), "gym", fen, day), at=self.clock.at)

    def graded(self) -> None:
        for _ in range(self.chance.between(1, 2)):
            self.late_facts()
        self.crm.grade(2011)
        if self.chance.below(2):
            self.replaced()

    def replaced(self) -> None:
        """Any run takes the place of the record, also one that held before."""
        year = self.chance.one_of(YEARS) if self.clock.at >= NEXT_YEAR else 2011
        runs = [line.run for line in self.crm.gradings.runs(year) if line.standing == "trial"]
        if runs:
            run = self.chance.one_of((*runs, runs[-1]))
            before, then = self.placed(year), self.placed(year, run)
            moves = sum(before[name] != then[name] for name in HOMES)
            if self.tries(ReplaceRecord(year, run, "late facts", self.today, moves), DIRECTOR):
                *_, told = [e.event for e in self.crm.log.feed() if e.name == REPLACED]
                # GRD-17: it lists whom it moves, with what people decided applied to either.
                assert [
                    (one.household, (one.layer, one.type), (one.layer_then, one.type_then))
                    for one in told.moved
                ] == [
                    (name, before[name], then[name]) for name in HOMES if before[name] != then[name]
                ]

    def placed(self, year: int, run: str | None = None) -> dict[str, tuple[str, str]]:
        """Layer and type of every household by the model, were that run the record."""
        events = list(self.crm.log.feed())
        steps = list(steps_of(events))
        for stands in events:
            told = stands.event
            if type(told).__name__ == "GradingDecided" and told.run == run:
                steps.append(model.BecameRecord(_about(told), told.run, _graded(told)))
        found = {name: model.standing(steps, name, year, self.today) for name in HOMES}
        return {
            name: ("", "") if stands is None else (stands.layer, stands.type)
            for name, stands in found.items()
        }

    def days_pass(self) -> None:
        self.clock.at += timedelta(days=self.chance.one_of((1, 20, 20, 90)))

    def next_year(self) -> None:
        if self.chance.below(3) == 0:
            self.clock.at = max(self.clock.at, NEXT_YEAR)
            self.crm.grade(2012)

    def decided(self) -> None:
        """Somebody does one thing or another; often they may not, and nothing comes of it."""
        chance, on = self.chance, self.today
        name = chance.one_of(tuple(HOMES))
        year = chance.one_of((2011, 2011, 2012)) if self.clock.at >= NEXT_YEAR else 2011
        word = Word(f"{name}#owner", "phone", "call-7")
        top = chance.one_of(("manager", "director"))
        match chance.one_of(
            ("type", "type", "confirm", "confirm", "uplift", "uplift", "review", "automatic")
        ):
            case "type":
                kind = chance.one_of(TYPES)
                self.tries(ProposeType(name, year, kind, on, "known to us"), "specialist")
                if chance.below(3):
                    self.tries(ConfirmType(name, year, on), "supervisor")
            case "confirm":
                if chance.below(2):
                    self.tries(RefuseAutomatic(name, on, word), "specialist")
                self.tries(ConfirmGrading(name, year, on), top)
                if chance.below(2):
                    other = "manager" if top == "director" else "director"
                    self.tries(ConfirmGrading(name, year, on), other)
            case "uplift":
                self.tries(ProposeUplift(name, year, "always pays", on), "specialist")
                if chance.below(3):
                    approved = chance.below(4) > 0
                    self.tries(DecideUplift(name, year, approved, on, "so it is"), top)
            case "review":
                review = self.number("RV")
                self.tries(ContestGrading(name, year, review, "not so", on, word), "specialist")
                if chance.below(8) == 0:
                    return
                result = chance.one_of(("upheld", "corrected", "overridden", "overridden"))
                layer, until = None, None
                if result == "overridden":
                    layer = chance.one_of(model.LAYERS)
                    until = on + timedelta(days=chance.one_of((10, 60, 500)))
                for one in self.reviews(name):
                    review = DecideReview(name, one, result, "looked at", on, layer, until)
                    self.tries(review, top)
            case "automatic":
                act = chance.one_of((RefuseAutomatic, RefuseAutomatic, AcceptAutomatic))
                self.tries(act(name, on, word), "specialist")

    def reviews(self, name: str) -> list[str]:
        """Those that are open."""
        standing = self.crm.gradings.history(name)
        return sorted({now.review.review for now in standing if now.review is not None})

    @property
    def today(self) -> date:
        return local_date(self.clock.at)

    def tries(self, command: Any, by: str | Actor) -> bool:
        """Whether it was done: whoever has the role does it, one of several persons."""
        if isinstance(by, str):
            # LOG-08: nobody decides their own, so there are enough of them.
            by = Actor(f"{by[0].upper()}{self.chance.between(1, 9)}", by)
        try:
            self.crm.do(command, by=by)
        except (Refused, Invalid) as refused:
            SEEN[f"refused: {type(command).__name__}"] += isinstance(refused, Refused)
            return False
        SEEN[type(command).__name__] += 1
        return True

    def stands_as_the_model_says(self) -> None:
        """Layer, type, status and conflicts of every household and year."""
        steps = list(steps_of(self.crm.log.feed()))
        for name in HOMES:
            history = self.crm.gradings.history(name)
            for year in YEARS:
                of_year = [now for now in history if now.grading.year == year]
                expected = model.standing(steps, name, year, self.today)
                if expected is None:
                    assert of_year == []
                    continue
                now = of_year[-1]
                computed = now.grading.outcome
                SEEN.update(now.conflicts)
                SEEN[now.status] += 1
                ours = (now.layer, now.type, now.status, set(now.conflicts))
                theirs = (expected.layer, expected.type, expected.status, expected.conflicts)
                assert ours == theirs, (name, year)
                assert of_year[0].grading.run == expected.run
                assert (computed.layer, computed.type) == (
                    expected.computed_layer,
                    expected.computed_type,
                )


SEEN: Counter[str] = Counter()
"""What happened, for whoever wonders whether it did."""


def play(chance: Chance) -> None:
    """A dozen of things happen, and after each of them every household stands as it must."""
    with closing(People(chance)) as people:
        for _ in range(chance.between(8, 16)):
            happens = chance.one_of(
                (
                    "graded",
                    "graded",
                    "replaced",
                    "replaced",
                    "replaced",
                    "days_pass",
                    "next_year",
                )
                + ("decided",) * 7
            )
            getattr(people, happens)()
            people.stands_as_the_model_says()


@pytest.mark.case("K31")
@pytest.mark.rule("GRD-17", "GRD-05", "GRD-13", "GRD-03")
@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**9))
def test_a_household_stands_as_the_model_says(seed: int) -> None:
    before = SEEN.copy()
    play(Chance(seed, 18, 0))
    for what in SEEN - before:
        event(what)


@pytest.mark.rule("GRD-17", "GRD-13")
def test_a_replaced_record_moves_nobody_from_where_a_correction_put_them_already() -> None:
    with open_crm("memory:") as crm:
        crm.host.clock = FixedClock(START)
        home(crm, "V1", buys=9_350_00)
        first, on = crm.grade(2011), local_date(START)
        late = RecordPurchase("V1", "X", "gym", 15_000_00, date(2011, 8, 1))
        do(crm, late, at=START)
        word = Word("V1#owner", "phone", "call-7")
        specialist, manager = Actor("S1", "specialist"), Actor("M1", "manager")
        crm.do(ContestGrading("V1", 2011, "RV1", "not so", on, word), by=specialist)
        crm.do(DecideReview("V1", "RV1", "corrected", "late facts", on), by=manager)
        again = crm.grade(2011)
        assert (first.standing, again.standing) == ("of_record", "trial")
        assert (first.gradings[0].outcome.layer, again.gradings[0].outcome.layer) == (
            "ordinary",
            "important",
        )
        assert crm.gradings.replacing(2011, again.run) == ()
