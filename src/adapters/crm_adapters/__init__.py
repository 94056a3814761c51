"""Adapters: where the pure core meets databases, keys, files and people.

`open_crm` wires all of it from one URL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crm_adapters.wiring import open_crm

__all__ = ["open_crm"]


def __getattr__(name: str) -> Any:
    """`open_crm`, loaded with the database it needs by the first who asks for it."""
    if name != "open_crm":
        raise AttributeError(f"module `{__name__}` has no attribute `{name}`")
    from crm_adapters.wiring import open_crm

    return open_crm
