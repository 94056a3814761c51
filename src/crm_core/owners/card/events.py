"""What happened to a record card. Names and fields are a storage contract."""

from __future__ import annotations

from datetime import date

from crm_core.kernel.catalog import EventType
from crm_core.kernel.sealed import PersonalValue, Text
from crm_core.kernel.values import frozen
from crm_core.kernel.word import Word


@frozen
class ItemRecorded:
    """An item of a member was told; one with the same name and entry takes its place (OWN-04).

    Args:
        basis: Of an item that households are counted by: `consent` or `contract` (OWN-11).
        document: Where the contract is on record, if that is the basis.
        entry: Which of several; empty for the only one.
        kept_for: Of such an item: what it is kept for, and may be counted for.
        word: What the member said, if their consent is the basis.
        preferred: Of a contact: whether the member prefers it.
    """

    basis: str
    document: Text
    entry: str
    hours: PersonalValue | None
    household: str
    item: str
    kept_for: str
    language: PersonalValue | None
    member: str
    on: date
    preferred: bool
    source: str
    value: PersonalValue
    word: Word | None


@frozen
class ItemWithdrawn:
    """An item holds no more."""

    entry: str
    household: str
    item: str
    member: str
    on: date
    reason: Text


@frozen
class ChangeProposed:
    """Somebody says that an item is otherwise; nothing is changed by that (OWN-08)."""

    change: str
    entry: str
    household: str
    item: str
    member: str
    on: date
    proposed_by: str
    reason: Text
    source: str
    value: PersonalValue


@frozen
class ChangeDecided:
    """A named person accepted a proposed change, which holds from then on, or rejected it."""

    accepted: bool
    change: str
    decided_by: str
    household: str
    reason: Text


@frozen
class ItemVerified:
    """An item was checked with the household (OWN-07).

    Args:
        result: One of `RESULTS`.
        sample: The sample it was drawn for, if it was.
    """

    entry: str
    household: str
    item: str
    member: str
    on: date
    result: str
    sample: str | None
    verified_by: str
    way: str


@frozen
class KeeperAssigned:
    """A member of staff keeps the file from a day on (OWN-08)."""

    assigned_by: str
    household: str
    keeper: str
    on: date
    reason: Text


EVENTS = (
    EventType("owners.item_recorded", 1, ItemRecorded, effective="on"),
    EventType("owners.item_withdrawn", 1, ItemWithdrawn, effective="on"),
    EventType("owners.change_proposed", 1, ChangeProposed, effective="on"),
    EventType("owners.change_decided", 1, ChangeDecided),
    EventType("owners.item_verified", 1, ItemVerified, effective="on"),
    EventType("owners.keeper_assigned", 1, KeeperAssigned, effective="on"),
)
