"""客户分级目录 and 信用等级表: every household with what holds of it on a day (GRD-16, PAY-07)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from crm_core.application.papers.base import (
    EVERYBODY,
    SIGNED,
    Ask,
    Filled,
    Paper,
    line,
    printed,
    stamp,
)
from crm_core.application.papers.model import (
    APPROVED,
    DRAFTED,
    FEN,
    NUMBER,
    REVIEWED,
    SIGN,
    TABLE,
    Line,
    Section,
    Stamp,
)
from crm_core.gradings.decide import YEAR
from crm_core.gradings.policy import LAYERS
from crm_core.gradings.review import Standing
from crm_core.kernel.policy import PolicyRef
from crm_core.payments.credit import DEFAULT_CREDIT, GRADES, CreditPolicy
from crm_core.payments.views import CreditRow

# --- 客户分级目录 --------------------------------------------------------------------------------

_DECIDED = "gradings.decided/1"
_REVIEWS = ("gradings.review_decided/1", "gradings.type_confirmed/1")
_CONFIRMED = "gradings.confirmed/1"
_LAYER = (
    f"{_DECIDED}.outcome.layer",
    "gradings.layer_uplifted/1.layer",
    "gradings.review_decided/1.layer",
)


def _graded(ask: Ask) -> Filled:
    asked = ask.asked
    found = list(ask.sources.gradings.directory(on=asked.on, known=asked.known))
    counts = Counter(now.layer for now in found)
    names = [*LAYERS, *sorted({*counts} - {*LAYERS})]
    refs = {ref for one in found for ref in (one.grading.policy, one.grading.credit_policy)}
    return Filled(
        stamps=_of_gradings(ask, {one.grading.year for one in found}),
        policies=_told(*refs),
        lines={
            "layers": [
                line("", layer=name, households=counts[name]) for name in names if counts[name]
            ],
            "customers": [_graded_line(now) for now in found],
        },
    )


def _graded_line(now: Standing) -> Line:
    grading = now.grading
    return line(
        grading.household,
        household=grading.household,
        layer=now.layer,
        type=now.type,
        grading_status=now.status,
        computed_layer=grading.outcome.layer,
        credit=grading.facts.credit,
        purchases_fen=grading.facts.purchases_fen,
        year=str(grading.year),
    )


def _of_gradings(ask: Ask, years: set[int]) -> Iterator[Stamp]:
    """Computed by who started the run, reviewed by who confirmed a type or decided a review, and
    approved by the director.
    """
    log = ask.sources.host.log
    started = [
        e
        for year in sorted(years)
        for e in log.read(YEAR.stream(str(year)))
        if e.name == "gradings.run_started/1" and ask.knew(e)
    ]
    yield ask.entered(DRAFTED, started)
    said = [e.event for e in ask.events(*_REVIEWS)]
    yield stamp(
        REVIEWED,
        ((e.on, getattr(e, "confirmed_by", "") or getattr(e, "decided_by", "")) for e in said),
    )
    confirmed = [e.event for e in ask.events(_CONFIRMED)]
    yield stamp(APPROVED, ((e.on, e.confirmed_by) for e in confirmed if e.role == "director"))


def _told(*refs: PolicyRef) -> tuple[str, ...]:
    return tuple(sorted(f"{ref} {ref.digest}" for ref in refs))


GRADED_LIST = Paper(
    name="graded-list",
    about=EVERYBODY,
    main="customers",
    stamps={
        DRAFTED: ("gradings.run_started/1@recorded", "gradings.run_started/1@actor"),
        REVIEWED: (
            "gradings.review_decided/1.on",
            "gradings.review_decided/1.decided_by",
            "gradings.type_confirmed/1.on",
            "gradings.type_confirmed/1.confirmed_by",
        ),
        APPROVED: (f"{_CONFIRMED}.on", f"{_CONFIRMED}.confirmed_by"),
    },
    fill=_graded,
    sections=(
        Section(
            "layers",
            TABLE,
            (
                printed("layer", *_LAYER, kind="layer", data="statistic"),
                printed("households", f"{_DECIDED}.household", kind=NUMBER, data="statistic"),
            ),
            key=("layer",),
        ),
        Section(
            "customers",
            TABLE,
            (
                printed("household", f"{_DECIDED}.household", kind=SIGN),
                printed("layer", *_LAYER, kind="layer"),
                printed(
                    "type",
                    f"{_DECIDED}.outcome.type",
                    "gradings.type_confirmed/1.type",
                    kind="type",
                ),
                printed(
                    "grading_status", f"{_DECIDED}.outcome.status", _CONFIRMED + ".role",
                    kind="status",
                ),
                printed("computed_layer", f"{_DECIDED}.outcome.layer", kind="layer"),
                printed("credit", f"{_DECIDED}.facts.credit", kind=SIGN),
                printed("purchases_fen", f"{_DECIDED}.facts.purchases_fen", kind=FEN),
                printed("year", f"{_DECIDED}.year", kind=SIGN),
            ),
            key=("household",),
        ),
    ),
)  # fmt: skip
"""客户分级目录: each household's latest grading of record, as it holds."""

# --- 信用等级表 ----------------------------------------------------------------------------------

_CHARGED = "payments.charge_raised/1"
_PAID = "payments.payment_received/1"
_DISPUTED = "payments.charge_disputed/1"
_REGISTERED = "owners.household_registered/1"
PLACES, OWING = "places", "owing"
_MONEY = (_CHARGED, "payments.charge_corrected/1", "payments.charge_waived/1", _PAID, _DISPUTED)


def _credit(ask: Ask) -> Filled:
    asked, sources = ask.asked, ask.sources
    policy = next((o.partition("=")[2] for o in asked.options if "=" in o), DEFAULT_CREDIT)
    table = sources.host.policies.find(CreditPolicy, policy, asked.on)
    rows = list(
        sources.accounts.credit_table(
            asked.on, known=asked.known, policy=policy, owing=OWING in asked.options
        )
    )
    counts = Counter(row.grade for row in rows)
    return Filled(
        stamps=[ask.entered(DRAFTED, ask.events(*_MONEY))],
        policies=_told(table.ref),
        lines={
            "grades": [line("", credit=grade, households=counts[grade]) for grade in GRADES],
            "customers": [_credit_line(row) for row in rows],
        },
    )


def _credit_line(row: CreditRow) -> Line:
    return line(
        row.household,
        household=row.household,
        estate=row.estate,
        credit=row.grade,
        overdue_days=row.overdue_days,
        overdue_fen=row.overdue_fen,
        disputed_fen=row.disputed_fen,
        worst_credit=row.worst,
        oldest_charge=row.oldest,
        building=row.building,
        unit=row.unit,
        room=row.room,
    )


_OWED = (f"{_CHARGED}.due", f"{_PAID}.paid_on")
_OWED_FEN = (f"{_CHARGED}.amount_fen", f"{_PAID}.amount_fen", "payments.charge_waived/1.amount_fen")

CREDIT_TABLE = Paper(
    name="credit-table",
    about=EVERYBODY,
    main="customers",
    options=(PLACES, OWING, "policy"),
    stamps={DRAFTED: (f"{_PAID}@recorded", f"{_PAID}@actor"), **SIGNED},
    fill=_credit,
    sections=(
        Section(
            "grades",
            TABLE,
            (
                printed("credit", *_OWED, kind=SIGN, data="statistic"),
                printed("households", f"{_REGISTERED}.household", kind=NUMBER, data="statistic"),
            ),
            key=("credit",),
        ),
        Section(
            "customers",
            TABLE,
            (
                printed("household", f"{_REGISTERED}.household", kind=SIGN),
                printed("estate", f"{_REGISTERED}.estate", data="label"),
                printed("credit", *_OWED, kind=SIGN, data="money"),
                printed("overdue_days", *_OWED, kind=NUMBER, data="money"),
                printed("overdue_fen", *_OWED_FEN, kind=FEN),
                printed("disputed_fen", f"{_DISPUTED}.amount_fen", kind=FEN),
                printed("worst_credit", *_OWED, kind=SIGN, data="money"),
                printed("oldest_charge", f"{_CHARGED}.charge", kind=SIGN),
                printed("building", f"{_REGISTERED}.building", option=PLACES),
                printed("unit", f"{_REGISTERED}.unit", option=PLACES),
                printed("room", f"{_REGISTERED}.room", option=PLACES),
            ),
            key=("household",),
        ),
    ),
)
"""信用等级表: what each household's credit is, from what it owes and paid."""
