"""A household's account as it stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import field

from crm_core.kernel.growing import EMPTY, NOTHING, GrowingList, GrowingMap
from crm_core.kernel.values import define
from crm_core.payments.events import (
    ChargeCorrected,
    ChargeDisputed,
    ChargeRaised,
    DisputeDecisionProposed,
    InstalmentsProposed,
    LateChargeClaimed,
    PaymentMovedIn,
    PaymentPromised,
    PaymentReceived,
    PurchaseMade,
    PurchaseRefunded,
    RefundProposed,
    WaiverProposed,
)

Payment = PaymentReceived | PaymentMovedIn
Stay = tuple[str, int]
"""A payment's number, and how often it had left this account before it came; of a charge its
number, and how often one of that number had been cancelled before."""

Asked = ChargeRaised | ChargeCorrected | LateChargeClaimed
"""What numbers of charges are given to; they are all one sort of numbers."""

Proposal = RefundProposed | WaiverProposed | DisputeDecisionProposed | InstalmentsProposed
"""What waits for a second person (LOG-08)."""

Purchase = PurchaseMade | PurchaseRefunded

REVERSED, MOVED = "reversed", "moved"
"""How a stay ends."""


@define
class Claims:
    """What household and company say to each other about charges.

    Args:
        disputes: Disputes by number.
        decided: Numbers of disputes that were decided or withdrawn.
        promises: Promises by number.
        proposed: Proposals that nobody has decided yet, by reference, e.g. `waiver:W1`.
    """

    disputes: GrowingMap[str, ChargeDisputed] = field(default=EMPTY)
    decided: GrowingMap[str, bool] = field(default=EMPTY)
    promises: GrowingMap[str, PaymentPromised] = field(default=EMPTY)
    proposed: Mapping[str, Proposal] = field(factory=dict)


NO_CLAIMS = Claims()


@define
class Bought:
    """What was bought of value-added services, and given back.

    Args:
        made: Purchases and refunds by stay.
        voided: Those that never were (IMP-01).
    """

    made: GrowingMap[Stay, Purchase] = field(default=EMPTY)
    voided: GrowingMap[Stay, bool] = field(default=EMPTY)

    def stay(self, number: str) -> Stay:
        """The stay that a purchase of that number has now, or would have if it came."""
        times = 0
        while (number, times) in self.voided:
            times += 1
        return number, times

    def standing(self) -> Iterator[Purchase]:
        """Those that stand."""
        for stay, purchase in self.made.items():
            if stay not in self.voided:
                yield purchase


NO_PURCHASES = Bought()


@define
class Account:
    """One household's account (PAY-01). A value: `evolve` makes a new one, nothing changes it.

    Args:
        facts: Every event in order, what the ledger is computed from.
        charges: Charges, negative bills and late charges by stay.
        cancelled: Those that were cancelled.
        payments: Payments by stay, those moved in included.
        ended: Stays that ended, and how.
        references: Numbers of refunds, waivers and acknowledgements, which come once; what is
            proposed and what was rejected included.
        bought: Purchases of value-added services, and refunds of them.
        claims: Disputes, promises and late charges, and what is proposed about any of them.
    """

    facts: GrowingList[Any] = field(default=NOTHING)
    charges: GrowingMap[Stay, Asked] = field(default=EMPTY)
    cancelled: GrowingMap[Stay, bool] = field(default=EMPTY)
    payments: GrowingMap[Stay, Payment] = field(default=EMPTY)
    ended: GrowingMap[Stay, str] = field(default=EMPTY)
    references: GrowingMap[str, Any] = field(default=EMPTY)
    claims: Claims = NO_CLAIMS
    bought: Bought = NO_PURCHASES

    @property
    def disputes(self) -> GrowingMap[str, ChargeDisputed]:
        """Disputes by number."""
        return self.claims.disputes

    @property
    def decided(self) -> GrowingMap[str, bool]:
        """Numbers of disputes that were decided or withdrawn."""
        return self.claims.decided

    @property
    def promises(self) -> GrowingMap[str, PaymentPromised]:
        """Promises by number."""
        return self.claims.promises

    @property
    def proposed(self) -> Mapping[str, Proposal]:
        """Proposals that nobody has decided yet, by reference."""
        return self.claims.proposed

    def billed(self, number: str) -> Stay:
        """The stay of the charge of that number that stands, or that it would have if it came."""
        times = 0
        while self.cancelled and (number, times) in self.cancelled:
            times += 1
        return number, times

    def charge(self, number: str) -> Asked | None:
        """The charge, negative bill or late charge of that number that stands, if one does."""
        return self.charges.get(self.billed(number))

    def asks(self, number: str) -> bool:
        """Whether a charge or late charge of that number stands; a negative bill asks nothing."""
        found = self.charge(number)
        return found is not None and not isinstance(found, ChargeCorrected)

    def asked(self, number: str) -> bool:
        """Whether a charge or late charge of that number stands, or stood once."""
        return isinstance(self.charges.get((number, 0)), ChargeRaised | LateChargeClaimed)

    def late_of(self, number: str) -> Iterator[LateChargeClaimed]:
        """The late charges of a charge that stand."""
        for stay, late in self.charges.items():
            mine = isinstance(late, LateChargeClaimed) and late.of == number
            if mine and stay not in self.cancelled:
                assert isinstance(late, LateChargeClaimed)
                yield late

    def stay(self, payment: str) -> Stay:
        """The stay that a payment of that number has now, or would have if it came."""
        times = 0
        while (payment, times) in self.ended:
            times += 1
        return payment, times

    def payment(self, payment: str) -> Payment | None:
        """The payment of that number that counts here, if one does."""
        return self.payments.get(self.stay(payment))

    def purchase(self, number: str) -> Purchase | None:
        """The purchase or refund of that number that stands, if one does."""
        return self.bought.made.get(self.bought.stay(number))

    def live(self) -> Iterator[tuple[str, Payment]]:
        """Payments that are neither reversed nor moved, by number."""
        for stay, payment in self.payments.items():
            if stay not in self.ended:
                yield stay[0], payment

    def takes(self, payment: str) -> bool:
        """Whether a payment of that number can come: none of it counts here now."""
        return self.stay(payment) not in self.payments
