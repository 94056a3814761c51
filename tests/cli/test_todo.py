"""`crm todo`: what waits for me today, in both languages and for machines (REQ-06, REQ-13)."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from office import Office

import crm_core
from crm_core.kernel.sentences import sentences

DAY = date(2011, 3, 1)
MINUTE = timedelta(minutes=1)
RECEIVE = (
    "receive-request", "--household", "V1", "--channel", "phone", "--kind", "repair",
    "--trade", "engineering", "--severity", "general", "--summary", "漏水", "--first-asked", "S1",
)  # fmt: skip


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    made = Office(tmp_path, monkeypatch)
    made.now = datetime(2011, 3, 1, 1, 0, tzinfo=UTC)
    made.register()
    return made


def receive(office: Office, request: str) -> None:
    at = office.now.isoformat()
    office.act("specialist:S1", *RECEIVE, "--request", request, "--received-at", at)


def dispatch(office: Office, request: str, to: str, form: str, *more: str) -> None:
    at = office.now.isoformat()
    office.act(
        "specialist:S1", "dispatch", "--request", request, "--to", to, "--form", form,
        "--dispatched-at", at, *more,
    )  # fmt: skip


@pytest.mark.rule("REQ-06")
def test_an_operator_reads_the_orders_of_today(office: Office) -> None:
    receive(office, "R1")
    receive(office, "R2")
    dispatch(office, "R1", "E4", "operator")
    dispatch(office, "R2", "engineering", "department", "--mode", "grab")
    [given, offered] = office.json("todo", "--as", "operator:E4")
    assert given == {
        "what": "order",
        "subject": "R1",
        "household": "V1",
        "act": "report-done",
        "since": "2011-03-01T01:00:00Z",
        "due_at": "2011-03-01T01:30:00Z",
        "because": "own",
        "details": {},
    }
    assert (offered["what"], offered["because"]) == ("order_to_grab", "department")
    status, out, _ = office.run("--lang", "zh", "todo", "--as", "operator:E4")
    assert status == 0
    assert "派单" in out
    assert "可抢的单" in out
    status, out, _ = office.run("--lang", "en", "todo", "--as", "operator:E4")
    assert "order to grab" in out
    done = ("report-done", "--request", "R1", "--done-at", office.now.isoformat())
    office.act("operator:E4", *done)
    office.act(
        "operator:E5", "grab-order", "--request", "R2", "--grabbed-at", office.now.isoformat()
    )
    assert office.json("todo", "--as", "operator:E4") == []
    status, out, _ = office.run("--lang", "zh", "todo", "--as", "operator:E4")
    assert out == "今天没有待办\n"


@pytest.mark.rule("REQ-13")
def test_a_breach_is_read_by_the_role_it_was_told_to(office: Office) -> None:
    receive(office, "R1")
    office.now += 6 * MINUTE
    office.json("tick")
    [breach] = [t for t in office.json("todo", "--as", "specialist:S9") if t["what"] == "breach"]
    assert breach["details"] == {"clock": "promise-1", "percent": "100"}
    assert office.json("todo", "--as", "supervisor:B1") == []
    _, out, _ = office.run("--lang", "zh", "todo", "--as", "specialist:S9")
    assert "超时：答复或承诺 100%" in out
    _, out, _ = office.run("--lang", "en", "todo", "--as", "specialist:S9")
    assert "breach: promise 100 %" in out


@pytest.mark.rule("REQ-01")
def test_another_instant_can_be_asked_about(office: Office) -> None:
    receive(office, "R1")
    later = (office.now + 40 * timedelta(days=1)).isoformat()
    earlier = (office.now - 40 * timedelta(days=1)).isoformat()
    assert len(office.json("todo", "--as", "specialist:S1", "--now", later)) == 1
    assert office.json("todo", "--as", "specialist:S1", "--now", earlier) == []


@pytest.mark.rule("LOG-08")
def test_who_does_not_work_here_has_no_list(office: Office) -> None:
    office.refuses("role_insufficient", "todo", "--as", "owner:V1#owner")
    assert office.json("todo") == []


@pytest.mark.rule("LOG-08")
def test_what_waits_for_a_decision_is_read_by_who_may_take_it(office: Office) -> None:
    office.charge(DAY)
    office.act(
        "finance:F1", "propose-waiver", "--household", "V1", "--waiver", "W1", "--charge", "C1",
        "--amount-fen", "100", "--on", DAY.isoformat(), "--reason", "flooded",
    )  # fmt: skip
    assert office.json("todo", "--as", "finance:F1") == []
    [waiver] = office.json("todo", "--as", "manager:M1")
    assert (waiver["what"], waiver["act"], waiver["subject"]) == ("waiver", "decide-waiver", "W1")
    _, out, _ = office.run("--lang", "zh", "todo", "--as", "manager:M1")
    assert "减免待批" in out
    assert office.json("todo", "--as", "manager:F1") == []


@pytest.mark.rule("REQ-06")
def test_turns_and_trades_are_given_from_the_command_line(office: Office) -> None:
    for staff, role in (("D1", "director"), ("S1", "specialist"), ("E4", "operator")):
        office.act(
            "director:D1", "register-staff", "--staff", staff, "--role", role,
            "--since", "2010-01-01",
        )  # fmt: skip
    office.act(
        "director:D1", "assign-trades", "--staff", "E4", "--trades", "engineering",
        "--since", "2010-01-01",
    )  # fmt: skip
    receive(office, "R1")
    dispatch(office, "R1", "", "department", "--mode", "round_robin")
    assert [t["subject"] for t in office.json("todo", "--as", "operator:E4")] == ["R1"]
    [turn] = office.events("rotation/engineering", "requests.turn_given")
    assert (turn["staff"], turn["turn"], turn["on_duty"]) == ("E4", 1, ["E4"])


def test_every_kind_of_entry_has_its_word_in_both_languages() -> None:
    declared = {"order", "order_to_grab", "request_due", "apology", "confirmation", "breach"}
    declared.add("new_time")
    for module in ("payments", "gradings", "requests"):
        source = Path(crm_core.__path__[0], module, "worklists.py").read_text(encoding="utf-8")
        declared |= set(re.findall(r'what="(\w+)"', source))
    declared.add("award")
    words = {code.removeprefix("todo_") for code in sentences("cli-words") if "todo_" in code}
    assert words == declared
