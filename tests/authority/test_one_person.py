"""Who has several ids is one person, wherever somebody else is asked for (LOG-08, 0092)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import attrs
import pytest

import crm_core
from crm_adapters import open_crm
from crm_core import Actor, Personal, Refused
from crm_core.kernel.word import Word
from crm_core.owners import RegisterHousehold
from crm_core.payments import DisputeCharge, RaiseCharge
from crm_core.requests.improvement import ProposeImprovement
from crm_core.staff import JoinStaffIds, RegisterStaff
from crm_core.surveys import HoldOwnersMeeting, RecordAttendance

pytestmark = pytest.mark.rule("LOG-08")

DAY = date(2024, 3, 4)
DIRECTOR, CLERK = Actor("yang", "director"), Actor("zhao", "specialist")

THEIRS = {
    "application/access.py": "whose request it is, and whose household",
    "application/privacy.py": "what somebody sees of themselves",
    "messages/decide.py": "what a member says of themselves",
    "plans/carrying_out.py": "whose task it is",
    "plans/difficulties.py": "who is to help",
    "privacy/rights.py": "who asks for themselves",
    "requests/deciding/promises.py": "whose promise it is",
    "requests/improvement.py": "who is named to supervise",
    "surveys/decide.py": "what a member answers for themselves",
    "surveys/forum.py": "who is designated to look",
}
"""Where something is to be done by the very id that has it, and by no other of theirs."""

ASKED_TOO = {"application/authority.py": "the word of who acts is that of staff by any id"}


def compared_by_one_id() -> Iterator[str]:
    """Modules that compare the one id under which somebody acts with others."""
    package = Path(crm_core.__file__).parent
    for path in sorted(package.rglob("*.py")):
        name = path.relative_to(package).as_posix()
        if name.startswith("testing/"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            found = node.elts if isinstance(node, ast.Set) else []
            if isinstance(node, ast.Compare):
                found = [node.left, *node.comparators]
            if any(_is_who_acts(one) for one in found):
                yield name


def _is_who_acts(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "id" and _ends(node.value) == "by"


def _ends(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def test_somebody_else_is_asked_for_by_every_id_of_who_acts() -> None:
    """A comparison with one id alone is of something that is theirs to do, or is no comparison."""
    assert set(compared_by_one_id()) == {*THEIRS, *ASKED_TOO}


def test_an_actor_is_known_by_every_id_and_compared_by_one() -> None:
    both = Actor("li", "manager", also=frozenset({"li2"}))
    assert both.ids == {"li", "li2"}
    assert both == Actor("li", "manager")
    assert str(both) == "manager:li"
    assert attrs.evolve(both, also=frozenset()).ids == {"li"}


def test_who_works_here_and_lives_here_is_of_the_staff_under_both_ids() -> None:
    """Given a clerk who is an owner, too, then no staff enter what they said or that they came, and
    nobody is supervised by themselves.
    """
    with open_crm("memory:") as crm:
        for one, role in (("yang", "director"), ("zhao", "specialist"), ("li", "specialist")):
            crm.do(RegisterStaff(one, role, date(2020, 1, 1)), by=DIRECTOR)
        crm.do(RegisterStaff("li2", "supervisor", date(2020, 1, 1)), by=DIRECTOR)
        owner = Personal("V1#owner", "李强")
        crm.do(RegisterHousehold("V1", "星河", "1", "1", "101", owner=owner), by=CLERK)
        crm.do(RaiseCharge("V1", "C1", "other", "2024", 100_00, DAY), by=CLERK)
        crm.do(HoldOwnersMeeting("G1", "星河", DAY, "lifts"), by=CLERK)
        today = crm.clock.now().date()
        acts = (
            DisputeCharge("V1", "D1", "C1", 5_00, DAY, "not mine", Word("V1#owner", "phone", "7")),
            RecordAttendance("G1", "V1", "V1#owner", DAY),
            ProposeImprovement(
                plan="P1",
                measure="more hands",
                metric="volume",
                dimension="trade",
                value="security",
                baseline_start=date(2023, 1, 1),
                baseline_end=date(2023, 12, 31),
                runs_from=today.replace(year=today.year + 1),
                runs_to=today.replace(year=today.year + 2),
                change_per_mille=-200,
                responsible="li",
                supervisor="li2",
            ),
        )
        crm.do(JoinStaffIds("li", "V1#owner", "lives in 101"), by=DIRECTOR)
        crm.do(JoinStaffIds("li2", "li", "two accounts"), by=DIRECTOR)
        found = []
        for act in acts:
            with pytest.raises(Refused) as refused:
                crm.do(act, by=CLERK)
            found.append(refused.value.reason)
        assert found == ["word_of_staff", "word_of_staff", "supervisor_missing"]
