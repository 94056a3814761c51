"""What people type is closed under the keys of those it is about, and opened for the case (PRV-02).

Every text is a mark of its own, so that it can be looked for in every byte that was written.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_adapters import open_crm
from crm_adapters.keys import LocalVault
from crm_core import CRM, Actor, CommandReused, Invalid, Personal, Planned, Refused
from crm_core.errors import PersonErased
from crm_core.kernel.catalog import EventType
from crm_core.kernel.data_map import CLASSES
from crm_core.kernel.recorded import Envelope, Tip
from crm_core.kernel.sealed import Said, Sealed, Withheld, typed
from crm_core.kernel.sealing import PURPOSE, changed, changed_texts, has_texts, sealed_in, steps_of
from crm_core.kernel.subjects import COMPANY, joined, of_household, persons_in, standing
from crm_core.kernel.word import Word
from crm_core.owners import AddMember, EndRole, RegisterHousehold
from crm_core.payments import (
    DecideWaiver,
    DisputeCharge,
    MovePayment,
    ProposeWaiver,
    RaiseCharge,
    ReceivePayment,
)
from crm_core.privacy.rights import AskRight
from crm_core.requests import NoteProgress, ReceiveRequest, Request
from crm_core.requests.events import RequestReceived
from crm_core.requests.parts import Evidence
from crm_core.slices import catalog
from crm_core.staff import EndStaffRole, RegisterStaff
from crm_core.testing.strategies import events_of

pytestmark = pytest.mark.rule("PRV-02")

CLERK, LEADER, MANAGER = (
    Actor("li", "specialist"),
    Actor("wu", "supervisor"),
    Actor("mei", "manager"),
)
OWNER, TENANT, NEIGHBOUR = "V1#owner", "V1#tenant", "V2#owner"
NOW = datetime(2024, 3, 4, 1, tzinfo=UTC)
MARK = "只有当事人知道的话-8431"
"""A text that nobody else writes."""


@pytest.fixture
def crm(tmp_path: Path) -> Iterator[CRM]:
    with open_crm(f"sqlite:///{tmp_path / 'crm.db'}", create=True) as opened:
        settle(opened)
        yield opened


def settle(crm: CRM) -> None:
    """Two homes next to each other, one of them let."""
    for home, room in (("V1", "101"), ("V2", "102")):
        member = f"{home}#owner"
        crm.do(
            RegisterHousehold(
                home, "银湖花园", "8", "2", room, "person", Personal(member, "王小明"),
                moved_in=date(2020, 1, 1),
            ),
            by=CLERK,
        )  # fmt: skip
    tenant = Personal(TENANT, "欧阳修竹")
    crm.do(AddMember("V1", TENANT, "tenant", date(2023, 1, 1), tenant, None, "phone"), by=CLERK)


def asked(number: str = "R1", home: str = "V1", by: str | None = OWNER, **other: Any) -> Any:
    """A request, told in words that are looked for."""
    said = {"place": MARK, "summary": MARK, **other}
    return ReceiveRequest(
        number, home, "phone", "repair", "engineering", "general", said["summary"],
        datetime.now(UTC), "li", place=said["place"], asked_by=by,
    )  # fmt: skip


def stored(crm: CRM, tmp_path: Path) -> bytes:
    """Every byte that was written about it: log, vault and what lies beside them."""
    with sqlite3.connect(tmp_path / "crm.db") as file:
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return b"".join(file.read_bytes() for file in sorted(tmp_path.iterdir()) if file.is_file())


def about(crm: CRM, stream: str) -> list[str]:
    """The subjects of the texts of the last event of a stream."""
    *_, last = crm.log.read(stream)
    found = [value.subject for value, _ in sealed_in(last.stream, last.version, last.event)]
    purpose = last.envelope.purpose
    return found + ([purpose.subject] if isinstance(purpose, Sealed) else [])


# --- it is closed, and opens for the case in hand ------------------------------------------------


def test_what_a_clerk_types_is_in_no_byte_and_opens_without_a_purpose(
    crm: CRM, tmp_path: Path
) -> None:
    crm.do(asked(), by=CLERK, purpose=MARK)
    [received] = crm.history("request/R1")
    assert received.event.summary == received.event.spot == received.envelope.purpose == MARK
    found = crm.get(Request, "R1", by=CLERK)
    assert found is not None
    assert found.received.summary == MARK
    assert MARK.encode() not in stored(crm, tmp_path)
    [raw] = crm.log.read("request/R1")
    assert isinstance(raw.event.summary, Sealed)
    assert raw.event.channel == "phone", "codes, times and kinds stay clear"


def test_where_within_a_home_is_closed_and_where_on_the_estate_is_counted(crm: CRM) -> None:
    crm.do(asked(place="厨房"), by=CLERK)
    crm.do(asked("R2", "", None, place="八号楼电梯"), by=CLERK)
    home, estate = (next(crm.log.read(f"request/{n}")).event for n in ("R1", "R2"))
    assert (home.place, isinstance(home.spot, Sealed)) == ("", True)
    assert (estate.place, estate.spot) == ("八号楼电梯", "")


TYPED = [
    pytest.param(kind, id=kind.stored) for kind in catalog().types if has_texts(kind.cls)
]  # fmt: skip


@pytest.mark.parametrize("kind", TYPED)
@settings(max_examples=10)
@given(data=st.data())
def test_no_text_of_any_event_is_stored_as_it_was_typed(kind: EventType, data: Any) -> None:
    """However deep it stands; and each is closed for its own place alone."""
    event = data.draw(events_of(kind, stored=False))
    marked = changed_texts(event, lambda _, at: f"{MARK} {at}")
    marked = changed(
        marked, lambda value, _: value if isinstance(value, str) else Personal("V1#owner", "x")
    )
    envelope = Envelope("system:test", "c1", marked, NOW.date(), NOW)
    with open_crm("memory:") as crm:
        written = crm.log.codec.encode(  # type: ignore[attr-defined]
            "any/1", Tip(), "V1", [envelope], about=("V1#owner",)
        )
        [[row], _] = written
        assert MARK not in row[5]
        told = crm.log.codec.decode(row)  # type: ignore[attr-defined]
        for value, place in sealed_in("any/1", 1, told.event):
            opened = crm.host.vault.open(value, place)
            assert getattr(opened, "text", "") in (f"{MARK} {place.field}", "x")


def test_every_field_that_people_type_in_freely_is_closed() -> None:
    """All that the data map calls typed is closed, or one of these, each for its reason."""
    left = {name for name, one in CLASSES.items() if one.typed and not one.sealed}
    assert left == {"label", "place", "policy", "purchase"}


def test_what_is_sealed_cannot_be_said_by_a_caller(crm: CRM) -> None:
    crm.do(asked(), by=CLERK)
    [raw] = crm.log.read("request/R1")
    with pytest.raises(Invalid, match="summary"):
        crm.do(asked("R2", summary=raw.event.summary), by=CLERK)
    forged = Word(OWNER, "phone", raw.event.summary)
    with pytest.raises(Invalid, match="reference"):
        crm.do(DisputeCharge("V1", "D1", "C1", 100, date(2024, 3, 4), "x", forged), by=CLERK)
    with pytest.raises(TypeError):
        typed(raw.event.summary)


# --- whom it is about ----------------------------------------------------------------------------


def test_by_itself_it_is_about_who_is_named_else_who_asked_else_the_household(crm: CRM) -> None:
    crm.do(EndRole("V1", TENANT, "tenant", date(2024, 1, 1), "搬走", "phone"), by=CLERK)
    assert about(crm, "household/V1") == [TENANT]
    crm.do(asked(), by=CLERK)
    assert about(crm, "request/R1") == [OWNER, OWNER]
    crm.do(NoteProgress("R1", MARK, True, datetime.now(UTC)), by=CLERK)
    assert about(crm, "request/R1") == [OWNER]
    crm.do(asked("R2", by=None), by=CLERK)
    assert about(crm, "request/R2") == ["V1~1", "V1~1"]
    crm.do(asked("R3", "", None, place="电梯"), by=CLERK)
    assert about(crm, "request/R3") == [COMPANY]


def test_what_is_said_of_one_of_the_staff_is_about_them(crm: CRM) -> None:
    yang = Actor("yang", "director")
    crm.do(RegisterStaff("yang", "director", date(2024, 1, 1)), by=yang)
    crm.do(RegisterStaff("sun", "operator", date(2024, 1, 1)), by=yang)
    ended = EndStaffRole("sun", "operator", date(2024, 3, 1), MARK)
    crm.do(ended, by=yang)
    *_, last = crm.log.feed()
    assert about(crm, last.stream) == ["sun"]


def test_a_clerk_names_others_besides(crm: CRM) -> None:
    crm.do(asked(), by=CLERK, about=(NEIGHBOUR, "V2"), purpose="x")
    assert set(about(crm, "request/R1")) == {joined([OWNER, NEIGHBOUR, "V2~1"])}
    crm.host.vault.erase(NEIGHBOUR)
    [closed] = crm.history("request/R1")
    assert closed.event.summary == closed.envelope.purpose == Withheld("erased")


@pytest.mark.parametrize("nobody", ["V9", "V9#owner", "somebody"])
def test_nobody_is_named_who_is_not_known(crm: CRM, nobody: str) -> None:
    with pytest.raises(Refused) as refused:
        crm.do(asked(), by=CLERK, about=(nobody,))
    assert refused.value.reason == "about_unknown"
    assert not list(crm.log.read("request/R1"))
    with pytest.raises(Invalid, match="about"):
        crm.do(asked(), by=CLERK, about=("not an id",))


def test_who_asks_is_a_member_of_the_household(crm: CRM) -> None:
    with pytest.raises(Refused) as refused:
        crm.do(asked(by=NEIGHBOUR), by=CLERK)
    assert refused.value.reason == "not_a_member"


SUBJECTS = st.lists(st.sampled_from([OWNER, NEIGHBOUR, "V1~1", "V2~1", "li"]), max_size=4)


@given(of=st.sampled_from([OWNER, None]), others=SUBJECTS)
@settings(max_examples=30, deadline=None)
def test_whoever_is_among_them_closes_it_and_nobody_else_does(
    of: str | None, others: list[str]
) -> None:
    """By a literal reading of the rule: about who asked, or the home, and whoever was named."""
    with open_crm("memory:") as crm:
        settle(crm)
        yang = Actor("yang", "director")
        crm.do(RegisterStaff("yang", "director", date(2024, 1, 1)), by=yang)
        crm.do(RegisterStaff("li", "specialist", date(2024, 1, 1)), by=yang)
        named = [one.partition("~")[0] for one in others]
        crm.do(asked(by=of), by=CLERK, about=named)
        wanted = {of or "V1~1", *others}
        [subject, _] = about(crm, "request/R1")
        assert set(subject.split(" ")) == wanted
        for one in sorted({OWNER, NEIGHBOUR, "V1~1", "V2~1", "li"} - wanted):
            crm.host.vault.erase(one)
            assert next(crm.history("request/R1")).event.summary == MARK
        crm.host.vault.erase(min(wanted))
        assert next(crm.history("request/R1")).event.summary == Withheld("erased")


# --- what says it again --------------------------------------------------------------------------


def test_what_is_decided_on_a_text_and_says_it_again_is_about_the_same_persons(crm: CRM) -> None:
    """The approval repeats the reason of the proposal, which named the neighbour."""
    due = date(2024, 1, 31)
    crm.do(RaiseCharge("V1", "C1", "management_fee", "2024-01", 10_000, due), by=CLERK)
    proposed = ProposeWaiver("V1", "W1", "C1", 5_000, date(2024, 3, 1), MARK)
    crm.do(proposed, by=CLERK, about=(NEIGHBOUR,))
    crm.do(DecideWaiver("V1", "W1", True, date(2024, 3, 2)), by=MANAGER)
    *_, waived = crm.history("account/V1")
    assert waived.event.reason == MARK
    assert about(crm, "account/V1") == [joined([NEIGHBOUR, "V1~1"])]
    crm.host.vault.erase(NEIGHBOUR)
    *_, waived = crm.history("account/V1")
    assert waived.event.reason == Withheld("erased")


def test_what_was_erased_before_it_is_said_again_stays_erased(crm: CRM) -> None:
    due = date(2024, 1, 31)
    crm.do(RaiseCharge("V1", "C1", "management_fee", "2024-01", 10_000, due), by=CLERK)
    proposed = ProposeWaiver("V1", "W1", "C1", 5_000, date(2024, 3, 1), MARK)
    crm.do(proposed, by=CLERK, about=(NEIGHBOUR,))
    crm.host.vault.erase(NEIGHBOUR)
    crm.do(DecideWaiver("V1", "W1", True, date(2024, 3, 2)), by=MANAGER)
    *_, waived = crm.history("account/V1")
    assert waived.event.amount_fen == 5_000
    assert waived.event.reason == Withheld("erased")


def test_what_follows_in_another_home_is_about_those_of_the_first_too(crm: CRM) -> None:
    crm.do(ReceivePayment("V1", "P1", 10_000, date(2024, 3, 1), "transfer"), by=CLERK)
    crm.do(MovePayment("V1", "P1", "V2", MARK), by=LEADER)
    *_, moved = crm.history("account/V2")
    assert moved.event.reason == MARK
    assert about(crm, "account/V2") == [joined(["V1~1", "V2~1"])]


# --- after somebody was erased -------------------------------------------------------------------


def test_a_home_that_was_erased_is_written_about_under_a_new_key(crm: CRM) -> None:
    crm.do(asked(by=None), by=CLERK)
    crm.host.vault.erase(of_household("V1"))
    crm.do(asked("R2", by=None), by=CLERK)
    assert about(crm, "request/R2") == ["V1~2", "V1~2"]
    assert next(crm.history("request/R2")).event.summary == MARK
    assert next(crm.history("request/R1")).event.summary == Withheld("erased")
    assert standing("V1", crm.host.vault.is_erased) == "V1~2"


def test_what_must_go_on_about_who_was_erased_is_about_the_home(crm: CRM) -> None:
    crm.host.vault.erase(TENANT)
    crm.do(EndRole("V1", TENANT, "tenant", date(2024, 1, 1), "搬走", "phone"), by=CLERK)
    assert about(crm, "household/V1") == ["V1~1"]


def test_nobody_writes_about_who_was_erased_by_naming_them(crm: CRM) -> None:
    crm.host.vault.erase(NEIGHBOUR)
    with pytest.raises(PersonErased):
        crm.do(asked(), by=CLERK, about=(NEIGHBOUR,))
    assert not list(crm.log.read("request/R1"))


@pytest.mark.rule("LOG-01")
def test_a_command_is_known_again_by_what_it_says_until_that_is_erased(crm: CRM) -> None:
    said = asked()
    first = crm.do(said, by=CLERK, id="c1")
    again = crm.do(said, by=CLERK, id="c1")
    assert (again.position, again.by_id) == (first.position, False)
    with pytest.raises(CommandReused):
        crm.do(attrs.evolve(said, summary="another"), by=CLERK, id="c1")
    crm.host.vault.erase(OWNER)
    after = crm.do(attrs.evolve(said, summary="another"), by=CLERK, id="c1")
    assert (after.position, after.by_id) == (first.position, True), "by its id alone, and says so"
    assert after.events[0].summary == Withheld("erased")


@pytest.mark.rule("PRV-04")
def test_what_stands_for_a_command_cannot_be_guessed_from(crm: CRM) -> None:
    """With all that is stored and all keys but one, a right guess looks like a wrong one."""
    said = asked()
    crm.do(said, by=CLERK, id="c1")
    [done] = crm.log.outcomes(["c1"]).values()
    digest, _, subject = done.digest.partition("@")
    assert subject == OWNER
    crm.host.vault.erase(OWNER)
    with pytest.raises(PersonErased):
        crm.host.vault.fingerprint(Personal(subject, "guess"))
    other = LocalVault()
    assert other.fingerprint(Personal(subject, MARK)) != digest
    other.close()


def test_what_names_nobody_and_types_nothing_is_known_by_a_plain_digest(crm: CRM) -> None:
    due = date(2024, 1, 31)
    crm.do(RaiseCharge("V1", "C1", "management_fee", "2024-01", 10_000, due), by=CLERK, id="c1")
    [done] = crm.log.outcomes(["c1"]).values()
    assert "@" not in done.digest


# --- the words of it -----------------------------------------------------------------------------


def test_subjects_are_told_apart() -> None:
    assert joined(["b", "a", "b"]) == "a b"
    assert persons_in("V1#owner V1~2 li ~company") == ["V1#owner", "li"]
    assert of_household("V1") == "V1~1"


def test_places_within_values_and_lists_are_their_own() -> None:
    [step] = [one for one in steps_of(RequestReceived) if one.name == "summary"]
    assert step.text
    assert PURPOSE not in {one.name for kind in catalog().types for one in steps_of(kind.cls)}
    assert Said.of("x", "V1~1") == "x"


# --- what may a caller supply --------------------------------------------------------------------


@pytest.mark.rule("LOG-08")
def test_whom_a_text_is_about_is_said_by_nothing_in_the_text(crm: CRM) -> None:
    """A text that was opened knows whose it was; a caller who gives it says only its words."""
    forged = Said.of(MARK, "somebody who is nobody")
    crm.do(asked(summary=forged, place=Said(MARK)), by=CLERK)
    assert set(about(crm, "request/R1")) == {OWNER}
    noted = NoteProgress("R1", MARK, True, datetime.now(UTC))
    shown = Evidence("call", Said.of(MARK, "nobody"), datetime.now(UTC))
    crm.do(attrs.evolve(noted, evidence=shown), by=CLERK)
    assert set(about(crm, "request/R1")) == {OWNER}


@pytest.mark.rule("LOG-08")
def test_a_sealed_value_is_no_evidence(crm: CRM) -> None:
    crm.do(asked(), by=CLERK)
    [raw] = crm.log.read("request/R1")
    noted = NoteProgress("R1", MARK, True, datetime.now(UTC))
    for reference in (raw.event.summary, Withheld("erased", OWNER), "a\x00b"):
        shown = Evidence("call", reference, datetime.now(UTC))
        with pytest.raises(Invalid, match="reference"):
            crm.do(attrs.evolve(noted, evidence=shown), by=CLERK)
    assert crm.log.head() == raw.position


@pytest.mark.rule("LOG-08")
def test_who_acts_for_a_household_names_and_finds_nobody_of_another(crm: CRM) -> None:
    """Whether there is such a person is told to nobody who could not look."""
    own = Actor(OWNER, "owner")
    request = AskRight("C1", "V1", OWNER, "copy", datetime.now(UTC), MARK)
    for other in (NEIGHBOUR, "V2", "V9#owner"):
        with pytest.raises(Refused) as refused:
            crm.do(request, by=own, about=(other,))
        assert refused.value.reason == "about_unknown"
    crm.do(request, by=own, about=(TENANT,))
    assert set(about(crm, "right/C1")) == {joined([TENANT, OWNER])}


def test_keys_that_were_exchanged_open_what_they_are_of(crm: CRM, tmp_path: Path) -> None:
    """A port of the host is read when it is used."""
    crm.do(asked(), by=CLERK)
    before, crm.host.vault = crm.host.vault, LocalVault(tmp_path / "others.keys")
    assert next(crm.history("request/R1")).event.summary == Withheld("key_missing")
    crm.host.vault, other = before, crm.host.vault
    assert next(crm.history("request/R1")).event.summary == MARK
    other.close()


def test_in_bulk_a_command_names_others_too(crm: CRM) -> None:
    at = datetime.now(UTC)
    crm.batch([Planned(asked(), "c1", at, about=(NEIGHBOUR,))], by=CLERK)
    assert set(about(crm, "request/R1")) == {joined([OWNER, NEIGHBOUR])}
