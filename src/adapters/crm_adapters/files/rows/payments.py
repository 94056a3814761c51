"""Payments: what was received, and for which charges if somebody said so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Annotated, Any

from crm_adapters.files.cells import Day, Fen, Id, Instant, one_of
from crm_adapters.files.rows.kind import Context, FileKind, member_of
from crm_core.kernel.dates import start_of_day
from crm_core.kernel.values import define
from crm_core.payments.commands import METHODS, ReceivePayment
from crm_core.payments.events import Part


@define
class PaymentRow:
    """A line of `payments`: a payment, or the part of one that is for a charge."""

    payment: Id
    household: Id
    amount: Fen
    paid_on: Day
    method: Annotated[str, one_of("method_unknown", METHODS)]
    charge: Id | None = None
    payer: Id | None = None
    recorded: Instant | None = None


@define
class Paid:
    """Lines of one payment: `parts` are the charges they name, each with what is for it."""

    payment: str
    household: str
    amount: int
    paid_on: date
    method: str
    parts: tuple[tuple[str, int], ...]
    payer: str | None
    recorded: datetime | None


def _joined(rows: Sequence[PaymentRow]) -> Paid:
    first = rows[0]
    # A line of nothing or less is refused for what it is, whatever the others bring.
    least = min(row.amount for row in rows)
    return Paid(
        payment=first.payment,
        household=first.household,
        amount=sum(row.amount for row in rows) if least > 0 else least,
        paid_on=first.paid_on,
        method=first.method,
        # In no order of the file: the same lines in another one are the same payment.
        parts=tuple(sorted((row.charge, row.amount) for row in rows if row.charge is not None)),
        payer=first.payer,
        recorded=first.recorded,
    )


def _known(paid: Paid, context: Context) -> datetime:
    return paid.recorded or start_of_day(paid.paid_on, context.zone)


def _mentions(paid: Paid, context: Context) -> None:
    """The charges it is for were known by then, and so was who paid."""
    for charge, _ in paid.parts:
        context.mention(_known(paid, context), paid.household, charge)
    if paid.payer is not None:
        context.mention(_known(paid, context), *member_of(paid.household, paid.payer))


def _facts(paid: Paid, context: Context) -> Iterator[tuple[str, datetime]]:
    """Known since it was paid."""
    yield "payment", _known(paid, context)


def _command(paid: Paid, _part: str, context: Context) -> ReceivePayment:
    whole = len(paid.parts) == 1 and paid.parts[0][1] == paid.amount
    return ReceivePayment(
        household=paid.household,
        payment=paid.payment,
        amount_fen=paid.amount,
        paid_on=paid.paid_on,
        method=paid.method,
        charge=paid.parts[0][0] if whole else None,
        charge_follows=_follows(paid, context),
        parts=() if whole else tuple(Part(charge, fen) for charge, fen in paid.parts),
        payer=paid.payer,
    )


def _follows(paid: Paid, context: Context) -> bool:
    """Whether some of the charges may be still to come, and none is unheard of."""
    here = [(paid.household, charge) in context.charges for charge, _ in paid.parts]
    if not any(here):
        return False
    others = [charge for (charge, _), is_here in zip(paid.parts, here, strict=True) if not is_here]
    return all(context.booked(paid.household, charge) for charge in others)


def _identity(paid: Paid, _part: str, _context: Context) -> list[Any]:
    named = [text for charge, fen in paid.parts for text in (charge, fen)]
    return [
        paid.payment,
        paid.household,
        paid.amount,
        paid.paid_on,
        paid.method,
        paid.payer,
        paid.recorded,
        *named,
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
        "缴费人": "payer",
        "登记时间": "recorded",
    },
    parts=("payment",),
    facts=_facts,
    command=_command,
    identity=_identity,
    told_apart=("household", "payment", "charge"),
    shared=("paid_on", "method", "payer", "recorded"),
    joined=_joined,
    mentions=_mentions,
    blamed={
        "amount_out_of_range": "amount",
        "parts_exceed_payment": "amount",
        "parts_unfit": "amount",
        "payer_unknown": "payer",
        "unknown_charge": "charge",
        "unknown_household": "household",
    },
)
