"""The collection ladder as policy data, and its legal guard (PAY-10, PAY-11; decision record 0023).

A ladder is made of acts from a closed set. What the law forbids has no representation in it: there
is no act to name, no free text to hide one in, and a policy that names one is refused with the
article it breaks.
"""

from __future__ import annotations

import re
import unicodedata

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
from crm_core.kernel.values import define, frozen
from crm_core.payments.acts import (
    ACTS,
    BILL,
    DEMANDS,
    EVIDENCE,
    LEASE_END,
    SUIT,
    THANKS,
    TWO_PERSONS,
)
from crm_core.payments.credit import GRADES

DEFAULT_COLLECTION = "collection-cn-default"

ROLES = ("specialist", "supervisor", "manager", "director")
"""Who can approve a step; whoever stands higher can, too."""

_LEAST_APPROVER = {"lawyers_letter": "manager", SUIT: "director", LEASE_END: "director"}
_LEAST_EVIDENCE = {
    **dict.fromkeys(DEMANDS, ("notice", "delivery")),
    "reason_asked": ("reason_code",),
    SUIT: ("filing",),
    LEASE_END: ("notice", "delivery", "lease"),
}

PERSONS_MAX = 2


# --- the legal guard -------------------------------------------------------------------------


_TELLING = (
    (
        "stops_supplies",
        r"power|electric|water|heat|gas|utilit|lift|elevator|电|水|暖|供热|燃气|煤气",
        r"cut|stop|off|shut|suspen|disconnect|interrupt|limit|restrict|throttl|停|断|限|关",
    ),
    (
        "blocks_access",
        r"gate|door|entr|access|card|car|vehicle|park|barrier|门|车|道闸",
        r"block|lock|bar|stop|deny|denied|refus|disabl|clamp|tow|withdraw|锁|拦|堵|禁|限|停用|扣",
    ),
    (
        "publishes_names",
        r"name|debtor|list|room|public|notice_board|blacklist|姓名|名单|房号|业主|黑名单",
        r"publish|post|announc|display|list|sham|broadcast|blacklist|公布|公示|公告|张贴|曝光|黑名单",
    ),
    (
        "tells_employers",
        r"employer|workplace|work_unit|colleague|单位|雇主|同事|领导",
        r"tell|inform|notif|call|contact|write|letter|visit|report|通知|告知|联系|致电|走访|函",
    ),
)
"""Words for a thing, and for what is done to it, by which a forbidden act is recognised.

Each with the sentence that says where the law forbids it.
"""


def forbidden(act: str) -> str | None:
    """The sentence about the forbidden act that a word for an act means, if it is seen to mean one.

    The closed set of acts is what keeps such an act out; this only says why.
    """
    text = unicodedata.normalize("NFKC", act).casefold()
    text = re.sub(r"[\s\-.]+", "_", text)
    for sentence, thing, deed in _TELLING:
        if re.search(thing, text) and re.search(deed, text):
            return sentence
    return None


# --- the ladder ------------------------------------------------------------------------------


@frozen
class Rung:
    """A step of the ladder, as the policy has it.

    Args:
        grade: Credit grade it belongs to.
        act: One of `ACTS`.
        from_day: Days after the case came to the grade before which the step does not begin; for a
            bill days from the due date of its charge, below zero.
        within_days: Days in which it is to be done.
        needs: Evidence without which it is not done.
        approver: Role that must approve it first, if one must.
        respond_days: Reasonable period the household is given; the ladder waits for its end.
        persons: How many members of staff it takes: one, or two of whom one confirms what the other
            reports.
    """

    grade: str
    act: str
    from_day: int
    within_days: int
    needs: tuple[str, ...] = ()
    approver: str | None = None
    respond_days: int = 0
    persons: int = 1


@frozen
class _Contents:
    """The file of a collection policy."""

    kind: str
    credit: str
    policy: Header
    steps: tuple[Rung, ...]


@define(frozen=True)
class CollectionPolicy:
    """What is done at each credit grade to collect arrears.

    Args:
        credit: Name of the credit table whose grades are meant.
        steps: All steps; those of a grade follow each other in this order.
    """

    header: Header
    ref: PolicyRef
    credit: str
    steps: tuple[Rung, ...]

    @classmethod
    def parse(cls, text: str) -> CollectionPolicy:
        """The policy in TOML text.

        Raises:
            PolicyFault: the text is not such a policy, or it wants what may not be done.
        """
        data = read_toml(text)
        contents = structure(data, _Contents)
        faults = []
        if contents.kind != "collection":
            faults.append(wrong("kind", "unknown_kind", kind=contents.kind, needed="collection"))
        for index, rung in enumerate(contents.steps):
            path = f"steps[{index}]"
            faults += [(f"{path}.{name}", what) for name, what in _faults(rung)]
        faults += _order_faults(contents.steps)
        if faults:
            raise PolicyFault(faults)
        ref = PolicyRef(digest_of_table(data), contents.policy.name, contents.policy.version)
        return cls(contents.policy, ref, contents.credit, contents.steps)

    def of(self, grade: str, *, tenant: bool = True) -> list[Rung]:
        """The steps of a grade in their order.

        Args:
            tenant: Whether they are those of a tenant; nobody else has a lease to be ended.
        """
        return [
            rung for rung in self.steps if rung.grade == grade and (tenant or rung.act != LEASE_END)
        ]


def may_approve(role: str, needed: str) -> bool:
    """Whether a role is the one needed or stands above it."""
    return role in ROLES and ROLES.index(role) >= ROLES.index(needed)


def _faults(rung: Rung) -> list[PathFault]:
    act, found = rung.act, []
    if act not in ACTS:
        guarded = forbidden(act)
        if guarded is None:
            found.append(wrong("act", "not_one_of", value=act, accepted=ACTS))
        else:
            found.append(wrong("act", guarded, act=act))
    if rung.grade not in GRADES:
        found.append(wrong("grade", "not_one_of", value=rung.grade, accepted=GRADES))
    elif (rung.grade == GRADES[0]) != (act in (BILL, THANKS)):
        found.append(wrong("grade", "act_of_other_grade", acts=(BILL, THANKS), grade=GRADES[0]))
    unknown = [kind for kind in rung.needs if kind not in EVIDENCE]
    if unknown:
        found.append(wrong("needs", "not_one_of", value=unknown[0], accepted=EVIDENCE))
    lacking = [kind for kind in _LEAST_EVIDENCE.get(act, ()) if kind not in rung.needs]
    if lacking:
        found.append(wrong("needs", "evidence_lacking", act=act, lacking=lacking))
    least = _LEAST_APPROVER.get(act)
    if rung.approver is not None and rung.approver not in ROLES:
        found.append(wrong("approver", "not_one_of", value=rung.approver, accepted=ROLES))
    elif least is not None and (rung.approver is None or not may_approve(rung.approver, least)):
        found.append(wrong("approver", "approver_too_low", act=act, least=least))
    if (rung.from_day < 0) != (act == BILL):
        found.append(wrong("from_day", "bill_after_due_date"))
    if rung.within_days < 0:
        found.append(wrong("within_days", "below_zero"))
    if rung.respond_days < (1 if act == "formal_demand" else 0):
        found.append(wrong("respond_days", "period_to_respond_missing"))
    if not 1 <= rung.persons <= PERSONS_MAX or (act == TWO_PERSONS and rung.persons < PERSONS_MAX):
        found.append(wrong("persons", "persons_of_step", act=act, most=PERSONS_MAX))
    return found


def _order_faults(steps: tuple[Rung, ...]) -> list[PathFault]:
    found = []
    missing = [grade for grade in GRADES if not any(rung.grade == grade for rung in steps)]
    if missing:
        found.append(wrong("steps", "grade_without_step", grades=missing))
    ranked = sorted(
        (GRADES.index(rung.grade), index, rung.act)
        for index, rung in enumerate(steps)
        if rung.grade in GRADES
    )
    acts = [act for _, _, act in ranked]
    if SUIT in acts and "formal_demand" not in acts[: acts.index(SUIT)]:
        found.append(wrong("steps", "suit_without_demand", suit=SUIT, demand="formal_demand"))
    return found
