"""What holds of a grading once people have had their say (GRD-02, GRD-03, GRD-05, GRD-13).

Nothing a person does replaces what was computed: both stay, side by side, and this module says
which of them holds on a day, and why.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from attrs import frozen

from crm_core.gradings.criteria import AWAITING, COMPUTED, Outcome
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
from crm_core.gradings.state import Act, Gradings
from crm_core.kernel.growing import EMPTY

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


def standing(state: Gradings, run: str, on: date | None = None) -> Standing:
    """What holds of the household's grading of a run.

    Args:
        on: The day, on which an override may have ended; without one none has.

    Raises:
        KeyError: there is no such grading.
    """
    grading = state.by_run[run]
    acts = about(state.acts, run)
    outcome, confirmations, type_confirmed = _confirmed(grading, acts)
    uplift = _uplift(state, run, outcome, acts)
    opened = open_review(acts)
    decided = tuple(act for act in acts if isinstance(act, ReviewDecided))
    override = _override(decided, on)
    layer = outcome.layer
    if uplift is not None:
        layer = uplift.layer
    if override is not None and override.layer is not None:
        layer = override.layer
    return Standing(
        grading=grading,
        outcome=outcome,
        layer=layer,
        type=outcome.type,
        status=_status(state, outcome, confirmations, uplift, override, opened, acts),
        type_confirmed=type_confirmed,
        proposed=open_proposal(acts),
        confirmed_by=tuple(f"{act.role}:{act.confirmed_by}" for act in confirmations),
        uplift=uplift,
        uplift_proposed=open_uplift(state, run),
        override=override,
        review=opened,
        reviews=decided,
        replaced_by=next((act.corrected for act in decided if act.corrected is not None), None),
    )


def untouched(grading: GradingDecided) -> Standing:
    """The standing of a grading about which nobody did anything."""
    return standing(Gradings(EMPTY.add(grading.run, grading)), grading.run)


def about(acts: Iterable[Act], run: str) -> list[Act]:
    """What people did about the grading of one run, in order."""
    return [act for act in acts if getattr(act, "run", None) == run]


def open_review(acts: Iterable[Act]) -> GradingContested | None:
    """The review that waits to be decided, if there is one."""
    opened: GradingContested | None = None
    for act in acts:
        if isinstance(act, GradingContested):
            opened = act
        elif isinstance(act, ReviewDecided):
            opened = None
    return opened


def open_proposal(acts: Iterable[Act]) -> TypeProposed | None:
    """The type that waits to be confirmed, if one does."""
    proposed: TypeProposed | None = None
    for act in acts:
        if isinstance(act, TypeProposed):
            proposed = act
        elif isinstance(act, TypeConfirmed):
            proposed = None
    return proposed


def open_uplift(state: Gradings, run: str) -> UpliftProposed | None:
    """The uplift that waits to be decided, if one does; none waits beyond the next run."""
    if last_run(state) != run:
        return None
    proposed: UpliftProposed | None = None
    for act in about(state.acts, run):
        if isinstance(act, UpliftProposed):
            proposed = act
        elif isinstance(act, LayerUplifted | UpliftRejected):
            proposed = None
    return proposed


def last_run(state: Gradings) -> str:
    """Run of the grading that was decided last."""
    *_, run = state.by_run
    return run


def refuses_automatic(acts: Iterable[Act]) -> bool:
    """Whether the owner takes no decision made by rule alone."""
    refused = False
    for act in acts:
        if isinstance(act, AutomaticRefused):
            refused = True
        elif isinstance(act, AutomaticAccepted):
            refused = False
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


def _confirmed(
    grading: GradingDecided, acts: list[Act]
) -> tuple[Outcome, list[GradingConfirmed], bool]:
    outcome, confirmations, confirmed = grading.outcome, list[GradingConfirmed](), False
    for act in acts:
        if isinstance(act, TypeConfirmed):
            if act.outcome.layer != outcome.layer:
                # They stood for another layer than the one that follows now.
                confirmations = []
            outcome, confirmed = act.outcome, True
        elif isinstance(act, GradingConfirmed):
            confirmations.append(act)
    return outcome, confirmations, confirmed


def _uplift(state: Gradings, run: str, outcome: Outcome, acts: list[Act]) -> LayerUplifted | None:
    if last_run(state) != run:
        return None  # It expired at the next run (GRD-05).
    found = [act for act in acts if isinstance(act, LayerUplifted)]
    return found[-1] if found and found[-1].from_layer == outcome.layer else None


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
    outcome: Outcome,
    confirmations: list[GradingConfirmed],
    uplift: LayerUplifted | None,
    override: ReviewDecided | None,
    opened: GradingContested | None,
    acts: list[Act],
) -> str:
    if opened is not None:
        return CONTESTED
    if override is not None or uplift is not None:
        return OVERRIDDEN
    in_person = (TypeConfirmed, GradingConfirmed, ReviewDecided)
    if refuses_automatic(state.acts) and not any(isinstance(act, in_person) for act in acts):
        return PROVISIONAL
    if outcome.status == AWAITING:
        roles = {act.role for act in confirmations}
        return CONFIRMED if roles >= set(TOP_LAYER_ROLES) else AWAITING
    return CONFIRMED if confirmations else outcome.status
