"""What staff are told of surveys and forums (OUT-01)."""

from __future__ import annotations

from crm_core.kernel.slice import Reading, StaffNotice, StaffNotices
from crm_core.surveys.forum_events import ForumDayMissed


def _missed(event: ForumDayMissed, _: Reading) -> tuple[StaffNotice, ...]:
    values = {"forum": event.forum, "on": event.on}
    return (StaffNotice("forum-missed", values, None, role="supervisor"),)


STAFF_NOTICES: dict[type, StaffNotices] = {ForumDayMissed: _missed}
