"""What somebody says with a command stands in what follows from it, word for word."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.decider import Refusal, by_command
from crm_core.testing.strategies.pasts import aggregates, pasts

SAID = {"evidence", "note", "reason", "summary"}
"""Names of what is said of an act; the same in command and event."""


def names(one: Any) -> set[str]:
    return {field.name for field in attrs.fields(type(one))}


@pytest.mark.rule("LOG-06")
@pytest.mark.parametrize("aggregate", aggregates(), ids=lambda one: one.decider.name)
def test_reasons_evidence_and_notes_are_kept_as_they_were_said(aggregate: Aggregate) -> None:
    # Not shrunk: that takes minutes for a history.
    @settings(
        max_examples=20,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(pasts(aggregate))
    def kept(past: Any) -> None:
        for step in past.steps:
            if isinstance(step.decided, Refusal):
                continue
            told = [event for event in step.decided if names(event) & SAID]
            for name in SAID & names(step.command):
                said = getattr(step.command, name)
                having = [event for event in told if name in names(event)]
                if said and having:
                    assert any(getattr(event, name) == said for event in having), (name, step)

    kept()


@pytest.mark.rule("LOG-06")
@pytest.mark.rule("OWN-02")
@pytest.mark.parametrize("aggregate", aggregates(), ids=lambda one: one.decider.name)
def test_what_is_decided_with_a_reason_is_not_decided_without_one(aggregate: Aggregate) -> None:
    """Whatever the slice: neither with an empty one nor with blanks alone."""
    decide = aggregate.decider.decide

    # Not shrunk: that takes minutes for a history.
    @settings(
        max_examples=20,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(pasts(aggregate))
    def said(past: Any) -> None:
        for step in past.steps:
            reason = getattr(attrs.fields(type(step.command)), "reason", None)
            if reason is None or reason.default is not attrs.NOTHING or not step.decided:
                continue
            for blank in ("", " ", "\u3000"):
                decided = decide(attrs.evolve(step.command, reason=blank), step.state)
                if not isinstance(step.decided, Refusal):
                    assert isinstance(decided, Refusal), type(step.command)

    said()


@attrs.frozen
class Ending:
    """A command of no slice, whose rule has forgotten to ask why."""

    what: str
    reason: str


@pytest.mark.rule("LOG-06")
def test_no_slice_can_forget_to_ask_for_a_reason() -> None:
    decide = by_command({Ending: lambda command, _: (command.what,)})
    assert decide(Ending("lease", "sold"), None) == ("lease",)
    for blank in ("", " ", "\u3000"):
        assert decide(Ending("lease", blank), None) == Refusal("reason_missing", "LOG-06")


@pytest.mark.rule("LOG-06")
def test_every_aggregate_decides_by_the_table_that_asks_for_reasons() -> None:
    told = {
        one.decider.decide.__qualname__
        for one in aggregates()
        if any(hasattr(attrs.fields(command), "reason") for command in one.commands)
    }
    assert told == {by_command({}).__qualname__}
