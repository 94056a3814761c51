"""The phone, duty cover, warnings and plans from the command line (REQ-02, REQ-18, REQ-19)."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from cli.office import Office

LEAD, CLERK = "supervisor:L1", "specialist:S1"


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    made = Office(tmp_path, monkeypatch)
    made.on(date(2024, 6, 1))
    return made


def found(office: Office, *arguments: str) -> Any:
    """What is told with exit status 1."""
    status, out, err = office.run("--format", "json", *arguments)
    assert (status, err) == (1, "")
    return json.loads(out)


def shift(office: Office, start: str, end: str) -> None:
    office.act(
        LEAD,
        *("plan-cover", "--line", "hotline", "--shift", start, "--staff", "S1"),
        *("--start", f"2024-06-{start}:00+08:00", "--end", f"2024-06-{end}:00+08:00"),
    )


@pytest.mark.rule("REQ-02", "REQ-18")
def test_calls_are_recorded_by_hand_and_stand_in_the_statistics(office: Office) -> None:
    call = ("--line", "hotline", "--came-at", "2024-06-01T09:00:00+08:00")
    office.act(CLERK, "answer-call", "--call", "C1", *call, "--rings", "2")
    office.act(CLERK, "answer-call", "--call", "C2", *call, "--rings", "3")
    office.act(CLERK, "miss-call", "--call", "C3", *call)
    office.act(CLERK, "miss-call", "--call", "C4", *call)
    office.act(LEAD, "withdraw-call", "--call", "C4", "--reason", "the test line")
    period = ("statistics", "--from", "2024-06-01", "--to", "2024-06-01")
    calls = office.json(*period)["calls"]
    assert calls["line"] == {
        "hotline": {"calls": 3, "in_time": 1, "late": 1, "missed": 1, "untold": 0}
    }
    assert calls["staff"]["S1"]["calls"] == 2
    shown = office.run("--lang", "en", *period)[1]
    assert "in time" in shown
    assert "hotline" in shown


@pytest.mark.rule("REQ-02")
def test_the_greeting_is_shown_in_the_language_that_is_spoken(office: Office) -> None:
    told = office.json("greeting")
    assert office.run("--lang", "zh", "greeting")[1] == told["zh"] + "\n"
    assert office.run("--lang", "en", "greeting")[1] == told["en"] + "\n"
    status, _, err = office.run("greeting", "--on", "1999-12-31")
    assert status == 2
    assert "greeting-cn-default" in err


@pytest.mark.rule("REQ-02")
def test_a_gap_is_reported_by_the_clock_and_shown_by_the_doctor_and_by_cover(
    office: Office,
) -> None:
    assert office.json("doctor")["cover"] == []
    shift(office, "01T08:00", "02T20:00")
    gap = {"from": "2024-06-02T12:00:00Z", "to": "2024-06-02T16:00:00Z"}
    now = ("tick", "--now", "2024-06-01T12:00:00+08:00")
    assert office.json(*now)["events"]["cover"] == 1
    assert office.json(*now)["events"]["cover"] == 0
    told = found(office, "doctor")
    assert (told["cover"], told["findings"]) == ([{"line": "hotline", **gap}], ["cover_gaps"])
    for lang, words in (("en", "nobody answers line hotline"), ("zh", "线路 hotline")):
        assert words in office.run("--lang", lang, "doctor")[1]
    day = ("--from", "2024-06-02T00:00:00+08:00", "--to", "2024-06-03T00:00:00+08:00")
    assert found(office, "cover", "hotline", *day)["gaps"] == [gap]
    shift(office, "02T20:00", "03T08:00")
    assert office.json("doctor")["findings"] == []
    assert office.json("cover", "hotline", *day)["uncovered_seconds"] == 0


@pytest.mark.rule("REQ-19")
def test_warnings_that_the_clock_raised_are_listed(office: Office) -> None:
    assert office.json("warnings") == {"since": None, "warnings": []}
    for n in range(5):
        office.act(
            CLERK,
            *("receive-request", "--request", f"R{n}", "--household", "", "--place", "1 栋大堂"),
            *("--channel", "counter", "--kind", "complaint", "--trade", "cleaning"),
            *("--severity", "general", "--summary", "dirty", "--first-asked", "S1"),
            *("--received-at", "2024-06-01T09:00:00+08:00"),
        )
    office.on(date(2024, 6, 2))
    tick = office.json("tick", "--now", "2024-06-02T00:00:00+08:00")
    assert tick["events"]["warnings"] == 2
    [warning] = found(office, "warnings")["warnings"]
    assert (warning["place"], warning["trade"], warning["count"]) == ("1 栋大堂", "cleaning", 5)
    assert found(office, "warnings", "--since", "2024-06-01")["warnings"] == [warning]
    assert office.json("warnings", "--since", "2024-06-02")["warnings"] == []
    asked = found(office, "warnings", "--on", "2024-06-01", "--record")
    assert asked["warnings"] == [warning]
    assert len(found(office, "warnings")["warnings"]) == 1
    for lang, word in (("zh", "数量"), ("en", "volume")):
        assert word in office.run("--lang", lang, "warnings")[1]
    for wrong in (("--record",), ("--on", "2024-06-01", "--since", "2024-06-01")):
        assert office.run("warnings", *wrong)[0] == 2


@pytest.mark.rule("REQ-18")
def test_a_plan_is_shown_with_what_it_moved(office: Office) -> None:
    days = ("--baseline-start", "2024-05-01", "--baseline-end", "2024-05-31")
    days = (*days, "--runs-from", "2024-06-02", "--runs-to", "2024-06-03")
    office.act(
        CLERK,
        *("propose-improvement", "--plan", "P1", "--measure", "check valves", *days),
        *("--metric", "volume", "--dimension", "trade", "--value", "engineering"),
        *("--change-per-mille", "-200", "--responsible", "S1", "--supervisor", "M1"),
    )
    plan = office.json("improvement", "P1")
    assert (plan["status"], plan["looks"], plan["conclusion"]) == ("proposed", 0, None)
    nothing = {"before": 0, "after": None, "change_per_mille": None}
    assert plan["effect"] == {**nothing, "reached": None, "over": False}
    office.on(date(2024, 6, 2))
    decide = ("decide-improvement", "--plan", "P1", "--on", "2024-06-02")
    office.act("manager:M2", *decide, "--approved", "yes")
    assert office.json("improvement", "P1")["status"] == "approved"
    look = ("supervise-execution", "--plan", "P1", "--on", "2024-06-02", "--carried-out", "yes")
    office.act("manager:M1", *look, "--note", "list is signed")
    end = ("end-improvement", "--plan", "P1", "--on", "2024-06-04", "--conclusion", "fewer")
    assert office.run("--as", "manager:M1", "do", *end)[0] == 2
    office.now = datetime(2024, 6, 4, 4, tzinfo=UTC)
    office.act("manager:M1", *end)
    plan = office.json("improvement", "P1")
    assert (plan["status"], plan["looks"], plan["conclusion"]) == ("ended", 1, "fewer")
    assert plan["effect"]["over"] is True
    for lang, word in (("zh", "已结束"), ("en", "ended")):
        assert word in office.run("--lang", lang, "improvement", "P1")[1]
    assert office.run("improvement", "P9")[0] == 2
