"""The line that is staffed day and night: gaps are found by the clock, ahead and once (REQ-02)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given as hypothesis_given
from hypothesis import settings
from hypothesis import strategies as st

from crm_adapters import open_crm
from crm_core import CRM, Actor, Refused, shipped
from crm_core.kernel.policy import PolicyFault
from crm_core.staff import (
    ROSTER,
    CancelCover,
    CoverPolicy,
    EndStaffRole,
    PlanCover,
    RegisterStaff,
    RetireLine,
    Roster,
)
from crm_core.staff.duty import COVER, CoverGapFound, CoverPlanned, Gap, ReportGaps
from crm_core.testing import given

MIDNIGHT = datetime(2024, 5, 31, 16, 0, tzinfo=UTC)
"""1 June 2024 begins where the estate is."""

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BOSS, LEAD = Actor("D1", "director"), Actor("L1", "supervisor")


@pytest.fixture
def crm() -> Iterator[CRM]:
    with open_crm("memory:") as opened:
        yield opened


def plan(crm: CRM, number: str, start: float, end: float, staff: str = "S1", **more: Any) -> None:
    """A shift from so many hours after midnight on to so many."""
    line = more.pop("line", "hotline")
    shift = PlanCover(line, number, staff, MIDNIGHT + start * HOUR, MIDNIGHT + end * HOUR)
    crm.do(shift, by=LEAD, at=more.pop("at", MIDNIGHT - DAY))


def cancel(crm: CRM, number: str, at: datetime = MIDNIGHT) -> None:
    crm.do(CancelCover("hotline", number, "ill"), by=LEAD, at=at)


def tick(crm: CRM, hours: float) -> list[tuple[float, float]]:
    """The gaps that a tick then found, in hours after midnight."""
    before = crm.log.head()
    crm.tick(MIDNIGHT + hours * HOUR)
    found = [r.event for r in crm.log.feed(after=before)]
    return [
        ((gap.start - MIDNIGHT) / HOUR, (gap.end - MIDNIGHT) / HOUR)
        for gap in found
        if isinstance(gap, CoverGapFound)
    ]


def open_gaps(crm: CRM) -> list[tuple[float, float]]:
    crm.views.catch_up(COVER)
    row = crm.views.get(COVER, "hotline")
    gaps = () if row is None else row.gaps
    return [((gap.start - MIDNIGHT) / HOUR, (gap.end - MIDNIGHT) / HOUR) for gap in gaps]


# --- found by the clock --------------------------------------------------------------------------


@pytest.mark.rule("REQ-02")
def test_a_gap_of_today_or_tomorrow_is_reported_before_it_comes(crm: CRM) -> None:
    plan(crm, "A", 0, 20)
    plan(crm, "B", 22, 47)
    plan(crm, "C", 48, 70)
    assert tick(crm, 0) == [(20, 22), (47, 48)]
    [first, _] = [r.event for r in crm.log.feed(names=["staff.cover_gap_found/1"])]
    assert first == CoverGapFound(
        line="hotline",
        start=MIDNIGHT + 20 * HOUR,
        end=MIDNIGHT + 22 * HOUR,
        found_at=MIDNIGHT,
    )
    assert tick(crm, 24) == [(70, 72)], "the day after comes into sight"


@pytest.mark.rule("REQ-02")
def test_a_gap_is_reported_once_however_often_the_clock_looks(crm: CRM) -> None:
    plan(crm, "A", 0, 20)
    assert tick(crm, 0) == [(20, 48)]
    for hours in (0, 1, 23.9):
        assert tick(crm, hours) == []
    assert tick(crm, 24) == [(48, 72)]


@pytest.mark.rule("REQ-02")
def test_a_covered_line_and_a_company_without_a_roster_are_left_alone(crm: CRM) -> None:
    assert tick(crm, 0) == []
    plan(crm, "A", 0, 48)
    assert tick(crm, 0) == []
    assert crm.tick(MIDNIGHT + HOUR).events["cover"] == 0


@pytest.mark.rule("REQ-02")
def test_a_line_is_to_be_answered_from_its_first_shift_on_and_each_line_by_itself(
    crm: CRM,
) -> None:
    plan(crm, "A", 30, 48)
    plan(crm, "G", 0, 48, line="gate")
    assert tick(crm, 0) == []
    crm.do(CancelCover("gate", "G", "closed"), by=LEAD, at=MIDNIGHT)
    assert tick(crm, 1) == [(0, 48)]


@pytest.mark.rule("REQ-02")
def test_a_shift_that_is_cancelled_later_leaves_a_gap_that_is_reported_then(crm: CRM) -> None:
    plan(crm, "A", 0, 24)
    plan(crm, "B", 24, 40)
    assert tick(crm, 0) == [(40, 48)]
    cancel(crm, "B")
    assert tick(crm, 0) == [(24, 40)], "at the same instant, because the roster has changed"


@pytest.mark.rule("REQ-02")
def test_a_gap_that_was_filled_and_comes_about_again_is_reported_again(crm: CRM) -> None:
    plan(crm, "A", 0, 24)
    assert tick(crm, 0) == [(24, 48)]
    plan(crm, "B", 24, 40, at=MIDNIGHT)
    assert tick(crm, 1) == []
    assert open_gaps(crm) == [(40, 48)]
    cancel(crm, "B")
    assert tick(crm, 2) == [(24, 40)]
    assert open_gaps(crm) == [(24, 40), (40, 48)]


@pytest.mark.rule("REQ-02")
def test_that_nobody_came_yesterday_is_reported_when_it_comes_to_be_known(crm: CRM) -> None:
    plan(crm, "A", 0, 24)
    plan(crm, "B", 24, 96)
    assert tick(crm, 0) == []
    assert tick(crm, 24) == []
    cancel(crm, "A", MIDNIGHT + 30 * HOUR)
    assert tick(crm, 31) == [(0, 24)]


@pytest.mark.rule("REQ-02", "LOG-08")
def test_duty_of_somebody_whose_last_role_ends_is_a_gap_from_the_day_after(crm: CRM) -> None:
    register = RegisterStaff("D1", "director", date(2024, 1, 1))
    crm.do(register, by=Actor("H", "director"), at=MIDNIGHT - 9 * DAY)
    for staff, role in (("L1", "supervisor"), ("S1", "specialist"), ("S1", "operator")):
        crm.do(RegisterStaff(staff, role, date(2024, 1, 1)), by=BOSS, at=MIDNIGHT - 9 * DAY)
    plan(crm, "A", 0, 48)
    assert tick(crm, 0) == []
    end = EndStaffRole("S1", "specialist", date(2024, 6, 1), "moved away")
    crm.do(end, by=BOSS, at=MIDNIGHT + HOUR)
    assert tick(crm, 2) == [], "still an operator"
    crm.do(attrs.evolve(end, role="operator"), by=BOSS, at=MIDNIGHT + 3 * HOUR)
    assert tick(crm, 4) == [(24, 48)]
    start, end_ = MIDNIGHT, MIDNIGHT + 2 * DAY
    assert crm.requests.cover("hotline", start, end_) == [Gap(start + DAY, end_)]


@pytest.mark.rule("REQ-02")
def test_a_clock_that_stood_still_reports_what_it_would_have_reported(crm: CRM) -> None:
    for n in range(30):
        plan(crm, f"A{n}", 24 * n, 24 * n + 22)
    late = tick(crm, 24 * 28)
    assert late == [(24 * n + 22, 24 * n + 24) for n in range(30)]


@pytest.mark.rule("REQ-02")
def test_the_view_keeps_the_gaps_that_are_not_over(crm: CRM) -> None:
    plan(crm, "A", 0, 10)
    plan(crm, "B", 12, 48)
    assert tick(crm, 0) == [(10, 12)]
    assert open_gaps(crm) == [(10, 12)]
    plan(crm, "C", 48, 72, at=MIDNIGHT + 13 * HOUR)
    assert open_gaps(crm) == []


@pytest.mark.rule("REQ-02")
@settings(max_examples=25)
@hypothesis_given(
    st.lists(
        st.tuples(st.integers(0, 60), st.integers(1, 20), st.booleans()), min_size=1, max_size=6
    ),
    st.lists(st.integers(0, 40), max_size=4),
)
def test_whenever_the_clock_looks_every_gap_is_reported_and_nothing_else(
    shifts: list[tuple[int, int, bool]], looks: list[int]
) -> None:
    """After the last look, hour by hour: reported if and only if nobody comes."""
    with open_crm("memory:") as crm:
        for n, (start, length, _) in enumerate(shifts):
            plan(crm, f"S{n}", start, start + length)
        found: list[tuple[float, float]] = []
        for at in sorted(looks):
            found += tick(crm, at)
        for n, (_, _, kept) in enumerate(shifts):
            if not kept:
                cancel(crm, f"S{n}")
        found += tick(crm, 47)
        first = min(start for start, _, _ in shifts)
        for hour in range(first, 72):
            covered = any(s <= hour < s + length and kept for s, length, kept in shifts)
            times = sum(start <= hour < end for start, end in found)
            assert times == (0 if covered else 1), hour


@pytest.mark.rule("REQ-02")
def test_a_gap_stands_on_the_list_of_who_plans_duty_until_it_is_filled_or_over(crm: CRM) -> None:
    def listed(hours: float, by: Actor = LEAD) -> list[tuple[str, str, datetime | None]]:
        tasks = crm.todo(by=by, now=MIDNIGHT + hours * HOUR)
        return [(t.subject, t.act, t.due_at) for t in tasks if t.what == "cover_gap"]

    plan(crm, "A", 0, 20)
    plan(crm, "B", 22, 48)
    assert listed(0) == []
    tick(crm, 0)
    assert listed(1) == [("hotline", "plan-cover", MIDNIGHT + 20 * HOUR)]
    assert listed(1, Actor("S1", "specialist")) == [], "who plans no duty"
    assert listed(22) == [], "it is over"
    plan(crm, "C", 20, 22, at=MIDNIGHT + HOUR)
    assert listed(1) == []


@pytest.mark.rule("REQ-02", "REQ-06")
def test_the_roster_of_a_trade_need_not_be_covered_day_and_night(crm: CRM) -> None:
    plan(crm, "A", 0, 8, line="engineering")
    assert tick(crm, 0) == []
    assert crm.requests.lines() == []
    plan(crm, "B", 0, 48)
    assert crm.requests.lines() == ["hotline"]


# --- the roster ----------------------------------------------------------------------------------


@pytest.mark.rule("REQ-02", "LOG-08")
def test_a_line_is_retired_by_who_plans_for_a_reason_and_reports_nothing_more(crm: CRM) -> None:
    retire = RetireLine("hotline", MIDNIGHT + 24 * HOUR, "one number for all")

    def refused(command: Any, by: Actor = LEAD) -> str:
        with pytest.raises(Refused) as caught:
            crm.do(command, by=by, at=MIDNIGHT)
        return caught.value.reason

    assert refused(retire) == "unknown_line"
    plan(crm, "A", 0, 20)
    plan(crm, "B", 24, 30)
    assert refused(retire, Actor("S1", "specialist")) == "role_insufficient"
    assert refused(attrs.evolve(retire, reason="")) == "reason_missing"
    assert refused(retire) == "shift_later"
    cancel(crm, "B")
    crm.do(retire, by=LEAD, at=MIDNIGHT)
    assert crm.do(attrs.evolve(retire, reason="again"), by=LEAD, at=MIDNIGHT).events == ()
    assert tick(crm, 0) == [(20, 24)]
    for day in range(1, 4):
        assert tick(crm, 24 * day) == []
    plan(crm, "C", 100, 110, at=MIDNIGHT + 98 * HOUR)
    assert tick(crm, 99) == [(110, 144)], "in use again from the shift on"


@pytest.mark.rule("REQ-02", "LOG-08")
def test_nobody_is_put_on_duty_whom_the_register_does_not_know(crm: CRM) -> None:
    plan(crm, "A", 0, 24, "S9")
    register = RegisterStaff("D1", "director", date(2024, 1, 1))
    crm.do(register, by=Actor("H", "director"), at=MIDNIGHT)
    crm.do(RegisterStaff("L1", "supervisor", date(2024, 1, 1)), by=BOSS, at=MIDNIGHT)
    with pytest.raises(Refused) as refused:
        plan(crm, "B", 24, 48, "S9")
    assert (refused.value.reason, refused.value.rule) == ("unknown_staff", "REQ-02")
    plan(crm, "B", 24, 48, "L1")


@pytest.mark.rule("LOG-08")
def test_only_the_clock_reports_gaps(crm: CRM) -> None:
    with pytest.raises(Refused) as refused:
        crm.do(ReportGaps("hotline", MIDNIGHT), by=BOSS)
    assert refused.value.reason == "given_inside_only"


@pytest.mark.rule("REQ-02")
def test_who_is_on_duty_at_an_instant() -> None:
    planned = [
        CoverPlanned("hotline", name, staff, MIDNIGHT + start * HOUR, MIDNIGHT + end * HOUR)
        for name, staff, start, end in (("A", "S2", 0, 8), ("B", "S1", 6, 12))
    ]
    roster: Roster = ROSTER.decider.fold(planned)
    hours = {0: ("S2",), 6: ("S1", "S2"), 8: ("S1",), 12: ()}
    assert {h: roster.on_duty(MIDNIGHT + h * HOUR) for h in hours} == hours
    given(ROSTER, *planned).when(CancelCover("hotline", "A", "ill")).state(
        lambda r: r.on_duty(MIDNIGHT) == ()
    )


@pytest.mark.rule("REQ-02", "GRD-11")
def test_how_far_ahead_the_clock_looks_is_policy_data() -> None:
    text = _cover(0)
    near = CoverPolicy.parse(text)
    with open_crm("memory:", policies=shipped().add(near)) as crm:
        plan(crm, "A", 0, 20)
        assert tick(crm, 0) == [(20, 24)]
    for days in (-1, 367):
        with pytest.raises(PolicyFault):
            CoverPolicy.parse(_cover(days))
    with pytest.raises(PolicyFault):
        CoverPolicy.parse(text.replace('"cover"', '"award"'))


def _cover(days: int) -> str:
    return f"""kind = "cover"
ahead_days = {days}
shifts_only = []
[policy]
name = "cover-cn-default"
version = 2
effective_from = 2000-01-01
approved_by = "director"
impact_assessment = "PIA-1"
"""
