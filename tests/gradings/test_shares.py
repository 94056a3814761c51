"""Shares of the layers: reported, not forced; and a quota that pins its whole cohort."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_core.application.studies import plain
from crm_core.crm import CRM
from crm_core.errors import DecisionMismatch, Invalid, Refused
from crm_core.gradings import YEAR, Facts
from crm_core.gradings.commands import AllotQuota, Cohort
from crm_core.gradings.events import RunCompleted, RunStarted
from crm_core.gradings.reading import DEFAULT_READING, Reading
from crm_core.gradings.studies.shares import (
    Candidate,
    SharesPolicy,
    allot,
    cohort_digest,
    drift,
    places_digest,
)
from crm_core.kernel.dates import start_of_day
from crm_core.kernel.policy import PolicyFault, PolicyRef
from crm_core.payments.commands import RecordPurchase
from crm_core.payments.credit import DEFAULT_CREDIT, CreditPolicy
from crm_core.policies import PolicyBook
from crm_core.slices import shipped
from crm_core.testing.scenario import given as scenario
from crm_core.testing.strategies.gradings import facts
from estate import (
    DAY,
    DEFAULT,
    DIRECTOR,
    MANAGER,
    START,
    FixedClock,
    changed,
    crm,
    do,
    home,
    policy_text,
    with_policies,
)
from policy_faults import said

__all__ = ["crm"]

CREDIT = shipped().find(CreditPolicy, DEFAULT_CREDIT, DAY)
READING = shipped().find(Reading, DEFAULT_READING, DAY)
SHARES = shipped().find(SharesPolicy, "shares-cn-default", DAY)


@pytest.mark.rule("GRD-04")
def test_the_expected_shares_are_those_of_the_method() -> None:
    assert [(share.layer, share.permille) for share in SHARES.shares] == [
        ("important", 10), ("main", 190), ("ordinary", 300), ("small", 500)
    ]  # fmt: skip


@pytest.mark.rule("GRD-04")
def test_a_drift_report_compares_shares_and_changes_nothing(crm: CRM) -> None:
    home(crm, "V1", buys=12_000_00)
    for n in range(2, 5):
        home(crm, f"V{n}")
    crm.grade(2011)
    head = crm.log.head()
    found = {line.layer: line for line in crm.studies.drift(2011)}
    assert [(line.households, line.permille) for line in found.values()] == [
        (0, 0), (1, 250), (0, 0), (3, 750)
    ]  # fmt: skip
    assert [layer for layer, line in found.items() if line.drifted] == [
        "main", "ordinary", "small"
    ]  # fmt: skip
    assert {line.before_permille for line in found.values()} == {None}
    crm.host.clock = FixedClock(start_of_day(date(2013, 1, 2)))
    crm.grade(2012)  # all insufficient: no shares at all
    then = crm.studies.drift(2012)
    assert [line.before_permille for line in then] == [0, 250, 0, 750]
    assert {(line.permille, line.drifted) for line in then} == {(0, False)}
    assert len(list(crm.log.feed(after=head))) == 4 + 2


@pytest.mark.rule("GRD-04")
@pytest.mark.parametrize(("away", "drifted"), [(0, False), (50, False), (51, True), (-51, True)])
def test_a_share_has_drifted_beyond_the_tolerance(away: int, *, drifted: bool) -> None:
    layers = ["small"] * (500 + away) + ["ordinary"] * (500 - away)
    [small] = [line for line in drift(layers, None, SHARES) if line.layer == "small"]
    assert (small.permille, small.drifted) == (500 + away, drifted)


# --- quota -----------------------------------------------------------------------------------

LAYERS = ("important", "main", "ordinary", "small", "insufficient")


@st.composite
def cohorts(draw: st.DrawFn) -> tuple[Candidate, ...]:
    several = draw(st.lists(st.tuples(st.sampled_from(LAYERS), facts()), max_size=40))
    return tuple(Candidate(f"V{n:02}", layer, seen) for n, (layer, seen) in enumerate(several))


@pytest.mark.rule("GRD-04", "GRD-15")
@settings(max_examples=150)
@given(cohorts(), st.randoms(use_true_random=False))
def test_a_quota_is_by_merit_parts_no_equals_and_knows_no_names(
    cohort: tuple[Candidate, ...], chance: Any
) -> None:
    places = {place.household: place for place in allot(cohort, SHARES)}
    graded = [one for one in cohort if one.layer != "insufficient"]
    assert {*places} == {one.household for one in graded}
    merits = {
        one.household: (
            LAYERS.index(one.layer),
            one.facts.credit,
            one.facts.worst_credit,
            -one.facts.purchases_fen,
        )
        for one in graded
    }
    for one in graded:
        for other in graded:
            better = places[one.household].rank < places[other.household].rank
            assert better == (merits[one.household] < merits[other.household])
            if merits[one.household] == merits[other.household]:
                assert places[one.household].layer == places[other.household].layer
            elif better:
                assert LAYERS.index(places[one.household].layer) <= LAYERS.index(
                    places[other.household].layer
                )
    # Sizes are as expected where nobody is equal.
    if len({*merits.values()}) == len(graded):
        total = len(graded)
        counts = [sum(p.layer == layer for p in places.values()) for layer in LAYERS[:4]]
        ends = [total * permille // 1000 for permille in (10, 200, 500, 1000)]
        assert [sum(counts[: n + 1]) for n in range(4)] == ends
    names = [one.household for one in cohort]
    others = list(names)
    chance.shuffle(others)
    renamed = dict(zip(names, others, strict=True))
    again = allot(tuple(evolve(one, household=renamed[one.household]) for one in cohort), SHARES)
    assert {(place.household, place.layer) for place in again} == {
        (renamed[home], place.layer) for home, place in places.items()
    }


@pytest.mark.rule("GRD-04")
def test_an_allotment_stands_beside_the_gradings_and_is_decided_again_when_read(crm: CRM) -> None:
    for n in range(10):
        home(crm, f"V{n}", buys=n * 1_000_00)
    before = crm.grade(2011)
    told = crm.studies.allot(2011, by=MANAGER)
    assert [place.layer for place in told.places] == [
        "small", "small", "small", "small", "small", "ordinary", "ordinary", "ordinary", "main",
        "main",
    ]  # fmt: skip
    assert [place.rank for place in told.places] == list(range(10, 0, -1))
    head = crm.log.head()
    assert crm.studies.allot(2011, by=MANAGER) == told == crm.studies.quota(2011)
    # Nor does it matter who asks for it once more, and when.
    crm.host.clock = FixedClock(crm.clock.now() + timedelta(days=1))
    assert crm.studies.allot(2011, by=DIRECTOR) == told
    assert crm.log.head() == head
    assert crm.gradings.grades(2011) == before
    assert crm.replay().differing == ()
    assert plain(told)["cohort_digest"] == told.cohort_digest
    # Another run is another cohort, and has no allotment until it is asked for one (GRD-17).
    do(crm, RecordPurchase("V0", "B9", "x", 50_000_00, date(2011, 7, 1)))
    again = crm.grade(2011)
    assert crm.studies.quota(2011) == told
    with pytest.raises(Refused) as refused:
        crm.studies.allot(2011, run=again.run, by=MANAGER)
    assert (refused.value.reason, refused.value.rule) == ("quota_of_trial", "GRD-17")
    moved = crm.gradings.replacing(2011, again.run)
    crm.gradings.replace(2011, again.run, "as it is known now", by=DIRECTOR, moves=len(moved))
    with pytest.raises(Invalid) as found:
        crm.studies.quota(2011)
    assert found.value.faults[0].code == "quota_unknown"
    assert crm.studies.quota(2011, run=before.run) == told


@pytest.mark.rule("GRD-04")
def test_a_quota_is_about_all_households_of_a_complete_run() -> None:
    ref = PolicyRef("0" * 64, "p", 1)
    started = RunStarted(
        run="r",
        year=2011,
        trial=False,
        as_of=False,
        policy=ref,
        in_force=ref,
        credit_policy=ref,
        reading=ref,
        cutoff_position=5,
        cutoff_known=START,
        started_at=START,
        year_ended=START,
        unseen=0,
    )
    one = Candidate("V1", "main", _facts())
    command = AllotQuota("r", 2011, cohort=Cohort((one,)), policy=SHARES, on=DAY)
    scenario(YEAR).when(command).refused("run_not_started", "GRD-12")
    scenario(YEAR, started).when(command).refused("cohort_incomplete", "GRD-04")
    two = (started, RunCompleted("r", 2011, 2))
    scenario(YEAR, *two).when(command).refused("cohort_incomplete", "GRD-04")
    done = (started, RunCompleted("r", 2011, 1))
    [allotted] = scenario(YEAR, *done).when(command).events
    assert allotted.cohort_digest == cohort_digest((one,))
    assert allotted.places_digest == places_digest(allot((one,), SHARES))
    scenario(YEAR, *done, allotted).when(command).nothing()


@pytest.mark.rule("GRD-04")
def test_a_pinned_cohort_is_pinned_by_every_fact_its_places_depend_on() -> None:
    one, other = Candidate("V1", "main", _facts()), Candidate("V2", "main", _facts())
    before = cohort_digest((one, other))
    for changed_too in (
        (one,),
        (one, evolve(other, household="V3")),
        (one, evolve(other, layer="small")),
        (one, evolve(other, facts=evolve(_facts(), purchases_fen=1))),
        (one, evolve(other, facts=evolve(_facts(), credit="B1"))),
        (one, evolve(other, facts=evolve(_facts(), worst_credit="B1"))),
    ):
        assert cohort_digest(changed_too) != before


@pytest.mark.rule("GRD-04")
def test_an_allotment_that_does_not_follow_is_not_read(crm: CRM) -> None:
    home(crm, "V1", buys=1)
    home(crm, "V2", buys=2)
    run = crm.grade(2011)
    crm.studies.allot(2011, by=MANAGER)
    text = changed(policy_text("shares-cn-default"), "permille = 190", "permille = 490")
    text = changed(text, "permille = 500", "permille = 200")
    other = SharesPolicy.parse(text)
    forged = evolve(other, ref=SHARES.ref)
    book = PolicyBook([forged, DEFAULT, CREDIT, READING])
    with pytest.raises(DecisionMismatch):
        with_policies(crm, book).studies.quota(2011, run=run.run)


@pytest.mark.rule("GRD-04", "GRD-11")
@pytest.mark.parametrize(
    ("before", "after", "path"),
    [
        ("permille = 190", "permille = 191", "shares"),
        ("permille = 190", "permille = -190", "shares"),
        ('layer = "main"', 'layer = "small"', "shares"),
        ("tolerance_permille = 50", "tolerance_permille = -1", "tolerance_permille"),
        ('kind = "shares"', 'kind = "quota"', "kind"),
    ],
)
def test_a_faulty_table_of_shares_is_refused(before: str, after: str, path: str) -> None:
    with pytest.raises(PolicyFault) as found:
        SharesPolicy.parse(changed(policy_text("shares-cn-default"), before, after))
    assert path in said(found.value)


def _facts() -> Facts:
    return Facts(0, 0, 1, 0, 0, "A", 0, 0, 0, 0, 0, "A")
