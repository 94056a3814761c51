"""The award for the wronged: recorded by another, within the caps of the policy (REQ-20)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import attrs
import pytest

from crm_adapters import open_crm
from crm_core import CRM, Actor, Invalid, PolicyBook, Refused, shipped
from crm_core.errors import PolicyInactive
from crm_core.kernel.authority import DEFAULT_AUTHORITY, AuthorityPolicy
from crm_core.kernel.policy import PolicyFault
from crm_core.requests import ReceiveRequest
from crm_core.slices import registry
from crm_core.staff import (
    AwardPolicy,
    GrantAward,
    RecordWrong,
    RegisterStaff,
    StaffRecord,
    WithdrawWrong,
)

NOW = datetime(2024, 5, 3, 4, tzinfo=UTC)
CLERK, MANAGER, DIRECTOR = (
    Actor("S9", "specialist"),
    Actor("M1", "manager"),
    Actor("D1", "director"),
)
WRONG = RecordWrong("S1", "C1", date(2024, 5, 1), "shouted at over a leak")
GRANT = GrantAward("S1", "C1", date(2024, 5, 3), 200_00)
CAP = 500_00


@pytest.fixture
def crm() -> Iterator[CRM]:
    with open_crm("memory:") as opened:
        yield opened


def do(crm: CRM, command: Any, by: Actor) -> Any:
    return crm.do(command, by=by, at=NOW).events


def refused(crm: CRM, command: Any, by: Actor) -> tuple[str, str]:
    before = crm.log.head()
    with pytest.raises(Refused) as caught:
        do(crm, command, by)
    assert crm.log.head() == before
    for lang in ("zh", "en"):
        assert "{" not in caught.value.told(lang)
    return caught.value.reason, caught.value.rule


def award_policy(version: int, case: int, year: int, since: str = "2000-01-01") -> str:
    return f"""kind = "award"
case_cap_fen = {case}
year_cap_fen = {year}
[policy]
name = "award-cn-default"
version = {version}
effective_from = {since}
approved_by = "director"
impact_assessment = "PIA-1"
"""


# --- the caps ------------------------------------------------------------------------------------


@pytest.mark.rule("REQ-20")
def test_an_award_is_at_most_the_cap_of_a_case(crm: CRM) -> None:
    do(crm, WRONG, CLERK)
    above = attrs.evolve(GRANT, amount_fen=CAP + 1)
    assert refused(crm, above, MANAGER) == ("award_above_cap", "REQ-20")
    [granted] = do(crm, attrs.evolve(GRANT, amount_fen=CAP), MANAGER)
    policy = shipped().find(AwardPolicy, "award-cn-default", GRANT.on)
    assert (granted.amount_fen, granted.policy) == (CAP, policy.ref)


@pytest.mark.rule("REQ-20")
def test_many_cases_of_a_year_stay_within_the_cap_of_the_year(crm: CRM) -> None:
    for n in range(6):
        do(crm, attrs.evolve(WRONG, case=f"C{n}", on=date(2023, 12, 1)), CLERK)
    for n in range(4):
        do(crm, attrs.evolve(GRANT, case=f"C{n}", amount_fen=CAP), MANAGER)
    one_more = attrs.evolve(GRANT, case="C4", amount_fen=1)
    assert refused(crm, one_more, MANAGER) == ("award_above_cap", "REQ-20")
    do(crm, attrs.evolve(one_more, amount_fen=0), MANAGER)
    last_year = attrs.evolve(GRANT, case="C5", amount_fen=CAP, on=date(2023, 12, 31))
    do(crm, last_year, MANAGER)


@pytest.mark.rule("REQ-20", "GRD-11")
def test_the_caps_are_those_in_force_on_the_day_of_the_act_whatever_day_is_said() -> None:
    """A lower cap came into force between the day that is said and today."""
    lower = AwardPolicy.parse(award_policy(2, 100_00, 100_00, "2024-05-04"))
    with open_crm("memory:", policies=shipped().add(lower)) as crm:
        do(crm, WRONG, CLERK)
        assert refused(crm, GRANT, MANAGER) == ("award_above_cap", "REQ-20")
        [granted] = do(crm, attrs.evolve(GRANT, amount_fen=100_00), MANAGER)
        assert granted.policy == lower.ref


@pytest.mark.rule("REQ-20", "GRD-11")
def test_a_policy_of_awards_has_caps_above_zero_and_is_approved() -> None:
    text = award_policy(3, 0, -1).replace('"award"', '"x"')
    with pytest.raises(PolicyFault) as fault:
        AwardPolicy.parse(text)
    assert {where for where, _ in fault.value.faults} == {"kind", "case_cap_fen", "year_cap_fen"}
    draft = AwardPolicy.parse(award_policy(9, 1, 1).replace('"director"', '""'))
    only = attrs.evolve(draft, ref=attrs.evolve(draft.ref, name="award-cn-default", version=1))
    book = [p for p in registry().shipped if not isinstance(p, AwardPolicy)]

    with open_crm("memory:", policies=PolicyBook([*book, only])) as crm:
        do(crm, WRONG, CLERK)
        with pytest.raises(PolicyInactive):
            do(crm, GRANT, MANAGER)


@pytest.mark.rule("REQ-20")
def test_nothing_is_recorded_or_granted_for_a_day_that_has_not_come(crm: CRM) -> None:
    far = date(2199, 1, 1)
    with pytest.raises(Invalid, match=r"RecordWrong\.on"):
        do(crm, attrs.evolve(WRONG, on=far), CLERK)
    do(crm, WRONG, CLERK)
    with pytest.raises(Invalid, match=r"GrantAward\.on"):
        do(crm, attrs.evolve(GRANT, on=far), MANAGER)


# --- who -----------------------------------------------------------------------------------------


@pytest.mark.rule("REQ-20", "LOG-08")
def test_no_amount_is_small_enough_for_who_recorded_the_wrong() -> None:
    """Even where the table of a company lets people decide small amounts of their own."""
    text = registry().authority.replace(
        "[alone_up_to_fen]", "[alone_up_to_fen]\ngrant-award = 100000"
    )
    table = AuthorityPolicy.parse(text.replace("version = 1", "version = 2", 1))
    assert table.ref.name == DEFAULT_AUTHORITY
    with open_crm("memory:", policies=shipped().add(table)) as crm:
        do(crm, WRONG, Actor("M1", "manager"))
        for amount in (0, 1):
            grant = attrs.evolve(GRANT, amount_fen=amount)
            assert refused(crm, grant, MANAGER) == ("own_proposal", "LOG-08")
        do(crm, GRANT, DIRECTOR)


@pytest.mark.rule("REQ-20", "LOG-08")
def test_only_somebody_of_the_staff_is_wronged_on_it(crm: CRM) -> None:
    do(crm, RegisterStaff("D1", "director", date(2024, 1, 1)), DIRECTOR)
    do(crm, RegisterStaff("S9", "specialist", date(2024, 1, 1)), DIRECTOR)
    assert refused(crm, WRONG, CLERK) == ("unknown_staff", "REQ-20")
    do(crm, RegisterStaff("S1", "operator", date(2024, 1, 1)), DIRECTOR)
    do(crm, WRONG, CLERK)


@pytest.mark.rule("REQ-20")
def test_a_wrong_over_a_request_names_one_that_there_is(crm: CRM) -> None:
    wrong = attrs.evolve(WRONG, request="R1010")
    assert refused(crm, wrong, CLERK) == ("unknown_request", "REQ-20")
    received = ReceiveRequest(
        request="R1010",
        household="",
        channel="counter",
        kind="complaint",
        trade="service",
        severity="general",
        summary="noise",
        received_at=NOW,
        first_asked="S1",
        place="1 栋大堂",
    )
    do(crm, received, CLERK)
    [recorded] = do(crm, wrong, CLERK)
    assert (recorded.request, recorded.recorded_by) == ("R1010", "S9")


# --- undone --------------------------------------------------------------------------------------


@pytest.mark.rule("REQ-20", "LOG-08")
def test_a_wrong_that_was_none_is_withdrawn_with_its_award_by_somebody_else(crm: CRM) -> None:
    withdraw = WithdrawWrong("S1", "C1", "it was another household, and no wrong")
    assert refused(crm, withdraw, MANAGER) == ("unknown_case", "REQ-20")
    do(crm, WRONG, CLERK)
    do(crm, GRANT, MANAGER)
    assert refused(crm, withdraw, CLERK) == ("role_insufficient", "LOG-08")
    assert refused(crm, withdraw, Actor("S1", "director")) == ("own_matter", "LOG-08")
    assert refused(crm, withdraw, Actor("M1", "director")) == ("own_proposal", "LOG-08")
    assert refused(crm, attrs.evolve(withdraw, reason=""), DIRECTOR)[0] == "reason_missing"
    [withdrawn] = do(crm, withdraw, DIRECTOR)
    assert (withdrawn.case, withdrawn.withdrawn_by) == ("C1", "D1")
    assert do(crm, withdraw, DIRECTOR) == ()
    record = crm.get(StaffRecord, "S1")
    assert record is not None
    assert record.awarded_fen(2024) == 0, "it counts for the cap of the year no more"


@pytest.mark.rule("REQ-20")
def test_a_case_that_was_withdrawn_has_no_award(crm: CRM) -> None:
    do(crm, WRONG, CLERK)
    do(crm, WithdrawWrong("S1", "C1", "a mistake"), DIRECTOR)
    assert refused(crm, GRANT, MANAGER) == ("case_withdrawn", "REQ-20")
    assert refused(crm, WRONG, CLERK) == ("case_exists", "REQ-20")
