"""Clauses of the contract, late charges, acknowledgements in few words; what is booked of them."""

from __future__ import annotations

from datetime import date
from typing import Any

from attrs import evolve
from claiming import WORD, parts
from paying import CLERK, DAILY, JANUARY, MANAGER, cancelled, day

from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.recorded import Actor
from crm_core.payments.commands import (
    AcknowledgeDebt,
    AgreeClause,
    ApproveRate,
    ClaimLateCharge,
    EndClause,
)
from crm_core.payments.events import (
    ClauseAgreed,
    ClauseEnded,
    DebtAcknowledged,
    Instalment,
    LateChargeClaimed,
    PaymentPromised,
    RateApproved,
)
from crm_core.payments.late import LateChargePolicy
from crm_core.slices import shipped

DIRECTOR = Actor("D1", "director")
OFF = shipped().find(LateChargePolicy, "late-charge-off", date(2011, 1, 1))
NAMES = ("late-charge-daily", "late-charge-daily/1", "late-charge-off", "late-charge-off/1")


ONE = parts(("2011-03-31", 100_00))


def promised(
    number: str = "Z1",
    instalments: tuple[Instalment, ...] = ONE,
    on: str = "2011-03-01",
    approved_by: str | None = None,
    replaces: str | None = None,
) -> PaymentPromised:
    return PaymentPromised(
        number, instalments, day(on), "S1", approved_by, replaces, "on the phone", WORD
    )


def acknowledged(
    number: str = "A1", charges: tuple[str, ...] = ("C1",), on: str = "2013-01-31"
) -> DebtAcknowledged:
    return DebtAcknowledged(number, charges, day(on), "letter 7", WORD)


def claimed(
    number: str = "L1",
    of: str = "C1",
    fen: int = 2_00,
    on: str = "2011-03-12",
    policy: PolicyRef = DAILY.ref,
) -> LateChargeClaimed:
    return LateChargeClaimed(number, of, fen, day(on), day("2011-03-31"), policy, "M1")


def acknowledge(number: str = "A1", **other: Any) -> AcknowledgeDebt:
    fields = {"charges": ("C1",), "on": day("2013-01-31"), "document": "letter 7", "word": WORD}
    return AcknowledgeDebt("V1", number, **{**fields, **other})


def claim(number: str = "L1", **other: Any) -> ClaimLateCharge:
    fields = {
        "of": "C1",
        "on": day("2011-03-12"),
        "due": day("2011-03-31"),
        "policy_name": "late-charge-daily",
        "policy": DAILY,
        "by": MANAGER,
    }
    return ClaimLateCharge("V1", number, **{**fields, **other})


def agreed(number: str = "K1", on: str = "2010-01-01", **other: Any) -> ClauseAgreed:
    fields = {
        "subject": "late_charge",
        "policy_name": "late-charge-daily",
        "on": day(on),
        "until": None,
        "document": "contract 12, clause 7",
        "word": WORD,
        "entered_by": "S1",
    }
    return ClauseAgreed(number, **{**fields, **other})


def clause_ended(number: str = "K1", until: str = "2011-02-28") -> ClauseEnded:
    return ClauseEnded(number, day(until), "new contract")


def approved(number: str = "K1", on: str = "2011-03-01") -> RateApproved:
    return RateApproved(number, day(on), "contract of 2009", "D1")


def agree_clause(number: str = "K1", on: str = "2010-01-01", **other: Any) -> AgreeClause:
    fields = {
        "subject": "late_charge",
        "policy_name": "late-charge-daily",
        "on": day(on),
        "document": "contract 12, clause 7",
        "word": WORD,
        "known_policies": NAMES,
        "by": CLERK,
    }
    return AgreeClause("V1", number, **{**fields, **other})


def end_clause(number: str = "K1", until: str = "2011-02-28", **other: Any) -> EndClause:
    return EndClause("V1", number, day(until), **{"reason": "new contract", **other})


def approve_rate(number: str = "K1", on: str = "2011-03-01", **other: Any) -> ApproveRate:
    fields = {"reason": "contract of 2009", "by": DIRECTOR, **other}
    return ApproveRate("V1", number, day(on), **fields)


def dear(rate: int = 300_000, **other: Any) -> LateChargePolicy:
    """3 per mille a day, which is 109.5 % a year, or another rate."""
    return evolve(DAILY, rate=rate, **other)


# --- what is booked and what is refused ------------------------------------------------------

KEPT = agreed()
"""A clause that has held for long."""

AGREED: list[tuple[list[Any], Any, Any]] = [
    ([], agree_clause(), agreed()),
    ([], agree_clause(until=day("2012-12-31")), agreed(until=day("2012-12-31"))),
    ([], agree_clause(until=day("2010-01-01")), agreed(until=day("2010-01-01"))),
    (
        [],
        agree_clause(subject="allocation", policy_name="late-charge-off"),
        agreed(subject="allocation", policy_name="late-charge-off"),
    ),
    # Of another subject it stands beside, and behind one that ended.
    ([agreed(subject="allocation")], agree_clause("K2"), agreed("K2")),
    ([KEPT, clause_ended()], agree_clause("K2", "2011-03-01"), agreed("K2", "2011-03-01")),
    ([KEPT], end_clause(), clause_ended()),
    # Before its first day: it never held.
    ([KEPT], end_clause(until="2009-12-31"), clause_ended(until="2009-12-31")),
    ([KEPT, clause_ended()], end_clause(until="2010-12-31"), clause_ended(until="2010-12-31")),
    ([KEPT], approve_rate(), approved()),
    # 40 days of 0.05 % of 100 yuan.
    ([JANUARY, KEPT], claim(), claimed()),
    ([JANUARY, KEPT], claim(policy_name=None), claimed()),
    ([JANUARY, KEPT, claimed(fen=1_50)], claim("L2"), claimed("L2", fen=50)),
    # What was cancelled was not asked for.
    ([JANUARY, KEPT, claimed(), cancelled("L1")], claim("L2"), claimed("L2")),
    # Days on which no clause holds bear nothing: 1 to 12 March, and 1 to 28 February.
    ([JANUARY, agreed(on="2011-03-01")], claim(), claimed(fen=60)),
    ([JANUARY, KEPT, clause_ended()], claim(), claimed(fen=1_40)),
    # Of two clauses of one policy the days add up.
    ([JANUARY, KEPT, clause_ended(), agreed("K2", "2011-03-01")], claim(), claimed()),
    # Of two policies the latest counts, unless the other is named.
    (
        [JANUARY, KEPT, clause_ended(), agreed("K2", "2011-03-01", policy_name="late-charge-off")],
        claim(),
        claimed(fen=1_40),
    ),
    # Above the ceiling, and approved: 40 days of 0.3 %.
    ([JANUARY, KEPT, approved()], claim(policy=dear()), claimed(fen=12_00)),
    # What another policy came to counts against the cap.
    (
        [JANUARY, KEPT, claimed(fen=29_00, policy=OFF.ref)],
        claim("L2"),
        claimed("L2", fen=1_00),
    ),
    ([JANUARY], acknowledge(), acknowledged()),
]

AGREED_REFUSED: list[tuple[list[Any], Any, str, str]] = [
    ([KEPT], agree_clause(), "clause_exists", "PAY-01"),
    ([KEPT, clause_ended()], agree_clause(), "clause_exists", "PAY-01"),
    ([], agree_clause(subject="discount"), "unknown_clause_subject", "PAY-08"),
    ([], agree_clause(policy_name="late-charge-weekly"), "unknown_clause_policy", "PAY-08"),
    (
        [],
        agree_clause(subject="allocation", known_policies=()),
        "unknown_clause_policy",
        "PAY-08",
    ),
    ([], agree_clause(document=""), "document_missing", "PAY-08"),
    ([], agree_clause(until=day("2009-12-31")), "clause_ends_early", "PAY-08"),
    ([KEPT], agree_clause("K2", "2012-01-01"), "clause_overlaps", "PAY-08"),
    ([agreed(on="2012-01-01")], agree_clause("K2"), "clause_overlaps", "PAY-08"),
    ([KEPT, clause_ended()], agree_clause("K2", "2011-02-28"), "clause_overlaps", "PAY-08"),
    ([], end_clause(), "unknown_clause", "PAY-01"),
    ([KEPT], end_clause(reason=""), "reason_missing", "LOG-06"),
    ([KEPT, clause_ended()], end_clause(), "clause_over", "PAY-08"),
    ([KEPT, clause_ended()], end_clause(until="2011-03-31"), "clause_over", "PAY-08"),
    ([], approve_rate(), "unknown_clause", "PAY-01"),
    ([agreed(subject="allocation")], approve_rate(), "unknown_clause", "PAY-01"),
    ([KEPT], approve_rate(reason=""), "reason_missing", "LOG-06"),
    ([KEPT, approved()], approve_rate(), "rate_approved", "PAY-08"),
    ([], claim(), "unknown_charge", "PAY-01"),
    ([JANUARY, KEPT, cancelled()], claim(), "unknown_charge", "PAY-01"),
    ([JANUARY, KEPT, claimed()], claim(), "charge_exists", "PAY-01"),
    ([JANUARY, KEPT], claim("C1"), "charge_exists", "PAY-01"),
    ([JANUARY, KEPT], claim(due=day("2011-03-11")), "late_charge_due_early", "PAY-08"),
    ([JANUARY], claim(), "clause_missing", "PAY-08"),
    ([JANUARY, agreed(on="2011-03-13")], claim(), "clause_missing", "PAY-08"),
    ([JANUARY, KEPT, clause_ended(until="2011-01-31")], claim(), "clause_missing", "PAY-08"),
    ([JANUARY, KEPT, clause_ended(until="2009-12-31")], claim(), "clause_missing", "PAY-08"),
    ([JANUARY, agreed(subject="allocation")], claim(), "clause_missing", "PAY-08"),
    (
        [JANUARY, KEPT],
        claim(policy_name="late-charge-off", policy=None),
        "clause_of_another_policy",
        "PAY-08",
    ),
    (
        [JANUARY, agreed(policy_name="late-charge-off")],
        claim(policy_name=None, policy=OFF),
        "no_late_charge",
        "PAY-08",
    ),
    ([JANUARY, KEPT, claimed()], claim("L2"), "no_late_charge", "PAY-08"),
    ([JANUARY, KEPT, claimed(fen=30_00, policy=OFF.ref)], claim("L2"), "no_late_charge", "PAY-08"),
    ([JANUARY, KEPT], claim(policy=dear()), "rate_above_ceiling", "PAY-08"),
    # Approved from the day after.
    (
        [JANUARY, KEPT, approved(on="2011-03-13")],
        claim(policy=dear()),
        "rate_above_ceiling",
        "PAY-08",
    ),
    # Approved was another clause.
    (
        [JANUARY, KEPT, clause_ended(), approved(), agreed("K2", "2011-03-01")],
        claim(policy=dear()),
        "rate_above_ceiling",
        "PAY-08",
    ),
    ([JANUARY, KEPT], claim(policy=dear(1, ceilings=())), "ceiling_unknown", "PAY-08"),
    ([JANUARY, acknowledged()], acknowledge(), "acknowledgement_exists", "PAY-01"),
    ([], acknowledge(), "unknown_charge", "PAY-01"),
    ([JANUARY], acknowledge(document=""), "document_missing", "PAY-12"),
    ([JANUARY], acknowledge(charges=()), "document_missing", "PAY-12"),
]
