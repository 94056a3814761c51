"""What-if: a candidate over recorded years says exactly what would happen, and writes nothing."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_adapters.wiring import open_crm
from crm_core.crm import CRM
from crm_core.errors import Invalid, UnknownPolicy
from crm_core.gradings import GradingPolicy, assess
from crm_core.gradings.studies.what_if import as_dict, reasons
from crm_core.owners.commands import RegisterHousehold
from crm_core.payments.commands import RaiseCharge, ReceivePayment
from crm_core.slices import shipped
from crm_core.testing.strategies import Estate, estates, play
from crm_core.testing.strategies.gradings import facts
from estate import (
    DEFAULT,
    LAYERS,
    candidate,
    changed,
    complain,
    crm,
    do,
    home,
    policy_text,
    reach,
    with_policies,
)

__all__ = ["crm"]

LOWER = candidate(("threshold = 800_000", "threshold = 600_000"))
"""Lively and ordinary customers reach main from 6,000 yuan on."""

HIGHER = candidate(("threshold = 1_000_000", "threshold = 1_200_000"))


def fill(crm: CRM) -> None:
    home(crm, "V1", buys=7_000_00)
    do(crm, *(complain(f"R{n}") for n in range(4)))  # lively
    home(crm, "V2", buys=11_000_00)
    home(crm, "V3", buys=5_000_00)
    do(crm, RegisterHousehold("V4", "Anhe", "1", "1", "V4"))


@pytest.mark.rule("GRD-10")
def test_who_moves_why_and_with_how_much_money(crm: CRM) -> None:
    fill(crm)
    run = crm.grade(2011)
    told = as_dict(crm.studies.what_if([2011], LOWER))
    fairness = told.pop("fairness")
    assert told == {
        "moved": 1,
        "matrix": {"ordinary": {"main": 1}},
        "households": [
            {
                "household": "V1",
                "year": 2011,
                "run": run.run,
                "from": "ordinary",
                "to": "main",
                "type_from": "lively",
                "type_to": "lively",
                "because": [
                    {
                        "fact": "purchases_fen",
                        "before": {"value": 7_000_00, "threshold": 8_000_00, "met": False},
                        "after": {"value": 7_000_00, "threshold": 6_000_00, "met": True},
                    }
                ],
                "purchases_fen": 7_000_00,
                "overdue_fen": 0,
            }
        ],
        "compared": 4,
        "types": {},
        "money": {
            "better": {"households": 1, "purchases_fen": 7_000_00, "overdue_fen": 0},
            "worse": {"households": 0, "purchases_fen": 0, "overdue_fen": 0},
        },
        "policy": "ours/2",
        "policy_digest": LOWER.ref.digest,
        "runs": [run.run],
    }
    # Four households are too few to be shown by building.
    assert fairness["building"] == [
        {"value": "1", "households": None, "counts": {"better": None, "same": None, "worse": 0}}
    ]
    [fallen] = crm.studies.what_if([2011], HIGHER).moved
    assert (fallen.household, fallen.layer, fallen.layer_then, fallen.worse) == (
        "V2", "main", "ordinary", True
    )  # fmt: skip


@pytest.mark.rule("GRD-10")
def test_nothing_is_written_and_a_draft_may_be_tried(crm: CRM) -> None:
    fill(crm)
    crm.grade(2011)
    before = crm.verify()
    text = changed(policy_text(), 'name = "grade-cn-default"', 'name = "ours"')
    for line in (
        'approved_by = "director"\n',
        'impact_assessment = "PIA-GRADING-3"\n',
        "effective_from = 2000-01-01\n",
    ):
        text = changed(text, line, "")
    draft = GradingPolicy.parse(text)
    assert draft.header.missing()
    assert crm.studies.what_if([2011], draft).moved == ()
    assert crm.verify() == before
    assert list(crm.log.outcomes([])) == []


@pytest.mark.rule("GRD-10")
def test_a_candidate_sees_what_the_run_saw_and_no_more(crm: CRM) -> None:
    fill(crm)
    crm.grade(2011)
    do(crm, ReceivePayment("V3", "P9", 1, date(2011, 5, 1), "cash"))
    do(crm, RegisterHousehold("V5", "Anhe", "1", "1", "V5"))
    found = crm.studies.what_if([2011], candidate())
    assert (found.compared, found.moved) == (4, ())


@pytest.mark.rule("GRD-10")
def test_several_years_and_another_run_can_be_tried(crm: CRM) -> None:
    fill(crm)
    do(crm, RaiseCharge("V1", "C12", "parking", "x", 1, date(2012, 3, 1)))
    first = crm.grade(2011)
    reach(crm, date(2013, 1, 1))
    second = crm.grade(2012)
    found = crm.studies.what_if([2012, 2011], LOWER)
    assert found.runs == (first.run, second.run)
    assert found.compared == 8
    assert [(one.household, one.year) for one in found.moved] == [("V1", 2011)]
    known = crm.grade(2011, known=first.cutoff.known)
    assert crm.studies.what_if([2011], LOWER, run=known.run).runs == (known.run,)
    with pytest.raises(Invalid):
        crm.studies.what_if([2013], LOWER)
    with pytest.raises(Invalid) as missing:
        crm.studies.what_if([2011], LOWER, engine="abacus")
    assert missing.value.faults[0].code == "engine_unknown"
    with pytest.raises(UnknownPolicy):
        crm.studies.candidate("gold/1")
    assert crm.studies.candidate("grade-cn-default/2") == DEFAULT
    # Without a version it is the newest.
    assert crm.studies.candidate("grade-cn-default") == DEFAULT
    assert crm.studies.candidate("grade-cn-default/1").ref.version == 1


@pytest.mark.rule("GRD-10")
def test_another_credit_table_is_another_cause(crm: CRM) -> None:
    home(crm, "V1", buys=9_000_00)
    do(crm, RaiseCharge("V1", "late", "parking", "x", 1, date(2011, 11, 30)))
    assert crm.grade(2011).gradings[0].outcome.layer == "small"  # 31 days: B2
    by_months = candidate(('credit = "credit-cn-default/1"', 'credit = "credit-months/1"'))
    [moved] = crm.studies.what_if([2011], by_months).moved
    [reason] = [r for r in moved.because if r.fact == "credit"]
    assert reason.before is not None
    assert reason.after is not None
    assert (reason.before.value, reason.after.value) == ("B2", "B1")
    assert reason.before.threshold == reason.after.threshold


THRESHOLDS = st.sampled_from([1, 500_000, 800_000, 1_000_000, 1_600_000, 2_500_000])


@st.composite
def candidates(draw: st.DrawFn) -> GradingPolicy:
    """The shipped policy with other numbers."""
    text = changed(policy_text(), 'name = "grade-cn-default"', 'name = "ours"')
    for number in ("800_000", "1_000_000", "1_600_000", "2_000_000"):
        text = changed(text, f"threshold = {number} }}", f"threshold = {draw(THRESHOLDS)} }}")
    text = changed(text, "threshold = 4 }", f"threshold = {draw(st.integers(1, 9))} }}")
    text = changed(text, "threshold = 110,", f"threshold = {draw(st.integers(50, 200))},")
    grade = draw(st.sampled_from(["A", "B1", "B4"]))
    text = text.replace(
        'op = "no_worse_than", threshold = "B1"', f'op = "no_worse_than", threshold = "{grade}"'
    )
    return GradingPolicy.parse(text)


@pytest.mark.rule("GRD-10")
@settings(max_examples=40)
@given(estates(2011), candidates())
def test_grading_by_the_candidate_moves_exactly_the_households_that_were_told(
    estate: Estate, ours: GradingPolicy
) -> None:
    with open_crm("memory:") as crm:
        play(crm, estate)
        before = {g.household: g.outcome for g in crm.grade(2011).gradings}
        head = crm.log.head()
        told = crm.studies.what_if([2011], ours)
        assert crm.log.head() == head
        after = with_policies(crm, shipped().add(ours)).grade(2011, policy="ours")
        moves = {
            g.household: (before[g.household].layer, g.outcome.layer)
            for g in after.gradings
            if before[g.household].layer != g.outcome.layer
        }
        assert {m.household: (m.layer, m.layer_then) for m in told.moved} == moves
        listed = {(b, a): n for b, to in told.matrix.items() for a, n in to.items()}
        assert listed == dict(Counter(moves.values()))


@pytest.mark.rule("GRD-10")
@settings(max_examples=200)
@given(facts(), candidates())
def test_every_move_has_a_criterion_that_makes_the_difference(
    seen: Any, ours: GradingPolicy
) -> None:
    before, after = assess(seen, DEFAULT), assess(seen, ours)
    if before.layer == after.layer:
        return
    found = reasons(seen, seen, DEFAULT, ours)
    assert found
    better_before = LAYERS.index(before.layer) < LAYERS.index(after.layer)
    for reason in found:
        worse_side = reason.after if better_before else reason.before
        assert worse_side is not None
        assert not worse_side.met
        better_side = reason.before if better_before else reason.after
        assert better_side is None or better_side.met


@pytest.mark.rule("GRD-10")
def test_the_layer_that_is_lost_and_the_type_that_changes_are_told(crm: CRM) -> None:
    home(crm, "V1", buys=9_000_00)
    crm.grade(2011)
    # Nobody has a good prospect any more: the cautious one is ordinary, and main from 8,000 on.
    found = crm.studies.what_if([2011], candidate(("threshold = 110", "threshold = 100_000")))
    assert found.moved == ()
    grows = '{ fact = "purchases_fen", op = "at_least_percent_of"'
    above = 'op = "above", threshold = 0 },\n    '
    ours = candidate((f"{above}{grows}", f"{above.replace('= 0', '= 99_000_000')}{grows}"))
    found = crm.studies.what_if([2011], ours)
    assert found.types == {"cautious": {"ordinary": 1}}
    [moved] = found.moved
    assert (moved.layer, moved.layer_then) == ("ordinary", "main")
    [reason] = moved.because
    assert reason.before is not None
    assert reason.after is not None
    assert (reason.before.threshold, reason.after.threshold) == (10_000_00, 8_000_00)
