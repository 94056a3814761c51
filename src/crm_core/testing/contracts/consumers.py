"""The part of the contract of `Views` about consumers: what follows a log and keeps no rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest

from crm_core.errors import CommandReused, Invalid, OtherPast, StoreUnreachable
from crm_core.kernel.projection import Consumer
from crm_core.kernel.recorded import Recorded
from crm_core.ports import EventLog, Views
from crm_core.testing.contracts.events import Counted
from crm_core.testing.contracts.logs import OverViews
from crm_core.testing.contracts.tally import (
    NOTED,
    TALLY,
    append_one,
    log_place,
    note,
    scan,
    status_of,
    tallied,
)


class _Exchanged:
    """A log in which other events stand, and otherwise the one it was."""

    def __init__(self, log: EventLog, digest: str | None) -> None:
        self._log, self._digest = log, digest

    def __getattr__(self, name: str) -> Any:
        return getattr(self._log, name)

    def identity(self, _position: int) -> str | None:
        return self._digest


class ConsumersContract(OverViews):
    """What views promise to whoever is handed one event after the other."""

    @pytest.mark.rule("LOG-05")
    def test_a_consumer_is_given_every_event_in_order(self, log: EventLog, views: Views) -> None:
        note(log, "note/a", *"abc")
        append_one(log, "note/b", Counted(5))
        heard: list[str] = []
        consumer = _consumer(lambda recorded: heard.append(recorded.event.text))
        assert views.catch_up(consumer) == log.head()
        note(log, "note/b", *"defgh")
        views.catch_up(consumer)
        views.catch_up(consumer)
        assert heard == list("abcdefgh")

    def test_a_consumer_parks_and_retries_like_a_view(self, log: EventLog, views: Views) -> None:
        for text in "abc":
            note(log, "note/a", text)
            note(log, "note/b", text)
        heard: list[str] = []

        def handle(recorded: Recorded[Any]) -> None:
            if (recorded.stream, recorded.event.text) == ("note/a", "b"):
                raise LookupError
            heard.append(f"{recorded.stream[-1]}{recorded.event.text}")

        views.catch_up(_consumer(handle))
        assert heard == ["aa", "ba", "bb", "bc"]
        assert [one.tries for one in views.parked("contract.consumer", 1, 1)] == [1, 0]
        assert views.retry(_consumer(handle)) == 0
        mended = _consumer(lambda recorded: heard.append(recorded.event.text))
        assert views.retry(mended) == 2
        assert heard[4:] == ["b", "c"]
        assert views.retry(mended) == 0

    @pytest.mark.rule("LOG-03")
    def test_another_past_of_the_log_is_refused(self, log: EventLog, views: Views) -> None:
        """By views and by consumers, until they begin anew; the log they know goes on."""
        heard: list[str] = []
        consumer = _consumer(lambda recorded: heard.append(recorded.event.text))
        note(log, "note/a", *"ab")
        views.catch_up(TALLY)
        end = views.catch_up(consumer)
        digest = log.identity(end)
        other = self.make_views(cast("Any", _Exchanged(log, "f" * 64)), 3)
        gone = self.make_views(cast("Any", _Exchanged(log, None)), 3)
        note(log, "note/b", "c")
        for exchanged, found in ((other, "f" * 64), (gone, "")):
            for task in (TALLY, consumer):
                with pytest.raises(OtherPast) as refused:
                    exchanged.catch_up(task)
                error = refused.value
                told = (error.follower, error.position, error.expected, error.found)
                assert told == (task.name, end, digest, found)
            assert {one.error for one in exchanged.status()} != {""}
        assert heard == ["a", "b"]
        with pytest.raises(Invalid):
            views.rebuild(consumer)
        other.rebuild(consumer)
        for task in (TALLY, consumer):
            views.catch_up(task)
        assert heard == ["a", "b", *"abc"]
        assert list(scan(views)) == tallied(log)
        assert {one.error for one in views.status()} == {""}

    def test_the_words_of_an_error_of_ours_are_kept(self, log: EventLog, views: Views) -> None:
        """They hold no personal data; those of any other exception may."""
        note(log, "note/a", "x")

        def handle(recorded: Recorded[Any]) -> None:
            raise CommandReused("c1")

        views.catch_up(_consumer(handle))
        [parked] = views.parked("contract.consumer", 1, 1)
        assert parked.error == "command id `c1` was used before, for another command [CRM-F002]"

    def test_trouble_of_a_store_stops_a_consumer_and_parks_nothing(
        self, log: EventLog, views: Views
    ) -> None:
        """What was handled before is not handled again; what was not is not passed."""
        note(log, "note/a", *"abc")
        heard: list[str] = []
        trouble = [True]

        def handle(recorded: Recorded[Any]) -> None:
            if recorded.event.text == "c" and trouble:
                raise StoreUnreachable("store_unusable", store="mail", reason="silent")
            heard.append(recorded.event.text)

        with pytest.raises(StoreUnreachable):
            views.catch_up(_consumer(handle))
        [status] = status_of(views, "contract.consumer")
        assert (status.position, status.lag, status.parked) == (log_place(log, 2), 1, 0)
        trouble.clear()
        views.catch_up(_consumer(handle))
        assert heard == list("abc")

    def test_two_workers_do_not_handle_the_same_events_at_once(
        self, log: EventLog, views: Views
    ) -> None:
        note(log, "note/a", *"abc")
        heard: list[str] = []
        other = self.make_views(log, 3)

        def handle(recorded: Recorded[Any]) -> None:
            heard.append(recorded.event.text)
            assert other.catch_up(_consumer(lambda _: heard.append("twice"))) == 0

        views.catch_up(_consumer(handle))
        assert heard == list("abc")


def _consumer(handle: Callable[[Recorded[Any]], object]) -> Consumer:
    return Consumer("contract.consumer", [NOTED], handle)
