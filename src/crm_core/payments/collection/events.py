"""What happened in collecting a household's arrears. Names and fields are a storage contract.

`tenure` is the key of the tenure whose arrears they are (PAY-16).
"""

from __future__ import annotations

from datetime import date

from crm_core.kernel.catalog import EventType
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.sealed import Text
from crm_core.kernel.values import frozen
from crm_core.payments.acts import Proof, StepDone


@frozen
class CollectionOpened:
    """Arrears began to be collected, at the step of the ladder of their credit grade (PAY-10)."""

    household: str
    case: int
    grade: str
    policy: PolicyRef
    on: date
    tenure: str


@frozen
class CollectionGradeChanged:
    """The credit grade is another one; the case goes on at its steps of the ladder (PAY-10)."""

    household: str
    grade: str
    policy: PolicyRef
    on: date
    tenure: str


@frozen
class StepOpened:
    """A step of the ladder is to be done by `due`.

    Args:
        needs: Evidence that it is done.
        approver: Role that must approve it first, if one must.
        respond_days: Reasonable period the household is given to pay or to answer (Civil Code,
            art. 944); 0 for none.
        charges: The charges it is about.
        persons: How many members of staff it takes to do it.
    """

    household: str
    step: int
    grade: str
    act: str
    needs: tuple[str, ...]
    approver: str | None
    respond_days: int
    charges: tuple[str, ...]
    on: date
    due: date
    persons: int
    tenure: str


@frozen
class StepProposed:
    """Somebody asked for the approval that a step needs; it is none."""

    household: str
    step: int
    on: date
    proposed_by: str
    tenure: str


@frozen
class StepApproved:
    """Somebody else, in the role that must approve the step, did."""

    household: str
    step: int
    on: date
    proposed_by: str
    approved_by: str
    role: str
    reason: Text
    tenure: str


@frozen
class StepRejected:
    """The approval was refused; the step is still to be done, and can be proposed again."""

    household: str
    step: int
    on: date
    reason: Text
    rejected_by: str
    tenure: str


@frozen
class StepReported:
    """One of two persons reported a step done; it is not done before the other confirms it."""

    household: str
    step: int
    on: date
    proofs: tuple[Proof, ...]
    reported_by: str
    tenure: str


@frozen
class StepSkipped:
    """A step was left out, with a reason, by somebody who may."""

    household: str
    step: int
    on: date
    reason: Text
    skipped_by: str
    tenure: str


@frozen
class DefectsChecked:
    """Whether the company's own service has open defects was looked at (PAY-10)."""

    household: str
    on: date
    open_defects: int
    reference: Text
    checked_by: str
    tenure: str


@frozen
class HoldProposed:
    """Somebody proposed to ask nothing more until the end of `until`; the ladder goes on."""

    household: str
    hold: str
    on: date
    until: date
    reason: Text
    proposed_by: str
    tenure: str


@frozen
class CollectionHeld:
    """Nothing more is asked of the household until the end of `until`, as was decided."""

    household: str
    hold: str
    on: date
    until: date
    reason: Text
    proposed_by: str
    approved_by: str
    tenure: str


@frozen
class HoldRejected:
    """Somebody else decided against a hold."""

    household: str
    hold: str
    on: date
    reason: Text
    rejected_by: str
    tenure: str


@frozen
class HoldReleased:
    """A hold ended before its day."""

    household: str
    hold: str
    on: date
    reason: Text
    tenure: str


@frozen
class CollectionClosed:
    """Nothing is overdue and undisputed any more; steps that were open are void."""

    household: str
    case: int
    on: date
    tenure: str


COLLECTION_EVENTS = (
    EventType("payments.collection_opened", 1, CollectionOpened, effective="on"),
    EventType("payments.collection_grade_changed", 1, CollectionGradeChanged, effective="on"),
    EventType("payments.collection_step_opened", 1, StepOpened, effective="on"),
    EventType("payments.collection_step_proposed", 1, StepProposed, effective="on"),
    EventType("payments.collection_step_approved", 1, StepApproved, effective="on"),
    EventType("payments.collection_step_rejected", 1, StepRejected, effective="on"),
    EventType("payments.collection_step_reported", 1, StepReported, effective="on"),
    EventType("payments.collection_step_done", 1, StepDone, effective="on"),
    EventType("payments.collection_step_skipped", 1, StepSkipped, effective="on"),
    EventType("payments.defects_checked", 1, DefectsChecked, effective="on"),
    EventType("payments.collection_hold_proposed", 1, HoldProposed, effective="on"),
    EventType("payments.collection_held", 1, CollectionHeld, effective="on"),
    EventType("payments.collection_hold_rejected", 1, HoldRejected, effective="on"),
    EventType("payments.collection_hold_released", 1, HoldReleased, effective="on"),
    EventType("payments.collection_closed", 1, CollectionClosed, effective="on"),
)
"""Events of the collection ladder."""
