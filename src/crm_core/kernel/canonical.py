"""Canonical bytes, and the digest chain over what is stored (decision record 0005).

The text of an event is stored once and hashed as stored; nothing is re-serialised to verify.

    {"digest":"<64 hex digits>","event":{...},"household":"V00001"}

The digest is SHA-256 over the previous digest of the stream, the stream's name, the version,
the event's name (each followed by a line feed) and everything behind the digest member. Before the
first event stands a digest of whose log it is and of the stream (decision record 0045).
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

from crm_core.kernel.sentences import Malformed

GENESIS = "0" * 64
"""What stands for the digest of a stream that has no events yet."""

DIGEST_START = len('{"digest":"')
DIGEST_END = DIGEST_START + 64
REST_START = DIGEST_END + len('",')

INTEGER_MAX = 2**53
"""Integers beyond this are not exact for every JSON reader (RFC 8259, section 6)."""


def canonical(value: Any) -> bytes:
    """JSON with sorted keys, no spaces, no floats, integers within ±2^53, UTF-8.

    Raises:
        Malformed: the value holds a float or an integer out of range.
        TypeError: the value holds something JSON has no word for.
    """
    _check(value)
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def digest_of(value: Any) -> str:
    """SHA-256 of the canonical bytes, as hex."""
    return sha256(canonical(value)).hexdigest()


def first_link(tenant: str, stream: str) -> str:
    """What stands for the previous digest before the first event of a stream.

    So neither a stream nor its first event can be given to another tenant (LOG-04, LOG-07).
    """
    return sha256(f"crm-core\n{tenant}\n{stream}\n".encode()).hexdigest()


def link(previous: str, stream: str, version: int, name: str, rest: bytes) -> str:
    """The digest of one event in its stream's chain.

    Args:
        previous: Digest of the event before it in the stream, or its `first_link`.
        rest: The stored text behind the digest member, as UTF-8.
    """
    return sha256(f"{previous}\n{stream}\n{version}\n{name}\n".encode() + rest).hexdigest()


def link_text(previous: str, stream: str, version: int, name: str, rest: str) -> str:
    """The same as `link`, of text on its way to the store: put together and encoded once."""
    return sha256(f"{previous}\n{stream}\n{version}\n{name}\n{rest}".encode()).hexdigest()


def stored_event(
    previous: str, stream: str, version: int, name: str, event: bytes, household: str
) -> tuple[str, str]:
    """The digest and the stored text of one event, from the canonical bytes of its envelope."""
    rest = f'"event":{event.decode()},"household":"{household}"}}'
    digest = link_text(previous, stream, version, name, rest)
    return digest, f'{{"digest":"{digest}",{rest}'


def _check(value: Any) -> None:
    if value is None or isinstance(value, str | bool):
        return
    if isinstance(value, int):
        if abs(value) > INTEGER_MAX:
            raise Malformed("number_too_large", number=value)
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"key `{key!r}` is not text")
            _check(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _check(item)
    elif isinstance(value, float):
        raise Malformed("float_refused")
    else:
        raise TypeError(f"`{type(value).__name__}` has no canonical bytes")
