"""Dates and instants of commands lie between 1900 and 2200, as those of imports do (OWN-05).

Those that say what has happened are not still to come either (PAY-03, LOG-08).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import attrs
import pytest

from crm_adapters.cli.app import run
from crm_adapters.wiring import open_crm
from crm_core import CRM, Actor, Invalid
from crm_core.application.checking import checked
from crm_core.application.present import Present
from crm_core.crm import Planned
from crm_core.kernel.commands import fields_looked_up
from crm_core.kernel.recorded import SYSTEM
from crm_core.kernel.sealed import Personal
from crm_core.kernel.word import Word
from crm_core.owners import RegisterHousehold
from crm_core.payments.commands import PromisePayment, RaiseCharge, ReceivePayment
from crm_core.payments.events import Instalment
from crm_core.requests import MakeCommitment, PauseRequest, ReceiveRequest, Request
from crm_core.slices import registry

CLERK = Actor("S17", "specialist")
FINANCE = Actor("F1", "finance")
START = datetime(2024, 3, 4, 1, 0, tzinfo=UTC)
DAY = date(2024, 3, 4)
HOUR = timedelta(hours=1)

UNLIKELY_DAYS = (date.min, date(1899, 12, 31), date(2201, 1, 1), date.max)
LIKELY_DAYS = (date(1900, 1, 1), date(2200, 12, 31))
UNLIKELY_INSTANTS = (
    datetime.min.replace(tzinfo=UTC),
    datetime(1899, 12, 31, 23, 59, 59, tzinfo=UTC),
    datetime(2201, 1, 1, tzinfo=UTC),
    datetime(9999, 12, 31, tzinfo=UTC),
    # In another offset they are beyond what Python can say at all.
    datetime.max.replace(tzinfo=timezone(-12 * HOUR)),
    datetime.min.replace(tzinfo=timezone(12 * HOUR)),
    # Likely as they are written, and not in UTC.
    datetime(1900, 1, 1, 3, tzinfo=timezone(8 * HOUR)),
    datetime(2200, 12, 31, 22, tzinfo=timezone(-8 * HOUR)),
)
LIKELY_INSTANTS = (
    datetime(1900, 1, 1, tzinfo=UTC),
    datetime(2200, 12, 31, 23, 59, 59, tzinfo=UTC),
)


def of(hint: Any) -> Any:
    """Some value that is what the hint says."""
    kinds = get_args(hint) or (hint,)
    kind = kinds[0]
    if get_origin(hint) is tuple:
        return (of(kind),)
    plain = {str: "x", int: 1, bool: True, date: DAY, datetime: START}
    if kind in plain:
        return plain[kind]
    if kind is Personal:
        return Personal("V1#owner", "Ouyang Xiu")
    if attrs.has(kind):
        hints = get_type_hints(kind)
        needed = [f for f in attrs.fields(kind) if f.name not in fields_looked_up(kind)]
        return kind(**{f.name: of(hints[f.name]) for f in needed})
    return None


def places(kind: type, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], type]]:
    """Where in a value of a class there is a date or an instant."""
    for name, hint in get_type_hints(kind).items():
        if name in fields_looked_up(kind):
            continue
        inner = get_args(hint)[0] if get_args(hint) else hint
        at = (*path, name, 0) if get_origin(hint) is tuple else (*path, name)
        if inner in (date, datetime):
            yield at, inner
        elif isinstance(inner, type) and attrs.has(inner) and inner is not Personal:
            yield from places(inner, at)


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """The value with another one at that place."""
    if not path:
        return new
    first, rest = path[0], path[1:]
    if isinstance(first, int):
        return (*value[:first], put(value[first], rest, new), *value[first + 1 :])
    return attrs.evolve(value, **{first: put(getattr(value, first), rest, new)})


def written(kind: type, path: tuple[Any, ...]) -> str:
    told = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return f"{kind.__name__}{told}"


ALL = [
    pytest.param(kind, path, inner, id=written(kind, path))
    for kind in registry().by_command
    for path, inner in places(kind)
]


@pytest.mark.rule("OWN-05")
@pytest.mark.case("K04")
@pytest.mark.parametrize(("kind", "path", "inner"), ALL)
def test_every_date_and_instant_of_every_command_is_bounded(
    kind: type, path: tuple[Any, ...], inner: type
) -> None:
    command = of(kind)
    unlikely = UNLIKELY_DAYS if inner is date else UNLIKELY_INSTANTS
    for value in unlikely:
        with pytest.raises(Invalid) as refused:
            checked(put(command, path, value))
        [fault] = refused.value.faults
        assert (fault.code, fault.where) == ("year_unlikely", written(kind, path))
        assert fault.message == "the year is not between 1900 and 2200"
    for value in LIKELY_DAYS if inner is date else LIKELY_INSTANTS:
        assert checked(put(command, path, value)) == put(command, path, value)


def test_there_is_none_that_this_page_overlooks() -> None:
    assert len(ALL) > 100
    found = {param.id for param in ALL}
    assert {"MakeCommitment.due_at", "PromisePayment.instalments[0].due"} <= found
    assert {"RecordGrading.grading.decided_on", "RegisterHousehold.moved_in"} & found


@attrs.frozen
class _Dated:
    """A part of a command of somebody else's slice."""

    word: Word
    told_at: datetime


@attrs.frozen
class _Deep:
    """A command whose parts have parts."""

    parts: tuple[_Dated, ...]
    first: _Dated | None = None


@pytest.mark.rule("OWN-05")
def test_all_faults_at_once_each_with_its_place() -> None:
    late = datetime(9999, 12, 31, tzinfo=UTC)
    part = _Dated(Word("V1#owner", "phone", "77"), late)
    unwritten = attrs.evolve(part, word=Word("V1#owner", "phone", "\u202e"), told_at=START)
    with pytest.raises(Invalid) as refused:
        checked(_Deep((part, unwritten), part))
    assert [(fault.code, fault.where) for fault in refused.value.faults] == [
        ("year_unlikely", "_Deep.parts[0].told_at"),
        ("value_malformed", "_Deep.parts[1].word.reference"),
        ("year_unlikely", "_Deep.first.told_at"),
    ]


@pytest.mark.rule("OWN-05")
def test_instants_inside_a_value_are_kept_in_utc_and_have_an_offset() -> None:
    local = START.astimezone(timezone(8 * HOUR))
    part = _Dated(Word("V1#owner", "phone", "77"), local)
    found = checked(_Deep((part,), part))
    assert (found.parts[0].told_at.tzinfo, found.first.told_at.tzinfo) == (UTC, UTC)
    with pytest.raises(Invalid, match="offset"):
        checked(_Deep((attrs.evolve(part, told_at=START.replace(tzinfo=None)),)))


# --- the present --------------------------------------------------------------------------------

AHEAD = {
    "AddMember.until",
    "AcceptCommitment.due_at",
    "AddMember.since",
    "AgreeClause.on",
    "AgreeClause.until",
    "AgreeDebtor.since",
    "AgreeDebtor.until",
    "Apologise.new_due_at",
    "AppointVisit.at",
    "AssignTask.due",
    "AssignTrades.since",
    "ClaimLateCharge.due",
    "DecideReview.until",
    "DeclineErasure.until",
    "DeclineStaffErasure.until",
    "DraftPlan.measures[0].due",
    "DraftPlan.runs_from",
    "DraftPlan.runs_to",
    "EndClause.until",
    "EndWatch.last",
    "EndRole.until",
    "EndStaffRole.until",
    "EngageSupplier.since",
    "EngageSupplier.until",
    "ExtendPause.expected_end",
    "GiveConsent.minor_until",
    "GiveConsent.until",
    "LearnDifficulty.due",
    "MakeCommitment.due_at",
    "NoteVisitAttempt.agreed_at",
    "RecordOccasion.until",
    "MakePolicyEffective.effective_from",
    "OpenSurvey.closes_on",
    "OpenSurvey.opens_on",
    "PauseRequest.expected_end",
    "WatchForum.since",
    "PlanCover.end",
    "PlanCover.start",
    "PlanMeeting.planned_for",
    "PromisePayment.instalments[0].due",
    "ProposeHold.on",
    "ProposeHold.until",
    "ProposeImprovement.runs_from",
    "ProposeImprovement.runs_to",
    "ProposeInstalments.instalments[0].due",
    "ProposeWaiver.on",
    "PublishConsentText.since",
    "RaiseCharge.due",
    "ReassignDifficulty.due",
    "ReassignTask.due",
    "ReceiveRequest.agreed_due_at",
    "RecordOrder.due_at",
    "RecordTraining.until",
    "RecordUndertaking.until",
    "RegisterHousehold.moved_in",
    "RegisterStaff.since",
    "ReleaseDebtor.until",
    "Renegotiate.due_at",
    "RetireLine.since",
    "TransferOwnership.on",
    "VoidHousehold.on",
    "VoidRole.since",
    "VoidRoleEnd.until",
}
"""What is due, planned, promised or agreed, and need not have happened; everything else has."""

NOW = Present.at(datetime(2024, 3, 4, 15, 59, tzinfo=UTC), "Asia/Shanghai")
"""A minute before midnight in Shanghai, where it is still the fourth."""


@pytest.mark.rule("PAY-03", "LOG-08")
@pytest.mark.case("K26")
@pytest.mark.parametrize(("kind", "path", "inner"), ALL)
def test_what_has_happened_is_not_still_to_come(
    kind: type, path: tuple[Any, ...], inner: type
) -> None:
    """To the day of the estate; instants have five minutes, for clocks that are not alike."""
    command = of(kind)
    checked(command, NOW)
    late, later = (
        (NOW.day, NOW.day + timedelta(days=1))
        if inner is date
        else (NOW.instant + 5 * HOUR / 60, NOW.instant + 5 * HOUR / 60 + timedelta(seconds=1))
    )
    checked(put(command, path, late), NOW)
    for value in (later, LIKELY_DAYS[1] if inner is date else LIKELY_INSTANTS[1]):
        if written(kind, path) in AHEAD:
            checked(put(command, path, value), NOW)
            continue
        with pytest.raises(Invalid) as refused:
            checked(put(command, path, value), NOW)
        [fault] = refused.value.faults
        assert (fault.code, fault.where) == ("from_the_future", written(kind, path))
        latest = "2024-03-04" if inner is date else "2024-03-04T23:59:00+08:00"
        assert fault.values["latest"] == latest
        assert f"`{fault.values['value']}`" in fault.message


def test_nothing_lies_ahead_that_there_is_not() -> None:
    assert {param.id for param in ALL} >= AHEAD


@pytest.mark.rule("PAY-03")
@pytest.mark.case("K26")
def test_all_that_is_still_to_come_is_told_at_once() -> None:
    part = _Dated(Word("V1#owner", "phone", "77"), NOW.instant + HOUR)
    with pytest.raises(Invalid) as refused:
        checked(_Deep((attrs.evolve(part, told_at=START), part), part), NOW)
    assert [(fault.code, fault.where) for fault in refused.value.faults] == [
        ("from_the_future", "_Deep.parts[1].told_at"),
        ("from_the_future", "_Deep.first.told_at"),
    ]


# --- wherever commands come in ------------------------------------------------------------------


@attrs.frozen
class StoppedClock:
    """A clock that stands."""

    instant: datetime

    def now(self) -> datetime:
        return self.instant


@pytest.fixture
def crm() -> Iterator[CRM]:
    with open_crm("memory:") as opened:
        opened.do(RegisterHousehold("V1", "Anhe", "1", "1", "1"), by=CLERK, at=START)
        yield opened


def received(at: datetime, number: str = "R1") -> ReceiveRequest:
    return ReceiveRequest(
        request=number,
        household="V1",
        channel="phone",
        kind="repair",
        trade="engineering",
        severity="general",
        summary="water",
        received_at=at,
        first_asked="S17",
    )


FAR = datetime(9999, 12, 31, tzinfo=UTC)
WORD = Word("V1#owner", "phone", "77")


@pytest.mark.rule("REQ-13", "OWN-05")
@pytest.mark.case("K04")
def test_a_promise_for_the_end_of_all_time_stops_neither_it_nor_others(crm: CRM) -> None:
    for number in ("R1", "R2"):
        crm.do(received(START, number), by=CLERK, at=START)
    with pytest.raises(Invalid) as refused:
        crm.do(MakeCommitment("R1", "fixed", FAR, START), by=CLERK, at=START)
    assert [f.where for f in refused.value.faults] == ["MakeCommitment.due_at"]
    pause = PauseRequest("R1", "access_refused", START + HOUR / 60, FAR)
    with pytest.raises(Invalid):
        crm.do(pause, by=CLERK, at=START)
    assert not any(crm.tick(START + 3 * HOUR).parked.values())
    for number in ("R1", "R2"):
        assert "requests.clock_breached/1" in {e.name for e in crm.history(f"request/{number}")}


@pytest.mark.rule("OWN-05")
@pytest.mark.case("K04")
@pytest.mark.parametrize(
    ("give", "where"),
    [
        (lambda crm: crm.do(received(START), by=CLERK, at=FAR), "at"),
        (lambda crm: crm.do(received(START), by=CLERK, at=FAR.replace(year=1899)), "at"),
        (lambda crm: crm.batch([Planned(received(START), "c1", FAR)], by=CLERK), "at"),
        (
            lambda crm: crm.batch([Planned(received(FAR), "c1", START)], by=CLERK),
            "ReceiveRequest.received_at",
        ),
        (
            lambda crm: crm.batch([Planned(received(START), "c1", START)], by=CLERK, imported=FAR),
            "imported",
        ),
        (lambda crm: crm.tick(FAR), "now"),
        (lambda crm: crm.tick(datetime.max.replace(tzinfo=timezone(-HOUR))), "now"),
        (lambda crm: crm.get(Request, "R1", known=FAR), "known"),
        (
            lambda crm: crm.do(RaiseCharge("V1", "C1", "other", "x", 100, date.max), by=FINANCE),
            "RaiseCharge.due",
        ),
        (
            lambda crm: crm.do(
                PromisePayment("V1", "Z1", (Instalment(100, date.min),), DAY, "soon", WORD),
                by=FINANCE,
            ),
            "PromisePayment.instalments[0].due",
        ),
    ],
)
def test_wherever_a_command_comes_in_it_is_told_and_nothing_is_written(
    crm: CRM, give: Callable[[CRM], object], where: str
) -> None:
    before = crm.log.head()
    with pytest.raises(Invalid) as refused:
        give(crm)
    assert [(f.code, f.where) for f in refused.value.faults] == [("year_unlikely", where)]
    assert crm.log.head() == before


PAID = ReceivePayment("V1", "P1", 100, DAY, "cash")
TO_COME = START + 6 * HOUR / 60
"""Six minutes from now."""


@pytest.mark.rule("PAY-03", "LOG-08", "IMP-03")
@pytest.mark.case("K26")
@pytest.mark.parametrize(
    ("give", "where"),
    [
        (lambda crm: crm.do(PAID, by=FINANCE, at=TO_COME), "at"),
        (lambda crm: crm.batch([Planned(PAID, "c1", TO_COME)], by=FINANCE), "at"),
        (
            lambda crm: crm.batch([Planned(PAID, "c1", START)], by=FINANCE, imported=TO_COME),
            "imported",
        ),
        (lambda crm: crm.tick(TO_COME), "now"),
        (
            lambda crm: crm.do(attrs.evolve(PAID, paid_on=DAY + timedelta(days=1)), by=FINANCE),
            "ReceivePayment.paid_on",
        ),
        (
            lambda crm: crm.batch(
                [Planned(attrs.evolve(PAID, paid_on=date(2042, 1, 1)), "c1", START)], by=FINANCE
            ),
            "ReceivePayment.paid_on",
        ),
        (lambda crm: crm.do(received(TO_COME), by=CLERK), "ReceiveRequest.received_at"),
    ],
)
def test_wherever_it_comes_in_what_is_still_to_come_is_refused(
    crm: CRM, give: Callable[[CRM], object], where: str
) -> None:
    """By the clock of the CRM, whatever instant a caller names; nothing is written."""
    crm.host.clock = StoppedClock(START)
    before = crm.log.head()
    with pytest.raises(Invalid) as refused:
        give(crm)
    assert [(f.code, f.where) for f in refused.value.faults] == [("from_the_future", where)]
    assert crm.log.head() == before


@pytest.mark.rule("PAY-03")
@pytest.mark.case("K26")
def test_a_clock_that_is_a_little_ahead_is_believed_and_questions_may_look_ahead(crm: CRM) -> None:
    crm.host.clock = StoppedClock(START)
    crm.do(PAID, by=FINANCE, at=START + 5 * HOUR / 60)
    assert crm.get(Request, "R1", known=START + 99 * HOUR) is None
    charge = RaiseCharge("V1", "C1", "other", "x", 100, date(2042, 1, 1))
    assert crm.do(charge, by=FINANCE).events
    refused = crm.accounts.credit(date(2042, 1, 1), known=datetime(2042, 1, 1, tzinfo=UTC))
    assert [line.household for line in refused] == ["V1"]


@pytest.mark.case("K26")
def test_the_command_line_refuses_it_with_field_value_and_what_is_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"sqlite:///{tmp_path / 'crm.db'}"
    with open_crm(url, create=True) as crm:
        crm.do(RegisterHousehold("V1", "Anhe", "1", "1", "1"), by=CLERK, at=START)
    finance = ["--db", url, "--as", "finance:F1", "do", "receive-payment"]
    paid = ["--household", "V1", "--payment", "P1", "--amount-fen", "1", "--method", "cash"]
    assert run([*finance, *paid, "--paid-on", "2199-01-01"]) == 2
    told = capsys.readouterr().err
    assert "from_the_future" in told
    assert "ReceivePayment.paid_on" in told
    assert "`2199-01-01`" in told


@pytest.mark.rule("OWN-05")
def test_a_naive_instant_is_refused_as_before(crm: CRM) -> None:
    with pytest.raises(Invalid) as refused:
        crm.do(received(START.replace(tzinfo=None)), by=CLERK)
    [fault] = refused.value.faults
    assert (fault.code, fault.sentence) == ("value_malformed", "offset_missing")
    with pytest.raises(Invalid) as refused:
        crm.tick(START.replace(tzinfo=None))
    assert [f.where for f in refused.value.faults] == ["now"]


@pytest.mark.rule("OWN-05")
@pytest.mark.case("K04")
def test_the_command_line_says_so_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"sqlite:///{tmp_path / 'crm.db'}"
    with open_crm(url, create=True) as crm:
        crm.do(RegisterHousehold("V1", "Anhe", "1", "1", "1"), by=CLERK, at=START)
        crm.do(received(START), by=CLERK, at=START)
    office = ["--db", url, "--as", "specialist:S17"]
    promise = ["make-commitment", "--request", "R1", "--outcome", "fixed"]
    times = ["--made-at", "2024-03-04T09:01:00+08:00", "--due-at", "9999-12-31T09:00:00+08:00"]
    assert run([*office, "do", *promise, *times]) == 2
    assert "year_unlikely" in capsys.readouterr().err
    assert run([*office, "tick", "--now", "9999-12-31T09:00:00Z"]) == 2
    with open_crm(url) as crm:
        assert [e.name for e in crm.history("request/R1")] == ["requests.received/1"]


@pytest.mark.case("K04")
def test_the_library_itself_is_held_to_it(crm: CRM) -> None:
    with pytest.raises(Invalid):
        crm._desk.within(received(FAR), by=SYSTEM)
