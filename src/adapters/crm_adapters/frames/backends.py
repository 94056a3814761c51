"""Where expressions run: Polars here, DuckDB here, or PySpark wherever its session is.

The expressions are written once, in Narwhals; a backend reads the kept files, keeps what is used
more than once, and gives rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import narwhals as nw
import polars as pl

Frame = nw.LazyFrame[Any]
Row = tuple[Any, ...]


def whole(number: int) -> nw.Expr:
    """A whole number as wide as all numbers here are."""
    return nw.lit(number, dtype=nw.Int64)


def total(column: str) -> nw.Expr:
    """The sum of a column of whole numbers, as wide as they are."""
    return nw.col(column).sum().cast(nw.Int64)


class Backend(Protocol):
    """Runs expressions."""

    name: str
    """What `--engine` calls it."""

    def scan(self, files: Sequence[Path]) -> Frame:
        """The rows of Parquet files of one shape."""
        ...

    def table(self, rows: pl.DataFrame) -> Frame:
        """A small table made here."""
        ...

    def keep(self, frame: Frame) -> Frame:
        """The same rows, computed once."""
        ...

    def rows(self, frame: Frame) -> Sequence[Row]:
        """The rows as plain values."""
        ...

    def release(self) -> None:
        """Give up what was kept."""
        ...

    def close(self) -> None:
        """Give back what is held open."""
        ...


class PolarsBackend:
    """Polars, in this process; the default."""

    name = "frames"

    def scan(self, files: Sequence[Path]) -> Frame:
        return nw.from_native(pl.scan_parquet(list(files), glob=False))

    def table(self, rows: pl.DataFrame) -> Frame:
        return nw.from_native(rows.lazy())

    def keep(self, frame: Frame) -> Frame:
        return frame.collect().lazy()

    def rows(self, frame: Frame) -> Sequence[Row]:
        return frame.collect().rows()

    def release(self) -> None:
        """Nothing is held but by frames themselves."""

    def close(self) -> None:
        """Nothing is held open."""


class DuckDBBackend:
    """DuckDB, in this process; what is kept may go to the disk."""

    name = "frames-duckdb"

    def __init__(self) -> None:
        import duckdb

        self._folder = TemporaryDirectory(prefix="crm-frames-")
        self._connection = duckdb.connect()
        self._connection.execute(f"SET temp_directory = '{self._folder.name}'")
        self._kept = 0

    def scan(self, files: Sequence[Path]) -> Frame:
        return nw.from_native(self._connection.read_parquet([str(file) for file in files]))

    def table(self, rows: pl.DataFrame) -> Frame:
        self._kept += 1
        path = Path(self._folder.name) / f"{self._kept}.parquet"
        rows.write_parquet(path)
        return self.scan([path])

    def keep(self, frame: Frame) -> Frame:
        self._kept += 1
        name = f"kept_{self._kept}"
        frame.to_native().create(name)
        return nw.from_native(self._connection.table(name))

    def rows(self, frame: Frame) -> Sequence[Row]:
        found: Sequence[Row] = frame.to_native().fetchall()
        return found

    def release(self) -> None:
        for (name,) in self._connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE table_name LIKE 'kept_%'"
        ).fetchall():
            self._connection.execute(f"DROP TABLE {name}")

    def close(self) -> None:
        self._connection.close()
        self._folder.cleanup()


class SparkBackend:
    """PySpark: a session that is there, or a local one.

    Its workers must see the folder of the kept facts under the same path.
    """

    name = "frames-spark"

    def __init__(self, session: Any = None) -> None:
        from pyspark.sql import SparkSession

        session = session or SparkSession.getActiveSession()
        self._ours = session is None
        if session is None:
            session = (
                SparkSession.builder.master("local[2]")
                .config("spark.ui.enabled", "false")
                .config("spark.driver.bindAddress", "127.0.0.1")
                .config("spark.driver.host", "127.0.0.1")
                .config("spark.sql.shuffle.partitions", "4")
                .getOrCreate()
            )
            session.sparkContext.setLogLevel("ERROR")
        self._session = session
        self._folder = TemporaryDirectory(prefix="crm-frames-")
        self._tables = 0
        self._kept: list[Any] = []

    def scan(self, files: Sequence[Path]) -> Frame:
        frame: Frame = nw.from_native(self._session.read.parquet(*(str(file) for file in files)))
        return frame

    def table(self, rows: pl.DataFrame) -> Frame:
        self._tables += 1
        path = Path(self._folder.name) / f"{self._tables}.parquet"
        rows.write_parquet(path)
        return self.scan([path])

    def keep(self, frame: Frame) -> Frame:
        # A checkpoint forgets how it came about: plans that hold plans would outgrow the memory.
        native = frame.to_native().localCheckpoint()
        self._kept.append(native)
        kept: Frame = nw.from_native(native)
        return kept

    def rows(self, frame: Frame) -> Sequence[Row]:
        return [tuple(row) for row in frame.to_native().collect()]

    def release(self) -> None:
        for native in self._kept:
            native.unpersist()
        self._kept.clear()

    def close(self) -> None:
        self.release()
        self._folder.cleanup()
        if self._ours:
            self._session.stop()
