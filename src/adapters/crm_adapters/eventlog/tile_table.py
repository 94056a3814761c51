"""Tiles in a table beside the log."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from crm_adapters.eventlog.tiles import Tile

if TYPE_CHECKING:
    from crm_adapters.eventlog.database import Database

_COLUMNS = "level, number, last, root, facts, fact, earliest, latest"


class TileTable:
    """Tiles of one tenant in `crm_tiles`.

    Args:
        cursor: In whose transaction all is done; by default each call has its own.
    """

    def __init__(self, database: Database, cursor: Any = None) -> None:
        self._database, self._cursor = database, cursor

    def count(self, upto: int) -> int:
        mark = self._database.mark
        found = self._rows(
            f"SELECT number FROM crm_tiles WHERE tenant = {mark} AND level = 0"
            f" AND last <= {mark} ORDER BY last DESC LIMIT 1",
            (self._database.tenant, upto),
        )
        return int(found[0][0]) + 1 if found else 0

    def rows(self, level: int, first: int, before: int) -> Sequence[Tile]:
        mark = self._database.mark
        found = self._rows(
            f"SELECT {_COLUMNS} FROM crm_tiles WHERE tenant = {mark} AND level = {mark}"
            f" AND number >= {mark} AND number < {mark} ORDER BY number",
            (self._database.tenant, level, first, before),
        )
        return [Tile._make(row) for row in found]

    def keep(self, tiles: Sequence[Tile]) -> None:
        mark, tenant = self._database.mark, self._database.tenant
        statement = self._database.insert_tiles.format(
            f"crm_tiles (tenant, {_COLUMNS}) VALUES ({', '.join([mark] * 9)})"
        )
        self._write(lambda cursor: cursor.executemany(statement, [(tenant, *t) for t in tiles]))

    def drop(self) -> None:
        statement = f"DELETE FROM crm_tiles WHERE tenant = {self._database.mark}"
        self._write(lambda cursor: cursor.execute(statement, (self._database.tenant,)))

    def _rows(self, statement: str, values: Sequence[Any]) -> list[Any]:
        if self._cursor is None:
            return self._database.rows(statement, values)
        return list(self._cursor.execute(statement, values))

    def _write(self, work: Callable[[Any], object]) -> None:
        if self._cursor is not None:
            work(self._cursor)
            return
        with self._database.translate(None), self._database.write() as cursor:
            work(cursor)
