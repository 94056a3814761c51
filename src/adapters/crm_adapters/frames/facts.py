"""Facts and evidence of all households: the columnar twin of `gradings.facts.gather`."""

from __future__ import annotations

from functools import reduce
from typing import Any

import narwhals as nw
import polars as pl

from crm_adapters.frames.account import Book, book
from crm_adapters.frames.arrears import Arrears, Days, arrears
from crm_adapters.frames.backends import Backend, Frame, Row, whole
from crm_adapters.frames.shapes import EVIDENCE
from crm_core.gradings.engines.narrow import Kind, microseconds
from crm_core.gradings.matters import Matters
from crm_core.gradings.reading import Reading
from crm_core.kernel.dates import Period, instants_of
from crm_core.kernel.values import frozen
from crm_core.opinions.facts import SOURCES
from crm_core.payments.facts import CreditPolicy
from crm_core.requests.facts import KINDS

COLUMNS = ("home", "position", "kind", "effective", "recorded", "amount", "ref", "of")
"""What is read of the facts table: numbers."""


@frozen
class Look:
    """What is looked at: which days, as known when.

    Args:
        position: Last position that is seen; None for all.
        known: Instant, in microseconds, after which nothing was known; None for no limit.
        reading: Which events count how; None where no dealings are looked at.
    """

    window: Period
    zone: str
    position: int | None
    known: int | None
    reading: Reading | None = None

    @property
    def days(self) -> Days:
        return Days(self.window.start.toordinal(), self.window.end.toordinal())


@frozen
class Found:
    """Facts and what they were read from.

    Args:
        facts: By home: the facts by name, `credit` and `worst_credit` as ranks.
        evidence: `home`, number of the evidence in `EVIDENCE`, `position`.
    """

    facts: Frame
    evidence: Frame


def seen(table: Frame, look: Look) -> Frame:
    """The rows that are looked at."""
    wanted = []
    if look.position is not None:
        wanted.append(nw.col("position") <= look.position)
    if look.known is not None:
        wanted.append(nw.col("recorded") <= look.known)
    return table.filter(*wanted) if wanted else table


def files_known(rows: Frame) -> Frame:
    """The homes whose file is among the rows."""
    return rows.filter(nw.col("kind") == int(Kind.REGISTERED)).select("home").unique()


def owed(rows: Frame, look: Look, credit: CreditPolicy, backend: Backend) -> tuple[Book, Arrears]:
    """The accounts, and what is overdue in the window."""
    kinds = {kind for (kind,) in backend.rows(rows.select("kind").unique())}
    accounts = book(rows, kinds, backend)
    return accounts, arrears(accounts, look.days, credit, backend)


def find(rows: Frame, look: Look, credit: CreditPolicy, backend: Backend) -> Found:
    """The facts of every household whose file is seen, and their evidence.

    Args:
        rows: What `seen` gave.
    """
    accounts, due = owed(rows, look, credit, backend)
    days, before = look.days, look.window.before()
    earlier = Days(before.start.toordinal(), before.end.toordinal())
    charged = accounts.charges.filter(_within("due", days)).group_by("home")
    dealings = backend.keep(_dealings(rows, look, days, earlier, backend))
    counted = dealings.group_by("home").agg(
        attention=_count("attention"),
        complaints=nw.col("complaint").sum(),
        conduct=_count("conduct"),
        interests=_count("interests"),
        previous_purchases_fen=_sum("previous_purchases"),
        purchases_fen=_sum("purchases"),
    )
    parts = (
        files_known(rows),
        counted,
        charged.agg(charges_due=nw.len()),
        due.course,
        due.standing,
    )
    joined = reduce(lambda all_, part: all_.join(part, on="home", how="left"), parts)
    numbers = {
        name: nw.col(of).fill_null(0).cast(nw.Int64)
        for name, of in (
            ("attention", "attention"),
            ("b2_entries", "entries"),
            ("charges_due", "charges_due"),
            ("complaints", "complaints"),
            ("conduct", "conduct"),
            ("credit", "rank"),
            ("interests", "interests"),
            ("overdue_days", "overdue_days"),
            ("overdue_fen", "overdue_fen"),
            ("previous_purchases_fen", "previous_purchases_fen"),
            ("purchases_fen", "purchases_fen"),
            ("worst_credit", "worst"),
        )
    }
    facts = joined.select("home", **numbers)
    money = _credit_evidence(accounts, due, days)
    dealt = dealings.select("home", "evidence", "position")
    complained = dealings.filter(nw.col("complaint") == 1).select(
        "home", "position", evidence=whole(EVIDENCE.index("complaints"))
    )
    complained = complained.select("home", "evidence", "position")
    return Found(facts, nw.concat([dealt, complained, money]))


# --- dealings ----------------------------------------------------------------------------------


def _dealings(rows: Frame, look: Look, days: Days, earlier: Days, backend: Backend) -> Frame:
    """Every fact that counts, besides money for charges."""
    kind = nw.col("kind")
    purchase = kind == int(Kind.PURCHASE)
    counts = {
        "conduct": (kind == int(Kind.CONDUCT)) & _within("effective", days),
        "interests": (kind == int(Kind.INTEREST)) & _within("effective", days),
        "previous_purchases": purchase & _within("effective", earlier),
        "purchases": purchase & _within("effective", days),
    }
    chosen: Any = whole(-1)
    for name, holds in counts.items():
        chosen = nw.when(holds).then(whole(EVIDENCE.index(name))).otherwise(chosen)
    dealt = rows.with_columns(evidence=chosen, complaint=whole(0))
    dealt = dealt.filter(nw.col("evidence") >= 0)
    columns = ("home", "evidence", "position", "amount", "complaint")
    matters = _matters(rows, look, backend).with_columns(
        evidence=whole(EVIDENCE.index("attention"))
    )
    return nw.concat([dealt.select(*columns), matters.select(*columns)])


def _matters(rows: Frame, look: Look, backend: Backend) -> Frame:
    """The requests by which matters count, with 1 as `complaint` for those that are complaints."""
    reading = look.reading
    assert reading is not None
    none = [KINDS.index(kind) for kind in reading.no_matters]
    heard = [SOURCES.index(source) for source in reading.opinions]
    complaints = [KINDS.index(kind) for kind in reading.complaints]
    kind = nw.col("kind")
    spans = [
        (microseconds(first), microseconds(behind))
        for first, behind in instants_of(look.window, look.zone)
    ]
    received: Any = nw.lit(False)
    for first, behind in spans:
        received = received | ((nw.col("amount") >= first) & (nw.col("amount") < behind))
    said_as = nw.col("effective")
    asked = rows.filter(kind == int(Kind.REQUEST), received, ~said_as.is_in(none))
    asked = asked.with_columns(
        complaint=nw.when(said_as.is_in(complaints)).then(whole(1)).otherwise(whole(0))
    )
    opinions = rows.filter(
        kind == int(Kind.OPINION), _within("effective", look.days), nw.col("amount").is_in(heard)
    )
    asked = nw.concat([asked, opinions.with_columns(complaint=whole(0))])
    said = rows.filter(kind.is_in(_OF_REQUESTS))
    # Few homes have requests of which more is said than that they came in.
    more = kind.is_in(_CORRECTIONS) | ~nw.col("of").is_null()
    homes = sorted(home for (home,) in backend.rows(said.filter(more).select("home").unique()))
    if not homes:
        return asked
    corrected = backend.table(pl.DataFrame({"home": homes}, schema={"home": pl.Int64}))
    columns = ("home", "position", "kind", "effective", "amount", "ref", "of")
    told = said.join(corrected, on="home", how="semi").select(*columns)
    found = _counted(sorted(backend.rows(told)), spans, look.days, none, heard)
    counted = pl.DataFrame(
        [(position, int(kind in complaints)) for position, kind in found],
        schema={"position": pl.Int64, "complaint": pl.Int64},
        orient="row",
    )
    return nw.concat(
        [
            asked.join(corrected, on="home", how="anti").select(*COLUMNS, "complaint"),
            said.join(backend.table(counted), on="position", how="inner").select(
                *COLUMNS, "complaint"
            ),
        ]
    )


_CORRECTIONS = [
    int(kind) for kind in (Kind.DUPLICATE, Kind.UNDONE, Kind.RECLASSIFIED, Kind.OPINION_GONE)
]
_OF_REQUESTS = [int(Kind.REQUEST), int(Kind.OPINION), *_CORRECTIONS]
_OPINION = len(KINDS)
"""What an opinion is classified as: nothing that a request is."""


def _counted(
    told: list[Row], spans: list[tuple[int, int]], days: Days, none: list[int], heard: list[int]
) -> list[tuple[int, int]]:
    """Positions and kinds of the requests and opinions that count of some homes.

    Args:
        told: Their rows in their order.
        none: The kinds of requests that are no matters.
        heard: The sources of opinions that are.
    """
    by_home: dict[int, Matters[int, int]] = {}
    for home, position, kind, said_as, amount, request, of in told:
        matters = by_home.setdefault(home, Matters(none))
        if kind == Kind.DUPLICATE:
            matters.marked(request, of)
        elif kind == Kind.UNDONE:
            matters.unmarked(request)
        elif kind == Kind.RECLASSIFIED:
            matters.classified(request, amount)
        elif kind == Kind.OPINION_GONE:
            matters.withdrawn(request)
        elif kind == Kind.OPINION:
            within = amount in heard and days.start <= said_as <= days.end
            matters.received(
                request, position, kind=_OPINION, came=(1, said_as), within=within, follows=of
            )
        else:
            matters.received(
                request,
                position,
                kind=said_as,
                came=(0, amount),
                within=any(first <= amount < behind for first, behind in spans),
                follows=of,
            )
    return [one for matters in by_home.values() for one in matters.counted()]


def _within(column: str, days: Days) -> nw.Expr:
    return (nw.col(column) >= days.start) & (nw.col(column) <= days.end)


def _count(name: str) -> nw.Expr:
    return nw.when(nw.col("evidence") == EVIDENCE.index(name)).then(1).otherwise(0).sum()


def _sum(name: str) -> nw.Expr:
    chosen = nw.when(nw.col("evidence") == EVIDENCE.index(name))
    return chosen.then(nw.col("amount")).otherwise(0).sum()


# --- evidence of the credit grade --------------------------------------------------------------


def _credit_evidence(accounts: Book, due: Arrears, days: Days) -> Frame:
    """Charges due and money moved in the window, and since the oldest arrears it began with."""
    since = due.course.select("home", "since")

    def from_then_on(frame: Frame, day: str) -> Frame:
        joined = frame.filter(nw.col(day) <= days.end).join(since, on="home", how="left")
        return joined.filter(
            (nw.col(day) >= days.start) | (nw.col(day) >= nw.col("since")).fill_null(False)
        )

    parts = [
        from_then_on(accounts.charges, "due").select("home", "position"),
        from_then_on(accounts.settlements, "effective").select("home", "position"),
    ]
    if accounts.corrections is not None:
        parts.append(from_then_on(accounts.corrections, "due").select("home", "position"))
    if accounts.disputes is not None:
        lasting = accounts.disputes.filter(nw.col("start") <= days.end).with_columns(
            # One that is open, or ends behind the window, lasts until its end and no longer.
            effective=nw.when(nw.col("end") > days.end).then(days.end).otherwise(nw.col("end"))
        )
        lasting = from_then_on(lasting, "effective")
        parts += [
            lasting.select("home", "position"),
            lasting.filter(nw.col("end_position") > 0).select("home", position="end_position"),
        ]
    number = whole(EVIDENCE.index("credit"))
    return nw.concat(parts).with_columns(evidence=number).select("home", "evidence", "position")
