"""Work in progress: the commits that follow from commands, one after another."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any, NamedTuple

import attrs

from crm_core.application.authority import Authority
from crm_core.application.lookups import CROSSING
from crm_core.application.sight import WorkSight
from crm_core.application.streams import Streams, merged_into, no_file
from crm_core.application.texts import Texts
from crm_core.errors import Invalid
from crm_core.kernel.aggregate import Aggregate, Beside, Claim
from crm_core.kernel.canonical import canonical, digest_of
from crm_core.kernel.commands import act_of, fields_said, given_by
from crm_core.kernel.dates import local_date
from crm_core.kernel.decider import Refusal
from crm_core.kernel.recorded import HOUSEHOLD_ROLES, Actor, Commit, Envelope, StreamAppend, Tip
from crm_core.kernel.registry import Registry
from crm_core.kernel.sealed import Erased, Personal, Withheld
from crm_core.kernel.sealing import changed_texts
from crm_core.kernel.subjects import joined, parts, standing
from crm_core.policies import PolicyBook
from crm_core.ports import EventLog, KeyVault


class Planned(NamedTuple):
    """A command to be run in bulk.

    Args:
        command: The command.
        id: Its id; known ids are passed over.
        at: When the company knew: the recorded instant of its events.
        origin: Whatever the caller needs to find it again.
        about: Whom its texts are about besides those that they are about by themselves.
    """

    command: Any
    id: str
    at: datetime
    origin: Any = None
    about: tuple[str, ...] = ()


class Work:
    """Commands decided one after another, each on what those before it left behind.

    Args:
        log: Where streams are loaded from.
        registry: Who takes which command.
        policies: Where policies are looked up.
        zone: Zone in which instants fall on days.
        authority: Who may do what today.
        vault: Knows who is erased, and stands for what a command says.
    """

    def __init__(
        self,
        log: EventLog,
        registry: Registry,
        policies: PolicyBook,
        zone: str,
        authority: Authority,
        vault: KeyVault,
    ) -> None:
        self._registry = registry
        self._vault = vault
        self._zone = zone
        self._authority = authority
        self._may: dict[tuple[type, Actor, bool], Refusal | None] = {}
        self._streams = Streams(log, Texts(vault))
        self._sight = WorkSight(
            streams=self._streams,
            log=log,
            registry=registry,
            policies=policies,
            zone=zone,
            day=authority.day,
        )

    def plan(
        self,
        command: Any,
        command_id: str,
        by: Actor,
        at: datetime,
        *,
        told: bool = True,
        inside: bool = False,
        imported: datetime | None = None,
        purpose: str | None = None,
        correlation: str | None = None,
        causation: str | None = None,
        about: Iterable[str] = (),
    ) -> Commit | Refusal:
        """The commit that follows from the command, or why not.

        Args:
            by: Who gives it.
            at: The recorded instant of its events.
            told: Whether it is kept what the command says, to know it again.
            about: Whom its texts are about besides those that they are about by themselves.
            inside: Whether the library itself gives it: then nobody has to be allowed to.
        """
        kind: type = type(command)
        aggregate = aggregate_of(self._registry, command)
        if not inside:
            refused = self._refused(kind, by, aggregate, imported is not None)
            if refused is not None:
                return refused
        streams = self._streams
        stream = aggregate.stream(aggregate.id_of(command))
        state, tip = streams.load(aggregate, stream)
        household = aggregate.household_of(command) or getattr(state, "household", "")
        if aggregate.needs_file and household and not streams.has_file(household):
            was_told = aggregate.void_too and streams.ever(household) is not None
            if not was_told:
                return no_file(household)
        if kind in aggregate.closed_by_merge and (into := streams.survivor(household)) != household:
            return merged_into(household, into)
        if not inside:
            refused = self._authority.refuses_command(by, command, household, streams.members)
            if refused is not None:
                return refused
            refused = self._authority.refuses_own(by, act_of(kind), aggregate.own(command, state))
            if refused is not None:
                return refused
        others: list[str] = []
        for one in about:
            subject = self._subject_of(one, household, by)
            if subject is None:
                return Refusal("about_unknown", "PRV-02", {"about": one})
            others.append(subject)
        said = command
        known = self._authority.known(by)
        command = given_by(command, known, imported=imported is not None)
        claims = aggregate.claims(command)
        # What the slice knows by itself comes first, what crosses slices may build on it.
        found = (self._registry.look_ups.get(kind), CROSSING.get(kind))
        look_ups = [look_up for look_up in found if look_up is not None]
        if look_ups:
            # A day that a caller names is no present; the clock's own steps come at the instant
            # it is.
            day = local_date(at, self._zone) if inside else self._authority.day
            self._sight.at, self._sight.present_day = at, day
            for look_up in look_ups:
                command = look_up(command, state, self._sight)
        decided = aggregate.decider.decide(command, state)
        if isinstance(decided, Refusal):
            return decided
        if not decided:
            return Commit(command_id, "", ())
        evolve = aggregate.decider.evolve
        actor, effective_of = str(by), self._registry.effective
        envelopes: list[Envelope[Any]] = []
        beside = aggregate.beside(command, decided)
        at_once = (*[claim.event for claim in claims], *[one.event for one in beside])
        subject_of, erased = self._registry.concerned.subject, self._vault.is_erased
        asked, subjects = aggregate.asked(state), list[str]()
        for event in (*decided, *at_once):
            field = effective_of[type(event)]
            effective = None if field is None else getattr(event, field)
            subject = subject_of(
                event,
                household,
                asked=asked,
                others=others,
                erased=erased,
                spoken=bool(purpose),
            )
            gone = [one for one in parts(subject) if one and erased(one) and one not in others]
            envelopes.append(
                Envelope(
                    actor=actor,
                    command=command_id,
                    data=_closed(event, subject) if gone else event,
                    effective=effective or local_date(at, self._zone),
                    recorded=at,
                    nth=len(envelopes),
                    causation=causation,
                    correlation=correlation,
                    imported=imported,
                    purpose=None if gone else purpose,
                )
            )
            subjects.append(subject)
        count = len(decided)
        for event in decided:
            state = evolve(state, event)
        # The log knows the digest of what it is about to write; here only the version counts.
        streams.known[stream] = (state, Tip(tip.version + count, "?"))
        own = StreamAppend(
            stream=stream,
            tip=tip,
            household=household,
            events=tuple(envelopes[:count]),
            about=tuple(subjects[:count]),
        )
        with_them = zip(envelopes[count:], subjects[count:], strict=True)
        taken = [self._claimed(claim, household, *next(with_them)) for claim in claims]
        at_their_side = [self._beside(one, *next(with_them)) for one in beside]
        digest = self._digest(said, subjects) if told else ""
        return Commit(command_id, digest, (own, *taken, *at_their_side))

    def _subject_of(self, named: str, household: str, by: Actor) -> str | None:
        """The subject that somebody is whom a text is said to be about; None if nobody is known.

        Who acts for a household knows nobody of another one, nor learns here who there is.
        """
        streams = self._streams
        if by.role in HOUSEHOLD_ROLES and named not in (household, *streams.members(household)):
            return None
        homes = (household, named.partition("#")[0])
        if any(home and named in streams.members(home) for home in homes):
            return named
        if streams.has_file(named):
            return standing(named, self._vault.is_erased)
        return named if self._authority.register.names(named) else None

    def _digest(self, command: Any, subjects: Iterable[str]) -> str:
        """What stands for what a command says, and dies with those whom its texts are about."""
        subject = joined(part for one in subjects if one for part in parts(one))
        if any(self._vault.is_erased(one) for one in parts(subject)):
            # Of one of the staff who is erased: it is known again by its id alone.
            return f"{_ABOUT}{subject}"
        return command_digest(command, self._vault.fingerprint, subject)

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

    def _claimed(
        self, claim: Claim, household: str, taken: Envelope[Any], about: str
    ) -> StreamAppend:
        _, tip = self._streams.claimed(claim)
        self._streams.known[claim.stream] = (claim.event, Tip(tip.version + 1, "?"))
        return StreamAppend(
            stream=claim.stream, tip=tip, household=household, events=(taken,), about=(about,)
        )

    def _beside(self, one: Beside, envelope: Envelope[Any], about: str) -> StreamAppend:
        state, tip = self._streams.load(one.aggregate, one.stream)
        state = one.aggregate.decider.evolve(state, one.event)
        self._streams.known[one.stream] = (state, Tip(tip.version + 1, "?"))
        return StreamAppend(
            stream=one.stream, tip=tip, household="", events=(envelope,), about=(about,)
        )

    def sight(self, at: datetime) -> WorkSight:
        """What look-ups of the library's own steps would see at an instant."""
        self._sight.at, self._sight.present_day = at, local_date(at, self._zone)
        return self._sight

    def tip(self, stream: str) -> Tip:
        """Where a loaded stream stands."""
        return self._streams.known[stream][1]


def _closed(event: Any, subject: str) -> Any:
    """What is recorded of somebody who is erased: that it was so, and nothing that was typed.

    The role of one of the staff must be ended, and their erasure said again in an older log; there
    is no home whose key the words could stand under.
    """
    return changed_texts(event, lambda value, _: Withheld(Erased.code, subject) if value else value)


def aggregate_of(registry: Registry, command: Any) -> Aggregate:
    """The aggregate that takes a command.

    Raises:
        Invalid: it is no command of any slice.
    """
    aggregate = registry.by_command.get(type(command))
    if aggregate is None:
        raise Invalid.one("command_unknown", kind=type(command).__name__)
    return aggregate


def command_digest(command: Any, fingerprint: Callable[[Personal], str], subject: str = "") -> str:
    """Digest of what a command says.

    What is looked up is no part of it: it may be found otherwise when the command comes again. Nor
    is who gives it: the first receipt, which names the first actor, is all that a repeat gets.

    Args:
        fingerprint: What stands for a personal value: a digest under the person's own key, so
            that nobody can guess the value from it, and nobody at all once the key is gone.
        subject: Whom the texts in it are about, if there are any: then the whole is a fingerprint
            under their keys, and names them, `FINGERPRINT@SUBJECT`.
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

    content = [type(command).__name__, said(command)]
    if not subject:
        return digest_of(content)
    return f"{fingerprint(Personal(subject, canonical(content).decode()))}{_ABOUT}{subject}"


def same_command(command: Any, digest: str, fingerprint: Callable[[Personal], str]) -> bool:
    """Whether a command says what the one said that has the digest.

    Raises:
        PersonErased: nobody can tell any more, as those it is about are erased.
    """
    _, _, subject = digest.partition(_ABOUT)
    return command_digest(command, fingerprint, subject) == digest


_ABOUT = "@"
"""Stands between a fingerprint and whom it is about; no fingerprint has one."""
