"""The question for the report of a year. `CRM.reports` is one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from functools import cache
from typing import Any

from attrs import evolve

from crm_core.application.access import Access
from crm_core.application.accounts import Accounts, everybody_told
from crm_core.application.checking import utc
from crm_core.application.clock import ticked_at
from crm_core.application.desk import Desk
from crm_core.application.gradings import Gradings
from crm_core.application.host import Host
from crm_core.application.looking import Look
from crm_core.application.reporting.life import life
from crm_core.application.reporting.model import (
    GRADED_MAX,
    MOVED_MAX,
    ROWS_MAX,
    BrokenPay,
    CreditMove,
    Graded,
    Layers,
    Life,
    Missed,
    Rows,
    Waiting,
    YearReport,
)
from crm_core.application.reporting.money import Money, counted
from crm_core.application.requests import Requests
from crm_core.application.return_visits import ReturnVisits
from crm_core.application.runs import GradingRun
from crm_core.application.todo import waits
from crm_core.errors import Invalid
from crm_core.gradings.engines.merged import merges_seen
from crm_core.gradings.events import EVENTS as _GRADINGS
from crm_core.gradings.events import GradingDecided
from crm_core.gradings.policy import INSUFFICIENT
from crm_core.kernel.access import IDENTIFYING
from crm_core.kernel.dates import Period, local_date
from crm_core.kernel.recorded import Actor, Cutoff
from crm_core.kernel.sealed import Withheld
from crm_core.payments.credit import DEFAULT_CREDIT, CreditPolicy
from crm_core.requests.late import late
from crm_core.requests.statistics import EVENT_NAMES as REQUEST_NAMES

_DECIDED = frozenset(kind.stored for kind in _GRADINGS if kind.cls is GradingDecided)
_WAY = "reports.year"
_GRADE = ("grade", "purchase")
"""Classes without which nothing is told of gradings."""


class Reports:
    """The question for the report of a year.

    Args:
        host: Ports.
        desk: Knows who is on the staff.
        access: Knows who may see what.
        accounts, gradings, requests, visits: What there is to report.
    """

    def __init__(
        self,
        host: Host,
        desk: Desk,
        access: Access,
        accounts: Accounts,
        gradings: Gradings,
        requests: Requests,
        visits: ReturnVisits,
    ) -> None:
        self._host, self._desk, self._access = host, desk, access
        self._accounts, self._gradings = accounts, gradings
        self._requests, self._visits = requests, visits

    def year(
        self,
        year: int,
        *,
        run: str | None = None,
        household: str | None = None,
        now: datetime | None = None,
        by: Actor | None = None,
        purpose: str | None = None,
    ) -> YearReport:
        """The report of a graded year, with what `by` may see of it (PRV-01).

        Accounts are told as of the last day of the year, requests of the year, both as known at the
        cut-off of the run; what waits for whom, and a household's life, as of now. The same log,
        run, instant and person give the same report.

        Args:
            run: By default the run of record.
            household: Whose life is told; by default whoever owes most, else the first graded.
            now: Instant for which it is made; by default the present.
            purpose: What for: a code of the access policy, with free words behind it.

        Raises:
            Invalid: the year has no such run, or there is no such household.
            Refused: it is not for `by` at all.
            Failed: the read log cannot be written.
        """
        look = self._access.look(by, purpose, _WAY)
        look.listed = True
        look.may_know("")
        at = utc(now, "now") or self._host.clock.now()
        found = self._gradings.grades(year, run=run)
        period = Period.of_year(year)
        on = min(period.end, local_date(at, self._host.zone))
        return _Making(self, look, found, period, on, at).made(household)


class _Making:
    """One report on its way."""

    def __init__(
        self,
        reports: Reports,
        look: Look,
        run: GradingRun,
        period: Period,
        on: date,
        at: datetime,
    ) -> None:
        self._host, self._desk = reports._host, reports._desk
        self._accounts, self._gradings = reports._accounts, reports._gradings
        self._requests, self._visits = reports._requests, reports._visits
        self._look, self._run, self._period, self._on, self._at = look, run, period, on, at
        # Everything stands on one page, so whoever sees a place sees no grade without a purpose.
        self._joined = any(look.answer(data).granted for data in IDENTIFYING)
        self._homes: set[str] = set()
        self._table = self._credit_table()

    def made(self, household: str | None) -> YearReport:
        """The report."""
        told = everybody_told(self._host, self._on, self._run.cutoff.known, None)
        money = counted(told, self._period, self._on, self._table)
        owing = money.largest()
        chosen = household or next((row.household for row in owing.rows), None)
        graded = self._graded()
        if chosen is None and self._run.gradings:
            chosen = self._run.gradings[0].household
        head = self._host.log.head()
        report = YearReport(
            year=self._run.year,
            period=self._period,
            on=self._on,
            known=self._run.cutoff.known,
            made_at=self._at,
            by=self._look.by,
            purpose=self._look.purpose,
            position=head,
            root=self._host.log.root(head).root,
            ticked_at=ticked_at(self._host.views),
            credit_ref=self._table.ref,
            run=self._run.run,
            graded=graded,
            owed=self._if_money(dict(money.owed)),
            ages=self._if_money(money.by_age()),
            owing=self._if_money(owing, lambda: self._rows(owing)),
            moved=self._if_money(None, lambda: self._moved(money)),
            promises=self._if_money(None, lambda: self._promised(money)),
            missed=self._missed(),
            waits=self._waits(),
            coverage=self._visits.coverage(self._period, now=self._at),
            life=None if chosen is None else self._life(chosen),
            leads=self._leads(),
            households=0,
        )
        return evolve(report, households=len(self._homes))

    # --- who sees what ---------------------------------------------------------------------

    def _reason(self, *classes: str) -> str:
        """Why values of these classes are withheld on the page; empty if they are not."""
        answers = (self._look.answer(data, joined=self._joined) for data in classes)
        return next((one.reason for one in answers if not one.granted), "")

    def _if_money(self, value: Any, made: Any = None) -> Any:
        reason = self._reason("money")
        if reason:
            return Withheld(reason)
        return value if made is None else made()

    def _shown(self, rows: Iterable[Any], household: str = "") -> tuple[Any, ...]:
        """Rows as they may be seen, each read written down before."""
        rows = tuple(rows)
        found = self._look.show_each(rows, household=household, joined=self._joined)
        shown = tuple(found)
        self._homes.update(one.household for one in shown)
        return shown

    def _rows(self, rows: Rows[Any]) -> Rows[Any]:
        return evolve(rows, rows=self._shown(rows.rows))

    def _leads(self) -> tuple[str, ...]:
        """What of the page leads to the door, or is personal."""
        look, found = self._look, []
        if look.answer("place").granted:
            found += ["building", "unit", "room"]
        found += [
            data
            for data in (*_GRADE, "money")
            if (answer := look.answer(data, joined=self._joined)).granted and answer.personal
        ]
        return tuple(found)

    # --- its parts -------------------------------------------------------------------------

    def _credit_table(self) -> CreditPolicy:
        policies = self._host.policies
        if self._run.gradings:
            return policies.pinned(CreditPolicy, self._run.gradings[0].credit_policy)
        return policies.find(CreditPolicy, DEFAULT_CREDIT, self._on)

    def _graded(self) -> Graded | Withheld:
        reason = self._reason(*_GRADE)
        if reason:
            return Withheld(reason)
        policy = self._gradings.policy(self._run.policy)
        rank = {layer: n for n, layer in enumerate((*policy.layers, INSUFFICIENT))}
        ordered = sorted(
            self._run.gradings,
            key=lambda one: (rank.get(one.outcome.layer, len(rank)), one.household),
        )
        first: dict[str, GradingDecided] = {}
        for grading in ordered:
            first.setdefault(grading.outcome.layer, grading)
        moved = self._layers()
        listed = tuple(ordered[:GRADED_MAX])
        now = () if moved is None else tuple(after for _, after in moved.moved)
        # Each of them once: what is shown of a household is one read.
        self._shown({one.household: one for one in (*listed, *first.values(), *now)}.values())
        return Graded(
            run=self._run,
            listed=listed,
            examples=tuple(self._run.of(one) for one in first.values()),
            moved=moved,
        )

    def _layers(self) -> Layers | None:
        records = self._gradings.records().by_year
        year = max((year for year in records if year < self._run.year), default=None)
        if year is None:
            return None
        run = records[year]
        before: dict[str, GradingDecided] = {}
        for recorded in self._host.log.feed(names=_DECIDED):
            if recorded.event.run == run:
                before[recorded.event.household] = recorded.event
        moved = [
            (before[one.household], one)
            for one in sorted(self._run.gradings, key=lambda one: one.household)
            if one.household in before and before[one.household].outcome.layer != one.outcome.layer
        ]
        layers = {household: one.outcome.layer for household, one in before.items()}
        return Layers(
            year=year,
            run=run,
            before=layers,
            moved=tuple(moved[:MOVED_MAX]),
            found=len(moved),
        )

    def _moved(self, money: Money) -> Any:
        known, period = self._run.cutoff.known, Period(self._period.start, self._on)

        def changes(household: str) -> Iterable[Any]:
            return self._accounts.changes(
                household, period.start, period.end, known=known, policy=self._table.ref.name
            )

        found = money.movement(changes)
        rows: Rows[CreditMove] = self._rows(found.moved)
        return evolve(found, moved=rows)

    def _promised(self, money: Money) -> Rows[BrokenPay]:
        return self._rows(money.promised())

    def _missed(self) -> Missed:
        cutoff = Cutoff(self._run.cutoff.position, self._run.cutoff.known)
        events = self._host.log.feed(upto=cutoff.position, names=REQUEST_NAMES)
        found, broken = late(
            events, self._period, cutoff, self._host.zone, cache(self._requests.pinned)
        )
        return Missed(
            late=Rows(self._shown(found[:ROWS_MAX]), len(found)),
            done_late=sum(1 for one in found if one.done_at is not None),
            broken=Rows(self._shown(broken[:ROWS_MAX]), len(broken)),
        )

    def _waits(self) -> tuple[Waiting, ...]:
        found = []
        for one in waits(self._host, self._desk, self._at):
            kinds: dict[str, list[Any]] = {}
            for task in one.tasks:
                kinds.setdefault(task.what, []).append(task)
            found += [
                Waiting(
                    role=one.role,
                    held=one.held,
                    what=what,
                    count=len(tasks),
                    overdue=sum(1 for t in tasks if t.due_at is not None and t.due_at < self._at),
                    since=min(task.since for task in tasks),
                )
                for what, tasks in sorted(kinds.items())
            ]
        return tuple(found)

    def _life(self, household: str) -> Life:
        today = local_date(self._at, self._host.zone)
        group = merges_seen(self._host.log, today).group(household)
        told = next(everybody_told(self._host, today, None, [group[0]]), None)
        if told is None:
            raise Invalid.one("household_unknown", "household", household=household)
        events = [
            recorded
            for _, found in self._host.log.by_household(households=sorted(group))
            for recorded in found
        ]
        changed = self._accounts.changes(group[0], date(1990, 1, 1), today)
        found = life(events, told, changed, today, self._table)
        return evolve(found, years=self._shown(found.years, group[0]))
