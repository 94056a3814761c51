"""What can be done to collect arrears, and the record that it was done.

It stands below account and collection: a ladder is made of acts, and a demand that was made begins
the limitation of charges anew (PAY-10, PAY-12). Name and fields of the event are a storage
contract.
"""

from __future__ import annotations

from datetime import date

from crm_core.kernel.sealed import Text
from crm_core.kernel.values import frozen

BILL, THANKS, SUIT, LEASE_END = "bill", "thanks", "legal_action", "lease_ended"
TWO_PERSONS = "two_person_visit"

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
    TWO_PERSONS,
    "manager_informed",
    "value_added_services_paused",
    "lawyers_letter",
    "mediation",
    SUIT,
    LEASE_END,
)
"""All that can be done to collect arrears; nothing else can be said."""

DEMANDS = ("written_notice", "formal_demand", "lawyers_letter")
"""Acts that ask in writing: they need proof of delivery, and begin limitation anew (PAY-12)."""

DELIVERY = "delivery"

EVIDENCE = ("notice", DELIVERY, "reply", "reason_code", "record", "filing", "lease")

MEANS = ("courier_ems", "registered_mail", "in_person_signed", "notarised", "electronic_receipt")
"""How something can be delivered so that it can be proved afterwards (PAY-10)."""

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
    """A piece of evidence.

    Args:
        kind: One of `EVIDENCE`.
        reference: Its number, or where it is kept; for a reason code, the code.
        on: The day it is of; a delivery has one.
        means: How it was delivered, one of `MEANS`; a delivery has one, nothing else does.
    """

    kind: str
    reference: Text
    on: date | None = None
    means: str = ""


@frozen
class StepDone:
    """A step was done, with its evidence; a demand gives the household until `respond_by`.

    Args:
        confirmed_by: The second member of staff who was there, where a step needs two persons.
        tenure: Key of the tenure whose arrears are collected (PAY-16).
    """

    household: str
    step: int
    act: str
    done_by: str
    charges: tuple[str, ...]
    on: date
    proofs: tuple[Proof, ...]
    respond_by: date | None
    confirmed_by: str | None
    tenure: str
