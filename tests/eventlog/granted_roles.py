"""Roles of a PostgreSQL server, granted what the page on PostgreSQL says."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

from crm_adapters.eventlog.opening import open_database

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "postgresql.md"
ROLES = ["migrator", "writer", "reader", "verifier"]


class Granted:
    """A log whose owner and programs are ordinary roles, granted what the page says.

    Attributes:
        migrator, writer, reader, verifier: URLs of the same database for each role.
        admin: The same for the superuser.
    """

    def __init__(self, url: str) -> None:
        self.admin = url
        name = {role: f"crm_{role}" for role in ROLES}
        self.migrator, self.writer, self.reader, self.verifier = (
            make_url(url).set(username=name[role]).render_as_string(hide_password=False)
            for role in name
        )
        roles, grants, _ = re.findall(r"^```sql\n(.*?)^```$", PAGE.read_text(), re.M | re.S)
        with psycopg.connect(url, autocommit=True) as connection:
            [known] = connection.execute(
                "SELECT count(*) FROM pg_roles WHERE rolname = ANY(%s)", (list(name.values()),)
            ).fetchall()
            for statement in roles.split(";"):
                if known[0] == 0 or not statement.strip().startswith("CREATE ROLE"):
                    connection.execute(statement)
        open_database(self.migrator, create=True).close()
        with psycopg.connect(self.migrator, autocommit=True) as connection:
            connection.execute(grants)
