"""What happened to a household's file. Names and fields are a storage contract."""

from __future__ import annotations

from datetime import date

from crm_core.kernel.catalog import EventType
from crm_core.kernel.sealed import PersonalValue, Text
from crm_core.kernel.values import frozen
from crm_core.kernel.word import Word


@frozen
class HouseholdRegistered:
    """The file of a household was opened."""

    household: str
    estate: str
    building: str
    unit: str
    room: str
    kind: str
    moved_in: date | None
    source: str


@frozen
class PlaceClaimed:
    """A place belongs to one household's file (OWN-01)."""

    household: str
    place: str


@frozen
class MemberAdded:
    """A person, or a company, began a role in the household (OWN-02).

    Args:
        kind: What the member is, `person` or `company`.
    """

    household: str
    member: str
    role: str
    since: date
    name: PersonalValue
    phone: PersonalValue | None
    source: str
    kind: str


@frozen
class RoleEnded:
    """A role ended; `until` is its last day."""

    household: str
    member: str
    role: str
    until: date
    reason: Text
    source: str


@frozen
class ContactChanged:
    """Name or telephone number of a member as newly told; None leaves it as it was."""

    household: str
    member: str
    name: PersonalValue | None
    phone: PersonalValue | None
    reason: Text
    source: str


@frozen
class InterestRecorded:
    """A member said they are interested in a service, and consented to its being kept."""

    household: str
    service: str
    on: date
    word: Word
    source: str


@frozen
class ConductConfirmed:
    """A bad record or a disturbance, confirmed by a manager with evidence (GRD-02)."""

    household: str
    kind: str
    on: date
    evidence: Text
    confirmed_by: str


@frozen
class ConditionRecorded:
    """How the business of a commercial customer was seen to stand (经营状况, GRD-05)."""

    household: str
    sound: bool
    evidence: Text
    on: date
    recorded_by: str


@frozen
class DebtorAgreed:
    """By contract a tenant owes what falls due from a day on (PAY-16).

    Args:
        agreement: Number of the contract.
        until: Last day, if one was agreed.
        document: Where the contract is on record.
    """

    household: str
    agreement: str
    member: str
    since: date
    until: date | None
    document: Text


@frozen
class DebtorReleased:
    """A tenant owes what falls due until that day, and nothing after it."""

    household: str
    agreement: str
    until: date
    reason: Text


# --- what never was (IMP-01) -------------------------------------------------------------------


@frozen
class HouseholdVoided:
    """The file was opened by mistake: all that was entered in it is void from its own day on.

    Args:
        on: The day from which the file was true.
    """

    household: str
    on: date
    reason: Text


@frozen
class PlaceReleased:
    """A place belongs to no file any more: that of the household is void (OWN-01)."""

    household: str
    place: str


@frozen
class RoleVoided:
    """A person was entered by mistake: they never held the role that began on `since`."""

    household: str
    member: str
    role: str
    since: date
    reason: Text


@frozen
class RoleEndVoided:
    """The end of a role was entered by mistake: it goes on behind `until`."""

    household: str
    member: str
    role: str
    since: date
    until: date
    reason: Text


EVENTS = (
    EventType("owners.household_registered", 1, HouseholdRegistered, effective="moved_in"),
    EventType("owners.place_claimed", 1, PlaceClaimed),
    EventType("owners.member_added", 1, MemberAdded, effective="since"),
    EventType("owners.role_ended", 1, RoleEnded, effective="until"),
    EventType("owners.contact_changed", 1, ContactChanged),
    EventType("owners.interest_recorded", 1, InterestRecorded, effective="on"),
    EventType("owners.conduct_confirmed", 1, ConductConfirmed, effective="on"),
    EventType("owners.condition_recorded", 1, ConditionRecorded, effective="on"),
    EventType("owners.debtor_agreed", 1, DebtorAgreed, effective="since"),
    EventType("owners.debtor_released", 1, DebtorReleased, effective="until"),
    EventType("owners.household_voided", 1, HouseholdVoided, effective="on"),
    EventType("owners.place_released", 1, PlaceReleased),
    EventType("owners.role_voided", 1, RoleVoided, effective="since"),
    EventType("owners.role_end_voided", 1, RoleEndVoided, effective="until"),
)
