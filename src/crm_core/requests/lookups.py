"""What commands about requests must be told to be decided (LOG-08)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from crm_core.kernel.dates import local_date
from crm_core.kernel.decider import Refusal
from crm_core.kernel.public_holidays import HolidayNotice, in_force
from crm_core.kernel.slice import LookUp, Sight
from crm_core.requests.calendars import counting, ought_to_count
from crm_core.requests.calls import AnswerCall, Call, LinkCall, MissCall, refused_request
from crm_core.requests.commands import (
    Dispatch,
    LinkToIncident,
    MarkDuplicate,
    MergeDuplicate,
    Rebase,
    ReceiveRequest,
    RenewCalendar,
    TakeStep,
    Timed,
)
from crm_core.requests.decide import REQUEST
from crm_core.requests.deciding.orders import order_of
from crm_core.requests.heads import Head, chain_of
from crm_core.requests.incidents import GatherRequest
from crm_core.requests.inspections import RecordFinding
from crm_core.requests.rotation import ROTATION
from crm_core.requests.sla import DEFAULT_SLA, SlaPolicy
from crm_core.requests.state import Request, held_to


def with_policy(command: ReceiveRequest, _state: Any, sight: Sight) -> ReceiveRequest:
    """The targets of the day, and the official notices known by then (REQ-01, REQ-11, REQ-14)."""
    policy = _of_the_day(sight)
    if policy.countries:
        policy = policy.under(counting(_in_force(sight), (policy,), command.received_at))
    return attrs.evolve(command, policy=policy)


def with_pinned_policy(command: Timed, state: Any, sight: Sight) -> Timed:
    """The targets that the request is and was held to, and when it became known (REQ-14).

    Their calendars go by the official notices that it counts by (REQ-11).
    """
    if not isinstance(state, Request):
        return command
    counts = [one.notices for one in state.noticed]
    pinned = sight.pinned(SlaPolicy, state.policy)
    held = [sight.pinned(SlaPolicy, ref) for ref in held_to(state)]
    if isinstance(command, Rebase):
        pinned = _of_the_day(sight)
    if isinstance(command, RenewCalendar):
        in_force = counting(_in_force(sight), (pinned, *held), state.received_at)
        own = (sight.pinned(HolidayNotice, ref) for ref in counts[-1])
        notices = tuple(notice.ref for notice in ought_to_count(own, in_force))
        command = attrs.evolve(command, notices=notices)
        counts.append(notices)
    noticed = [tuple(sight.pinned(HolidayNotice, ref) for ref in one) for one in counts]
    held = [policy.under(notices) for notices in noticed for policy in (*held, pinned)]
    pinned = pinned.under(noticed[-1])
    found = attrs.evolve(command, policy=pinned, held_to=tuple(held), known_at=sight.at)
    return attrs.evolve(found, until=sight.at) if isinstance(found, TakeStep) else found


def _of_the_day(sight: Sight) -> SlaPolicy:
    day = local_date(sight.at, sight.zone)
    return sight.policy(SlaPolicy, DEFAULT_SLA, day)


def _in_force(sight: Sight) -> tuple[HolidayNotice, ...]:
    """What is known by now, also of what is recorded as known before."""
    day = max(local_date(sight.at, sight.zone), sight.present_day)
    return in_force(sight.every(HolidayNotice), day)


def with_turns(command: Dispatch, state: Any, sight: Sight) -> Any:
    """The turns that the trade has given (REQ-06)."""
    found: Any = with_pinned_policy(command, state, sight)
    order = order_of(command, state)
    return found if order is None else attrs.evolve(found, rotation=sight.state(ROTATION, order[0]))


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


def with_head(command: MarkDuplicate | MergeDuplicate, state: Any, sight: Sight) -> Any:
    """The request that stands for it, through whatever that is a duplicate of (REQ-08)."""
    named = command.into if isinstance(command, MergeDuplicate) else command.of
    head = head_of(named, lambda number: sight.state(REQUEST, number))
    own = getattr(state, "household", "")
    if head is not None and own and sight.same_household(own, head.household):
        # Files that were merged are one household (OWN-09).
        head = attrs.evolve(head, household=own)
    found: Any = (
        with_pinned_policy(command, state, sight) if isinstance(command, Timed) else command
    )
    return attrs.evolve(found, head=head)


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
    **{command: with_pinned_policy for command in REQUEST.commands if issubclass(command, Timed)},
    Dispatch: with_turns,
    ReceiveRequest: with_policy,
    GatherRequest: with_gathered,
    AnswerCall: with_call,
    LinkCall: with_linked,
    MissCall: with_now,
    RecordFinding: with_opened,
    MarkDuplicate: with_head,
    MergeDuplicate: with_head,
}
