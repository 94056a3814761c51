"""How relations are cared for, as policy data: intervals, suggestions, the calendar (PLN)."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from functools import lru_cache

from crm_core.gradings.uses import BY_TYPE, Influence
from crm_core.kernel.policy import (
    Header,
    PathFault,
    PolicyFault,
    PolicyRef,
    digest_of_table,
    read_toml,
    structure,
    wrong,
)
from crm_core.kernel.public_holidays import COUNTRIES, HolidayNotice, together
from crm_core.kernel.values import define, frozen

KIND, DEFAULT_CARE = "care", "care-cn-default"

MEASURES = (
    "call",
    "close_attention",
    "cooperation",
    "event",
    "gift",
    "greeting",
    "information",
    "mass_service",
    "mediation",
    "meeting",
    "member_service",
    "message",
    "named_contact",
    "needs_study",
    "privacy_care",
    "technical_advice",
    "training",
    "trial",
    "visit",
)
"""What a plan can do for a household: a closed list; nothing owed and no repair is on it."""

LAYERS = ("important", "main", "ordinary", "small")
TYPES = ("cautious", "lively", "ordinary", "problem")

HOLIDAY, BIRTHDAY, MEETING, INFORMATION, TRIAL = (
    "holiday",
    "birthday",
    "meeting",
    "information",
    "trial",
)
OCCASION_KINDS = (BIRTHDAY, HOLIDAY, INFORMATION, MEETING, TRIAL)

PURPOSES = {
    BIRTHDAY: "birthday",
    HOLIDAY: "care",
    INFORMATION: "marketing",
    MEETING: "care",
    TRIAL: "marketing",
}
"""What an occasion is for: members object to care, and agree to birthdays and advertising."""

OPEN_DAYS = 3
"""How long after its first day an occasion is still served: nobody is greeted a week late."""

DAYS_MAX = 366
_MONTHS_MAX = 60
_FEN_MAX = 10_000_00
_DAY_OF_YEAR = re.compile(r"(\d{2})-(\d{2})", re.ASCII)
_NAME = re.compile(r"[a-z][a-z_]{0,39}", re.ASCII)


@frozen
class Occasion:
    """A day of the calendar on which households are thought of.

    Args:
        name: Its name.
        kind: One of `OCCASION_KINDS`.
        days_before: How many days before it they are.
        layers: Whom of, by the layer that may be used for care plans (GRD-14).
        gifts_fen: What the small gift costs at most, by layer; none where nothing is said.
        day: Of a meeting, a trial or news: month and day.
        holiday: Of a public holiday: a part of its name in the official notice.
    """

    name: str
    kind: str
    days_before: int
    layers: tuple[str, ...]
    gifts_fen: dict[str, int]
    day: str = ""
    holiday: str = ""

    @property
    def purpose(self) -> str:
        """What it is for, as members agree and object to it (PRV-05)."""
        return PURPOSES[self.kind]


@frozen
class Suggested:
    """What is suggested for plans: by layer, and by type (应对措施)."""

    by_layer: dict[str, tuple[str, ...]]
    by_type: dict[str, tuple[str, ...]]


@frozen
class _Contents:
    kind: str
    policy: Header
    country: str
    report_days: int
    evaluation_days: int
    assessment_months: int
    consultation_days: int
    suggested: Suggested
    occasions: tuple[Occasion, ...] = ()


@define(frozen=True)
class CarePolicy:
    """How relations with households are cared for.

    Args:
        header: Identity and approval.
        ref: Name, version and digest.
        country: Whose public holidays there are.
        report_days: How often a plan that runs is reported on, at least.
        evaluation_days: How long after the end of a year, or of a plan, its evaluation is in time.
        assessment_months: How long a decided assessment carries a new plan.
        consultation_days: How long after signing the consultation of needs is in time.
        suggested: What is suggested for plans.
        occasions: The calendar.
    """

    header: Header
    ref: PolicyRef
    country: str
    report_days: int
    evaluation_days: int
    assessment_months: int
    consultation_days: int
    suggested: Suggested
    occasions: tuple[Occasion, ...]

    @classmethod
    def parse(cls, text: str) -> CarePolicy:
        """The policy in TOML text.

        Raises:
            PolicyFault: the text is not such a policy; all faults with their paths.
        """
        data = read_toml(text)
        contents = structure(data, _Contents)
        faults = list(_faults(contents))
        if faults:
            raise PolicyFault(faults)
        header = contents.policy
        return cls(
            header=header,
            ref=PolicyRef(digest_of_table(data), header.name, header.version),
            country=contents.country,
            report_days=contents.report_days,
            evaluation_days=contents.evaluation_days,
            assessment_months=contents.assessment_months,
            consultation_days=contents.consultation_days,
            suggested=contents.suggested,
            occasions=contents.occasions,
        )

    def occasion(self, name: str) -> Occasion | None:
        """The occasion of a name, if the calendar has it."""
        return next((one for one in self.occasions if one.name == name), None)

    def measures(self, influence: Influence) -> tuple[str, ...]:
        """The measures that are suggested by what a grade may influence, and by nothing else."""
        if influence.use in BY_TYPE:
            return self.suggested.by_type.get(influence.type or "", ())
        return self.suggested.by_layer.get(influence.layer or "", ())


def day_of(
    occasion: Occasion, year: int, country: str, notices: tuple[HolidayNotice, ...]
) -> date | None:
    """The day of an occasion in a year; None of a birthday, and where no notice says it."""
    if occasion.kind == HOLIDAY:
        return _first_day_off(country, notices, occasion.holiday, year)
    return None if occasion.kind == BIRTHDAY else in_year(occasion.day, year)


def in_year(month_and_day: str, year: int) -> date:
    """A month and day in a year; of 29 February the day before, where there is none."""
    month, day = (int(part) for part in month_and_day.split("-"))
    return date(year, month, min(day, monthrange(year, month)[1]))


def is_served_on(occasion: Occasion, its_day: date, day: date) -> bool:
    """Whether an occasion whose day is known is served on a day."""
    first = its_day - timedelta(days=occasion.days_before)
    return first <= day < first + timedelta(days=OPEN_DAYS)


@lru_cache(maxsize=256)
def _first_day_off(
    country: str, notices: tuple[HolidayNotice, ...], holiday: str, year: int
) -> date | None:
    known = together(country, notices)
    days = [day for day, name in known.off if holiday in name and day.year == year]
    return min(days, default=None)


# --- faults ----------------------------------------------------------------------------------


def _faults(contents: _Contents) -> Iterator[PathFault]:
    if contents.kind != KIND:
        yield wrong("kind", "unknown_kind", kind=contents.kind, needed=KIND)
    if contents.country not in COUNTRIES:
        yield wrong("country", "one_of_expected", accepted=COUNTRIES)
    for name, most in (
        ("report_days", DAYS_MAX),
        ("evaluation_days", DAYS_MAX),
        ("assessment_months", _MONTHS_MAX),
        ("consultation_days", DAYS_MAX),
    ):
        if not 1 <= getattr(contents, name) <= most:
            yield wrong(name, "between_expected", least=1, most=most)
    for path, table, names in (
        ("suggested.by_layer", contents.suggested.by_layer, LAYERS),
        ("suggested.by_type", contents.suggested.by_type, TYPES),
    ):
        yield from _unknown(path, table, names)
        for name, measures in table.items():
            yield from _unknown(f"{path}.{name}", measures, MEASURES)
    seen: set[str] = set()
    for number, occasion in enumerate(contents.occasions):
        path = f"occasions[{number}]"
        if occasion.name in seen or _NAME.fullmatch(occasion.name) is None:
            yield wrong(f"{path}.name", "occasion_name", name=occasion.name)
        seen.add(occasion.name)
        yield from _faults_of(occasion, path)


def _unknown(path: str, names: Iterable[str], known: tuple[str, ...]) -> Iterator[PathFault]:
    for name in names:
        if name not in known:
            yield wrong(path, "not_one_of", value=name, accepted=known)


def _faults_of(occasion: Occasion, path: str) -> Iterator[PathFault]:
    if occasion.kind not in OCCASION_KINDS:
        yield wrong(f"{path}.kind", "not_one_of", value=occasion.kind, accepted=OCCASION_KINDS)
        return
    if not 0 <= occasion.days_before <= DAYS_MAX:
        yield wrong(f"{path}.days_before", "between_expected", least=0, most=DAYS_MAX)
    yield from _unknown(f"{path}.layers", occasion.layers, LAYERS)
    yield from _unknown(f"{path}.gifts_fen", occasion.gifts_fen, LAYERS)
    for layer, fen in occasion.gifts_fen.items():
        if not 0 < fen <= _FEN_MAX:
            yield wrong(f"{path}.gifts_fen.{layer}", "between_expected", least=1, most=_FEN_MAX)
    if occasion.kind == HOLIDAY:
        if not occasion.holiday:
            yield wrong(f"{path}.holiday", "one_at_least_expected")
    elif occasion.kind != BIRTHDAY and not _is_day(occasion.day):
        yield wrong(f"{path}.day", "day_of_year_form")


def _is_day(text: str) -> bool:
    found = _DAY_OF_YEAR.fullmatch(text)
    if found is None:
        return False
    month, day = (int(part) for part in found.groups())
    return 1 <= month <= 12 and 1 <= day <= monthrange(2000, month)[1]
