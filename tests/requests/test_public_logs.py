"""Two public logs, imported by the mappings in `examples/`, say what their owners said of them."""

from __future__ import annotations

import csv
import gzip
import importlib.util
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from crm_adapters import open_crm
from crm_core import Actor, Request
from crm_core.requests.events import RequestReopened
from crm_core.requests.state import Closed
from crm_core.requests.verdicts import verdicts
from kernel.shared_data import shared_file

CLERK = Actor("S1", "specialist")
EXAMPLES = Path(__file__).parents[2] / "examples"
FINAL = ("resolved_at", "closed_at", "resolved_by", "closed_code", "made_sla")


def example(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rows_of(file: str) -> list[dict[str, str]]:
    with gzip.open(shared_file(file), "rt", encoding="utf-8", newline="") as rows:
        return list(csv.DictReader(rows))


@pytest.fixture(scope="module")
def incidents() -> list[dict[str, str]]:
    return rows_of("uci-incident-log/incident_event_log.csv.gz")


@pytest.mark.rule("REQ-16", "REQ-12")
def test_reopenings_of_every_incident_are_those_of_the_log(
    incidents: list[dict[str, str]],
) -> None:
    """18,716 incidents in 106,360 rows of 36 columns; five rows have a state that is none."""
    uci = example("uci_incident_log")
    assert len(incidents[0]) == 36
    counts = {row["number"]: int(row["reopen_count"]) for row in incidents}
    with open_crm("memory:", policies=uci.policies()) as crm:
        faults = uci.import_log(crm, incidents)
        reopened: Counter[str] = Counter()
        for recorded in crm.log.feed(names=["requests.reopened/1"]):
            assert isinstance(recorded.event, RequestReopened)
            reopened[recorded.event.request] += 1
        assert {number: reopened[number] for number in counts} == counts
        assert {f.message for f in faults} == {"`-100` is not a state"}
        assert [f.incident for f in faults] == [
            row["number"] for row in incidents if row["incident_state"] == "-100"
        ]
        assert (len(counts), sum(counts.values()) > 200, len(faults)) == (18_716, True, 5)
        paused: Counter[bool] = Counter()
        for number in list(counts)[::50]:
            state = crm.get(Request, number)
            assert isinstance(state, Closed)
            assert state.reopened == counts[number]
            paused[bool(len(state.pauses))] += 1
        assert min(paused.values()) > 20


@pytest.mark.rule("LOG-06")
def test_what_came_out_in_the_end_is_not_used_before(incidents: list[dict[str, str]]) -> None:
    """With the final columns scrambled the same commands follow, and none is of a later moment."""
    uci = example("uci_incident_log")
    some = incidents[:4000]
    scrambled = [{**row, **dict.fromkeys(FINAL, "31/12/1999 00:00")} for row in some]
    commands = list(uci.planned(some, []))
    assert list(uci.planned(scrambled, [])) == commands
    known = {f"{line}": uci._instant(row["sys_updated_at"]) for line, row in enumerate(some, 2)}
    late = [p for p in commands if p.at > known[p.id.split(":")[1]]]
    assert len(late) < len(commands) // 100, "but for clocks of the log that ran backwards"


@pytest.mark.rule("REQ-04", "REQ-15")
def test_on_time_is_what_the_city_says_for_every_closed_request_with_a_target() -> None:
    """25,101 of them; 82 more have no verdict of the city to compare with."""
    boston = example("boston_311")
    rows = rows_of("boston-311/boston_311_2011Q3.csv.gz")
    said = {
        row["case_enquiry_id"]: row["ontime"] == "ONTIME"
        for row in rows
        if row["case_status"] == "Closed" and row["target_dt"] and row["ontime"]
    }
    assert len(said) == 25_101
    with open_crm("memory:") as crm:
        boston.import_requests(crm, rows)
        found = {}
        for number in said:
            state = crm.get(Request, number)
            assert isinstance(state, Request)
            found_now = verdicts(state, state.received_at, crm.requests.pinned)
            [closing] = [v for v in found_now if v.clock == "closing-1"]
            assert closing.basis == "commitment"
            found[number] = closing.kept
    assert found == said


WEEK = timedelta(days=7)


@pytest.mark.rule("REQ-09", "REQ-13", "IMP-03")
@pytest.mark.case("K09")
def test_ticked_daily_and_closed_by_a_weekly_file_the_city_s_verdicts_follow() -> None:
    """Every 24th request of the quarter; nothing is refused, and late closings close late."""
    boston = example("boston_311")
    rows = rows_of("boston-311/boston_311_2011Q3.csv.gz")[::24]
    said = {
        row["case_enquiry_id"]: row["ontime"] == "ONTIME"
        for row in rows
        if row["case_status"] == "Closed" and row["target_dt"] and row["ontime"]
    }
    planned = sorted(boston.planned(rows), key=lambda item: item.at)
    opened = [item for item in planned if not item.id.endswith(":closed")]
    closings = [item for item in planned if item.id.endswith(":closed")]
    refused: list[str] = []

    def on_refusal(item: Any, refusal: Any) -> None:
        refused.append(f"{item.id}: {refusal.code}")

    with open_crm("memory:") as crm:

        def bring(items: list[Any]) -> None:
            crm.batch(items, by=boston.BY, imported=crm.clock.now(), on_refusal=on_refusal)

        day, last = opened[0].at, closings[-1].at + WEEK
        weekly = day + WEEK
        while day < last:
            day += timedelta(days=1)
            bring([item for item in opened if day - timedelta(days=1) <= item.at < day])
            crm.tick(day)
            if day >= weekly:
                # What was closed in the week becomes known now, long after the clock has looked.
                found = [item for item in closings if item.at < day]
                bring([item._replace(at=day) for item in found])
                closings = [item for item in closings if item.at >= day]
                weekly += WEEK
        bring(closings)
        assert refused == []
        verdict_of = {}
        lifted = 0
        for number in said:
            state = crm.get(Request, number)
            assert isinstance(state, Closed)
            pinned = crm.requests.pinned
            [closing] = [
                v for v in verdicts(state, state.told_until, pinned) if v.clock == "closing-1"
            ]
            verdict_of[number] = closing.kept
            lifted += state.retold
        assert verdict_of == said
        assert lifted > 25
