"""Questions about accounts: credit, arrears, statements, limitation. `CRM.accounts` is one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from typing import Any, Unpack

from attrs import evolve

from crm_core.application.access import Asked
from crm_core.application.adopted import allocations_at_hand
from crm_core.application.checking import utc
from crm_core.application.host import Host
from crm_core.errors import Invalid
from crm_core.gradings.engines.merged import facts_by_household, merges_seen
from crm_core.gradings.engines.port import CreditLine, FactsEngine, Owing
from crm_core.kernel.dates import Period
from crm_core.kernel.tenures import Tenures
from crm_core.kernel.values import frozen
from crm_core.kernel.voiding import standing
from crm_core.owners import HOUSEHOLD
from crm_core.owners.facts import (
    REGISTERED,
    TENURE_NAMES,
    TENURES,
    HouseholdRegistered,
    tenures,
)
from crm_core.owners.facts import VOID_NAMES as FILE_VOID_NAMES
from crm_core.owners.facts import VOIDS as FILE_VOIDS
from crm_core.payments.allocation_policy import Epochs
from crm_core.payments.changes import CreditChange, changes
from crm_core.payments.clauses import Allocations, agreed_late_charges
from crm_core.payments.collection.events import COLLECTION_EVENTS
from crm_core.payments.credit import DEFAULT_CREDIT, CreditPolicy
from crm_core.payments.events import ACCOUNT_EVENTS
from crm_core.payments.facts import VOIDS as ACCOUNT_VOIDS
from crm_core.payments.late import LateChargePolicy
from crm_core.payments.ledger import Ledger, ledgers
from crm_core.payments.limitation import Limit, limits
from crm_core.payments.owing import OwingRow, overdue
from crm_core.payments.purchases import Purchases, purchases
from crm_core.payments.views import CreditRow, credit_row, statement
from crm_core.ports import EVENTS, EventLog

_ACCOUNTS = frozenset(kind.stored for kind in ACCOUNT_EVENTS)
_VOIDS = {**FILE_VOIDS, **ACCOUNT_VOIDS}
PAYMENTS = _ACCOUNTS | {kind.stored for kind in COLLECTION_EVENTS}
"""What tells of an account, and of how its arrears are collected."""


class Accounts:
    """Questions about accounts.

    Args:
        host: Ports and policies.
        engine: Finds the engine of a name.
    """

    def __init__(self, host: Host, engine: Callable[[str], FactsEngine]) -> None:
        self._host, self._engine = host, engine

    def credit(
        self,
        on: date,
        *,
        known: datetime | None = None,
        households: Sequence[str] | None = None,
        policy: str = DEFAULT_CREDIT,
        engine: str = EVENTS,
        **_asked: Unpack[Asked],
    ) -> Iterator[CreditLine]:
        """Credit of households on a day as known at an instant (PAY-03, PAY-04), sorted.

        Raises:
            Invalid: a named household has no file, or there is no such engine.
        """
        table = self._host.policies.find(CreditPolicy, policy, on)
        if households is not None:
            _check_households(self._host.log, households)
        return self._engine(engine).credit(
            on, utc(known, "known"), table, households, self._allocations()
        )

    def arrears(
        self,
        on: date,
        *,
        known: datetime | None = None,
        policy: str = DEFAULT_CREDIT,
        engine: str = EVENTS,
        **_asked: Unpack[Asked],
    ) -> Iterator[Owing]:
        """Arrears of everybody who owes something on a day, sorted by household (PAY-03).

        True to what was unpaid then, as known at the instant; what is in dispute is shown beside.
        Those of an earlier tenure stand beside those of the present one (PAY-16).

        Raises:
            Invalid: there is no such engine.
        """
        table = self._host.policies.find(CreditPolicy, policy, on)
        return self._engine(engine).arrears(
            on, utc(known, "known"), table, allocations=self._allocations()
        )

    def statement(
        self,
        household: str,
        on: date,
        *,
        known: datetime | None = None,
        policy: str = DEFAULT_CREDIT,
        late_charge: str | None = None,
        tenure: str | None = None,
        **_asked: Unpack[Asked],
    ) -> dict[str, Any]:
        """A household's account on a day as known at an instant: every movement with its balance.

        Args:
            late_charge: The policy of late charges to show, of those that clauses of the contract
                agree on; all of them by default, and none without a clause (PAY-08).
            tenure: Key of the tenure whose account it is; that of the day by default (PAY-16).

        Raises:
            Invalid: the household has no file, or had none that was known then, or there is no such
                tenure.
        """
        book = self._host.policies
        table = book.find(CreditPolicy, policy, on)
        for told in self._told(on, known, [household], PAYMENTS):
            facts, held = told.facts, told.held
            number = held.index(on) if tenure is None else held.find(tenure)
            if number is None:
                keys = [one.key for one in held.every]
                raise Invalid.one("tenure_unknown", tenure=tenure, known=keys)
            said = statement(facts, on, table, tenures=held, tenure=number, epochs=told.by)
            late = self._late_charges(facts, told.books[number], on, late_charge)
            return {**said, "late_charges": late}
        raise Invalid.one("household_unknown", household=household)

    def credit_table(
        self,
        on: date,
        *,
        known: datetime | None = None,
        policy: str = DEFAULT_CREDIT,
        owing: bool = False,
        **_asked: Unpack[Asked],
    ) -> Iterator[CreditRow]:
        """The credit table (信用等级表) of a day as known at an instant, sorted by household.

        Args:
            owing: Only who owes something that is overdue and undisputed.
        """
        table = self._host.policies.find(CreditPolicy, policy, on)
        for told in self._told(on, known, None):
            file, held = told.file, told.held
            row = credit_row(told.household, file.estate, told.books[held.index(on)], on, table)
            if row.overdue_fen or not owing:
                yield evolve(
                    row,
                    tenure=held.on(on).key,
                    building=file.building,
                    unit=file.unit,
                    room=file.room,
                )

    def owing(
        self,
        on: date,
        *,
        known: datetime | None = None,
        **_asked: Unpack[Asked],
    ) -> list[OwingRow]:
        """Who owes what since when, with the place, the largest amount first (PAY-03).

        What somebody owes who left stands in a row of their own tenure (PAY-16).
        """
        rows = []
        for told in self._told(on, known, None):
            file = told.file
            for tenure, ledger in zip(told.held.every, told.books, strict=True):
                found = overdue(ledger, on)
                if found is not None:
                    rows.append(
                        OwingRow(
                            household=told.household,
                            tenure=tenure.key,
                            estate=file.estate,
                            building=file.building,
                            unit=file.unit,
                            room=file.room,
                            oldest_due=found.oldest_due,
                            overdue_days=found.overdue_days,
                            overdue_fen=found.overdue_fen,
                        )
                    )
        return sorted(rows, key=lambda row: row.largest_first)

    def purchases(
        self,
        year: int,
        *,
        known: datetime | None = None,
        households: Sequence[str] | None = None,
        **_asked: Unpack[Asked],
    ) -> Iterator[tuple[str, Purchases]]:
        """What households bought in a calendar year, less refunds, sorted by household (PAY-13).

        What somebody bought who left stands in a line of their own tenure (PAY-16). Who bought
        nothing and was given nothing back is left out.

        Raises:
            Invalid: a named household has no file.
        """
        for told in self._told(Period.of_year(year).end, known, households):
            for found in purchases(told.facts, Period.of_year(year), told.held):
                if found.positions:
                    yield told.household, found

    def limitation(
        self,
        on: date,
        *,
        known: datetime | None = None,
        **_asked: Unpack[Asked],
    ) -> Iterator[tuple[str, Limit]]:
        """Until when each overdue charge can be sued for (PAY-12), by household, soonest first."""
        for told in self._told(on, known, None, PAYMENTS):
            for limit in limits(told.facts, on, told.held, told.by):
                yield told.household, limit

    def changes(
        self,
        household: str,
        first_day: date,
        last_day: date,
        *,
        known: datetime | None = None,
        policy: str = DEFAULT_CREDIT,
        **_asked: Unpack[Asked],
    ) -> Iterator[CreditChange]:
        """The changes of a household's credit from one day to another, each with its causes.

        They are those of the tenure of each day (PAY-05, PAY-16), by the credit table of the last.

        Raises:
            Invalid: the household has no file, or had none that was known then, or the last day
                comes before the first.
        """
        if last_day < first_day:
            end = last_day.isoformat()
            raise Invalid.one(
                "period_malformed", where="last_day", sentence="period_reversed", end=end
            )
        table = self._host.policies.find(CreditPolicy, policy, last_day)
        for told in self._told(last_day, known, [household]):
            return changes(told.facts, Period(first_day, last_day), table, tenures, told.by)
        raise Invalid.one("household_unknown", household=household)

    def _late_charges(
        self, facts: list[tuple[Any, int]], ledger: Ledger, on: date, name: str | None
    ) -> list[dict[str, Any]]:
        def find(policy: str) -> LateChargePolicy:
            return self._host.policies.find(LateChargePolicy, policy, on)

        events = [event for event, _ in facts]
        return [
            {
                "charge": one.charge,
                "policy": policy,
                "days": one.days,
                "amount_fen": one.amount_fen,
                "capped": one.capped,
            }
            for policy, one in agreed_late_charges(events, ledger, on, find)
            if name in (None, policy)
        ]

    def _told(
        self,
        on: date,
        known: datetime | None,
        households: Sequence[str] | None,
        names: frozenset[str] = _ACCOUNTS,
    ) -> Iterator[Told]:
        return everybody_told(self._host, on, utc(known, "known"), households, names)

    def _allocations(self) -> Allocations:
        """The allocation policies at hand, those adopted in the log among them."""
        return allocations_at_hand(self._host)


@frozen
class Told:
    """What is known of a household.

    Args:
        facts: Events with their positions, in the order of the log.
        held: Its tenures.
        by: The policies by which its money is allocated.
    """

    household: str
    file: HouseholdRegistered
    facts: list[tuple[Any, int]]
    held: Tenures
    by: Epochs

    @property
    def books(self) -> tuple[Ledger, ...]:
        """Its ledgers, one for each tenure."""
        return ledgers(self.facts, self.held, self.by)


def everybody_told(
    host: Host,
    on: date,
    known: datetime | None,
    households: Sequence[str] | None,
    names: frozenset[str] = PAYMENTS,
) -> Iterator[Told]:
    """Everybody whose file is known then, files that were merged by the day as one (OWN-09).

    Raises:
        Invalid: a named household has no file.
    """
    allocations, log = allocations_at_hand(host), host.log
    if households is not None:
        _check_households(log, households)
    wanted = names | TENURE_NAMES | FILE_VOID_NAMES | {REGISTERED}
    merges = merges_seen(log, on, known)
    for household, events in facts_by_household(log, merges, names=wanted, households=households):
        seen = [fact for fact in events if known is None or fact[1] <= known]
        facts = [(event, position) for position, _, event in standing(seen, _VOIDS)]
        alone = [event for event, _ in facts]
        file = next((e for e in alone if type(e) is HouseholdRegistered), None)
        if file is not None:
            held = tenures([e for e in alone if type(e) in TENURES])
            by = allocations.of(file.estate, alone)
            yield Told(household=household, file=file, facts=facts, held=held, by=by)


def _check_households(log: EventLog, households: Sequence[str]) -> None:
    """Refuse to be asked about a household that nobody knows.

    Raises:
        Invalid: one of them has no file.
    """
    streams = {HOUSEHOLD.stream(household): household for household in households}
    known = log.tips(list(streams))
    missing = [household for stream, household in streams.items() if stream not in known]
    if missing:
        raise Invalid.one("household_unknown", household=missing[0])
