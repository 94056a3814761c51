"""The projections of this library: every slice's read models, in one registry (LOG-05)."""

from __future__ import annotations

from typing import Any

from crm_core.gradings.views import LATEST
from crm_core.kernel.projection import Projection
from crm_core.messages.views import DUE as DUE_MESSAGES
from crm_core.owners.views import DIRECTORY
from crm_core.payments.views import WATCHED
from crm_core.requests.views import DUE_REQUESTS, OPEN

PROJECTIONS: tuple[Projection[Any], ...] = (
    LATEST,
    DUE_MESSAGES,
    DIRECTORY,
    WATCHED,
    DUE_REQUESTS,
    OPEN,
)
