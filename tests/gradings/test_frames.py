"""The frames engine keeps the contract of engines, on each of its backends."""

from __future__ import annotations

from crm_adapters import open_crm
from crm_core import CRM
from crm_core.testing import FactsEngineContract


class TestPolars(FactsEngineContract):
    name = "frames"

    def make_crm(self) -> CRM:
        return open_crm("memory:")


class TestDuckDB(FactsEngineContract):
    name = "frames-duckdb"

    def make_crm(self) -> CRM:
        return open_crm("memory:")
