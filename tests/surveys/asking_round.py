"""A small estate that is asked, with a clock that is set."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from attrs import define

from crm_core import CRM, Actor, shipped
from crm_core.kernel.sealed import Personal
from crm_core.owners import AddMember, RegisterHousehold
from crm_core.surveys import OpenSurvey
from crm_core.surveys.policy import DEFAULT_SURVEY, SurveyPolicy
from crm_core.surveys.questionnaire import DEFAULT_QUESTIONNAIRE, Questionnaire

CLERK, OTHER = Actor("S1", "specialist"), Actor("S2", "specialist")
LEAD, BOSS = Actor("L1", "supervisor"), Actor("B1", "director")

MORNING = datetime(2024, 5, 6, 1, tzinfo=UTC)
"""Nine o'clock on Monday, 6 May 2024, where the estate is."""
TODAY = date(2024, 5, 6)
DAY = timedelta(days=1)


POLICY = shipped().find(SurveyPolicy, DEFAULT_SURVEY, TODAY)
ASKED = shipped().find(Questionnaire, DEFAULT_QUESTIONNAIRE, TODAY)


def twenty_eight(overall: str = "") -> Questionnaire:
    """28 items of five steps, as students were asked."""
    items = "".join(
        f'[[items]]\nitem = "q{n}"\nkind = "scale"\nsteps = 5\nzh = "问{n}"\nen = "Question {n}"\n'
        for n in range(1, 29)
    )
    return Questionnaire.parse(
        f'kind = "questionnaire"\noverall = "{overall}"\n[policy]\nname = "evaluation"\n'
        "version = 1\n"
        'effective_from = 2000-01-01\napproved_by = "director"\nimpact_assessment = "PIA"\n'
        f'[title]\nzh = "评价"\nen = "Evaluation"\n{items}'
    )


@define
class Hands:
    """A clock that stands where it is put."""

    at: datetime

    def now(self) -> datetime:
        return self.at


def put(crm: CRM, at: datetime) -> None:
    """It is now that instant, for whoever asks."""
    views: Any = crm.views
    crm.host.clock = views.clock = Hands(at)


def settle(crm: CRM, number: int, estate: str = "星河", *, first: int = 1) -> list[str]:
    """Households `V1`, `V2`, ... of an estate, each with its owner."""
    put(crm, MORNING - 30 * DAY)
    homes = [f"V{n}" for n in range(first, first + number)]
    for place, home in enumerate(homes, first):
        crm.do(RegisterHousehold(home, estate, "1", "1", str(place)), by=CLERK)
        name = Personal(owner_of(home), f"业主{place}")
        crm.do(AddMember(home, owner_of(home), "owner", date(2020, 1, 1), name), by=CLERK)
    put(crm, MORNING)
    return homes


def owner_of(home: str) -> str:
    return f"{home}#owner"


def opened(crm: CRM, survey: str = "S1", **more: object) -> OpenSurvey:
    """A survey that runs for ten days from today on."""
    command = OpenSurvey(
        **{"survey": survey, "opens_on": TODAY, "closes_on": TODAY + 9 * DAY, **more}  # type: ignore[arg-type]
    )
    crm.do(command, by=LEAD)
    return command


def marks(score: int | str, **more: int | str) -> tuple[str, ...]:
    """Answers to the shipped questionnaire: the same on all scales, and others besides."""
    names = ("overall", "staff", "repairs", "cleaning", "security", "greening", "complaints")
    said = {**dict.fromkeys(names, score), **more}
    return tuple(f"{name}={value}" for name, value in said.items())


def varied(number: int, **more: int | str) -> tuple[str, ...]:
    """Answers of somebody who thought about it; others for other numbers."""
    names = ("overall", "staff", "repairs", "cleaning", "security", "greening", "complaints")
    said: dict[str, int | str] = {}
    for name in names:
        said[name], number = number % 5 + 1, number // 2 + 3
    return tuple(f"{name}={value}" for name, value in {**said, **more}.items())


def over(crm: CRM, days: int = 10) -> None:
    """The last day is over, and the clock has been asked."""
    put(crm, MORNING + days * DAY)
    crm.tick()


def stored(crm: CRM, names: Iterable[str]) -> list[object]:
    return [one.event for one in crm.log.feed(names=list(names))]


class Counting:
    """Ids that say nothing and are the same in every run."""

    def __init__(self) -> None:
        self._last = 0

    def new(self) -> str:
        self._last += 1
        return f"id-{self._last:06d}"
