"""Questions about owners: a household's file, and personal values opened for a stated purpose.

`CRM.owners` answers them.
"""

from __future__ import annotations

from datetime import date, datetime
from functools import partial
from typing import Any, Unpack

from crm_core.application.access import Access, Asked, stated
from crm_core.application.authority import acting
from crm_core.application.files import Files
from crm_core.application.filing import HouseholdFile
from crm_core.application.finding import Finding, Found
from crm_core.application.host import Host, present_day
from crm_core.application.segmenting import (
    BEFORE,
    ITEM_NAMES,
    SINCE,
    Counting,
    Segments,
    counted,
    month_of,
)
from crm_core.application.survey_lookups import households
from crm_core.application.told import PERSONAL, last_told
from crm_core.errors import Invalid, Refused
from crm_core.gradings.engines.merged import merges_seen
from crm_core.kernel.dates import start_of_day
from crm_core.kernel.recorded import Actor
from crm_core.kernel.sealed import Opened
from crm_core.kernel.values import frozen
from crm_core.owners import CARD, SAMPLE
from crm_core.owners.card.events import ItemRecorded, ItemVerified
from crm_core.owners.card.standard import SEGMENTED
from crm_core.owners.facts import REGISTERED
from crm_core.privacy.consent import CONSENTS
from crm_core.staff import REGISTER
from crm_core.staff.register import WHOLE as STAFF

COUNTED = "segment"
"""The purpose of the closed list that counting is (PRV-05)."""

KEPT = frozenset({"owners.keeper_assigned/1"})
"""Name of the event that says who keeps a file."""

_TAKEN_BACK = ("expired", "objected", "withdrawn")
"""Why a use of a purpose may be over that was allowed."""

ERASED = frozenset({"privacy.household_erased/1", "privacy.member_erased/1"})
"""Names of the events that say that somebody was erased."""


def _gone(event: Any) -> tuple[str, ...]:
    members: tuple[str, ...] = getattr(event, "members", ())
    return (*members, getattr(event, "member", ""))


@frozen
class SampledItem:
    """An item of a household that a sample is to check.

    Args:
        result: What was found; None while nobody has checked it.
        on: When.
        by: Id of who checked it.
    """

    household: str
    item: str
    result: str | None
    on: date | None
    by: str | None


@frozen
class Unkept:
    """A file that nobody keeps.

    Args:
        keeper: Who was to keep it and is on the staff no more; None where nobody was ever named.
        since: From when they were to keep it.
    """

    household: str
    keeper: str | None
    since: date | None


class Owners:
    """Questions about owners.

    Args:
        host: Ports.
        access: Knows who may see what.
        files: Puts files together.
    """

    def __init__(self, host: Host, access: Access, files: Files) -> None:
        self._host, self._access, self._files = host, access, files
        self._finding = Finding(host, access)

    def file(
        self,
        household: str,
        *,
        by: Actor | None = None,
        purpose: str | None = None,
        on: date | None = None,
        known: datetime | None = None,
    ) -> HouseholdFile | None:
        """The file as of a day, as known at an instant (OWN-03, OWN-10); None if there was none.

        Personal values are opened for a stated purpose; what `by` may not see is `Withheld`.

        Args:
            by: Who looks; owners and users see their own household's.
            purpose: What for.
            on: The day it stood on; by default today, with what is known to begin later.
            known: As known at this instant.

        Raises:
            Refused: a member of another household asks.
        """
        return self._files.file(household, by=by, purpose=purpose, on=on, known=known)

    def sheet(
        self,
        household: str,
        *,
        by: Actor | None = None,
        purpose: str | None = None,
        on: date | None = None,
        known: datetime | None = None,
    ) -> dict[str, Any]:
        """The file with account, open requests and gradings, as plain data (OWN-01).

        Args and errors are those of `file`.

        Raises:
            Invalid: it has no file, or had none then.
        """
        return self._files.sheet(household, by=by, purpose=purpose, on=on, known=known)

    def find(
        self, text: str, *, by: Actor | None = None, purpose: str | None = None
    ) -> list[Found]:
        """Households by number or place, and by name for whoever may see names, in order of places.

        Args:
            text: Words that all occur in the number or place, or in a member's name.

        Raises:
            Invalid: there is no word.
        """
        return self._finding.find(text, by=by, purpose=purpose)

    def opened(
        self, household: str, member: str, field: str, *, by: Actor, purpose: str
    ) -> Opened | None:
        """A personal value of a member as last told: it finds where the value stands (PRV-03).

        That it is seen, or was refused, is written down first (PRV-06).

        Args:
            member: Id of the member, e.g. `V00001#owner`.
            field: `name` or `phone`.
            by: Who looks; owners and users see their own household's.
            purpose: What for.

        Returns:
            `Plain`, or why it cannot be opened; None where nothing was ever told.

        Raises:
            Refused: it is not for `by` to see.
            Invalid: no purpose is stated, or there is no such member or field.
            Failed: the read log cannot be written.
        """
        by, purpose = acting(by), stated(purpose)
        if field not in PERSONAL:
            raise Invalid.one("field_unknown", field=field, accepted=tuple(PERSONAL))
        data, look = PERSONAL[field], self._access.look(by, purpose, "owners.opened")
        try:
            self._access.desk.may(by, "reveal")
        except Refused as refused:
            look.deny((field,), refused.reason, household, member)
            raise
        streams = self._access.streams()

        def has(home: str) -> bool:
            file = streams.file(home)
            return file is not None and member in file.members()

        if not has(household):
            # A member of a file that is of the same household is known there (OWN-09).
            household = next(filter(has, streams.merges().group(household)), household)
        if not has(household):
            # Whoever may see nothing of the household learns nothing of its members either.
            if look.answer(data, household).reason == "not_own":
                raise Refused(look.refusal("not_own", household))
            raise Invalid.one("member_unknown", member=member, household=household)
        found = last_told(self._host.log, household, member, field)
        if found is None:
            if not look.of_person(data, household, member).granted:
                look.check(data, field, household, member)
            return None
        return look.open(*found, data, household, member, field)

    def segments(
        self, item: str, *, by: Actor, purpose: str, on: date | None = None, estate: str = ""
    ) -> Segments:
        """Households by an item that was kept for this purpose, about and by the month (OWN-11).

        Small cells are suppressed, also against whoever compares answers; see
        `crm_core.application.segmenting`.

        Args:
            item: One of `card.standard.SEGMENTED`.
            on: A day of the month, of which the first counts; by default, and at most, of this one.
            estate: Only of this estate.

        Raises:
            Refused: it is not for `by` to count.
            Invalid: no purpose is stated, or households are not counted by such an item.
        """
        by, host = acting(by), self._host
        self._access.desk.may(by, "count-segments")
        if not purpose:
            raise Invalid.one("purpose_missing")
        if item not in SEGMENTED:
            raise Invalid.one("field_unknown", field=item, accepted=SEGMENTED)
        today = present_day(host)
        month = month_of(min(on or today, today))
        start = start_of_day(month, host.zone)
        asked = Counting(
            item=item,
            purpose=purpose,
            on=month,
            zone=host.zone,
            estates=self._estates(),
            merges=merges_seen(host.log, month, start),
            opens=host.vault.open,
            lost=partial(self._lost, month),
            erased=self._erased,
            fingerprint=host.vault.fingerprint,
        )
        return counted(host.log.by_household(names=ITEM_NAMES), asked, estate)

    def _estates(self) -> dict[str, str]:
        """The estate of each file."""
        return {
            household: file.estate
            for household, facts in self._host.log.facts(names={REGISTERED})
            for _, _, file in facts
        }

    def _lost(self, month: date, household: str, item: ItemRecorded) -> str:
        """When a member has said that they want to be counted no more, if they have (PRV-05)."""
        if item.basis != "consent":
            return ""
        for why in (COUNTED, item.kept_for):
            if self._access.use(household, item.member, why).reason not in _TAKEN_BACK:
                continue
            start = start_of_day(month, self._host.zone)
            lately = any(
                one.event.member == item.member and one.recorded > start
                for one in self._host.log.read(CONSENTS.stream(household))
            )
            then = self._access.use(household, item.member, why, on=month).reason
            return SINCE if lately or then not in _TAKEN_BACK else BEFORE
        return ""

    def _erased(self, member: str, since: datetime) -> bool:
        """Whether somebody was erased behind an instant."""
        return any(
            recorded.recorded > since and member in _gone(recorded.event)
            for recorded in self._host.log.feed(names=ERASED)
        )

    def unkept(self, *, estate: str = "", **_asked: Unpack[Asked]) -> tuple[Unkept, ...]:
        """Files that nobody keeps today: none was named, or who was has left (OWN-08).

        Files that were merged are kept with the surviving one.

        Args:
            estate: Only of this estate; by default of all.
        """
        host, today = self._host, present_day(self._host)
        register, _ = self._access.streams().load(REGISTER, REGISTER.stream(STAFF))
        keepers = dict(host.log.by_household(names=KEPT))
        found = []
        for household in households(self._access.sight(), estate, today):
            told = [one.event for one in keepers.get(household, ()) if one.event.on <= today]
            last = max(reversed(told), key=lambda one: one.on, default=None)
            if last is None:
                found.append(Unkept(household, None, None))
            elif register.in_force(today) and not register.employs(last.keeper, today):
                found.append(Unkept(household, last.keeper, last.on))
        return tuple(found)

    def sampled(self, sample: str, **_asked: Unpack[Asked]) -> tuple[SampledItem, ...]:
        """The items that a sample is to check, with what was found so far (OWN-07).

        Raises:
            Invalid: there is no such sample.
        """
        drawn = SAMPLE.decider.fold(one.event for one in self._host.log.read(SAMPLE.stream(sample)))
        if drawn.drawn is None:
            raise Invalid.one("sample_unknown", sample=sample)
        found = []
        merges = self._access.streams().merges()
        for household in drawn.drawn.households:
            checks: dict[str, ItemVerified] = {}
            # Of a file that was merged since, the surviving one says what was found (OWN-09).
            for file in dict.fromkeys((household, merges.survivor(household))):
                for recorded in self._host.log.read(CARD.stream(file)):
                    event = recorded.event
                    if isinstance(event, ItemVerified) and event.sample == sample:
                        checks[event.item] = event
            for item in drawn.drawn.items:
                check = checks.get(item)
                found.append(
                    SampledItem(
                        household=household,
                        item=item,
                        result=None if check is None else check.result,
                        on=None if check is None else check.on,
                        by=None if check is None else check.verified_by,
                    )
                )
        return tuple(found)
