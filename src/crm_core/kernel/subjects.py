"""Whose key closes what is sealed: a person's, a household's, the company's, or several (0062).

A subject is written as the ids of all it is about, sorted, a space between them; ids hold none. A
member or one of the staff stands under their own id. A household stands under its id and the number
of its key, `V00001~1`: once it was erased, what is written about the home afterwards is sealed
under the next one. What is about nobody in particular is the company's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

COMPANY = "~company"
"""No id begins so, and nobody erases it."""


def joined(subjects: Iterable[str]) -> str:
    """The subject of what is about all of them."""
    return " ".join(sorted(set(subjects)))


def parts(subject: str) -> list[str]:
    """Those it is about, each with a key of its own; any of them closes it."""
    return subject.split(" ")


def of_household(household: str, number: int = 1) -> str:
    """The subject that a household is under its key of that number, which counts from one."""
    return f"{household}~{number}"


def household_in(part: str) -> str | None:
    """The household that a part of a subject stands for, or None."""
    household, mark, _ = part.partition("~")
    return household if mark and household else None


def persons_in(subject: str) -> list[str]:
    """Members and staff it is about; neither a household nor the company is one."""
    return [part for part in parts(subject) if "~" not in part]


def standing(household: str, erased: Callable[[str], bool]) -> str:
    """The subject under which a household is written about now.

    Args:
        erased: Whether the key of a subject was destroyed.
    """
    number = 1
    while erased(of_household(household, number)):
        number += 1
    return of_household(household, number)
