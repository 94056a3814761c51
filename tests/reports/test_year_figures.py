"""The figures of the report beside others that are counted from files and events on their own."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

import reference_grader as slow
from access.town import CLERK, somebody, told
from crm_adapters.files.generate import generate_estate
from crm_adapters.files.importing import import_files
from crm_adapters.reads import MemoryReadLog
from crm_adapters.reports.html import render_report
from crm_adapters.wiring import open_crm
from crm_core import CRM, Actor
from crm_core.application.reporting.model import ROWS_MAX, Graded, Rows, YearReport
from crm_core.errors import Invalid, Refused
from crm_core.kernel.dates import local_date, parse_instant, zone
from crm_core.kernel.sealed import Personal, Withheld
from crm_core.kernel.word import Word
from crm_core.kernel.yuan import yuan_shown
from crm_core.owners import RegisterHousehold
from crm_core.payments import PromisePayment, RaiseCharge, ReceivePayment
from crm_core.payments.events import Instalment
from crm_core.requests import (
    AcceptCommitment,
    GiveUpCommitment,
    MakeCommitment,
    Reclassify,
)
from crm_core.staff import RegisterStaff
from reports.pages import Page, fen, number, read
from visits.visiting import CLERK as CALLER
from visits.visiting import START, at, estate, finished, made, now, receive, repair, tick

HOST = Actor("wang", "host")
ASKED = datetime(2026, 7, 1, 2, 0, tzinfo=UTC)
YEAR_END = date(2024, 12, 31)
YEAR_BEFORE = date(2023, 12, 31)
SHANGHAI = zone("Asia/Shanghai")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("figures")
    generate_estate(folder, households=200, first_year=2023, last_year=2024, seed=11)
    return folder


@pytest.fixture(scope="module")
def crm(folder: Path) -> Iterator[CRM]:
    with open_crm("memory:", create=True) as crm:
        assert not import_files(crm, [folder], by=HOST).faults
        crm.grade(2024)
        yield crm


@pytest.fixture(scope="module")
def report(crm: CRM) -> YearReport:
    return crm.reports.year(2024, now=ASKED, by=HOST)


@pytest.fixture(scope="module")
def page(crm: CRM, report: YearReport) -> Page:
    return read(render_report(crm, report))


@pytest.fixture(scope="module")
def accounts(folder: Path, report: YearReport) -> dict[str, slow.Account]:
    """Every account as the slow reference reads it from the files."""
    return {
        household.id: slow.account_of(household, report.known)
        for household in slow.read_estate(folder)
    }


# --- money ---------------------------------------------------------------------------------------


@pytest.mark.rule("PAY-03", "PAY-16")
def test_who_owes_most_and_since_when(
    page: Page, report: YearReport, accounts: dict[str, slow.Account]
) -> None:
    """The largest arrears first, each since the due day of its oldest unpaid charge."""
    owed = [
        (-overdue, home, YEAR_END - timedelta(days=days))
        for home, account in accounts.items()
        for days, overdue, _ in slow.arrears(account, YEAR_END).values()
        if overdue
    ]
    rows = page.cells("owing")
    assert len(owed) > ROWS_MAX
    assert [(-fen(row[-1]), row[0], row[2]) for row in rows] == [
        (amount, home, since.isoformat()) for amount, home, since in sorted(owed)[:ROWS_MAX]
    ]
    assert isinstance(report.owing, Rows)
    assert (report.owing.found, report.owing.fen) == (len(owed), -sum(one[0] for one in owed))


@pytest.mark.rule("PAY-04")
def test_by_household_grade_and_by_age_of_each_charge_are_two_counts_of_the_same_money(
    page: Page, accounts: dict[str, slow.Account]
) -> None:
    """By grade all of a household stands with its oldest charge; by age each charge by itself."""
    by_grade: Counter[str] = Counter()
    by_age: Counter[str] = Counter()
    charges: Counter[str] = Counter()
    for account in accounts.values():
        grade, _, overdue = slow.credit_of(account, account.tenures.on(YEAR_END).key, YEAR_END)
        by_grade[grade] += overdue
        for tenure in account.tenures.all():
            for asked, left in slow.standing(account, tenure, YEAR_END).ages:
                if asked.due < YEAR_END:
                    grade = slow.grade_for_days((YEAR_END - asked.due).days)
                    by_age[grade] += left
                    charges[grade] += 1
    grades, ages = page.rows("by-credit"), page.rows("by-age")
    assert {key: fen(row[1]) for key, row in grades.items() if key not in ("total", "A")} == {
        grade: by_grade[grade] for grade in ("B1", "B2", "B3", "B4", "B5")
    }
    assert {key: (number(row[0]), fen(row[1])) for key, row in ages.items() if key != "total"} == {
        grade: (charges[grade], by_age[grade]) for grade in ("B1", "B2", "B3", "B4", "B5")
    }
    assert fen(ages["total"][1]) == by_age.total()
    assert by_grade != by_age
    assert not {key for key in ages if key == "A"}, "what is not overdue has no age"


@pytest.mark.rule("PAY-05")
def test_whose_credit_moved_and_by_what(
    page: Page, crm: CRM, accounts: dict[str, slow.Account]
) -> None:
    """Households by credit on both days; who fell farthest comes first, with the last causes."""
    moved = {
        home: tuple(
            slow.credit_of(account, account.tenures.on(day).key, day)[0]
            for day in (YEAR_BEFORE, YEAR_END)
        )
        for home, account in accounts.items()
    }
    counts = Counter(moved.values())
    grades = ("A", "B1", "B2", "B3", "B4", "B5")
    for before, cells in page.rows("credit-matrix").items():
        assert [number(cell) for cell in cells[:-1]] == [counts[before, one] for one in grades]
    rows = page.cells("credit-moved")
    rank = {grade: n for n, grade in enumerate(grades)}
    expected = sorted(
        (home for home, (before, after) in moved.items() if before != after),
        key=lambda home: (rank[moved[home][0]] - rank[moved[home][1]], home),
    )
    half = ROWS_MAX // 2
    assert [row[0] for row in rows] == [*expected[:half], *expected[-half:]]
    for home, before, after, why in rows:
        assert (before, after) == moved[home]
        *_, last = crm.accounts.changes(home, date(2024, 1, 1), YEAR_END)
        assert f"{last.day} {last.before} → {last.after}" in why
        assert last.after == after
        assert all(cause.number in why for cause in last.causes)


@pytest.mark.rule("PAY-09")
def test_promises_to_pay_that_broke() -> None:
    """One that was not paid by its day stands there from the day after; a kept one does not."""
    with open_crm("memory:", create=True) as crm:
        early = parse_instant("2023-01-05T09:00:00+08:00")
        for home in ("V1", "V2", "V3"):
            crm.do(
                RegisterHousehold(
                    home,
                    "Anhe",
                    "1",
                    "1",
                    home,
                    owner=Personal(f"{home}#owner", "张三"),
                    moved_in=date(2020, 1, 1),
                ),
                by=CLERK,
                at=early,
            )
            charge = RaiseCharge(home, "C1", "management_fee", "2023", 90_00, date(2023, 1, 31))
            crm.do(charge, by=CLERK, at=early)
            promise = PromisePayment(
                household=home,
                promise="Z1",
                instalments=(Instalment(90_00, date(2023, 5, 10)),),
                on=date(2023, 4, 1),
                reason="said",
                word=Word(f"{home}#owner", "phone", "rec 1"),
            )
            crm.do(promise, by=CLERK, at=parse_instant("2023-04-01T09:00:00+08:00"))
        for home, amount, day in (("V1", 40_00, 9), ("V2", 90_00, 9)):
            paid = ReceivePayment(home, "P1", amount, date(2023, 5, day), "cash")
            crm.do(paid, by=CLERK, at=parse_instant("2023-05-09T09:00:00+08:00"))
        crm.grade(2023)
        found = read(render_report(crm, crm.reports.year(2023, by=HOST)))
        crm.grade(2024)
        later = read(render_report(crm, crm.reports.year(2024, by=HOST)))
    assert "No promise to pay was broken." in later.root.one("promises").text()
    assert found.cells("promises") == [
        ["V3", "2023-04-01", "2023-05-10", "90.00", "0.00"],
        ["V1", "2023-04-01", "2023-05-10", "90.00", "40.00"],
    ]


# --- requests ------------------------------------------------------------------------------------


def requests_told(crm: CRM) -> dict[str, dict[str, Any]]:
    """Of each request the last time it was due by, when it was done, and promises broken."""
    found: dict[str, dict[str, Any]] = defaultdict(lambda: {"done": None, "broken": []})
    for one in crm.log.feed():
        if not one.name.startswith("requests."):
            continue
        event, state = one.event, found[one.event.request]
        for clock in getattr(event, "clocks", ()):
            if clock.clock.startswith("closing-"):
                state["due"] = clock.due_at
        if one.name == "requests.work_reported_done/1":
            state["done"] = event.done_at
        if one.name == "requests.commitment_broken/1":
            state["broken"].append(event.broken_at)
    return found


def in_2024(at: datetime) -> bool:
    return local_date(at).year == 2024


@pytest.mark.rule("REQ-15")
def test_which_requests_were_late(crm: CRM, page: Page, report: YearReport) -> None:
    """Due in the year, and not done by then; the longest delay first."""
    late = sorted(
        (state["due"] - (state["done"] or report.known), request)
        for request, state in requests_told(crm).items()
        if in_2024(state["due"]) and (state["done"] or report.known) > state["due"]
    )
    assert number(page.root.one("late-count").text()) == len(late) > ROWS_MAX
    assert [row[0] for row in page.cells("late")] == [one for _, one in late[:ROWS_MAX]]
    told = requests_told(crm)
    for row in page.cells("late"):
        due, done = told[row[0]]["due"], told[row[0]]["done"]
        assert row[5] == due.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")
        assert row[6].startswith(
            "not yet" if done is None else done.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")
        )
    assert report.missed.done_late == sum(told[request]["done"] is not None for _, request in late)


@pytest.mark.rule("REQ-09")
def test_which_promises_broke(crm: CRM, page: Page, report: YearReport) -> None:
    """Every broken promise of the year, the last first; statistics count as many."""
    broken = sorted(
        ((at, request) for request, one in requests_told(crm).items() for at in one["broken"]
         if in_2024(at)),
        key=lambda one: (-one[0].timestamp(), one[1]),
    )  # fmt: skip
    assert number(page.root.one("broken-count").text()) == len(broken) > ROWS_MAX
    assert [row[0] for row in page.cells("broken")] == [one for _, one in broken[:ROWS_MAX]]
    statistics = crm.requests.statistics(report.period, known=report.known)
    assert statistics.total["promises_broken"] == len(broken)


@pytest.mark.rule("REQ-09", "REQ-15")
def test_a_promise_given_up_is_broken_and_its_request_may_still_be_done_in_time() -> None:
    """And what was late by a clock that was replaced, and by the other, is late once."""
    with estate(households=2) as crm:
        receive(crm, "R1", "V1")
        crm.do(MakeCommitment("R1", "done", START + timedelta(hours=6), START), by=CALLER)
        word = Word("V1#owner", "phone", "78")
        crm.do(AcceptCommitment("R1", word, START), by=CALLER)
        crm.do(GiveUpCommitment("R1", at(crm, START + timedelta(hours=1)), "no part"), by=CALLER)
        repair(crm, "R1", "V1")
        receive(crm, "R2", "V2", severity="major")
        lower = Reclassify("R2", "not as bad", now(crm), severity="general")
        crm.do(lower, by=CALLER)
        at(crm, START + timedelta(days=30))
        repair(crm, "R2", "V2")
        run = crm.grade(2024, trial=True)
        found = crm.reports.year(2024, run=run.run, now=now(crm), by=HOST)
    assert [one.request for one in found.missed.broken.rows] == ["R1"]
    assert [one.request for one in found.missed.late.rows] == ["R2"]
    assert found.missed.done_late == 1


@pytest.mark.rule("PAY-04")
def test_what_is_due_on_the_last_day_is_not_overdue_on_it() -> None:
    """By neither count: the due day is day 0, and the day after it is overdue."""
    with open_crm("memory:", create=True) as crm:
        early = parse_instant("2023-01-05T09:00:00+08:00")
        crm.do(RegisterHousehold("V1", "Anhe", "1", "1", "101"), by=CLERK, at=early)
        for number, due in (("C1", date(2023, 12, 30)), ("C2", date(2023, 12, 31))):
            charge = RaiseCharge("V1", number, "management_fee", number, 90_00, due)
            crm.do(charge, by=CLERK, at=early)
        crm.grade(2023)
        found = crm.reports.year(2023, by=HOST)
    assert isinstance(found.owing, Rows)
    assert not isinstance(found.ages, Withheld)
    assert (found.owing.fen, found.owing.rows[0].oldest_due) == (90_00, date(2023, 12, 30))
    assert [(one.grade, one.charges) for one in found.ages if one.charges] == [("B1", 1)]


# --- what waits, and visits ----------------------------------------------------------------------


@pytest.mark.rule("REQ-13")
def test_what_waits_for_whom_is_what_everybody_sees_on_their_lists(crm: CRM) -> None:
    """For each role everything that anybody of that role has on their list, once."""
    crm.do(RegisterStaff("D9", "director", date(2026, 1, 1)), by=Actor("D9", "director"))
    staff = {"specialist": "wang", "supervisor": "S9", "finance": "F9", "director": "D9"}
    for role, person in staff.items():
        if role != "director":
            crm.do(RegisterStaff(person, role, date(2026, 1, 1)), by=Actor("D9", "director"))
    moment = max(crm.clock.now(), ASKED)
    found = crm.reports.year(2024, now=moment, by=HOST)
    for role, person in staff.items():
        tasks = crm.todo(by=Actor(person, role), now=moment)
        expected = Counter(task.what for task in tasks)
        waits = [one for one in found.waits if one.role == role]
        assert {one.what: one.count for one in waits} == expected
        for one in waits:
            of_kind = [task for task in tasks if task.what == one.what]
            assert one.since == min(task.since for task in of_kind)
            assert one.overdue == sum(t.due_at is not None and t.due_at < moment for t in of_kind)
            assert one.held
    open_ones = {request for request, one in requests_told(crm).items() if one["done"] is None}
    assert sum(one.count for one in found.waits if one.what == "request_due") == len(open_ones) > 0


@pytest.mark.rule("VIS-04")
def test_visits_are_those_that_were_due_and_made() -> None:
    """Counted from the events: what was scheduled for the year, what of it was made, by row."""
    with estate(households=4) as crm:
        for n in (1, 2, 3):
            finished(crm, f"R{n}", f"V{n}", severity="major")
        tick(crm)
        called = at(crm, START + timedelta(days=3))
        crm.do(made("repair_finished:R1", called, "V1", contact_left="E1"), by=CALLER)
        run = crm.grade(2024, trial=True)
        later = START + timedelta(days=40)
        found = crm.reports.year(2024, run=run.run, now=later, by=HOST)
        scheduled, visited = Counter[str](), set[str]()
        rows: dict[str, str] = {}
        for one in crm.log.feed():
            if one.name == "visits.scheduled/1" and local_date(one.event.due_at).year == 2024:
                rows[one.event.visit] = one.event.row
                scheduled[one.event.row] += 1
            if one.name == "visits.made/1":
                visited.add(one.event.visit)
        shown = read(render_report(crm, found))
    reached = Counter(rows[visit] for visit in visited)
    cells = [(number(row[2]), number(row[3])) for row in shown.cells("visits")]
    assert Counter(cells) == Counter((n, reached[row]) for row, n in scheduled.items())
    assert len(visited) == 1
    assert "1 of 4 households" in shown.root.one("rounds").text()


# --- one life ------------------------------------------------------------------------------------


def test_one_households_life(crm: CRM, folder: Path, report: YearReport) -> None:
    """Sums of each year, one moment for each request, and its credit month by month."""
    [home, *_] = [row["household"] for row in csv_rows(folder, "requests")]
    found = crm.reports.year(2024, household=home, now=ASKED, by=HOST)
    assert found.life is not None
    assert found.life.household == home
    account = {one.id: one for one in slow.read_estate(folder)}[home]
    for year in found.life.years:
        if year.year not in (2023, 2024):
            continue
        charges = [one for one in account.charges if one.due.year == year.year]
        assert (year.charges, year.charged_fen) == (
            len(charges), sum(one.amount_fen for one in charges)
        )  # fmt: skip
        for month, grade in enumerate(year.months, 1):
            first = date(year.year + month // 12, month % 12 + 1, 1)
            day = first - timedelta(days=1)
            assert grade in ("", slow.credit(account, day, ASKED)[0])
    told = [one for year in found.life.years for one in year.moments]
    assert [one.on for one in told] == sorted(one.on for one in told)
    asked = [row for row in csv_rows(folder, "requests") if row["household"] == home]
    assert Counter(one.number for one in told if one.what == "requests.received") == Counter(
        row["request"] for row in asked
    )
    late = {one.number for one in told if "promise_broken" in one.outcomes}
    assert late == {
        request for request, one in requests_told(crm).items()
        if one["broken"] and request in {row["request"] for row in asked}
    }  # fmt: skip


def csv_rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_household_that_nobody_knows_has_no_life(crm: CRM) -> None:
    with pytest.raises(Invalid) as caught:
        crm.reports.year(2024, household="H-none", now=ASKED, by=HOST)
    assert caught.value.faults[0].code == "household_unknown"


# --- whom it is for ------------------------------------------------------------------------------


@pytest.fixture
def small() -> Iterator[CRM]:
    """Two households of which one owes, with the grading of 2023."""
    with open_crm("memory:", create=True) as crm:
        for command, instant in told():
            crm.do(command, by=CLERK, at=parse_instant(instant))
        crm.grade(2023)
        yield crm


def reads(crm: CRM) -> list[Any]:
    assert isinstance(crm.host.reads, MemoryReadLog)
    return [row.read() for row in crm.host.reads._rows if row.read().source == "reports.year"]


@pytest.mark.rule("PRV-01")
@pytest.mark.parametrize(
    ("role", "purpose", "grades", "money", "places"),
    [
        ("host", None, True, True, False),
        ("auditor", "audit", True, True, False),
        ("auditor", None, True, False, False),
        ("supervisor", None, True, False, False),
        ("supervisor", "grading", True, True, True),
        ("specialist", None, False, False, False),
        ("specialist", "collection", True, True, True),
        ("finance", "collection", False, True, True),
        ("finance", None, False, False, False),
        ("engineering", "service", False, False, False),
    ],
)
def test_a_report_shows_what_its_maker_may_see(
    small: CRM, role: str, purpose: str | None, grades: bool, money: bool, places: bool
) -> None:
    """What is not for them is left out with the reason; places are for few in lists."""
    found = small.reports.year(2023, by=somebody(role), purpose=purpose)
    assert isinstance(found.graded, Graded) == grades
    assert isinstance(found.owing, Rows) == money
    source = render_report(small, found)
    shown = read(source)
    parts = {node.attrs["data-part"] for node in shown.root.all("p") if "data-part" in node.attrs}
    assert ("who_is_in_which" in parts) != grades
    assert ("who_owes" in parts) != money
    for node in shown.root.classed("left-out"):
        assert ": " in node.text()
    if isinstance(found.owing, Rows):
        [row] = found.owing.rows
        assert (row.room == "102") == places
        assert isinstance(row.room, Withheld) != places
        assert ("102" in [cell for cells in shown.cells("owing") for cell in cells]) == places
    assert ("Places stand on this page" in source) == places
    assert bool(found.leads) == places


@pytest.mark.rule("PRV-06")
def test_what_is_personal_in_a_report_is_in_the_log_of_reads(small: CRM) -> None:
    """Under numbers alone nothing is; beside places grades are, of each household that is named."""
    small.reports.year(2023, by=HOST)
    small.reports.year(2023, by=somebody("auditor"), purpose="audit")
    assert reads(small) == []
    found = small.reports.year(2023, by=somebody("supervisor"), purpose="grading: the meeting")
    seen = [one for one in reads(small) if not one.reason]
    assert {one.household for one in seen} == {"V1", "V2"}
    assert {one.purpose.partition(":")[0] for one in seen} == {"grading"}
    assert found.households == 2
    shown = {name for one in seen for name in one.fields}
    assert "layer" in shown
    assert "type" in shown


@pytest.mark.rule("PRV-06")
def test_nothing_personal_stands_in_a_report_that_cannot_be_written_down(small: CRM) -> None:
    small.host.reads = None
    found = small.reports.year(2023, by=somebody("supervisor"), purpose="grading")
    assert found.graded == Withheld("read_log")


@pytest.mark.rule("PRV-01")
@pytest.mark.parametrize("role", ["owner", "user"])
def test_no_report_is_for_householders(small: CRM, role: str) -> None:
    with pytest.raises(Refused):
        small.reports.year(2023, by=somebody(role), purpose="own")


def test_a_year_that_was_not_graded_has_no_report(small: CRM) -> None:
    with pytest.raises(Invalid):
        small.reports.year(2022, by=HOST)


def test_money_is_written_with_separators(page: Page) -> None:
    amounts = [row[-1] for row in page.cells("owing")]
    assert amounts == [yuan_shown(fen(amount)) for amount in amounts]


def test_a_figure_that_is_wrong_would_be_noticed(crm: CRM, report: YearReport) -> None:
    """The comparison above can fail: one fen more is seen."""
    assert isinstance(report.owing, Rows)
    first, *others = report.owing.rows
    wrong = evolve(first, overdue_fen=first.overdue_fen + 1)
    changed = evolve(report, owing=evolve(report.owing, rows=(wrong, *others)))
    [row, *_] = read(render_report(crm, changed)).cells("owing")
    assert fen(row[-1]) == first.overdue_fen + 1
