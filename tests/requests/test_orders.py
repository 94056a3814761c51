"""Who gets an order: register, roster and earlier turns say so, and no dispatcher does (REQ-06)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from asking import (
    CLERK,
    DAY,
    HOUR,
    MINUTE,
    OPERATOR,
    RECEIVE,
    SECOND,
    START,
    SUPERVISOR,
    has_its_sentence,
    register,
)

from crm_adapters import open_crm
from crm_core import CRM, Actor, Refused, Request
from crm_core.requests import (
    Dispatch,
    GrabOrder,
    HandOver,
    Reclassify,
    RefuseOrder,
    ReturnOrder,
    Rotation,
)
from crm_core.requests.rotation import Crew, TurnGiven, next_turn
from crm_core.requests.state import Assignment
from crm_core.staff import (
    REGISTER,
    AssignTrades,
    CancelCover,
    EndStaffRole,
    PlanCover,
    RegisterStaff,
)
from crm_core.staff.register import Register
from crm_core.testing import given

DIRECTOR = Actor("D1", "director")
TODAY = START.date()
LAST_YEAR = TODAY - timedelta(days=365)
SHIFT_END = START + 8 * HOUR


@pytest.fixture
def crm() -> Iterator[CRM]:
    with open_crm("memory:") as opened:
        began(opened)
        yield opened


def began(crm: CRM, requests: int = 6) -> None:
    """A household with open requests of engineering."""
    register(crm, "V1", "星河", "1", "2", "301")
    for number in range(1, requests + 1):
        command = attrs.evolve(RECEIVE, request=f"R{number}", household="V1")
        crm.do(command, by=CLERK, at=START)


def staffed(crm: CRM, **trades: tuple[str, ...]) -> None:
    """A register: the director, the desk, and the operators with their trades."""
    roles = [("D1", "director"), ("S17", "specialist"), ("B3", "supervisor"), ("M1", "manager")]
    for staff, role in [*roles, *((staff, "operator") for staff in trades)]:
        crm.do(RegisterStaff(staff, role, LAST_YEAR), by=DIRECTOR, at=START)
    for staff, of in trades.items():
        crm.do(AssignTrades(staff, of, LAST_YEAR), by=DIRECTOR, at=START)


def on_duty(crm: CRM, *staff: str, trade: str = "engineering") -> None:
    """Shifts of the day on the trade's roster."""
    for one in staff:
        shift = PlanCover(trade, f"{trade}-{one}", one, START, SHIFT_END)
        crm.do(shift, by=SUPERVISOR, at=START)


def turn(crm: CRM, request: str, at: Any = START + MINUTE, **changes: Any) -> str:
    """Who gets the request in a round-robin."""
    order = Dispatch(request, "", "department", at, "round_robin")
    crm.do(attrs.evolve(order, **changes), by=CLERK, at=START + DAY)
    return assigned(crm, request).to


def assigned(crm: CRM, request: str) -> Assignment:
    found = crm.get(Request, request)
    assert found is not None
    return found.assignment


def refusal(crm: CRM, command: Any, by: Actor = CLERK) -> tuple[str, str]:
    with pytest.raises(Refused) as refused:
        crm.do(command, by=by, at=START + DAY)
    has_its_sentence(refused.value.refusal)
    return refused.value.reason, refused.value.rule


# --- round-robin ---------------------------------------------------------------------------------


@pytest.mark.rule("REQ-06")
def test_operators_on_duty_take_turns_and_the_events_say_whose_it_was(crm: CRM) -> None:
    staffed(crm, E1=("engineering",), E2=("engineering",), E3=("engineering",))
    on_duty(crm, "E3", "E1", "E2")
    assert [turn(crm, f"R{n}") for n in range(1, 6)] == ["E1", "E2", "E3", "E1", "E2"]
    turns = [recorded.event for recorded in crm.history("rotation/engineering")]
    assert [(t.turn, t.request, t.staff) for t in turns][-1] == (5, "R5", "E2")
    assert turns[0].on_duty == ("E1", "E2", "E3")
    [ordered] = [e.event for e in crm.history("request/R5") if "order_dispatched" in e.name]
    assert (ordered.mode, ordered.turn, ordered.form) == ("round_robin", 5, "operator")
    rotation = crm.get(Rotation, "engineering")
    assert rotation is not None
    assert rotation.last == {"E1": 4, "E2": 5, "E3": 3}


@pytest.mark.rule("REQ-06")
def test_who_is_off_duty_is_passed_over_by_name_and_next_when_back(crm: CRM) -> None:
    staffed(crm, E1=("engineering",), E2=("engineering",), E3=("engineering",))
    on_duty(crm, "E1", "E2", "E3")
    crm.do(CancelCover("engineering", "engineering-E1", "ill"), by=SUPERVISOR, at=START)
    assert [turn(crm, "R1"), turn(crm, "R2")] == ["E2", "E3"]
    first, second = (recorded.event for recorded in crm.history("rotation/engineering"))
    assert first.passed_over == second.passed_over == ("E1",)
    back = PlanCover("engineering", "E1-again", "E1", START + HOUR, SHIFT_END)
    crm.do(back, by=SUPERVISOR, at=START)
    assert turn(crm, "R3", START + HOUR - SECOND) == "E2"
    assert turn(crm, "R4", START + HOUR) == "E1"


@pytest.mark.rule("REQ-06")
def test_a_shift_covers_its_first_instant_and_not_its_end(crm: CRM) -> None:
    on_duty(crm, "E1")
    assert turn(crm, "R1", START) == "E1"
    assert turn(crm, "R2", SHIFT_END - SECOND) == "E1"
    late = Dispatch("R3", "", "department", SHIFT_END, "round_robin")
    assert refusal(crm, late) == ("nobody_on_duty", "REQ-06")


@pytest.mark.rule("REQ-06")
def test_an_operator_of_another_trade_has_no_turn(crm: CRM) -> None:
    staffed(crm, E1=("cleaning",), E2=("engineering", "cleaning"))
    on_duty(crm, "E1", "E2")
    assert [turn(crm, "R1"), turn(crm, "R2")] == ["E2", "E2"]
    on_duty(crm, "E1", "E2", trade="cleaning")
    # A department that is a trade says which; the turns of each are its own.
    assert turn(crm, "R3", to="cleaning") == "E1"
    crm.do(Reclassify("R4", "spilt oil", START + MINUTE, trade="cleaning"), by=CLERK, at=START)
    assert turn(crm, "R4", START + 2 * MINUTE) == "E2"


@pytest.mark.rule("REQ-06")
def test_a_turn_follows_from_what_there_is_of_register_and_roster(crm: CRM) -> None:
    order = Dispatch("R1", "", "department", START + MINUTE, "round_robin")
    assert refusal(crm, order) == ("nobody_on_duty", "REQ-06")
    on_duty(crm, "E9")
    assert turn(crm, "R1") == "E9"
    staffed(crm, E1=("engineering",))
    assert refusal(crm, attrs.evolve(order, request="R2")) == ("nobody_on_duty", "REQ-06")
    on_duty(crm, "E1")
    assert turn(crm, "R2") == "E1"


@pytest.mark.rule("REQ-06")
def test_a_register_alone_gives_turns_to_its_operators(crm: CRM) -> None:
    staffed(crm, E1=("engineering",), E2=("engineering",))
    assert [turn(crm, f"R{n}") for n in (1, 2, 3)] == ["E1", "E2", "E1"]
    crm.do(EndStaffRole("E2", "operator", TODAY - timedelta(days=1), "left"), by=DIRECTOR)
    assert turn(crm, "R4") == "E1"


@pytest.mark.rule("REQ-06")
def test_nobody_names_who_is_next(crm: CRM) -> None:
    on_duty(crm, "E1", "E2")
    named = Dispatch("R1", "E2", "operator", START + MINUTE, "round_robin")
    assert refusal(crm, named) == ("order_unknown", "REQ-06")
    assert turn(crm, "R1") == "E1"
    assert not {"pool", "turn"} & {f.name for f in attrs.fields(Dispatch)}


@pytest.mark.rule("REQ-06")
def test_an_order_that_is_refused_by_the_business_gives_no_turn(crm: CRM) -> None:
    on_duty(crm, "E1", "E2")
    early = Dispatch("R1", "", "department", START - SECOND, "round_robin")
    assert refusal(crm, early)[0] in ("nobody_on_duty", "too_early")
    assert list(crm.history("rotation/engineering")) == []
    again = Dispatch("R1", "", "department", START + MINUTE, "round_robin")
    first = crm.do(again, by=CLERK, id="order-1", at=START + DAY)
    assert crm.do(again, by=CLERK, id="order-1", at=START + DAY) == first
    assert len(list(crm.history("rotation/engineering"))) == 1


@pytest.mark.rule("REQ-06")
def test_who_waits_longest_is_next() -> None:
    rotation = Rotation(7, {"E1": 6, "E2": 7, "E3": 2})
    crew = Crew("engineering", operators=("E1", "E2", "E3"), on_duty=("E1", "E2"))
    assert next_turn(crew, rotation, "R1") == TurnGiven(
        trade="engineering",
        turn=8,
        request="R1",
        staff="E1",
        on_duty=("E1", "E2"),
        passed_over=("E3",),
    )
    # Who is off duty and had a later turn is passed over by nobody.
    crew = attrs.evolve(crew, on_duty=("E1", "E3"))
    found = next_turn(crew, rotation, "R1")
    assert found is not None
    assert (found.staff, found.passed_over) == ("E3", ())


@pytest.mark.rule("REQ-06", "LOG-01")
def test_two_dispatchers_at_once_never_give_one_turn_twice(tmp_path: Path) -> None:
    """Each looks up the turns before the other writes; the later one decides again."""
    url = f"sqlite:///{tmp_path / 'crm.db'}"
    with open_crm(url, create=True) as first, open_crm(url) as second:
        began(first)
        on_duty(first, "E1", "E2")
        held: list[Any] = []
        append = second.log.append

        def overtaken(commits: Any) -> Any:
            decided = list(commits)
            if not held:
                held.append(decided)
                assert turn(first, "R1") == "E1"
            return append(decided)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(second.log, "append", overtaken)
            assert turn(second, "R2") == "E2"
        # What was decided on the old turns gave that of E1 once more; it was never written.
        [[lost]] = held
        assert [a.events[0].data.staff for a in lost.appends[1:]] == ["E1"]
        turns = [recorded.event for recorded in first.history("rotation/engineering")]
        assert [(t.turn, t.request, t.staff) for t in turns] == [(1, "R1", "E1"), (2, "R2", "E2")]
    with open_crm(url) as again:
        assert turn(again, "R3") == "E1"


# --- grabbing ------------------------------------------------------------------------------------


OFFER = Dispatch("R1", "engineering", "department", START + MINUTE, "grab")
GRAB = GrabOrder("R1", START + 2 * MINUTE)


@pytest.mark.rule("REQ-06")
def test_only_an_operator_of_the_trade_grabs_its_order(crm: CRM) -> None:
    staffed(crm, E4=("engineering",), E5=("cleaning",), E6=())
    crm.do(OFFER, by=CLERK, at=START + DAY)
    for staff in ("E5", "E6"):
        assert refusal(crm, GRAB, Actor(staff, "operator")) == ("not_of_trade", "REQ-06")
    crm.do(GRAB, by=OPERATOR, at=START + DAY)
    assert assigned(crm, "R1") == Assignment("E4", "operator", "grab")
    assert refusal(crm, GRAB, OPERATOR) == ("order_taken", "REQ-06")


@pytest.mark.rule("REQ-06")
def test_only_who_is_on_duty_grabs(crm: CRM) -> None:
    staffed(crm, E4=("engineering",), E5=("engineering",))
    on_duty(crm, "E4")
    crm.do(OFFER, by=CLERK, at=START + DAY)
    assert refusal(crm, GRAB, Actor("E5", "operator")) == ("not_on_duty", "REQ-06")
    late = attrs.evolve(GRAB, grabbed_at=SHIFT_END)
    assert refusal(crm, late, OPERATOR) == ("not_on_duty", "REQ-06")
    crm.do(attrs.evolve(GRAB, grabbed_at=SHIFT_END - SECOND), by=OPERATOR, at=START + DAY)
    assert assigned(crm, "R1").to == "E4"


@pytest.mark.rule("REQ-06")
def test_on_the_roster_of_another_trade_nobody_is_on_duty_for_this_one(crm: CRM) -> None:
    on_duty(crm, "E5")
    on_duty(crm, "E4", trade="cleaning")
    crm.do(OFFER, by=CLERK, at=START + DAY)
    assert refusal(crm, GRAB, OPERATOR) == ("not_on_duty", "REQ-06")


@pytest.mark.rule("REQ-06")
def test_without_register_and_roster_the_host_is_trusted(crm: CRM) -> None:
    crm.do(OFFER, by=CLERK, at=START + DAY)
    crm.do(GRAB, by=Actor("anybody", "operator"), at=START + DAY)
    assert assigned(crm, "R1").to == "anybody"


@pytest.mark.rule("REQ-06")
def test_trades_hold_from_their_day_on_and_by_the_latest_word(crm: CRM) -> None:
    staffed(crm, E4=("cleaning",))
    crm.do(AssignTrades("E4", ("engineering",), TODAY + timedelta(days=1)), by=DIRECTOR, at=START)
    crm.do(OFFER, by=CLERK, at=START + DAY)
    assert refusal(crm, GRAB, OPERATOR) == ("not_of_trade", "REQ-06")
    crm.do(attrs.evolve(GRAB, grabbed_at=START + DAY), by=OPERATOR, at=START + DAY)
    held = crm.get(Register, "company")
    assert held is not None
    assert held.trades("E4", TODAY) == ("cleaning",)
    assert held.trades("E4", TODAY + timedelta(days=1)) == ("engineering",)
    assert held.operators("engineering", TODAY) == ()


@pytest.mark.rule("REQ-06")
def test_trades_are_those_there_are_and_of_operators_alone(crm: CRM) -> None:
    staffed(crm, E4=("cleaning",))
    wrong = AssignTrades("E4", ("piracy",), TODAY)
    assert refusal(crm, wrong, DIRECTOR) == ("unknown_trade", "REQ-06")
    desk = AssignTrades("S17", ("cleaning",), TODAY)
    assert refusal(crm, desk, DIRECTOR) == ("not_an_operator", "REQ-06")
    assert refusal(crm, attrs.evolve(wrong, trades=("parking",)), OPERATOR)[1] == "LOG-08"
    again = AssignTrades("E4", ("cleaning", "cleaning"), TODAY)
    given(REGISTER, *(e.event for e in crm.history("register/company"))).when(
        attrs.evolve(again, by=DIRECTOR)
    ).nothing()


# --- who is named exists -------------------------------------------------------------------------


@pytest.mark.rule("REQ-06", "LOG-08")
def test_work_goes_to_somebody_on_the_staff(crm: CRM) -> None:
    staffed(crm, E4=("engineering",), E5=("engineering",))
    order = Dispatch("R1", "E7", "operator", START + MINUTE)
    assert refusal(crm, order) == ("unknown_staff", "REQ-06")
    assert refusal(crm, HandOver("R1", "S99", "shift ended")) == ("unknown_staff", "REQ-06")
    crm.do(attrs.evolve(order, to="E4"), by=CLERK, at=START + DAY)
    for back, when in ((RefuseOrder, "refused_at"), (ReturnOrder, "returned_at")):
        said = {"request": "R1", "reason": "no valve", when: START + 2 * MINUTE}
        assert refusal(crm, back(**said, to="E7"), OPERATOR) == ("unknown_staff", "REQ-06")
    crm.do(HandOver("R1", "B3", "shift ended"), by=CLERK, at=START + DAY)
    crm.do(EndStaffRole("E5", "operator", TODAY, "left"), by=DIRECTOR, at=START + DAY)
    # On the last day there still was somebody; a day later there is not.
    crm.do(attrs.evolve(order, to="E5"), by=CLERK, at=START + DAY)
    gone = attrs.evolve(order, to="E5", dispatched_at=START + DAY)
    assert refusal(crm, gone) == ("unknown_staff", "REQ-06")


@pytest.mark.rule("REQ-06")
def test_a_department_is_no_person_and_a_host_without_register_names_whom_it_likes(
    crm: CRM,
) -> None:
    crm.do(Dispatch("R1", "E7", "operator", START + MINUTE), by=CLERK, at=START + DAY)
    staffed(crm, E4=("engineering",))
    crm.do(Dispatch("R1", "security", "department", START + MINUTE), by=CLERK, at=START + DAY)
    assert assigned(crm, "R1") == Assignment("security", "department")


@pytest.mark.rule("REQ-06")
def test_a_returned_order_takes_its_next_turn_from_somebody_else(crm: CRM) -> None:
    on_duty(crm, "E4", "E5")
    assert turn(crm, "R1") == "E4"
    back = ReturnOrder("R1", "no valve", START + 2 * MINUTE)
    crm.do(back, by=OPERATOR, at=START + DAY)
    assert assigned(crm, "R1") == Assignment("S17")
    assert turn(crm, "R1", START + 3 * MINUTE) == "E5"
    assert crm.get(Request, "R1").owner == "S17"  # type: ignore[union-attr]
