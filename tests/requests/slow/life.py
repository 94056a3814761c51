"""Lives of requests: what happened, as plain entries in the order in which it did.

A life makes sense most of the time: what is entered is what the request as it stands calls for.
Now and then it is not (an apology that nobody owes), and then the model says so (`Judged.refused`).

One builder makes them all; it is given somebody who chooses whole numbers: Hypothesis (`lives`),
which makes them small where one fails, or a seed (`life_of`) for long runs.
"""

from __future__ import annotations

import random  # noqa: TID251 - seeded: a life can be had again
from collections.abc import Callable
from dataclasses import dataclass, replace

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from slow.calendar import A_DAY, SHIPPED, Rules, minute
from slow.model import (
    ANSWER,
    CLOSED,
    DONE,
    KINDS,
    OPEN,
    OUTCOME,
    PAUSED,
    Entry,
    Life,
    Slow,
)

Choose = Callable[[int, int], int]
"""Gives a whole number from the first to the second, both included; the least is the simplest."""

DESK = ("S17", "S18", "S19")
OPERATORS = ("E4", "E5")

DAYS = (
    "2024-03-04",  # an ordinary Monday
    "2024-03-08",  # a Friday
    "2024-03-09",  # a Saturday
    "2024-02-08",  # the last days before the Spring Festival
    "2024-02-18",  # a Sunday that is worked
    "2024-04-03",  # the day before Qingming
    "2024-09-28",  # around the National Day
    "2024-12-30",  # at the turn of the year
)
CHANNELS = ("phone", "counter", "wechat", "app", "other")
OPINIONS = ("satisfied", "partly", "dissatisfied")


def build(choose: Choose, rules: Rules = SHIPPED) -> Life:
    """A life of one to twelve entries after its receipt."""
    slow = Slow(rules)
    day = DAYS[choose(0, len(DAYS) - 1)]
    at = minute(f"{day} 09:00")
    if choose(0, 2):
        at = minute(f"{day} 00:00") + choose(0, A_DAY - 1)
    entry = Entry(
        kind="received",
        at=at,
        by=_one(choose, DESK),
        channel=_one(choose, CHANNELS),
        severity=_one(choose, ("general", "major")),
    )
    entries = [entry]
    slow.take(entry)
    for _ in range(1 + choose(0, 11)):
        slow.pass_to(_moment(choose, slow))
        entry = _entry(choose, slow)
        entries.append(entry)
        slow.take(entry)
    return tuple(entries)


def life_of(seed: int, rules: Rules = SHIPPED) -> Life:
    """The life of a seed, always the same."""
    return build(random.Random(seed).randint, rules)


@st.composite
def lives(draw: DrawFn, rules: Rules = SHIPPED) -> Life:
    """Lives for Hypothesis."""
    return build(lambda low, high: draw(st.integers(low, high)), rules)


def told(life: Life) -> str:
    """A life for people to read."""
    return "\n".join(str(entry) for entry in life)


def _one(choose: Choose, among: tuple[str, ...]) -> str:
    return among[choose(0, len(among) - 1)]


def _moment(choose: Choose, slow: Slow) -> int:
    """When the next thing happens: soon, later, at night, or right at the end of something."""
    now = slow.now
    how = choose(0, 9)
    if how <= 2:
        return now + choose(0, 6)
    if how <= 4:
        return now + choose(5, 60)
    if how == 5:
        return now + choose(60, 8 * 60)
    if how == 6 and choose(0, 2) == 0:
        return now + choose(8 * 60, 3 * A_DAY)
    ends = slow.ends_ahead()
    if not ends:
        return now + choose(0, 30)
    # At the very end, a minute before, or after it.
    return max(now, ends[choose(0, len(ends) - 1)] + (0, -1, 1)[choose(0, 2)])


def _entry(choose: Choose, slow: Slow) -> Entry:
    likely = _likely(slow)
    if choose(0, 49) == 49:
        likely = {kind: 1 for kind in KINDS if kind != "received"}
    number = choose(0, sum(likely.values()) - 1)
    for kind, weight in likely.items():
        if number < weight:
            return _made(choose, slow, kind)
        number -= weight
    raise AssertionError("a kind is always found")


def _likely(slow: Slow) -> dict[str, int]:
    """What the request as it stands calls for, with its weights."""
    if slow.status == CLOSED:
        return {"reopened": 1}
    duty = {"apologised": 9} if slow.duties_open() else {}
    if slow.status == DONE:
        found = {"attempted": 4, "imported_closing": 2, **duty}
        if not duty:
            found["confirmed"] = 5
        return found
    found = {"done": 4, "noted": 4, "ordered": 4, "answered": 2, "reclassified": 2, **duty}
    found["imported_closing"] = 1
    outstanding = slow.outstanding()
    if outstanding is not None:
        found |= {"moved_alone": 6, "moved_agreed": 6, "given_up": 6}
        found["accepted"] = 1 if outstanding.accepted else 6
    elif slow.movable() is not None:
        found |= {"moved_agreed": 2, "moved_alone": 2, "promised": 2}
    else:
        found |= {"promised": 7, "accepted": 1}
    if slow.expected_on_site():
        found["arrived"] = 16
    if slow.status == PAUSED:
        found |= {"extended": 12, "resumed": 12}
    if slow.status == OPEN:
        found["paused"] = 6
    return found


def _made(choose: Choose, slow: Slow, kind: str) -> Entry:
    at = slow.now
    plain = Entry(kind=kind, at=at, by=_one(choose, DESK))
    match kind:
        case "promised" | "moved_alone" | "moved_agreed":
            by = _one(choose, (*DESK, OPERATORS[0]))
            return replace(plain, by=by, form=_one(choose, (OUTCOME, ANSWER)), due=_due(choose, at))
        case "accepted":
            elsewhere = slow.outstanding() is None
            return replace(
                plain,
                due=_due(choose, at) if elsewhere else None,
                on_site=bool(choose(0, 1)),
            )
        case "ordered":
            return replace(plain, on_site=bool(choose(0, 2)))
        case "arrived":
            return replace(plain, by=_one(choose, OPERATORS))
        case "done":
            # Rarely somebody of the desk, who then cannot enter the customer's word.
            who = DESK[:1] if choose(0, 9) == 9 else OPERATORS
            return replace(plain, by=_one(choose, who))
        case "noted":
            return replace(plain, told=bool(choose(0, 3)))
        case "paused":
            return replace(plain, reason=_one(choose, slow.rules.reasons), end=_end(choose, at))
        case "extended":
            return replace(plain, end=max(slow.pause_end or at, at) + choose(1, 8 * 60))
        case "confirmed":
            return replace(plain, opinion=_one(choose, OPINIONS))
        case "reclassified":
            other = "major" if slow.severity == "general" else "general"
            return replace(plain, severity=other)
        case "answered" | "given_up" | "resumed" | "attempted" | "apologised" | "reopened":
            return plain
        case "imported_closing":
            return plain
    raise AssertionError(kind)


def _due(choose: Choose, at: int) -> int:
    """A promised time: soon, in some hours, or on another day."""
    how = choose(0, 3)
    if how <= 1:
        return at + choose(1, 90)
    return at + (choose(60, 10 * 60) if how == 2 else choose(10 * 60, 4 * A_DAY))


def _end(choose: Choose, at: int) -> int:
    return at + (choose(1, 120) if choose(0, 2) else choose(120, 3 * A_DAY))


@dataclass(frozen=True)
class Share:
    """How often a kind of entry occurs among those after the receipt."""

    kind: str
    count: int
    percent: float


def shares(many: list[Life]) -> list[Share]:
    """How often each kind occurs in many lives."""
    kinds = [entry.kind for life in many for entry in life[1:]]
    return [
        Share(kind, kinds.count(kind), 100 * kinds.count(kind) / len(kinds))
        for kind in KINDS
        if kind != "received"
    ]
