"""Values: ids, texts, amounts, days, people, and personal values plain and sealed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from crm_core.kernel.dates import Period
from crm_core.kernel.money import FEN_MAX, Money
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.recorded import Actor
from crm_core.kernel.sealed import Personal, Sealed
from crm_core.kernel.text import ID_LENGTH_MAX
from crm_core.kernel.word import CHANNELS as WORD_CHANNELS
from crm_core.kernel.word import Word

FIRST_DAY = date(1990, 1, 1)
LAST_DAY = date(2100, 12, 31)

ACTOR_ROLES = (
    "custodian",
    "director",
    "finance",
    "manager",
    "operator",
    "owner",
    "specialist",
    "supervisor",
    "system",
)

GRADE_ENDS = (1, 30, 31, 90, 91, 180, 181, 365, 366)
"""Days since a due date on which a credit grade begins or ends (PAY-04)."""

TURNING_FEN = (799_999, 800_000, 999_999, 1_000_000, 1_599_999, 1_600_000, 1_999_999, 2_000_000)
"""Purchases of a year on either side of what a layer asks for (GRD-03)."""

STAFF = (Actor("staff-1", "specialist"), Actor("staff-2", "operator"))
"""Who works on generated requests and messages."""

CLERK, MANAGER = Actor("S1", "specialist"), Actor("M1", "manager")
"""Who enters and proposes, and who decides."""

CLERKS = st.sampled_from([CLERK, Actor("S2", "specialist")])
DECIDERS = st.sampled_from([MANAGER, Actor("D1", "director")])
SELDOM = st.sampled_from([False, False, False, True])

_ID_START = "ABCDEFGHJKVXYZabcxyz0123456789星河小区张一é"
_ID_REST = _ID_START + "._:#-"

_TEXTS = (
    "",
    "漏水，楼上 3A 卫生间",
    "„Straße“ – naïve \u0065\u0301 und \u00e9",
    'it\'s "quoted", with \\ and / slashes',
    "=HYPERLINK(1)",
    "谢谢👍🏠",
    "第一行\n第二行\t完",
    "ﬁ ＡＢＣ １２３ ²",
    "0e0",
    "null",
)


def ids() -> SearchStrategy[str]:
    """Ids as people and systems make them: `V00001`, `R1010`, any script; all accepted."""
    made = st.builds(
        str.__add__,
        st.sampled_from(_ID_START),
        st.text(st.sampled_from(_ID_REST), max_size=min(11, ID_LENGTH_MAX - 1)),
    )
    return st.sampled_from(("V00001", "V00002", "R1010", "C1", "星河-1", "é")) | made


def texts(max_size: int = 20) -> SearchStrategy[str]:
    """Text from people that `check_text` accepts: any script, quotes, combining marks, emoji.

    Args:
        max_size: Most characters.
    """
    made = st.text(
        st.characters(exclude_categories=("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
        | st.sampled_from("\n\t"),
        max_size=max_size,
    )
    return st.sampled_from([text for text in _TEXTS if len(text) <= max_size]) | made


def phones() -> SearchStrategy[str]:
    """Telephone numbers that `check_phone` accepts."""
    return st.from_regex(r"\+?[0-9]{3,6}[ -]?[0-9]{2,5}", fullmatch=True)


def fen(low: int = 0, high: int = 10**12) -> SearchStrategy[int]:
    """Amounts in fen, the edges of the default policies among them."""
    edges = (0, 1, 99, 100, 799_999, 800_000, 999_999, 1_000_000, 1_600_000, 2_000_000)
    return st.sampled_from([n for n in edges if low <= n <= high] or [low]) | st.integers(low, high)


def days(first: date = FIRST_DAY, last: date = LAST_DAY) -> SearchStrategy[date]:
    """Days, leap days and the ends of years among them."""
    edges = (date(2000, 2, 29), date(2011, 12, 31), date(2012, 1, 1), date(2012, 2, 29))
    made = st.dates(first, last)
    inside = [day for day in edges if first <= day <= last]
    return st.sampled_from(inside) | made if inside else made


def instants(first: date = FIRST_DAY, last: date = LAST_DAY) -> SearchStrategy[datetime]:
    """Aware instants in UTC, to the microsecond."""
    start = datetime(first.year, first.month, first.day)  # noqa: DTZ001 - given its zone below
    end = datetime(last.year, last.month, last.day, 23, 59, 59)  # noqa: DTZ001
    return st.datetimes(start, end, timezones=st.just(UTC))


def periods() -> SearchStrategy[Period]:
    """Periods of whole days; calendar years among them."""
    years = st.integers(FIRST_DAY.year, LAST_DAY.year).map(Period.of_year)
    pairs = st.tuples(days(), days()).map(sorted)
    return years | pairs.map(lambda pair: Period(pair[0], pair[1]))


def money(currency: str = "CNY") -> SearchStrategy[Money]:
    """Amounts of one currency, of both signs."""
    return st.builds(Money, fen(-FEN_MAX, FEN_MAX), st.just(currency))


def actors() -> SearchStrategy[Actor]:
    """Actors with a role of the method and a pseudonymous id."""
    return st.builds(Actor, ids(), st.sampled_from(ACTOR_ROLES))


def words(member: str | None = None) -> SearchStrategy[Word]:
    """The word of anyone outside the staff, or of one member, with its evidence."""
    who = ids() if member is None else st.just(member)
    return st.builds(Word, who, st.sampled_from(WORD_CHANNELS), st.sampled_from(("call 1", "E-2")))


def personal(subject: str | None = None) -> SearchStrategy[Personal]:
    """Plain personal values: names and numbers of anyone, or of one person."""
    whose = ids() if subject is None else st.just(subject)
    return st.builds(Personal, whose, texts() | phones())


def sealed(subject: str | None = None) -> SearchStrategy[Sealed]:
    """Sealed values by their form alone: no key opens them."""
    whose = ids() if subject is None else st.just(subject)
    return st.builds(Sealed, whose, st.from_regex(r"[A-Za-z0-9_-]{20,40}", fullmatch=True))


def digests() -> SearchStrategy[str]:
    """SHA-256 digests as hex."""
    return st.binary(min_size=32, max_size=32).map(bytes.hex)


def policy_refs() -> SearchStrategy[PolicyRef]:
    """References to policies."""
    names = st.sampled_from(("sla-cn-default", "credit-cn-default", "grade-cn-default", "x"))
    return st.builds(PolicyRef, digests(), names, st.integers(1, 9))


def days_around(year: int) -> SearchStrategy[date]:
    """Days from two years before the year until three months after it, and often its ends."""
    ends = [
        date(year - 1, 1, 1),
        date(year - 1, 12, 31),
        date(year, 1, 1),
        date(year, 2, 28),
        date(year, 12, 30),
        date(year, 12, 31),
        date(year + 1, 1, 1),
    ]
    return st.one_of(
        st.sampled_from(ends),
        st.dates(date(year, 1, 1), date(year, 12, 31)),
        st.dates(date(year - 2, 1, 1), date(year + 1, 3, 31)),
    )


def ends_of(year: int) -> tuple[date, date]:
    """The first and the last day of a year."""
    return date(year, 1, 1), date(year, 12, 31)


def mostly(accepted: tuple[Any, ...], refused: Any) -> SearchStrategy[Any]:
    """Values that are accepted, and now and then one that is not."""
    return st.sampled_from((*accepted * (8 // len(accepted) + 1), refused))
