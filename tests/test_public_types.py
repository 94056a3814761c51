"""`st.from_type` gives valid values of every public type (the test kit as a product)."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import crm_core
from crm_core.application.checking import checked
from crm_core.kernel.commands import fields_looked_up
from crm_core.slices import SLICES, catalog
from crm_core.testing.strategies.public import aggregates, public_types, register

register()

COMMANDS = [command for one in aggregates() for command in one.commands]
EVENTS = [kind.cls for kind in catalog().types]
PLAIN = settings(deadline=None, suppress_health_check=list(HealthCheck))


def _name(cls: type) -> str:
    return f"{cls.__module__.removeprefix('crm_core.')}.{cls.__name__}"


@pytest.mark.parametrize("cls", public_types(), ids=_name)
def test_a_value_of_every_public_type_is_drawn(cls: type) -> None:
    @settings(PLAIN, max_examples=5)
    @given(st.from_type(cls))
    def drawn(value: Any) -> None:
        # The state of what has not begun may be of a class of its own.
        assert isinstance(value, cls) or not attrs.has(cls) or cls not in EVENTS + COMMANDS

    drawn()


@pytest.mark.parametrize("cls", COMMANDS, ids=_name)
def test_a_command_that_is_drawn_is_one_a_caller_may_give(cls: type) -> None:
    """By the data standard, and without what the library looks up (OWN-05, LOG-08)."""

    @settings(PLAIN, max_examples=20)
    @given(st.from_type(cls))
    def drawn(command: Any) -> None:
        assert checked(command) is not None
        assert all(getattr(command, name) is None for name in fields_looked_up(cls))

    drawn()


def test_every_kind_of_public_thing_is_among_them() -> None:
    known = set(public_types())
    assert known >= {*COMMANDS, *EVENTS}
    assert known >= {type(one.decider.initial) for one in aggregates()}
    assert known >= {kind.cls for part in SLICES for kind in part.policies} - NOT_SHIPPED
    for name in ("Actor", "Cutoff", "Money", "Period", "Personal", "PolicyBook", "Refusal", "Word"):
        assert getattr(crm_core, name) in known


NOT_SHIPPED = {
    kind.cls
    for part in SLICES
    for kind in part.policies
    if not any(type(one) is kind.cls for one in crm_core.slices.registry().shipped)
}
"""Kinds of policy of which the package has none; a host draws its own."""
