"""The part of the contract of logs about appending (LOG-01)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import partial
from threading import Barrier, Event, Thread

import pytest
from attrs import evolve

from crm_core.errors import CommandReused, Conflict
from crm_core.kernel.merkle import MerkleTree
from crm_core.kernel.recorded import Appended, Commit, Envelope, StreamAppend, Tip
from crm_core.kernel.sealed import Sealed
from crm_core.ports import EventLog
from crm_core.testing.contracts.events import (
    CATALOG,
    DAY,
    Counted,
    commit_of,
    in_threads,
    noted,
    texts_of,
)
from crm_core.testing.contracts.logs import OfLogs


class AppendingContract(OfLogs):
    """What every `EventLog` does when something is appended (LOG-01)."""

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
            actor="specialist:S01",
            command="c1",
            data=Counted(12700, DAY, "七月"),
            effective=date(2011, 6, 30),
            recorded=datetime(2011, 7, 1, 4, 0, 0, 123456, tzinfo=UTC),
            nth=0,
            causation="c0:3",
            correlation="R1010",
            imported=datetime(2026, 11, 21, tzinfo=UTC),
            purpose="billing",
        )
        [done] = log.append([Commit("c1", "d", (StreamAppend("a/1", Tip(), "V1", (envelope,)),))])
        at = self.positions(log)
        assert done == Appended("c1", "d", at[1], at[1])
        [recorded] = log.read("a/1")
        assert (recorded.position, recorded.stream, recorded.version) == (at[1], "a/1", 1)
        assert (recorded.name, recorded.household) == ("contract.counted/2", "V1")
        purpose = recorded.envelope.purpose
        assert isinstance(purpose, Sealed), "what people type is stored sealed (PRV-02)"
        assert recorded.envelope == evolve(envelope, command_digest="d", purpose=purpose)
        assert log.tips(["a/1"]) == {"a/1": Tip(1, recorded.digest)}
        assert list(log.feed()) == [recorded]

    @pytest.mark.rule("LOG-01")
    def test_versions_and_positions_follow_one_another(self, log: EventLog) -> None:
        first = log.append([commit_of("c1", {"a/1": noted("1", "2"), "a/2": noted("3")})])
        tips = log.tips(["a/1", "a/2", "a/3"])
        second = log.append([commit_of("c2", {"a/1": noted("4")}, tips)])
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
        log.append([commit_of("c1", {"a/1": noted("1", "2")})])
        with pytest.raises(Conflict) as raised:
            log.append([commit_of("c2", {"a/1": noted("no")}, {"a/1": Tip(at)})])
        assert (raised.value.stream, raised.value.expected, raised.value.actual) == ("a/1", at, 2)
        assert raised.value.retry_safe
        assert texts_of(log.feed()) == ["1", "2"]
        assert log.outcomes(["c2"]) == {}
        assert log.verify().intact

    @pytest.mark.rule("LOG-01")
    def test_a_new_stream_has_no_version_before_its_first(self, log: EventLog) -> None:
        for at in (-1, 1, 5):
            with pytest.raises(Conflict):
                log.append([commit_of(f"c{at}", {"a/1": noted("no")}, {"a/1": Tip(at)})])
        assert log.head() == 0

    @pytest.mark.rule("LOG-01")
    def test_a_commit_over_several_streams_is_whole_or_nothing(self, log: EventLog) -> None:
        log.append([commit_of("c1", {"a/1": noted("1")})])
        with pytest.raises(Conflict):
            log.append([commit_of("c2", {"a/2": noted("no"), "a/1": noted("no"), "a/3": []})])
        with pytest.raises(Conflict):
            log.append(
                [commit_of("c3", {"a/2": noted("no")}), commit_of("c4", {"a/1": noted("no")})]
            )
        assert texts_of(log.feed()) == ["1"]
        assert log.tips(["a/2", "a/3"]) == {}
        assert log.outcomes(["c2", "c3", "c4"]) == {}

    @pytest.mark.rule("LOG-01")
    def test_several_commits_may_continue_one_stream(self, log: EventLog) -> None:
        done = log.append(
            [
                commit_of("c1", {"a/1": noted("1")}),
                commit_of("c2", {"a/1": noted("2", "3")}, {"a/1": Tip(1)}),
                commit_of("c3", {"b/1": noted("4")}),
            ]
        )
        at = self.positions(log)
        assert [(one.first, one.last) for one in done] == [
            (at[1], at[1]),
            (at[2], at[3]),
            (at[4],) * 2,
        ]
        assert texts_of(log.read("a/1")) == ["1", "2", "3"]
        assert log.verify().intact

    @pytest.mark.rule("LOG-01")
    def test_a_repeated_command_appends_nothing_and_returns_the_first_result(
        self, log: EventLog
    ) -> None:
        commit = commit_of("c1", {"a/1": noted("1", "2"), "a/2": noted("3")})
        [first] = log.append([commit])
        log.append([commit_of("c2", {"a/1": noted("4")}, log.tips(["a/1"]))])
        assert log.append([commit]) == [first]
        # The one who sends again may have read the streams again, too.
        again = commit_of("c1", {"a/1": noted("1", "2")}, log.tips(["a/1"]))
        assert log.append([again]) == [first]
        assert log.append((commit, again)) == [first, first]
        assert len(list(log.feed())) == 4

    @pytest.mark.rule("LOG-01")
    def test_a_repeated_command_is_known_to_a_program_that_begins_later(
        self, log: EventLog
    ) -> None:
        commit = commit_of("c1", {"a/1": noted("1", "2")})
        [first] = log.append([commit])
        later = self.reopen(log, CATALOG)
        assert later.outcomes(["c1"])["c1"].last == first.last
        assert later.append([commit]) == [first]
        assert len(list(later.feed())) == 2

    @pytest.mark.rule("LOG-01")
    def test_known_and_new_commands_come_together(self, log: EventLog) -> None:
        known = commit_of("c1", {"a/1": noted("1")})
        [first] = log.append([known])
        log.append([commit_of("c2", {"a/1": noted("2")}, log.tips(["a/1"]))])
        new = commit_of("c3", {"a/1": noted("3")}, log.tips(["a/1"]))
        done = log.append([known, new])
        assert done == [first, Appended("c3", "d", log.head(), log.head())]
        assert texts_of(log.read("a/1")) == ["1", "2", "3"]
        assert log.verify().intact

    @pytest.mark.rule("LOG-01")
    def test_one_call_may_hold_a_command_twice(self, log: EventLog) -> None:
        one = commit_of("c1", {"a/1": noted("1")})
        again = commit_of("c1", {"a/2": noted("1")})
        assert log.append([one, again]) == [Appended("c1", "d", log.head(), log.head())] * 2
        assert texts_of(log.feed()) == ["1"]

    @pytest.mark.rule("LOG-01")
    def test_a_command_id_with_another_content_is_refused(self, log: EventLog) -> None:
        log.append([commit_of("c1", {"a/1": noted("1")})])
        other = commit_of("c1", {"a/2": noted("2")}, digest="other")
        with pytest.raises(CommandReused) as raised:
            log.append([other])
        assert raised.value.command == "c1"
        with pytest.raises(CommandReused):
            log.append([commit_of("c2", {"a/3": noted("3")}), other])
        with pytest.raises(CommandReused):
            log.append([commit_of("c4", {"a/4": noted("4")}), commit_of("c4", {}, digest="other")])
        assert texts_of(log.feed()) == ["1"]

    @pytest.mark.rule("LOG-01")
    def test_a_commit_without_events_adds_nothing(self, log: EventLog) -> None:
        log.append([commit_of("c1", {"a/1": noted("1")})])
        empty = commit_of("c2", {})
        [done] = log.append([empty])
        assert (done.command, done.last) == ("c2", done.first - 1)
        assert log.append([empty]) == [done]
        assert [one.command for one in log.append(iter([commit_of("c3", {})]))] == ["c3"]
        assert texts_of(log.feed()) == ["1"]

    @pytest.mark.rule("LOG-01")
    def test_commits_from_an_iterator_are_appended_together(self, log: EventLog) -> None:
        def commits() -> Iterator[Commit]:
            for n in range(self.many):
                yield commit_of(f"c{n}", {f"a/{n % 7}": noted(str(n))}, {f"a/{n % 7}": Tip(n // 7)})

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
        log.append([commit_of("c", {"a": noted("kept")}, household="V1")])

        def commits() -> Iterator[Commit]:
            for n in range(int(share * self.many)):
                yield commit_of(f"c{n}", {f"a/{n}": noted("no")}, household=f"V{n % 2}")
            raise LookupError("the file is damaged")

        with pytest.raises(LookupError, match="the file is damaged"):
            log.append(commits())
        assert texts_of(log.feed()) == ["kept"]
        assert log.outcomes(["c0"]) == {}
        assert [household for household, _ in log.by_household()] == ["V1"]
        assert log.append([commit_of("c0", {"a/0": noted("now")})])
        assert log.verify().intact

    @pytest.mark.rule("LOG-01")
    def test_a_conflict_in_an_iterator_leaves_nothing(self, log: EventLog) -> None:
        log.append([commit_of("c", {"a": noted("kept")})])

        def commits(last: Commit) -> Iterator[Commit]:
            for n in range(self.many // 2):
                yield commit_of(f"c{n}", {f"a/{n}": noted("no")})
            yield last

        with pytest.raises(Conflict):
            log.append(commits(commit_of("d", {"a": noted("no")})))
        with pytest.raises(Conflict):
            log.append(commits(commit_of("c", {"b": noted("no")})))
        assert texts_of(log.feed()) == ["kept"]

    @pytest.mark.rule("LOG-01", "LOG-03")
    def test_nobody_sees_a_transaction_before_its_end(self, log: EventLog) -> None:
        seen: list[int] = []
        over = Event()

        def look() -> None:
            seen.append(len(list(log.feed(upto=10**9))))
            over.set()

        def commits() -> Iterator[Commit]:
            for n in range(self.many // 2):
                yield commit_of(f"c{n}", {f"a/{n}": noted("")})
            reader.start()
            # A store may also let the reader wait.
            over.wait(0.2)
            yield commit_of("last", {"a/last": noted("")})

        reader = Thread(target=look)
        log.append(commits())
        reader.join()
        assert seen in ([0], [self.many // 2 + 1])

    @pytest.mark.rule("LOG-01")
    def test_of_two_writers_one_wins(self, log: EventLog) -> None:
        log.append([commit_of("c", {"a/1": noted("0")})])
        tips = log.tips(["a/1"])
        won, lost = [], []
        writers = 4
        start = Barrier(writers)

        def write(n: int) -> None:
            commit = commit_of(f"c{n}", {f"b/{n}": noted("b"), "a/1": noted("a")}, tips)
            start.wait()
            try:
                won.append(log.append([commit]))
            except Conflict as error:
                lost.append(error)

        in_threads(*(partial(write, n) for n in range(writers)))
        assert (len(won), len(lost)) == (1, writers - 1)
        assert [e.version for e in log.read("a/1")] == [1, 2]
        assert len(self.positions(log)) == 4
        assert log.verify().intact
