"""Meetings: a slice with an event about two persons, each with a value of their own.

Fields are called as its author liked; who is named in them its data map says.
"""

from __future__ import annotations

from attrs import frozen

from crm_core.kernel.catalog import EventType
from crm_core.kernel.sealed import PersonalValue
from crm_core.kernel.slice import Slice


@frozen
class Guest:
    """Somebody who came along, perhaps with somebody else."""

    who: str
    said: str
    beside: str = ""


@frozen
class Met:
    """A member of the household met somebody of another one, and guests came along."""

    home: str
    resident: str
    called: PersonalValue
    visitor: str
    visitor_called: PersonalValue
    guests: tuple[Guest, ...] = ()


SLICE = Slice(
    "meetings",
    __name__,
    events=(EventType("meetings.met", 1, Met),),
    data_map="data-map.toml",
)
