"""What people decide about a grading, and what holds of it when another run becomes the record.

It shares no code with the library. What people decide belongs to household, tenure and year
(GRD-05, GRD-13), so an act here names those and never a run. How a household stands is told anew,
from the first step to the last, out of the record of its year and everything that was decided.

A later record: the confirmed type, an override, an uplift, a confirmation and an open contest apply
to it. What cannot be applied is a conflict, and does nothing: the type problem without a hard fact,
an override to a layer that the record's policy does not know, an uplift from another layer than the
household now has, a confirmation of another layer. An uplift is over once the next year has a
record. A correction stands while its cut-off lies beyond the record's; else the record includes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

# GRD-03, the best last; nothing is known of a household that is insufficient (GRD-12).
LAYERS = ("small", "ordinary", "main", "important")
CREDITS = ("A", "B1", "B2", "B3", "B4", "B5")
USERS = ("owner", "co_owner", "tenant", "user")

COMPUTED, AWAITING, CONFIRMED = "computed", "awaiting_confirmation", "confirmed"
CONTESTED, OVERRIDDEN, PROVISIONAL = "contested", "overridden", "provisional"

TYPE, OVERRIDE, UPLIFT, CONFIRMATION = "type", "override", "uplift", "confirmation"


@dataclass(frozen=True)
class Graded:
    """What a run, or a correction, says of a household.

    Args:
        layer_of: The layer the household has with each type; GRD-03 asks for the type.
        hard_fact: Whether there is one (GRD-02).
        cutoff: The position up to which it was read.
        layers: Those that its policy knows.
    """

    type: str
    layer_of: Mapping[str, str]
    hard_fact: bool = False
    credit: str = "A"
    cutoff: int = 0
    layers: Sequence[str] = LAYERS

    @property
    def layer(self) -> str:
        return self.layer_of[self.type]


@dataclass(frozen=True)
class Subject:
    """What a decision belongs to."""

    household: str
    tenure: str
    year: int


@dataclass(frozen=True)
class BecameRecord:
    """Another run is the record of a year from now on; it grades this tenure of a household."""

    about: Subject
    run: str
    graded: Graded


@dataclass(frozen=True)
class TypeProposed:
    about: Subject
    type: str
    by: str


@dataclass(frozen=True)
class TypeConfirmed:
    about: Subject
    by: str


@dataclass(frozen=True)
class GradingConfirmed:
    """Somebody confirmed that this is the layer (GRD-03, GRD-13)."""

    about: Subject
    layer: str
    role: str
    by: str


@dataclass(frozen=True)
class UpliftProposed:
    """One layer up, from the one the household has (GRD-05)."""

    about: Subject
    from_layer: str
    by: str


@dataclass(frozen=True)
class UpliftDecided:
    about: Subject
    approved: bool
    by: str


@dataclass(frozen=True)
class Contested:
    about: Subject
    review: str
    by: str


@dataclass(frozen=True)
class ReviewDecided:
    """`upheld`, `corrected` to another grading, or `overridden` with layer and last day.

    `run` is the record that the person looked at.
    """

    about: Subject
    review: str
    result: str
    by: str
    layer: str | None = None
    until: date | None = None
    correction: Graded | None = None
    run: str | None = None


@dataclass(frozen=True)
class AutomaticRefused:
    """An owner refuses a purely automatic decision, for their own tenure."""

    household: str
    tenure: str


@dataclass(frozen=True)
class AutomaticAccepted:
    household: str
    tenure: str


Step = (
    BecameRecord
    | TypeProposed
    | TypeConfirmed
    | GradingConfirmed
    | UpliftProposed
    | UpliftDecided
    | Contested
    | ReviewDecided
    | AutomaticRefused
    | AutomaticAccepted
)


@dataclass(frozen=True)
class Standing:
    """How a household stands: what was computed, what holds, and what could not be applied.

    `computed_layer` and `computed_type` are the record's, or those of a correction that stands; an
    override is shown beside them, never instead of them (GRD-07).
    """

    run: str
    layer: str
    type: str
    status: str
    conflicts: frozenset[str]
    computed_layer: str
    computed_type: str
    adverse_use: bool


@dataclass
class Decided:
    """What people decided about one subject, whatever record there was when they did."""

    type: str | None = None
    confirmations: list[GradingConfirmed] = field(default_factory=list)
    uplift: UpliftProposed | None = None
    open_reviews: list[str] = field(default_factory=list)
    override: ReviewDecided | None = None
    correction: Graded | None = None
    refused: bool = False
    looked_at: set[str | None] = field(default_factory=set)
    """Records that a review was about."""


def belongs(step: Step, about: Subject) -> bool:
    """Whether a step is about it; a refusal is about all years of a tenure."""
    if isinstance(step, AutomaticRefused | AutomaticAccepted):
        return (step.household, step.tenure) == (about.household, about.tenure)
    return step.about == about


def decided(steps: Iterable[Step], about: Subject) -> Decided:
    """What was decided about a subject, step by step; the later replaces the earlier."""
    found = Decided()
    proposed_type: TypeProposed | None = None
    proposed_uplift: UpliftProposed | None = None
    for step in steps:
        if not belongs(step, about):
            continue
        match step:
            case TypeProposed():
                proposed_type = step
            case TypeConfirmed() if proposed_type and proposed_type.by != step.by:
                found.type = proposed_type.type
                proposed_type = None
            case GradingConfirmed():
                # GRD-13: no run removes what people decided; that of another layer stays, too.
                found.confirmations.append(step)
            case UpliftProposed():
                proposed_uplift = step
            case UpliftDecided() if proposed_uplift and proposed_uplift.by != step.by:
                if step.approved:
                    found.uplift = proposed_uplift
                proposed_uplift = None
            case Contested():
                found.open_reviews.append(step.review)
            case ReviewDecided() if step.review in found.open_reviews:
                found.open_reviews.remove(step.review)
                found.looked_at.add(step.run)
                if step.result == "overridden":
                    found.override = step
                elif step.result == "corrected":
                    # GRD-13: the later review says what holds, so that an override is over.
                    found.correction, found.override = step.correction, None
            case AutomaticRefused():
                found.refused = True
            case AutomaticAccepted():
                found.refused = False
    return found


def record_of(steps: Iterable[Step], household: str, year: int) -> BecameRecord | None:
    """What the run of record of a year says of a household: the one that became it last."""
    found = None
    for step in steps:
        if isinstance(step, BecameRecord) and (step.about.household, step.about.year) == (
            household,
            year,
        ):
            found = step
    return found


def standing(steps: Sequence[Step], household: str, year: int, on: date) -> Standing | None:
    """How a household stands on a day for a year: None while the year has no record.

    Only what was decided for the tenure that the record grades is applied.
    """
    record = record_of(steps, household, year)
    if record is None:
        return None
    said = decided(steps, record.about)
    conflicts = set()

    # A correction stands while its cut-off lies beyond the record's; else the record includes it.
    graded = record.graded
    if said.correction is not None and said.correction.cutoff > graded.cutoff:
        graded = said.correction

    # The confirmed type takes the place of the suggested one, and the layer follows it.
    type = graded.type
    if said.type is not None:
        if said.type == "problem" and not graded.hard_fact:
            conflicts.add(TYPE)
        else:
            type = said.type
    layer = graded.layer_of[type]

    # An uplift is one layer, from the layer it was approved from, never from B2 or worse, and until
    # the next year has a record.
    computed = layer
    uplifted = False
    over = record_of(steps, household, year + 1) is not None
    if said.uplift is not None and not over:
        if layer != said.uplift.from_layer or not may_be_uplifted(layer, graded.credit):
            conflicts.add(UPLIFT)
        else:
            layer = LAYERS[LAYERS.index(layer) + 1]
            uplifted = True

    # What was confirmed is a layer as the facts give it: that before an uplift (GRD-05), which has
    # an approver of its own.
    confirming = [one for one in said.confirmations if one.layer == computed]
    if len(confirming) < len(said.confirmations):
        conflicts.add(CONFIRMATION)
    # GRD-13: a person has looked at it who confirmed its type or its layer, or reviewed it.
    in_person = (
        bool(confirming)
        or (said.type is not None and TYPE not in conflicts)
        or graded is said.correction
        or record.run in said.looked_at
    )
    refused = said.refused and not in_person
    status = status_by_confirmation(computed, confirming, refused=refused)
    if uplifted:
        # GRD-05, GRD-07: a person has put another layer beside the computed one.
        status = OVERRIDDEN

    if said.override is not None and is_in_time(said.override, on):
        if said.override.layer not in graded.layers:
            conflicts.add(OVERRIDE)
        else:
            layer, status = said.override.layer, OVERRIDDEN
    if said.open_reviews:
        status = CONTESTED
    return Standing(
        run=record.run,
        layer=layer,
        type=type,
        status=status,
        conflicts=frozenset(conflicts),
        computed_layer=graded.layer,
        computed_type=graded.type,
        adverse_use=status not in (CONTESTED, PROVISIONAL),
    )


def is_in_time(override: ReviewDecided, on: date) -> bool:
    """Whether an override holds on a day; its last day included (GRD-13)."""
    return override.until is None or on <= override.until


def may_be_uplifted(layer: str, credit: str) -> bool:
    """Never from B2 or worse (GRD-05); above the best, and from no layer at all, nothing is up."""
    good = CREDITS.index(credit) < CREDITS.index("B2")
    return good and layer in LAYERS[:-1]


def status_by_confirmation(
    layer: str, confirming: Sequence[GradingConfirmed], *, refused: bool
) -> str:
    """Important waits for the manager and the director, who are two persons (GRD-03, LOG-08).

    What an owner does not want to be decided by a program is provisional until a person confirms it
    (GRD-13).
    """
    if layer == "important":
        pairs = [
            (one.by, other.by)
            for one in confirming
            for other in confirming
            if (one.role, other.role) == ("manager", "director")
            and one.by != other.by
            and one.layer == other.layer == layer
        ]
        if pairs:
            return CONFIRMED
        return PROVISIONAL if refused else AWAITING
    if confirming:
        return CONFIRMED
    return PROVISIONAL if refused else COMPUTED


# --- who may contest ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Held:
    """A member held a role from a day to a day, both included."""

    member: str
    role: str
    since: date
    until: date = date.max


def may_contest(
    roles: Iterable[Held], member: str, year: int, in_tenure: Iterable[date] | None = None
) -> bool:
    """Who held such a role on a day of the graded year within the grading's tenure (GRD-13).

    `in_tenure` are the days of the year that belong to that tenure: all of them if it is not given.
    Whether the role has ended since does not matter; who came after the year's end has nothing to
    contest in it.
    """
    days = days_of(year) if in_tenure is None else in_tenure
    return any(
        held.member == member and held.role in USERS and held.since <= day <= held.until
        for day in days
        if day.year == year
        for held in roles
    )


def may_refuse(roles: Iterable[Held], member: str, on: date) -> bool:
    """Who holds such a role on the day (GRD-13); it then belongs to the tenure of that day."""
    return any(
        held.member == member and held.role in USERS and held.since <= on <= held.until
        for held in roles
    )


def days_of(year: int) -> list[date]:
    """Every day of the calendar year."""
    first = date(year, 1, 1)
    return [first + timedelta(days=n) for n in range((date(year + 1, 1, 1) - first).days)]


def had_a_part(steps: Iterable[Step], about: Subject) -> set[str]:
    """Who may not decide a review of it: whoever decided or entered anything about it (GRD-13)."""
    return {
        step.by
        for step in steps
        if belongs(step, about)
        and isinstance(
            step,
            TypeProposed
            | TypeConfirmed
            | GradingConfirmed
            | UpliftProposed
            | UpliftDecided
            | Contested
            | ReviewDecided,
        )
    }
