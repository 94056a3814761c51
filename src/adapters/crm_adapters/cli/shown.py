"""How values are shown to people: money, instants, durations, and who did something.

Machines get what is stored: fen, UTC, seconds, `role:id`.
"""

from __future__ import annotations

import os
import re
from contextvars import ContextVar
from datetime import date, datetime
from typing import Any

from crm_adapters.cli.language import event_told, say, why_withheld, word
from crm_core.kernel.dates import ESTATE_ZONE, parse_instant, zone
from crm_core.kernel.sealed import Sealed, Withheld
from crm_core.kernel.sentences import Malformed
from crm_core.kernel.yuan import yuan_shown

_ZONE: ContextVar[str] = ContextVar("crm_zone", default=ESTATE_ZONE)

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)")
_QUOTED = re.compile(r"(`[^`]*`)")
_UNITS = (("hours", 3600), ("minutes", 60), ("seconds", 1))


def live_in(name: str) -> None:
    """Show instants in that zone from here on."""
    _ZONE.set(name)


def zone_asked() -> str:
    """The estate's zone as the environment says it, before the line is read."""
    name = os.getenv("CRM_ZONE") or ESTATE_ZONE
    try:
        zone(name)
    except Malformed:
        return ESTATE_ZONE  # Reading the line says what is wrong.
    return name


class Amount(str):
    """An amount as people read it, which stands to the right in a table."""


def money(fen: Any) -> Any:
    """An amount in yuan with separators; what is withheld, or is not there, stays what it is."""
    return Amount(yuan_shown(fen)) if isinstance(fen, int) else fen


def instant(at: datetime) -> str:
    """An instant by the estate's clock, to the second; whole minutes without seconds."""
    local = at.astimezone(zone(_ZONE.get()))
    return f"{local:%Y-%m-%d %H:%M:%S}".removesuffix(":00")


def in_estate(text: str) -> str:
    """The text with its instants by the estate's clock; what stands in back-ticks was typed."""
    parts = _QUOTED.split(text)
    parts[::2] = [_INSTANT.sub(_local, part) for part in parts[::2]]
    return "".join(parts)


def _local(found: re.Match[str]) -> str:
    try:
        return instant(parse_instant(found[0]))
    except Malformed:
        return found[0]


def duration(seconds: Any, *, exactly: bool = False) -> Any:
    """Whole seconds in words, like 2 小时 15 分; what is no number stays what it is.

    Args:
        exactly: Parts of a second are said, too, of less than a minute.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return seconds
    if exactly and seconds < _UNITS[1][1]:
        return say("duration_seconds", count=f"{seconds:.2f}")
    left, parts = abs(round(seconds)), []
    for unit, size in _UNITS:
        count, left = divmod(left, size)
        if count:
            parts.append(say(f"duration_{unit}", count=count))
    return " ".join(parts) or say("duration_seconds", count=0)


def late(seconds: Any) -> Any:
    """By how much something was late or early; nothing where it was neither."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return seconds
    if not round(seconds):
        return ""
    return say("duration_early", by=duration(seconds)) if seconds < 0 else duration(seconds)


def person(actor: Any) -> Any:
    """Whoever is named `role:id`, with the word for the role."""
    role, is_one, who = actor.partition(":") if isinstance(actor, str) else ("", "", "")
    return say("actor", role=word("role", role), who=who) if is_one else actor


def cell(value: Any) -> Any:
    """What stands in a table; numbers stay numbers, so that they stand to the right."""
    match value:
        case Withheld():
            return why_withheld(value)
        case Amount():
            return value
        case bool():
            return say("yes" if value else "no")
        case datetime():
            return instant(value)
        case date():
            return value.isoformat()
        case str():
            return in_estate(value)
        case list() | tuple() | set() | frozenset():
            return listed(value)
    return value


def clock_told(name: str) -> str:
    """A clock of a request, like `arrival-1`: what it runs for, and the how manieth it is."""
    kind, _, number = name.rpartition("-")
    if not number.isdecimal() or word("clock", kind) == kind:
        return name
    return say("clock_nth", clock=word("clock", kind), number=number)


_ARTICLE = "art. "

_NAMED = ("public_holiday", "make-up_working_day")


def why_told(text: str) -> str:
    """Why time counts or does not: words of a calendar, and perhaps a holiday's own name."""
    for code in _NAMED:
        said = f"{code.replace('_', ' ')} "
        if text.startswith(said):
            return say("why_named", why=word("why", code), name=text.removeprefix(said))
    code = text.replace(" ", "_")
    told = word("why", code)
    return text if told == code else told


_KINDS = {
    "act": ("step",),
    "channel": ("source",),
    "content": ("visit_content",),
    "kind": ("kind", "measure"),
    "means": ("visit_means",),
    "occasion": ("occasion_name",),
    "role": ("role",),
    "form": ("role",),
    "row": ("visit_row",),
    "stage": ("stage", "plan"),
    "status": ("status", "request", "visit_status", "plan", "task"),
    "told": ("role",),
}
"""Kinds of words by the names of the fields that hold them, where those differ."""


def told_value(name: str, value: Any) -> Any:
    """A value as people read it, by the name of the field that holds it."""
    if isinstance(value, list | tuple | set | frozenset):
        return say("list", values=[told_value(name, one) for one in value])
    if isinstance(value, Sealed):
        return say("sealed")
    if name.endswith("_fen"):
        return cell(money(value))
    if name.endswith("_seconds"):
        return cell(late(value) if name.startswith("late") else duration(value))
    return _told_word(name, value) if isinstance(value, str) else cell(value)


def _told_word(name: str, value: str) -> str:
    if name == "clock":
        return clock_told(value)
    if name == "article" and value.startswith(_ARTICLE):
        return say("article", number=value.removeprefix(_ARTICLE))
    if name == "source" and value.count(" ") > 1:
        return word("law", re.sub(r"\W+", "_", value.partition(";")[0].casefold()))
    words = (word(kind, value) for kind in (*_KINDS.get(name, (name,)), "value"))
    told = next((told for told in words if told != value), None)
    if told is None and name in ("what", "why", "name"):
        happened = event_told(f"requests.{value}")
        told = why_told(value) if happened == f"requests.{value}" else happened
    return in_estate(value) if told is None else told


def listed(values: Any) -> str:
    """Several values in one cell, as the language lists them."""
    return say("list", values=[cell(one) for one in values])
