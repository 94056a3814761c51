"""What waits for somebody today: their work list, over all slices (REQ-06, REQ-13, LOG-08)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from attrs import evolve

from crm_core.application.authority import Authority, acting
from crm_core.application.checking import utc
from crm_core.application.desk import Desk
from crm_core.application.host import Host
from crm_core.application.streams import Streams
from crm_core.application.work import aggregate_of
from crm_core.errors import Invalid
from crm_core.gradings.engines.merged import merges_seen
from crm_core.kernel.commands import act_of
from crm_core.kernel.dates import local_date
from crm_core.kernel.recorded import STAFF_ROLES, Actor
from crm_core.kernel.roles import DESK
from crm_core.kernel.values import frozen
from crm_core.kernel.worklists import Task, Worklist
from crm_core.owners.facts import Redirects
from crm_core.staff.register import Register

PAGE_ROWS = 1000
_OPEN = "~"
"""Rows that ask nothing of anybody stand from here on."""


def todo(host: Host, desk: Desk, by: Actor, now: datetime | None) -> list[Task]:
    """What waits for somebody; see `CRM.todo`."""
    by = acting(by)
    desk.may(by, "todo")
    asker = _Asker(host, desk, by, utc(now, "now") or host.clock.now())
    merges = merges_seen(host.log, None)
    found = [
        _of_survivor(task, merges)
        for worklist in host.registry.worklists
        for row in _rows(host, worklist)
        for task in worklist.tasks(row, asker)
    ]
    return sorted(found, key=lambda task: (task.due_at or task.since, task.what, task.subject))


def _of_survivor(task: Task, merges: Redirects) -> Task:
    """What waits for a file that was merged waits for the surviving one (OWN-09)."""
    survivor = merges.survivor(task.household)
    if survivor == task.household:
        return task
    return evolve(task, household=survivor, details={**task.details, "file": task.household})


def _rows(host: Host, worklist: Worklist) -> Iterator[Any]:
    host.views.catch_up(worklist.view)
    after = ("", "")
    while True:
        rows = host.views.scan(worklist.view, after=after, limit=PAGE_ROWS)
        for order, key, row in rows:
            if order >= _OPEN:
                return
            yield row
            after = (order, key)
        if len(rows) < PAGE_ROWS:
            return


class _Asker:
    """Who asks, with what the table, the register and the log say of them."""

    def __init__(
        self,
        host: Host,
        desk: Desk,
        by: Actor,
        now: datetime,
        authority: Authority | None = None,
    ) -> None:
        self._host, self._by, self._authority = host, by, authority or desk.authority()
        self._streams = Streams(host.log, desk.texts)
        self._acts: dict[str, bool] = {}
        self.id, self.role, self.now, self.zone = by.id, by.role, now, host.zone

    @property
    def roles(self) -> frozenset[str]:
        """The role they act in, and those below it in customer service that nobody holds."""
        register, day = self._authority.register, self._authority.day
        found = {self.role}
        if self.role in DESK and register.in_force(day):
            for lower in reversed(DESK[: DESK.index(self.role)]):
                if register.holders(lower, day):
                    break
                found.add(lower)
        return frozenset(found)

    def is_of(self, department: str) -> bool:
        """Whether they are of a department; without a register every operator is of every trade."""
        register = self._authority.register
        day = local_date(self.now, self._host.zone)
        if self.role == department:
            return True
        if self.role != "operator":
            return False
        return not register.in_force(day) or department in register.trades(self.id, day)

    def may(self, command: Any) -> bool:
        """Whether they may give such a command: by their role, and as nothing of their own."""
        kind: type = type(command)
        act = act_of(kind)
        if act not in self._acts:
            self._acts[act] = self._authority.refuses(self._by, act) is None
        if not self._acts[act]:
            return False
        own = aggregate_of(self._host.registry, command).own(command, self.state_of(command))
        return self._authority.refuses_own(self._by, act, own) is None

    def has_left(self, staff: str) -> bool:
        """Whether somebody was on the staff and is not any more, by the register of it."""
        register, day = self._authority.register, local_date(self.now, self._host.zone)
        return register.in_force(day) and register.left(staff, day)

    def state_of(self, command: Any) -> Any:
        """The state that such a command would be decided on."""
        aggregate = aggregate_of(self._host.registry, command)
        return self._streams.load(aggregate, aggregate.stream(aggregate.id_of(command)))[0]

    def policy(self, kind: type[Any], name: str) -> Any:
        """The policy of that name on the day that is asked about; None where there is none."""
        try:
            return self._host.policies.find(kind, name, local_date(self.now, self.zone))
        except Invalid:
            return None


# --- what waits for whom -------------------------------------------------------------------------


@frozen
class WaitsFor:
    """What waits for a role.

    Args:
        held: Whether anybody holds it, or holds any where nobody is registered.
    """

    role: str
    held: bool
    tasks: tuple[Task, ...]


def waits(host: Host, desk: Desk, now: datetime) -> list[WaitsFor]:
    """What waits for each role of the staff, everything once, roles without anything left out.

    Where nobody is registered, what is somebody's own stands with the specialists, and what is a
    role's with the role. What waits for a role that nobody holds waits all the same.
    """
    authority, zone = desk.authority(), host.zone
    in_force = authority.register.in_force(local_date(now, zone))
    alone = evolve(authority, register=Register())
    rows = [(one, list(_rows(host, one))) for one in host.registry.worklists]
    named = {"specialist": sorted(_named(rows))} if not in_force else {}
    found = []
    for role in STAFF_ROLES:
        holders = authority.register.holders(role, local_date(now, zone)) if in_force else ()
        askers = [_Asker(host, desk, Actor(one, role), now) for one in holders]
        if not holders:
            nobody = [Actor(NOBODY, role), *(Actor(one, role) for one in named.get(role, ()))]
            askers = [_Asker(host, desk, one, now, alone) for one in nobody]
        tasks = {
            (task.what, task.subject, task.household, tuple(sorted(task.details.items()))): task
            for asker in askers
            for worklist, listed in rows
            for row in listed
            for task in worklist.tasks(row, asker)
        }
        if tasks:
            found.append(WaitsFor(role, bool(holders) or not in_force, tuple(tasks.values())))
    return found


NOBODY = "?"
"""Whose id nobody has."""


def _named(rows: Iterable[tuple[Worklist, list[Any]]]) -> set[str]:
    """Whose work is whose, as the work lists themselves name them."""
    names = ("owner", "assignee", "done_by", "assigned_to")
    return {
        one
        for _, listed in rows
        for row in listed
        for one in (getattr(row, name, "") for name in names)
        if isinstance(one, str) and one
    }
