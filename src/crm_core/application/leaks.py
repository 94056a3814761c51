"""Leaks of personal data as people ask about them: `CRM.privacy.leaks` (PRV-08)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from crm_core.application.authority import acting
from crm_core.application.checking import utc
from crm_core.application.desk import Desk, Receipt
from crm_core.application.host import Host
from crm_core.errors import Invalid
from crm_core.kernel.canonical import digest_of
from crm_core.kernel.dates import instant_text
from crm_core.kernel.recorded import Actor, Recorded
from crm_core.kernel.sealed import Withheld
from crm_core.kernel.values import frozen
from crm_core.privacy.incident_clock import LEAKS
from crm_core.privacy.incident_events import (
    ITEMS,
    LeakOpened,
    LeakStated,
    LeakTold,
    NotificationOrdered,
    PersonsTold,
    SilenceDecided,
    SilenceProposed,
)
from crm_core.privacy.incidents import (
    LEAK,
    Leak,
    RecordAffected,
)

Affected = Callable[[datetime, datetime, tuple[str, ...]], Iterable[str]]
"""Ids of the persons about whom somebody read any of some fields between two instants; of all
fields where none is named."""

PAGE_ROWS = 1000


@frozen
class ClockReading:
    """How a duty stands.

    Args:
        done_at: When it was done; None while it is owed.
        late_minutes: Whole minutes begun behind its due instant, until it was done or asked about;
            0 if it is in time.
    """

    duty: str
    due_at: datetime
    done_at: datetime | None
    late_minutes: int


class Leaks:
    """Questions about leaks, and who was affected.

    Args:
        host: Ports.
        desk: Knows who may ask.
        affected: Asks the log of reads.
    """

    def __init__(self, host: Host, desk: Desk, affected: Affected) -> None:
        self._host, self._desk, self._affected = host, desk, affected

    def every(self, *, by: Actor, now: datetime | None = None) -> list[dict[str, Any]]:
        """All leaks, open ones first, each with how its duties stand.

        Raises:
            Refused: they are not for `by` to see.
        """
        self._desk.may(acting(by), "see-leaks")
        views = self._host.views
        views.catch_up(LEAKS)
        found, after = [], ("", "")
        while rows := views.scan(LEAKS, after=after, limit=PAGE_ROWS):
            found += [self._summary(row.leak, self._now(now)) for _, _, row in rows]
            after = rows[-1][0], rows[-1][1]
        return found

    def report(self, leak: str, *, by: Actor, now: datetime | None = None) -> dict[str, Any]:
        """Everything that the law asks a report to say (PIPL, art. 57), with what is missing of it.

        Raises:
            Refused: it is not for `by` to see.
            Invalid: there is no such leak.
        """
        self._desk.may(acting(by), "see-leaks")
        state, events = self._read(leak)
        at = self._now(now)
        words: dict[str, Any] = dict.fromkeys(ITEMS)
        for recorded in events:
            if isinstance(recorded.event, LeakStated):
                words[recorded.event.item] = self._text(recorded, "text")
        return {
            **self._summary(leak, at, state),
            **words,
            "summary": self._of(events, LeakOpened, ("summary",))[0]["summary"],
            "kinds": list(state.kinds),
            "affected": _affected(state),
            "told": self._of(
                events, LeakTold, ("duty", "told_at", "told_by", "informed", "reference")
            ),
            "persons_told": self._of(
                events, PersonsTold, ("told_at", "told_by", "number", "channel", "text")
            ),
            "silence": self._silence(events, state),
            "ordered": self._of(
                events, NotificationOrdered, ("ordered_at", "authority", "reference")
            ),
            "missing": state.missing(),
        }

    def determine_affected(
        self,
        leak: str,
        *,
        by: Actor,
        fields: Iterable[str] = (),
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> tuple[list[str], Receipt]:
        """Ask the log of reads who is affected by a leak, and keep how many and a digest.

        Args:
            fields: The fields that leaked; all where none is named.
            since: Begin of the window; by default that of the leak, which may turn out to be older.
            until: End of the window; by default that of the leak, or the present.

        Returns:
            The ids of the persons, sorted, which are kept nowhere; and what was recorded.

        Raises:
            Refused: it is not for `by`, or the leak is closed.
            Invalid: there is no such leak, or no log of reads.
        """
        by = acting(by)
        self._desk.may(by, "determine-affected")
        state, _ = self._read(leak)
        assert state.opened is not None
        began = utc(since, "since") or state.opened.since
        end = utc(until, "until") or state.opened.until or self._host.clock.now()
        asked, position = tuple(sorted(set(fields))), self._host.log.head()
        persons = sorted(set(self._affected(began, end, asked)))
        receipt = self._desk.within(
            RecordAffected(
                leak=leak,
                number=len(persons),
                digest=digest_of(persons),
                since=began,
                until=end,
                fields=asked,
                position=position,
            ),
            by=by,
        )
        return persons, receipt

    # --- one leak ------------------------------------------------------------------------

    def _now(self, now: datetime | None) -> datetime:
        return utc(now, "now") or self._host.clock.now()

    def _read(self, leak: str) -> tuple[Leak, list[Recorded[Any]]]:
        events = list(self._desk.texts.each(self._host.log.read(LEAK.stream(leak))))
        if not events:
            raise Invalid.one("leak_unknown", leak=leak)
        return LEAK.decider.fold(one.event for one in events), events

    def _summary(self, leak: str, now: datetime, state: Leak | None = None) -> dict[str, Any]:
        if state is None:
            state, _ = self._read(leak)
        opened = state.opened
        assert opened is not None
        return {
            "leak": leak,
            "severity": state.severity,
            "discovered_at": instant_text(opened.discovered_at),
            "since": instant_text(opened.since),
            "until": None if opened.until is None else instant_text(opened.until),
            "opened_by": opened.opened_by,
            "closed_at": None if state.closed is None else instant_text(state.closed.closed_at),
            "clocks": [_plain(reading) for reading in readings(state, now)],
        }

    def _silence(self, events: list[Recorded[Any]], state: Leak) -> dict[str, Any]:
        """What was proposed and decided about not telling the persons, and whether it holds."""
        return {
            "holds": state.silence is not None,
            "proposed": self._of(events, SilenceProposed, ("proposed_by", "reason")),
            "decided": self._of(
                events, SilenceDecided, ("approved", "decided_at", "decided_by", "reason")
            ),
        }

    def _of(
        self, events: list[Recorded[Any]], kind: type, fields: tuple[str, ...]
    ) -> list[dict[str, Any]]:
        return [
            {name: self._shown(one, name) for name in fields}
            for one in events
            if isinstance(one.event, kind)
        ]

    def _shown(self, recorded: Recorded[Any], field: str) -> Any:
        value = getattr(recorded.event, field)
        if isinstance(value, datetime):
            return instant_text(value)
        return self._text(recorded, field) if isinstance(value, Withheld) else value

    def _text(self, recorded: Recorded[Any], field: str) -> str | dict[str, str]:
        value: Any = getattr(recorded.event, field)
        return {"withheld": value.reason} if isinstance(value, Withheld) else value


def readings(state: Leak, now: datetime) -> Iterator[ClockReading]:
    """How the duties of a leak stand at an instant.

    What was done is judged by when it was, however late it was entered.
    """
    for clock in state.clocks:
        done_at = state.done_at(clock)
        late = (now if done_at is None else done_at) - clock.due_at
        minutes = max(0, -(-late // timedelta(minutes=1)))
        yield ClockReading(clock.duty, clock.due_at, done_at, minutes)


def _plain(reading: ClockReading) -> dict[str, Any]:
    return {
        "duty": reading.duty,
        "due_at": instant_text(reading.due_at),
        "done_at": None if reading.done_at is None else instant_text(reading.done_at),
        "late_minutes": reading.late_minutes,
    }


def _affected(state: Leak) -> dict[str, Any] | None:
    found = state.affected
    if found is None:
        return None
    return {
        "number": found.number,
        "digest": found.digest,
        "source": found.source,
        "fields": list(found.fields),
        "since": None if found.since is None else instant_text(found.since),
        "until": None if found.until is None else instant_text(found.until),
        "determined_at": instant_text(found.determined_at),
        "determined_by": found.determined_by,
    }
