"""Arrears, statements, the credit table and the limitation watch on the command line."""

from __future__ import annotations

import csv
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from crm_adapters import open_crm
from crm_adapters.cli.app import run
from crm_core import Actor
from crm_core.kernel.dates import parse_instant
from crm_core.kernel.sealed import Personal
from crm_core.kernel.word import Word
from crm_core.owners.commands import RegisterHousehold, owner_id
from crm_core.payments.commands import (
    AcknowledgeDebt,
    AgreeClause,
    DisputeCharge,
    PromisePayment,
    RaiseCharge,
    ReceivePayment,
)
from crm_core.payments.events import Instalment

CLERK = Actor("S1", "specialist")
EARLY = parse_instant("2011-01-01T10:00:00+08:00")
LATER = parse_instant("2011-05-01T10:00:00+08:00")


def day(text: str) -> date:
    return date.fromisoformat(text)


def owner(household: str) -> Personal:
    return Personal(owner_id(household), "张三")


def said(household: str) -> Word:
    """What the owner said, as it is on record."""
    return Word(owner_id(household), "phone", "call 7")


def charge(household: str, number: str, due: str, fen: int = 100_00) -> RaiseCharge:
    return RaiseCharge(household, number, "management_fee", due[:7], fen, day(due))


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> str:
    """V1 owes January and February, V2 disputes, V3 paid late and it was known late."""
    url = f"sqlite:///{tmp_path_factory.mktemp('owed') / 'crm.db'}"
    told: list[tuple[Any, Any]] = [
        *[
            (RegisterHousehold(home, estate, "1", "1", room, owner=owner(home)), EARLY)
            for home, estate, room in (
                ("V1", "Anhe", "101"),
                ("V2", "Anhe", "102"),
                ("V3", "Bishui", "101"),
            )
        ],
        (charge("V1", "C1", "2011-01-31"), EARLY),
        (
            AgreeClause(
                *("V1", "K1", "late_charge", "late-charge-daily", day("2010-01-01"), "contract 7"),
                word=said("V1"),
            ),
            EARLY,
        ),
        (charge("V1", "C2", "2011-03-31"), EARLY),
        (ReceivePayment("V1", "P1", 30_00, day("2011-02-10"), "cash", "C1"), EARLY),
        (AcknowledgeDebt("V1", "A1", ("C1",), day("2011-03-01"), "letter 7", said("V1")), EARLY),
        (
            PromisePayment(
                *("V1", "Z1", (Instalment(70_00, day("2011-04-10")),), day("2011-04-01")),
                *("said", said("V1")),
            ),
            EARLY,
        ),
        (charge("V2", "C1", "2011-01-31"), EARLY),
        (DisputeCharge("V2", "D1", "C1", 60_00, day("2011-03-01"), "no lift", said("V2")), EARLY),
        (charge("V3", "C1", "2011-01-31"), EARLY),
        (ReceivePayment("V3", "P1", 100_00, day("2011-04-01"), "cash"), LATER),
    ]
    with open_crm(url, create=True) as crm:
        for command, at in told:
            crm.do(command, by=CLERK, at=at)
    return url


DUNNING = ("--as", "finance:F1", "--purpose", "collection")
"""Places in lists are for who collects, and for that (PRV-10)."""


def as_json(capsys: pytest.CaptureFixture[str], db: str, *arguments: str) -> Any:
    assert run(["--db", db, "--format", "json", *arguments]) == 0
    return json.loads(capsys.readouterr().out)


def text(capsys: pytest.CaptureFixture[str], db: str, *arguments: str) -> str:
    assert run(["--db", db, *arguments]) == 0
    return capsys.readouterr().out


@pytest.mark.rule("PAY-03", "PAY-04")
def test_ageing_by_bucket_estate_and_household(db: str, capsys: pytest.CaptureFixture[str]) -> None:
    told = as_json(capsys, db, "ageing", "--on", "2011-04-15")
    zero = dict.fromkeys(("B1", "B2", "B3", "B4", "B5"), 0)
    assert told["households"] == [
        {
            "household": "V1", "tenure": "first", "estate": "Anhe", "grade": "B2",
            "overdue_days": 74,
            "overdue_fen": 170_00, "disputed_fen": 0,
            "buckets": {**zero, "B1": 100_00, "B2": 70_00},
        },
        {
            "household": "V2", "tenure": "first", "estate": "Anhe", "grade": "B2",
            "overdue_days": 74,
            "overdue_fen": 40_00, "disputed_fen": 60_00, "buckets": {**zero, "B2": 40_00},
        },
    ]  # fmt: skip
    whole = {
        "households": 2,
        "overdue_fen": 210_00,
        "disputed_fen": 60_00,
        "buckets": {**zero, "B1": 100_00, "B2": 110_00},
    }
    assert told["total"] == whole
    assert told["estates"] == [{"estate": "Anhe", **whole}]
    assert told["ages"][:2] == [
        {"bucket": "B1", "overdue_fen": 100_00},
        {"bucket": "B2", "overdue_fen": 110_00},
    ]
    assert told["grades"][:2] == [
        {"grade": "B1", "households": 0, "overdue_fen": 0},
        {"grade": "B2", "households": 2, "overdue_fen": 210_00},
    ]
    assert (told["on"], told["known"], told["policy"]) == ("2011-04-15", None, "credit-cn-default")


@pytest.mark.rule("PAY-03")
def test_ageing_is_true_to_what_was_unpaid_and_known_then(
    db: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """V3 paid on 1 April; it was booked on 1 May."""

    def owing(on: str, *known: str) -> list[str]:
        told = as_json(capsys, db, "ageing", "--on", on, *known)
        return [row["household"] for row in told["households"]]

    assert owing("2011-03-31") == ["V1", "V2", "V3"]
    assert owing("2011-04-01") == ["V1", "V2"]
    assert owing("2011-04-01", "--known", "2011-05-01T09:59:59+08:00") == ["V1", "V2", "V3"]
    assert owing("2011-01-31") == []
    assert owing("2011-04-01", "--known", "2010-12-31T00:00:00+08:00") == []
    shown = text(capsys, db, "ageing", "--on", "2011-04-15")
    assert "Anhe" in shown
    assert "170.00" in shown


@pytest.mark.rule("PAY-03", "PAY-04")
def test_grades_of_households_and_ages_of_charges_stand_in_no_table_together(
    db: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """V1 owes 100 since a month and 70 since two: by age apart, by grade all of it in B2."""

    def rows(*by: str) -> list[list[str]]:
        shown = text(capsys, db, "ageing", "--on", "2011-04-15", *by)
        return [line.split() for line in shown.splitlines()]

    ages, grades = rows(), rows("--per", "grade")
    assert ["V1", "first", "170.00", "0.00", "100.00", "70.00", "0.00", "0.00", "0.00"] in ages
    assert ["B1", "100.00"] in ages
    assert not [row for row in ages if "grade" in row]
    assert ["V1", "first", "B2", "74", "170.00", "0.00"] in grades
    assert ["B2", "2", "210.00"] in grades
    assert not [row for row in grades if "bucket" in row or "B3" in row[3:]]


@pytest.mark.rule("PAY-04")
def test_ageing_by_amount_falls_into_the_bucket_of_the_household(
    db: str, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = ["--policy", "credit-amount-in-months-of-fee"]
    told = as_json(capsys, db, "ageing", "--on", "2011-04-15", *policy)
    assert [row["grade"] for row in told["households"]] == ["B2", "B1"]
    assert told["total"]["buckets"] == {"B1": 40_00, "B2": 170_00, "B3": 0, "B4": 0, "B5": 0}


@pytest.mark.rule("PAY-01", "PAY-03", "PAY-08", "PAY-09", "PAY-12")
def test_the_account_tells_every_movement_with_its_balance(
    db: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told = as_json(capsys, db, "account", "V1", "--on", "2011-04-15")
    assert [(line["on"], line["amount_fen"], line["balance_fen"]) for line in told["lines"]] == [
        ("2011-01-31", 100_00, 100_00),
        ("2011-02-10", -30_00, 70_00),
        ("2011-03-31", 100_00, 170_00),
    ]
    assert [line["what"] for line in told["lines"]] == [
        "charge_raised",
        "payment_received",
        "charge_raised",
    ]
    assert (told["household"], told["balance_fen"], told["credit"]) == ("V1", 170_00, "B2")
    assert [(row["charge"], row["limitation_ends"]) for row in told["unpaid"]] == [
        ("C1", "2013-04-01"),
        ("C2", "2013-04-01"),
    ]
    assert [(p["promise"], p["status"], p["broken_on"]) for p in told["promises"]] == [
        ("Z1", "broken", "2011-04-10")
    ]
    assert [(row["charge"], row["days"]) for row in told["late_charges"]] == [
        ("C1", 74),
        ("C2", 15),
    ]
    late = as_json(
        capsys, db, "account", "V1", "--on", "2011-02-10", "--late-charge", "late-charge-daily"
    )
    asked = {"charge": "C1", "policy": "late-charge-daily", "days": 10, "amount_fen": 50}
    assert late["late_charges"] == [{**asked, "capped": False}]
    other = ("--late-charge", "late-charge-off")
    off = as_json(capsys, db, "account", "V1", "--on", "2011-02-10", *other)
    assert off["late_charges"] == []
    assert as_json(capsys, db, "account", "V2", "--on", "2011-02-10")["late_charges"] == []
    shown = text(capsys, db, "account", "V1", "--on", "2011-04-15")
    assert "balance 170.00 yuan" in shown
    assert "broken" in shown


def test_the_account_of_nobody_is_an_error(db: str, capsys: pytest.CaptureFixture[str]) -> None:
    known = ["--known", "2010-12-31T00:00:00+08:00"]
    for arguments in (["V9"], ["V1", *known]):
        assert run(["--db", db, "account", *arguments, "--on", "2011-04-15"]) == 2
        assert "household_unknown" in capsys.readouterr().err


@pytest.mark.rule("PAY-04", "PAY-07", "REP-01")
def test_the_credit_table_is_a_document_of_its_day(
    db: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, sheet = tmp_path / "t.html", tmp_path / "t.csv"
    told = as_json(capsys, db, "credit-table", "--on", "2011-04-15", "--out", str(page))
    assert [(r["household"], r["grade"], r["worst"], r["oldest"]) for r in told["rows"]] == [
        ("V1", "B2", "B2", "C1"),
        ("V2", "B2", "B2", "C1"),
        ("V3", "A", "B2", None),
    ]
    html = page.read_text(encoding="utf-8")
    assert "Credit table" in html
    assert run(["--db", db, "document", "--check", str(page)]) == 0
    capsys.readouterr()
    assert told["policy_digest"][:16] in html
    assert ">V3</td>" in html
    as_json(capsys, db, "credit-table", "--on", "2011-04-15", "--out", str(sheet))
    first = sheet.read_bytes()
    assert first.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(sheet.read_text(encoding="utf-8-sig").splitlines()))
    assert rows[0][2] == "credit grade"
    assert rows[2] == ["V2", "Anhe", "B2", "74", "40.00", "60.00", "B2", "C1"]
    as_json(capsys, db, "credit-table", "--on", "2011-04-15", "--out", str(sheet))
    # But for when it was made, which stands in its last line.
    assert sheet.read_bytes().splitlines()[:-1] == first.splitlines()[:-1]
    assert run(["--db", db, "credit-table", "--on", "2011-04-15", "--out", "t.doc"]) == 2
    assert "form_unknown" in capsys.readouterr().err


@pytest.mark.rule("PAY-07")
def test_the_worst_grade_of_the_credit_table_is_of_the_last_twelve_months(
    db: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """V3 was last overdue on 31 March 2011."""

    def worst(on: str) -> str:
        told = as_json(capsys, db, "credit-table", "--on", on, "--out", str(tmp_path / "t.csv"))
        return str(told["rows"][2]["worst"])

    assert worst("2012-03-30") == "B2"
    assert worst("2012-03-31") == "A"


@pytest.mark.rule("PAY-12")
def test_the_limitation_watch_lists_what_ends_first(
    db: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told = as_json(capsys, db, "limitation", "--on", "2013-01-01")
    assert [(r["household"], r["charge"], r["ends_on"], r["days_left"]) for r in told] == [
        ("V2", "C1", "2013-01-31", 30),
        ("V1", "C1", "2013-04-01", 90),
        ("V1", "C2", "2013-04-01", 90),
    ]
    assert {(row["article"], row["source"]) for row in told} == {
        ("art. 135", "General Principles of the Civil Law, 1986")
    }
    soon = as_json(capsys, db, "limitation", "--on", "2013-01-01", "--within", "30")
    assert [row["household"] for row in soon] == ["V2"]
    assert "2013-01-31" in text(capsys, db, "limitation", "--on", "2013-01-01")


@pytest.mark.rule("PAY-03", "PAY-05", "REP-01")
def test_the_credit_table_has_places_and_only_who_owes_if_asked(
    db: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sheet, page = tmp_path / "t.csv", tmp_path / "t.html"
    on = ("credit-table", "--on", "2011-04-15", "--out", str(sheet))
    assert "room" not in as_json(capsys, db, *on)["rows"][0]
    told = as_json(capsys, db, *on, "--owing", "--places", *DUNNING)
    assert [(r["household"], r["building"], r["unit"], r["room"]) for r in told["rows"]] == [
        ("V1", "1", "1", "101"),
        ("V2", "1", "1", "102"),
    ]
    rows = list(csv.reader(sheet.read_text(encoding="utf-8-sig").splitlines()))
    assert rows[0][-1] == "room"
    assert [row[-3:] for row in rows[1:-1]] == [["1", "1", "101"], ["1", "1", "102"]]
    [mark] = rows[-1]
    assert "finance:F1" in mark
    assert "collection" in mark
    as_json(capsys, db, *on[:-1], str(page), "--places", *DUNNING)
    text = page.read_text(encoding="utf-8")
    assert ">102</td>" in text
    assert "finance:F1" in text
    assert "collection" in text
    as_json(capsys, db, *on[:-1], str(page))
    assert ">102</td>" not in page.read_text(encoding="utf-8")
