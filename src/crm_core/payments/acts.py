"""What can be done to collect arrears, and the record that it was done.

It stands below account and collection: a ladder is made of acts, and a demand that was made begins
the limitation of charges anew (PAY-10, PAY-12). Name and fields of the event are a storage
contract.
"""

from __future__ import annotations

from datetime import date

from attrs import frozen

BILL, THANKS, SUIT = "bill", "thanks", "legal_action"

ACTS = (
    BILL,
    THANKS,
    "reminder",
    "reason_asked",
    "written_notice",
    "call",
    "visit",
    "plan_offered",
    "formal_demand",
    "two_person_visit",
    "manager_informed",
    "value_added_services_paused",
    "lawyers_letter",
    "mediation",
    SUIT,
    "lease_ended",
)
"""All that can be done to collect arrears; nothing else can be said."""

DEMANDS = ("written_notice", "formal_demand", "lawyers_letter")
"""Acts that ask in writing: they need proof of delivery, and begin limitation anew (PAY-12)."""

EVIDENCE = ("notice", "delivery", "reply", "reason_code", "record", "filing", "lease")

REASONS = (
    "forgotten",
    "away",
    "vacant",
    "short_of_money",
    "unhappy_with_service",
    "disputes_amount",
    "change_of_owner",
    "no_answer",
    "other",
)
"""Why a household has not paid, as told when it was asked."""


@frozen
class Proof:
    """A piece of evidence: what kind, and where it is kept; for a reason code, the code."""

    kind: str
    reference: str


@frozen
class StepDone:
    """A step was done, with its evidence; a demand gives the household until `respond_by`."""

    household: str
    step: int
    act: str
    done_by: str
    charges: tuple[str, ...]
    on: date
    proofs: tuple[Proof, ...]
    respond_by: date | None
