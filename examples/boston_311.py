"""Requests to the city of Boston (311, PDDL 1.0) with the targets the city gave them.

A target is a time agreed for the request, so it replaces the closing target (REQ-04), and what the
city closed is closed in another system, which only an import says. The verdict on the closing clock
is then the city's own `ontime`, to the second. Times are those of the city's wall clock.

    with open_crm("memory:") as crm:
        import_requests(crm, rows)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from crm_core import CRM, Actor, Planned
from crm_core.kernel.word import Word
from crm_core.requests import CloseImported, ReceiveRequest

BY = Actor("boston-311", "host")
TARGET = Word("constituent", "other", "target of the city")
ZONE = ZoneInfo("America/New_York")
CHANNELS = {
    "Constituent Call": "phone",
    "Self Service": "app",
    "Citizens Connect App": "app",
    "Employee Generated": "counter",
}


def import_requests(crm: CRM, rows: Iterable[Mapping[str, str]]) -> int:
    """Import rows; how many events were recorded."""
    return crm.batch(planned(rows), by=BY, imported=crm.clock.now())


def planned(rows: Iterable[Mapping[str, str]]) -> Iterator[Planned]:
    """One command for what came in, one for what was closed."""
    for row in rows:
        number, opened, closed = row["case_enquiry_id"], row["open_dt"], row["closed_dt"]
        received_at, target = _instant(opened), row["target_dt"]
        yield Planned(
            ReceiveRequest(
                number,
                "",
                CHANNELS.get(row["source"], "other"),
                "complaint",
                "other",
                "general",
                row["type"],
                received_at,
                "-".join(re.findall(r"[0-9A-Za-z]+", row["department"])) or "city",
                row["location"] or "Boston",
                _instant(target) if target else None,
                TARGET if target else None,
            ),
            f"boston:{number}",
            received_at,
        )
        if closed:
            at = max(_instant(closed), received_at)
            yield Planned(CloseImported(number, at), f"boston:{number}:closed", at)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)
