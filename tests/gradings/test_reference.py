"""The library grades as a slow, obvious grader does that shares no code with it.

What both read are the same facts: generated estates with everything that can happen to an account,
entered late, back-dated and out of order; and a real estate of four thousand households.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from attrs import asdict
from history_reference import POLICIES, decided_by, reference_households
from hypothesis import event, given, settings
from hypothesis import strategies as st

import reference_grader as reference
from crm_adapters.files.importing import import_files
from crm_adapters.wiring import open_crm
from crm_core.crm import CRM
from crm_core.gradings import Facts
from crm_core.gradings.views import grading_row
from crm_core.kernel.dates import parse_instant
from crm_core.kernel.recorded import Actor
from crm_core.testing.strategies import Estate, estates, knowledge, play
from reference_facts import as_they_can_be

ESTATE = (
    Path(os.getenv("CRM_SHARED_DATA") or Path(__file__).parents[3] / "shared" / "data") / "estate"
)

graded_rules = pytest.mark.rule(
    "PAY-02", "PAY-03", "PAY-04", "PAY-07", "GRD-02", "GRD-03", "GRD-12"
)


@st.composite
def estates_as_known(draw: st.DrawFn) -> tuple[Estate, datetime, date]:
    """An estate around some year, an instant to know it at, and a day to look at."""
    year = draw(st.sampled_from([2011, 2012, 2099]) | st.integers(2002, 2030))
    day = draw(st.dates(date(year - 1, 1, 1), date(year + 1, 12, 31)))
    return draw(estates(year)), draw(knowledge(year)), day


@graded_rules
@settings(max_examples=200)
@given(estates_as_known())
def test_generated_estates_are_graded_as_the_reference_grades_them(
    told: tuple[Estate, datetime, date],
) -> None:
    estate, known, day = told
    with open_crm("memory:") as crm:
        accepted = play(crm, estate)
        households = reference_households(estate.households, accepted, known)
        run = crm.grade(estate.year, known=known, trial=True)
        facts = [reference.facts_of(one, estate.year, known) for one in households]
        assert [asdict(grading.facts) for grading in run.gradings] == facts
        policy = str(run.policy)
        pairs = zip(households, facts, strict=True)
        expected = [reference.grading_from(*pair, policy) for pair in pairs]
        assert [grading_row(grading) for grading in run.gradings] == expected
        assert [
            (line.household, line.grade, line.overdue_days, line.overdue_fen)
            for line in crm.accounts.credit(day, known=known)
        ] == [(one.id, *reference.credit(one, day, known)) for one in households]
    for row in expected:
        event(row["layer"])
        event(row["type"])


# --- a real estate ---------------------------------------------------------------------------

HOST = Actor("wang", "host")


@pytest.fixture(scope="module")
def real() -> Iterator[CRM]:
    if not (ESTATE / "households.csv").is_file():
        pytest.skip(f"no estate in `{ESTATE}`: set CRM_SHARED_DATA to the folder that holds it")
    with open_crm("memory:") as crm:
        report = import_files(crm, [ESTATE], by=HOST)
        assert report.faults == []
        yield crm


YEAR_END = parse_instant("2011-12-31T23:59:59+08:00")


@pytest.fixture(scope="module")
def households(real: CRM) -> list[reference.Household]:
    return reference.read_estate(ESTATE)


@pytest.fixture(scope="module")
def in_the_end(households: list[reference.Household]) -> dict[str, dict[str, Any]]:
    """The facts by the reference once everything is known."""
    known = reference.EVERYTHING_KNOWN
    return {one.id: reference.facts_of(one, 2011, known) for one in households}


def graded_by(
    policy: str, households: list[reference.Household], facts: dict[str, dict[str, Any]]
) -> list[dict[str, Any]]:
    """What the reference says of these facts."""
    return [reference.grading_from(one, facts[one.id], policy) for one in households]


def heard_of_after(household: reference.Household, known: datetime) -> bool:
    booked = (*household.charges, *household.payments, *household.purchases)
    return any(fact.recorded > known for fact in booked) or any(
        request.received_at > known for request in household.requests
    )


@graded_rules
@pytest.mark.parametrize("policy", POLICIES)
def test_a_real_estate_is_graded_as_the_reference_grades_it(
    real: CRM,
    households: list[reference.Household],
    in_the_end: dict[str, dict[str, Any]],
    policy: str,
) -> None:
    run = real.grade(2011, policy=policy)
    rows = [grading_row(grading) for grading in run.gradings]
    assert rows == graded_by(policy, households, in_the_end)
    facts = [asdict(grading.facts) for grading in run.gradings]
    assert facts == list(in_the_end.values())
    # Were one layer missing, the comparison would say little.
    assert {row["layer"] for row in rows} == {"important", "main", "ordinary", "small"}


@graded_rules
def test_a_real_estate_as_it_was_known_at_the_years_end_is_graded_so_too(
    real: CRM, households: list[reference.Household], in_the_end: dict[str, dict[str, Any]]
) -> None:
    """Where nothing was heard of later, knowing more changes nothing; the others are told again."""
    later = [one for one in households if heard_of_after(one, YEAR_END)]
    then = {one.id: reference.facts_of(one, 2011, YEAR_END) for one in later}
    assert len(then) > 100
    for policy in POLICIES:
        run = real.grade(2011, known=YEAR_END, policy=policy)
        rows = [grading_row(grading) for grading in run.gradings]
        assert rows == graded_by(policy, households, in_the_end | then)
        assert rows != graded_by(policy, households, in_the_end)


@pytest.mark.rule("GRD-02", "GRD-03", "GRD-12")
@pytest.mark.parametrize("policy", POLICIES)
@settings(max_examples=500)
@given(facts=as_they_can_be())
def test_the_tables_of_every_policy_say_what_the_rules_say(
    policy: str, facts: dict[str, Any]
) -> None:
    """The reference tries smaller purchases where the tables have rows for them."""
    type, layer = decided_by(policy, Facts(**facts))
    assert type == reference.type_from(facts, policy)
    assert layer == reference.layer_from(facts, policy)
    event(layer)


@pytest.mark.rule("GRD-08", "GRD-09")
def test_a_real_estate_is_replayed_to_the_same_bytes(real: CRM) -> None:
    run = real.grade(2011, known=YEAR_END)
    replayed = real.replay(2011)
    assert replayed.differing == ()
    assert replayed.identical == replayed.gradings >= len(run.gradings)
