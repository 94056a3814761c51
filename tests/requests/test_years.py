"""Years with and without an official notice: nothing waits for one, and verdicts say so."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import pytest
from asking import (
    AUTHORITY,
    CLERK,
    DAY,
    HOUR,
    MANAGER,
    MINUTE,
    OPERATOR,
    RECEIVE,
    SECOND,
    SUPERVISOR,
    given,
    register,
    word,
)

from crm_adapters import open_crm
from crm_core import CRM, Actor, PolicyBook, Refused, Request, shipped
from crm_core.errors import Invalid, UnknownPolicy
from crm_core.gradings.commands import ApprovePolicy, Document, DraftPolicy, MakePolicyEffective
from crm_core.kernel.policy import PolicyFault
from crm_core.kernel.public_holidays import HolidayNotice, shipped_notices
from crm_core.messages.policy import MessagePolicy
from crm_core.messages.template import Template
from crm_core.requests import (
    REQUEST,
    Apologise,
    Arrive,
    Closed,
    ConfirmClosing,
    Dispatch,
    MakeCommitment,
    NoteFailedAttempt,
    NoteProgress,
    PauseRequest,
    Rebase,
    Reclassify,
    Reopen,
    ReportDone,
    SlaPolicy,
)
from crm_core.requests.calendars import ought_to_count
from crm_core.requests.commands import RenewCalendar, TakeStep
from crm_core.requests.events import (
    CalendarRenewed,
    ClockBreached,
    ClockWarned,
    CommitmentBroken,
    ConfirmationDue,
    RequestReceived,
    StepLifted,
)
from crm_core.requests.holidays import HOLIDAYS, NoticeMissing, NoticesTakenUp
from crm_core.requests.views import DUE_REQUESTS, OPEN, request_view
from crm_core.testing.strategies import sla_text
from policy_faults import said

pytestmark = pytest.mark.rule("REQ-11")

DIRECTOR = Actor("D1", "director")
ON_OFFICE_HOURS = {
    'apology = "24x7"': 'apology = "office"',
    'promise = "24x7"': 'promise = "office"',
    'name = "sla-generated"': 'name = "sla-cn-default"',
}
KEEPS = {
    'zone = "Asia/Shanghai"': (
        'zone = "Asia/Shanghai"\npublic_holidays = "cn"\nmake_up_day = "fri"'
    ),
}


def sla(keeps: bool = True, since: str = "1990-01-01", **numbers: Any) -> SlaPolicy:
    """Monday to Friday, 9 to 12 and 13:30 to 18, for every clock; general is 4 hours."""
    text = sla_text(**{"general": 4 * 3600, "closing": "office", **numbers})
    text = text.replace("effective_from = 1990-01-01", f"effective_from = {since}")
    for old, new in (ON_OFFICE_HOURS | (KEEPS if keeps else {})).items():
        assert old in text
        text = text.replace(old, new)
    return SlaPolicy.parse(text)


KEEPING, PLAIN = sla(), sla(keeps=False)
NOTICES = shipped_notices("cn")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Asia/Shanghai"))


def notice_text(year: int, off: str, worked: str = "", version: int = 1) -> str:
    """The notice of a year as a host drafts it: approval and period come later."""
    return (
        f'kind = "holidays"\ncountry = "cn"\nyear = {year}\n'
        f'[policy]\nname = "ours-cn-{year}"\nversion = {version}\n'
        f'[[holidays]]\nname = "元旦"\noff = [{off}]\nworked = [{worked}]\n'
    )


FREE = '"01-01..01-03"'
OF_2027 = notice_text(2027, FREE)


def supplied(text: str, since: str = "2026-11-05") -> HolidayNotice:
    """The same, in force, as a host has it in a file of its own."""
    return HolidayNotice.parse(
        text.replace(
            "version = 1\n",
            f'version = 1\napproved_by = "director"\nimpact_assessment = "PIA"\n'
            f"effective_from = {since}\n",
        )
    )


class Clock:
    def __init__(self) -> None:
        self.at = at("2026-10-01T09:00")

    def now(self) -> datetime:
        return self.at


MESSAGES = [*shipped().every(MessagePolicy), *shipped().every(Template)]


def book(*others: Any, policy: SlaPolicy = KEEPING) -> PolicyBook:
    """A host's own book; the notices that come with the package need not stand in it."""
    return PolicyBook([policy, AUTHORITY, *MESSAGES, *others])


def opened(path: Path, policies: PolicyBook | None = None) -> CRM:
    crm = open_crm(f"sqlite:///{path / 'crm.db'}", create=True, policies=policies or book())
    crm.host.clock = Clock()
    return crm


@pytest.fixture
def crm(tmp_path: Path) -> Iterator[CRM]:
    """An office that keeps public holidays, its notices ending with 2026."""
    with opened(tmp_path) as made:
        register(made, "V00001", "E1", "B1", "U1", "101")
        yield made


def do(crm: CRM, command: Any, when: datetime, by: Actor = CLERK) -> Any:
    """Give a command when it happens; the clock never goes back."""
    clock: Any = crm.clock
    clock.at = max(clock.at, when)
    return crm.do(command, by=by, at=when)


def tick(crm: CRM, when: datetime) -> Any:
    clock: Any = crm.clock
    clock.at = max(clock.at, when)
    return crm.tick(when)


def receive(crm: CRM, when: datetime, request: str = "R1010", **said: Any) -> None:
    do(crm, attrs.evolve(RECEIVE, request=request, received_at=when, **said), when)


def happened(crm: CRM, kind: type, request: str = "R1010") -> list[Any]:
    found = (recorded.event for recorded in crm.history(f"request/{request}"))
    return [event for event in found if type(event) is kind]


def shown(crm: CRM, now: datetime, request: str = "R1010") -> dict[str, Any]:
    state = crm.get(Request, request)
    assert state is not None
    return request_view(state, now, crm.requests.pinned, traced=True)


def verdict(crm: CRM, clock: str, now: datetime, request: str = "R1010") -> dict[str, Any]:
    [found] = [v for v in shown(crm, now, request)["verdicts"] if v["clock"] == clock]
    return found


def adopt(crm: CRM, text: str, on: datetime, first: date) -> None:
    """Draft, assess, approve and bring into use a notice, each by somebody else."""
    clock: Any = crm.clock
    clock.at = max(clock.at, on)
    policy, day = HolidayNotice.parse(text).ref, on.date()
    name, version = policy.name, policy.version
    crm.do(DraftPolicy(name, Document(text), "国办发明电", day), by=SUPERVISOR)
    assert crm.studies.assess(name, version, "PIA-9", by=MANAGER, on=day) is None
    crm.do(ApprovePolicy(name, version, day), by=DIRECTOR)
    crm.do(MakePolicyEffective(name, version, first, day), by=MANAGER)


def findings(crm: CRM, kind: type = NoticeMissing) -> list[Any]:
    found = (recorded.event for recorded in crm.log.read(HOLIDAYS.stream("cn")))
    return [event for event in found if type(event) is kind]


# --- nothing waits for a notice ------------------------------------------------------------------


@pytest.mark.case("K03")
def test_on_the_last_day_with_a_notice_a_request_runs_into_the_next_year(crm: CRM) -> None:
    """Promised for 23:00, ticked in January: broken promise, duty, breach, and more intake."""
    received = at("2026-12-31T17:00")
    receive(crm, received)
    promise = MakeCommitment(
        "R1010", "fixed", at("2026-12-31T23:00"), received + MINUTE, form="outcome"
    )
    do(crm, promise, received + MINUTE)
    tick(crm, at("2027-01-05T09:00"))
    [broken] = happened(crm, CommitmentBroken)
    assert broken.broken_at == at("2026-12-31T23:00")
    apology = next(c for c in broken.clocks if c.clock == "apology-1")
    # The apology was due half an hour into the first working day: nobody has said it is free.
    assert apology.due_at == at("2027-01-01T09:30")
    breaches = {event.clock: event.at for event in happened(crm, ClockBreached)}
    assert breaches == {
        # Its time is used up with the morning, and exceeded when the afternoon begins.
        "closing-1": at("2027-01-01T13:30"),
        "apology-1": at("2027-01-01T09:30"),
        **{c: t for c, t in breaches.items() if c.startswith("progress")},
    }
    assert shown(crm, at("2027-01-05T09:00"))["apology_owed"]
    told = verdict(crm, "closing-1", at("2027-01-05T09:00"))
    assert (told["kept"], told["provisional"], told["provisional_years"]) == (False, True, [2027])
    receive(crm, at("2027-01-05T10:00"), "R1011")
    assert happened(crm, RequestReceived, "R1011")


@pytest.mark.case("K03")
@pytest.mark.parametrize(
    "day",
    [
        pytest.param("2027-01-04", id="the first year without a notice"),
        pytest.param("2029-01-01", id="two years on"),
        pytest.param("2028-02-29", id="a leap day"),
        pytest.param("2150-06-08", id="far ahead"),
        pytest.param("2006-06-05", id="before the first notice"),
    ],
)
def test_a_life_in_a_year_without_a_notice_is_like_any_other(
    crm: CRM, day: str, tmp_path: Path
) -> None:
    """Each event is that of a calendar which keeps no holidays; only what is said of it differs."""
    (tmp_path / "other").mkdir()
    with opened(tmp_path / "other", book(policy=PLAIN)) as other:
        register(other, "V00001", "E1", "B1", "U1", "101")
        for one in (crm, other):
            live(one, at(f"{day}T09:00"))
        lives = [
            [recorded.event for recorded in one.history("request/R1010")] for one in (crm, other)
        ]
        first = lives[0][0]
        same = attrs.evolve(lives[1][0], policy=first.policy, notices=first.notices)
        plainly = [same, *lives[1][1:]]
        assert lives[0] == plainly
        kinds = {type(event) for event in lives[0]}
        assert {ClockBreached, CommitmentBroken, ConfirmationDue} <= kinds
        end = at(f"{day}T09:00") + 9 * DAY
        said = {v["clock"]: v["provisional"] for v in shown(crm, end)["verdicts"]}
        agreed = ("commitment", "confirmation")
        assert said == {c: not c.startswith(agreed) for c in said}
        assert len(said) > 6
        assert not any(v["provisional"] for v in shown(other, end)["verdicts"])


def live(crm: CRM, start: datetime) -> None:
    """Promised, dispatched, broken, paused, apologised for, done, asked about, confirmed."""
    receive(crm, start)
    promise = MakeCommitment("R1010", "fixed", start + 2 * HOUR, start + 10 * MINUTE)
    do(crm, promise, start + 10 * MINUTE)
    order = Dispatch("R1010", "E4", "operator", start + 12 * MINUTE, on_site=True)
    do(crm, order, start + 12 * MINUTE)
    do(crm, Arrive("R1010", start + HOUR), start + HOUR, OPERATOR)
    note = NoteProgress("R1010", "valve ordered", True, start + 2 * HOUR)
    do(crm, note, start + 2 * HOUR)
    tick(crm, start + 1 * DAY)
    sorry = Apologise("R1010", "sorry", "the valve", "tomorrow", start + 1 * DAY)
    do(crm, sorry, start + 1 * DAY)
    pause = PauseRequest(
        "R1010", "customer_absent", start + 1 * DAY + HOUR, start + 2 * DAY, "away"
    )
    do(crm, pause, start + 1 * DAY + HOUR)
    tick(crm, start + 3 * DAY)
    do(crm, ReportDone("R1010", start + 3 * DAY + HOUR), start + 3 * DAY + HOUR, OPERATOR)
    tick(crm, start + 5 * DAY)
    failed = NoteFailedAttempt("R1010", start + 5 * DAY, "phone")
    do(crm, failed, start + 5 * DAY)
    confirm = ConfirmClosing("R1010", start + 6 * DAY, "satisfied", word("V00001"))
    do(crm, confirm, start + 6 * DAY)
    assert isinstance(crm.get(Request, "R1010"), Closed)


@pytest.mark.case("K03")
@pytest.mark.parametrize("clock", ["closing", "promise", "arrival", "progress", "apology"])
def test_every_clock_runs_across_the_end_of_the_year(clock: str) -> None:
    """Started at 17:30 on 31 December, the last half hour of 2026; the rest lies in 2027."""
    from crm_core.requests.clocks import start

    known = KEEPING.under(NOTICES)
    started = at("2026-12-31T17:30")
    found = start(f"{clock}-1", started, 3600, known)
    assert found.due_at == at("2027-01-01T09:30")
    calendar = known.calendars[clock]
    assert calendar.provisional(started, found.due_at) == (2027,)
    free = KEEPING.under((*NOTICES, supplied(OF_2027)))
    assert start(f"{clock}-1", started, 3600, free).due_at == at("2027-01-04T09:30")


@pytest.mark.case("K03")
def test_a_customer_is_asked_on_the_days_of_a_year_without_a_notice(crm: CRM) -> None:
    """Done on 31 December: asked on 1 January, a Friday, and on Monday; nobody is refused."""
    receive(crm, at("2026-12-31T09:00"))
    done = at("2026-12-31T17:30")
    do(crm, ReportDone("R1010", done), done, OPERATOR)
    tick(crm, at("2027-01-04T08:00"))
    asked = [event.due_at for event in happened(crm, ConfirmationDue)]
    # The attempt of the weekend falls to the end of the three days, which Monday has overtaken.
    assert asked == [done, at("2027-01-01T17:30"), at("2027-01-03T17:30")]


def test_a_known_year_is_not_provisional_and_the_verdict_names_the_notice(crm: CRM) -> None:
    """Digests and all: whoever reads the verdict can find what decided it."""
    receive(crm, at("2026-09-30T17:30"))  # Wednesday; off until Thursday week
    now = at("2026-10-12T09:00")
    told = verdict(crm, "closing-1", now)
    of_2026 = NOTICES[-1].ref
    assert told["due_at"] == "2026-10-08T06:00:00Z"
    assert not told["provisional"]
    assert told["notices"] == [{"notice": "holidays-cn-2026/1", "digest": of_2026.digest}]
    [received] = happened(crm, RequestReceived)
    assert received.notices == (of_2026,)
    trace = next(c for c in shown(crm, now)["clocks"] if c["clock"] == "closing-1")["trace"]
    assert not any(segment["provisional"] for segment in trace)
    assert any(segment["why"] == "public holiday 国庆节" for segment in trace)


def test_the_trace_says_which_stretches_are_provisional(crm: CRM) -> None:
    receive(crm, at("2026-12-31T17:30"))
    clocks = shown(crm, at("2027-01-01T10:00"))["clocks"]
    trace = next(c for c in clocks if c["clock"] == "closing-1")["trace"]
    assert [(s["counted"], s["provisional"]) for s in trace] == [
        (True, False),
        (False, False),
        (False, True),
        (True, True),
    ]
    assert trace[1]["to"] == trace[2]["from"] == "2026-12-31T16:00:00Z"


def test_who_keeps_no_holidays_pins_no_notice_and_is_never_provisional(tmp_path: Path) -> None:
    with opened(tmp_path, book(policy=PLAIN)) as crm:
        register(crm, "V00001", "E1", "B1", "U1", "101")
        receive(crm, at("2027-01-04T09:00"))
        done = tick(crm, at("2027-01-05T09:00"))
        assert done.events["calendars"] == 0
        [received] = happened(crm, RequestReceived)
        assert received.notices == ()
        assert not verdict(crm, "closing-1", at("2027-01-05T09:00"))["provisional"]
        assert findings(crm) == []


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("general = 14400", "general = 9007199254740991", "close_seconds.general"),
        ("phone = 300", "phone = 2500000000", "promise_seconds.phone"),
        ("days = 3", "days = 99999999", "confirmation.days"),
    ],
)
def test_a_target_beyond_all_calendars_is_refused_with_the_policy(
    old: str, new: str, path: str
) -> None:
    """So no request of any year can lead a clock to where nothing answers."""
    text = sla_text(general=4 * 3600, closing="office").replace(
        'promise = "24x7"', 'promise = "office"'
    )
    assert old in text
    with pytest.raises(PolicyFault) as refused:
        SlaPolicy.parse(text.replace(old, new))
    assert path in said(refused.value)


# --- a host supplies a notice --------------------------------------------------------------------


def test_a_host_supplies_a_notice_as_a_file(tmp_path: Path) -> None:
    notice = supplied(OF_2027)
    with opened(tmp_path, book(notice)) as crm:
        register(crm, "V00001", "E1", "B1", "U1", "101")
        receive(crm, at("2026-12-31T17:30"))
        told = verdict(crm, "closing-1", at("2027-01-04T10:00"))
        assert told["due_at"] == "2027-01-04T06:00:00Z"  # Monday 14:00, after three days off
        assert not told["provisional"]
        assert {"notice": "ours-cn-2027/1", "digest": notice.ref.digest} in told["notices"]
    with opened(tmp_path) as without, pytest.raises(UnknownPolicy, match="ours-cn-2027/1"):
        do(
            without,
            NoteProgress("R1010", "x", True, at("2027-01-04T10:00")),
            at("2027-01-04T10:00"),
        )


def test_a_notice_counts_for_what_is_received_from_its_first_day_on(crm: CRM) -> None:
    adopt(crm, OF_2027, at("2026-11-04T10:00"), date(2026, 11, 5))
    receive(crm, at("2026-11-04T17:00"), "R1")
    receive(crm, at("2026-11-05T09:00"), "R2")
    of = {r: [str(n) for n in happened(crm, RequestReceived, r)[0].notices] for r in ("R1", "R2")}
    assert of == {
        "R1": ["holidays-cn-2026/1"],
        "R2": ["holidays-cn-2026/1", "ours-cn-2027/1"],
    }


def test_a_notice_is_adopted_like_any_policy(crm: CRM) -> None:
    """No trial over recorded years, but drafted, assessed, and approved by somebody else."""
    day = date(2026, 11, 4)
    crm.clock.at = at("2026-11-04T09:00")  # type: ignore[attr-defined]
    faulty = OF_2027.replace("01-03", "02-30")
    with pytest.raises(Refused, match="policy_faulty"):
        crm.do(DraftPolicy("ours-cn-2027", Document(faulty), "x", day), by=SUPERVISOR)
    crm.do(DraftPolicy("ours-cn-2027", Document(OF_2027), "x", day), by=SUPERVISOR)
    with pytest.raises(Refused, match="assessment_missing"):
        crm.do(ApprovePolicy("ours-cn-2027", 1, day), by=DIRECTOR)
    crm.studies.assess("ours-cn-2027", 1, "PIA-9", by=MANAGER, on=day)
    with pytest.raises(Refused, match="own_proposal"):
        crm.do(ApprovePolicy("ours-cn-2027", 1, day), by=Actor(SUPERVISOR.id, "director"))
    crm.do(ApprovePolicy("ours-cn-2027", 1, day), by=DIRECTOR)
    receive(crm, at("2026-12-31T17:30"))
    assert verdict(crm, "closing-1", at("2027-01-01T10:00"))["provisional"]
    crm.do(MakePolicyEffective("ours-cn-2027", 1, day, day), by=MANAGER)
    receive(crm, at("2026-12-31T17:30"), "R1011")
    assert not verdict(crm, "closing-1", at("2027-01-01T10:00"), "R1011")["provisional"]


def test_a_policy_of_a_kind_that_no_slice_lets_be_adopted_is_no_draft(crm: CRM) -> None:
    text = sla_text()
    draft = DraftPolicy("sla-generated", Document(text), "x", date(2026, 10, 1))
    with pytest.raises(Refused, match="policy_faulty"):
        crm.do(draft, by=SUPERVISOR)


def test_a_release_with_a_notice_of_the_same_name_changes_nothing(tmp_path: Path) -> None:
    """What was adopted is found by its digest, and intake goes on."""
    ours = OF_2027.replace("ours-cn-2027", "holidays-cn-2027")
    with opened(tmp_path) as crm:
        register(crm, "V00001", "E1", "B1", "U1", "101")
        adopt(crm, ours, at("2026-11-04T10:00"), date(2026, 11, 5))
        receive(crm, at("2026-12-31T17:30"))
    other = notice_text(2027, '"01-01"').replace("ours-cn-2027", "holidays-cn-2027")
    with opened(tmp_path, book(supplied(other, "2000-01-01"))) as crm:
        receive(crm, at("2026-12-31T17:31"), "R1011")
        tick(crm, at("2027-01-01T10:00"))
        for request in ("R1010", "R1011"):
            told = verdict(crm, "closing-1", at("2027-01-01T10:00"), request)
            assert told["notices"][-1]["digest"] == HolidayNotice.parse(ours).ref.digest
        assert happened(crm, CalendarRenewed) == []


# --- a notice that comes later -------------------------------------------------------------------


def test_a_later_notice_moves_what_is_open_and_leaves_what_is_closed(crm: CRM) -> None:
    """Adopted on 3 January: the open one is due on Monday, the closed one stays as it was told."""
    for request in ("R1", "R2"):
        receive(crm, at("2026-12-31T17:30"), request)
    tick(crm, at("2027-01-01T14:00"))
    late = at("2027-01-01T14:30")
    do(crm, ReportDone("R2", late), late, OPERATOR)
    do(crm, ConfirmClosing("R2", late + HOUR, "satisfied", word("V00001")), late + HOUR)
    adopt(crm, OF_2027, at("2027-01-03T10:00"), date(2027, 1, 3))
    tick(crm, at("2027-01-03T11:00"))
    [renewed] = happened(crm, CalendarRenewed, "R1")
    assert [str(n) for n in renewed.notices] == ["holidays-cn-2026/1", "ours-cn-2027/1"]
    assert renewed.renewed_at == at("2027-01-03T11:00")
    told = verdict(crm, "closing-1", at("2027-01-03T11:00"), "R1")
    assert (told["due_at"], told["kept"]) == ("2027-01-04T06:00:00Z", None)
    assert not told["provisional"]
    [due] = [s for s in steps(crm, "R1") if s.clock == "closing-1"]
    # Half an hour is counted; at 10:30 on Monday, two hours, half of the target is used up.
    assert (due.step, due.at) == ("warn_50", at("2027-01-04T10:30"))
    assert happened(crm, CalendarRenewed, "R2") == []
    stays = verdict(crm, "closing-1", at("2027-01-03T11:00"), "R2")
    assert (stays["kept"], stays["provisional"]) == (False, True)
    # Once: the next tick finds nothing to renew.
    assert tick(crm, at("2027-01-03T12:00")).events["calendars"] == 0
    tick(crm, at("2027-01-04T14:01"))
    assert happened(crm, ClockBreached, "R1")[-1].at == at("2027-01-04T14:00")


@pytest.mark.case("K03")
def test_a_later_notice_lifts_the_breach_of_what_is_open_and_lists_what_is_closed(
    crm: CRM,
) -> None:
    """Breached on New Year's Day, which was free after all: due on Monday, and breached then."""
    for request in ("R1", "R2"):
        receive(crm, at("2026-12-31T17:30"), request)
    late = at("2027-01-01T14:30")
    do(crm, ReportDone("R2", late), late, OPERATOR)
    do(crm, ConfirmClosing("R2", late + HOUR, "satisfied", word("V00001")), late + HOUR)
    tick(crm, at("2027-01-02T09:00"))
    [breach] = [e for e in happened(crm, ClockBreached, "R1") if e.clock == "closing-1"]
    assert breach.at == at("2027-01-01T14:00")
    assert verdict(crm, "closing-1", at("2027-01-02T09:00"), "R1")["kept"] is False
    before = happened(crm, ClockBreached, "R2")
    adopt(crm, OF_2027, at("2027-01-03T10:00"), date(2027, 1, 3))
    tick(crm, at("2027-01-03T11:00"))
    lifted = [e for e in happened(crm, StepLifted, "R1") if e.clock == "closing-1"]
    assert ("breached", breach.at) in [(e.what, e.at) for e in lifted]
    assert {e.because for e in lifted} == {"calendar_renewed"}
    assert {e.because_at for e in lifted} == {at("2027-01-03T11:00")}
    told = verdict(crm, "closing-1", at("2027-01-03T11:00"), "R1")
    assert (told["due_at"], told["kept"], told["provisional"]) == (
        "2027-01-04T06:00:00Z",
        None,
        False,
    )
    crm.views.catch_up(OPEN)
    assert [row.due_at for _, key, row in crm.views.scan(OPEN) if key == "R1"] == [
        at("2027-01-04T14:00")
    ]
    # The closed one was told that it was late, and stays so; people see that it would not be.
    assert happened(crm, CalendarRenewed, "R2") == happened(crm, StepLifted, "R2") == []
    assert happened(crm, ClockBreached, "R2") == before
    stays = verdict(crm, "closing-1", at("2027-01-03T11:00"), "R2")
    assert (stays["kept"], stays["provisional"]) == (False, True)
    listed = {p.clock: p for p in crm.requests.provisional() if p.request == "R2"}
    assert (listed["closing-1"].kept, listed["closing-1"].would_be_kept) == (False, True)
    tick(crm, at("2027-01-04T14:01"))
    again = [e.at for e in happened(crm, ClockBreached, "R1") if e.clock == "closing-1"]
    assert again == [at("2027-01-01T14:00"), at("2027-01-04T14:00")]


def test_another_policy_that_keeps_holidays_counts_by_the_notices(tmp_path: Path) -> None:
    """Received under one that keeps none, so no notice was pinned; re-based, it counts by them."""
    with opened(tmp_path, book(sla(version=2, since="2026-10-02"), policy=PLAIN)) as crm:
        register(crm, "V00001", "E1", "B1", "U1", "101")
        receive(crm, at("2026-09-30T17:30"))
        assert happened(crm, RequestReceived)[0].notices == ()
        change = Rebase("R1010", "agreed", at("2026-10-02T09:00"))
        do(crm, change, at("2026-10-02T09:00"), SUPERVISOR)
        told = [
            v
            for v in shown(crm, at("2026-10-02T09:00"))["verdicts"]
            if v["clock"] == "closing-1" and not v["superseded"]
        ]
        assert [v["due_at"] for v in told] == ["2026-10-08T06:00:00Z"]
        assert not told[0]["provisional"]


def steps(crm: CRM, request: str) -> list[Any]:
    crm.views.catch_up(DUE_REQUESTS)
    [found] = [row for _, key, row in crm.views.scan(DUE_REQUESTS) if key == request]
    return list(found.steps)


def test_verdicts_that_would_differ_are_listed(crm: CRM) -> None:
    """Two were closed on New Year's Day: one breached by the regular week, one kept either way."""
    for request, done in (("R1", "2027-01-01T14:30"), ("R2", "2026-12-31T17:45")):
        receive(crm, at("2026-12-31T17:30"), request)
        when = at(done)
        do(crm, ReportDone(request, when), when, OPERATOR)
        do(crm, ConfirmClosing(request, when + HOUR, "satisfied", word("V00001")), when + HOUR)
    everything = {(p.request, p.clock): p for p in crm.requests.provisional(all=True)}
    assert {key for key in everything if key[1] == "closing-1"} == {
        ("R1", "closing-1"),
        ("R2", "closing-1"),
    }
    # Without a notice nothing can be said to differ.
    assert list(crm.requests.provisional()) == []
    assert {p.still for p in everything.values()} == {(2027,)}
    adopt(crm, OF_2027, at("2027-01-03T10:00"), date(2027, 1, 3))
    found = {(p.request, p.clock): p for p in crm.requests.provisional()}
    one = found["R1", "closing-1"]
    assert (one.kept, one.would_be_kept, one.years, one.still) == (False, True, (2027,), ())
    assert (one.due_at, one.would_be_due_at) == (
        at("2027-01-01T14:00"),
        at("2027-01-04T14:00"),
    )
    assert (one.late_seconds, one.would_be_late_seconds) == (1800, -3 * HOUR // SECOND - 1800)
    # Kept by both, with another due time: said, for the customer may have been told of it.
    two = found["R2", "closing-1"]
    assert (two.kept, two.would_be_kept) == (True, True)
    assert verdict(crm, "closing-1", at("2027-01-05T09:00"), "R1")["kept"] is False


def test_a_step_that_is_due_by_both_is_not_taken_twice(crm: CRM) -> None:
    """Friday and Monday: the breach of Friday stands where the notice frees only the weekend."""
    receive(crm, at("2026-12-30T09:00"))
    tick(crm, at("2026-12-31T18:00"))
    before = [event.clock for event in happened(crm, ClockBreached)]
    assert "closing-1" in before
    adopt(crm, OF_2027, at("2027-01-03T10:00"), date(2027, 1, 3))
    tick(crm, at("2027-01-05T11:00"))
    assert [event.clock for event in happened(crm, ClockBreached)].count("closing-1") == 1
    assert len(happened(crm, CalendarRenewed)) == 1
    assert "closing-1" not in {event.clock for event in happened(crm, StepLifted)}


def test_a_working_weekend_brings_a_breach_forward(crm: CRM) -> None:
    """Worked on Saturday, 2 January: what was due on Monday was due on that day."""
    receive(crm, at("2027-01-01T16:00"))
    assert verdict(crm, "closing-1", at("2027-01-03T10:00"))["due_at"].startswith("2027-01-04T03")
    text = notice_text(2027, '"01-04"', '"01-02"')
    adopt(crm, text, at("2027-01-03T10:00"), date(2027, 1, 3))
    tick(crm, at("2027-01-03T11:00"))
    [breach] = [e for e in happened(crm, ClockBreached) if e.clock == "closing-1"]
    assert breach.at == at("2027-01-02T11:00")
    told = verdict(crm, "closing-1", at("2027-01-03T11:00"))
    assert (told["kept"], told["provisional"]) == (False, False)


def test_a_notice_comes_into_force_on_a_day_of_its_own(crm: CRM) -> None:
    receive(crm, at("2026-12-31T17:30"))
    adopt(crm, OF_2027, at("2027-01-01T10:00"), date(2027, 1, 3))
    tick(crm, at("2027-01-02T10:00"))
    assert happened(crm, CalendarRenewed) == []
    tick(crm, at("2027-01-03T10:00"))
    assert len(happened(crm, CalendarRenewed)) == 1
    assert [str(e.notices[-1]) for e in findings(crm, NoticesTakenUp)][-1] == "ours-cn-2027/1"


def test_a_corrected_notice_takes_the_place_of_the_first(crm: CRM) -> None:
    """As in 2020, when a second notice prolonged the Spring Festival."""
    adopt(crm, OF_2027, at("2026-11-04T10:00"), date(2026, 11, 5))
    receive(crm, at("2026-12-31T17:30"))
    longer = notice_text(2027, '"01-01..01-04"', version=2)
    adopt(crm, longer, at("2027-01-02T10:00"), date(2027, 1, 2))
    tick(crm, at("2027-01-02T11:00"))
    [renewed] = happened(crm, CalendarRenewed)
    assert [str(n) for n in renewed.notices] == ["holidays-cn-2026/1", "ours-cn-2027/2"]
    assert verdict(crm, "closing-1", at("2027-01-02T11:00"))["due_at"].startswith("2027-01-05T06")


def test_a_paused_request_and_one_that_is_done_are_renewed_too(crm: CRM) -> None:
    receive(crm, at("2026-12-31T16:30"), "R1")
    receive(crm, at("2026-12-31T16:30"), "R2")
    paused = at("2026-12-31T17:30")
    pause = PauseRequest("R1", "customer_absent", paused, at("2027-01-04T09:00"), "away")
    do(crm, pause, paused)
    do(crm, ReportDone("R2", paused), paused, OPERATOR)
    tick(crm, at("2026-12-31T18:00"))
    adopt(crm, OF_2027, at("2026-12-31T19:00"), date(2026, 12, 31))
    tick(crm, at("2026-12-31T20:00"))
    assert [len(happened(crm, CalendarRenewed, r)) for r in ("R1", "R2")] == [1, 1]
    [ask] = [s for s in steps(crm, "R2") if s.clock.startswith("confirmation")]
    # Until then 1 January was a working day; now they are asked when the three days are over.
    assert (ask.step, ask.at) == ("attempt_2", at("2027-01-03T17:30"))
    tick(crm, at("2027-01-04T09:01"))
    # One hour was counted before the pause; three are left from Monday, nine o'clock.
    assert verdict(crm, "closing-1", at("2027-01-04T09:01"), "R1")["due_at"].startswith(
        "2027-01-04T04:00"
    )


def test_a_request_that_cannot_be_renewed_holds_up_no_other(tmp_path: Path) -> None:
    """Its policy is gone; the others are renewed, and it is asked again each time."""
    gone = sla(version=2)
    with opened(tmp_path, book(gone)) as crm:
        register(crm, "V00001", "E1", "B1", "U1", "101")
        receive(crm, at("2026-12-31T17:30"), "R1")
    with opened(tmp_path) as crm:
        receive(crm, at("2026-12-31T17:30"), "R2")
        adopt(crm, OF_2027, at("2027-01-01T08:00"), date(2027, 1, 1))
        from crm_core.application.calendars import renew_calendars

        for _ in range(2):
            renew_calendars(crm.host, crm._desk, at("2027-01-01T08:30"))
            assert len(happened(crm, CalendarRenewed, "R2")) == 1
            assert findings(crm, NoticesTakenUp) == []
    with opened(tmp_path, book(gone)) as crm:
        renew_calendars(crm.host, crm._desk, at("2027-01-01T08:40"))
        assert len(happened(crm, CalendarRenewed, "R1")) == 1
        assert len(findings(crm, NoticesTakenUp)) == 1


def test_a_host_without_the_file_takes_no_notice_away(tmp_path: Path) -> None:
    with opened(tmp_path, book(supplied(OF_2027))) as crm:
        register(crm, "V00001", "E1", "B1", "U1", "101")
        receive(crm, at("2026-12-31T17:30"), "R1")
        tick(crm, at("2026-12-31T17:40"))
    with opened(tmp_path) as crm:
        from crm_core.application.calendars import renew_calendars

        assert (
            renew_calendars(crm.host, crm._desk, at("2026-12-31T17:50")) == 1
        )  # the warning of 2027
        assert happened(crm, CalendarRenewed, "R1") == []


def test_a_pinned_notice_stays_until_another_for_its_year_is_in_force() -> None:
    ours, shorter = supplied(OF_2027), supplied(notice_text(2027, '"01-01"', version=1))
    of_2026 = NOTICES[-1]
    assert ought_to_count((of_2026, ours), (of_2026,)) == (of_2026, ours)
    assert ought_to_count((of_2026, ours), (of_2026, shorter)) == (of_2026, shorter)
    assert ought_to_count((), (of_2026, ours)) == (of_2026, ours)


def test_nobody_renews_a_calendar_in_person(crm: CRM) -> None:
    receive(crm, at("2026-12-31T17:30"))
    for by in (SUPERVISOR, MANAGER, DIRECTOR):
        with pytest.raises(Refused, match="given_inside_only"):
            crm.do(RenewCalendar("R1010", at("2026-12-31T17:30")), by=by)
    notice = supplied(OF_2027)
    with pytest.raises(Invalid, match="is looked up"):
        crm.do(
            RenewCalendar("R1010", at("2027-01-01T09:00"), policy=KEEPING.under((notice,))),
            by=SUPERVISOR,
        )


def renewal(when: datetime, *notices: HolidayNotice) -> RenewCalendar:
    """Asked for of a request that pinned the notice of 2026."""
    return RenewCalendar(
        "R1010",
        when,
        notices=tuple(notice.ref for notice in notices),
        policy=KEEPING.under(notices),
        held_to=(KEEPING.under(NOTICES[-1:]),),
    )


def test_what_is_closed_or_not_there_is_not_renewed() -> None:
    known = KEEPING.under(NOTICES[-1:])
    receive = attrs.evolve(RECEIVE, received_at=at("2026-12-30T09:00"), policy=known)
    both = NOTICES[-1], supplied(OF_2027)
    renew = renewal(at("2027-01-03T09:00"), *both)
    given(REQUEST).when(renew).refused("request_not_open", "REQ-08")
    received = given(REQUEST).when(receive).events
    assert given(REQUEST, *received).when(renew).events != ()
    assert given(REQUEST, *received).when(renewal(at("2026-12-29T09:00"), *both)).events == ()
    same = renewal(at("2027-01-03T09:00"), NOTICES[-1])
    assert given(REQUEST, *received).when(same).events == ()
    done = ReportDone("R1010", at("2026-12-30T10:00"), by=OPERATOR, policy=known)
    said = {"by": CLERK, "policy": known}
    confirm = ConfirmClosing("R1010", at("2026-12-30T11:00"), "satisfied", word("V00001"), **said)
    closed = given(REQUEST).when(receive, done, confirm)
    assert given(REQUEST, *closed.events).when(renew).events == ()


def test_what_is_reopened_counts_by_the_notice_that_came_while_it_was_closed(crm: CRM) -> None:
    """The first verdict stays; the second clock knows the holiday."""
    receive(crm, at("2026-12-31T17:00"))
    done = at("2026-12-31T17:30")
    do(crm, ReportDone("R1010", done), done, OPERATOR)
    do(crm, ConfirmClosing("R1010", done + MINUTE, "satisfied", word("V00001")), done + MINUTE)
    adopt(crm, OF_2027, at("2026-12-31T17:40"), date(2026, 12, 31))
    tick(crm, at("2026-12-31T17:45"))
    assert happened(crm, CalendarRenewed) == []
    again = at("2026-12-31T17:50")
    do(crm, Reopen("R1010", again, "leaks again"), again)
    assert len(happened(crm, CalendarRenewed)) == 1
    second = verdict(crm, "closing-2", at("2026-12-31T17:55"))
    # Ten minutes are left of the year, and 3:50 on the first Monday that is worked.
    assert second["due_at"] == "2027-01-04T06:20:00Z"
    assert not second["provisional"]
    first = verdict(crm, "closing-1", at("2026-12-31T17:55"))
    assert (first["kept"], first["due_at"]) == (True, "2027-01-01T04:00:00Z")


def test_what_is_entered_late_counts_by_what_is_known_by_then(crm: CRM) -> None:
    """Received and known on 31 December, typed in after the notice was taken up."""
    adopt(crm, OF_2027, at("2027-01-03T10:00"), date(2027, 1, 3))
    tick(crm, at("2027-01-03T11:00"))
    receive(crm, at("2026-12-31T17:30"))
    [received] = happened(crm, RequestReceived)
    assert [str(n) for n in received.notices] == ["holidays-cn-2026/1", "ours-cn-2027/1"]
    assert not verdict(crm, "closing-1", at("2027-01-03T11:00"))["provisional"]


def test_another_severity_counts_by_the_notices_that_are_pinned(crm: CRM) -> None:
    adopt(crm, OF_2027, at("2026-11-04T10:00"), date(2026, 11, 5))
    receive(crm, at("2026-12-31T17:30"), severity="major")
    change = Reclassify(
        "R1010", "smaller than it looked", at("2026-12-31T17:40"), severity="general"
    )
    do(crm, change, at("2026-12-31T17:40"))
    [found] = [
        v
        for v in shown(crm, at("2026-12-31T17:50"))["verdicts"]
        if v["clock"] == "closing-1" and not v["superseded"]
    ]
    assert found["due_at"] == "2027-01-04T06:00:00Z"


def test_a_step_of_the_old_calendar_is_nothing_any_more() -> None:
    """What fell due by the regular week, and was under way when the notice came, has moved on."""
    known = KEEPING.under(NOTICES[-1:])
    receive = attrs.evolve(RECEIVE, received_at=at("2026-12-31T17:30"), policy=known)
    past = given(REQUEST).when(receive).events
    [closing] = [c for c in past[0].clocks if c.clock == "closing-1"]
    renew = renewal(at("2027-01-01T09:00"), NOTICES[-1], supplied(OF_2027))
    step = TakeStep(
        "R1010",
        closing.clock,
        closing.step,
        closing.next_at,
        policy=renew.policy,
        held_to=renew.held_to,
    )

    def warned(*commands: Any) -> list[str]:
        events = given(REQUEST, *past).when(*commands).events
        return [e.clock for e in events if isinstance(e, ClockWarned) and e.clock == "closing-1"]

    assert warned(step) == ["closing-1"]
    assert warned(renew, step) == []


# --- a missing notice is warned of ---------------------------------------------------------------


def test_a_missing_notice_is_warned_of_sixty_days_before_its_year_and_once(crm: CRM) -> None:
    tick(crm, at("2026-11-01T23:59"))
    assert findings(crm) == []
    assert tick(crm, at("2026-11-02T00:00")).events["calendars"] == 1
    [missing] = findings(crm)
    assert (missing.country, missing.year, missing.begins) == ("cn", 2027, date(2027, 1, 1))
    assert missing.warned_at == at("2026-11-02T00:00")
    for day in ("2026-11-03", "2026-12-31", "2027-01-04", "2027-10-30"):
        tick(crm, at(f"{day}T09:00"))
    assert [one.year for one in findings(crm)] == [2027]
    tick(crm, at("2027-11-02T09:00"))
    assert [one.year for one in findings(crm)] == [2027, 2028]


def test_who_looks_again_after_years_is_warned_of_every_year_that_passed(crm: CRM) -> None:
    tick(crm, at("2029-03-01T09:00"))
    assert [one.year for one in findings(crm)] == [2027, 2028, 2029]


def test_a_notice_in_time_is_not_warned_of(crm: CRM) -> None:
    adopt(crm, OF_2027, at("2026-11-01T10:00"), date(2026, 11, 2))
    tick(crm, at("2026-11-02T09:00"))
    assert findings(crm) == []


def test_a_tick_without_anything_new_reads_no_request(crm: CRM, monkeypatch: Any) -> None:
    """The work of a tick is linear in what is due: nothing is renewed where no notice is new."""
    for n in range(3):
        receive(crm, at("2026-10-12T09:00"), f"R{n}")
    tick(crm, at("2026-10-12T09:01"))
    asked: list[Any] = []
    batch = crm._desk.batch

    def told(planned: Any, **said: Any) -> int:
        listed = list(planned)
        asked.extend(one.command for one in listed)
        return batch(listed, **said)

    monkeypatch.setattr(crm._desk, "batch", told)
    tick(crm, at("2026-10-12T09:02"))
    assert [command for command in asked if isinstance(command, RenewCalendar)] == []
