"""Who acts on a request, what a customer's word takes, and what no caller can say (LOG-08)."""

from __future__ import annotations

import types
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, Union, get_args, get_origin, get_type_hints

import attrs
import pytest
from asking import (
    CLERK,
    DAY,
    E5,
    HOUR,
    MINUTE,
    OPERATOR,
    RECEIVE,
    S18,
    SLA,
    START,
    SUPERVISOR,
    has_its_sentence,
    register,
    word,
)

from crm_adapters import open_crm
from crm_core import CRM, Actor, Invalid, Personal, Refused, Request
from crm_core.kernel.commands import fields_looked_up, fields_said
from crm_core.kernel.decider import Refusal
from crm_core.kernel.recorded import SYSTEM
from crm_core.kernel.word import Word
from crm_core.owners import AddMember
from crm_core.requests import (
    FINDING,
    INCIDENT,
    PLAN,
    REQUEST,
    WARNING,
    AcceptCommitment,
    AnswerCustomer,
    Apologise,
    Arrive,
    Closed,
    CloseImported,
    ConfirmClosing,
    Dispatch,
    FollowIncident,
    GrabOrder,
    LinkToIncident,
    MakeCommitment,
    NoteProgress,
    PauseRequest,
    Rebase,
    Reclassify,
    Renegotiate,
    Reopen,
    ReportDone,
    SlaPolicy,
    TakeStep,
)
from crm_core.requests.early_warning import RaiseWarning
from crm_core.requests.heads import Head
from crm_core.requests.incidents import (
    AnswerIncident,
    GatherRequest,
    OpenIncident,
    ResolveIncident,
)
from crm_core.requests.inspections import RecordFinding
from crm_core.requests.parts import Evidence
from crm_core.requests.rotation import Crew, Rotation
from crm_core.staff.register import RegisterStaff

DIRECTOR = Actor("D1", "director")
DONE = ReportDone("R1", START + 20 * MINUTE)
YES = ConfirmClosing("R1", START + HOUR, "satisfied", word("V1"))
PROMISE = MakeCommitment("R1", "fixed", START + 2 * HOUR, START + MINUTE)
TODAY = date(2011, 3, 2)


@pytest.fixture
def crm() -> Iterator[CRM]:
    with open_crm("memory:") as opened:
        register(opened, "V1", "星河", "1", "2", "301")
        register(opened, "V2", "星河", "1", "2", "302")
        opened.do(attrs.evolve(RECEIVE, request="R1", household="V1"), by=CLERK, at=START)
        yield opened


def refusal(crm: CRM, command: Any, by: Actor) -> tuple[str, str]:
    """Reason and rule by which a command is refused."""
    with pytest.raises(Refused) as refused:
        crm.do(command, by=by, at=START + DAY)
    has_its_sentence(refused.value.refusal)
    return refused.value.reason, refused.value.rule


def do(crm: CRM, *commands: Any, by: Actor = CLERK) -> None:
    for command in commands:
        crm.do(command, by=by, at=START + DAY)


def state(crm: CRM, request: str = "R1") -> Any:
    return crm.get(Request, request)


# --- the customer's own word ---------------------------------------------------------------------


@pytest.mark.case("K29")
@pytest.mark.rule("LOG-08", "REQ-08")
def test_who_did_the_work_cannot_enter_that_the_customer_is_satisfied(crm: CRM) -> None:
    """Whatever the role: persons are compared by their id alone."""
    do(crm, DONE, by=OPERATOR)
    assert refusal(crm, YES, OPERATOR) == ("role_insufficient", "LOG-08")
    for role in ("specialist", "supervisor", "manager", "director"):
        assert refusal(crm, YES, Actor(OPERATOR.id, role)) == ("own_matter", "LOG-08")
    do(crm, YES, by=CLERK)
    closed = state(crm)
    assert isinstance(closed, Closed)
    assert (closed.outcome, closed.opinion) == ("confirmed", "satisfied")
    [said] = [e for e in crm.history("request/R1") if e.name == "requests.closed/1"]
    assert said.event.word == word("V1")
    assert said.envelope.actor == "specialist:S17"


@pytest.mark.case("K29")
@pytest.mark.rule("LOG-08", "REQ-08")
def test_who_was_given_the_work_does_not_confirm_it_either(crm: CRM) -> None:
    """The clerk reports it for the operator who has the order: neither enters the confirmation."""
    do(crm, Dispatch("R1", E5.id, "operator", START + MINUTE), DONE)
    for did in (CLERK, Actor(E5.id, "specialist")):
        assert refusal(crm, YES, did) == ("own_matter", "LOG-08")
    do(crm, YES, by=S18)


@pytest.mark.rule("LOG-08", "REQ-08")
def test_the_owner_of_a_request_may_enter_the_confirmation_of_what_others_did(crm: CRM) -> None:
    do(crm, Dispatch("R1", "engineering", "department", START + MINUTE))
    do(crm, DONE, by=OPERATOR)
    assert state(crm).owner == CLERK.id
    do(crm, YES, by=CLERK)


def with_word(said: Word) -> tuple[Any, ...]:
    """Every command about a request that holds what a customer said."""
    agreed = attrs.evolve(RECEIVE, request="R2", household="V1", agreed_due_at=START + HOUR)
    return (
        attrs.evolve(agreed, agreed=said),
        AcceptCommitment("R1", said, START + 2 * MINUTE),
        Renegotiate("R1", "fixed", START + 4 * HOUR, START + HOUR, "later", word=said),
        attrs.evolve(YES, word=said),
    )


def test_every_command_with_a_word_is_looked_at_here() -> None:
    holding = {
        command
        for command in REQUEST.commands
        for hint in get_type_hints(command).values()
        if hint in (Word, Word | None)
    }
    assert {type(command) for command in with_word(word("V1"))} == holding


@pytest.mark.rule("LOG-08", "REQ-04", "REQ-08")
@pytest.mark.parametrize("which", range(4), ids=["received", "accepted", "renegotiated", "closed"])
@pytest.mark.parametrize(
    ("said", "code"),
    [
        (Word("V2#owner", "phone", "call 77"), "not_a_member"),
        (Word("V1#neighbour", "phone", "call 77"), "not_a_member"),
        (Word("S17", "phone", "call 77"), "word_of_staff"),
        (Word("V1#owner", "phone", ""), "evidence_missing"),
        (Word("", "phone", "call 77"), "evidence_missing"),
        (Word("V1#owner", "rumour", "call 77"), "unknown_channel"),
    ],
)
def test_the_word_of_somebody_else_or_without_its_evidence_is_refused(
    crm: CRM, which: int, said: Word, code: str
) -> None:
    do(crm, PROMISE)
    if which == 3:
        do(crm, DONE, by=OPERATOR)
    assert refusal(crm, with_word(said)[which], CLERK) == (code, "LOG-08")
    do(crm, with_word(word("V1"))[which])


@pytest.mark.rule("LOG-08", "REQ-08")
def test_a_member_of_staff_who_lives_here_does_not_speak_for_the_household(crm: CRM) -> None:
    """The register knows them by their id, whoever enters it."""
    lives_here = AddMember("V1", E5.id, "tenant", date(2011, 1, 1), Personal(E5.id, "李四"))
    do(crm, lives_here)
    do(crm, DONE, by=OPERATOR)
    do(crm, RegisterStaff(DIRECTOR.id, "director", date(2011, 1, 1)), by=DIRECTOR)
    for one in (CLERK, E5, OPERATOR):
        do(crm, RegisterStaff(one.id, one.role, date(2011, 1, 1)), by=DIRECTOR)
    staff_word = attrs.evolve(YES, word=Word(E5.id, "phone", "call 77"))
    assert refusal(crm, staff_word, CLERK) == ("word_of_staff", "LOG-08")
    assert refusal(crm, YES, S18) == ("role_not_registered", "LOG-08")
    do(crm, YES)


# --- what a caller cannot say --------------------------------------------------------------------


@pytest.mark.case("K28")
@pytest.mark.rule("LOG-08", "REQ-14")
@pytest.mark.parametrize(
    "command",
    [
        attrs.evolve(RECEIVE, request="R2", household="V1"),
        Rebase("R1", "as I please", START + MINUTE),
        Reclassify("R1", "worse", START + MINUTE, severity="major"),
        PROMISE,
        AcceptCommitment("R1", word("V1"), START + MINUTE, START + HOUR),
        PauseRequest("R1", "customer_absent", START + MINUTE, START + HOUR),
        DONE,
    ],
    ids=lambda command: type(command).__name__,
)
def test_a_policy_of_the_caller_s_own_is_invalid(crm: CRM, command: Any) -> None:
    """Nor is the genuine one taken from a caller: it is looked up, always."""
    lenient = attrs.evolve(SLA, close_seconds={"general": 99 * 86400, "major": 99 * 86400})
    before = crm.log.head()
    for policy in (lenient, SLA):
        with pytest.raises(Invalid) as invalid:
            crm.do(attrs.evolve(command, policy=policy), by=SUPERVISOR, at=START + DAY)
        [fault] = invalid.value.faults
        assert (fault.code, fault.where) == ("looked_up", f"{type(command).__name__}.policy")
    assert crm.log.head() == before
    do(crm, command, by=SUPERVISOR)
    assert state(crm, command.request).policy == SLA.ref


SUPPLIED: dict[Any, Any] = {
    Actor: DIRECTOR,
    Evidence: Evidence("photo", "IMG 7", START),
    Head: Head("open", "V1", "", None, ("R2",)),
    Crew: Crew("engineering", on_duty=("E4",)),
    Refusal: Refusal("x", "REQ-17"),
    Rotation: Rotation(),
    SlaPolicy: SLA,
    Word: word("V1"),
    bool: True,
    date: TODAY,
    datetime: START + HOUR,
    int: 1,
    str: "R1",
}


def sample(hint: Any) -> Any:
    """Some value of a hint."""
    if get_origin(hint) in (Union, types.UnionType):
        return sample(get_args(hint)[0])
    return () if get_origin(hint) is tuple else SUPPLIED[hint]


EVERY = [c for a in (REQUEST, INCIDENT, FINDING, PLAN, WARNING) for c in a.commands]


@pytest.mark.case("K28", "K29")
@pytest.mark.rule("LOG-08")
@pytest.mark.parametrize(
    ("command", "field"), [(c, name) for c in EVERY for name in fields_looked_up(c)]
)
def test_what_is_looked_up_cannot_be_supplied(crm: CRM, command: Any, field: str) -> None:
    """Who acts, above all: no command of the slice takes a name for it."""
    hints = get_type_hints(command)
    said = {name: sample(hints[name]) for name in fields_said(command)}
    with pytest.raises(Invalid) as invalid:
        crm.do(command(**said, **{field: sample(hints[field])}), by=CLERK)
    assert f"{command.__name__}.{field}" in [fault.where for fault in invalid.value.faults]


@pytest.mark.rule("LOG-08", "REQ-13", "REQ-17", "REQ-19")
@pytest.mark.parametrize(
    "command",
    [
        TakeStep("R1", "closing-1", "warn_50", START + 15 * MINUTE),
        FollowIncident("R1", "I1", "done", "mended", START + HOUR, "E4"),
        LinkToIncident("R1", "I1"),
        RaiseWarning("星河 1", "engineering", "volume", TODAY, TODAY, 5, 0, (1,)),
    ],
    ids=lambda command: type(command).__name__,
)
def test_what_follows_from_something_recorded_is_given_by_nobody(crm: CRM, command: Any) -> None:
    for by in (CLERK, DIRECTOR, Actor("app", "host"), SYSTEM):
        assert refusal(crm, command, by) == ("given_inside_only", "LOG-08")


@pytest.mark.rule("LOG-08", "REQ-08")
def test_closed_in_another_system_is_what_only_an_import_says(crm: CRM) -> None:
    for by in (CLERK, DIRECTOR, Actor("app", "host"), SYSTEM):
        assert refusal(crm, CloseImported("R1", START + HOUR), by)[1] == "LOG-08"


# --- who acts is who is named --------------------------------------------------------------------


@pytest.mark.rule("LOG-08", "REQ-03", "REQ-05", "REQ-06", "REQ-07", "REQ-09")
def test_every_event_names_who_gave_the_command(crm: CRM) -> None:
    do(crm, Dispatch("R1", "engineering", "department", START + MINUTE, "grab", on_site=True))
    do(
        crm,
        GrabOrder("R1", START + 2 * MINUTE),
        attrs.evolve(PROMISE, made_at=START + 3 * MINUTE, due_at=START + 4 * MINUTE),
        AnswerCustomer("R1", START + 5 * MINUTE),
        Arrive("R1", START + 6 * MINUTE),
        NoteProgress("R1", "valve ordered", True, START + 7 * MINUTE),
        DONE,
        by=OPERATOR,
    )
    do(crm, Apologise("R1", "sorry", "no valve", "free", START + 21 * MINUTE), by=S18)
    do(crm, YES)
    do(crm, Reopen("R1", START + 2 * HOUR, "leaks again"))
    do(crm, MakeCommitment("R1", "fixed", START + 4 * HOUR, START + 3 * HOUR), by=E5)
    named = {
        (e.name.removeprefix("requests."), field): getattr(e.event, field)
        for e in crm.history("request/R1")
        for field in ("promised_by", "answered_by", "arrived_by", "noted_by", "done_by", "to")
        if hasattr(e.event, field)
    }
    assert named == {
        ("order_dispatched/1", "to"): OPERATOR.id,
        ("commitment_made/1", "promised_by"): E5.id,
        ("commitment_broken/1", "promised_by"): OPERATOR.id,
        ("customer_answered/1", "answered_by"): OPERATOR.id,
        ("arrived_on_site/1", "arrived_by"): OPERATOR.id,
        ("progress_noted/1", "noted_by"): OPERATOR.id,
        ("work_reported_done/1", "done_by"): OPERATOR.id,
    }
    [sorry] = [e.event for e in crm.history("request/R1") if e.name == "requests.apologised/1"]
    assert sorry.apologised_by == S18.id


@pytest.mark.rule("LOG-08", "REQ-17", "REQ-20")
def test_what_follows_from_an_event_names_who_that_event_names(crm: CRM) -> None:
    """The system gives the commands; who told, resolved or found something is no system."""
    do(crm, OpenIncident("I1", "星河 1", "engineering", "停水", START), by=S18)
    do(crm, GatherRequest("I1", "R1", START + 2 * MINUTE))
    do(crm, AnswerIncident("I1", "back at noon", START + 8 * MINUTE), by=S18)
    do(crm, ResolveIncident("I1", "pipe mended", START + 20 * MINUTE), by=OPERATOR)
    told = {e.name: e for e in crm.history("request/R1")}
    noted, done = told["requests.progress_noted/1"], told["requests.work_reported_done/1"]
    assert (noted.event.noted_by, done.event.done_by) == (S18.id, OPERATOR.id)
    assert (noted.envelope.actor, done.envelope.actor) == (str(SYSTEM), str(SYSTEM))
    opened = next(iter(crm.history("incident/I1")))
    assert opened.event.opened_by == S18.id
    assert refusal(crm, YES, Actor(OPERATOR.id, "manager")) == ("own_matter", "LOG-08")
    find = RecordFinding("F1", "大堂", "cleaning", "general", "wet floor", START, request="R7")
    do(crm, find, by=Actor("C2", "cleaning"))
    assert state(crm, "R7").owner == "C2"
    do(crm, YES)


@pytest.mark.rule("LOG-08")
@pytest.mark.parametrize(
    ("command", "by"),
    [
        (GrabOrder("R1", START + MINUTE), CLERK),
        (Rebase("R1", "agreed", START + MINUTE), CLERK),
        (Reclassify("R1", "worse", START + MINUTE, severity="major"), OPERATOR),
        (Dispatch("R1", "E4", "operator", START + MINUTE), OPERATOR),
        (PROMISE, Actor("V1#owner", "owner")),
        (DONE, Actor("app", "host")),
        (DONE, SYSTEM),
        (DONE, Actor("A1", "auditor")),
        (AcceptCommitment("R1", word("V1"), START + HOUR, START + DAY), OPERATOR),
    ],
)
def test_a_command_is_given_by_the_roles_it_is_for(crm: CRM, command: Any, by: Actor) -> None:
    before = crm.log.head()
    assert refusal(crm, command, by) == ("role_insufficient", "LOG-08")
    assert crm.log.head() == before
