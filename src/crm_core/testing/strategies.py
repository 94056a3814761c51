"""Values, commands, events and histories for Hypothesis: written once, public, and extended here.

A new event class needs nothing: `events_of` builds any class of the catalog from its type hints.
A new kind of value needs a line in `_BY_TYPE` or `_BY_NAME`.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

import attrs
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.canonical import INTEGER_MAX
from crm_core.kernel.catalog import EventType
from crm_core.kernel.dates import Period
from crm_core.kernel.decider import Decider, Refusal
from crm_core.kernel.money import FEN_MAX, Money
from crm_core.kernel.policy import PolicyRef
from crm_core.kernel.recorded import Actor
from crm_core.kernel.rules import Operator
from crm_core.kernel.sealed import Personal, PersonalValue, Sealed
from crm_core.kernel.text import ID_LENGTH_MAX
from crm_core.kernel.word import CHANNELS as WORD_CHANNELS
from crm_core.kernel.word import Word
from crm_core.messages import commands as messages
from crm_core.messages.decide import message_id
from crm_core.messages.events import Parameter
from crm_core.messages.policy import DEFAULT_MESSAGES, MessagePolicy
from crm_core.messages.template import Template
from crm_core.owners import commands as owners
from crm_core.requests import REQUEST, Closed, Done, Open, Paused, Request
from crm_core.requests import commands as requests
from crm_core.requests.sla import SlaPolicy, Targets
from crm_core.requests.state import Assignment
from crm_core.slices import catalog, shipped

FIRST_DAY = date(1990, 1, 1)
LAST_DAY = date(2100, 12, 31)

ACTOR_ROLES = (
    "custodian",
    "director",
    "finance",
    "manager",
    "operator",
    "owner",
    "specialist",
    "supervisor",
    "system",
)

# --- values --------------------------------------------------------------------------------------

_ID_START = "ABCDEFGHJKVXYZabcxyz0123456789星河小区张一é"
_ID_REST = _ID_START + "._:#-"

_TEXTS = (
    "",
    "漏水，楼上 3A 卫生间",
    "„Straße“ – naïve \u0065\u0301 und \u00e9",
    'it\'s "quoted", with \\ and / slashes',
    "=HYPERLINK(1)",
    "谢谢👍🏠",
    "第一行\n第二行\t完",
    "ﬁ ＡＢＣ １２３ ²",
    "0e0",
    "null",
)


def ids() -> SearchStrategy[str]:
    """Ids as people and systems make them: `V00001`, `R1010`, any script; all accepted."""
    made = st.builds(
        str.__add__,
        st.sampled_from(_ID_START),
        st.text(st.sampled_from(_ID_REST), max_size=min(11, ID_LENGTH_MAX - 1)),
    )
    return st.sampled_from(("V00001", "V00002", "R1010", "C1", "星河-1", "é")) | made


def texts(max_size: int = 20) -> SearchStrategy[str]:
    """Text from people that `check_text` accepts: any script, quotes, combining marks, emoji.

    Args:
        max_size: Most characters.
    """
    made = st.text(
        st.characters(exclude_categories=("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
        | st.sampled_from("\n\t"),
        max_size=max_size,
    )
    return st.sampled_from([text for text in _TEXTS if len(text) <= max_size]) | made


def phones() -> SearchStrategy[str]:
    """Telephone numbers that `check_phone` accepts."""
    return st.from_regex(r"\+?[0-9]{3,6}[ -]?[0-9]{2,5}", fullmatch=True)


def fen(low: int = 0, high: int = 10**12) -> SearchStrategy[int]:
    """Amounts in fen, the edges of the default policies among them."""
    edges = (0, 1, 99, 100, 799_999, 800_000, 999_999, 1_000_000, 1_600_000, 2_000_000)
    return st.sampled_from([n for n in edges if low <= n <= high] or [low]) | st.integers(low, high)


def days(first: date = FIRST_DAY, last: date = LAST_DAY) -> SearchStrategy[date]:
    """Days, leap days and the ends of years among them."""
    edges = (date(2000, 2, 29), date(2011, 12, 31), date(2012, 1, 1), date(2012, 2, 29))
    made = st.dates(first, last)
    inside = [day for day in edges if first <= day <= last]
    return st.sampled_from(inside) | made if inside else made


def instants(first: date = FIRST_DAY, last: date = LAST_DAY) -> SearchStrategy[datetime]:
    """Aware instants in UTC, to the microsecond."""
    start = datetime(first.year, first.month, first.day)  # noqa: DTZ001 - given its zone below
    end = datetime(last.year, last.month, last.day, 23, 59, 59)  # noqa: DTZ001
    return st.datetimes(start, end, timezones=st.just(UTC))


def periods() -> SearchStrategy[Period]:
    """Periods of whole days; calendar years among them."""
    years = st.integers(FIRST_DAY.year, LAST_DAY.year).map(Period.of_year)
    pairs = st.tuples(days(), days()).map(sorted)
    return years | pairs.map(lambda pair: Period(pair[0], pair[1]))


def money(currency: str = "CNY") -> SearchStrategy[Money]:
    """Amounts of one currency, of both signs."""
    return st.builds(Money, fen(-FEN_MAX, FEN_MAX), st.just(currency))


def actors() -> SearchStrategy[Actor]:
    """Actors with a role of the method and a pseudonymous id."""
    return st.builds(Actor, ids(), st.sampled_from(ACTOR_ROLES))


def words(member: str | None = None) -> SearchStrategy[Word]:
    """The word of anyone outside the staff, or of one member, with its evidence."""
    who = ids() if member is None else st.just(member)
    return st.builds(Word, who, st.sampled_from(WORD_CHANNELS), st.sampled_from(("call 1", "E-2")))


def personal(subject: str | None = None) -> SearchStrategy[Personal]:
    """Plain personal values: names and numbers of anyone, or of one person."""
    whose = ids() if subject is None else st.just(subject)
    return st.builds(Personal, whose, texts() | phones())


def sealed(subject: str | None = None) -> SearchStrategy[Sealed]:
    """Sealed values by their form alone: no key opens them."""
    whose = ids() if subject is None else st.just(subject)
    return st.builds(Sealed, whose, st.from_regex(r"[A-Za-z0-9_-]{20,40}", fullmatch=True))


def digests() -> SearchStrategy[str]:
    """SHA-256 digests as hex."""
    return st.binary(min_size=32, max_size=32).map(bytes.hex)


def policy_refs() -> SearchStrategy[PolicyRef]:
    """References to policies."""
    names = st.sampled_from(("sla-cn-default", "credit-cn-default", "grade-cn-default", "x"))
    return st.builds(PolicyRef, digests(), names, st.integers(1, 9))


def targets() -> SearchStrategy[Targets]:
    """Targets that a request can be held to."""
    seconds = st.sampled_from((1, 300, 1800, 21600)) | st.integers(1, 90 * 86400)
    few = st.integers(1, 7)
    return st.builds(Targets, few, seconds, seconds, seconds, few, few, seconds)


def sla_text(
    version: int = 1,
    general: int = 1800,
    major: int = 21600,
    promise: int = 300,
    tries: int = 3,
    closing: str = "24x7",
) -> str:
    """A whole SLA policy, with the numbers that tests turn on.

    Args:
        closing: What the clocks of closing and arrival run on: `24x7` or `office`, which is Monday
            to Friday with a lunch break.
    """
    office = "".join(
        f'{day} = ["09:00-12:00", "13:30-18:00"]\n' for day in ("mon", "tue", "wed", "thu", "fri")
    )
    return (
        'kind = "sla"\n'
        f'[policy]\nname = "sla-generated"\nversion = {version}\n'
        'effective_from = 1990-01-01\napproved_by = "director"\nimpact_assessment = "PIA"\n'
        '[calendars]\napology = "24x7"\npromise = "24x7"\nconfirmation = "office"\n'
        f'progress = "office"\narrival = "{closing}"\nclosing = "{closing}"\n'
        f'[hours.office]\nzone = "Asia/Shanghai"\n[hours.office.week]\n{office}'
        "[answer]\nrings = 2\n[apology]\nseconds = 1800\n"
        f"[arrival_seconds]\ngeneral = {general}\nmajor = {general // 2}\n"
        f"[close_seconds]\ngeneral = {general}\nmajor = {major}\n"
        f"[promise_seconds]\nphone = {promise}\nother = {promise * 3}\n"
        f"[confirmation]\nattempts = {tries}\ndays = {tries}\n"
        "[progress]\npercent = 50\nseconds_max = 86400\nseconds_min = 900\n"
        "[early_warning]\nwindow_days = 7\nusual_windows = 8\npercent = 200\nat_least = 5\n"
        "[escalation]\nwarn_percents = [50, 80]\nstep_percent = 50\n"
        'roles = ["specialist", "supervisor", "manager", "director"]\n'
        '[pauses]\ncustomer = ["customer_absent", "access_refused"]\n'
        'third_party = ["third_party_utility"]\n'
    )


def sla_policies() -> SearchStrategy[SlaPolicy]:
    """SLA policies in force, read from TOML as any other; round the clock or in office hours."""

    def policy(*numbers: Any) -> SlaPolicy:
        return SlaPolicy.parse(sla_text(*numbers))

    return st.builds(
        policy,
        st.integers(1, 3),
        st.sampled_from((1800, 3600)),
        st.sampled_from((21600, 43200)),
        st.sampled_from((300, 600)),
        st.integers(1, 3),
        st.sampled_from(("24x7", "office")),
    )


# --- classes -------------------------------------------------------------------------------------

_WIDE_INTEGERS = st.integers(-INTEGER_MAX, INTEGER_MAX)

_BY_TYPE: Mapping[Any, Callable[[], SearchStrategy[Any]]] = {
    bool: st.booleans,
    date: days,
    datetime: instants,
    int: lambda: st.integers(-3, 3) | _WIDE_INTEGERS,
    str: texts,
    Actor: actors,
    Money: money,
    MessagePolicy: lambda: st.just(_messages_policy()),
    Operator: lambda: st.sampled_from(Operator),
    Period: periods,
    PolicyRef: policy_refs,
    SlaPolicy: sla_policies,
    Targets: targets,
    Template: lambda: st.just(_template("request-received")),
    Word: words,
    type(None): st.none,
}
"""What stands for a type wherever it occurs."""

_BY_NAME: Mapping[str, Callable[[], SearchStrategy[Any]]] = {
    "amount_fen": lambda: fen(1),
    "digest": digests,
    "household": ids,
    "from_household": ids,
    "to_household": ids,
    "member": ids,
    "request": ids,
    "role": lambda: st.sampled_from(owners.ROLES),
    "source": lambda: st.sampled_from(owners.SOURCES),
    "version": lambda: st.integers(1, 99),
    "year": lambda: st.integers(FIRST_DAY.year, LAST_DAY.year),
}
"""What stands for a field of that name; the type alone would say less."""


def from_hint(hint: Any, *, stored: bool = True) -> SearchStrategy[Any]:
    """Values of a type hint, as the fields of events and commands use them.

    Args:
        stored: Personal values are sealed, as in the log; else plain ones come too.
    """
    if hint is PersonalValue:
        return sealed() if stored else sealed() | personal()
    if hint is Personal:
        return personal()
    if hint in _BY_TYPE:
        return _BY_TYPE[hint]()
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return st.one_of([from_hint(one, stored=stored) for one in _none_first(inner)])
    if origin is tuple and inner[-1] is Ellipsis:
        return st.lists(from_hint(inner[0], stored=stored), max_size=3).map(tuple)
    if origin is tuple:
        return st.tuples(*(from_hint(one, stored=stored) for one in inner))
    if origin is dict:
        key, value = (from_hint(one, stored=stored) for one in inner)
        return st.dictionaries(key, value, max_size=3)
    if origin is Literal:
        return st.sampled_from(inner)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(list(hint))
    if isinstance(hint, type) and attrs.has(hint):
        return instances(hint, stored=stored)
    raise TypeError(f"no strategy is known for `{hint}`: add it to `_BY_TYPE`")


def instances(
    cls: type, *, stored: bool = True, **fields: SearchStrategy[Any]
) -> SearchStrategy[Any]:
    """Instances of an attrs class, each field by its name or its type hint.

    Args:
        stored: See `from_hint`.
        fields: Strategies for fields that are to be something special.
    """
    hints = get_type_hints(cls)
    made = {
        field.name: fields[field.name]
        if field.name in fields
        else _BY_NAME[field.name]()
        if field.name in _BY_NAME
        else from_hint(hints[field.name], stored=stored)
        for field in attrs.fields(cls)
    }
    return st.builds(cls, **made)


def events_of(kind: EventType, *, stored: bool = True) -> SearchStrategy[Any]:
    """Events of one type of the catalog; possible values, though not always a likely story.

    Args:
        stored: Personal values are sealed, as in the log; else plain ones come too.
    """
    return instances(kind.cls, stored=stored)


def any_events(*, stored: bool = True) -> SearchStrategy[Any]:
    """Events of every type of the catalog."""
    return st.one_of([events_of(kind, stored=stored) for kind in catalog().types])


# --- commands ------------------------------------------------------------------------------------


def owner_commands(household: str = "V00001") -> SearchStrategy[Any]:
    """Commands for one household's file.

    Few members, days and roles, so that commands meet; some of the values are not accepted.
    """
    made = _owner_commands(household)
    return st.one_of(*(made(cls) for cls in _classes(owners)))


def owner_openings(household: str = "V00001") -> SearchStrategy[Any]:
    """Commands that open a household's file."""
    accepted = {
        "kind": st.sampled_from(owners.KINDS),
        "source": st.sampled_from(owners.SOURCES),
        "taken_by": st.none(),
    }
    return _owner_commands(household, accepted)(owners.RegisterHousehold)


def request_commands(request: str = "R1010", household: str = "V00001") -> SearchStrategy[Any]:
    """Commands for one request, in the days after it was received; some are not accepted."""
    made = _request_commands(request, household)
    return st.one_of(*(made(cls) for cls in _classes(requests)))


def request_openings(request: str = "R1010", household: str = "V00001") -> SearchStrategy[Any]:
    """Commands that take in a request."""
    accepted = {
        "channel": st.sampled_from(requests.CHANNELS),
        "kind": st.sampled_from(requests.KINDS),
        "trade": st.sampled_from(requests.TRADES),
        "severity": st.sampled_from(requests.SEVERITIES),
        "first_asked": st.just("staff-1"),
        "agreed": words(owners.owner_id(household)),
        "policy": st.just(_SLA),
    }
    return _request_commands(request, household, accepted)(requests.ReceiveRequest)


def message_commands(household: str = "V00001") -> SearchStrategy[Any]:
    """Commands about one household's messages over a few days; some are not accepted."""
    return st.one_of(*(_message_commands(household)(cls) for cls in _classes(messages)[1:]))


def message_openings(household: str = "V00001") -> SearchStrategy[Any]:
    """Commands that have a household told something, with the parameters it takes."""
    accepted = {
        "cause": st.sampled_from(("c1:0", "c2:0")),
        "channel": st.just(""),
        "language": st.just(""),
        "parameters": st.just(_filled(_template("request-received"))),
        "recipient": st.just(""),
    }
    return _message_commands(household, accepted)(messages.QueueMessage)


def _messages_policy() -> MessagePolicy:
    return shipped().find(MessagePolicy, DEFAULT_MESSAGES, FIRST_DAY.replace(year=2011))


def _template(name: str) -> Template:
    return shipped().find(Template, name, FIRST_DAY.replace(year=2011))


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
    twin = _template("request-received-neutral")
    return st.builds(
        lambda minutes, members, neutral: messages.Known(
            start + timedelta(minutes=minutes),
            "Asia/Shanghai",
            _messages_policy(),
            members,
            _template("request-received"),
            neutral,
        ),
        st.sampled_from((0, 1, 5, 6, 11, 60, 779, 780, 781, 1439, 1440, 2879, 2880, 4000)),
        _mostly(((owner, member), (owner,), (member,)), ()),
        _mostly((twin,), None),
    )


def _message_commands(
    household: str, accepted: Mapping[str, SearchStrategy[Any]] | None = None
) -> Callable[[type], SearchStrategy[Any]]:
    owner = owners.owner_id(household)
    fitting = _filled(_template("request-received"))
    ids = [message_id(cause, "request-received", owner) for cause in ("c1:0", "c2:0")]
    common = {
        "household": st.just(household),
        "message": _mostly(tuple(ids), "nothing"),
        "member": _mostly((owner, f"{household}#m1"), "V00009#owner"),
        "attempt": _mostly((1, 2), 0),
        "channel": _mostly(("", "sms", "email"), "smoke"),
        "known": knowns(household),
        "by": st.sampled_from((_STAFF[0], Actor(owner, "owner"))),
    }
    own: dict[type, Mapping[str, SearchStrategy[Any]]] = {
        messages.QueueMessage: {
            "cause": _mostly(("c1:0", "c2:0"), ""),
            "template": st.just("request-received"),
            "parameters": _mostly((fitting,), fitting[:1]),
            "recipient": _mostly(("", owner, f"{household}#m1"), "V00009#owner"),
            "language": _mostly(("", "zh", "en"), "fr"),
            "happened_at": st.none(),
            **(accepted or {}),
        },
        messages.RecordSent: {"receipt": _mostly(("250",), "two\nlines")},
        messages.RecordFailure: {"reason": _mostly(("unreachable", "rejected"), "gremlins")},
        messages.ChangePreference: {
            "about": _mostly(("care", "marketing", "any", "personalisation", "service"), "gossip"),
            "word": st.none() | words(owner),
        },
    }
    return lambda cls: _command(cls, common, own)


def _owner_commands(
    household: str, accepted: Mapping[str, SearchStrategy[Any]] | None = None
) -> Callable[[type], SearchStrategy[Any]]:
    members = st.sampled_from((owners.owner_id(household), f"{household}#m1", f"{household}#m2"))
    near = days(date(2010, 1, 1), date(2010, 1, 6))
    common = {
        "household": st.just(household),
        "member": members,
        "role": _mostly(owners.ROLES[:3], "neighbour"),
        "source": _mostly(owners.SOURCES[:3], "hearsay"),
        "reason": _mostly(("moved away", "misspelt"), ""),
        "since": near,
        "until": near,
        "on": near,
    }
    own: dict[type, Mapping[str, SearchStrategy[Any]]] = {
        owners.RegisterHousehold: {
            "kind": _mostly(owners.KINDS, "ship"),
            "moved_in": st.none() | near,
            "taken_by": _mostly((None,), "V00009"),
            **(accepted or {}),
        },
        owners.RecordInterest: {
            "service": st.sampled_from(("保洁", "housekeeping")),
            "word": words(owners.owner_id(household)),
        },
        owners.ConfirmConduct: {
            "kind": _mostly(owners.CONDUCT, "rudeness"),
            "evidence": _mostly(("E-1",), ""),
        },
    }
    return lambda cls: _command(cls, common, own)


_RECEIVED = datetime(2011, 3, 1, 1, 0, tzinfo=UTC)
"""When generated requests come in: 9:00 of a Tuesday in Shanghai."""

_SLA = SlaPolicy.parse(sla_text(closing="office"))
"""What generated requests are held to until they are re-based."""

_STAFF = (Actor("staff-1", "specialist"), Actor("staff-2", "operator"))
"""Who acts in generated requests."""


def _request_commands(
    request: str,
    household: str,
    accepted: Mapping[str, SearchStrategy[Any]] | None = None,
    now: datetime | None = None,
) -> Callable[[type], SearchStrategy[Any]]:
    """Commands of any class for one request.

    Args:
        accepted: What is to be accepted of a receipt.
        now: When all of them happen; without it at any time in the days after the receipt.
    """
    start = _RECEIVED
    minutes = (-1, 0, 1, 5, 30, 31, 360, 1440, 2880, 4320)
    near = (
        st.just(now)
        if now is not None
        else st.builds(
            lambda late, odd: start + timedelta(minutes=late, seconds=odd),
            st.sampled_from(minutes),
            st.integers(0, 1),
        )
    )
    later = st.sampled_from((31, 360, 2880, 20160)).map(
        lambda m: (now or start) + timedelta(minutes=m)
    )
    people = _mostly(("staff-1", "staff-2"), "")
    numbers = st.sampled_from((request, "R1", "R2"))
    common = {
        "request": st.just(request),
        "household": st.just(household),
        "reason": _mostly(("asked for", "mistaken"), ""),
        "policy": st.just(_SLA),
        "by": _mostly(_STAFF, Actor("nobody", "operator")),
        "first_asked": people,
        "to_owner": people,
        "told_by": st.sampled_from(("staff-1", "staff-2")),
        "word": words(owners.owner_id(household)),
        "to": _mostly(("staff-2", "engineering"), ""),
        "form": _mostly(requests.ASSIGNEE_FORMS, "crowd"),
        "note": _mostly(("waiting for the valve",), ""),
        "apology": _mostly(("we are sorry",), ""),
        "cause": _mostly(("the valve came late",), " "),
        "remedy": _mostly(("done tonight, free of charge",), ""),
        "of": numbers,
        "into": numbers,
        "incident": st.sampled_from(("I1", "I1", "I2")),
        "due_at": later,
        "expected_end": later,
        **{
            name: near
            for cls in _classes(requests)
            for name, hint in get_type_hints(cls).items()
            if hint is datetime and name not in ("due_at", "expected_end", "received_at")
        },
    }
    clocks = st.sampled_from(("closing-1", "promise-1", "commitment-1", "confirmation-1", "pause"))
    own: dict[type, Mapping[str, SearchStrategy[Any]]] = {
        requests.ReceiveRequest: {
            "received_at": st.just(start),
            "channel": _mostly(requests.CHANNELS, "smoke"),
            "kind": _mostly(requests.KINDS, "riddle"),
            "trade": _mostly(requests.TRADES, "piracy"),
            "severity": _mostly(requests.SEVERITIES, "mild"),
            "place": st.just("厨房"),
            "agreed_due_at": st.sampled_from((None, None, start, start + timedelta(hours=1))),
            "agreed": st.none() | words(owners.owner_id(household)),
            "follows": st.none(),
            "rings": st.none(),
            **(accepted or {}),
        },
        requests.MakeCommitment: {"form": _mostly(requests.PROMISE_FORMS, "hope")},
        requests.Renegotiate: {
            "form": _mostly(requests.PROMISE_FORMS, "hope"),
            "word": st.none() | words(owners.owner_id(household)),
        },
        requests.AcceptCommitment: {"due_at": st.none() | later},
        requests.Dispatch: {
            "mode": _mostly(requests.MODES, "lottery"),
            "pool": st.sampled_from((("staff-1", "staff-2"), ())),
            "turn": st.integers(0, 3),
        },
        requests.PauseRequest: {
            "reason": _mostly(("customer_absent", "third_party_utility"), "no staff"),
        },
        requests.Reclassify: {
            "kind": _mostly((None, *requests.KINDS), "riddle"),
            "trade": _mostly((None, *requests.TRADES), "piracy"),
            "severity": _mostly((None, *requests.SEVERITIES), "mild"),
        },
        requests.Rebase: {"policy": sla_policies()},
        requests.FollowIncident: {"what": st.sampled_from(("answered", "done"))},
        requests.TakeStep: {
            "clock": clocks,
            "step": st.sampled_from(("warn_50", "breach", "passed", "attempt_1", "resume")),
            "at": near | later,
        },
    }
    return lambda cls: _command(cls, common, own)


def _mostly(accepted: tuple[Any, ...], refused: Any) -> SearchStrategy[Any]:
    """Values that are accepted, and now and then one that is not."""
    return st.sampled_from((*accepted * (8 // len(accepted) + 1), refused))


def _command(
    cls: type,
    common: Mapping[str, SearchStrategy[Any]],
    own: Mapping[type, Mapping[str, SearchStrategy[Any]]],
) -> SearchStrategy[Any]:
    names = {field.name for field in attrs.fields(cls)}
    fields = {name: made for name, made in common.items() if name in names}
    return instances(cls, stored=False, **{**fields, **own.get(cls, {})})


def _classes(module: types.ModuleType) -> list[type]:
    """The command classes of a slice, in the order in which they are written."""
    return [
        value
        for value in vars(module).values()
        if isinstance(value, type) and attrs.has(value) and value.__module__ == module.__name__
    ]


def _none_first(hints: tuple[Any, ...]) -> list[Any]:
    # Hypothesis shrinks towards the first: nothing is simpler than something.
    return sorted(hints, key=lambda hint: hint is not type(None))


# --- histories -----------------------------------------------------------------------------------


class Step(NamedTuple):
    """One command of a history.

    Args:
        command: What was asked.
        state: The state it met.
        decided: What followed.
    """

    command: Any
    state: Any
    decided: tuple[Any, ...] | Refusal


class History(NamedTuple):
    """A past that can really have happened: every event was decided.

    Args:
        events: All events, in order.
        steps: The commands that led to them, the refused ones too.
    """

    events: tuple[Any, ...]
    steps: tuple[Step, ...]


def histories(
    subject: Aggregate | Decider[Any, Any, Any],
    commands: SearchStrategy[Any],
    *,
    opening: SearchStrategy[Any] | None = None,
    max_size: int = 12,
) -> SearchStrategy[History]:
    """Histories of one stream, made by deciding generated commands one after the other.

    Args:
        commands: Commands for that stream, such as `owner_commands()`.
        opening: First commands of most histories, where little is accepted before a certain one;
            a tuple is several, one after the other.
        max_size: Most commands besides.
    """
    decider = subject.decider if isinstance(subject, Aggregate) else subject

    def run(chosen: list[Any]) -> History:
        state = decider.initial
        events: list[Any] = []
        steps: list[Step] = []
        for command in chosen:
            decided = decider.decide(command, state)
            steps.append(Step(command, state, decided))
            if not isinstance(decided, Refusal):
                events.extend(decided)
                state = decider.fold(decided, state)
        return History(tuple(events), tuple(steps))

    chosen = st.lists(commands, max_size=max_size)
    if opening is None:
        return chosen.map(run)
    first = opening.map(lambda made: made if isinstance(made, tuple) else (made,))
    opened = st.builds(lambda before, rest: [*before, *rest], first, chosen)
    return st.one_of(opened, opened, opened, chosen).map(run)


_LIKELY: Mapping[type, tuple[type, ...]] = {
    Open: (
        requests.MakeCommitment,
        requests.MakeCommitment,
        requests.AcceptCommitment,
        requests.Renegotiate,
        requests.GiveUpCommitment,
        requests.AnswerCustomer,
        requests.Dispatch,
        requests.Dispatch,
        requests.Dispatch,
        requests.GrabOrder,
        requests.RefuseOrder,
        requests.RefuseOrder,
        requests.ReturnOrder,
        requests.ReturnOrder,
        requests.Arrive,
        requests.Arrive,
        requests.Apologise,
        requests.PauseRequest,
        requests.PauseRequest,
        requests.ReportDone,
        requests.ReportDone,
        requests.LinkToIncident,
        requests.FollowIncident,
        requests.Reclassify,
        requests.Rebase,
        requests.MergeDuplicate,
    ),
    Paused: (
        requests.ExtendPause,
        requests.ExtendPause,
        requests.ResumeRequest,
        requests.NoteProgress,
        requests.ReportDone,
        requests.Reclassify,
        requests.Rebase,
        requests.MergeDuplicate,
    ),
    Done: (
        requests.NoteFailedAttempt,
        requests.NoteFailedAttempt,
        requests.ConfirmClosing,
        requests.ConfirmClosing,
        requests.Apologise,
        requests.Apologise,
        requests.Reopen,
    ),
    Closed: (requests.Reopen,),
}
"""What is likely to be asked of a request in a status."""


@st.composite
def request_histories(
    draw: DrawFn, request: str = "R1010", household: str = "V00001", max_size: int = 16
) -> History:
    """Histories of a request in which time goes on, and with it what falls due.

    They go deeper than those of `histories`, whose commands do not know of each other: every third
    command records the next step of a clock.
    """
    decider = REQUEST.decider
    command = draw(request_openings(request, household))
    state: Any = decider.initial
    events: list[Any] = []
    steps: list[Step] = []
    now = _RECEIVED
    for _ in range(draw(st.sampled_from((1, 4, max_size, max_size, max_size)))):
        decided = decider.decide(command, state)
        steps.append(Step(command, state, decided))
        if not isinstance(decided, Refusal):
            events.extend(decided)
            state = decider.fold(decided, state)
        due = next_step(state)
        if due is not None and draw(st.integers(0, 2)) == 0:
            command, now = due, max(now, due.at)
            continue
        now += draw(st.sampled_from((0, 1, 4, 20, 360, 1440))) * timedelta(minutes=1)
        likely = _LIKELY.get(type(state), ())
        made = _request_commands(request, household, now=now)
        every = tuple(_classes(requests))
        command = draw(st.sampled_from((*likely, *likely, *every)).flatmap(made))
        if isinstance(command, requests.RefuseOrder | requests.ReturnOrder) and likely:
            # Only who has an order can give it back, and seldom is that the one who was drawn.
            command = attrs.evolve(command, by=who_has(state.assignment), to="")
    return History(tuple(events), tuple(steps))


def who_has(assignment: Assignment) -> Actor:
    """Somebody who has the order: who was given it, or somebody of the department that was."""
    if assignment.form == "department":
        return Actor("staff-3", assignment.to)
    return Actor(assignment.to, "operator")


def next_step(state: Any) -> requests.TakeStep | None:
    """The step that falls due next on a request, as the clock-driven part would record it."""
    if isinstance(state, Paused) and state.pause is not None:
        return _step(state, "pause", "resume", state.pause.expected_end)
    running = state.running if isinstance(state, Request) else ()
    ahead = [clock.set for clock in running if clock.set.next_at is not None]
    if not ahead:
        return None
    first = min(ahead, key=lambda clock: (clock.next_at, clock.clock))
    assert first.next_at is not None
    return _step(state, first.clock, first.step, first.next_at)


def _step(state: Request, clock: str, step: str, at: datetime) -> requests.TakeStep:
    return requests.TakeStep(state.request, clock, step, at, policy=_SLA)
