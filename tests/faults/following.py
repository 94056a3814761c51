"""Writers with random delays at their commits, and followers beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from random import Random
from threading import Event, Thread
from time import sleep

import psycopg
from attrs import define, field

from crm_adapters.eventlog.database import Database
from crm_adapters.eventlog.log import CodecEventLog
from faults.logs import batch, in_threads, note, open_log

DELAY_SECONDS = 0.004
"""The longest a commit is held back."""

DELAYED_COMMITS = f"""
CREATE FUNCTION delay() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    PERFORM pg_sleep(random() * {DELAY_SECONDS}); RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER delay AFTER INSERT ON crm_events DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.version = 1) EXECUTE FUNCTION delay()
"""
"""Holds back each transaction while it commits; every command writes one new stream."""


@define
class Follower:
    """Reads along; `follow` of our own, or a planted defect in its place."""

    log: CodecEventLog
    follow: Callable[[CodecEventLog, Event], Iterator[tuple[int, str]]]
    seen: list[tuple[int, str]] = field(factory=list)

    def run(self, stop: Event) -> None:
        for one in self.follow(self.log, stop):
            self.seen.append(one)


def following(log: CodecEventLog, stop: Event) -> Iterator[tuple[int, str]]:
    for one in log.follow(stop=stop, poll_seconds=0.1):
        yield one.position, one.event.text


def naive(log: CodecEventLog, stop: Event) -> Iterator[tuple[int, str]]:
    """A planted defect: whatever is visible is taken for final."""
    after = 0
    while not stop.is_set():
        for one in log.feed(after=after, upto=2**62):
            after = one.position
            yield one.position, one.event.text
        sleep(0.001)


def hasty(log: CodecEventLog, stop: Event) -> Iterator[tuple[int, str]]:
    """A planted defect: progress is that of the log and not of what was read."""
    after = 0
    while not stop.is_set():
        for one in log.feed(after=after):
            yield one.position, one.event.text
        after = log.head()
        sleep(0.001)


def write(
    log: CodecEventLog, writer: int, commands: int, random: Random, pause: Callable[[], None]
) -> None:
    """Commands of one to nine events, each in a stream of its own, some of them in bulk."""
    for n in range(commands):
        name = f"w{writer}-{n}"
        texts = [f"{name}-{e}" for e in range(1 + random.randrange(9))]
        if random.random() < 0.1:
            log.append(iter([note(name, name, texts=texts)]))
        elif isinstance(log.store, Database) and log.store.mark == "?":
            with log.store.transaction() as transaction:
                transaction.insert(batch(note(name, name, texts=texts)))
                pause()
        else:
            log.append([note(name, name, texts=texts)])


def run(
    urls: Sequence[str],
    *,
    events: int,
    random: Random,
    writers: int = 8,
    readers: int = 4,
    follow: Callable[[CodecEventLog, Event], Iterator[tuple[int, str]]] = following,
    patience: float = 1.0,
) -> tuple[list[list[tuple[int, str]]], list[tuple[int, str]]]:
    """Run it; what each follower saw, and what is true.

    Args:
        urls: The same log; each writer and reader takes one of them in turn.
        events: About how many events are written.
        patience: Seconds given to followers behind the last commit.
    """
    if urls[0].startswith("postgresql"):
        open_log(urls[0]).close()
        with psycopg.connect(urls[0], autocommit=True) as connection:
            connection.execute(DELAYED_COMMITS)
    shared = [open_log(url) for url in (*urls, *urls)]
    commands = events // writers // 5
    stop = Event()
    followers = [Follower(open_log(urls[n % len(urls)]), follow) for n in range(readers)]
    threads = [Thread(target=f.run, args=(stop,)) for f in followers]
    for thread in threads:
        thread.start()
    randoms = [Random(random.random()) for _ in range(writers)]
    try:
        in_threads(
            [
                partial(
                    write,
                    shared[n % len(shared)],
                    n,
                    commands,
                    randoms[n],
                    lambda r=randoms[n]: sleep(r.random() * DELAY_SECONDS / 8),
                )
                for n in range(writers)
            ]
        )
        truth = [(one.position, one.event.text) for one in shared[0].feed()]
        for _ in range(int(patience * 100)):
            if all(len(f.seen) >= len(truth) for f in followers):
                break
            sleep(0.01)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        for log in (*shared, *(f.log for f in followers)):
            log.close()
    return [f.seen for f in followers], truth
