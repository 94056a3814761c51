"""Who may do what about gradings and policies, and that no name typed in changes it (LOG-08)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from attrs import evolve

from crm_core.application.adopted import adopted
from crm_core.crm import CRM, Planned
from crm_core.errors import Invalid, Refused, UnknownPolicy
from crm_core.gradings.commands import (
    AllotQuota,
    ApprovePolicy,
    AssessPolicy,
    Cohort,
    CompleteRun,
    ConfirmGrading,
    ConfirmType,
    ContestGrading,
    DecideReview,
    DecideUplift,
    Document,
    DraftPolicy,
    MakePolicyEffective,
    ProposeType,
    ProposeUplift,
    RecordGrading,
    RefuseAutomatic,
    StartRun,
    Tried,
)
from crm_core.gradings.studies.shares import DEFAULT_SHARES, SharesPolicy
from crm_core.gradings.uplift import Promises
from crm_core.kernel.authority import DEFAULT_AUTHORITY
from crm_core.kernel.dates import parse_instant
from crm_core.kernel.recorded import ROLES, SYSTEM, Actor
from crm_core.payments.commands import DecideWaiver, ProposeWaiver, RaiseCharge
from crm_core.slices import registry, shipped
from estate import (
    DAY,
    DEFAULT,
    DIRECTOR,
    MANAGER,
    SPECIALIST,
    START,
    SUPERVISOR,
    TOLD,
    FixedClock,
    asked,
    changed,
    crm,
    home,
    of,
    policy_text,
)

__all__ = ["crm"]

FINANCE = Actor("F1", "finance")
FEBRUARY = date(2012, 2, 1)
SHARES = shipped().find(SharesPolicy, DEFAULT_SHARES, DAY)


def refused(crm: CRM, command: Any, by: Actor, code: str, rule: str = "LOG-08") -> None:
    head = crm.log.head()
    with pytest.raises(Refused) as found:
        crm.do(command, by=by)
    assert (found.value.reason, found.value.rule) == (code, rule)
    assert crm.log.head() == head


def malformed(crm: CRM, command: Any, by: Actor) -> list[tuple[str, str]]:
    """What is wrong with a command, which leaves nothing in the log."""
    head = crm.log.head()
    with pytest.raises(Invalid) as found:
        crm.do(command, by=by)
    assert crm.log.head() == head
    return [(fault.code, fault.where) for fault in found.value.faults]


# --- what the library alone gives ------------------------------------------------------------


@pytest.mark.case("K28")
@pytest.mark.rule("LOG-08", "GRD-06", "GRD-12")
def test_what_is_computed_is_written_by_the_library_alone(crm: CRM) -> None:
    """No grading, run, quota or assessment comes from a caller, of whatever role."""
    home(crm, "V1", buys=9_000_00)
    run = crm.grade(2011)
    forged = evolve(of(run), run="forged")
    started = evolve(crm.gradings.year(2011).runs[run.run], run="forged")
    for command in (
        RecordGrading(forged),
        StartRun(started),
        CompleteRun(run.run, 2011, 1),
        AllotQuota(run.run, 2011),
        AssessPolicy("our-grades", 1, "PIA-7", Tried(("made up",), 9, 0, 0), DAY),
    ):
        for role in ROLES:
            refused(crm, command, Actor("X1", role), "given_inside_only")
        with pytest.raises(Refused) as found:
            crm.batch([Planned(command, "forged", START)], by=DIRECTOR)
        assert found.value.reason == "given_inside_only"
    assert crm.gradings.grades(2011) == run


@pytest.mark.case("K28")
@pytest.mark.rule("LOG-08", "GRD-05", "GRD-13")
def test_what_is_looked_up_is_never_what_a_caller_says(crm: CRM) -> None:
    home(crm, "V1", buys=9_000_00, pays=None)
    run = crm.grade(2011)
    kept = Promises((1, 2, 3), ())
    better = evolve(of(run), run="forged")
    for command, field in (
        (RecordGrading(better, policy=DEFAULT), "policy"),
        (AllotQuota(run.run, 2011, cohort=Cohort(())), "cohort"),
        (AllotQuota(run.run, 2011, policy=SHARES), "policy"),
        (ProposeType("V1", 2011, "lively", DAY, "x", policy=DEFAULT), "policy"),
        (ConfirmType("V1", 2011, DAY, policy=DEFAULT), "policy"),
        (ProposeUplift("V1", 2011, "x", DAY, promises=kept), "promises"),
        (DecideUplift("V1", 2011, True, DAY, promises=kept), "promises"),
        (DecideUplift("V1", 2011, True, DAY, grading_policy=DEFAULT), "grading_policy"),
        (
            ContestGrading("V1", 2011, "RV1", "x", DAY, members=frozenset({"S1"})),
            "members",
        ),
        (RefuseAutomatic("V1", DAY, members=frozenset({"S1"})), "members"),
        (DecideReview("V1", "RV1", "corrected", "x", DAY, again=better), "again"),
        (DraftPolicy("p", Document(""), "x", DAY, taken="0"), "taken"),
        (DraftPolicy("p", Document(""), "x", DAY, another_kind=False), "another_kind"),
        (MakePolicyEffective("p", 1, DAY, DAY, shipped=DEFAULT.ref), "shipped"),
    ):
        for by in (SPECIALIST, DIRECTOR, SYSTEM):
            assert malformed(crm, command, by) == [
                ("looked_up", f"{type(command).__name__}.{field}")
            ]


# --- who acts is the actor, and nobody decides their own --------------------------------------


@pytest.mark.case("K29")
@pytest.mark.rule("LOG-08", "GRD-02", "GRD-03", "GRD-05", "GRD-11", "GRD-13")
def test_one_clerk_who_types_names_achieves_nothing(crm: CRM) -> None:
    """Neither as the actor of another name, nor in the own name, nor in a higher role."""
    home(crm, "V1", buys=9_000_00)
    home(crm, "V2", buys=30_000_00)
    run = crm.grade(2011).run
    asked(crm, ProposeType("V1", 2011, "lively", DAY, "always there"), SPECIALIST)
    asked(crm, ProposeUplift("V1", 2011, "keeps every word", DAY), SPECIALIST)
    asked(
        crm,
        ContestGrading("V2", 2011, "RV1", "wrong", DAY, evolve(TOLD, member="V2#owner")),
        SPECIALIST,
    )
    overriding = DecideReview("V2", "RV1", "overridden", "x", DAY, "main", FEBRUARY)
    for command, code in (
        (ConfirmType("V1", 2011, DAY), "own_proposal"),
        (DecideUplift("V1", 2011, True, DAY), "own_proposal"),
        (overriding, "own_matter"),
    ):
        refused(crm, command, SPECIALIST, "role_insufficient")
        for boss in (MANAGER, DIRECTOR):
            named = f"{type(command).__name__}.by"
            assert malformed(crm, evolve(command, by=boss), SPECIALIST) == [("looked_up", named)]
            refused(crm, command, Actor(SPECIALIST.id, boss.role), code)
    now = next(s for s in crm.gradings.history("V1") if s.grading.run == run)
    assert (now.layer, now.type_confirmed, now.uplift) == ("ordinary", False, None)
    [now] = crm.gradings.history("V2")
    assert (now.status, now.override) == ("contested", None)


@pytest.mark.case("K29")
@pytest.mark.rule("LOG-08", "GRD-03")
def test_one_person_in_two_roles_does_not_confirm_the_top_layer(crm: CRM) -> None:
    home(crm, "V1", buys=30_000_00)
    crm.grade(2011)
    asked(crm, ConfirmGrading("V1", 2011, DAY), MANAGER)
    alone = Actor(MANAGER.id, "director")
    refused(crm, ConfirmGrading("V1", 2011, DAY), alone, "same_person", "GRD-03")
    asked(crm, ConfirmGrading("V1", 2011, DAY), DIRECTOR)


@pytest.mark.rule("LOG-08", "GRD-13")
def test_the_system_decides_nothing_that_needs_a_person(crm: CRM) -> None:
    home(crm, "V1", buys=9_000_00)
    crm.grade(2011)
    for role in ("system", "host", "auditor"):
        for command in (
            ConfirmType("V1", 2011, DAY),
            ConfirmGrading("V1", 2011, DAY),
            DecideUplift("V1", 2011, True, DAY),
            DecideReview("V1", "RV1", "upheld", "x", DAY),
            ContestGrading("V1", 2011, "RV1", "x", DAY, TOLD),
            ApprovePolicy("p", 1, DAY),
            MakePolicyEffective("p", 1, DAY, DAY),
        ):
            refused(crm, command, Actor("crm", role), "role_insufficient")


# --- a company's own table --------------------------------------------------------------------


def table(*changes: tuple[str, str], version: int = 2) -> str:
    """The table that slices declare, as a draft of the next version, with some words replaced."""
    text = registry().authority
    for before, after in (
        ("version = 1\n", f"version = {version}\n"),
        ('approved_by = "director"\n', ""),
        ('impact_assessment = "PIA-AUTHORITY-1"\n', ""),
        ("effective_from = 1900-01-01\n", ""),
        *changes,
    ):
        text = changed(text, before, after)
    return text


def row(act: str, *roles: str) -> str:
    quoted = ", ".join(f'"{role}"' for role in roles)
    return f"{act} = [{quoted}]"


RAISING = row("raise-charge", "specialist", "supervisor", "manager", "director", "finance")
OURS = table((RAISING, row("raise-charge", "finance")))
"""Here only the finance department raises charges."""


def draft(text: str, name: str = DEFAULT_AUTHORITY) -> DraftPolicy:
    return DraftPolicy(name, Document(text), "finance asks for money", DAY)


def assess(crm: CRM, by: Actor, version: int = 2) -> Any:
    return crm.studies.assess(DEFAULT_AUTHORITY, version, "PIA-A2", by=by, on=DAY)


def adopt(crm: CRM, text: str, first: date) -> None:
    asked(crm, draft(text), SUPERVISOR)
    assess(crm, MANAGER)
    asked(crm, ApprovePolicy(DEFAULT_AUTHORITY, 2, DAY), DIRECTOR)
    asked(crm, MakePolicyEffective(DEFAULT_AUTHORITY, 2, first, DAY), MANAGER)


def charge(number: str) -> RaiseCharge:
    return RaiseCharge("V1", number, "parking", "2012-01", 100, FEBRUARY)


@pytest.mark.rule("LOG-08", "GRD-11")
def test_a_companys_own_table_comes_into_force_by_its_events_on_its_day(crm: CRM) -> None:
    home(crm, "V1")
    asked(crm, draft(OURS), SUPERVISOR)
    assert assess(crm, MANAGER) is None  # it moves no household, so there is nothing to try
    asked(crm, ApprovePolicy(DEFAULT_AUTHORITY, 2, DAY), DIRECTOR)
    crm.host.clock = FixedClock(parse_instant("2012-02-01T09:00:00+08:00"))
    asked(crm, charge("D1"), SPECIALIST)  # approved, and not in force
    asked(crm, MakePolicyEffective(DEFAULT_AUTHORITY, 2, FEBRUARY, DAY), MANAGER)
    version = adopted(crm.log, DEFAULT_AUTHORITY)[2]
    assert (version.stage, version.effective_from) == ("effective", FEBRUARY)

    crm.host.clock = FixedClock(parse_instant("2012-01-31T23:59:59+08:00"))
    asked(crm, charge("D2"), SPECIALIST)
    crm.host.clock = FixedClock(parse_instant("2012-02-01T00:00:00+08:00"))
    for by in (SPECIALIST, DIRECTOR):
        refused(crm, charge("D3"), by, "role_insufficient")
    asked(crm, charge("D3"), FINANCE)
    # Whoever opens the log later needs no file to know who may.
    again = CRM(crm.log, vault=crm.host.vault, clock=crm.clock, ids=crm.ids, reads=crm.host.reads)
    refused(again, charge("D4"), SPECIALIST, "role_insufficient")


@pytest.mark.rule("LOG-08", "GRD-11")
def test_a_companys_own_table_is_adopted_step_by_step_by_others(crm: CRM) -> None:
    asked(crm, draft(OURS), SUPERVISOR)
    approval = ApprovePolicy(DEFAULT_AUTHORITY, 2, DAY)
    refused(crm, approval, DIRECTOR, "assessment_missing", "GRD-11")
    with pytest.raises(Refused) as found:
        crm.studies.assess(DEFAULT_AUTHORITY, 2, "", by=MANAGER, on=DAY)
    assert (found.value.reason, found.value.rule) == ("assessment_missing", "GRD-11")
    with pytest.raises(Refused) as found:
        assess(crm, SPECIALIST)
    assert found.value.reason == "role_insufficient"
    assess(crm, MANAGER)
    refused(crm, approval, Actor(SUPERVISOR.id, "director"), "own_proposal")
    refused(crm, approval, Actor(MANAGER.id, "director"), "own_matter")
    refused(crm, approval, MANAGER, "role_insufficient")
    asked(crm, approval, DIRECTOR)


@pytest.mark.rule("LOG-08")
@pytest.mark.parametrize("role", ["system", "host", "auditor"])
@pytest.mark.parametrize(
    ("act", "roles"),
    [
        ("confirm-type", ("supervisor", "manager", "director")),
        ("decide-uplift", ("manager", "director")),
        ("approve-policy", ("director",)),
    ],
)
def test_no_table_lets_a_program_or_an_auditor_decide(
    crm: CRM, act: str, roles: tuple[str, ...], role: str
) -> None:
    text = table((row(act, *roles), row(act, *roles, role)))
    refused(crm, draft(text), SUPERVISOR, "policy_faulty", "GRD-11")
    text = table(("imports = [", f'imports = [\n    "{act}",'))
    refused(crm, draft(text), SUPERVISOR, "policy_faulty", "GRD-11")


@pytest.mark.rule("LOG-08", "GRD-11")
def test_a_name_stands_for_one_kind_of_policy(crm: CRM) -> None:
    """Else a grading policy could supersede the table of who may do what."""
    grades = changed(policy_text(), 'name = "grade-cn-default"', f'name = "{DEFAULT_AUTHORITY}"')
    refused(crm, draft(grades), SUPERVISOR, "policy_of_another_kind", "GRD-11")
    ours = changed(OURS, f'name = "{DEFAULT_AUTHORITY}"', 'name = "our-rules"')
    asked(crm, draft(ours, "our-rules"), SUPERVISOR)
    grades = changed(grades, f'name = "{DEFAULT_AUTHORITY}"', 'name = "our-rules"')
    grades = changed(grades, "version = 2\n", "version = 3\n")
    refused(crm, draft(grades, "our-rules"), SUPERVISOR, "policy_of_another_kind", "GRD-11")


@pytest.mark.rule("LOG-08", "GRD-10")
def test_a_table_is_no_candidate_of_a_what_if(crm: CRM) -> None:
    asked(crm, draft(OURS), SUPERVISOR)
    for name in (f"{DEFAULT_AUTHORITY}/2", DEFAULT_AUTHORITY, f"{DEFAULT_AUTHORITY}/1"):
        with pytest.raises(UnknownPolicy):
            crm.studies.candidate(name)


@pytest.mark.rule("LOG-08", "PAY-01")
def test_a_table_lets_small_amounts_be_decided_by_who_proposed_them(crm: CRM) -> None:
    """If they hold a role that may decide at all; the shipped table lets nobody."""
    home(crm, "V1")
    crm.host.clock = FixedClock(parse_instant("2012-02-01T09:00:00+08:00"))
    for number in range(4):
        asked(crm, evolve(charge(f"D{number}"), amount_fen=200_00), SPECIALIST)
    waive = ProposeWaiver("V1", "W0", "D0", 50_00, FEBRUARY, "goodwill")
    asked(crm, waive, MANAGER)
    refused(crm, DecideWaiver("V1", "W0", True, FEBRUARY), MANAGER, "own_proposal")

    adopt(
        crm, table(("[alone_up_to_fen]\n", "[alone_up_to_fen]\ndecide-waiver = 5000\n")), FEBRUARY
    )
    asked(crm, DecideWaiver("V1", "W0", True, FEBRUARY), MANAGER)
    asked(crm, evolve(waive, waiver="W1", charge="D1", amount_fen=50_01), MANAGER)
    refused(crm, DecideWaiver("V1", "W1", True, FEBRUARY), MANAGER, "own_proposal")
    asked(crm, evolve(waive, waiver="W2", charge="D2"), SPECIALIST)
    refused(crm, DecideWaiver("V1", "W2", True, FEBRUARY), SPECIALIST, "role_insufficient")
    # Nothing else becomes easier.
    crm.grade(2011)
    asked(crm, ProposeUplift("V1", 2011, "keeps every word", DAY), MANAGER)
    refused(crm, DecideUplift("V1", 2011, True, DAY), MANAGER, "own_proposal")
