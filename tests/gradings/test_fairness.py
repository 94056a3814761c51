"""Fairness: what a grading may see, what changes nothing, and what is seen from outside."""

from __future__ import annotations

import ast
import inspect
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any, get_type_hints

import attrs
import pytest
from attrs import astuple, evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_adapters.wiring import open_crm
from crm_core.crm import CRM
from crm_core.errors import Invalid
from crm_core.gradings import Facts, GradingDecided, GradingPolicy, assess
from crm_core.gradings import facts as facts_module
from crm_core.gradings.commands import ContestGrading, DecideReview
from crm_core.gradings.facts import EVENT_NAMES, NEEDS
from crm_core.gradings.studies.fairness import SUPPRESSED_BELOW, by_attribute
from crm_core.kernel.policy import PolicyFault
from crm_core.kernel.sealed import Personal
from crm_core.owners.commands import AddMember, ConfirmConduct, EndRole, RegisterHousehold
from crm_core.owners.facts import TENURE_NAMES, VOID_NAMES
from crm_core.payments.commands import (
    ClaimLateCharge,
    RaiseCharge,
    ReceivePayment,
    RecordPurchase,
)
from crm_core.policies import parse_policy
from crm_core.requests.commands import ReceiveRequest
from crm_core.slices import shipped
from crm_core.testing.strategies import Entry, Estate, estates, play
from crm_core.testing.strategies.gradings import facts
from estate import (
    DIRECTOR,
    LAYERS,
    MANAGER,
    OWNER,
    START,
    asked,
    changed,
    complain,
    crm,
    do,
    home,
    of,
    policy_text,
    reach,
)

__all__ = ["crm"]

FIRST = shipped().find(GradingPolicy, "grade-cn-default/1", date(2011, 12, 31))
MONOTONE = shipped().find(GradingPolicy, "grade-cn-monotone", date(2011, 12, 31))

# --- the allow-list --------------------------------------------------------------------------

STATUS = (
    "age", "ethnic", "family", "gender", "health", "income", "job", "kind", "marital", "member",
    "military", "name", "nation", "occupation", "origin", "owner", "parent", "party", "phone",
    "political", "price", "religion", "room", "building", "salary", "sex", "size", "tenant",
    "unit", "wealth",
)  # fmt: skip


@pytest.mark.rule("GRD-15")
def test_facts_are_a_closed_list_of_dealings_each_with_a_stated_need() -> None:
    """A new fact is a new line here, in `NEEDS` and in the documentation: somebody looks at it."""
    assert {*NEEDS} == {field.name for field in attrs.fields(Facts)} == {
        "attention", "b2_entries", "charges_due", "complaints", "conduct", "credit", "interests",
        "overdue_days", "overdue_fen", "previous_purchases_fen", "purchases_fen", "worst_credit",
    }  # fmt: skip
    assert all("GRD-" in need for need in NEEDS.values())
    assert {*get_type_hints(Facts).values()} == {int, str}
    for name in NEEDS:
        assert not {*name.split("_")} & {*STATUS}
        assert f"        {name}: " in (Facts.__doc__ or "")


@pytest.mark.rule("GRD-15")
def test_facts_are_read_from_dealings_and_from_no_file_about_persons() -> None:
    owners = {name for name in EVENT_NAMES if name.startswith("owners.")}
    # Of an import that was undone, that a household or a role never was: no more than a tenure.
    never_was = {f"owners.{what}_voided/1" for what in ("household", "role", "role_end")}
    assert never_was == VOID_NAMES
    confirmed = {"owners.conduct_confirmed/1", "owners.interest_recorded/1"}
    assert owners - TENURE_NAMES - VOID_NAMES == confirmed
    tree = ast.parse(inspect.getsource(facts_module))
    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("crm_core.owners")
        for alias in node.names
    }
    # Of persons only since when and until when they owned, as tenures: whose dealings these were.
    tenures = {"TENURES", "TENURE_NAMES", "tenures"}
    voids = {"VOIDS", "VOID_NAMES"}
    assert imported == {"FACT_NAMES", "ConductConfirmed", "InterestRecorded", *tenures, *voids}


@pytest.mark.rule("GRD-15")
@pytest.mark.parametrize("status", ["income", "occupation", "origin", "tenant", "building"])
def test_a_policy_cannot_name_a_status(status: str) -> None:
    text = changed(policy_text(), 'fact = "interests"', f'fact = "{status}"')
    with pytest.raises(PolicyFault) as found:
        GradingPolicy.parse(text)
    assert "GRD-15" in found.value.faults[0][1].told("en")
    with pytest.raises(Invalid):
        parse_policy(GradingPolicy, text, "ours.toml")


@pytest.mark.rule("GRD-15")
def test_no_module_that_decides_imports_what_only_the_audit_sees() -> None:
    folder = Path(facts_module.__file__ or "").parent
    seeing = {
        path.stem
        for path in folder.rglob("*.py")
        if "crm_core.gradings.studies.fairness" in path.read_text(encoding="utf-8")
    }
    assert seeing == {"what_if"}  # which decides about nobody


# --- what changes nothing, and what never harms ------------------------------------------------


def disguised(entry: Entry, kind: str, other: int) -> Entry:
    """The same dealings of somebody else: nothing that is a fact differs."""
    command = entry.command
    changes: dict[str, Any] = {}
    if isinstance(command, RegisterHousehold):
        changes = {"kind": kind, "estate": f"E{other}", "building": f"B{other}", "unit": "9"}
    elif isinstance(command, RecordPurchase):
        changes = {"service": f"service {other}"}
    elif isinstance(command, ReceivePayment):
        changes = {"method": ("cash", "wechat", "transfer")[other % 3]}
    elif isinstance(command, RaiseCharge) and command.kind != "enforcement_costs":
        changes = {"kind": ("parking", "utilities", "other")[other % 3], "period": "some day"}
    elif isinstance(command, ReceiveRequest):
        changes = {"summary": f"summary {other}", "first_asked": f"S{other}"}
        changes["channel"] = ("app", "phone", "wechat")[other % 3]
        changes["severity"] = ("general", "major")[other % 2]
    return evolve(entry, command=evolve(command, **changes))


@pytest.mark.rule("GRD-15")
@settings(max_examples=60)
@given(estates(2011), st.sampled_from(["person", "company"]), st.integers(0, 5))
def test_changing_non_facts_changes_nothing(estate: Estate, kind: str, other: int) -> None:
    told = []
    # Which charges bear late charges is a matter of their kind, so nobody is asked for one here.
    asked = tuple(e for e in estate.entries if not isinstance(e.command, ClaimLateCharge))
    estate = evolve(estate, entries=asked)
    changed_too = evolve(
        estate, entries=tuple(disguised(entry, kind, other) for entry in estate.entries)
    )
    for one in (estate, changed_too):
        with open_crm("memory:") as crm:
            accepted = play(crm, one)
            # A request that is severe has other clocks, and so other events before others.
            place = {
                e.position: (e.stream, e.version)
                for home in one.households
                for e in crm.history(home)
            }
            told.append(
                (
                    len(accepted),
                    [
                        (
                            g.facts,
                            [[place[p] for p in some] for some in astuple(g.evidence)],
                            g.outcome,
                        )
                        for g in crm.grade(2011).gradings
                    ],
                )
            )
    assert told[0] == told[1]


@pytest.mark.rule("GRD-15", "OWN-02")
@settings(max_examples=25)
@given(estates(2011), st.data())
def test_who_lives_there_changes_nothing(estate: Estate, data: st.DataObject) -> None:
    """But who owns it, and so whose dealings they were (PAY-16)."""
    with open_crm("memory:") as crm:
        play(crm, estate)
        before = {g.household: (g.facts, g.evidence, g.outcome) for g in crm.grade(2011).gradings}
        for household in estate.households:
            person = Personal(f"{household}#x", "Somebody")
            role = data.draw(st.sampled_from(["tenant", "family_member", "agent", "co_owner"]))
            since = date(2005, 1, 1)
            do(crm, AddMember(household, f"{household}#x", role, since, person))
            if data.draw(st.booleans()):
                until = date(2011, 6, 30)
                do(crm, EndRole(household, f"{household}#x", role, until, "moved"))
        after = {g.household: (g.facts, g.evidence, g.outcome) for g in crm.grade(2011).gradings}
        assert after == before


def rank(seen: Facts, policy: GradingPolicy) -> int:
    return LAYERS.index(assess(seen, policy).layer)


GOOD = st.one_of(
    st.builds(dict, purchases_fen=st.sampled_from([1, 350_00]) | st.integers(1, 30_000_00)),
    st.just({"interests": 1}),
    st.builds(dict, purchases_fen=st.integers(0, 9_000_00), interests=st.integers(0, 2)),
)


@pytest.mark.rule("GRD-15", "GRD-03")
@settings(max_examples=800)
@given(facts(), GOOD)
def test_under_the_monotone_table_more_of_a_good_fact_never_lowers(
    seen: Facts, more: dict[str, int]
) -> None:
    seen = evolve(seen, charges_due=1)
    better = evolve(seen, **{name: getattr(seen, name) + by for name, by in more.items()})
    assert rank(better, MONOTONE) <= rank(seen, MONOTONE)


@pytest.mark.rule("GRD-15", "GRD-03")
@given(facts())
def test_under_the_monotone_table_a_better_credit_never_lowers(seen: Facts) -> None:
    seen = evolve(seen, charges_due=1)
    paid = evolve(seen, credit="A", overdue_days=0, overdue_fen=0)
    clean = evolve(paid, worst_credit="A", b2_entries=0, conduct=0)
    assert rank(clean, MONOTONE) <= rank(paid, MONOTONE) <= rank(seen, MONOTONE)


@pytest.mark.rule("GRD-15", "GRD-03")
@settings(max_examples=500)
@given(facts())
def test_the_monotone_table_differs_only_where_fewer_purchases_would_have_reached_more(
    seen: Facts,
) -> None:
    """It is the least change: never a worse layer, and a better one only where it must be."""
    before, after = assess(seen, FIRST), assess(seen, MONOTONE)
    assert before.type == after.type
    if before.layer == after.layer:
        return
    least = {"main": 8_000_00, "important": 16_000_00}[after.layer]
    fewer = evolve(seen, purchases_fen=least, interests=0)
    assert least < seen.purchases_fen or seen.interests
    assert assess(fewer, FIRST).layer == after.layer
    assert assess(fewer, FIRST).type == "ordinary"


@pytest.mark.rule("GRD-15", "GRD-03")
@pytest.mark.parametrize(
    ("purchases", "previous", "layer"),
    [
        (9_000_00, 7_272_72, "ordinary"),
        (9_000_00, 7_272_73, "main"),
        (19_000_00, 14_545_45, "main"),
        (19_000_00, 14_545_46, "important"),
    ],
)
def test_the_monotone_table_turns_where_fewer_purchases_would_be_ordinary(
    purchases: int, previous: int, layer: str
) -> None:
    """8,000.00 is less than 1.1 times 7,272.73, and not less than 1.1 times 7,272.72."""
    seen = Facts(0, 0, 1, 0, 0, "A", 0, 0, 0, previous, purchases, "A")
    outcome = assess(seen, MONOTONE)
    assert (outcome.type, outcome.layer) == ("cautious", layer)


@pytest.mark.rule("GRD-15", "GRD-10")
def test_the_monotone_table_keeps_whom_the_first_default_drops(crm: CRM) -> None:
    """The case pinned in `test_by_version_1_a_customer_who_becomes_cautious_is_asked_for_more`."""
    home(crm, "V1", buys=9_350_00)
    do(crm, RecordPurchase("V1", "B0", "cleaning", 8_500_00, date(2010, 6, 1)))
    first = crm.grade(2011, policy="grade-cn-default/1").run
    [moved] = crm.studies.what_if([2011], MONOTONE, run=first).moved
    assert (moved.layer, moved.layer_then, moved.type, moved.worse) == (
        "ordinary", "main", "cautious", False
    )  # fmt: skip


# --- seen from outside -----------------------------------------------------------------------


@st.composite
def grids(draw: st.DrawFn) -> dict[str, dict[str, str]]:
    """Households with a building, and what became of them."""
    size = draw(st.integers(0, 60))
    return {
        f"V{n}": {
            "building": draw(st.sampled_from("abc")),
            "layer": draw(st.sampled_from(LAYERS)),
        }
        for n in range(size)
    }


@pytest.mark.rule("GRD-15")
@settings(max_examples=150)
@given(grids())
def test_no_small_count_is_shown_or_follows_from_what_is_shown(
    homes: dict[str, dict[str, str]],
) -> None:
    cells = by_attribute(
        {home: [one["layer"]] for home, one in homes.items()},
        {home: {"building": one["building"]} for home, one in homes.items()},
        LAYERS,
    )["building"]
    true = Counter((one["building"], one["layer"]) for one in homes.values())
    for cell in cells:
        row = [*cell.counts.values(), cell.households]
        assert all(count is None or count == 0 or count >= SUPPRESSED_BELOW for count in row)
        for layer, count in cell.counts.items():
            assert count in (None, true[cell.value, layer])
        # In no row, its total included, exactly one count is hidden.
        assert row.count(None) != 1
    if len(cells) > 1:
        for layer in LAYERS:
            assert [cell.counts[layer] for cell in cells].count(None) != 1
        assert [cell.households for cell in cells].count(None) != 1


@pytest.mark.rule("GRD-15")
def test_the_shares_by_attributes_count_what_holds(crm: CRM) -> None:
    for n in range(12):
        home(crm, f"V{n}", buys=1 if n % 2 else 0)
        if n < 6:
            person = Personal(f"V{n}#t", "T")
            do(crm, AddMember(f"V{n}", f"V{n}#t", "tenant", date(2011, 6, 1), person))
            if n < 1:
                do(crm, EndRole(f"V{n}", f"V{n}#t", "tenant", date(2011, 12, 30), "moved"))
    crm.grade(2011)
    found = crm.studies.fairness(2011)
    occupancy = {cell.value: cell.households for cell in found.layers["occupancy"]}
    assert occupancy == {"owner": 7, "tenant": 5}
    [building] = found.layers["building"]
    assert building.counts["ordinary"] == building.counts["small"] == 6
    assert [cell.counts for cell in found.overrides["building"]] == [
        {"as_computed": 12, "overridden": 0}
    ]


# --- retaliation -----------------------------------------------------------------------------


THEN = date(2013, 1, 10)


def two_years(crm: CRM, *, buys_then: int, late: bool = False, complains: bool = True) -> None:
    """V1 is a good customer in 2011; in 2012 it complains, and something else happens."""
    home(crm, "V1", buys=9_000_00)
    do(crm, *(complain(f"R{n}") for n in range(4)))  # lively, and main
    do(crm, RaiseCharge("V1", "C12", "parking", "x", 100, date(2012, 3, 1)))
    if not late:
        do(crm, ReceivePayment("V1", "P12", 100, date(2012, 2, 1), "cash"))
    if buys_then:
        do(crm, RecordPurchase("V1", "B12", "x", buys_then, date(2012, 6, 1)))
    if complains:
        at = START + timedelta(days=500)
        asked = ReceiveRequest(
            "R-then", "V1", "phone", "complaint", "cleaning", "general", "", at, "S1"
        )
        do(crm, asked, at=at)
    both_years(crm)


def both_years(crm: CRM) -> list[GradingDecided]:
    """What V1 is graded as in 2011 and in 2012, once both are over."""
    reach(crm, date(2013, 1, 1))
    return [of(crm.grade(year)) for year in (2011, 2012)]


@pytest.mark.rule("GRD-15")
def test_a_complaint_and_a_worse_grade_without_arrears_are_reported(crm: CRM) -> None:
    """T23."""
    two_years(crm, buys_then=0)
    [found] = crm.studies.retaliation(2012)
    assert (found.household, found.layer_before, found.layer) == ("V1", "main", "ordinary")
    [complaint] = [e.position for e in crm.history("request/R-then")]
    assert found.complaints == (complaint,)
    assert not found.by_person


@pytest.mark.rule("GRD-15")
@pytest.mark.parametrize(
    "story",
    [
        {"buys_then": 0, "late": True},  # arrears explain it
        {"buys_then": 0, "complains": False},
        {"buys_then": 90_000_00},  # it rose
    ],
)
def test_what_has_another_cause_or_no_complaint_is_not(crm: CRM, story: dict[str, Any]) -> None:
    two_years(crm, **story)
    assert list(crm.studies.retaliation(2012)) == []


def problem(crm: CRM, year: int, *, complains: int = 4) -> None:
    """In that year V1 complains, and a disturbance is confirmed."""
    at = START + timedelta(days=365 * (year - 2011) + 90)
    for n in range(complains):
        number = f"R{year}-{n}"
        complaint = evolve(complain(number), received_at=at)
        do(crm, complaint, at=at)
    on = date(year, 5, 1)
    do(crm, ConfirmConduct("V1", "disturbance", on, "report 7"), by=MANAGER, at=at)


def small_then_too(crm: CRM) -> None:
    """V1 buys nothing in 2011 and 2012, and owes nothing: a small customer in both years."""
    home(crm, "V1")
    do(crm, RaiseCharge("V1", "C12", "parking", "x", 100, date(2012, 3, 1)))
    do(crm, ReceivePayment("V1", "P12", 100, date(2012, 2, 1), "cash"))


@pytest.mark.rule("GRD-15", "GRD-02")
def test_who_complained_and_became_a_problem_in_the_same_layer_is_reported(crm: CRM) -> None:
    """The layer cannot fall any further, and no arrears explain the type: conduct does."""
    small_then_too(crm)
    problem(crm, 2012)
    then, now = both_years(crm)
    assert (then.outcome.layer, now.outcome.layer) == ("small", "small")
    assert (then.facts.worst_credit, now.facts.worst_credit) == ("A", "A")
    [found] = crm.studies.retaliation(2012)
    assert (found.type_before, found.type) == ("ordinary", "problem")
    assert (found.layer_before, found.layer, found.by_person) == ("small", "small", False)
    received = [next(iter(crm.history(f"request/R2012-{n}"))) for n in range(4)]
    assert found.complaints == tuple(event.position for event in received)


@pytest.mark.rule("GRD-15", "GRD-02")
def test_who_was_a_problem_before_has_not_become_one(crm: CRM) -> None:
    small_then_too(crm)
    problem(crm, 2011)
    problem(crm, 2012)
    types = [grading.outcome.type for grading in both_years(crm)]
    assert types == ["problem", "problem"]
    assert list(crm.studies.retaliation(2012)) == []


@pytest.mark.rule("GRD-15", "GRD-02")
def test_who_ceases_to_be_a_problem_is_not_reported(crm: CRM) -> None:
    small_then_too(crm)
    problem(crm, 2011)
    at = START + timedelta(days=500)
    do(crm, evolve(complain("R2012"), received_at=at), at=at)
    types = [grading.outcome.type for grading in both_years(crm)]
    assert types == ["problem", "ordinary"]
    assert list(crm.studies.retaliation(2012)) == []


@pytest.mark.rule("GRD-15", "GRD-13")
def test_a_person_who_sets_a_layer_lower_after_a_complaint_is_reported(crm: CRM) -> None:
    """Arrears or not: the rule gave another layer."""
    two_years(crm, buys_then=9_000_00, late=False)
    assert list(crm.studies.retaliation(2012)) == []
    asked(crm, ContestGrading("V1", 2012, "RV1", "wrong", THEN), OWNER)
    until = date(2013, 12, 31)
    asked(crm, DecideReview("V1", "RV1", "overridden", "rude", THEN, "small", until), MANAGER)
    [found] = crm.studies.retaliation(2012)
    assert (found.layer, found.by_person) == ("small", True)


@pytest.mark.rule("GRD-15", "GRD-13")
def test_arrears_explain_what_the_rule_gave_and_not_what_a_person_made_of_it(crm: CRM) -> None:
    two_years(crm, buys_then=9_000_00)
    do(crm, RaiseCharge("V1", "late", "parking", "x", 1, date(2012, 12, 20)))
    run = crm.grade(2012)
    # The report is of the run of record (GRD-17).
    crm.gradings.replace(
        2012,
        run.run,
        "a charge that was forgotten",
        by=DIRECTOR,
        moves=len(crm.gradings.replacing(2012, run.run)),
    )
    assert run.gradings[0].facts.credit == "B1"
    assert run.gradings[0].outcome.layer == "ordinary"
    assert list(crm.studies.retaliation(2012)) == []
    asked(crm, ContestGrading("V1", 2012, "RV1", "wrong", THEN), OWNER)
    until = date(2013, 12, 31)
    asked(crm, DecideReview("V1", "RV1", "overridden", "rude", THEN, "small", until), MANAGER)
    assert [found.by_person for found in crm.studies.retaliation(2012)] == [True]


@pytest.mark.rule("GRD-15")
def test_without_the_year_before_nothing_can_be_told(crm: CRM) -> None:
    home(crm, "V1")
    crm.grade(2011)
    with pytest.raises(Invalid) as found:
        list(crm.studies.retaliation(2011))
    assert found.value.faults[0].code == "run_unknown"
