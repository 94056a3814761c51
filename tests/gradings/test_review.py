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
from crm_core.errors import DecisionMismatch, Invalid, Refused
from crm_core.gradings import GRADING, GradingDecided, assess, counterfactuals
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
    ReviewDecided,
    TypeConfirmed,
    TypeProposed,
    UpliftRejected,
)
from crm_core.gradings.review import STATUSES, Standing
from crm_core.gradings.uplift import DEFAULT_UPLIFT, UpliftPolicy, promises
from crm_core.kernel.dates import parse_instant
from crm_core.kernel.recorded import Actor, Commit, Envelope, StreamAppend
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


# --- GRD-02: types ---------------------------------------------------------------------------


@pytest.mark.rule("GRD-02")
def test_a_specialist_proposes_and_a_supervisor_confirms_and_the_suggestion_stays(
    crm: CRM, graded: GradingDecided
) -> None:
    assert crm.explain("V1", 2011)["suggested"].endswith("not confirmed by a person")
    asked(crm, ProposeType("V1", graded.run, "ordinary", DAY, "once a decade"), SPECIALIST)
    assert stands(crm, graded.run).type == "cautious"  # proposed is not confirmed
    asked(crm, ConfirmType("V1", graded.run, DAY), SUPERVISOR)
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
    run = graded.run
    refused(crm, ConfirmType("V1", run, DAY), SUPERVISOR, "nothing_proposed", "GRD-02")
    for by in (SUPERVISOR, OWNER):
        refused(crm, ProposeType("V1", run, "lively", DAY, "x"), by, "role_insufficient", "LOG-08")
    refused(crm, ProposeType("V1", run, "rich", DAY, "x"), SPECIALIST, "unknown_type", "GRD-02")
    refused(crm, ProposeType("V1", run, "lively", DAY), SPECIALIST, "reason_missing", "GRD-02")
    refused(crm, ProposeType("V1", "r", "lively", DAY), SPECIALIST, "unknown_grading", "GRD-06")
    asked(crm, ProposeType("V1", run, "cautious", DAY), SPECIALIST)
    refused(crm, ConfirmType("V1", run, DAY), SPECIALIST, "role_insufficient", "LOG-08")
    same = Actor(SPECIALIST.id, "supervisor")
    refused(crm, ConfirmType("V1", run, DAY), same, "own_proposal", "LOG-08")
    asked(crm, ConfirmType("V1", run, DAY), SUPERVISOR)
    refused(crm, ConfirmType("V1", run, DAY), SUPERVISOR, "nothing_proposed", "GRD-02")


@pytest.mark.rule("GRD-02")
def test_no_person_makes_a_problem_customer_of_complaints_alone(crm: CRM) -> None:
    home(crm, "V1")
    do(crm, *(complain(f"R{n}") for n in range(9)))
    run = crm.grade(2011).run
    command = ProposeType("V1", run, "problem", DAY, "always complains")
    refused(crm, command, SPECIALIST, "hard_fact_missing", "GRD-02")
    do(crm, ConfirmConduct("V1", "disturbance", date(2011, 3, 1), "E-1"), by=MANAGER)
    asked(crm, evolve(command, run=crm.grade(2011).run), SPECIALIST)


@pytest.mark.rule("GRD-02", "GRD-06")
def test_an_outcome_that_a_confirmed_type_does_not_give_is_not_read(
    crm: CRM, graded: GradingDecided
) -> None:
    wrong = assess(graded.facts, DEFAULT, "lively")
    event = TypeConfirmed("V1", graded.run, "ordinary", evolve(wrong, type="ordinary"), "U1", DAY)
    stream = GRADING.stream("V1")
    tip = crm.log.tips([stream])[stream]
    envelope = Envelope("system:forger", "forged", event, DAY, START)
    crm.log.append([Commit("forged", "", (StreamAppend(stream, tip, "V1", (envelope,)),))])
    with pytest.raises(DecisionMismatch):
        crm.explain("V1", 2011)


# --- GRD-03: the top layer -------------------------------------------------------------------


@pytest.mark.rule("GRD-03")
def test_the_top_layer_needs_the_manager_and_the_director_and_two_persons(
    crm: CRM, graded: GradingDecided
) -> None:
    run = graded.run
    assert stands(crm, run, "V2").status == "awaiting_confirmation"
    for by in (SPECIALIST, OWNER):
        refused(crm, ConfirmGrading("V2", run, DAY), by, "role_insufficient", "LOG-08")
    refused(crm, ConfirmGrading("V2", run, DAY), SUPERVISOR, "role_insufficient", "GRD-03")
    refused(crm, ConfirmGrading("V1", run, DAY), MANAGER, "nothing_to_confirm", "GRD-03")
    asked(crm, ConfirmGrading("V2", run, DAY), MANAGER)
    assert stands(crm, run, "V2").status == "awaiting_confirmation"
    assert asked(crm, ConfirmGrading("V2", run, DAY), Actor("M2", "manager")).events == ()
    both = Actor(MANAGER.id, "director")
    refused(crm, ConfirmGrading("V2", run, DAY), both, "same_person", "GRD-03")
    asked(crm, ConfirmGrading("V2", run, DAY), DIRECTOR)
    now = stands(crm, run, "V2")
    assert (now.status, now.layer) == ("confirmed", "important")
    assert now.confirmed_by == ("manager:M1", "director:D1")
    assert [row["status"] for row in crm.gradings.grades(2011).rows()] == ["computed", "confirmed"]
    refused(crm, ConfirmGrading("V2", run, DAY), DIRECTOR, "nothing_to_confirm", "GRD-03")


@pytest.mark.rule("GRD-03")
def test_who_confirmed_another_layer_is_asked_again(crm: CRM, graded: GradingDecided) -> None:
    run = graded.run
    asked(crm, ConfirmGrading("V2", run, DAY), MANAGER)
    do(crm, RecordPurchase("V2", "B2", "cleaning", -1_000_00, date(2011, 7, 1)))
    run = crm.grade(2011).run  # 19,000.00: main if cautious, important if lively
    asked(crm, ProposeType("V2", run, "lively", DAY, "at every meeting"), SPECIALIST)
    asked(crm, ConfirmType("V2", run, DAY), SUPERVISOR)
    assert stands(crm, run, "V2").status == "awaiting_confirmation"
    asked(crm, ConfirmGrading("V2", run, DAY), MANAGER)
    asked(crm, ProposeType("V2", run, "cautious", DAY), SPECIALIST)
    asked(crm, ConfirmType("V2", run, DAY), SUPERVISOR)
    now = stands(crm, run, "V2")
    assert (now.layer, now.status, now.confirmed_by) == ("main", "computed", ())


@pytest.mark.rule("GRD-13", "LOG-08")
def test_nobody_decides_in_the_name_of_another(crm: CRM, graded: GradingDecided) -> None:
    head = crm.log.head()
    with pytest.raises(Invalid) as found:
        crm.do(ConfirmGrading("V2", graded.run, DAY, by=MANAGER), by=SPECIALIST)
    [fault] = found.value.faults
    assert (fault.code, fault.where) == ("looked_up", "ConfirmGrading.by")
    assert crm.log.head() == head


# --- GRD-05: uplift --------------------------------------------------------------------------

UPLIFT_DAY = date(2012, 1, 10)


def uplift(run: str, household: str = "V1", **changes: Any) -> ProposeUplift:
    return evolve(ProposeUplift(household, run, "keeps every word", UPLIFT_DAY), **changes)


def approval(run: str, household: str = "V1", **changes: Any) -> DecideUplift:
    return evolve(DecideUplift(household, run, True, UPLIFT_DAY), **changes)


def lift(crm: CRM, run: str, *, proposer: Actor = SPECIALIST, on: date = UPLIFT_DAY) -> Any:
    """Propose an uplift of V1, and approve it as the manager."""
    asked(crm, uplift(run, on=on), proposer)
    return asked(crm, approval(run, on=on), MANAGER)


@pytest.mark.rule("GRD-05")
def test_an_uplift_is_one_layer_and_names_the_promises_kept(
    crm: CRM, graded: GradingDecided
) -> None:
    [lifted] = lift(crm, graded.run).events
    assert (lifted.proposed_by, lifted.approved_by, lifted.role) == ("S1", "M1", "manager")
    now = stands(crm, graded.run)
    assert (now.layer, now.status, now.grading.outcome.layer) == ("main", "overridden", "ordinary")
    assert now.uplift == lifted
    charges = [e.position for e in crm.history("account/V1") if "charge_raised" in e.name]
    assert list(now.uplift.promises) == charges
    refused(crm, uplift(graded.run), SPECIALIST, "uplifted_already", "GRD-05")
    told = crm.explain("V1", 2011)
    assert told["layer"] == "ordinary"
    assert told["applied"]["uplift"]["promises"] == charges
    assert crm.replay().differing == ()


@pytest.mark.rule("GRD-05", "LOG-08")
def test_an_uplift_waits_for_a_second_person(crm: CRM, graded: GradingDecided) -> None:
    """It changes nothing before, and whoever proposed it cannot approve it in any role."""
    run = graded.run
    refused(crm, approval(run), MANAGER, "nothing_proposed", "GRD-05")
    asked(crm, uplift(run), MANAGER)
    now = stands(crm, run)
    assert (now.layer, now.uplift, now.waits_for) == ("ordinary", None, ("uplift",))
    assert [(s.grading.household, s.waits_for) for s in crm.gradings.waiting()] == [
        ("V1", ("uplift",)), ("V2", ("manager", "director"))
    ]  # fmt: skip
    for again in (MANAGER, Actor(MANAGER.id, "director")):
        refused(crm, approval(run), again, "own_proposal", "LOG-08")
        refused(crm, approval(run, approved=False, reason="x"), again, "own_proposal", "LOG-08")
    refused(crm, uplift(run), SPECIALIST, "uplift_proposed_already", "GRD-05")
    asked(crm, approval(run), DIRECTOR)
    now = stands(crm, run)
    assert (now.layer, now.waits_for) == ("main", ())


@pytest.mark.rule("GRD-05", "LOG-08")
def test_an_uplift_that_is_rejected_has_a_reason_and_can_be_proposed_again(
    crm: CRM, graded: GradingDecided
) -> None:
    run = graded.run
    asked(crm, uplift(run), SPECIALIST)
    no = approval(run, approved=False)
    refused(crm, no, MANAGER, "reason_missing", "GRD-05")
    [rejected] = asked(crm, evolve(no, reason="too early"), MANAGER).events
    assert rejected == UpliftRejected("V1", run, "too early", "S1", "M1", "manager", UPLIFT_DAY)
    now = stands(crm, run)
    assert (now.layer, now.waits_for) == ("ordinary", ())
    refused(crm, approval(run), DIRECTOR, "nothing_proposed", "GRD-05")
    lift(crm, run)
    assert stands(crm, run).layer == "main"


@pytest.mark.rule("GRD-05", "LOG-08")
def test_an_uplift_is_decided_by_what_the_account_shows_then(
    crm: CRM, graded: GradingDecided
) -> None:
    """The promises of the proposal's day do not carry a household whose payment bounced since."""
    asked(crm, uplift(graded.run), SPECIALIST)
    do(crm, ReversePayment("V1", "P", date(2011, 1, 16), "bounced"))
    refused(crm, approval(graded.run), MANAGER, "promises_missing", "GRD-05")
    asked(crm, contest(graded.run), OWNER)
    refused(crm, approval(graded.run), MANAGER, "grading_contested", "GRD-13")


@pytest.mark.rule("GRD-05")
def test_an_uplift_expires_at_the_next_run(crm: CRM, graded: GradingDecided) -> None:
    lift(crm, graded.run)
    later = crm.grade(2012).run
    assert stands(crm, graded.run).layer == "ordinary"
    assert stands(crm, graded.run).uplift is None
    assert stands(crm, later).layer == "insufficient"
    refused(crm, uplift(graded.run), SPECIALIST, "run_superseded", "GRD-05")


@pytest.mark.rule("GRD-05")
def test_no_uplift_waits_beyond_the_next_run(crm: CRM, graded: GradingDecided) -> None:
    asked(crm, uplift(graded.run), SPECIALIST)
    crm.grade(2012)
    assert stands(crm, graded.run).waits_for == ()
    refused(crm, approval(graded.run), MANAGER, "nothing_proposed", "GRD-05")


@pytest.mark.rule("GRD-05")
def test_into_the_top_layer_only_with_the_director(crm: CRM) -> None:
    home(crm, "V1", buys=12_000_00)
    run = crm.grade(2011).run
    asked(crm, uplift(run), SPECIALIST)
    refused(crm, approval(run), MANAGER, "role_insufficient", "GRD-05")
    asked(crm, approval(run), DIRECTOR)
    assert stands(crm, run).layer == "important"
    home(crm, "V2", buys=30_000_00)
    run = crm.grade(2011).run
    refused(crm, uplift(run, "V2"), SPECIALIST, "no_layer_above", "GRD-05")


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
        lift(crm, run.run, on=day)
    else:
        refused(crm, uplift(run.run, on=day), SPECIALIST, code, "GRD-05")


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
    run = crm.grade(2011).run
    if accepted:
        assert len(lift(crm, run, on=YEAR_END).events[0].promises) == kept
    else:
        cannot_rise(crm, run, YEAR_END)


def cannot_rise(crm: CRM, run: str, on: date) -> None:
    """For what the account shows on that day."""
    refused(crm, uplift(run, on=on), SPECIALIST, "promises_missing", "GRD-05")


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
    cannot_rise(crm, two_kept, YEAR_END)
    pays(crm, "P1", date(2012, 9, 6), 40)
    pays(crm, "P2", date(2012, 9, 6), 60)
    # Until its last day it could still be broken, as by a transfer that bounces.
    cannot_rise(crm, two_kept, date(2012, 9, 7))
    [done] = lift(crm, two_kept, on=date(2012, 9, 8)).events
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
        lift(crm, two_kept, on=on)
    else:
        cannot_rise(crm, two_kept, on)


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
    [done] = lift(crm, two_kept, on=YEAR_END).events
    assert done.promises[2:] == (told,)


@pytest.mark.rule("GRD-05", "PAY-09")
@pytest.mark.parametrize("mended", ["cancelled", "waived", "disputed"])
def test_who_owes_nothing_any_more_breaks_no_promise(crm: CRM, two_kept: str, mended: str) -> None:
    owes(crm, "N3", date(2012, 8, 1))
    pays(crm, "P0", date(2012, 8, 1))
    owes(crm, "late", SEPTEMBER)
    promise(crm, "A", date(2012, 9, 4), (100, date(2012, 9, 8)))
    cannot_rise(crm, two_kept, date(2012, 9, 20))
    day = date(2012, 9, 7)
    commands = {
        "cancelled": CancelCharge("V1", "late", day, "raised twice"),
        "waived": ProposeWaiver("V1", "W", "late", 100, day, "goodwill"),
        "disputed": DisputeCharge("V1", "D", "late", 100, day, "no parking", TOLD),
    }
    do(crm, commands[mended])
    if mended == "waived":
        do(crm, DecideWaiver("V1", "W", True, day), by=MANAGER)
    lift(crm, two_kept, on=date(2012, 9, 20))


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
        lift(crm, two_kept, on=date(2012, 12, 1))
    else:
        cannot_rise(crm, two_kept, date(2012, 12, 1))


@pytest.mark.rule("GRD-05", "LOG-08")
def test_an_uplift_needs_a_reason_and_roles_that_may_propose_and_approve(
    crm: CRM, graded: GradingDecided
) -> None:
    run = graded.run
    refused(crm, uplift(run, reason=""), SPECIALIST, "reason_missing", "GRD-05")
    for by in (Actor("F1", "finance"), OWNER):
        refused(crm, uplift(run), by, "role_insufficient", "LOG-08")
    asked(crm, uplift(run), Actor("S2", "specialist"))
    for by in (SPECIALIST, SUPERVISOR, OWNER):
        refused(crm, approval(run), by, "role_insufficient", "LOG-08")
    refused(crm, uplift("another"), SPECIALIST, "unknown_grading", "GRD-06")
    refused(crm, approval("another"), MANAGER, "unknown_grading", "GRD-06")


# --- GRD-13: contest and review --------------------------------------------------------------


def contest(run: str, number: str = "RV1") -> ContestGrading:
    return ContestGrading("V1", run, number, "I paid in July", DAY)


def review(result: str, number: str = "RV1", **changes: Any) -> DecideReview:
    return evolve(
        DecideReview("V1", number, result, "looked into", DAY + timedelta(days=1)),
        **changes,
    )


@pytest.mark.rule("GRD-13")
def test_a_type_is_not_confirmed_while_the_grading_is_contested(
    crm: CRM, graded: GradingDecided
) -> None:
    asked(crm, ProposeType("V1", graded.run, "cautious", DAY), SPECIALIST)
    asked(crm, contest(graded.run), OWNER)
    confirm = ConfirmType("V1", graded.run, DAY)
    refused(crm, confirm, SUPERVISOR, "grading_contested", "GRD-13")
    asked(crm, review("upheld"), MANAGER)
    asked(crm, confirm, SUPERVISOR)
    assert stands(crm, graded.run).type_confirmed


@pytest.mark.rule("GRD-03", "GRD-13")
def test_a_grading_that_was_corrected_waits_for_nobody(crm: CRM) -> None:
    home(crm, "V1", buys=30_000_00)
    run = crm.grade(2011).run
    assert stands(crm, run).waits_for == ("manager", "director")
    asked(crm, contest(run), OWNER)
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
    do(crm, TransferOwnership("V1", "V1#buyer", bought, Personal("V1#buyer", "another")))
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
        (Actor("V1#owner", "owner"), None, None),  # whoever sold: their years were graded
        (Actor("V1#buyer", "owner"), None, None),
        (Actor("V1#co_owner", "owner"), None, None),
        (Actor("V1#tenant", "user"), None, None),
    ],
)
def test_only_owners_and_users_of_the_household_contest_or_refuse(
    crm: CRM, by: Actor, code: str | None, rule: str | None
) -> None:
    run = sold(crm)
    for command in (contest(run), RefuseAutomatic("V1", DAY), AcceptAutomatic("V1", DAY)):
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
        (Word("V1#owner", "phone", "call-7"), None, None),
        (Word("V1#co_owner", "letter", "2012-17"), None, None),
        (Word("V1#tenant", "counter", "2012-18"), None, None),
    ],
)
def test_staff_contest_and_refuse_on_the_word_of_an_owner_or_user(
    crm: CRM, word: Word | None, code: str | None, rule: str | None
) -> None:
    run = sold(crm)
    for command in (contest(run), RefuseAutomatic("V1", DAY), AcceptAutomatic("V1", DAY)):
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
    asked(crm, evolve(contest(graded.run), word=TOLD), SUPERVISOR)
    for role in ("supervisor", "manager", "director"):
        refused(crm, review("upheld"), Actor(SUPERVISOR.id, role), "own_matter", "LOG-08")
    asked(crm, review("upheld"), MANAGER)


@pytest.mark.rule("GRD-13")
def test_a_file_that_names_nobody_lets_nobody_contest(graded: GradingDecided) -> None:
    told = evolve(contest(graded.run), by=OWNER, members={})
    scenario(GRADING, graded).when(told).refused("not_the_owner", "GRD-13")
    told = evolve(told, by=SPECIALIST, word=TOLD)
    scenario(GRADING, graded).when(told).refused("not_the_owner", "GRD-13")
    told = evolve(told, members={OWNER.id: frozenset({"owner"})})
    scenario(GRADING, graded).when(told).then(
        GradingContested(
            "V1", graded.run, "RV1", "I paid in July", OWNER.id, SPECIALIST.id, TOLD, DAY
        )
    )


@pytest.mark.rule("GRD-13")
def test_a_grading_that_is_upheld_was_contested_meanwhile(crm: CRM, graded: GradingDecided) -> None:
    asked(crm, contest(graded.run), OWNER)
    assert stands(crm, graded.run).status == "contested"
    refused(crm, ConfirmGrading("V1", graded.run, DAY), MANAGER, "grading_contested", "GRD-13")
    refused(crm, uplift(graded.run), SPECIALIST, "grading_contested", "GRD-13")
    refused(crm, contest(graded.run, "RV2"), OWNER, "contested_already", "GRD-13")
    asked(crm, review("upheld"), SUPERVISOR)
    now = stands(crm, graded.run)
    assert (now.status, now.layer, now.review) == ("computed", "ordinary", None)
    assert [r.reason for r in now.reviews] == ["looked into"]
    refused(crm, review("upheld"), SUPERVISOR, "review_decided", "GRD-13")
    refused(crm, contest(graded.run), OWNER, "review_exists", "GRD-13")
    asked(crm, contest(graded.run, "RV2"), OWNER)
    assert stands(crm, graded.run).status == "contested"


@pytest.mark.rule("GRD-13")
def test_a_correction_comes_from_corrected_facts_and_is_a_grading_of_its_own(crm: CRM) -> None:
    home(crm, "V1", buys=12_000_00, pays=None)
    graded = of(crm.grade(2011))
    assert graded.outcome.layer == "small"
    asked(crm, contest(graded.run), OWNER)
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
    asked(crm, contest(graded.run), OWNER)
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
        crm.clock = FixedClock(parse_instant(day))
        now = stands(crm, graded.run)
        assert (now.layer, now.status) == (layer, status)


@pytest.mark.rule("GRD-13")
def test_upholding_an_override_leaves_it_in_force(crm: CRM, graded: GradingDecided) -> None:
    asked(crm, contest(graded.run), OWNER)
    asked(crm, review("overridden", layer="small", until=LAST), MANAGER)
    asked(crm, contest(graded.run, "RV2"), OWNER)
    asked(crm, review("upheld", "RV2"), SUPERVISOR)
    now = stands(crm, graded.run)
    assert (now.layer, now.status) == ("small", "overridden")


@pytest.mark.rule("GRD-13", "LOG-08")
def test_a_review_is_by_another_person_with_a_role_and_a_reason(
    crm: CRM, graded: GradingDecided
) -> None:
    asked(crm, ProposeType("V1", graded.run, "cautious", DAY), SPECIALIST)
    asked(crm, ConfirmType("V1", graded.run, DAY), SUPERVISOR)
    lift(crm, graded.run, proposer=Actor("S7", "specialist"))
    asked(crm, contest(graded.run), OWNER)
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
    asked(crm, contest(graded.run, "RV2"), OWNER)
    refused(crm, review("upheld", "RV2"), other, "own_matter", "LOG-08")


@pytest.mark.rule("GRD-13", "LOG-08")
def test_who_had_a_part_in_an_uplift_that_was_not_approved_does_not_review(
    crm: CRM, graded: GradingDecided
) -> None:
    asked(crm, uplift(graded.run), Actor("S7", "specialist"))
    asked(crm, approval(graded.run, approved=False, reason="too early"), MANAGER)
    asked(crm, contest(graded.run), OWNER)
    for id in ("S7", "M1"):
        refused(crm, review("upheld"), Actor(id, "director"), "own_matter", "LOG-08")
    asked(crm, review("upheld"), DIRECTOR)


@pytest.mark.rule("GRD-13")
def test_a_contest_says_what_is_wrong_with_a_grading_there_is(
    crm: CRM, graded: GradingDecided
) -> None:
    refused(crm, evolve(contest(graded.run), reason=""), OWNER, "reason_missing", "GRD-13")
    refused(crm, contest("another"), OWNER, "unknown_grading", "GRD-06")
    nobody = evolve(contest(graded.run), household="V9")
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
    refused(crm, ConfirmGrading("V1", graded.run, DAY), SPECIALIST, "role_insufficient", "LOG-08")
    asked(crm, ConfirmGrading("V1", graded.run, DAY), SUPERVISOR)
    assert stands(crm, graded.run).status == "confirmed"
    # The next grading is provisional again, until a person stands for it too.
    later = crm.grade(2012).run
    assert stands(crm, later).status == "provisional"
    asked(crm, AcceptAutomatic("V1", DAY), OWNER)
    assert asked(crm, AcceptAutomatic("V1", DAY), OWNER).events == ()
    assert stands(crm, later).status == "computed"


@pytest.mark.rule("GRD-03", "GRD-13")
def test_a_provisional_top_layer_still_needs_both(crm: CRM, graded: GradingDecided) -> None:
    owner = Actor("V2#owner", "owner")
    asked(crm, RefuseAutomatic("V2", DAY), owner)
    refused(crm, ConfirmGrading("V2", graded.run, DAY), SUPERVISOR, "role_insufficient", "GRD-03")
    asked(crm, ConfirmGrading("V2", graded.run, DAY), DIRECTOR)
    assert stands(crm, graded.run, "V2").status == "awaiting_confirmation"
    asked(crm, ConfirmGrading("V2", graded.run, DAY), MANAGER)
    assert stands(crm, graded.run, "V2").status == "confirmed"


# --- GRD-07: what each reader is told ---------------------------------------------------------


@pytest.mark.rule("GRD-07")
def test_each_reader_is_told_of_people_what_is_theirs(crm: CRM, graded: GradingDecided) -> None:
    lift(crm, graded.run, proposer=Actor("S7", "specialist"))
    asked(crm, contest(graded.run), OWNER)
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
    asked(crm, ProposeType("V1", graded.run, "lively", DAY, "always there"), SPECIALIST)
    asked(crm, ConfirmType("V1", graded.run, DAY), SUPERVISOR)
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
    asked(crm, contest(graded.run), OWNER)
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
    first = crm.grade(2011)
    second = crm.grade(2012)
    asked(crm, contest(first.run), OWNER)
    asked(crm, review("overridden", layer="main", until=LAST), MANAGER)
    told = [(s.grading.year, s.layer) for s in crm.gradings.history("V1")]
    assert told == [(2011, "main"), (2012, "insufficient")]
    # The day before the override was decided, and before the second year ended.
    then = crm.gradings.history("V1", on=DAY)
    assert [(s.grading.year, s.layer, s.status) for s in then] == [(2011, "ordinary", "contested")]
    for on, run, layer in (
        (date(2011, 12, 30), None, None),
        (date(2011, 12, 31), first.run, "ordinary"),
        (date(2012, 1, 11), first.run, "main"),
        (date(2012, 12, 31), second.run, "insufficient"),
    ):
        lines = [(s.grading.run, s.layer) for s in crm.gradings.directory(on=on)]
        assert lines == ([] if run is None else [(run, layer)])
    early = parse_instant("2012-01-14T09:00:00+08:00")
    assert list(crm.gradings.directory(known=early)) == []


@pytest.mark.rule("GRD-16")
def test_the_gradings_of_a_year_as_they_were_known(crm: CRM) -> None:
    home(crm, "V1", buys=9_000_00)
    first = crm.grade(2011)
    graded_at = crm.clock.now()
    crm.clock = FixedClock(graded_at + timedelta(days=5))
    do(crm, RecordPurchase("V1", "B2", "cleaning", 5_000_00, date(2011, 7, 1)), at=START)
    second = crm.grade(2011)
    asked(crm, contest(second.run), OWNER)
    crm.clock = FixedClock(graded_at + timedelta(days=9))
    assert crm.gradings.grades(2011, known=graded_at).run == first.run
    with pytest.raises(Invalid):
        crm.gradings.grades(2011, known=graded_at - timedelta(seconds=1))
    assert crm.gradings.grades(2011).rows()[0]["status"] == "contested"
    assert crm.gradings.grades(2011, known=graded_at + timedelta(days=4)).run == first.run


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
words = st.none() | st.builds(
    Word, st.sampled_from(["V1#owner", "V2#owner", "s1"]), st.just("phone"), st.just("call-7")
)


def named(event: Any) -> set[str]:
    """Everybody whom an event names."""
    return {getattr(event, f.name) for f in fields(type(event)) if f.name.endswith("_by")}


class ReviewMachine(RuleBasedStateMachine):
    """Contested or refused gradings have no adverse use, and every review is another's."""

    def __init__(self) -> None:
        super().__init__()
        self.crm = open_crm("memory:")
        self.crm.clock = FixedClock(parse_instant("2012-01-15T09:00:00+08:00"))
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
        self.run = ""
        self.grade(2011)

    @rule(year=st.sampled_from([2011, 2012]))
    def grade(self, year: int) -> None:
        found = self.crm.grade(year)
        for grading in found.gradings:
            self.computed.setdefault((grading.household, grading.run), grading)
        self.run = found.run

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
        home=homes, kind=st.sampled_from(["lively", "cautious", "ordinary", "problem"]), by=people
    )
    def propose(self, home: str, kind: str, by: Actor) -> None:
        self.ask(ProposeType(home, self.run, kind, DAY, "seen"), by)

    @rule(home=homes, by=people)
    def confirm_type(self, home: str, by: Actor) -> None:
        self.ask(ConfirmType(home, self.run, DAY), by)

    @rule(home=homes, by=people)
    def confirm(self, home: str, by: Actor) -> None:
        self.ask(ConfirmGrading(home, self.run, DAY), by)

    @rule(home=homes, by=people)
    def propose_to_lift(self, home: str, by: Actor) -> None:
        self.ask(ProposeUplift(home, self.run, "reliable", DAY), by)

    @rule(home=homes, by=people, approved=st.booleans())
    def lift(self, home: str, by: Actor, *, approved: bool) -> None:
        self.ask(DecideUplift(home, self.run, approved, DAY, "" if approved else "no"), by)

    @rule(home=homes, by=people, word=words, refuse=st.booleans())
    def automatic(self, home: str, by: Actor, word: Word | None, *, refuse: bool) -> None:
        self.ask((RefuseAutomatic if refuse else AcceptAutomatic)(home, DAY, word), by)

    @rule(home=homes, number=numbers, by=people, word=words)
    def contest(self, home: str, number: str, by: Actor, word: Word | None) -> None:
        self.ask(ContestGrading(home, self.run, number, "wrong", DAY, word), by)

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
            assert stands(self.crm, run, household).grading == grading

    @invariant()
    def reviews_are_of_others_with_a_reason(self) -> None:
        for household in ("V1", "V2"):
            had_a_part: dict[str, set[str]] = {}
            for recorded in self.crm.history(f"grading/{household}"):
                event = recorded.event
                part = had_a_part.setdefault(getattr(event, "run", ""), set())
                if isinstance(event, ReviewDecided):
                    assert event.decided_by not in part
                    assert event.reason
                    assert event.role in ("supervisor", "manager", "director")
                    assert (event.layer is None) == (event.result != "overridden")
                part |= named(event)

    @invariant()
    def who_acted_is_named_and_nobody_decides_their_own_proposal(self) -> None:
        for household in ("V1", "V2"):
            proposed: dict[str, str] = {}
            for recorded in self.crm.history(f"grading/{household}"):
                event = recorded.event
                if not isinstance(event, GradingDecided):
                    assert recorded.envelope.actor.partition(":")[2] in named(event)
                if isinstance(event, TypeProposed):
                    proposed[event.run] = event.proposed_by
                if isinstance(event, TypeConfirmed):
                    assert event.confirmed_by != proposed[event.run]
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
            confirmed: dict[str, list[GradingConfirmed]] = {}
            for recorded in self.crm.history(f"grading/{household}"):
                if isinstance(recorded.event, GradingConfirmed):
                    confirmed.setdefault(recorded.event.run, []).append(recorded.event)
            for now in self.crm.gradings.history(household):
                assert now.status in STATUSES
                if now.layer == "important" and now.status == "confirmed":
                    acts = confirmed[now.grading.run]
                    assert len({act.confirmed_by for act in acts}) >= 2
                if now.layer == "important" and now.status == "overridden":
                    assert {now.uplift, now.override} != {None}


TestReviewMachine = ReviewMachine.TestCase
TestReviewMachine.settings = settings(max_examples=30, stateful_step_count=25)
pytest.mark.rule("GRD-13", "GRD-03", "GRD-05")(TestReviewMachine)
