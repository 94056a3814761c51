"""Whoever follows a log notices when it is another one, or an older copy of it (LOG-03, K54)."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from crm_adapters import open_crm
from crm_adapters.cli.app import run
from crm_adapters.codec import Codec
from crm_adapters.eventlog.log import CodecEventLog
from crm_adapters.eventlog.memory import MemoryStore
from crm_adapters.eventlog.opening import open_database
from crm_adapters.keys import LocalVault
from crm_adapters.notify.outbox import Outbox, notices
from crm_adapters.projections import (
    DatabaseViewStore,
    LogViews,
    MemoryViewStore,
    ViewStore,
)
from crm_adapters.projections.worker import Worker
from crm_adapters.wiring import SystemClock
from crm_core import Actor
from crm_core.errors import Invalid, OtherPast
from crm_core.kernel.catalog import Catalog
from crm_core.kernel.projection import Consumer
from crm_core.owners import RegisterHousehold
from crm_core.testing.contracts.events import CATALOG
from crm_core.testing.contracts.tally import NOTED, TALLY, note, tallied

pytestmark = [pytest.mark.rule("LOG-03"), pytest.mark.case("K54")]


def opened(path: Path, catalog: Catalog = CATALOG) -> CodecEventLog:
    return CodecEventLog(
        open_database(f"sqlite:///{path}", create=True), Codec(catalog, LocalVault())
    )


class Pasts:
    """A log, an older copy of it, and views that are kept elsewhere and so outlive a restore."""

    def __init__(self, folder: Path, store: ViewStore) -> None:
        self.store = store
        self._folder = folder
        self._logs: list[CodecEventLog] = []
        self.log = self._opened("log.db")
        note(self.log, "note/a", *"abc")
        self._close()
        shutil.copy(folder / "log.db", folder / "older.db")
        self.log = self._opened("log.db")
        note(self.log, "note/a", "d")
        note(self.log, "note/b", *"ef")

    def _opened(self, name: str) -> CodecEventLog:
        self._logs.append(opened(self._folder / name))
        return self._logs[-1]

    def views(self, log: CodecEventLog | None = None, *, batch: int = 2) -> LogViews:
        return LogViews(log or self.log, self.store, SystemClock(), batch=batch)

    def restored(self, *more: str) -> CodecEventLog:
        """The older copy, which has gone on differently."""
        log = self._opened("older.db")
        note(log, "note/a", *more)
        return log

    def _close(self) -> None:
        for log in self._logs:
            log.close()
        self._logs.clear()

    def close(self) -> None:
        self._close()
        self.store.close()


@pytest.fixture(params=["memory", "sqlite"])
def pasts(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    store: ViewStore = MemoryViewStore()
    if request.param == "sqlite":
        database = open_database(f"sqlite:///{tmp_path / 'views.db'}", create=True)
        store = DatabaseViewStore(database, owned=True)
    with closing(Pasts(tmp_path, store)) as pasts:
        yield pasts


BEHIND: list[tuple[str, ...]] = [(), ("x",), ("x", "y", "z"), ("x", "y", "z", "u", "v")]


@pytest.mark.parametrize("more", BEHIND, ids=["gone", "behind", "as far", "further"])
def test_an_older_log_that_was_restored_is_refused_and_nothing_changes(
    pasts: Pasts, more: tuple[str, ...]
) -> None:
    views = pasts.views()
    end = views.catch_up(TALLY)
    rows = list(views.scan(TALLY))
    digest = list(pasts.log.feed())[-1].digest
    log = pasts.restored(*more)
    there = {recorded.position: recorded.digest for recorded in log.feed()}
    views = pasts.views(log)
    for _ in range(2):
        with pytest.raises(OtherPast) as refused:
            views.catch_up(TALLY)
        error = refused.value
        told = (error.follower, error.position, error.expected, error.found)
        assert told == (TALLY.name, end, digest, there.get(end, ""))
        assert not error.retry_safe
    for lang in ("en", "zh"):
        said = error.told(lang)  # type: ignore[arg-type]
        assert f"crm projections --rebuild {TALLY.name}" in said
        assert digest[:16] in said
    assert error.as_dict()["position"] == end
    [status] = views.status()
    assert (status.position, status.error) == (end, str(error))
    assert list(views.scan(TALLY)) == rows
    # The log that was followed is taken up again as if nothing had been.
    note(pasts.log, "note/b", "g")
    views = pasts.views()
    views.catch_up(TALLY)
    assert list(views.scan(TALLY)) == tallied(pasts.log)
    assert views.status()[0].error == ""


def test_another_log_is_refused(pasts: Pasts) -> None:
    pasts.views().catch_up(TALLY)
    other = CodecEventLog(MemoryStore(), Codec(CATALOG, LocalVault()))
    note(other, "note/a", *"abcdefgh")
    with pytest.raises(OtherPast):
        pasts.views(other).catch_up(TALLY)


def test_a_consumer_is_handed_nothing_of_another_past(pasts: Pasts) -> None:
    heard: list[str] = []
    consumer = Consumer("ours", [NOTED], lambda recorded: heard.append(recorded.event.text))
    pasts.views().catch_up(consumer)
    views = pasts.views(pasts.restored(*"uvwxyz"))
    with pytest.raises(OtherPast):
        views.catch_up(consumer)
    assert heard == list("abcdef")
    assert views.parked("ours", 1, 1) == []


def test_what_is_parked_of_another_past_is_not_tried_again(pasts: Pasts) -> None:
    def poison(recorded: Any) -> None:
        if recorded.event.text == "d":
            raise LookupError

    heard: list[str] = []
    pasts.views().catch_up(Consumer("ours", [NOTED], poison))
    views = pasts.views(pasts.restored(*"xyz"))
    with pytest.raises(OtherPast):
        views.retry(Consumer("ours", [NOTED], lambda recorded: heard.append(recorded.event.text)))
    assert heard == []
    assert len(views.parked("ours", 1, 1)) == 1


def test_it_is_noticed_between_two_batches(pasts: Pasts) -> None:
    """Not only at the start of a worker: the log may be exchanged under it."""
    other = pasts.restored(*"uvwxyz")
    views = pasts.views(batch=1)
    batches: list[int] = []

    def exchanging() -> bool:
        batches.append(1)
        if len(batches) == 5:
            views.runner.log = other
        return False

    with pytest.raises(OtherPast) as refused:
        views.catch_up(TALLY, stop=exchanging)
    assert refused.value.position == 4


def test_a_consumer_is_handed_nothing_that_was_read_of_another_log(pasts: Pasts) -> None:
    heard: list[str] = []
    consumer = Consumer("ours", [NOTED], lambda recorded: heard.append(recorded.event.text))
    other, views = pasts.restored(*"uvwxyz"), pasts.views(batch=1)

    def exchanging() -> bool:
        if len(heard) == 4:
            views.runner.log = other
        return False

    with pytest.raises(OtherPast):
        views.catch_up(consumer, stop=exchanging)
    assert heard == list("abcd")


def test_a_worker_tells_it_and_does_not_go_on(pasts: Pasts) -> None:
    pasts.views().catch_up(TALLY)
    log = pasts.restored("x")
    said: list[str] = []
    worker = Worker(log, pasts.views(log), [TALLY], say=said.append)
    assert worker.once() is False
    assert [line.endswith("[CRM-F019]") for line in said] == [True]


def test_an_event_that_nobody_here_can_read_is_known_again(pasts: Pasts, tmp_path: Path) -> None:
    pasts.views().catch_up(TALLY)
    with closing(opened(tmp_path / "log.db", Catalog([]))) as log:
        view = Consumer("ours", [], lambda recorded: None)
        views = pasts.views(log)
        end = views.catch_up(view)
        assert views.catch_up(view) == end == log.head()


# --- what to do --------------------------------------------------------------------------------


def test_a_view_that_is_rebuilt_is_of_the_log_as_it_is(pasts: Pasts) -> None:
    pasts.views().catch_up(TALLY)
    log = pasts.restored("x")
    views = pasts.views(log)
    assert views.rebuild(TALLY) == 2
    views.catch_up(TALLY)
    assert list(views.scan(TALLY)) == tallied(log)
    note(log, "note/c", "y")
    views.catch_up(TALLY)
    assert list(views.scan(TALLY)) == tallied(log)
    assert [(one.build, one.error) for one in views.status()] == [(2, "")]


def test_a_consumer_begins_anew_only_where_its_past_is_another(pasts: Pasts) -> None:
    heard: list[str] = []
    consumer = Consumer("ours", [NOTED], lambda recorded: heard.append(recorded.event.text))
    views = pasts.views()
    views.catch_up(consumer)
    with pytest.raises(Invalid):
        views.rebuild(consumer)
    views = pasts.views(pasts.restored("x"))
    heard.clear()
    views.rebuild(consumer)
    views.catch_up(consumer)
    assert heard == list("abcx")


# --- the library's own followers, and the command line -----------------------------------------


def spoiled(path: Path) -> str:
    """A log whose followers have seen another one: what they know of it is exchanged."""
    url = f"sqlite:///{path}"
    with open_crm(url, create=True) as crm:
        crm.do(RegisterHousehold("V1", "x", "1", "1", "1"), by=Actor("S1", "specialist"))
        for task in (crm.reactions, notices(crm), *crm.registry.projections):
            crm.views.catch_up(task)
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("UPDATE crm_checkpoints SET mark = ?", ("f" * 64,))
    return url


def test_reactions_notices_and_the_outbox_stop(tmp_path: Path) -> None:
    with open_crm(spoiled(tmp_path / "crm.db")) as crm:
        uses: list[Callable[[], object]] = [
            lambda: crm.views.catch_up(crm.reactions),
            lambda: crm.views.catch_up(notices(crm)),
            Outbox(crm, {}).dispatch,
        ]
        for use in uses:
            with pytest.raises(OtherPast):
                use()


def test_the_commands_say_so_and_mend_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = spoiled(tmp_path / "crm.db")
    assert run(["--db", url, "projections"]) == 1
    capsys.readouterr()
    assert run(["--db", url, "work", "--once"]) == 1
    assert "reactions: " in (said := capsys.readouterr().err)
    assert "CRM-F019" in said
    with open_crm(url) as crm:
        names = ["reactions", *(view.name for view in crm.registry.projections)]
    again = [part for name in names for part in ("--rebuild", name)]
    assert run(["--db", url, "projections", *again]) == 1, "notices are none of these"
    assert run(["--db", url, "work", "--once"]) == 0
