"""What the clock brings about of plans and care: each once, nothing for who is gone (PLN-04)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import attrs
import pytest
from caring import (
    DAY,
    DIRECTOR,
    HOME,
    JAN,
    MANAGER,
    OWNER,
    S2,
    SPECIALIST,
    SUPERVISOR,
    WORD,
    Estate,
    approve,
    draft,
    noon,
    opened,
    sell,
    settle,
)

from crm_core import shipped
from crm_core.application.desk import Given
from crm_core.kernel.dates import local_date
from crm_core.kernel.recorded import SYSTEM
from crm_core.kernel.sealed import Personal, Withheld
from crm_core.kernel.text import place_key
from crm_core.kernel.word import Word
from crm_core.messages.commands import ChangePreference
from crm_core.owners.card.commands import RecordItem
from crm_core.owners.commands import VoidHousehold
from crm_core.owners.merging import MergeHousehold
from crm_core.plans import (
    AssignTask,
    BeginCare,
    ConsultNeeds,
    FinishTask,
    GiveAdvice,
    HandOverGift,
    HearFeedback,
    HoldMeeting,
    LearnDifficulty,
    OfferCare,
    PlanMeeting,
    ReassignDifficulty,
    ReportOnPlan,
    SuspendCare,
    TellExperience,
)
from crm_core.plans.care import CARE, CareOpened, OpenCare, Willing
from crm_core.plans.policy import DEFAULT_CARE, CarePolicy
from crm_core.privacy import GiveConsent, PublishConsentText, WithdrawConsent
from crm_core.testing import given

HOUR = timedelta(hours=1)
FESTIVAL = date(2024, 2, 10)
"""The first day off of the Spring Festival of 2024."""


@pytest.fixture
def estate() -> Iterator[Estate]:
    with opened() as one:
        yield one


def of(estate: Estate, stream: str, kind: str) -> list[Any]:
    return [one.event for one in estate.crm.history(stream) if type(one.event).__name__ == kind]


# --- plans -----------------------------------------------------------------------------------


@pytest.mark.rule("PLN-03")
def test_a_task_is_told_late_once_however_often_the_clock_is_run(estate: Estate) -> None:
    approve(estate)
    due = date(2024, 1, 31)
    estate.do(AssignTask("P1", "T1", "M1", "first visit", "S1", due, JAN), SUPERVISOR)
    estate.tick(due)
    assert not of(estate, "plan/P1", "TaskOverdue")
    for day in (due + DAY, due + DAY, due + 9 * DAY):
        estate.tick(day)
    (told,) = of(estate, "plan/P1", "TaskOverdue")
    assert (told.task, told.person, told.due) == ("T1", "S1", due)
    # It stands on the list of who has it, and on that of who leads.
    assert ("plan_task", "T1") in estate.todo(SPECIALIST)
    assert ("plan_task", "T1") in estate.todo(SUPERVISOR)
    assert ("plan_task", "T1") not in estate.todo(S2)


@pytest.mark.rule("PLN-03")
def test_a_task_that_was_done_in_time_and_told_a_week_late_is_late_in_the_records_only(
    estate: Estate,
) -> None:
    approve(estate)
    due = date(2024, 1, 31)
    estate.do(AssignTask("P1", "T1", "M1", "first visit", "S1", due, JAN), SUPERVISOR)
    estate.tick(due + 2 * DAY)
    estate.on(due + 7 * DAY)
    estate.do(FinishTask("P1", "T1", due, "visited"), SPECIALIST)
    estate.tick(due + 8 * DAY)
    assert len(of(estate, "plan/P1", "TaskOverdue")) == 1
    assert estate.crm.care.plan("P1")["tasks"][0]["status"] == "done"


@pytest.mark.rule("PLN-03")
def test_reports_are_missed_by_their_interval_and_a_report_begins_it_anew(estate: Estate) -> None:
    approve(estate)
    estate.tick(JAN + 30 * DAY)
    assert not of(estate, "plan/P1", "ReportMissed")
    estate.tick(JAN + 31 * DAY)
    assert [one.due for one in of(estate, "plan/P1", "ReportMissed")] == [JAN + 30 * DAY]
    on = JAN + 40 * DAY
    estate.on(on).do(ReportOnPlan("P1", "R1", on, "the first visit"), SPECIALIST)
    estate.tick(on + 30 * DAY)
    assert len(of(estate, "plan/P1", "ReportMissed")) == 1
    # Nobody ran the clock for months: every day on which one was due is told.
    estate.tick(on + 100 * DAY)
    assert [one.due for one in of(estate, "plan/P1", "ReportMissed")][1:] == [
        on + n * timedelta(days=30) for n in (1, 2, 3)
    ]


@pytest.mark.rule("PLN-03")
def test_a_year_that_nobody_evaluates_is_told_once_and_waits_for_who_leads(estate: Estate) -> None:
    approve(estate)
    estate.tick(date(2025, 2, 1))
    assert not of(estate, "plan/P1", "EvaluationMissed")
    for day in (date(2025, 2, 2), date(2025, 3, 1)):
        estate.tick(day)
    (told,) = of(estate, "plan/P1", "EvaluationMissed")
    assert (told.year, told.due) == (2024, date(2025, 2, 1))
    assert ("plan_evaluation", "2024") in estate.todo(SUPERVISOR)


@pytest.mark.rule("PLN-03")
def test_a_plan_stops_with_the_sale_also_when_that_is_told_late(estate: Estate) -> None:
    approve(estate)
    due = date(2024, 3, 31)
    estate.do(AssignTask("P1", "T1", "M1", "first visit", "S1", due, JAN), SUPERVISOR)
    sold, told = date(2024, 3, 1), date(2024, 3, 20)
    estate.on(told)
    sell(estate, HOME, sold)
    # Before the clock has said so nothing new is begun either.
    other = AssignTask("P1", "T2", "M1", "again", "S1", due, told)
    assert estate.refused(other, SUPERVISOR) == "household_gone"
    assert estate.refused(draft(on=told), SUPERVISOR) == "household_gone"
    for day in (told + DAY, due + 2 * DAY):
        estate.tick(day)
    (stopped,) = of(estate, "plan/P1", "PlanStopped")
    assert (stopped.because, stopped.on) == ("sold", told + DAY)
    assert not of(estate, "plan/P1", "TaskOverdue")
    assert ("plan_task", "T1") not in estate.todo(SPECIALIST)
    assert estate.crm.care.plan("P1")["stands"] == "stopped"


@pytest.mark.rule("PLN-03")
def test_a_plan_stops_on_the_day_of_a_sale_that_was_told_ahead(estate: Estate) -> None:
    approve(estate)
    sell(estate, HOME, date(2024, 3, 1))
    estate.tick(date(2024, 2, 29))
    assert not of(estate, "plan/P1", "PlanStopped")
    estate.tick(date(2024, 3, 3))
    assert [one.because for one in of(estate, "plan/P1", "PlanStopped")] == ["sold"]


@pytest.mark.rule("PLN-03", "PRV-04")
def test_a_plan_stops_with_the_erasure_of_its_household(estate: Estate) -> None:
    approve(estate)
    estate.on(JAN + 5 * DAY)
    privacy = estate.crm.privacy
    privacy.erase(HOME, by=DIRECTOR, purpose="they asked for it")
    estate.tick(JAN + 6 * DAY)
    assert [one.because for one in of(estate, "plan/P1", "PlanStopped")] == ["erased"]
    shown = estate.crm.care.plan("P1")
    assert shown["in_force"]["goal"] == Withheld("erased")


@pytest.mark.rule("PLN-03", "OWN-09")
def test_a_plan_of_a_file_that_was_merged_goes_on_until_the_surviving_one_is_sold(
    estate: Estate,
) -> None:
    settle(estate, "V2", date(2020, 1, 1))
    approve(estate)
    on = JAN + 2 * DAY
    estate.on(on).do(MergeHousehold(HOME, "V2", on, "entered twice"), SUPERVISOR)
    estate.do(AssignTask("P1", "T1", "M1", "first visit", "S1", on, on), SUPERVISOR)
    estate.tick(on + 2 * DAY)
    assert not of(estate, "plan/P1", "PlanStopped")
    assert len(of(estate, "plan/P1", "TaskOverdue")) == 1
    assert ("plan_task", "T1") in estate.todo(SPECIALIST)
    estate.on(on + 5 * DAY)
    sell(estate, "V2", on + 4 * DAY)
    estate.tick(on + 6 * DAY)
    assert [one.because for one in of(estate, "plan/P1", "PlanStopped")] == ["sold"]


@pytest.mark.rule("PLN-03", "OWN-09")
def test_whoever_lives_in_a_merged_household_says_what_they_think_of_its_plan(
    estate: Estate,
) -> None:
    """Given a plan of a file that was merged into another, when a member of either speaks of it,
    under the number of either file, then it is heard; of a third household it is not.
    """
    settle(estate, "V2")
    settle(estate, "V3")
    approve(estate)
    later = JAN + 20 * DAY
    estate.on(later)
    estate.do(MergeHousehold(HOME, "V2", later, "the same flat"), SUPERVISOR)
    said = [(home, f"{one}#owner") for home in (HOME, "V2") for one in (HOME, "V2")]
    for number, (home, member) in enumerate(said):
        word = Word(member, "phone", "call 9")
        heard = HearFeedback("P1", f"F{number}", home, "glad", word, later)
        estate.do(heard, SPECIALIST)
    other = HearFeedback("P1", "F9", "V3", "glad", Word("V3#owner", "phone", "call 9"), later)
    assert estate.refused(other, SPECIALIST) == "feedback_of_another"


@pytest.mark.rule("PLN-03", "PLN-04", "IMP-01")
def test_a_household_that_never_was_is_cared_for_no_more(estate: Estate) -> None:
    approve(estate)
    give_a_gift(estate)
    estate.on(FESTIVAL)
    inside(
        estate,
        VoidHousehold(HOME, place_key("星河", "1", "1", HOME), date(2020, 1, 1), "by mistake"),
    )
    estate.tick(FESTIVAL + DAY)
    assert [one.because for one in of(estate, "plan/P1", "PlanStopped")] == ["void"]
    assert [one.because for one in of(estate, f"care/{HOME}", "CareCalledBack")] == ["void"]
    assert ("gift", "spring_festival-2024") not in estate.todo(SPECIALIST)


# --- the calendar ----------------------------------------------------------------------------


@pytest.mark.rule("PLN-04")
def test_nobody_is_greeted_before_the_company_goes_by_its_calendar(estate: Estate) -> None:
    estate.tick(FESTIVAL - 2 * DAY)
    assert list(estate.crm.history(f"care/{HOME}")) == []
    begin = BeginCare(FESTIVAL - 2 * DAY)
    estate.do(begin, MANAGER)
    assert estate.refused(begin, MANAGER) == "care_begun"
    estate.tick(FESTIVAL - 2 * DAY)
    (greeted,) = of(estate, f"care/{HOME}", "CareOpened")
    assert (greeted.occasion, greeted.member, greeted.on) == ("spring_festival", OWNER, FESTIVAL)


@pytest.mark.rule("PLN-04")
def test_each_household_is_greeted_once_and_by_a_message_with_a_neutral_twin(
    estate: Estate,
) -> None:
    settle(estate, "V2")
    estate.do(BeginCare(date(2023, 6, 1)), MANAGER)
    for day in (FESTIVAL - 4 * DAY, FESTIVAL - 3 * DAY, FESTIVAL - 3 * DAY, FESTIVAL - DAY):
        estate.tick(day)
    for home in (HOME, "V2"):
        assert len(of(estate, f"care/{home}", "CareOpened")) == 1
        (queued,) = of(estate, f"messages/{home}", "MessageQueued")
        assert (queued.template.name, queued.neutral.name) == (
            "holiday-greeting",
            "holiday-greeting-neutral",
        )
        assert (queued.purpose, queued.recipient) == ("care", f"{home}#owner")
    estate.tick(FESTIVAL + 40 * DAY)
    assert len(of(estate, "care-calendar/company", "OccasionServed")) >= 1
    assert len(of(estate, f"care/{HOME}", "CareOpened")) == 1


@pytest.mark.rule("PLN-04")
def test_an_occasion_that_nobody_ran_the_clock_for_is_not_served_late(estate: Estate) -> None:
    estate.do(BeginCare(date(2023, 6, 1)), MANAGER)
    estate.tick(FESTIVAL + DAY)
    assert not of(estate, f"care/{HOME}", "CareOpened")


@pytest.mark.rule("PLN-04", "PRV-05")
@pytest.mark.parametrize("how", ["consent", "preference"])
def test_who_objected_to_care_is_left_alone(estate: Estate, how: str) -> None:
    estate.do(BeginCare(date(2023, 6, 1)), MANAGER)
    object_to(estate, how)
    estate.tick(FESTIVAL - 3 * DAY)
    assert not of(estate, f"care/{HOME}", "CareOpened")
    assert not of(estate, f"messages/{HOME}", "MessageQueued")


def object_to(estate: Estate, how: str) -> None:
    if how == "consent":
        estate.do(WithdrawConsent(HOME, OWNER, "care", estate.clock.now(), WORD), SPECIALIST)
    else:
        estate.do(ChangePreference(HOME, OWNER, "care", False, WORD), SPECIALIST)


@pytest.mark.rule("PLN-04", "PRV-05")
@pytest.mark.parametrize("how", ["consent", "preference", "sold", "late"])
def test_a_gift_is_called_back_when_its_household_refuses_is_sold_or_it_is_late(
    estate: Estate, how: str
) -> None:
    give_a_gift(estate)
    assert ("gift", "spring_festival-2024") in estate.todo(SPECIALIST)
    gift = HandOverGift(HOME, "spring_festival-2024", FESTIVAL)
    estate.on(FESTIVAL)
    if how == "sold":
        sell(estate, HOME, FESTIVAL)
        estate.tick(FESTIVAL + DAY)
    elif how == "late":
        estate.tick(FESTIVAL + 29 * DAY)
        assert not of(estate, f"care/{HOME}", "CareCalledBack")
        estate.tick(FESTIVAL + 32 * DAY)
    else:
        object_to(estate, how)
        # Whoever is quicker than the clock is refused as well.
        assert estate.refused(gift, SPECIALIST) == "care_called_back"
    for _ in range(2):
        estate.tick()
    because = {"consent": "refused", "preference": "refused", "sold": "left"}.get(how, how)
    assert [one.because for one in of(estate, f"care/{HOME}", "CareCalledBack")] == [because]
    assert ("gift", "spring_festival-2024") not in estate.todo(SPECIALIST)
    if how == "late":
        # It reached them in time, and that is only told now.
        estate.do(gift, SPECIALIST)
    else:
        assert estate.refused(gift, SPECIALIST) == "care_called_back"


def inside(estate: Estate, command: Any) -> None:
    """What the library alone gives."""
    given = Given(SYSTEM, inside=True, at=estate.clock.now())
    estate.crm._desk.do(command, given)


def give_a_gift(estate: Estate) -> None:
    """A gift for the household, as if its layer asked for one."""
    estate.do(BeginCare(date(2023, 6, 1)), MANAGER)
    estate.on(FESTIVAL - DAY)
    command = OpenCare(HOME, "spring_festival", FESTIVAL, layer="important")
    inside(estate, command)
    (opened_one,) = of(estate, f"care/{HOME}", "CareOpened")
    assert opened_one.gift_fen == 100_00


@pytest.mark.rule("PLN-04")
def test_a_gift_is_handed_over_once(estate: Estate) -> None:
    give_a_gift(estate)
    gift = HandOverGift(HOME, "spring_festival-2024", FESTIVAL)
    estate.on(FESTIVAL).do(gift, SPECIALIST)
    assert estate.refused(gift, SPECIALIST) == "gift_handed_over"
    assert ("gift", "spring_festival-2024") not in estate.todo(SPECIALIST)
    estate.tick(FESTIVAL + 40 * DAY)
    assert not of(estate, f"care/{HOME}", "CareCalledBack")
    other = HandOverGift(HOME, "mid_autumn-2024", FESTIVAL)
    assert estate.refused(other, SPECIALIST) == "unknown_gift"


@pytest.mark.rule("PLN-04", "PRV-05")
def test_a_birthday_is_one_with_consent_alone(estate: Estate) -> None:
    estate.do(BeginCare(date(2023, 6, 1)), MANAGER)
    item = RecordItem(
        HOME, OWNER, "birthday", Personal(OWNER, "02-29"), date(2023, 6, 1), kept_for="birthday",
        word=WORD,
    )  # fmt: skip
    agree(estate, "birthday", date(2023, 6, 1))
    estate.do(item, SPECIALIST)
    for day in (date(2025, 2, 27), date(2025, 2, 28), date(2025, 2, 28), date(2025, 3, 1)):
        estate.tick(day)
    (wished,) = [one for one in opened_of(estate) if one.kind == "birthday"]
    assert (wished.member, wished.on) == (OWNER, date(2025, 2, 28))
    (queued,) = [
        one for one in of(estate, f"messages/{HOME}", "MessageQueued") if one.purpose == "birthday"
    ]
    assert queued.neutral.name == "birthday-greeting-neutral"
    withdraw = WithdrawConsent(HOME, OWNER, "birthday", noon(date(2025, 6, 1)), WORD)
    estate.on(date(2025, 6, 1)).do(withdraw, SPECIALIST)
    estate.tick(date(2026, 2, 28))
    assert len([one for one in opened_of(estate) if one.kind == "birthday"]) == 1


def opened_of(estate: Estate, household: str = HOME) -> list[CareOpened]:
    return of(estate, f"care/{household}", "CareOpened")


def agree(estate: Estate, purpose: str, on: date) -> None:
    estate.on(on)
    text = PublishConsentText(purpose, 1, on, "我们会祝福您", "we wish you well")
    estate.do(text, DIRECTOR)
    estate.do(GiveConsent(HOME, OWNER, purpose, 1, noon(on), WORD), SPECIALIST)


@pytest.mark.rule("PLN-04")
def test_there_is_one_customer_meeting_a_year_and_a_year_without_one_is_told(
    estate: Estate,
) -> None:
    estate.do(BeginCare(date(2023, 6, 1)), MANAGER)
    estate.on(date(2023, 11, 15))
    held = HoldMeeting(2023, date(2023, 11, 15), "everybody came")
    estate.do(held, MANAGER)
    assert estate.refused(held, MANAGER) == "meeting_held"
    for day in (date(2024, 1, 2), date(2025, 1, 2), date(2025, 1, 3)):
        estate.tick(day)
    assert [one.year for one in of(estate, "care-calendar/company", "MeetingMissed")] == [2024]
    suspend = SuspendCare(date(2025, 1, 3), "the contract of the estate ended")
    estate.do(suspend, MANAGER)
    estate.tick(date(2025, 1, 26))
    assert not opened_of(estate)


@pytest.mark.rule("PLN-04")
def test_the_customer_meeting_waits_until_it_is_planned_and_then_until_it_is_held(
    estate: Estate,
) -> None:
    def waits(by: Any = SUPERVISOR) -> list[tuple[str, str, date]]:
        found = [one for one in estate.crm.todo(by=by) if one.what == "customer_meeting"]
        return [(one.subject, one.act, local_date(one.due_at - HOUR)) for one in found]

    assert waits() == []
    estate.do(BeginCare(date(2023, 6, 1)), MANAGER)
    assert waits() == [("2023", "plan-meeting", date(2023, 12, 31))]
    assert waits(SPECIALIST) == []
    estate.do(PlanMeeting(2023, date(2023, 11, 15), date(2023, 6, 1)), SUPERVISOR)
    estate.do(PlanMeeting(2023, date(2023, 11, 20), date(2023, 6, 1)), SUPERVISOR)
    estate.on(date(2023, 11, 15))
    assert waits() == [("2023", "hold-meeting", date(2023, 11, 20))]
    estate.do(HoldMeeting(2023, date(2023, 11, 15), "everybody came"), SUPERVISOR)
    assert waits() == []
    # The next year asks for its own, and one for which nobody asks is none.
    estate.on(date(2024, 2, 1))
    assert waits() == [("2024", "plan-meeting", date(2024, 12, 31))]
    estate.do(SuspendCare(date(2024, 2, 1), "the contract ended"), MANAGER)
    assert waits() == []


@pytest.mark.rule("PLN-04")
def test_every_year_that_passed_without_a_meeting_is_told_however_late(estate: Estate) -> None:
    estate.do(BeginCare(date(2023, 6, 1)), MANAGER)
    for day in (date(2026, 3, 1), date(2026, 3, 2)):
        estate.tick(day)
    missed = of(estate, "care-calendar/company", "MeetingMissed")
    assert [one.year for one in missed] == [2023, 2024, 2025]


# --- needs, difficulties, offers -------------------------------------------------------------


@pytest.mark.rule("PLN-04")
def test_who_signs_is_asked_what_they_need_and_who_lived_there_before_is_not(
    estate: Estate,
) -> None:
    estate.do(BeginCare(date(2023, 6, 1)), MANAGER)
    estate.tick(date(2023, 6, 2))
    assert not of(estate, f"care/{HOME}", "ConsultationDue")
    sold = date(2023, 7, 1)
    estate.on(date(2023, 7, 3))
    sell(estate, HOME, sold)
    for day in (date(2023, 7, 3), date(2023, 7, 4)):
        estate.tick(day)
    (due,) = of(estate, f"care/{HOME}", "ConsultationDue")
    assert due.due == due.on + timedelta(days=30)
    assert ("needs", due.tenure) in estate.todo(SPECIALIST)
    word = Word(f"{HOME}#buyer", "counter", "form 3")
    consult = ConsultNeeds(HOME, "a parking space", word, date(2023, 7, 4))
    estate.do(consult, SPECIALIST)
    assert estate.refused(consult, SPECIALIST) == "needs_consulted"
    assert ("needs", due.tenure) not in estate.todo(SPECIALIST)


@pytest.mark.rule("PLN-04")
def test_who_signed_long_before_it_was_told_is_asked_at_the_next_visit_instead(
    estate: Estate,
) -> None:
    """Given a sale that comes to be known two months later, then nobody owes a consultation that
    was late before anybody could hold it.
    """
    estate.do(BeginCare(date(2023, 6, 1)), MANAGER)
    sold = date(2023, 7, 1)
    estate.on(sold + timedelta(days=31))
    sell(estate, HOME, sold)
    estate.tick()
    assert not of(estate, f"care/{HOME}", "ConsultationDue")
    assert not [what for what, _ in estate.todo(SPECIALIST) if what == "needs"]


@pytest.mark.rule("PLN-04", "GRD-14")
def test_an_occasion_is_for_the_layers_that_the_policy_names() -> None:
    """Given a festival for the two upper layers, then nothing is opened for another one."""
    festival = date(2024, 9, 17)
    policy = shipped().find(CarePolicy, DEFAULT_CARE, festival)
    owner = f"{HOME}#owner"
    willing = Willing(festival, "", (owner,), (owner,), "first", None)
    command = OpenCare(HOME, "mid_autumn", festival, "main", policy=policy, willing=willing)
    [opened_care] = given(CARE).when(command).events
    assert opened_care.gift_fen == 50_00
    for layer in ("ordinary", "small", ""):
        given(CARE).when(attrs.evolve(command, layer=layer)).then()
    nobody = attrs.evolve(willing, members=())
    given(CARE).when(attrs.evolve(command, willing=nobody)).then()


@pytest.mark.rule("PLN-04")
def test_a_difficulty_becomes_a_task_and_advice_on_it_is_noted(estate: Estate) -> None:
    estate.on(JAN)
    learn = LearnDifficulty("Q1", HOME, "the door sticks", WORD, "S1", JAN + 5 * DAY, JAN)
    estate.do(learn, SPECIALIST)
    assert estate.refused(learn, SPECIALIST) == "difficulty_exists"
    for day in (JAN + 5 * DAY, JAN + 6 * DAY, JAN + 7 * DAY):
        estate.tick(day)
    assert [one.due for one in of(estate, "difficulty/Q1", "DifficultyOverdue")] == [JAN + 5 * DAY]
    on = JAN + 7 * DAY
    assert estate.refused(GiveAdvice("Q1", "oil it", False, on), SUPERVISOR) == "not_their_task"
    estate.do(GiveAdvice("Q1", "oil it", False, on), SPECIALIST)
    assert ("difficulty", "Q1") in estate.todo(SPECIALIST)
    estate.do(GiveAdvice("Q1", "plane the edge", True, on), SPECIALIST)
    assert ("difficulty", "Q1") not in estate.todo(SPECIALIST)
    assert estate.refused(GiveAdvice("Q1", "more", True, on), SPECIALIST) == "difficulty_solved"


@pytest.mark.rule("PLN-04", "LOG-08")
def test_nobody_gives_themselves_more_time_with_a_difficulty(estate: Estate) -> None:
    estate.on(JAN)
    due = JAN + 5 * DAY
    estate.do(LearnDifficulty("Q1", HOME, "a draught", WORD, "U1", due, JAN), SPECIALIST)
    longer = ReassignDifficulty("Q1", "U1", due + DAY, JAN, "no time")
    assert estate.refused(longer, SUPERVISOR) == "own_matter"
    away = ReassignDifficulty("Q1", "S2", due + DAY, JAN, "no time")
    assert estate.refused(away, SUPERVISOR) == "own_matter"
    estate.do(longer, MANAGER)
    estate.do(ReassignDifficulty("Q1", "S2", due, JAN, "she knows windows"), SUPERVISOR)


@pytest.mark.rule("PLN-04", "PRV-05")
def test_news_and_trials_are_offered_to_who_agreed_and_asked_about(estate: Estate) -> None:
    offer = OfferCare(HOME, "O1", "trial", OWNER, "a month of cleaning", JAN)
    estate.on(JAN)
    assert estate.refused(offer, SPECIALIST) == "care_refused"
    agree(estate, "marketing", JAN)
    estate.do(offer, SPECIALIST)
    assert estate.refused(offer, SPECIALIST) == "care_exists"
    (queued,) = of(estate, f"messages/{HOME}", "MessageQueued")
    assert (queued.purpose, queued.neutral.name) == ("marketing", "service-news-neutral")
    tell = TellExperience(HOME, "O1", "clean, and on time", WORD, JAN)
    estate.do(tell, SPECIALIST)
    assert estate.refused(tell, SPECIALIST) == "experience_told"
