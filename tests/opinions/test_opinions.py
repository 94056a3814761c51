"""What members say outside requests: whose it is, about what, counted once and taken back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given as hypothesis_given

from crm_adapters import open_crm
from crm_adapters.cli.app import run
from crm_core import CRM, Actor, Invalid, Personal, Refused
from crm_core.kernel.sentences import say
from crm_core.opinions import OPINIONS, Opinions, RecordOpinion, WithdrawOpinion
from crm_core.opinions.commands import SOURCES
from crm_core.opinions.events import OpinionRecorded, OpinionWithdrawn
from crm_core.opinions.facts import FACT_NAMES, FACTS
from crm_core.owners import AddMember, EndRole, RegisterHousehold, TransferOwnership
from crm_core.requests import ReceiveRequest
from crm_core.slices import catalog
from crm_core.staff import RegisterStaff
from crm_core.testing import History, check_decider, given, histories
from crm_core.testing.strategies import opinion_commands, opinion_openings

NOW = datetime(2024, 5, 3, 4, tzinfo=UTC)
DAY = date(2024, 5, 1)
CLERK, OTHER, DIRECTOR = (
    Actor("S9", "specialist"),
    Actor("S8", "supervisor"),
    Actor("D1", "director"),
)
OWNER = "V1#owner"
RECORD = RecordOpinion("V1", "O1", "forum", OWNER, DAY, "https://forum.example/t/77?page=1")
KNOWN = attrs.evolve(
    RECORD, by=CLERK, stranger=False, left=False, on_staff=False, about_unknown=False
)
WITHDRAW = WithdrawOpinion("V1", "O1", DAY, "it was the neighbour", by=CLERK)
RECORDED = OpinionRecorded(
    opinion="O1",
    household="V1",
    source="forum",
    member=OWNER,
    on=DAY,
    about=None,
    reference="https://forum.example/t/77?page=1",
    recorded_by="S9",
)
WITHDRAWN = OpinionWithdrawn("O1", "V1", DAY, "it was the neighbour", "S9")


class StoppedClock:
    """A clock that stands."""

    def now(self) -> datetime:
        return NOW


@pytest.fixture
def crm() -> Iterator[CRM]:
    with open_crm("memory:") as opened:
        opened.host.clock = StoppedClock()
        for name in ("V1", "V2"):
            owner = Personal(f"{name}#owner", "somebody")
            opened.do(
                RegisterHousehold(
                    name, "Anhe", "1", "1", name, owner=owner, moved_in=date(2020, 1, 1)
                ),
                by=CLERK,
            )
        yield opened


def request(number: str, household: str) -> ReceiveRequest:
    return ReceiveRequest(
        request=number,
        household=household,
        channel="counter",
        kind="complaint",
        trade="service",
        severity="general",
        summary="noise",
        received_at=NOW,
        first_asked="S1",
        place="" if household else "lobby",
    )


def refused(crm: CRM, command: Any, by: Actor = CLERK) -> tuple[str, str]:
    before = crm.log.head()
    with pytest.raises(Refused) as caught:
        crm.do(command, by=by)
    assert crm.log.head() == before
    for lang in ("zh", "en"):
        assert "{" not in caught.value.told(lang)
    return caught.value.reason, caught.value.rule


# --- recorded ------------------------------------------------------------------------------------


@pytest.mark.rule("GRD-01", "GRD-02")
@pytest.mark.parametrize("source", SOURCES)
def test_an_opinion_says_whose_it_is_when_where_and_about_what(source: str) -> None:
    about = attrs.evolve(KNOWN, source=source, about="R1")
    given(OPINIONS).when(about).then(attrs.evolve(RECORDED, source=source, about="R1")).state(
        lambda state: [one.opinion for one in state.standing()] == ["O1"]
    )


@pytest.mark.rule("GRD-01")
def test_another_source_is_none_and_it_must_be_found_again() -> None:
    given(OPINIONS).when(attrs.evolve(KNOWN, source="hearsay")).refused("unknown_source", "GRD-01")
    for nowhere in ("", " \n"):
        unfounded = attrs.evolve(KNOWN, reference=nowhere)
        given(OPINIONS).when(unfounded).refused("evidence_missing", "GRD-01")


@pytest.mark.rule("GRD-01", "LOG-01")
def test_the_same_opinion_told_again_is_no_news_whoever_tells_it() -> None:
    again = attrs.evolve(KNOWN, by=OTHER)
    given(OPINIONS, RECORDED).when(again).nothing()
    # Whatever is found of the member by now.
    given(OPINIONS, RECORDED).when(attrs.evolve(again, left=True)).nothing()


@pytest.mark.rule("GRD-01")
@pytest.mark.parametrize(
    "other",
    [
        {"source": "survey"},
        {"member": "V1#m2"},
        {"on": DAY - timedelta(days=1)},
        {"about": "R1"},
        {"reference": "t78"},
    ],
)
def test_a_number_stands_for_one_opinion(other: dict[str, Any]) -> None:
    changed = attrs.evolve(KNOWN, **other)
    given(OPINIONS, RECORDED).when(changed).refused("opinion_exists", "GRD-01")


@pytest.mark.rule("GRD-02")
def test_a_thread_survey_or_meeting_of_a_member_counts_once_under_whatever_number() -> None:
    second = attrs.evolve(KNOWN, opinion="O2")
    outcome = given(OPINIONS, RECORDED).when(second).refused("opinion_recorded_already", "GRD-02")
    assert outcome.refusal is not None
    assert outcome.refusal.details == {"opinion": "O1"}
    later = attrs.evolve(second, on=DAY + timedelta(days=1), about="R1")
    given(OPINIONS, RECORDED).when(later).refused("opinion_recorded_already", "GRD-02")
    for other in ({"source": "survey"}, {"reference": "t78"}, {"member": "V1#m2"}):
        assert given(OPINIONS, RECORDED).when(attrs.evolve(second, **other)).events
    given(OPINIONS, RECORDED, WITHDRAWN).when(second).then(attrs.evolve(RECORDED, opinion="O2"))


def test_what_was_said_is_no_part_of_it() -> None:
    """It stands where it was said; free text about a person would have to be sealed."""
    assert [field.name for field in attrs.fields(OpinionRecorded)] == [
        *("opinion", "household", "source", "member", "on", "about", "reference", "recorded_by"),
    ]


# --- what could be a lie -------------------------------------------------------------------------


@pytest.mark.rule("LOG-08", "GRD-01")
def test_only_a_member_has_an_opinion_of_the_household(crm: CRM) -> None:
    for stranger in ("V2#owner", "V1#m7", "S7"):
        found = refused(crm, attrs.evolve(RECORD, member=stranger))
        assert found == ("not_a_member", "LOG-08"), stranger
    assert refused(crm, attrs.evolve(RECORD, household="V9"))[0] == "unknown_household"
    [recorded] = crm.do(RECORD, by=CLERK).events
    assert recorded == RECORDED


@pytest.mark.rule("LOG-08", "PAY-16")
def test_and_only_for_days_on_which_they_had_a_role_in_it(crm: CRM) -> None:
    """Else what the seller said, or a buyer before buying, would count for the other."""
    buyer = Personal("V1#m2", "buyer")
    crm.do(TransferOwnership("V1", "V1#m2", DAY, buyer, reason="transfer of ownership"), by=CLERK)
    assert refused(crm, RECORD) == ("not_a_member", "LOG-08")
    with pytest.raises(Refused) as caught:
        crm.do(RECORD, by=CLERK)
    assert caught.value.told("en").endswith("on 2024-05-01")
    bought = attrs.evolve(RECORD, member="V1#m2")
    last_day = DAY - timedelta(days=1)
    assert refused(crm, attrs.evolve(bought, on=last_day)) == ("not_a_member", "LOG-08")
    crm.do(bought, by=CLERK)
    crm.do(attrs.evolve(RECORD, opinion="O2", on=last_day), by=CLERK)
    before = attrs.evolve(RECORD, opinion="O3", on=date(2019, 12, 31))
    assert refused(crm, before) == ("not_a_member", "LOG-08")


@pytest.mark.rule("LOG-08")
def test_whoever_has_any_role_that_day_is_heard_and_between_two_stays_nobody(crm: CRM) -> None:
    tenant = Personal("V1#t", "tenant")
    for since, until in ((date(2021, 1, 1), date(2021, 6, 30)), (date(2023, 1, 1), None)):
        crm.do(AddMember("V1", "V1#t", "tenant", since, tenant), by=CLERK)
        if until is not None:
            crm.do(EndRole("V1", "V1#t", "tenant", until, "moved"), by=CLERK)
    told = attrs.evolve(RECORD, member="V1#t")
    assert refused(crm, attrs.evolve(told, on=date(2022, 1, 1)))[0] == "not_a_member"
    for number, on in (("O1", date(2021, 6, 30)), ("O2", date(2023, 1, 1)), ("O3", DAY)):
        crm.do(attrs.evolve(told, opinion=number, on=on, reference=number), by=CLERK)


@pytest.mark.rule("LOG-08")
def test_an_opinion_of_staff_is_none_and_nobody_records_or_removes_their_own(crm: CRM) -> None:
    assert refused(crm, RECORD, Actor(OWNER, "specialist")) == ("own_matter", "LOG-08")
    crm.do(RECORD, by=CLERK)
    # Not even told again: it is theirs all the same.
    withdraw = attrs.evolve(WITHDRAW, by=None)
    assert refused(crm, withdraw, Actor(OWNER, "director")) == ("own_matter", "LOG-08")
    crm.do(RegisterStaff("D1", "director", date(2024, 1, 1)), by=DIRECTOR)
    crm.do(RegisterStaff("S9", "specialist", date(2024, 1, 1)), by=DIRECTOR)
    crm.do(RegisterStaff(OWNER, "cleaning", date(2024, 1, 1)), by=DIRECTOR)
    assert refused(crm, attrs.evolve(RECORD, opinion="O2")) == ("word_of_staff", "LOG-08")


@pytest.mark.rule("GRD-01", "LOG-08")
def test_a_request_that_it_is_about_is_one_of_the_household(crm: CRM) -> None:
    crm.do(request("R1", "V1"), by=CLERK)
    crm.do(request("R2", "V2"), by=CLERK)
    crm.do(request("R3", ""), by=CLERK)
    for other in ("R2", "R3", "R9"):
        about = attrs.evolve(RECORD, about=other)
        assert refused(crm, about) == ("unknown_request", "GRD-01")
    assert crm.do(attrs.evolve(RECORD, about="R1"), by=CLERK).events[0].about == "R1"


@pytest.mark.rule("PAY-03", "LOG-08")
@pytest.mark.case("K26")
def test_nobody_was_heard_on_a_day_that_has_not_come(crm: CRM) -> None:
    tomorrow = date(2024, 5, 4)
    with pytest.raises(Invalid) as invalid:
        crm.do(attrs.evolve(RECORD, on=tomorrow), by=CLERK)
    assert [(f.code, f.where) for f in invalid.value.faults] == [
        ("from_the_future", "RecordOpinion.on")
    ]
    crm.do(RECORD, by=CLERK)
    with pytest.raises(Invalid, match=r"WithdrawOpinion\.on"):
        crm.do(attrs.evolve(WITHDRAW, by=None, on=tomorrow), by=CLERK)


@pytest.mark.rule("LOG-08")
@pytest.mark.parametrize("role", ["operator", "finance", "sales", "custodian", "owner", "host"])
def test_it_is_the_service_department_that_supplies_them(crm: CRM, role: str) -> None:
    by = Actor(OWNER if role == "owner" else "X1", role)
    assert refused(crm, RECORD, by) == ("role_insufficient", "LOG-08")


# --- taken back ----------------------------------------------------------------------------------


@pytest.mark.rule("GRD-01")
def test_what_was_recorded_by_mistake_is_withdrawn_with_a_reason_once() -> None:
    heard = given(OPINIONS, RECORDED)
    heard.when(WITHDRAW, attrs.evolve(WITHDRAW, by=OTHER)).then(WITHDRAWN).state(
        lambda state: state.standing() == []
    )
    heard.when(attrs.evolve(WITHDRAW, reason="")).refused("reason_missing", "LOG-06")
    early = attrs.evolve(WITHDRAW, on=DAY - timedelta(days=1))
    heard.when(early).refused("too_early", "GRD-01")
    heard.when(attrs.evolve(WITHDRAW, opinion="O2")).refused("unknown_opinion", "GRD-01")
    gone = given(OPINIONS, RECORDED, WITHDRAWN)
    other = attrs.evolve(WITHDRAW, reason="another")
    gone.when(other).refused("opinion_withdrawn", "GRD-01")


@pytest.mark.rule("GRD-01")
def test_a_number_that_was_withdrawn_does_not_come_again() -> None:
    gone = given(OPINIONS, RECORDED, WITHDRAWN)
    gone.when(KNOWN).refused("opinion_withdrawn", "GRD-01")
    other = attrs.evolve(KNOWN, reference="t78")
    gone.when(other).refused("opinion_withdrawn", "GRD-01")


@pytest.mark.rule("PAY-03", "GRD-09")
def test_what_was_known_before_stays_readable(crm: CRM) -> None:
    crm.do(RECORD, by=CLERK, at=NOW - timedelta(hours=2))
    crm.do(attrs.evolve(WITHDRAW, by=None), by=CLERK, at=NOW)
    then = crm.get(Opinions, "V1", known=NOW - timedelta(hours=1))
    now = crm.get(Opinions, "V1")
    assert then is not None
    assert now is not None
    assert ([one.opinion for one in then.standing()], now.standing()) == (["O1"], [])
    assert [one.name for one in crm.history("V1")][-2:] == [
        "opinions.recorded/1", "opinions.withdrawn/1"
    ]  # fmt: skip


# --- the command line ----------------------------------------------------------------------------


def test_the_command_line_records_and_withdraws(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"sqlite:///{tmp_path / 'crm.db'}"
    owner = Personal(OWNER, "somebody")
    with open_crm(url, create=True) as crm:
        opened = RegisterHousehold("V1", "Anhe", "1", "1", "1", owner=owner)
        crm.do(opened, by=CLERK)
    said = ["--household", "V1", "--opinion", "O1", "--on", "2024-05-01"]
    office = ["--db", url, "--as", "specialist:S9", "do"]
    heard = ["--source", "meeting", "--member", OWNER, "--reference", "assembly 2024-05"]
    assert run([*office, "record-opinion", *said, *heard]) == 0
    assert "opinion recorded" in capsys.readouterr().out
    assert run([*office, "record-opinion", *said, *heard[:3], "V1#m7", *heard[4:]]) == 2
    assert "opinion_exists" in capsys.readouterr().err
    assert run([*office, "withdraw-opinion", *said, "--reason", "another meeting"]) == 0
    assert run([*office, "record-opinion", *said, *heard]) == 2
    assert "opinion_withdrawn" in capsys.readouterr().err


def test_the_acts_are_told_in_both_languages() -> None:
    for act in ("record-opinion", "withdraw-opinion"):
        assert all(say("cli-acts", act, lang) for lang in ("zh", "en"))


# --- laws and completeness -----------------------------------------------------------------------


def test_opinions_keep_the_laws() -> None:
    check_decider(OPINIONS, opinion_commands(), opening=opinion_openings(), max_examples=120)


@hypothesis_given(histories(OPINIONS, opinion_commands(), opening=opinion_openings()))
def test_no_opinion_stands_twice_and_none_comes_back(history: History) -> None:
    seen: list[str] = []
    state = OPINIONS.decider.initial
    for event in history.events:
        state = OPINIONS.decider.evolve(state, event)
        if isinstance(event, OpinionRecorded):
            assert event.opinion not in seen
            seen.append(event.opinion)
        said = [(one.source, one.reference, one.member) for one in state.standing()]
        assert len(said) == len(set(said))


@pytest.mark.rule("GRD-15")
def test_its_facts_are_published_by_name() -> None:
    assert {*FACT_NAMES} == {"opinions.recorded/1", "opinions.withdrawn/1"}
    assert {catalog().by_class[cls].stored for cls in FACTS} == FACT_NAMES
