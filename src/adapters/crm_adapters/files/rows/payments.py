"""Payments: what was received, and for which charge if somebody said so."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

from attrs import define

from crm_adapters.files.cells import Day, Fen, Id, Instant, one_of
from crm_adapters.files.rows.kind import Context, FileKind
from crm_core.kernel.dates import start_of_day
from crm_core.payments.commands import METHODS, ReceivePayment


@define
class PaymentRow:
    """A line of `payments`."""

    payment: Id
    household: Id
    amount: Fen
    paid_on: Day
    method: Annotated[str, one_of("method_unknown", METHODS)]
    charge: Id | None = None
    recorded: Instant | None = None


def _facts(row: PaymentRow, context: Context) -> Iterator[tuple[str, datetime]]:
    """Known since it was paid; so was the charge it is for."""
    recorded = row.recorded or start_of_day(row.paid_on, context.zone)
    if row.charge is not None:
        context.mention(recorded, row.household, row.charge)
    yield "payment", recorded


def _command(row: PaymentRow, _part: str, context: Context) -> ReceivePayment:
    return ReceivePayment(
        household=row.household,
        payment=row.payment,
        amount_fen=row.amount,
        paid_on=row.paid_on,
        method=row.method,
        charge=row.charge,
        charge_follows=row.charge is not None and (row.household, row.charge) in context.charges,
    )


def _identity(row: PaymentRow, _part: str, _context: Context) -> list[Any]:
    return [
        row.payment,
        row.household,
        row.amount,
        row.paid_on,
        row.method,
        row.charge,
        row.recorded,
    ]


PAYMENTS = FileKind(
    name="payments",
    row=PaymentRow,
    key="payment",
    aliases={
        "缴费单号": "payment",
        "户号": "household",
        "金额": "amount",
        "缴费日期": "paid_on",
        "缴费方式": "method",
        "账单号": "charge",
        "登记时间": "recorded",
    },
    parts=("payment",),
    facts=_facts,
    command=_command,
    identity=_identity,
    blamed={
        "amount_out_of_range": "amount",
        "unknown_charge": "charge",
        "unknown_household": "household",
    },
)
