"""From roles to tenures: when a household changed hands (OWN-02, PAY-16).

A new tenure begins when none of the owners of the one before is left: whoever becomes an owner
while one of them stays joins them, and adding a co-owner wipes nothing. The last day belongs to who
leaves, and days without an owner to the last one. While a tenant owes by contract the tenure is the
tenant's; that of the owners rests, and goes on afterwards if they are still the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import zip_longest
from typing import Any

from crm_core.kernel.dates import Period
from crm_core.kernel.tenures import FIRST, ONE, Span, Tenure, Tenures
from crm_core.kernel.values import define
from crm_core.owners.events import DebtorAgreed, DebtorReleased, MemberAdded, RoleEnded
from crm_core.owners.state import Household

OWNING = ("owner", "co_owner")
"""Roles whose holders own a household."""

_DAY = timedelta(days=1)


@define
class _Stay:
    """Days on which a member owns, or owes by contract; no last day while it goes on."""

    member: str
    since: date
    until: date | None


@define
class _Group:
    """Owners of one tenure; `first` and `last` are its days."""

    members: list[str]
    first: date
    last: date | None


def tenures(events: Iterable[Any]) -> Tenures:
    """The tenures that events of a household's file tell of, in the order of the log.

    Args:
        events: `MemberAdded`, `RoleEnded`, `DebtorAgreed` and `DebtorReleased`; others do no harm.
    """
    owned: list[tuple[str, _Stay]] = []
    rented: list[_Stay] = []
    agreed: dict[str, _Stay] = {}
    for event in events:
        kind = type(event)
        if kind is MemberAdded:
            if event.role in OWNING:
                owned.append((event.role, _Stay(event.member, event.since, None)))
            elif event.role == "tenant":
                rented.append(_Stay(event.member, event.since, None))
        elif kind is RoleEnded:
            held = [stay for role, stay in owned if role == event.role]
            for stay in rented if event.role == "tenant" else held:
                open_then = stay.until is None and stay.since <= event.until
                if stay.member == event.member and open_then:
                    stay.until = event.until
        elif kind is DebtorAgreed:
            agreed[event.agreement] = _Stay(event.member, event.since, event.until)
        elif kind is DebtorReleased and event.agreement in agreed:
            agreed[event.agreement].until = event.until
    return _tenures([stay for _, stay in owned], rented, list(agreed.values()))


def tenures_of(file: Household) -> Tenures:
    """The tenures of a household, by its file as it stands."""
    stays = [(r.role, _Stay(r.member, r.since, r.until)) for r in file.roles()]
    agreed = [
        _Stay(e.member, e.since, file.released.get(number) or e.until)
        for number, e in file.agreed.items()
    ]
    owned = [stay for role, stay in stays if role in OWNING]
    return _tenures(owned, [stay for role, stay in stays if role == "tenant"], agreed)


def _tenures(owned: list[_Stay], rented: list[_Stay], agreed: list[_Stay]) -> Tenures:
    if len(owned) < 2 and not agreed:
        return _one(owned[0].member) if owned else ONE
    groups = _groups(sorted(owned, key=lambda stay: (stay.since, stay.member)))
    return _laid(groups, list(_letting(agreed, rented)))


def _one(member: str) -> Tenures:
    return Tenures((Tenure(FIRST, (member,)),), ONE.spans)


def _groups(stays: list[_Stay]) -> list[_Group]:
    """The owners, by the time in which some of them always stayed."""
    groups: list[_Group] = []
    for stay in stays:
        if groups and _joins(stay, groups[-1]):
            group = groups[-1]
            if stay.member not in group.members:
                group.members.append(stay.member)
            group.last = _later(group.last, stay.until)
        elif groups:
            last = groups[-1].last
            assert last is not None
            groups.append(_Group([stay.member], max(stay.since, last + _DAY), stay.until))
        else:
            groups.append(_Group([stay.member], date.min, stay.until))
    return groups


def _joins(stay: _Stay, group: _Group) -> bool:
    """Whether one of the group is left beside, or behind, who comes."""
    if group.last is None or stay.since < group.last or stay.member in group.members:
        return True
    # Whoever was gone before the others were leaves no days of their own.
    return stay.until is not None and stay.until <= group.last


def _later(one: date | None, other: date | None) -> date | None:
    return None if one is None or other is None else max(one, other)


def _letting(agreed: Iterable[_Stay], rented: list[_Stay]) -> Iterator[_Stay]:
    """The times in which tenants owe, one after the other: one at a time, the latest who came."""
    in_order = sorted(agreed, key=lambda s: (s.since, s.member))
    for stay, following in zip_longest(in_order, in_order[1:]):
        ends = [r.until for r in rented if r.member == stay.member and r.since <= stay.since]
        until = _sooner(stay.until, ends[-1] if ends else None)
        if following is not None:
            # The last day belongs to who leaves.
            until = _sooner(until, max(stay.since, following.since - _DAY))
        yield _Stay(stay.member, stay.since, until)


def _sooner(one: date | None, other: date | None) -> date | None:
    return min((day for day in (one, other) if day is not None), default=None)


def _laid(groups: list[_Group], lettings: list[_Stay]) -> Tenures:
    """Owners' tenures with those of tenants laid over them."""
    every: list[Tenure] = []
    owners: list[tuple[date, int]] = []
    for group in groups or [_Group([], date.min, None)]:
        key = FIRST if group.first == date.min else group.first.isoformat()
        owners.append((group.first, len(every)))
        every.append(Tenure(key, tuple(group.members)))
    begins = dict(owners)
    for stay in lettings:
        before = [n for n, t in enumerate(every) if t.tenant and t.debtors == (stay.member,)]
        same = bool(before) and before[-1] == len(every) - 1
        if not same:
            every.append(Tenure(f"tenant-{stay.since.isoformat()}", (stay.member,), True))
        begins = {day: n for day, n in begins.items() if not _within(day, stay)}
        begins[stay.since] = len(every) - 1
        if stay.until is not None and stay.until < date.max:
            back = stay.until + _DAY
            begins.setdefault(back, max(o for o in owners if o[0] <= back)[1])
    spans: list[Span] = []
    for day, number in sorted(begins.items()):
        if not spans or spans[-1].tenure != number:
            spans.append(Span(day, number))
    return Tenures(tuple(every), tuple(spans))


def _within(day: date, stay: _Stay) -> bool:
    return stay.since <= day and (stay.until is None or day <= stay.until)


CONCERNED = frozenset({*OWNING, "tenant", "user"})
"""Roles of whom a household's grading concerns (GRD-13)."""


def concerned(file: Household, tenure: str, days: Period) -> Iterator[str]:
    """Members who owned or used a household on one of some days, within a tenure.

    Args:
        tenure: Its key.
    """
    held = tenures_of(file)
    number = held.find(tenure)
    spans = () if number is None else held.days(number)
    for role in file.roles():
        if role.role in CONCERNED:
            until = role.until or date.max
            if any(
                max(role.since, first, days.start) <= min(until, last, days.end)
                for first, last in spans
            ):
                yield role.member
