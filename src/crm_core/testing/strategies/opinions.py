"""Commands about the opinions of one household."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from crm_core.opinions import commands as opinions
from crm_core.owners.commands import owner_id
from crm_core.testing.strategies.classes import command_classes, command_of
from crm_core.testing.strategies.values import CLERKS, SELDOM, days, mostly


def opinion_commands(household: str = "V00001") -> SearchStrategy[Any]:
    """Commands about one household's opinions.

    Few numbers, members and days, so that commands meet; some of the values are not accepted.
    """
    made = _opinion_commands(household)
    return st.one_of(*(made(cls) for cls in command_classes(opinions)))


def opinion_openings(household: str = "V00001") -> SearchStrategy[Any]:
    """Commands that record an opinion."""
    accepted = {
        "source": st.sampled_from(opinions.SOURCES),
        "reference": st.sampled_from(("thread 7", "survey 2010")),
        **dict.fromkeys(("stranger", "left", "on_staff", "about_unknown"), st.just(False)),
    }
    return _opinion_commands(household, accepted)(opinions.RecordOpinion)


def _opinion_commands(
    household: str, accepted: Mapping[str, SearchStrategy[Any]] | None = None
) -> Callable[[type], SearchStrategy[Any]]:
    common = {
        "household": st.just(household),
        "opinion": st.sampled_from(("O1", "O2", "O3")),
        "member": st.sampled_from((owner_id(household), f"{household}#m1")),
        "on": days(date(2010, 1, 1), date(2010, 1, 4)),
        "by": CLERKS,
        "reason": mostly(("of another household",), ""),
    }
    own: dict[type, Mapping[str, SearchStrategy[Any]]] = {
        opinions.RecordOpinion: {
            "source": mostly(opinions.SOURCES, "hearsay"),
            "reference": mostly(("thread 7", "survey 2010"), ""),
            "about": st.none() | st.just("R1010"),
            **dict.fromkeys(("stranger", "left", "on_staff", "about_unknown"), SELDOM),
            **(accepted or {}),
        },
    }
    return lambda cls: command_of(cls, common, own)
