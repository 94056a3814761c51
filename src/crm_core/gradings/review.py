"""What holds of a grading once people have had their say (GRD-02, GRD-03, GRD-05, GRD-13).

Nothing a person does replaces what was computed: both stay, side by side, and this module says
which of them holds on a day, and why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date

from crm_core.gradings.criteria import AWAITING, COMPUTED, Outcome, assess, table_of
from crm_core.gradings.events import (
    AutomaticAccepted,
    AutomaticRefused,
    GradingConfirmed,
    GradingContested,
    GradingDecided,
    LayerUplifted,
    ReviewDecided,
    TypeConfirmed,
    TypeProposed,
    UpliftProposed,
    UpliftRejected,
)
from crm_core.gradings.facts import MEASURES, Facts
from crm_core.gradings.policy import GRADES, GradingPolicy
from crm_core.gradings.state import Act, Gradings
from crm_core.kernel.growing import EMPTY
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.rules import holds
from crm_core.kernel.values import frozen

CONFIRMED = "confirmed"
CONTESTED = "contested"
OVERRIDDEN = "overridden"
PROVISIONAL = "provisional"

STATUSES = (AWAITING, COMPUTED, CONFIRMED, CONTESTED, OVERRIDDEN, PROVISIONAL)

TOP_LAYER_ROLES = ("manager", "director")
"""Who confirms the top layer: both, two persons (GRD-03). Either may override a grading."""


@frozen
class Standing:
    """What holds of one grading on a day, beside what was computed.

    Args:
        grading: As it was computed; it never changes.
        outcome: What follows from its facts, with the type as people confirmed it.
        layer: Layer that holds.
        type: Type that holds.
        status: `computed`, `awaiting_confirmation`, `confirmed`, `contested`, `overridden` or
            `provisional`.
        type_confirmed: Whether people confirmed the type, or it is a suggestion.
        proposed: The type proposed last, if it waits to be confirmed.
        confirmed_by: Who stands for the grading, as `role:id`.
        uplift: The uplift in force, if one is.
        uplift_proposed: The uplift that waits to be decided, if one does.
        override: The override in force, if one is.
        review: The review that is open, if one is.
        reviews: Reviews decided, oldest first.
        replaced_by: Run of the grading that stands in its place, if it was corrected.
        conflicts: What people decided about the household's year that cannot be applied to this
            grading, by a word for each: `confirmation` (of another layer), `override` (to a layer
            that the policy has not), `type` (*problem* without a hard fact), `uplift` (from another
            layer, or with credit from which there is none).
    """

    grading: GradingDecided
    outcome: Outcome
    layer: str
    type: str
    status: str
    type_confirmed: bool
    proposed: TypeProposed | None
    confirmed_by: tuple[str, ...]
    uplift: LayerUplifted | None
    uplift_proposed: UpliftProposed | None
    override: ReviewDecided | None
    review: GradingContested | None
    reviews: tuple[ReviewDecided, ...]
    replaced_by: str | None
    conflicts: tuple[str, ...] = ()

    @property
    def differs(self) -> bool:
        """Whether another layer or type holds than was computed."""
        computed = self.grading.outcome
        return (self.layer, self.type) != (computed.layer, computed.type)

    @property
    def waits_for(self) -> tuple[str, ...]:
        """What people still have to do, by a word for each.

        `review`, or `type`, `uplift`, `manager`, `director` and `confirmation`. Manager and
        director confirm the top layer, `confirmation` is that of a provisional grading by any of
        the roles that may. While a review is open nothing else is decided.
        """
        if self.review is not None:
            return ("review",)
        found = () if self.proposed is None else ("type",)
        if self.replaced_by is not None:
            return found
        if self.uplift_proposed is not None:
            found = (*found, "uplift")
        provisional = self.status == PROVISIONAL
        if self.status == AWAITING or (provisional and self.outcome.status == AWAITING):
            said = {by.partition(":")[0] for by in self.confirmed_by}
            return (*found, *(role for role in TOP_LAYER_ROLES if role not in said))
        return (*found, "confirmation") if provisional else found


NEVER_LIFTED_FROM = "B2"
"""The best credit grade with which nobody is lifted (GRD-05)."""

FindPolicy = Callable[[PolicyRef], GradingPolicy]
"""Finds the grading policy that a grading pins."""


def standing(
    state: Gradings,
    run: str,
    policy: FindPolicy,
    on: date | None = None,
    *,
    expired: bool = False,
) -> Standing:
    """What holds of the household's grading of a run.

    What people decided belongs to household, tenure and year, whichever run they had before them:
    it is applied to this grading, or said to be in conflict with it (GRD-05, GRD-13).

    Args:
        policy: Finds the policy that the grading pins; asked where people decided something.
        on: The day, on which an override may have ended; without one none has.
        expired: Whether a later year has a run of record: then an uplift holds no more.

    Raises:
        KeyError: there is no such grading.
    """
    grading = state.by_run[run]
    acts = about(state.acts, grading)
    conflicts = list[str]()
    outcome, type_confirmed = _with_type(grading, acts, policy, conflicts)
    confirmations = [a for a in acts if isinstance(a, GradingConfirmed)]
    if any(act.layer != outcome.layer for act in confirmations):
        conflicts.append("confirmation")
        confirmations = [act for act in confirmations if act.layer == outcome.layer]
    uplift = None if expired else _uplift(grading, outcome, acts, conflicts)
    opened = open_review(acts)
    decided = tuple(act for act in acts if isinstance(act, ReviewDecided))
    override = _override(decided, on)
    layer = outcome.layer if uplift is None else uplift.layer
    if override is not None and override.layer is not None:
        if override.layer in policy(grading.policy).layers:
            layer = override.layer
        else:
            conflicts.append("override")
            override = None
    in_person = type_confirmed or bool(confirmations) or any(_is_of(r, run) for r in decided)
    return Standing(
        grading=grading,
        outcome=outcome,
        layer=layer,
        type=outcome.type,
        status=_status(state, grading, outcome, confirmations, uplift, override, opened, in_person),
        type_confirmed=type_confirmed,
        proposed=open_proposal(acts),
        confirmed_by=tuple(f"{act.role}:{act.confirmed_by}" for act in confirmations),
        uplift=uplift,
        uplift_proposed=None if expired else open_uplift(acts),
        override=override,
        review=opened,
        reviews=decided,
        replaced_by=correction(state, grading),
        conflicts=tuple(sorted(conflicts)),
    )


def untouched(grading: GradingDecided) -> Standing:
    """The standing of a grading about which nobody did anything."""
    return standing(Gradings(EMPTY.add(grading.run, grading)), grading.run, _never)


def _never(ref: PolicyRef) -> GradingPolicy:
    raise AssertionError(f"INVARIANT: `{ref}` is not asked for")


def holding(state: Gradings, run: str | None) -> str | None:
    """Run of the grading that holds of a year: of its run of record, or what corrected it.

    Args:
        run: The run of record; None where the year has none.
    """
    grading = None if run is None else state.by_run.get(run)
    if grading is None:
        return None
    return correction(state, grading) or grading.run


def correction(state: Gradings, grading: GradingDecided) -> str | None:
    """Run of the grading that a review put in the place of this one, if one did.

    A correction sees the log as it was then: a run that saw as much includes it.
    """
    found: str | None = None
    for act in about(state.acts, grading):
        corrected = act.corrected if isinstance(act, ReviewDecided) else None
        if corrected is not None and corrected != grading.run and corrected in state.by_run:
            again = state.by_run[corrected]
            if again.cutoff_position > grading.cutoff_position:
                found = corrected
    return found


def about(acts: Iterable[Act], grading: GradingDecided) -> list[Act]:
    """What people did about the household, tenure and year of a grading, in order."""
    year, tenure = grading.year, grading.tenure
    return [act for act in acts if getattr(act, "year", None) == year and act.tenure == tenure]


def open_review(acts: Iterable[Act]) -> GradingContested | None:
    """The review that waits to be decided, if there is one."""
    opened: GradingContested | None = None
    for act in acts:
        if isinstance(act, GradingContested):
            opened = act
        elif isinstance(act, ReviewDecided):
            opened = None
    return opened


def disputes(state: Gradings, year: int) -> list[GradingContested]:
    """The reviews of a year that wait to be decided, of whichever tenure."""
    waiting: dict[str, GradingContested] = {}
    for act in state.acts:
        if isinstance(act, GradingContested) and act.year == year:
            waiting[act.tenure] = act
        elif isinstance(act, ReviewDecided) and act.year == year:
            waiting.pop(act.tenure, None)
    return list(waiting.values())


def open_proposal(acts: Iterable[Act]) -> TypeProposed | None:
    """The type that waits to be confirmed, if one does."""
    proposed: TypeProposed | None = None
    for act in acts:
        if isinstance(act, TypeProposed):
            proposed = act
        elif isinstance(act, TypeConfirmed):
            proposed = None
    return proposed


def open_uplift(acts: Iterable[Act]) -> UpliftProposed | None:
    """The uplift that waits to be decided, if one does."""
    proposed: UpliftProposed | None = None
    for act in acts:
        if isinstance(act, UpliftProposed):
            proposed = act
        elif isinstance(act, LayerUplifted | UpliftRejected):
            proposed = None
    return proposed


def refuses_automatic(acts: Iterable[Act], tenure: str) -> bool:
    """Whether the people of a tenure take no decision made by rule alone."""
    refused = False
    for act in acts:
        if isinstance(act, AutomaticRefused | AutomaticAccepted) and act.tenure == tenure:
            refused = isinstance(act, AutomaticRefused)
    return refused


def persons(grading: GradingDecided, acts: Iterable[Act]) -> set[str]:
    """Everybody who had a part in a grading and so cannot review it."""
    found = {grading.decided_by}
    for act in acts:
        match act:
            case TypeProposed():
                found.add(act.proposed_by)
            case TypeConfirmed() | GradingConfirmed():
                found.add(act.confirmed_by)
            case UpliftProposed():
                found.add(act.proposed_by)
            case LayerUplifted():
                found |= {act.proposed_by, act.approved_by}
            case UpliftRejected():
                found |= {act.proposed_by, act.rejected_by}
            case GradingContested():
                found |= {act.contested_by, act.entered_by}
            case ReviewDecided():
                found.add(act.decided_by)
            case _:
                pass
    return found


def _with_type(
    grading: GradingDecided, acts: list[Act], policy: FindPolicy, conflicts: list[str]
) -> tuple[Outcome, bool]:
    """What follows from the facts with the type as people confirmed it last, if they did."""
    confirmed = [act.type for act in acts if isinstance(act, TypeConfirmed)]
    if not confirmed:
        return grading.outcome, False
    table = policy(grading.policy)
    if confirmed[-1] == "problem" and not has_hard_fact(grading.facts, table):
        conflicts.append("type")
        return grading.outcome, False
    return assess(grading.facts, table, confirmed[-1]).outcome(), True


def has_hard_fact(facts: Facts, policy: GradingPolicy) -> bool:
    """Whether the hard facts of some row for problem customers hold.

    What the rule measures attention, complaints and prospect by, people may see otherwise.
    """
    known = facts.values()
    hard = known.keys() - MEASURES
    table = table_of(policy, "type")
    return any(
        row.outcome == "problem"
        and all(holds(c, known, table.ranking) for c in row.when if c.fact in hard)
        for row in table.rows
    )


def _is_of(review: ReviewDecided, run: str) -> bool:
    """Whether a person looked at this very grading."""
    return run in (review.run, review.corrected)


def _uplift(
    grading: GradingDecided, outcome: Outcome, acts: list[Act], conflicts: list[str]
) -> LayerUplifted | None:
    found = [act for act in acts if isinstance(act, LayerUplifted)]
    if not found:
        return None
    # There is none from B2 or worse (GRD-05), whatever comes to be known later.
    too_low = GRADES.rank(grading.facts.credit) >= GRADES.rank(NEVER_LIFTED_FROM)
    if found[-1].from_layer != outcome.layer or too_low:
        conflicts.append("uplift")
        return None
    return found[-1]


def _override(decided: tuple[ReviewDecided, ...], on: date | None) -> ReviewDecided | None:
    found: ReviewDecided | None = None
    for act in decided:
        if act.result == OVERRIDDEN:
            found = act
        elif act.corrected is not None:
            found = None
    if found is None or found.until is None or on is None:
        return found
    return found if on <= found.until else None


def _status(
    state: Gradings,
    grading: GradingDecided,
    outcome: Outcome,
    confirmations: list[GradingConfirmed],
    uplift: LayerUplifted | None,
    override: ReviewDecided | None,
    opened: GradingContested | None,
    in_person: bool,
) -> str:
    if opened is not None:
        return CONTESTED
    if override is not None or uplift is not None:
        return OVERRIDDEN
    if refuses_automatic(state.acts, grading.tenure) and not in_person:
        return PROVISIONAL
    if outcome.status == AWAITING:
        roles = {act.role for act in confirmations}
        return CONFIRMED if roles >= set(TOP_LAYER_ROLES) else AWAITING
    return CONFIRMED if confirmations else outcome.status
