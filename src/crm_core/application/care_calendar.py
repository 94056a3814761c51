"""The calendar of care as time passes: occasions, birthdays, the meeting of a year (PLN-04).

Nothing is looked at before the company has begun to go by its calendar. An occasion is served once:
all households are gone through on the first tick that falls on its days, in pages; the ids of what
is opened follow from household and occasion, so an interrupted look goes on and does nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from crm_core.application.adopted import every
from crm_core.application.desk import Desk, Given
from crm_core.application.host import Host
from crm_core.application.plan_questions import layers_of
from crm_core.application.streams import Streams
from crm_core.application.work import Planned
from crm_core.errors import Invalid
from crm_core.kernel.dates import local_date
from crm_core.kernel.decider import Refusal
from crm_core.kernel.public_holidays import HolidayNotice, in_force
from crm_core.kernel.recorded import SYSTEM, Recorded
from crm_core.kernel.sealed import Place, Plain, Sealed
from crm_core.owners.card.events import ItemRecorded, ItemWithdrawn
from crm_core.owners.card.state import holding_with
from crm_core.owners.views import DIRECTORY
from crm_core.plans.care import OpenCare
from crm_core.plans.company_care import (
    CALENDAR,
    WHOLE,
    CareCalendar,
    ServeOccasion,
    TellMeetingMissed,
)
from crm_core.plans.policy import (
    BIRTHDAY,
    DEFAULT_CARE,
    CarePolicy,
    Occasion,
    day_of,
    in_year,
    is_served_on,
)

SOURCE = "care"
"""What a tick counts them under."""

PAGE_ROWS = 500

_DAY = timedelta(days=1)
_MOMENT = timedelta(microseconds=1)
_ITEM_NAMES = frozenset({"owners.item_recorded/1", "owners.item_withdrawn/1"})


def look(host: Host, desk: Desk, now: datetime) -> int:
    """Open what the calendar asks for on the day; how many events."""
    calendar, _ = host.log.fold(
        CALENDAR.stream(WHOLE), CALENDAR.decider.evolve, CALENDAR.decider.initial
    )
    day = local_date(now - _MOMENT, host.zone)
    if calendar.begun is None or calendar.begun.on > day:
        return 0
    try:
        policy = host.policies.find(CarePolicy, DEFAULT_CARE, day)
    except Invalid:
        return 0
    written = _meetings(calendar, desk, day, now)
    for occasion, its_day in _served_today(host, policy, day):
        if occasion.kind == BIRTHDAY:
            written += _birthdays(host, desk, occasion, day, now)
        elif (occasion.name, its_day) not in calendar.served:
            written += _serve(host, desk, occasion, its_day, now)
    return written


def _served_today(host: Host, policy: CarePolicy, day: date) -> Iterator[tuple[Occasion, date]]:
    """The occasions of a day, each with its own day; of a birthday the day itself."""
    notices = in_force(every(host.log, host.registry, host.policies, HolidayNotice), day)
    for occasion in policy.occasions:
        if occasion.kind == BIRTHDAY:
            yield occasion, day
            continue
        for year in (day.year, day.year + 1):
            its_day = day_of(occasion, year, policy.country, notices)
            if its_day is not None and is_served_on(occasion, its_day, day):
                yield occasion, its_day


def _meetings(calendar: CareCalendar, desk: Desk, day: date, now: datetime) -> int:
    """The years that ended without their customer meeting, however long nobody ran the clock."""
    assert calendar.begun is not None, "INVARIANT: looked at before"
    written = 0
    for year in range(calendar.begun.on.year, day.year):
        if year not in calendar.held and year not in calendar.missed:
            given = Given(SYSTEM, inside=True, id=f"tick:meeting:{year}", at=now)
            written += len(desk.do(TellMeetingMissed(year), given).events)
    return written


# --- occasions of all ------------------------------------------------------------------------


def _serve(host: Host, desk: Desk, occasion: Occasion, its_day: date, now: datetime) -> int:
    host.views.catch_up(DIRECTORY)
    layers = layers_of(host, desk)
    day, opened = local_date(now - _MOMENT, host.zone), 0
    after = ("", "")
    while rows := host.views.scan(DIRECTORY, after=after, limit=PAGE_ROWS):
        after = rows[-1][0], rows[-1][1]
        planned = [
            Planned(
                OpenCare(household, occasion.name, its_day, layer=layer),
                f"tick:care:{household}:{occasion.name}:{its_day.isoformat()}",
                now,
            )
            for _, household, _ in rows
            if (layer := layers(household, day)) in occasion.layers
        ]
        opened += _give(host, desk, planned)
    id = f"tick:occasion:{occasion.name}:{its_day.isoformat()}"
    served = ServeOccasion(occasion.name, its_day, opened)
    return opened + len(desk.do(served, Given(SYSTEM, inside=True, id=id, at=now)).events)


def _give(host: Host, desk: Desk, planned: list[Planned]) -> int:
    """Those of them that were not given before; one that is refused stops no other."""
    known = host.log.outcomes([one.id for one in planned])
    new = [one for one in planned if one.id not in known]
    if not new:
        return 0
    return desk.batch(new, by=SYSTEM, inside=True, on_refusal=_passed_over)


def _passed_over(_planned: Planned, _refusal: Refusal) -> None:
    """Nobody is there any more, or the file was merged: then there is nobody to be greeted."""


# --- birthdays -------------------------------------------------------------------------------


def _birthdays(host: Host, desk: Desk, occasion: Occasion, day: date, now: datetime) -> int:
    """Members whose birthday it is and who agreed to be wished well on it, each once a year."""
    layers = layers_of(host, desk)
    planned = []
    for household, member, its_day in _members(host, desk, occasion, day):
        layer = layers(household, day)
        id = f"tick:care:{household}:{occasion.name}:{member}:{its_day.year}"
        command = OpenCare(household, occasion.name, its_day, layer=layer, member=member)
        planned.append(Planned(command, id, now))
    return _give(host, desk, planned) if planned else 0


def _members(
    host: Host, desk: Desk, occasion: Occasion, day: date
) -> Iterator[tuple[str, str, date]]:
    """Households, members and days of the birthdays that are served on a day."""
    streams = Streams(host.log, desk.texts)
    for household, told in host.log.by_household(names=_ITEM_NAMES):
        for member, text in _kept(host, told, day):
            for year in (day.year, day.year + 1):
                its_day = in_year(text, year)
                if is_served_on(occasion, its_day, day):
                    yield streams.survivor(household), member, its_day


def _kept(host: Host, told: list[Recorded[object]], day: date) -> Iterator[tuple[str, str]]:
    """Birthdays that were kept for wishing well, opened for that (PRV-05)."""
    items = (
        (one.event, Place(one.stream, one.version, "value"))
        for one in told
        if isinstance(one.event, ItemRecorded | ItemWithdrawn)
    )
    for said, place in holding_with(items, day).values():
        if said.item != BIRTHDAY or said.kept_for != BIRTHDAY:
            continue
        value = said.value
        opened = host.vault.open(value, place) if isinstance(value, Sealed) else None
        if isinstance(opened, Plain):
            yield said.member, opened.text
