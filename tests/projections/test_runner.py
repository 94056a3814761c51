"""What the runner does with damage, with trouble of the store, and with what it must not import."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import attrs
import pytest

from crm_adapters import open_crm
from crm_adapters.codec import Codec
from crm_adapters.eventlog.log import CodecEventLog
from crm_adapters.eventlog.memory import MemoryStore
from crm_adapters.keys import LocalVault
from crm_adapters.projections import LogViews, MemoryViewStore
from crm_adapters.wiring import SystemClock
from crm_core.errors import StoreUnreachable
from crm_core.kernel.catalog import Catalog, EventType
from crm_core.testing.contracts.events import CATALOG, Counted, CountedInYuan
from crm_core.testing.contracts.tally import TALLY, Tally, append_one, note, tallied
from faults.logs import lift
from projections.follower import open_views


@pytest.fixture
def log() -> CodecEventLog:
    return CodecEventLog(MemoryStore(), Codec(CATALOG, LocalVault()))


@pytest.mark.rule("LOG-05")
def test_a_damaged_event_is_parked_and_the_others_proceed(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    views = open_views(f"sqlite:///{path}")
    for stream in ("note/a", "note/b"):
        note(views.log, stream, "x", "y")
    for damage in ("state || 'x'", "replace(state, 'text', 'test')", "x'ff'", "7"):
        with lift(sqlite3.connect(path)) as connection:
            before = connection.execute("SELECT state FROM crm_events WHERE position = 1")
            [(state,)] = before.fetchall()
            connection.execute(f"UPDATE crm_events SET state = {damage} WHERE position = 1")
        views.rebuild(TALLY)
        views.catch_up(TALLY)
        building = views.status()[-1]
        parked = views.parked(TALLY.name, 1, building.build)
        assert [one.position for one in parked] == [1, 2]
        assert parked[0].error.endswith("[CRM-F007]")
        with sqlite3.connect(path) as connection:
            connection.execute("UPDATE crm_events SET state = ? WHERE position = 1", (state,))
        assert views.retry(TALLY) == 2
        views.catch_up(TALLY)
        assert list(views.scan(TALLY)) == tallied(views.log)
    views.close()


@pytest.mark.rule("LOG-05")
@pytest.mark.parametrize("column", ["state", "stream", "name", "household"])
def test_text_that_is_not_utf_8_parks_its_event_and_no_other(tmp_path: Path, column: str) -> None:
    """SQLite keeps any bytes as text, and gives none of the rows beside them."""
    path = tmp_path / "log.db"
    views = open_views(f"sqlite:///{path}")
    for stream in ("note/a", "note/b", "note/c"):
        note(views.log, stream, "x", "y")
    whole = tallied(views.log)
    with lift(sqlite3.connect(path)) as connection:
        [(text,)] = connection.execute(f"SELECT {column} FROM crm_events WHERE position = 3")
        broken = text[:5].encode() + b"\xff" + text[6:].encode()
        connection.execute(
            f"UPDATE crm_events SET {column} = CAST(? AS TEXT) WHERE position = 3", (broken,)
        )
    page = views.log.settled(limit=4)
    assert [one.position for one in page.events] == [1, 2, 3, 4]
    assert [type(one).__name__ for one in page.events].count("Unreadable") == 1
    shown = "note/\N{REPLACEMENT CHARACTER}" if column == "stream" else "note/b"
    assert page.events[2].stream == shown
    views.catch_up(TALLY)
    parked = views.parked(TALLY.name, 1, 1)
    assert parked[0].position == 3
    assert parked[0].error.endswith("[CRM-F006]" if column == "name" else "[CRM-F007]")
    assert dict_of(views.scan(TALLY), "note/a", "note/c") == dict_of(whole, "note/a", "note/c")
    assert views.log.verify().first_fault is not None
    with sqlite3.connect(path) as connection:
        connection.execute(f"UPDATE crm_events SET {column} = ? WHERE position = 3", (text,))
    views.retry(TALLY)
    if column != "stream":
        # What stood in another stream was not waited for.
        assert list(views.scan(TALLY)) == whole
    views.close()


def dict_of(rows: Iterable[tuple[str, str, Tally]], *keys: str) -> dict[str, Tally]:
    """The rows of those keys."""
    return {key: row for _, key, row in rows if key in keys}


@pytest.mark.rule("LOG-05")
def test_an_upcaster_that_fails_parks_the_event(log: CodecEventLog) -> None:
    """However it fails."""

    def broken(_: dict[str, Any]) -> dict[str, Any]:
        raise ZeroDivisionError

    old = Catalog([*CATALOG.types[:1], EventType("contract.counted", 1, CountedInYuan)])
    new = Catalog(
        [*CATALOG.types[:1], EventType("contract.counted", 2, Counted, None, {1: broken})]
    )
    theirs = CodecEventLog(log.store, Codec(old, LocalVault()))
    append_one(theirs, "note/a", CountedInYuan(5))
    note(theirs, "note/a", "x")
    note(theirs, "note/b", "y")
    ours = CodecEventLog(log.store, Codec(new, LocalVault()))
    views = LogViews(ours, MemoryViewStore(), SystemClock())
    view = attrs.evolve(TALLY, names=[*TALLY.names, "contract.counted/1"])
    views.catch_up(view)
    assert [one.position for one in views.parked(TALLY.name, 1, 1)] == [1, 2]
    assert "ZeroDivisionError" in views.status()[0].error
    assert [key for _, key, _ in views.scan(TALLY)] == ["note/b"]


class Unreachable(MemoryViewStore):
    """A store whose rows cannot be read for a while."""

    broken = True

    def row(self, place: Any, key: str) -> str | None:
        if self.broken:
            raise StoreUnreachable("store_unusable", store="x", reason="silent")
        return super().row(place, key)


@pytest.mark.rule("LOG-05")
@pytest.mark.parametrize("swallows", [False, True])
def test_trouble_of_the_store_is_no_poison(log: CodecEventLog, swallows: bool) -> None:
    """Not even where a projection makes light of it."""
    note(log, "note/a", "x")

    def apply(rows: Any, recorded: Any) -> Any:
        try:
            return list(TALLY.apply(rows, recorded))
        except StoreUnreachable:
            if not swallows:
                raise
            return []

    store = Unreachable()
    views = LogViews(log, store, SystemClock())
    with pytest.raises(StoreUnreachable):
        views.catch_up(attrs.evolve(TALLY, apply=apply))
    [status] = views.status()
    assert (status.position, status.parked) == (0, 0)
    store.broken = False
    views.catch_up(TALLY)
    assert views.get(TALLY, "note/a") == Tally("note/a", "x,", 1, 1)


def test_views_of_a_file_are_there_when_it_is_opened_again(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'log.db'}"
    views = open_views(url)
    note(views.log, "note/a", "x")
    views.catch_up(TALLY)
    views.close()
    again = open_views(url)
    assert again.get(TALLY, "note/a") == Tally("note/a", "x,", 1, 1)
    again.close()


def test_open_crm_gives_views_in_the_log_s_database(tmp_path: Path) -> None:
    with open_crm(f"sqlite:///{tmp_path / 'crm.db'}", create=True) as crm:
        crm.views.catch_up(crm.reactions)
    with sqlite3.connect(tmp_path / "crm.db") as connection:
        [(name,)] = connection.execute("SELECT consumer FROM crm_checkpoints")
    assert name == "reactions"


@pytest.mark.rule("LOG-05")
def test_tenants_share_tables_and_nothing_else(tmp_path: Path) -> None:
    """Rows, places reached, parked events, and what is cleared away."""
    url = f"sqlite:///{tmp_path / 'log.db'}"
    ours, theirs = open_views(url, tenant="ours"), open_views(url, tenant="theirs")
    for views in (ours, theirs):
        note(views.log, "note/a", "x")
        note(views.log, "note/b", "poison")

    def apply(rows: Any, recorded: Any) -> Any:
        if recorded.event.text == "poison":
            raise ValueError
        return TALLY.apply(rows, recorded)

    ours.catch_up(attrs.evolve(TALLY, apply=apply))
    assert list(theirs.status()) == []
    theirs.catch_up(TALLY)
    assert (ours.status()[0].parked, theirs.status()[0].parked) == (1, 0)
    assert (len(ours.scan(TALLY)), len(theirs.scan(TALLY))) == (1, 2)
    assert theirs.retry(TALLY) == 0
    theirs.prune([attrs.evolve(TALLY, version=2)])
    assert list(theirs.status()) == []
    assert (ours.status()[0].parked, len(ours.scan(TALLY))) == (1, 1)
    assert ours.get(TALLY, "note/a") == Tally("note/a", "x,", 1, 1)
    assert ours.retry(TALLY) == 1
    ours.close()
    theirs.close()


@pytest.mark.rule("LOG-05")
def test_a_name_is_never_imported() -> None:
    """B1: whoever can write a row must not choose what is loaded: no import is even tried."""
    script = """
        import json, sys
        from crm_adapters.codec import Codec
        from crm_adapters.eventlog.log import CodecEventLog
        from crm_adapters.eventlog.memory import MemoryStore
        from crm_adapters.keys import LocalVault
        from crm_adapters.projections import DatabaseViewStore, LogViews, MemoryViewStore
        from crm_adapters.wiring import SystemClock
        from crm_core.kernel.catalog import Catalog, EventType
        from crm_core.testing.contracts.events import CATALOG, Counted
        from crm_core.testing.contracts.tally import TALLY, append_one, note

        names = ["subprocess:Popen", "os.system", "antigravity", "contract.noted"]
        imports = []
        sys.addaudithook(lambda name, args: imports.append(args[0]) if name == "import" else None)
        for name in ["warm.up", *names]:
            foreign = Catalog([EventType(name, 7, Counted, None, dict.fromkeys(range(1, 7), id))])
            theirs = CodecEventLog(MemoryStore(), Codec(foreign, LocalVault()))
            append_one(theirs, "note/a", Counted(5))
            log = CodecEventLog(theirs.store, Codec(CATALOG, LocalVault()))
            views = LogViews(log, MemoryViewStore(), SystemClock())
            if name == "warm.up":
                views.catch_up(TALLY)
            imports.clear()
            views.catch_up(TALLY)
            [parked] = views.parked(TALLY.name, 1, 1)
            assert (parked.name, imports) == (name + "/7", []), (parked, imports)
        print(json.dumps(len(names)))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == 4
