"""What a read was for, as it is kept: its code in the clear, and what was typed closed (PRV-04).

The words may tell of whom was looked at. They are sealed under the key of that person, or of the
household, so that they are gone with it; that somebody looked, and for which purpose, stays.
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve

from crm_core.errors import CrmError
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
    try:
        found = [_closed(vault, read, code or "") for read in reads]
        vault.flush()
    except CrmError:
        # Where no key can be made nothing that was typed is kept; that somebody looked is.
        return [evolve(read, purpose=code or "") for read in reads]
    return found


def _closed(vault: KeyVault, read: Read, code: str) -> Read:
    said, subject = read.purpose, read.subject
    if not said or said.strip() == code:
        return read
    if not subject or vault.is_erased(subject):
        if subject and not read.household:
            # Of one of the staff who is erased nothing that was typed is kept.
            return evolve(read, purpose=code)
        subject = standing(read.household, vault.is_erased) if read.household else COMPANY
    closed = vault.seal(Personal(subject, said), _place(read))
    return evolve(read, purpose=f"{code}:{_MARK}{closed.subject}{_MARK}{closed.token}")


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
