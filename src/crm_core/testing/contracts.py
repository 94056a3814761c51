"""Contract suites for ports: every adapter that passes behaves like every other.

Subclass a contract in a test module of pytest and say how to make the thing:

    class TestMyLog(EventLogContract):
        def make_log(self, catalog):
            return CodecEventLog(MyStore(), Codec(catalog, LocalVault()))

        def reopen(self, log, catalog):
            return CodecEventLog(log.store, Codec(catalog, LocalVault()))

Needs pytest and hypothesis.
"""

from __future__ import annotations

import sys
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import groupby, islice
from threading import Barrier, Event, Thread
from typing import Any, NamedTuple, cast

import pytest
from attrs import frozen
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from crm_core.errors import CommandReused, Conflict, Failed, NotDelivered, UnknownEvent
from crm_core.kernel.catalog import Catalog, EventType
from crm_core.kernel.merkle import MerkleTree
from crm_core.kernel.recorded import (
    Appended,
    Commit,
    Envelope,
    Recorded,
    StreamAppend,
    Tip,
    Verbatim,
)
from crm_core.kernel.sealed import (
    Erased,
    KeyMissing,
    Personal,
    PersonalValue,
    Place,
    Plain,
    Sealed,
    Tampered,
)
from crm_core.ports import EventLog, KeyVault, Notifier, Outgoing

__all__ = [
    "CATALOG",
    "Counted",
    "EventLogContract",
    "KeyVaultContract",
    "Named",
    "Noted",
    "NotifierContract",
]

# --- events of the contract itself ---------------------------------------------------------------


@frozen
class Noted:
    """Something was said."""

    text: str


@frozen
class CountedInYuan:
    """The first version of `Counted`: whole yuan, no date of its own."""

    amount_yuan: int


@frozen
class Counted:
    """Money was counted on a day."""

    amount_fen: int
    day: date | None = None
    text: str | None = None


@frozen
class Amount:
    """What `Counted` counts, without the rest."""

    amount_fen: int


@frozen
class Named:
    """A person said who they are."""

    name: PersonalValue


def _into_fen(data: dict[str, Any]) -> dict[str, Any]:
    return {"amount_fen": data["amount_yuan"] * 100}


_NOTED = EventType("contract.noted", 1, Noted)
_COUNTED = EventType("contract.counted", 2, Counted, "day", {1: _into_fen})
_NAMED = EventType("contract.named", 1, Named)

CATALOG = Catalog([_NOTED, _COUNTED, _NAMED])
"""What the contract writes."""

_FIRST_CATALOG = Catalog([EventType("contract.counted", 1, CountedInYuan)])
_FOREIGN_CATALOG = Catalog([_NOTED, EventType("wave.open", 1, Counted)])
_SMALL_CATALOG = Catalog([_NOTED])

_ROOT = "26516aaa6c68554159de02019f1619de19e7b4e34374d8ee37de36e2f966051d"
"""Root over the digests of `_fixed_commits`, the same on every store for ever."""

_NOON = datetime(2011, 7, 1, 4, 0, tzinfo=UTC)
_DAY = date(2011, 7, 1)


def _envelope(command: str, event: Any, nth: int, recorded: datetime = _NOON) -> Envelope[Any]:
    return Envelope("system:contract", command, event, _DAY, recorded, nth)


def _commit(
    command: str,
    streams: Mapping[str, Sequence[Any]],
    tips: Mapping[str, Tip] | None = None,
    *,
    digest: str = "d",
    household: str = "",
) -> Commit:
    """A command that appends those events to those streams."""
    nth = 0
    appends = []
    for stream, events in streams.items():
        envelopes = []
        for event in events:
            envelopes.append(_envelope(command, event, nth))
            nth += 1
        tip = (tips or {}).get(stream, Tip())
        appends.append(StreamAppend(stream, tip, household, tuple(envelopes)))
    return Commit(command, digest, tuple(appends))


def _notes(*texts: str) -> list[Noted]:
    return [Noted(text) for text in texts]


def _keep(state: tuple[Any, ...], event: Any) -> tuple[Any, ...]:
    return (*state, event)


def _texts(events: Iterable[Recorded[Any]]) -> list[str]:
    return [recorded.event.text for recorded in events]


def _fixed_commits() -> list[Commit]:
    return [
        _commit("c1", {"a/1": _notes("一", "two")}, household="V00001"),
        _commit("c2", {"a/2": [Counted(12700, _DAY, "ü")], "b/星": _notes("\U0001f3e0")}),
        _commit("c3", {"c/1": _notes('"quoted" \\ and \n\t\x00 and \u202e'), "c/2": _notes("")}),
    ]


def _in_threads(*jobs: Callable[[], None]) -> None:
    """Run the jobs at once; the first error of any is raised."""
    errors: list[BaseException] = []

    def run(job: Callable[[], None]) -> None:
        try:
            job()
        except BaseException as error:  # noqa: BLE001 - raised below, in the test's own thread
            errors.append(error)

    threads = [Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


class EventLogContract:
    """What every `EventLog` does (LOG-01, LOG-02, LOG-03).

    A subclass defines `make_log` and `reopen`, as methods that may use what its fixtures set up.
    """

    contiguous = True
    """Whether positions of the log have no gaps; a store that may leave some says False."""

    many = 4_321
    """A number of events that is more than one page of the store."""

    examples: int | None = None
    """How many random histories are tried; None leaves it to the profile of hypothesis."""

    def make_log(self, catalog: Catalog) -> EventLog:
        """A log over a new, empty store."""
        raise NotImplementedError

    def reopen(self, log: EventLog, catalog: Catalog) -> EventLog:
        """The history of `log`, as a program sees it that begins now and knows `catalog`."""
        raise NotImplementedError

    @pytest.fixture
    def log(self) -> Iterator[EventLog]:
        """A new log that knows the events of the contract."""
        log = self.make_log(CATALOG)
        yield log
        log.close()

    def positions(self, log: EventLog) -> list[int]:
        """Where the events stand, the first under index 1; in order, without gaps if so said."""
        found = [0, *(recorded.position for recorded in log.feed())]
        assert found == sorted(set(found))
        if self.contiguous:
            assert found == list(range(len(found)))
        assert log.head() == found[-1]
        return found

    # --- appending (LOG-01) ----------------------------------------------------------------------

    @pytest.mark.rule("LOG-01")
    def test_an_empty_log_has_nothing(self, log: EventLog) -> None:
        assert isinstance(log, EventLog)
        assert log.head() == 0
        assert log.append([]) == []
        assert list(log.feed()) == []
        assert list(log.read("a/1")) == []
        assert list(log.by_household()) == []
        assert list(log.facts()) == []
        assert log.tips(["a/1"]) == {}
        assert log.outcomes(["c1"]) == {}
        assert log.verify().intact
        assert log.verify().root == MerkleTree().root()

    @pytest.mark.rule("LOG-01")
    def test_what_is_appended_is_read_back_whole(self, log: EventLog) -> None:
        envelope = Envelope(
            "specialist:S01",
            "c1",
            Counted(12700, _DAY, "七月"),
            date(2011, 6, 30),
            datetime(2011, 7, 1, 4, 0, 0, 123456, tzinfo=UTC),
            0,
            "c0:3",
            "R1010",
            datetime(2026, 11, 21, tzinfo=UTC),
            "billing",
        )
        [done] = log.append([Commit("c1", "d", (StreamAppend("a/1", Tip(), "V1", (envelope,)),))])
        at = self.positions(log)
        assert done == Appended("c1", "d", at[1], at[1])
        [recorded] = log.read("a/1")
        assert (recorded.position, recorded.stream, recorded.version) == (at[1], "a/1", 1)
        assert (recorded.name, recorded.household) == ("contract.counted/2", "V1")
        assert recorded.envelope == envelope
        assert log.tips(["a/1"]) == {"a/1": Tip(1, recorded.digest)}
        assert list(log.feed()) == [recorded]

    @pytest.mark.rule("LOG-01")
    def test_versions_and_positions_follow_one_another(self, log: EventLog) -> None:
        first = log.append([_commit("c1", {"a/1": _notes("1", "2"), "a/2": _notes("3")})])
        tips = log.tips(["a/1", "a/2", "a/3"])
        second = log.append([_commit("c2", {"a/1": _notes("4")}, tips)])
        assert set(tips) == {"a/1", "a/2"}
        feed = list(log.feed())
        assert [(e.stream, e.version) for e in feed] == [
            ("a/1", 1),
            ("a/1", 2),
            ("a/2", 1),
            ("a/1", 3),
        ]
        at = self.positions(log)
        assert first == [Appended("c1", "d", at[1], at[3])]
        assert second == [Appended("c2", "d", at[4], at[4])]
        assert log.outcomes(["c0", "c1", "c2"]) == {"c1": first[0], "c2": second[0]}
        assert [e.position for e in log.read("a/1")] == [at[1], at[2], at[4]]

    @pytest.mark.rule("LOG-01")
    @pytest.mark.parametrize("at", [0, 1, 3, 7])
    def test_a_stream_that_stands_elsewhere_is_a_conflict(self, log: EventLog, at: int) -> None:
        log.append([_commit("c1", {"a/1": _notes("1", "2")})])
        with pytest.raises(Conflict) as raised:
            log.append([_commit("c2", {"a/1": _notes("no")}, {"a/1": Tip(at)})])
        assert (raised.value.stream, raised.value.expected, raised.value.actual) == ("a/1", at, 2)
        assert raised.value.retry_safe
        assert _texts(log.feed()) == ["1", "2"]
        assert log.outcomes(["c2"]) == {}
        assert log.verify().intact

    @pytest.mark.rule("LOG-01")
    def test_a_new_stream_has_no_version_before_its_first(self, log: EventLog) -> None:
        for at in (-1, 1, 5):
            with pytest.raises(Conflict):
                log.append([_commit(f"c{at}", {"a/1": _notes("no")}, {"a/1": Tip(at)})])
        assert log.head() == 0

    @pytest.mark.rule("LOG-01")
    def test_a_commit_over_several_streams_is_whole_or_nothing(self, log: EventLog) -> None:
        log.append([_commit("c1", {"a/1": _notes("1")})])
        with pytest.raises(Conflict):
            log.append([_commit("c2", {"a/2": _notes("no"), "a/1": _notes("no"), "a/3": []})])
        with pytest.raises(Conflict):
            log.append([_commit("c3", {"a/2": _notes("no")}), _commit("c4", {"a/1": _notes("no")})])
        assert _texts(log.feed()) == ["1"]
        assert log.tips(["a/2", "a/3"]) == {}
        assert log.outcomes(["c2", "c3", "c4"]) == {}

    @pytest.mark.rule("LOG-01")
    def test_several_commits_may_continue_one_stream(self, log: EventLog) -> None:
        done = log.append(
            [
                _commit("c1", {"a/1": _notes("1")}),
                _commit("c2", {"a/1": _notes("2", "3")}, {"a/1": Tip(1)}),
                _commit("c3", {"b/1": _notes("4")}),
            ]
        )
        at = self.positions(log)
        assert [(one.first, one.last) for one in done] == [
            (at[1], at[1]),
            (at[2], at[3]),
            (at[4],) * 2,
        ]
        assert _texts(log.read("a/1")) == ["1", "2", "3"]
        assert log.verify().intact

    @pytest.mark.rule("LOG-01")
    def test_a_repeated_command_appends_nothing_and_returns_the_first_result(
        self, log: EventLog
    ) -> None:
        commit = _commit("c1", {"a/1": _notes("1", "2"), "a/2": _notes("3")})
        [first] = log.append([commit])
        log.append([_commit("c2", {"a/1": _notes("4")}, log.tips(["a/1"]))])
        assert log.append([commit]) == [first]
        # The one who sends again may have read the streams again, too.
        again = _commit("c1", {"a/1": _notes("1", "2")}, log.tips(["a/1"]))
        assert log.append([again]) == [first]
        assert log.append((commit, again)) == [first, first]
        assert len(list(log.feed())) == 4

    @pytest.mark.rule("LOG-01")
    def test_a_repeated_command_is_known_to_a_program_that_begins_later(
        self, log: EventLog
    ) -> None:
        commit = _commit("c1", {"a/1": _notes("1", "2")})
        [first] = log.append([commit])
        later = self.reopen(log, CATALOG)
        assert later.outcomes(["c1"])["c1"].last == first.last
        assert later.append([commit]) == [first]
        assert len(list(later.feed())) == 2

    @pytest.mark.rule("LOG-01")
    def test_known_and_new_commands_come_together(self, log: EventLog) -> None:
        known = _commit("c1", {"a/1": _notes("1")})
        [first] = log.append([known])
        log.append([_commit("c2", {"a/1": _notes("2")}, log.tips(["a/1"]))])
        new = _commit("c3", {"a/1": _notes("3")}, log.tips(["a/1"]))
        done = log.append([known, new])
        assert done == [first, Appended("c3", "d", log.head(), log.head())]
        assert _texts(log.read("a/1")) == ["1", "2", "3"]
        assert log.verify().intact

    @pytest.mark.rule("LOG-01")
    def test_one_call_may_hold_a_command_twice(self, log: EventLog) -> None:
        one = _commit("c1", {"a/1": _notes("1")})
        again = _commit("c1", {"a/2": _notes("1")})
        assert log.append([one, again]) == [Appended("c1", "d", log.head(), log.head())] * 2
        assert _texts(log.feed()) == ["1"]

    @pytest.mark.rule("LOG-01")
    def test_a_command_id_with_another_content_is_refused(self, log: EventLog) -> None:
        log.append([_commit("c1", {"a/1": _notes("1")})])
        other = _commit("c1", {"a/2": _notes("2")}, digest="other")
        with pytest.raises(CommandReused) as raised:
            log.append([other])
        assert raised.value.command == "c1"
        with pytest.raises(CommandReused):
            log.append([_commit("c2", {"a/3": _notes("3")}), other])
        with pytest.raises(CommandReused):
            log.append([_commit("c4", {"a/4": _notes("4")}), _commit("c4", {}, digest="other")])
        assert _texts(log.feed()) == ["1"]

    @pytest.mark.rule("LOG-01")
    def test_a_commit_without_events_adds_nothing(self, log: EventLog) -> None:
        log.append([_commit("c1", {"a/1": _notes("1")})])
        empty = _commit("c2", {})
        [done] = log.append([empty])
        assert (done.command, done.last) == ("c2", done.first - 1)
        assert log.append([empty]) == [done]
        assert [one.command for one in log.append(iter([_commit("c3", {})]))] == ["c3"]
        assert _texts(log.feed()) == ["1"]

    @pytest.mark.rule("LOG-01")
    def test_commits_from_an_iterator_are_appended_together(self, log: EventLog) -> None:
        def commits() -> Iterator[Commit]:
            for n in range(self.many):
                yield _commit(f"c{n}", {f"a/{n % 7}": _notes(str(n))}, {f"a/{n % 7}": Tip(n // 7)})

        done = log.append(commits())
        at = self.positions(log)
        assert [(one.command, one.first, one.last) for one in done] == [
            (f"c{n}", at[n + 1], at[n + 1]) for n in range(self.many)
        ]
        assert len(at) == self.many + 1
        assert log.verify().intact
        # More commands and streams than a database takes values in one statement.
        found = log.outcomes([f"c{n}" for n in range(self.many)])
        assert found == {one.command: one for one in done}
        tips = log.tips([f"a/{n}" for n in range(self.many)])
        assert {stream: tip.version for stream, tip in tips.items()} == {
            f"a/{n}": len(range(n, self.many, 7)) for n in range(7)
        }

    @pytest.mark.rule("LOG-01")
    @pytest.mark.parametrize("share", [0, 0.001, 0.6])
    def test_an_iterator_that_raises_leaves_nothing(self, log: EventLog, share: float) -> None:
        log.append([_commit("c", {"a": _notes("kept")}, household="V1")])

        def commits() -> Iterator[Commit]:
            for n in range(int(share * self.many)):
                yield _commit(f"c{n}", {f"a/{n}": _notes("no")}, household=f"V{n % 2}")
            raise LookupError("the file is damaged")

        with pytest.raises(LookupError, match="the file is damaged"):
            log.append(commits())
        assert _texts(log.feed()) == ["kept"]
        assert log.outcomes(["c0"]) == {}
        assert [household for household, _ in log.by_household()] == ["V1"]
        assert log.append([_commit("c0", {"a/0": _notes("now")})])
        assert log.verify().intact

    @pytest.mark.rule("LOG-01")
    def test_a_conflict_in_an_iterator_leaves_nothing(self, log: EventLog) -> None:
        log.append([_commit("c", {"a": _notes("kept")})])

        def commits(last: Commit) -> Iterator[Commit]:
            for n in range(self.many // 2):
                yield _commit(f"c{n}", {f"a/{n}": _notes("no")})
            yield last

        with pytest.raises(Conflict):
            log.append(commits(_commit("d", {"a": _notes("no")})))
        with pytest.raises(Conflict):
            log.append(commits(_commit("c", {"b": _notes("no")})))
        assert _texts(log.feed()) == ["kept"]

    @pytest.mark.rule("LOG-01", "LOG-03")
    def test_nobody_sees_a_transaction_before_its_end(self, log: EventLog) -> None:
        seen: list[int] = []
        over = Event()

        def look() -> None:
            seen.append(len(list(log.feed(upto=10**9))))
            over.set()

        def commits() -> Iterator[Commit]:
            for n in range(self.many // 2):
                yield _commit(f"c{n}", {f"a/{n}": _notes("")})
            reader.start()
            # A store may also let the reader wait.
            over.wait(0.2)
            yield _commit("last", {"a/last": _notes("")})

        reader = Thread(target=look)
        log.append(commits())
        reader.join()
        assert seen in ([0], [self.many // 2 + 1])

    @pytest.mark.rule("LOG-01")
    def test_of_two_writers_one_wins(self, log: EventLog) -> None:
        log.append([_commit("c", {"a/1": _notes("0")})])
        tips = log.tips(["a/1"])
        won, lost = [], []
        writers = 4
        start = Barrier(writers)

        def write(n: int) -> None:
            commit = _commit(f"c{n}", {f"b/{n}": _notes("b"), "a/1": _notes("a")}, tips)
            start.wait()
            try:
                won.append(log.append([commit]))
            except Conflict as error:
                lost.append(error)

        _in_threads(*(partial(write, n) for n in range(writers)))
        assert (len(won), len(lost)) == (1, writers - 1)
        assert [e.version for e in log.read("a/1")] == [1, 2]
        assert len(self.positions(log)) == 4
        assert log.verify().intact

    # --- reading (LOG-03) ------------------------------------------------------------------------

    @pytest.mark.rule("LOG-03")
    def test_a_stream_is_read_behind_a_version(self, log: EventLog) -> None:
        log.append([_commit("c1", {"a/1": _notes(*"abcde"), "a/11": _notes("x")})])
        for after in range(7):
            assert _texts(log.read("a/1", after=after)) == list("abcde")[after:]
        assert list(log.read("a/")) == []

    @pytest.mark.rule("LOG-03")
    def test_a_fold_is_that_of_what_is_read(self, log: EventLog) -> None:
        assert log.fold("a/1", _keep, ()) == ((), Tip())
        old = self.reopen(log, _FIRST_CATALOG)
        old.append([_commit("c1", {"a/1": [CountedInYuan(127)], "a/2": [CountedInYuan(3)]})])
        events = [Noted("二"), Counted(5, _DAY), Named(Personal("V1#owner", "王小明"))]
        log.append([_commit("c2", {"a/1": events}, log.tips(["a/1"]))])
        state, tip = log.fold("a/1", _keep, ("begun",))
        recorded = list(log.read("a/1"))
        assert state == ("begun", *(e.event for e in recorded))
        assert state[1:4] == (Counted(12700), Noted("二"), Counted(5, _DAY))
        assert tip == Tip(4, recorded[-1].digest) == log.tips(["a/1"])["a/1"]

    @pytest.mark.rule("LOG-03")
    def test_the_feed_has_every_event_once_and_in_order(self, log: EventLog) -> None:
        count = self.many
        events: list[Any] = [Noted(str(n)) if n % 3 else Counted(n) for n in range(count)]
        log.append([_commit("c1", {"a/1": events})])
        assert [e.event for e in log.feed()] == events
        at = self.positions(log)
        end = log.head()
        assert [e.position for e in log.feed(after=at[-6])] == at[-5:]
        assert [e.position for e in log.feed(after=at[3], upto=at[9])] == at[4:10]
        assert [e.position for e in log.feed(upto=end + 10)] == at[1:]
        assert list(log.feed(after=end)) == []
        assert list(log.feed(after=end + 10)) == []
        assert list(log.feed(upto=0)) == []
        assert list(log.feed(after=at[9], upto=at[3])) == []
        counted = list(log.feed(names=["contract.counted/2"]))
        assert [e.event for e in counted] == events[::3]
        both = log.feed(names={"contract.counted/2", "contract.noted/1"}, upto=at[7])
        assert [e.position for e in both] == at[1:8]
        assert list(log.feed(names=[])) == []
        assert list(log.feed(names=["contract.never/1"])) == []

    @pytest.mark.rule("LOG-03")
    def test_a_feed_that_was_begun_ends_where_the_log_ended(self, log: EventLog) -> None:
        log.append([_commit("c1", {"a/1": _notes("1", "2")})])
        feed = log.feed()
        seen = _texts(islice(feed, 1))
        log.append([_commit("c2", {"a/2": _notes("3")})])
        assert seen + _texts(feed) == ["1", "2"]

    @pytest.mark.rule("LOG-03")
    def test_a_reader_beside_many_writers_misses_nothing(self, log: EventLog) -> None:
        writers, each = 4, 25
        over = Event()
        seen: list[Recorded[Any]] = []

        def write(n: int) -> None:
            for version in range(0, each * 2, 2):
                texts = _notes(f"{n}-{version}", f"{n}-{version + 1}")
                tips = log.tips([f"a/{n}"])
                log.append([_commit(f"c{n}-{version}", {f"a/{n}": texts}, tips)])

        def write_all() -> None:
            try:
                _in_threads(*(partial(write, n) for n in range(writers)))
            finally:
                over.set()

        def follow() -> None:
            done = False
            while not done:
                done = over.is_set()
                seen.extend(log.feed(after=seen[-1].position if seen else 0))

        _in_threads(write_all, follow)
        assert len(seen) == writers * each * 2
        assert seen == list(log.feed())
        assert [e.position for e in seen] == self.positions(log)[1:]
        for n in range(writers):
            mine = [e.event.text for e in seen if e.stream == f"a/{n}"]
            assert mine == [f"{n}-{version}" for version in range(each * 2)]

    @pytest.mark.rule("LOG-03")
    def test_households_come_one_after_another(self, log: EventLog) -> None:
        order = ["V2", "v10", "", "V10", "é", "V2", "二", "V1", "V10", "", "\U0001f3e0", "\ufeff"]
        for n, household in enumerate(order):
            stream = f"a/{n % 5}"
            tips = log.tips([stream])
            log.append([_commit(f"c{n}", {stream: _notes(str(n))}, tips, household=household)])
        expected = {
            household: [str(n) for n, other in enumerate(order) if other == household]
            for household in sorted(set(order) - {""})
        }

        def grouped(**options: Any) -> list[tuple[str, list[str]]]:
            return [
                (household, _texts(events)) for household, events in log.by_household(**options)
            ]

        assert grouped() == list(expected.items())
        assert grouped(households=["V2", "V10", "V2", "nobody"]) == [
            ("V10", expected["V10"]),
            ("V2", expected["V2"]),
        ]
        assert grouped(households=[]) == []
        assert grouped(households=[f"V{n}" for n in range(70_000)]) == [
            (household, expected[household]) for household in ("V1", "V10", "V2")
        ]
        assert grouped(upto=self.positions(log)[5]) == [
            ("V10", ["3"]),
            ("V2", ["0"]),
            ("v10", ["1"]),
            ("é", ["4"]),
        ]
        assert grouped(names=["contract.noted/1"]) == list(expected.items())
        assert grouped(names=["contract.counted/2"]) == []
        assert grouped(names=[]) == []

    @pytest.mark.rule("LOG-03")
    def test_facts_are_households_without_their_envelopes(self, log: EventLog) -> None:
        for n in range(9):
            event: Any = Counted(n, _DAY, str(n)) if n % 3 else Noted(str(n))
            stream, at = f"a/{n}", _NOON + timedelta(hours=-n, microseconds=n)
            append = StreamAppend(stream, Tip(), f"V{n % 2}", (_envelope(f"c{n}", event, 0, at),))
            log.append([Commit(f"c{n}", "d", (append,))])
        at_5 = self.positions(log)[5]
        asked: list[dict[str, Any]] = [
            {},
            {"upto": at_5},
            {"names": ["contract.counted/2"]},
            {"names": []},
            {"households": ["V1", "V1", "nobody"]},
        ]
        whole = list(log.facts())
        assert [*log.facts(within=("", "V1")), *log.facts(within=("V1", None))] == whole
        assert list(log.facts(within=("V0", "V1"))) == whole[:1]
        assert list(log.facts(within=("V00", "V1"), upto=at_5)) == []
        for options in asked:
            plain = log.by_household(**options)
            assert list(log.facts(**options)) == [
                (household, [(e.position, e.recorded, e.event) for e in events])
                for household, events in plain
            ]

    @pytest.mark.rule("LOG-03")
    def test_facts_may_come_as_they_are_stored_with_some_of_their_values(
        self, log: EventLog
    ) -> None:
        log.append([_commit("c1", {"a/1": [Counted(7, _DAY, '"七"'), Noted("1")]}, household="V1")])
        [(_, [counted, noted])] = log.facts(heads={"contract.counted/2": Amount})
        [plain, _] = log.read("a/1")
        stored = Verbatim(Amount(7), log.canonical(plain.event))
        assert counted == (plain.position, plain.recorded, stored)
        assert noted[2] == Noted("1")

    @pytest.mark.rule("LOG-03")
    def test_households_are_whole_over_more_than_one_page(self, log: EventLog) -> None:
        def commits() -> Iterator[Commit]:
            for n in range(self.many):
                stream = f"a/{n % 10}"
                yield _commit(
                    f"c{n}",
                    {stream: [Noted(str(n)) if n % 2 else Counted(n, None, str(n))]},
                    {stream: Tip(n // 10)},
                    household=f"V{n % 3}" if n < 300 else "V1",
                )

        log.append(commits())
        numbers = {
            f"V{v}": [str(n) for n in range(self.many) if (n % 3 if n < 300 else 1) == v]
            for v in range(3)
        }
        assert {h: _texts(events) for h, events in log.by_household()} == numbers
        assert {h: [e.text for _, _, e in facts] for h, facts in log.facts()} == numbers
        odd = {h: [n for n in texts if int(n) % 2] for h, texts in numbers.items()}
        some = log.by_household(names=["contract.noted/1"])
        assert {h: _texts(events) for h, events in some} == odd

    @pytest.mark.rule("LOG-03")
    def test_the_cut_off_is_the_last_fact_known(self, log: EventLog) -> None:
        hours = [0, 2, 1, 5, 3]
        for n, hour in enumerate(hours):
            event: Any = Counted(n) if n == 3 else Noted(str(n))
            envelope = _envelope(f"c{n}", event, 0, _NOON + timedelta(hours=hour))
            append = StreamAppend(f"a/{n}", Tip(), "", (envelope,))
            log.append([Commit(f"c{n}", "d", (append,))])
        at = self.positions(log)
        latest = log.cutoff(None, without="nothing.")
        assert (latest.position, latest.known) == (at[5], _NOON + timedelta(hours=5))
        facts = log.cutoff(None, without="contract.counted")
        assert (facts.position, facts.known) == (at[5], _NOON + timedelta(hours=3))
        early = log.cutoff(_NOON + timedelta(hours=1, minutes=30), without="contract.counted")
        assert (early.position, early.known) == (at[3], _NOON + timedelta(hours=1, minutes=30))
        assert log.cutoff(_NOON - timedelta(hours=1), without="nothing.").position == 0

    @pytest.mark.rule("LOG-03")
    @pytest.mark.parametrize(
        "text",
        [
            "",
            "星河小区 1 号楼",
            "\U0001f469\u200d\U0001f467 \U00020bb7",
            "e\u0301 é \u00e9",
            "\u202eabc\ufeff\u2028\u2029\x85",
            "\x00\x01\x1f\x7f",
            '","household":"V9"}',
            '{"digest":"' + "0" * 64 + '"}',
            "'; DROP TABLE crm_events; -- %s ? $1 \\",
            "长" * 20_000,
        ],
    )
    def test_text_comes_back_as_it_was_written(self, log: EventLog, text: str) -> None:
        stream = f"place/{text[:20]}".replace("\x00", "-")
        log.append([_commit("c/命令", {stream: _notes(text)}, household="户一")])
        [recorded] = log.read(stream)
        assert recorded.event == Noted(text)
        assert recorded.household == "户一"
        assert [events for _, events in log.by_household()] == [[recorded]]
        assert set(log.tips([stream])) == {stream}
        assert set(log.outcomes(["c/命令"])) == {"c/命令"}
        assert log.verify().intact

    @pytest.mark.rule("LOG-01")
    def test_a_personal_value_is_sealed_before_it_is_stored(self, log: EventLog) -> None:
        log.append([_commit("c1", {"a/1": [Named(Personal("V1#owner", "王小明"))]})])
        [recorded] = log.read("a/1")
        assert isinstance(recorded.event.name, Sealed)
        assert recorded.event.name.subject == "V1#owner"
        assert "王小明" not in repr(recorded)
        assert "王小明".encode() not in log.canonical(recorded.event)
        assert log.verify().intact

    # --- names (LOG-02) --------------------------------------------------------------------------

    @pytest.mark.rule("LOG-02")
    def test_an_unknown_event_is_reported_and_nothing_is_imported(self, log: EventLog) -> None:
        writer = self.reopen(log, _FOREIGN_CATALOG)
        writer.append([_commit("c1", {"a/1": _notes("1"), "a/2": [Counted(1)]}, household="V1")])
        reader = self.reopen(log, _SMALL_CATALOG)
        assert _texts(reader.read("a/1")) == ["1"]
        modules = set(sys.modules) - {"wave"}
        for read in (
            lambda: list(reader.feed()),
            lambda: list(reader.read("a/2")),
            lambda: list(reader.by_household()),
            lambda: list(reader.facts()),
            lambda: reader.fold("a/2", _keep, ()),
        ):
            with pytest.raises(UnknownEvent) as raised:
                read()
            assert (raised.value.name, raised.value.position) == ("wave.open/1", reader.head())
        assert set(sys.modules) - {"wave"} == modules
        assert _texts(reader.feed(names=["contract.noted/1"])) == ["1"]
        assert reader.verify().intact

    @pytest.mark.rule("LOG-02")
    def test_an_event_that_is_not_in_the_catalog_is_not_written(self, log: EventLog) -> None:
        small = self.reopen(log, _SMALL_CATALOG)
        with pytest.raises(Exception, match="Counted"):
            small.append([_commit("c1", {"a/1": [Noted("1"), Counted(1)]})])
        assert log.head() == 0

    @pytest.mark.rule("LOG-02")
    def test_an_old_version_is_read_in_todays_shape(self, log: EventLog) -> None:
        old = self.reopen(log, _FIRST_CATALOG)
        old.append([_commit("c1", {"a/1": [CountedInYuan(127)]}, household="V1")])
        before = old.verify()
        now = self.reopen(log, CATALOG)
        [recorded] = now.read("a/1")
        assert list(now.facts()) == [("V1", [(recorded.position, _NOON, recorded.event)])]
        assert recorded.event == Counted(12700)
        assert recorded.name == "contract.counted/1"
        assert now.verify() == before

    # --- verifying -------------------------------------------------------------------------------

    @pytest.mark.rule("LOG-03")
    def test_the_same_events_have_the_same_root_on_every_store(self, log: EventLog) -> None:
        log.append(_fixed_commits())
        found = log.verify()
        assert found.intact
        assert found.events == len(list(log.feed()))
        tree = MerkleTree()
        for recorded in log.feed():
            tree.append(recorded.digest.encode())
        assert found.root == tree.root()
        assert found.root == _ROOT

    # --- any history -----------------------------------------------------------------------------

    @pytest.mark.rule("LOG-01", "LOG-03")
    def test_any_history_is_that_of_a_list(self) -> None:
        """Whatever is done, the log answers as a plain list of events would."""
        profile = settings(
            deadline=None, stateful_step_count=12, suppress_health_check=list(HealthCheck)
        )
        if self.examples is not None:
            profile = settings(profile, max_examples=self.examples)
        machine = cast("type[RuleBasedStateMachine]", partial(_LogMachine, self))
        run_state_machine_as_test(machine, settings=profile)


class _Row(NamedTuple):
    stream: str
    version: int
    household: str
    envelope: Envelope[Any]


def _parts(append: StreamAppend) -> tuple[str, Tip, str, tuple[Envelope[Any], ...]]:
    return append.stream, append.tip, append.household, append.events


_STREAMS = ("a/1", "a/10", "A/1", "户/一")
_HOUSEHOLDS = ("", "V1", "V10", "v1", "户一")
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_EVENTS = st.one_of(
    st.builds(Noted, _TEXT),
    st.builds(
        Counted,
        st.integers(-(2**53), 2**53),
        st.none() | st.dates(),
        st.none() | _TEXT,
    ),
)
_DRAFTS = st.lists(
    st.tuples(
        st.lists(
            st.tuples(st.sampled_from(_STREAMS), st.lists(_EVENTS, min_size=1, max_size=3)),
            min_size=1,
            max_size=2,
            unique_by=lambda part: part[0],
        ),
        st.sampled_from(_HOUSEHOLDS),
    ),
    min_size=1,
    max_size=3,
)


class _LogMachine(RuleBasedStateMachine):
    """Drives a log and a list side by side."""

    def __init__(self, contract: EventLogContract) -> None:
        super().__init__()
        self.contiguous = contract.contiguous
        self.log = contract.make_log(CATALOG)
        self.rows: list[_Row] = []
        self.positions: list[int] = []
        self.done: dict[str, tuple[Commit, int, int]] = {}

    def teardown(self) -> None:
        self.log.close()

    # The commits of a draft, each stream continuing where the one before has left it.
    def prepare(self, draft: list[Any]) -> tuple[list[Commit], list[_Row], dict[str, Any]]:
        tips = dict(self.log.tips(_STREAMS))
        commits: list[Commit] = []
        rows: list[_Row] = []
        done: dict[str, Any] = {}
        for parts, household in draft:
            command = f"c{len(self.done) + len(done)}"
            commit = _commit(command, dict(parts), tips, household=household)
            commits.append(commit)
            start = len(self.rows) + len(rows)
            for append in commit.appends:
                version = tips.get(append.stream, Tip()).version
                for envelope in append.events:
                    version += 1
                    rows.append(_Row(append.stream, version, household, envelope))
                tips[append.stream] = Tip(version)
            done[command] = (commit, start, len(self.rows) + len(rows) - 1)
        return commits, rows, done

    def learn(self, results: list[Appended], rows: list[_Row], done: dict[str, Any]) -> None:
        self.rows += rows
        self.done |= done
        last = self.positions[-1] if self.positions else 0
        self.positions += [recorded.position for recorded in self.log.feed(after=last)]
        assert len(self.positions) == len(self.rows)
        assert self.positions == sorted(set(self.positions))
        if self.contiguous:
            assert self.positions == list(range(1, len(self.rows) + 1))
        assert results == [self.result(command) for command in done]

    def result(self, command: str) -> Appended:
        commit, first, last = self.done[command]
        return Appended(command, commit.digest, self.positions[first], self.positions[last])

    @rule(draft=_DRAFTS, lazily=st.booleans())
    def append(self, draft: list[Any], lazily: bool) -> None:
        commits, rows, done = self.prepare(draft)
        self.learn(self.log.append(iter(commits) if lazily else commits), rows, done)

    @rule(draft=_DRAFTS, wrong=st.sampled_from([-1, 1, 2]), data=st.data(), lazily=st.booleans())
    def conflict(self, draft: list[Any], wrong: int, data: st.DataObject, lazily: bool) -> None:
        commits, _, _ = self.prepare(draft)
        at = data.draw(st.integers(0, len(commits) - 1))
        nth = data.draw(st.integers(0, len(commits[at].appends) - 1))
        commit = commits[at]
        appends = list(commit.appends)
        stream, tip, household, events = _parts(appends[nth])
        appends[nth] = StreamAppend(stream, Tip(tip.version + wrong), household, events)
        commits[at] = Commit(commit.command, commit.digest, tuple(appends))
        with pytest.raises(Conflict):
            self.log.append(iter(commits) if lazily else commits)

    @rule(draft=_DRAFTS)
    def interrupt(self, draft: list[Any]) -> None:
        commits, _, _ = self.prepare(draft)

        def interrupted() -> Iterator[Commit]:
            yield from commits
            raise InterruptedError

        with pytest.raises(InterruptedError):
            self.log.append(interrupted())

    @precondition(lambda self: self.done)
    @rule(draft=_DRAFTS, data=st.data(), before=st.booleans())
    def repeat(self, draft: list[Any], data: st.DataObject, before: bool) -> None:
        command = data.draw(st.sampled_from(sorted(self.done)))
        known = self.done[command][0]
        assert self.log.append([known]) == [self.result(command)]
        if before:
            commits, rows, done = self.prepare(draft)
            results = self.log.append([known, *commits])
            assert results[0] == self.result(command)
            self.learn(results[1:], rows, done)

    @precondition(lambda self: self.done)
    @rule(draft=_DRAFTS, data=st.data())
    def reuse(self, draft: list[Any], data: st.DataObject) -> None:
        command = data.draw(st.sampled_from(sorted(self.done)))
        commits, _, _ = self.prepare(draft)
        reused = Commit(command, "other", self.done[command][0].appends)
        with pytest.raises(CommandReused):
            self.log.append([*commits, reused])

    def places(self, rows: Iterable[int]) -> list[tuple[Any, ...]]:
        return [(self.positions[n], *self.rows[n]) for n in rows]

    @staticmethod
    def seen(events: Iterable[Recorded[Any]]) -> list[tuple[Any, ...]]:
        return [(e.position, e.stream, e.version, e.household, e.envelope) for e in events]

    def name(self, n: int) -> str:
        return CATALOG.by_class[type(self.rows[n].envelope.data)].stored

    @rule(
        after=st.integers(0, 12),
        upto=st.none() | st.integers(0, 20),
        names=st.none() | st.sets(st.sampled_from(CATALOG.names())),
        households=st.none() | st.lists(st.sampled_from([*_HOUSEHOLDS[1:], "nobody"])),
    )
    def look(
        self,
        after: int,
        upto: int | None,
        names: set[str] | None,
        households: list[str] | None,
    ) -> None:
        wanted = [
            n
            for n in range(len(self.rows))
            if (upto is None or self.positions[n] <= upto)
            and (names is None or self.name(n) in names)
        ]
        feed = self.log.feed(after=after, upto=upto, names=names)
        assert self.seen(feed) == self.places(n for n in wanted if self.positions[n] > after)
        tagged = sorted(
            (self.rows[n].household, n)
            for n in wanted
            if self.rows[n].household
            and (households is None or self.rows[n].household in households)
        )
        grouped = self.log.by_household(upto=upto, names=names, households=households)
        assert [(household, self.seen(events)) for household, events in grouped] == [
            (household, self.places(n for _, n in group))
            for household, group in groupby(tagged, key=lambda one: one[0])
        ]
        facts = self.log.facts(upto=upto, names=names, households=households)
        told = [
            (self.positions[n], self.rows[n].envelope.recorded, self.rows[n].envelope.data)
            for _, n in tagged
        ]
        assert [fact for _, facts_of in facts for fact in facts_of] == told
        for stream in _STREAMS:
            own = [n for n, row in enumerate(self.rows) if row.stream == stream]
            assert self.seen(self.log.read(stream, after=after)) == self.places(own[after:])
            state, _ = self.log.fold(stream, _keep, ())
            assert state == tuple(self.rows[n].envelope.data for n in own)

    @invariant()
    def ends_where_the_list_ends(self) -> None:
        assert self.log.head() == (self.positions[-1] if self.positions else 0)
        versions = {row.stream: row.version for row in self.rows}
        tips = self.log.tips(_STREAMS)
        assert {stream: tip.version for stream, tip in tips.items()} == versions
        known = self.log.outcomes([*self.done, "never"])
        assert known == {command: self.result(command) for command in self.done}
        found = self.log.verify()
        assert (found.events, found.first_fault) == (len(self.rows), None)


class KeyVaultContract:
    """What every `KeyVault` does (PRV-03, PRV-04).

    A subclass defines `make_vault`. Whether keys outlast the process is the adapter's own test.
    """

    def make_vault(self) -> KeyVault:
        """A new vault without keys."""
        raise NotImplementedError

    @pytest.fixture
    def vault(self) -> Iterator[KeyVault]:
        """A new vault."""
        vault = self.make_vault()
        yield vault
        vault.close()

    place = Place("household/V00001", 3, "name")
    value = Personal("V00001#owner", "王小明 \U0001f469\u200d\U0001f467")

    @pytest.mark.rule("PRV-03")
    @pytest.mark.parametrize("text", ["", "x", "王小明", "\x00\n\U0001f3e0", "长" * 10_000])
    def test_what_was_sealed_is_opened(self, vault: KeyVault, text: str) -> None:
        sealed = vault.seal(Personal("V1", text), self.place)
        assert sealed.subject == "V1"
        assert vault.open(sealed, self.place) == Plain(text)
        vault.flush()
        vault.flush()
        assert vault.open(sealed, self.place) == Plain(text)

    @pytest.mark.rule("PRV-03")
    def test_nothing_of_the_text_shows(self, vault: KeyVault) -> None:
        sealed = vault.seal(self.value, self.place)
        assert self.value.reveal() not in repr(sealed)
        assert self.value.reveal().encode() not in urlsafe_b64decode(sealed.token)
        assert self.value.reveal() not in vault.fingerprint(self.value)

    @pytest.mark.rule("PRV-03")
    def test_equal_values_are_sealed_differently(self, vault: KeyVault) -> None:
        tokens = {vault.seal(self.value, self.place).token for _ in range(20)}
        assert len(tokens) == 20

    @pytest.mark.rule("PRV-03")
    @pytest.mark.parametrize(
        "moved",
        [
            Place("household/V00002", 3, "name"),
            Place("household/V00001", 4, "name"),
            Place("household/V00001", 3, "phone"),
            Place("household/V00001\n3", 3, "name"),
        ],
    )
    def test_a_value_moved_elsewhere_does_not_open(self, vault: KeyVault, moved: Place) -> None:
        sealed = vault.seal(self.value, self.place)
        assert vault.open(sealed, moved) == Tampered()

    @pytest.mark.rule("PRV-03")
    def test_a_value_given_to_another_person_does_not_open(self, vault: KeyVault) -> None:
        sealed = vault.seal(self.value, self.place)
        vault.seal(Personal("V00002#owner", "another"), self.place)
        assert vault.open(Sealed("V00002#owner", sealed.token), self.place) == Tampered()

    @pytest.mark.rule("PRV-03")
    def test_any_changed_byte_is_noticed(self, vault: KeyVault) -> None:
        sealed = vault.seal(self.value, self.place)
        raw = urlsafe_b64decode(sealed.token)
        changed = [
            raw[:at] + bytes([raw[at] ^ 1 << bit]) + raw[at + 1 :]
            for at in range(len(raw))
            for bit in (0, 7)
        ]
        changed += [raw[:at] for at in range(len(raw))] + [raw + b"\0", raw[1:], raw + raw]
        for other in changed:
            token = urlsafe_b64encode(other).decode()
            assert vault.open(Sealed(sealed.subject, token), self.place) == Tampered()

    @pytest.mark.rule("PRV-03")
    @pytest.mark.parametrize("token", ["", "=", "A", "not base64!", "星", "AAAA" * 20])
    def test_what_is_no_token_is_tampered(self, vault: KeyVault, token: str) -> None:
        vault.seal(self.value, self.place)
        assert vault.open(Sealed(self.value.subject, token), self.place) == Tampered()

    @pytest.mark.rule("PRV-03", "PRV-04")
    def test_erased_missing_and_tampered_are_three_results(self, vault: KeyVault) -> None:
        sealed = vault.seal(self.value, self.place)
        elsewhere = Place(self.place.stream, 4, self.place.field)
        other = self.make_vault()
        assert other.open(sealed, self.place) == KeyMissing()
        assert other.open(sealed, elsewhere) == KeyMissing()
        assert vault.open(sealed, elsewhere) == Tampered()
        vault.flush()
        vault.erase(sealed.subject)
        assert vault.open(sealed, self.place) == Erased()
        assert vault.open(sealed, elsewhere) == Erased()
        other.close()

    @pytest.mark.rule("PRV-04")
    def test_an_erased_person_stays_erased(self, vault: KeyVault) -> None:
        sealed = vault.seal(self.value, self.place)
        vault.erase(self.value.subject)
        vault.flush()
        vault.erase(self.value.subject)
        for use in (
            lambda: vault.seal(self.value, self.place),
            lambda: vault.fingerprint(self.value),
        ):
            with pytest.raises(Failed):
                use()
        vault.flush()
        assert vault.open(sealed, self.place) == Erased()

    @pytest.mark.rule("PRV-04")
    def test_a_person_can_be_erased_before_anything_was_sealed(self, vault: KeyVault) -> None:
        vault.erase("V9")
        assert vault.open(Sealed("V9", "AAAA"), self.place) == Erased()
        with pytest.raises(Failed):
            vault.seal(Personal("V9", "text"), self.place)

    @pytest.mark.rule("PRV-04")
    def test_two_persons_are_independent(self, vault: KeyVault) -> None:
        both = [vault.seal(Personal(f"V{n}", "text"), self.place) for n in range(2)]
        vault.flush()
        vault.erase("V0")
        assert vault.open(both[0], self.place) == Erased()
        assert vault.open(both[1], self.place) == Plain("text")
        assert vault.open(vault.seal(Personal("V1", "more"), self.place), self.place) == Plain(
            "more"
        )

    @pytest.mark.rule("PRV-03")
    def test_a_fingerprint_tells_equal_values_of_one_person_only(self, vault: KeyVault) -> None:
        first = vault.fingerprint(self.value)
        vault.flush()
        assert vault.fingerprint(self.value) == first
        vault.seal(self.value, self.place)
        assert vault.fingerprint(self.value) == first
        assert vault.fingerprint(Personal(self.value.subject, "another")) != first
        assert vault.fingerprint(Personal("V00002#owner", self.value.reveal())) != first
        other = self.make_vault()
        assert other.fingerprint(self.value) != first
        other.close()

    @pytest.mark.rule("PRV-04")
    def test_a_fingerprint_is_erased_with_the_key(self, vault: KeyVault) -> None:
        vault.fingerprint(self.value)
        vault.flush()
        vault.erase(self.value.subject)
        with pytest.raises(Failed):
            vault.fingerprint(self.value)

    @pytest.mark.rule("PRV-03")
    def test_many_threads_make_one_key(self, vault: KeyVault) -> None:
        sealed: list[Sealed] = []
        start = Barrier(8)

        def seal() -> None:
            start.wait()
            sealed.append(vault.seal(self.value, self.place))
            vault.flush()

        _in_threads(*[seal] * 8)
        assert {vault.open(one, self.place) for one in sealed} == {Plain(self.value.reveal())}


# --- notifiers -----------------------------------------------------------------------------------

HEADER_INJECTIONS = (
    "subject\r\nBcc: all@example.com",
    "subject\nBcc: all@example.com",
    "subject\rBcc: all@example.com",
    "subject\r\n\r\nanother body",
    "subject\x00",
    "subject\x0b\x0cTo: all@example.com",
    "subject\x85Bcc: all@example.com",
    "subject\u2028Bcc: all@example.com",
    "subject\r\n.\r\nMAIL FROM:<a@example.com>",
)
"""Subjects that would become headers, or another message, if they were taken as they are."""


class NotifierContract:
    """What every notifier promises (OUT-01).

    A subclass says how to make one, and what the other side took.
    """

    ADDRESS = "mei@example.com"
    """An address that the notifier can use."""

    def make(self) -> Notifier:
        """A notifier whose other side takes every message."""
        raise NotImplementedError

    def taken(self) -> list[tuple[str, str]]:
        """Id and text (subject and body) of what the other side took, in order."""
        raise NotImplementedError

    def refusing(self) -> Notifier | None:
        """A notifier whose other side takes nothing, or None if there is no such thing."""
        return None

    def unreachable(self) -> Notifier | None:
        """A notifier whose other side is not there, or None."""
        return None

    def outgoing(self, id: str = "m1", **changes: str) -> Outgoing:
        """A message to somebody."""
        address = changes.pop("address", self.ADDRESS)
        fields = {"subject": "已收到报事 R1010", "body": "您好：\n谢谢 👍 {x} %s", **changes}
        return Outgoing(
            id, "email", "service", "zh", Personal("V1#owner", address), **cast("Any", fields)
        )

    def test_a_message_is_taken_with_its_id_and_its_text(self) -> None:
        outgoing = self.outgoing()
        _told(self.make(), outgoing)
        [(id, text)] = self.taken()
        assert id == "m1"
        assert outgoing.subject in text
        assert all(line in text for line in outgoing.body.splitlines())

    def test_a_message_that_is_sent_again_has_the_same_id(self) -> None:
        notifier = self.make()
        for id in ("m1", "m2", "m1"):
            _told(notifier, self.outgoing(id))
        assert [id for id, _ in self.taken()] == ["m1", "m2", "m1"]

    def test_a_receipt_is_one_line_without_anything_personal(self) -> None:
        outgoing = self.outgoing(body="Dear Ouyang Xiu")
        receipt = self.make().send(outgoing)
        assert 0 < len(receipt) <= 200
        assert receipt.isprintable()
        for secret in (self.ADDRESS, "Ouyang", outgoing.subject):
            assert secret not in receipt

    @pytest.mark.parametrize("subject", HEADER_INJECTIONS)
    def test_a_line_break_in_a_subject_becomes_neither_header_nor_message(
        self, subject: str
    ) -> None:
        try:
            self.make().send(self.outgoing(subject=subject))
        except NotDelivered as error:
            assert error.transient is False, "it will say the same again"  # noqa: PT017
        assert len(self.taken()) <= 1

    def test_nothing_personal_shows_itself(self) -> None:
        outgoing = self.outgoing(body="Dear Ouyang Xiu", subject="for Ouyang Xiu")
        for shown in (repr(outgoing), str(outgoing), repr(self.make())):
            assert self.ADDRESS not in shown
            assert "Ouyang" not in shown

    def test_a_refusal_is_told_as_such_and_names_nobody(self) -> None:
        notifier = self.refusing()
        if notifier is None:
            pytest.skip("nothing refuses here")
        with pytest.raises(NotDelivered) as refused:
            notifier.send(self.outgoing())
        assert self.ADDRESS not in f"{refused.value} {refused.value.as_dict()}"
        assert refused.value.__cause__ is None
        assert self.taken() == []

    def test_what_is_not_there_today_may_be_there_tomorrow(self) -> None:
        notifier = self.unreachable()
        if notifier is None:
            pytest.skip("it is always there")
        with pytest.raises(NotDelivered) as refused:
            notifier.send(self.outgoing())
        assert refused.value.transient

    def test_closing_it_twice_is_allowed(self) -> None:
        notifier = self.make()
        notifier.close()
        notifier.close()


def _told(notifier: Notifier, outgoing: Outgoing) -> None:
    assert notifier.send(outgoing), "a receipt says something"
