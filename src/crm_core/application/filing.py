"""A household's file as it stood (一户一档): seven categories, folded from what is known (OWN-03).

Identity, property, family members, needs and preferences are what the file and its record card say.
The contact log, complaints and suggestions, and payments are read from the events of the other
slices and are nobody's to type in. Every item says where it came from, who entered it and when, and
how long ago it was last confirmed (OWN-05, OWN-07).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from typing import Any

import attrs

from crm_core.gradings.engines.merged import OWN_FILE, told_of
from crm_core.gradings.facts import VOIDS
from crm_core.kernel.dates import Period, add_months, instant_text, local_date
from crm_core.kernel.recorded import Recorded
from crm_core.kernel.sealed import PersonalValue, Place, Withheld
from crm_core.kernel.values import frozen
from crm_core.kernel.voiding import standing
from crm_core.messages.events import MessageQueued, MessageSent
from crm_core.opinions.events import OpinionWithdrawn
from crm_core.owners import HOUSEHOLD
from crm_core.owners.card.events import (
    ChangeDecided,
    ChangeProposed,
    ItemRecorded,
    ItemVerified,
    ItemWithdrawn,
    KeeperAssigned,
)
from crm_core.owners.card.standard import IDENTITY, WISHES
from crm_core.owners.card.state import Key, holding_with, keeper_on, key_of
from crm_core.owners.events import ContactChanged, MemberAdded
from crm_core.owners.prospects import ProspectJoined, ProspectNoted, ProspectRecorded
from crm_core.owners.state import Household, Role
from crm_core.owners.tenures import tenures_of
from crm_core.payments.books import Posting
from crm_core.payments.events import PurchaseMade, PurchaseRefunded
from crm_core.requests.events import (
    Apologised,
    ClosedUnanswered,
    ClosingVoided,
    ConfirmationAttemptFailed,
    CustomerAnswered,
    ProgressNoted,
    Reclassified,
    RequestClosed,
    RequestReceived,
    RequestReopened,
)
from crm_core.visits.events import VisitAttempted, VisitMade, VisitWithdrawn

MONTHS = 12
"""The months that monthly and yearly figures are of."""

HEARD = ("complaint", "enquiry", "praise", "suggestion")
"""Requests that say what a household thinks; the others are work that it asks for."""

Shown = str | Withheld | None
"""A personal value as it is shown, or why it is not; None where nothing was told."""


@frozen
class FileItem:
    """An item of a member, and how sure it is.

    Args:
        entry: Which of several.
        told_on: The day on which it was told.
        source: The channel or department it came from (OWN-05).
        entered_by: `role:id` of who entered it; of a change that was accepted, who proposed it.
        entered_at: When it was entered.
        confirmed_on: When it was last found right, if it was ever checked (OWN-07).
        age_days: Days since it was told or confirmed, whichever came last.
        doubted: Whether the last check found it wrong.
    """

    member: str
    item: str
    entry: str
    value: Shown
    language: Shown
    hours: Shown
    preferred: bool
    told_on: date
    source: str
    entered_by: str
    entered_at: datetime
    confirmed_on: date | None
    age_days: int
    doubted: bool


@frozen
class FileMember:
    """A member, a person or a company, with the roles they hold or held, and the days of each."""

    member: str
    kind: str
    roles: tuple[Role, ...]


@frozen
class Lead:
    """What happened with a member while they were a potential customer (OWN-06).

    Args:
        what: `recorded`, `noted`, `joined`, or the status that they came to have.
    """

    member: str
    on: date
    what: str
    source: str
    position: int


@frozen
class Property:
    """The property that the file is about."""

    estate: str
    building: str
    unit: str
    room: str
    kind: str
    moved_in: date | None


@frozen
class ContactEntry:
    """A contact with the household, as the other slices recorded it.

    Args:
        what: `request`, `call`, `answer`, `progress`, `apology`, `attempt`, `message`, `opinion` or
            `visit`.
        number: Of the request, call, message, opinion or visit.
    """

    at: datetime
    what: str
    channel: str
    number: str
    position: int


@frozen
class Voice:
    """A complaint, an enquiry, praise, a suggestion or an opinion.

    Args:
        kind: As it stands classified.
        status: `open` or `closed`; of an opinion `recorded`.
    """

    number: str
    kind: str
    on: date
    status: str
    position: int


@frozen
class Payments:
    """The account of a tenure on a day.

    Args:
        unpaid: Charges that are overdue.
        lines: Every movement up to the day.
    """

    credit: str
    overdue_days: int
    overdue_fen: int
    advance_fen: int
    unpaid: list[dict[str, Any]]
    lines: tuple[Posting, ...]


@frozen
class Figures:
    """What is computed for the record card (OWN-04).

    Args:
        highest_purchase_fen: The largest single purchase so far.
        monthly_purchases_fen: Purchases less refunds of the last twelve months, by month, rounded.
        contacts: How often there was contact in these months.
        last_contact_at: The last contact.
    """

    highest_purchase_fen: int
    monthly_purchases_fen: int
    contacts: int
    last_contact_at: datetime | None


@frozen
class HouseholdFile:
    """One household's file as of a day, as known at an instant.

    Args:
        merged: Files that were merged into it and count for it (OWN-09).
        keeper: Who keeps it, if somebody is named (OWN-08).
        tenure: Key of the tenure of the day.
        identity: Names, numbers, record card.
        family: Members with their roles.
        wishes: Needs and preferences.
        interests: Services that an interest is kept in, with the day.
        contact_log: Contacts, oldest first.
        voices: Complaints, suggestions and opinions, oldest first.
        payments: The account of the day.
        leads: What came before somebody was a member, oldest first.
    """

    household: str
    on: date
    known: datetime | None
    merged: tuple[str, ...]
    keeper: str | None
    tenure: str
    source: str
    property: Property
    identity: tuple[FileItem, ...]
    family: tuple[FileMember, ...]
    wishes: tuple[FileItem, ...]
    interests: tuple[tuple[str, date], ...]
    contact_log: tuple[ContactEntry, ...]
    voices: tuple[Voice, ...]
    payments: Payments
    figures: Figures
    leads: tuple[Lead, ...]

    def items(self) -> tuple[FileItem, ...]:
        """Everything that can be checked with the household."""
        return (*self.identity, *self.wishes)


_LEADS = {ProspectJoined: "joined", ProspectNoted: "noted", ProspectRecorded: "recorded"}

_MONEY = ("account", "collection", "household")
"""Streams that an account is made of: who owed is said in the household's."""

Show = Callable[[PersonalValue | None, Place, str], Shown]
"""Opens a personal value of an item, or says why not."""

Account = Callable[[list[tuple[Any, int]], Household], Payments]
"""The account that events of a household tell of, with their positions."""


def filed(
    events: Iterable[Recorded[Any]],
    *,
    household: str,
    on: date,
    known: datetime | None,
    zone: str,
    show: Show,
    account: Account,
    every_day: bool = False,
) -> HouseholdFile | None:
    """The file that events tell of; None if there was none.

    Args:
        events: All events of the household that are known at the instant, in the order of the log.
            Of money those of later days count too: an account knows its own days. Those of files
            that were merged into it are among them (OWN-09).
        every_day: Whether what is true on later days alone is seen as well.
    """
    fold = _Fold(household, zone)
    for recorded in _standing(events):
        fold.take(recorded, true=every_day or recorded.effective <= on)
    file = fold.file
    if not isinstance(file, Household):
        return None
    items = fold.items(on, show)
    contacts = tuple(sorted(fold.contacts, key=lambda one: (one.at, one.position)))
    year = Period(add_months(on, -MONTHS), on)
    bought = sum(fen for day, fen in fold.purchases if year.start < day <= on)
    lately = [one for one in contacts if local_date(one.at, zone) > year.start]
    return HouseholdFile(
        household=file.household,
        on=on,
        known=known,
        merged=fold.merged(),
        keeper=fold.keeper(on),
        tenure=tenures_of(file).on(on).key,
        source=file.source,
        property=Property(
            estate=file.estate,
            building=file.building,
            unit=file.unit,
            room=file.room,
            kind=file.kind,
            moved_in=file.moved_in,
        ),
        identity=tuple(one for one in items if one.item not in WISHES),
        family=fold.family(),
        wishes=tuple(one for one in items if one.item in WISHES),
        interests=tuple(file.interests),
        contact_log=contacts,
        voices=tuple(sorted(fold.heard(), key=lambda one: (one.on, one.position))),
        payments=account(fold.account, file),
        leads=tuple(fold.leads),
        figures=Figures(
            highest_purchase_fen=max((fen for _, fen in fold.purchases), default=0),
            # A half of a fen is rounded up.
            monthly_purchases_fen=(2 * bought + MONTHS) // (2 * MONTHS),
            contacts=len(lately),
            last_contact_at=contacts[-1].at if contacts else None,
        ),
    )


def _standing(events: Iterable[Recorded[Any]]) -> list[Recorded[Any]]:
    """Without what never was (IMP-01); each file's own numbers are its own."""
    by_file: dict[str, list[Recorded[Any]]] = {}
    for recorded in events:
        by_file.setdefault(recorded.household, []).append(recorded)
    found = [one for told in by_file.values() for one in standing(told, VOIDS, lambda e: e.event)]
    return sorted(found, key=lambda one: one.position)


@frozen
class _Said:
    """Where a value of a member stands, and what was said with it."""

    recorded: Recorded[Any]
    field: str
    on: date


class _Fold:
    """Takes the events of a household one after another."""

    def __init__(self, household: str, zone: str) -> None:
        self._own, self._zone = household, zone
        self._files: dict[str, Any] = {}
        self._card_told: list[tuple[Any, Recorded[Any]]] = []
        self._checks: dict[Key, list[ItemVerified]] = {}
        self._keepers: list[KeeperAssigned] = []
        self._withdrawn: set[str] = set()
        self.account: list[tuple[Any, int]] = []
        self.purchases: list[tuple[date, int]] = []
        self.contacts: list[ContactEntry] = []
        self.leads: list[Lead] = []
        self._requests: dict[str, Voice] = {}
        self._opined: dict[str, Voice] = {}
        self._sent: dict[str, MessageQueued] = {}
        self._identity: dict[Key, _Said] = {}
        self._proposed: dict[str, Recorded[Any]] = {}
        self._take: Mapping[str, Callable[[Recorded[Any]], None]] = {
            "card": self._card,
            "household": self._household,
            "messages": self._message,
            "opinions": self._opinion,
            "prospect": self._lead,
            "request": self._request,
            "visits": self._visit,
        }

    def take(self, recorded: Recorded[Any], *, true: bool) -> None:
        """One event; those of other streams say nothing to the file.

        Args:
            true: Whether it is true on the day that is asked about.
        """
        kind = recorded.stream.partition("/")[0]
        if kind in _MONEY:
            self._counted(recorded)
        if not true:
            return
        if kind == "account":
            self._bought(recorded.event)
        elif kind in self._take:
            self._take[kind](recorded)

    @property
    def file(self) -> Any:
        """The surviving file."""
        return self._files.get(self._own)

    def merged(self) -> tuple[str, ...]:
        """The files that count for it."""
        return tuple(sorted(one for one in self._files if one != self._own))

    def keeper(self, on: date) -> str | None:
        """Who keeps it on a day."""
        return keeper_on(self._keepers, on)

    def family(self) -> tuple[FileMember, ...]:
        """All members with their roles, those of merged files behind."""
        own, others = self._files[self._own], dict(self._files)
        del others[self._own]
        roles: dict[str, list[Role]] = {}
        kinds: dict[str, str] = {}
        for file in (own, *others.values()):
            if not isinstance(file, Household):
                continue
            for role in file.roles():
                roles.setdefault(role.member, []).append(role)
            for member in file.members().values():
                kinds.setdefault(member.member, member.kind)
        return tuple(FileMember(one, kinds[one], tuple(held)) for one, held in roles.items())

    # --- what people typed in --------------------------------------------------------------

    def _household(self, recorded: Recorded[Any]) -> None:
        event = recorded.event
        before = self._files.get(recorded.household, HOUSEHOLD.decider.initial)
        self._files[recorded.household] = HOUSEHOLD.decider.evolve(before, event)
        if isinstance(event, MemberAdded | ContactChanged):
            for field in IDENTITY:
                if getattr(event, field) is not None:
                    day = local_date(recorded.recorded, self._zone)
                    self._identity[event.member, field, ""] = _Said(recorded, field, day)

    def _card(self, recorded: Recorded[Any]) -> None:
        event = recorded.event
        match event:
            case ItemRecorded() | ItemWithdrawn():
                self._card_told.append((event, recorded))
            case ItemVerified():
                self._checks.setdefault(key_of(event), []).append(event)
            case ChangeProposed():
                self._proposed[event.change] = recorded
            case ChangeDecided() if event.accepted:
                self._accepted(self._proposed.get(event.change))
            case KeeperAssigned() if recorded.household == self._own:
                self._keepers.append(event)

    def _accepted(self, proposed: Recorded[Any] | None) -> None:
        if proposed is None:
            return
        event = proposed.event
        if event.item in IDENTITY:
            self._identity[key_of(event)] = _Said(proposed, "value", event.on)
        else:
            self._card_told.append((event, proposed))

    def items(self, on: date, show: Show) -> list[FileItem]:
        """Every item that holds on the day, members in the order in which they came."""
        said = dict(self._identity)
        for key, (event, recorded) in holding_with(self._card_told, on).items():
            said[key] = _Said(recorded, "value", event.on)
        return [
            self._item(key, one, [c for c in self._checks.get(key, ()) if c.on <= on], on, show)
            for key, one in said.items()
        ]

    def _item(
        self, key: Key, said: _Said, checks: list[ItemVerified], on: date, show: Show
    ) -> FileItem:
        recorded, event = said.recorded, said.recorded.event
        since = [check for check in checks if check.on >= said.on]
        right = [check.on for check in since if check.result == "confirmed"]
        last = max(since, key=lambda check: check.on, default=None)

        def shown(field: str) -> Shown:
            value = getattr(event, field, None)
            item = key[1] if field == said.field else field
            return show(value, Place(recorded.stream, recorded.version, field), item)

        return FileItem(
            member=key[0],
            item=key[1],
            entry=key[2],
            value=shown(said.field),
            language=shown("language"),
            hours=shown("hours"),
            preferred=getattr(event, "preferred", False),
            told_on=said.on,
            source=event.source,
            entered_by=recorded.envelope.actor,
            entered_at=recorded.recorded,
            confirmed_on=max(right, default=None),
            age_days=max(0, (on - max(right, default=said.on)).days),
            doubted=last is not None and last.result == "wrong",
        )

    # --- what other slices tell ------------------------------------------------------------

    def _counted(self, recorded: Recorded[Any]) -> None:
        event = recorded.event
        if recorded.household == self._own:
            self.account.append((event, recorded.position))
        elif not isinstance(event, OWN_FILE):
            self.account.append((told_of(event, recorded.household), recorded.position))

    def _bought(self, event: Any) -> None:
        if isinstance(event, PurchaseMade):
            self.purchases.append((event.on, event.amount_fen))
        elif isinstance(event, PurchaseRefunded):
            self.purchases.append((event.on, -event.amount_fen))

    def _contact(
        self, recorded: Recorded[Any], at: datetime, what: str, channel: str, number: str
    ) -> None:
        self.contacts.append(
            ContactEntry(
                at=at, what=what, channel=channel, number=number, position=recorded.position
            )
        )

    def _never(self, what: str, number: str) -> None:
        """There was no such contact: it was recorded by mistake."""
        self.contacts = [one for one in self.contacts if (one.what, one.number) != (what, number)]

    def _request(self, recorded: Recorded[Any]) -> None:
        event = recorded.event
        match event:
            case RequestReceived():
                at, number = event.received_at, event.request
                what = "request" if event.rings is None else "call"
                self._contact(recorded, at, what, event.channel, number)
                day = local_date(at, self._zone)
                self._requests[number] = Voice(
                    number=number,
                    kind=event.kind,
                    on=day,
                    status="open",
                    position=recorded.position,
                )
            case Reclassified():
                self._requests_change(event.request, kind=event.kind)
            case RequestClosed() | ClosedUnanswered():
                self._requests_change(event.request, status="closed")
            case RequestReopened() | ClosingVoided():
                self._requests_change(event.request, status="open")
            case CustomerAnswered():
                self._contact(recorded, event.answered_at, "answer", "", event.request)
            case ProgressNoted() if event.customer_told:
                self._contact(recorded, event.noted_at, "progress", "", event.request)
            case ConfirmationAttemptFailed():
                at = event.attempted_at
                self._contact(recorded, at, "attempt", event.channel, event.request)
            case Apologised():
                self._contact(recorded, event.apologised_at, "apology", "", event.request)

    def _requests_change(self, number: str, *, kind: str = "", status: str = "") -> None:
        before = self._requests.get(number)
        if before is not None:
            self._requests[number] = attrs.evolve(
                before, kind=kind or before.kind, status=status or before.status
            )

    def _opinion(self, recorded: Recorded[Any]) -> None:
        event = recorded.event
        if isinstance(event, OpinionWithdrawn):
            self._withdrawn.add(event.opinion)
            self._never("opinion", event.opinion)
        elif event.opinion not in self._opined:
            self._opined[event.opinion] = Voice(
                number=event.opinion,
                kind="opinion",
                on=event.on,
                status="recorded",
                position=recorded.position,
            )
            self._contact(recorded, recorded.recorded, "opinion", event.source, event.opinion)

    def _visit(self, recorded: Recorded[Any]) -> None:
        event = recorded.event
        match event:
            case VisitAttempted():
                self._contact(recorded, event.attempted_at, "attempt", event.means, event.visit)
            case VisitMade():
                self._contact(recorded, event.visited_at, "visit", event.means, event.visit)
            case VisitWithdrawn():
                self._never("visit", event.visit)

    def _lead(self, recorded: Recorded[Any]) -> None:
        event = recorded.event
        what = _LEADS.get(type(event)) or event.status
        source = getattr(event, "source", "")
        self.leads.append(
            Lead(
                member=event.prospect,
                on=event.on,
                what=what,
                source=source,
                position=recorded.position,
            )
        )

    def _message(self, recorded: Recorded[Any]) -> None:
        event = recorded.event
        if isinstance(event, MessageQueued):
            self._sent[event.message] = event
        elif isinstance(event, MessageSent) and event.message in self._sent:
            channel = self._sent[event.message].channel
            self._contact(recorded, recorded.recorded, "message", channel, event.message)

    def heard(self) -> list[Voice]:
        """What the household said, opinions that were withdrawn left out."""
        asked = [one for one in self._requests.values() if one.kind in HEARD]
        told = [one for number, one in self._opined.items() if number not in self._withdrawn]
        return [*asked, *told]


# --- as plain data -----------------------------------------------------------------------------


def file_row(file: HouseholdFile) -> dict[str, Any]:
    """The file as plain data; what is not shown stays `Withheld`."""
    return {
        "household": file.household,
        "merged": list(file.merged),
        "keeper": file.keeper,
        "tenure": file.tenure,
        "identity": [_row(one) for one in file.identity],
        "property": _row(file.property),
        "family": [_row(one) for one in file.family],
        "wishes": [_row(one) for one in file.wishes],
        "interests": _interests(file.interests),
        "contact_log": [_row(one) for one in file.contact_log],
        "voices": [_row(one) for one in file.voices],
        "payments": _row(file.payments),
        "figures": _row(file.figures),
        "leads": [_row(one) for one in file.leads],
    }


def _interests(found: Any) -> Any:
    if isinstance(found, Withheld):
        return found
    return [{"service": service, "on": str(on)} for service, on in found]


def _row(value: Any) -> dict[str, Any]:
    names = [field.name for field in attrs.fields(type(value))]
    return {name: _plain(getattr(value, name)) for name in names}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return instant_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if isinstance(value, Withheld) or not attrs.has(type(value)):
        return value
    return _row(value)
