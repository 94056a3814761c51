"""What the clock cannot compute is parked where it can be seen, and nothing waits behind it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import bells
from bells import HANGING, LOOKED_AT, OFF, RepairBell, SetBell, Stroke
from crm_adapters.wiring import open_crm
from crm_core import CRM, Actor, shipped
from crm_core.application import clock
from crm_core.errors import StoreUnreachable
from crm_core.kernel.ticking import ParkedRow
from crm_core.requests import SlaPolicy
from crm_core.slices import SLICES
from crm_core.testing.strategies import sla_text

CLERK = Actor("S17", "specialist")
START = datetime(2011, 3, 1, 1, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

KINDS = ("arithmetic", "division", "key", "value", "recursion", "policy")
"""Whatever a row may raise."""


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        new: Callable[[], str] = request.getfixturevalue("new_postgres")
        return new()
    return "memory:" if request.param == "memory" else f"sqlite:///{tmp_path / 'crm.db'}"


def belfry(url: str = "memory:") -> CRM:
    return open_crm(url, create=True, slices=[*SLICES, bells.SLICE])


@pytest.fixture
def crm() -> Iterator[CRM]:
    with belfry() as opened:
        yield opened


def hang(crm: CRM, bell: str, *strokes: Stroke, looks: str = "") -> None:
    crm.do(SetBell(bell, strokes, looks), by=CLERK, at=START)


def stroke(name: str, minutes: int, wrong: str = "") -> Stroke:
    return Stroke(name, START + minutes * MINUTE, wrong)


def rung(crm: CRM, bell: str) -> list[str]:
    found = [recorded.event for recorded in crm.history(f"bell/{bell}")]
    return [event.name for event in found if isinstance(event, bells.BellRung)]


def parked(crm: CRM) -> list[tuple[str, str]]:
    return [(one.row, one.step) for one in crm.views.parked_rows("bells")]


# --- nothing waits --------------------------------------------------------------------------------


@pytest.mark.rule("REQ-13")
@pytest.mark.case("K04")
@pytest.mark.parametrize("wrong", KINDS)
def test_whatever_one_row_raises_no_other_row_waits_for_it(crm: CRM, wrong: str) -> None:
    hang(crm, "B1", stroke("a", 1))
    hang(crm, "B2", stroke("a", 1, wrong))
    hang(crm, "B3", stroke("a", 1))
    done = crm.tick(START + HOUR)
    assert (rung(crm, "B1"), rung(crm, "B2"), rung(crm, "B3")) == (["a"], [], ["a"])
    assert (done.events["bells"], done.parked["bells"]) == (2, 1)


@pytest.mark.rule("REQ-13")
@pytest.mark.case("K03", "K04")
@pytest.mark.parametrize("wrong", [*KINDS, "refused", "unwritable"])
def test_a_step_that_cannot_be_taken_hides_no_other_clock_of_its_row(crm: CRM, wrong: str) -> None:
    hang(crm, "B1", stroke("a", 1, wrong), stroke("b", 2), stroke("b", 3), stroke("c", 4))
    done = crm.tick(START + HOUR)
    assert rung(crm, "B1") == ["b", "b", "c"]
    assert (done.events["bells"], done.parked["bells"]) == (3, 1)
    [one] = crm.views.parked_rows("bells")
    assert one.step == "tick:B1:a:2011-03-01T01:01:00Z"


@pytest.mark.rule("REQ-13")
def test_a_row_that_cannot_even_be_looked_at_is_parked_as_a_whole(crm: CRM) -> None:
    hang(crm, "B1", stroke("a", 1), looks="key")
    hang(crm, "B2", stroke("a", 1))
    done = crm.tick(START + HOUR)
    assert (done.events["bells"], parked(crm)) == (1, [("B1", "")])


@pytest.mark.rule("REQ-13")
def test_what_is_parked_says_what_is_wrong_and_since_when_and_nothing_personal(url: str) -> None:
    with belfry(url) as crm:
        hang(crm, "B1", stroke("a", 1, "value"))
        crm.tick(START + HOUR)
        crm.tick(START + DAY)
        [one] = crm.views.parked_rows()
    assert one.error.startswith("ValueError at __init__.py:")
    assert "张三" not in str(one)
    assert one == ParkedRow(
        source="bells",
        row="B1",
        step="tick:B1:a:2011-03-01T01:01:00Z",
        error=one.error,
        due_at=START + MINUTE,
        tries=2,
        first_at=START + HOUR,
        last_at=START + DAY,
    )


@pytest.mark.rule("REQ-13")
def test_a_clock_that_has_nothing_to_say_keeps_the_others_of_its_row_no_longer(crm: CRM) -> None:
    """Its view may lie behind, or somebody may have been first; it is nothing to be parked."""
    hang(crm, "B1", stroke("a", 1, "nothing"), stroke("b", 2))
    done = crm.tick(START + HOUR)
    assert rung(crm, "B1") == ["b"]
    assert done.parked["bells"] == 0


# --- trying again ---------------------------------------------------------------------------------


@pytest.mark.rule("REQ-13")
def test_a_parked_row_is_tried_by_every_tick_and_released_when_it_is_served(url: str) -> None:
    with belfry(url) as crm:
        hang(crm, "B1", stroke("a", 1, "division"), stroke("b", 2, "key"), stroke("c", 3))
        assert crm.tick(START + HOUR).parked["bells"] == 2
        assert crm.tick(START + 2 * HOUR).parked["bells"] == 2
        assert {one.tries for one in crm.views.parked_rows("bells")} == {2}
        crm.do(RepairBell("B1"), by=CLERK, at=START + 2 * HOUR)
        done = crm.tick(START + 3 * HOUR)
        assert (done.events["bells"], done.parked["bells"]) == (2, 0)
        assert crm.views.parked_rows("bells") == []
        assert rung(crm, "B1") == ["c", "a", "b"]


@pytest.mark.rule("REQ-13")
def test_a_row_that_looks_well_again_is_released(crm: CRM) -> None:
    hang(crm, "B1", stroke("a", 1), looks="policy")
    crm.tick(START + HOUR)
    crm.do(RepairBell("B1"), by=CLERK, at=START + HOUR)
    assert crm.tick(START + 2 * HOUR).parked["bells"] == 0
    assert (rung(crm, "B1"), parked(crm)) == (["a"], [])


@pytest.mark.rule("REQ-13")
def test_a_row_that_is_gone_is_parked_no_longer(crm: CRM) -> None:
    """What is closed, merged or moved on asks for nothing."""
    hang(crm, "B1", stroke("a", 1, "division"), looks="key")
    crm.tick(START + HOUR)
    hang(crm, "B1")
    assert crm.tick(START + 2 * HOUR).parked["bells"] == 0
    assert parked(crm) == []


@pytest.mark.rule("REQ-13")
def test_a_tick_of_an_earlier_instant_releases_nothing_that_it_did_not_try(crm: CRM) -> None:
    hang(crm, "B1", stroke("a", 30, "division"), stroke("b", 1))
    crm.tick(START + HOUR)
    assert crm.tick(START + 10 * MINUTE).parked["bells"] == 1
    [one] = crm.views.parked_rows("bells")
    assert (one.tries, one.first_at) == (1, START + HOUR)


@pytest.mark.rule("REQ-13")
@pytest.mark.parametrize(
    ("wrong", "raised"), [("store", StoreUnreachable), ("interrupt", KeyboardInterrupt)]
)
def test_trouble_of_the_store_and_interruptions_park_nothing(
    crm: CRM, wrong: str, raised: type[BaseException]
) -> None:
    for looks, strokes in (("", (stroke("a", 1, wrong),)), (wrong, (stroke("a", 1),))):
        hang(crm, "B1", *strokes, looks=looks)
        with pytest.raises(raised):
            crm.tick(START + HOUR)
        assert parked(crm) == []
        assert rung(crm, "B1") == []
    crm.do(RepairBell("B1"), by=CLERK, at=START)
    assert crm.tick(START + HOUR).events["bells"] == 1


# --- what it costs --------------------------------------------------------------------------------


@pytest.mark.rule("REQ-13")
def test_no_row_is_looked_at_twice_where_nothing_about_it_changed(crm: CRM) -> None:
    hang(crm, "B1", *(stroke("a", n) for n in range(1, 6)))
    hang(crm, "B2", stroke("a", 1, "nothing"))
    hang(crm, "B3", stroke("a", 1, "division"))
    hang(crm, "B4", stroke("a", 1))
    hang(crm, "B5", stroke("a", 600))
    LOOKED_AT.clear()
    crm.tick(START + HOUR)
    counts = {bell: LOOKED_AT.count(bell) for bell in ("B1", "B2", "B3", "B4", "B5")}
    # Of a bell with strokes left the row changes at each of them; of the last one it is gone.
    assert counts == {"B1": 5, "B2": 1, "B3": 1, "B4": 1, "B5": 0}


@pytest.mark.rule("REQ-13")
def test_rounds_follow_from_what_is_due_not_from_all_rows(crm: CRM) -> None:
    """One scan, and a look at what has changed: not a scan a round."""
    for n in range(30):
        hang(crm, f"Q{n:02}", stroke("a", 1, "nothing"))
    hang(crm, "B1", *(stroke("a", n) for n in range(1, 9)))
    crm.views.catch_up(HANGING)
    LOOKED_AT.clear()
    asked: list[int] = []
    scan = crm.views.scan

    def counted(view: Any, **how: Any) -> Any:
        found = scan(view, **how)
        asked.append(len(found) if view is HANGING else 0)
        return found

    crm.views.scan = counted  # type: ignore[method-assign]
    assert crm.tick(START + HOUR).events["bells"] == 8
    assert (sum(asked), len(LOOKED_AT)) == (31, 30 + 8)


@pytest.mark.rule("REQ-13")
def test_a_row_that_is_put_off_is_not_looked_at_before_its_time(url: str) -> None:
    with belfry(url) as crm:
        hang(crm, "B1", stroke("a", 1), stroke("b", 600), looks=OFF)
        LOOKED_AT.clear()
        for n in range(1, 10):
            assert crm.tick(START + n * HOUR).events["bells"] == 0
        assert LOOKED_AT == ["B1"]
        assert crm.tick(START + 11 * HOUR).events["bells"] == 2


@pytest.mark.rule("REQ-13")
def test_a_row_that_was_put_off_is_looked_at_as_soon_as_it_changes(crm: CRM) -> None:
    hang(crm, "B1", stroke("a", 1), stroke("b", 600), looks=OFF)
    crm.tick(START + HOUR)
    crm.do(RepairBell("B1"), by=CLERK, at=START + HOUR)
    assert crm.tick(START + 2 * HOUR).events["bells"] == 1


@pytest.mark.rule("REQ-13")
def test_rows_that_were_put_off_are_looked_at_anew_under_other_policies(url: str) -> None:
    """What a new version brings about may be due before what the old one put a row off to."""
    of_later = SlaPolicy.parse(
        sla_text(2).replace("sla-generated", "sla-cn-default").replace("1990-01-01", "2011-03-02")
    )
    with belfry(url) as crm:
        hang(crm, "B1", stroke("a", 1), stroke("b", 100 * 60), looks=OFF)
        crm.tick(START + HOUR)
        LOOKED_AT.clear()
        crm.host.policies = shipped().add(of_later)
        crm.tick(START + 2 * HOUR)
        crm.tick(START + 3 * HOUR)
        assert len(LOOKED_AT) == 1
        # It comes into force with the second of March in Shanghai.
        crm.tick(START + DAY)
        crm.tick(START + DAY + HOUR)
        assert len(LOOKED_AT) == 2


@pytest.mark.rule("REQ-13")
def test_whatever_the_size_of_a_page_the_same_events_follow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = []
    for size in (1, 2, 3, 1000):
        monkeypatch.setattr(clock, "PAGE_ROWS", size)
        with belfry() as crm:
            for n, wrong in zip(range(8), itertools.cycle(["", "key", "", "refused"])):
                hang(crm, f"B{n}", stroke("a", n, wrong), stroke("b", 8 - n), stroke("a", 20))
            crm.tick(START + 5 * MINUTE)
            crm.tick(START + HOUR)
            found.append(([rung(crm, f"B{n}") for n in range(8)], parked(crm)))
    assert found[0] == found[1] == found[2] == found[3]
    assert found[0][0][0] == ["a", "b", "a"]
    assert len(found[0][1]) == 4


@pytest.mark.rule("REQ-13")
def test_two_hosts_that_tick_at_once_park_what_each_has_found(url: str) -> None:
    if url == "memory:":
        pytest.skip("what is in memory belongs to one host")
    with belfry(url) as one, belfry(url) as other:
        hang(one, "B1", stroke("a", 1, "division"))
        hang(one, "B2", stroke("a", 5, "key"))
        one.tick(START + 3 * MINUTE)
        other.tick(START + HOUR)
        assert parked(one) == parked(other)
        assert [row for row, _ in parked(one)] == ["B1", "B2"]
