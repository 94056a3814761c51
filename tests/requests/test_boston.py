"""Due times of a city's service centre, recomputed from what its own records say of its rules."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from crm_core.kernel.calendar_files import working_calendar
from crm_core.kernel.calendars import WorkingCalendar
from kernel.shared_data import shared_file

pytestmark = pytest.mark.rule("REQ-11")

ZONE = "America/New_York"
BOSTON = ZoneInfo(ZONE)
WORKDAYS = ("mon", "tue", "wed", "thu", "fri")


def calendar(hours: str, days: tuple[str, ...] = WORKDAYS) -> WorkingCalendar:
    return working_calendar({"name": hours, "zone": ZONE, "week": {day: [hours] for day in days}})


EVERY_DAY = calendar("00:00-24:00", (*WORKDAYS, "sat", "sun"))
UNTIL_FIVE = calendar("00:00-17:00")
"""A request is taken until five; holidays are not observed in the targets."""
COUNTER = calendar("08:30-17:00")
CLOSING = time(17)


def due(opened: datetime, clock: str, days: int) -> datetime:
    """The target: the same time of day, so many days later.

    On free days the city goes on to the next working day before it looks at the time of day; what
    comes after five is taken at half past eight of the next working day.
    """
    if clock == "calendar_days":
        return EVERY_DAY.add_days(opened, days)
    while not UNTIL_FIVE.hours(opened.date()):
        opened += timedelta(days=1)
    if opened.time() >= CLOSING:
        opened = COUNTER.roll(opened)
    return UNTIL_FIVE.add_days(opened, days)


def test_due_times_follow_from_the_rules_that_were_derived_from_them() -> None:
    """Within 5 s: 95 % of 20,044 on the business clock, and of the rest as many as the rules say.

    The rules file gives for each type the share that its author found; ours is the same for every
    one of them. On the calendar clock that is 88 % in all, for two reasons that no calendar can
    mend: the city's own targets lag by up to a minute, and the rule for graffiti is a wrong guess.
    """
    with shared_file("boston-311/sla_rules_from_2011Q3.csv").open(encoding="utf-8") as file:
        rules = {(row["type"], row["reason"]): row for row in csv.DictReader(file)}
    path = shared_file("boston-311/boston_311_2011Q3.csv.gz")
    total, five, minute = (Counter[tuple[str, str]]() for _ in range(3))
    with gzip.open(path, "rt", encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            kind = (row["type"], row["reason"])
            if kind not in rules or not row["target_dt"]:
                continue
            opened, target = (
                datetime.fromisoformat(row[name]).replace(tzinfo=BOSTON)
                for name in ("open_dt", "target_dt")
            )
            rule = (rules[kind]["clock"], int(rules[kind]["n_days"]))
            better = ("business_days", 45) if kind[0] == "Graffiti Removal" else rule
            total[kind] += 1
            five[kind] += abs(due(opened, *rule) - target) <= timedelta(seconds=5)
            minute[kind] += abs(due(opened, *better) - target) <= timedelta(minutes=1)
    for kind, rule in rules.items():
        assert total[kind] == int(rule["rows_with_target_Q3"])
        share = round(five[kind] / total[kind], 4)
        assert share == pytest.approx(float(rule["share_matching_within_5s_Q3"]), abs=1e-4), kind

    def share_of(found: Counter[tuple[str, str]], clock: str) -> float:
        kinds = [kind for kind in rules if rules[kind]["clock"] == clock]
        return sum(found[kind] for kind in kinds) / sum(total[kind] for kind in kinds)

    assert share_of(five, "business_days") >= 0.95
    assert share_of(five, "calendar_days") >= 0.87
    # With graffiti on 45 working days, and the lag of the records forgiven.
    assert share_of(minute, "business_days") >= 0.98
    assert share_of(minute, "calendar_days") >= 0.98
    assert sum(total.values()) == 26_520
