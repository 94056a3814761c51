"""Sanctions for who told what they saw: bad record, dismissal, legal action (PRV-07)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
from attrs import field

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.authority import Own
from crm_core.kernel.catalog import EventType
from crm_core.kernel.commands import Id, looked_up
from crm_core.kernel.decider import Decider, Decision, Refusal, by_command, by_event
from crm_core.kernel.recorded import Actor
from crm_core.kernel.refusals import no_reason, unknown
from crm_core.kernel.sealed import Text
from crm_core.kernel.values import define, frozen

STEPS = ("bad_record", "dismissal", "legal_action")
"""The ladder: whoever stands on a step of a case goes up, and never down."""


@frozen
class SanctionProposed:
    """A sanction is proposed for a case.

    Args:
        evidence: Where what happened is on record.
    """

    staff: str
    case: str
    step: str
    reason: Text
    evidence: Text
    proposed_by: str


@frozen
class SanctionDecided:
    """It was taken or rejected, by somebody else than who proposed it."""

    staff: str
    case: str
    step: str
    taken: bool
    reason: Text
    decided_by: str


EVENTS = (
    EventType("staff.sanction_proposed", 1, SanctionProposed),
    EventType("staff.sanction_decided", 1, SanctionDecided),
)


@define
class Sanctions:
    """The sanctions of a member of staff.

    Args:
        proposed: By case what waits for a decision.
        taken: By case the step it stands on.
    """

    # Nobody has many: copying costs nothing.
    proposed: Mapping[str, SanctionProposed] = field(factory=dict)
    taken: Mapping[str, str] = field(factory=dict)


@frozen
class ProposeSanction:
    """Propose a sanction for who told, or looked at, what was not theirs to."""

    staff: str
    case: Id
    step: str
    reason: str
    evidence: str
    by: Actor = looked_up()
    stranger: bool = looked_up()


@frozen
class DecideSanction:
    """Take the proposed sanction, or reject it."""

    staff: str
    case: str
    take: bool
    reason: str
    by: Actor = looked_up()


def _propose(command: ProposeSanction, state: Sanctions) -> Decision:
    if command.step not in STEPS:
        return unknown("step", command.step, STEPS, rule="PRV-07")
    if command.stranger:
        return Refusal("unknown_staff", "PRV-07", {"staff": command.staff})
    if state.proposed.get(command.case) is not None:
        return Refusal("sanction_waits", "PRV-07", {"case": command.case})
    stands = state.taken.get(command.case)
    if stands is not None and STEPS.index(command.step) <= STEPS.index(stands):
        details = {"case": command.case, "stands": stands, "step": command.step}
        return Refusal("sanction_not_above", "PRV-07", details)
    if not command.reason.strip():
        return no_reason("PRV-07")
    if not command.evidence.strip():
        return Refusal("evidence_missing", "PRV-07")
    return (
        SanctionProposed(
            staff=command.staff,
            case=command.case,
            step=command.step,
            reason=command.reason,
            evidence=command.evidence,
            proposed_by=command.by.id,
        ),
    )


def _decide(command: DecideSanction, state: Sanctions) -> Decision:
    proposed = state.proposed.get(command.case)
    if proposed is None:
        return Refusal("no_sanction_proposed", "PRV-07", {"case": command.case})
    if not command.reason.strip():
        return no_reason("PRV-07")
    return (
        SanctionDecided(
            staff=command.staff,
            case=command.case,
            step=proposed.step,
            taken=command.take,
            reason=command.reason,
            decided_by=command.by.id,
        ),
    )


def _own(command: ProposeSanction | DecideSanction, state: Sanctions) -> Own:
    concerned = frozenset({command.staff})
    if isinstance(command, ProposeSanction):
        return Own(others=concerned)
    proposed = state.proposed.get(command.case)
    return Own("" if proposed is None else proposed.proposed_by, concerned)


def _decided(state: Sanctions, e: SanctionDecided) -> Sanctions:
    taken = {**state.taken, e.case: e.step} if e.taken else state.taken
    waiting = {case: one for case, one in state.proposed.items() if case != e.case}
    return attrs.evolve(state, proposed=waiting, taken=taken)


_DECIDE: dict[type, Any] = {ProposeSanction: _propose, DecideSanction: _decide}

SANCTIONS = Aggregate(
    Decider(
        "sanctions",
        Sanctions(),
        by_command(_DECIDE),
        by_event(
            {
                SanctionProposed: lambda state, e: attrs.evolve(
                    state, proposed={**state.proposed, e.case: e}
                ),
                SanctionDecided: _decided,
            }
        ),
    ),
    tuple(_DECIDE),
    lambda command: command.staff,
    lambda _: "",
    needs_file=False,
    own=_own,
)
