"""Whatever people do with surveys in whatever order, each household is heard once (SUR-01, SUR-02).

A machine opens surveys with and without names, hands out slips, loses some, casts with good and bad
ones, lets time pass and asks the clock. It keeps its own books: who was heard, and what was said.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from crm_adapters import open_crm
from crm_core import CRM, Refused
from crm_core.opinions import Opinions
from crm_core.surveys import AnswerByName, CancelSurvey, WithdrawAnswer
from crm_core.surveys.events import AnswersCounted
from surveys.asking_round import (
    BOSS,
    CLERK,
    DAY,
    LEAD,
    MORNING,
    TODAY,
    opened,
    owner_of,
    put,
    settle,
    varied,
)

HOMES = tuple(f"V{n}" for n in range(1, 8))
LAST = 9
"""Days behind the first one on which the surveys end."""


class Asking(RuleBasedStateMachine):
    """One survey without names, `S1`, and one by name, `S2`."""

    crm: CRM

    @initialize()
    def begin(self) -> None:
        self.crm = open_crm("memory:")
        settle(self.crm, len(HOMES))
        opened(self.crm, "S1")
        opened(self.crm, "S2", named=True, reason="整改回访")
        self.days = 0
        self.took: set[str] = set()
        self.slips: list[str] = []
        self.said: Counter[tuple[str, ...]] = Counter()
        self.named: dict[str, bool] = {}
        self.cancelled = False
        self.ticked_after = False

    def teardown(self) -> None:
        if hasattr(self, "crm"):
            self.crm.close()

    @property
    def running(self) -> bool:
        return self.days <= LAST

    def refused(self, ask: object) -> str:
        with pytest.raises(Refused) as found:
            ask()  # type: ignore[operator]
        return found.value.reason

    # --- what people do ----------------------------------------------------------------------

    @rule(home=st.sampled_from(HOMES))
    def take(self, home: str) -> None:
        surveys = self.crm.care.surveys
        if self.running and not self.cancelled and home not in self.took:
            self.slips.append(surveys.take_slip("S1", home, "app", by=CLERK))
            self.took.add(home)
            return
        reason = self.refused(lambda: surveys.take_slip("S1", home, "app", by=CLERK))
        if self.cancelled:
            assert reason in ("survey_cancelled", "unknown_survey")
        elif not self.running:
            assert reason == "survey_not_open"
        else:
            assert reason == "took_part_already"

    @precondition(lambda self: self.slips)
    @rule(data=st.data(), number=st.integers(0, 40), again=st.booleans())
    def cast(self, data: st.DataObject, number: int, again: bool) -> None:
        slip = data.draw(st.sampled_from(self.slips))
        surveys, answer = self.crm.care.surveys, varied(number)
        if not self.running or self.cancelled:
            assert self.refused(lambda: surveys.cast(slip, answer, by=CLERK)) in (
                "survey_not_open",
                "unknown_survey",
            )
            return
        surveys.cast(slip, answer, by=CLERK)
        self.slips.remove(slip)
        self.said[answer] += 1
        if again:
            assert self.refused(lambda: surveys.cast(slip, answer, by=CLERK)) == "slip_not_open"

    @rule(home=st.sampled_from(HOMES), number=st.integers(0, 40), comment=st.booleans())
    def answer(self, home: str, number: int, comment: bool) -> None:
        said = varied(number, comment="电梯") if comment else varied(number)
        command = AnswerByName(
            survey="S2",
            household=home,
            member=owner_of(home),
            channel="paper",
            on=TODAY,
            answers=said,
            reference="form",
        )
        try:
            found = self.crm.do(command, by=CLERK).events
        except Refused as error:
            known = error.reason
        else:
            known = "" if found else "household_answered"
        if self.ticked_after:
            # The figures are known: nothing comes to them any more.
            assert known == "survey_closed"
            return
        # Until then it may be told, of any day on which the survey was held.
        assert known == ("household_answered" if home in self.named else "")
        self.named.setdefault(home, comment)

    @precondition(lambda self: self.named)
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        home = data.draw(st.sampled_from(sorted(self.named)))
        self.crm.do(WithdrawAnswer("S2", home, TODAY, "by mistake"), by=LEAD)
        del self.named[home]

    @rule(days=st.integers(1, 4))
    def time_passes(self, days: int) -> None:
        self.days += days
        put(self.crm, MORNING + self.days * DAY + timedelta(hours=1))

    @rule()
    def tick(self) -> None:
        self.crm.tick()
        self.ticked_after = self.ticked_after or not self.running

    @precondition(lambda self: self.took and self.running)
    @rule(really=st.sampled_from((False, False, False, True)))
    def cancel(self, really: bool) -> None:
        if really and not self.cancelled:
            self.crm.do(CancelSurvey("S1", TODAY, "wrong form"), by=BOSS)
            self.cancelled = True

    # --- what holds ----------------------------------------------------------------------------

    @invariant()
    def answers_are_counted_once_and_all_of_them(self) -> None:
        if not hasattr(self, "crm"):
            return
        counted = [r.event for r in self.crm.log.feed() if isinstance(r.event, AnswersCounted)]
        if self.cancelled or not self.ticked_after:
            assert counted == []
            return
        total = sum(self.said.values())
        assert len(counted) == (1 if self.took else 0)
        if counted:
            [urn] = counted
            assert len(urn.answers) + urn.withheld == total <= len(self.took)
            assert urn.unused == len(self.took) - total
            assert self.crm.host.urns.surveys() == ()

    @invariant()
    def what_is_heard_is_what_was_written_by_name(self) -> None:
        if not hasattr(self, "crm"):
            return
        for home in HOMES:
            found = self.crm.get(Opinions, home, by=CLERK, purpose="service")
            heard = 0 if found is None else len(found.standing())
            assert heard == int(self.named.get(home, False))


@pytest.mark.rule("SUR-01", "SUR-02", "GRD-02")
def test_each_household_is_heard_once_in_any_interleaving() -> None:
    run_state_machine_as_test(
        Asking,
        settings=settings(
            max_examples=30,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
