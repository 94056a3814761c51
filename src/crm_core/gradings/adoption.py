"""How a policy is adopted: drafted, assessed, approved, effective, superseded (GRD-11, LOG-08).

It is a policy of a kind that a slice declares as adoptable: a grading policy, the table of who may
do what, an official notice of public holidays. Each step is a recorded fact about one version, by a
person. A version is usable only once it is effective, and it becomes effective only
with an assessment and an approver who neither drafted nor assessed it; its text is pinned by its
digest from the draft on. A draft can be tried with a what-if and used by nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from attrs import evolve, field

from crm_core.gradings.commands import (
    ApprovePolicy,
    AssessPolicy,
    DraftPolicy,
    ListPolicy,
    MakePolicyEffective,
)
from crm_core.gradings.events import (
    PolicyApproved,
    PolicyAssessed,
    PolicyDrafted,
    PolicyListed,
    PolicyMadeEffective,
    PolicySuperseded,
)
from crm_core.kernel.aggregate import Aggregate
from crm_core.kernel.authority import Own
from crm_core.kernel.decider import Decider, Decision, Refusal, by_command, by_event
from crm_core.kernel.growing import NOTHING, GrowingList
from crm_core.kernel.policy import Header, Policy, PolicyRef, read_toml
from crm_core.kernel.recorded import Recorded
from crm_core.kernel.refusals import no_reason
from crm_core.kernel.values import define, frozen

GRADING = "grading"
"""The kind of policy that is tried over recorded years: no other moves a household."""

Step = PolicyDrafted | PolicyAssessed | PolicyApproved | PolicyMadeEffective | PolicySuperseded

DRAFTED, ASSESSED, APPROVED = "drafted", "assessed", "approved"
EFFECTIVE, SUPERSEDED = "effective", "superseded"


@define
class Adoption:
    """Everything that was done about the versions of one policy, oldest first."""

    steps: GrowingList[Step] = field(default=NOTHING)


@frozen
class Version:
    """One version of a policy and how far it has come.

    Args:
        stage: `drafted`, `assessed`, `approved`, `effective` or `superseded`.
        assessment: Reference of its impact assessment, once it has one.
        assessed_by: Who assessed it last.
        effective_to: Last day, once it is superseded.
    """

    ref: PolicyRef
    toml: str
    stage: str
    drafted_by: str
    assessment: str = ""
    assessed_by: str = ""
    approved_by: str = ""
    effective_from: date | None = None
    effective_to: date | None = None

    @property
    def usable(self) -> bool:
        """Whether it may be used: it is effective, or was."""
        return self.stage in (EFFECTIVE, SUPERSEDED)

    @property
    def kind(self) -> str:
        """What its file says under `kind`."""
        return str(read_toml(self.toml).get("kind"))

    def policy(self, parse: Callable[[str], Policy]) -> Policy:
        """The policy: contents as drafted, approval and period as they were recorded since.

        The digest is that of the contents, so a grading that pins it can be replayed for ever.

        Args:
            parse: Reads a policy of its kind; see `Registry.parse`.
        """
        drafted: Any = parse(self.toml)
        header = Header(
            name=self.ref.name,
            version=self.ref.version,
            effective_from=self.effective_from,
            effective_to=self.effective_to,
            approved_by=self.approved_by,
            impact_assessment=self.assessment,
        )
        found: Policy = evolve(drafted, header=header)
        return found


def versions(state: Adoption) -> dict[int, Version]:
    """The versions by number."""
    found: dict[int, Version] = {}
    for step in state.steps:
        number = step.policy.version
        if isinstance(step, PolicyDrafted):
            found[number] = Version(step.policy, step.toml, DRAFTED, step.drafted_by)
        elif number in found:
            found[number] = _after(found[number], step)
    return found


def _after(version: Version, step: Any) -> Version:
    match step:
        case PolicyAssessed():
            return evolve(
                version,
                stage=ASSESSED,
                assessment=step.assessment,
                assessed_by=step.assessed_by,
            )
        case PolicyApproved():
            return evolve(version, stage=APPROVED, approved_by=step.approved_by)
        case PolicyMadeEffective():
            return evolve(version, stage=EFFECTIVE, effective_from=step.effective_from)
        case PolicySuperseded():
            return evolve(version, stage=SUPERSEDED, effective_to=step.last_day)
        case _:
            return version


def _draft(command: DraftPolicy, state: Adoption) -> Decision:
    ref, known = command.policy, versions(state)
    if ref is None:
        return Refusal("policy_faulty", "GRD-11", {"faults": command.faults})
    if ref.name != command.name:
        return Refusal("policy_misnamed", "GRD-11", {"policy": ref.name, "named": command.name})
    if ref.version in known and known[ref.version].ref == ref:
        return ()
    if command.taken is not None or any(number >= ref.version for number in known):
        return Refusal("version_exists", "GRD-11", {"policy": str(ref)})
    kind = read_toml(command.document.toml).get("kind")
    if command.another_kind or any(one.kind != kind for one in known.values()):
        return Refusal("policy_of_another_kind", "GRD-11", {"policy": ref.name})
    if not command.reason.strip():
        return no_reason("GRD-11", "draft")
    return (
        PolicyDrafted(
            policy=ref,
            toml=command.document.toml,
            reason=command.reason,
            drafted_by=command.by.id,
            on=command.on,
        ),
    )


def _assess(command: AssessPolicy, state: Adoption) -> Decision:
    version = versions(state).get(command.version)
    if version is None:
        return _unknown(command.name, command.version)
    if version.stage not in (DRAFTED, ASSESSED):
        return _passed(version)
    tried = command.tried
    is_tried = bool(tried.runs) or version.kind != GRADING
    if not command.assessment or not is_tried:
        return Refusal("assessment_missing", "GRD-11", {}, "assessment_missing_reference")
    return (
        PolicyAssessed(
            policy=version.ref,
            assessment=command.assessment,
            runs=tried.runs,
            compared=tried.compared,
            moved=tried.moved,
            worse=tried.worse,
            assessed_by=command.by.id,
            on=command.on,
        ),
    )


def _approve(command: ApprovePolicy, state: Adoption) -> Decision:
    version = versions(state).get(command.version)
    if version is None:
        return _unknown(command.name, command.version)
    if version.stage == DRAFTED:
        return Refusal("assessment_missing", "GRD-11", {"policy": str(version.ref)})
    if version.stage != ASSESSED:
        return _passed(version)
    return (PolicyApproved(version.ref, command.by.id, command.on),)


def _make_effective(command: MakePolicyEffective, state: Adoption) -> Decision:
    known = versions(state)
    version = known.get(command.version)
    if version is None:
        return _unknown(command.name, command.version)
    if version.stage in (DRAFTED, ASSESSED):
        return Refusal("approval_missing", "GRD-11", {"policy": str(version.ref)})
    if version.usable:
        return _passed(version)
    current = next((one for one in known.values() if one.stage == EFFECTIVE), None)
    first = None if current is None else current.effective_from
    if first is not None and command.effective_from <= first:
        return Refusal("period_overlaps", "GRD-11", {"effective_from": first.isoformat()})
    before = command.shipped if current is None else current.ref
    made = PolicyMadeEffective(version.ref, command.effective_from, command.on)
    if before is None:
        return (made,)
    last_day = command.effective_from - timedelta(days=1)
    return (made, PolicySuperseded(before, version.ref, last_day))


def _unknown(name: str, version: int) -> Refusal:
    return Refusal("unknown_draft", "GRD-11", {"policy": f"{name}/{version}"})


def _passed(version: Version) -> Refusal:
    details = {"policy": str(version.ref), "stage": version.stage}
    return Refusal("stage_passed", "GRD-11", details, f"stage_passed_{version.stage}")


def own(command: Any, state: Adoption) -> Own | None:
    """Who cannot approve it: who drafted it, and who assessed it (LOG-08)."""
    if not isinstance(command, ApprovePolicy):
        return None
    version = versions(state).get(command.version)
    if version is None or version.stage != ASSESSED:
        return None
    return Own(version.drafted_by, frozenset({version.assessed_by}))


_DECIDE: dict[type, Callable[[Any, Adoption], Decision]] = {
    DraftPolicy: _draft,
    AssessPolicy: _assess,
    ApprovePolicy: _approve,
    MakePolicyEffective: _make_effective,
}


def _stepped(state: Adoption, e: Step) -> Adoption:
    return Adoption(state.steps.append(e))


ADOPTION = Aggregate(
    Decider(
        "policy",
        Adoption(),
        by_command(_DECIDE),
        by_event(
            dict.fromkeys(
                (
                    PolicyDrafted,
                    PolicyAssessed,
                    PolicyApproved,
                    PolicyMadeEffective,
                    PolicySuperseded,
                ),
                _stepped,
            )
        ),
    ),
    tuple(_DECIDE),
    lambda command: command.name,
    lambda command: "",
    needs_file=False,
    own=own,
    inside=frozenset({AssessPolicy}),
)


# --- the names of a kind -----------------------------------------------------------------------


@define
class Listed:
    """The names of the policies of one kind that were ever drafted, in that order."""

    names: tuple[str, ...] = ()


def _list(command: ListPolicy, state: Listed) -> Decision:
    return () if command.name in state.names else (PolicyListed(command.kind, command.name),)


def _listed(state: Listed, e: PolicyListed) -> Listed:
    return Listed((*state.names, e.name))


POLICY_KIND = Aggregate(
    Decider(
        "policy-kind", Listed(), by_command({ListPolicy: _list}), by_event({PolicyListed: _listed})
    ),
    (ListPolicy,),
    lambda command: command.kind,
    lambda command: "",
    needs_file=False,
    inside=frozenset({ListPolicy}),
)


def list_drafted(recorded: Recorded[PolicyDrafted]) -> tuple[Any, ...]:
    """Who needs all policies of a kind finds them by their names, without reading the whole log."""
    event = recorded.event
    return (ListPolicy(str(read_toml(event.toml).get("kind")), event.policy.name),)
