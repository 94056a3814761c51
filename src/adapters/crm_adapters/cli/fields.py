"""The fields of commands as they are said on the command line and in lines of JSON.

They follow from the commands themselves: whatever a command declares, and the library does not
look up, can be said. Everything that is wrong with what was said is told at once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

import attrs

from crm_core.errors import Fault, Invalid
from crm_core.kernel.commands import fields_said
from crm_core.kernel.dates import parse_date, parse_instant
from crm_core.kernel.limits import check_nesting
from crm_core.kernel.sealed import Personal
from crm_core.kernel.sentences import Malformed
from crm_core.kernel.values import frozen
from crm_core.owners.commands import owner_id

TEXT, NUMBER, TRUTH, DAY, INSTANT = "text", "number", "truth", "day", "instant"
PERSONAL, OBJECT = "personal", "object"

_KINDS: dict[Any, str] = {
    bool: TRUTH,
    date: DAY,
    datetime: INSTANT,
    int: NUMBER,
    Personal: PERSONAL,
    str: TEXT,
}

_EXPECTED = {
    DAY: "date_expected",
    INSTANT: "instant_expected",
    NUMBER: "whole_number_expected",
    OBJECT: "object_expected",
    PERSONAL: "text_expected",
    TEXT: "text_expected",
    TRUTH: "truth_expected",
}
"""The sentence that says what would be accepted."""

_READ: dict[str, Callable[[Any], Any]] = {DAY: parse_date, INSTANT: parse_instant}

_TRUTHS = {"yes": True, "true": True, "是": True, "no": False, "false": False, "否": False}
_WHOLE = re.compile(r"-?[0-9]{1,18}", re.ASCII)


@frozen
class Field:
    """One value that a command is made of.

    Args:
        path: Its name; behind that of the value that it is a part of, if it is of one.
        kind: How it is written.
        required: Whether the command cannot do without it.
        many: Whether it is said once for each of several values.
        parts: Names of what an object is made of, those it cannot do without.
    """

    path: tuple[str, ...]
    kind: str
    required: bool
    many: bool = False
    parts: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """As it stands in JSON."""
        return ".".join(self.path)

    @property
    def option(self) -> str:
        """As it stands on the command line."""
        return option_of(self.name)


_OPTIONS = {"purpose": "--for"}
"""Fields of a name that an option of every command has: `--purpose` is what it is done for."""


def option_of(path: str) -> str:
    """A field as it is said on the command line."""
    return _OPTIONS.get(path) or "--" + path.replace("_", "-")


@cache
def fields_of(command: type) -> tuple[Field, ...]:
    """What the giver of a command says, in the order in which it is declared."""
    return tuple(_fields(command, (), required=True))


def _fields(cls: type, before: tuple[str, ...], *, required: bool) -> Iterator[Field]:
    for name, hint, needed in _declared(cls):
        path, kind, many = (*before, name), _plain(hint), _several(hint)
        needed = needed and required  # noqa: PLW2901 - a part of what may be left out may be, too
        if many or kind in _KINDS:
            parts = () if kind in _KINDS else tuple(n for n, _, must in _declared(kind) if must)
            yield Field(path, _KINDS.get(kind, OBJECT), needed, many, parts)
        else:
            yield from _fields(kind, path, required=needed)


@cache
def _declared(cls: type) -> tuple[tuple[str, Any, bool], ...]:
    """Name, type and whether it must be said, of every field that is not looked up."""
    hints, found = get_type_hints(cls), attrs.fields_dict(cls)
    return tuple(
        (name, hints[name], found[name].default is attrs.NOTHING) for name in fields_said(cls)
    )


def _plain(hint: Any) -> Any:
    """The type of a value, whether it may be left out or there may be several."""
    return next(kind for kind in get_args(hint) or (hint,) if kind not in (type(None), Ellipsis))


def _several(hint: Any) -> bool:
    return get_origin(hint) is tuple


# --- from what was said to the command ---------------------------------------------------------


def made(
    command: type,
    said: Mapping[str, Any],
    where: Callable[[str], str],
    faults: Sequence[Fault] = (),
) -> Any:
    """The command that was said, values as in JSON.

    Args:
        where: How the place of a field is named.
        faults: What is wrong already.

    Raises:
        Invalid: everything that is wrong with it.
    """
    reader = _Reader(where, [*faults])
    found = reader.object(command, said, "")
    if reader.faults:
        raise Invalid(reader.faults)
    return found


class _Reader:
    """Reads values by their types, and keeps what is wrong with them."""

    def __init__(self, where: Callable[[str], str], faults: list[Fault]) -> None:
        self._where = where
        self._told = {fault.where for fault in faults}
        self.faults = faults

    def object(self, cls: type, said: Any, path: str) -> Any:
        """A value of several fields; None where something is wrong with it."""
        if not isinstance(said, Mapping):
            self._unfit(OBJECT, path)
            return None
        before, values, whole = f"{path}." if path else "", {}, True
        names = [name for name, _, _ in _declared(cls)]
        for key in said:
            if key not in names:
                whole = self._fault("field_unexpected", f"{before}{key}", accepted=names)
        for name, hint, required in _declared(cls):
            if said.get(name) is None:
                if required:
                    whole = self._fault("field_missing", f"{before}{name}")
            elif _plain(hint) is Personal:
                text = self._scalar(PERSONAL, said[name], f"{before}{name}")
                values[name] = None if text is None else Personal(_subject(cls, said), text)
            else:
                values[name] = self._value(hint, said[name], f"{before}{name}")
        return cls(**values) if whole else None

    def _value(self, hint: Any, said: Any, path: str) -> Any:
        kind = _plain(hint)
        if _several(hint):
            if not isinstance(said, list | tuple):
                self._fault("value_malformed", path, sentence="list_expected")
                return ()
            return tuple(self._one(kind, item, f"{path}[{at}]") for at, item in enumerate(said))
        return self._one(kind, said, path)

    def _one(self, kind: Any, said: Any, path: str) -> Any:
        if kind in _KINDS:
            return self._scalar(_KINDS[kind], said, path)
        return self.object(kind, said, path)

    def _scalar(self, kind: str, said: Any, path: str) -> Any:
        wanted: type = {NUMBER: int, TRUTH: bool}.get(kind, str)
        if type(said) is not wanted:
            self._unfit(kind, path)
            return None
        read = _READ.get(kind)
        try:
            return said if read is None else read(said)
        except Malformed as error:
            self.faults.append(Fault.of("value_malformed", error, self._where(path)))
        except ValueError:
            self._unfit(kind, path)
        return None

    def _unfit(self, kind: str, path: str) -> None:
        self._fault("value_malformed", path, sentence=_EXPECTED[kind])

    def _fault(self, code: str, path: str, sentence: str = "", **values: Any) -> bool:
        """Keep what is wrong at a place; no value comes of it."""
        place = self._where(path)
        # What could not be read as an option was told there, and is not missing as well.
        if place not in self._told:
            self.faults.append(Fault(code, place, values, sentence))
        return False


def _subject(cls: type, said: Mapping[str, Any]) -> str:
    """Whom a personal value of a command is about: who is named in it, or the first owner."""
    for name in ("member", "prospect", "staff"):
        if name in attrs.fields_dict(cls):
            return str(said.get(name, ""))
    return owner_id(str(said.get("household", "")))


# --- from options to what was said -------------------------------------------------------------


def said_in_options(
    command: type, options: Mapping[Field, Sequence[str]]
) -> tuple[dict[str, Any], list[Fault]]:
    """What options say of a command, as in JSON, and what cannot be read of it."""
    said: dict[str, Any] = {}
    faults: list[Fault] = []
    for field, texts in options.items():
        values = []
        for text in texts:
            try:
                values.append(_typed(field.kind, text))
            except Malformed as error:
                faults.append(Fault.of("value_malformed", error, field.option))
        at = said
        for name in field.path[:-1]:
            at = at.setdefault(name, {})
        if field.many:
            at[field.path[-1]] = values
        elif values:
            at[field.path[-1]] = values[-1]
    return said, faults


def _typed(kind: str, text: str) -> Any:
    match kind:
        case "number":
            if _WHOLE.fullmatch(text):
                return int(text)
        case "truth":
            if text.casefold() in _TRUTHS:
                return _TRUTHS[text.casefold()]
        case "object":
            try:
                said = json.loads(text)
            except (ValueError, RecursionError):
                raise Malformed("json_expected") from None
            check_nesting(said)
            return said
        case _:
            return text
    raise Malformed(_EXPECTED[kind])
