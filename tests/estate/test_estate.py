"""A real estate of four thousand households, from its files to explained grades, by command line.

The data is not part of this repository. Where it is missing these tests are skipped.
"""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, redirect_stderr, redirect_stdout
from datetime import date
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve, frozen

import reference_grader as reference
from crm_adapters import open_crm
from crm_adapters.cli.app import run
from crm_core import CRM
from crm_core.gradings.facts import Facts
from crm_core.kernel.dates import parse_instant

SHARED = os.getenv("CRM_SHARED_DATA") or Path(__file__).parents[3] / "shared" / "data"
ESTATE = Path(SHARED).absolute() / "estate"
FILES = ("households", "charges", "payments", "purchases", "requests")
ROWS = {
    "households.csv": 4_000,
    "charges.csv": 24_000,
    "payments.csv": 23_313,
    "purchases.csv": 11_299,
    "requests.csv": 31_828,
}
YEAR = 2011
KNOWN = "2011-12-31T23:59:59+08:00"
"""The last moment of the year; some payments of December are recorded in January."""

DIFFERENT = 116
"""Households that are graded otherwise by who knows of those payments."""

SAMPLE = slice(7, None, 20)
"""Two hundred households, spread over the estate."""

pytestmark = pytest.mark.skipif(
    not (ESTATE / "households.csv").is_file(),
    reason=f"no estate in `{ESTATE}`: set CRM_SHARED_DATA to the folder that holds it",
)


@frozen
class Log:
    """The estate in a log of its own.

    Args:
        db: Its URL.
        first: What the first import told.
        again: What the second one told.
        expected: The reference's gradings by knowledge instant, as they become ready.
    """

    db: str
    first: Any
    again: Any
    expected: dict[str | None, subprocess.Popen[str]]

    def crm(self, *arguments: str) -> tuple[int, Any]:
        """Status and JSON of a command."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            status = run(["--db", self.db, "--format", "json", *arguments])
        assert "Traceback" not in err.getvalue()
        return status, json.loads(out.getvalue())

    def done(self, *arguments: str) -> Any:
        """JSON of a command that is done and found nothing."""
        status, told = self.crm(*arguments)
        assert status == 0
        return told


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Log]:
    # The reference takes its time, so it works beside the import.
    grader = Path(reference.__file__)
    command = [sys.executable, str(grader), str(ESTATE), str(YEAR)]
    folder = tmp_path_factory.mktemp("estate")
    expected = {}
    for known in (None, KNOWN):
        extra = [] if known is None else ["--known", known]
        with (folder / f"{known is None}.json").open("w", encoding="utf-8") as out:
            expected[known] = subprocess.Popen([*command, *extra], stdout=out, text=True)
    try:
        made = Log(f"sqlite:///{folder / 'crm.db'}", None, None, expected)
        first = made.done("import", str(ESTATE))
        again = made.done("import", str(ESTATE))
        yield evolve(made, first=first, again=again)
    finally:
        for process in expected.values():
            process.kill()
            process.wait()
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def runs(log: Log) -> dict[str | None, Any]:
    """The two runs by knowledge instant: everything, and what the last of the year knew."""
    knew = log.done("grade", str(YEAR), "--known", KNOWN)
    return {KNOWN: knew, None: log.done("grade", str(YEAR))}


@pytest.fixture(scope="module")
def crm(log: Log, runs: dict[str | None, Any]) -> Iterator[CRM]:
    assert len(runs) == 2
    with open_crm(log.db, create=True) as opened:
        yield opened


@pytest.fixture(scope="module")
def households() -> list[reference.Household]:
    """A sample of the households, as the reference reads them."""
    return reference.read_estate(ESTATE)[SAMPLE]


def moved(runs: dict[str | None, Any]) -> list[str]:
    """Households that the two runs grade otherwise."""
    pairs = zip(runs[None]["gradings"], runs[KNOWN]["gradings"], strict=True)
    return [now["household"] for now, then in pairs if now != then]


# --- import ------------------------------------------------------------------------------------


@pytest.mark.rule("IMP-01")
def test_every_row_is_imported_and_none_is_faulty(log: Log) -> None:
    counts = {name: file["rows"] for name, file in log.first["files"].items()}
    assert counts == ROWS
    for file in log.first["files"].values():
        assert file == {"rows": file["rows"], "imported": file["rows"], "repeated": 0, "faulty": 0}
    assert log.first["faults"] == []


@pytest.mark.rule("IMP-01")
def test_a_second_import_adds_no_event(log: Log) -> None:
    assert (log.again["events"], log.again["faults"]) == (0, [])
    counts = {name: file["repeated"] for name, file in log.again["files"].items()}
    assert counts == ROWS


@pytest.mark.rule("LOG-04")
def test_the_log_is_intact_and_holds_what_was_told(log: Log, runs: dict[str | None, Any]) -> None:
    told = log.done("verify")
    assert (told["intact"], told["first_fault"]) == (True, None)
    gradings = sum(len(graded["gradings"]) + 2 for graded in runs.values())
    # The import left its own record besides (IMP-01).
    assert told["events"] == log.first["events"] + 1 + gradings


@pytest.mark.rule("IMP-01", "PAY-03")
def test_facts_stand_in_the_order_in_which_they_became_known(crm: CRM, log: Log) -> None:
    before = None
    for recorded in crm.log.feed(upto=log.first["events"]):
        assert before is None or before <= recorded.recorded
        before = recorded.recorded
        assert recorded.envelope.imported is not None


SAID = ("kind_unknown", "instant_malformed")
"""Of which faults it is said how the cell could be read."""

BROKEN = {
    "households": ("kind", "castle", "kind_unknown"),
    "charges": ("amount", "127,00", "amount_malformed"),
    "payments": ("paid_on", "2011-02-29", "date_malformed"),
    "purchases": ("amount", "0.00", "amount_out_of_range"),
    "requests": ("received_at", "2011-07-01T01:32:33", "instant_malformed"),
}


@pytest.mark.rule("IMP-01")
def test_one_broken_cell_in_each_file_is_five_faults_and_nothing_imported(tmp_path: Path) -> None:
    expected = []
    for place, name in enumerate(FILES):
        with (ESTATE / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
        column, cell, code = BROKEN[name]
        row = 17 + 700 * place
        rows[row - 2][header.index(column)] = cell
        with (tmp_path / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([header, *rows])
        # A cell that is well formed is not repeated.
        shown = None if code == "amount_out_of_range" else cell
        place_of = {"file": f"{name}.csv", "sheet": "", "row": row, "column": column}
        expected.append({**place_of, "code": code, "value": shown})
    log = Log(f"sqlite:///{tmp_path / 'crm.db'}", None, None, {})
    status, told = log.crm("import", str(tmp_path))
    assert (status, told["events"]) == (2, 0)
    for fault in told["faults"]:
        assert fault.pop("message")
        assert bool(fault.pop("repair")) == (fault["code"] in SAID)
    assert told["faults"] == sorted(expected, key=lambda fault: str(fault["file"]))
    assert log.done("verify")["events"] == 0


# --- gradings ----------------------------------------------------------------------------------


@pytest.mark.rule("PAY-04", "PAY-07", "GRD-01", "GRD-02", "GRD-03", "GRD-09", "GRD-12")
@pytest.mark.parametrize("known", [None, KNOWN])
def test_every_household_is_graded_as_the_reference_grades_it(
    known: str | None, log: Log, runs: dict[str | None, Any]
) -> None:
    assert log.expected[known].wait(timeout=300) == 0
    told = Path(log.db.removeprefix("sqlite:///")).parent / f"{known is None}.json"
    assert runs[known]["gradings"] == json.loads(told.read_text(encoding="utf-8"))
    assert len(runs[known]["gradings"]) == ROWS["households.csv"]


@pytest.mark.rule("GRD-09")
def test_what_became_known_after_the_year_changes_some_grades(
    runs: dict[str | None, Any],
) -> None:
    assert len(moved(runs)) == DIFFERENT
    assert runs[KNOWN]["cutoff"]["known"] == "2011-12-31T15:59:59Z"
    assert runs[KNOWN]["cutoff"]["position"] < runs[None]["cutoff"]["position"]
    assert runs[KNOWN]["run"] != runs[None]["run"]


@pytest.mark.rule("GRD-12", "GRD-17")
def test_both_runs_stay_available(log: Log, runs: dict[str | None, Any]) -> None:
    for graded in runs.values():
        assert log.done("grades", str(YEAR), "--run", graded["run"]) == graded["gradings"]
    # Nothing was recorded in the last second of the year: the first of the two holds.
    [held] = [graded for graded in runs.values() if graded["standing"] == "of_record"]
    assert log.done("grades", str(YEAR)) == held["gradings"]
    standings = {line["run"]: line["standing"] for line in log.done("runs", str(YEAR))}
    assert standings == {graded["run"]: graded["standing"] for graded in runs.values()}


@pytest.mark.rule("GRD-12")
def test_grading_again_appends_nothing(log: Log, runs: dict[str | None, Any]) -> None:
    before = log.done("verify")["root"]
    assert log.done("grade", str(YEAR), "--known", KNOWN) == runs[KNOWN]
    assert log.done("verify")["root"] == before


@pytest.mark.rule("GRD-08")
def test_both_runs_are_replayed_to_the_same_bytes(log: Log, runs: dict[str | None, Any]) -> None:
    told = log.done("replay")
    assert told["differing"] == []
    assert told["identical"] == told["gradings"] == sum(len(r["gradings"]) for r in runs.values())


@pytest.mark.rule("GRD-09")
def test_affected_are_exactly_the_households_graded_otherwise(
    log: Log, runs: dict[str | None, Any]
) -> None:
    told = log.done("affected", str(YEAR))
    assert [item["household"] for item in told] == moved(runs)
    assert {item["run"] for item in told} == {runs[KNOWN]["run"]}
    now = {grading["household"]: grading for grading in runs[None]["gradings"]}
    for item in told:
        assert item["layer_now"] == now[item["household"]]["layer"]
        assert item["credit_now"] == now[item["household"]]["credit"]
        assert item["because"]


# --- explanations --------------------------------------------------------------------------------


@pytest.mark.rule("GRD-06", "GRD-07")
@pytest.mark.parametrize("known", [None, KNOWN])
def test_evidence_is_of_the_household_and_was_known(
    known: str | None, crm: CRM, runs: dict[str | None, Any]
) -> None:
    """Every position named exists, concerns that household, and is not behind the cut-off."""
    cutoff = runs[known]["cutoff"]
    named = 0
    for grading in runs[known]["gradings"][SAMPLE]:
        household = grading["household"]
        events = {e.position: e for e in crm.history(household)}
        said = crm.explain(household, YEAR, run=runs[known]["run"])
        assert {key: said[key] for key in ("layer", "type", "credit", "status")} == {
            key: grading[key] for key in ("layer", "type", "credit", "status")
        }
        assert said["cutoff"] == cutoff
        for criterion in said["criteria"]:
            for position in criterion["evidence"]:
                assert events[position].household == household
                assert position <= cutoff["position"]
                assert events[position].recorded <= parse_instant(cutoff["known"])
                assert not events[position].name.startswith("gradings.")
                named += 1
    assert named > 10_000


def decided_again(facts: Facts) -> tuple[str, str]:
    """Layer and type by the reference's words."""
    growing = facts.purchases_fen > 0 and (
        facts.purchases_fen * 100 >= facts.previous_purchases_fen * 110
    )
    hard = (
        reference.is_at_least_as_bad(facts.worst_credit, "B3")
        or facts.b2_entries >= 2
        or facts.conduct > 0
    )
    kind = reference.customer_type(
        facts.attention >= reference.HIGH_ATTENTION, growing or facts.interests > 0, hard
    )
    if facts.charges_due == 0:
        return "insufficient", kind
    layer = reference.pyramid_layer(
        kind, facts.credit, facts.worst_credit, facts.purchases_fen, facts.attention
    )
    return layer, kind


@pytest.mark.rule("GRD-07")
def test_counterfactuals_come_true_when_applied(crm: CRM, runs: dict[str | None, Any]) -> None:
    """With the facts changed as told, the reference gives the layer and type that were told."""
    tried = 0
    for grading in runs[None]["gradings"][SAMPLE]:
        household = grading["household"]
        [decision] = [
            e.event
            for e in crm.history(f"grading/{household}")
            if e.name == "gradings.decided/1" and e.event.run == runs[None]["run"]
        ]
        assert decided_again(decision.facts) == (grading["layer"], grading["type"])
        said = crm.explain(household, YEAR, run=runs[None]["run"])
        for way in said["counterfactuals"]:
            changes = {change["fact"]: change["to"] for change in way["changes"]}
            assert all(
                getattr(decision.facts, change["fact"]) == change["value"]
                for change in way["changes"]
            )
            assert way["layer"] != grading["layer"]
            assert decided_again(evolve(decision.facts, **changes)) == (way["layer"], way["type"])
            tried += 1
    assert tried > 200


# --- credit ------------------------------------------------------------------------------------

EVERYTHING = None
DAYS = [
    ("2011-06-30", EVERYTHING),
    ("2011-07-01", EVERYTHING),
    ("2011-07-02", EVERYTHING),
    ("2011-10-15", EVERYTHING),
    ("2011-10-15", "2011-10-15T00:00:00+08:00"),
    ("2011-12-31", KNOWN),
    ("2011-12-31", EVERYTHING),
    ("2012-06-30", EVERYTHING),
    ("2012-12-31", "2011-09-01T09:00:00+08:00"),
]


@pytest.mark.rule("PAY-03", "PAY-04")
@pytest.mark.parametrize(("on", "known"), DAYS)
def test_credit_of_any_day_as_known_at_any_instant(
    on: str, known: str | None, log: Log, households: list[reference.Household]
) -> None:
    """The reference settles the account of that day anew and finds the same."""
    instant = reference.EVERYTHING_KNOWN if known is None else reference.instant(known)
    expected = []
    for household in households:
        grade, days, fen = reference.credit(household, date.fromisoformat(on), instant)
        line = {"household": household.id, "grade": grade, "overdue_days": days}
        expected.append({**line, "overdue_fen": fen})
    extra = [] if known is None else ["--known", known]
    named = [household.id for household in households]
    assert log.done("credit", "--on", on, *extra, *named) == expected


# --- engines -----------------------------------------------------------------------------------


COLUMNS = ("frames", "frames-duckdb")


@pytest.mark.rule("GRD-08", "GRD-10", "PAY-03")
@pytest.mark.parametrize("engine", COLUMNS)
def test_engines_say_the_same_of_the_estate(
    log: Log, runs: dict[str | None, Any], engine: str
) -> None:
    assert len(runs) == 2
    for command in (
        ("credit", "--on", "2011-06-30"),
        ("credit", "--on", "2011-12-31", "--known", KNOWN, "--policy", "credit-months"),
        ("credit", "--on", "2012-03-31", "V00001", "V00002", "V03999"),
        ("ageing", "--on", "2011-12-31"),
        ("ageing", "--on", "2011-10-15", "--known", KNOWN, "--policy", "credit-ageing-30"),
        ("what-if", str(YEAR), "--policy", "grade-cn-monotone"),
    ):
        assert log.done(*command, "--engine", engine) == log.done(*command)
    again, reference_again = log.done("replay", "--engine", engine), log.done("replay")
    for told in (again, reference_again):
        del told["seconds"]
    assert again.pop("engine") == engine
    assert reference_again.pop("engine") == "events"
    # Who replays on kept rows has not looked at the log itself, and says so.
    assert (again.pop("verified"), reference_again.pop("verified")) == (False, True)
    assert again == reference_again


@pytest.mark.rule("GRD-06", "GRD-08")
def test_engines_write_the_same_gradings(
    log: Log, runs: dict[str | None, Any], tmp_path: Path
) -> None:
    """The same bytes, whoever computed them: facts, evidence, and the digests of the chain."""
    assert len(runs) == 2
    roots = set()
    for engine in ("events", *COLUMNS):
        copy = tmp_path / f"{engine}.db"
        original = Path(log.db.removeprefix("sqlite:///"))
        with closing(sqlite3.connect(original)) as one, closing(sqlite3.connect(copy)) as other:
            one.backup(other)
        shutil.copy(f"{original}.keys", f"{copy}.keys")
        made = Log(f"sqlite:///{copy}", None, None, {})
        run = made.done("grade", str(YEAR), "--known", "2011-11-30T16:00:00Z", "--engine", engine)
        with open_crm(made.db, create=True) as opened:
            told = b"".join(
                opened.log.canonical(e.event)
                for e in opened.log.feed(names=["gradings.decided/1"])
                if e.event.run == run["run"]
            )
        assert told
        roots.add(sha256(told).hexdigest())
    assert len(roots) == 1


# --- what-if -------------------------------------------------------------------------------------
# Last, because the candidate makes a run of its own.


def policy_file(folder: Path, name: str, *changes: tuple[str, str]) -> Path:
    """The shipped policy under another name, with some words replaced."""
    shipped = files("crm_core") / "gradings" / "policies" / "grade-cn-default-2.toml"
    text = shipped.read_text(encoding="utf-8").replace("grade-cn-default", name)
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    path = folder / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.rule("GRD-10")
def test_an_upgrade_of_policy_moves_exactly_the_households_the_matrix_lists(
    log: Log, runs: dict[str | None, Any], tmp_path: Path
) -> None:
    """Told first, then done: graded by the candidate, with another attention and other amounts."""
    candidate = policy_file(
        tmp_path,
        "upgrade",
        ("threshold = 800_000", "threshold = 500_000"),
        ("threshold = 2_000_000", "threshold = 2_500_000"),
        ("threshold = 4 }", "threshold = 3 }"),
        ('"B1" },\n    { fact = "type"', '"A" },\n    { fact = "type"'),
    )
    before = log.done("verify")
    of_all = ("--run", runs[None]["run"])
    told = log.done("what-if", str(YEAR), "--policy", str(candidate), *of_all)
    assert log.done("verify") == before
    assert told["runs"] == [runs[None]["run"]]
    after = log.done("grade", str(YEAR), "--policy", str(candidate))
    layers = {one["household"]: one["layer"] for one in runs[None]["gradings"]}
    moves = {
        one["household"]: (layers[one["household"]], one["layer"])
        for one in after["gradings"]
        if layers[one["household"]] != one["layer"]
    }
    assert {one["household"]: (one["from"], one["to"]) for one in told["households"]} == moves
    listed = {(f, t): n for f, to in told["matrix"].items() for t, n in to.items()}
    assert listed == dict(Counter(moves.values()))
    assert told["moved"] == len(moves) > 300
    assert all(one["because"] for one in told["households"])
    assert told["compared"] == ROWS["households.csv"]


@pytest.mark.rule("GRD-10", "GRD-15")
def test_the_monotone_table_moves_nobody_of_this_estate(log: Log) -> None:
    """Decision record 0026: the least change leaves the published outcomes as they are."""
    run = log.done("grade", str(YEAR), "--policy", "grade-cn-default/1")["run"]
    told = log.done("what-if", str(YEAR), "--policy", "grade-cn-monotone/1", "--run", run)
    assert (told["moved"], told["compared"]) == (0, ROWS["households.csv"])
