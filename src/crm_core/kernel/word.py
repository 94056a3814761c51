"""The word of somebody outside the staff: evidence, entered by staff (LOG-08)."""

from __future__ import annotations

from crm_core.kernel.sealed import Text
from crm_core.kernel.values import frozen

CHANNELS = (
    "phone",
    "counter",
    "app",
    "wechat",
    "email",
    "letter",
    "home_visit",
    "sms",
    "signature",
    "recording",
    "other",
)


@frozen
class Word:
    """What a member of the household said: who, by which channel, and where that is on record.

    It is a part of a command whose actor is the member of staff who entered it. Whether the member
    belongs to the household, and is none of the staff, is looked at where commands come in.

    Args:
        member: Id of the member, e.g. `V00001#owner`.
        channel: One of `CHANNELS`.
        reference: Where it is on record: a letter, a recording, an entry.
    """

    member: str
    channel: str
    reference: Text
