"""Runs of a year as the log tells of them, and what holds of a run: for services and look-ups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime

from crm_core.gradings.decide import GRADING, YEAR
from crm_core.gradings.events import ABOUT_HOUSEHOLDS, ABOUT_YEARS, DECIDED, GradingDecided, Moved
from crm_core.gradings.record import Records, run_of_record
from crm_core.gradings.review import FindPolicy, Standing, correction, standing, untouched
from crm_core.gradings.state import Year
from crm_core.kernel.history import visible
from crm_core.ports import EventLog


def year_of(log: EventLog, year: int, known: datetime | None = None) -> Year:
    """The runs of a year, as known at an instant."""
    seen = visible(log.read(YEAR.stream(str(year))), known=known)
    return YEAR.decider.fold(e.event for e in seen)  # type: ignore[no-any-return]


def records_since(log: EventLog, first: int, today: date, known: datetime | None = None) -> Records:
    """The runs of record from a year on, as known at an instant.

    No year that is not over has one, so that few streams are read, and not the whole log.
    """
    found = {year: run_of_record(year_of(log, year, known)) for year in range(first, today.year)}
    return Records({year: run for year, run in found.items() if run is not None})


def records_of(log: EventLog, known: datetime | None = None) -> Records:
    """The runs of record of all years, as known at an instant: the whole log is looked through."""
    years: dict[int, Year] = {}
    for recorded in visible(log.feed(names=ABOUT_YEARS), known=known):
        year = recorded.event.year
        years[year] = YEAR.decider.evolve(years.get(year, YEAR.decider.initial), recorded.event)
    found = {year: run_of_record(years[year]) for year in sorted(years)}
    return Records({year: run for year, run in found.items() if run is not None})


def graded_in(
    log: EventLog,
    run: str,
    policy: FindPolicy,
    day: date,
    records: Records,
    known: datetime | None = None,
) -> Iterator[tuple[GradingDecided, Standing | None]]:
    """Every grading of a run, sorted by household, with what holds of it.

    Args:
        day: For overrides that end.
        known: As known at this instant.

    Returns:
        No standing for a grading about whose year nobody did anything.
    """
    for _, events in log.by_household(names=ABOUT_HOUSEHOLDS):
        graded = [e.event for e in events if e.name == DECIDED and e.event.run == run]
        now: Standing | None = None
        if graded and any(e.name != DECIDED for e in events):
            state = GRADING.decider.fold(e.event for e in visible(events, known=known))
            if state.acts and run in state.by_run:
                expired = records.has_later(graded[0].year, day)
                now = standing(state, run, policy, day, expired=expired)
        for grading in graded:
            yield grading, now


def _held_in(
    log: EventLog, run: str, policy: FindPolicy, day: date, records: Records
) -> Iterator[Standing]:
    """What would hold of every household if that run were the run of record."""
    for _, events in log.by_household(names=ABOUT_HOUSEHOLDS):
        graded = next((e.event for e in events if e.name == DECIDED and e.event.run == run), None)
        if graded is None:
            continue
        if all(e.name == DECIDED for e in events):
            yield untouched(graded)
            continue
        state = GRADING.decider.fold(e.event for e in events)
        held = correction(state, graded) or run
        yield standing(state, held, policy, day, expired=records.has_later(graded.year, day))


def moved(log: EventLog, year: int, run: str, policy: FindPolicy, day: date) -> tuple[Moved, ...]:
    """Whom it would move if a run took the place of the run of record (GRD-17), sorted.

    What people decided is applied to either: who was overridden stays where they are, and who was
    corrected is moved from where the correction put them.
    """
    records = records_since(log, year, day)

    def placed(which: str | None) -> Mapping[str, tuple[str, str]]:
        found = () if which is None else _held_in(log, which, policy, day, records)
        return {now.grading.household: (now.layer, now.type) for now in found}

    here, there = placed(records.by_year.get(year)), placed(run)
    nowhere = ("", "")
    places = [(one, here.get(one, nowhere), there.get(one, nowhere)) for one in {*here, *there}]
    return tuple(
        Moved(
            household=household,
            layer=before[0],
            layer_then=then[0],
            type=before[1],
            type_then=then[1],
        )
        for household, before, then in sorted(places)
        if before != then
    )
