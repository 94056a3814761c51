"""Event logs: one log over stores in memory, in SQLite, in PostgreSQL."""

from crm_adapters.eventlog.log import CodecEventLog
from crm_adapters.eventlog.memory import MemoryStore
from crm_adapters.eventlog.store import RowStore

__all__ = ["CodecEventLog", "MemoryStore", "RowStore"]
