"""The rows that stand of a household, in the form in which they are imported (IMP-01).

What is written from them and read again says the same; what differs in a row that comes back was
corrected by whoever had it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

import attrs

from crm_adapters.files.kinds import KINDS
from crm_adapters.files.rows.charges import CHARGES, ChargeRow
from crm_adapters.files.rows.households import HOUSEHOLDS, HouseholdRow
from crm_adapters.files.rows.kind import FileKind
from crm_adapters.files.rows.payments import PAYMENTS, PaymentRow
from crm_adapters.files.rows.purchases import PURCHASES, PurchaseRow
from crm_adapters.files.rows.requests import REQUESTS, RequestRow
from crm_adapters.files.rows.transfers import TRANSFERS, TransferRow
from crm_core.kernel.dates import instant_text
from crm_core.kernel.recorded import Recorded
from crm_core.kernel.values import frozen
from crm_core.kernel.yuan import yuan_from_fen
from crm_core.owners import HOUSEHOLD, Household
from crm_core.owners.commands import owner_id
from crm_core.owners.decide import EPOCH
from crm_core.payments import ACCOUNT, Account
from crm_core.payments.events import (
    ChargeCorrected,
    ChargeRaised,
    PaymentMovedIn,
    PaymentReceived,
    PurchaseMade,
)
from crm_core.requests import REQUEST, Closed, Merged, Request
from crm_core.requests.events import CommitmentAccepted

Show = Callable[[str, str, str], str | None]
"""`(household, member, field) -> a personal value as text`, None where there is none to show."""

GONE = "…"
"""What a cell says in the place of a text that is erased; read again it changes nothing."""

AMOUNTS = frozenset({"amount"})
"""Columns of amounts: fen in a row, yuan in a file."""


@frozen
class About:
    """What is recorded of a household, as it stands.

    Args:
        known: By its event when each fact came to be known.
        show: Opens personal values.
    """

    household: str
    file: Household | None
    account: Account
    requests: tuple[Request, ...]
    known: Mapping[int, datetime]
    show: Show

    def when(self, event: Any) -> datetime | None:
        """When an event came to be known."""
        return self.known.get(id(event))


def about(household: str, events: Iterable[Recorded[Any]], show: Show) -> About:
    """What the events of a household come to, their texts opened."""
    file: Any = HOUSEHOLD.decider.initial
    account: Any = ACCOUNT.decider.initial
    requests: dict[str, Any] = {}
    known: dict[int, datetime] = {}
    for recorded in events:
        kind, _, identity = recorded.stream.partition("/")
        event = recorded.event
        known[id(event)] = recorded.recorded
        if kind == HOUSEHOLD.decider.name:
            file = HOUSEHOLD.decider.evolve(file, event)
        elif kind == ACCOUNT.decider.name:
            account = ACCOUNT.decider.evolve(account, event)
        elif kind == REQUEST.decider.name:
            before = requests.get(identity, REQUEST.decider.initial)
            requests[identity] = REQUEST.decider.evolve(before, event)
    return About(
        household=household,
        file=file if isinstance(file, Household) else None,
        account=account,
        requests=tuple(one for one in requests.values() if isinstance(one, Request)),
        known=known,
        show=show,
    )


# --- the rows of each kind ---------------------------------------------------------------------


def _households(of: About) -> Iterator[HouseholdRow]:
    file, member = of.file, owner_id(of.household)
    if file is None:
        return
    owned = _registered(file)
    yield HouseholdRow(
        household=of.household,
        estate=file.estate,
        building=file.building,
        unit=file.unit,
        room=file.room,
        kind=file.kind,
        owner=of.show(of.household, member, "name") if owned else None,
        phone=of.show(of.household, member, "phone") if owned else None,
        moved_in=file.moved_in,
    )


def _registered(file: Household) -> bool:
    """Whether the file was opened with its owner."""
    return (owner_id(file.household), "owner", _first_day(file)) in file.begun


def _first_day(file: Household) -> date:
    return file.moved_in or EPOCH


def _transfers(of: About) -> Iterator[TransferRow]:
    if of.file is None:
        return
    for role in of.file.roles():
        opened_with = (role.member, role.role, role.since) == (
            owner_id(of.household),
            "owner",
            _first_day(of.file),
        )
        if opened_with and role.until is None:
            continue
        yield TransferRow(
            household=of.household,
            member=role.member,
            role=role.role,
            name=of.show(of.household, role.member, "name") or "",
            since=role.since,
            until=role.until,
            kind=of.file.members()[role.member].kind,
        )


def _charges(of: About) -> Iterator[ChargeRow]:
    account = of.account
    standing = [charge for stay, charge in account.charges.items() if stay not in account.cancelled]
    for charge in standing:
        if isinstance(charge, ChargeRaised):
            yield ChargeRow(
                charge=charge.charge,
                household=of.household,
                kind=charge.kind,
                period=charge.period,
                amount=charge.amount_fen,
                due=charge.due,
                debtor=charge.debtor,
                recorded=of.when(charge),
            )
        elif isinstance(charge, ChargeCorrected) and account.asks(charge.of):
            yield ChargeRow(
                charge=charge.charge,
                household=of.household,
                kind=charge.kind,
                period=charge.period,
                amount=-charge.amount_fen,
                due=charge.due,
                corrects=charge.of,
                recorded=of.when(charge),
            )


def _payments(of: About) -> Iterator[PaymentRow]:
    for _, payment in of.account.live():
        for charge, fen in _parts(payment):
            yield PaymentRow(
                payment=payment.payment,
                household=of.household,
                amount=fen,
                paid_on=payment.paid_on,
                method=payment.method,
                charge=charge,
                payer=payment.payer,
                recorded=of.when(payment),
            )


def _parts(payment: PaymentReceived | PaymentMovedIn) -> list[tuple[str | None, int]]:
    if not payment.parts:
        return [(payment.charge, payment.amount_fen)]
    parts: list[tuple[str | None, int]] = [(part.charge, part.amount_fen) for part in payment.parts]
    rest = payment.amount_fen - sum(fen for _, fen in parts)
    return [*parts, (None, rest)] if rest else parts


def _purchases(of: About) -> Iterator[PurchaseRow]:
    for purchase in of.account.bought.standing():
        made = isinstance(purchase, PurchaseMade)
        yield PurchaseRow(
            purchase=purchase.purchase,
            household=of.household,
            service=purchase.service,
            amount=purchase.amount_fen if made else -purchase.amount_fen,
            purchased_on=purchase.on,
            recorded=of.when(purchase),
        )


def _requests(of: About) -> Iterator[RequestRow]:
    for state in of.requests:
        if isinstance(state, Merged):
            continue  # It goes on in another one, whose row stands.
        received = state.received
        agreed = [
            entry.due_at
            for entry in state.entries
            if isinstance(entry, CommitmentAccepted) and entry.word is None
        ]
        yield RequestRow(
            request=state.request,
            household=of.household,
            channel=received.channel,
            kind=state.kind,
            trade=state.trade,
            severity=state.severity,
            summary=told(received.summary),
            received_at=state.received_at,
            due_at=agreed[0] if agreed else None,
            closed_at=state.closed_at if isinstance(state, Closed) else None,
            asked_by=received.asked_by,
        )


_ROWS: dict[str, Callable[[About], Iterator[Any]]] = {
    HOUSEHOLDS.name: _households,
    TRANSFERS.name: _transfers,
    CHARGES.name: _charges,
    PAYMENTS.name: _payments,
    PURCHASES.name: _purchases,
    REQUESTS.name: _requests,
}

assert tuple(_ROWS) == tuple(kind.name for kind in KINDS)


def rows_of(kind: FileKind, of: About) -> Iterator[Any]:
    """The rows of a kind that stand of a household, in the order in which they came."""
    return _ROWS[kind.name](of)


# --- cells ---------------------------------------------------------------------------------------


def texts_of(row: Any) -> dict[str, str]:
    """What a row says, as it stands in a file: an empty text where it says nothing."""
    return {
        field.name: _text(field.name, getattr(row, field.name)) for field in attrs.fields(type(row))
    }


def told(text: Any) -> str:
    """A text that was opened, or what a cell says in its place."""
    return text if isinstance(text, str) else GONE


def _text(column: str, value: Any) -> str:
    if value is None:
        return ""
    if column in AMOUNTS:
        return yuan_from_fen(value)
    if isinstance(value, datetime):
        return instant_text(value)
    if isinstance(value, date):
        return value.isoformat()
    # A cell has one line, and nothing before it or behind.
    return " ".join(str(value).split("\n")).strip()
