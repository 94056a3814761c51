"""Who owes what since when, the changes of credit, and yearly purchases, on the command line."""

from __future__ import annotations

import csv
import json
import zipfile
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from openpyxl import load_workbook

from crm_adapters import open_crm
from crm_adapters.cli.app import run
from crm_adapters.reports.workbook import TEXT_MAX, workbook
from crm_core import Actor, Invalid
from crm_core.kernel.dates import parse_instant
from crm_core.kernel.sealed import Personal
from crm_core.owners.commands import RegisterHousehold, TransferOwnership, owner_id
from crm_core.payments.commands import RaiseCharge, ReceivePayment, RecordPurchase

CLERK = Actor("S1", "specialist")
EARLY = parse_instant("2011-01-01T10:00:00+08:00")
LATER = parse_instant("2011-12-01T10:00:00+08:00")


def day(text: str) -> date:
    return date.fromisoformat(text)


def charge(household: str, number: str, due: str, fen: int = 100_00) -> RaiseCharge:
    return RaiseCharge(household, number, "management_fee", due[:7], fen, day(due))


def bought(household: str, number: str, fen: int, on: str) -> RecordPurchase:
    return RecordPurchase(household, number, "cleaning", fen, day(on))


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> str:
    """V1 was sold on 1 June, owing 100; its buyer owes 30 and V2 40; V3 pays late."""
    url = f"sqlite:///{tmp_path_factory.mktemp('owing') / 'crm.db'}"
    told: list[tuple[Any, Any]] = [
        *[
            (
                RegisterHousehold(
                    *(home, estate, "1", "2", room), owner=Personal(owner_id(home), "张三")
                ),
                EARLY,
            )
            for home, estate, room in (
                ("V1", "=Anhe", "101"),
                ("V2", "Anhe", "102"),
                ("V3", "Bishui", "101"),
            )
        ],
        (charge("V1", "C1", "2011-01-31"), EARLY),
        (charge("V1", "C2", "2011-06-30", 30_00), EARLY),
        (charge("V2", "C1", "2011-01-31", 40_00), EARLY),
        (charge("V2", "C2", "2011-03-31", 5_00), EARLY),
        (ReceivePayment("V2", "P2", 5_00, day("2011-03-31"), "cash", "C2"), EARLY),
        (charge("V3", "C1", "2011-01-31"), EARLY),
        (ReceivePayment("V3", "P1", 100_00, day("2011-04-01"), "cash"), LATER),
        (
            TransferOwnership(
                "V1",
                "V1#buyer",
                day("2011-06-01"),
                Personal("V1#buyer", "李四"),
                reason="transfer of ownership",
            ),
            EARLY,
        ),
        (bought("V1", "B1", 700_00, "2011-03-01"), EARLY),
        (bought("V1", "B2", 200_00, "2011-07-01"), EARLY),
        (bought("V2", "B1", 10_000_00, "2011-12-31"), EARLY),
        (bought("V2", "B2", -1, "2012-01-01"), LATER),
        (bought("V3", "B1", 5_00, "2010-12-31"), EARLY),
    ]
    with open_crm(url, create=True) as crm:
        for command, at in told:
            crm.do(command, by=CLERK, at=at)
    return url


def as_json(capsys: pytest.CaptureFixture[str], db: str, *arguments: str) -> Any:
    assert run(["--db", db, "--format", "json", *arguments]) == 0
    return json.loads(capsys.readouterr().out)


def text(capsys: pytest.CaptureFixture[str], db: str, *arguments: str) -> str:
    assert run(["--db", db, *arguments]) == 0
    return capsys.readouterr().out


DUNNING = ("--as", "finance:F1", "--purpose", "collection")
BARE = ("arrears", "--on", "2011-07-30")
ON = (*BARE, *DUNNING)


@pytest.mark.rule("PAY-03", "PAY-16")
def test_arrears_say_who_owes_what_since_when_and_where_the_largest_first(
    db: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the seller owes stands in a row of their own tenure."""
    seller = {
        "household": "V1", "tenure": "first", "estate": "=Anhe", "building": "1", "unit": "2",
        "room": "101", "oldest_due": "2011-01-31", "overdue_days": 180, "overdue_fen": 100_00,
    }  # fmt: skip
    buyer = {
        **seller, "tenure": "2011-06-01", "oldest_due": "2011-06-30", "overdue_days": 30,
        "overdue_fen": 30_00,
    }  # fmt: skip
    other = {
        **seller, "household": "V2", "estate": "Anhe", "room": "102", "overdue_fen": 40_00,
    }  # fmt: skip
    assert as_json(capsys, db, *ON) == [seller, other, buyer]
    assert as_json(capsys, db, "arrears", "--on", "2011-01-31") == []
    early = as_json(capsys, db, *ON, "--known", "2011-11-30T00:00:00+08:00")
    # Of equal amounts the household with the lower number comes first.
    assert [row["household"] for row in early] == ["V1", "V3", "V2", "V1"]
    shown = text(capsys, db, *ON)
    assert "3 rows, 170.00 yuan overdue" in shown
    assert "共 3 行" in text(capsys, db, "--lang", "zh", *ON)


@pytest.mark.rule("PAY-03", "IMP-02")
def test_arrears_are_written_as_a_sheet_a_list_or_a_page(
    db: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A place that looks like a formula stays text in every form."""
    sheet, table, page = (tmp_path / f"arrears.{form}" for form in ("xlsx", "csv", "html"))
    for path in (sheet, table, page):
        assert len(as_json(capsys, db, *BARE, "--out", str(path))) == 3
        first = path.read_bytes()
        assert str(path) in text(capsys, db, *BARE, "--out", str(path))
        assert path.read_bytes() == first
        assert len(as_json(capsys, db, *ON, "--out", str(path))) == 3
    rows = cells(sheet)
    assert rows[0][0] == "household 户号"
    assert rows[1] == ["V1", "first", "=Anhe", "1", "2", "101", "2011-01-31", "180", "100.00"]
    lines = list(csv.reader(table.read_text(encoding="utf-8-sig").splitlines()))
    assert lines[1][:3] == ["V1", "first", "'=Anhe"]
    assert lines[3][-2:] == ["30", "30.00"]
    shown = page.read_text(encoding="utf-8")
    assert "<td>102</td>" in shown
    assert "170.00" in shown
    assert run(["--db", db, *ON, "--out", str(tmp_path / "a.doc")]) == 2
    assert "form_unknown" in capsys.readouterr().err


def cells(path: Path) -> list[list[str]]:
    """The cells of the only sheet as text; formulas have none."""
    with zipfile.ZipFile(path) as parts:
        assert parts.testzip() is None
        root = ET.fromstring(parts.read("xl/worksheets/sheet1.xml"))
    space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    assert not list(root.iter(f"{space}f"))
    return [
        ["".join(cell.itertext()) for cell in row.iter(f"{space}c")]
        for row in root.iter(f"{space}row")
    ]


@pytest.mark.rule("PRV-10")
def test_a_list_of_arrears_is_pseudonymous_unless_somebody_who_may_says_what_for(
    db: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With places it has a mark of who took it, and an event; without it leads to nobody."""
    table = tmp_path / "arrears.csv"
    for who in ((), ("--as", "supervisor:S9"), ("--as", "security:G1", "--purpose", "collection")):
        rows = as_json(capsys, db, *BARE, *who, "--out", str(table))
        assert all("withheld" in row["room"] for row in rows)
        assert "101" not in table.read_text(encoding="utf-8-sig")
        assert "/" not in table.read_text(encoding="utf-8-sig").splitlines()[-1]
    as_json(capsys, db, *ON, "--out", str(table))
    mark = table.read_text(encoding="utf-8-sig").splitlines()[-1]
    with open_crm(db) as crm:
        taken = list(crm.host.texts.each(crm.log.feed(names=["exports.list_taken/1"])))[-1]
    assert (taken.envelope.actor, taken.envelope.purpose) == ("finance:F1", "collection")
    assert (taken.event.what, taken.event.rows) == ("arrears", 3)
    assert taken.event.export in mark
    assert "finance:F1" in mark


@pytest.mark.rule("IMP-02")
def test_a_workbook_holds_any_text_and_amounts_as_numbers(tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    rows = [["<&\"'>", " 前后 ", "=1+1", "a\x00b"], [1, Decimal("12.30"), "12"]]
    path.write_bytes(workbook("<欠费>", rows))
    assert cells(path) == [["<&\"'>", " 前后 ", "=1+1", "a\ufffdb"], ["1", "12.30", "12"]]
    assert workbook("<欠费>", rows) == path.read_bytes()


@pytest.mark.rule("IMP-02")
def test_what_a_spreadsheet_does_not_take_is_cut_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be called broken, or lose rows without a word."""
    path = tmp_path / "t.xlsx"
    path.write_bytes(workbook("a/b:" + "长" * 40, [["水" * 40_000], ["y" * TEXT_MAX]]))
    found = load_workbook(path)
    [title] = found.sheetnames
    assert title == "a b " + "长" * 27
    assert [row[0] for row in found[title].values] == [
        "水" * (TEXT_MAX - 1) + "…",
        "y" * TEXT_MAX,
    ]
    monkeypatch.setattr("crm_adapters.reports.workbook.ROWS_MAX", 3)
    assert workbook("t", [[1]] * 3)
    with pytest.raises(Invalid) as refused:
        workbook("t", [[1]] * 4)
    assert [fault.code for fault in refused.value.faults] == ["sheet_too_long"]


@pytest.mark.rule("PAY-05", "PAY-16")
def test_changes_tell_what_each_came_of(db: str, capsys: pytest.CaptureFixture[str]) -> None:
    told = as_json(capsys, db, "changes", "2011-01-01", "2011-12-31", "V3", "V3")
    assert [(r["household"], r["day"], r["from"], r["to"], r["calendar"]) for r in told] == [
        ("V3", "2011-02-01", "A", "B1", True),
        ("V3", "2011-03-03", "B1", "B2", True),
        ("V3", "2011-04-01", "B2", "A", False),
    ]
    assert [[c["what"] for c in row["causes"]] for row in told] == [
        ["charge_raised"], ["charge_raised"], ["payment_received"],
    ]  # fmt: skip
    assert told[2]["causes"][0]["number"] == "P1"
    known = ("--known", "2011-11-30T00:00:00+08:00")
    early = as_json(capsys, db, "changes", "2011-03-01", "2011-04-30", "V3", *known)
    assert [(r["day"], r["to"]) for r in early] == [("2011-03-03", "B2")]
    sold = as_json(capsys, db, "changes", "2011-06-01", "2011-06-01", "V1")
    assert [(r["from"], r["to"]) for r in sold] == [("B3", "A")]
    shown = text(capsys, db, "changes", "2011-01-01", "2011-12-31", "V1", "V3")
    assert "payment received P1" in shown
    assert "grew older: C1" in shown
    assert "change of hands: 2011-06-01" in shown
    assert "账龄增长" in text(
        capsys, db, "--lang", "zh", "changes", "2011-01-01", "2011-12-31", "V3"
    )
    assert run(["--db", db, "changes", "2011-02-01", "2011-01-31", "V3"]) == 2
    assert "period_malformed" in capsys.readouterr().err


@pytest.mark.rule("PAY-13", "PAY-16")
def test_purchases_of_a_year_are_those_of_their_own_day(
    db: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def total(*asked: str) -> list[tuple[str, str, int, int, int]]:
        names = ("household", "tenure", "bought_fen", "refunded_fen", "purchases_fen")
        rows = as_json(capsys, db, "purchases", *asked)
        return [tuple(row[name] for name in names) for row in rows]  # type: ignore[misc]

    assert total("2011") == [
        ("V1", "first", 700_00, 0, 700_00),
        ("V1", "2011-06-01", 200_00, 0, 200_00),
        ("V2", "first", 10_000_00, 0, 10_000_00),
    ]
    assert total("2012") == [("V2", "first", 0, 1, -1)]
    assert total("2012", "--known", "2011-11-30T00:00:00+08:00") == []
    assert total("2010", "V2", "V3") == [("V3", "first", 5_00, 0, 5_00)]
    assert "10000.00" in text(capsys, db, "purchases", "2011", "V2").replace(",", "")
    assert run(["--db", db, "purchases", "2011", "V9"]) == 2
    assert "household_unknown" in capsys.readouterr().err
