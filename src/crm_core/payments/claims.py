"""Decisions about what household and company say of charges (PAY-06, PAY-08, PAY-09, PAY-12)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import pairwise
from typing import Any

from crm_core.kernel.commands import reason_of
from crm_core.kernel.decider import Decision, Refusal
from crm_core.kernel.refusals import no_reason
from crm_core.kernel.tenures import ONE, Tenures
from crm_core.payments.answers import (
    asked_of,
    decided,
    exists,
    ledger,
    missing,
    out_of_range,
    placed,
    reference,
)
from crm_core.payments.clauses import Clause, agreed_days, late_clauses, unapproved
from crm_core.payments.commands import (
    AcknowledgeDebt,
    ClaimLateCharge,
    DecideDispute,
    DecideInstalments,
    DisputeCharge,
    PromisePayment,
    ProposeDisputeDecision,
    ProposeInstalments,
    WithdrawDispute,
)
from crm_core.payments.events import (
    ChargeDisputed,
    ChargeRaised,
    DebtAcknowledged,
    DisputeDecided,
    DisputeDecisionProposed,
    DisputeWithdrawn,
    InstalmentsProposed,
    LateChargeClaimed,
    PaymentPromised,
)
from crm_core.payments.late import LateCharge, late_charges, percent_text
from crm_core.payments.ledger import ledgers, whose
from crm_core.payments.promises import BROKEN, open_promise, promises, said_in
from crm_core.payments.state import Account

# --- disputes (PAY-06) -----------------------------------------------------------------------


def dispute(command: DisputeCharge, state: Account) -> Decision:
    """The household contests a part of a charge that stands, or all of it."""
    if command.dispute in state.disputes:
        return exists("dispute", command.dispute)
    if not isinstance(state.charge(command.charge), ChargeRaised):
        return missing("charge", command.charge)
    if not command.reason.strip():
        return no_reason("LOG-06")
    under_way = (d.charge for n, d in state.disputes.items() if n not in state.decided)
    if command.charge in under_way:
        return Refusal("dispute_open", "PAY-06", {"charge": command.charge})
    left = asked_of(command.charge, state)
    if not 0 < command.amount_fen <= left:
        return Refusal(
            "dispute_exceeds_charge",
            "PAY-06",
            {"charge": command.charge, "charge_fen": left, "amount_fen": command.amount_fen},
        )
    return (
        ChargeDisputed(
            dispute=command.dispute,
            charge=command.charge,
            amount_fen=command.amount_fen,
            on=command.on,
            reason=command.reason,
            word=command.word,
        ),
    )


def propose_dispute_decision(command: ProposeDisputeDecision, state: Account) -> Decision:
    """Somebody proposes how to decide a dispute; one proposal at a time."""
    refusal = _not_in_dispute(command.dispute, command.on, state)
    if refusal is not None:
        return refusal
    if reference("dispute_decision", command.dispute) in state.proposed:
        return exists("dispute_decision", command.dispute)
    if not command.reason.strip():
        return no_reason("LOG-06")
    return _too_much_upheld(command.dispute, command.upheld_fen, state) or (
        DisputeDecisionProposed(
            dispute=command.dispute,
            upheld_fen=command.upheld_fen,
            on=command.on,
            reason=command.reason,
            proposed_by=command.by.id,
        ),
    )


def decide_dispute(command: DecideDispute, state: Account) -> Decision:
    """Somebody else decides as was proposed, by what is in dispute now, or sends it back."""
    refusal = _not_in_dispute(command.dispute, command.on, state)
    if refusal is not None:
        return refusal

    def approve(proposal: DisputeDecisionProposed) -> Decision:
        return _too_much_upheld(proposal.dispute, proposal.upheld_fen, state) or (
            DisputeDecided(
                dispute=proposal.dispute,
                upheld_fen=proposal.upheld_fen,
                on=max(proposal.on, command.on),
                reason=reason_of(command, proposal),
                proposed_by=proposal.proposed_by,
                approved_by=command.by.id,
            ),
        )

    return decided("dispute_decision", command.dispute, command, state, approve)


def withdraw_dispute(command: WithdrawDispute, state: Account) -> Decision:
    """The household contests no longer; what was proposed about it is void."""
    refusal = _not_in_dispute(command.dispute, command.on, state)
    if refusal is not None:
        return refusal
    if not command.reason.strip():
        return no_reason("LOG-06")
    return (DisputeWithdrawn(command.dispute, command.on, command.reason, command.word),)


def _not_in_dispute(number: str, on: date, state: Account) -> Refusal | None:
    found = state.disputes.get(number)
    if found is None:
        return missing("dispute", number)
    if number in state.decided:
        return Refusal("dispute_over", "PAY-06", {"dispute": number})
    if on < found.on:
        days = {"began": found.on.isoformat(), "on": on.isoformat()}
        return Refusal("dispute_ends_early", "PAY-06", {"dispute": number, **days})
    return None


def _too_much_upheld(number: str, upheld_fen: int, state: Account) -> Refusal | None:
    found = state.disputes[number]
    # What was waived is asked for no more, so it cannot be taken off a second time.
    waived = sum(
        waiver.amount_fen for waiver in ledger(state).waivers if waiver.charge == found.charge
    )
    most = max(min(found.amount_fen, asked_of(found.charge, state) - waived), 0)
    if 0 <= upheld_fen <= most:
        return None
    return Refusal(
        "upheld_exceeds_dispute", "PAY-06", {"disputed_fen": most, "upheld_fen": upheld_fen}
    )


# --- promises (PAY-09) -----------------------------------------------------------------------


def promise(command: PromisePayment, state: Account) -> Decision:
    """A promise of one amount needs no second person; a plan does."""
    refusal = _not_sayable(command, state)
    if refusal is not None:
        return refusal
    if len(command.instalments) > 1:
        return Refusal("plan_unapproved", "PAY-09", {"instalments": len(command.instalments)})
    return _unfit(command, command.on, state, command.tenures) or (
        PaymentPromised(
            promise=command.promise,
            instalments=command.instalments,
            on=command.on,
            proposed_by=command.by.id,
            approved_by=None,
            replaces=command.replaces,
            reason=command.reason,
            word=command.word,
        ),
    )


def propose_instalments(command: ProposeInstalments, state: Account) -> Decision:
    """Somebody proposes a plan as the household offers it."""
    return (
        _not_sayable(command, state)
        or _unfit(command, command.on, state, command.tenures)
        or (
            InstalmentsProposed(
                promise=command.promise,
                instalments=command.instalments,
                on=command.on,
                replaces=command.replaces,
                reason=command.reason,
                word=command.word,
                proposed_by=command.by.id,
            ),
        )
    )


def decide_instalments(command: DecideInstalments, state: Account) -> Decision:
    """Somebody else agrees on the plan, if it still fits, or does not."""

    def approve(proposal: InstalmentsProposed) -> Decision:
        # It was promised on the day on which the household gave its word: what was paid since
        # keeps it.
        plan = PaymentPromised(
            promise=proposal.promise,
            instalments=proposal.instalments,
            on=proposal.on,
            proposed_by=proposal.proposed_by,
            approved_by=command.by.id,
            replaces=proposal.replaces,
            reason=reason_of(command, proposal),
            word=proposal.word,
        )
        return (
            _unfit(proposal, max(proposal.on, command.on), state, command.tenures)
            or _overtaken(plan, command.on, state, command.tenures)
            or (plan,)
        )

    return decided("promise", command.promise, command, state, approve)


def _not_sayable(said: PromisePayment | ProposeInstalments, state: Account) -> Refusal | None:
    """Why nobody could promise that, if so."""
    taken = reference("promise", said.promise) in state.references
    if taken or said.promise in state.promises:
        return exists("promise", said.promise)
    days = [part.due for part in said.instalments]
    rising = all(before < after for before, after in pairwise(days))
    if not days or not rising or days[0] < said.on:
        return Refusal("instalments_out_of_order", "PAY-09")
    for part in said.instalments:
        refusal = out_of_range(part.amount_fen)
        if refusal is not None:
            return refusal
    return None if said.reason else no_reason("LOG-06")


def _unfit(
    said: PromisePayment | ProposeInstalments | InstalmentsProposed,
    on: date,
    state: Account,
    tenures: Tenures | None,
) -> Refusal | None:
    """Why it does not fit what is promised on a day, if so."""
    before = said.replaces
    if before is not None:
        earlier = state.promises.get(before)
        if earlier is None or any(p.replaces == before for p in state.promises.values()):
            return missing("promise", before)
        if said.on < earlier.on:
            made = earlier.on.isoformat()
            return Refusal("renegotiated_early", "PAY-09", {"promise": before, "made": made})
    kept = open_promise(promises(_said(said, state, tenures), on))
    if kept is not None and kept.promise.promise != before:
        return Refusal("promise_open", "PAY-09", {"promise": kept.promise.promise})
    return None


def _said(said: Any, state: Account, tenures: Tenures | None) -> Iterator[Any]:
    """The promises and the money of the tenure of who gives their word (PAY-16)."""
    held = tenures or ONE
    mine = whose(held, said.word.member, said.on)
    return said_in(state.facts.values(), held, mine)


def _overtaken(
    plan: PaymentPromised, on: date, state: Account, tenures: Tenures | None
) -> Refusal | None:
    """Nobody breaks a plan by waiting for its approval: then other days are agreed on."""
    found = promises([*_said(plan, state, tenures), plan], on)
    if not found or found[-1].promise is not plan or found[-1].status != BROKEN:
        return None
    return Refusal("plan_overtaken", "PAY-09", {"promise": plan.promise})


# --- late charges and acknowledgements (PAY-08, PAY-12) ----------------------------------------


def claim_late(command: ClaimLateCharge, state: Account) -> Decision:
    """What has come together by the policy, less what was claimed of it before."""
    if state.charge(command.charge) is not None:
        return exists("charge", command.charge)
    charge = state.charge(command.of)
    if not isinstance(charge, ChargeRaised):
        return missing("charge", command.of)
    if command.due < command.on:
        return Refusal("late_charge_due_early", "PAY-08")
    agreed = late_clauses(state.facts.values(), charge.due, command.on, command.policy_name)
    policy = command.policy
    if not agreed or policy is None:
        return _not_agreed(command, charge.due, state)
    found = next(
        (
            late
            for book in ledgers(placed(state), command.tenures or ONE, command.epochs or ())
            for late in late_charges(book, command.on, policy, agreed_days(agreed))
            if late.charge == command.of
        ),
        None,
    )
    refusal = None if found is None else _above_ceiling(command, found, agreed)
    if refusal is not None:
        return refusal
    before = list(state.late_of(command.of))
    claimed = sum(late.amount_fen for late in before if late.policy.name == policy.ref.name)
    fen = (found.amount_fen if found else 0) - claimed
    # What other policies came to counts against the cap of this one.
    most = policy.most(asked_of(command.of, state))
    fen = min(fen, most - sum(late.amount_fen for late in before))
    if fen <= 0:
        return Refusal(
            "no_late_charge",
            "PAY-08",
            {"charge": command.of, "policy": str(policy.ref), "claimed_fen": claimed},
        )
    return (
        LateChargeClaimed(
            charge=command.charge,
            of=command.of,
            amount_fen=fen,
            on=command.on,
            due=command.due,
            policy=policy.ref,
            claimed_by=command.by.id,
        ),
    )


def _not_agreed(command: ClaimLateCharge, due: date, state: Account) -> Refusal:
    """Why no clause lets that be claimed: none holds on these days, or none of that policy."""
    other = late_clauses(state.facts.values(), due, command.on)
    if not other:
        return Refusal("clause_missing", "PAY-08", {"charge": command.of})
    return Refusal(
        "clause_of_another_policy",
        "PAY-08",
        {
            "charge": command.of,
            "policy": command.policy_name,
            "agreed": sorted({clause.policy_name for clause in other}),
        },
    )


def _above_ceiling(
    command: ClaimLateCharge, found: LateCharge, agreed: Sequence[Clause]
) -> Refusal | None:
    """Why the rate needs an approval by which it may stand above its ceiling, if it does."""
    policy = command.policy
    assert policy is not None
    needed = unapproved(found, policy, agreed, command.on)
    if needed is None:
        return None
    clause, above = needed
    told = {
        "clause": clause.number,
        "on": above.day.isoformat(),
        "policy": str(policy.ref),
        "rate": percent_text(above.rate),
    }
    if above.ceiling is None:
        return Refusal("ceiling_unknown", "PAY-08", told)
    ceiling = {"ceiling": percent_text(above.ceiling.rate), "source": above.ceiling.source}
    return Refusal("rate_above_ceiling", "PAY-08", {**told, **ceiling})


def acknowledge(command: AcknowledgeDebt, state: Account) -> Decision:
    """The household acknowledged charges in a document."""
    if reference("acknowledgement", command.acknowledgement) in state.references:
        return exists("acknowledgement", command.acknowledgement)
    for charge in command.charges:
        if not isinstance(state.charge(charge), ChargeRaised):
            return missing("charge", charge)
    if not command.document.strip() or not command.charges:
        return Refusal("document_missing", "PAY-12")
    return (
        DebtAcknowledged(
            acknowledgement=command.acknowledgement,
            charges=command.charges,
            on=command.on,
            document=command.document,
            word=command.word,
        ),
    )
