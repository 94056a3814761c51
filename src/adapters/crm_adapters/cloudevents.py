"""CloudEvents 1.0 in structured JSON: what goes to other systems, over HTTP or NATS."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from crm_core.kernel.dates import instant_text

MEDIA_TYPE = "application/cloudevents+json"


def cloud_event(
    *, id: str, source: str, type: str, data: Any, time: datetime | None = None, **attributes: Any
) -> bytes:
    """The event as UTF-8 JSON.

    Args:
        id: With `source` it names the event, so that a receiver can tell a repetition.
        attributes: Further attributes, by names of small letters and digits.
    """
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": id,
        "source": source,
        "type": type,
        "datacontenttype": "application/json",
        **{name: value for name, value in attributes.items() if value not in (None, "")},
        "data": data,
    }
    if time is not None:
        event["time"] = instant_text(time)
    return json.dumps(event, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
