"""The contract suite of `FactsEngine`: every engine gives the rows of the events engine.

    class TestFrames(FactsEngineContract):
        name = "frames"

        def make_crm(self):
            return open_crm("memory:", engines=[...])

Histories have late, reversed, moved, disputed and back-dated facts. Needs pytest and hypothesis.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from crm_core.crm import CRM
from crm_core.errors import Invalid
from crm_core.gradings.engines.events import EventsEngine
from crm_core.gradings.engines.port import Ask, FactsEngine
from crm_core.gradings.policy import GradingPolicy
from crm_core.gradings.reading import DEFAULT_READING, Reading
from crm_core.kernel.dates import Period
from crm_core.payments.credit import CreditPolicy
from crm_core.slices import shipped
from crm_core.testing.strategies.dealings import Estate, estates, knowledge, merging_estates, play
from crm_core.testing.towns import Town, fill, known_at, plant_errors
from crm_core.testing.towns.planted import forge

YEAR = 2011
EXAMPLES = 25

TOWN = Town(seed=2, households=150)
"""Households by the hundred, where what is rare in single histories happens, too."""

_TABLES = (
    "credit-cn-default",
    "credit-months",
    "credit-ageing-30",
    "credit-amount-in-months-of-fee",
)
_POLICIES = ("grade-cn-default", "grade-cn-default/1", "grade-cn-monotone")


class FactsEngineContract:
    """What every facts engine does.

    Subclass it, name the engine, and make a CRM over an empty log that has it.
    """

    name: str
    examples = EXAMPLES
    """Histories tried per question; fewer for an engine to which a question costs much."""

    def make_crm(self) -> CRM:
        """A CRM over an empty log."""
        raise NotImplementedError

    def test_it_is_an_engine_under_its_name(self) -> None:
        with self.make_crm() as crm:
            engine = crm.gradings.engine(self.name)
            assert isinstance(engine, FactsEngine)
            assert engine.name == self.name
            with pytest.raises(Invalid):
                crm.gradings.engine(f"not-{self.name}")

    def test_facts_evidence_type_and_layer_are_those_of_the_events(self) -> None:
        self._on_histories(_same_facts)

    def test_credit_and_arrears_of_any_day_are_those_of_the_events(self) -> None:
        self._on_histories(_same_credit)

    def test_runs_replays_and_what_ifs_are_those_of_the_events(self) -> None:
        self._on_histories(_same_runs)

    def test_every_planted_error_is_found_and_no_other(self) -> None:
        self._on_histories(_same_findings)

    def test_files_that_were_merged_are_one_household_to_every_engine(self) -> None:
        """By day and by knowledge; a merge that was undone is none (OWN-09)."""
        for check in (_same_facts, _same_credit, _same_runs):
            self._on_histories(check, merging_estates(YEAR))

    def test_a_town_is_graded_and_its_planted_errors_are_found(self) -> None:
        with self.make_crm() as crm:
            fill(crm.log, TOWN)
            _same_town(crm, self.name, TOWN)

    def _on_histories(
        self,
        check: Callable[[CRM, str, datetime, st.DataObject], None],
        histories: SearchStrategy[Estate] | None = None,
    ) -> None:
        @settings(max_examples=self.examples)
        @given(estates(YEAR) if histories is None else histories, knowledge(YEAR), st.data())
        def on_histories(estate: Estate, known: datetime, data: st.DataObject) -> None:
            with self.make_crm() as crm:
                play(crm, estate)
                check(crm, self.name, known, data)

        on_histories()


def _same_town(crm: CRM, name: str, town: Town) -> None:
    engine, reference = crm.gradings.engine(name), EventsEngine(crm.log, crm.zone)
    for year in range(town.first_year, town.first_year + town.years):
        window = Period.of_year(year)
        credit = shipped().find(CreditPolicy, _TABLES[0], window.end)
        reading = shipped().find(Reading, DEFAULT_READING, window.end)
        ask = Ask(window, crm.gradings.cutoff(known_at(year)), credit, reading)
        assert list(engine.gather(ask)) == list(reference.gather(ask))
        on, known = window.end, known_at(year)
        assert list(engine.credit(on, known, credit)) == list(reference.credit(on, known, credit))
        assert list(engine.arrears(on, None, credit)) == list(reference.arrears(on, None, credit))
        crm.grade(year, known=known, engine=name)
    assert crm.replay(engine=name).differing == ()
    planted = {(one.household, one.year, one.run) for one in plant_errors(crm, 1, count=25)}
    found = crm.replay(engine=name)
    assert {(one.household, one.year, one.run) for one in found.differing} == planted
    assert len(found.differing) == len(planted) == 25
    assert found.differing == crm.replay().differing


def _same_facts(crm: CRM, name: str, known: datetime, data: st.DataObject) -> None:
    engine, reference = crm.gradings.engine(name), EventsEngine(crm.log, crm.zone)
    window = Period.of_year(data.draw(st.integers(YEAR - 1, YEAR + 1)))
    credit = shipped().find(CreditPolicy, data.draw(st.sampled_from(_TABLES)), window.end)
    policy = shipped().find(GradingPolicy, data.draw(st.sampled_from(_POLICIES)), window.end)
    reading = shipped().find(Reading, DEFAULT_READING, window.end)
    for cutoff in (crm.gradings.cutoff(None), crm.gradings.cutoff(known)):
        ask = Ask(window, cutoff, credit, reading)
        rows = list(reference.gather(ask))
        assert list(engine.gather(ask)) == rows
        assert list(engine.assess(ask, policy)) == list(reference.assess(ask, policy))
        some = [row.household for row in rows[::2]]
        if some:
            assert list(engine.gather(ask, some)) == rows[::2]


def _same_credit(crm: CRM, name: str, known: datetime, data: st.DataObject) -> None:
    engine, reference = crm.gradings.engine(name), EventsEngine(crm.log, crm.zone)
    for instant in (None, known):
        on = date(YEAR, 1, 1) + timedelta(days=data.draw(st.integers(-10, 500)))
        table = shipped().find(CreditPolicy, data.draw(st.sampled_from(_TABLES)), on)
        assert list(engine.credit(on, instant, table)) == list(reference.credit(on, instant, table))
        assert list(engine.arrears(on, instant, table)) == list(
            reference.arrears(on, instant, table)
        )


def _same_runs(crm: CRM, name: str, known: datetime, _: st.DataObject) -> None:
    run = crm.grade(YEAR, known=known, engine=name)
    head = crm.log.head()
    # The same run, whoever computed it first: the engine is no part of what was decided.
    assert crm.grade(YEAR, known=known) == run
    crm.grade(YEAR + 1)
    ours, theirs = crm.replay(engine=name), crm.replay()
    assert (ours.differing, ours.gradings, ours.identical) == (
        (),
        theirs.gradings,
        theirs.identical,
    )
    assert ours.engine == name
    assert crm.replay(YEAR, engine=name).gradings == len(run.gradings)
    monotone = shipped().find(GradingPolicy, "grade-cn-monotone", date(YEAR, 12, 31))
    # By name: with less than was known it is a trial.
    found = crm.studies.what_if([YEAR], monotone, run=run.run, engine=name)
    assert found == crm.studies.what_if([YEAR], monotone, run=run.run)
    assert crm.log.head() > head or not run.gradings


def _same_findings(crm: CRM, name: str, known: datetime, data: st.DataObject) -> None:
    run = crm.grade(YEAR, known=known)
    if not run.gradings:
        return
    planted = data.draw(st.lists(st.sampled_from(run.gradings), min_size=1, unique_by=id))
    for number, grading in enumerate(planted):
        fen = grading.facts.purchases_fen + data.draw(st.sampled_from([-1, 1, 10_000]))
        wrong = evolve(grading, run="forged", facts=evolve(grading.facts, purchases_fen=fen))
        forge(crm.log, wrong, f"forged-{number}")
    found = crm.replay(engine=name)
    assert found.differing == crm.replay().differing
    assert {f.household for f in found.differing} == {g.household for g in planted}
    assert {f.run for f in found.differing} == {"forged"}
