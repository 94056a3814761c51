"""What needs two persons, on the command line: with both it is done, by one alone never (K29)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from cli.office import WORD, Office
from crm_adapters.cli.acts import acts

pytestmark = [pytest.mark.rule("LOG-08"), pytest.mark.case("K29")]

DUE = date(2023, 1, 31)
PROPOSER, CLERK = "specialist:S1", "specialist:S2"
SAME = "S1"
"""Who proposes; the same person under every other role is still the same."""


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    office = Office(tmp_path, monkeypatch)
    office.on(DUE - timedelta(days=30))
    office.register()
    office.charge(DUE)
    return office


# --- the ladder of collection --------------------------------------------------------------------

APPROVERS = {"supervisor": "supervisor:U1", "manager": "manager:M1", "director": "director:D1"}
BELOW = {"supervisor": [], "manager": ["supervisor"], "director": ["supervisor", "manager"]}


def open_steps(office: Office) -> Iterator[dict[str, Any]]:
    """The steps that were handed over and wait to be done."""
    events = office.json("history", "collection/V1")
    opened: dict[int, dict[str, Any]] = {}
    for event in events:
        data = event["data"]
        match event["name"].removesuffix("/1"):
            case "payments.collection_step_opened":
                opened[data["step"]] = data
            case "payments.collection_step_done" | "payments.collection_step_skipped":
                opened.pop(data["step"], None)
            case "payments.collection_grade_changed" | "payments.collection_closed":
                opened.clear()
    yield from opened.values()


def walk(office: Office, step: dict[str, Any], day: str) -> None:
    """One step: approved by another than who asks, done by another than who approved."""
    named = ("--household", "V1", "--step", str(step["step"]), "--on", day)
    proofs = [word for kind in step["needs"] for word in ("--proofs", _proof(kind, day))]
    done = (*named, *proofs)
    doer = CLERK
    if step["approver"] is not None:
        office.refuses_act("approval_missing", CLERK, "complete-step", *done)
        office.refuses_act("unknown_proposal", APPROVERS[step["approver"]], "decide-step", *named,
                           "--approved")  # fmt: skip
        office.act(PROPOSER, "propose-step", *named)
        decide = ("decide-step", *named, "--approved")
        # The one who asked is nobody else under another role, and lower roles are too low.
        for role in ("supervisor", "manager", "director"):
            office.refuses_act("own_proposal", f"{role}:{SAME}", *decide)
        office.refuses_act("role_insufficient", CLERK, *decide)
        for role in BELOW[step["approver"]]:
            office.refuses_act("approver_too_low", f"{role}:X1", *decide)
        # Neither an approver's name nor a role can be said.
        for option in ("--approver", "--by", "--role"):
            office.refuses_act("field_unexpected", PROPOSER, *decide, option, "director:D1")
        office.act(APPROVERS[step["approver"]], *decide)
        approver = APPROVERS[step["approver"]].partition(":")[2]
        office.refuses_act("self_approval", f"specialist:{approver}", "complete-step", *done)
        doer = PROPOSER
    office.act(doer, "complete-step", *done)
    if step["persons"] > 1:
        office.refuses_act("own_proposal", doer, "confirm-step", *named)
        office.act("operator:E4", "confirm-step", *named)


def _proof(kind: str, day: str) -> str:
    told = {"kind": kind, "reference": f"{kind} 7"}
    if kind == "reason_code":
        told["reference"] = "away"
    if kind == "delivery":
        told |= {"means": "registered_mail", "on": day}
    return json.dumps(told)


def test_the_ladder_from_b3_to_the_suit_needs_two_persons_at_every_approval(
    office: Office,
) -> None:
    """Until the director's own approval of the suit; no specialist gets there alone."""
    walked: list[tuple[str, str | None]] = []
    for days in range(92, 420, 8):
        day = office.on(DUE + timedelta(days=days))
        office.json("tick")
        steps = [*open_steps(office)]
        if steps:
            office.act(CLERK, "check-defects", "--household", "V1", "--on", day,
                       "--open-defects", "0", "--reference", f"round {days}")  # fmt: skip
        for step in steps:
            if date.fromisoformat(step["on"]) <= date.fromisoformat(day):
                walk(office, step, day)
                walked.append((step["act"], step["approver"]))
        if walked and walked[-1][0] == "legal_action":
            break
    assert {act for act, _ in walked} >= {
        "formal_demand", "two_person_visit", "value_added_services_paused", "lawyers_letter",
        "mediation", "legal_action",
    }  # fmt: skip
    assert walked[-1] == ("legal_action", "director")
    approved = office.events("collection/V1", "payments.collection_step_approved")
    done = {e["step"]: e for e in office.events("collection/V1", "payments.collection_step_done")}
    assert {one["approved_by"] for one in approved} == {"U1", "M1", "D1"}
    for one in approved:
        assert one["proposed_by"] == SAME != one["approved_by"] != done[one["step"]]["done_by"]


def test_a_day_that_has_not_come_brings_no_step(office: Office) -> None:
    """Nobody walks the ladder ahead of the calendar."""
    office.on(DUE + timedelta(days=5))
    ahead = (DUE + timedelta(days=400)).isoformat()
    office.refuses_act(
        "from_the_future", "director:D1", "advance-collection", "--household", "V1", "--on", ahead
    )


# --- decisions about money -----------------------------------------------------------------------


def decided(act: str, number: str, *proposed: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """A proposal and its decision, as they are said."""
    option, name = number.split()
    common = ("--household", "V1", f"--{option}", name)
    return (*common, *proposed), common


PROPOSED: dict[str, tuple[str, str, str, tuple[str, ...], str, str]] = {
    "waiver": (
        "propose-waiver", "decide-waiver", "waiver W1",
        ("--charge", "C1", "--amount-fen", "100", "--on", "2023-02-01", "--reason", "flood"),
        "manager", "payments.charge_waived/1",
    ),
    "write-off": (
        "propose-waiver", "decide-waiver", "waiver W1",
        ("--charge", "C1", "--amount-fen", "100", "--on", "2023-02-01", "--reason", "gone",
         "--write-off"),
        "director", "payments.charge_waived/1",
    ),
    "refund": (
        "propose-refund", "decide-refund", "refund R1",
        ("--amount-fen", "100", "--on", "2023-02-01", "--reason", "moves out"),
        "manager", "payments.credit_refunded/1",
    ),
    "dispute": (
        "propose-dispute-decision", "decide-dispute", "dispute D1",
        ("--upheld-fen", "100", "--on", "2023-02-01", "--reason", "no lift"),
        "supervisor", "payments.dispute_decided/1",
    ),
    "instalments": (
        "propose-instalments", "decide-instalments", "promise Z1",
        ("--instalments", '{"amount_fen": 100, "due": "2023-03-01"}',
         "--instalments", '{"amount_fen": 200, "due": "2023-04-01"}',
         "--on", "2023-02-01", "--reason", "short of money", *WORD),
        "supervisor", "payments.payment_promised/1",
    ),
    "hold": (
        "propose-hold", "decide-hold", "hold H1",
        ("--on", "2023-02-01", "--until", "2023-03-01", "--reason", "illness"),
        "manager", "payments.collection_held/1",
    ),
}  # fmt: skip


@pytest.fixture
def owing(office: Office) -> Office:
    """In February: one charge paid twice over, a dispute about another."""
    office.on(date(2023, 2, 1))
    office.charge(DUE, "C2")
    office.act(
        CLERK, "receive-payment", "--household", "V1", "--payment", "P1", "--amount-fen",
        "50000", "--paid-on", "2023-01-31", "--method", "cash",
    )  # fmt: skip
    office.charge(date(2023, 2, 1), "C3", 90_000)
    office.act(
        CLERK, "dispute-charge", "--household", "V1", "--dispute", "D1", "--charge", "C3",
        "--amount-fen", "100", "--on", "2023-02-01", "--reason", "no lift", *WORD,
    )  # fmt: skip
    return office


@pytest.mark.parametrize("what", PROPOSED)
def test_one_proposes_and_another_decides(what: str, owing: Office) -> None:
    """And nobody both, whatever role they give; a rejection has a reason and decides nothing."""
    propose, decide, number, fields, role, event = PROPOSED[what]
    said, common = decided(decide, number, *fields)
    if what == "refund":
        owing.act(CLERK, "receive-payment", "--household", "V1", "--payment", "P2", "--amount-fen",
                  "90000", "--paid-on", "2023-02-01", "--method", "cash")  # fmt: skip
    if what in ("waiver", "write-off"):
        said = tuple("C3" if word == "C1" else word for word in said)
    answer = (*common, "--on", "2023-02-01")
    owing.refuses_act("unknown_proposal", f"{role}:M1", decide, *answer, "--approved")
    owing.act(PROPOSER, propose, *said)
    assert propose in acts()
    for same in {role, "manager", "director"}:
        owing.refuses_act("own_proposal", f"{same}:{SAME}", decide, *answer, "--approved")
        owing.refuses_act(
            "own_proposal", f"{same}:{SAME}", decide, *answer, "--no-approved", "--reason", "no"
        )
    owing.refuses_act("role_insufficient", CLERK, decide, *answer, "--approved")
    owing.refuses("role_insufficient", "do", decide, *answer, "--approved")
    owing.refuses_act("role_insufficient", "host:cron", decide, *answer, "--approved")
    owing.refuses_act("reason_missing", f"{role}:M1", decide, *answer, "--no-approved")
    done = owing.act(f"{role}:M1", decide, *answer, "--approved")
    assert done["events"] == [event]
    [recorded] = [e for e in owing.json("history", "V1") if e["position"] == done["position"]]
    assert recorded["actor"] == f"{role}:M1"
    assert (recorded["data"]["proposed_by"], recorded["data"]["approved_by"]) == (SAME, "M1")
    # Decided is decided.
    status, _, _ = owing.run("do", decide, *answer, "--approved", "--as", f"{role}:M2")
    assert status == 2


@pytest.mark.parametrize("what", PROPOSED)
def test_a_rejection_is_recorded_with_its_reason(what: str, owing: Office) -> None:
    propose, decide, number, fields, role, event = PROPOSED[what]
    said, common = decided(decide, number, *fields)
    if what == "refund":
        owing.act(CLERK, "receive-payment", "--household", "V1", "--payment", "P2", "--amount-fen",
                  "90000", "--paid-on", "2023-02-01", "--method", "cash")  # fmt: skip
    if what in ("waiver", "write-off"):
        said = tuple("C3" if word == "C1" else word for word in said)
    owing.act(PROPOSER, propose, *said)
    done = owing.act(
        f"{role}:M1", decide, *common, "--on", "2023-02-01", "--no-approved", "--reason", "no case"
    )
    assert event not in done["events"]
    [recorded] = [e for e in owing.json("history", "V1") if e["position"] == done["position"]]
    assert (recorded["data"]["reason"], recorded["data"]["rejected_by"]) == ("no case", "M1")


# --- gradings, awards, policies ------------------------------------------------------------------


def test_a_review_needs_another_person_than_who_entered_it(office: Office) -> None:
    """Who entered the contest, proposed the type or confirmed it had a part in it."""
    on = ("--on", office.on(date(2024, 2, 1)))
    office.json("grade", "2023")
    office.act(PROPOSER, "contest-grading", "--household", "V1", "--year", "2023", "--review",
               "RV1", "--reason", "I paid", *on, *WORD)  # fmt: skip
    decide = ("decide-review", "--household", "V1", "--review", "RV1", "--result", "upheld",
              "--reason", "right", *on)  # fmt: skip
    for role in ("supervisor", "manager", "director"):
        office.refuses_act("own_matter", f"{role}:{SAME}", *decide)
    office.refuses_act("role_insufficient", CLERK, *decide)
    office.act("supervisor:U1", *decide)
    [decided] = office.events("grading/V1", "gradings.review_decided")
    assert decided["decided_by"] == "U1"


def test_an_award_is_granted_by_neither_who_recorded_it_nor_who_bore_the_wrong(
    office: Office,
) -> None:
    office.on(date(2023, 2, 1))
    wrong = ("--staff", "S9", "--case", "W1", "--on", "2023-02-01")
    office.act("supervisor:U1", "record-wrong", *wrong, "--what", "shouted at")
    grant = ("grant-award", *wrong, "--amount-fen", "20000")
    office.refuses_act("own_proposal", "manager:U1", *grant)
    office.refuses_act("own_matter", "director:S9", *grant)
    office.refuses_act("role_insufficient", CLERK, *grant)
    office.act("manager:M1", *grant)
    [granted] = office.events("staff/S9", "staff.award_granted")
    assert granted["granted_by"] == "M1"


def test_an_improvement_is_decided_by_another_than_who_proposes_or_answers_for_it(
    office: Office,
) -> None:
    plan = ("--plan", "I1", "--on", "2023-02-15")
    office.on(date(2023, 2, 15))
    office.act(
        PROPOSER, "propose-improvement", "--plan", "I1", "--measure", "a second lift",
        "--metric", "late_share", "--dimension", "trade", "--value", "engineering",
        "--baseline-start", "2023-01-01", "--baseline-end", "2023-01-31", "--runs-from",
        "2023-03-01", "--runs-to", "2023-03-31", "--change-per-mille", "-300",
        "--responsible", "E4", "--supervisor", "U1",
    )  # fmt: skip
    decide = ("decide-improvement", *plan, "--approved")
    office.refuses_act("own_proposal", f"manager:{SAME}", *decide)
    office.refuses_act("own_matter", "manager:E4", *decide)
    office.refuses_act("role_insufficient", "supervisor:U1", *decide)
    office.act("manager:M1", *decide)


def test_a_closing_is_confirmed_by_another_than_who_did_the_work(office: Office) -> None:
    """On the word of the customer, which nobody of the staff can give."""
    request = ("--request", "R1")
    office.on(date(2023, 2, 1))
    at = "2023-02-01T09:{:02}:00+08:00".format
    office.act(
        PROPOSER, "receive-request", *request, "--household", "V1", "--channel", "phone",
        "--kind", "repair", "--trade", "engineering", "--severity", "general", "--summary", "lift",
        "--received-at", at(0), "--first-asked", "S1",
    )  # fmt: skip
    office.act("operator:E4", "report-done", *request, "--done-at", at(20))
    confirm = ("confirm-closing", *request, "--confirmed-at", at(30), "--opinion", "satisfied")
    office.refuses_act("own_matter", "specialist:E4", *confirm, *WORD)
    office.refuses_act("word_of_staff", PROPOSER, *confirm, "--word.member", "S1", *WORD[2:])
    office.act(PROPOSER, *confirm, *WORD)


# --- a register of staff -------------------------------------------------------------------------


def test_where_staff_are_registered_a_claimed_role_must_be_theirs(office: Office) -> None:
    """On that day; before there is a register the host is trusted, and `doctor` says so."""
    assert office.json("doctor")["staff"] == {
        "persons": 0,
        "in_force": False,
        "rosters": [],
    }
    since = ("--since", "2023-01-01")
    office.refuses_act("register_begins_with_director", "director:D1", "register-staff",
                       "--staff", "M1", "--role", "manager", *since)  # fmt: skip
    for who, role in (("D1", "director"), ("S1", "specialist"), ("M1", "manager")):
        office.act("director:D1", "register-staff", "--staff", who, "--role", role, *since)
    waiver = ("--household", "V1", "--waiver", "W1", "--on", office.on(date(2023, 2, 1)))
    office.act(PROPOSER, "propose-waiver", *waiver, "--charge", "C1", "--amount-fen", "100",
               "--reason", "flood")  # fmt: skip
    decide = ("decide-waiver", *waiver, "--approved")
    for claimed in ("manager:S1", "director:M1", "manager:M2", "director:S2"):
        office.refuses_act("role_not_registered", claimed, *decide)
    office.act("manager:M1", *decide)
    assert office.json("doctor")["staff"] == {
        "persons": 3,
        "in_force": True,
        "rosters": [],
    }
