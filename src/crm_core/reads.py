"""The port of the read log: who saw what about whom (PRV-06, 0058)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from crm_core.kernel.values import frozen


@frozen
class Read:
    """That somebody saw, or was not shown, personal values: a row of the read log (PRV-06).

    It says which values, and never what they are.

    Args:
        at: When.
        actor: `role:id` of who looked.
        purpose: What for, as it was stated; empty if it was not.
        household: The household whose values they are; empty for those of staff.
        subject: The person they are about; empty for the household as a whole.
        fields: Names of the fields, sorted.
        source: By which question, e.g. `owners.opened`.
        correlation: The matter, command or export it belongs to; empty if none.
        reason: Why they were withheld; empty for what was shown.
    """

    at: datetime
    actor: str
    purpose: str
    household: str
    subject: str
    fields: tuple[str, ...]
    source: str
    correlation: str = ""
    reason: str = ""


@frozen
class Seen:
    """Somebody whose personal values were shown in a window (PRV-08).

    Args:
        household: The household; empty for a member of staff.
        subject: The person; empty for the household as a whole.
        reads: How often.
        first_at: When first.
        last_at: When last.
    """

    household: str
    subject: str
    reads: int
    first_at: datetime
    last_at: datetime


@runtime_checkable
class ReadLog(Protocol):
    """Who saw what about whom: rows that are added and then stay (PRV-06).

    They are no events: they move no position, no cut-off and no derived row.
    """

    def write(self, reads: Sequence[Read]) -> None:
        """Keep all of them, durably, or none.

        Raises:
            Failed: they cannot be kept; then nothing of it may be shown.
        """
        ...

    def about(
        self,
        household: str,
        subject: str | None = None,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Iterator[Read]:
        """Who saw, or was refused, what about a household or one person, oldest first.

        Args:
            subject: The person; None for the household and everybody in it.
            since: From then on.
            until: Before then.
        """
        ...

    def affected(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        actors: Collection[str] = (),
        fields: Collection[str] = (),
    ) -> Sequence[Seen]:
        """Whose values were shown in a window, sorted by household and person.

        Args:
            actors: Only to these, as `role:id`; to anybody by default.
            fields: Only any of these; any by default.
        """
        ...

    def verify(self, noted: str = "") -> int | None:
        """Read every row again; the number of the first that is not as it was written, or None.

        Args:
            noted: What `head` gave before. Rows that were cut off from the end leave a whole log;
                where none of them has that digest any more, the number is that of the first row
                that is not there.
        """
        ...

    def head(self) -> str:
        """The digest of the last row, which binds all of them: to be noted elsewhere."""
        ...

    def count(self) -> int:
        """How many rows there are."""
        ...
