"""Charges: what a household was billed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

from attrs import define

from crm_adapters.files.cells import Day, Fen, Id, Instant, Line, one_of
from crm_adapters.files.rows.kind import Context, FileKind
from crm_core.kernel.dates import start_of_day
from crm_core.payments.commands import CHARGE_KINDS, RaiseCharge


@define
class ChargeRow:
    """A line of `charges`."""

    charge: Id
    household: Id
    kind: Annotated[str, one_of("kind_unknown", CHARGE_KINDS)]
    period: Line
    amount: Fen
    due: Day
    recorded: Instant | None = None


def _facts(row: ChargeRow, context: Context) -> Iterator[tuple[str, datetime]]:
    """Known since it is due, or as soon as a payment names it."""
    recorded = row.recorded
    if recorded is None:
        recorded = start_of_day(row.due, context.zone)
        recorded = min(recorded, context.mentioned(row.household, row.charge) or recorded)
    yield "charge", recorded


def _command(row: ChargeRow, _part: str, _context: Context) -> RaiseCharge:
    return RaiseCharge(
        household=row.household,
        charge=row.charge,
        kind=row.kind,
        period=row.period,
        amount_fen=row.amount,
        due=row.due,
    )


def _identity(row: ChargeRow, _part: str, _context: Context) -> list[Any]:
    return [row.charge, row.household, row.kind, row.period, row.amount, row.due, row.recorded]


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
        "登记时间": "recorded",
    },
    parts=("charge",),
    facts=_facts,
    command=_command,
    identity=_identity,
    blamed={"amount_out_of_range": "amount", "unknown_household": "household"},
)
