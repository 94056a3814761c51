"""Commands about the return visits of one household, and about draws (VIS-01 to VIS-04)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import attrs
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from crm_core.kernel.recorded import Actor
from crm_core.kernel.word import Word
from crm_core.slices import shipped
from crm_core.testing.strategies.classes import command_of
from crm_core.testing.strategies.values import CLERKS, mostly
from crm_core.visits import DRAW, VISITS
from crm_core.visits.commands import (
    OCCASIONS,
    RESULTS,
    ArrangeVisits,
    Call,
    NoteVisitAttempt,
    Occasion,
    RecordVisit,
    WithdrawVisit,
)
from crm_core.visits.policy import CONTENTS, DEFAULT_VISITS, METHODS, VisitPolicy

_MONDAY = datetime(2024, 5, 6, 2, tzinfo=UTC)
"""Ten o'clock where the estate is."""

_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_PEOPLE = st.sampled_from((Actor("S9", "specialist"), Actor("S8", "specialist"), Actor("E1", "x")))


def visit_commands(household: str = "V1") -> SearchStrategy[Any]:
    """Commands about the visits of one household: few visits and instants, so that they meet."""
    common, own = _common(household), _own(household)
    return st.one_of(*(command_of(cls, common, own) for cls in VISITS.commands))


def visit_openings(household: str = "V1") -> SearchStrategy[Any]:
    """Commands by which a visit about a repair comes to be made, two days after it."""
    known = {"occasions": st.just((_occasion(),)), "known_at": st.just(_MONDAY)}
    return command_of(ArrangeVisits, {**_common(household), **known}, {})


def draw_commands(draw: str = "D1") -> SearchStrategy[Any]:
    """Commands about one draw of households."""
    frame = tuple(f"V{n}" for n in range(1, 6))
    common: dict[str, SearchStrategy[Any]] = {
        "draw": st.just(draw),
        "method": mostly(METHODS, "by_whim"),
        "content": mostly(CONTENTS, "gossip"),
        "size": st.integers(0, 6),
        "on": st.just(date(2024, 5, 6)),
        "frame": st.just(frame),
        "seed": st.sampled_from(("a" * 64, "b" * 64)),
        "seed_position": st.just(9),
        "policy": st.just(_policy().ref),
        "reason": mostly(("by mistake",), ""),
        "by": CLERKS,
    }
    return st.one_of(*(command_of(cls, common, {}) for cls in DRAW.commands))


def _policy() -> VisitPolicy:
    return shipped().find(VisitPolicy, DEFAULT_VISITS, date(2024, 5, 6))


def _occasion(number: str = "R1", since: datetime = _MONDAY, **changes: Any) -> Occasion:
    return Occasion(
        visit=f"repair_finished:{number}",
        row="repair_finished",
        content="explain",
        purpose="service",
        means=("phone", "home_visit", "sms"),
        request=number,
        occasion=None,
        draw=None,
        since=since,
        from_at=since + 2 * _DAY,
        due_at=since + 5 * _DAY,
        latest_at=since + 5 * _DAY,
        lapses_at=since + 10 * _DAY,
        must=True,
        seed="",
        hands=changes.get("hands", ("E1",)),
        policy=_policy().ref,
    )


def _common(household: str) -> dict[str, SearchStrategy[Any]]:
    instants = st.integers(0, 12 * 24).map(lambda hours: _MONDAY + hours * _HOUR)
    calling = st.sampled_from([_MONDAY + days * _DAY for days in (2, 3, 4, 7, 8, 9)])
    owner = f"{household}#owner"
    call = Call(
        policy=_policy(),
        hours=_policy().calendar,
        members=frozenset({owner, f"{household}#m1"}),
        barred=frozenset(),
        staff=False,
        hands=frozenset({"E1"}),
        trade="engineering",
        severity="general",
        place="",
    )
    calls = (
        *(call,) * 8,
        attrs.evolve(call, barred=frozenset({owner})),
        attrs.evolve(call, left=frozenset({"E1"})),
        attrs.evolve(call, elsewhere=(_MONDAY + 2 * _DAY,)),
        attrs.evolve(call, staff=True),
    )
    return {
        "household": st.just(household),
        "visit": mostly(("repair_finished:R1", "repair_finished:R2"), "repair_finished:R9"),
        **dict.fromkeys(("attempted_at", "said_at", "visited_at"), calling | instants),
        "at": instants,
        "known_at": mostly((_MONDAY,), _MONDAY + 11 * _DAY),
        "agreed_at": st.none() | instants,
        "means": mostly(("phone", "phone", "sms"), "pigeon"),
        "result": mostly(RESULTS, "bored"),
        "member": mostly((owner,), "V9#owner"),
        "address": mostly(("ms",), "your majesty"),
        "convenient": st.sampled_from((True, True, True, False, None)),
        "opinion": mostly(("A", "B", "C"), None),
        "words": mostly(("not good",), ""),
        "contact_left": mostly(("E1",), ""),
        "occasion": st.sampled_from(("O1", "O2")),
        "kind": mostly(OCCASIONS, "party"),
        "on": st.sampled_from((date(2024, 5, 1), date(2024, 5, 6))),
        "until": st.none() | st.just(date(2024, 5, 5)),
        "reference": mostly(("file 7",), ""),
        "reason": mostly(("another flat",), ""),
        "word": st.just(Word(owner, "phone", "call 17")),
        "call": st.sampled_from(calls),
        "requests": st.just(("R1",)),
        "draws": st.just(()),
        "gone": st.just({"repair_finished:R1": "tenure"}),
        "by": _PEOPLE,
    }


def _own(household: str) -> Mapping[type, Mapping[str, SearchStrategy[Any]]]:
    one, two = _occasion(), _occasion("R2")
    later = _occasion(since=_MONDAY + _DAY)
    known = ((), (one,), (one, two), (later,), (_occasion(hands=("E1", "S9")),))
    calling = st.sampled_from([_MONDAY + days * _DAY for days in (2, 3, 4, 7, 8, 9)])
    first = mostly(("repair_finished:R1",), "repair_finished:R2")
    tried = {"visit": first, "attempted_at": calling, "means": st.just("phone")}
    clerk = st.just(Actor("S9", "specialist"))
    record: dict[str, SearchStrategy[Any]] = {
        "visit": first,
        "visited_at": calling,
        "means": st.just("phone"),
        "convenient": mostly((True,), None),
        "by": mostly((Actor("S9", "specialist"),), Actor("E1", "supervisor")),
    }
    return {
        ArrangeVisits: {"occasions": mostly(known[1:], ())},
        NoteVisitAttempt: {**tried, "agreed_at": st.none(), "by": clerk},
        RecordVisit: record,
        WithdrawVisit: {"visit": first},
    }


__all__ = ["draw_commands", "visit_commands", "visit_openings"]
