"""A row of the read log as it is stored, and what chains it to the one before (0058)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from crm_core.kernel.canonical import GENESIS, digest_of
from crm_core.kernel.values import frozen
from crm_core.reads import Read

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

SEPARATOR = " "
"""Between the names of fields; a name has none in it."""


@frozen
class ReadRow:
    """A read as it is stored.

    Args:
        number: From 1, without gaps.
        at: Microseconds since 1970, UTC.
        fields: Names between separators, with one before the first and behind the last.
        digest: Binds the row to all rows before it.
    """

    number: int
    at: int
    actor: str
    purpose: str
    household: str
    subject: str
    fields: str
    source: str
    correlation: str
    reason: str
    digest: str

    def read(self) -> Read:
        """The read that it keeps."""
        return Read(
            at=_EPOCH + self.at * _MICROSECOND,
            actor=self.actor,
            purpose=self.purpose,
            household=self.household,
            subject=self.subject,
            fields=tuple(self.fields.split()),
            source=self.source,
            correlation=self.correlation,
            reason=self.reason,
        )


def micros(at: datetime) -> int:
    """An instant as it is stored."""
    return (at - _EPOCH) // _MICROSECOND


def instant(at: int) -> datetime:
    """The instant that is stored so."""
    return _EPOCH + at * _MICROSECOND


def chained(reads: Iterable[Read], tenant: str, number: int, digest: str) -> Iterator[ReadRow]:
    """The rows that keep reads behind a last row with that number and digest."""
    for read in reads:
        number += 1
        values = (
            micros(read.at),
            read.actor,
            read.purpose,
            read.household,
            read.subject,
            f"{SEPARATOR}{SEPARATOR.join(read.fields)}{SEPARATOR}",
            read.source,
            read.correlation,
            read.reason,
        )
        digest = _digest(digest, tenant, number, values)
        yield ReadRow(number, *values, digest)


def first_fault(rows: Iterable[ReadRow], tenant: str, noted: str = "") -> int | None:
    """The number of the first row that is not as it was written, where it stands; None if all are.

    Args:
        noted: A digest of a last row, as it was noted: where it is gone, so are rows at the end.
    """
    digest, number, found = GENESIS, 0, noted in ("", GENESIS)
    for number, row in enumerate(rows, 1):
        values = (
            row.at,
            row.actor,
            row.purpose,
            row.household,
            row.subject,
            row.fields,
            row.source,
            row.correlation,
            row.reason,
        )
        digest = _digest(digest, tenant, number, values)
        if (row.number, row.digest) != (number, digest):
            return number
        found = found or digest == noted
    return None if found else number + 1


def _digest(before: str, tenant: str, number: int, values: Sequence[int | str]) -> str:
    return digest_of([before, tenant, number, *values])
