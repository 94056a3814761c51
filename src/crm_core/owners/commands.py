"""What can be asked of a household's file."""

from __future__ import annotations

from datetime import date

from attrs import frozen

from crm_core.kernel.sealed import Personal

KINDS = ("person", "company")
ROLES = ("owner", "co_owner", "tenant", "family_member", "agent")
SOURCES = (
    "app",
    "community_event",
    "home_visit",
    "import",
    "move_in_registration",
    "phone",
    "service_request",
    "survey",
    "wechat",
)


@frozen
class RegisterHousehold:
    """Open the file of a household, with its first owner if known.

    Args:
        taken_by: Looked up: the household whose file already has this place.
    """

    household: str
    estate: str
    building: str
    unit: str
    room: str
    kind: str = "person"
    owner: Personal | None = None
    phone: Personal | None = None
    moved_in: date | None = None
    source: str = "move_in_registration"
    taken_by: str | None = None


@frozen
class AddMember:
    """Enter a person with the role they begin to hold."""

    household: str
    member: str
    role: str
    since: date
    name: Personal
    phone: Personal | None = None
    source: str = "move_in_registration"


@frozen
class EndRole:
    """End a role after `until`, its last day."""

    household: str
    member: str
    role: str
    until: date
    reason: str
    source: str = "move_in_registration"


@frozen
class TransferOwnership:
    """End all ownership the day before `on` and begin that of another person."""

    household: str
    member: str
    on: date
    name: Personal
    phone: Personal | None = None
    reason: str = "transfer of ownership"
    source: str = "move_in_registration"


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
    """Keep an interest in a service, on the consent named."""

    household: str
    service: str
    on: date
    consent: str
    source: str = "phone"


@frozen
class ConfirmConduct:
    """Confirm a bad record or a disturbance; only a manager or director can."""

    household: str
    kind: str
    on: date
    evidence: str
    confirmed_by: str
    role: str


def owner_id(household: str) -> str:
    """Pseudonymous id of the owner a household is registered with."""
    return f"{household}#owner"
