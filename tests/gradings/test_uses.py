"""What a grade may influence: a closed list, reached by one door, and never against the owner."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
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
from crm_core.gradings.review import Standing, standing
from crm_core.gradings.state import Gradings
from crm_core.gradings.uses import NEUTRAL, Influence, Use, influence
from crm_core.kernel.decider import Refusal
from crm_core.owners.commands import RegisterHousehold
from crm_core.payments.commands import RaiseCharge
from crm_core.testing.strategies import grading_commands, grading_openings
from estate import (
    DAY,
    DIRECTOR,
    LAYERS,
    MANAGER,
    OWNER,
    SUPERVISOR,
    asked,
    crm,
    do,
    home,
)

__all__ = ["crm"]

SOURCES = Path(crm_core.__file__ or "").parents[1]
ADAPTERS = Path(crm_adapters.__file__ or "").parent

# --- the list --------------------------------------------------------------------------------


@pytest.mark.rule("GRD-14")
def test_the_list_of_uses_is_closed() -> None:
    assert {str(use) for use in Use} == {
        "care_plan", "contact_channel", "survey_sampling", "visit_frequency"
    }  # fmt: skip
    for never in ("fee", "deposit", "discount", "utilities", "repair", "priority", "access"):
        with pytest.raises(ValueError, match=never):
            influence("V1", never, None)  # type: ignore[arg-type]


@pytest.mark.rule("GRD-14")
def test_nothing_but_a_layer_goes_out() -> None:
    assert [field.name for field in Influence.__attrs_attrs__] == [  # type: ignore[attr-defined]
        "household", "use", "layer", "because"
    ]  # fmt: skip


@pytest.mark.rule("GRD-14")
def test_a_household_is_treated_by_its_layer_or_neutrally(crm: CRM) -> None:
    home(crm, "V1", buys=12_000_00)
    home(crm, "V2", pays=None)
    home(crm, "V3", buys=30_000_00)
    do(crm, RegisterHousehold("V4", "Anhe", "1", "1", "V4"))
    run = crm.grade(2011).run
    do(crm, RegisterHousehold("V5", "Anhe", "1", "1", "V5"))

    def told(household: str) -> tuple[str, str]:
        found = crm.studies.influence(household, Use.VISIT_FREQUENCY)
        assert (found.household, found.use) == (household, Use.VISIT_FREQUENCY)
        return found.layer, found.because

    assert told("V1") == ("main", "graded")
    assert told("V2") == ("small", "graded")
    assert told("V3") == ("main", "awaiting_confirmation")
    assert told("V4") == ("ordinary", "insufficient")
    assert told("V5") == ("ordinary", "ungraded")
    asked(crm, ConfirmGrading("V3", run, DAY), MANAGER)
    asked(crm, ConfirmGrading("V3", run, DAY), DIRECTOR)
    assert told("V3") == ("important", "graded")


@pytest.mark.rule("GRD-13", "GRD-14")
def test_a_contested_grade_is_not_used_against_its_household(crm: CRM) -> None:
    home(crm, "V1", buys=12_000_00)
    do(crm, RaiseCharge("V1", "C12", "parking", "x", 1, date(2012, 1, 2)))
    crm.grade(2011)
    run = crm.grade(2012).run

    def told(on: date) -> tuple[str, str]:
        found = crm.studies.influence("V1", Use.CARE_PLAN, on=on)
        return found.layer, found.because

    day = date(2013, 1, 10)
    assert told(day) == ("small", "graded")
    asked(crm, ContestGrading("V1", run, "RV1", "wrong", day), OWNER)
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
    held: list[Standing] = [standing(state, run) for run in state.by_run]
    for number, now in enumerate(held):
        before = held[number - 1] if number else None
        found = influence("V00001", use, now, before)
        assert found.layer in LAYERS
        if now.status in ("contested", "provisional"):
            assert LAYERS.index(found.layer) <= LAYERS.index(NEUTRAL)
            if before is not None and before.layer in LAYERS:
                assert LAYERS.index(found.layer) <= LAYERS.index(before.layer)


# --- the door --------------------------------------------------------------------------------

GRADERS = {"crm_core", "crm_core.crm", "crm_core.slices"} | {
    f"crm_core.application.{name}"
    for name in (
        "accounts", "adopted", "desk", "gradings", "lookups", "requests", "studies",
    )
}  # fmt: skip
"""Modules that grade or show gradings; everything else asks `uses`, if it may ask at all."""

SHOWING = (
    "crm_adapters.cli.", "crm_adapters.frames.", "crm_adapters.processes", "crm_adapters.reports.",
    "crm_core.testing.",
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
