"""Staff: the line that is answered day and night, and the award for the wronged."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st

from crm_adapters import open_crm
from crm_core import Actor, Invalid, Refused, shipped
from crm_core.staff import (
    ROSTER,
    STAFF,
    AwardPolicy,
    CancelCover,
    GrantAward,
    PlanCover,
    RecordWrong,
    Roster,
    StaffRecord,
    gaps,
)
from crm_core.staff.awards import AwardGranted, WrongSuffered
from crm_core.staff.duty import CoverCancelled, CoverPlanned, Gap
from crm_core.testing import check_decider, given
from crm_core.testing.strategies import instances

MIDNIGHT = datetime(2024, 5, 31, 16, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def shift(number: str, start: int, end: int, staff: str = "S1") -> CoverPlanned:
    return CoverPlanned("hotline", number, staff, MIDNIGHT + start * HOUR, MIDNIGHT + end * HOUR)


DAY, NIGHT = shift("A", 0, 12), shift("B", 12, 24, "S2")
PLAN = PlanCover("hotline", "A", "S1", DAY.start, DAY.end)
CANCEL = CancelCover("hotline", "B", "ill")
CLERK, MANAGER = Actor("S9", "specialist"), Actor("M1", "manager")
AWARD = shipped().find(AwardPolicy, "award-cn-default", date(2024, 5, 3))
WRONG = RecordWrong("S1", "C1", date(2024, 5, 1), "shouted at over a leak", "R1010", by=CLERK)
GRANT = GrantAward("S1", "C1", date(2024, 5, 3), 200_00, by=MANAGER, policy=AWARD)
SAID_WRONG = RecordWrong("S1", "C1", WRONG.on, WRONG.what)
SAID_GRANT = GrantAward("S1", "C1", GRANT.on, GRANT.amount_fen)
"""The same as they are given, with nothing looked up."""


@pytest.mark.rule("REQ-02")
def test_a_day_that_is_covered_has_no_gap_and_a_cancelled_shift_leaves_one() -> None:
    end = MIDNIGHT + 24 * HOUR
    roster: Roster = ROSTER.decider.fold((NIGHT, DAY))
    assert gaps(roster.shifts(), MIDNIGHT, end) == []
    after = given(ROSTER, DAY, NIGHT).when(CANCEL).then(CoverCancelled("hotline", "B", "ill")).after
    assert gaps(after.shifts(), MIDNIGHT, end) == [Gap(MIDNIGHT + 12 * HOUR, end)]
    assert gaps([], MIDNIGHT, end) == [Gap(MIDNIGHT, end)]
    late = [shift("A", 1, 12), shift("B", 12, 23)]
    assert gaps(late, MIDNIGHT, end) == [
        Gap(MIDNIGHT, MIDNIGHT + HOUR),
        Gap(MIDNIGHT + 23 * HOUR, end),
    ]


@hypothesis_given(
    st.lists(st.tuples(st.integers(-5, 30), st.integers(1, 12)), max_size=6), st.integers(1, 26)
)
@pytest.mark.rule("REQ-02")
def test_every_hour_is_either_covered_or_in_a_gap(spans: list[tuple[int, int]], hours: int) -> None:
    shifts = [shift(str(n), start, start + length) for n, (start, length) in enumerate(spans)]
    roster: Roster = ROSTER.decider.fold(shifts)
    found = gaps(roster.shifts(), MIDNIGHT, MIDNIGHT + hours * HOUR)
    for hour in range(hours):
        at = MIDNIGHT + hour * HOUR
        covered = any(s.start <= at < s.end for s in shifts)
        assert any(gap.start <= at < gap.end for gap in found) is not covered


@pytest.mark.rule("REQ-02")
def test_a_shift_is_planned_once_has_somebody_and_is_cancelled_for_a_reason() -> None:
    given(ROSTER).when(PLAN).then(DAY)
    given(ROSTER, DAY).when(PLAN).refused("shift_exists", "REQ-02")
    given(ROSTER).when(attrs.evolve(PLAN, staff="")).refused("shift_empty", "REQ-02")
    given(ROSTER).when(attrs.evolve(PLAN, end=PLAN.start)).refused("shift_empty", "REQ-02")
    given(ROSTER, DAY).when(CANCEL).refused("unknown_shift", "REQ-02")
    given(ROSTER, NIGHT).when(attrs.evolve(CANCEL, reason="")).refused("reason_missing", "REQ-02")
    given(ROSTER, NIGHT).when(CANCEL, CANCEL).then(CoverCancelled("hotline", "B", "ill"))


@pytest.mark.rule("REQ-20")
def test_who_bore_a_wrong_is_awarded_once() -> None:
    wrong = WrongSuffered("S1", "C1", WRONG.on, WRONG.what, "R1010", "S9")
    given(STAFF).when(WRONG, GRANT).then(
        wrong, AwardGranted("S1", "C1", GRANT.on, 200_00, "M1", AWARD.ref)
    )
    given(STAFF, wrong).when(GRANT).state(lambda m: m.awards["C1"].amount_fen == 200_00)
    given(STAFF, wrong).when(attrs.evolve(GRANT, amount_fen=0)).state(lambda m: len(m.awards) == 1)
    given(STAFF, wrong).when(WRONG).refused("case_exists", "REQ-20")
    given(STAFF).when(attrs.evolve(WRONG, what="")).refused("note_missing", "REQ-20")
    given(STAFF).when(GRANT).refused("unknown_case", "REQ-20")
    given(STAFF, wrong).when(GRANT, GRANT).refused("award_granted", "REQ-20")
    below = attrs.evolve(GRANT, amount_fen=-1)
    given(STAFF, wrong).when(below).refused("amount_out_of_range", "REQ-20")
    early = attrs.evolve(GRANT, on=date(2024, 4, 30))
    given(STAFF, wrong).when(early).refused("too_early", "REQ-20")


@pytest.mark.rule("REQ-20", "LOG-08")
def test_a_wrong_is_recorded_and_awarded_by_two_others() -> None:
    """Persons are compared by their id: another role makes nobody another person."""
    wrong, grant = SAID_WRONG, SAID_GRANT
    with open_crm("memory:") as crm:

        def refused(command: Any, by: Actor) -> tuple[str, str]:
            before = crm.log.head()
            with pytest.raises(Refused) as caught:
                crm.do(command, by=by)
            assert crm.log.head() == before
            return caught.value.reason, caught.value.rule

        assert refused(grant, MANAGER) == ("unknown_case", "REQ-20")
        for role in ("specialist", "manager", "director"):
            assert refused(wrong, Actor("S1", role)) == ("own_matter", "LOG-08")
        [recorded] = crm.do(wrong, by=CLERK).events
        assert recorded.recorded_by == "S9"
        for role in ("manager", "director"):
            assert refused(grant, Actor("S1", role)) == ("own_matter", "LOG-08")
            assert refused(grant, Actor("S9", role)) == ("own_proposal", "LOG-08")
        for role in ("specialist", "supervisor", "host", "system", "auditor"):
            assert refused(grant, Actor("M1", role)) == ("role_insufficient", "LOG-08")
        [granted] = crm.do(grant, by=MANAGER).events
        assert granted == AwardGranted("S1", "C1", GRANT.on, 200_00, "M1", AWARD.ref)
        assert refused(grant, Actor("M2", "director")) == ("award_granted", "REQ-20")


@pytest.mark.rule("REQ-02", "LOG-08")
def test_the_roster_is_planned_by_those_who_plan() -> None:
    with open_crm("memory:") as crm:
        for role in ("operator", "finance", "host", "system", "owner"):
            with pytest.raises(Refused) as refused:
                crm.do(PLAN, by=Actor("S2", role))
            assert (refused.value.reason, refused.value.rule) == ("role_insufficient", "LOG-08")
        supervisor = Actor("S3", "supervisor")
        assert crm.do(PLAN, by=supervisor).events == (DAY,)
        cancel = attrs.evolve(CANCEL, shift="A")
        assert crm.do(cancel, by=supervisor).events == (CoverCancelled("hotline", "A", "ill"),)


@pytest.mark.case("K28")
@pytest.mark.rule("LOG-08")
@pytest.mark.parametrize("said", [SAID_WRONG, SAID_GRANT], ids=["record", "grant"])
def test_nobody_records_or_grants_in_the_name_of_another(said: Any) -> None:
    command = attrs.evolve(said, by=CLERK)
    with open_crm("memory:") as crm, pytest.raises(Invalid) as refused:
        crm.do(command, by=Actor("M2", "manager"))
    assert [(f.code, f.where) for f in refused.value.faults] == [
        ("looked_up", f"{type(command).__name__}.by")
    ]


def few(cls: Any, **fields: Any) -> Any:
    return instances(cls, stored=False, **fields)


@pytest.mark.parametrize("aggregate", [ROSTER, STAFF], ids=["roster", "staff"])
def test_the_slice_keeps_the_laws(aggregate: Any) -> None:
    names = st.sampled_from(("A", "B"))
    fixed = {
        "line": st.just("hotline"),
        "staff": st.just("S1"),
        "shift": names,
        "case": names,
        "policy": st.just(AWARD),
        "left": st.just((("S1", MIDNIGHT + 6 * HOUR),)),
    }
    commands = st.one_of(
        *(
            few(cls, **{n: s for n, s in fixed.items() if n in attrs.fields_dict(cls)})
            for cls in aggregate.commands
        )
    )
    check_decider(aggregate, commands, max_examples=60)
    assert isinstance(aggregate.decider.initial, Roster | StaffRecord)
