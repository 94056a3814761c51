"""Whether a copy of the keys would do: every sealed value of a log is opened by it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from crm_adapters.keys import files
from crm_adapters.keys.local import LocalVault
from crm_core.errors import Invalid
from crm_core.kernel.sealed import Erased, KeyMissing, Place, Sealed, Tampered
from crm_core.kernel.sealing import PURPOSE, sealed_in
from crm_core.kernel.subjects import parts
from crm_core.kernel.values import frozen
from crm_core.ports import EventLog, KeyVault

ANSWERS = {Erased: "erased", KeyMissing: "missing", Tampered: "tampered"}


@frozen
class Drill:
    """What became of the sealed values of a log, and of the persons they are about.

    Args:
        values: How many were `opened`, are `missing` a key, `erased`, or `tampered` with.
        persons: The same of whoever has a key: persons, households, the company; who is in two of
            them stands under the last, and what is about several counts for none of them.
        returning: Persons whom the keys in use have erased and the copy has a key of: they would
            be readable again.
    """

    values: dict[str, int]
    persons: dict[str, int]
    returning: tuple[str, ...]


def drill(log: EventLog, copy: KeyVault, in_use: KeyVault) -> Drill:
    """Open every sealed value by a copy of the keys, and look whom it would bring back.

    Raises:
        KeysLocked: the keys, or the copy, are protected by something else.
    """
    kinds = ["opened", *ANSWERS.values()]
    values, found, returning = dict.fromkeys(kinds, 0), dict[str, str](), set[str]()
    for value, place in sealed_values(log):
        answer = ANSWERS.get(type(copy.open(value, place)), "opened")
        values[answer] += 1
        if len(parts(value.subject)) > 1:
            # It says of none of them alone whether they are erased.
            continue
        before = found.get(value.subject, "opened")
        found[value.subject] = max(before, answer, key=kinds.index)
        if answer == "opened" and isinstance(in_use.open(value, place), Erased):
            returning.add(value.subject)
    persons = dict.fromkeys(kinds, 0)
    for answer in found.values():
        persons[answer] += 1
    return Drill(values, persons, tuple(sorted(returning)))


def sealed_values(log: EventLog) -> Iterator[tuple[Sealed, Place]]:
    """Every sealed value of a log, at whatever depth, with its place."""
    for recorded in log.feed():
        yield from sealed_in(recorded.stream, recorded.version, recorded.event)
        purpose = recorded.envelope.purpose
        if isinstance(purpose, Sealed):
            yield purpose, Place(recorded.stream, recorded.version, PURPOSE)


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
