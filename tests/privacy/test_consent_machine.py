"""In whatever order people agree, withdraw, are asked late and are written to: nothing is done with
their data after they said no, or after what they said has ended (PRV-05, research L5).

The machine remembers what was said in a list of its own, and finds by going through it whether a
member may be written to. `--long` plays 100,000 steps (`nox -s consents`).
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from consenting import (
    CLERK,
    MANAGER,
    MOVED_IN,
    OWNER,
    TENANT,
    TEXT,
    household,
    marketing_book,
)
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from crm_adapters import open_crm
from crm_core import Actor, Refused
from crm_core.kernel.dates import local_date
from crm_core.kernel.word import Word
from crm_core.messages import MESSAGES, message_id
from crm_core.messages.commands import (
    ChangePreference,
    QueueMessage,
    RecordFailure,
    ReleaseMessage,
)
from crm_core.messages.events import MessageReleased, MessageWithheld
from crm_core.privacy import GiveConsent, PublishConsentText, WithdrawConsent

SYSTEM = Actor("crm", "system")
MEMBERS = st.sampled_from((OWNER, TENANT))
PURPOSES = st.sampled_from(("marketing", "care"))
HOURS = st.integers(0, 72)
BACK = st.integers(0, 96)


class Consenting(RuleBasedStateMachine):
    """A household, what its members say, and messages that wait."""

    @initialize()
    def begin(self) -> None:
        self.crm = open_crm("memory:", policies=marketing_book())
        household(self.crm)
        self.said: list[tuple[datetime, bool, str, str, date | None, int]] = []
        self.texts: list[tuple[date, bool]] = []
        self.waiting: dict[str, tuple[str, str]] = {}
        self.preferred: dict[tuple[str, str], bool] = {}
        self.released: list[tuple[str, datetime]] = []
        self.stopped = 0
        self.publish(anew=False)

    def teardown(self) -> None:
        if hasattr(self, "crm"):
            self.crm.close()

    # --- what the machine knows by itself ----------------------------------------------------

    def may_be_told(self, member: str, purpose: str, now: datetime) -> bool | None:
        """Whether the member may be written to; None where nobody said a word about it."""
        today = local_date(now)
        latest: tuple[datetime, bool, date | None, int] | None = None
        for at, yes, who, what, until, version in self.said:
            if (who, what) != (member, purpose) or local_date(at) > today:
                continue
            if latest is None or at > latest[0] or (at == latest[0] and not yes):
                latest = (at, yes, until, version)
        if latest is None:
            return None
        _, yes, until, version = latest
        if not yes:
            return False
        if until is not None and until < today:
            return False
        if purpose == "care":
            return True
        anew = [n for n, (since, much) in enumerate(self.texts, 1) if much and since <= today]
        return version >= max(anew, default=1)

    def was_shown(self, version: int, on: date) -> bool:
        """Whether people were shown that version on a day; on the last one the next one, too."""
        following = self.texts[version : version + 1]
        return self.texts[version - 1][0] <= on and all(on <= since for since, _ in following)

    # --- what happens ------------------------------------------------------------------------

    @rule(hours=HOURS)
    def wait(self, hours: int) -> None:
        self.crm.clock.advance(timedelta(hours=hours, seconds=1))

    @rule(anew=st.booleans())
    def publish(self, anew: bool) -> None:
        if len(self.texts) >= 6:
            return
        since = MOVED_IN if not self.texts else local_date(self.crm.clock.now())
        asked = PublishConsentText("marketing", len(self.texts) + 1, since, TEXT, anew=anew)
        self.crm.do(asked, by=MANAGER)
        self.texts.append((since, anew))

    @rule(
        member=MEMBERS,
        purpose=PURPOSES,
        back=BACK,
        lasts=st.none() | st.integers(0, 5),
        older=st.booleans(),
    )
    def agree(self, member: str, purpose: str, back: int, lasts: int | None, older: bool) -> None:
        at = self.crm.clock.now() - timedelta(hours=back)
        until = None if lasts is None else local_date(at) + timedelta(days=lasts)
        version = 0 if purpose == "care" else max(1, len(self.texts) - older)
        word = Word(member, "phone", "call")
        asked = GiveConsent("V1", member, purpose, version, at, word, until=until)
        if purpose == "marketing" and not self.was_shown(version, local_date(at)):
            with pytest.raises(Refused) as refused:
                self.crm.do(asked, by=CLERK)
            assert refused.value.reason == "text_not_shown"
        elif self.crm.do(asked, by=CLERK).events:
            self.said.append((at, True, member, purpose, until, version))

    @rule(member=MEMBERS, purpose=PURPOSES, back=BACK, told=st.booleans())
    def withdraw(self, member: str, purpose: str, back: int, told: bool) -> None:
        at = self.crm.clock.now() - timedelta(hours=back)
        word = Word(member, "phone", "call") if told else None
        if self.crm.do(WithdrawConsent("V1", member, purpose, at, word), by=CLERK).events:
            self.said.append((at, False, member, purpose, None, 0))
        # At once: whoever may not be written to now has nothing waiting for them.
        if self.may_be_told(member, purpose, self.crm.clock.now()) is False:
            for message, (who, what) in self.waiting.items():
                if (who, what) == (member, purpose):
                    assert self.status(message) != "waiting"

    @rule(member=MEMBERS, purpose=PURPOSES, allowed=st.booleans())
    def prefer(self, member: str, purpose: str, allowed: bool) -> None:
        word = Word(member, "phone", "call")
        self.crm.do(ChangePreference("V1", member, purpose, allowed, word), by=CLERK)
        self.preferred[member, purpose] = allowed

    @rule(member=MEMBERS, purpose=st.sampled_from(("marketing", "care", "service")))
    def queue(self, member: str, purpose: str) -> None:
        cause = f"cause-{len(self.waiting)}:0"
        template = f"note-{purpose}"
        self.crm.do(QueueMessage("V1", cause, template, recipient=member), by=CLERK)
        self.waiting[message_id(cause, template, member)] = (member, purpose)

    @precondition(lambda self: self.waiting)
    @rule(data=st.data(), fails=st.booleans())
    def release(self, data: st.DataObject, fails: bool) -> None:
        message = data.draw(st.sampled_from(list(self.waiting)))
        member, purpose = self.waiting[message]
        now = self.crm.clock.now()
        events = self.crm.do(ReleaseMessage("V1", message), by=SYSTEM).events
        allowed = self.may_be_told(member, purpose, now)
        if any(isinstance(event, MessageReleased) for event in events):
            if purpose != "service":
                # INVARIANT: nothing is used after a withdrawal or an expiry, whatever else is said.
                assert allowed is not False
                assert self.preferred.get((member, purpose)) is not False
                if purpose == "marketing":
                    assert allowed or self.preferred.get((member, purpose))
            if fails:
                attempt = events[0].attempt
                self.crm.do(RecordFailure("V1", message, attempt, "unreachable", True), by=SYSTEM)
        for event in events:
            if isinstance(event, MessageWithheld) and event.reason == "consent_ended":
                # And nothing is kept back that may be sent; the service never is.
                assert purpose != "service"
                assert allowed is False
                self.stopped += 1

    @invariant()
    def answers_are_those_of_the_list(self) -> None:
        if not hasattr(self, "crm"):
            return
        now = self.crm.clock.now()
        for member in (OWNER, TENANT):
            use = self.crm.privacy.may_use("V1", member, "marketing", by=CLERK)
            assert use.allowed == bool(self.may_be_told(member, "marketing", now))
            care = self.crm.privacy.may_use("V1", member, "care", by=CLERK)
            assert care.allowed == (self.may_be_told(member, "care", now) is not False)
            assert self.crm.privacy.may_use("V1", member, "complaint", by=CLERK).allowed

    def status(self, message: str) -> str:
        decider = MESSAGES.decider
        state: Any = self.crm.log.fold("messages/V1", decider.evolve, decider.initial)[0]
        return str(state.status(message).name)


@pytest.mark.rule("PRV-05")
def test_no_use_of_anybody_s_data_outlives_what_they_said(request: pytest.FixtureRequest) -> None:
    long = request.config.getoption("--long")
    run_state_machine_as_test(
        Consenting,
        settings=settings(
            max_examples=2000 if long else 30,
            stateful_step_count=50,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.explicit, Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )
