"""Whose dealings are seen, and which households columns do not decide.

A household that changed hands is seen as the people of the last day of the window see it (PAY-16):
rows of other tenures are taken out. Where money is not told by charge and day alone, or goes from
one tenure to another, the events decide; those households are few.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import narwhals as nw
import polars as pl

from crm_adapters.frames.backends import Backend, Frame, Row, total, whole
from crm_core.gradings.engines.narrow import Kind, microseconds
from crm_core.kernel.dates import start_of_day
from crm_core.kernel.tenures import Tenures
from crm_core.kernel.values import frozen
from crm_core.owners.facts import OWNING, MemberAdded, RoleEnded, tenures

NEVER = 2**62
"""An instant, in microseconds, that is in no window."""

_BY_EVENTS = (
    Kind.REFUND, Kind.WRITE_OFF, Kind.TAKEN_BACK, Kind.OF_MEMBER, Kind.IN_PARTS, Kind.TENANT_OWES,
    Kind.CLAUSE, Kind.VOIDED,
)  # fmt: skip
_ASKING = (Kind.CHARGE, Kind.LATE_CHARGE, Kind.COSTS, Kind.CORRECTION)
_OF_DAYS = (
    Kind.CHARGE, Kind.COSTS, Kind.PAYMENT, Kind.PURCHASE, Kind.INTEREST, Kind.CONDUCT,
    Kind.OPINION,
)  # fmt: skip
_REQUESTS = (Kind.REQUEST,)


@frozen
class Apart:
    """What columns decide, and who is left to the events.

    Args:
        rows: Without what belongs to other tenures, and without households left to the events.
        left: The homes that the events decide.
        tenures: Keys of the tenures of the day, of the others that changed hands.
    """

    rows: Frame
    left: frozenset[int]
    tenures: dict[int, str]


def apart(
    rows: Frame,
    on: date,
    zone: str,
    backend: Backend,
    *,
    every: bool = False,
    besides: frozenset[int] = frozenset(),
) -> Apart:
    """The rows of the tenures of a day.

    Args:
        rows: Rows that are seen at the cut-off.
        every: Whether each tenure is asked for; whoever has several is left to the events then.
        besides: Homes that are left to the events whatever their rows say.
    """
    kinds = {kind for (kind,) in backend.rows(rows.select("kind").unique())}
    left = set(besides)
    if not kinds.isdisjoint(_BY_EVENTS):
        left |= _homes(rows.filter(_is(_BY_EVENTS)), backend)
    if Kind.CANCELLED in kinds:
        left |= _homes(_asked_again(rows), backend)
    if Kind.WAIVER in kinds:
        left |= _homes(_waived_too_much(rows), backend)
    spans, keys = [], dict[int, str]()
    if Kind.OWNER in kinds:
        several = [(home, held) for home, held in _several(rows, backend) if home not in left]
        if every:
            left |= {home for home, _ in several}
        else:
            spans = [_span(home, held, on, zone) for home, held in several]
            keys = {home: held.on(on).key for home, held in several}
    if spans:
        table = backend.table(pl.DataFrame(spans, schema=_SPAN, orient="row"))
        left |= _homes(_crossing(rows, table), backend)
        mine = _mine(rows.join(table, on="home", how="inner")).select(*_COLUMNS)
        rows = nw.concat([rows.join(table, on="home", how="anti").select(*_COLUMNS), mine])
    if left:
        gone = pl.DataFrame({"home": sorted(left)}, schema={"home": pl.Int64})
        rows = rows.join(backend.table(gone), on="home", how="anti")
    return Apart(backend.keep(rows) if spans or left else rows, frozenset(left), keys)


_COLUMNS = ("home", "position", "kind", "effective", "recorded", "amount", "ref", "of")
_SPAN = dict.fromkeys(("home", "first", "last", "from_instant", "to_instant"), pl.Int64)


def _is(kinds: Iterable[Kind]) -> nw.Expr:
    return nw.col("kind").is_in([int(kind) for kind in kinds])


def _homes(frame: Frame, backend: Backend) -> set[int]:
    return {home for (home,) in backend.rows(frame.select("home").unique())}


def _asked_again(rows: Frame) -> Frame:
    """Charges whose number was used again after they had been cancelled."""
    cancelled = rows.filter(_is([Kind.CANCELLED])).select("ref").unique()
    asked = rows.filter(_is(_ASKING)).join(cancelled, on="ref", how="semi")
    times = asked.group_by("ref").agg(home=nw.col("home").max(), times=nw.len())
    return times.filter(nw.col("times") > 1)


def _waived_too_much(rows: Frame) -> Frame:
    """Charges that more was given for than they asked, waivers taken as given."""
    waived = rows.filter(_is([Kind.WAIVER])).select("of").unique()
    given = rows.filter(_is([Kind.WAIVER, Kind.PAYMENT, Kind.CORRECTION, Kind.DISPUTE]))
    given = given.join(waived, on="of", how="semi").group_by("of").agg(given=total("amount"))
    asked = rows.filter(_is([Kind.CHARGE, Kind.LATE_CHARGE, Kind.COSTS])).select(
        "home", "amount", of="ref"
    )
    return given.join(asked, on="of", how="inner").filter(nw.col("given") > nw.col("amount"))


def _several(rows: Frame, backend: Backend) -> list[tuple[int, Tenures]]:
    """Homes that changed hands, with their tenures."""
    roles = rows.filter(_is([Kind.OWNER, Kind.OWNER_ENDED]))
    begun = roles.filter(_is([Kind.OWNER])).group_by("home").agg(times=nw.len())
    more = begun.filter(nw.col("times") > 1).select("home")
    told = roles.join(more, on="home", how="semi")
    told = told.select("home", "position", "kind", "effective", "amount", "ref")
    by_home: dict[int, list[Any]] = {}
    for home, _, *said in sorted(backend.rows(told)):
        by_home.setdefault(home, []).append(_event(said))
    found = [(home, tenures(events)) for home, events in by_home.items()]
    return [(home, held) for home, held in found if len(held.every) > 1]


def _event(said: list[Any]) -> MemberAdded | RoleEnded:
    """The event that a row tells of, with a number for the member."""
    kind, day, role, member = said
    on, held = date.fromordinal(day), OWNING[role]
    if kind == Kind.OWNER:
        # Names are no part of the rows.
        return MemberAdded("", str(member), held, on, name=None, phone=None, source="", kind="")  # type: ignore[arg-type]
    return RoleEnded("", str(member), held, on, reason="", source="")


def _span(home: int, held: Tenures, on: date, zone: str) -> Row:
    """The days of the tenure of a day, and its instants."""
    # INVARIANT: that of owners rests only while a tenant owes.
    [(first, last)] = held.days(held.index(on))
    begin = -NEVER if first == date.min else microseconds(start_of_day(first, zone))
    behind = last == date.max
    end = NEVER if behind else microseconds(start_of_day(last + timedelta(days=1), zone))
    return home, first.toordinal(), last.toordinal(), begin, end


def _within() -> nw.Expr:
    return (nw.col("effective") >= nw.col("first")) & (nw.col("effective") <= nw.col("last"))


def _crossing(rows: Frame, spans: Frame) -> Frame:
    """Money of the tenure for charges of another one, and the other way round."""
    mine = rows.filter(_is([Kind.PAYMENT, Kind.CHARGE, Kind.COSTS])).join(
        spans.select("home", "first", "last"), on="home", how="inner"
    )
    mine = mine.with_columns(inside=nw.when(_within()).then(1).otherwise(0))
    asked = mine.filter(_is([Kind.CHARGE, Kind.COSTS])).select(of="ref", owed="inside")
    late = rows.filter(_is([Kind.LATE_CHARGE])).select("of", late="ref")
    late = late.join(asked, on="of", how="inner").select("owed", of="late")
    asked = nw.concat([asked, late.select("of", "owed")])
    both = mine.filter(_is([Kind.PAYMENT])).join(asked, on="of", how="inner")
    return both.filter(nw.col("inside") != nw.col("owed"))


def _mine(rows: Frame) -> Frame:
    """The rows of the tenure; a request of another one came at no time of any window."""
    at = nw.col("amount")
    outside = (at < nw.col("from_instant")) | (at >= nw.col("to_instant"))
    moved = nw.when(_is(_REQUESTS) & outside).then(whole(NEVER)).otherwise(at)
    return rows.filter(~_is(_OF_DAYS) | _within()).with_columns(amount=moved)
