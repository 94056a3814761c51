"""What the report of a year says. Whom it is for sees of it what the access policy grants."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Generic, TypeVar

from crm_core.application.return_visits import Coverage
from crm_core.application.runs import GradingRun
from crm_core.gradings.events import GradingDecided
from crm_core.gradings.review import Standing
from crm_core.kernel.dates import Period
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.recorded import Actor
from crm_core.kernel.sealed import Withheld
from crm_core.kernel.values import frozen
from crm_core.payments.changes import CreditChange
from crm_core.payments.owing import OwingRow
from crm_core.requests.late import BrokenPromise, LateRequest

R = TypeVar("R")

GRADED_MAX, MOVED_MAX, ROWS_MAX = 200, 100, 20
"""How many households stand in the graded list, among those whose layer moved, and in each of the
other lists; `crm` has a command that gives all of each."""


@frozen
class Rows(Generic[R]):
    """The first rows of a list, and how long it is.

    Args:
        found: How many rows there are.
        fen: Their sum, where they have one.
    """

    rows: tuple[R, ...]
    found: int
    fen: int = 0


@frozen
class Age:
    """What is overdue of all charges of one age.

    Args:
        grade: The row of the credit table that the age of the charge falls into.
    """

    grade: str
    charges: int
    overdue_fen: int


@frozen
class BrokenPay:
    """A promise to pay that was not kept (PAY-09).

    Args:
        on: The day it was made.
        broken_on: Due day of the first instalment that was not paid in full by then.
        paid_fen: What was paid of `promised_fen` by the last instalment.
    """

    household: str
    promise: str
    on: date
    broken_on: date
    promised_fen: int
    paid_fen: int


@frozen
class CreditMove:
    """A household whose credit was another at the end of the year than before its first day.

    Args:
        changes: Every change between, each with its causes; empty where the list is cut.
    """

    household: str
    before: str
    after: str
    changes: tuple[CreditChange, ...] = ()


@frozen
class Movement:
    """Credit at the end of the year beside that of the day before its first.

    Args:
        counts: Households by both.
        moved: Those of which they differ, the worst fall first.
    """

    counts: Mapping[tuple[str, str], int]
    moved: Rows[CreditMove]


@frozen
class Layers:
    """The run of record of an earlier year, beside which layers moved.

    Args:
        before: Of each household the layer it had.
        moved: The gradings of the first households whose layer is another now, with those of
            then.
        found: How many there are.
    """

    year: int
    run: str
    before: Mapping[str, str]
    moved: tuple[tuple[GradingDecided, GradingDecided], ...]
    found: int


@frozen
class Graded:
    """What the run of the year says.

    Args:
        listed: The first gradings, best layer first.
        examples: The first of each layer, with what people did about it.
        moved: Against an earlier year, if one was graded.
    """

    run: GradingRun
    listed: tuple[GradingDecided, ...]
    examples: tuple[Standing, ...]
    moved: Layers | None


@frozen
class Missed:
    """What was not kept of requests in the year, as known at the cut-off (REQ-09, REQ-15).

    Args:
        late: Requests done after their time, or not yet, the latest first.
        done_late: How many of them were done.
        broken: Promises of staff that were broken.
    """

    late: Rows[LateRequest]
    done_late: int
    broken: Rows[BrokenPromise]


@frozen
class Waiting:
    """What of one kind waits for one role.

    Args:
        held: Whether anybody holds the role.
        count: How many matters wait; `overdue` of them should have been done by now.
        since: Since when the oldest waits.
    """

    role: str
    held: bool
    what: str
    count: int
    overdue: int
    since: datetime


@frozen
class Moment:
    """Something that happened to a household.

    Args:
        what: Stored name of the event, without its version; `credit` where its credit changed.
        number: Of what it is about, where it has one.
        kind: Of a request.
        times: How often on that day.
        outcomes: Of a request what came of it: `late`, `promise_broken` and others.
        before, after: Its credit, where that changed.
        cause: What it changed by: as in `CreditChange`, `calendar` for its age alone.
        layer: The layer it was given, where it was graded.
    """

    household: str
    on: date
    what: str
    number: str
    kind: str
    times: int
    outcomes: tuple[str, ...]
    fen: int | None
    before: str
    after: str
    cause: str
    layer: str
    position: int


@frozen
class LifeYear:
    """A year of a household's life, money in sums.

    Args:
        months: Credit at the end of each month; empty before its first day and after the last.
    """

    household: str
    year: int
    months: tuple[str, ...]
    charges: int
    charged_fen: int
    payments: int
    paid_fen: int
    purchases: int
    bought_fen: int
    moments: tuple[Moment, ...]


@frozen
class Life:
    """One household's life as the log tells it, the first year first."""

    household: str
    years: tuple[LifeYear, ...]


@frozen
class YearReport:
    """The report of a year, for whoever asked.

    A part that is not for them is `Withheld`, with the reason, as is a single value.

    Args:
        on: The day as of which accounts are told: the last of the year, or today before that.
        known: The instant as of which facts are told; the cut-off of the run.
        made_at: When it was asked for; what waits, and the household's life, are as of then.
        position: The last event of the log, and `root` what binds all events up to there.
        ticked_at: Up to when the clock was last run; None if it never was.
        credit_ref: The credit table by which grades and ages are told.
        graded, owing, ages, owed, moved, promises: Parts that tell of grades or money.
        owed: Households and what they owe, by their credit.
        leads: Fields that lead to the door, or are personal, of which something is shown.
        households: How many households are named.
    """

    year: int
    period: Period
    on: date
    known: datetime
    made_at: datetime
    by: Actor
    purpose: str
    position: int
    root: str
    ticked_at: datetime | None
    credit_ref: PolicyRef
    run: str
    graded: Graded | Withheld
    owed: Mapping[str, tuple[int, int]] | Withheld
    ages: tuple[Age, ...] | Withheld
    owing: Rows[OwingRow] | Withheld
    moved: Movement | Withheld
    promises: Rows[BrokenPay] | Withheld
    missed: Missed
    waits: tuple[Waiting, ...]
    coverage: Coverage
    life: Life | None
    leads: tuple[str, ...]
    households: int
