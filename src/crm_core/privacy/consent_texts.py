"""The texts that people agree to, version by version: what was shown is never in doubt (PRV-05).

A text is the company's own, the same for everybody, and stays readable for ever (PIPL, art. 14, 17,
69). A version that changes purpose, kinds of data or ways of handling needs consents anew.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import attrs

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.canonical import digest_of
from crm_core.kernel.catalog import EventType
from crm_core.kernel.commands import DayAhead, Id, looked_up
from crm_core.kernel.decider import Decider, Decision, Refusal, by_command, by_event
from crm_core.kernel.growing import EMPTY, GrowingMap
from crm_core.kernel.recorded import Actor
from crm_core.kernel.refusals import unknown
from crm_core.kernel.values import define, frozen
from crm_core.privacy.purposes import CONSENT, PurposesPolicy

# --- events ----------------------------------------------------------------------------------


@frozen
class ConsentTextPublished:
    """From a day on, people are shown this text before they agree to a purpose.

    Args:
        anew: Whether consents to earlier versions carry nothing from that day on (PIPL, art. 14).
        digest: Of the purpose, the version and the text in both languages.
        since: The first day on which it is shown.
        version: From 1; each is one above the one before.
    """

    anew: bool
    digest: str
    en: str
    published_by: str
    purpose: str
    since: date
    version: int
    zh: str


EVENTS = (EventType("privacy.consent_text_published", 1, ConsentTextPublished),)


# --- state -----------------------------------------------------------------------------------


@define
class ConsentTexts:
    """The texts of one purpose, by version."""

    versions: GrowingMap[int, ConsentTextPublished] = EMPTY

    def shown(self, version: int, day: date) -> bool:
        """Whether that version was the one shown on a day."""
        text = self.versions.get(version)
        if text is None or text.since > day:
            return False
        following = self.versions.get(version + 1)
        return following is None or following.since >= day

    def least(self, day: date) -> int:
        """The earliest version that still carries a use on a day."""
        anew = [t.version for t in self.versions.values() if t.anew and t.since <= day]
        return max(anew, default=1)


# --- commands --------------------------------------------------------------------------------


@frozen
class PublishConsentText:
    """Publish the next version of the text that people agree to for a purpose.

    Args:
        purpose: One that a consent carries.
        version: One above the last.
        since: The first day on which it is shown; not before the version it follows.
        anew: Whether it changes so much that everybody is asked again.
        zh: The text in Chinese.
        en: The text in English; empty where none is shown.
    """

    purpose: Id
    version: int
    since: DayAhead
    zh: str
    en: str = ""
    anew: bool = False
    by: Actor = looked_up()
    policy: PurposesPolicy = looked_up()


# --- decisions -------------------------------------------------------------------------------


def text_digest(purpose: str, version: int, zh: str, en: str) -> str:
    """What stands for a text in every consent to it."""
    return digest_of({"en": en, "purpose": purpose, "version": version, "zh": zh})


def _publish(command: PublishConsentText, state: ConsentTexts) -> Decision:
    purposes = command.policy.purposes
    purpose = purposes.get(command.purpose)
    if purpose is None:
        return unknown("purpose", command.purpose, tuple(purposes), rule="PRV-05")
    if purpose.basis != CONSENT:
        details = {"purpose": command.purpose, "basis": purpose.basis}
        return Refusal("consent_not_needed", "PRV-05", details)
    if not command.zh.strip():
        return Refusal("text_missing", "PRV-05")
    digest = text_digest(command.purpose, command.version, command.zh, command.en)
    known = state.versions.get(command.version)
    if known is not None:
        same = (known.digest, known.since, known.anew) == (digest, command.since, command.anew)
        shown = {"purpose": command.purpose, "version": command.version}
        return () if same else Refusal("text_published", "PRV-05", shown)
    following = len(state.versions) + 1
    if command.version != following:
        return Refusal("version_out_of_turn", "PRV-05", {"next": following})
    before = state.versions.get(following - 1)
    if before is not None and command.since < before.since:
        return Refusal(
            "too_early", "PRV-05", {"earliest": before.since.isoformat()}, "too_early_text"
        )
    return (
        ConsentTextPublished(
            anew=command.anew,
            digest=digest,
            en=command.en,
            published_by=command.by.id,
            purpose=command.purpose,
            since=command.since,
            version=command.version,
            zh=command.zh,
        ),
    )


_DECIDE: dict[type, Any] = {PublishConsentText: _publish}

CONSENT_TEXTS = Aggregate(
    Decider(
        "consent-text",
        ConsentTexts(),
        by_command(_DECIDE),
        by_event(
            {
                ConsentTextPublished: lambda state, e: attrs.evolve(
                    state, versions=state.versions.add(e.version, e)
                )
            }
        ),
    ),
    tuple(_DECIDE),
    lambda command: command.purpose,
    lambda _: "",
    needs_file=False,
)
