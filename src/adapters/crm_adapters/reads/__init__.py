"""The read log: who saw what about whom, kept beside the events and never among them (PRV-06)."""

from crm_adapters.reads.database import DatabaseReadLog
from crm_adapters.reads.memory import MemoryReadLog

__all__ = ["DatabaseReadLog", "MemoryReadLog"]
