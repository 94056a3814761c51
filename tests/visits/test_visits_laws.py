"""Laws and properties of visits and draws over generated histories (VIS-01, VIS-02, VIS-04)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given as hypothesis_given

from crm_core.testing import histories
from crm_core.testing.laws import check_decider
from crm_core.testing.strategies import draw_commands, visit_commands, visit_openings
from crm_core.visits import DRAW, VISITS
from crm_core.visits.draws import VisitsDrawn
from crm_core.visits.events import VisitMade, VisitScheduled
from crm_core.visits.state import LAPSED, OPEN

HISTORIES = histories(VISITS, visit_commands(), opening=visit_openings(), max_size=20)


def test_visits_keep_the_laws() -> None:
    check_decider(VISITS, visit_commands(), opening=visit_openings(), max_examples=80)


def test_draws_keep_the_laws() -> None:
    check_decider(DRAW, draw_commands(), max_examples=60)


@pytest.mark.rule("VIS-04")
@hypothesis_given(HISTORIES)
def test_whatever_is_recorded_kept_to_the_rules(history: Any) -> None:
    """Seen from outside: nobody calls about their own work, early, twice, or silent about a `C`."""
    state = VISITS.decider.initial
    successors: set[str] = set()
    for event in history.events:
        visit = state.visit(getattr(event, "visit", ""))
        if isinstance(event, VisitScheduled):
            assert visit is None or visit.status != OPEN
        if isinstance(event, VisitMade):
            assert visit is not None
            assert visit.made is None
            assert event.visited_by not in visit.hands
            assert event.visited_at >= visit.from_at
            assert (event.opinion == "C") == (event.successor is not None)
            if visit.why == LAPSED:
                assert event.visited_at < visit.lapses_at
            if event.successor is not None:
                assert event.successor not in successors
                successors.add(event.successor)
        state = VISITS.decider.evolve(state, event)


@pytest.mark.rule("VIS-02")
@hypothesis_given(histories(DRAW, draw_commands()))
def test_a_draw_takes_households_of_its_frame_once_each(history: Any) -> None:
    for event in history.events:
        if isinstance(event, VisitsDrawn):
            assert set(event.households) <= set(event.frame)
            assert len(set(event.households)) == len(event.households) >= 1
