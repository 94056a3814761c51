"""The clock hands collection over from step to step: `crm tick` (PAY-10)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import attrs
import pytest
from claiming import WORD
from collecting import CHARGED, LADDER, NEXT, day_by_day, obey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from paying import CLERK, DEFAULT, FINANCE, MANAGER, day

from crm_adapters.wiring import open_crm
from crm_core.crm import CRM, Planned
from crm_core.kernel.dates import ESTATE_ZONE, local_date, parse_instant, sortable_text
from crm_core.kernel.dates import start_of_day as begins
from crm_core.kernel.decider import Refusal
from crm_core.kernel.projection import Put
from crm_core.kernel.recorded import Envelope, Recorded
from crm_core.kernel.sealed import Personal
from crm_core.kernel.tenures import FIRST
from crm_core.owners.commands import RegisterHousehold, owner_id
from crm_core.payments import ACCOUNT, COLLECTION, Account, Collection
from crm_core.payments.allocation import allocate
from crm_core.payments.collection.arrears import Arrears
from crm_core.payments.collection.commands import (
    AdvanceCollection,
    CatchUpCollection,
    DecideHold,
    ProposeHold,
)
from crm_core.payments.collection.course import Told, course
from crm_core.payments.collection.dues import Day
from crm_core.payments.collection.events import (
    COLLECTION_EVENTS,
    CollectionClosed,
    CollectionOpened,
    StepOpened,
)
from crm_core.payments.collection.watch import WATCHED
from crm_core.payments.commands import (
    CancelCharge,
    PromisePayment,
    RaiseCharge,
    ReceivePayment,
    ReversePayment,
)
from crm_core.payments.events import (
    ChargeRaised,
    Instalment,
    PaymentMovedIn,
    PaymentMovedOut,
    PaymentReceived,
    PaymentReversed,
)
from crm_core.payments.ledger import Ledger
from crm_core.slices import catalog
from crm_core.testing.strategies import (
    account_commands,
    account_stories,
    collection_commands,
    collection_stories,
)

DAY, MOMENT = timedelta(days=1), timedelta(microseconds=1)


def estate() -> CRM:
    crm = open_crm("memory:")
    at = parse_instant("2010-12-01T00:00:00+08:00")
    for number in ("1", "2", "3"):
        owner = Personal(owner_id(f"V{number}"), "Ouyang Xiu")
        file = RegisterHousehold(f"V{number}", "Anhe", "1", "1", number, owner=owner)
        crm.do(file, by=CLERK, at=at)
    return crm


def said(crm: CRM, household: str = "V1") -> list[Any]:
    return [recorded.event for recorded in crm.history(f"collection/{household}")]


def morning(on: date) -> datetime:
    return begins(on) + timedelta(hours=8)


def obeyed(crm: CRM, on: date) -> list[str]:
    """People do what they were handed on the very day."""
    state = crm.get(Collection, "V1")
    handed = state.open_steps() if state is not None else []
    for step in handed:
        obey(crm, step, on, at=morning(on))
    return [step.act for step in handed]


def keep_still(crm: CRM, first: date, last: date, at: datetime) -> None:
    """A hold, as one proposes and another decides."""
    crm.do(ProposeHold("V1", "H1", first, last, "ill"), by=CLERK, at=at)
    crm.do(DecideHold("V1", "H1", True, first), by=MANAGER, at=at)


@pytest.mark.rule("PAY-10")
def test_the_tick_hands_each_step_over_on_its_day_and_closes_what_is_paid() -> None:
    with estate() as crm:
        crm.do(CHARGED, by=FINANCE, at=morning(day("2011-01-01")))
        seen: list[tuple[int, str]] = []
        on, due = day("2011-01-01"), day("2011-01-31")
        while on < day("2012-03-01"):
            done = crm.tick(morning(on))
            assert not any(crm.tick(morning(on)).events.values())
            acts = obeyed(crm, on)
            assert bool(acts) <= bool(done.events["collection"])
            seen += [((on - due).days, act) for act in acts]
            on += DAY
        assert seen == [
            (-20, "bill"), (4, "reminder"), (11, "reason_asked"), (31, "written_notice"),
            (39, "call"), (45, "visit"), (52, "plan_offered"), (91, "manager_informed"),
            (92, "formal_demand"), (111, "two_person_visit"),
            (121, "value_added_services_paused"), (181, "lawyers_letter"), (211, "mediation"),
            (366, "formal_demand"), (382, "legal_action"),
        ]  # fmt: skip
        paid = ReceivePayment("V1", "P1", 100_00, on, "cash")
        crm.do(paid, by=FINANCE, at=morning(on))
        assert crm.tick(morning(on) + MOMENT).events["collection"] == 2
        closed, thanks = said(crm)[-2:]
        assert closed == CollectionClosed("V1", 1, on, FIRST)
        assert thanks.act == "thanks"
        # Reversed, the arrears are there again, and so is a case.
        crm.do(ReversePayment("V1", "P1", on + DAY, "bounced"), by=FINANCE, at=morning(on + DAY))
        crm.tick(morning(on + DAY) + MOMENT)
        opened = [event for event in said(crm) if isinstance(event, CollectionOpened)]
        assert [(one.case, one.on) for one in opened] == [(1, due + DAY), (2, on + DAY)]
        assert said(crm, "V2") == []


@pytest.mark.rule("PAY-10")
@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 24 * 200), max_size=6, unique=True))
def test_whenever_the_clock_is_asked_the_same_steps_follow(hours: list[int]) -> None:
    """Once a day, now and then, or once at the end: where nobody acts in between."""
    first, end = begins(day("2011-01-01")), begins(day("2011-08-01"))
    with estate() as daily, estate() as seldom:
        for crm in (daily, seldom):
            for command in (CHARGED, NEXT):
                crm.do(command, by=FINANCE, at=first)
            keep_still(crm, day("2011-02-10"), day("2011-02-20"), first)
        at = first
        while at <= end:
            daily.tick(at)
            at += DAY
        for hour in sorted(hours):
            seldom.tick(first + timedelta(hours=hour))
        seldom.tick(end)
        assert said(seldom) == said(daily)
        assert len(said(daily)) > 5
        head = seldom.log.head()
        assert seldom.tick(end).events["collection"] == 0
        assert seldom.log.head() == head


@pytest.mark.rule("PAY-10")
def test_a_day_begins_in_the_estates_zone() -> None:
    with estate() as crm:
        crm.do(CHARGED, by=FINANCE, at=begins(day("2011-01-01")))
        bill = begins(day("2011-01-11"))
        assert crm.tick(bill).events["collection"] == 0
        assert crm.tick(bill + MOMENT).events["collection"] == 1


@pytest.mark.rule("PAY-10", "PAY-09")
def test_a_broken_promise_lets_the_next_step_begin_the_day_after() -> None:
    with estate() as crm:
        crm.do(CHARGED, by=FINANCE, at=begins(day("2011-01-20")))
        for on in ("2011-01-20", "2011-02-01"):
            crm.tick(morning(day(on)))
        told = PromisePayment(
            "V1", "Z1", (Instalment(100_00, day("2011-02-15")),), day("2011-02-02"), "soon", WORD
        )
        crm.do(told, by=FINANCE, at=morning(day("2011-02-02")))
        crm.tick(morning(day("2011-02-15")))
        before = len(said(crm))
        crm.tick(morning(day("2011-02-25")))
        [handed] = said(crm)[before:]
        assert isinstance(handed, StepOpened)
        assert (handed.act, handed.on) == ("reminder", day("2011-02-16"))


@pytest.mark.rule("PAY-10")
def test_a_hold_is_over_the_day_after_its_last() -> None:
    with estate() as crm:
        crm.do(CHARGED, by=FINANCE, at=begins(day("2011-01-20")))
        crm.tick(morning(day("2011-02-02")))
        keep_still(crm, day("2011-02-03"), day("2011-02-20"), morning(day("2011-02-03")))
        assert crm.tick(morning(day("2011-02-20"))).events["collection"] == 0
        crm.tick(morning(day("2011-02-25")))
        handed = said(crm)[-1]
        assert (handed.act, handed.on) == ("reminder", day("2011-02-21"))


@pytest.mark.rule("PAY-10", "LOG-08")
def test_a_hold_that_is_only_proposed_keeps_nothing_still() -> None:
    with estate() as crm:
        crm.do(CHARGED, by=FINANCE, at=begins(day("2011-01-20")))
        crm.tick(morning(day("2011-02-02")))
        asked = ProposeHold("V1", "H1", day("2011-02-03"), day("2011-02-20"), "ill")
        crm.do(asked, by=CLERK, at=morning(day("2011-02-03")))
        crm.tick(morning(day("2011-02-10")))
        assert (said(crm)[-1].act, said(crm)[-1].on) == ("reminder", day("2011-02-04"))


@pytest.mark.rule("PAY-10")
def test_a_bill_in_hand_keeps_no_step_of_the_case_away() -> None:
    other = attrs.evolve(NEXT, due=day("2011-02-26"))
    with estate() as crm:
        for command in (CHARGED, other):
            crm.do(command, by=FINANCE, at=begins(day("2011-01-20")))
        crm.tick(morning(day("2011-02-04")))
        obeyed(crm, day("2011-02-04"))
        crm.tick(morning(day("2011-02-15")))
        acts = [(event.act, event.on) for event in said(crm) if isinstance(event, StepOpened)]
        assert acts[-2:] == [("bill", day("2011-02-06")), ("reason_asked", day("2011-02-11"))]


@pytest.mark.rule("PAY-10")
def test_a_fen_that_is_left_is_collected() -> None:
    with estate() as crm:
        crm.do(CHARGED, by=FINANCE, at=begins(day("2011-01-20")))
        paid = ReceivePayment("V1", "P1", 99_99, day("2011-01-21"), "cash")
        crm.do(paid, by=FINANCE, at=begins(day("2011-01-21")))
        crm.tick(morning(day("2011-02-01")))
        assert isinstance(said(crm)[-1], CollectionOpened)


def test_a_bill_that_was_paid_before_the_clock_was_asked_is_not_collected() -> None:
    with estate() as crm:
        crm.do(CHARGED, by=FINANCE, at=begins(day("2011-01-01")))
        paid = ReceivePayment("V1", "P1", 100_00, day("2011-02-05"), "cash")
        crm.do(paid, by=FINANCE, at=morning(day("2011-02-05")))
        assert crm.tick(morning(day("2011-03-01"))).events["collection"] == 0
        crm.views.catch_up(WATCHED)
        assert crm.views.scan(WATCHED, upto=sortable_text(morning(day("2030-01-01")))) == []


SAID = st.one_of(
    account_commands(), collection_commands(), account_stories(), collection_stories()
).map(lambda told: told if isinstance(told, tuple) else (told,))
_KNOWN = datetime(2011, 1, 1, 2, tzinfo=UTC)


class History:
    """What was told of one household, in which facts come late or ahead of their day."""

    def __init__(self, told: list[tuple[int, Any]]) -> None:
        self.rows: dict[str, Any] = {}
        self.orders: dict[str, str] = {}
        self.known: list[tuple[int, datetime, Any]] = []
        self.account: Account = ACCOUNT.decider.initial
        self.state: Collection = COLLECTION.decider.initial
        self.at = _KNOWN
        for wait, asked in ((days, one) for days, several in told for one in several):
            self.at += timedelta(days=wait)
            self.ask(asked)

    @property
    def today(self) -> date:
        return local_date(self.at, ESTATE_ZONE)

    def ask(self, command: Any) -> None:
        if isinstance(command, AdvanceCollection | CatchUpCollection):
            # The clock asks on its own day, and is told the truth.
            self.catch_up(self.today)
            return
        kind = ACCOUNT if type(command) in ACCOUNT.commands else COLLECTION
        state = self.account if kind is ACCOUNT else self.state
        decided = kind.decider.decide(command, state)
        for event in () if isinstance(decided, Refusal) else decided:
            self.record(event)

    def record(self, event: Any) -> None:
        kind = catalog().by_class[type(event)]
        if kind in COLLECTION_EVENTS:
            self.state = COLLECTION.decider.evolve(self.state, event)
        else:
            self.account = ACCOUNT.decider.evolve(self.account, event)
        if kind.stored not in WATCHED.names:
            return
        position = len(self.known) + 1
        self.known.append((position, self.at, event))
        envelope = Envelope("system:crm", "c", event, self.at.date(), self.at)
        recorded = Recorded(position, "s/1", position, kind.stored, "V1", "", envelope)
        for change in WATCHED.apply(self.rows, recorded):
            assert isinstance(change, Put)
            self.rows[change.key], self.orders[change.key] = change.row, change.order

    def said(self) -> list[Any]:
        kinds = tuple(kind.cls for kind in COLLECTION_EVENTS)
        return [event for _, _, event in self.known if isinstance(event, kinds)]

    def arrears(self) -> Arrears:
        return self.told().arrears(FIRST)

    def told(self) -> Told:
        return Told(self.known, (), ESTATE_ZONE)

    def course(self, upto: date) -> tuple[tuple[Day, ...], date | None]:
        command = CatchUpCollection("V1", upto)
        turns = self.told().turns(self.known)
        return course(command, self.state, self.arrears(), turns, lambda _: (LADDER, DEFAULT))

    def catch_up(self, upto: date) -> list[Any]:
        days, _ = self.course(upto)
        command = CatchUpCollection("V1", upto, days=days, present_day=upto)
        events = COLLECTION.decider.decide(command, self.state)
        assert not isinstance(events, Refusal)
        for event in events:
            self.record(event)
        return [*events]


@pytest.mark.rule("PAY-10")
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.tuples(st.integers(0, 40), SAID), max_size=25),
    st.integers(0, 500),
)
def test_caught_up_at_once_the_same_follows_as_day_by_day(
    told: list[tuple[int, Any]], later: int
) -> None:
    """After any history, and the clock puts nobody off beyond the first day with something due."""
    history = History(told)
    today = history.today
    if history.known:
        assert history.orders["V1"] <= sortable_text(begins(today))
    history.catch_up(today)
    assert history.catch_up(today) == []
    _, following = history.course(today)
    days = [today + timedelta(days=number) for number in range(1, later)]
    if not days:
        return
    daily, _ = day_by_day(history.account, history.state, days, LADDER, DEFAULT)
    if daily:
        assert following is not None
        assert today < following <= daily[0].on
    if history.state.grade is None and history.arrears().settled(days[-1]):
        # Paid in full before anybody asked: that is not collected in hindsight.
        return
    assert history.catch_up(days[-1]) == daily


LATELY = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 3, 20, 40]),
        st.sampled_from(["charge", "charge", "charge", "pay", "pay", "name", "bounce", "cancel"]),
        st.sampled_from([1, 1, 2, 3]),
        st.sampled_from([-30, -10, 0, 1, 5, 40, 100]),
    ),
    min_size=3,
    max_size=14,
)
"""Waits, what comes to be known, about which number, and how many days after it was so."""


def lately(what: str, number: int, on: date) -> Any:
    charge, payment = f"C{number}", f"P{number}"
    match what:
        case "charge":
            return RaiseCharge("V1", charge, "management_fee", "x", 100_00 * number, on)
        case "pay":
            return ReceivePayment("V1", payment, 100_00, on, "cash")
        case "name":
            return ReceivePayment("V1", payment, 150_00, on, "cash", charge)
        case "bounce":
            return ReversePayment("V1", payment, on, "bounced")
        case _:
            return CancelCharge("V1", charge, on, "raised twice")


@pytest.mark.rule("PAY-03", "PAY-10")
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(LATELY)
def test_whoever_asks_late_is_told_what_was_known_on_each_day(
    told: list[tuple[int, str, int, int]],
) -> None:
    """A tick a day, or one at the end: what comes to be known late counts from then on in both."""
    daily, seldom = History([]), History([])
    # What is owed in the end was never paid, so nothing is passed over as paid in full.
    owed = RaiseCharge("V1", "C9", "management_fee", "x", 1_000_00, day("2012-12-31"))
    at = _KNOWN
    for wait, what, number, lag in (*told, (60, "", 0, 0)):
        for _ in range(wait):
            daily.at = at
            daily.catch_up(daily.today)
            at += DAY
        for history in (daily, seldom):
            history.at = at
            on = history.today - timedelta(days=lag)
            history.ask(lately(what, number, on) if what else owed)
    for history in (daily, seldom):
        history.catch_up(history.today)
    assert seldom.said() == daily.said()


@pytest.mark.rule("PAY-02", "PAY-10")
@settings(max_examples=200, deadline=None)
@given(st.lists(account_commands(), max_size=40), st.lists(st.integers(0, 400), max_size=12))
def test_what_is_open_day_by_day_is_what_the_allocation_says(
    commands: list[Any], days: list[int]
) -> None:
    """Charges and money alone are counted on from day to day; everything else is allocated anew."""
    account: Account = ACCOUNT.decider.initial
    for command in commands:
        decided = ACCOUNT.decider.decide(command, account)
        if not isinstance(decided, Refusal):
            plain = [e for e in decided if isinstance(e, ChargeRaised | _MONEY)]
            account = ACCOUNT.decider.fold(plain, account)
    facts = [*account.facts.values()]
    running = Arrears([(day("2011-01-01"), fact) for fact in facts])
    for number in days:
        on = day("2011-01-01") + timedelta(days=number)
        left = allocate(Ledger.of((fact, 0) for fact in facts), on)
        every = [charge for charge, _ in (*left.unpaid, *left.upcoming)]
        looked = running.look(on, DEFAULT)
        assert looked is not None
        found, _ = looked
        assert found.charges == tuple(c.number for c in every if c.due < on)
        assert [one.charge for one in found.upcoming] == [c.number for c in every if c.due >= on]


_MONEY = PaymentReceived | PaymentReversed | PaymentMovedIn | PaymentMovedOut


# --- what a long history costs (K45) ----------------------------------------------------------


def long_history(charges: int, *, owing: bool) -> CRM:
    """A household with as many charges as payments, one after the other over ten years.

    Args:
        owing: Whether the first charge was never paid.
    """
    crm = estate()
    planned = []
    for number in range(charges):
        due = day("2011-01-25") + timedelta(days=number * 3650 // charges)
        raised = RaiseCharge("V1", f"C{number}", "management_fee", "x", 100_00, due)
        paid = ReceivePayment("V1", f"P{number}", 100_00, due + 5 * DAY, "cash", f"C{number}")
        planned.append(Planned(raised, f"c{number}", begins(due - 24 * DAY)))
        if number or not owing:
            planned.append(Planned(paid, f"p{number}", begins(due + 5 * DAY)))
    crm.batch(sorted(planned, key=lambda one: one.at), by=FINANCE)
    return crm


def calls_of(work: Callable[[], object]) -> int:
    """How many functions are called, in Python and out of it: work that takes no clock."""
    count = 0

    def called(_frame: Any, what: str, _argument: Any) -> None:
        nonlocal count
        count += what in ("call", "c_call")

    sys.setprofile(called)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.rule("PAY-10")
@pytest.mark.case("K45")
@pytest.mark.parametrize("owing", [False, True], ids=["paid", "owing"])
def test_the_first_tick_over_a_long_history_costs_with_its_length(owing: bool) -> None:
    """Twice as long, about twice the work; and what is kept of a household does not grow."""
    calls, rows = [], []
    for charges in (100, 200, 400):
        with long_history(charges, owing=owing) as crm:
            calls.append(calls_of(lambda crm=crm: crm.tick(begins(day("2021-06-01")))))
            [(_, _, row)] = crm.views.scan(WATCHED)
            rows.append(len(repr(row)) - len(str(row.position)))
    assert len(set(rows)) == 1
    assert all(longer < 2.3 * shorter for shorter, longer in pairwise(calls)), calls


@pytest.mark.rule("PAY-10")
@pytest.mark.case("K45")
def test_a_first_tick_over_years_is_one_command_for_a_household() -> None:
    with long_history(60, owing=True) as crm:
        crm.tick(begins(day("2021-06-01")))
        commands = {recorded.envelope.command for recorded in crm.history("collection/V1")}
        assert len(commands) == 1
        assert len(said(crm)) > 60


@pytest.mark.rule("PAY-01", "PAY-10")
@pytest.mark.case("K23")
def test_a_charge_that_is_raised_anew_under_its_number_has_a_bill_of_its_own() -> None:
    with estate() as crm:
        crm.do(CHARGED, by=FINANCE, at=morning(day("2011-01-01")))
        crm.tick(morning(day("2011-01-12")))
        gone = CancelCharge("V1", "C1", day("2011-01-13"), "another amount")
        crm.do(gone, by=FINANCE, at=morning(day("2011-01-13")))
        again = attrs.evolve(CHARGED, amount_fen=90_00)
        crm.do(again, by=FINANCE, at=morning(day("2011-01-14")))
        for on in ("2011-01-15", "2011-01-16"):
            crm.tick(morning(day(on)))
        bills = [(event.act, event.on) for event in said(crm)]
        assert bills == [("bill", day("2011-01-11")), ("bill", day("2011-01-14"))]


KILLED = """
import sys
from datetime import timedelta
from crm_adapters.wiring import open_crm
from crm_core.kernel.dates import parse_instant

crm = open_crm(sys.argv[1])
at = parse_instant("2011-01-01T08:00:00+08:00")
for number in range(300):
    crm.tick(at + timedelta(days=number))
    print(number, flush=True)
"""


@pytest.mark.rule("PAY-10")
def test_killed_in_between_the_clock_resumes(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'crm.db'}"
    at = parse_instant("2010-12-31T08:00:00+08:00")
    with open_crm(url, create=True) as crm:
        crm.do(RegisterHousehold("V1", "Anhe", "1", "1", "1"), by=CLERK, at=at)
        crm.do(CHARGED, by=FINANCE, at=at)
        crm.do(NEXT, by=FINANCE, at=at)
    env = {"PYTHONPATH": os.pathsep.join(sys.path)}
    worker = subprocess.Popen(
        [sys.executable, "-c", KILLED, url], stdout=subprocess.PIPE, text=True, env=env
    )
    assert worker.stdout is not None
    for line in worker.stdout:
        if line.strip() == "40":
            break
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    worker.stdout.close()
    end = begins(day("2011-09-01"))
    with open_crm(url) as crm, estate() as whole:
        whole.do(CHARGED, by=FINANCE, at=at)
        whole.do(NEXT, by=FINANCE, at=at)
        assert said(crm)
        crm.tick(end)
        whole.tick(end)
        assert said(crm) == said(whole)
        assert crm.tick(end).events["collection"] == 0
