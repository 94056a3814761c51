"""Replay: a past grading decided again from the log (GRD-08), and decisions that late facts would
change (GRD-09).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from attrs import asdict

from crm_core.errors import PolicyDigestMismatch, UnknownPolicy, UnreadableEvent
from crm_core.gradings.criteria import assess
from crm_core.gradings.events import GradingDecided, GradingHead
from crm_core.gradings.facts import gather
from crm_core.gradings.policy import GradingPolicy
from crm_core.gradings.reading import Reading
from crm_core.kernel.canonical import digest_of
from crm_core.kernel.dates import Period, instant_text
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.recorded import Cutoff, KnownEvent, Verbatim
from crm_core.kernel.values import frozen
from crm_core.owners.facts import HouseholdRegistered, HouseholdVoided
from crm_core.payments.facts import Allocations, CreditPolicy, Epochs, others
from crm_core.ports import EventLog

Policies = Callable[[PolicyRef, PolicyRef, PolicyRef], tuple[GradingPolicy, CreditPolicy, Reading]]
"""Finds what a decision pins: grading policy, credit policy and reading, in this order; raises
UnknownPolicy or PolicyDigestMismatch.
"""


FindAllocations = Callable[[tuple[PolicyRef, ...]], Allocations]
"""Finds the allocation policies a decision pins; raises UnknownPolicy or PolicyDigestMismatch."""


def none_at_hand(refs: tuple[PolicyRef, ...]) -> Allocations:
    """For who has no allocation policy at hand: none is found."""
    raise UnknownPolicy.one("policy_unknown", policy=str(refs[0]))


_FILES = (HouseholdRegistered, HouseholdVoided)


def estate_of(told: Iterable[KnownEvent], cutoff: Cutoff) -> str | None:
    """The estate that a household is in; None if its file was not known at the cut-off."""
    files = ((type(e), e) for p, at, e in told if type(e) in _FILES and cutoff.saw(p, at))
    estate: str | None = None
    for kind, event in files:
        if kind is HouseholdVoided:
            estate = None
        elif estate is None:
            estate = event.estate
    return estate


def epochs_seen(
    allocations: Allocations, estate: str, told: Iterable[KnownEvent], cutoff: Cutoff
) -> Epochs:
    """By which policies the money of an account is allocated, as known at the cut-off."""
    return allocations.of(estate, (event for p, at, event in told if cutoff.saw(p, at)))


@frozen
class Difference:
    """A grading that replay could not repeat, and the first input that differs."""

    household: str
    year: int
    run: str
    first_difference: str


@frozen
class Replay:
    """Result of deciding recorded gradings again.

    Args:
        verified: Whether all of it was read from the log, or compared with the log's digests; False
            where rows were taken as they are kept beside the log.
    """

    gradings: int
    identical: int
    differing: tuple[Difference, ...]
    events: int
    engine: str = "events"
    verified: bool = True


@frozen
class Affected:
    """A decision that facts recorded after it would change; nothing is changed silently.

    Args:
        because: Where the log tells of these facts.
        merged_into: The household whose facts its own are counted with now, where its file was
            merged into another one (OWN-09).
    """

    household: str
    year: int
    run: str
    layer: str
    layer_now: str
    type: str
    type_now: str
    credit: str
    credit_now: str
    because: tuple[int, ...]
    merged_into: str = ""


def decide_again(
    grading: GradingDecided | GradingHead,
    told: Iterable[KnownEvent],
    policies: Policies,
    zone: str,
    cutoff: Cutoff | None = None,
    allocations: FindAllocations = none_at_hand,
) -> GradingDecided:
    """The grading as the log gives it, at its own cut-off or at another one."""
    policy, credit, reading = policies(grading.policy, grading.credit_policy, grading.reading)
    window = Period(grading.period_start, grading.period_end)
    seen = cutoff or Cutoff(grading.cutoff_position, grading.cutoff_known)
    by: Epochs = ()
    if grading.allocations:
        told = list(told)
        estate = estate_of(told, seen)
        by = epochs_seen(allocations(grading.allocations), estate or "", told, seen)
    facts, evidence, tenure = gather(told, window, seen, credit, zone, reading, by)
    return GradingDecided(
        household=grading.household,
        tenure=tenure,
        run=grading.run,
        year=grading.year,
        policy=policy.ref,
        credit_policy=credit.ref,
        reading=reading.ref,
        cutoff_position=grading.cutoff_position,
        cutoff_known=grading.cutoff_known,
        facts=facts,
        evidence=evidence,
        outcome=assess(facts, policy).outcome(),
        decided_by=grading.decided_by,
        allocations=others(by),
        disclosable=grading.disclosable,
    )


def check(
    kept: Verbatim,
    told: Iterable[KnownEvent],
    policies: Policies,
    zone: str,
    canonical: Callable[[Any], bytes],
    whole: Callable[[], GradingDecided],
    allocations: FindAllocations = none_at_hand,
) -> Difference | None:
    """None if the log gives the same bytes again; else what differs first.

    Args:
        kept: The grading as it is stored, with its `GradingHead`.
        whole: Reads all of it, which is needed only where the bytes differ.
    """
    head = kept.head
    try:
        again = decide_again(head, told, policies, zone, allocations=allocations)
    except (UnknownPolicy, PolicyDigestMismatch) as error:
        return _differs(head, f"policy: {error.message}")
    found = canonical(again)
    if found == kept.stored:
        return None
    grading = whole()
    if found == canonical(grading):
        return None
    return _differs(head, first_difference(grading, again))


def first_difference(recorded: GradingDecided, again: GradingDecided) -> str:
    """The first value that differs: inputs before what follows from them."""
    if recorded.tenure != again.tenure:
        return f"tenure: recorded `{recorded.tenure}`, again `{again.tenure}`"
    for part in ("policy", "credit_policy", "reading", "facts", "evidence", "outcome"):
        before, after = asdict(getattr(recorded, part)), asdict(getattr(again, part))
        for name in before:
            if before[name] != after[name]:
                return f"{part}.{name}: recorded `{before[name]}`, again `{after[name]}`"
    if recorded.allocations != again.allocations:
        then, now = _named(recorded.allocations), _named(again.allocations)
        return f"allocations: recorded `{then}`, again `{now}`"
    return "the stored bytes"


def _named(refs: tuple[PolicyRef, ...]) -> str:
    return ", ".join(map(str, refs))


def affected(
    grading: GradingDecided,
    told: Sequence[KnownEvent],
    policies: Policies,
    zone: str,
    now: Cutoff,
    allocations: FindAllocations = none_at_hand,
) -> Affected | None:
    """How facts that came to be known since would change the decision, if they would."""
    again = decide_again(grading, told, policies, zone, now, allocations)
    if again.outcome == grading.outcome and again.facts.credit == grading.facts.credit:
        return None
    then = Cutoff(grading.cutoff_position, grading.cutoff_known)
    because = {
        position
        for name in asdict(again.evidence)
        for position in set(getattr(again.evidence, name)) ^ set(getattr(grading.evidence, name))
    }
    late = {p for p, at, _ in told if now.saw(p, at) and not then.saw(p, at)}
    return Affected(
        household=grading.household,
        year=grading.year,
        run=grading.run,
        layer=grading.outcome.layer,
        layer_now=again.outcome.layer,
        type=grading.outcome.type,
        type_now=again.outcome.type,
        credit=grading.facts.credit,
        credit_now=again.facts.credit,
        because=tuple(sorted(because & late)) or tuple(sorted(late)),
    )


def check_intact(log: EventLog) -> None:
    """Refuse a log whose texts are not what their digests say.

    Raises:
        UnreadableEvent: it is not intact.
    """
    fault = log.verify().first_fault
    if fault is not None:
        raise UnreadableEvent(fault.position, fault.stream, fault.kind)


def run_id(
    year: int,
    policy: PolicyRef,
    credit: PolicyRef,
    reading: PolicyRef,
    cutoff: Cutoff,
    *,
    trial: bool = False,
) -> str:
    """The same year, policies, reading and cut-off are the same run (GRD-12).

    One that was asked for as a trial is another, so that it never stands in the way of one that is
    not (GRD-17).
    """
    pins = [policy.digest, credit.digest, reading.digest]
    key = [year, *pins, cutoff.position, instant_text(cutoff.known), *["trial"] * trial]
    return f"{year}-{digest_of(key)[:16]}"


def _differs(grading: GradingHead, difference: str) -> Difference:
    return Difference(grading.household, grading.year, grading.run, difference)
