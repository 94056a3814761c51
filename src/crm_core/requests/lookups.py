"""What commands about requests must be told to be decided (LOG-08)."""

from __future__ import annotations

from typing import Any

import attrs

from crm_core.kernel.dates import local_date
from crm_core.kernel.decider import Refusal
from crm_core.kernel.slice import LookUp, Sight
from crm_core.requests.calls import AnswerCall, Call, LinkCall, MissCall, refused_request
from crm_core.requests.commands import LinkToIncident, Rebase, ReceiveRequest
from crm_core.requests.decide import REQUEST
from crm_core.requests.incidents import GatherRequest
from crm_core.requests.inspections import RecordFinding
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


def with_call(command: AnswerCall, _state: Any, sight: Sight) -> AnswerCall:
    """The target of the day on which the call came, and what it is said to have led to (REQ-02)."""
    day = local_date(command.came_at, sight.zone)
    refusal = None
    if command.request is not None:
        request = sight.state(REQUEST, command.request)
        refusal = refused_request(request, command.request, command.came_at)
    policy = sight.policy(SlaPolicy, DEFAULT_SLA, day)
    return attrs.evolve(command, known_at=sight.at, policy=policy, refused_there=refusal)


def with_now(command: MissCall, _state: Any, sight: Sight) -> MissCall:
    """The instant at which it is known: nothing is known before it happened."""
    return attrs.evolve(command, known_at=sight.at)


def with_linked(command: LinkCall, state: Call, sight: Sight) -> LinkCall:
    """Whether the call can have led to the request (REQ-02)."""
    came_at = None if state.taken is None else state.taken.came_at
    request = sight.state(REQUEST, command.request)
    refusal = refused_request(request, command.request, came_at)
    return attrs.evolve(command, refused_there=refusal)


def with_opened(command: RecordFinding, _state: Any, sight: Sight) -> RecordFinding:
    """Whether the request that a finding is to open is there already (REQ-20)."""
    number = command.request
    taken = number is not None and isinstance(sight.state(REQUEST, number), Request)
    return attrs.evolve(command, known_at=sight.at, request_taken=taken)


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
    AnswerCall: with_call,
    LinkCall: with_linked,
    MissCall: with_now,
    RecordFinding: with_opened,
}
