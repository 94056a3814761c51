"""Facts of a year as they can be, for whoever decides by them: the reference and the library."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

GRADES = ("A", "B1", "B2", "B3", "B4", "B5")
DAYS = {"A": 0, "B1": 5, "B2": 40, "B3": 100, "B4": 200, "B5": 400}
"""Days overdue of each grade."""

NOTHING = {
    "attention": 0,
    "b2_entries": 0,
    "charges_due": 1,
    "complaints": 0,
    "conduct": 0,
    "credit": "A",
    "interests": 0,
    "overdue_days": 0,
    "overdue_fen": 0,
    "previous_purchases_fen": 0,
    "purchases_fen": 0,
    "worst_credit": "A",
}
"""Of whom nothing is known but that a charge was due."""


def as_they_can_be(most_fen: int = 25_000_00) -> st.SearchStrategy[dict[str, Any]]:
    """Facts of a year, with amounts near those at which a layer begins or the prospect is high."""
    near = st.sampled_from([0, 7_272_73, 8_000_00, 10_000_00, 14_545_46, 16_000_00, 20_000_00])
    amounts = st.integers(-100, most_fen) | near.flatmap(lambda fen: st.integers(fen - 2, fen + 2))

    @st.composite
    def facts(draw: st.DrawFn) -> dict[str, Any]:
        attention = draw(st.integers(0, 6))
        credit = draw(st.sampled_from(GRADES[:3]) | st.sampled_from(GRADES))
        worst = max(credit, draw(st.sampled_from(GRADES)), key=GRADES.index)
        before = draw(amounts)
        a_tenth_more = st.integers(-2, 2).map(lambda fen: -(-before * 110 // 100) + fen)
        return NOTHING | {
            "attention": attention,
            "b2_entries": draw(st.integers(0, 3)) if GRADES.index(worst) >= 2 else 0,
            "charges_due": draw(st.sampled_from([1, 1, 1, 4, 0])),
            "complaints": draw(st.just(attention) | st.integers(0, attention)),
            "conduct": draw(st.integers(0, 1)),
            "credit": credit,
            "interests": draw(st.sampled_from([0, 0, 1, 2])),
            "overdue_days": DAYS[credit],
            "overdue_fen": 100 if DAYS[credit] else 0,
            "previous_purchases_fen": before,
            "purchases_fen": draw(amounts | a_tenth_more),
            "worst_credit": worst,
        }

    return facts()
