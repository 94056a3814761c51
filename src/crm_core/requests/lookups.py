"""What commands about requests must be told to be decided (LOG-08)."""

from __future__ import annotations

from typing import Any

import attrs

from crm_core.kernel.dates import local_date
from crm_core.kernel.decider import Refusal
from crm_core.kernel.public_holidays import HolidayNotice, in_force
from crm_core.kernel.slice import LookUp, Sight
from crm_core.requests.calendars import counting, ought_to_count
from crm_core.requests.commands import LinkToIncident, Rebase, ReceiveRequest, RenewCalendar
from crm_core.requests.decide import REQUEST
from crm_core.requests.incidents import GatherRequest
from crm_core.requests.sla import DEFAULT_SLA, SlaPolicy
from crm_core.requests.state import Request


def with_policy(command: ReceiveRequest | Rebase, state: Any, sight: Sight) -> Any:
    """The targets of the day, and the official notices known by then (REQ-01, REQ-11, REQ-14)."""
    policy = sight.policy(SlaPolicy, DEFAULT_SLA, local_date(sight.at, sight.zone))
    received_at = command.received_at if isinstance(command, ReceiveRequest) else None
    if isinstance(state, Request):
        received_at = state.received_at
    if received_at is not None and policy.countries:
        policy = policy.under(counting(_in_force(sight), policy, received_at))
    return attrs.evolve(command, policy=policy)


def with_pinned_policy(command: Any, state: Any, sight: Sight) -> Any:
    """The targets and the official notices that the request pins (REQ-11, REQ-14)."""
    if not isinstance(state, Request):
        return command
    return attrs.evolve(command, policy=_pinned(state, sight))


def with_renewed_calendar(command: RenewCalendar, state: Any, sight: Sight) -> RenewCalendar:
    """The policy that the request pins, by the notices in force (REQ-11)."""
    if not isinstance(state, Request):
        return command
    policy = _pinned(state, sight)
    known = counting(_in_force(sight), policy, state.received_at)
    return attrs.evolve(command, policy=policy.under(ought_to_count(policy.notices, known)))


def _pinned(state: Request, sight: Sight) -> SlaPolicy:
    policy = sight.pinned(SlaPolicy, state.policy)
    return policy.under(sight.pinned(HolidayNotice, notice) for notice in state.notices)


def _in_force(sight: Sight) -> tuple[HolidayNotice, ...]:
    """What is known by now, also of what is recorded as known before."""
    day = max(local_date(sight.at, sight.zone), sight.present_day)
    return in_force(sight.every(HolidayNotice), day)


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
    ReceiveRequest: with_policy,
    Rebase: with_policy,
    RenewCalendar: with_renewed_calendar,
    GatherRequest: with_gathered,
}
