"""Who is erased while a file is being made of them stands in no file, finished or not (PRV-04)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from crm_adapters.cli.group import App
from crm_adapters.outputs import Kept, drafted, is_draft, mark_of, written, written_whole
from crm_adapters.register import BACKUP, PERSON, REJECTS, TABLE, Register
from crm_core import Invalid
from privacy.canaries import files, heard
from privacy.forgetting import KEEPER, WHY, Company
from privacy.neighbour import PATHS

pytestmark = [pytest.mark.rule("PRV-04"), pytest.mark.case("S11")]

M7 = "name of M7"


@pytest.fixture
def company(tmp_path: Path) -> Company:
    company = Company(tmp_path)
    company.settle_in()
    return company


def erase(company: Company, member: str = "M7") -> dict[str, str]:
    """What became of each trace, by the name of its file."""
    with company.open() as crm:
        found = crm.privacy.erase("V1", member, by=KEEPER, purpose=WHY)
    return {Path(trace.name).name: trace.outcome for trace in found.traces}


def kept(company: Company) -> Kept:
    register = Register(company.folder / "crm.db.written")
    return Kept(register=register, erased=company.erased, mark=mark_of(company.erased))


def refused(write: Callable[[], None]) -> None:
    """It is told that somebody was erased meanwhile."""
    with pytest.raises(Invalid) as told:
        write()
    assert told.value.faults[0].code == "erased_meanwhile"


def noted(company: Company) -> set[str]:
    return {one.path.name for one in Register(company.folder / "crm.db.written").noted()}


EXPORT = """
import os, sys
from crm_adapters.cli.app import run

def end(event, arguments):
    # Just before the copy is given its name.
    if event == "os.rename" and str(arguments[1]).endswith(sys.argv[2]):
        os._exit(9)

sys.addaudithook(end)
run(["--db", sys.argv[1], "export-person", "V1#owner", "--out", sys.argv[2],
     "--as", "custodian:kong", "--purpose", "rights"])
"""


def test_a_process_that_ends_while_it_writes_leaves_nothing_that_an_erasure_does_not_find(
    company: Company,
) -> None:
    out = company.folder / "copy.json"
    done = subprocess.run(
        [sys.executable, "-c", PATHS + EXPORT, str(company.folder / "crm.db"), str(out)],
        capture_output=True, text=True, timeout=120, check=False, cwd=company.folder,
    )  # fmt: skip
    assert done.returncode == 9, done.stderr
    [draft] = [path for path in files(company.folder) if is_draft(path)]
    assert heard(company.folder, ["name of V1#owner"]).keys() == {draft.name}
    assert draft.name in noted(company)
    assert erase(company, "V1#owner")[draft.name] == "deleted"
    assert heard(company.folder, ["name of V1#owner"]) == {}
    assert draft.name not in noted(company)


@pytest.mark.parametrize("name", ["out.csv", "sub/../out.csv"])
def test_a_file_that_was_finished_leaves_no_draft_in_the_register(
    company: Company, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Whichever way its path was written: as people do, from where they are."""
    monkeypatch.chdir(company.folder)
    (company.folder / "sub").mkdir()
    written_whole(Path(name), b"x", kept=kept(company), kind=TABLE, about=[])
    with drafted(Path(name).with_name("back.db"), kept=kept(company), kind=BACKUP) as draft:
        draft.write_bytes(b"x")
    assert noted(company) == {"out.csv", "back.db"}


@pytest.mark.parametrize("kind", [PERSON, REJECTS, TABLE])
def test_what_is_being_written_when_somebody_is_erased_is_not_finished(
    company: Company, kind: str
) -> None:
    """Whatever of it is on the disk by then."""
    out = company.folder / "out.csv"
    about = ["V1", "M7"] if kind == PERSON else []

    def write() -> None:
        with written(out, kept=kept(company), kind=kind, about=about) as [file]:
            file.write(M7)
            assert "deleted" in erase(company).values()
            file.write(M7)

    refused(write)
    assert heard(company.folder, [M7]) == {}
    assert "out.csv" not in noted(company)
    # Made anew it is as it should be.
    written_whole(out, b"without", kept=kept(company), kind=kind, about=about)
    assert noted(company) == {"out.csv"}


def test_who_is_erased_behind_the_last_look_has_taken_the_draft_away(company: Company) -> None:
    """Somebody who has no mark writes, and finds the draft gone."""
    out = company.folder / "out.csv"
    register = Kept(register=Register(company.folder / "crm.db.written"))

    def write() -> None:
        with written(out, kept=register, kind=TABLE) as [file]:
            file.write(M7)
            erase(company)

    def write_alone() -> None:
        with drafted(out, kept=register, kind=TABLE) as draft:
            draft.write_text(M7, encoding="utf-8")
            erase(company, "V1#owner")

    refused(write)
    refused(write_alone)
    assert heard(company.folder, [M7]) == {}


def test_what_was_read_before_somebody_was_erased_is_not_written_behind_it(
    company: Company,
) -> None:
    app = App(db=str(company.folder / "crm.db"))
    out = app.to_write(company.folder / "out.csv")
    with app.open():
        pass
    before = company.erased.exists()
    erase(company)
    assert not before
    refused(lambda: written_whole(out, M7.encode(), kept=app.kept, kind=TABLE))
    assert heard(company.folder, [M7]) == {}
    # Who only opens the log now may write.
    app = App(db=str(company.folder / "crm.db"))
    with app.open():
        written_whole(out, b"without", kept=app.kept, kind=TABLE)


def test_what_tells_of_nobody_is_written_whoever_is_erased(company: Company) -> None:
    out = company.folder / "form.html"
    with written(out, kept=kept(company)) as [file]:
        file.write("form")
        erase(company)
    assert out.read_text(encoding="utf-8") == "form"
    assert noted(company) == set()


def test_a_backup_that_was_not_finished_is_told_and_stays(company: Company) -> None:
    """It opens nothing once it is put back; it is for whoever made it to remove."""
    with drafted(company.folder / "copy.db", kept=kept(company), kind=BACKUP) as draft:
        draft.write_bytes(b"part of it")
        with company.open() as crm:
            found = crm.privacy.erase("V1", "M7", by=KEEPER, purpose=WHY, dry=True)
        assert {t.outcome for t in found.traces if t.kind == BACKUP} == {"left"}
    assert noted(company) == {"copy.db"}
