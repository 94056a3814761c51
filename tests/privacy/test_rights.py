"""What persons ask about their data: proved, answered in time, refused with a reason (PRV-09)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import attrs
import pytest
from consenting import CLERK, MANAGER, OWNER, TENANT, agreed, household, marketing_book, published
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st

from crm_adapters import open_crm
from crm_core import CRM, Actor, Personal, Refused
from crm_core.gradings.events import AutomaticRefused
from crm_core.kernel.decider import Refusal
from crm_core.kernel.policy import PolicyFault
from crm_core.kernel.word import Word
from crm_core.messages.events import MessageWithheld
from crm_core.owners import AddMember, EndRole
from crm_core.privacy import (
    RIGHT,
    AskRight,
    CheckIdentity,
    ExtendRight,
    FulfilRight,
    RefuseRight,
    RightCase,
    RightsPolicy,
    WithdrawRight,
)
from crm_core.privacy.consent import ConsentWithdrawn
from crm_core.privacy.events import MemberErased
from crm_core.privacy.rights import (
    IdentityChecked,
    RightAsked,
    RightClockTold,
    RightExtended,
    RightFulfilled,
    RightRefused,
    RightWithdrawn,
    TellRightClock,
)
from crm_core.privacy.rights_policy import GROUNDS, KINDS, OF_THE_DEAD
from crm_core.slices import shipped
from crm_core.staff import RegisterStaff
from crm_core.testing import given

DAY = date(2024, 3, 4)  # a Monday
NINE = datetime(2024, 3, 4, 1, tzinfo=UTC)  # 09:00 in Shanghai
HOUR, DAYS = timedelta(hours=1), timedelta(days=1)
POLICY = shipped().find(RightsPolicy, "rights-cn-default", DAY)
CUSTODIAN, DIRECTOR = Actor("K1", "custodian"), Actor("D1", "director")
WORD = Word(OWNER, "letter", "来信 1")

ASK = AskRight(
    "C1",
    "V1",
    OWNER,
    "copy",
    NINE,
    "全部",
    word=WORD,
    by=CLERK,
    policy=POLICY,
    purposes=("marketing", "payment"),
    refusable=("marketing",),
)
ASKED = RightAsked(
    about="",
    asked_at=NINE,
    asker=OWNER,
    at_once=False,
    case="C1",
    deadline=POLICY.deadline(DAY, 15),
    detail="全部",
    entered_by=CLERK.id,
    evidence="",
    household="V1",
    kind="copy",
    member=OWNER,
    on=DAY,
    outsider="",
    policy=POLICY.ref,
    proved=False,
    relation="self",
    word=WORD,
)
CHECK = CheckIdentity("C1", True, "身份证", by=CLERK)
CHECKED = IdentityChecked("C1", CLERK.id, True, "身份证")
FULFIL = FulfilRight("C1", NINE + DAYS, "交付文件", "导出 7", by=CUSTODIAN)
FULFILLED = RightFulfilled(
    case="C1", erasure=None, fulfilled_at=NINE + DAYS, fulfilled_by=CUSTODIAN.id, how="交付文件",
    instead="", reference="导出 7",
)  # fmt: skip
REFUSE = RefuseRight("C1", "law_requires", "法律要求保存三年", NINE + DAYS, by=MANAGER)
REFUSED = RightRefused("C1", MANAGER.id, "law_requires", "法律要求保存三年", NINE + DAYS)
EXTEND = ExtendRight("C1", "卷宗在档案馆", by=MANAGER, policy=POLICY, known_at=NINE + DAYS)
EXTENDED = RightExtended(
    "C1", POLICY.deadline(ASKED.deadline.last_day, 15), MANAGER.id, "卷宗在档案馆"
)


# --- terms ---------------------------------------------------------------------------------------


@pytest.mark.rule("PRV-09")
def test_fifteen_working_days_behind_the_day_it_was_asked() -> None:
    """4 March 2024 is a Monday: three weeks, and the last day counts to its end."""
    assert POLICY.deadline(DAY, 15).last_day == date(2024, 3, 25)
    assert POLICY.deadline(DAY, 15).due_at == datetime(2024, 3, 25, 16, tzinfo=UTC)
    # Qingming (4 to 6 April) and the make-up Sunday of 7 April count as the notice says.
    assert POLICY.deadline(date(2024, 4, 3), 1).last_day == date(2024, 4, 7)
    assert POLICY.deadline(DAY, 15).warns_at == (
        datetime(2024, 3, 17, 16, tzinfo=UTC),
        datetime(2024, 3, 21, 16, tzinfo=UTC),
    )


@pytest.mark.rule("PRV-09")
@hypothesis_given(after=st.dates(date(2008, 1, 1), date(2030, 12, 31)), days=st.integers(1, 60))
def test_so_many_working_days_lie_behind_the_day_and_no_more(after: date, days: int) -> None:
    found = POLICY.deadline(after, days)
    counted = POLICY.calendar.working_days(after + DAYS, found.last_day)
    assert counted == days
    assert POLICY.calendar.working_days(found.last_day, found.last_day) == 1
    assert list(found.warns_at) == sorted(found.warns_at)
    assert all(at < found.due_at for at in found.warns_at)


@pytest.mark.rule("PRV-09")
@pytest.mark.parametrize(
    ("old", "new", "path", "code"),
    [
        ("[5, 1]", "[1, 5]", "warn_days", "falling_days_expected"),
        ("know = { days = 15", "know = { days = 0", "terms.know", "days_wanted"),
        ("know = {", "gossip = {", "terms.know", "missing"),
        ('zone = "Asia/Shanghai"', 'zone = "Mars"', "calendar.zone", "zone_unknown"),
    ],
)
def test_a_policy_without_a_term_for_each_right_is_none(
    old: str, new: str, path: str, code: str
) -> None:
    from importlib.resources import files

    file = files("crm_core.privacy") / "policies" / "rights-cn-default.toml"
    text = file.read_text(encoding="utf-8")
    with pytest.raises(PolicyFault) as fault:
        RightsPolicy.parse(text.replace(old, new))
    assert (path, code) in [(where, what.sentence) for where, what in fault.value.faults]


# --- asked ---------------------------------------------------------------------------------------


@pytest.mark.rule("PRV-09")
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "object"])
def test_every_right_can_be_asked_for_and_has_its_day(kind: str) -> None:
    given(RIGHT).when(attrs.evolve(ASK, kind=kind)).then(attrs.evolve(ASKED, kind=kind))
    given(RIGHT, ASKED).when(ASK).refused("case_exists", "PRV-09")


@pytest.mark.rule("PRV-09")
def test_who_asks_in_person_is_known() -> None:
    in_person = attrs.evolve(ASK, word=None, by=Actor(OWNER, "owner"))
    seen = attrs.evolve(ASKED, word=None, entered_by=OWNER, proved=True)
    given(RIGHT).when(in_person).then(seen)
    staff = attrs.evolve(ASK, household="", member=CLERK.id, word=None)
    [asked] = RIGHT.decider.decide(staff, RightCase())
    assert (asked.proved, asked.asker, asked.member) == (True, CLERK.id, CLERK.id)


@pytest.mark.rule("PRV-09")
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"kind": "gossip"}, "unknown_right"),
        ({"relation": "friend"}, "unknown_relation"),
        ({"refused_there": Refusal("unknown_person", "PRV-09")}, "unknown_person"),
        ({"word": Word(TENANT, "letter", "1")}, "word_of_another"),
        ({"word": None}, "word_of_another"),
        ({"about": "marketing"}, "objects_to_nothing"),
        ({"kind": "object"}, "unknown_object"),
        ({"kind": "object", "about": "curiosity"}, "unknown_object"),
        ({"relation": "guardian"}, "asks_in_person"),
        ({"relation": "guardian", "word": Word(TENANT, "letter", "1")}, "evidence_missing"),
        ({"relation": "relative", "outsider": "王小明", "word": None}, "evidence_missing"),
        ({"relation": "relative", "outsider": "王小明", "evidence": "x"}, "asker_twice"),
        (
            {"relation": "relative", "outsider": " ", "word": None, "evidence": "x"},
            "asker_missing",
        ),
    ],
)
def test_nobody_asks_for_somebody_else(changes: dict[str, Any], code: str) -> None:
    given(RIGHT).when(attrs.evolve(ASK, **changes)).refused(code, "PRV-09")


@pytest.mark.rule("PRV-09")
@pytest.mark.parametrize("kind", KINDS)
def test_relatives_of_the_dead_ask_for_what_the_law_names(kind: str) -> None:
    asked = attrs.evolve(
        ASK,
        kind=kind,
        relation="relative",
        word=None,
        outsider="王小明",
        evidence="死亡证明、户口簿",
        about="marketing" if kind == "object" else "",
    )
    if kind in OF_THE_DEAD:
        [event] = RIGHT.decider.decide(asked, RightCase())
        assert (event.asker, event.proved, event.outsider) == ("", False, "王小明")
    else:
        given(RIGHT).when(asked).refused("not_of_the_dead", "PRV-09")


# --- answered ------------------------------------------------------------------------------------


@pytest.mark.rule("PRV-09")
def test_an_answer_waits_for_a_look_at_who_asks() -> None:
    given(RIGHT, ASKED).when(FULFIL).refused("identity_unchecked", "PRV-09")
    doubt = attrs.evolve(CHECKED, confirmed=False)
    given(RIGHT, ASKED, doubt).when(FULFIL).refused("identity_unchecked", "PRV-09")
    given(RIGHT, ASKED).when(CHECK).then(CHECKED)
    given(RIGHT, ASKED).when(attrs.evolve(CHECK, how="")).refused("evidence_missing", "PRV-09")
    given(RIGHT, ASKED, CHECKED).when(FULFIL).then(FULFILLED)
    for changes in ({"how": ""}, {"reference": " "}):
        bare = attrs.evolve(FULFIL, **changes)
        given(RIGHT, ASKED, CHECKED).when(bare).refused("evidence_missing", "PRV-09")


@pytest.mark.rule("PRV-09")
def test_a_refusal_without_a_reason_is_refused() -> None:
    given(RIGHT, ASKED).when(REFUSE).then(REFUSED)
    given(RIGHT, ASKED).when(attrs.evolve(REFUSE, reason=" ")).refused("reason_missing", "PRV-09")
    given(RIGHT, ASKED).when(attrs.evolve(REFUSE, ground="")).refused("unknown_ground", "PRV-09")
    doubt = attrs.evolve(REFUSE, ground="identity_unproved")
    given(RIGHT, ASKED).when(doubt).then(attrs.evolve(REFUSED, ground="identity_unproved"))
    given(RIGHT, ASKED, CHECKED).when(doubt).refused("identity_proved", "PRV-09")
    assert len(GROUNDS) == len(set(GROUNDS))


@pytest.mark.rule("PRV-09")
@pytest.mark.parametrize("command", [CHECK, FULFIL, REFUSE, EXTEND, WithdrawRight("C1", WORD)])
def test_nothing_is_done_with_a_case_that_ended_or_never_began(command: Any) -> None:
    command = attrs.evolve(command, by=CUSTODIAN)
    given(RIGHT).when(command).refused("unknown_case", "PRV-09")
    given(RIGHT, ASKED, CHECKED, FULFILLED).when(command).refused("case_ended", "PRV-09")
    given(RIGHT, ASKED, REFUSED).when(command).refused("case_ended", "PRV-09")


@pytest.mark.rule("PRV-09")
def test_nothing_is_answered_before_it_is_asked() -> None:
    early = attrs.evolve(FULFIL, fulfilled_at=NINE - HOUR)
    given(RIGHT, ASKED, CHECKED).when(early).refused("too_early", "PRV-09")
    early_no = attrs.evolve(REFUSE, refused_at=NINE - HOUR)
    given(RIGHT, ASKED).when(early_no).refused("too_early", "PRV-09")


@pytest.mark.rule("PRV-09")
def test_an_answer_is_put_off_once_in_time_and_for_a_reason() -> None:
    given(RIGHT, ASKED).when(EXTEND).then(EXTENDED)
    assert EXTENDED.deadline.last_day == date(2024, 4, 16)
    given(RIGHT, ASKED, EXTENDED).when(EXTEND).refused("extended_before", "PRV-09")
    given(RIGHT, ASKED).when(attrs.evolve(EXTEND, reason="")).refused("reason_missing", "PRV-09")
    late = attrs.evolve(EXTEND, known_at=ASKED.deadline.due_at)
    given(RIGHT, ASKED).when(late).refused("too_late", "PRV-09")
    object_ = attrs.evolve(ASKED, kind="object", about="marketing", deadline=ASKED.deadline)
    given(RIGHT, object_).when(EXTEND).refused("never_extended", "PRV-09")


@pytest.mark.rule("PRV-09")
def test_in_time_is_before_the_last_day_is_over() -> None:
    due = ASKED.deadline.due_at

    def answered(*more: Any) -> bool | None:
        return RIGHT.decider.fold([ASKED, CHECKED, *more]).in_time

    assert answered() is None
    assert answered(attrs.evolve(FULFILLED, fulfilled_at=due - timedelta(microseconds=1)))
    assert answered(attrs.evolve(FULFILLED, fulfilled_at=due)) is False
    assert answered(attrs.evolve(REFUSED, refused_at=due)) is False
    assert answered(EXTENDED, attrs.evolve(FULFILLED, fulfilled_at=due)) is True
    assert answered(RightWithdrawn("C1", CLERK.id, WORD)) is None


@pytest.mark.rule("PRV-09")
def test_who_asked_withdraws_and_nobody_else() -> None:
    back = WithdrawRight("C1", WORD, by=CLERK)
    given(RIGHT, ASKED).when(back).then(RightWithdrawn("C1", CLERK.id, WORD))
    other = attrs.evolve(back, word=Word(TENANT, "phone", "1"))
    given(RIGHT, ASKED).when(other).refused("not_the_asker", "PRV-09")
    given(RIGHT, ASKED).when(attrs.evolve(back, word=None)).refused("not_the_asker", "PRV-09")


# --- the clock -----------------------------------------------------------------------------------


@pytest.mark.rule("PRV-09")
def test_a_step_is_told_once_and_only_of_the_day_that_holds() -> None:
    step = TellRightClock("C1", "overdue", ASKED.deadline.due_at)
    heard = RightClockTold("C1", ASKED.deadline.due_at, ASKED.deadline.due_at, "overdue")
    given(RIGHT, ASKED).when(step).then(heard)
    given(RIGHT, ASKED, heard).when(step).then()
    given(RIGHT, ASKED, EXTENDED).when(step).then()
    given(RIGHT, ASKED, CHECKED, FULFILLED).when(step).then()
    given(RIGHT).when(step).then()


# --- at work -------------------------------------------------------------------------------------


@pytest.fixture
def crm() -> Iterator[CRM]:
    with open_crm("memory:", policies=marketing_book()) as opened:
        household(opened)
        opened.clock.advance(NINE - opened.clock.now())
        yield opened


def said(command: Any) -> Any:
    """As its giver says it."""
    names = ("by", "policy", "purposes", "refusable", "refused_there", "known_at")
    there = {f.name for f in attrs.fields(type(command))}
    return attrs.evolve(command, **{name: None for name in names if name in there})


def heard(crm: CRM) -> list[tuple[str, datetime]]:
    events = [e.event for e in crm.log.read("right/C1")]
    return [(e.step, e.reached_at) for e in events if isinstance(e, RightClockTold)]


@pytest.mark.rule("PRV-09")
def test_the_clock_warns_twice_and_says_when_it_is_too_late(crm: CRM) -> None:
    crm.do(said(ASK), by=CLERK)
    warns, due = ASKED.deadline.warns_at, ASKED.deadline.due_at
    crm.tick()
    assert heard(crm) == []
    crm.clock.advance(due - crm.clock.now())
    crm.tick()
    assert heard(crm) == [("warn-1", warns[0]), ("warn-2", warns[1])]
    [task] = [t for t in crm.todo(by=CUSTODIAN) if t.what == "right"]
    assert (task.subject, task.household, task.due_at, task.act) == (
        "C1",
        "V1",
        due,
        "fulfil-right",
    )
    crm.clock.advance(timedelta(microseconds=1))
    crm.tick()
    crm.tick()
    assert heard(crm)[2:] == [("overdue", due)]
    crm.do(said(CHECK), by=CLERK)
    crm.do(FulfilRight("C1", crm.clock.now(), "交付文件", "导出 7"), by=CUSTODIAN)
    assert [t for t in crm.todo(by=CUSTODIAN) if t.what == "right"] == []
    case = crm.get(RightCase, "C1", by=CUSTODIAN)
    assert case is not None
    assert case.in_time is False


@pytest.mark.rule("PRV-09")
def test_an_answer_that_is_put_off_is_warned_of_anew(crm: CRM) -> None:
    crm.do(said(ASK), by=CLERK)
    crm.do(said(EXTEND), by=MANAGER)
    crm.clock.advance(60 * DAYS)
    crm.tick()
    later = EXTENDED.deadline
    assert heard(crm) == [
        ("warn-1", later.warns_at[0]),
        ("warn-2", later.warns_at[1]),
        ("overdue", later.due_at),
    ]


@pytest.mark.rule("PRV-09", "PRV-04")
def test_a_deletion_that_is_owed_waits_to_be_done_and_the_answer_names_it(crm: CRM) -> None:
    """Given who asks, once it is known who that is, then somebody is to erase them (art. 47)."""

    def erasures(by: Actor = CUSTODIAN) -> list[tuple[str, Any]]:
        return [(t.subject, t.details) for t in crm.todo(by=by) if t.what == "erasure"]

    crm.do(attrs.evolve(said(ASK), kind="delete"), by=CLERK)
    assert erasures() == []
    crm.do(said(CHECK), by=CLERK)
    assert erasures() == [(OWNER, {"case": "C1"})]
    assert erasures(CLERK) == []
    answer = FulfilRight("C1", crm.clock.now(), "已删除", "抹除记录")
    with pytest.raises(Refused) as refused:
        crm.do(answer, by=CUSTODIAN)
    assert (refused.value.reason, refused.value.details) == ("erasure_missing", {"who": OWNER})
    crm.privacy.erase("V1", OWNER, by=CUSTODIAN, purpose="asked")
    assert erasures() == []
    [erased] = [e for e in crm.log.read("erasures/company") if type(e.event) is MemberErased]
    [fulfilled] = crm.do(answer, by=CUSTODIAN).events
    assert fulfilled.erasure == erased.position


@pytest.mark.rule("PRV-09")
def test_a_deletion_that_is_not_done_or_in_part_says_why(crm: CRM) -> None:
    crm.do(attrs.evolve(said(ASK), kind="delete"), by=CLERK)
    crm.do(said(CHECK), by=CLERK)
    answer = FulfilRight("C1", crm.clock.now(), "电话已删除", "变更 3", "合同期未满，姓名依法保存")
    [fulfilled] = crm.do(answer, by=CUSTODIAN).events
    assert fulfilled.erasure is None
    [told] = [e.event for e in crm.history("right/C1") if isinstance(e.event, RightFulfilled)]
    assert told.instead == "合同期未满，姓名依法保存"
    assert [t for t in crm.todo(by=CUSTODIAN) if t.what == "erasure"] == []


@pytest.mark.rule("PRV-09")
@pytest.mark.parametrize("whole", [True, False], ids=["household", "member"])
def test_the_answer_names_the_erasure_of_who_asked_and_of_nobody_else(
    crm: CRM, whole: bool
) -> None:
    """Alone or with the household; the last, where an older log has forgotten the first."""
    crm.do(attrs.evolve(said(ASK), kind="delete"), by=CLERK)
    crm.do(said(CHECK), by=CLERK)
    answer = FulfilRight("C1", crm.clock.now(), "已删除", "抹除记录")
    crm.privacy.erase("V1", TENANT, by=CUSTODIAN, purpose="asked")
    with pytest.raises(Refused) as refused:
        crm.do(answer, by=CUSTODIAN)
    assert refused.value.reason == "erasure_missing"
    crm.privacy.erase("V1", None if whole else OWNER, by=CUSTODIAN, purpose="asked")
    *_, erased = crm.log.read("erasures/company")
    [fulfilled] = crm.do(answer, by=CUSTODIAN).events
    assert fulfilled.erasure == erased.position


@pytest.mark.rule("PRV-09")
def test_the_answer_to_one_of_the_staff_names_their_erasure(crm: CRM) -> None:
    asker = Actor("S9", "operator")
    for staff in (DIRECTOR, CUSTODIAN, asker):
        crm.do(RegisterStaff(staff.id, staff.role, DAY), by=DIRECTOR)
    crm.do(AskRight("C1", "", asker.id, "delete", NINE), by=asker)
    crm.privacy.erase_staff("S9", by=CUSTODIAN, purpose="asked")
    *_, erased = crm.log.read("erasures/company")
    answer = FulfilRight("C1", crm.clock.now(), "已删除", "抹除记录")
    [fulfilled] = crm.do(answer, by=CUSTODIAN).events
    assert fulfilled.erasure == erased.position


@pytest.mark.rule("PRV-09")
def test_only_who_asks_for_deletion_waits_to_be_erased(crm: CRM) -> None:
    crm.do(said(ASK), by=CLERK)
    crm.do(said(CHECK), by=CLERK)
    assert [t.what for t in crm.todo(by=CUSTODIAN)] == ["right"]


@pytest.mark.rule("PRV-09")
@pytest.mark.rule("LOG-08")
def test_who_works_here_answers_neither_what_they_ask_for_another_nor_what_is_about_them(
    crm: CRM,
) -> None:
    crm.do(AddMember("V1", MANAGER.id, "tenant", DAY, Personal(MANAGER.id, "李明")), by=CLERK)
    for staff in (DIRECTOR, MANAGER):
        crm.do(RegisterStaff(staff.id, staff.role, DAY), by=DIRECTOR)
    guardian: dict[str, Any] = {"relation": "guardian", "evidence": "户口簿"}
    # Of their child, as the guardian; and about them, asked by an outsider.
    crm.do(AskRight("C1", "V1", TENANT, "copy", NINE, **guardian), by=MANAGER)
    guardian["outsider"] = "王小明"
    crm.do(AskRight("C2", "V1", MANAGER.id, "copy", NINE, **guardian), by=DIRECTOR)
    for case in ("C1", "C2"):
        with pytest.raises(Refused) as refused:
            crm.do(CheckIdentity(case, True, "身份证"), by=MANAGER)
        assert refused.value.reason == "own_matter"
        assert crm.do(CheckIdentity(case, True, "身份证"), by=DIRECTOR).events


@pytest.mark.rule("PRV-09")
def test_a_copy_names_no_erasure(crm: CRM) -> None:
    crm.do(said(ASK), by=CLERK)
    crm.do(said(CHECK), by=CLERK)
    crm.privacy.erase("V1", TENANT, by=CUSTODIAN, purpose="asked")
    crm.privacy.erase("V1", OWNER, by=CUSTODIAN, purpose="asked")
    answer = FulfilRight("C1", crm.clock.now(), "交付文件", "导出 7")
    [fulfilled] = crm.do(answer, by=CUSTODIAN).events
    assert fulfilled.erasure is None


@pytest.mark.rule("PRV-09")
@pytest.mark.rule("LOG-08")
def test_nobody_answers_a_case_of_their_own(crm: CRM) -> None:
    for staff in (DIRECTOR, MANAGER, CUSTODIAN):
        crm.do(RegisterStaff(staff.id, staff.role, DAY), by=DIRECTOR)
    own = AskRight("C1", "", "B1", "copy", NINE)
    crm.do(own, by=MANAGER)
    assert [t for t in crm.todo(by=MANAGER) if t.what == "right"] == []
    assert [t.subject for t in crm.todo(by=DIRECTOR) if t.what == "right"] == ["C1"]
    for answer in (
        said(CHECK),
        said(EXTEND),
        FulfilRight("C1", crm.clock.now(), "x", "x"),
        RefuseRight("C1", "law_requires", "x", crm.clock.now()),
    ):
        with pytest.raises(Refused) as refused:
            crm.do(answer, by=MANAGER)
        assert refused.value.reason == "own_matter"
    assert crm.do(FulfilRight("C1", crm.clock.now(), "x", "x"), by=DIRECTOR).events
    asked = {"relation": "guardian", "outsider": "王小明", "evidence": "户口簿"}
    stranger = AskRight("C2", "V1", "V9#owner", "copy", NINE, **asked)
    with pytest.raises(Refused) as refused:
        crm.do(stranger, by=MANAGER)
    assert refused.value.reason == "unknown_person"


@pytest.mark.rule("PRV-09")
@pytest.mark.rule("GRD-13")
def test_an_objection_to_decisions_by_rule_is_the_refusal_that_gradings_know(crm: CRM) -> None:
    objection = attrs.evolve(said(ASK), kind="object", about="automatic")
    crm.do(objection, by=CLERK)
    [refused] = [e.event for e in crm.history("grading/V1")]
    assert refused == AutomaticRefused(
        household="V1", tenure="first", refused_by=OWNER, entered_by="crm", word=WORD, on=DAY
    )
    in_person = attrs.evolve(objection, case="C2", member=TENANT, word=None)
    crm.do(in_person, by=Actor(TENANT, "user"))
    crm.do(EndRole("V1", TENANT, "tenant", DAY - DAYS, "moved out"), by=CLERK)
    gone = attrs.evolve(objection, case="C3", member=TENANT, word=Word(TENANT, "letter", "2"))
    with pytest.raises(Refused) as caught:
        crm.do(gone, by=CLERK)
    assert (caught.value.reason, caught.value.rule) == ("not_the_owner", "GRD-13")


@pytest.mark.rule("PRV-09")
@pytest.mark.rule("PRV-05")
def test_an_objection_to_a_purpose_withdraws_what_carries_it(crm: CRM) -> None:
    published(crm)
    agreed(crm)
    crm.clock.advance(HOUR)
    at = crm.clock.now()
    objection = attrs.evolve(said(ASK), kind="object", about="marketing", asked_at=at)
    crm.do(objection, by=CLERK)
    last = [e.event for e in crm.history("consents/V1")][-1]
    assert isinstance(last, ConsentWithdrawn)
    assert (last.member, last.said_at, last.word) == (OWNER, at, WORD)
    assert not crm.privacy.may_use("V1", OWNER, "marketing", by=CLERK).allowed
    # What nobody can refuse, people answer: nothing follows by itself.
    crm.do(attrs.evolve(objection, case="C2", about="payment"), by=CLERK)
    assert [e.event for e in crm.history("consents/V1")][-1] == last
    assert not [e for e in crm.history("messages/V1") if isinstance(e.event, MessageWithheld)]


@pytest.mark.rule("PRV-09")
def test_a_guardian_s_objection_counts_though_another_agreed(crm: CRM) -> None:
    published(crm)
    agreed(crm, TENANT)
    objection = AskRight(
        "C1",
        "V1",
        TENANT,
        "object",
        crm.clock.now(),
        relation="guardian",
        outsider="李明",
        evidence="户口簿",
        about="marketing",
    )
    crm.do(objection, by=CLERK)
    assert crm.privacy.may_use("V1", TENANT, "marketing", by=CLERK).reason == "withdrawn"
