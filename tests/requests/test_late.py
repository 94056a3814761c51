"""Whenever facts become known, a request comes to stand where timely knowledge would have led."""

from __future__ import annotations

from typing import Any

import pytest
from late import known_late, lived_late
from slow.calendar import A_DAY
from slow.comparing import compared, differences
from slow.life import life_of, told
from slow.model import judge

from crm_core.requests.parts import BREACHED, PROMISE_BROKEN, PROMISE_KEPT

LIVES = 60
"""Lives of one part; long runs give `late_lives.py` more."""


def _makes_sense(seed: int) -> Any:
    life = life_of(seed)
    now = life[-1].at + 12 * A_DAY
    judged = judge(life, now)
    return None if judged.refused else (life, now, judged)


@pytest.mark.rule("REQ-12")
@pytest.mark.rule("REQ-15")
@pytest.mark.parametrize("part", range(3))
def test_told_in_time_the_library_and_the_slow_model_say_the_same(part: int) -> None:
    """Clocks, promises, duties and status, with pauses and whatever happens in them."""
    for seed in range(part * LIVES, (part + 1) * LIVES):
        life = life_of(seed)
        ticks = [number for number in range(len(life)) if (seed + number) % 2]
        found = compared(life, life[-1].at + 5 * A_DAY, ticks=ticks)
        assert not found, f"seed {seed}\n{told(life)}\n" + "\n".join(found)


@pytest.mark.rule("REQ-09")
@pytest.mark.rule("REQ-10")
@pytest.mark.rule("REQ-13")
@pytest.mark.case("K08")
@pytest.mark.parametrize("part", range(4))
def test_told_late_a_request_stands_where_timely_knowledge_would_have_led(part: int) -> None:
    """In whatever order it becomes known, with the clock asked in between: the model's verdicts.

    Left out by name: nobody knows of an answer before what it answers (`late.FOLLOWS`). What a
    refusal ends is counted, and is less than one life in twenty.
    """
    lived = ended = 0
    for seed in range(part * LIVES, (part + 1) * LIVES):
        sense = _makes_sense(seed)
        if sense is None:
            continue
        life, now, judged = sense
        known = known_late(life, seed)
        said = lived_late(life, known, now)
        lived += 1
        if said.refused:
            ended += 1
            continue
        found = differences(
            judged, said.view["verdicts"], promises=said.promises, owed=said.broken, view=said.view
        )
        assert not found, f"seed {seed}\n{told(life)}\n{known}\n" + "\n".join(found)
        assert _on_record(said) == _by_verdict(said), f"seed {seed}"
    print(f"{lived} lives, {ended} ended by a refusal")
    assert lived > LIVES * 0.8
    assert ended <= 0.1 * lived


def _on_record(said: Any) -> tuple[set[str], set[str]]:
    """Clocks that are breached and promises that are broken, by the steps that stand."""
    breached = {t.clock for t in said.taken if t.what == BREACHED}
    broken = {t.clock for t in said.taken if t.what == PROMISE_BROKEN}
    kept = {t.clock for t in said.taken if t.what == PROMISE_KEPT}
    assert not broken & kept
    return breached, broken


def _by_verdict(said: Any) -> tuple[set[str], set[str]]:
    verdicts = said.view["verdicts"]
    late = {v["clock"] for v in verdicts if v["kept"] is False}
    promises = {clock for clock in late if clock.startswith("commitment")}
    return late - promises, promises
