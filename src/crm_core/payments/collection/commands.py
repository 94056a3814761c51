"""What can be asked of the collection of arrears.

What needs a second person is two commands, `Propose…` and `Decide…` (LOG-08); a step that takes two
persons is reported by one, `CompleteStep`, and confirmed by the other, `ConfirmStep`. All of them
are about the arrears of one tenure of the household, by its key (PAY-16).
"""

from __future__ import annotations

from datetime import date

from crm_core.kernel.commands import DayAhead, Id, looked_up
from crm_core.kernel.recorded import Actor
from crm_core.kernel.tenures import FIRST, Tenures
from crm_core.kernel.values import frozen
from crm_core.payments.acts import Proof
from crm_core.payments.collection.dues import Day, Dues
from crm_core.payments.collection.policy import CollectionPolicy


@frozen
class AdvanceCollection:
    """Let the ladder take its course: open, change, close a case, hand over to the next step.

    Args:
        on: The day that is looked at; none that is still to come.
        dues: What is due and overdue on the day; None if there is no such tenure.
        policy: The ladder in force on the day.
        present_day: The day it is.
    """

    household: str
    on: date
    tenure: str = FIRST
    dues: Dues | None = looked_up()
    policy: CollectionPolicy = looked_up()
    present_day: date = looked_up()


@frozen
class CatchUpCollection:
    """Let the ladder take its course on every day until one, as the clock does.

    Args:
        upto: The last day that is looked at; none that is still to come.
        days: The days that bring something about, in order, each with what is due on it.
        present_day: The day it is.
    """

    household: str
    upto: date
    tenure: str = FIRST
    days: tuple[Day, ...] = looked_up()
    present_day: date = looked_up()


@frozen
class ProposeStep:
    """Ask for the approval that a step needs."""

    household: str
    step: int
    on: date
    tenure: str = FIRST
    by: Actor = looked_up()


@frozen
class DecideStep:
    """Approve a step that somebody else proposed, or not; a rejection has a reason."""

    household: str
    step: int
    approved: bool
    on: date
    reason: str = ""
    tenure: str = FIRST
    by: Actor = looked_up()


@frozen
class CompleteStep:
    """Report a step done, with its evidence; it is not done by who approved it.

    One that takes two persons is not done before the other confirms it.
    """

    household: str
    step: int
    on: date
    proofs: tuple[Proof, ...] = ()
    tenure: str = FIRST
    by: Actor = looked_up()
    present_day: date = looked_up()


@frozen
class ConfirmStep:
    """Confirm, as the second of two persons, that a step was done as the first one reported it."""

    household: str
    step: int
    on: date
    tenure: str = FIRST
    by: Actor = looked_up()
    present_day: date = looked_up()


@frozen
class SkipStep:
    """Leave a step out."""

    household: str
    step: int
    on: date
    reason: str
    tenure: str = FIRST
    by: Actor = looked_up()


@frozen
class CheckDefects:
    """Note what a look at the company's own service found."""

    household: str
    on: date
    open_defects: int
    reference: str
    tenure: str = FIRST
    by: Actor = looked_up()
    tenures: Tenures = looked_up()


@frozen
class ProposeHold:
    """Propose to ask nothing more of the household from a day until the end of another."""

    household: str
    hold: Id
    on: DayAhead
    until: DayAhead
    reason: str
    tenure: str = FIRST
    by: Actor = looked_up()
    tenures: Tenures = looked_up()


@frozen
class DecideHold:
    """Hold the collection as somebody else proposed, or not; a rejection has a reason."""

    household: str
    hold: str
    approved: bool
    on: date
    reason: str = ""
    tenure: str = FIRST
    by: Actor = looked_up()


@frozen
class ReleaseHold:
    """End a hold before its day."""

    household: str
    hold: str
    on: date
    reason: str
    tenure: str = FIRST
