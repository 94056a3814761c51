"""A slice declares itself once, and everything that names all slices follows from it (0036).

What is declared: the events it records, the aggregates that decide, the acts that people give with
the roles that may give them, the policies it reads by their `kind`, the views it keeps, what the
clock brings about in it, which of its events lead to further commands, and what its households are
told. A slice knows the kernel and itself; what truly crosses slices stands in
`crm_core.application`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from typing import Any, Protocol, TypeVar

from attrs import field

from crm_core.kernel.aggregate import Aggregate, Claim
from crm_core.kernel.catalog import EventType
from crm_core.kernel.commands import act_of
from crm_core.kernel.policy import Policy, PolicyRef
from crm_core.kernel.projection import Projection
from crm_core.kernel.recorded import KnownEvent, Recorded
from crm_core.kernel.tenures import Tenures
from crm_core.kernel.ticking import Source
from crm_core.kernel.values import frozen
from crm_core.kernel.worklists import Worklist

P = TypeVar("P", bound=Policy)


class Sight(Protocol):
    """What a look-up sees: streams as they stand in the work in progress, and policies.

    Args:
        at: The recorded instant of what is decided.
        present_day: The day by the clock, whatever instant a caller names.
        zone: Zone in which instants fall on days.
    """

    at: datetime
    present_day: date
    zone: str

    def state(self, aggregate: Aggregate, identity: str) -> Any:
        """The state of a stream."""
        ...

    def taken(self, claim: Claim) -> Any:
        """The event that took a name, or None."""
        ...

    def known(self, aggregate: Aggregate, identity: str) -> Iterable[KnownEvent]:
        """The events of a stream, each with when it came to be known, in order."""
        ...

    def estate(self, household: str) -> str:
        """The estate that a household is in; empty without a file."""
        ...

    def tenures(self, household: str) -> Tenures:
        """Who owes in a household, and when (PAY-16)."""
        ...

    def tenures_known(self, household: str) -> Iterable[tuple[datetime, Tenures]]:
        """The same, each time it came to be known otherwise: instants, and the tenures from then.

        The last ones are those that are known now; nothing of a household without a file.
        """
        ...

    def same_household(self, one: str, other: str) -> bool:
        """Whether two files are of one household, by merges that stand (OWN-09)."""
        ...

    def policy(self, kind: type[P], name: str, day: date) -> P:
        """The policy of that name to be used on a day; see `Policies.find`."""
        ...

    def pinned(self, kind: type[P], ref: PolicyRef) -> P:
        """The very policy that a record pins; see `Policies.pinned`."""
        ...

    def every(self, kind: type[P]) -> tuple[P, ...]:
        """All policies of a kind at hand, those adopted in the log among them."""
        ...


LookUp = Callable[[Any, Any, Sight], Any]
"""`(command, state, sight) -> the command, its fields made by `looked_up()` filled`."""

Reaction = Callable[[Recorded[Any]], tuple[Any, ...]]
"""The commands that follow from an event."""


@frozen
class Notice:
    """What a household is told.

    Args:
        template: Name of its template.
        values: What it is filled with.
        happened_at: When it happened, if not when it was recorded: what is told late enough is
            told nobody any more.
    """

    template: str
    values: Mapping[str, object]
    happened_at: datetime | None = None


@frozen
class StaffNotice:
    """What members of staff are told, and who: a person, those of a department, or of a role.

    Args:
        happened_at: As for a household.
        person: Id of the member of staff.
        department: A trade, or a role that is a department.
        role: The role whose holders are told.
    """

    template: str
    values: Mapping[str, object]
    happened_at: datetime | None
    person: str = ""
    department: str = ""
    role: str = ""


class Reading(Protocol):
    """What a notice to staff may look at: streams as they stand."""

    def state(self, aggregate: Aggregate, identity: str) -> Any:
        """The state of a stream."""
        ...


StaffNotices = Callable[[Any, Reading], tuple[StaffNotice, ...]]


@frozen
class Act:
    """Something that somebody can do.

    Args:
        what: The class of its command, or a name where it is no command of its own.
        roles: Who may, in the table that holds where no other was adopted (LOG-08).
        importable: Whether an import may bring it: a fact, never a decision.
    """

    what: type | str
    roles: tuple[str, ...] = ()
    importable: bool = False

    @property
    def name(self) -> str:
        """As tables and the command line name it: `raise-charge`."""
        return self.what if isinstance(self.what, str) else act_of(self.what)


@frozen
class PolicyKind:
    """A kind of policy.

    Args:
        kind: What its files say under `kind`.
        cls: The class of its policies.
        parse: From TOML text.
        adoptable: Whether a version can be adopted in the log (GRD-11).
    """

    kind: str
    cls: type
    parse: Callable[[str], Policy]
    adoptable: bool = False


@frozen
class Slice:
    """All that a slice is to the rest.

    Args:
        name: Its name, with which the names of its events and views begin.
        package: Its import package, where its files of policies and sentences lie.
        events: What it records.
        aggregates: What decides.
        readable: What can be read as it stood on a day, by the class of its state.
        acts: What people do.
        look_ups: What commands must be told to be decided, as far as the slice itself knows it.
        policies: The kinds of policy it reads.
        shipped: Folders of its package with policy files (`*.toml`).
        projections: The views it keeps.
        clock: What falls due in it.
        reactions: Which of its events lead to which commands.
        notices: What its households are told, by the event it follows from.
        staff_notices: What staff are told, likewise.
        worklists: What waits for people in it; their views are among its views.
        sentences: A file of its package with sentences, tables by family; none of the library's
            own slices has one, theirs stand in `crm_core/sentences`.
        data_map: A file of its package, or its text, that says of which class each field of its
            events and views is; every slice that has any has one (`crm_core.kernel.data_map`).
    """

    name: str
    package: str
    events: tuple[EventType, ...] = ()
    aggregates: tuple[Aggregate, ...] = ()
    readable: Mapping[type, Aggregate] = field(factory=dict)
    acts: tuple[Act, ...] = ()
    look_ups: Mapping[type, LookUp] = field(factory=dict)
    policies: tuple[PolicyKind, ...] = ()
    shipped: tuple[str, ...] = ()
    projections: tuple[Projection[Any], ...] = ()
    clock: tuple[Source, ...] = ()
    reactions: Mapping[type, Reaction] = field(factory=dict)
    notices: Mapping[type, Callable[[Any], Notice]] = field(factory=dict)
    staff_notices: Mapping[type, StaffNotices] = field(factory=dict)
    worklists: tuple[Worklist, ...] = ()
    sentences: str = ""
    data_map: str = ""
