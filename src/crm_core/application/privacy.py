"""Rights of the persons that the log knows: what may be done with their data (PRV-05), a copy of
everything about them, and who saw what (PRV-09, PRV-06, 0053, 0058).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import cached_property
from typing import Any

from attrs import asdict, evolve

from crm_core.application.access import HOST, Access, stated
from crm_core.application.authority import OF_HOUSEHOLD, acting
from crm_core.application.checking import circumstance, utc
from crm_core.application.erasing import Erasing, Erasure
from crm_core.application.host import Host
from crm_core.application.leaks import Leaks
from crm_core.application.listing import Listing, listing
from crm_core.application.looking import Look
from crm_core.application.portable import Entry, Subject, Writer
from crm_core.application.read_purposes import told
from crm_core.application.records import records_of
from crm_core.application.residents import ResidentsOfAll
from crm_core.errors import Invalid, Refused
from crm_core.exports import TakeList
from crm_core.gradings.record import OF_RECORD, TRIAL, Records
from crm_core.kernel.dates import instant_text
from crm_core.kernel.decider import Refusal
from crm_core.kernel.history import visible
from crm_core.kernel.recorded import HOUSEHOLD_ROLES, STAFF_ROLES, Actor, Recorded
from crm_core.kernel.sentences import LANGS, say
from crm_core.kernel.text import check_storable
from crm_core.kernel.values import frozen
from crm_core.messages.staff import STAFF_MESSAGES
from crm_core.owners.facts import MEMBER_ADDED
from crm_core.owners.prospects import PROSPECT
from crm_core.ports import Progress, silent
from crm_core.privacy import EraseHousehold, EraseMember, EraseStaff
from crm_core.privacy.consent import Use
from crm_core.reads import Read, ReadLog, Seen
from crm_core.requests import REQUEST
from crm_core.staff import STAFF

FORMAT = "crm-core.person-export/1"
"""Name and version of the form of an export; `docs/reference/person-export.md` tells its keys."""

_OF_STAFF = (f"{STAFF.decider.name}/", f"{STAFF_MESSAGES.decider.name}/")
"""How the streams begin that are of one member of staff."""

_OF_PROSPECT = f"{PROSPECT.decider.name}/"
"""How a stream begins that is of one who may become a customer, or became one."""


@frozen
class Role:
    """A role that somebody holds or held in the household."""

    member: str
    role: str
    since: str
    until: str | None


@frozen
class PersonExport:
    """Everything about a household, a member of one, or a member of staff.

    Args:
        household: The household; None for a member of staff.
        member: The member, if it is about one.
        staff: The member of staff, if it is about one.
        position: Everything in the log up to there was looked at.
        known: Only what was recorded by then is in it; None for all.
        made_at: When it was made.
        made_by: Who made it, as `role:id`: a copy that turns up elsewhere tells who had it made.
        purpose: What for.
        roles: The roles of those it is about, in the household.
        values: How many personal values were opened, and how many were not, by why.
        events: In the order of the log.
    """

    household: str | None
    member: str | None
    staff: str | None
    position: int
    known: datetime | None
    made_at: datetime
    made_by: str
    purpose: str
    roles: tuple[Role, ...]
    values: dict[str, int]
    events: tuple[Entry, ...]

    def as_dict(self) -> dict[str, Any]:
        """As plain data with stable keys."""
        return {
            "format": FORMAT,
            "subject": {
                "household": self.household,
                "member": self.member,
                "staff": self.staff,
            },
            "as_of": {
                "position": self.position,
                "known": None if self.known is None else instant_text(self.known),
            },
            "made": {
                "at": instant_text(self.made_at),
                "by": self.made_by,
                "purpose": self.purpose,
            },
            "roles": [asdict(role) for role in self.roles],
            "values": dict(self.values),
            # Not recursively: what an event holds is plain data already.
            "events": [asdict(entry, recurse=False) for entry in self.events],
        }


@frozen
class Watermark:
    """What a list that left says of who took it: its number stands in the log, if it needs one."""

    export: str
    at: datetime
    actor: str
    purpose: str

    def told(self) -> str:
        """As it stands in the file, in both languages."""
        said = {
            "export": self.export,
            "at": instant_text(self.at),
            "actor": self.actor,
            "purpose": self.purpose,
        }
        code = "watermark" if self.export else "made_for" if self.purpose else "made"
        return " / ".join(say("export", code, lang, **said) for lang in LANGS)


COPY = "copy"
"""What the read log calls a copy of everything."""


class Privacy:
    """Rights of persons.

    Args:
        host: Ports.
        access: Knows who may ask, and who may see what.
    """

    def __init__(self, host: Host, access: Access) -> None:
        self._host, self._access, self._desk = host, access, access.desk
        self._erasing = Erasing(host, access.desk)

    @cached_property
    def leaks(self) -> Leaks:
        """Leaks of personal data, and who was affected (PRV-08)."""
        return Leaks(self._host, self._desk, self._affected_by)

    def may_use(
        self,
        household: str,
        member: str,
        purpose: str,
        *,
        by: Actor,
        on: date | None = None,
        receiver: str = "",
    ) -> Use:
        """Whether a purpose may be pursued with a member's data on a day, and why (PRV-05).

        Args:
            on: The day; by default the present.
            receiver: Who receives data, where it is handed over.

        Raises:
            Refused: it is not for `by` to ask.
        """
        self._desk.may(acting(by), "see-consents")
        return self._access.use(household, member, purpose, on=on, receiver=receiver)

    def export(
        self,
        household: str,
        member: str | None = None,
        *,
        by: Actor,
        purpose: str,
        known: datetime | None = None,
        progress: Progress = silent,
    ) -> PersonExport:
        """Everything about a household with all its members, or about one of them (PRV-09).

        Every event of the log is asked whether it is about them, so nothing is forgotten that is.
        A member gets what names them and what they had a part in; what is the household's from
        before they came, or since they left, is not theirs.

        Args:
            member: Id of the member, e.g. `V00001#owner`.
            by: Who asks; owners and users for themselves alone.
            purpose: What for.
            known: As known at this instant; whether a value is erased is as it is now.
            progress: Told of events of the log that were looked at.

        Raises:
            Refused: it is not for `by` to have.
            Invalid: no purpose is stated, or there is no such household or member.
        """
        known = utc(known, "known")
        by, position = self._asked(by, purpose), self._host.log.head()
        oneself = by.role in HOUSEHOLD_ROLES and by.id == member
        look = self._access.look(by, purpose, "privacy.export")
        self._may(look, household, member or "", oneself=oneself)
        files = self._access.streams().merges().group(household)
        events = self._visible(files, position, known)
        residents = ResidentsOfAll(files, events, self._host.registry.naming)
        if not residents.known(household):
            raise Invalid.one("household_unknown", household=household)
        if member is not None:
            if member not in residents.members:
                raise Invalid.one("member_unknown", member=member, household=household)
            self._belongs(by, household, member, residents)
        persons = residents.members if member is None else frozenset({member})
        whose = {e.position: residents.whose(e) for e in events}
        own = [e for e in events if member is None or member in whose[e.position]]
        subject = Subject(
            persons=persons,
            households=frozenset(files),
            lived=lambda day: member is None or member in residents.on(day),
            naming=self._host.registry.naming,
            requests={e.stream.partition("/")[2] for e in own if _is_of_request(e)},
            positions={e.position for e in own},
        )
        others: list[Recorded[Any]] = []
        for recorded in self._naming(subject, position, known, progress):
            # What was known of them before they were members is theirs, too.
            (own if _is_of_prospect(recorded, *persons) else others).append(recorded)
        look.saw(COPY, household, member or "")
        return evolve(
            self._export(subject, own, others, position, known, by, purpose),
            household=household,
            member=member,
            roles=tuple(
                Role(
                    member=role.member,
                    role=role.role,
                    since=role.since.isoformat(),
                    until=None if role.until is None else role.until.isoformat(),
                )
                for role in residents.roles
                if role.member in persons
            ),
        )

    def export_staff(
        self,
        staff: str,
        *,
        by: Actor,
        purpose: str,
        known: datetime | None = None,
        progress: Progress = silent,
    ) -> PersonExport:
        """Everything about a member of staff: what is theirs whole, and where else they are named.

        The same of a potential customer who is of no household.

        Args and errors are those of `export`; staff may ask for themselves.
        """
        known = utc(known, "known")
        by, position = self._asked(by, purpose), self._host.log.head()
        look = self._access.look(by, purpose, "privacy.export_staff")
        self._may(look, "", staff, oneself=by.role in STAFF_ROLES and by.id == staff)
        subject = Subject(
            persons=frozenset({staff}),
            households=frozenset(),
            lived=lambda _day: False,
            naming=self._host.registry.naming,
        )
        own: list[Recorded[Any]] = []
        others: list[Recorded[Any]] = []
        for recorded in self._naming(subject, position, known, progress):
            theirs = _is_of_staff(recorded, staff) or _is_of_prospect(recorded, staff)
            (own if theirs else others).append(recorded)
        if not own and not others:
            raise Invalid.one("staff_unknown", staff=staff)
        subject.positions.update(e.position for e in own)
        look.saw(COPY, "", staff)
        made = self._export(subject, own, others, position, known, by, purpose)
        return evolve(made, staff=staff)

    # --- erasing -------------------------------------------------------------------------

    def erase(
        self,
        household: str,
        member: str | None = None,
        *,
        by: Actor,
        purpose: str,
        ground: str = "asked",
        dry: bool = False,
    ) -> Erasure:
        """Erase a household with all its members, or one of them, for ever (PRV-04).

        Their keys are destroyed, so that what is sealed about them opens nowhere any more; what is
        still to be told to them is withheld, and files that the library wrote are purged. No byte
        of the log changes, and whoever else is in it stays readable.

        Args:
            member: Id of the member; by default the household's own key and those of all its
                members, of whatever tenure, are destroyed, and those of files that were merged.
            by: Who decides it; never one of those who are erased.
            purpose: What for, in words; they are gone with what is erased.
            ground: Why, as one of `crm_core.privacy.commands.GROUNDS`; it stays.
            dry: Only look what it would do.

        Raises:
            Refused: it is not for `by`, a legal hold forbids it, there is no such household or
                member, or they are erased already.
        """
        if member is None:
            members = self._members(household)
            return self._erasing.erase(
                lambda on: EraseHousehold(household, on, purpose, ground), members, by, dry=dry
            )

        def make(on: date) -> EraseMember:
            return EraseMember(
                household=household, member=member, on=on, purpose=purpose, ground=ground
            )

        return self._erasing.erase(make, (member,), by, dry=dry)

    def erase_staff(
        self, staff: str, *, by: Actor, purpose: str, ground: str = "asked", dry: bool = False
    ) -> Erasure:
        """Erase how a member of staff is reached and what was typed about them (PRV-04).

        Args and errors are those of `erase`. What they did stays theirs: their id is no secret.
        """
        return self._erasing.erase(
            lambda on: EraseStaff(staff, on, purpose, ground), (staff,), by, dry=dry
        )

    def finish(self) -> None:
        """Do what is left undone of erasures that were recorded, wherever somebody stopped."""
        self._erasing.finish()

    def _members(self, household: str) -> tuple[str, ...]:
        found = self._access.streams().ever(household)
        return tuple(sorted(found or ()))

    # --- who saw what --------------------------------------------------------------------

    def who_saw(
        self,
        household: str,
        member: str | None = None,
        *,
        by: Actor | None = None,
        purpose: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[Read]:
        """Who saw, or was refused, what about a household or one of its members (PRV-06).

        Owners and users see who saw what of their own household. What somebody saw of the house
        as a whole, e.g. its gradings, is of all its members.

        Args:
            household: The household; an empty text for a member of staff.
            member: Id of the member, or of the member of staff.
            since: From then on.
            until: Before then.

        Raises:
            Refused: it is not for `by` to know.
            Invalid: there is no read log here.
        """
        by = self._may_know(by, household)
        circumstance(household, "household", check_storable)
        circumstance(member, "member", check_storable)
        reads = self._reads.about(
            household, member, since=utc(since, "since"), until=utc(until, "until")
        )
        found: list[Read] = [told(self._host.vault, read) for read in reads]
        if by.role not in ("host", "system"):
            return found
        # What people typed as their purpose is not for the account that runs the program.
        return [evolve(read, purpose=read.purpose.partition(":")[0]) for read in found]

    def affected(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        actors: Collection[str] = (),
        fields: Collection[str] = (),
        by: Actor | None = None,
        purpose: str | None = None,
    ) -> Sequence[Seen]:
        """Whose personal values were shown in a window: whom a leak may concern (PRV-08).

        Args:
            since: From then on.
            until: Before then.
            actors: Only those shown to one of these, as `role:id`.
            fields: Only those of whom one of these fields was shown.

        Raises:
            Refused: it is not for `by` to know.
            Invalid: there is no read log here, or a name that no store can hold.
        """
        self._may_know(by, "")
        for name in (*actors, *fields):
            circumstance(name, "affected", check_storable)
        return self._reads.affected(
            utc(since, "since"), utc(until, "until"), actors=actors, fields=fields
        )

    def _affected_by(
        self, since: datetime, until: datetime, fields: tuple[str, ...]
    ) -> Iterator[str]:
        """Ids of the persons whose values were shown; what was shown of a household as a whole is
        of all who were ever told of in its files, void or not: it is written about them, too (see
        `Leaks.determine_affected`).
        """
        seen = self._reads.affected(since, until, fields=fields)
        yield from (one.subject for one in seen if one.subject)
        whole = self._access.streams().ever_one(one.household for one in seen if not one.subject)
        told = self._host.log.facts(names={MEMBER_ADDED}, households=sorted(whole))
        yield from (event.member for _, facts in told for _, _, event in facts)

    # --- what leaves as a list -----------------------------------------------------------

    def leaving(
        self, what: str, rows: int, fields: Sequence[str], *, by: Actor, purpose: str | None
    ) -> Watermark:
        """Let a list with places, names or grades leave, and record that it did (PRV-10).

        Args:
            what: What kind of list it is, e.g. `arrears`.
            rows: How many rows it has.
            fields: What in it leads to the door or the person, or grades.

        Returns:
            What the file says of who took it, when, and for what.

        Raises:
            Refused: it is not for `by`, or it has more rows than they may take at once.
            Invalid: no purpose is stated, or there is no such one.
        """
        by, purpose = acting(by), stated(purpose)
        self._desk.may(by, "export-list")
        look = self._access.look(by, purpose, "privacy.leaving")
        if look.lacking:
            look.deny(fields, look.lacking, "")
            raise Refused(look.refusal(look.lacking))
        number = self._host.ids.new()
        taken = TakeList(
            export=number,
            what=what,
            rows=rows,
            fields=tuple(fields),
            rows_max=look.policy.rows_max.get(by.role, 0),
        )
        self._desk.within(taken, by=by, purpose=purpose)
        return Watermark(number, self._host.clock.now(), str(by), purpose)

    def listing(
        self,
        columns: Sequence[str],
        classes: Mapping[str, str],
        *,
        by: Actor | None = None,
        purpose: str | None = None,
    ) -> Listing:
        """Which columns of a list of households somebody may take, and why not the others.

        Args:
            columns: In the order of the list.
            classes: The class of data of each, as in the data map.
        """
        return listing(self._access.look(by, purpose, "privacy.listing"), columns, classes)

    @property
    def _reads(self) -> ReadLog:
        if self._access.reads is None:
            raise Invalid.one("reads_missing")
        return self._access.reads

    def _may_know(self, by: Actor | None, household: str) -> Actor:
        by = HOST if by is None else acting(by)
        self._desk.may(by, "who-saw")
        if by.role in HOUSEHOLD_ROLES and not self._access.belongs(by, household):
            details = {"role": by.role, "household": household}
            raise Refused(Refusal("not_of_household", "LOG-08", details))
        return by

    # --- who may -------------------------------------------------------------------------

    def _asked(self, by: Actor, purpose: str) -> Actor:
        by = acting(by)
        if not purpose:
            raise Invalid.one("purpose_missing")
        circumstance(purpose, "purpose")
        return by

    def _may(self, look: Look, household: str, subject: str, *, oneself: bool) -> None:
        """That they may have the copy; that they were refused one is written down."""
        try:
            if oneself:
                self._desk.may(look.by, "export-oneself")
                return
            self._desk.may(look.by, "export-person")
            # Whoever may see no personal value may have no copy of them.
            self._desk.may(look.by, "reveal")
        except Refused as refused:
            look.deny((COPY,), refused.reason, household, subject)
            raise
        for data in ("name", "contact"):
            answer = look.answer(data, household)
            if not answer.granted:
                look.deny((COPY,), answer.reason, household, subject)
                raise Refused(look.refusal(answer.reason, household))

    def _belongs(self, by: Actor, household: str, member: str, residents: ResidentsOfAll) -> None:
        """Whoever asks for themselves has, or had, that part in the household.

        It is theirs after they moved out, too.
        """
        if by.role not in HOUSEHOLD_ROLES:
            return
        held = {role.role for role in residents.roles if role.member == member}
        if held.isdisjoint(OF_HOUSEHOLD[by.role]):
            details = {"role": by.role, "household": household}
            raise Refused(Refusal("not_of_household", "LOG-08", details))

    # --- what is about them --------------------------------------------------------------

    def _visible(
        self, files: tuple[str, ...], position: int, known: datetime | None
    ) -> list[Recorded[Any]]:
        pages = self._host.log.by_household(upto=position, households=files)
        found = [e for _, events in pages for e in visible(events, known=known)]
        return sorted(found, key=lambda e: e.position)

    def _naming(
        self, subject: Subject, position: int, known: datetime | None, progress: Progress
    ) -> Iterator[Recorded[Any]]:
        """Events of others, and of nobody's household, in which the subject is named."""
        seen = 0
        for recorded in self._host.log.feed(upto=position):
            seen += 1
            if seen % 1000 == 0:
                progress(1000)
            own = recorded.household in subject.households
            if own or (known is not None and recorded.recorded > known):
                continue
            if subject.named_in(recorded) or _is_of_staff(recorded, *subject.persons):
                yield recorded
        progress(seen % 1000)

    def _export(
        self,
        subject: Subject,
        own: list[Recorded[Any]],
        others: Iterator[Recorded[Any]] | list[Recorded[Any]],
        position: int,
        known: datetime | None,
        by: Actor,
        purpose: str,
    ) -> PersonExport:
        records = records_of(self._host.log, known)
        writer = Writer(subject, self._host.vault.open, self._is_request())
        both = [(e, True) for e in own] + [(e, False) for e in others]
        entries = tuple(
            writer.entry(e, whole=whole, standing=_standing(e, records))
            for e, whole in sorted(both, key=lambda pair: pair[0].position)
        )
        return PersonExport(
            household=None,
            member=None,
            staff=None,
            position=position,
            known=known,
            made_at=self._host.clock.now(),
            made_by=str(by),
            purpose=purpose,
            roles=(),
            values=writer.states,
            events=entries,
        )

    def _is_request(self) -> Any:
        found: dict[str, bool] = {}

        def is_request(number: str) -> bool:
            if number not in found:
                stream = REQUEST.stream(number)
                found[number] = stream in self._host.log.tips([stream])
            return found[number]

        return is_request


def _is_of_request(recorded: Recorded[Any]) -> bool:
    return recorded.stream.partition("/")[0] == REQUEST.decider.name


def _is_of_staff(recorded: Recorded[Any], *persons: str) -> bool:
    """Whether an event is of members of staff, and of no household."""
    if recorded.household:
        return False
    if recorded.stream.startswith(_OF_STAFF):
        return recorded.stream.partition("/")[2] in persons
    return getattr(recorded.event, "staff", None) in persons


def _is_of_prospect(recorded: Recorded[Any], *persons: str) -> bool:
    """Whether an event is of somebody who may become a customer."""
    kind, _, who = recorded.stream.partition("/")
    return f"{kind}/" == _OF_PROSPECT and who in persons


def _standing(recorded: Recorded[Any], records: Records) -> str | None:
    """Whether a grading is one that holds."""
    event = recorded.event
    if not recorded.name.startswith("gradings.") or not recorded.household:
        return None
    run, year = getattr(event, "run", None), getattr(event, "year", None)
    if run is None or year is None:
        return None
    return OF_RECORD if records.by_year.get(year) == run else TRIAL
