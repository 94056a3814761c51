"""A few towns that deciders made beside the reference, and what is said when something differs."""

from __future__ import annotations

from collections import Counter

import pytest
from decided_towns import compare, compared, look, main

import reference_grader as reference


@pytest.mark.rule("PAY-02", "PAY-03", "PAY-04", "PAY-06", "PAY-07", "PAY-08", "GRD-02", "GRD-03")
@pytest.mark.parametrize("engine", ["events", "frames"])
def test_some_towns_are_graded_as_the_reference_grades_them(engine: str) -> None:
    layers = Counter[str]()
    for found in compared(range(40, 64), processes=1, households=24, engine=engine):
        assert found.differences == []
        layers += found.layers
    assert {"main", "ordinary", "small", "insufficient"} <= layers.keys()


def test_a_seed_says_everything_about_a_town() -> None:
    assert look(7) == look(7)
    looks = [look(seed) for seed in range(60)]
    assert len({one.town.shares for one in looks}) == 3
    assert len({one.town.facts_a_year for one in looks}) == 5
    assert {one.year - one.town.first_year for one in looks} == {0, 1, 2}


def test_a_difference_is_told_with_its_seed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A reference that forgets disputes is caught, and the town of the seed catches it again."""
    monkeypatch.setattr(reference, "disputed_fen", lambda *_: 0)
    seed = next(seed for seed in range(40, 80) if compare(seed, households=24).differences)
    assert main(["--seed", str(seed), "--towns", "1", "--processes", "1"]) == 1
    told = capsys.readouterr().out
    assert f"seed {seed}, household V0" in told
    assert "the events engine" in told
    monkeypatch.undo()
    assert main(["--seed", str(seed), "--towns", "1", "--processes", "1"]) == 0
    assert "100 households" in capsys.readouterr().out
