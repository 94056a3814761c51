"""Studies over recorded gradings: what-if, shares, fairness, and what a grade may influence.

`CRM.studies` is one. All of them read; only a quota and an assessment are written down.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Unpack

from crm_core.application.access import Asked
from crm_core.application.adopted import adopted
from crm_core.application.desk import Desk
from crm_core.application.gradings import Gradings
from crm_core.application.host import Host, present_day
from crm_core.application.runs import GradingRun
from crm_core.errors import DecisionMismatch, Invalid, UnknownPolicy
from crm_core.gradings.adoption import GRADING
from crm_core.gradings.commands import AllotQuota, AssessPolicy, Cohort, Tried
from crm_core.gradings.engines.port import Ask
from crm_core.gradings.events import GradingDecided
from crm_core.gradings.policy import GradingPolicy
from crm_core.gradings.reading import Reading
from crm_core.gradings.studies.fairness import (
    COMPLAINT_NAMES,
    Attributes,
    Cell,
    Suspicion,
    attributes,
    distribution,
    override_rates,
    retaliation,
)
from crm_core.gradings.studies.shares import (
    DEFAULT_SHARES,
    Allotted,
    Candidate,
    Drift,
    SharesPolicy,
    allot,
    cohort_digest,
    drift,
    places_digest,
)
from crm_core.gradings.studies.what_if import Compared, WhatIf, what_if
from crm_core.gradings.uses import Influence, Use, influence
from crm_core.kernel.dates import Period
from crm_core.kernel.recorded import Actor, Cutoff
from crm_core.kernel.values import frozen
from crm_core.kernel.voiding import standing
from crm_core.owners.facts import AUDIT_NAMES, TENURE_NAMES, VOID_NAMES, VOIDS, tenures
from crm_core.payments.credit import CreditPolicy
from crm_core.ports import EVENTS


@frozen
class Fairness:
    """A year seen by attributes that no grading sees.

    Args:
        layers: Layers that hold.
        overrides: Where people decided otherwise than the rule.
    """

    layers: Mapping[str, tuple[Cell, ...]]
    overrides: Mapping[str, tuple[Cell, ...]]


@frozen
class Quota:
    """A cohort allotted to layers of the expected sizes, beside its gradings (GRD-04)."""

    run: str
    policy: str
    cohort_digest: str
    places: tuple[Allotted, ...]


class Studies:
    """Studies over recorded gradings.

    Args:
        host: Ports and policies.
        desk: Where quotas and assessments are written down.
        gradings: The recorded runs.
    """

    def __init__(self, host: Host, desk: Desk, gradings: Gradings) -> None:
        self._host, self._desk = host, desk
        self._log = host.log
        self._gradings = gradings

    # --- what-if and assessment ------------------------------------------------------------

    def what_if(
        self,
        years: Sequence[int],
        candidate: GradingPolicy,
        *,
        run: str | None = None,
        engine: str = EVENTS,
        **_asked: Unpack[Asked],
    ) -> WhatIf:
        """Try a candidate policy over the run of record of each year (GRD-10).

        Nothing is written. The candidate sees what the run saw: its cut-off and its window.

        Args:
            candidate: Any grading policy, drafts included.
            run: Of one year: this run instead.

        Raises:
            Invalid: a year was not graded, or there is no such engine.
        """
        runs = [self._gradings.grades(year, run=run) for year in sorted(set(years))]
        policies = {one.run: self._gradings.policy(one.policy) for one in runs}
        found: dict[str, Attributes] = {}
        for one in runs:
            found |= self._attributes(one)
        pairs = (pair for one in runs for pair in self._compared(one, candidate, engine))
        return what_if(pairs, policies, candidate, found)

    def candidate(self, name: str) -> GradingPolicy:
        """A policy to be tried, by name/version: a draft in the log, or one at hand.

        By its name alone it is the newest version, in force or not.

        Raises:
            UnknownPolicy: there is none.
        """
        bare, _, number = name.partition("/")
        known = adopted(self._log, bare)
        version = known.get(int(number)) if number.isascii() and number.isdigit() else None
        if version is None and not number and known:
            version = known[max(known)]
        if version is not None:
            drafted = version.policy(self._host.registry.parse)
            if isinstance(drafted, GradingPolicy):
                return drafted
        for ref in reversed(self._host.policies.refs()):
            if name in (ref.name, str(ref)):
                return self._host.policies.pinned(GradingPolicy, ref)
        raise UnknownPolicy.one("policy_unknown", sentence="policy_not_to_be_tried", policy=name)

    def assess(
        self,
        name: str,
        version: int,
        assessment: str,
        years: Sequence[int] = (),
        *,
        by: Actor,
        on: date,
    ) -> WhatIf | None:
        """Try a draft over recorded years and enter the figures as its assessment (GRD-11).

        Args:
            years: Of a grading policy: the years it is tried over. No other moves a household, so
                it is assessed without a what-if.

        Returns:
            What was found; None but of a grading policy.

        Raises:
            Refused: it is no draft, or is beyond assessment, or is not for `by` to assess.
        """
        self._desk.may(by, "assess-policy")
        drafted = adopted(self._log, name).get(version)
        found, tried = None, Tried()
        if drafted is None or drafted.kind == GRADING:
            found = self.what_if(years, self.candidate(f"{name}/{version}"))
            worse = sum(1 for one in found.moved if one.worse)
            tried = Tried(found.runs, found.compared, len(found.moved), worse)
        assess = AssessPolicy(name=name, version=version, assessment=assessment, tried=tried, on=on)
        self._desk.within(assess, by=by)
        return found

    def _compared(
        self, run: GradingRun, candidate: GradingPolicy, engine: str
    ) -> Iterator[Compared]:
        window = Period.of_year(run.year)
        credit = self._host.policies.find(CreditPolicy, candidate.credit, window.end)
        recorded = {grading.household: grading for grading in run.gradings}
        reading = self._host.policies.pinned(Reading, run.reading)
        ask = Ask(
            window=window,
            cutoff=run.cutoff,
            credit=credit,
            reading=reading,
            allocations=self._gradings.allocations(),
        )
        for then in self._gradings.engine(engine).assess(ask, candidate):
            now = recorded.get(then.household)
            if now is not None:
                yield Compared(
                    household=then.household,
                    year=run.year,
                    run=run.run,
                    facts=now.facts,
                    facts_then=then.facts,
                    layer=now.outcome.layer,
                    layer_then=then.layer,
                    type=now.outcome.type,
                    type_then=then.type,
                )

    # --- shares ----------------------------------------------------------------------------

    def drift(
        self,
        year: int,
        *,
        run: str | None = None,
        policy: str = DEFAULT_SHARES,
        **_asked: Unpack[Asked],
    ) -> tuple[Drift, ...]:
        """Shares of the layers beside the expected ones (GRD-04): a report, not a quota."""
        window = Period.of_year(year)
        table = self._host.policies.find(SharesPolicy, policy, window.end)
        try:
            before: GradingRun | None = self._gradings.grades(year - 1)
        except Invalid:
            before = None
        return drift(
            _layers(self._gradings.grades(year, run=run)),
            None if before is None else _layers(before),
            table,
        )

    def allot(
        self,
        year: int,
        *,
        by: Actor,
        run: str | None = None,
        policy: str = DEFAULT_SHARES,
    ) -> Quota:
        """Allot a year's households to layers of the expected sizes, and pin the cohort (GRD-04).

        The gradings stay as they are; the same run and policy give the same allotment.
        """
        self._desk.may(by, "allot-quota")
        graded = self._gradings.grades(year, run=run)
        table = self._host.policies.find(SharesPolicy, policy, Period.of_year(year).end)
        cohort, today = Cohort(_cohort(graded)), present_day(self._host)
        command = AllotQuota(graded.run, year, cohort=cohort, policy=table, on=today)
        self._desk.within(command, by=by, id=f"{graded.run}:quota:{table.ref.digest[:16]}")
        return self.quota(year, run=graded.run, policy=policy)

    def quota(
        self,
        year: int,
        *,
        run: str | None = None,
        policy: str = DEFAULT_SHARES,
        **_asked: Unpack[Asked],
    ) -> Quota:
        """The recorded allotment of a run, decided again from its cohort.

        Raises:
            Invalid: the run has none under that policy.
            DecisionMismatch: its cohort, or what follows from it, is not what was pinned.
        """
        graded = self._gradings.grades(year, run=run)
        table = self._host.policies.find(SharesPolicy, policy, Period.of_year(year).end)
        allotted = (graded.run, table.ref)
        quotas = self._gradings.year(year).quotas
        pinned = next((q for q in quotas if (q.run, q.policy) == allotted), None)
        if pinned is None:
            raise Invalid.one("quota_unknown", run=graded.run, policy=str(table.ref))
        cohort = _cohort(graded)
        places = allot(cohort, table)
        if (cohort_digest(cohort), places_digest(places)) != (
            pinned.cohort_digest,
            pinned.places_digest,
        ):
            raise DecisionMismatch("quota_does_not_follow", run=graded.run)
        return Quota(graded.run, str(table.ref), pinned.cohort_digest, places)

    # --- fairness --------------------------------------------------------------------------

    def fairness(
        self,
        year: int,
        *,
        run: str | None = None,
        **_asked: Unpack[Asked],
    ) -> Fairness:
        """Layers and overrides by attributes for the audit, small cells suppressed (GRD-15)."""
        graded = self._gradings.grades(year, run=run)
        standings = [graded.of(grading) for grading in graded.gradings]
        found = self._attributes(graded)
        return Fairness(distribution(standings, found), override_rates(standings, found))

    def retaliation(
        self,
        year: int,
        *,
        run: str | None = None,
        **_asked: Unpack[Asked],
    ) -> Iterator[Suspicion]:
        """Complaints followed by a worse grade than the year before, without arrears (GRD-15).

        Raises:
            Invalid: the year, or the one before it, was not graded.
        """
        graded = self._gradings.grades(year, run=run)
        before = self._gradings.grades(year - 1)
        then = {grading.household: before.of(grading) for grading in before.gradings}
        asked = dict(self._log.by_household(names=COMPLAINT_NAMES))
        for grading in graded.gradings:
            household = grading.household
            if household in then and household in asked:
                found = retaliation(
                    then[household], graded.of(grading), asked[household], self._host.zone
                )
                if found is not None:
                    yield found

    def _attributes(self, run: GradingRun) -> dict[str, Attributes]:
        end, cutoff = Period.of_year(run.year).end, Cutoff(run.cutoff.position, run.cutoff.known)
        return {
            household: attributes(events, end, cutoff)
            for household, events in self._log.by_household(names=AUDIT_NAMES | VOID_NAMES)
        }

    # --- uses ------------------------------------------------------------------------------

    def influence(
        self,
        household: str,
        use: Use,
        *,
        on: date | None = None,
        known: datetime | None = None,
        **_asked: Unpack[Asked],
    ) -> Influence:
        """What a household's grade may influence, and by which layer or type, on a day (GRD-14).

        Args:
            on: As of this day; by default today.
            known: By gradings as known at this instant.
        """
        day = on or present_day(self._host)
        told = self._gradings.history(household, on=day, known=known)
        held = [now for now in told if now.replaced_by is None]
        held.sort(key=lambda now: now.grading.period_end)
        now = held[-1] if held else None
        theirs = [self._is_theirs(one.grading, day) for one in held[-2:]]
        before = held[-2] if len(held) > 1 and theirs[0] else None
        return influence(household, use, now, before, same_tenure=not theirs or theirs[-1])

    def _is_theirs(self, grading: GradingDecided, day: date) -> bool:
        """Whether a grading is about who has the household on a day, and not who had it before."""
        found = self._log.facts(names=TENURE_NAMES | VOID_NAMES, households=[grading.household])
        told = standing(next((facts for _, facts in found), []), VOIDS)
        return tenures([event for _, _, event in told]).on(day).key == grading.tenure


def _layers(run: GradingRun) -> list[str]:
    return [run.of(grading).layer for grading in run.gradings]


def _cohort(run: GradingRun) -> tuple[Candidate, ...]:
    return tuple(Candidate(g.household, g.outcome.layer, g.facts) for g in run.gradings)


def plain(quota: Quota) -> dict[str, Any]:
    """The allotment as plain data."""
    return {
        "run": quota.run,
        "policy": quota.policy,
        "cohort_digest": quota.cohort_digest,
        "places": [
            {
                "household": place.household,
                "computed_layer": place.computed_layer,
                "layer": place.layer,
                "rank": place.rank,
            }
            for place in quota.places
        ],
    }
