"""Files of others through mapping files alone, and what a mapping file may say (IMP-03)."""

from __future__ import annotations

import csv
import gzip
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import made
import pytest

from crm_adapters import open_crm
from crm_adapters.files.finding import Declared
from crm_adapters.files.importing import ImportReport, import_files
from crm_adapters.files.mapping import MAPPING_BYTES_MAX, mapping_of, read_mapping
from crm_core import CRM, Actor, Invalid

WHO = Actor("tester", "host")
MAPPINGS = Path(__file__).parent / "mappings"
SHARED = Path(os.getenv("CRM_SHARED_DATA") or Path(__file__).parents[3] / "shared" / "data")


@pytest.fixture
def crm() -> Iterator[CRM]:
    with open_crm("memory:") as opened:
        yield opened


def data(*parts: str) -> Path:
    path = SHARED.joinpath(*parts)
    if not path.is_file():
        pytest.skip("the shared data are not here; CRM_SHARED_DATA says where they are")
    return path


def unpacked(source: Path, target: Path) -> Path:
    with gzip.open(source) as packed, target.open("wb") as file:
        shutil.copyfileobj(packed, file)
    return target


def read(crm: CRM, path: Path, mapping: str) -> ImportReport:
    declared = Declared(mapping=read_mapping(MAPPINGS / f"{mapping}.toml"))
    return import_files(crm, [path], by=WHO, declared=declared)


def names(crm: CRM) -> Counter[str]:
    return Counter(e.name for e in crm.log.feed())


# --- other people's files ------------------------------------------------------------------------


@pytest.mark.rule("IMP-03")
@pytest.mark.parametrize("style", ["as exported", "as the portal shows it"])
def test_requests_of_a_city_come_in_by_a_mapping_alone(
    style: str, crm: CRM, tmp_path: Path
) -> None:
    """Whether headers are `unique_key` or `Unique Key`."""
    path = unpacked(data("nyc-311", "nyc311_2019-12-31_1000rows.csv.gz"), tmp_path / "nyc.csv")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if style != "as exported":
        header, *lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        path.write_text(header.replace("_", " ").title() + "".join(lines), encoding="utf-8")
    report = read(crm, path, "nyc-311")
    assert not report.faults
    placed = [row for row in rows if row["bbl"]]
    received = {e.stream: e for e in crm.log.feed() if e.name == "requests.received/1"}
    assert len(received) == len(placed) == 920
    assert names(crm)["owners.household_registered/1"] == len({row["bbl"] for row in placed})
    first = received["request/45278137"]
    assert first.recorded == datetime(2020, 1, 1, 4, 59, 11, tzinfo=UTC)
    assert (first.event.channel, first.event.trade) == ("app", "other")
    closed = [row for row in placed if row["closed_date"]]
    assert names(crm)["requests.closed/1"] == len(closed)
    assert read(crm, path, "nyc-311").events == 0


@pytest.mark.rule("IMP-03")
def test_an_export_with_other_headers_and_days_of_the_same_city(crm: CRM) -> None:
    report = read(crm, data("nyc-311", "nycdb_hpd_complaints_and_problems.csv"), "nyc-hpd")
    assert not report.faults
    received = {e.stream: e for e in crm.log.feed() if e.name == "requests.received/1"}
    assert len(received) == 10
    first = received["request/17704039"]
    assert first.recorded == datetime(2017, 8, 1, 4, tzinfo=UTC)
    assert (first.household, first.event.severity) == ("1021800018-2C", "major")


@pytest.mark.rule("IMP-03")
def test_a_log_of_fines_becomes_accounts(crm: CRM, tmp_path: Path) -> None:
    """One file is read as households, two kinds of charges, and payments."""
    path = unpacked(data("traffic-fines", "traffic_fines.csv.gz"), tmp_path / "fines.csv")
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    fined = {row["case_id"] for row in rows if row["activity"] == "Create Fine"}
    declared = Declared(mapping=read_mapping(MAPPINGS / "traffic-fines.toml"))
    report = import_files(crm, [path], by=WHO, declared=declared, skip_faulty=True,
                          rejects=tmp_path / "rejects.csv")  # fmt: skip
    # Cases that began before the file have no household in it.
    assert {fault.code for fault in report.faults} <= {"unknown_household"}
    asked: Counter[str] = Counter()
    paid: Counter[str] = Counter()
    for recorded in crm.log.feed():
        if recorded.name == "payments.charge_raised/1":
            asked[recorded.household] += recorded.event.amount_fen
        if recorded.name == "payments.payment_received/1":
            paid[recorded.household] += recorded.event.amount_fen
    expected: Counter[str] = Counter()
    received: Counter[str] = Counter()
    for row in rows:
        if row["case_id"] not in fined:
            continue
        if row["activity"] == "Create Fine":
            expected[row["case_id"]] += round(float(row["amount"]) * 100)
        if row["activity"] == "Send Fine" and row["expense"]:
            expected[row["case_id"]] += round(float(row["expense"]) * 100)
        if row["activity"] == "Payment" and row["payment_amount_repaired"]:
            received[row["case_id"]] += round(float(row["payment_amount_repaired"]) * 100)
    assert asked == +expected
    assert paid == received


WECHAT = """微信支付账单明细,,,,,,,,,,
微信昵称：[星河物业],,,,,,,,,,
起始时间：[2024-07-01 00:00:00] 终止时间：[2024-07-31 23:59:59],,,,,,,,,,
导出类型：[全部],,,,,,,,,,
导出时间：[2024-08-01 09:00:00],,,,,,,,,,
,,,,,,,,,,
共3笔记录,,,,,,,,,,
收入：2笔 1467.50元,,,,,,,,,,
支出：1笔 10.00元,,,,,,,,,,
,,,,,,,,,,
注：,,,,,,,,,,
1. 本明细仅供个人对账使用,,,,,,,,,,
----------------------微信支付账单明细列表--------------------,,,,,,,,,,
交易时间,交易类型,交易对方,商品,收/支,金额(元),支付方式,当前状态,交易单号,商户单号,备注
2024-07-04 19:03:22,二维码收款,张*三,"收款",收入,¥1127.00,/,已收钱,"1000039001\t","1\t","V1"
2024-07-05 08:00:01,商户消费,某店,"办公用品",支出,¥10.00,零钱,支付成功,"4200002201\t","/","/"
2024-07-06 12:30:00,二维码收款,物*社,"收款",收入,¥340.50,/,已存入零钱,"1000039003\t","3\t","V2"
"""

BANK = """账户交易明细查询,,,,,
账号：,6222****1234,,户名：,星河物业,
序号,交易日期,流水号,借方发生额,贷方发生额,附言
1,20240704,00017,,"1,127.00",V1
2,20240705,00018,"12,000.00",,工资
3,20240706,00020,,340.50,V2
合计,,,"12,000.00","1,467.50",
"""
PAID = {("V1", 112700, date(2024, 7, 4)), ("V2", 34050, date(2024, 7, 6))}


@pytest.mark.rule("IMP-03")
@pytest.mark.parametrize(
    ("mapping", "content", "encoding", "method"),
    [("wechat", WECHAT, "utf-8-sig", "wechat"), ("bank", BANK, "gb18030", "transfer")],
)
def test_bills_of_a_wallet_and_of_a_bank_are_payments(
    mapping: str, content: str, encoding: str, method: str, crm: CRM, tmp_path: Path
) -> None:
    households = made.written(made.text(made.HOUSEHOLDS), "households.csv")(tmp_path)
    import_files(crm, [households], by=WHO)
    path = made.written(content, "账单(20240701-20240731).csv", encoding)(tmp_path)
    report = read(crm, path, mapping)
    assert not report.faults
    received = [e for e in crm.log.feed() if e.name == "payments.payment_received/1"]
    assert {(e.household, e.event.amount_fen, e.event.paid_on) for e in received} == PAID
    assert {e.event.method for e in received} == {method}
    told = {reading.what: reading.count for reading in report.readings}
    assert told["other_rows"] == 1
    assert told["title_rows"] >= 2


# --- what a mapping says -------------------------------------------------------------------------

CHARGES = """
kind = "charges"
estate = "星河小区"
[columns]
charge = "单号"
household = "{楼}-{房}"
amount = "钱"
[constants]
kind = "management_fee"
"""


def by(text: str, crm: CRM, *paths: Path, **options: object) -> ImportReport:
    declared = Declared(mapping=mapping_of(text.encode()), **options)  # type: ignore[arg-type]
    return import_files(crm, paths, by=WHO, declared=declared)


@pytest.mark.rule("IMP-03")
def test_columns_are_joined_constants_filled_and_the_rest_recognised(
    crm: CRM, tmp_path: Path
) -> None:
    rows = [["V1-101", *made.HOUSEHOLDS[1][2:]]]
    households = made.written(
        made.text([[t for t in made.HOUSEHOLDS[0] if t != "小区"], *rows]), "住户.csv"
    )(tmp_path)
    assert not by('kind = "households"\nestate = "星河小区"\n', crm, households).faults
    charges = made.written(
        "单号,楼,房,账期,钱,应缴日期,管家\nC1,V1,101,2024-07,5.00,2024-07-01,小李\n", "x.csv"
    )(tmp_path)
    report = by(CHARGES, crm, charges)
    assert not report.faults
    [raised] = [e for e in crm.log.feed() if e.name == "payments.charge_raised/1"]
    assert (raised.household, raised.event.kind) == ("V1-101", "management_fee")
    assert [(r.what, r.column) for r in report.readings] == [("ignored_columns", "管家")]
    assert report.mapping is not None
    assert report.as_dict()["mapping"] == report.mapping.digest


@pytest.mark.rule("IMP-03")
def test_a_header_that_the_mapping_names_and_the_file_lacks_is_told(
    crm: CRM, tmp_path: Path
) -> None:
    path = made.written("单号,楼,账期,钱,应缴日期\nC1,V1,2024-07,5.00,2024-07-01\n")(tmp_path)
    assert [(f.row, f.code, f.message) for f in by(CHARGES, crm, path).faults] == [
        (1, "column_missing", "there is no header `房`, which the mapping file names")
    ]


def test_a_mapping_is_told_by_what_it_says_and_kept_as_it_was_written() -> None:
    one, other = mapping_of(CHARGES.encode()), mapping_of(("# by hand\n" + CHARGES).encode())
    assert one.digest == other.digest != mapping_of(CHARGES.replace("钱", "金").encode()).digest
    assert other.text.startswith("# by hand")


WRONG = [
    ("kind = 'charge'", "tables.1.kind"),
    ("", "tables.1.kind"),
    ("kind = 'charges'\ncolor = 'red'", "color"),
    ("kind = 'charges'\ncolumns = ['a']", "tables.1.columns"),
    ("kind = 'charges'\n[columns]\nowner = 'x'", "tables.1.columns.owner"),
    ("kind = 'charges'\n[columns]\ncharge = ''", "tables.1.columns.charge"),
    ("kind = 'charges'\n[values.kind]\nx = 'tax'", "tables.1.values.kind.x"),
    ("kind = 'charges'\n[values]\nkind = 'x'", "tables.1.values.kind"),
    ("kind = 'charges'\ndates = 'DD/MM'", "tables.1.dates"),
    ("kind = 'charges'\ndates = 7", "tables.1.dates"),
    ("kind = 'charges'\ndistinct = 'yes'", "tables.1.distinct"),
    ("kind = 'charges'\nencoding = 'latin-1'", "encoding"),
    ("kind = 'charges'\nseparator = '-'", "separator"),
    ("kind = 'charges'\nzone = 'Nowhere/At_All'", "zone"),
    ("kind = 'charges'\nreadings = ['magic']", "readings"),
    ("kind = 'charges'\n[columns]\nkind = 'a'\n[constants]\nkind = 'other'",
     "tables.1.constants.kind"),
    ("tables = 7", "tables"),
    ("[[tables]]\nkind = 'charges'\n[tables.where]\nx = 7", "tables.1.where.x"),
]  # fmt: skip


@pytest.mark.rule("IMP-03")
@pytest.mark.parametrize(("text", "where"), WRONG)
def test_what_no_mapping_says_is_told_at_its_place(text: str, where: str) -> None:
    with pytest.raises(Invalid) as caught:
        mapping_of(text.encode(), "m.toml")
    assert f"m.toml:{where}" in {fault.where for fault in caught.value.faults}
    assert {fault.code for fault in caught.value.faults} == {"mapping_malformed"}
    assert all(fault.told("zh") != fault.told("en") for fault in caught.value.faults)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"kind = ", "mapping_unreadable"),
        (b"\xff\xfe", "mapping_unreadable"),
        (b"#" * (MAPPING_BYTES_MAX + 1), "mapping_too_large"),
    ],
)
def test_what_is_no_mapping_is_refused(raw: bytes, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        mapping_of(raw)
    assert [fault.code for fault in caught.value.faults] == [code]


def test_a_mapping_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid):
        read_mapping(tmp_path / "m.toml")


@pytest.mark.rule("IMP-03")
def test_each_table_of_a_workbook_has_its_own_sheet(crm: CRM, tmp_path: Path) -> None:
    path = made.book(tmp_path / "全部.xlsx", 甲=made.HOUSEHOLDS, 乙=made.CHARGES)
    text = (
        "[[tables]]\nkind = 'charges'\nsheet = '乙'\n"
        "[[tables]]\nkind = 'households'\nsheet = '甲'\n"
    )
    report = by(text, crm, path)
    assert not report.faults
    assert [f.rows for f in report.files.values()] == [2, 2]


@pytest.mark.rule("IMP-03")
def test_the_kind_may_be_said_where_headers_do_not_tell(crm: CRM, tmp_path: Path) -> None:
    from crm_adapters.files.kinds import KINDS

    path = made.written("a,b\n1,2\n", "x.csv")(tmp_path)
    declared = Declared(kind=KINDS[0])
    report = import_files(crm, [path], by=WHO, declared=declared)
    assert {"column_unknown", "column_missing"} == {fault.code for fault in report.faults}
