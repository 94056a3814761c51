"""Charges: what a household was billed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

from crm_adapters.files.cells import DayAhead, Fen, Id, Instant, Line, one_of
from crm_adapters.files.rows.kind import Context, FileKind, member_of
from crm_core.kernel.dates import start_of_day
from crm_core.kernel.values import define
from crm_core.payments.commands import CHARGE_KINDS, RaiseCharge


@define
class ChargeRow:
    """A line of `charges`."""

    charge: Id
    household: Id
    kind: Annotated[str, one_of("kind_unknown", CHARGE_KINDS)]
    period: Line
    amount: Fen
    due: DayAhead
    debtor: Id | None = None
    corrects: Id | None = None
    recorded: Instant | None = None


def _mentions(row: ChargeRow, context: Context) -> None:
    """A negative bill is for a charge that was known by then."""
    if row.corrects is not None:
        recorded = row.recorded or start_of_day(row.due, context.zone)
        context.mention(recorded, row.household, row.corrects)


def _known(row: ChargeRow, context: Context) -> datetime:
    """Known since it is due, or as soon as a payment or a negative bill names it."""
    if row.recorded is not None:
        return row.recorded
    recorded = start_of_day(row.due, context.zone)
    return min(recorded, context.mentioned(row.household, row.charge) or recorded)


def _facts(row: ChargeRow, context: Context) -> Iterator[tuple[str, datetime]]:
    """Who owes it was known by then.

    A correction comes behind the charges that became known at the same instant.
    """
    known = _known(row, context)
    if row.debtor is not None:
        context.mention(known, *member_of(row.household, row.debtor))
    yield "charge" if row.corrects is None else "correction", known


def _command(row: ChargeRow, _part: str, _context: Context) -> RaiseCharge:
    return RaiseCharge(
        household=row.household,
        charge=row.charge,
        kind=row.kind,
        period=row.period,
        amount_fen=row.amount,
        due=row.due,
        debtor=row.debtor,
        corrects=row.corrects,
    )


def _identity(row: ChargeRow, _part: str, _context: Context) -> list[Any]:
    return [
        row.charge,
        row.household,
        row.kind,
        row.period,
        row.amount,
        row.due,
        row.debtor,
        row.corrects,
        row.recorded,
    ]


CHARGES = FileKind(
    name="charges",
    row=ChargeRow,
    key="charge",
    aliases={
        "账单号": "charge",
        "户号": "household",
        "费用类别": "kind",
        "账期": "period",
        "金额": "amount",
        "应缴日期": "due",
        "应缴人": "debtor",
        "冲红账单号": "corrects",
        "登记时间": "recorded",
    },
    parts=("charge", "correction"),
    facts=_facts,
    command=_command,
    identity=_identity,
    told_apart=("household", "charge"),
    mentions=_mentions,
    blamed={
        "amount_out_of_range": "amount",
        "corrected_charge_missing": "corrects",
        "correction_exceeds_charge": "amount",
        "debtor_unknown": "debtor",
        "unknown_charge": "corrects",
        "unknown_household": "household",
    },
)
