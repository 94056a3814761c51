"""Import of CSV files: all faults at once, all rows or none, nothing twice (IMP-01)."""

from __future__ import annotations

import codecs
import csv
import io
import random  # noqa: TID251 - seeded: the same rows every time
import sqlite3
import stat
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_adapters import open_crm
from crm_adapters.files.generate import generate_estate
from crm_adapters.files.importing import ImportReport, import_files
from crm_adapters.files.kinds import KINDS
from crm_core import CRM, Actor, Household, Invalid, PolicyBook, Refused
from crm_core.errors import PolicyDigestMismatch, StoreUnreachable, UnknownPolicy
from crm_core.kernel.dates import start_of_day
from crm_core.owners.events import MemberAdded
from crm_core.requests import Closed, Open, Request

Rows = list[dict[str, str]]
Estate = dict[str, Rows]

SOMEBODY = Actor("tester", "specialist")

COLUMNS = {kind.name: kind.columns for kind in KINDS}
KEYS = {kind.name: kind.key for kind in KINDS}

GOOD: dict[str, dict[str, str]] = {
    "households": {
        "household": "V1",
        "estate": "星河小区",
        "building": "1号楼",
        "unit": "1单元",
        "room": "101",
        "kind": "person",
        "owner": "张三",
        "phone": "13800000001",
        "moved_in": "2010-03-01",
    },
    "transfers": {
        "household": "V1",
        "member": "T1",
        "role": "tenant",
        "name": "李四",
        "since": "2011-02-01",
        "until": "",
        "recorded": "2011-02-03T09:00:00+08:00",
        "kind": "company",
    },
    "charges": {
        "charge": "C1",
        "household": "V1",
        "kind": "management_fee",
        "period": "2011-07",
        "amount": "127.00",
        "due": "2011-07-01",
        "debtor": "",
        "corrects": "",
        "recorded": "2011-06-11T09:00:00+08:00",
    },
    "payments": {
        "payment": "P1",
        "household": "V1",
        "amount": "127.00",
        "paid_on": "2011-07-04",
        "method": "wechat",
        "charge": "",
        "payer": "",
        "recorded": "2011-07-05T10:00:00+08:00",
    },
    "purchases": {
        "purchase": "S1",
        "household": "V1",
        "service": "elder_care",
        "amount": "139.12",
        "purchased_on": "2011-08-01",
        "recorded": "2011-08-01T08:26:00+08:00",
    },
    "requests": {
        "request": "R1",
        "household": "V1",
        "channel": "phone",
        "kind": "complaint",
        "trade": "cleaning",
        "severity": "general",
        "summary": "楼道卫生差",
        "received_at": "2011-09-01T09:00:00+08:00",
        "due_at": "",
        "closed_at": "",
        "asked_by": "",
    },
}
"""One good row of each file, about the same household."""

BY_TIME = {
    f"requests.{name}/1"
    for name in (
        "clock_breached",
        "clock_warned",
        "commitment_broken",
        "commitment_kept",
        "escalated",
    )
}
"""What time brings about in a request before another system closes it."""


def row(file: str, **cells: str) -> dict[str, str]:
    """A good row with some cells changed."""
    return {**GOOD[file], **cells}


def estate(**files: Rows) -> Estate:
    """The good row of every file, but for the files given; transfers only if they are."""
    given = {file: [row(file)] for file in COLUMNS if file != "transfers"} | files
    return {file: given[file] for file in COLUMNS if file in given}


def text_of(rows: Rows, header: list[str] | None = None) -> str:
    out = io.StringIO()
    columns = list(rows[0])
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header or columns)
    writer.writerows([line[column] for column in columns] for line in rows)
    return out.getvalue()


def write(folder: Path, files: Estate) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in files.items():
        (folder / f"{name}.csv").write_text(text_of(rows), encoding="utf-8")
    return folder


def read(folder: Path) -> Estate:
    found = {}
    for name in COLUMNS:
        if not (folder / f"{name}.csv").is_file():
            continue
        with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            found[name] = list(csv.DictReader(file))
    return found


@pytest.fixture
def crm() -> Iterator[CRM]:
    with open_crm("memory:") as opened:
        yield opened


@pytest.fixture
def load(crm: CRM, tmp_path: Path) -> Callable[..., ImportReport]:
    """Writes an estate into a folder of its own and imports it."""

    def import_estate(files: Estate, **options: Any) -> ImportReport:
        folder = tmp_path / f"import-{len(list(tmp_path.iterdir()))}"
        return import_files(crm, [write(folder, files)], by=SOMEBODY, **options)

    return import_estate


def facts_of(crm: CRM, after: int = 0) -> list[Any]:
    """What was recorded, without the record of the import itself."""
    return [e for e in crm.log.feed(after=after) if e.name != "imports.recorded/1"]


def placed(report: ImportReport) -> list[tuple[str, int, str, str]]:
    return [(f.file, f.row, f.column, f.code) for f in report.faults]


def names(crm: CRM) -> list[str]:
    return [recorded.name for recorded in crm.log.feed()]


# --- what is wrong with a cell -----------------------------------------------------------------

AN_ID = "an id is 1 to 64 letters, digits or `. _ : # -`, beginning with a letter or a digit"
AN_AMOUNT = "an amount is yuan with at most two decimals, like `127.00`"
A_DATE = "a date is written `YYYY-MM-DD`"
NO_DAY = "there is no such day in the calendar"
AN_INSTANT = "an instant is ISO 8601 with an offset, like `2011-12-31T09:00:00+08:00`"
NO_INSTANT = "there is no such instant in the calendar"
A_YEAR = "the year is not between 1900 and 2200"
CHARACTER = "character U+{} is not allowed in text"
EMPTY = "the cell is empty and must not be"
A_PHONE = "a telephone number has 3 to 20 digits, with `+ - ( )` and spaces only"
A_FORMULA = "a formula is not taken; write the text itself"
CHARGE_KINDS = "it is not one of management_fee, utilities, parking, enforcement_costs, other"
MEMBER_ROLES = "it is not one of owner, co_owner, tenant, user, family_member, agent"
METHODS = "it is not one of wechat, alipay, transfer, cash, card, other"
CHANNELS = (
    "it is not one of phone, counter, app, wechat, forum, letter, home_visit, inspection, other"
)
REQUEST_KINDS = "it is not one of repair, complaint, enquiry, suggestion, praise, other"
TRADES = (
    "it is not one of engineering, security, cleaning, greening, parking, finance, service, other"
)

BROKEN: list[tuple[str, str, str, str, str]] = [
    ("households", "household", "", "cell_empty", EMPTY),
    ("households", "household", "V/1", "id_malformed", AN_ID),
    ("households", "household", "V 1", "id_malformed", AN_ID),
    ("households", "household", "V" * 65, "id_malformed", AN_ID),
    ("households", "household", "Ｖ１", "id_malformed", AN_ID),
    ("households", "estate", "", "cell_empty", EMPTY),
    ("households", "estate", "=A1", "text_malformed", A_FORMULA),
    ("households", "building", "", "cell_empty", EMPTY),
    ("households", "unit", "", "cell_empty", EMPTY),
    ("households", "room", "", "cell_empty", EMPTY),
    ("households", "room", "1\u202e01", "text_malformed", CHARACTER.format("202E")),
    ("households", "kind", "", "cell_empty", EMPTY),
    ("households", "kind", "Person", "kind_unknown", "it is not one of person, company"),
    ("households", "owner", "张\x07三", "text_malformed", CHARACTER.format("0007")),
    ("households", "owner", "=cmd()", "text_malformed", A_FORMULA),
    ("households", "phone", "ring me", "phone_malformed", A_PHONE),
    ("households", "phone", "1" * 21, "phone_malformed", "a telephone number has 3 to 20 digits"),
    ("households", "moved_in", "2010/03/01", "date_malformed", A_DATE),
    ("households", "moved_in", "2010-02-30", "date_malformed", NO_DAY),
    ("households", "moved_in", "0001-01-01", "date_malformed", A_YEAR),
    ("transfers", "household", "", "cell_empty", EMPTY),
    ("transfers", "member", "", "cell_empty", EMPTY),
    ("transfers", "member", "李 四", "id_malformed", AN_ID),
    ("transfers", "kind", "club", "kind_unknown", "it is not one of person, company"),
    ("transfers", "role", "", "cell_empty", EMPTY),
    ("transfers", "role", "heir", "role_unknown", MEMBER_ROLES),
    ("transfers", "name", "", "cell_empty", EMPTY),
    ("transfers", "name", "=cmd()", "text_malformed", A_FORMULA),
    ("transfers", "since", "", "cell_empty", EMPTY),
    ("transfers", "since", "1.2.2011", "date_malformed", A_DATE),
    ("transfers", "until", "2011-02-30", "date_malformed", NO_DAY),
    ("transfers", "recorded", "2011-02-01", "instant_malformed", AN_INSTANT),
    ("charges", "charge", "", "cell_empty", EMPTY),
    ("charges", "charge", "-1", "id_malformed", AN_ID),
    ("charges", "household", "", "cell_empty", EMPTY),
    ("charges", "household", "V?1", "id_malformed", AN_ID),
    ("charges", "kind", "", "cell_empty", EMPTY),
    ("charges", "kind", "tax", "kind_unknown", CHARGE_KINDS),
    ("charges", "period", "", "cell_empty", EMPTY),
    ("charges", "period", "2011\n07", "text_malformed", "a line break is not taken here"),
    ("charges", "amount", "", "cell_empty", EMPTY),
    ("charges", "amount", "127.000", "amount_malformed", AN_AMOUNT),
    ("charges", "amount", "1,270.00", "amount_malformed", AN_AMOUNT),
    ("charges", "amount", "1e3", "amount_malformed", AN_AMOUNT),
    ("charges", "amount", "NaN", "amount_malformed", AN_AMOUNT),
    ("charges", "amount", "１２７", "amount_malformed", AN_AMOUNT),
    ("charges", "amount", "¥127", "amount_malformed", AN_AMOUNT),
    ("charges", "amount", "+127", "amount_malformed", AN_AMOUNT),
    ("charges", "due", "", "cell_empty", EMPTY),
    ("charges", "due", "2011-7-1", "date_malformed", A_DATE),
    ("charges", "due", "2201-01-01", "date_malformed", A_YEAR),
    ("charges", "debtor", "a b", "id_malformed", AN_ID),
    ("charges", "corrects", "C/1", "id_malformed", AN_ID),
    ("charges", "recorded", "2011-06-11T09:00:00", "instant_malformed", AN_INSTANT),
    ("charges", "recorded", "2011-06-11", "instant_malformed", AN_INSTANT),
    ("charges", "recorded", "9999-12-31T23:59:59Z", "instant_malformed", A_YEAR),
    ("payments", "payment", "", "cell_empty", EMPTY),
    ("payments", "payment", "a b", "id_malformed", AN_ID),
    ("payments", "household", "", "cell_empty", EMPTY),
    ("payments", "amount", "", "cell_empty", EMPTY),
    ("payments", "amount", "inf", "amount_malformed", AN_AMOUNT),
    ("payments", "paid_on", "", "cell_empty", EMPTY),
    ("payments", "paid_on", "20110704", "date_malformed", A_DATE),
    ("payments", "paid_on", "0001-01-01", "date_malformed", A_YEAR),
    ("payments", "method", "", "cell_empty", EMPTY),
    ("payments", "method", "bitcoin", "method_unknown", METHODS),
    ("payments", "charge", "C/1", "id_malformed", AN_ID),
    ("payments", "payer", "=1", "id_malformed", AN_ID),
    ("payments", "recorded", "yesterday", "instant_malformed", AN_INSTANT),
    ("purchases", "purchase", "", "cell_empty", EMPTY),
    ("purchases", "household", "*", "id_malformed", AN_ID),
    ("purchases", "service", "", "cell_empty", EMPTY),
    ("purchases", "service", "=1+1", "text_malformed", A_FORMULA),
    ("purchases", "amount", "--1", "amount_malformed", AN_AMOUNT),
    ("purchases", "purchased_on", "", "cell_empty", EMPTY),
    ("purchases", "purchased_on", "2011-02-29", "date_malformed", NO_DAY),
    ("purchases", "recorded", "2011-13-01T00:00:00Z", "instant_malformed", NO_INSTANT),
    ("requests", "request", "", "cell_empty", EMPTY),
    ("requests", "household", "", "cell_empty", EMPTY),
    ("requests", "channel", "", "cell_empty", EMPTY),
    ("requests", "channel", "fax", "channel_unknown", CHANNELS),
    ("requests", "kind", "", "cell_empty", EMPTY),
    ("requests", "kind", "rant", "kind_unknown", REQUEST_KINDS),
    ("requests", "trade", "", "cell_empty", EMPTY),
    ("requests", "trade", "magic", "trade_unknown", TRADES),
    ("requests", "severity", "", "cell_empty", EMPTY),
    ("requests", "severity", "huge", "severity_unknown", "it is not one of general, major"),
    ("requests", "summary", "", "cell_empty", EMPTY),
    ("requests", "summary", "字" * 3000, "text_malformed", "text has at most 8192 bytes"),
    ("requests", "summary", "one\ntwo", "text_malformed", "a line break is not taken here"),
    ("requests", "received_at", "", "cell_empty", EMPTY),
    ("requests", "received_at", "2011-09-01 09:00", "instant_malformed", AN_INSTANT),
    ("requests", "due_at", "soon", "instant_malformed", AN_INSTANT),
    ("requests", "closed_at", "2011-09-31T09:00:00Z", "instant_malformed", NO_INSTANT),
    ("requests", "asked_by", "王 明", "id_malformed", AN_ID),
]  # fmt: skip
"""File, column, cell, and the code and message of its fault."""


def broken_id(case: tuple[str, str, str, str, str]) -> str:
    file, column, cell, _, _ = case
    return f"{file}.{column}={cell[:12]!a}"


def other(file: str, number: int, **cells: str) -> dict[str, str]:
    """A good row of another household, room and number."""
    own = {KEYS[file]: f"X{number}", "household": f"X{number}" if file == "households" else "V1"}
    if file == "households":
        own["room"] = f"{1000 + number}"
    return row(file, **own, **cells)


@pytest.mark.rule("IMP-01", "IMP-02")
@pytest.mark.parametrize("case", BROKEN, ids=broken_id)
def test_a_broken_cell_is_told_by_file_row_column_code_and_message(
    case: tuple[str, str, str, str, str], load: Callable[..., ImportReport], crm: CRM
) -> None:
    """Whatever cannot be meant is refused where it stands, and that row alone."""
    file, column, cell, code, message = case
    files = {**estate(), file: [row(file), {**other(file, 1), column: cell}]}
    report = load(files)
    [fault] = report.faults
    assert (fault.file, fault.row, fault.column) == (f"{file}.csv", 3, column)
    assert (fault.code, fault.message) == (code, message)
    assert (report.events, crm.log.head()) == (0, 0)
    assert report.as_dict()["files"][f"{file}.csv"] == {
        "rows": 2,
        "imported": 0,
        "repeated": 0,
        "faulty": 1,
    }


def test_every_column_of_every_file_has_a_case_above() -> None:
    """The table of broken cells leaves no column out."""
    columns = {(kind.name, column) for kind in KINDS for column in kind.columns}
    assert {(file, column) for file, column, *_ in BROKEN} == columns


@pytest.mark.rule("IMP-01")
def test_all_faults_of_all_files_are_told_at_once(
    load: Callable[..., ImportReport], crm: CRM
) -> None:
    """One import of every broken cell reports every one of them, in order of file and row."""
    files, expected = estate(transfers=[row("transfers")]), []
    for number, (file, column, cell, code, message) in enumerate(BROKEN):
        files[file].append({**other(file, number), column: cell})
        expected.append((f"{file}.csv", len(files[file]) + 1, column, code, message))
    report = load(files)
    told = [(f.file, f.row, f.column, f.code, f.message) for f in report.faults]
    assert told == sorted(expected)
    assert crm.log.head() == 0


@pytest.mark.rule("IMP-01")
def test_all_broken_cells_of_one_row_are_told(load: Callable[..., ImportReport]) -> None:
    """A row with many faults is not told one fault at a time."""
    files = estate(
        charges=[row("charges", charge="?", kind="?", amount="?", due="?", recorded="?")]
    )
    assert placed(load(files)) == [
        ("charges.csv", 2, "amount", "amount_malformed"),
        ("charges.csv", 2, "charge", "id_malformed"),
        ("charges.csv", 2, "due", "date_malformed"),
        ("charges.csv", 2, "kind", "kind_unknown"),
        ("charges.csv", 2, "recorded", "instant_malformed"),
    ]


@pytest.mark.rule("IMP-01")
def test_what_the_business_refuses_is_told_together_with_broken_cells(
    load: Callable[..., ImportReport], crm: CRM
) -> None:
    """Rules are tried although a cell is broken elsewhere: nobody has to import twice to learn."""
    files = estate(
        households=[
            row("households"),
            row("households", household="V2", owner="李四"),
            row("households", household="V3", room="103", kind="?"),
        ],
        charges=[row("charges", amount="10000000000.01"), row("charges", charge="C2", amount="x")],
        payments=[
            row("payments", charge="C9"),
            row("payments", payment="P2", amount="-1"),
            row("payments", payment="P3", amount="10000000000.01"),
            row("payments", payment="P4", household="V9"),
        ],
        purchases=[row("purchases", amount="0")],
        requests=[row("requests", closed_at="2011-08-31T09:00:00+08:00")],
    )
    report = load(files)
    assert placed(report) == [
        ("charges.csv", 2, "amount", "amount_out_of_range"),
        ("charges.csv", 3, "amount", "amount_malformed"),
        ("households.csv", 3, "room", "place_taken"),
        ("households.csv", 4, "kind", "kind_unknown"),
        ("payments.csv", 2, "charge", "unknown_charge"),
        ("payments.csv", 3, "amount", "amount_out_of_range"),
        ("payments.csv", 4, "amount", "amount_out_of_range"),
        ("payments.csv", 5, "household", "unknown_household"),
        ("purchases.csv", 2, "amount", "amount_out_of_range"),
        ("requests.csv", 2, "closed_at", "instants_reversed"),
    ]
    assert crm.log.head() == 0


@pytest.mark.rule("IMP-01")
def test_the_same_number_twice_in_a_file_is_a_fault_of_the_second_row(
    load: Callable[..., ImportReport],
) -> None:
    """A charge number occurs once in an account, a household and a request once at all."""
    files = estate(
        households=[row("households"), row("households", room="102")],
        transfers=[row("transfers"), row("transfers", name="李四儿")],
        charges=[row("charges"), row("charges", period="2011-08")],
        payments=[row("payments"), row("payments")],
        purchases=[row("purchases"), row("purchases", amount="1")],
        requests=[row("requests"), row("requests", summary="again")],
    )
    report = load(files)
    assert placed(report) == [
        (f"{file}.csv", 3, KEYS[file], "row_twice") for file in sorted(COLUMNS)
    ]
    assert {fault.message for fault in report.faults} == {
        f"the same {KEYS[file]} stands in row 2" for file in COLUMNS
    }


def test_another_household_may_use_the_same_charge_number(
    load: Callable[..., ImportReport], crm: CRM
) -> None:
    """Charge numbers are numbers of an account."""
    files = estate(
        households=[row("households"), row("households", household="V2", room="102")],
        charges=[row("charges"), row("charges", household="V2")],
    )
    assert not load(files).faults
    assert names(crm).count("payments.charge_raised/1") == 2


# --- instants out of order, and what only deciding finds -----------------------------------------

REVERSED: list[tuple[str, dict[str, str], str, str]] = [
    ("requests", {"due_at": "2011-09-01T08:00:00+08:00"}, "due_at", "received_at"),
    # The same instant, as two offsets write it, and a day that is the same on another clock.
    ("requests", {"due_at": "2011-09-01T01:00:00Z"}, "due_at", "received_at"),
    ("requests", {"due_at": "1900-01-01T00:00:00Z"}, "due_at", "received_at"),
    ("requests", {"closed_at": "2011-09-01T08:59:59+08:00"}, "closed_at", "received_at"),
]


@pytest.mark.rule("IMP-01", "REQ-13")
@pytest.mark.case("K12")
@pytest.mark.parametrize(("file", "cells", "column", "first"), REVERSED)
def test_what_comes_before_what_it_follows_is_a_fault_with_row_and_column(
    file: str,
    cells: dict[str, str],
    column: str,
    first: str,
    load: Callable[..., ImportReport],
    crm: CRM,
) -> None:
    files = estate()
    files[file] = [row(file), {**other(file, 1), **cells}]
    report = load(files)
    assert placed(report) == [(f"{file}.csv", 3, column, "instants_reversed")]
    assert report.faults[0].message == f"`{column}` comes after `{first}`"
    assert (report.events, crm.log.head()) == (0, 0)


@pytest.mark.rule("IMP-01")
@pytest.mark.case("K12")
def test_all_that_is_out_of_order_in_a_row_is_told(load: Callable[..., ImportReport]) -> None:
    early = {"due_at": "2011-08-31T09:00:00Z", "closed_at": "2011-08-30T09:00:00Z"}
    assert placed(load(estate(requests=[row("requests", **early)]))) == [
        ("requests.csv", 2, "closed_at", "instants_reversed"),
        ("requests.csv", 2, "due_at", "instants_reversed"),
    ]


@pytest.mark.rule("IMP-01")
@pytest.mark.case("K12")
@pytest.mark.parametrize(
    ("file", "cells"),
    [
        # What was closed at once, or is due a second later.
        ("requests", {"closed_at": "2011-09-01T09:00:00+08:00"}),
        ("requests", {"due_at": "2011-09-01T09:00:01+08:00"}),
        # A bill is written before it is due, and a household is known before it moves in.
        ("charges", {"recorded": "2011-01-01T09:00:00Z"}),
        ("households", {"moved_in": "2030-01-01"}),
        # The first day of all, which began in the year before in Shanghai.
        ("households", {"moved_in": "1900-01-01"}),
        ("charges", {"due": "1900-01-01", "recorded": ""}),
        ("payments", {"paid_on": "1900-01-01", "recorded": ""}),
        ("charges", {"due": "2200-12-31", "recorded": ""}),
    ],
)
def test_what_is_in_order_is_taken(
    file: str, cells: dict[str, str], load: Callable[..., ImportReport]
) -> None:
    assert placed(load(estate(**{file: [row(file, **cells)]}))) == []


UNLIKELY: list[tuple[str, str, str]] = [
    (file, column, cell)
    for file, column in (
        ("households", "moved_in"),
        ("charges", "due"),
        ("payments", "paid_on"),
        ("purchases", "purchased_on"),
    )
    for cell in ("0001-01-01", "1899-12-31", "2201-01-01", "9999-12-31")
] + [
    (file, column, cell)
    for file, column in (
        ("charges", "recorded"),
        ("payments", "recorded"),
        ("purchases", "recorded"),
        ("requests", "received_at"),
        ("requests", "due_at"),
        ("requests", "closed_at"),
    )
    for cell in (
        "0001-01-01T00:00:00+14:00",
        "1899-12-31T23:59:59Z",
        "1900-01-01T05:00:00+08:00",
        "2200-12-31T23:00:00-08:00",
        "9999-12-31T23:59:59-12:00",
    )
]


@pytest.mark.rule("IMP-01")
@pytest.mark.case("K04", "K12")
@pytest.mark.parametrize(("file", "column", "cell"), UNLIKELY)
def test_no_day_or_instant_of_a_file_lies_beyond_1900_and_2200(
    file: str, column: str, cell: str, load: Callable[..., ImportReport], crm: CRM
) -> None:
    files = estate()
    files[file] = [row(file), {**other(file, 1), column: cell}]
    [fault] = load(files).faults
    assert (fault.file, fault.row, fault.column) == (f"{file}.csv", 3, column)
    assert fault.code in ("date_malformed", "instant_malformed")
    assert crm.log.head() == 0


def of_before_any_policy(number: int = 1, **cells: str) -> dict[str, str]:
    return {**other("requests", number), "received_at": "1999-12-31T09:00:00+08:00", **cells}


@pytest.mark.rule("IMP-01", "REQ-14")
@pytest.mark.case("K16")
@pytest.mark.parametrize("closed_at", ["", "2000-01-03T09:00:00+08:00"])
def test_a_request_of_before_the_first_policy_is_a_fault_of_its_row(
    closed_at: str, load: Callable[..., ImportReport], crm: CRM
) -> None:
    files = estate(
        requests=[row("requests"), of_before_any_policy(closed_at=closed_at), other("requests", 2)],
        purchases=[row("purchases", amount="0.00")],
    )
    report = load(files)
    assert placed(report) == [
        ("purchases.csv", 2, "amount", "amount_out_of_range"),
        ("requests.csv", 3, "received_at", "policy_inactive"),
    ]
    assert "sla-cn-default" in report.faults[1].message
    assert crm.log.head() == 0


@pytest.mark.rule("IMP-01")
@pytest.mark.case("K16")
def test_the_good_rows_beside_it_are_imported_where_faulty_ones_are_skipped(
    load: Callable[..., ImportReport], crm: CRM, tmp_path: Path
) -> None:
    requests = [row("requests"), of_before_any_policy(), other("requests", 2)]
    rejects = tmp_path / "rejects.csv"
    report = load(estate(requests=requests), skip_faulty=True, rejects=rejects)
    assert report.as_dict()["files"]["requests.csv"] == {
        "rows": 3,
        "imported": 2,
        "repeated": 0,
        "faulty": 1,
    }
    assert {e.stream for e in crm.log.feed() if e.name == "requests.received/1"} == {
        "request/R1",
        "request/X2",
    }
    assert "X1" in rejects.read_text(encoding="utf-8-sig")


class _Torn(PolicyBook):
    """A book with a page torn out: some days cannot be read."""

    def find(self, kind: Any, name: str, day: date) -> Any:
        if day == date(2011, 9, 5):
            raise self.torn
        return super().find(kind, name, day)

    torn: Exception = KeyError("张三")


@pytest.mark.rule("IMP-01")
@pytest.mark.case("K16")
@pytest.mark.parametrize(
    ("torn", "code"),
    [
        (KeyError("张三"), "row_undecidable"),
        (OverflowError("date value out of range"), "row_undecidable"),
        (ZeroDivisionError(), "row_undecidable"),
        (UnknownPolicy.one("policy_unknown", policy="sla/7"), "policy_unknown"),
        (PolicyDigestMismatch("sla/1", "a" * 64, "b" * 64), "row_undecidable"),
    ],
)
def test_whatever_deciding_a_row_raises_is_a_fault_of_that_row(
    torn: Exception, code: str, load: Callable[..., ImportReport], crm: CRM
) -> None:
    book = _Torn(crm.registry.shipped)
    book.torn = torn
    crm.host.policies = book
    torn_row = {**other("requests", 1), "received_at": "2011-09-05T09:00:00+08:00"}
    torn_too = {**torn_row, "request": "X3"}
    report = load(estate(requests=[row("requests"), torn_row, other("requests", 2), torn_too]))
    assert [(fault.file, fault.row, fault.code) for fault in report.faults] == [
        ("requests.csv", 3, code),
        ("requests.csv", 5, code),
    ]
    assert not any("张三" in fault.message for fault in report.faults)
    assert crm.log.head() == 0
    assert load(estate(requests=[row("requests"), other("requests", 2)])).faults == []


@pytest.mark.rule("IMP-01")
@pytest.mark.case("K16")
def test_trouble_of_the_store_is_no_fault_of_a_row(
    load: Callable[..., ImportReport], crm: CRM
) -> None:
    book = _Torn(crm.registry.shipped)
    book.torn = StoreUnreachable("store_unusable", store="book", reason="silent")
    crm.host.policies = book
    torn_row = {**other("requests", 1), "received_at": "2011-09-05T09:00:00+08:00"}
    with pytest.raises(StoreUnreachable):
        load(estate(requests=[row("requests"), torn_row]))
    assert crm.log.head() == 0


# --- a fault, and what only follows from it ----------------------------------------------------

BREAKS: list[dict[str, tuple[str, str, str]]] = [
    {
        "households": ("kind", "villa", "kind_unknown"),
        "charges": ("amount", "12,50", "amount_malformed"),
        "payments": ("paid_on", "31.12.2023", "date_malformed"),
        "purchases": ("amount", "0.00", "amount_out_of_range"),
        "requests": ("received_at", "2023-05-05T10:00", "instant_malformed"),
    },
    {
        "households": ("household", "not an id", "id_malformed"),
        "charges": ("charge", "", "cell_empty"),
        "payments": ("household", "", "cell_empty"),
        "purchases": ("purchase", "S 1", "id_malformed"),
        "requests": ("request", "#", "id_malformed"),
    },
    {
        "households": ("moved_in", "2020-13-01", "date_malformed"),
        "charges": ("household", "h?", "id_malformed"),
        "payments": ("method", "barter", "method_unknown"),
        "purchases": ("household", "nobody", "unknown_household"),
        "requests": ("closed_at", "1999-01-01T00:00:00Z", "instants_reversed"),
    },
    {
        "households": ("phone", "none", "phone_malformed"),
        "charges": ("due", "2023-02-29", "date_malformed"),
        "payments": ("charge", "nonesuch", "unknown_charge"),
        "purchases": ("recorded", "2023-01-01", "instant_malformed"),
        "requests": ("household", "nobody", "unknown_household"),
    },
]


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Estate:
    folder = tmp_path_factory.mktemp("generated")
    generate_estate(folder, households=25, first_year=2022, last_year=2023, seed=7)
    return read(folder)


@pytest.mark.rule("IMP-01")
@pytest.mark.parametrize("breaks", BREAKS, ids=["values", "numbers", "dates", "references"])
@pytest.mark.parametrize("place", [0, 11, -1])
def test_one_broken_cell_in_each_of_five_files_is_exactly_five_faults(
    breaks: dict[str, tuple[str, str, str]],
    place: int,
    generated: Estate,
    load: Callable[..., ImportReport],
    crm: CRM,
) -> None:
    """A broken row is told once; the rows that name it are not told as well."""
    files = {name: [dict(line) for line in rows] for name, rows in generated.items()}
    expected = []
    for name, (column, cell, code) in breaks.items():
        rows = files[name]
        rows[place][column] = cell
        expected.append((f"{name}.csv", range(len(rows))[place] + 2, column, code))
    assert placed(load(files)) == sorted(expected)
    assert crm.log.head() == 0


def test_rows_that_name_a_broken_household_or_charge_have_no_fault_of_their_own(
    load: Callable[..., ImportReport],
) -> None:
    """Payment, purchase and request of a household whose own row is broken wait for it."""
    files = estate(
        households=[row("households", kind="?")],
        charges=[row("charges", amount="?")],
        payments=[row("payments", charge="C1")],
        requests=[row("requests", closed_at="2011-09-02T09:00:00+08:00")],
    )
    assert placed(load(files)) == [
        ("charges.csv", 2, "amount", "amount_malformed"),
        ("households.csv", 2, "kind", "kind_unknown"),
    ]


def test_a_household_nobody_knows_is_told_beside_a_broken_household_number(
    load: Callable[..., ImportReport],
) -> None:
    """One unreadable number explains one unknown household, not two."""
    files = estate(
        households=[row("households", household="V?")],
        transfers=[row("transfers")],
        purchases=[row("purchases", household="V2")],
    )
    assert {(f.file, f.code) for f in load(files).faults} == {
        ("households.csv", "id_malformed"),
        *((f"{f}.csv", "unknown_household") for f in COLUMNS if f != "households"),
    }


@pytest.mark.parametrize("name", ["households", "charges"])
@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("户号".encode("gb18030"), (1, "", "encoding_wrong")),
        (b"", (1, "", "file_empty")),
        (b"colour\nred\n", (1, "colour", "column_unknown")),
        (b'"never closed\n', (1, "", "csv_malformed")),
    ],
    ids=["encoding", "empty", "header", "quote"],
)
def test_a_file_that_cannot_be_read_is_no_fault_of_other_files(
    name: str, content: bytes, fault: tuple[int, str, str], tmp_path: Path, crm: CRM
) -> None:
    """Every other row would name something from it; that is not told a thousand times."""
    folder = write(tmp_path / "files", estate(payments=[row("payments", charge="C1")]))
    (folder / f"{name}.csv").write_bytes(content)
    report = import_files(crm, [folder], by=SOMEBODY)
    assert {f.file for f in report.faults} == {f"{name}.csv"}
    assert (f"{name}.csv", *fault) in placed(report)


@pytest.mark.parametrize("name", ["households", "charges"])
def test_rows_behind_a_quote_that_is_never_closed_are_not_missed_elsewhere(
    name: str, tmp_path: Path, crm: CRM
) -> None:
    """Reading ends there; what the rest of the file held is not said to be unknown."""
    files = estate(payments=[row("payments", charge="C1")])
    files[name].insert(0, other(name, 1))
    folder = write(tmp_path / "files", files)
    path = folder / f"{name}.csv"
    first, second, third = path.read_text(encoding="utf-8").splitlines()
    path.write_text(f'{first}\n{second}\n"{third}\n', encoding="utf-8")
    assert placed(import_files(crm, [folder], by=SOMEBODY)) == [
        (f"{name}.csv", 3, "", "csv_malformed")
    ]


# --- all or nothing ----------------------------------------------------------------------------


def stored_keys(path: Path) -> int:
    """How many keys there are; without any there is no file."""
    if not path.exists():
        return 0
    with sqlite3.connect(path) as keys:
        [(count,)] = keys.execute("SELECT count(*) FROM crm_keys")
    keys.close()
    return int(count)


@pytest.mark.rule("IMP-01", "PRV-03")
@pytest.mark.parametrize("options", [{}, {"dry_run": True}], ids=["fault", "dry run"])
def test_an_import_that_keeps_nothing_leaves_no_event_no_key_and_no_name(
    options: dict[str, Any], tmp_path: Path
) -> None:
    """After a faulty import and after a dry run, log and key file know nothing of the people."""
    fault = {} if options else {"amount": "0"}
    folder = write(tmp_path / "files", estate(purchases=[row("purchases", **fault)]))
    with open_crm(f"sqlite:///{tmp_path / 'crm.db'}", create=True) as crm:
        report = import_files(crm, [folder], by=SOMEBODY, **options)
        assert bool(report.faults) is not bool(options)
        assert crm.log.head() == 0
    assert stored_keys(tmp_path / "crm.db.keys") == 0
    left = [path for path in tmp_path.iterdir() if path.is_file()]
    assert {path.name for path in left} >= {"crm.db"}
    for path in left:
        assert "张三".encode() not in path.read_bytes()
        assert b"13800000001" not in path.read_bytes()


@pytest.mark.rule("IMP-01", "PRV-03")
def test_an_imported_name_stands_in_no_file_in_plain_text(tmp_path: Path) -> None:
    """Owner and telephone number are sealed before anything is written.

    The keys are the owner's, the household's, whose request it is, and the company's, whose file.
    """
    folder = write(tmp_path / "files", estate())
    with open_crm(f"sqlite:///{tmp_path / 'crm.db'}", create=True) as crm:
        assert import_files(crm, [folder], by=SOMEBODY).events > 0
    assert stored_keys(tmp_path / "crm.db.keys") == 3
    for path in tmp_path.iterdir():
        if path.is_file():
            assert "张三".encode() not in path.read_bytes()
            assert b"13800000001" not in path.read_bytes()


@pytest.mark.rule("IMP-01")
@pytest.mark.parametrize("after", [0, 3, 6])
def test_an_interruption_leaves_nothing_and_the_next_import_is_whole(
    after: int, tmp_path: Path
) -> None:
    """An import is one transaction: stopped anywhere, it never began."""
    folder = write(tmp_path / "files", estate())
    done = 0

    def stop(_total: int) -> Callable[[int], None]:
        def progress(count: int) -> None:
            nonlocal done
            done += count
            if done > after:
                raise KeyboardInterrupt

        return progress

    url = f"sqlite:///{tmp_path / 'crm.db'}"
    with open_crm(url, create=True) as crm:
        if after < 5:
            with pytest.raises(KeyboardInterrupt):
                import_files(crm, [folder], by=SOMEBODY, planned=stop)
            assert crm.log.head() == 0
    with open_crm(url) as crm:
        assert crm.log.head() == 0
        assert import_files(crm, [folder], by=SOMEBODY).events == 7
        assert crm.verify().intact


@pytest.mark.rule("IMP-01")
def test_an_interruption_after_thousands_of_rows_leaves_nothing(
    generated: Estate, tmp_path: Path
) -> None:
    """Rows are handed to the database in portions; none of them outlives an interruption."""
    folder = write(tmp_path / "files", generated)
    url = f"sqlite:///{tmp_path / 'crm.db'}"

    def stop_near_the_end(total: int) -> Callable[[int], None]:
        left = total - 5
        assert left > 1500

        def progress(count: int) -> None:
            nonlocal left
            left -= count
            if left < 0:
                raise RuntimeError("the power is gone")

        return progress

    with open_crm(url, create=True) as crm:
        with pytest.raises(RuntimeError, match="the power is gone"):
            import_files(crm, [folder], by=SOMEBODY, planned=stop_near_the_end)
        assert crm.log.head() == 0
    assert stored_keys(tmp_path / "crm.db.keys") == 0
    with open_crm(url) as crm:
        assert crm.log.head() == 0
        assert not import_files(crm, [folder], by=SOMEBODY).faults


@pytest.mark.rule("IMP-01")
@pytest.mark.parametrize("amount", ["1.00", "0.00", "?"])
@pytest.mark.parametrize("skip_faulty", [False, True])
def test_a_dry_run_writes_nothing_and_reports_the_same(
    amount: str, skip_faulty: bool, load: Callable[..., ImportReport], crm: CRM, tmp_path: Path
) -> None:
    """What a dry run says of rows and faults is what the import then says; it appends nothing."""
    files = estate(purchases=[row("purchases"), row("purchases", purchase="S2", amount=amount)])
    rejects = tmp_path / "rejects.csv"
    dry = load(files, dry_run=True, skip_faulty=skip_faulty, rejects=rejects)
    assert (dry.events, crm.log.head(), rejects.exists()) == (0, 0, False)
    real = load(files, skip_faulty=skip_faulty, rejects=rejects)
    assert dry.as_dict() == {**real.as_dict(), "events": 0}
    assert real.events == len(facts_of(crm))


# --- repeating ---------------------------------------------------------------------------------


@pytest.mark.rule("IMP-01")
def test_a_second_import_adds_nothing(
    generated: Estate, load: Callable[..., ImportReport], crm: CRM
) -> None:
    """Every row is found to be repeated, none faulty, and the log stays as it was."""
    first = load(generated)
    root = crm.verify().root
    assert not first.faults
    assert all(file.imported == file.rows > 0 for file in first.files.values())
    assert first.events == len(facts_of(crm))
    second = load(generated)
    assert (second.events, second.faults) == (0, [])
    assert all(file.repeated == file.rows for file in second.files.values())
    assert crm.verify().root == root


@pytest.mark.rule("IMP-01")
def test_a_second_import_in_another_process_adds_nothing(tmp_path: Path) -> None:
    """What tells a repeated row is in log and key file, not in memory."""
    folder = write(tmp_path / "files", estate())
    url = f"sqlite:///{tmp_path / 'crm.db'}"
    for expected in (7, 0, 0):
        with open_crm(url, create=True) as crm:
            report = import_files(crm, [folder], by=SOMEBODY)
            assert (report.events, report.faults) == (expected, [])


@pytest.mark.rule("IMP-01")
def test_later_rows_are_imported_beside_repeated_ones(
    load: Callable[..., ImportReport], crm: CRM
) -> None:
    """The file of next month, with the old rows still in it, adds the new rows only."""
    load(estate())
    charges = [row("charges"), row("charges", charge="C2", period="2011-08", due="2011-08-01")]
    report = load(estate(charges=charges))
    counts = report.as_dict()["files"]["charges.csv"]
    assert counts == {"rows": 2, "imported": 1, "repeated": 1, "faulty": 0}
    assert report.events == 1


CHANGED = {
    "estate": "明月小区",
    "building": "2号楼",
    "unit": "2单元",
    "room": "999",
    "owner": "李四",
    "phone": "13900000009",
    "moved_in": "2010-03-02",
    "period": "2011-09",
    "amount": "127.01",
    "due": "2011-07-02",
    "recorded": "2011-09-09T09:09:09+08:00",
    "paid_on": "2011-07-03",
    "method": "cash",
    "charge": "C1",
    "debtor": "V1#owner",
    "payer": "V1#owner",
    "service": "catering",
    "purchased_on": "2011-08-02",
    "channel": "app",
    "trade": "security",
    "severity": "major",
    "summary": "something else",
    "received_at": "2011-09-01T09:00:01+08:00",
    "due_at": "2011-09-01T12:00:00+08:00",
    "closed_at": "2011-09-03T09:00:00+08:00",
    "asked_by": "V1#owner",
}
KIND_CHANGED = {"households": "company", "charges": "parking", "requests": "enquiry"}


def changes() -> Iterator[tuple[str, str, str]]:
    for file, columns in COLUMNS.items():
        # What comes of another cell of a transfer, or of a correction, stands in a page of its own.
        for column in columns if file != "transfers" else ():
            if column not in (KEYS[file], "household", "corrects"):
                yield file, column, KIND_CHANGED[file] if column == "kind" else CHANGED[column]


@pytest.mark.rule("IMP-01")
@pytest.mark.parametrize(("file", "column", "cell"), list(changes()))
def test_a_changed_cell_of_an_imported_row_is_a_fault(
    file: str, column: str, cell: str, load: Callable[..., ImportReport], crm: CRM
) -> None:
    """A row is repeated only if all of it is; another telephone number is told, not passed over."""
    before = estate(
        requests=[row("requests", closed_at="2011-09-02T09:00:00+08:00")],
    )
    load(before)
    head = crm.log.head()
    after = {name: [dict(line) for line in rows] for name, rows in before.items()}
    after[file][0][column] = cell
    report = load(after)
    told_at = column if column == "closed_at" else KEYS[file]
    code = "request_not_open" if column == "closed_at" else f"{KEYS[file]}_exists"
    assert placed(report) == [(f"{file}.csv", 2, told_at, code)]
    assert (report.events, crm.log.head()) == (0, head)
    assert sum(f.repeated for f in report.files.values()) == 4


@pytest.mark.rule("IMP-01", "PRV-03")
def test_a_household_whose_owner_was_erased_is_a_fault_of_its_row(
    load: Callable[..., ImportReport], crm: CRM
) -> None:
    """Importing a person again does not bring them back, and is told where it stands."""
    load(estate())
    head = crm.log.head()
    crm.host.vault.erase("V1#owner")
    report = load(estate())
    assert placed(report) == [("households.csv", 2, "owner", "person_erased")]
    assert (report.events, crm.log.head()) == (0, head)


@pytest.mark.rule("IMP-01", "OWN-02")
def test_a_telephone_number_without_its_person_is_a_fault(
    load: Callable[..., ImportReport],
) -> None:
    """It would be nobody's, and is not dropped silently."""
    report = load(estate(households=[row("households", owner="")]))
    assert placed(report) == [("households.csv", 2, "phone", "phone_without_owner")]


@pytest.mark.rule("IMP-01")
@pytest.mark.parametrize("column", ["owner", "phone", "moved_in"])
def test_an_emptied_cell_of_an_imported_household_is_a_fault(
    column: str, load: Callable[..., ImportReport]
) -> None:
    """Nothing is not the same as what was there."""
    load(estate())
    report = load(estate(households=[row("households", **{column: ""})]))
    assert {fault[:2] for fault in placed(report)} == {("households.csv", 2)}
    assert report.events == 0


@pytest.mark.rule("IMP-01")
def test_a_request_imported_open_and_later_closed_adds_the_closing_only(
    load: Callable[..., ImportReport], crm: CRM
) -> None:
    """The row is the same request, now with its end."""
    due = {"due_at": "2011-09-01T12:00:00+08:00"}
    load(estate(requests=[row("requests", **due)]))
    assert type(crm.get(Request, "R1")) is Open
    head = crm.log.head()
    closed = row("requests", **due, closed_at="2011-09-02T09:00:00+08:00")
    report = load(estate(requests=[closed]))
    assert not report.faults
    added = [(e.name, e.recorded) for e in facts_of(crm, head)]
    instant = datetime(2011, 9, 2, 1, tzinfo=UTC)
    said = [one for one in added if one[0] not in BY_TIME]
    assert said == [("requests.work_reported_done/1", instant), ("requests.closed/1", instant)]
    # What fell due before it was closed is recorded with it: the promised time had passed.
    assert ("requests.commitment_broken/1", instant) in added
    assert report.as_dict()["files"]["requests.csv"]["imported"] == 1
    request = crm.get(Request, "R1")
    assert type(request) is Closed
    assert request.outcome == "unconfirmed"
    assert load(estate(requests=[closed])).events == 0


# --- headers, encodings, shapes ----------------------------------------------------------------

CHINESE = {
    "households": ["户号", "小区", "楼栋", "单元", "房号", "类别", "业主", "电话", "入住日期"],
    "transfers": ["户号", "成员", "角色", "姓名", "起", "止", "登记时间"],
    "charges": [
        "账单号",
        "户号",
        "费用类别",
        "账期",
        "金额",
        "应缴日期",
        "应缴人",
        "冲红账单号",
        "登记时间",
    ],
    "payments": [
        "缴费单号",
        "户号",
        "金额",
        "缴费日期",
        "缴费方式",
        "账单号",
        "缴费人",
        "登记时间",
    ],
    "purchases": ["消费单号", "户号", "服务", "金额", "消费日期", "登记时间"],
    "requests": [
        "工单号",
        "户号",
        "渠道",
        "类型",
        "专业",
        "级别",
        "内容",
        "受理时间",
        "应完成时间",
        "完成时间",
        "报事人",
    ],
}


def write_chinese(folder: Path, files: Estate, encoding: str, mark: bytes = b"") -> Path:
    folder.mkdir()
    for name, rows in files.items():
        text = text_of(rows, CHINESE[name])
        (folder / f"{name}.csv").write_bytes(mark + text.encode(encoding))
    return folder


@pytest.mark.rule("IMP-01")
@pytest.mark.parametrize(
    ("written", "mark", "declared"),
    [
        ("utf-8", b"", "utf-8"),
        ("utf-8", codecs.BOM_UTF8, "utf-8"),
        ("gb18030", b"", "gb18030"),
        ("gbk", b"", "gbk"),
        ("gbk", b"", "gb18030"),
    ],
    ids=["utf-8", "utf-8 with mark", "gb18030", "gbk", "gbk as gb18030"],
)
def test_chinese_headers_in_every_encoding_give_the_same_events(
    written: str, mark: bytes, declared: str, tmp_path: Path
) -> None:
    """Headers and encodings are ways of writing; what is recorded is the same."""
    seen = []
    for folder, encoding in (
        (write(tmp_path / "english", estate()), "utf-8"),
        (write_chinese(tmp_path / "chinese", estate(), written, mark), declared),
    ):
        with open_crm("memory:") as crm:
            report = import_files(crm, [folder], by=SOMEBODY, encoding=encoding)
            assert not report.faults
            events = [(e.name, e.stream, e.recorded, e.effective) for e in crm.log.feed()]
            household = crm.get(Household, "V1")
            assert household is not None
            seen.append((events, household.estate))
    assert seen[0] == seen[1]


@pytest.mark.rule("IMP-01")
def test_a_fault_names_the_column_as_the_file_does(tmp_path: Path, crm: CRM) -> None:
    """Who has Chinese headers is told the Chinese header."""
    files = estate(charges=[row("charges", amount="?", charge="C1")])
    files["payments"] = [row("payments", charge="C7")]
    folder = write_chinese(tmp_path / "chinese", files, "utf-8")
    assert placed(import_files(crm, [folder], by=SOMEBODY)) == [
        ("charges.csv", 2, "金额", "amount_malformed"),
        ("payments.csv", 2, "账单号", "unknown_charge"),
    ]


@pytest.mark.rule("IMP-01")
def test_a_wrong_encoding_is_a_fault_with_its_row_and_is_never_guessed(
    tmp_path: Path, crm: CRM
) -> None:
    """GB18030 that is not declared is refused at the first row that is not UTF-8."""
    folder = write(tmp_path / "files", estate())
    lines = text_of([row("purchases", service="care"), row("purchases", purchase="S2")])
    service = lines.replace("elder_care", "养老服务")
    (folder / "purchases.csv").write_bytes(service.encode("gb18030"))
    [fault] = import_files(crm, [folder], by=SOMEBODY).faults
    assert (fault.file, fault.row, fault.code) == ("purchases.csv", 3, "encoding_wrong")
    assert fault.message == "the file is not UTF-8; declare another with --encoding gb18030"
    assert crm.log.head() == 0


@pytest.mark.rule("IMP-01")
def test_utf_8_declared_as_gb18030_is_a_fault(tmp_path: Path, crm: CRM) -> None:
    """The declaration is believed, so what does not fit it is refused."""
    folder = write_chinese(tmp_path / "files", estate(transfers=[row("transfers")]), "utf-8")
    report = import_files(crm, [folder], by=SOMEBODY, encoding="gb18030")
    assert {(fault.file, fault.row) for fault in report.faults} == {
        (f"{name}.csv", 1) for name in COLUMNS
    }
    codes = {fault.code for fault in report.faults}
    assert codes <= {"encoding_wrong", "column_unknown", "column_missing"}
    assert crm.log.head() == 0


def only(tmp_path: Path, name: str, content: str | bytes) -> Path:
    """A good estate with one file replaced."""
    folder = write(tmp_path / "files", estate())
    raw = content.encode() if isinstance(content, str) else content
    (folder / f"{name}.csv").write_bytes(raw)
    return folder


HEADER = "purchase,household,service,amount,purchased_on"
LINE = "S1,V1,elder_care,1.00,2011-08-01"
PURCHASE_COLUMNS = (
    "the columns of `purchases` are purchase, household, service, amount, purchased_on, recorded"
)


@pytest.mark.rule("IMP-01")
@pytest.mark.parametrize(
    ("content", "faults"),
    [
        ("", [(1, "", "file_empty", "the file has no header")]),
        ("\n", [(1, "", "file_empty", "the file has no header")]),
        (
            f"{HEADER},colour\n{LINE},red\n",
            [(1, "colour", "column_unknown", PURCHASE_COLUMNS)],
        ),
        (
            f"{HEADER},\n{LINE},red\n",
            [(1, "", "column_unknown", PURCHASE_COLUMNS)],
        ),
        (
            "purchase,household,service,amount\nS1,V1,elder_care,1.00\n",
            [(1, "purchased_on", "column_missing", "column `purchased_on` is missing")],
        ),
        (
            f"{HEADER},金额\n{LINE},1.00\n",
            [(1, "金额", "column_twice", "`amount` has a column already")],
        ),
        (
            "purchase,colour,amount,amount\nS1,red,1,1\n",
            [
                (1, "amount", "column_twice", "`amount` has a column already"),
                (1, "colour", "column_unknown", PURCHASE_COLUMNS),
                (1, "household", "column_missing", "column `household` is missing"),
                (1, "purchased_on", "column_missing", "column `purchased_on` is missing"),
                (1, "service", "column_missing", "column `service` is missing"),
            ],
        ),
        (
            f"{HEADER}\nS1,V1,elder_care,1.00\n{LINE},extra\n",
            [
                (2, "", "row_width", "the row has 4 cells, the header has 5"),
                (3, "", "row_width", "the row has 6 cells, the header has 5"),
            ],
        ),
        (
            f'{HEADER}\n{LINE}\nS2,V1,"elder_care,1.00,2011-08-01\n',
            [(3, "", "csv_malformed", "the line is not CSV: unexpected end of data")],
        ),
        (
            f"{HEADER}\nS1,V1,elder\x00care,1.00,2011-08-01\n",
            [(2, "service", "text_malformed", CHARACTER.format("0000"))],
        ),
    ],
    ids=[
        "empty", "blank", "unknown column", "column without name", "missing column",
        "column twice", "several columns", "width", "open quote", "nul",
    ],
)  # fmt: skip
def test_a_malformed_file_is_told_at_its_row(
    content: str,
    faults: list[tuple[int, str, str, str]],
    tmp_path: Path,
    crm: CRM,
) -> None:
    """What is wrong with header or lines is a fault like any other, and nothing is imported."""
    report = import_files(crm, [only(tmp_path, "purchases", content)], by=SOMEBODY)
    told = [(f.row, f.column, f.code, f.message) for f in report.faults]
    assert told == faults
    assert {f.file for f in report.faults} == {"purchases.csv"}
    assert crm.log.head() == 0


@pytest.mark.rule("IMP-01")
def test_columns_may_stand_in_any_order_and_optional_ones_may_be_missing(
    tmp_path: Path, crm: CRM
) -> None:
    """The header says what a column is, not its place."""
    content = " amount ,purchased_on,service,household,purchase\n1.5,2011-08-01,a b,V1,S1\n"
    assert not import_files(crm, [only(tmp_path, "purchases", content)], by=SOMEBODY).faults
    [made] = [e.event for e in crm.log.feed() if e.name == "payments.purchase_made/1"]
    assert (made.amount_fen, made.service, made.on) == (150, "a b", date(2011, 8, 1))


@pytest.mark.rule("IMP-01")
def test_rows_are_counted_as_a_spreadsheet_counts_them(tmp_path: Path, crm: CRM) -> None:
    """Quoted commas and line breaks do not shift rows; blank lines count and are passed over."""
    content = (
        f"{HEADER}\r\n"
        'S1,V1,"care, elder ""24h""",1.00,2011-08-01\r\n'
        "\r\n"
        'S2,V1,"two\r\nlines",1.00,2011-08-01\r\n'
        "S3,V1,elder_care,?,2011-08-01\r\n"
    )
    folder = only(tmp_path, "purchases", content)
    assert placed(import_files(crm, [folder], by=SOMEBODY)) == [
        ("purchases.csv", 4, "service", "text_malformed"),
        ("purchases.csv", 5, "amount", "amount_malformed"),
    ]
    fixed = content.replace("two\r\nlines", "one line").replace("?", "2")
    report = import_files(crm, [only(tmp_path, "purchases", fixed)], by=SOMEBODY)
    assert report.as_dict()["files"]["purchases.csv"]["imported"] == 3
    made = [e.event.service for e in crm.log.feed() if e.name == "payments.purchase_made/1"]
    assert made == ['care, elder "24h"', "one line", "elder_care"]


@pytest.mark.rule("IMP-01")
def test_a_header_alone_is_a_file_without_rows(tmp_path: Path, crm: CRM) -> None:
    """An estate without purchases is no fault."""
    report = import_files(crm, [only(tmp_path, "purchases", f"{HEADER}\n")], by=SOMEBODY)
    assert not report.faults
    assert report.files["purchases.csv"].rows == 0


# --- which files -------------------------------------------------------------------------------

NEARLY = (
    "it looks like charges, but charge is missing; headers that are not known: 编码甲. "
    "Name them so, or have --suggest draw up a mapping file for --mapping"
)
UNTOLD = (
    "neither name nor headers tell what the file holds; say with --kind which of households, "
    "transfers, charges, payments, purchases, requests it is, or give a mapping file"
)


@pytest.mark.rule("IMP-01")
@pytest.mark.parametrize(
    ("name", "code", "message"),
    [
        ("missing", "file_missing", "there is no such file"),
        ("notes.csv", "file_unknown", UNTOLD),
        ("estate.xlsx", "file_unknown", UNTOLD),
        ("folder", "folder_empty", "there is none of the import files here"),
    ],
)
def test_what_is_not_an_import_file_is_refused_by_name(
    name: str, code: str, message: str, tmp_path: Path, crm: CRM
) -> None:
    """Also beside good files: a mistyped path is not passed over."""
    path = tmp_path / name
    if name == "folder":
        path.mkdir()
        (path / "notes.csv").write_text("hello")
    elif name != "missing":
        path.write_text("hello")
    report = import_files(crm, [write(tmp_path / "files", estate()), path], by=SOMEBODY)
    [fault] = report.faults
    shown = str(path) if name in ("missing", "folder") else name
    assert (fault.file, fault.row, fault.column) == (shown, 0, "")
    assert (fault.code, fault.message) == (code, message)
    assert crm.log.head() == 0


@pytest.mark.rule("IMP-01")
@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("编码甲,户号,费项,账期,金额,应缴日期", NEARLY),
        # Too little is known for the rest to be headers: it may be somebody's name.
        ("户号,张三,13800138000", UNTOLD),
        ("户号,金额,张三,13800138000", UNTOLD),
    ],
)  # fmt: skip
def test_a_file_that_is_nearly_known_says_what_it_lacks(
    header: str, message: str, tmp_path: Path, crm: CRM
) -> None:
    path = tmp_path / "七月.csv"
    path.write_text(f"{header}\n", encoding="utf-8")
    report = import_files(crm, [path], by=SOMEBODY)
    [fault] = report.faults
    assert (fault.file, fault.code, fault.message) == (path.name, "file_unknown", message)


@pytest.mark.rule("IMP-01")
def test_files_may_be_named_one_by_one_and_imported_one_after_the_other(
    tmp_path: Path, crm: CRM
) -> None:
    """What the files of one import say together, several imports may say in turn."""
    named = {"transfers": [row("transfers")], "payments": [row("payments", charge="C1")]}
    folder = write(tmp_path / "files", estate(**named))
    for name in COLUMNS:
        report = import_files(crm, [folder / f"{name}.csv"], by=SOMEBODY)
        assert (report.faults, report.files[f"{name}.csv"].imported) == ([], 1)
    assert import_files(crm, [folder], by=SOMEBODY).events == 0


@pytest.mark.rule("IMP-01")
def test_the_same_kind_of_file_twice_is_a_fault(tmp_path: Path, crm: CRM) -> None:
    """Two folders with households cannot be meant as one import."""
    first, second = write(tmp_path / "a", estate()), write(tmp_path / "b", estate())
    report = import_files(crm, [first, second / "charges.csv"], by=SOMEBODY)
    assert placed(report) == [("charges.csv", 0, "", "file_twice")]
    assert crm.log.head() == 0


# --- what the business refuses -----------------------------------------------------------------


@pytest.mark.rule("IMP-01")
@pytest.mark.parametrize("file", ["charges", "payments", "purchases", "requests"])
def test_a_household_that_is_neither_in_the_files_nor_in_the_log_is_a_fault(
    file: str, load: Callable[..., ImportReport], crm: CRM
) -> None:
    """Facts about nobody are not kept."""
    report = load(estate(**{file: [row(file, household="V404")]}))
    [fault] = report.faults
    assert (fault.file, fault.row, fault.column) == (f"{file}.csv", 2, "household")
    assert fault.code == "unknown_household"
    assert fault.message == "household `V404` is neither in the files nor in the log"
    assert crm.log.head() == 0


@pytest.mark.rule("IMP-01")
def test_a_household_of_an_earlier_import_is_known(
    load: Callable[..., ImportReport], tmp_path: Path, crm: CRM
) -> None:
    """Charges of next year come without the households file."""
    load(estate())
    folder = tmp_path / "next"
    write(folder, {"charges": [row("charges", charge="C2")]})
    assert import_files(crm, [folder], by=SOMEBODY).events == 1


@pytest.mark.rule("IMP-01", "PAY-02")
def test_a_payment_may_name_a_charge_that_became_known_later(
    load: Callable[..., ImportReport], crm: CRM
) -> None:
    """The bank knew before the books did; the order of knowledge is kept all the same."""
    files = estate(
        charges=[row("charges", recorded="2011-07-20T09:00:00+08:00")],
        payments=[row("payments", charge="C1")],
    )
    assert not load(files).faults
    account = [e.name for e in crm.history("account/V1")]
    assert account[:2] == ["payments.payment_received/1", "payments.charge_raised/1"]
    [line] = crm.accounts.credit(date(2011, 12, 31), households=["V1"])
    assert (line.grade, line.overdue_fen) == ("A", 0)


@pytest.mark.rule("IMP-01")
def test_a_payment_that_names_the_charge_of_another_household_is_a_fault(
    load: Callable[..., ImportReport],
) -> None:
    """A charge number is looked for in the account the payment is booked to."""
    files = estate(
        households=[row("households"), row("households", household="V2", room="102")],
        payments=[row("payments", household="V2", charge="C1")],
    )
    [fault] = load(files).faults
    assert (fault.file, fault.row, fault.column, fault.code) == (
        "payments.csv",
        2,
        "charge",
        "unknown_charge",
    )
    assert fault.message == "the account has no charge `C1`"


@pytest.mark.rule("IMP-01", "OWN-01")
def test_a_place_has_one_file(load: Callable[..., ImportReport]) -> None:
    """Two households in one room are told at the second one, with the first one's number."""
    spelt = row("households", household="V2", building="１号楼", unit="1 单元", room="101")
    report = load(estate(households=[row("households"), spelt]))
    [fault] = report.faults
    assert (fault.row, fault.column, fault.code) == (3, "room", "place_taken")
    assert fault.message == "the place already has a file, that of household `V1`"


# --- skipping faulty rows ----------------------------------------------------------------------


def rejected(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


@pytest.fixture
def half_faulty() -> Estate:
    """Two rows of every kind, one of them faulty in one way or another."""
    return estate(
        households=[
            row("households"),
            row("households", household="V2", room="102", kind="?"),
        ],
        charges=[row("charges"), row("charges", charge="C2", amount="10000000000.01")],
        payments=[row("payments"), row("payments", payment="P2", charge="C9")],
        purchases=[row("purchases"), row("purchases", purchase="S2", household="V2")],
        requests=[
            row("requests"),
            row("requests", request="R2", closed_at="2011-08-01T09:00:00+08:00"),
        ],
    )


@pytest.mark.rule("IMP-01")
def test_skipping_imports_the_rest_and_writes_every_faulty_row_whole(
    half_faulty: Estate, load: Callable[..., ImportReport], crm: CRM, tmp_path: Path
) -> None:
    """What was left out is on record: which row, what is wrong, and all its cells."""
    rejects = tmp_path / "rejects.csv"
    report = load(half_faulty, skip_faulty=True, rejects=rejects)
    expected = [
        ("charges.csv", 3, "amount", "amount_out_of_range"),
        ("households.csv", 3, "kind", "kind_unknown"),
        ("payments.csv", 3, "charge", "unknown_charge"),
        ("purchases.csv", 3, "household", "unknown_household"),
        ("requests.csv", 3, "closed_at", "instants_reversed"),
    ]
    assert placed(report) == expected
    for counts in report.as_dict()["files"].values():
        assert counts == {"rows": 2, "imported": 1, "repeated": 0, "faulty": 1}
    assert (report.events, len(facts_of(crm))) == (7, 7)

    header, *lines = rejected(rejects)
    assert header == ["file", "row", "column", "code", "message", "cells..."]
    assert [(file, int(line), column, code) for file, line, column, code, *_ in lines] == expected
    for file, number, _, _, _, *cells in lines:
        assert cells == list(half_faulty[file.removesuffix(".csv")][int(number) - 2].values())


@pytest.mark.rule("IMP-01")
def test_a_skipped_row_leaves_no_part_of_it(
    half_faulty: Estate, load: Callable[..., ImportReport], crm: CRM
) -> None:
    """A request whose end is refused is not half imported as an open one."""
    load(half_faulty, skip_faulty=True)
    assert crm.get(Request, "R2") is None
    assert crm.get(Request, "R1") is not None


@pytest.mark.rule("IMP-01")
def test_the_corrected_file_adds_only_what_was_skipped(
    half_faulty: Estate, load: Callable[..., ImportReport], crm: CRM, tmp_path: Path
) -> None:
    """Skipping first and correcting later ends where a correct import ends."""
    load(half_faulty, skip_faulty=True)
    half_faulty["households"][1]["kind"] = "company"
    half_faulty["charges"][1]["amount"] = "10"
    half_faulty["payments"][1]["charge"] = "C2"
    half_faulty["requests"][1]["closed_at"] = ""
    report = load(half_faulty)
    assert not report.faults
    for counts in report.as_dict()["files"].values():
        assert counts == {"rows": 2, "imported": 1, "repeated": 1, "faulty": 0}
    with open_crm("memory:") as fresh:
        import_files(fresh, [write(tmp_path / "corrected", half_faulty)], by=SOMEBODY)
        said = [Counter((e.name, e.stream, e.recorded) for e in facts_of(c)) for c in (crm, fresh)]
    assert said[0] == said[1]


@pytest.mark.rule("IMP-01", "PRV-03")
@pytest.mark.parametrize("there_before", [False, True])
def test_the_reject_file_is_readable_by_its_owner_only(
    there_before: bool, half_faulty: Estate, load: Callable[..., ImportReport], tmp_path: Path
) -> None:
    """It holds names and telephone numbers, also where an older file was open to all."""
    rejects = tmp_path / "rejects.csv"
    if there_before:
        rejects.write_text("older\n" * 1000)
        rejects.chmod(0o644)
    load(half_faulty, skip_faulty=True, rejects=rejects)
    assert stat.S_IMODE(rejects.stat().st_mode) == 0o600
    assert "older" not in rejects.read_text(encoding="utf-8")
    assert len(rejected(rejects)) == 6


def test_no_reject_file_is_made_without_faults(
    load: Callable[..., ImportReport], tmp_path: Path
) -> None:
    """Nothing was skipped, nothing is left."""
    rejects = tmp_path / "rejects.csv"
    load(estate(), skip_faulty=True, rejects=rejects)
    assert not rejects.exists()


@pytest.mark.parametrize("where", ["no/such/folder/rejects.csv", "."])
def test_a_reject_file_that_cannot_be_written_stops_the_import_before_it_begins(
    where: str, half_faulty: Estate, load: Callable[..., ImportReport], crm: CRM, tmp_path: Path
) -> None:
    """Rows are not skipped if nobody could find out which."""
    with pytest.raises(Invalid) as caught:
        load(half_faulty, skip_faulty=True, rejects=tmp_path / where)
    assert [fault.code for fault in caught.value.faults] == ["rejects_unwritable"]
    assert crm.log.head() == 0


def test_a_malformed_line_in_the_reject_file_comes_from_the_file_as_it_is(
    tmp_path: Path, crm: CRM
) -> None:
    """Also rows of a wrong width and files in another encoding come back whole."""
    folder = write_chinese(tmp_path / "files", estate(), "gb18030")
    text = "消费单号,户号,服务,金额,消费日期\nS1,V1,养老\nS2,V1,养老,?,2011-08-01\n"
    (folder / "purchases.csv").write_bytes(text.encode("gb18030"))
    rejects = tmp_path / "rejects.csv"
    import_files(crm, [folder], by=SOMEBODY, encoding="gb18030", skip_faulty=True, rejects=rejects)
    assert [line[5:] for line in rejected(rejects)[1:]] == [
        ["S1", "V1", "养老"],
        ["S2", "V1", "养老", "?", "2011-08-01"],
    ]


def test_what_is_wrong_is_told_in_the_language_asked_for(tmp_path: Path, crm: CRM) -> None:
    """The faults themselves can be told in either; the reject file is in one."""
    rejects = tmp_path / "rejects.csv"
    folder = write(tmp_path / "files", estate(purchases=[row("purchases", amount="much")]))
    report = import_files(crm, [folder], by=SOMEBODY, skip_faulty=True, rejects=rejects, lang="zh")
    [fault] = report.faults
    assert fault.told("zh") == "金额以元为单位，最多两位小数，例如 `127.00`"
    assert rejected(rejects)[1][:5] == [
        "purchases.csv", "2", "amount", "amount_malformed", fault.told("zh"),
    ]  # fmt: skip


# --- two times ---------------------------------------------------------------------------------


class StoppedClock:
    """A clock that shows one instant."""

    def __init__(self, instant: datetime) -> None:
        self.instant = instant

    def now(self) -> datetime:
        return self.instant


@pytest.mark.rule("IMP-01", "PAY-03")
def test_events_stand_in_the_order_of_their_recorded_instants(
    generated: Estate, load: Callable[..., ImportReport], crm: CRM
) -> None:
    """The log reads like the history it stands for, whichever file a fact came from."""
    load(generated)
    instants = [e.recorded for e in crm.log.feed()]
    assert instants == sorted(instants)
    kinds = {e.name.partition(".")[0] for e in list(crm.log.feed())[500:600]}
    assert kinds >= {"payments", "requests"}


@pytest.mark.rule("PAY-03")
def test_recorded_instants_of_the_file_and_the_moment_of_import_are_both_kept(
    load: Callable[..., ImportReport], crm: CRM
) -> None:
    """When the company knew and when the file was read are different questions."""
    now = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
    crm.host.clock = StoppedClock(now)
    load(estate(requests=[row("requests", closed_at="2011-09-02T10:00:00.5+08:00")]))
    known = {e.name: e.recorded for e in crm.log.feed()}
    assert known["payments.charge_raised/1"] == datetime(2011, 6, 11, 1, tzinfo=UTC)
    assert known["payments.payment_received/1"] == datetime(2011, 7, 5, 2, tzinfo=UTC)
    assert known["payments.purchase_made/1"] == datetime(2011, 8, 1, 0, 26, tzinfo=UTC)
    assert known["requests.received/1"] == datetime(2011, 9, 1, 1, tzinfo=UTC)
    assert known["requests.closed/1"] == datetime(2011, 9, 2, 2, 0, 0, 500_000, tzinfo=UTC)
    for recorded in facts_of(crm):
        assert recorded.envelope.imported == now
        assert recorded.envelope.actor == str(SOMEBODY)


def known_of(crm: CRM) -> dict[str, datetime]:
    return {e.name: e.recorded for e in crm.log.feed()}


@pytest.mark.rule("PAY-03")
def test_a_missing_recorded_instant_is_the_start_of_the_facts_own_day(
    load: Callable[..., ImportReport], crm: CRM
) -> None:
    """The estate's day, not the day in UTC."""
    files = estate(
        charges=[row("charges", recorded="")],
        payments=[row("payments", recorded="")],
        purchases=[row("purchases", recorded="")],
    )
    load(files)
    known = known_of(crm)
    assert known["payments.charge_raised/1"] == datetime(2011, 6, 30, 16, tzinfo=UTC)
    assert known["payments.payment_received/1"] == datetime(2011, 7, 3, 16, tzinfo=UTC)
    assert known["payments.purchase_made/1"] == datetime(2011, 7, 31, 16, tzinfo=UTC)
    assert known["owners.household_registered/1"] == datetime(2010, 2, 28, 16, tzinfo=UTC)


@pytest.mark.rule("PAY-03")
def test_a_charge_without_instant_is_known_when_a_payment_names_it(
    load: Callable[..., ImportReport], crm: CRM
) -> None:
    """Who paid a charge in June knew of it in June."""
    files = estate(
        charges=[row("charges", recorded="")],
        payments=[
            row("payments", charge="C1", recorded="2011-06-20T10:00:00+08:00"),
            row("payments", payment="P2", recorded="2011-06-01T10:00:00+08:00"),
        ],
    )
    load(files)
    account = [(e.name, e.recorded) for e in crm.history("account/V1")]
    assert account[:3] == [
        ("payments.payment_received/1", datetime(2011, 6, 1, 2, tzinfo=UTC)),
        ("payments.charge_raised/1", datetime(2011, 6, 20, 2, tzinfo=UTC)),
        ("payments.payment_received/1", datetime(2011, 6, 20, 2, tzinfo=UTC)),
    ]


@pytest.mark.rule("PAY-03")
@pytest.mark.parametrize(
    ("moved_in", "facts", "expected"),
    [
        ("2010-03-01", True, datetime(2010, 2, 28, 16, tzinfo=UTC)),
        ("2012-03-01", True, datetime(2011, 6, 11, 1, tzinfo=UTC)),
        ("", True, datetime(2011, 6, 11, 1, tzinfo=UTC)),
        ("", False, datetime(2026, 1, 2, tzinfo=UTC)),
    ],
    ids=["moved in first", "moved in after the first fact", "first fact", "import"],
)
def test_a_household_is_known_from_moving_in_or_its_first_fact(
    moved_in: str, facts: bool, expected: datetime, tmp_path: Path, crm: CRM
) -> None:
    """No fact about a household is known before the household is."""
    crm.host.clock = StoppedClock(datetime(2026, 1, 2, tzinfo=UTC))
    files = estate(households=[row("households", moved_in=moved_in)])
    if not facts:
        files = {"households": files["households"]}
    import_files(crm, [write(tmp_path / "files", files)], by=SOMEBODY)
    first = next(iter(crm.log.feed()))
    assert (first.name, first.recorded) == ("owners.household_registered/1", expected)


def test_the_estates_zone_decides_where_a_day_begins(tmp_path: Path) -> None:
    """An estate elsewhere has other midnights."""
    folder = write(tmp_path / "files", estate(purchases=[row("purchases", recorded="")]))
    with open_crm("memory:", zone="America/New_York") as crm:
        import_files(crm, [folder], by=SOMEBODY)
        known = known_of(crm)
    assert known["payments.purchase_made/1"] == datetime(2011, 8, 1, 4, tzinfo=UTC)


@pytest.mark.rule("REQ-04", "LOG-08")
def test_an_agreed_time_becomes_the_commitment_of_the_request(
    load: Callable[..., ImportReport], crm: CRM
) -> None:
    """`due_at` replaces the target, as an accepted promise does, but nobody's word is made up."""
    due = datetime(2011, 9, 3, 1, tzinfo=UTC)
    load(estate(requests=[row("requests", due_at="2011-09-03T09:00:00+08:00")]))
    request = crm.get(Request, "R1")
    assert request is not None
    assert (request.clocks()[0].set.basis, request.clocks()[0].set.due_at) == ("commitment", due)
    [accepted] = [e.event for e in crm.log.feed(names=["requests.commitment_accepted/1"])]
    assert accepted.word is None


@pytest.mark.rule("LOG-08")
def test_who_imports_is_who_the_facts_are_recorded_by(
    load: Callable[..., ImportReport], crm: CRM
) -> None:
    """An open request is theirs until it is handed over; a closed one was done elsewhere."""
    load(estate(requests=[row("requests")]))
    request = crm.get(Request, "R1")
    assert request is not None
    assert request.owner == SOMEBODY.id
    assert {e.envelope.actor for e in crm.log.feed()} == {str(SOMEBODY)}


@pytest.mark.rule("LOG-08")
@pytest.mark.parametrize("role", ["owner", "auditor", "system", "operator", "boss"])
def test_a_role_that_may_not_import_imports_nothing(role: str, tmp_path: Path, crm: CRM) -> None:
    folder = write(tmp_path / "files", estate())
    with pytest.raises((Refused, Invalid)) as refused:
        import_files(crm, [folder], by=Actor("x", role))
    assert refused.value.told("zh") != refused.value.told("en")
    assert crm.log.head() == 0


def test_amounts_are_whole_fen_and_refunds_are_refunds(
    load: Callable[..., ImportReport], crm: CRM
) -> None:
    """A negative purchase is money given back, dated on its own day (PAY-13)."""
    purchases = [
        row("purchases", amount="0.1"),
        row("purchases", purchase="S2", amount="-4.65", purchased_on="2011-08-09"),
        row("purchases", purchase="S3", amount="10000000000.00"),
    ]
    load(estate(purchases=purchases))
    found = {
        e.event.purchase: (e.name, e.event.amount_fen)
        for e in crm.log.feed()
        if e.name.startswith("payments.purchase_")
    }
    assert found == {
        "S1": ("payments.purchase_made/1", 10),
        "S2": ("payments.purchase_refunded/1", 465),
        "S3": ("payments.purchase_made/1", 10**12),
    }


def test_household_without_owner_has_no_member(load: Callable[..., ImportReport], crm: CRM) -> None:
    """An empty owner is nobody, not a person without a name."""
    load(estate(households=[row("households", owner="", phone="")]))
    assert not [e for e in crm.log.feed() if isinstance(e.event, MemberAdded)]


# --- against a model ---------------------------------------------------------------------------

SHANGHAI = timedelta(hours=8)


def random_estate(seed: int, size: int) -> Estate:
    """Rows at random, with and without the optional cells, in no order."""
    draw = random.Random(seed)
    households = [f"V{n}" for n in range(size // 50)]

    def day() -> date:
        return date(2011, 1, 1) + timedelta(days=draw.randrange(700))

    def instant() -> str:
        moment = datetime(2011, 1, 1, tzinfo=UTC) + timedelta(minutes=draw.randrange(10**6))
        return moment.isoformat().replace("+00:00", "Z")

    def maybe(text: str) -> str:
        return text if draw.random() < 0.5 else ""

    def amount(least: int) -> str:
        fen = draw.randrange(1, 10**6) * draw.choice([1, least])
        sign = "-" if fen < 0 else ""
        return f"{sign}{abs(fen) // 100}.{abs(fen) % 100:02d}"

    files: Estate = {name: [] for name in COLUMNS if name != "transfers"}
    for number, household in enumerate(households):
        files["households"].append(
            row(
                "households",
                household=household,
                room=str(number),
                owner=maybe("张三"),
                phone="",
                moved_in=maybe(day().isoformat()),
            )
        )
    charges: dict[str, list[str]] = defaultdict(list)
    for number in range(size):
        household = draw.choice(households)
        kind = draw.choice(["charges", "payments", "purchases", "requests"])
        if kind == "charges":
            charges[household].append(f"C{number}")
            cells = {
                "charge": f"C{number}", "amount": amount(1), "due": day().isoformat(),
                "recorded": maybe(instant()),
            }  # fmt: skip
        elif kind == "payments":
            named = draw.choice([*charges[household], ""])
            cells = {
                "payment": f"P{number}", "amount": amount(1), "paid_on": day().isoformat(),
                "recorded": maybe(instant()), "charge": named,
            }  # fmt: skip
        elif kind == "purchases":
            cells = {
                "purchase": f"S{number}", "amount": amount(-1),
                "purchased_on": day().isoformat(), "recorded": maybe(instant()),
            }  # fmt: skip
        else:
            received = instant()
            end = datetime.fromisoformat(received) + timedelta(minutes=draw.randrange(9999))
            due = datetime.fromisoformat(received) + timedelta(minutes=draw.randrange(1, 99999))
            cells = {
                "request": f"R{number}", "received_at": received, "due_at": maybe(due.isoformat()),
                "closed_at": maybe(end.isoformat()),
            }  # fmt: skip
        files[kind].append(row(kind, household=household, **cells))
    for rows in files.values():
        draw.shuffle(rows)
    return files


def modelled(files: Estate, now: datetime) -> list[tuple[datetime, str, str]]:
    """Instant, event and household of everything the log should hold, in order; slowly."""

    def midnight(text: str) -> datetime:
        return datetime.fromisoformat(f"{text}T00:00:00+08:00")

    def instant(line: dict[str, str], day: str) -> datetime:
        recorded = line["recorded"]
        return datetime.fromisoformat(recorded) if recorded else midnight(line[day])

    facts: list[tuple[datetime, int, int, list[str], str]] = []
    for number, line in enumerate(files["charges"]):
        known = instant(line, "due")
        if not line["recorded"]:
            naming = [
                instant(payment, "paid_on")
                for payment in files["payments"]
                if (payment["household"], payment["charge"]) == (line["household"], line["charge"])
            ]
            known = min([known, *naming])
        facts.append((known, 1, number, ["payments.charge_raised/1"], line["household"]))
    for number, line in enumerate(files["payments"]):
        known = instant(line, "paid_on")
        facts.append((known, 2, number, ["payments.payment_received/1"], line["household"]))
    for number, line in enumerate(files["purchases"]):
        known = instant(line, "purchased_on")
        name = "refunded" if line["amount"].startswith("-") else "made"
        facts.append((known, 3, number, [f"payments.purchase_{name}/1"], line["household"]))
    for number, line in enumerate(files["requests"]):
        received = datetime.fromisoformat(line["received_at"])
        first = ["requests.received/1"]
        if line["due_at"]:
            first.append("requests.commitment_accepted/1")
        facts.append((received, 4, number, first, line["household"]))
        if line["closed_at"]:
            closed = datetime.fromisoformat(line["closed_at"])
            both = ["requests.work_reported_done/1", "requests.closed/1"]
            facts.append((closed, 5, number, both, line["household"]))
    for number, line in enumerate(files["households"]):
        known = min((f[0] for f in facts if f[4] == line["household"]), default=now)
        if line["moved_in"]:
            known = min(known, midnight(line["moved_in"]))
        opened = ["owners.household_registered/1", "owners.place_claimed/1"]
        if line["owner"]:
            opened.insert(1, "owners.member_added/1")
        facts.append((known, 0, number, opened, line["household"]))
    facts.sort(key=lambda fact: fact[:3])
    return [(known, name, who) for known, _, _, told, who in facts for name in told]


@pytest.mark.rule("IMP-01", "PAY-03")
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_five_thousand_rows_become_the_history_of_a_simple_model(
    seed: int, load: Callable[..., ImportReport], crm: CRM
) -> None:
    """Every row once, at its instant, in order, about its household."""
    now = datetime(2030, 1, 1, tzinfo=UTC)
    crm.host.clock = StoppedClock(now)
    files = random_estate(seed, 5000)
    report = load(files)
    assert not report.faults
    every = [(e.recorded, e.name, e.household) for e in facts_of(crm)]
    found = [one for one in every if one[1] not in BY_TIME]
    assert found == modelled(files, now)
    assert len(found) < len(every), "what fell due before a closing is recorded with it"
    paid: Counter[str] = Counter()
    for recorded in crm.log.feed(names=["payments.payment_received/1"]):
        paid[recorded.household] += recorded.event.amount_fen
    expected: Counter[str] = Counter()
    for line in files["payments"]:
        expected[line["household"]] += int(line["amount"].replace(".", ""))
    assert paid == expected


@given(
    cells=st.dictionaries(
        st.sampled_from([(file, column) for file in COLUMNS for column in COLUMNS[file]]),
        st.text(max_size=20) | st.from_regex(r"[-+]?[0-9]{1,15}(\.[0-9]{0,3})?", fullmatch=True)
        | st.dates().map(str)
        | st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat),
        max_size=4,
    )
)  # fmt: skip
@pytest.mark.rule("IMP-01")
def test_no_cell_breaks_an_import(
    cells: dict[tuple[str, str], str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever a cell holds, the answer is events or faults at that very row, never an error."""
    files = estate(transfers=[row("transfers")])
    for (file, column), text in cells.items():
        files[file][0][column] = text
    with open_crm("memory:") as crm:
        report = import_files(crm, [write(tmp_path_factory.mktemp("cells"), files)], by=SOMEBODY)
        assert bool(report.events) is not bool(report.faults)
        assert len(facts_of(crm)) == report.events
        assert crm.verify().intact


@given(
    name=st.sampled_from(sorted(COLUMNS)),
    content=st.binary(max_size=200)
    | st.text(st.sampled_from('",\n\r\t=\0 a1户号'), max_size=60).map(str.encode),
    header=st.booleans(),
    encoding=st.sampled_from(["utf-8", "gb18030", "gbk"]),
)
@pytest.mark.rule("IMP-01")
def test_no_bytes_break_an_import(
    name: str,
    content: bytes,
    header: bool,
    encoding: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """A file of anything is told in faults of that file."""
    folder = write(tmp_path_factory.mktemp("bytes"), {name: [row(name)]})
    path = folder / f"{name}.csv"
    head = ",".join(COLUMNS[name]).encode() + b"\n"
    path.write_bytes(head + content if header else content)
    with open_crm("memory:") as crm:
        report = import_files(crm, [path], by=SOMEBODY, encoding=encoding)
        assert {fault.file for fault in report.faults} <= {path.name}
        assert len(facts_of(crm)) == report.events
        if not header:
            assert report.faults


def test_start_of_day_is_that_of_the_estate() -> None:
    """The defaults above are spelt out in UTC; this is what they stand for."""
    assert start_of_day(date(2011, 7, 1)) == datetime(2011, 7, 1, tzinfo=UTC) - SHANGHAI
