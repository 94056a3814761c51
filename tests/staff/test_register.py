"""The register of staff: who may act under which role today, and who says so (LOG-08)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st

import crm_core
from crm_adapters import open_crm
from crm_core import CRM, Actor, Invalid, Personal, Planned, Refused
from crm_core.kernel.recorded import STAFF_ROLES
from crm_core.kernel.sealed import Erased, Place, Plain, Sealed
from crm_core.kernel.sentences import sentences
from crm_core.kernel.word import Word
from crm_core.owners import AddMember, RecordInterest, RegisterHousehold
from crm_core.payments import RaiseCharge
from crm_core.staff import (
    REGISTER,
    ChangeStaffContact,
    EndStaffRole,
    JoinStaffIds,
    PartStaffIds,
    Register,
    RegisterStaff,
)
from crm_core.staff.register import StaffContactChanged, StaffRoleBegun, StaffRoleEnded
from crm_core.testing import check_decider, given

pytestmark = pytest.mark.rule("LOG-08")

A_DAY = timedelta(days=1)
TODAY = date(2024, 6, 3)
FIRST = date(2020, 1, 1)
DIRECTOR, MANAGER = Actor("yang", "director"), Actor("mei", "manager")

LEADS = RegisterStaff("yang", "director", FIRST, by=DIRECTOR)
HIRE = RegisterStaff("li", "specialist", date(2024, 1, 1), by=MANAGER)
LEAVE = EndStaffRole("li", "specialist", date(2024, 3, 31), "moved on", by=MANAGER)

LEADING = StaffRoleBegun("yang", "director", FIRST, None, "yang")
HIRED = StaffRoleBegun("li", "specialist", date(2024, 1, 1), None, "mei")
LEFT = StaffRoleEnded("li", "specialist", date(2024, 3, 31), "moved on", "mei")


def begun(staff: str, role: str, since: date = FIRST) -> StaffRoleBegun:
    return StaffRoleBegun(staff, role, since, None, "yang")


def holding(register: Register, role: str, on: date) -> list[str]:
    """Everybody who holds the role on a day, in the order in which they were entered."""
    return list(dict.fromkeys(held.staff for held in register.of(role=role) if held.covers(on)))


# --- who holds what ------------------------------------------------------------------------------


def test_a_role_is_held_from_its_first_day_to_its_last() -> None:
    given(REGISTER, LEADING).when(HIRE, LEAVE).then(HIRED, LEFT).state(
        lambda r: not r.holds("li", "specialist", date(2023, 12, 31))
    ).state(lambda r: r.holds("li", "specialist", date(2024, 1, 1))).state(
        lambda r: r.holds("li", "specialist", date(2024, 3, 31))
    ).state(lambda r: not r.holds("li", "specialist", date(2024, 4, 1))).state(
        lambda r: r.names("li")
    ).state(lambda r: not r.names("wu"))


def test_a_person_holds_several_roles_at_once_and_one_ends_without_the_other() -> None:
    both = attrs.evolve(HIRE, role="operator")
    after = given(REGISTER, LEADING).when(HIRE, both, LEAVE).after
    assert not after.holds("li", "specialist", TODAY)
    assert after.holds("li", "operator", TODAY)
    assert holding(after, "operator", TODAY) == ["li"]
    assert holding(after, "specialist", date(2024, 2, 1)) == ["li"]
    assert not after.holds("li", "supervisor", TODAY)
    assert not after.holds("wu", "operator", TODAY)


def test_a_role_is_entered_once_while_it_lasts() -> None:
    for since in (date(2023, 1, 1), date(2024, 1, 1), date(2030, 1, 1)):
        again = attrs.evolve(HIRE, since=since)
        given(REGISTER, LEADING, HIRED).when(again).refused("staff_role_held", "LOG-08")


@pytest.mark.parametrize("since", [FIRST, date(2024, 1, 1), date(2024, 1, 2), date(2024, 3, 31)])
def test_a_first_day_in_the_past_does_not_undo_an_end(since: date) -> None:
    """Who enters that somebody has been here for long lets nobody in who was sent away since."""
    past = (LEADING, HIRED, LEFT)
    given(REGISTER, *past).when(attrs.evolve(HIRE, since=since)).refused(
        "staff_role_held", "LOG-08"
    )
    again = attrs.evolve(HIRE, since=date(2024, 4, 1))
    given(REGISTER, *past).when(again).state(lambda r: r.holds("li", "specialist", TODAY))


def test_an_end_that_is_over_does_not_end_what_was_begun_again_since() -> None:
    again = begun("li", "specialist", date(2024, 4, 2))
    file = given(REGISTER, LEADING, HIRED, LEFT, again)
    for until in (date(2024, 3, 31), date(2024, 4, 1)):
        file.when(attrs.evolve(LEAVE, until=until)).refused("role_ends_before_it_begins", "LOG-08")
    after = file.when(attrs.evolve(LEAVE, until=TODAY)).after
    days = [date(2024, 3, 31), date(2024, 4, 1), date(2024, 4, 2)]
    assert [after.holds("li", "specialist", day) for day in days] == [True, False, True]
    assert after.holds("li", "specialist", TODAY)
    assert not after.holds("li", "specialist", TODAY + A_DAY)


def test_an_end_to_come_can_be_brought_forward_and_not_put_off() -> None:
    """Whoever is to leave at the end of the year may have to leave in June."""
    planned = attrs.evolve(LEFT, until=date(2024, 12, 31))
    file = given(REGISTER, LEADING, HIRED, planned)
    sooner = attrs.evolve(LEAVE, until=date(2024, 6, 2))
    file.when(sooner).state(lambda r: not r.holds("li", "specialist", TODAY)).state(
        lambda r: r.holds("li", "specialist", date(2024, 6, 2))
    )
    for until in (date(2024, 12, 31), date(2025, 12, 31)):
        file.when(attrs.evolve(LEAVE, until=until)).refused("staff_role_not_held", "LOG-08")
    file.when(sooner, sooner).refused("staff_role_not_held", "LOG-08")


def test_who_leaves_does_not_come_back_by_what_was_entered_for_later() -> None:
    """The period that was to follow never comes about, and can be entered anew."""
    planned = attrs.evolve(LEFT, until=date(2024, 12, 31))
    later = begun("li", "specialist", date(2025, 1, 1))
    leave = attrs.evolve(LEAVE, until=date(2024, 6, 2))
    left = given(REGISTER, LEADING, HIRED, planned, later).when(leave)
    for day in (TODAY, date(2024, 12, 31), date(2025, 1, 1), date(2030, 1, 1)):
        left.state(lambda r, day=day: not r.holds("li", "specialist", day))
    again = attrs.evolve(HIRE, since=date(2025, 1, 1))
    after = given(REGISTER, LEADING, HIRED, planned, later).when(leave, again).after
    assert not after.holds("li", "specialist", date(2024, 12, 31))
    assert after.holds("li", "specialist", date(2025, 1, 1))


def test_an_end_needs_a_role_that_is_held_a_day_and_a_reason() -> None:
    file = given(REGISTER, LEADING, HIRED)
    file.when(attrs.evolve(LEAVE, role="operator")).refused("staff_role_not_held", "LOG-08")
    file.when(attrs.evolve(LEAVE, staff="wu")).refused("staff_role_not_held", "LOG-08")
    early = attrs.evolve(LEAVE, until=date(2023, 12, 31))
    file.when(early).refused("role_ends_before_it_begins", "LOG-08")
    file.when(attrs.evolve(LEAVE, until=date(2024, 1, 1))).state(
        lambda r: r.holds("li", "specialist", date(2024, 1, 1))
    )
    file.when(attrs.evolve(LEAVE, reason="")).refused("reason_missing", "LOG-06")


@pytest.mark.parametrize("staff", ["", "a b", "a/b", " li", "ｌｉ", "x" * 65])
def test_nobody_is_registered_under_an_id_that_no_actor_has(staff: str) -> None:
    given(REGISTER, LEADING).when(attrs.evolve(HIRE, staff=staff)).refused(
        "staff_id_malformed", "LOG-08"
    )


@pytest.mark.parametrize("role", ["owner", "user", "auditor", "host", "system", "boss", ""])
def test_roles_of_others_than_staff_are_not_registered(role: str) -> None:
    given(REGISTER, LEADING).when(attrs.evolve(HIRE, role=role)).refused("unknown_role", "LOG-08")


# --- directors -----------------------------------------------------------------------------------


@pytest.mark.parametrize("role", sorted(set(STAFF_ROLES) - {"director"}))
def test_the_register_begins_with_a_director(role: str) -> None:
    """From the first entry on whoever is not in it can do nothing, so it must go on from there."""
    given(REGISTER).when(attrs.evolve(LEADS, role=role)).refused(
        "register_begins_with_director", "LOG-08"
    )
    given(REGISTER).when(LEADS).then(LEADING)


def test_the_last_director_stays() -> None:
    end = EndStaffRole("yang", "director", date(2024, 5, 31), "retired", by=DIRECTOR)
    for past in ((), (HIRED,), (begun("yang", "manager"),)):
        given(REGISTER, LEADING, *past).when(end).refused("last_director", "LOG-08")
    other = begun("wu", "director", date(2024, 6, 1))
    given(REGISTER, LEADING, other).when(end).state(
        lambda r: holding(r, "director", date(2024, 5, 31)) == ["yang"]
    ).state(lambda r: holding(r, "director", date(2024, 6, 1)) == ["wu"])


def test_a_director_who_comes_later_or_goes_again_keeps_no_chair_warm() -> None:
    """Somebody is a director on every day from the first one on."""
    end = EndStaffRole("yang", "director", date(2024, 5, 31), "retired", by=DIRECTOR)
    later = begun("wu", "director", date(2024, 6, 2))
    given(REGISTER, LEADING, later).when(end).refused("last_director", "LOG-08")
    leaving = StaffRoleEnded("wu", "director", date(2025, 1, 1), "x", "yang")
    wu = begun("wu", "director")
    given(REGISTER, LEADING, wu, leaving).when(end).refused("last_director", "LOG-08")
    # A second role of the same person is no second person.
    again = StaffRoleEnded("yang", "director", date(2024, 5, 31), "x", "yang")
    back = begun("yang", "director", date(2024, 6, 1))
    given(REGISTER, LEADING, again, back).when(attrs.evolve(end, until=date(2024, 6, 30))).refused(
        "last_director", "LOG-08"
    )


def test_only_a_director_makes_or_ends_a_director() -> None:
    """Else every manager could make themselves one, and approve the policies they drafted."""
    manager = attrs.evolve(LEADS, staff="mei", by=MANAGER)
    refusal = given(REGISTER, LEADING).when(manager).refused("role_insufficient", "LOG-08").refusal
    assert refusal is not None
    assert refusal.details == {
        "act": "register-staff",
        "role": "manager",
        "accepted": ["director"],
    }
    given(REGISTER, LEADING).when(attrs.evolve(manager, by=DIRECTOR)).state(
        lambda r: holding(r, "director", TODAY) == ["yang", "mei"]
    )
    end = EndStaffRole("yang", "director", TODAY, "in the way", by=MANAGER)
    two = (LEADING, begun("wu", "director"))
    given(REGISTER, *two).when(end).refused("role_insufficient", "LOG-08")
    given(REGISTER, *two).when(attrs.evolve(end, by=Actor("wu", "director"))).state(
        lambda r: holding(r, "director", TODAY + A_DAY) == ["wu"]
    )


def test_a_register_counts_from_the_first_day_of_its_first_director() -> None:
    """A year that was mistyped would else lock everybody out for ever."""
    to_come: Register = REGISTER.decider.fold([begun("yang", "director", date(2042, 6, 3)), HIRED])
    assert not to_come.in_force(TODAY)
    assert not to_come.in_force(date(2042, 6, 2))
    assert to_come.in_force(date(2042, 6, 3))
    assert to_come.in_force(date(2100, 1, 1))
    assert REGISTER.decider.fold([LEADING]).in_force(FIRST)
    assert not REGISTER.decider.initial.in_force(TODAY)
    gone = StaffRoleEnded("yang", "director", date(2024, 5, 31), "x", "yang")
    assert REGISTER.decider.fold([LEADING, begun("wu", "director"), gone]).in_force(TODAY)


# --- contacts ------------------------------------------------------------------------------------


@pytest.mark.rule("OUT-01", "PRV-03")
def test_a_contact_is_that_of_the_person_alone_and_the_last_one_counts() -> None:
    old, new = Personal("li", "13800138000"), Personal("li", "13900139000")
    hire = attrs.evolve(HIRE, contact=old)
    given(REGISTER, LEADING).when(hire).then(attrs.evolve(HIRED, contact=old)).state(
        lambda r: r.contact("li") == old
    ).state(lambda r: r.contact("yang") is None)
    change = ChangeStaffContact("li", new, by=MANAGER)
    given(REGISTER, LEADING).when(hire, change).state(lambda r: r.contact("li") == new)
    given(REGISTER, LEADING, HIRED).when(change).then(StaffContactChanged("li", new, "mei"))
    given(REGISTER, LEADING).when(change).refused("unknown_staff", "LOG-08")
    for stranger in (Personal("wu", "13800138000"), Personal("V1#owner", "13800138000")):
        given(REGISTER, LEADING, HIRED).when(attrs.evolve(change, contact=stranger)).refused(
            "contact_of_another", "OUT-01"
        )
        given(REGISTER, LEADING).when(attrs.evolve(hire, contact=stranger)).refused(
            "contact_of_another", "OUT-01"
        )


@pytest.mark.rule("OUT-01", "PRV-03")
def test_a_contact_is_sealed_under_the_person_s_own_key() -> None:
    number = "+86 138-0013-8000"
    with open_crm("memory:") as crm:
        crm.do(RegisterStaff("yang", "director", FIRST), by=DIRECTOR)
        crm.do(
            RegisterStaff("li", "specialist", FIRST, Personal("li", number)), by=DIRECTOR, id="1"
        )
        crm.do(ChangeStaffContact("li", Personal("li", "13900139000")), by=DIRECTOR)
        stored = repr([list(row) for row in crm.log.store.raw()])
        assert number not in stored
        assert "13900139000" not in stored
        told = [e for e in crm.log.feed() if getattr(e.event, "contact", None) is not None]
        values = [e.event.contact for e in told]
        assert all(isinstance(value, Sealed) and value.subject == "li" for value in values)
        places = [Place(e.stream, e.version, "contact") for e in told]
        opened = [crm.host.vault.open(v, place) for v, place in zip(values, places, strict=True)]
        assert opened == [Plain(number), Plain("13900139000")]
        assert crm.authority().register.contact("li") == values[-1]
        crm.host.vault.erase("li")
        assert crm.host.vault.open(values[0], places[0]) == Erased()


# --- through the facade --------------------------------------------------------------------------


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.day = TODAY

    def now(self) -> datetime:
        return datetime(self.day.year, self.day.month, self.day.day, 2, tzinfo=UTC)


HOME = RegisterHousehold("V1", "x", "1", "1", "101", owner=Personal("V1#owner", "张伟"))


@pytest.fixture
def crm() -> Iterator[CRM]:
    """A company without a register."""
    with open_crm("memory:") as opened:
        opened.host.clock = Clock()
        opened.do(HOME, by=Actor("anybody", "specialist"))
        yield opened


def said(command: Any) -> Any:
    """The command without what is looked up."""
    return attrs.evolve(command, by=None)


def on(crm: CRM, day: date) -> None:
    clock = crm.clock
    assert isinstance(clock, Clock)
    clock.day = day


_NUMBERS = iter(range(10**6))


def acts(crm: CRM, who: str, role: str = "specialist", **when: Any) -> str | None:
    """Why that person may not raise a charge under that role now, or None."""
    charge = RaiseCharge("V1", f"C{next(_NUMBERS)}", "other", "2024", 100, TODAY)
    try:
        crm.do(charge, by=Actor(who, role), **when)
    except Refused as refused:
        return refused.reason if refused.rule == "LOG-08" else refused.rule
    return None


def test_without_a_register_the_host_is_trusted(crm: CRM) -> None:
    assert acts(crm, "anybody") is None
    assert acts(crm, "somebody", "director") is None


def test_with_a_register_a_claimed_role_must_be_in_it(crm: CRM) -> None:
    crm.do(said(LEADS), by=DIRECTOR)
    assert acts(crm, "anybody") == "role_not_registered"
    assert acts(crm, "anybody", "director") == "role_not_registered"
    assert acts(crm, "yang", "specialist") == "role_not_registered", "another role of the same"
    assert acts(crm, "yang", "director") is None
    crm.do(said(attrs.evolve(HIRE)), by=DIRECTOR)
    assert acts(crm, "li") is None
    assert acts(crm, "li", "director") == "role_not_registered"
    assert acts(crm, "Li") == "role_not_registered", "an id is as it is written"


def test_the_refusal_says_who_under_which_role_on_which_day(crm: CRM) -> None:
    crm.do(said(LEADS), by=DIRECTOR)
    charge = RaiseCharge("V1", "C", "other", "2024", 100, TODAY)
    with pytest.raises(Refused) as refused:
        crm.do(charge, by=Actor("li", "finance"))
    assert refused.value.details == {"id": "li", "role": "finance", "on": "2024-06-03"}
    for lang, role in (("zh", "财务"), ("en", "finance")):
        text = refused.value.told(lang)
        assert all(part in text for part in ("`li`", role, "2024-06-03"))


def test_who_may_not_anyway_is_told_who_may(crm: CRM) -> None:
    crm.do(said(LEADS), by=DIRECTOR)
    assert acts(crm, "nobody", "cleaning") == "role_insufficient"


def test_an_ended_role_no_longer_counts_from_the_next_day(crm: CRM) -> None:
    """By the clock, whatever day the command names and whenever it is said to have been known."""
    crm.do(said(LEADS), by=DIRECTOR)
    crm.do(said(HIRE), by=DIRECTOR)
    crm.do(attrs.evolve(said(LEAVE), until=TODAY), by=DIRECTOR)
    assert acts(crm, "li") is None
    on(crm, TODAY + A_DAY)
    assert acts(crm, "li") == "role_not_registered"
    held = datetime(2024, 2, 1, tzinfo=UTC)
    assert acts(crm, "li", at=held) == "role_not_registered"


def test_a_role_that_begins_later_does_not_count_before(crm: CRM) -> None:
    crm.do(said(LEADS), by=DIRECTOR)
    crm.do(attrs.evolve(said(HIRE), since=TODAY + A_DAY), by=DIRECTOR)
    assert acts(crm, "li") == "role_not_registered"
    later = crm.clock.now() + A_DAY
    with pytest.raises(Invalid, match="still to come"):
        acts(crm, "li", at=later)
    on(crm, TODAY + A_DAY)
    assert acts(crm, "li") is None
    # And what it did before the role began, it does not forbid today.
    assert acts(crm, "li", at=datetime(2023, 1, 1, tzinfo=UTC)) is None


def test_a_past_first_day_lets_nobody_act_today_whose_role_has_ended(crm: CRM) -> None:
    crm.do(said(LEADS), by=DIRECTOR)
    crm.do(said(HIRE), by=DIRECTOR)
    crm.do(said(LEAVE), by=DIRECTOR)
    assert acts(crm, "li") == "role_not_registered"
    for since in (FIRST, date(2024, 1, 1), date(2024, 3, 31)):
        past = attrs.evolve(said(HIRE), since=since)
        with pytest.raises(Refused) as refused:
            crm.do(past, by=DIRECTOR, at=datetime(2023, 1, 1, tzinfo=UTC))
        assert refused.value.reason == "staff_role_held"
    assert acts(crm, "li") == "role_not_registered"
    # Nor do they enter it for themselves.
    with pytest.raises(Refused) as refused:
        crm.do(RegisterStaff("li", "manager", FIRST), by=Actor("li", "manager"))
    assert refused.value.reason == "role_not_registered"


def test_two_roles_at_once_are_two_claims_of_one_person(crm: CRM) -> None:
    crm.do(said(LEADS), by=DIRECTOR)
    crm.do(said(HIRE), by=DIRECTOR)
    crm.do(attrs.evolve(said(HIRE), role="finance"), by=DIRECTOR)
    assert (acts(crm, "li"), acts(crm, "li", "finance")) == (None, None)
    crm.do(said(LEAVE), by=DIRECTOR)
    assert (acts(crm, "li"), acts(crm, "li", "finance")) == ("role_not_registered", None)


def test_members_the_host_and_the_system_are_not_in_the_register(crm: CRM) -> None:
    crm.do(said(LEADS), by=DIRECTOR)
    assert crm.reveal("V1", "V1#owner", "name", by=Actor("V1#owner", "owner"), purpose="own")
    crm.requests.warn(TODAY, by=Actor("root", "host"))
    crm.requests.warn(TODAY)


def test_a_batch_and_what_is_no_command_ask_the_register_too(crm: CRM) -> None:
    crm.do(said(LEADS), by=DIRECTOR)
    planned = [Planned(RaiseCharge("V1", "C", "other", "2024", 100, TODAY), "b1", crm.clock.now())]
    stranger = Actor("anybody", "manager")
    for ask in (
        lambda: crm.batch(planned, by=stranger),
        lambda: crm.requests.warn(TODAY, by=stranger),
        lambda: crm.grade(2023, by=stranger),
        lambda: crm.reveal("V1", "V1#owner", "name", by=stranger, purpose="a letter"),
    ):
        with pytest.raises(Refused) as refused:
            ask()
        assert refused.value.reason == "role_not_registered"


def test_the_register_is_kept_by_managers_and_directors(crm: CRM) -> None:
    for role in ("specialist", "supervisor", "custodian", "host", "system", "auditor", "owner"):
        with pytest.raises(Refused) as refused:
            crm.do(said(LEADS), by=Actor("yang", role))
        assert refused.value.reason == "role_insufficient"
    crm.do(said(LEADS), by=DIRECTOR)
    crm.do(RegisterStaff("mei", "manager", FIRST), by=DIRECTOR)
    [entered] = crm.do(said(HIRE), by=MANAGER).events
    assert entered.entered_by == "mei"
    with pytest.raises(Refused) as refused:
        crm.do(RegisterStaff("mei", "director", FIRST), by=MANAGER)
    assert refused.value.reason == "role_insufficient"
    with pytest.raises(Refused) as refused:
        crm.do(EndStaffRole("yang", "director", TODAY, "x"), by=MANAGER)
    assert refused.value.reason == "last_director"


def test_the_register_of_a_day_is_the_one_that_was_known(crm: CRM) -> None:
    crm.do(said(LEADS), by=DIRECTOR)
    crm.do(said(HIRE), by=DIRECTOR, at=datetime(2024, 1, 1, tzinfo=UTC))
    crm.do(said(LEAVE), by=DIRECTOR, at=datetime(2024, 4, 2, tzinfo=UTC))
    before = crm.get(Register, "company", known=datetime(2024, 4, 1, tzinfo=UTC))
    today = crm.get(Register, "company")
    assert before is not None
    assert today is not None
    assert before.holds("li", "specialist", TODAY)
    assert not today.holds("li", "specialist", TODAY)


def test_the_word_of_a_customer_is_never_that_of_somebody_in_the_register(crm: CRM) -> None:
    """Also of one who has left, and who may live here."""
    crm.do(said(LEADS), by=DIRECTOR)
    crm.do(said(HIRE), by=DIRECTOR)
    crm.do(said(LEAVE), by=DIRECTOR)
    crm.do(AddMember("V1", "li", "tenant", FIRST, Personal("li", "李")), by=DIRECTOR)
    interest = RecordInterest("V1", "gym", TODAY, Word("li", "phone", "call 1"))
    with pytest.raises(Refused) as refused:
        crm.do(interest, by=DIRECTOR)
    assert refused.value.reason == "word_of_staff"


@pytest.mark.case("K28")
@pytest.mark.parametrize("command", [LEADS, HIRE, LEAVE], ids=["lead", "hire", "leave"])
def test_nobody_enters_in_the_name_of_another(command: Any) -> None:
    with open_crm("memory:") as fresh, pytest.raises(Invalid) as refused:
        fresh.do(command, by=DIRECTOR)
    assert [(f.code, f.where) for f in refused.value.faults] == [
        ("looked_up", f"{type(command).__name__}.by")
    ]


# --- laws and sentences --------------------------------------------------------------------------

DAYS = st.sampled_from([FIRST + timedelta(days=n) for n in (0, 1, 2, 3, 10)])
WHO = st.sampled_from(("yang", "li"))
ROLES = st.sampled_from(("director", "director", "specialist", "boss"))
BY = st.sampled_from((DIRECTOR, MANAGER))
COMMANDS = st.one_of(
    st.builds(RegisterStaff, WHO, ROLES, DAYS, st.none(), by=BY),
    st.builds(RegisterStaff, WHO, ROLES, DAYS, st.none(), by=BY),
    st.builds(EndStaffRole, WHO, ROLES, DAYS, st.sampled_from(("left", "left", "")), by=BY),
    st.builds(
        ChangeStaffContact,
        WHO,
        st.builds(Personal, WHO, st.just("13800138000")),
        by=BY,
    ),
)


def test_the_register_keeps_the_laws() -> None:
    check_decider(
        REGISTER, COMMANDS, opening=st.builds(RegisterStaff, WHO, st.just("director"), DAYS, by=BY)
    )


@hypothesis_given(st.lists(COMMANDS, max_size=12))
def test_somebody_leads_on_every_day_and_an_end_stays_an_end(commands: list[Any]) -> None:
    """Whatever is entered in whatever order, compared with a calendar that is kept by hand."""
    days = [FIRST + timedelta(days=n) for n in range(-1, 15)]
    state: Register = REGISTER.decider.initial
    held: dict[tuple[str, str], set[date]] = {}
    first: date | None = None
    for command in commands:
        decided = REGISTER.decider.decide(command, state)
        if not isinstance(decided, tuple):
            continue
        state = REGISTER.decider.fold(decided, state)
        if isinstance(command, RegisterStaff):
            begins = {day for day in days if day >= command.since}
            there = held.setdefault((command.staff, command.role), set())
            assert not there & begins, "nothing is entered over what was told before"
            there |= begins
            if command.role == "director":
                first = min(first or command.since, command.since)
        elif isinstance(command, EndStaffRole):
            key = (command.staff, command.role)
            held[key] = {day for day in held[key] if day <= command.until}
        for (who, role), expected in held.items():
            assert {day for day in days if state.holds(who, role, day)} == expected
        for day in days:
            leads = holding(state, "director", day)
            assert bool(leads) is (first is not None and day >= first)
            assert state.in_force(day) is (first is not None and day >= first)


REFUSED = [
    ((), attrs.evolve(LEADS, role="specialist")),
    ((LEADING,), attrs.evolve(HIRE, role="boss")),
    ((LEADING,), attrs.evolve(HIRE, staff="a b")),
    ((LEADING, HIRED), HIRE),
    ((LEADING, HIRED, LEFT), HIRE),
    ((LEADING,), LEAVE),
    ((LEADING, HIRED), attrs.evolve(LEAVE, until=FIRST)),
    ((LEADING, HIRED), attrs.evolve(LEAVE, reason="")),
    ((LEADING,), EndStaffRole("yang", "director", TODAY, "x", by=DIRECTOR)),
    ((LEADING,), attrs.evolve(LEADS, staff="mei", by=MANAGER)),
    ((LEADING,), ChangeStaffContact("li", Personal("li", "x"), by=MANAGER)),
    ((LEADING, HIRED), ChangeStaffContact("li", Personal("wu", "x"), by=MANAGER)),
]


@pytest.mark.parametrize(("past", "command"), REFUSED)
def test_a_refusal_is_said_in_both_languages(past: Any, command: Any) -> None:
    refusal = given(REGISTER, *past).when(command).refusal
    assert refusal is not None
    chinese, english = refusal.told("zh"), refusal.told("en")
    assert not set("{}") & set(chinese + english)
    assert not chinese.isascii()
    assert english.isascii()
    assert english != refusal.code.replace("_", " ")


def test_every_sentence_about_authority_is_said_somewhere() -> None:
    """By the register, or where commands come in."""
    folder = Path(crm_core.__file__).parent
    sources = "".join(file.read_text(encoding="utf-8") for file in sorted(folder.rglob("*.py")))
    for code in sentences("refused-log"):
        assert f'"{code}"' in sources, code


# --- several ids of one person -------------------------------------------------------------------


@pytest.mark.rule("LOG-08")
def test_ids_are_joined_for_a_reason_and_parted_by_nobody_they_are_of() -> None:
    """Given two accounts of one manager and a third of theirs, then each is all three, and none of
    them says that they are not.
    """
    with open_crm("memory:") as crm:
        crm.do(RegisterStaff("yang", "director", TODAY), by=DIRECTOR)
        for one in ("wei", "wei2", "other"):
            crm.do(RegisterStaff(one, "manager", TODAY), by=DIRECTOR)

        def refused(command: Any, by: Actor = DIRECTOR) -> str:
            with pytest.raises(Refused) as found:
                crm.do(command, by=by)
            assert "{" not in found.value.told("zh") + found.value.told("en")
            return found.value.reason

        assert refused(JoinStaffIds("nobody", "wei", "told")) == "unknown_staff"
        assert refused(JoinStaffIds("wei", "wei", "told")) == "ids_the_same"
        assert refused(JoinStaffIds("wei", "wei2", "")) == "reason_missing"
        assert refused(PartStaffIds("wei", "wei2", "told")) == "ids_not_joined"
        crm.do(JoinStaffIds("wei", "wei2", "one file"), by=DIRECTOR)
        assert crm.do(JoinStaffIds("wei2", "wei", "again"), by=DIRECTOR).events == ()
        crm.do(JoinStaffIds("wei2", "V1#owner", "lives here"), by=DIRECTOR)
        register = crm.get(Register, "company", by=DIRECTOR, purpose="staff")
        assert register is not None
        assert register.ids_of("V1#owner") == register.ids_of("wei") == {"wei", "wei2", "V1#owner"}
        assert register.ids_of("other") == {"other"}
        assert register.is_staff("V1#owner")
        assert not register.is_staff("V2#owner")
        for one in ("wei", "wei2"):
            # The pair between two others that are theirs, too.
            part = PartStaffIds("wei2", "V1#owner", "not me")
            assert refused(part, Actor(one, "manager")) == "own_matter"
        assert refused(PartStaffIds("wei", "wei2", ""), Actor("other", "manager")) == (
            "reason_missing"
        )
        crm.do(PartStaffIds("wei2", "wei", "two people"), by=Actor("other", "manager"))
        assert crm.do(JoinStaffIds("wei", "wei2", "one file"), by=DIRECTOR).events
