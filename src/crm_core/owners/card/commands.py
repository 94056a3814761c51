"""What can be asked of a household's record card."""

from __future__ import annotations

from datetime import date

from crm_core.kernel.commands import Id, looked_up
from crm_core.kernel.recorded import Actor
from crm_core.kernel.sealed import Personal
from crm_core.kernel.values import frozen
from crm_core.kernel.word import Word

RESULTS = ("confirmed", "unreachable", "wrong")
"""What a check can find; a wrong item is then recorded anew."""

WAYS = ("community_event", "home_visit", "phone", "questionnaire")
"""How key data are checked (抽样核验)."""


@frozen
class RecordItem:
    """Enter an item of a member as it was told, with where it came from (OWN-04, OWN-05).

    Args:
        item: One of `standard.ITEMS`.
        on: The day on which it was told.
        entry: Which of several, e.g. the second mobile number; by default the only one.
        preferred: Of a contact: whether the member prefers it to the others.
        language: Of a contact: in which language to speak there.
        hours: Of a contact: when.
        kept_for: Of an item that households are counted by: what it is kept for (OWN-11).
        word: What the member said, where their consent is the basis of that.
        document: Where the contract is on record that is the basis.
        basis: `consent` or `contract`; empty where there is none.
        stranger: Whether the file has no such member.
    """

    household: str
    member: Id
    item: str
    value: Personal
    on: date
    source: str = "phone"
    entry: Id = ""
    preferred: bool = False
    language: Personal | None = None
    hours: Personal | None = None
    kept_for: Id = ""
    word: Word | None = None
    document: str = ""
    basis: str = looked_up()
    stranger: bool = looked_up()


@frozen
class WithdrawItem:
    """Say that an item holds no more; what it was stays in the history."""

    household: str
    member: Id
    item: str
    on: date
    reason: str
    entry: Id = ""


@frozen
class ProposeChange:
    """Say, as a member, that something in the file is otherwise (OWN-08).

    Args:
        change: Its number, one of the household's.
        item: An item of the card, or `name` or `phone`.
    """

    household: str
    change: Id
    member: Id
    item: str
    value: Personal
    on: date
    reason: str
    source: str = "app"
    entry: Id = ""
    by: Actor = looked_up()
    stranger: bool = looked_up()


@frozen
class ReportChange:
    """Report, as front-line staff, a change that one came upon (OWN-08)."""

    household: str
    change: Id
    member: Id
    item: str
    value: Personal
    on: date
    reason: str
    source: str = "home_visit"
    entry: Id = ""
    by: Actor = looked_up()
    stranger: bool = looked_up()


@frozen
class DecideChange:
    """Accept a proposed change, so that it holds, or reject it; somebody else than proposed it."""

    household: str
    change: Id
    accepted: bool
    reason: str
    by: Actor = looked_up()


@frozen
class VerifyItem:
    """Record what a check of an item with the household found (OWN-07).

    Args:
        item: An item that the card has, or `name` or `phone`.
        way: One of `WAYS`.
        sample: The sample that the household was drawn for.
        not_drawn: Whether that sample has no such household, or is to check no such item.
    """

    household: str
    member: Id
    item: str
    result: str
    way: str
    on: date
    entry: Id = ""
    sample: Id | None = None
    by: Actor = looked_up()
    stranger: bool = looked_up()
    not_drawn: bool = looked_up()


@frozen
class AssignKeeper:
    """Name who keeps the file of a household from a day on (OWN-08).

    Args:
        keeper: Id of a member of staff.
        unemployed: Whether they are not on the staff on that day.
    """

    household: str
    keeper: Id
    on: date
    reason: str
    by: Actor = looked_up()
    unemployed: bool = looked_up()
