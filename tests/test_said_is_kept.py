"""What somebody says with a command stands in what follows from it, word for word."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.decider import Refusal
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
