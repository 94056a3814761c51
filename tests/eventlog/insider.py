"""What somebody who can write to the database may do, and what is found of it.

Every act stands in the table of SECURITY.md under its own words, with what is found on each store.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from attrs import frozen
from sqlalchemy import Text

from crm_adapters.cli.app import run as run_command
from crm_adapters.eventlog import schema
from crm_adapters.eventlog.opening import open_database
from crm_adapters.eventlog.store import Batch
from crm_adapters.projections import DatabaseViewStore, LogViews
from crm_adapters.projections.comparing import compare
from crm_adapters.projections.store import Change
from crm_adapters.wiring import open_crm
from crm_core.errors import CrmError
from crm_core.kernel.canonical import DIGEST_END, DIGEST_START, REST_START, first_link, link
from crm_core.kernel.merkle import MerkleTree
from crm_core.kernel.projection import Parked

FOUND = "found"
DEEP = "found with `--deep`"
ROOT = "root"
REFUSED = "refused"
NOT = "not found"
NONE = "—"

Run = Callable[..., list[Any]]
"""Runs one statement past the library, with its values, and gives its rows."""

Deed = str | Callable[[Run], None]


@frozen
class Act:
    """One kind of thing that an insider does, in one or several ways that end alike."""

    sqlite: tuple[Deed, ...] = ()
    postgres: tuple[Deed, ...] = ()


@frozen
class Kept:
    """What was noted elsewhere before: the number of events and the root over them."""

    events: int
    root: str


NOON = datetime(2026, 1, 1, tzinfo=UTC)


def fill(url: str, folder: Path, keys: Path) -> Kept:
    """A year of a few households, views that have caught up, a parked event, a follower, tiles."""
    estate = str(folder / "estate")
    size = ["--households", "12", "--years", "2024-2024", "--seed", "5"]
    assert run_command(["generate", *size, "--out", estate]) == 0
    at = ["--db", url, "--keys", str(keys)]
    assert run_command([*at, "import", estate]) == 0
    assert run_command([*at, "projections", "--catch-up"]) == 0
    with open_crm(url, keys=keys) as crm:
        # Where writers keep no tiles, whoever asks for the root does.
        crm.log.root()
    database = open_database(url)
    database.insert(Batch((), {}, ()), tracking=("follower", 1))
    views = DatabaseViewStore(database)
    [seen] = views.checkpoints("reactions")
    parked = Parked(
        position=3,
        stream="place/x",
        version=1,
        name="owners.place_claimed/1",
        error="x",
        tries=1,
        first_at=NOON,
        last_at=NOON,
    )
    assert views.commit(Change(seen, seen.position, {}, [parked]))
    database.close()
    return note(url, keys)


def note(url: str, keys: Path) -> Kept:
    with open_crm(url, keys=keys) as crm:
        found = crm.verify(deep=True)
    assert found.intact, found
    return Kept(found.events, found.root)


def judge(url: str, keys: Path, kept: Kept) -> str:
    """What somebody finds out who opens the log now."""
    try:
        with open_crm(url, keys=keys) as crm:
            found = crm.verify()
            if found.first_fault is not None:
                fault = found.first_fault
                # Located: where in the history, or which table, index, trigger, command, tenant.
                assert fault.position or fault.object, fault
                return FOUND
            tree = MerkleTree()
            store: Any = crm.log
            for row in list(store.store.raw())[: kept.events]:
                tree.append(row[5][DIGEST_START:DIGEST_END])
            if (tree.size, tree.root()) != (kept.events, kept.root):
                return ROOT
            views = crm.views
            assert isinstance(views, LogViews)
            put_off = {source.view.name for source in crm.registry.clock}
            compared = compare(
                crm.log, views.store, crm.clock, crm.registry.projections, put_off=put_off
            )
            deep = not crm.verify(deep=True).intact or compared.first_fault is not None
            return DEEP if deep else NOT
    except CrmError:
        return REFUSED


# --- the table ------------------------------------------------------------------------------------

SECURITY = Path(__file__).parents[2] / "SECURITY.md"


def table() -> dict[str, tuple[str, str]]:
    """What is said of each act: on SQLite and on PostgreSQL."""
    text = SECURITY.read_text(encoding="utf-8")
    part = text.split("## What an insider can do")[1].split("\n## ")[0]
    rows: dict[str, tuple[str, str]] = {}
    for line in part.splitlines():
        if line.startswith("| ") and not line.startswith(("| what is done ", "| result ")):
            cells = [cell.strip() for cell in line.strip("|\n ").split(" | ")]
            if len(cells) == 4:
                assert cells[0] not in rows, cells[0]
                rows[cells[0]] = cells[1], cells[2]
    return rows


# --- acts on columns ------------------------------------------------------------------------------

ONE_ROW = {
    "crm_events": "position ="
    " (SELECT position FROM crm_events ORDER BY position LIMIT 1 OFFSET 49)",
    "crm_commands": "command = (SELECT min(command) FROM crm_commands)",
    "crm_views": "view = 'owners.directory'"
    " AND key = (SELECT min(key) FROM crm_views WHERE view = 'owners.directory')",
    "crm_checkpoints": "consumer = 'owners.directory'",
    "crm_tiles": "level = 0 AND number = 0",
}
"""Of tables with several rows the one that is changed."""


def _other(column: Any) -> str:
    if column.name == "held_until":
        return "'2099-01-01T00:00:00Z'"
    return f"{column.name} || 'x'" if column.type.python_type is str else f"{column.name} + 1000"


def _columns() -> dict[str, Act]:
    acts = {}
    for table_ in schema.metadata.sorted_tables:
        if table_ is schema.reads:
            continue  # No part of the history: `tests/access/test_read_log.py` changes it.
        where = ONE_ROW.get(table_.name)
        for column in table_.columns:
            statement = f"UPDATE {table_.name} SET {column.name} = {_other(column)}"
            if where is not None:
                statement += f" WHERE {where}"
            name = f"`UPDATE {table_.name} SET {column.name}`"
            acts[name] = Act((statement,), (statement,))
    return acts


def _blobs() -> dict[str, Act]:
    """Texts that look the same and are found by no reader."""
    acts = {}
    for name, where in ONE_ROW.items():
        deeds = tuple(
            f"UPDATE {name} SET {column.name} = CAST({column.name} AS BLOB) WHERE {where}"
            for column in schema.metadata.tables[name].columns
            if isinstance(column.type, Text) and column.name != "held_until"
        )
        acts[f"a text of `{name}` made a blob"] = Act(deeds)
    return acts


# --- acts on rows ---------------------------------------------------------------------------------

COLUMNS = "tenant, position, stream, version, name, household, state"


def _rows(run: Run) -> list[list[Any]]:
    rows = run(f"SELECT {COLUMNS} FROM crm_events WHERE tenant = '' ORDER BY position")
    return [list(row) for row in rows]


def _fit(previous: str, row: list[Any]) -> str:
    """Give a row the digest that fits; anyone can."""
    _, _, stream, version, name, _, state = row
    rest = state[REST_START:]
    digest = link(previous, stream, version, name, rest.encode())
    row[6] = f'{{"digest":"{digest}",{rest}'
    return digest


def _put(run: Run, rows: list[list[Any]]) -> None:
    """Replace all events, with all digests and the rows of commands made to fit."""
    tips: dict[str, tuple[int, str]] = {}
    commands: dict[str, list[Any]] = {}
    run("DELETE FROM crm_events WHERE tenant = ''")
    run("DELETE FROM crm_commands WHERE tenant = ''")
    _delete_tiles(run)
    for row in rows:
        version, previous = tips.get(row[2], (0, first_link("", row[2])))
        row[3] = version + 1
        tips[row[2]] = row[3], _fit(previous, row)
        run(f"INSERT INTO crm_events ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)", *row)
        said = json.loads(row[6])["event"]
        digest = said.get("command_digest", "")
        known = commands.setdefault(said["command"], ["", said["command"], digest, row[1], row[1]])
        known[4] = row[1]
    for command in commands.values():
        run("INSERT INTO crm_commands VALUES (?, ?, ?, ?, ?)", *command)


def _delete_tiles(run: Run) -> None:
    """Whoever knows what is derived from the events takes it away, and it is made anew."""
    run("DELETE FROM crm_tiles")


def _rewrite(run: Run) -> None:
    rows = _rows(run)
    rows[49][6] = re.sub(r'"amount_fen":\d+', '"amount_fen":1', rows[49][6], count=1)
    assert rows[49][6] != _rows(run)[49][6]
    _put(run, rows)


def _cut_tail(run: Run) -> None:
    """The last five events, or a few more, with their commands."""
    last = [row[1] for row in _rows(run)][-5:]
    [(first,)] = run(
        "SELECT min(first_position) FROM crm_commands WHERE last_position >= ?", last[0]
    )
    run("DELETE FROM crm_events WHERE position >= ?", first)
    run("DELETE FROM crm_commands WHERE last_position >= ?", first)
    _delete_tiles(run)


def _remove_stream(run: Run) -> None:
    rows = _rows(run)
    places = [row[1] for row in rows]
    left = [row for row in rows if not row[2].startswith("request/R00002-0001")]
    # Positions are closed up, as they would be if it had never been.
    for place, row in zip(places, left, strict=False):
        row[1] = place
    _put(run, left)


def _exchange_streams(run: Run) -> None:
    """Two events of different streams, each the whole of its command, change places."""
    rows = _rows(run)
    alone = [
        row
        for row in rows
        if run(
            "SELECT 1 FROM crm_commands WHERE first_position = ? AND last_position = ?",
            row[1],
            row[1],
        )
    ]
    one, other = next((a, b) for a, b in pairwise(alone) if a[2] != b[2] and b[1] - a[1] < 3)
    a, b = rows.index(one), rows.index(other)
    rows[a][1], rows[b][1] = rows[b][1], rows[a][1]
    rows[a], rows[b] = rows[b], rows[a]
    _put(run, rows)


def _forge_at_end(run: Run) -> None:
    rows = _rows(run)
    stream = rows[-1][2]
    own = [row for row in rows if row[2] == stream]
    forged = list(rows[-1])
    forged[1], forged[3] = rows[-1][1] + 1, len(own) + 1
    said = json.loads(forged[6])["event"]
    forged[6] = forged[6].replace(said["command"], "forged")
    _fit(forged[6][DIGEST_START:DIGEST_END], forged)
    run(f"INSERT INTO crm_events ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)", *forged)
    digest = json.loads(forged[6])["event"]["command_digest"]
    run("INSERT INTO crm_commands VALUES ('', 'forged', ?, ?, ?)", digest, forged[1], forged[1])


def _insert_between(run: Run) -> None:
    """A copy of an event, with a digest that fits, where another was; the rest moves up."""
    rows = _rows(run)
    for row in reversed(rows[50:]):
        run("UPDATE crm_events SET position = ? WHERE position = ?", row[1] + 1, row[1])
    copied = list(rows[49])
    copied[1], copied[2], copied[3] = rows[50][1], "account/H99999", 1
    _fit(first_link("", copied[2]), copied)
    run(f"INSERT INTO crm_events ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)", *copied)


def _exchange_states(run: Run) -> None:
    rows = _rows(run)
    one, other = rows[10], rows[49]
    run("UPDATE crm_events SET state = ? WHERE position = ?", other[6], one[1])
    run("UPDATE crm_events SET state = ? WHERE position = ?", one[6], other[1])


def _exchange_rows(run: Run) -> None:
    """Two events of one stream change places."""
    rows = _rows(run)
    one, other = [row for row in rows if row[2] == "account/H00001"][1:3]
    for place, row in ((0, one), (one[1], other), (other[1], one)):
        run(
            "UPDATE crm_events SET position = ? WHERE stream = ? AND version = ?",
            place,
            row[2],
            row[3],
        )


def _give_stream_away(run: Run) -> None:
    """The events of a stream become another tenant's, in a log of their own."""
    own = [row for row in _rows(run) if row[2] == "account/H00002"]
    for place, row in enumerate(own, 1):
        run(
            "UPDATE crm_events SET tenant = 'west', position = ?"
            " WHERE tenant = '' AND position = ?",
            place,
            row[1],
        )


def _give_all_away(run: Run) -> None:
    for name in ("crm_events", "crm_commands"):
        run(f"UPDATE {name} SET tenant = 'west'")


def _move_positions(run: Run) -> None:
    """All events move on, and the rows of their commands with them; views are made anew."""
    _delete_tiles(run)
    run("UPDATE crm_events SET position = position + 5000000")
    run(
        "UPDATE crm_commands SET first_position = first_position + 5000000,"
        " last_position = last_position + 5000000"
    )
    run("DELETE FROM crm_views")
    run("DELETE FROM crm_checkpoints")


def _delete(offset: str) -> str:
    return (
        "DELETE FROM crm_events WHERE position = (SELECT position FROM crm_events"
        f" ORDER BY position {offset})"
    )


_BOTH: dict[str, Deed | tuple[Deed, ...]] = {
    "`DELETE` of an event that is not the last": (
        _delete("LIMIT 1"),
        _delete("LIMIT 1 OFFSET 49"),
    ),
    "`DELETE` of the last event": _delete("DESC LIMIT 1"),
    "`DELETE` of the last events and the rows of their commands": _cut_tail,
    "`DELETE FROM crm_events`, all of it": "DELETE FROM crm_events",
    "`DELETE` of a row of `crm_commands` with events": (
        "DELETE FROM crm_commands WHERE command = (SELECT min(command) FROM crm_commands)"
    ),
    "`DELETE` or `INSERT` of a row of `crm_commands` without events": (
        "INSERT INTO crm_commands VALUES ('', 'never', 'd', 5, 4)"
    ),
    "`INSERT INTO crm_commands` of a row with events": (
        "INSERT INTO crm_commands SELECT tenant, 'again', digest, first_position, last_position"
        " FROM crm_commands WHERE command = (SELECT min(command) FROM crm_commands)"
    ),
    "`INSERT` of an event between others, its digest made to fit": _insert_between,
    "`INSERT` of an event at the end, with digest and command made to fit": _forge_at_end,
    "texts of two events exchanged": _exchange_states,
    "two events of one stream exchanged": _exchange_rows,
    "two events of two streams exchanged, commands made to fit": _exchange_streams,
    "the history rewritten from some event on, all digests and commands made to fit": _rewrite,
    "a stream removed and the positions closed up, commands made to fit": _remove_stream,
    "all positions moved by the same, commands made to fit": _move_positions,
    "a stream given to another tenant": _give_stream_away,
    "all events and commands given to another tenant": _give_all_away,
    "`DELETE FROM crm_views`": "DELETE FROM crm_views",
    "`INSERT INTO crm_views`": (
        "INSERT INTO crm_views SELECT tenant, view, version, build, key || 'x', sort, data"
        " FROM crm_views WHERE view = 'owners.directory'"
    ),
    "`DELETE FROM crm_checkpoints`": "DELETE FROM crm_checkpoints",
    "`DELETE FROM crm_tracking`": "DELETE FROM crm_tracking",
    "`DELETE FROM crm_tiles`": "DELETE FROM crm_tiles",
    "`DELETE FROM crm_parked`": "DELETE FROM crm_parked",
    "`INSERT INTO crm_parked` for a view": (
        "INSERT INTO crm_parked SELECT tenant, 'owners.directory', version, build, position,"
        " 'household/H00001', 1, name, error, tries, first_at, last_at FROM crm_parked"
    ),
    "`DROP INDEX crm_events_household`": "DROP INDEX crm_events_household",
    "an index of a log made anew otherwise": (
        "DROP INDEX crm_events_household",
        (
            "CREATE INDEX crm_events_household ON crm_events (tenant, household, position)"
            " WHERE household <> '' AND version > 3"
        ),
    ),
    "`CREATE INDEX` on a table of a log": "CREATE INDEX mine ON crm_events (household)",
    "`CREATE VIEW` or `CREATE TABLE` under a name like a log's": (
        "CREATE VIEW crm_notes AS SELECT 1 AS one",
    ),
    "`CREATE TABLE` under another name": "CREATE TABLE notes (text text)",
    "`ALTER TABLE crm_events ADD COLUMN`": "ALTER TABLE crm_events ADD COLUMN more int",
    "`DROP TABLE crm_views`": "DROP TABLE crm_views",
    "`DROP TABLE crm_events`": "DROP TABLE crm_events",
}
"""What is done alike on both; a tuple is one deed after another, but for deletions."""


def _in_turn(deeds: tuple[Deed, ...]) -> Deed:
    def act(run: Run) -> None:
        for deed in deeds:
            do(deed, run)

    return act


def do(deed: Deed, run: Run) -> None:
    if callable(deed):
        deed(run)
    else:
        run(deed)


# --- on SQLite ------------------------------------------------------------------------------------


def _index_without(run: Run) -> None:
    """An index without some of its entries, and a statement that says nothing of it (K51)."""
    name = "crm_events_household"
    [(sql,)] = run("SELECT sql FROM sqlite_master WHERE name = ?", name)
    run("PRAGMA writable_schema = ON")
    narrow = f"{sql} AND position > 20"
    run("UPDATE sqlite_master SET sql = ? WHERE name = ?", narrow, name)
    run("PRAGMA schema_version = 1000")
    run("reopen")
    run(f"REINDEX {name}")
    run("PRAGMA writable_schema = ON")
    run("UPDATE sqlite_master SET sql = ? WHERE name = ?", sql, name)
    run("PRAGMA schema_version = 1001")


def _index_of_another(run: Run) -> None:
    """An index that leads into the pages of another one."""
    run("PRAGMA writable_schema = ON")
    run(
        "UPDATE sqlite_master SET rootpage = (SELECT rootpage FROM sqlite_master"
        " WHERE name = 'sqlite_autoindex_crm_events_1') WHERE name = 'crm_events_household'"
    )
    run("PRAGMA schema_version = 1000")


def _view_in_place(run: Run) -> None:
    run("ALTER TABLE crm_events RENAME TO kept_events")
    run("CREATE VIEW crm_events AS SELECT * FROM kept_events WHERE household <> 'H00001'")


def _schema_text(run: Run) -> None:
    run("PRAGMA writable_schema = ON")
    run(
        "UPDATE sqlite_master SET sql = replace(sql, 'household TEXT', 'household TEXT"
        " COLLATE NOCASE') WHERE name = 'crm_events'"
    )
    run("PRAGMA schema_version = 1000")


def _other_statistic(run: Run) -> None:
    run("ANALYZE")
    run("UPDATE sqlite_stat1 SET stat = '1 1' WHERE tbl = 'crm_events'")


_SQLITE: dict[str, tuple[Deed, ...]] = {
    "a trigger that swallows or adds rows": (
        "CREATE TRIGGER swallow BEFORE INSERT ON crm_events BEGIN SELECT RAISE(IGNORE); END",
        (
            "CREATE TRIGGER add_one AFTER INSERT ON crm_commands BEGIN"
            " INSERT INTO crm_tracking VALUES ('', 'x', NEW.first_position); END"
        ),
    ),
    "a view in the place of `crm_events`": (_view_in_place,),
    "an index without some of its entries": (_index_without,),
    "an index that leads into another's pages": (_index_of_another,),
    "`PRAGMA writable_schema`: another statement for a table": (_schema_text,),
    "a generated column in `crm_events`": (
        "ALTER TABLE crm_events ADD COLUMN twice INTEGER AS (version * 2)",
    ),
    "`UPDATE crm_events SET rowid`": ("UPDATE crm_events SET rowid = 5000 WHERE position = 50",),
    "`PRAGMA user_version`, `application_id`: numbers of the header": (
        "PRAGMA user_version = 7",
        "PRAGMA application_id = 7",
    ),
    "`PRAGMA journal_mode = DELETE`": ("PRAGMA journal_mode = DELETE",),
    "`ANALYZE` and another statistic": (_other_statistic,),
    "`VACUUM`": ("VACUUM",),
}


# --- on PostgreSQL --------------------------------------------------------------------------------


def _postgres_view_in_place(run: Run) -> None:
    run("ALTER TABLE crm_events RENAME TO kept_events")
    run("CREATE VIEW crm_events AS SELECT * FROM kept_events WHERE household <> 'H00001'")


def _postgres_trigger(run: Run) -> None:
    body = "$$ BEGIN RETURN NULL; END $$"
    run(f"CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS {body}")
    run(
        "CREATE TRIGGER swallow BEFORE INSERT ON crm_events FOR EACH ROW EXECUTE FUNCTION swallow()"
    )


_POSTGRES: dict[str, tuple[Deed, ...]] = {
    "a trigger that swallows or adds rows": (_postgres_trigger,),
    "a view in the place of `crm_events`": (_postgres_view_in_place,),
    "a rule on a table of a log": (
        "CREATE RULE nothing AS ON INSERT TO crm_events DO INSTEAD NOTHING",
        "CREATE RULE away AS ON DELETE TO crm_commands DO INSTEAD NOTHING",
    ),
    "row security switched off, or another policy": (
        "ALTER TABLE crm_events DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE crm_events NO FORCE ROW LEVEL SECURITY",
        "ALTER POLICY crm_tenant ON crm_events USING (true)",
        "DROP POLICY crm_tenant ON crm_commands",
        "CREATE POLICY more ON crm_events USING (true)",
    ),
    "another type or collation of a column": (
        "ALTER TABLE crm_events ALTER COLUMN name TYPE varchar(200)",
        'ALTER TABLE crm_events ALTER COLUMN household TYPE text COLLATE "default"',
    ),
    "a constraint dropped": (
        "ALTER TABLE crm_events DROP CONSTRAINT crm_events_stream_version",
        "ALTER TABLE crm_events ALTER COLUMN state DROP NOT NULL",
    ),
    "another body of a function of a log": (
        (
            "CREATE OR REPLACE FUNCTION crm_anchored(tenant text) RETURNS boolean"
            " LANGUAGE sql STABLE AS $$ SELECT true $$"
        ),
        "ALTER FUNCTION crm_anchored(text) SET search_path = pg_catalog",
    ),
    "an index marked invalid": (
        (
            "UPDATE pg_index SET indisvalid = false"
            " WHERE indexrelid = 'crm_events_household'::regclass"
        ),
    ),
    "`ALTER TABLE crm_events SET UNLOGGED`": ("ALTER TABLE crm_events SET UNLOGGED",),
    "`UPDATE crm_origin`": ("UPDATE crm_origin SET origin = origin - 5",),
    "`VACUUM`": ("VACUUM FULL crm_events",),
}


def _acts() -> dict[str, Act]:
    acts = {**_columns(), **_blobs()}
    for what, deeds in _BOTH.items():
        if not isinstance(deeds, tuple):
            deeds = (deeds,)  # noqa: PLW2901
        elif not what.startswith("`DELETE`"):
            deeds = (_in_turn(deeds),)  # noqa: PLW2901
        acts[what] = Act(deeds, deeds)
    for what in sorted(_SQLITE.keys() | _POSTGRES.keys()):
        acts[what] = Act(_SQLITE.get(what, ()), _POSTGRES.get(what, ()))
    return acts


ACTS = _acts()
