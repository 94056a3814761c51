"""The application: `gunicorn --workers 4 --threads 8 django_property.wsgi`."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "django_property.settings")

application = get_wsgi_application()
