"""What commands about privacy must be told to be decided, and what other slices ask (PRV-05)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import attrs

from crm_core.kernel.dates import local_date
from crm_core.kernel.slice import LookUp, Sight
from crm_core.privacy.consent import CONSENTS, Consents, Use, may_use
from crm_core.privacy.consent_texts import CONSENT_TEXTS, ConsentTexts, PublishConsentText
from crm_core.privacy.decide import ERASING, WHOLE
from crm_core.privacy.events import HouseholdErased, MemberErased, StaffErased
from crm_core.privacy.incidents import (
    DecideSilence,
    ListAffected,
    OpenLeak,
    ReassessLeak,
    RecordAffected,
    RecordOrder,
)
from crm_core.privacy.leak_policy import DEFAULT_LEAKS, LeaksPolicy
from crm_core.privacy.purposes import DEFAULT_PURPOSES, PurposesPolicy
from crm_core.privacy.rights import AskRight, ExtendRight, FulfilRight, RightCase
from crm_core.privacy.rights_policy import DEFAULT_RIGHTS, DELETE, RightsPolicy


def usable(
    sight: Sight, household: str, member: str, purpose: str, on: date, receiver: str = ""
) -> Use:
    """Whether a purpose may be pursued with a member's data on a day: what other slices ask."""
    texts: ConsentTexts = sight.state(CONSENT_TEXTS, purpose)
    return may_use(
        purpose,
        member,
        on,
        consents=sight.state(CONSENTS, household),
        texts=texts,
        policy=sight.policy(PurposesPolicy, DEFAULT_PURPOSES, on),
        receiver=receiver,
    )


def answers(
    sight: Sight, household: str, purposes: Iterable[str], on: date
) -> tuple[frozenset[tuple[str, str]], frozenset[tuple[str, str]]]:
    """Of what members said about purposes: what is barred to them, and what they agreed to.

    Returns:
        Pairs of member and purpose; what nobody said a word about is in neither.
    """
    state: Consents = sight.state(CONSENTS, household)
    said = {(one.member, one.purpose) for one in state.said}
    barred: set[tuple[str, str]] = set()
    agreed: set[tuple[str, str]] = set()
    for member, purpose in said & {(m, p) for m, _ in said for p in purposes}:
        allowed = usable(sight, household, member, purpose, on).allowed
        (agreed if allowed else barred).add((member, purpose))
    return frozenset(barred), frozenset(agreed)


def _with_purposes(command: PublishConsentText, _state: Any, sight: Sight) -> PublishConsentText:
    policy = sight.policy(PurposesPolicy, DEFAULT_PURPOSES, sight.present_day)
    return attrs.evolve(command, policy=policy)


def _with_clocks(command: Any, state: Any, sight: Sight) -> Any:
    """The clocks of the day on which the leak was found, or on which it is judged anew."""
    on = sight.present_day
    if isinstance(command, OpenLeak):
        on = local_date(command.discovered_at, sight.zone)
    return attrs.evolve(command, policy=sight.policy(LeaksPolicy, DEFAULT_LEAKS, on))


def _with_instant(command: Any, _state: Any, sight: Sight) -> Any:
    return attrs.evolve(command, known_at=sight.at)


def _with_terms(command: AskRight, _state: Any, sight: Sight) -> AskRight:
    on = local_date(command.asked_at, sight.zone)
    listed = sight.policy(PurposesPolicy, DEFAULT_PURPOSES, on).purposes
    return attrs.evolve(
        command,
        policy=sight.policy(RightsPolicy, DEFAULT_RIGHTS, on),
        purposes=tuple(listed),
        refusable=tuple(name for name, one in listed.items() if one.can_be_refused),
    )


def _with_pinned_terms(command: ExtendRight, state: RightCase, sight: Sight) -> ExtendRight:
    """The terms by which the case was taken in."""
    asked = state.asked
    if asked is None:
        policy = sight.policy(RightsPolicy, DEFAULT_RIGHTS, sight.present_day)
    else:
        policy = sight.pinned(RightsPolicy, asked.policy)
    return attrs.evolve(command, policy=policy, known_at=sight.at)


def _with_erasure(command: FulfilRight, state: RightCase, sight: Sight) -> FulfilRight:
    """Where the person of a case was erased last, if they were."""
    asked, found = state.asked, None
    if asked is not None and asked.kind == DELETE:
        for position, _, event in sight.known(ERASING, WHOLE):
            if isinstance(event, _ERASED) and asked.member in event.keys:
                found = position
    return attrs.evolve(command, erasure=found)


_ERASED = (HouseholdErased, MemberErased, StaffErased)

LOOK_UPS: dict[type, LookUp] = {
    AskRight: _with_terms,
    DecideSilence: _with_instant,
    ExtendRight: _with_pinned_terms,
    FulfilRight: _with_erasure,
    ListAffected: _with_instant,
    OpenLeak: _with_clocks,
    PublishConsentText: _with_purposes,
    ReassessLeak: _with_clocks,
    RecordAffected: _with_instant,
    RecordOrder: _with_clocks,
}
