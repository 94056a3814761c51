"""A notice of public holidays that comes later: what it changes of an open request (REQ-11)."""

from __future__ import annotations

from crm_core.kernel.decider import Decision
from crm_core.requests.commands import RenewCalendar
from crm_core.requests.deciding.refusals import not_open
from crm_core.requests.events import CalendarRenewed, RequestReopened
from crm_core.requests.state import Done, NotReceived, Open, Paused, RequestState, notices_at


def renew(command: RenewCalendar, state: RequestState) -> Decision:
    """An open request counts by the notices in force; a closed one keeps what was decided.

    What stopped before it was reopened last keeps its verdict too (REQ-16).
    """
    if isinstance(state, NotReceived):
        return not_open(state)
    if not isinstance(state, Open | Paused | Done) or command.at < state.received_at:
        return ()
    reopened = (
        entry.counts_from
        for entry in state.entries
        if isinstance(entry, RequestReopened) and entry.counts_from is not None
    )
    since = max(reopened, default=state.received_at)
    if command.notices == notices_at(state, since):
        return ()
    return (CalendarRenewed(command.request, command.notices, since, command.at),)
