"""Tables that are written, corrected in a spreadsheet, and read again (IMP-01, IMP-02, PRV-10)."""

from __future__ import annotations

import csv
import io
import json
import stat
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import attrs
import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm_adapters import open_crm
from crm_adapters.files.exporting import TABLES, export_table, leaving
from crm_adapters.files.generate import generate_estate
from crm_adapters.files.importing import ImportReport, import_files
from crm_adapters.files.kinds import KINDS
from crm_adapters.files.tables import MARK, Table, Watermark, write_table
from crm_adapters.reports.spreadsheets import harmless, meant
from crm_core import CRM, Account, Actor, Household, Invalid, Refused, Request
from crm_core.kernel.dates import parse_instant
from crm_core.kernel.sealed import Personal
from crm_core.kernel.word import Word
from crm_core.owners.commands import RegisterHousehold
from crm_core.payments.commands import CancelCharge, DisputeCharge, RaiseCharge, RecordPurchase
from crm_core.requests import Closed, Open
from import_estates import (
    CHARGE,
    CLERK,
    EVERYTHING,
    HOST,
    HOUSEHOLD,
    PAYMENT,
    PURCHASE,
    REQUEST,
    TENANT,
    Files,
    picture,
    take_in,
    write_files,
)

WHY = "read off the meter again"
MADE = Watermark("specialist:li", parse_instant("2026-11-30T12:00:00+08:00"), "yearly check")
NOTED = attrs.evolve(MADE, export="E1")

Load = Callable[..., ImportReport]


@pytest.fixture
def crm() -> Iterator[CRM]:
    with open_crm("memory:") as opened:
        yield opened


@pytest.fixture
def load(crm: CRM, tmp_path: Path) -> Load:
    def import_estate(files: Files, **options: Any) -> ImportReport:
        folder = tmp_path / f"import-{len(list(tmp_path.iterdir()))}"
        return take_in(crm, folder, files, **options)

    return import_estate


def exported(crm: CRM, folder: Path, *, form: str = "csv", **options: Any) -> Path:
    """Every table that is imported, in a folder."""
    folder.mkdir()
    for kind in KINDS:
        table = export_table(crm, kind.name, **{"by": CLERK, "purpose": "file"} | options)
        write_table(folder / f"{kind.name}.{form}", table, NOTED)
    return folder


def correct(crm: CRM, folder: Path, **options: Any) -> ImportReport:
    return import_files(crm, [folder], **{"by": CLERK, "corrects": WHY} | options)


def changed(folder: Path, name: str, before: str, after: str) -> Path:
    """A file of a folder in which somebody has typed something else."""
    path = folder / f"{name}.csv"
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")
    return folder


def said(crm: CRM, after: int) -> list[str]:
    return [e.name.partition("/")[0] for e in crm.log.feed(after=after)]


# --- nothing is lost, nothing is added ------------------------------------------------------------


@pytest.mark.rule("IMP-01")
def test_what_was_exported_says_the_same_in_another_log(
    crm: CRM, load: Load, tmp_path: Path
) -> None:
    """Given an estate, when its tables are imported elsewhere, then the same holds there."""
    load(EVERYTHING)
    folder = exported(crm, tmp_path / "out")
    with open_crm("memory:") as other:
        report = import_files(other, [folder], by=HOST)
        assert report.faults == []
        assert picture(other) == picture(crm)


def test_an_irregular_estate_goes_round(tmp_path: Path) -> None:
    """Sales, co-owners, odd bills, payments of several bills: again the same, event for event."""
    generate_estate(
        tmp_path / "in", households=12, first_year=2023, last_year=2024, seed=4, irregular=True
    )
    with open_crm("memory:") as crm, open_crm("memory:") as other:
        first = import_files(crm, [tmp_path / "in"], by=HOST)
        folder = exported(crm, tmp_path / "out")
        again = import_files(other, [folder], by=HOST)
        assert (again.faults, again.events) == ([], first.events)
        assert picture(other) == picture(crm)
        assert correct(crm, folder).events == 0


@pytest.mark.rule("IMP-01")
def test_an_export_that_comes_back_changes_nothing(crm: CRM, load: Load, tmp_path: Path) -> None:
    load(EVERYTHING)
    crm.do(RaiseCharge("V1", "H1", "other", "2024-12", 500, date(2024, 12, 1)), by=CLERK)
    report = correct(crm, exported(crm, tmp_path / "out"))
    assert (report.events, report.faults) == (0, [])
    assert {f.repeated for f in report.files.values()} == {1, 2}
    assert len(crm.imports.every()) == 1


# --- corrections ----------------------------------------------------------------------------------

CORRECTED: dict[str, tuple[str, str, str, list[str]]] = {
    "the amount of a charge": (
        "charges", "127.00", "99.00", ["payments.charge_cancelled", "payments.charge_raised"]
    ),
    "the day of a payment": (
        "payments", "2024-03-04", "2024-03-01",
        ["payments.payment_reversed", "payments.payment_received"],
    ),
    "a service": (
        "purchases", "elder_care", "repair",
        ["payments.purchase_voided", "payments.purchase_made"],
    ),
    "the telephone number of an owner": (
        "households", "13800000001", "13900000001", ["owners.contact_changed"]
    ),
    "the name of a tenant": ("transfers", "李四", "李思", ["owners.contact_changed"]),
    "the end of a role": (
        "transfers", "2023-02-01,,", "2023-02-01,2024-05-31,", ["owners.role_ended"]
    ),
    "the kind of a request": (
        "requests", "complaint", "suggestion",
        ["requests.voided", "requests.received"],
    ),
}  # fmt: skip


@pytest.mark.rule("IMP-01", "LOG-06")
@pytest.mark.parametrize("what", CORRECTED)
def test_only_what_differs_becomes_events_with_the_reason(
    crm: CRM, load: Load, tmp_path: Path, what: str
) -> None:
    """Given an export, when a cell is corrected in it, then that alone is recorded, and why."""
    name, before, after, expected = CORRECTED[what]
    opened = {**REQUEST, "closed_at": ""}
    load({**EVERYTHING, "requests": [opened]})
    head = crm.log.head()
    folder = changed(exported(crm, tmp_path / "out"), name, before, after)
    report = correct(crm, folder)
    assert report.faults == []
    happened = said(crm, head)
    assert happened[: len(expected)] == expected
    assert happened[-1] == "imports.recorded"
    told = crm.host.texts.each(crm.log.feed(after=head))
    reasons = {getattr(e.event, "reason", WHY) for e in told}
    assert reasons <= {WHY, "import"}
    assert sum(f.imported for f in report.files.values()) == 1
    # Once corrected it is the same, whether it is asked to correct or only to come in.
    assert correct(crm, folder).events == 0
    assert import_files(crm, [folder], by=CLERK).events == 0
    if name not in ("households", "transfers"):
        assert exported(crm, tmp_path / "again").joinpath(f"{name}.csv").read_text("utf-8").count(
            after
        ) == folder.joinpath(f"{name}.csv").read_text("utf-8").count(after)


def test_corrected_there_and_back(crm: CRM, load: Load, tmp_path: Path) -> None:
    """What is corrected can be corrected again, to what it was as well."""
    load(EVERYTHING)
    before = picture(crm)
    folder = changed(exported(crm, tmp_path / "out"), "charges", "127.00", "99.00")
    correct(crm, folder)
    assert [line.overdue_fen for line in crm.accounts.credit(date(2024, 2, 1))] == [9900]
    correct(crm, changed(folder, "charges", "99.00", "127.00"))
    assert picture(crm) == before
    correct(crm, changed(folder, "charges", "127.00", "99.00"))
    assert [line.overdue_fen for line in crm.accounts.credit(date(2024, 2, 1))] == [9900]
    with pytest.raises(Refused) as refused:
        crm.imports.undo("2", by=HOST, reason="no")
    assert refused.value.reason == "import_corrects"


def test_an_undo_does_not_start_where_a_row_was_corrected(
    crm: CRM, load: Load, tmp_path: Path
) -> None:
    load(EVERYTHING)
    correct(crm, changed(exported(crm, tmp_path / "out"), "charges", "127.00", "99.00"))
    rests = crm.imports.look("1", by=HOST).rests
    assert ("payments.charge_cancelled/1", "C1") in [(one.name, one.number) for one in rests]


def test_the_end_of_a_request_is_corrected(crm: CRM, load: Load, tmp_path: Path) -> None:
    load(EVERYTHING)
    folder = exported(crm, tmp_path / "out")
    correct(crm, changed(folder, "requests", "2024-09-03T02:00:00Z", "2024-09-03T03:30:00Z"))
    closed = crm.get(Request, "R1", by=HOST)
    assert isinstance(closed, Closed)
    assert closed.closed_at == parse_instant("2024-09-03T03:30:00Z")
    correct(crm, changed(folder, "requests", "2024-09-03T03:30:00Z", ""))
    assert isinstance(crm.get(Request, "R1", by=HOST), Open)


def test_what_cannot_be_corrected_so_is_a_fault(crm: CRM, load: Load, tmp_path: Path) -> None:
    """A place is not corrected in passing, nor a charge that somebody contests."""
    load(EVERYTHING)
    folder = changed(exported(crm, tmp_path / "out"), "households", "101", "102")
    report = correct(crm, folder)
    assert [(f.column, f.code) for f in report.faults] == [("room", "correction_impossible")]
    word = Word("V1#owner", "phone", "call-1")
    crm.do(DisputeCharge("V1", "D1", "C1", 100, date(2024, 12, 1), "wrong", word), by=CLERK)
    folder = changed(exported(crm, tmp_path / "two"), "charges", "127.00", "99.00")
    report = correct(crm, folder)
    assert [(f.column, f.code) for f in report.faults] == [("charge", "correction_rested_on")]
    assert report.events == 0


def test_without_a_reason_a_row_that_differs_is_a_fault(
    crm: CRM, load: Load, tmp_path: Path
) -> None:
    load(EVERYTHING)
    folder = changed(exported(crm, tmp_path / "out"), "charges", "127.00", "99.00")
    report = import_files(crm, [folder], by=CLERK)
    assert [f.code for f in report.faults] == ["charge_exists"]


@pytest.mark.rule("LOG-08")
def test_an_import_that_corrects_brings_nothing_else(crm: CRM, load: Load) -> None:
    """Neither a host nor anybody else gets past who may do what by calling it a correction."""
    from crm_adapters.files.again import CORRECTING
    from crm_core.crm import Planned
    from crm_core.payments.commands import DecideWaiver

    load(EVERYTHING)
    now = parse_instant("2024-12-31T12:00:00+08:00")

    def give(command: Any, by: Any) -> None:
        crm.imports.correct(
            [Planned(command, f"{CORRECTING}1", now)],
            by=by,
            imported=now,
            on_refusal=lambda *_: None,
            on_error=lambda *_: None,
            closing=lambda _: None,
            stop=lambda: False,
        )

    with pytest.raises(Refused) as refused:
        give(DecideWaiver("V1", "W1", date(2024, 12, 1), True, ""), CLERK)  # type: ignore[arg-type]
    assert refused.value.reason == "not_importable"
    with pytest.raises(Refused) as refused:
        give(CancelCharge("V1", "C1", date(2024, 1, 1), WHY), Actor("o", "operator"))
    assert refused.value.reason == "role_insufficient"


# --- personal values ------------------------------------------------------------------------------


@pytest.mark.rule("PRV-03", "PRV-10")
def test_names_need_a_purpose_and_a_role(crm: CRM, load: Load, tmp_path: Path) -> None:
    load(EVERYTHING)
    without = export_table(crm, "households", by=CLERK)
    assert not {"owner", "phone"} & set(without.columns)
    assert all("张三" not in str(row) for row in without.rows)
    table = export_table(crm, "households", by=CLERK, purpose="file")
    assert "张三" in next(iter(table.rows))
    with pytest.raises(Refused):
        list(export_table(crm, "households", by=HOST, purpose="file").rows)
    with pytest.raises(Refused):
        export_table(crm, "charges", by=Actor("o", "cleaning"))
    # What has no column is as it stands.
    folder = exported(crm, tmp_path / "out", purpose="")
    (folder / "transfers.csv").unlink()
    assert correct(crm, folder, by=HOST).events == 0


# --- forms ----------------------------------------------------------------------------------------

HOSTILE = ["=1+1", "+86", "-1", "@SUM(A1)", "\ttab", "\rcr", "\nlf", "'=1", "'", "''", "a=1", "",
           "普通", "＝1", "＋1", "－1", "＠1"]  # fmt: skip


@pytest.mark.rule("IMP-02")
@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_spreadsheet_would_compute_is_text_and_comes_back(text: str) -> None:
    safe = harmless(text)
    assert not safe.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"))
    assert meant(safe) == text


@given(st.text())
def test_any_text_comes_back(text: str) -> None:
    assert meant(harmless(text)) == text


@pytest.mark.rule("IMP-02")
@pytest.mark.parametrize("form", ["xlsx", "csv", "json"])
def test_no_form_holds_a_live_formula(tmp_path: Path, form: str) -> None:
    """Given hostile texts, when they are written, then no cell of it begins a formula."""
    path = tmp_path / f"hostile.{form}"
    table = Table("hostile", ["text", "amount"], [[text, Decimal("-1.50")] for text in HOSTILE])
    assert write_table(path, table, Watermark("host:=cmd", MADE.at, "=1+1")) == len(HOSTILE)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    if form == "json":
        data = json.loads(path.read_text("utf-8"))
        assert [row["text"] for row in data["rows"]] == HOSTILE
        return
    if form == "csv":
        raw = path.read_bytes()
        assert raw.startswith(b"\xef\xbb\xbf")
        rows = list(csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline="")))
        cells = [cell for row in rows[1:] for cell in (row[:1] if len(row) == 2 else row)]
        assert [meant(row[0]) for row in rows[1:-1]] == HOSTILE
        assert rows[-1][0] == MARK
    else:
        book = openpyxl.load_workbook(path)
        every = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
        assert {cell.data_type for cell in every} <= {"s", "n", "inlineStr"}
        cells = [str(cell.value) for cell in every if cell.data_type != "n" and cell.value]
        assert book.sheetnames == ["hostile", "crm"]
        assert book["hostile"]["B2"].value == -1.5
    assert not [c for c in cells if c.startswith(("=", "+", "@", "-", "＝", "＋", "－", "＠"))]


@pytest.mark.rule("PRV-10")
def test_a_table_is_capped_and_says_who_had_it_made(crm: CRM, load: Load, tmp_path: Path) -> None:
    load(EVERYTHING)
    for form in ("xlsx", "csv", "json"):
        path = tmp_path / f"charges.{form}"
        with pytest.raises(Invalid) as refused:
            write_table(path, export_table(crm, "charges", by=CLERK), MADE, most=0)
        assert [fault.code for fault in refused.value.faults] == ["export_too_large"]
        assert not path.exists()
        write_table(path, export_table(crm, "charges", by=CLERK), MADE, most=1)
        if form == "xlsx":
            text = str(list(openpyxl.load_workbook(path)["crm"].values))
        else:
            text = path.read_text("utf-8")
        assert all(part in text for part in ("specialist:li", "2026-11-30T04:00:00Z", "yearly"))
    with pytest.raises(Invalid):
        write_table(tmp_path / "charges.doc", export_table(crm, "charges", by=CLERK), MADE)


def test_every_table_can_be_written(crm: CRM, load: Load, tmp_path: Path) -> None:
    load(EVERYTHING)
    crm.grade(2024)
    for name in TABLES:
        table = export_table(crm, name, by=CLERK, purpose="file", on=date(2024, 2, 1), year=2024)
        table, mark = leaving(crm, table, by=CLERK, purpose="file")
        assert write_table(tmp_path / f"{name}.csv", table, mark) >= (name != "todo")
    [grade] = export_table(crm, "grades", by=HOST, year=2024).rows
    [standing] = [crm.gradings.grades(2024).of(g) for g in crm.gradings.grades(2024).gradings]
    assert grade == ["V1", 2024, standing.layer, standing.type, standing.status]
    with pytest.raises(Invalid):
        export_table(crm, "nothing", by=CLERK)


def test_an_estate_goes_round_as_workbooks(crm: CRM, load: Load, tmp_path: Path) -> None:
    """Given workbooks of an estate, when they come in elsewhere, then the same holds there."""
    load(EVERYTHING)
    folder = exported(crm, tmp_path / "out", form="xlsx")
    assert correct(crm, folder).events == 0
    with open_crm("memory:") as other:
        report = import_files(other, [folder], by=HOST)
        assert report.faults == []
        assert picture(other) == picture(crm)
        # The sheet that says who had it made is none of the tables.
        assert {one.what for one in report.readings} == {"other_sheets"}


IN_A_WORKBOOK: dict[str, tuple[str, str, Any, list[str]]] = {
    "an amount": (
        "charges", "amount", 99, ["payments.charge_cancelled", "payments.charge_raised"]
    ),
    "an amount with fen": (
        "purchases", "amount", 99.05, ["payments.purchase_voided", "payments.purchase_made"]
    ),
    "a day, as spreadsheets keep days": (
        "payments", "paid_on", date(2024, 3, 1),
        ["payments.payment_reversed", "payments.payment_received"],
    ),
    "a telephone number": ("households", "phone", "13900000001", ["owners.contact_changed"]),
    "a telephone number that became a number": (
        "households", "phone", 13900000001, ["owners.contact_changed"]
    ),
}  # fmt: skip


@pytest.mark.rule("IMP-01", "IMP-02")
@pytest.mark.parametrize("what", IN_A_WORKBOOK)
def test_what_is_corrected_in_a_workbook_is_recorded_alone(
    crm: CRM, load: Load, tmp_path: Path, what: str
) -> None:
    """Given a workbook, when one cell is typed over in a spreadsheet, then that alone differs."""
    name, column, value, expected = IN_A_WORKBOOK[what]
    load(EVERYTHING)
    head = crm.log.head()
    folder = exported(crm, tmp_path / "out", form="xlsx")
    path = folder / f"{name}.xlsx"
    book = openpyxl.load_workbook(path)
    header = [cell.value for cell in next(book[name].iter_rows(max_row=1))]
    book[name].cell(2, header.index(column) + 1).value = value
    book.save(path)
    report = correct(crm, folder)
    assert report.faults == []
    assert said(crm, head) == [*expected, "imports.recorded"]
    assert correct(crm, folder).events == 0


@pytest.mark.rule("PRV-02")
def test_a_text_that_is_erased_goes_round_and_changes_nothing(
    crm: CRM, load: Load, tmp_path: Path
) -> None:
    """Given an erased household, when its requests are exported, then no cell is empty or wrong."""
    load(EVERYTHING)
    crm.privacy.erase("V1", by=Actor("C1", "custodian"), purpose="asked for it")
    folder = exported(crm, tmp_path / "out", by=HOST, purpose="")
    told = (folder / "requests.csv").read_text(encoding="utf-8-sig")
    row, _mark = csv.DictReader(io.StringIO(told))
    assert row["summary"] == "…"
    # Of whom nothing is opened, no names are in one, and of a list no places in the other.
    for name in ("transfers", "households"):
        (folder / f"{name}.csv").unlink()
    report = correct(crm, folder)
    assert (report.faults, report.events) == ([], 0)


def test_hostile_texts_of_a_log_go_round(crm: CRM, tmp_path: Path) -> None:
    """A text that somebody typed by hand comes back as typed, a seeming formula, too."""
    owner = Personal("V1#owner", "=张三")
    crm.do(RegisterHousehold("V1", "＝星河", "+1", "-1", "@101", owner=owner), by=CLERK)
    crm.do(RecordPurchase("V1", "S1", "'=care", 500, date(2024, 5, 1)), by=CLERK)
    folder = exported(crm, tmp_path / "out")
    assert correct(crm, folder).events == 0
    with open_crm("memory:") as other:
        assert import_files(other, [folder], by=CLERK).faults == []
        file = other.get(Household, "V1", by=HOST)
        assert file is not None
        assert (file.estate, file.building, file.unit, file.room) == ("＝星河", "+1", "-1", "@101")
        assert other.reveal("V1", "V1#owner", "name", by=CLERK, purpose="file") == "=张三"
        account = other.get(Account, "V1", by=HOST)
        assert account is not None
        [purchase] = account.bought.standing()
        assert purchase.service == "'=care"


# --- for any corrections --------------------------------------------------------------------------


@pytest.mark.rule("IMP-01")
@given(st.data())
@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
def test_any_corrections_hold_as_if_they_had_been_right_at_once(data: st.DataObject) -> None:
    """Corrected afterwards or right from the start: the same holds, as known now."""
    fen = st.integers(1, 50_000).map(lambda n: f"{n // 100}.{n % 100:02d}")
    day = st.dates(date(2023, 1, 1), date(2025, 1, 31)).map(date.isoformat)

    def drawn() -> Files:
        return {
            "households": [HOUSEHOLD],
            "charges": [
                {**CHARGE, "charge": f"C{n}", "amount": data.draw(fen), "due": data.draw(day),
                 "recorded": ""}
                for n in range(3)
            ],
            "payments": [
                {**PAYMENT, "payment": f"P{n}", "amount": data.draw(fen), "recorded": "",
                 "paid_on": data.draw(day), "charge": data.draw(st.sampled_from(["", "C0"]))}
                for n in range(2)
            ],
            "purchases": [{**PURCHASE, "amount": data.draw(fen), "recorded": ""}],
        }  # fmt: skip

    wrong, right = drawn(), drawn()
    with TemporaryDirectory() as name, open_crm("memory:") as crm, open_crm("memory:") as other:
        folder = Path(name)
        assert take_in(crm, folder / "wrong", wrong).faults == []
        assert correct(crm, write_files(folder / "right", right)).faults == []
        assert take_in(other, folder / "right", right).faults == []
        assert picture(crm) == picture(other)
        assert TENANT["household"] == "V1"
