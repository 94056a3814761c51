"""Where a household is, as requests are counted by place (REQ-18, REQ-19)."""

from __future__ import annotations

from typing import Protocol


class _Placed(Protocol):
    @property
    def estate(self) -> str: ...

    @property
    def building(self) -> str: ...


def place_of(file: _Placed) -> str:
    """The place of a household: its estate and building."""
    return f"{file.estate} {file.building}"
