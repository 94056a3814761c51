"""Households that are drawn to be visited: who takes part, and that it is drawn again (VIS-02)."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path

import attrs
import pytest
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st
from visiting import (
    CLERK,
    DAY,
    DIRECTOR,
    MINUTE,
    START,
    SUPERVISOR,
    at,
    close,
    estate,
    finished,
    home,
    made,
    now,
    open_visits,
    receive,
    refused,
    repair,
    state,
    tick,
    visit,
)

from crm_adapters.cli.app import run
from crm_core import CRM, Invalid, Refused
from crm_core.kernel.recorded import Commit, Envelope, StreamAppend, Tip
from crm_core.kernel.word import Word
from crm_core.opinions import RecordOpinion
from crm_core.owners import MergeHousehold, RecordInterest, RegisterHousehold
from crm_core.privacy.consent import WithdrawConsent
from crm_core.requests import Reopen
from crm_core.visits import CallOffDraw, DrawVisits, RecordOccasion
from crm_core.visits.draws import DRAW, VisitsDrawn
from crm_core.visits.lots import drawn, falls_on
from crm_core.visits.policy import METHODS, VisitPolicy

pytestmark = pytest.mark.rule("VIS-02")

TODAY = date(2024, 5, 6)


@pytest.fixture
def crm() -> Iterator[CRM]:
    with estate(households=6) as opened:
        yield opened


def framed(crm: CRM, method: str, **other: str) -> set[str]:
    """Who takes part in a draw by that method."""
    number = f"D{crm.log.head()}"
    try:
        crm.care.visits.draw(number, method, 1, by=SUPERVISOR, **other)  # type: ignore[arg-type]
    except Refused as error:
        if error.reason != "draw_size":
            raise
        return set()
    found = crm.care.visits.drawn(number, by=SUPERVISOR, purpose="care")
    crm.do(CallOffDraw(number, "only to see"), by=SUPERVISOR)
    return set(found.frame)


ALL = {f"V{n}" for n in range(1, 7)}


# --- who takes part ------------------------------------------------------------------------------


def test_at_random_everybody_takes_part_by_code_and_estate(crm: CRM) -> None:
    home(crm, "W1")
    assert framed(crm, "random") == ALL | {"W1"}
    assert framed(crm, "random", code="W") == {"W1"}
    assert framed(crm, "random", estate="Anhe") == ALL | {"W1"}
    assert framed(crm, "random", estate="Nowhere") == set()


def test_by_class_those_take_part_whom_visits_may_go_by(crm: CRM) -> None:
    """Nobody was graded, so everybody is treated neutrally, as the closed list of uses says."""
    assert framed(crm, "random", layer="ordinary") == ALL
    assert framed(crm, "random", layer="main") == set()


def test_low_satisfaction_is_the_latest_word_of_the_year(crm: CRM) -> None:
    for n, opinion in ((1, "dissatisfied"), (2, "partly"), (3, "satisfied")):
        receive(crm, f"R{n}", f"V{n}")
        repair(crm, f"R{n}", f"V{n}")
        close(crm, f"R{n}", f"V{n}", opinion)
    assert framed(crm, "low_satisfaction") == {"V1", "V2"}
    at(crm, START + DAY)
    finished(crm, "R9", "V1")
    assert framed(crm, "low_satisfaction") == {"V2"}
    at(crm, START + 366 * DAY)
    assert framed(crm, "low_satisfaction") == set()


def test_service_is_needed_where_a_request_waits_a_service_runs_or_an_interest_was_told(
    crm: CRM,
) -> None:
    receive(crm, "R1", "V1")
    finished(crm, "R2", "V2")
    crm.do(
        RecordOccasion("V3", "O1", "special_service", TODAY, "contract", TODAY + timedelta(30)),
        by=CLERK,
    )
    word = Word("V4#owner", "phone", "7")
    crm.do(RecordInterest("V4", "housekeeping", TODAY, word), by=CLERK)
    assert framed(crm, "service") == {"V1", "V3", "V4"}
    crm.do(Reopen("R2", now(crm), "again"), by=CLERK)
    assert framed(crm, "service") == {"V1", "V2", "V3", "V4"}
    at(crm, START + 31 * DAY)
    assert framed(crm, "service") == {"V1", "V2", "V4"}


def test_by_affection_those_take_part_with_whom_there_was_no_contact(crm: CRM) -> None:
    finished(crm, "R1", "V1", severity="major")
    opinion = RecordOpinion("V2", "O1", "meeting", "V2#owner", TODAY, "minutes")
    crm.do(opinion, by=CLERK)
    assert framed(crm, "affection") == {"V3", "V4", "V5", "V6"}
    at(crm, START + 365 * DAY)
    assert framed(crm, "affection") == ALL


def test_rounds_come_to_whoever_was_not_visited_this_year(crm: CRM) -> None:
    finished(crm, "R1", "V1", severity="major")
    tick(crm)
    at(crm, START + 3 * DAY)
    crm.do(made("repair_finished:R1", now(crm), contact_left="E1"), by=CLERK)
    at(crm, START + 60 * DAY)
    assert framed(crm, "round") == ALL - {"V1"}
    at(crm, START + 250 * DAY)
    assert framed(crm, "round") == ALL


def test_who_was_called_lately_or_wants_no_call_or_is_no_file_of_its_own_takes_no_part(
    crm: CRM,
) -> None:
    finished(crm, "R1", "V1", severity="major")
    tick(crm)
    at(crm, START + 3 * DAY)
    crm.do(made("repair_finished:R1", now(crm), contact_left="E1"), by=CLERK)
    crm.do(WithdrawConsent("V2", "V2#owner", "care", now(crm)), by=CLERK)
    crm.do(MergeHousehold("V3", "V4", TODAY, "the same flat"), by=SUPERVISOR)
    crm.do(RegisterHousehold("V7", "Anhe", "1", "1", "V7"), by=CLERK)
    assert framed(crm, "random") == {"V4", "V5", "V6"}
    crm.privacy.erase("V5", by=SUPERVISOR, purpose="they asked for it")
    assert framed(crm, "random") == {"V4", "V6"}
    at(crm, START + 11 * DAY)
    assert framed(crm, "random") == {"V1", "V4", "V6"}


def test_what_is_of_a_merged_file_is_of_the_surviving_one(crm: CRM) -> None:
    receive(crm, "R1", "V1")
    crm.do(MergeHousehold("V1", "V2", TODAY, "the same flat"), by=SUPERVISOR)
    assert framed(crm, "service") == {"V2"}


# --- the draw ------------------------------------------------------------------------------------


def test_seed_and_frame_stand_in_the_log_and_are_found_there(crm: CRM) -> None:
    before = crm.log.head()
    crm.care.visits.draw("D1", "random", 3, by=SUPERVISOR)
    found = crm.care.visits.drawn("D1", by=SUPERVISOR, purpose="care")
    assert (found.seed_position, found.seed) == (before, crm.log.identity(before))
    assert found.frame == tuple(sorted(ALL))
    by_hand = sorted(ALL, key=lambda one: sha256(f"{found.seed}\n{one}".encode()).hexdigest())
    assert found.households == tuple(by_hand[:3])
    assert found.drawn_by == "S2"
    assert crm.care.visits.redraw("D1").same


def test_who_is_drawn_is_to_be_visited_within_the_month(crm: CRM) -> None:
    crm.care.visits.draw("D1", "affection", 2, by=SUPERVISOR)
    chosen = crm.care.visits.drawn("D1", by=SUPERVISOR, purpose="care").households
    for household in ALL:
        assert open_visits(crm, household) == ({"draw:D1"} if household in chosen else set())
    one = visit(crm, "draw:D1", chosen[0])
    assert (one.scheduled.row, one.scheduled.content, one.must) == ("affection", "affection", True)
    assert one.due_at == START + timedelta(days=30, hours=14)
    assert tick(crm) == 0
    crm.do(made("draw:D1", START, chosen[0]), by=CLERK)
    crm.do(CallOffDraw("D1", "another month"), by=SUPERVISOR)
    assert visit(crm, "draw:D1", chosen[0]).status == "made"
    assert visit(crm, "draw:D1", chosen[1]).why == "draw"
    assert tick(crm) == 0


def test_a_draw_finds_what_was_recorded_by_then_whatever_comes_later(crm: CRM) -> None:
    finished(crm, "R1", "V1", severity="major")
    crm.care.visits.draw("D1", "affection", 2, by=SUPERVISOR)
    finished(crm, "R2", "V2")
    crm.do(WithdrawConsent("V3", "V3#owner", "care", now(crm)), by=CLERK)
    crm.do(MergeHousehold("V4", "V5", TODAY, "the same flat"), by=SUPERVISOR)
    crm.privacy.erase("V6", by=SUPERVISOR, purpose="they asked for it")
    assert crm.care.visits.redraw("D1").same
    home(crm, "V8")
    assert crm.care.visits.redraw("D1").same


def test_another_process_draws_the_same_from_the_log(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'crm.db'}"
    with estate(url, households=20) as crm:
        finished(crm, "R1", "V1")
        crm.care.visits.draw("D1", "random", 7, by=SUPERVISOR)
        found = crm.care.visits.drawn("D1", by=SUPERVISOR, purpose="care")
        finished(crm, "R2", "V2")
    program = (
        "import json, sys\n"
        "from crm_adapters import open_crm\n"
        "with open_crm(sys.argv[1]) as crm:\n"
        "    again = crm.care.visits.redraw('D1')\n"
        "    print(json.dumps([again.same, list(again.households)]))\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", program, url], capture_output=True, check=True, text=True
    )
    assert json.loads(told.stdout) == [True, list(found.households)]


def test_a_draw_that_was_made_up_is_found_out(crm: CRM) -> None:
    """Whoever writes into the log past the library is told of by the log itself."""
    crm.care.visits.draw("D1", "random", 2, by=SUPERVISOR)
    true = crm.care.visits.drawn("D1", by=SUPERVISOR, purpose="care")
    others = tuple(sorted(ALL - {*true.households}))[:2]
    for lie in (
        attrs.evolve(true, draw="D2", seed="0" * 64),
        attrs.evolve(true, draw="D3", households=others),
        attrs.evolve(true, draw="D4", frame=others),
    ):
        _plant(crm, lie)
        assert not crm.care.visits.redraw(lie.draw).same


def _plant(crm: CRM, event: VisitsDrawn) -> None:
    envelope = Envelope(
        actor="system", command=event.draw, data=event, effective=event.on, recorded=START
    )
    append = StreamAppend(DRAW.stream(event.draw), Tip(), "", (envelope,))
    crm.log.append([Commit(event.draw, "", (append,))])


@pytest.mark.rule("LOG-08")
def test_nobody_supplies_a_draw_and_not_everybody_may_ask_for_one(crm: CRM) -> None:
    policy = next(p for p in crm.registry.shipped if isinstance(p, VisitPolicy))
    made_up = DrawVisits(
        draw="D1",
        method="random",
        size=1,
        content="explain",
        on=TODAY,
        estate="",
        code="",
        layer="",
        frame=("V1",),
        seed="mine",
        seed_position=1,
        policy=policy.ref,
    )
    assert refused(crm, made_up, DIRECTOR) == ("given_inside_only", "LOG-08")
    with pytest.raises(Refused, match="role_insufficient"):
        crm.care.visits.draw("D1", "random", 1, by=CLERK)


def test_what_cannot_be_drawn_is_refused(crm: CRM) -> None:
    draw = crm.care.visits.draw
    for size in (0, 7):
        with pytest.raises(Refused, match="draw_size"):
            draw("D1", "random", size, by=SUPERVISOR)
    with pytest.raises(Invalid, match="method"):
        draw("D1", "by_liking", 1, by=SUPERVISOR)
    with pytest.raises(Invalid, match="content"):
        draw("D1", "random", 1, by=SUPERVISOR, content="selling")
    with pytest.raises(Invalid, match="layer"):
        draw("D1", "random", 1, by=SUPERVISOR, layer="gold")
    with pytest.raises(Invalid, match="on"):
        draw("D1", "random", 1, by=SUPERVISOR, on=TODAY + timedelta(1))
    draw("D1", "random", 1, by=SUPERVISOR)
    with pytest.raises(Refused, match="draw_exists"):
        draw("D1", "random", 1, by=SUPERVISOR)
    with pytest.raises(Invalid, match="no draw"):
        crm.care.visits.redraw("D9")
    assert refused(crm, CallOffDraw("D9", "x"), SUPERVISOR) == ("unknown_draw", "VIS-02")
    assert refused(crm, CallOffDraw("D1", " "), SUPERVISOR) == ("reason_missing", "LOG-06")


def test_a_draw_that_was_interrupted_is_followed_up_once(crm: CRM) -> None:
    crm.care.visits.draw("D1", "random", 6, by=SUPERVISOR)
    told = [state(crm, one).told for one in sorted(ALL)]
    for recorded in crm.log.feed(names={"visits.drawn/1"}):
        crm._desk.follow(recorded)
    assert [state(crm, one).told for one in sorted(ALL)] == told == [1] * 6


@pytest.mark.rule("VIS-01")
@hypothesis_given(st.text("0123456789abcdef", min_size=64, max_size=64), st.integers(0, 100))
def test_lots_fall_on_about_so_many_in_a_hundred(seed: str, percent: int) -> None:
    fallen = sum(falls_on(seed, f"V{n}", percent) for n in range(400))
    assert abs(fallen - 4 * percent) <= 60
    assert {falls_on(seed, "V1", 0), falls_on(seed, "V1", 100)} == {False, True}


@hypothesis_given(
    st.sets(st.sampled_from([f"V{n}" for n in range(30)]), min_size=1), st.integers(1, 30)
)
def test_a_larger_draw_keeps_the_smaller_one_and_the_order_told_does_not_matter(
    households: set[str], size: int
) -> None:
    found = drawn("s", sorted(households), size)
    assert found == drawn("s", sorted(households, reverse=True), size)
    assert drawn("s", households, size + 1)[: len(found)] == found
    assert set(found) <= households
    assert len(found) == min(size, len(households))


# --- on the command line -------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_command_line_draws_lists_and_draws_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], lang: str
) -> None:
    db = tmp_path / "crm.db"
    with estate(f"sqlite:///{db}", households=3) as crm:
        at(crm, START + MINUTE)

    def told(*arguments: str) -> str:
        args = ["--db", f"sqlite:///{db}", "--as", "supervisor:S2", "--lang", lang, *arguments]
        assert run(args) == 0, capsys.readouterr().err
        return capsys.readouterr().out

    found = json.loads(told("--format", "json", "visits", "draw", "D1", "random", "2"))
    assert (found["frame"], len(found["households"])) == (3, 2)
    assert found["households"][0] in told("visits", "redraw", "D1")
    again = json.loads(told("visits", "redraw", "D1", "--format", "json"))
    assert (again["same"], again["households"]) == (True, found["households"])
    assert {*METHODS} == {"random", "low_satisfaction", "service", "affection", "round"}
