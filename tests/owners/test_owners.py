"""One file per household, who held which role when, and what the file said on any day."""

from __future__ import annotations

import ast
import inspect
import re
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import count
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given as hypothesis_given

import crm_core
from crm_adapters import open_crm
from crm_core import Actor, Household, Invalid, Personal, Planned, Refused
from crm_core.application import streams
from crm_core.crm import CRM
from crm_core.gradings.facts import EVENT_NAMES
from crm_core.kernel.decider import Refusal
from crm_core.kernel.history import as_of
from crm_core.kernel.recorded import Envelope, Recorded
from crm_core.kernel.sealed import Erased, KeyMissing, Place, Plain, Sealed, Tampered
from crm_core.kernel.sentences import say, sentences
from crm_core.kernel.word import Word
from crm_core.owners import (
    HOUSEHOLD,
    AddMember,
    AgreeDebtor,
    ChangeContact,
    ConfirmConduct,
    EndRole,
    RecordCondition,
    RecordInterest,
    RegisterHousehold,
    ReleaseDebtor,
    TransferOwnership,
    decide,
    facts,
    merging,
    prospects,
    sampling,
)
from crm_core.owners.card import decide as card_decide
from crm_core.owners.card import standard
from crm_core.owners.commands import KINDS, ROLES, SOURCES
from crm_core.owners.events import (
    ConditionRecorded,
    ConductConfirmed,
    ContactChanged,
    DebtorAgreed,
    DebtorReleased,
    HouseholdRegistered,
    InterestRecorded,
    MemberAdded,
    RoleEnded,
)
from crm_core.owners.state import NoHousehold
from crm_core.owners.views import household_file
from crm_core.payments import RaiseCharge
from crm_core.requests import HandOver, ReceiveRequest
from crm_core.testing import History, check_decider, given, histories
from crm_core.testing.strategies import owner_commands, owner_openings

CLERK = Actor("S17", "specialist")
MANAGER = Actor("S3", "manager")
NOON = datetime(2011, 6, 1, 4, tzinfo=UTC)
OWNER = "V00001#owner"
BUYER = "V00001#m2"
ZHANG = Personal(OWNER, "张伟")
LI = Personal(BUYER, "李娜")
PHONE = Personal(OWNER, "13800138000")
WORD = Word(OWNER, "phone", "call 17")

REGISTER = RegisterHousehold(
    "V00001", "星河小区", "1号楼", "2单元", "301", "person", ZHANG, PHONE, date(2010, 1, 1)
)
REGISTERED = HouseholdRegistered(
    "V00001",
    "星河小区",
    "1号楼",
    "2单元",
    "301",
    "person",
    date(2010, 1, 1),
    "move_in_registration",
)
OWNER_ADDED = MemberAdded(
    "V00001", OWNER, "owner", date(2010, 1, 1), ZHANG, PHONE, "move_in_registration", "person"
)
FILE = (REGISTERED, OWNER_ADDED)

TENANT = Personal("V00001#m1", "李娜")
ADD_TENANT = AddMember("V00001", "V00001#m1", "tenant", date(2010, 3, 1), TENANT)
TENANT_ADDED = MemberAdded(
    "V00001",
    "V00001#m1",
    "tenant",
    date(2010, 3, 1),
    TENANT,
    None,
    "move_in_registration",
    "person",
)
TRANSFER = TransferOwnership("V00001", BUYER, date(2011, 6, 1), LI, reason="transfer of ownership")
OWNER_ENDED = RoleEnded(
    "V00001", OWNER, "owner", date(2011, 5, 31), "transfer of ownership", "move_in_registration"
)
BUYER_ADDED = MemberAdded(
    "V00001", BUYER, "owner", date(2011, 6, 1), LI, None, "move_in_registration", "person"
)


# --- OWN-02: persons and companies ---------------------------------------------------------------


@pytest.mark.rule("OWN-02")
def test_each_member_is_a_person_or_a_company() -> None:
    """The first owner is what the household's kind of customer says; others are told."""
    shop = attrs.evolve(REGISTER, kind="company")
    opened = (attrs.evolve(REGISTERED, kind="company"), attrs.evolve(OWNER_ADDED, kind="company"))
    given(HOUSEHOLD).when(shop).then(*opened)
    firm = attrs.evolve(ADD_TENANT, kind="company")
    given(HOUSEHOLD, *FILE).when(firm).then(attrs.evolve(TENANT_ADDED, kind="company"))
    bought = attrs.evolve(TRANSFER, kind="company")
    given(HOUSEHOLD, *FILE).when(bought).then(
        OWNER_ENDED, attrs.evolve(BUYER_ADDED, kind="company")
    )
    for command in (ADD_TENANT, TRANSFER):
        other = attrs.evolve(command, kind="club")
        given(HOUSEHOLD, *FILE).when(other).refused("unknown_member_kind")


@pytest.mark.rule("OWN-02")
def test_what_a_member_is_is_as_last_told_and_stays_when_their_number_changes() -> None:
    file = HOUSEHOLD.decider.fold((*FILE, attrs.evolve(TENANT_ADDED, kind="company")))
    assert {m.member: m.kind for m in file.members().values()} == {
        OWNER: "person", "V00001#m1": "company",
    }  # fmt: skip
    [moved] = HOUSEHOLD.decider.decide(
        ChangeContact("V00001", "V00001#m1", "new number", phone=Personal("V00001#m1", "139")), file
    )
    after = HOUSEHOLD.decider.evolve(file, moved)
    assert after.members()["V00001#m1"].kind == "company"
    # Another role of theirs says nothing of it unless it is told to.
    more = AddMember("V00001", "V00001#m1", "user", date(2010, 4, 1), TENANT)
    [added] = HOUSEHOLD.decider.decide(more, after)
    assert added.kind == "company"
    [told] = HOUSEHOLD.decider.decide(attrs.evolve(more, kind="person"), after)
    assert told.kind == "person"


# --- OWN-01: one file per household --------------------------------------------------------------


@pytest.mark.rule("OWN-01")
def test_registering_opens_a_file_with_its_first_owner() -> None:
    given(HOUSEHOLD).when(REGISTER).then(REGISTERED, OWNER_ADDED)


@pytest.mark.rule("OWN-01")
def test_a_household_can_be_registered_before_anyone_is_known() -> None:
    command = attrs.evolve(REGISTER, owner=None, phone=None, moved_in=None)
    given(HOUSEHOLD).when(command).then(attrs.evolve(REGISTERED, moved_in=None))


@pytest.mark.rule("OWN-02")
def test_an_owner_since_nobody_knows_when_is_an_owner_since_ever() -> None:
    """An unknown first day must not become the day somebody typed it in."""
    command = attrs.evolve(REGISTER, moved_in=None)
    given(HOUSEHOLD).when(command).then(
        attrs.evolve(REGISTERED, moved_in=None),
        attrs.evolve(OWNER_ADDED, since=date(1900, 1, 1)),
    )


@pytest.mark.rule("OWN-01")
def test_registering_twice_is_refused() -> None:
    given(HOUSEHOLD, *FILE).when(REGISTER).refused("household_exists", "OWN-01")
    elsewhere = attrs.evolve(REGISTER, room="302")
    given(HOUSEHOLD, *FILE).when(elsewhere).refused("household_exists", "OWN-01")


@pytest.mark.rule("OWN-01")
def test_a_place_that_has_a_file_is_refused_and_the_file_is_named() -> None:
    taken = attrs.evolve(REGISTER, household="V00002", taken_by="V00001")
    outcome = given(HOUSEHOLD).when(taken).refused("place_taken", "OWN-01")
    assert outcome.refusal is not None
    assert "`V00001`" in outcome.refusal.message
    assert outcome.refusal.details == {"household": "V00001"}


@pytest.mark.parametrize(
    "command",
    [
        ADD_TENANT,
        TRANSFER,
        EndRole("V00001", OWNER, "owner", date(2011, 1, 1), "moved out"),
        ChangeContact("V00001", OWNER, "new number", phone=PHONE),
        RecordInterest("V00001", "housekeeping", date(2011, 1, 1), WORD),
        ConfirmConduct("V00001", "bad_record", date(2011, 1, 1), "E-1", by=MANAGER),
        RecordCondition("V00001", True, "accounts of 2010", date(2011, 1, 1), by=CLERK),
        AgreeDebtor("V00001", "A1", "V00001#m1", date(2010, 4, 1), "lease 7"),
        ReleaseDebtor("V00001", "A1", date(2010, 6, 30), "moved out"),
    ],
)
@pytest.mark.rule("OWN-01")
def test_nothing_is_entered_where_there_is_no_file(command: Any) -> None:
    given(HOUSEHOLD).when(command).refused("unknown_household", "OWN-01")


@pytest.mark.rule("OWN-02")
def test_a_household_is_a_person_or_a_company() -> None:
    for kind in KINDS:
        given(HOUSEHOLD).when(attrs.evolve(REGISTER, kind=kind)).state(lambda s: s.kind in KINDS)
    command = attrs.evolve(REGISTER, kind="ship")
    given(HOUSEHOLD).when(command).refused("unknown_household_kind", "OWN-02")


# --- OWN-02: roles and their periods -------------------------------------------------------------


@pytest.mark.rule("OWN-02")
def test_members_begin_roles_beside_one_another() -> None:
    given(HOUSEHOLD, *FILE).when(ADD_TENANT).then(TENANT_ADDED).state(
        lambda file: [r.member for r in file.holding("tenant")] == ["V00001#m1"]
    ).state(lambda file: [r.member for r in file.holding("owner")] == [OWNER])


@pytest.mark.rule("OWN-02")
def test_a_role_the_method_does_not_know_is_refused() -> None:
    for role in ROLES:
        command = attrs.evolve(ADD_TENANT, role=role)
        assert given(HOUSEHOLD, *FILE).when(command).events[0].role == role
    command = attrs.evolve(ADD_TENANT, role="neighbour")
    given(HOUSEHOLD, *FILE).when(command).refused("unknown_role", "OWN-02")


@pytest.mark.rule("OWN-02")
def test_a_role_that_is_held_is_not_begun_again() -> None:
    later = attrs.evolve(ADD_TENANT, since=date(2010, 5, 1))
    given(HOUSEHOLD, *FILE, TENANT_ADDED).when(later).refused("role_held", "OWN-02")


@pytest.mark.rule("OWN-02")
def test_a_role_that_ended_can_begin_again_and_both_periods_stay() -> None:
    end = EndRole("V00001", "V00001#m1", "tenant", date(2010, 8, 31), "moved out")
    again = attrs.evolve(ADD_TENANT, since=date(2011, 3, 1))
    outcome = given(HOUSEHOLD, *FILE, TENANT_ADDED).when(end, again)
    assert [(r.since, r.until) for r in outcome.after.roles() if r.role == "tenant"] == [
        (date(2010, 3, 1), date(2010, 8, 31)),
        (date(2011, 3, 1), None),
    ]


@pytest.mark.rule("OWN-02")
def test_a_period_that_ended_is_not_entered_a_second_time() -> None:
    """An accepted entry that changed nothing would be a role that nobody holds."""
    end = EndRole("V00001", "V00001#m1", "tenant", date(2010, 8, 31), "moved out")
    given(HOUSEHOLD, *FILE, TENANT_ADDED).when(end, ADD_TENANT).refused("role_held", "OWN-02")
    sold = (*FILE, OWNER_ENDED, BUYER_ADDED)
    back = TransferOwnership(
        "V00001", OWNER, date(2010, 1, 1), ZHANG, reason="transfer of ownership"
    )
    given(HOUSEHOLD, *sold).when(back).refused("role_held", "OWN-02")


@pytest.mark.rule("OWN-02")
def test_no_day_of_a_role_is_held_twice_in_whatever_order_its_times_arrive() -> None:
    end = EndRole("V00001", "V00001#m1", "tenant", date(2010, 8, 31), "moved out")
    left = (*FILE, TENANT_ADDED, *given(HOUSEHOLD, *FILE, TENANT_ADDED).when(end).events)
    overlapping = (
        # Within the time that is known, on its last day, and around it.
        attrs.evolve(ADD_TENANT, since=date(2010, 5, 1)),
        attrs.evolve(ADD_TENANT, since=date(2010, 8, 31)),
        attrs.evolve(ADD_TENANT, since=date(2010, 1, 1)),
        attrs.evolve(ADD_TENANT, since=date(2010, 1, 1), until=date(2010, 3, 1), reason="left"),
        attrs.evolve(ADD_TENANT, since=date(2010, 4, 1), until=date(2010, 5, 1), reason="left"),
    )
    for command in overlapping:
        given(HOUSEHOLD, *left).when(command).refused("role_held", "OWN-02")
    for command in (
        attrs.evolve(ADD_TENANT, since=date(2010, 9, 1)),
        attrs.evolve(ADD_TENANT, member="V00001#m2", name=LI, since=date(2010, 5, 1)),
        attrs.evolve(ADD_TENANT, role="user", since=date(2010, 5, 1)),
    ):
        assert given(HOUSEHOLD, *left).when(command).events


@pytest.mark.rule("OWN-02")
def test_a_time_that_was_over_before_is_entered_late_with_its_end_and_ends_no_other() -> None:
    """The tenant of today was one two years ago as well: that comes to light now."""
    late = attrs.evolve(
        ADD_TENANT, since=date(2009, 1, 1), until=date(2009, 6, 30), reason="old lease found"
    )
    outcome = given(HOUSEHOLD, *FILE, TENANT_ADDED).when(late)
    assert [(r.since, r.until) for r in outcome.after.roles() if r.role == "tenant"] == [
        (date(2010, 3, 1), None),
        (date(2009, 1, 1), date(2009, 6, 30)),
    ]
    [began, ended] = outcome.events
    assert (began.since, ended.until, ended.reason) == (
        date(2009, 1, 1), date(2009, 6, 30), "old lease found",
    )  # fmt: skip
    open_end = attrs.evolve(late, until=None)
    given(HOUSEHOLD, *FILE, TENANT_ADDED).when(open_end).refused("role_held", "OWN-02")
    unsaid = attrs.evolve(late, reason=" ")
    given(HOUSEHOLD, *FILE, TENANT_ADDED).when(unsaid).refused("reason_missing", "LOG-06")
    reversed_ = attrs.evolve(late, until=date(2008, 1, 1))
    given(HOUSEHOLD, *FILE, TENANT_ADDED).when(reversed_).refused(
        "role_ends_before_it_begins", "OWN-02"
    )


@pytest.mark.rule("OWN-02")
def test_a_buyer_who_owned_before_does_not_own_a_day_twice() -> None:
    """Ownership of theirs that ends ahead is not begun again before it has ended."""
    leaving = EndRole("V00001", OWNER, "owner", date(2011, 6, 30), "sells in July")
    back = TransferOwnership("V00001", OWNER, date(2011, 6, 1), ZHANG, reason="bought back")
    given(HOUSEHOLD, *FILE).when(leaving, back).refused("role_held", "OWN-02")


@pytest.mark.rule("OWN-02")
def test_who_ends_a_role_or_transfers_a_household_says_why() -> None:
    for blank in ("", " "):
        end = EndRole("V00001", "V00001#m1", "tenant", date(2010, 8, 31), blank)
        given(HOUSEHOLD, *FILE, TENANT_ADDED).when(end).refused("reason_missing", "LOG-06")
        sale = attrs.evolve(TRANSFER, reason=blank)
        given(HOUSEHOLD, *FILE).when(sale).refused("reason_missing", "LOG-06")
    with pytest.raises(TypeError):
        TransferOwnership("V00001", BUYER, date(2011, 6, 1), LI)  # type: ignore[call-arg]


@pytest.mark.rule("OWN-02")
def test_the_same_end_told_again_changes_nothing() -> None:
    end = EndRole("V00001", "V00001#m1", "tenant", date(2010, 8, 31), "moved out")
    gone = (*FILE, TENANT_ADDED, *given(HOUSEHOLD, *FILE, TENANT_ADDED).when(end).events)
    assert given(HOUSEHOLD, *gone).when(end).events == ()


@pytest.mark.rule("OWN-02")
def test_a_role_ends_on_its_last_day_and_is_held_on_it() -> None:
    end = EndRole("V00001", "V00001#m1", "tenant", date(2010, 8, 31), "moved out")
    given(HOUSEHOLD, *FILE, TENANT_ADDED).when(end).then(
        RoleEnded(
            "V00001",
            "V00001#m1",
            "tenant",
            date(2010, 8, 31),
            "moved out",
            "move_in_registration",
        )
    ).state(lambda file: len(file.holding("tenant", date(2010, 8, 31))) == 1).state(
        lambda file: not file.holding("tenant", date(2010, 9, 1))
    ).state(lambda file: not file.holding("tenant", date(2010, 2, 28)))


@pytest.mark.rule("OWN-02")
def test_a_role_that_is_not_held_cannot_end() -> None:
    end = EndRole("V00001", "V00001#m1", "tenant", date(2010, 8, 31), "moved out")
    given(HOUSEHOLD, *FILE).when(end).refused("role_not_held", "OWN-02")
    other_day = attrs.evolve(end, until=date(2010, 8, 30))
    given(HOUSEHOLD, *FILE, TENANT_ADDED).when(end, other_day).refused("role_not_held", "OWN-02")
    other = attrs.evolve(end, role="agent")
    given(HOUSEHOLD, *FILE, TENANT_ADDED).when(other).refused("role_not_held", "OWN-02")


@pytest.mark.rule("OWN-02")
def test_a_role_does_not_end_before_it_begins() -> None:
    first = EndRole("V00001", "V00001#m1", "tenant", date(2010, 3, 1), "one day only")
    given(HOUSEHOLD, *FILE, TENANT_ADDED).when(first).state(
        lambda file: len(file.holding("tenant", date(2010, 3, 1))) == 1
    )
    early = attrs.evolve(first, until=date(2010, 2, 28))
    given(HOUSEHOLD, *FILE, TENANT_ADDED).when(early).refused(
        "role_ends_before_it_begins", "OWN-02"
    )


@pytest.mark.rule("OWN-02")
def test_a_transfer_ends_all_ownership_the_day_before_and_begins_another() -> None:
    co_owner = MemberAdded(
        "V00001", "V00001#m3", "co_owner", date(2010, 2, 1), LI, None, "phone", "person"
    )
    co_ended = attrs.evolve(OWNER_ENDED, member="V00001#m3", role="co_owner")
    given(HOUSEHOLD, *FILE, TENANT_ADDED, co_owner).when(TRANSFER).then(
        OWNER_ENDED, co_ended, BUYER_ADDED
    ).state(lambda file: [r.member for r in file.holding("owner")] == [BUYER]).state(
        lambda file: not file.holding("co_owner")
    ).state(lambda file: len(file.holding("tenant")) == 1).state(
        lambda file: len(file.roles()) == 4
    )


@pytest.mark.rule("OWN-02")
def test_a_transfer_to_an_owner_is_refused() -> None:
    command = attrs.evolve(TRANSFER, member=OWNER, name=ZHANG)
    given(HOUSEHOLD, *FILE).when(command).refused("already_owner", "OWN-02")


@pytest.mark.rule("OWN-02")
def test_a_transfer_on_the_first_day_of_an_ownership_is_refused() -> None:
    """It would end the day before it began."""
    command = attrs.evolve(TRANSFER, on=date(2010, 1, 1))
    given(HOUSEHOLD, *FILE).when(command).refused("role_ends_before_it_begins", "OWN-02")
    command = attrs.evolve(TRANSFER, on=date(2010, 1, 2))
    given(HOUSEHOLD, *FILE).when(command).state(
        lambda file: [r.until for r in file.roles() if r.member == OWNER] == [date(2010, 1, 1)]
    )


@pytest.mark.rule("LOG-06", "OWN-02")
def test_a_contact_is_corrected_with_a_reason_and_the_earlier_one_stays() -> None:
    new = Personal(OWNER, "13900139000")
    command = ChangeContact("V00001", OWNER, "number changed", phone=new)
    given(HOUSEHOLD, *FILE).when(command).then(
        ContactChanged("V00001", OWNER, None, new, "number changed", "phone")
    ).state(lambda file: file.members()[OWNER].phone == new).state(
        lambda file: file.members()[OWNER].name == ZHANG
    ).state(lambda file: [m.phone for m in file.contacts.values()] == [PHONE, new])
    renamed = ChangeContact("V00001", OWNER, "misspelt", name=Personal(OWNER, "章伟"))
    given(HOUSEHOLD, *FILE).when(renamed).state(lambda file: file.members()[OWNER].phone == PHONE)


def test_a_correction_needs_a_reason_a_member_and_something_to_correct() -> None:
    file = given(HOUSEHOLD, *FILE)
    silent = ChangeContact("V00001", OWNER, "", phone=PHONE)
    file.when(silent).refused("reason_missing", "LOG-06")
    stranger = ChangeContact("V00001", "V00001#m9", "typo", phone=PHONE)
    file.when(stranger).refused("unknown_member", "OWN-02")
    file.when(ChangeContact("V00001", OWNER, "typo")).nothing()


@pytest.mark.rule("GRD-02")
def test_an_interest_is_kept_with_a_consent_and_once() -> None:
    command = RecordInterest("V00001", "housekeeping", date(2011, 5, 1), WORD)
    given(HOUSEHOLD, *FILE).when(command, command).then(
        InterestRecorded("V00001", "housekeeping", date(2011, 5, 1), WORD, "phone")
    ).state(lambda file: list(file.interests.values()) == [WORD])
    next_day = attrs.evolve(command, on=date(2011, 5, 2))
    assert len(given(HOUSEHOLD, *FILE).when(command, next_day).events) == 2


@pytest.mark.rule("GRD-02", "LOG-08")
@pytest.mark.parametrize(
    ("word", "code"),
    [
        (attrs.evolve(WORD, reference=""), "evidence_missing"),
        (attrs.evolve(WORD, member=""), "evidence_missing"),
        (attrs.evolve(WORD, channel="hearsay"), "unknown_channel"),
        (attrs.evolve(WORD, member="V00002#owner"), "not_a_member"),
        (attrs.evolve(WORD, member=CLERK.id), "word_of_staff"),
    ],
)
def test_a_consent_is_the_word_of_a_member_on_record_and_never_that_of_staff(
    word: Word, code: str
) -> None:
    command = RecordInterest("V00001", "housekeeping", date(2011, 5, 1), word)
    with open_crm("memory:") as crm:
        crm.do(REGISTER, by=CLERK)
        before = crm.log.head()
        with pytest.raises(Refused) as refused:
            crm.do(command, by=CLERK)
        assert (refused.value.reason, refused.value.rule) == (code, "LOG-08")
        assert crm.log.head() == before
        with pytest.raises(Invalid) as invalid:
            crm.do(attrs.evolve(command, word=None), by=CLERK)
        assert [fault.where for fault in invalid.value.faults] == ["RecordInterest.word"]
        assert crm.do(attrs.evolve(command, word=WORD), by=CLERK).events


@pytest.mark.rule("GRD-02")
def test_conduct_is_confirmed_with_evidence_and_once() -> None:
    command = ConfirmConduct("V00001", "disturbance", date(2011, 5, 1), "E-1", by=MANAGER)
    file = given(HOUSEHOLD, *FILE)
    file.when(command, command).then(
        ConductConfirmed("V00001", "disturbance", date(2011, 5, 1), "E-1", "S3")
    )
    file.when(attrs.evolve(command, kind="bad_record")).state(lambda state: len(state.conduct) == 1)
    file.when(attrs.evolve(command, evidence="")).refused("evidence_missing", "GRD-02")
    file.when(attrs.evolve(command, kind="rudeness")).refused("unknown_conduct", "GRD-02")


@pytest.mark.rule("GRD-02", "LOG-08")
def test_conduct_is_confirmed_by_the_manager_or_director_who_acts() -> None:
    command = ConfirmConduct("V00001", "disturbance", date(2011, 5, 1), "E-1")
    with open_crm("memory:") as crm:
        crm.do(REGISTER, by=CLERK)
        for role in ("specialist", "supervisor", "host", "system", "auditor"):
            with pytest.raises(Refused) as refused:
                crm.do(command, by=Actor("S3", role))
            assert (refused.value.reason, refused.value.rule) == ("role_insufficient", "LOG-08")
        assert crm.do(command, by=MANAGER).events[0].confirmed_by == "S3"
        director = attrs.evolve(command, kind="bad_record")
        assert crm.do(director, by=Actor("S1", "director")).events[0].confirmed_by == "S1"


@pytest.mark.rule("GRD-02", "LOG-08")
def test_no_word_of_a_manager_makes_a_supervisor_one() -> None:
    """Who confirms is who acts: naming a manager, in whichever argument, is not acting as one."""
    supervisor = Actor("U1", "supervisor")
    command = ConfirmConduct("V00001", "disturbance", date(2011, 5, 1), "confirmed by manager:S3")
    with open_crm("memory:") as crm:
        crm.do(REGISTER, by=CLERK)
        before = crm.log.head()
        for said in (command, attrs.evolve(command, evidence="S3")):
            with pytest.raises(Refused) as refused:
                crm.do(said, by=supervisor, purpose="for manager:S3")
            assert refused.value.details["accepted"] == ["manager", "director"]
        with pytest.raises(Invalid) as invalid:
            crm.do(attrs.evolve(command, by=MANAGER), by=supervisor)
        assert [fault.code for fault in invalid.value.faults] == ["looked_up"]
        told: list[str] = []
        crm.batch(
            [Planned(command, "c1", NOON)],
            by=supervisor,
            on_refusal=lambda _, refusal: told.append(refusal.code),
        )
        assert told == ["role_insufficient"]
        assert crm.log.head() == before
        # Whoever is named in it: the evidence of a manager may be a supervisor's report.
        reported = attrs.evolve(command, evidence="report of supervisor:U1")
        [confirmed] = crm.do(reported, by=MANAGER).events
        assert (confirmed.confirmed_by, confirmed.evidence) == ("S3", "report of supervisor:U1")


# --- GRD-05: how the business of a commercial customer stands ------------------------------------

COMPANY = attrs.evolve(REGISTERED, kind="company")
SOUND = RecordCondition("V00001", True, "accounts of 2010", date(2011, 5, 1), by=CLERK)
FOUND_SOUND = ConditionRecorded("V00001", True, "accounts of 2010", date(2011, 5, 1), "S17")


@pytest.mark.rule("GRD-05")
def test_a_condition_is_recorded_with_what_it_was_seen_by_and_once() -> None:
    file = given(HOUSEHOLD, COMPANY)
    again = attrs.evolve(SOUND, by=MANAGER)
    file.when(SOUND, again).then(FOUND_SOUND).state(lambda state: state.condition() == FOUND_SOUND)
    for nothing in ("", "  "):
        file.when(attrs.evolve(SOUND, evidence=nothing)).refused("evidence_missing", "GRD-05")


@pytest.mark.rule("GRD-05")
def test_only_a_commercial_customer_has_one() -> None:
    assert [kind for kind in KINDS if _has_a_condition(kind)] == ["company"]
    given(HOUSEHOLD, *FILE).when(SOUND).refused("not_commercial", "GRD-05")


def _has_a_condition(kind: str) -> bool:
    file = given(HOUSEHOLD, attrs.evolve(REGISTERED, kind=kind))
    return file.when(SOUND).refusal is None


@pytest.mark.rule("GRD-05", "PAY-03")
def test_the_latest_look_up_to_a_day_holds_and_of_one_day_the_one_told_last() -> None:
    worse = attrs.evolve(SOUND, sound=False, evidence="visit 7", on=date(2011, 8, 1))
    late = attrs.evolve(SOUND, sound=False, evidence="visit 3", on=date(2011, 3, 1))
    outcome = given(HOUSEHOLD, COMPANY).when(SOUND, worse, late)
    file = outcome.after
    days = [date(2011, 2, 28), late.on, SOUND.on, date(2011, 7, 31), worse.on, None]
    seen = [file.condition(day) for day in days]
    assert [one and one.evidence for one in seen] == [
        *(None, "visit 3", "accounts of 2010", "accounts of 2010", "visit 7", "visit 7"),
    ]
    corrected = attrs.evolve(SOUND, sound=False)
    taken_back = given(HOUSEHOLD, COMPANY).when(SOUND, corrected, SOUND)
    assert [event.sound for event in taken_back.events] == [True, False, True]
    assert taken_back.after.condition().sound


@pytest.mark.rule("GRD-05", "LOG-08")
def test_it_is_recorded_by_the_desk_and_never_of_a_day_to_come() -> None:
    said = attrs.evolve(SOUND, by=None)
    with open_crm("memory:") as crm:
        crm.do(attrs.evolve(REGISTER, kind="company"), by=CLERK)
        for role in ("sales", "finance", "operator", "custodian", "host"):
            with pytest.raises(Refused) as refused:
                crm.do(said, by=Actor("X1", role))
            assert refused.value.reason == "role_insufficient"
        ahead = attrs.evolve(said, on=date(2149, 1, 1))
        with pytest.raises(Invalid, match=r"RecordCondition\.on"):
            crm.do(ahead, by=CLERK)
        assert crm.do(said, by=CLERK).events == (FOUND_SOUND,)


@pytest.mark.rule("GRD-05", "GRD-15")
def test_no_grading_sees_it() -> None:
    assert {"owners.condition_recorded/1"} == facts.CONDITION_NAMES
    assert not facts.CONDITION_NAMES & (facts.FACT_NAMES | EVENT_NAMES)


# --- OWN-05: where an item comes from, and one data standard -------------------------------------

WITH_SOURCE = [
    REGISTER,
    ADD_TENANT,
    TRANSFER,
    EndRole("V00001", OWNER, "owner", date(2011, 1, 1), "moved out"),
    ChangeContact("V00001", OWNER, "new number", phone=PHONE),
    RecordInterest("V00001", "housekeeping", date(2011, 1, 1), WORD),
]


@pytest.mark.parametrize("command", WITH_SOURCE, ids=lambda command: type(command).__name__)
@pytest.mark.rule("OWN-05")
def test_every_entry_says_from_which_channel_it_came(command: Any) -> None:
    file = given(HOUSEHOLD, *([] if command is REGISTER else FILE))
    for source in SOURCES:
        outcome = file.when(attrs.evolve(command, source=source))
        assert {event.source for event in outcome.events} == {source}
    file.when(attrs.evolve(command, source="hearsay")).refused("unknown_source", "OWN-05")


def test_all_commands_with_a_source_are_tried_above() -> None:
    with_source = {cls for cls in HOUSEHOLD.commands if "source" in attrs.fields_dict(cls)}
    assert {type(command) for command in WITH_SOURCE} == with_source


@pytest.mark.rule("OWN-05")
def test_every_entry_says_who_made_it_and_when() -> None:
    at = datetime(2010, 1, 2, 3, 4, 5, tzinfo=UTC)
    with open_crm("memory:") as crm:
        crm.do(REGISTER, by=CLERK, at=at)
        for recorded in crm.history("V00001"):
            assert recorded.envelope.actor == "specialist:S17"
            assert recorded.recorded == at


@pytest.mark.parametrize(
    ("command", "where"),
    [
        (attrs.evolve(REGISTER, room="301\u202e"), ["room"]),
        (attrs.evolve(REGISTER, room="301\u200b", unit="\x00"), ["unit", "room"]),
        (attrs.evolve(REGISTER, estate="\ud800"), ["estate"]),
        (attrs.evolve(REGISTER, building="x" * 9000), ["building"]),
        (attrs.evolve(REGISTER, moved_in=datetime(2010, 1, 1, tzinfo=UTC)), ["moved_in"]),
        (attrs.evolve(REGISTER, moved_in="2010-01-01"), ["moved_in"]),
        (attrs.evolve(REGISTER, owner="张伟"), ["owner"]),
        (attrs.evolve(REGISTER, owner=Personal("a/b", "x"), room=7), ["room", "owner"]),
        (attrs.evolve(REGISTER, phone=Personal(OWNER, "\ud800")), ["phone"]),
        (RaiseCharge("V00001", "C1", "parking", "2011", True, date(2011, 1, 1)), ["amount_fen"]),
        (RaiseCharge("V00001", "C1", "parking", "2011", 10.5, date(2011, 1, 1)), ["amount_fen"]),
        (RaiseCharge("V00001", "C1", "parking", "2011", 2**60, date(2011, 1, 1)), ["amount_fen"]),
        (
            ReceiveRequest(
                "R1",
                "V00001",
                "phone",
                "repair",
                "cleaning",
                "major",
                "x",
                datetime(2011, 1, 1),  # noqa: DTZ001 - without an offset: the point
                "S1",
            ),
            ["received_at"],
        ),
    ],
)
@pytest.mark.rule("OWN-05")
def test_what_the_log_could_not_give_back_is_refused_before_it_is_written(
    command: Any, where: list[str]
) -> None:
    """Every fault is named by its field, and none of the values is repeated."""
    with open_crm("memory:") as crm:
        other = attrs.evolve(REGISTER, household="V00009", room="999", owner=None, phone=None)
        crm.do(other, by=CLERK)
        before = crm.log.head()
        with pytest.raises(Invalid) as refused:
            crm.do(command, by=CLERK)
        name = type(command).__name__
        assert [fault.where for fault in refused.value.faults] == [f"{name}.{w}" for w in where]
        assert "张伟" not in str(refused.value.as_dict())
        assert crm.log.head() == before
        assert len(list(crm.log.feed())) == before


@pytest.mark.rule("OWN-05")
def test_an_instant_is_the_same_entry_from_whatever_zone_it_comes() -> None:
    """What is stored does not depend on the offset it was typed with."""
    found = []
    for zone in (UTC, timezone(timedelta(hours=8))):
        with open_crm("memory:") as crm:
            at = datetime(2011, 3, 1, 1, 0, tzinfo=UTC)
            crm.do(attrs.evolve(REGISTER, owner=None, phone=None), by=CLERK, id="1", at=at)
            crm.do(
                ReceiveRequest(
                    "R1",
                    "V00001",
                    "phone",
                    "repair",
                    "cleaning",
                    "major",
                    "x",
                    at.astimezone(zone),
                    "S1",
                ),
                by=CLERK,
                id="2",
                at=at.astimezone(zone),
            )
            told = crm.host.texts.each(crm.log.feed())
            found.append([(e.event, e.effective, e.recorded) for e in told])
    assert found[0] == found[1]


@pytest.mark.parametrize("identity", ["", "a/b", "V 1", "V00001 ", "Ｖ00001", "../x", "x" * 65])
@pytest.mark.rule("OWN-05")
def test_an_id_that_could_be_mistaken_for_another_is_refused(identity: str) -> None:
    with open_crm("memory:") as crm, pytest.raises(Invalid):
        crm.do(attrs.evolve(REGISTER, household=identity), by=CLERK)


# --- OWN-01 at the facade ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spelling",
    [
        {},
        {"building": "１号楼"},
        {"building": " 1 号楼", "room": "301 "},
        {"unit": "2\u3000单元"},
        {"estate": "星河/小区"},
        {"room": "３０１"},
    ],
)
@pytest.mark.rule("OWN-01")
def test_a_place_has_one_file_however_it_is_typed(spelling: dict[str, str]) -> None:
    with open_crm("memory:") as crm:
        crm.do(REGISTER, by=CLERK)
        other = attrs.evolve(REGISTER, household="V00002", owner=None, phone=None, **spelling)
        before = crm.log.head()
        with pytest.raises(Refused, match="household `V00001`") as refused:
            crm.do(other, by=CLERK)
        assert refused.value.reason == "place_taken"
        assert refused.value.rule == "OWN-01"
        assert refused.value.details == {"household": "V00001"}
        assert crm.log.head() == before
        assert crm.get(Household, "V00002") is None


@pytest.mark.rule("OWN-01")
def test_letter_case_makes_no_other_place_and_another_room_does() -> None:
    with open_crm("memory:") as crm:
        crm.do(attrs.evolve(REGISTER, room="3a"), by=CLERK)
        with pytest.raises(Refused, match="V00001"):
            crm.do(attrs.evolve(REGISTER, household="V00002", room="3A"), by=CLERK)
        for number, change in enumerate(
            ({"room": "3b"}, {"unit": "3单元"}, {"building": "2号楼"}, {"estate": "月河"}), 3
        ):
            other = {"household": f"V0000{number}", "owner": None, "phone": None}
            crm.do(attrs.evolve(REGISTER, **other | change), by=CLERK)
        assert crm.get(Household, "V00006") is not None


@pytest.mark.rule("OWN-01")
def test_the_place_is_claimed_together_with_the_registration() -> None:
    with open_crm("memory:") as crm:
        receipt = crm.do(REGISTER, by=CLERK)
        assert receipt.version == 2
        assert receipt.position == 3
        names = [(e.stream, e.name) for e in crm.log.feed()]
        assert names[2] == ("place/星河小区/1号楼/2单元/301", "owners.place_claimed/1")


# --- OWN-10: the file of any day, as known at any instant ----------------------------------------

BOUGHT = datetime(2010, 1, 5, 1, 0, tzinfo=UTC)
TOLD = datetime(2011, 6, 20, 1, 0, tzinfo=UTC)
A_SECOND = timedelta(seconds=1)


@pytest.fixture(scope="module")
def sold() -> Any:
    """A flat sold on 1 June 2011, of which the company heard on 20 June."""
    with open_crm("memory:") as crm:
        crm.do(REGISTER, by=CLERK, at=BOUGHT)
        crm.do(TRANSFER, by=CLERK, at=TOLD)
        yield crm


@pytest.mark.parametrize(
    ("on", "known", "owner"),
    [
        (date(2009, 12, 31), None, None),
        (date(2010, 1, 1), None, OWNER),
        (date(2011, 5, 31), None, OWNER),
        (date(2011, 6, 1), None, BUYER),
        (date(2012, 1, 1), None, BUYER),
        (None, None, BUYER),
        (date(2011, 5, 31), TOLD - A_SECOND, OWNER),
        (date(2011, 6, 1), TOLD - A_SECOND, OWNER),
        (date(2012, 1, 1), TOLD - A_SECOND, OWNER),
        (None, TOLD - A_SECOND, OWNER),
        (date(2011, 5, 31), TOLD, OWNER),
        (date(2011, 6, 1), TOLD, BUYER),
        (date(2010, 1, 1), BOUGHT, OWNER),
        (date(2010, 1, 1), BOUGHT - A_SECOND, None),
        (None, BOUGHT - A_SECOND, None),
    ],
)
@pytest.mark.rule("OWN-10")
def test_who_owned_it_on_a_day_as_known_at_an_instant(
    sold: CRM, on: date | None, known: datetime | None, owner: str | None
) -> None:
    """Two questions, asked alone or at once; the day and the instant themselves are included."""
    file = sold.get(Household, "V00001", on=on, known=known)
    if owner is None:
        assert file is None
    else:
        assert file is not None
        assert [role.member for role in file.holding("owner", on)] == [owner]


@pytest.mark.rule("OWN-10")
def test_an_owner_since_before_the_file_is_not_lost() -> None:
    """The role began before the file did; the file of any later day still has it."""
    with open_crm("memory:") as crm:
        crm.do(attrs.evolve(REGISTER, moved_in=None), by=CLERK, at=BOUGHT)
        early = attrs.evolve(ADD_TENANT, since=date(2009, 6, 1))
        crm.do(early, by=CLERK, at=TOLD)
        for day in (date(2010, 1, 5), date(2011, 1, 1), date(2030, 1, 1)):
            file = crm.get(Household, "V00001", on=day)
            assert file is not None
            assert [role.member for role in file.holding("owner", day)] == [OWNER]
            assert len(file.holding("tenant", day)) == 1
        assert crm.get(Household, "V00001", on=date(2010, 1, 4)) is None


@pytest.mark.rule("OWN-10")
def test_a_period_learnt_of_late_is_not_ended_by_an_earlier_end() -> None:
    """What was ended is what was known then, not what was entered about earlier days since."""
    with open_crm("memory:") as crm:
        crm.do(REGISTER, by=CLERK, at=BOUGHT)
        crm.do(ADD_TENANT, by=CLERK, at=BOUGHT)
        crm.do(EndRole("V00001", "V00001#m1", "tenant", date(2010, 8, 31), "x"), by=CLERK, at=TOLD)
        before = {"since": date(2010, 1, 10), "until": date(2010, 2, 10), "reason": "old lease"}
        crm.do(attrs.evolve(ADD_TENANT, **before), by=CLERK, at=TOLD)
        today = crm.get(Household, "V00001")
        later = crm.get(Household, "V00001", on=date(2030, 1, 1))
        assert today is not None
        assert later is not None
        assert later.roles() == today.roles()
        assert later.holding("tenant") == []
        for day, held in (("2010-02-10", 1), ("2010-02-11", 0), ("2010-03-01", 1)):
            on = date.fromisoformat(day)
            then = crm.get(Household, "V00001", on=on)
            assert then is not None
            assert len(then.holding("tenant", on)) == held


@hypothesis_given(histories(HOUSEHOLD, owner_commands(), opening=owner_openings()))
@pytest.mark.rule("OWN-10")
def test_the_file_of_a_day_after_everything_is_the_file(history: History) -> None:
    """Asking for a late day and a late instant is asking for nothing special."""
    at = count()
    recorded = [
        Recorded(
            version,
            "household/V00001",
            version,
            "",
            "V00001",
            "",
            Envelope(
                "x:y",
                "c",
                event,
                next(
                    (
                        getattr(event, name)
                        for name in ("since", "until", "on", "moved_in")
                        if getattr(event, name, None)
                    ),
                    date(2010, 1, 3),
                ),
                BOUGHT + timedelta(hours=next(at)),
            ),
        )
        for version, event in enumerate(history.events, 1)
    ]
    whole = HOUSEHOLD.decider.fold(history.events)
    late = datetime(2100, 1, 1, tzinfo=UTC)
    assert as_of(HOUSEHOLD.decider, recorded, on=date(2100, 1, 1), known=late) == whole
    assert as_of(HOUSEHOLD.decider, recorded) == whole
    assert as_of(HOUSEHOLD.decider, recorded, on=date(1800, 1, 1)) == NoHousehold()
    for index, one in enumerate(recorded):
        then = as_of(HOUSEHOLD.decider, recorded, known=one.recorded)
        assert then == HOUSEHOLD.decider.fold(history.events[: index + 1])


def test_the_file_as_people_read_it() -> None:
    """The view has every part of the file, and shows of persons only what the reader may see."""
    state = HOUSEHOLD.decider.fold([*FILE, OWNER_ENDED, BUYER_ADDED])
    shown = household_file(state, lambda value: None if value is None else value.subject)
    assert shown == {
        "household": "V00001",
        "estate": "星河小区",
        "building": "1号楼",
        "unit": "2单元",
        "room": "301",
        "kind": "person",
        "moved_in": "2010-01-01",
        "source": "move_in_registration",
        "roles": [
            {
                "member": OWNER,
                "kind": "person",
                "role": "owner",
                "since": "2010-01-01",
                "until": "2011-05-31",
                "source": "move_in_registration",
                "name": OWNER,
                "phone": OWNER,
            },
            {
                "member": BUYER,
                "kind": "person",
                "role": "owner",
                "since": "2011-06-01",
                "until": None,
                "source": "move_in_registration",
                "name": BUYER,
                "phone": None,
            },
        ],
        "interests": [],
        "conduct": [],
    }


# --- PRV-03: sealed values -----------------------------------------------------------------------


@pytest.mark.rule("PRV-03")
def test_no_stored_byte_tells_a_name_or_a_number() -> None:
    """Whoever holds the rows and not the keys learns whom a value is about, and nothing more."""
    new = Personal(BUYER, "+86 139-0013-9000")
    with open_crm("memory:") as crm:
        crm.do(REGISTER, by=CLERK, purpose="moving in")
        crm.do(TRANSFER, by=CLERK)
        crm.do(ChangeContact("V00001", BUYER, "told us", phone=new), by=CLERK)
        stored = b"\n".join(
            b"\n".join(part if isinstance(part, bytes) else str(part).encode() for part in row)
            for row in crm.log.store.raw()
        )
        outcomes = repr(crm.log.outcomes([e.envelope.command for e in crm.log.feed()]))
        shown = stored.decode() + outcomes
        for value in (ZHANG, LI, PHONE, new):
            text = value.reveal()
            for form in (text, repr(text.encode()), text.encode("unicode_escape").decode()):
                assert form not in shown
            assert value.subject in shown
        assert "星河小区" in shown


@pytest.mark.rule("PRV-03")
def test_a_sealed_value_opens_in_its_own_place_alone() -> None:
    with open_crm("memory:") as crm:
        crm.do(REGISTER, by=CLERK)
        added = list(crm.history("household/V00001"))[1]
        value = added.event.name
        assert isinstance(value, Sealed)
        place = Place("household/V00001", 2, "name")
        assert crm.host.vault.open(value, place) == Plain("张伟")
        for other in (
            attrs.evolve(place, stream="household/V00002"),
            attrs.evolve(place, version=1),
            attrs.evolve(place, field="phone"),
        ):
            assert crm.host.vault.open(value, other) == Tampered()
        crm.do(attrs.evolve(TRANSFER), by=CLERK)
        stranger = attrs.evolve(value, subject=BUYER)
        assert crm.host.vault.open(stranger, place) == Tampered()
        assert crm.host.vault.open(attrs.evolve(value, token=value.token[:-4]), place) == Tampered()
        assert crm.host.vault.open(attrs.evolve(value, subject="V9#owner"), place) == KeyMissing()
        crm.host.vault.erase(OWNER)
        assert crm.host.vault.open(value, place) == Erased()
        assert crm.verify().intact


@pytest.mark.rule("PRV-03")
def test_a_look_at_a_personal_value_needs_a_purpose() -> None:
    with open_crm("memory:") as crm:
        crm.do(REGISTER, by=CLERK)
        for look in (crm.reveal, crm.owners.opened):
            with pytest.raises(Invalid) as refused:
                look("V00001", OWNER, "name", by=CLERK, purpose="")
            assert [fault.code for fault in refused.value.faults] == ["purpose_missing"]
        assert crm.reveal("V00001", OWNER, "name", by=CLERK, purpose="return visit") == "张伟"
        assert crm.owners.opened("V00001", OWNER, "phone", by=CLERK, purpose="a call") == Plain(
            "13800138000"
        )


@pytest.mark.rule("PRV-03")
@pytest.mark.parametrize(
    ("household", "member", "field", "code"),
    [
        ("V00001", "V00001#m9", "name", "member_unknown"),
        ("V00009", OWNER, "name", "member_unknown"),
        ("V00001", OWNER, "token", "field_unknown"),
        ("V00001", OWNER, "member", "field_unknown"),
        ("V00001", OWNER, "", "field_unknown"),
    ],
)
def test_a_look_names_a_member_of_the_file_and_a_personal_field(
    household: str, member: str, field: str, code: str
) -> None:
    with open_crm("memory:") as crm:
        crm.do(REGISTER, by=CLERK)
        with pytest.raises(Invalid) as refused:
            crm.owners.opened(household, member, field, by=CLERK, purpose="a letter")
        assert [fault.code for fault in refused.value.faults] == [code]


@pytest.mark.rule("PRV-03")
def test_the_place_of_a_value_is_found_by_itself_wherever_it_was_told_last() -> None:
    """Among other members, after corrections of one part, and after the member has left."""
    looks: list[tuple[str, str, str]] = []
    with open_crm("memory:") as crm:

        def seen(member: str, field: str) -> str:
            looks.append(("V00001", member, field))
            return crm.reveal("V00001", member, field, by=CLERK, purpose="a letter")

        crm.do(REGISTER, by=CLERK)
        crm.do(attrs.evolve(ADD_TENANT, name=Personal("V00001#m1", "王芳")), by=CLERK)
        assert seen("V00001#m1", "phone") == "", "nothing was ever told"
        assert (
            crm.owners.opened("V00001", "V00001#m1", "phone", by=CLERK, purpose="service") is None
        )
        crm.do(
            ChangeContact("V00001", OWNER, "moved", phone=Personal(OWNER, "13900139000")), by=CLERK
        )
        assert (seen(OWNER, "name"), seen(OWNER, "phone")) == ("张伟", "13900139000")
        crm.do(ChangeContact("V00001", OWNER, "misspelt", name=Personal(OWNER, "章伟")), by=CLERK)
        assert (seen(OWNER, "name"), seen(OWNER, "phone")) == ("章伟", "13900139000")
        crm.do(TRANSFER, by=CLERK)
        assert (seen(OWNER, "name"), seen(BUYER, "name")) == ("章伟", "李娜")
        assert seen("V00001#m1", "name") == "王芳"
        assert len(looks) == 8


@pytest.mark.rule("PRV-03")
def test_erased_key_missing_and_tampered_are_three_results() -> None:
    """And each says so in a sentence of its own, in both languages."""

    def look(crm: CRM, member: str) -> tuple[Any, str, str]:
        return (
            crm.owners.opened("V00001", member, "name", by=CLERK, purpose="a letter"),
            crm.reveal("V00001", member, "name", by=CLERK, purpose="a letter"),
            crm.reveal("V00001", member, "name", by=CLERK, purpose="a letter", lang="zh"),
        )

    found = []
    with open_crm("memory:") as crm, open_crm("memory:") as stranger:
        crm.do(REGISTER, by=CLERK)
        crm.do(TRANSFER, by=CLERK)
        own, other = crm.host.vault, stranger.host.vault
        crm.host.vault = other
        found.append(look(crm, OWNER))
        # Another's key under the same name: what is there is not what it sealed.
        other.seal(Personal(OWNER, "x"), Place("household/V00001", 2, "name"))
        found.append(look(crm, OWNER))
        crm.host.vault = own
        assert look(crm, OWNER) == (Plain("张伟"), "张伟", "张伟")
        crm.host.vault.erase(OWNER)
        found.append(look(crm, OWNER))
        assert look(crm, BUYER)[0] == Plain("李娜"), "one person's erasure is nobody else's"
    assert [opened for opened, _, _ in found] == [KeyMissing(), Tampered(), Erased()]
    for opened, english, chinese in found:
        assert english == say("values", opened.code, "en")
        assert chinese == say("values", opened.code, "zh")
    assert len({text for _, *texts in found for text in texts}) == 6


@pytest.mark.rule("PRV-03", "LOG-08")
@pytest.mark.parametrize("role", ["host", "auditor", "sales", "cleaning", "security"])
def test_who_has_no_business_with_a_person_sees_nothing_of_them(role: str) -> None:
    """Whoever runs the program or audits it works with the facts and not with the names."""
    with open_crm("memory:") as crm:
        crm.do(REGISTER, by=CLERK)
        for look in (crm.reveal, crm.owners.opened):
            with pytest.raises(Refused) as refused:
                look("V00001", OWNER, "name", by=Actor("root", role), purpose="curiosity")
            # On site and in sales somebody may reveal, but not this, or not for that.
            may_not = {"host": "role_insufficient", "auditor": "role_insufficient"}
            why = may_not.get(role, "access_purpose" if role == "sales" else "access_case")
            assert refused.value.reason == why


@pytest.mark.rule("PRV-03", "LOG-08")
def test_an_owner_sees_the_own_household_alone() -> None:
    with open_crm("memory:") as crm:
        crm.do(REGISTER, by=CLERK)
        other = attrs.evolve(
            REGISTER, household="V00002", room="302", owner=Personal("V00002#owner", "王芳")
        )
        crm.do(attrs.evolve(other, phone=None), by=CLERK)
        crm.do(attrs.evolve(ADD_TENANT, name=Personal("V00001#m1", "赵云")), by=CLERK)

        def look(by: Actor, household: str, member: str) -> str:
            return crm.reveal(household, member, "name", by=by, purpose="my own file")

        assert look(Actor(OWNER, "owner"), "V00001", OWNER) == "张伟"
        assert look(Actor("V00001#m1", "user"), "V00001", "V00001#m1") == "赵云"
        for who, role in (("V00002#owner", "owner"), ("V9#owner", "user"), (CLERK.id, "owner")):
            stranger = Actor(who, role)
            with pytest.raises(Refused) as refused:
                look(stranger, "V00001", OWNER)
            assert (refused.value.reason, refused.value.rule) == ("not_of_household", "LOG-08")


def opens_a_value(tree: ast.AST) -> bool:
    """Whether a program asks a vault to open something, or takes the means to do so from one."""
    return any(
        isinstance(node, ast.Attribute)
        and node.attr == "open"
        and "vault" in ast.unparse(node.value).lower()
        for node in ast.walk(tree)
    )


@pytest.mark.rule("PRV-03")
@pytest.mark.parametrize(
    ("source", "opens"),
    [
        ("self.vault.open(value, place)", True),
        ("crm._vault.open(*found)", True),
        ("peek = key_vault.open", True),
        ("make_vault().open(value, place)", True),
        ("vault.seal(value, place)", False),
        ("Path('vault').read_text(); file.open()", False),
    ],
)
def test_what_opens_a_value_is_recognised(source: str, opens: bool) -> None:
    assert opens_a_value(ast.parse(source)) is opens


@pytest.mark.rule("PRV-03")
def test_nothing_but_one_service_opens_a_personal_value() -> None:
    """Whoever opened one on a way of their own would ask neither who looks nor what for."""
    source = Path(crm_core.__file__).parents[1]
    # The contract of vaults tries them, and a vault is where opening happens.
    own = {"crm_core/testing/contracts/key_vault.py", "adapters/crm_adapters/keys/local.py"}
    callers = {
        file.relative_to(source).as_posix()
        for file in sorted(source.rglob("*.py"))
        if opens_a_value(ast.parse(file.read_text(encoding="utf-8")))
    }
    # A contact of staff is no household's: `Staff.contact` asks for `reach-staff` (OUT-01).
    services = {
        # All of them ask the access policy, and the read is written down first (PRV-01, PRV-06).
        "crm_core/application/looking.py": "_opened",
        "crm_core/application/finding.py": "_named",
        # Counted, and small cells suppressed: no value leaves (OWN-11).
        "crm_core/application/owners.py": "segments",
        # Whoever asks for a copy of all that is kept about somebody: `export-person` (PRV-09).
        "crm_core/application/privacy.py": "_export",
        # What a read was for, told to who may ask who saw what (PRV-06).
        "crm_core/application/read_purposes.py": "told",
        # Texts open for the case in hand, without a purpose (PRV-02); nothing else does there.
        "crm_core/application/texts.py": "__init__",
        # A birthday kept for wishing well, with consent, by the clock alone (PLN-04, PRV-05).
        "crm_core/application/care_calendar.py": "_kept",
        # Files are looked through for what is to be erased, before its key is gone (PRV-04).
        "crm_core/application/erasing.py": "_values",
    }
    assert callers - own == set(services)
    for path, name in services.items():
        service = ast.parse((source / path).read_text(encoding="utf-8"))
        functions = [node for node in ast.walk(service) if isinstance(node, ast.FunctionDef)]
        assert [one.name for one in functions if opens_a_value(one)] == [name]


# --- laws and completeness -----------------------------------------------------------------------


def test_a_household_keeps_the_laws() -> None:
    check_decider(HOUSEHOLD, owner_commands(), opening=owner_openings(), max_examples=120)


@pytest.mark.case("K28")
@pytest.mark.rule("LOG-08", "OWN-01")
@pytest.mark.parametrize("taken_by", ["V00009", "V00001", ""])
def test_nobody_says_whose_a_place_is(taken_by: str) -> None:
    """Not even rightly: what is looked up is found by the library, or the place is a caller's."""
    with open_crm("memory:") as crm:
        forged = attrs.evolve(REGISTER, taken_by=taken_by)
        with pytest.raises(Invalid) as refused:
            crm.do(forged, by=CLERK)
        assert [(f.code, f.where) for f in refused.value.faults] == [
            ("looked_up", "RegisterHousehold.taken_by")
        ]
        assert crm.log.empty()
        assert crm.do(attrs.evolve(forged, taken_by=None), by=CLERK).events


@pytest.mark.case("K28")
@pytest.mark.rule("LOG-08")
def test_nobody_says_that_another_confirms() -> None:
    with open_crm("memory:") as crm:
        crm.do(REGISTER, by=CLERK)
        forged = ConfirmConduct("V00001", "bad_record", date(2011, 1, 1), "E-1", by=MANAGER)
        with pytest.raises(Invalid) as refused:
            crm.do(forged, by=CLERK)
        assert [f.where for f in refused.value.faults] == ["ConfirmConduct.by"]


@pytest.mark.rule("OWN-02")
def test_a_telephone_number_is_kept_only_with_its_person() -> None:
    nobodys = RegisterHousehold("V00009", "星河小区", "1号楼", "2单元", "309", phone=PHONE)
    given(HOUSEHOLD).when(nobodys).refused("phone_without_owner", "OWN-02")


AGREED = DebtorAgreed("V00001", "A1", "V00001#m1", date(2010, 4, 1), None, "lease 7")
AGREE = AgreeDebtor("V00001", "A1", "V00001#m1", date(2010, 4, 1), "lease 7")
RELEASE = ReleaseDebtor("V00001", "A1", date(2010, 6, 30), "moved out")
RELEASED = DebtorReleased("V00001", "A1", date(2010, 6, 30), "moved out")


@pytest.mark.rule("PAY-16", "OWN-02")
def test_a_tenant_owes_by_contract_from_a_day_until_another() -> None:
    let = (*FILE, TENANT_ADDED)
    given(HOUSEHOLD, *let).when(AGREE).then(AGREED)
    ending = attrs.evolve(AGREE, until=date(2010, 4, 1))
    given(HOUSEHOLD, *let).when(ending).then(attrs.evolve(AGREED, until=date(2010, 4, 1)))
    given(HOUSEHOLD, *let, AGREED).when(RELEASE).then(RELEASED)
    first_day = attrs.evolve(RELEASE, until=date(2010, 4, 1))
    given(HOUSEHOLD, *let, AGREED).when(first_day).then(
        attrs.evolve(RELEASED, until=date(2010, 4, 1))
    )


@pytest.mark.rule("PAY-16")
def test_only_a_tenant_owes_by_contract_and_only_with_the_document() -> None:
    let = (*FILE, TENANT_ADDED)
    given(HOUSEHOLD, *FILE).when(AGREE).refused("debtor_no_tenant", "PAY-16")
    owner = attrs.evolve(AGREE, member=OWNER)
    given(HOUSEHOLD, *let).when(owner).refused("debtor_no_tenant", "PAY-16")
    before = attrs.evolve(AGREE, since=date(2010, 2, 28))
    given(HOUSEHOLD, *let).when(before).refused("debtor_no_tenant", "PAY-16")
    given(HOUSEHOLD, *let).when(attrs.evolve(AGREE, document="")).refused("evidence_missing")
    given(HOUSEHOLD, *let, AGREED).when(AGREE).refused("agreement_exists", "PAY-16")
    early = attrs.evolve(AGREE, until=date(2010, 3, 31))
    given(HOUSEHOLD, *let).when(early).refused("agreement_ends_before_it_begins", "PAY-16")
    given(HOUSEHOLD, *let).when(RELEASE).refused("unknown_agreement", "PAY-16")
    short = attrs.evolve(AGREED, until=date(2010, 5, 31))
    # Whoever ends a contract makes it no longer than it was agreed.
    given(HOUSEHOLD, *let, short).when(RELEASE).refused("agreement_over", "PAY-16")
    given(HOUSEHOLD, *let, AGREED, RELEASED).when(RELEASE).refused("agreement_over", "PAY-16")
    given(HOUSEHOLD, *let, AGREED).when(attrs.evolve(RELEASE, reason="")).refused("reason_missing")
    sooner = attrs.evolve(RELEASE, until=date(2010, 3, 31))
    given(HOUSEHOLD, *let, AGREED).when(sooner).refused("agreement_ends_before_it_begins")


def test_every_reason_to_refuse_is_reached_above() -> None:
    """A refusal without a test could change its code, its rule or its meaning unseen."""
    source = inspect.getsource(decide)
    codes = set(re.findall(r'Refusal\(\s*"(\w+)"', source))
    codes |= {f"unknown_{what}" for what in re.findall(r'unknown\("(\w+)"', source)}
    codes |= {"reason_missing"} if "no_reason(" in source else set()
    here = Path(__file__).read_text(encoding="utf-8")
    reached = set(re.findall(r'refused\(\s*"(\w+)"', here))
    assert reached == codes
    assert {"place_taken", "unknown_role"} < codes


def test_every_sentence_about_a_file_is_said_by_a_refusal() -> None:
    """A text that nothing says any more would be kept right for nobody."""
    source = "".join(map(inspect.getsource, DECIDING))
    said = set(re.findall(r'"(\w+)"', source)) | {
        f"unknown_{what}" for what in re.findall(r'unknown\("(\w+)"', source)
    }
    assert set(sentences("refused-own")) <= said


DECIDING = (decide, card_decide, standard, merging, prospects, sampling, streams)
"""Modules that refuse something about a file."""

REFUSED = [
    (FILE, REGISTER),
    ((), attrs.evolve(REGISTER, taken_by="V00009")),
    ((), attrs.evolve(REGISTER, owner=None)),
    ((), attrs.evolve(REGISTER, kind="ship")),
    ((), attrs.evolve(REGISTER, source="hearsay")),
    ((), TRANSFER),
    (FILE, attrs.evolve(ADD_TENANT, role="neighbour")),
    ((*FILE, TENANT_ADDED), ADD_TENANT),
    ((*FILE, OWNER_ENDED, BUYER_ADDED), attrs.evolve(TRANSFER, member=OWNER, on=date(2010, 1, 1))),
    (FILE, EndRole("V00001", BUYER, "owner", date(2011, 1, 1), "x")),
    (FILE, EndRole("V00001", OWNER, "owner", date(2009, 1, 1), "x")),
    (FILE, attrs.evolve(TRANSFER, member=OWNER)),
    (FILE, ChangeContact("V00001", BUYER, "x", phone=PHONE)),
    (FILE, ChangeContact("V00001", OWNER, "", phone=PHONE)),
    (FILE, AGREE),
    ((*FILE, TENANT_ADDED), attrs.evolve(AGREE, document="")),
    ((*FILE, TENANT_ADDED), attrs.evolve(AGREE, until=date(2010, 3, 31))),
    ((*FILE, TENANT_ADDED, AGREED), AGREE),
    (FILE, RELEASE),
    ((*FILE, TENANT_ADDED, AGREED, RELEASED), RELEASE),
]


@pytest.mark.parametrize(("past", "command"), REFUSED)
def test_a_refusal_is_said_in_both_languages_and_names_nobody(past: Any, command: Any) -> None:
    """Every value that the sentence shows is there, and none of them is personal."""
    refusal = given(HOUSEHOLD, *past).when(command).refusal
    assert refusal is not None
    chinese, english = refusal.told("zh"), refusal.told("en")
    assert chinese != english
    for text in (chinese, english):
        assert not set("{}") & set(text)
        assert not any(value.reveal() in text for value in (ZHANG, LI, PHONE))
    assert not chinese.isascii()
    assert english.isascii()
    assert english != refusal.code.replace("_", " ")


def test_a_household_that_is_not_there_is_unchanged_by_what_happens_to_it() -> None:
    """Only a registration opens a file, whatever a damaged stream may hold before it."""
    later = [
        OWNER_ADDED,
        OWNER_ENDED,
        ContactChanged("V00001", OWNER, ZHANG, None, "x", "phone"),
        InterestRecorded("V00001", "x", date(2011, 1, 1), WORD, "phone"),
        ConductConfirmed("V00001", "bad_record", date(2011, 1, 1), "E", "S3"),
    ]
    given(HOUSEHOLD, *later).state(lambda state: state == NoHousehold())
    given(HOUSEHOLD, REGISTERED, later[2]).state(lambda state: not state.members())


def test_requests_and_charges_need_the_household_s_file() -> None:
    charge = RaiseCharge("V00001", "C1", "parking", "2011", 100, date(2011, 1, 1))
    request = ReceiveRequest(
        "R1",
        "V00001",
        "phone",
        "repair",
        "cleaning",
        "major",
        "x",
        BOUGHT,
        "S1",
    )
    with open_crm("memory:") as crm:
        for command in (charge, request):
            with pytest.raises(Refused) as refused:
                crm.do(command, by=CLERK)
            assert (refused.value.reason, refused.value.rule) == ("unknown_household", "OWN-01")
        with pytest.raises(Refused) as refused:
            crm.do(HandOver("R1", "S2", "x"), by=CLERK)
        assert refused.value.reason == "request_not_open"
        assert isinstance(refused.value.refusal, Refusal)


LATER = date(2024, 5, 1)


@pytest.mark.rule("OWN-02", "PRV-03")
@pytest.mark.parametrize(
    "command",
    [
        AddMember("V00001", BUYER, "tenant", LATER, Personal("V9#owner", "Li")),
        AddMember(
            "V1",
            "V1#m2",
            "tenant",
            LATER,
            Personal("V1#m2", "Li"),
            Personal("V9#owner", "13800000000"),
        ),
        ChangeContact("V00001", OWNER, "married", Personal("V9#owner", "Li")),
        TransferOwnership(
            "V00001", BUYER, LATER, Personal(OWNER, "Li"), reason="transfer of ownership"
        ),
    ],
    ids=["name", "phone", "change", "transfer"],
)
def test_a_personal_value_is_kept_under_the_key_of_whom_it_is_about(command: Any) -> None:
    """Under another's it would outlive the member's erasure, and be lost with the other's."""
    given(HOUSEHOLD, *FILE).when(command).refused("person_of_another", "OWN-02")
