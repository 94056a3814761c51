"""What rows name: households and charges that are in the files, in the log, or nowhere.

A row that cannot be read may have brought what another one names. So a fact that names it has no
fault of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from functools import cached_property
from typing import Any

from crm_adapters.files.reading import ReadFile
from crm_adapters.files.rows.charges import CHARGES
from crm_adapters.files.rows.households import HOUSEHOLDS
from crm_core.crm import Planned
from crm_core.kernel.decider import Refusal
from crm_core.kernel.text import check_id
from crm_core.owners import HOUSEHOLD, Household
from crm_core.owners.commands import RegisterHousehold, owner_id
from crm_core.owners.decide import EPOCH
from crm_core.payments import ACCOUNT
from crm_core.ports import EventLog


class References:
    """What the files bring of what their rows name.

    Args:
        files: As read.
    """

    def __init__(self, files: Sequence[ReadFile], log: EventLog) -> None:
        self._files = files
        self._log = log
        self._households = [file for file in files if file.kind is HOUSEHOLDS]
        self._charges_files = [file for file in files if file.kind is CHARGES]
        self.charges = {(row.household, row.charge) for row in _rows(self._charges_files)}
        """Household and number of every charge in the files."""
        self._owners = {
            row.household: row.moved_in or EPOCH
            for row in _rows(self._households)
            if row.owner is not None
        }
        self.lost: list[str] = []
        """Households whose rows cannot be read, or may be among those that cannot; sorted."""

    def missing_households(self) -> set[str]:
        """Households that rows name, and that neither files nor log have or may have."""
        here = {row.household for row in _rows(self._households)}
        named = {row.household for file in self._files for _, row in file.rows} - here
        lost = [text for file in self._households for text in file.lost("household")]
        # Only those that somebody names are stood in for.
        self.lost = sorted({household for household in lost if _is_id(household)} & named)
        named.difference_update(lost)
        known = self._log.tips([f"household/{household}" for household in named])
        missing = {household for household in named if f"household/{household}" not in known}
        unreadable = sum(not _is_id(household) for household in lost)
        if len(missing) <= unreadable or not all(file.whole for file in self._households):
            self.lost += sorted(missing)
            return set()
        return missing

    def booked(self, household: str, charge: str) -> bool:
        """Whether the log has a charge of that number in that account."""
        account, _ = self._log.fold(
            ACCOUNT.stream(household), ACCOUNT.decider.evolve, ACCOUNT.decider.initial
        )
        return bool(account.asked(charge))

    def registered(self, household: str) -> date | None:
        """The first day of the owner a household is registered with, in the files or in the log."""
        if household not in self._owners:
            file, _ = self._log.fold(
                HOUSEHOLD.stream(household), HOUSEHOLD.decider.evolve, HOUSEHOLD.decider.initial
            )
            owner = (owner_id(household), "owner")
            held = [
                role
                for role in (file.roles() if isinstance(file, Household) else ())
                if (role.member, role.role) == owner
            ]
            if held:
                self._owners[household] = held[0].since
        return self._owners.get(household)

    def stand_ins(self, now: datetime) -> Iterator[Planned]:
        """Files for the lost households, for where nothing is kept anyway.

        The facts about them are judged by their own worth; those they lack are told already.
        """
        for household in self.lost:
            command = RegisterHousehold(
                household=household, estate="-", building="-", unit="-", room=household
            )
            yield Planned(command, f"import:lost:{household}", now)

    def follows(self, refusal: Refusal, command: Any) -> bool:
        """Whether a refusal only follows from a fault of a charge's row."""
        if refusal.code != "unknown_charge" or not self._charges_files:
            return False
        charges, households = self._lost_charges
        return (
            not all(file.whole for file in self._charges_files)
            or refusal.details.get("charge") in charges
            or command.household in households
        )

    @cached_property
    def _lost_charges(self) -> tuple[set[Any], set[str]]:
        """Charges whose rows cannot be read, and households of rows whose charge cannot be told."""
        lost = [
            pair
            for file in self._charges_files
            for pair in zip(file.lost("household"), file.lost("charge"), strict=True)
        ]
        return (
            {charge for _, charge in lost},
            {household for household, charge in lost if not _is_id(charge)},
        )


def _rows(files: Sequence[ReadFile]) -> Iterator[Any]:
    return (row for file in files for _, row in file.rows)


def _is_id(text: str) -> bool:
    try:
        return bool(check_id(text))
    except ValueError:
        return False
