"""Whom the texts of an event are about, so that they close with any of them (PRV-02, 0062)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from crm_core.kernel.data_map import EVENT, Classified
from crm_core.kernel.naming import DEPARTMENTS, Field, Naming, items
from crm_core.kernel.sealing import steps_of
from crm_core.kernel.subjects import COMPANY, joined, standing

MEMBER, STAFF = "person", "staff"


class Concerned:
    """Tells the subject of what people type, by the data map.

    Whoever an event names as a member of a household is who it is about; else who asked, which the
    aggregate knows; else the household. What is of staff is about the one that the event is of, and
    what is of neither is the company's. Who gives the command may name others besides.

    Args:
        naming: What every field is.
        data_map: What every event is about.
    """

    def __init__(self, naming: Naming, data_map: Iterable[Classified]) -> None:
        self._naming = naming
        self._about = {row.source: row.about for row in data_map if row.kind == EVENT}
        self._named: dict[type, tuple[Field, ...] | None] = {}

    def subject(
        self,
        event: Any,
        household: str,
        *,
        asked: Iterable[str] = (),
        others: Iterable[str] = (),
        erased: Callable[[str], bool],
        spoken: bool = False,
    ) -> str:
        """The subject of the texts of an event; empty where there are none.

        Args:
            household: Of which it is, if of any.
            asked: Who asked for what it is a part of.
            others: Subjects whom it is about besides.
            erased: Whether the key of a subject was destroyed.
            spoken: Whether something is said around the event, too.
        """
        kind: type = type(event)
        if kind not in self._named:
            self._named[kind] = self._naming.fields(kind) if steps_of(kind) else None
        fields = self._named[kind]
        if fields is None and not spoken:
            return ""
        # Whoever is erased is written about no more: it is the household's then. Where there is no
        # household it stays theirs, and closed: the company's key is never destroyed.
        every = {*_named(fields or (), event, MEMBER)}
        told = every or {*asked}
        found = {one for one in every if not erased(one)} or {o for o in asked if not erased(o)}
        if not found and not household:
            found = told
        return joined({*others, *(found or self._of(event, household, fields or (), erased))})

    def _of(
        self,
        event: Any,
        household: str,
        fields: tuple[Field, ...],
        erased: Callable[[str], bool],
    ) -> Iterator[str]:
        if household:
            yield standing(household, erased)
            return
        about = self._about[self._naming.stored(type(event))]
        of_staff = [one for one in fields if one.name == STAFF and one.data == STAFF]
        persons = list(_named(of_staff, event, STAFF)) if about == STAFF else []
        yield from persons or [COMPANY]


def _named(fields: Iterable[Field], value: Any, data: str) -> Iterator[str]:
    """The ids in the fields of a class of data, at whatever depth."""
    for field in fields:
        if not field.inner and field.data != data:
            continue
        for one in items(getattr(value, field.name)):
            if field.inner:
                yield from _named(field.inner, one, data)
            elif one not in DEPARTMENTS:
                yield one
