"""Questionnaires, answers to them, and commands about surveys."""

from __future__ import annotations

from datetime import date
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from crm_core.kernel.policy import Header, PolicyRef
from crm_core.surveys import commands as surveys
from crm_core.surveys.policy import Careless, SurveyPolicy, Targets, Watch
from crm_core.surveys.questionnaire import (
    KINDS,
    MULTIPLE,
    SCALE,
    SINGLE,
    TEXT,
    Choice,
    Filled,
    Item,
    Questionnaire,
)
from crm_core.testing.strategies.classes import command_classes, command_of
from crm_core.testing.strategies.values import CLERKS, SELDOM, days, mostly

_WORDS = ("很好", "too loud", "谢谢", "the lift")


@st.composite
def questionnaires(draw: Any) -> Questionnaire:
    """Questionnaires of a few items of any kind."""
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=8))
    items = tuple(draw(_item(f"q{number}", kind)) for number, kind in enumerate(kinds))
    scales = [one.item for one in items if one.kind == SCALE]
    ref = PolicyRef("0" * 64, "generated", 1)
    return Questionnaire(
        header=Header("generated", 1),
        ref=ref,
        title={"zh": "调查", "en": "Survey"},
        items=items,
        overall=draw(st.sampled_from(["", *scales])),
    )


@st.composite
def _item(draw: Any, code: str, kind: str) -> Item:
    choices = tuple(
        Choice(f"c{number}", f"选项{number}", f"Choice {number}")
        for number in range(draw(st.integers(2, 4)))
    )
    return Item(
        item=code,
        kind=kind,
        zh="问题",
        en="Question",
        steps=draw(st.integers(3, 11)) if kind == SCALE else 0,
        choices=choices if kind in (SINGLE, MULTIPLE) else (),
        required=draw(st.booleans()),
    )


@st.composite
def fillings(draw: Any, asked: Questionnaire) -> Filled:
    """Answers to a questionnaire, careless ones among them."""
    same = draw(st.booleans())
    marks = []
    for item in asked.marked:
        if item.kind == SCALE and same:
            marks.append("3")
        elif item.kind == MULTIPLE:
            chosen = draw(st.sets(st.sampled_from(item.accepted)))
            marks.append(item.tidy("+".join(sorted(chosen))))
        else:
            marks.append(draw(st.sampled_from(["", *item.accepted])))
    texts = [draw(st.sampled_from(["", *_WORDS])) for _ in asked.written]
    return Filled(tuple(marks), tuple(texts), draw(st.none() | st.integers(0, 60)))


def _fixed_policy() -> SurveyPolicy:
    return SurveyPolicy(
        header=Header("survey-generated", 1),
        ref=PolicyRef("1" * 64, "survey-generated", 1),
        careless=Careless(5, 1, 500),
        targets=Targets(900, 800, 900),
        forum=Watch(120),
        every_months=12,
        satisfied_steps=2,
        cell_min=5,
        z_thousandths=1960,
    )


def _fixed_questionnaire() -> Questionnaire:
    items = (
        Item(item="overall", kind=SCALE, zh="总体", en="Overall", steps=5),
        Item(item="comment", kind=TEXT, zh="意见", en="Comment", required=False),
    )
    return Questionnaire(
        header=Header("generated", 1),
        ref=PolicyRef("0" * 64, "generated", 1),
        title={"zh": "调查", "en": "Survey"},
        items=items,
        overall="overall",
    )


def survey_commands(survey: str = "S1") -> SearchStrategy[Any]:
    """Commands about one survey: few households, days and answers, so that commands meet."""
    made = [
        command_of(cls, _common(survey), {})
        for cls in command_classes(surveys)
        if cls is not surveys.CountAnswers
    ]
    return st.one_of(*made)


def survey_openings(survey: str = "S1") -> SearchStrategy[Any]:
    """Commands that open a survey."""
    accepted = {
        **_common(survey),
        "opens_on": st.just(date(2010, 1, 1)),
        "known_on": st.just(date(2010, 1, 1)),
        "asks": st.just(_fixed_questionnaire()),
        "channels": st.just(("paper", "app")),
        "households": st.just(3),
    }
    return st.booleans().flatmap(
        lambda named: command_of(
            surveys.OpenSurvey,
            {**accepted, "named": st.just(named), "reason": st.just("x" if named else "")},
            {},
        )
    )


def _common(survey: str) -> dict[str, SearchStrategy[Any]]:
    homes = st.sampled_from(("V1", "V2", "V3"))
    return {
        "survey": st.just(survey),
        "household": homes,
        "member": st.sampled_from(("V1#owner", "V2#owner")),
        "same": homes.map(lambda home: (home,)),
        "channel": mostly(("paper", "app"), "pigeon"),
        "channels": mostly((("paper", "app"), ("phone",)), ()),
        "on": days(date(2010, 1, 1), date(2010, 1, 6)),
        "opens_on": days(date(2010, 1, 1), date(2010, 1, 2)),
        "closes_on": days(date(2010, 1, 3), date(2010, 1, 4)),
        "known_on": st.just(date(2010, 1, 1)),
        "estate": st.just(""),
        "questionnaire": st.just("generated"),
        "asks": st.just(_fixed_questionnaire()),
        "policy": st.just(_fixed_policy()),
        "households": st.sampled_from((0, 3)),
        "answers": st.sampled_from((("overall=4",), ("overall=2", "comment=loud"), ("overall=9",))),
        "seconds": st.none() | st.integers(-1, 100),
        "reference": mostly(("form 7",), ""),
        "reason": mostly(("by mistake",), ""),
        "named": st.booleans(),
        "by": CLERKS,
        **dict.fromkeys(("elsewhere", "stranger", "left", "on_staff"), SELDOM),
    }
