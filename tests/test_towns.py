"""Towns from a seed: the deciders would have written them, and nothing is missing in them."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import pytest
from attrs import evolve

from crm_adapters.wiring import open_crm
from crm_core.crm import CRM
from crm_core.gradings.events import DECIDED
from crm_core.gradings.policy import INSUFFICIENT, LAYERS
from crm_core.owners.events import MemberAdded
from crm_core.payments.credit import GRADES
from crm_core.payments.events import DisputeDecided
from crm_core.testing.towns import (
    ERRORS,
    REGULAR,
    Planted,
    Town,
    fill,
    known_at,
    plant_errors,
)

TOWN = Town(seed=5, households=301)


def streams(crm: CRM) -> dict[str, list[tuple[Any, ...]]]:
    """All that a reader sees of each stream but positions and command ids."""
    found: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    # A sealed text is another one each time it is sealed, and so is a name.
    for e in crm.host.texts.each(crm.log.feed()):
        envelope = e.envelope
        event = evolve(e.event, name=None) if isinstance(e.event, MemberAdded) else e.event
        said = (
            e.version, e.name, e.household, event, envelope.effective, envelope.recorded,
            envelope.actor,
        )  # fmt: skip
        found[e.stream].append(said)
    return found


@pytest.mark.rule("PAY-01", "PAY-06", "PAY-08")
def test_the_facade_would_have_written_the_same_streams() -> None:
    with open_crm("memory:") as played, open_crm("memory:") as filled:
        for number, one in enumerate(TOWN.told()):
            if not one.reaction:
                played.do(one.command, by=one.by, id=f"told-{number}", at=one.at)
        assert fill(filled.log, TOWN) == played.log.count()
        assert streams(played) == streams(filled)


def test_a_seed_is_a_town_whatever_the_blocks() -> None:
    told = list(TOWN.told())
    assert list(Town(seed=5, households=301).told()) == told
    assert list(evolve(TOWN, seed=6).told()) != told
    in_pairs = list(evolve(TOWN, block=1).told())
    assert in_pairs != told
    assert sorted(one.commit.command for one in in_pairs) == sorted(
        one.commit.command for one in told
    )
    # The first households of a town are there before the others are made up.
    assert next(iter(Town(households=10**9).blocks()))
    for none in (Town(households=0), Town(years=0, shares=REGULAR, households=1)):
        assert sum(len(one.commit.appends) for one in none.told()) <= 2
    with pytest.raises(ValueError, match="no fewer"):
        Town(households=-1)


def test_a_year_has_about_so_many_facts() -> None:
    for facts in (7, 11, 27):
        town = Town(seed=2, households=200, facts_a_year=facts, shares=REGULAR)
        events = sum(len(a.events) for one in town.told() for a in one.commit.appends)
        assert events == 200 * 3 * facts
    assert 10.5 <= sum(1 for _ in TOWN.told()) / 301 / 3 <= 11.5


def test_everything_out_of_the_ordinary_is_there() -> None:
    with open_crm("memory:") as crm:
        fill(crm.log, evolve(TOWN, households=1200))
        events = list(crm.log.feed())
    kinds = Counter(e.name.split(".")[1].removesuffix("/1") for e in events)
    assert kinds.keys() == {
        "household_registered", "place_claimed", "member_added", "interest_recorded",
        "conduct_confirmed", "refund_proposed", "waiver_proposed", "dispute_decision_proposed",
        "charge_raised", "charge_cancelled", "payment_received", "payment_reversed",
        "payment_moved_out", "payment_moved_in", "credit_refunded", "charge_waived",
        "purchase_made", "purchase_refunded", "charge_disputed", "dispute_decided",
        "dispute_withdrawn", "clause_agreed", "rate_approved", "late_charge_claimed", "received",
        "marked_duplicate", "merged",
        "duplicate_undone", "reclassified", "clock_warned", "clock_breached", "escalated",
        "retold",
    }  # fmt: skip
    decided = [e.event.upheld_fen for e in events if isinstance(e.event, DisputeDecided)]
    assert 0 in decided
    assert any(decided)
    open_for_ever = kinds["charge_disputed"] - kinds["dispute_decided"] - kinds["dispute_withdrawn"]
    assert open_for_ever > 10
    # Known late, known long before, and entered in another order than it was known.
    late = [(e.recorded.date() - e.effective).days for e in events]
    assert max(late) > 150
    assert min(late) < -20
    last: dict[str, Any] = {}
    backwards = 0
    for e in events:
        backwards += e.recorded < last.get(e.household, e.recorded)
        last[e.household] = e.recorded
    assert len(events) > 50 * backwards > 1000
    of = {e.event.request: e.event.of for e in events if e.name == "requests.marked_duplicate/1"}
    assert any(of[number] in of for number in of), "chains"


@pytest.mark.rule("GRD-08")
@pytest.mark.parametrize("engine", ["events"])
def test_every_planted_error_is_found_and_no_other(engine: str) -> None:
    with open_crm("memory:") as crm:
        fill(crm.log, TOWN)
        runs = [crm.grade(year, known=known_at(year)) for year in (2011, 2012, 2013)]
        graded = [grading for run in runs for grading in run.gradings]
        assert {g.outcome.layer for g in graded} == {*LAYERS, INSUFFICIENT}
        assert {g.outcome.type for g in graded} == {"lively", "cautious", "ordinary", "problem"}
        assert {g.facts.credit for g in graded} == set(GRADES)
        assert crm.replay(engine=engine).differing == ()
        planted = plant_errors(crm, seed=3, count=37)
        assert len(planted) == 37 == len({one.run for one in planted})
        assert {one.error for one in planted} == set(ERRORS)
        found = crm.replay(engine=engine)
        assert sorted((f.household, f.year, f.run) for f in found.differing) == sorted(
            (one.household, one.year, one.run) for one in planted
        )
        about = {f.run: f.first_difference for f in found.differing}
        assert all(_says(one, about[one.run]) for one in planted)
        written = [e.event for e in crm.log.feed(names=[DECIDED])][-37:]
        assert [(g.household, g.run) for g in written] == [
            (one.household, one.run) for one in planted
        ]
        assert plant_errors(crm, seed=3, count=0) == []


def _says(planted: Planted, difference: str) -> bool:
    starts = {
        "purchases": "facts.purchases_fen",
        "credit": "facts.credit",
        "layer": "outcome.layer",
        "evidence": "evidence.",
        "criterion": "outcome.criteria",
    }
    return difference.startswith(starts[planted.error])
