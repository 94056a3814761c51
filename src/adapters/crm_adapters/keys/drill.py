"""Whether a copy of the keys would do: every sealed value of a log is opened by it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attrs import frozen

from crm_adapters.codec.codec import personal_fields
from crm_adapters.keys import files
from crm_adapters.keys.local import LocalVault
from crm_core.errors import Invalid
from crm_core.kernel.catalog import Catalog
from crm_core.kernel.sealed import Erased, KeyMissing, Place, Sealed, Tampered
from crm_core.ports import EventLog, KeyVault

ANSWERS = {Erased: "erased", KeyMissing: "missing", Tampered: "tampered"}


@frozen
class Drill:
    """What became of the sealed values of a log, and of the persons they are about.

    Args:
        values: How many were `opened`, are `missing` a key, `erased`, or `tampered` with.
        persons: The same of persons; who is in two of them stands under the last.
        returning: Persons whom the keys in use have erased and the copy has a key of: they would
            be readable again.
    """

    values: dict[str, int]
    persons: dict[str, int]
    returning: tuple[str, ...]


def drill(log: EventLog, catalog: Catalog, copy: KeyVault, in_use: KeyVault) -> Drill:
    """Open every sealed value by a copy of the keys, and look whom it would bring back.

    Raises:
        KeysLocked: the keys, or the copy, are protected by something else.
    """
    kinds = ["opened", *ANSWERS.values()]
    values, found, returning = dict.fromkeys(kinds, 0), dict[str, str](), set[str]()
    for value, place in sealed_values(log, catalog):
        answer = ANSWERS.get(type(copy.open(value, place)), "opened")
        values[answer] += 1
        before = found.get(value.subject, "opened")
        found[value.subject] = max(before, answer, key=kinds.index)
        if answer == "opened" and isinstance(in_use.open(value, place), Erased):
            returning.add(value.subject)
    persons = dict.fromkeys(kinds, 0)
    for answer in found.values():
        persons[answer] += 1
    return Drill(values, persons, tuple(sorted(returning)))


def sealed_values(log: EventLog, catalog: Catalog) -> Iterator[tuple[Sealed, Place]]:
    """Every sealed value of a log, with its place."""
    fields = {kind.cls: personal_fields(kind.cls) for kind in catalog.types}
    names = [kind.stored for kind in catalog.types if fields[kind.cls]]
    for recorded in log.feed(names=[*names, *catalog.old]):
        event: Any = recorded.event
        for field in fields[type(event)]:
            value = getattr(event, field)
            if isinstance(value, Sealed):
                yield value, Place(recorded.stream, recorded.version, field)


def restore(copy: Path, path: Path) -> None:
    """Put a copy of the keys in their place; never in that of others.

    Raises:
        Invalid: there are keys already.
        KeyFileRefused, NotALog, StoreUnreachable: it cannot be used, or not be written.
    """
    if path.exists():
        raise Invalid.one("keys_there", vault=str(path))
    vault = LocalVault.copied(copy)
    try:
        with files.errors(str(path)):
            files.make(path, copy=vault.connection)
    finally:
        vault.close()
