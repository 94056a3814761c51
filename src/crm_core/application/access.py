"""Who may see what, asked in one place, and written down before it is shown (PRV-01, PRV-06).

`Access` knows the table in force and who is cleared; a `Look` is one question of one person: it
shows what the table grants, puts `Withheld` where it does not, and keeps what it showed for the
read log. Nothing personal leaves before its row is written.
"""

from __future__ import annotations

from datetime import date
from typing import Any, TypedDict

from crm_core.application.adopted import adoptions, book_with_adopted
from crm_core.application.authority import OF_HOUSEHOLD, acting
from crm_core.application.checking import circumstance
from crm_core.application.classes import Classes
from crm_core.application.desk import Desk
from crm_core.application.host import Host, present_day
from crm_core.application.looking import Look
from crm_core.application.packaged import packaged
from crm_core.application.sight import WorkSight
from crm_core.application.streams import Streams
from crm_core.errors import Invalid, Refused, UnknownPolicy
from crm_core.kernel.access import (
    DEFAULT_ACCESS,
    READ_LOG,
    AccessPolicy,
)
from crm_core.kernel.recorded import HOUSEHOLD_ROLES, STAFF_ROLES, Actor
from crm_core.kernel.values import frozen
from crm_core.privacy.consent import Use
from crm_core.privacy.lookups import usable
from crm_core.reads import ReadLog
from crm_core.requests import REQUEST
from crm_core.requests.state import Closed, Request
from crm_core.staff import UNDERTAKINGS
from crm_core.staff.undertakings import WHOLE

HOST = Actor("host", "host")
"""Who reads where nobody is named: the account that the library runs under."""

REGISTER = "register"
"""Why somebody is shown nothing who is not on the staff in the role that they claim."""

UNKNOWN = "?"
"""What a purpose is known as that is none of those that there are; it opens nothing."""

_ADOPTED = adoptions(DEFAULT_ACCESS)
_CLEARED = UNDERTAKINGS.stream(WHOLE)
_RECEIVED = ("requests.received/1",)


class Asked(TypedDict, total=False):
    """Who asks a question, and what for; by default the host's account, for nothing stated.

    Every question takes both; what they may not see is `Withheld` in the answer.
    """

    by: Actor
    purpose: str | None


@frozen
class Rules:
    """What holds today.

    Args:
        policy: The table in force.
        cleared: Who has signed and learnt what.
    """

    policy: AccessPolicy
    cleared: Any


class Access:
    """Knows who may see what.

    Args:
        host: What the host lends.
        desk: Knows who is on the staff.
    """

    def __init__(self, host: Host, desk: Desk) -> None:
        self.host: Host = host
        self.desk: Desk = desk
        self._rules: tuple[Any, Rules] | None = None
        self._classes: Classes | None = None

    @property
    def reads(self) -> ReadLog | None:
        """The read log; without one personal values stay closed."""
        return self.host.reads

    @property
    def classes(self) -> Classes:
        """The class of data of every field."""
        if self._classes is None:
            self._classes = Classes(self.host.registry)
        return self._classes

    def rules(self) -> Rules:
        """The table in force, and who is cleared, today."""
        host, today = self.host, present_day(self.host)
        tips = host.log.tips((_ADOPTED, _CLEARED))
        seen = (today, tips)
        if self._rules is None or self._rules[0] != seen:
            book = host.policies
            if _ADOPTED in tips:
                book = book_with_adopted(host.log, host.registry, book, DEFAULT_ACCESS)
            try:
                policy = book.find(AccessPolicy, DEFAULT_ACCESS, today)
            except UnknownPolicy:
                # A host's own book need not have one; the table that is shipped holds then.
                policy = shipped_access()
            cleared = UNDERTAKINGS.decider.initial
            if _CLEARED in tips:
                cleared, _ = host.log.fold(_CLEARED, UNDERTAKINGS.decider.evolve, cleared)
            self._rules = (seen, Rules(policy, cleared))
        return self._rules[1]

    def look(
        self, by: Actor | None, purpose: str | None, source: str, correlation: str = ""
    ) -> Look:
        """A question of somebody.

        Args:
            by: Who asks; the host's account by default.
            purpose: What for, as a code of the policy with free words behind it.
            source: The question, as the read log names it.

        Raises:
            Invalid: it is nobody, or the purpose is no text.
            Refused: they do not work here in that role, by the register of staff; that they asked
                is written down (LOG-08).
        """
        by = HOST if by is None else acting(by)
        circumstance(purpose, "purpose")
        rules, authority = self.rules(), self.desk.authority()
        lacking = ""
        if self.reads is None:
            lacking = READ_LOG
        elif by.role in STAFF_ROLES and authority.register.in_force(authority.day):
            lacking = rules.cleared.lacking(by.id, authority.day)
        code = None
        if purpose:
            code = rules.policy.purpose_of(purpose) or UNKNOWN
        look = Look(
            access=self,
            by=by,
            purpose=purpose or "",
            code=code,
            policy=rules.policy,
            lacking=lacking,
            source=source,
            correlation=correlation,
        )
        refused = authority.refuses_claim(by)
        if refused is not None:
            look.deny(("household",), REGISTER, "")
            raise Refused(refused)
        return look

    # --- what the person said to it ------------------------------------------------------

    def use(
        self,
        household: str,
        member: str,
        purpose: str,
        *,
        on: date | None = None,
        receiver: str = "",
    ) -> Use:
        """Whether a purpose may be pursued with a member's data on a day, and why (PRV-05)."""
        today = present_day(self.host)
        return usable(self.sight(), household, member, purpose, on or today, receiver)

    def sight(self) -> WorkSight:
        """What look-ups see of the log now."""
        host = self.host
        return WorkSight(
            streams=self.streams(),
            log=host.log,
            registry=host.registry,
            policies=host.policies,
            zone=host.zone,
            day=present_day(host),
        )

    def consented(self, household: str, subject: str, purpose: str | None) -> bool:
        """Whether the person lets their values be seen for a purpose: what needs their consent, or
        what they can object to, stops the moment they say so (PRV-05).
        """
        if purpose in (None, UNKNOWN) or not household or not subject.startswith(f"{household}#"):
            return True
        try:
            use = self.use(household, subject, purpose)
        except UnknownPolicy:
            # A host's own book need not list purposes; then none of them asks for consent.
            return True
        return use.allowed or not use.basis

    # --- whose household it is -----------------------------------------------------------

    def belongs(self, by: Actor, household: str) -> bool:
        """Whether an owner or user has a part in the household today; who moved out has none."""
        if by.role not in HOUSEHOLD_ROLES or not household:
            return False
        streams, today = self.streams(), present_day(self.host)
        # Whoever lives in a file that was merged is of the same household (OWN-09).
        files = [streams.file(one) for one in streams.merges().group(household)]
        return any(
            role.member == by.id
            for file in files
            if file is not None
            for kind in OF_HOUSEHOLD[by.role]
            for role in file.holding(kind, today)
        )

    def streams(self) -> Streams:
        """States as they stand now, their texts opened."""
        return Streams(self.host.log, self.desk.texts)

    def in_hand(self, by: Actor, household: str) -> bool:
        """Whether an open request of the household is theirs, or their department's (PRV-01)."""
        if by.role not in STAFF_ROLES or not household:
            return False
        found = self.host.log.by_household(names=_RECEIVED, households=[household])
        numbers = {e.stream.partition("/")[2] for _, events in found for e in events}
        return any(self._has(by, number) for number in numbers)

    def _has(self, by: Actor, number: str) -> bool:
        decider = REQUEST.decider
        state, _ = self.host.log.fold(REQUEST.stream(number), decider.evolve, decider.initial)
        if not isinstance(state, Request) or isinstance(state, Closed):
            return False
        to = state.assignment.to
        if by.id in (state.owner, to):
            return True
        if state.assignment.form != "department":
            return False
        register = self.desk.authority().register
        today = present_day(self.host)
        trades = register.trades(by.id, today) if by.role == "operator" else ()
        return to == by.role or to in trades


def shipped_access() -> AccessPolicy:
    """The table that comes with the library."""
    return AccessPolicy.parse(packaged("policies", f"{DEFAULT_ACCESS}.toml"))


def stated(purpose: str | None) -> str:
    """The purpose, if one is stated.

    Raises:
        Invalid: none is.
    """
    if not purpose:
        raise Invalid.one("purpose_missing")
    return purpose
