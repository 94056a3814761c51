"""How large things may be: everything from outside has a limit, and is refused beyond it.

This table is the one place; the page of limits is rendered from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from crm_core.kernel.sentences import Malformed
from crm_core.kernel.text import ID_LENGTH_MAX, NAME_LENGTH_MAX, TEXT_BYTES_MAX
from crm_core.kernel.values import frozen

PAYLOAD_BYTES_MAX: Final = 64 * 1024
"""Bytes of one event as it is stored, with its envelope."""

COMPUTED_BYTES_MAX: Final = 64 * 1024 * 1024
"""The same of an event that the library computes over a whole estate, or that holds a file."""

COMMAND_EVENTS_MAX: Final = 1_000
"""Events that one command leaves."""

NESTING_MAX: Final = 32
"""Objects and lists within each other, in a value that is given as JSON."""

LINE_BYTES_MAX: Final = 256 * 1024
"""Bytes of one line of `crm do -`."""

POLICY_BYTES_MAX: Final = 256 * 1024
"""Bytes of one policy file."""


@frozen
class Limit:
    """One limit.

    Args:
        what: What is counted, in English, as the page says it.
        most: How many are taken; one more is refused.
        code: The code of the fault.
    """

    what: str
    most: int
    code: str


LIMITS: Final = (
    Limit("characters of an id", ID_LENGTH_MAX, "id_malformed"),
    Limit("characters of a stream or command id", NAME_LENGTH_MAX, "text_unstorable"),
    Limit("bytes of a text that people write, in UTF-8", TEXT_BYTES_MAX, "value_malformed"),
    Limit("bytes of one event as it is stored", PAYLOAD_BYTES_MAX, "payload_too_large"),
    Limit(
        "bytes of an event that is computed over an estate, or holds a policy file",
        COMPUTED_BYTES_MAX,
        "payload_too_large",
    ),
    Limit("events that one command leaves", COMMAND_EVENTS_MAX, "command_too_large"),
    Limit("objects and lists within each other, in JSON", NESTING_MAX, "line_malformed"),
    Limit("bytes of one line of `crm do -`", LINE_BYTES_MAX, "line_malformed"),
    Limit("bytes of one policy file", POLICY_BYTES_MAX, "policy_unreadable"),
)


def check_nesting(value: Any) -> None:
    """That no more objects and lists lie within each other than are taken.

    Raises:
        Malformed: they do.
    """
    level = [value]
    for _ in range(NESTING_MAX):
        level = [
            inner
            for outer in level
            if isinstance(outer, Mapping | list)
            for inner in (outer.values() if isinstance(outer, Mapping) else outer)
            if isinstance(inner, Mapping | list)
        ]
        if not level:
            return
    raise Malformed("nested_too_deep", most=NESTING_MAX)
