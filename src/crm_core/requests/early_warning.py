"""Early warning (客情预警): more than usual in one place and trade, found and recorded (REQ-19).

What is unusual is computed from the events known at a cut-off; a warning is recorded once, with the
events behind it. The clock looks at every day that has ended (`crm_core.application.lookout`).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

import attrs

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.canonical import digest_of
from crm_core.kernel.catalog import EventType
from crm_core.kernel.dates import Period, sortable_text
from crm_core.kernel.decider import Decider, Decision, Refusal, by_event
from crm_core.kernel.projection import Projection, Put, Remove, Rows
from crm_core.kernel.recorded import Recorded
from crm_core.kernel.values import define, frozen
from crm_core.requests.events import EVENTS as _REQUESTS
from crm_core.requests.events import CustomerDissatisfied, RequestReceived, RequestVoided
from crm_core.requests.sla import EarlyWarning

MEASURES = ("volume", "dissatisfaction")
"""What can be more than usual: requests that came in, and customers who were not satisfied."""

_DAY = timedelta(days=1)


# --- what is counted ---------------------------------------------------------------------------


@frozen
class Occurrence:
    """A request that came in, or a customer who was not satisfied.

    Args:
        household: The household it is of, or an empty text.
        place: Where it is, as the request says; the place of a household goes before.
        measure: One of `MEASURES`.
        at: When it happened.
        position: The event.
    """

    household: str
    place: str
    trade: str
    measure: str
    at: datetime
    position: int


def occurrence_of(recorded: Recorded[Any]) -> Occurrence | None:
    """What an event counts as, if it counts."""
    event = recorded.event
    if isinstance(event, RequestReceived):
        measure, at = "volume", event.received_at
    elif isinstance(event, CustomerDissatisfied):
        measure, at = "dissatisfaction", event.said_at
    else:
        return None
    return Occurrence(
        household=event.household,
        place=event.place,
        trade=event.trade,
        measure=measure,
        at=at,
        position=recorded.position,
    )


OCCURRENCE_NAMES = frozenset(
    kind.stored
    for kind in _REQUESTS
    if kind.cls in (RequestReceived, RequestVoided, CustomerDissatisfied)
)
"""Stored names of the events that are counted, and of what takes one back."""


def occurrence_key(event: Any) -> str:
    """What an occurrence is called: the request that came in, or who was not satisfied with it."""
    what = "dissatisfaction" if isinstance(event, CustomerDissatisfied) else "volume"
    # A request can fail a customer several times; each has a successor of its own.
    number = event.successor if isinstance(event, CustomerDissatisfied) else event.request
    return f"{what}/{number}"


def _occurrences(
    _rows: Rows[Occurrence], recorded: Recorded[Any]
) -> Iterable[Put[Occurrence] | Remove]:
    if isinstance(recorded.event, RequestVoided):
        return (Remove(occurrence_key(recorded.event)),)
    one = occurrence_of(recorded)
    if one is None:
        return ()
    return (Put(occurrence_key(recorded.event), one, sortable_text(one.at)),)


OCCURRENCES = Projection(
    name="requests.occurrences",
    version=1,
    row=Occurrence,
    names=OCCURRENCE_NAMES,
    apply=_occurrences,
)
"""What is counted for early warnings, by the instant at which it happened."""


# --- what is unusual ---------------------------------------------------------------------------


@frozen
class Counted:
    """An occurrence in its place, on its day."""

    place: str
    trade: str
    measure: str
    day: date
    position: int


@frozen
class Unusual:
    """More than usual in one place and trade.

    Args:
        measure: `volume` or `dissatisfaction`.
        count: How often in the window.
        usual_per_mille: How often in an earlier window on average, in thousandths.
        positions: The events behind it.
    """

    place: str
    trade: str
    measure: str
    window: Period
    count: int
    usual_per_mille: int
    positions: tuple[int, ...]

    @property
    def of(self) -> tuple[str, str, str]:
        """What is unusual there: place, trade and measure."""
        return self.place, self.trade, self.measure


def first_day(on: date, table: EarlyWarning) -> date:
    """The first day that says what is usual on a day."""
    return on - _DAY * (table.window_days * (table.usual_windows + 1) - 1)


def unusual(found: Iterable[Counted], days: Mapping[date, EarlyWarning]) -> list[Unusual]:
    """What is unusual on some days: the window of each against the windows before it (REQ-19).

    The cost lies with what is counted, not with the days: a day is looked at where something
    happened in its window.

    Args:
        found: All that lies in these windows.
        days: The days that are looked at, each with the table in force on it.
    """
    counted: dict[tuple[str, str, str], list[tuple[date, int]]] = defaultdict(list)
    for one in found:
        counted[one.place, one.trade, one.measure].append((one.day, one.position))
    longest = max((table.window_days for table in days.values()), default=0)
    warnings = []
    for key, occurred in counted.items():
        occurred.sort()
        on_days = [day for day, _ in occurred]
        after = {day + _DAY * n for day in set(on_days) for n in range(longest)}
        for on in sorted(after & days.keys()):
            table = days[on]
            window = Period(on - _DAY * (table.window_days - 1), on)
            first, last = bisect_left(on_days, window.start), bisect_right(on_days, on)
            before = first - bisect_left(on_days, first_day(on, table))
            count = last - first
            # INVARIANT: compared without rounding; exactly so many percent is not above them.
            above = count * table.usual_windows * 100 > before * table.percent
            if count < table.at_least or not above:
                continue
            place, trade, measure = key
            warnings.append(
                Unusual(
                    place=place,
                    trade=trade,
                    measure=measure,
                    window=window,
                    count=count,
                    usual_per_mille=before * 1000 // table.usual_windows,
                    positions=tuple(sorted(position for _, position in occurred[first:last])),
                )
            )
    return sorted(warnings, key=lambda one: (one.window.end, *one.of))


# --- the warning that is recorded --------------------------------------------------------------


@frozen
class WarningRaised:
    """More than usual happened in one place and trade; `positions` are the events behind it."""

    warning: str
    place: str
    trade: str
    measure: str
    window_start: date
    window_end: date
    count: int
    usual_per_mille: int
    positions: tuple[int, ...]


@frozen
class WarningsLooked:
    """The clock looked at every day that has ended, for what is more than usual.

    Args:
        upto: The last of them.
    """

    upto: date


EVENTS = (
    EventType("requests.warning_raised", 1, WarningRaised),
    EventType("requests.warnings_looked", 1, WarningsLooked, "upto"),
)


@define
class Raised:
    """A warning, if it was raised."""

    warning: WarningRaised | None = None


@frozen
class RaiseWarning:
    """Record an early warning; once for a place, trade, measure and window, unless it grows."""

    place: str
    trade: str
    measure: str
    window_start: date
    window_end: date
    count: int
    usual_per_mille: int
    positions: tuple[int, ...]


def warning_id(command: RaiseWarning) -> str:
    """The id of a warning: of one place, trade, measure and window there is one."""
    return digest_of(
        [command.place, command.trade, command.measure, command.window_end.isoformat()]
    )[:32]


def decide_warning(command: RaiseWarning, state: Raised) -> Decision:
    """The warning, unless it was raised before; again if more came to be known of its window."""
    if state.warning is not None and command.count <= state.warning.count:
        return ()
    if command.measure not in MEASURES or not command.positions:
        return Refusal("warning_without_events", "REQ-19", {"accepted": list(MEASURES)})
    return (
        WarningRaised(
            warning=warning_id(command),
            place=command.place,
            trade=command.trade,
            measure=command.measure,
            window_start=command.window_start,
            window_end=command.window_end,
            count=command.count,
            usual_per_mille=command.usual_per_mille,
            positions=command.positions,
        ),
    )


WARNING = Aggregate(
    Decider(
        "warning",
        Raised(),
        decide_warning,
        by_event({WarningRaised: lambda state, e: attrs.evolve(state, warning=e)}),
    ),
    (RaiseWarning,),
    warning_id,
    lambda _: "",
    needs_file=False,
    inside=frozenset({RaiseWarning}),
)


def raise_warning(found: Unusual) -> RaiseWarning:
    """The command that records what was found."""
    return RaiseWarning(
        place=found.place,
        trade=found.trade,
        measure=found.measure,
        window_start=found.window.start,
        window_end=found.window.end,
        count=found.count,
        usual_per_mille=found.usual_per_mille,
        positions=found.positions,
    )


def _raised(_rows: Rows[WarningRaised], recorded: Recorded[Any]) -> Iterable[Put[WarningRaised]]:
    event = recorded.event
    return (Put(event.warning, event, event.window_end.isoformat()),)


WARNINGS = Projection(
    name="requests.warnings",
    version=1,
    row=WarningRaised,
    names=frozenset({EVENTS[0].stored}),
    apply=_raised,
)
"""Warnings that were raised, by the last day of their window."""


# --- how far the clock has looked --------------------------------------------------------------

ALL = "warnings"
"""The one outlook's id."""


@define
class Outlook:
    """Up to which day the clock has looked; None if it never did."""

    upto: date | None = None


@frozen
class LookForWarnings:
    """Note that every day up to this one was looked at."""

    upto: date


def _look(command: LookForWarnings, state: Outlook) -> Decision:
    if state.upto is not None and command.upto <= state.upto:
        return ()
    return (WarningsLooked(command.upto),)


OUTLOOK = Aggregate(
    Decider(
        "outlook",
        Outlook(),
        _look,
        by_event({WarningsLooked: lambda state, e: attrs.evolve(state, upto=e.upto)}),
    ),
    (LookForWarnings,),
    lambda _: ALL,
    lambda _: "",
    needs_file=False,
    inside=frozenset({LookForWarnings}),
)
