"""What protects the keys, as the environment says it."""

from __future__ import annotations

import os
from binascii import a2b_base64
from collections.abc import Callable
from functools import cache

from crm_adapters.keys.guards import Guard, HeldKey, Passphrase
from crm_adapters.keys.suites import SECRET_BYTES
from crm_core.errors import Invalid

GUARD = "CRM_KEYS_"
"""What the variables begin with that say what protects the keys."""

NEW_GUARD = "CRM_KEYS_NEW_"
"""And those that say what shall protect them from now on."""

LONGEST = 4096
"""Bytes of a passphrase or a key that are read from a descriptor."""


SUITE = "CRM_KEYS_SUITE"
"""The variable that names the suite of what this process writes."""


def suite_of() -> str | None:
    """The suite of what this process writes, if the environment names one."""
    return os.getenv(SUITE) or None


def guard_of(start: str = GUARD, get: Callable[[str], str | None] = os.getenv) -> Guard | None:
    """What protects the keys: what the environment of this process says.

    | variable | what it holds |
    |---|---|
    | `…PASSPHRASE` | a passphrase |
    | `…PASSPHRASE_FD` | number of a descriptor whose first line is one |
    | `…KEY` | a key of 32 bytes as 64 digits of hex, or as base64 |
    | `…KEY_FD` | number of a descriptor that gives one, as it is or written so |
    | `…TRANSIT` | a key of HashiCorp Vault's transit engine: `NAME` or `MOUNT/NAME` |

    Args:
        start: What the names of the variables begin with.
        get: The value of a variable, if it is set.

    Raises:
        Invalid: two of them are set, or one cannot be used.
    """
    kinds = ("PASSPHRASE", "PASSPHRASE_FD", "KEY", "KEY_FD", "TRANSIT")
    found = {start + kind: text for kind in kinds if (text := get(start + kind))}
    names = [*found]
    if not names:
        return None
    if len(names) > 1:
        raise Invalid.one("guards_several", variables=names)
    [name] = names
    text, kind = found[name], name.removeprefix(start)
    if kind == "TRANSIT":
        from crm_adapters.keys.transit import transit_of  # Only who uses it has the extra.

        return transit_of(text)
    raw = _read(text, name) if kind.endswith("_FD") else os.fsencode(text)
    if kind.startswith("PASSPHRASE"):
        line = raw.splitlines()[0] if raw else b""
        return Passphrase(line.decode(errors="surrogateescape"))
    return HeldKey(_key(raw, name))


def _read(number: str, name: str) -> bytes:
    try:
        return _given(int(number))
    except (OSError, ValueError) as error:
        raise Invalid.one("guard_unreadable", variable=name) from error


@cache
def _given(number: int) -> bytes:
    """All that a descriptor gives. It gives it once, and is asked whenever a log is opened."""
    content = b""
    while len(content) < LONGEST and (part := os.read(number, LONGEST)):
        content += part
    return content


def _key(raw: bytes, name: str) -> bytes:
    if len(raw) == SECRET_BYTES:
        return raw
    text = raw.strip()
    try:
        key = bytes.fromhex(text.decode("ascii"))
    except ValueError:
        try:
            key = a2b_base64(text, strict_mode=True)
        except ValueError:
            key = b""
    if len(key) != SECRET_BYTES:
        raise Invalid.one("held_key_malformed", name, bytes=SECRET_BYTES)
    return key
