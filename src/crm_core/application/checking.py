"""The data standard of commands (OWN-05): what no decision could look at, and no log could hold.

Python does not keep anybody from putting a truth value, a fraction, an instant without an offset
or an invisible character where a field says otherwise. Written to the log, it would never be read
back. So it is refused before anything is decided, all faults at once.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

import attrs

from crm_core.errors import Fault, Invalid
from crm_core.kernel.canonical import INTEGER_MAX
from crm_core.kernel.commands import fields_looked_up
from crm_core.kernel.dates import as_utc
from crm_core.kernel.sealed import Personal
from crm_core.kernel.sentences import Malformed
from crm_core.kernel.text import check_id, check_text
from crm_core.kernel.word import Word

Check = Callable[[Any], Any]


def checked(command: Any, *, inside: bool = False) -> Any:
    """The command, its instants in UTC.

    Args:
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
        # INVARIANT (LOG-08): what the library looks up is never what a caller says.
        faults.extend(
            Fault("looked_up", f"{kind.__name__}.{name}")
            for name in fields_looked_up(kind)
            if getattr(command, name) is not None
        )
    for name, check in _checks(kind):
        value = getattr(command, name)
        try:
            accepted = check(value)
        except Malformed as error:
            faults.append(Fault.of("value_malformed", error, f"{kind.__name__}.{name}"))
        else:
            if accepted is not value:
                changes[name] = accepted
    if faults:
        raise Invalid(faults)
    return attrs.evolve(command, **changes) if changes else command


def utc(instant: datetime | None, where: str) -> datetime | None:
    """The instant in UTC, if there is one.

    Raises:
        Invalid: it has no offset.
    """
    try:
        return None if instant is None else as_utc(instant)
    except Malformed as error:
        raise Invalid([Fault.of("instant_malformed", error, where)]) from error


@cache
def _checks(cls: type) -> tuple[tuple[str, Check], ...]:
    """A check for each field whose hint is a plain value, optional or not, or several of them."""
    found = []
    looked_up = fields_looked_up(cls)
    for name, hint in get_type_hints(cls).items():
        if name in looked_up:
            continue
        kinds = get_args(hint) or (hint,)
        if get_origin(hint) is tuple:
            found.append((name, _several(kinds[0])))
            continue
        check = next((_CHECKS[kind] for kind in kinds if kind in _CHECKS), None)
        if check is None and Word in kinds:
            check = _word
        if check is not None:
            found.append((name, _optional(check) if type(None) in kinds else check))
    return tuple(found)


def _several(kind: type) -> Check:
    """Every item is what the hint says; a value of several fields is checked field by field."""

    def check(value: Any) -> Any:
        if not isinstance(value, tuple):
            raise Malformed("tuple_expected")
        if kind in _CHECKS:
            return tuple(_CHECKS[kind](item) for item in value)
        for item in value:
            if not isinstance(item, kind):
                raise Malformed("each_expected", kind=kind.__name__)
            for name, inner in _checks(kind):
                inner(getattr(item, name))
        return value

    return check


def _optional(check: Check) -> Check:
    return lambda value: None if value is None else check(value)


def _text(value: Any) -> Any:
    if not isinstance(value, str):
        raise Malformed("text_expected")
    return check_text(value)


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
    return value


def _instant(value: Any) -> Any:
    if not isinstance(value, datetime):
        raise Malformed("instant_expected")
    return value if value.tzinfo is not None and not value.utcoffset() else as_utc(value)


def _word(value: Any) -> Any:
    if type(value) is not Word:
        raise Malformed("word_expected")
    for text in (value.member, value.channel, value.reference):
        _text(text)
    return value


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
}
