"""What households and members of staff were told, and what members agreed to be told (OUT-01)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Unpack

from crm_core.application.access import Access, Asked
from crm_core.application.host import Host
from crm_core.messages import EVENTS, MESSAGES, Messages
from crm_core.messages.views import message_rows, preference_rows

_NAMES = tuple(kind.stored for kind in EVENTS)


class Messaging:
    """Questions about messages. `CRM.messages` is one.

    Args:
        host: Ports.
        access: Knows who may see what.
    """

    def __init__(self, host: Host, access: Access) -> None:
        self._host, self._access = host, access

    def every(self, household: str | None = None, **asked: Unpack[Asked]) -> list[dict[str, Any]]:
        """What a household was told or is still to be told, oldest first; the texts are not kept.

        Args:
            household: Which; None for all, those of members of staff behind.

        Raises:
            Refused: they may not know of the household.
        """
        look = self._access.look(asked.get("by"), asked.get("purpose"), "messages.every")
        look.listed = household is None
        wanted = None if household is None else [household]
        found: list[dict[str, Any]] = []
        if household is not None:
            look.may_know(household)
        for one, events in self._host.log.by_household(names=_NAMES, households=wanted):
            if one and look.knows(one):
                told = self._access.desk.texts.each(events)
                state = MESSAGES.decider.fold(recorded.event for recorded in told)
                found += (look.plain(row, "messages.row", one) for row in message_rows(one, state))
        if household is None and look.knows(""):
            found += (look.plain(row, "messages.to_staff", "") for row in self._to_staff())
        return found

    def _to_staff(self) -> Iterator[dict[str, Any]]:
        states: dict[str, Messages] = defaultdict(lambda: MESSAGES.decider.initial)
        for recorded in self._host.log.feed(names=_NAMES):
            if not recorded.household:
                stream = recorded.stream
                states[stream] = MESSAGES.decider.evolve(states[stream], recorded.event)
        for _, state in sorted(states.items()):
            yield from message_rows("", state)

    def preferences(self, household: str, **asked: Unpack[Asked]) -> list[dict[str, Any]]:
        """What the members of a household agreed to and refused, oldest first.

        Raises:
            Refused: they may not know of the household.
        """
        look = self._access.look(asked.get("by"), asked.get("purpose"), "messages.preferences")
        look.may_know(household)
        decider = MESSAGES.decider
        state, _ = self._host.log.fold(
            MESSAGES.stream(household),
            decider.evolve,
            decider.initial,
            opened=self._access.desk.texts.event,
        )
        return [look.plain(row, "messages.preference", household) for row in preference_rows(state)]
