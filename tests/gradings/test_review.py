"""What people do about gradings: types, the top layer, uplift, review; the computed stays."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import pytest
from attrs import evolve, fields
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from crm_adapters.wiring import open_crm
from crm_core.crm import CRM
from crm_core.errors import Invalid, Refused
from crm_core.gradings import GRADING, GradingDecided, GradingPolicy, assess, counterfactuals
from crm_core.gradings.commands import (
    AcceptAutomatic,
    ConfirmGrading,
    ConfirmType,
    ContestGrading,
    DecideReview,
    DecideUplift,
    ProposeType,
    ProposeUplift,
    RefuseAutomatic,
)
from crm_core.gradings.criteria import apply_changes
from crm_core.gradings.events import (
    GradingConfirmed,
    GradingContested,
    LayerUplifted,
    RecordReplaced,
    ReviewDecided,
    TypeConfirmed,
    TypeProposed,
    UpliftRejected,
)
from crm_core.gradings.review import STATUSES, Standing
from crm_core.gradings.uplift import DEFAULT_UPLIFT, UpliftPolicy, promises
from crm_core.kernel.dates import parse_instant, start_of_day
from crm_core.kernel.recorded import Actor
from crm_core.kernel.sealed import Personal
from crm_core.kernel.word import Word
from crm_core.owners.commands import (
    AddMember,
    ConfirmConduct,
    RegisterHousehold,
    TransferOwnership,
)
from crm_core.payments.commands import (
    CancelCharge,
    DecideDispute,
    DecideInstalments,
    DecideWaiver,
    DisputeCharge,
    PromisePayment,
    ProposeDisputeDecision,
    ProposeInstalments,
    ProposeWaiver,
    RaiseCharge,
    ReceivePayment,
    RecordPurchase,
    ReversePayment,
)
from crm_core.payments.events import Instalment
from crm_core.slices import shipped
from crm_core.testing.scenario import given as scenario
from estate import (
    DAY,
    DEFAULT,
    DIRECTOR,
    MANAGER,
    OWNER,
    SPECIALIST,
    START,
    SUPERVISOR,
    TOLD,
    FixedClock,
    asked,
    complain,
    crm,
    do,
    home,
    of,
    policy_text,
    reach,
    with_policies,
)

__all__ = ["crm"]

LAST = date(2012, 12, 31)


@pytest.fixture
def graded(crm: CRM) -> GradingDecided:
    """V1 buys for 9,350.00 yuan and is a cautious, ordinary customer; V2 buys for 20,000.00."""
    home(crm, "V1", buys=9_350_00)
    home(crm, "V2", buys=20_000_00)
    return of(crm.grade(2011))


def refused(crm: CRM, command: Any, by: Actor, code: str, rule: str) -> None:
    head = crm.log.head()
    with pytest.raises(Refused) as found:
        asked(crm, command, by)
    assert (found.value.reason, found.value.rule) == (code, rule)
    assert crm.log.head() == head


def stands(crm: CRM, run: str, household: str = "V1") -> Standing:
    return next(s for s in crm.gradings.history(household) if s.grading.run == run)


def holds(crm: CRM, household: str = "V1", year: int = 2011) -> Standing:
    """What holds of a household's year: of its run of record, or of what corrected it."""
    return [s for s in crm.gradings.history(household) if s.grading.year == year][-1]


def trial(crm: CRM, year: int = 2011, **how: Any) -> str:
    """Another run of a year that has a run of record."""
    run = crm.grade(year, **how)
    assert run.standing == "trial"
    return run.run


def replace(crm: CRM, run: str, year: int = 2011) -> None:
    """The director lets another run hold, with what came to be known since (GRD-17)."""
    crm.gradings.replace(
        year,
        run,
        "as it is known now",
        by=DIRECTOR,
        moves=len(crm.gradings.replacing(year, run)),
    )
    assert crm.gradings.grades(year).run == run


def next_year(crm: CRM) -> str:
    """The run of record of 2012, once that year is over."""
    crm.host.clock = FixedClock(parse_instant("2013-01-15T09:00:00+08:00"))
    run = crm.grade(2012)
    assert run.standing == "of_record"
    return run.run


# --- GRD-02: types ---------------------------------------------------------------------------


@pytest.mark.rule("GRD-02")
def test_a_specialist_proposes_and_a_supervisor_confirms_and_the_suggestion_stays(
    crm: CRM, graded: GradingDecided
) -> None:
    assert crm.explain("V1", 2011)["suggested"].endswith("not confirmed by a person")
    asked(crm, ProposeType("V1", 2011, "ordinary", DAY, "once a decade"), SPECIALIST)
    assert stands(crm, graded.run).type == "cautious"  # proposed is not confirmed
    asked(crm, ConfirmType("V1", 2011, DAY), SUPERVISOR)
    now = stands(crm, graded.run)
    assert (now.type, now.layer, now.type_confirmed) == ("ordinary", "main", True)
    assert now.grading == graded
    assert (graded.outcome.type, graded.outcome.layer) == ("cautious", "ordinary")
    told = crm.explain("V1", 2011)
    assert (told["type"], told["layer"]) == ("cautious", "ordinary")
    assert (told["applied"]["type"], told["applied"]["layer"]) == ("ordinary", "main")
    assert told["suggested"] == "type confirmed by a person; the rule suggested cautious"
    [row] = [row for row in crm.gradings.grades(2011).rows() if row["household"] == "V1"]
    assert (row["layer"], row["type"]) == ("ordinary", "cautious")
    assert row["applied"] == {
        "layer": "main", "type": "ordinary", "until": None, "replaced_by": None
    }  # fmt: skip
    assert crm.replay().differing == ()


@pytest.mark.rule("GRD-02", "LOG-08")
def test_who_may_propose_and_confirm_a_type(crm: CRM, graded: GradingDecided) -> None:
    refused(crm, ConfirmType("V1", 2011, DAY), SUPERVISOR, "nothing_proposed", "GRD-02")
    for by in (SUPERVISOR, OWNER):
        refused(crm, ProposeType("V1", 2011, "lively", DAY, "x"), by, "role_insufficient", "LOG-08")
    refused(crm, ProposeType("V1", 2011, "rich", DAY, "x"), SPECIALIST, "unknown_type", "GRD-02")
    refused(crm, ProposeType("V1", 2011, "lively", DAY), SPECIALIST, "reason_missing", "GRD-02")
    none = ProposeType("V1", 2010, "lively", DAY, "x")
    refused(crm, none, SPECIALIST, "year_without_record", "GRD-17")
    home(crm, "V3")  # it comes to be known too late to be graded
    late = ProposeType("V3", 2011, "lively", DAY, "x")
    refused(crm, late, SPECIALIST, "unknown_grading", "GRD-06")
    asked(crm, ProposeType("V1", 2011, "cautious", DAY), SPECIALIST)
    refused(crm, ConfirmType("V1", 2011, DAY), SPECIALIST, "role_insufficient", "LOG-08")
    same = Actor(SPECIALIST.id, "supervisor")
    refused(crm, ConfirmType("V1", 2011, DAY), same, "own_proposal", "LOG-08")
    asked(crm, ConfirmType("V1", 2011, DAY), SUPERVISOR)
    refused(crm, ConfirmType("V1", 2011, DAY), SUPERVISOR, "nothing_proposed", "GRD-02")


@pytest.mark.rule("GRD-02")
def test_no_person_makes_a_problem_customer_of_complaints_alone(crm: CRM) -> None:
    home(crm, "V1")
    do(crm, *(complain(f"R{n}") for n in range(9)))
    crm.grade(2011)
    command = ProposeType("V1", 2011, "problem", DAY, "always complains")
    refused(crm, command, SPECIALIST, "hard_fact_missing", "GRD-02")
    do(crm, ConfirmConduct("V1", "disturbance", date(2011, 3, 1), "E-1"), by=MANAGER)
    again = trial(crm)
    refused(crm, command, SPECIALIST, "hard_fact_missing", "GRD-02")
    replace(crm, again)
    asked(crm, command, SPECIALIST)


@pytest.mark.rule("GRD-02", "GRD-13", "GRD-17")
def test_a_confirmed_type_belongs_to_the_year_and_the_layer_follows_from_each_record(
    crm: CRM, graded: GradingDecided
) -> None:
    """What follows with it is stored nowhere, so another record gives another layer."""
    asked(crm, ProposeType("V1", 2011, "ordinary", DAY, "once a decade"), SPECIALIST)
    [confirmed] = asked(crm, ConfirmType("V1", 2011, DAY), SUPERVISOR).events
    assert confirmed == TypeConfirmed(
        "V1", graded.tenure, 2011, graded.run, "ordinary", SUPERVISOR.id, DAY
    )
    assert holds(crm).layer == "main"
    do(crm, RecordPurchase("V1", "B2", "cleaning", -3_000_00, date(2011, 7, 1)))
    replace(crm, trial(crm))
    now = holds(crm)
    assert (now.type, now.layer, now.type_confirmed) == ("ordinary", "ordinary", True)
    assert now.outcome == assess(now.grading.facts, DEFAULT, "ordinary").outcome()
    assert now.conflicts == ()


@pytest.mark.rule("GRD-02", "GRD-17")
def test_a_proposal_made_before_another_record_is_confirmed_only_if_it_can_be(crm: CRM) -> None:
    home(crm, "V1")
    do(crm, *(complain(f"R{n}") for n in range(9)))
    owes(crm, "old", date(2011, 1, 1))
    assert of(crm.grade(2011)).facts.worst_credit == "B4"
    asked(crm, ProposeType("V1", 2011, "problem", DAY, "owes, and complains"), SPECIALIST)
    pays(crm, "late", date(2011, 1, 1), charge="old")
    replace(crm, trial(crm))
    refused(crm, ConfirmType("V1", 2011, DAY), SUPERVISOR, "hard_fact_missing", "GRD-02")
    assert holds(crm).waits_for == ("type",)
    asked(crm, ProposeType("V1", 2011, "lively", DAY, "at every meeting"), SPECIALIST)
    asked(crm, ConfirmType("V1", 2011, DAY), SUPERVISOR)
    assert (holds(crm).type, holds(crm).conflicts) == ("lively", ())


# --- GRD-03: the top layer -------------------------------------------------------------------


@pytest.mark.rule("GRD-03")
def test_the_top_layer_needs_the_manager_and_the_director_and_two_persons(
    crm: CRM, graded: GradingDecided
) -> None:
    run = graded.run
    assert stands(crm, run, "V2").status == "awaiting_confirmation"
    for by in (SPECIALIST, OWNER):
        refused(crm, ConfirmGrading("V2", 2011, DAY), by, "role_insufficient", "LOG-08")
    refused(crm, ConfirmGrading("V2", 2011, DAY), SUPERVISOR, "role_insufficient", "GRD-03")
    refused(crm, ConfirmGrading("V1", 2011, DAY), MANAGER, "nothing_to_confirm", "GRD-03")
    asked(crm, ConfirmGrading("V2", 2011, DAY), MANAGER)
    assert stands(crm, run, "V2").status == "awaiting_confirmation"
    assert asked(crm, ConfirmGrading("V2", 2011, DAY), Actor("M2", "manager")).events == ()
    both = Actor(MANAGER.id, "director")
    refused(crm, ConfirmGrading("V2", 2011, DAY), both, "same_person", "GRD-03")
    asked(crm, ConfirmGrading("V2", 2011, DAY), DIRECTOR)
    now = stands(crm, run, "V2")
    assert (now.status, now.layer) == ("confirmed", "important")
    assert now.confirmed_by == ("manager:M1", "director:D1")
    assert [row["status"] for row in crm.gradings.grades(2011).rows()] == ["computed", "confirmed"]
    refused(crm, ConfirmGrading("V2", 2011, DAY), DIRECTOR, "nothing_to_confirm", "GRD-03")


@pytest.mark.rule("GRD-03", "GRD-17")
def test_who_confirmed_stands_for_that_layer_and_no_other(crm: CRM, graded: GradingDecided) -> None:
    assert graded.run == crm.gradings.grades(2011).run
    asked(crm, ConfirmGrading("V2", 2011, DAY), MANAGER)
    do(crm, RecordPurchase("V2", "B2", "cleaning", -1_000_00, date(2011, 7, 1)))
    replace(crm, trial(crm))  # 19,000.00: main if cautious, important if lively
    now = holds(crm, "V2")
    assert (now.layer, now.status, now.confirmed_by) == ("main", "computed", ())
    assert now.conflicts == ("confirmation",)
    refused(crm, ConfirmGrading("V2", 2011, DAY), DIRECTOR, "nothing_to_confirm", "GRD-03")
    asked(crm, ProposeType("V2", 2011, "lively", DAY, "at every meeting"), SPECIALIST)
    asked(crm, ConfirmType("V2", 2011, DAY), SUPERVISOR)
    # It is the layer again that the manager stands for; the director does not yet.
    now = holds(crm, "V2")
    assert (now.layer, now.status, now.conflicts) == ("important", "awaiting_confirmation", ())
    assert (now.confirmed_by, now.waits_for) == (("manager:M1",), ("director",))
    assert asked(crm, ConfirmGrading("V2", 2011, DAY), MANAGER).events == ()
    asked(crm, ConfirmGrading("V2", 2011, DAY), DIRECTOR)
    assert holds(crm, "V2").status == "confirmed"
    asked(crm, ProposeType("V2", 2011, "cautious", DAY), SPECIALIST)
    asked(crm, ConfirmType("V2", 2011, DAY), SUPERVISOR)
    now = holds(crm, "V2")
    assert (now.layer, now.status, now.confirmed_by) == ("main", "computed", ())


@pytest.mark.rule("GRD-13", "LOG-08")
def test_nobody_decides_in_the_name_of_another(crm: CRM, graded: GradingDecided) -> None:
    head = crm.log.head()
    with pytest.raises(Invalid) as found:
        crm.do(ConfirmGrading("V2", 2011, DAY, by=MANAGER), by=SPECIALIST)
    [fault] = found.value.faults
    assert (fault.code, fault.where) == ("looked_up", "ConfirmGrading.by")
    assert crm.log.head() == head


# --- GRD-05: uplift --------------------------------------------------------------------------

UPLIFT_DAY = date(2012, 1, 10)


def uplift(household: str = "V1", **changes: Any) -> ProposeUplift:
    return evolve(ProposeUplift(household, 2011, "keeps every word", UPLIFT_DAY), **changes)


def approval(household: str = "V1", **changes: Any) -> DecideUplift:
    return evolve(DecideUplift(household, 2011, True, UPLIFT_DAY), **changes)


def lift(crm: CRM, *, proposer: Actor = SPECIALIST, on: date = UPLIFT_DAY) -> Any:
    """Propose an uplift of V1, and approve it as the manager."""
    asked(crm, uplift(on=on), proposer)
    return asked(crm, approval(on=on), MANAGER)


@pytest.mark.rule("GRD-05")
def test_an_uplift_is_one_layer_and_names_the_promises_kept(
    crm: CRM, graded: GradingDecided
) -> None:
    [lifted] = lift(crm).events
    assert (lifted.proposed_by, lifted.approved_by, lifted.role) == ("S1", "M1", "manager")
    now = stands(crm, graded.run)
    assert (now.layer, now.status, now.grading.outcome.layer) == ("main", "overridden", "ordinary")
    assert now.uplift == lifted
    charges = [e.position for e in crm.history("account/V1") if "charge_raised" in e.name]
    assert list(now.uplift.promises) == charges
    refused(crm, uplift(), SPECIALIST, "uplifted_already", "GRD-05")
    told = crm.explain("V1", 2011)
    assert told["layer"] == "ordinary"
    assert told["applied"]["uplift"]["promises"] == charges
    assert crm.replay().differing == ()


@pytest.mark.rule("GRD-05", "LOG-08")
def test_an_uplift_waits_for_a_second_person(crm: CRM, graded: GradingDecided) -> None:
    """It changes nothing before, and whoever proposed it cannot approve it in any role."""
    run = graded.run
    refused(crm, approval(), MANAGER, "nothing_proposed", "GRD-05")
    asked(crm, uplift(), MANAGER)
    now = stands(crm, run)
    assert (now.layer, now.uplift, now.waits_for) == ("ordinary", None, ("uplift",))
    assert [(s.grading.household, s.waits_for) for s in crm.gradings.waiting()] == [
        ("V1", ("uplift",)), ("V2", ("manager", "director"))
    ]  # fmt: skip
    for again in (MANAGER, Actor(MANAGER.id, "director")):
        refused(crm, approval(), again, "own_proposal", "LOG-08")
        refused(crm, approval(approved=False, reason="x"), again, "own_proposal", "LOG-08")
    refused(crm, uplift(), SPECIALIST, "uplift_proposed_already", "GRD-05")
    asked(crm, approval(), DIRECTOR)
    now = stands(crm, run)
    assert (now.layer, now.waits_for) == ("main", ())


@pytest.mark.rule("GRD-05", "LOG-08")
def test_an_uplift_that_is_rejected_has_a_reason_and_can_be_proposed_again(
    crm: CRM, graded: GradingDecided
) -> None:
    run = graded.run
    asked(crm, uplift(), SPECIALIST)
    no = approval(approved=False)
    refused(crm, no, MANAGER, "reason_missing", "GRD-05")
    [rejected] = asked(crm, evolve(no, reason="too early"), MANAGER).events
    assert rejected == UpliftRejected(
        "V1", graded.tenure, 2011, run, "too early", "S1", "M1", "manager", UPLIFT_DAY
    )
    now = stands(crm, run)
    assert (now.layer, now.waits_for) == ("ordinary", ())
    refused(crm, approval(), DIRECTOR, "nothing_proposed", "GRD-05")
    lift(crm)
    assert stands(crm, run).layer == "main"


@pytest.mark.rule("GRD-05", "LOG-08")
def test_an_uplift_is_decided_by_what_the_account_shows_then(
    crm: CRM, graded: GradingDecided
) -> None:
    """The promises of the proposal's day do not carry a household whose payment bounced since."""
    asked(crm, uplift(), SPECIALIST)
    do(crm, ReversePayment("V1", "P", date(2011, 1, 16), "bounced"))
    refused(crm, approval(), MANAGER, "promises_missing", "GRD-05")
    asked(crm, contest(), OWNER)
    refused(crm, approval(), MANAGER, "grading_contested", "GRD-13")


@pytest.mark.rule("GRD-05")
def test_an_uplift_survives_another_run_and_expires_with_the_next_years_record(
    crm: CRM, graded: GradingDecided
) -> None:
    lift(crm)
    do(crm, RecordPurchase("V1", "B2", "cleaning", 100, date(2011, 7, 1)))
    again = trial(crm)
    assert holds(crm).layer == "main"  # nothing that is not of record removes it
    crm.grade(2012, trial=True)
    assert holds(crm).layer == "main"
    replace(crm, again)
    now = holds(crm)
    assert (now.layer, now.grading.run, now.conflicts) == ("main", again, ())
    later = next_year(crm)
    now = holds(crm)
    assert (now.layer, now.uplift, now.conflicts) == ("ordinary", None, ())
    assert stands(crm, later).layer == "insufficient"
    refused(crm, uplift(), SPECIALIST, "year_superseded", "GRD-05")
    assert graded.outcome.layer == "ordinary"


@pytest.mark.rule("GRD-05", "GRD-16")
def test_an_uplift_is_seen_on_the_days_on_which_it_held(crm: CRM, graded: GradingDecided) -> None:
    lift(crm)
    next_year(crm)
    for on, layer in (
        (UPLIFT_DAY - timedelta(days=1), "ordinary"),
        (UPLIFT_DAY, "main"),
        (date(2012, 12, 30), "main"),
        (date(2012, 12, 31), "ordinary"),  # the next year's grading is of its last day
    ):
        found = crm.gradings.history("V1", on=on)
        assert [(s.grading.run, s.layer) for s in found][:1] == [(graded.run, layer)]


@pytest.mark.rule("GRD-05")
def test_no_uplift_waits_beyond_the_next_years_record(crm: CRM, graded: GradingDecided) -> None:
    asked(crm, uplift(), SPECIALIST)
    trial(crm, known=START - timedelta(days=1))
    crm.grade(2012, trial=True)
    assert stands(crm, graded.run).waits_for == ("uplift",)
    next_year(crm)
    assert stands(crm, graded.run).waits_for == ()
    assert "uplift" not in {word for now in crm.gradings.waiting() for word in now.waits_for}
    refused(crm, approval(), MANAGER, "year_superseded", "GRD-05")


@pytest.mark.rule("GRD-05")
def test_into_the_top_layer_only_with_the_director(crm: CRM) -> None:
    home(crm, "V1", buys=12_000_00)
    home(crm, "V2", buys=30_000_00)
    run = crm.grade(2011).run
    asked(crm, uplift(), SPECIALIST)
    refused(crm, approval(), MANAGER, "role_insufficient", "GRD-05")
    asked(crm, approval(), DIRECTOR)
    assert stands(crm, run).layer == "important"
    refused(crm, uplift("V2"), SPECIALIST, "no_layer_above", "GRD-05")


@pytest.mark.rule("GRD-05")
@pytest.mark.parametrize(
    ("unpaid", "credit", "code"),
    [
        (None, "A", None),
        (date(2011, 12, 30), "B1", None),
        (date(2011, 12, 1), "B1", None),
        (date(2011, 11, 30), "B2", "credit_too_low"),
        (date(2011, 1, 1), "B4", "credit_too_low"),
    ],
)
def test_never_from_b2_or_worse(
    crm: CRM, unpaid: date | None, credit: str, code: str | None
) -> None:
    home(crm, "V1", buys=9_000_00)
    if unpaid is not None:
        do(crm, RaiseCharge("V1", "late", "parking", "x", 1, unpaid))
    run = crm.grade(2011)
    assert of(run).facts.credit == credit
    # So early that the charge of November or December is not yet a broken promise.
    day = date(2011, 12, 31)
    if code is None:
        lift(crm, on=day)
    else:
        refused(crm, uplift(on=day), SPECIALIST, code, "GRD-05")


@pytest.mark.rule("GRD-05")
@pytest.mark.parametrize(
    ("kept", "paid_late", "accepted"),
    [(3, None, True), (2, None, False), (3, 1, True), (3, 30, True), (3, 31, False)],
)
def test_an_uplift_needs_three_promises_kept_and_none_broken(
    crm: CRM, kept: int, paid_late: int | None, *, accepted: bool
) -> None:
    """A charge paid 31 days after its due day was unpaid on the thirtieth."""
    home(crm, "V1", pays=None, buys=1)
    do(crm, *(  # the six charges are not promises of the last twelve months
        RaiseCharge("V1", f"N{n}", "parking", "x", 10, date(2012, 6, 1)) for n in range(kept)
    ))  # fmt: skip
    do(crm, ReceivePayment("V1", "P", 600 + 10 * kept, date(2011, 1, 15), "cash"))
    due = date(2012, 7, 1)
    if paid_late is not None:
        do(crm, RaiseCharge("V1", "late", "parking", "x", 10, due))
        on = due + timedelta(days=paid_late)
        do(crm, ReceivePayment("V1", "P-late", 10, on, "cash", "late"))
    crm.grade(2011)
    if accepted:
        assert len(lift(crm, on=YEAR_END).events[0].promises) == kept
    else:
        cannot_rise(crm, YEAR_END)


def cannot_rise(crm: CRM, on: date) -> None:
    """For what the account shows on that day."""
    refused(crm, uplift(on=on), SPECIALIST, "promises_missing", "GRD-05")


def owes(crm: CRM, name: str, due: date, fen: int = 100) -> None:
    do(crm, RaiseCharge("V1", name, "parking", "x", fen, due))


def pays(crm: CRM, name: str, on: date, fen: int = 100, charge: str | None = None) -> None:
    do(crm, ReceivePayment("V1", name, fen, on, "cash", charge))


def promise(crm: CRM, number: str, on: date, *parts: tuple[int, date], **more: Any) -> int:
    """Position of the promise; of several parts, as one proposed the plan and another decided."""
    instalments = tuple(Instalment(fen, due) for fen, due in parts)
    if len(parts) == 1:
        command = PromisePayment("V1", number, instalments, on, "short of cash", TOLD)
        [position] = do(crm, evolve(command, **more))
        return position
    do(crm, ProposeInstalments("V1", number, instalments, on, "short of cash", TOLD))
    [position] = do(crm, DecideInstalments("V1", number, True, on), by=MANAGER)
    return position


SEPTEMBER, OCTOBER = date(2012, 9, 1), date(2012, 10, 1)
YEAR_END = date(2012, 12, 31)


TABLE = shipped().find(UpliftPolicy, DEFAULT_UPLIFT, YEAR_END)


def account(crm: CRM) -> list[tuple[Any, int]]:
    return [(e.event, e.position) for e in crm.history("account/V1")]


@pytest.fixture
def two_kept(crm: CRM) -> str:
    """A household with two charges of the last twelve months paid by their due days."""
    home(crm, "V1", pays=None, buys=1)
    pays(crm, "P", date(2011, 1, 15), 800)
    owes(crm, "N1", date(2012, 8, 1))
    owes(crm, "N2", date(2012, 8, 1))
    return crm.grade(2011).run


@pytest.mark.rule("GRD-05", "PAY-09")
def test_a_kept_promise_to_pay_counts_beside_charges_and_is_named(crm: CRM, two_kept: str) -> None:
    """A charge that is paid a week late is neither kept nor broken; the promise to pay it is."""
    owes(crm, "late", SEPTEMBER)
    told = promise(crm, "A", date(2012, 9, 4), (40, date(2012, 9, 6)), (60, date(2012, 9, 8)))
    cannot_rise(crm, YEAR_END)
    pays(crm, "P1", date(2012, 9, 6), 40)
    pays(crm, "P2", date(2012, 9, 6), 60)
    # Until its last day it could still be broken, as by a transfer that bounces.
    cannot_rise(crm, date(2012, 9, 7))
    [done] = lift(crm, on=date(2012, 9, 8)).events
    charges = {e.event.charge: e.position for e in crm.history("account/V1") if "raised" in e.name}
    assert done.promises == (charges["N1"], charges["N2"], told)
    owes(crm, "N3", OCTOBER)
    pays(crm, "P3", date(2012, 9, 10))
    kept = promises(account(crm), YEAR_END, TABLE).kept
    assert kept[:3] == done.promises  # in the order of their days, whichever they are
    assert len(kept) == 4


@pytest.mark.rule("GRD-05", "PAY-09")
@pytest.mark.parametrize(
    ("paid", "on", "accepted"),
    [
        (date(2012, 9, 8), YEAR_END, True),
        (date(2012, 9, 9), YEAR_END, False),
        (date(2012, 9, 9), date(2012, 9, 8), True),  # the day itself is not over
        (date(2012, 9, 9), date(2013, 9, 7), False),
        (date(2012, 9, 9), date(2013, 9, 8), True),  # twelve months ago
    ],
)
def test_a_broken_promise_to_pay_forbids_an_uplift(
    crm: CRM, two_kept: str, paid: date, on: date, *, accepted: bool
) -> None:
    for number in range(3):
        owes(crm, f"A{number}", date(2012, 9, 2))
        owes(crm, f"B{number}", date(2013, 8, 1))
    pays(crm, "P-A", SEPTEMBER, 300)
    pays(crm, "P-B", date(2013, 1, 1), 300)
    owes(crm, "late", date(2012, 9, 3))
    promise(crm, "A", date(2012, 9, 4), (100, date(2012, 9, 8)))
    pays(crm, "P1", paid)
    if accepted:
        lift(crm, on=on)
    else:
        cannot_rise(crm, on)


@pytest.mark.rule("GRD-05", "PAY-09")
@pytest.mark.parametrize(
    ("made", "pays_off", "accepted"),
    [
        (date(2012, 8, 20), date(2012, 8, 21), False),  # not due yet
        (SEPTEMBER, date(2012, 9, 2), False),  # due on the very day
        (date(2012, 9, 4), date(2012, 9, 4), False),  # paid on the very day
        (date(2012, 9, 4), date(2012, 9, 5), True),
    ],
)
def test_a_promise_where_nothing_is_overdue_proves_nothing(
    crm: CRM, two_kept: str, made: date, pays_off: date, *, accepted: bool
) -> None:
    """Otherwise the same money would be two promises: the charge's, and the one made of it."""
    owes(crm, "N3", SEPTEMBER)
    pays(crm, "P1", pays_off)
    promise(crm, "A", made, (100, date(2012, 9, 10)))
    kept = 2 + (pays_off <= SEPTEMBER) + accepted
    found = promises(account(crm), YEAR_END, TABLE)
    assert (len(found.kept), found.broken) == (kept, ())


@pytest.mark.rule("GRD-05", "PAY-09")
def test_a_renegotiated_promise_is_neither_kept_nor_broken(crm: CRM, two_kept: str) -> None:
    owes(crm, "late", SEPTEMBER)
    promise(crm, "A", date(2012, 9, 4), (100, date(2012, 9, 8)))
    told = promise(crm, "B", date(2012, 9, 8), (100, date(2012, 9, 20)), replaces="A")
    pays(crm, "P1", date(2012, 9, 20))
    [done] = lift(crm, on=YEAR_END).events
    assert done.promises[2:] == (told,)


@pytest.mark.rule("GRD-05", "PAY-09")
@pytest.mark.parametrize("mended", ["cancelled", "waived", "disputed"])
def test_who_owes_nothing_any_more_breaks_no_promise(crm: CRM, two_kept: str, mended: str) -> None:
    owes(crm, "N3", date(2012, 8, 1))
    pays(crm, "P0", date(2012, 8, 1))
    owes(crm, "late", SEPTEMBER)
    promise(crm, "A", date(2012, 9, 4), (100, date(2012, 9, 8)))
    cannot_rise(crm, date(2012, 9, 20))
    day = date(2012, 9, 7)
    commands = {
        "cancelled": CancelCharge("V1", "late", day, "raised twice"),
        "waived": ProposeWaiver("V1", "W", "late", 100, day, "goodwill"),
        "disputed": DisputeCharge("V1", "D", "late", 100, day, "no parking", TOLD),
    }
    do(crm, commands[mended])
    if mended == "waived":
        do(crm, DecideWaiver("V1", "W", True, day), by=MANAGER)
    lift(crm, on=date(2012, 9, 20))


@pytest.mark.rule("GRD-05", "PAY-06")
@pytest.mark.parametrize(
    ("start", "decided", "paid", "accepted"),
    [
        (None, None, None, False),
        (date(2012, 10, 31), None, None, True),
        (date(2012, 11, 1), None, None, False),  # on 31 October it was open for thirty days
        (date(2012, 10, 31), date(2012, 11, 5), date(2012, 11, 5), True),
        (date(2012, 10, 31), date(2012, 11, 5), date(2012, 11, 6), False),
        (date(2012, 10, 10), date(2012, 10, 20), date(2012, 10, 31), True),
    ],
)
def test_a_charge_in_dispute_is_no_broken_promise_until_it_is_rejected(
    crm: CRM,
    two_kept: str,
    start: date | None,
    decided: date | None,
    paid: date | None,
    *,
    accepted: bool,
) -> None:
    owes(crm, "N3", date(2012, 8, 1))
    pays(crm, "P0", date(2012, 8, 1))
    owes(crm, "late", OCTOBER)
    if start is not None:
        do(crm, DisputeCharge("V1", "D", "late", 100, start, "no parking", TOLD))
    if decided is not None:
        do(crm, ProposeDisputeDecision("V1", "D", 0, decided, "there was one"))
        do(crm, DecideDispute("V1", "D", True, decided), by=MANAGER)
    if paid is not None:
        pays(crm, "P1", paid, charge="late")
    if accepted:
        lift(crm, on=date(2012, 12, 1))
    else:
        cannot_rise(crm, date(2012, 12, 1))


@pytest.mark.rule("GRD-05", "LOG-08")
def test_an_uplift_needs_a_reason_and_roles_that_may_propose_and_approve(
    crm: CRM, graded: GradingDecided
) -> None:
    assert graded.run
    refused(crm, uplift(reason=""), SPECIALIST, "reason_missing", "GRD-05")
    for by in (Actor("F1", "finance"), OWNER):
        refused(crm, uplift(), by, "role_insufficient", "LOG-08")
    asked(crm, uplift(), Actor("S2", "specialist"))
    for by in (SPECIALIST, SUPERVISOR, OWNER):
        refused(crm, approval(), by, "role_insufficient", "LOG-08")
    for year in (2010, 2012):
        refused(crm, uplift(year=year), SPECIALIST, "year_without_record", "GRD-17")
        refused(crm, approval(year=year), MANAGER, "year_without_record", "GRD-17")
    refused(crm, uplift("V9"), SPECIALIST, "unknown_household", "OWN-01")


# --- GRD-13: contest and review --------------------------------------------------------------


def contest(number: str = "RV1", **changes: Any) -> ContestGrading:
    return evolve(ContestGrading("V1", 2011, number, "I paid in July", DAY), **changes)


def review(result: str, number: str = "RV1", **changes: Any) -> DecideReview:
    return evolve(
        DecideReview("V1", number, result, "looked into", DAY + timedelta(days=1)),
        **changes,
    )


@pytest.mark.rule("GRD-13")
def test_a_type_is_not_confirmed_while_the_grading_is_contested(
    crm: CRM, graded: GradingDecided
) -> None:
    asked(crm, ProposeType("V1", 2011, "cautious", DAY), SPECIALIST)
    asked(crm, contest(), OWNER)
    confirm = ConfirmType("V1", 2011, DAY)
    refused(crm, confirm, SUPERVISOR, "grading_contested", "GRD-13")
    asked(crm, review("upheld"), MANAGER)
    asked(crm, confirm, SUPERVISOR)
    assert stands(crm, graded.run).type_confirmed


@pytest.mark.rule("GRD-03", "GRD-13")
def test_a_grading_that_was_corrected_waits_for_nobody(crm: CRM) -> None:
    home(crm, "V1", buys=30_000_00)
    run = crm.grade(2011).run
    assert stands(crm, run).waits_for == ("manager", "director")
    asked(crm, contest(), OWNER)
    assert stands(crm, run).waits_for == ("review",)
    do(crm, RecordPurchase("V1", "B2", "cleaning", 100, date(2011, 6, 2)))
    asked(crm, review("corrected"), SUPERVISOR)
    assert stands(crm, run).waits_for == ()
    assert [now.grading.run for now in crm.gradings.waiting()] == [f"{run}.RV1"]


def sold(crm: CRM) -> str:
    """V1 is sold in June, and has a co-owner, a tenant and somebody's son; its run of 2011."""
    owner = Personal("V1#owner", "somebody")
    do(crm, RegisterHousehold("V1", "Anhe", "1", "1", "1", owner=owner, moved_in=date(2011, 1, 1)))
    bought = date(2011, 6, 1)
    do(
        crm,
        TransferOwnership(
            "V1",
            "V1#buyer",
            bought,
            Personal("V1#buyer", "another"),
            reason="transfer of ownership",
        ),
    )
    for role in ("co_owner", "tenant", "family_member"):
        member = f"V1#{role}"
        do(crm, AddMember("V1", member, role, bought, Personal(member, role)))
    do(crm, RegisterHousehold("V2", "Anhe", "1", "1", "2", owner=Personal("V2#owner", "stranger")))
    return crm.grade(2011).run


@pytest.mark.rule("GRD-13", "LOG-08")
@pytest.mark.parametrize(
    ("by", "code", "rule"),
    [
        (Actor("V2#owner", "owner"), "not_of_household", "LOG-08"),
        (Actor("V1#tenant", "owner"), "not_of_household", "LOG-08"),
        (Actor("V1#owner", "user"), "not_of_household", "LOG-08"),
        (Actor("V1#family_member", "user"), "not_the_owner", "GRD-13"),
        (Actor("V1#owner", "owner"), "not_the_owner", "GRD-13"),  # who sold: the buyer was graded
        (Actor("V1#buyer", "owner"), None, None),
        (Actor("V1#co_owner", "owner"), None, None),
        (Actor("V1#tenant", "user"), None, None),
    ],
)
def test_only_owners_and_users_of_the_household_contest_or_refuse(
    crm: CRM, by: Actor, code: str | None, rule: str | None
) -> None:
    run = sold(crm)
    for command in (contest(), RefuseAutomatic("V1", DAY), AcceptAutomatic("V1", DAY)):
        if code is not None and rule is not None:
            refused(crm, command, by, code, rule)
        else:
            asked(crm, command, by)
    if code is None:
        [opened, refusing, accepting] = [e.event for e in crm.history("grading/V1")][1:]
        assert (opened.contested_by, opened.entered_by, opened.word) == (by.id, by.id, None)
        assert (refusing.refused_by, refusing.entered_by) == (by.id, by.id)
        assert (accepting.accepted_by, accepting.entered_by) == (by.id, by.id)
        assert stands(crm, run).status == "contested"


@pytest.mark.rule("GRD-13", "LOG-08")
@pytest.mark.parametrize(
    ("word", "code", "rule"),
    [
        (None, "word_missing", "GRD-13"),
        (Word("V2#owner", "phone", "call-7"), "not_a_member", "LOG-08"),
        (Word("S1", "phone", "call-7"), "word_of_staff", "LOG-08"),
        (Word("V1#owner", "phone", ""), "evidence_missing", "LOG-08"),
        (Word("V1#owner", "hearsay", "call-7"), "unknown_channel", "LOG-08"),
        (Word("V1#family_member", "phone", "call-7"), "not_the_owner", "GRD-13"),
        (Word("V1#owner", "phone", "call-7"), "not_the_owner", "GRD-13"),
        (Word("V1#buyer", "phone", "call-7"), None, None),
        (Word("V1#co_owner", "letter", "2012-17"), None, None),
        (Word("V1#tenant", "counter", "2012-18"), None, None),
    ],
)
def test_staff_contest_and_refuse_on_the_word_of_an_owner_or_user(
    crm: CRM, word: Word | None, code: str | None, rule: str | None
) -> None:
    sold(crm)
    for command in (contest(), RefuseAutomatic("V1", DAY), AcceptAutomatic("V1", DAY)):
        told = evolve(command, word=word)
        if code is not None and rule is not None:
            refused(crm, told, SPECIALIST, code, rule)
        else:
            asked(crm, told, SPECIALIST)
    if word is not None and code is None:
        [opened, refusing, accepting] = [e.event for e in crm.history("grading/V1")][1:]
        assert (opened.contested_by, opened.entered_by, opened.word) == (word.member, "S1", word)
        assert (refusing.refused_by, refusing.entered_by, refusing.word) == (
            word.member, "S1", word
        )  # fmt: skip
        assert (accepting.accepted_by, accepting.entered_by, accepting.word) == (
            word.member, "S1", word
        )  # fmt: skip


@pytest.mark.rule("GRD-13", "LOG-08")
def test_an_owner_enters_nobody_elses_word(crm: CRM) -> None:
    command = evolve(contest(sold(crm)), word=Word("V1#tenant", "phone", "call-7"))
    refused(crm, command, OWNER, "word_of_another", "GRD-13")


@pytest.mark.rule("GRD-13", "LOG-08")
def test_who_entered_the_dispute_does_not_review_it(crm: CRM, graded: GradingDecided) -> None:
    asked(crm, evolve(contest(), word=TOLD), SUPERVISOR)
    for role in ("supervisor", "manager", "director"):
        refused(crm, review("upheld"), Actor(SUPERVISOR.id, role), "own_matter", "LOG-08")
    asked(crm, review("upheld"), MANAGER)


@pytest.mark.rule("GRD-13")
def test_a_file_that_names_nobody_lets_nobody_contest(graded: GradingDecided) -> None:
    told = contest(by=OWNER, run=graded.run, members=frozenset())
    scenario(GRADING, graded).when(told).refused("not_the_owner", "GRD-13")
    told = evolve(told, by=SPECIALIST, word=TOLD)
    scenario(GRADING, graded).when(told).refused("not_the_owner", "GRD-13")
    told = evolve(told, members=frozenset({OWNER.id}))
    scenario(GRADING, graded).when(told).then(
        GradingContested(
            "V1",
            graded.tenure,
            2011,
            graded.run,
            "RV1",
            "I paid in July",
            OWNER.id,
            SPECIALIST.id,
            TOLD,
            DAY,
        )
    )


@pytest.mark.rule("GRD-13")
def test_a_grading_that_is_upheld_was_contested_meanwhile(crm: CRM, graded: GradingDecided) -> None:
    asked(crm, contest(), OWNER)
    assert stands(crm, graded.run).status == "contested"
    refused(crm, ConfirmGrading("V1", 2011, DAY), MANAGER, "grading_contested", "GRD-13")
    refused(crm, uplift(), SPECIALIST, "grading_contested", "GRD-13")
    refused(crm, contest("RV2"), OWNER, "contested_already", "GRD-13")
    asked(crm, review("upheld"), SUPERVISOR)
    now = stands(crm, graded.run)
    assert (now.status, now.layer, now.review) == ("computed", "ordinary", None)
    assert [r.reason for r in now.reviews] == ["looked into"]
    refused(crm, review("upheld"), SUPERVISOR, "review_decided", "GRD-13")
    refused(crm, contest(), OWNER, "review_exists", "GRD-13")
    asked(crm, contest("RV2"), OWNER)
    assert stands(crm, graded.run).status == "contested"


@pytest.mark.rule("GRD-13")
def test_a_correction_comes_from_corrected_facts_and_is_a_grading_of_its_own(crm: CRM) -> None:
    home(crm, "V1", buys=12_000_00, pays=None)
    graded = of(crm.grade(2011))
    assert graded.outcome.layer == "small"
    asked(crm, contest(), OWNER)
    refused(crm, review("corrected"), SUPERVISOR, "nothing_to_correct", "GRD-13")
    late = parse_instant("2012-01-20T09:00:00+08:00")
    do(crm, ReceivePayment("V1", "P", 600, date(2011, 1, 15), "cash"), at=late)
    asked(crm, review("corrected"), SUPERVISOR)
    before = stands(crm, graded.run)
    assert before.grading == graded
    assert before.replaced_by == f"{graded.run}.RV1"
    now = stands(crm, f"{graded.run}.RV1")
    assert (now.layer, now.status) == ("main", "computed")
    assert now.grading.cutoff_known == late
    assert crm.explain("V1", 2011)["layer"] == "main"
    assert crm.explain("V1", 2011, run=graded.run)["applied"]["replaced_by"] == now.grading.run
    replay = crm.replay()
    assert (replay.gradings, replay.differing) == (2, ())
    assert [g.run for g in crm.gradings.grades(2011).gradings] == [graded.run]


@pytest.mark.rule("GRD-13", "GRD-07")
def test_an_override_has_an_end_and_the_computed_result_stays_beside_it(
    crm: CRM, graded: GradingDecided
) -> None:
    asked(crm, contest(), OWNER)
    command = review("overridden", layer="main", until=date(2012, 6, 30))
    refused(crm, command, SUPERVISOR, "role_insufficient", "GRD-13")
    for until in (None, command.on):
        refused(crm, evolve(command, until=until), MANAGER, "expiry_missing", "GRD-13")
    refused(crm, evolve(command, layer="insufficient"), MANAGER, "unknown_layer", "GRD-13")
    refused(crm, evolve(command, layer=None), MANAGER, "unknown_layer", "GRD-13")
    refused(crm, evolve(command, layer="important"), MANAGER, "role_insufficient", "GRD-13")
    asked(crm, command, MANAGER)
    now = stands(crm, graded.run)
    assert (now.status, now.layer, now.grading.outcome.layer) == ("overridden", "main", "ordinary")
    told = crm.explain("V1", 2011, reader="owner")
    assert told["layer"] == "ordinary"
    assert (told["applied"]["layer"], told["applied"]["until"]) == ("main", "2012-06-30")
    assert any("do not explain what a person decided" in s for s in told["sentences"])
    [row] = [row for row in crm.gradings.grades(2011).rows() if row["household"] == "V1"]
    assert (row["layer"], row["applied"]["layer"]) == ("ordinary", "main")
    for day, layer, status in (
        ("2012-06-30T12:00:00+08:00", "main", "overridden"),
        ("2012-07-01T00:00:00+08:00", "ordinary", "computed"),
    ):
        crm.host.clock = FixedClock(parse_instant(day))
        now = stands(crm, graded.run)
        assert (now.layer, now.status) == (layer, status)


@pytest.mark.rule("GRD-13")
def test_upholding_an_override_leaves_it_in_force(crm: CRM, graded: GradingDecided) -> None:
    asked(crm, contest(), OWNER)
    asked(crm, review("overridden", layer="small", until=LAST), MANAGER)
    asked(crm, contest("RV2"), OWNER)
    asked(crm, review("upheld", "RV2"), SUPERVISOR)
    now = stands(crm, graded.run)
    assert (now.layer, now.status) == ("small", "overridden")


@pytest.mark.rule("GRD-13", "LOG-08")
def test_a_review_is_by_another_person_with_a_role_and_a_reason(
    crm: CRM, graded: GradingDecided
) -> None:
    asked(crm, ProposeType("V1", 2011, "cautious", DAY), SPECIALIST)
    asked(crm, ConfirmType("V1", 2011, DAY), SUPERVISOR)
    lift(crm, proposer=Actor("S7", "specialist"))
    asked(crm, contest(), OWNER)
    for id in ("S1", "U1", "S7", "M1", OWNER.id):
        for role in ("supervisor", "manager", "director"):
            refused(crm, review("upheld"), Actor(id, role), "own_matter", "LOG-08")
    for by in (SPECIALIST, OWNER):
        refused(crm, review("upheld"), by, "role_insufficient", "LOG-08")
    other = Actor("U2", "supervisor")
    refused(crm, review("upheld", reason=""), other, "reason_missing", "GRD-13")
    refused(crm, review("ignored"), other, "unknown_result", "GRD-13")
    refused(crm, review("upheld", "RV9"), other, "unknown_review", "GRD-13")
    asked(crm, review("upheld"), other)
    # Who decided one review has had a part, and does not decide the next one.
    asked(crm, contest("RV2"), OWNER)
    refused(crm, review("upheld", "RV2"), other, "own_matter", "LOG-08")


@pytest.mark.rule("GRD-13", "LOG-08")
def test_who_had_a_part_in_an_uplift_that_was_not_approved_does_not_review(
    crm: CRM, graded: GradingDecided
) -> None:
    asked(crm, uplift(), Actor("S7", "specialist"))
    asked(crm, approval(approved=False, reason="too early"), MANAGER)
    asked(crm, contest(), OWNER)
    for id in ("S7", "M1"):
        refused(crm, review("upheld"), Actor(id, "director"), "own_matter", "LOG-08")
    asked(crm, review("upheld"), DIRECTOR)


@pytest.mark.rule("GRD-13")
def test_a_contest_says_what_is_wrong_with_a_grading_there_is(
    crm: CRM, graded: GradingDecided
) -> None:
    refused(crm, evolve(contest(), reason=""), OWNER, "reason_missing", "GRD-13")
    refused(crm, contest(year=2010), OWNER, "year_without_record", "GRD-17")
    nobody = evolve(contest(), household="V9")
    refused(crm, nobody, OWNER, "unknown_household", "OWN-01")


@pytest.mark.rule("GRD-13")
def test_who_refuses_automatic_decisions_is_graded_provisionally_until_a_person_confirms(
    crm: CRM, graded: GradingDecided
) -> None:
    refused(crm, RefuseAutomatic("V1", DAY), Actor("F1", "finance"), "role_insufficient", "LOG-08")
    asked(crm, RefuseAutomatic("V1", DAY), OWNER)
    assert asked(crm, RefuseAutomatic("V1", DAY), OWNER).events == ()
    assert stands(crm, graded.run).status == "provisional"
    assert [row["status"] for row in crm.gradings.grades(2011).rows()] == [
        "provisional",
        "awaiting_confirmation",
    ]
    refused(crm, ConfirmGrading("V1", 2011, DAY), SPECIALIST, "role_insufficient", "LOG-08")
    asked(crm, ConfirmGrading("V1", 2011, DAY), SUPERVISOR)
    assert stands(crm, graded.run).status == "confirmed"
    # The next grading is provisional again, until a person stands for it too.
    later = next_year(crm)
    assert stands(crm, later).status == "provisional"
    asked(crm, AcceptAutomatic("V1", DAY), OWNER)
    assert asked(crm, AcceptAutomatic("V1", DAY), OWNER).events == ()
    assert stands(crm, later).status == "computed"


@pytest.mark.rule("GRD-03", "GRD-13")
def test_a_provisional_top_layer_still_needs_both(crm: CRM, graded: GradingDecided) -> None:
    owner = Actor("V2#owner", "owner")
    asked(crm, RefuseAutomatic("V2", DAY), owner)
    refused(crm, ConfirmGrading("V2", 2011, DAY), SUPERVISOR, "role_insufficient", "GRD-03")
    asked(crm, ConfirmGrading("V2", 2011, DAY), DIRECTOR)
    assert stands(crm, graded.run, "V2").status == "awaiting_confirmation"
    asked(crm, ConfirmGrading("V2", 2011, DAY), MANAGER)
    assert stands(crm, graded.run, "V2").status == "confirmed"


# --- GRD-13, GRD-17: what people decided, under a later record --------------------------------


@pytest.mark.rule("GRD-13", "GRD-17")
def test_no_other_run_ends_a_dispute(crm: CRM, graded: GradingDecided) -> None:
    asked(crm, contest(), OWNER)
    do(crm, RecordPurchase("V1", "B2", "cleaning", 5_000_00, date(2011, 7, 1)))
    again = trial(crm)
    assert stands(crm, graded.run).status == "contested"
    replace(crm, again)
    now = holds(crm)
    assert (now.grading.run, now.status, now.waits_for) == (again, "contested", ("review",))
    assert [s.grading.household for s in crm.gradings.waiting()] == ["V1", "V2"]
    next_year(crm)
    found = {(s.grading.household, s.grading.year) for s in crm.gradings.waiting()}
    assert ("V1", 2011) in found  # nor is it forgotten once another year was graded
    [decided] = asked(crm, review("upheld"), SUPERVISOR).events
    assert (decided.run, decided.year, decided.tenure) == (again, 2011, graded.tenure)
    assert holds(crm).status == "computed"


@pytest.mark.rule("GRD-13", "GRD-17")
def test_who_was_overridden_stays_there_under_another_record(
    crm: CRM, graded: GradingDecided
) -> None:
    asked(crm, contest(), OWNER)
    asked(crm, review("overridden", layer="small", until=LAST), MANAGER)
    do(crm, RecordPurchase("V1", "B2", "cleaning", 1_000_00, date(2011, 7, 1)))
    again = trial(crm)
    computed = of(crm.gradings.grades(2011, run=again)).outcome
    assert (graded.outcome.layer, computed.layer) == ("ordinary", "main")
    assert crm.gradings.replacing(2011, again) == ()  # it moves nobody
    replace(crm, again)
    now = holds(crm)
    assert (now.layer, now.status, now.outcome.layer) == ("small", "overridden", "main")
    assert now.conflicts == ()


@pytest.mark.rule("GRD-13", "GRD-17")
def test_an_override_to_a_layer_that_the_policy_has_not_is_a_conflict(
    crm: CRM, graded: GradingDecided
) -> None:
    asked(crm, contest(), OWNER)
    asked(crm, review("overridden", layer="main", until=LAST), MANAGER)
    named = policy_text().replace('"main"', '"chief"').replace("grade-cn-default", "ours")
    ours = with_policies(crm, shipped().add(GradingPolicy.parse(named)))
    again = trial(ours, policy="ours")
    replace(ours, again)
    now = holds(ours)
    assert (now.layer, now.status, now.override) == ("ordinary", "computed", None)
    assert now.conflicts == ("override",)
    [row] = [row for row in ours.gradings.grades(2011).rows() if row["household"] == "V1"]
    assert row["conflicts"] == ["override"]
    # It is not gone: under a policy that has the layer it holds again.
    replace(ours, graded.run)
    assert (holds(ours).layer, holds(ours).conflicts) == ("main", ())


@pytest.mark.rule("GRD-05", "GRD-17")
def test_an_uplift_from_another_layer_is_a_conflict(crm: CRM, graded: GradingDecided) -> None:
    lift(crm)
    do(crm, RecordPurchase("V1", "B2", "cleaning", 1_000_00, date(2011, 7, 1)))
    replace(crm, trial(crm))  # main of itself: lifted again it would be important
    now = holds(crm)
    assert (now.layer, now.uplift, now.status) == ("main", None, "computed")
    assert now.conflicts == ("uplift",)
    replace(crm, graded.run)
    assert (holds(crm).layer, holds(crm).conflicts) == ("main", ())


@pytest.mark.rule("GRD-02", "GRD-17")
def test_a_confirmed_problem_customer_without_a_hard_fact_is_a_conflict(crm: CRM) -> None:
    home(crm, "V1")
    do(crm, *(complain(f"R{n}") for n in range(9)))
    owes(crm, "old", date(2011, 1, 1))
    first = crm.grade(2011)
    assert of(first).outcome.type == "problem"
    asked(crm, ProposeType("V1", 2011, "problem", DAY), SPECIALIST)
    asked(crm, ConfirmType("V1", 2011, DAY), SUPERVISOR)
    assert (holds(crm).type, holds(crm).type_confirmed) == ("problem", True)
    pays(crm, "late", date(2011, 1, 1), charge="old")  # it comes to be known that nothing was owed
    replace(crm, trial(crm))
    now = holds(crm)
    assert (now.type, now.type_confirmed, now.conflicts) == ("ordinary", False, ("type",))
    assert now.outcome == now.grading.outcome


@pytest.mark.rule("GRD-13", "GRD-17")
def test_a_correction_stands_until_a_record_includes_it(crm: CRM) -> None:
    home(crm, "V1", buys=12_000_00, pays=None)
    first = crm.grade(2011).run
    asked(crm, contest(), OWNER)
    days = [parse_instant(f"2012-01-{day}T09:00:00+08:00") for day in (20, 21, 22)]
    do(crm, RecordPurchase("V1", "B2", "cleaning", 100, date(2011, 7, 1)), at=days[0])
    do(crm, ReceivePayment("V1", "P", 600, date(2011, 1, 15), "cash"), at=days[1])
    asked(crm, review("corrected"), SUPERVISOR)
    corrected = f"{first}.RV1"
    assert (holds(crm).grading.run, holds(crm).layer) == (corrected, "main")
    # One that saw less than the correction, though more than the first run, does not include it.
    between = trial(crm, known=days[0])
    replace(crm, between)
    now = holds(crm)
    assert (now.grading.run, now.layer) == (corrected, "main")
    assert [s.grading.run for s in crm.gradings.history("V1")] == [between, corrected]
    assert [s.grading.run for s in crm.gradings.directory()] == [corrected]
    # One that saw as much does, and what has come to be known since besides.
    do(crm, RecordPurchase("V1", "B3", "cleaning", 9_000_00, date(2011, 8, 1)), at=days[2])
    assert holds(crm).layer == "main"
    everything = trial(crm)
    replace(crm, everything)
    now = holds(crm)
    assert (now.grading.run, now.layer, now.replaced_by) == (everything, "important", None)
    assert [s.grading.run for s in crm.gradings.history("V1")] == [everything]
    assert [r.result for r in now.reviews] == ["corrected"]
    assert crm.replay().differing == ()


# --- GRD-13: whose year it is -----------------------------------------------------------------

SELLER, BUYER = OWNER, Actor("V1#buyer", "owner")


def two_years(crm: CRM) -> None:
    """V1 is graded for 2011 as its seller's, and for 2012, sold in June, as its buyer's."""
    home(crm, "V1", buys=9_000_00)
    crm.grade(2011)
    bought = date(2012, 6, 1)
    do(
        crm,
        TransferOwnership(
            "V1",
            "V1#buyer",
            bought,
            Personal("V1#buyer", "another"),
            reason="transfer of ownership",
        ),
    )
    next_year(crm)


@pytest.mark.rule("GRD-13", "PAY-16")
def test_a_former_owner_contests_the_year_of_their_own_tenure_and_not_the_buyers(crm: CRM) -> None:
    two_years(crm)
    then = date(2013, 1, 16)
    tenures = {s.grading.year: s.grading.tenure for s in crm.gradings.history("V1")}
    assert tenures == {2011: "first", 2012: "2012-06-01"}
    refused(crm, contest(year=2012, on=then), SELLER, "not_the_owner", "GRD-13")
    refused(crm, contest(on=then), BUYER, "not_the_owner", "GRD-13")
    asked(crm, contest(on=then), SELLER)
    assert (holds(crm).status, holds(crm, year=2012).status) == ("contested", "computed")
    asked(crm, contest("RV2", year=2012, on=then), BUYER)
    assert (holds(crm).status, holds(crm, year=2012).status) == ("contested", "contested")
    # Each review is about its own year, whoever else lives there by now.
    asked(crm, review("overridden", layer="main", until=date(2013, 6, 30), on=then), MANAGER)
    assert (holds(crm).layer, holds(crm).status) == ("main", "overridden")
    assert (holds(crm, year=2012).status, holds(crm, year=2012).override) == ("contested", None)


@pytest.mark.rule("GRD-13", "PAY-16")
def test_refusing_automatic_decisions_binds_the_tenure_of_the_day_only(crm: CRM) -> None:
    home(crm, "V1", buys=9_000_00)
    crm.grade(2011)
    [told] = asked(crm, RefuseAutomatic("V1", DAY), SELLER).events
    assert told.tenure == "first"
    assert holds(crm).status == "provisional"
    bought = date(2012, 6, 1)
    do(
        crm,
        TransferOwnership(
            "V1",
            "V1#buyer",
            bought,
            Personal("V1#buyer", "another"),
            reason="transfer of ownership",
        ),
    )
    next_year(crm)
    now = {s.grading.year: s.status for s in crm.gradings.history("V1")}
    assert now == {2011: "provisional", 2012: "computed"}
    then = date(2013, 1, 16)
    # Who sold has nothing to refuse any more, and who bought refuses for themselves.
    refused(crm, RefuseAutomatic("V1", then), SELLER, "not_the_owner", "GRD-13")
    refused(crm, AcceptAutomatic("V1", then), SELLER, "not_the_owner", "GRD-13")
    assert asked(crm, AcceptAutomatic("V1", then), BUYER).events == ()
    assert holds(crm).status == "provisional"
    [told] = asked(crm, RefuseAutomatic("V1", then), BUYER).events
    assert told.tenure == "2012-06-01"
    assert holds(crm, year=2012).status == "provisional"
    asked(crm, AcceptAutomatic("V1", then), BUYER)
    now = {s.grading.year: s.status for s in crm.gradings.history("V1")}
    assert now == {2011: "provisional", 2012: "computed"}


@pytest.mark.rule("GRD-13", "PAY-16")
def test_what_was_decided_of_one_tenure_is_not_applied_to_another(crm: CRM) -> None:
    """The sale comes to be known after the year was graded: the record is of other people then."""
    home(crm, "V1", buys=9_000_00)
    crm.grade(2011)
    asked(crm, contest(), SELLER)
    bought = date(2011, 11, 1)
    do(
        crm,
        TransferOwnership(
            "V1",
            "V1#buyer",
            bought,
            Personal("V1#buyer", "another"),
            reason="transfer of ownership",
        ),
    )
    replace(crm, trial(crm))
    now = holds(crm)
    assert (now.grading.tenure, now.status, now.review) == ("2011-11-01", "computed", None)
    asked(crm, contest("RV2"), BUYER)
    assert holds(crm).status == "contested"
    # The seller's dispute is still to be decided, and not about the buyer's grading.
    [decided] = asked(crm, review("upheld"), SUPERVISOR).events
    assert (decided.tenure, holds(crm).status) == ("first", "contested")


# --- GRD-07: what each reader is told ---------------------------------------------------------


@pytest.mark.rule("GRD-07")
def test_each_reader_is_told_of_people_what_is_theirs(crm: CRM, graded: GradingDecided) -> None:
    lift(crm, proposer=Actor("S7", "specialist"))
    asked(crm, contest(), OWNER)
    asked(crm, review("upheld"), Actor("U7", "supervisor"))
    told = {who: crm.explain("V1", 2011, reader=who) for who in ("owner", "clerk", "auditor")}
    as_text = {who: json.dumps(one) for who, one in told.items()}
    for staff in ("S7", "U7", "M1"):
        assert f'"{staff}"' not in as_text["owner"]
        assert f'"{staff}"' not in as_text["clerk"]
        assert f'"{staff}"' in as_text["auditor"]
    assert told["clerk"]["reviews"][0]["role"] == "supervisor"
    for one in told.values():
        assert one["reviews"][0]["result"] == "upheld"
        assert one["reviews"][0]["reason"] == "looked into"


@pytest.mark.rule("GRD-07")
def test_with_a_confirmed_type_counterfactuals_keep_it_and_are_true(
    crm: CRM, graded: GradingDecided
) -> None:
    asked(crm, ProposeType("V1", 2011, "lively", DAY, "always there"), SPECIALIST)
    asked(crm, ConfirmType("V1", 2011, DAY), SUPERVISOR)
    ways = counterfactuals(graded.facts, DEFAULT, "lively")
    assert ways
    for way in ways:
        after = assess(apply_changes(graded.facts, way.changes), DEFAULT, "lively")
        assert (after.layer, after.type, way.type) == (way.layer, "lively", "lively")
    told = crm.explain("V1", 2011)
    assert [way["layer"] for way in told["counterfactuals"]] == [way.layer for way in ways]
    needed = {w["layer"]: w["changes"][0]["to"] for w in told["counterfactuals"]}
    assert needed["important"] == 16_000_00


@pytest.mark.rule("GRD-07")
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_what_people_did_is_said_in_both_languages(
    crm: CRM, graded: GradingDecided, lang: Any
) -> None:
    before = len(crm.explain("V1", 2011, lang=lang)["sentences"])
    asked(crm, contest(), OWNER)
    asked(crm, review("overridden", layer="important", until=LAST), DIRECTOR)
    said = crm.explain("V1", 2011, lang=lang)["sentences"]
    assert len(said) == before + 3  # what holds, until when, and the review
    assert all("{" not in sentence for sentence in said)
    assert any("2012-12-31" in sentence for sentence in said)
    assert any("looked into" in sentence for sentence in said)


# --- GRD-16: history and directory -----------------------------------------------------------


@pytest.mark.rule("GRD-16")
def test_the_graded_history_and_the_directory_of_any_day(crm: CRM) -> None:
    home(crm, "V1", buys=9_000_00)
    first = crm.grade(2011).run
    graded_at = crm.clock.now()
    crm.host.clock = FixedClock(graded_at + timedelta(minutes=1))
    asked(crm, contest(), OWNER)
    asked(crm, review("overridden", layer="main", until=date(2013, 1, 31)), MANAGER)
    second = next_year(crm)
    told = [(s.grading.year, s.layer) for s in crm.gradings.history("V1")]
    assert told == [(2011, "main"), (2012, "insufficient")]
    # The day before the override was decided, and before the second year ended.
    then = crm.gradings.history("V1", on=DAY)
    assert [(s.grading.year, s.layer, s.status) for s in then] == [(2011, "ordinary", "contested")]
    for on, run, layer in (
        (date(2011, 12, 30), None, None),
        (date(2011, 12, 31), first, "ordinary"),
        (date(2012, 1, 11), first, "main"),
        (date(2012, 12, 31), second, "insufficient"),
    ):
        lines = [(s.grading.run, s.layer) for s in crm.gradings.directory(on=on)]
        assert lines == ([] if run is None else [(run, layer)])
    early = graded_at - timedelta(seconds=1)
    assert list(crm.gradings.directory(known=early)) == []
    [then] = crm.gradings.directory(known=graded_at)
    assert (then.grading.run, then.layer) == (first, "ordinary")


@pytest.mark.rule("GRD-16")
def test_the_gradings_of_a_year_as_they_were_known(crm: CRM) -> None:
    home(crm, "V1", buys=9_000_00)
    first = crm.grade(2011).run
    graded_at = crm.clock.now()
    crm.host.clock = FixedClock(graded_at + timedelta(days=5))
    do(crm, RecordPurchase("V1", "B2", "cleaning", 5_000_00, date(2011, 7, 1)), at=START)
    second = trial(crm)
    assert crm.gradings.grades(2011).run == first
    crm.host.clock = FixedClock(graded_at + timedelta(days=7))
    replace(crm, second)
    asked(crm, contest(), OWNER)
    crm.host.clock = FixedClock(graded_at + timedelta(days=9))
    with pytest.raises(Invalid):
        crm.gradings.grades(2011, known=graded_at - timedelta(seconds=1))
    assert crm.gradings.grades(2011).rows()[0]["status"] == "contested"
    for days, run in ((0, first), (4, first), (6, first), (7, second)):
        known = graded_at + timedelta(days=days)
        assert crm.gradings.grades(2011, known=known).run == run
        assert [s.grading.run for s in crm.gradings.history("V1", known=known)] == [run]
        assert [s.grading.run for s in crm.gradings.directory(known=known)] == [run]


# --- the machine: whatever is asked, in whatever order ----------------------------------------

PEOPLE = [
    *(
        Actor(f"{role[0]}{n}", role)
        for role in ("specialist", "supervisor", "manager", "director")
        for n in (1, 2)
    ),
    *(Actor(f"{home}#owner", "owner") for home in ("V1", "V2", "V9")),
    # Two that claim another role than they had before.
    Actor("s1", "manager"),
    Actor("m1", "director"),
]
people = st.sampled_from(PEOPLE)
numbers = st.sampled_from(["RV1", "RV2", "RV3"])
homes = st.sampled_from(["V1", "V2"])
years = st.sampled_from([2011, 2012])
words = st.none() | st.builds(
    Word, st.sampled_from(["V1#owner", "V2#owner", "s1"]), st.just("phone"), st.just("call-7")
)


def named(event: Any) -> set[str]:
    """Everybody whom an event names."""
    return {getattr(event, f.name) for f in fields(type(event)) if f.name.endswith("_by")}


class ReviewMachine(RuleBasedStateMachine):
    """Contested or refused gradings have no adverse use, and every review is another's; whatever
    people decided about a year, another run of it does not take away.
    """

    def __init__(self) -> None:
        super().__init__()
        self.crm = open_crm("memory:")
        self.crm.host.clock = FixedClock(parse_instant("2012-01-15T09:00:00+08:00"))
        self.day = DAY
        self.computed: dict[tuple[str, str], GradingDecided] = {}

    def teardown(self) -> None:
        try:
            assert self.crm.replay().differing == ()
            assert self.crm.verify().intact
        finally:
            self.crm.close()

    @initialize(buys=st.sampled_from([1, 9_000_00, 12_000_00, 25_000_00]))
    def graded(self, buys: int) -> None:
        home(self.crm, "V1", buys=buys)
        home(self.crm, "V2", pays=None)
        self.grade(2011, trial=False)

    @rule(year=years, trial=st.booleans())
    def grade(self, year: int, *, trial: bool) -> None:
        over = self.crm.clock.now() >= start_of_day(date(year + 1, 1, 1))
        found = self.crm.grade(year, trial=trial or not over)
        for grading in found.gradings:
            self.computed.setdefault((grading.household, found.run), grading)

    @rule()
    def time_passes(self) -> None:
        """Until 2012 is over as well."""
        self.day = max(self.day, date(2013, 1, 10))
        reach(self.crm, self.day)

    @rule(year=years, number=st.integers(0, 9), by=people)
    def another_record(self, year: int, number: int, by: Actor) -> None:
        runs = [line.run for line in self.crm.gradings.runs(year)]
        if runs:
            run = runs[number % len(runs)]
            self.try_to(
                lambda: self.crm.gradings.replace(
                    year,
                    run,
                    "better known",
                    by=by,
                    moves=len(self.crm.gradings.replacing(year, run)),
                )
            )

    @rule(home=homes, fen=st.sampled_from([1, 8_000_00, -500_00]), number=st.integers(1, 99))
    def buy(self, home: str, fen: int, number: int) -> None:
        self.try_to(
            lambda: do(self.crm, RecordPurchase(home, f"N{number}", "x", fen, date(2011, 8, 1)))
        )

    def try_to(self, ask: Any) -> None:
        head = self.crm.log.head()
        try:
            ask()
        except Refused:
            assert self.crm.log.head() == head

    def ask(self, command: Any, by: Actor) -> None:
        self.day += timedelta(days=1)
        self.try_to(lambda: asked(self.crm, evolve(command, on=self.day), by))

    @rule(
        home=homes,
        year=years,
        kind=st.sampled_from(["lively", "cautious", "ordinary", "problem"]),
        by=people,
    )
    def propose(self, home: str, year: int, kind: str, by: Actor) -> None:
        self.ask(ProposeType(home, year, kind, DAY, "seen"), by)

    @rule(home=homes, year=years, by=people)
    def confirm_type(self, home: str, year: int, by: Actor) -> None:
        self.ask(ConfirmType(home, year, DAY), by)

    @rule(home=homes, year=years, by=people)
    def confirm(self, home: str, year: int, by: Actor) -> None:
        self.ask(ConfirmGrading(home, year, DAY), by)

    @rule(home=homes, year=years, by=people)
    def propose_to_lift(self, home: str, year: int, by: Actor) -> None:
        self.ask(ProposeUplift(home, year, "reliable", DAY), by)

    @rule(home=homes, year=years, by=people, approved=st.booleans())
    def lift(self, home: str, year: int, by: Actor, *, approved: bool) -> None:
        self.ask(DecideUplift(home, year, approved, DAY, "" if approved else "no"), by)

    @rule(home=homes, by=people, word=words, refuse=st.booleans())
    def automatic(self, home: str, by: Actor, word: Word | None, *, refuse: bool) -> None:
        self.ask((RefuseAutomatic if refuse else AcceptAutomatic)(home, DAY, word), by)

    @rule(home=homes, year=years, number=numbers, by=people, word=words)
    def contest(self, home: str, year: int, number: str, by: Actor, word: Word | None) -> None:
        self.ask(ContestGrading(home, year, number, "wrong", DAY, word), by)

    @rule(
        home=homes,
        number=numbers,
        result=st.sampled_from(["upheld", "corrected", "overridden"]),
        by=people,
        layer=st.sampled_from(["important", "main", "small"]),
    )
    def decide(self, home: str, number: str, result: str, by: Actor, layer: str) -> None:
        until = self.day + timedelta(days=60)
        self.ask(DecideReview(home, number, result, "checked", DAY, layer, until), by)

    @invariant()
    def what_was_computed_never_changes(self) -> None:
        for (household, run), grading in self.computed.items():
            found = self.crm.gradings.grades(grading.year, run=run)
            assert of(found, household) == grading

    @invariant()
    def reviews_are_of_others_with_a_reason(self) -> None:
        for household in ("V1", "V2"):
            had_a_part: dict[int, set[str]] = {}
            for recorded in self.crm.history(f"grading/{household}"):
                event = recorded.event
                part = had_a_part.setdefault(getattr(event, "year", 0), set())
                if isinstance(event, ReviewDecided):
                    assert event.decided_by not in part
                    assert event.reason
                    assert event.role in ("supervisor", "manager", "director")
                    assert (event.layer is None) == (event.result != "overridden")
                part |= named(event)

    @invariant()
    def who_acted_is_named_and_nobody_decides_their_own_proposal(self) -> None:
        for household in ("V1", "V2"):
            proposed: dict[int, str] = {}
            for recorded in self.crm.history(f"grading/{household}"):
                event = recorded.event
                if not isinstance(event, GradingDecided):
                    assert recorded.envelope.actor.partition(":")[2] in named(event)
                if isinstance(event, TypeProposed):
                    proposed[event.year] = event.proposed_by
                if isinstance(event, TypeConfirmed):
                    assert event.confirmed_by != proposed[event.year]
                if isinstance(event, LayerUplifted):
                    assert event.approved_by != event.proposed_by
                if isinstance(event, UpliftRejected):
                    assert event.rejected_by != event.proposed_by
                if isinstance(event, GradingContested):
                    owner = f"{household}#owner"
                    assert event.contested_by == owner
                    assert (event.entered_by == owner) == (event.word is None)

    @invariant()
    def the_top_layer_is_never_confirmed_by_one_person(self) -> None:
        for household in ("V1", "V2"):
            confirmed: dict[int, list[GradingConfirmed]] = {}
            for recorded in self.crm.history(f"grading/{household}"):
                if isinstance(recorded.event, GradingConfirmed):
                    confirmed.setdefault(recorded.event.year, []).append(recorded.event)
            for now in self.crm.gradings.history(household):
                assert now.status in STATUSES
                if now.layer == "important" and now.status == "confirmed":
                    acts = [a for a in confirmed[now.grading.year] if a.layer == "important"]
                    assert len({act.confirmed_by for act in acts}) >= 2
                if now.layer == "important" and now.status == "overridden":
                    assert {now.uplift, now.override} != {None}

    @invariant()
    def a_dispute_is_open_until_it_is_decided_whichever_run_holds(self) -> None:
        waiting = {(s.grading.household, s.grading.year): s for s in self.crm.gradings.waiting()}
        for household in ("V1", "V2"):
            opened: dict[int, GradingContested] = {}
            for recorded in self.crm.history(f"grading/{household}"):
                event = recorded.event
                if isinstance(event, GradingContested):
                    opened[event.year] = event
                elif isinstance(event, ReviewDecided):
                    assert opened.pop(event.year).review == event.review
            for now in self.crm.gradings.history(household):
                if now.replaced_by is None:
                    assert (now.status == "contested") == (now.grading.year in opened)
            for year, event in opened.items():
                assert waiting[household, year].review == event

    @invariant()
    def only_the_record_is_read_and_only_a_director_changes_it(self) -> None:
        records = self.crm.gradings.records().by_year
        for household in ("V1", "V2"):
            first: dict[int, str] = {}
            for now in self.crm.gradings.history(household):
                first.setdefault(now.grading.year, now.grading.run)
            assert first.items() <= records.items()
        for year in (2011, 2012):
            for recorded in self.crm.history(f"grading-year/{year}"):
                if isinstance(recorded.event, RecordReplaced):
                    assert recorded.envelope.actor.startswith("director:")


TestReviewMachine = ReviewMachine.TestCase
TestReviewMachine.settings = settings(max_examples=30, stateful_step_count=25)
pytest.mark.rule("GRD-13", "GRD-03", "GRD-05")(TestReviewMachine)
