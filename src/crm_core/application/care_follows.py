"""What households are told of care by the calendar (PLN-04, OUT-01)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crm_core.kernel.recorded import Recorded
from crm_core.kernel.slice import Reaction
from crm_core.messages.commands import QueueMessage
from crm_core.messages.events import Parameter
from crm_core.messages.template import value_of
from crm_core.plans.care import CareOffered, CareOpened
from crm_core.plans.policy import BIRTHDAY, HOLIDAY, MEETING

_FESTIVALS = ("mid_autumn", "national_day", "spring_festival")
"""Occasions that the template of greetings has a word for; to it another is a holiday."""


def _told(recorded: Recorded[CareOpened]) -> tuple[Any, ...]:
    """The member it was opened for hears of it, as far as they still want to when it is sent."""
    event, values = recorded.event, dict[str, object]()
    if event.kind == HOLIDAY:
        template = "holiday-greeting"
        values["occasion"] = event.occasion if event.occasion in _FESTIVALS else "holiday"
    elif event.kind == BIRTHDAY:
        template = "birthday-greeting"
    elif event.kind == MEETING:
        template, values["on"] = "meeting-invitation", event.on
    else:
        template, values["offer"] = "service-news", event.kind
    return (_message(recorded, event.household, event.member, template, values),)


def _offered(recorded: Recorded[CareOffered]) -> tuple[Any, ...]:
    event = recorded.event
    values = {"offer": event.kind}
    return (_message(recorded, event.household, event.member, "service-news", values),)


def _message(
    recorded: Recorded[Any],
    household: str,
    member: str,
    template: str,
    values: Mapping[str, object],
) -> QueueMessage:
    return QueueMessage(
        household=household,
        cause=recorded.envelope.event_id,
        template=template,
        parameters=tuple(Parameter(name, value_of(value)) for name, value in values.items()),
        recipient=member,
        happened_at=recorded.recorded,
    )


REACTIONS: dict[type, Reaction] = {CareOffered: _offered, CareOpened: _told}
