"""From the tables of an earlier version to those of this one, with Alembic.

Forwards only, from every released version, in one transaction: it is migrated whole or not at all.
What is stored of events stays as it is, byte for byte, so a migration leads to other tables and
never to another format (decision record 0035).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection
from sqlalchemy.engine import URL
from sqlalchemy.exc import DatabaseError

from crm_adapters.eventlog import schema
from crm_adapters.eventlog.opening import open_database

if TYPE_CHECKING:
    from alembic.config import Config

FOLDER = Path(__file__).parent / "migrations"

REVISIONS = (FOLDER / "versions",)
"""Folders in which the revisions lie; their names are in `schema.REVISIONS`."""


def migrate(url: str | URL) -> tuple[str, str]:
    """Bring the tables of a log forward; a log of this version stays as it is.

    Returns:
        The revision found, and the revision there is now.

    Raises:
        NotALog: the database is something else, or of a later version.
        FormatUnknown: it is a log of another format, which no migration leads out of.
        StoreUnreachable, StoreFull: it failed, and the tables are what they were.
    """
    database = open_database(url, outdated=True)
    try:
        newest = schema.REVISIONS[-1]
        if database.revision == newest:
            return newest, newest
        try:
            with database.translate(""), database.schema_change() as connection:
                database.lift_guards(connection)
                upgrade(connection)
                database.create_routines(connection)
        except DatabaseError as error:
            raise database.failure(error.orig or error, None) from error
        return database.revision, newest
    finally:
        database.close()


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Run the revisions that are missing, in the transaction of the connection."""
    from alembic import command

    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    for option, value in (
        ("script_location", str(FOLDER)),
        ("path_separator", "newline"),
        ("version_locations", "\n".join(map(str, REVISIONS))),
    ):
        config.set_main_option(option, value.replace("%", "%%"))
    return config
