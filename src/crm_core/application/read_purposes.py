"""What a read was for, as it is kept: its code in the clear, and what was typed closed (PRV-04).

The words may tell of whom was looked at. They are sealed under the key of that person, or of the
household, so that they are gone with it; that somebody looked, and for which purpose, stays. A read
makes no key: where there is none, the words are not kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attrs import evolve

from crm_core.kernel.sealed import Personal, Place, Plain, Sealed
from crm_core.kernel.subjects import COMPANY, standing
from crm_core.ports import KeyVault
from crm_core.reads import Read

_MARK = "|"
"""Stands around the subject; no id has one."""


def kept(vault: KeyVault, reads: Sequence[Read], code: str | None) -> list[Read]:
    """The reads as they are kept.

    Args:
        code: The purpose that they are known as; None if none was stated.
    """
    found = [_closed(vault, read, code or "") for read in reads]
    vault.flush()
    return found


def _closed(vault: KeyVault, read: Read, code: str) -> Read:
    said = read.purpose
    if not said or said.strip() == code:
        return read
    subject = next(filter(vault.holds, _subjects(vault, read)), "")
    if not subject:
        return evolve(read, purpose=code)
    closed = vault.seal(Personal(subject, said), _place(read))
    return evolve(read, purpose=f"{code}:{_MARK}{closed.subject}{_MARK}{closed.token}")


def _subjects(vault: KeyVault, read: Read) -> Iterator[str]:
    """Under whose key the words may be, the nearest first."""
    if read.subject:
        yield read.subject
    if read.household:
        yield standing(read.household, vault.is_erased)
    if not read.subject and not read.household:
        yield COMPANY


def told(vault: KeyVault, read: Read) -> Read:
    """The read with what was typed, or with the code alone where that opens no more."""
    code, mark, rest = read.purpose.partition(f":{_MARK}")
    if not mark:
        return read
    subject, _, closed = rest.partition(_MARK)
    found = vault.open(Sealed(subject, closed), _place(read))
    return evolve(read, purpose=found.text if isinstance(found, Plain) else code)


def _place(read: Read) -> Place:
    return Place(f"reads/{read.household}", 0, f"purpose/{read.subject}")
