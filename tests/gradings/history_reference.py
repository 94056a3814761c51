"""What was played into a CRM, as the reference grader reads it.

The reference keeps no log and knows no moves: a moved payment is one that never counted in the
first account and is paid in the other, both from the instant of the move; where it comes back, it
names the charge it named before. A transfer is the end of some roles and the beginning of another.
Nor does it know proposals: what was proposed counts once it is approved, from the later of the two
days and from the instant of the approval. What a late charge comes to is computed by the
reference, not read from the library.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Any, Protocol

import reference_grader as reference
from crm_core.gradings import Facts, GradingPolicy, assess
from crm_core.opinions.commands import RecordOpinion, WithdrawOpinion
from crm_core.owners.commands import (
    AddMember,
    AgreeDebtor,
    ConfirmConduct,
    EndRole,
    RecordInterest,
    ReleaseDebtor,
    TransferOwnership,
)
from crm_core.payments.commands import (
    CancelCharge,
    ClaimLateCharge,
    DecideDispute,
    DecideRefund,
    DecideWaiver,
    DisputeCharge,
    MovePayment,
    ProposeDisputeDecision,
    ProposeRefund,
    ProposeWaiver,
    RaiseCharge,
    ReceivePayment,
    RecordPurchase,
    ReversePayment,
    TakeBackWaiver,
    WithdrawDispute,
)
from crm_core.requests.commands import (
    MarkDuplicate,
    MergeDuplicate,
    ReceiveRequest,
    Reclassify,
    UndoDuplicate,
)
from crm_core.slices import shipped

_KEPT = (
    "charges", "payments", "reversals", "waivers", "refunds", "disputes", "dispute_ends",
    "late_charges", "purchases", "corrections", "cancellations", "taken_back", "roles", "role_ends",
    "agreements", "releases", "opinions", "opinion_withdrawals",
)  # fmt: skip
"""Facts that keep the instant at which they were recorded."""


POLICIES = tuple(name for name in reference.POLICIES if name in map(str, shipped().refs()))
"""Those that the library has, too."""


def decided_by(policy: str, facts: Facts) -> tuple[str, str]:
    """Type and layer that the library's tables give these facts."""
    [ref] = [ref for ref in shipped().refs() if str(ref) == policy]
    said = assess(facts, shipped().pinned(GradingPolicy, ref))
    return said.type, said.layer


class Heard(Protocol):
    """Something the company came to know."""

    @property
    def command(self) -> Any: ...

    @property
    def at(self) -> datetime: ...


def reference_households(
    households: Iterable[str], accepted: Iterable[Heard], known: datetime
) -> list[reference.Household]:
    """The households with what was accepted about them.

    Most facts keep their recorded instants. What has none in the reference (interests, conduct,
    requests entered late) is left out here if it was not known at `known`.
    """
    told = _Told(households)
    for heard in accepted:
        told.hear(heard.command, heard.at)
    return [told.household(home, known) for home in told.facts]


class _Told:
    """What was told so far, in the order in which it was entered."""

    def __init__(self, households: Iterable[str]) -> None:
        self.facts: dict[str, dict[str, list[Any]]] = {h: defaultdict(list) for h in households}
        self._paid: dict[str, ReceivePayment] = {}
        self._owning: dict[str, list[tuple[str, str]]] = defaultdict(list)
        self._entered = 0
        self._kinds: dict[str, list[tuple[str, datetime]]] = defaultdict(list)
        self._marks: dict[str, list[tuple[str | None, datetime]]] = defaultdict(list)
        self._proposed: dict[tuple[str, type, str], Any] = {}
        self._said_in: dict[str, dict[str, list[Any]]] = {}

    def hear(self, command: Any, at: datetime) -> None:
        home = self.facts.get(getattr(command, "household", ""), {})
        self._entered = entered = self._entered + 1
        match command:
            case RaiseCharge(corrects=None):
                charge = reference.Charge(
                    command.charge,
                    command.due,
                    command.amount_fen,
                    at,
                    command.debtor,
                    command.kind,
                    entered,
                )
                home["charges"].append(charge)
            case RaiseCharge():
                less = reference.Correction(
                    command.charge, command.corrects, -command.amount_fen, at, entered
                )
                home["corrections"].append(less)
            case CancelCharge():
                void = reference.Cancellation(command.charge, at, entered)
                home["cancellations"].append(void)
            case ReceivePayment():
                self._paid[command.payment] = command
                home["payments"].append(self._payment(command, at, command.charge))
            case ReversePayment():
                over = reference.Reversal(command.payment, command.on, at, entered)
                home["reversals"].append(over)
            case MovePayment():
                first = self._paid[command.payment]
                over = reference.Reversal(command.payment, first.paid_on, at, entered)
                home["reversals"].append(over)
                there = self.facts[command.to_household]
                back = command.to_household == first.household
                there["payments"].append(self._payment(first, at, first.charge, named=back))
            case AddMember():
                self._begins(command.household, command.member, command.role, command.since, at)
            case EndRole():
                self._ends(command.household, command.member, command.role, command.until, at)
            case TransferOwnership():
                for member, role in tuple(self._owning[command.household]):
                    last = command.on - timedelta(days=1)
                    self._ends(command.household, member, role, last, at)
                self._begins(command.household, command.member, "owner", command.on, at)
            case AgreeDebtor():
                agreed = reference.Agreement(
                    command.agreement, command.member, command.since, command.until, at, entered
                )
                home["agreements"].append(agreed)
            case ReleaseDebtor():
                release = reference.Release(command.agreement, command.until, at, entered)
                home["releases"].append(release)
            case ProposeWaiver():
                self._proposed[command.household, DecideWaiver, command.waiver] = command
            case DecideWaiver(approved=True):
                told, on = self._approved(command, command.waiver)
                waiver = reference.Waiver(
                    told.charge,
                    told.amount_fen,
                    on,
                    at,
                    told.waiver,
                    told.write_off,
                    entered,
                )
                home["waivers"].append(waiver)
            case TakeBackWaiver():
                back = reference.TakenBack(command.waiver, command.on, at, entered)
                home["taken_back"].append(back)
            case ProposeRefund():
                self._proposed[command.household, DecideRefund, command.refund] = command
            case DecideRefund(approved=True):
                told, on = self._approved(command, command.refund)
                home["refunds"].append(reference.Refund(told.amount_fen, on, at, told.payee))
            case DisputeCharge():
                dispute = reference.Dispute(
                    command.dispute, command.charge, command.amount_fen, command.on, at, entered
                )
                home["disputes"].append(dispute)
            case ProposeDisputeDecision():
                self._proposed[command.household, DecideDispute, command.dispute] = command
            case DecideDispute(approved=True):
                told, on = self._approved(command, command.dispute)
                end = reference.DisputeEnd(command.dispute, told.upheld_fen, on, at)
                home["dispute_ends"].append(end)
            case WithdrawDispute():
                home["dispute_ends"].append(
                    reference.DisputeEnd(command.dispute, 0, command.on, at)
                )
            case ClaimLateCharge():
                fen = self._late(command)
                late = reference.LateCharge(
                    command.charge, command.of, fen, at, command.due, entered
                )
                home["late_charges"].append(late)
            case RecordPurchase():
                purchase = reference.Purchase(command.amount_fen, command.on, at)
                home["purchases"].append(purchase)
            case RecordInterest():
                home["interests"].append((command.on, at))
            case ConfirmConduct():
                home["conduct"].append((command.on, at))
            case ReceiveRequest():
                home["requests"].append((command, at))
            case Reclassify():
                self._kinds[command.request].append((command.kind, at))
            case MarkDuplicate():
                self._marks[command.request].append((command.of, at))
            case MergeDuplicate():
                self._marks[command.request].append((command.into, at))
            case UndoDuplicate():
                self._marks[command.request].append((None, at))
            case RecordOpinion():
                self._said_in[command.opinion] = home
                opinion = reference.Opinion(
                    command.opinion,
                    command.source,
                    command.on,
                    at,
                    command.member,
                    command.about,
                    entered,
                )
                home["opinions"].append(opinion)
            case WithdrawOpinion():
                over = reference.OpinionWithdrawal(command.opinion, at, entered)
                self._said_in[command.opinion]["opinion_withdrawals"].append(over)

    def _payment(
        self, paid: ReceivePayment, at: datetime, charge: str | None, *, named: bool = True
    ) -> reference.Payment:
        parts = tuple((part.charge, part.amount_fen) for part in paid.parts)
        return reference.Payment(
            paid.payment,
            paid.amount_fen,
            paid.paid_on,
            at,
            charge if named else None,
            parts if named else (),
            paid.payer,
            self._entered,
        )

    def _begins(self, home: str, member: str, role: str, since: date, at: datetime) -> None:
        if role in ("owner", "co_owner"):
            self._owning[home].append((member, role))
        fact = reference.Role(member, role, since, at, self._entered)
        self.facts[home]["roles"].append(fact)

    def _ends(self, home: str, member: str, role: str, until: date, at: datetime) -> None:
        if (member, role) in self._owning[home]:
            self._owning[home].remove((member, role))
        # A transfer ends one role before it begins the other.
        fact = reference.RoleEnd(member, role, until, at, self._entered)
        self.facts[home]["role_ends"].append(fact)

    def _approved(self, decision: Any, number: str) -> tuple[Any, date]:
        """What was proposed, and the day from which it counts."""
        proposal = self._proposed[decision.household, type(decision), number]
        return proposal, max(proposal.on, decision.on)

    def household(self, home: str, known: datetime) -> reference.Household:
        """A household as the reference grades it, as known then."""
        told = self.facts[home]
        facts = {name: tuple(told[name]) for name in _KEPT}
        return reference.Household(
            id=home,
            **facts,
            requests=tuple(self._request(r) for r, at in told["requests"] if at <= known),
            interests=_known(told["interests"], known),
            confirmed_conduct=_known(told["conduct"], known),
            elsewhere=tuple(self._called_the_same_elsewhere(home, known)),
        )

    def _called_the_same_elsewhere(self, home: str, known: datetime) -> Iterator[reference.Request]:
        """Requests of others that are called duplicates: a chain can lead through them."""
        for other, told in self.facts.items():
            for received, at in told["requests"] if other != home else ():
                if at <= known and (received.follows or self._marks[received.request]):
                    yield self._request(received)

    def _request(self, received: ReceiveRequest) -> reference.Request:
        return reference.Request(
            received.request,
            received.kind,
            received.received_at,
            tuple(self._kinds[received.request]),
            tuple(self._marks[received.request]),
            received.follows,
        )

    def _late(self, claim: ClaimLateCharge) -> int:
        """What the reference would ask for: a claim says on which charge and until when."""
        everything = reference.EVERYTHING_KNOWN
        so_far = self.household(claim.household, everything)
        found = reference.late_charge_fen(so_far, claim.of, claim.on, everything)
        late = reference.standing_facts(so_far, so_far.late_charges, everything, ("number", "of"))
        return found - sum(c.amount_fen for c in late if c.of == claim.of)


def _known(dated: list[tuple[date, datetime]], known: datetime) -> tuple[date, ...]:
    return tuple(on for on, at in dated if at <= known)
