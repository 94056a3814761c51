"""What commands about requests must be told to be decided (LOG-08)."""

from __future__ import annotations

from typing import Any

import attrs

from crm_core.kernel.dates import local_date
from crm_core.kernel.decider import Refusal
from crm_core.kernel.slice import LookUp, Sight
from crm_core.requests.commands import Dispatch, LinkToIncident, Rebase, ReceiveRequest
from crm_core.requests.decide import REQUEST
from crm_core.requests.deciding.orders import order_of
from crm_core.requests.incidents import GatherRequest
from crm_core.requests.rotation import ROTATION
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


def with_turns(command: Dispatch, state: Any, sight: Sight) -> Dispatch:
    """The targets that the request pins, and the turns that its trade has given (REQ-06)."""
    command = with_pinned_policy(command, state, sight)
    order = order_of(command, state)
    if order is None:
        return command
    return attrs.evolve(command, rotation=sight.state(ROTATION, order[0]))


def with_gathered(command: GatherRequest, _state: Any, sight: Sight) -> GatherRequest:
    """Whether the request can follow: what an incident gathers is asked first."""
    request = sight.state(REQUEST, command.request)
    linked = REQUEST.decider.decide(LinkToIncident(command.request, command.incident), request)
    refusal = linked if isinstance(linked, Refusal) else None
    return attrs.evolve(command, refused_there=refusal)


LOOK_UPS: dict[type, LookUp] = {
    # What is measured is measured by what the request pins (REQ-14).
    **{
        command: with_pinned_policy
        for command in REQUEST.commands
        if "policy" in attrs.fields_dict(command)
    },
    Dispatch: with_turns,
    ReceiveRequest: with_policy,
    Rebase: with_policy,
    GatherRequest: with_gathered,
}
