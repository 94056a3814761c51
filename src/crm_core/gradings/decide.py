"""Decisions about gradings and runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from crm_core.gradings.commands import (
    RESULTS,
    AcceptAutomatic,
    AllotQuota,
    CompleteRun,
    ConfirmGrading,
    ConfirmType,
    ContestGrading,
    DecideReview,
    DecideUplift,
    ProposeType,
    ProposeUplift,
    RecordGrading,
    RefuseAutomatic,
    StartRun,
)
from crm_core.gradings.criteria import AWAITING, assess
from crm_core.gradings.events import (
    AutomaticAccepted,
    AutomaticRefused,
    GradingConfirmed,
    GradingContested,
    GradingDecided,
    LayerUplifted,
    QuotaAllotted,
    ReviewDecided,
    RunCompleted,
    RunStarted,
    TypeConfirmed,
    TypeProposed,
    UpliftProposed,
    UpliftRejected,
)
from crm_core.gradings.facts import Facts
from crm_core.gradings.policy import GRADES, INSUFFICIENT, TYPES, GradingPolicy
from crm_core.gradings.review import (
    CONTESTED,
    OVERRIDDEN,
    PROVISIONAL,
    TOP_LAYER_ROLES,
    about,
    last_run,
    open_proposal,
    open_review,
    open_uplift,
    persons,
    refuses_automatic,
    standing,
)
from crm_core.gradings.state import Act, Gradings, Run
from crm_core.gradings.studies.shares import allot, cohort_digest, places_digest
from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.authority import Own
from crm_core.kernel.decider import Decider, Refusal, by_event
from crm_core.kernel.recorded import HOUSEHOLD_ROLES, Actor
from crm_core.kernel.rules import holds

Decision = tuple[Any, ...] | Refusal


CONTESTING = frozenset({"owner", "co_owner", "tenant", "user"})
"""Whoever holds or held one of these roles in the file may dispute its gradings (GRD-13)."""


# --- the grading itself ----------------------------------------------------------------------


def _record(command: RecordGrading, state: Gradings) -> Decision:
    """A grading is written once per run, and only if its own facts and policy give it."""
    grading = command.grading
    if grading.run in state.by_run:
        return ()
    if grading.policy != command.policy.ref:
        return Refusal("policy_not_pinned", "GRD-06", {"policy": str(grading.policy)})
    # Checked on the way to the store, and again on the way back (GRD-06).
    if assess(grading.facts, command.policy) != grading.outcome:
        return Refusal("outcome_does_not_follow", "GRD-06")
    return (grading,)


# --- type and top layer ----------------------------------------------------------------------


def _propose_type(command: ProposeType, state: Gradings) -> Decision:
    grading = state.by_run.get(command.run)
    if grading is None:
        return _no_grading(command.household, command.run)
    if command.type not in TYPES:
        return Refusal("unknown_type", "GRD-02", {"type": command.type, "accepted": list(TYPES)})
    suggested = grading.outcome.type
    if command.type != suggested and not command.reason:
        return Refusal("reason_missing", "GRD-02", {"suggested": suggested}, "reason_missing_type")
    # Complaints alone never make a problem customer, whoever says so (GRD-02).
    if command.type == "problem" and not _has_hard_fact(grading.facts, command.policy):
        return Refusal("hard_fact_missing", "GRD-02")
    return (
        TypeProposed(
            command.household,
            command.run,
            command.type,
            command.reason,
            command.by.id,
            command.on,
        ),
    )


def _confirm_type(command: ConfirmType, state: Gradings) -> Decision:
    grading = state.by_run.get(command.run)
    if grading is None:
        return _no_grading(command.household, command.run)
    acts = about(state.acts, command.run)
    if open_review(acts) is not None:
        return _contested()
    proposed = open_proposal(acts)
    if proposed is None:
        return Refusal("nothing_proposed", "GRD-02", {}, "nothing_proposed_type")
    return (
        TypeConfirmed(
            command.household,
            command.run,
            proposed.type,
            assess(grading.facts, command.policy, proposed.type),
            command.by.id,
            command.on,
        ),
    )


def _confirm(command: ConfirmGrading, state: Gradings) -> Decision:
    if command.run not in state.by_run:
        return _no_grading(command.household, command.run)
    now = standing(state, command.run)
    if now.status == CONTESTED:
        return _contested()
    confirmed = (
        GradingConfirmed(
            command.household, command.run, command.by.id, command.by.role, command.on
        ),
    )
    if now.status == PROVISIONAL and now.outcome.status != AWAITING:
        return confirmed
    if now.status not in (AWAITING, PROVISIONAL):
        return Refusal("nothing_to_confirm", "GRD-03", {"status": now.status})
    if command.by.role not in TOP_LAYER_ROLES:
        return _role(command.by, TOP_LAYER_ROLES, "GRD-03", "role_insufficient_top_layer")
    if any(said.startswith(f"{command.by.role}:") for said in now.confirmed_by):
        return ()
    # INVARIANT (GRD-03): who has confirmed in one role does not in the other.
    if any(said.partition(":")[2] == command.by.id for said in now.confirmed_by):
        return Refusal("same_person", "GRD-03")
    return confirmed


def _has_hard_fact(facts: Facts, policy: GradingPolicy) -> bool:
    """Whether the facts of some row for problem customers hold, whatever the attention is."""
    known = facts.values()
    table = next(table for table in policy.tables if table.name == "type")
    return any(
        row.outcome == "problem"
        and all(holds(c, known, table.ranking) for c in row.when if c.fact in known)
        for row in table.rows
    )


# --- uplift ----------------------------------------------------------------------------------


def _propose_uplift(command: ProposeUplift, state: Gradings) -> Decision:
    if command.run not in state.by_run:
        return _no_grading(command.household, command.run)
    if not command.reason:
        return Refusal("reason_missing", "GRD-05", {}, "reason_missing_uplift")
    if open_uplift(state, command.run) is not None:
        return Refusal("uplift_proposed_already", "GRD-05")
    lifted = _lifted(command, state)
    if isinstance(lifted, Refusal):
        return lifted
    return (
        UpliftProposed(command.household, command.run, command.reason, command.by.id, command.on),
    )


def _decide_uplift(command: DecideUplift, state: Gradings) -> Decision:
    if command.run not in state.by_run:
        return _no_grading(command.household, command.run)
    proposed = open_uplift(state, command.run)
    if proposed is None:
        return Refusal("nothing_proposed", "GRD-05", {}, "nothing_proposed_uplift")
    if not command.approved:
        return _reject_uplift(command, proposed)
    lifted = _lifted(command, state)
    if isinstance(lifted, Refusal):
        return lifted
    layer, target = lifted
    if target in command.grading_policy.needs_confirmation and command.by.role != "director":
        return _role(command.by, ("director",), "GRD-05", "role_insufficient_uplift", layer=target)
    return (
        LayerUplifted(
            command.household,
            command.run,
            layer,
            target,
            command.promises.kept,
            command.reason or proposed.reason,
            proposed.proposed_by,
            command.by.id,
            command.by.role,
            command.policy.ref,
            command.on,
        ),
    )


def _reject_uplift(command: DecideUplift, proposed: UpliftProposed) -> Decision:
    if not command.reason:
        return Refusal("reason_missing", "GRD-05", {}, "reason_missing_rejection")
    return (
        UpliftRejected(
            command.household,
            command.run,
            command.reason,
            proposed.proposed_by,
            command.by.id,
            command.by.role,
            command.on,
        ),
    )


def _lifted(command: ProposeUplift | DecideUplift, state: Gradings) -> tuple[str, str] | Refusal:
    """The layer that the household has and the one it would rise to, or why it cannot."""
    if last_run(state) != command.run:
        return Refusal("run_superseded", "GRD-05")
    now = standing(state, command.run)
    if now.status == CONTESTED:
        return _contested()
    if now.uplift is not None:
        return Refusal("uplifted_already", "GRD-05")
    credit, never_from = now.grading.facts.credit, command.policy.never_from
    if GRADES.rank(credit) >= GRADES.rank(never_from):
        return Refusal("credit_too_low", "GRD-05", {"credit": credit, "never_from": never_from})
    kept, broken = command.promises.kept, command.promises.broken
    if len(kept) < command.policy.kept_promises or broken:
        return Refusal(
            "promises_missing",
            "GRD-05",
            {
                "needed": command.policy.kept_promises,
                "kept": list(kept),
                "kept_count": len(kept),
                "broken": list(broken),
                "broken_count": len(broken),
            },
        )
    layer, layers = now.outcome.layer, command.grading_policy.layers
    if layer in (INSUFFICIENT, layers[0]):
        return Refusal("no_layer_above", "GRD-05", {"layer": layer})
    return layer, layers[layers.index(layer) - 1]


# --- review ----------------------------------------------------------------------------------


def _refuse_automatic(command: RefuseAutomatic, state: Gradings) -> Decision:
    member = _member(command)
    if isinstance(member, Refusal):
        return member
    if refuses_automatic(state.acts):
        return ()
    return (AutomaticRefused(command.household, member, command.by.id, command.word, command.on),)


def _accept_automatic(command: AcceptAutomatic, state: Gradings) -> Decision:
    member = _member(command)
    if isinstance(member, Refusal):
        return member
    if not refuses_automatic(state.acts):
        return ()
    return (AutomaticAccepted(command.household, member, command.by.id, command.word, command.on),)


def _contest(command: ContestGrading, state: Gradings) -> Decision:
    if command.run not in state.by_run:
        return _no_grading(command.household, command.run)
    member = _member(command)
    if isinstance(member, Refusal):
        return member
    if not command.reason:
        return Refusal("reason_missing", "GRD-13", {}, "reason_missing_contest")
    if _contested_as(state, command.review) is not None:
        return Refusal("review_exists", "GRD-13", {"review": command.review})
    if open_review(about(state.acts, command.run)) is not None:
        return Refusal("contested_already", "GRD-13")
    return (
        GradingContested(
            command.household,
            command.run,
            command.review,
            command.reason,
            member,
            command.by.id,
            command.word,
            command.on,
        ),
    )


def _member(command: ContestGrading | RefuseAutomatic | AcceptAutomatic) -> str | Refusal:
    """The member whose wish it is: who acts, or whose word a member of staff has entered.

    It is one whom the file names as owner, co-owner or user, now or before: their years were
    graded. A file that names nobody lets nobody.
    """
    in_person = command.by.role in HOUSEHOLD_ROLES
    if command.word is None:
        if not in_person:
            return Refusal("word_missing", "GRD-13")
        member = command.by.id
    elif in_person:
        return Refusal("word_of_another", "GRD-13")
    else:
        member = command.word.member
    held = (command.members or {}).get(member, frozenset())
    if held.isdisjoint(CONTESTING):
        return Refusal("not_the_owner", "GRD-13", {"household": command.household})
    return member


def _contested_as(state: Gradings, review: str) -> GradingContested | None:
    """How the review of that number was opened, if there is one."""
    opened = (act for act in state.acts if isinstance(act, GradingContested))
    return next((act for act in opened if act.review == review), None)


def _decide_review(command: DecideReview, state: Gradings) -> Decision:
    opened = _contested_as(state, command.review)
    if opened is None:
        return Refusal("unknown_review", "GRD-13", {"review": command.review})
    if open_review(about(state.acts, opened.run)) != opened:
        return Refusal("review_decided", "GRD-13", {"review": command.review})
    if not command.reason:
        return Refusal("reason_missing", "GRD-13", {}, "reason_missing_review")
    if command.result not in RESULTS:
        return Refusal(
            "unknown_result", "GRD-13", {"result": command.result, "accepted": list(RESULTS)}
        )
    return _RESULTS[command.result](command, state, opened)


def _upheld(command: DecideReview, _: Gradings, opened: GradingContested) -> Decision:
    return (_reviewed(command, opened),)


def _corrected(command: DecideReview, state: Gradings, opened: GradingContested) -> Decision:
    again, before = command.again, state.by_run[opened.run]
    if (again.facts, again.outcome) == (before.facts, before.outcome):
        return Refusal("nothing_to_correct", "GRD-13")
    written = _record(RecordGrading(again, policy=command.policy), state)
    if isinstance(written, Refusal):
        return written
    return (_reviewed(command, opened, corrected=again.run), *written)


def _overridden(command: DecideReview, _: Gradings, opened: GradingContested) -> Decision:
    layers = command.policy.layers
    if command.layer is None or command.layer not in layers:
        return Refusal(
            "unknown_layer", "GRD-13", {"layer": command.layer or "", "accepted": list(layers)}
        )
    if command.until is None or command.until <= command.on:
        return Refusal("expiry_missing", "GRD-13")
    if command.by.role not in TOP_LAYER_ROLES:
        return _role(command.by, TOP_LAYER_ROLES, "GRD-13", "role_insufficient_override")
    if command.layer in command.policy.needs_confirmation and command.by.role != "director":
        return _role(
            command.by, ("director",), "GRD-13", "role_insufficient_director", layer=command.layer
        )
    return (_reviewed(command, opened, layer=command.layer),)


def _reviewed(
    command: DecideReview,
    opened: GradingContested,
    *,
    corrected: str | None = None,
    layer: str | None = None,
) -> ReviewDecided:
    return ReviewDecided(
        command.household,
        opened.run,
        command.review,
        command.result,
        command.reason,
        command.by.id,
        command.by.role,
        corrected,
        layer,
        None if layer is None else command.until,
        command.on,
    )


_RESULTS: dict[str, Callable[[DecideReview, Gradings, GradingContested], Decision]] = {
    "upheld": _upheld,
    "corrected": _corrected,
    OVERRIDDEN: _overridden,
}


# --- refusals that several share -------------------------------------------------------------


def _no_grading(household: str, run: str) -> Refusal:
    return Refusal("unknown_grading", "GRD-06", {"household": household, "run": run})


def _contested() -> Refusal:
    return Refusal("grading_contested", "GRD-13")


def _role(by: Actor, roles: tuple[str, ...], rule: str, sentence: str, **more: str) -> Refusal:
    """What it takes depends on the grading: who may at all, the authority policy says."""
    details = {"role": by.role, "accepted": list(roles), **more}
    return Refusal("role_insufficient", rule, details, sentence)


# --- whose own matter it is (LOG-08) ---------------------------------------------------------


def own(command: Any, state: Gradings) -> Own | None:
    """Who cannot decide it: who proposed it, or had a part in the grading under review."""
    if isinstance(command, ConfirmType):
        proposed = open_proposal(about(state.acts, command.run))
        return None if proposed is None else Own(proposed.proposed_by)
    if isinstance(command, DecideUplift):
        lifting = None if command.run not in state.by_run else open_uplift(state, command.run)
        return None if lifting is None else Own(lifting.proposed_by)
    if isinstance(command, DecideReview):
        opened = _contested_as(state, command.review)
        if opened is None:
            return None
        acts = about(state.acts, opened.run)
        if open_review(acts) != opened:
            return None
        return Own(others=frozenset(persons(state.by_run[opened.run], acts)))
    return None


# --- what becomes of a household's gradings --------------------------------------------------

_DECIDE: dict[type, Callable[[Any, Gradings], Decision]] = {
    RecordGrading: _record,
    ProposeType: _propose_type,
    ConfirmType: _confirm_type,
    ConfirmGrading: _confirm,
    ProposeUplift: _propose_uplift,
    DecideUplift: _decide_uplift,
    RefuseAutomatic: _refuse_automatic,
    AcceptAutomatic: _accept_automatic,
    ContestGrading: _contest,
    DecideReview: _decide_review,
}


def decide_grading(command: Any, state: Gradings) -> Decision:
    """What follows from a command about a household's gradings."""
    return _DECIDE[type(command)](command, state)


def _decided(state: Gradings, e: GradingDecided) -> Gradings:
    return Gradings(state.by_run.add(e.run, e), state.acts)


def _done(state: Gradings, e: Act) -> Gradings:
    return Gradings(state.by_run, state.acts.append(e))


def _household(command: Any) -> str:
    grading = command.grading if isinstance(command, RecordGrading) else command
    return str(grading.household)


GRADING = Aggregate(
    Decider(
        "grading",
        Gradings(),
        decide_grading,
        by_event(
            {
                GradingDecided: _decided,
                TypeProposed: _done,
                TypeConfirmed: _done,
                GradingConfirmed: _done,
                UpliftProposed: _done,
                LayerUplifted: _done,
                UpliftRejected: _done,
                AutomaticRefused: _done,
                AutomaticAccepted: _done,
                GradingContested: _done,
                ReviewDecided: _done,
            }
        ),
    ),
    tuple(_DECIDE),
    _household,
    _household,
    own=own,
    inside=frozenset({RecordGrading}),
)


# --- runs ------------------------------------------------------------------------------------


def decide_run(command: StartRun | CompleteRun | AllotQuota, state: Run) -> Decision:
    """A run is started once and completed once, and its quota is allotted once per policy."""
    if isinstance(command, StartRun):
        return () if state.started is not None else (command.started,)
    if state.started is None:
        return Refusal("run_not_started", "GRD-12", {"run": command.run})
    if isinstance(command, AllotQuota):
        return _allot(command, state)
    if state.gradings is not None:
        return ()
    return (RunCompleted(command.run, command.year, command.gradings),)


def _allot(command: AllotQuota, state: Run) -> Decision:
    cohort = command.cohort.candidates
    if state.gradings != len(cohort):
        return Refusal("cohort_incomplete", "GRD-04", {"households": len(cohort)})
    if any(quota.policy == command.policy.ref for quota in state.quotas):
        return ()
    places = allot(cohort, command.policy)
    return (
        QuotaAllotted(
            command.run,
            command.policy.ref,
            cohort_digest(cohort),
            len(places),
            places_digest(places),
            command.on,
        ),
    )


def _started(state: Run, e: RunStarted) -> Run:
    return Run(e, state.gradings, state.quotas)


def _completed(state: Run, e: RunCompleted) -> Run:
    return Run(state.started, e.gradings, state.quotas)


def _allotted(state: Run, e: QuotaAllotted) -> Run:
    return Run(state.started, state.gradings, state.quotas.append(e))


RUN = Aggregate(
    Decider(
        "grading-run",
        Run(),
        decide_run,
        by_event({RunStarted: _started, RunCompleted: _completed, QuotaAllotted: _allotted}),
    ),
    (StartRun, CompleteRun, AllotQuota),
    lambda command: command.started.run if isinstance(command, StartRun) else command.run,
    lambda command: "",
    needs_file=False,
    inside=frozenset({StartRun, CompleteRun, AllotQuota}),
)
