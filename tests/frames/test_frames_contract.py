"""The frames engine keeps the contract of engines, on each of its backends."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from crm_adapters import open_crm
from crm_core import CRM
from crm_core.gradings.engines.port import Ask
from crm_core.gradings.reading import DEFAULT_READING, Reading
from crm_core.kernel.dates import Period
from crm_core.payments.credit import CreditPolicy
from crm_core.slices import shipped
from crm_core.testing import FactsEngineContract
from crm_core.testing.towns import Town, fill, known_at, plant_errors


@pytest.mark.rule("GRD-08", "PAY-03")
class TestPolars(FactsEngineContract):
    name = "frames"

    def make_crm(self) -> CRM:
        return open_crm("memory:")


@pytest.mark.rule("GRD-08", "PAY-03")
class TestDuckDB(FactsEngineContract):
    name = "frames-duckdb"
    examples = 8

    def make_crm(self) -> CRM:
        return open_crm("memory:")


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    """A local session of two workers, which the engine finds."""
    if shutil.which("java") is None:
        if os.getenv("CI"):
            pytest.fail("`java` is missing, and in CI it must not be")
        pytest.skip("PySpark needs Java, and there is none here")
    from pyspark.sql import SparkSession

    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", "2")
        # Compiling a plan costs more than running it on so few rows.
        .config("spark.sql.codegen.wholeStage", "false")
        .config("spark.sql.codegen.factoryMode", "NO_CODEGEN")
        .config("spark.sql.adaptive.enabled", "false")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


@pytest.mark.rule("GRD-08", "PAY-03")
def test_a_town_has_the_same_rows_on_spark_and_its_planted_errors_are_found(spark: Any) -> None:
    """Every question costs many seconds here, however few households there are: one of each."""
    with open_crm("memory:") as crm:
        fill(crm.log, Town(seed=5, households=200, years=1))
        engine = crm.gradings.engine("frames-spark")
        reference = crm.gradings.engine("events")
        year, end = Period.of_year(2011), date(2011, 12, 31)
        credit = shipped().find(CreditPolicy, "credit-months", end)
        reading = shipped().find(Reading, DEFAULT_READING, end)
        ask = Ask(year, crm.gradings.cutoff(known_at(2011)), credit, reading)
        assert list(engine.gather(ask)) == list(reference.gather(ask))
        on = date(2011, 9, 30)
        assert list(engine.arrears(on, None, credit)) == list(reference.arrears(on, None, credit))
        crm.grade(2011, known=known_at(2011))
        planted = plant_errors(crm, 1, count=25)
        found = crm.replay(engine="frames-spark")
        assert found.differing == crm.replay().differing
        assert len(found.differing) == len(planted) == 25
