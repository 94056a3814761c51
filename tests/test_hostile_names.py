"""Names that some store cannot hold are refused alike by all, at every question and command."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from datetime import date
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from crm_adapters import open_crm
from crm_core import CRM, Actor
from crm_core.application.papers.model import Asked
from crm_core.application.ways import WAYS
from crm_core.errors import CrmError, Invalid
from crm_core.gradings.uses import Use
from crm_core.kernel.dates import Period
from crm_core.kernel.text import NAME_LENGTH_MAX
from crm_core.owners.commands import RegisterHousehold
from crm_core.owners.state import Household

CLERK = Actor("S1", "specialist")
UNSTORABLE = ("\ud800", "V\0001", "\udcff\n", "x" * (NAME_LENGTH_MAX + 1), "x" * 100_000)
HOSTILE = (*UNSTORABLE, "'; DROP TABLE crm_events; --", "", " ", "\u202e", "V1/V2")
PAPER = Asked("customer-file", "V1", date(2011, 12, 31))


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def crm(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[CRM]:
    url = {"memory": "memory:", "sqlite": f"sqlite:///{tmp_path / 'crm.db'}"}.get(request.param)
    keys = None if request.param == "memory" else tmp_path / "crm.keys"
    with open_crm(url or request.getfixturevalue("postgres_url"), create=True, keys=keys) as opened:
        opened.do(_household("V1"), by=CLERK)
        yield opened


def _household(name: str) -> RegisterHousehold:
    return RegisterHousehold(name, "Anhe", "1", "1", name)


@pytest.mark.case("K59")
@pytest.mark.parametrize("name", UNSTORABLE, ids=ascii)
def test_what_a_store_cannot_hold_is_refused_by_name(crm: CRM, name: str) -> None:
    for ask in (
        lambda: list(crm.history(name)),
        lambda: crm.get(Household, name),
        lambda: crm.outcome(name),
        lambda: crm.do(_household("V2"), by=CLERK, id=name),
        lambda: crm.gradings.explain(name, 2011),
    ):
        with pytest.raises(Invalid) as refused:
            ask()
        assert {fault.code for fault in refused.value.faults} <= {"text_unstorable", "id_malformed"}
    assert {event.household for event in crm.log.feed()} == {"V1"}


def _commands(crm: CRM) -> Iterator[tuple[str, Callable[[str], Any]]]:
    yield "household", lambda name: crm.do(_household(name), by=CLERK)
    yield "id", lambda name: crm.do(_household("V2"), by=CLERK, id=name)
    yield "purpose", lambda name: crm.do(_household("V3"), by=CLERK, purpose=name)
    yield "correlation", lambda name: crm.do(_household("V4"), by=CLERK, correlation=name)
    yield "causation", lambda name: crm.do(_household("V5"), by=CLERK, causation=name)
    yield "actor", lambda name: crm.do(_household("V6"), by=Actor(name, "specialist"))
    yield "role", lambda name: crm.do(_household("V7"), by=Actor("S1", name))
    yield "reveal", lambda name: crm.reveal(name, name, "name", by=CLERK, purpose=name)


def _questions(crm: CRM) -> Iterator[tuple[str, Callable[[str], Any]]]:
    """Every public question that takes a text, with whatever else it needs."""
    now = crm.clock.now()
    values: dict[str, Any] = {"datetime": now, "date": now.date(), "int": 2011, "Actor": CLERK}
    values["type["], values["Recorded"] = Household, next(iter(crm.log.feed()))
    values["Use"] = Use.CARE_PLAN
    values["Period"] = Period(now.date(), now.date())
    values["Cutoff"] = crm.log.cutoff(now, without="gradings.")

    def asking(method: Callable[..., Any]) -> Callable[[str], Any] | None:
        takes = [
            p for p in inspect.signature(method).parameters.values() if p.kind != p.VAR_KEYWORD
        ]
        if not any("str" in str(p.annotation) for p in takes):
            return None

        def ask(name: str) -> Any:
            given: dict[str, Any] = {}
            for one in takes:
                kind = str(one.annotation)
                if kind == "Asked":
                    given[one.name] = evolve(PAPER, about=name)
                elif "Mapping[str" in kind:
                    given[one.name] = {name: name}
                elif "[str]" in kind:
                    given[one.name] = [name]
                elif "str" in kind:
                    given[one.name] = name
                elif one.default is one.empty:
                    value = next((v for k, v in values.items() if k in kind), None)
                    several = "Sequence[" in kind or "Iterable[" in kind
                    given[one.name] = [value] if several else value
            return method(**given)

        return ask

    for group in sorted({way.rpartition(".")[0] for way in WAYS}):
        services = crm if group == "crm" else attrgetter(group)(crm)
        for title, method in inspect.getmembers(services, callable):
            ask = None if f"{group}.{title}" not in WAYS else asking(method)
            if ask is not None:
                yield f"{group}.{title}", ask


@pytest.mark.case("K59")
def test_every_question_and_command_answers_or_refuses_by_name(crm: CRM) -> None:
    asked = 0
    for title, ask in [*_commands(crm), *_questions(crm)]:
        for name in HOSTILE:
            asked += 1
            try:
                answer = ask(name)
                if isinstance(answer, Iterator):
                    list(answer)
            except CrmError:
                continue
            except Exception as error:  # noqa: BLE001 - the whole point
                pytest.fail(f"{title}({name[:20]!a}): {type(error).__name__}: {error!a:.200}")
    assert asked > 200
    assert crm.verify().intact
