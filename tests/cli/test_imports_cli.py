"""`crm imports`, `undo`, `export` and corrections, as a clerk gives them (IMP-01, PRV-10)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from crm_adapters.cli.app import run
from import_estates import EVERYTHING, write_files


@pytest.fixture
def crm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Any:
    """Runs the command line in a folder of its own: status, output, errors."""
    monkeypatch.chdir(tmp_path)
    write_files(tmp_path / "estate", EVERYTHING)

    def given(line: str) -> tuple[int, str, str]:
        status = run(["--lang", "en", *line.split(" ")])
        told = capsys.readouterr()
        return status, told.out, told.err

    assert given("import estate")[0] == 0
    return given


@pytest.mark.rule("IMP-01")
def test_an_import_is_listed_looked_at_and_taken_back(crm: Any) -> None:
    assert "stands" in crm("imports")[1]
    status, out, err = crm("undo 1 --reason wrong --dry-run")
    assert (status, "charges" in out, "nothing was undone" in err) == (0, True, True)
    status, out, _ = crm("undo 1 --reason wrong")
    assert (status, "import 1 is undone" in out) == (0, True)
    assert "undone" in crm("imports")[1]
    status, _, err = crm("undo 1 --reason wrong")
    assert (status, "import_undone" in err) == (2, True)
    assert crm("undo 7 --reason wrong")[0] == 2
    assert crm("import estate")[0] == 0


@pytest.mark.rule("IMP-01")
def test_what_rests_on_it_is_listed_and_nothing_is_undone(crm: Any) -> None:
    """The exit status is 1, as for a check that found something."""
    line = "--as specialist:li do receive-payment --household V1 --payment P9 --amount-fen 100"
    assert crm(f"{line} --paid-on 2024-12-01 --method cash --charge C1")[0] == 0
    status, out, err = crm("undo 1 --reason wrong")
    assert status == 1
    assert "payment received" in out
    assert "1 records rest on facts of it" in err
    status, out, _ = crm("--format json undo 1 --reason wrong")
    told = json.loads(out)
    assert (status, told["done"]) == (1, False)
    assert [(one["what"], one["number"]) for one in told["rests"]] == [("charge", "C1")]


@pytest.mark.rule("IMP-01", "PRV-10")
def test_a_table_is_exported_corrected_and_imported(crm: Any, tmp_path: Path) -> None:
    assert crm("export charges --out charges.csv") == (0, "1 rows written to charges.csv\n", "")
    file = tmp_path / "charges.csv"
    file.write_text(file.read_text("utf-8").replace("127.00", "99.00"), "utf-8")
    assert crm("import charges.csv")[0] == 2
    status, _, err = crm("import charges.csv --corrections")
    assert (status, "--corrections and --reason together" in err) == (2, True)
    status, out, _ = crm("import charges.csv --corrections --reason meter")
    assert (status, out.splitlines()[-1]) == (0, "2 events")
    assert crm("export charges --out charges.xlsx")[0] == 0
    assert "form_unknown" in crm("export charges --out charges.doc")[2]


@pytest.mark.rule("PRV-03", "PRV-10")
def test_names_are_exported_for_a_purpose_only(crm: Any, tmp_path: Path) -> None:
    crm("export households --out one.csv")
    assert "张三" not in (tmp_path / "one.csv").read_text("utf-8")
    line = "--as specialist:li export households --purpose file --out two.csv"
    assert crm(line)[0] == 0
    text = (tmp_path / "two.csv").read_text("utf-8")
    assert "张三" in text
    assert text.splitlines()[-1].startswith("# crm-core,specialist:li,")
    assert crm("export households --purpose file --out three.csv")[0] == 2
    assert not (tmp_path / "three.csv").exists()
