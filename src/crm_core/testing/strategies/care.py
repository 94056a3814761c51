"""Commands about care beside plans: the calendar, its occasions, difficulties (PLN-04)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from crm_core.kernel.word import Word
from crm_core.plans import care, company_care, difficulties
from crm_core.plans.care import OFFERS, HandOverGift, OpenCare, Willing
from crm_core.plans.policy import DEFAULT_CARE, CarePolicy
from crm_core.slices import shipped
from crm_core.testing.strategies.classes import command_of
from crm_core.testing.strategies.values import CLERKS, days, mostly

_FIRST, _LAST = date(2023, 9, 1), date(2023, 12, 31)
_FESTIVAL = date(2023, 9, 29)
_OWNER, _OTHER = "V1#owner", "V1#m1"
_GIFT = "mid_autumn-2023"


def care_commands(household: str = "V1") -> SearchStrategy[Any]:
    """Commands about the care of one household: few occasions, members and days, so they meet."""
    common = _common(household)
    return st.one_of(*(command_of(cls, common, _OWN) for cls in care.CARE.commands))


def care_openings(household: str = "V1") -> SearchStrategy[Any]:
    """Commands by which an occasion with a gift is opened for a household."""
    accepted = {
        "occasion": st.just("mid_autumn"),
        "on": st.just(_FESTIVAL),
        "layer": st.just("important"),
        "member": st.just(""),
        "willing": st.just(_willing()),
    }
    return command_of(OpenCare, {**_common(household), **accepted}, {})


def difficulty_commands(difficulty: str = "Q1", household: str = "V1") -> SearchStrategy[Any]:
    """Commands about one difficulty of a customer."""
    common = {**_common(household), "difficulty": st.just(difficulty)}
    return st.one_of(*(command_of(cls, common, {}) for cls in difficulties.DIFFICULTY.commands))


def difficulty_openings(difficulty: str = "Q1", household: str = "V1") -> SearchStrategy[Any]:
    """Commands by which a difficulty comes to be known."""
    accepted = {
        "difficulty": st.just(difficulty),
        "what": st.just("the door does not close"),
        "due": st.just(_LAST),
        "strangers": st.just(()),
    }
    return command_of(difficulties.LearnDifficulty, {**_common(household), **accepted}, {})


def care_calendar_commands() -> SearchStrategy[Any]:
    """Commands about the company's calendar of care."""
    common = _common("V1")
    return st.one_of(*(command_of(cls, common, {}) for cls in company_care.CALENDAR.commands))


def _willing(**changes: Any) -> Willing:
    values: dict[str, Any] = {
        "day": _FESTIVAL,
        "gone": "",
        "holding": (_OWNER, _OTHER),
        "members": (_OWNER,),
        "tenure": "first",
        "tenure_since": _FIRST,
    }
    return Willing(**{**values, **changes})


_WILLING = st.sampled_from(
    (
        _willing(),
        _willing(),
        _willing(members=(_OTHER, _OWNER)),
        _willing(members=()),
        _willing(day=_LAST),
        _willing(gone="sold"),
        _willing(tenure="tenant-2023-10-01", tenure_since=date(2023, 10, 1)),
        _willing(holding=(_OTHER,), members=(_OTHER,)),
    )
)


def _common(household: str) -> dict[str, SearchStrategy[Any]]:
    text = mostly(("as agreed",), "")
    return {
        **dict.fromkeys(("advice", "needs", "note", "reason", "what"), text),
        "household": st.just(household),
        "care": st.sampled_from((_GIFT, "offer-1", "spring_festival-2023")),
        "occasion": mostly(("mid_autumn", "birthday"), "no_such"),
        "kind": mostly(OFFERS, "discount"),
        "member": st.sampled_from((_OWNER, _OTHER)),
        "layer": mostly(("important", "small"), ""),
        "on": days(_FIRST, _LAST),
        "due": mostly((_LAST,), _FIRST),
        "day": st.sampled_from((_FESTIVAL, _LAST)),
        "begun": mostly((_FIRST,), None),
        "person": st.sampled_from(("S1", "S2")),
        "solved": st.booleans(),
        "strangers": mostly(((),), ("S1",)),
        "gone": mostly(("",), "sold"),
        "year": mostly((2023,), 2024),
        "planned_for": days(_FIRST, _LAST),
        "opened": st.integers(0, 3),
        "word": st.just(Word(_OWNER, "phone", "call 17")),
        "policy": st.just(shipped().find(CarePolicy, DEFAULT_CARE, _FIRST)),
        "willing": _WILLING,
        "by": CLERKS,
    }


_OWN: dict[type, Mapping[str, SearchStrategy[Any]]] = {
    HandOverGift: {
        "care": st.just(_GIFT),
        "on": mostly((_FESTIVAL,), _LAST),
        "willing": mostly((_willing(),), _willing(members=())),
    },
    OpenCare: {
        "member": st.sampled_from(("", _OWNER, _OTHER)),
        "on": st.sampled_from((_FESTIVAL, _LAST)),
    },
}

__all__ = [
    "care_calendar_commands",
    "care_commands",
    "care_openings",
    "difficulty_commands",
    "difficulty_openings",
]
