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
    ProposeType,
    RecordGrading,
    RefuseAutomatic,
    StartRun,
    UpliftLayer,
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
)
from crm_core.gradings.facts import Facts
from crm_core.gradings.policy import GRADES, INSUFFICIENT, TYPES, GradingPolicy
from crm_core.gradings.review import (
    CONTESTED,
    OVERRIDDEN,
    PROVISIONAL,
    REVIEWERS,
    TOP_LAYER_ROLES,
    about,
    open_proposal,
    open_review,
    persons,
    refuses_automatic,
    standing,
)
from crm_core.gradings.shares import allot, cohort_digest, places_digest
from crm_core.gradings.state import Act, Gradings, Run
from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.decider import Decider, Refusal, dispatch
from crm_core.kernel.recorded import Actor
from crm_core.kernel.rules import holds

Decision = tuple[Any, ...] | Refusal


# --- the grading itself ----------------------------------------------------------------------


def _record(command: RecordGrading, state: Gradings) -> Decision:
    """A grading is written once per run, and only if its own facts and policy give it."""
    grading = command.grading
    if grading.run in state.by_run:
        return ()
    if grading.policy != command.policy.ref:
        return Refusal(
            "policy_not_pinned", "GRD-06", f"the grading pins `{grading.policy}`, not the policy"
        )
    # Checked on the way to the store, and again on the way back (GRD-06).
    if assess(grading.facts, command.policy) != grading.outcome:
        return Refusal(
            "outcome_does_not_follow", "GRD-06", "the outcome does not follow from the facts"
        )
    return (grading,)


# --- type and top layer ----------------------------------------------------------------------


def _propose_type(command: ProposeType, state: Gradings) -> Decision:
    grading, policy = state.by_run.get(command.run), command.policy
    if grading is None or policy is None:
        return _no_grading(command.household, command.run)
    refused = _role(command.by, ("specialist",), "GRD-02")
    if refused is not None:
        return refused
    if command.type not in TYPES:
        return Refusal(
            "unknown_type",
            "GRD-02",
            f"`{command.type}` is not one of {', '.join(TYPES)}",
            {"accepted": list(TYPES)},
        )
    if command.type != grading.outcome.type and not command.reason:
        return Refusal(
            "reason_missing",
            "GRD-02",
            f"another type than the suggested `{grading.outcome.type}` needs a reason",
        )
    # Complaints alone never make a problem customer, whoever says so (GRD-02).
    if command.type == "problem" and not _has_hard_fact(grading.facts, policy):
        return Refusal(
            "hard_fact_missing",
            "GRD-02",
            "a problem customer needs a hard fact: bad credit, a bad record or a disturbance",
        )
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
    grading, policy = state.by_run.get(command.run), command.policy
    if grading is None or policy is None:
        return _no_grading(command.household, command.run)
    refused = _role(command.by, REVIEWERS, "GRD-02")
    if refused is not None:
        return refused
    acts = about(state.acts, command.run)
    if open_review(acts) is not None:
        return _contested()
    proposed = open_proposal(acts)
    if proposed is None:
        return Refusal("nothing_proposed", "GRD-02", "no type is proposed that could be confirmed")
    if proposed.proposed_by == command.by.id:
        return _same_person("GRD-02")
    return (
        TypeConfirmed(
            command.household,
            command.run,
            proposed.type,
            assess(grading.facts, policy, proposed.type),
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
        return _role(command.by, REVIEWERS, "GRD-13") or confirmed
    if now.status not in (AWAITING, PROVISIONAL):
        return Refusal(
            "nothing_to_confirm", "GRD-03", f"the grading is {now.status} and waits for nobody"
        )
    refused = _role(command.by, TOP_LAYER_ROLES, "GRD-03")
    if refused is not None:
        return refused
    if any(said.startswith(f"{command.by.role}:") for said in now.confirmed_by):
        return ()
    if any(said.partition(":")[2] == command.by.id for said in now.confirmed_by):
        return _same_person("GRD-03")
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


def _uplift(command: UpliftLayer, state: Gradings) -> Decision:
    grading = state.by_run.get(command.run)
    table, policy, promises = command.grading_policy, command.policy, command.promises
    if grading is None or table is None or policy is None or promises is None:
        return _no_grading(command.household, command.run)
    refused = _role(command.by, TOP_LAYER_ROLES, "GRD-05")
    if refused is not None:
        return refused
    if not command.reason or not command.proposed_by:
        return Refusal("reason_missing", "GRD-05", "an uplift needs a reason and who proposes it")
    if command.proposed_by == command.by.id:
        return _same_person("GRD-05")
    [*runs] = state.by_run
    if runs[-1] != command.run:
        return Refusal("run_superseded", "GRD-05", "the household has a later grading")
    now = standing(state, command.run)
    if now.status == CONTESTED:
        return _contested()
    if now.uplift is not None:
        return Refusal("uplifted_already", "GRD-05", "an uplift is one layer, and there is one")
    credit = grading.facts.credit
    if GRADES.rank(credit) >= GRADES.rank(policy.never_from):
        return Refusal(
            "credit_too_low",
            "GRD-05",
            f"there is no uplift from credit grade {credit}",
            {"credit": credit, "never_from": policy.never_from},
        )
    if len(promises.kept) < policy.kept_promises or promises.broken:
        return Refusal(
            "promises_missing",
            "GRD-05",
            f"an uplift needs {policy.kept_promises} promises kept and none broken;"
            f" {len(promises.kept)} are kept and {len(promises.broken)} broken",
            {"kept": list(promises.kept), "broken": list(promises.broken)},
        )
    layer = now.outcome.layer
    if layer == INSUFFICIENT or layer == table.layers[0]:
        return Refusal("no_layer_above", "GRD-05", f"there is no layer above `{layer}` to rise to")
    target = table.layers[table.layers.index(layer) - 1]
    if target in table.needs_confirmation and command.by.role != "director":
        return Refusal(
            "role_insufficient",
            "GRD-05",
            f"only a director lifts a household into the layer `{target}`",
        )
    return (
        LayerUplifted(
            command.household,
            command.run,
            layer,
            target,
            promises.kept,
            command.reason,
            command.proposed_by,
            command.by.id,
            command.by.role,
            policy.ref,
            command.on,
        ),
    )


# --- review ----------------------------------------------------------------------------------


def _refuse_automatic(command: RefuseAutomatic, state: Gradings) -> Decision:
    refused = _owner(command)
    if refused is not None:
        return refused
    if refuses_automatic(state.acts):
        return ()
    return (AutomaticRefused(command.household, command.by.id, command.on),)


def _accept_automatic(command: AcceptAutomatic, state: Gradings) -> Decision:
    refused = _owner(command)
    if refused is not None:
        return refused
    if not refuses_automatic(state.acts):
        return ()
    return (AutomaticAccepted(command.household, command.by.id, command.on),)


def _contest(command: ContestGrading, state: Gradings) -> Decision:
    if command.run not in state.by_run:
        return _no_grading(command.household, command.run)
    refused = _owner(command)
    if refused is not None:
        return refused
    if not command.reason:
        return Refusal("reason_missing", "GRD-13", "a dispute says what is wrong")
    known = [act for act in state.acts if isinstance(act, GradingContested)]
    if any(act.review == command.review for act in known):
        return Refusal("review_exists", "GRD-13", f"there is a review `{command.review}` already")
    if open_review(about(state.acts, command.run)) is not None:
        return Refusal("contested_already", "GRD-13", "a review of the grading is open")
    return (
        GradingContested(
            command.household,
            command.run,
            command.review,
            command.reason,
            command.by.id,
            command.on,
        ),
    )


def _decide_review(command: DecideReview, state: Gradings) -> Decision:
    opened = next(
        (
            act
            for act in state.acts
            if isinstance(act, GradingContested) and act.review == command.review
        ),
        None,
    )
    if opened is None:
        return Refusal("unknown_review", "GRD-13", f"there is no review `{command.review}`")
    acts = about(state.acts, opened.run)
    if open_review(acts) != opened:
        return Refusal("review_decided", "GRD-13", f"review `{command.review}` was decided before")
    refused = _role(command.by, REVIEWERS, "GRD-13")
    if refused is not None:
        return refused
    if command.by.id in persons(state.by_run[opened.run], acts):
        return _same_person("GRD-13")
    if not command.reason:
        return Refusal("reason_missing", "GRD-13", "a review is decided with a reason")
    if command.result not in RESULTS:
        return Refusal(
            "unknown_result",
            "GRD-13",
            f"`{command.result}` is not one of {', '.join(RESULTS)}",
            {"accepted": list(RESULTS)},
        )
    return _RESULTS[command.result](command, state, opened)


def _upheld(command: DecideReview, _: Gradings, opened: GradingContested) -> Decision:
    return (_reviewed(command, opened),)


def _corrected(command: DecideReview, state: Gradings, opened: GradingContested) -> Decision:
    again, policy, before = command.again, command.policy, state.by_run[opened.run]
    if again is None or policy is None:
        return _no_grading(command.household, opened.run)
    if (again.facts, again.outcome) == (before.facts, before.outcome):
        return Refusal(
            "nothing_to_correct",
            "GRD-13",
            "the log gives the same grading as before; enter the right facts first, or override",
        )
    written = _record(RecordGrading(again, policy), state)
    if isinstance(written, Refusal):
        return written
    return (_reviewed(command, opened, corrected=again.run), *written)


def _overridden(command: DecideReview, _: Gradings, opened: GradingContested) -> Decision:
    policy = command.policy
    layers = () if policy is None else policy.layers
    if policy is None or command.layer not in layers:
        return Refusal(
            "unknown_layer",
            "GRD-13",
            f"`{command.layer}` is not one of {', '.join(layers)}",
            {"accepted": list(layers)},
        )
    if command.until is None or command.until <= command.on:
        return Refusal("expiry_missing", "GRD-13", "an override ends on a day behind its own")
    refused = _role(command.by, TOP_LAYER_ROLES, "GRD-13")
    if refused is not None:
        return refused
    if command.layer in policy.needs_confirmation and command.by.role != "director":
        return Refusal(
            "role_insufficient",
            "GRD-13",
            f"only a director sets a household into the layer `{command.layer}`",
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
    return Refusal(
        "unknown_grading",
        "GRD-06",
        f"household `{household}` has no grading of run `{run}`",
        {"household": household, "run": run},
    )


def _contested() -> Refusal:
    return Refusal(
        "grading_contested", "GRD-13", "the grading is contested; its review is decided first"
    )


def _role(by: Actor, roles: tuple[str, ...], rule: str) -> Refusal | None:
    if by.role in roles:
        return None
    return Refusal(
        "role_insufficient",
        rule,
        f"this is for {' or '.join(roles)}, not for `{by.role}`",
        {"accepted": list(roles)},
    )


def _owner(command: ContestGrading | RefuseAutomatic | AcceptAutomatic) -> Refusal | None:
    if command.owners and command.by.role == "owner" and command.by.id not in command.owners:
        return Refusal(
            "not_the_owner",
            "GRD-13",
            f"the file of household `{command.household}` names no such owner",
            {"household": command.household},
        )
    return _role(command.by, ("owner",), "GRD-13")


def _same_person(rule: str) -> Refusal:
    return Refusal("same_person", rule, "another person decides than had a part in it before")


# --- what becomes of a household's gradings --------------------------------------------------

_DECIDE: dict[type, Callable[[Any, Gradings], Decision]] = {
    RecordGrading: _record,
    ProposeType: _propose_type,
    ConfirmType: _confirm_type,
    ConfirmGrading: _confirm,
    UpliftLayer: _uplift,
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
        dispatch(
            {
                GradingDecided: _decided,
                TypeProposed: _done,
                TypeConfirmed: _done,
                GradingConfirmed: _done,
                LayerUplifted: _done,
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
)


# --- runs ------------------------------------------------------------------------------------


def decide_run(command: StartRun | CompleteRun | AllotQuota, state: Run) -> Decision:
    """A run is started once and completed once, and its quota is allotted once per policy."""
    if isinstance(command, StartRun):
        return () if state.started is not None else (command.started,)
    if state.started is None:
        return Refusal("run_not_started", "GRD-12", f"run `{command.run}` was not started")
    if isinstance(command, AllotQuota):
        return _allot(command, state)
    if state.gradings is not None:
        return ()
    return (RunCompleted(command.run, command.year, command.gradings),)


def _allot(command: AllotQuota, state: Run) -> Decision:
    cohort = command.cohort.candidates
    if state.gradings != len(cohort):
        return Refusal(
            "cohort_incomplete",
            "GRD-04",
            f"a quota is about all households of a complete run, not about {len(cohort)}",
        )
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
        dispatch({RunStarted: _started, RunCompleted: _completed, QuotaAllotted: _allotted}),
    ),
    (StartRun, CompleteRun, AllotQuota),
    lambda command: command.started.run if isinstance(command, StartRun) else command.run,
    lambda command: "",
    needs_file=False,
)
