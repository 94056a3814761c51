"""Which fields of which events hold what somebody typed, found out by typing it.

Commands of whatever history are decided once more with one text replaced by a sentence that is no
id, no code and on no list. Where an event says the sentence, people can say anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import attrs
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from crm_core.application.checking import checked
from crm_core.gradings import ADOPTION, GRADING
from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.commands import as_said, fields_said
from crm_core.kernel.decider import Refusal
from crm_core.kernel.recorded import Actor
from crm_core.messages import MESSAGES
from crm_core.opinions import OPINIONS
from crm_core.owners import HOUSEHOLD
from crm_core.payments import ACCOUNT, COLLECTION
from crm_core.requests import REQUEST
from crm_core.requests.calls import CALL
from crm_core.requests.improvement import PLAN
from crm_core.requests.incidents import (
    INCIDENT,
)
from crm_core.requests.inspections import FINDING
from crm_core.requests.sla import DEFAULT_SLA, SlaPolicy
from crm_core.slices import shipped
from crm_core.staff.awards import STAFF
from crm_core.staff.duty import ROSTER
from crm_core.staff.policy import AwardPolicy
from crm_core.staff.register import REGISTER
from crm_core.testing import strategies as made
from crm_core.testing.strategies.classes import instances

TYPED = "张三 欠 邻居 13800000000"
START = datetime(2024, 3, 4, 1, tzinfo=UTC)
BOSS, CLERK = Actor("B1", "director"), Actor("L1", "specialist")


def typed_fields(examples: int) -> set[tuple[str, str]]:
    """Events by the name of their class, and paths of fields that take any sentence."""
    found: set[tuple[str, str]] = set()
    for aggregate, histories in _histories():

        @settings(
            max_examples=examples,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(histories)
        def tried(history: Any) -> None:
            for step in history.steps:
                said = type(step.command) not in aggregate.inside  # noqa: B023 - called here
                if said and not isinstance(step.decided, Refusal):
                    found.update(_typed_into(step, aggregate))  # noqa: B023 - called here

        tried()
    return found


def _typed_into(step: Any, aggregate: Aggregate) -> Iterator[tuple[str, str]]:
    for other in _with_sentence(step.command):
        if _place(aggregate, other) != _place(aggregate, step.command):
            continue  # What a stream or a household is called by is an id, or is refused.
        try:
            checked(as_said(other))
            decided = aggregate.decider.decide(other, step.state)
        except Exception:  # noqa: BLE001 - looked up for another command; it says nothing
            continue
        for event in () if isinstance(decided, Refusal) else decided:
            for path in _holding(event):
                yield type(event).__name__, path


def _place(aggregate: Aggregate, command: Any) -> tuple[str, str]:
    return aggregate.id_of(command), aggregate.household_of(command)


def _with_sentence(value: Any, only: Iterable[str] | None = None) -> Iterator[Any]:
    """The value with one text after the other replaced."""
    hints = get_type_hints(type(value))
    for name in fields_said(type(value)) if only is None else only:
        inside = getattr(value, name)
        if str in _arms(hints[name]):
            yield attrs.evolve(value, **{name: TYPED})
        elif get_origin(hints[name]) is tuple:
            for at, item in enumerate(inside or ()):
                for other in [TYPED] if isinstance(item, str) else _with_sentence(item):
                    yield attrs.evolve(value, **{name: (*inside[:at], other, *inside[at + 1 :])})
        elif attrs.has(type(inside)):
            for other in _with_sentence(inside):
                yield attrs.evolve(value, **{name: other})


def _arms(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def _holding(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, str):
        if TYPED in value:
            yield path
    elif isinstance(value, tuple):
        for item in value:
            yield from _holding(item, path)
    elif attrs.has(type(value)):
        for field in attrs.fields(type(value)):
            yield from _holding(
                getattr(value, field.name), f"{path}.{field.name}" if path else field.name
            )


# --- histories -----------------------------------------------------------------------------------


def _histories() -> Iterator[tuple[Any, Any]]:
    """For every aggregate to which people say something, its histories."""
    for aggregate, commands, opening in (
        (HOUSEHOLD, made.owner_commands(), made.owner_openings()),
        (OPINIONS, made.opinion_commands(), made.opinion_openings()),
        (ACCOUNT, made.account_commands(), made.account_openings() | made.account_stories()),
        (COLLECTION, made.collection_commands(), made.collection_stories()),
        (GRADING, made.grading_commands(), made.grading_openings()),
        (ADOPTION, made.adoption_commands(), None),
        (MESSAGES, made.message_commands(), made.message_openings()),
        *_others(),
    ):
        yield aggregate, made.histories(aggregate, commands, opening=opening)
    yield REQUEST, made.request_histories()


def _others() -> Iterator[tuple[Any, Any, Any]]:
    day, hour = date(2024, 3, 4), timedelta(hours=1)
    fixed: dict[str, Any] = {
        "by": BOSS,
        "call": "C1",
        "case": "W1",
        "approved": True,
        "baseline_end": date(2024, 2, 1),
        "baseline_start": date(2024, 1, 1),
        "came_at": START,
        "change_per_mille": -200,
        "dimension": "place",
        "end": START + 8 * hour,
        "finding": "F1",
        "incident": "I1",
        "known_at": START + hour,
        "left": (),
        "line": "hotline",
        "metric": "late_share",
        "on_duty": ("S1",),
        "plan": "P1",
        "role": "director",
        "policy": None,
        "refused_there": None,
        "request_unknown": False,
        "responsible": "L1",
        "rings": 1,
        "runs_from": day,
        "runs_to": day,
        "severity": "general",
        "shift": "A",
        "staff": "S1",
        "start": START,
        "stranger": False,
        "strangers": (),
        "supervisor": "B1",
        "trade": "engineering",
        "value": "1",
    }
    policies = {
        "call": shipped().find(SlaPolicy, DEFAULT_SLA, day),
        "staff": shipped().find(AwardPolicy, "award-cn-default", day),
    }
    for aggregate in (CALL, FINDING, INCIDENT, PLAN, STAFF, ROSTER, REGISTER):
        known = {**fixed, "policy": policies.get(aggregate.decider.name)}
        commands = st.one_of(
            *(
                instances(
                    kind,
                    stored=False,
                    **{
                        name: st.just(value)
                        for name, value in known.items()
                        if name in attrs.fields_dict(kind)
                    },
                    **_times(kind, known),
                )
                for kind in aggregate.commands
            )
        )
        yield aggregate, commands, None


def _times(kind: type, known: dict[str, Any]) -> dict[str, Any]:
    """All happens on one day, so that nothing comes too early or too late."""
    day = date(2024, 3, 4)
    last = {"EndImprovement": date(2024, 3, 5)}.get(kind.__name__, day)
    return {
        name: st.just(last if date in _arms(hint) else START)
        for name, hint in get_type_hints(kind).items()
        if name not in known and _arms(hint)[0] in (date, datetime)
    }
