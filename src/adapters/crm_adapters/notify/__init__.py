"""Notifications: what is due leaves by a channel, and what became of it is recorded (OUT-01)."""

from crm_adapters.notify.opening import open_notifier
from crm_adapters.notify.outbox import Dispatched, Outbox, notices

__all__ = ["Dispatched", "Outbox", "notices", "open_notifier"]
