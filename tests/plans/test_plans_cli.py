"""`crm plans` and `crm care`: lists, one plan, suggestions and the calendar, in both languages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from caring import JAN, SUPERVISOR, approve, opened

from crm_adapters.cli.app import run
from crm_core.plans import AssignTask


@pytest.fixture
def db(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'crm.db'}"
    with opened(url) as estate:
        approve(estate)
        estate.do(AssignTask("P1", "T1", "M1", "first visit", "S1", JAN, JAN), SUPERVISOR)
    return url


def said(capsys: pytest.CaptureFixture[str], db: str, *words: str) -> str:
    assert run(["--db", db, *words]) == 0
    return capsys.readouterr().out


def told(capsys: pytest.CaptureFixture[str], db: str, *words: str) -> Any:
    return json.loads(said(capsys, db, "--format", "json", *words))


@pytest.mark.rule("PLN-01", "PLN-03")
def test_plans_are_listed_and_one_is_shown_whole(
    capsys: pytest.CaptureFixture[str], db: str
) -> None:
    [line] = told(capsys, db, "plans")
    assert (line["plan"], line["stage"], line["budget_fen"]) == ("P1", "in_force", 500_00)
    assert told(capsys, db, "plans", "--household", "V9") == []
    assert told(capsys, db, "plans", "--layer", "main") == []
    shown = told(capsys, db, "plans", "P1")
    assert shown["in_force"]["measures"][0]["what"] == "call on them every quarter"
    assert [task["task"] for task in shown["tasks"]] == ["T1"]


@pytest.mark.rule("PLN-01")
@pytest.mark.parametrize(("lang", "words"), [("zh", "定期拜访"), ("en", "regular visits")])
def test_a_plan_is_told_in_both_languages(
    capsys: pytest.CaptureFixture[str], db: str, lang: str, words: str
) -> None:
    assert words in said(capsys, db, "--lang", lang, "plans", "P1")
    assert "P1" in said(capsys, db, "--lang", lang, "plans")


def test_a_plan_that_is_not_there_is_told_so(capsys: pytest.CaptureFixture[str], db: str) -> None:
    assert run(["--db", db, "plans", "P9"]) == 2
    assert "care_plan_unknown" in capsys.readouterr().err


@pytest.mark.rule("PLN-04", "GRD-14")
def test_the_calendar_and_what_is_suggested(capsys: pytest.CaptureFixture[str], db: str) -> None:
    calendar = told(capsys, db, "care", "--year", "2024")
    days = {one["occasion"]: one["day"] for one in calendar["occasions"]}
    assert days["spring_festival"] == "2024-02-10"
    assert days["mid_autumn"] == "2024-09-15"
    assert days["birthday"] is None
    assert "2024-02-10" in said(capsys, db, "--lang", "en", "care", "--year", "2024")
    # Nobody graded them: what is suggested is what an ordinary household is thought of with.
    found = told(capsys, db, "care", "V1")
    assert found["by_layer"] == ["call", "greeting", "information"]
    assert found["because_layer"] == "ungraded"
    assert "电话联系" in said(capsys, db, "--lang", "zh", "care", "V1")
