"""Calendars as time passes: notices that are missing, and notices that came late (REQ-11)."""

from __future__ import annotations

from datetime import datetime

from crm_core.application.adopted import every
from crm_core.application.desk import Desk, Given
from crm_core.application.host import Host
from crm_core.application.work import Planned
from crm_core.errors import CrmError, Refused
from crm_core.kernel.dates import local_date
from crm_core.kernel.public_holidays import HolidayNotice, in_force
from crm_core.kernel.recorded import SYSTEM
from crm_core.requests.calendars import years_without
from crm_core.requests.commands import RenewCalendar
from crm_core.requests.holidays import HOLIDAYS, LookForNotices, TakeUpNotices
from crm_core.requests.sla import SlaPolicy
from crm_core.requests.views import OPEN

PAGE_ROWS = 1000


def countries_kept(host: Host) -> list[str]:
    """The countries whose public holidays the calendars of any policy at hand keep, sorted."""
    policies = host.policies.every(SlaPolicy)
    return sorted({country for policy in policies for country in policy.countries})


def notices_in_force(host: Host, at: datetime) -> tuple[HolidayNotice, ...]:
    """The official notices in force at an instant, those adopted in the log among them."""
    found = every(host.log, host.registry, host.policies, HolidayNotice)
    return in_force(found, local_date(at, host.zone))


def notices_missing(host: Host, at: datetime) -> dict[str, tuple[int, ...]]:
    """The years that need a notice by then and have none, by country; only what is needed."""
    known, day = notices_in_force(host, at), local_date(at, host.zone)
    found = {country: years_without(country, known, day) for country in countries_kept(host)}
    return {country: years for country, years in found.items() if years}


def renew_calendars(host: Host, desk: Desk, now: datetime) -> int:
    """Warn of notices that are missing, and let open requests count by those that are new.

    Where no calendar keeps public holidays nothing is looked at, and where no notice is new no
    request is.

    Returns:
        How many events were recorded.
    """
    count = 0
    for country in countries_kept(host):
        given = Given(SYSTEM, inside=True, at=now)
        count += len(desk.do(LookForNotices(country, now), given).events)
        decider = HOLIDAYS.decider
        state, _ = host.log.fold(HOLIDAYS.stream(country), decider.evolve, decider.initial)
        known = (n.ref for n in notices_in_force(host, now) if n.country == country)
        if not state.new(tuple(known)):
            continue
        renewed, whole = _renew_open(host, desk, now)
        count += renewed
        if whole:
            # Only then: a request that could not be renewed is asked again the next time.
            count += len(desk.do(TakeUpNotices(country, now), given).events)
    return count


def _renew_open(host: Host, desk: Desk, now: datetime) -> tuple[int, bool]:
    """Renew what is open; how many events that gave, and whether none was left out."""
    host.views.catch_up(OPEN)
    count, whole = 0, True
    after = ("", "")
    while rows := host.views.scan(OPEN, after=after, limit=PAGE_ROWS):
        after = rows[-1][0], rows[-1][1]
        renewals = [RenewCalendar(row.request, now) for _, _, row in rows]
        planned = [Planned(renewal, host.ids.new(), now) for renewal in renewals]
        try:
            count += desk.batch(
                planned, by=SYSTEM, inside=True, on_refusal=lambda _planned, _refusal: None
            )
        except CrmError:
            # One of them cannot be computed, or somebody else wrote there meanwhile: one by one.
            for renewal in renewals:
                try:
                    done = desk.do(renewal, Given(SYSTEM, inside=True, at=now))
                    count += len(done.events)
                except Refused:
                    continue
                except CrmError:
                    whole = False
    return count, whole
