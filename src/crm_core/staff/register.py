"""The register of staff: who holds which role when, and how they are reached (LOG-08, OUT-01).

Where there is one, a role that somebody claims must be registered for them on that day. Without
one the host is trusted to say who acts.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import attrs

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.authority import Own
from crm_core.kernel.catalog import EventType
from crm_core.kernel.commands import DayAhead, Id, act_of, looked_up
from crm_core.kernel.decider import Decider, Decision, Refusal, by_command, by_event
from crm_core.kernel.growing import NOTHING, GrowingList
from crm_core.kernel.recorded import STAFF_ROLES, Actor
from crm_core.kernel.refusals import no_reason, unknown
from crm_core.kernel.sealed import Personal, PersonalValue, Text
from crm_core.kernel.text import check_id
from crm_core.kernel.trades import TRADES
from crm_core.kernel.values import define, frozen

WHOLE = "company"
"""The one register's id."""

LEADING = "director"
"""The role that the register begins with, and that somebody holds ever after."""

OPERATOR = "operator"
"""The role of who does the work of a trade."""

A_DAY = timedelta(days=1)


@frozen
class StaffRoleBegun:
    """A member of staff holds a role from a day on."""

    staff: str
    role: str
    since: date
    contact: PersonalValue | None
    entered_by: str


@frozen
class StaffRoleEnded:
    """A role ended; `until` is its last day. Told again, it ends earlier than was said before."""

    staff: str
    role: str
    until: date
    reason: Text
    entered_by: str


@frozen
class StaffContactChanged:
    """How a member of staff is reached, as newly told."""

    staff: str
    contact: PersonalValue
    entered_by: str


@frozen
class TradesAssigned:
    """An operator works in these trades from a day on, and in no others (REQ-06)."""

    staff: str
    trades: tuple[str, ...]
    since: date
    entered_by: str


@frozen
class StaffIdsJoined:
    """Two ids are the same person's: accounts of a member of staff, or one's that of a member.

    Args:
        also: The other id.
    """

    staff: str
    also: str
    reason: Text
    entered_by: str


@frozen
class StaffIdsParted:
    """Two ids that were said to be the same person's are not.

    Args:
        also: The other id.
    """

    staff: str
    also: str
    reason: Text
    entered_by: str


EVENTS = (
    EventType("staff.role_begun", 1, StaffRoleBegun, "since"),
    EventType("staff.role_ended", 1, StaffRoleEnded, "until"),
    EventType("staff.contact_changed", 1, StaffContactChanged),
    EventType("staff.trades_assigned", 1, TradesAssigned, "since"),
    EventType("staff.ids_joined", 1, StaffIdsJoined),
    EventType("staff.ids_parted", 1, StaffIdsParted),
)


@frozen
class HeldRole:
    """A role that somebody holds for a time.

    Args:
        until: Its last day, None while it goes on; before its first day if it never came about.
    """

    staff: str
    role: str
    since: date
    until: date | None = None

    def covers(self, day: date) -> bool:
        """Whether the role is held on that day."""
        return self.since <= day and (self.until is None or day <= self.until)

    def over_by(self, day: date) -> bool:
        """Whether that day, or one before it, is known to be the last."""
        return self.until is not None and self.until <= day


@define
class Register:
    """Who holds which role.

    Args:
        periods: Who holds what when, in the order in which it was entered.
        contacts: Every way to reach somebody, in the order in which they were told.
        assigned: The trades of operators, in the order in which they were entered.
        joined: Pairs of ids that are the same person's.
    """

    # A company has few people and they change seldom: copying the list costs nothing.
    periods: tuple[HeldRole, ...] = ()
    contacts: GrowingList[tuple[str, PersonalValue]] = NOTHING
    assigned: tuple[TradesAssigned, ...] = ()
    joined: tuple[frozenset[str], ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nobody was ever registered."""
        return not self.periods

    def in_force(self, on: date) -> bool:
        """Whether a claimed role must be registered: from the first day of the first director on.

        Before that nobody could act at all, so until then the host is trusted as without one.
        """
        return any(p.since <= on and p.covers(p.since) for p in self.of(role=LEADING))

    def of(self, staff: str | None = None, role: str | None = None) -> list[HeldRole]:
        """The periods of one person, of one role, or of both."""
        return [p for p in self.periods if staff in (None, p.staff) and role in (None, p.role)]

    def holds(self, staff: str, role: str, on: date) -> bool:
        """Whether that person holds the role on a day."""
        return any(period.covers(on) for period in self.of(staff, role))

    def names(self, staff: str) -> bool:
        """Whether that person is, or was, on the staff."""
        return bool(self.of(staff))

    def ids_of(self, person: str) -> frozenset[str]:
        """Every id of the same person, that one included (LOG-08)."""
        found, left = frozenset({person}), list(self.joined)
        while touching := [pair for pair in left if not pair.isdisjoint(found)]:
            found = found.union(*touching)
            left = [pair for pair in left if pair not in touching]
        return found

    def is_staff(self, person: str) -> bool:
        """Whether that person, by whatever id, is, or was, on the staff."""
        return any(self.names(one) for one in self.ids_of(person))

    def employs(self, staff: str, on: date) -> bool:
        """Whether that person holds any role on a day."""
        return any(period.covers(on) for period in self.of(staff))

    def left(self, staff: str, on: date) -> bool:
        """Whether that person was on the staff and is not any more on a day."""
        return self.names(staff) and not self.employs(staff, on)

    def holders(self, role: str, on: date) -> tuple[str, ...]:
        """Who holds a role on a day, sorted."""
        return tuple(sorted({p.staff for p in self.of(role=role) if p.covers(on)}))

    def trades(self, staff: str, on: date) -> tuple[str, ...]:
        """What somebody works in on a day: as was said last of the latest day up to it."""
        found: tuple[str, ...] = ()
        since = date.min
        for assigned in self.assigned:
            if assigned.staff == staff and since <= assigned.since <= on:
                found, since = assigned.trades, assigned.since
        return found

    def operators(self, trade: str, on: date) -> tuple[str, ...]:
        """The operators of a trade on a day, sorted."""
        return tuple(s for s in self.holders(OPERATOR, on) if trade in self.trades(s, on))

    def contact(self, staff: str) -> PersonalValue | None:
        """How somebody is reached, as last told."""
        told = [value for who, value in self.contacts if who == staff]
        return told[-1] if told else None


@frozen
class RegisterStaff:
    """Enter who holds a role from a day on.

    Args:
        contact: How they are reached, sealed under their own key.
    """

    staff: str
    role: str
    since: DayAhead
    contact: Personal | None = None
    by: Actor = looked_up()


@frozen
class EndStaffRole:
    """End a role after `until`, its last day; whatever of it was to come later does not come.

    A role that is to end later can end earlier.
    """

    staff: str
    role: str
    until: DayAhead
    reason: str
    by: Actor = looked_up()


@frozen
class ChangeStaffContact:
    """Note another way to reach a member of staff."""

    staff: str
    contact: Personal
    by: Actor = looked_up()


@frozen
class AssignTrades:
    """Say which trades an operator works in from a day on.

    Only they can grab orders of a trade, and only they take turns in it (REQ-06).
    """

    staff: str
    trades: tuple[str, ...]
    since: DayAhead
    by: Actor = looked_up()


@frozen
class JoinStaffIds:
    """Say that two ids are the same person's, whatever each may do: what needs a second person
    needs somebody else than both (LOG-08).

    Args:
        staff: Id of a member of staff.
        also: The other id: of another account, or that of a member of a household.
    """

    staff: str
    also: Id
    reason: str
    by: Actor = looked_up()


@frozen
class PartStaffIds:
    """Say that two ids that were joined are not the same person's; neither of them does."""

    staff: str
    also: Id
    reason: str
    by: Actor = looked_up()


# --- what follows from a command -------------------------------------------------------------


def _register(command: RegisterStaff, state: Register) -> Decision:
    if command.role not in STAFF_ROLES:
        return unknown("role", command.role, STAFF_ROLES, rule="LOG-08")
    if not _is_id(command.staff):
        # Whoever acts has an id, and nobody could ever act as this one.
        return Refusal("staff_id_malformed", "LOG-08")
    if command.contact is not None and command.contact.subject != command.staff:
        return Refusal("contact_of_another", "OUT-01", {"staff": command.staff})
    if state.empty and command.role != LEADING:
        # Whoever is not registered can do nothing more, so the first must be able to go on.
        return Refusal("register_begins_with_director", "LOG-08")
    refused = _held(command, state) or _too_high(command, state)
    if refused is not None:
        return refused
    return (
        StaffRoleBegun(
            staff=command.staff,
            role=command.role,
            since=command.since,
            contact=command.contact,
            entered_by=command.by.id,
        ),
    )


def _held(command: RegisterStaff, state: Register) -> Refusal | None:
    """Why the role does not begin then, if so: it begins behind all that was told of it before.

    A first day before the end of an earlier period would undo that end.
    """
    details = {"staff": command.staff, "role": command.role}
    for period in state.of(command.staff, command.role):
        if period.until is None:
            return Refusal("staff_role_held", "LOG-08", details)
        if command.since <= period.until:
            details["until"] = period.until.isoformat()
            return Refusal("staff_role_held", "LOG-08", details, "staff_role_held_until")
    return None


def _too_high(command: RegisterStaff | EndStaffRole, state: Register) -> Refusal | None:
    """Who is not a director makes no director and ends none, or every manager were one."""
    if state.empty or command.role != LEADING or command.by.role == LEADING:
        return None
    kind: type = type(command)
    details = {"act": act_of(kind), "role": command.by.role, "accepted": [LEADING]}
    return Refusal("role_insufficient", "LOG-08", details)


def _end(command: EndStaffRole, state: Register) -> Decision:
    details = {"staff": command.staff, "role": command.role}
    lasting = [p for p in state.of(command.staff, command.role) if not p.over_by(command.until)]
    if not lasting:
        return Refusal("staff_role_not_held", "LOG-08", details)
    if all(command.until < period.since for period in lasting):
        details["since"] = lasting[0].since.isoformat()
        return Refusal("role_ends_before_it_begins", "LOG-08", details)
    if not command.reason.strip():
        return no_reason("LOG-06")
    if command.role == LEADING and not _another_leads(command, state):
        return Refusal("last_director", "LOG-08", {"staff": command.staff})
    refused = _too_high(command, state)
    if refused is not None:
        return refused
    return (
        StaffRoleEnded(
            staff=command.staff,
            role=command.role,
            until=command.until,
            reason=command.reason,
            entered_by=command.by.id,
        ),
    )


def _another_leads(command: EndStaffRole, state: Register) -> bool:
    """Whether somebody else is a director from the day behind the end on, without an end."""
    return any(
        period.since <= command.until or period.since - A_DAY == command.until
        for period in state.of(role=LEADING)
        if period.staff != command.staff and period.until is None
    )


def _contact(command: ChangeStaffContact, state: Register) -> Decision:
    if not state.names(command.staff):
        return Refusal("unknown_staff", "LOG-08", {"staff": command.staff})
    if command.contact.subject != command.staff:
        return Refusal("contact_of_another", "OUT-01", {"staff": command.staff})
    return (
        StaffContactChanged(staff=command.staff, contact=command.contact, entered_by=command.by.id),
    )


def _assign(command: AssignTrades, state: Register) -> Decision:
    for trade in command.trades:
        if trade not in TRADES:
            return unknown("trade", trade, TRADES, rule="REQ-06")
    if not state.holds(command.staff, OPERATOR, command.since):
        details = {"staff": command.staff, "on": command.since.isoformat()}
        return Refusal("not_an_operator", "REQ-06", details)
    trades = tuple(sorted(set(command.trades)))
    if state.trades(command.staff, command.since) == trades:
        return ()
    return (
        TradesAssigned(
            staff=command.staff,
            trades=trades,
            since=command.since,
            entered_by=command.by.id,
        ),
    )


def _join(command: JoinStaffIds, state: Register) -> Decision:
    if not state.names(command.staff):
        return Refusal("unknown_staff", "LOG-08", {"staff": command.staff})
    if command.also == command.staff:
        return Refusal("ids_the_same", "LOG-08", {"staff": command.staff})
    if _pair(command) in state.joined:
        return ()
    if not command.reason.strip():
        return no_reason("LOG-06")
    return (
        StaffIdsJoined(
            staff=command.staff,
            also=command.also,
            reason=command.reason,
            entered_by=command.by.id,
        ),
    )


def _part(command: PartStaffIds, state: Register) -> Decision:
    if _pair(command) not in state.joined:
        details = {"staff": command.staff, "also": command.also}
        return Refusal("ids_not_joined", "LOG-08", details)
    if not command.reason.strip():
        return no_reason("LOG-06")
    return (
        StaffIdsParted(
            staff=command.staff,
            also=command.also,
            reason=command.reason,
            entered_by=command.by.id,
        ),
    )


def _pair(about: Any) -> frozenset[str]:
    return frozenset({about.staff, about.also})


def _own(command: Any, _state: Register) -> Own | None:
    """Nobody makes two persons of themselves, by whichever of their ids."""
    if isinstance(command, PartStaffIds):
        return Own(others=frozenset({command.staff, command.also}))
    return None


def _is_id(text: str) -> bool:
    try:
        check_id(text)
    except ValueError:
        return False
    return True


_DECIDE: dict[type, Any] = {
    RegisterStaff: _register,
    EndStaffRole: _end,
    ChangeStaffContact: _contact,
    AssignTrades: _assign,
    JoinStaffIds: _join,
    PartStaffIds: _part,
}


# --- what follows from an event --------------------------------------------------------------


def _begun(state: Register, e: StaffRoleBegun) -> Register:
    contacts = state.contacts if e.contact is None else state.contacts.append((e.staff, e.contact))
    begun = HeldRole(e.staff, e.role, e.since)
    return attrs.evolve(state, periods=(*state.periods, begun), contacts=contacts)


def _ended(state: Register, e: StaffRoleEnded) -> Register:
    """Whatever would go on beyond the last day ends with it, or never comes about."""
    return attrs.evolve(
        state,
        periods=tuple(
            attrs.evolve(period, until=e.until)
            if (period.staff, period.role) == (e.staff, e.role) and not period.over_by(e.until)
            else period
            for period in state.periods
        ),
    )


REGISTER = Aggregate(
    Decider(
        "register",
        Register(),
        by_command(_DECIDE),
        by_event(
            {
                StaffRoleBegun: _begun,
                StaffRoleEnded: _ended,
                StaffContactChanged: lambda state, e: attrs.evolve(
                    state, contacts=state.contacts.append((e.staff, e.contact))
                ),
                TradesAssigned: lambda state, e: attrs.evolve(state, assigned=(*state.assigned, e)),
                StaffIdsJoined: lambda state, e: attrs.evolve(
                    state, joined=(*state.joined, _pair(e))
                ),
                StaffIdsParted: lambda state, e: attrs.evolve(
                    state, joined=tuple(one for one in state.joined if one != _pair(e))
                ),
            }
        ),
    ),
    tuple(_DECIDE),
    lambda _: WHOLE,
    lambda _: "",
    own=_own,
    needs_file=False,
)
