"""The command line: results for machines, one clear line for every error, true exit statuses."""

from __future__ import annotations

import ast
import csv
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import date, datetime
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple, cast

import click
import pytest

from crm_adapters import open_crm
from crm_adapters.cli import commands
from crm_adapters.cli.app import crm as command_line
from crm_adapters.cli.app import run
from crm_adapters.cli.commands import COMMANDS
from crm_adapters.cli.helping import Told
from crm_adapters.processes import Source, replay
from crm_core import CRM
from crm_core.errors import Failed
from crm_core.gradings.words import criterion_name, fact_name, needed, value_told
from crm_core.kernel.sentences import sentences
from faults.logs import lift

LAYERS = {"important", "main", "ordinary", "small", "insufficient"}
TYPES = {"lively", "cautious", "ordinary", "problem"}
CREDIT = ("A", "B1", "B2", "B3", "B4", "B5")

GRADING = {
    "household",
    "layer",
    "status",
    "type",
    "credit",
    "worst_credit",
    "purchases_fen",
    "attention",
    "overdue_days",
}
EVENT = {
    "position",
    "stream",
    "version",
    "name",
    "household",
    "effective",
    "recorded",
    "imported",
    "actor",
    "purpose",
    "command",
    "causation",
    "digest",
    "data",
}
CLERK = ("--as", "specialist:S1")
AN_AMOUNT = "an amount is yuan with at most two decimals, like `127.00`"
FILES = ["households.csv", "charges.csv", "payments.csv", "purchases.csv", "requests.csv"]


class Ran(NamedTuple):
    """What a command left."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a generated estate, its log, and a run of 2024."""
    folder = tmp_path_factory.mktemp("made")
    db = f"sqlite:///{folder / 'crm.db'}"
    estate = str(folder / "estate")
    size = ["--households", "12", "--years", "2023-2024", "--seed", "5"]
    assert run(["generate", *size, "--out", estate]) == 0
    assert run(["--db", db, "import", estate]) == 0
    assert run(["--db", db, "grade", "2024"]) == 0
    return folder


@pytest.fixture
def home(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a copy of all that."""
    folder = tmp_path / "home"
    shutil.copytree(made, folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def crm(home: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command in `home`; whatever happens, no traceback is shown."""
    assert home.is_dir()

    def call(*arguments: str) -> Ran:
        capsys.readouterr()
        status = run(list(arguments))
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return Ran(status, out, err)

    return call


def as_json(crm: Run, *arguments: str) -> Any:
    """The JSON of a command that must be done without a word beside it."""
    ran = crm(*arguments, "--format", "json")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.count("\n") == 1
    return ran.json


def apart(
    *arguments: str, cwd: Path, stdout: int = subprocess.PIPE, **environment: str
) -> subprocess.CompletedProcess[bytes]:
    """The command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "crm_adapters.cli", *arguments],
        cwd=cwd,
        # A child lives where we do; but output that is not buffered cannot fail when it ends.
        env={**os.environ, "PYTHONUNBUFFERED": "", **environment},  # noqa: TID251
        stdout=stdout,
        stderr=subprocess.PIPE,
        check=False,
        timeout=60,
    )


def imported(home: Path, name: str) -> list[dict[str, str]]:
    with (home / "estate" / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def households(home: Path) -> list[str]:
    return [row["household"] for row in imported(home, "households.csv")]


# --- the JSON of every command -----------------------------------------------------------------


@pytest.mark.rule("IMP-01")
def test_import_tells_files_events_and_faults(crm: Run, home: Path) -> None:
    """A first import counts what it appended, a second one what it found repeated."""
    rows = {name: len(imported(home, name)) for name in FILES}
    first = as_json(crm, "--db", "sqlite:///new.db", "import", "estate")
    assert set(first) == {"files", "events", "faults", "groups", "mapping", "readings"}
    assert first["faults"] == first["groups"] == first["readings"] == []
    assert list(first["files"]) == FILES
    for name in FILES:
        assert first["files"][name] == {
            "rows": rows[name],
            "imported": rows[name],
            "repeated": 0,
            "faulty": 0,
        }
    verified = as_json(crm, "--db", "sqlite:///new.db", "verify")
    # Behind the facts stands the record of the import, which is none.
    assert (first["events"] + 1, verified["intact"]) == (verified["events"], True)
    second = as_json(crm, "--db", "sqlite:///new.db", "import", "estate")
    assert (second["events"], second["faults"]) == (0, [])
    assert all(file["repeated"] == file["rows"] for file in second["files"].values())


@pytest.mark.rule("IMP-01")
def test_import_tells_each_fault_by_file_row_column_code_and_message(crm: Run, home: Path) -> None:
    """Exit status 2, the faults on standard output as data, and nothing imported."""
    path = home / "estate" / "charges.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    cells = lines[4].split(",")
    lines[4] = ",".join([*cells[:4], "lots", *cells[5:]])
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    ran = crm("--db", "sqlite:///new.db", "import", "estate", "--format", "json")
    assert (ran.status, ran.err) == (2, "")
    assert ran.json["events"] == 0
    assert ran.json["faults"] == [
        {
            "file": "charges.csv",
            "row": 5,
            "column": "amount",
            "code": "amount_malformed",
            "message": AN_AMOUNT,
            "sheet": "",
            "value": None,  # Words where a number belongs may be a name.
            "repair": "",
        }
    ]
    for_people = crm("--db", "sqlite:///new.db", "import", "estate")
    assert for_people.status == 2
    assert for_people.err.splitlines() == [
        f"charges.csv: row 5, column amount: {AN_AMOUNT} [amount_malformed]",
        "nothing was imported",
    ]
    assert as_json(crm, "--db", "sqlite:///new.db", "verify")["events"] == 0


@pytest.mark.rule("IMP-01")
def test_import_can_try_skip_and_read_other_encodings(crm: Run, home: Path) -> None:
    """The options of `crm import`, one after the other."""
    db = ["--db", "sqlite:///new.db", "import"]
    tried = crm(*db, "estate", "--dry-run")
    assert (tried.status, tried.err) == (0, "a dry run: nothing was imported\n")
    assert as_json(crm, "--db", "sqlite:///new.db", "verify")["events"] == 0
    for name in FILES:
        path = home / "estate" / name
        path.write_bytes(path.read_text(encoding="utf-8").encode("gb18030"))
    assert crm(*db, "estate").status == 2
    path = home / "estate" / "purchases.csv"
    path.write_bytes(path.read_bytes() + b"S9,nobody,care,1.00,2024-01-01,\n")
    ran = crm(*db, "estate", "--encoding", "gb18030", "--skip-faulty", "--rejects", "left.csv")
    assert ran.status == 0
    assert "household `nobody` is neither in the files nor in the log" in ran.err
    left = (home / "left.csv").read_text(encoding="utf-8").splitlines()
    assert len(left) == 2
    assert left[1].endswith("S9,nobody,care,1.00,2024-01-01,")
    assert as_json(crm, "--db", "sqlite:///new.db", "verify")["events"] > 0


@pytest.mark.rule("PAY-04")
def test_credit_tells_every_household_sorted(crm: Run, home: Path) -> None:
    """Household, grade, days and fen; nothing else."""
    lines = as_json(crm, "credit", "--on", "2024-12-31")
    assert [line["household"] for line in lines] == sorted(households(home))
    for line in lines:
        assert set(line) == {"household", "grade", "overdue_days", "overdue_fen"}
        assert line["grade"] in CREDIT
        assert (line["grade"] == "A") is (line["overdue_days"] == line["overdue_fen"] == 0)


def test_credit_of_named_households_each_once(crm: Run, home: Path) -> None:
    """Sorted, whatever the order they were named in."""
    first, second, *_ = households(home)
    asked = ["credit", second, first, second, "--on", "2024-12-31"]
    assert [line["household"] for line in as_json(crm, *asked)] == [first, second]
    table = crm("credit", "--on", "2024-12-31", first).out.splitlines()
    assert table[0].split() == ["household", "grade", "days", "overdue", "yuan"]
    assert table[1].startswith(first)


@pytest.mark.rule("PAY-03")
def test_credit_as_known_earlier_knows_less(crm: Run) -> None:
    """Before anything was known there are no households to speak of."""
    long_ago = "2000-01-01T00:00:00+08:00"
    assert as_json(crm, "credit", "--on", "2024-12-31", "--known", long_ago) == []


def test_credit_by_another_table(crm: Run) -> None:
    """Named alternative tables are used by name (PAY-04)."""
    for policy in ("credit-months", "credit-ageing-30", "credit-cn-default/1"):
        assert as_json(crm, "credit", "--on", "2024-12-31", "--policy", policy)


@pytest.mark.rule("GRD-01", "GRD-12")
def test_grade_tells_run_policy_cutoff_and_gradings(crm: Run, home: Path) -> None:
    """The promised keys, and every household once, sorted."""
    graded = as_json(crm, "grade", "2024")
    assert set(graded) == {
        "run", "year", "standing", "policy", "policy_digest", "cutoff", "gradings"
    }  # fmt: skip
    assert (graded["year"], graded["standing"]) == (2024, "of_record")
    assert graded["policy"] == "grade-cn-default/2"
    assert len(graded["policy_digest"]) == 64
    assert set(graded["cutoff"]) == {"position", "known"}
    assert isinstance(graded["cutoff"]["position"], int)
    assert datetime.fromisoformat(graded["cutoff"]["known"]).tzinfo is not None
    assert [g["household"] for g in graded["gradings"]] == sorted(households(home))
    for grading in graded["gradings"]:
        assert set(grading) == GRADING
        assert grading["layer"] in LAYERS
        assert grading["type"] in TYPES
        assert grading["status"] in {"computed", "awaiting_confirmation"}
        assert CREDIT.index(grading["worst_credit"]) >= CREDIT.index(grading["credit"])
        for number in ("purchases_fen", "attention", "overdue_days"):
            assert isinstance(grading[number], int)


@pytest.mark.rule("GRD-12")
def test_grading_again_returns_the_recorded_run(crm: Run) -> None:
    """Not one event more, and the same result to the byte."""
    before = as_json(crm, "verify")
    first = crm("grade", "2024", "--format", "json")
    assert first.out == crm("grade", "2024", "--format", "json").out
    assert as_json(crm, "verify") == before


@pytest.mark.rule("GRD-09", "GRD-12", "GRD-17")
def test_another_year_or_knowledge_is_a_run_of_its_own(crm: Run) -> None:
    """`crm grades` gives the run of record of a year, and any by its name."""
    first = as_json(crm, "grade", "2024")
    second = as_json(crm, "grade", "2024", "--known", "2024-06-30T12:00:00+08:00")
    third = as_json(crm, "grade", "2023")
    assert len({first["run"], second["run"], third["run"]}) == 3
    assert second["cutoff"]["known"] == "2024-06-30T04:00:00Z"
    standings = [one["standing"] for one in (first, second, third)]
    assert standings == ["of_record", "trial", "of_record"]
    assert as_json(crm, "grades", "2024") == first["gradings"]
    assert as_json(crm, "grades", "2024", "--run", first["run"]) == first["gradings"]
    assert as_json(crm, "grades", "2024", "--run", second["run"]) == second["gradings"]
    assert as_json(crm, "grades", "2023") == third["gradings"]


@pytest.mark.rule("GRD-01", "GRD-17")
def test_a_year_that_is_not_over_has_trials_that_only_their_name_shows(
    crm: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No list, page or question shows one of an unfinished year unless it is asked for."""
    monkeypatch.setattr("crm_adapters.wiring.SystemClock", _Clock)
    monkeypatch.setenv("CRM_DB", "half.db")
    crm("import", "estate", "--skip-faulty")
    ran = crm("grade", "2024")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == (
        "crm: 2024 ends on 2024-12-31; before that it can only be graded as a trial "
        "[CRM-I001 year_not_over]\n"
    )
    trial = as_json(crm, "grade", "2024", "--trial")
    assert trial["standing"] == "trial"
    known = as_json(crm, "runs", "2024")
    assert [(line["run"], line["standing"]) for line in known] == [(trial["run"], "trial")]
    household = trial["gradings"][0]["household"]
    owner = f"owner:{household}#owner"
    assert as_json(crm, "directory") == as_json(crm, "waiting") == []
    # Nobody is to be asked what they think by a company that never asked anybody.
    assert as_json(crm, "todo", "--as", "director:D1") == []
    assert as_json(crm, "affected") == []
    for asked in (
        ["grades", "2024"],
        ["explain", household, "2024"],
        ["report", "2024", "--out", "page.html"],
        ["shares", "2024"],
        ["fairness", "2024"],
        ["what-if", "2024", "--policy", "grade-cn-default/1"],
        ["quota", "2024", "--as", "manager:M1"],
        ["contest", household, "2024", "--reason", "x", "--as", owner],
        ["confirm", household, "2024", "--as", "manager:M1"],
        ["uplift", household, "2024", "--propose", "--reason", "x", "--as", "specialist:S1"],
    ):
        ran = crm(*asked)
        assert (ran.status, ran.out) == (2, ""), asked
        assert ran.err.endswith(" year_without_record]\n"), asked
    assert trial["run"] in crm("grades", "2024").err
    run_of = ["--run", trial["run"]]
    assert as_json(crm, "grades", "2024", *run_of) == trial["gradings"]
    said = as_json(crm, "explain", household, "2024", *run_of, "--for", "owner")
    assert said["standing"] == "trial"
    assert "This is a trial of the year; it is not what holds." in said["sentences"]
    as_json(crm, "report", "2024", *run_of, "--out", "page.html")
    assert "a trial; it is not what holds" in (home / "page.html").read_text(encoding="utf-8")
    for moves in ([], ["--moves", str(len(trial["gradings"])), "--reason", "early"]):
        ran = crm("replace-record", "2024", trial["run"], *moves, "--as", "director:D1")
        assert (ran.status, ran.out) == (2, "")
        assert ran.err.endswith(" record_too_early]\n")
    assert as_json(crm, "replay")["differing"] == []


@pytest.mark.rule("GRD-09")
def test_a_dry_run_says_what_a_run_would_and_writes_nothing(crm: Run) -> None:
    before = as_json(crm, "verify")
    asked = as_json(crm, "grade", "2023", "--dry-run")
    assert asked["standing"] == "preview"
    assert as_json(crm, "verify") == before
    assert as_json(crm, "runs", "2023") == []
    graded = as_json(crm, "grade", "2023")
    assert {**asked, "standing": "of_record"} == graded
    assert "nothing was written" in crm("grade", "2023", "--dry-run").out


@pytest.mark.rule("GRD-17")
def test_a_director_replaces_the_record_seeing_whom_it_moves(crm: Run) -> None:
    held = as_json(crm, "grade", "2024")
    trial = as_json(crm, "grade", "2024", "--known", "2024-06-30T12:00:00+08:00")
    before = as_json(crm, "verify")
    replace = ("replace-record", "2024", trial["run"])
    shown = as_json(crm, *replace)
    assert (shown["run"], shown["recorded"]) == (trial["run"], False)
    layers = [{g["household"]: (g["layer"], g["type"]) for g in run["gradings"]}
              for run in (held, trial)]  # fmt: skip
    moves = [home for home in layers[0] if layers[0][home] != layers[1].get(home)]
    assert [one["household"] for one in shown["moved"]] == moves
    assert moves
    for one in shown["moved"]:
        assert (one["layer"], one["type"]) == layers[0][one["household"]]
        there = layers[1].get(one["household"], ("", ""))
        assert (one["layer_then"], one["type_then"]) == there
    count, wrong = str(len(moves)), str(len(moves) + 1)
    assert f"households moved: {count}; --moves {count} does it" in crm(*replace).out
    why = ("--reason", "the log was wrong")
    for code, options in (
        ("role_insufficient", (*why, "--moves", count, "--as", "specialist:S1")),
        ("role_insufficient", (*why, "--moves", count, "--as", "manager:M1")),
        ("moves_otherwise", (*why, "--moves", wrong, "--as", "director:D1")),
        ("reason_missing", ("--moves", count, "--as", "director:D1")),
        ("usage_wrong", (*why, "--moves", "all", "--as", "director:D1")),
    ):
        ran = crm(*replace, *options)
        assert (ran.status, ran.out) == (2, "")
        assert f" {code}]" in ran.err
    assert crm("replace-record", "2024", "2024-0").err.endswith(" run_unknown]\n")
    assert crm("replace-record", "2024", held["run"]).err.endswith(" record_already]\n")
    # Reading whom it moves is written down, and nothing else.
    assert {**as_json(crm, "verify"), "reads": before["reads"]} == before
    done = as_json(crm, *replace, *why, "--moves", count, "--as", "director:D1")
    assert (done["recorded"], done["moved"]) == (True, shown["moved"])
    assert as_json(crm, "grades", "2024") == trial["gradings"]
    standings = {line["run"]: line["standing"] for line in as_json(crm, "runs", "2024")}
    assert standings == {held["run"]: "trial", trial["run"]: "of_record"}
    # And a year graded again is the run that was recorded, not another record.
    assert as_json(crm, "grade", "2024")["standing"] == "trial"


@pytest.mark.rule("GRD-07")
@pytest.mark.parametrize("reader", ["owner", "clerk", "auditor"])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_explain_tells_criteria_distance_and_counterfactuals(
    reader: str, lang: str, crm: Run, home: Path
) -> None:
    """The promised keys for every reader, in both languages; digests for the auditor only."""
    household = households(home)[0]
    said = as_json(crm, "explain", household, "2024", "--for", reader, "--lang", lang)
    promised = {"household", "layer", "type", "criteria", "distance", "counterfactuals"}
    assert set(said) >= promised
    assert ("policy" in said) is (reader != "owner")
    assert ("policy_digest" in said) is ("cutoff" in said) is (reader == "auditor")
    for criterion in said["criteria"]:
        assert set(criterion) >= {"name", "value", "threshold", "met", "evidence"}
        assert all(isinstance(position, int) for position in criterion["evidence"])
    for way in said["counterfactuals"]:
        assert set(way) == {"changes", "layer", "type"}
    shown = crm("explain", household, "2024", "--for", reader, "--lang", lang).out
    assert all(sentence in shown for sentence in said["sentences"])
    assert ({"en": "criterion", "zh": "评级标准"}[lang] in shown) is (reader != "owner")


@pytest.mark.rule("GRD-08")
def test_replay_tells_that_all_is_identical(crm: Run, home: Path) -> None:
    """Exit status 0, and the promised keys."""
    replayed = as_json(crm, "replay", "2024")
    promised = {"gradings", "identical", "differing", "events", "seconds", "engine", "verified"}
    assert set(replayed) == promised
    count = len(households(home))
    assert (replayed["gradings"], replayed["identical"]) == (count, count)
    assert (replayed["differing"], replayed["engine"]) == ([], "events")
    assert replayed["events"] > count
    assert as_json(crm, "replay")["gradings"] == count
    assert crm("replay").out.startswith(f"all identical: {count} of {count} gradings")
    assert crm("replay", "2023").out == "no gradings are recorded\n"


@pytest.mark.rule("GRD-09")
def test_affected_lists_what_late_facts_would_change_and_changes_nothing(
    crm: Run, home: Path
) -> None:
    """A payment that comes to be known after the run; the run stays as it was."""
    assert as_json(crm, "affected") == []
    before = as_json(crm, "grades", "2024")
    debtor = next(g["household"] for g in before if g["credit"] != "A")
    pay_late(crm, home, debtor)
    found = as_json(crm, "affected", "2024")
    assert [item["household"] for item in found] == [debtor]
    assert set(found[0]) >= {"household", "year", "run", "layer", "layer_now", "because"}
    assert found[0]["credit_now"] == "A"
    assert as_json(crm, "affected", "2023") == []
    [position] = found[0]["because"]
    event = next(e for e in as_json(crm, "history", debtor) if e["position"] == position)
    assert event["data"]["payment"] == "LATE"
    assert as_json(crm, "grades", "2024") == before
    assert as_json(crm, "replay")["differing"] == []
    assert debtor in crm("affected").out


def pay_late(crm: Run, home: Path, household: str) -> None:
    """A payment of 2024 that settles everything and comes to be known in June 2025."""
    late = home / "late"
    late.mkdir()
    (late / "payments.csv").write_text(
        "payment,household,amount,paid_on,method,recorded\n"
        f"LATE,{household},99999.00,2024-12-30,cash,2025-06-01T09:00:00+08:00\n"
    )
    assert crm("import", "late").status == 0


@pytest.mark.rule("OWN-10", "PAY-03")
def test_show_tells_the_account_as_it_was_known(crm: Run, home: Path) -> None:
    """The same day, before and after the company knew of a payment."""
    debtor = next(g["household"] for g in as_json(crm, "grades", "2024") if g["credit"] != "A")
    pay_late(crm, home, debtor)
    asked = ["show", debtor, "--on", "2024-12-31"]
    assert as_json(crm, *asked)["account"]["credit"] == "A"
    before = as_json(crm, *asked, "--known", "2025-06-01T08:59:59+08:00")
    assert before["known"] == "2025-06-01T00:59:59Z"
    assert before["account"]["credit"] != "A"
    after = as_json(crm, *asked, "--known", "2025-06-01T09:00:00+08:00")
    assert after["account"]["credit"] == "A"


@pytest.mark.rule("LOG-04")
def test_verify_tells_events_and_root(crm: Run) -> None:
    """The same log has the same root."""
    verified = as_json(crm, "verify")
    keys = {"events", "intact", "first_fault", "root", "unchecked", "views", "reads"}
    assert set(verified) == {*keys, "kept"}
    assert (verified["intact"], verified["first_fault"], verified["kept"]) == (True, None, None)
    assert len(verified["root"]) == 64
    assert crm("verify").out.splitlines() == [
        f"intact: {verified['events']} events, root {verified['root']}",
        f"read log intact: {verified['reads']['rows']} rows, digest {verified['reads']['digest']}",
        "not checked: pages of the database (--deep), views (--deep)",
    ]


@pytest.mark.rule("LOG-04", "LOG-05")
def test_verify_says_what_it_did_not_look_at(crm: Run, home: Path) -> None:
    """Pages and views are looked at with `--deep`; a view that says otherwise is named."""
    verified = as_json(crm, "verify")
    assert (verified["unchecked"], verified["views"]) == (["pages", "views"], None)
    crm("projections", "--catch-up")
    deep = as_json(crm, "verify", "--deep")
    assert (deep["intact"], deep["unchecked"], deep["root"]) == (True, [], verified["root"])
    assert deep["views"]["rows"] > 0
    assert deep["views"]["first_fault"] is None
    with sqlite3.connect(home / "crm.db") as connection:
        connection.execute(
            "UPDATE crm_views SET data = replace(data, '号楼', '栋')"
            " WHERE view = 'owners.directory'"
        )
    assert as_json(crm, "verify")["views"] is None
    ran = crm("verify", "--deep", "--format", "json")
    assert (ran.status, ran.json["intact"]) == (1, True)
    assert ran.json["views"]["first_fault"]["view"] == "owners.directory"
    assert "`owners.directory` is NOT what the events say" in crm("verify", "--deep").out
    crm("projections", "--rebuild", "owners.directory")
    assert as_json(crm, "verify", "--deep")["views"]["first_fault"] is None


@pytest.mark.rule("LOG-04")
@pytest.mark.case("K50", "K51")
def test_verify_names_what_lies_around_the_events(crm: Run, home: Path) -> None:
    """A table, an index, a trigger: there is no position, and its name is told."""
    with sqlite3.connect(home / "crm.db") as connection:
        connection.execute("CREATE INDEX mine ON crm_events (household)")
    ran = crm("verify", "--format", "json")
    fault = {"position": 0, "stream": "", "kind": "schema", "object": "index mine"}
    assert (ran.status, ran.json["first_fault"]) == (1, fault)
    assert crm("verify").out.startswith("NOT intact: schema of `index mine`")


def test_history_tells_events_of_a_household_or_of_a_stream(crm: Run, home: Path) -> None:
    """In the order of positions, each with both times and its digest."""
    household = households(home)[0]
    events = as_json(crm, "history", household)
    assert [e["position"] for e in events] == sorted(e["position"] for e in events)
    assert {e["household"] for e in events} == {household}
    assert {e["stream"].partition("/")[0] for e in events} >= {
        "household",
        "account",
        "grading",
        "place",
    }
    for event in events:
        assert set(event) == EVENT
        assert len(event["digest"]) == 64
        date.fromisoformat(event["effective"])
        datetime.fromisoformat(event["recorded"])
    account = as_json(crm, "history", f"account/{household}")
    assert account == [e for e in events if e["stream"] == f"account/{household}"]
    assert [e["version"] for e in account] == list(range(1, len(account) + 1))


def test_tables_in_a_pipe_are_not_cut_short(crm: Run, home: Path) -> None:
    """Without a terminal every event's full name and day can be read."""
    household = households(home)[0]
    shown = crm("history", household).out
    assert "…" not in shown.splitlines()[0]
    for event in as_json(crm, "history", household):
        assert sentences("events")[event["name"].partition("/")[0]]["en"] in shown
        assert event["effective"] in shown


def test_a_narrow_terminal_cuts_the_last_column_alone(
    crm: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Value, threshold and result of a criterion are seen however narrow the window is."""
    household = households(home)[0]
    said = as_json(crm, "explain", household, "2024")
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    shown = [
        re.sub(r"\x1b\[[0-9;]*m", "", line)
        for line in crm("explain", household, "2024").out.splitlines()
    ]
    for criterion in said["criteria"]:
        fact, values = criterion["fact"], (criterion["value"], criterion["threshold"])
        expected = [
            criterion_name(criterion["name"], "en"),
            fact_name(fact, "en"),
            value_told(fact, values[0], "en"),
            needed(fact, criterion["op"], values[1], "en"),
            "yes" if criterion["met"] else "no",
        ]
        assert any(re.split(r"\s{2,}", line)[:5] == expected for line in shown), expected


@pytest.mark.rule("OWN-10", "PRV-03")
def test_show_keeps_personal_values_sealed_without_a_purpose(crm: Run, home: Path) -> None:
    """The file is shown; name and number only to who says why."""
    row = imported(home, "households.csv")[0]
    household = row["household"]
    shown = as_json(crm, "show", household)
    assert set(shown) >= {"household", "roles", "on", "known", "account", "requests", "gradings"}
    [role] = shown["roles"]
    assert (role["name"], role["phone"]) == ("sealed", "sealed")
    assert row["owner"] not in crm("show", household).out
    asked = ("show", household, "--purpose", "return visit")
    [role] = as_json(crm, *asked, *CLERK)["roles"]
    assert (role["name"], role["phone"]) == (row["owner"], row["phone"])
    # Neither the host's account nor an auditor sees what is personal, whatever they want it for.
    [role] = as_json(crm, *asked)["roles"]
    assert (role["name"], role["phone"]) == ({"withheld": "tier"}, {"withheld": "tier"})
    assert as_json(crm, *asked, "--as", "auditor:A1")["roles"] == {"withheld": "purpose"}
    (home / "crm.db.keys").unlink()
    [role] = as_json(crm, *asked, *CLERK)["roles"]
    assert role["name"] == {"withheld": "key_missing"}


@pytest.mark.rule("OWN-10")
def test_show_tells_the_file_as_it_stood(crm: Run, home: Path) -> None:
    """Requests and gradings of later days are not in the file of an earlier one."""
    received: dict[str, list[str]] = {}
    for row in imported(home, "requests.csv"):
        received.setdefault(row["household"], []).append(row["received_at"][:10])
    household, days = max(received.items(), key=lambda item: len(set(item[1])))
    assert len(set(days)) > 1
    for day in sorted(set(days)):
        shown = as_json(crm, "show", household, "--on", day)
        assert shown["on"] == day
        assert shown["requests"]["received"] == sum(d <= day for d in days)
        assert shown["gradings"] == []
    last = as_json(crm, "show", household, "--on", "2024-12-31")
    assert [g["year"] for g in last["gradings"]] == [2024]
    [line] = as_json(crm, "credit", "--on", "2024-12-31", household)
    account = last["account"]
    assert (account["credit"], account["overdue_fen"]) == (line["grade"], line["overdue_fen"])


@pytest.mark.rule("REQ-04")
def test_show_judges_an_open_request_at_the_end_of_the_day(crm: Run, home: Path) -> None:
    """A request that broke its target in the afternoon is late on that day, not the day after."""
    household = households(home)[0]
    folder = home / "more"
    folder.mkdir()
    (folder / "requests.csv").write_text(
        "request,household,channel,kind,trade,severity,summary,received_at\n"
        f"OPEN,{household},phone,complaint,cleaning,general,dirt,2024-05-06T09:00:00+08:00\n"
    )
    assert crm("import", "more").status == 0
    shown = as_json(crm, "show", household, "--on", "2024-05-06")
    [request] = [r for r in shown["requests"]["open"] if r["request"] == "OPEN"]
    closing = next(v for v in request["verdicts"] if v["clock"] == "closing-1")
    assert (closing["kept"], closing["late_seconds"]) == (False, 14 * 3600 + 1800)
    early = ["show", household, "--on", "2024-05-06", "--known", "2024-05-06T09:10:00+08:00"]
    [request] = [r for r in as_json(crm, *early)["requests"]["open"] if r["request"] == "OPEN"]
    closing = next(v for v in request["verdicts"] if v["clock"] == "closing-1")
    assert (closing["kept"], closing["late_seconds"]) == (None, -1200)


class _Clock:
    """One minute past midnight at the estate, still the day before in UTC."""

    def now(self) -> datetime:
        return datetime.fromisoformat("2024-07-01T16:01:00Z")


def test_show_means_today_at_the_estate(
    crm: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks after midnight gets the file of the new day."""
    monkeypatch.setattr("crm_adapters.wiring.SystemClock", _Clock)
    assert as_json(crm, "show", households(home)[0])["on"] == "2024-07-02"


def test_report_writes_a_page_about_the_run(crm: Run, home: Path) -> None:
    """Of the run of record, or of the one named; and it tells which."""
    first = as_json(crm, "grade", "2024")["run"]
    second = as_json(crm, "grade", "2024", "--known", "2024-06-30T12:00:00+08:00")["run"]
    told = as_json(crm, "report", "2024", "--out", "a.html")
    assert (told["report"], told["run"], told["withheld"]) == ("a.html", first, {})
    assert told["root"] == as_json(crm, "verify")["root"]
    told = as_json(crm, "report", "2024", "--run", second, "--out", "b.html")
    assert (told["report"], told["run"]) == ("b.html", second)
    for name, told_of, other in (("a.html", first, second), ("b.html", second, first)):
        page = (home / name).read_text(encoding="utf-8")
        assert told_of in page
        assert other not in page
        assert ("a trial; it is not what holds" in page) is (told_of == second)
    assert crm("report", "2024", "--out", "c.html").out == "c.html\n"


def test_the_language_of_a_report_is_that_which_is_spoken(crm: Run, home: Path) -> None:
    """Both are in it, and `--lang` says which is shown first; it tells whose life was asked for."""
    as_json(crm, "grade", "2024")
    whose = households(home)[1]
    for lang, tag in (("zh", "zh-Hans"), ("en", "en")):
        assert (
            crm("--lang", lang, "report", "2024", "--household", whose, "--out", "d.html").status
            == 0
        )
        page = (home / "d.html").read_text(encoding="utf-8")
        assert f'<html lang="{tag}">' in page
        assert f"Household {whose} as the log tells it" in page
        assert f"{whose} 户至" in page
    assert crm("report", "2024", "--household", "H-none", "--out", "e.html").status == 2
    assert not (home / "e.html").exists()


def test_generate_tells_folder_and_rows(crm: Run, home: Path) -> None:
    """The same seed writes the same files."""
    args = ["generate", "--households", "3", "--years", "2024", "--seed", "9", "--out"]
    told = as_json(crm, *args, "a")
    assert set(told) == {"folder", "rows"}
    assert told["rows"]["households"] == 3
    assert crm(*args, "b").status == 0
    for name in FILES:
        assert (home / "a" / name).read_bytes() == (home / "b" / name).read_bytes()
        lines = (home / "a" / name).read_text(encoding="utf-8").splitlines()
        assert len(lines) - 1 == told["rows"][name.removesuffix(".csv")]


def test_options_may_stand_before_or_after_the_command(crm: Run) -> None:
    """They belong to every command; what stands behind it goes before what stands before."""
    options = [
        *("--format", "json", "--db", "sqlite:///crm.db", "--keys", "crm.db.keys"),
        *("--zone", "UTC", "--tenant", "", "--lang", "zh", "--purpose", "audit"),
        *("--as", "auditor:A1"),
    ]
    before = crm(*options, "verify")
    after = crm("verify", *options)
    assert before == after
    assert before.json["intact"]
    wrong = ("--db", "none.db", "--format", "table", "--zone", "Asia/Shanghai")
    assert crm(*wrong, "verify", *options) == before


def test_a_database_can_be_named_by_its_path(crm: Run, home: Path) -> None:
    """A plain path is that of an SQLite file, whatever characters are in it."""
    strange = home / "a#b?c%20 @小区.db"
    shutil.copy(home / "crm.db", strange)
    asked = ("verify", "--format", "json")
    assert crm(*asked, "--db", "crm.db") == crm(*asked)
    assert crm(*asked, "--db", strange.name) == crm(*asked)
    assert crm(*asked, "--db", str(strange)) == crm(*asked)
    assert {path.name for path in home.iterdir()} >= {strange.name}


def test_the_environment_stands_for_options(
    crm: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Said on the line, an option goes before its variable."""
    (home / "crm.db").rename(home / "other.db")
    (home / "crm.db.keys").rename(home / "keys")
    assert crm("verify").status == 2
    row = imported(home, "households.csv")[0]
    for name, value in (
        ("CRM_DB", "other.db"), ("CRM_KEYS", "keys"), ("CRM_AS", "specialist:S1"),
        ("CRM_ZONE", "UTC"), ("CRM_TENANT", ""), ("CRM_LANG", "en"),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)
    [role] = as_json(crm, "show", row["household"], "--purpose", "return visit")["roles"]
    assert role["name"] == row["owner"]
    assert crm("verify", "--db", "none.db").err.endswith("[CRM-I001 log_missing]\n")
    for name, value in (("CRM_AS", "boss:1"), ("CRM_ZONE", "Mars"), ("CRM_LANG", "la")):
        with monkeypatch.context() as wrong:
            wrong.setenv(name, value)
            assert crm("verify").status == 2


def test_years_and_days_are_those_of_the_zone_asked_for(crm: Run) -> None:
    """A log opened with another zone has other midnights, so another run."""
    assert crm("--zone", "UTC", "verify").status == 0
    ran = crm("--zone", "Mars/Olympus", "verify")
    assert (ran.status, ran.out) == (2, "")
    assert "zone_unknown" in ran.err


def test_a_key_file_can_be_named(crm: Run, home: Path) -> None:
    """Keys may lie elsewhere than beside the log."""
    row = imported(home, "households.csv")[0]
    (home / "safe").mkdir()
    (home / "crm.db.keys").rename(home / "safe" / "keys")
    asked = ["show", row["household"], "--purpose", "return visit", *CLERK]
    [role] = as_json(crm, "--keys", "safe/keys", *asked)["roles"]
    assert role["name"] == row["owner"]


def test_help_and_version_are_told(crm: Run) -> None:
    """Every command has help, and none of it is an error."""
    assert crm("--help").status == 0
    ran = crm("--version")
    assert ran.status == 0
    assert ran.out.startswith("crm, version ")
    assert isinstance(command_line, click.Group)
    for name in command_line.list_commands(click.Context(command_line)):
        ran = crm(name, "--help")
        assert (ran.status, ran.err) == (0, "")
        assert ran.out.startswith(f"Usage: crm {name}")
    alone = crm()
    assert (alone.status, alone.out) == (2, "")
    for group in ("Set up:", "Look:", "Decide:", "Act:", "Prove:", "Run:"):
        assert f"\n{group}\n" in alone.err


def test_the_list_of_commands_says_what_their_own_help_says() -> None:
    """It is written beside them, so that asking for it loads none of them."""
    assert isinstance(command_line, click.Group)
    context = click.Context(command_line)
    listed = " ".join(command_line.get_help(context).split())
    for name in COMMANDS:
        found = command_line.get_command(context, name)
        assert isinstance(found, Told)
        own = click.Context(found, context, name)
        first = next(iter(found.told(name)))
        assert first in " ".join(found.get_help(own).split())
        assert f"{name} {first}" in listed
    for file in Path(commands.__file__).parent.glob("[a-z]*.py"):
        import_module(f"crm_adapters.cli.{file.stem}")
    assert set(command_line.commands) == set(COMMANDS), "a module has a command that is not listed"


def test_help_loads_no_store_and_no_command() -> None:
    """What is asked for most often is answered at once."""
    program = (
        "import sys; from crm_adapters.cli.app import run; run(['--help'])\n"
        "print([m for m in sys.modules if m.startswith('crm_adapters')"
        " or m in ('sqlalchemy', 'rich', 'msgspec', 'cryptography')], file=sys.stderr)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert "  work " in ran.stdout
    loaded = set(ast.literal_eval(ran.stderr))
    shared = ("acting", "app", "commands", "group", "helping", "language", "output")
    shared += ("shown", "values", "wrapping")
    cli = {f"crm_adapters.cli.{name}" for name in shared}
    # Commands that other packages bring stand in the help, too.
    assert loaded == {"crm_adapters", "crm_adapters.cli", "crm_adapters.extensions"} | cli


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("household", ["H00001", "H00002"])
def test_every_table_can_be_printed(household: str, lang: str, crm: Run, home: Path) -> None:
    """Results for people go to standard output, too, in the language asked for."""
    day = ("--on", "2024-12-31")
    for arguments in (
        ["account", household, *day],
        ["arrears", *day],
        ["directory"],
        ["fairness", "2024"],
        ["limitation", "--on", "2030-12-31"],
        ["messages"],
        ["policy", "list"],
        ["preferences", household],
        ["projections"],
        ["request", imported(home, "requests.csv")[0]["request"]],
        ["shares", "2024"],
        ["statistics", "--from", "2024-01-01", "--to", "2024-12-31"],
        ["waiting"],
        ["what-if", "2024", "--policy", "grade-cn-monotone/1"],
        ["do", "--list"],
        ["doctor"],
        ["grade", "2024"],
        ["grades", "2024"],
        ["credit", "--on", "2024-12-31"],
        ["explain", household, "2024"],
        ["explain", household, "2024", "--for", "auditor"],
        ["history", household],
        ["show", household],
        ["replay"],
        ["affected"],
        ["verify"],
    ):
        ran = crm(*arguments, "--lang", lang)
        assert (ran.status, ran.err) == (0, "")
        assert ran.out
        first = ran.out.splitlines()[0]
        assert re.search("[\u4e00-\u9fff]", first) is not None or lang == "en", arguments


# --- wrong input -------------------------------------------------------------------------------

USAGE = "CRM-I001 usage_wrong"

WRONG: list[tuple[str, str]] = [
    # options and arguments
    ("nonsense", USAGE),
    ("--nonsense", USAGE),
    ("verify --nonsense", USAGE),
    ("verify too many", USAGE),
    ("verify --format xml", USAGE),
    ("--format xml verify", USAGE),
    ("--zone Nowhere verify", "CRM-I001 zone_unknown"),
    ("--zone ../../etc/passwd verify", "CRM-I001 zone_unknown"),
    # import
    ("import", USAGE),
    ("import estate --encoding latin-1", USAGE),
    ("import estate --skip-faulty --rejects estate", USAGE),
    ("import estate --skip-faulty --rejects no/such/rejects.csv", "CRM-I001 rejects_unwritable"),
    # credit
    ("credit", USAGE),
    ("credit --on yesterday", USAGE),
    ("credit --on 2024-02-30", USAGE),
    ("credit --on 0001-01-01", USAGE),
    ("credit --on 20241231", USAGE),
    ("credit --on 2024-12-31 --known 2024-12-31", USAGE),
    ("credit --on 2024-12-31 --known 2024-12-31T09:00:00", USAGE),
    ("credit --on 2024-12-31 --known 9999-12-31T23:59:59Z", USAGE),
    ("credit --on 2024-12-31 nobody", "CRM-I001 household_unknown"),
    ("credit --on 2024-12-31 --policy nonesuch", "CRM-I002 policy_unknown"),
    ("credit --on 2024-12-31 --policy credit-cn-default/9", "CRM-I002 policy_unknown"),
    ("credit --on 1999-12-31", "CRM-I003 policy_inactive"),
    # grade
    ("grade", USAGE),
    ("grade soon", USAGE),
    ("grade 1899", USAGE),
    ("grade 2201", USAGE),
    ("grade 20_24", USAGE),
    ("grade ２０２４", USAGE),
    ("grade -2024", USAGE),
    ("grade 2024 --known now", USAGE),
    ("grade 2024 --policy nonesuch", "CRM-I002 policy_unknown"),
    ("grade 2024 --policy nonesuch.toml", "CRM-I001 policy_unreadable"),
    ("grade 2024 --policy estate", "CRM-I002 policy_unknown"),
    ("grade 1999", "CRM-I003 policy_inactive"),
    # grades
    ("grades never", USAGE),
    ("grades 2023", "CRM-I001 run_unknown"),
    ("grades 2024 --run nonesuch", "CRM-I001 run_unknown"),
    ("grades 2024 --policy nonesuch.toml", "CRM-I001 policy_unreadable"),
    # explain
    ("explain", USAGE),
    ("explain H00001", USAGE),
    ("explain H00001 soon", USAGE),
    ("explain H00001 2024 --for everybody", USAGE),
    ("explain H00001 2024 --lang la", USAGE),
    ("explain nobody 2024", "CRM-I001 grading_unknown"),
    ("explain H00001 2023", "CRM-I001 run_unknown"),
    ("explain H00001 2024 --run nonesuch", "CRM-I001 grading_unknown"),
    # replay, affected, verify, history, show
    ("replay soon", USAGE),
    ("replay --policy nonesuch.toml", "CRM-I001 policy_unreadable"),
    ("replay --processes 0", USAGE),
    ("replay --processes 2 --engine abacus", "CRM-I001 engine_single"),
    ("--db memory: replay --processes 2", "CRM-I001 processes_one"),
    ("--db sqlite:///none.db replay --processes 2", "CRM-I001 log_missing"),
    ("affected soon", USAGE),
    ("verify 2024", USAGE),
    ("history", USAGE),
    ("history nobody", "CRM-I001 stream_unknown"),
    ("history account/nobody", "CRM-I001 stream_unknown"),
    ("show", USAGE),
    ("show nobody", "CRM-I001 household_unknown"),
    ("show H00001 --on 1901-01-01", "CRM-I001 household_unknown"),
    ("show H00001 --on 9999-12-31", USAGE),
    # report
    ("report 2024", USAGE),
    ("report soon --out page.html", USAGE),
    ("report 2024 --out estate", USAGE),
    ("report 2023 --out page.html", "CRM-I001 run_unknown"),
    ("report 2024 --run nonesuch --out page.html", "CRM-I001 run_unknown"),
    ("report 2024 --out no/such/folder/page.html", "CRM-I001 report_unwritable"),
    ("report 2024 --policy nonesuch.toml --out page.html", "CRM-I001 policy_unreadable"),
    # generate
    ("generate", USAGE),
    ("generate --households 0 --out new", USAGE),
    ("generate --households many --out new", USAGE),
    ("generate --years 2024-2023 --out new", "CRM-I001 estate_malformed"),
    ("generate --years 1950 --out new", "CRM-I001 estate_malformed"),
    ("generate --years then --out new", USAGE),
    ("generate --seed pi --out new", USAGE),
    ("generate --out crm.db", USAGE),
    ("generate --out crm.db/new", "CRM-I001 folder_unusable"),
    # demo
    ("demo --out crm.db", USAGE),
    ("demo estate --out crm.db/new", "CRM-I001 folder_unusable"),
    # what keeps at it
    ("work --poll 0", USAGE),
    ("work --poll nan", USAGE),
    ("notify --to console: --poll nan", USAGE),
    ("notify --to console: --every 1", USAGE),
    ("relay --to nats://[::1 --once", "CRM-I001 relay_unusable"),
    ("relay --to http://localhost --once", "CRM-I001 relay_unusable"),
    # databases
    ("--db nonsense verify", "CRM-I001 log_missing"),
    ("--db :// verify", "CRM-I001 url_malformed"),
    ("--db sqlite:// verify", "CRM-I001 url_malformed"),
    ("--db postgresql://localhost:port/x verify", "CRM-I001 url_malformed"),
    ("--db oracle://localhost/x verify", "CRM-I001 database_unsupported"),
    ("--db sqlite:///none.db verify", "CRM-I001 log_missing"),
    ("--db sqlite+pysqlite:///none.db verify", "CRM-I001 log_missing"),
    ("--db sqlite:///estate verify", "CRM-F010"),
    ("--db sqlite:///estate import estate", "CRM-F010"),
    ("--db sqlite:///no/such/folder/crm.db import estate", "CRM-F004"),
    ("--db sqlite:///estate/charges.csv verify", "CRM-F010"),
    ("--db sqlite:///estate/charges.csv import estate", "CRM-F010"),
    ("--db postgresql://u:hidden@127.0.0.1:1/x verify", "CRM-F004"),
    ("--db postgresql+psycopg://u:hidden@127.0.0.1:1/x import estate", "CRM-F004"),
    # keys
    ("--keys estate/charges.csv show H00001", "CRM-F010"),
    ("--keys estate show H00001", "CRM-F018"),
    ("--keys no/such/folder/keys show H00001", "CRM-F004"),
]


@pytest.mark.parametrize(("line", "code"), WRONG, ids=[line for line, _ in WRONG])
@pytest.mark.parametrize("form", ["table", "json"])
def test_wrong_input_is_one_clear_line_with_a_code(
    line: str, code: str, form: str, crm: Run
) -> None:
    """Exit status 2, nothing on standard output, and no password in the message."""
    ran = crm("--format", form, *line.split(" "))
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.count("\n") == 1
    assert ran.err.startswith("crm: ")
    assert ran.err.endswith(f"[{code}]\n")
    assert "hidden" not in ran.err


STRANGE = {
    "terminal": "\x1b[31mred",
    "lines": "two\nlines\r\x85\u2028",
    "bidirectional": "\u202eH00001",
    "bytes": b"\xff\xfe".decode("utf-8", "surrogateescape"),
    "long": "长" * 5000,
}


@pytest.mark.parametrize("strange", STRANGE.values(), ids=STRANGE)
@pytest.mark.parametrize(
    "line",
    ["show ?", "history ?", "request ?", "explain ? 2024", "messages ?", "account ? --on ?",
     "--tenant ? verify", "--zone ? verify", "grade 2024 --policy ?.toml", "projections --retry ?",
     "grades 2024 --run ?", "?", "show H00001 --?"],
)  # fmt: skip
def test_what_was_typed_is_shown_in_one_short_line_that_only_shows(
    line: str, strange: str, crm: Run
) -> None:
    """It reaches the terminal as text: no colour, no second line, no page of it."""
    ran = crm(*(word.replace("?", strange) for word in line.split(" ")))
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("crm: ")
    assert ran.err.endswith("]\n")
    assert ran.err.removesuffix("\n").isprintable()
    assert len(ran.err) < 700
    assert "unexpected" not in ran.err


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("nowhere", "file_missing"),
        ("nowhere.csv", "file_missing"),
        ("crm.db", "file_unknown"),
        ("estate.xlsx", "spreadsheet_unread"),
        ("empty", "folder_empty"),
    ],
)
def test_what_cannot_be_imported_is_a_fault_of_its_name(
    path: str, code: str, crm: Run, home: Path
) -> None:
    """Told as data on standard output, or as one line on standard error."""
    (home / "empty").mkdir()
    (home / "estate.xlsx").write_bytes(b"PK\x03\x04")
    ran = crm("import", path, "--format", "json")
    assert (ran.status, ran.err) == (2, "")
    assert [(f["file"], f["code"]) for f in ran.json["faults"]] == [(path, code)]
    ran = crm("import", path)
    first, second = ran.err.splitlines()
    assert first.startswith(f"{path}: ")
    assert first.endswith(f" [{code}]")
    assert second == "nothing was imported"


def test_reading_a_log_that_is_not_there_makes_none(crm: Run, home: Path) -> None:
    """A mistyped `--db` is an error, not an empty log."""
    before = sorted(path.name for path in home.iterdir())
    for url in ("sqlite:///other.db", "sqlite+pysqlite:///other.db"):
        for command in (["verify"], ["replay"], ["grade", "2024"], ["history", "H00001"]):
            assert crm("--db", url, *command).err.endswith("[CRM-I001 log_missing]\n")
    assert sorted(path.name for path in home.iterdir()) == before


def test_another_database_is_not_a_log(crm: Run, home: Path) -> None:
    """A database of somebody else, or of another version, is left alone."""
    with sqlite3.connect(home / "other.db") as other:
        other.execute("CREATE TABLE crm_events (position INTEGER)")
    with sqlite3.connect(home / "crm.db") as future:
        future.execute("UPDATE crm_revision SET version_num = '9999'")
    other.close()
    future.close()
    for name in ("other.db", "crm.db"):
        for command in (["verify"], ["import", "estate"]):
            ran = crm("--db", f"sqlite:///{name}", *command)
            assert (ran.status, ran.out) == (2, "")
            assert ran.err.endswith("[CRM-F010]\n")


@pytest.mark.parametrize(
    "command",
    [["grade", "2024"], ["replay"], ["affected"], ["credit", "--on", "2024-12-31"], ["verify"]],
)
def test_an_empty_log_is_no_error(command: list[str], crm: Run) -> None:
    """There is nothing to say about nobody."""
    assert crm("--db", "sqlite:///empty.db", "import", "nowhere").status == 2
    assert crm("--db", "sqlite:///empty.db", *command, "--format", "json").status == 0
    assert crm("--db", "sqlite:///empty.db", *command).status == 0


@pytest.mark.parametrize(
    "arguments",
    [["grade", "20x4"], ["show", "nobody"], ["--db", "sqlite:///none.db", "verify"], ["verify"]],
)
def test_a_process_of_its_own_ends_with_the_same_status(
    arguments: list[str], crm: Run, home: Path
) -> None:
    """What is tested in this process is what a shell sees."""
    inside = crm(*arguments)
    outside = apart(*arguments, cwd=home)
    assert outside.returncode == inside.status
    assert outside.stdout.decode() == inside.out
    assert outside.stderr.decode() == inside.err


def test_an_unexpected_error_is_one_line_without_its_words(
    crm: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error nobody thought of says where it happened; its words may hold personal data."""

    def fail(_: CRM, **_options: bool) -> None:
        raise RuntimeError("张三")

    monkeypatch.setattr(CRM, "verify", fail)
    ran = crm("verify")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("crm: unexpected RuntimeError at test_cli.py:")
    assert ran.err.endswith("[CRM-F000 unexpected_error]\n")
    assert ran.err.count("\n") == 1
    assert "张三" not in ran.err


def test_a_file_that_fails_is_named(crm: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the operating system is told with the file it is about."""

    def fail(_: CRM, **_options: bool) -> None:
        raise OSError(28, "No space left on device", "somewhere")

    monkeypatch.setattr(CRM, "verify", fail)
    ran = crm("verify")
    assert (ran.status, ran.err) == (
        2,
        "crm: `somewhere`: No space left on device [CRM-I001 file_unusable]\n",
    )


def test_an_interruption_is_said(crm: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C is no traceback."""

    def fail(_: CRM, **_options: bool) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(CRM, "verify", fail)
    ran = crm("verify")
    assert ran.status == 130
    assert ran.err.strip() == "crm: interrupted; nothing has changed in the log"


def test_who_interrupts_hears_what_was_kept(tmp_path: Path) -> None:
    """Given commands one by one, when Ctrl-C comes between two, then those before are kept."""
    line = {"act": "register-household", "fields": {
        "household": "V1", "estate": "Anhe", "building": "1", "unit": "1", "room": "101",
    }}  # fmt: skip
    run = [sys.executable, "-m", "crm_adapters.cli", "--lang", "en"]
    subprocess.run([*run, "create"], cwd=tmp_path, check=True, timeout=60, capture_output=True)
    with subprocess.Popen(
        [*run, "do", "-", "--as", "specialist:S1"],
        cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(line).encode() + b"\n")
        process.stdin.flush()
        written = json.loads(process.stdout.readline())["position"]
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert process.stderr is not None
        told = process.stderr.read().decode()
    assert told.strip() == f"crm: interrupted; {written} events that were written before are kept"
    with open_crm(f"sqlite:///{tmp_path / 'crm.db'}") as kept:
        assert kept.log.head() == written > 0


def test_without_the_extra_the_command_says_what_to_install(tmp_path: Path) -> None:
    """`pip install crm-core` alone has no command line."""
    program = "import sys; sys.modules['click'] = None; from crm_adapters.cli import main; main()"
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, check=False, timeout=60
    )
    assert ran.returncode == 2
    assert ran.stderr == (b"crm: `click` is not installed; the command line needs crm-core[all]\n")


def test_what_is_missed_only_later_is_said_as_well(tmp_path: Path) -> None:
    """A command's module is loaded when the command is used."""
    program = (
        "import sys; sys.modules['sqlalchemy'] = None; sys.argv[1:] = ['verify'];"
        " from crm_adapters.cli import main; main()"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, check=False, timeout=60
    )
    assert ran.returncode == 2
    assert ran.stderr.endswith(b" is not installed; the command line needs crm-core[all]\n")
    assert ran.stderr.startswith(b"crm: `sqlalchemy")
    assert ran.stderr.count(b"\n") == 1


# --- standard output ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [["history", "H00001"], ["history", "H00001", "--format", "json"], ["grades", "2024"]],
)
def test_a_reader_that_has_gone_is_no_error(arguments: list[str], home: Path) -> None:
    """As `head` does: the command is done, says nothing, and its status stands."""
    gone, stdout = os.pipe()
    os.close(gone)
    try:
        ran = apart(*arguments, cwd=home, stdout=stdout)
    finally:
        os.close(stdout)
    assert (ran.returncode, ran.stderr) == (0, b"")


def test_a_reader_that_has_gone_does_not_hide_what_a_check_found(home: Path) -> None:
    """Exit status 1 stays 1."""
    tamper(home / "crm.db", 1)
    gone, stdout = os.pipe()
    os.close(gone)
    try:
        ran = apart("verify", cwd=home, stdout=stdout)
    finally:
        os.close(stdout)
    assert (ran.returncode, ran.stderr) == (1, b"")


def test_output_fits_the_encoding_of_its_reader(home: Path) -> None:
    """JSON is escaped where it must be; for people a character without a place is replaced."""
    household = households(home)[0]
    plain = apart("history", household, "--format", "json", cwd=home, PYTHONIOENCODING="utf-8")
    ascii_only = apart("history", household, "--format", "json", cwd=home, PYTHONIOENCODING="ascii")
    assert json.loads(ascii_only.stdout) == json.loads(plain.stdout)
    assert plain.stdout != ascii_only.stdout
    table = apart("--lang", "zh", "grades", "2024", cwd=home, PYTHONIOENCODING="ascii")
    assert (table.returncode, table.stderr) == (0, b"")
    assert b"????" in table.stdout


def test_progress_goes_to_standard_error(
    crm: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when it is shown, standard output holds the JSON alone."""
    monkeypatch.setattr("crm_adapters.cli.output.PROGRESS_AFTER_SECONDS", 0.0)
    for arguments in (
        ["--db", "sqlite:///new.db", "import", "estate"],
        ["--db", "sqlite:///new.db", "grade", "2024"],
        ["replay"],
        ["generate", "--households", "3", "--out", "new"],
        ["export", "households", "--out", "out.csv"],
        ["--db", "sqlite:///new.db", "undo", "1", "--reason", "wrong", "--despite-gradings"],
    ):
        ran = crm(*arguments, "--format", "json")
        assert ran.status == 0
        assert ran.json
        assert ran.err
        if not {"import", "generate"} & {*arguments}:
            assert re.search(r" (\d+)/\1 ", ran.err), ran.err


# --- a log that was tampered with ---------------------------------------------------------------


def tamper(
    path: Path,
    position: int,
    old: str | None = None,
    new: str | None = None,
    *,
    column: str = "state",
) -> str:
    """Change one stored event behind the library's back: its first byte, or `old` to `new`."""
    log = lift(sqlite3.connect(path))
    [(text, stream)] = log.execute(
        f"SELECT {column}, stream FROM crm_events WHERE position = ?", (position,)
    )
    if old is None or new is None:
        at = text.index('"event"') + 12
        changed = text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1 :]
    else:
        assert old in text
        changed = text.replace(old, new, 1)
    assert changed != text
    log.execute(f"UPDATE crm_events SET {column} = ? WHERE position = ?", (changed, position))
    log.commit()
    log.close()
    return str(stream)


def positions(path: Path, name: str) -> list[int]:
    log = sqlite3.connect(path)
    found = log.execute(
        "SELECT position FROM crm_events WHERE name = ? ORDER BY position", (name,)
    ).fetchall()
    log.close()
    return [position for (position,) in found]


def stored(home: Path) -> list[tuple[int, str, str]]:
    """Position, household and text of every event."""
    log = sqlite3.connect(home / "crm.db")
    found = log.execute(
        "SELECT position, household, state FROM crm_events ORDER BY position"
    ).fetchall()
    log.close()
    return found


EVERYTHING: Sequence[Sequence[str]] = [
    ["verify"],
    ["replay"],
    ["replay", "2024"],
    ["grade", "2024"],
    ["grade", "2023"],
    ["grades", "2024"],
    ["affected"],
    ["credit", "--on", "2024-12-31"],
    ["history", "H00001"],
    ["show", "H00001"],
    ["explain", "H00001", "2024"],
    ["report", "2024", "--out", "page.html"],
    ["import", "estate"],
]


def try_everything(crm: Run) -> None:
    """No command shows a traceback (the fixture looks for it) or has no word for what it saw."""
    for command in EVERYTHING:
        ran = crm(*command)
        assert ran.status in {0, 1, 2}
        if ran.status == 2:
            assert "unexpected_error" not in ran.err, f"{command}: {ran.err}"


@pytest.mark.rule("LOG-04")
@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.8, 1.0])
def test_one_changed_byte_is_found_where_it_is(share: float, crm: Run, home: Path) -> None:
    """`crm verify` exits 1 and names the position; nothing falls over it."""
    events = as_json(crm, "verify")["events"]
    position = max(1, round(events * share))
    stream = tamper(home / "crm.db", position)
    ran = crm("verify", "--format", "json")
    assert (ran.status, ran.err) == (1, "")
    assert ran.json["intact"] is False
    fault = {"position": position, "stream": stream, "kind": "digest", "object": ""}
    assert ran.json["first_fault"] == fault
    told = crm("verify")
    assert told.status == 1
    assert told.out.startswith(f"NOT intact: digest at position {position} in `{stream}`")
    try_everything(crm)


@pytest.mark.rule("LOG-04", "GRD-08")
def test_a_changed_fact_is_found_by_verify_and_by_replay(crm: Run, home: Path) -> None:
    """Replay names the household and the first input that differs, and exits 1."""
    made = positions(home / "crm.db", "payments.purchase_made/1")
    position, household, _ = next(
        event for event in stored(home) if event[0] in made and '"on":"2024-' in event[2]
    )
    tamper(home / "crm.db", position, '"amount_fen":', '"amount_fen":1')
    ran = crm("replay", "2024", "--format", "json")
    assert ran.status == 1
    [finding] = ran.json["differing"]
    assert (finding["household"], finding["year"]) == (household, 2024)
    assert finding["first_difference"].startswith("facts.purchases_fen: recorded `")
    assert ran.json["identical"] == ran.json["gradings"] - 1
    shown = crm("replay", "2024")
    assert shown.status == 1
    assert f"household {household}, 2024: facts.purchases_fen" in shown.out
    assert "NOT all identical" in shown.out
    assert crm("verify").status == 1


@pytest.mark.rule("LOG-04", "GRD-08")
def test_a_grading_that_says_the_same_in_other_bytes_is_found_by_verify_alone(
    crm: Run, home: Path
) -> None:
    """Replay compares what was decided; how it is written is what the chain is for."""
    position = min(positions(home / "crm.db", "gradings.decided/1"))
    tamper(home / "crm.db", position, '"facts":{', '"facts": {')
    assert as_json(crm, "replay")["differing"] == []
    assert crm("verify").status == 1


@pytest.mark.rule("GRD-08")
def test_processes_find_what_one_finds(crm: Run, home: Path) -> None:
    made = positions(home / "crm.db", "payments.purchase_made/1")
    households = set()
    for position, household, text in stored(home):
        if position in made and '"on":"2024-' in text and household not in households:
            tamper(home / "crm.db", position, '"amount_fen":', '"amount_fen":1')
            households.add(household)
    alone, together = (
        crm("replay", "2024", "--format", "json", *more) for more in ([], ["--processes", "2"])
    )
    assert (alone.status, together.status) == (1, 1)
    one, two = json.loads(alone.out), json.loads(together.out)
    assert len(one["differing"]) == len(households) > 2
    assert {**two, "seconds": one["seconds"]} == one
    # What goes wrong in another process is told as it is in this one.
    position = min(made)
    tamper(home / "crm.db", position, '"amount_fen":', '"amount":')
    errors = [crm("replay", *more) for more in ([], ["--processes", "2"])]
    assert [ran.status for ran in errors] == [2, 2]
    # What takes longer than a second shows how far it is before that.
    said, same = (ran.err.splitlines()[-1] for ran in errors)
    assert said == same
    assert f"event at position {position} in `account/" in said
    assert said.endswith("[CRM-F007]")


class Deadly:
    """Kills the process that it is sent to."""

    def __reduce__(self) -> Any:
        return os._exit, (3,)


@pytest.mark.rule("GRD-08")
def test_a_process_that_dies_is_an_error(home: Path) -> None:
    source = Source(f"sqlite:///{home}/crm.db", policies=cast("Any", Deadly()))
    with pytest.raises(Failed, match="a process of the replay died"):
        replay(source, None, 2, lambda _: None)


@pytest.mark.rule("GRD-06")
def test_a_changed_grade_does_not_follow_from_its_facts(crm: Run, home: Path) -> None:
    """Who writes another layer into a decision is found by every command that reads it."""
    row = next(g for g in as_json(crm, "grades", "2024") if g["layer"] == "ordinary")
    decided = positions(home / "crm.db", "gradings.decided/1")
    position = next(
        p for p, household, _ in stored(home) if p in decided and household == row["household"]
    )
    tamper(home / "crm.db", position, '"layer":"ordinary","status"', '"layer":"main","status"')
    for command in (
        ["grades", "2024"],
        ["grade", "2024"],
        ["explain", row["household"], "2024"],
    ):
        ran = crm(*command)
        assert (ran.status, ran.out) == (2, "")
        assert ran.err.endswith("[CRM-F009]\n")
        assert row["household"] in ran.err
    assert crm("replay").status == 1
    assert crm("verify").status == 1


@pytest.mark.rule("LOG-02")
def test_an_unknown_event_is_reported_and_never_dropped(crm: Run, home: Path) -> None:
    """An event of a later version is an error of its own, with name and position."""
    position = positions(home / "crm.db", "payments.charge_raised/1")[0]
    tamper(home / "crm.db", position, "charge_raised/1", "charge_raised/7", column="name")
    household = next(household for p, household, _ in stored(home) if p == position)
    ran = crm("history", household)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == (
        f"crm: event `payments.charge_raised/7` at position {position} is not known to this"
        " version [CRM-F006]\n"
    )
    assert crm("verify", "--format", "json").json["first_fault"]["position"] == position
    try_everything(crm)


DAMAGE = [
    ("payments.charge_raised/1", '"amount_fen":', '"amount_fen":"x",":'),
    ("payments.charge_raised/1", '"due":"2', '"due":"Q'),
    ("payments.payment_received/1", '{"actor"', '["actor"'),
    ("requests.received/1", '"recorded":"2', '"recorded":"?'),
    ("owners.household_registered/1", '"event":{', '"event":}'),
    ("gradings.decided/1", '"facts":{', '"facts":[{'),
    ("gradings.decided/1", '"credit":"A","interests"', '"credit":"Q","interests"'),
    ("gradings.decided/1", '"worst_credit":"', '"worst_credit":"Z'),
    ("gradings.decided/1", '"digest":"', '"digest":"f'),
    ("gradings.run_started/1", '"run":"', '"run":"x'),
    ("gradings.run_completed/1", '"year":2024', '"year":2022'),
]


@pytest.mark.parametrize(("name", "old", "new"), DAMAGE)
def test_damage_of_any_kind_is_an_error_with_a_code(
    name: str, old: str, new: str, crm: Run, home: Path
) -> None:
    """Bytes that are no event any more stop what needs them, in one line."""
    of_this_name = positions(home / "crm.db", name)
    position = next(p for p, _, state in stored(home) if p in of_this_name and old in state)
    tamper(home / "crm.db", position, old, new)
    assert crm("verify", "--format", "json").json["first_fault"]["position"] == position
    try_everything(crm)


@pytest.mark.parametrize("column", ["name", "household", "stream", "state"])
def test_bytes_that_are_no_text_are_an_error_with_a_code(column: str, crm: Run, home: Path) -> None:
    """Neither does damage below the level of text show a traceback."""
    log = lift(sqlite3.connect(home / "crm.db"))
    log.execute(
        f"UPDATE crm_events SET {column} = CAST(x'ff' || substr({column}, 2) AS TEXT)"
        " WHERE position = 10"
    )
    log.commit()
    log.close()
    ran = crm("verify", "--format", "json")
    assert (ran.status, ran.json["first_fault"]["position"]) == (1, 10)
    try_everything(crm)


@pytest.mark.rule("LOG-04")
def test_a_missing_event_is_found(crm: Run, home: Path) -> None:
    """Positions have no gaps."""
    log = lift(sqlite3.connect(home / "crm.db"))
    log.execute("DELETE FROM crm_events WHERE position = 20")
    log.commit()
    log.close()
    fault = crm("verify", "--format", "json").json["first_fault"]
    assert fault["position"] == 21
    try_everything(crm)


# --- a policy of one's own ----------------------------------------------------------------------


def shipped_policy() -> str:
    folder = files("crm_core") / "gradings" / "policies"
    return (folder / "grade-cn-default-2.toml").read_text(encoding="utf-8")


def candidate(name: str, **changes: str) -> str:
    """The shipped policy under another name, with other thresholds."""
    text = shipped_policy().replace(
        'name = "grade-cn-default"\nversion = 2\n', f'name = "{name}"\nversion = 1\n'
    )
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    return text


@pytest.fixture
def kind(home: Path) -> Path:
    """A candidate that lets everybody into the main layer who buys for 100 yuan."""
    path = home / "kind.toml"
    text = candidate("grade-kind")
    for threshold, rows in (("1_000_000", 1), ("800_000", 2)):
        assert text.count(f"threshold = {threshold} ") == rows
        text = text.replace(f"threshold = {threshold} ", "threshold = 10_000 ")
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.rule("GRD-11")
def test_a_candidate_file_grades_explains_and_replays(crm: Run, kind: Path, home: Path) -> None:
    """`--policy FILE.toml` makes a run beside the others, and every reader can be given it."""
    graded = as_json(crm, "grade", "2024", "--policy", kind.name)
    assert graded["policy"] == "grade-kind/1"
    before = as_json(crm, "grade", "2024")
    assert before["run"] != graded["run"]
    assert before["policy_digest"] != graded["policy_digest"]
    run_of = ["--run", graded["run"]]
    again = as_json(crm, "grades", "2024", *run_of, "--policy", kind.name)
    assert again == graded["gradings"]
    moved = [
        (old["household"], old["layer"], new["layer"])
        for old, new in zip(before["gradings"], again, strict=True)
        if old["layer"] != new["layer"]
    ]
    assert moved
    assert {new for _, _, new in moved} == {"main"}
    household = moved[0][0]
    said = as_json(crm, "explain", household, "2024", *run_of, "--policy", kind.name)
    assert (said["layer"], said["policy"]) == ("main", "grade-kind/1")
    replayed = as_json(crm, "replay", "--policy", kind.name)
    assert replayed["gradings"] == replayed["identical"] == 2 * len(households(home))
    assert as_json(crm, "affected", "--policy", kind.name) == []
    # It is not the policy in force: nothing but its name, or a director, brings it forward.
    assert (graded["standing"], before["standing"]) == ("trial", "of_record")
    asked = ["report", "2024", "--policy", kind.name, "--out", "kind.html"]
    assert as_json(crm, *asked)["run"] == before["run"]
    assert as_json(crm, *asked, *run_of)["run"] == graded["run"]


@pytest.mark.rule("GRD-08", "GRD-11")
def test_a_run_of_a_policy_that_is_not_at_hand_is_not_passed_over(crm: Run, kind: Path) -> None:
    """Replay finds it; reading it is an error with the policy's name."""
    graded = as_json(crm, "grade", "2024", "--policy", kind.name)
    run = graded["run"]
    replace = ["replace-record", "2024", run, "--reason", "ours", "--policy", kind.name]
    count = len(as_json(crm, *replace)["moved"])
    as_json(crm, *replace, "--moves", str(count), "--as", "director:D1")
    ran = crm("replay", "--format", "json")
    assert ran.status == 1
    assert len(ran.json["differing"]) == len(graded["gradings"])
    for finding in ran.json["differing"]:
        assert finding["first_difference"] == "policy: there is no policy `grade-kind/1`"
    for command in (["grades", "2024"], ["affected"], ["report", "2024", "--out", "page.html"]):
        ran = crm(*command)
        assert (ran.status, ran.out) == (2, "")
        assert ran.err == "crm: there is no policy `grade-kind/1` [CRM-I002 policy_unknown]\n"


def test_several_candidates_can_be_at_hand_at_once(crm: Run, kind: Path, home: Path) -> None:
    """A log with runs of two candidates can be replayed in one go."""
    other = home / "other.toml"
    other.write_text(candidate("grade-other"), encoding="utf-8")
    for path in (kind, other):
        assert crm("grade", "2024", "--policy", path.name).status == 0
    replayed = as_json(crm, "replay", "--policy", kind.name, "--policy", other.name)
    assert replayed["gradings"] == replayed["identical"] == 3 * len(households(home))


def test_the_shipped_policy_from_a_file_is_the_shipped_policy(crm: Run, home: Path) -> None:
    """Same contents, same digest, same run; comments and layout do not matter."""
    (home / "copy.toml").write_text("# a copy\n\n" + shipped_policy(), encoding="utf-8")
    assert as_json(crm, "grade", "2024", "--policy", "copy.toml") == as_json(crm, "grade", "2024")


@pytest.mark.rule("GRD-11")
def test_a_published_version_cannot_be_changed(crm: Run, home: Path) -> None:
    """Other contents under a shipped name and version are refused."""
    text = shipped_policy().replace("threshold = 800_000", "threshold = 1")
    (home / "forged.toml").write_text(text, encoding="utf-8")
    ran = crm("grade", "2024", "--policy", "forged.toml")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("crm: policy `grade-cn-default/2` has digest ")
    assert ran.err.endswith("[CRM-F008]\n")


@pytest.mark.rule("GRD-11")
def test_a_candidate_without_assessment_cannot_be_used(crm: Run, home: Path) -> None:
    """All that it lacks is told at once."""
    lines = candidate("grade-draft").splitlines()
    lacking = ("effective_from", "approved_by", "impact_assessment")
    text = "\n".join(line for line in lines if not line.startswith(lacking))
    (home / "draft.toml").write_text(text, encoding="utf-8")
    before = as_json(crm, "verify")
    ran = crm("grade", "2024", "--policy", "draft.toml")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.splitlines() == [
        f"crm: {name}: is missing in `grade-draft/1` [CRM-I003 policy_inactive]" for name in lacking
    ]
    assert as_json(crm, "verify") == before


@pytest.mark.rule("GRD-11")
def test_a_malformed_candidate_is_told_with_all_faults_and_their_paths(
    crm: Run, home: Path
) -> None:
    """One reading is enough to repair it."""
    text = (
        candidate("grade-broken")
        .replace("version = 1", 'version = "one"')
        .replace('kind = "grading"', 'kind = "grading"\ncolour = "red"')
        .replace('op = "above"', 'op = "over"', 1)
    )
    (home / "broken.toml").write_text(text, encoding="utf-8")
    for command in (
        ["grade", "2024"],
        ["grades", "2024"],
        ["explain", "H00001", "2024"],
        ["replay"],
        ["affected"],
    ):
        ran = crm(*command, "--policy", "broken.toml")
        assert (ran.status, ran.out) == (2, "")
        lines = ran.err.splitlines()
        assert len(lines) == 3
        assert all(line.endswith("[CRM-I001 policy_malformed]") for line in lines)
        told = [line.split(": ")[1] for line in lines]
        assert told == [
            "broken.toml",
            "broken.toml:policy.version",
            "broken.toml:prospect[0].when[0].op",
        ]


@pytest.mark.rule("GRD-11", "GRD-15")
def test_a_candidate_sees_no_other_facts_than_those_of_the_list(crm: Run, home: Path) -> None:
    """Income is not a fact; every such line is told."""
    text = candidate("grade-snob").replace('fact = "interests"', 'fact = "income"')
    text = text.replace('outcome = "small"', 'outcome = "tiny"')
    (home / "snob.toml").write_text(text, encoding="utf-8")
    ran = crm("grade", "2024", "--policy", "snob.toml")
    assert ran.status == 2
    assert "snob.toml:prospect[1].when[0].fact: `income` is not a fact" in ran.err
    assert "snob.toml:layer[9].outcome: `tiny` is not one of" in ran.err


@pytest.mark.parametrize("content", [b"\xff\xfe", b"name = ", b"", b"[policy]\n"])
def test_a_file_that_is_no_policy_is_told(content: bytes, crm: Run, home: Path) -> None:
    """Neither text, nor TOML, nor a policy: one line each."""
    (home / "none.toml").write_bytes(content)
    ran = crm("grade", "2024", "--policy", "none.toml")
    assert (ran.status, ran.out) == (2, "")
    for line in ran.err.splitlines():
        assert line.startswith("crm: ")
        assert line.endswith(("[CRM-I001 policy_unreadable]", "[CRM-I001 policy_malformed]"))


# --- the main job ---------------------------------------------------------------------------------

DEMO = {
    "year",
    "import",
    "run",
    "layers",
    "types",
    "credit",
    "explained",
    "replay",
    "intact",
    "root",
    "log",
    "report",
    "seconds",
}


def test_demo_leaves_log_keys_and_report(crm: Run, home: Path) -> None:
    """The whole way on one's own files, told as data."""
    ran = crm("demo", "estate", "--out", "shown", "--format", "json")
    assert ran.status == 0
    told = ran.json
    assert set(told) >= DEMO
    assert (told["year"], told["intact"], told["replay"]["differing"]) == (2024, True, [])
    assert sum(told["layers"].values()) == len(households(home))
    left = {path.name for path in (home / "shown").iterdir()}
    assert left >= {"crm.db", "crm.db.keys", "report.html"}
    assert Path(told["log"]) == Path("shown/crm.db")
    page = (home / "shown" / "report.html").read_text(encoding="utf-8")
    assert page.lstrip().lower().startswith("<!doctype html")
    with open_crm(f"sqlite:///{told['log']}", create=True) as opened:
        assert opened.verify().root == told["root"]
        assert [g.household for g in opened.gradings.grades(2024).gradings] == households(home)


def test_demo_shows_summary_explanation_and_verdict(crm: Run) -> None:
    """What a person sees: the directory's summary, one grade explained, the replay's verdict."""
    ran = crm("demo", "estate", "--out", "shown")
    assert ran.status == 0
    for words in ("important", "households", "in 2024: layer", "all identical: ", "log intact: "):
        assert words in ran.out
    assert ran.out.endswith("left in shown: crm.db, crm.db.keys, report.html\n")


def test_demo_again_repeats_nothing(crm: Run) -> None:
    """The same files once more: the same run, the same root."""
    first = crm("demo", "estate", "--out", "shown", "--format", "json").json
    second = crm("demo", "estate", "--out", "shown", "--format", "json").json
    assert second["import"]["events"] == 0
    for same in ("run", "root", "layers", "log"):
        assert first[same] == second[same]


def test_demo_of_another_estate_has_a_log_of_its_own(crm: Run, home: Path) -> None:
    """Two estates in one log would be graded as one."""
    first = crm("demo", "estate", "--out", "shown", "--format", "json").json
    assert crm("generate", "--households", "4", "--seed", "8", "--out", "other").status == 0
    ran = crm("demo", "other", "--out", "shown", "--format", "json")
    assert ran.status == 0
    assert "shown has the log of another estate" in ran.err
    assert Path(ran.json["log"]) == Path("shown-2/crm.db")
    assert sum(ran.json["layers"].values()) == 4
    again = crm("demo", "estate", "--out", "shown", "--format", "json").json
    assert (again["log"], again["root"]) == (first["log"], first["root"])
    assert not (home / "shown-3").exists()


def test_demo_of_faulty_files_tells_the_faults(crm: Run, home: Path) -> None:
    """Exit status 2 and the import's faults; nothing is graded."""
    path = home / "estate" / "charges.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("2024-", "2024/"), encoding="utf-8")
    ran = crm("demo", "estate", "--out", "shown", "--format", "json")
    assert ran.status == 2
    assert {fault["code"] for fault in ran.json["faults"]} >= {"date_malformed"}
    assert crm("demo", "nowhere", "--out", "shown").status == 2


@pytest.mark.parametrize(("first_of_next", "year"), [(3, 2023), (6, 2024)])
def test_demo_grades_the_latest_year_that_is_full_enough(
    first_of_next: int, year: int, crm: Run, home: Path
) -> None:
    """Of the year after the last full one there are often a few charges already."""
    folder = home / "small"
    folder.mkdir()
    (folder / "households.csv").write_text(
        "household,estate,building,unit,room,kind\nV1,Estate,1,1,101,person\n"
    )
    due = [f"2023-{month:02}-01" for month in range(1, 13)]
    due += [f"2024-{month:02}-01" for month in range(1, first_of_next + 1)]
    lines = [f"C{day},V1,parking,{day[:7]},10.00,{day}\n" for day in due]
    (folder / "charges.csv").write_text(
        "charge,household,kind,period,amount,due\n" + "".join(lines)
    )
    assert crm("demo", "small", "--out", "shown", "--format", "json").json["year"] == year


@pytest.mark.rule("GRD-01", "GRD-17")
@pytest.mark.parametrize(("first", "year", "trial"), [(2023, 2023, False), (2024, 2024, True)])
def test_demo_grades_a_year_that_is_over_or_says_that_it_is_a_trial(
    first: int, year: int, trial: bool, crm: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crm_adapters.wiring.SystemClock", _Clock)
    folder = home / "small"
    folder.mkdir()
    (folder / "households.csv").write_text(
        "household,estate,building,unit,room,kind\nV1,Estate,1,1,101,person\n"
    )
    due = [f"{one}-{month:02}-01" for one in range(first, 2025) for month in range(1, 7)]
    lines = [f"C{day},V1,parking,{day[:7]},10.00,{day}\n" for day in due]
    (folder / "charges.csv").write_text(
        "charge,household,kind,period,amount,due\n" + "".join(lines)
    )
    ran = crm("demo", "small", "--out", "shown")
    assert ran.status == 0
    assert (f"a trial of {year}; it is not what holds" in ran.err) is trial
    assert crm("demo", "small", "--out", "shown", "--format", "json").json["year"] == year


def test_demo_without_charges_has_no_year(crm: Run, home: Path) -> None:
    """There is nothing to grade, and that is said."""
    for name in FILES[1:]:
        (home / "estate" / name).unlink()
    ran = crm("demo", "estate", "--out", "shown")
    assert ran.status == 2
    assert ran.err.endswith(
        "crm: there are no charges, so there is no year to grade [CRM-I001 no_charges]\n"
    )


# --- PostgreSQL -----------------------------------------------------------------------------------


def test_everything_works_on_postgresql(crm: Run, postgres_url: str, home: Path) -> None:
    """Import, grade, replay, verify, and the same gradings as on SQLite."""
    db = ["--db", postgres_url, "--keys", "pg.keys"]
    first = as_json(crm, *db, "import", "estate")
    assert first["faults"] == []
    assert as_json(crm, *db, "import", "estate")["events"] == 0
    graded = as_json(crm, *db, "grade", "2024")
    assert graded["gradings"] == as_json(crm, "grade", "2024")["gradings"]
    assert as_json(crm, *db, "replay")["identical"] == len(households(home))
    assert as_json(crm, *db, "verify")["intact"]
    row = imported(home, "households.csv")[0]
    shown = as_json(crm, *db, "show", row["household"], "--purpose", "return visit", *CLERK)
    assert shown["roles"][0]["name"] == row["owner"]
