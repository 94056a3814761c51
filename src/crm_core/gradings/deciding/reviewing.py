"""Review: what a household may refuse and dispute, and who decides it (GRD-13)."""

from __future__ import annotations

from collections.abc import Callable

from crm_core.gradings.commands import (
    RESULTS,
    AcceptAutomatic,
    ContestGrading,
    DecideReview,
    RecordGrading,
    RefuseAutomatic,
)
from crm_core.gradings.deciding.recording import record
from crm_core.gradings.deciding.refusals import graded, other_role
from crm_core.gradings.events import (
    AutomaticAccepted,
    AutomaticRefused,
    GradingContested,
    ReviewDecided,
)
from crm_core.gradings.review import (
    OVERRIDDEN,
    TOP_LAYER_ROLES,
    about,
    open_review,
    refuses_automatic,
)
from crm_core.gradings.state import Act, Gradings
from crm_core.kernel.decider import Decision, Refusal
from crm_core.kernel.recorded import HOUSEHOLD_ROLES
from crm_core.kernel.refusals import no_reason


def refuse_automatic(command: RefuseAutomatic, state: Gradings) -> Decision:
    """A member takes no decision made by rule alone."""
    member = _member(command)
    if isinstance(member, Refusal):
        return member
    if refuses_automatic(state.acts, command.tenure):
        return ()
    return (
        AutomaticRefused(
            household=command.household,
            tenure=command.tenure,
            refused_by=member,
            entered_by=command.by.id,
            word=command.word,
            on=command.on,
        ),
    )


def accept_automatic(command: AcceptAutomatic, state: Gradings) -> Decision:
    """A member takes decisions made by rule alone again."""
    member = _member(command)
    if isinstance(member, Refusal):
        return member
    if not refuses_automatic(state.acts, command.tenure):
        return ()
    return (
        AutomaticAccepted(
            household=command.household,
            tenure=command.tenure,
            accepted_by=member,
            entered_by=command.by.id,
            word=command.word,
            on=command.on,
        ),
    )


def contest(command: ContestGrading, state: Gradings) -> Decision:
    """A member disputes a grading, one review at a time."""
    grading = graded(command, state)
    if isinstance(grading, Refusal):
        return grading
    member = _member(command)
    if isinstance(member, Refusal):
        return member
    if not command.reason.strip():
        return no_reason("GRD-13", "contest")
    if contested_as(state, command.review) is not None:
        return Refusal("review_exists", "GRD-13", {"review": command.review})
    if open_review(about(state.acts, grading)) is not None:
        return Refusal("contested_already", "GRD-13")
    return (
        GradingContested(
            household=command.household,
            tenure=grading.tenure,
            year=grading.year,
            run=grading.run,
            review=command.review,
            reason=command.reason,
            contested_by=member,
            entered_by=command.by.id,
            word=command.word,
            on=command.on,
        ),
    )


def contested_as(state: Gradings, review: str) -> GradingContested | None:
    """How the review of that number was opened, if there is one."""
    opened = (act for act in state.acts if isinstance(act, GradingContested))
    return next((act for act in opened if act.review == review), None)


def reviewed(state: Gradings, opened: GradingContested) -> list[Act]:
    """What people did about the household's year that a review is about."""
    return about(state.acts, state.by_run[opened.run])


def decide_review(command: DecideReview, state: Gradings) -> Decision:
    """The grading is upheld, corrected or overridden, with a reason."""
    opened = contested_as(state, command.review)
    if opened is None:
        return Refusal("unknown_review", "GRD-13", {"review": command.review})
    if open_review(reviewed(state, opened)) != opened:
        return Refusal("review_decided", "GRD-13", {"review": command.review})
    if not command.reason.strip():
        return no_reason("GRD-13", "review")
    if command.result not in RESULTS:
        return Refusal(
            "unknown_result", "GRD-13", {"result": command.result, "accepted": list(RESULTS)}
        )
    return _RESULTS[command.result](command, state, opened)


def _member(command: ContestGrading | RefuseAutomatic | AcceptAutomatic) -> str | Refusal:
    """The member whose wish it is: who acts, or whose word a member of staff has entered.

    It is one whom the file names as owner, co-owner or user at the time it is about. A file that
    names nobody lets nobody.
    """
    in_person = command.by.role in HOUSEHOLD_ROLES
    if command.word is None:
        if not in_person:
            return Refusal("word_missing", "GRD-13")
        member = command.by.id
    elif in_person:
        return Refusal("word_of_another", "GRD-13")
    else:
        member = command.word.member
    if member not in (command.members or ()):
        return Refusal("not_the_owner", "GRD-13", {"household": command.household})
    return member


def _upheld(command: DecideReview, _: Gradings, opened: GradingContested) -> Decision:
    return (_reviewed(command, opened),)


def _corrected(command: DecideReview, state: Gradings, opened: GradingContested) -> Decision:
    again, before = command.again, state.by_run[command.run or opened.run]
    if (again.facts, again.outcome) == (before.facts, before.outcome):
        return Refusal("nothing_to_correct", "GRD-13")
    written = record(RecordGrading(again, policy=command.policy), state)
    if isinstance(written, Refusal):
        return written
    return (_reviewed(command, opened, corrected=again.run), *written)


def _overridden(command: DecideReview, _: Gradings, opened: GradingContested) -> Decision:
    layers = command.policy.layers
    if command.layer is None or command.layer not in layers:
        return Refusal(
            "unknown_layer", "GRD-13", {"layer": command.layer or "", "accepted": list(layers)}
        )
    if command.until is None or command.until <= command.on:
        return Refusal("expiry_missing", "GRD-13")
    if command.by.role not in TOP_LAYER_ROLES:
        return other_role(command.by, TOP_LAYER_ROLES, "GRD-13", "role_insufficient_override")
    if command.layer in command.policy.needs_confirmation and command.by.role != "director":
        return other_role(
            command.by, ("director",), "GRD-13", "role_insufficient_director", layer=command.layer
        )
    return (_reviewed(command, opened, layer=command.layer),)


def _reviewed(
    command: DecideReview,
    opened: GradingContested,
    *,
    corrected: str | None = None,
    layer: str | None = None,
) -> ReviewDecided:
    return ReviewDecided(
        household=command.household,
        tenure=opened.tenure,
        year=opened.year,
        run=command.run or opened.run,
        review=command.review,
        result=command.result,
        reason=command.reason,
        decided_by=command.by.id,
        role=command.by.role,
        corrected=corrected,
        layer=layer,
        until=None if layer is None else command.until,
        on=command.on,
    )


_RESULTS: dict[str, Callable[[DecideReview, Gradings, GradingContested], Decision]] = {
    "upheld": _upheld,
    "corrected": _corrected,
    OVERRIDDEN: _overridden,
}
