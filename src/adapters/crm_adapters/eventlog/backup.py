"""A consistent copy of a log that others go on writing, and what is in it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy.engine import URL

from crm_adapters.codec import Codec
from crm_adapters.eventlog.log import CodecEventLog
from crm_adapters.eventlog.sqlite import SqliteDatabase
from crm_adapters.eventlog.sqlite_files import copy_database
from crm_core.errors import StoreFull, StoreUnreachable
from crm_core.ports import Verification


def back_up(database: SqliteDatabase, codec: Codec, path: Path) -> Verification:
    """Copy the whole file as it stands at one moment, and verify the copy.

    All tenants are in it; what is told is told of the one whose log it is.

    Args:
        path: A file that is there and empty.

    Raises:
        StoreFull, StoreUnreachable: the copy could not be written.
    """
    with closing(database.file.reader()) as source:
        _copy(source, path)
    copy = SqliteDatabase(URL.create("sqlite", database=str(path)), database.tenant)
    try:
        return CodecEventLog(copy, codec).verify()
    finally:
        copy.close()


def copy_keys(keys: Path, path: Path) -> None:
    """Copy a key file as it stands at one moment; raises as `back_up`."""
    with closing(sqlite3.connect(f"{keys.absolute().as_uri()}?mode=ro", uri=True)) as source:
        _copy(source, path)


def _copy(source: sqlite3.Connection, path: Path) -> None:
    try:
        copy_database(source, path)
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL:
            raise StoreFull("store_full", store=str(path.parent)) from error
        raise StoreUnreachable(
            "store_unusable", store=str(path.parent), reason=str(error)
        ) from error
