"""Potential customers (潜在客户), who become members of households and keep their history (OWN-06).

A potential customer is a person with an id of their own. Whoever becomes a member of a household is
entered there under the same id, so that what was known before is theirs and is erased with them.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import attrs

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.catalog import EventType
from crm_core.kernel.commands import Id, looked_up
from crm_core.kernel.decider import Decider, Decision, Refusal, by_command, by_event
from crm_core.kernel.refusals import no_reason, unknown
from crm_core.kernel.sealed import Personal, PersonalValue, Text
from crm_core.kernel.values import frozen
from crm_core.owners.card.standard import contact
from crm_core.owners.commands import SOURCES

STATUSES = ("new", "contacted", "interested", "lost")
"""How it stands with a potential customer."""

CUSTOMER = "household"
"""The status of who has become a member of a household."""

# --- events ----------------------------------------------------------------------------------


@frozen
class ProspectRecorded:
    """Somebody may become a customer.

    Args:
        estate: Where they may live or work; empty where that is not known.
    """

    estate: str
    name: PersonalValue
    on: date
    phone: PersonalValue | None
    prospect: str
    source: str


@frozen
class ProspectNoted:
    """There was contact with a potential customer."""

    note: Text
    on: date
    prospect: str
    source: str


@frozen
class ProspectStatusChanged:
    """It stands otherwise with a potential customer."""

    on: date
    prospect: str
    reason: Text
    status: str


@frozen
class ProspectJoined:
    """A potential customer became a member of a household, whose file has them under their id."""

    household: str
    on: date
    prospect: str


EVENTS = (
    EventType("owners.prospect_recorded", 1, ProspectRecorded, effective="on"),
    EventType("owners.prospect_noted", 1, ProspectNoted, effective="on"),
    EventType("owners.prospect_status_changed", 1, ProspectStatusChanged, effective="on"),
    EventType("owners.prospect_joined", 1, ProspectJoined, effective="on"),
)

# --- state -----------------------------------------------------------------------------------


@frozen
class Prospect:
    """A potential customer.

    Args:
        status: One of `STATUSES`, or `household`; empty before anything is known.
        household: The household that they became a member of.
    """

    status: str = ""
    household: str = ""


# --- commands --------------------------------------------------------------------------------


@frozen
class RecordProspect:
    """Keep a potential customer."""

    prospect: Id
    name: Personal
    on: date
    phone: Personal | None = None
    estate: str = ""
    source: str = "sales"


@frozen
class NoteProspect:
    """Note a contact with a potential customer."""

    prospect: Id
    note: str
    on: date
    source: str = "sales"


@frozen
class ChangeProspect:
    """Say how it stands with a potential customer."""

    prospect: Id
    status: str
    on: date
    reason: str


@frozen
class ConvertProspect:
    """Say that a potential customer became a member of a household.

    Args:
        stranger: Whether its file has no member of their id.
    """

    prospect: Id
    household: Id
    on: date
    stranger: bool = looked_up()


# --- decisions -------------------------------------------------------------------------------


def _record(command: RecordProspect, state: Prospect) -> Decision:
    if state.status or not command.prospect:
        return Refusal("prospect_exists", "OWN-06", {"prospect": command.prospect})
    if command.source not in SOURCES:
        return unknown("source", command.source, SOURCES, rule="OWN-05")
    values = (command.name, command.phone)
    if any(value is not None and value.subject != command.prospect for value in values):
        return Refusal("person_of_another", "OWN-02", {"member": command.prospect})
    told = contact(*values)
    if isinstance(told, Refusal):
        return told
    name, phone = told
    assert name is not None
    return (
        ProspectRecorded(
            estate=command.estate,
            name=name,
            on=command.on,
            phone=phone,
            prospect=command.prospect,
            source=command.source,
        ),
    )


def _note(command: NoteProspect, state: Prospect) -> Decision:
    refused = _not_open(command.prospect, state)
    if refused is not None:
        return refused
    if command.source not in SOURCES:
        return unknown("source", command.source, SOURCES, rule="OWN-05")
    if not command.note.strip():
        return Refusal("note_missing", "OWN-06")
    return (
        ProspectNoted(
            note=command.note,
            on=command.on,
            prospect=command.prospect,
            source=command.source,
        ),
    )


def _change(command: ChangeProspect, state: Prospect) -> Decision:
    refused = _not_open(command.prospect, state)
    if refused is not None:
        return refused
    if command.status not in STATUSES:
        return unknown("status", command.status, STATUSES, rule="OWN-06")
    if command.status == state.status:
        return ()
    if not command.reason.strip():
        return no_reason("LOG-06")
    return (
        ProspectStatusChanged(
            on=command.on,
            prospect=command.prospect,
            reason=command.reason,
            status=command.status,
        ),
    )


def _convert(command: ConvertProspect, state: Prospect) -> Decision:
    if state.status == CUSTOMER and state.household == command.household:
        return ()
    refused = _not_open(command.prospect, state)
    if refused is not None:
        return refused
    if command.stranger:
        details = {"member": command.prospect, "household": command.household}
        return Refusal("unknown_member", "OWN-02", details)
    return (ProspectJoined(household=command.household, on=command.on, prospect=command.prospect),)


def _not_open(prospect: str, state: Prospect) -> Refusal | None:
    if not state.status:
        return Refusal("unknown_prospect", "OWN-06", {"prospect": prospect})
    if state.status == CUSTOMER:
        details = {"prospect": prospect, "household": state.household}
        return Refusal("prospect_is_customer", "OWN-06", details)
    return None


def _prospect_id(command: Any) -> str:
    return command.prospect  # type: ignore[no-any-return]


_DECIDE: dict[type, Any] = {
    RecordProspect: _record,
    NoteProspect: _note,
    ChangeProspect: _change,
    ConvertProspect: _convert,
}

PROSPECT = Aggregate(
    decider=Decider(
        "prospect",
        Prospect(),
        by_command(_DECIDE),
        by_event(
            {
                ProspectRecorded: lambda state, _: attrs.evolve(state, status=STATUSES[0]),
                ProspectStatusChanged: lambda state, e: attrs.evolve(state, status=e.status),
                ProspectJoined: lambda state, e: attrs.evolve(
                    state, status=CUSTOMER, household=e.household
                ),
            }
        ),
    ),
    commands=tuple(_DECIDE),
    id_of=_prospect_id,
    household_of=lambda command: getattr(command, "household", ""),
)
