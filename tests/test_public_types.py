"""`st.from_type` gives valid values of every public type (the test kit as a product)."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import attrs
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import crm_core
from crm_core.application.checking import checked
from crm_core.kernel.commands import fields_looked_up
from crm_core.slices import SLICES, catalog
from crm_core.testing.strategies.pasts import aggregates
from crm_core.testing.strategies.public import public_types, register

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


# --- every variant of every field ----------------------------------------------------------------

DRAWS = 1000

EMPTY = {
    "application.method.MethodPolicy": ("articles",),
    "gradings.policy.GradingPolicy": ("layers", "tables"),
    "gradings.reading.Reading": ("opinions",),
    "gradings.studies.shares.SharesPolicy": ("shares",),
    "kernel.access.AccessPolicy": ("grants", "purposes", "rows_max", "words"),
    "kernel.authority.AuthorityPolicy": ("imports", "roles"),
    "kernel.public_holidays.HolidayNotice": ("off",),
    "messages.policy.MessagePolicy": ("channels", "delays", "purposes"),
    "messages.template.Template": ("texts",),
    "payments.collection.policy.CollectionPolicy": ("steps",),
    "payments.credit.CreditPolicy": ("buckets",),
    "plans.policy.CarePolicy": ("occasions",),
    "privacy.leak_policy.LeaksPolicy": ("minutes", "warn_percents"),
    "privacy.purposes.PurposesPolicy": ("purposes",),
    "privacy.rights_policy.RightsPolicy": ("terms", "warn_days"),
    "requests.greeting.GreetingPolicy": ("words",),
    "requests.sla.SlaPolicy": (
        "arrival_seconds", "calendars", "close_seconds", "promise_seconds", "steps",
    ),
    "surveys.questionnaire.Questionnaire": ("items", "title"),
    "visits.policy.VisitPolicy": ("addresses", "rows", "script", "selections"),
}  # fmt: skip
"""A policy without what it is there to say is none, or is not near one that is shipped."""

SELDOM = {
    "messages.state.Messages": {("sent", "filled")},
    "requests.improvement.Plan": {("ended", "ImprovementEnded")},
    "payments.collection.state.Collection": {("reported", "filled")},
    "plans.state.MaintenancePlan": {
        ("archived", "PlanArchived"), ("guided", "filled"), ("improved", "filled"),
        ("missed", "filled"), ("not_evaluated", "filled"), ("withdrawn", "filled"),
    },
    "privacy.incidents.Leak": {("announced", "filled"), ("closed", "LeakClosed")},
    "privacy.rights.RightCase": {("announced", "filled")},
}  # fmt: skip
"""What is at the end of so long a story that 1,000 draws may not reach it."""

NEVER: dict[str, set[tuple[str, str]]] = {
    **{cls: {(name, "empty") for name in names} for cls, names in EMPTY.items()},
    **SELDOM,
}
"""Variants that are not asked for, by class and field."""

SEALED_AT_REST = {"str"}
"""Of what people typed: an event as it is stored has it sealed, and no history draws it open."""


def variants(hint: Any) -> set[str]:
    """The names of the kinds of values that a field can have."""
    origin, parts = get_origin(hint), get_args(hint)
    if hint is bool:
        return {"True", "False"}
    if origin is Literal:
        return {repr(part) for part in parts}
    if origin is Annotated:
        return variants(parts[0])
    if origin in (Union, UnionType):
        found = set().union(*map(variants, parts))
        return found - SEALED_AT_REST if "Sealed" in found else found
    if origin is tuple and parts[-1:] != (Ellipsis,):
        return {"tuple"}
    kind = origin or hint
    if (
        isinstance(kind, type)
        and issubclass(kind, Collection)
        and not issubclass(kind, str | bytes)
    ):
        return {"empty", "filled"}
    return {getattr(kind, "__name__", "object")}


def variant_of(value: Any, among: set[str]) -> str:
    """Which of them a value is."""
    if repr(value) in among:
        return repr(value)
    if "filled" in among and isinstance(value, Collection) and not isinstance(value, str):
        return "filled" if value else "empty"
    names = [kind.__name__ for kind in type(value).__mro__]
    return next((name for name in names if name in among), names[0])


class Enough(Exception):
    """All of them were drawn: how a run of Hypothesis ends early."""


KEPT = sorted(
    {type(one.decider.initial) for one in aggregates()}
    | {type(one) for one in crm_core.slices.registry().shipped},
    key=_name,
)
"""States and policies: what commands lead to, and what they are decided by."""


@pytest.mark.filterwarnings("ignore:Generating overly large repr")
@pytest.mark.parametrize("cls", [*COMMANDS, *EVENTS, *KEPT], ids=_name)
def test_every_variant_of_every_field_is_drawn(cls: type) -> None:
    """Within 1,000 draws; what is not drawn no property of a host would ever see."""
    hints = get_type_hints(cls, include_extras=True)
    fixed = set(fields_looked_up(cls)) if cls in COMMANDS else set[str]()
    missing = {
        (field.name, variant)
        for field in attrs.fields(cls)
        if field.name not in fixed
        for variant in variants(hints[field.name])
    } - NEVER.get(_name(cls), set())

    @settings(PLAIN, max_examples=DRAWS, phases=[Phase.generate], report_multiple_bugs=False)
    @given(st.from_type(cls))
    def drawn(value: Any) -> None:
        for name, hint in hints.items():
            missing.discard((name, variant_of(getattr(value, name), variants(hint))))
        if not missing:
            raise Enough

    with suppress(Enough):
        drawn()
    assert not missing
