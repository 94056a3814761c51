"""The frames engine keeps the contract of engines, on each of its backends."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from crm_adapters import open_crm
from crm_core import CRM
from crm_core.testing import FactsEngineContract
from crm_core.testing.engines import same_town
from crm_core.testing.towns import Town, fill


@pytest.mark.rule("GRD-08", "PAY-03")
class TestPolars(FactsEngineContract):
    name = "frames"

    def make_crm(self) -> CRM:
        return open_crm("memory:")


@pytest.mark.rule("GRD-08", "PAY-03")
class TestDuckDB(FactsEngineContract):
    name = "frames-duckdb"

    def make_crm(self) -> CRM:
        return open_crm("memory:")


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    """A local session of two workers, which the engine finds."""
    if shutil.which("java") is None:
        pytest.skip("PySpark needs Java, and there is none here")
    from pyspark.sql import SparkSession

    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", "2")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


@pytest.mark.rule("GRD-08", "PAY-03")
def test_a_town_is_graded_and_its_planted_errors_are_found_on_spark(spark: Any) -> None:
    with open_crm("memory:") as crm:
        # One year: every question costs seconds here, however few households there are.
        town = Town(seed=5, households=200, years=1)
        fill(crm.log, town)
        same_town(crm, "frames-spark", town)
