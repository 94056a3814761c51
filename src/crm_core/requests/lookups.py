"""What commands about requests must be told to be decided (LOG-08)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from crm_core.kernel.dates import local_date
from crm_core.kernel.decider import Refusal
from crm_core.kernel.slice import LookUp, Sight
from crm_core.requests.commands import (
    LinkToIncident,
    MarkDuplicate,
    MergeDuplicate,
    Rebase,
    ReceiveRequest,
)
from crm_core.requests.decide import REQUEST
from crm_core.requests.heads import Head, chain_of
from crm_core.requests.incidents import GatherRequest
from crm_core.requests.sla import DEFAULT_SLA, SlaPolicy
from crm_core.requests.state import Request


def with_policy(command: ReceiveRequest | Rebase, _state: Any, sight: Sight) -> Any:
    """The targets of the day (REQ-01, REQ-14)."""
    day = local_date(sight.at, sight.zone)
    return attrs.evolve(command, policy=sight.policy(SlaPolicy, DEFAULT_SLA, day))


def with_pinned_policy(command: Any, state: Any, sight: Sight) -> Any:
    """The targets that the request pins (REQ-14)."""
    if not isinstance(state, Request):
        return command
    return attrs.evolve(command, policy=sight.pinned(SlaPolicy, state.policy))


def with_gathered(command: GatherRequest, _state: Any, sight: Sight) -> GatherRequest:
    """Whether the request can follow: what an incident gathers is asked first."""
    request = sight.state(REQUEST, command.request)
    linked = REQUEST.decider.decide(LinkToIncident(command.request, command.incident), request)
    refusal = linked if isinstance(linked, Refusal) else None
    return attrs.evolve(command, refused_there=refusal)


def with_head(
    command: MarkDuplicate | MergeDuplicate, state: Any, sight: Sight
) -> MarkDuplicate | MergeDuplicate:
    """The request that stands for it, through whatever that is a duplicate of (REQ-08)."""
    if isinstance(command, MergeDuplicate):
        command = with_pinned_policy(command, state, sight)
    named = command.into if isinstance(command, MergeDuplicate) else command.of
    return attrs.evolve(command, head=head_of(named, lambda number: sight.state(REQUEST, number)))


def head_of(named: str, state_of: Callable[[str], Any]) -> Head | None:
    """The request of that number as a head, or None if it never came in.

    Args:
        state_of: The state of a request, by its number.
    """
    found = state_of(named)
    if not isinstance(found, Request):
        return None
    return Head(
        status=type(found).__name__.lower(),
        household=found.household,
        place=found.received.place,
        incident=found.incident,
        chain=chain_of(named, lambda number: getattr(state_of(number), "duplicate_of", None)),
    )


LOOK_UPS: dict[type, LookUp] = {
    # What is measured is measured by what the request pins (REQ-14).
    **{
        command: with_pinned_policy
        for command in REQUEST.commands
        if "policy" in attrs.fields_dict(command)
    },
    ReceiveRequest: with_policy,
    Rebase: with_policy,
    GatherRequest: with_gathered,
    MarkDuplicate: with_head,
    MergeDuplicate: with_head,
}
