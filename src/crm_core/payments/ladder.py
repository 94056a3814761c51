"""Decisions about the collection of arrears: a case climbs the ladder of its policy (PAY-10).

A case is opened, changed and closed by the credit grade alone. The next step is handed over when
the one before it has ended, its period to answer is over, and its own day has come. Nothing moves
while a hold lasts; no new step begins while a promise to pay is being kept.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import attrs

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.decider import Decider, Refusal, dispatch
from crm_core.payments.collection import (
    BILL,
    DEMANDS,
    EVIDENCE,
    REASONS,
    SUIT,
    THANKS,
    CollectionPolicy,
    Dues,
    Rung,
    Upcoming,
    may_approve,
)
from crm_core.payments.commands import (
    AdvanceCollection,
    ApproveStep,
    CheckDefects,
    CompleteStep,
    HoldCollection,
    ReleaseHold,
    SkipStep,
)
from crm_core.payments.credit import GRADES, CreditPolicy, standing
from crm_core.payments.decide import ledger
from crm_core.payments.events import (
    CollectionClosed,
    CollectionGradeChanged,
    CollectionHeld,
    CollectionOpened,
    DefectsChecked,
    HoldReleased,
    StepApproved,
    StepDone,
    StepOpened,
    StepSkipped,
)
from crm_core.payments.ledger import allocate
from crm_core.payments.promises import open_promise, promises
from crm_core.payments.state import Account, Collection

Decision = tuple[Any, ...] | Refusal

DEFECT_CHECK_DAYS = 30
"""How long a look at the company's own service is good for before something is demanded."""

_WRITTEN = (*DEMANDS, SUIT)
_CHECKED = GRADES[GRADES.index("B2") :]


# --- what an account says --------------------------------------------------------------------


def dues(account: Account, on: date, credit: CreditPolicy) -> Dues:
    """What the collection of an account's arrears has to know of it on a day."""
    book = ledger(account)
    allocation = allocate(book, on)
    return Dues(
        standing(book, on, credit).grade,
        tuple(charge.number for charge, _ in allocation.undisputed() if charge.due < on),
        tuple(Upcoming(c.number, c.due) for c, _ in allocation.undisputed() if c.due >= on),
        open_promise(promises(account.facts.values(), on)) is not None,
    )


def commands_due(
    household: str,
    account: Account,
    collection: Collection,
    on: date,
    policy: CollectionPolicy,
    credit: CreditPolicy,
) -> tuple[AdvanceCollection, ...]:
    """The commands that a day itself brings about in one household's collection: one, or none.

    What is looked up here is left out of the command; it is looked up again when it is decided.
    """
    command = AdvanceCollection(household, on, dues(account, on, credit), policy)
    if not COLLECTION.decider.decide(command, collection):
        return ()
    return (AdvanceCollection(household, on),)


# --- what follows from a command -------------------------------------------------------------


def _advance(command: AdvanceCollection, s: Collection) -> Decision:
    found, policy = command.dues, command.policy
    assert found is not None, "INVARIANT: what is due is looked up before deciding"
    assert policy is not None, "INVARIANT: the policy in force is looked up before deciding"
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
        events.append(CollectionOpened(home, s.case + 1, found.grade, policy.ref, on))
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
        command.household,
        number,
        rung.grade,
        rung.act,
        rung.needs,
        rung.approver,
        rung.respond_days,
        charges,
        command.on,
        due,
    )


def _approve(command: ApproveStep, s: Collection) -> Decision:
    step = s.opened.get(command.step)
    if step is None or command.step in s.ended:
        return _no_step(command.step)
    if command.step in s.approved:
        return ()
    if not command.approver:
        return _unsigned()
    if not may_approve(command.role, step.approver or command.role):
        return Refusal(
            "approver_too_low",
            "PAY-10",
            f"step {command.step} is approved by a {step.approver or 'known role'}",
            {"approver": step.approver},
        )
    return (
        StepApproved(command.household, command.step, command.approver, command.role, command.on),
    )


def _complete(command: CompleteStep, s: Collection) -> Decision:
    step = s.opened.get(command.step)
    if step is None or command.step in s.ended:
        return _no_step(command.step)
    if s.held_on(command.on):
        return Refusal("collection_held", "PAY-10", "a hold lasts: nothing is asked meanwhile")
    if command.on < step.on:
        return Refusal(
            "step_before_its_day", "PAY-10", f"step {command.step} was handed over on {step.on}"
        )
    if not command.by:
        return _unsigned()
    approver = s.approved.get(command.step)
    if step.approver is not None and approver is None:
        return Refusal(
            "approval_missing",
            "PAY-10",
            f"`{step.act}` needs the approval of a {step.approver} first",
            {"approver": step.approver},
        )
    if approver == command.by:
        return Refusal("self_approval", "PAY-10", "nobody approves a step of their own")
    refusal = _evidence(command, step) or _lawful(command, step, s)
    if refusal is not None:
        return refusal
    respond_by = command.on + timedelta(days=step.respond_days) if step.respond_days else None
    return (
        StepDone(
            command.household,
            command.step,
            step.act,
            command.by,
            step.charges,
            command.on,
            command.proofs,
            respond_by,
        ),
    )


def _evidence(command: CompleteStep, step: StepOpened) -> Refusal | None:
    kinds = [proof.kind for proof in command.proofs]
    for proof in command.proofs:
        if proof.kind not in EVIDENCE or not proof.reference:
            return Refusal(
                "unknown_evidence",
                "PAY-10",
                f"a proof is a reference to one of {', '.join(EVIDENCE)}",
            )
        if proof.kind == "reason_code" and proof.reference not in REASONS:
            return Refusal(
                "unknown_reason_code", "PAY-10", f"a reason is one of {', '.join(REASONS)}"
            )
    missing = [kind for kind in step.needs if kind not in kinds]
    if missing:
        return Refusal(
            "evidence_missing",
            "PAY-10",
            f"`{step.act}` is not done without {', '.join(missing)}",
            {"missing": missing},
        )
    return None


def _lawful(command: CompleteStep, step: StepOpened, s: Collection) -> Refusal | None:
    """What must have come first, whatever a policy says."""
    if step.act in _WRITTEN and step.grade in _CHECKED:
        latest = s.checked
        oldest = command.on - timedelta(days=DEFECT_CHECK_DAYS)
        if latest is None or not oldest <= latest[0] <= command.on:
            return Refusal(
                "defects_unchecked",
                "PAY-10",
                "the company's own service is looked at first: not longer than"
                f" {DEFECT_CHECK_DAYS} days before",
            )
        if latest[1]:
            return Refusal(
                "own_defects_open",
                "PAY-10",
                f"{latest[1]} defects of the company's own service are open: they come first",
                {"open_defects": latest[1]},
            )
    if step.act == SUIT and (s.demanded is None or command.on <= s.demanded):
        return Refusal(
            "demand_missing",
            "PAY-11",
            "a suit comes after a formal demand whose reasonable period is over (Civil Code,"
            " art. 944)",
            {"respond_by": None if s.demanded is None else s.demanded.isoformat()},
        )
    return None


def _skip(command: SkipStep, s: Collection) -> Decision:
    if command.step not in s.opened or command.step in s.ended:
        return _no_step(command.step)
    if not command.approver or not command.reason:
        return _unsigned()
    return (
        StepSkipped(command.household, command.step, command.on, command.reason, command.approver),
    )


def _check_defects(command: CheckDefects, _: Collection) -> Decision:
    if command.open_defects < 0 or not command.reference or not command.by:
        return Refusal(
            "defect_check_incomplete", "PAY-10", "a look names who, its record, and what is open"
        )
    return (
        DefectsChecked(
            command.household, command.on, command.open_defects, command.reference, command.by
        ),
    )


def _hold(command: HoldCollection, s: Collection) -> Decision:
    if command.hold in s.holds:
        return Refusal("hold_exists", "PAY-10", f"hold `{command.hold}` is there already")
    if command.until < command.on:
        return Refusal("hold_ends_early", "PAY-10", "a hold ends on or after its first day")
    if not command.approver or not command.reason:
        return _unsigned()
    return (
        CollectionHeld(
            command.household,
            command.hold,
            command.on,
            command.until,
            command.reason,
            command.approver,
        ),
    )


def _release(command: ReleaseHold, s: Collection) -> Decision:
    if command.hold not in s.holds:
        return Refusal("unknown_hold", "PAY-10", f"there is no hold `{command.hold}`")
    if command.hold in s.released:
        return ()
    if not command.reason:
        return _unsigned()
    return (HoldReleased(command.household, command.hold, command.on, command.reason),)


_DECIDE = {
    AdvanceCollection: _advance,
    ApproveStep: _approve,
    CompleteStep: _complete,
    SkipStep: _skip,
    CheckDefects: _check_defects,
    HoldCollection: _hold,
    ReleaseHold: _release,
}


def decide(command: Any, state: Collection) -> Decision:
    """Answer a command."""
    return _DECIDE[type(command)](command, state)  # type: ignore[operator, no-any-return]


# --- what an event changes -------------------------------------------------------------------


def _case_opened(s: Collection, e: CollectionOpened) -> Collection:
    return attrs.evolve(
        s,
        household=e.household,
        case=e.case,
        grade=e.grade,
        since=e.on,
        steps=0,
        last=None,
        demanded=None,
    )


def _changed(s: Collection, e: CollectionGradeChanged) -> Collection:
    return attrs.evolve(s, grade=e.grade, since=e.on, steps=0, last=None, ended=_void(s))


def _closed(s: Collection, _: CollectionClosed) -> Collection:
    return attrs.evolve(s, grade=None, steps=0, last=None, ended=_void(s))


def _void(s: Collection) -> Any:
    """Steps of a grade follow each other, so no more than the last one can be open."""
    return s.ended if s.last is None else s.ended.add(s.last, True)


def _step_opened(s: Collection, e: StepOpened) -> Collection:
    opened = s.opened.add(e.step, e)
    if e.act == BILL:
        billed = s.billed
        for charge in e.charges:
            billed = billed.add(charge, True)
        return attrs.evolve(s, household=e.household, opened=opened, billed=billed)
    if e.act == THANKS:
        return attrs.evolve(s, household=e.household, opened=opened)
    return attrs.evolve(s, opened=opened, steps=s.steps + 1, last=e.step)


def _approved(s: Collection, e: StepApproved) -> Collection:
    return attrs.evolve(s, approved=s.approved.add(e.step, e.approver))


def _done(s: Collection, e: StepDone) -> Collection:
    demanded = e.respond_by if e.act == "formal_demand" else s.demanded
    return attrs.evolve(
        s, ended=s.ended.add(e.step, True), done=s.done.add(e.step, e), demanded=demanded
    )


def _skipped(s: Collection, e: StepSkipped) -> Collection:
    return attrs.evolve(s, ended=s.ended.add(e.step, True))


def _defects_checked(s: Collection, e: DefectsChecked) -> Collection:
    return attrs.evolve(s, household=e.household, checked=(e.on, e.open_defects))


def _held(s: Collection, e: CollectionHeld) -> Collection:
    return attrs.evolve(s, household=e.household, holds=s.holds.add(e.hold, e))


def _released(s: Collection, e: HoldReleased) -> Collection:
    return attrs.evolve(s, released=s.released.add(e.hold, e.on))


evolve = dispatch(
    {
        CollectionOpened: _case_opened,
        CollectionGradeChanged: _changed,
        CollectionClosed: _closed,
        StepOpened: _step_opened,
        StepApproved: _approved,
        StepDone: _done,
        StepSkipped: _skipped,
        DefectsChecked: _defects_checked,
        CollectionHeld: _held,
        HoldReleased: _released,
    }
)


def _household(command: Any) -> str:
    return command.household  # type: ignore[no-any-return]


COLLECTION = Aggregate(
    Decider("collection", Collection(), decide, evolve), tuple(_DECIDE), _household, _household
)


# --- refusals --------------------------------------------------------------------------------


def _no_step(step: int) -> Refusal:
    return Refusal("unknown_step", "PAY-10", f"there is no step {step} to be done", {"step": step})


def _unsigned() -> Refusal:
    return Refusal("collection_unsigned", "PAY-10", "it needs who, and a reason or an approver")
