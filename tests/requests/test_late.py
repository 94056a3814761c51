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
        _steps_say_what_verdicts_say(said, seed)
    print(f"{lived} lives, {ended} ended by a refusal")
    assert lived > LIVES * 0.8
    assert ended <= 0.1 * lived


def _steps_say_what_verdicts_say(said: Any, seed: int) -> None:
    """What stands on record as breached, broken or kept is what the verdicts say (REQ-15)."""
    breached = {t.clock for t in said.taken if t.what == BREACHED}
    broken = {t.clock for t in said.taken if t.what == PROMISE_BROKEN}
    kept = {t.clock for t in said.taken if t.what == PROMISE_KEPT}
    verdicts = said.view["verdicts"]
    promises = {v["clock"]: v["kept"] for v in verdicts if v["clock"].startswith("commitment")}
    assert broken == {c for c, kept in promises.items() if kept is False}, f"seed {seed}"
    assert kept == {c for c, kept in promises.items() if kept is True}, f"seed {seed}"
    others = [v for v in verdicts if not v["clock"].startswith("commitment")]
    late = {v["clock"] for v in others if v["kept"] is False}
    # A clock that was breached before another target replaced its own is told as superseded.
    assert breached <= late, f"seed {seed}"
    assert {v["clock"] for v in others if v["kept"] is False and not v["superseded"]} <= breached
