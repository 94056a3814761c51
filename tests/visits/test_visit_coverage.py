"""How much of what was called for was made, against the policy, and how it is shown (VIS-04)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from visiting import (
    CLERK,
    DAY,
    HOUR,
    MINUTE,
    START,
    SUPERVISOR,
    at,
    estate,
    finished,
    home,
    made,
    now,
    state,
    tick,
)

from crm_adapters import open_crm
from crm_adapters.cli.app import run
from crm_core import CRM, Actor, Refused
from crm_core.application.return_visits import Covered
from crm_core.kernel.dates import Period, local_date, start_of_day
from crm_core.owners import MergeHousehold
from crm_core.requests import Reopen
from crm_core.visits import NoteVisitAttempt, WithdrawVisit

pytestmark = pytest.mark.rule("VIS-04")

MAY = Period(date(2024, 5, 1), date(2024, 5, 31))
END = START + 40 * DAY


@pytest.fixture
def crm() -> Iterator[CRM]:
    with estate(households=6) as opened:
        yield opened


def row(crm: CRM, name: str, when: datetime = END, period: Period = MAY) -> Covered:
    found = crm.care.visits.coverage(period, now=when)
    return next(one for one in found.rows if one.row == name)


def urgent(crm: CRM, *numbers: int) -> None:
    for n in numbers:
        finished(crm, f"R{n}", f"V{n}", severity="major")
    tick(crm)


def call(crm: CRM, n: int, when: datetime, **said: object) -> None:
    at(crm, max(now(crm), when))
    visit = made(f"repair_finished:R{n}", when, f"V{n}", contact_left="E1", **said)
    crm.do(visit, by=CLERK)


def test_what_was_made_in_time_late_and_not_at_all_is_counted(crm: CRM) -> None:
    urgent(crm, 1, 2, 3, 4)
    call(crm, 1, START + 3 * DAY)
    call(crm, 2, START + 7 * DAY, opinion="C", words="no")
    for hours in (0, 4, 24):
        when = START + 7 * DAY + hours * HOUR
        at(crm, when)
        crm.do(NoteVisitAttempt("V3", "repair_finished:R3", when, "phone", "no_answer"), by=CLERK)
    found = row(crm, "repair_finished")
    assert (found.called_for, found.must, found.must_made) == (4, 4, 2)
    assert (found.made, found.in_time, found.late) == (2, 1, 1)
    assert (found.given_up, found.missed, found.waiting) == (1, 1, 0)
    # Half of them is more than 30 in a hundred, but of urgent ones all are called for.
    assert (found.percent, found.required_percent, found.met) == (50, 30, False)


@pytest.mark.rule("PRV-01")
def test_nobody_learns_from_a_count_what_few_said(crm: CRM) -> None:
    """What few said does not follow from the others either; what nobody or all said is shown."""
    urgent(crm, 1, 2, 3, 4, 5, 6)
    for n in range(1, 6):
        call(crm, n, START + 3 * DAY + n * MINUTE)
    assert row(crm, "repair_finished").opinions == {"A": 5, "B": 0, "C": 0}
    call(crm, 6, START + 4 * DAY, opinion="C", words="no")
    assert row(crm, "repair_finished").opinions == {"A": None, "B": None, "C": None}


@pytest.mark.rule("PRV-01", "LOG-08")
def test_who_does_not_work_here_counts_no_visits(crm: CRM) -> None:
    for by in (Actor("V1#owner", "owner"), Actor("V1#user", "user")):
        with pytest.raises(Refused):
            crm.care.visits.coverage(MAY, by=by)
    assert crm.care.visits.coverage(MAY, by=CLERK).rows


def test_what_can_still_be_made_in_time_is_not_held_against_anybody(crm: CRM) -> None:
    urgent(crm, 1, 2)
    call(crm, 1, START + 3 * DAY)
    found = row(crm, "repair_finished", START + 3 * DAY + HOUR)
    assert (found.made, found.waiting, found.missed, found.met) == (1, 1, 0, None)
    call(crm, 2, START + 4 * DAY)
    assert row(crm, "repair_finished", START + 4 * DAY + HOUR).met is True


def test_what_was_called_off_in_time_was_not_called_for_and_later_it_was_missed(crm: CRM) -> None:
    urgent(crm, 1, 2)
    at(crm, START + 3 * DAY)
    crm.do(Reopen("R1", now(crm), "again"), by=CLERK)
    tick(crm)
    at(crm, START + 10 * DAY)
    crm.do(Reopen("R2", now(crm), "again"), by=CLERK)
    tick(crm)
    found = row(crm, "repair_finished")
    assert (found.called_for, found.missed) == (1, 1)


def test_a_visit_that_was_withdrawn_was_not_made(crm: CRM) -> None:
    urgent(crm, 1)
    call(crm, 1, START + 3 * DAY)
    crm.do(WithdrawVisit("V1", "repair_finished:R1", "another flat"), by=SUPERVISOR)
    assert row(crm, "repair_finished").made == 0


def test_only_what_was_due_in_the_period_and_on_the_estate_counts(crm: CRM) -> None:
    urgent(crm, 1)
    june = Period(date(2024, 6, 1), date(2024, 6, 30))
    assert row(crm, "repair_finished", period=june).called_for == 0
    assert row(crm, "repair_finished", period=june).percent is None
    found = crm.care.visits.coverage(MAY, now=END, estate="Elsewhere")
    assert [one.called_for for one in found.rows] == [0] * len(found.rows)
    assert found.rounds.households == 0


def test_rounds_count_households_once_and_are_held_to_the_half_of_them_in_a_year(crm: CRM) -> None:
    urgent(crm, 1, 2, 3)
    for n in (1, 2, 3):
        call(crm, n, START + 3 * DAY + n * MINUTE)
    year = Period(date(2024, 1, 1), date(2024, 12, 31))
    rounds = crm.care.visits.coverage(year, now=END).rounds
    assert (rounds.households, rounds.visited, rounds.percent) == (6, 3, 50)
    assert (rounds.required_percent, rounds.met) == (50, True)
    short = crm.care.visits.coverage(MAY, now=END).rounds
    assert (short.required_percent, short.met) == (None, None)
    home(crm, "V7")
    assert crm.care.visits.coverage(year, now=END).rounds.met is False
    crm.do(MergeHousehold("V7", "V1", date(2024, 5, 9), "the same flat"), by=SUPERVISOR)
    merged = crm.care.visits.coverage(year, now=END).rounds
    assert (merged.households, merged.visited) == (6, 3)


# --- on an estate that the library makes ---------------------------------------------------------


def test_on_a_made_estate_each_repair_that_is_closed_has_its_visit_in_three_to_five_days(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The generated files are imported, the clock looks, and every closing of the last month has
    exactly the visit that an independent look at the log calls for."""
    folder, db = tmp_path / "made", f"sqlite:///{tmp_path / 'crm.db'}"
    assert run(["generate", "--out", str(folder), "--households", "60", "--years", "2023"]) == 0
    files = [str(path) for path in sorted(folder.iterdir()) if path.suffix == ".csv"]
    assert files
    assert run(["--db", db, "import", *files]) == 0, capsys.readouterr().err
    capsys.readouterr()
    with open_crm(db) as crm:
        facts: dict[str, dict[str, object]] = {}
        for recorded in crm.log.feed(names={"requests.received/1", "requests.closed/1"}):
            facts.setdefault(recorded.event.request, {})[recorded.name] = recorded.event
        closed = {
            number: both
            for number, both in facts.items()
            if len(both) == 2 and both["requests.received/1"].kind == "repair"  # type: ignore[attr-defined]
        }
        assert closed
        last = max(both["requests.closed/1"].closed_at for both in closed.values())  # type: ignore[attr-defined]
        then = last + timedelta(days=1)
        crm.tick(then)
        wanted = {}
        for number, both in closed.items():
            on = local_date(both["requests.closed/1"].closed_at)  # type: ignore[attr-defined]
            first, end = (start_of_day(on + timedelta(days=days)) for days in (3, 6))
            if then < end + timedelta(days=30):
                wanted[number] = first, end
        found = {}
        for recorded in crm.log.feed(names={"visits.scheduled/1"}):
            event = recorded.event
            if event.row == "repair_finished":
                assert event.request not in found
                found[event.request] = event.from_at, event.due_at
        assert wanted
        assert found == wanted
        assert crm.tick(then).events["visits"] == 0


# --- on the command line -------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_command_line_lists_scripts_and_covers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], lang: str
) -> None:
    db = f"sqlite:///{tmp_path / 'crm.db'}"
    with estate(db, households=3) as crm:
        urgent(crm, 1, 2)
        call(crm, 1, START + 3 * DAY)
        assert len(list(state(crm, "V2").open())) == 1
    when = "2024-05-09T10:30:00+08:00"

    def told(*arguments: str, status: int = 0) -> str:
        args = ["--db", db, "--as", "specialist:S9", "--purpose", "care", "--lang", lang]
        args += arguments
        assert run(args) == status, capsys.readouterr().err
        return capsys.readouterr().out

    due = json.loads(told("visits", "due", "--now", when, "--format", "json"))
    assert [(one["visit"], one["household"]) for one in due] == [("repair_finished:R2", "V2")]
    assert "repair_finished:R2" in told("visits", "due", "--now", when)
    of = json.loads(told("visits", "of", "V1", "--format", "json"))
    assert [(one["status"], one["opinion"]) for one in of] == [("made", "A")]
    shown = told("visits", "of", "V1")
    assert ("已完成" if lang == "zh" else "made") in shown
    said = told("visits", "script", "V2", "repair_finished:R2", "--now", when)
    assert ("您现在方便" if lang == "zh" else "convenient") in said
    night = "2024-05-09T21:00:00+08:00"
    closed = told("visits", "script", "V2", "repair_finished:R2", "--now", night, status=1)
    assert ("不在回访时间内" if lang == "zh" else "outside the hours") in closed
    period = ("--from", "2024-05-01", "--to", "2024-05-31", "--now", when)
    covered = json.loads(told("visits", "coverage", *period, "--format", "json"))
    rows = {one["row"]: one for one in covered["rows"]}
    assert (rows["repair_finished"]["made"], rows["repair_finished"]["waiting"]) == (1, 1)
    assert covered["rounds"]["visited"] == 1
    table = told("visits", "coverage", *period)
    assert ("维修完成" if lang == "zh" else "repair finished") in table
    later = "2024-06-20T10:00:00+08:00"
    told("visits", "coverage", *period[:4], "--now", later, status=1)


def test_recording_a_visit_on_the_command_line_opens_the_request(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    db = f"sqlite:///{tmp_path / 'crm.db'}"
    with estate(db, households=1) as crm:
        urgent(crm, 1)
    args = [
        "--db", db, "--as", "specialist:S9", "do", "record-visit", "--household", "V1",
        "--visit", "repair_finished:R1", "--visited-at", "2024-05-09T10:00:00+08:00",
        "--means", "phone", "--member", "V1#owner", "--address", "ms", "--convenient",
        "--opinion", "C", "--words", "it drips", "--contact-left", "E1",
    ]  # fmt: skip
    assert run(args) == 0, capsys.readouterr().err
    capsys.readouterr()
    assert (
        run(
            [
                "--db",
                db,
                "--as",
                "specialist:S9",
                "--format",
                "json",
                "request",
                "V1-repair_finished:R1-1",
            ]
        )
        == 0
    )
    found = json.loads(capsys.readouterr().out)
    assert (found["summary"], found["kind"], found["status"]) == ("it drips", "complaint", "open")
