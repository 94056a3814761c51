"""Decisions about a household's file."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import attrs

from crm_core.kernel.aggregate import Aggregate, Claim
from crm_core.kernel.decider import Decider, Decision, Evolve, Refusal, by_command, by_event
from crm_core.kernel.growing import EMPTY, without
from crm_core.kernel.refusals import no_reason, unknown
from crm_core.kernel.sealed import Personal
from crm_core.kernel.text import place_key
from crm_core.owners.card.standard import contact
from crm_core.owners.commands import (
    COMMERCIAL,
    CONDUCT,
    KINDS,
    ROLES,
    SOURCES,
    AddMember,
    AgreeDebtor,
    ChangeContact,
    ConfirmConduct,
    EndRole,
    RecordCondition,
    RecordInterest,
    RegisterHousehold,
    ReleaseDebtor,
    TransferOwnership,
    VoidHousehold,
    VoidRole,
    VoidRoleEnd,
    owner_id,
)
from crm_core.owners.events import (
    ConditionRecorded,
    ConductConfirmed,
    ContactChanged,
    DebtorAgreed,
    DebtorReleased,
    HouseholdRegistered,
    HouseholdVoided,
    InterestRecorded,
    MemberAdded,
    PlaceClaimed,
    PlaceReleased,
    RoleEnded,
    RoleEndVoided,
    RoleVoided,
)
from crm_core.owners.state import Household, HouseholdState, Member, NoHousehold, Role

EPOCH = date(1900, 1, 1)
"""First day of a role whose beginning nobody knows."""


# --- what follows from a command -------------------------------------------------------------


def _register(command: RegisterHousehold, state: HouseholdState) -> Decision:
    if isinstance(state, Household):
        return Refusal("household_exists", "OWN-01", {"household": command.household})
    if command.taken_by is not None:
        return Refusal("place_taken", "OWN-01", {"household": command.taken_by})
    if command.phone is not None and command.owner is None:
        return Refusal("phone_without_owner", "OWN-02")
    member = owner_id(command.household)
    if _of_another(member, command.owner, command.phone):
        return _person_of_another(member)
    if command.kind not in KINDS:
        return unknown("household_kind", command.kind, KINDS, rule="OWN-02")
    if command.source not in SOURCES:
        return unknown("source", command.source, SOURCES, rule="OWN-05")
    told = contact(command.owner, command.phone)
    if isinstance(told, Refusal):
        return told
    name, phone = told
    registered = HouseholdRegistered(
        household=command.household,
        estate=command.estate,
        building=command.building,
        unit=command.unit,
        room=command.room,
        kind=command.kind,
        moved_in=command.moved_in,
        source=command.source,
    )
    if name is None:
        return (registered,)
    owner = MemberAdded(
        household=command.household,
        member=member,
        role="owner",
        since=command.moved_in or EPOCH,
        name=name,
        phone=phone,
        source=command.source,
        kind=command.kind,
    )
    return (registered, owner)


def _kind_of(command: AddMember | TransferOwnership, state: Household) -> str:
    """What a member is: as it is told, else as they are known, else a person."""
    known = state.members().get(command.member)
    return command.kind or ("person" if known is None else known.kind)


def _begun(
    command: AddMember | TransferOwnership, state: Household, role: str, since: date
) -> MemberAdded | Refusal:
    """The beginning of a role, if it overlaps no day on which the member holds it already."""
    if command.kind not in (None, *KINDS):
        return unknown("member_kind", command.kind, KINDS, rule="OWN-02")
    if command.source not in SOURCES:
        return unknown("source", command.source, SOURCES, rule="OWN-05")
    if _of_another(command.member, command.name, command.phone):
        return _person_of_another(command.member)
    told = contact(command.name, command.phone)
    if isinstance(told, Refusal):
        return told
    name, phone = told
    assert name is not None
    last = getattr(command, "until", None)
    held = state.overlapping(command.member, role, since, last)
    if held:
        return _held_already(held[0], since)
    return MemberAdded(
        household=command.household,
        member=command.member,
        role=role,
        since=since,
        name=name,
        phone=phone,
        source=command.source,
        kind=_kind_of(command, state),
    )


def _add_member(command: AddMember, state: HouseholdState) -> Decision:
    if isinstance(state, NoHousehold):
        return _no_file(command.household)
    if command.role not in ROLES:
        return unknown("role", command.role, ROLES, rule="OWN-02")
    if command.until is not None:
        if not command.reason.strip():
            return no_reason("LOG-06")
        if command.until < command.since:
            return _ends_too_early(command, command.since, command.until)
        key = (command.member, command.role, command.since)
        if key in state.begun and state.ended.get(key) in (None, command.until):
            # Entered while it lasted, it comes again with its end.
            ended = _ended(command, Role(*key, None, command.source), command.until)
            return () if key in state.ended else (ended,)
    begun = _begun(command, state, command.role, command.since)
    if isinstance(begun, Refusal):
        return begun
    if command.until is None:
        return (begun,)
    return (begun, _ended(command, begun, command.until))


def _end_role(command: EndRole, state: HouseholdState) -> Decision:
    if isinstance(state, NoHousehold):
        return _no_file(command.household)
    if command.source not in SOURCES:
        return unknown("source", command.source, SOURCES, rule="OWN-05")
    if not command.reason.strip():
        return no_reason("LOG-06")
    held = [r for r in state.holding(command.role) if r.member == command.member]
    if not held:
        if command.until in state.ends(command.member, command.role):
            return ()
        return Refusal("role_not_held", "OWN-02", {"member": command.member, "role": command.role})
    if command.until < held[0].since:
        return _ends_too_early(command, held[0].since, command.until)
    return (_ended(command, held[0], command.until),)


def _ended(
    command: AddMember | EndRole | TransferOwnership, role: Role | MemberAdded, until: date
) -> RoleEnded:
    return RoleEnded(
        household=command.household,
        member=role.member,
        role=role.role,
        until=until,
        reason=command.reason,
        source=command.source,
    )


def _of_another(member: str, *values: Personal | None) -> bool:
    """Whether a value would be sealed under somebody else's key, and outlive the member's."""
    return any(value is not None and value.subject != member for value in values)


def _person_of_another(member: str) -> Refusal:
    return Refusal("person_of_another", "OWN-02", {"member": member})


def _transfer(command: TransferOwnership, state: HouseholdState) -> Decision:
    if isinstance(state, NoHousehold):
        return _no_file(command.household)
    if not command.reason.strip():
        return no_reason("LOG-06")
    last_day = command.on - timedelta(days=1)
    owners = [*state.holding("owner"), *state.holding("co_owner")]
    if any(role.member == command.member for role in owners):
        return Refusal("already_owner", "OWN-02", {"member": command.member})
    begun = _begun(command, state, "owner", command.on)
    if isinstance(begun, Refusal):
        return begun
    late = [role for role in owners if role.since > last_day]
    if late:
        return _ends_too_early(late[0], late[0].since, last_day)
    return (*(_ended(command, role, last_day) for role in owners), begun)


def _change_contact(command: ChangeContact, state: HouseholdState) -> Decision:
    if isinstance(state, NoHousehold):
        return _no_file(command.household)
    if command.member not in state.members():
        return Refusal(
            "unknown_member",
            "OWN-02",
            {"member": command.member, "household": command.household},
        )
    if command.source not in SOURCES:
        return unknown("source", command.source, SOURCES, rule="OWN-05")
    if not command.reason.strip():
        return no_reason("LOG-06")
    if command.name is None and command.phone is None:
        return ()
    if _of_another(command.member, command.name, command.phone):
        return _person_of_another(command.member)
    told = contact(command.name, command.phone)
    if isinstance(told, Refusal):
        return told
    name, phone = told
    return (
        ContactChanged(
            household=command.household,
            member=command.member,
            name=name,
            phone=phone,
            reason=command.reason,
            source=command.source,
        ),
    )


def _record_interest(command: RecordInterest, state: HouseholdState) -> Decision:
    if isinstance(state, NoHousehold):
        return _no_file(command.household)
    if command.source not in SOURCES:
        return unknown("source", command.source, SOURCES, rule="OWN-05")
    if (command.service, command.on) in state.interests:
        return ()
    return (
        InterestRecorded(
            household=command.household,
            service=command.service,
            on=command.on,
            word=command.word,
            source=command.source,
        ),
    )


def _confirm_conduct(command: ConfirmConduct, state: HouseholdState) -> Decision:
    if isinstance(state, NoHousehold):
        return _no_file(command.household)
    if command.kind not in CONDUCT:
        return unknown("conduct", command.kind, CONDUCT, rule="GRD-02")
    if not command.evidence.strip():
        return Refusal("evidence_missing", "GRD-02", sentence="evidence_missing_conduct")
    if (command.kind, command.on) in state.conduct:
        return ()
    return (
        ConductConfirmed(
            household=command.household,
            kind=command.kind,
            on=command.on,
            evidence=command.evidence,
            confirmed_by=command.by.id,
        ),
    )


def _record_condition(command: RecordCondition, state: HouseholdState) -> Decision:
    if isinstance(state, NoHousehold):
        return _no_file(command.household)
    if state.kind != COMMERCIAL:
        return Refusal("not_commercial", "GRD-05", {"household": command.household})
    if not command.evidence.strip():
        return Refusal("evidence_missing", "GRD-05", sentence="evidence_missing_condition")
    recorded = ConditionRecorded(
        household=command.household,
        sound=command.sound,
        evidence=command.evidence,
        on=command.on,
        recorded_by=command.by.id,
    )
    # The look that holds for that very day, told again; one taken back and told anew is none.
    held = state.condition(command.on)
    if held is not None and attrs.evolve(recorded, recorded_by=held.recorded_by) == held:
        return ()
    return (recorded,)


def _agree_debtor(command: AgreeDebtor, state: HouseholdState) -> Decision:
    if isinstance(state, NoHousehold):
        return _no_file(command.household)
    if command.agreement in state.agreed:
        return Refusal("agreement_exists", "PAY-16", {"agreement": command.agreement})
    if not command.document.strip():
        return Refusal("evidence_missing", "PAY-16", sentence="evidence_missing_document")
    if command.until is not None and command.until < command.since:
        return _agreement_reversed(command.agreement, command.since, command.until)
    tenants = [r.member for r in state.holding("tenant", command.since)]
    if command.member not in tenants:
        details = {"member": command.member, "since": command.since.isoformat()}
        return Refusal("debtor_no_tenant", "PAY-16", details)
    return (
        DebtorAgreed(
            household=command.household,
            agreement=command.agreement,
            member=command.member,
            since=command.since,
            until=command.until,
            document=command.document,
        ),
    )


def _release_debtor(command: ReleaseDebtor, state: HouseholdState) -> Decision:
    if isinstance(state, NoHousehold):
        return _no_file(command.household)
    agreed = state.agreed.get(command.agreement)
    if agreed is None:
        return Refusal("unknown_agreement", "PAY-16", {"agreement": command.agreement})
    longer = agreed.until is not None and command.until > agreed.until
    if command.agreement in state.released or longer:
        return Refusal("agreement_over", "PAY-16", {"agreement": command.agreement})
    if not command.reason.strip():
        return no_reason("LOG-06")
    if command.until < agreed.since:
        return _agreement_reversed(command.agreement, agreed.since, command.until)
    return (DebtorReleased(command.household, command.agreement, command.until, command.reason),)


# --- what never was (IMP-01) -------------------------------------------------------------------


def _void(command: VoidHousehold, state: HouseholdState) -> Decision:
    if isinstance(state, NoHousehold):
        return ()
    if not command.reason.strip():
        return no_reason("LOG-06")
    return (HouseholdVoided(command.household, command.on, command.reason),)


def _void_role(command: VoidRole, state: HouseholdState) -> Decision:
    if isinstance(state, NoHousehold):
        return ()
    if not command.reason.strip():
        return no_reason("LOG-06")
    if (command.member, command.role, command.since) not in state.begun:
        return ()
    return (
        RoleVoided(
            household=command.household,
            member=command.member,
            role=command.role,
            since=command.since,
            reason=command.reason,
        ),
    )


def _void_role_end(command: VoidRoleEnd, state: HouseholdState) -> Decision:
    if isinstance(state, NoHousehold):
        return ()
    if not command.reason.strip():
        return no_reason("LOG-06")
    told = (command.member, command.role, command.until)
    since = [key[2] for key, until in state.ended.items() if (*key[:2], until) == told]
    if not since:
        return ()
    return (
        RoleEndVoided(
            household=command.household,
            member=command.member,
            role=command.role,
            since=since[-1],
            until=command.until,
            reason=command.reason,
        ),
    )


def _agreement_reversed(agreement: str, since: date, until: date) -> Refusal:
    days = {"since": since.isoformat(), "until": until.isoformat()}
    return Refusal("agreement_ends_before_it_begins", "PAY-16", {"agreement": agreement, **days})


_DECIDE: dict[type, Any] = {
    RegisterHousehold: _register,
    AddMember: _add_member,
    EndRole: _end_role,
    TransferOwnership: _transfer,
    ChangeContact: _change_contact,
    RecordInterest: _record_interest,
    ConfirmConduct: _confirm_conduct,
    RecordCondition: _record_condition,
    AgreeDebtor: _agree_debtor,
    ReleaseDebtor: _release_debtor,
    VoidHousehold: _void,
    VoidRole: _void_role,
    VoidRoleEnd: _void_role_end,
}


# --- what follows from an event --------------------------------------------------------------


def _registered(_: HouseholdState, e: HouseholdRegistered) -> HouseholdState:
    return Household(
        household=e.household,
        estate=e.estate,
        building=e.building,
        unit=e.unit,
        room=e.room,
        kind=e.kind,
        moved_in=e.moved_in,
        source=e.source,
        begun=EMPTY,
        ended=EMPTY,
        contacts=EMPTY,
        interests=EMPTY,
        conduct=EMPTY,
    )


def _member_added(state: HouseholdState, e: MemberAdded) -> HouseholdState:
    if isinstance(state, NoHousehold):
        return state
    contacts = state.contacts
    return attrs.evolve(
        state,
        begun=state.begun.add((e.member, e.role, e.since), e.source),
        contacts=contacts.add(len(contacts), Member(e.member, e.name, e.phone, e.kind)),
    )


def _role_ended(state: HouseholdState, e: RoleEnded) -> HouseholdState:
    if isinstance(state, NoHousehold):
        return state
    ended = state.ended
    for role in state.holding(e.role):
        # One that was over before is told with its end, beside one that goes on.
        if role.member == e.member and role.since <= e.until:
            ended = ended.add((role.member, role.role, role.since), e.until)
    return attrs.evolve(state, ended=ended)


def _contact_changed(state: HouseholdState, e: ContactChanged) -> HouseholdState:
    if isinstance(state, NoHousehold):
        return state
    before = state.members().get(e.member)
    if before is None:
        return state
    changed = attrs.evolve(before, name=e.name or before.name, phone=e.phone or before.phone)
    return attrs.evolve(state, contacts=state.contacts.add(len(state.contacts), changed))


def _interest_recorded(state: HouseholdState, e: InterestRecorded) -> HouseholdState:
    if isinstance(state, NoHousehold):
        return state
    return attrs.evolve(state, interests=state.interests.add((e.service, e.on), e.word))


def _conduct_confirmed(state: HouseholdState, e: ConductConfirmed) -> HouseholdState:
    if isinstance(state, NoHousehold):
        return state
    return attrs.evolve(state, conduct=state.conduct.add((e.kind, e.on), e.evidence))


def _condition_recorded(state: HouseholdState, e: ConditionRecorded) -> HouseholdState:
    if isinstance(state, NoHousehold):
        return state
    return attrs.evolve(state, conditions=state.conditions.append(e))


def _debtor_agreed(state: HouseholdState, e: DebtorAgreed) -> HouseholdState:
    if isinstance(state, NoHousehold):
        return state
    return attrs.evolve(state, agreed=state.agreed.add(e.agreement, e))


def _debtor_released(state: HouseholdState, e: DebtorReleased) -> HouseholdState:
    if isinstance(state, NoHousehold):
        return state
    return attrs.evolve(state, released=state.released.add(e.agreement, e.until))


def _voided(_: HouseholdState, __: HouseholdVoided) -> HouseholdState:
    return NoHousehold()


def _role_voided(state: HouseholdState, e: RoleVoided) -> HouseholdState:
    if isinstance(state, NoHousehold):
        return state
    held = (e.member, e.role, e.since)
    begun = without(state.begun, held)
    # What was told of somebody goes with the last role that they hold or held.
    contacts = state.contacts
    if all(member != e.member for member, _, _ in begun):
        gone = [number for number, one in contacts.items() if one.member == e.member]
        contacts = without(contacts, *gone)
    return attrs.evolve(state, begun=begun, ended=without(state.ended, held), contacts=contacts)


def _role_end_voided(state: HouseholdState, e: RoleEndVoided) -> HouseholdState:
    if isinstance(state, NoHousehold):
        return state
    return attrs.evolve(state, ended=without(state.ended, (e.member, e.role, e.since)))


evolve: Evolve = by_event(
    {
        HouseholdRegistered: _registered,
        MemberAdded: _member_added,
        RoleEnded: _role_ended,
        ContactChanged: _contact_changed,
        InterestRecorded: _interest_recorded,
        ConductConfirmed: _conduct_confirmed,
        ConditionRecorded: _condition_recorded,
        DebtorAgreed: _debtor_agreed,
        DebtorReleased: _debtor_released,
        HouseholdVoided: _voided,
        RoleVoided: _role_voided,
        RoleEndVoided: _role_end_voided,
    }
)


_VOIDING = frozenset({VoidHousehold, VoidRole, VoidRoleEnd})


def _claims(command: Any) -> tuple[Claim, ...]:
    if isinstance(command, VoidHousehold):
        released = PlaceReleased(command.household, command.place)
        return (Claim(f"place/{command.place}", released),)
    if not isinstance(command, RegisterHousehold):
        return ()
    place = place_key(command.estate, command.building, command.unit, command.room)
    return (Claim(f"place/{place}", PlaceClaimed(command.household, place)),)


def _household(command: Any) -> str:
    return command.household  # type: ignore[no-any-return]


HOUSEHOLD = Aggregate(
    decider=Decider("household", NoHousehold(), by_command(_DECIDE), evolve),
    commands=tuple(_DECIDE),
    id_of=_household,
    household_of=_household,
    needs_file=False,
    # What still ends in a file that was merged, or never was, is said there; all else is said to
    # the surviving one.
    closed_by_merge=frozenset(_DECIDE) - {EndRole, ReleaseDebtor, *_VOIDING},
    claims=_claims,
    inside=_VOIDING,
)


def _no_file(household: str) -> Refusal:
    return Refusal("unknown_household", "OWN-01", {"household": household})


def _held_already(held: Role, since: date) -> Refusal:
    details = {"member": held.member, "role": held.role, "since": held.since.isoformat()}
    if held.until is not None:
        # Over by now, but not on those days.
        details["until"] = held.until.isoformat()
        return Refusal("role_held", "OWN-02", details, "role_held_before")
    if since < held.since:
        return Refusal("role_held", "OWN-02", details, "role_held_later")
    return Refusal("role_held", "OWN-02", details)


def _ends_too_early(role: Role | AddMember | EndRole, since: date, until: date) -> Refusal:
    return Refusal(
        "role_ends_before_it_begins",
        "OWN-02",
        {
            "member": role.member,
            "role": role.role,
            "since": since.isoformat(),
            "until": until.isoformat(),
        },
    )
