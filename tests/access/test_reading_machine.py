"""In whatever order undertakings, training, roles and what a member says come and go: nobody reads
a name behind any of them, by any question, and every name that left has exactly one record (PRV-05,
PRV-06, PRV-07, research L5).

The machine knows by itself who may look. `--long` plays 100,000 steps (`nox -s reading`).
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from access.town import BOSS, CLERK, StandingClock, town
from crm_core import CRM
from crm_core.errors import Refused
from crm_core.kernel.dates import local_date
from crm_core.kernel.sealed import Withheld
from crm_core.kernel.word import Word
from crm_core.privacy import GiveConsent, WithdrawConsent
from crm_core.staff import (
    EndClearance,
    EndStaffRole,
    RecordTraining,
    RecordUndertaking,
    RegisterStaff,
)

OWNER = "V1#owner"
KINDS = st.sampled_from(("undertaking", "training"))
PURPOSES = st.sampled_from(("service: a call", "care: a visit", "curiosity", "audit"))


def by_reveal(crm: CRM, asked: Any) -> Any:
    return crm.reveal("V1", OWNER, "name", **asked)


def by_sheet(crm: CRM, asked: Any) -> Any:
    roles = crm.owners.sheet("V1", **asked)["roles"]
    return roles if isinstance(roles, Withheld) else roles[0]["name"]


def by_file(crm: CRM, asked: Any) -> Any:
    file = crm.owners.file("V1", **asked)
    assert file is not None
    return next(one.value for one in file.items() if one.item == "name")


def by_search(crm: CRM, asked: Any) -> Any:
    found = crm.owners.find("张三", **asked)
    return found[0].name if found else Withheld("not found")


def by_paper(crm: CRM, asked: Any) -> Any:
    made = crm.papers.paper("customer-file", "V1", **asked)
    part = made.part("members")
    return part.rows[0].cells[[field.name for field in part.fields].index("name")]


WAYS = (by_reveal, by_sheet, by_file, by_search, by_paper)


class Reading(RuleBasedStateMachine):
    """A member of staff whose right to look comes and goes, and a member who says no and yes."""

    @initialize()
    def begin(self) -> None:
        self.entered = town()
        self.crm = self.entered.__enter__()
        day = date(2024, 1, 1)
        self.crm.do(RegisterStaff("D1", "director", day), by=BOSS)
        self.crm.do(RegisterStaff("S1", "specialist", day), by=BOSS)
        self.cleared: dict[str, date | None] = {"undertaking": None, "training": None}
        self.works: date | None = date.max
        self.objects = False
        self.shown = 0

    def teardown(self) -> None:
        if hasattr(self, "entered"):
            self.entered.__exit__(None, None, None)

    @property
    def today(self) -> date:
        return local_date(self.crm.clock.now())

    def pass_on(self, **by: int) -> datetime:
        now = self.crm.clock.now() + timedelta(**by)
        self.crm.host.clock = StandingClock(now)
        return now

    @rule(days=st.integers(0, 9))
    def days_pass(self, days: int) -> None:
        self.pass_on(days=days)

    @rule(days=st.integers(0, 30), kind=KINDS)
    def is_cleared(self, days: int, kind: str) -> None:
        if self.works is None or self.works < self.today:
            return
        until = self.today + timedelta(days=days)
        make = RecordUndertaking if kind == "undertaking" else RecordTraining
        self.crm.do(make("S1", "D-1", self.today, until), by=BOSS)
        # One that ends earlier takes nothing from the one in force.
        self.cleared[kind] = max(until, self.cleared[kind] or until)

    @rule(kind=KINDS)
    def is_ended(self, kind: str) -> None:
        try:
            self.crm.do(EndClearance("S1", kind, self.today, "told a neighbour"), by=BOSS)
        except Refused:
            return
        self.cleared[kind] = None

    @rule(back=st.integers(0, 2))
    def leaves(self, back: int) -> None:
        """Today, or some days ago, entered today."""
        if self.works is None or self.works < date.max:
            return
        until = self.today - timedelta(days=back)
        try:
            self.crm.do(EndStaffRole("S1", "specialist", until, "left"), by=BOSS)
        except Refused:
            return
        self.works = until

    @rule()
    def comes_back(self) -> None:
        if self.works is not None and self.works < self.today:
            self.crm.do(RegisterStaff("S1", "specialist", self.today), by=BOSS)
            self.works = date.max

    @rule(agrees=st.booleans())
    def member_speaks(self, agrees: bool) -> None:
        at = self.pass_on(minutes=1)
        word = Word(OWNER, "phone", "call")
        if agrees:
            self.crm.do(GiveConsent("V1", OWNER, "care", 0, at, word), by=BOSS)
        else:
            self.crm.do(WithdrawConsent("V1", OWNER, "care", at, word), by=BOSS)
        self.objects = not agrees

    @rule(purpose=PURPOSES, way=st.sampled_from(WAYS))
    def looks(self, purpose: str, way: Any) -> None:
        works = self.works is not None and self.today <= self.works
        cleared = all(until and self.today <= until for until in self.cleared.values())
        fits = purpose.startswith(("service", "care"))
        said_no = self.objects and purpose.startswith("care")
        try:
            name = way(self.crm, {"by": CLERK, "purpose": purpose})
        except Refused:
            assert not (works and cleared and fits) or said_no
            return
        assert works
        # INVARIANT: no read after a withdrawal, an expiry or an end.
        assert (name == "张三") == bool(cleared and fits and not said_no), (way, purpose, name)
        self.shown += name == "张三"
        assert name == "张三" or isinstance(name, Withheld)

    @invariant()
    def each_name_that_left_has_its_record(self) -> None:
        if hasattr(self, "crm"):
            assert self.crm.host.reads is not None
            rows = self.crm.host.reads.about("V1")
            seen = [r for r in rows if not r.reason and r.subject == OWNER and "name" in r.fields]
            assert len(seen) == self.shown


@pytest.mark.rule("PRV-05", "PRV-06", "PRV-07", "LOG-08")
@pytest.mark.case("L5")
@pytest.mark.case("T28")
def test_nobody_reads_behind_a_withdrawal_an_expiry_or_an_end(
    request: pytest.FixtureRequest,
) -> None:
    long = request.config.getoption("--long")
    run_state_machine_as_test(
        Reading,
        settings=settings(
            max_examples=2000 if long else 25,
            stateful_step_count=50,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.explicit, Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )
