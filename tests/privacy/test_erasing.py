"""A person is let go of, and nothing else is: given, when, then (PRV-04)."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from attrs import evolve

from crm_adapters import open_crm
from crm_core import CRM, Actor, Invalid, Personal, Refused
from crm_core.application.erasing import Erasure
from crm_core.errors import Failed
from crm_core.kernel.recorded import ROLES
from crm_core.kernel.sealed import Withheld
from crm_core.messages import MESSAGES, QueueMessage, TellStaff
from crm_core.messages.events import Parameter
from crm_core.owners import AddMember, ChangeContact, RegisterHousehold, TransferOwnership
from crm_core.owners.prospects import NoteProspect, RecordProspect
from crm_core.privacy import (
    LiftLegalHold,
    LiftStaffHold,
    PlaceLegalHold,
    PlaceStaffHold,
)
from crm_core.privacy.commands import GROUNDS, EraseMember
from crm_core.privacy.events import HouseholdErased, MemberErased
from crm_core.staff import RegisterStaff
from privacy.forgetting import (
    CLERK,
    DAY,
    DIRECTOR,
    KEEPER,
    LEADER,
    WHY,
    Company,
    inhabit,
    is_erased,
    leave,
    shown,
)

pytestmark = pytest.mark.rule("PRV-04")


@pytest.fixture
def company(tmp_path: Path) -> Company:
    company = Company(tmp_path)
    company.settle_in()
    return company


@pytest.fixture
def crm(company: Company) -> Iterator[CRM]:
    with company.open() as crm:
        yield crm


EVERYBODY = {"V1#owner": "open", "V2#owner": "open", "M7": "open", "yang": "open"}


# --- given, when, then ---------------------------------------------------------------------------


def test_a_member_is_erased_and_nobody_else(crm: CRM) -> None:
    root = crm.log.root()
    found = crm.privacy.erase("V1", "M7", by=KEEPER, purpose=WHY)
    assert (found.keys, found.member, found.done) == (("M7",), "M7", True)
    assert shown(crm) == EVERYBODY | {"M7": "erased"}
    assert crm.reveal("V1", "M7", "name", by=CLERK, purpose="service") == "personal value erased"
    assert crm.log.root(root.events) == root
    assert crm.verify(deep=True).intact


@pytest.mark.case("T24")
def test_what_was_recorded_says_who_decided_and_on_which_ground(crm: CRM) -> None:
    crm.privacy.erase("V1", "M7", by=KEEPER, purpose=WHY, ground="purpose_done")
    [recorded] = [e for e in crm.history("V1") if isinstance(e.event, MemberErased)]
    event = recorded.event
    assert recorded.envelope.actor == "custodian:kong"
    assert (event.erased_by, event.ground, event.keys) == ("kong", "purpose_done", ("M7",))
    assert event.on == DAY


def test_a_household_is_erased_with_its_members_of_all_tenures(crm: CRM) -> None:
    sold = TransferOwnership(
        "V1", "B8", date(2024, 1, 8), Personal("B8", "name of B8"), reason="transfer of ownership"
    )
    crm.do(sold, by=CLERK)
    leave(crm, "M7", DAY)
    found = crm.privacy.erase("V1", by=LEADER, purpose=WHY)
    assert found.keys == ("B8", "M7", "V1#owner", "V1~1")
    gone = dict.fromkeys(("V1#owner", "M7", "B8"), "erased")
    assert shown(crm) == EVERYBODY | gone
    [event] = [e.event for e in crm.history("V1") if isinstance(e.event, HouseholdErased)]
    assert event.members == ("B8", "M7", "V1#owner")


def test_who_moves_in_after_the_household_was_erased_has_keys_and_can_be_erased(crm: CRM) -> None:
    """The household's own key is another one each time."""
    assert "V1~1" in crm.privacy.erase("V1", by=KEEPER, purpose=WHY).keys
    crm.do(
        TransferOwnership(
            "V1", "N9", DAY, Personal("N9", "name of N9"), reason="transfer of ownership"
        ),
        by=CLERK,
    )
    assert shown(crm, "N9", "M7") == {"N9": "open", "M7": "erased"}
    assert {"V1~2", "N9"} <= {*crm.privacy.erase("V1", by=KEEPER, purpose=WHY).keys}
    assert shown(crm, "N9") == {"N9": "erased"}


@pytest.mark.case("T25")
def test_two_persons_in_one_event_are_independent(crm: CRM) -> None:
    """A transfer of ownership names who comes beside who goes."""
    sold = TransferOwnership(
        "V1", "B8", date(2024, 1, 8), Personal("B8", "name of B8"), reason="transfer of ownership"
    )
    crm.do(sold, by=CLERK)
    crm.privacy.erase("V1", "V1#owner", by=KEEPER, purpose=WHY)
    assert shown(crm, "V1#owner", "B8") == {"V1#owner": "erased", "B8": "open"}


def test_a_member_of_staff_is_erased_by_another(crm: CRM) -> None:
    found = crm.privacy.erase_staff("yang", by=KEEPER, purpose=WHY)
    assert (found.staff, found.household, found.keys) == ("yang", "", ("yang",))
    assert shown(crm) == EVERYBODY | {"yang": "erased"}


def test_who_never_became_a_customer_is_erased_too(crm: CRM) -> None:
    """They are of no household, and asked to be forgotten all the same (PIPL, art. 47)."""
    lead, sales = "P1", Actor("A1", "sales")
    crm.do(RegisterStaff(sales.id, sales.role, DAY), by=DIRECTOR)
    name = Personal(lead, "name of P1")
    crm.do(RecordProspect(lead, name, DAY), by=sales)
    crm.do(NoteProspect(lead, "knows the neighbours", DAY), by=sales)
    found = crm.privacy.erase_staff(lead, by=KEEPER, purpose=WHY)
    assert found.keys == (lead,)
    assert is_erased(crm, lead)
    crm.do(NoteProspect(lead, "called once more", DAY), by=sales)
    noted = [e.event.note for e in crm.history(f"prospect/{lead}") if hasattr(e.event, "note")]
    assert noted == [Withheld("erased")] * 2
    with pytest.raises(Refused) as refused:
        crm.privacy.erase_staff("P2", by=KEEPER, purpose=WHY)
    assert refused.value.reason == "unknown_staff"


def test_nothing_new_is_kept_of_who_is_erased(crm: CRM) -> None:
    crm.privacy.erase("V1", "V1#owner", by=KEEPER, purpose=WHY)
    again = ChangeContact("V1", "V1#owner", "told again", name=Personal("V1#owner", "name"))
    with pytest.raises(Failed) as failed:
        crm.do(again, by=CLERK)
    assert failed.value.code == "CRM-F011"


def test_the_copy_about_a_person_says_erased(crm: CRM) -> None:
    crm.privacy.erase("V1", "M7", by=KEEPER, purpose=WHY)
    copy = crm.privacy.export("V1", "M7", by=KEEPER, purpose="a copy")
    assert copy.values["erased"] >= 1
    assert copy.values["plain"] == 0
    names = [entry.name for entry in copy.events]
    assert "privacy.member_erased/1" in names
    others = crm.privacy.export("V1", "V1#owner", by=KEEPER, purpose="a copy")
    assert "privacy.member_erased/1" not in [entry.name for entry in others.events if entry.whole]


def test_what_is_said_of_a_hold_is_in_the_copy_of_whom_it_is_about(crm: CRM) -> None:
    crm.do(PlaceLegalHold("V1", "H1", DAY, "lawsuit", "M7"), by=LEADER)
    crm.do(PlaceLegalHold("V1", "H2", DAY, "lawsuit", "V1#owner"), by=LEADER)
    crm.do(LiftLegalHold("V1", "H2", DAY, "over"), by=LEADER)
    crm.do(LiftLegalHold("V1", "H1", DAY, "over"), by=LEADER)
    for member, hold in (("M7", "H1"), ("V1#owner", "H2")):
        copy = crm.privacy.export("V1", member, by=KEEPER, purpose="a copy")
        told = [e.data["hold"] for e in copy.events if e.whole and ".hold_" in e.name]
        assert told == [hold, hold]


# --- who may, and what is refused ----------------------------------------------------------------

ALLOWED = {"supervisor", "manager", "director", "custodian"}


@pytest.mark.rule("LOG-08")
@pytest.mark.parametrize("role", ROLES)
def test_who_leads_or_keeps_the_files_may_erase_and_nobody_else(role: str) -> None:
    with open_crm("memory:") as crm:
        crm.do(
            RegisterHousehold("V1", "A", "1", "1", "1", owner=Personal("V1#owner", "name")),
            by=CLERK,
        )
        reason = ""
        try:
            crm.privacy.erase("V1", by=Actor("X1", role), purpose=WHY)
        except Refused as refused:
            reason = refused.reason
        assert reason == ("" if role in ALLOWED else "role_insufficient")
        assert is_erased(crm, "V1#owner") == (role in ALLOWED)


@pytest.mark.rule("LOG-08")
def test_nobody_erases_themselves(crm: CRM) -> None:
    kong = Personal("kong", "name of kong")
    crm.do(AddMember("V1", "kong", "tenant", DAY, kong), by=CLERK)
    for erase in (
        lambda: crm.privacy.erase_staff("yang", by=DIRECTOR, purpose=WHY),
        lambda: crm.privacy.erase("V1", "kong", by=KEEPER, purpose=WHY),
        lambda: crm.privacy.erase("V1", by=KEEPER, purpose=WHY),
        lambda: crm.do(PlaceStaffHold("yang", "H1", DAY, "lawsuit"), by=DIRECTOR),
    ):
        with pytest.raises(Refused) as refused:
            erase()
        assert refused.value.reason == "own_matter"


@pytest.mark.rule("LOG-08")
def test_the_command_is_given_by_nobody_but_the_library(crm: CRM) -> None:
    """What it says would be recorded, and nothing would follow."""
    with pytest.raises(Refused) as refused:
        crm.do(EraseMember("V1", "M7", DAY, WHY), by=KEEPER)
    assert refused.value.reason == "given_inside_only"


def refused_for(crm: CRM, household: str, member: str | None, **more: str) -> str:
    asked = {"purpose": WHY, **more}
    before = crm.log.head()
    with pytest.raises(Refused) as refused:
        crm.privacy.erase(household, member, by=KEEPER, **asked)  # type: ignore[arg-type]
    assert crm.log.head() == before
    return refused.value.reason


def test_whom_nobody_knows_nobody_erases(crm: CRM) -> None:
    assert refused_for(crm, "V9", None) == "unknown_household"
    assert refused_for(crm, "V1", "V2#owner") == "unknown_member"
    with pytest.raises(Refused) as refused:
        crm.privacy.erase_staff("M7", by=KEEPER, purpose=WHY)
    assert refused.value.reason == "unknown_staff"


def test_nobody_is_erased_twice(crm: CRM) -> None:
    crm.privacy.erase("V1", "M7", by=KEEPER, purpose=WHY)
    assert refused_for(crm, "V1", "M7") == "erased_already"
    crm.privacy.erase("V1", by=KEEPER, purpose=WHY)
    assert refused_for(crm, "V1", None) == "erased_already"
    assert refused_for(crm, "V1", "V1#owner") == "erased_already"
    crm.privacy.erase_staff("yang", by=KEEPER, purpose=WHY)
    with pytest.raises(Refused) as refused:
        crm.privacy.erase_staff("yang", by=KEEPER, purpose=WHY)
    assert refused.value.reason == "erased_already"


def test_what_for_is_said_and_the_ground_is_one_that_there_is(crm: CRM) -> None:
    assert refused_for(crm, "V1", "M7", purpose=" ") == "reason_missing"
    assert refused_for(crm, "V1", "M7", ground="because") == "unknown_ground"
    for number, ground in enumerate(GROUNDS):
        member = f"L{number}"
        crm.do(AddMember("V1", member, "tenant", DAY, Personal(member, "name")), by=CLERK)
        assert crm.privacy.erase("V1", member, by=KEEPER, purpose=WHY, ground=ground).done


# --- legal holds ---------------------------------------------------------------------------------


@pytest.mark.case("T26")
@pytest.mark.parametrize(
    ("held", "household", "member"),
    [
        (None, "V1", None),
        (None, "V1", "M7"),
        ("M7", "V1", "M7"),
        ("M7", "V1", None),
        ("V1#owner", "V1", None),
    ],
)
def test_a_legal_hold_refuses_with_its_number_and_its_reason(
    crm: CRM, held: str | None, household: str, member: str | None
) -> None:
    crm.do(PlaceLegalHold("V1", "H1", DAY, "lawsuit about the roof", held), by=LEADER)
    for dry in (True, False):
        with pytest.raises(Refused) as refused:
            crm.privacy.erase(household, member, by=KEEPER, purpose=WHY, dry=dry)
        assert refused.value.reason == "legal_hold"
        assert refused.value.details["hold"] == "H1"
        assert "lawsuit about the roof" in str(refused.value)
    assert shown(crm) == EVERYBODY
    crm.do(LiftLegalHold("V1", "H1", DAY, "judged"), by=LEADER)
    assert crm.privacy.erase(household, member, by=KEEPER, purpose=WHY).done


@pytest.mark.case("T26")
def test_a_hold_on_one_holds_nobody_else(crm: CRM) -> None:
    crm.do(PlaceLegalHold("V1", "H1", DAY, "lawsuit", "M7"), by=LEADER)
    assert crm.privacy.erase("V1", "V1#owner", by=KEEPER, purpose=WHY).done
    assert crm.privacy.erase("V2", by=KEEPER, purpose=WHY).done


@pytest.mark.case("T26")
def test_who_is_held_in_one_household_is_held_in_every_other(crm: CRM) -> None:
    """A person has one key, wherever they live."""
    crm.do(AddMember("V2", "M7", "tenant", DAY, Personal("M7", "name of M7")), by=CLERK)
    crm.do(PlaceLegalHold("V2", "H1", DAY, "lawsuit", "M7"), by=LEADER)
    assert refused_for(crm, "V1", "M7") == "legal_hold"
    assert refused_for(crm, "V1", None) == "legal_hold"


@pytest.mark.case("T26")
def test_a_member_of_staff_is_held_too(crm: CRM) -> None:
    crm.do(PlaceStaffHold("yang", "H2", DAY, "audit"), by=KEEPER)
    with pytest.raises(Refused) as refused:
        crm.privacy.erase_staff("yang", by=KEEPER, purpose=WHY)
    assert refused.value.reason == "legal_hold"
    crm.do(LiftStaffHold("yang", "H2", DAY, "done"), by=KEEPER)
    assert crm.privacy.erase_staff("yang", by=KEEPER, purpose=WHY).done


@pytest.mark.case("T26")
def test_what_a_hold_must_say(crm: CRM) -> None:
    placed = PlaceLegalHold("V1", "H1", DAY, "lawsuit", "M7")
    for command, reason in (
        (evolve(placed, member="M8"), "unknown_member"),
        (evolve(placed, household="V9"), "unknown_household"),
        (evolve(placed, reason=" "), "reason_missing"),
        (placed, ""),
        (placed, "hold_exists"),
        (PlaceStaffHold("yang", "H1", DAY, "audit"), "hold_exists"),
        (PlaceStaffHold("M7", "H2", DAY, "audit"), "unknown_staff"),
        (LiftLegalHold("V1", "H9", DAY, "over"), "unknown_hold"),
        (LiftLegalHold("V2", "H1", DAY, "over"), "unknown_hold"),
        (LiftStaffHold("yang", "H1", DAY, "over"), "unknown_hold"),
        (LiftLegalHold("V1", "H1", date(2024, 1, 9), "over"), "too_early"),
        (LiftLegalHold("V1", "H1", DAY, ""), "reason_missing"),
        (LiftLegalHold("V1", "H1", DAY, "over"), ""),
        (LiftLegalHold("V1", "H1", DAY, "over"), "hold_lifted"),
    ):
        found = ""
        try:
            crm.do(command, by=LEADER)
        except Refused as refused:
            found = refused.reason
        assert found == reason, command


# --- messages ------------------------------------------------------------------------------------


def queue(crm: CRM, number: str, recipient: str = "") -> str:
    """Have something told to somebody of V1; how the message stands."""
    told = QueueMessage(
        "V1",
        f"{number}:0",
        "request-received-neutral",
        (Parameter("answer_by", "2024-01-10T05:00:00Z"), Parameter("request", "R1")),
        recipient=recipient,
    )
    crm.do(told, by=Actor("host", "host"))
    return messages_of(crm)[-1]


def messages_of(crm: CRM) -> list[str]:
    decider = MESSAGES.decider
    state, _ = crm.log.fold("messages/V1", decider.evolve, decider.initial)
    told = [(state.queued[message].recipient, state.status(message)) for message in state.queued]
    return [f"{whom} {status.name} {status.reason}".strip() for whom, status in told]


def test_what_is_still_to_be_told_to_them_is_withheld_at_once_and_for_ever(crm: CRM) -> None:
    queue(crm, "c1", "M7")
    queue(crm, "c2", "V1#owner")
    assert crm.privacy.erase("V1", "M7", by=KEEPER, purpose=WHY).messages == 1
    assert messages_of(crm) == ["M7 withheld erased", "V1#owner waiting"]
    assert queue(crm, "c3", "M7") == "M7 withheld erased"
    assert queue(crm, "c4") == "V1#owner waiting"
    crm.privacy.erase("V1", by=KEEPER, purpose=WHY)
    assert set(messages_of(crm)) == {"M7 withheld erased", "V1#owner withheld erased"}


def test_who_comes_after_them_in_the_household_is_told_instead(crm: CRM) -> None:
    crm.privacy.erase("V1", "V1#owner", by=KEEPER, purpose=WHY)
    assert queue(crm, "c1") == "M7 waiting"


def test_staff_who_are_erased_are_told_of_no_work(crm: CRM) -> None:
    given = (Parameter("given_at", "2024-01-10T05:00:00Z"), Parameter("request", "R1"))
    crm.do(TellStaff("yang", "c1:0", "order-given", given), by=Actor("host", "host"))
    assert crm.privacy.erase_staff("yang", by=KEEPER, purpose=WHY).messages == 1


# --- what it tells -------------------------------------------------------------------------------


def test_a_look_tells_what_would_go_and_changes_nothing(company: Company) -> None:
    before = {p: p.read_bytes() for p in company.folder.iterdir()}
    with company.open() as crm:
        looked = crm.privacy.erase("V1", by=KEEPER, purpose=WHY, dry=True)
    assert {p: p.read_bytes() for p in company.folder.iterdir()} == before
    with company.open() as crm:
        done = crm.privacy.erase("V1", by=KEEPER, purpose=WHY)
    assert not looked.done
    assert done.done
    assert _comparable(looked) == _comparable(done)


def _comparable(found: Erasure) -> Erasure:
    traces = tuple(one for one in found.traces if one.kind != "database")
    return evolve(found, done=True, traces=traces)


def test_tombstones_hold_ids_and_nothing_personal(company: Company) -> None:
    with company.open() as crm:
        crm.privacy.erase("V1", by=KEEPER, purpose="because name of M7 asked")
    text = company.erased.read_text(encoding="utf-8")
    assert stat.S_IMODE(company.erased.stat().st_mode) == 0o600
    lines = [json.loads(line.partition(" ")[2]) for line in text.splitlines()]
    assert [line["kind"] for line in lines] == ["erased", "settled"]
    assert lines[0]["keys"] == ["M7", "V1#owner", "V1~1"]
    assert lines[0].keys() == {"digest", "household", "keys", "kind", "settled", "version"}


def test_an_actor_or_a_purpose_that_is_none_is_invalid(crm: CRM) -> None:
    with pytest.raises(Invalid):
        crm.privacy.erase("V1", by="kong", purpose=WHY)  # type: ignore[arg-type]
    with pytest.raises(Invalid):
        crm.privacy.erase("V1", by=KEEPER, purpose="a\ud800")


def test_a_log_in_memory_is_erased_in_too() -> None:
    with open_crm("memory:") as crm:
        inhabit(crm)
        crm.host.clock = Company(Path()).clock
        crm.privacy.erase("V1", "M7", by=KEEPER, purpose=WHY)
        assert shown(crm, "M7", "V1#owner") == {"M7": "erased", "V1#owner": "open"}
