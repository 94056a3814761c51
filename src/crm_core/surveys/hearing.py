"""Under which number what somebody said by name is heard (GRD-02)."""

from __future__ import annotations

from crm_core.kernel.canonical import digest_of

LETTERS = 24
"""Of a digest: as many as no two matters ever have in common."""


def heard_as(source: str, *what: str | int) -> str:
    """The number of an opinion: it follows from what was said, so it is heard once.

    Args:
        source: `survey`, `forum` or `meeting`.
        what: What tells it from all others of that source.
    """
    return f"{source}-{digest_of(list(what))[:LETTERS]}"
