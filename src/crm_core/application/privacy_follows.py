"""What follows elsewhere from what persons say about their data (PRV-05, PRV-09, GRD-13)."""

from __future__ import annotations

from typing import Any

from crm_core.gradings.commands import RefuseAutomatic
from crm_core.kernel.recorded import Recorded
from crm_core.kernel.slice import Reaction
from crm_core.kernel.word import Word
from crm_core.messages.commands import WithholdRefused
from crm_core.privacy.consent import ConsentWithdrawn, WithdrawConsent
from crm_core.privacy.rights import AUTOMATIC, SELF, RightAsked


def _withheld(recorded: Recorded[ConsentWithdrawn]) -> tuple[Any, ...]:
    """What waits to be sent for the purpose is not sent any more."""
    said = recorded.event
    return (WithholdRefused(said.household, said.member, said.purpose),)


def _objected(recorded: Recorded[RightAsked]) -> tuple[Any, ...]:
    """An objection takes effect at once: what is left of the case is to answer the person.

    To decisions by rule alone it is the refusal that a grading knows; to a purpose it withdraws
    what carries it. What nobody can refuse, people answer.
    """
    asked = recorded.event
    if not asked.at_once:
        return ()
    # The case is the evidence, whoever entered it.
    word = asked.word or Word(asked.asker, "app", asked.case)
    if asked.about == AUTOMATIC:
        return (RefuseAutomatic(asked.household, asked.on, word),)
    return (
        WithdrawConsent(
            household=asked.household,
            member=asked.member,
            purpose=asked.about,
            said_at=asked.asked_at,
            # Of a guardian or relative the case says who they are.
            word=word if asked.relation == SELF else None,
        ),
    )


REACTIONS: dict[type, Reaction] = {ConsentWithdrawn: _withheld, RightAsked: _objected}
