"""Settings; Django's own database is not needed."""

from __future__ import annotations

import os

SECRET_KEY = os.environ.get("DJANGO_SECRET_KEY", "only-for-the-example")
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "django_property.urls"
WSGI_APPLICATION = "django_property.wsgi.application"
MIDDLEWARE = ["django_property.web.errors_as_answers"]
USE_TZ = True
CRM_DB = os.environ.get("CRM_DB", "sqlite:///crm.db")
CRM_KEYS = os.environ.get("CRM_KEYS")
