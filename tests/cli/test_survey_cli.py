"""Surveys, forums and reports to owners on the command line, from opening to publication."""

from __future__ import annotations

import csv
import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from office import Office

OPENED = date(2024, 5, 6)
DAY = timedelta(days=1)
LEAD, CLERK = ("--as", "supervisor:L1"), ("--as", "specialist:S1")
FINANCE, BOSS = ("--as", "finance:F1"), ("--as", "director:B1")
SCALES = ("overall", "staff", "repairs", "cleaning", "security", "greening", "complaints")


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    """Seven households, and a survey that was opened today."""
    made = Office(tmp_path, monkeypatch)
    day = made.on(OPENED)
    for number in range(1, 8):
        home = ("--household", f"V{number}", "--estate", "星河", "--building", "1", "--unit", "1")
        made.json("do", "register-household", *home, "--room", str(number), *CLERK)
    last = (OPENED + 9 * DAY).isoformat()
    made.json(
        "do", "open-survey", "--survey", "S1", "--opens-on", day, "--closes-on", last, *LEAD
    )  # fmt: skip
    return made


def answers(number: int) -> list[str]:
    """Answers of somebody who thought about it, as options."""
    found = []
    for place, name in enumerate(SCALES):
        found += ["--answer", f"{name}={(number + place) % 5 + 1}"]
    return found


def slips(office: Office, upto: int) -> list[str]:
    ask = ("survey", "slip", "S1")
    return [
        office.json(*ask, f"V{number}", "--channel", "app", *CLERK)["slip"]
        for number in range(1, upto + 1)
    ]


@pytest.mark.rule("SUR-01", "SUR-02", "SUR-03")
def test_a_survey_is_held_counted_and_shown(office: Office) -> None:
    taken = slips(office, 7)
    for number, slip in enumerate(taken[:6]):
        status, out, _ = office.run("survey", "cast", slip, *answers(number), *CLERK)
        assert (status, out) == (0, "1 cast\n")
    same = [part for name in SCALES for part in ("--answer", f"{name}=5")]
    office.json("survey", "cast", taken[6], *same, "--answer", "comment=谢谢", *CLERK)
    status, _, err = office.run("survey", "cast", taken[6], *answers(1), *CLERK)
    assert status == 2
    assert "slip_not_open" in err
    status, _, err = office.run("survey", "result", "S1", *CLERK)
    assert status == 2
    assert "survey_open" in err

    office.on(OPENED + 10 * DAY)
    ticked = office.json("tick")
    assert ticked["events"]["answers"] == 1
    [row] = office.json("survey", "list")
    assert (row["state"], row["returned"]) == ("closed", 7)
    found = office.json("survey", "result", "S1", *CLERK)
    assert found["said"]["dropped"] == 1
    assert found["said"]["by_rule"] == {"same": 1, "hurried": 0, "half_empty": 0}
    status, out, _ = office.run("survey", "result", "S1", *CLERK)
    assert status == 0
    assert "7 households, 100.00 % reached, 100.00 % returned" in out
    assert "7 answers, 1 dropped (1 all the same, 0 hurried, 0 half empty)" in out
    assert "satisfied" in out
    status, out, _ = office.run("--lang", "zh", "survey", "result", "S1", *CLERK)
    assert "剔除 1 份（全同 1，过快 0，空缺过半 0）" in out
    assert (
        office.run("survey", "comments", "S1", *CLERK)[0] == 2
    )  # What people said needs a purpose.
    asked = office.json("survey", "comments", "S1", *CLERK, "--purpose", "survey")
    assert asked == {"comment": ["谢谢"]}


@pytest.mark.rule("SUR-01", "SUR-02")
def test_paper_forms_are_cast_from_a_file_all_of_them_or_none(
    office: Office, tmp_path: Path
) -> None:
    taken = slips(office, 6)
    file = tmp_path / "forms.csv"

    def write(rows: list[list[str]]) -> None:
        with file.open("w", encoding="utf-8", newline="") as out:
            csv.writer(out).writerows([["slip", "seconds", *SCALES], *rows])

    rows = [
        [slip, "60", *(str((number + place) % 5 + 1) for place in range(7))]
        for number, slip in enumerate(taken)
    ]
    write([*rows[:5], ["S1.0", *rows[5][1:]]])
    status, _, err = office.run("survey", "cast", "--file", str(file), *CLERK)
    assert status == 2
    assert "slip_not_open" in err
    for wrong in ([["S1.0", "soon", *rows[0][2:]]], [[*rows[0], "more"]], []):
        write(wrong)
        status, _, err = office.run("survey", "cast", "--file", str(file), *CLERK)
        assert status == 2
        assert "ballot_malformed" in err
    file.write_text("number,overall\n1,5\n", encoding="utf-8")
    status, _, err = office.run("survey", "cast", "--file", str(file), *CLERK)
    assert status == 2
    assert "column_missing" in err
    status, _, err = office.run("survey", "cast", *CLERK)
    assert "slip_or_file" in err
    write(rows[::-1])
    assert office.json("survey", "cast", "--file", str(file), *CLERK) == {"cast": 6}


@pytest.mark.rule("SUR-01")
def test_a_form_is_shown_in_either_language(office: Office) -> None:
    status, out, _ = office.run("survey", "form", "S1")
    assert status == 0
    assert "How satisfied are you with the service of your estate?" in out
    assert "phone: By phone" in out
    status, out, _ = office.run("--lang", "zh", "survey", "form", "satisfaction-cn-default")
    assert "物业服务满意度调查" in out
    data = office.json("survey", "form", "S1")
    assert [item["item"] for item in data["items"]][:2] == ["overall", "staff"]
    assert office.run("survey", "form", "no-such")[0] == 2


@pytest.mark.rule("SUR-04")
def test_a_forum_is_watched_by_do_todo_and_tick(office: Office) -> None:
    day = office.on(OPENED + DAY)
    watch = ("--forum", "F1", "--estate", "星河", "--watcher", "S1", "--looks-at", "12:00")
    office.json("do", "watch-forum", *watch, "--since", day, "--stand-in", "S2", *LEAD)
    [task] = [one for one in office.json("todo", *CLERK) if one["what"] == "forum"]
    assert (task["subject"], task["act"]) == ("F1", "check-forum")
    status, out, _ = office.run("todo", *CLERK)
    assert "forum to look into" in out
    check = ("--forum", "F1", "--checked-at", f"{day}T12:00:00+08:00", "--posts", "1")
    status, _, err = office.run("do", "check-forum", *check, "--as", "specialist:S9")
    assert status == 2
    assert "not_the_watcher" in err
    office.json("do", "check-forum", *check, *CLERK)
    post = ("--forum", "F1", "--post", "P1", "--thread", "T1", "--posted-on", day)
    office.json("do", "record-post", *post, "--summary", "路灯不亮", *CLERK)
    turn = ("--forum", "F1", "--post", "P1", "--request", "R1", "--kind", "repair")
    trade = ("--trade", "engineering", "--severity", "general", "--place", "东门")
    office.json("do", "turn-post", *turn, *trade, "--on", day, *CLERK)
    shown = office.json("request", "R1", *CLERK)
    assert "forum" in json.dumps(shown)
    office.on(OPENED + 3 * DAY)
    assert office.json("tick")["events"]["forums"] == 1
    waits = [one for one in office.json("todo", *LEAD) if one["what"] == "forum_missed"]
    assert [one["subject"] for one in waits] == [(OPENED + 2 * DAY).isoformat()]


@pytest.mark.rule("SUR-05")
def test_a_statement_is_drafted_approved_and_published_as_a_page(
    office: Office, tmp_path: Path
) -> None:
    day = office.on(OPENED)
    paid = ("--household", "V1", "--payment", "P1", "--amount-fen", "100000", "--paid-on", day)
    office.json("do", "receive-payment", *paid, "--method", "transfer", *FINANCE)
    spent = (
        "--spending",
        "X1",
        "--estate",
        "星河",
        "--category",
        "repairs",
        "--amount-fen",
        "30000",
    )
    office.json(
        "do", "record-outlay", *spent, "--on", day, "--evidence", "invoice 7", *FINANCE
    )  # fmt: skip
    today = office.on(date(2024, 6, 3))
    period = ("--from", "2024-05-01", "--to", "2024-05-31", "--estate", "星河")
    office.json("survey", "draft", "2024-05", "statement", *period, *FINANCE)
    page = tmp_path / "statement.html"
    out_to = ("survey", "report", "2024-05", "--out", str(page), *LEAD)
    status, _, err = office.run(*out_to)
    assert status == 2
    assert "not_published" in err
    assert not page.exists()
    decide = ("--publication", "2024-05", "--approved", "true", "--on", today)
    office.json("do", "decide-publication", *decide, *BOSS)
    status, out, _ = office.run("survey", "report", "2024-05", *LEAD)
    assert status == 0
    assert "published" in out
    assert "700.00" in out
    office.json(*out_to)
    text = page.read_text(encoding="utf-8")
    assert "收支公示" in text
    assert "700.00" in text
    assert "B1" in text
    table = tmp_path / "statement.csv"
    office.json("survey", "report", "2024-05", "--out", str(table), *LEAD)
    rows = list(csv.reader(table.read_text(encoding="utf-8-sig").splitlines()))
    assert ["结余", "balance", "", "700.00", "元 yuan"] in rows
    assert ["支出", "spent on", "维修 repairs", "300.00", "元 yuan"] in rows
    status, _, err = office.run(
        "survey", "report", "2024-05", "--out", str(tmp_path / "x.doc"), *LEAD
    )
    assert status == 2
    assert "form_unknown" in err


@pytest.mark.rule("SUR-02")
def test_no_output_replaces_the_urn(office: Office, tmp_path: Path) -> None:
    slips(office, 1)
    status, _, err = office.run(
        "arrears", "--on", "2024-05-06", "--out", str(tmp_path / "crm.db.urn")
    )
    assert status == 2
    assert "output_kept" in err
