"""Decisions about the collection of arrears: a case climbs the ladder of its policy (PAY-10).

A case is opened, changed and closed by the credit grade alone. The next step is handed over when
the one before it has ended, its period to answer is over, and its own day has come. Nothing moves
while a hold lasts; no new step begins while a promise to pay is being kept.

A step that needs approval has three persons' acts behind it: one proposes, another in the role
decides, and it is done by somebody other than who approved it (LOG-08). One that takes two persons
is reported by one of them and confirmed by the other.

What is collected is what one tenure owes; each has its own collection (PAY-16).
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.authority import Own
from crm_core.kernel.commands import reason_of
from crm_core.kernel.decider import Decider, Decision, Refusal, by_command
from crm_core.kernel.refusals import no_reason, unknown
from crm_core.kernel.sealed import typed
from crm_core.kernel.tenures import FIRST, ONE
from crm_core.payments.acts import (
    BILL,
    DELIVERY,
    DEMANDS,
    EVIDENCE,
    LEASE_END,
    MEANS,
    REASONS,
    SUIT,
    THANKS,
    Proof,
    StepDone,
)
from crm_core.payments.answers import reference
from crm_core.payments.collection.commands import (
    AdvanceCollection,
    CatchUpCollection,
    CheckDefects,
    CompleteStep,
    ConfirmStep,
    DecideHold,
    DecideStep,
    ProposeHold,
    ProposeStep,
    ReleaseHold,
    SkipStep,
)
from crm_core.payments.collection.dues import Day
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
    StepReported,
    StepSkipped,
)
from crm_core.payments.collection.evolve import evolve
from crm_core.payments.collection.policy import Rung, may_approve
from crm_core.payments.collection.state import Collection
from crm_core.payments.credit import GRADES

DEFECT_CHECK_DAYS = 30
"""How long a look at the company's own service is good for before something is demanded."""

_WRITTEN = (*DEMANDS, SUIT, LEASE_END)
_DEMANDED = (SUIT, LEASE_END)
_CHECKED = GRADES[GRADES.index("B2") :]


# --- what follows from a command -------------------------------------------------------------


def _advance(command: AdvanceCollection, s: Collection) -> Decision:
    if command.on > command.present_day:
        return _not_come(command.on, command.present_day)
    if command.dues is None:
        return _no_tenure(command.tenure)
    if command.on < s.acted:
        # The case has gone on since; nobody takes it back to a day before.
        return ()
    return advanced(command, Day(command.on, command.dues, command.policy), s)


def _catch_up(command: CatchUpCollection, s: Collection) -> Decision:
    if command.upto > command.present_day:
        return _not_come(command.upto, command.present_day)
    events: list[Any] = []
    for day in command.days:
        if day.on <= command.upto:
            came = advanced(command, day, s)
            events += came
            for event in came:
                s = evolve(s, event)
    return tuple(events)


def advanced(of: AdvanceCollection | CatchUpCollection, day: Day, s: Collection) -> tuple[Any, ...]:
    """What a day brings about in the collection that a command is about."""
    found, policy = day.dues, day.policy
    if s.held_on(day.on):
        return ()
    events: list[Any] = []
    number = len(s.opened)
    if found.grade == GRADES[0]:
        if s.grade is not None:
            events.append(CollectionClosed(of.household, s.case, day.on, tenure=of.tenure))
            # Who disputes, or is let off, has not paid: there is nothing to thank for (K22).
            for rung in policy.of(GRADES[0]) if found.paid else ():
                if rung.act == THANKS:
                    number += 1
                    due = day.on + timedelta(days=rung.within_days)
                    events.append(_opened(of, day.on, rung, number, (), due))
    else:
        events += _climb(of, day, s)
        number += sum(isinstance(event, StepOpened) for event in events)
    for rung in policy.of(GRADES[0]):
        for charge in found.upcoming:
            first = charge.due + timedelta(days=rung.from_day)
            if rung.act == BILL and not s.is_billed(charge) and first <= day.on:
                number += 1
                due = min(day.on + timedelta(days=rung.within_days), charge.due)
                events.append(_opened(of, day.on, rung, number, (charge.charge,), due))
    return tuple(events)


def _climb(of: AdvanceCollection | CatchUpCollection, day: Day, s: Collection) -> list[Any]:
    """Opening or change of the case, and the next step if its time has come."""
    home, tenure, found, on = of.household, of.tenure, day.dues, day.on
    events: list[Any] = []
    if s.grade is None:
        events.append(
            CollectionOpened(
                household=home,
                case=s.case + 1,
                grade=found.grade,
                policy=day.policy.ref,
                on=on,
                tenure=tenure,
            )
        )
    elif s.grade != found.grade:
        changed = CollectionGradeChanged(home, found.grade, day.policy.ref, on, tenure=tenure)
        events.append(changed)
    came = bool(events)
    since, steps, last = (on, 0, None) if came else (s.since, s.steps, s.last)
    ladder = day.policy.of(found.grade, tenant=found.tenant)
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
        events.append(_opened(of, on, rung, len(s.opened) + 1, found.charges, due))
    return events


def _opened(
    of: AdvanceCollection | CatchUpCollection,
    on: date,
    rung: Rung,
    number: int,
    charges: tuple[str, ...],
    due: date,
) -> StepOpened:
    return StepOpened(
        household=of.household,
        step=number,
        grade=rung.grade,
        act=rung.act,
        needs=rung.needs,
        approver=rung.approver,
        respond_days=rung.respond_days,
        charges=charges,
        on=on,
        due=due,
        persons=rung.persons,
        tenure=of.tenure,
    )


def _propose_step(command: ProposeStep, s: Collection) -> Decision:
    step = s.opened.get(command.step)
    if step is None or command.step in s.ended:
        return _no_step(command.step)
    if step.approver is None:
        return Refusal("approval_not_needed", "PAY-10", {"step": command.step, "act": step.act})
    if command.step in s.approved or reference("step", str(command.step)) in s.proposed:
        return Refusal("step_proposed", "PAY-10", {"step": command.step})
    return (
        StepProposed(
            household=command.household,
            step=command.step,
            on=command.on,
            proposed_by=command.by.id,
            tenure=command.tenure,
        ),
    )


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
                tenure=command.tenure,
            ),
        )
    if not command.reason.strip():
        return no_reason("LOG-06")
    return (
        StepRejected(
            household=command.household,
            step=command.step,
            on=command.on,
            reason=command.reason,
            rejected_by=command.by.id,
            tenure=command.tenure,
        ),
    )


def _complete(command: CompleteStep, s: Collection) -> Decision:
    step = s.opened.get(command.step)
    if step is None or command.step in s.ended:
        return _no_step(command.step)
    if command.on > command.present_day:
        return _not_come(command.on, command.present_day)
    if s.held_on(command.on):
        return Refusal("collection_held", "PAY-10")
    if command.on < step.on:
        return _too_early(command.step, step.on)
    approved_by = s.approved.get(command.step)
    if step.approver is not None and approved_by is None:
        found = {"act": step.act, "approver": step.approver}
        return Refusal("approval_missing", "PAY-10", found)
    if approved_by in command.by.ids:
        return Refusal("self_approval", "PAY-10", {"step": command.step})
    refusal = _evidence(command, step) or _lawful(command, step, s)
    if refusal is not None:
        return refusal
    if step.persons > 1:
        return (
            StepReported(
                household=command.household,
                step=command.step,
                on=command.on,
                proofs=command.proofs,
                reported_by=command.by.id,
                tenure=command.tenure,
            ),
        )
    return (_done(step, command.on, command.proofs, command.by.id),)


def _done(
    step: StepOpened,
    on: date,
    proofs: tuple[Proof, ...],
    done_by: str,
    confirmed_by: str | None = None,
) -> StepDone:
    return StepDone(
        household=step.household,
        step=step.step,
        act=step.act,
        done_by=done_by,
        charges=step.charges,
        on=on,
        proofs=proofs,
        respond_by=on + timedelta(days=step.respond_days) if step.respond_days else None,
        confirmed_by=confirmed_by,
        tenure=step.tenure,
    )


def _confirm(command: ConfirmStep, s: Collection) -> Decision:
    step = s.opened.get(command.step)
    if step is None or command.step in s.ended:
        return _no_step(command.step)
    if command.on > command.present_day:
        return _not_come(command.on, command.present_day)
    reported = s.reported.get(command.step)
    if reported is None:
        return Refusal("step_not_reported", "PAY-10", {"step": command.step})
    if command.on < reported.on:
        return _too_early(command.step, reported.on)
    if reported.reported_by in command.by.ids:
        return Refusal("second_person_missing", "PAY-10", {"step": command.step, "act": step.act})
    if s.approved.get(command.step) in command.by.ids:
        return Refusal("self_approval", "PAY-10", {"step": command.step})
    return (_done(step, reported.on, reported.proofs, reported.reported_by, command.by.id),)


def _evidence(command: CompleteStep, step: StepOpened) -> Refusal | None:
    for proof in command.proofs:
        refusal = _unfit(proof, command.on, step)
        if refusal is not None:
            return refusal
    kinds = [proof.kind for proof in command.proofs]
    missing = [kind for kind in step.needs if kind not in kinds]
    if missing:
        return Refusal("evidence_missing", "PAY-10", {"act": step.act, "missing": missing})
    return None


def _unfit(proof: Proof, done_on: date, step: StepOpened) -> Refusal | None:
    """Why a piece of evidence proves nothing, if so."""
    if proof.kind not in EVIDENCE:
        return unknown("evidence", proof.kind, EVIDENCE, rule="PAY-10")
    told: dict[str, object] = {"reference": proof.reference}
    if proof.kind == DELIVERY:
        told |= {"means": proof.means, "on": proof.on}
    missing = [name for name, value in told.items() if not value]
    if missing:
        return Refusal("evidence_incomplete", "PAY-10", {"kind": proof.kind, "missing": missing})
    if proof.means and (proof.kind != DELIVERY or proof.means not in MEANS):
        accepted = MEANS if proof.kind == DELIVERY else ()
        found = {"kind": proof.kind, "means": proof.means, "accepted": list(accepted)}
        sentence = "unknown_means" if accepted else "unknown_means_of_other"
        return Refusal("unknown_means", "PAY-10", found, sentence)
    if proof.kind == "reason_code" and proof.reference not in REASONS:
        return unknown("reason_code", typed(proof.reference), REASONS, rule="PAY-10")
    if proof.on is not None and not step.on <= proof.on <= done_on:
        days = {"on": proof.on, "first": step.on, "last": done_on}
        found = {name: day.isoformat() for name, day in days.items()}
        return Refusal("evidence_of_other_days", "PAY-10", {"kind": proof.kind, **found})
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
    if step.act in _DEMANDED and (s.demanded is None or command.on <= s.demanded):
        if s.demanded is None:
            return Refusal("demand_missing", "PAY-11", {"act": step.act, "respond_by": None})
        found = {"act": step.act, "respond_by": s.demanded.isoformat()}
        return Refusal("demand_missing", "PAY-11", found, "demand_missing_yet")
    return None


def _skip(command: SkipStep, s: Collection) -> Decision:
    if command.step not in s.opened or command.step in s.ended:
        return _no_step(command.step)
    if not command.reason.strip():
        return no_reason("LOG-06")
    return (
        StepSkipped(
            household=command.household,
            step=command.step,
            on=command.on,
            reason=command.reason,
            skipped_by=command.by.id,
            tenure=command.tenure,
        ),
    )


def _check_defects(command: CheckDefects, _: Collection) -> Decision:
    if (command.tenures or ONE).find(command.tenure) is None:
        return _no_tenure(command.tenure)
    if command.open_defects < 0 or not command.reference:
        return Refusal("defect_check_incomplete", "PAY-10")
    return (
        DefectsChecked(
            household=command.household,
            on=command.on,
            open_defects=command.open_defects,
            reference=command.reference,
            checked_by=command.by.id,
            tenure=command.tenure,
        ),
    )


def _propose_hold(command: ProposeHold, s: Collection) -> Decision:
    if (command.tenures or ONE).find(command.tenure) is None:
        return _no_tenure(command.tenure)
    if command.hold in s.holds or command.hold in s.asked_for:
        return Refusal("hold_exists", "PAY-10", {"hold": command.hold})
    if command.until < command.on:
        return _ends_early(command.on, command.until)
    if not command.reason.strip():
        return no_reason("LOG-06")
    return (
        HoldProposed(
            household=command.household,
            hold=command.hold,
            on=command.on,
            until=command.until,
            reason=command.reason,
            proposed_by=command.by.id,
            tenure=command.tenure,
        ),
    )


def _decide_hold(command: DecideHold, s: Collection) -> Decision:
    proposal = s.proposed.get(reference("hold", command.hold))
    if not isinstance(proposal, HoldProposed):
        return _no_proposal("hold", command.hold)
    if not command.approved:
        if not command.reason.strip():
            return no_reason("LOG-06")
        return (
            HoldRejected(
                household=command.household,
                hold=command.hold,
                on=command.on,
                reason=command.reason,
                rejected_by=command.by.id,
                tenure=command.tenure,
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
            reason=reason_of(command, proposal),
            proposed_by=proposal.proposed_by,
            approved_by=command.by.id,
            tenure=command.tenure,
        ),
    )


def _release(command: ReleaseHold, s: Collection) -> Decision:
    if command.hold not in s.holds:
        return Refusal("unknown_hold", "PAY-10", {"hold": command.hold})
    if command.hold in s.released:
        return ()
    if not command.reason.strip():
        return no_reason("LOG-06")
    return (
        HoldReleased(
            household=command.household,
            hold=command.hold,
            on=command.on,
            reason=command.reason,
            tenure=command.tenure,
        ),
    )


_DECIDE: dict[type, Any] = {
    AdvanceCollection: _advance,
    CatchUpCollection: _catch_up,
    ProposeStep: _propose_step,
    DecideStep: _decide_step,
    CompleteStep: _complete,
    ConfirmStep: _confirm,
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
        case ConfirmStep():
            reported = state.reported.get(command.step)
            return None if reported is None else Own(reported.reported_by)
        case _:
            return None
    return None if proposal is None else Own(proposal.proposed_by)


def identity(household: str, tenure: str) -> str:
    """The id of a collection: that of the household, and `@` with the key of a later tenure.

    No id of a household has such a sign in it, so whose it is can be read off (`of_identity`).
    """
    return household if tenure == FIRST else f"{household}@{tenure}"


def of_identity(text: str) -> tuple[str, str]:
    """Household and tenure of a collection's id."""
    household, _, tenure = text.partition("@")
    return household, tenure or FIRST


def _identity(command: Any) -> str:
    return identity(command.household, command.tenure)


def _household(command: Any) -> str:
    return command.household  # type: ignore[no-any-return]


COLLECTION = Aggregate(
    decider=Decider("collection", Collection(), by_command(_DECIDE), evolve),
    commands=tuple(_DECIDE),
    id_of=_identity,
    household_of=_household,
    own=own,
    inside=frozenset({CatchUpCollection}),
)


# --- refusals --------------------------------------------------------------------------------


def _not_come(on: date, today: date) -> Refusal:
    days = {"on": on.isoformat(), "today": today.isoformat()}
    return Refusal("day_not_come", "PAY-10", days)


def _no_tenure(tenure: str) -> Refusal:
    return Refusal("unknown_tenure", "PAY-16", {"tenure": tenure})


def _too_early(step: int, handed_over: date) -> Refusal:
    found = {"step": step, "handed_over": handed_over.isoformat()}
    return Refusal("step_before_its_day", "PAY-10", found)


def _no_step(step: int) -> Refusal:
    return Refusal("unknown_step", "PAY-10", {"step": step})


def _no_proposal(what: str, number: str) -> Refusal:
    return Refusal("unknown_proposal", "PAY-10", {"number": number}, f"unknown_proposal_{what}")


def _ends_early(on: date, until: date) -> Refusal:
    days = {"on": on.isoformat(), "until": until.isoformat()}
    return Refusal("hold_ends_early", "PAY-10", days)
