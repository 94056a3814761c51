"""The reading: which events count how; an old grading is read again as it was then (GRD-08)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from attrs import evolve

from crm_adapters.wiring import open_crm
from crm_core.crm import CRM
from crm_core.gradings.reading import DEFAULT_READING, Reading
from crm_core.kernel.dates import parse_instant
from crm_core.kernel.policy import PolicyFault
from crm_core.opinions.commands import RecordOpinion
from crm_core.slices import shipped
from estate import FixedClock, complain, do, home, of

FIRST = shipped().find(Reading, DEFAULT_READING, date(2011, 12, 31))

TEXT = """
kind = "reading"
no_matters = ["repair", "praise"]
complaints = ["complaint", "suggestion"]
opinions = ["survey"]

[policy]
name = "reading-cn-default"
version = 2
effective_from = 2000-01-01
approved_by = "director"
impact_assessment = "PIA-GRADING-3"
"""

SECOND = Reading.parse(TEXT)
"""A second reading: praise is no matter, a suggestion is a complaint, and forums are not heard."""


@pytest.fixture
def crm() -> Iterator[CRM]:
    with open_crm("memory:") as opened:
        opened.host.clock = FixedClock(parse_instant("2012-01-15T09:00:00+08:00"))
        home(opened, "V1", buys=9_000_00)
        home(opened, "V2", buys=9_000_00)
        for number, kind in enumerate(("complaint", "suggestion", "praise", "repair")):
            do(opened, evolve(complain(f"R{number}"), kind=kind))
        for number, source in enumerate(("forum", "survey", "meeting")):
            on = date(2011, 3, 1)
            do(opened, RecordOpinion("V1", f"O{number}", source, "V1#owner", on, "thread 7"))
        yield opened


def with_second(crm: CRM) -> CRM:
    """The same log, with the second reading at hand."""
    later = CRM(
        crm.log,
        vault=crm.host.vault,
        clock=crm.clock,
        ids=crm.ids,
        policies=crm.policies.add(SECOND),
        engines=[crm.gradings.engine(name) for name in ("frames", "frames-duckdb")],
    )
    later.host.clock = FixedClock(parse_instant("2012-02-15T09:00:00+08:00"))
    return later


def facts(crm: CRM, run: str) -> tuple[int, int]:
    found = of(crm.gradings.grades(2011, run=run)).facts
    return found.attention, found.complaints


@pytest.mark.rule("GRD-08", "GRD-02")
@pytest.mark.parametrize("engine", ["events", "frames", "frames-duckdb"])
def test_old_gradings_replay_by_the_reading_they_pin(crm: CRM, engine: str) -> None:
    first = crm.grade(2011, engine=engine)
    later = with_second(crm)
    # It is the newest now: what is graded from here on is read by it.
    second = later.grade(2011, engine=engine)
    assert (first.reading, second.reading) == (FIRST.ref, SECOND.ref)
    assert first.run != second.run
    assert facts(later, first.run) == (6, 1)
    assert facts(later, second.run) == (3, 2)
    found = later.replay(engine=engine)
    assert (found.gradings, found.differing) == (4, ())
    assert later.explain("V1", 2011, run=second.run)["reading"] == "reading-cn-default/2"
    # The year's record stays as it was read.
    assert later.gradings.grades(2011).run == first.run
    [affected] = [one for one in later.gradings.affected() if one.household == "V1"] or [None]
    assert affected is None


@pytest.mark.rule("GRD-08")
@pytest.mark.parametrize("engine", ["events", "frames"])
def test_without_the_reading_that_a_grading_pins_it_is_a_finding(crm: CRM, engine: str) -> None:
    later = with_second(crm)
    later.grade(2011)
    found = crm.replay(engine=engine)
    assert len(found.differing) == 2
    assert all("reading-cn-default/2" in one.first_difference for one in found.differing)


@pytest.mark.rule("GRD-08")
def test_a_reading_is_checked_like_a_policy_and_every_word_of_it_counts() -> None:
    assert SECOND.ref.version == 2
    assert SECOND.ref.digest != FIRST.ref.digest
    for before, after, path in (
        ('"praise"', '"hearsay"', "no_matters[1]"),
        ('"suggestion"', '"rumour"', "complaints[1]"),
        ('"survey"', '"letter"', "opinions[0]"),
        ('kind = "reading"', 'kind = "grading"', "kind"),
    ):
        assert before in TEXT
        with pytest.raises(PolicyFault) as wrong:
            Reading.parse(TEXT.replace(before, after))
        assert path in str(wrong.value)
        changed = TEXT.replace(before, '"other"') if "[" in path and before != '"survey"' else None
        if changed is not None:
            assert Reading.parse(changed).ref.digest != SECOND.ref.digest
