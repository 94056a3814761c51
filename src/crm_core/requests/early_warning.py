"""Early warning (客情预警): more than usual in one place and trade, found and recorded (REQ-19).

What is unusual is computed from the events known at a cut-off; a warning is recorded once, with the
events behind it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta

import attrs
from attrs import define, frozen

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.canonical import digest_of
from crm_core.kernel.catalog import EventType
from crm_core.kernel.dates import Period
from crm_core.kernel.decider import Decider, Decision, Refusal, by_event
from crm_core.requests.sla import EarlyWarning
from crm_core.requests.statistics import Happening

MEASURES = {"volume": "received", "dissatisfaction": "dissatisfied"}
"""What can be more than usual, by the count that it is of."""


# --- what is unusual ---------------------------------------------------------------------------


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


def early_warnings(found: Iterable[Happening], on: date, table: EarlyWarning) -> list[Unusual]:
    """Warnings on a day: its window against the windows before it (REQ-19, 客情预警)."""
    window = Period(on - timedelta(days=table.window_days - 1), on)
    first = window.start - timedelta(days=table.window_days * table.usual_windows)
    now: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    before: dict[tuple[str, str, str], int] = defaultdict(int)
    counts = {count: measure for measure, count in MEASURES.items()}
    for happening in found:
        measure = counts.get(happening.count)
        if measure is None:
            continue
        key = (happening.place, happening.trade, measure)
        if happening.day in window:
            now[key].append(happening.position)
        elif first <= happening.day < window.start:
            before[key] += 1
    warnings = []
    for key, positions in sorted(now.items()):
        usual = before[key] * 1000 // table.usual_windows
        above = len(positions) * 1000 * 100 > usual * table.percent
        if len(positions) >= table.at_least and above:
            place, trade, measure = key
            warnings.append(
                Unusual(
                    place=place,
                    trade=trade,
                    measure=measure,
                    window=window,
                    count=len(positions),
                    usual_per_mille=usual,
                    positions=tuple(positions),
                )
            )
    return warnings


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


EVENTS = (EventType("requests.warning_raised", 1, WarningRaised),)


@define
class Raised:
    """A warning, if it was raised."""

    warning: WarningRaised | None = None


@frozen
class RaiseWarning:
    """Record an early warning; once for a place, trade, measure and window."""

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
    """The warning, unless it was raised before."""
    if state.warning is not None:
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
