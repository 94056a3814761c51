"""What papers about one household have in common: their stamps, and the file they are made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from crm_core.application.filing import HouseholdFile
from crm_core.application.papers.base import Ask, file_missing, stamp
from crm_core.application.papers.model import APPROVED, DRAFTED, REVIEWED, Stamp

NAMED = ("owners.member_added/1.name", "owners.contact_changed/1.name")
REACHED = ("owners.member_added/1.phone", "owners.contact_changed/1.phone")
TOLD = ("owners.item_recorded/1.value", "owners.change_proposed/1.value")
TOLD_ON = ("owners.item_recorded/1.on", "owners.change_proposed/1.on")
VERIFIED_ON = "owners.item_verified/1.on"
OPENED, RECORDED = "owners.household_registered/1", "owners.item_recorded/1"
_DECIDED = "owners.change_decided/1"


def stamps_of(drafts: str) -> Mapping[str, tuple[str, ...]]:
    """Where the stamps come from.

    What is on file is drafted by the event that is named, reviewed when it was last checked with
    the household, and approved when a change of it was last decided (OWN-07, OWN-08).
    """
    return {
        DRAFTED: (f"{drafts}@recorded", f"{drafts}@actor"),
        REVIEWED: (VERIFIED_ON, "owners.item_verified/1.verified_by"),
        APPROVED: (f"{_DECIDED}@recorded", f"{_DECIDED}.decided_by"),
    }


def stamps(ask: Ask, file: HouseholdFile, drafts: str) -> Iterator[Stamp]:
    """The stamps of a household's paper."""
    homes = [file.household, *file.merged]
    yield ask.entered(DRAFTED, ask.events(drafts, households=homes))
    checked = ask.events("owners.item_verified/1", households=homes)
    yield stamp(REVIEWED, ((e.event.on, e.event.verified_by) for e in checked))
    decided = ask.events(_DECIDED, households=homes)
    yield stamp(APPROVED, ((ask.day(e), e.event.decided_by) for e in decided))


def file_of(ask: Ask) -> HouseholdFile:
    """The household's file as it stood.

    Raises:
        Invalid: there was none.
    """
    asked = ask.asked
    found = ask.sources.files.opened(ask.look, asked.about, asked.on, asked.known)
    if found is None:
        raise file_missing(asked.about)
    return found
