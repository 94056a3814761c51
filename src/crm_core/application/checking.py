"""The data standard of commands (OWN-05): what no decision could look at, and no log could hold.

Python does not keep anybody from putting a truth value, a fraction, an instant without an offset
or an invisible character where a field says otherwise. Written to the log, it would never be read
back. So it is refused before anything is decided, all faults at once.

Dates and instants lie between 1900 and 2200, as those of imports do: others are slips, and no
arithmetic is sure of its ground at the ends of the calendar. What has happened is not still to come
(`crm_core.application.present`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

import attrs

from crm_core.application.present import Present
from crm_core.errors import Fault, Invalid
from crm_core.kernel.canonical import INTEGER_MAX
from crm_core.kernel.commands import (
    fields_looked_up,
    fields_named,
    fields_of_files,
    fields_said,
)
from crm_core.kernel.dates import likely, likely_instant
from crm_core.kernel.limits import POLICY_BYTES_MAX
from crm_core.kernel.sealed import Personal, Said, Sealed
from crm_core.kernel.sentences import Malformed
from crm_core.kernel.text import check_id, check_text
from crm_core.kernel.word import Word

Check = Callable[[Any], Any]
"""Takes a value and gives it as it is kept; raises `Malformed`, or `_Within` of parts of it."""


class _Within(Exception):
    """What is wrong inside a value: where, and what."""

    def __init__(self, faults: list[tuple[str, Malformed]]) -> None:
        super().__init__()
        self.faults = faults


def checked(command: Any, present: Present | None = None, *, inside: bool = False) -> Any:
    """The command, its instants in UTC.

    Args:
        present: What has happened does not lie behind it; None where nothing is held to it.
        inside: Whether the library gives it, which may have looked things up already.

    Raises:
        Invalid: fields that do not hold what they say, each with its name and never its value.
    """
    kind: type = type(command)
    if not attrs.has(kind):
        return command
    faults: list[Fault] = []
    changes: dict[str, Any] = {}
    if not inside:
        command = _as_typed(command)
        # INVARIANT (LOG-08): what the library looks up is never what a caller says.
        faults.extend(
            Fault("looked_up", f"{kind.__name__}.{name}")
            for name in fields_looked_up(kind)
            if getattr(command, name) is not None
        )
    for name, check in _given_inside(kind) if inside else _checks(kind):
        value = getattr(command, name)
        try:
            accepted = check(value)
        except Malformed as error:
            faults.append(_fault(error, f"{kind.__name__}.{name}"))
        except _Within as error:
            faults.extend(_fault(e, f"{kind.__name__}.{name}{path}") for path, e in error.faults)
        else:
            if accepted is not value:
                changes[name] = accepted
    if faults:
        raise Invalid(faults)
    command = attrs.evolve(command, **changes) if changes else command
    if present is not None:
        faults.extend(present.faults(command))
        if faults:
            raise Invalid(faults)
    return command


def _as_typed(value: Any) -> Any:
    """A value whose texts say nothing of whom they are about: a caller says that by `about`."""
    if type(value) is Said:
        return str(value)
    if type(value) is tuple:
        found = tuple(_as_typed(one) for one in value)
        return found if any(a is not b for a, b in zip(found, value, strict=True)) else value
    kind: type = type(value)
    if not attrs.has(kind):
        return value
    changes = {}
    for name in fields_said(kind):
        before = getattr(value, name)
        if type(before) not in _PLAIN and (after := _as_typed(before)) is not before:
            changes[name] = after
    return attrs.evolve(value, **changes) if changes else value


_PLAIN = frozenset({str, int, bool, date, datetime, type(None)})
"""What is as it is; asked first, because most of what is said is so."""


def _fault(error: Malformed, where: str, otherwise: str = "value_malformed") -> Fault:
    if error.sentence == "year_unlikely":
        return Fault.of("year_unlikely", error, where)
    return Fault.of(otherwise, error, where)


def utc(instant: datetime | None, where: str) -> datetime | None:
    """The instant in UTC, if there is one.

    Raises:
        Invalid: it has no offset, or lies before 1900 or after 2200.
    """
    try:
        return None if instant is None else likely_instant(instant)
    except Malformed as error:
        raise Invalid([_fault(error, where, "instant_malformed")]) from error


def circumstance(text: str | None, where: str, check: Check = check_text) -> None:
    """Refuse what is said beside a command if it is no text that can be kept.

    Raises:
        Invalid: it holds a character that is refused, or is too long.
    """
    try:
        if text is not None:
            check(text)
    except Malformed as error:
        raise Invalid([_fault(error, where)]) from error


@cache
def _checks(cls: type) -> tuple[tuple[str, Check], ...]:
    """A check for each field whose hint is a plain value, optional or not, or several of them."""
    return tuple(_found(cls, _check_of))


@cache
def _given_inside(cls: type) -> tuple[tuple[str, Check], ...]:
    """The same for what the library gives, whose parts are events that it has computed.

    The cut-off of an empty log, for one, lies before all instants.
    """
    return tuple(_found(cls, _CHECKS.get))


def _found(cls: type, check_of: Callable[[Any], Check | None]) -> Iterator[tuple[str, Check]]:
    looked_up, named, files = fields_looked_up(cls), fields_named(cls), fields_of_files(cls)
    for name, hint in get_type_hints(cls).items():
        if name in looked_up:
            continue
        kinds = get_args(hint) or (hint,)
        if name in named:
            check: Check | None = _id
        elif name in files:
            check = _file
        elif get_origin(hint) is tuple:
            check = _several(kinds[0], check_of)
        else:
            check = next((c for c in map(check_of, kinds) if c is not None), None)
        if check is not None:
            yield name, _optional(check) if type(None) in kinds else check


def _check_of(kind: Any) -> Check | None:
    """For what is made of parts, too: whoever says a part says all that stands in it."""
    if kind in _CHECKS:
        return _CHECKS[kind]
    if isinstance(kind, type) and attrs.has(kind) and kind is not Sealed:
        within = _checks(kind)
        return _parts(within) if within else None
    return None


def _several(kind: Any, check_of: Callable[[Any], Check | None]) -> Check | None:
    """Every item is what the hint says; a value of several fields is checked field by field."""
    item_check = check_of(kind) if kind in _CHECKS else _parts(_checks(kind))
    if item_check is None:
        return None

    def check(value: Any) -> Any:
        if not isinstance(value, tuple):
            raise Malformed("tuple_expected")
        if kind not in _CHECKS:
            for item in value:
                if not isinstance(item, kind):
                    raise Malformed("each_expected", kind=kind.__name__)
        accepted, faults = [], []
        for number, item in enumerate(value):
            try:
                accepted.append(item_check(item))
            except Malformed as error:
                faults.append((f"[{number}]", error))
            except _Within as error:
                faults.extend((f"[{number}]{path}", e) for path, e in error.faults)
        if faults:
            raise _Within(faults)
        same = all(one is other for one, other in zip(accepted, value, strict=True))
        return value if same else tuple(accepted)

    return check


def _parts(checks: tuple[tuple[str, Check], ...]) -> Check:
    """A value of several fields, each of them checked."""

    def check(value: Any) -> Any:
        faults: list[tuple[str, Malformed]] = []
        changes: dict[str, Any] = {}
        for name, inner in checks:
            part = getattr(value, name, None)
            try:
                accepted = inner(part)
            except Malformed as error:
                faults.append((f".{name}", error))
            except _Within as error:
                faults.extend((f".{name}{path}", e) for path, e in error.faults)
            else:
                if accepted is not part:
                    changes[name] = accepted
        if faults:
            raise _Within(faults)
        return attrs.evolve(value, **changes) if changes else value

    return check


def _optional(check: Check) -> Check:
    return lambda value: None if value is None else check(value)


def _text(value: Any) -> Any:
    if not isinstance(value, str):
        raise Malformed("text_expected")
    return check_text(value)


def _file(value: Any) -> Any:
    if not isinstance(value, str):
        raise Malformed("text_expected")
    return check_text(value, POLICY_BYTES_MAX)


def _id(value: Any) -> Any:
    """What stands for something by its number; that there is none is for a rule to refuse."""
    text = _text(value)
    return check_id(text) if text else text


def _number(value: Any) -> Any:
    if type(value) is not int or abs(value) > INTEGER_MAX:
        raise Malformed("whole_number_expected")
    return value


def _truth(value: Any) -> Any:
    if type(value) is not bool:
        raise Malformed("truth_expected")
    return value


def _day(value: Any) -> Any:
    if type(value) is not date:
        raise Malformed("date_expected")
    return likely(value)


def _instant(value: Any) -> Any:
    if not isinstance(value, datetime):
        raise Malformed("instant_expected")
    if value.tzinfo is not None and not value.utcoffset():
        return likely(value)
    return likely_instant(value)


def _word(value: Any) -> Any:
    if type(value) is not Word:
        raise Malformed("word_expected")
    return _parts(_checks(Word))(value)


def _personal(value: Any) -> Any:
    if not isinstance(value, Personal):
        raise Malformed("personal_expected")
    check_id(value.subject)
    check_text(value.reveal())
    return value


_CHECKS: dict[Any, Check] = {
    bool: _truth,
    date: _day,
    datetime: _instant,
    int: _number,
    str: _text,
    Personal: _personal,
    Word: _word,
}
