"""Marks and merges look at what they name, and are undone where they were mistaken (REQ-08)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import attrs
import pytest
from asking import (
    CLERK,
    DAY,
    HOUR,
    MINUTE,
    OPERATOR,
    RECEIVE,
    SECOND,
    START,
    has_its_sentence,
    register,
    verdict,
    word,
)

from crm_adapters import open_crm
from crm_core import CRM, Actor, Invalid, Refused, Request
from crm_core.requests import (
    Apologise,
    Closed,
    ConfirmClosing,
    MakeCommitment,
    MarkDuplicate,
    Merged,
    MergeDuplicate,
    Open,
    Paused,
    PauseRequest,
    Reopen,
    ReportDone,
    UndoDuplicate,
)
from crm_core.requests.evolve import standing_of
from crm_core.requests.heads import chain_of
from crm_core.requests.incidents import GatherRequest, OpenIncident
from crm_core.requests.parts import BREACHED
from crm_core.requests.views import DUE_REQUESTS, OPEN


@pytest.fixture
def crm() -> Iterator[CRM]:
    """V1 has R1, R2 and R3, its neighbour N1; P1 and P2 are of the hall, P3 of the yard."""
    with open_crm("memory:") as opened:
        register(opened, "V1", "星河", "1", "2", "301")
        register(opened, "V2", "星河", "1", "2", "302")
        for number, home, place in (
            ("R1", "V1", ""),
            ("R2", "V1", ""),
            ("R3", "V1", ""),
            ("N1", "V2", ""),
            ("P1", "", "大堂"),
            ("P2", "", "大堂"),
            ("P3", "", "院子"),
        ):
            received = attrs.evolve(RECEIVE, request=number, household=home, place=place)
            do(opened, received, at=START)
        yield opened


def do(crm: CRM, *commands: Any, by: Actor = CLERK, at: datetime = START + DAY) -> None:
    for command in commands:
        crm.do(command, by=by, at=at)


def state(crm: CRM, request: str) -> Any:
    return crm.get(Request, request)


def refused(crm: CRM, command: Any, by: Actor = CLERK) -> str:
    """The reason, and that nothing was recorded."""
    before = crm.log.head()
    with pytest.raises(Refused) as found:
        do(crm, command, by=by)
    has_its_sentence(found.value.refusal)
    assert crm.log.head() == before
    return found.value.reason


def mark(request: str, of: str, reason: str = "the same leak") -> MarkDuplicate:
    return MarkDuplicate(request, of, reason)


def merge(request: str, into: str, at: datetime = START + 10 * MINUTE) -> MergeDuplicate:
    return MergeDuplicate(request, into, "the same leak", at)


def undo(request: str, at: datetime = START + 20 * MINUTE) -> UndoDuplicate:
    return UndoDuplicate(request, "another leak", at)


BOTH = pytest.mark.parametrize("say", [mark, merge], ids=["mark", "merge"])


# --- what is named -------------------------------------------------------------------------------


@BOTH
@pytest.mark.case("K05", "K07")
@pytest.mark.rule("REQ-08", "GRD-02")
def test_a_duplicate_of_nothing_is_refused(crm: CRM, say: Any) -> None:
    assert refused(crm, say("R1", "R99")) == "head_unknown"
    assert isinstance(state(crm, "R1"), Open)


@BOTH
@pytest.mark.case("K05", "K07")
@pytest.mark.rule("REQ-08")
def test_neither_an_incident_nor_a_household_is_a_request(crm: CRM, say: Any) -> None:
    do(crm, OpenIncident("I1", "星河 1", "engineering", "停水", START))
    for number in ("I1", "V1", "r2"):
        assert refused(crm, say("R1", number)) == "head_unknown"
    for number in ("", "request/R2"):
        with pytest.raises(Invalid):
            do(crm, say("R1", number))


@BOTH
@pytest.mark.case("K06", "K07")
@pytest.mark.rule("REQ-08", "GRD-02")
def test_a_duplicate_of_the_neighbour_s_request_is_refused(crm: CRM, say: Any) -> None:
    for number in ("N1", "P1"):
        assert refused(crm, say("R1", number)) == "head_of_another"
    assert refused(crm, say("P1", "R1")) == "head_of_another"


@BOTH
@pytest.mark.case("K06", "K07")
@pytest.mark.rule("REQ-08", "REQ-17")
def test_requests_of_one_incident_are_of_one_matter_whoever_made_them(crm: CRM, say: Any) -> None:
    do(crm, OpenIncident("I1", "星河 1", "engineering", "停水", START))
    do(crm, OpenIncident("I2", "星河 1", "engineering", "停电", START))
    do(crm, GatherRequest("I1", "R1", START + MINUTE))
    assert refused(crm, say("R1", "N1")) == "head_of_another"
    do(crm, GatherRequest("I2", "N1", START + MINUTE))
    assert refused(crm, say("R1", "N1")) == "head_of_another"
    do(crm, GatherRequest("I1", "P1", START + MINUTE), say("R1", "P1"))
    assert state(crm, "R1").duplicate_of == "P1"


@BOTH
@pytest.mark.rule("REQ-08")
def test_two_who_ask_about_one_place_that_is_nobody_s_raise_one_matter(crm: CRM, say: Any) -> None:
    assert refused(crm, say("P1", "P3")) == "head_of_another"
    do(crm, say("P1", "P2"))


@BOTH
@pytest.mark.case("K07")
@pytest.mark.rule("REQ-08", "GRD-02")
def test_no_request_is_its_own_duplicate_through_however_many_others(crm: CRM, say: Any) -> None:
    assert refused(crm, say("R1", "R1")) == "duplicate_of_itself"
    do(crm, mark("R2", "R1"), mark("R3", "R2"))
    for end in ("R2", "R3"):
        assert refused(crm, say("R1", end)) == "duplicates_in_a_circle"
    do(crm, undo("R2"), say("R1", "R3"))
    assert refused(crm, say("R2", "R1")) == "duplicates_in_a_circle"


@pytest.mark.case("K07")
@pytest.mark.rule("REQ-08")
def test_what_was_merged_closes_the_circle_too(crm: CRM) -> None:
    do(crm, merge("R2", "R1"))
    assert refused(crm, mark("R1", "R2")) == "duplicates_in_a_circle"
    assert refused(crm, merge("R1", "R2")) == "duplicates_in_a_circle"


@BOTH
@pytest.mark.rule("REQ-08", "GRD-02")
def test_a_duplicate_is_one_of_one_request_alone(crm: CRM, say: Any) -> None:
    do(crm, mark("R1", "R2"))
    assert refused(crm, say("R1", "R3")) == "duplicate_already"
    assert refused(crm, mark("R1", "R2")) == "duplicate_already"
    do(crm, merge("R1", "R2"))
    assert isinstance(state(crm, "R1"), Merged)


@pytest.mark.rule("REQ-08")
@pytest.mark.parametrize("nothing", ["", " "])
def test_whoever_marks_merges_or_undoes_says_why(crm: CRM, nothing: str) -> None:
    for command in (mark("R1", "R2"), merge("R1", "R2")):
        assert refused(crm, attrs.evolve(command, reason=nothing)) == "reason_missing"
    do(crm, mark("R1", "R2"))
    for command in (merge("R1", "R2"), undo("R1")):
        assert refused(crm, attrs.evolve(command, reason=nothing)) == "reason_missing"


@pytest.mark.case("K07")
@pytest.mark.rule("REQ-08")
def test_nothing_goes_on_in_what_is_closed_but_it_may_be_called_the_same(crm: CRM) -> None:
    do(crm, ReportDone("R1", START + 5 * MINUTE), by=OPERATOR)
    do(crm, ConfirmClosing("R1", START + 6 * MINUTE, "satisfied", word("V1")))
    assert refused(crm, merge("R2", "R1")) == "head_not_open"
    assert isinstance(state(crm, "R2"), Open)
    do(crm, mark("R2", "R1"))
    # It is marked: that is no way round.
    assert refused(crm, merge("R2", "R1")) == "head_not_open"
    do(crm, Reopen("R1", START + HOUR, "leaks again"), merge("R2", "R1", START + 2 * HOUR))


@pytest.mark.case("K07")
@pytest.mark.rule("REQ-08")
def test_what_goes_on_elsewhere_carries_nothing_and_says_where(crm: CRM) -> None:
    do(crm, merge("R2", "R1"))
    with pytest.raises(Refused) as found:
        do(crm, merge("R3", "R2"))
    assert found.value.reason == "head_not_open"
    assert found.value.refusal.details["head"] == "R1"
    do(crm, merge("R3", "R1"))


@pytest.mark.rule("REQ-08")
def test_what_is_reported_done_or_paused_is_open_enough(crm: CRM) -> None:
    do(crm, ReportDone("R1", START + 5 * MINUTE), by=OPERATOR)
    do(crm, merge("R2", "R1"))
    do(crm, PauseRequest("P1", "customer_absent", START + MINUTE, START + 9 * DAY))
    do(crm, merge("P2", "P1"))


@pytest.mark.rule("REQ-08", "REQ-10")
def test_a_promise_is_not_lost_in_a_merge(crm: CRM) -> None:
    do(crm, MakeCommitment("R2", "fixed", START + 2 * HOUR, START + MINUTE))
    assert refused(crm, merge("R2", "R1")) == "promise_outstanding"
    assert refused(crm, merge("R2", "R1", START + 3 * HOUR)) == "apology_open"
    do(crm, merge("R1", "R2"))


# --- undone --------------------------------------------------------------------------------------


@pytest.mark.rule("REQ-08", "REQ-09", "REQ-12")
def test_an_apology_for_what_was_broken_before_a_merge_is_owed_in_it_and_can_be_made(
    crm: CRM,
) -> None:
    """It became known after the merge that a promise had been given, and not been kept."""
    do(crm, merge("R2", "R1", at=START + 3 * HOUR))
    promised = MakeCommitment("R2", "fixed", START + 2 * HOUR, START + HOUR)
    do(crm, promised)
    merged = state(crm, "R2")
    assert isinstance(merged, Merged)
    assert [duty.clock for duty in merged.duties] == ["apology-1"]
    assert [clock.name for clock in merged.running] == ["apology-1"]
    overdue = {step.clock for step in merged.taken if step.what == BREACHED}
    assert "apology-1" in overdue, "as it would be had it been known"
    sorry = Apologise("R2", "we are sorry", "the valve came late", "free of charge", START + DAY)
    do(crm, sorry)
    merged = state(crm, "R2")
    assert isinstance(merged, Merged)
    assert (merged.duties, merged.running) == ((), ())
    assert refused(crm, attrs.evolve(sorry, apologised_at=START + DAY)) == "request_not_open"


@pytest.mark.case("K07")
@pytest.mark.rule("REQ-08")
def test_a_mistaken_merge_is_undone_and_nobody_has_won_time(crm: CRM) -> None:
    """At 1:10 merged, undone a week later: due at 1:30 as ever, so it is late by all of that."""
    do(crm, merge("R2", "R1"))
    assert state(crm, "R2").running == ()
    do(crm, undo("R2", START + 7 * DAY))
    crm.tick(START + 7 * DAY)
    found, never = state(crm, "R2"), state(crm, "R3")
    assert standing_of(found) == standing_of(never)
    assert found.taken == never.taken
    do(crm, ReportDone("R2", START + 7 * DAY + HOUR), by=OPERATOR)
    found = verdict(state(crm, "R2"), "closing-1")
    assert (found.kept, found.late_seconds) == (False, (7 * 24 * 60 + 60 - 30) * 60)


@pytest.mark.rule("REQ-08", "REQ-13")
def test_the_clock_records_what_was_due_while_it_was_merged(crm: CRM) -> None:
    """Merged and undone or not: the same warnings, breach and escalations, at the same times."""
    do(crm, merge("R2", "R1"), undo("R2"))
    crm.tick(START + 2 * HOUR)

    def told(request: str) -> list[tuple[str, Any]]:
        skipped = (
            "requests.merged",
            "requests.marked_duplicate",
            "requests.duplicate_undone",
            "requests.retold",
        )
        return [
            (event.name, attrs.evolve(event.event, request="?"))
            for event in crm.history(f"request/{request}")
            if not event.name.startswith(skipped)
        ]

    assert told("R2") == told("R3")
    assert any(name.startswith("requests.clock_breached") for name, _ in told("R2"))


@pytest.mark.rule("REQ-08", "LOG-05")
def test_it_leaves_the_lists_and_comes_back(crm: CRM) -> None:
    def listed() -> tuple[Any, Any]:
        for view in (OPEN, DUE_REQUESTS):
            crm.views.catch_up(view)
        return crm.views.get(OPEN, "R2"), crm.views.get(DUE_REQUESTS, "R2")

    crm.tick(START + 10 * MINUTE)
    opened, due = listed()
    do(crm, merge("R2", "R1"))
    assert listed() == (None, None)
    do(crm, undo("R2"))
    back = listed()
    assert back[0] == opened
    assert (back[1].request, back[1].steps) == (due.request, due.steps)
    assert back[1].retold > due.retold
    do(crm, mark("R2", "R1"), undo("R2"))
    assert listed() == back


@pytest.mark.rule("REQ-08")
def test_a_pause_that_ended_with_the_merge_goes_on_when_that_is_undone(crm: CRM) -> None:
    """It stands where it would have come to without the merge: paused, to the expected end."""
    do(crm, PauseRequest("R2", "customer_absent", START + 5 * MINUTE, START + 9 * DAY))
    before = state(crm, "R2")
    do(crm, merge("R2", "R1"))
    assert [pause.until for pause in state(crm, "R2").pauses] == [START + 10 * MINUTE]
    do(crm, undo("R2"))
    after = state(crm, "R2")
    assert isinstance(after, Paused)
    assert standing_of(after) == standing_of(before)
    crm.tick(START + 9 * DAY + SECOND)
    assert state(crm, "R2").clock("closing").set.due_at == START + 9 * DAY + 25 * MINUTE


@pytest.mark.rule("REQ-08")
def test_a_mistaken_mark_is_undone_whatever_has_become_of_the_request(crm: CRM) -> None:
    do(crm, mark("R2", "R1"), mark("R3", "R1"))
    do(crm, ReportDone("R3", START + 5 * MINUTE), by=OPERATOR)
    do(crm, ConfirmClosing("R3", START + 6 * MINUTE, "satisfied", word("V1")))
    do(crm, undo("R2"), undo("R3"))
    assert state(crm, "R2").duplicate_of is state(crm, "R3").duplicate_of is None
    assert isinstance(state(crm, "R3"), Closed)
    do(crm, mark("R2", "R3"))


@pytest.mark.rule("REQ-08")
def test_the_way_back_stays_open_when_the_other_one_has_closed_or_gone_on(crm: CRM) -> None:
    do(crm, merge("R2", "R1"), merge("R1", "R3"), undo("R2"))
    assert isinstance(state(crm, "R2"), Open)
    do(crm, merge("R2", "R3"))
    do(crm, ReportDone("R3", START + 15 * MINUTE), by=OPERATOR)
    do(crm, ConfirmClosing("R3", START + 16 * MINUTE, "satisfied", word("V1")), undo("R2"))
    assert isinstance(state(crm, "R2"), Open)


@pytest.mark.rule("REQ-08")
def test_what_is_no_duplicate_is_not_undone_nor_before_it_was_merged(crm: CRM) -> None:
    assert refused(crm, undo("R1")) == "not_a_duplicate"
    assert refused(crm, undo("R99")) == "request_not_open"
    do(crm, merge("R1", "R2"))
    assert refused(crm, undo("R1", START + 9 * MINUTE)) == "too_early"
    do(crm, undo("R1", START + 10 * MINUTE))
    assert refused(crm, undo("R1")) == "not_a_duplicate"
    do(crm, mark("R1", "R2"))
    assert refused(crm, undo("R1", START - MINUTE)) == "too_early"


@pytest.mark.rule("REQ-08", "LOG-08")
def test_who_works_on_site_neither_merges_nor_undoes(crm: CRM) -> None:
    for command in (mark("R1", "R2"), merge("R1", "R2"), undo("R1")):
        assert refused(crm, command, OPERATOR) == "role_insufficient"


def test_a_chain_is_followed_to_its_end_even_where_it_has_none() -> None:
    assert chain_of("A", {"A": "B", "B": "C"}.get) == ("A", "B", "C")
    assert chain_of("A", {"A": "B", "B": "C", "C": "B"}.get) == ("A", "B", "C")
