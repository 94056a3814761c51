"""What the clock brings about, recorded (PAY-10, REQ-09, REQ-13; decision record 0021).

A tick goes round by round: a row is looked at, the first of what is due of it is given, and what
has changed by that is looked at in the next round. So a tick costs with what is due.

What cannot be computed concerns its own row alone: it is parked, the other clocks of its row and
all other rows are served, and every tick tries it again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from crm_core.application import care_calendar, lookout
from crm_core.application.calendars import renew_calendars
from crm_core.application.checking import utc
from crm_core.application.desk import Desk, Given
from crm_core.application.host import Host
from crm_core.application.present import present
from crm_core.application.surveys import count_answers
from crm_core.application.work import Planned
from crm_core.errors import Conflict, Refused, described, is_of_the_store
from crm_core.kernel.canonical import digest_of
from crm_core.kernel.dates import instant_text, local_date, parse_instant, sortable_text
from crm_core.kernel.decider import Refusal
from crm_core.kernel.recorded import SYSTEM, Actor
from crm_core.kernel.ticking import (
    NEVER,
    DueCommand,
    NothingBefore,
    ParkedRow,
    Source,
)
from crm_core.kernel.values import define, frozen
from crm_core.ports import Views

PAGE_ROWS = 1000
"""Rows that are looked at, and commands that are written, at once."""

_MOMENT = timedelta(microseconds=1)


@frozen
class Tick:
    """What a tick did.

    Args:
        now: The instant it was asked for.
        events: How many events were recorded, by source.
        parked: How many rows, or steps of them, could not be served and are parked, by source.
    """

    now: datetime
    events: dict[str, int]
    parked: dict[str, int]


_TICKS = "ticks"
"""Under which the views keep up to when the clock was told; no source of it is called so."""


def ticked_at(views: Views) -> datetime | None:
    """Up to when the clock was last told; None if it never was, as far as is known here."""
    told = views.basis(_TICKS)
    return parse_instant(told) if told else None


def tick(host: Host, desk: Desk, now: datetime | None, by: Actor) -> Tick:
    """Record all that the clock has brought about; see `CRM.tick`."""
    desk.may(by, "tick")
    at = utc(now, "now") or host.clock.now()
    present(host).check(at, "now")
    events = {"calendars": renew_calendars(host, desk, at)}
    events[care_calendar.SOURCE] = care_calendar.look(host, desk, at)
    parked: dict[str, int] = {}
    for source in host.registry.clock:
        served = _Served(host, desk, source, at)
        served.serve()
        events[source.name] = served.written
        parked[source.name] = served.settle()
    events[lookout.SOURCE] = lookout.look(host, desk, at)
    events["answers"] = count_answers(host, desk, at)
    last = ticked_at(host.views)
    if last is None or last < at:
        host.views.keep_basis(_TICKS, instant_text(at))
    return Tick(at, events, parked)


@define
class _Queue:
    """What is due of a row, the earliest first, of which none was given yet."""

    key: str
    waiting: list[DueCommand]


class _Served:
    """One source in the course of a tick."""

    def __init__(self, host: Host, desk: Desk, source: Source, now: datetime) -> None:
        self._host, self._desk, self._source, self._now = host, desk, source, now
        # A target is still kept at the very instant at which it is due, so only what lies before
        # now is.
        self._upto = sortable_text(now - _MOMENT)
        self._basis, self._basis_kept = _basis(host, now), host.views.basis(source.name)
        self._changed: set[str] = set()
        self._failed: dict[str, dict[str, ParkedRow]] = {}
        self._parked = {(p.row, p.step): p for p in host.views.parked_rows(source.name)}
        # What rows that were parked ask for as they were seen last, and what was tried of it.
        self._asked: dict[str, set[str]] = {row: set() for row, _ in self._parked}
        self._tried: set[tuple[str, str]] = set()
        self._unseen = set(self._asked)
        self.written = 0

    # --- rounds --------------------------------------------------------------------------

    def serve(self) -> None:
        """Everything that is due, and what follows from it and is due too."""
        views, view = self._host.views, self._source.view
        views.catch_up(view)
        for page in self._due_rows():
            self._serve_page(page)
        # Parked rows are tried by every tick, wherever their order may lie by now.
        self._changed |= self._unseen
        before = 0
        while self._changed or self.written != before:
            before = self.written
            views.catch_up(view, changed=self._changed.add)
            keys, self._changed = sorted(self._changed), set()
            for first in range(0, len(keys), PAGE_ROWS):
                self._serve_page(self._again(keys[first : first + PAGE_ROWS]))
        if self._basis_kept not in ("", self._basis):
            views.keep_basis(self._source.name, self._basis)

    def _due_rows(self) -> Iterator[list[tuple[str, Any]]]:
        """Rows by the instant at which something is due of them, page by page."""
        views, view = self._host.views, self._source.view
        # Rows put off by other policies: what those of today bring about may be due already.
        upto = self._upto if self._basis_kept in ("", self._basis) else None
        after = ("", "")
        while rows := views.scan(view, upto=upto, after=after, limit=PAGE_ROWS):
            yield [(key, row) for _, key, row in rows]
            after = rows[-1][0], rows[-1][1]

    def _again(self, keys: Sequence[str]) -> list[tuple[str, Any]]:
        """Rows that have changed, or are parked; those that are gone ask for nothing any more."""
        found = self._host.views.named(self._source.view, keys)
        for key in keys:
            if key not in found:
                self._seen(key, [])
        return [(key, found[key]) for key in keys if key in found]

    # --- one page ------------------------------------------------------------------------

    def _serve_page(self, rows: list[tuple[str, Any]]) -> None:
        queues = self._looked_at(rows)
        known = self._host.log.outcomes([due.id for queue in queues for due in queue.waiting])
        for queue in queues:
            queue.waiting = [due for due in queue.waiting if due.id not in known]
        while queues := [queue for queue in queues if queue.waiting]:
            self._give({queue.waiting[0].id: queue for queue in queues})

    def _looked_at(self, rows: list[tuple[str, Any]]) -> list[_Queue]:
        """What is due of each row; what the look itself raises parks the row."""
        look = self._desk.look(self._now)
        queues: list[_Queue] = []
        put_off: dict[str, tuple[Any, str]] = {}
        for key, row in rows:
            try:
                found = list(self._source.due(row, look))
            except Exception as error:
                if is_of_the_store(error):
                    raise
                self._seen(key, [])
                self._fails(key, "", self._now, error)
                continue
            commands = [one for one in found if isinstance(one, DueCommand)]
            self._seen(key, commands)
            for one in found:
                if isinstance(one, NothingBefore):
                    put_off[key] = row, NEVER if one.at is None else sortable_text(one.at)
            queues.append(_Queue(key, [one for one in commands if one.at < self._now]))
        if put_off:
            if not self._basis_kept:
                # First, so that no row is ever put off without it.
                self._host.views.keep_basis(self._source.name, self._basis)
                self._basis_kept = self._basis
            self._host.views.put_off(self._source.view, put_off)
        return queues

    def _seen(self, key: str, commands: list[DueCommand]) -> None:
        """A row is looked at: what was wrong with it before counts no more."""
        self._failed.pop(key, None)
        if key in self._asked:
            self._asked[key] = {due.id for due in commands}
            self._unseen.discard(key)

    def _give(self, heads: dict[str, _Queue]) -> None:
        """The first that is due of each row, in one transaction; then it waits no longer.

        What records something ends the row's turn: it is looked at anew. What cannot be given, or
        changes nothing, gives its turn to the next clock of its row.
        """
        planned = [Planned(queue.waiting[0].command, id, self._now) for id, queue in heads.items()]
        passed: dict[str, Exception | None] = {}

        def refused(item: Planned, refusal: Refusal) -> None:
            passed[item.id] = Refused(refusal)

        def raised(item: Planned, error: Exception) -> None:
            passed[item.id] = error

        def nothing(item: Planned) -> None:
            passed[item.id] = None

        try:
            self.written += self._desk.batch(
                planned,
                by=SYSTEM,
                inside=True,
                on_refusal=refused,
                on_error=raised,
                on_nothing=nothing,
            )
        except Exception as error:
            if is_of_the_store(error) and not isinstance(error, Conflict):
                raise
            # Somebody else wrote there meanwhile, or one of them cannot be written: one by one.
            passed.clear()
            for item in planned:
                self._give_one(item, passed)
        for id, queue in heads.items():
            due = queue.waiting.pop(0)
            if queue.key in self._asked:
                self._tried.add((queue.key, due.id))
            if id not in passed:
                queue.waiting.clear()
                self._changed.add(queue.key)
                continue
            error_found = passed[id]
            if isinstance(error_found, Conflict):
                # Others are at work on it; whatever is left of it the next tick finds.
                queue.waiting.clear()
            elif error_found is not None:
                self._fails(queue.key, due.id, due.at, error_found)

    def _give_one(self, item: Planned, passed: dict[str, Exception | None]) -> None:
        try:
            receipt = self._desk.do(
                item.command, Given(SYSTEM, inside=True, id=item.id, at=self._now)
            )
        except Exception as error:
            if is_of_the_store(error) and not isinstance(error, Conflict):
                raise
            passed[item.id] = error
            return
        self.written += len(receipt.events)
        if not receipt.events:
            passed[item.id] = None

    # --- what is parked ------------------------------------------------------------------

    def _fails(self, row: str, step: str, due_at: datetime, error: Exception) -> None:
        before = self._parked.get((row, step))
        self._failed.setdefault(row, {})[step] = ParkedRow(
            source=self._source.name,
            row=row,
            step=step,
            error=described(error),
            due_at=due_at if before is None else before.due_at,
            tries=1 if before is None else before.tries + 1,
            first_at=self._now if before is None else before.first_at,
            last_at=self._now,
        )

    def settle(self) -> int:
        """Keep what could not be served and release what was; how many are parked now."""
        failed = [one for steps in self._failed.values() for one in steps.values()]
        kept, released = 0, []
        for (row, step), parked in self._parked.items():
            if step in self._failed.get(row, {}):
                continue
            if step in self._asked[row] and (row, step) not in self._tried:
                # The tick is of an earlier instant than that at which it was due.
                kept += 1
            else:
                released.append(parked)
        if failed or released:
            self._host.views.park_rows(self._source.name, failed, released)
        return kept + len(failed)


def _basis(host: Host, now: datetime) -> str:
    """What rows are put off by: the policies there are, those in force, and where days begin."""
    day = local_date(now - _MOMENT, host.zone)
    return digest_of([host.zone, host.policies.standing(day)])
