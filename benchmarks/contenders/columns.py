"""Polars by hand: the same audit of the same kept files, written for these data and nothing else.

It knows what a town is: one grading policy, one credit table in days. What every eye sees alike is
worked out once: charges that their own money settles in full are out of the way for good, and only
the rest is looked at by each eye. Rows stay in the order of the files, so that evidence comes in
order too. Numbers of days and of the rest are those of the files; `sound` is taken from them.
"""

from __future__ import annotations

import gc
from datetime import date, datetime
from functools import reduce
from importlib.metadata import version
from time import perf_counter
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

ZONE = ZoneInfo("Asia/Shanghai")
MICROSECONDS = 1_000_000

(
    REGISTERED, CHARGE, CANCELLED, PAYMENT, PAYMENT_BACK, REFUND, WAIVER, DISPUTE, DISPUTE_ENDED,
    LATE_CHARGE, PURCHASE, REQUEST, DUPLICATE, INTEREST, CONDUCT,
) = range(1, 16)  # fmt: skip

RECLASSIFIED, UNDONE = 17, 18
OF_REQUESTS = (REQUEST, DUPLICATE, RECLASSIFIED, UNDONE)
REPAIR, COMPLAINT = 0, 1
"""Kinds of requests, as rows of requests number them."""

BESIDES = (REGISTERED, PURCHASE, INTEREST, CONDUCT, *OF_REQUESTS)

LAST_DAYS = (0, 30, 90, 180, 365)
A, B1, B2, B3 = range(4)

NEVER = 4_000_000
"""A day behind every day."""

EYES = ("period_start", "period_end", "cutoff_position", "cutoff_known")
COLUMNS = ("home", "position", "kind", "effective", "recorded", "amount", "ref", "of")
LISTS = (
    "attention",
    "complaints",
    "conduct",
    "credit",
    "interests",
    "previous_purchases",
    "purchases",
)
CREDIT = ("worst", "entries", "since", "rank", "overdue_days", "overdue_fen")
FACTS = (
    "attention", "b2_entries", "charges_due", "complaints", "conduct", "credit", "interests",
    "overdue_days", "overdue_fen", "previous_purchases_fen", "purchases_fen", "worst_credit",
)  # fmt: skip

col, lit = pl.col, pl.lit
home, charge, due, need = col("home"), col("charge"), col("due"), col("need")
day, to, amount, kind = col("day"), col("to"), col("amount"), col("kind")
effective, position, pool = col("effective"), col("position"), col("pool")


class Contender:
    """What it can be asked for."""

    def versions(self) -> dict[str, str]:
        return {"polars": version("polars")}

    def replay(self, facts: list[str], gradings: list[str], planted: list[list[Any]]) -> float:
        """Every recorded grading decided again; what differs must be what was planted."""
        gc.collect()
        started = perf_counter()
        found = audit(facts, gradings)
        seconds = perf_counter() - started
        assert sorted(found) == sorted(planted), f"{sorted(found)} differ, not {sorted(planted)}"
        return seconds

    def close_all(self) -> None:
        """Nothing is held open."""


def audit(facts: list[str], gradings: list[str]) -> list[list[Any]]:
    """Household, year and run of every recorded grading that is not what the facts say."""
    rows = pl.scan_parquet(facts, glob=False).select(*COLUMNS).collect()
    if len(facts) > 1:
        rows = rows.sort("home", "position")
    rows = rows.with_columns(home.set_sorted())
    account = settled(rows.filter(kind >= CHARGE, kind <= LATE_CHARGE))
    besides = {number: rows.filter(kind == number) for number in BESIDES}
    names = pl.scan_parquet(facts, glob=False).filter(kind == REGISTERED)
    recorded = (
        pl.scan_parquet(gradings, glob=False)
        .join(names.select("household", "home"), on="household", how="left")
        .collect()
    )
    wrong = []
    for eyes, told in recorded.group_by(*EYES):
        again = decided(account, besides, *eyes)
        wrong += differing(told, again).rows()
    return [list(one) for one in wrong]


def settled(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows, with `seen` and `upto`: from when on nobody need look at a charge and its money.

    That is whoever sees all positions up to `at` and all instants up to `seen`, and whose window
    begins behind the day `upto`.
    """
    backs = rows.filter(kind == PAYMENT_BACK)
    touched = rows.filter(kind == PAYMENT).join(backs, on="ref", how="semi")
    odd = pl.concat(
        [
            rows.filter(kind == CANCELLED)["ref"],
            rows.filter(kind.is_in([DISPUTE, LATE_CHARGE, WAIVER]))["of"],
            touched["of"],
        ]
    ).drop_nulls()
    charges = rows.lazy().filter(kind == CHARGE, ~col("ref").is_in(odd.unique().implode()))
    money = rows.lazy().filter(kind == PAYMENT, col("of").is_not_null())
    given = money.group_by("of").agg(
        fen=amount.sum(),
        latest=effective.max(),
        seen=col("recorded").max(),
        at=position.max(),
    )
    quiet = (
        charges.join(given, left_on="ref", right_on="of", how="inner")
        .filter(col("fen") == amount)
        .select(
            number="ref",
            seen=pl.max_horizontal("seen", "recorded"),
            at=pl.max_horizontal("at", "position"),
            upto=pl.when(col("latest") <= effective).then(0).otherwise("latest"),
        )
    )
    about = pl.when(kind == CHARGE).then("ref").when(kind == PAYMENT).then("of")
    return (
        rows.lazy()
        .with_columns(number=about)
        .join(quiet, on="number", how="left", maintain_order="left")
        .with_columns(home.set_sorted())
        .collect()
    )


def decided(
    account: pl.DataFrame,
    besides: dict[int, pl.DataFrame],
    start: int,
    end: int,
    limit: int,
    known: int,
) -> pl.DataFrame:
    """Facts, evidence, type and layer of every household, as one pair of eyes saw them."""
    seen = (position <= limit) & (col("recorded") <= known)
    rows = account.filter(seen)
    of = {number: part.filter(seen) for number, part in besides.items()}
    quiet = (col("seen") <= known) & (col("at") <= limit) & (col("upto") < start)
    rest = rows.filter(~quiet.fill_null(False))
    book = Book(rest, end)
    arrears = book.arrears(start, end)
    # Whatever counts is marked where it stands.
    window = (effective >= start) & (effective <= end)
    year_before = date.fromordinal(start).replace(year=date.fromordinal(start).year - 1).toordinal()
    first, behind = (_midnight(day) for day in (start, end + 1))
    earlier = (effective >= year_before) & (effective < start)
    matters = _matters(of, first, behind)
    counted = {
        "attention": matters,
        "complaints": matters.filter(col("now") == COMPLAINT),
        "conduct": of[CONDUCT].filter(window),
        "interests": of[INTEREST].filter(window),
        "previous_purchases": of[PURCHASE].filter(earlier),
        "purchases": of[PURCHASE].filter(window),
        "credit": book.evidence(rows, arrears, start, end),
    }
    parts = []
    for name, counting in counted.items():
        sums, key = {}, position * len(LISTS) + LISTS.index(name)
        if name == "credit":
            sums["charges_due"] = ((kind == CHARGE) & window).sum().cast(pl.Int64)
        elif name.endswith("purchases"):
            sums[f"{name}_fen"] = amount.sum()
        else:
            sums[name] = pl.len().cast(pl.Int64)
        parts.append(counting.lazy().group_by("home").agg(key.alias(f"{name}_now"), **sums))
    files = of[REGISTERED].lazy().select("home").unique()
    parts += [arrears.lazy()]
    joined = reduce(lambda one, two: one.join(two, on="home", how="left"), parts, files)
    numbers = joined.with_columns(
        col("attention", "charges_due", "complaints", "conduct", "interests").fill_null(0),
        col("overdue_days").fill_null(0),
        col("overdue_fen", "previous_purchases_fen", "purchases_fen").fill_null(0),
        b2_entries=col("entries").fill_null(0),
        credit=col("rank").fill_null(0),
        worst_credit=col("worst").fill_null(0),
    )
    none = pl.lit([], pl.List(pl.Int64))
    evidence = pl.concat_list(
        pl.when(col(f"{name}_now").is_null()).then(none).otherwise(f"{name}_now") for name in LISTS
    )
    return numbers.with_columns(type=_type()).select(
        "home", "type", *FACTS, evidence=evidence, layer=_layer()
    ).collect()  # fmt: skip


def differing(told: pl.DataFrame, again: pl.DataFrame) -> pl.DataFrame:
    """Household, year and run of what was recorded otherwise, or of nobody."""
    both = told.lazy().join(again.lazy(), on="home", how="left", suffix="_again")
    same = col("sound").fill_null(False) & col("type_again").is_not_null()
    for name in (*FACTS, "type", "layer"):
        same &= col(name).eq_missing(col(f"{name}_again"))
    same &= col("evidence").eq_missing(col("evidence_again"))
    return both.filter(~same).select("household", "year", "run").collect()


# --- type and layer ----------------------------------------------------------------------------


def _type() -> pl.Expr:
    fen, then = col("purchases_fen"), col("previous_purchases_fen")
    high = (col("interests") > 0) | ((fen > 0) & (fen * 100 >= then * 110))
    hard = (col("worst_credit") >= B3) | (col("b2_entries") >= 2) | (col("conduct") > 0)
    loud, angry = col("attention") >= 4, (col("complaints") >= 4) & (fen < 800_000)
    return (
        pl.when(high & loud).then(lit("lively")).when(high).then(lit("cautious"))
        .when(angry & hard).then(lit("problem")).otherwise(lit("ordinary"))
    )  # fmt: skip


def _layer() -> pl.Expr:
    fen, grade, of = col("purchases_fen"), col("credit"), col("type")
    then = col("previous_purchases_fen")
    good = of != "problem"
    important = pl.when(of == "cautious").then(2_000_000).otherwise(1_600_000)
    main = pl.when(of == "cautious").then(1_000_000).otherwise(800_000)
    best = (grade == A) & good

    def grown_to(fewest: int) -> pl.Expr:
        """Whom fewer purchases would have left an ordinary customer in that layer."""
        return (fen >= fewest) & ((of == "cautious") & (then * 110 > fewest * 100))

    large = (fen >= important) | grown_to(1_600_000)
    return (
        pl.when(col("charges_due") == 0).then(lit("insufficient"))
        .when(best & (col("worst_credit") < B2) & large).then(lit("important"))
        .when(best & ((fen >= main) | grown_to(800_000))).then(lit("main"))
        .when((grade <= B1) & good & ((fen > 0) | (col("attention") > 0))).then(lit("ordinary"))
        .otherwise(lit("small"))
    )  # fmt: skip


def _midnight(ordinal: int) -> int:
    day = date.fromordinal(ordinal)
    instant = datetime(day.year, day.month, day.day, tzinfo=ZONE)
    return int(instant.timestamp()) * MICROSECONDS


def _matters(of: dict[int, pl.DataFrame], first: int, behind: int) -> pl.DataFrame:
    """Requests by which matters count: no repairs, and of those that are one matter one."""
    said = pl.concat([of[number] for number in OF_REQUESTS])
    more = kind.is_in((DUPLICATE, RECLASSIFIED, UNDONE)) | col("of").is_not_null()
    corrected = said.filter(more)["home"].unique()
    told = said.filter(home.is_in(corrected.implode())).sort("position")
    by_home: dict[int, list[tuple[int, ...]]] = {}
    columns = ("home", "position", "kind", "effective", "amount", "ref", "of")
    for one, *row in told.select(*columns).iter_rows():
        by_home.setdefault(one, []).append(tuple(row))
    counted = [at for rows in by_home.values() for at in _counted(rows, first, behind)]
    plain = of[REQUEST].filter(amount >= first, amount < behind, effective != REPAIR)
    stand = pl.DataFrame(counted, {"position": pl.Int64, "now": pl.Int64}, orient="row")
    return pl.concat(
        [
            plain.filter(~home.is_in(corrected.implode())).with_columns(
                now=effective.cast(pl.Int64)
            ),
            said.join(stand, on="position"),
        ]
    )


def _counted(rows: list[tuple[Any, ...]], first: int, behind: int) -> list[tuple[int, int]]:
    """Of one household: positions and kinds of the requests that stand for its matters."""
    received: dict[int, tuple[int, int]] = {}
    kinds: dict[int, int] = {}
    follows: dict[int, int] = {}
    marked: dict[int, int] = {}
    for at, what, said_as, instant, request, other in rows:
        if what in (DUPLICATE, UNDONE):
            marked.pop(request, None)
            if what == DUPLICATE:
                marked[request] = other
            continue
        if what == RECLASSIFIED:
            kinds[request] = instant
            continue
        if first <= instant < behind:
            received[request] = instant, at
            kinds[request] = said_as
        if other is not None:
            follows[request] = other
    of: dict[int, int] = {}
    for request, other in (follows | marked).items():
        last = other
        while last != request and last in of:
            last = of[last]
        if last != request:
            of[request] = other
    raised = {one: came for one, came in received.items() if kinds[one] != REPAIR}
    matters: dict[int, int] = {}
    for request in sorted(raised, key=raised.__getitem__):
        head = request
        while head in of:
            head = of[head]
        matters.setdefault(head, head if head in raised else request)
    return [(raised[one][1], kinds[one]) for one in matters.values()]


# --- accounts ----------------------------------------------------------------------------------


class Book:
    """Accounts as far as they are not settled for good.

    Args:
        rows: What is seen of them.
    """

    def __init__(self, rows: pl.DataFrame, end: int) -> None:
        cancelled = rows.filter(kind == CANCELLED)["ref"].unique().implode()
        ended = rows.filter(kind == DISPUTE_ENDED).select(
            dispute="ref", end="effective", upheld="amount", end_position="position"
        )
        disputes = (
            rows.filter(kind == DISPUTE)
            .select("home", "amount", "position", dispute="ref", charge="of", start="effective")
            .join(ended, on="dispute", how="left")
            .with_columns(col("end").fill_null(NEVER), col("upheld").fill_null(0))
        )
        upheld = disputes.filter(col("upheld") > 0).group_by("charge").agg(col("upheld").sum())
        charges = (
            rows.lazy()
            .filter(kind == CHARGE)
            .select("home", "amount", charge="ref", due="effective")
            .join(upheld.lazy(), on="charge", how="left")
            .with_columns(amount=amount - col("upheld").fill_null(0))
            .collect()
        )
        stands = (amount > 0) & ~charge.is_in(cancelled)
        self.void = charges.filter(~stands)["charge"].implode()
        self.charges = charges.filter(stands).drop("upheld")
        self.disputes = disputes.join(self.charges, on="charge", how="semi").with_columns(
            amount=amount - col("upheld")
        )
        self.late = (
            rows.filter(kind == LATE_CHARGE)
            .select("home", "of", "amount", charge="ref")
            .filter(~charge.is_in(cancelled))
            .join(self.charges, left_on="of", right_on="charge", how="semi")
            .drop("of")
        )
        money = ("home", "effective", "amount", "position")
        payments = rows.filter(kind == PAYMENT)
        waived = rows.filter(kind == WAIVER).select(*money, charge="of")
        known = pl.concat([self.charges.select("charge"), self.late.select("charge")])
        self.others = pl.concat(
            [
                _taken_back(payments, rows.filter(kind == PAYMENT_BACK)).select(*money, "charge"),
                rows.filter(kind == REFUND).select(*money, charge="of"),
                waived.join(known, on="charge", how="semi"),
            ]
        )
        all_money = pl.concat([payments.select(*money, charge="of"), self.others])
        self.money = all_money.filter(effective <= end).drop("position")

    def evidence(
        self, rows: pl.DataFrame, arrears: pl.DataFrame, start: int, end: int
    ) -> pl.DataFrame:
        """Rows behind the grades, in their order: of the window, and since the oldest arrears."""
        since = arrears.filter(col("since") < start).select("home", "since")
        before = rows.join(since, on="home", how="semi").filter(
            (kind == PAYMENT) | ((kind == CHARGE) & ~col("ref").is_in(self.void)),
            effective < start,
        )
        lasting = self.disputes.filter(col("start") <= end)
        ends = col("end_position").is_not_null()
        parts = (
            before.select("home", "position", "effective"),
            self.others.filter(effective <= end).select("home", "position", "effective"),
            lasting.select("home", "position", effective="end"),
            lasting.filter(ends).select("home", position="end_position", effective="end"),
        )
        special = (
            pl.concat(parts)
            .join(since, on="home", how="left")
            .filter(effective >= pl.min_horizontal(lit(start), "since"))
        )
        window = (effective >= start) & (effective <= end)
        bulk = (kind == PAYMENT) | ((kind == CHARGE) & ~col("ref").is_in(self.void))
        return rows.filter((bulk & window) | position.is_in(special["position"].implode()))

    def arrears(self, start: int, end: int) -> pl.DataFrame:
        """By home: what was overdue in the window (`CREDIT`)."""
        before = start - 1
        named = self._named(before, end)
        steps = self._steps(named, before, end)
        opened = steps.filter(need > 0, due < to, due < end)
        turns = self._pool(named, steps, opened, before, end)
        now = self._now(opened, turns, end)
        standing = (
            now.group_by("home")
            .agg(due=due.min(), overdue_fen=col("unpaid").sum())
            .with_columns(overdue_days=lit(end, pl.Int64) - due)
            .with_columns(rank=_rank(col("overdue_days")))
            .drop("due")
        )
        course = _course(self._unpaid(opened, turns, before, end), start)
        return course.join(standing, on="home", how="full", coalesce=True).select("home", *CREDIT)

    def _named(self, before: int, end: int) -> pl.DataFrame:
        """Charges beside the money that names them."""
        late = self.late.with_columns(due=lit(NEVER, pl.Int64))
        asked = pl.concat([self.charges, late.select(self.charges.columns)])
        early = effective <= before
        given = (
            self.money.lazy()
            .filter(charge.is_not_null())
            .group_by("charge")
            .agg(
                given=amount.sum(),
                early=amount.filter(early).sum(),
                least=amount.min(),
                first=effective.filter(~early).min(),
                latest=effective.max(),
            )
        )
        kept = col("least") >= 0
        full = kept & (col("given") >= amount)
        in_time = (col("latest") <= due) | (col("latest") <= before)
        return (
            asked.lazy()
            .join(given, on="charge", how="left")
            .with_columns(col("given", "early", "least", "latest").fill_null(0))
            .with_columns(col("first").fill_null(NEVER))
            .with_columns(
                plain=kept & (col("given") <= amount),
                looked_at=(due < end) & ~(full & in_time),
            )
            .collect()
        )

    def _steps(self, named: pl.DataFrame, before: int, end: int) -> pl.DataFrame:
        """What is left open of a charge, from `day` until `to`, and how much `more` it used."""
        chosen = named.filter(col("looked_at") | ~col("plain"))
        many = (col("first") < col("latest")) & (col("latest") > before)
        few, paid = chosen.filter(~many), col("first") < NEVER
        columns = ("home", "charge", "due", "need", "day", "to", "more", "plain")
        first = few.with_columns(
            day=lit(before, pl.Int64),
            to=pl.when(paid).then(col("first") - 1).otherwise(end),
            more=_used("early"),
            need=amount - _used("early"),
        )
        second = few.filter(paid).with_columns(
            day=col("first"),
            to=lit(end, pl.Int64),
            more=_used("given") - _used("early"),
            need=amount - _used("given"),
        )
        several = chosen.filter(many).select("home", "charge", "due", "amount", "plain")
        given = self.money.select(
            "charge", day=pl.max_horizontal(effective, lit(before)), given="amount"
        ).join(several, on="charge", how="inner")
        begin = several.with_columns(day=lit(before, pl.Int64), given=lit(0, pl.Int64))
        third = (
            pl.concat([begin, given.select(begin.columns)])
            .group_by("home", "charge", "due", "amount", "plain", "day")
            .agg(col("given").sum())
            .sort("charge", "day")
            .with_columns(given=_running(col("given"), "charge"))
            .with_columns(used=_used("given"), next=_of_next(day, "charge"))
            .with_columns(
                need=amount - col("used"),
                to=col("next").fill_null(end + 1) - 1,
                more=col("used") - _of_last(col("used"), "charge").fill_null(0),
            )
        )
        return pl.concat([part.select(columns) for part in (first, second, third)])

    def _pool(
        self, named: pl.DataFrame, steps: pl.DataFrame, opened: pl.DataFrame, before: int, end: int
    ) -> pl.DataFrame:
        """Money without a name that is left over in homes with something open, day by day."""
        homes = opened.select("home").unique()
        plain = named.filter("plain").select("charge")
        loose = (
            self.money.join(homes, on="home", how="semi")
            .join(plain, on="charge", how="anti")
            .select("home", "amount", day=pl.max_horizontal(effective, lit(before)))
        )
        odd = steps.filter(~col("plain")).join(homes, on="home", how="semi")
        none = lit(0, pl.Int64)
        changes = pl.concat(
            [
                homes.select("home", amount=none, day=lit(before, pl.Int64)),
                loose.select("home", "amount", "day"),
                odd.select("home", amount=-col("more"), day="day"),
                # Where a need changes, there is a turn as well.
                opened.filter(day > before).select("home", amount=none, day="day"),
                opened.filter(to < end).select("home", amount=none, day=to + 1),
            ]
        )
        return _turns(
            changes.group_by("home", "day")
            .agg(amount.sum())
            .sort("home", "day")
            .with_columns(pool=_running(amount, "home").clip(0))
            .drop("amount"),
            end,
        )

    def _unpaid(
        self, opened: pl.DataFrame, turns: pl.DataFrame, before: int, end: int
    ) -> pl.DataFrame:
        """Spans of days on which a charge is unpaid, undisputed and overdue at their end."""
        columns = ("home", "charge", "due", "day", "to")
        contested = self.disputes.filter(col("start") <= end, col("end") > before)
        contested = contested.join(opened, on="home", how="semi")
        falling = (pool < _of_last(pool, "home")).fill_null(False)
        changing = (day > before) | (to < end)
        moving = pl.concat(
            [
                contested.select("home"),
                turns.filter(falling).select("home"),
                opened.filter(changing).select("home"),
            ]
        ).unique()
        mixed = pl.concat([turns.filter(pool > 0).select("home"), contested.select("home")])
        alone = opened.join(mixed, on="home", how="anti").select(columns)
        opened = opened.join(mixed, on="home", how="semi")
        # Where money only comes and nothing else happens, a charge is paid when there is enough.
        calm = (
            opened.join(moving, on="home", how="anti")
            .sort("home", "due", "charge")
            .with_columns(asked=_running(need, "home"))
            .sort("asked")
        )
        enough = turns.unique(["home", "pool"], keep="first", maintain_order=True)
        enough = enough.select("home", "pool", paid="day").sort("pool")
        calm = (
            calm.join_asof(
                enough, left_on="asked", right_on="pool", by="home", strategy="forward",
                check_sortedness=False,
            )
            .with_columns(to=col("paid").fill_null(end + 1) - 1)
            .filter(to >= before, due < to)
        )  # fmt: skip
        opened = opened.join(moving, on="home", how="semi")
        turns = turns.join(opened, on="home", how="semi")
        ends = pl.concat(
            [contested.select("home", day="start"), contested.select("home", day="end")]
        ).filter(day > before, day <= end)
        extra = ends.join(turns, on=["home", "day"], how="anti").unique()
        turns = pl.concat(
            [turns.select("home", "day", "pool"), extra.with_columns(pool=None)],
            how="vertical_relaxed",
        )
        turns = turns.sort("home", "day").with_columns(pool.forward_fill())
        turns = _turns(turns, end)
        pairs = (
            opened.select("home", "charge", "due", "need", first="day", last="to")
            .join(turns, on="home", how="inner")
            .filter(col("first") <= day, col("last") >= to, due < to)
        )
        left = (
            _undisputed(pairs, contested)
            .sort("home", "day", "due", "charge")
            .filter(_running(need, "home", "day") > pool, need > 0)
        )
        return pl.concat([part.select(columns) for part in (alone, calm, left)])

    def _now(self, opened: pl.DataFrame, turns: pl.DataFrame, end: int) -> pl.DataFrame:
        """What is unpaid of charges that are overdue on the last day."""
        now = (
            opened.filter(to == end)
            .drop("day")
            .join(turns.filter(to == end).select("home", "pool"), on="home", how="inner")
            .with_columns(day=lit(end, pl.Int64))
        )
        over = _running(need, "home") - pool
        return (
            _undisputed(now, self.disputes)
            .sort("home", "due", "charge")
            .with_columns(unpaid=pl.min_horizontal(over.clip(0), need))
            .filter(col("unpaid") > 0)
        )


def _taken_back(payments: pl.DataFrame, backs: pl.DataFrame) -> pl.DataFrame:
    """What a reversal or a move takes back: the payment of its number that counts just then."""
    columns = ("home", "ref", "position", "effective", "kind", "amount", "of")
    touched = payments.join(backs, on="ref", how="semi").select(columns)
    return (
        pl.concat([touched, backs.select(columns)])
        .sort("ref", "position")
        .with_columns(
            was=_of_last(kind, "ref"),
            amount=-_of_last(amount, "ref"),
            charge=_of_last(col("of"), "ref"),
        )
        .filter(kind == PAYMENT_BACK, col("was") == PAYMENT)
    )


# Of rows that are sorted by what they are grouped by: many times faster than a window.


def _running(value: pl.Expr, *by: str) -> pl.Expr:
    """The sum of it so far, of those with the same."""
    total = value.cum_sum()
    return total - pl.when(_changes(*by)).then(total - value).forward_fill()


def _of_last(value: pl.Expr, by: str) -> pl.Expr:
    return pl.when(~_changes(by)).then(value.shift(1))


def _of_next(value: pl.Expr, by: str) -> pl.Expr:
    return pl.when(~_changes(by).shift(-1, fill_value=True)).then(value.shift(-1))


def _changes(*by: str) -> pl.Expr:
    return pl.any_horizontal(col(name).ne_missing(col(name).shift(1)) for name in by)


def _used(given: str) -> pl.Expr:
    """How much of the charge its own money settles."""
    return pl.min_horizontal(col(given).clip(0), amount)


def _turns(pools: pl.DataFrame, end: int) -> pl.DataFrame:
    """The same with the last day on which it is so."""
    return pools.with_columns(to=_of_next(day, "home").fill_null(end + 1) - 1)


def _undisputed(needs: pl.DataFrame, disputes: pl.DataFrame) -> pl.DataFrame:
    """What ages of each need: without what is in dispute on that day."""
    contested = (
        needs.select("charge", "day")
        .join(disputes.select("charge", "amount", "start", "end"), on="charge", how="inner")
        .filter(col("start") <= day, day < col("end"))
        .group_by("charge", "day")
        .agg(amount.sum())
    )
    fen = pl.min_horizontal(amount.fill_null(0), need)
    return needs.join(contested, on=["charge", "day"], how="left").with_columns(need=need - fen)


def _rank(days: pl.Expr) -> pl.Expr:
    """How many places behind the best grade after so many days."""
    return pl.sum_horizontal((days > last).cast(pl.Int64) for last in LAST_DAYS)


def _course(spans: pl.DataFrame, start: int) -> pl.DataFrame:
    """The worst grade of the window, how often the third was entered, and the oldest arrears."""
    aged = spans.with_columns(rank=_rank(to - due))
    graded = aged.group_by("home").agg(
        since=due.min(), worst=col("rank").filter(to >= start).max().fill_null(0)
    )
    # Spans that meet or overlap are one stay at the grade or a worse one.
    bad = (
        aged.filter(col("rank") >= B2)
        .with_columns(day=pl.max_horizontal(day, due + LAST_DAYS[1] + 1))
        .sort("home", "day", "charge")
        .with_columns(reached=to.cum_max().shift(1).over("home"))
    )
    new = col("reached").is_null() | (day > col("reached") + 1)
    entries = bad.filter(day >= start, new).group_by("home").agg(entries=pl.len().cast(pl.Int64))
    return graded.join(entries, on="home", how="left").with_columns(col("entries").fill_null(0))
