"""Households are drawn to be visited (访问对象的选择, VIS-02).

A draw is no one's to supply: the library takes the frame and the seed from the log, and both stand
in the event, so that another process draws the same from the log alone.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import attrs

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.catalog import EventType
from crm_core.kernel.commands import Id, looked_up
from crm_core.kernel.decider import Decider, Decision, Refusal, by_command, by_event
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.recorded import Actor
from crm_core.kernel.refusals import no_reason, unknown
from crm_core.kernel.sealed import Text
from crm_core.kernel.values import frozen
from crm_core.visits.lots import ALGORITHM, digest_of_frame, drawn
from crm_core.visits.policy import CONTENTS, METHODS


@frozen
class VisitsDrawn:
    """Households were drawn to be visited.

    Args:
        method: One of `crm_core.visits.policy.METHODS`.
        algorithm: How they were drawn; see `crm_core.visits.lots`.
        content: What they are visited for (VIS-03).
        estate: The estate whose households took part; empty for all.
        code: How the numbers of those households begin; empty for all.
        layer: The class they are of, by the closed list of uses (GRD-14); empty for all.
        on: The day as of which the frame was taken.
        frame: Who took part, sorted.
        frame_digest: The same as a digest.
        households: Those drawn, in the order of the draw.
        seed: The digest of the event at `seed_position`, the last of the log that the frame saw.
    """

    draw: str
    method: str
    algorithm: str
    content: str
    estate: str
    code: str
    layer: str
    on: date
    frame: tuple[str, ...]
    frame_digest: str
    households: tuple[str, ...]
    seed: str
    seed_position: int
    policy: PolicyRef
    drawn_by: str


@frozen
class DrawCalledOff:
    """The draw was a mistake: what was not made of it is not made."""

    draw: str
    households: tuple[str, ...]
    reason: Text
    called_off_by: str


EVENTS = (
    EventType("visits.drawn", 1, VisitsDrawn, effective="on", large=True),
    EventType("visits.draw_called_off", 1, DrawCalledOff, large=True),
)


@frozen
class Draw:
    """A draw, once it was made."""

    drawn: VisitsDrawn | None = None
    off: bool = False


@frozen
class DrawVisits:
    """Draw households to be visited; the library alone gives it, with what it found in the log.

    Args:
        frame: Who takes part, sorted.
    """

    draw: Id
    method: str
    size: int
    content: str
    on: date
    estate: str
    code: Id
    layer: str
    frame: tuple[str, ...]
    seed: str
    seed_position: int
    policy: PolicyRef
    by: Actor = looked_up()


@frozen
class CallOffDraw:
    """Call a draw off: what was not made of it is not made."""

    draw: str
    reason: str
    by: Actor = looked_up()


def _draw(command: DrawVisits, state: Draw) -> Decision:
    if state.drawn is not None:
        return Refusal("draw_exists", "VIS-02", {"draw": command.draw})
    if command.method not in METHODS:
        return unknown("method", command.method, METHODS, rule="VIS-02")
    if command.content not in CONTENTS:
        return unknown("content", command.content, CONTENTS, rule="VIS-03")
    most = len(command.frame)
    if not 1 <= command.size <= most:
        return Refusal("draw_size", "VIS-02", {"size": command.size, "most": most})
    return (
        VisitsDrawn(
            draw=command.draw,
            method=command.method,
            algorithm=ALGORITHM,
            content=command.content,
            estate=command.estate,
            code=command.code,
            layer=command.layer,
            on=command.on,
            frame=command.frame,
            frame_digest=digest_of_frame(command.frame),
            households=drawn(command.seed, command.frame, command.size),
            seed=command.seed,
            seed_position=command.seed_position,
            policy=command.policy,
            drawn_by=command.by.id,
        ),
    )


def _call_off(command: CallOffDraw, state: Draw) -> Decision:
    if state.drawn is None:
        return Refusal("unknown_draw", "VIS-02", {"draw": command.draw})
    if state.off:
        return ()
    if not command.reason.strip():
        return no_reason("LOG-06")
    return (
        DrawCalledOff(
            draw=command.draw,
            households=state.drawn.households,
            reason=command.reason,
            called_off_by=command.by.id,
        ),
    )


def _draw_id(command: Any) -> str:
    return command.draw  # type: ignore[no-any-return]


DRAW = Aggregate(
    decider=Decider(
        "visit-draw",
        Draw(),
        by_command({CallOffDraw: _call_off, DrawVisits: _draw}),
        by_event(
            {
                DrawCalledOff: lambda state, _: attrs.evolve(state, off=True),
                VisitsDrawn: lambda state, event: attrs.evolve(state, drawn=event),
            }
        ),
    ),
    commands=(CallOffDraw, DrawVisits),
    id_of=_draw_id,
    household_of=lambda _: "",
    needs_file=False,
    inside=frozenset({DrawVisits}),
)
