"""The literal model of what people decide, against records that come one after another."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standing_reference import (
    AWAITING,
    COMPUTED,
    CONFIRMATION,
    CONFIRMED,
    CONTESTED,
    LAYERS,
    OVERRIDDEN,
    OVERRIDE,
    PROVISIONAL,
    TYPE,
    UPLIFT,
    AutomaticAccepted,
    AutomaticRefused,
    BecameRecord,
    Contested,
    Graded,
    GradingConfirmed,
    Held,
    ReviewDecided,
    Step,
    Subject,
    TypeConfirmed,
    TypeProposed,
    UpliftDecided,
    UpliftProposed,
    had_a_part,
    may_contest,
    may_refuse,
    standing,
)

DAY = date(2025, 3, 1)
HOME = Subject("V1", "first", 2024)
NEXT_YEAR = replace(HOME, year=2025)
BUYER = replace(HOME, tenure="2024-11-01")

ALL_ORDINARY = dict.fromkeys(("cautious", "lively", "ordinary"), "ordinary") | {"problem": "small"}
ORDINARY = Graded("ordinary", ALL_ORDINARY, cutoff=10)
BETTER = Graded("ordinary", ALL_ORDINARY | {"ordinary": "main", "lively": "main"}, cutoff=50)
IMPORTANT = Graded("ordinary", dict.fromkeys(ALL_ORDINARY, "important"), cutoff=10)


def first(graded=ORDINARY, about=HOME):
    return BecameRecord(about, "A", graded)


def later(graded, about=HOME):
    return BecameRecord(about, "B", graded)


def told(*steps, on=DAY, year=2024):
    found = standing(steps, "V1", year, on)
    assert found is not None
    return found.layer, found.type, found.status, set(found.conflicts)


def typed(type):
    return TypeProposed(HOME, type, "S1"), TypeConfirmed(HOME, "U1")


def uplifted(layer="ordinary", *, approved=True):
    return UpliftProposed(HOME, layer, "S1"), UpliftDecided(HOME, approved, "M1")


def overridden(layer="main", until=date(2025, 12, 31)):
    return (
        Contested(HOME, "R1", "S1"),
        ReviewDecided(HOME, "R1", "overridden", "M1", layer, until),
    )


def test_without_a_record_nothing_stands() -> None:
    assert standing((), "V1", 2024, DAY) is None
    assert standing(typed("lively"), "V1", 2024, DAY) is None
    assert standing((first(),), "V1", 2023, DAY) is None
    assert standing((first(),), "V2", 2024, DAY) is None
    assert told(first()) == ("ordinary", "ordinary", COMPUTED, set())


@pytest.mark.case("K31")
def test_a_contest_stays_open_whatever_becomes_the_record() -> None:
    contested = Contested(HOME, "R1", "S1")
    assert told(first(), contested)[2] == CONTESTED
    assert told(first(), contested, later(BETTER)) == ("main", "ordinary", CONTESTED, set())
    upheld = ReviewDecided(HOME, "R1", "upheld", "M1")
    assert told(first(), contested, later(BETTER), upheld)[2] == COMPUTED
    assert told(first(), contested, upheld, later(BETTER))[2] == COMPUTED
    again = Contested(HOME, "R2", "S1")
    assert told(first(), contested, again, upheld, later(BETTER))[2] == CONTESTED


def test_nothing_adverse_is_done_while_it_is_contested_or_provisional() -> None:
    for step in (Contested(HOME, "R1", "S1"), AutomaticRefused("V1", "first")):
        found = standing((first(), step, later(BETTER)), "V1", 2024, DAY)
        assert found is not None
        assert not found.adverse_use


@pytest.mark.case("K31")
def test_an_override_stays_to_its_last_day_beside_what_is_computed() -> None:
    steps = (first(), *overridden("important"), later(BETTER))
    assert told(*steps) == ("important", "ordinary", OVERRIDDEN, set())
    assert told(*steps, on=date(2025, 12, 31))[0] == "important"
    assert told(*steps, on=date(2026, 1, 1)) == ("main", "ordinary", COMPUTED, set())
    found = standing(steps, "V1", 2024, DAY)
    assert found is not None
    assert (found.computed_layer, found.computed_type) == ("main", "ordinary")


def test_an_override_to_a_layer_that_the_policy_does_not_know_is_a_conflict() -> None:
    other = replace(BETTER, layers=("small", "ordinary"))
    steps = (first(), *overridden("main"))
    assert told(*steps, later(replace(ORDINARY, layers=("small", "ordinary")))) == (
        "ordinary", "ordinary", COMPUTED, {OVERRIDE},
    )  # fmt: skip
    # It is not gone: with another record it applies again.
    assert told(*steps, later(other), BecameRecord(HOME, "C", BETTER))[2] == OVERRIDDEN


def test_a_confirmed_type_is_applied_and_the_layer_follows_it() -> None:
    assert told(first(), *typed("lively"), later(BETTER)) == ("main", "lively", COMPUTED, set())
    assert told(first(), *typed("cautious"), later(BETTER))[:2] == ("ordinary", "cautious")
    # Proposed only, or confirmed by who proposed it, it is none.
    assert told(first(), typed("lively")[0], later(BETTER))[1] == "ordinary"
    alone = TypeProposed(HOME, "lively", "S1"), TypeConfirmed(HOME, "S1")
    assert told(first(), *alone)[1] == "ordinary"
    # Proposed before a record changed, and confirmed after it, it is one.
    proposed, confirmed = typed("lively")
    assert told(first(), proposed, later(BETTER), confirmed)[1] == "lively"


def test_the_type_problem_without_a_hard_fact_is_a_conflict() -> None:
    hard = replace(ORDINARY, hard_fact=True)
    assert told(first(hard), *typed("problem")) == ("small", "problem", COMPUTED, set())
    assert told(first(hard), *typed("problem"), later(BETTER)) == (
        "main", "ordinary", COMPUTED, {TYPE},
    )  # fmt: skip
    assert told(first(hard), *typed("problem"), later(replace(BETTER, hard_fact=True)))[0] == (
        "small"
    )


def test_an_uplift_is_one_layer_from_the_layer_it_was_approved_from() -> None:
    assert told(first(), *uplifted()) == ("main", "ordinary", OVERRIDDEN, set())
    assert told(first(), *uplifted(), later(replace(ORDINARY, cutoff=50)))[0] == "main"
    assert told(first(), *uplifted(approved=False))[0] == "ordinary"
    assert told(first(), *uplifted(), later(BETTER)) == ("main", "ordinary", COMPUTED, {UPLIFT})
    down = Graded("ordinary", dict.fromkeys(ALL_ORDINARY, "small"))
    assert told(first(), *uplifted(), later(down)) == ("small", "ordinary", COMPUTED, {UPLIFT})
    late = replace(ORDINARY, credit="B2")
    assert told(first(), *uplifted(), later(late)) == ("ordinary", "ordinary", COMPUTED, {UPLIFT})
    nothing_due = Graded("ordinary", dict.fromkeys(ALL_ORDINARY, "insufficient"))
    assert told(first(), *uplifted(), later(nothing_due))[0] == "insufficient"


def test_an_uplift_is_over_once_the_next_year_has_a_record() -> None:
    steps = (first(), *uplifted(), first(about=NEXT_YEAR))
    assert told(*steps) == ("ordinary", "ordinary", COMPUTED, set())
    assert told(*steps, year=2025) == ("ordinary", "ordinary", COMPUTED, set())
    assert told(*steps, later(BETTER)) == ("main", "ordinary", COMPUTED, set())


def test_important_is_confirmed_by_two_persons() -> None:
    manager = GradingConfirmed(HOME, "important", "manager", "M1")
    director = GradingConfirmed(HOME, "important", "director", "D1")
    assert told(first(IMPORTANT))[2] == AWAITING
    assert told(first(IMPORTANT), manager)[2] == AWAITING
    assert told(first(IMPORTANT), manager, director)[2] == CONFIRMED
    assert told(first(IMPORTANT), manager, replace(director, by="M1"))[2] == AWAITING
    assert told(first(IMPORTANT), manager, later(replace(IMPORTANT, cutoff=50)), director) == (
        "important", "ordinary", CONFIRMED, set(),
    )  # fmt: skip
    assert told(first(IMPORTANT), manager, director, later(BETTER)) == (
        "main", "ordinary", COMPUTED, {CONFIRMATION},
    )  # fmt: skip


def test_a_confirmation_stays_beside_the_next_and_is_of_the_layer_before_an_uplift() -> None:
    ordinary = GradingConfirmed(HOME, "ordinary", "supervisor", "U1")
    main = replace(ordinary, layer="main")
    steps = (first(), ordinary, later(BETTER))
    assert told(*steps)[2:] == (COMPUTED, {CONFIRMATION})
    assert told(*steps, main)[2:] == (CONFIRMED, {CONFIRMATION})
    assert told(first(), ordinary, *uplifted()) == ("main", "ordinary", OVERRIDDEN, set())
    assert told(first(), *uplifted(), main) == ("main", "ordinary", OVERRIDDEN, {CONFIRMATION})


def test_what_an_owner_refused_is_provisional_until_a_person_confirms() -> None:
    refused, accepted = AutomaticRefused("V1", "first"), AutomaticAccepted("V1", "first")
    confirmed = GradingConfirmed(HOME, "ordinary", "supervisor", "U1")
    assert told(first(), refused)[2] == PROVISIONAL
    assert told(first(), refused, accepted)[2] == COMPUTED
    assert told(first(), refused, confirmed)[2] == CONFIRMED
    # A later record is as automatic as the first was.
    assert told(first(), refused, confirmed, later(replace(ORDINARY, cutoff=50)))[2] == CONFIRMED
    assert told(first(), refused, confirmed, later(BETTER)) == (
        "main", "ordinary", PROVISIONAL, {CONFIRMATION},
    )  # fmt: skip
    assert told(first(), refused, first(about=NEXT_YEAR), year=2025)[2] == PROVISIONAL
    assert told(first(about=BUYER), refused)[2] == COMPUTED


def test_a_correction_stands_while_the_record_has_not_read_as_far() -> None:
    corrected = ReviewDecided(HOME, "R1", "corrected", "M1", correction=replace(BETTER, cutoff=30))
    steps = (first(), Contested(HOME, "R1", "S1"), corrected)
    assert told(*steps) == ("main", "ordinary", COMPUTED, set())
    assert told(*steps, later(replace(ORDINARY, cutoff=29)))[0] == "main"
    assert told(*steps, later(replace(ORDINARY, cutoff=30)))[0] == "ordinary"


def test_what_was_decided_for_one_tenure_is_nothing_to_another() -> None:
    steps = (first(), *typed("lively"), *overridden("small"), *uplifted())
    assert told(*steps, later(BETTER, BUYER)) == ("main", "ordinary", COMPUTED, set())
    # And where the record says that it was the first owner's year after all, it is there again.
    assert told(*steps, later(BETTER, BUYER), BecameRecord(HOME, "C", ORDINARY))[0] == "small"


def test_who_may_contest_held_a_role_in_that_tenure_and_year() -> None:
    sold = date(2024, 11, 1)
    roles = (
        Held("seller", "owner", date(2010, 1, 1), date(2024, 10, 31)),
        Held("buyer", "owner", sold),
        Held("partner", "co_owner", date(2024, 12, 31)),
        Held("lodger", "tenant", date(2023, 1, 1), date(2024, 12, 1)),
        Held("child", "family_member", date(2010, 1, 1)),
        Held("friend", "user", date(2025, 1, 1)),
        Held("guest", "user", date(2020, 1, 1), date(2023, 12, 31)),
    )
    buyers = list(map(date.fromordinal, range(sold.toordinal(), DAY.toordinal())))
    may = {held.member for held in roles if may_contest(roles, held.member, 2024, buyers)}
    assert may == {"buyer", "partner", "lodger"}
    assert may_contest(roles, "seller", 2024)
    assert not may_contest(roles, "seller", 2025)
    assert {held.member for held in roles if may_refuse(roles, held.member, DAY)} == {
        "buyer", "partner", "friend",
    }  # fmt: skip


def test_who_had_a_part_does_not_review() -> None:
    steps = (first(), *typed("lively"), *uplifted(), Contested(HOME, "R1", "S9"))
    assert had_a_part(steps, HOME) == {"S1", "U1", "M1", "S9"}
    assert had_a_part(steps, BUYER) == set()


# --- properties ------------------------------------------------------------------------------

ABOUT = st.sampled_from([HOME, HOME, HOME, BUYER, NEXT_YEAR])
SOME_LAYER = st.sampled_from(LAYERS)
SOME_TYPE = st.sampled_from(sorted(ALL_ORDINARY))
WHO = st.sampled_from(["S1", "U1", "M1", "D1"])
GRADED = st.builds(
    Graded,
    SOME_TYPE,
    st.fixed_dictionaries(dict.fromkeys(ALL_ORDINARY, st.sampled_from([*LAYERS, "insufficient"]))),
    st.booleans(),
    st.sampled_from(["A", "B1", "B2"]),
    st.integers(0, 20),
)
ACTS = st.one_of(
    st.builds(TypeProposed, ABOUT, SOME_TYPE, WHO),
    st.builds(TypeConfirmed, ABOUT, WHO),
    st.builds(GradingConfirmed, ABOUT, SOME_LAYER, st.sampled_from(["manager", "director"]), WHO),
    st.builds(UpliftProposed, ABOUT, SOME_LAYER, WHO),
    st.builds(UpliftDecided, ABOUT, st.booleans(), WHO),
    st.builds(Contested, ABOUT, st.sampled_from(["R1", "R2"]), WHO),
    st.builds(
        ReviewDecided,
        ABOUT,
        st.sampled_from(["R1", "R2"]),
        st.sampled_from(["upheld", "overridden"]),
        WHO,
        SOME_LAYER,
        st.dates(date(2025, 1, 1), date(2025, 12, 31)),
    ),
    st.sampled_from([AutomaticRefused("V1", "first"), AutomaticAccepted("V1", "first")]),
)
RECORDS = st.builds(BecameRecord, ABOUT, st.sampled_from("ABCD"), GRADED)
STEPS: st.SearchStrategy[list[Step]] = st.lists(ACTS | RECORDS, max_size=14)


@given(STEPS, GRADED)
def test_it_does_not_matter_which_records_came_before(steps: list[Step], graded: Graded) -> None:
    """No re-run removes what was decided: told with the last record alone it is the same."""
    last = BecameRecord(HOME, "Z", graded)
    acts = [
        step for step in steps if not isinstance(step, BecameRecord) or step.about.year != HOME.year
    ]
    assert standing([*steps, last], "V1", 2024, DAY) == standing([*acts, last], "V1", 2024, DAY)
    assert standing([*acts, last], "V1", 2024, DAY) == standing([last, *acts], "V1", 2024, DAY)


@given(STEPS, GRADED)
def test_a_run_that_is_no_record_changes_nothing(steps: list[Step], graded: Graded) -> None:
    """Nor does that of another household, and what is decided for another tenure."""
    other = BecameRecord(replace(HOME, household="V2"), "Z", graded)
    for day in (DAY, date(2026, 1, 1)):
        assert standing([*steps, other], "V1", 2024, day) == standing(steps, "V1", 2024, day)
    record = BecameRecord(HOME, "Z", graded)
    of_it = [step for step in steps if getattr(step, "about", HOME) in (HOME, NEXT_YEAR)]
    found = standing([*steps, record], "V1", 2024, DAY)
    assert found == standing([*of_it, record], "V1", 2024, DAY)


@given(STEPS)
def test_a_layer_that_differs_from_the_computed_one_has_its_reason(steps: list[Step]) -> None:
    found = standing(steps, "V1", 2024, DAY)
    if found is None:
        return
    kinds = {type(step) for step in steps}
    if found.layer != found.computed_layer:
        assert kinds & {TypeConfirmed, UpliftDecided, ReviewDecided}
    if found.type != found.computed_type:
        assert TypeConfirmed in kinds
    if found.conflicts:
        assert kinds & {TypeConfirmed, UpliftDecided, ReviewDecided, GradingConfirmed}
