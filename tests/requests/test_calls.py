"""The phone: every call a fact, its rings with a verdict, and the greeting (REQ-02)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import attrs
import pytest
from asking import (
    CLERK,
    DAY,
    HOUR,
    MINUTE,
    RECEIVE,
    SLA,
    START,
    STRICT,
    has_its_sentence,
    register,
    word,
)
from hypothesis import given as hypothesis_given
from hypothesis import settings
from hypothesis import strategies as st

from crm_adapters import open_crm
from crm_core import CRM, Actor, Invalid, Period, Refused, Request, shipped
from crm_core.kernel.policy import PolicyFault
from crm_core.requests import (
    CALL,
    AnswerCall,
    Call,
    ConfirmClosing,
    LinkCall,
    MissCall,
    ReportDone,
    WithdrawCall,
)
from crm_core.requests.call_statistics import COUNTS, answered
from crm_core.requests.calls import CallAnswered, CallLinked, CallMissed, CallWithdrawn
from crm_core.requests.greeting import GreetingPolicy
from crm_core.staff import PlanCover
from crm_core.testing import check_decider, given
from crm_core.testing.strategies import instances
from policy_faults import said

RINGING = AnswerCall("C1", "hotline", START, 2)
MISSED = MissCall("C2", "hotline", START, 6)
SUPERVISOR, BOSS = Actor("B3", "supervisor"), Actor("D1", "director")
MARCH = Period(date(2011, 3, 1), date(2011, 3, 31))


@pytest.fixture
def crm() -> Iterator[CRM]:
    with open_crm("memory:") as opened:
        register(opened, "V1", "星河", "1", "1", "V1")
        yield opened


def do(crm: CRM, *commands: Any, by: Actor = CLERK, at: datetime = START + HOUR) -> Any:
    for command in commands:
        receipt = crm.do(command, by=by, at=at)
    return receipt.events


def refused(crm: CRM, command: Any, by: Actor = CLERK) -> tuple[str, str]:
    before = crm.log.head()
    with pytest.raises(Refused) as caught:
        do(crm, command, by=by)
    assert crm.log.head() == before
    has_its_sentence(caught.value.refusal)
    return caught.value.reason, caught.value.rule


def receive(request: str = "R1", **changes: Any) -> Any:
    return attrs.evolve(RECEIVE, request=request, household="V1", **changes)


def counts(crm: CRM, dimension: str, value: str, **known: Any) -> dict[str, int]:
    row = crm.requests.calls(MARCH, **known).rows[dimension].get(value, {})
    return {name: n for name, n in row.items() if n}


# --- every call is a fact ------------------------------------------------------------------------


@pytest.mark.rule("REQ-02")
def test_a_call_that_became_no_request_is_a_fact_of_who_answered_it(crm: CRM) -> None:
    [event] = do(crm, RINGING)
    assert event == CallAnswered(
        call="C1",
        line="hotline",
        came_at=START,
        rings=2,
        answered_by=CLERK.id,
        request=None,
        target_rings=2,
        policy=SLA.ref,
    )
    found = crm.get(Call, "C1")
    assert found is not None
    assert found.request is None


@pytest.mark.rule("REQ-02")
def test_a_missed_call_is_a_fact_though_nobody_knows_how_often_it_rang(crm: CRM) -> None:
    [event] = do(crm, attrs.evolve(MISSED, rings=None))
    assert event == CallMissed("C2", "hotline", START, None, CLERK.id)


@pytest.mark.rule("REQ-02", "LOG-08")
def test_whoever_receives_records_calls_and_nobody_else() -> None:
    with open_crm("memory:") as crm:
        for n, role in enumerate(("specialist", "operator", "security", "finance", "director")):
            do(crm, attrs.evolve(RINGING, call=f"A{n}"), by=Actor("S1", role))
            do(crm, attrs.evolve(MISSED, call=f"M{n}"), by=Actor("S1", role))
        for role in ("custodian", "owner", "auditor", "host", "system"):
            for command in (RINGING, MISSED):
                assert refused(crm, command, Actor("S1", role))[1] == "LOG-08"


@pytest.mark.rule("REQ-02")
def test_the_same_call_told_twice_is_one_and_told_otherwise_is_refused(crm: CRM) -> None:
    for command in (RINGING, MISSED):
        assert len(do(crm, command)) == 1
        assert do(crm, command, at=START + DAY) == ()
        for changes in ({"rings": 9}, {"line": "gate"}, {"came_at": START + MINUTE}):
            changed = attrs.evolve(command, **changes)
            assert refused(crm, changed) == ("call_exists", "REQ-02")
    assert refused(crm, RINGING, Actor("S2", "specialist")) == ("call_exists", "REQ-02")
    assert refused(crm, attrs.evolve(MISSED, call="C1")) == ("call_exists", "REQ-02")


@pytest.mark.rule("REQ-02")
def test_a_call_that_comes_in_a_week_late_counts_on_the_day_on_which_it_came(crm: CRM) -> None:
    do(crm, MISSED, at=START + 7 * DAY)
    [day] = [d for d in range(1, 10) if crm.requests.calls(_day(d)).rows["line"]]
    assert day == 1


def _day(n: int) -> Period:
    return Period(date(2011, 3, n), date(2011, 3, n))


@pytest.mark.rule("REQ-02")
def test_no_call_came_after_it_came_to_be_known(crm: CRM) -> None:
    for command in (RINGING, MISSED):
        do(crm, attrs.evolve(command, came_at=START + HOUR))
        later = attrs.evolve(command, call="C9", came_at=START + HOUR + MINUTE)
        assert refused(crm, later)[0] == "not_yet"


@pytest.mark.rule("REQ-02")
def test_a_call_has_its_line_and_no_fewer_rings_than_none(crm: CRM) -> None:
    for command in (RINGING, MISSED):
        assert refused(crm, attrs.evolve(command, line=""))[0] == "line_missing"
        assert refused(crm, attrs.evolve(command, rings=-1))[0] == "rings_below_none"
    do(crm, attrs.evolve(RINGING, rings=0))


# --- the request it led to -----------------------------------------------------------------------


@pytest.mark.rule("REQ-02")
def test_a_call_names_the_request_it_led_to_at_once_or_later(crm: CRM) -> None:
    do(crm, receive(), receive("R2"))
    [event] = do(crm, attrs.evolve(RINGING, request="R1"))
    assert event.request == "R1"
    other = attrs.evolve(RINGING, call="C3")
    do(crm, other)
    assert do(crm, LinkCall("C3", "R2")) == (CallLinked("C3", "R2", CLERK.id),)
    assert do(crm, LinkCall("C3", "R2")) == ()
    assert refused(crm, LinkCall("C3", "R1")) == ("call_linked", "REQ-02")
    third = attrs.evolve(RINGING, call="C4")
    do(crm, third)
    assert do(crm, attrs.evolve(third, request="R2")) == (CallLinked("C4", "R2", CLERK.id),)
    assert refused(crm, attrs.evolve(third, request="R1")) == ("call_linked", "REQ-02")


@pytest.mark.rule("REQ-02")
def test_a_call_leads_to_a_request_that_came_by_phone_and_not_before_it(crm: CRM) -> None:
    do(crm, receive(), receive("R2", channel="counter"))
    late = attrs.evolve(RINGING, came_at=START + MINUTE)
    for request, reason in (
        ("R9", "unknown_request"),
        ("R2", "request_not_by_phone"),
        ("R1", "request_before_call"),
    ):
        assert refused(crm, attrs.evolve(late, request=request)) == (reason, "REQ-02")
    do(crm, late)
    for request, reason in (
        ("R9", "unknown_request"),
        ("R2", "request_not_by_phone"),
        ("R1", "request_before_call"),
    ):
        assert refused(crm, LinkCall("C1", request)) == (reason, "REQ-02")


@pytest.mark.rule("REQ-02")
def test_a_call_that_nobody_answered_led_to_nothing(crm: CRM) -> None:
    do(crm, receive(), MISSED)
    for call in ("C2", "C9"):
        assert refused(crm, LinkCall(call, "R1")) == ("call_not_answered", "REQ-02")


# --- undone --------------------------------------------------------------------------------------


@pytest.mark.rule("REQ-02", "LOG-08")
def test_a_call_recorded_by_mistake_is_withdrawn_by_another_for_a_reason(crm: CRM) -> None:
    withdraw = WithdrawCall("C2", "a wrong number, on the test line")
    assert refused(crm, withdraw, SUPERVISOR) == ("unknown_call", "REQ-02")
    do(crm, MISSED, by=SUPERVISOR)
    assert refused(crm, withdraw) == ("role_insufficient", "LOG-08")
    assert refused(crm, withdraw, Actor("B3", "director")) == ("own_proposal", "LOG-08")
    assert refused(crm, attrs.evolve(withdraw, reason=""), BOSS)[0] == "reason_missing"
    assert do(crm, withdraw, by=BOSS) == (CallWithdrawn("C2", withdraw.reason, "D1"),)
    assert do(crm, withdraw, by=BOSS) == ()
    assert counts(crm, "line", "hotline") == {}
    assert refused(crm, MISSED, SUPERVISOR) == ("call_withdrawn", "REQ-02")


@pytest.mark.rule("REQ-02", "LOG-08")
def test_who_was_on_duty_takes_back_no_missed_call(crm: CRM) -> None:
    do(crm, PlanCover("hotline", "A", "D1", START - HOUR, START + HOUR), by=SUPERVISOR)
    do(crm, MISSED, attrs.evolve(MISSED, call="C3", came_at=START - 2 * HOUR))
    assert refused(crm, WithdrawCall("C2", "mistake"), BOSS) == ("own_matter", "LOG-08")
    do(crm, WithdrawCall("C3", "mistake"), by=BOSS)
    do(crm, WithdrawCall("C2", "mistake"), by=SUPERVISOR)


@pytest.mark.rule("REQ-02", "LOG-08")
def test_who_answered_late_does_not_take_it_back(crm: CRM) -> None:
    do(crm, attrs.evolve(RINGING, rings=9), by=SUPERVISOR)
    withdraw = WithdrawCall("C1", "mistake")
    assert refused(crm, withdraw, SUPERVISOR) == ("own_proposal", "LOG-08")
    do(crm, withdraw, by=BOSS)
    assert refused(crm, LinkCall("C1", "R1")) == ("call_not_answered", "REQ-02")


# --- the verdict ---------------------------------------------------------------------------------


@pytest.mark.rule("REQ-02")
def test_the_phone_is_answered_within_two_rings() -> None:
    assert SLA.answer.rings == 2
    assert [answered(rings, 2) for rings in (0, 1, 2, 3)] == ["in_time"] * 3 + ["late"]


@pytest.mark.rule("REQ-02", "REQ-14")
def test_a_call_is_held_to_the_target_of_the_day_on_which_it_came() -> None:
    strict = attrs.evolve(STRICT, answer=attrs.evolve(STRICT.answer, rings=1))
    with open_crm("memory:", policies=shipped().add(attrs.evolve(strict, ref=_SECOND))) as crm:
        do(crm, RINGING, attrs.evolve(RINGING, call="C2", came_at=START + DAY), at=START + 2 * DAY)
        assert counts(crm, "line", "hotline") == {"calls": 2, "in_time": 1, "late": 1}


_SECOND = attrs.evolve(STRICT.ref, version=2)


@pytest.mark.rule("REQ-02", "REQ-18")
def test_calls_are_in_time_late_or_missed_for_each_line_and_staff(crm: CRM) -> None:
    two = Actor("S2", "specialist")
    do(crm, PlanCover("hotline", "A", "S3", START - HOUR, START + HOUR), by=SUPERVISOR)
    do(crm, RINGING, attrs.evolve(RINGING, call="C3", rings=3))
    do(crm, attrs.evolve(RINGING, call="C4", line="gate"), by=two)
    do(crm, MISSED, attrs.evolve(MISSED, call="C5", line="gate"))
    assert counts(crm, "line", "hotline") == {"calls": 3, "in_time": 1, "late": 1, "missed": 1}
    assert counts(crm, "line", "gate") == {"calls": 2, "in_time": 1, "missed": 1}
    assert counts(crm, "staff", CLERK.id) == {"calls": 2, "in_time": 1, "late": 1}
    assert counts(crm, "staff", "S2") == {"calls": 1, "in_time": 1}
    assert counts(crm, "staff", "S3") == {"calls": 1, "missed": 1}, "who was on duty"
    assert counts(crm, "staff", "") == {"calls": 1, "missed": 1}, "nobody was"
    assert all(tuple(row) == COUNTS for row in crm.requests.calls(MARCH).rows["staff"].values())


@pytest.mark.rule("REQ-02", "REQ-18")
def test_each_call_counts_once_whether_the_request_or_the_call_tells_the_rings(crm: CRM) -> None:
    do(crm, receive("R1", rings=3), receive("R2"), receive("R3", channel="counter"))
    assert counts(crm, "line", "") == {"calls": 2, "late": 1, "untold": 1}
    assert counts(crm, "staff", "S17") == {"calls": 2, "late": 1, "untold": 1}
    do(crm, attrs.evolve(RINGING, request="R1"), attrs.evolve(RINGING, call="C3", request="R2"))
    assert counts(crm, "line", "") == {}
    assert counts(crm, "line", "hotline") == {"calls": 2, "in_time": 2}
    do(crm, WithdrawCall("C1", "another call"), by=BOSS)
    assert counts(crm, "line", "") == {"calls": 1, "late": 1}, "the request tells it again"


@pytest.mark.rule("REQ-02", "REQ-08")
def test_what_follows_from_dissatisfaction_came_by_no_call(crm: CRM) -> None:
    do(crm, receive("R1", rings=1), ReportDone("R1", START), by=Actor("E4", "operator"))
    do(crm, ConfirmClosing("R1", START + MINUTE, "dissatisfied", word("V1"), "still wet"))
    assert crm.get(Request, "R1-2") is not None
    assert counts(crm, "line", "") == {"calls": 1, "in_time": 1}


@pytest.mark.rule("REQ-02", "REQ-18")
def test_calls_of_a_frozen_period_are_counted_as_they_were_known(crm: CRM) -> None:
    do(crm, MISSED)
    do(crm, attrs.evolve(RINGING, rings=3), at=START + 3 * DAY)
    do(crm, WithdrawCall("C2", "a wrong number"), by=BOSS, at=START + 4 * DAY)
    known = {day: counts(crm, "line", "hotline", known=START + day * DAY) for day in (2, 3, 4)}
    assert known == {
        2: {"calls": 1, "missed": 1},
        3: {"calls": 2, "late": 1, "missed": 1},
        4: {"calls": 1, "late": 1},
    }
    before = Period(date(2011, 2, 1), date(2011, 2, 28))
    assert crm.requests.calls(before).rows == {"line": {}, "staff": {}}


@pytest.mark.rule("REQ-02")
@settings(max_examples=20)
@hypothesis_given(st.lists(st.tuples(st.sampled_from("AMLW"), st.integers(0, 3)), max_size=12))
def test_whatever_is_told_in_whatever_order_a_number_is_one_call(
    told: list[tuple[str, int]],
) -> None:
    """Of a number there is one verdict at most, and every call has one."""
    with open_crm("memory:") as crm:
        register(crm, "V1", "星河", "1", "1", "V1")
        do(crm, receive("R1", rings=1))
        for kind, n in told:
            call = f"C{n}"
            command = {
                "A": attrs.evolve(RINGING, call=call),
                "M": attrs.evolve(MISSED, call=call),
                "L": LinkCall(call, "R1"),
                "W": WithdrawCall(call, "mistake"),
            }[kind]
            try:
                do(crm, command, by=BOSS if kind == "W" else CLERK)
            except Refused:
                continue
        standing = {c: crm.get(Call, c) for c in ("C0", "C1", "C2", "C3")}
        live = [c for c in standing.values() if c is not None and c.withdrawn is None]
        own = 0 if any(call.request == "R1" for call in live) else 1
        rows = crm.requests.calls(MARCH).rows["line"]
        assert sum(row["calls"] for row in rows.values()) == len(live) + own
        for row in rows.values():
            assert row["calls"] == sum(row[name] for name in COUNTS[1:])


def test_calls_keep_the_laws_of_a_decider() -> None:
    fixed = {
        "call": st.just("C1"),
        "policy": st.just(SLA),
        "came_at": st.sampled_from((START, START + MINUTE)),
        "known_at": st.just(START + HOUR),
        "rings": st.integers(-1, 3),
        "refused_there": st.none(),
        "on_duty": st.just(("S1",)),
        "request": st.sampled_from(("R1", "R2")),
    }
    commands = st.one_of(
        *(
            instances(
                cls,
                stored=False,
                **{n: s for n, s in fixed.items() if n in attrs.fields_dict(cls)},
            )
            for cls in CALL.commands
        )
    )
    check_decider(CALL, commands, max_examples=60)


@pytest.mark.rule("REQ-02")
def test_a_withdrawn_call_is_no_more_linked() -> None:
    past = (CallMissed("C2", "hotline", START, 1, "S1"), CallWithdrawn("C2", "mistake", "D1"))
    given(CALL, *past).when(LinkCall("C2", "R1", by=CLERK)).refused("call_not_answered", "REQ-02")


# --- the greeting --------------------------------------------------------------------------------


@pytest.mark.rule("REQ-02")
def test_the_greeting_is_policy_data_with_a_day_from_which_it_holds() -> None:
    text = _greeting(words='zh = "星河物业，您好！"\nen = "Star River, good day."')
    newer = GreetingPolicy.parse(text.replace("2000-01-01", "2024-03-01"))
    newer = attrs.evolve(newer, ref=attrs.evolve(newer.ref, version=2))
    with open_crm("memory:", policies=shipped().add(newer)) as crm:
        before, after = date(2024, 2, 29), date(2024, 3, 1)
        assert "客户服务中心" in crm.requests.greeting("zh", before)
        assert crm.requests.greeting("zh", after) == "星河物业，您好！"
        assert crm.requests.greeting("en", after) == "Star River, good day."
        with pytest.raises(Invalid):
            crm.requests.greeting("zh", date(1999, 1, 1))


@pytest.mark.rule("REQ-02", "GRD-11")
def test_a_greeting_is_there_in_both_languages_and_in_no_other() -> None:
    for words, path in (
        ('zh = "您好"', "words.en"),
        ('zh = " "\nen = "hello"', "words.zh"),
        ('zh = "您好"\nen = "hello"\nfr = "allô"', "words"),
    ):
        with pytest.raises(PolicyFault) as fault:
            GreetingPolicy.parse(_greeting(words=words))
        assert list(said(fault.value)) == [path]
    with pytest.raises(PolicyFault) as fault:
        GreetingPolicy.parse(
            _greeting(words='zh = "您好"\nen = "hello"').replace('"greeting"', '"x"')
        )
    assert list(said(fault.value)) == ["kind"]


def _greeting(words: str) -> str:
    return f"""kind = "greeting"
[policy]
name = "greeting-cn-default"
version = 1
effective_from = 2000-01-01
approved_by = "director"
impact_assessment = "PIA-1"
[words]
{words}
"""
