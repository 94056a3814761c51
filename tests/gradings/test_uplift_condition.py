"""Uplift of a commercial customer by its sound condition (经营状况良好), and by whose promises."""

from __future__ import annotations

from datetime import date

import pytest

from crm_core.crm import CRM
from crm_core.errors import Refused
from crm_core.gradings.commands import ContestGrading, DecideUplift, ProposeUplift
from crm_core.kernel.dates import parse_instant
from crm_core.kernel.sealed import Personal
from crm_core.owners.commands import (
    AddMember,
    EndRole,
    RecordCondition,
    RegisterHousehold,
    TransferOwnership,
)
from crm_core.payments.commands import RaiseCharge, ReceivePayment, RecordPurchase
from estate import (
    DIRECTOR,
    MANAGER,
    MOVED_IN,
    OWNER,
    SPECIALIST,
    FixedClock,
    asked,
    crm,
    do,
    home,
    interrupted,
    reach,
)

__all__ = ["crm"]

ON = date(2012, 1, 20)


@pytest.fixture
def company(crm: CRM) -> CRM:
    """A company that pays one charge a year, so that no promises prove anything."""
    owner = Personal("V1#owner", "Anhe Trading")
    opened = RegisterHousehold(
        "V1", "Anhe", "1", "1", "101", kind="company", owner=owner, moved_in=MOVED_IN
    )
    do(crm, opened)
    do(crm, RaiseCharge("V1", "C1", "management_fee", "2011", 100_00, date(2011, 3, 1)))
    do(crm, ReceivePayment("V1", "P1", 100_00, date(2011, 2, 1), "transfer"))
    do(crm, RecordPurchase("V1", "B1", "cleaning", 100_00, date(2011, 6, 1)))
    crm.grade(2011)
    return crm


def condition(crm: CRM, on: date, *, sound: bool = True) -> None:
    asked(crm, RecordCondition("V1", sound, "annual report", on), SPECIALIST)


def lifted(crm: CRM, on: date = ON) -> str:
    """The layer that holds once it was tried to lift the company."""
    asked(crm, ProposeUplift("V1", 2011, "flourishes", on), SPECIALIST)
    asked(crm, DecideUplift("V1", 2011, True, on), MANAGER)
    [now] = crm.gradings.history("V1")
    return now.layer


def missing(crm: CRM, on: date = ON) -> None:
    with pytest.raises(Refused) as refused:
        asked(crm, ProposeUplift("V1", 2011, "flourishes", on), SPECIALIST)
    assert (refused.value.reason, refused.value.rule) == ("promises_missing", "GRD-05")


@pytest.mark.rule("GRD-05")
def test_a_sound_condition_on_record_lifts_a_company_without_promises(company: CRM) -> None:
    missing(company)
    condition(company, date(2012, 1, 18))
    assert lifted(company) == "main"
    [now] = company.gradings.history("V1")
    assert now.uplift is not None
    recorded = next(iter(company.log.feed(after=now.uplift.condition - 1)))
    assert type(recorded.event).__name__ == "ConditionRecorded"


@pytest.mark.rule("GRD-05")
def test_the_latest_word_about_the_condition_counts(company: CRM) -> None:
    condition(company, date(2012, 1, 18))
    condition(company, date(2012, 1, 19), sound=False)
    missing(company)
    condition(company, date(2012, 1, 20))
    assert lifted(company) == "main"


@pytest.mark.rule("GRD-05")
def test_a_condition_of_long_ago_or_of_the_days_to_come_lifts_nobody(company: CRM) -> None:
    condition(company, date(2011, 1, 20))
    missing(company)
    condition(company, date(2012, 1, 21))
    missing(company)
    assert lifted(company, date(2012, 1, 21)) == "main"


@pytest.mark.rule("GRD-05", "PAY-16")
def test_what_others_kept_after_them_does_not_lift_whom_the_year_graded(crm: CRM) -> None:
    """The flat was sold in January; the buyer's punctual payments prove nothing of the seller."""
    home(crm, "V1", buys=100_00)
    crm.grade(2011)
    buyer = Personal("buyer", "Wu")
    reach(crm, date(2012, 8, 1))
    do(
        crm,
        TransferOwnership("V1", "buyer", date(2012, 2, 1), buyer, reason="transfer of ownership"),
    )
    for month in range(3, 8):
        due = date(2012, month, 1)
        do(crm, RaiseCharge("V1", f"D{month}", "parking", f"2012-{month}", 100, due))
    do(crm, ReceivePayment("V1", "P9", 500, date(2012, 2, 15), "cash", payer="buyer"))
    missing(crm, date(2012, 8, 1))
    missing(crm, date(2012, 3, 1))


@pytest.mark.rule("GRD-13")
def test_who_left_before_the_graded_year_does_not_contest_it(crm: CRM) -> None:
    """A co-owner of the same tenure who had gone by then; one who left within the year may."""
    home(crm, "V1")
    for number, left in ((1, date(2010, 12, 31)), (2, date(2011, 1, 1))):
        member = f"V1#c{number}"
        do(crm, AddMember("V1", member, "co_owner", MOVED_IN, Personal(member, "Li")))
        do(crm, EndRole("V1", member, "co_owner", left, "gave up the share"))
    crm.grade(2011)
    early, late = (type(OWNER)(f"V1#c{number}", "owner") for number in (1, 2))
    with pytest.raises(Refused) as refused:
        asked(crm, ContestGrading("V1", 2011, "RV1", "unjust", ON), early)
    assert refused.value.reason == "not_the_owner"
    asked(crm, ContestGrading("V1", 2011, "RV1", "unjust", ON), late)


@pytest.mark.rule("GRD-12", "GRD-17")
@pytest.mark.parametrize("how", ["trial", "policy"])
def test_nobody_takes_part_in_a_run_of_another_kind_that_was_interrupted(
    crm: CRM, how: str
) -> None:
    home(crm, "V1")
    other = {"trial": True} if how == "trial" else {"policy": "grade-cn-monotone"}

    interrupted(crm, 2011, **other)
    crm.host.clock = FixedClock(parse_instant("2012-02-01T09:00:00+08:00"))
    do(crm, RecordPurchase("V1", "B9", "cleaning", 1_00, date(2011, 7, 1)))
    run = crm.grade(2011)
    assert (run.standing, run.policy.name) == ("of_record", "grade-cn-default")
    assert run.gradings[0].facts.purchases_fen == 1_00


@pytest.mark.rule("GRD-05")
def test_nobody_stays_lifted_whose_credit_turns_out_to_be_b2(crm: CRM) -> None:
    """The layer it was lifted from is the same, but from B2 or worse there is no uplift."""
    home(crm, "V1")
    crm.grade(2011)
    assert lifted(crm) == "ordinary"
    owed = RaiseCharge("V1", "C99", "parking", "2011-10", 100_00, date(2011, 10, 1))
    do(crm, owed, at=parse_instant("2012-02-01T09:00:00+08:00"))
    again = crm.grade(2011)
    facts = again.gradings[0].facts
    assert (facts.credit, again.gradings[0].outcome.layer) == ("B3", "small")
    crm.gradings.replace(
        2011,
        again.run,
        "a bill that was forgotten",
        by=DIRECTOR,
        moves=len(crm.gradings.replacing(2011, again.run)),
    )
    [now] = crm.gradings.history("V1")
    assert (now.layer, now.uplift, now.conflicts) == ("small", None, ("uplift",))


@pytest.mark.rule("GRD-05", "LOG-08")
def test_who_put_the_condition_on_record_does_not_approve_the_uplift_it_carries(
    company: CRM,
) -> None:
    asked(company, RecordCondition("V1", True, "annual report", date(2012, 1, 18)), MANAGER)
    asked(company, ProposeUplift("V1", 2011, "flourishes", ON), SPECIALIST)
    with pytest.raises(Refused) as refused:
        asked(company, DecideUplift("V1", 2011, True, ON), MANAGER)
    assert (refused.value.reason, refused.value.rule) == ("same_person", "GRD-05")
    # Another may; and the one who recorded it may say no.
    asked(company, DecideUplift("V1", 2011, True, ON), DIRECTOR)
    [now] = company.gradings.history("V1")
    assert now.layer == "main"
