"""客户评估管理方案: by what households are graded on a day, and who let it hold (GRD-11)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from crm_core.application.papers.base import (
    EVERYBODY,
    Ask,
    Filled,
    Paper,
    line,
    printed,
    stamp,
    typed,
)
from crm_core.application.papers.model import (
    APPROVED,
    CARD,
    DAY,
    DRAFTED,
    FEN,
    NUMBER,
    REVIEWED,
    SIGN,
    TABLE,
    Line,
    Section,
    Stamp,
)
from crm_core.gradings.adoption import ADOPTION, GRADING, Version, versions
from crm_core.gradings.events import PolicyApproved, PolicyAssessed, PolicyDrafted
from crm_core.gradings.policy import DEFAULT_GRADING, GradingPolicy
from crm_core.kernel.recorded import Recorded
from crm_core.kernel.rules import Condition, Operator, Row, Table
from crm_core.kernel.values import frozen

_DRAFTED, _ASSESSED = "gradings.policy_drafted/1", "gradings.policy_assessed/1"
_APPROVED, EFFECTIVE = "gradings.policy_approved/1", "gradings.policy_made_effective/1"
SUPERSEDED = "gradings.policy_superseded/1"
STEPS = (_DRAFTED, _ASSESSED, _APPROVED, EFFECTIVE, SUPERSEDED)

TOML = f"{_DRAFTED}.toml"
REF = (f"{_DRAFTED}.policy.name", f"{_DRAFTED}.policy.version")
ADOPTED: Mapping[str, tuple[str, ...]] = {
    DRAFTED: (f"{_DRAFTED}.on", f"{_DRAFTED}.drafted_by"),
    REVIEWED: (f"{_ASSESSED}.on", f"{_ASSESSED}.assessed_by"),
    APPROVED: (f"{_APPROVED}.on", f"{_APPROVED}.approved_by"),
}
"""Where the stamps of what was adopted come from."""

_AMOUNT = "_fen"


@frozen
class Adopted:
    """A version of a policy that holds on a day, with the steps by which it came to.

    Args:
        version: None where it is the one that comes with the library.
        steps: What is seen of its own version.
    """

    policy: Any
    version: Version | None
    steps: tuple[Recorded[Any], ...]


def in_force(ask: Ask, kind: str, shipped: Any) -> Adopted:
    """The policy of a kind that holds on the day, as known then: the one adopted last.

    Args:
        shipped: What holds where none was adopted.
    """
    told: dict[str, list[Recorded[Any]]] = {}
    for one in ask.sources.host.log.feed(names=STEPS):
        if ask.seen(one):
            told.setdefault(one.event.policy.name, []).append(ask.sources.texts.opened(one))
    found = Adopted(shipped, None, ())
    for steps in told.values():
        state = ADOPTION.decider.fold(one.event for one in steps)
        for version in versions(state).values():
            if not version.usable or version.kind != kind:
                continue
            policy: Any = version.policy(ask.sources.host.registry.parse)
            began = found.policy.header.effective_from
            newer = found.version is None or policy.header.effective_from >= began
            if policy.header.covers(ask.on) and newer:
                own = tuple(one for one in steps if one.event.policy == version.ref)
                found = Adopted(policy, version, own)
    return found


def adopted_stamps(found: Adopted) -> Iterator[Stamp]:
    """Who drafted, assessed and approved a version; nobody where it comes with the library."""
    steps = [one.event for one in found.steps]
    drafted = [(e.on, e.drafted_by) for e in steps if isinstance(e, PolicyDrafted)]
    assessed = [(e.on, e.assessed_by) for e in steps if isinstance(e, PolicyAssessed)]
    approved = [(e.on, e.approved_by) for e in steps if isinstance(e, PolicyApproved)]
    yield stamp(DRAFTED, drafted)
    yield stamp(REVIEWED, assessed)
    yield stamp(APPROVED, approved)


def _scheme(ask: Ask) -> Filled:
    shipped = ask.sources.host.policies.find(GradingPolicy, DEFAULT_GRADING, ask.on)
    found = in_force(ask, GRADING, shipped)
    policy, version = found.policy, found.version
    drafts = [e.event for e in found.steps if isinstance(e.event, PolicyDrafted)]
    assessed = [e.event for e in found.steps if isinstance(e.event, PolicyAssessed)]
    header = policy.header
    return Filled(
        stamps=adopted_stamps(found),
        policies=(f"{policy.ref} {policy.ref.digest}",),
        lines={
            "scheme": [
                line(
                    "",
                    policy=str(policy.ref),
                    stage="shipped" if version is None else version.stage,
                    effective_from=header.effective_from,
                    effective_to=header.effective_to,
                    assessment=header.impact_assessment or None,
                    compared=assessed[-1].compared if assessed else None,
                    moved=assessed[-1].moved if assessed else None,
                    worse=assessed[-1].worse if assessed else None,
                    reason=typed(drafts[-1].reason) if drafts else None,
                )
            ],
            "criteria": [one for table in policy.tables for one in _rows(table)],
        },
    )


def _rows(table: Table) -> Iterator[Line]:
    for number, row in enumerate(table.rows, 1):
        for condition in row.when or (None,):
            yield _row(table.name, number, row, condition)


def _row(table: str, number: int, row: Row, condition: Condition | None) -> Line:
    if condition is None:
        return line("", decides=table, nth=str(number), result=row.outcome)
    said = condition.threshold
    amount = condition.fact.endswith(_AMOUNT) and condition.op is not _PERCENT
    number_said = isinstance(said, int) and not amount
    return line(
        "",
        decides=table,
        nth=str(number),
        result=row.outcome,
        fact=condition.fact,
        compared_by=condition.op.value,
        sum_fen=said if amount and isinstance(said, int) else None,
        count=said if number_said and isinstance(said, int) else None,
        word=None if isinstance(said, int) else said if isinstance(said, str) else ", ".join(said),
        of=condition.of,
    )


_PERCENT = Operator.AT_LEAST_PERCENT_OF

SCHEME = Paper(
    name="assessment-scheme",
    about=EVERYBODY,
    stamps=ADOPTED,
    fill=_scheme,
    sections=(
        Section(
            "scheme",
            CARD,
            (
                printed("policy", *REF, kind=SIGN),
                printed("stage", f"{EFFECTIVE}.on", f"{SUPERSEDED}.last_day", kind="stage"),
                printed("effective_from", f"{EFFECTIVE}.effective_from", kind=DAY),
                printed("effective_to", f"{SUPERSEDED}.last_day", kind=DAY),
                printed("assessment", f"{_ASSESSED}.assessment", kind=SIGN),
                printed("compared", f"{_ASSESSED}.compared", kind=NUMBER),
                printed("moved", f"{_ASSESSED}.moved", kind=NUMBER),
                printed("worse", f"{_ASSESSED}.worse", kind=NUMBER),
                printed("reason", f"{_DRAFTED}.reason"),
            ),
        ),
        Section(
            "criteria",
            TABLE,
            (
                printed("decides", TOML, kind="table"),
                printed("nth", TOML, kind=SIGN),
                printed("result", TOML, kind="result"),
                printed("fact", TOML, kind="fact"),
                printed("compared_by", TOML, kind="op"),
                printed("sum_fen", TOML, kind=FEN),
                printed("count", TOML, kind=NUMBER),
                printed("word", TOML, kind="result"),
                printed("of", TOML, kind="fact"),
            ),
            key=("decides", "nth", "result", "fact"),
        ),
    ),
)
"""客户评估管理方案: the decision tables in force."""
