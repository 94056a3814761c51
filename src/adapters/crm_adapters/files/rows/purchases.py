"""Purchases: services that a household took, and refunds of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from crm_adapters.files.cells import Day, Fen, Id, Instant, Line
from crm_adapters.files.rows.kind import Context, FileKind
from crm_core.kernel.dates import start_of_day
from crm_core.kernel.values import define
from crm_core.payments.commands import RecordPurchase


@define
class PurchaseRow:
    """A line of `purchases`; a negative amount is a refund."""

    purchase: Id
    household: Id
    service: Line
    amount: Fen
    purchased_on: Day
    recorded: Instant | None = None


def _facts(row: PurchaseRow, context: Context) -> Iterator[tuple[str, datetime]]:
    yield "purchase", row.recorded or start_of_day(row.purchased_on, context.zone)


def _command(row: PurchaseRow, _part: str, _context: Context) -> RecordPurchase:
    return RecordPurchase(
        household=row.household,
        purchase=row.purchase,
        service=row.service,
        amount_fen=row.amount,
        on=row.purchased_on,
    )


def _identity(row: PurchaseRow, _part: str, _context: Context) -> list[Any]:
    return [
        row.purchase,
        row.household,
        row.service,
        row.amount,
        row.purchased_on,
        row.recorded,
    ]


PURCHASES = FileKind(
    name="purchases",
    row=PurchaseRow,
    key="purchase",
    aliases={
        "消费单号": "purchase",
        "户号": "household",
        "服务": "service",
        "金额": "amount",
        "消费日期": "purchased_on",
        "登记时间": "recorded",
    },
    parts=("purchase",),
    facts=_facts,
    command=_command,
    identity=_identity,
    told_apart=("household", "purchase"),
    blamed={"amount_out_of_range": "amount", "unknown_household": "household"},
)
