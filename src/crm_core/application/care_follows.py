"""What follows elsewhere from surveys: what was said by name is heard (GRD-02, SUR-01)."""

from __future__ import annotations

from typing import Any

from crm_core.kernel.recorded import Recorded
from crm_core.kernel.slice import Reaction
from crm_core.opinions.commands import RecordOpinion, WithdrawOpinion
from crm_core.surveys.events import AnsweredByName, AnswerWithdrawn


def _answered(recorded: Recorded[AnsweredByName]) -> tuple[Any, ...]:
    """A comment by name is a matter raised; marks alone are none, and nothing anonymous is."""
    said = recorded.event
    if not said.opinion:
        return ()
    return (
        RecordOpinion(
            household=said.household,
            opinion=said.opinion,
            source="survey",
            member=said.member,
            on=said.on,
            reference=said.survey,
        ),
    )


def _withdrawn(recorded: Recorded[AnswerWithdrawn]) -> tuple[Any, ...]:
    said = recorded.event
    if not said.opinion:
        return ()
    return (WithdrawOpinion(said.household, said.opinion, said.on, str(said.reason)),)


REACTIONS: dict[type, Reaction] = {AnsweredByName: _answered, AnswerWithdrawn: _withdrawn}
"""Commands that follow elsewhere, by the event they follow from."""
