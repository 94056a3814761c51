"""Work in progress: streams loaded for one command or for many, and the commits that follow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

import attrs

from crm_core.application.authority import Authority
from crm_core.errors import Fault, Invalid
from crm_core.events import catalog
from crm_core.gradings.adoption import ADOPTION
from crm_core.gradings.commands import AcceptAutomatic, ContestGrading, RefuseAutomatic
from crm_core.gradings.decide import GRADING, RUN
from crm_core.gradings.lookups import ABOUT_GRADINGS, ABOUT_POLICIES, Lookups
from crm_core.kernel.aggregate import Aggregate, Claim
from crm_core.kernel.canonical import digest_of
from crm_core.kernel.commands import act_of, fields_said, given_by
from crm_core.kernel.dates import local_date
from crm_core.kernel.decider import Refusal
from crm_core.kernel.recorded import Actor, Commit, Envelope, StreamAppend, Tip
from crm_core.kernel.sealed import Personal
from crm_core.kernel.sentences import Malformed
from crm_core.kernel.text import check_id
from crm_core.messages import MESSAGES
from crm_core.messages.commands import Known, QueueMessage
from crm_core.messages.policy import MessagePolicy
from crm_core.messages.template import Template
from crm_core.owners import HOUSEHOLD
from crm_core.owners.commands import ROLES, RegisterHousehold
from crm_core.owners.state import Household
from crm_core.payments import ACCOUNT, COLLECTION
from crm_core.payments.collection.commands import AdvanceCollection
from crm_core.payments.collection.dues import dues
from crm_core.payments.collection.policy import CollectionPolicy
from crm_core.payments.commands import ClaimLateCharge, MovePayment
from crm_core.payments.credit import CreditPolicy
from crm_core.payments.late import LateChargePolicy
from crm_core.policies import DEFAULT_COLLECTION, DEFAULT_MESSAGES, DEFAULT_SLA, PolicyBook
from crm_core.ports import EventLog
from crm_core.requests import FINDING, INCIDENT, PLAN, REQUEST, WARNING
from crm_core.requests.commands import LinkToIncident, Rebase, ReceiveRequest
from crm_core.requests.incidents import GatherRequest
from crm_core.requests.sla import SlaPolicy
from crm_core.requests.state import Request
from crm_core.staff import REGISTER, ROSTER, STAFF

AGGREGATES = (
    HOUSEHOLD,
    ACCOUNT,
    COLLECTION,
    REQUEST,
    INCIDENT,
    FINDING,
    PLAN,
    WARNING,
    ROSTER,
    STAFF,
    REGISTER,
    GRADING,
    RUN,
    ADOPTION,
    MESSAGES,
)

_MEASURED = tuple(
    command
    for command in REQUEST.commands
    if "policy" in attrs.fields_dict(command) and command not in (ReceiveRequest, Rebase)
)
"""Commands that are decided by the policy that the request pins (REQ-14)."""

_BY_COMMAND = {command: aggregate for aggregate in AGGREGATES for command in aggregate.commands}


def stream_of(command: Any) -> str:
    """The stream a command is for.

    Raises:
        Invalid: it is no command of this library.
    """
    aggregate = _aggregate(command)
    return aggregate.stream(aggregate.id_of(command))


class Planned(NamedTuple):
    """A command to be run in bulk.

    Args:
        command: The command.
        id: Its id; known ids are passed over.
        at: When the company knew: the recorded instant of its events.
        origin: Whatever the caller needs to find it again.
    """

    command: Any
    id: str
    at: datetime
    origin: Any = None


class Work:
    """Streams, each loaded and folded once and kept up as commands are decided.

    Args:
        log: Where streams are loaded from.
        policies: Where policies are looked up.
        zone: Zone in which instants fall on days.
        authority: Who may do what today.
    """

    def __init__(
        self, log: EventLog, policies: PolicyBook, zone: str, authority: Authority
    ) -> None:
        self._log = log
        self._policies = policies
        self._zone = zone
        self._authority = authority
        self._day = authority.day
        self._may: dict[tuple[type, Actor, bool], Refusal | None] = {}
        self._states: dict[str, tuple[Any, Tip]] = {}
        self._files: set[str] = set()
        self._sla: dict[date, SlaPolicy] = {}
        self._effective = {kind.cls: kind.effective for kind in catalog().types}
        self._empty = log.empty()
        self._lookups: dict[type, Callable[[Any, Any, Sequence[Claim], datetime], Any]] = {
            **dict.fromkeys(_MEASURED, self._with_pinned_policy),
            RegisterHousehold: self._with_place,
            ReceiveRequest: self._with_policy,
            Rebase: self._with_policy,
            MovePayment: self._with_receiver,
            **dict.fromkeys(ABOUT_GRADINGS, self._about_grading),
            **dict.fromkeys(ABOUT_POLICIES, self._about_policy),
            **dict.fromkeys((AcceptAutomatic, ContestGrading, RefuseAutomatic), self._with_file),
            **dict.fromkeys(MESSAGES.commands, self._with_members),
            ClaimLateCharge: self._with_late_charge,
            AdvanceCollection: self._with_dues,
            GatherRequest: self._with_gathered,
        }

    def plan(
        self,
        command: Any,
        command_id: str,
        digest: str,
        by: Actor,
        at: datetime,
        *,
        inside: bool = False,
        imported: datetime | None = None,
        purpose: str | None = None,
        correlation: str | None = None,
        causation: str | None = None,
    ) -> Commit | Refusal:
        """The commit that follows from the command, or why not.

        Args:
            by: Who gives it.
            at: The recorded instant of its events.
            inside: Whether the library itself gives it: then nobody has to be allowed to.
        """
        kind: type = type(command)
        aggregate = _aggregate(command)
        if not inside:
            refused = self._refused(kind, by, aggregate, imported is not None)
            if refused is not None:
                return refused
        stream = aggregate.stream(aggregate.id_of(command))
        state, tip = self._states.get(stream) or self._load(aggregate, stream)
        household = aggregate.household_of(command) or getattr(state, "household", "")
        if aggregate.needs_file and household and not self._has_file(household):
            return _no_file(household)
        if not inside:
            refused = self._authority.refuses_command(by, command, household, self._members)
            if refused is not None:
                return refused
            refused = self._authority.refuses_own(by, act_of(kind), aggregate.own(command, state))
            if refused is not None:
                return refused
        command = given_by(command, by, imported=imported is not None)
        actor = str(by)
        # A day that a caller names is no present; the clock's own steps come at the instant it is.
        self._day = local_date(at, self._zone) if inside else self._authority.day
        claims = aggregate.claims(command)
        lookup = self._lookups.get(type(command))
        if lookup is not None:
            command = lookup(command, state, claims, at)
        decided = aggregate.decider.decide(command, state)
        if isinstance(decided, Refusal):
            return decided
        if not decided:
            return Commit(command_id, digest, ())
        evolve = aggregate.decider.evolve
        envelopes: list[Envelope[Any]] = []
        for event in (*decided, *[claim.event for claim in claims]):
            field = self._effective[type(event)]
            effective = None if field is None else getattr(event, field)
            envelopes.append(
                Envelope(
                    actor,
                    command_id,
                    event,
                    effective or local_date(at, self._zone),
                    at,
                    len(envelopes),
                    causation,
                    correlation,
                    imported,
                    purpose,
                )
            )
        count = len(decided)
        for event in decided:
            state = evolve(state, event)
        # The log knows the digest of what it is about to write; here only the version counts.
        self._states[stream] = (state, Tip(tip.version + count, "?"))
        own = StreamAppend(stream, tip, household, tuple(envelopes[:count]))
        taken = [
            self._claimed(claim, household, envelope)
            for claim, envelope in zip(claims, envelopes[count:], strict=True)
        ]
        return Commit(command_id, digest, (own, *taken))

    def _refused(
        self, kind: type, by: Actor, aggregate: Aggregate, imported: bool
    ) -> Refusal | None:
        """Why that person may not give such a command at all; asked once for all of a kind."""
        key = (kind, by, imported)
        if key not in self._may:
            if kind in aggregate.inside:
                self._may[key] = Refusal("given_inside_only", "LOG-08", {"act": act_of(kind)})
            else:
                self._may[key] = self._authority.refuses(by, act_of(kind), imported=imported)
        return self._may[key]

    def _members(self, household: str) -> dict[str, frozenset[str]]:
        """The members of a file with every role they hold or held."""
        file, _tip = self._states.get(HOUSEHOLD.stream(household)) or self._load(
            HOUSEHOLD, HOUSEHOLD.stream(household)
        )
        found: dict[str, frozenset[str]] = {}
        if isinstance(file, Household):
            for role in file.roles():
                found[role.member] = found.get(role.member, frozenset()) | {role.role}
        return found

    def tip(self, stream: str) -> Tip:
        """Where a loaded stream stands."""
        return self._states[stream][1]

    def _claimed(self, claim: Claim, household: str, taken: Envelope[Any]) -> StreamAppend:
        _, tip = self._states.get(claim.stream) or self._load(None, claim.stream)
        self._states[claim.stream] = (claim.event, Tip(tip.version + 1, "?"))
        return StreamAppend(claim.stream, tip, household, (taken,))

    def _load(self, aggregate: Aggregate | None, stream: str) -> tuple[Any, Tip]:
        """State and tip of a stream; of a claim's stream the last event is the state."""
        state, tip = (None if aggregate is None else aggregate.decider.initial), Tip()
        if aggregate is not None:
            _check_id(stream.partition("/")[2])
        if not self._empty:
            evolve = _last if aggregate is None else aggregate.decider.evolve
            state, tip = self._log.fold(stream, evolve, state)
        self._states[stream] = (state, tip)
        return state, tip

    def _has_file(self, household: str) -> bool:
        if household in self._files:
            return True
        stream = HOUSEHOLD.stream(household)
        state, _ = self._states.get(stream) or self._load(HOUSEHOLD, stream)
        if not isinstance(state, Household):
            return False
        self._files.add(household)
        return True

    # --- facts looked up for a command ----------------------------------------------------

    def _with_place(
        self, command: RegisterHousehold, _state: Any, claims: Sequence[Claim], _: datetime
    ) -> Any:
        [claim] = claims
        taken, _tip = self._states.get(claim.stream) or self._load(None, claim.stream)
        if taken is None:
            return command
        return attrs.evolve(command, taken_by=taken.household)

    def _with_policy(
        self, command: ReceiveRequest | Rebase, _state: Any, _: Sequence[Claim], at: datetime
    ) -> Any:
        day = local_date(at, self._zone)
        policy = self._sla.get(day)
        if policy is None:
            policy = self._sla[day] = self._policies.find(SlaPolicy, DEFAULT_SLA, day)
        return attrs.evolve(command, policy=policy)

    def _with_pinned_policy(
        self, command: Any, state: Any, _: Sequence[Claim], _at: datetime
    ) -> Any:
        if not isinstance(state, Request):
            return command
        return attrs.evolve(command, policy=self._policies.pinned(SlaPolicy, state.policy))

    def _with_gathered(
        self, command: GatherRequest, _state: Any, _: Sequence[Claim], _at: datetime
    ) -> GatherRequest:
        # What an incident gathers must be able to follow it, so the request is asked first.
        stream = REQUEST.stream(command.request)
        request, _tip = self._states.get(stream) or self._load(REQUEST, stream)
        link = LinkToIncident(command.request, command.incident)
        linked = REQUEST.decider.decide(link, request)
        refusal = linked if isinstance(linked, Refusal) else None
        return attrs.evolve(command, refused_there=refusal)

    def _with_receiver(
        self, command: MovePayment, _state: Any, _: Sequence[Claim], _at: datetime
    ) -> MovePayment:
        # What leaves one account must enter the other, so the other is asked first.
        stream = ACCOUNT.stream(command.to_household)
        receiver, _tip = self._states.get(stream) or self._load(ACCOUNT, stream)
        refusal: Refusal | None = None
        if not self._has_file(command.to_household):
            refusal = _no_file(command.to_household)
        elif not receiver.takes(command.payment):
            refusal = Refusal(
                "payment_exists",
                "PAY-01",
                {"payment": command.payment},
                "payment_exists_there",
            )
        return attrs.evolve(command, refused_there=refusal)

    def _about_grading(self, command: Any, _state: Any, _: Sequence[Claim], _at: datetime) -> Any:
        state, _tip = self._states[GRADING.stream(command.household)]
        return Lookups(self._log, self._policies, self._zone).about_grading(command, state)

    def _about_policy(self, command: Any, _state: Any, _: Sequence[Claim], _at: datetime) -> Any:
        return Lookups(self._log, self._policies, self._zone).about_policy(command)

    def _with_file(self, command: Any, _state: Any, _: Sequence[Claim], _at: datetime) -> Any:
        return attrs.evolve(command, members=self._members(command.household))

    def _with_members(self, command: Any, _state: Any, _: Sequence[Claim], at: datetime) -> Any:
        day = local_date(at, self._zone)
        template = neutral = None
        if isinstance(command, QueueMessage):
            template = self._policies.find(Template, command.template, day)
            if template.neutral:
                neutral = self._policies.find(Template, template.neutral, day)
        stream = HOUSEHOLD.stream(command.household)
        file, _tip = self._states.get(stream) or self._load(HOUSEHOLD, stream)
        holding = [role.member for name in ROLES for role in file.holding(name, day)]
        policy = self._policies.find(MessagePolicy, DEFAULT_MESSAGES, day)
        known = Known(at, self._zone, policy, tuple(dict.fromkeys(holding)), template, neutral)
        return attrs.evolve(command, known=known)

    def _with_late_charge(
        self, command: ClaimLateCharge, _state: Any, _: Sequence[Claim], _at: datetime
    ) -> ClaimLateCharge:
        policy = self._policies.find(LateChargePolicy, command.policy_name, command.on)
        return attrs.evolve(command, policy=policy)

    def _with_dues(
        self, command: AdvanceCollection, _state: Any, _: Sequence[Claim], _at: datetime
    ) -> AdvanceCollection:
        policy = self._policies.find(CollectionPolicy, DEFAULT_COLLECTION, command.on)
        stream = ACCOUNT.stream(command.household)
        account, _tip = self._states.get(stream) or self._load(ACCOUNT, stream)
        credit = self._policies.find(CreditPolicy, policy.credit, command.on)
        found = dues(account, command.on, credit)
        return attrs.evolve(command, dues=found, policy=policy, present_day=self._day)


def _last(_state: Any, event: Any) -> Any:
    return event


def command_digest(command: Any, fingerprint: Callable[[Personal], str]) -> str:
    """Digest of what a command says.

    What is looked up is no part of it: it may be found otherwise when the command comes again. Nor
    is who gives it: the first receipt, which names the first actor, is all that a repeat gets.

    Args:
        fingerprint: What stands for a personal value: a digest under the person's own key, so
            that nobody can guess the value from it, and nobody at all once the key is gone.
    """

    def said(value: Any) -> Any:
        if isinstance(value, Personal):
            return {"fingerprint": fingerprint(value), "subject": value.subject}
        if attrs.has(type(value)):
            kind: type = type(value)
            return {name: said(getattr(value, name)) for name in fields_said(kind)}
        if isinstance(value, list | tuple):
            return [said(item) for item in value]
        if isinstance(value, dict):
            return {str(key): said(item) for key, item in value.items()}
        if isinstance(value, date):
            return value.isoformat()
        return value

    return digest_of([type(command).__name__, said(command)])


def _no_file(household: str) -> Refusal:
    return Refusal(
        "unknown_household",
        "OWN-01",
        {"household": household},
    )


def _aggregate(command: Any) -> Aggregate:
    aggregate = _BY_COMMAND.get(type(command))
    if aggregate is None:
        raise Invalid.one("command_unknown", kind=type(command).__name__)
    return aggregate


def _check_id(text: str) -> None:
    try:
        check_id(text)
    except Malformed as error:
        raise Invalid([Fault.of("id_malformed", error, repr(text))]) from error
