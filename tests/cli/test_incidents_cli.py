"""A leak of personal data on the command line: opened, affected, reported, in both languages."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from crm_adapters.cli.app import run
from crm_core.privacy.incident_events import ITEMS

FOUND = "2024-03-04T09:00:00+08:00"
KEEPER = ("--as", "custodian:K1")
OPEN = (
    *("incident", "open", "L1", "--severity", "serious", "--discovered", FOUND),
    *("--summary", "表格误发", "--as", "security:G1"),
)


class Desk:
    """A log in a file, and what `crm` says of it."""

    def __init__(self, folder: Path) -> None:
        self.db = f"sqlite:///{folder / 'crm.db'}"
        self.folder = folder

    def ask(self, *arguments: str, status: int = 0) -> str:
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            assert run(["--db", self.db, *arguments]) == status, err.getvalue() + out.getvalue()
        return err.getvalue() if status == 2 else out.getvalue()

    def json(self, *arguments: str, status: int = 0) -> Any:
        return json.loads(self.ask("--format", "json", *arguments, status=status))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    made = Desk(tmp_path)
    made.ask("create")
    return made


def described(desk: Desk) -> None:
    for item in ITEMS:
        said = ("--leak", "L1", "--item", item, "--text", f"words of {item}")
        desk.ask("do", "state-leak", *said, *KEEPER)
    desk.ask("do", "state-leak-kinds", "--leak", "L1", "--kinds", "name", *KEEPER)


@pytest.mark.rule("PRV-08")
def test_whoever_notices_opens_it_and_sees_its_clocks(desk: Desk) -> None:
    told = desk.json(*OPEN)
    assert [(c["duty"], c["due_at"]) for c in told["clocks"]] == [
        ("internal", "2024-03-04T02:00:00Z"),
        ("authority", "2024-03-04T05:00:00Z"),
        ("persons", "2024-03-07T01:00:00Z"),
    ]
    assert "role_insufficient]" in desk.ask("incident", "list", "--as", "security:G1", status=2)
    assert "leak_exists]" in desk.ask(*OPEN, status=2)


@pytest.mark.rule("PRV-08")
def test_of_a_list_only_number_and_digest_are_kept(desk: Desk) -> None:
    desk.ask(*OPEN)
    file = desk.folder / "persons.txt"
    file.write_text("﻿V00001#owner\n\nV00002#owner\nV00001#owner\n", encoding="utf-8")
    asked = ("incident", "affected", "L1", "--list", str(file), "--reference", "名单", *KEEPER)
    assert desk.json(*asked) == {"leak": "L1", "number": 2, "recorded": True}
    assert desk.json(*asked)["recorded"] is False
    assert "V00001#owner" not in desk.ask("--format", "json", "history", "leak/L1")
    file.write_text("V1\n王 芳\n", encoding="utf-8")
    said = desk.ask(*asked, status=2)
    assert "person_malformed]" in said
    assert "王" not in said
    file.write_bytes("王芳".encode("gb18030"))
    assert "persons_unreadable]" in desk.ask(*asked, status=2)


@pytest.mark.rule("PRV-08")
def test_a_report_says_everything_or_what_is_missing(desk: Desk) -> None:
    desk.ask(*OPEN)
    now = ("--now", "2024-03-04T13:00:00+08:00")
    found = desk.json("incident", "report", "L1", *now, *KEEPER, status=1)
    assert found["missing"] == [
        "kinds", *ITEMS, "affected", "internal", "authority", "persons"
    ]  # fmt: skip
    assert [c["late_minutes"] for c in found["clocks"]] == [180, 0, 0]
    described(desk)
    for duty, to, at in (("internal", "总监", "09:10"), ("authority", "网信办", "12:59")):
        told = ("--leak", "L1", "--duty", duty, "--informed", to, "--reference", "来文 7")
        desk.ask("do", "tell-of-leak", *told, "--told-at", f"2024-03-04T{at}:00+08:00", *KEEPER)
    desk.ask("do", "propose-silence", "--leak", "L1", "--reason", "已加密", *KEEPER)
    decided = ("--leak", "L1", "--approved", "true", "--reason", "同意")
    desk.ask("do", "decide-silence", *decided, "--as", "director:D1")
    report = ("incident", "report", "L1", *KEEPER)
    text = desk.ask("--lang", "zh", *report, status=1)
    for words in ("较大", "表格误发", "姓名", "总监", "网信办", "已加密", "受影响的人员尚未查明"):
        assert words in text
    english = desk.ask("--lang", "en", *report, status=1)
    for item in ITEMS:
        assert f"words of {item}" in english
    assert "still missing: who is affected" in english
    file = desk.folder / "persons.txt"
    file.write_text("V00001#owner\n", encoding="utf-8")
    desk.ask("incident", "affected", "L1", "--list", str(file), "--reference", "名单", *KEEPER)
    assert desk.json(*report)["missing"] == []
    shown = desk.json("incident", "show", "L1", *KEEPER)
    assert shown["affected"]["number"] == 1
    [listed] = desk.json("incident", "list", "--as", "auditor:A1")
    assert listed["leak"] == "L1"
    assert "leak_unknown]" in desk.ask("incident", "show", "L9", *KEEPER, status=2)
