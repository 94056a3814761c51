"""The ways out: every question of the facade, and how its answer is shown (PRV-01, 0057).

A question that does not stand here is asked by nobody: the facade's objects give only what is
listed, and a test walks them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from inspect import Signature, signature
from typing import Any

from crm_core.application.access import Access
from crm_core.kernel.values import frozen

EACH, VALUE, PLAIN, ASKED, FREE = "each", "value", "plain", "asked", "free"
GROUP, STORED = "group", "stored"
"""How an answer is shown: each of many values; one value; plain data by its keys; the question asks
the table itself; it holds nothing of a household or a person; it is a group of questions; or it is
what is stored, as it is stored: what is personal and can be erased is sealed in it (0076).
"""


@frozen
class Way:
    """A way out.

    Args:
        shows: How its answer is shown.
        lists: Whether it is a list of households, with which lists leave the library.
    """

    shows: str
    lists: bool = False


WAYS: dict[str, Way] = {
    # --- accounts
    "accounts.arrears": Way(EACH, lists=True),
    "accounts.changes": Way(EACH),
    "accounts.credit": Way(EACH, lists=True),
    "accounts.credit_table": Way(EACH, lists=True),
    "accounts.limitation": Way(EACH, lists=True),
    "accounts.owing": Way(EACH, lists=True),
    "accounts.purchases": Way(EACH, lists=True),
    "accounts.statement": Way(PLAIN),
    # --- care
    "care.assessments": Way(EACH),
    "care.calendar": Way(FREE),
    "care.plan": Way(ASKED),
    "care.plans": Way(EACH),
    "care.policy": Way(FREE),
    # Counts and sums over all households; what was said is drafted and approved by acts.
    "care.publications": Way(GROUP),
    "care.publications.derived": Way(FREE),
    "care.publications.draft": Way(FREE),
    "care.publications.published": Way(FREE),
    "care.suggestions": Way(VALUE),
    # Without names, or counted; the acts say who takes a slip, casts one and sees what came of it.
    "care.surveys": Way(GROUP),
    "care.surveys.cast": Way(FREE),
    "care.surveys.cast_all": Way(FREE),
    "care.surveys.comments": Way(ASKED),
    "care.surveys.listed": Way(FREE),
    "care.surveys.questionnaire": Way(FREE),
    "care.surveys.result": Way(FREE),
    "care.surveys.take_slip": Way(FREE),
    "care.surveys.take_slips": Way(FREE),
    "care.versions": Way(EACH),
    "care.visits": Way(GROUP),
    # Counts, small ones suppressed; the act says who may count.
    "care.visits.coverage": Way(FREE),
    "care.visits.draw": Way(VALUE),
    "care.visits.drawn": Way(VALUE),
    "care.visits.due": Way(EACH),
    "care.visits.of": Way(EACH),
    "care.visits.redraw": Way(VALUE),
    # Asks by the act, and opens the name by the table.
    "care.visits.script": Way(ASKED),
    # --- the facade itself
    "crm.authority": Way(FREE),
    "crm.batch": Way(FREE),
    "crm.do": Way(FREE),
    "crm.explain": Way(PLAIN),
    "crm.get": Way(VALUE),
    "crm.grade": Way(VALUE, lists=True),
    "crm.history": Way(EACH),
    # As the database has it, which whoever runs the program holds: nothing in it opens anything.
    # What does is `crm.host`, which is no way out.
    "crm.log": Way(STORED),
    "crm.may": Way(FREE),
    "crm.outcome": Way(VALUE),
    "crm.replay": Way(VALUE, lists=True),
    "crm.reveal": Way(ASKED),
    "crm.tick": Way(FREE),
    "crm.todo": Way(EACH),
    "crm.verify": Way(FREE),
    "crm.views": Way(STORED),
    # --- gradings
    "gradings.affected": Way(EACH, lists=True),
    "gradings.allocated": Way(FREE),
    "gradings.allocations": Way(FREE),
    "gradings.book": Way(FREE),
    "gradings.cutoff": Way(FREE),
    "gradings.directory": Way(EACH, lists=True),
    # Counts from the log what is in it under numbers alone.
    "gradings.engine": Way(STORED),
    "gradings.explain": Way(PLAIN),
    "gradings.grade": Way(VALUE, lists=True),
    "gradings.grades": Way(VALUE, lists=True),
    "gradings.history": Way(EACH),
    "gradings.in_force": Way(FREE),
    "gradings.named": Way(FREE),
    "gradings.pinned": Way(FREE),
    "gradings.policy": Way(FREE),
    "gradings.preview": Way(VALUE, lists=True),
    "gradings.records": Way(FREE),
    "gradings.replace": Way(VALUE),
    "gradings.replacing": Way(EACH, lists=True),
    "gradings.replay": Way(VALUE, lists=True),
    "gradings.runs": Way(EACH),
    "gradings.waiting": Way(EACH, lists=True),
    "gradings.year": Way(VALUE),
    # --- imports: what an undo changes, or what rests on it, is numbers, days and counts; the acts
    # say who may have one done.
    "imports.correct": Way(FREE),
    "imports.every": Way(EACH),
    "imports.look": Way(FREE),
    "imports.undo": Way(FREE),
    # --- messages
    "messages.every": Way(ASKED, lists=True),
    "messages.preferences": Way(ASKED),
    # --- owners
    "owners.file": Way(ASKED),
    "owners.find": Way(ASKED),
    "owners.opened": Way(ASKED),
    "owners.sampled": Way(EACH),
    # Counts, small ones suppressed; the act says who may count.
    "owners.segments": Way(FREE),
    "owners.sheet": Way(ASKED),
    "owners.unkept": Way(EACH),
    # --- papers: each cell asks the table.
    "papers.again": Way(ASKED),
    "papers.every": Way(FREE),
    "papers.made": Way(ASKED),
    "papers.paper": Way(ASKED),
    # --- privacy
    "privacy.affected": Way(ASKED),
    "privacy.erase": Way(FREE),
    "privacy.erase_staff": Way(FREE),
    "privacy.export": Way(ASKED),
    "privacy.export_staff": Way(ASKED),
    "privacy.finish": Way(FREE),
    # Of a leak as the company's matter; the act `see-leaks` says who may see it.
    "privacy.leaks": Way(GROUP),
    "privacy.leaks.determine_affected": Way(FREE),
    "privacy.leaks.every": Way(FREE),
    "privacy.leaks.report": Way(FREE),
    "privacy.leaving": Way(ASKED),
    "privacy.listing": Way(ASKED, lists=True),
    # Whether, and why; never what was said. The act `see-consents` says who may ask.
    "privacy.may_use": Way(FREE),
    "privacy.who_saw": Way(ASKED),
    # --- reports: each part and each row asks the table.
    "reports.year": Way(ASKED, lists=True),
    # --- requests
    "requests.calls": Way(VALUE),
    "requests.counted_of": Way(FREE),
    "requests.cover": Way(EACH),
    "requests.effect": Way(VALUE),
    "requests.greeting": Way(FREE),
    "requests.lines": Way(FREE),
    "requests.pinned": Way(FREE),
    "requests.provisional": Way(EACH, lists=True),
    "requests.raised": Way(EACH),
    "requests.statistics": Way(VALUE),
    "requests.warn": Way(EACH),
    "requests.warnings": Way(EACH),
    # --- staff
    "staff.contact": Way(ASKED),
    # Numbers, instants and words of approved templates, which hold no text that anybody typed.
    "staff.told_of": Way(FREE),
    # --- studies
    "studies.allot": Way(VALUE, lists=True),
    "studies.assess": Way(VALUE, lists=True),
    "studies.candidate": Way(FREE),
    "studies.drift": Way(EACH),
    "studies.fairness": Way(VALUE),
    "studies.influence": Way(VALUE),
    "studies.quota": Way(VALUE, lists=True),
    "studies.retaliation": Way(EACH, lists=True),
    "studies.what_if": Way(VALUE, lists=True),
}

LENT = ("clock", "host", "ids", "policies", "registry", "zone")
"""What the host lends, which is no question: time, ids and rules, and `host`, by which the host
takes back explicitly what opens and keeps personal values. It is handed to nobody.
"""


class Shown:
    """The questions of a service, as the facade hands them out.

    Args:
        group: Name of the group, e.g. `accounts`.
        service: Answers them, as they are.
        access: Knows who may see what.
    """

    def __init__(self, group: str, service: Any, access: Access) -> None:
        self._group, self._service, self._access = group, service, access

    def __getattr__(self, name: str) -> Any:
        way = WAYS.get(f"{self._group}.{name}")
        if way is None:
            raise AttributeError(name)
        found = getattr(self._service, name)
        if way.shows == GROUP:
            return Shown(f"{self._group}.{name}", found, self._access)
        if way.shows in (ASKED, FREE, STORED):
            return found
        return shown(found, f"{self._group}.{name}", way, self._access)

    def __dir__(self) -> Iterable[str]:
        return [name for name in dir(self._service) if f"{self._group}.{name}" in WAYS]


def shown(ask: Callable[..., Any], name: str, way: Way, access: Access) -> Callable[..., Any]:
    """A question whose answer is what whoever asks may see of it."""
    form = signature(ask)

    @wraps(ask)
    def asked(*args: Any, **said: Any) -> Any:
        by, purpose = said.get("by"), said.get("purpose")
        for part in ("by", "purpose"):
            if part not in form.parameters:
                said.pop(part, None)
        return answer(ask(*args, **said), name, way, access, by, purpose, _of(form, args, said))

    return asked


def answer(
    found: Any,
    name: str,
    way: Way,
    access: Access,
    by: Any,
    purpose: str | None,
    household: str,
) -> Any:
    """An answer as whoever asked may see it."""
    look = access.look(by, purpose, name)
    look.listed = way.lists
    if way.shows == PLAIN:
        return look.plain(found, name.replace("crm.", "gradings."), household)
    if way.shows == VALUE:
        return look.show(found, household=household)
    if isinstance(found, list | tuple):
        return type(found)(look.show_each(found, household=household))
    return look.show_each(found, household=household)


def _of(form: Signature, args: tuple[Any, ...], said: dict[str, Any]) -> str:
    """The household that is asked about, if it is one."""
    try:
        named = form.bind(*args, **said).arguments.get("household", "")
    except TypeError:
        return ""
    return named if isinstance(named, str) else ""
