"""Projections and other consumers: what follows the log, and how far it has come."""

from crm_adapters.projections.database import DatabaseViewStore
from crm_adapters.projections.memory import MemoryViewStore
from crm_adapters.projections.runner import Runner
from crm_adapters.projections.store import ViewStore
from crm_adapters.projections.views import LogViews

__all__ = ["DatabaseViewStore", "LogViews", "MemoryViewStore", "Runner", "ViewStore"]
