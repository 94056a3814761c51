"""Surveys from opening to result: who may, what is refused, what happens twice or late."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs
import pytest

from crm_adapters import open_crm
from crm_core import CRM, Actor, Invalid, PolicyBook, Refused
from crm_core.application.surveys import Ballot
from crm_core.opinions import Opinions
from crm_core.owners import RegisterHousehold
from crm_core.owners.merging import MergeHousehold
from crm_core.slices import registry
from crm_core.surveys import (
    SURVEY,
    AnswerByName,
    CancelSurvey,
    OpenSurvey,
    ReachHousehold,
    TakePart,
    WithdrawAnswer,
)
from crm_core.surveys.events import AnsweredByName, AnswersCounted, SurveyOpened, TookPart
from crm_core.testing import given
from surveys.asking_round import (
    ASKED,
    BOSS,
    CLERK,
    DAY,
    LEAD,
    MORNING,
    OTHER,
    POLICY,
    TODAY,
    opened,
    over,
    owner_of,
    put,
    settle,
    twenty_eight,
    varied,
)


@pytest.fixture
def crm() -> Iterator[CRM]:
    with open_crm("memory:") as crm:
        settle(crm, 8)
        yield crm


def refused(crm: CRM, command: Any, by: Actor = CLERK) -> str:
    with pytest.raises(Refused) as found:
        crm.do(command, by=by)
    return found.value.reason


# --- opening -----------------------------------------------------------------------------------

OPEN = OpenSurvey(
    "S1",
    TODAY,
    TODAY + 9 * DAY,
    by=LEAD,
    known_on=TODAY,
    asks=ASKED,
    policy=POLICY,
    households=8,
)


@pytest.mark.rule("SUR-01", "SUR-02")
def test_a_survey_is_anonymous_unless_it_says_why_not() -> None:
    scenario = given(SURVEY.decider)
    event = scenario.when(OPEN).events[0]
    assert isinstance(event, SurveyOpened)
    assert (event.named, event.questionnaire, event.policy) == (False, ASKED.ref, POLICY.ref)
    scenario.when(attrs.evolve(OPEN, named=True)).refused("reason_missing")
    scenario.when(attrs.evolve(OPEN, reason="why")).refused("reason_needless")


@pytest.mark.rule("SUR-01")
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"opens_on": TODAY - DAY}, "survey_backwards"),
        ({"closes_on": TODAY - DAY}, "survey_backwards"),
        ({"channels": ("pigeon",)}, "unknown_channel"),
        ({"channels": ()}, "channel_missing"),
        ({"households": 0}, "nobody_to_ask"),
        ({"asks": None}, "unknown_questionnaire"),
    ],
)
def test_what_cannot_be_opened_is_refused(change: dict[str, Any], reason: str) -> None:
    given(SURVEY.decider).when(attrs.evolve(OPEN, **change)).refused(reason)


@pytest.mark.rule("SUR-01")
def test_a_survey_is_opened_once_and_knows_how_many_there_are_to_ask(crm: CRM) -> None:
    settle(crm, 3, "明月", first=20)
    command = opened(crm, estate="星河")
    [event] = [r.event for r in crm.history("survey/S1")]
    assert (event.households, event.estate) == (8, "星河")
    assert refused(crm, command, LEAD) == "survey_exists"
    assert refused(crm, attrs.evolve(command, survey="S2", estate="无"), LEAD) == "nobody_to_ask"
    assert refused(crm, attrs.evolve(command, survey="S2"), CLERK) == "role_insufficient"


@pytest.mark.rule("SUR-01")
def test_reach_is_counted_once_for_a_household(crm: CRM) -> None:
    settle(crm, 1, "明月", first=20)
    opened(crm, estate="星河", channels=("paper", "app"))
    reach = ReachHousehold("S1", "V1", "paper", TODAY)
    crm.do(reach, by=CLERK)
    assert crm.do(attrs.evolve(reach, channel="app"), by=OTHER).events == ()
    assert refused(crm, attrs.evolve(reach, channel="wechat")) == "unknown_channel"
    assert refused(crm, attrs.evolve(reach, household="V20")) == "household_elsewhere"
    assert refused(crm, attrs.evolve(reach, survey="S9")) == "unknown_survey"
    put(crm, MORNING + 10 * DAY)
    late = attrs.evolve(reach, household="V2", on=TODAY + 10 * DAY)
    assert refused(crm, late) == "survey_not_open"
    crm.do(attrs.evolve(reach, household="V2"), by=CLERK)  # Of the first day, told late.
    over(crm)
    found = crm.care.surveys.result("S1", by=CLERK)
    assert (found.reached, found.reach.value) == (2, 2500)


# --- anonymous answers -------------------------------------------------------------------------


@pytest.mark.rule("SUR-02")
def test_a_slip_is_good_for_one_answer(crm: CRM) -> None:
    opened(crm)
    slip = crm.care.surveys.take_slip("S1", "V1", "app", by=CLERK)
    crm.care.surveys.cast(slip, varied(1), by=CLERK)
    for wrong in (slip, "S1.0", "S1."):
        with pytest.raises(Refused) as found:
            crm.care.surveys.cast(wrong, varied(2), by=CLERK)
        assert found.value.reason == "slip_not_open"
    with pytest.raises(Refused) as found:
        crm.care.surveys.cast("S9.0", varied(2), by=CLERK)
    assert found.value.reason == "unknown_survey"


@pytest.mark.rule("SUR-02")
def test_a_bad_answer_uses_no_slip_up(crm: CRM) -> None:
    opened(crm)
    slip = crm.care.surveys.take_slip("S1", "V1", "app", by=CLERK)
    for said, reason in (
        (("overall=9",), "answer_unfit"),
        (("weather=1",), "unknown_item"),
        (("comment=",), "nothing_answered"),
        ((), "nothing_answered"),
    ):
        with pytest.raises(Refused) as found:
            crm.care.surveys.cast(slip, said, by=CLERK)
        assert found.value.reason == reason
    with pytest.raises(Invalid):
        crm.care.surveys.cast(slip, ["comment=\x00"], by=CLERK)
    with pytest.raises(Refused) as found:
        crm.care.surveys.cast(slip, varied(1), seconds=-1, by=CLERK)
    assert found.value.reason == "seconds_below_zero"
    crm.care.surveys.cast(slip, varied(1), by=CLERK)


@pytest.mark.rule("SUR-02")
def test_owners_take_and_use_the_slip_of_their_own_household(crm: CRM) -> None:
    opened(crm)
    owner = Actor(owner_of("V1"), "owner")
    with pytest.raises(Refused) as found:
        crm.care.surveys.take_slip("S1", "V2", "app", by=owner)
    assert found.value.reason == "not_of_household"
    slip = crm.care.surveys.take_slip("S1", "V1", "app", by=owner)
    crm.care.surveys.cast(slip, varied(1), by=owner)
    for actor in (Actor("F1", "finance"), Actor("A1", "auditor")):
        for ask in (
            lambda by=actor: crm.care.surveys.take_slip("S1", "V3", "app", by=by),
            lambda by=actor: crm.care.surveys.cast("S1.0", varied(1), by=by),
        ):
            with pytest.raises(Refused) as found:
                ask()
            assert found.value.reason == "role_insufficient"


@pytest.mark.rule("SUR-02", "OWN-09")
def test_two_files_of_one_household_take_one_slip(crm: CRM) -> None:
    crm.do(MergeHousehold("V2", "V1", TODAY, "twice"), by=BOSS)
    opened(crm)
    crm.care.surveys.take_slip("S1", "V1", "app", by=CLERK)
    with pytest.raises(Refused) as found:
        crm.care.surveys.take_slip("S1", "V2", "app", by=CLERK)
    assert found.value.reason == "took_part_already"


@pytest.mark.rule("SUR-02", "SUR-01")
def test_a_file_that_is_registered_while_a_survey_runs_adds_no_voice(crm: CRM) -> None:
    """Given a survey that runs, when whoever asks registers another file, then it is none of those
    that are asked; a duplicate that is merged into an older file is that older one.
    """
    opened(crm)
    for number in ("V8b", "V9x"):
        crm.do(RegisterHousehold(number, "星河", "2", "1", number), by=CLERK)
    with pytest.raises(Refused) as found:
        crm.care.surveys.take_slip("S1", "V9x", "app", by=CLERK)
    assert found.value.reason == "household_newer"
    assert refused(crm, ReachHousehold("S1", "V9x", "phone", TODAY)) == "household_newer"
    crm.do(MergeHousehold("V8b", "V8", TODAY, "the same flat"), by=LEAD)
    crm.care.surveys.take_slip("S1", "V8", "app", by=CLERK)
    over(crm)
    found_out = crm.care.surveys.result("S1", by=CLERK)
    assert (found_out.reached, found_out.households) == (1, 8)


@pytest.mark.rule("SUR-01")
def test_an_answer_that_comes_when_the_figures_are_known_changes_none(named: CRM) -> None:
    """Given a survey by name that is over, when an answer is entered a week later as of its last
    day, then it is refused: who knows the figures could make them.
    """
    late = AnswerByName(
        "S2", "V1", owner_of("V1"), "paper", TODAY + 9 * DAY, varied(1), reference="form 9"
    )
    over(named)
    put(named, MORNING + 17 * DAY)
    assert refused(named, late) == "survey_closed"
    reached = ReachHousehold("S2", "V1", "paper", TODAY + 9 * DAY)
    assert refused(named, reached) == "survey_closed"


@pytest.mark.rule("SUR-01", "SUR-02")
def test_answers_that_are_too_few_to_be_told_of_came_back_all_the_same(crm: CRM) -> None:
    """Given four answers of eight households, then nothing is told of what they say, and half of
    the households answered.
    """
    opened(crm)
    slips = crm.care.surveys.take_slips("S1", [f"V{n}" for n in range(1, 9)], "app", by=CLERK)
    for n, slip in enumerate(slips[:4]):
        crm.care.surveys.cast(slip, varied(n * 7 + 1), by=OTHER)
    over(crm)
    found = crm.care.surveys.result("S1", by=CLERK)
    assert (found.withheld, found.unused, found.said.answers) == (4, 4, 0)
    assert (found.returned.part, found.returned.whole, found.returned.value) == (4, 8, 5000)
    assert found.said.items == ()


@pytest.mark.rule("SUR-02")
def test_taking_part_is_recorded_with_a_slip_only(crm: CRM) -> None:
    opened(crm)
    assert refused(crm, TakePart("S1", "V1", "app", TODAY), LEAD) == "given_inside_only"


@pytest.mark.rule("SUR-02")
def test_a_survey_by_name_has_no_slips_and_an_anonymous_one_no_names(crm: CRM) -> None:
    opened(crm, "S1")
    opened(crm, "S2", named=True, reason="整改回访")
    with pytest.raises(Refused) as found:
        crm.care.surveys.take_slip("S2", "V1", "app", by=CLERK)
    assert found.value.reason == "survey_by_name"
    answer = AnswerByName("S1", "V1", owner_of("V1"), "paper", TODAY, varied(1), reference="7")
    assert refused(crm, answer) == "survey_anonymous"


@pytest.mark.rule("SUR-02")
def test_answers_are_told_when_the_last_day_is_over_and_not_before(crm: CRM) -> None:
    opened(crm)
    slips = crm.care.surveys.take_slips("S1", [f"V{n}" for n in range(1, 7)], "app", by=CLERK)
    for n, slip in enumerate(slips):
        crm.care.surveys.cast(slip, varied(n * 7), by=CLERK)
    over(crm, 9)
    with pytest.raises(Refused) as found:
        crm.care.surveys.result("S1", by=CLERK)
    assert found.value.reason == "survey_open"
    assert not [r for r in crm.log.feed() if isinstance(r.event, AnswersCounted)]
    over(crm, 10)
    assert crm.care.surveys.result("S1", by=CLERK).said.answers == 6
    with pytest.raises(Refused) as found:
        crm.care.surveys.result("S1", by=Actor("F1", "finance"))
    assert found.value.reason == "role_insufficient"


@pytest.mark.rule("SUR-02")
def test_after_the_last_day_nothing_is_taken_or_cast(crm: CRM) -> None:
    opened(crm)
    slip = crm.care.surveys.take_slip("S1", "V1", "app", by=CLERK)
    put(crm, MORNING + 10 * DAY)  # And nobody has asked the clock yet.
    for ask in (
        lambda: crm.care.surveys.take_slip("S1", "V2", "app", by=CLERK),
        lambda: crm.care.surveys.cast(slip, varied(1), by=CLERK),
    ):
        with pytest.raises(Refused) as found:
            ask()
        assert found.value.reason == "survey_not_open"


@pytest.mark.rule("SUR-01")
def test_a_survey_that_is_given_up_destroys_what_was_cast(crm: CRM) -> None:
    opened(crm)
    slips = crm.care.surveys.take_slips("S1", [f"V{n}" for n in range(1, 7)], "app", by=CLERK)
    for n, slip in enumerate(slips):
        crm.care.surveys.cast(slip, varied(n * 7), by=CLERK)
    assert refused(crm, CancelSurvey("S1", TODAY, ""), BOSS) == "reason_missing"
    assert refused(crm, CancelSurvey("S1", TODAY, "wrong form"), LEAD) == "role_insufficient"
    crm.do(CancelSurvey("S1", TODAY, "wrong form"), by=BOSS)
    assert refused(crm, CancelSurvey("S1", TODAY, "again"), BOSS) == "survey_cancelled"
    crm.tick()
    assert crm.host.urns.surveys() == ()
    over(crm)
    assert not [r for r in crm.log.feed() if isinstance(r.event, AnswersCounted)]
    with pytest.raises(Refused) as found:
        crm.care.surveys.result("S1", by=CLERK)
    assert found.value.reason == "survey_cancelled"


@pytest.mark.rule("SUR-01")
def test_who_knows_how_it_went_cannot_make_it_not_have_been(crm: CRM) -> None:
    opened(crm)
    over(crm)
    assert refused(crm, CancelSurvey("S1", TODAY, "did not like it"), BOSS) == "survey_closed"


@pytest.mark.rule("SUR-01", "SUR-02", "SUR-03")
def test_real_questionnaires_go_through_slips_and_urn(rows: list[list[int]]) -> None:
    """A twentieth of the students as households: what went in comes out, dropped by rule."""
    some = rows[::20]
    with open_crm("memory:", policies=PolicyBook([*registry().shipped, twenty_eight()])) as crm:
        put(crm, MORNING)
        homes = [f"V{n}" for n in range(len(some))]
        for home in homes:
            crm.do(RegisterHousehold(home, "安卡拉", "1", "1", home), by=CLERK)
        opened(crm, questionnaire="evaluation")
        slips = crm.care.surveys.take_slips("S1", homes, "paper", by=CLERK)
        ballots = [
            Ballot(slip, tuple(f"q{n}={value}" for n, value in enumerate(row, 1)))
            for slip, row in zip(slips, some, strict=True)
        ]
        assert crm.care.surveys.cast_all(ballots[::-1], by=CLERK) == len(some)
        over(crm)
        found = crm.care.surveys.result("S1", by=CLERK)
    kept = [row for row in some if min(row) != max(row)]
    assert (found.said.answers, found.said.counting) == (len(some), len(kept))
    assert found.said.by_rule["same"] == len(some) - len(kept)
    assert (found.reach.value, found.returned.value) == (10_000, 10_000)
    good = sum(value >= 4 for row in kept for value in row)
    assert (found.said.satisfied.part, found.said.satisfied.whole) == (good, 28 * len(kept))
    assert found.met == {"reached": True, "returned": True, "satisfied": False}


# --- interrupted, and at once ------------------------------------------------------------------


@pytest.mark.rule("SUR-02")
def test_an_urn_is_counted_once_whatever_interrupts_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'crm.db'}"
    with open_crm(url, create=True) as crm:
        settle(crm, 6)
        opened(crm)
        slips = crm.care.surveys.take_slips("S1", [f"V{n}" for n in range(1, 7)], "app", by=CLERK)
        for n, slip in enumerate(slips):
            crm.care.surveys.cast(slip, varied(n * 7), by=CLERK)
        before = (tmp_path / "crm.db.urn").read_bytes()
        over(crm)
    # As if the power had gone between the event and the urn.
    (tmp_path / "crm.db.urn").write_bytes(before)
    with open_crm(url) as crm:
        put(crm, MORNING + 11 * DAY)
        assert crm.tick().events["answers"] == 0, "it is counted already"
        assert crm.tick().events["answers"] == 0
        assert len([r for r in crm.log.feed() if isinstance(r.event, AnswersCounted)]) == 1
        assert crm.host.urns.surveys() == []
        assert crm.care.surveys.result("S1", by=CLERK).said.answers == 6


@pytest.mark.rule("SUR-02")
def test_of_many_who_come_at_once_with_one_slip_one_is_heard(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'crm.db'}"
    with open_crm(url, create=True) as crm:
        settle(crm, 6)
        opened(crm)
        slips = crm.care.surveys.take_slips("S1", [f"V{n}" for n in range(1, 7)], "app", by=CLERK)

        def cast(number: int) -> bool:
            with open_crm(url) as own:
                put(own, MORNING)
                with suppress(Refused):
                    own.care.surveys.cast(slips[number % 6], varied(number), by=CLERK)
                    return True
                return False

        with ThreadPoolExecutor(4) as pool:
            heard = list(pool.map(cast, range(18)))
        assert sum(heard) == 6
        over(crm)
        found = crm.care.surveys.result("S1", by=CLERK)
        assert found.said.answers == 6


@pytest.mark.rule("SUR-02")
def test_two_hosts_have_an_urn_each_and_both_are_counted(tmp_path: Path) -> None:
    """Where several hosts share a database, each empties its own."""
    from crm_adapters.urns import FileUrns

    with open_crm(f"sqlite:///{tmp_path / 'crm.db'}", create=True) as crm:
        settle(crm, 10)
        opened(crm)
        first, second = crm.host.urns, FileUrns(tmp_path / "elsewhere.urn")
        for place, home in enumerate([f"V{n}" for n in range(1, 11)]):
            crm.host.urns = first if place < 5 else second
            slip = crm.care.surveys.take_slip("S1", home, "app", by=CLERK)
            crm.care.surveys.cast(slip, varied(place), by=CLERK)
        over(crm)
        assert crm.care.surveys.result("S1", by=CLERK).said.answers == 5
        crm.host.urns = first
        crm.tick()
        assert crm.care.surveys.result("S1", by=CLERK).said.answers == 10


KILLED = """
import os, signal, sys
from crm_adapters import open_crm
from surveys.asking_round import CLERK, MORNING, put
with open_crm(sys.argv[1]) as crm:
    put(crm, MORNING)
    real = crm.log.append
    def append(commits):
        found = real(commits)
        os.kill(os.getpid(), signal.SIGKILL)
    crm.log.append = append
    crm.care.surveys.take_slip("S1", "V1", "app", by=CLERK)
"""


@pytest.mark.rule("SUR-02")
def test_a_kill_while_a_slip_is_taken_leaves_one_who_took_part_and_no_answer(
    tmp_path: Path,
) -> None:
    """The slip is lost with the process that made it; nobody else can use it, or take another."""
    url = f"sqlite:///{tmp_path / 'crm.db'}"
    with open_crm(url, create=True) as crm:
        settle(crm, 6)
        opened(crm)
    root = Path(__file__).parents[1]
    path = os.pathsep.join([str(root), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", KILLED, url], env={"PYTHONPATH": path}, check=False
    )
    assert done.returncode == -signal.SIGKILL
    with open_crm(url) as crm:
        put(crm, MORNING)
        assert len([r for r in crm.log.feed() if isinstance(r.event, TookPart)]) == 1
        with pytest.raises(Refused):
            crm.care.surveys.take_slip("S1", "V1", "app", by=CLERK)
        over(crm)
        found = crm.care.surveys.result("S1", by=CLERK)
        assert (found.took_part, found.unused, found.said.answers) == (1, 1, 0)


# --- by name -----------------------------------------------------------------------------------

ANSWER = AnswerByName(
    "S2", "V1", owner_of("V1"), "paper", TODAY, varied(1, comment="电梯太慢"), reference="form 7"
)


@pytest.fixture
def named(crm: CRM) -> CRM:
    opened(crm, "S2", named=True, reason="整改回访")
    return crm


@pytest.mark.rule("SUR-01", "GRD-02")
def test_a_comment_by_name_is_a_matter_raised_and_marks_alone_are_none(named: CRM) -> None:
    named.do(ANSWER, by=CLERK)
    named.do(
        attrs.evolve(ANSWER, household="V2", member=owner_of("V2"), answers=varied(2)), by=CLERK
    )
    opinions = named.get(Opinions, "V1", by=CLERK, purpose="service")
    assert opinions is not None
    [one] = opinions.standing()
    assert (one.source, one.member, one.on, one.reference) == ("survey", "V1#owner", TODAY, "S2")
    assert named.get(Opinions, "V2", by=CLERK, purpose="service") is None


@pytest.mark.rule("SUR-02", "GRD-02")
def test_nothing_anonymous_is_a_matter_of_any_household(crm: CRM) -> None:
    opened(crm)
    slips = crm.care.surveys.take_slips("S1", [f"V{n}" for n in range(1, 7)], "app", by=CLERK)
    for n, slip in enumerate(slips):
        crm.care.surveys.cast(slip, varied(n * 7, comment="电梯太慢"), by=CLERK)
    over(crm)
    assert not [r for r in crm.log.feed() if r.name.startswith("opinions.")]


@pytest.mark.rule("SUR-01")
def test_an_answer_withdrawn_takes_its_matter_with_it_and_leaves_room_for_another(
    named: CRM,
) -> None:
    named.do(ANSWER, by=CLERK)
    withdraw = WithdrawAnswer("S2", "V1", TODAY, "of another flat")
    assert refused(named, withdraw, CLERK) == "role_insufficient"
    assert refused(named, attrs.evolve(withdraw, reason=""), LEAD) == "reason_missing"
    named.do(withdraw, by=LEAD)
    assert refused(named, withdraw, LEAD) == "no_answer"
    opinions = named.get(Opinions, "V1", by=CLERK, purpose="service")
    assert opinions is not None
    assert opinions.standing() == []
    named.do(attrs.evolve(ANSWER, answers=varied(4, comment="谢谢")), by=CLERK)
    opinions = named.get(Opinions, "V1", by=CLERK, purpose="service")
    assert opinions is not None
    assert len(opinions.standing()) == 1
    over(named)
    assert named.care.surveys.result("S2", by=CLERK).took_part == 1


@pytest.mark.rule("SUR-01")
def test_a_household_answers_once_by_name(named: CRM) -> None:
    named.do(ANSWER, by=CLERK)
    assert named.do(ANSWER, by=OTHER).events == (), "the same form, entered again"
    other = attrs.evolve(ANSWER, answers=varied(3))
    assert refused(named, other) == "household_answered"


@pytest.mark.rule("SUR-01", "LOG-08")
def test_an_answer_is_that_of_a_member_and_of_nobody_who_works_here(named: CRM) -> None:
    assert refused(named, attrs.evolve(ANSWER, member="V2#owner")) == "not_a_member"
    assert refused(named, attrs.evolve(ANSWER, reference="")) == "evidence_missing"
    own = Actor(owner_of("V1"), "specialist")
    assert refused(named, ANSWER, own) == "word_of_staff"
    owner = Actor(owner_of("V1"), "owner")
    elsewhere = attrs.evolve(ANSWER, household="V2", member="V2#owner")
    assert refused(named, elsewhere, owner) == "not_of_household"
    receipt = named.do(attrs.evolve(ANSWER, reference=""), by=owner)
    [event] = receipt.events
    assert isinstance(event, AnsweredByName)
    assert event.entered_by == owner.id


@pytest.mark.rule("SUR-01", "LOG-08")
def test_nobody_of_the_staff_makes_their_own_answer_go_away(named: CRM) -> None:
    named.do(attrs.evolve(ANSWER, reference=""), by=Actor(owner_of("V1"), "owner"))
    withdraw = WithdrawAnswer("S2", "V1", TODAY, "did not mean it")
    assert refused(named, withdraw, Actor(owner_of("V1"), "supervisor")) == "own_matter"


@pytest.mark.rule("SUR-01", "SUR-03")
def test_what_is_said_by_name_is_counted_by_the_same_rules(named: CRM) -> None:
    for n in range(1, 8):
        said = varied(n * 7) if n < 7 else tuple(f"{one.partition('=')[0]}=5" for one in varied(1))
        named.do(
            attrs.evolve(ANSWER, household=f"V{n}", member=owner_of(f"V{n}"), answers=said),
            by=CLERK,
        )
    over(named)
    found = named.care.surveys.result("S2", by=CLERK)
    assert found.named
    assert (found.said.answers, found.said.dropped, found.took_part) == (7, 1, 7)
    assert found.said.by_rule["same"] == 1


# --- what waits --------------------------------------------------------------------------------


@pytest.mark.rule("SUR-01")
def test_an_open_survey_waits_for_whoever_asks_households(crm: CRM) -> None:
    opened(crm)
    [task] = [one for one in crm.todo(by=CLERK) if one.what == "survey"]
    assert (task.subject, task.act) == ("S1", "reach-household")
    assert task.details == {"returned": "0", "households": "8"}
    assert not [one for one in crm.todo(by=Actor("F1", "finance")) if one.what == "survey"]
    over(crm)
    assert not [one for one in crm.todo(by=CLERK) if one.what == "survey"]
    assert [row.state for row in crm.care.surveys.listed()] == ["closed"]


@pytest.mark.rule("SUR-01")
def test_an_estate_is_asked_every_year_and_whoever_may_open_a_survey_is_told(crm: CRM) -> None:
    def waits(by: Actor = LEAD) -> list[tuple[str, str, str]]:
        found = [one for one in crm.todo(by=by) if one.what == "survey_due"]
        return [(one.subject, one.act, one.details.get("asked", "")) for one in found]

    known = MORNING - 30 * DAY  # The day on which the first file was opened.
    put(crm, known + 3650 * DAY)
    # A company that never held a survey is told nothing of them.
    assert waits() == []
    put(crm, MORNING)
    opened(crm)
    put(crm, MORNING + 364 * DAY)
    assert waits() == []
    put(crm, MORNING + 365 * DAY)
    assert waits() == [("星河", "open-survey", "2024-05-06")]
    assert waits(CLERK) == []
    # Of one that was given up nobody was asked.
    put(crm, MORNING)
    crm.do(CancelSurvey("S1", TODAY, "printed wrong"), by=BOSS)
    put(crm, known + 364 * DAY)
    assert waits() == []
    put(crm, known + 365 * DAY)
    assert waits() == [("星河", "open-survey", "")]


@pytest.mark.rule("SUR-01")
def test_a_survey_closes_before_the_next_one_is_due(crm: CRM) -> None:
    """Or its answers would never be told, and nobody would be asked again."""
    long = OpenSurvey("S2", TODAY, TODAY + 365 * DAY)
    assert refused(crm, long, LEAD) == "survey_too_long"
    crm.do(attrs.evolve(long, closes_on=TODAY + 364 * DAY), by=LEAD)


@pytest.mark.rule("SUR-01")
def test_a_survey_of_one_estate_is_none_of_another_and_one_of_all_is_of_each(crm: CRM) -> None:
    settle(crm, 1, "明月", first=30)

    def due() -> list[str]:
        return [one.subject for one in crm.todo(by=LEAD) if one.what == "survey_due"]

    opened(crm, "S1", estate="明月")
    put(crm, MORNING + 360 * DAY)
    assert due() == ["星河"]
    crm.do(OpenSurvey("S2", TODAY + 360 * DAY, TODAY + 365 * DAY), by=LEAD)
    assert due() == []
    put(crm, MORNING + 720 * DAY)
    assert due() == []
    put(crm, MORNING + 726 * DAY)
    assert due() == ["明月", "星河"]
