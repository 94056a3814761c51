"""What an undo makes of what an import brought: for each command of it one that makes it void.

Beside it stands what keeps an undo from starting: whatever people, or other imports, have recorded
that rests on one of its facts. What the clock brought about follows from the facts and goes with
them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from crm_core.gradings.facts import VOIDS
from crm_core.kernel.naming import items
from crm_core.kernel.recorded import SYSTEM, Recorded
from crm_core.kernel.text import place_key
from crm_core.kernel.values import frozen
from crm_core.kernel.voiding import Voids, standing
from crm_core.owners.commands import VoidHousehold, VoidRole, VoidRoleEnd
from crm_core.owners.events import HouseholdRegistered, MemberAdded, RoleEnded
from crm_core.owners.facts import HouseholdMerged, MergeUndone
from crm_core.payments.commands import CancelCharge, ReversePayment, VoidPurchase
from crm_core.payments.events import (
    ChargeCancelled,
    ChargeCorrected,
    ChargeRaised,
    CreditRefunded,
    PaymentMovedIn,
    PaymentMovedOut,
    PaymentReceived,
    PaymentReversed,
    PurchaseMade,
    PurchaseRefunded,
    RefundProposed,
)
from crm_core.requests.commands import VoidClosing, VoidRequest
from crm_core.requests.events import (
    CalendarRenewed,
    ClockBreached,
    ClockWarned,
    ClosedUnanswered,
    ClosingVoided,
    CommitmentBroken,
    CommitmentKept,
    ConfirmationDue,
    Entry,
    Escalated,
    PauseEnded,
    RequestClosed,
    RequestReceived,
    RequestRetold,
    StepLifted,
    told_elsewhere,
)

Told = Sequence[Recorded[Any]]
"""The events of one command."""

_SYSTEM = str(SYSTEM)


@frozen
class Rests:
    """Something recorded that rests on a fact of an import.

    Args:
        position: Where the log says so.
        name: Stored name of its event.
        household: Whose it is.
        what: What it rests on: `household`, `role`, `charge`, `payment`, `purchase`, `request`.
        number: Number of that, or the member.
    """

    position: int
    name: str
    household: str
    what: str
    number: str


@frozen
class Fact:
    """A fact of an import.

    Args:
        what: `household`, `role`, `role_end`, `charge`, `payment`, `purchase`, `request` or
            `closing`.
        number: Its number; of a role the member; of a household its id.
        first: Position of its first event.
        events: The events of its command.
    """

    what: str
    number: str
    first: int
    events: Told

    @property
    def told(self) -> Recorded[Any]:
        """The event that tells it."""
        return next(e for e in self.events if type(e.event) in _FACTS)


def fact_of(events: Told) -> Fact | None:
    """The fact that the events of an import's command tell."""
    for recorded in events:
        found = _FACTS.get(type(recorded.event))
        if found is not None:
            what, number = found
            return Fact(what, getattr(recorded.event, number), events[0].position, events)
    return None


_FACTS: dict[type, tuple[str, str]] = {
    HouseholdRegistered: ("household", "household"),
    MemberAdded: ("role", "member"),
    RoleEnded: ("role_end", "member"),
    ChargeRaised: ("charge", "charge"),
    ChargeCorrected: ("charge", "charge"),
    PaymentReceived: ("payment", "payment"),
    PurchaseMade: ("purchase", "purchase"),
    PurchaseRefunded: ("purchase", "purchase"),
    RequestReceived: ("request", "request"),
    RequestClosed: ("closing", "request"),
}
"""What each event tells, and the field that holds its number."""


# --- what makes it void ------------------------------------------------------------------------


def voiding(fact: Fact, reason: str) -> Any:
    """The command that makes a fact void from its own day on."""
    told = fact.told
    return _VOIDING[fact.what](told, told.event, reason)


def _void_household(told: Recorded[Any], e: HouseholdRegistered, reason: str) -> VoidHousehold:
    place = place_key(e.estate, e.building, e.unit, e.room)
    return VoidHousehold(e.household, place, told.effective, reason)


_VOIDING: dict[str, Callable[[Recorded[Any], Any, str], Any]] = {
    "household": _void_household,
    "role": lambda _, e, reason: VoidRole(
        household=e.household, member=e.member, role=e.role, since=e.since, reason=reason
    ),
    "role_end": lambda _, e, reason: VoidRoleEnd(
        household=e.household, member=e.member, role=e.role, until=e.until, reason=reason
    ),
    "charge": lambda told, e, reason: CancelCharge(told.household, e.charge, e.due, reason),
    "payment": lambda told, e, reason: ReversePayment(told.household, e.payment, e.paid_on, reason),
    "purchase": lambda told, e, reason: VoidPurchase(told.household, e.purchase, reason),
    "request": lambda _, e, reason: VoidRequest(e.request, reason),
    "closing": lambda _, e, reason: VoidClosing(e.request, e.closed_at, reason),
}


# --- what is void already, and what rests on it ------------------------------------------------


def ended_by_hand(others: Told) -> list[Recorded[Any]]:
    """What somebody has cancelled or reversed, of whatever import."""
    return [r for r in others if _ended(r.event) is not None and r.envelope.imported is None]


def is_gone(fact: Fact, ended: Iterable[Recorded[Any]]) -> bool:
    """Whether somebody has made it void by hand, wholly and from its own day on."""
    for recorded in ended:
        event = recorded.event
        if recorded.position < fact.first or _ended(event) != (fact.what, fact.number):
            continue
        if isinstance(event, ChargeCancelled):
            return True
        if isinstance(event, PaymentReversed) and event.on == fact.told.event.paid_on:
            return True
    return False


def resting(facts: Sequence[Fact], others: Told) -> Iterator[Rests]:
    """What rests on facts of one household, in the order of the log.

    Args:
        facts: Those of the import that stand.
        others: Everything else that is recorded of the household.
    """
    on = _Ground(facts)
    mine = {(fact.what, fact.number) for fact in facts}
    ending = [r for r in others if _ended(r.event) in mine]
    told = {r.position for r in ending}
    left = standing([r for r in others if r.position not in told], _VOID, lambda r: r.event)
    for recorded in sorted([*ending, *left], key=lambda r: r.position):
        follows = recorded.stream.startswith(_FOLLOWING) or isinstance(recorded.event, _DERIVED)
        if recorded.envelope.actor == _SYSTEM or follows:
            continue
        found = next(on.carrying(recorded), None)
        if found is not None:
            yield Rests(recorded.position, recorded.name, recorded.household, *found)


def _ended(event: Any) -> tuple[str, str] | None:
    """The charge or the payment that an event ends."""
    if isinstance(event, ChargeCancelled):
        return "charge", event.charge
    if isinstance(event, PaymentReversed | PaymentMovedOut):
        return "payment", event.payment
    return None


def _ends(void: Any, event: Any) -> bool:
    found = _ended(void)
    if isinstance(event, ChargeRaised | ChargeCorrected):
        return found == ("charge", event.charge)
    return isinstance(event, PaymentReceived | PaymentMovedIn) and found == (
        "payment",
        event.payment,
    )


def _ends_closing(void: ClosingVoided, event: Any) -> bool:
    about = isinstance(event, Entry) and getattr(event, "request", "") == void.request
    return about and told_elsewhere(event, void.closed_at)


_VOID: Voids = {
    **VOIDS,
    ChargeCancelled: _ends,
    PaymentReversed: _ends,
    PaymentMovedOut: _ends,
    ClosingVoided: _ends_closing,
    MergeUndone: lambda void, event: (
        isinstance(event, HouseholdMerged)
        and (event.household, event.into) == (void.household, void.into)
    ),
}
"""What takes back what of a household; nothing rests any more by what is void."""

_DERIVED = (
    CalendarRenewed, ClockBreached, ClockWarned, ClosedUnanswered, CommitmentBroken, CommitmentKept,
    ConfirmationDue, Escalated, PauseEnded, RequestRetold, StepLifted,
)  # fmt: skip
"""What time brought about of a request, told with whatever somebody said."""

_FOLLOWING = ("grading/", "messages/", "place/")
"""Streams of what follows from facts: gradings are listed apart."""

_NAMED: Mapping[str, tuple[str, ...]] = {
    "charge": ("charge", "of", "charges"),
    "payment": ("payment",),
    "request": ("request", "requests", "of", "follows", "about", "into"),
}
"""The fields in which an event names what, by its number."""

_KINDS = {"closing": "request"}

_MEMBERS = ("member", "debtor", "payer", "payee", "prospect")


class _Ground:
    """The facts of an import in one household, by what others name them.

    Args:
        facts: Those that stand.
    """

    def __init__(self, facts: Iterable[Fact]) -> None:
        self.files: list[Fact] = []
        self.roles: list[Fact] = []
        self.paid: list[Fact] = []
        self.numbered: dict[tuple[str, str], int] = {}
        for fact in facts:
            if fact.what == "household":
                self.files.append(fact)
            elif fact.what in ("role", "role_end"):
                self.roles.append(fact)
            else:
                self.numbered[_KINDS.get(fact.what, fact.what), fact.number] = fact.first
            if fact.what == "payment":
                self.paid.append(fact)

    def carrying(self, recorded: Recorded[Any]) -> Iterator[tuple[str, str]]:
        """What an event rests on: its kind and its number, the nearest first."""
        event, position = recorded.event, recorded.position
        in_account = recorded.stream.startswith(("account/", "collection/"))
        for what, fields in _NAMED.items():
            # In an account `of` is the number of a charge, elsewhere that of a request.
            for number in _named(event, fields) if in_account == (what != "request") else ():
                if position > self.numbered.get((what, number), position):
                    yield what, number
        if isinstance(event, CreditRefunded | RefundProposed):
            for fact in self.paid[:1]:
                if position > fact.first:
                    yield "payment", fact.number
        people = set(_named(event, _MEMBERS))
        word = getattr(event, "word", None)
        people |= set() if word is None else {word.member}
        for fact in self.roles:
            if fact.number in people and position > fact.first:
                yield "role", fact.number
        for fact in self.files:
            if position > fact.first:
                yield "household", fact.number


def _named(event: Any, fields: Collection[str]) -> Iterator[str]:
    for field in fields:
        yield from (one for one in items(getattr(event, field, None)) if isinstance(one, str))
    if "charges" in fields:
        yield from (part.charge for part in getattr(event, "parts", ()))
