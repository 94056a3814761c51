"""Requests of a period that were late, and promises that were broken (REQ-09, REQ-15)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from crm_core.kernel.dates import Period, local_date
from crm_core.kernel.recorded import Cutoff, Recorded
from crm_core.kernel.values import frozen
from crm_core.requests.clocks import CLOSING, kind_of
from crm_core.requests.evolve import evolve
from crm_core.requests.parts import PROMISE_BROKEN
from crm_core.requests.state import NotReceived, Request, RequestState
from crm_core.requests.verdicts import Pinned, verdicts


@frozen
class LateRequest:
    """A request that was due in a period and not done by then.

    Args:
        basis: What it was due by: `target` of the policy, or `commitment` to the household.
        done_at: When it was done; None if it was not by `until`.
        until: When it was done, or up to when it is known not to be.
    """

    request: str
    household: str
    kind: str
    trade: str
    severity: str
    basis: str
    due_at: datetime
    done_at: datetime | None
    until: datetime


@frozen
class BrokenPromise:
    """A promise of staff to a household that was broken.

    Args:
        by: Whose promise it was.
        broken_at: When its time passed, or it was given up.
    """

    request: str
    household: str
    kind: str
    trade: str
    by: str
    broken_at: datetime


def late(
    events: Iterable[Recorded[Any]], period: Period, cutoff: Cutoff, zone: str, pinned: Pinned
) -> tuple[list[LateRequest], list[BrokenPromise]]:
    """What was late, the latest first, and broken in a period, the last first, as known then.

    Args:
        events: Those of requests, in the order of the log.
        pinned: Where the policies of clocks are found.
    """
    states: dict[str, RequestState] = {}
    for recorded in events:
        if cutoff.sees(recorded):
            number = recorded.event.request
            states[number] = evolve(states.get(number, NotReceived()), recorded.event)
    found: list[LateRequest] = []
    broken: list[BrokenPromise] = []
    for state in states.values():
        if isinstance(state, Request):
            found.extend(_late(state, period, cutoff, zone, pinned))
            broken.extend(_broken(state, period, zone))
    return (
        sorted(found, key=lambda one: (one.due_at - one.until, one.request)),
        sorted(broken, key=lambda one: (-one.broken_at.timestamp(), one.request)),
    )


def _late(
    state: Request, period: Period, cutoff: Cutoff, zone: str, pinned: Pinned
) -> Iterable[LateRequest]:
    for verdict in verdicts(state, cutoff.known, pinned):
        until = verdict.stopped_at or cutoff.known
        closes = kind_of(verdict.clock) == CLOSING and not verdict.superseded
        if closes and verdict.kept is False and local_date(verdict.due_at, zone) in period:
            yield LateRequest(
                request=state.request,
                household=state.household,
                kind=state.kind,
                trade=state.trade,
                severity=state.severity,
                basis=verdict.basis,
                due_at=verdict.due_at,
                done_at=verdict.stopped_at,
                until=until,
            )


def _broken(state: Request, period: Period, zone: str) -> Iterable[BrokenPromise]:
    for step in state.taken:
        if step.what == PROMISE_BROKEN and local_date(step.at, zone) in period:
            yield BrokenPromise(
                request=state.request,
                household=state.household,
                kind=state.kind,
                trade=state.trade,
                by=step.by,
                broken_at=step.at,
            )
