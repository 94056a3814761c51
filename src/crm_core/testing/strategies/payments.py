"""Commands to one account, and what one person proposes about it and another decides."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from crm_core.kernel.decider import Refusal
from crm_core.kernel.word import Word
from crm_core.payments.commands import (
    AcceptMovedPayment,
    AcknowledgeDebt,
    AgreeClause,
    ApproveRate,
    CancelCharge,
    ClaimLateCharge,
    DecideDispute,
    DecideInstalments,
    DecideRefund,
    DecideWaiver,
    DisputeCharge,
    EndClause,
    MovePayment,
    PromisePayment,
    ProposeDisputeDecision,
    ProposeInstalments,
    ProposeRefund,
    ProposeWaiver,
    RaiseCharge,
    ReceivePayment,
    RecordPurchase,
    ReversePayment,
    TakeBackWaiver,
    VoidPurchase,
    WithdrawDispute,
)
from crm_core.payments.events import Instalment, Part
from crm_core.payments.late import LateChargePolicy
from crm_core.slices import shipped
from crm_core.testing.strategies.values import CLERKS, DECIDERS, days_around, mostly

_TRUTH = st.booleans()
_SOME_DAYS = st.lists(st.integers(0, 200), min_size=2, max_size=3, unique=True)
_THERE = Refusal("payment_exists", "PAY-01", {"payment": "P1"}, "payment_exists_there")


def account_commands(household: str = "V1", year: int = 2011) -> SearchStrategy[Any]:
    """Commands to one account, with numbers from small pools so that they often meet.

    Every kind is there, and so is every way of being refused. What is looked up stands in them, as
    for any decider.
    """
    home = st.just(household)
    charge = st.sampled_from(["C1", "C2", "C3"])
    payment = st.sampled_from(["P1", "P2", "P3", "P4"])
    number = st.sampled_from(["N1", "N1", "N2", "N3"])
    amount = st.one_of(
        st.sampled_from([100_00, 1, 50_00, 150_00]), st.integers(1, 300_00), st.integers(-1, 0)
    )
    on = days_around(year)
    reason = mostly(("mistake",), "")
    charges = account_openings(
        household,
        year,
        kind=st.sampled_from([*["management_fee"] * 4, *["parking"] * 5, "gift"]),
        amount=amount,
    )
    payments = st.builds(
        ReceivePayment,
        household=home,
        payment=payment,
        amount_fen=amount,
        paid_on=on,
        method=mostly(("cash",), "shells"),
        charge=st.one_of(st.none(), charge, charge, st.just("L1")),
        charge_follows=st.booleans(),
    )
    several = st.builds(
        ReceivePayment,
        household=home,
        payment=payment,
        amount_fen=st.integers(100_00, 300_00),
        paid_on=on,
        method=st.just("cash"),
        parts=st.tuples(
            st.builds(Part, charge, st.integers(1, 60_00)),
            st.builds(Part, charge, st.integers(1, 60_00)),
        ),
    )
    notes = st.builds(
        RaiseCharge,
        household=home,
        charge=st.one_of(st.just("K1"), charge),
        kind=st.just("management_fee"),
        period=st.just("2011-01"),
        amount_fen=st.integers(-120_00, 0),
        due=on,
        corrects=st.one_of(st.none(), charge, charge),
    )
    return st.one_of(
        charges,
        charges,
        payments,
        payments,
        several,
        notes,
        st.builds(TakeBackWaiver, home, number, on, reason, by=DECIDERS),
        st.builds(CancelCharge, home, charge, on, reason),
        st.builds(ReversePayment, home, payment, on, reason),
        st.builds(
            MovePayment,
            household=home,
            payment=payment,
            to_household=mostly(("V2",), household),
            reason=reason,
            refused_there=st.none() | st.just(_THERE),
        ),
        st.builds(
            AcceptMovedPayment,
            household=home,
            payment=payment,
            from_household=st.just("V2"),
            amount_fen=st.integers(1, 300_00),
            paid_on=on,
            method=st.just("cash"),
            reason=st.just("mistake"),
        ),
        *_proposals(home, charge, number, amount, on, reason),
        st.builds(
            RecordPurchase,
            household=home,
            purchase=number,
            service=st.just("cleaning"),
            amount_fen=st.one_of(amount, amount.map(lambda fen: -fen)),
            on=on,
        ),
        st.builds(VoidPurchase, home, number, reason),
        *_claims(home, charge, number, amount, on, reason),
    )


def _proposals(
    home: SearchStrategy[str],
    charge: SearchStrategy[str],
    number: SearchStrategy[str],
    amount: SearchStrategy[int],
    on: SearchStrategy[date],
    reason: SearchStrategy[str],
) -> list[SearchStrategy[Any]]:
    """Refunds and waivers."""
    refund = st.builds(
        ProposeRefund,
        household=home,
        refund=number,
        amount_fen=amount,
        on=on,
        reason=reason,
        by=CLERKS,
    )
    waiver = st.builds(
        ProposeWaiver,
        household=home,
        waiver=number,
        charge=charge,
        amount_fen=amount,
        on=on,
        reason=reason,
        write_off=st.booleans(),
        by=CLERKS,
    )
    decisions = [decision_of(kind, home, number, on) for kind in (DecideRefund, DecideWaiver)]
    return [refund, waiver, *decisions]


def decision_of(
    kind: type, home: SearchStrategy[str], number: SearchStrategy[Any], on: SearchStrategy[date]
) -> SearchStrategy[Any]:
    """Decisions, most of them in favour; why is not always said."""
    approved = st.sampled_from([True, True, True, False])
    return st.builds(kind, home, number, approved, on, mostly(("looked into",), ""), by=DECIDERS)


def _claims(
    home: SearchStrategy[str],
    charge: SearchStrategy[str],
    number: SearchStrategy[str],
    amount: SearchStrategy[int],
    on: SearchStrategy[date],
    reason: SearchStrategy[str],
) -> list[SearchStrategy[Any]]:
    """Disputes, promises, late charges and acknowledgements."""
    part = st.builds(Instalment, amount_fen=amount, due=on)
    parts = st.lists(part, max_size=3).map(lambda p: tuple(sorted(p, key=lambda one: one.due)))
    policy = shipped().find(LateChargePolicy, "late-charge-daily", date(2011, 1, 1))
    upheld = st.one_of(st.just(0), amount)
    word = home.map(lambda household: Word(f"{household}#owner", "letter", "letter 7"))
    promise = {
        "household": home,
        "promise": number,
        "instalments": parts,
        "on": on,
        "reason": reason,
        "word": word,
        "replaces": st.none() | number,
        "by": CLERKS,
    }
    return [
        st.builds(
            DisputeCharge,
            household=home,
            dispute=number,
            charge=charge,
            amount_fen=amount,
            on=on,
            reason=reason,
            word=word,
        ),
        st.builds(
            ProposeDisputeDecision,
            household=home,
            dispute=number,
            upheld_fen=upheld,
            on=on,
            reason=reason,
            by=CLERKS,
        ),
        decision_of(DecideDispute, home, number, on),
        st.builds(WithdrawDispute, household=home, dispute=number, on=on, reason=reason, word=word),
        st.builds(PromisePayment, **promise),
        st.builds(ProposeInstalments, **promise),
        decision_of(DecideInstalments, home, number, on),
        st.builds(
            ClaimLateCharge,
            household=home,
            charge=st.sampled_from(["L1", "L2", "C1"]),
            of=charge,
            on=on,
            due=on,
            policy_name=st.none() | st.just(policy.ref.name),
            policy=st.just(policy),
            by=DECIDERS,
        ),
        st.builds(
            AgreeClause,
            household=home,
            clause=number,
            subject=mostly(("late_charge",), "allocation"),
            policy_name=st.just(policy.ref.name),
            on=mostly((date(2000, 1, 1),), date(2011, 6, 1)),
            document=mostly(("contract 12",), ""),
            word=word,
            until=st.none() | on,
            known_policies=st.just((policy.ref.name,)),
            by=CLERKS,
        ),
        st.builds(EndClause, household=home, clause=number, until=on, reason=reason),
        st.builds(ApproveRate, household=home, clause=number, on=on, reason=reason, by=DECIDERS),
        st.builds(
            AcknowledgeDebt,
            household=home,
            acknowledgement=number,
            charges=st.lists(charge, max_size=2, unique=True).map(tuple),
            on=on,
            document=mostly(("letter 7",), ""),
            word=word,
        ),
    ]


@st.composite
def account_stories(draw: DrawFn, household: str = "V1", year: int = 2011) -> tuple[Any, ...]:
    """What one person proposes about an account and another decides, with what is behind it.

    Mostly it is approved, and all of it accepted on an account that has nothing of those numbers.
    """
    charge = draw(account_openings(household, year))
    clerk, decider = draw(CLERKS), draw(DECIDERS)
    on = draw(days_around(year))
    later = on + timedelta(days=draw(st.sampled_from([0, 0, 1, 30])))
    fen = draw(st.integers(1, charge.amount_fen))
    approved = draw(st.sampled_from([True, True, True, False]))
    word = Word(f"{household}#owner", "letter", "letter 7")
    behind: Any = charge
    proposal: Any
    match draw(st.sampled_from(["refund", "waiver", "dispute", "instalments"])):
        case "refund":
            kind: type = DecideRefund
            behind = ReceivePayment(
                household=household,
                payment="P1",
                amount_fen=charge.amount_fen,
                paid_on=on,
                method="cash",
            )
            proposal = ProposeRefund(
                household=household,
                refund="N1",
                amount_fen=fen,
                on=on,
                reason="moved away",
                by=clerk,
            )
        case "waiver":
            kind = DecideWaiver
            proposal = ProposeWaiver(
                household=household,
                waiver="N1",
                charge=charge.charge,
                amount_fen=fen,
                on=on,
                reason="hardship",
                write_off=draw(_TRUTH),
                by=clerk,
            )
        case "dispute":
            kind = DecideDispute
            upheld = draw(st.integers(0, fen))
            proposal = (
                DisputeCharge(
                    household=household,
                    dispute="N1",
                    charge=charge.charge,
                    amount_fen=fen,
                    on=on,
                    reason="no lift",
                    word=word,
                ),
                ProposeDisputeDecision(
                    household=household,
                    dispute="N1",
                    upheld_fen=upheld,
                    on=later,
                    reason="looked into",
                    by=clerk,
                ),
            )
        case _:
            kind = DecideInstalments
            days = [on + timedelta(days=n) for n in sorted(draw(_SOME_DAYS))]
            parts = tuple(Instalment(fen, due) for due in days)
            proposal = ProposeInstalments(
                household=household,
                promise="N1",
                instalments=parts,
                on=on,
                reason="short",
                word=word,
                by=clerk,
            )
    proposals = proposal if isinstance(proposal, tuple) else (proposal,)
    decision = kind(household, "N1", approved, later, "looked into", by=decider)
    return (behind, *proposals, decision)


def account_openings(
    household: str = "V1",
    year: int = 2011,
    *,
    kind: SearchStrategy[str] | None = None,
    amount: SearchStrategy[int] | None = None,
) -> SearchStrategy[Any]:
    """Charges that are accepted, if kind and amount are left as they are."""
    return st.builds(
        RaiseCharge,
        household=st.just(household),
        charge=st.sampled_from(["C1", "C2", "C3"]),
        kind=st.just("management_fee") if kind is None else kind,
        period=st.just(f"{year}-01"),
        amount_fen=st.integers(1, 300_00) if amount is None else amount,
        due=days_around(year),
    )
