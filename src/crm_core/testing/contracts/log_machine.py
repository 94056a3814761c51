"""Any history at all: a log and a plain list of events, driven side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any, NamedTuple

import pytest
from attrs import evolve
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from crm_core.errors import CommandReused, Conflict
from crm_core.kernel.recorded import Appended, Commit, Envelope, Recorded, Tip
from crm_core.ports import EventLog
from crm_core.testing.contracts.events import CATALOG, Counted, Noted, commit_of, kept
from crm_core.testing.contracts.logs import OfLogs


class _Row(NamedTuple):
    stream: str
    version: int
    household: str
    envelope: Envelope[Any]


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


class LogMachine(RuleBasedStateMachine):
    """Drives a log and a list side by side."""

    def __init__(self, contract: OfLogs) -> None:
        super().__init__()
        self.contiguous: bool = contract.contiguous
        self.log: EventLog = contract.make_log(CATALOG)
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
            commit = commit_of(command, dict(parts), tips, household=household)
            commits.append(commit)
            start = len(self.rows) + len(rows)
            for append in commit.appends:
                version = tips.get(append.stream, Tip()).version
                for envelope in append.events:
                    version += 1
                    first = len(self.rows) + len(rows) == start
                    kept_so = evolve(envelope, command_digest=commit.digest) if first else envelope
                    rows.append(_Row(append.stream, version, household, kept_so))
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
        tip = Tip(appends[nth].tip.version + wrong)
        appends[nth] = appends[nth]._replace(tip=tip)
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
            state, _ = self.log.fold(stream, kept, ())
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
