"""No byte that the library wrote tells of who was erased (S11), and nobody else's has changed."""

from __future__ import annotations

import csv
import json
import sqlite3
from contextlib import closing
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from cli.office import Office
from crm_adapters import open_crm
from crm_adapters.frames import BACKENDS
from crm_adapters.notify.console import ConsoleNotifier
from crm_adapters.notify.outbox import Outbox, notices
from crm_core import Personal
from crm_core.kernel.data_map import CLASSES
from crm_core.kernel.sealed import Erased, Plain
from crm_core.owners import AddMember
from privacy.canaries import DAY, LEFT_CLEAR, SEALED, Canaries, files, heard, sing
from privacy.forgetting import KEEPER, sealed_of

pytestmark = [pytest.mark.rule("PRV-04"), pytest.mark.case("S11")]

ENGINE = next(iter(BACKENDS))
HOUSES = {"V1": "M7", "V2": "M8"}
WHO = ("--as", "custodian:kong", "--purpose", "rights")


def test_what_people_type_is_sealed_but_for_what_is_said_to_be_clear() -> None:
    typed = {name for name, data in CLASSES.items() if data.typed}
    assert typed - SEALED == LEFT_CLEAR


def imported(home: Path, canaries: Canaries) -> Path:
    """Files of two households; of each some rows are at fault and are put aside."""
    folder = home / "estate"
    folder.mkdir()
    with (folder / "households.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["household", "estate", "building", "unit", "room", "kind", "owner", "phone"])
        for number, house in enumerate(HOUSES):
            owner, wrong = canaries.new(house), canaries.new(house)
            rows.writerow([house, "Anhe", "1", "1", f"10{number}", "person", owner, ""])
            rows.writerow([house, "Anhe", "1", "1", f"20{number}", "castle", owner, ""])
            rows.writerow([house, "Anhe", "1", "1", f"30{number}", "castle", wrong, ""])
    return folder


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    return Office(tmp_path, monkeypatch)


def sung(office: Office, canaries: Canaries) -> dict[str, str]:
    """A log with canaries everywhere, and every file that is made from it; the roots by length."""
    home = office.path.parent
    folder = imported(_elsewhere(home), canaries)
    status, _, err = office.run(
        "import", str(folder), "--skip-faulty", "--rejects", str(home / "rejects.csv"),
        "--as", "custodian:kong",
    )  # fmt: skip
    assert status in (0, 1), err
    with open_crm(f"sqlite:///{office.path}") as crm:
        for house, member in HOUSES.items():
            name = Personal(member, canaries.new(house))
            crm.do(AddMember(house, member, "tenant", DAY, name), by=KEEPER)
            assert sing(crm, canaries, house, member) > 100
        for view in crm.registry.projections:
            crm.views.catch_up(view)
        crm.views.catch_up(notices(crm))
        Outbox(crm, {"": ConsoleNotifier(StringIO())}).dispatch()
        root = crm.log.root()
    for house, member in HOUSES.items():
        for name in (house, f"{house}#{member}"):
            for ending in ("json", "html"):
                out = home / f"{name.replace('#', '-')}.{ending}"
                office.run("export-person", name, "--out", str(out), *WHO)
    return {str(root.events): root.root}


def _elsewhere(home: Path) -> Path:
    """Files of people's own lie where the library writes nothing."""
    other = home.with_name(f"{home.name}-theirs")
    other.mkdir(exist_ok=True)
    return other


def test_no_byte_tells_of_who_was_erased(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    home, canaries = office.path.parent, Canaries()
    roots = sung(office, canaries)
    # They are there to be found: in the files made for people, and nowhere else.
    before = heard(home, canaries.of["V1"])
    assert {"rejects.csv", "V1.json", "V1.html"} <= before.keys()
    assert not {name for name in before if name.startswith("crm.db")}
    others = {path: path.read_bytes() for path in files(home) if path.name.startswith("V2")}
    theirs = rows_of(office)

    found = office.json("erase", "V1", *WHO)

    assert heard(home, canaries.of["V1"]) == {}
    for path, content in others.items():
        assert path.read_bytes() == content
    assert heard(home, canaries.of["V2"]).keys() >= {"rejects.csv", "V2.json", "V2.html"}
    assert rows_of(office) == theirs
    done = {Path(one["name"]).name: one["outcome"] for one in found["traces"]}
    assert done["rejects.csv"] == "rewritten"
    assert done["V1.json"] == done["V1.html"] == "deleted"
    assert not [name for name in done if name.startswith("V2")]
    with open_crm(f"sqlite:///{office.path}") as crm:
        assert crm.verify(deep=True).intact
        for events, root in roots.items():
            assert crm.log.root(int(events)).root == root
        for place, value in sealed_of(crm):
            answer = crm.host.vault.open(value, place)
            if {*value.subject.split(" ")} & {"M7", "V1#owner", "V1~1"}:
                assert isinstance(answer, Erased)
            else:
                assert isinstance(answer, Plain)
    status, out, _ = office.run("show", "V1", *WHO)
    assert status == 0, (out, _)
    assert "personal value erased" in out
    assert not capsys.readouterr().err


def rows_of(office: Office) -> tuple[list[Any], dict[str, Any]]:
    """The rows of the log as they stand, and the keys of the others."""
    with closing(sqlite3.connect(f"file:{office.path}?mode=ro", uri=True)) as file:
        events = [
            row
            for row in file.execute("SELECT * FROM crm_events ORDER BY position")
            if "privacy." not in row[4] and "messages." not in row[4]
        ]
    with closing(sqlite3.connect(f"file:{office.path}.keys?mode=ro", uri=True)) as file:
        keys = dict(file.execute("SELECT subject, key FROM crm_keys WHERE subject LIKE '%2%'"))
        keys |= dict(file.execute("SELECT subject, key FROM crm_keys WHERE subject = 'M8'"))
    return events, keys


def test_files_that_were_moved_away_and_copies_of_the_log_are_told(office: Office) -> None:
    home, canaries = office.path.parent, Canaries()
    sung(office, canaries)
    assert office.run("backup", "--out", str(home / "copy.db"), "--with-keys")[0] == 0
    (home / "V1.json").rename(home / "mine.json")
    found = office.json("erase", "V1", *WHO)
    done = {Path(one["name"]).name: one["outcome"] for one in found["traces"]}
    assert done["V1.json"] == "not_found"
    assert done["copy.db"] == done["copy.db.keys"] == "left"
    assert heard(home, canaries.of["V1"]).keys() == {"mine.json"}


def test_what_is_kept_for_gradings_is_made_anew(office: Office) -> None:
    assert office.run("generate", "--households", "3", "--years", "2024", "--out",
                      str(office.path.parent / "estate"))[0] == 0  # fmt: skip
    assert office.run("import", str(office.path.parent / "estate"))[0] == 0
    assert office.run("grade", "2024", "--engine", ENGINE)[0] == 0
    folder = office.path.with_name("crm.db.facts")
    assert list(folder.glob("*.parquet"))
    line = ("replay", "2024", "--engine", ENGINE)
    before = {**office.json(*line), "seconds": 0}
    found = office.json("erase", "H00001", *WHO)
    assert "columns" in {one["kind"] for one in found["traces"]}
    assert not list(folder.glob("*.parquet"))
    assert {**office.json(*line), "seconds": 0} == before


def test_a_file_that_somebody_made_something_else_of_is_taken_away(office: Office) -> None:
    home, canaries = office.path.parent, Canaries()
    sung(office, canaries)
    (home / "rejects.csv").write_bytes(b"\xff\xfe" + canaries.of["V1"][0].encode("utf-16-le"))
    assert office.json("erase", "V1", *WHO)["outcomes"]["deleted"] >= 3
    assert not (home / "rejects.csv").exists()


def test_the_register_knows_each_file_once_and_forgets_what_is_gone(office: Office) -> None:
    sung(office, Canaries())
    register = office.path.with_name("crm.db.written")

    def noted() -> list[str]:
        lines = register.read_text(encoding="utf-8").splitlines()
        return [Path(json.loads(line)["path"]).name for line in lines]

    assert sorted(noted()) == sorted({*noted()})
    assert register.stat().st_mode & 0o077 == 0
    office.json("erase", "V1", *WHO)
    assert not [name for name in noted() if name.startswith("V1")]
    assert "rejects.csv" in noted()


@pytest.mark.rule("PRV-06")
def test_what_a_read_was_for_is_gone_with_whom_it_was_about(office: Office) -> None:
    """That somebody looked, and for which purpose, stays; the words of it may tell of them."""
    office.register()
    said = "care: her son phoned"
    who = ("--as", "custodian:kong")
    assert office.run("show", "V1", "--as", "specialist:S1", "--purpose", said)[0] == 0
    assert heard(office.path.parent, ["her son phoned"]) == {}
    assert said in {one["purpose"] for one in office.json("who-saw", "V1", *who)}
    office.json("erase", "V1", *WHO)
    after = {one["purpose"] for one in office.json("who-saw", "V1", *who)}
    assert said not in after
    assert "care" in after
