"""Renders `docs/reference/events.md` from the catalog of events.

`CRM_REWRITE_DOCS=1 pytest tests/docs` writes the page anew; without it the test compares.
"""

# ruff: noqa: E501 - it holds the text of a page, one sentence a line

from __future__ import annotations

import types
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, Union, get_args, get_origin, get_type_hints

import attrs

from crm_core.catalog import EventType
from crm_core.events import catalog
from crm_core.kernel.recorded import Envelope
from crm_core.kernel.rules import Operator, Value
from crm_core.kernel.sealed import PersonalValue
from crm_core.owners.commands import KINDS as HOUSEHOLD_KINDS
from crm_core.owners.commands import ROLES, SOURCES
from crm_core.payments.commands import CHARGE_KINDS, METHODS
from crm_core.requests.commands import CHANNELS, SEVERITIES, TRADES
from crm_core.requests.commands import KINDS as REQUEST_KINDS

HEAD = """\
# Stored events

Every event that a log can hold, with its fields.
A name is `slice.fact/version`; names, fields and meanings are a promise ([compatibility](../../SECURITY.md#compatibility)).
An event of another name is an error, [`CRM-F006`](errors.md#crm-f006-unknownevent); it is neither imported nor dropped.
This page is rendered from the catalog, and a test keeps it so.

## How an event is stored

Each event is one row of the table `crm_events`.

| column | what it holds |
|---|---|
| `position` | place in the log, from 1, without gaps |
| `stream` | `kind/id`, for example `account/V00001` |
| `version` | place in the stream, from 1, without gaps |
| `name` | stored name with version |
| `household` | household the event concerns, or an empty text |
| `state` | the event as text |

The text in `state` is what is hashed ([decision 0005](../decisions/0005-stored-bytes-are-what-is-hashed.md)).
It is JSON with three members, in this order: `digest`, `event`, `household`.
`event` is the envelope; its members are sorted by name, and those that say nothing are left out.
"""

ENVELOPE = {
    "actor": "who caused it, as `role:id`",
    "causation": "id of the event that led to the command, if one did",
    "command": "id of the command it came from; an import's ids begin with `import:`",
    "correlation": "id of the matter it belongs to, if any",
    "data": "the fields of the event, as listed below",
    "effective": "the day it is true from, in the estate's zone",
    "imported": "moment of import, for imported facts only",
    "nth": "ordinal among the events of its command; `command:nth` is the id of the event",
    "purpose": "what it was done for, where the caller said so",
    "recorded": "when the company knew, in UTC",
}

VALUES = """\

## Values

| type | form |
|---|---|
| text | any script; without control characters and invisible direction characters |
| whole number | within ±2^53; amounts are whole fen |
| true or false | `true`, `false` |
| date | `YYYY-MM-DD`, a day of the estate's zone |
| instant | ISO 8601 in UTC, ending in `Z` |
| sealed text | `subject` and `token`: a personal value under the key of the person it is about ([decision 0007](../decisions/0007-personal-values-sealed-per-person.md)) |

"May be missing" means that the field holds `null`.
The effective day of an event is the field marked so.
An event without such a field, or with nothing in it, is effective on the day it was recorded.
"""

SLICES = {
    "owners": "Streams `household/HOUSEHOLD`, and `place/ESTATE/BUILDING/UNIT/ROOM` for the claim of a place.",
    "payments": "Streams `account/HOUSEHOLD`.",
    "requests": "Streams `request/REQUEST`.",
    "gradings": "Streams `grading/HOUSEHOLD` for decisions and what people did about them, `grading-run/RUN` for runs, and `policy/NAME` for policies.",
}


def _one_of(values: tuple[str, ...]) -> str:
    return ", ".join(f"`{value}`" for value in values)


WORDS = {
    "ChargeRaised.kind": _one_of(CHARGE_KINDS),
    "CommitmentMade.outcome": "what was promised",
    "ConductConfirmed.kind": _one_of(("bad_record", "disturbance")),
    "Criterion.name": "`table.outcome.fact`, a statement that can be true",
    "Criterion.value": "what was seen",
    "Evidence.attention": "requests counted",
    "Evidence.conduct": "confirmations counted",
    "Evidence.credit": "charges and settlements that the credit grades of the window follow from",
    "Evidence.interests": "interests counted",
    "Evidence.previous_purchases": "purchases and refunds of the year before",
    "Evidence.purchases": "purchases and refunds of the year",
    "Facts.conduct": "confirmed bad records and disturbances in the year",
    "Facts.interests": "interests recorded with consent in the year",
    "GradingDecided.evidence": "log positions behind each fact",
    "GradingDecided.outcome": "what follows from the facts",
    "GradingConfirmed.confirmed_by": "who stands for it",
    "GradingConfirmed.role": "in which role",
    "GradingContested.reason": "what is wrong with it, as the owner says",
    "LayerUplifted.layer": "the layer that holds until the next run",
    "LayerUplifted.policy": "what an uplift needed",
    "LayerUplifted.role": "role of who approved it",
    "PolicyAssessed.compared": "gradings compared",
    "PolicyApproved.policy": "the version",
    "PolicyAssessed.policy": "the version",
    "PolicyDrafted.policy": "the version, with the digest of its contents",
    "PolicyMadeEffective.policy": "the version",
    "PolicySuperseded.policy": "the version",
    "QuotaAllotted.households": "how many were allotted",
    "QuotaAllotted.policy": "the expected shares",
    "ReviewDecided.decided_by": "who decided it; nobody who had a part in the grading",
    "ReviewDecided.layer": "for an override: the layer that holds instead",
    "ReviewDecided.role": "role of who decided it",
    "ReviewDecided.until": "for an override: the last day on which it holds",
    "TypeConfirmed.confirmed_by": "who confirmed it",
    "TypeConfirmed.outcome": "what follows from the facts with that type",
    "HouseholdRegistered.kind": _one_of(HOUSEHOLD_KINDS),
    "HouseholdRegistered.source": _one_of(SOURCES),
    "MemberAdded.role": _one_of(ROLES),
    "Outcome.type": "customer type as the rule suggests it",
    "PolicyRef.name": "its name",
    "PolicyRef.version": "its version",
    "RequestClosed.outcome": _one_of(("confirmed", "unconfirmed")),
    "RequestReceived.channel": _one_of(CHANNELS),
    "RequestReceived.kind": _one_of(REQUEST_KINDS),
    "amount_fen": "amount in fen, above zero",
    "approver": "who approved it",
    "attempted_at": "when the customer was asked",
    "attention": "distinct matters raised in the year",
    "b2_entries": "how often B2 or worse was entered in the year",
    "building": "building (楼栋)",
    "channel": "how the customer was asked",
    "charge": "number of the charge",
    "charges_due": "charges due in the year",
    "close_seconds": "from receipt to done",
    "closed_at": "when it was closed",
    "confirm_attempts": "attempts before it may close as unconfirmed",
    "confirm_days": "days over which the attempts are spread",
    "confirmed_by": "the manager or director who confirmed it",
    "consent": "the consent it is kept on",
    "credit": "credit grade on the last day of the year",
    "credit_policy": "credit table it was graded with",
    "criteria": "every condition that was looked at, in order",
    "cutoff_known": "instant up to which facts were known",
    "cutoff_position": "position up to which facts were seen",
    "decided_by": "`rule`",
    "digest": "SHA-256 of its contents",
    "distance": "what is missing to the next better layer",
    "done_at": "when the work was done",
    "done_by": "who did it",
    "due": "due date; overdue from the day after",
    "due_at": "when it is due",
    "estate": "estate (小区)",
    "evidence": "what it rests on",
    "fact": "name of the fact",
    "facts": "the facts it was decided on",
    "from_household": "the household it was booked to before",
    "from_owner": "who owned it before",
    "gradings": "how many households were graded",
    "household": "household (户号)",
    "layer": "layer of the pyramid, or `insufficient`",
    "made_at": "when the promise was made",
    "member": "pseudonymous id of the person",
    "met": "whether it was true",
    "method": _one_of(METHODS),
    "missing": "the criteria that are not met",
    "moved_in": "day of moving in (入住日期)",
    "name": "name of the person",
    "of": "the request it duplicates",
    "on": "the day it is about",
    "op": "how value and threshold are compared",
    "overdue_days": "days since the oldest unpaid overdue charge was due",
    "overdue_fen": "unpaid principal of overdue charges",
    "owner": "the person first asked, who owns the request",
    "paid_on": "day of payment",
    "payment": "number of the payment",
    "period": "period it is for",
    "period_end": "last day of the window",
    "period_start": "first day of the window",
    "phone": "telephone number (电话)",
    "place": "place: in a claim its normalised key, in a request as told",
    "policy": "policy that applies",
    "previous_purchases_fen": "purchases less refunds of the year before",
    "promise_seconds": "from receipt to a commitment",
    "promised_by": "who promised",
    "purchase": "number of the purchase",
    "purchases_fen": "purchases less refunds of the year",
    "reason": "why",
    "received_at": "when it was received",
    "refund": "number of the refund",
    "reopened_at": "when it was opened again",
    "request": "number of the request",
    "role": "role it is about",
    "room": "room (房号)",
    "run": "id of the run",
    "satisfied": "what the customer said of it",
    "service": "value-added service",
    "severity": _one_of(SEVERITIES),
    "since": "first day of the role",
    "source": "channel it came from",
    "status": "`computed` or `awaiting_confirmation`",
    "summary": "what it is about",
    "targets": "targets pinned to it",
    "threshold": "with what it was compared",
    "to_household": "the household it belongs to",
    "to_owner": "who owns it now",
    "trade": _one_of(TRADES),
    "type": "customer type",
    "unit": "unit (单元)",
    "until": "last day of the role",
    "waiver": "number of the waiver",
    "worst_credit": "worst credit grade on any day of the year",
    "write_off": "whether what stays owed was given up",
    "accepted_by": "who accepts it",
    "approved_by": "who approved it",
    "contested_by": "who disputes it",
    "corrected": "for a correction: run of the grading that stands in its place",
    "from_layer": "the layer that was computed",
    "promises": "log positions of the charges that were paid as promised",
    "proposed_by": "who proposed it",
    "refused_by": "who refused it",
    "result": "`upheld`, `corrected` or `overridden`",
    "review": "number of the review",
    "assessed_by": "who assessed it",
    "assessment": "reference of the assessment",
    "cohort_digest": "digest of every household of the cohort and all that its place depends on",
    "compared": "gradings compared",
    "drafted_by": "who drafted it",
    "effective_from": "first day of its use",
    "households": "how many",
    "last_day": "last day of its use",
    "moved": "households that would be in another layer",
    "places_digest": "digest of the places",
    "runs": "recorded runs it was tried over",
    "superseded_by": "the version that takes its place",
    "toml": "the text of the policy file",
    "worse": "those of them that would be in a worse one",
    "year": "calendar year",
}
"""What fields hold; `Class.field` where one name means two things."""

PLAIN = {
    bool: "true or false",
    date: "date",
    datetime: "instant",
    int: "whole number",
    str: "text",
    PersonalValue: "sealed text",
    Operator: "text",
}


def render() -> str:
    """The whole page."""
    lines = [HEAD, "| member | what it holds |", "|---|---|"]
    members = sorted(field.name for field in attrs.fields(Envelope))
    lines += [f"| `{name}` | {ENVELOPE[name]} |" for name in members]
    lines.append(VALUES)
    shapes: dict[str, type] = {}
    for name, about in SLICES.items():
        lines += [f"## {name.capitalize()}", "", about, ""]
        for kind in catalog().types:
            if kind.name.startswith(f"{name}."):
                lines += _event(kind, shapes)
    lines += ["## Shapes", "", "Values with fields of their own.", ""]
    done: set[str] = set()
    while rest := sorted(set(shapes) - done):
        for shape in rest:
            done.add(shape)
            lines += _shape(shapes[shape], shapes)
    return "\n".join(lines).rstrip() + "\n"


def _event(kind: EventType, shapes: dict[str, type]) -> Iterator[str]:
    yield f"### `{kind.stored}`"
    yield ""
    yield _said(kind.cls)
    yield ""
    yield from _table(kind.cls, shapes, kind.effective)


def _shape(cls: type, shapes: dict[str, type]) -> Iterator[str]:
    yield f"### {cls.__name__}"
    yield ""
    yield _said(cls)
    yield ""
    yield from _table(cls, shapes)


def _said(cls: type) -> str:
    first = (cls.__doc__ or "").strip().partition("\n\n")[0]
    return " ".join(first.split())


def _table(cls: type, shapes: dict[str, type], effective: str | None = None) -> Iterator[str]:
    yield "| field | type | what it holds |"
    yield "|---|---|---|"
    for name, hint in get_type_hints(cls).items():
        words = WORDS.get(f"{cls.__name__}.{name}") or WORDS[name]
        mark = "; the effective day" if name == effective else ""
        yield f"| `{name}` | {_kind(hint, shapes)} | {words}{mark} |"
    yield ""


def _kind(hint: Any, shapes: dict[str, type]) -> str:
    if hint == Value:
        return "whole number, text or truth value"
    if hint == Value | tuple[str, ...]:
        return "whole number, text, truth value or list of texts"
    if hint in PLAIN:
        return PLAIN[hint]
    if get_origin(hint) in (types.UnionType, Union):
        inner = [kind for kind in get_args(hint) if kind is not type(None)]
        assert len(inner) == 1
        return f"{_kind(inner[0], shapes)}, may be missing"
    if get_origin(hint) is tuple:
        return f"list: {_kind(get_args(hint)[0], shapes)}"
    shapes[hint.__name__] = hint
    return f"[{hint.__name__}](#{hint.__name__.lower()})"
