"""Facts by household as merges of files count: the one place in which both engines ask (OWN-09).

What merged files say of accounts, purchases, requests and opinions is said of the surviving one.
Whose the household was, and when, its own file says alone. A number that two accounts gave twice
would be one thing in the surviving account, so those of merged files are told with the household
that gave them: `V00002:2011-03`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date, datetime
from functools import cache
from operator import itemgetter
from typing import Any

import attrs

from crm_core.kernel.recorded import Cutoff, KnownEvent
from crm_core.opinions.facts import OpinionRecorded, OpinionWithdrawn
from crm_core.owners.facts import (
    MERGES_STREAM,
    TENURES,
    VOIDS,
    HouseholdRegistered,
    Redirects,
    redirects,
)
from crm_core.ports import EventLog

_NUMBERED = (
    "acknowledgement", "charge", "charges", "clause", "dispute", "of", "payment", "promise",
    "purchase", "refund", "replaces", "waiver",
)  # fmt: skip
"""Fields of events of an account with a number that is unique within it."""

OWN_FILE = (HouseholdRegistered, *TENURES, *VOIDS)
"""What a file says of itself alone."""


def merges_seen(
    log: EventLog, on: date | None, known: datetime | None = None, position: int | None = None
) -> Redirects:
    """The merges that count on a day, as known at an instant and up to a position.

    Args:
        on: By default all that were told, whatever their day.
    """
    return redirects(
        (
            recorded.event
            for recorded in log.read(MERGES_STREAM)
            if (known is None or recorded.recorded <= known)
            and (position is None or recorded.position <= position)
        ),
        on,
    )


def merged_ever(log: EventLog) -> frozenset[str]:
    """Everybody whose file was ever merged, or merged into, undone or not."""
    told = [recorded.event for recorded in log.read(MERGES_STREAM)]
    return frozenset(one for event in told for one in (event.household, event.into))


def merges_telling(log: EventLog, household: str) -> tuple[int, ...]:
    """Where the log tells of merges of a file."""
    told = ((recorded.position, recorded.event) for recorded in log.read(MERGES_STREAM))
    return tuple(position for position, event in told if event.household == household)


def merges_at(log: EventLog, on: date, cutoff: Cutoff) -> Redirects:
    """The merges that count on a day, as known at a cut-off."""
    return merges_seen(log, on, cutoff.known, cutoff.position)


def facts_by_household(
    log: EventLog,
    merges: Redirects,
    *,
    names: Collection[str],
    upto: int | None = None,
    households: Sequence[str] | None = None,
) -> Iterator[tuple[str, list[KnownEvent]]]:
    """The same as `EventLog.facts`, merged files with the surviving one; households sorted.

    Args:
        households: Who is asked about; who was merged is asked about by the surviving file.
    """
    if not merges.into:
        yield from log.facts(upto=upto, names=names, households=households)
        return
    groups = merges.groups()
    asked = None if households is None else merges.survivors(households)
    wanted = [groups.get(one, ()) for one in (groups if asked is None else asked)]
    parts = sorted(one for merged in wanted for one in merged)
    told_of = dict(log.facts(upto=upto, names=names, households=parts)) if parts else {}
    for household, told in log.facts(upto=upto, names=names, households=asked):
        if household not in merges.into:
            others = [(one, told_of.get(one, [])) for one in groups.get(household, ())]
            yield household, joined(told, others)


def facts_of(
    log: EventLog,
    household: str,
    told: list[KnownEvent],
    merges: Redirects,
    names: Collection[str],
) -> list[KnownEvent]:
    """What one household's own facts become where files were merged into it."""
    parts = merges.merged(household)
    return joined(told, log.facts(names=names, households=parts)) if parts else told


def joined(
    told: list[KnownEvent], others: Iterable[tuple[str, list[KnownEvent]]]
) -> list[KnownEvent]:
    """The facts of a surviving file with those of the files merged into it, in order of the log."""
    found = list(told)
    for household, facts in others:
        for position, known, event in facts:
            if type(event) not in OWN_FILE:
                found.append((position, known, told_of(event, household)))
    if len(found) > len(told):
        found.sort(key=itemgetter(0))
    return found


def told_of(event: Any, household: str) -> Any:
    """An event of a merged file as the surviving one tells it."""
    kind: type = type(event)
    names = _numbers(kind)
    changes = {
        name: _named(household, value)
        for name in names
        if (value := getattr(event, name)) is not None
    }
    parts = getattr(event, "parts", None)
    if parts and names:
        changes["parts"] = tuple(
            attrs.evolve(part, charge=_named(household, part.charge)) for part in parts
        )
    return attrs.evolve(event, **changes) if changes else event


def _named(household: str, number: Any) -> Any:
    if isinstance(number, tuple):
        return tuple(f"{household}:{one}" for one in number)
    return f"{household}:{number}"


@cache
def _numbers(kind: type) -> tuple[str, ...]:
    """Fields of an event with numbers that another file of the household may have given too."""
    if kind in (OpinionRecorded, OpinionWithdrawn):
        return ("opinion",)
    if not kind.__module__.startswith("crm_core.payments."):
        # The numbers of requests are those of the whole company.
        return ()
    names = {field.name for field in attrs.fields(kind)}
    return tuple(name for name in _NUMBERED if name in names)
