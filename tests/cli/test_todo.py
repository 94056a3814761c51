"""`crm todo`: what waits for me today, in both languages and for machines (REQ-06, REQ-13)."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from office import WORD, Office

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
    declared |= {"difficulty", "gift", "needs", "plan_task"}
    for module in Path(crm_core.__path__[0]).rglob("*.py"):
        source = module.read_text(encoding="utf-8")
        if "kernel.worklists import" in source:
            declared |= set(re.findall(r'what="(\w+)"', source))
    words = {code.removeprefix("todo_") for code in sentences("words") if "todo_" in code}
    assert words == declared


@pytest.mark.rule("PAY-09", "PAY-10")
def test_what_of_collection_is_due_is_read_by_who_may_do_it(office: Office) -> None:
    """From the bill to the visit of two: who sees what, and by when it is to be done."""
    due = DAY + timedelta(days=10)

    def on(days: int) -> str:
        day = office.on(due + timedelta(days=days))
        office.json("tick")
        return day

    def of(who: str) -> list[tuple[str, str, str | None]]:
        told = office.json("todo", "--as", who)
        return [(one["what"], one["details"].get("step", ""), one["due_at"]) for one in told]

    office.charge(due)
    on(-10)
    assert of("finance:F1") == [("bill", "bill", "2011-03-06T16:00:00Z")]
    step = ("--household", "V1", "--step")
    notice = ("--proofs", '{"kind": "notice", "reference": "letter 7"}')
    office.act("finance:F1", "complete-step", *step, "1", "--on", "2011-03-01", *notice)
    assert of("finance:F1") == []
    # A promise that breaks today, and the hold that somebody else decides.
    on(2)
    part = '{"amount_fen": 10000, "due": "2011-03-20"}'
    office.act("specialist:S1", "promise-payment", "--household", "V1", "--promise", "Z1", "--on",
               "2011-03-13", "--reason", "on the phone", "--instalments", part, *WORD)  # fmt: skip
    assert of("finance:F1") == []
    on(9)
    assert of("finance:F1") == [("promise", "", "2011-03-20T16:00:00Z")]
    assert of("operator:E4") == []
    _, out, _ = office.run("--lang", "zh", "todo", "--as", "finance:F1")
    assert "付款承诺今日到期" in out
    office.act("specialist:S1", "propose-hold", "--household", "V1", "--hold", "H1", "--on",
               "2011-03-22", "--until", "2011-03-25", "--reason", "ill")  # fmt: skip
    assert of("supervisor:U1")[-1] == ("hold", "", "2011-03-22T16:00:00Z")
    assert ("hold", "", "2011-03-22T16:00:00Z") not in of("manager:S1")
    # At B3: informed, then demanded with approval, then visited by two.
    day = on(91)
    assert ("collection_step", "manager_informed", "2011-06-13T16:00:00Z") in of("finance:F1")
    numbers = {e["act"]: e["step"] for e in _opened(office)}
    skipped = ("skip-step", *step, str(numbers["manager_informed"]), "--on", day, "--reason", "x")
    office.act("supervisor:U1", *skipped)
    day = on(92)
    numbers = {e["act"]: e["step"] for e in _opened(office)}
    asked = (*step, str(numbers["formal_demand"]), "--on", day)
    assert ("collection_step_to_propose", "formal_demand") in [o[:2] for o in of("finance:F1")]
    office.act("specialist:S1", "propose-step", *asked)
    assert ("collection_step_to_approve", "formal_demand") in [o[:2] for o in of("supervisor:U1")]
    office.act("supervisor:U1", "skip-step", *asked, "--reason", "x")
    day = on(115)
    numbers = {e["act"]: e["step"] for e in _opened(office)}
    record = ("--proofs", '{"kind": "record", "reference": "note 3"}')
    visit = (*step, str(numbers["two_person_visit"]), "--on", day)
    office.act("specialist:S1", "complete-step", *visit, *record)
    _, out, _ = office.run("--lang", "en", "todo", "--as", "specialist:S2")
    assert "collection step to confirm: two-person visit" in out
    assert [o for o in of("specialist:S1") if "confirm" in o[0]] == []
    office.act("specialist:S2", "confirm-step", *visit)
    assert [o for o in of("specialist:S2") if "two_person" in o[1]] == []


def _opened(office: Office) -> list[dict[str, str]]:
    return office.events("collection/V1", "payments.collection_step_opened")
