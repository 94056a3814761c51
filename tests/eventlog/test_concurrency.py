"""Writers that meet: one wins each version, nothing is lost, and nobody misses anything."""

from __future__ import annotations

import multiprocessing
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime
from functools import partial
from multiprocessing.context import SpawnContext
from pathlib import Path
from threading import Barrier, Event, Thread
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from crm_adapters.codec import Codec
from crm_adapters.eventlog.log import CodecEventLog
from crm_adapters.eventlog.opening import open_database
from crm_adapters.eventlog.tiles import WIDTH
from crm_adapters.eventsourcing import RecorderStore, SQLAlchemyApplicationRecorder
from crm_adapters.keys import LocalVault
from crm_core.errors import CommitUnknown, Conflict
from crm_core.kernel.recorded import Appended, Commit, Envelope, StreamAppend, Tip
from crm_core.testing.contracts.events import CATALOG, Noted

STREAM = "account/V1"


def open_log(url: str) -> CodecEventLog:
    return CodecEventLog(open_database(url, create=True), Codec(CATALOG, LocalVault()))


def commit(command: str, tip: Tip, text: str, stream: str = STREAM) -> Commit:
    envelope = Envelope(
        "system:test", command, Noted(text), date(2011, 7, 1), datetime(2011, 7, 1, tzinfo=UTC)
    )
    return Commit(command, "d", (StreamAppend(stream, tip, "V1", (envelope,)),))


def race(log: CodecEventLog, writer: str, versions: int, start: Callable[[], Any]) -> Counter[str]:
    """Append to one stream until it has so many versions; each try at the version seen."""
    count: Counter[str] = Counter()
    start()
    while True:
        tip = log.tips([STREAM]).get(STREAM, Tip())
        if tip.version >= versions:
            return count
        try:
            # The text names the version that is meant: it must come to stand there.
            log.append([commit(f"{writer}-{sum(count.values())}", tip, str(tip.version + 1))])
            count["won"] += 1
        except Conflict as error:
            behind = error.actual is None or error.actual > tip.version
            if (error.stream, error.expected, behind) != (STREAM, tip.version, True):
                raise
            count["lost"] += 1


def check(log: CodecEventLog, counts: list[Counter[str]], versions: int) -> None:
    events = list(log.read(STREAM))
    assert [event.version for event in events] == list(range(1, versions + 1))
    assert [event.event.text for event in events] == [str(n) for n in range(1, versions + 1)]
    assert sum(count["won"] for count in counts) == versions
    assert len({event.envelope.command for event in events}) == versions
    assert log.head() == events[-1].position
    assert log.verify().intact


def in_threads(jobs: list[Callable[[], None]]) -> None:
    errors: list[BaseException] = []

    def run(job: Callable[[], None]) -> None:
        try:
            job()
        except BaseException as error:  # noqa: BLE001 - raised below
            errors.append(error)

    threads = [Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def race_in_threads(url: str, writers: int, versions: int) -> list[Counter[str]]:
    start = Barrier(writers)
    counts: list[Counter[str]] = []

    def write(n: int) -> None:
        log = open_log(url)
        counts.append(race(log, f"w{n}", versions, start.wait))
        log.close()

    in_threads([partial(write, n) for n in range(writers)])
    return counts


# --- processes -----------------------------------------------------------------------------------


def _race_process(url: str, writer: str, versions: int, start: Any, results: Any) -> None:
    try:
        log = open_log(url)
        results.put(dict(race(log, writer, versions, start.wait)))
        log.close()
    except BaseException as error:
        results.put({"error": repr(error)})
        raise


def _open_process(url: str, start: Any, results: Any) -> None:
    start.wait()
    try:
        log = open_log(url)
        results.put({"head": log.head()})
        log.close()
    except BaseException as error:
        results.put({"error": repr(error)})
        raise


@pytest.fixture
def processes() -> SpawnContext:
    return multiprocessing.get_context("spawn")


def run_processes(
    context: SpawnContext, target: Callable[..., None], count: int, *values: Any
) -> list[dict[str, Any]]:
    start, results = context.Barrier(count), context.Queue()
    started = [
        context.Process(target=target, args=(*(_fill(v, n) for v in values), start, results))
        for n in range(count)
    ]
    for process in started:
        process.start()
    found = [results.get(timeout=60) for _ in started]
    for process in started:
        process.join()
    results.close()
    results.join_thread()
    return found


def _fill(value: Any, n: int) -> Any:
    return value.format(n=n) if isinstance(value, str) else value


def url_of(store: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """Where a log may be made in a store of that kind."""
    if store == "sqlite":
        return f"sqlite:///{tmp_path}/crm.db"
    return str(request.getfixturevalue(f"{store}_url"))


@pytest.mark.rule("LOG-01")
@pytest.mark.parametrize("store", ["sqlite", "mariadb"])
def test_two_processes_share_one_stream(
    store: str, processes: SpawnContext, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url, versions = url_of(store, tmp_path, request), 120
    found = run_processes(processes, _race_process, 2, url, "w{n}", versions)
    counts = [Counter[str](one) for one in found]
    assert not any("error" in count for count in counts), counts
    log = open_log(url)
    check(log, counts, versions)
    log.close()


@pytest.mark.rule("LOG-01")
@pytest.mark.parametrize("store", ["sqlite", "mariadb"])
def test_processes_may_open_a_new_log_at_once(
    store: str, processes: SpawnContext, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The tables are made once; who comes second finds them."""
    url = url_of(store, tmp_path, request)
    assert run_processes(processes, _open_process, 4, url) == [{"head": 0}] * 4


@pytest.mark.rule("LOG-01")
def test_threads_may_open_a_new_log_at_once(
    tmp_path: Path, new_postgres: Callable[[], str], new_mariadb: Callable[[], str]
) -> None:
    for n in range(5):
        for url in (f"sqlite:///{tmp_path}/{n}.db", new_postgres(), new_mariadb()):
            start = Barrier(4)

            def opens(url: str = url, start: Barrier = start) -> None:
                start.wait()
                log = open_log(url)
                assert log.head() == 0
                log.close()

            in_threads([opens] * 4)


# --- threads -------------------------------------------------------------------------------------


@pytest.mark.rule("LOG-01")
@pytest.mark.parametrize("store", ["postgres", "mariadb"])
def test_eight_threads_share_one_stream(
    store: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = url_of(store, tmp_path, request)
    counts = race_in_threads(url, 8, 160)
    assert sum(count["lost"] for count in counts) > 0
    log = open_log(url)
    check(log, counts, 160)
    log.close()


@pytest.mark.rule("LOG-01")
def test_threads_with_connections_of_their_own_share_one_sqlite_stream(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/crm.db"
    counts = race_in_threads(url, 4, 80)
    log = open_log(url)
    check(log, counts, 80)
    log.close()


@pytest.mark.rule("LOG-01")
@pytest.mark.parametrize("store", ["sqlite", "postgres", "mariadb"])
def test_bridges_to_one_recorder_share_one_stream(
    store: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Each bridge has its own view of the recorder, as programs on several machines would."""
    url = url_of(store, tmp_path, request)
    writers, versions = 4, 60
    start = Barrier(writers)
    counts: list[Counter[str]] = []
    database = open_database(url, create=True)

    def bridged() -> CodecEventLog:
        recorder = SQLAlchemyApplicationRecorder(database, originator_id_type="text")
        return CodecEventLog(RecorderStore(recorder), Codec(CATALOG, LocalVault()))

    def write(n: int) -> None:
        counts.append(race(bridged(), f"w{n}", versions, start.wait))

    in_threads([partial(write, n) for n in range(writers)])
    check(bridged(), counts, versions)
    database.close()


@pytest.mark.rule("LOG-01")
@pytest.mark.parametrize("store", ["postgres", "mariadb"])
def test_one_command_sent_by_eight_threads_is_appended_once(
    store: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    log = open_log(url_of(store, tmp_path, request))
    results: list[list[Appended]] = []
    start = Barrier(8)

    def send() -> None:
        start.wait()
        results.append(log.append([commit("c1", Tip(), "once")]))

    in_threads([send] * 8)
    at = log.head()
    assert [e.position for e in log.feed()] == [at]
    assert results == [[Appended("c1", "d", at, at)]] * 8
    log.close()


@pytest.mark.rule("LOG-03")
@pytest.mark.parametrize("store", ["sqlite", "postgres", "mariadb"])
def test_a_tailing_reader_misses_nothing_of_writers_on_distinct_streams(
    store: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = url_of(store, tmp_path, request)
    writers, each = 8, 60
    log, reader = open_log(url), open_log(url)
    over = Event()
    seen: list[int] = []

    def write(n: int) -> None:
        stream, tip = f"account/{n}", Tip()
        for version in range(each):
            log.append([commit(f"w{n}-{version}", tip, "", stream)])
            tip = log.tips([stream])[stream]

    def write_all() -> None:
        try:
            in_threads([partial(write, n) for n in range(writers)])
        finally:
            over.set()

    def follow() -> None:
        done = False
        while not done:
            done = over.is_set()
            seen.extend(e.position for e in reader.feed(after=seen[-1] if seen else 0))

    in_threads([write_all, follow])
    assert len(seen) == writers * each
    assert seen == sorted(set(seen)) == [e.position for e in log.feed()]
    log.close()
    reader.close()


# --- an error at commit is unknown, and the command id resolves it -------------------------------


@pytest.fixture
def dying(postgres_url: str, postgres_admin: Any) -> Iterator[CodecEventLog]:
    """A log whose server breaks the connection while it commits."""
    log = open_log(postgres_url)
    database = log.store
    with database.engine.begin() as connection:  # type: ignore[attr-defined]
        connection.exec_driver_sql(
            "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$"
        )
        connection.exec_driver_sql(
            "CREATE CONSTRAINT TRIGGER die AFTER INSERT ON crm_events"
            " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION die()"
        )
    yield log
    log.close()


class LossyLine:
    """Carries bytes between clients and the server; once told, it loses the next answer."""

    def __init__(self, server: Path) -> None:
        self._server = str(server)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.lose = False
        self._sockets = [self._listener]
        self._threads = [Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                self._sockets += [client, server]
                server.connect(self._server)
                for ends in ((client, server, False), (server, client, True)):
                    self._threads.append(Thread(target=self._carry, args=ends))
                    self._threads[-1].start()

    def _carry(self, one: socket.socket, other: socket.socket, answers: bool) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                if answers and self.lose:
                    break
                other.sendall(data)
        self._hang_up(one, other)

    def _hang_up(self, *ends: socket.socket) -> None:
        for end in ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._hang_up(*self._sockets)
        for thread in self._threads:
            thread.join()
        for one in self._sockets:
            one.close()


@pytest.fixture
def line(postgres_url: str) -> Iterator[LossyLine]:
    folder = make_url(postgres_url).query["host"]
    line = LossyLine(Path(str(folder)) / ".s.PGSQL.5432")
    yield line
    line.close()


@pytest.mark.rule("LOG-01")
def test_a_lost_acknowledgement_is_unknown_though_the_events_stand(
    postgres_url: str, line: LossyLine
) -> None:
    """The server commits, and the word of it is lost: the same command again finds out."""
    database = make_url(postgres_url).database
    log = open_log(f"postgresql://postgres:@127.0.0.1:{line.port}/{database}")
    log.append([commit("c0", Tip(), "0", "account/V0")])
    one = commit("c1", Tip(), "1")

    line.lose = True
    with pytest.raises(CommitUnknown):
        log.append([one])
    line.lose = False
    [_, at] = [e.position for e in log.feed()]
    assert log.append([one]) == [Appended("c1", "d", at, at)]
    assert log.head() == at
    log.close()


def heal(log: CodecEventLog) -> None:
    with log.store.engine.begin() as connection:  # type: ignore[attr-defined]
        connection.exec_driver_sql("DROP TRIGGER die ON crm_events")


@pytest.mark.rule("LOG-01")
def test_an_error_at_commit_is_unknown_and_the_same_command_resolves_it(
    dying: CodecEventLog,
) -> None:
    one = commit("c1", Tip(), "1")
    with pytest.raises(CommitUnknown) as raised:
        dying.append([one])
    assert raised.value.command == "c1"
    assert raised.value.retry_safe
    with pytest.raises(CommitUnknown):
        dying.append(iter([one]))
    heal(dying)
    [done] = dying.append([one])
    assert dying.append([one]) == [done]
    assert [e.position for e in dying.feed()] == [done.first]


@pytest.mark.rule("LOG-01")
def test_an_error_at_commit_names_the_command_on_sqlite_too(tmp_path: Path) -> None:
    log = open_log(f"sqlite:///{tmp_path}/crm.db")
    writer = log.store.file.writer()  # type: ignore[attr-defined]
    for statement in (
        "CREATE TABLE nobody (id INTEGER PRIMARY KEY)",
        "CREATE TABLE owing (id INTEGER REFERENCES nobody DEFERRABLE INITIALLY DEFERRED)",
        # Not of events: a row more or less there is refused before.
        "CREATE TRIGGER die AFTER INSERT ON crm_tiles BEGIN INSERT INTO owing VALUES (1); END",
        # It looks at what is owed, and only when it commits.
        "PRAGMA foreign_keys = ON",
    ):
        writer.execute(statement)
    several = [commit(f"c{n}", Tip(n), str(n)) for n in range(WIDTH)]
    with pytest.raises(CommitUnknown) as raised:
        log.append(several)
    assert raised.value.command == "c0"
    assert log.empty()
    writer.execute("DROP TRIGGER die")
    assert log.append(several)[-1] == Appended(f"c{WIDTH - 1}", "d", WIDTH, WIDTH)
    log.close()


@pytest.mark.rule("LOG-01")
def test_the_end_of_a_long_stream_is_found_as_quickly_as_that_of_a_short_one(
    tmp_path: Path,
) -> None:
    log = open_log(f"sqlite:///{tmp_path}/crm.db")
    long, short = "account/V1", "account/V2"
    log.append(iter([commit(f"c{n}", Tip(n), str(n), long) for n in range(3000)]))
    log.append([commit("d0", Tip(), "0", short)])
    steps = {}
    for stream, version in ((long, 3000), (short, 1)):
        driver = log.store.engine.raw_connection()  # type: ignore[attr-defined]
        count = [0]

        def step(count: list[int] = count) -> int:
            count[0] += 1
            return 0

        driver.driver_connection.set_progress_handler(step, 1)
        driver.close()
        assert log.tips([stream])[stream].version == version
        steps[stream] = count[0]
    assert 0 < steps[long] <= steps[short] + 10
    log.close()
