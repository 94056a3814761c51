"""Canaries: texts that stand wherever something personal can, and must be gone with the person.

Every event of every slice is recorded with a canary in each field that is sealed, so that no field
can be forgotten; then the files that the library writes are made, and read byte by byte.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import attrs

from crm_core import CRM, Personal
from crm_core.kernel.data_map import CLASSES, EVENT
from crm_core.kernel.recorded import Commit, Envelope, StreamAppend, Tip
from crm_core.kernel.sealed import PersonalValue
from crm_core.owners.events import HouseholdVoided

SEALED = frozenset(name for name, data in CLASSES.items() if data.sealed)
"""Classes of data in which canaries are put: all that are sealed. A class that comes to be sealed
is tried from then on."""

LEFT_CLEAR = frozenset({"label", "place", "policy", "purchase"})
"""Classes into which people can type, and that stay in plain text: names of periods, shifts and
services, places on the estate, and policies (0062)."""

AT = datetime(2024, 1, 10, 4, tzinfo=UTC)
DAY = AT.date()


class Canaries:
    """Makes texts that stand nowhere else, and knows whose each is."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self.of: dict[str, list[str]] = {}

    def new(self, whose: str) -> str:
        """Another one."""
        text = f"金丝雀-canary-{next(self._numbers):05}-of-{len(whose)}"
        self.of.setdefault(whose, []).append(text)
        return text


def sing(crm: CRM, canaries: Canaries, household: str, member: str) -> int:
    """Record an event of every class about a household, with canaries; how many there were."""
    catalog, naming = crm.registry.catalog, crm.registry.naming
    classes: dict[str, dict[str, str]] = {}
    for row in crm.registry.data_map:
        if row.kind == EVENT:
            classes.setdefault(row.source, {})[row.field] = row.data.name
    done = 0
    for kind in catalog.types:
        if kind.name.startswith("privacy."):
            continue  # An erasure that nobody decided is none.
        naming.fields(kind.cls)
        event = _made(kind.cls, classes[kind.stored], canaries, household, member)
        if isinstance(event, HouseholdVoided):
            # Of a file that never was nothing would be shown.
            event = attrs.evolve(event, household=f"{household}-never")
        envelope = Envelope(
            actor="system:crm", command=f"canary:{household}:{kind.name}", data=event,
            effective=DAY, recorded=AT,
        )  # fmt: skip
        stream = f"canary/{household}-{kind.name}"
        append = StreamAppend(stream, Tip(), household, (envelope,))
        crm.host.vault.flush()
        crm.log.append([Commit(envelope.command, "", (append,))])
        done += 1
    return done


def _made(
    cls: type, classes: Mapping[str, str], canaries: Canaries, household: str, member: str,
    before: str = "",
) -> Any:  # fmt: skip
    """An event, or a value in one, with a canary wherever there is room for one."""
    hints = get_type_hints(cls)
    values = {}
    for field in attrs.fields(cls):
        data = classes.get(before + field.name, "")
        hint = hints[field.name]
        if data in SEALED:
            values[field.name] = _canary(hint, canaries, household, member)
        elif data in ("household", "person") and str in _parts(hint):
            one = household if data == "household" else member
            values[field.name] = (one,) if tuple in _origins(hint) else one
        else:
            within = f"{before}{field.name}."
            values[field.name] = _any(
                hint, lambda part, within=within: _made(
                    part, classes, canaries, household, member, within
                )
            )  # fmt: skip
    return cls(**values)


def _canary(hint: Any, canaries: Canaries, household: str, member: str) -> Any:
    parts = _parts(hint)
    if str in parts:
        # A text is about whom its event is, and here that is said to be the household.
        text = canaries.new(household)
        return (text,) if tuple in _origins(hint) else text
    assert any(issubclass(part, PersonalValue) for part in parts if isinstance(part, type))
    return Personal(member, canaries.new(household))


def _any(hint: Any, made: Any) -> Any:
    """Some value of a hint, the simplest there is."""
    plain = {
        bool: False, date: DAY, datetime: AT, int: 1, str: "x", float: 0.0, type(None): None,
        bytes: b"",
    }  # fmt: skip
    if hint in plain:
        return plain[hint]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        # What may hold a value with fields of its own holds it.
        inner = [part for part in arguments if attrs.has(part)]
        return _any((inner or [type(None)] if type(None) in arguments else arguments)[0], made)
    if origin is tuple:
        return (_any(arguments[0], made),) if arguments and attrs.has(arguments[0]) else ()
    if origin in (dict, Mapping) or origin is not None:
        return {} if origin is not list else []
    return made(hint)


def _parts(hint: Any) -> set[Any]:
    inner = get_args(hint)
    return {hint} if not inner else {part for one in inner for part in _parts(one)}


def _origins(hint: Any) -> set[Any]:
    return {get_origin(hint)} | {o for one in get_args(hint) for o in _origins(one)}


# --- looking for them ----------------------------------------------------------------------------


def forms(text: str) -> Iterator[bytes]:
    """A text as it may stand in a file."""
    yield text.encode()
    yield text.encode("utf-16-le")
    yield text.encode("gb18030")
    yield text.encode("ascii", "backslashreplace")
    yield text.encode("ascii", "xmlcharrefreplace")


def files(folder: Path) -> list[Path]:
    """Every file that there is, at whatever depth."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def heard(folder: Path, canaries: list[str]) -> dict[str, set[str]]:
    """Which of the canaries stand in which file."""
    found: dict[str, set[str]] = {}
    for path in files(folder):
        content = path.read_bytes()
        for canary in canaries:
            if any(form in content for form in forms(canary)):
                found.setdefault(str(path.relative_to(folder)), set()).add(canary)
    return found
