"""The part of the contract of logs about reading (LOG-03)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from itertools import islice
from threading import Event
from typing import Any

import pytest

from crm_core.kernel.merkle import MerkleTree
from crm_core.kernel.recorded import Commit, Cutoff, Recorded, StreamAppend, Tip, Verbatim
from crm_core.kernel.sealed import Personal, Sealed
from crm_core.ports import EventLog, Root
from crm_core.testing.contracts.events import (
    DAY,
    FIRST_CATALOG,
    NOON,
    Amount,
    Counted,
    CountedInYuan,
    Graded,
    Named,
    Noted,
    commit_of,
    envelope_of,
    in_threads,
    kept,
    noted,
    texts_of,
)
from crm_core.testing.contracts.logs import OfLogs


class ReadingContract(OfLogs):
    """What every `EventLog` gives to read, and in which order (LOG-03)."""

    @pytest.mark.rule("LOG-03")
    def test_a_stream_is_read_behind_a_version(self, log: EventLog) -> None:
        log.append([commit_of("c1", {"a/1": noted(*"abcde"), "a/11": noted("x")})])
        for after in range(7):
            assert texts_of(log.read("a/1", after=after)) == list("abcde")[after:]
        assert list(log.read("a/")) == []

    @pytest.mark.rule("LOG-03")
    def test_a_fold_is_that_of_what_is_read(self, log: EventLog) -> None:
        assert log.fold("a/1", kept, ()) == ((), Tip())
        old = self.reopen(log, FIRST_CATALOG)
        old.append([commit_of("c1", {"a/1": [CountedInYuan(127)], "a/2": [CountedInYuan(3)]})])
        events = [Noted("二"), Counted(5, DAY), Named(Personal("V1#owner", "王小明"))]
        log.append([commit_of("c2", {"a/1": events}, log.tips(["a/1"]))])
        state, tip = log.fold("a/1", kept, ("begun",))
        recorded = list(log.read("a/1"))
        assert state == ("begun", *(e.event for e in recorded))
        assert state[1:4] == (Counted(12700), Noted("二"), Counted(5, DAY))
        assert tip == Tip(4, recorded[-1].digest) == log.tips(["a/1"])["a/1"]

    @pytest.mark.rule("LOG-03")
    def test_the_feed_has_every_event_once_and_in_order(self, log: EventLog) -> None:
        count = self.many
        events: list[Any] = [Noted(str(n)) if n % 3 else Counted(n) for n in range(count)]
        log.append(
            [
                commit_of(f"c{n}", {"a/1": [event]}, {"a/1": Tip(n)})
                for n, event in enumerate(events)
            ]
        )
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
    def test_an_event_is_known_by_its_digest_whoever_can_read_it(self, log: EventLog) -> None:
        log.append([commit_of("c1", {"a/1": noted(*"abc"), "b/1": noted("x")})])
        events = list(log.feed())
        for reader in (log, self.reopen(log, FIRST_CATALOG)):
            assert [reader.identity(one.position) for one in events] == [
                one.digest for one in events
            ]
            end = log.head()
            assert [reader.identity(position) for position in (0, end + 1, end + 999)] == [None] * 3
            told = [(one.position, one.household, one.digest) for one in events]
            assert list(reader.digests()) == told
            assert list(reader.digests(after=told[0][0], upto=told[2][0])) == told[1:3]
            assert list(reader.digests(names=())) == []

    @pytest.mark.rule("LOG-03")
    def test_a_feed_that_was_begun_ends_where_the_log_ended(self, log: EventLog) -> None:
        log.append([commit_of("c1", {"a/1": noted("1", "2")})])
        feed = log.feed()
        seen = texts_of(islice(feed, 1))
        log.append([commit_of("c2", {"a/2": noted("3")})])
        assert seen + texts_of(feed) == ["1", "2"]

    @pytest.mark.rule("LOG-03")
    def test_a_reader_beside_many_writers_misses_nothing(self, log: EventLog) -> None:
        writers, each = 4, 25
        over = Event()
        seen: list[Recorded[Any]] = []

        def write(n: int) -> None:
            for version in range(0, each * 2, 2):
                texts = noted(f"{n}-{version}", f"{n}-{version + 1}")
                tips = log.tips([f"a/{n}"])
                log.append([commit_of(f"c{n}-{version}", {f"a/{n}": texts}, tips)])

        def write_all() -> None:
            try:
                in_threads(*(partial(write, n) for n in range(writers)))
            finally:
                over.set()

        def follow() -> None:
            done = False
            while not done:
                done = over.is_set()
                seen.extend(log.feed(after=seen[-1].position if seen else 0))

        in_threads(write_all, follow)
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
            log.append([commit_of(f"c{n}", {stream: noted(str(n))}, tips, household=household)])
        expected = {
            household: [str(n) for n, other in enumerate(order) if other == household]
            for household in sorted(set(order) - {""})
        }

        def grouped(**options: Any) -> list[tuple[str, list[str]]]:
            return [
                (household, texts_of(events)) for household, events in log.by_household(**options)
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
            event: Any = Counted(n, DAY, str(n)) if n % 3 else Noted(str(n))
            stream, at = f"a/{n}", NOON + timedelta(hours=-n, microseconds=n)
            append = StreamAppend(stream, Tip(), f"V{n % 2}", (envelope_of(f"c{n}", event, 0, at),))
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
        log.append(
            [commit_of("c1", {"a/1": [Counted(7, DAY, '"七"'), Noted("1")]}, household="V1")]
        )
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
                yield commit_of(
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
        assert {h: texts_of(events) for h, events in log.by_household()} == numbers
        assert {h: [e.text for _, _, e in facts] for h, facts in log.facts()} == numbers
        odd = {h: [n for n in texts if int(n) % 2] for h, texts in numbers.items()}
        some = log.by_household(names=["contract.noted/1"])
        assert {h: texts_of(events) for h, events in some} == odd

    @pytest.mark.rule("LOG-03")
    def test_the_cut_off_is_the_last_fact_known(self, log: EventLog) -> None:
        hours = [0, 2, 1, 5, 3]
        for n, hour in enumerate(hours):
            event: Any = Counted(n) if n == 3 else Noted(str(n))
            envelope = envelope_of(f"c{n}", event, 0, NOON + timedelta(hours=hour))
            append = StreamAppend(f"a/{n}", Tip(), "", (envelope,))
            log.append([Commit(f"c{n}", "d", (append,))])
        at = self.positions(log)
        latest = log.cutoff(None, without="nothing.")
        assert (latest.position, latest.known) == (at[5], NOON + timedelta(hours=5))
        facts = log.cutoff(None, without="contract.counted")
        assert (facts.position, facts.known) == (at[5], NOON + timedelta(hours=3))
        early = log.cutoff(NOON + timedelta(hours=1, minutes=30), without="contract.counted")
        assert (early.position, early.known) == (at[3], NOON + timedelta(hours=1, minutes=30))
        assert log.cutoff(NOON - timedelta(hours=1), without="nothing.").position == 0

    @pytest.mark.rule("LOG-03", "GRD-12", "GRD-17")
    def test_in_a_long_log_the_cut_off_is_that_of_all_its_facts(self, log: EventLog) -> None:
        """Also where imports tell late what was known early, and gradings stand among the facts."""
        self.append_for_months(log)
        facts = [
            (e.position, e.envelope.recorded) for e in log.feed() if type(e.event) is not Graded
        ]
        last = max(position for position, _ in facts)
        assert log.cutoff(None, without="gradings.") == Cutoff(last, max(at for _, at in facts))
        for day in (-1, 0, 1, 7, 40, 99, 150, 299, 300, 400):
            known = NOON + timedelta(days=day, hours=1)
            seen = max((position for position, at in facts if at <= known), default=0)
            cutoff = log.cutoff(known, without="gradings.")
            assert cutoff == Cutoff(seen, known)
            for other in (-1, 0, 40, 150, 400):
                by = NOON + timedelta(days=other)
                for one in (cutoff, Cutoff(seen // 2, known), Cutoff(seen, NOON)):
                    beyond = sum(at <= by and not one.saw(place, at) for place, at in facts)
                    assert log.unseen(one, by, without="gradings.") == beyond

    @pytest.mark.rule("LOG-04")
    def test_every_position_has_the_root_of_all_events_up_to_it(self, log: EventLog) -> None:
        assert log.root() == Root(0, MerkleTree().root())
        self.append_for_months(log)
        tree, roots = MerkleTree(), [(0, MerkleTree().root())]
        for recorded in log.feed():
            tree.append(recorded.digest.encode())
            roots.append((recorded.position, tree.root()))
        found = log.verify()
        assert log.root() == Root(found.events, found.root)
        for events in {0, 1, 2, 255, 256, 257, 511, 512, 700, self.many - 1, self.many}:
            if events <= self.many:
                position, root = roots[events]
                assert log.root(position) == Root(events, root)
        assert log.root(log.head() + 1000) == log.root()
        # Nothing that comes later changes what was.
        log.append([commit_of("last", {"last/1": noted("later")})])
        assert log.root(roots[-1][0]) == Root(self.many, roots[-1][1])
        assert log.root().events == self.many + 1

    def append_for_months(self, log: EventLog) -> None:
        """As many events as the contract calls many, by fits and starts, told in no order."""

        def commits(first: int, before: int) -> Iterator[Commit]:
            tips = log.tips([f"a/{n}" for n in range(10)])
            for n in range(first, before):
                day = n % 300 if n % 1000 > 700 else (n * 300) // self.many
                event: Any = Graded("A") if n % 5 == 4 or 1500 < n < 1900 else Noted(str(n))
                told = envelope_of(f"c{n}", event, 0, NOON + timedelta(days=day, microseconds=n))
                stream = f"a/{n % 10}"
                tip = tips.get(stream, Tip())
                yield Commit(f"c{n}", "d", (StreamAppend(stream, tip, "", (told,)),))
                tips[stream] = Tip(tip.version + 1)

        for first, before in ((0, 3), (3, 300), (300, self.many)):
            log.append(commits(first, before))

    @pytest.mark.rule("LOG-03", "GRD-17")
    def test_what_lies_beyond_a_cut_off_is_counted(self, log: EventLog) -> None:
        """Behind its position or behind its instant, if it was recorded by then; facts alone."""
        for n, hour in enumerate([0, 2, 1, 5, 3]):
            event: Any = Counted(n) if n == 3 else Noted(str(n))
            envelope = envelope_of(f"c{n}", event, 0, NOON + timedelta(hours=hour))
            append = StreamAppend(f"a/{n}", Tip(), "", (envelope,))
            log.append([Commit(f"c{n}", "d", (append,))])
        at = self.positions(log)

        def unseen(
            position: int, known: float, by: float, without: str = "contract.counted"
        ) -> int:
            cutoff = Cutoff(position, NOON + timedelta(hours=known))
            return log.unseen(cutoff, NOON + timedelta(hours=by), without=without)

        assert unseen(at[5], 9, 9) == 0
        assert unseen(at[3], 9, 9) == 1  # the note of the third hour lies behind the position
        assert unseen(at[3], 9, 9, without="nothing.") == 2
        assert unseen(at[3], 9, 2) == 0  # it was not recorded by then
        assert unseen(at[3], 9, 3) == 1  # that very instant counts
        assert unseen(at[5], 1, 9) == 2  # known later than the instant, though before the position
        assert unseen(at[5], 1, 2) == 1
        assert unseen(0, 9, 9) == 4

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
        log.append([commit_of("c/命令", {stream: noted(text)}, household="户一")])
        [recorded] = log.read(stream)
        assert recorded.event == Noted(text)
        assert recorded.household == "户一"
        assert [events for _, events in log.by_household()] == [[recorded]]
        assert set(log.tips([stream])) == {stream}
        assert set(log.outcomes(["c/命令"])) == {"c/命令"}
        assert log.verify().intact

    @pytest.mark.rule("LOG-01")
    def test_a_personal_value_is_sealed_before_it_is_stored(self, log: EventLog) -> None:
        log.append([commit_of("c1", {"a/1": [Named(Personal("V1#owner", "王小明"))]})])
        [recorded] = log.read("a/1")
        assert isinstance(recorded.event.name, Sealed)
        assert recorded.event.name.subject == "V1#owner"
        assert "王小明" not in repr(recorded)
        assert "王小明".encode() not in log.canonical(recorded.event)
        assert log.verify().intact
