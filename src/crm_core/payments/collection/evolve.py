"""What an event changes in the collection of arrears. What is only proposed changes no step."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import attrs

from crm_core.kernel.decider import Evolve, by_event
from crm_core.payments.acts import BILL, THANKS, StepDone
from crm_core.payments.answers import reference
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
from crm_core.payments.collection.state import Collection


def _case_opened(s: Collection, e: CollectionOpened) -> Collection:
    return attrs.evolve(
        s,
        household=e.household,
        case=e.case,
        grade=e.grade,
        began=e.on,
        since=e.on,
        steps=0,
        last=None,
        demanded=None,
        acts=s.acts + 1,
        acted=max(s.acted, e.on),
    )


def _changed(s: Collection, e: CollectionGradeChanged) -> Collection:
    return _acted(attrs.evolve(_void(s), grade=e.grade, since=e.on, steps=0, last=None), e.on)


def _closed(s: Collection, e: CollectionClosed) -> Collection:
    return _acted(attrs.evolve(_void(s), grade=None, steps=0, last=None), e.on)


def _acted(s: Collection, on: date) -> Collection:
    return attrs.evolve(s, acts=s.acts + 1, acted=max(s.acted, on))


def _void(s: Collection) -> Collection:
    """Steps of a grade follow each other, so no more than the last one can be open."""
    return s if s.last is None else _ended(s, s.last)


def _ended(s: Collection, step: int) -> Collection:
    """Whatever is proposed about a step that has ended is void."""
    proposed = _without(s, reference("step", str(step)))
    reported = {other: e for other, e in s.reported.items() if other != step}
    ended = s.ended.add(step, True)
    return attrs.evolve(s, ended=ended, proposed=proposed, reported=reported)


def _step_opened(s: Collection, e: StepOpened) -> Collection:
    billed, last, steps = s.billed, s.last, s.steps
    if e.act == BILL:
        for charge in e.charges:
            billed = billed.add((charge, s.bills(charge)), e.on)
    elif e.act != THANKS:
        last, steps = e.step, steps + 1
    return attrs.evolve(
        s,
        household=e.household,
        opened=s.opened.add(e.step, e),
        billed=billed,
        last=last,
        steps=steps,
        acts=s.acts + 1,
        acted=max(s.acted, e.on),
    )


def _step_proposed(s: Collection, e: StepProposed) -> Collection:
    return _proposed(s, e, reference("step", str(e.step)))


def _approved(s: Collection, e: StepApproved) -> Collection:
    proposed = _without(s, reference("step", str(e.step)))
    return attrs.evolve(s, approved=s.approved.add(e.step, e.approved_by), proposed=proposed)


def _step_rejected(s: Collection, e: StepRejected) -> Collection:
    return attrs.evolve(s, proposed=_without(s, reference("step", str(e.step))))


def _reported(s: Collection, e: StepReported) -> Collection:
    # Whoever reports it once more has the last word of it.
    return attrs.evolve(s, reported={**s.reported, e.step: e})


def _done(s: Collection, e: StepDone) -> Collection:
    demanded = e.respond_by if e.act == "formal_demand" else s.demanded
    return attrs.evolve(_ended(s, e.step), done=s.done.add(e.step, e), demanded=demanded)


def _skipped(s: Collection, e: StepSkipped) -> Collection:
    return _ended(s, e.step)


def _defects_checked(s: Collection, e: DefectsChecked) -> Collection:
    return attrs.evolve(s, household=e.household, checked=(e.on, e.open_defects))


def _hold_proposed(s: Collection, e: HoldProposed) -> Collection:
    asked_for = s.asked_for.add(e.hold, True)
    return attrs.evolve(_proposed(s, e, reference("hold", e.hold)), asked_for=asked_for)


def _held(s: Collection, e: CollectionHeld) -> Collection:
    proposed = _without(s, reference("hold", e.hold))
    holds = s.holds.add(e.hold, e)
    return attrs.evolve(s, household=e.household, holds=holds, proposed=proposed)


def _hold_rejected(s: Collection, e: HoldRejected) -> Collection:
    return attrs.evolve(s, proposed=_without(s, reference("hold", e.hold)))


def _released(s: Collection, e: HoldReleased) -> Collection:
    return attrs.evolve(s, released=s.released.add(e.hold, e.on))


def _proposed(s: Collection, e: StepProposed | HoldProposed, number: str) -> Collection:
    return attrs.evolve(s, household=e.household, proposed={**s.proposed, number: e})


def _without(s: Collection, number: str) -> Mapping[str, StepProposed | HoldProposed]:
    """What is proposed, without what is decided or void."""
    return {other: found for other, found in s.proposed.items() if other != number}


evolve: Evolve = by_event(
    {
        CollectionOpened: _case_opened,
        CollectionGradeChanged: _changed,
        CollectionClosed: _closed,
        StepOpened: _step_opened,
        StepProposed: _step_proposed,
        StepApproved: _approved,
        StepRejected: _step_rejected,
        StepReported: _reported,
        StepDone: _done,
        StepSkipped: _skipped,
        DefectsChecked: _defects_checked,
        HoldProposed: _hold_proposed,
        CollectionHeld: _held,
        HoldRejected: _hold_rejected,
        HoldReleased: _released,
    }
)
