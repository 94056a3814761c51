"""Decisions about the opinions of a household."""

from __future__ import annotations

from typing import Any

import attrs

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.authority import Own
from crm_core.kernel.decider import Decider, Decision, Refusal, by_command, by_event
from crm_core.kernel.refusals import no_reason, unknown
from crm_core.opinions.commands import SOURCES, RecordOpinion, WithdrawOpinion
from crm_core.opinions.events import OpinionRecorded, OpinionWithdrawn
from crm_core.opinions.state import Opinions

# --- what follows from a command -------------------------------------------------------------


def _record(command: RecordOpinion, state: Opinions) -> Decision:
    recorded = OpinionRecorded(
        opinion=command.opinion,
        household=command.household,
        source=command.source,
        member=command.member,
        on=command.on,
        about=command.about,
        reference=command.reference,
        recorded_by=command.by.id,
    )
    if command.opinion in state.withdrawn:
        return Refusal("opinion_withdrawn", "GRD-01", {"opinion": command.opinion})
    first = state.recorded.get(command.opinion)
    if first is not None:
        # Told again, be it by another: whatever became of the member since, nothing is new.
        if attrs.evolve(recorded, recorded_by=first.recorded_by) == first:
            return ()
        return Refusal("opinion_exists", "GRD-01", {"opinion": command.opinion})
    if command.source not in SOURCES:
        return unknown("source", command.source, SOURCES, rule="GRD-01")
    if not command.reference.strip():
        return Refusal("evidence_missing", "GRD-01", sentence="evidence_missing_opinion")
    refused = _whose(command) or _known_otherwise(command, state)
    return (recorded,) if refused is None else refused


def _whose(command: RecordOpinion) -> Refusal | None:
    """Why it is no opinion of the household's, if so."""
    details = {"member": command.member, "household": command.household}
    if command.on_staff:
        return Refusal("word_of_staff", "LOG-08", {"member": command.member})
    if command.stranger:
        return Refusal("not_a_member", "LOG-08", details)
    if command.left:
        # Or the opinion of a seller would count for the buyer (PAY-16).
        details["on"] = command.on.isoformat()
        return Refusal("not_a_member", "LOG-08", details, "not_a_member_then")
    if command.about_unknown:
        details = {"request": command.about or "", "household": command.household}
        return Refusal("unknown_request", "GRD-01", details)
    return None


def _known_otherwise(command: RecordOpinion, state: Opinions) -> Refusal | None:
    """Why it would count twice, if so: a thread, survey or meeting is one matter to a member."""
    said = (command.source, command.reference, command.member)
    for other in state.standing():
        if (other.source, other.reference, other.member) == said:
            return Refusal("opinion_recorded_already", "GRD-02", {"opinion": other.opinion})
    return None


def _withdraw(command: WithdrawOpinion, state: Opinions) -> Decision:
    recorded = state.recorded.get(command.opinion)
    if recorded is None:
        return Refusal("unknown_opinion", "GRD-01", {"opinion": command.opinion})
    withdrawn = OpinionWithdrawn(
        opinion=command.opinion,
        household=command.household,
        on=command.on,
        reason=command.reason,
        withdrawn_by=command.by.id,
    )
    first = state.withdrawn.get(command.opinion)
    if first is not None:
        if attrs.evolve(withdrawn, withdrawn_by=first.withdrawn_by) == first:
            return ()
        return Refusal("opinion_withdrawn", "GRD-01", {"opinion": command.opinion})
    if not command.reason.strip():
        return no_reason("LOG-06")
    if command.on < recorded.on:
        details = {"from": recorded.on.isoformat()}
        return Refusal("too_early", "GRD-01", details, "too_early_opinion")
    return (withdrawn,)


def _own(command: Any, state: Opinions) -> Own | None:
    """Nobody records an opinion of their own, or makes one of theirs go away."""
    if isinstance(command, RecordOpinion):
        return Own(others=frozenset({command.member}))
    recorded = state.recorded.get(command.opinion)
    return None if recorded is None else Own(others=frozenset({recorded.member}))


_DECIDE: dict[type, Any] = {RecordOpinion: _record, WithdrawOpinion: _withdraw}


# --- what follows from an event --------------------------------------------------------------


def _recorded(state: Opinions, e: OpinionRecorded) -> Opinions:
    return attrs.evolve(state, recorded=state.recorded.add(e.opinion, e))


def _withdrawn(state: Opinions, e: OpinionWithdrawn) -> Opinions:
    return attrs.evolve(state, withdrawn=state.withdrawn.add(e.opinion, e))


def _household(command: Any) -> str:
    return command.household  # type: ignore[no-any-return]


OPINIONS = Aggregate(
    Decider(
        "opinions",
        Opinions(),
        by_command(_DECIDE),
        by_event({OpinionRecorded: _recorded, OpinionWithdrawn: _withdrawn}),
    ),
    tuple(_DECIDE),
    _household,
    _household,
    own=_own,
)
