"""Parcels: taken in at the desk, handed out, and returned when nobody comes.

A slice as somebody outside would write it: this file, a policy, and its sentences. Nothing else in
the library knows it (`docs/how-to/own-slice.md`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import attrs
from attrs import field, frozen

from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.catalog import EventType
from crm_core.kernel.commands import looked_up
from crm_core.kernel.dates import local_date, sortable_text
from crm_core.kernel.decider import Decider, Decision, Refusal, by_command, by_event
from crm_core.kernel.policy import Header, PolicyRef, digest_of_table, read_toml, structure
from crm_core.kernel.projection import Projection, Put, Remove, Rows
from crm_core.kernel.recorded import Actor, Recorded
from crm_core.kernel.roles import WORK
from crm_core.kernel.sealed import Text
from crm_core.kernel.slice import Act, PolicyKind, Sight, Slice
from crm_core.kernel.ticking import DueCommand, Look, Source

DEFAULT_PARCELS = "parcels-cn-default"

# --- policy --------------------------------------------------------------------------------------


@frozen
class _Contents:
    kind: str
    policy: Header
    keep_days: int


@frozen
class ParcelPolicy:
    """How long parcels are kept.

    Args:
        header: Identity and approval.
        ref: Name, version and digest.
        keep_days: Days until a parcel goes back.
    """

    header: Header
    ref: PolicyRef
    keep_days: int

    @classmethod
    def parse(cls, text: str) -> ParcelPolicy:
        """The policy in TOML text."""
        data = read_toml(text)
        found = structure(data, _Contents)
        ref = PolicyRef(digest_of_table(data), found.policy.name, found.policy.version)
        return cls(found.policy, ref, found.keep_days)


# --- events --------------------------------------------------------------------------------------


@frozen
class ParcelTaken:
    """A parcel was taken in for a household.

    Args:
        parcel: Number of the parcel.
        household: The household it is for.
        courier: Who brought it.
        taken_at: When.
        taken_by: Who took it in.
        keep_until: When it goes back.
        policy: The policy that says so.
    """

    parcel: str
    household: str
    courier: Text
    taken_at: datetime
    taken_by: str
    keep_until: datetime
    policy: PolicyRef


@frozen
class ParcelHandedOut:
    """It was fetched.

    Args:
        parcel: Number of the parcel.
        handed_at: When.
        handed_by: Who gave it out.
    """

    parcel: str
    handed_at: datetime
    handed_by: str


@frozen
class ParcelReturned:
    """Nobody came for it.

    Args:
        parcel: Number of the parcel.
        returned_at: When its time was over.
    """

    parcel: str
    returned_at: datetime


EVENTS = (
    EventType("parcels.taken", 1, ParcelTaken),
    EventType("parcels.handed_out", 1, ParcelHandedOut),
    EventType("parcels.returned", 1, ParcelReturned),
)

# --- commands ------------------------------------------------------------------------------------


@frozen
class TakeParcel:
    """Take a parcel in."""

    household: str
    parcel: str
    courier: str
    taken_at: datetime
    by: Actor = looked_up()
    policy: ParcelPolicy = looked_up()


@frozen
class HandOutParcel:
    """Give a parcel to the household."""

    parcel: str
    handed_at: datetime
    by: Actor = looked_up()


@frozen
class ReturnParcel:
    """Let a parcel go back."""

    parcel: str
    at: datetime


# --- decisions -----------------------------------------------------------------------------------


@frozen
class Parcel:
    """A parcel as it stands."""

    household: str = ""
    keep_until: datetime | None = None
    over: bool = field(default=False)


def _take(command: TakeParcel, state: Parcel) -> Decision:
    if state.keep_until is not None:
        return Refusal("parcel_exists", "PCL-01", {"parcel": command.parcel})
    return (
        ParcelTaken(
            parcel=command.parcel,
            household=command.household,
            courier=command.courier,
            taken_at=command.taken_at,
            taken_by=command.by.id,
            keep_until=command.taken_at + timedelta(days=command.policy.keep_days),
            policy=command.policy.ref,
        ),
    )


def _hand_out(command: HandOutParcel, state: Parcel) -> Decision:
    if state.keep_until is None or state.over:
        return Refusal("parcel_not_here", "PCL-02", {"parcel": command.parcel})
    return (ParcelHandedOut(command.parcel, command.handed_at, command.by.id),)


def _return(command: ReturnParcel, state: Parcel) -> Decision:
    return () if state.over else (ParcelReturned(command.parcel, command.at),)


_DECIDE = {TakeParcel: _take, HandOutParcel: _hand_out, ReturnParcel: _return}

PARCEL = Aggregate(
    Decider(
        "parcel",
        Parcel(),
        by_command(_DECIDE),
        by_event(
            {
                ParcelTaken: lambda _, e: Parcel(e.household, e.keep_until),
                ParcelHandedOut: lambda state, _: attrs.evolve(state, over=True),
                ParcelReturned: lambda state, _: attrs.evolve(state, over=True),
            }
        ),
    ),
    tuple(_DECIDE),
    lambda command: str(command.parcel),
    lambda command: str(getattr(command, "household", "")),
    inside=frozenset({ReturnParcel}),
)


def _with_policy(command: TakeParcel, _state: Any, sight: Sight) -> TakeParcel:
    day = local_date(command.taken_at, sight.zone)
    return attrs.evolve(command, policy=sight.policy(ParcelPolicy, DEFAULT_PARCELS, day))


# --- view and clock ------------------------------------------------------------------------------


@frozen
class WaitingParcel:
    """A parcel that waits; its order is when it goes back."""

    parcel: str
    household: str
    keep_until: datetime


def _waiting(
    _rows: Rows[WaitingParcel], recorded: Recorded[Any]
) -> Iterable[Put[WaitingParcel] | Remove]:
    event = recorded.event
    if isinstance(event, ParcelTaken):
        row = WaitingParcel(event.parcel, event.household, event.keep_until)
        return (Put(event.parcel, row, sortable_text(event.keep_until)),)
    return (Remove(event.parcel),)


WAITING = Projection(
    "parcels.waiting", 1, WaitingParcel, tuple(kind.stored for kind in EVENTS), _waiting
)


def _due(row: WaitingParcel, _look: Look) -> Iterable[DueCommand]:
    command = ReturnParcel(row.parcel, row.keep_until)
    return (DueCommand(f"tick:parcels:{row.parcel}", command, row.keep_until),)


SLICE = Slice(
    name="parcels",
    package=__name__,
    events=EVENTS,
    aggregates=(PARCEL,),
    readable={Parcel: PARCEL},
    acts=(Act(TakeParcel, (*WORK, "security"), importable=True), Act(HandOutParcel, WORK)),
    look_ups={TakeParcel: _with_policy},
    policies=(PolicyKind("parcels", ParcelPolicy, ParcelPolicy.parse),),
    shipped=("",),
    projections=(WAITING,),
    clock=(Source("parcels", WAITING, _due),),
    sentences="sentences.toml",
    data_map="data-map.toml",
)
