"""What commands about households must be told to be decided (LOG-08)."""

from __future__ import annotations

from typing import Any

import attrs

from crm_core.kernel.slice import LookUp, Sight
from crm_core.owners.card.commands import ProposeChange, RecordItem, ReportChange, VerifyItem
from crm_core.owners.commands import RegisterHousehold
from crm_core.owners.decide import HOUSEHOLD
from crm_core.owners.events import PlaceClaimed
from crm_core.owners.merging import MERGES, WHOLE, MergeHousehold
from crm_core.owners.prospects import ConvertProspect
from crm_core.owners.sampling import SAMPLE, Sample
from crm_core.owners.state import Household


def with_place(command: RegisterHousehold, _state: Any, sight: Sight) -> RegisterHousehold:
    """Who has the place already (decision record 0012)."""
    [claim] = HOUSEHOLD.claims(command)
    taken = sight.taken(claim)
    if not isinstance(taken, PlaceClaimed):
        return command
    # Of a file that was merged the surviving one is named (OWN-09).
    merges = sight.state(MERGES, WHOLE).redirects()
    return attrs.evolve(command, taken_by=merges.survivor(taken.household))


def with_files(command: MergeHousehold, _state: Any, sight: Sight) -> MergeHousehold:
    """Which of the two has no file, if one has none."""
    named = (command.household, command.into)
    without = (one for one in named if not isinstance(sight.state(HOUSEHOLD, one), Household))
    return attrs.evolve(command, unknown=next(without, None))


def with_member(command: Any, _state: Any, sight: Sight) -> Any:
    """Whether the file has no such member."""
    file = sight.state(HOUSEHOLD, command.household)
    known = isinstance(file, Household) and command.member in file.members()
    return attrs.evolve(command, stranger=not known)


def with_basis(command: RecordItem, state: Any, sight: Sight) -> RecordItem:
    """On which basis an item may be kept: the member's own word, or a contract on record.

    Whether a consent was withdrawn since is asked where items are counted (OWN-11, PRV-05).
    """
    basis = "consent" if command.word is not None else "contract" if command.document else ""
    found: RecordItem = with_member(command, state, sight)
    return attrs.evolve(found, basis=basis)


def with_sample(command: VerifyItem, state: Any, sight: Sight) -> VerifyItem:
    """Whether the sample that is named did not draw the item."""
    found: VerifyItem = with_member(command, state, sight)
    if command.sample is None:
        return found
    sample: Sample = sight.state(SAMPLE, command.sample)
    # A file that was drawn before it was merged is checked in the surviving one (OWN-09).
    files = sight.state(MERGES, WHOLE).redirects().group(command.household)
    asked = any(sample.asks(file, command.item) for file in files)
    return attrs.evolve(found, not_drawn=not asked)


def with_prospect(command: ConvertProspect, _state: Any, sight: Sight) -> ConvertProspect:
    """Whether the household has no member of that id."""
    file = sight.state(HOUSEHOLD, command.household)
    known = isinstance(file, Household) and command.prospect in file.members()
    return attrs.evolve(command, stranger=not known)


LOOK_UPS: dict[type, LookUp] = {
    MergeHousehold: with_files,
    RegisterHousehold: with_place,
    **dict.fromkeys((ProposeChange, ReportChange), with_member),
    ConvertProspect: with_prospect,
    RecordItem: with_basis,
    VerifyItem: with_sample,
}
