"""Whatever happens in whatever order, the visits are those that are called for (VIS-01, VIS-04)."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from slow_visits import Asked, Estate, calling
from visiting import CLERK, FITTER, HOUR, MINUTE, SUPERVISOR, at, estate, made, now, state

from crm_core import CRM, Actor, Personal, Refused
from crm_core.kernel.dates import local_date, start_of_day
from crm_core.kernel.word import Word
from crm_core.owners import TransferOwnership
from crm_core.requests import (
    ConfirmClosing,
    Dispatch,
    MarkDuplicate,
    ReceiveRequest,
    Reopen,
    ReportDone,
    UndoDuplicate,
)
from crm_core.requests.commands import VoidRequest
from crm_core.visits import NoteVisitAttempt, WithdrawVisit

BEGIN = datetime(2024, 5, 13, 1, tzinfo=UTC)
"""A Monday, 9:00; no public holiday until 10 June."""
HOMES = ("V1", "V2")
NUMBERS = ("R1", "R2", "R3")
numbers = st.sampled_from(NUMBERS)


class VisitMachine(RuleBasedStateMachine):
    """Requests come in, are worked on, closed, opened again, taken back; owners change; the clock
    looks now and then, and people call."""

    def __init__(self) -> None:
        super().__init__()
        self._stack = ExitStack()
        self.crm: CRM = self._stack.enter_context(estate())
        at(self.crm, BEGIN)
        self.model = Estate()
        self.owners = dict.fromkeys(HOMES, "owner")
        self.sales = 0
        self.opened = 0
        self.looked = True

    def teardown(self) -> None:
        self._stack.close()

    def do(self, command: Any, by: Actor = CLERK) -> bool:
        self.looked = False
        try:
            self.crm.do(command, by=by)
        except Refused:
            return False
        return True

    def owner(self, household: str) -> str:
        return f"{household}#{self.owners[household]}"

    # --- requests ------------------------------------------------------------------------

    @rule(
        number=numbers,
        household=st.sampled_from(("V1", "V1", "V2")),
        kind=st.sampled_from(("repair", "repair", "complaint", "suggestion", "enquiry")),
        channel=st.sampled_from(("counter", "letter", "forum")),
        severity=st.sampled_from(("general", "major")),
    )
    def receive(self, number: str, household: str, kind: str, channel: str, severity: str) -> None:
        when = now(self.crm)
        command = ReceiveRequest(
            request=number,
            household=household,
            channel=channel,
            kind=kind,
            trade="engineering",
            severity=severity,
            summary="a leak" if kind == "repair" else "words",
            received_at=when,
            first_asked="S9",
        )
        if self.do(command):
            self.model.asked[number] = Asked(number, household, kind, channel, severity, when, when)

    @rule(number=numbers)
    def send(self, number: str) -> None:
        when = now(self.crm)
        if self.do(Dispatch(number, "E1", "operator", when)):
            one = self.model.asked[number]
            one.ordered = one.ordered or when

    @rule(number=numbers)
    def finish(self, number: str) -> None:
        if self.do(ReportDone(number, now(self.crm)), FITTER):
            self.model.asked[number].done = True

    @rule(number=numbers)
    def close(self, number: str) -> None:
        one = self.model.asked.get(number)
        if one is None:
            return
        word = Word(self.owner(one.household), "phone", "7")
        if self.do(ConfirmClosing(number, now(self.crm), "satisfied", word)):
            one.closed = now(self.crm)

    @rule(number=numbers)
    def reopen(self, number: str) -> None:
        when = now(self.crm)
        if self.do(Reopen(number, when, "again")):
            one = self.model.asked[number]
            one.began, one.ordered, one.done, one.closed = when, None, False, None
            one.reopened += 1

    @rule(number=numbers, of=numbers)
    def duplicate(self, number: str, of: str) -> None:
        if self.do(MarkDuplicate(number, of, "the same")):
            self.model.asked[number].duplicate = True

    @rule(number=numbers)
    def no_duplicate(self, number: str) -> None:
        if self.do(UndoDuplicate(number, "another", now(self.crm))):
            self.model.asked[number].duplicate = False

    @rule(number=numbers)
    def void(self, number: str) -> None:
        if number in self.model.asked and not self.model.asked[number].void:
            self.crm._desk.within(VoidRequest(number, "entered twice"), by=CLERK)
            self.model.asked[number].void = True
            self.looked = False

    # --- households and time -----------------------------------------------------------------

    @rule(household=st.sampled_from(HOMES))
    def sell(self, household: str) -> None:
        today = local_date(now(self.crm))
        self.sales += 1
        buyer = f"b{self.sales}"
        person = Personal(f"{household}#{buyer}", "Wang")
        if self.do(
            TransferOwnership(
                household, f"{household}#{buyer}", today, person, reason="transfer of ownership"
            )
        ):
            self.owners[household] = buyer
            self.model.begun[household] = start_of_day(today)

    @rule(hours=st.sampled_from((0, 1, 7, 24, 72)))
    def wait(self, hours: int) -> None:
        if now(self.crm) + hours * HOUR < BEGIN + timedelta(days=21):
            at(self.crm, now(self.crm) + hours * HOUR + MINUTE)
            self.looked = False

    @rule()
    def look(self) -> None:
        done = self.crm.tick()
        assert done.parked["visits"] == 0
        assert self.crm.tick().events["visits"] == 0
        self.looked = True

    # --- calls ---------------------------------------------------------------------------

    @precondition(lambda self: self.looked)
    @rule(household=st.sampled_from(HOMES), data=st.data())
    def call(self, household: str, data: st.DataObject) -> None:
        waiting = sorted(one.visit for one in state(self.crm, household).open())
        if not waiting:
            return
        number, when = data.draw(st.sampled_from(waiting)), now(self.crm)
        by = data.draw(st.sampled_from((CLERK, SUPERVISOR, Actor("E1", "supervisor"))))
        opinion = data.draw(st.sampled_from("ABC"))
        hands = state(self.crm, household).visit(number).hands
        command = made(
            number,
            when,
            household,
            member=self.owner(household),
            means="phone",
            opinion=opinion,
            words="not good",
            contact_left="E1" if "E1" in hands else "",
        )
        before = Counter(e.name for e in self.crm.log.feed())["requests.received/1"]
        if self.do(command, by):
            assert by.id not in hands
            assert calling(when)
            self.model.over.add((household, number))
            self.opened += opinion == "C"
            after = Counter(e.name for e in self.crm.log.feed())["requests.received/1"]
            assert after - before == (opinion == "C")

    @precondition(lambda self: self.looked)
    @rule(household=st.sampled_from(HOMES), data=st.data())
    def nobody_answers(self, household: str, data: st.DataObject) -> None:
        waiting = sorted(one.visit for one in state(self.crm, household).open())
        if not waiting:
            return
        number = data.draw(st.sampled_from(waiting))
        command = NoteVisitAttempt(household, number, now(self.crm), "phone", "no_answer")
        if self.do(command):
            visit = state(self.crm, household).visit(number)
            assert visit is not None
            if visit.attempts == 3:
                self.model.over.add((household, number))
            assert (visit.status == "open") is (visit.attempts < 3)

    @precondition(lambda self: self.looked)
    @rule(household=st.sampled_from(HOMES), data=st.data())
    def take_back(self, household: str, data: st.DataObject) -> None:
        every = sorted(o.visit for o in state(self.crm, household).every() if o.status == "made")
        if not every:
            return
        number = data.draw(st.sampled_from(every))
        if self.do(WithdrawVisit(household, number, "another flat"), SUPERVISOR):
            self.model.over.discard((household, number))

    # --- what always holds ---------------------------------------------------------------

    @invariant()
    def visits_are_those_that_are_called_for(self) -> None:
        if not self.looked:
            return
        for household in HOMES:
            wanted = self.model.wanted(household, now(self.crm))
            found = {
                one.visit: (one.from_at, one.due_at)
                for one in state(self.crm, household).open()
                # What a sale or an opened request calls for is not the model's.
                if one.scheduled.request in NUMBERS
            }
            assert found == wanted

    @invariant()
    def nothing_is_scheduled_twice(self) -> None:
        for household in HOMES:
            standing: set[str] = set()
            for recorded in self.crm.history(f"visits/{household}"):
                event, name = recorded.event, recorded.name.partition("/")[0]
                if name == "visits.scheduled":
                    assert event.visit not in standing
                    standing.add(event.visit)
                elif name == "visits.called_off":
                    standing.discard(event.visit)


TestVisitMachine = pytest.mark.rule("VIS-01", "VIS-04")(VisitMachine.TestCase)
TestVisitMachine.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
