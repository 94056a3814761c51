"""Small things by which somebody might see more than they may (PRV-01, PRV-06, PRV-07, PRV-10)."""

from __future__ import annotations

from datetime import date

import pytest

from access.town import BOSS, CLERK, NOW, V1_OWNER, town
from crm_core.errors import Refused
from crm_core.kernel.sealed import Personal
from crm_core.kernel.word import Word
from crm_core.owners import AddMember, EndRole
from crm_core.plans import ApprovePlan, CompileList, HearFeedback, OpenPlan, ReviewPlan
from crm_core.staff import RegisterStaff
from plans.caring import DIRECTOR, MANAGER, SPECIALIST, SUPERVISOR, Estate, draft

DAY = date(2024, 1, 1)


@pytest.mark.rule("PRV-01")
def test_what_nobody_gave_a_class_is_seen_by_nobody() -> None:
    with town() as crm:
        for by in (BOSS, V1_OWNER, None):
            look = crm._access.look(by, "grading", "a test")
            assert not look.answer(None, "V1").granted


@pytest.mark.rule("PRV-01", "LOG-08")
def test_who_moved_out_has_no_part_in_the_household_any_more() -> None:
    with town() as crm:
        assert crm.owners.sheet("V1", by=V1_OWNER, purpose="own")["room"] == "101"
        crm.do(EndRole("V1", V1_OWNER.id, "owner", date(2024, 2, 29), "sold"), by=CLERK)
        with pytest.raises(Refused) as refused:
            crm.owners.sheet("V1", by=V1_OWNER, purpose="own")
        assert refused.value.reason == "not_of_household"


@pytest.mark.rule("PRV-06")
def test_a_household_is_found_by_one_name_and_one_read_is_kept() -> None:
    with town() as crm:
        also = Personal("V1#user", "张三丰")
        crm.do(AddMember("V1", "V1#user", "tenant", DAY, also), by=CLERK)
        [found] = crm.owners.find("张三", by=CLERK, purpose="service")
        assert crm.host.reads is not None
        seen = [r for r in crm.host.reads.about("V1") if r.source == "owners.find"]
        assert [(r.fields, r.reason) for r in seen] == [(("name",), "")]
        assert found.name == "张三"


@pytest.mark.rule("PRV-07", "PRV-10")
def test_who_is_not_cleared_takes_no_list_and_that_they_tried_is_kept() -> None:
    with town() as crm:
        crm.do(RegisterStaff("D1", "director", DAY), by=BOSS)
        crm.do(RegisterStaff("S1", "specialist", DAY), by=BOSS)
        with pytest.raises(Refused) as refused:
            crm.privacy.leaving("arrears", 1, ("room",), by=CLERK, purpose="collection")
        assert refused.value.reason == "access_undertaking"
        assert list(crm.log.feed(names=["exports.list_taken/1"])) == []
        assert crm.host.reads is not None
        [tried] = crm.host.reads.about("")
        assert (tried.actor, tried.fields, tried.reason) == (str(CLERK), ("room",), "undertaking")


@pytest.mark.rule("PRV-10")
def test_a_form_that_tells_of_several_households_leaves_as_a_list() -> None:
    """Of one household it is a form."""
    with town() as crm:
        estate, day = Estate(crm), NOW.date()
        estate.on(day)
        estate.do(CompileList(2023, day), SUPERVISOR)
        estate.do(OpenPlan("P9", "a bench", day, layer="small", list_year=2023), SPECIALIST)
        estate.do(draft("P9", day), SUPERVISOR)
        estate.do(ReviewPlan("P9", 1, True, day), MANAGER)
        estate.do(ApprovePlan("P9", 1, True, day), DIRECTOR)
        for number, home in enumerate(("V1", "V2"), 1):
            said = Word(f"{home}#owner", "phone", "rec 3")
            crm.do(HearFeedback("P9", f"F{number}", home, "a bench", said, day), by=CLERK)
            made = crm.papers.paper("relation-strengthening", "P9", by=BOSS, purpose="care")
            assert made.households == number
            assert ("text" in made.leads) == (number > 1)
