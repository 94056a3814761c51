"""Everything about a person in one copy: nothing that is about them is left out, nothing of others
is in it (PRV-09).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import process_time
from typing import Any

import attrs
import pytest
from attrs import frozen
from hypothesis import given as hypothesis_given
from hypothesis import settings

import meetings
from crm_adapters import open_crm
from crm_adapters.keys import LocalVault
from crm_core import CRM, Actor, Invalid, Personal, Planned, Refused
from crm_core.application.portable import STATES
from crm_core.application.privacy import PersonExport
from crm_core.gradings.events import Moved, RecordReplaced, TypeProposed
from crm_core.kernel.authority import AuthorityPolicy
from crm_core.kernel.naming import Field
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.recorded import (
    STAFF_ROLES,
    SYSTEM,
    Commit,
    Envelope,
    Recorded,
    StreamAppend,
    Tip,
)
from crm_core.kernel.text import place_key
from crm_core.kernel.word import Word
from crm_core.messages.events import MessageQueued, MessageSent, Parameter
from crm_core.owners import AddMember, ChangeContact, RegisterHousehold, TransferOwnership
from crm_core.owners.commands import VoidHousehold, VoidRole
from crm_core.owners.prospects import (
    ChangeProspect,
    ConvertProspect,
    NoteProspect,
    RecordProspect,
)
from crm_core.payments import (
    DisputeCharge,
    MovePayment,
    RaiseCharge,
    ReceivePayment,
)
from crm_core.payments.collection.events import CollectionOpened
from crm_core.policies import PolicyBook
from crm_core.requests import ReceiveRequest
from crm_core.requests.incidents import GatherRequest, OpenIncident
from crm_core.requests.rotation import TurnGiven
from crm_core.slices import SLICES, registry
from crm_core.staff import RecordTraining, RecordUndertaking, RegisterStaff
from crm_core.testing.strategies import estates, play
from crm_core.testing.strategies.dealings import Estate
from crm_core.testing.towns import Town, fill, known_at
from meetings import Guest, Met

pytestmark = pytest.mark.rule("PRV-09")

KEEPER = Actor("kong", "custodian")
DIRECTOR = Actor("yang", "director")
CLERK, LEADER, MANAGER = (
    Actor("li", "specialist"),
    Actor("wu", "supervisor"),
    Actor("mei", "manager"),
)
ASKED = {"by": KEEPER, "purpose": "rights: a copy was asked for"}


def day(text: str) -> date:
    return date.fromisoformat(text)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# --- an independent look at who is in an event ---------------------------------------------------


def texts(value: Any) -> Iterator[str]:
    """Every text at any depth, whatever its field is called."""
    match value:
        case str():
            yield value
        case dict():
            for one in value.values():
                yield from texts(one)
        case list():
            for one in value:
                yield from texts(one)


def ids_in(crm: CRM, recorded: Recorded[Any]) -> set[str]:
    stored = json.loads(crm.log.canonical(recorded.event))
    actor = recorded.envelope.actor.partition(":")[2]
    stream = recorded.stream.partition("/")[2]
    return {*texts(stored), recorded.household, actor, stream}


@frozen
class Known:
    """Everybody whom a log knows, by the ids they have in it."""

    households: frozenset[str]
    members: dict[str, str]
    staff: frozenset[str]

    @classmethod
    def of(cls, crm: CRM) -> Known:
        households, members, staff = set(), {}, set()
        for recorded in crm.log.feed():
            if recorded.stream.startswith("household/"):
                households.add(recorded.household)
                if member := getattr(recorded.event, "member", None):
                    members[member] = recorded.household
            role, _, identity = recorded.envelope.actor.partition(":")
            if role in STAFF_ROLES:
                staff.add(identity)
        return cls(frozenset(households), members, frozenset(staff))

    def copies(self, crm: CRM) -> dict[str, PersonExport]:
        """The copy of everybody, by their id."""
        privacy = crm.privacy
        return {
            **{one: privacy.export(one, **ASKED) for one in self.households},
            **{m: privacy.export(h, m, **ASKED) for m, h in self.members.items()},
            **{one: privacy.export_staff(one, **ASKED) for one in self.staff},
        }

    def everybody(self) -> frozenset[str]:
        return self.households | self.members.keys() | self.staff


def check_union(crm: CRM) -> None:
    """Every event that concerns somebody is in the copy of each of them, and no other is in any."""
    known = Known.of(crm)
    copies = known.copies(crm)
    held = {who: {entry.position for entry in copy.events} for who, copy in copies.items()}
    united = set().union(*held.values())
    for recorded in crm.log.feed():
        concerned = ids_in(crm, recorded) & known.everybody()
        for who in concerned:
            assert recorded.position in held[who] or not is_named(recorded, who), (who, recorded)
        if recorded.household or any(is_named(recorded, who) for who in concerned):
            assert recorded.position in united, recorded
            assert recorded.household in ("", *known.households)
        if recorded.household:
            assert recorded.position in held[recorded.household], recorded


def is_named(recorded: Recorded[Any], who: str) -> bool:
    """Whether it is not only a room, a charge or a text that is called like somebody.

    A household's own events aside, which a member need not have had a part in.
    """
    return who != recorded.household and who not in (
        getattr(recorded.event, name, None) for name in ("room", "charge", "unit", "building")
    )


def check_secrecy(crm: CRM) -> None:
    """In nobody's copy does anybody else appear, be it by an id or by what is sealed."""
    known = Known.of(crm)
    for who, copy in known.copies(crm).items():
        home = known.members.get(who, who)
        own = {who, home}
        if who in known.households:
            own |= {member for member, household in known.members.items() if household == who}
        shown = json.dumps([attrs.asdict(entry) for entry in copy.events], ensure_ascii=False)
        # Texts that are somebody's id; free texts hold none here.
        found = set(re.findall(r'"((?:[^"\\]|\\.)*)"', shown))
        found |= {text.rpartition(":")[2] for text in found} | {
            text.rpartition("/")[2] for text in found
        }
        assert not found & known.everybody() - own, (who, found & known.everybody() - own)
        for entry in copy.events:
            for value in personal(entry.data):
                assert value["state"] == "withheld" or value["person"] in own


def personal(value: Any) -> Iterator[dict[str, Any]]:
    match value:
        case {"state": str(), "person": str()}:
            yield value
        case dict():
            for one in value.values():
                yield from personal(one)
        case list():
            for one in value:
                yield from personal(one)


# --- complete by construction --------------------------------------------------------------------


@pytest.fixture(scope="module")
def town() -> Iterator[CRM]:
    with open_crm("memory:") as crm:
        fill(crm.log, Town(seed=11, households=24))
        crm.grade(2011, known=known_at(2011))
        crm.grade(2011, known=known_at(2011) - timedelta(days=40), trial=True)
        yield crm


def test_the_copies_of_a_town_are_together_all_events_about_somebody(town: CRM) -> None:
    check_union(town)
    names = Counter(e.name for e in town.log.feed() if not e.household)
    assert set(names) == {"gradings.run_started/1", "gradings.run_completed/1"}


def test_nobody_of_a_town_is_in_the_copy_of_another(town: CRM) -> None:
    check_secrecy(town)


@hypothesis_given(estates(2011, households_max=3))
@settings(max_examples=25)
def test_the_copies_of_any_estate_are_together_all_events_about_somebody(estate: Estate) -> None:
    with open_crm("memory:") as crm:
        play(crm, estate)
        crm.grade(2011, trial=True)
        check_union(crm)
        check_secrecy(crm)


# --- one small estate ----------------------------------------------------------------------------


@frozen
class Stopped:
    """A clock that stands."""

    instant: datetime

    def now(self) -> datetime:
        return self.instant


def house(number: str, room: str) -> RegisterHousehold:
    owner = f"{number}#owner"
    return RegisterHousehold(
        *(number, "Anhe", "1", "1", room),
        owner=Personal(owner, f"name of {number}"),
        phone=Personal(owner, f"phone-of-{number}@x.cn"),
        moved_in=day("2020-01-01"),
    )


def asked(number: str, household: str, when: str) -> ReceiveRequest:
    return ReceiveRequest(
        *(number, household, "phone", "repair", "engineering", "general"),
        summary=f"a leak, says {number}",
        received_at=at(when),
        first_asked=CLERK.id,
    )


@pytest.fixture
def estate(tmp_path: Path) -> Iterator[CRM]:
    """V1 is let to a tenant and is sold in June 2024; V2 is a neighbour; both tell of one leak."""
    with open_crm(f"sqlite:///{tmp_path / 'crm.db'}", create=True) as crm:
        crm.host.clock = Stopped(at("2025-01-10T10:00"))
        told: list[tuple[Any, Actor, str]] = [
            (RegisterStaff("yang", "director", day("2020-01-01")), DIRECTOR, "2020-01-01"),
            (RegisterStaff(LEADER.id, "supervisor", day("2020-01-01")), DIRECTOR, "2020-01-01"),
            (RegisterStaff(KEEPER.id, "custodian", day("2020-01-01")), DIRECTOR, "2020-01-01"),
            (RegisterStaff(MANAGER.id, "manager", day("2020-01-01")), DIRECTOR, "2020-01-01"),
            (RecordUndertaking(KEEPER.id, "NDA-1", day("2020-01-01"), day("2030-01-01")),
             DIRECTOR, "2020-01-01"),
            (RecordTraining(KEEPER.id, "PIPL", day("2020-01-01"), day("2030-01-01")),
             DIRECTOR, "2020-01-01"),
            (
                RegisterStaff(
                    CLERK.id, "specialist", day("2020-01-01"), Personal(CLERK.id, "phone of li")
                ),
                MANAGER,
                "2020-01-01",
            ),
            (house("V1", "101"), CLERK, "2020-01-02"),
            (house("V2", "102"), CLERK, "2020-01-02"),
            (
                AddMember(
                    *("V1", "T9", "tenant", day("2022-01-01")), Personal("T9", "name of tenant")
                ),
                CLERK,
                "2022-01-01",
            ),
            (RaiseCharge("V1", "C1", "management_fee", "2024-1", 100_00, day("2024-01-31")),
             CLERK, "2024-01-02"),
            (RaiseCharge("V1", "C2", "management_fee", "2024-3", 100_00, day("2024-09-30")),
             CLERK, "2024-01-03"),
            (
                DisputeCharge(
                    *("V1", "D1", "C1", 10_00, day("2024-02-01"), "too much"),
                    Word("V1#owner", "phone", "call 7"),
                ),
                CLERK,
                "2024-02-01",
            ),
            (asked("R1", "V1", "2024-03-01T10:00"), CLERK, "2024-03-01T10:00"),
            (asked("R2", "V2", "2024-03-01T11:00"), CLERK, "2024-03-01T11:00"),
            (
                OpenIncident("I1", "Anhe 1", "engineering", "pipe", at("2024-03-01T12:00")),
                LEADER,
                "2024-03-01T12:00",
            ),
            (GatherRequest("I1", "R1", at("2024-03-01T12:10")), LEADER, "2024-03-01T12:10"),
            (GatherRequest("I1", "R2", at("2024-03-01T12:20")), LEADER, "2024-03-01T12:20"),
            (ReceivePayment("V1", "P1", 5_00, day("2024-04-01"), "cash"), CLERK, "2024-04-01"),
            (MovePayment("V1", "P1", "V2", "it was theirs"), MANAGER, "2024-04-02"),
            (
                TransferOwnership(
                    *("V1", "V1#buyer", day("2024-06-01")), Personal("V1#buyer", "name of buyer"),
                    reason="transfer of ownership",
                ),
                CLERK,
                "2024-06-01",
            ),
            (ReceivePayment("V1", "P2", 100_00, day("2024-07-01"), "cash", "C1"), CLERK,
             "2024-07-01"),
            (asked("R3", "V1", "2024-07-02T10:00"), CLERK, "2024-07-02T10:00"),
        ]  # fmt: skip
        for command, by, when in told:
            crm.do(command, by=by, at=at(when))
        yield crm


def copy_of(crm: CRM, household: str, member: str | None = None, **asked: Any) -> PersonExport:
    return crm.privacy.export(household, member, **{**ASKED, **asked})


def events(copy: PersonExport, name: str) -> list[Any]:
    return [entry for entry in copy.events if entry.name.partition("/")[0] == name]


def values(copy: PersonExport) -> set[tuple[str, str]]:
    """Persons with the names and numbers that were opened of them, or why they were not."""
    found = {
        (value["person"], value.get("text", value["state"]))
        for entry in copy.events
        for value in personal(entry.data)
    }
    # What was typed about them stands in it, too.
    return {one for one in found if one[1].startswith(("name of", "phone-of")) or one[1] in STATES}


def test_a_small_estate_is_complete_and_keeps_everybody_apart(estate: CRM) -> None:
    check_union(estate)
    check_secrecy(estate)


def test_a_household_gets_all_that_was_ever_its_own_with_the_values_of_all_its_members(
    estate: CRM,
) -> None:
    copy = copy_of(estate, "V1")
    own = {e.position for e in estate.log.feed() if e.household == "V1"}
    assert own == {entry.position for entry in copy.events if entry.whole}
    assert values(copy) == {
        ("V1#owner", "name of V1"), ("V1#owner", "phone-of-V1@x.cn"), ("T9", "name of tenant"),
        ("V1#buyer", "name of buyer"),
    }  # fmt: skip
    assert {role.member for role in copy.roles} == {"V1#owner", "T9", "V1#buyer"}


def test_of_an_incident_of_many_a_household_gets_what_names_its_request_and_no_other(
    estate: CRM,
) -> None:
    copy = copy_of(estate, "V1")
    [gathered] = events(copy, "requests.request_gathered")
    assert not gathered.whole
    assert gathered.stream is None
    assert gathered.data == {"request": "R1"}
    assert gathered.left_out == ("incident", "gathered_at", "gathered_by", "note")
    assert not events(copy_of(estate, "V2"), "requests.request_gathered")[0].data.get("incident")


def test_money_moved_elsewhere_names_the_other_household_by_a_word_of_the_copy(
    estate: CRM,
) -> None:
    [out] = events(copy_of(estate, "V1"), "payments.payment_moved_out")
    assert out.whole
    assert out.data["to_household"] == "household-1"
    here, there = (
        events(copy_of(estate, "V2"), "payments.payment_moved_in"),
        events(copy_of(estate, "V2"), "payments.payment_moved_out"),
    )
    assert here[0].data["from_household"] == "household-1"
    assert there[0].data == {"to_household": "V2"}
    assert not there[0].whole


@pytest.mark.rule("PAY-16")
def test_who_sold_and_who_bought_get_each_their_own_time_and_not_the_others(estate: CRM) -> None:
    seller, buyer = copy_of(estate, "V1", "V1#owner"), copy_of(estate, "V1", "V1#buyer")
    assert [e.data["charge"] for e in events(seller, "payments.charge_raised")] == ["C1"]
    assert [e.data["charge"] for e in events(buyer, "payments.charge_raised")] == ["C2"]
    # Paid after the sale, for a charge of before it.
    assert [e.data["payment"] for e in events(seller, "payments.payment_received")] == ["P1", "P2"]
    assert not events(buyer, "payments.payment_received")
    assert {e.data["request"] for e in events(seller, "requests.received")} == {"R1"}
    assert {e.data["request"] for e in events(buyer, "requests.received")} == {"R3"}
    assert not events(buyer, "requests.request_gathered")
    assert values(seller) == {("V1#owner", "name of V1"), ("V1#owner", "phone-of-V1@x.cn")}
    assert values(buyer) == {("V1#buyer", "name of buyer")}
    assert [role.until for role in seller.roles] == ["2024-05-31"]


@pytest.mark.rule("PAY-16", "GRD-13")
def test_a_grading_is_of_whom_it_concerns_and_collection_of_who_owed(estate: CRM) -> None:
    policy = PolicyRef("0" * 64, "collection-cn-default", 1)
    opened = CollectionOpened(
        household="V1", case=1, grade="B1", policy=policy, on=day("2024-08-01"), tenure="first"
    )
    written(estate, "collection/V1", opened, household="V1")
    for year in (2021, 2023):
        proposed = TypeProposed(
            household="V1",
            tenure="first",
            year=year,
            run=f"{year}-1",
            type="cautious",
            reason="as seen",
            proposed_by="li",
            on=day("2024-08-01"),
        )
        written(estate, "grading/V1", proposed, household="V1")
    found = {
        member: [
            *(e.data["case"] for e in events(copy, "payments.collection_opened")),
            *(e.data["year"] for e in events(copy, "gradings.type_proposed")),
        ]
        for member in ("V1#owner", "T9", "V1#buyer")
        for copy in [copy_of(estate, "V1", member)]
    }
    # The tenant came in 2022 and owed nothing; who bought in 2024 has no part in any of it.
    assert found == {"V1#owner": [1, 2021, 2023], "T9": [2023], "V1#buyer": []}


@pytest.mark.rule("PAY-16")
def test_what_is_a_household_s_is_that_of_its_members_together(estate: CRM) -> None:
    """Nothing falls between two of them."""
    for home, members in (("V1", ("V1#owner", "T9", "V1#buyer")), ("V2", ("V2#owner",))):
        copies = [copy_of(estate, home, member) for member in members]
        together = {e.position for copy in copies for e in copy.events if e.whole}
        assert together == {e.position for e in copy_of(estate, home).events if e.whole}


def test_a_potential_customer_gets_what_is_theirs_whole_and_takes_it_along_as_a_member(
    estate: CRM,
) -> None:
    sales, on = Actor("A1", "sales"), day("2024-01-02")
    estate.do(RegisterStaff(sales.id, sales.role, on), by=MANAGER)
    estate.do(RecordProspect("P1", Personal("P1", "name of P1"), on, None, "Anhe"), by=sales)
    estate.do(NoteProspect("P1", "knows the neighbours", on), by=sales)
    estate.do(ChangeProspect("P1", "interested", on, "came twice"), by=sales)
    estate.do(RecordProspect("P2", Personal("P2", "name of P2"), on), by=sales)
    told = ["owners.prospect_recorded", "owners.prospect_noted", "owners.prospect_status_changed"]
    copy = estate.privacy.export_staff("P1", **ASKED)
    assert [entry.name.partition("/")[0] for entry in copy.events] == told
    assert all(entry.whole for entry in copy.events)
    [first, noted, changed] = copy.events
    assert (first.data["estate"], first.data["name"]["text"]) == ("Anhe", "name of P1")
    assert (noted.data["note"]["text"], changed.data["status"]) == (
        "knows the neighbours", "interested",
    )  # fmt: skip
    # Who wrote it down gets that they did, and nothing of whom it is about.
    told_of = [events(estate.privacy.export_staff(sales.id, **ASKED), name) for name in told]
    assert [len(entries) for entries in told_of] == [2, 1, 1]
    for [entry, *_] in told_of:
        assert not entry.whole
        assert "P1" not in str(entry.data)
    estate.do(AddMember("V1", "P1", "user", on, Personal("P1", "name of P1")), by=CLERK)
    estate.do(ConvertProspect("P1", "V1", on), by=sales)
    for member in ("P1", None):
        entries = copy_of(estate, "V1", member).events
        theirs = [e for e in entries if e.name.partition("/")[0] in told]
        assert [e.name.partition("/")[0] for e in theirs] == told
        assert all(entry.whole for entry in theirs)
    for name in told:
        assert not events(copy_of(estate, "V1", "V1#owner"), name)


def test_staff_get_what_is_theirs_whole_and_of_what_they_did_that_they_did_it(
    estate: CRM,
) -> None:
    copy = estate.privacy.export_staff(CLERK.id, **ASKED)
    [begun] = events(copy, "staff.role_begun")
    assert begun.whole
    assert begun.data["contact"]["text"] == "phone of li"
    assert begun.data["entered_by"] == "person-1"
    assert {e.data.get("owner") for e in events(copy, "requests.received")} == {"li"}
    for entry in copy.events:
        if not entry.whole:
            assert entry.stream is None
            assert entry.purpose is None
            assert set(texts(entry.data)) <= {"li"}
    done = {e.position for e in estate.log.feed() if e.envelope.actor == "specialist:li"}
    assert done <= {entry.position for entry in copy.events}


def test_nothing_of_what_became_known_later_is_in_a_copy_of_an_earlier_instant(
    estate: CRM,
) -> None:
    then = copy_of(estate, "V1", known=at("2024-03-31"))
    assert {e.position for e in then.events} == {
        e.position for e in copy_of(estate, "V1").events if e.recorded <= "2024-03-31"
    }
    assert [role.member for role in then.roles] == ["V1#owner", "T9"]
    with pytest.raises(Invalid) as refused:
        copy_of(estate, "V1", "V1#buyer", known=at("2024-03-31"))
    assert refused.value.faults[0].code == "member_unknown"
    with pytest.raises(Invalid) as unknown:
        copy_of(estate, "V1", known=at("2019-01-01"))
    assert unknown.value.faults[0].code == "household_unknown"


def test_of_a_list_of_households_each_gets_its_own_line(estate: CRM) -> None:
    moved = tuple(
        Moved(household=home, layer="main", layer_then="small", type="lively", type_then="cautious")
        for home in ("V1", "V2")
    )
    replaced = RecordReplaced(
        year=2023,
        run="2023-2",
        instead_of="2023-1",
        moved=moved,
        reason="a late fact of V2",
        decided_by="yang",
        on=day("2024-05-01"),
    )
    written(estate, "grading-year/2023", replaced, on=day("2024-05-01"))
    for home, members in (("V1", ("V1#owner", "T9")), ("V2", ("V2#owner",))):
        for member in (None, *members):
            [entry] = events(copy_of(estate, home, member), "gradings.record_replaced")
            assert [line["household"] for line in entry.data.pop("moved")] == [home]
            assert entry.data == {}
    # Who came later was not moved.
    assert not events(copy_of(estate, "V1", "V1#buyer"), "gradings.record_replaced")
    [entry] = events(estate.privacy.export_staff("yang", **ASKED), "gradings.record_replaced")
    assert entry.data == {"decided_by": "yang"}
    check_union(estate)
    check_secrecy(estate)


def test_a_message_to_staff_is_theirs_without_what_it_is_about(estate: CRM) -> None:
    policy = PolicyRef("0" * 64, "messages-cn-default", 1)
    queued = MessageQueued(
        message="M1",
        cause="c1:0",
        template=policy,
        neutral=None,
        policy=policy,
        purpose="work",
        channel="sms",
        language="zh",
        recipient="li",
        parameters=(Parameter("request", "R2"),),
        not_before=at("2024-03-01"),
        expires_at=at("2024-03-02"),
    )
    sent = MessageSent(message="M1", attempt=1, day=day("2024-03-01"), receipt="ok")
    for event in (queued, sent):
        written(estate, "staff_messages/li", event)
    copy = estate.privacy.export_staff("li", **ASKED)
    [told], [done] = events(copy, "messages.queued"), events(copy, "messages.sent")
    assert told.whole
    assert done.whole
    assert told.left_out == ("parameters",)
    assert told.data["recipient"] == "li"
    assert "R2" not in json.dumps(told.data)
    # Another member of staff is not told that there was one.
    assert not events(estate.privacy.export_staff("wu", **ASKED), "messages.sent")


def test_whoever_was_passed_over_learns_of_themselves_alone(estate: CRM) -> None:
    turn = TurnGiven(
        trade="engineering",
        turn=1,
        request="R1",
        staff="li",
        on_duty=("li", "wu", "mei"),
        passed_over=("wu",),
    )
    written(estate, "rotation/engineering", turn)
    [given] = events(estate.privacy.export_staff("li", **ASKED), "requests.turn_given")
    assert given.data["on_duty"][0] == "li"
    assert given.data["passed_over"] == given.data["on_duty"][1:2]
    assert given.data["request"].startswith("request-")
    [over] = events(estate.privacy.export_staff("wu", **ASKED), "requests.turn_given")
    assert over.data == {"on_duty": ["wu"], "passed_over": ["wu"]}
    [household] = events(copy_of(estate, "V1"), "requests.turn_given")
    assert household.data == {"request": "R1"}


def test_trials_are_in_the_copy_and_say_what_they_are(town: CRM) -> None:
    graded = next(h for h, _ in town.log.by_household(names=["gradings.decided/1"]))
    copy = copy_of(town, graded)
    standings = [e.standing for e in events(copy, "gradings.decided")]
    assert sorted(standings) == ["of_record", "trial"]
    assert {e.standing for e in copy.events if not e.name.startswith("gradings.")} == {None}


def test_whose_only_role_is_void_gets_everything_about_them_all_the_same() -> None:
    """Entered by mistake or not: what was written is there, and theirs to have."""
    with open_crm("memory:") as crm:
        crm.do(house("V1", "101"), by=CLERK)
        name = Personal("V1#wrong", "name of wrong")
        crm.do(AddMember("V1", "V1#wrong", "tenant", day("2024-01-02"), name), by=CLERK)
        inside = [
            VoidRole("V1", "V1#wrong", "tenant", day("2024-01-02"), "another flat"),
            VoidHousehold("V9", place_key("Anhe", "1", "1", "109"), day("2024-01-02"), "no such"),
        ]
        crm.do(house("V9", "109"), by=CLERK)
        for command in inside:
            crm._desk.within(command, by=SYSTEM)
        copy = copy_of(crm, "V1", "V1#wrong")
        assert {e.name for e in copy.events} >= {"owners.member_added/1", "owners.role_voided/1"}
        assert ("V1#wrong", "name of wrong") in values(copy)
        assert copy.roles == ()
        gone = copy_of(crm, "V9")
        assert {e.name for e in gone.events} >= {
            "owners.household_registered/1",
            "owners.household_voided/1",
        }
        assert ("V9#owner", "name of V9") in values(gone)
        check_union(crm)


# --- personal values -----------------------------------------------------------------------------


@pytest.mark.rule("PRV-03")
def test_erased_missing_and_tampered_are_told_apart(estate: CRM, tmp_path: Path) -> None:
    estate.do(
        ChangeContact("V1", "T9", "another number", phone=Personal("T9", "phone-of-tenant@x.cn")),
        by=CLERK,
    )
    estate.host.vault.erase("T9")
    copy = copy_of(estate, "V1")
    assert {v for v in values(copy) if v[0] == "T9"} == {("T9", "erased")}
    # The name, two numbers of which one is new, and why it is: what was typed is gone as well.
    assert (copy.values["erased"], copy.values["plain"]) == (3, 9)
    assert copy_of(estate, "V1", "T9").values["erased"] == 3

    estate.host.vault = LocalVault(tmp_path / "others.keys")
    assert {said for _, said in values(copy_of(estate, "V1"))} == {"key_missing"}

    # Another key under the same id: what is sealed was sealed by nobody's.
    estate.host.vault.fingerprint(Personal("V1#owner", "x"))
    estate.host.vault.flush()
    tampered = copy_of(estate, "V1", "V1#owner")
    assert {said for _, said in values(tampered)} == {"tampered"}
    assert list(tampered.values) == list(STATES)
    estate.host.vault.close()


def test_of_two_persons_in_one_event_neither_gets_what_is_sealed_of_the_other() -> None:
    with open_crm("memory:", slices=(*SLICES, meetings.SLICE)) as crm:
        for number, room in (("V1", "101"), ("V2", "102")):
            crm.do(house(number, room), by=CLERK)
        met = Met(
            home="V1",
            resident="V1#owner",
            called=Personal("V1#owner", "name of V1"),
            visitor="V2#owner",
            visitor_called=Personal("V2#owner", "name of V2"),
            guests=(
                Guest("V2#owner", "I came"),
                Guest("V2#owner", "we came", beside="V3#owner"),
                Guest("V3#owner", "so did I"),
            ),
        )
        written(crm, "meeting/1", met, household="V1")
        [own] = events(copy_of(crm, "V1", "V1#owner"), "meetings.met")
        [others] = events(copy_of(crm, "V2", "V2#owner"), "meetings.met")
        assert own.whole
        assert not others.whole
        other, third = own.data["visitor"], own.data["guests"][2]["who"]
        assert own.data == {
            "home": "V1",
            "resident": "V1#owner",
            "called": {"state": "plain", "person": "V1#owner", "text": "name of V1"},
            "visitor": other,
            "visitor_called": {"state": "withheld", "person": other},
            "guests": [
                {"who": other, "said": "I came", "beside": ""},
                {"who": other, "said": "we came", "beside": third},
                {"who": third, "said": "so did I", "beside": ""},
            ],
        }
        assert re.fullmatch(r"person-\d person-\d", f"{other} {third}")
        assert other != third
        assert others.data == {
            "visitor": "V2#owner",
            "visitor_called": {"state": "plain", "person": "V2#owner", "text": "name of V2"},
            # What somebody else is named in, too, is not the visitor's alone.
            "guests": [
                {"who": "V2#owner", "said": "I came", "beside": ""},
                {"who": "V2#owner"},
            ],
        }
        assert others.left_out == (
            *("home", "resident", "called"),
            *("guests.said", "guests.beside", "guests"),
        )
        check_union(crm)
        check_secrecy(crm)
        # One of them is forgotten; nothing changes for the other.
        crm.host.vault.erase("V2#owner")
        assert events(copy_of(crm, "V1", "V1#owner"), "meetings.met") == [own]
        [gone] = events(copy_of(crm, "V2", "V2#owner"), "meetings.met")
        assert gone.data["visitor_called"] == {"state": "erased", "person": "V2#owner"}


def written(crm: CRM, stream: str, event: Any, household: str = "", on: date | None = None) -> None:
    """The event in the log, as if a decider had decided it."""
    now = crm.clock.now()
    envelope = Envelope(
        actor="system:crm",
        command=crm.ids.new(),
        data=event,
        effective=on or now.date(),
        recorded=now,
    )
    append = StreamAppend(stream, crm.log.tips([stream]).get(stream, Tip()), household, (envelope,))
    crm.log.append([Commit(envelope.command, "", (append,))])


# --- who may -------------------------------------------------------------------------------------


@pytest.mark.rule("LOG-08", "PRV-03")
@pytest.mark.parametrize("role", ["manager", "director", "custodian"])
def test_a_copy_is_for_the_custodian_and_those_above(role: str) -> None:
    with open_crm("memory:") as crm:
        crm.do(house("V1", "101"), by=CLERK)
        assert (
            crm.privacy.export("V1", by=Actor("x", role), purpose="rights: asked").made_by
            == f"{role}:x"
        )


@pytest.mark.rule("LOG-08")
@pytest.mark.parametrize("role", ["specialist", "operator", "finance", "auditor", "host", "system"])
def test_a_copy_is_for_nobody_else(estate: CRM, role: str) -> None:
    for ask in (
        lambda: estate.privacy.export("V1", by=Actor("x", role), purpose="rights: asked"),
        lambda: estate.privacy.export("V1", "T9", by=Actor("x", role), purpose="rights: asked"),
        lambda: estate.privacy.export_staff("li", by=Actor("x", role), purpose="rights: asked"),
    ):
        with pytest.raises(Refused) as refused:
            ask()
        # Where there is a register, whoever is not in it is told so first.
        stranger = role in STAFF_ROLES
        expected = "role_not_registered" if stranger else "role_insufficient"
        assert refused.value.reason == expected
    with open_crm("memory:") as crm:
        crm.do(house("V1", "101"), by=CLERK)
        with pytest.raises(Refused) as refused:
            crm.privacy.export("V1", by=Actor("x", role), purpose="rights: asked")
        assert refused.value.reason == "role_insufficient"


@pytest.mark.rule("LOG-08")
def test_whoever_may_see_no_personal_value_may_have_no_copy_of_them() -> None:
    table = registry().authority
    [roles] = re.findall(r"^reveal = (.*)$", table, re.MULTILINE)
    other = table.replace(f"reveal = {roles}", 'reveal = ["operator", "owner"]')
    policies = [one for one in registry().shipped if not isinstance(one, AuthorityPolicy)]
    book = PolicyBook([AuthorityPolicy.parse(other), *policies])
    with open_crm("memory:", policies=book) as crm:
        crm.do(house("V1", "101"), by=CLERK)
        with pytest.raises(Refused) as refused:
            copy_of(crm, "V1")
        assert refused.value.details["act"] == "reveal"
        assert copy_of(crm, "V1", "V1#owner", by=Actor("V1#owner", "owner")).values["plain"] == 2


@pytest.mark.rule("LOG-08")
def test_a_member_gets_their_own_copy_also_after_they_left_and_no_other(estate: CRM) -> None:
    seller = Actor("V1#owner", "owner")
    assert copy_of(estate, "V1", "V1#owner", by=seller).made_by == "owner:V1#owner"
    for household, member in (("V1", None), ("V1", "T9"), ("V2", "V2#owner"), ("V2", "V1#owner")):
        with pytest.raises((Refused, Invalid)):
            copy_of(estate, household, member, by=seller)
    with pytest.raises(Refused) as refused:
        # A tenant is no owner.
        copy_of(estate, "V1", "T9", by=Actor("T9", "owner"))
    assert refused.value.reason == "not_of_household"
    assert copy_of(estate, "V1", "T9", by=Actor("T9", "user")).values["plain"] == 3


def test_staff_get_a_copy_about_themselves_if_they_are_registered(estate: CRM) -> None:
    assert estate.privacy.export_staff("li", by=CLERK, purpose="my own").staff == "li"
    with pytest.raises(Refused) as refused:
        # Nobody who is not in the register claims a role (LOG-08).
        estate.privacy.export_staff("zhao", by=Actor("zhao", "operator"), purpose="my own")
    assert refused.value.reason == "role_not_registered"


def test_a_copy_without_a_purpose_or_of_nobody_is_refused(estate: CRM) -> None:
    for code, ask in (
        ("purpose_missing", lambda: copy_of(estate, "V1", purpose="")),
        ("household_unknown", lambda: copy_of(estate, "V9")),
        ("member_unknown", lambda: copy_of(estate, "V1", "V2#owner")),
        ("staff_unknown", lambda: estate.privacy.export_staff("zhao", **ASKED)),
    ):
        with pytest.raises(Invalid) as refused:
            ask()
        assert refused.value.faults[0].code == code


# --- which field names whom ----------------------------------------------------------------------

BY_NAME = {
    *(
        "also",
        "by",
        "contact_left",
        "debtor",
        "first_asked",
        "from_assignee",
        "from_owner",
        "hands",
        "keeper",
        "member",
        "members",
        "person",
    ),
    *("on_duty", "owner", "prospect", "stand_in", "watcher"),
    *("passed_over", "payee", "payer", "recipient", "responsible", "staff", "supervisor"),
    *("asker", "guardian", "to", "to_owner"),
}
"""Fields that hold persons whatever the data map says, besides all that end in `_by`."""

OF_FILES = {
    ("owners.household_merged/1", "into"),
    ("owners.merge_undone/1", "into"),
    ("owners.sample_drawn/1", "households"),
    ("visits.draw_called_off/1", "households"),
    ("visits.drawn/1", "frame"),
    ("visits.drawn/1", "households"),
}
"""Fields that hold households, and are called otherwise elsewhere."""


def test_whoever_is_named_by_the_name_of_a_field_is_named_by_the_data_map() -> None:
    """Two ways to tell, written down apart from each other, tell the same."""
    naming = registry().naming
    persons, households, requests = set(), set(), set()

    def look(stored: str, fields: tuple[Field, ...]) -> None:
        for field in fields:
            name = field.name
            look(stored, field.inner)
            is_id = field.data not in ("policy", "digest", "time") and not field.inner
            if is_id and (name in BY_NAME or name.endswith("_by")):
                assert field.kind == "person", (stored, name)
                persons.add(name)
            elif is_id and (name.endswith("household") or (stored, name) in OF_FILES):
                assert field.kind == "household", (stored, name)
                households.add(name)
            elif field.kind == "request":
                requests.add(name)
            else:
                assert field.kind in (None, "position"), (stored, name)

    for kind in registry().catalog.types:
        look(kind.stored, naming.fields(kind.cls))
    assert persons > BY_NAME
    named = {"household", "from_household", "to_household"}
    assert households == named | {name for _, name in OF_FILES}
    assert requests == {"follows", "into", "of", "request", "requests", "successor"}


# --- the form of the copy ------------------------------------------------------------------------

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "person-export.md"


def test_the_keys_of_a_copy_are_those_of_the_reference_and_no_others(estate: CRM) -> None:
    """`a.b` is a key within a key, `a[].b` one of each in a list."""

    def keys(value: dict[str, Any], within: str = "") -> Iterator[str]:
        for key, inner in value.items():
            if isinstance(inner, dict) and key != "data":
                yield from keys(inner, f"{within}{key}.")
            elif isinstance(inner, list | tuple) and inner and isinstance(inner[0], dict):
                yield from keys(inner[0], f"{within}{key}[].")
            else:
                yield within + key

    written = re.findall(r"^\| `([^`]+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    found = [*keys(json.loads(json.dumps(copy_of(estate, "V1").as_dict())))]
    assert [*found, "state", "person", "text"] == written


def test_a_copy_is_the_same_each_time_and_reads_back_as_it_is(estate: CRM) -> None:
    copy = copy_of(estate, "V1").as_dict()
    assert json.loads(json.dumps(copy)) == json.loads(json.dumps(copy_of(estate, "V1").as_dict()))
    stored = {e.position: json.loads(estate.log.canonical(e.event)) for e in estate.log.feed()}
    for entry in copy["events"]:
        if entry["whole"] and entry["name"].startswith("payments.charge"):
            # What names nobody and was not typed stands as it is stored.
            clear = stored[entry["position"]].keys() - {"word", "reason"}
            assert {key: entry["data"][key] for key in clear} == {
                key: stored[entry["position"]][key] for key in clear
            }


# --- speed ---------------------------------------------------------------------------------------


def test_a_copy_of_ten_thousand_events_takes_less_than_a_second(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with open_crm("memory:") as crm:
        crm.do(house("V1", "101"), by=CLERK)
        now = crm.clock.now()
        charges = (
            RaiseCharge(*("V1", f"C{number}", "management_fee", "2024", 100), day("2024-01-31"))
            for number in range(10_000)
        )
        plan = (Planned(one, f"charge-{number}", now) for number, one in enumerate(charges))
        crm.batch(plan, by=CLERK)
        began = process_time()
        copy = copy_of(crm, "V1", "V1#owner")
        seconds = process_time() - began
    assert len(copy.events) == 10_003
    with capsys.disabled():
        print(f"\n{len(copy.events):,} events about one person in {seconds:.2f} s")
    # Of the processor, so that what else the machine does plays no part.
    assert seconds < 1
