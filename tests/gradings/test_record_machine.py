"""The library lets that run hold which the literal model of GRD-17 lets hold, whatever happens."""

from __future__ import annotations

from contextlib import closing
from datetime import date, datetime, timedelta
from typing import Any

import pytest
import record_reference as model
from hypothesis import event, given, settings
from hypothesis import strategies as st

from crm_adapters.wiring import open_crm
from crm_core.errors import Invalid, Refused
from crm_core.gradings.commands import ReplaceRecord
from crm_core.kernel.dates import local_date, parse_instant
from crm_core.payments.commands import RecordPurchase
from crm_core.testing.towns.chance import Chance
from estate import DIRECTOR, MANAGER, FixedClock, do, home

YEARS = (2010, 2011)
END = parse_instant("2012-01-01T00:00:00+08:00")
START = parse_instant("2011-01-01T09:00:00+08:00")
SECOND, DAY = timedelta(microseconds=1), timedelta(days=1)
POLICIES = (None, None, None, "grade-cn-default/1", "grade-cn-default/2")
IN_FORCE = "grade-cn-default/2"
HOMES = ("V1", "V2")

REFUSALS = {
    "it is no complete run of the year": "run_unknown",
    "it is the record already": "record_already",
    "it began before the year was over": "record_too_early",
}


class _Interrupted(Exception):
    """The power went off."""


class Runs:
    """Facts, runs and directors around the end of a year."""

    def __init__(self, starts: int) -> None:
        self.crm = open_crm("memory:")
        self.clock = FixedClock(START)
        self.crm.host.clock = self.clock
        self.bought = 0
        for name in HOMES:
            home(self.crm, name, buys=9_000_00)
        self.clock.at = END + starts * DAY

    def something_comes_to_be_known(self, days: int) -> None:
        """In a file, as of an instant before the year's end."""
        self.bought += 1
        known = END - days * DAY
        number, on = f"X{self.bought}", local_date(known)
        if known <= self.clock.at:
            do(self.crm, RecordPurchase("V2", number, "gym", 6_000_00, on), at=known)

    def close(self) -> None:
        self.crm.close()

    # --- what happens ------------------------------------------------------------------------

    def days_pass(self, days: int) -> None:
        self.clock.at += days * DAY

    def the_year_ends(self, before: timedelta) -> None:
        self.clock.at = max(self.clock.at, END - before)

    def something_is_bought(self, name: str, yuan: int, days: int) -> None:
        """It is entered now, or comes in a file that says it was known before."""
        self.bought += 1
        known = max(self.clock.at - days * DAY, START)
        on = min(local_date(known), date(2011, 12, 30))
        number = f"X{self.bought}"
        do(self.crm, RecordPurchase(name, number, "gym", yuan * 100, on), at=known)

    def it_is_graded(
        self,
        year: int,
        policy: str | None,
        trial: bool,
        known: datetime | None,
        breaks: bool,
    ) -> None:
        known = None if known is None else min(known, self.clock.at)
        history, head = self.told(), self.crm.log.head()
        used = policy or model.policy_to_use(history, year, head, IN_FORCE)
        asked = model.Run(
            "asked", year, head + 1, self.clock.at, 0, self.clock.at, used, IN_FORCE, None,
            trial, known is not None,
        )  # fmt: skip
        more: dict[str, Any] = {"known": known, "policy": policy, "trial": trial}
        if not model.may_begin(asked):
            with pytest.raises(Invalid) as refused:
                self.crm.grade(year, **more)
            assert [fault.code for fault in refused.value.faults] == ["year_not_over"]
            assert self.crm.log.head() == head
            return
        if breaks:
            try:
                self.crm.grade(year, progress=_breaks, **more)
            except _Interrupted:
                event("interrupted")
                return
        run = self.crm.grade(year, **more)
        assert str(run.policy).startswith(used)
        joined = model.to_join(history, asked)
        if joined is not None:
            # GRD-12: it has another id only if it is the very same question, asked before.
            assert run.run in [joined, *(one.id for one in history.runs)]
        [graded] = [one for one in self.told().runs if one.id == run.run]
        assert run.standing == model.standing(self.told(), graded, self.crm.log.head())
        event(f"graded: {run.standing}")

    def the_record_is_replaced(self, year: int, nth: int, by: Any) -> None:
        history, head = self.told(), self.crm.log.head()
        runs = [run.id for run in history.runs if run.year == year]
        run = [*runs, f"{year}-{'0' * 16}"][-1 - nth % (len(runs) + 1)]
        holding = model.record(history, year, head)
        moved = model.moved(history, holding, run)
        act = model.Replacement(head + 1, year, run, by.role, "late facts", moved)
        objections = model.objections(history, act)
        command = ReplaceRecord(year, run, "late facts", local_date(self.clock.at), len(moved))
        if not objections:
            self.crm.do(command, by=by)
            assert self.told().replacements[-1] == model.Replacement(
                self.crm.log.head(), year, run, "director", "late facts", moved
            )
            event("replaced")
            return
        event(f"not replaced: {objections[0]}")
        with pytest.raises((Refused, Invalid)) as refused:
            self.crm.do(command, by=by)
        assert self.crm.log.head() == head
        if by == DIRECTOR:
            assert REFUSALS[objections[0]] in str(_reasons(refused.value))

    # --- what holds --------------------------------------------------------------------------

    def told(self) -> model.History:
        return model.history_from(self.crm.host.texts.each(self.crm.log.feed()))

    def the_same_run_holds(self) -> None:
        history, head = self.told(), self.crm.log.head()
        for year in YEARS:
            complete = model.complete_at(history, year, head)
            assert {line.run: line.standing for line in self.crm.gradings.runs(year)} == {
                run.id: model.standing(history, run, head) for run in complete
            }
            held = model.record(history, year, head)
            if held is not None:
                assert self.crm.gradings.grades(year).run == held
                continue
            with pytest.raises(Invalid) as refused:
                self.crm.gradings.grades(year)
            # Where a year has none, lists say so and name the trials.
            assert all(run in str(refused.value) for run in model.trials(history, year, head))

    def what_is_decided_is_read_of_the_record_alone(self) -> None:
        history, head = self.told(), self.crm.log.head()
        held = [model.record(history, year, head) for year in YEARS]
        of_years = [run for run in held if run is not None]
        for name in HOMES:
            read = [now.grading.run for now in self.crm.gradings.history(name)]
            assert read == of_years
        assert {now.grading.run for now in self.crm.gradings.directory()} == set(of_years[-1:])


def _breaks(_: int) -> None:
    raise _Interrupted


def _reasons(error: Exception) -> list[str]:
    if isinstance(error, Refused):
        return [error.reason]
    return [fault.code for fault in getattr(error, "faults", ())]


def play(chance: Chance) -> None:
    """Some dozen of things happen; after each of them the same run holds."""
    one_of = chance.one_of
    runs = Runs(one_of((-60, -60, 0, 10, 10, 300)))
    with closing(runs):
        for _ in range(chance.between(6, 14)):
            match one_of(("time", "end", "buy", "buy", "late", *["grade"] * 6, *["replace"] * 3)):
                case "time":
                    runs.days_pass(one_of((0, 1, 90)))
                case "end":
                    runs.the_year_ends(one_of((SECOND, timedelta(), -SECOND)))
                case "buy":
                    days = one_of((0, 0, 1, 40, 200, 400))
                    runs.something_is_bought(one_of(HOMES), one_of((1, 3_000, 12_000)), days)
                case "late":
                    runs.something_comes_to_be_known(one_of((5, 150, 250)))
                case "grade":
                    runs.it_is_graded(
                        one_of((2011, 2011, 2011, 2011, 2010)),
                        one_of(POLICIES),
                        chance.hits(700 if runs.clock.at < END else 150),
                        one_of((*[None] * 5, END, END - SECOND, END - 200 * DAY, START + 30 * DAY)),
                        chance.hits(150),
                    )
                case "replace":
                    by = one_of((*[DIRECTOR] * 6, MANAGER))
                    runs.the_record_is_replaced(
                        one_of((2011, 2011, 2011, 2010)), chance.below(9), by
                    )
            runs.the_same_run_holds()
        runs.what_is_decided_is_read_of_the_record_alone()


@pytest.mark.case("K30", "K32", "K34")
@pytest.mark.rule("GRD-17", "GRD-12", "GRD-01")
@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**9))
def test_that_run_holds_which_the_model_lets_hold(seed: int) -> None:
    play(Chance(seed, 17, 0))
