"""The facts a grading may see: a closed list about dealings, never about status (GRD-15).

Facts are gathered from what the other slices publish, up to a cut-off, for one household at a
time. Each comes with the log positions it was read from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, NamedTuple

from attrs import fields

from crm_core.gradings.matters import Matters
from crm_core.gradings.reading import Reading
from crm_core.kernel.dates import Period, local_date
from crm_core.kernel.recorded import Cutoff, KnownEvent
from crm_core.kernel.rules import Value
from crm_core.kernel.values import frozen
from crm_core.kernel.voiding import Voids, standing
from crm_core.opinions.facts import FACT_NAMES as OPINIONS
from crm_core.opinions.facts import OpinionRecorded, OpinionWithdrawn
from crm_core.owners.facts import FACT_NAMES as OWNERS
from crm_core.owners.facts import (
    TENURE_NAMES,
    TENURES,
    ConductConfirmed,
    InterestRecorded,
    tenures,
)
from crm_core.owners.facts import VOID_NAMES as FILE_VOID_NAMES
from crm_core.owners.facts import VOIDS as FILE_VOIDS
from crm_core.payments.facts import FACT_NAMES as PAYMENTS
from crm_core.payments.facts import (
    REFUND,
    CreditPolicy,
    CreditStanding,
    Epochs,
    Ledger,
    PurchaseMade,
    PurchaseRefunded,
    course,
    credit_standing,
    ledgers,
)
from crm_core.payments.facts import VOID_NAMES as ACCOUNT_VOID_NAMES
from crm_core.payments.facts import VOIDS as ACCOUNT_VOIDS
from crm_core.requests.facts import FACT_NAMES as REQUESTS
from crm_core.requests.facts import VOID_NAMES as REQUEST_VOID_NAMES
from crm_core.requests.facts import VOIDS as REQUEST_VOIDS
from crm_core.requests.facts import (
    DuplicateUndone,
    MarkedDuplicate,
    Reclassified,
    RequestReceived,
)


@frozen
class Facts:
    """What is known of a household's dealings in the window (GRD-01).

    Args:
        attention: Distinct matters raised: requests other than repairs as they stand classified
            now, forum threads of known authors, comments of surveys answered by name and
            attendances of meetings; duplicates and follow-ups once.
        b2_entries: How often B2 or worse was entered.
        charges_due: Charges due in the window; none means *insufficient* (GRD-12).
        complaints: How many of the matters are complaints, as they stand classified now.
        conduct: Confirmed bad records and disturbances.
        credit: Credit grade on the last day.
        interests: Interests kept with consent.
        overdue_days: Days since the oldest unpaid overdue charge was due.
        overdue_fen: Unpaid principal of overdue charges.
        previous_purchases_fen: Purchases less refunds in the window before.
        purchases_fen: Purchases less refunds in the window.
        worst_credit: Worst credit grade on any day.
    """

    attention: int
    b2_entries: int
    charges_due: int
    complaints: int
    conduct: int
    credit: str
    interests: int
    overdue_days: int
    overdue_fen: int
    previous_purchases_fen: int
    purchases_fen: int
    worst_credit: str

    def values(self) -> dict[str, Value]:
        """The facts by name, for decision tables."""
        return {name: getattr(self, name) for name in _NAMES}


_NAMES = tuple(field.name for field in fields(Facts))

NEEDS: Mapping[str, str] = {
    "attention": "one of the method's three criteria (GRD-01), and half of the type (GRD-02)",
    "b2_entries": "a hard fact without which nobody is a problem customer (GRD-02)",
    "charges_due": "without a charge there is too little to grade on (GRD-12)",
    "complaints": "without four of them nobody is a problem customer (GRD-02)",
    "conduct": "a hard fact without which nobody is a problem customer (GRD-02)",
    "credit": "one of the method's three criteria (GRD-01, GRD-03)",
    "interests": "makes a good prospect, with consent (GRD-02)",
    "overdue_days": "says in an explanation where the credit grade comes from (GRD-07)",
    "overdue_fen": "says in an explanation where the credit grade comes from (GRD-07)",
    "previous_purchases_fen": "tells purchases that grow from others (GRD-02)",
    "purchases_fen": "one of the method's three criteria (GRD-01, GRD-03)",
    "worst_credit": "a hard fact (GRD-02), and a condition of the top layer (GRD-03)",
}
"""Why each fact is needed; what is not needed is no fact (PIPL, art. 6)."""

MEASURES = frozenset(
    {"attention", "complaints", "interests", "previous_purchases_fen", "purchases_fen"}
)
"""Facts by which the rule suggests a type; none of them is a hard fact (GRD-02)."""


@frozen
class Evidence:
    """Log positions behind the facts.

    Args:
        attention: Receipts of the requests and opinions by which the matters count.
        complaints: Those of them that are complaints; the others are opinions and suggestions.
        conduct: Confirmations.
        credit: Charges and settlements that the credit grades of the window follow from.
        interests: Interests.
        previous_purchases: Purchases and refunds of the window before.
        purchases: Purchases and refunds of the window.
    """

    attention: tuple[int, ...]
    complaints: tuple[int, ...]
    conduct: tuple[int, ...]
    credit: tuple[int, ...]
    interests: tuple[int, ...]
    previous_purchases: tuple[int, ...]
    purchases: tuple[int, ...]

    def of(self, fact: str) -> tuple[int, ...]:
        """Positions behind a fact, or behind one derived from it."""
        return tuple(sorted({p for name in _SOURCES[fact] for p in getattr(self, name)}))


_SOURCES: Mapping[str, tuple[str, ...]] = {
    "attention": ("attention",),
    "attention_level": ("attention",),
    "b2_entries": ("credit",),
    "charges_due": ("credit",),
    "complaints": ("complaints",),
    "conduct": ("conduct",),
    "credit": ("credit",),
    "interests": ("interests",),
    "overdue_days": ("credit",),
    "overdue_fen": ("credit",),
    "previous_purchases_fen": ("previous_purchases",),
    "prospect": ("purchases", "previous_purchases", "interests"),
    "purchases_fen": ("purchases",),
    "type": (
        "attention",
        "complaints",
        "conduct",
        "credit",
        "interests",
        "previous_purchases",
        "purchases",
    ),
    "worst_credit": ("credit",),
}

_BESIDE_THE_ACCOUNT = {
    RequestReceived,
    MarkedDuplicate,
    DuplicateUndone,
    Reclassified,
    InterestRecorded,
    ConductConfirmed,
    OpinionRecorded,
    OpinionWithdrawn,
    PurchaseMade,
    PurchaseRefunded,
}

VOIDS: Voids = {**FILE_VOIDS, **ACCOUNT_VOIDS, **REQUEST_VOIDS}
"""What takes back which facts, as if they had never been (IMP-01)."""

EVENT_NAMES = (
    OPINIONS
    | OWNERS
    | PAYMENTS
    | REQUESTS
    | TENURE_NAMES
    | FILE_VOID_NAMES
    | ACCOUNT_VOID_NAMES
    | REQUEST_VOID_NAMES
)
"""Stored names of the events that facts are read from: what the slices publish, and no more.

Those of tenures are no facts: they say whose dealings the facts of a day are (PAY-16).
"""


def opinion_key(number: str) -> str:
    """What an opinion is called among the matters: no request is called so."""
    return f"opinion/{number}"


class Read(NamedTuple):
    """What was read of one household.

    Args:
        tenure: Key of the tenure whose dealings they are (`crm_core.kernel.tenures`).
    """

    facts: Facts
    evidence: Evidence
    tenure: str


def gather(
    told: Iterable[KnownEvent],
    window: Period,
    cutoff: Cutoff,
    credit: CreditPolicy,
    zone: str,
    reading: Reading,
    by: Epochs = (),
) -> Read:
    """The facts of one household as known at the cut-off, with their evidence.

    They are those of the tenure on the last day of the window; nothing of another one is seen
    (PAY-16).

    Args:
        told: Facts that concern the household, in the order of the log; others do no harm.
        window: The days graded.
        credit: The table that turns arrears into grades.
        zone: Zone in which instants fall on days.
        reading: Which events count how (GRD-08).
        by: By which policies the money of the account is allocated (PAY-02).
    """
    start, end = window.start, window.end
    before = window.before()
    account: list[tuple[Any, int]] = []
    raised = Matters[str, str](reading.no_matters)
    purchases: list[tuple[int, int]] = []
    previous: list[tuple[int, int]] = []
    interests: list[int] = []
    conduct: list[int] = []
    limit, known = cutoff.position, cutoff.known
    told = standing([f for f in told if f[0] <= limit and f[1] <= known], VOIDS)
    held = tenures([event for _, _, event in told if type(event) in TENURES])
    mine = held.index(end)
    alone = len(held.every) == 1
    for position, _, event in told:
        kind = type(event)
        if kind not in _BESIDE_THE_ACCOUNT:
            account.append((event, position))
        elif kind is PurchaseMade or kind is PurchaseRefunded:
            fen = event.amount_fen if kind is PurchaseMade else -event.amount_fen
            if not alone and held.index(event.on) != mine:
                continue
            if start <= event.on <= end:
                purchases.append((position, fen))
            elif event.on in before:
                previous.append((position, fen))
        elif kind is RequestReceived:
            day = local_date(event.received_at, zone)
            raised.received(
                event.request,
                position,
                kind=event.kind,
                came=(0, event.received_at),
                within=day in window and (alone or held.index(day) == mine),
                follows=event.follows,
            )
        elif kind is Reclassified:
            raised.classified(event.request, event.kind)
        elif kind is MarkedDuplicate:
            raised.marked(event.request, event.of)
        elif kind is DuplicateUndone:
            raised.unmarked(event.request)
        elif kind is OpinionRecorded:
            raised.received(
                opinion_key(event.opinion),
                position,
                kind=event.source,
                came=(1, event.on),
                within=event.source in reading.opinions
                and event.on in window
                and (alone or held.index(event.on) == mine),
                follows=event.about,
            )
        elif kind is OpinionWithdrawn:
            raised.withdrawn(opinion_key(event.opinion))
        elif event.on in window and (alone or held.index(event.on) == mine):
            (interests if kind is InterestRecorded else conduct).append(position)
    ledger = Ledger.of(account, by) if alone else ledgers(account, held, by)[mine]
    over = course(ledger, window, credit)
    # Whoever ends with the best grade owes nothing that is due.
    best = over.last == credit.buckets[0].grade
    now = CreditStanding(over.last, 0, 0, None) if best else credit_standing(ledger, end, credit)
    counted = raised.counted()
    matters = tuple([position for position, _ in counted])
    complaints = tuple([p for p, kind in counted if kind in reading.complaints])
    facts = Facts(
        attention=len(matters),
        b2_entries=over.entered["B2"],
        charges_due=len([c for c in ledger.charges if start <= c.due <= end and c.kind != REFUND]),
        complaints=len(complaints),
        conduct=len(conduct),
        credit=now.grade,
        interests=len(interests),
        overdue_days=now.overdue_days,
        overdue_fen=now.overdue_fen,
        previous_purchases_fen=sum([fen for _, fen in previous]),
        purchases_fen=sum([fen for _, fen in purchases]),
        worst_credit=over.worst,
    )
    evidence = Evidence(
        attention=matters,
        complaints=complaints,
        conduct=tuple(conduct),
        credit=_credit_evidence(ledger, window, over.since),
        interests=tuple(interests),
        previous_purchases=tuple([p for p, _ in previous]),
        purchases=tuple([p for p, _ in purchases]),
    )
    return Read(facts, evidence, held.every[mine].key)


def _credit_evidence(ledger: Ledger, window: Period, since: date | None) -> tuple[int, ...]:
    """Charges due and money moved in the window, and since the oldest arrears it began with."""
    start, end = window.start if since is None else min(window.start, since), window.end
    due = [c for c in ledger.charges if start <= c.due <= end]
    charges = [
        position for c in due for position in (c.position, *ledger.corrected.get(c.number, ()))
    ]
    waivers = [
        position
        for waiver in ledger.waivers
        for position, day in zip(waiver.positions, (waiver.start, waiver.end), strict=False)
        if day is not None and start <= day <= end
    ]
    money = [s.position for s in ledger.settlements if start <= s.effective <= end]
    disputes = [
        position
        for dispute in ledger.disputes
        if dispute.start <= end and (dispute.end is None or start <= dispute.end)
        for position in dispute.positions
    ]
    return tuple(sorted({*charges, *waivers, *money, *disputes}))
