"""What a grade may influence: a closed list, reached by one door, and never against the owner."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

import crm_adapters
import crm_core
from crm_core.crm import CRM
from crm_core.gradings import GRADING
from crm_core.gradings.commands import (
    ConfirmGrading,
    ContestGrading,
    DecideReview,
    RefuseAutomatic,
)
from crm_core.gradings.policy import TYPES
from crm_core.gradings.review import Standing, standing
from crm_core.gradings.state import Gradings
from crm_core.gradings.uses import BY_TYPE, NEUTRAL, Influence, Use, influence
from crm_core.kernel.dates import start_of_day
from crm_core.kernel.decider import Refusal
from crm_core.kernel.recorded import Actor
from crm_core.kernel.sealed import Personal
from crm_core.owners.commands import AddMember, RegisterHousehold, TransferOwnership
from crm_core.payments.commands import RaiseCharge
from crm_core.testing.strategies import grading_commands, grading_openings
from estate import (
    DAY,
    DEFAULT,
    DIRECTOR,
    LAYERS,
    MANAGER,
    OWNER,
    SUPERVISOR,
    asked,
    crm,
    do,
    home,
    reach,
)

__all__ = ["crm"]

SOURCES = Path(crm_core.__file__ or "").parents[1]
ADAPTERS = Path(crm_adapters.__file__ or "").parent

# --- the list --------------------------------------------------------------------------------


@pytest.mark.rule("GRD-14")
def test_the_list_of_uses_is_closed() -> None:
    assert {str(use) for use in Use} == {
        "care_measures", "care_plan", "contact_channel", "survey_sampling", "visit_frequency"
    }  # fmt: skip
    assert {str(use) for use in BY_TYPE} == {"care_measures"}
    for never in ("fee", "deposit", "discount", "utilities", "repair", "priority", "access"):
        with pytest.raises(ValueError, match=never):
            influence("V1", never, None)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match=never):
            influence("V1", never, None, same_tenure=False)  # type: ignore[arg-type]


@pytest.mark.rule("GRD-14")
def test_nothing_but_a_layer_or_a_type_goes_out() -> None:
    assert [field.name for field in Influence.__attrs_attrs__] == [  # type: ignore[attr-defined]
        "household", "use", "layer", "type", "because"
    ]  # fmt: skip


@pytest.mark.rule("GRD-14")
@pytest.mark.parametrize("use", Use)
def test_a_use_by_the_layer_says_no_type_and_the_other_way_round(crm: CRM, use: Use) -> None:
    """Whoever plans visits need not learn what kind of customer somebody is."""
    home(crm, "V1", buys=12_000_00)
    for graded in (False, True):
        if graded:
            crm.grade(2011)
        found = crm.studies.influence("V1", use)
        by_layer = use in {"care_plan", "contact_channel", "survey_sampling", "visit_frequency"}
        assert (found.layer is not None, found.type is not None) == (by_layer, not by_layer)


@pytest.mark.rule("GRD-14")
def test_a_household_is_treated_by_its_layer_or_neutrally(crm: CRM) -> None:
    home(crm, "V1", buys=12_000_00)
    home(crm, "V2", pays=None)
    home(crm, "V3", buys=30_000_00)
    do(crm, RegisterHousehold("V4", "Anhe", "1", "1", "V4"))
    crm.grade(2011)
    do(crm, RegisterHousehold("V5", "Anhe", "1", "1", "V5"))

    def told(household: str) -> tuple[str | None, str]:
        found = crm.studies.influence(household, Use.VISIT_FREQUENCY)
        assert (found.household, found.use) == (household, Use.VISIT_FREQUENCY)
        return found.layer, found.because

    assert told("V1") == ("main", "graded")
    assert told("V2") == ("small", "graded")
    assert told("V3") == ("main", "awaiting_confirmation")
    assert told("V4") == ("ordinary", "insufficient")
    assert told("V5") == ("ordinary", "ungraded")
    asked(crm, ConfirmGrading("V3", 2011, DAY), MANAGER)
    asked(crm, ConfirmGrading("V3", 2011, DAY), DIRECTOR)
    assert told("V3") == ("important", "graded")


@pytest.mark.rule("GRD-13", "GRD-14")
def test_a_contested_grade_is_not_used_against_its_household(crm: CRM) -> None:
    home(crm, "V1", buys=12_000_00)
    do(crm, RaiseCharge("V1", "C12", "parking", "x", 1, date(2012, 1, 2)))
    crm.grade(2011)
    grade_next(crm)

    def told(on: date) -> tuple[str | None, str]:
        found = crm.studies.influence("V1", Use.CARE_PLAN, on=on)
        return found.layer, found.because

    day = date(2013, 1, 10)
    assert told(day) == ("small", "graded")
    asked(crm, ContestGrading("V1", 2012, "RV1", "wrong", day), OWNER)
    # As in the year before, when it was a main customer.
    assert told(day) == ("main", "contested")
    later = day + timedelta(days=1)
    asked(crm, DecideReview("V1", "RV1", "upheld", "checked", later), SUPERVISOR)
    assert told(day) == ("main", "contested")
    assert told(later) == ("small", "graded")
    asked(crm, RefuseAutomatic("V1", day + timedelta(days=2)), OWNER)
    # A person has reviewed it, so it is not by rule alone.
    assert told(day + timedelta(days=2)) == ("small", "graded")


@pytest.mark.rule("GRD-13", "GRD-14")
@settings(max_examples=200)
@given(grading_openings(), st.lists(grading_commands(), max_size=12), st.sampled_from(Use))
def test_no_contested_or_provisional_grading_ever_has_an_adverse_use(
    opening: object, commands: list[object], use: Use
) -> None:
    """After whatever people did."""
    state: Gradings = GRADING.decider.initial
    for command in (opening, *commands):
        decided = GRADING.decider.decide(command, state)
        if not isinstance(decided, Refusal):
            state = GRADING.decider.fold(decided, state)
    held: list[Standing] = [standing(state, run, lambda _: DEFAULT) for run in state.by_run]
    for number, now in enumerate(held):
        before = held[number - 1] if number else None
        found = influence("V00001", use, now, before)
        doubted = now.status in ("contested", "provisional")
        if use in BY_TYPE:
            assert found.type in TYPES
            assert not doubted or found.type != "problem"
            continue
        assert found.layer in LAYERS
        if doubted:
            assert LAYERS.index(found.layer) <= LAYERS.index(NEUTRAL)
            if before is not None and before.layer in LAYERS:
                then = influence("V00001", use, before).layer
                assert LAYERS.index(found.layer) <= LAYERS.index(str(then))


# --- by the type -----------------------------------------------------------------------------


@pytest.fixture
def base(crm: CRM) -> Standing:
    """The standing of some grading, to be changed by a word."""
    home(crm, "V1", buys=12_000_00)
    run = crm.grade(2011)
    return run.of(run.gradings[0])


def measures(now: Standing | None, before: Standing | None = None) -> tuple[str | None, str]:
    found = influence("V1", Use.CARE_MEASURES, now, before)
    assert found.layer is None
    return found.type, found.because


@pytest.mark.rule("GRD-14", "GRD-02")
@pytest.mark.parametrize("type", TYPES)
def test_care_measures_go_by_the_type_and_say_whether_a_person_confirmed_it(
    base: Standing, type: str
) -> None:
    now = evolve(base, type=type, type_confirmed=False)
    assert measures(now) == (type, "suggested")
    assert measures(evolve(now, type_confirmed=True)) == (type, "graded")
    # The layer of it waits for its persons, and the type does not.
    assert measures(evolve(now, status="awaiting_confirmation")) == (type, "suggested")
    assert measures(evolve(now, status="overridden", type_confirmed=True)) == (type, "graded")


@pytest.mark.rule("GRD-13", "GRD-14")
@pytest.mark.parametrize("status", ["contested", "provisional"])
def test_a_problem_type_in_doubt_is_not_used(base: Standing, status: str) -> None:
    adverse = evolve(base, type="problem", status=status)
    assert measures(adverse) == ("ordinary", status)
    for then in ("lively", "cautious", "ordinary"):
        before = evolve(base, type=then)
        assert measures(adverse, before) == (then, status)
    assert measures(adverse, evolve(base, type="problem")) == ("ordinary", status)
    assert measures(adverse, evolve(base, type="lively", layer="insufficient"))[0] == "ordinary"
    # What harms nobody is used as it stands, whatever was before.
    for harmless in ("lively", "cautious", "ordinary"):
        now = evolve(base, type=harmless, status=status)
        assert measures(now, evolve(base, type="problem")) == (harmless, status)
        assert measures(now, evolve(base, type="lively")) == (harmless, status)


@pytest.mark.rule("GRD-14", "GRD-12")
def test_without_enough_data_or_a_grading_the_type_is_neutral(base: Standing) -> None:
    for type in TYPES:
        lacking = evolve(base, layer="insufficient", type=type, type_confirmed=True)
        assert measures(lacking, evolve(base, type="problem")) == ("ordinary", "insufficient")
        contested = evolve(lacking, status="contested")
        assert measures(contested, evolve(base, type="problem")) == ("ordinary", "contested")
    assert measures(None, evolve(base, type="problem")) == ("ordinary", "ungraded")


# --- whose grade it is -------------------------------------------------------------------------


@pytest.mark.rule("GRD-14", "PAY-16")
@pytest.mark.parametrize("use", Use)
@pytest.mark.parametrize("status", ["computed", "contested", "provisional", "overridden"])
def test_the_grade_of_another_tenure_is_nobodys(base: Standing, use: Use, status: str) -> None:
    for layer, type in (("small", "problem"), ("important", "lively")):
        now = evolve(base, layer=layer, type=type, status=status)
        found = influence("V1", use, now, now, same_tenure=False)
        neutral = (None, "ordinary") if use in BY_TYPE else ("ordinary", None)
        assert ((found.layer, found.type), found.because) == (neutral, "ungraded")


def grade_next(crm: CRM) -> None:
    """Grade 2012, as soon as it is over."""
    reach(crm, date(2013, 1, 1))
    assert crm.grade(2012).standing == "of_record"


def sold(crm: CRM, on: date, at: datetime) -> None:
    buyer = Personal("V1#m2", "buyer")
    do(crm, TransferOwnership("V1", "V1#m2", on, buyer, reason="transfer of ownership"), at=at)


def told(crm: CRM, on: date, use: Use = Use.VISIT_FREQUENCY) -> tuple[str | None, str]:
    found = crm.studies.influence("V1", use, on=on)
    return found.type if use in BY_TYPE else found.layer, found.because


@pytest.mark.rule("GRD-14", "PAY-16")
def test_a_buyer_is_not_treated_by_the_grade_of_the_seller(crm: CRM) -> None:
    home(crm, "V1", buys=12_000_00)
    crm.grade(2011)
    sale = date(2012, 6, 1)
    sold(crm, sale, start_of_day(sale))
    last_day = sale - timedelta(days=1)
    assert told(crm, last_day) == ("main", "graded")
    assert told(crm, last_day, Use.CARE_MEASURES) == ("cautious", "suggested")
    for use in Use:
        assert told(crm, sale, use) == ("ordinary", "ungraded")
    # From the buyer's own first grade on it is theirs, and the one before it stays the seller's.
    do(crm, RaiseCharge("V1", "C12", "parking", "x", 1, date(2012, 7, 1)))
    grade_next(crm)
    day = date(2013, 1, 10)
    assert told(crm, day) == ("small", "graded")
    asked(crm, ContestGrading("V1", 2012, "RV1", "wrong", day), Actor("V1#m2", "owner"))
    assert told(crm, day) == ("ordinary", "contested"), "not as the seller was treated"


@pytest.mark.rule("GRD-14", "PAY-16")
def test_a_sale_that_comes_to_be_known_late_leaves_the_buyer_without_a_grade(crm: CRM) -> None:
    """The grade was computed from what the seller did: the buyer had none of it."""
    home(crm, "V1", buys=12_000_00)
    crm.grade(2011)
    assert told(crm, DAY) == ("main", "graded")
    sold(crm, date(2011, 12, 1), start_of_day(DAY))
    for use in Use:
        assert told(crm, DAY, use) == ("ordinary", "ungraded")


@pytest.mark.rule("GRD-14", "PAY-16")
def test_a_co_owner_who_joins_wipes_nothing(crm: CRM) -> None:
    home(crm, "V1", buys=12_000_00)
    crm.grade(2011)
    joins = Personal("V1#m2", "joins")
    do(crm, AddMember("V1", "V1#m2", "co_owner", date(2012, 2, 1), joins), at=start_of_day(DAY))
    assert told(crm, date(2012, 6, 1)) == ("main", "graded")


# --- the layer that waits -----------------------------------------------------------------------


@pytest.mark.rule("GRD-03", "GRD-14")
def test_a_top_layer_that_waits_is_not_used_because_the_grading_is_in_doubt(crm: CRM) -> None:
    home(crm, "V1", buys=30_000_00)
    graded = crm.grade(2011)
    assert told(crm, DAY) == ("main", "awaiting_confirmation")
    asked(crm, ConfirmGrading("V1", 2011, DAY), MANAGER)
    asked(crm, ContestGrading("V1", 2011, "RV1", "wrong", DAY), OWNER)
    assert told(crm, DAY) == ("main", "contested")
    now = graded.of(graded.gradings[0])
    both = evolve(now, status="contested", confirmed_by=("manager:M1", "director:D1"))
    assert influence("V1", Use.CARE_PLAN, both).layer == "important"
    assert influence("V1", Use.CARE_PLAN, evolve(now, status="contested")).layer == "main"
    until = DAY + timedelta(days=90)
    asked(crm, DecideReview("V1", "RV1", "overridden", "proven", DAY, "important", until), DIRECTOR)
    assert told(crm, DAY) == ("important", "graded"), "a director has set it"
    doubted = evolve(now, layer="small", status="contested")
    assert influence("V1", Use.CARE_PLAN, doubted, now).layer == "main", "as it was used before"


# --- the door --------------------------------------------------------------------------------

GRADERS = {"crm_adapters.wiring", "crm_core", "crm_core.crm", "crm_core.slices"} | {
    f"crm_core.application.{name}"
    for name in (
        "accounts", "adopted", "care", "care_lookups", "desk", "files", "filing", "framing",
        "gradings", "imports", "lookups", "owners", "papers.customer_file", "papers.lists",
        "papers.scheme", "plan_questions", "records", "reporting.life", "reporting.model",
        "reporting.service", "requests", "return_visits", "runs", "sight", "studies", "todo",
        "undoing", "visiting",
    )
}  # fmt: skip
"""Modules that grade or show gradings; everything else asks `uses`, if it may ask at all."""

SHOWING = (
    "crm_adapters.cli.", "crm_adapters.frames.", "crm_adapters.processes", "crm_adapters.reports.",
    "crm_core.testing.",
    # The copy of everything about a person: which run holds, to say it of each grading (PRV-09).
    "crm_core.application.privacy",
    # Whether an objection to a grading waits, and no grade: nobody is erased before it is decided.
    "crm_core.application.retention",
)  # fmt: skip
MAY_ASK = {"plans", "visits", "surveys"}
"""Slices whose decisions a grade may influence. Those that charge or repair are not among them."""


def modules() -> Iterator[tuple[str, Path]]:
    for root, path in ((SOURCES, SOURCES / "crm_core"), (ADAPTERS.parent, ADAPTERS)):
        for file in sorted(path.rglob("*.py")):
            parts = file.relative_to(root).with_suffix("").parts
            yield ".".join(part for part in parts if part != "__init__"), file


def imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.startswith("crm_core.gradings")}


def is_allowed(module: str, names: set[str]) -> bool:
    if module.startswith("crm_core.gradings") or module in GRADERS or module.startswith(SHOWING):
        return True
    inner = module.split(".")
    door = all(name.startswith("crm_core.gradings.uses") for name in names)
    return inner[0] == "crm_core" and len(inner) > 1 and inner[1] in MAY_ASK and door


@pytest.mark.rule("GRD-14", "PAY-14")
def test_every_consumer_of_a_grade_in_the_source_is_allowed() -> None:
    consumers = {module: names for module, path in modules() if (names := imported(path))}
    assert {"crm_core.application.gradings", "crm_adapters.cli.gradings"} <= {*consumers}
    for module, names in consumers.items():
        assert is_allowed(module, names), (module, names)


@pytest.mark.rule("GRD-14")
def test_the_walk_would_find_who_is_not() -> None:
    assert not is_allowed("crm_core.payments.decide", {"crm_core.gradings.uses"})
    assert not is_allowed("crm_core.requests.sla", {"crm_core.gradings"})
    assert not is_allowed("crm_core.plans.decide", {"crm_core.gradings.facts"})
    assert not is_allowed("crm_core.application.reactions", {"crm_core.gradings.uses"})
    assert not is_allowed("crm_adapters.eventlog.log", {"crm_core.gradings.state"})
    assert is_allowed("crm_core.plans.decide", {"crm_core.gradings.uses.Use"})


@pytest.mark.rule("GRD-14")
def test_whoever_asks_for_an_influence_names_a_use_of_the_list() -> None:
    """Every call in the source gives a member of `Use`, or passes one on."""
    asked_for = 0
    for module, path in modules():
        if module.startswith(("crm_core.gradings", "crm_core.testing")):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("influence"):
                use = ast.unparse(node.args[1])
                assert use == "use" or use.startswith("Use."), (module, use)
                asked_for += 1
    assert asked_for >= 1


@pytest.mark.rule("GRD-14")
def test_the_import_contract_keeps_the_door() -> None:
    project = Path(__file__).parents[2] / "pyproject.toml"
    if not project.is_file():
        pytest.skip("the tests do not stand beside the project's pyproject.toml")
    contracts = tomllib.loads(project.read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    [door] = [contract for contract in contracts if contract["type"] == "protected"]
    folder = SOURCES / "crm_core" / "gradings"
    files = {f"crm_core.gradings.{path.stem}" for path in folder.glob("*.py")}
    files |= {f"crm_core.gradings.{path.parent.name}" for path in folder.glob("*/__init__.py")}
    assert {*door["protected_modules"]} == files - {
        "crm_core.gradings.uses",
        "crm_core.gradings.__init__",
    }
    assert not {*door["allowed_importers"]} & {
        f"crm_core.{name}" for name in ("owners", "payments", "requests", "kernel", "plans")
    }
