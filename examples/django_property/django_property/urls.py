"""Where the views are."""

from __future__ import annotations

from django.urls import path

from .web import health, receive_payment

urlpatterns = [path("payments", receive_payment), path("health", health)]
