"""A household with several files is erased and copied as one (PRV-04, PRV-09, OWN-09)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from crm_core import CRM, Actor, Personal, Refused
from crm_core.messages import MESSAGES, QueueMessage
from crm_core.messages.events import Parameter
from crm_core.owners import (
    AddMember,
    MergeHousehold,
    RegisterHousehold,
    TransferOwnership,
    UndoMerge,
)
from crm_core.payments import RaiseCharge, ReceivePayment
from crm_core.privacy import LiftLegalHold, LiftStaffHold, PlaceLegalHold, PlaceStaffHold
from crm_core.requests import ReceiveRequest, Request
from privacy.forgetting import (
    CLERK,
    DAY,
    DIRECTOR,
    KEEPER,
    LEADER,
    WHY,
    Company,
    is_erased,
    shown,
)

NOW = datetime(2024, 1, 10, 1, tzinfo=UTC)
WHOLE_GROUP = {"V1#owner", "V3#owner", "M7", "V1~1", "V3~1"}


@pytest.fixture
def company(tmp_path: Path) -> Company:
    """V1 and V2 next door, and V3, which turns out to be a second file of V1."""
    company = Company(tmp_path)
    company.settle_in()
    with company.open() as crm:
        owner = Personal("V3#owner", "name of V3#owner")
        crm.do(RegisterHousehold("V3", "Anhe", "1", "1", "103", owner=owner), by=CLERK)
        crm.do(asked("R3", "V3"), by=CLERK)
        crm.do(MergeHousehold("V3", "V1", DAY, "the same flat"), by=LEADER)
    return company


@pytest.fixture
def crm(company: Company) -> Iterator[CRM]:
    with company.open() as crm:
        yield crm


def asked(request: str, household: str, by: str | None = None) -> ReceiveRequest:
    return ReceiveRequest(
        *(request, household, "phone", "complaint", "engineering", "general"),
        summary=f"the pipe of {household} drips",
        received_at=NOW,
        first_asked=CLERK.id,
        asked_by=by,
    )


def summary(crm: CRM, request: str) -> str:
    found = crm.get(Request, request, by=CLERK)
    assert found is not None
    return str(found.received.summary)


def refused_for(crm: CRM, household: str, member: str | None = None) -> Refused:
    before = crm.log.head()
    with pytest.raises(Refused) as refused:
        crm.privacy.erase(household, member, by=KEEPER, purpose=WHY)
    assert crm.log.head() == before
    return refused.value


# --- erasing -------------------------------------------------------------------------------------


@pytest.mark.rule("PRV-04", "OWN-09")
@pytest.mark.parametrize("named", ["V1", "V3"])
def test_a_household_is_erased_with_every_file_of_it(crm: CRM, named: str) -> None:
    assert "drips" in summary(crm, "R3")
    looked = crm.privacy.erase(named, by=KEEPER, purpose=WHY, dry=True)
    found = crm.privacy.erase(named, by=KEEPER, purpose=WHY)
    assert {*looked.keys} == {*found.keys} == WHOLE_GROUP
    assert (looked.done, found.done) == (False, True)
    assert "drips" not in summary(crm, "R3"), "the text about the second file is closed as well"
    assert shown(crm, "V1#owner", "M7", "V3#owner", "V2#owner") == {
        "V1#owner": "erased",
        "M7": "erased",
        "V3#owner": "erased",
        "V2#owner": "open",
    }
    assert refused_for(crm, "V1").reason == refused_for(crm, "V3").reason == "erased_already"
    assert crm.verify(deep=True).intact


@pytest.mark.rule("PRV-04", "OWN-09")
def test_what_is_told_of_one_file_afterwards_is_erased_alone(crm: CRM) -> None:
    crm.privacy.erase("V1", by=KEEPER, purpose=WHY)
    crm.do(AddMember("V1", "M8", "tenant", DAY, Personal("M8", "name of M8")), by=CLERK)
    assert {*crm.privacy.erase("V3", by=KEEPER, purpose=WHY).keys} >= {"M8", "V1~2"}
    assert is_erased(crm, "M8")


@pytest.mark.rule("PRV-04", "OWN-09")
def test_after_the_merge_is_undone_each_file_is_erased_for_itself(crm: CRM) -> None:
    crm.do(UndoMerge("V3", "two flats after all"), by=LEADER)
    assert {*crm.privacy.erase("V3", by=KEEPER, purpose=WHY).keys} == {"V3#owner", "V3~1"}
    assert shown(crm, "V1#owner", "M7") == {"V1#owner": "open", "M7": "open"}


@pytest.mark.rule("PRV-04", "OWN-09")
def test_a_crash_between_the_files_is_finished_by_the_next_who_opens(company: Company) -> None:
    with company.open() as crm:
        crm.privacy.erase("V1", by=KEEPER, purpose=WHY)
        stones = crm.host.tombstones.read()
        assert {stone.household for stone in stones if stone.settled} == {"V1", "V3"}
    company.erased.unlink()
    with company.open() as crm:
        assert {key for key in WHOLE_GROUP if is_erased(crm, key)} == WHOLE_GROUP


@pytest.mark.rule("PRV-04", "OWN-09")
def test_a_member_is_erased_in_the_file_that_has_them_and_the_others_are_named(crm: CRM) -> None:
    found = crm.privacy.erase("V1", "V3#owner", by=KEEPER, purpose=WHY)
    assert (found.household, found.keys) == ("V3", ("V3#owner",))
    assert found.others == ("M7", "V1#owner"), "one of them may be the same person once more"
    assert crm.privacy.erase("V2", by=KEEPER, purpose=WHY).others == ()
    assert refused_for(crm, "V1", "V2#owner").reason == "unknown_member"


@pytest.mark.rule("PRV-04", "OWN-09")
def test_what_waits_in_any_file_of_theirs_is_withheld(crm: CRM) -> None:
    told = QueueMessage(
        *("V1", "c1:0", "request-received-neutral"),
        parameters=(Parameter("answer_by", "2024-01-10T05:00:00Z"), Parameter("request", "R3")),
        recipient="V3#owner",
    )
    crm.do(told, by=Actor("host", "host"))
    assert crm.privacy.erase("V3", "V3#owner", by=KEEPER, purpose=WHY).messages == 1
    decider = MESSAGES.decider
    state, _ = crm.log.fold("messages/V1", decider.evolve, decider.initial)
    assert [state.status(message).reason for message in state.queued] == ["erased"]


# --- holds ---------------------------------------------------------------------------------------


@pytest.mark.rule("PRV-04")
@pytest.mark.case("T26")
@pytest.mark.parametrize("held", [None, "V3#owner"])
def test_a_hold_on_one_file_holds_the_household(crm: CRM, held: str | None) -> None:
    crm.do(PlaceLegalHold("V3", "H1", DAY, "lawsuit about the pipe", held), by=LEADER)
    refused = refused_for(crm, "V1")
    assert (refused.reason, refused.details["hold"]) == ("legal_hold", "H1")
    assert "lawsuit about the pipe" in str(refused)


@pytest.mark.rule("PRV-04")
@pytest.mark.case("T26")
@pytest.mark.parametrize("held", [None, "V2#owner"])
def test_a_text_about_somebody_who_is_held_is_not_closed_for_them(
    crm: CRM, held: str | None
) -> None:
    """Whoever erases one of two closes what was said of both: it is kept as long as it must."""
    both = ReceiveRequest(
        *("R9", "V2", "phone", "complaint", "engineering", "general"),
        summary="V1 and V2 came to blows",
        received_at=NOW,
        first_asked=CLERK.id,
        asked_by="V2#owner",
    )
    crm.do(both, by=CLERK, about=("V1#owner", "V2#owner"))
    crm.do(PlaceLegalHold("V2", "H2", DAY, "they sue each other", held), by=LEADER)
    for member in (None, "V1#owner"):
        assert refused_for(crm, "V1", member).details["hold"] == "H2"
    # Whoever is in no text with them is not held.
    assert crm.privacy.erase("V1", "M7", by=KEEPER, purpose=WHY).done
    crm.do(LiftLegalHold("V2", "H2", DAY, "they agreed"), by=LEADER)
    assert crm.privacy.erase("V1", "V1#owner", by=KEEPER, purpose=WHY).done
    assert "blows" not in summary(crm, "R9")


@pytest.mark.rule("PRV-04")
def test_what_for_something_was_done_is_such_a_text_too(crm: CRM) -> None:
    """The purpose is all that names both."""
    crm.do(
        AddMember("V2", "M9", "tenant", DAY, Personal("M9", "name of M9")),
        by=CLERK,
        purpose="V1 asked for it",
        about=("V1#owner", "V2#owner"),
    )
    crm.do(PlaceLegalHold("V2", "H2", DAY, "they sue each other", "V2#owner"), by=LEADER)
    assert refused_for(crm, "V1", "V1#owner").details["hold"] == "H2"


@pytest.mark.rule("PRV-04")
def test_what_is_closed_already_holds_nobody(crm: CRM) -> None:
    both = asked("R9", "V2", "V2#owner")
    crm.do(both, by=CLERK, about=("V1#owner", "V3#owner", "V2#owner"))
    crm.privacy.erase("V1", "V3#owner", by=KEEPER, purpose=WHY)
    crm.do(PlaceLegalHold("V2", "H2", DAY, "a lawsuit"), by=LEADER)
    assert crm.privacy.erase("V1", "V1#owner", by=KEEPER, purpose=WHY).done


@pytest.mark.rule("PRV-04")
def test_a_hold_on_staff_keeps_what_was_said_of_them_and_a_household(crm: CRM) -> None:
    crm.do(asked("R9", "V2", "V2#owner"), by=CLERK, about=("V2#owner", CLERK.id))
    crm.do(PlaceStaffHold(CLERK.id, "H3", DAY, "an inquiry"), by=DIRECTOR)
    assert refused_for(crm, "V2").details["hold"] == "H3"
    assert refused_for(crm, "V2", "V2#owner").details["hold"] == "H3"
    crm.do(LiftStaffHold(CLERK.id, "H3", DAY, "nothing found"), by=DIRECTOR)
    crm.do(PlaceLegalHold("V2", "H4", DAY, "a lawsuit"), by=LEADER)
    with pytest.raises(Refused) as refused:
        crm.privacy.erase_staff(CLERK.id, by=KEEPER, purpose=WHY)
    assert refused.value.details["hold"] == "H4"


# --- the copy ------------------------------------------------------------------------------------


@pytest.mark.rule("PRV-09", "OWN-09")
@pytest.mark.parametrize("named", ["V1", "V3"])
def test_the_copy_of_a_household_is_of_every_file_of_it(crm: CRM, named: str) -> None:
    copy = crm.privacy.export(named, by=KEEPER, purpose="rights")
    about = {e.position for e in crm.log.feed() if e.household in ("V1", "V3")}
    assert {entry.position for entry in copy.events if entry.whole} == about
    assert {role.member for role in copy.roles} == {"V1#owner", "M7", "V3#owner"}
    said = [e.data["summary"]["text"] for e in copy.events if e.name.startswith("requests.rec")]
    assert said == ["the pipe of V3 drips"]
    other = crm.privacy.export("V2", by=KEEPER, purpose="rights")
    assert "V3#owner" not in str(other)


@pytest.mark.rule("PRV-09", "OWN-09")
def test_what_has_one_number_in_two_files_is_of_whoever_had_a_part_in_it(crm: CRM) -> None:
    """V1's charge is the seller's; the other file's, of the same number, came after the sale."""
    buyer = Personal("V1#buyer", "name of V1#buyer")
    crm.do(RaiseCharge("V1", "C1", "management_fee", "2023-4", 100_00, DAY), by=CLERK)
    crm.clock.day(DAY + timedelta(days=20))  # type: ignore[attr-defined]
    crm.do(
        TransferOwnership(
            "V1", "V1#buyer", DAY + timedelta(days=10), buyer, reason="transfer of ownership"
        ),
        by=CLERK,
    )
    later = DAY + timedelta(days=20)
    crm.do(RaiseCharge("V3", "C1", "management_fee", "2024-1", 100_00, later), by=CLERK)
    raised = [e.position for e in crm.log.feed() if e.name.startswith("payments.charge_raised")]
    for member, own in (("V1#owner", raised[:1]), ("V1#buyer", raised[1:])):
        copy = crm.privacy.export("V1", member, by=KEEPER, purpose="rights")
        assert [e.position for e in copy.events if e.whole and e.position in raised] == own


@pytest.mark.rule("PRV-09", "OWN-09")
def test_of_each_file_a_member_gets_what_they_had_a_part_in(crm: CRM) -> None:
    """Two charges have one number, one in each file: whose each is follows from its own file."""
    due = DAY + timedelta(days=30)
    crm.do(UndoMerge("V3", "for now"), by=LEADER)
    for household in ("V1", "V3"):
        charge = RaiseCharge(household, "C1", "management_fee", "2024-1", 100_00, due)
        crm.do(charge, by=CLERK)
        crm.do(ReceivePayment(household, "P1", 100_00, DAY, "cash", "C1"), by=CLERK)
    crm.do(MergeHousehold("V3", "V1", DAY, "the same flat"), by=LEADER)
    owner = crm.privacy.export("V1", "V1#owner", by=KEEPER, purpose="rights")
    second = crm.privacy.export("V1", "V3#owner", by=KEEPER, purpose="rights")
    raised = [e for e in crm.log.feed() if e.name.startswith("payments.charge_raised")]
    for copy in (owner, second):
        own = {entry.position for entry in copy.events if entry.whole}
        assert {e.position for e in raised} <= own
    alone = [e.position for e in crm.log.feed() if getattr(e.event, "member", "") == "V3#owner"]
    assert alone
    mine = {entry.position for entry in owner.events if entry.whole}
    assert mine.isdisjoint(alone), "what is about one member alone is theirs"
