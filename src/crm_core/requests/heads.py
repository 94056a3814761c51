"""The request that stands for a duplicate, as it is found when one is marked or merged (REQ-08).

What a mark names may be a duplicate itself, or become one later. Who reads follows the chain as it
stands then; nothing is written anew.
"""

from __future__ import annotations

from collections.abc import Callable

from crm_core.kernel.values import frozen


@frozen
class Head:
    """The request that another is said to duplicate.

    Args:
        status: `open`, `paused`, `done`, `closed` or `merged`.
        household: Whose it is; none where it concerns a place alone.
        place: Where that is.
        incident: The incident it belongs to, if to any.
        chain: Its number, and those of the requests that it is a duplicate of, one of the other.
    """

    status: str
    household: str
    place: str
    incident: str | None
    chain: tuple[str, ...]


def chain_of(request: str, of: Callable[[str], str | None]) -> tuple[str, ...]:
    """A request and what it is a duplicate of, one of the other, up to the one that is of none.

    Args:
        of: What a request is a duplicate of.
    """
    chain: dict[str, None] = {request: None}
    following = of(request)
    while following is not None and following not in chain:
        chain[following] = None
        following = of(following)
    return tuple(chain)
