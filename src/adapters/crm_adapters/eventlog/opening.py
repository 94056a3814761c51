"""From a URL to the database behind it."""

from __future__ import annotations

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

import crm_adapters.projections.tables  # noqa: F401 - the tables of views are made with the rest
from crm_adapters.eventlog.database import Database
from crm_adapters.eventlog.sqlite import SqliteDatabase
from crm_core.errors import Invalid


def open_database(url: str | URL) -> Database:
    """The database behind a SQLAlchemy URL.

    Raises:
        Invalid: the URL is malformed or of a kind not supported.
        StoreUnreachable: the database cannot be opened.
        NotALog: it is something else.
    """
    try:
        parsed = make_url(url)
        kind = parsed.get_backend_name()
        if kind == "sqlite":
            return SqliteDatabase(parsed)
        if kind == "postgresql":
            # The driver is an extra of its own.
            from crm_adapters.eventlog.postgres import PostgresDatabase

            return PostgresDatabase(parsed)
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise Invalid.one(
            "url_malformed", "a database is named like `sqlite:///crm.db`", "--db"
        ) from error
    except ImportError as error:
        raise Invalid.one(
            "driver_missing",
            f"the driver for `{parsed.drivername}` is not installed; `crm-core[postgres]` has it",
            "--db",
        ) from error
    raise Invalid.one(
        "database_unsupported", f"`{kind}` is not supported; `sqlite` and `postgresql` are", "--db"
    )
