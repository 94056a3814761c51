"""Whose turn it is: a round-robin over the operators of a trade on duty (REQ-06).

Who is next follows from the register of staff, the roster and the earlier turns, and from nothing
that a dispatcher says. A turn is recorded in the transaction of its order: two dispatchers at once
give two turns.
"""

from __future__ import annotations

from typing import Any

from attrs import field

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.catalog import EventType
from crm_core.kernel.decider import Decider, by_command, by_event
from crm_core.kernel.trades import TRADES
from crm_core.kernel.values import define, frozen
from crm_core.requests.events import OrderDispatched
from crm_core.requests.state import Request


@frozen
class TurnGiven:
    """An order went to the operator of the trade whose turn it was.

    Args:
        turn: How many turns the trade has given by now.
        on_duty: The operators it lay between, sorted by their ids.
        passed_over: Those whose turn came before, but who were not on duty.
    """

    trade: str
    turn: int
    request: str
    staff: str
    on_duty: tuple[str, ...]
    passed_over: tuple[str, ...]


EVENTS = (EventType("requests.turn_given", 1, TurnGiven),)


@define
class Rotation:
    """The turns of a trade.

    Args:
        turns: How many there were.
        last: The latest turn of each operator who had one.
    """

    turns: int = 0
    last: dict[str, int] = field(factory=dict)


@frozen
class Crew:
    """The operators of a trade at an instant, as far as there are records of them.

    Args:
        operators: Those whom the register of staff has in the trade on that day; None without a
            register in force.
        on_duty: Those with a shift on the trade's roster; None where it never had one.
    """

    trade: str
    operators: tuple[str, ...] | None = None
    on_duty: tuple[str, ...] | None = None

    def on(self) -> tuple[str, ...]:
        """Who can be next, sorted."""
        if self.operators is None:
            return tuple(sorted(set(self.on_duty or ())))
        return tuple(s for s in sorted(set(self.operators)) if self.is_on_duty(s))

    def is_of_trade(self, staff: str) -> bool:
        """Whether somebody works in the trade; without a register the host is trusted."""
        return self.operators is None or staff in self.operators

    def is_on_duty(self, staff: str) -> bool:
        """Whether somebody is on duty; without a roster the host is trusted."""
        return self.on_duty is None or staff in self.on_duty


def trade_of(department: str, state: Request) -> str:
    """The trade whose operators an order is for: that of the department, else of the request."""
    return department if department in TRADES else state.trade


def next_turn(crew: Crew, rotation: Rotation, request: str) -> TurnGiven | None:
    """The turn of who waits longest; of those who wait alike, of the first by id. None: nobody."""

    def waits(staff: str) -> tuple[int, str]:
        return rotation.last.get(staff, 0), staff

    on_duty = crew.on()
    if not on_duty:
        return None
    chosen = min(on_duty, key=waits)
    earlier = [s for s in set(crew.operators or ()) - set(on_duty) if waits(s) < waits(chosen)]
    return TurnGiven(
        trade=crew.trade,
        turn=rotation.turns + 1,
        request=request,
        staff=chosen,
        on_duty=on_duty,
        passed_over=tuple(sorted(earlier, key=waits)),
    )


def turn_of(command: Any, decided: tuple[Any, ...]) -> TurnGiven | None:
    """The turn that a dispatch gave, if it gave one."""
    for event in decided:
        if isinstance(event, OrderDispatched) and event.turn is not None:
            return next_turn(command.crew, command.rotation, event.request)
    return None


ROTATION = Aggregate(
    Decider(
        "rotation",
        Rotation(),
        by_command({}),
        by_event(
            {TurnGiven: lambda state, e: Rotation(e.turn, {**state.last, e.staff: e.turn})},
        ),
    ),
    (),
    lambda command: command.trade,
    lambda _: "",
    needs_file=False,
)
"""The turns of a trade; nobody gives one by a command, each stands beside its order."""
