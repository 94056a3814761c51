"""From the tables of an earlier version to those of this one, with Alembic.

Forwards only, from every released version, in one transaction: it is migrated whole or not at all.
What is stored of events stays as it is, byte for byte.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect
from sqlalchemy.engine import URL
from sqlalchemy.exc import DatabaseError

from crm_adapters.eventlog import schema
from crm_adapters.eventlog.database import CREATED_BY_SCHEMA_1
from crm_adapters.eventlog.opening import open_database

if TYPE_CHECKING:
    from alembic.config import Config

FOLDER = Path(__file__).parent / "migrations"


def migrate(url: str | URL) -> tuple[str, str]:
    """Bring the tables of a log forward; a log of this version stays as it is.

    Returns:
        The revision found, and the revision there is now.

    Raises:
        NotALog: the database is something else, or of a later version.
        StoreUnreachable, StoreFull: it failed, and the tables are what they were.
    """
    database = open_database(url, outdated=True)
    try:
        if database.revision == schema.REVISION:
            return schema.REVISION, schema.REVISION
        try:
            with (
                database.translate(""),
                database.schema_engine().begin() as connection,
            ):
                database.lock(connection)
                upgrade(connection)
                database.create_routines(connection)
        except DatabaseError as error:
            raise database.failure(error.orig or error, None) from error
        return database.revision, schema.REVISION
    finally:
        database.close()


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Run the revisions that are missing, in the transaction of the connection."""
    from alembic import command

    config = _config()
    config.attributes["connection"] = connection
    tables = set(inspect(connection).get_table_names())
    if CREATED_BY_SCHEMA_1 in tables and schema.revision.name not in tables:
        command.stamp(config, "0001")
    command.upgrade(config, revision)


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    return config
