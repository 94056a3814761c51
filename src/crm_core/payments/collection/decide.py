"""Decisions about the collection of arrears: a case climbs the ladder of its policy (PAY-10).

A case is opened, changed and closed by the credit grade alone. The next step is handed over when
the one before it has ended, its period to answer is over, and its own day has come. Nothing moves
while a hold lasts; no new step begins while a promise to pay is being kept.

A step that needs approval has three persons' acts behind it: one proposes, another in the role
decides, and it is done by somebody other than who approved it (LOG-08).
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.authority import Own
from crm_core.kernel.decider import Decider, Decision, Refusal, by_command
from crm_core.kernel.refusals import no_reason
from crm_core.payments.acts import BILL, DEMANDS, EVIDENCE, REASONS, SUIT, THANKS, StepDone
from crm_core.payments.answers import reference
from crm_core.payments.collection.commands import (
    AdvanceCollection,
    CheckDefects,
    CompleteStep,
    DecideHold,
    DecideStep,
    ProposeHold,
    ProposeStep,
    ReleaseHold,
    SkipStep,
)
from crm_core.payments.collection.dues import Dues
from crm_core.payments.collection.events import (
    CollectionClosed,
    CollectionGradeChanged,
    CollectionHeld,
    CollectionOpened,
    DefectsChecked,
    HoldProposed,
    HoldRejected,
    HoldReleased,
    StepApproved,
    StepOpened,
    StepProposed,
    StepRejected,
    StepSkipped,
)
from crm_core.payments.collection.evolve import evolve
from crm_core.payments.collection.policy import CollectionPolicy, Rung, may_approve
from crm_core.payments.collection.state import Collection
from crm_core.payments.credit import GRADES

DEFECT_CHECK_DAYS = 30
"""How long a look at the company's own service is good for before something is demanded."""

_WRITTEN = (*DEMANDS, SUIT)
_CHECKED = GRADES[GRADES.index("B2") :]


# --- what follows from a command -------------------------------------------------------------


def _advance(command: AdvanceCollection, s: Collection) -> Decision:
    found, policy = command.dues, command.policy
    if command.on > command.present_day:
        days = {"on": command.on.isoformat(), "today": command.present_day.isoformat()}
        return Refusal("day_not_come", "PAY-10", days)
    if s.held_on(command.on):
        return ()
    events: list[Any] = []
    if found.grade == GRADES[0]:
        if s.grade is not None:
            events.append(CollectionClosed(command.household, s.case, command.on))
            thanks = [rung for rung in policy.of(GRADES[0]) if rung.act == THANKS]
            for number, rung in enumerate(thanks, len(s.opened) + 1):
                due = command.on + timedelta(days=rung.within_days)
                events.append(_opened(command, rung, number, (), due))
    else:
        events += _climb(command, s, found, policy)
    number = len(s.opened) + sum(isinstance(event, StepOpened) for event in events)
    for rung in policy.of(GRADES[0]):
        for charge in found.upcoming:
            first = charge.due + timedelta(days=rung.from_day)
            if rung.act == BILL and charge.charge not in s.billed and first <= command.on:
                number += 1
                due = min(command.on + timedelta(days=rung.within_days), charge.due)
                events.append(_opened(command, rung, number, (charge.charge,), due))
    return tuple(events)


def _climb(
    command: AdvanceCollection, s: Collection, found: Dues, policy: CollectionPolicy
) -> list[Any]:
    """Opening or change of the case, and the next step if its time has come."""
    home, on = command.household, command.on
    events: list[Any] = []
    if s.grade is None:
        events.append(
            CollectionOpened(
                household=home, case=s.case + 1, grade=found.grade, policy=policy.ref, on=on
            )
        )
    elif s.grade != found.grade:
        events.append(CollectionGradeChanged(home, found.grade, policy.ref, on))
    came = bool(events)
    since, steps, last = (on, 0, None) if came else (s.since, s.steps, s.last)
    ladder = policy.of(found.grade)
    if found.promised or steps >= len(ladder):
        return events
    if last is not None:
        if last not in s.ended:
            return events
        done = s.done.get(last)
        if done is not None and done.respond_by is not None and on <= done.respond_by:
            return events
    rung = ladder[steps]
    if on >= since + timedelta(days=rung.from_day):
        due = on + timedelta(days=rung.within_days)
        events.append(_opened(command, rung, len(s.opened) + 1, found.charges, due))
    return events


def _opened(
    command: AdvanceCollection, rung: Rung, number: int, charges: tuple[str, ...], due: date
) -> StepOpened:
    return StepOpened(
        household=command.household,
        step=number,
        grade=rung.grade,
        act=rung.act,
        needs=rung.needs,
        approver=rung.approver,
        respond_days=rung.respond_days,
        charges=charges,
        on=command.on,
        due=due,
    )


def _propose_step(command: ProposeStep, s: Collection) -> Decision:
    step = s.opened.get(command.step)
    if step is None or command.step in s.ended:
        return _no_step(command.step)
    if step.approver is None:
        return Refusal("approval_not_needed", "PAY-10", {"step": command.step, "act": step.act})
    if command.step in s.approved or reference("step", str(command.step)) in s.proposed:
        return Refusal("step_proposed", "PAY-10", {"step": command.step})
    return (StepProposed(command.household, command.step, command.on, command.by.id),)


def _decide_step(command: DecideStep, s: Collection) -> Decision:
    step = s.opened.get(command.step)
    if step is None or command.step in s.ended:
        return _no_step(command.step)
    if command.step in s.approved and command.approved:
        return ()
    proposal = s.proposed.get(reference("step", str(command.step)))
    if not isinstance(proposal, StepProposed):
        return _no_proposal("step", str(command.step))
    role = command.by.role
    if step.approver is not None and not may_approve(role, step.approver):
        found = {"step": command.step, "approver": step.approver, "role": role}
        return Refusal("approver_too_low", "PAY-10", found)
    if command.approved:
        return (
            StepApproved(
                household=command.household,
                step=command.step,
                on=command.on,
                proposed_by=proposal.proposed_by,
                approved_by=command.by.id,
                role=role,
                reason=command.reason,
            ),
        )
    if not command.reason:
        return no_reason("LOG-06")
    return (
        StepRejected(
            household=command.household,
            step=command.step,
            on=command.on,
            reason=command.reason,
            rejected_by=command.by.id,
        ),
    )


def _complete(command: CompleteStep, s: Collection) -> Decision:
    step = s.opened.get(command.step)
    if step is None or command.step in s.ended:
        return _no_step(command.step)
    if s.held_on(command.on):
        return Refusal("collection_held", "PAY-10")
    if command.on < step.on:
        found = {"step": command.step, "handed_over": step.on.isoformat()}
        return Refusal("step_before_its_day", "PAY-10", found)
    approved_by = s.approved.get(command.step)
    if step.approver is not None and approved_by is None:
        found = {"act": step.act, "approver": step.approver}
        return Refusal("approval_missing", "PAY-10", found)
    if approved_by == command.by.id:
        return Refusal("self_approval", "PAY-10", {"step": command.step})
    refusal = _evidence(command, step) or _lawful(command, step, s)
    if refusal is not None:
        return refusal
    respond_by = command.on + timedelta(days=step.respond_days) if step.respond_days else None
    return (
        StepDone(
            household=command.household,
            step=command.step,
            act=step.act,
            done_by=command.by.id,
            charges=step.charges,
            on=command.on,
            proofs=command.proofs,
            respond_by=respond_by,
        ),
    )


def _evidence(command: CompleteStep, step: StepOpened) -> Refusal | None:
    kinds = [proof.kind for proof in command.proofs]
    for proof in command.proofs:
        if proof.kind not in EVIDENCE or not proof.reference:
            return Refusal("unknown_evidence", "PAY-10", {"accepted": list(EVIDENCE)})
        if proof.kind == "reason_code" and proof.reference not in REASONS:
            return Refusal("unknown_reason_code", "PAY-10", {"accepted": list(REASONS)})
    missing = [kind for kind in step.needs if kind not in kinds]
    if missing:
        return Refusal("evidence_missing", "PAY-10", {"act": step.act, "missing": missing})
    return None


def _lawful(command: CompleteStep, step: StepOpened, s: Collection) -> Refusal | None:
    """What must have come first, whatever a policy says."""
    if step.act in _WRITTEN and step.grade in _CHECKED:
        latest = s.checked
        oldest = command.on - timedelta(days=DEFECT_CHECK_DAYS)
        if latest is None or not oldest <= latest[0] <= command.on:
            return Refusal("defects_unchecked", "PAY-10", {"days": DEFECT_CHECK_DAYS})
        if latest[1]:
            return Refusal("own_defects_open", "PAY-10", {"open_defects": latest[1]})
    if step.act == SUIT and (s.demanded is None or command.on <= s.demanded):
        if s.demanded is None:
            return Refusal("demand_missing", "PAY-11", {"respond_by": None})
        found = {"respond_by": s.demanded.isoformat()}
        return Refusal("demand_missing", "PAY-11", found, "demand_missing_yet")
    return None


def _skip(command: SkipStep, s: Collection) -> Decision:
    if command.step not in s.opened or command.step in s.ended:
        return _no_step(command.step)
    if not command.reason:
        return no_reason("LOG-06")
    return (
        StepSkipped(
            household=command.household,
            step=command.step,
            on=command.on,
            reason=command.reason,
            skipped_by=command.by.id,
        ),
    )


def _check_defects(command: CheckDefects, _: Collection) -> Decision:
    if command.open_defects < 0 or not command.reference:
        return Refusal("defect_check_incomplete", "PAY-10")
    return (
        DefectsChecked(
            household=command.household,
            on=command.on,
            open_defects=command.open_defects,
            reference=command.reference,
            checked_by=command.by.id,
        ),
    )


def _propose_hold(command: ProposeHold, s: Collection) -> Decision:
    if command.hold in s.holds or command.hold in s.asked_for:
        return Refusal("hold_exists", "PAY-10", {"hold": command.hold})
    if command.until < command.on:
        return _ends_early(command.on, command.until)
    if not command.reason:
        return no_reason("LOG-06")
    return (
        HoldProposed(
            household=command.household,
            hold=command.hold,
            on=command.on,
            until=command.until,
            reason=command.reason,
            proposed_by=command.by.id,
        ),
    )


def _decide_hold(command: DecideHold, s: Collection) -> Decision:
    proposal = s.proposed.get(reference("hold", command.hold))
    if not isinstance(proposal, HoldProposed):
        return _no_proposal("hold", command.hold)
    if not command.approved:
        if not command.reason:
            return no_reason("LOG-06")
        return (
            HoldRejected(
                household=command.household,
                hold=command.hold,
                on=command.on,
                reason=command.reason,
                rejected_by=command.by.id,
            ),
        )
    first = max(proposal.on, command.on)
    if proposal.until < first:
        return _ends_early(first, proposal.until)
    return (
        CollectionHeld(
            household=command.household,
            hold=command.hold,
            on=first,
            until=proposal.until,
            reason=command.reason or proposal.reason,
            proposed_by=proposal.proposed_by,
            approved_by=command.by.id,
        ),
    )


def _release(command: ReleaseHold, s: Collection) -> Decision:
    if command.hold not in s.holds:
        return Refusal("unknown_hold", "PAY-10", {"hold": command.hold})
    if command.hold in s.released:
        return ()
    if not command.reason:
        return no_reason("LOG-06")
    return (HoldReleased(command.household, command.hold, command.on, command.reason),)


_DECIDE: dict[type, Any] = {
    AdvanceCollection: _advance,
    ProposeStep: _propose_step,
    DecideStep: _decide_step,
    CompleteStep: _complete,
    SkipStep: _skip,
    CheckDefects: _check_defects,
    ProposeHold: _propose_hold,
    DecideHold: _decide_hold,
    ReleaseHold: _release,
}


def own(command: Any, state: Collection) -> Own | None:
    """Whose proposal a command decides; None if it decides none (LOG-08)."""
    match command:
        case DecideStep():
            proposal = state.proposed.get(reference("step", str(command.step)))
        case DecideHold():
            proposal = state.proposed.get(reference("hold", command.hold))
        case _:
            return None
    return None if proposal is None else Own(proposal.proposed_by)


def _household(command: Any) -> str:
    return command.household  # type: ignore[no-any-return]


COLLECTION = Aggregate(
    decider=Decider("collection", Collection(), by_command(_DECIDE), evolve),
    commands=tuple(_DECIDE),
    id_of=_household,
    household_of=_household,
    own=own,
)


# --- refusals --------------------------------------------------------------------------------


def _no_step(step: int) -> Refusal:
    return Refusal("unknown_step", "PAY-10", {"step": step})


def _no_proposal(what: str, number: str) -> Refusal:
    return Refusal("unknown_proposal", "PAY-10", {"number": number}, f"unknown_proposal_{what}")


def _ends_early(on: date, until: date) -> Refusal:
    days = {"on": on.isoformat(), "until": until.isoformat()}
    return Refusal("hold_ends_early", "PAY-10", days)
