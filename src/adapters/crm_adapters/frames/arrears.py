"""Which charges are open on which days of a window: the columnar twin of `payments.credit`.

The charges of a household that are open and overdue at some time of the window become spans of
days; the grade on the last day of a span is the worst of it, because an unpaid charge only grows
older. Charges that their own money covers never come in: a household that pays costs next to
nothing.
"""

from __future__ import annotations

from datetime import date

import narwhals as nw
import polars as pl
from attrs import frozen

from crm_adapters.frames.account import NOT_YET, Book
from crm_adapters.frames.backends import Backend, Frame, total, whole
from crm_core.payments.credit import GRADES, CreditPolicy

BUCKETS = GRADES[1:]
"""Grades of arrears, best first."""


@frozen
class Days:
    """First and last day of a window, and the day before it."""

    start: int
    end: int

    @property
    def before(self) -> int:
        return self.start - 1


@frozen
class Arrears:
    """What is overdue in a window.

    Args:
        course: By home: `worst` (rank of the worst grade of a day of the window), `entries` (how
            often the third grade or a worse one was entered), `since` (due date of the oldest
            charge that was overdue).
        standing: By home, of the last day: `rank`, `overdue_days`, `overdue_fen`.
        aged: The same with `disputed_fen`, and the overdue amount by the grade that each charge's
            own age falls into; only of homes of which something is overdue.
    """

    course: Frame
    standing: Frame
    aged: Frame


def arrears(book: Book, days: Days, table: CreditPolicy, backend: Backend) -> Arrears:
    """Arrears over a window, under a table in days or months."""
    still, steps = (backend.keep(part) for part in _steps(book, days))
    opened = backend.keep(_open(still, steps, days))
    homes = backend.keep(opened.select("home").unique())
    pool = backend.keep(_pool(book, still, steps, days, homes))
    spans = backend.keep(_unpaid(book, opened, pool, days, backend))
    now = backend.keep(_now(book, opened, pool, days))
    begins = _begins(spans, now, table, backend)
    standing = _standing(now, begins, days)
    return Arrears(
        _course(spans, begins, days),
        standing,
        _aged(book, still, steps, pool, now, standing, begins, days),
    )


# --- what names its charge ---------------------------------------------------------------------


def _steps(book: Book, days: Days) -> tuple[Frame, Frame]:
    """Charges by what money that names them has left open.

    Returns:
        Charges that no money of the window names, with `need`; and of the others the steps: from
        `day` until `to` so much is needed, and so much more was `used` than before.
    """
    caps = book.charges.select("home", "charge", "due", "amount")
    if book.late is not None:
        late = book.late.select("home", "charge", "amount", due=whole(NOT_YET))
        caps = nw.concat([caps, late.select("home", "charge", "due", "amount")])
    named = book.settlements.filter(~nw.col("charge").is_null(), nw.col("effective") <= days.end)
    given = (
        named.filter(nw.col("effective") <= days.before)
        .group_by("charge")
        .agg(given=total("amount"))
    )
    caps = caps.join(given, on="charge", how="left").with_columns(
        given=nw.col("given").fill_null(0)
    )
    within = named.filter(nw.col("effective") > days.before)
    within = within.group_by("charge", "effective").agg(given=total("amount"))
    still = caps.join(within.select("charge"), on="charge", how="anti")
    still = still.with_columns(used=_used("given")).with_columns(
        need=nw.col("amount") - nw.col("used")
    )
    touched = caps.join(within.select("charge").unique(), on="charge", how="semi")
    later = touched.drop("given").join(within, on="charge", how="inner")
    columns = ("home", "charge", "due", "amount", "given", "effective")
    steps = nw.concat(
        [
            touched.with_columns(effective=whole(days.before)).select(*columns),
            later.select(*columns),
        ]
    ).rename({"effective": "day"})
    steps = steps.with_columns(
        given=nw.col("given").cum_sum().over("charge", order_by="day").cast(nw.Int64),
        next=nw.col("day").shift(-1).over("charge", order_by="day"),
    ).with_columns(used=_used("given"))
    steps = steps.with_columns(
        need=nw.col("amount") - nw.col("used"),
        to=nw.col("next").fill_null(days.end + 1) - 1,
        more=nw.col("used") - nw.col("used").shift(1).over("charge", order_by="day").fill_null(0),
    )
    return still, steps


def _used(given: str) -> nw.Expr:
    """How much of the charge its own money settles."""
    positive = nw.when(nw.col(given) > 0).then(nw.col(given)).otherwise(0)
    return nw.when(positive < nw.col("amount")).then(positive).otherwise(nw.col("amount"))


def _open(still: Frame, steps: Frame, days: Days) -> Frame:
    """Spans of days on which a charge needs money without a name and is, or becomes, overdue."""
    columns = ("home", "charge", "due", "need", "day", "to")
    still = still.with_columns(day=whole(days.before), to=whole(days.end))
    both = nw.concat([still.select(*columns), steps.select(*columns)])
    return both.filter(nw.col("need") > 0, nw.col("due") < nw.col("to"))


# --- money without a name ----------------------------------------------------------------------


def _pool(book: Book, still: Frame, steps: Frame, days: Days, homes: Frame) -> Frame:
    """Of those homes, what money is left over, from `day` until `to`."""
    money = book.settlements.filter(nw.col("effective") <= days.end)
    money = money.join(homes, on="home", how="semi").with_columns(
        day=nw.when(nw.col("effective") < days.before)
        .then(whole(days.before))
        .otherwise(nw.col("effective"))
    )
    still = still.filter(nw.col("used") > 0).with_columns(
        day=whole(days.before), more=nw.col("used")
    )
    used = nw.concat(
        [still.select("home", "day", "more"), steps.select("home", "day", "more")]
    ).join(homes, on="home", how="semi")
    parts = [
        homes.with_columns(day=whole(days.before), amount=whole(0)),
        money.select("home", "day", "amount"),
        used.with_columns(amount=-nw.col("more")).select("home", "day", "amount"),
    ]
    changes = nw.concat(parts)
    changes = changes.group_by("home", "day").agg(amount=total("amount"))
    return (
        changes.with_columns(
            pool=nw.col("amount").cum_sum().over("home", order_by="day").cast(nw.Int64),
            next=nw.col("day").shift(-1).over("home", order_by="day"),
        )
        .with_columns(
            to=nw.col("next").fill_null(days.end + 1) - 1,
            pool=nw.when(nw.col("pool") > 0).then(nw.col("pool")).otherwise(0),
        )
        .select("home", "day", "to", "pool")
    )


# --- what is unpaid ----------------------------------------------------------------------------


def _unpaid(book: Book, opened: Frame, pool: Frame, days: Days, backend: Backend) -> Frame:
    """Spans of days on which a charge is unpaid, undisputed and overdue at the end."""
    turns = pool
    mixed = pool.filter(nw.col("pool") > 0).select("home").unique()
    if book.disputes is not None:
        contested = book.disputes.filter(
            nw.col("start") <= days.end, nw.col("end") > days.before
        ).join(opened.select("home").unique(), on="home", how="semi")
        mixed = nw.concat([mixed, contested.select("home")]).unique()
        turns = _with_turns(pool, contested, days)
    mixed = backend.keep(mixed)
    columns = ("home", "charge", "due", "day", "to")
    alone = opened.join(mixed, on="home", how="anti").select(*columns)
    spans = opened.join(mixed, on="home", how="semi").select(
        "home", "charge", "due", "need", first="day", last="to"
    )
    turns = turns.join(mixed, on="home", how="semi")
    pairs = spans.join(turns, on="home", how="inner").filter(
        nw.col("first") <= nw.col("day"),
        nw.col("last") >= nw.col("to"),
        nw.col("due") < nw.col("to"),
    )
    if book.disputes is not None:
        pairs = _undisputed(pairs, book.disputes)
    left = pairs.with_columns(asked=_asked("home", "day")).filter(
        nw.col("need") > 0, nw.col("asked") > nw.col("pool")
    )
    return nw.concat([alone, left.select(*columns)])


def _asked(*by: str) -> nw.Expr:
    """What this charge and all older ones need."""
    return nw.col("need").cum_sum().over(*by, order_by=["due", "charge"]).cast(nw.Int64)


def _with_turns(pool: Frame, contested: Frame, days: Days) -> Frame:
    """The pool from turn to turn, where a dispute that begins or ends is a turn as well."""
    begun = contested.select("home", day="start")
    ended = contested.select("home", day="end")
    extra = nw.concat([begun, ended]).filter(nw.col("day") > days.before, nw.col("day") <= days.end)
    at = nw.concat([pool.select("home", "day"), extra.select("home", "day")]).unique()
    # Between two of its own days the pool stays what it was.
    spans = pool.select("home", "pool", first="day", last="to")
    cut = at.join(spans, on="home", how="inner").filter(
        nw.col("first") <= nw.col("day"), nw.col("day") <= nw.col("last")
    )
    nearest = nw.col("day").shift(-1).over("home", order_by="day")
    return (
        cut.with_columns(next=nearest)
        .with_columns(to=nw.col("next").fill_null(days.end + 1) - 1)
        .select("home", "day", "to", "pool")
    )


def _undisputed(pairs: Frame, disputes: Frame) -> Frame:
    """What ages of each need: without what is in dispute on that day."""
    contested = (
        pairs.select("charge", "day")
        .join(disputes.select("charge", "amount", "start", "end"), on="charge", how="inner")
        .filter(nw.col("start") <= nw.col("day"), nw.col("day") < nw.col("end"))
        .group_by("charge", "day")
        .agg(disputed=total("amount"))
    )
    joined = pairs.join(contested, on=["charge", "day"], how="left")
    disputed = nw.col("disputed").fill_null(0)
    part = nw.when(disputed < nw.col("need")).then(disputed).otherwise(nw.col("need"))
    return joined.with_columns(need=nw.col("need") - part).drop("disputed")


# --- grades ------------------------------------------------------------------------------------


def _now(book: Book, opened: Frame, pool: Frame, days: Days) -> Frame:
    """Charges that are overdue on the last day, with what is unpaid and undisputed of them."""
    last = opened.filter(nw.col("to") == days.end, nw.col("due") < days.end)
    left = pool.filter(nw.col("to") == days.end).select("home", "pool")
    now = last.select("home", "charge", "due", "need").join(left, on="home", how="inner")
    if book.disputes is not None:
        now = _undisputed(now.with_columns(day=whole(days.end)), book.disputes)
    now = now.with_columns(asked=_asked("home"))
    return (
        now.with_columns(unpaid=_left("asked", "pool", "need"))
        .filter(nw.col("unpaid") > 0)
        .select("home", "due", "unpaid")
    )


def _left(asked: str, given: str, need: str) -> nw.Expr:
    """What is left of a need where so much is given to it and to those before it."""
    over = nw.col(asked) - nw.col(given)
    positive = nw.when(over > 0).then(over).otherwise(0)
    return nw.when(positive < nw.col(need)).then(positive).otherwise(nw.col(need))


def _begins(spans: Frame, now: Frame, table: CreditPolicy, backend: Backend) -> Frame:
    """For every due date the first day of each grade but the best."""
    both = nw.concat([spans.select("due"), now.select("due")])
    found = sorted(due for (due,) in backend.rows(both.unique()))
    begins = [[day.toordinal() for day in table.begins(date.fromordinal(due))] for due in found]
    columns = {f"begin_{n}": [row[n] for row in begins] for n in range(len(table.buckets) - 1)}
    schema = dict.fromkeys(("due", *columns), pl.Int64)
    return backend.table(pl.DataFrame({"due": found, **columns}, schema=schema))


def _rank(day: nw.Expr) -> nw.Expr:
    """How many places behind the best grade."""
    begins = [nw.col(f"begin_{n}") for n in range(len(BUCKETS))]
    reached = [nw.when(day >= begin).then(1).otherwise(0) for begin in begins]
    return nw.sum_horizontal(*reached)


def _course(spans: Frame, begins: Frame, days: Days) -> Frame:
    aged = spans.join(begins, on="due", how="inner").with_columns(rank=_rank(nw.col("to")))
    graded = aged.group_by("home").agg(
        since=nw.col("due").min(),
        worst=nw.when(nw.col("to") >= days.start).then(nw.col("rank")).otherwise(0).max(),
    )
    bad = aged.filter(nw.col("rank") >= 2).with_columns(
        day=nw.when(nw.col("day") > nw.col("begin_1"))
        .then(nw.col("day"))
        .otherwise(nw.col("begin_1"))
    )
    # Spans that meet or overlap are one stay at the grade or a worse one.
    bad = bad.with_columns(reach=nw.col("to").cum_max().over("home", order_by=["day", "charge"]))
    bad = bad.with_columns(
        reached=nw.col("reach").shift(1).over("home", order_by=["day", "charge"])
    )
    entered = (nw.col("day") > days.before) & (
        nw.col("reached").is_null() | (nw.col("day") > nw.col("reached") + 1)
    )
    entries = bad.group_by("home").agg(entries=nw.when(entered).then(1).otherwise(0).sum())
    return graded.join(entries, on="home", how="left").with_columns(
        entries=nw.col("entries").fill_null(0)
    )


def _standing(now: Frame, begins: Frame, days: Days) -> Frame:
    end = whole(days.end)
    return (
        now.group_by("home")
        .agg(due=nw.col("due").min(), overdue_fen=total("unpaid"))
        .join(begins, on="due", how="inner")
        .with_columns(rank=_rank(end), overdue_days=end - nw.col("due"))
        .select("home", "rank", "overdue_days", "overdue_fen")
    )


def _aged(
    book: Book,
    still: Frame,
    steps: Frame,
    pool: Frame,
    now: Frame,
    standing: Frame,
    begins: Frame,
    days: Days,
) -> Frame:
    """Arrears by the grade of each charge's own age, and what is in dispute."""
    ranked = now.join(begins, on="due", how="inner").with_columns(rank=_rank(whole(days.end)))
    amounts = {
        grade: nw.when(nw.col("rank") == n).then(nw.col("unpaid")).otherwise(0)
        for n, grade in enumerate(BUCKETS, 1)
    }
    sums = {grade: total(grade) for grade in BUCKETS}
    overdue = standing.join(
        ranked.with_columns(**amounts).group_by("home").agg(**sums), on="home", how="inner"
    )
    if book.disputes is None:
        return overdue.with_columns(disputed_fen=whole(0))
    contested = _contested(book.disputes, still, steps, pool, days)
    homes = nw.concat([overdue.select("home"), contested.select("home")]).unique()
    numbers = ("rank", "overdue_days", "overdue_fen", "disputed_fen", *BUCKETS)
    return (
        homes.join(overdue, on="home", how="left")
        .join(contested, on="home", how="left")
        .with_columns(*(nw.col(name).fill_null(0) for name in numbers))
    )


def _contested(disputes: Frame, still: Frame, steps: Frame, pool: Frame, days: Days) -> Frame:
    """What is overdue and in dispute on the last day: money without a name comes to it last."""
    columns = ("home", "charge", "due", "need")
    last = steps.filter(nw.col("to") == days.end, nw.col("due") < NOT_YET)
    needs = nw.concat(
        [still.filter(nw.col("due") < NOT_YET).select(*columns), last.select(*columns)]
    )
    open_now = disputes.filter(nw.col("start") <= days.end, nw.col("end") > days.end)
    needs = needs.join(open_now.select("home").unique(), on="home", how="semi")
    parts = _undisputed(needs.with_columns(day=whole(days.end), whole=nw.col("need")), disputes)
    parts = parts.with_columns(part=nw.col("whole") - nw.col("need"))
    asked = parts.group_by("home").agg(asked=total("need"))
    left = pool.filter(nw.col("to") == days.end).join(asked, on="home", how="inner")
    left = left.with_columns(spare=nw.col("pool") - nw.col("asked")).with_columns(
        spare=nw.when(nw.col("spare") > 0).then(nw.col("spare")).otherwise(0)
    )
    return (
        parts.join(left.select("home", "spare"), on="home", how="inner")
        .with_columns(
            before=nw.col("part").cum_sum().over("home", order_by=["due", "charge"]).cast(nw.Int64)
        )
        .with_columns(disputed_fen=_left("before", "spare", "part"))
        .filter(nw.col("due") < days.end, nw.col("disputed_fen") > 0)
        .group_by("home")
        .agg(disputed_fen=total("disputed_fen"))
    )
