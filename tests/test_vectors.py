"""Vectors for other languages: what the code gives, and what a stranger computes from the page."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

import reference_reader as stranger
from crm_adapters import open_crm
from crm_core import Actor
from crm_core.kernel.canonical import canonical
from crm_core.owners import RegisterHousehold
from crm_core.testing import vectors

FOLDER = Path(vectors.__file__).parent
REWRITE = os.getenv("CRM_REWRITE_GOLDEN") == "1"


@pytest.mark.parametrize("name", vectors.NAMES)
def test_a_file_is_what_the_code_gives(name: str) -> None:
    made = vectors.made()[name]
    if REWRITE:
        (FOLDER / name).write_bytes(made)
    assert (FOLDER / name).read_bytes() == made
    assert made.isascii()


def test_the_package_has_these_files_and_no_other() -> None:
    assert sorted(path.name for path in FOLDER.glob("*.json")) == sorted(vectors.NAMES)


# --- a stranger -------------------------------------------------------------------------------


def test_a_stranger_writes_the_same_canonical_bytes() -> None:
    data = vectors.read("canonical.json")
    assert len(data["values"]) > 20
    for one in data["values"]:
        text = stranger.canonical(one["value"])
        assert text == one["canonical"]
        assert stranger.sha(text.encode()) == one["sha256"]
        assert json.loads(text) == one["value"]


def test_what_has_no_canonical_bytes_is_refused_by_both() -> None:
    for text in vectors.read("canonical.json")["refused"]:
        value = json.loads(text)
        with pytest.raises(ValueError):
            canonical(value)
        with pytest.raises(stranger.Refused):
            stranger.canonical(value)


def test_a_stranger_finds_the_same_chain() -> None:
    data = vectors.read("chain.json")
    assert len(data["chains"]) == 3
    for chain in data["chains"]:
        before = stranger.first_link(chain["tenant"], chain["stream"])
        assert before == chain["first_link"]
        for event in chain["events"]:
            before, text = stranger.stored(before, chain["stream"], chain["household"], event)
            assert (before, text) == (event["digest"], event["text"])


def test_a_stranger_finds_the_same_roots() -> None:
    for one in vectors.read("tree.json")["roots"]:
        leaves = [f"event {number}".encode() for number in range(one["leaves"])]
        assert stranger.root(leaves).hex() == one["root"]


@pytest.mark.rule("GRD-02", "GRD-03")
def test_a_stranger_decides_alike() -> None:
    data = vectors.read("policies.json")
    for policy in data["policies"]:
        text = stranger.canonical(policy["contents"])
        assert stranger.sha(text.encode()) == policy["digest"]
        for decision in policy["decisions"]:
            found = stranger.decide(policy["contents"], decision["facts"], data["grades"])
            assert found == (decision["outcomes"], decision["status"])


def test_every_row_of_every_policy_decides_somewhere() -> None:
    """Else a reader that leaves one out would be told that it is right."""
    data = vectors.read("policies.json")
    for policy in data["policies"]:
        contents = policy["contents"]
        for table in ("attention_level", "prospect", "type", "layer"):
            decided = set()
            for decision in policy["decisions"]:
                facts = {**decision["facts"], **decision["outcomes"]}
                rows = contents[table]
                decided.add(
                    next(
                        number
                        for number, row in enumerate(rows)
                        if all(
                            stranger.holds(c, facts, data["grades"]) for c in row.get("when", [])
                        )
                    )
                )
            assert decided == set(range(len(contents[table]))), table


FAULTS: list[tuple[str, Any]] = [
    ("at_least", lambda value, threshold: value > threshold),
    ("at_most", lambda value, threshold: value < threshold),
    ("above", lambda value, threshold: value >= threshold),
]


@pytest.mark.parametrize(("op", "wrong"), FAULTS, ids=lambda one: str(one)[:10])
def test_a_reader_that_is_off_by_one_is_found_out(
    monkeypatch: pytest.MonkeyPatch, op: str, wrong: Any
) -> None:
    right = stranger.holds

    def holds(condition: dict[str, Any], facts: dict[str, Any], grades: list[str]) -> bool:
        if condition["op"] == op:
            return bool(wrong(facts[condition["fact"]], condition["threshold"]))
        return right(condition, facts, grades)

    monkeypatch.setattr(stranger, "holds", holds)
    with pytest.raises(AssertionError):
        test_a_stranger_decides_alike()


# --- a real log -------------------------------------------------------------------------------


@pytest.mark.rule("LOG-04")
def test_a_stranger_verifies_a_real_log() -> None:
    with open_crm("memory:") as crm:
        for number in range(40):
            home = RegisterHousehold(f"户{number}", "星河“湾”", "1", "1", f"{number}\t😀")
            crm.do(home, by=Actor("S1", "specialist"))
        store: Any = crm.log.store  # type: ignore[attr-defined]
        rows, told = list(store.raw()), crm.verify()
    ends: dict[str, str] = {}
    digests: list[str] = []
    for _, stream_bytes, version, name, household, state in rows:
        stream, text = stream_bytes.decode(), state.decode()
        event = {"version": version, "name": name.decode(), "event": json.loads(text)["event"]}
        before = ends.get(stream) or stranger.first_link("", stream)
        ends[stream], again = stranger.stored(before, stream, household.decode(), event)
        assert again == text
        digests.append(ends[stream])
    assert stranger.root([end.encode() for end in digests]).hex() == told.root
    assert len(rows) == told.events == 80
