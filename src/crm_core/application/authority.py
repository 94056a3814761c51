"""The one place that asks who may give a command, and whose work it would decide (LOG-08)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from functools import cache
from typing import Any, get_type_hints

from attrs import evolve

from crm_core.errors import Invalid
from crm_core.kernel.authority import AuthorityPolicy, Own
from crm_core.kernel.commands import fields_said
from crm_core.kernel.decider import Refusal
from crm_core.kernel.recorded import HOUSEHOLD_ROLES, ROLES, STAFF_ROLES, Actor
from crm_core.kernel.text import check_id
from crm_core.kernel.values import frozen
from crm_core.kernel.word import CHANNELS, Word
from crm_core.staff.register import Register

Members = Callable[[str], Mapping[str, frozenset[str]]]
"""The members of a household's file, by id, with every role they hold or held."""

OF_HOUSEHOLD = {
    "owner": frozenset({"owner", "co_owner"}),
    "user": frozenset({"tenant", "family_member", "agent", "user"}),
}
"""The roles in a file that let a member act for the household as owner or as user."""


def acting(by: Any) -> Actor:
    """The actor, if there is one.

    Raises:
        Invalid: it has no id, or a role that nobody has.
    """
    if not isinstance(by, Actor):
        raise Invalid.one("actor_malformed", where="by")
    if by.role not in ROLES:
        raise Invalid.one("actor_role_unknown", where="by", role=by.role, accepted=ROLES)
    try:
        check_id(by.id)
    except (TypeError, ValueError) as error:
        raise Invalid.one("actor_malformed", where="by") from error
    return by


@frozen
class Authority:
    """Who may do what on a day.

    Args:
        policy: The table in force.
        register: The register of staff; where it is empty the host is trusted.
        day: The day on which somebody acts, by the clock.
    """

    policy: AuthorityPolicy
    register: Register
    day: date

    def known(self, by: Actor) -> Actor:
        """Who acts, with every other id of theirs that the register of staff knows."""
        return evolve(by, also=self.register.ids_of(by.id) - {by.id})

    def refuses(self, by: Actor, act: str, *, imported: bool = False) -> Refusal | None:
        """Why that person may not do it, if so."""
        if imported:
            if act not in self.policy.imports:
                return Refusal("not_importable", "LOG-08", {"act": act})
            act = "import"
        roles = self.policy.roles.get(act, ())
        if by.role not in roles:
            return Refusal(
                "role_insufficient",
                "LOG-08",
                {"act": act, "role": by.role, "accepted": list(roles)},
                "role_insufficient" if roles else "nobody_may",
            )
        return self.refuses_claim(by)

    def refuses_claim(self, by: Actor) -> Refusal | None:
        """Why that person is not who they say, where there is a register of staff; for whatever
        they do, and whatever they ask.
        """
        claimed = by.role in STAFF_ROLES and self.register.in_force(self.day)
        if claimed and not self.register.holds(by.id, by.role, self.day):
            return Refusal(
                "role_not_registered",
                "LOG-08",
                {"id": by.id, "role": by.role, "on": self.day.isoformat()},
            )
        return None

    def refuses_command(
        self, by: Actor, command: Any, household: str, members: Members
    ) -> Refusal | None:
        """Why what a command says of persons cannot stand, if so.

        An owner or a user acts for the own household, and the word of somebody outside the staff
        is that of a member of the household, on record somewhere.
        """
        if by.role in HOUSEHOLD_ROLES:
            held = members(household).get(by.id, frozenset())
            if held.isdisjoint(OF_HOUSEHOLD[by.role]):
                return Refusal(
                    "not_of_household", "LOG-08", {"role": by.role, "household": household}
                )
        asked_by = getattr(command, "asked_by", None)
        if asked_by and asked_by not in members(household):
            return Refusal("not_a_member", "LOG-08", {"member": asked_by, "household": household})
        kind: type = type(command)
        for name in _words(kind):
            word = getattr(command, name)
            if word is not None:
                refused = self._unfit(by, word, household, members)
                if refused is not None:
                    return refused
        return None

    def _unfit(self, by: Actor, word: Word, household: str, members: Members) -> Refusal | None:
        if word.channel not in CHANNELS:
            return Refusal(
                "unknown_channel", "LOG-08", {"channel": word.channel, "accepted": list(CHANNELS)}
            )
        if not word.reference or not word.member:
            return Refusal("evidence_missing", "LOG-08")
        if by.role in STAFF_ROLES and (word.member == by.id or self.register.is_staff(word.member)):
            return Refusal("word_of_staff", "LOG-08", {"member": word.member})
        if household and word.member not in members(household):
            return Refusal(
                "not_a_member", "LOG-08", {"member": word.member, "household": household}
            )
        return None

    def refuses_own(self, by: Actor, act: str, own: Own | None) -> Refusal | None:
        """Why that person may not decide it because it is their own matter, if so."""
        if own is None:
            return None
        ids = self.known(by).ids
        if not ids.isdisjoint(own.others):
            return Refusal("own_matter", "LOG-08", {"act": act})
        if own.proposed_by not in ids:
            return None
        limit = self.policy.alone_up_to_fen.get(act)
        if limit is not None and own.amount_fen is not None and own.amount_fen <= limit:
            return None
        return Refusal("own_proposal", "LOG-08", {"act": act})


@cache
def _words(command: type) -> tuple[str, ...]:
    """The fields of a command that hold the word of somebody outside the staff."""
    hints = get_type_hints(command)
    return tuple(name for name in fields_said(command) if hints[name] in (Word, Word | None))
