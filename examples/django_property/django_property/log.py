"""The log of this process.

A server such as gunicorn or uWSGI loads the application once and forks its workers. What a fork
inherits of an open log is refused, so each worker opens its own with its first request.
"""

from __future__ import annotations

from django.conf import settings

from crm_adapters import open_crm
from crm_adapters.hosting import PerProcess

crm = PerProcess(lambda: open_crm(settings.CRM_DB, keys=settings.CRM_KEYS))
