"""Decisions about a household's record card."""

from __future__ import annotations

from typing import Any

import attrs

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.authority import Own
from crm_core.kernel.decider import Decider, Decision, Refusal, by_command, by_event
from crm_core.kernel.refusals import no_reason, unknown
from crm_core.owners.card.commands import (
    RESULTS,
    WAYS,
    AssignKeeper,
    DecideChange,
    ProposeChange,
    RecordItem,
    ReportChange,
    VerifyItem,
    WithdrawItem,
)
from crm_core.owners.card.events import (
    ChangeDecided,
    ChangeProposed,
    ItemRecorded,
    ItemVerified,
    ItemWithdrawn,
    KeeperAssigned,
)
from crm_core.owners.card.standard import (
    CONTACTS,
    IDENTITY,
    ITEMS,
    SEGMENTED,
    kept,
)
from crm_core.owners.card.state import Card, key_of
from crm_core.owners.commands import SOURCES

# --- what follows from a command -------------------------------------------------------------


def _record(command: RecordItem, state: Card) -> Decision:
    if command.item not in ITEMS:
        return unknown("item", command.item, ITEMS, rule="OWN-04")
    refused = _source(command.source) or _whose(command)
    if refused is not None:
        return refused
    reached = (command.language, command.hours)
    if command.item not in CONTACTS and (command.preferred or reached != (None, None)):
        return Refusal("no_contact", "OWN-04", {"item": command.item, "accepted": [*CONTACTS]})
    segmented = command.item in SEGMENTED
    if segmented and not (command.kept_for and command.basis):
        # What people are sorted by is nobody's business without a purpose and a basis for it.
        return Refusal("basis_missing", "OWN-11", {"item": command.item})
    value = kept(command.item, command.value)
    if isinstance(value, Refusal):
        return value
    return (
        ItemRecorded(
            basis=(command.basis or "") if segmented else "",
            document=command.document,
            kept_for=command.kept_for,
            word=command.word,
            entry=command.entry,
            hours=command.hours,
            household=command.household,
            item=command.item,
            language=command.language,
            member=command.member,
            on=command.on,
            preferred=command.preferred,
            source=command.source,
            value=value,
        ),
    )


def _withdraw(command: WithdrawItem, state: Card) -> Decision:
    if key_of(command) not in state.items():
        return _no_item(command)
    if not command.reason.strip():
        return no_reason("LOG-06")
    return (
        ItemWithdrawn(
            entry=command.entry,
            household=command.household,
            item=command.item,
            member=command.member,
            on=command.on,
            reason=command.reason,
        ),
    )


def _propose(command: ProposeChange | ReportChange, state: Card) -> Decision:
    known = (*IDENTITY, *(item for item in ITEMS if item not in SEGMENTED))
    if command.change in state.proposed:
        return Refusal("change_exists", "OWN-08", {"change": command.change})
    if not command.change:
        return Refusal("change_unnumbered", "OWN-08")
    if command.item not in known:
        return unknown("item", command.item, known, rule="OWN-08")
    refused = _source(command.source) or _whose(command)
    if refused is not None:
        return refused
    if not command.reason.strip():
        return no_reason("LOG-06")
    value = kept(command.item, command.value)
    if isinstance(value, Refusal):
        return value
    return (
        ChangeProposed(
            change=command.change,
            entry=command.entry,
            household=command.household,
            item=command.item,
            member=command.member,
            on=command.on,
            proposed_by=command.by.id,
            reason=command.reason,
            source=command.source,
            value=value,
        ),
    )


def _decide_change(command: DecideChange, state: Card) -> Decision:
    if command.change not in state.proposed:
        return Refusal("unknown_change", "OWN-08", {"change": command.change})
    if command.change in state.decided:
        return Refusal("change_decided", "OWN-08", {"change": command.change})
    if not command.reason.strip():
        return no_reason("LOG-06")
    return (
        ChangeDecided(
            accepted=command.accepted,
            change=command.change,
            decided_by=command.by.id,
            household=command.household,
            reason=command.reason,
        ),
    )


def _verify(command: VerifyItem, state: Card) -> Decision:
    if command.stranger:
        return _no_member(command)
    if command.item not in IDENTITY and key_of(command) not in state.items():
        return _no_item(command)
    if command.result not in RESULTS:
        return unknown("result", command.result, RESULTS, rule="OWN-07")
    if command.way not in WAYS:
        return unknown("way", command.way, WAYS, rule="OWN-07")
    if command.not_drawn:
        details = {"household": command.household, "sample": command.sample, "item": command.item}
        return Refusal("not_drawn", "OWN-07", details)
    return (
        ItemVerified(
            entry=command.entry,
            household=command.household,
            item=command.item,
            member=command.member,
            on=command.on,
            result=command.result,
            sample=command.sample,
            verified_by=command.by.id,
            way=command.way,
        ),
    )


def _assign(command: AssignKeeper, state: Card) -> Decision:
    if command.unemployed or not command.keeper:
        return Refusal("not_on_staff", "OWN-08", {"id": command.keeper})
    if not command.reason.strip():
        return no_reason("LOG-06")
    if state.keeper(command.on) == command.keeper:
        return ()
    return (
        KeeperAssigned(
            assigned_by=command.by.id,
            household=command.household,
            keeper=command.keeper,
            on=command.on,
            reason=command.reason,
        ),
    )


def _source(source: str) -> Refusal | None:
    return None if source in SOURCES else unknown("source", source, SOURCES, rule="OWN-05")


def _whose(command: Any) -> Refusal | None:
    """Why an item cannot be kept as that member's, if so."""
    if command.stranger:
        return _no_member(command)
    values = (command.value, getattr(command, "language", None), getattr(command, "hours", None))
    if any(value is not None and value.subject != command.member for value in values):
        return Refusal("person_of_another", "OWN-02", {"member": command.member})
    return None


def _no_member(command: Any) -> Refusal:
    details = {"member": command.member, "household": command.household}
    return Refusal("unknown_member", "OWN-02", details)


def _no_item(command: Any) -> Refusal:
    return Refusal("item_not_held", "OWN-04", {"member": command.member, "item": command.item})


_DECIDE: dict[type, Any] = {
    RecordItem: _record,
    WithdrawItem: _withdraw,
    ProposeChange: _propose,
    ReportChange: _propose,
    DecideChange: _decide_change,
    VerifyItem: _verify,
    AssignKeeper: _assign,
}


# --- what follows from an event --------------------------------------------------------------


def _told(state: Card, e: ItemRecorded | ItemWithdrawn) -> Card:
    return attrs.evolve(state, told=state.told.append(e))


def _proposed(state: Card, e: ChangeProposed) -> Card:
    return attrs.evolve(state, proposed=state.proposed.add(e.change, e))


def _decided(state: Card, e: ChangeDecided) -> Card:
    proposed = state.proposed.get(e.change)
    told = state.told
    if e.accepted and proposed is not None and e.change not in state.decided:
        told = told.append(proposed)
    return attrs.evolve(state, told=told, decided=state.decided.add(e.change, e))


def _verified(state: Card, e: ItemVerified) -> Card:
    return attrs.evolve(state, verified=state.verified.append(e))


def _assigned(state: Card, e: KeeperAssigned) -> Card:
    return attrs.evolve(state, keepers=state.keepers.append(e))


def _own(command: Any, state: Card) -> Own | None:
    """Nobody decides a change that they proposed themselves (LOG-08)."""
    if not isinstance(command, DecideChange):
        return None
    proposed = state.proposed.get(command.change)
    return None if proposed is None else Own(proposed_by=proposed.proposed_by)


def _household(command: Any) -> str:
    return command.household  # type: ignore[no-any-return]


CARD = Aggregate(
    decider=Decider(
        "card",
        Card(),
        by_command(_DECIDE),
        by_event(
            {
                ItemRecorded: _told,
                ItemWithdrawn: _told,
                ChangeProposed: _proposed,
                ChangeDecided: _decided,
                ItemVerified: _verified,
                KeeperAssigned: _assigned,
            }
        ),
    ),
    commands=tuple(_DECIDE),
    id_of=_household,
    household_of=_household,
    own=_own,
    closed_by_merge=frozenset(_DECIDE) - {DecideChange, WithdrawItem},
)
