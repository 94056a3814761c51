"""What members of a household said outside requests. Names and fields are a storage contract."""

from __future__ import annotations

from datetime import date

from crm_core.kernel.catalog import EventType
from crm_core.kernel.sealed import Text
from crm_core.kernel.values import frozen


@frozen
class OpinionRecorded:
    """A member was heard: in a forum, by a survey or at a meeting (GRD-01, GRD-02).

    What they said is not in it: that stands in the thread, the survey or the minutes.
    """

    opinion: str
    household: str
    source: str
    member: str
    on: date
    about: str | None
    reference: Text
    recorded_by: str


@frozen
class OpinionWithdrawn:
    """An opinion was recorded by mistake; its number is not used again."""

    opinion: str
    household: str
    on: date
    reason: Text
    withdrawn_by: str


EVENTS = (
    EventType("opinions.recorded", 1, OpinionRecorded, effective="on"),
    EventType("opinions.withdrawn", 1, OpinionWithdrawn, effective="on"),
)
