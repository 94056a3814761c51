"""What can be asked of a household's file."""

from __future__ import annotations

from datetime import date

from crm_core.kernel.commands import DayAhead, Id, looked_up
from crm_core.kernel.recorded import Actor
from crm_core.kernel.sealed import Personal
from crm_core.kernel.values import frozen
from crm_core.kernel.word import Word

CONDUCT = ("bad_record", "disturbance")
KINDS = ("person", "company")
COMMERCIAL = "company"
"""The kind of household that is a commercial customer."""
ROLES = ("owner", "co_owner", "tenant", "user", "family_member", "agent")
SOURCES = (
    "app",
    "cleaning",
    "community_event",
    "engineering",
    "home_visit",
    "import",
    "move_in_registration",
    "phone",
    "sales",
    "security",
    "service_request",
    "survey",
    "wechat",
)
"""Where an item comes from: channels, and departments of the company like any other (OWN-05)."""


@frozen
class RegisterHousehold:
    """Open the file of a household, with its first owner if known.

    Args:
        taken_by: The household whose file already has this place, if one has.
    """

    household: str
    estate: str
    building: str
    unit: str
    room: str
    kind: str = "person"
    owner: Personal | None = None
    phone: Personal | None = None
    moved_in: DayAhead | None = None
    source: str = "move_in_registration"
    taken_by: str | None = looked_up()


@frozen
class AddMember:
    """Enter a person or a company with the role they begin to hold, now, before, or to come.

    Args:
        kind: What the member is; one of `KINDS`, by default what they are known as, else a person.
        until: The last day, of a role that is entered with its end: one that was over before the
            same role began again, say.
        reason: Why it ended, of such a role.
    """

    household: str
    member: Id
    role: str
    since: DayAhead
    name: Personal
    phone: Personal | None = None
    source: str = "move_in_registration"
    kind: str | None = None
    until: DayAhead | None = None
    reason: str = ""


@frozen
class EndRole:
    """End a role after `until`, its last day."""

    household: str
    member: str
    role: str
    until: DayAhead
    reason: str
    source: str = "move_in_registration"


@frozen
class TransferOwnership:
    """End all ownership the day before `on` and begin that of another person or company.

    Args:
        kind: What the new owner is; one of `KINDS`, by default as they are known, else a person.
    """

    household: str
    member: Id
    on: DayAhead
    name: Personal
    reason: str
    phone: Personal | None = None
    source: str = "move_in_registration"
    kind: str | None = None


@frozen
class ChangeContact:
    """Note another name or number of a member; what was known before stays in the history."""

    household: str
    member: str
    reason: str
    name: Personal | None = None
    phone: Personal | None = None
    source: str = "phone"


@frozen
class RecordInterest:
    """Keep an interest in a service; the word of a member is their consent to that."""

    household: str
    service: str
    on: date
    word: Word
    source: str = "phone"


@frozen
class ConfirmConduct:
    """Confirm a bad record or a disturbance, on the evidence named."""

    household: str
    kind: str
    on: date
    evidence: str
    by: Actor = looked_up()


@frozen
class RecordCondition:
    """Record how the business of a commercial customer stands, and what it was seen by.

    Args:
        sound: Whether it is in a sound condition (经营状况良好).
        evidence: Accounts, a visit, a register: what it was seen by.
        on: The day on which it was seen.
    """

    household: str
    sound: bool
    evidence: str
    on: date
    by: Actor = looked_up()


@frozen
class AgreeDebtor:
    """Note that by contract a tenant owes what falls due, instead of the owners (PAY-16).

    Args:
        agreement: Number of the contract.
        member: A tenant of the household on the first day.
        since: First day.
        until: Last day, if one was agreed.
        document: Where the contract is on record.
    """

    household: str
    agreement: Id
    member: str
    since: DayAhead
    document: str
    until: DayAhead | None = None


@frozen
class ReleaseDebtor:
    """End such a contract after `until`, its last day."""

    household: str
    agreement: str
    until: DayAhead
    reason: str


def owner_id(household: str) -> str:
    """Pseudonymous id of the owner a household is registered with."""
    return f"{household}#owner"


# --- what never was: the library gives these, where an import is undone (IMP-01) -----------------


@frozen
class VoidHousehold:
    """Void a file that was opened by mistake, and give its place free.

    Args:
        place: Key of its place (`crm_core.kernel.text.place_key`).
        on: The day from which the file was true.
    """

    household: str
    place: str
    on: DayAhead
    reason: str


@frozen
class VoidRole:
    """Void a role that was entered by mistake."""

    household: str
    member: str
    role: str
    since: DayAhead
    reason: str


@frozen
class VoidRoleEnd:
    """Void the end of a role, whose last day was `until`: it goes on."""

    household: str
    member: str
    role: str
    until: DayAhead
    reason: str
