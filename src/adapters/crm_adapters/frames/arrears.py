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

from crm_adapters.frames.account import NOT_YET, Book
from crm_adapters.frames.backends import Backend, Frame, total, whole
from crm_core.kernel.values import frozen
from crm_core.payments.facts import GRADES, CreditPolicy

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
    named = backend.keep(_named(book, days))
    steps = backend.keep(_steps(book, named, days))
    opened = backend.keep(_open(steps, days))
    pool = backend.keep(_pool(book, named, steps, days, opened.select("home").unique()))
    spans = backend.keep(_unpaid(book, opened, pool, days, backend))
    now = backend.keep(_now(book, opened, pool, days))
    begins = _begins(spans, now, table, backend)
    standing = _standing(now, begins, days)
    return Arrears(
        _course(spans, begins, days),
        standing,
        _aged(book, named, pool, now, standing, begins, days),
    )


# --- what names its charge ---------------------------------------------------------------------


def _named(book: Book, days: Days) -> Frame:
    """Charges and late charges beside the money that names them, until the end of the window.

    Returns:
        `home`, `charge`, `due`, `amount` (0 where there is no such charge), `given`, and
        `plain`: none of it was taken back, and no more was given than was asked; the charge takes
        it all on the day it comes, so that nothing is left over, ever. `need` is what is left open
        at the end. `looked_at`: it may have been overdue some day. `early` was given before the
        window, and `first` and `latest` are days of it on which money came.
    """
    none = {"given": whole(0), "early": whole(0), "least": whole(0)}
    none |= {"first": whole(NOT_YET), "latest": whole(0)}
    asked = [book.charges.select("home", "charge", "due", "amount", known=whole(1), **none)]
    if book.late is not None:
        late = book.late.select("home", "charge", "amount", due=whole(NOT_YET))
        asked.append(late.with_columns(known=whole(1), **none))
    money = book.settlements.filter(~nw.col("charge").is_null(), nw.col("effective") <= days.end)
    before, day, fen = nw.col("effective") <= days.before, nw.col("effective"), nw.col("amount")
    money = money.select(
        "home",
        "charge",
        due=whole(0),
        known=whole(0),
        given=fen,
        early=nw.when(before).then(fen).otherwise(whole(0)),
        least=fen,
        first=nw.when(before).then(whole(NOT_YET)).otherwise(day),
        latest=day,
    ).with_columns(amount=whole(0))
    columns = ("home", "charge", "due", "amount", "known", *none)
    both = nw.concat([part.select(*columns) for part in (*asked, money)])
    found = both.group_by("charge").agg(
        home=nw.col("home").max(),
        due=nw.col("due").max(),
        amount=total("amount"),
        known=nw.col("known").max(),
        given=total("given"),
        early=total("early"),
        least=nw.col("least").min(),
        first=nw.col("first").min(),
        latest=nw.col("latest").max(),
    )
    # One that is not known takes nothing.
    kept = nw.col("least") >= 0
    full = kept & (nw.col("given") >= nw.col("amount"))
    in_time = (nw.col("latest") <= nw.col("due")) | (nw.col("latest") <= days.before)
    return found.with_columns(
        plain=kept & (nw.col("given") <= nw.col("amount")) & (nw.col("known") == 1),
        looked_at=(nw.col("due") < days.end) & (nw.col("known") == 1) & ~(full & in_time),
        need=nw.col("amount") - _used("given"),
    )


def _money(book: Book, days: Days) -> Frame:
    """Settlements with their `day`; whatever came before the window stands on the day before."""
    earlier = nw.when(nw.col("effective") < days.before).then(whole(days.before))
    money = book.settlements.filter(nw.col("effective") <= days.end)
    return money.with_columns(day=earlier.otherwise(nw.col("effective")))


def _until_next(by: str, days: Days) -> nw.Expr:
    """The day before the next `day` of the same, or the last day of the window."""
    following = nw.col("day").shift(-1).over(by, order_by="day")
    return following.fill_null(days.end + 1) - 1


def _used(given: str) -> nw.Expr:
    """How much of the charge its own money settles."""
    positive = nw.when(nw.col(given) > 0).then(nw.col(given)).otherwise(0)
    return nw.when(positive < nw.col("amount")).then(positive).otherwise(nw.col("amount"))


_STEP = ("home", "charge", "due", "need", "day", "to", "more")


def _steps(book: Book, named: Frame, days: Days) -> Frame:
    """Charges that are looked at, and those that are not plain, by what is left open of them.

    Returns:
        From `day` until `to` so much is needed (`need`), and so much `more` was used than before;
        the first step begins with the day before the window.
    """
    chosen = named.filter((nw.col("looked_at") | ~nw.col("plain")) & (nw.col("known") == 1))
    many = (nw.col("first") < nw.col("latest")) & (nw.col("latest") > days.before)
    few = chosen.filter(~many)
    paid = nw.col("first") < NOT_YET
    begin = few.with_columns(
        day=whole(days.before),
        to=nw.when(paid).then(nw.col("first") - 1).otherwise(whole(days.end)),
        more=_used("early"),
        need=nw.col("amount") - _used("early"),
    )
    after = few.filter(paid).with_columns(
        day=nw.col("first"), to=whole(days.end), more=_used("given") - _used("early")
    )
    several = _several_steps(book, chosen.filter(many), days)
    return nw.concat([part.select(*_STEP) for part in (begin, after, several)])


def _several_steps(book: Book, chosen: Frame, days: Days) -> Frame:
    """The same of charges for which money came on several days of the window."""
    chosen = chosen.select("home", "charge", "due", "amount")
    money = (
        _money(book, days)
        .select("charge", "day", given="amount")
        .join(chosen, on="charge", how="inner")
    )
    columns = ("home", "charge", "due", "amount", "day", "given")
    first = chosen.with_columns(day=whole(days.before), given=whole(0))
    steps = (
        nw.concat([first.select(*columns), money.select(*columns)])
        .group_by("charge", "day")
        .agg(
            home=nw.col("home").max(),
            due=nw.col("due").max(),
            amount=nw.col("amount").max(),
            given=total("given"),
        )
        .with_columns(
            given=nw.col("given").cum_sum().over("charge", order_by="day").cast(nw.Int64),
            to=_until_next("charge", days),
        )
        .with_columns(used=_used("given"))
    )
    return steps.with_columns(
        need=nw.col("amount") - nw.col("used"),
        more=nw.col("used") - nw.col("used").shift(1).over("charge", order_by="day").fill_null(0),
    )


def _open(steps: Frame, days: Days) -> Frame:
    """Spans of days on which a charge needs money without a name and is, or becomes, overdue."""
    spans = steps.filter(nw.col("need") > 0, nw.col("due") < nw.col("to"), nw.col("due") < days.end)
    return spans.select("home", "charge", "due", "need", "day", "to")


# --- money without a name ----------------------------------------------------------------------


def _pool(book: Book, named: Frame, steps: Frame, days: Days, homes: Frame) -> Frame:
    """Of those homes, what money is left over, from `day` until `to`.

    What a plain charge is given it takes, and nothing of it is ever left over.
    """
    other = named.filter(~nw.col("plain")).select("charge")
    turns = _money(book, days).join(homes, on="home", how="semi")
    turns = turns.join(other.with_columns(over=whole(1)), on="charge", how="left")
    free = nw.col("charge").is_null() | ~nw.col("over").is_null()
    gives = nw.when(free).then(nw.col("amount")).otherwise(0)
    odd = steps.join(other, on="charge", how="semi").join(homes, on="home", how="semi")
    parts = [
        homes.with_columns(day=whole(days.before), amount=whole(0)),
        turns.with_columns(amount=gives).select("home", "day", "amount"),
        odd.with_columns(amount=-nw.col("more")).select("home", "day", "amount"),
    ]
    changes = nw.concat(parts).group_by("home", "day").agg(amount=total("amount"))
    return (
        changes.with_columns(
            pool=nw.col("amount").cum_sum().over("home", order_by="day").cast(nw.Int64),
            to=_until_next("home", days),
        )
        .with_columns(
            pool=nw.when(nw.col("pool") > 0).then(nw.col("pool")).otherwise(0),
        )
        .select("home", "day", "to", "pool")
    )


# --- what is unpaid ----------------------------------------------------------------------------


def _unpaid(book: Book, opened: Frame, pool: Frame, days: Days, backend: Backend) -> Frame:
    """Spans of days on which a charge is unpaid, undisputed and overdue at the end."""
    turns, contested = pool, None
    mixed = pool.filter(nw.col("pool") > 0).select("home").unique()
    if book.disputes is not None:
        lasting = book.disputes.filter(nw.col("start") <= days.end, nw.col("end") > days.before)
        lasting = lasting.join(opened.select("home").unique(), on="home", how="semi")
        lasting = backend.keep(lasting.select("home", "start", "end"))
        contested = lasting.select("home").unique()
        mixed = nw.concat([mixed, contested]).unique()
        cut = _with_turns(pool.join(contested, on="home", how="semi"), lasting, days)
        turns = nw.concat([pool.join(contested, on="home", how="anti"), cut])
    mixed = backend.keep(mixed)
    columns = ("home", "charge", "due", "day", "to")
    alone = opened.join(mixed, on="home", how="anti").select(*columns)
    spans = opened.join(mixed, on="home", how="semi").select(
        "home", "charge", "due", "need", first="day", last="to"
    )
    turns = backend.keep(turns.join(mixed, on="home", how="semi"))
    spans, turns = _not_settled(spans, turns, contested, days, backend)
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


def _not_settled(
    spans: Frame, turns: Frame, contested: Frame | None, days: Days, backend: Backend
) -> tuple[Frame, Frame]:
    """Without the oldest charges that the pool settles on every day, and the pool without that.

    What is in dispute is settled last, so there the order changes from day to day, and all stays.
    """
    least = turns.group_by("home").agg(least=nw.col("pool").min())
    if contested is not None:
        flagged = contested.with_columns(flag=whole(1))
        least = least.join(flagged, on="home", how="left").with_columns(
            least=nw.when(nw.col("flag").is_null()).then(nw.col("least")).otherwise(whole(-1))
        )
        least = least.select("home", "least")
    always = (nw.col("first") == days.before) & (nw.col("last") == days.end)
    order = {"order_by": ["due", "charge", "first"]}
    seen = spans.join(least, on="home", how="inner").with_columns(
        ever=nw.col("need").cum_sum().over("home", **order).cast(nw.Int64),
        changes=nw.when(always).then(0).otherwise(1).cum_sum().over("home", **order),
    )
    seen = backend.keep(seen)
    settled = (nw.col("ever") <= nw.col("least")) & (nw.col("changes") == 0)
    spent = seen.filter(settled).group_by("home").agg(spent=total("need"))
    rest = turns.join(spent, on="home", how="left")
    rest = rest.with_columns(pool=nw.col("pool") - nw.col("spent").fill_null(0))
    left = seen.filter(~settled).select("home", "charge", "due", "need", "first", "last")
    return left, rest.select("home", "day", "to", "pool")


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
    return cut.with_columns(to=_until_next("home", days)).select("home", "day", "to", "pool")


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
    named: Frame,
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
    contested = _contested(book.disputes, named, pool, days)
    homes = nw.concat([overdue.select("home"), contested.select("home")]).unique()
    numbers = ("rank", "overdue_days", "overdue_fen", "disputed_fen", *BUCKETS)
    return (
        homes.join(overdue, on="home", how="left")
        .join(contested, on="home", how="left")
        .with_columns(*(nw.col(name).fill_null(0) for name in numbers))
    )


def _contested(disputes: Frame, named: Frame, pool: Frame, days: Days) -> Frame:
    """What is overdue and in dispute on the last day: money without a name comes to it last."""
    # What falls due later takes nothing yet; late charges stand behind it.
    needs = named.filter(nw.col("known") == 1, nw.col("due") <= days.end, nw.col("need") > 0)
    needs = needs.select("home", "charge", "due", "need")
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
