"""What was decided about gradings. Names and fields are a storage contract."""

from __future__ import annotations

from datetime import date, datetime

from attrs import frozen

from crm_core.gradings.criteria import Outcome
from crm_core.gradings.facts import Evidence, Facts
from crm_core.kernel.catalog import EventType
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.word import Word


@frozen
class RunStarted:
    """A yearly run began; its cut-off is fixed from here on (GRD-12)."""

    run: str
    year: int
    policy: PolicyRef
    credit_policy: PolicyRef
    cutoff_position: int
    cutoff_known: datetime


@frozen
class GradingHead:
    """Which grading it is and what it was decided by: all of it but what was found."""

    household: str
    run: str
    year: int
    period_start: date
    period_end: date
    policy: PolicyRef
    credit_policy: PolicyRef
    cutoff_position: int
    cutoff_known: datetime
    decided_by: str
    allocations: tuple[PolicyRef, ...]


@frozen
class GradingDecided:
    """One household was graded (GRD-06).

    `assess(facts, policy) == outcome` holds for ever, and so does reading the facts again from
    the log up to the cut-off.

    Args:
        allocations: The allocation policies of the household's money, one after the other, where
            one is another than oldest first (PAY-02).
    """

    household: str
    run: str
    year: int
    period_start: date
    period_end: date
    policy: PolicyRef
    credit_policy: PolicyRef
    cutoff_position: int
    cutoff_known: datetime
    facts: Facts
    evidence: Evidence
    outcome: Outcome
    decided_by: str
    allocations: tuple[PolicyRef, ...]


@frozen
class RunCompleted:
    """Every household known at the cut-off was graded."""

    run: str
    year: int
    gradings: int


@frozen
class TypeProposed:
    """A specialist proposed the customer type of a grading (GRD-02)."""

    household: str
    run: str
    type: str
    reason: str
    proposed_by: str
    on: date


@frozen
class TypeConfirmed:
    """A supervisor confirmed the proposed type; the outcome is what follows with it (GRD-02).

    `assess(facts, policy, type) == outcome` holds for ever; the computed outcome stays beside it.
    """

    household: str
    run: str
    type: str
    outcome: Outcome
    confirmed_by: str
    on: date


@frozen
class GradingConfirmed:
    """A person stands for a grading: one of the two that the top layer needs, or the one that a
    provisional grading needs (GRD-03, GRD-13).
    """

    household: str
    run: str
    confirmed_by: str
    role: str
    on: date


@frozen
class UpliftProposed:
    """Somebody proposed one layer more for proven creditworthiness (GRD-05)."""

    household: str
    run: str
    reason: str
    proposed_by: str
    on: date


@frozen
class LayerUplifted:
    """One layer more for proven creditworthiness, until the next run (GRD-05).

    Args:
        reason: Why, as it was proposed or as who approved it said.
        promises: Log positions of the promises kept: charges paid by their due day, and promises
            to pay.
    """

    household: str
    run: str
    from_layer: str
    layer: str
    promises: tuple[int, ...]
    reason: str
    proposed_by: str
    approved_by: str
    role: str
    policy: PolicyRef
    on: date


@frozen
class UpliftRejected:
    """A proposed uplift was not approved; another can be proposed (GRD-05)."""

    household: str
    run: str
    reason: str
    proposed_by: str
    rejected_by: str
    role: str
    on: date


@frozen
class AutomaticRefused:
    """An owner or user refused decisions made by rule alone (GRD-13; PIPL, art. 24).

    Args:
        refused_by: The member who refused.
        entered_by: Who entered it: the member, or a member of staff.
        word: What the member of staff was told; None where the member acted in person.
    """

    household: str
    refused_by: str
    entered_by: str
    word: Word | None
    on: date


@frozen
class AutomaticAccepted:
    """An owner or user takes decisions made by rule alone again.

    Args:
        accepted_by: The member who accepts.
        entered_by: As for `AutomaticRefused`.
        word: As for `AutomaticRefused`.
    """

    household: str
    accepted_by: str
    entered_by: str
    word: Word | None
    on: date


@frozen
class GradingContested:
    """An owner or user disputes a grading; until it is reviewed it has no adverse use (GRD-13).

    Args:
        contested_by: The member who disputes it.
        entered_by: As for `AutomaticRefused`.
        word: As for `AutomaticRefused`.
    """

    household: str
    run: str
    review: str
    reason: str
    contested_by: str
    entered_by: str
    word: Word | None
    on: date


@frozen
class ReviewDecided:
    """A person who had no part in the grading decided about it (GRD-13).

    Args:
        result: `upheld`, `corrected` or `overridden`.
        corrected: Run of the grading that stands in its place, if it was corrected.
        layer: Layer that holds instead, if it was overridden.
        until: Last day on which it does.
    """

    household: str
    run: str
    review: str
    result: str
    reason: str
    decided_by: str
    role: str
    corrected: str | None
    layer: str | None
    until: date | None
    on: date


@frozen
class QuotaAllotted:
    """A cohort was allotted to layers of the expected sizes, beside its gradings (GRD-04).

    Args:
        cohort_digest: Digest of every household of the cohort and all that its place depends on.
        households: How many were allotted.
        places_digest: Digest of the places.
    """

    run: str
    policy: PolicyRef
    cohort_digest: str
    households: int
    places_digest: str
    on: date


@frozen
class PolicyDrafted:
    """A version of a grading or authority policy was drafted; its text never changes (GRD-11)."""

    policy: PolicyRef
    toml: str
    reason: str
    drafted_by: str
    on: date


@frozen
class PolicyAssessed:
    """The impact of a draft was assessed (PIPL, art. 55).

    Args:
        assessment: Reference of the assessment.
        runs: Recorded runs it was tried over; none of an authority policy.
        compared: Gradings compared.
        moved: Households that would be in another layer.
        worse: Those of them that would be in a worse one.
    """

    policy: PolicyRef
    assessment: str
    runs: tuple[str, ...]
    compared: int
    moved: int
    worse: int
    assessed_by: str
    on: date


@frozen
class PolicyApproved:
    """A director approved an assessed policy."""

    policy: PolicyRef
    approved_by: str
    on: date


@frozen
class PolicyMadeEffective:
    """A policy can be used from this day on: to grade years that end then, or to say who may."""

    policy: PolicyRef
    effective_from: date
    on: date


@frozen
class PolicySuperseded:
    """Another version takes the place of a policy after its last day."""

    policy: PolicyRef
    superseded_by: PolicyRef
    last_day: date


@frozen
class PolicyListed:
    """A policy of that name and kind was put up for adoption; its kind finds it by this."""

    kind: str
    name: str


EVENTS = (
    EventType("gradings.run_started", 1, RunStarted),
    EventType("gradings.decided", 1, GradingDecided, effective="period_end"),
    EventType("gradings.run_completed", 1, RunCompleted),
    EventType("gradings.type_proposed", 1, TypeProposed, effective="on"),
    EventType("gradings.type_confirmed", 1, TypeConfirmed, effective="on"),
    EventType("gradings.confirmed", 1, GradingConfirmed, effective="on"),
    EventType("gradings.uplift_proposed", 1, UpliftProposed, effective="on"),
    EventType("gradings.layer_uplifted", 1, LayerUplifted, effective="on"),
    EventType("gradings.uplift_rejected", 1, UpliftRejected, effective="on"),
    EventType("gradings.automatic_refused", 1, AutomaticRefused, effective="on"),
    EventType("gradings.automatic_accepted", 1, AutomaticAccepted, effective="on"),
    EventType("gradings.contested", 1, GradingContested, effective="on"),
    EventType("gradings.review_decided", 1, ReviewDecided, effective="on"),
    EventType("gradings.quota_allotted", 1, QuotaAllotted, effective="on"),
    EventType("gradings.policy_drafted", 1, PolicyDrafted, effective="on"),
    EventType("gradings.policy_assessed", 1, PolicyAssessed, effective="on"),
    EventType("gradings.policy_approved", 1, PolicyApproved, effective="on"),
    EventType("gradings.policy_made_effective", 1, PolicyMadeEffective, effective="on"),
    EventType("gradings.policy_superseded", 1, PolicySuperseded),
    EventType("gradings.policy_listed", 1, PolicyListed),
)

DECIDED = "gradings.decided/1"
COMPLETED = "gradings.run_completed/1"
ABOUT_HOUSEHOLDS = frozenset(kind.stored for kind in EVENTS[1:2] + EVENTS[3:13])
"""Stored names that readers of the log ask for; the last are those of `grading/HOUSEHOLD`."""
