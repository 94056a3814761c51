"""When households are visited again, how often, and what is said, as policy data (VIS-01).

Rows say what calls for a visit and in which time; nothing of them stands in code but the triggers
that there are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from attrs import field

from crm_core.kernel.calendar_files import working_calendar
from crm_core.kernel.calendars import WorkingCalendar
from crm_core.kernel.dates import add_months, local_date, start_of_day
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
from crm_core.kernel.public_holidays import HolidayNotice
from crm_core.kernel.sentences import LANGS, Malformed
from crm_core.kernel.values import define, frozen

DEFAULT_VISITS = "visit-cn-default"

CONTENTS = ("explain", "publicity", "affection", "mediation", "suggestion", "guidance")
"""The six contents of a visit (VIS-03)."""

RECEIVED, ORDERED, OVERDUE, CLOSED = (
    "request_received",
    "order_given",
    "request_overdue",
    "request_closed",
)
HAND_OVER, MOVED_IN = "hand_over", "moved_in"
SURVEY, SERVICE_MIDDLE, SERVICE_END = "survey_dissatisfied", "service_middle", "service_end"

TRIGGERS = (
    RECEIVED,
    ORDERED,
    OVERDUE,
    CLOSED,
    HAND_OVER,
    MOVED_IN,
    SURVEY,
    SERVICE_MIDDLE,
    SERVICE_END,
)
"""What can call for a visit."""

RANDOM, LOW_SATISFACTION, SERVICE, AFFECTION, ROUND = (
    "random",
    "low_satisfaction",
    "service",
    "affection",
    "round",
)
METHODS = (RANDOM, LOW_SATISFACTION, SERVICE, AFFECTION, ROUND)
"""How households are selected: the four methods, and rounds of all (VIS-02)."""

CALLED = ("phone", "home_visit")
"""Means by which somebody is spoken to: hours hold, and an opinion is asked for."""

WRITTEN = ("sms", "wechat", "app", "email")
"""Means by which somebody is written to."""

PURPOSES = ("complaint", "service", "care", "survey")
"""What a visit is for, as the purposes of personal data name it (PRV-05)."""

_SPAN = re.compile(r"(0|[1-9][0-9]{0,3}) (days|hours|calling_hours|months)")
_MOST = 10_000
_HOUR = 3600


@frozen
class Span:
    """So many days, hours, hours of calling or months."""

    count: int
    unit: str

    @classmethod
    def parse(cls, text: str) -> Span | None:
        """The span in a text; None if it is none."""
        found = _SPAN.fullmatch(text)
        return None if found is None else cls(int(found[1]), found[2])

    def first(self, at: datetime, calls: WorkingCalendar, zone: str) -> datetime:
        """The first instant behind the span: of days and months the beginning of the day."""
        day = self._day(local_date(at, zone))
        if day is None:
            return self._instant(at, calls)
        return max(at, start_of_day(day, zone))

    def last(self, at: datetime, calls: WorkingCalendar, zone: str) -> datetime:
        """The instant at which the span is over: of days and months the end of the day."""
        day = self._day(local_date(at, zone))
        if day is None:
            return self._instant(at, calls)
        return start_of_day(day + timedelta(days=1), zone)

    def _instant(self, at: datetime, calls: WorkingCalendar) -> datetime:
        if self.unit == "hours":
            return at + timedelta(hours=self.count)
        return calls.add(at, self.count * _HOUR)

    def _day(self, day: date) -> date | None:
        if self.unit == "days":
            return day + timedelta(days=self.count)
        return add_months(day, self.count) if self.unit == "months" else None


# --- the file ------------------------------------------------------------------------------------


@frozen
class _Calls:
    attempts: int
    rest_days: int
    agreed_minutes: int
    retry_hours: int
    lapse_days: int


@frozen
class _Row:
    trigger: str
    content: str
    purpose: str
    means: tuple[str, ...]
    due: str
    latest: str
    share: int
    kinds: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    always_severities: tuple[str, ...] = ()
    always_words: tuple[str, ...] = ()
    share_by_layer: dict[str, int] = field(factory=dict)
    leaves_contact: bool = False
    rest: bool = True


@frozen
class _Selection:
    content: str
    days: int
    percent: int = 0


@frozen
class _Drawn:
    purpose: str
    means: tuple[str, ...]
    due: str
    latest: str


@frozen
class _Contents:
    """The file, without its table of hours and the `from` of its rows."""

    kind: str
    policy: Header
    calls: _Calls
    rows: dict[str, _Row]
    selections: dict[str, _Selection]
    drawn: _Drawn
    addresses: dict[str, dict[str, str]]
    script: dict[str, Script]


@frozen
class Script:
    """What is said in one language; `contents` by what the visit is about (VIS-04)."""

    greeting: str
    convenient: str
    contact: str
    closing: str
    contents: dict[str, str]


# --- the policy ----------------------------------------------------------------------------------


@frozen
class Row:
    """What calls for a visit, in which time, and how often (VIS-01).

    Args:
        trigger: One of `TRIGGERS`.
        content: One of `CONTENTS`.
        purpose: What the member's data are used for: who refused that is not called (PRV-05).
        means: By which it may be made.
        first: From when on; `due` by when; `latest` at the latest.
        share: Of how many in a hundred at least, by lot.
        kinds: Of which kinds of requests; empty for all.
        channels: Of which channels they came in; empty for all.
        always_severities: Requests of these are visited whatever the lot says ...
        always_words: ... and those that speak of these.
        share_by_layer: Shares of layers that have another one; by the closed list of uses alone
            (GRD-14).
        leaves_contact: Whether the contact of who did the work is left (VIS-04).
        rest: Whether it waits until a household was left in peace for long enough.
    """

    name: str
    trigger: str
    content: str
    purpose: str
    means: tuple[str, ...]
    first: Span
    due: Span
    latest: Span
    share: int
    kinds: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    always_severities: tuple[str, ...] = ()
    always_words: tuple[str, ...] = ()
    share_by_layer: Mapping[str, int] = field(factory=dict)
    leaves_contact: bool = False
    rest: bool = True


@frozen
class Selection:
    """A way to select households: what they are visited for, and how far back it looks (VIS-02).

    Args:
        percent: Of rounds, how many of all households are visited in a year at least.
    """

    content: str
    days: int
    percent: int = 0


@define(frozen=True)
class VisitPolicy:
    """When households are visited again.

    Args:
        header: Identity and approval.
        ref: Name, version and digest.
        attempts: How often somebody is tried before it is given up.
        rest: How long nobody is called again.
        agreed: How much before or after an agreed time a call may come.
        retry_seconds: Hours of calling after which somebody is tried again.
        lapse: How long behind its last day a visit can still be made.
        calendar: When calls are made.
        rows: By name, in the order of the file.
        selections: By method.
        drawn: What a draw brings, but for its content.
        addresses: Forms of address, by language.
        script: By language.
    """

    header: Header
    ref: PolicyRef
    attempts: int
    rest: timedelta
    agreed: timedelta
    retry_seconds: int
    lapse: timedelta
    calendar: WorkingCalendar
    rows: Mapping[str, Row]
    selections: Mapping[str, Selection]
    drawn: Row
    addresses: Mapping[str, Mapping[str, str]]
    script: Mapping[str, Script]

    @classmethod
    def parse(cls, text: str) -> VisitPolicy:
        """The policy in TOML text.

        Raises:
            PolicyFault: the text is not such a policy; all faults with their paths.
        """
        data = read_toml(text)
        table = dict(data)
        hours = table.pop("hours", None)
        firsts: dict[str, Any] = {}
        if isinstance(table.get("rows"), dict):
            rows = {name: dict(row) for name, row in table["rows"].items() if isinstance(row, dict)}
            firsts = {name: row.pop("from", None) for name, row in rows.items()}
            table["rows"] = {**table["rows"], **rows}
        contents = structure(table, _Contents)
        faults = [*_faults(contents), *_spans(contents, firsts)]
        calendar = _calendar(hours, faults)
        if faults or calendar is None:
            raise PolicyFault(sorted(faults, key=lambda fault: fault[0]))
        calls = contents.calls
        return cls(
            header=contents.policy,
            ref=PolicyRef(digest_of_table(data), contents.policy.name, contents.policy.version),
            attempts=calls.attempts,
            rest=timedelta(days=calls.rest_days),
            agreed=timedelta(minutes=calls.agreed_minutes),
            retry_seconds=calls.retry_hours * _HOUR,
            lapse=timedelta(days=calls.lapse_days),
            calendar=calendar,
            rows={name: _row(name, row, firsts[name]) for name, row in contents.rows.items()},
            selections={
                name: Selection(one.content, one.days, one.percent)
                for name, one in contents.selections.items()
            },
            drawn=_of_draws(contents.drawn),
            addresses=contents.addresses,
            script=contents.script,
        )

    def under(self, notices: Iterable[HolidayNotice]) -> WorkingCalendar:
        """When calls are made, by these official notices."""
        return self.calendar.under(notices)

    def row(self, name: str) -> Row:
        """A row; what a draw brings has the name of its method."""
        return self.rows.get(name, self.drawn)


def _row(name: str, row: _Row, first: str) -> Row:
    return Row(
        name=name,
        trigger=row.trigger,
        content=row.content,
        purpose=row.purpose,
        means=row.means,
        first=_span(first),
        due=_span(row.due),
        latest=_span(row.latest),
        share=row.share,
        kinds=row.kinds,
        channels=row.channels,
        always_severities=row.always_severities,
        always_words=row.always_words,
        share_by_layer=row.share_by_layer,
        leaves_contact=row.leaves_contact,
        rest=row.rest,
    )


def _of_draws(drawn: _Drawn) -> Row:
    return Row(
        name="",
        trigger="",
        content="",
        purpose=drawn.purpose,
        means=drawn.means,
        first=Span(0, "days"),
        due=_span(drawn.due),
        latest=_span(drawn.latest),
        share=100,
    )


def _span(text: str) -> Span:
    found = Span.parse(text)
    assert found is not None, "INVARIANT: looked at before"
    return found


# --- what is wrong with a file -------------------------------------------------------------------


def _faults(contents: _Contents) -> list[PathFault]:
    faults: list[PathFault] = []
    if contents.kind != "visits":
        faults.append(wrong("kind", "unknown_kind", kind=contents.kind, needed="visits"))
    calls = contents.calls
    faults += [
        wrong(f"calls.{name}", "count_wanted", most=_MOST)
        for name in ("attempts", "retry_hours")
        if not 1 <= getattr(calls, name) <= _MOST
    ]
    faults += [
        wrong(f"calls.{name}", "count_wanted", most=_MOST)
        for name in ("rest_days", "agreed_minutes", "lapse_days")
        if not 0 <= getattr(calls, name) <= _MOST
    ]
    if not contents.rows:
        faults.append(wrong("rows", "one_at_least_expected"))
    for name, row in contents.rows.items():
        where = f"rows.{name}"
        faults += _one_of(f"{where}.trigger", row.trigger, TRIGGERS)
        faults += _one_of(f"{where}.content", row.content, CONTENTS)
        faults += _means(where, row.purpose, row.means)
        shares = {"share": row.share} | {
            f"share_by_layer.{layer}": share for layer, share in row.share_by_layer.items()
        }
        faults += [
            wrong(f"{where}.{path}", "percent_wanted")
            for path, share in shares.items()
            if not 0 <= share <= 100
        ]
        if name in METHODS:
            faults.append(wrong(where, "not_one_of", value=name, accepted=TRIGGERS))
    faults += [
        wrong(f"selections.{name}", "missing")
        for name in METHODS
        if name not in contents.selections
    ]
    for name, one in contents.selections.items():
        faults += _one_of(f"selections.{name}", name, METHODS)
        faults += _one_of(f"selections.{name}.content", one.content, CONTENTS)
        if not 1 <= one.days <= _MOST:
            faults.append(wrong(f"selections.{name}.days", "count_wanted", most=_MOST))
        if not 0 <= one.percent <= 100:
            faults.append(wrong(f"selections.{name}.percent", "percent_wanted"))
    faults += _means("drawn", contents.drawn.purpose, contents.drawn.means)
    faults += _said(contents)
    return faults


def _means(where: str, purpose: str, means: tuple[str, ...]) -> list[PathFault]:
    faults = _one_of(f"{where}.purpose", purpose, PURPOSES)
    if not means:
        faults.append(wrong(f"{where}.means", "one_at_least_expected"))
    for one in means:
        faults += _one_of(f"{where}.means", one, (*CALLED, *WRITTEN))
    return faults


def _one_of(path: str, value: str, accepted: tuple[str, ...]) -> list[PathFault]:
    if value in accepted:
        return []
    return [wrong(path, "not_one_of", value=value, accepted=accepted)]


def _spans(contents: _Contents, firsts: Mapping[str, Any]) -> list[PathFault]:
    spans: dict[str, Any] = {"drawn.due": contents.drawn.due, "drawn.latest": contents.drawn.latest}
    for name, row in contents.rows.items():
        spans[f"rows.{name}.due"], spans[f"rows.{name}.latest"] = row.due, row.latest
        spans[f"rows.{name}.from"] = firsts[name]
    return [
        wrong(path, "missing" if text is None else "span_form")
        for path, text in spans.items()
        if not isinstance(text, str) or Span.parse(text) is None
    ]


def _said(contents: _Contents) -> list[PathFault]:
    faults: list[PathFault] = []
    for lang in LANGS:
        forms = contents.addresses.get(lang, {})
        if not forms:
            faults.append(wrong(f"addresses.{lang}", "missing"))
        first = contents.addresses.get(LANGS[0], {})
        faults += [wrong(f"addresses.{lang}.{one}", "missing") for one in first if one not in forms]
        faults += _filled(f"addresses.{lang}", forms, dict.fromkeys(forms, ("name",)))
        script = contents.script.get(lang)
        if script is None:
            faults.append(wrong(f"script.{lang}", "missing"))
            continue
        words = {name: getattr(script, name) for name in _SLOTS}
        faults += _filled(f"script.{lang}", words, _SLOTS)
        faults += [
            wrong(f"script.{lang}.contents.{one}", "missing")
            for one in CONTENTS
            if not script.contents.get(one, "").strip()
        ]
    return faults


_SLOTS: dict[str, tuple[str, ...]] = {
    "greeting": ("address", "caller", "estate"),
    "convenient": (),
    "contact": ("worker",),
    "closing": (),
}


def _filled(
    where: str, words: Mapping[str, str], slots: Mapping[str, tuple[str, ...]]
) -> list[PathFault]:
    """Sentences that leave out what they must say, or ask for what nobody fills in."""
    return [
        wrong(f"{where}.{name}", "slots_wanted", slots=list(slots[name]))
        for name, text in words.items()
        if sorted(re.findall(r"\{(\w*)\}", text)) != sorted(slots[name]) or not text.strip()
    ]


def _calendar(hours: Any, faults: list[PathFault]) -> WorkingCalendar | None:
    if not isinstance(hours, dict):
        faults.append(wrong("hours", "missing"))
        return None
    try:
        return working_calendar({"name": "calls", **hours}, "hours", notices=())
    except PolicyFault as error:
        faults.extend(error.faults)
    except Malformed as error:
        faults.append(("hours", error))
    return None
