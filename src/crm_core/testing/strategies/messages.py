"""Commands about what one household is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from crm_core.kernel.recorded import Actor
from crm_core.messages import commands as messages
from crm_core.messages.decide import message_id
from crm_core.messages.events import Parameter
from crm_core.messages.template import Template
from crm_core.owners import commands as owners
from crm_core.testing.strategies.classes import command_classes, command_of
from crm_core.testing.strategies.policies import message_template, messages_policy
from crm_core.testing.strategies.values import STAFF, mostly, words


def message_commands(household: str = "V00001") -> SearchStrategy[Any]:
    """Commands about one household's messages over a few days; some are not accepted."""
    return st.one_of(*(_message_commands(household)(cls) for cls in command_classes(messages)[1:]))


def message_openings(household: str = "V00001") -> SearchStrategy[Any]:
    """Commands that have a household told something, with the parameters it takes."""
    accepted = {
        "cause": st.sampled_from(("c1:0", "c2:0")),
        "channel": st.just(""),
        "language": st.just(""),
        "parameters": st.just(_filled(message_template("request-received"))),
        "recipient": st.just(""),
    }
    return _message_commands(household, accepted)(messages.QueueMessage)


def _filled(template: Template) -> tuple[Parameter, ...]:
    """Values that fill a template."""
    fitting = {
        "amount": "12700",
        "date": "2011-03-01",
        "instant": "2011-03-01T01:00:00Z",
        "reference": "R1010",
    }
    return tuple(
        Parameter(name, fitting.get(kind.kind) or next(iter(kind.words)))
        for name, kind in template.parameters.items()
    )


def knowns(household: str = "V00001") -> SearchStrategy[messages.Known]:
    """What is looked up for commands about messages: a few days, hours of all kinds."""
    start = datetime(2011, 3, 1, 0, 0, tzinfo=UTC)
    owner, member = owners.owner_id(household), f"{household}#m1"
    twin = message_template("request-received-neutral")
    return st.builds(
        lambda minutes, members, neutral: messages.Known(
            at=start + timedelta(minutes=minutes),
            zone="Asia/Shanghai",
            policy=messages_policy(),
            members=members,
            template=message_template("request-received"),
            neutral=neutral,
        ),
        st.sampled_from((0, 1, 5, 6, 11, 60, 779, 780, 781, 1439, 1440, 2879, 2880, 4000)),
        mostly(((owner, member), (owner,), (member,)), ()),
        mostly((twin,), None),
    )


def _message_commands(
    household: str, accepted: Mapping[str, SearchStrategy[Any]] | None = None
) -> Callable[[type], SearchStrategy[Any]]:
    owner = owners.owner_id(household)
    fitting = _filled(message_template("request-received"))
    ids = [message_id(cause, "request-received", owner) for cause in ("c1:0", "c2:0")]
    common = {
        "household": st.just(household),
        "message": mostly(tuple(ids), "nothing"),
        "member": mostly((owner, f"{household}#m1"), "V00009#owner"),
        "attempt": mostly((1, 2), 0),
        "channel": mostly(("", "sms", "email"), "smoke"),
        "known": knowns(household),
        "by": st.sampled_from((STAFF[0], Actor(owner, "owner"))),
    }
    own: dict[type, Mapping[str, SearchStrategy[Any]]] = {
        messages.QueueMessage: {
            "cause": mostly(("c1:0", "c2:0"), ""),
            "template": st.just("request-received"),
            "parameters": mostly((fitting,), fitting[:1]),
            "recipient": mostly(("", owner, f"{household}#m1"), "V00009#owner"),
            "language": mostly(("", "zh", "en"), "fr"),
            "happened_at": st.none(),
            **(accepted or {}),
        },
        messages.RecordSent: {"receipt": mostly(("250",), "two\nlines")},
        messages.RecordFailure: {"reason": mostly(("unreachable", "rejected"), "gremlins")},
        messages.ChangePreference: {
            "about": mostly(("care", "marketing", "any", "personalisation", "service"), "gossip"),
            "word": st.none() | words(owner),
        },
    }
    return lambda cls: command_of(cls, common, own)
