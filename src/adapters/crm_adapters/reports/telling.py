"""What the report of a year says of money, promises, work, visits and one household's life."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from crm_adapters.reports.figures import Bar, MatrixRow, matrix, share, span, width
from crm_adapters.reports.speech import (
    Word,
    both,
    days,
    duration,
    known,
    listed,
    local,
    same,
    sentence,
)
from crm_core.application.reporting.model import (
    CreditMove,
    LifeYear,
    Moment,
    Movement,
    Waiting,
    YearReport,
)
from crm_core.application.return_visits import Coverage, Covered
from crm_core.gradings.policy import GRADES
from crm_core.gradings.words import layer_name
from crm_core.kernel.sealed import Withheld
from crm_core.kernel.sentences import sentences
from crm_core.kernel.tenures import FIRST
from crm_core.kernel.values import frozen
from crm_core.kernel.yuan import yuan_shown
from crm_core.payments.changes import CreditChange
from crm_core.payments.credit import CreditPolicy
from crm_core.payments.owing import OwingRow
from crm_core.requests.late import BrokenPromise, LateRequest

CHANGES_MAX = 3
"""Changes told of a household's credit: the last ones, which say why it is where it is."""

Cell = str | Word | tuple[Word, ...]
"""A text, words, or several sentences, each in a line."""


@frozen
class Table:
    """A table of texts and words.

    Args:
        id: Its name on the page.
        heads: The codes of its headings.
        numbers: Which of its columns are numbers.
        rows: Its cells; the first of each row is its heading.
        found: How many rows there are in all.
        withheld: The headings of which nothing is shown to whoever asked: their codes, their words,
            and the reason.
    """

    id: str
    heads: tuple[str, ...]
    numbers: frozenset[int]
    rows: tuple[tuple[Cell, ...], ...]
    found: int
    withheld: tuple[tuple[tuple[str, ...], Word, Word], ...] = ()

    @property
    def more(self) -> str:
        """How many rows are not shown; empty if none."""
        left = self.found - len(self.rows)
        return f"{left:,}" if left else ""


def reason(value: Withheld) -> Word:
    """Why something is not shown."""
    return known(value.reason)


def table(id: str, heads: Mapping[str, bool], rows: Iterable[tuple[Any, ...]], found: int) -> Table:
    """A table without the columns that whoever asked may not see.

    Args:
        heads: The codes of its headings, and whether each is of numbers.
    """
    rows = tuple(rows)
    names = tuple(heads)
    hidden = {
        at: reason(row[at])
        for at in range(len(names))
        for row in rows[:1]
        if isinstance(row[at], Withheld)
    }
    left = [at for at in range(len(names)) if at not in hidden]
    return Table(
        id=id,
        heads=tuple(names[at] for at in left),
        numbers=frozenset(n for n, at in enumerate(left) if heads[names[at]]),
        rows=tuple(tuple(row[at] for at in left) for row in rows),
        found=found,
        withheld=tuple(_left_out({names[at]: why for at, why in hidden.items()})),
    )


def _left_out(hidden: Mapping[str, Word]) -> Iterable[tuple[tuple[str, ...], Word, Word]]:
    """Headings without a column, those of one reason together."""
    for why in dict.fromkeys(hidden.values()):
        heads = tuple(head for head, other in hidden.items() if other == why)
        yield heads, listed([sentence(head) for head in heads]), why


# --- money ---------------------------------------------------------------------------------------


def owing(report: YearReport) -> Table | None:
    """Who owes most and since when."""
    found = report.owing
    if isinstance(found, Withheld):
        return None
    heads = {
        "household": False,
        "estate": False,
        "building": False,
        "unit": False,
        "room": False,
        "tenure": False,
        "oldest_due": False,
        "overdue_for": True,
        "yuan_overdue": True,
    }
    if all(row.tenure == FIRST for row in found.rows):
        del heads["tenure"]
    return table("owing", heads, (_owes(row, "tenure" in heads) for row in found.rows), found.found)


def _owes(row: OwingRow, with_tenure: bool) -> tuple[Any, ...]:
    tenure = sentence("tenure_first") if row.tenure == FIRST else same(row.tenure)
    return (
        row.household,
        row.estate,
        row.building,
        row.unit,
        row.room,
        *((tenure,) if with_tenure else ()),
        str(row.oldest_due),
        days(row.overdue_days),
        yuan_shown(row.overdue_fen),
    )


def by_grade(owed: Mapping[str, tuple[int, int]], credit: CreditPolicy) -> list[Bar]:
    """Households and what they owe by their credit: all of it with the age of the oldest charge."""
    households, fen = (sum(one[at] for one in owed.values()) for at in (0, 1))
    return [
        _bar(bucket.grade, span(credit, index), *owed[bucket.grade], households, fen)
        for index, bucket in enumerate(credit.buckets)
    ]


def by_age(report: YearReport, credit: CreditPolicy) -> list[Bar]:
    """Charges and what is overdue of them, each with its own age."""
    if isinstance(report.ages, Withheld):
        return []
    charges = sum(one.charges for one in report.ages)
    fen = sum(one.overdue_fen for one in report.ages)
    spans = {bucket.grade: span(credit, at) for at, bucket in enumerate(credit.buckets)}
    return [
        _bar(one.grade, spans[one.grade], one.charges, one.overdue_fen, charges, fen)
        for one in report.ages
    ]


def _bar(key: str, note: Word, count: int, fen: int, total: int, total_fen: int) -> Bar:
    return Bar(
        key=key,
        name=same(key),
        households=f"{count:,}",
        share=share(count, total),
        width=width(count, total),
        note=note,
        yuan=yuan_shown(fen),
        yuan_share=share(fen, total_fen),
        yuan_width=width(fen, total_fen),
    )


def promises(report: YearReport) -> Table | None:
    """Promises to pay that were broken."""
    found = report.promises
    if isinstance(found, Withheld):
        return None
    heads = {
        "household": False,
        "promise_made": False,
        "broken_on": False,
        "yuan_promised": True,
        "yuan_paid": True,
    }
    rows = (
        (
            one.household,
            str(one.on),
            str(one.broken_on),
            yuan_shown(one.promised_fen),
            yuan_shown(one.paid_fen),
        )
        for one in found.rows
    )
    return table("promises", heads, rows, found.found)


# --- credit that moved ---------------------------------------------------------------------------


@frozen
class CreditMoved:
    """Who moved how far and why."""

    matrix: tuple[MatrixRow, ...]
    columns: tuple[Word, ...]
    table: Table
    worse: str
    better: str
    same: str


def moved(report: YearReport) -> CreditMoved | None:
    """Credit at the end of the year beside that before it."""
    found = report.moved
    if isinstance(found, Withheld):
        return None
    names = [(grade, same(grade)) for grade in GRADES.values]
    order = list(GRADES.values).index
    counts = _directions(found, order)
    heads = {"household": False, "before_year": False, "at_end": False, "why_moved": False}
    rows = ((one.household, one.before, one.after, _why(one)) for one in found.moved.rows)
    return CreditMoved(
        matrix=matrix(found.counts, names, GRADES.values),
        columns=tuple(name for _, name in names),
        table=table("credit-moved", heads, rows, found.moved.found),
        worse=counts[0],
        better=counts[1],
        same=counts[2],
    )


def _directions(found: Movement, order: Any) -> tuple[str, str, str]:
    worse = sum(n for (a, b), n in found.counts.items() if order(b) > order(a))
    better = sum(n for (a, b), n in found.counts.items() if order(b) < order(a))
    stayed = sum(n for (a, b), n in found.counts.items() if a == b)
    return f"{worse:,}", f"{better:,}", f"{stayed:,}"


def _why(move: CreditMove) -> tuple[Word, ...] | Withheld:
    if isinstance(move.before, Withheld):
        return move.before
    told = [_change(one) for one in move.changes[-CHANGES_MAX:]]
    more = len(move.changes) - len(told)
    if more:
        told.insert(0, sentence("changes_before", count=f"{more:,}"))
    return tuple(told)


def _change(change: CreditChange) -> Word:
    causes = listed([_cause(one.what, one.number, change.calendar) for one in change.causes])
    return sentence(
        "credit_change", day=str(change.day), before=change.before, after=change.after, why=causes
    )


def _cause(what: str, number: str, calendar: bool) -> Word:
    if calendar:
        return sentence("grew_older", number=number)
    en, zh = known(f"movement_{what}")
    return f"{en} {number}", f"{zh} {number}"


# --- requests ------------------------------------------------------------------------------------


def late(report: YearReport, zone: str) -> Table:
    """Requests that were late, the latest first."""
    heads = {
        "request": False,
        "household": False,
        "kind": False,
        "trade": False,
        "due_by": False,
        "due_at": False,
        "done_at": False,
        "late_for": True,
    }
    found = report.missed.late
    return table("late", heads, (_late(one, zone) for one in found.rows), found.found)


def _late(one: LateRequest, zone: str) -> tuple[Any, ...]:
    seconds = int((one.until - one.due_at).total_seconds())
    return (
        one.request,
        one.household,
        known(f"kind_{one.kind}"),
        known(f"trade_{one.trade}"),
        sentence(f"basis_{one.basis}"),
        local(one.due_at, zone),
        sentence("not_yet") if one.done_at is None else local(one.done_at, zone),
        duration(seconds),
    )


def broken(report: YearReport, zone: str) -> Table:
    """Promises of staff that were broken, the last first."""
    heads = {"request": False, "household": False, "kind": False, "trade": False,
             "promised_by": False, "broken_at": False}  # fmt: skip
    found = report.missed.broken
    return table("broken", heads, (_broken(one, zone) for one in found.rows), found.found)


def _broken(one: BrokenPromise, zone: str) -> tuple[Any, ...]:
    return (
        one.request,
        one.household,
        known(f"kind_{one.kind}"),
        known(f"trade_{one.trade}"),
        one.by,
        local(one.broken_at, zone),
    )


# --- what waits, and visits ----------------------------------------------------------------------


def waits(report: YearReport, zone: str) -> Table:
    """What waits for which role."""
    heads = {"role": False, "matter": False, "waiting": True, "overdue_now": True,
             "oldest_since": False}  # fmt: skip
    rows = [_waits(one, zone) for one in report.waits]
    return table("waits", heads, rows, len(rows))


def _waits(one: Waiting, zone: str) -> tuple[Any, ...]:
    role = sentence(f"role_{one.role}")
    if not one.held:
        role = sentence("role_not_held", role=role)
    return (
        role,
        known(f"todo_{one.what}"),
        f"{one.count:,}",
        f"{one.overdue:,}",
        local(one.since, zone),
    )


def visits(coverage: Coverage) -> Table:
    """How far the visits of the year were made, against the policy."""
    heads = {
        "visit_kind": False,
        "required": True,
        "called_for": True,
        "made": True,
        "share_made": True,
        "missed": True,
        "reached": False,
    }
    rows = [_covered(one) for one in coverage.rows if one.called_for]
    return table("visits", heads, rows, len(rows))


def not_due(coverage: Coverage) -> Word | None:
    """What called for no visit in the year; None where everything did."""
    found = [_visit(one) for one in coverage.rows if not one.called_for]
    return listed(found) if found else None


def _covered(one: Covered) -> tuple[Any, ...]:
    share_made = "–" if one.percent is None else f"{one.percent} %"
    return (
        _visit(one),
        f"{one.required_percent} %",
        f"{one.called_for:,}",
        f"{one.made:,}",
        share_made,
        f"{one.missed:,}",
        reached(one.met),
    )


def _visit(one: Covered) -> Word:
    return known(f"visit_{one.row}")


def reached(met: bool | None) -> Word:
    """Whether what was asked for was reached."""
    return sentence({True: "reached_it", False: "not_reached", None: "still_open"}[met])


# --- one household's life ------------------------------------------------------------------------


@frozen
class Told:
    """A moment: its day, and what happened."""

    on: date
    what: Word
    mark: str


@frozen
class Year:
    """A year of a life: credit of its months, sums of money, and moments."""

    year: int
    months: tuple[tuple[str, str], ...]
    sums: tuple[Word, ...]
    moments: tuple[Told, ...]


def life(report: YearReport) -> list[Year]:
    """One household's life, the last year first."""
    if report.life is None:
        return []
    return [_year(one) for one in reversed(report.life.years)]


def _year(one: LifeYear) -> Year:
    hidden = isinstance(one.months, Withheld)
    return Year(
        year=one.year,
        months=()
        if hidden
        else tuple((f"{n:02d}", grade) for n, grade in enumerate(one.months, 1)),
        sums=tuple(_sums(one)),
        moments=tuple(_told(moment) for moment in one.moments),
    )


def _sums(one: LifeYear) -> Iterable[Word]:
    for code, count, fen in (
        ("charges_of", one.charges, one.charged_fen),
        ("payments_of", one.payments, one.paid_fen),
        ("purchases_of", one.purchases, one.bought_fen),
    ):
        if isinstance(count, Withheld):
            yield sentence(f"{code}_withheld", why=reason(count))
        elif count:
            yield sentence(code, count=f"{count:,}", yuan=yuan_shown(fen))


def _told(moment: Moment) -> Told:
    if moment.what == "credit":
        return Told(moment.on, _credit_of(moment), "credit")
    if moment.what == "requests.received":
        return Told(moment.on, _request_of(moment), "request")
    name = sentences("events").get(moment.what)
    what = same(moment.what) if name is None else (name["en"], name["zh"])
    if moment.times > 1:
        what = sentence("several_times", what=what, count=f"{moment.times:,}")
    details: list[Word] = [same(moment.number)] if moment.number else []
    if isinstance(moment.fen, int):
        details.append(sentence("amount", yuan=yuan_shown(moment.fen)))
    if isinstance(moment.layer, str) and moment.layer:
        details.append(both(lambda lang: layer_name(moment.layer, lang)))
    if details:
        what = sentence("with_details", what=what, details=listed(details))
    return Told(moment.on, what, "graded" if moment.layer else "other")


def _credit_of(moment: Moment) -> Word:
    if isinstance(moment.before, Withheld):
        return sentence("credit_moved_withheld", why=reason(moment.before))
    cause = _cause(moment.cause, moment.number, moment.cause == "calendar")
    return sentence("credit_moved", before=moment.before, after=moment.after, why=cause)


def _request_of(moment: Moment) -> Word:
    outcomes = [sentence(f"outcome_{one}") for one in moment.outcomes] or [sentence("outcome_open")]
    return sentence(
        "request_told",
        kind=known(f"kind_{moment.kind}"),
        number=moment.number,
        outcomes=listed(outcomes),
    )
