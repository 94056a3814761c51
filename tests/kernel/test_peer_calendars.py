"""What other projects expect of their own calendars, our calendars answer too (decision 0019)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from crm_core.kernel.calendar_files import working_calendar
from crm_core.kernel.calendars import WorkingCalendar
from crm_core.kernel.dates import start_of_day
from kernel.shared_data import shared_file

pytestmark = pytest.mark.rule("REQ-11")


def table(name: str) -> list[dict[str, Any]]:
    text = shared_file(f"peer-business-hours/{name}").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def calendar_of(case: dict[str, Any]) -> WorkingCalendar:
    assert not case.get("extra_workdays")
    week = {day: ["-".join(span) for span in spans] for day, spans in case["hours"].items()}
    holidays = [date.fromisoformat(day) for day in case["holidays"]]
    return working_calendar(
        {"name": case["id"], "zone": case["tz"], "week": week, "holidays": holidays}
    )


class Case:
    """One case of a peer, answered by a calendar."""

    def __init__(self, case: dict[str, Any]) -> None:
        self.case = case
        self.calendar = calendar_of(case)

    def instant(self, text: str) -> datetime:
        read = datetime.fromisoformat(text)
        return read if read.tzinfo else read.replace(tzinfo=ZoneInfo(self.case["tz"]))

    def days_later(self) -> datetime:
        due = self.calendar.add_days(self.instant(self.case["start"]), self.case["days"])
        if not self.case.get("end_of_day"):
            return due
        day = due.astimezone(ZoneInfo(self.case["tz"])).date()
        closing = self.calendar.hours(day)[-1].end
        return start_of_day(day, self.case["tz"]) + timedelta(seconds=closing)

    def days_between(self) -> int:
        first, last = (date.fromisoformat(self.case[end]) for end in ("start", "end"))
        return self.calendar.working_days(first, last - timedelta(not self.case["inclusive"]))

    def answer(self) -> object:
        case, calendar = self.case, self.calendar
        answers: dict[str, Callable[[], object]] = {
            "due_after": lambda: calendar.add(self.instant(case["start"]), case["amount_s"]),
            "due_before": lambda: calendar.subtract(self.instant(case["start"]), case["amount_s"]),
            "elapsed": lambda: calendar.elapsed(
                self.instant(case["start"]), self.instant(case["end"])
            ),
            "roll_forward": lambda: calendar.roll(self.instant(case["start"])),
            "is_working_time": lambda: calendar.working(self.instant(case["start"])),
            "add_business_days": self.days_later,
            "business_days_between": self.days_between,
        }
        return answers[case["op"]]()

    def expected(self) -> object:
        expected = self.case["expected"]
        return self.instant(expected) if isinstance(expected, str) else expected


def test_all_cases_of_the_peers() -> None:
    """All 101 of OTRS, business_time, businesstimedelta and GLPI."""
    cases = [Case(case) for case in table("cases.jsonl")]
    wrong = {}
    for one in cases:
        found, expected = one.answer(), one.expected()
        # OTRS drops the seconds of both ends before it counts.
        tolerance = one.case.get("tolerance_s", 0)
        if tolerance and isinstance(found, int) and isinstance(expected, int):
            assert one.case["source"] == "otrs"
            if abs(found - expected) <= tolerance:
                continue
        if found != expected:
            wrong[one.case["id"]] = (found, expected)
    assert wrong == {}
    assert Counter(one.case["source"] for one in cases) == {
        "otrs": 37,
        "business_time": 43,
        "businesstimedelta": 5,
        "glpi": 16,
    }


def test_all_timelines_of_zammad() -> None:
    """Due times and minutes used of 11 tickets: first response, update, solution."""
    tickets = table("sla_timelines.jsonl")
    assert len(tickets) == 11
    for ticket in tickets:
        found = timeline(ticket)
        assert {name: found[name] for name in ticket["expected"]} == ticket["expected"], ticket


def timeline(ticket: dict[str, Any]) -> dict[str, Any]:
    """The three clocks of a ticket; a contact of either side restarts the one of updates."""
    calendar, minutes = calendar_of(ticket), ticket["sla_minutes"]
    created = datetime.fromisoformat(ticket["created_at"])
    at = {"agent_contact": created, "customer_contact": created}
    for event in ticket["events"]:
        at[event["type"]] = datetime.fromisoformat(event["at"])
    contact = max(at["agent_contact"], at["customer_contact"])
    found: dict[str, Any] = {}
    due = {}
    for clock, start, end in (
        ("first_response", created, at.get("first_response")),
        ("update", contact, contact if contact > created else None),
        ("solution", created, at.get("closed")),
    ):
        due[clock] = calendar.add(start, minutes[clock] * 60)
        found[f"{clock}_due"] = due[clock].strftime("%Y-%m-%dT%H:%M:%SZ")
        if end is not None:
            used = calendar.elapsed(created, end) // 60
            found[f"{clock}_in_min"] = used
            found[f"{clock}_diff_min"] = minutes[clock] - used
    answered = {clock for clock, event in ANSWERED.items() if event in at}
    running = [instant for clock, instant in due.items() if clock not in answered]
    found["next_due"] = min(running).strftime("%Y-%m-%dT%H:%M:%SZ")
    return found


ANSWERED = {"first_response": "first_response", "solution": "closed"}


# --- where there is no folder of cases -----------------------------------------------------------

OFFICE = {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
SATURDAY = {"mon": OFFICE["mon"], "fri": OFFICE["fri"], "sat": [["10:00", "15:00"]]}
SPLIT = {day: [["09:00", "12:00"], ["13:00", "18:00"]] for day in OFFICE}


@pytest.mark.parametrize(
    ("hours", "zone", "op", "expected"),
    [
        (OFFICE, "UTC", {"start": "2010-04-10T12:33", "amount_s": 0}, "2010-04-12T09:00"),
        (OFFICE, "UTC", {"start": "2016-01-30T12:33", "back_s": 0}, "2016-01-29T17:00"),
        (SATURDAY, "UTC", {"start": "2010-12-24T15:00", "amount_s": 32_400}, "2010-12-27T11:00"),
        (SATURDAY, "UTC", {"start": "2010-12-27T11:00", "back_s": 54_000}, "2010-12-24T09:00"),
        (SPLIT, "UTC", {"start": "2016-01-18T09:00", "amount_s": 144_000}, "2016-01-22T18:00"),
        (
            OFFICE,
            "America/New_York",
            {"start": "2010-04-09T16:50", "amount_s": 3600},
            "2010-04-12T09:50",
        ),
        (OFFICE, "UTC", {"start": "2015-10-14T21:54", "days": 1}, "2015-10-16T09:00"),
    ],
)
def test_a_handful_of_their_facts(
    hours: dict[str, Any], zone: str, op: dict[str, Any], expected: str
) -> None:
    case = {"id": "x", "tz": zone, "hours": hours, "holidays": []}
    calendar, place = calendar_of(case), ZoneInfo(zone)
    start = datetime.fromisoformat(op["start"]).replace(tzinfo=place)
    if "amount_s" in op:
        found = calendar.add(start, op["amount_s"])
    elif "back_s" in op:
        found = calendar.subtract(start, op["back_s"])
    else:
        found = calendar.add_days(start, op["days"])
    assert found == datetime.fromisoformat(expected).replace(tzinfo=place).astimezone(UTC)
