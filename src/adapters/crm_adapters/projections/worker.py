"""A worker: keeps everything that follows the log up with it, until it is told to end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Event
from time import monotonic

from crm_adapters.projections.runner import Task
from crm_core.errors import CrmError
from crm_core.kernel.sentences import Lang
from crm_core.ports import EventLog, Listener, Views

ROUND_SECONDS = 30.0
"""How long nothing may happen before everything is looked at again: what others began, held or
gave up does not move the end of the log."""

STOP_SECONDS = 0.2
"""How long it takes at most until a worker that waits sees that it is to end."""


class Worker:
    """Runs consumers of one log. Several may run, on any machines.

    Args:
        tasks: What to keep up, in this order.
        say: Told what went wrong, in one line; it is tried again at the next poll.
        lang: The language in which it is told.
        then: Done after the tasks, at every poll: what falls due by the clock alone. It is given
            what to ask whether to end.
    """

    def __init__(
        self,
        log: EventLog,
        views: Views,
        tasks: Sequence[Task],
        *,
        say: Callable[[str], None],
        lang: Lang = "en",
        then: Callable[[Callable[[], bool]], object] | None = None,
    ) -> None:
        self.log = log
        self.views = views
        self.tasks = tasks
        self.say = say
        self.lang = lang
        self.then = then
        self.stopping = Event()

    def stop(self) -> None:
        """End after the batch in hand."""
        self.stopping.set()

    def once(self) -> bool:
        """Bring everything up to the end of the log; whether all of it went well."""
        followed = self._follow()
        return self._then() and followed

    def _follow(self) -> bool:
        well = True
        for task in self.tasks:
            if self.stopping.is_set():
                break
            try:
                self.views.catch_up(task, stop=self.stopping.is_set)
            except CrmError as error:
                self.say(f"{task.name}: {self._told(error)}")
                well = False
        return well

    def _then(self) -> bool:
        if self.then is not None and not self.stopping.is_set():
            try:
                self.then(self.stopping.is_set)
            except CrmError as error:
                self.say(self._told(error))
                return False
        return True

    def _told(self, error: CrmError) -> str:
        return f"{error.told(self.lang)} [{error.code}]"

    def run(self, poll: float) -> None:
        """Go on until told to stop; where nothing is heard, ask for the end once every `poll`."""
        listener = self.log.listen()
        try:
            self._run(listener, poll)
        finally:
            listener.close()

    def _run(self, listener: Listener, poll: float) -> None:
        seen, due = -1, 0.0
        while not self.stopping.is_set():
            try:
                end = self.log.head()
            except CrmError as error:
                self.say(self._told(error))
                end = seen = -1
            if end >= 0 and (end != seen or monotonic() >= due):
                # At the end that was asked for before: what comes meanwhile is behind it.
                seen = end if self._follow() else -1
                due = monotonic() + ROUND_SECONDS
            if end >= 0:
                self._then()
            self._wait(listener, poll)

    def _wait(self, listener: Listener, poll: float) -> None:
        until = monotonic() + poll
        while not self.stopping.is_set() and (left := until - monotonic()) > 0:
            if listener.wait(min(left, STOP_SECONDS)):
                return
