"""How a policy is adopted: no version grades anybody without assessment, approver and first day."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings

from crm_core.application.adopted import adopted
from crm_core.crm import CRM
from crm_core.errors import Invalid, PolicyDigestMismatch, PolicyInactive, Refused, UnknownPolicy
from crm_core.gradings import GRADING, GradingPolicy
from crm_core.gradings.adoption import ADOPTION, versions
from crm_core.gradings.commands import (
    ApprovePolicy,
    AssessPolicy,
    Document,
    DraftPolicy,
    MakePolicyEffective,
    Tried,
)
from crm_core.gradings.events import (
    PolicyApproved,
    PolicyAssessed,
    PolicyMadeEffective,
    PolicySuperseded,
)
from crm_core.kernel.decider import Refusal
from crm_core.kernel.limits import POLICY_BYTES_MAX
from crm_core.kernel.recorded import SYSTEM, Actor
from crm_core.kernel.sentences import LANGS, sentences
from crm_core.slices import shipped
from crm_core.testing import histories
from crm_core.testing.laws import check_decider
from crm_core.testing.strategies import (
    History,
    adoption_commands,
    grading_commands,
    grading_openings,
)
from estate import (
    DAY,
    DEFAULT,
    DIRECTOR,
    MANAGER,
    OWNER,
    SPECIALIST,
    SUPERVISOR,
    changed,
    crm,
    guarded,
    home,
    policy_text,
    reach,
    with_policies,
)

__all__ = ["crm"]

FIRST_DAY = date(2011, 1, 1)
NAME = "our-grades"


def text(version: int = 1, main: str = "600_000") -> str:
    """A draft: without approver, assessment and first day."""
    found = changed(policy_text(), 'name = "grade-cn-default"', f'name = "{NAME}"')
    found = changed(found, "version = 2\n", f"version = {version}\n")
    found = changed(found, "threshold = 800_000", f"threshold = {main}")
    for line in (
        'approved_by = "director"\n',
        'impact_assessment = "PIA-GRADING-3"\n',
        "effective_from = 2000-01-01\n",
    ):
        found = changed(found, line, "")
    return found


def draft(version: int = 1, **changes: Any) -> DraftPolicy:
    command = DraftPolicy(NAME, Document(text(version)), "fairer to small shops", DAY)
    return evolve(command, **changes)


TRIED = Tried(("run-1",), 4, 1, 0)


def assess(version: int = 1, **changes: Any) -> AssessPolicy:
    return evolve(AssessPolicy(NAME, version, "PIA-7", TRIED, DAY), **changes)


def approve(version: int = 1) -> ApprovePolicy:
    return ApprovePolicy(NAME, version, DAY)


def effective(version: int = 1, first: date = FIRST_DAY) -> MakePolicyEffective:
    return MakePolicyEffective(NAME, version, first, DAY)


PERSONS = {
    DraftPolicy: SUPERVISOR,
    AssessPolicy: MANAGER,
    ApprovePolicy: DIRECTOR,
    MakePolicyEffective: MANAGER,
}


def steps(crm: CRM, *commands: Any, by: Actor | None = None) -> Any:
    """Take steps, each by somebody who may; the library enters what a trial found."""
    for command in commands:
        who = by or PERSONS[type(command)]
        inside = isinstance(command, AssessPolicy)
        receipt = crm._desk.within(command, by=who) if inside else crm.do(command, by=who)
    return receipt


def adopt(crm: CRM, version: int = 1, first: date = FIRST_DAY) -> None:
    steps(crm, draft(version), assess(version), approve(version), effective(version, first))


def refused(
    crm: CRM, command: Any, code: str, rule: str = "GRD-11", by: Actor | None = None
) -> None:
    head = crm.log.head()
    with pytest.raises(Refused) as found:
        steps(crm, command, by=by)
    assert (found.value.reason, found.value.rule) == (code, rule)
    assert crm.log.head() == head


@pytest.mark.rule("GRD-11")
def test_a_policy_is_drafted_assessed_approved_and_effective_and_then_it_grades(crm: CRM) -> None:
    home(crm, "V1", buys=7_000_00)
    stages = []
    for command in (draft(), assess(), approve()):
        steps(crm, command)
        stages.append(adopted(crm.log, NAME)[1].stage)
        with pytest.raises(UnknownPolicy):
            crm.grade(2011, policy=NAME)
    steps(crm, effective())
    assert stages == ["drafted", "assessed", "approved"]
    version = adopted(crm.log, NAME)[1]
    assert (version.stage, version.assessment, version.approved_by) == ("effective", "PIA-7", "D1")
    run = crm.grade(2011, policy=NAME)
    assert run.policy == GradingPolicy.parse(text()).ref
    assert crm.explain("V1", 2011)["policy"] == f"{NAME}/1"
    # The log is enough: no file is needed to read, explain or replay it.
    assert crm.replay().differing == ()
    assert crm.gradings.grades(2011) == run
    with pytest.raises(PolicyInactive):
        crm.grade(2010, policy=NAME)


@pytest.mark.rule("GRD-11", "GRD-17")
def test_the_policy_adopted_last_is_in_force_whatever_it_is_called(crm: CRM) -> None:
    """Without one it is the newest default; of two that begin on one day, the one put up last."""
    home(crm, "V1", buys=7_000_00)
    end = date(2011, 12, 31)
    assert crm.gradings.in_force(end) == DEFAULT
    adopt(crm)
    adopt(crm, 2, first=date(2012, 1, 1))
    assert crm.gradings.in_force(date(2010, 12, 31)) == DEFAULT  # it begins too late for that year
    assert crm.gradings.in_force(end).ref == GradingPolicy.parse(text()).ref
    assert crm.gradings.in_force(date(2012, 12, 31)).ref == GradingPolicy.parse(text(2)).ref
    other = changed(text(), f'name = "{NAME}"', 'name = "a-newer-one"')
    named = {"name": "a-newer-one"}
    steps(
        crm,
        draft(document=Document(other), **named),
        assess(**named),
        evolve(approve(), **named),
        evolve(effective(), **named),
    )
    assert crm.gradings.in_force(end).ref.name == "a-newer-one"
    run = crm.grade(2011)
    assert (run.policy.name, run.standing) == ("a-newer-one", "of_record")
    # By another policy than that it is a trial, the default one too.
    assert crm.grade(2011, policy="grade-cn-default").standing == "trial"


@pytest.mark.rule("GRD-11")
def test_adopting_a_policy_is_no_fact_and_makes_no_new_run(crm: CRM) -> None:
    home(crm, "V1", buys=7_000_00)
    run = crm.grade(2011)
    adopt(crm)
    assert crm.grade(2011) == run


@pytest.mark.rule("GRD-11")
def test_no_step_is_left_out(crm: CRM) -> None:
    refused(crm, assess(), "unknown_draft")
    steps(crm, draft())
    refused(crm, approve(), "assessment_missing")
    refused(crm, effective(), "approval_missing")
    refused(crm, assess(assessment=""), "assessment_missing")
    refused(crm, assess(tried=Tried((), 0, 0, 0)), "assessment_missing")
    steps(crm, assess())
    refused(crm, effective(), "approval_missing")
    steps(crm, assess(assessment="PIA-8"))  # assessed again before it is approved
    steps(crm, approve())
    assert adopted(crm.log, NAME)[1].assessment == "PIA-8"
    for command in (assess(), approve()):
        refused(crm, command, "stage_passed")
    steps(crm, effective())
    refused(crm, effective(), "stage_passed")


@pytest.mark.rule("GRD-11", "LOG-08")
def test_who_takes_each_step(crm: CRM) -> None:
    """Nobody approves what they have drafted or assessed, in whatever role."""
    home(crm, "V1", buys=7_000_00)
    crm.grade(2011)
    for by in (SPECIALIST, OWNER):
        refused(crm, draft(), "role_insufficient", "LOG-08", by)
    steps(crm, draft())
    for by in (SPECIALIST, OWNER, SYSTEM):
        with pytest.raises(Refused) as found:
            crm.studies.assess(NAME, 1, "PIA-7", [2011], by=by, on=DAY)
        assert (found.value.reason, found.value.rule) == ("role_insufficient", "LOG-08")
    with pytest.raises(Refused) as found:
        crm.do(assess(), by=DIRECTOR)
    assert (found.value.reason, found.value.rule) == ("given_inside_only", "LOG-08")
    crm.studies.assess(NAME, 1, "PIA-7", [2011], by=MANAGER, on=DAY)
    for by in (SUPERVISOR, MANAGER, OWNER):
        refused(crm, approve(), "role_insufficient", "LOG-08", by)
    refused(crm, approve(), "own_proposal", "LOG-08", Actor(SUPERVISOR.id, "director"))
    refused(crm, approve(), "own_matter", "LOG-08", Actor(MANAGER.id, "director"))
    steps(crm, approve())
    refused(crm, effective(), "role_insufficient", "LOG-08", SUPERVISOR)


@pytest.mark.rule("GRD-11")
def test_a_published_version_never_changes(crm: CRM) -> None:
    steps(crm, draft())
    assert steps(crm, draft()).events == ()
    other = draft(document=Document(text(main="500_000")))
    refused(crm, other, "version_exists")
    steps(crm, draft(3))
    refused(crm, draft(2), "version_exists")
    # Nor is the name and version of a shipped one taken.
    default = DraftPolicy("grade-cn-default", Document(policy_text()), "x", DAY)
    refused(crm, default, "version_exists")


@pytest.mark.rule("GRD-11")
def test_what_a_draft_must_be(crm: CRM) -> None:
    refused(crm, draft(reason=""), "reason_missing")
    refused(crm, draft(name="another"), "policy_misnamed")
    refused(crm, draft(document=Document("kind = 7")), "policy_faulty")
    refused(crm, draft(document=Document("kind")), "policy_faulty")


@pytest.mark.rule("GRD-11")
@pytest.mark.parametrize("more", [0, 1])
def test_a_draft_is_as_long_as_a_policy_file_may_be(crm: CRM, more: int) -> None:
    """The limit of what people type is not its limit."""
    room = POLICY_BYTES_MAX + more - len(text().encode())
    longest = draft(document=Document(f"{text()}#{'x' * (room - 1)}"))
    assert len(longest.document.toml.encode()) == POLICY_BYTES_MAX + more
    if not more:
        crm.do(longest, by=MANAGER)
        return
    with pytest.raises(Invalid) as found:
        crm.do(longest, by=MANAGER)
    assert [(f.code, f.where) for f in found.value.faults] == [
        ("value_malformed", "DraftPolicy.document.toml")
    ]


@pytest.mark.rule("GRD-11")
def test_a_draft_can_be_tried_and_its_assessment_says_what_was_found(crm: CRM) -> None:
    home(crm, "V1", buys=7_000_00)
    run = crm.grade(2011)
    steps(crm, draft())
    ours = crm.studies.candidate(f"{NAME}/1")
    assert crm.studies.what_if([2011], ours).policy == GradingPolicy.parse(text()).ref
    crm.studies.assess(NAME, 1, "PIA-9", [2011], by=MANAGER, on=DAY)
    [assessed] = [
        e.event for e in crm.history(f"policy/{NAME}") if isinstance(e.event, PolicyAssessed)
    ]
    assert (assessed.runs, assessed.compared, assessed.assessment) == ((run.run,), 1, "PIA-9")


@pytest.mark.rule("GRD-11")
def test_what_is_a_draft_in_the_log_is_one_whatever_its_file_says(crm: CRM) -> None:
    home(crm, "V1", buys=7_000_00)
    ready = changed(
        text(),
        "version = 1\n",
        'version = 1\neffective_from = 2000-01-01\napproved_by = "me"\n'
        'impact_assessment = "none"\n',
    )
    steps(crm, draft(document=Document(ready)))
    other = with_policies(crm, shipped().add(GradingPolicy.parse(ready)))
    head = crm.log.head()
    with pytest.raises(PolicyInactive):
        other.grade(2011, policy=NAME)
    assert crm.log.head() == head
    steps(crm, assess(), approve(), effective())
    assert other.grade(2011, policy=NAME).policy == GradingPolicy.parse(ready).ref
    file_of_another = GradingPolicy.parse(text(main="1"))
    with pytest.raises(PolicyDigestMismatch):
        with_policies(crm, shipped().add(file_of_another)).grade(2011, policy=NAME)


@pytest.mark.rule("GRD-11")
def test_the_next_version_supersedes_the_one_before(crm: CRM) -> None:
    home(crm, "V1", buys=7_000_00)
    adopt(crm)
    old = crm.grade(2011, policy=NAME)
    steps(crm, draft(2), assess(2), approve(2))
    refused(crm, effective(2, FIRST_DAY), "period_overlaps")
    steps(crm, effective(2, date(2012, 1, 1)))
    one, two = adopted(crm.log, NAME)[1], adopted(crm.log, NAME)[2]
    assert (one.stage, one.effective_to) == ("superseded", date(2011, 12, 31))
    assert (two.stage, two.effective_from) == ("effective", date(2012, 1, 1))
    assert crm.grade(2011, policy=NAME) == old
    reach(crm, date(2013, 1, 1))
    assert crm.grade(2012, policy=NAME).policy.version == 2
    assert crm.replay().differing == ()


@pytest.mark.rule("GRD-11")
def test_a_shipped_version_is_superseded_by_name(crm: CRM) -> None:
    home(crm, "V1", buys=7_000_00)
    name = "grade-cn-default"
    third = changed(changed(text(3), NAME, name), "600_000", "700_000")
    ours = DraftPolicy(name, Document(third), "fairer", DAY)
    steps(crm, ours, evolve(assess(3), name=name), evolve(approve(3), name=name))
    steps(crm, evolve(effective(3, date(2012, 1, 1)), name=name))
    [superseded] = [
        e.event for e in crm.history(f"policy/{name}") if isinstance(e.event, PolicySuperseded)
    ]
    assert str(superseded.policy) == "grade-cn-default/2"
    assert superseded.last_day == date(2011, 12, 31)
    assert crm.grade(2011).policy.version == 2
    reach(crm, date(2013, 1, 1))
    assert crm.grade(2012).policy.version == 3


# --- laws and histories ----------------------------------------------------------------------


@pytest.mark.rule("GRD-11", "LOG-08")
@settings(max_examples=300)
@given(histories(guarded(ADOPTION), adoption_commands("our-grades"), max_size=25))
def test_in_no_history_a_version_is_effective_without_assessment_and_approver(
    history: History,
) -> None:
    for number in range(len(history.events) + 1):
        known = versions(ADOPTION.decider.fold(history.events[:number]))
        for version in known.values():
            if version.usable:
                assert version.assessment
                assert version.approved_by
                assert version.approved_by not in (version.drafted_by, version.assessed_by)
                assert version.effective_from is not None
                assert not version.policy().header.missing()
        assert sum(version.stage == "effective" for version in known.values()) <= 1
    made = [e.policy for e in history.events if isinstance(e, PolicyMadeEffective)]
    approved = [e.policy for e in history.events if isinstance(e, PolicyApproved)]
    assert {*made} <= {*approved}
    assert len({*made}) == len(made)


def test_policies_keep_the_laws_of_a_decider() -> None:
    check_decider(ADOPTION, adoption_commands("our-grades"), max_examples=40)


def test_gradings_keep_the_laws_of_a_decider() -> None:
    check_decider(GRADING, grading_commands(), opening=grading_openings(), max_examples=60)


@pytest.mark.rule("GRD-11", "GRD-13")
@given(
    histories(ADOPTION, adoption_commands("our-grades"))
    | histories(GRADING, grading_commands(), opening=grading_openings())
)
def test_every_refusal_is_said_in_both_languages(history: History) -> None:
    for step in history.steps:
        if isinstance(step.decided, Refusal):
            key = step.decided.sentence or step.decided.code
            assert {*sentences("refused-grd")[key]} == {*LANGS}
            for lang in LANGS:
                assert "{" not in step.decided.told(lang)
