"""From a URL to the database behind it."""

from __future__ import annotations

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from crm_adapters import extensions
from crm_adapters.eventlog.database import Database
from crm_adapters.eventlog.sqlite import SqliteDatabase
from crm_adapters.eventlog.store import RowStore
from crm_core.errors import Fault, Invalid
from crm_core.kernel.sentences import Malformed
from crm_core.kernel.text import check_id

OWN = ("postgresql", "sqlite")


def brought_store(url: str | URL, *, tenant: str = "", create: bool = False) -> RowStore | None:
    """The store that an installed package brings for such URLs; None if it is for the library.

    Raises:
        Invalid: the tenant is malformed, or what the package brings is broken.
    """
    kind = str(url).partition(":")[0].partition("+")[0]
    make = None if kind in OWN else extensions.found(extensions.EVENT_LOGS, kind)
    if make is None:
        return None
    _check_tenant(tenant)
    store: RowStore = make(str(url), tenant=tenant, create=create)
    return store


def open_database(
    url: str | URL,
    *,
    tenant: str = "",
    create: bool = False,
    contiguous: bool = False,
    outdated: bool = False,
) -> Database:
    """The database behind a SQLAlchemy URL.

    Args:
        tenant: Whose log it is; every tenant has a log of its own (LOG-07).
        create: Make a log where there is none: no file, or a database on a server without the
            tables of one. What is there and is something else is left alone all the same.
        contiguous: Make a new log with positions without gaps; on PostgreSQL its writers then take
            turns. In SQLite and MariaDB they always do.
        outdated: Open a log with the tables of an earlier version, too, to be migrated and nothing
            else.

    Raises:
        Invalid: the URL or the tenant is malformed, or of a kind not supported; or there is no log
            and none is to be made.
        StoreUnreachable: the database cannot be opened.
        NotALog: it is something else, or its tables are of a later version.
        FormatUnknown: everything in it is stored in another form than this version's.
        LogOutdated: its tables are of an earlier version; see `migrate`.
    """
    _check_tenant(tenant)
    try:
        parsed = make_url(url)
        kind = parsed.get_backend_name()
        if kind == "sqlite":
            return SqliteDatabase(parsed, tenant, create=create, outdated=outdated)
        if kind == "postgresql":
            # The driver is an extra of its own.
            from crm_adapters.eventlog.postgres import PostgresDatabase

            return PostgresDatabase(
                parsed, tenant, create=create, outdated=outdated, contiguous=contiguous
            )
        if kind in ("mariadb", "mysql"):
            from crm_adapters.eventlog.mariadb import MariaDatabase

            return MariaDatabase(parsed, tenant, create=create, outdated=outdated)
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise Invalid.one("url_malformed", "--db") from error
    except ImportError as error:
        extra = "postgres" if kind == "postgresql" else "mariadb"
        raise Invalid.one(
            "driver_missing", "--db", driver=parsed.drivername, extra=extra
        ) from error
    raise Invalid.one("database_unsupported", "--db", kind=kind)


def _check_tenant(tenant: str) -> None:
    try:
        if tenant:
            check_id(tenant)
    except Malformed as error:
        raise Invalid([Fault.of("tenant_malformed", error, "--tenant")]) from error
