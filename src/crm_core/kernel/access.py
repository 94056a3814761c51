"""Who may see what: a policy like any other, and the pure decision it makes (PRV-01, 0057).

The table has rows that grant. A row names roles, what they see by tier or by class of data, the
purposes it holds for, and under which condition. Nothing is granted that no row grants, and each
answer says which row it was, or what was lacking.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from crm_core.kernel.data_map import CLASSES, PERSONAL, SENSITIVE, TIERS, DataClass
from crm_core.kernel.policy import (
    Header,
    PathFault,
    PolicyFault,
    PolicyRef,
    digest_of_table,
    read_toml,
    structure,
    wrong,
)
from crm_core.kernel.recorded import ROLES
from crm_core.kernel.values import define, frozen

KIND = "access"

DEFAULT_ACCESS = "access-cn-default"

ALONE, CASE, OWN = "alone", "case", "own"
CONDITIONS = ("", ALONE, CASE, OWN)
"""`alone`: under a household number and nothing that leads to the door or the person; `case`: an
open request of the household is theirs; `own`: it is about the household or the person that asks.
"""

IDENTIFYING = ("place", "name", "contact")
"""Classes of data that lead from a household number to the door or the person."""

NAME = "name"
"""The class of names: of the service tier, and personal all the same."""

LIST, TIER, JOINED, NOT_OWN, NO_CASE = "list", "tier", "joined", "not_own", "case"
PURPOSE_MISSING, PURPOSE, CONSENT, UNDERTAKING, TRAINING = (
    "purpose_missing",
    "purpose",
    "consent",
    "undertaking",
    "training",
)
READ_LOG = "read_log"
REASONS = (
    TIER,
    NOT_OWN,
    NO_CASE,
    LIST,
    JOINED,
    PURPOSE_MISSING,
    PURPOSE,
    CONSENT,
    UNDERTAKING,
    TRAINING,
    READ_LOG,
)
"""Why something is withheld, from the farthest from a grant to the nearest: no row for the role and
that tier; not their own; no case in hand; not in a list; only without place and name; no purpose
stated; not for that purpose; the person did not consent to it, or objected; no undertaking, or no
training, in force; the read was not logged.
"""


@frozen
class Grant:
    """A row of the table.

    Args:
        name: Its name, with which a grant is explained.
        roles: Whom it is for.
        tiers: Of which tiers all classes are granted.
        classes: Which classes are, besides.
        purposes: For which purposes; where there are none, none need be stated.
        condition: One of `CONDITIONS`.
        lists: Whether it holds for lists of households, too.
        masked: Whether all but the end of a value is covered.
    """

    name: str
    roles: tuple[str, ...]
    tiers: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    condition: str = ""
    lists: bool = True
    masked: bool = False

    def covers(self, role: str, data: DataClass) -> bool:
        """Whether it is about that role and that data."""
        return role in self.roles and (data.tier in self.tiers or data.name in self.classes)


@frozen
class _Contents:
    """The file of an access policy."""

    kind: str
    policy: Header
    purposes: tuple[str, ...]
    words: dict[str, tuple[str, ...]]
    rows_max: dict[str, int]
    found_max: int
    grants: tuple[Grant, ...]


@frozen
class Asking:
    """Somebody who wants to see something.

    Args:
        role: As whom.
        purpose: Code of what for; None if none is stated.
        own: Whether it is about their own household, or themselves.
        case: Whether an open request of the household is theirs.
        listed: Whether it is a line of a list of households.
        joined: Whether place, name or contact is shown with it.
        lacking: What keeps them from personal values: `undertaking`, `training`, or nothing.
    """

    role: str
    purpose: str | None = None
    own: bool = False
    case: bool = False
    listed: bool = False
    joined: bool = False
    lacking: str = ""


@frozen
class Answer:
    """Whether something is shown, and why.

    Args:
        row: The row that grants it; empty if none does.
        reason: Why it is withheld: one of `REASONS`; empty if it is not.
        masked: Whether all but the end of it is covered.
        personal: Whether showing it is a read of personal data, to be logged (PRV-06).
    """

    row: str = ""
    reason: str = ""
    masked: bool = False
    personal: bool = False

    @property
    def granted(self) -> bool:
        """Whether it is shown."""
        return not self.reason


@define(frozen=True)
class AccessPolicy:
    """Who may see what.

    Args:
        header: Identity and approval.
        ref: Name, version and digest.
        purposes: Codes of all purposes that somebody can state.
        words: For a purpose words by which it is known where no code is stated.
        rows_max: How many rows a bulk export by a role may have (PRV-10); none for other roles.
        found_max: How many households one search may find.
        grants: The rows; the first one that fits explains a grant.
    """

    header: Header
    ref: PolicyRef
    purposes: tuple[str, ...]
    words: Mapping[str, tuple[str, ...]]
    rows_max: Mapping[str, int]
    found_max: int
    grants: tuple[Grant, ...]

    @classmethod
    def parse(cls, text: str) -> AccessPolicy:
        """The policy in TOML text.

        Raises:
            PolicyFault: the text is not such a policy; all faults with their paths.
        """
        data = read_toml(text)
        contents = structure(data, _Contents)
        faults = list(_faults(contents))
        if faults:
            raise PolicyFault(faults)
        ref = PolicyRef(digest_of_table(data), contents.policy.name, contents.policy.version)
        return cls(
            header=contents.policy,
            ref=ref,
            purposes=contents.purposes,
            words=contents.words,
            rows_max=contents.rows_max,
            found_max=contents.found_max,
            grants=contents.grants,
        )

    def decide(self, asking: Asking, data: DataClass) -> Answer:
        """Whether a value of that class is shown, and by which row, or why not (PRV-01)."""
        nearest = TIER
        for grant in self.grants:
            if not grant.covers(asking.role, data):
                continue
            reason = _lacks(grant, asking, data)
            if not reason:
                personal = is_personal(data) and grant.condition != ALONE
                return Answer(row=grant.name, masked=grant.masked, personal=personal)
            nearest = max(nearest, reason, key=REASONS.index)
        return Answer(reason=nearest)

    def purpose_of(self, text: str) -> str | None:
        """The code of a stated purpose, or None if it is none of those that there are.

        A purpose is its code, with free words behind a colon (`collection: the letter of March`);
        free words alone are known by a word of theirs (`return visit`).
        """
        code = text.partition(":")[0].strip()
        if code in self.purposes:
            return code
        said = text.casefold()
        for code, words in self.words.items():
            if any(word in said for word in words):
                return code
        return None


def is_personal(data: DataClass) -> bool:
    """Whether reading it is a read of personal data: by its tier, or because it is a name.

    Not because it is sealed: that serves erasure, and texts of the case in hand stay readable.
    """
    return data.tier in (PERSONAL, SENSITIVE) or data.name == NAME


def leads(data: DataClass) -> bool:
    """Whether it leads from a number to the door or the person, or is what people typed about them:
    a list that shows it leaves as one (PRV-10), however anybody may read it.
    """
    return data.sealed or data.name in (*IDENTIFYING, "person")


def _lacks(grant: Grant, asking: Asking, data: DataClass) -> str:
    """What is lacking for a grant, if anything."""
    if grant.condition == OWN and not asking.own:
        return NOT_OWN
    if grant.condition == CASE and not asking.case:
        return NO_CASE
    if asking.listed and not grant.lists:
        return LIST
    if grant.condition == ALONE:
        return JOINED if asking.joined else ""
    if grant.purposes and asking.purpose is None:
        return PURPOSE_MISSING
    if grant.purposes and asking.purpose not in grant.purposes:
        return PURPOSE
    if asking.lacking and is_personal(data):
        return asking.lacking
    return ""


def _faults(contents: _Contents) -> Iterator[PathFault]:
    if contents.kind != KIND:
        yield wrong("kind", "unknown_kind", kind=contents.kind, needed=KIND)
    for code in sorted(set(contents.words) - set(contents.purposes)):
        yield wrong(f"words.{code}", "not_one_of", value=code, accepted=contents.purposes)
    for role, most in sorted(contents.rows_max.items()):
        if role not in ROLES:
            yield wrong(f"rows_max.{role}", "unknown_role", role=role, accepted=ROLES)
        if most < 0:
            yield wrong(f"rows_max.{role}", "count_negative", count=most)
    if contents.found_max < 0:
        yield wrong("found_max", "count_negative", count=contents.found_max)
    known = {
        "roles": ROLES,
        "tiers": TIERS,
        "classes": tuple(CLASSES),
        "purposes": contents.purposes,
    }
    names: set[str] = set()
    for number, grant in enumerate(contents.grants):
        path = f"grants.{number}"
        if grant.name in names:
            yield wrong(path, "grant_twice", name=grant.name)
        names.add(grant.name)
        if grant.condition not in CONDITIONS:
            yield wrong(
                f"{path}.condition", "not_one_of", value=grant.condition, accepted=CONDITIONS[1:]
            )
        for part, accepted in known.items():
            for value in getattr(grant, part):
                if value not in accepted:
                    yield wrong(f"{path}.{part}", "not_one_of", value=value, accepted=accepted)


def masked(text: str) -> str:
    """All but the last four characters covered; of a short one, all but the last."""
    shown = 4 if len(text) > 8 else 1
    return "*" * (len(text) - shown) + text[-shown:] if text else ""
