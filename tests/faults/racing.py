"""Processes that append to one stream at the same version at the same moment."""

from __future__ import annotations

import multiprocessing
from contextlib import closing
from multiprocessing.context import ForkServerContext
from typing import Any

from crm_core.errors import Conflict
from crm_core.kernel.recorded import Tip
from faults.logs import note, open_log

STREAM = "account/V1"
LENGTH = 500
"""Versions of a stream; then the next one is raced for."""

SECONDS = 120


def stream_of(n: int) -> str:
    """The stream of the n-th race."""
    return STREAM if n < LENGTH else f"{STREAM}-{n // LENGTH}"


def context() -> ForkServerContext:
    """Processes that begin with everything imported, from a server without threads."""
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload([__name__, "faults.writing", "crm_adapters.eventlog.postgres"])
    return made


def race(url: str, writer: int, races: int, barrier: Any, results: Any) -> None:
    """Try once in every race; tell how each ended: None if won, else what the conflict said."""
    ends: list[tuple[str, int, int | None] | None] = []
    try:
        log = open_log(url)
        barrier.wait(SECONDS)
        for n in range(races):
            stream = stream_of(n)
            tip = log.tips([stream]).get(stream, Tip())
            barrier.wait(SECONDS)
            try:
                log.append([note(f"w{writer}-{n}", stream, tip, [f"{n}"])])
            except Conflict as error:
                ends.append((error.stream, error.expected, error.actual))
            else:
                ends.append(None)
            # Nobody looks at the tip of the next race before everybody has tried in this one.
            barrier.wait(SECONDS)
        log.close()
        results.put((writer, ends))
    except BaseException as error:
        results.put((writer, repr(error)))
        barrier.abort()
        raise


def run(url: str, writers: int, races: int) -> dict[int, Any]:
    """All races; what each writer tells."""
    open_log(url).close()
    made = context()
    barrier, results = made.Barrier(writers), made.Queue()
    processes = [
        made.Process(target=race, args=(url, n, races, barrier, results)) for n in range(writers)
    ]
    for process in processes:
        process.start()
    found = dict(results.get(timeout=SECONDS + races / 5) for _ in processes)
    for process in processes:
        process.join()
    results.close()
    results.join_thread()
    return found


def check(url: str, found: dict[int, Any], races: int) -> None:
    """Exactly one won each race, the others were told the truth, and nothing was lost."""
    assert not [tale for tale in found.values() if isinstance(tale, str)], found
    with closing(open_log(url)) as log:
        events = list(log.feed())
        assert [(one.stream, one.version) for one in events] == [
            (stream_of(n), n % LENGTH + 1) for n in range(races)
        ]
        assert [one.event.text for one in events] == [str(n) for n in range(races)]
        for n in range(races):
            tales = {writer: ends[n] for writer, ends in found.items()}
            winners = [writer for writer, tale in tales.items() if tale is None]
            assert len(winners) == 1, (n, tales)
            assert events[n].envelope.command == f"w{winners[0]}-{n}"
            told = {tale for tale in tales.values() if tale is not None}
            assert told <= {(stream_of(n), n % LENGTH, n % LENGTH + 1)}, (n, told)
        assert log.verify().intact
