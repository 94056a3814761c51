"""Contract suite for the port `Views`: every store of views behaves like every other.

    class TestMyViews(ViewsContract):
        def make_log(self, catalog):
            return CodecEventLog(MemoryStore(), Codec(catalog, LocalVault()))

        def reopen(self, log, catalog):
            return CodecEventLog(log.store, Codec(catalog, LocalVault()))

        def make_views(self, log, batch):
            return LogViews(log, MyViewStore(...), SystemClock(), batch=batch)

Needs pytest and hypothesis.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm_core.errors import Invalid, ViewNotReady
from crm_core.kernel.projection import Projection, Put, Remove, Rows
from crm_core.kernel.recorded import Recorded, Unreadable
from crm_core.kernel.ticking import ParkedRow
from crm_core.kernel.values import frozen
from crm_core.ports import EventLog, Views
from crm_core.testing.contracts.consumers import ConsumersContract
from crm_core.testing.contracts.events import CATALOG, FOREIGN_CATALOG, Counted, Noted, in_threads
from crm_core.testing.contracts.tally import (
    NOTED,
    TALLY,
    Tally,
    append_one,
    dict_of,
    log_place,
    note,
    scan,
    status_of,
    tallied,
    tally,
)


@frozen
class _Other:
    """A row of another shape."""

    amount: int


def _failing(view: Projection[Any], fails: Callable[[Recorded[Any]], bool]) -> Projection[Any]:
    """The view with a mistake: for some events it raises, half way through its changes."""

    def apply(rows: Rows[Any], recorded: Recorded[Any]) -> Iterator[Put[Any] | Remove]:
        yield from view.apply(rows, recorded)
        if fails(recorded):
            raise ValueError("张三")

    return attrs.evolve(view, apply=apply)


def parked_row(row: str, step: str, source: str = "contract") -> ParkedRow:
    """A row of a source that cannot be served."""
    return ParkedRow(
        source=source,
        row=row,
        step=step,
        error="ValueError at x.py:1",
        due_at=_THEN,
        tries=1,
        first_at=_THEN,
        last_at=_THEN,
    )


_THEN = datetime(2011, 3, 1, 1, tzinfo=UTC)
_STREAMS = ("note/a", "note/b", "note/c")
_notes = st.lists(
    st.tuples(st.sampled_from(_STREAMS), st.sampled_from(["x", "y", "-"])), max_size=12
)
_quick = settings(
    max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)


class ViewsContract(ConsumersContract):
    """Subclass it, and say how to make a log and views over it."""

    # --- rows ---------------------------------------------------------------------------

    def test_a_view_is_ready_once_it_has_caught_up(self, log: EventLog, views: Views) -> None:
        """Nobody takes a view that was never built for an empty one."""
        with pytest.raises(ViewNotReady):
            views.get(TALLY, "note/a")
        with pytest.raises(ViewNotReady):
            views.scan(TALLY)
        assert views.catch_up(TALLY) == 0
        assert views.get(TALLY, "note/a") is None
        assert views.scan(TALLY) == []
        note(log, "note/a", "x", "y")
        assert views.get(TALLY, "note/a") is None
        assert views.catch_up(TALLY) == log.head()
        assert views.get(TALLY, "note/a") == Tally("note/a", "x,y,", 2, 2)

    def test_rows_are_scanned_by_order_and_key_page_by_page(
        self, log: EventLog, views: Views
    ) -> None:
        for stream, times in (("note/b", 1), ("note/a", 1), ("note/c", 3), ("note/d", 2)):
            note(log, stream, *["x"] * times)
        views.catch_up(TALLY)
        whole = views.scan(TALLY)
        assert [key for _, key, _ in whole] == ["note/a", "note/b", "note/d", "note/c"]
        assert [key for _, key, _ in views.scan(TALLY, upto="00002")] == [
            "note/a",
            "note/b",
            "note/d",
        ]
        pages: list[Any] = []
        after = ("", "")
        while page := views.scan(TALLY, after=after, limit=2):
            pages += page
            after = page[-1][:2]
        assert pages == list(whole)

    def test_rows_are_found_by_their_names_however_many(self, log: EventLog, views: Views) -> None:
        with pytest.raises(ViewNotReady):
            views.named(TALLY, ["note/a"])
        note(log, "note/a", "x")
        note(log, "note/b", "y")
        views.catch_up(TALLY)
        asked = [*(f"note/none-{n}" for n in range(1200)), "note/b", "note/a"]
        found = views.named(TALLY, asked)
        assert found == {key: views.get(TALLY, key) for key in ("note/a", "note/b")}
        assert views.named(TALLY, []) == {}

    def test_who_catches_up_is_told_which_rows_have_changed(
        self, log: EventLog, views: Views
    ) -> None:
        note(log, "note/a", "x")
        views.catch_up(TALLY)
        note(log, "note/b", "x", "y")
        note(log, "note/a", "-")
        changed: set[str] = set()
        views.catch_up(TALLY, changed=changed.add)
        assert changed == {"note/a", "note/b"}
        changed.clear()
        views.rebuild(TALLY)
        views.catch_up(TALLY, changed=changed.add)
        assert changed == set()

    # --- what the clock keeps -------------------------------------------------------------

    @pytest.mark.rule("REQ-13")
    def test_a_row_is_put_off_until_an_event_writes_it_again(
        self, log: EventLog, views: Views
    ) -> None:
        note(log, "note/a", "x")
        note(log, "note/b", "x")
        assert not views.put_off(TALLY, {"note/a": (Tally("note/a", "x,", 1, 1), "9")})
        views.catch_up(TALLY)
        row = views.named(TALLY, ["note/a"])["note/a"]
        assert views.put_off(TALLY, {"note/a": (row, "9")})
        assert [(order, key) for order, key, _ in scan(views)] == [
            ("00001", "note/b"),
            ("9", "note/a"),
        ]
        assert views.get(TALLY, "note/a") == row
        note(log, "note/a", "y")
        views.catch_up(TALLY)
        assert scan(views) == tallied(log)

    @pytest.mark.rule("REQ-13")
    def test_a_row_that_has_changed_since_it_was_seen_is_not_put_off(
        self, log: EventLog, views: Views
    ) -> None:
        note(log, "note/a", "x")
        views.catch_up(TALLY)
        [(_, _, seen)] = scan(views)
        note(log, "note/a", "y")
        views.catch_up(TALLY)
        assert not views.put_off(TALLY, {"note/a": (seen, "9"), "note/none": (seen, "9")})
        assert not views.put_off(TALLY, {})
        assert scan(views) == tallied(log)

    @pytest.mark.rule("REQ-13")
    def test_rows_of_the_clock_are_parked_and_released_one_by_one(
        self, log: EventLog, views: Views
    ) -> None:
        assert views.parked_rows() == []
        a, b, other = parked_row("a", ""), parked_row("a", "s1"), parked_row("b", "s1", "others")
        views.park_rows("contract", [b, a], [])
        views.park_rows("others", [other], [])
        assert views.parked_rows("contract") == [a, b]
        assert views.parked_rows() == [a, b, other]
        again = attrs.evolve(b, error="KeyError at x.py:1", tries=2)
        views.park_rows("contract", [again], [a, parked_row("never", "parked")])
        assert views.parked_rows("contract") == [again]
        views.park_rows("contract", [], [again])
        assert views.parked_rows("contract") == []
        assert views.parked_rows() == [other]
        # They are no view and no consumer, and nothing waits behind them.
        views.catch_up(TALLY)
        assert [one.consumer for one in views.status()] == [TALLY.name]

    @pytest.mark.rule("REQ-13")
    def test_thousands_of_rows_are_parked_under_names_that_are_never_mistaken(
        self, views: Views
    ) -> None:
        rows = [parked_row(f"{n:04}", "s") for n in range(2500)]
        rows += [parked_row("x", "1:y"), parked_row("x:1", "y"), parked_row("x:", "1:y")]
        views.park_rows("contract", rows, [])
        found = views.parked_rows("contract")
        assert sorted((one.row, one.step) for one in found) == sorted(
            (one.row, one.step) for one in rows
        )

    @pytest.mark.rule("REQ-13")
    def test_what_rows_were_put_off_by_is_kept_beside_what_is_parked(self, views: Views) -> None:
        assert views.basis("contract") == ""
        views.keep_basis("contract", "policies of today")
        views.park_rows("contract", [parked_row("a", "s")], [])
        views.keep_basis("contract", "policies of tomorrow")
        assert views.basis("contract") == "policies of tomorrow"
        assert (views.basis("others"), len(views.parked_rows("contract"))) == ("", 1)

    def test_any_text_is_a_key_and_sorts_by_code_point(self) -> None:
        """Stores agree with Python, whatever the language of a database."""
        letters = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
        keys, orders = st.text(letters, min_size=1), st.text(letters)

        @_quick
        @given(st.lists(st.tuples(keys, orders), min_size=1, max_size=20))
        def check(pairs: list[tuple[str, str]]) -> None:
            log = self.make_log(CATALOG)
            note(log, "note/a", "x")

            def apply(_: Any, recorded: Recorded[Any]) -> list[Put[Tally]]:
                return [Put(key, Tally(key), order) for key, order in pairs]

            views = self.make_views(log, 3)
            view = attrs.evolve(TALLY, apply=apply)
            views.catch_up(view)
            assert status_of(views)[0].parked == 0
            expected = sorted((order, key) for key, order in dict(pairs).items())
            assert [(order, key) for order, key, _ in scan(views, view)] == expected
            assert all(views.get(view, key) == Tally(key) for key in dict(pairs))

        check()

    def test_another_shape_of_rows_is_told(self, log: EventLog, views: Views) -> None:
        note(log, "note/a", "x")
        views.catch_up(TALLY)
        other = Projection(
            name=TALLY.name,
            version=1,
            row=_Other,
            names=TALLY.names,
            apply=lambda rows, recorded: [],
        )
        with pytest.raises(Invalid, match="another version"):
            views.get(other, "note/a")
        with pytest.raises(Invalid, match="another version"):
            views.scan(other)

    def test_an_event_that_there_is_not_cannot_be_followed(
        self, log: EventLog, views: Views
    ) -> None:
        """A slip of the pen would hear of nothing for ever, and call it caught up."""
        with pytest.raises(Invalid, match="is not the name of an event"):
            log.settled(names=[NOTED, "contract.noted/3"])
        note(log, "note/a", "x")
        with pytest.raises(Invalid, match="is not the name of an event"):
            views.catch_up(attrs.evolve(TALLY, names=["contract.noted"]))

    @pytest.mark.rule("LOG-05")
    def test_rows_are_the_same_wherever_batches_begin_and_end(self) -> None:
        """Kept up, rebuilt, or folded by hand: bit for bit the same."""

        @_quick
        @given(st.lists(_notes, max_size=5), st.integers(1, 5))
        def check(parts: list[list[tuple[str, str]]], batch: int) -> None:
            log = self.make_log(CATALOG)
            views = self.make_views(log, batch)
            for part in parts:
                for stream, text in part:
                    note(log, stream, text)
                views.catch_up(TALLY)
            views.catch_up(TALLY)
            kept_up = scan(views)
            assert kept_up == tallied(log)
            views.rebuild(TALLY)
            views.catch_up(TALLY)
            assert [one.build for one in status_of(views)] == [2]
            assert scan(views) == kept_up

        check()

    def test_a_batch_can_be_the_last(self, log: EventLog, views: Views) -> None:
        """Whoever is told to stop stops between two batches, and the next one goes on."""
        note(log, "note/a", *"abcdefgh")
        asked = iter([False, True])
        views.catch_up(TALLY, stop=lambda: next(asked))
        [status] = status_of(views)
        assert (status.position, status.lag, status.state) == (log_place(log, 3), 5, "building")
        with pytest.raises(ViewNotReady):
            views.get(TALLY, "note/a")
        views.catch_up(TALLY)
        assert scan(views) == tallied(log)

    # --- poison -------------------------------------------------------------------------

    @pytest.mark.rule("LOG-05")
    def test_a_poison_event_parks_its_stream_and_no_other(self) -> None:
        """For each event that may be the one: the others proceed, none is skipped, all is seen."""
        plan = [("note/a", "p"), ("note/b", "q"), ("note/a", "r"), ("note/c", "s"), ("note/a", "t")]
        for k, (poisoned, _) in enumerate(plan):
            log = self.make_log(CATALOG)
            views = self.make_views(log, 2)
            for stream, text in plan:
                note(log, stream, text)
            bad = log_place(log, k + 1)
            faulty = _failing(TALLY, partial(_stands_at, bad))
            assert views.catch_up(faulty) == log.head()
            behind = [i for i, (stream, _) in enumerate(plan) if stream == poisoned and i >= k]
            [status] = status_of(views)
            assert (status.state, status.lag, status.parked) == ("live", 0, len(behind))
            assert status.error.startswith("ValueError at views.py:")
            parked = views.parked(TALLY.name, 1, 1)
            assert [one.position for one in parked] == [log_place(log, i + 1) for i in behind]
            assert [one.tries for one in parked] == [1] + [0] * (len(behind) - 1)
            assert all("张三" not in one.error for one in parked)
            for stream in {s for s, _ in plan} - {poisoned}:
                assert views.get(TALLY, stream) == dict_of(tallied(log))[stream]
            before = "".join(f"{t}," for s, t in plan[:k] if s == poisoned)
            row = views.get(TALLY, poisoned)
            assert (row.trail if row else "") == before
            # Not mended yet: nothing changes but the number of tries.
            assert views.retry(faulty) == 0
            again = views.parked(TALLY.name, 1, 1)[0]
            assert again.tries == 2
            assert again.first_at == parked[0].first_at < again.last_at
            # An event that comes now waits like the rest.
            note(log, poisoned, "u")
            views.catch_up(faulty)
            assert status_of(views)[0].parked == len(behind) + 1
            assert views.retry(TALLY) == len(behind) + 1
            assert status_of(views)[0].parked == 0
            assert scan(views) == tallied(log)

    @pytest.mark.rule("LOG-05")
    def test_an_unknown_event_is_parked_though_nobody_asked_for_it(self) -> None:
        """A name that is not known could have concerned anyone; a known one concerns who asks."""
        log = self.make_log(FOREIGN_CATALOG)
        note(log, "note/a", "x")
        append_one(log, "note/a", Counted(5))
        note(log, "note/a", "y")
        note(log, "note/b", "z")
        # This program does not know `wave.open/1`.
        ours = self.reopen(log, CATALOG)
        views = self.make_views(ours, 2)
        views.catch_up(TALLY)
        first, second = views.parked(TALLY.name, 1, 1)
        assert (first.name, first.version, second.name) == ("wave.open/1", 2, NOTED)
        assert first.error.endswith("[CRM-F006]")
        assert [key for _, key, _ in scan(views)] == ["note/a", "note/b"]
        row = views.get(TALLY, "note/a")
        assert row is not None
        assert row.trail == "x,"
        assert views.retry(TALLY) == 0
        # The program is brought up to date, and knows that it is of no interest.
        theirs = self.reopen(log, FOREIGN_CATALOG)
        mended = self.make_views(theirs, 2)
        assert mended.retry(attrs.evolve(TALLY, apply=_only_notes)) == 2
        assert scan(mended) == tallied(theirs)

    def test_what_is_no_row_of_the_view_is_poison(self, log: EventLog, views: Views) -> None:
        note(log, "note/a", "x")
        note(log, "note/b", "y")
        wrong: list[Put[Any]] = [
            Put("k", Noted("not a tally")),
            Put("", Tally("k")),
            Put("nul\0", Tally("k")),
            Put("k", Tally("k"), "\ud800"),
            Put("k", Tally("\ud800")),
        ]
        for version, put in enumerate(wrong, 1):

            def apply(_: Any, recorded: Recorded[Any], put: Put[Any] = put) -> list[Put[Any]]:
                good = Put(recorded.stream, Tally(recorded.stream))
                return [good, put] if recorded.stream == "note/a" else [good]

            view = attrs.evolve(TALLY, version=version, apply=apply)
            views.catch_up(view)
            assert [one.stream for one in views.parked(TALLY.name, version, 1)] == ["note/a"]
            assert [key for _, key, _ in scan(views, view)] == ["note/b"]

    # --- workers ------------------------------------------------------------------------

    @pytest.mark.rule("LOG-05")
    def test_a_worker_that_comes_second_throws_its_batch_away(
        self, log: EventLog, views: Views
    ) -> None:
        """In the midst of one worker's batch another one does all of it."""
        note(log, "note/a", *"abcdefg")
        other = self.make_views(log, 2)
        met = iter([True])

        def apply(rows: Rows[Any], recorded: Recorded[Any]) -> Sequence[Any]:
            changes = list(tally(rows, recorded))
            if next(met, False):
                other.catch_up(TALLY)
            return changes

        assert views.catch_up(attrs.evolve(TALLY, apply=apply)) == log.head()
        assert scan(views) == tallied(log)

    @pytest.mark.rule("LOG-05")
    @pytest.mark.parametrize("workers", [2, 4])
    def test_workers_that_race_lose_and_double_nothing(self, log: EventLog, workers: int) -> None:
        for round_ in range(6):
            for stream in _STREAMS:
                note(log, stream, *(f"{round_}{n}" for n in range(4)))

        def work() -> None:
            views = self.make_views(log, 2)
            while views.catch_up(TALLY) < log.head():
                pass

        in_threads(*[work] * workers, partial(note, log, "note/a", *["later"] * 5))
        views = self.make_views(log, 2)
        views.catch_up(TALLY)
        assert scan(views) == tallied(log)
        assert [one.parked for one in status_of(views)] == [0]

    def test_a_retry_that_another_worker_comes_between_is_made_again(
        self, log: EventLog, views: Views
    ) -> None:
        note(log, "note/a", "x", "y")
        views.catch_up(_failing(TALLY, lambda recorded: True))
        other, met = self.make_views(log, 3), iter([True])

        def apply(rows: Rows[Any], recorded: Recorded[Any]) -> Sequence[Any]:
            if next(met, False):
                note(log, "note/b", "z")
                other.catch_up(TALLY)
            return list(tally(rows, recorded))

        assert views.retry(attrs.evolve(TALLY, apply=apply)) == 2
        assert scan(views) == tallied(log)
        assert status_of(views)[0].parked == 0

    # --- builds -------------------------------------------------------------------------

    @pytest.mark.rule("LOG-05")
    def test_readers_see_the_live_build_until_the_new_one_has_caught_up(
        self, log: EventLog, views: Views
    ) -> None:
        note(log, "note/a", *"abcdefgh")
        views.catch_up(TALLY)
        before = scan(views)
        assert views.rebuild(TALLY) == 2
        louder = _louder(TALLY)
        asked = iter([False, False, True])
        views.catch_up(louder, stop=lambda: next(asked))
        assert [(one.build, one.state) for one in status_of(views)] == [
            (1, "live"),
            (2, "building"),
        ]
        assert scan(views) == before
        views.catch_up(louder)
        assert [(one.build, one.state) for one in status_of(views)] == [(2, "live")]
        assert scan(views, louder) == tallied(log, louder)
        assert scan(views) != before

    def test_the_live_build_is_kept_up_before_another_is_filled(
        self, log: EventLog, views: Views
    ) -> None:
        note(log, "note/a", *"abcdefgh")
        views.catch_up(TALLY)
        views.rebuild(TALLY)
        note(log, "note/b", "x")
        asked = iter([False, True])
        views.catch_up(TALLY, stop=lambda: next(asked, True))
        assert scan(views) == tallied(log)

    def test_an_unfinished_build_is_given_up_for_another(self, log: EventLog, views: Views) -> None:
        note(log, "note/a", *"abcdefgh")
        views.catch_up(TALLY)
        views.rebuild(TALLY)
        asked = iter([False, True])
        views.catch_up(_louder(TALLY), stop=lambda: next(asked))
        assert views.rebuild(TALLY) == 3
        states = [(one.build, one.state) for one in status_of(views)]
        assert states == [(1, "live"), (2, "retired"), (3, "building")]
        views.catch_up(TALLY)
        assert [(one.build, one.state) for one in status_of(views)] == [(3, "live")]
        assert scan(views) == tallied(log)

    def test_a_build_that_fares_worse_does_not_take_the_place(
        self, log: EventLog, views: Views
    ) -> None:
        """A mistake that comes with a rebuild stays beside the view that is in use."""
        note(log, "note/a", "x", "y")
        views.catch_up(TALLY)
        views.rebuild(TALLY)
        faulty = _failing(TALLY, lambda recorded: True)
        views.catch_up(faulty)
        assert [(s.state, s.parked) for s in status_of(views)] == [("live", 0), ("building", 2)]
        assert scan(views) == tallied(log)
        views.retry(TALLY)
        views.catch_up(TALLY)
        assert [(s.build, s.state, s.parked) for s in status_of(views)] == [(2, "live", 0)]

    def test_versions_stand_beside_each_other_until_pruned(
        self, log: EventLog, views: Views
    ) -> None:
        note(log, "note/a", "x")
        views.catch_up(TALLY)
        louder = attrs.evolve(_louder(TALLY), version=2)
        with pytest.raises(ViewNotReady):
            views.get(louder, "note/a")
        views.catch_up(louder)
        old, new = views.get(TALLY, "note/a"), views.get(louder, "note/a")
        assert old is not None
        assert new is not None
        assert (old.trail, new.trail) == ("x,", "X,")
        # A program of the older version drops nothing of the newer one.
        assert views.prune([TALLY]) == 0
        assert views.prune([louder]) == 1
        assert [one.version for one in status_of(views)] == [2]
        with pytest.raises(ViewNotReady):
            views.get(TALLY, "note/a")
        assert views.get(louder, "note/a") == new

    # --- the feed beneath ---------------------------------------------------------------

    @pytest.mark.rule("LOG-03")
    def test_a_settled_page_says_how_far_it_reaches(self) -> None:
        """Pages join without a gap, whatever is left out of them."""
        log = self.make_log(FOREIGN_CATALOG)
        for n in range(4):
            note(log, "note/a", str(n))
            append_one(log, f"note/{n}", Counted(n))
        places = [recorded.position for recorded in log.feed()]
        for names, wanted in ((None, places), ([NOTED], places[::2]), ([], [])):
            found: list[int] = []
            after = 0
            while after < log.head():
                page = log.settled(after=after, names=names, limit=3)
                assert len(page.events) <= 3
                assert all(after < taken.position <= page.reached for taken in page.events)
                found += [taken.position for taken in page.events]
                after = page.reached
            assert found == wanted
            assert log.settled(after=after, names=names).events == ()
        assert [log.count(after=place) for place in places] == list(range(7, -1, -1))
        ours = self.reopen(log, CATALOG)
        page = ours.settled(names=[])
        assert {type(taken) for taken in page.events} == {Unreadable}
        assert [taken.position for taken in page.events] == places[1::2]


def _stands_at(position: int, recorded: Recorded[Any]) -> bool:
    return recorded.position == position


def _only_notes(rows: Rows[Tally], recorded: Recorded[Any]) -> Iterator[Put[Tally] | Remove]:
    if isinstance(recorded.event, Noted):
        yield from tally(rows, recorded)


def _louder(view: Projection[Any]) -> Projection[Any]:
    """The view with another meaning of its rows."""

    def apply(rows: Rows[Any], recorded: Recorded[Any]) -> Iterator[Put[Any] | Remove]:
        for change in view.apply(rows, recorded):
            if isinstance(change, Put):
                row = attrs.evolve(change.row, trail=change.row.trail.upper())
                yield Put(change.key, row, change.order)
            else:
                yield change

    return attrs.evolve(view, apply=apply)
